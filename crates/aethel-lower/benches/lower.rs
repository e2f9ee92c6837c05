//! How long lowering takes: `cargo bench -p aethel-lower [-- --quick]`. Minimum of several runs, a line per case.
#![allow(
    clippy::unwrap_used,
    clippy::float_arithmetic,
    missing_docs,
    reason = "a benchmark may stop loudly"
)]

use aethel_ir::{Code, Diagnostic, SourceId};
use aethel_lower::{Files, Inputs, Purpose, Selection, lower, lower_json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The one file that loops read.
struct Csv(Arc<str>);

impl Files for Csv {
    fn open(&mut self, path: &str) -> Result<(SourceId, Arc<str>), Diagnostic> {
        match path {
            "staff.csv" => Ok((SourceId(1), Arc::clone(&self.0))),
            _ => Err(Diagnostic::new(Code::AE0901, "no such file")),
        }
    }
}

const PAY: &str = "(company: Account<USD>, employee: Account<USD>, amount: Balance<USD>) {
    guard { amount > 0; company.balance >= amount; }
    verify {
        company.balance == company.balance - amount;
        employee.balance == employee.balance + amount;
    }
}
";

fn measure<T>(name: &str, unit: &str, count: usize, rounds: usize, mut run: impl FnMut() -> T) {
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        let result = run();
        best = best.min(start.elapsed());
        drop(result);
    }
    let nanoseconds = best.as_secs_f64() * 1e9;
    println!(
        "{name:<24} {:>9.2} ms {:>9.0} ns per {unit}",
        nanoseconds / 1e6,
        nanoseconds / count as f64
    );
}

fn program(text: &str, csv: &str, inputs: &Inputs, purpose: Purpose) -> impl FnMut() -> usize {
    let parsed = aethel_syntax::parse(SourceId(0), text);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics.first());
    let (mut files, inputs) = (Csv(csv.into()), inputs.clone());
    move || {
        let mut said = Vec::new();
        let source = SourceId(0);
        let all = Selection::All;
        let lowered = lower(
            source,
            &parsed.program,
            &all,
            &inputs,
            &mut files,
            purpose,
            &mut said,
        );
        assert!(!said.iter().any(Diagnostic::is_error), "{:?}", said.first());
        lowered.iter().map(|batch| batch.batch.len()).sum()
    }
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (count, rows, rounds) = if quick {
        (1_000, 10_000, 3)
    } else {
        (10_000, 300_000, 7)
    };

    let intents: String = (0..count).map(|n| format!("intent pay_{n}{PAY}")).collect();
    let usd = "asset USD { scale: 2; }\n";
    let text = format!("{usd}{intents}");
    let none = Inputs::default();
    measure(
        "intents, for check",
        "intent",
        count,
        rounds,
        program(&text, "", &none, Purpose::Check),
    );

    let mut calls = format!("{usd}intent pay{PAY}atomic_batch b {{\n");
    for n in 0..count {
        writeln!(
            calls,
            "    pay(company, employee_{n}, {}.{:02});",
            n / 7 + 1,
            n % 100
        )
        .unwrap();
    }
    calls += "}\n";
    measure(
        "calls",
        "call",
        count,
        rounds,
        program(&calls, "", &none, Purpose::Run),
    );

    let (mut staff, mut opening) = (
        String::from("name,account,salary\n"),
        String::from("account,balance\n"),
    );
    for n in 0..rows {
        writeln!(staff, "P{n},emp{n:07},{}.{:02}", 1_000 + n % 8_000, n % 100).unwrap();
        writeln!(opening, "emp{n:07},{}.{:02}", n % 9_999, n % 100).unwrap();
    }
    let each = format!(
        "{usd}intent pay{PAY}atomic_batch b {{ for row in \"staff.csv\" {{ pay(company, row.account, row.salary); }} }}"
    );
    measure(
        "CSV rows",
        "row",
        rows,
        rounds,
        program(&each, &staff, &none, Purpose::Run),
    );

    let opening: Arc<str> = opening.into();
    let read = || {
        let mut inputs = Inputs::default();
        inputs
            .add_accounts_csv(SourceId(2), Arc::clone(&opening))
            .unwrap();
        inputs
    };
    measure("balances from CSV", "row", rows, rounds, read);
    measure(
        "CSV rows with balances",
        "row",
        rows,
        rounds,
        program(&each, &staff, &read(), Purpose::Run),
    );

    let mut list = String::from("{\"assets\": {\"USD\": 2}, \"transactions\": [\n");
    for n in 0..count {
        let comma = if n == 0 { "" } else { ",\n" };
        write!(
            list,
            "{comma}{{\"id\": \"t{n}\", \"intent_name\": \"pay\", \"accounts\": {{\"company\": {{\"balance\": \"9000000\"}}, \
             \"emp{n}\": {{\"balance\": \"0\"}}}}, \"operations\": [{{\"type\": \"transfer\", \"from\": \"company\", \
             \"to\": \"emp{n}\", \"amount\": \"{}.25\"}}], \"verify_conditions\": [], \"oracle_proofs\": []}}",
            n % 900
        )
        .unwrap();
    }
    list += "]}";
    measure("JSON transactions", "transaction", count, rounds, || {
        lower_json(SourceId(0), &list, "list").unwrap()
    });
}
