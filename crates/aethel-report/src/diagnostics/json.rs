//! Diagnostics for programs; the shape is described in `docs/schema/diagnostics.schema.json`.

use super::place::Place;
use crate::escape;
use crate::proofs::proofs_json;
use aethel_ir::{Diagnostic, Label, Proof, Safety, SourceId, SourceMap, Span};
use serde_json::{Value, json};

/// Renders diagnostics as one JSON object, pretty-printed, with a line end.
pub fn json(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    escape::json(&format!("{:#}\n", value(diagnostics, sources)))
}

/// The same with what was proved, and with further fields.
pub fn json_with_proofs(
    diagnostics: &[Diagnostic],
    proofs: &[Proof],
    sources: &SourceMap,
    more: &[(&str, Value)],
) -> String {
    let mut value = value(diagnostics, sources);
    value["proofs"] = proofs_json(proofs, sources);
    for (key, field) in more {
        value[*key] = field.clone();
    }
    escape::json(&format!("{value:#}\n"))
}

fn value(diagnostics: &[Diagnostic], sources: &SourceMap) -> Value {
    let list: Vec<Value> = diagnostics.iter().map(|d| diagnostic(d, sources)).collect();
    json!({ "schema": 1, "diagnostics": list })
}

/// One diagnostic as JSON.
pub fn diagnostic(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let mut object = json!({
        "code": diagnostic.code.id(),
        "name": diagnostic.code.name(),
        "severity": diagnostic.severity.as_str(),
        "message": diagnostic.message,
        "file": null, "line": null, "column": null, "end_line": null, "end_column": null,
        "byte_start": null, "byte_end": null,
        "labels": diagnostic.labels.iter().map(|l| label(l, sources)).collect::<Vec<_>>(),
        "help": diagnostic.help,
        "fixes": diagnostic.fixes.iter().map(|fix| json!({
            "title": fix.title,
            "safety": match fix.safety { Safety::Safe => "safe", Safety::Unsafe => "unsafe" },
            "edits": fix.edits.iter().map(|(source, span, text)| {
                let mut edit = place(*source, *span, sources);
                edit["text"] = json!(text);
                edit
            }).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "counterexample": diagnostic.counterexample,
    });
    if let (Some(primary), Value::Object(fields)) = (diagnostic.labels.first(), &mut object)
        && let Value::Object(at) = place(primary.source, primary.span, sources)
    {
        for (key, value) in at {
            fields.insert(key, value);
        }
    }
    object
}

fn label(label: &Label, sources: &SourceMap) -> Value {
    let mut value = place(label.source, label.span, sources);
    value["message"] = json!(label.message);
    value
}

fn place(source: SourceId, span: Span, sources: &SourceMap) -> Value {
    let Some(Place { file, start, end, .. }) = Place::of(source, span, sources) else {
        return json!({});
    };
    json!({
        "file": file.name,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "byte_start": span.start,
        "byte_end": span.end,
    })
}
