//! How long reading a program takes: `cargo bench -p aethel-syntax [-- --quick]`. Minimum of several runs, a line per case.
#![allow(
    clippy::unwrap_used,
    clippy::float_arithmetic,
    missing_docs,
    reason = "a benchmark may stop loudly"
)]

use aethel_ir::SourceId;
use std::time::{Duration, Instant};

fn payment(n: usize) -> String {
    format!(
        "intent pay_{n}(company: Account<USD>, employee: Account<USD>, amount: Balance<USD>) {{
    guard {{
        amount > 0;
        company.balance >= amount;
    }}
    verify {{
        company.balance == company.balance - amount;
        employee.balance == employee.balance + amount;
    }}
}}
"
    )
}

fn share(n: usize) -> String {
    format!(
        "# The tax of payment {n} is rounded.
intent share_{n}(company: Account<USD>, employee: Account<USD>, tax: Account<USD>, amount: Balance<USD>) {{
    guard {{
        amount > 0; // never nothing
        let due = round(amount * 0.{n:05}, USD, half_up);
        company.balance >= amount;
    }}
    verify {{
        company.balance == company.balance - amount;
        employee.balance == employee.balance + (amount - due);
        tax.balance == tax.balance + due;
    }}
}}
"
    )
}

/// Calls of a batch, one a line.
fn calls(count: usize) -> String {
    let lines: Vec<String> = (0..count)
        .map(|n| {
            format!(
                "    pay_{n}: pay(company, employee_{n}, {}.{:02});\n",
                n / 7,
                n % 100
            )
        })
        .collect();
    format!("{}atomic_batch b {{\n{}}}\n", payment(0), lines.concat())
}

/// A condition as wide and deep as people write them.
fn conditions(count: usize) -> String {
    let line =
        "        a.balance >= max(x, y) * 2 && !(old(b.balance) - x < 0) || y / 3 == 1.5 ==> x != y;\n";
    format!(
        "intent c(a: Account, b: Account, x: Balance, y: Balance) {{\n    guard {{\n{}    }}\n}}\n",
        line.repeat(count)
    )
}

fn measure(name: &str, unit: &str, count: usize, rounds: usize, text: &str) {
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        let parsed = aethel_syntax::parse(SourceId(0), text);
        best = best.min(start.elapsed());
        assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics.first());
    }
    let nanoseconds = best.as_secs_f64() * 1e9;
    println!(
        "{name:<24} {:>9.2} ms {:>9.0} ns per {unit:<9} {:>7.1} MB/s",
        nanoseconds / 1e6,
        nanoseconds / count as f64,
        text.len() as f64 * 1e3 / nanoseconds
    );
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (count, rounds) = if quick { (1_000, 3) } else { (10_000, 7) };
    let payments: String = (0..count).map(payment).collect();
    measure("payments", "intent", count, rounds, &payments);
    let shares: String = (0..count).map(share).collect();
    measure("shares with rounding", "intent", count, rounds, &shares);
    measure("calls of a batch", "call", count, rounds, &calls(count));
    measure("conditions", "condition", count, rounds, &conditions(count));
}
