//! Sums over columns: a group whose intent is made of sums, without evaluating anything.

use super::Sums;
use aethel_ir::{
    Batch, Column, Form, Group, Intent, Linear, MAX_MINOR_UNITS, PlaceId, Slot, Test, ValueColumn,
};

/// Adds the accesses of a group to the sums of their places. Gives whether every test on arguments and on places that
/// nobody writes holds; `None`, before anything is added, when a column is not of whole numbers.
pub(crate) fn sum_group(
    batch: &Batch,
    intent: &Intent,
    group: &Group,
    linear: &Linear,
    initial: &[i128],
    sums: &mut [Sums],
) -> Option<bool> {
    let columns = Columns::new(batch, intent, group, linear, initial)?;
    let mut holds = true;
    for row in 0..group.rows as usize {
        holds &= columns.add_row(row, sums);
    }
    Some(holds)
}

/// The forms of an intent over the columns of a group.
struct Columns<'a> {
    batch: &'a Batch,
    initial: &'a [i128],
    deltas: Vec<(&'a Column<PlaceId>, Sum<'a>)>,
    /// The place, its threshold, the delta on the same slot, and the place that must be bounded for it to count.
    bounds: Vec<Bounded<'a>>,
    tests: Vec<(Sum<'a>, Test, Option<&'a Column<PlaceId>>)>,
    ranges: Vec<Sum<'a>>,
    /// Accounts that must differ.
    distinct: Vec<(&'a Column<aethel_ir::AccountId>, &'a Column<aethel_ir::AccountId>)>,
}

struct Bounded<'a> {
    place: &'a Column<PlaceId>,
    threshold: Sum<'a>,
    /// The index of the delta on the same slot.
    delta: Option<usize>,
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

    #[inline]
    fn at(&self, row: usize, initial: &[i128]) -> Option<i128> {
        let mut sum = self.constant;
        for (factor, source) in &self.terms {
            let value = match source {
                Source::Values(values) => *values.get(row)?,
                Source::Places(places) => *initial.get(places.get(row)?.0 as usize)?,
            };
            sum = match factor {
                // A product of wide numbers costs more than everything else here.
                1 => sum.checked_add(value)?,
                -1 => sum.checked_sub(value)?,
                factor => sum.checked_add(value.checked_mul(*factor)?)?,
            };
        }
        Some(sum)
    }
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
            bounds.push(Bounded {
                place: place_column(group, *slot)?,
                threshold: sum(form)?,
                delta: linear.deltas.iter().position(|(written, _)| written == slot),
                if_bounded: condition(if_bounded)?,
            });
        }
        let mut tests = Vec::with_capacity(linear.tests.len());
        for (form, test, if_bounded) in &linear.tests {
            tests.push((sum(form)?, *test, condition(if_bounded)?));
        }
        let ranges = linear.ranges.iter().map(sum).collect::<Option<Vec<_>>>()?;
        Some(Self {
            batch,
            initial,
            deltas,
            bounds,
            tests,
            ranges,
            distinct: distinct(intent, group)?,
        })
    }

    /// One transaction; gives whether its own tests hold. A number that does not fit makes its places unknown.
    #[inline]
    fn add_row(&self, row: usize, sums: &mut [Sums]) -> bool {
        match self.try_row(row, sums) {
            Some(holds) => holds,
            None => {
                let written = self.deltas.iter().map(|(column, _)| column);
                for column in written.chain(self.bounds.iter().map(|bound| &bound.place)) {
                    if let Some(sums) = at(column, row).and_then(|place| sums.get_mut(place.0 as usize)) {
                        sums.unknown = true;
                    }
                }
                false
            }
        }
    }

    #[inline]
    fn try_row(&self, row: usize, sums: &mut [Sums]) -> Option<bool> {
        let mut holds = true;
        for (first, second) in &self.distinct {
            holds &= at(first, row)? != at(second, row)?;
        }
        for (column, sum) in &self.deltas {
            let delta = sum.at(row, self.initial)?;
            sums.get_mut(at(column, row)?.0 as usize)?.add(delta);
        }
        for bound in &self.bounds {
            if !self.counts(bound.if_bounded, row)? {
                continue;
            }
            let delta = match bound.delta.and_then(|index| self.deltas.get(index)) {
                Some((_, sum)) => sum.at(row, self.initial)?,
                None => 0,
            };
            let threshold = bound.threshold.at(row, self.initial)?;
            sums.get_mut(at(bound.place, row)?.0 as usize)?
                .bound(threshold, delta);
        }
        for (sum, test, if_bounded) in &self.tests {
            holds &= !self.counts(*if_bounded, row)? || test.holds(sum.at(row, self.initial)?);
        }
        for range in &self.ranges {
            holds &= (-MAX_MINOR_UNITS..=MAX_MINOR_UNITS).contains(&range.at(row, self.initial)?);
        }
        Some(holds)
    }

    /// Whether a condition counts that is only tested on a bounded place.
    #[inline]
    fn counts(&self, if_bounded: Option<&Column<PlaceId>>, row: usize) -> Option<bool> {
        match if_bounded {
            Some(column) => Some(self.batch.is_bounded(at(column, row)?)),
            None => Some(true),
        }
    }
}

#[inline]
fn at<T: Copy>(column: &Column<T>, row: usize) -> Option<T> {
    match column {
        Column::Same(value) => Some(*value),
        Column::Each(values) => values.get(row).copied(),
    }
}

type Pair<'a> = (&'a Column<aethel_ir::AccountId>, &'a Column<aethel_ir::AccountId>);

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
