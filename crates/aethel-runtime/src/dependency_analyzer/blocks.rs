//! The places that rows touch, a block of rows at a time.

use aethel_ir::{Column, PlaceId};
use std::ops::Range;

/// So many rows are looked at together.
pub(super) const BLOCK: usize = 128;

/// The places of some rows, slot by slot, whatever their columns are like.
pub(super) struct Places<const SLOTS: usize> {
    /// The first place of each slot that is given, again for those that are missing.
    of: [[u32; BLOCK]; SLOTS],
    count: usize,
}

impl<const SLOTS: usize> Places<SLOTS> {
    pub fn new() -> Self {
        Self {
            of: [[0; BLOCK]; SLOTS],
            count: 0,
        }
    }

    /// Reads at most [`BLOCK`] rows of these columns; where there are fewer columns than slots, the last again. `None`
    /// when a column is too short.
    pub fn read(&mut self, columns: &[&Column<PlaceId>], rows: Range<usize>) -> Option<()> {
        self.count = rows.len().min(BLOCK);
        for (slot, places) in self.of.iter_mut().enumerate() {
            let places = places.get_mut(..self.count)?;
            match columns.get(slot).or(columns.last())? {
                Column::Same(place) => places.fill(place.0),
                Column::Each(column) => {
                    let column = column.get(rows.clone())?;
                    places
                        .iter_mut()
                        .zip(column)
                        .for_each(|(to, place)| *to = place.0);
                }
            }
        }
        Some(())
    }

    /// How many rows were read; at most [`BLOCK`].
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.count.min(BLOCK)
    }

    /// The place of a slot in a row.
    #[inline(always)]
    pub fn at(&self, slot: usize, row: usize) -> usize {
        self.of[slot][row] as usize
    }
}

/// Rows in blocks.
pub(super) fn blocks(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(BLOCK)
        .map(move |first| first..end.min(first + BLOCK))
}
