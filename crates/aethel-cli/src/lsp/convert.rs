//! From places in texts to the protocol's JSON.

use aethel::editor::{Edit, Encoding, Lines, Position};
use aethel::ir::{Diagnostic, Severity, SourceId, SourceMap, Span};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A text as a client counts it.
#[derive(Clone, Copy, Debug)]
pub struct Places<'t> {
    /// The text.
    pub text: &'t str,
    /// Its lines.
    pub lines: &'t Lines,
    /// In what characters are counted.
    pub encoding: Encoding,
}

impl Places<'_> {
    /// The position of a byte.
    pub fn position(&self, offset: usize) -> Value {
        of(self.lines.position(self.text, offset, self.encoding))
    }

    /// The range of a span.
    pub fn range(&self, span: Span) -> Value {
        let (start, end) = self.lines.range(self.text, span, self.encoding);
        json!({ "start": of(start), "end": of(end) })
    }

    /// The byte of a position.
    pub fn offset(&self, position: Position) -> usize {
        self.lines.offset(self.text, position, self.encoding)
    }

    /// An edit.
    pub fn edit(&self, edit: &Edit) -> Value {
        json!({ "range": self.range(edit.span), "newText": edit.text })
    }
}

fn of(position: Position) -> Value {
    json!({ "line": position.line, "character": position.character })
}

/// The texts that diagnostics point into, with the lines of those that were needed so far.
pub struct Texts<'s> {
    sources: &'s SourceMap,
    encoding: Encoding,
    /// What each text is called to the client.
    uri_of: &'s dyn Fn(SourceId) -> String,
    lines: RefCell<BTreeMap<SourceId, Lines>>,
}

impl<'s> Texts<'s> {
    /// The texts of a program.
    pub fn new(sources: &'s SourceMap, encoding: Encoding, uri_of: &'s dyn Fn(SourceId) -> String) -> Self {
        Self {
            sources,
            encoding,
            uri_of,
            lines: RefCell::default(),
        }
    }

    fn range(&self, source: SourceId, span: Span) -> Option<Value> {
        let text = &self.sources.get(source)?.text;
        let mut known = self.lines.borrow_mut();
        let lines = known.entry(source).or_insert_with(|| Lines::new(text));
        let encoding = self.encoding;
        Some(
            Places {
                text,
                lines,
                encoding,
            }
            .range(span),
        )
    }
}

/// A diagnostic, and the URI of the text that it is about.
pub fn diagnostic(diagnostic: &Diagnostic, texts: &Texts<'_>) -> (String, Value) {
    let nowhere = || json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
    let (source, place, said) = match diagnostic.labels.first() {
        Some(label) => (
            label.source,
            texts.range(label.source, label.span),
            label.message.as_str(),
        ),
        None => (SourceId::default(), None, ""),
    };
    let place = place.unwrap_or_else(nowhere);
    let uri = (texts.uri_of)(source);
    let mut message = diagnostic.message.clone();
    if !said.is_empty() {
        message.push_str(&format!("\n{said}"));
    }
    if let Some(example) = &diagnostic.counterexample {
        message.push_str(&format!("\nexample: {example}"));
    }
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let others = diagnostic.labels.iter().skip(1).filter_map(|label| {
        let location =
            json!({ "uri": (texts.uri_of)(label.source), "range": texts.range(label.source, label.span)? });
        // Some clients leave out what has no message.
        let message = if label.message.is_empty() {
            "here too"
        } else {
            &label.message
        };
        Some(json!({ "location": location, "message": message }))
    });
    let others: Vec<Value> = others.collect();
    let mut value = json!({
        "range": place,
        "severity": severity(diagnostic.severity),
        "code": diagnostic.code.id(),
        "source": "aethel",
        "message": message,
    });
    if !others.is_empty() {
        value["relatedInformation"] = others.into();
    }
    if let Some(tag) = tag(diagnostic) {
        value["tags"] = json!([tag]);
    }
    (uri, value)
}

fn severity(severity: Severity) -> u32 {
    match severity {
        Severity::Error => 1,
        Severity::Warning => 2,
        Severity::Note => 3,
    }
}

/// Unused names are shown pale, old spellings struck through.
fn tag(diagnostic: &Diagnostic) -> Option<u32> {
    match diagnostic.code.name() {
        "unused-parameter" => Some(1),
        "flat-form" => Some(2),
        _ => None,
    }
}
