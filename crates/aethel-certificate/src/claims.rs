//! Checking what a certificate says about order, without running anything one after the other.
//!
//! [`check_escrow`] decides again that the places which are said to need no order need none. [`check_columns`] certifies a
//! whole run from sums over columns, where every place that the batch writes is such a place and every intent is made
//! of sums: it is what a run does inline, because it costs nanoseconds a transaction. [`check`](crate::check()) on the same certificate evaluates
//! every transaction instead and relies on none of this.

use crate::check::{Checked, Memory, check_initial, check_order, in_source_order, only_writes};
use crate::conservation::check_sums;
use crate::escrow::{Reason, Settlement, Sums, Treatment, settle, sum_group};
use crate::format::CertificateView;
use crate::kinds::kinds;
use crate::rejection::Rejection;
use aethel_ir::{Access, Batch, Class, Column, Group, MAX_MINOR_UNITS, PlaceId};

/// How each intent of a batch treats its places.
pub fn accesses(batch: &Batch) -> Vec<Access> {
    batch
        .intents
        .iter()
        .map(|intent| Access::of(intent, &batch.fields))
        .collect()
}

/// Decides again, place by place, that the accesses which are said to need no order do not need one.
///
/// # Errors
/// The first place that needs one.
pub fn check_escrow(view: &CertificateView<'_>) -> Result<(), Rejection> {
    if view.escrow.is_empty() {
        return Ok(());
    }
    let Settlement { places, .. } = settle(view.batch, &accesses(view.batch), view.initial);
    for place in view.escrow {
        let treatment = places.get(place.0 as usize);
        if treatment != Some(&Treatment::Escrow) {
            return Err(needs_order(view.batch, *place, treatment.copied()));
        }
    }
    Ok(())
}

fn needs_order(batch: &Batch, place: PlaceId, treatment: Option<Treatment>) -> Rejection {
    Rejection::NeedsOrder {
        place: batch.place_name(place),
        why: match treatment {
            Some(Treatment::Ordered(reason)) => reason.words(),
            Some(Treatment::Unwritten) | None => "nobody writes it",
            Some(Treatment::Escrow) => "it is not claimed",
        },
    }
}

impl Reason {
    /// In words, after "but".
    pub fn words(self) -> &'static str {
        match self {
            Reason::NotAdditive => "some access does more than add to it, or tests more than a lower bound",
            Reason::TooLittle => "in some order it would hold too little",
            Reason::TooMuch => "in some order it would hold more than an account can",
            Reason::NotComputed => "what it is changed by cannot be computed beforehand",
        }
    }
}

/// Certifies a run in which nothing needs an order: in every order every transaction goes through and the places end at
/// the values that are claimed. `elsewhere` is, per asset, what bounded balances outside the batch hold together. `None` when the certificate is of another kind and [`check`](crate::check()) has to decide.
///
/// # Errors
/// The first thing that does not fit.
pub fn check_columns(
    view: &CertificateView<'_>,
    memory: Memory<'_>,
    elsewhere: &[i128],
) -> Result<Option<Checked>, Rejection> {
    let batch = view.batch;
    let mut escrow = vec![false; batch.places.len()];
    for place in view.escrow {
        let flag = escrow.get_mut(place.0 as usize);
        *flag.ok_or(Rejection::BadEscrow { place: place.0 })? = true;
    }
    let logged = !(view.seen.is_empty() && view.versions.is_empty() && view.written.is_empty());
    if view.escrow.is_empty() || logged || !only_writes(batch, &escrow) {
        return Ok(None);
    }
    let places = batch.places.len();
    for (column, found) in [
        ("initial values", view.initial.len()),
        ("final values", view.final_values.len()),
        ("values in memory", memory.values.len()),
    ] {
        if found != places {
            return Err(Rejection::Length {
                column,
                expected: places,
                found,
            });
        }
    }
    let accesses = accesses(batch);
    if view.positions.len() != batch.len() || !in_source_order(view) {
        check_order(view)?;
    }
    let kinds = kinds(batch);
    check_initial(view, &kinds)?;
    let mut sums = vec![Sums::default(); places];
    let mut holds = true;
    let Some(starts) = starts(batch) else {
        return Ok(None);
    };
    let claimed = |group: usize| claimed_changes(batch, &starts, group, memory.changes);
    for (index, group) in batch.groups.iter().enumerate() {
        let parts = (
            batch.intents.get(group.intent as usize),
            accesses.get(group.intent as usize),
        );
        let (Some(intent), Some(access)) = parts else {
            return Err(Rejection::BadBatch("a group of an unknown intent"));
        };
        let Some(linear) = &access.linear else {
            return Ok(None);
        };
        let claimed = claimed(index)?;
        match sum_group(batch, intent, group, linear, view.initial, claimed, &mut sums) {
            Some(all) => holds &= all,
            None => return Ok(None),
        }
        if let Some(place) = depends_on_written(access, group, &escrow) {
            return Err(needs_order(
                batch,
                place,
                Some(Treatment::Ordered(Reason::NotAdditive)),
            ));
        }
    }
    if !holds {
        return Err(Rejection::Untrue);
    }
    let mut inflow = elsewhere.to_vec();
    inflow.resize(batch.assets.len(), 0);
    for (index, (sums, kind)) in sums.iter().zip(&kinds).enumerate() {
        let place = PlaceId(index as u32);
        let before = view.initial[index];
        if let Err(reason) = sums.suffice(kind.bounded, before) {
            return Err(needs_order(batch, place, Some(Treatment::Ordered(reason))));
        }
        let end = sums.end(before);
        check_end(view, memory.values, place, end)?;
        if let (true, Some(asset)) = (kind.bounded, kind.asset) {
            let sum = &mut inflow[usize::from(asset.0)];
            *sum = sum.saturating_add(before).saturating_add(sums.credit);
        }
    }
    for (asset, most) in batch.assets.iter().zip(inflow) {
        if most > MAX_MINOR_UNITS {
            return Err(Rejection::Supply {
                transaction: "some order of the transactions".to_owned(),
                asset: asset.name.to_string(),
            });
        }
    }
    Ok(Some(Checked {
        transactions: batch.len(),
        accesses: 0,
        sums: check_sums(view, &kinds)?,
    }))
}

/// For each group, how many writes the transactions before it make, and how many each of its own makes; `None` when the
/// transactions of some group do not follow each other row by row.
fn starts(batch: &Batch) -> Option<Vec<(usize, usize)>> {
    let mut starts = vec![None; batch.groups.len()];
    let mut writes = 0;
    let mut index = 0;
    while let Some(first) = batch.transactions.get(index) {
        let group = batch.groups.get(first.group as usize)?;
        let rows = batch.transactions.get(index..index + group.rows as usize)?;
        let in_order = (0_u32..)
            .zip(rows)
            .all(|(row, one)| one.group == first.group && one.row == row);
        let each = batch.intents.get(group.intent as usize)?.effects.len();
        let start = starts.get_mut(first.group as usize)?;
        if !in_order || rows.is_empty() || start.replace((writes, each)).is_some() {
            return None;
        }
        writes += each * rows.len();
        index += rows.len();
    }
    Some(starts.into_iter().map(|start| start.unwrap_or((0, 0))).collect())
}

/// The changes that a group is said to have made; `None` when nothing is said.
fn claimed_changes<'a>(
    batch: &Batch,
    starts: &[(usize, usize)],
    group: usize,
    changes: &'a [i128],
) -> Result<Option<&'a [i128]>, Rejection> {
    if changes.is_empty() {
        return Ok(None);
    }
    let (first, each) = starts.get(group).copied().unwrap_or((0, 0));
    let rows = batch.groups.get(group).map_or(0, |group| group.rows as usize);
    let length = Rejection::Length {
        column: "changes in memory",
        expected: first + each * rows,
        found: changes.len(),
    };
    changes.get(first..first + each * rows).map(Some).ok_or(length)
}

/// A written place that something depends on in another way than its own change and its own bounds.
fn depends_on_written(access: &Access, group: &Group, written: &[bool]) -> Option<PlaceId> {
    let place = |slot: usize, row| {
        let place = group.places.get(slot)?.get(row)?;
        written.get(place.0 as usize)?.then_some(*place)
    };
    let rows = |slot: usize| match group.places.get(slot) {
        Some(Column::Each(places)) => places.len() as u32,
        _ => group.rows.min(1),
    };
    for (slot, treated) in access.slots.iter().enumerate() {
        if treated.class != Class::Add
            && let Some(place) = (0..rows(slot)).find_map(|row| place(slot, row))
        {
            return Some(place);
        }
        for need in treated.needs.iter().map(|need| usize::from(need.0)) {
            let both = |row| place(slot, row).and_then(|_| place(need, row));
            if let Some(place) = (0..rows(slot).max(rows(need))).find_map(both) {
                return Some(place);
            }
        }
    }
    None
}

fn check_end(
    view: &CertificateView<'_>,
    memory: &[i128],
    place: PlaceId,
    end: Option<i128>,
) -> Result<(), Rejection> {
    let index = place.0 as usize;
    let (claimed, found) = (view.final_values[index], memory[index]);
    let expected = end.unwrap_or(i128::MAX);
    if claimed != expected {
        return Err(Rejection::Final {
            place: view.batch.place_name(place),
            claimed,
            expected,
        });
    }
    if found != expected {
        return Err(Rejection::Memory {
            place: view.batch.place_name(place),
            found,
            expected,
        });
    }
    Ok(())
}
