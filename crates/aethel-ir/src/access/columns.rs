//! A linear intent over the columns of a group: its forms, computed for a block of rows at a time.
//!
//! Takes a [`Linear`] intent, a [`Group`] and the values before. Gives, for each block of rows, by how much each written
//! slot changes, what must be left on bounded ones, and whether all tests on the rest hold. The numbers are `i64` or
//! `i128` ([`Lane`]); a number that does not fit ends the block with `None`, and the caller decides in another way.

mod forms;

use super::lane::{Lane, Signs};
use super::linear::{Form, Linear, Test};
use crate::batch::{AccountId, Batch, Column, Group, PlaceId, ValueColumn};
use crate::intent::{Intent, Slot};
use crate::money::MAX_MINOR_UNITS;
use crate::wholes::Wholes;
use forms::{Load, Source, Sum};

/// So many rows fit into the nearest cache with a dozen forms.
pub const BLOCK: usize = 128;

/// The values of a form in a block.
pub type Values<N> = [N; BLOCK];

/// Some rows of a group: at most [`BLOCK`].
#[derive(Clone, Copy, Debug)]
pub struct Block {
    first: usize,
    count: usize,
}

impl Block {
    /// The blocks of these rows of a group.
    pub fn of(rows: std::ops::Range<usize>) -> impl Iterator<Item = Block> {
        let end = rows.end;
        rows.step_by(BLOCK).map(move |first| Block {
            first,
            count: BLOCK.min(end - first),
        })
    }

    /// Its first row.
    pub fn first(self) -> usize {
        self.first
    }

    /// How many rows.
    pub fn count(self) -> usize {
        self.count
    }

    /// Its part of a column.
    #[inline]
    pub fn part<T>(self, column: &[T]) -> Option<&[T]> {
        column.get(self.first..self.first + self.count)
    }

    /// Calls `found` with each row of the block, counted from its first, and the row's place.
    #[inline(always)]
    pub fn places(
        self,
        column: &Column<PlaceId>,
        mut found: impl FnMut(usize, PlaceId) -> Option<()>,
    ) -> Option<()> {
        match column {
            Column::Same(place) => (0..self.count).try_for_each(|row| found(row, *place)),
            Column::Each(places) => {
                let places = self.part(places)?;
                (places.iter().enumerate()).try_for_each(|(row, place)| found(row, *place))
            }
        }
    }
}

/// The forms of an intent over the columns of a group.
pub struct Columns<'a, N> {
    batch: &'a Batch,
    initial: &'a [i128],
    limit: N,
    /// What the forms are made of.
    loads: Vec<Load<'a, N>>,
    /// By slot, ascending: its places, and by how much it changes.
    deltas: Vec<(&'a Column<PlaceId>, Sum<N>)>,
    bounds: Vec<BoundColumn<'a, N>>,
    tests: Vec<TestColumn<'a, N>>,
    ranges: Vec<Sum<N>>,
    /// Accounts that must differ.
    distinct: Vec<(&'a Column<AccountId>, &'a Column<AccountId>)>,
}

/// A slot that must not be less than a form.
struct BoundColumn<'a, N> {
    place: &'a Column<PlaceId>,
    least: Sum<N>,
    /// The index of the change of the same slot.
    delta: Option<usize>,
    /// It is given together with this change.
    beside: Option<usize>,
    /// The condition counts only where this place is bounded.
    if_bounded: Option<&'a Column<PlaceId>>,
    /// Whatever the row, it asks for no more than that nothing below zero is left after the change.
    asks_nothing: bool,
}

/// A form, what it must be, and, when that counts only there, the place that has to be bounded.
type TestColumn<'a, N> = (Sum<N>, Test, Option<&'a Column<PlaceId>>);

/// Room for the numbers of a block, to be used again for the next.
#[derive(Clone, Debug)]
pub struct Room<N> {
    loads: Vec<Values<N>>,
    deltas: Vec<Values<N>>,
    scratch: Values<N>,
}

impl<'a, N: Lane> Columns<'a, N> {
    /// `None` when a column is not of whole numbers, or a number that is the same for all rows does not fit. No
    /// change and no bound may be larger than `limit` ([`Lane::limit`]).
    pub fn new(
        batch: &'a Batch,
        intent: &Intent,
        group: &'a Group,
        linear: &Linear,
        initial: &'a [i128],
        limit: N,
    ) -> Option<Self> {
        let mut columns = Columns {
            batch,
            initial,
            limit,
            loads: Vec::new(),
            deltas: Vec::with_capacity(linear.deltas.len()),
            bounds: Vec::with_capacity(linear.bounds.len()),
            tests: Vec::new(),
            ranges: Vec::new(),
            distinct: distinct(intent, group)?,
        };
        let condition = |slot: &Option<Slot>| match slot {
            Some(slot) => place_column(group, *slot).map(Some),
            None => Some(None),
        };
        let mut by_slot: Vec<&(Slot, Form)> = linear.deltas.iter().collect();
        by_slot.sort_by_key(|(slot, _)| *slot);
        for (slot, form) in &by_slot {
            let sum = columns.sum(form, group)?;
            columns.deltas.push((place_column(group, *slot)?, sum));
        }
        for (slot, form, if_bounded) in &linear.bounds {
            let least = columns.sum(form, group)?;
            let delta = by_slot.iter().position(|(written, _)| written == slot);
            let change = delta.and_then(|delta| columns.deltas.get(delta));
            let asks_nothing = change.is_some_and(|(_, change)| least.asks_nothing(change, &columns.loads));
            // One bound on a slot that changes is the rule.
            let taken = columns.bounds.iter().any(|one| one.beside == delta);
            columns.bounds.push(BoundColumn {
                place: place_column(group, *slot)?,
                least,
                delta,
                beside: delta.filter(|_| if_bounded.is_none() && !taken),
                if_bounded: condition(if_bounded)?,
                asks_nothing,
            });
        }
        for (form, test, if_bounded) in &linear.tests {
            let sum = columns.sum(form, group)?;
            if !sum.passes(*test) {
                columns.tests.push((sum, *test, condition(if_bounded)?));
            }
        }
        for form in &linear.ranges {
            let sum = columns.sum(form, group)?;
            if !sum.lies_in(-MAX_MINOR_UNITS, MAX_MINOR_UNITS) {
                columns.ranges.push(sum);
            }
        }
        Some(columns)
    }

    fn sum(&mut self, form: &Form, group: &'a Group) -> Option<Sum<N>> {
        let mut constant = form.constant;
        let mut terms = Vec::new();
        let mut fix = |value: i128, factor: i128| {
            constant = constant.checked_add(value.checked_mul(factor)?)?;
            Some(())
        };
        for (n, factor) in &form.values {
            match group.values.get(usize::from(*n))? {
                ValueColumn::Whole(Wholes::Same(value)) => fix(*value, *factor)?,
                ValueColumn::Whole(Wholes::Each(numbers)) => {
                    let load = match (numbers.narrow(), numbers.wide()) {
                        (Some(all), _) => Load::narrow(all.values, (all.least, all.most), self.limit)?,
                        (None, wide) => Load::cut(Source::Wide(wide?), self.limit),
                    };
                    terms.push((self.load(load), N::from_wide(*factor)?));
                }
                ValueColumn::Exact(_) | ValueColumn::Bool(_) => return None,
            }
        }
        for (slot, factor) in &form.slots {
            match place_column(group, *slot)? {
                Column::Same(place) => fix(*self.initial.get(place.0 as usize)?, *factor)?,
                Column::Each(places) => {
                    let load = Load::cut(Source::Places(places), self.limit);
                    terms.push((self.load(load), N::from_wide(*factor)?));
                }
            }
        }
        Sum::new(constant, terms, &self.loads, self.limit)
    }

    fn load(&mut self, load: Load<'a, N>) -> usize {
        let known = self.loads.iter().position(|one| one.is(&load));
        known.unwrap_or_else(|| {
            self.loads.push(load);
            self.loads.len() - 1
        })
    }

    /// Room for a block of these columns.
    pub fn room(&self) -> Room<N> {
        Room {
            loads: vec![[N::default(); BLOCK]; self.loads.len()],
            deltas: vec![[N::default(); BLOCK]; self.deltas.len()],
            scratch: [N::default(); BLOCK],
        }
    }

    /// How many slots are written.
    pub fn written(&self) -> usize {
        self.deltas.len()
    }

    /// The places of the nth written slot, slots ascending.
    pub fn places(&self, nth: usize) -> Option<&'a Column<PlaceId>> {
        self.deltas.get(nth).map(|(column, _)| *column)
    }

    /// Computes a block: its changes lie in `room` afterwards. Gives whether everything is as it must be that does not
    /// depend on a written place: tests, ranges and accounts that must differ.
    #[inline]
    pub fn compute(&self, block: Block, room: &mut Room<N>) -> Option<bool> {
        for (load, out) in self.loads.iter().zip(&mut room.loads) {
            load.fill(block, self.initial, self.limit, out)?;
        }
        for ((_, sum), out) in self.deltas.iter().zip(&mut room.deltas) {
            if sum.alias().is_none() {
                sum.values(block, &self.loads, &room.loads, self.limit, out)?;
            }
        }
        let mut holds = true;
        for (a, b) in &self.distinct {
            holds &= differ(a, b, block)?;
        }
        for (sum, test, if_bounded) in &self.tests {
            if *test == Test::AtLeastZero && sum.surely_at_least_zero(block, &self.loads, &room.loads)? {
                continue;
            }
            self.scratch(sum, block, room)?;
            let values = room.scratch.get(..block.count)?;
            let all = values.iter().fold(true, |all, value| all & passes(*test, *value));
            if !all {
                // Rare: look at whether the condition counts.
                for (row, value) in values.iter().enumerate() {
                    holds &= passes(*test, *value) || !self.counts(*if_bounded, block.first + row)?;
                }
            }
        }
        for range in &self.ranges {
            self.scratch(range, block, room)?;
            let fits = |value: &N| (-MAX_MINOR_UNITS..=MAX_MINOR_UNITS).contains(&value.wide());
            holds &= room.scratch.get(..block.count)?.iter().all(fits);
        }
        Some(holds)
    }

    /// By how much the nth written slot changes, row by row, after [`Columns::compute`].
    #[inline]
    pub fn deltas<'b>(&self, block: Block, nth: usize, room: &'b Room<N>) -> Option<&'b [N]>
    where
        'a: 'b,
    {
        let (_, sum) = self.deltas.get(nth)?;
        match sum.alias() {
            Some(load) => self.loaded(load, block, room),
            None => room.deltas.get(nth)?.get(..block.count),
        }
    }

    /// What the changes of the nth written slot have in common.
    #[inline]
    pub fn signs(&self, block: Block, nth: usize, room: &Room<N>) -> Option<Signs> {
        let (_, sum) = self.deltas.get(nth)?;
        match sum.signs() {
            Some(signs) => Some(signs),
            None => Some(N::signs(self.deltas(block, nth, room)?)),
        }
    }

    /// Computes what the place that the nth written slot is must hold at least, where a bound comes with its change, after
    /// [`Columns::compute`]; gives whether one does.
    #[inline]
    pub fn find_least(&self, block: Block, nth: usize, room: &mut Room<N>) -> Option<bool> {
        match self.bound_beside(nth) {
            Some(bound) if bound.least.alias().is_none() => {
                self.scratch(&bound.least, block, room)?;
                Some(true)
            }
            bound => Some(bound.is_some()),
        }
    }

    /// What [`Columns::find_least`] found, row by row.
    #[inline]
    pub fn least<'b>(&self, block: Block, nth: usize, room: &'b Room<N>) -> Option<&'b [N]>
    where
        'a: 'b,
    {
        match self.bound_beside(nth)?.least.alias() {
            Some(load) => self.loaded(load, block, room),
            None => room.scratch.get(..block.count),
        }
    }

    /// Whether no bound comes with the change of the nth written slot that asks for more than zero after it, whatever the
    /// row; `false` says nothing.
    #[inline]
    pub fn asks_nothing(&self, nth: usize) -> bool {
        self.bound_beside(nth).is_none_or(|bound| bound.asks_nothing)
    }

    #[inline(always)]
    fn loaded<'b>(&self, load: usize, block: Block, room: &'b Room<N>) -> Option<&'b [N]>
    where
        'a: 'b,
    {
        self.loads.get(load)?.numbers(block, room.loads.get(load)?)
    }

    /// The values of a form, in the scratch room.
    #[inline(always)]
    fn scratch(&self, sum: &Sum<N>, block: Block, room: &mut Room<N>) -> Option<()> {
        sum.values(block, &self.loads, &room.loads, self.limit, &mut room.scratch)
    }

    fn bound_beside(&self, nth: usize) -> Option<&BoundColumn<'a, N>> {
        self.bounds.iter().find(|bound| bound.beside == Some(nth))
    }

    /// Calls `found` with each row's place of every bound that does not come with a change, what it must hold at least,
    /// and by how much the transaction itself changes it; after [`Columns::compute`].
    pub fn bounds(
        &self,
        block: Block,
        room: &mut Room<N>,
        mut found: impl FnMut(PlaceId, N, N) -> Option<()>,
    ) -> Option<()> {
        for bound in self.bounds.iter().filter(|bound| bound.beside.is_none()) {
            self.scratch(&bound.least, block, room)?;
            let least = room.scratch.get(..block.count)?;
            let delta = match bound.delta {
                Some(delta) => Some(self.deltas(block, delta, room)?),
                None => None,
            };
            block.places(bound.place, |row, place| {
                if self.counts(bound.if_bounded, block.first + row)? {
                    found(
                        place,
                        *least.get(row)?,
                        delta.map_or(N::default(), |delta| delta[row]),
                    )
                } else {
                    Some(())
                }
            })?;
        }
        Some(())
    }

    /// Every column of places that the block changes or bounds.
    pub fn concerned(&self) -> impl Iterator<Item = &'a Column<PlaceId>> {
        let written = self.deltas.iter().map(|(column, _)| *column);
        written.chain(self.bounds.iter().map(|bound| bound.place))
    }

    /// Whether a condition counts that is only tested on a bounded place.
    fn counts(&self, if_bounded: Option<&Column<PlaceId>>, row: usize) -> Option<bool> {
        let Some(column) = if_bounded else {
            return Some(true);
        };
        let place = match column {
            Column::Same(place) => *place,
            Column::Each(places) => *places.get(row)?,
        };
        Some(self.batch.is_bounded(place))
    }
}

#[inline(always)]
fn passes<N: Lane>(test: Test, value: N) -> bool {
    match test {
        Test::AtLeastZero => value >= N::default(),
        Test::Zero => value == N::default(),
        Test::NotZero => value != N::default(),
    }
}

fn place_column(group: &Group, slot: Slot) -> Option<&Column<PlaceId>> {
    group.places.get(usize::from(slot.0))
}

/// Whether two accounts differ in every row of a block.
#[inline]
fn differ(a: &Column<AccountId>, b: &Column<AccountId>, block: Block) -> Option<bool> {
    Some(match (a, b) {
        (Column::Same(a), Column::Same(b)) => a != b,
        (Column::Same(one), Column::Each(column)) | (Column::Each(column), Column::Same(one)) => {
            let column = block.part(column)?;
            column.iter().fold(true, |all, other| all & (one != other))
        }
        (Column::Each(a), Column::Each(b)) => {
            let pairs = block.part(a)?.iter().zip(block.part(b)?);
            pairs.fold(true, |all, (a, b)| all & (a != b))
        }
    })
}

type Pair<'a> = (&'a Column<AccountId>, &'a Column<AccountId>);

/// The pairs of account parameters that must not be one account: those of which one is written. `None` when there are
/// so many that comparing each with each would be slow.
fn distinct<'a>(intent: &Intent, group: &'a Group) -> Option<Vec<Pair<'a>>> {
    /// Above this many account parameters the evaluator's set is quicker.
    const MANY: usize = 16;
    if group.accounts.len() > MANY {
        return None;
    }
    let written = |account: usize| {
        intent.effects.iter().any(|effect| {
            let place = intent.places.get(usize::from(effect.slot.0));
            place.is_some_and(|place| usize::from(place.account) == account)
        })
    };
    let mut pairs = Vec::new();
    for (j, second) in group.accounts.iter().enumerate() {
        for (i, first) in group.accounts.iter().take(j).enumerate() {
            if written(i) || written(j) {
                pairs.push((first, second));
            }
        }
    }
    Some(pairs)
}

#[cfg(test)]
mod tests;
