//! The two widths in which columns are summed.

use std::fmt::Debug;

/// A signed number of the machine: `i64` where all numbers of a batch are small, else `i128`.
pub trait Lane: Copy + Debug + Default + Ord + Send + Sync + 'static {
    /// The number 1.
    const ONE: Self;
    /// The smallest number.
    const LOWEST: Self;
    /// Sums of numbers within their limit always fit, and so does every opposite.
    const NARROW: bool;

    /// `None` when it does not fit.
    fn from_wide(value: i128) -> Option<Self>;
    /// The number cut to this width, and whether nothing was lost and it is within the limit.
    fn cut(value: i128, limit: Self) -> (Self, bool);
    /// The same number.
    fn wide(self) -> i128;
    /// The same number.
    fn from_narrow(value: i64) -> Self;
    /// A column of narrow numbers, where this is their width.
    fn direct(values: &[i64]) -> Option<&[Self]>;
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
    /// Zero exactly when it is the same number.
    #[inline(always)]
    fn difference<M: Lane>(self, other: M) -> i64 {
        match Self::NARROW && M::NARROW {
            true => self.low() ^ other.low(),
            false => i64::from(self.wide() != other.wide()),
        }
    }
    /// Its lower half; of a narrow number all of it.
    fn low(self) -> i64;
    /// The largest size that each of so many numbers may have for their sums to fit.
    fn limit(numbers: u64) -> Self;

    /// A column of narrow numbers as such; `None` of wide ones.
    fn narrow(values: &[Self]) -> Option<&[i64]>;
    /// [`Lane::cut`] of a column into another of the same length: whether nothing was lost and all is within the limit.
    fn cut_all(values: &[i128], limit: Self, out: &mut [Self]) -> bool;
    /// Whether no number of a column is below `least`; narrow ones must be within their limit, `least` too.
    fn none_below(values: &[Self], least: Self) -> bool;
    /// What all numbers of a column have in common; narrow ones must be within their limit.
    fn signs(values: &[Self]) -> Signs;
    /// Whether some `least` is above zero after what its `delta` takes away; narrow ones must be within their limit.
    fn any_left(least: &[Self], deltas: &[Self]) -> bool;
}

/// What all numbers of a column have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// Each is below zero.
    AllNegative,
    /// Each is above zero.
    AllPositive,
    /// Neither.
    Mixed,
}

/// Sums of numbers within a limit stay below this, so that the difference of two numbers within a limit fits too.
const NARROW_SUMS: i64 = 1 << 61;

impl Lane for i64 {
    const ONE: Self = 1;
    const LOWEST: Self = i64::MIN;
    const NARROW: bool = true;

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
    fn from_narrow(value: i64) -> Self {
        value
    }

    #[inline(always)]
    fn direct(values: &[i64]) -> Option<&[Self]> {
        Some(values)
    }

    #[inline(always)]
    fn low(self) -> i64 {
        self
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

    #[inline(always)]
    fn cut_all(values: &[i128], limit: Self, out: &mut [Self]) -> bool {
        // All bits that some number has beyond its sign, without a comparison for each.
        let (mut high, mut low) = (0_i64, 0_i64);
        for (out, value) in out.iter_mut().zip(values) {
            let narrow = *value as i64;
            let sign = narrow >> 63;
            high |= ((*value >> 64) as i64) ^ sign;
            low |= narrow ^ sign;
            *out = narrow;
        }
        high == 0 && (low < limit || values.iter().all(|value| i64::cut(*value, limit).1))
    }

    #[inline(always)]
    fn narrow(values: &[Self]) -> Option<&[i64]> {
        Some(values)
    }

    #[inline(always)]
    fn none_below(values: &[Self], least: Self) -> bool {
        let signs = (values.iter()).fold(0, |signs, value| signs | value.wrapping_sub(least));
        signs >= 0
    }

    #[inline(always)]
    fn signs(values: &[Self]) -> Signs {
        let (mut all, mut any) = (-1_i64, 0_i64);
        for value in values {
            all &= value;
            any |= value.wrapping_sub(1);
        }
        match (all < 0, any < 0) {
            (true, _) => Signs::AllNegative,
            (false, false) => Signs::AllPositive,
            (false, true) => Signs::Mixed,
        }
    }

    #[inline(always)]
    fn any_left(least: &[Self], deltas: &[Self]) -> bool {
        let left = |(least, delta): (&i64, &i64)| least.wrapping_add(delta & (delta >> 63));
        let signs = (least.iter().zip(deltas)).fold(0, |signs, pair| signs | left(pair).wrapping_neg());
        signs < 0
    }
}

impl Lane for i128 {
    const ONE: Self = 1;
    const LOWEST: Self = i128::MIN;
    const NARROW: bool = false;

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
    fn from_narrow(value: i64) -> Self {
        i128::from(value)
    }

    fn direct(_: &[i64]) -> Option<&[Self]> {
        None
    }

    #[inline(always)]
    fn low(self) -> i64 {
        self as i64
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

    fn cut_all(values: &[i128], limit: Self, out: &mut [Self]) -> bool {
        let fits = values.iter().all(|value| i128::cut(*value, limit).1);
        out.iter_mut().zip(values).for_each(|(out, value)| *out = *value);
        fits
    }

    fn narrow(_: &[Self]) -> Option<&[i64]> {
        None
    }

    fn none_below(values: &[Self], least: Self) -> bool {
        values.iter().all(|value| *value >= least)
    }

    fn signs(values: &[Self]) -> Signs {
        if values.iter().all(|value| *value < 0) {
            Signs::AllNegative
        } else if values.iter().all(|value| *value > 0) {
            Signs::AllPositive
        } else {
            Signs::Mixed
        }
    }
    fn any_left(least: &[Self], deltas: &[Self]) -> bool {
        (least.iter().zip(deltas)).any(|(least, delta)| least.saturating_add((*delta).min(0)) > 0)
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

    /// What is said of whole columns is what is said number by number, in both widths.
    #[test]
    fn columns_are_judged_as_their_numbers_are() {
        let limit = i64::limit(2);
        let numbers = [0, 1, -1, 5, -5, limit - 1, 1 - limit, limit, -limit];
        for length in [1, 2, 3, 7] {
            for seed in 0..2000_usize {
                let pick = |n: usize| numbers[(seed / 9_usize.pow((n % 4) as u32) + n / 4) % 9];
                let column: Vec<i64> = (0..length).map(pick).collect();
                let other: Vec<i64> = (0..length).map(|n| pick(n + 1)).collect();
                let (wide, wide_other): (Vec<i128>, Vec<i128>) = (
                    column.iter().map(|n| n.wide()).collect(),
                    other.iter().map(|n| n.wide()).collect(),
                );
                let signs = if column.iter().all(|n| *n < 0) {
                    Signs::AllNegative
                } else if column.iter().all(|n| *n > 0) {
                    Signs::AllPositive
                } else {
                    Signs::Mixed
                };
                assert_eq!(
                    (i64::signs(&column), i128::signs(&wide)),
                    (signs, signs),
                    "{column:?}"
                );
                for least in [0, 1, -1, limit, -limit] {
                    let none = column.iter().all(|n| *n >= least);
                    assert_eq!(i64::none_below(&column, least), none, "{column:?} {least}");
                    assert_eq!(i128::none_below(&wide, least.wide()), none, "{column:?} {least}");
                }
                let left = wide
                    .iter()
                    .zip(&wide_other)
                    .any(|(least, delta)| least + delta.min(&0) > 0);
                assert_eq!(i64::any_left(&column, &other), left, "{column:?} {other:?}");
                assert_eq!(i128::any_left(&wide, &wide_other), left, "{column:?} {other:?}");
            }
        }
    }

    #[test]
    fn columns_are_cut_where_all_of_them_fits() {
        let limit = 1000;
        let far = [
            1001,
            -1001,
            1 << 63,
            -(1 << 63),
            1 << 64,
            i128::MAX,
            i128::MIN,
            -(1_i128 << 64) + 5,
        ];
        for at in 0..5 {
            let mut column = [1000, -1000, 999, 0, -7];
            let mut out = [0; 5];
            assert!(i64::cut_all(&column, limit, &mut out));
            assert_eq!(out.map(i128::from), column);
            for value in far {
                column[at] = value;
                assert!(!i64::cut_all(&column, limit, &mut out), "{value}");
                assert!(!i64::cut_all(&[value; 3], limit, &mut out[..3]), "{value}");
            }
        }
        let mut out = [0; 2];
        assert!(i128::cut_all(&[i128::MAX, -5], 1, &mut out) && out == [i128::MAX, -5]);
        assert!(!i128::cut_all(&[i128::MIN, -5], 1, &mut out));
    }
}
