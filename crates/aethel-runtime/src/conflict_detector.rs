//! ② Conflict detection.
//!
//! Takes the dependency graph, the snapshot, and what is proved about how intents treat their places. Gives a [`Plan`]:
//! every conflict between consecutive accesses with its kind, the exact number of all conflicting pairs, for every place
//! whether its accesses need an order, and the schedule that keeps those in batch order that need one. Refuses nothing:
//! every conflict has an answer, the same on every machine.

use crate::dependency_analyzer::{DependencyGraph, Schedule};
use aethel_certificate::escrow::{Reason, Settlement, Treatment, settle};
use aethel_ir::{Access, Batch, PlaceId, TransactionId};
use serde::Serialize;
use std::cmp::Reverse;

/// What two accesses to one place do to each other; the first word is the later access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum ConflictKind {
    /// Read after write.
    Raw,
    /// Write after write.
    Waw,
    /// Write after read.
    War,
}

impl ConflictKind {
    /// `RAW`, `WAW` or `WAR`.
    pub fn name(self) -> &'static str {
        match self {
            ConflictKind::Raw => "RAW",
            ConflictKind::Waw => "WAW",
            ConflictKind::War => "WAR",
        }
    }
}

/// Two transactions that access one place, at least one of them writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conflict {
    /// The place.
    pub place: PlaceId,
    /// The earlier in batch order.
    pub from: TransactionId,
    /// The later.
    pub to: TransactionId,
    /// What they do to each other.
    pub kind: ConflictKind,
}

/// How many conflicts of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Reads after a write.
    pub raw: u64,
    /// Writes after a write.
    pub waw: u64,
    /// Writes after a read.
    pub war: u64,
}

impl Counts {
    /// All kinds together.
    pub fn total(self) -> u64 {
        self.raw + self.waw + self.war
    }

    fn add(&mut self, other: Counts) {
        self.raw += other.raw;
        self.waw += other.waw;
        self.war += other.war;
    }
}

/// How the accesses to a place are kept from disturbing each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceOrdering {
    /// One after the other, in batch order.
    Ordered,
    /// In any order: it is proved that all orders give the same result.
    Escrow,
}

/// The conflicts at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceConflicts {
    /// The place.
    pub place: PlaceId,
    /// Between consecutive accesses.
    pub consecutive: Counts,
    /// Between any two accesses.
    pub pairs: Counts,
    /// How they are resolved.
    pub ordering: PlaceOrdering,
    /// Why they are kept in order, when they are.
    pub reason: Option<Reason>,
}

/// What conflicts, and how it is resolved.
#[derive(Clone, Debug)]
pub struct Plan<'g> {
    /// What must happen before what.
    pub graph: &'g DependencyGraph,
    /// Every conflict between consecutive accesses, place by place in batch order; with what follows from them they
    /// are all conflicts there are.
    pub conflicts: Vec<Conflict>,
    /// How many of them.
    pub consecutive: Counts,
    /// How many (pair of transactions, place) conflict at all.
    pub pairs: Counts,
    /// The conflicts between consecutive accesses that need no order.
    pub commuting: Counts,
    /// The places with conflicts, the most conflicted first.
    pub places: Vec<PlaceConflicts>,
    /// Which places need an order, and why.
    pub settlement: Settlement,
    /// Who waits for whom, where that is less than the graph says.
    reduced: Option<Schedule>,
}

impl Plan<'_> {
    /// Who waits for whom.
    pub fn schedule(&self) -> &Schedule {
        self.reduced.as_ref().unwrap_or(&self.graph.schedule)
    }

    /// Whether no place needs an order.
    pub fn any_order(&self) -> bool {
        self.settlement.any_order()
    }

    /// Whether a run need not log what it saw, since every place that is written is in escrow.
    pub fn unlogged(&self) -> bool {
        self.any_order() && self.settlement.places.contains(&Treatment::Escrow)
    }
}

/// Finds and resolves the conflicts of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConflictDetector;

impl ConflictDetector {
    /// Stage ②; see the module's contract. `snapshot` holds the value of each place; `access` one entry for each intent,
    /// or nothing when nothing is proved.
    pub fn detect<'g>(
        &self,
        batch: &Batch,
        graph: &'g DependencyGraph,
        snapshot: &[i128],
        access: &[Access],
    ) -> Plan<'g> {
        let mut plan = Plan {
            graph,
            conflicts: Vec::new(),
            consecutive: Counts::default(),
            pairs: Counts::default(),
            commuting: Counts::default(),
            places: Vec::new(),
            settlement: settle(batch, access, snapshot),
            reduced: None,
        };
        for place in (0..batch.places.len() as u32).map(PlaceId) {
            let mut consecutive = Counts::default();
            graph.conflicts_at(place, |from, to, kind| {
                match kind {
                    ConflictKind::Raw => consecutive.raw += 1,
                    ConflictKind::Waw => consecutive.waw += 1,
                    ConflictKind::War => consecutive.war += 1,
                }
                plan.conflicts.push(Conflict {
                    place,
                    from,
                    to,
                    kind,
                });
            });
            if consecutive == Counts::default() {
                continue;
            }
            let pairs = count_pairs(graph, place);
            plan.consecutive.add(consecutive);
            plan.pairs.add(pairs);
            let (ordering, reason) = match plan.settlement.places.get(place.0 as usize) {
                Some(Treatment::Escrow) => (PlaceOrdering::Escrow, None),
                Some(Treatment::Ordered(reason)) => (PlaceOrdering::Ordered, Some(*reason)),
                Some(Treatment::Unwritten) | None => (PlaceOrdering::Ordered, None),
            };
            if ordering == PlaceOrdering::Escrow {
                plan.commuting.add(consecutive);
            }
            plan.places.push(PlaceConflicts {
                place,
                consecutive,
                pairs,
                ordering,
                reason,
            });
        }
        if plan.commuting != Counts::default() {
            let ordered = plan
                .places
                .iter()
                .filter(|p| p.ordering == PlaceOrdering::Ordered);
            plan.reduced = Some(Schedule::new(batch, graph, ordered.map(|p| p.place)));
        }
        plan.places
            .sort_by_key(|p| (Reverse(p.consecutive.total()), p.place));
        plan
    }
}

/// Every access counts the earlier writers and readers of its place, so that n² pairs are counted in n steps.
fn count_pairs(graph: &DependencyGraph, place: PlaceId) -> Counts {
    let (mut pairs, mut readers, mut writers) = (Counts::default(), 0_u64, 0_u64);
    for access in graph.chains.row(place.0 as usize) {
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
    pairs
}
