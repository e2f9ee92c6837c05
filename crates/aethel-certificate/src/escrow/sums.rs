//! What is known about the accesses to one place before any of them runs.

use super::Reason;
use aethel_ir::MAX_MINOR_UNITS;

/// The sums of the accesses to one place, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// What all debits take together, not negative.
    pub debit: i128,
    /// What all credits bring together, not negative.
    pub credit: i128,
    /// The most that a transaction must find left after its own debit.
    pub least: i128,
    /// Something could not be computed, or does not fit.
    pub unknown: bool,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            debit: 0,
            credit: 0,
            least: i128::MIN,
            unknown: false,
        }
    }
}

impl Sums {
    /// One access that changes the place by `delta`.
    #[inline]
    pub(super) fn add(&mut self, delta: i128) {
        let sum = if delta < 0 {
            // Two negative numbers: what does not fit is found here too.
            delta
                .checked_neg()
                .and_then(|debit| self.debit.checked_add(debit))
                .map(|sum| self.debit = sum)
        } else {
            self.credit.checked_add(delta).map(|sum| self.credit = sum)
        };
        self.unknown |= sum.is_none();
    }

    /// A transaction that changes the place by `delta` needs at least `threshold` before it.
    #[inline]
    pub(super) fn bound(&mut self, threshold: i128, delta: i128) {
        match threshold.checked_add(delta.min(0)) {
            Some(slack) => self.least = self.least.max(slack),
            None => self.unknown = true,
        }
    }

    /// The value at the end, in whatever order the accesses came.
    pub fn end(&self, before: i128) -> Option<i128> {
        before.checked_add(self.credit.checked_sub(self.debit)?)
    }

    /// Whether every bound holds in every order, and the value stays in its range; why not, if it does not. For a place
    /// that nobody writes it says whether its bounds hold.
    pub(crate) fn suffice(&self, bounded: bool, before: i128) -> Result<(), Reason> {
        let lowest = if bounded { 0 } else { -MAX_MINOR_UNITS };
        let floor = before.checked_sub(self.debit);
        let ceiling = before.checked_add(self.credit);
        if self.unknown {
            Err(Reason::NotComputed)
        } else if floor.is_none_or(|floor| floor < lowest.max(self.least)) {
            Err(Reason::TooLittle)
        } else if ceiling.is_none_or(|ceiling| ceiling > MAX_MINOR_UNITS) {
            Err(Reason::TooMuch)
        } else {
            Ok(())
        }
    }
}
