//! The graph in numbers, without its edges.
//!
//! Where every access reads and writes, unless nobody writes the place at all, each access to a place conflicts with the
//! one before and no other needs an edge: one pass that keeps who touched each place last finds everything.

use super::DependencyGraph;
use super::levels::Levels;
use aethel_certificate::Shape;
use aethel_ir::{Batch, Column, Group, PlaceId};

/// With more slots than this per transaction, the pass that looks at all of them together is not quick any more.
pub(super) const MANY_SLOTS: usize = 8;

/// The graph in numbers.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Edges between transactions because of a place.
    pub edges: usize,
    /// Transactions on the longest chain of dependencies, `after` included.
    pub depth: usize,
    /// Transactions on the widest level.
    pub width: usize,
    /// For each place, how many transactions read and write it; `None` when some access only reads or only writes.
    updates: Option<Vec<u32>>,
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
    pub(super) fn new(batch: &Batch, graph: &DependencyGraph) -> Self {
        Self::of_updates(batch, graph).unwrap_or_else(|| Self::of_schedule(batch, graph))
    }

    /// For each place, how many transactions read and write it, where all that conflict do both; `None` where chains have
    /// to be looked at.
    #[inline]
    pub fn all_updates(&self) -> Option<&[u32]> {
        self.updates.as_deref()
    }

    /// How many transactions read and write a place, likewise.
    #[inline]
    pub fn updates(&self, place: PlaceId) -> Option<u32> {
        self.all_updates()?.get(place.0 as usize).copied()
    }

    /// The conflicts of all places together, likewise.
    pub(crate) fn totals(&self) -> Option<Totals> {
        let mut totals = Totals::default();
        for updates in self.all_updates()? {
            let (before, updates) = (u64::from(updates.saturating_sub(1)), u64::from(*updates));
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
            updates: None,
        }
    }

    fn of_updates(batch: &Batch, graph: &DependencyGraph) -> Option<Self> {
        let slots = updated_slots(batch, &graph.layout.shapes)?;
        let levels = Levels::of(batch, graph, &slots)?;
        if only_read(batch, &graph.layout.shapes, &slots).any(|place| levels.touched(place)) {
            return None;
        }
        Some(Self {
            edges: levels.edges,
            depth: levels.widths.len(),
            width: levels.widths.iter().max().map_or(0, |width| *width as usize),
            updates: Some(levels.updates),
        })
    }
}

/// For each intent, the slots that it reads and writes; `None` when some slot is written without being read, or there are
/// too many.
pub(super) fn updated_slots(batch: &Batch, shapes: &[Shape]) -> Option<Vec<Vec<usize>>> {
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
