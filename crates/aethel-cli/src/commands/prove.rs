//! `aethel prove`: every lemma about a program, with what Z3 says, and as SMT-LIB for other solvers.

use crate::exit::Exit;
use crate::options::ProveOptions;
use crate::printer::Printer;
use aethel::Program;
use aethel::certificate::LemmaVerdict;
use aethel::files::cannot_write;
use aethel::ir::{Diagnostic, SourceMap};
use aethel::obligations::ProgramObligation;
use aethel::pairs::ProgramPair;
use aethel::proof::{LEMMA_LIMITS, NEVER_HOLDS};
use aethel_report::escape::terminal;
use serde_json::{Value, json};
use std::path::Path;

/// Prints the lemmas, and writes their texts where a directory is named.
pub fn run(options: &ProveOptions, printer: &mut Printer) -> Exit {
    let mut sources = SourceMap::default();
    let mut problems = Vec::new();
    let program = match Program::open(&options.file, &mut sources) {
        Ok(program) => program,
        Err(problem) => {
            printer.diagnostics(std::slice::from_ref(&problem), &sources);
            return Exit::of(&[problem]);
        }
    };
    let (all, pairs) = program.obligations(&LEMMA_LIMITS, &mut sources, &options.allow_path, &mut problems);
    problems.retain(Diagnostic::is_error);
    if !problems.is_empty() {
        printer.diagnostics(&problems, &sources);
        return Exit::of(&problems);
    }
    let files: Vec<String> = all.iter().enumerate().map(|(n, one)| file_name(n, one)).collect();
    if let Some(directory) = &options.smt2
        && let Err(problem) = write(directory, &all, &files)
    {
        printer.diagnostics(std::slice::from_ref(&problem), &sources);
        return Exit::of(&[problem]);
    }
    if printer.wants_json() {
        let mut value = index(&all, &files, true);
        value["pairs"] = pairs.iter().map(pair_json).collect();
        printer.json(&value);
        if !printer.wants_more() {
            return Exit::Fine;
        }
    }
    for one in &all {
        printer.result(&line(one));
    }
    for pair in &pairs {
        printer.result(&pair_line(pair));
    }
    let count = |verdict| {
        let of_verdict = all.iter().filter(|one| one.obligation.record.verdict == verdict);
        of_verdict.filter(|one| !as_it_should_be(one)).count()
    };
    printer.result(&format!(
        "{} proved, {} refuted, {} undecided\n",
        count(LemmaVerdict::Proved),
        count(LemmaVerdict::Refuted),
        count(LemmaVerdict::Undecided)
    ));
    if let Some(directory) = &options.smt2 {
        printer.say(&format!(
            "{} files and index.json in {}\n",
            all.len(),
            terminal(&directory.to_string_lossy())
        ));
    }
    Exit::Fine
}

fn word(verdict: LemmaVerdict) -> &'static str {
    match verdict {
        LemmaVerdict::Proved => "proved",
        LemmaVerdict::Refuted => "refuted",
        LemmaVerdict::Undecided => "undecided",
    }
}

/// That a guard can never hold is the one lemma that is hoped to be refuted.
fn as_it_should_be(one: &ProgramObligation) -> bool {
    let record = &one.obligation.record;
    record.verdict == LemmaVerdict::Refuted && record.name.starts_with(NEVER_HOLDS)
}

fn pair_line(pair: &ProgramPair) -> String {
    let verdict = match pair.commutes {
        Some(true) => "commute",
        Some(false) => "order",
        None => "undecided",
    };
    let [first, second] = pair.intents.each_ref().map(|name| terminal(name));
    let same = terminal(&pair.same.join(", "));
    format!(
        "{verdict:<9}  {first} and {second} with one {same}: {}\n",
        pair.words
    )
}

fn pair_json(pair: &ProgramPair) -> Value {
    json!({ "intents": pair.intents, "same": pair.same, "commutes": pair.commutes, "words": pair.words })
}

fn line(one: &ProgramObligation) -> String {
    let record = &one.obligation.record;
    let intents = if one.intents.is_empty() {
        "every program".to_owned()
    } else {
        terminal(&one.intents.join(", "))
    };
    let micros = one.obligation.nanoseconds / 1000;
    let (whole, part) = (micros / 1000, micros % 1000 / 100);
    let doubt = match &one.obligation.doubt {
        Some(doubt) => format!("  ({doubt})"),
        None if as_it_should_be(one) => "  (as it should be)".to_owned(),
        None => String::new(),
    };
    format!(
        "{:<9}  {intents}: {}  {whole}.{part} ms, rlimit {}{doubt}\n",
        word(record.verdict),
        record.name,
        record.rlimit
    )
}

/// `003-access-0-1-of-56890863f5d6.smt2`
fn file_name(n: usize, one: &ProgramObligation) -> String {
    let name = one.obligation.record.name.chars();
    let plain: String = name
        .map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    // File systems take no long names; the number alone is enough.
    let name: String = words.join("-").chars().take(80).collect();
    format!("{:03}-{name}.smt2", n + 1)
}

/// What the files hold; time and resources only where nobody compares.
fn index(all: &[ProgramObligation], files: &[String], measured: bool) -> Value {
    let entry = |(one, file): (&ProgramObligation, &String)| {
        let record = &one.obligation.record;
        let mut entry = json!({
            "file": file, "name": record.name, "statement": record.statement, "intents": one.intents,
            "verdict": word(record.verdict), "status": record.verdict.status(), "solver": record.solver,
            "multipliers": record.farkas.is_some(),
        });
        if measured {
            entry["rlimit"] = record.rlimit.into();
            entry["nanoseconds"] = one.obligation.nanoseconds.into();
        }
        entry
    };
    let lemmas: Vec<Value> = all.iter().zip(files).map(entry).collect();
    json!({ "schema": 1, "lemmas": lemmas })
}

fn write(directory: &Path, all: &[ProgramObligation], files: &[String]) -> Result<(), Diagnostic> {
    let fail = |error| cannot_write(directory, &error);
    std::fs::create_dir_all(directory).map_err(fail)?;
    for (one, file) in all.iter().zip(files) {
        std::fs::write(directory.join(file), &one.obligation.record.smt2).map_err(fail)?;
    }
    let index = format!("{:#}\n", index(all, files, false));
    std::fs::write(directory.join("index.json"), index).map_err(fail)
}
