//! Arbitrary states and arguments as terms.

use crate::encode::Term;
use crate::number::Number;
use crate::shape::{Shape, Sign};
use aethel_ir::{Intent, Type};
use z3::ast::{Bool, Int, Real};

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
