//! p29: another solver gives the same answers about the exported texts.

use super::access::{BODIES, FORGERIES, forgery};
use super::pairs::pair;
use super::*;
use crate::lemmas::access::negated_claim;
use std::process::Command;

/// What cvc5 says about a script.
fn cvc5(directory: &std::path::Path, smt2: &str) -> String {
    let path = directory.join("lemma.smt2");
    std::fs::write(&path, smt2).unwrap();
    let mut command = Command::new("cvc5");
    command.arg("--tlimit=60000").arg(&path);
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cvc5 cannot be run ({error}): apt-get install cvc5"));
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).unwrap().trim().to_owned()
}

#[test]
fn p29_another_solver_agrees_about_every_lemma() {
    let directory = tempfile::tempdir().unwrap();
    let mut all = escrow_obligations(&LEMMA_LIMITS);
    assert_eq!(all.len(), 2);
    let refuted = [
        "verify { a.balance == a.balance + 1; }",
        "guard { x >= 0; } verify { a.balance == a.balance - x; b.balance == b.balance + round(x * 0.95, half_up);
                                    c.balance == c.balance + round(x * 0.05, half_up); }",
        "verify { a.balance == a.balance - 5; b.balance == b.balance + 3; c.balance == c.balance + 2; }",
    ];
    for body in BODIES.iter().chain(&refuted) {
        let batch = lower(&[body]);
        all.extend(obligations(&batch.intents[0], &slots(&batch, 0), &LEMMA_LIMITS).unwrap());
    }
    let mut seen = [0; 2];
    for one in all {
        let record = one.record;
        let said = cvc5(directory.path(), &record.smt2);
        assert_eq!(
            said,
            record.verdict.status(),
            "{}\n{}",
            record.statement,
            record.smt2
        );
        seen[usize::from(record.verdict == LemmaVerdict::Proved)] += 1;
    }
    assert!(seen[0] >= 15 && seen[1] >= 15, "{seen:?}");
}

#[test]
fn p29_another_solver_refutes_false_claims_too() {
    let directory = tempfile::tempdir().unwrap();
    for claim in FORGERIES {
        let (shape, access, slot) = forgery(claim);
        let smt2 = run(&LEMMA_LIMITS, move |_| {
            let negation = negated_claim(&shape, &access, &[slot]).unwrap();
            text::script(&negation.attempts().pop().unwrap(), LemmaVerdict::Refuted)
        });
        assert_eq!(cvc5(directory.path(), &smt2.unwrap()), "sat", "{claim:?}");
    }
}

#[test]
fn p29_another_solver_agrees_that_pairs_commute() {
    let directory = tempfile::tempdir().unwrap();
    let guarded = "guard { a.balance >= x; x >= 0; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }";
    for body in [TRANSFER, guarded] {
        let Commutes::Proved { lemma, .. } = pair(body, body, &[(0, 0)]) else {
            panic!("debits commute");
        };
        assert_eq!(cvc5(directory.path(), &lemma.record.smt2), "unsat");
    }
}
