//! Exact arithmetic on Z3 terms.
//!
//! A rational with a known denominator is an Int term over a constant, so that money never leaves linear integer
//! arithmetic; only a quotient by an unknown divisor is a Real. Rounding and remainders are *defined* by a fresh
//! integer and linear inequalities that have exactly one solution, never by `div`, `mod` or `ite`, which 4.8.12 is slow
//! on (half-even of 95/5 by `div`: unknown after 12 s).

use crate::definitions::{Definitions, Made};
use aethel_ir::{Rational, RoundMode};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use std::cmp::Ordering;
use std::str::FromStr;
use z3::ast::{Ast, Bool, Int, Real};

/// A number as a term.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// A number that is known.
    Constant(BigRational),
    /// An integer term over a known positive denominator.
    Ratio(Int, BigInt),
    /// Anything else.
    Real(Real),
}

/// A rational that is not one. Only a hostile file could cause this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the intent is not well formed")
    }
}

/// The integer numeral, of any size: put together from pieces that the interface takes.
pub fn numeral(value: &BigInt) -> Int {
    if let Ok(small) = i64::try_from(value) {
        return Int::from_i64(small);
    }
    let base = 1_i64 << 62;
    let (high, low) = value.div_mod_floor(&BigInt::from(base));
    // The low part is in 0..2^62, so the conversion cannot fail.
    let low = Int::from_i64(i64::try_from(&low).unwrap_or_default());
    (numeral(&high) * Int::from_i64(base) + low).simplify()
}

/// `a * b` without clutter when `b` is one.
fn times(a: &Int, b: &BigInt) -> Int {
    if b.is_one() { a.clone() } else { a * numeral(b) }
}

impl Number {
    /// An integer term.
    pub fn whole(term: Int) -> Self {
        Number::Ratio(term, BigInt::one())
    }

    /// A known number.
    pub fn constant(value: &Rational) -> Result<Self, Malformed> {
        if let Rational::Int(whole) = value {
            return Ok(Number::Constant(BigRational::from_integer(BigInt::from(*whole))));
        }
        let (numerator, denominator) = value.as_fraction();
        let numerator = BigInt::from_str(&numerator).map_err(|_| Malformed)?;
        let denominator = BigInt::from_str(&denominator).map_err(|_| Malformed)?;
        if denominator.is_positive() {
            Ok(Number::Constant(BigRational::new(numerator, denominator)))
        } else {
            Err(Malformed)
        }
    }

    /// Numerator and denominator, unless it is a Real.
    fn ratio(&self) -> Option<(Int, BigInt)> {
        match self {
            Number::Constant(value) => Some((numeral(value.numer()), value.denom().clone())),
            Number::Ratio(numerator, denominator) => Some((numerator.clone(), denominator.clone())),
            Number::Real(_) => None,
        }
    }

    /// As a Real term.
    pub fn real(&self) -> Real {
        match self {
            Number::Real(term) => term.clone(),
            Number::Constant(value) => numeral(value.numer()).to_real() / numeral(value.denom()).to_real(),
            Number::Ratio(term, denominator) if denominator.is_one() => term.to_real(),
            Number::Ratio(term, denominator) => term.to_real() / numeral(denominator).to_real(),
        }
    }

    /// Two integer terms over one denominator, unless one number is a Real.
    fn common(&self, other: &Self) -> Option<(Int, Int, BigInt)> {
        let ((a, da), (b, db)) = (self.ratio()?, other.ratio()?);
        let denominator = da.lcm(&db);
        let (fa, fb) = (&denominator / da, &denominator / db);
        Some((times(&a, &fa), times(&b, &fb), denominator))
    }

    fn combine(
        &self,
        other: &Self,
        known: fn(&BigRational, &BigRational) -> BigRational,
        int: fn(Int, Int) -> Int,
        real: fn(Real, Real) -> Real,
    ) -> Self {
        if let (Number::Constant(a), Number::Constant(b)) = (self, other) {
            return Number::Constant(known(a, b));
        }
        match self.common(other) {
            Some((a, b, denominator)) => Number::Ratio(int(a, b), denominator),
            None => Number::Real(real(self.real(), other.real())),
        }
    }

    /// The sum.
    pub fn add(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a + b, |a, b| a + b, |a, b| a + b)
    }

    /// The difference.
    pub fn sub(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a - b, |a, b| a - b, |a, b| a - b)
    }

    /// The negation.
    pub fn neg(&self) -> Self {
        match self {
            Number::Constant(value) => Number::Constant(-value),
            Number::Ratio(term, denominator) => Number::Ratio(-term, denominator.clone()),
            Number::Real(term) => Number::Real(-term),
        }
    }

    /// The product; linear when one side is known.
    pub fn mul(&self, other: &Self) -> Self {
        match (self, other) {
            (Number::Constant(a), Number::Constant(b)) => Number::Constant(a * b),
            (Number::Constant(factor), Number::Ratio(term, denominator))
            | (Number::Ratio(term, denominator), Number::Constant(factor)) => {
                let scaled = BigRational::new(factor.numer().clone(), factor.denom() * denominator);
                Number::Ratio(times(term, scaled.numer()), scaled.denom().clone())
            }
            (Number::Ratio(a, da), Number::Ratio(b, db)) => Number::Ratio(a * b, da * db),
            _ => Number::Real(self.real() * other.real()),
        }
    }

    /// The product, where that of two unknowns is a fresh constant: a lemma may leave open what it is a product of.
    pub fn product(&self, other: &Self, definitions: &mut Definitions) -> Self {
        if matches!(self, Number::Constant(_)) || matches!(other, Number::Constant(_)) {
            return self.mul(other);
        }
        let swapped = Made::Product(other.clone(), self.clone());
        let made = Made::Product(self.clone(), other.clone());
        if let Some(product) = definitions.known(&made).or_else(|| definitions.known(&swapped)) {
            return product.clone();
        }
        let exact = self.mul(other);
        let product = match &exact {
            Number::Ratio(_, denominator) => Number::Ratio(Int::fresh_const("product"), denominator.clone()),
            Number::Constant(_) | Number::Real(_) => Number::Real(Real::fresh_const("product")),
        };
        let equation = product.compare(&exact, Ordering::is_eq);
        definitions.define_product(made, product.clone(), equation);
        product
    }

    /// The quotient. When the divisor is unknown the second part says that it is not zero, which is left to prove; the
    /// quotient is a fresh constant that is defined in that case and free otherwise.
    pub fn div(&self, divisor: &Self, definitions: &mut Definitions) -> (Self, Option<Bool>) {
        if let Number::Constant(known) = divisor {
            if known.is_zero() {
                return (
                    Number::Real(Real::fresh_const("quotient")),
                    Some(Bool::from_bool(false)),
                );
            }
            return (self.mul(&Number::Constant(known.recip())), None);
        }
        let not_zero = !divisor.compare(&Number::Constant(BigRational::zero()), Ordering::is_eq);
        let made = Made::Quotient(self.clone(), divisor.clone());
        if let Some(quotient) = definitions.known(&made) {
            return (quotient.clone(), Some(not_zero));
        }
        let quotient = Number::Real(Real::fresh_const("quotient"));
        let back = quotient
            .product(divisor, definitions)
            .compare(self, Ordering::is_eq);
        definitions.define(made, quotient.clone(), [not_zero.implies(back)]);
        (quotient, Some(not_zero))
    }

    /// The remainder of the division that truncates, with the sign of the dividend; zero divisors as in [`Self::div`].
    pub fn rem(&self, divisor: &Self, definitions: &mut Definitions) -> (Self, Option<Bool>) {
        let zero = Number::Constant(BigRational::zero());
        let not_zero = match divisor {
            Number::Constant(known) if known.is_zero() => Some(Bool::from_bool(false)),
            Number::Constant(_) => None,
            _ => Some(!divisor.compare(&zero, Ordering::is_eq)),
        };
        let made = Made::Whole(self.clone(), divisor.clone());
        if let Some(quotient) = definitions.known(&made).cloned() {
            return (self.sub(&divisor.product(&quotient, definitions)), not_zero);
        }
        let quotient = Number::whole(Int::fresh_const("quotient"));
        let remainder = self.sub(&divisor.product(&quotient, definitions));
        let size = divisor.abs();
        let positive = Bool::and(&[
            remainder.compare(&zero, Ordering::is_ge),
            remainder.compare(&size, Ordering::is_lt),
        ]);
        let negative = Bool::and(&[
            remainder.compare(&zero, Ordering::is_le),
            remainder.compare(&size.neg(), Ordering::is_gt),
        ]);
        let sign = self.compare(&zero, Ordering::is_ge);
        let defined = Bool::and(&[sign.implies(positive), (!sign).implies(negative)]);
        let defined = match &not_zero {
            Some(not_zero) => not_zero.implies(defined),
            None => defined,
        };
        definitions.define(made, quotient, [defined]);
        (remainder, not_zero)
    }

    /// The comparison whose orderings `test` accepts.
    pub fn compare(&self, other: &Self, test: fn(Ordering) -> bool) -> Bool {
        if let (Number::Constant(a), Number::Constant(b)) = (self, other) {
            return Bool::from_bool(test(a.cmp(b)));
        }
        let accepted = (
            test(Ordering::Less),
            test(Ordering::Equal),
            test(Ordering::Greater),
        );
        macro_rules! apply {
            ($a:expr, $b:expr) => {
                match accepted {
                    (false, false, false) => Bool::from_bool(false),
                    (false, false, true) => $a.gt($b),
                    (false, true, false) => $a.eq($b),
                    (false, true, true) => $a.ge($b),
                    (true, false, false) => $a.lt($b),
                    (true, false, true) => $a.ne($b),
                    (true, true, false) => $a.le($b),
                    (true, true, true) => Bool::from_bool(true),
                }
            };
        }
        match self.common(other) {
            Some((a, b, _)) => apply!(a, b),
            None => apply!(self.real(), other.real()),
        }
    }

    /// One of two numbers.
    pub fn choose(condition: &Bool, yes: &Self, no: &Self) -> Self {
        match yes.common(no) {
            Some((a, b, denominator)) => Number::Ratio(condition.ite(&a, &b), denominator),
            None => Number::Real(condition.ite(&yes.real(), &no.real())),
        }
    }

    /// The magnitude.
    pub fn abs(&self) -> Self {
        if let Number::Constant(value) = self {
            return Number::Constant(value.abs());
        }
        let zero = Number::Constant(BigRational::zero());
        Self::choose(&self.compare(&zero, Ordering::is_ge), self, &self.neg())
    }

    /// The nearest whole number in the sense of `mode`.
    pub fn round(&self, mode: RoundMode, definitions: &mut Definitions) -> Int {
        if let Some((term, denominator)) = self.ratio()
            && denominator.is_one()
        {
            return term;
        }
        let made = Made::Round(mode, self.clone());
        if let Some(Number::Ratio(rounded, _)) = definitions.known(&made) {
            return rounded.clone();
        }
        let rounded = Int::fresh_const("round");
        let one = Number::Constant(BigRational::one());
        let zero = Number::Constant(BigRational::zero());
        // What was cut off, so that one inequality over it says where the integer lies.
        let rest = self.sub(&Number::whole(rounded.clone()));
        let twice = rest.add(&rest);
        let is = |number: &Number, test: fn(Ordering) -> bool, bound: &Number| number.compare(bound, test);
        let minus = one.neg();
        let down = |sign: bool| {
            if sign {
                [
                    is(&rest, Ordering::is_ge, &zero),
                    is(&rest, Ordering::is_lt, &one),
                ]
            } else {
                [
                    is(&rest, Ordering::is_le, &zero),
                    is(&rest, Ordering::is_gt, &minus),
                ]
            }
        };
        let at_sign = |positive: [Bool; 2], negative: [Bool; 2]| {
            let sign = self.compare(&zero, Ordering::is_ge);
            vec![
                sign.implies(Bool::and(&positive)),
                (!sign).implies(Bool::and(&negative)),
            ]
        };
        let defined = match mode {
            RoundMode::Down => at_sign(down(true), down(false)),
            RoundMode::Up => at_sign(down(false), down(true)),
            RoundMode::HalfUp => at_sign(
                [
                    is(&twice, Ordering::is_ge, &minus),
                    is(&twice, Ordering::is_lt, &one),
                ],
                [
                    is(&twice, Ordering::is_gt, &minus),
                    is(&twice, Ordering::is_le, &one),
                ],
            ),
            RoundMode::HalfEven => {
                let half = Int::fresh_const("even");
                let tie = Bool::or(&[
                    is(&twice, Ordering::is_eq, &one),
                    is(&twice, Ordering::is_eq, &minus),
                ]);
                vec![
                    is(&twice, Ordering::is_ge, &minus),
                    is(&twice, Ordering::is_le, &one),
                    tie.implies(rounded.eq(half * Int::from_i64(2))),
                ]
            }
        };
        definitions.define(made, Number::whole(rounded.clone()), defined);
        rounded
    }

    /// An integer that equals the number exactly when the second part holds.
    pub fn to_whole(&self, definitions: &mut Definitions) -> (Int, Option<Bool>) {
        if let Some((term, denominator)) = self.ratio()
            && denominator.is_one()
        {
            return (term, None);
        }
        let whole = self.round(RoundMode::Down, definitions);
        let exact = Number::whole(whole.clone()).compare(self, Ordering::is_eq);
        (whole, Some(exact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::{Limits, run};

    #[test]
    fn numerals_of_any_size() {
        let texts = [
            "0",
            "-1",
            "9223372036854775808",
            "-9223372036854775809",
            "1329227995784915872903807060280344577",
            "-170141183460469231731687303715884105728",
            "123456789012345678901234567890123456789012345678901234567890",
        ];
        let shown = run(&Limits::default(), move |_| {
            texts.map(|text| BigInt::from_str(text).map(|n| numeral(&n).to_string()))
        });
        for (text, shown) in texts.into_iter().zip(shown.into_iter().flatten()) {
            // SMT-LIB writes -1 as (- 1).
            let want = match text.strip_prefix('-') {
                Some(digits) => format!("(- {digits})"),
                None => text.to_owned(),
            };
            assert_eq!(shown, Ok(want));
        }
    }
}
