//! Cases for programs; the shape is described in `docs/schema/test.schema.json`.

use super::{CaseCounts, CaseReport, FileReport};
use crate::diagnostics::one_json as diagnostic;
use aethel_ir::{Diagnostic, SourceMap};
use serde_json::{Value, json};

/// Everything as one JSON object, pretty-printed, with a line end. `problems` are those of no file.
pub fn json(files: &[FileReport], problems: &[Diagnostic], sources: &SourceMap) -> String {
    let counts = CaseCounts::of(files);
    let all =
        |list: &[Diagnostic]| -> Vec<Value> { list.iter().map(|one| diagnostic(one, sources)).collect() };
    let shown: Vec<Value> = files
        .iter()
        .map(|file| {
            json!({
                "file": file.file,
                "program": file.program,
                "cases": file.cases.iter().map(|one| case(one, sources)).collect::<Vec<_>>(),
                "diagnostics": all(&file.problems),
            })
        })
        .collect();
    let value = json!({
        "schema": 1, "passed": counts.passed, "failed": counts.failed, "written": counts.written,
        "files": shown, "diagnostics": all(problems),
    });
    format!("{value:#}\n")
}

fn case(case: &CaseReport, sources: &SourceMap) -> Value {
    let (source, span) = case.at;
    let line = sources.get(source).map(|file| file.line_column(span.start).line);
    let differences = case.differences.iter().map(|one| {
        json!({
            "account": one.account, "part": one.part, "before": one.before, "expected": one.expected,
            "found": one.found,
        })
    });
    json!({
        "name": case.name,
        "line": line,
        "passed": case.passed,
        "written": case.written,
        "outcome": case.outcome,
        "transactions": case.transactions,
        "nanoseconds": case.nanoseconds,
        "differences": differences.collect::<Vec<_>>(),
        "diagnostics": case.diagnostics.iter().map(|one| diagnostic(one, sources)).collect::<Vec<_>>(),
    })
}
