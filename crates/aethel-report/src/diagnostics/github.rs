//! Diagnostics as annotations of GitHub Actions: `::error file=..,line=..::message`, one line each.
//!
//! A runner acts on every line that begins with `::`, so nothing that comes from outside may begin one.

use super::place::Place;
use crate::escape::{terminal, terminal_lines};
use aethel_ir::{Diagnostic, Severity, SourceMap};

/// Renders diagnostics, one annotation each.
pub fn github(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    diagnostics.iter().map(|one| annotation(one, sources)).collect()
}

fn annotation(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    let primary = diagnostic.labels.first();
    if let Some(place) = primary.and_then(|label| Place::of(label.source, label.span, sources)) {
        let (start, end) = (place.start, place.end);
        properties.push(("file", place.file.name.clone()));
        properties.push(("line", start.line.to_string()));
        properties.push(("col", start.column.to_string()));
        properties.push(("endLine", end.line.to_string()));
        // A column of another line would be read as one of the first.
        if end.line == start.line {
            properties.push(("endColumn", end.column.to_string()));
        }
    }
    properties.push((
        "title",
        format!("{} {}", diagnostic.code.id(), diagnostic.code.name()),
    ));
    let properties: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("{key}={}", property(value)))
        .collect();
    let mut text = diagnostic.message.clone();
    let mut add = |word: &str, more: &str| {
        if !more.is_empty() {
            text += &format!("\n{word}{more}");
        }
    };
    for (index, label) in diagnostic.labels.iter().enumerate() {
        match Place::of(label.source, label.span, sources) {
            Some(at) if index > 0 => {
                let place = format!("{}:{}:{}: ", at.file.name, at.start.line, at.start.column);
                add(&place, &label.message);
            }
            _ => add("", &label.message),
        }
    }
    add(
        "example: ",
        diagnostic.counterexample.as_deref().unwrap_or_default(),
    );
    add("help: ", diagnostic.help.as_deref().unwrap_or_default());
    format!("::{command} {}::{}\n", properties.join(","), message(&text))
}

/// The text of an annotation.
fn message(text: &str) -> String {
    terminal_lines(text).replace('%', "%25").replace('\n', "%0A")
}

/// The value of a property, which ends at `,` or `::`.
fn property(text: &str) -> String {
    message(&terminal(text)).replace(':', "%3A").replace(',', "%2C")
}
