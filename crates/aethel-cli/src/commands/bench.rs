//! `aethel bench`: how fast batches run here, beside the least that the machine needs.

use crate::exit::Exit;
use crate::options::bench::{BenchOptions as Options, Store as Kind};
use crate::printer::Printer;
use aethel::bench::{BUILTINS, BenchOptions, bench, default_threads};
use aethel::ir::{Code, Diagnostic, SourceMap};
use aethel_report::bench::model::{BenchReport, SCHEMA, Store};
use aethel_report::bench::{changes_table, compare, human, list, page, ratios};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
    // Before a long measurement, not after it.
    let old = match options.compare.as_deref().map(read).transpose() {
        Ok(old) => old,
        Err(problem) => return refuse(problem, printer),
    };
    let measuring = library_options(options);
    let flag = Arc::clone(&measuring.cancel);
    // So that scratch ledgers do not stay behind.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let progress = printer.watch();
    let report = bench(&measuring, &mut |next| progress.begin(next));
    printer.progress_done();
    let report = match report {
        Ok(report) => report,
        Err((problems, sources)) => {
            printer.diagnostics(&problems, &sources);
            return Exit::of(&problems);
        }
    };
    let json = serde_json::to_string_pretty(&report).unwrap_or_default() + "\n";
    let changes = old.as_ref().map(|old| compare(old, &report));
    printer.document(|out| out.write_all(json.as_bytes()));
    match options.ratios {
        true => printer.say(&ratios(&report.ratios.iter().collect::<Vec<_>>())),
        false => printer.say(&human(&report)),
    }
    if let Some(changes) = &changes {
        printer.say(&format!("\n{}", changes_table(changes)));
    }
    let files = [(&options.json, &json), (&options.html, &page(&report))];
    for (path, text) in files {
        if let Some(path) = path
            && let Err(problem) = aethel::files::write(path, text)
        {
            return refuse(problem, printer);
        }
    }
    Exit::Fine
}

fn refuse(problem: Diagnostic, printer: &mut Printer) -> Exit {
    printer.diagnostics(std::slice::from_ref(&problem), &SourceMap::default());
    Exit::of(&[problem])
}

/// An earlier report.
fn read(path: &Path) -> Result<BenchReport, Diagnostic> {
    let cannot = |why: String| {
        Diagnostic::new(Code::AE0901, format!("cannot read `{}`: {why}", path.display()))
            .help("`aethel bench --json FILE` writes such a file")
    };
    let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    let report: BenchReport = serde_json::from_str(&text).map_err(|error| cannot(error.to_string()))?;
    if report.schema != SCHEMA {
        return Err(cannot(format!(
            "it has schema {}, this version knows {SCHEMA}",
            report.schema
        )));
    }
    Ok(report)
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
        inputs: options.given.sources(options.open_accounts),
        allow_path: options.given.allow_path.clone(),
        cancel: Arc::default(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
    }
}
