//! Checking what a certificate says about order, without running anything one after the other.
//!
//! [`check_escrow`] decides again that the places which are said to need no order need none. [`check_columns`] certifies a
//! whole run from sums over columns, where every place that the batch writes is such a place and every intent is made
//! of sums: it is what a run does inline, because it costs nanoseconds a transaction. [`check`](crate::check()) on the same certificate evaluates
//! every transaction instead and relies on none of this.

use crate::check::{AssetSum, Checked, Memory, check_initial, check_order, in_source_order};
use crate::conservation::{check_sums, same_sums};
use crate::escrow::{Changes, Ended, Plain, Reason, Settlement, Summed, Sums, Task, Treatment, settle};
use crate::format::CertificateView;
use crate::kinds::{Kind, Kinds};
use crate::rejection::Rejection;
use crate::workers::{Alone, Workers};
use aethel_ir::{Access, Batch, Class, Column, Group, Lane, MAX_MINOR_UNITS, PlaceId};

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
    check_columns_with(view, memory, elsewhere, &Alone)
}

/// [`check_columns`] by several workers.
///
/// # Errors
/// As [`check_columns`].
pub fn check_columns_with(
    view: &CertificateView<'_>,
    memory: Memory<'_>,
    elsewhere: &[i128],
    workers: &dyn Workers,
) -> Result<Option<Checked>, Rejection> {
    let batch = view.batch;
    let escrow = flags(view)?;
    let logged = !(view.seen.is_empty() && view.versions.is_empty() && view.written.is_empty());
    if view.escrow.is_empty() || logged {
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
    for group in &batch.groups {
        let parts = (
            batch.intents.get(group.intent as usize),
            accesses.get(group.intent as usize),
        );
        let (Some(_), Some(access)) = parts else {
            return Err(Rejection::BadBatch("a group of an unknown intent"));
        };
        if access.linear.is_none() {
            return Ok(None);
        }
        if let Some(place) = depends_on_written(access, group, &escrow) {
            let reason = Treatment::Ordered(Reason::NotAdditive);
            return Err(needs_order(batch, place, Some(reason)));
        }
    }
    let Some(starts) = starts(batch) else {
        return Ok(None);
    };
    check_claims_length(batch, &starts, memory.changes)?;
    let claims = |group: usize| claimed_changes(batch, &starts, group, memory.changes);
    let task = Task {
        batch,
        accesses: &accesses,
        initial: view.initial,
        claims: (!memory.changes.is_empty()).then_some(&claims),
    };
    let ends = Ends {
        view,
        memory: memory.values,
        elsewhere,
        kinds: Kinds::new(batch),
        escrow: &escrow,
    };
    if let Some(summed) = task.sum::<i64>(workers) {
        return ends.check(&summed);
    }
    match task.sum::<i128>(workers) {
        Some(summed) => ends.check(&summed),
        None => Ok(None),
    }
}

/// For each place, whether it is claimed to be in escrow.
fn flags(view: &CertificateView<'_>) -> Result<Vec<bool>, Rejection> {
    let places = view.batch.places.len();
    // All of them are looked at, because that is quicker than asking after each whether to go on.
    let differs = (0_u32..)
        .zip(view.escrow)
        .fold(0, |all, (index, place)| all | (index ^ place.0));
    if differs == 0 && view.escrow.len() == places {
        return Ok(vec![true; places]);
    }
    let mut escrow = vec![false; places];
    for PlaceId(place) in view.escrow {
        match escrow.get_mut(*place as usize) {
            Some(flag) => *flag = true,
            None => return Err(Rejection::BadEscrow { place: *place }),
        }
    }
    Ok(escrow)
}

/// What the sums of a batch are held against.
struct Ends<'a> {
    view: &'a CertificateView<'a>,
    memory: &'a [i128],
    elsewhere: &'a [i128],
    kinds: Kinds<'a>,
    /// For each place, whether it is claimed to be in escrow.
    escrow: &'a [bool],
}

impl Ends<'_> {
    /// Every written place may be accessed in any order, every place ends where it is claimed to, no asset's supply leaves
    /// its range, and none is created or destroyed. `None` when a place is written that is not claimed to be in escrow.
    fn check<N: Lane>(&self, summed: &Summed<N>) -> Result<Option<Checked>, Rejection> {
        let plain = summed.sums.plain().filter(|_| summed.holds);
        let sums = match plain.and_then(|plain| self.check_plain(plain)) {
            Some(sums) => sums,
            // Something is wrong, or not all is small, bounded and of one asset: place by place, to say what it is.
            None => {
                let mut written = summed.sums.iter().zip(self.escrow);
                if written.any(|(sums, escrow)| sums.written && !escrow) {
                    return Ok(None);
                }
                self.check_each(summed)?;
                check_sums(self.view)?
            }
        };
        Ok(Some(Checked {
            transactions: self.view.batch.len(),
            accesses: 0,
            sums,
        }))
    }

    /// [`Ends::check`] in one pass, where nothing is wrong and all numbers are small: the sums of assets then.
    fn check_plain(&self, plain: Plain<'_>) -> Option<Vec<AssetSum>> {
        let (view, batch) = (self.view, self.view.batch);
        let ([_], true) = (batch.assets.as_slice(), self.kinds.all_bounded()) else {
            return None;
        };
        let same_values = std::ptr::eq(view.final_values, self.memory);
        let agree = |ended: Ended<'_>| {
            let range = ended.first..ended.first + ended.ends.len();
            let claimed = differences(view.final_values.get(range.clone())?, ended.ends);
            let found = match same_values {
                true => claimed,
                false => differences(self.memory.get(range.clone())?, ended.ends),
            };
            let sums = ended.debit.iter().zip(ended.credit).zip(self.escrow.get(range)?);
            let settled = sums.fold(true, |all, ((debit, credit), escrow)| {
                all & (*escrow | ((debit | credit) == 0))
            });
            (settled && claimed == 0 && found == 0).then_some(())
        };
        let total = plain.ends(view.initial, agree)?;
        let elsewhere = self.elsewhere.first().copied().unwrap_or(0);
        let most = elsewhere
            .saturating_add(total.before)
            .saturating_add(total.credit.wide());
        let fits = total.debit == total.credit && most <= MAX_MINOR_UNITS;
        fits.then(|| same_sums(batch, &[total.before]))
    }

    /// [`Ends::check`] place by place.
    fn check_each<N: Lane>(&self, summed: &Summed<N>) -> Result<(), Rejection> {
        let (view, batch) = (self.view, self.view.batch);
        check_initial(view, &self.kinds)?;
        if !summed.holds {
            return Err(Rejection::Untrue);
        }
        let mut inflow = Inflow::new(self.elsewhere, batch.assets.len());
        let claimed = view.initial.iter().zip(view.final_values).zip(self.memory);
        for (index, (sums, ((before, claimed), found))) in summed.sums.iter().zip(claimed).enumerate() {
            let kind = self.kinds.of(index);
            let expected = match sums.quick_end(kind.bounded, *before) {
                Some(end) => end,
                None => self.end(PlaceId(index as u32), &kind, &sums, *before)?,
            };
            if *claimed != expected || *found != expected {
                return Err(self.wrong_end(PlaceId(index as u32), *claimed, *found, expected));
            }
            if let (true, Some(asset)) = (kind.bounded, kind.asset) {
                inflow.add(usize::from(asset.0), before.saturating_add(sums.credit.wide()));
            }
        }
        for (asset, most) in batch.assets.iter().zip(inflow.sums()) {
            if most > MAX_MINOR_UNITS {
                return Err(Rejection::Supply {
                    transaction: "some order of the transactions".to_owned(),
                    asset: asset.name.to_string(),
                });
            }
        }
        Ok(())
    }

    fn end<N: Lane>(
        &self,
        place: PlaceId,
        kind: &Kind,
        sums: &Sums<N>,
        before: i128,
    ) -> Result<i128, Rejection> {
        let sufficient = sums.suffice(kind.bounded, before);
        sufficient
            .map(|()| sums.end(before).unwrap_or(i128::MAX))
            .map_err(|reason| needs_order(self.view.batch, place, Some(Treatment::Ordered(reason))))
    }

    fn wrong_end(&self, place: PlaceId, claimed: i128, found: i128, expected: i128) -> Rejection {
        let place = self.view.batch.place_name(place);
        if claimed == expected {
            Rejection::Memory {
                place,
                found,
                expected,
            }
        } else {
            Rejection::Final {
                place,
                claimed,
                expected,
            }
        }
    }
}

/// Zero when the values are these.
#[inline(always)]
fn differences(values: &[i128], expected: &[i64]) -> i64 {
    let pairs = values.iter().zip(expected);
    pairs.fold(0, |all, (value, expected)| {
        all | (*value as i64 ^ expected) | ((*value >> 64) as i64 ^ (expected >> 63))
    })
}

/// Per asset, a sum that saturates; neighbours mostly add to the same.
struct Inflow {
    sums: Vec<i128>,
    asset: usize,
    pending: i128,
}

impl Inflow {
    fn new(elsewhere: &[i128], assets: usize) -> Self {
        let mut sums = elsewhere.to_vec();
        sums.resize(assets, 0);
        Self {
            sums,
            asset: 0,
            pending: 0,
        }
    }

    #[inline(always)]
    fn add(&mut self, asset: usize, amount: i128) {
        if asset != self.asset {
            self.settle(asset);
        }
        self.pending = self.pending.saturating_add(amount);
    }

    fn settle(&mut self, next: usize) {
        if let Some(sum) = self.sums.get_mut(self.asset) {
            *sum = sum.saturating_add(self.pending);
        }
        (self.asset, self.pending) = (next, 0);
    }

    fn sums(mut self) -> Vec<i128> {
        self.settle(0);
        self.sums
    }
}

/// For each group, how many writes the transactions before it make, and how many each of its own makes; `None` when the
/// transactions of some group do not follow each other row by row.
fn starts(batch: &Batch) -> Option<Vec<(usize, usize)>> {
    let mut starts = vec![None; batch.groups.len()];
    let mut writes = 0;
    for stretch in batch.stretches(0..batch.len()) {
        let group = batch.groups.get(stretch.group as usize)?;
        let each = batch.intents.get(group.intent as usize)?.effects.len();
        let start = starts.get_mut(stretch.group as usize)?;
        let whole = (stretch.row, stretch.count) == (0, group.rows);
        if !whole || start.replace((writes, each)).is_some() {
            return None;
        }
        writes += each * group.rows as usize;
    }
    Some(starts.into_iter().map(|start| start.unwrap_or((0, 0))).collect())
}

/// Where something is said about changes, it is said about all.
fn check_claims_length(
    batch: &Batch,
    starts: &[(usize, usize)],
    changes: Changes<'_>,
) -> Result<(), Rejection> {
    let ends = starts.iter().zip(&batch.groups);
    let expected = ends
        .map(|((first, each), group)| first + each * group.rows as usize)
        .max();
    match expected {
        Some(expected) if !changes.is_empty() && changes.len() != expected => Err(Rejection::Length {
            column: "changes in memory",
            expected,
            found: changes.len(),
        }),
        _ => Ok(()),
    }
}

/// The changes that a group is said to have made.
fn claimed_changes<'a>(
    batch: &Batch,
    starts: &[(usize, usize)],
    group: usize,
    changes: Changes<'a>,
) -> Option<Changes<'a>> {
    let (first, each) = *starts.get(group)?;
    let rows = batch.groups.get(group)?.rows as usize;
    changes.part(first..first + each * rows)
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

#[cfg(test)]
mod tests;
