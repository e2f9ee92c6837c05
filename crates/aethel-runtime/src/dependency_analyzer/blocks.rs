//! The places that rows touch, a block of rows at a time.

use aethel_ir::{Column, PlaceId};
use std::ops::Range;

/// So many rows are looked at together.
pub(super) const BLOCK: usize = 128;

/// The places of some rows, slot by slot, whatever their columns are like.
pub(super) struct Places<'a, const SLOTS: usize> {
    of: [&'a [PlaceId]; SLOTS],
    count: usize,
}

/// For each slot a block of one place, where all rows have the same.
pub(super) type Same<const SLOTS: usize> = [[PlaceId; BLOCK]; SLOTS];

impl<'a, const SLOTS: usize> Places<'a, SLOTS> {
    /// What [`Places::read`] needs for columns that are the same for all rows.
    pub fn same(columns: &[&Column<PlaceId>]) -> Same<SLOTS> {
        std::array::from_fn(|slot| match columns.get(slot).or(columns.last()) {
            Some(Column::Same(place)) => [*place; BLOCK],
            _ => [PlaceId(0); BLOCK],
        })
    }

    /// At most [`BLOCK`] rows of these columns; where there are fewer columns than slots, the last again. `None` when a
    /// column is too short.
    #[inline(always)]
    pub fn read(columns: &[&'a Column<PlaceId>], same: &'a Same<SLOTS>, rows: Range<usize>) -> Option<Self> {
        let count = rows.len().min(BLOCK);
        let mut of = [&[][..]; SLOTS];
        for ((slot, places), same) in of.iter_mut().enumerate().zip(same) {
            *places = match columns.get(slot).or(columns.last())? {
                Column::Same(_) => same.get(..count)?,
                Column::Each(column) => column.get(rows.start..rows.start + count)?,
            };
        }
        Some(Self { of, count })
    }

    /// The places of both slots, where there are two.
    #[inline(always)]
    pub fn pair(&self) -> Option<(&'a [PlaceId], &'a [PlaceId])> {
        match self.of.as_slice() {
            [one, other] => Some((one, other)),
            _ => None,
        }
    }

    /// How many rows were read; at most [`BLOCK`].
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The place of a slot in a row.
    #[inline(always)]
    pub fn at(&self, slot: usize, row: usize) -> usize {
        self.of[slot][row].0 as usize
    }
}

/// Rows in blocks.
pub(super) fn blocks(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(BLOCK)
        .map(move |first| first..end.min(first + BLOCK))
}
