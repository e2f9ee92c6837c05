//! The changes that a run logged, and whether they are those of its rows.

use aethel_ir::access::columns::{Block, Columns, Room};
use aethel_ir::{Amounts, Lane};
use std::ops::Range;

/// The changes of transactions, one after the other, written slots ascending, in minor units.
#[derive(Clone, Copy, Debug)]
pub enum Changes<'a> {
    /// All of them are small.
    Narrow(&'a [i64]),
    /// Some need not be.
    Wide(&'a [i128]),
}

impl Default for Changes<'_> {
    fn default() -> Self {
        Changes::Narrow(&[])
    }
}

impl<'a> From<&'a Amounts> for Changes<'a> {
    fn from(amounts: &'a Amounts) -> Self {
        match amounts {
            Amounts::Narrow(values) => Changes::Narrow(values),
            Amounts::Wide(values) => Changes::Wide(values),
        }
    }
}

impl<'a> Changes<'a> {
    /// How many.
    pub fn len(self) -> usize {
        match self {
            Changes::Narrow(changes) => changes.len(),
            Changes::Wide(changes) => changes.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// One of them.
    pub fn get(self, index: usize) -> Option<i128> {
        match self {
            Changes::Narrow(changes) => changes.get(index).map(|change| i128::from(*change)),
            Changes::Wide(changes) => changes.get(index).copied(),
        }
    }

    /// Some of them.
    pub fn part(self, range: Range<usize>) -> Option<Changes<'a>> {
        Some(match self {
            Changes::Narrow(changes) => Changes::Narrow(changes.get(range)?),
            Changes::Wide(changes) => Changes::Wide(changes.get(range)?),
        })
    }

    /// Whether the changes of a block are these, of all rows of its group.
    #[inline(always)]
    pub(super) fn agree<N: Lane>(
        self,
        columns: &Columns<'_, N>,
        block: Block,
        room: &Room<N>,
    ) -> Option<bool> {
        let each = columns.written();
        let range = block.first() * each..(block.first() + block.count()) * each;
        match self.part(range)? {
            Changes::Narrow(changes) => agree(changes, columns, block, room),
            Changes::Wide(changes) => agree(changes, columns, block, room),
        }
    }
}

/// Whether the changes of a block are what they are claimed to be.
#[inline(always)]
fn agree<N: Lane, M: Lane>(
    claimed: &[M],
    columns: &Columns<'_, N>,
    block: Block,
    room: &Room<N>,
) -> Option<bool> {
    let mut different = 0;
    if let (2, (pairs, _)) = (columns.written(), claimed.as_chunks::<2>()) {
        // The commonest by far, in one pass.
        let (first, second) = (columns.deltas(block, 0, room)?, columns.deltas(block, 1, room)?);
        for (pair, (first, second)) in pairs.iter().zip(first.iter().zip(second)) {
            different |= pair[0].difference(*first) | pair[1].difference(*second);
        }
        return Some(different == 0);
    }
    for nth in 0..columns.written() {
        let deltas = columns.deltas(block, nth, room)?;
        for (row, delta) in claimed.chunks_exact(columns.written()).zip(deltas) {
            different |= row.get(nth)?.difference(*delta);
        }
    }
    Some(different == 0)
}
