//! ① Dependency analysis.
//!
//! Takes a batch. Gives its [`DependencyGraph`]: the batch order, and `after` clauses between items; and on demand how deep
//! and how wide the graph of its conflicts is, how many edges and parts it has, for every place the chain of its accesses
//! and an edge between every two consecutive accesses that conflict. Refuses a batch whose `after` clauses
//! go in a circle (AE0401) and names the circle.
//!
//! Everything is linear in the number of accesses. Where all accesses that can conflict read and write, one pass that
//! keeps the last toucher of each place finds the numbers ([`survey`](self)); otherwise chains are sorted by counting, and
//! a write needs edges only from the last write and the reads since. `after` stays between items, so that two loops of
//! a thousand rows do not need a million edges.

mod blocks;
mod circle;
mod levels;
mod parts;
mod schedule;
mod survey;

pub use parts::Components;
pub use schedule::Schedule;
pub use survey::Survey;

use crate::Refusal;
use crate::conflict_detector::{ConflictKind, Counts};
use crate::rows::Rows;
use aethel_certificate::{Layout, batch_order};
use aethel_ir::{Batch, PlaceId, TransactionId};
use std::sync::OnceLock;

/// One access in the chain of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub transaction: TransactionId,
    /// Whether it looks at the place.
    pub reads: bool,
    /// Whether it gives the place a new value.
    pub writes: bool,
}

/// What must happen before what. Positions count from 0 in batch order.
#[derive(Clone, Debug)]
pub struct DependencyGraph {
    /// The transactions in batch order.
    pub order: Vec<TransactionId>,
    /// The position of each transaction.
    pub positions: Vec<u32>,
    /// Where the accesses of each transaction lie in the columns of a run.
    pub layout: Layout,
    /// What there is between items.
    pub items: Items,
    survey: OnceLock<Survey>,
    chains: OnceLock<Rows<Access>>,
    schedule: OnceLock<Schedule>,
    components: OnceLock<usize>,
}

/// The `after` clauses of a batch.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// For each item, the items that wait for it; no duplicates. No rows when nobody waits.
    pub successors: Rows<u32>,
    /// For each item, for how many items it waits. Empty when nobody waits.
    pub waits: Vec<u32>,
    /// For each transaction, its item. Empty when nobody waits.
    of: Vec<u32>,
}

impl Items {
    fn new(batch: &Batch) -> Self {
        if batch.items.iter().all(|item| item.after.is_empty()) {
            return Self::default();
        }
        let count = batch.items.len();
        let items = batch.items.iter().enumerate();
        let edges =
            items.flat_map(|(index, item)| item.after.iter().map(move |before| (*before, index as u32)));
        let mut successors = Rows::sort(count, edges);
        let mut waits = vec![0_u32; count];
        successors.retain(|_, last, item| {
            // Sorted by follower, since they were met in source order.
            let new = last.is_none_or(|last| *last != item);
            waits[item as usize] += u32::from(new);
            new
        });
        let mut of = vec![0_u32; batch.len()];
        for (index, item) in batch.items.iter().enumerate() {
            let range = item.first as usize..(item.first as usize + item.count as usize).min(batch.len());
            of[range].fill(index as u32);
        }
        Self {
            successors,
            waits,
            of,
        }
    }

    /// The item of a transaction; `None` when no item waits for another.
    pub fn of(&self, id: TransactionId) -> Option<usize> {
        self.of.get(id.0 as usize).map(|item| *item as usize)
    }

    /// For how many items an item waits.
    pub fn waits(&self, item: usize) -> u32 {
        self.waits.get(item).copied().unwrap_or(0)
    }

    /// Whether a transaction waits for an item.
    pub fn waits_of(&self, id: TransactionId) -> bool {
        self.of(id).is_some_and(|item| self.waits(item) > 0)
    }
}

impl DependencyGraph {
    /// For each place, who accesses it, in batch order; a transaction occurs once. Sorted when first asked for; `batch` is
    /// the one that was analyzed.
    pub fn chains(&self, batch: &Batch) -> &Rows<Access> {
        self.chains
            .get_or_init(|| schedule::chains(batch, &self.order, &self.layout, &|_| true))
    }

    /// Who waits for whom when every conflict is kept in batch order; likewise.
    pub fn schedule(&self, batch: &Batch) -> &Schedule {
        self.schedule
            .get_or_init(|| Schedule::of(batch, self, self.chains(batch)))
    }

    /// Groups of transactions that have nothing to do with each other; counted when first asked for, likewise.
    pub fn components(&self, batch: &Batch) -> usize {
        *self.components.get_or_init(|| parts::count(batch, self))
    }

    /// The graph in numbers; found when first asked for, likewise.
    pub fn survey(&self, batch: &Batch) -> &Survey {
        self.survey.get_or_init(|| Survey::new(batch, self))
    }

    /// Whether the numbers are known already.
    pub(crate) fn is_surveyed(&self) -> bool {
        self.survey.get().is_some()
    }

    /// How many conflicts there are at a place: between consecutive accesses, and between any two.
    pub fn counts_at(&self, batch: &Batch, place: PlaceId) -> (Counts, Counts) {
        match self.survey(batch).updates(place) {
            Some(updates) => Counts::of_updates(updates),
            None => self.counted(batch, place),
        }
    }

    /// Every access counts the earlier writers and readers of its place, so that n² pairs are counted in n steps.
    fn counted(&self, batch: &Batch, place: PlaceId) -> (Counts, Counts) {
        let mut consecutive = Counts::default();
        self.conflicts_at(batch, place, |_, _, kind| consecutive.count(kind));
        let (mut pairs, mut readers, mut writers) = (Counts::default(), 0_u64, 0_u64);
        for access in self.chains(batch).row(place.0 as usize) {
            if access.reads {
                pairs.raw += writers;
            }
            if access.writes {
                pairs.waw += writers;
                pairs.war += readers;
            }
            readers += u64::from(access.reads);
            writers += u64::from(access.writes);
        }
        (consecutive, pairs)
    }

    /// Calls `found` for every two consecutive accesses of a place that conflict: a read with the last write, a
    /// write with the last write and with every read since that write began.
    pub fn conflicts_at(
        &self,
        batch: &Batch,
        place: PlaceId,
        found: impl FnMut(TransactionId, TransactionId, ConflictKind),
    ) {
        schedule::conflicts(self.chains(batch).row(place.0 as usize), found);
    }
}

/// Builds the [`DependencyGraph`] of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct DependencyAnalyzer;

impl DependencyAnalyzer {
    /// Stage ①; see the module's contract.
    ///
    /// # Errors
    /// AE0401 when `after` clauses go in a circle.
    pub fn analyze(&self, batch: &Batch) -> Result<DependencyGraph, Refusal> {
        let order = batch_order(batch).map_err(|stuck| circle::circle(batch, &stuck))?;
        let items = Items::new(batch);
        let positions = if items.of.is_empty() {
            (0..batch.len() as u32).collect()
        } else {
            let mut positions = vec![0_u32; batch.len()];
            for (position, id) in order.iter().enumerate() {
                positions[id.0 as usize] = position as u32;
            }
            positions
        };
        Ok(DependencyGraph {
            order,
            positions,
            layout: Layout::new(batch),
            items,
            survey: OnceLock::new(),
            chains: OnceLock::new(),
            schedule: OnceLock::new(),
            components: OnceLock::new(),
        })
    }
}
