//! What must hold for any bytes, one function for each thing that reads foreign bytes: it ends, without a panic, with
//! diagnostics that can be drawn; and what it accepts is sound. The fuzzer calls these functions with bytes of its own,
//! the test suite with the corpora beside this file, where everything that was ever found lies too.

use aethel::certificate::{ProofFile, decode};
use aethel::ir::{Diagnostic, SourceId, SourceMap};
use aethel::runtime::{BatchProcessor, BatchRequest, Openings, ProcessorOptions, SystemClock};
use aethel::store::{LedgerId, LedgerStore, MemoryStore, read_row, verify};
use aethel::{Inputs, Purpose, Selection, parse_oracle};
use aethel_lower::{Files, LoweredBatch, lower, lower_json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A program that uses most of the language, for inputs and tables.
const PROGRAM: &str = include_str!("program.ae");
/// One that runs with tables.
const PAYROLL: &str = "asset USD { scale: 2; }
intent pay(company: Account<USD>, employee: Account<USD>, amount: Balance<USD>) {
    guard { amount > 0; company.balance >= amount; }
    verify { company.balance == company.balance - amount; employee.balance == employee.balance + amount; }
}
atomic_batch payroll { for row in \"staff.csv\" { pay(company, row.account, row.salary); } }";
/// Inputs that fit the first.
const INPUTS: &str = include_str!("program.inputs.json");
/// A table that fits it.
const TABLE: &str = "account,salary,t\r\nalice,10.50,5\n\"a,b\",\"0.01\",2026-03-31T12:00:00Z\n\nbób,3,1\n";

/// Texts in memory, and one table for every name.
#[derive(Default)]
struct Texts {
    sources: SourceMap,
    table: Arc<str>,
}

impl Files for Texts {
    fn open(&mut self, path: &str) -> Result<(SourceId, Arc<str>), Diagnostic> {
        let source = self.sources.add(path, Arc::clone(&self.table));
        Ok((source, Arc::clone(&self.table)))
    }
}

fn draw(problems: &[Diagnostic], sources: &SourceMap) {
    for problem in problems {
        assert!(!problem.message.is_empty(), "{problem:?}");
        for label in &problem.labels {
            let text = &sources.get(label.source).expect("a text of this run").text;
            assert!(text.get(label.span.range()).is_some(), "{problem:?}");
        }
    }
    let human = aethel_report::human(problems, sources, aethel_report::Style::default());
    let harmless = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
    assert!(human.chars().all(harmless), "{human:?}");
    let json = aethel_report::json(problems, sources);
    serde_json::from_str::<serde_json::Value>(&json).expect("valid JSON");
    aethel_report::concise(problems, sources);
}

/// Runs a batch on a new ledger in memory; what goes through leaves a sound ledger and a certificate that checks.
fn run(lowered: LoweredBatch, sources: &SourceMap) {
    lowered
        .batch
        .validate()
        .expect("the lowering makes valid batches");
    if lowered.batch.len() > 2_000 {
        return;
    }
    let mut store = MemoryStore::new(LedgerId([7; 16]));
    let options = ProcessorOptions {
        available_threads: 1,
        timeout: Duration::from_secs(5),
        ..ProcessorOptions::default()
    };
    let openings = lowered.openings.iter().map(|one| (one.place, one.amount));
    let openings = Openings {
        balances: openings.collect(),
        are_expectations: lowered.openings_are_expectations,
        open_accounts: true,
        bounded: lowered.declarations.bounded,
        declared: lowered.declarations.places,
        ..Openings::default()
    };
    let mut request = BatchRequest::new(lowered.batch, sources);
    request.openings = openings;
    let result =
        BatchProcessor::new(options, Arc::new(SystemClock::default())).execute_batch(&mut store, request);
    let told: Vec<Diagnostic> = result
        .diagnostic
        .as_deref()
        .into_iter()
        .chain(&result.notices)
        .cloned()
        .collect();
    draw(&told, sources);
    aethel_report::run::batch(&result, "memory", true);
    if result.success {
        verify(&store, None).expect("a committed batch leaves a sound ledger");
        let certificate = store.certificate(1).expect("it is there").expect("it is there");
        let certificate = decode(&certificate).expect("our own certificate can be read");
        certificate.check(None).expect("our own certificate is accepted");
    }
}

fn lower_all(program: &str, inputs: &Inputs, texts: &mut Texts) {
    let source = texts.sources.add("program.ae", program);
    let parsed = aethel_syntax::parse(source, program);
    draw(&parsed.diagnostics, &texts.sources);
    for purpose in [Purpose::Check, Purpose::Run] {
        let mut problems = Vec::new();
        let tree = &parsed.program;
        let all = lower(
            source,
            tree,
            &Selection::All,
            inputs,
            texts,
            purpose,
            &mut problems,
        );
        draw(&problems, &texts.sources);
        let wrong = problems
            .iter()
            .chain(&parsed.diagnostics)
            .any(Diagnostic::is_error);
        if purpose == Purpose::Run && !wrong {
            all.into_iter().for_each(|batch| run(batch, &texts.sources));
        }
    }
}

/// A program.
pub fn program(bytes: &[u8]) {
    let mut texts = Texts {
        table: TABLE.into(),
        ..Texts::default()
    };
    let given = texts.sources.add("program.inputs.json", INPUTS);
    let inputs = Inputs::from_json(given, INPUTS).expect("the inputs are right");
    match std::str::from_utf8(bytes) {
        Ok(text) => lower_all(text, &inputs, &mut texts),
        Err(_) => {
            let source = texts.sources.add("program.ae", "");
            assert!(aethel_syntax::decode(source, bytes).is_err());
        }
    }
}

/// A file of inputs.
pub fn inputs(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut texts = Texts {
        table: TABLE.into(),
        ..Texts::default()
    };
    let source = texts.sources.add("program.inputs.json", text);
    match Inputs::from_json(source, text) {
        Ok(inputs) => [PROGRAM, PAYROLL]
            .iter()
            .for_each(|program| lower_all(program, &inputs, &mut texts)),
        Err(problems) => {
            assert!(!problems.is_empty());
            draw(&problems, &texts.sources);
        }
    }
}

/// A table of rows for a loop, of opening balances, and of balances to import.
pub fn table(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut texts = Texts {
        table: text.into(),
        ..Texts::default()
    };
    let given = texts.sources.add("program.inputs.json", INPUTS);
    let mut inputs = Inputs::from_json(given, INPUTS).expect("the inputs are right");
    let source = texts.sources.add("accounts.csv", text);
    if let Err(problems) = inputs.add_accounts_csv(source, text.into()) {
        draw(&problems, &texts.sources);
    }
    let store = MemoryStore::new(LedgerId([7; 16]));
    let scales = BTreeMap::from([("USD".to_owned(), 2)]);
    if let Err(problems) = aethel::import::lines(&store, source, &text.into(), &scales) {
        draw(&problems, &texts.sources);
    }
    lower_all(PROGRAM, &inputs, &mut texts);
    let inputs = Inputs {
        open_accounts: true,
        ..Inputs::default()
    };
    lower_all(PAYROLL, &inputs, &mut texts);
}

/// A list of transactions.
pub fn list(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut sources = SourceMap::default();
    let source = sources.add("list.json", text);
    match lower_json(source, text, "list") {
        Ok(lowered) => run(lowered, &sources),
        Err(problems) => {
            assert!(!problems.is_empty());
            draw(&problems, &sources);
        }
    }
}

/// A proof file, and a certificate.
pub fn proof(bytes: &[u8]) {
    if let Ok(file) = ProofFile::decode(bytes) {
        let _ = file.check();
    }
    if let Ok(certificate) = decode(bytes) {
        let _ = certificate.check(None);
    }
}

/// A row of the journal: a record and its certificate.
pub fn row(bytes: &[u8]) {
    if let Err(error) = read_row(bytes) {
        draw(&[error.to_diagnostic()], &SourceMap::default());
    }
}

/// An oracle's statement.
pub fn oracle(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut sources = SourceMap::default();
    let source = sources.add("statement.json", text);
    match parse_oracle(source, text) {
        Ok(statement) => {
            if let Err(problem) = aethel::oracle::verify_statement(&statement, &[7; 32], "USD", "2") {
                draw(&[*problem], &sources);
            }
        }
        Err(problem) => draw(&[problem], &sources),
    }
}

/// A configuration.
pub fn configuration(bytes: &[u8]) {
    let path = scratch("aethel.toml");
    std::fs::write(&path, bytes).expect("room for a small file");
    let mut sources = SourceMap::default();
    if let Err(problem) = aethel::config::Config::open(&path, &mut sources) {
        draw(&[problem], &sources);
    }
}

/// A file of approvers' signatures. What can be read is written again in the same form.
pub fn signatures(bytes: &[u8]) {
    let path = scratch("signatures.sig.json");
    std::fs::write(&path, bytes).expect("room for a small file");
    match aethel::approvals::read(&path) {
        Ok(signed) => {
            aethel::approvals::append(&path, &signed).expect("what was read can be written");
            aethel::approvals::read(&path).expect("what was written can be read");
        }
        Err(problem) => draw(&[problem], &SourceMap::default()),
    }
}

/// A file of this process and thread.
fn scratch(name: &str) -> PathBuf {
    let id = std::process::id();
    std::env::temp_dir().join(format!(
        "aethel-fuzz-{id}-{:?}-{name}",
        std::thread::current().id()
    ))
}

/// A function of this file.
pub type Survives = fn(&[u8]);

/// Every function by its name, which is that of its corpus.
pub const ALL: [(&str, Survives); 9] = [
    ("program", program),
    ("inputs", inputs),
    ("table", table),
    ("list", list),
    ("proof", proof),
    ("row", row),
    ("oracle", oracle),
    ("configuration", configuration),
    ("signatures", signatures),
];
