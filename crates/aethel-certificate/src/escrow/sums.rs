//! What is known about the accesses to one place before any of them runs.

use super::Reason;
use aethel_ir::{Lane, MAX_MINOR_UNITS, Signs};

/// The sums of the accesses to one place, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums<N = i128> {
    /// What all debits take together, not negative.
    pub debit: N,
    /// What all credits bring together, not negative.
    pub credit: N,
    /// The most that a transaction must find left after its own debit.
    pub least: N,
    /// Something could not be computed, or does not fit.
    pub unknown: bool,
    /// Some transaction writes the place.
    pub written: bool,
}

impl<N: Lane> Default for Sums<N> {
    fn default() -> Self {
        Self {
            debit: N::default(),
            credit: N::default(),
            least: N::LOWEST,
            unknown: false,
            written: false,
        }
    }
}

/// So large may the numbers be with which narrow arithmetic is plainly right.
const SMALL: i64 = 1 << 60;

impl<N: Lane> Sums<N> {
    /// One access that changes the place by `delta`.
    #[inline(always)]
    pub(super) fn add(&mut self, delta: N) {
        self.written = true;
        let zero = N::default();
        let (debit, wide) = self.debit.add_up(delta.negated().max(zero));
        let (credit, more) = self.credit.add_up(delta.max(zero));
        self.debit = debit;
        self.credit = credit;
        // The lowest number has no opposite.
        self.unknown |= wide | more | (!N::NARROW & (delta == N::LOWEST));
    }

    /// Several accesses with changes that have this in common.
    #[inline]
    pub(super) fn add_all(&mut self, deltas: &[N], signs: Signs) {
        if !N::NARROW || signs == Signs::Mixed {
            return deltas.iter().for_each(|delta| self.add(*delta));
        }
        // All are debits, or all are credits, and no sum overflows.
        let sum = deltas
            .iter()
            .fold(N::default(), |sum, delta| sum.add_up(*delta).0);
        self.add(sum);
    }

    /// A transaction that changes the place by `delta` needs at least `threshold` before it.
    #[inline(always)]
    pub(super) fn bound(&mut self, threshold: N, delta: N) {
        let (slack, wide) = threshold.add_up(delta.min(N::default()));
        self.least = self.least.max(slack);
        self.unknown |= wide;
    }

    /// The accesses of two parts of a batch.
    pub(super) fn join(&mut self, other: &Self) {
        let (debit, wide) = self.debit.plus(other.debit);
        let (credit, more) = self.credit.plus(other.credit);
        self.debit = debit;
        self.credit = credit;
        self.least = self.least.max(other.least);
        self.unknown |= other.unknown | wide | more;
        self.written |= other.written;
    }

    /// The value at the end, in whatever order the accesses came.
    pub fn end(&self, before: i128) -> Option<i128> {
        before.checked_add(self.credit.wide().checked_sub(self.debit.wide())?)
    }

    /// [`Sums::end`], where it is plain that the sums [suffice](Sums::suffice): all is small. `None` says nothing.
    #[inline(always)]
    pub(crate) fn quick_end(&self, bounded: bool, before: i128) -> Option<i128> {
        let small = |value: i128| i64::from_wide(value).filter(|value| value.within(SMALL));
        let before = small(before)?;
        let debit = small(self.debit.wide())?;
        let credit = small(self.credit.wide())?;
        let floor = before - debit;
        let least = self.least.wide();
        let fits = !self.unknown && i128::from(floor) >= least && (floor >= 0 || !bounded);
        fits.then(|| i128::from(floor + credit))
    }

    /// Whether every bound holds in every order, and the value stays in its range; why not, if it does not. For a place
    /// that nobody writes it says whether its bounds hold.
    #[inline]
    pub(crate) fn suffice(&self, bounded: bool, before: i128) -> Result<(), Reason> {
        if self.quick_end(bounded, before).is_some() {
            return Ok(());
        }
        let lowest = if bounded { 0 } else { -MAX_MINOR_UNITS };
        let floor = before.checked_sub(self.debit.wide());
        let ceiling = before.checked_add(self.credit.wide());
        if self.unknown {
            Err(Reason::NotComputed)
        } else if floor.is_none_or(|floor| floor < lowest.max(self.least.wide())) {
            Err(Reason::TooLittle)
        } else if ceiling.is_none_or(|ceiling| ceiling > MAX_MINOR_UNITS) {
            Err(Reason::TooMuch)
        } else {
            Ok(())
        }
    }
}
