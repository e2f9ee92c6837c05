//! `aethel test`: programs with the inputs of their cases.

use super::files_below;
use crate::exit::Exit;
use crate::options::test::TestOptions;
use crate::printer::Printer;
use aethel::cases::{CaseOptions, CaseRunner, SUFFIX};
use aethel::ir::{Code, Diagnostic, SourceMap, quote};
use aethel_report::cases as draw;
use aethel_report::cases::{CaseCounts, FileReport};
use aethel_report::escape::terminal;
use std::path::{Path, PathBuf};

/// Runs the cases of every file named, or found below a directory named.
pub fn run(options: &TestOptions, printer: &mut Printer) -> Exit {
    let progress = printer.watch();
    let mut sources = SourceMap::default();
    let mut problems = Vec::new();
    let runner = CaseRunner::new(CaseOptions {
        filter: options.filter.clone(),
        update: options.update,
        allow_path: options.allow_path.clone(),
        timeout: options.timeout.map(|limit| limit.0),
    });
    let mut files = Vec::new();
    for path in &options.paths {
        for path in case_files(path, &mut problems) {
            let mut before = |name: &str| progress.begin(format!("{}: {name}", path.display()));
            let report = runner.file(&path, &mut sources, &mut before);
            // A file without a case that is wanted is not worth a line.
            let nothing = report.cases.is_empty() && report.problems.is_empty();
            if !nothing {
                tell(&report, &sources, printer);
            }
            if options.filter.is_none() || !nothing {
                files.push(report);
            }
        }
    }
    printer.progress_done();
    if let (Some(filter), true) = (&options.filter, files.iter().all(|file| file.cases.is_empty()))
        && files.iter().all(|file| file.problems.is_empty())
        && problems.is_empty()
    {
        let message = format!("no case has `{}` in its name", quote(filter));
        problems.push(Diagnostic::new(Code::AE0911, message).help("leave `--filter` out to run all cases"));
    }
    if let Some(path) = &options.junit
        && let Err(problem) = aethel::files::write(path, draw::junit(&files, &sources))
    {
        problems.push(problem);
    }
    printer.diagnostics(&problems, &sources);
    printer.say(&draw::summary(&files));
    let document = draw::json(&files, &problems, &sources);
    printer.document(|out| out.write_all(document.as_bytes()));
    let unreadable =
        |d: &Diagnostic| matches!(d.code, Code::AE0901 | Code::AE0109 | Code::AE0911) && d.labels.is_empty();
    let of_files = files.iter().flat_map(|file| &file.problems);
    if of_files.chain(&problems).any(unreadable) {
        Exit::Usage
    } else if CaseCounts::of(&files).failed > 0 || !problems.is_empty() {
        Exit::Wrong
    } else {
        Exit::Fine
    }
}

/// Shows a file as soon as its cases ran.
fn tell(report: &FileReport, sources: &SourceMap, printer: &mut Printer) {
    printer.say(&format!("{}\n", terminal(&report.file)));
    printer.diagnostics(&report.problems, sources);
    for case in &report.cases {
        printer.say(&draw::case(case));
        printer.diagnostics(&case.diagnostics, sources);
    }
}

/// The file itself, the one beside a program, or every one below a directory.
fn case_files(path: &Path, problems: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    if path.extension().is_some_and(|extension| extension == "ae") && !path.is_dir() {
        return vec![path.with_extension(SUFFIX.trim_start_matches('.'))];
    }
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let found = files_below(path, SUFFIX, problems);
    if found.is_empty() {
        let shown = terminal(&path.to_string_lossy());
        let message = format!("there is no `{SUFFIX}` file below `{shown}`");
        problems.push(
            Diagnostic::new(Code::AE0901, message)
                .help("write the cases of pay.ae into pay.test.json beside it"),
        );
    }
    found
}
