//! Conjunctions and sums of any number of terms, as SMT-LIB has them.

use z3::ast::{Bool, Int};

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
