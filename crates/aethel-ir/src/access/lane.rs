//! The two widths in which columns are summed.

use std::fmt::Debug;

/// A signed number of the machine: `i64` where all numbers of a batch are small, else `i128`.
pub trait Lane: Copy + Debug + Default + Ord + Send + Sync + 'static {
    /// The number 1.
    const ONE: Self;
    /// The smallest number.
    const LOWEST: Self;

    /// `None` when it does not fit.
    fn from_wide(value: i128) -> Option<Self>;
    /// The number cut to this width, and whether nothing was lost and it is within the limit.
    fn cut(value: i128, limit: Self) -> (Self, bool);
    /// The same number.
    fn wide(self) -> i128;
    /// Whether it lies between `-limit` and `limit`; wide lanes have no limit.
    fn within(self, limit: Self) -> bool;
    /// A part of a sum of numbers within their limit, so that a narrow one cannot overflow: the sum, and whether it does
    /// not fit.
    fn add_up(self, other: Self) -> (Self, bool);
    /// The number with the other sign; of the lowest, itself.
    fn negated(self) -> Self;
    /// The sum, wrapped, and whether it was.
    fn plus(self, other: Self) -> (Self, bool);
    /// The product, wrapped, and whether it was.
    fn times(self, other: Self) -> (Self, bool);
    /// The largest size that each of so many numbers may have for their sums to fit.
    fn limit(numbers: u64) -> Self;
}

/// Sums of numbers within a limit stay below this.
const NARROW_SUMS: i64 = 1 << 62;

impl Lane for i64 {
    const ONE: Self = 1;
    const LOWEST: Self = i64::MIN;

    #[inline(always)]
    fn from_wide(value: i128) -> Option<Self> {
        let narrow = value as i64;
        (i128::from(narrow) == value).then_some(narrow)
    }

    #[inline(always)]
    fn cut(value: i128, limit: Self) -> (Self, bool) {
        let narrow = value as i64;
        // The upper half of a number that fits repeats its sign.
        let same = (value >> 64) as i64 == narrow >> 63;
        (narrow, same & narrow.within(limit))
    }

    #[inline(always)]
    fn add_up(self, other: Self) -> (Self, bool) {
        (self.wrapping_add(other), false)
    }

    #[inline(always)]
    fn negated(self) -> Self {
        self.wrapping_neg()
    }

    #[inline(always)]
    fn wide(self) -> i128 {
        i128::from(self)
    }

    #[inline(always)]
    fn within(self, limit: Self) -> bool {
        // One comparison: what is below `-limit` wraps to the top.
        (self.wrapping_add(limit) as u64) <= (limit as u64) * 2
    }

    #[inline(always)]
    fn plus(self, other: Self) -> (Self, bool) {
        self.overflowing_add(other)
    }

    #[inline(always)]
    fn times(self, other: Self) -> (Self, bool) {
        self.overflowing_mul(other)
    }

    fn limit(numbers: u64) -> Self {
        let numbers = i64::try_from(numbers).unwrap_or(i64::MAX).max(1);
        NARROW_SUMS / numbers
    }
}

impl Lane for i128 {
    const ONE: Self = 1;
    const LOWEST: Self = i128::MIN;

    #[inline(always)]
    fn from_wide(value: i128) -> Option<Self> {
        Some(value)
    }

    #[inline(always)]
    fn cut(value: i128, _: Self) -> (Self, bool) {
        // The lowest has no opposite, and no sum of money comes near it.
        (value, value != i128::MIN)
    }

    #[inline(always)]
    fn add_up(self, other: Self) -> (Self, bool) {
        self.overflowing_add(other)
    }

    #[inline(always)]
    fn negated(self) -> Self {
        self.wrapping_neg()
    }

    #[inline(always)]
    fn wide(self) -> i128 {
        self
    }

    #[inline(always)]
    fn within(self, _: Self) -> bool {
        true
    }

    #[inline(always)]
    fn plus(self, other: Self) -> (Self, bool) {
        self.overflowing_add(other)
    }

    #[inline(always)]
    fn times(self, other: Self) -> (Self, bool) {
        self.overflowing_mul(other)
    }

    fn limit(_: u64) -> Self {
        i128::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_kept_on_both_sides() {
        let limit = i64::limit(1000);
        for (value, fits) in [
            (limit, true),
            (-limit, true),
            (limit + 1, false),
            (-limit - 1, false),
            (i64::MIN, false),
            (i64::MAX, false),
            (0, true),
        ] {
            assert_eq!(value.within(limit), fits, "{value}");
        }
        assert!(limit.checked_mul(1000).is_some());
        assert!(i64::from_wide(1 << 63).is_none() && i64::from_wide(-(1 << 63)).is_some());
    }
}
