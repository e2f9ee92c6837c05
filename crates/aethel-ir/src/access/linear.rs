//! Intents that are sums with whole factors, ready for loops over columns.

use super::affine::{Affine, Reader};
use super::{Class, Leaf, SlotAccess, Tested};
use crate::intent::{Intent, Slot, Type};
use crate::rational::Rational;

/// `constant + Σ factor * argument + Σ factor * place before`, in the smallest units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// The constant.
    pub constant: i128,
    /// Value parameters and their factors, ascending; no factor is zero.
    pub values: Vec<(u16, i128)>,
    /// Slots and their factors, ascending; no factor is zero.
    pub slots: Vec<(Slot, i128)>,
}

impl Form {
    /// Its value; `None` when a number is missing or one leaves the range of `i128`.
    #[inline]
    pub fn at(
        &self,
        value: impl Fn(u16) -> Option<i128>,
        slot: impl Fn(Slot) -> Option<i128>,
    ) -> Option<i128> {
        let mut sum = self.constant;
        for (n, factor) in &self.values {
            sum = sum.checked_add(value(*n)?.checked_mul(*factor)?)?;
        }
        for (n, factor) in &self.slots {
            sum = sum.checked_add(slot(*n)?.checked_mul(*factor)?)?;
        }
        Some(sum)
    }
}

/// What a form must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Not below zero.
    AtLeastZero,
    /// Zero.
    Zero,
    /// Not zero.
    NotZero,
}

impl Test {
    /// Whether a value passes.
    #[inline]
    pub fn holds(self, value: i128) -> bool {
        match self {
            Test::AtLeastZero => value >= 0,
            Test::Zero => value == 0,
            Test::NotZero => value != 0,
        }
    }
}

/// An intent as forms. It goes through, wherever every form can be computed, exactly when every test and bound holds,
/// every range is kept, no bounded balance falls below zero and no new value leaves the range of amounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linear {
    /// For each effect its slot and by how much that changes.
    pub deltas: Vec<(Slot, Form)>,
    /// A slot of class [`Class::Add`] must not be less than the form; only tested when the slot named last is bounded.
    pub bounds: Vec<(Slot, Form, Option<Slot>)>,
    /// What must hold of everything else; likewise.
    pub tests: Vec<(Form, Test, Option<Slot>)>,
    /// Values that fix a parameter: they must be in the range of amounts.
    pub ranges: Vec<Form>,
}

impl Linear {
    /// `None` unless everything is a sum with whole factors.
    pub(super) fn of(
        intent: &Intent,
        reader: &Reader<'_>,
        slots: &[SlotAccess],
        leaves: &[Leaf],
    ) -> Option<Self> {
        if slots.iter().any(|access| access.class == Class::General) {
            return None;
        }
        let mut linear = Linear::default();
        for (step, form) in intent.lets.iter().zip(&reader.lets) {
            if form.rest.is_some() {
                return None;
            }
            if step.whole {
                linear.ranges.push(whole(intent, form)?);
            }
        }
        for effect in &intent.effects {
            let mut form = reader.after.get(usize::from(effect.slot.0))?.clone();
            form.slots.remove(&effect.slot)?;
            linear.deltas.push((effect.slot, whole(intent, &form)?));
        }
        for leaf in leaves {
            linear.leaf(intent, slots, leaf)?;
        }
        Some(linear)
    }

    fn leaf(&mut self, intent: &Intent, slots: &[SlotAccess], leaf: &Leaf) -> Option<()> {
        let (form, test) = match &leaf.what {
            Tested::AtLeast { form, strict, .. } => {
                let mut form = form.clone();
                if *strict {
                    // Scaled to whole numbers first: more than zero is then at least one.
                    form = scaled(&form)?;
                    form.constant = form.constant.sub(&Rational::ONE).ok()?;
                }
                (form, Test::AtLeastZero)
            }
            Tested::Zero { form, equal: true } => (form.clone(), Test::Zero),
            Tested::Zero { form, equal: false } => (form.clone(), Test::NotZero),
            Tested::Other(_) => return None,
        };
        let adds = |slot: &Slot| (slots.get(usize::from(slot.0))).is_some_and(|one| one.class == Class::Add);
        let bounded: Vec<Slot> = form.slots.keys().copied().filter(adds).collect();
        for slot in &bounded {
            let mut rest = form.clone();
            if rest.slots.remove(slot)? != Rational::ONE {
                return None;
            }
            let least = whole(intent, &rest.negated())?;
            self.bounds.push((*slot, least, leaf.if_bounded));
        }
        if bounded.is_empty() {
            self.tests
                .push((whole(intent, &scaled(&form)?)?, test, leaf.if_bounded));
        }
        Some(())
    }
}

/// A form with whole factors over whole arguments.
fn whole(intent: &Intent, form: &Affine) -> Option<Form> {
    if form.rest.is_some() {
        return None;
    }
    let mut values = Vec::with_capacity(form.values.len());
    for (n, factor) in &form.values {
        let ty = intent.values.get(usize::from(*n))?.ty;
        if !matches!(ty, Type::Amount(_) | Type::Integer | Type::Time) {
            return None;
        }
        values.push((*n, factor.to_i128()?));
    }
    let slots = form
        .slots
        .iter()
        .map(|(slot, factor)| Some((*slot, factor.to_i128()?)));
    Some(Form {
        constant: form.constant.to_i128()?,
        values,
        slots: slots.collect::<Option<Vec<_>>>()?,
    })
}

/// The form times a number that makes all of its factors whole.
fn scaled(form: &Affine) -> Option<Affine> {
    let mut result = form.clone();
    loop {
        let factors = result.values.values().chain(result.slots.values());
        let Some(fraction) = factors.chain([&result.constant]).find(|n| !n.is_integer()) else {
            return Some(result);
        };
        let denominator = fraction.as_fraction().1.parse::<i128>().ok()?;
        result = result.times(&Rational::Int(denominator));
    }
}
