//! The graph in numbers, without its edges.
//!
//! Where every access reads and writes, unless nobody writes the place at all, each access to a place conflicts with the
//! one before and no other needs an edge: one pass that keeps who touched each place last finds everything.

use super::DependencyGraph;
use super::schedule::{Parts, components, join_items, linked};
use aethel_certificate::{Shape, Workers, item_order};
use aethel_ir::batch::Stretch;
use aethel_ir::{Batch, Column, Group, PlaceId, TransactionId};
use std::sync::Mutex;

/// With more slots than this per transaction, the pass that looks at all of them together is not quick any more.
const MANY_SLOTS: usize = 8;

/// How often it is asked whether all places are joined already, in rows.
const LOOK_EVERY: usize = 128;

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
            totals.places += usize::from(before > 0);
            totals.consecutive += before;
            totals.pairs += before * updates / 2;
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
            let touched = found.as_ref().map_or(0, |levels| levels.places);
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
            components: parts.parts - (batch.places.len() - levels.places) + parts.lone,
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
fn columns<'a>(group: &'a Group, slots: &[Vec<usize>]) -> Vec<Places<'a>> {
    let slots = slots.get(group.intent as usize).map_or(&[][..], Vec::as_slice);
    let column = |slot: &usize| group.places.get(*slot).map(Places::of);
    slots.iter().filter_map(column).collect()
}

/// The places of a column, without a branch on what kind it is.
#[derive(Clone, Copy)]
struct Places<'a> {
    places: &'a [PlaceId],
    /// What is left of the number of a row: nothing where all rows have the same place.
    mask: usize,
}

impl<'a> Places<'a> {
    fn of(column: &'a Column<PlaceId>) -> Self {
        match column {
            Column::Same(place) => Self {
                places: std::slice::from_ref(place),
                mask: 0,
            },
            Column::Each(places) => Self {
                places,
                mask: usize::MAX,
            },
        }
    }

    /// The place of a row; columns are as long as their group has rows.
    #[inline(always)]
    fn at(&self, row: usize) -> Option<usize> {
        self.places.get(row & self.mask).map(|place| place.0 as usize)
    }
}

/// What happened to a place so far.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// The position of its last toucher, from 1; 0 when there was none.
    last: u32,
    /// The level after that of its last toucher.
    level: u32,
    updates: u32,
}

/// The levels of a graph.
#[derive(Default)]
struct Levels {
    cells: Vec<Cell>,
    edges: usize,
    /// How many places are touched.
    places: usize,
    /// How many transactions are on each level.
    widths: Vec<u32>,
    position: u32,
}

impl Levels {
    /// `None` when a column is too short.
    fn of(batch: &Batch, graph: &DependencyGraph, slots: &[Vec<usize>]) -> Option<Self> {
        let mut levels = Levels {
            cells: vec![Cell::default(); batch.places.len()],
            ..Levels::default()
        };
        if graph.items.waits.is_empty() {
            for stretch in batch.stretches(0..batch.len()) {
                levels.add(batch, slots, &stretch, 0)?;
            }
            return Some(levels);
        }
        // For items: the level that their own transactions, and their followers, may begin with.
        let mut floor = vec![0_u32; batch.items.len()];
        for item in item_order(batch).unwrap_or_default() {
            let index = item as usize;
            let (first, count) = (
                batch.items[index].first as usize,
                batch.items[index].count as usize,
            );
            let mut free = floor[index];
            for stretch in batch.stretches(first..first + count) {
                free = free.max(levels.add(batch, slots, &stretch, floor[index])?);
            }
            for next in graph.items.successors.row(index) {
                floor[*next as usize] = floor[*next as usize].max(free);
            }
        }
        Some(levels)
    }

    /// Adds some rows of a group; gives the level after theirs.
    fn add(&mut self, batch: &Batch, slots: &[Vec<usize>], stretch: &Stretch, floor: u32) -> Option<u32> {
        let group = batch.groups.get(stretch.group as usize)?;
        let columns = columns(group, slots);
        let rows = stretch.row as usize..(stretch.row + stretch.count) as usize;
        match columns.as_slice() {
            [] => self.rows([], rows, floor),
            [a] => self.rows([*a], rows, floor),
            [a, b] => self.rows([*a, *b], rows, floor),
            [a, b, c] => self.rows([*a, *b, *c], rows, floor),
            [a, b, c, d] => self.rows([*a, *b, *c, *d], rows, floor),
            many => {
                // The same column again adds nothing: a transaction touches a place once.
                let last = many.last()?;
                let filled: [_; MANY_SLOTS] = std::array::from_fn(|n| *many.get(n).unwrap_or(last));
                self.rows(filled, rows, floor)
            }
        }
    }

    #[inline(always)]
    fn rows<const SLOTS: usize>(
        &mut self,
        columns: [Places<'_>; SLOTS],
        rows: std::ops::Range<usize>,
        floor: u32,
    ) -> Option<u32> {
        let mut top = floor;
        for row in rows {
            let mut at = [0_usize; SLOTS];
            let mut cells = [Cell::default(); SLOTS];
            let mut level = floor;
            for slot in 0..SLOTS {
                at[slot] = columns[slot].at(row)?;
                cells[slot] = *self.cells.get(at[slot])?;
                level = level.max(cells[slot].level);
            }
            self.position += 1;
            for slot in 0..SLOTS {
                let cell = cells[slot];
                // The same place twice is one access, and one transaction before is one edge, whatever both touch.
                let (mut twice, mut known) = (false, cell.last == 0);
                for earlier in 0..slot {
                    twice |= at[earlier] == at[slot];
                    known |= cells[earlier].last == cell.last;
                }
                if twice {
                    continue;
                }
                self.edges += usize::from(!known);
                self.places += usize::from(cell.last == 0);
                *self.cells.get_mut(at[slot])? = Cell {
                    last: self.position,
                    level: level + 1,
                    updates: cell.updates + 1,
                };
            }
            top = top.max(level + 1);
            match self.widths.get_mut(level as usize) {
                Some(width) => *width += 1,
                // Levels come one after the other, but for a floor above items without transactions.
                None => {
                    self.widths.resize(level as usize, 0);
                    self.widths.push(1);
                }
            }
        }
        Some(top)
    }

    fn touched(&self, place: PlaceId) -> bool {
        self.cells.get(place.0 as usize).is_some_and(|cell| cell.last > 0)
    }
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
    for group in &batch.groups {
        match columns(group, slots).as_slice() {
            [] => lone += group.rows as usize,
            [first, others @ ..] => {
                let rows = group.rows as usize;
                for begin in (0..rows).step_by(LOOK_EVERY) {
                    if parts.count <= untouched + linked.len() + 1 {
                        // The touched places are one set already.
                        break;
                    }
                    for row in begin..rows.min(begin + LOOK_EVERY) {
                        for other in others {
                            if let (Some(a), Some(b)) = (first.at(row), other.at(row)) {
                                parts.join(a as u32, b as u32);
                            }
                        }
                    }
                }
            }
        }
    }
    let node = |id: u32| {
        let view = batch.transaction(TransactionId(id))?;
        let first = *columns(view.group, slots).first()?;
        first.at(view.row as usize).map(|place| place as u32)
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
