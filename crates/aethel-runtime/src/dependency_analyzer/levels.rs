//! How deep and how wide the graph is: one pass that keeps who touched each place last.

use super::blocks::{BLOCK, Places, blocks};
use super::survey::{MANY_SLOTS, columns};
use crate::dependency_analyzer::DependencyGraph;
use aethel_certificate::item_order;
use aethel_ir::batch::Stretch;
use aethel_ir::{Batch, Column, PlaceId};
use std::ops::Range;

/// What happened to a place last, in one word: the position of its last toucher, from 1 (0 when there was none), and above
/// it the level after that of its last toucher.
#[derive(Clone, Copy, Debug, Default)]
struct Cell(u64);

impl Cell {
    fn new(last: u32, level: u32) -> Self {
        Self(u64::from(level) << 32 | u64::from(last))
    }

    fn last(self) -> u32 {
        self.0 as u32
    }

    fn level(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// The levels of a graph.
#[derive(Default)]
pub(super) struct Levels {
    cells: Vec<Cell>,
    /// For each place, how many transactions read and write it.
    pub updates: Vec<u32>,
    pub edges: usize,
    /// How many transactions are on each level.
    pub widths: Vec<u32>,
    position: u32,
}

impl Levels {
    /// `None` when a column is too short.
    pub fn of(batch: &Batch, graph: &DependencyGraph, slots: &[Vec<usize>]) -> Option<Self> {
        let mut levels = Levels {
            cells: vec![Cell::default(); batch.places.len()],
            updates: vec![0; batch.places.len()],
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
        let columns = columns.as_slice();
        match columns.len() {
            0 => self.lone(rows.len(), floor),
            1 => self.rows::<1>(columns, rows, floor),
            2 => self.rows::<2>(columns, rows, floor),
            3 => self.rows::<3>(columns, rows, floor),
            4 => self.rows::<4>(columns, rows, floor),
            // The same column again adds nothing: a transaction touches a place once.
            _ => self.rows::<MANY_SLOTS>(columns, rows, floor),
        }
    }

    /// Adds transactions that touch nothing.
    fn lone(&mut self, count: usize, floor: u32) -> Option<u32> {
        self.position = self.position.wrapping_add(count as u32);
        if count == 0 {
            return Some(floor);
        }
        let width = self.up_to(floor + 1).get_mut(floor as usize)?;
        *width = width.wrapping_add(count as u32);
        Some(floor + 1)
    }

    /// The widths of all levels before this one, at least.
    fn up_to(&mut self, level: u32) -> &mut [u32] {
        if self.widths.len() < level as usize {
            self.widths.resize(level as usize, 0);
        }
        &mut self.widths
    }

    fn rows<const SLOTS: usize>(
        &mut self,
        columns: &[&Column<PlaceId>],
        rows: Range<usize>,
        floor: u32,
    ) -> Option<u32> {
        let same = Places::<SLOTS>::same(columns);
        let mut top = floor;
        for block in blocks(rows) {
            let places = Places::<SLOTS>::read(columns, &same, block)?;
            top = top.max(match places.pair() {
                Some((one, other)) => self.pairs(one, other, floor)?,
                None => self.block(&places, floor)?,
            });
        }
        Some(top)
    }

    /// [`Levels::block`] for rows with two places, the commonest by far, without a branch.
    fn pairs(&mut self, one: &[PlaceId], other: &[PlaceId], floor: u32) -> Option<u32> {
        let mut levels = [0_u32; BLOCK];
        let known = self.cells.as_mut_slice();
        let updates = self.updates.get_mut(..known.len())?;
        let (mut position, mut edges) = (self.position, 0_usize);
        for ((one, other), level) in one.iter().zip(other).zip(&mut levels) {
            let (one, other) = (one.0 as usize, other.0 as usize);
            let (a, b) = (*known.get(one)?, *known.get(other)?);
            let own = floor.max(a.level()).max(b.level());
            position = position.wrapping_add(1);
            let cell = Cell::new(position, own.wrapping_add(1));
            *known.get_mut(one)? = cell;
            *known.get_mut(other)? = cell;
            // One transaction before is one edge, whatever both touch; the same place twice is one access.
            let second = (b.last() != 0) & (b.last() != a.last());
            edges = edges.wrapping_add(usize::from(a.last() != 0) + usize::from(second));
            let count = updates.get_mut(one)?;
            *count = count.wrapping_add(1);
            let count = updates.get_mut(other)?;
            *count = count.wrapping_add(u32::from(one != other));
            *level = own;
        }
        self.position = position;
        self.edges = self.edges.wrapping_add(edges);
        self.count_levels(levels.get(..one.len())?, floor)
    }

    /// Counts transactions on their levels; gives the level after theirs.
    fn count_levels(&mut self, levels: &[u32], floor: u32) -> Option<u32> {
        let top = levels.iter().fold(floor, |top, level| top.max(level + 1));
        let widths = self.up_to(top);
        for level in levels {
            let width = widths.get_mut(*level as usize)?;
            *width = width.wrapping_add(1);
        }
        Some(top)
    }

    /// Adds a block of rows; gives the level after theirs.
    fn block<const SLOTS: usize>(&mut self, places: &Places<'_, SLOTS>, floor: u32) -> Option<u32> {
        // There are fewer than 2^32 transactions: nothing overflows.
        let mut levels = [0_u32; BLOCK];
        let known = self.cells.as_mut_slice();
        let updates = self.updates.get_mut(..known.len())?;
        let (mut position, mut edges) = (self.position, 0_usize);
        for (row, level) in levels.iter_mut().take(places.count()).enumerate() {
            let at: [usize; SLOTS] = std::array::from_fn(|slot| places.at(slot, row));
            let mut cells = [Cell::default(); SLOTS];
            let mut own = floor;
            for slot in 0..SLOTS {
                cells[slot] = *known.get(at[slot])?;
                own = own.max(cells[slot].level());
            }
            position = position.wrapping_add(1);
            for slot in 0..SLOTS {
                let cell = cells[slot];
                // The same place twice is one access, and one transaction before is one edge, whatever both touch.
                let (mut twice, mut met) = (false, cell.last() == 0);
                for earlier in 0..slot {
                    twice |= at[earlier] == at[slot];
                    met |= cells[earlier].last() == cell.last();
                }
                if twice {
                    continue;
                }
                edges = edges.wrapping_add(usize::from(!met));
                *known.get_mut(at[slot])? = Cell::new(position, own.wrapping_add(1));
                let count = updates.get_mut(at[slot])?;
                *count = count.wrapping_add(1);
            }
            *level = own;
        }
        self.position = position;
        self.edges = self.edges.wrapping_add(edges);
        self.count_levels(levels.get(..places.count())?, floor)
    }

    pub fn touched(&self, place: PlaceId) -> bool {
        self.updates.get(place.0 as usize).is_some_and(|count| *count > 0)
    }
}
