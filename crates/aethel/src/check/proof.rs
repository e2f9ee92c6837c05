//! What was proved of an intent or a batch, in words.

use aethel_ir::{AssetId, Batch, Proof, ProofKind, SourceId};
use aethel_proof::check::{Check, IntentReport, Refutation, Verdict};

/// Sorts what reports say about an intent (one for each way in which it is called) into words.
pub(super) fn of_intent(name: &str, source: SourceId, batch: &Batch, reports: &[&IntentReport]) -> Proof {
    let mut proof = Proof::new(ProofKind::Intent, name, source);
    proof.cached = reports.iter().all(|report| report.cached);
    for report in reports {
        proof.queries = proof.queries.saturating_add(report.queries);
        proof.nanoseconds = proof.nanoseconds.saturating_add(report.nanoseconds);
    }
    let mut rows: Vec<(String, Answer)> = Vec::new();
    for finding in reports.iter().flat_map(|report| &report.findings) {
        let answer = match &finding.verdict {
            Verdict::Refuted(Refutation::Implied) => continue,
            Verdict::Proved => Answer::Proved,
            Verdict::Undecided { .. } | Verdict::Disagreement { .. } => Answer::Undecided,
            Verdict::Refuted(_) => Answer::Refuted,
        };
        let word = word(finding.check, batch);
        match rows.iter_mut().find(|(known, _)| *known == word) {
            Some((_, known)) => *known = (*known).max(answer),
            None => rows.push((word, answer)),
        }
    }
    if rows
        .iter()
        .all(|(word, answer)| word != ALIVE || *answer == Answer::Proved)
    {
        // Every equation defines one place from arguments and values before, and nothing is left open.
        rows.push((ONE_RESULT.to_owned(), Answer::Proved));
    }
    rows.sort_by_key(|(word, _)| rank(word));
    for (word, answer) in rows {
        add(&mut proof, word, answer);
    }
    proof
}

/// What people ask for first comes first.
fn rank(word: &str) -> usize {
    const ORDER: [&str; 6] = [
        "no overdraft",
        "no overflow",
        "no division by zero",
        "whole amounts",
        "postconditions hold",
        ONE_RESULT,
    ];
    let at = ORDER.iter().position(|known| *known == word);
    match word {
        ALIVE => ORDER.len() + 1,
        _ => at.map_or(0, |at| at + 1),
    }
}

/// Adds an answer where it belongs.
pub(super) fn add(proof: &mut Proof, word: String, answer: Answer) {
    match answer {
        Answer::Proved => proof.proved.push(word),
        Answer::Undecided => proof.undecided.push(word),
        Answer::Refuted => proof.refuted.push(word),
    }
}

/// An answer in a word; of several the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    Proved,
    Undecided,
    Refuted,
}

pub(super) const ALIVE: &str = "can succeed";

const ONE_RESULT: &str = "one result";

/// `conserves USD`.
pub(super) fn conserves(batch: &Batch, asset: AssetId) -> String {
    let asset = batch.assets.get(usize::from(asset.0));
    format!("conserves {}", asset.map_or("?", |asset| &*asset.name))
}

fn word(check: Check, batch: &Batch) -> String {
    match check {
        Check::GuardCanHold | Check::CanCommit => ALIVE,
        Check::Conserves(asset) => return conserves(batch, asset),
        Check::NoOverdraft(_) => "no overdraft",
        Check::NoOverflow(_) => "no overflow",
        Check::NoDivisionByZero(_) => "no division by zero",
        Check::Exact(_) => "whole amounts",
        Check::Postcondition(_) => "postconditions hold",
        Check::Needed(_) => "no condition too many",
    }
    .to_owned()
}
