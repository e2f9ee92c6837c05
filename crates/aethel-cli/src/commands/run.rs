//! `aethel run`: the six stages, on the ledger.

use crate::exit::Exit;
use crate::options::{RunOptions as Options, RunSubject, Validate};
use crate::printer::Printer;
use aethel::ir::{Diagnostic, SourceMap};
use aethel::runtime::{Clock, SystemClock, Validation};
use aethel::{RunOptions, RunReport};
use aethel_report::run as draw;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs a file and prints what came of each batch.
pub fn run(options: &Options, printer: &mut Printer) -> Exit {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    // Without a handler Ctrl-C would still be safe: the commit is atomic. With it, the batch says what happened.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let besides = match Besides::open(options, printer) {
        Ok(besides) => besides,
        Err(problem) => {
            let problems = [problem];
            printer.diagnostics(&problems, &SourceMap::default());
            return Exit::of(&problems);
        }
    };
    let mut sources = SourceMap::default();
    let run_options = RunOptions {
        details: options.report.is_some() || options.trace.is_some(),
        signatures: options.signatures.clone(),
        dry_run: options.dry_run,
        validation: match options.validate {
            Validate::Certificate => Validation::Certificate,
            Validate::Replay => Validation::Replay,
        },
        measure: options.measure,
        progress: printer.watch(),
        ..library_options(&options.subject)
    };
    let (exit, late) = aethel::run(
        &options.file,
        &run_options,
        &mut sources,
        Some(&cancel),
        |report, sources| {
            besides.write(&report, sources, printer);
            tell(report, sources, printer)
        },
    );
    let late: Vec<Diagnostic> = late.into_iter().collect();
    let denied = printer.late(&late, &sources);
    let exit = if denied && exit == Exit::Fine {
        Exit::of(&late)
    } else {
        exit
    };
    std::mem::forget(sources);
    exit
}

/// The page and the trace, where they are wanted.
struct Besides {
    program: String,
    at_ms: u64,
    report: Option<usize>,
    trace: Option<usize>,
}

impl Besides {
    /// Opens their files: a batch does not begin when one of them cannot be written.
    fn open(options: &Options, printer: &mut Printer) -> Result<Self, Diagnostic> {
        let mut open =
            |path: &Option<PathBuf>| path.as_deref().map(|path| printer.open_besides(path)).transpose();
        Ok(Self {
            program: options.file.to_string_lossy().into_owned(),
            at_ms: u64::try_from(SystemClock::default().unix_ms()).unwrap_or(0),
            report: open(&options.report)?,
            trace: open(&options.trace)?,
        })
    }

    fn write(&self, report: &RunReport, sources: &SourceMap, printer: &mut Printer) {
        if let Some(number) = self.report {
            let diagnostics = printer.shown(&report.diagnostics);
            let page = draw::page(&draw::Page {
                results: &report.results,
                diagnostics: &diagnostics,
                sources,
                ledger: &report.ledger,
                program: Some(&self.program),
                at_ms: Some(self.at_ms),
            });
            printer.write_besides(number, |out| out.write_all(page.as_bytes()));
        }
        if let Some(number) = self.trace {
            printer.write_besides(number, |out| draw::write_trace(out, &report.results));
        }
    }
}

/// Prints what came of each batch; gives how the process is to end.
fn tell(report: RunReport, sources: &SourceMap, printer: &mut Printer) -> Exit {
    printer.progress_done();
    let failures: Vec<Diagnostic> = report
        .results
        .iter()
        .filter_map(|r| r.diagnostic.as_deref().cloned())
        .collect();
    let mut problems = report.diagnostics.clone();
    problems.extend(failures.iter().cloned());
    let beside = printer.shown(&report.diagnostics);
    printer.document(|out| draw::write_json(out, &report.results, &beside, sources));
    let failed = printer.denies(&problems);
    if printer.wants_more() {
        printer.diagnostics(&report.diagnostics, sources);
        for result in &report.results {
            // What went wrong comes first; what was undone, after it.
            let failure: Vec<Diagnostic> = result.diagnostic.as_deref().cloned().into_iter().collect();
            printer.diagnostics(&result.notices, sources);
            printer.diagnostics(&failure, sources);
            printer.say(&draw::batch(result, &report.ledger, printer.says_why()));
        }
    }
    // The process ends soon; millions of names need not be given back one by one before.
    std::mem::forget(report);
    if failed { Exit::of(&problems) } else { Exit::Fine }
}

/// What the library is asked for what is run and on what.
pub fn library_options(options: &RunSubject) -> RunOptions {
    RunOptions {
        selection: options.chosen.selection(),
        inputs: options.given.sources(options.open_accounts),
        ledger: options.ledger.clone(),
        key: options.key.clone(),
        again: options.again.clone(),
        threads: options.threads,
        timeout: options.timeout.map(|limit| limit.0),
        wait: options.wait.0,
        allow_path: options.given.allow_path.clone(),
        config: options.config.clone(),
        ..RunOptions::default()
    }
}
