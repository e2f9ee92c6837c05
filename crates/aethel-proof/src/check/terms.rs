//! An intent as a lemma: any state that the ledger could hold, any arguments, and what must hold then.

use crate::encode::{self, Claim, Encoded, Inputs, Term};
use crate::joined::sum_of;
use crate::number::{Malformed, Number, numeral};
use crate::shape::{Sign, SlotContext, SlotField};
use aethel_ir::{AssetId, Intent, MAX_MINOR_UNITS, Site, Type};
use num_bigint::BigInt;
use std::collections::BTreeMap;
use z3::ast::{Bool, Int, Real};

/// Something that is claimed of every transaction of an intent that passes its guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// A check of the engine, or a postcondition.
    Claim(Claim),
    /// The sum of an asset's balances is the same before and after.
    Conserves(AssetId),
}

/// An intent with unknowns for everything that a transaction brings.
pub struct Terms {
    /// The value of each slot before.
    pub before: Vec<Int>,
    /// The argument of each value parameter.
    pub values: Vec<Term>,
    /// What is known of them.
    pub premises: Vec<Bool>,
    /// That they are also a state with all accounts different, which the premises leave open for those that are only
    /// read. Examples are such states.
    pub apart: Vec<Bool>,
    /// The conditions of the guard with their indices.
    pub guard: Vec<(u16, Bool)>,
    /// Everything else that must hold, in the order in which it is tested, conservation at the end.
    pub duties: Vec<(Duty, Bool)>,
    /// The transaction.
    pub encoded: Encoded,
}

impl Terms {
    /// Encodes an intent; `signs` says what is known of some of its value parameters.
    ///
    /// # Errors
    /// When the intent is not well formed.
    pub fn new(
        intent: &Intent,
        slots: &[SlotContext],
        signs: impl Iterator<Item = (usize, Sign)>,
    ) -> Result<Self, Malformed> {
        let before: Vec<Int> = (0..slots.len())
            .map(|n| Int::new_const(format!("before{n}")))
            .collect();
        let values: Vec<Term> = (intent.values.iter().enumerate())
            .map(|(n, parameter)| unknown(&format!("value{n}"), parameter.ty))
            .collect();
        let bounded: Vec<bool> = slots.iter().map(|slot| slot.bounded).collect();
        let inputs = Inputs {
            before: &before,
            values: &values,
            bounded: &bounded,
        };
        let encoded = encode::encode(intent, inputs)?;
        let mut premises = Vec::new();
        for (term, slot) in before.iter().zip(slots) {
            premises.extend(range_of_slot(term, *slot));
        }
        for (term, parameter) in values.iter().zip(&intent.values) {
            premises.extend(range_of_value(term, parameter.ty));
        }
        for (n, sign) in signs {
            let Some(Term::Number(Number::Ratio(term, _))) = values.get(n) else {
                return Err(Malformed);
            };
            let zero = Int::from_i64(0);
            premises.push(match sign {
                Sign::Positive => term.gt(zero),
                Sign::Negative => term.lt(zero),
            });
        }
        premises.extend(supply(intent, slots, &before));
        let mut terms = Terms {
            apart: all_apart(slots, &before),
            guard: Vec::new(),
            duties: Vec::new(),
            before,
            values,
            premises,
            encoded,
        };
        terms.sort_obligations();
        terms.conservation(intent, slots);
        Ok(terms)
    }

    fn sort_obligations(&mut self) {
        for one in &self.encoded.obligations {
            match one.claim {
                Claim::Guard(n) => self.guard.push((n, one.formula.clone())),
                claim => self.duties.push((Duty::Claim(claim), one.formula.clone())),
            }
        }
    }

    /// Assets whose balances no effect changes are conserved, and not claimed of.
    fn conservation(&mut self, intent: &Intent, slots: &[SlotContext]) {
        let mut sums: BTreeMap<AssetId, (Int, Int)> = BTreeMap::new();
        let written = intent.written();
        for (n, slot) in slots.iter().enumerate() {
            let SlotField::Balance(asset) = slot.field else {
                continue;
            };
            if written.get(n) != Some(&true) {
                continue;
            }
            let (Some(before), Some(after)) = (self.before.get(n), self.encoded.after.get(n)) else {
                continue;
            };
            let zero = || Int::from_i64(0);
            let sums = sums.entry(asset).or_insert_with(|| (zero(), zero()));
            sums.0 = &sums.0 + before;
            sums.1 = &sums.1 + after;
        }
        for (asset, (before, after)) in sums {
            self.duties.push((Duty::Conserves(asset), before.eq(after)));
        }
    }

    /// What is known and what the fresh constants are; without `exact`, products of unknowns are only hinted at.
    pub fn hypotheses(&self, exact: bool) -> Vec<Bool> {
        let definitions = &self.encoded.definitions;
        let mut all = self.premises.clone();
        if exact {
            all.extend(definitions.clone());
        } else {
            all.extend(definitions.abstracted());
        }
        all
    }
}

/// A constant for an argument of a type.
pub fn unknown(name: &str, ty: Type) -> Term {
    match ty {
        Type::Bool => Term::Bool(Bool::new_const(name)),
        Type::Amount(_) | Type::Integer | Type::Time => Term::Number(Number::whole(Int::new_const(name))),
        Type::Number | Type::Price(..) => Term::Number(Number::Real(Real::new_const(name))),
    }
}

/// 2^120.
pub fn max() -> Int {
    numeral(&BigInt::from(MAX_MINOR_UNITS))
}

fn between(term: &Int, low: Int, high: Int) -> [Bool; 2] {
    [term.ge(low), term.le(high)]
}

/// What is known of the value of a slot.
pub fn range_of_slot(term: &Int, slot: SlotContext) -> [Bool; 2] {
    match slot.field {
        SlotField::Bool => between(term, Int::from_i64(0), Int::from_i64(1)),
        SlotField::Balance(_) if slot.bounded => between(term, Int::from_i64(0), max()),
        SlotField::Balance(_) | SlotField::Integer => between(term, -max(), max()),
    }
}

/// What is known of an argument.
pub fn range_of_value(term: &Term, ty: Type) -> Vec<Bool> {
    match (term, ty) {
        (Term::Number(Number::Ratio(term, _)), Type::Amount(_) | Type::Integer | Type::Time) => {
            between(term, -max(), max()).to_vec()
        }
        _ => Vec::new(),
    }
}

/// Per asset, the bounded balances together are at most the largest amount. Two accounts that are only read may be one,
/// so of those only one at a time is counted.
fn supply(intent: &Intent, slots: &[SlotContext], before: &[Int]) -> Vec<Bool> {
    let written = intent.written();
    let mut changed = vec![false; intent.accounts.len()];
    for (place, written) in intent.places.iter().zip(&written) {
        if let (true, Some(flag)) = (*written, changed.get_mut(usize::from(place.account))) {
            *flag = true;
        }
    }
    let mut assets: BTreeMap<AssetId, (Vec<Int>, Vec<Int>)> = BTreeMap::new();
    for ((slot, place), term) in slots.iter().zip(&intent.places).zip(before) {
        if let (SlotField::Balance(asset), true) = (slot.field, slot.bounded) {
            let (distinct, read) = assets.entry(asset).or_default();
            if changed.get(usize::from(place.account)) == Some(&true) {
                distinct.push(term.clone());
            } else {
                read.push(term.clone());
            }
        }
    }
    let mut premises = Vec::new();
    for (distinct, read) in assets.into_values() {
        if read.is_empty() {
            premises.push(sum_of(&distinct).le(max()));
        }
        for one in read {
            let mut sum = distinct.clone();
            sum.push(one);
            premises.push(sum_of(&sum).le(max()));
        }
    }
    premises
}

fn all_apart(slots: &[SlotContext], before: &[Int]) -> Vec<Bool> {
    let mut assets: BTreeMap<AssetId, Vec<Int>> = BTreeMap::new();
    for (slot, term) in slots.iter().zip(before) {
        if let (SlotField::Balance(asset), true) = (slot.field, slot.bounded) {
            assets.entry(asset).or_default().push(term.clone());
        }
    }
    assets
        .into_values()
        .map(|balances| sum_of(&balances).le(max()))
        .collect()
}

/// Whether an overflow there is no finding: only an account that may go below zero, or a field that nothing bounds, can
/// feed it.
pub fn is_unbounded_range(duty: Duty, intent: &Intent, slots: &[SlotContext]) -> bool {
    let Duty::Claim(Claim::InRange(Site::Effect(n))) = duty else {
        return false;
    };
    let slot = intent.effects.get(usize::from(n)).map(|effect| effect.slot);
    let field = slot
        .and_then(|slot| slots.get(usize::from(slot.0)))
        .map(|slot| slot.field);
    match field {
        Some(SlotField::Balance(asset)) => slots
            .iter()
            .any(|slot| slot.field == SlotField::Balance(asset) && !slot.bounded),
        _ => true,
    }
}
