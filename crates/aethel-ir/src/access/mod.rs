//! How an intent treats each of its places: what may run in any order, and on what condition.
//!
//! Takes a compiled [`Intent`]. Gives an [`Access`]: for each slot a [`Class`] with the bounds that its conditions put
//! on it, and, when everything is a sum with whole factors, the whole intent as [`Linear`] forms for loops over
//! columns. The classes are read off the expressions by exact algebra. They are claims: `aethel-proof` has Z3 prove each
//! from the meaning of the intent before a run relies on it.
//!
//! The algebra behind the classes: on a slot of class [`Class::Add`] the new value is the old one plus a change that
//! does not depend on it, no other new value depends on it, and each condition that does is a lower bound on it. The
//! engine's own checks of range and overdraft are bounds too and are not listed.

mod affine;
pub mod columns;
mod lane;
mod linear;

pub use lane::{Lane, Signs};
pub use linear::{Form, Linear, Test};

use crate::batch::Field;
use crate::intent::{BinaryOp, Condition, Expr, ExprId, Intent, Slot};
use crate::rational::Rational;
use affine::{Affine, Reader};

/// How an intent treats one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A balance that is changed by an amount that does not depend on it (by nothing, where no effect defines it), and
    /// that conditions only bound from below.
    Add,
    /// Not written, but something depends on it in another way.
    Read,
    /// Anything else.
    General,
}

/// A condition that bounds a slot `x` from below: `left - right` (or `right - left`) is `factor * x + h` with a
/// positive factor and an `h` that does not depend on `x`, and must be at least (or more than) zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The condition of the guard, or of the postconditions, that it belongs to.
    pub condition: ConditionRef,
    /// The comparison: the condition, or a part of it between `&&`.
    pub comparison: ExprId,
    /// The left side of the comparison must be the larger.
    pub left_is_larger: bool,
    /// Equality is not enough.
    pub strict: bool,
    /// The factor of the slot, positive.
    pub factor: Rational,
}

/// A condition of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConditionRef {
    /// Condition n of the guard.
    Guard(u16),
    /// Postcondition n.
    Postcondition(u16),
}

impl ConditionRef {
    /// The condition in its intent.
    pub fn of(self, intent: &Intent) -> Option<&Condition> {
        match self {
            ConditionRef::Guard(n) => intent.guard.get(usize::from(n)),
            ConditionRef::Postcondition(n) => intent.postconditions.get(usize::from(n)),
        }
    }
}

/// How an intent treats one slot, in detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotAccess {
    /// In a word.
    pub class: Class,
    /// The effect that defines it, if one does.
    pub effect: Option<u16>,
    /// The other slots that its change or a bound on it depends on, ascending. The class holds for a batch only where
    /// nobody writes them.
    pub needs: Vec<Slot>,
    /// The conditions that bound it.
    pub bounds: Vec<Bound>,
}

/// How an intent treats its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// For each slot of the intent.
    pub slots: Vec<SlotAccess>,
    /// The whole intent as sums, when each of its slots is of class [`Class::Add`] or [`Class::Read`] and all factors
    /// are whole.
    pub linear: Option<Linear>,
}

impl Access {
    /// Reads it off an intent; `fields` are those of its batch.
    pub fn of(intent: &Intent, fields: &[Field]) -> Self {
        let reader = Reader::new(intent);
        let mut slots: Vec<SlotAccess> = (0..intent.places.len()).map(|_| untouched()).collect();
        for (index, effect) in intent.effects.iter().enumerate() {
            if let Some(access) = slots.get_mut(usize::from(effect.slot.0)) {
                access.effect = Some(index as u16);
            }
        }
        let mut marks = Marks { slots };
        marks.effects(intent, &reader);
        marks.lets(intent, &reader);
        let conditions = conditions(intent);
        let leaves: Vec<Leaf> = (conditions.iter())
            .flat_map(|(at, condition)| leaves(intent, &reader, *at, condition))
            .collect();
        for leaf in &leaves {
            marks.leaf(leaf);
        }
        let mut slots = marks.slots;
        for (place, access) in intent.places.iter().zip(&mut slots) {
            let balance = matches!(fields.get(usize::from(place.field.0)), Some(Field::Balance(_)));
            if !balance && access.effect.is_some() {
                access.class = Class::General;
            } else if !balance && !access.bounds.is_empty() {
                access.class = Class::Read;
            }
            if access.class != Class::Add {
                access.bounds.clear();
                access.needs.clear();
            }
            access.needs.sort_unstable();
            access.needs.dedup();
        }
        let linear = Linear::of(intent, &reader, &slots, &leaves);
        Self { slots, linear }
    }

    /// How it treats a slot.
    pub fn slot(&self, slot: usize) -> Option<&SlotAccess> {
        self.slots.get(slot)
    }

    /// Takes a claim back: the slot is treated as if nothing were known about it.
    pub fn distrust(&mut self, slot: usize) {
        if let Some(access) = self.slots.get_mut(slot) {
            access.class = Class::General;
            access.bounds.clear();
            access.needs.clear();
            self.linear = None;
        }
    }
}

fn untouched() -> SlotAccess {
    SlotAccess {
        class: Class::Add,
        effect: None,
        needs: Vec::new(),
        bounds: Vec::new(),
    }
}

/// Every condition of an intent with its name.
fn conditions(intent: &Intent) -> Vec<(ConditionRef, Condition)> {
    let guard = (0_u16..)
        .zip(&intent.guard)
        .map(|(n, one)| (ConditionRef::Guard(n), one.clone()));
    let after = (0_u16..)
        .zip(&intent.postconditions)
        .map(|(n, one)| (ConditionRef::Postcondition(n), one.clone()));
    guard.chain(after).collect()
}

/// A condition, or a part of one between `&&`.
struct Leaf {
    condition: ConditionRef,
    expr: ExprId,
    if_bounded: Option<Slot>,
    what: Tested,
}

/// What a leaf tests.
enum Tested {
    /// The form is at least zero, or more where strict; the flag says that it is left minus right.
    AtLeast {
        form: Affine,
        strict: bool,
        left_is_larger: bool,
    },
    /// The form is zero, or is not.
    Zero { form: Affine, equal: bool },
    /// Something else about these slots.
    Other(std::collections::BTreeSet<Slot>),
}

impl Tested {
    fn mentions(&self) -> std::collections::BTreeSet<Slot> {
        match self {
            Tested::AtLeast { form, .. } | Tested::Zero { form, .. } => form.mentions(),
            Tested::Other(slots) => slots.clone(),
        }
    }
}

fn leaves(intent: &Intent, reader: &Reader<'_>, condition: ConditionRef, whole: &Condition) -> Vec<Leaf> {
    let mut open = vec![whole.expr];
    let mut leaves = Vec::new();
    while let Some(expr) = open.pop() {
        let what = match intent.node(expr).map(|node| &node.expr) {
            Some(Expr::Binary(BinaryOp::And, a, b)) => {
                open.extend([*b, *a]);
                continue;
            }
            Some(Expr::Binary(op, a, b)) if reader.is_number(*a) => {
                let form = reader.difference(*a, *b);
                match op {
                    BinaryOp::GreaterEqual | BinaryOp::Greater => Tested::AtLeast {
                        form,
                        strict: *op == BinaryOp::Greater,
                        left_is_larger: true,
                    },
                    BinaryOp::LessEqual | BinaryOp::Less => Tested::AtLeast {
                        form: form.negated(),
                        strict: *op == BinaryOp::Less,
                        left_is_larger: false,
                    },
                    BinaryOp::Equal | BinaryOp::NotEqual => Tested::Zero {
                        form,
                        equal: *op == BinaryOp::Equal,
                    },
                    _ => Tested::Other(reader.mentions(expr)),
                }
            }
            _ => Tested::Other(reader.mentions(expr)),
        };
        leaves.push(Leaf {
            condition,
            expr,
            if_bounded: whole.if_bounded,
            what,
        });
    }
    leaves
}

/// Gathers what each slot is used for.
struct Marks {
    slots: Vec<SlotAccess>,
}

impl Marks {
    /// The slot is used in a way that is neither its own change nor a lower bound.
    fn general(&mut self, slot: Slot) {
        if let Some(access) = self.slots.get_mut(usize::from(slot.0)) {
            access.class = match access.effect {
                Some(_) => Class::General,
                None => Class::Read,
            };
        }
    }

    fn effects(&mut self, intent: &Intent, reader: &Reader<'_>) {
        for effect in &intent.effects {
            let own = effect.slot;
            let Some(form) = reader.after.get(usize::from(own.0)) else {
                continue;
            };
            if form.bends(own) || form.factor(own) != Rational::ONE {
                self.general(own);
            }
            for other in form.mentions().into_iter().filter(|slot| *slot != own) {
                self.general(other);
                if let Some(access) = self.slots.get_mut(usize::from(own.0)) {
                    access.needs.push(other);
                }
            }
        }
    }

    /// A named value is computed whether or not it is used, and one that fixes a parameter must be whole.
    fn lets(&mut self, intent: &Intent, reader: &Reader<'_>) {
        for (step, form) in intent.lets.iter().zip(&reader.lets) {
            let tested = if step.whole {
                form.mentions()
            } else {
                form.rest.clone().unwrap_or_default()
            };
            for slot in tested {
                self.general(slot);
            }
        }
    }

    fn leaf(&mut self, leaf: &Leaf) {
        let mentioned = leaf.what.mentions();
        for slot in &mentioned {
            let bound = match &leaf.what {
                Tested::AtLeast {
                    form,
                    strict,
                    left_is_larger,
                } if !form.bends(*slot) && form.factor(*slot).signum() > 0 => Bound {
                    condition: leaf.condition,
                    comparison: leaf.expr,
                    left_is_larger: *left_is_larger,
                    strict: *strict,
                    factor: form.factor(*slot),
                },
                _ => {
                    self.general(*slot);
                    continue;
                }
            };
            if let Some(access) = self.slots.get_mut(usize::from(slot.0)) {
                access.bounds.push(bound);
                access
                    .needs
                    .extend(mentioned.iter().filter(|other| *other != slot));
            }
        }
    }
}
