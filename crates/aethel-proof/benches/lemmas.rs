//! How long lemmas take: `cargo bench -p aethel-proof --bench lemmas`. Median of several, a line each.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use aethel_ir::{Access, Batch, SourceMap};
use aethel_lower::{Files, Inputs, Purpose, Selection};
use aethel_proof::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROUNDS: usize = 31;

struct NoFiles;

impl Files for NoFiles {
    fn open(&mut self, path: &str) -> Result<(aethel_ir::SourceId, Arc<str>), aethel_ir::Diagnostic> {
        panic!("no file {path}")
    }
}

const INTENTS: [(&str, &str); 5] = [
    (
        "transfer",
        "guard { a.balance >= x; x > 0; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }",
    ),
    (
        "rounded fee",
        "guard { let fee = round(x * 0.05, half_even); a.balance >= x + fee; x > 0; }
         verify { a.balance == a.balance - x - fee; b.balance == b.balance + x; c.balance == c.balance + fee; }",
    ),
    (
        "fee at a rate",
        "guard { let fee = round(x * r, half_even); a.balance >= x + fee; x > 0; r >= 0; }
         verify { a.balance == a.balance - x - fee; b.balance == b.balance + x; c.balance == c.balance + fee; }",
    ),
    (
        "quotient",
        "guard { let part = round(x / r, down); a.balance >= part; part > 0; r > 0; }
         verify { a.balance == a.balance - part; b.balance == b.balance + part; }",
    ),
    (
        "remainder",
        "guard { x % y == 0; a.balance >= x; x > 0; y > 0; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }",
    ),
];

fn lower(body: &str) -> Batch {
    let text = format!(
        "asset USD {{ scale: 2; }}
         intent t(a: Account, b: Account, c: Account, x: Balance, y: Balance, r: Rate) {{ {body} }}
         atomic_batch x {{ t(a, b, c, 1, 2, 0.05); }}"
    );
    let mut sources = SourceMap::default();
    let source = sources.add("bench.ae", text.as_str());
    let parsed = aethel_syntax::parse(source, &text);
    let mut diagnostics = parsed.diagnostics;
    let inputs = Inputs::from_json(source, r#"{"open_accounts": true}"#).unwrap();
    let lowered = aethel_lower::lower(
        source,
        &parsed.program,
        &Selection::All,
        &inputs,
        &mut NoFiles,
        Purpose::Run,
        &mut diagnostics,
    );
    lowered.into_iter().next().unwrap().batch
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn line(what: &str, time: Duration) {
    println!("{what:<46} {:>9} µs", time.as_micros());
}

fn main() {
    let cold = || Lemmas::new(LemmaCache::in_memory(), LEMMA_LIMITS);
    // The first use makes the solver's context.
    let start = Instant::now();
    cold().escrow();
    line("first lemma of a process", start.elapsed());
    line(
        "escrow, both lemmas",
        median(|| {
            cold().escrow();
        }),
    );
    let directory = std::env::temp_dir().join(format!("aethel-bench-{}", std::process::id()));
    for (name, body) in INTENTS {
        let batch = lower(body);
        let intent = &batch.intents[0];
        let places: Vec<_> = batch.groups[0]
            .places
            .iter()
            .map(|c| *c.get(0).unwrap())
            .collect();
        let slots = SlotContext::of_places(&batch, &places).unwrap();
        let access = Access::of(intent, &batch.fields);
        line(
            &format!("{name}: access"),
            median(|| {
                let found = cold().access(intent, &slots, &access).unwrap();
                assert!(found.slots.iter().all(|slot| slot.doubt.is_none()), "{found:?}");
            }),
        );
        line(
            &format!("{name}: conservation"),
            median(|| {
                cold().conservation(intent, &slots).unwrap();
            }),
        );
        if name == "transfer" {
            let pair = Pair {
                first: (intent, &slots),
                second: (intent, &slots),
                same: &[(0, 0)],
            };
            line(
                &format!("{name}: commutes"),
                median(|| {
                    cold().commutes(&pair).unwrap();
                }),
            );
            let warm = Lemmas::new(LemmaCache::at(&directory), LEMMA_LIMITS);
            warm.access(intent, &slots, &access).unwrap();
            warm.escrow();
            line(
                "access and escrow out of the directory",
                median(|| {
                    let warm = Lemmas::new(LemmaCache::at(&directory), LEMMA_LIMITS);
                    warm.access(intent, &slots, &access).unwrap();
                    warm.escrow();
                }),
            );
            line(
                "access and escrow out of memory",
                median(|| {
                    warm.access(intent, &slots, &access).unwrap();
                    warm.escrow();
                }),
            );
        }
    }
    let _ = std::fs::remove_dir_all(directory);
    let ring: Vec<(u32, u32)> = (0..64).map(|n| (n, (n + 1) % 64)).collect();
    line(
        "cycle of 64",
        median(|| {
            confirm_cycle(&ring, &LEMMA_LIMITS);
        }),
    );
}
