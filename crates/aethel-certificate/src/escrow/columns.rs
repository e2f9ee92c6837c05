//! Sums over columns: a group whose intent is made of sums, without evaluating anything.
//!
//! Rows are taken in blocks: each form is computed for a whole block, then each place gets its part. A block in which a
//! number does not fit makes all of its places unknown; batch order then decides.

use super::Sums;
use aethel_ir::{
    AccountId, Batch, Column, Form, Group, Intent, Linear, MAX_MINOR_UNITS, PlaceId, Slot, Test, ValueColumn,
};

/// So many rows fit into the nearest cache with a dozen forms.
const BLOCK: usize = 128;

type Values = [i128; BLOCK];

/// Adds the accesses of a group to the sums of their places. Gives whether every test on arguments and on places that
/// nobody writes holds; `None`, before anything is added, when a column is not of whole numbers. `claimed` holds, row by row,
/// what each change is said to be, in the order of slots: one that is another fails the tests.
pub(crate) fn sum_group(
    batch: &Batch,
    intent: &Intent,
    group: &Group,
    linear: &Linear,
    initial: &[i128],
    claimed: Option<&[i128]>,
    sums: &mut [Sums],
) -> Option<bool> {
    let columns = Columns::new(batch, intent, group, linear, initial)?;
    let mut buffers = Buffers {
        deltas: vec![[0; BLOCK]; columns.deltas.len()],
        scratch: [0; BLOCK],
    };
    let mut holds = true;
    let rows = group.rows as usize;
    for first in (0..rows).step_by(BLOCK) {
        let block = Block {
            first,
            count: BLOCK.min(rows - first),
        };
        match columns.add(block, &mut buffers, claimed, sums) {
            Some(all) => holds &= all,
            None => {
                columns.forget(block, sums);
                holds = false;
            }
        }
    }
    Some(holds)
}

/// Room for the values of a block.
struct Buffers {
    deltas: Vec<Values>,
    scratch: Values,
}

/// Some rows of a group.
#[derive(Clone, Copy)]
struct Block {
    first: usize,
    count: usize,
}

impl Block {
    /// Its part of a column.
    fn of<T>(self, column: &[T]) -> Option<&[T]> {
        column.get(self.first..self.first + self.count)
    }

    /// Calls `found` with each row's place.
    #[inline]
    fn places(
        self,
        column: &Column<PlaceId>,
        mut found: impl FnMut(usize, PlaceId) -> Option<()>,
    ) -> Option<()> {
        match column {
            Column::Same(place) => (0..self.count).try_for_each(|row| found(row, *place)),
            Column::Each(places) => {
                let places = self.of(places)?;
                places
                    .iter()
                    .enumerate()
                    .try_for_each(|(row, place)| found(row, *place))
            }
        }
    }
}

/// The forms of an intent over the columns of a group.
struct Columns<'a> {
    batch: &'a Batch,
    initial: &'a [i128],
    deltas: Vec<(&'a Column<PlaceId>, Sum<'a>)>,
    /// The indices of the deltas in the order of their slots.
    by_slot: Vec<usize>,
    bounds: Vec<Bounded<'a>>,
    tests: Vec<(Sum<'a>, Test, Option<&'a Column<PlaceId>>)>,
    ranges: Vec<Sum<'a>>,
    /// Accounts that must differ.
    distinct: Vec<Pair<'a>>,
}

struct Bounded<'a> {
    place: &'a Column<PlaceId>,
    threshold: Sum<'a>,
    /// The index of the delta on the same slot.
    delta: Option<usize>,
    /// It is done together with this delta.
    beside: Option<usize>,
    /// The condition counts only where this place is bounded.
    if_bounded: Option<&'a Column<PlaceId>>,
}

/// A form over columns: what is the same for all rows is summed already.
struct Sum<'a> {
    constant: i128,
    terms: Vec<(i128, Source<'a>)>,
}

enum Source<'a> {
    Values(&'a [i128]),
    Places(&'a [PlaceId]),
}

impl<'a> Sum<'a> {
    fn new(form: &Form, group: &'a Group, initial: &[i128]) -> Option<Self> {
        let mut sum = Sum {
            constant: form.constant,
            terms: Vec::new(),
        };
        for (n, factor) in &form.values {
            match group.values.get(usize::from(*n))? {
                ValueColumn::Whole(Column::Same(value)) => sum.fix(*value, *factor)?,
                ValueColumn::Whole(Column::Each(values)) => sum.terms.push((*factor, Source::Values(values))),
                ValueColumn::Exact(_) | ValueColumn::Bool(_) => return None,
            }
        }
        for (slot, factor) in &form.slots {
            match place_column(group, *slot)? {
                Column::Same(place) => sum.fix(*initial.get(place.0 as usize)?, *factor)?,
                Column::Each(places) => sum.terms.push((*factor, Source::Places(places))),
            }
        }
        Some(sum)
    }

    fn fix(&mut self, value: i128, factor: i128) -> Option<()> {
        self.constant = self.constant.checked_add(value.checked_mul(factor)?)?;
        Some(())
    }

    /// Its values in a block, as they stand in a column or computed into `out`; `None` when one does not fit.
    fn values<'b>(&'b self, block: Block, initial: &[i128], out: &'b mut Values) -> Option<&'b [i128]> {
        if let (0, [(1, Source::Values(values))]) = (self.constant, self.terms.as_slice()) {
            return block.of(values);
        }
        let out = out.get_mut(..block.count)?;
        out.fill(self.constant);
        for (factor, source) in &self.terms {
            match source {
                Source::Values(values) => add_all(out, block.of(values)?.iter().copied(), *factor)?,
                Source::Places(places) => {
                    let places = block.of(places)?;
                    if places.iter().any(|place| place.0 as usize >= initial.len()) {
                        return None;
                    }
                    add_all(out, places.iter().map(|place| initial[place.0 as usize]), *factor)?;
                }
            }
        }
        Some(out)
    }
}

/// `out += values * factor`; `None` when one of the sums does not fit.
#[inline]
fn add_all(out: &mut [i128], values: impl Iterator<Item = i128>, factor: i128) -> Option<()> {
    let mut wide = false;
    for (out, value) in out.iter_mut().zip(values) {
        // A product of wide numbers costs more than everything else here.
        let (sum, carried) = match factor {
            1 => out.overflowing_add(value),
            -1 => out.overflowing_sub(value),
            factor => {
                let (product, carried) = value.overflowing_mul(factor);
                let (sum, more) = out.overflowing_add(product);
                (sum, carried | more)
            }
        };
        *out = sum;
        wide |= carried;
    }
    (!wide).then_some(())
}

fn place_column(group: &Group, slot: Slot) -> Option<&Column<PlaceId>> {
    group.places.get(usize::from(slot.0))
}

impl<'a> Columns<'a> {
    fn new(
        batch: &'a Batch,
        intent: &Intent,
        group: &'a Group,
        linear: &Linear,
        initial: &'a [i128],
    ) -> Option<Self> {
        let sum = |form: &Form| Sum::new(form, group, initial);
        let condition = |slot: &Option<Slot>| match slot {
            Some(slot) => place_column(group, *slot).map(Some),
            None => Some(None),
        };
        let mut deltas = Vec::with_capacity(linear.deltas.len());
        for (slot, form) in &linear.deltas {
            deltas.push((place_column(group, *slot)?, sum(form)?));
        }
        let mut bounds = Vec::with_capacity(linear.bounds.len());
        for (slot, form, if_bounded) in &linear.bounds {
            let delta = linear.deltas.iter().position(|(written, _)| written == slot);
            let taken = |delta: &usize| bounds.iter().any(|one: &Bounded<'_>| one.beside == Some(*delta));
            bounds.push(Bounded {
                beside: delta.filter(|delta| if_bounded.is_none() && !taken(delta)),
                place: place_column(group, *slot)?,
                threshold: sum(form)?,
                delta,
                if_bounded: condition(if_bounded)?,
            });
        }
        let mut tests = Vec::with_capacity(linear.tests.len());
        for (form, test, if_bounded) in &linear.tests {
            tests.push((sum(form)?, *test, condition(if_bounded)?));
        }
        let mut by_slot: Vec<usize> = (0..linear.deltas.len()).collect();
        by_slot.sort_by_key(|index| linear.deltas.get(*index).map(|(slot, _)| *slot));
        let ranges = linear.ranges.iter().map(sum).collect::<Option<Vec<_>>>()?;
        Some(Self {
            batch,
            initial,
            deltas,
            by_slot,
            bounds,
            tests,
            ranges,
            distinct: distinct(intent, group)?,
        })
    }

    /// Adds a block of transactions; gives whether their own tests hold and their changes are those that are claimed, and
    /// nothing when a number does not fit.
    fn add(
        &self,
        block: Block,
        buffers: &mut Buffers,
        claimed: Option<&[i128]>,
        sums: &mut [Sums],
    ) -> Option<bool> {
        let mut holds = true;
        for pair in &self.distinct {
            holds &= differ(pair, block)?;
        }
        let mut deltas = Vec::with_capacity(self.deltas.len());
        for ((_, sum), buffer) in self.deltas.iter().zip(&mut buffers.deltas) {
            deltas.push(sum.values(block, self.initial, buffer)?);
        }
        for (index, (column, _)) in self.deltas.iter().enumerate() {
            let delta = *deltas.get(index)?;
            // One bound on the same slot is the rule: both are done at once.
            let bound = self.bounds.iter().find(|bound| bound.beside == Some(index));
            match bound {
                Some(bound) => {
                    let threshold = bound
                        .threshold
                        .values(block, self.initial, &mut buffers.scratch)?;
                    block.places(column, |row, place| {
                        let sums = sums.get_mut(place.0 as usize)?;
                        sums.add(delta[row]);
                        sums.bound(threshold[row], delta[row]);
                        Some(())
                    })?;
                }
                None => block.places(column, |row, place| {
                    sums.get_mut(place.0 as usize)?.add(delta[row]);
                    Some(())
                })?,
            }
        }
        for bound in self.bounds.iter().filter(|bound| bound.beside.is_none()) {
            let threshold = bound
                .threshold
                .values(block, self.initial, &mut buffers.scratch)?;
            let delta = bound.delta.and_then(|index| deltas.get(index));
            block.places(bound.place, |row, place| {
                if self.counts(bound.if_bounded, block.first + row)? {
                    let delta = delta.map_or(0, |delta| delta[row]);
                    sums.get_mut(place.0 as usize)?.bound(threshold[row], delta);
                }
                Some(())
            })?;
        }
        for (sum, test, if_bounded) in &self.tests {
            let values = sum.values(block, self.initial, &mut buffers.scratch)?;
            for (row, value) in values.iter().enumerate() {
                holds &= test.holds(*value) || !self.counts(*if_bounded, block.first + row)?;
            }
        }
        for range in &self.ranges {
            let values = range.values(block, self.initial, &mut buffers.scratch)?;
            let range = -MAX_MINOR_UNITS..=MAX_MINOR_UNITS;
            holds &= values.iter().all(|value| range.contains(value));
        }
        Some(holds && self.agree(block, &deltas, claimed))
    }

    /// Whether the changes of a block are what they are claimed to be.
    fn agree(&self, block: Block, deltas: &[&[i128]], claimed: Option<&[i128]>) -> bool {
        let Some(claimed) = claimed else { return true };
        let each = deltas.len();
        let Some(claimed) = claimed.get(block.first * each..(block.first + block.count) * each) else {
            return false;
        };
        // Effects come in the order of the source, claims in that of slots.
        let mut different = 0;
        for (nth, index) in self.by_slot.iter().enumerate() {
            let claims = claimed.iter().skip(nth).step_by(each.max(1));
            let delta = deltas.get(*index).copied().unwrap_or(&[]);
            for (delta, claim) in delta.iter().zip(claims) {
                different |= delta ^ claim;
            }
        }
        different == 0
    }

    /// Nothing is known about the places of a block.
    fn forget(&self, block: Block, sums: &mut [Sums]) {
        let written = self.deltas.iter().map(|(column, _)| *column);
        for column in written.chain(self.bounds.iter().map(|bound| bound.place)) {
            block.places(column, |_, place| {
                sums.get_mut(place.0 as usize)?.unknown = true;
                Some(())
            });
        }
    }

    /// Whether a condition counts that is only tested on a bounded place.
    #[inline]
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

type Pair<'a> = (&'a Column<AccountId>, &'a Column<AccountId>);

/// Whether two accounts differ in every row of a block.
fn differ(pair: &Pair<'_>, block: Block) -> Option<bool> {
    Some(match pair {
        (Column::Same(a), Column::Same(b)) => a != b,
        (Column::Same(one), Column::Each(column)) | (Column::Each(column), Column::Same(one)) => {
            !block.of(column)?.contains(one)
        }
        (Column::Each(a), Column::Each(b)) => block.of(a)?.iter().zip(block.of(b)?).all(|(a, b)| a != b),
    })
}

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
