//! `aethel check`: judges programs without running them.

use super::programs;
use crate::exit::Exit;
use crate::options::CheckOptions;
use crate::printer::Printer;
use aethel::check::{CheckLimits, Progress, user_cache};
use aethel::ir::{Code, Diagnostic, SourceMap};
use aethel::{CheckReport, Program};
use aethel_report::diagnostics::Counts;
use aethel_report::proofs::summary;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Checks every program named, or found below a directory named.
pub fn run(options: &CheckOptions, printer: &mut Printer) -> Exit {
    let begun = Instant::now();
    let mut sources = SourceMap::default();
    let mut found = CheckReport::default();
    let (mut files, mut intents, mut batches) = (0, 0, 0);
    let library = aethel::CheckOptions {
        allow_path: options.allow_path.clone(),
        limits: CheckLimits {
            rlimit: options.rlimit,
            ..CheckLimits::default()
        },
        cache: Arc::new(user_cache()),
        ..aethel::CheckOptions::default()
    };
    for path in &options.paths {
        for path in programs(path, &mut found.diagnostics) {
            match open(&path, &mut sources) {
                Ok(program) => {
                    let mut told = |at: Progress<'_>| {
                        printer.progress(begun, || {
                            format!("{}: {} of {}, `{}`", path.display(), at.done + 1, at.of, at.name)
                        });
                    };
                    let report = program.check_with(&mut sources, &library, &mut told);
                    let counts = program.counts();
                    (files, intents, batches) = (files + 1, intents + counts.0, batches + counts.1);
                    found.diagnostics.extend(report.diagnostics);
                    found.proofs.extend(report.proofs);
                    found.undecided |= report.undecided;
                    // The process ends soon; a tree of ten thousand intents need not be given back piece by piece.
                    std::mem::forget(program);
                }
                Err(diagnostic) => found.diagnostics.push(diagnostic),
            }
        }
    }
    printer.progress_done();
    let unreadable = (found.diagnostics.iter())
        .any(|d| matches!(d.code, Code::AE0901 | Code::AE0109) && d.labels.is_empty());
    let failed = printer.checked(&found.diagnostics, &found.proofs, &sources);
    let counts = Counts::of(&found.diagnostics).describe();
    let files = match files {
        1 => String::new(),
        files => format!("{files} files, "),
    };
    let summary = summary(intents, batches, &found.proofs);
    printer.say(&format!("{counts} · {files}{summary}\n"));
    let undecided = found.undecided;
    std::mem::forget((found, sources));
    match (unreadable, failed, undecided) {
        (true, _, _) => Exit::Usage,
        (_, true, _) => Exit::Wrong,
        (_, _, true) => Exit::Undecided,
        _ => Exit::Fine,
    }
}

fn open(path: &Path, sources: &mut SourceMap) -> Result<Program, Diagnostic> {
    if path == Path::new("-") {
        return Program::from_stdin(sources);
    }
    Program::open(path, sources)
}
