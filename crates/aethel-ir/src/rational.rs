//! Exact numbers: every intermediate value between source text and ledger is one of these.
//!
//! Whole numbers that fit `i128` (all money does) stay in registers; everything else is a reduced big fraction.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// Numerator and denominator together may have at most this many bits, so that no chain of `let`s can eat the memory.
pub const MAX_BITS: u64 = 16_384;

/// Literals and cells may have at most this many digits.
pub const MAX_DIGITS: usize = 60;

/// An exact rational number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub enum Rational {
    /// A whole number; every whole number in the range of `i128` has this form.
    Int(i128),
    /// Anything else, reduced, with a positive denominator.
    Fraction(Box<BigRational>),
}

/// Why an operation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithmeticError {
    /// The divisor was zero.
    DivisionByZero,
    /// The result needs more than [`MAX_BITS`] bits.
    TooWide,
}

/// How `round` decides; see `language.md`, section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RoundMode {
    /// To the nearest, ties to the even neighbour.
    HalfEven,
    /// To the nearest, ties away from zero.
    HalfUp,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

impl RoundMode {
    /// Every mode with its name in the language.
    pub const NAMES: [(&'static str, RoundMode); 4] = [
        ("half_even", RoundMode::HalfEven),
        ("half_up", RoundMode::HalfUp),
        ("up", RoundMode::Up),
        ("down", RoundMode::Down),
    ];

    /// The name in the language.
    pub fn name(self) -> &'static str {
        match self {
            RoundMode::HalfEven => "half_even",
            RoundMode::HalfUp => "half_up",
            RoundMode::Up => "up",
            RoundMode::Down => "down",
        }
    }
}

impl Default for Rational {
    fn default() -> Self {
        Rational::ZERO
    }
}

impl From<i128> for Rational {
    fn from(value: i128) -> Self {
        Rational::Int(value)
    }
}

impl Rational {
    /// Zero.
    pub const ZERO: Rational = Rational::Int(0);
    /// One.
    pub const ONE: Rational = Rational::Int(1);

    fn from_big(value: BigRational) -> Result<Self, ArithmeticError> {
        if value.is_integer()
            && let Some(whole) = value.numer().to_i128()
        {
            return Ok(Rational::Int(whole));
        }
        if value.numer().bits() + value.denom().bits() > MAX_BITS {
            return Err(ArithmeticError::TooWide);
        }
        Ok(Rational::Fraction(Box::new(value)))
    }

    fn to_big(&self) -> BigRational {
        match self {
            Rational::Int(n) => BigRational::from_integer(BigInt::from(*n)),
            Rational::Fraction(r) => (**r).clone(),
        }
    }

    /// Ten to the power of `exponent`, which may be negative; |exponent| is at most 60 in any program.
    pub fn power_of_ten(exponent: i32) -> Rational {
        let magnitude = exponent.unsigned_abs().min(1_000);
        if let (0.., Some(power)) = (exponent, 10_i128.checked_pow(magnitude)) {
            return Rational::Int(power);
        }
        let power = BigInt::from(10).pow(magnitude);
        let value = if exponent < 0 {
            // One and a power of ten have no common factor.
            BigRational::new_raw(BigInt::one(), power)
        } else {
            BigRational::from_integer(power)
        };
        Self::from_big(value).unwrap_or(Rational::ONE)
    }

    /// Reads `-12.50`: an optional sign, digits with single `_` between them, an optional fraction. Nothing else.
    /// At most [`MAX_DIGITS`] digits. `None` when the text is not such a number.
    pub fn parse_decimal(text: &str) -> Option<Rational> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let part_ok = |part: &str| {
            !part.is_empty()
                && part
                    .split('_')
                    .all(|run| !run.is_empty() && run.bytes().all(|b| b.is_ascii_digit()))
        };
        if !part_ok(whole) || !fraction.is_none_or(part_ok) {
            return None;
        }
        let mut scale = 0_i32;
        let mut count = 0_usize;
        let mut value = BigInt::zero();
        let mut small = 0_i128;
        for (in_fraction, part) in [(false, whole), (true, fraction.unwrap_or(""))] {
            for digit in part.bytes().filter(u8::is_ascii_digit) {
                count += 1;
                if count > MAX_DIGITS {
                    return None;
                }
                if count <= 38 {
                    small = small * 10 + i128::from(digit - b'0');
                } else {
                    if count == 39 {
                        value = BigInt::from(small);
                    }
                    value = value * 10 + i128::from(digit - b'0');
                }
                scale += i32::from(in_fraction);
            }
        }
        if count <= 38 {
            if scale == 0 {
                return Some(Rational::Int(if negative { -small } else { small }));
            }
            value = BigInt::from(small);
        }
        if negative {
            value = -value;
        }
        Self::from_big(BigRational::new(
            value,
            BigInt::from(10).pow(scale.unsigned_abs()),
        ))
        .ok()
    }

    /// The value as `i128` when it is whole and fits.
    pub fn to_i128(&self) -> Option<i128> {
        match self {
            Rational::Int(n) => Some(*n),
            Rational::Fraction(_) => None,
        }
    }

    /// Whether it is a whole number (of any size).
    pub fn is_integer(&self) -> bool {
        match self {
            Rational::Int(_) => true,
            Rational::Fraction(r) => r.is_integer(),
        }
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        *self == Rational::ZERO
    }

    /// -1, 0 or 1.
    pub fn signum(&self) -> i32 {
        match self {
            Rational::Int(n) => n.signum() as i32,
            Rational::Fraction(r) => {
                if r.is_negative() {
                    -1
                } else {
                    1
                }
            }
        }
    }

    /// Numerator and positive denominator in decimal.
    pub fn as_fraction(&self) -> (String, String) {
        match self {
            Rational::Int(n) => (n.to_string(), "1".into()),
            Rational::Fraction(r) => (r.numer().to_string(), r.denom().to_string()),
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// `TooWide`.
    pub fn add(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if let (Rational::Int(a), Rational::Int(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Ok(Rational::Int(sum));
        }
        Self::from_big(self.to_big() + other.to_big())
    }

    /// The difference.
    ///
    /// # Errors
    /// `TooWide`.
    pub fn sub(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if let (Rational::Int(a), Rational::Int(b)) = (self, other)
            && let Some(difference) = a.checked_sub(*b)
        {
            return Ok(Rational::Int(difference));
        }
        Self::from_big(self.to_big() - other.to_big())
    }

    /// The product.
    ///
    /// # Errors
    /// `TooWide`.
    pub fn mul(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if let (Rational::Int(a), Rational::Int(b)) = (self, other)
            && let Some(product) = a.checked_mul(*b)
        {
            return Ok(Rational::Int(product));
        }
        Self::from_big(self.to_big() * other.to_big())
    }

    /// The exact quotient.
    ///
    /// # Errors
    /// `DivisionByZero`, `TooWide`.
    pub fn div(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if other.is_zero() {
            return Err(ArithmeticError::DivisionByZero);
        }
        if let (Rational::Int(a), Rational::Int(b)) = (self, other)
            && let (Some(quotient), Some(0)) = (a.checked_div(*b), a.checked_rem(*b))
        {
            return Ok(Rational::Int(quotient));
        }
        Self::from_big(self.to_big() / other.to_big())
    }

    /// The remainder of a division that truncates: it has the sign of the dividend.
    ///
    /// # Errors
    /// `DivisionByZero`, `TooWide`.
    pub fn rem(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if other.is_zero() {
            return Err(ArithmeticError::DivisionByZero);
        }
        if let (Rational::Int(a), Rational::Int(b)) = (self, other)
            && let Some(remainder) = a.checked_rem(*b)
        {
            return Ok(Rational::Int(remainder));
        }
        Self::from_big(self.to_big() % other.to_big())
    }

    /// The negation.
    ///
    /// # Errors
    /// `TooWide`.
    pub fn neg(&self) -> Result<Self, ArithmeticError> {
        Rational::ZERO.sub(self)
    }

    /// The nearest whole number in the sense of `mode`.
    pub fn round(&self, mode: RoundMode) -> Rational {
        let Rational::Fraction(r) = self else {
            return self.clone();
        };
        let (floor, remainder) = r.numer().div_mod_floor(r.denom());
        if remainder.is_zero() {
            return self.clone();
        }
        let negative = r.is_negative();
        let up_from_floor = match mode {
            RoundMode::Down => negative,
            RoundMode::Up => !negative,
            RoundMode::HalfEven | RoundMode::HalfUp => match (remainder * 2_i32).cmp(r.denom()) {
                Ordering::Less => false,
                Ordering::Greater => true,
                Ordering::Equal if mode == RoundMode::HalfEven => floor.is_odd(),
                Ordering::Equal => !negative,
            },
        };
        let whole = if up_from_floor { floor + 1 } else { floor };
        // Narrower than `self` up to one bit, so it cannot be too wide in any way that matters.
        Self::from_big(BigRational::from_integer(whole)).unwrap_or_else(|_| self.clone())
    }

    /// A decimal text: exact when the fraction ends within 18 digits, else cut there and followed by `…`.
    pub fn to_decimal(&self) -> String {
        match self {
            Rational::Int(n) => n.to_string(),
            Rational::Fraction(r) => {
                let scaled = r.numer().magnitude() * num_bigint::BigUint::from(10_u32).pow(18);
                let (whole, rest) = scaled.div_rem(r.denom().magnitude());
                let digits = format!("{:0>19}", whole.to_string());
                let (integer, fraction) = digits.split_at(digits.len() - 18);
                let fraction = fraction.trim_end_matches('0');
                let sign = if r.is_negative() { "-" } else { "" };
                let more = if rest.is_zero() { "" } else { "…" };
                match (fraction, more) {
                    ("", "") => format!("{sign}{integer}"),
                    _ => format!("{sign}{integer}.{fraction}{more}"),
                }
            }
        }
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Rational::Int(a), Rational::Int(b)) => a.cmp(b),
            _ => self.to_big().cmp(&other.to_big()),
        }
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_decimal())
    }
}

/// The stored form: a fraction is text, so that what is read back can be checked.
#[derive(Serialize, Deserialize)]
enum Wire {
    Int(i128),
    Fraction(String),
}

impl From<Rational> for Wire {
    fn from(value: Rational) -> Self {
        match value {
            Rational::Int(n) => Wire::Int(n),
            Rational::Fraction(r) => Wire::Fraction(format!("{}/{}", r.numer(), r.denom())),
        }
    }
}

impl TryFrom<Wire> for Rational {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let text = match wire {
            Wire::Int(n) => return Ok(Rational::Int(n)),
            Wire::Fraction(text) => text,
        };
        // 16 384 bits have fewer than 5 000 digits; reading more would be quadratic work for nothing.
        if text.len() > 10_000 {
            return Err("a fraction with too many digits");
        }
        let (numer, denom) = text.split_once('/').ok_or("a fraction without `/`")?;
        let numer: BigInt = numer.parse().map_err(|_| "a numerator that is no number")?;
        let denom: BigInt = denom.parse().map_err(|_| "a denominator that is no number")?;
        if !denom.is_positive() {
            return Err("a denominator that is not positive");
        }
        Self::from_big(BigRational::new(numer, denom)).map_err(|_| "a fraction that is too wide")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dec(text: &str) -> Rational {
        Rational::parse_decimal(text).expect(text)
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(dec("0.95").mul(&dec("10")).unwrap().to_decimal(), "9.5");
        assert_eq!(dec("1_000"), Rational::Int(1000));
        assert_eq!(dec("-0.10").to_decimal(), "-0.1");
        assert_eq!(
            dec("1").div(&dec("3")).unwrap().to_decimal(),
            "0.333333333333333333…"
        );
        for bad in [
            "",
            "-",
            ".5",
            "5.",
            "1e5",
            "1__0",
            "_1",
            "1_",
            "+1",
            " 1",
            "1.2.3",
            &"9".repeat(61),
        ] {
            assert!(Rational::parse_decimal(bad).is_none(), "{bad}");
        }
        assert_eq!(dec(&"9".repeat(60)).to_decimal(), "9".repeat(60));
    }

    #[test]
    fn rounding_modes() {
        let cases = [
            ("2.5", [2, 3, 3, 2]),
            ("3.5", [4, 4, 4, 3]),
            ("-2.5", [-2, -3, -3, -2]),
            ("2.4", [2, 2, 3, 2]),
            ("-2.4", [-2, -2, -3, -2]),
            ("-2.6", [-3, -3, -3, -2]),
            ("7", [7, 7, 7, 7]),
        ];
        for (text, expected) in cases {
            for ((_, mode), want) in RoundMode::NAMES.into_iter().zip(expected) {
                assert_eq!(dec(text).round(mode), Rational::Int(want), "{text} {mode:?}");
            }
        }
    }

    #[test]
    fn division_by_zero_and_width() {
        assert_eq!(
            Rational::ONE.div(&Rational::ZERO),
            Err(ArithmeticError::DivisionByZero)
        );
        assert_eq!(
            Rational::ONE.rem(&Rational::ZERO),
            Err(ArithmeticError::DivisionByZero)
        );
        let mut x = Rational::Int(i128::MAX);
        let error = loop {
            match x.mul(&x) {
                Ok(y) => x = y,
                Err(error) => break error,
            }
        };
        assert_eq!(error, ArithmeticError::TooWide);
        assert_eq!(
            Rational::Int(i128::MIN).neg().unwrap().neg().unwrap(),
            Rational::Int(i128::MIN)
        );
    }

    proptest! {
        #[test]
        fn field_laws(a in any::<i64>(), b in any::<i64>(), c in 1..i64::MAX) {
            let (a, b, c) = (Rational::Int(a.into()), Rational::Int(b.into()), Rational::Int(c.into()));
            let quotient = a.div(&c).unwrap();
            prop_assert_eq!(quotient.mul(&c).unwrap(), a.clone());
            prop_assert_eq!(a.add(&b).unwrap().sub(&b).unwrap(), a.clone());
            let rem = a.rem(&c).unwrap();
            prop_assert!(rem.is_zero() || rem.signum() == a.signum());
            for (_, mode) in RoundMode::NAMES {
                let distance = quotient.round(mode).sub(&quotient).unwrap();
                let limit = if matches!(mode, RoundMode::Up | RoundMode::Down) { 2 } else { 1 };
                let doubled = distance.mul(&Rational::Int(2)).unwrap();
                prop_assert!(doubled <= Rational::Int(limit) && doubled >= Rational::Int(-limit));
            }
        }
    }
}
