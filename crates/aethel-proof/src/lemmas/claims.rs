//! From lemmas about a shape to what may be relied on of an intent.

use super::{AccessVerdict, Lemma, SlotVerdict, Verdict};
use aethel_ir::access::{Access, Bound, Class, SlotAccess};

/// Whether what is claimed of a slot of a shape is what is claimed of the intent; expressions have numbers of their own.
pub fn same_claim(of_shape: &SlotAccess, of_intent: &SlotAccess) -> bool {
    let bound = |bound: &Bound| {
        (
            bound.condition,
            bound.left_is_larger,
            bound.strict,
            bound.factor.clone(),
        )
    };
    of_shape.class == of_intent.class
        && of_shape.needs == of_intent.needs
        && of_shape
            .bounds
            .iter()
            .map(bound)
            .eq(of_intent.bounds.iter().map(bound))
}

/// What may be relied on: claims with a proved lemma.
pub fn access_verdict(
    access: &Access,
    (verdicts, of_slot): (Vec<Verdict>, Vec<Option<u16>>),
) -> AccessVerdict {
    let mut lemmas: Vec<Lemma> = Vec::new();
    let mut slots = Vec::with_capacity(access.slots.len());
    for (slot, claimed) in access.slots.iter().enumerate() {
        let doubted = if claimed.effect.is_some() {
            Class::General
        } else {
            Class::Read
        };
        let verdict = match of_slot.get(slot) {
            Some(Some(n)) => verdicts.get(usize::from(*n)),
            _ => None,
        };
        let (class, lemma, doubt) = match (claimed.class, verdict) {
            (Class::Add, Some(Verdict::Proved(lemma))) => {
                let found = lemmas.iter().position(|other| other.digest == lemma.digest);
                let index = found.unwrap_or_else(|| {
                    lemmas.push(lemma.clone());
                    lemmas.len() - 1
                });
                (Class::Add, Some(index), None)
            }
            (Class::Add, Some(Verdict::Undecided(why))) => (doubted, None, Some(why.clone())),
            (Class::Add, Some(Verdict::Refuted)) => (doubted, None, Some("refuted".to_owned())),
            (Class::Add, None) => {
                let why = match verdicts.first() {
                    Some(Verdict::Undecided(why)) => why.clone(),
                    _ => "its shape is not claimed to add".to_owned(),
                };
                (doubted, None, Some(why))
            }
            (other, _) => (other, None, None),
        };
        slots.push(SlotVerdict { class, lemma, doubt });
    }
    AccessVerdict {
        slots,
        linear: false,
        lemmas,
    }
}
