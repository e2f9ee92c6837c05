//! The sums of many places, column by column: what nearly all places have in common takes no room.

use super::Sums;
use aethel_ir::{Lane, PlaceId, Signs};
use std::ops::Range;

/// The [`Sums`] of places one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table<N> {
    /// What all debits take together, not negative.
    debit: Vec<N>,
    /// What all credits bring together, not negative.
    credit: Vec<N>,
    /// The most that a transaction must find left after its own debit; empty while nobody must find anything.
    least: Vec<N>,
    /// What sums do not show; empty while there is nothing.
    marks: Vec<Mark>,
}

/// What the sums of a place do not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    /// It is written, perhaps by changes of nothing only.
    written: bool,
    /// Something could not be computed, or does not fit.
    unknown: bool,
}

/// So many places are looked at together.
const TOGETHER: usize = 128;

/// So large may the values before be that sums of [`TOGETHER`] of them fit.
const SMALL: i64 = 1 << 54;

/// Narrow sums that say everything about their places: a place is written exactly when one is not zero.
#[derive(Clone, Copy)]
pub(crate) struct Plain<'a> {
    debit: &'a [i64],
    credit: &'a [i64],
}

/// Some places one after the other, seen by [`Plain::ends`].
pub(crate) struct Ended<'a> {
    /// The first.
    pub first: usize,
    /// Where each ends.
    pub ends: &'a [i64],
    /// For each, what all debits take.
    pub debit: &'a [i64],
    /// For each, what all credits bring.
    pub credit: &'a [i64],
}

/// Over all places.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Total {
    /// What they held before.
    pub before: i128,
    /// What all debits take.
    pub debit: i64,
    /// What all credits bring.
    pub credit: i64,
}

impl Plain<'_> {
    /// Calls `found` with where places end that hold `initial` before. `None` when it said `None`,
    /// some number is not small, or a place could go below zero in some order: then nothing is said.
    #[inline]
    pub fn ends(&self, initial: &[i128], mut found: impl FnMut(Ended<'_>) -> Option<()>) -> Option<Total> {
        let mut total = Total::default();
        let mut ends = [0_i64; TOGETHER];
        let columns = self.debit.chunks(TOGETHER).zip(self.credit.chunks(TOGETHER));
        for (part, (before, (debit, credit))) in initial.chunks(TOGETHER).zip(columns).enumerate() {
            let ends = ends.get_mut(..before.len())?;
            let fits = i64::cut_all(before, SMALL, ends);
            let (mut held, mut signs) = (0_i64, 0);
            for (end, (debit, credit)) in ends.iter_mut().zip(debit.iter().zip(credit)) {
                // The sums of all places together are within 2^61 (`Lane::limit`), so nothing overflows.
                held = held.wrapping_add(*end);
                let floor = end.wrapping_sub(*debit);
                signs |= floor;
                total.debit = total.debit.wrapping_add(*debit);
                total.credit = total.credit.wrapping_add(*credit);
                *end = floor.wrapping_add(*credit);
            }
            if !fits || signs < 0 {
                return None;
            }
            total.before = total.before.wrapping_add(i128::from(held));
            found(Ended {
                first: part * TOGETHER,
                ends,
                debit,
                credit,
            })?;
        }
        Some(total)
    }
}

impl<N: Lane> Table<N> {
    /// So many places that nobody accesses.
    pub fn new(places: usize) -> Self {
        Self {
            debit: vec![N::default(); places],
            credit: vec![N::default(); places],
            least: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// How many places.
    pub fn len(&self) -> usize {
        self.debit.len()
    }

    /// The sums of a place.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Sums<N>> {
        let (debit, credit) = (*self.debit.get(index)?, *self.credit.get(index)?);
        let mark = self.marks.get(index).copied().unwrap_or_default();
        let zero = N::default();
        Some(Sums {
            debit,
            credit,
            least: self.least.get(index).copied().unwrap_or(N::LOWEST),
            unknown: mark.unknown,
            written: mark.written || debit != zero || credit != zero,
        })
    }

    /// The sums of all places.
    pub fn iter(&self) -> impl Iterator<Item = Sums<N>> + '_ {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// The columns, where they are narrow and say everything.
    pub fn plain(&self) -> Option<Plain<'_>> {
        (self.least.is_empty() && self.marks.is_empty()).then_some(Plain {
            debit: N::narrow(&self.debit)?,
            credit: N::narrow(&self.credit)?,
        })
    }

    /// Adds to the sums of a place; `None` when there is no such place.
    #[inline]
    pub fn update(&mut self, index: usize, change: impl FnOnce(&mut Sums<N>)) -> Option<()> {
        let mut sums = self.get(index)?;
        change(&mut sums);
        *self.debit.get_mut(index)? = sums.debit;
        *self.credit.get_mut(index)? = sums.credit;
        if !self.least.is_empty() || sums.least != N::LOWEST {
            let places = self.len();
            self.least.resize(places, N::LOWEST);
            *self.least.get_mut(index)? = sums.least;
        }
        let zero = N::default();
        let shown = sums.debit != zero || sums.credit != zero;
        if !self.marks.is_empty() || sums.unknown || (sums.written && !shown) {
            let places = self.len();
            self.marks.resize(places, Mark::default());
            *self.marks.get_mut(index)? = Mark {
                written: sums.written,
                unknown: sums.unknown,
            };
        }
        Some(())
    }

    /// Adds changes, row by row; narrow numbers within their limit only. The places are counted from `base`; `None` when one
    /// is not there.
    #[inline(always)]
    pub fn scatter(&mut self, base: usize, places: &[PlaceId], deltas: &[N], signs: Signs) -> Option<()> {
        debug_assert!(N::NARROW);
        match signs {
            Signs::AllNegative => add_to(&mut self.debit, base, places, deltas, N::negated),
            Signs::AllPositive => add_to(&mut self.credit, base, places, deltas, |delta| delta),
            Signs::Mixed => {
                let zero = N::default();
                add_to(&mut self.debit, base, places, deltas, |delta| {
                    delta.negated().max(zero)
                })?;
                add_to(&mut self.credit, base, places, deltas, |delta| delta.max(zero))?;
                // A change of nothing is not in the sums.
                self.marks.resize(self.debit.len(), Mark::default());
                let mut places = places.iter();
                places.try_for_each(|place| {
                    self.marks.get_mut(index(*place, base))?.written = true;
                    Some(())
                })
            }
        }
    }

    /// Adds, row by row, what the places must hold at least before a change; likewise.
    pub fn bound(&mut self, base: usize, places: &[PlaceId], least: &[N], deltas: &[N]) -> Option<()> {
        self.least.resize(self.debit.len(), N::LOWEST);
        for ((place, least), delta) in places.iter().zip(least).zip(deltas) {
            let most = self.least.get_mut(index(*place, base))?;
            *most = (*most).max(least.add_up((*delta).min(N::default())).0);
        }
        Some(())
    }

    /// Adds the sums of other places, which are these from `places.start` on.
    pub fn join(&mut self, places: Range<usize>, other: &Self) -> Option<()> {
        let one_by_one = !N::NARROW || other.plain().is_none() || self.plain().is_none();
        if one_by_one {
            for (index, more) in places.zip(other.iter()) {
                self.update(index, |sums| sums.join(&more))?;
            }
            return Some(());
        }
        let columns = [(&mut self.debit, &other.debit), (&mut self.credit, &other.credit)];
        for (column, more) in columns {
            for (sum, more) in column.get_mut(places.clone())?.iter_mut().zip(more) {
                *sum = sum.add_up(*more).0;
            }
        }
        Some(())
    }
}

/// A place before the base wraps around, and is not there either.
#[inline(always)]
fn index(place: PlaceId, base: usize) -> usize {
    (place.0 as usize).wrapping_sub(base)
}

#[inline(always)]
fn add_to<N: Lane>(
    column: &mut [N],
    base: usize,
    places: &[PlaceId],
    deltas: &[N],
    size: impl Fn(N) -> N,
) -> Option<()> {
    for (place, delta) in places.iter().zip(deltas) {
        let sum = column.get_mut(index(*place, base))?;
        *sum = sum.add_up(size(*delta)).0;
    }
    Some(())
}
