//! The graph in numbers, without its edges.
//!
//! Where every access reads and writes, unless nobody writes the place at all, each access to a place conflicts with the
//! one before and no other needs an edge: one pass that keeps who touched each place last finds everything.

use super::DependencyGraph;
use super::blocks::{Places, blocks};
use super::levels::{Cell, Levels};
use super::schedule::{Parts, components, join_items, linked};
use aethel_certificate::{Shape, Workers};
use aethel_ir::{Batch, Column, Group, PlaceId, TransactionId};
use std::sync::Mutex;

/// With more slots than this per transaction, the pass that looks at all of them together is not quick any more.
pub(super) const MANY_SLOTS: usize = 8;

/// Fewer transactions than this are surveyed before a second worker has woken up.
const WORTH_A_WORKER: usize = 1 << 15;

/// The graph in numbers.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Edges between transactions because of a place.
    pub edges: usize,
    /// Transactions on the longest chain of dependencies, `after` included.
    pub depth: usize,
    /// Transactions on the widest level.
    pub width: usize,
    /// Groups of transactions that have nothing to do with each other.
    pub components: usize,
    /// For each place, how many transactions read and write it; `None` when some access only reads or only writes.
    cells: Option<Vec<Cell>>,
}

/// The conflicts of all places together, where all accesses that can conflict read and write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Places with conflicts.
    pub places: usize,
    /// Accesses that follow another.
    pub consecutive: u64,
    /// Pairs of accesses to one place.
    pub pairs: u64,
}

impl Survey {
    pub(super) fn new(batch: &Batch, graph: &DependencyGraph, workers: &dyn Workers) -> Self {
        Self::of_updates(batch, graph, workers).unwrap_or_else(|| Self::of_schedule(batch, graph))
    }

    /// How many transactions read and write a place, where all that conflict do both; `None` where chains have to be
    /// looked at.
    #[inline]
    pub fn updates(&self, place: PlaceId) -> Option<u32> {
        Some(self.cells.as_ref()?.get(place.0 as usize)?.updates)
    }

    /// The conflicts of all places together, likewise.
    pub(crate) fn totals(&self) -> Option<Totals> {
        let mut totals = Totals::default();
        for cell in self.cells.as_ref()? {
            let (updates, before) = (u64::from(cell.updates), u64::from(cell.updates.saturating_sub(1)));
            // Sums over transactions, of which there are less than 2^32.
            totals.places = totals.places.wrapping_add(usize::from(before > 0));
            totals.consecutive = totals.consecutive.wrapping_add(before);
            totals.pairs = totals.pairs.wrapping_add(before.wrapping_mul(updates) / 2);
        }
        Some(totals)
    }

    fn of_schedule(batch: &Batch, graph: &DependencyGraph) -> Self {
        let schedule = graph.schedule(batch);
        let widths = (0..schedule.depth()).map(|level| schedule.levels.row(level).len());
        Self {
            edges: schedule.edges(),
            depth: schedule.depth(),
            width: widths.max().unwrap_or(0),
            components: components(batch, graph, schedule),
            cells: None,
        }
    }

    fn of_updates(batch: &Batch, graph: &DependencyGraph, workers: &dyn Workers) -> Option<Self> {
        let slots = updated_slots(batch, &graph.layout.shapes)?;
        let levels = Mutex::new(None);
        let parts = Mutex::new(None);
        let find_levels = || Levels::of(batch, graph, &slots);
        if workers.count() > 1 && batch.len() >= WORTH_A_WORKER {
            workers.run(&|worker| match worker {
                0 => put(&levels, find_levels()),
                1 => put(&parts, count_parts(batch, graph, &slots, 0)),
                _ => {}
            });
        } else {
            let found = find_levels();
            let touched = found.as_ref().map_or(0, Levels::places);
            put(&levels, found);
            put(
                &parts,
                count_parts(batch, graph, &slots, batch.places.len() - touched),
            );
        }
        let levels = levels.into_inner().ok().flatten()??;
        let parts: Parted = parts.into_inner().ok().flatten()?;
        if only_read(batch, &graph.layout.shapes, &slots).any(|place| levels.touched(place)) {
            return None;
        }
        Some(Self {
            edges: levels.edges,
            depth: levels.widths.len(),
            width: levels.widths.iter().max().map_or(0, |width| *width as usize),
            components: parts.parts - (batch.places.len() - levels.places()) + parts.lone,
            cells: Some(levels.cells),
        })
    }
}

fn put<T>(to: &Mutex<Option<T>>, value: T) {
    if let Ok(mut to) = to.lock() {
        *to = Some(value);
    }
}

/// For each intent, the slots that it reads and writes; `None` when some slot is written without being read, or there are
/// too many.
fn updated_slots(batch: &Batch, shapes: &[Shape]) -> Option<Vec<Vec<usize>>> {
    let mut used = vec![false; shapes.len()];
    for group in &batch.groups {
        *used.get_mut(group.intent as usize)? = true;
    }
    let of_shape = |(shape, used): (&Shape, bool)| {
        let slots: Vec<usize> = shape
            .written_slots
            .iter()
            .map(|slot| usize::from(*slot))
            .collect();
        let fits = slots.len() <= MANY_SLOTS && slots.iter().all(|slot| shape.reads(*slot));
        (fits || !used).then_some(slots)
    };
    shapes.iter().zip(used).map(of_shape).collect()
}

/// The places of slots that are only read.
fn only_read<'a>(
    batch: &'a Batch,
    shapes: &'a [Shape],
    slots: &'a [Vec<usize>],
) -> impl Iterator<Item = PlaceId> + 'a {
    batch.groups.iter().flat_map(move |group| {
        let shape = &shapes[group.intent as usize];
        let updated = &slots[group.intent as usize];
        let read = (0..group.places.len()).filter(|slot| shape.reads(*slot) && !updated.contains(slot));
        read.flat_map(|slot| {
            let places: &[PlaceId] = match &group.places[slot] {
                Column::Same(place) => std::slice::from_ref(place),
                Column::Each(places) => places,
            };
            places.iter().copied()
        })
    })
}

/// The columns of the slots that a group updates.
pub(super) fn columns<'a>(group: &'a Group, slots: &[Vec<usize>]) -> Vec<&'a Column<PlaceId>> {
    let slots = slots.get(group.intent as usize).map_or(&[][..], Vec::as_slice);
    slots.iter().filter_map(|slot| group.places.get(*slot)).collect()
}

/// Into how many sets the places fall.
struct Parted {
    /// Sets of places and linked items, untouched places included.
    parts: usize,
    /// Transactions that touch no place that conflicts, and belong to no linked item.
    lone: usize,
}

/// Transactions that touch one place are connected, so places are joined instead: all that one transaction touches.
/// At least so many places are `untouched`.
fn count_parts(batch: &Batch, graph: &DependencyGraph, slots: &[Vec<usize>], untouched: usize) -> Parted {
    let places = batch.places.len();
    let linked = match graph.items.waits.is_empty() {
        true => Vec::new(),
        false => linked(graph, batch.items.len()),
    };
    let mut parts = Parts::new(places + linked.len());
    let mut lone = 0;
    let enough = untouched + linked.len() + 1;
    for group in &batch.groups {
        match columns(group, slots).as_slice() {
            [] => lone += group.rows as usize,
            [_] => {}
            columns @ [_, _] => join_rows::<2>(columns, group.rows, &mut parts, enough),
            columns => join_rows::<MANY_SLOTS>(columns, group.rows, &mut parts, enough),
        }
    }
    let node = |id: u32| {
        let view = batch.transaction(TransactionId(id))?;
        let first = *columns(view.group, slots).first()?;
        first.get(view.row).map(|place| place.0)
    };
    if linked.is_empty() {
        return Parted {
            parts: parts.count,
            lone,
        };
    }
    join_items(batch, graph, &linked, &mut parts, node, places as u32);
    let in_linked = |id: &u32| {
        graph
            .items
            .of(TransactionId(*id))
            .is_some_and(|item| linked[item])
    };
    let ids = (0..batch.len() as u32).filter(in_linked);
    lone -= ids.filter(|id| node(*id).is_none()).count();
    Parted {
        parts: parts.count - linked.iter().filter(|linked| !**linked).count(),
        lone,
    }
}

/// Joins what each row touches, until there are no more than `enough` sets: then the touched places are one set already.
fn join_rows<const SLOTS: usize>(columns: &[&Column<PlaceId>], rows: u32, parts: &mut Parts, enough: usize) {
    let mut places = Places::<SLOTS>::new();
    for block in blocks(0..rows as usize) {
        if parts.count <= enough || places.read(columns, block).is_none() {
            return;
        }
        for row in 0..places.count() {
            for other in 1..SLOTS {
                parts.join(places.at(0, row) as u32, places.at(other, row) as u32);
            }
        }
    }
}
