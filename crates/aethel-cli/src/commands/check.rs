//! `aethel check`: judges programs without running them, and mends them when asked to.

use super::{diff, programs};
use crate::exit::Exit;
use crate::options::CheckOptions;
use crate::printer::Printer;
use aethel::check::{CheckLimits, Progress, user_cache};
use aethel::fix::{Applied, chosen, mend};
use aethel::ir::{Code, Diagnostic, Safety, SourceMap};
use aethel::{CheckReport, Program};
use aethel_report::diagnostics::Counts;
use aethel_report::escape::terminal;
use aethel_report::proofs::summary;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// What was found in all programs.
#[derive(Default)]
struct Found {
    report: CheckReport,
    files: usize,
    intents: usize,
    batches: usize,
    /// What was mended, by file.
    applied: Vec<(String, Applied)>,
    /// Some file would change, but only a difference was asked for.
    would_change: bool,
}

impl Found {
    fn add(&mut self, program: &Program, report: CheckReport) {
        let (intents, batches) = program.counts();
        self.files += 1;
        self.intents += intents;
        self.batches += batches;
        self.report.diagnostics.extend(report.diagnostics);
        self.report.proofs.extend(report.proofs);
        self.report.undecided |= report.undecided;
    }
}

/// Checks every program named, or found below a directory named.
pub fn run(options: &CheckOptions, printer: &mut Printer) -> Exit {
    let progress = printer.watch();
    let mut sources = SourceMap::default();
    let mut found = Found::default();
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
        for path in programs(path, &mut found.report.diagnostics) {
            let done = if options.fix {
                mended(&path, options, &library, &mut sources, &mut found, printer)
            } else {
                let mut told = |at: Progress<'_>| {
                    let what = format!("judging {}", at.name);
                    progress.begin_counting(what, "intents and batches", Some(at.of as u64));
                    progress.reached(at.done as u64);
                };
                progress.begin(format!("reading {}", path.display()));
                open(&path, &mut sources).map(|mut program| {
                    program.progress = Arc::clone(&progress);
                    let report = program.check_with(&mut sources, &library, &mut told);
                    found.add(&program, report);
                    // The process ends soon; a tree of ten thousand intents need not be given back piece by piece.
                    std::mem::forget(program);
                })
            };
            found.report.diagnostics.extend(done.err());
        }
    }
    printer.progress_done();
    tell(found, options, sources, printer)
}

fn open(path: &Path, sources: &mut SourceMap) -> Result<Program, Diagnostic> {
    if path == Path::new("-") {
        return Program::from_stdin(sources);
    }
    Program::open(path, sources)
}

/// Mends one program, and writes it or shows what would change.
fn mended(
    path: &Path,
    options: &CheckOptions,
    library: &aethel::CheckOptions,
    sources: &mut SourceMap,
    found: &mut Found,
    printer: &mut Printer,
) -> Result<(), Diagnostic> {
    if path == Path::new("-") && !options.diff {
        let message = "standard input cannot be mended in its place";
        return Err(Diagnostic::new(Code::AE0911, message)
            .help("name a file, or see with `--diff` what would change"));
    }
    let program = open(path, sources)?;
    let Some(file) = sources.get(program.source) else {
        return Ok(());
    };
    let (name, before) = (file.name.clone(), Arc::clone(&file.text));
    let allowed = match options.unsafe_fixes {
        true => Safety::Unsafe,
        false => Safety::Safe,
    };
    let mended = mend(&name, &before, &program.directory, allowed, library, sources);
    if *before != mended.text {
        if options.diff {
            found.would_change = true;
            printer.result(&diff(&terminal(&name), &before, &mended.text));
        } else {
            aethel::files::replace(path, &mended.text)?;
        }
    }
    let applied = mended.applied.into_iter().map(|one| (name.clone(), one));
    found.applied.extend(applied);
    found.add(&mended.program, mended.report);
    Ok(())
}

/// Prints what was found and done; gives how the process is to end.
fn tell(found: Found, options: &CheckOptions, sources: SourceMap, printer: &mut Printer) -> Exit {
    let report = &found.report;
    for (file, one) in &found.applied {
        let verb = if options.diff { "would mend" } else { "mended" };
        let look = match one.safety {
            Safety::Safe => "",
            Safety::Unsafe => "; look at it",
        };
        printer.say(&format!(
            "{verb} {}:{} {}: {}{look}\n",
            terminal(file),
            one.line,
            one.code.id(),
            terminal(&one.title)
        ));
    }
    if !found.applied.is_empty() {
        printer.say("\n");
    }
    let usage =
        |d: &Diagnostic| matches!(d.code, Code::AE0901 | Code::AE0109 | Code::AE0911) && d.labels.is_empty();
    let unreadable = report.diagnostics.iter().any(usage);
    let applied = found.applied.iter().map(|(file, one)| applied_json(file, one));
    let more = [("applied", applied.collect::<Value>())];
    let more = if options.fix { &more[..] } else { &[] };
    let failed = printer.checked(&report.diagnostics, &report.proofs, &sources, more);
    let counts = Counts::of(&report.diagnostics).describe();
    let files = match found.files {
        1 => String::new(),
        files => format!("{files} files, "),
    };
    let summary = summary(found.intents, found.batches, &report.proofs);
    printer.say(&format!("{counts} · {files}{summary}\n"));
    if let Some(hint) = hint(&report.diagnostics, options) {
        printer.say(&hint);
    }
    let (undecided, would_change) = (report.undecided, found.would_change);
    std::mem::forget((found, sources));
    match (unreadable, failed || would_change, undecided) {
        (true, _, _) => Exit::Usage,
        (_, true, _) => Exit::Wrong,
        (_, _, true) => Exit::Undecided,
        _ => Exit::Fine,
    }
}

fn applied_json(file: &str, one: &Applied) -> Value {
    let safety = match one.safety {
        Safety::Safe => "safe",
        Safety::Unsafe => "unsafe",
    };
    json!({ "file": file, "line": one.line, "code": one.code.id(), "title": one.title, "safety": safety })
}

/// How many problems a further run could mend.
fn hint(diagnostics: &[Diagnostic], options: &CheckOptions) -> Option<String> {
    let count = |allowed| {
        let fixes = diagnostics.iter().filter(|d| {
            let source = d.labels.first().map(|label| label.source);
            source.is_some_and(|source| chosen(d, source, allowed).is_some())
        });
        fixes.count()
    };
    let (safe, all) = (count(Safety::Safe), count(Safety::Unsafe));
    let can = |n: usize, how: &str| format!("{n} can be mended with `{how}`");
    match (safe, all - safe) {
        (0, 0) => None,
        (0, _) if options.unsafe_fixes => None,
        (0, n) => Some(format!("{}, to be looked at\n", can(n, "--fix --unsafe-fixes"))),
        (n, 0) => Some(format!("{}\n", can(n, "--fix"))),
        (n, more) => Some(format!(
            "{}, {more} more with `--unsafe-fixes`\n",
            can(n, "--fix")
        )),
    }
}
