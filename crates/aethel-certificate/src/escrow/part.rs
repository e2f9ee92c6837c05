//! What one worker sums up, block by block.

use super::Sums;
use super::changes::Changes;
use super::table::Table;
use aethel_ir::access::columns::{Block, Columns, Room};
use aethel_ir::{Column, Lane, PlaceId};
use std::ops::Range;

/// The sums of a worker.
pub(crate) struct Part<N> {
    /// The first place of the stretch.
    pub base: usize,
    /// For each place of the stretch.
    pub sums: Table<N>,
    /// Places outside the stretch that are the same for all rows of a group.
    pub same: Vec<(PlaceId, Sums<N>)>,
    /// All places of the batch are balances that may not go below zero.
    bounded: bool,
}

impl<N: Lane> Part<N> {
    pub fn new(places: Range<usize>, bounded: bool) -> Self {
        Self {
            base: places.start,
            sums: Table::new(places.len()),
            same: Vec::new(),
            bounded,
        }
    }

    /// Adds to the sums of a place of the stretch, or of one that all rows of a group have.
    pub fn update(&mut self, place: PlaceId, change: impl FnOnce(&mut Sums<N>)) -> Option<()> {
        // A place before the stretch wraps around, and is outside too.
        let index = (place.0 as usize).wrapping_sub(self.base);
        if index < self.sums.len() {
            return self.sums.update(index, change);
        }
        let known = self.same.iter().position(|(known, _)| *known == place);
        let index = known.unwrap_or_else(|| {
            self.same.push((place, Sums::default()));
            self.same.len() - 1
        });
        self.same.get_mut(index).map(|(_, sums)| change(sums))
    }

    /// Adds a block of transactions; gives whether their own tests hold and their changes are those that are claimed, and
    /// nothing when a number does not fit.
    pub fn add(
        &mut self,
        columns: &Columns<'_, N>,
        block: Block,
        room: &mut Room<N>,
        claimed: Option<Changes<'_>>,
    ) -> Option<bool> {
        let mut holds = columns.compute(block, room)?;
        for nth in 0..columns.written() {
            self.add_slot(columns, block, nth, room)?;
        }
        columns.bounds(block, room, |place, least, delta| {
            self.update(place, |sums| sums.bound(least, delta))
        })?;
        if let Some(claimed) = claimed {
            holds &= claimed.agree(columns, block, room)?;
        }
        Some(holds)
    }

    /// Adds the changes of a written slot, and the bounds that come with them.
    #[inline(always)]
    fn add_slot(
        &mut self,
        columns: &Columns<'_, N>,
        block: Block,
        nth: usize,
        room: &mut Room<N>,
    ) -> Option<()> {
        // Of a bounded place it is asked anyway that nothing less than zero is left.
        let is_bound =
            !(self.bounded && columns.asks_nothing(nth)) && columns.find_least(block, nth, room)?;
        let signs = columns.signs(block, nth, room)?;
        let deltas = columns.deltas(block, nth, room)?;
        let least = match is_bound {
            true => Some(columns.least(block, nth, room)?),
            false => None,
        };
        let least = least.filter(|least| !self.bounded || N::any_left(least, deltas));
        match columns.places(nth)? {
            Column::Same(place) => self.update(*place, |sums| match least {
                None => sums.add_all(deltas, signs),
                Some(least) => (deltas.iter().zip(least)).for_each(|(delta, least)| {
                    sums.add(*delta);
                    sums.bound(*least, *delta);
                }),
            }),
            Column::Each(places) if N::NARROW => {
                let places = block.part(places)?;
                self.sums.scatter(self.base, places, deltas, signs)?;
                match least {
                    Some(least) => self.sums.bound(self.base, places, least, deltas),
                    None => Some(()),
                }
            }
            Column::Each(places) => {
                for (row, (place, delta)) in block.part(places)?.iter().zip(deltas).enumerate() {
                    let index = (place.0 as usize).wrapping_sub(self.base);
                    self.sums.update(index, |sums| {
                        sums.add(*delta);
                        if let Some(least) = least.and_then(|least| least.get(row)) {
                            sums.bound(*least, *delta);
                        }
                    })?;
                }
                Some(())
            }
        }
    }

    /// Nothing is known about the places of a block.
    pub fn forget(&mut self, columns: &Columns<'_, N>, block: Block) {
        for column in columns.concerned() {
            block.places(column, |_, place| self.update(place, |sums| sums.unknown = true));
        }
    }
}
