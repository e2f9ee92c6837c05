//! Intents that only move amounts: a sum of their equations shows that nothing is created or destroyed.

use super::subject::Subject;
use aethel_ir::access::{Access, Form};
use aethel_ir::{PlaceId, Slot};
use std::collections::BTreeMap;

/// Whether an intent conserves every asset because the changes of its balances, as sums of arguments and of places that
/// nobody changes, cancel out. `false` says nothing.
pub fn only_moves(subject: &Subject) -> bool {
    let Some(linear) = Access::of(subject.intent(), &subject.batch().fields).linear else {
        return false;
    };
    let mut sums: BTreeMap<u16, Sum> = BTreeMap::new();
    for (slot, delta) in &linear.deltas {
        if let Some(asset) = subject.batch().asset_of(PlaceId(slot.0.into()))
            && sums.entry(asset.0).or_default().add(delta).is_none()
        {
            return false;
        }
    }
    sums.values().all(Sum::is_zero)
}

/// A sum of changes.
#[derive(Default)]
struct Sum {
    constant: i128,
    values: BTreeMap<u16, i128>,
    slots: BTreeMap<Slot, i128>,
}

impl Sum {
    /// `None` when a number leaves the range of `i128`.
    fn add(&mut self, form: &Form) -> Option<()> {
        self.constant = self.constant.checked_add(form.constant)?;
        for (n, factor) in &form.values {
            let sum = self.values.entry(*n).or_default();
            *sum = sum.checked_add(*factor)?;
        }
        for (slot, factor) in &form.slots {
            let sum = self.slots.entry(*slot).or_default();
            *sum = sum.checked_add(*factor)?;
        }
        Some(())
    }

    fn is_zero(&self) -> bool {
        self.constant == 0
            && self.values.values().all(|factor| *factor == 0)
            && self.slots.values().all(|factor| *factor == 0)
    }
}
