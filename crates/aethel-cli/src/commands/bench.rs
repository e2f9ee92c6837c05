//! `aethel bench`: how fast batches run here, beside the least that the machine needs.

use super::ledger::exit_of;
use crate::exit::Exit;
use crate::options::Format;
use crate::options::bench::{BenchOptions as Options, Store as Kind};
use crate::printer::Printer;
use aethel::bench::{BUILTINS, BenchOptions, bench, default_threads};
use aethel::inputs::InputSources;
use aethel::ir::{Code, Diagnostic, SourceMap};
use aethel_report::bench::model::Store;
use aethel_report::bench::{human, list, ratios};
use std::path::Path;
use std::time::Instant;

/// Measures and prints.
pub fn run(options: &Options, printer: &mut Printer) -> Exit {
    if options.list {
        let rows: Vec<_> = BUILTINS
            .iter()
            .map(|builtin| (builtin.name, builtin.about))
            .collect();
        printer.result(&list(&rows));
        return Exit::Fine;
    }
    let begun = Instant::now();
    let report = bench(&library_options(options), &mut |next| {
        printer.progress(begun, || next.to_owned())
    });
    printer.progress_done();
    let report = match report {
        Ok(report) => report,
        Err((problems, sources)) => {
            printer.diagnostics(&problems, &sources);
            return exit_of(&problems);
        }
    };
    let json = serde_json::to_string_pretty(&report).unwrap_or_default() + "\n";
    if printer.format() == Format::Json {
        printer.result(&json);
    } else if options.ratios {
        printer.say(&ratios(&report.ratios.iter().collect::<Vec<_>>()));
    } else {
        printer.say(&human(&report));
    }
    if let Some(path) = &options.json
        && let Err(problem) = write(path, &json)
    {
        printer.diagnostics(std::slice::from_ref(&problem), &SourceMap::default());
        return exit_of(&[problem]);
    }
    Exit::Fine
}

fn write(path: &Path, text: &str) -> Result<(), Diagnostic> {
    std::fs::write(path, text).map_err(|error| {
        let message = format!("cannot write `{}`: {error}", path.display());
        Diagnostic::new(Code::AE0901, message).help("check the directory and its permissions")
    })
}

fn library_options(options: &Options) -> BenchOptions {
    let mut sizes: Vec<usize> = options.sizes.iter().map(|size| *size as usize).collect();
    if options.quick {
        sizes = vec![10, 100];
    }
    if options.full && !sizes.contains(&1_000_000) {
        sizes.push(1_000_000);
    }
    sizes.sort_unstable();
    sizes.dedup();
    let threads = match options.threads.as_slice() {
        [] => default_threads(),
        some => some.iter().map(|threads| threads.0).collect(),
    };
    let stores = match options.store {
        None => vec![Store::Memory, Store::Redb],
        Some(Kind::Memory) => vec![Store::Memory],
        Some(Kind::Redb) => vec![Store::Redb],
    };
    BenchOptions {
        what: options.what.clone(),
        sizes,
        threads,
        stores,
        repeat: options.repeat,
        quick: options.quick,
        ratios: options.ratios,
        inputs: InputSources {
            file: options.inputs.clone(),
            bind: options.bind.clone(),
            args: options.arg.clone(),
            open_accounts: options.open_accounts,
        },
        allow_path: options.allow_path.clone(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
    }
}
