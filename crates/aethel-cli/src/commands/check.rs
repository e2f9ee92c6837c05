//! `aethel check`: judges programs without running them.

use crate::exit::Exit;
use crate::options::CheckOptions;
use crate::printer::Printer;
use aethel::Program;
use aethel::ir::{Code, Diagnostic, SourceMap};
use aethel_report::diagnostics::Counts;
use std::path::{Path, PathBuf};

/// Checks every program named, or found below a directory named.
pub fn run(options: &CheckOptions, printer: &mut Printer) -> Exit {
    let mut sources = SourceMap::default();
    let mut diagnostics = Vec::new();
    let mut unreadable = false;
    let (mut files, mut intents, mut batches) = (0, 0, 0);
    for path in &options.paths {
        for path in programs(path, &mut diagnostics) {
            match open(&path, &mut sources) {
                Ok(program) => {
                    diagnostics.extend(program.check(&mut sources, &options.allow_path));
                    let counts = program.counts();
                    (files, intents, batches) = (files + 1, intents + counts.0, batches + counts.1);
                }
                Err(diagnostic) => diagnostics.push(diagnostic),
            }
        }
    }
    unreadable |= diagnostics
        .iter()
        .any(|d| matches!(d.code, Code::AE0901 | Code::AE0109) && d.labels.is_empty());
    let failed = printer.diagnostics(&diagnostics, &sources);
    let counts = Counts::of(&diagnostics);
    let plural = |n: usize, word: &str| {
        if n == 1 {
            format!("1 {word}")
        } else {
            format!("{n} {word}s")
        }
    };
    let batches = if batches == 1 {
        "1 batch".into()
    } else {
        format!("{batches} batches")
    };
    let checked = format!(
        "{}: {}, {batches}",
        plural(files, "file"),
        plural(intents, "intent")
    );
    printer.say(&format!("{} · {checked}\n", counts.describe()));
    match (unreadable, failed) {
        (true, _) => Exit::Usage,
        (_, true) => Exit::Wrong,
        _ => Exit::Fine,
    }
}

fn open(path: &Path, sources: &mut SourceMap) -> Result<Program, Diagnostic> {
    if path == Path::new("-") {
        return Program::from_stdin(sources);
    }
    Program::open(path, sources)
}

/// The path itself, or every `.ae` file below a directory, sorted; hidden directories are left out.
fn programs(path: &Path, diagnostics: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut found = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(directory) = open.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("cannot read the directory `{}`: {error}", directory.display());
                diagnostics.push(Diagnostic::new(Code::AE0901, message).help("check its permissions"));
                continue;
            }
        };
        for entry in entries.flatten() {
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            // A link could lead back up; a directory that is meant can be named.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !hidden && entry.file_name() != "target" {
                open.push(entry.path());
            } else if kind.is_file() && entry.path().extension().is_some_and(|e| e == "ae") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    if found.is_empty() {
        let message = format!("there is no `.ae` file below `{}`", path.display());
        diagnostics.push(Diagnostic::new(Code::AE0901, message).help("name a program"));
    }
    found
}
