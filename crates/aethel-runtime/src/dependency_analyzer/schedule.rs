//! Every access and every edge, for whoever needs more than numbers about them: a parallel run of transactions that must
//! keep an order, and explanations.

use super::{Access, DependencyGraph};
use crate::conflict_detector::ConflictKind;
use crate::rows::Rows;
use aethel_certificate::Layout;
use aethel_ir::{Batch, PlaceId, TransactionId};

/// Who waits for whom.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// For each transaction, who must wait for it because of a place; no duplicates.
    pub successors: Rows<u32>,
    /// For each transaction, how many it must wait for because of a place.
    pub waits: Vec<u32>,
    /// The transactions level by level, `after` included: those of one level are independent of each other.
    pub levels: Rows<u32>,
}

impl Schedule {
    /// The schedule in which conflicts at these places are kept in batch order.
    pub fn new(batch: &Batch, graph: &DependencyGraph, ordered: &dyn Fn(PlaceId) -> bool) -> Self {
        let chains = chains(batch, &graph.order, &graph.layout, ordered);
        Self::of(batch, graph, &chains)
    }

    /// The schedule in which nobody waits because of a place.
    pub fn free(batch: &Batch, graph: &DependencyGraph) -> Self {
        let count = batch.len();
        let mut schedule = Schedule {
            successors: Rows::empty(count),
            waits: vec![0; count],
            levels: Rows::default(),
        };
        match graph.items.waits.is_empty() {
            true => schedule.levels = Rows::one(graph.order.iter().map(|id| id.0).collect()),
            false => schedule.level(batch, graph),
        }
        schedule
    }

    /// The schedule in which the conflicts of these chains are kept in batch order.
    pub(super) fn of(batch: &Batch, graph: &DependencyGraph, chains: &Rows<Access>) -> Self {
        let mut schedule = Schedule::default();
        schedule.connect(graph, chains);
        schedule.level(batch, graph);
        debug_assert_eq!(schedule.levels.total(), batch.len());
        schedule
    }

    /// How many edges there are between transactions, `after` not counted.
    pub fn edges(&self) -> usize {
        self.successors.total()
    }

    /// How many transactions the longest chain of dependencies has.
    pub fn depth(&self) -> usize {
        self.levels.len()
    }
}

impl Schedule {
    fn connect(&mut self, graph: &DependencyGraph, chains: &Rows<Access>) {
        let mut edges: Vec<(u32, u32)> = Vec::new();
        for place in 0..chains.len() {
            conflicts(chains.row(place), |from, to, _| {
                // The kinds of one pair come one after the other.
                if edges.last() != Some(&(from.0, to.0)) {
                    edges.push((from.0, to.0));
                }
            });
        }
        let count = graph.order.len();
        self.successors = Rows::sort(count, edges.iter().copied());
        self.waits = vec![0; count];
        let mut last_from = vec![usize::MAX; count];
        let waits = &mut self.waits;
        self.successors.retain(|from, _, to| {
            let new = std::mem::replace(&mut last_from[to as usize], from) != from;
            waits[to as usize] += u32::from(new);
            new
        });
    }

    /// The level of a transaction is one more than the highest it waits for.
    fn level(&mut self, batch: &Batch, graph: &DependencyGraph) {
        let mut level = vec![0_u32; graph.order.len()];
        // For items: the level that followers may begin with.
        let mut free = vec![0_u32; batch.items.len()];
        let mut floor = vec![0_u32; batch.items.len()];
        let item_order = aethel_certificate::item_order(batch).unwrap_or_default();
        for item in item_order {
            let index = item as usize;
            free[index] = floor[index];
            let first = batch.items[index].first;
            for id in first..first + batch.items[index].count {
                let own = level[id as usize].max(floor[index]);
                level[id as usize] = own;
                free[index] = free[index].max(own + 1);
                for next in self.successors.row(id as usize) {
                    level[*next as usize] = level[*next as usize].max(own + 1);
                }
            }
            for next in graph.items.successors.row(index) {
                floor[*next as usize] = floor[*next as usize].max(free[index]);
            }
        }
        let depth = level.iter().map(|level| *level as usize + 1).max().unwrap_or(0);
        self.levels = Rows::sort(depth, graph.order.iter().map(|id| (level[id.0 as usize], id.0)));
    }
}

/// Every two consecutive accesses of a chain that conflict.
pub(super) fn conflicts(chain: &[Access], mut found: impl FnMut(TransactionId, TransactionId, ConflictKind)) {
    let mut writer = None;
    let mut readers: Vec<TransactionId> = Vec::new();
    for access in chain {
        let id = access.transaction;
        if let (true, Some(writer)) = (access.reads, writer) {
            found(writer, id, ConflictKind::Raw);
        }
        if access.writes {
            if let Some(writer) = writer {
                found(writer, id, ConflictKind::Waw);
            }
            for reader in readers.drain(..) {
                found(reader, id, ConflictKind::War);
            }
            writer = Some(id);
        }
        if access.reads {
            readers.push(id);
        }
    }
}

/// Sorts the accesses of all transactions to the places that are wanted by place, in batch order.
pub(super) fn chains(
    batch: &Batch,
    order: &[TransactionId],
    layout: &Layout,
    wanted: &dyn Fn(PlaceId) -> bool,
) -> Rows<Access> {
    let accesses = order.iter().flat_map(|id| {
        let view = batch.transaction(*id);
        view.into_iter().flat_map(move |view| {
            let shape = &layout.shapes[view.group.intent as usize];
            view.group
                .places
                .iter()
                .enumerate()
                .filter_map(move |(slot, column)| {
                    let place = column.get(view.row).filter(|_| shape.touches(slot))?;
                    if !wanted(*place) {
                        return None;
                    }
                    let access = Access {
                        transaction: *id,
                        reads: shape.reads(slot),
                        writes: shape.writes(slot),
                    };
                    Some((place.0, access))
                })
        })
    });
    let mut rows = Rows::sort(batch.places.len(), accesses);
    // Two parameters may be one account when nothing is written: one access then.
    rows.retain(|_, last, access| match last {
        Some(last) if last.transaction == access.transaction => {
            last.reads |= access.reads;
            last.writes |= access.writes;
            false
        }
        _ => true,
    });
    rows
}
