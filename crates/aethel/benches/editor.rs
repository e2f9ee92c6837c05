//! What a change of a long program costs an editor: `cargo bench -p aethel --bench editor [LINES]`.
//!
//! Each figure is the least of many runs. The language server does the first at every change, before it tells what is
//! wrong; the others when it is asked. Proofs run in a thread of their own.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on should stop loudly"
)]

use aethel::editor::{Analysis, Lines, Reader};
use aethel::ir::{SourceId, Span};
use aethel::program::Program;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often each step is measured.
const RUNS: usize = 15;

/// A program of about so many lines: intents, a batch that calls them, comments and empty lines.
fn program(lines: usize) -> String {
    let count = lines / 14;
    let mut text = String::from("asset USD { scale: 2; }\n");
    for n in 0..count {
        text.push_str(&format!(
            "
# The payment number {n}.
intent pay_{n}(company: Account<USD>, employee: Account<USD>, amount: Balance<USD>) {{
    guard {{
        amount > 0;
        let fee = round(amount * 0.01, USD, half_even);
        company.balance >= amount + fee;
    }}
    verify {{
        company.balance == company.balance - amount;
        employee.balance == employee.balance + amount;
    }}
}}
"
        ));
    }
    text.push_str("\natomic_batch all {\n");
    for n in 0..count {
        text.push_str(&format!(
            "    pay_{n}(company: company, employee: employee_{n}, amount: {n}.50);\n"
        ));
    }
    text.push_str("}\n");
    text
}

fn least(mut step: impl FnMut()) -> Duration {
    let one = |()| {
        let begun = Instant::now();
        step();
        begun.elapsed()
    };
    std::iter::repeat_n((), RUNS).map(one).min().unwrap()
}

fn main() {
    let lines = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next();
    let text: Arc<str> = program(lines.unwrap_or(10_000)).into();
    let new = || Analysis::new("long.ae", Arc::clone(&text), Path::new("."));
    let analysis = new();
    let errors = analysis.diagnostics.iter().filter(|d| d.is_error()).count();
    let middle = text.len() / 2;
    println!(
        "{} lines, {} bytes, {} names, {errors} errors",
        analysis.lines.count(),
        text.len(),
        analysis.names().occurrences.len()
    );
    let row = |name: &str, time: Duration| println!("{name:<46} {:>8} us", time.as_micros());
    row(
        "reading",
        least(|| {
            black_box(Program::parse(SourceId::default(), &text, PathBuf::new()));
        }),
    );
    row(
        "reading, names, types, meaning (opening)",
        least(|| {
            black_box(new());
        }),
    );
    let mut reader = Reader::default();
    let mut again = |text: &Arc<str>| {
        black_box(Analysis::again(
            &mut reader,
            "long.ae",
            Arc::clone(text),
            Path::new("."),
        ))
    };
    // A letter more in the first intent, and away again: all that follows has moved.
    let changed: Arc<str> = text.replacen("pay_0", "pay_0x", 1).into();
    let mut versions = [&text, &changed].into_iter().cycle();
    row(
        "the same, again (a change)",
        least(|| {
            versions.next().map(&mut again);
        }),
    );
    row(
        "the lines of the text",
        least(|| {
            black_box(Lines::new(&text));
        }),
    );
    row(
        "what names refer to, and all tokens",
        least(|| {
            let fresh = new();
            let begun = Instant::now();
            black_box(fresh.tokens(Span::new(0, text.len())));
            black_box(begun);
        }),
    );
    row(
        "completion in the middle",
        least(|| {
            black_box(analysis.complete(middle));
        }),
    );
    row(
        "hover in the middle",
        least(|| {
            black_box(analysis.hover(middle, None));
        }),
    );
    row(
        "outline",
        least(|| {
            black_box(analysis.outline());
        }),
    );
    row(
        "layout",
        least(|| {
            black_box(analysis.formatted());
        }),
    );
}
