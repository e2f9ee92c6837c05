//! The induction steps of escrow: why debits and credits of an account may come in any order.
//!
//! The invariant while a batch runs, on an account with balance `b`: `D` and `C` are the debits and credits still to
//! come, `M` is the largest slack of the batch and at least `L`, and `b - D >= M`, `b + C <= MAX`. `L` is zero on
//! bounded accounts and -MAX on unbounded ones; nothing here depends on which. At the start the invariant is what is
//! tested once (T3), at the end it says that the balance is in range.

use super::linear::{at_least, prove as prove_linear};
use super::{Verdict, with_multipliers};
use crate::solver::Session;
use aethel_certificate::Inequality;

// The variables, in this order in both lemmas; `d` and `D2` are `c` and `C2` in the second.
const D: u16 = 0;
const C: u16 = 1;
const M: u16 = 2;
const B: u16 = 3;
const L: u16 = 4;
const MAX: u16 = 5;
const STEP: u16 = 6;
const REST: u16 = 7;
const SLACK: u16 = 8;

/// A debit `d`, a credit `c`: each goes through wherever the invariant holds, and leaves it true.
pub fn prove(session: &Session, rlimit: u64) -> [Verdict; 2] {
    let debit = [
        // It goes through: the condition `x >= d + s`, and the new balance is in range.
        at_least(&[(B, 1), (STEP, -1), (SLACK, -1)], 0),
        at_least(&[(B, 1), (STEP, -1), (L, -1)], 0),
        at_least(&[(MAX, 1), (B, -1), (STEP, 1)], 0),
        // The invariant holds afterwards.
        at_least(&[(B, 1), (STEP, -1), (REST, -1), (M, -1)], 0),
        at_least(&[(MAX, 1), (B, -1), (STEP, 1), (C, -1)], 0),
    ];
    let credit = [
        at_least(&[(B, 1), (SLACK, -1)], 0),
        at_least(&[(B, 1), (STEP, 1), (L, -1)], 0),
        at_least(&[(MAX, 1), (B, -1), (STEP, -1)], 0),
        at_least(&[(B, 1), (STEP, 1), (D, -1), (M, -1)], 0),
        at_least(&[(MAX, 1), (B, -1), (STEP, -1), (REST, -1)], 0),
    ];
    let debits = (
        "escrow debit".to_owned(),
        "of an account with balance b, debits D and credits C still to come, and slacks of at most M: if \
         b - D >= M >= L and b + C <= MAX, then a debit d of D with slack s has b >= d + s and leaves a balance in \
         L..=MAX, and the same holds afterwards with D2 = D - d"
            .to_owned(),
    );
    let credits = (
        "escrow credit".to_owned(),
        "of an account with balance b, debits D and credits C still to come, and slacks of at most M: if \
         b - D >= M >= L and b + C <= MAX, then a credit c of C with slack s has b >= s and leaves a balance in \
         L..=MAX, and the same holds afterwards with C2 = C - c"
            .to_owned(),
    );
    let step = |words: (String, String), sum: u16, names: [&str; 2], goals: &[Inequality]| {
        let budget = session.with_budget(rlimit);
        let variables = ["D", "C", "M", "b", "L", "MAX", names[0], names[1], "s"];
        match prove_linear(
            &budget,
            variables.map(str::to_owned).into(),
            hypotheses(sum),
            goals,
        ) {
            Ok(lemma) => with_multipliers(words, lemma, budget.rlimit_used()),
            Err(reason) => Verdict::Undecided(reason),
        }
    };
    [
        step(debits, D, ["d", "D2"], &debit),
        step(credits, C, ["c", "C2"], &credit),
    ]
}

/// The invariant, and a step that is a part of `sum`.
fn hypotheses(sum: u16) -> Vec<Inequality> {
    vec![
        at_least(&[(D, 1)], 0),
        at_least(&[(C, 1)], 0),
        at_least(&[(M, 1), (L, -1)], 0),
        at_least(&[(B, 1), (D, -1), (M, -1)], 0),
        at_least(&[(MAX, 1), (B, -1), (C, -1)], 0),
        at_least(&[(STEP, 1)], 0),
        at_least(&[(REST, 1)], 0),
        at_least(&[(sum, 1), (STEP, -1), (REST, -1)], 0),
        at_least(&[(STEP, 1), (REST, 1), (sum, -1)], 0),
        at_least(&[(SLACK, 1), (L, -1)], 0),
        at_least(&[(M, 1), (SLACK, -1)], 0),
    ]
}
