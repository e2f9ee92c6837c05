//! ② Conflict detection.
//!
//! Takes the dependency graph, the snapshot, and what is proved about how intents treat their places. Gives a [`Plan`]:
//! every conflict between consecutive accesses with its kind, the exact number of all conflicting pairs, for every place
//! whether its accesses need an order, and the schedule that keeps those in batch order that need one. Refuses nothing:
//! every conflict has an answer, the same on every machine.

use crate::dependency_analyzer::{DependencyGraph, Schedule};
use aethel_certificate::escrow::{Reason, Settlement, Treatment, settle_with};
use aethel_certificate::{Alone, Workers};
use aethel_ir::{Access, Batch, Group, PlaceId, TransactionId};
use serde::Serialize;
use std::sync::OnceLock;

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
    /// The conflicts at a place that so many transactions read and write: between consecutive ones, and between any two.
    pub(crate) fn of_updates(updates: u32) -> (Self, Self) {
        let (before, updates) = (u64::from(updates.saturating_sub(1)), u64::from(updates));
        (Self::each(before), Self::each(before * updates / 2))
    }

    /// So many of each kind: accesses that read and write conflict in all three ways.
    fn each(count: u64) -> Self {
        Self {
            raw: count,
            waw: count,
            war: count,
        }
    }

    /// One more of a kind.
    pub(crate) fn count(&mut self, kind: ConflictKind) {
        match kind {
            ConflictKind::Raw => self.raw += 1,
            ConflictKind::Waw => self.waw += 1,
            ConflictKind::War => self.war += 1,
        }
    }

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
    /// How many conflicts there are between consecutive accesses; with what follows from them they are all there are.
    pub consecutive: Counts,
    /// How many (pair of transactions, place) conflict at all.
    pub pairs: Counts,
    /// The conflicts between consecutive accesses that need no order.
    pub commuting: Counts,
    /// At how many places there are conflicts.
    pub conflicted: usize,
    /// Which places need an order, and why.
    pub settlement: Settlement,
    /// How the intents treat their places, as far as it is proved; one for each, or none.
    pub access: &'g [Access],
    any_order: bool,
    /// The numbers of the graph were found at the same time as the sums of places.
    pub beside_survey: bool,
    /// Who waits for whom, where that is less than the graph says.
    reduced: OnceLock<Schedule>,
}

/// Fewer transactions than this are surveyed before a second worker has woken up.
pub(crate) const WORTH_A_WORKER: usize = 1 << 15;

/// So many places are looked at together.
const TOGETHER: usize = 128;

impl Plan<'_> {
    /// Who waits for whom.
    pub fn schedule(&self, batch: &Batch) -> &Schedule {
        if self.nothing_ordered() {
            // What is left is `after`.
            return self.reduced.get_or_init(|| Schedule::free(batch, self.graph));
        }
        if self.commuting == Counts::default() {
            return self.graph.schedule(batch);
        }
        let ordered =
            |place: PlaceId| self.settlement.places.get(place.0 as usize) != Some(&Treatment::Escrow);
        (self.reduced).get_or_init(|| Schedule::new(batch, self.graph, &ordered))
    }

    /// Whether no two transactions conflict but where they commute, so that only `after` makes some wait.
    fn nothing_ordered(&self) -> bool {
        self.consecutive == self.commuting
    }

    /// How many edges between transactions remain.
    pub fn edges(&self, batch: &Batch) -> usize {
        if self.nothing_ordered() {
            0
        } else if self.commuting == Counts::default() {
            self.graph.survey(batch).edges
        } else {
            self.schedule(batch).edges()
        }
    }

    /// How many transactions the longest chain that remains has.
    pub fn depth(&self, batch: &Batch) -> usize {
        if self.commuting == Counts::default() {
            self.graph.survey(batch).depth
        } else if self.nothing_ordered() && self.graph.items.waits.is_empty() {
            1
        } else {
            self.schedule(batch).depth()
        }
    }

    /// Whether no place needs an order.
    pub fn any_order(&self) -> bool {
        self.any_order
    }

    /// Whether a run need not log what it saw, since every place that is written is in escrow.
    pub fn unlogged(&self) -> bool {
        self.any_order && self.settlement.has_escrow()
    }

    /// Every conflict between consecutive accesses, place by place in batch order.
    pub fn conflicts(&self, batch: &Batch) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for place in (0..batch.places.len() as u32).map(PlaceId) {
            self.graph.conflicts_at(batch, place, |from, to, kind| {
                conflicts.push(Conflict {
                    place,
                    from,
                    to,
                    kind,
                });
            });
        }
        conflicts
    }

    /// The places with the most conflicts, the most conflicted first; at most so many.
    pub fn most_conflicted(&self, batch: &Batch, most: usize) -> Vec<PlaceConflicts> {
        // Ascending by what sorts them, so that nearly every place is done with one comparison.
        let mut top: Vec<(Counts, Counts, PlaceId)> = Vec::with_capacity(most.min(batch.places.len()) + 1);
        let look_at = |place: PlaceId, top: &mut Vec<(Counts, Counts, PlaceId)>| {
            let (consecutive, pairs) = self.graph.counts_at(batch, place);
            let total = consecutive.total();
            let behind = |other: &(Counts, Counts, PlaceId)| other.0.total() >= total;
            if total == 0 || (top.len() >= most && top.last().is_none_or(behind)) {
                return;
            }
            let at = top.partition_point(behind);
            top.insert(at, (consecutive, pairs, place));
            top.truncate(most);
        };
        match self.graph.survey(batch).all_updates() {
            None => (0..batch.places.len() as u32).for_each(|place| look_at(PlaceId(place), &mut top)),
            Some(updates) => {
                // Most places have fewer than those that are listed already: many are passed over together.
                for (first, together) in (0_u32..).step_by(TOGETHER).zip(updates.chunks(TOGETHER)) {
                    let enough = |top: &[(Counts, Counts, PlaceId)]| match top.last() {
                        Some((fewest, _, _)) if top.len() >= most => fewest.raw + 2,
                        _ => 2,
                    };
                    let many = together.iter().fold(0, |many, updates| (*updates).max(many));
                    if u64::from(many) < enough(&top) {
                        continue;
                    }
                    for (place, updates) in (first..).map(PlaceId).zip(together) {
                        if u64::from(*updates) >= enough(&top) {
                            look_at(place, &mut top);
                        }
                    }
                }
            }
        }
        let listed = top.into_iter().map(|(consecutive, pairs, place)| {
            let (ordering, reason) = match self.settlement.places.get(place.0 as usize) {
                Some(Treatment::Escrow) => (PlaceOrdering::Escrow, None),
                Some(Treatment::Ordered(reason)) => (PlaceOrdering::Ordered, Some(*reason)),
                Some(Treatment::Unwritten) | None => (PlaceOrdering::Ordered, None),
            };
            PlaceConflicts {
                place,
                consecutive,
                pairs,
                ordering,
                reason,
            }
        });
        listed.collect()
    }
}

/// The conflicts at some places.
#[derive(Default)]
struct Tally {
    places: usize,
    consecutive: Counts,
    pairs: Counts,
}

impl Tally {
    fn add(&mut self, (consecutive, pairs): (Counts, Counts)) {
        self.places += usize::from(consecutive != Counts::default());
        self.consecutive.add(consecutive);
        self.pairs.add(pairs);
    }

    /// A place that so many transactions read and write.
    #[inline(always)]
    fn add_updates(&mut self, updates: u32) {
        if updates > 1 {
            self.add(Counts::of_updates(updates));
        }
    }
}

/// Stage ①'s numbers and the sums of places do not need each other, and where intents are made of sums they take about as
/// long: two workers find them at the same time.
fn settle_beside_survey(
    batch: &Batch,
    graph: &DependencyGraph,
    snapshot: &[i128],
    access: &[Access],
    workers: &dyn Workers,
) -> Settlement {
    let settlement = OnceLock::new();
    let settle = || settle_with(batch, access, snapshot, &Alone);
    workers.run(&|worker| match worker {
        0 => {
            graph.survey(batch);
        }
        1 => {
            let _ = settlement.set(settle());
        }
        _ => {}
    });
    settlement.into_inner().unwrap_or_else(settle)
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
        access: &'g [Access],
    ) -> Plan<'g> {
        self.detect_with(batch, graph, snapshot, access, &Alone)
    }

    /// [`ConflictDetector::detect`] by several workers.
    pub fn detect_with<'g>(
        &self,
        batch: &Batch,
        graph: &'g DependencyGraph,
        snapshot: &[i128],
        access: &'g [Access],
        workers: &dyn Workers,
    ) -> Plan<'g> {
        let linear = |group: &Group| {
            let access = access.get(group.intent as usize);
            access.is_some_and(|access| access.linear.is_some())
        };
        let about_equal = batch.len() >= WORTH_A_WORKER && batch.groups.iter().all(linear);
        let beside_survey = about_equal && workers.count() > 1 && !graph.is_surveyed();
        let settlement = match beside_survey {
            true => settle_beside_survey(batch, graph, snapshot, access, workers),
            false => settle_with(batch, access, snapshot, workers),
        };
        let any_order = settlement.any_order();
        let mut plan = Plan {
            graph,
            consecutive: Counts::default(),
            pairs: Counts::default(),
            commuting: Counts::default(),
            conflicted: 0,
            settlement,
            access,
            any_order,
            beside_survey,
            reduced: OnceLock::new(),
        };
        if let (true, Some(totals)) = (any_order, graph.survey(batch).totals()) {
            // Places that conflict are written, and whatever is written is in escrow.
            plan.conflicted = totals.places;
            plan.consecutive = Counts::each(totals.consecutive);
            plan.commuting = plan.consecutive;
            plan.pairs = Counts::each(totals.pairs);
            return plan;
        }
        let mut commuting = Tally::default();
        let mut ordered = Tally::default();
        for (place, treatment) in (0_u32..).map(PlaceId).zip(&plan.settlement.places) {
            let tally = match treatment {
                Treatment::Escrow => &mut commuting,
                Treatment::Ordered(_) | Treatment::Unwritten => &mut ordered,
            };
            match graph.survey(batch).updates(place) {
                Some(updates) => tally.add_updates(updates),
                None => tally.add(graph.counts_at(batch, place)),
            }
        }
        plan.conflicted = commuting.places + ordered.places;
        plan.commuting = commuting.consecutive;
        plan.consecutive = commuting.consecutive;
        plan.consecutive.add(ordered.consecutive);
        plan.pairs = commuting.pairs;
        plan.pairs.add(ordered.pairs);
        plan
    }
}
