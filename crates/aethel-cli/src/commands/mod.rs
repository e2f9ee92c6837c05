//! One file for each command.

pub mod bench;
pub mod check;
pub mod explain;
pub mod fmt;
pub mod ledger;
pub mod oracle;
pub mod prove;
pub mod run;
pub mod sign;
pub mod verify_proof;

use aethel::ir::{Code, Diagnostic};
use aethel_report::escape::terminal;
use similar::TextDiff;
use std::path::{Path, PathBuf};

/// What changes in a file, as `diff -u` shows it.
fn diff(name: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let text = diff.unified_diff().header(name, name).to_string();
    let lines = text.split_inclusive('\n').map(|line| {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        format!("{}{end}", terminal(line))
    });
    lines.collect()
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
