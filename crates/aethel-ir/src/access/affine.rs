//! Expressions as sums: how a value depends on each place.

use crate::batch::MAX_DEPTH;
use crate::intent::{BinaryOp, Expr, ExprId, Intent, Slot, Type, UnaryOp};
use crate::rational::Rational;
use std::collections::{BTreeMap, BTreeSet};

/// `constant + Σ values + Σ slots + something else`, each with its factor; no factor is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Affine {
    pub constant: Rational,
    pub values: BTreeMap<u16, Rational>,
    pub slots: BTreeMap<Slot, Rational>,
    /// The slots that the rest depends on in some other way; `None` when there is no rest.
    pub rest: Option<BTreeSet<Slot>>,
}

impl Affine {
    fn constant(value: Rational) -> Self {
        Self {
            constant: value,
            ..Self::default()
        }
    }

    fn slot(slot: Slot) -> Self {
        Self {
            slots: BTreeMap::from([(slot, Rational::ONE)]),
            ..Self::default()
        }
    }

    /// Something of which only the slots it depends on are known.
    fn opaque(slots: BTreeSet<Slot>) -> Self {
        Self {
            rest: Some(slots),
            ..Self::default()
        }
    }

    fn is_constant(&self) -> bool {
        self.values.is_empty() && self.slots.is_empty() && self.rest.is_none()
    }

    /// Every slot it depends on.
    pub fn mentions(&self) -> BTreeSet<Slot> {
        let rest = self.rest.iter().flatten();
        self.slots.keys().chain(rest).copied().collect()
    }

    /// Whether it depends on a slot in a way that is no multiple of it.
    pub fn bends(&self, slot: Slot) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.contains(&slot))
    }

    /// The factor of a slot.
    pub fn factor(&self, slot: Slot) -> Rational {
        self.slots.get(&slot).cloned().unwrap_or(Rational::ZERO)
    }

    /// `self + other * factor`; numbers that grow too wide make it opaque.
    fn plus(&self, other: &Self, factor: &Rational) -> Self {
        let sum = || {
            let mut sum = self.clone();
            sum.constant = sum.constant.add(&other.constant.mul(factor).ok()?).ok()?;
            add_all(&mut sum.values, &other.values, factor)?;
            add_all(&mut sum.slots, &other.slots, factor)?;
            if let Some(rest) = &other.rest {
                sum.rest.get_or_insert_default().extend(rest);
            }
            Some(sum)
        };
        sum().unwrap_or_else(|| Self::opaque(self.mentions().union(&other.mentions()).copied().collect()))
    }

    /// The product with a number. The rest stays even when that is zero: it may divide by zero.
    pub fn times(&self, factor: &Rational) -> Self {
        Self::default().plus(self, factor)
    }

    /// The negation.
    pub fn negated(&self) -> Self {
        self.times(&Rational::Int(-1))
    }
}

fn add_all<K: Copy + Ord>(
    to: &mut BTreeMap<K, Rational>,
    from: &BTreeMap<K, Rational>,
    factor: &Rational,
) -> Option<()> {
    for (key, value) in from {
        let old = to.get(key).cloned().unwrap_or(Rational::ZERO);
        let new = old.add(&value.mul(factor).ok()?).ok()?;
        if new.is_zero() {
            to.remove(key);
        } else {
            to.insert(*key, new);
        }
    }
    Some(())
}

/// Reads the expressions of an intent as sums.
pub(super) struct Reader<'a> {
    intent: &'a Intent,
    /// The named values, in their order.
    pub lets: Vec<Affine>,
    /// What each slot holds afterwards.
    pub after: Vec<Affine>,
}

impl<'a> Reader<'a> {
    pub fn new(intent: &'a Intent) -> Self {
        let slots = (0..intent.places.len()).map(|slot| Affine::slot(Slot(slot as u16)));
        let mut reader = Self {
            intent,
            lets: Vec::with_capacity(intent.lets.len()),
            after: slots.collect(),
        };
        for step in &intent.lets {
            let value = reader.read(step.value);
            reader.lets.push(value);
        }
        // The equations are simultaneous: none sees the new value of another.
        let effects: Vec<_> = (intent.effects.iter())
            .map(|effect| (effect.slot, reader.read(effect.value)))
            .collect();
        for (slot, value) in effects {
            if let Some(after) = reader.after.get_mut(usize::from(slot.0)) {
                *after = value;
            }
        }
        reader
    }

    /// An expression of type Bool depends on these slots.
    pub fn mentions(&self, id: ExprId) -> BTreeSet<Slot> {
        self.truth(id, 0)
    }

    /// The difference of the two sides of a comparison of numbers.
    pub fn difference(&self, left: ExprId, right: ExprId) -> Affine {
        self.read(left).plus(&self.read(right), &Rational::Int(-1))
    }

    pub fn read(&self, id: ExprId) -> Affine {
        self.number(id, 0)
    }

    fn truth(&self, id: ExprId, depth: usize) -> BTreeSet<Slot> {
        let Some(node) = self.intent.node(id).filter(|_| depth <= MAX_DEPTH) else {
            return self.everything();
        };
        match &node.expr {
            Expr::Binary(_, a, b) if self.is_number(*a) => self.difference(*a, *b).mentions(),
            Expr::Binary(_, a, b) => {
                let mut both = self.truth(*a, depth + 1);
                both.append(&mut self.truth(*b, depth + 1));
                both
            }
            Expr::Unary(_, a) => self.truth(*a, depth + 1),
            Expr::Before(_) | Expr::After(_) | Expr::Let(_) => self.number(id, depth).mentions(),
            Expr::Number(_) | Expr::Bool(_) | Expr::Value(_) | Expr::Round { .. } => BTreeSet::new(),
        }
    }

    pub fn is_number(&self, id: ExprId) -> bool {
        self.intent.node(id).is_some_and(|node| node.ty != Type::Bool)
    }

    /// Places and named values of type Bool are read as numbers too, and never summed.
    fn number(&self, id: ExprId, depth: usize) -> Affine {
        let Some(node) = self.intent.node(id).filter(|_| depth <= MAX_DEPTH) else {
            return Affine::opaque(self.everything());
        };
        let binary = |a: &ExprId, b: &ExprId| (self.number(*a, depth + 1), self.number(*b, depth + 1));
        let known = |form: Option<&Affine>| match form {
            Some(form) => form.clone(),
            None => Affine::opaque(self.everything()),
        };
        match &node.expr {
            Expr::Number(number) => Affine::constant(number.clone()),
            Expr::Bool(_) => Affine::opaque(BTreeSet::new()),
            Expr::Value(n) => Affine {
                values: BTreeMap::from([(*n, Rational::ONE)]),
                ..Affine::default()
            },
            Expr::Let(n) => known(self.lets.get(usize::from(*n))),
            Expr::Before(slot) => Affine::slot(*slot),
            // While lets and effects are read, every slot still holds its value before.
            Expr::After(slot) => known(self.after.get(usize::from(slot.0))),
            Expr::Unary(UnaryOp::Negate, a) => self.number(*a, depth + 1).negated(),
            Expr::Unary(_, a) => Affine::opaque(self.any(*a, depth)),
            Expr::Round { value, .. } => Affine::opaque(self.any(*value, depth)),
            Expr::Binary(BinaryOp::Add, a, b) => {
                let (a, b) = binary(a, b);
                a.plus(&b, &Rational::ONE)
            }
            Expr::Binary(BinaryOp::Subtract, a, b) => {
                let (a, b) = binary(a, b);
                a.plus(&b, &Rational::Int(-1))
            }
            Expr::Binary(BinaryOp::Multiply, a, b) => match binary(a, b) {
                (known, other) | (other, known) if known.is_constant() => other.times(&known.constant),
                (a, b) => Affine::opaque(a.mentions().union(&b.mentions()).copied().collect()),
            },
            Expr::Binary(BinaryOp::Divide, a, b) => {
                let (a, b) = binary(a, b);
                match Rational::ONE.div(&b.constant) {
                    Ok(inverse) if b.is_constant() => a.times(&inverse),
                    _ => Affine::opaque(a.mentions().union(&b.mentions()).copied().collect()),
                }
            }
            Expr::Binary(_, a, b) => {
                let mut both = self.any(*a, depth);
                both.append(&mut self.any(*b, depth));
                Affine::opaque(both)
            }
        }
    }

    /// What is not understood may depend on anything.
    fn everything(&self) -> BTreeSet<Slot> {
        (0..self.intent.places.len())
            .map(|slot| Slot(slot as u16))
            .collect()
    }

    fn any(&self, id: ExprId, depth: usize) -> BTreeSet<Slot> {
        if self.is_number(id) {
            self.number(id, depth + 1).mentions()
        } else {
            self.truth(id, depth + 1)
        }
    }
}
