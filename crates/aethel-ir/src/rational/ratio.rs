//! Fractions of numbers of the machine: what prices, rates and shares are made of.
//!
//! Every operation gives a reduced fraction, or `None` when a part does not fit; big fractions then take over. The sums
//! and products are reduced by the parts' common factors before they are formed (D. E. Knuth, "The Art of Computer
//! Programming", volume 2, 4.5.1), so that little is lost to width and no divisor is large.

use super::RoundMode;
use num_integer::Integer;
use std::cmp::Ordering;

/// A reduced fraction with a positive denominator; whole numbers have the denominator 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ratio {
    pub numer: i128,
    pub denom: u64,
}

impl Ratio {
    /// Reduces a fraction.
    pub fn reduced(numer: i128, denom: u64) -> Self {
        let common = gcd(numer, denom);
        Self {
            numer: over(numer, common),
            denom: denom / common,
        }
    }

    pub fn plus(self, other: Self) -> Option<Self> {
        let common = self.denom.gcd(&other.denom);
        let (own, others) = (self.denom / common, other.denom / common);
        let left = self.numer.checked_mul(i128::from(others))?;
        let right = other.numer.checked_mul(i128::from(own))?;
        let numer = left.checked_add(right)?;
        // What is common to the sum and its denominator divides what was common to the denominators.
        let more = gcd(numer, common);
        Some(Self {
            numer: over(numer, more),
            denom: own.checked_mul(other.denom / more)?,
        })
    }

    pub fn negated(self) -> Option<Self> {
        Some(Self {
            numer: self.numer.checked_neg()?,
            ..self
        })
    }

    pub fn times(self, other: Self) -> Option<Self> {
        let (a, b) = (gcd(self.numer, other.denom), gcd(other.numer, self.denom));
        Some(Self {
            numer: over(self.numer, a).checked_mul(over(other.numer, b))?,
            denom: (self.denom / b).checked_mul(other.denom / a)?,
        })
    }

    /// The divisor is not zero.
    pub fn over(self, other: Self) -> Option<Self> {
        let denom = u64::try_from(other.numer.unsigned_abs())
            .ok()
            .filter(|denom| *denom > 0)?;
        let flipped = Self {
            numer: i128::from(other.denom) * other.numer.signum(),
            denom,
        };
        self.times(flipped)
    }

    pub fn compare(self, other: Self) -> Option<Ordering> {
        if self.denom == other.denom {
            return Some(self.numer.cmp(&other.numer));
        }
        let left = self.numer.checked_mul(i128::from(other.denom))?;
        let right = other.numer.checked_mul(i128::from(self.denom))?;
        Some(left.cmp(&right))
    }

    /// The nearest whole number; the denominator is not 1.
    pub fn round(self, mode: RoundMode) -> i128 {
        let denom = i128::from(self.denom);
        let (floor, rest) = match i64::try_from(self.numer) {
            // Division of wide numbers costs more than everything else here.
            Ok(numer) if i64::try_from(self.denom).is_ok() => {
                let (floor, rest) = numer.div_mod_floor(&(self.denom as i64));
                (i128::from(floor), i128::from(rest))
            }
            _ => self.numer.div_mod_floor(&denom),
        };
        let negative = self.numer < 0;
        let up = match mode {
            RoundMode::Down => negative,
            RoundMode::Up => !negative,
            RoundMode::HalfEven | RoundMode::HalfUp => match (rest * 2).cmp(&denom) {
                Ordering::Less => false,
                Ordering::Greater => true,
                Ordering::Equal if mode == RoundMode::HalfEven => floor.is_odd(),
                Ordering::Equal => !negative,
            },
        };
        // A quotient by two or more is far from the ends of the range.
        if up { floor + 1 } else { floor }
    }
}

/// The largest number that divides both, at least 1.
fn gcd(numer: i128, denom: u64) -> u64 {
    if denom == 1 {
        return 1;
    }
    let numer = numer.unsigned_abs();
    let rest = match u64::try_from(numer) {
        Ok(numer) => numer % denom,
        Err(_) => (numer % u128::from(denom)) as u64,
    };
    if rest == 0 { denom } else { rest.gcd(&denom) }
}

/// The quotient by a number that divides it.
fn over(numer: i128, divisor: u64) -> i128 {
    match (divisor, i64::try_from(numer), i64::try_from(divisor)) {
        (1, _, _) => numer,
        (_, Ok(numer), Ok(divisor)) => i128::from(numer / divisor),
        _ => numer / i128::from(divisor),
    }
}
