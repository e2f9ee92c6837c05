//! Sums over columns: groups whose intents are made of sums, without evaluating anything.
//!
//! Rows are taken in blocks, and the rows of a batch are shared out among workers, each with sums of its own for the
//! stretch of places that its rows name.

use super::changes::Changes;
use super::evaluated;
use super::part::Part;
use super::table::Table;
use crate::kinds::Kinds;
use crate::workers::Workers;
use aethel_ir::access::columns::{Block, Columns};
use aethel_ir::{Access, Batch, Column, Lane};
use std::ops::Range;
use std::sync::Mutex;

/// A worker has at least so many rows.
const WORTH_A_WORKER: usize = if cfg!(test) { 1 } else { 1 << 14 };

/// Likewise, where rows are evaluated.
const WORTH_EVALUATING: usize = if cfg!(test) { 1 } else { 300 };

/// With so many rows a place, looking which places they name costs more than sums for all.
const ROWS_A_PLACE: usize = 4;

/// The sums of a batch.
pub(crate) struct Summed<N> {
    /// For each place. Where all places are bounded, nothing need be said of bounds that ask for no more than zero.
    pub sums: Table<N>,
    /// Whether every test on arguments and on places that nobody writes holds, and every change is what it is claimed to
    /// be.
    pub holds: bool,
}

/// What each change of a group is claimed to be, row by row, slots ascending.
pub(crate) type Claims<'a> = dyn Fn(usize) -> Option<Changes<'a>> + Sync + 'a;

/// What to sum.
pub(crate) struct Task<'a> {
    pub batch: &'a Batch,
    /// One for each intent.
    pub accesses: &'a [Access],
    pub initial: &'a [i128],
    /// What changes are claimed to be, by group; `None` when nothing is claimed.
    pub claims: Option<&'a Claims<'a>>,
}

impl<'a> Task<'a> {
    /// Whether the intents of all groups are made of sums.
    pub(crate) fn is_linear(&self) -> bool {
        let linear = |intent: u32| {
            let access = self.accesses.get(intent as usize);
            access.is_some_and(|access| access.linear.is_some())
        };
        self.batch.groups.iter().all(|group| linear(group.intent))
    }

    /// The sums of all groups; `None` when a column is not of whole numbers, or a number does not fit `N`.
    pub(crate) fn sum<N: Lane>(&self, workers: &dyn Workers) -> Option<Summed<N>> {
        let rows: usize = self.batch.groups.iter().map(|group| group.rows as usize).sum();
        let limit = self.limit::<N>();
        let count = workers.share(rows, WORTH_A_WORKER);
        self.shared(workers, count, &|share, part| self.sum_rows(share, limit, part))
    }

    /// The sums of groups of any kind: what is not made of sums is evaluated.
    pub(crate) fn sum_any(&self, workers: &dyn Workers) -> Option<Table<i128>> {
        let rows: usize = self.batch.groups.iter().map(|group| group.rows as usize).sum();
        let count = workers.share(rows, WORTH_EVALUATING);
        let sum = |share, part: &mut Part<i128>| {
            self.each_group(share, |index, rows| {
                let group = self.batch.groups.get(index)?;
                let summed = self.sum_group(index, rows.clone(), i128::MAX, part);
                if let (None, Some(access)) = (summed, self.accesses.get(group.intent as usize)) {
                    evaluated::sum_group(self.batch, group, rows, access, self.initial, part);
                }
                Some(())
            })?;
            Some(true)
        };
        self.shared(workers, count, &sum).map(|summed| summed.sums)
    }

    /// Shares the rows of the batch out among so many workers and joins what they sum up.
    fn shared<N: Lane>(&self, workers: &dyn Workers, count: usize, sum: &Sum<'_, N>) -> Option<Summed<N>> {
        let rows: usize = self.batch.groups.iter().map(|group| group.rows as usize).sum();
        let places = self.batch.places.len();
        let bounded = Kinds::new(self.batch).all_bounded();
        if count == 1 {
            let mut part = Part::new(0..places, bounded);
            let holds = sum(0..rows, &mut part)?;
            return Some(Summed {
                sums: part.sums,
                holds,
            });
        }
        let parts: Vec<Mutex<Option<Share<N>>>> = (0..count).map(|_| Mutex::new(None)).collect();
        workers.run(&|worker| {
            let Some(slot) = parts.get(worker) else { return };
            let share = rows * worker / count..rows * (worker + 1) / count;
            let mut part = Part::new(self.places_of(share.clone()), bounded);
            let holds = sum(share, &mut part);
            if let (Some(holds), Ok(mut slot)) = (holds, slot.lock()) {
                *slot = Some((part, holds));
            }
        });
        let mut whole: Option<Table<N>> = None;
        let mut all_hold = true;
        for part in parts {
            let (part, holds) = part.into_inner().ok().flatten()?;
            all_hold &= holds;
            let whole = match &mut whole {
                none @ None if part.base == 0 && part.sums.len() == places => {
                    *none = Some(part.sums);
                    continue;
                }
                some => some.get_or_insert_with(|| Table::new(places)),
            };
            whole.join(part.base..part.base + part.sums.len(), &part.sums)?;
            for (place, more) in &part.same {
                whole.update(place.0 as usize, |sums| sums.join(more))?;
            }
        }
        Some(Summed {
            sums: whole.unwrap_or_else(|| Table::new(places)),
            holds: all_hold,
        })
    }

    /// So large may a change or a bound be that the sums of all fit.
    fn limit<N: Lane>(&self) -> N {
        let groups = self.batch.groups.iter();
        let numbers: u64 = groups
            .map(|group| u64::from(group.rows).saturating_mul(group.places.len() as u64 + 1))
            .fold(1, u64::saturating_add);
        N::limit(numbers)
    }

    /// The stretch of places that columns name in these rows, counted over all groups; all places where they are few.
    fn places_of(&self, share: Range<usize>) -> Range<usize> {
        let places = self.batch.places.len();
        if places <= share.len() / ROWS_A_PLACE {
            return 0..places;
        }
        let (mut low, mut high) = (u32::MAX, 0);
        self.each_group(share, |group, rows| {
            let group = self.batch.groups.get(group)?;
            for column in &group.places {
                if let Column::Each(places) = column {
                    let places = places.get(rows.clone())?.iter().map(|place| place.0);
                    (low, high) = places.fold((low, high), |(low, high), place| {
                        (low.min(place), high.max(place + 1))
                    });
                }
            }
            Some(())
        });
        low.min(high) as usize..high as usize
    }

    /// Calls `found` with each group that has some of these rows, and which of its own.
    fn each_group(
        &self,
        share: Range<usize>,
        mut found: impl FnMut(usize, Range<usize>) -> Option<()>,
    ) -> Option<()> {
        let mut before = 0;
        for (index, group) in self.batch.groups.iter().enumerate() {
            let rows = group.rows as usize;
            let (first, end) = (share.start.max(before), share.end.min(before + rows));
            if first < end {
                found(index, first - before..end - before)?;
            }
            before += rows;
        }
        Some(())
    }

    fn sum_rows<N: Lane>(&self, share: Range<usize>, limit: N, part: &mut Part<N>) -> Option<bool> {
        let mut holds = true;
        self.each_group(share, |index, rows| {
            holds &= self.sum_group(index, rows, limit, part)?;
            Some(())
        })?;
        Some(holds)
    }

    /// Some rows of a group; `None`, before anything is added, when its intent is not made of sums or a column is not of
    /// whole numbers, and with narrow lanes also later, when a number does not fit.
    pub(crate) fn sum_group<N: Lane>(
        &self,
        index: usize,
        rows: Range<usize>,
        limit: N,
        part: &mut Part<N>,
    ) -> Option<bool> {
        let group = self.batch.groups.get(index)?;
        let intent = self.batch.intents.get(group.intent as usize)?;
        let linear = self.accesses.get(group.intent as usize)?.linear.as_ref()?;
        let columns = Columns::new(self.batch, intent, group, linear, self.initial, limit)?;
        let claimed = match self.claims {
            Some(claims) => Some(claims(index)?),
            None => None,
        };
        let mut room = columns.room();
        let mut holds = true;
        for block in Block::of(rows) {
            match part.add(&columns, block, &mut room, claimed) {
                Some(all) => holds &= all,
                // Where there is nothing wider, the block makes all of its places unknown; batch order then decides.
                None if !N::NARROW => {
                    part.forget(&columns, block);
                    holds = false;
                }
                None => return None,
            }
        }
        Some(holds)
    }
}

/// Adds some rows to the sums of a worker; gives whether they hold.
type Sum<'a, N> = dyn Fn(Range<usize>, &mut Part<N>) -> Option<bool> + Sync + 'a;

/// What a worker found: its sums, and whether its rows hold.
type Share<N> = (Part<N>, bool);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escrow::Sums;
    use crate::escrow::settle_with;
    use crate::support::{Build, Kind, from_steps, strategies};
    use crate::workers::tests::Threads;
    use crate::{Alone, accesses};
    use aethel_ir::PlaceId;
    use proptest::prelude::*;

    const KINDS: &[Kind] = &[
        Kind::Pay,
        Kind::Fee,
        Kind::Pair,
        Kind::Mix,
        Kind::Deposit,
        Kind::Third,
    ];

    fn same<N: Lane, M: Lane>(a: &Sums<N>, b: &Sums<M>) -> bool {
        // Of bounded places nothing need be said about bounds that ask for no more than zero.
        let least = |least: i128, lowest: i128| if least != lowest { least.max(0) } else { 0 };
        a.debit.wide() == b.debit.wide()
            && a.credit.wide() == b.credit.wide()
            && least(a.least.wide(), N::LOWEST.wide()) == least(b.least.wide(), M::LOWEST.wide())
            && a.unknown == b.unknown
            && a.written == b.written
    }

    proptest! {
        /// Both widths and any number of workers give the same sums, and narrow ones are given wherever all is small.
        #[test]
        fn sums_do_not_depend_on_width_and_workers(
            rows in prop::collection::vec((0_u8..6, 0_u8..6, -2_i128..40, 0_u32..64), 1..300),
            split in 1_usize..5,
            workers in 1_usize..5,
        ) {
            let mut build = Build::new("sums");
            let names: Vec<_> = (0..6).map(|n| build.account(&format!("a{n}"))).collect();
            let kinds = [Kind::Pay, Kind::Move, Kind::Deposit, Kind::Look];
            let mut largest = 0;
            for (index, part) in rows.chunks(rows.len().div_ceil(split)).enumerate() {
                let rows: Vec<_> = part.iter().map(|(a, b, amount, shift)| {
                    // Mostly small; some beyond every narrow limit.
                    let amount = if *shift > 58 { amount << shift } else { *amount };
                    largest = largest.max(amount.unsigned_abs());
                    (names[usize::from(*a)], names[usize::from(*b)], amount)
                }).collect();
                build.id_rows(kinds[index % kinds.len()], &rows);
            }
            let snapshot = build.snapshot(1000, &[]);
            let accesses = accesses(&build.batch);
            let task = Task { batch: &build.batch, accesses: &accesses, initial: &snapshot, claims: None };
            let wide = task.sum::<i128>(&Alone).ok_or_else(|| TestCaseError::fail("not linear"))?;
            let shared = task.sum::<i128>(&Threads(workers)).ok_or_else(|| TestCaseError::fail("not linear"))?;
            prop_assert_eq!(wide.holds, shared.holds);
            let all = |a: &Table<i128>, b: &Table<i128>| a.iter().zip(b.iter()).all(|(a, b)| same(&a, &b));
            prop_assert!(all(&wide.sums, &shared.sums));
            match task.sum::<i64>(&Threads(workers)) {
                Some(narrow) => {
                    prop_assert_eq!(wide.holds, narrow.holds);
                    prop_assert!(wide.sums.iter().zip(narrow.sums.iter()).all(|(a, b)| same(&a, &b)));
                }
                None => prop_assert!(largest > 1 << 40),
            }
        }
    }

    proptest! {
        /// What is evaluated comes to the same for any number of workers too.
        #[test]
        fn settlements_do_not_depend_on_workers(
            steps in prop::collection::vec(strategies::step(KINDS), 1..40),
            start in 0_i128..3000,
            workers in 2_usize..6,
        ) {
            let build = from_steps(&steps, 6);
            let snapshot = build.snapshot(start, &[]);
            let accesses = accesses(&build.batch);
            let alone = settle_with(&build.batch, &accesses, &snapshot, &Alone);
            let shared = settle_with(&build.batch, &accesses, &snapshot, &Threads(workers));
            prop_assert_eq!(&alone.places, &shared.places);
            for (place, before) in (0_u32..).map(PlaceId).zip(snapshot) {
                prop_assert_eq!(alone.end(place, before), shared.end(place, before));
            }
        }
    }

    /// A worker that has rows of far places only keeps no sums for the others, and the payer of all rows is not lost.
    #[test]
    fn a_share_has_sums_for_its_own_places() {
        let mut build = Build::new("far");
        let payer = build.account("payer");
        let rows: Vec<_> = (0..1000)
            .map(|n| (payer, build.account(&format!("e{n}")), 5))
            .collect();
        build.id_rows(Kind::Pay, &rows);
        let place = build.balance("payer");
        build.batch.groups[0].accounts[0] = Column::Same(payer);
        build.batch.groups[0].places[0] = Column::Same(place);
        let snapshot = build.snapshot(10_000, &[]);
        let accesses = accesses(&build.batch);
        let task = Task {
            batch: &build.batch,
            accesses: &accesses,
            initial: &snapshot,
            claims: None,
        };
        let half = task.places_of(500..1000);
        assert!(half.len() <= 500 && half.start > 400, "{half:?}");
        let sums = task.sum::<i64>(&Threads(2)).map(|summed| summed.sums);
        assert_eq!(
            sums.and_then(|sums| sums.get(place.0 as usize))
                .map(|sums| sums.debit),
            Some(5000)
        );
    }
}
