//! Arbitrary states and arguments as terms.

use crate::check::terms::unknown;
use crate::definitions::Definitions;
use crate::encode::{Encoded, Inputs, Term, encode};
use crate::number::{Malformed, Number};
use crate::shape::{Shape, Sign};
use aethel_ir::Intent;
use std::time::Instant;
use z3::ast::{Bool, Int};

/// Does something, and says how many nanoseconds that took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = Instant::now();
    let result = work();
    let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    (result, nanoseconds)
}

/// What contradicts itself when a lemma holds.
pub struct Negation {
    /// What the fresh constants are.
    pub definitions: Definitions,
    /// Everything else.
    pub assertions: Vec<Bool>,
}

impl Negation {
    /// The assertions; first, where there are products of two unknowns, with no more than a hint at what those are: what
    /// is refuted then is so with the products, and quicker.
    pub fn attempts(self) -> Vec<Vec<Bool>> {
        let hinted = self.definitions.multiply().then(|| self.definitions.abstracted());
        let exact = self.definitions.into_iter().collect::<Vec<Bool>>();
        hinted
            .into_iter()
            .chain([exact])
            .map(|definitions| [definitions, self.assertions.clone()].concat())
            .collect()
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
    let values = intent.values.iter().enumerate();
    values
        .map(|(n, value)| unknown(&format!("{prefix}{n}"), value.ty))
        .collect()
}

/// One transaction of a shape from any state, with any arguments.
pub struct Alone {
    /// Its arguments.
    pub values: Vec<Term>,
    /// What each slot holds before.
    pub before: Vec<Int>,
    /// The transaction.
    pub encoded: Encoded,
}

/// Encodes one transaction of a shape.
pub fn alone(shape: &Shape) -> Result<Alone, Malformed> {
    let values = arguments("v", &shape.intent);
    let before = state("s", shape.slots.len());
    let bounded: Vec<bool> = shape.slots.iter().map(|slot| slot.bounded).collect();
    let inputs = Inputs {
        before: &before,
        values: &values,
        bounded: &bounded,
    };
    let encoded = encode(&shape.intent, inputs)?;
    Ok(Alone {
        values,
        before,
        encoded,
    })
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
