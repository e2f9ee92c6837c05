//! What was proved, as a table for people and as values for programs.

use crate::escape::terminal;
use crate::table::{Align, table};
use aethel_ir::money::{format_amount, format_grouped};
use aethel_ir::{Proof, ProofKind, Requirement, SourceMap};
use serde_json::{Value, json};

/// How many balances that a batch needs are listed.
const LISTED: usize = 5;

/// One line for each intent and batch: what holds, the verdict, what it took. Where there are several programs each has
/// a heading.
pub fn proofs(proofs: &[Proof], sources: &SourceMap) -> String {
    let programs: Vec<&[Proof]> = proofs.chunk_by(|a, b| a.source == b.source).collect();
    let mut out = String::new();
    for program in &programs {
        let file = program.first().and_then(|proof| sources.get(proof.source));
        if let (Some(file), true) = (file, programs.len() > 1) {
            out += &format!("{}\n", terminal(&file.name));
        }
        out += &of_program(program);
    }
    out
}

fn of_program(proofs: &[Proof]) -> String {
    let mut rows = Vec::with_capacity(proofs.len());
    for proof in proofs {
        rows.push(vec![
            format!("  {}", proof.name),
            proof.proved.join(", "),
            verdict(proof),
            cost(proof),
        ]);
        let listed = proof.requires.iter().take(LISTED);
        for (n, requirement) in listed.enumerate() {
            let lead = if n == 0 { "requires" } else { "and" };
            rows.push(vec![String::new(), format!("{lead} {}", needed(requirement))]);
        }
        if proof.requires.len() > LISTED {
            let more = proof.requires.len() - LISTED;
            rows.push(vec![String::new(), format!("and of {more} other accounts")]);
        }
    }
    table(&[Align::Left; 4], &rows)
}

/// `company.balance >= 8 372 000.00 USD`
fn needed(requirement: &Requirement) -> String {
    let amount = format_grouped(requirement.minor, requirement.scale);
    format!(
        "{}.balance >= {amount} {}",
        terminal(&requirement.account),
        requirement.asset
    )
}

fn verdict(proof: &Proof) -> String {
    let list = |words: &[String], verdict: &str| match words {
        [] => None,
        words => Some(format!("{verdict}: {}", words.join(", "))),
    };
    let parts = [
        list(&proof.refuted, "refuted"),
        list(&proof.undecided, "undecided"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "proved".to_owned()
    } else {
        parts.join("; ")
    }
}

/// `4 queries, 1.9 ms`, or nothing where no solver was needed.
fn cost(proof: &Proof) -> String {
    let tenths = (proof.nanoseconds + 50_000) / 100_000;
    let time = format!("{}.{} ms", tenths / 10, tenths % 10);
    match proof.queries {
        0 if proof.cached => "known".to_owned(),
        0 => String::new(),
        1 => format!("1 query, {time}"),
        n => format!("{n} queries, {time}"),
    }
}

/// So many intents and batches, and how many answers of each kind:
/// `3 intents, 1 batch · 11 proved, 1 refuted, 0 undecided`.
pub fn summary(intents: usize, batches: usize, proofs: &[Proof]) -> String {
    let sum =
        |words: fn(&Proof) -> &Vec<String>| proofs.iter().map(|proof| words(proof).len()).sum::<usize>();
    let count = |n: usize, one: &str, many: &str| match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    format!(
        "{}, {} · {} proved, {} refuted, {} undecided",
        count(intents, "intent", "intents"),
        count(batches, "batch", "batches"),
        sum(|proof| &proof.proved),
        sum(|proof| &proof.refuted),
        sum(|proof| &proof.undecided)
    )
}

/// Proofs for programs; the shape is described in `docs/schema/diagnostics.schema.json`.
pub fn proofs_json(proofs: &[Proof], sources: &SourceMap) -> Value {
    let one = |proof: &Proof| {
        json!({
            "kind": match proof.kind { ProofKind::Intent => "intent", ProofKind::Batch => "batch" },
            "name": proof.name,
            "file": sources.get(proof.source).map(|file| &file.name),
            "proved": proof.proved,
            "refuted": proof.refuted,
            "undecided": proof.undecided,
            "requires": proof.requires.iter().map(|needed| json!({
                "account": needed.account,
                "asset": needed.asset,
                "balance": format_amount(needed.minor, needed.scale),
            })).collect::<Vec<_>>(),
            "queries": proof.queries,
            "microseconds": proof.nanoseconds / 1000,
            "cached": proof.cached,
        })
    };
    Value::Array(proofs.iter().map(one).collect())
}
