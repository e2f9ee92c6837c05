//! Sums of transactions whose changes are no sums: each is evaluated once, from the values before.

use super::part::Part;
use aethel_ir::{
    Access, Batch, Class, Evaluator, Group, PlaceId, Rational, RoundMode, Slot, TransactionView,
};
use std::ops::Range;

/// Adds the accesses of some rows of a group to the sums of their places; what cannot be computed makes its places unknown.
pub(super) fn sum_group(
    batch: &Batch,
    group: &Group,
    rows: Range<usize>,
    access: &Access,
    initial: &[i128],
    part: &mut Part<i128>,
) {
    let Some(intent) = batch.intents.get(group.intent as usize) else {
        return;
    };
    let mut evaluator = Evaluator::default();
    let mut before = Vec::with_capacity(group.places.len());
    for row in rows.start as u32..rows.end as u32 {
        let view = TransactionView {
            batch,
            group,
            intent,
            row,
        };
        before.clear();
        before.extend(group.places.iter().map(|column| {
            let place = column.get(row).map_or(usize::MAX, |place| place.0 as usize);
            initial.get(place).copied().unwrap_or_default()
        }));
        if add_row(&mut evaluator, view, access, &before, part).is_none() {
            for column in &group.places {
                if let Some(place) = column.get(row) {
                    part.update(*place, |sums| sums.unknown = true);
                }
            }
        }
    }
}

fn add_row(
    evaluator: &mut Evaluator,
    view: TransactionView<'_>,
    access: &Access,
    before: &[i128],
    part: &mut Part<i128>,
) -> Option<()> {
    let after = evaluator.preview(view, before).ok()?;
    let deltas: Option<Vec<i128>> = (before.iter().zip(after))
        .map(|(before, after)| after.checked_sub(*before))
        .collect();
    for (slot, (access, delta)) in access.slots.iter().zip(deltas?).enumerate() {
        if access.class != Class::Add {
            continue;
        }
        let place = place_of(view, Slot(slot as u16))?;
        part.update(place, |sums| sums.add(delta))?;
        for bound in &access.bounds {
            let only_if = bound.condition.of(view.intent)?.if_bounded;
            if let Some(slot) = only_if
                && !view.batch.is_bounded(place_of(view, slot)?)
            {
                continue;
            }
            let margin = evaluator
                .margin(view, before, bound)
                .ok()?
                .div(&bound.factor)
                .ok()?;
            // The place may be lower by the margin, in whole units, and by one less where equality is not enough.
            let room = if bound.strict {
                ceiling(&margin)?.checked_sub(1)?
            } else {
                floor(&margin)?
            };
            let least = before.get(slot)?.checked_sub(room)?;
            part.update(place, |sums| sums.bound(least, delta))?;
        }
    }
    Some(())
}

fn place_of(view: TransactionView<'_>, slot: Slot) -> Option<PlaceId> {
    view.group.places.get(usize::from(slot.0))?.get(view.row).copied()
}

fn floor(number: &Rational) -> Option<i128> {
    let towards_zero = number.round(RoundMode::Down);
    let whole = towards_zero.to_i128()?;
    if towards_zero > *number {
        whole.checked_sub(1)
    } else {
        Some(whole)
    }
}

fn ceiling(number: &Rational) -> Option<i128> {
    floor(&number.neg().ok()?)?.checked_neg()
}
