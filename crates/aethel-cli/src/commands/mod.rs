//! One file for each command.

pub mod bench;
pub mod check;
pub mod completions;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod ledger;
pub mod man;
pub mod new;
pub mod oracle;
pub mod prove;
pub mod run;
pub mod sign;
pub mod test;
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
    let found = files_below(path, ".ae", diagnostics);
    if found.is_empty() {
        let message = format!("there is no `.ae` file below `{}`", path.display());
        diagnostics.push(Diagnostic::new(Code::AE0901, message).help("name a program"));
    }
    found
}

/// Every file below a directory whose name ends so, sorted; hidden directories are left out.
fn files_below(path: &Path, suffix: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
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
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // A link could lead back up; a directory that is meant can be named.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !name.starts_with('.') && name != "target" {
                open.push(entry.path());
            } else if kind.is_file() && name.len() > suffix.len() && name.ends_with(suffix) {
                found.push(entry.path());
            }
        }
    }
    // `./pay.ae` reads worse than `pay.ae`, is the same, and services that show problems beside code know only the latter.
    for path in &mut found {
        if let Ok(short) = path.strip_prefix(".") {
            *path = short.to_owned();
        }
    }
    found.sort();
    found
}
