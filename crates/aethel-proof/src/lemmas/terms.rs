//! Arbitrary states and arguments as terms.

use crate::encode::Term;
use crate::number::Number;
use crate::shape::{Shape, Sign};
use aethel_ir::{Intent, Type};
use std::time::Instant;
use z3::ast::{Bool, Int, Real};

/// Does something, and says how many nanoseconds that took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = Instant::now();
    let result = work();
    let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    (result, nanoseconds)
}

/// All of them. Of less than two Z3 writes a conjunction that is no SMT-LIB.
pub fn all_of(parts: &[Bool]) -> Bool {
    match parts {
        [] => Bool::from_bool(true),
        [one] => one.clone(),
        several => Bool::and(several),
    }
}

/// The sum of all; as with [`all_of`].
pub fn sum_of(parts: &[Int]) -> Int {
    match parts {
        [] => Int::from_i64(0),
        [one] => one.clone(),
        several => Int::add(several),
    }
}

/// A constant for each slot.
pub fn state(prefix: &str, slots: usize) -> Vec<Int> {
    (0..slots)
        .map(|n| Int::new_const(format!("{prefix}{n}")))
        .collect()
}

/// A constant for each value parameter.
pub fn arguments(prefix: &str, intent: &Intent) -> Vec<Term> {
    let argument = |(n, ty): (usize, Type)| {
        let name = format!("{prefix}{n}");
        match ty {
            Type::Bool => Term::Bool(Bool::new_const(name)),
            Type::Amount(_) | Type::Integer | Type::Time => Term::Number(Number::whole(Int::new_const(name))),
            Type::Number | Type::Price(..) => Term::Number(Number::Real(Real::new_const(name))),
        }
    };
    intent
        .values
        .iter()
        .map(|value| value.ty)
        .enumerate()
        .map(argument)
        .collect()
}

/// What is known of the lifted constants of a shape.
pub fn signs(shape: &Shape, arguments: &[Term]) -> Vec<Bool> {
    let zero = Number::whole(Int::from_i64(0));
    let premise = |(n, sign): (usize, Sign)| match arguments.get(n) {
        Some(Term::Number(number)) => Some(match sign {
            Sign::Positive => number.compare(&zero, std::cmp::Ordering::is_gt),
            Sign::Negative => number.compare(&zero, std::cmp::Ordering::is_lt),
        }),
        _ => None,
    };
    shape.premises().filter_map(premise).collect()
}
