//! The checker: one linear pass in batch order over what the transactions say they saw and wrote.

use crate::conservation::check_sums;
use crate::escrow::Changes;
use crate::format::CertificateView;
use crate::kinds::Kinds;
use crate::layout::Layout;
use crate::order::batch_order;
use crate::rejection::Rejection;
use crate::running::Running;
use crate::workers::{Alone, Workers};
use aethel_ir::money::in_range;
use aethel_ir::{Batch, Column, PlaceId, Rational, TransactionId};
use std::ops::Range;
use std::sync::Mutex;

/// What an accepted certificate amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many transactions were evaluated again.
    pub transactions: usize,
    /// How many values seen were compared.
    pub accesses: usize,
    /// For each asset, its sum over the touched places, the same before and after.
    pub sums: Vec<AssetSum>,
}

/// The sum of an asset over the places of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetSum {
    /// Its name.
    pub asset: String,
    /// In minor units.
    pub minor: Rational,
    /// As a plain decimal in units.
    pub shown: String,
}

/// What a run left in memory, beside what its certificate says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory<'a> {
    /// The value of each place.
    pub values: &'a [i128],
    /// For each transaction in source order and each slot that its intent writes, the change; compared where the
    /// certificate does not log it. Empty when there is nothing to compare.
    pub changes: Changes<'a>,
}

/// A worker has at least so many transactions.
const WORTH_A_WORKER: usize = if cfg!(test) { 1 } else { 500 };

/// How often a stoppable check asks whether to go on, in transactions.
const ASK_EVERY: usize = 1024;

/// Checks a certificate whose batch is well formed ([`Batch::validate`]); `memory` is compared with the final values.
///
/// # Errors
/// The first thing that does not fit. [`Rejection::NotConserved`] comes last: everything else fitted.
pub fn check(view: &CertificateView<'_>, memory: Option<&[i128]>) -> Result<Checked, Rejection> {
    let memory = memory.map(|values| Memory {
        values,
        changes: Changes::default(),
    });
    check_while(view, memory, &[], &Alone, &|| true)
}

/// [`check`] by several workers, which knows, per asset, what bounded balances outside the batch hold together, and asks
/// every thousand transactions whether it should go on.
///
/// Each worker has a stretch of batch order. It takes over what the transactions before are logged to have written and
/// evaluates its own; since the worker before it compared what its transactions give with the same log, the first
/// stretch begins at the initial values and every other where the one before ended.
///
/// # Errors
/// As [`check`], and [`Rejection::Stopped`].
pub fn check_while(
    view: &CertificateView<'_>,
    memory: Option<Memory<'_>>,
    elsewhere: &[i128],
    workers: &dyn Workers,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Checked, Rejection> {
    let batch = view.batch;
    let layout = Layout::new(batch);
    let log = Log::new(view)?;
    check_lengths(view, memory, &layout, &log)?;
    let changes = memory.map_or(Changes::default(), |memory| memory.changes);
    let order = check_order(view)?;
    let kinds = Kinds::new(view.batch);
    check_initial(view, &kinds)?;

    let start = Running::new(view, &layout, &log, &kinds, elsewhere, changes);
    let shares = match start.can_skip() {
        true => workers.share(order.len(), WORTH_A_WORKER),
        false => 1,
    };
    let verdicts: Vec<Mutex<Result<(), Rejection>>> =
        (0..shares).map(|_| Mutex::new(Err(Rejection::Stopped))).collect();
    let share = |index: usize| {
        let Some(verdict) = verdicts.get(index) else {
            return;
        };
        let own = order.len() * index / shares..order.len() * (index + 1) / shares;
        let outcome = check_stretch(start.clone(), &order, own, go_on).and_then(|run| {
            let last = index + 1 == shares;
            if last {
                run.check_end(memory.map(|memory| memory.values))
            } else {
                Ok(())
            }
        });
        if let Ok(mut verdict) = verdict.lock() {
            *verdict = outcome;
        }
    };
    if shares == 1 {
        share(0);
    } else {
        workers.run(&share);
    }
    // The first that is not accepted counts: what comes after began from its log.
    for verdict in verdicts {
        verdict.into_inner().unwrap_or(Err(Rejection::Stopped))?;
    }
    let sums = check_sums(view)?;
    Ok(Checked {
        transactions: batch.len(),
        accesses: view.seen.len(),
        sums,
    })
}

/// Checks some transactions of batch order after what those before them are logged to have done.
fn check_stretch<'a>(
    mut run: Running<'a>,
    order: &[TransactionId],
    own: Range<usize>,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Running<'a>, Rejection> {
    for (done, id) in order.iter().enumerate().take(own.end) {
        if done % ASK_EVERY == 0 && !go_on() {
            return Err(Rejection::Stopped);
        }
        if own.contains(&done) {
            run.step(*id)?;
        } else {
            run.skip(*id)?;
        }
    }
    Ok(run)
}

/// About which places something is logged.
pub(crate) struct Log {
    /// For each place, whether its accesses were in no order.
    pub escrow: Vec<bool>,
    /// Nothing is logged, since every place that the batch writes is in escrow.
    pub nothing: bool,
}

impl Log {
    fn new(view: &CertificateView<'_>) -> Result<Self, Rejection> {
        let mut escrow = vec![false; view.batch.places.len()];
        let mut last = None;
        for place in view.escrow {
            let bad = Rejection::BadEscrow { place: place.0 };
            if last.is_some_and(|last| last >= place.0) {
                return Err(bad);
            }
            last = Some(place.0);
            *escrow.get_mut(place.0 as usize).ok_or(bad)? = true;
        }
        let nothing = !view.escrow.is_empty() && only_writes(view.batch, &escrow);
        Ok(Self { escrow, nothing })
    }
}

/// Whether a batch writes no other places than these.
pub(crate) fn only_writes(batch: &Batch, places: &[bool]) -> bool {
    batch.groups.iter().all(|group| {
        let Some(intent) = batch.intents.get(group.intent as usize) else {
            return false;
        };
        let among = |place: &PlaceId| places.get(place.0 as usize).copied().unwrap_or(false);
        (intent.effects.iter()).all(|effect| match group.places.get(usize::from(effect.slot.0)) {
            Some(Column::Same(place)) => group.rows == 0 || among(place),
            Some(Column::Each(column)) => column.iter().all(among),
            None => false,
        })
    })
}

/// Every column has exactly the entries that the places, transactions and intents of the batch ask for.
fn check_lengths(
    view: &CertificateView<'_>,
    memory: Option<Memory<'_>>,
    layout: &Layout,
    log: &Log,
) -> Result<(), Rejection> {
    let places = view.batch.places.len();
    let (slots, writes) = match log.nothing {
        true => (0, 0),
        false => (layout.total_slots(), layout.total_writes()),
    };
    // Where there are no changes to compare there is no length to check.
    let found_changes = memory.map_or(0, |memory| memory.changes.len());
    let changes = if found_changes > 0 {
        layout.total_writes()
    } else {
        0
    };
    let expectations = [
        ("initial values", places, view.initial.len()),
        ("final values", places, view.final_values.len()),
        (
            "values in memory",
            places,
            memory.map_or(places, |memory| memory.values.len()),
        ),
        ("changes in memory", changes, found_changes),
        ("positions", view.batch.len(), view.positions.len()),
        ("values seen", slots, view.seen.len()),
        ("versions seen", slots, view.versions.len()),
        ("values written", writes, view.written.len()),
    ];
    for (column, expected, found) in expectations {
        if expected != found {
            return Err(Rejection::Length {
                column,
                expected,
                found,
            });
        }
    }
    Ok(())
}

/// The positions are a permutation, and the one that the language says; that one keeps every `after`.
pub(crate) fn check_order(view: &CertificateView<'_>) -> Result<Vec<TransactionId>, Rejection> {
    let batch = view.batch;
    if view.positions.len() == batch.len() && in_source_order(view) {
        return Ok((0..batch.len() as u32).map(TransactionId).collect());
    }
    let mut taken = vec![false; batch.len()];
    for (index, position) in view.positions.iter().enumerate() {
        let fits = taken
            .get_mut(*position as usize)
            .is_some_and(|taken| !std::mem::replace(taken, true));
        if !fits {
            return Err(Rejection::NotAPermutation {
                transaction: batch.transaction_name(TransactionId(index as u32)),
                position: *position,
            });
        }
    }
    let order = batch_order(batch).map_err(|_| Rejection::NoOrder)?;
    for (expected, id) in order.iter().enumerate() {
        let position = view.positions.get(id.0 as usize).copied().unwrap_or(u32::MAX);
        if position as usize != expected {
            return Err(Rejection::NotBatchOrder {
                transaction: batch.transaction_name(*id),
                position,
                expected: expected as u32,
            });
        }
    }
    Ok(order)
}

/// Whether the positions are those of the source, and batch order is that too.
pub(crate) fn in_source_order(view: &CertificateView<'_>) -> bool {
    // All of them are looked at, because that is quicker than asking after each whether to go on.
    let differs = (0_u32..)
        .zip(view.positions)
        .fold(0, |all, (id, position)| all | (id ^ position));
    differs == 0 && view.batch.items.iter().all(|item| item.after.is_empty())
}

/// The batch begins in a state that a ledger can hold.
pub(crate) fn check_initial(view: &CertificateView<'_>, kinds: &Kinds<'_>) -> Result<(), Rejection> {
    for (index, value) in view.initial.iter().enumerate() {
        let kind = kinds.of(index);
        let fits = in_range(*value)
            && !(kind.bounded && *value < 0)
            // Truth values are stored as 0 or 1.
            && (!kind.truth || (0..=1).contains(value));
        if !fits {
            return Err(Rejection::InitialValue {
                place: view.batch.place_name(PlaceId(index as u32)),
                value: *value,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::accesses;
    use crate::escrow::settle;
    use crate::format::{Certificate, Way};
    use crate::support::{Kind, from_steps, reference, strategies};
    use crate::workers::tests::Threads;
    use proptest::prelude::*;

    const KINDS: &[Kind] = &[
        Kind::Pay,
        Kind::Mix,
        Kind::Count,
        Kind::Claim,
        Kind::Sweep,
        Kind::Set,
    ];

    /// Logs of places that need no order what changed, beside others of which everything is logged.
    fn log_changes(certificate: &mut Certificate) {
        let batch = &certificate.batch;
        let settlement = settle(batch, &accesses(batch), &certificate.initial);
        if settlement.any_order() {
            return;
        }
        certificate.escrow = settlement.escrow();
        let layout = Layout::new(batch);
        for id in (0..batch.len() as u32).map(TransactionId) {
            let view = batch.transaction(id).unwrap();
            let first = layout.slots(id).start;
            let written = &layout.shapes[view.group.intent as usize].written_slots;
            for (slot, column) in view.group.places.iter().enumerate() {
                if !certificate.escrow.contains(column.get(view.row).unwrap()) {
                    continue;
                }
                if let Some(nth) = written.iter().position(|written| usize::from(*written) == slot) {
                    certificate.written[layout.writes(id).start + nth] -= certificate.seen[first + slot];
                }
                certificate.seen[first + slot] = 0;
                certificate.versions[first + slot] = 0;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Workers say what one alone says: that all is well, or the same first thing that is wrong.
        #[test]
        fn several_workers_agree_with_one(
            steps in proptest::collection::vec(strategies::step(KINDS), 1..30),
            workers in 2_usize..6,
            column in 0_u8..5,
            at in any::<prop::sample::Index>(),
            escrow in any::<bool>(),
        ) {
            let build = from_steps(&steps, 5);
            let snapshot = build.snapshot(1_000_000, &[]);
            let Ok(run) = reference(&build.batch, &snapshot) else { return Ok(()) };
            let mut certificate = Certificate {
                batch: build.batch.clone(),
                initial: snapshot,
                final_values: run.final_values,
                positions: run.positions,
                escrow: vec![],
                seen: run.seen,
                versions: run.versions,
                written: run.written,
                way: Way::Parallel(2),
                solver: String::new(),
                lemmas: vec![],
            };
            if escrow {
                log_changes(&mut certificate);
            }
            let bump = |values: &mut [i128]| if !values.is_empty() {
                values[at.index(values.len())] += 1;
            };
            match column {
                0 => {}
                1 => bump(&mut certificate.seen),
                2 => bump(&mut certificate.written),
                3 => bump(&mut certificate.final_values),
                _ => if !certificate.versions.is_empty() {
                    let at = at.index(certificate.versions.len());
                    certificate.versions[at] += 1;
                },
            }
            let view = certificate.view();
            let alone = check_while(&view, None, &[], &Alone, &|| true);
            let shared = check_while(&view, None, &[], &Threads(workers), &|| true);
            prop_assert!(alone.is_ok() || column != 0);
            prop_assert_eq!(alone, shared);
        }
    }
}
