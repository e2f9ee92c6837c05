//! Diagnostics as SARIF 2.1.0, which code scanners and editors read.
//!
//! A log has one run: a rule for each code that occurs, with its page as help, and a result for each diagnostic.

use super::place::Place;
use crate::escape;
use aethel_ir::{Code, Diagnostic, Fix, Label, Safety, Severity, SourceId, SourceMap};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Renders diagnostics as one log, pretty-printed, with a line end.
pub fn sarif(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let codes: BTreeSet<Code> = diagnostics.iter().map(|one| one.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let results: Vec<Value> = (diagnostics.iter())
        .map(|one| result(one, codes.binary_search(&one.code).unwrap_or_default(), sources))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "aethel",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    escape::json(&format!("{log:#}\n"))
}

fn rule(code: Code) -> Value {
    let page = code.page();
    json!({
        "id": code.id(),
        "name": code.name(),
        "shortDescription": { "text": code.summary() },
        "fullDescription": { "text": code.section("What") },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(code.severity()) },
        "properties": { "error_type": code.error_type() },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(diagnostic: &Diagnostic, rule: usize, sources: &SourceMap) -> Value {
    let mut text = diagnostic.message.clone();
    for (word, more) in [
        ("example", &diagnostic.counterexample),
        ("help", &diagnostic.help),
    ] {
        if let Some(more) = more {
            text += &format!("\n{word}: {more}");
        }
    }
    let mut result = json!({
        "ruleId": diagnostic.code.id(),
        "ruleIndex": rule,
        "level": level(diagnostic.severity),
        "message": message(&text),
    });
    let mut set = |key: &str, value: Value| {
        if let Value::Object(fields) = &mut result {
            fields.insert(key.into(), value);
        }
    };
    let mut labels = diagnostic.labels.iter();
    if let Some(primary) = labels.next().and_then(|label| location(label, sources)) {
        set("locations", json!([primary]));
    }
    let related: Vec<Value> = (labels.filter_map(|label| location(label, sources)).enumerate())
        .map(|(id, mut location)| {
            location["id"] = id.into();
            location
        })
        .collect();
    if !related.is_empty() {
        set("relatedLocations", related.into());
    }
    let fixes: Vec<Value> = (diagnostic.fixes.iter())
        .filter_map(|one| fix(one, sources))
        .collect();
    if !fixes.is_empty() {
        set("fixes", fixes.into());
    }
    let mut properties = Map::new();
    if let Some(help) = &diagnostic.help {
        properties.insert("help".into(), json!(help));
    }
    if let Some(example) = &diagnostic.counterexample {
        properties.insert("counterexample".into(), json!(example));
    }
    if !properties.is_empty() {
        set("properties", properties.into());
    }
    result
}

/// A message. `[words](target)` would be a link in it, so brackets lose that meaning where one could stand.
fn message(text: &str) -> Value {
    let text = if text.contains("](") {
        text.replace('[', "\\[").replace(']', "\\]")
    } else {
        text.to_owned()
    };
    json!({ "text": text })
}

fn location(label: &Label, sources: &SourceMap) -> Option<Value> {
    let place = Place::of(label.source, label.span, sources)?;
    let mut location = json!({
        "physicalLocation": { "artifactLocation": artifact(&place), "region": region(&place) },
    });
    if !label.message.is_empty() {
        location["message"] = message(&label.message);
    }
    Some(location)
}

fn artifact(place: &Place<'_>) -> Value {
    json!({ "uri": uri(&place.file.name) })
}

fn region(place: &Place<'_>) -> Value {
    let ((byte, bytes), (character, characters)) = (place.bytes(), place.characters());
    json!({
        "startLine": place.start.line,
        "startColumn": place.start.column,
        "endLine": place.end.line,
        "endColumn": place.end.column,
        "charOffset": character,
        "charLength": characters,
        "byteOffset": byte,
        "byteLength": bytes,
    })
}

fn fix(fix: &Fix, sources: &SourceMap) -> Option<Value> {
    let mut files: Vec<(SourceId, Vec<Value>, Value)> = Vec::new();
    for (source, span, text) in &fix.edits {
        let place = Place::of(*source, *span, sources)?;
        let replacement = json!({ "deletedRegion": region(&place), "insertedContent": { "text": text } });
        match files.iter_mut().find(|(known, _, _)| known == source) {
            Some((_, replacements, _)) => replacements.push(replacement),
            None => files.push((*source, vec![replacement], artifact(&place))),
        }
    }
    let changes: Vec<Value> = files
        .into_iter()
        .map(|(_, replacements, artifact)| json!({ "artifactLocation": artifact, "replacements": replacements }))
        .collect();
    let safety = match fix.safety {
        Safety::Safe => "safe",
        Safety::Unsafe => "unsafe",
    };
    Some(json!({
        "description": message(&fix.title),
        "artifactChanges": changes,
        "properties": { "safety": safety },
    }))
}

/// A file's name as a URI reference: a relative path stays relative to where the command ran.
fn uri(name: &str) -> String {
    let mut out = String::from(if name.starts_with('/') { "file://" } else { "" });
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' | b'+' | b',' => {
                out.push(char::from(byte));
            }
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn names_become_references() {
        assert_eq!(uri("a dir/pay é.ae"), "a%20dir/pay%20%C3%A9.ae");
        assert_eq!(uri("/tmp/p.ae"), "file:///tmp/p.ae");
        assert_eq!(uri("javascript:x?#%"), "javascript%3Ax%3F%23%25");
    }
}
