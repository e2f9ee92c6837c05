//! The supply invariant: per asset, the bounded balances together stay within the range of amounts.

use aethel_ir::{Batch, Field, MAX_MINOR_UNITS, PlaceId, TransactionView};

/// A place that is not a bounded balance.
const NONE: u16 = u16::MAX;

/// The supply of each asset, kept up to date as transactions run.
#[derive(Clone, Debug)]
pub(crate) struct Supply {
    asset_of: Vec<u16>,
    /// Saturating: what does not fit is beyond the range anyway.
    totals: Vec<i128>,
}

impl Supply {
    /// The supply at the beginning: what the touched places hold, and what the caller says is elsewhere.
    pub fn new(batch: &Batch, snapshot: &[i128], elsewhere: &[i128]) -> Self {
        let mut totals = vec![0_i128; batch.assets.len()];
        for (total, elsewhere) in totals.iter_mut().zip(elsewhere) {
            *total = *elsewhere;
        }
        let asset_of: Vec<u16> = (0..batch.places.len() as u32)
            .map(PlaceId)
            .map(|place| match batch.asset_of(place) {
                Some(asset) if batch.is_bounded(place) => asset.0,
                _ => NONE,
            })
            .collect();
        for (asset, value) in asset_of.iter().zip(snapshot) {
            if let Some(total) = totals.get_mut(usize::from(*asset)) {
                *total = total.saturating_add(*value);
            }
        }
        Self { asset_of, totals }
    }

    /// The asset of a bounded balance, as an index.
    pub fn asset(&self, place: PlaceId) -> Option<usize> {
        let asset = self.asset_of.get(place.0 as usize).copied().unwrap_or(NONE);
        (asset != NONE).then_some(usize::from(asset))
    }

    /// Whether nothing can leave the range even if every inflow came first.
    pub fn holds_with(&self, inflow: &[i128]) -> bool {
        self.totals
            .iter()
            .zip(inflow)
            .all(|(total, inflow)| total.saturating_add(*inflow) <= MAX_MINOR_UNITS)
    }

    /// Whether nothing can leave the range even if every inflow came first and everything that is held counted, bounded or
    /// not. `inflow` is per asset; quicker than the exact answer, and true only when that is.
    pub fn surely_holds(batch: &Batch, snapshot: &[i128], elsewhere: &[i128], inflow: &[i128]) -> bool {
        let asset_of = |field: &Field| match field {
            Field::Balance(asset) => usize::from(asset.0),
            Field::Integer(_) | Field::Bool(_) => usize::MAX,
        };
        let assets: Vec<usize> = batch.fields.iter().map(asset_of).collect();
        let mut held = inflow.to_vec();
        let field = batch
            .one_field()
            .map(|field| assets.get(usize::from(field.0)).copied());
        if let (Some(Some(0)), [held]) = (field, held.as_mut_slice()) {
            *held = held.saturating_add(sum_of_positive(snapshot));
            return held.saturating_add(elsewhere.first().copied().unwrap_or(0).max(0)) <= MAX_MINOR_UNITS;
        }
        for ((_, field), value) in batch.places.iter().zip(snapshot) {
            let asset = assets.get(usize::from(field.0)).copied().unwrap_or(usize::MAX);
            if let Some(held) = held.get_mut(asset) {
                *held = held.saturating_add((*value).max(0));
            }
        }
        held.iter().enumerate().all(|(asset, held)| {
            let elsewhere = elsewhere.get(asset).copied().unwrap_or(0);
            held.saturating_add(elsewhere.max(0)) <= MAX_MINOR_UNITS
        })
    }

    /// Applies one transaction; gives the effect that the supply of an asset cannot take.
    pub fn apply(&mut self, view: TransactionView<'_>, before: &[i128], after: &[i128]) -> Option<u16> {
        let mut broken = None;
        for pass in 0..2 {
            for (index, effect) in view.intent.effects.iter().enumerate() {
                let slot = usize::from(effect.slot.0);
                let place = view
                    .group
                    .places
                    .get(slot)
                    .and_then(|column| column.get(view.row));
                let Some(asset) = place.and_then(|place| self.asset(*place)) else {
                    continue;
                };
                let (Some(old), Some(new)) = (before.get(slot), after.get(slot)) else {
                    continue;
                };
                if pass == 0 {
                    self.totals[asset] = self.totals[asset].saturating_add(new.saturating_sub(*old));
                } else if broken.is_none() && new > old && self.totals[asset] > MAX_MINOR_UNITS {
                    broken = Some(index as u16);
                }
            }
        }
        broken
    }
}

/// What is above zero among some values, summed up; saturating.
fn sum_of_positive(values: &[i128]) -> i128 {
    let (mut sum, mut high) = (0_i128, 0_i64);
    for value in values {
        sum = sum.wrapping_add(*value);
        high |= (*value >> 64) as i64;
    }
    // None is below zero, and none is so large that fewer than 2^33 of them could overflow.
    if (0..1 << 30).contains(&high) && values.len() < 1 << 33 {
        return sum;
    }
    (values.iter()).fold(0, |sum: i128, value| sum.saturating_add((*value).max(0)))
}
