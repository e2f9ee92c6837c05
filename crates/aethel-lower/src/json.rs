//! JSON with places: every value knows its bytes, keys keep their order, repeated keys and floats stay visible.
//!
//! `serde_json` does the reading (with its nesting limit); raw values give the place by their address in the text.

use aethel_ir::{Code, Diagnostic, SourceId, Span, did_you_mean, quote};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// A JSON value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Json {
    pub(crate) kind: JsonKind,
    pub(crate) span: Span,
}

/// The forms of a JSON value. Numbers stay text: there is no float between a file and the ledger.
#[derive(Clone, Debug)]
pub(crate) enum JsonKind {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    Text(String),
    Integer(String),
    Float(String),
    Bool(bool),
    Null,
}

impl JsonKind {
    /// What it is called in messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            JsonKind::Object(_) => "an object",
            JsonKind::Array(_) => "a list",
            JsonKind::Text(_) => "a string",
            JsonKind::Integer(_) => "an integer",
            JsonKind::Float(_) => "a number with a fraction or exponent",
            JsonKind::Bool(_) => "a truth value",
            JsonKind::Null => "null",
        }
    }
}

/// The most values in a text, counted as its commas and opening brackets: each takes about a hundred bytes of memory,
/// while `0,` takes two of the file.
pub const MAX_VALUES: usize = 16 << 20;

/// Reads a JSON text; `code` is the code of syntax errors.
pub(crate) fn parse(source: SourceId, text: &str, code: Code) -> Result<Json, Diagnostic> {
    let reader = Reader { source, text, code };
    let values = text
        .bytes()
        .filter(|byte| matches!(byte, b',' | b'[' | b'{'))
        .count();
    if values > MAX_VALUES {
        let message = format!("about {values} values, at most {MAX_VALUES} can be read");
        return Err(Diagnostic::new(code, message)
            .label(source, Span::default(), "in this file")
            .help("split it into several files and batches"));
    }
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| reader.syntax(&error, 0, text))?;
    reader.value(raw.get(), 0)
}

struct Reader<'a> {
    source: SourceId,
    text: &'a str,
    code: Code,
}

/// What is wrong where another notation than JSON was written, and what to do; `before` ends where `here` begins, but for
/// space.
fn dialect(before: &str, here: &str) -> Option<(String, String)> {
    let text = |what: &str, help: &str| Some((what.to_owned(), help.to_owned()));
    let entry = before.ends_with(['{', ',']);
    match here.chars().next()? {
        c if before.is_empty() && (c.is_alphabetic() || "-#/".contains(c)) => text(
            "this is another notation",
            "a JSON file begins with `{`: `{ \"accounts\": { \"company\": \"1000.00\" } }`",
        ),
        '\'' => text("text stands in double quotes", "write `\"` instead of `'`"),
        '/' | '#' => text(
            "there are no comments in JSON",
            "delete it, or keep the remark as a comment of the program",
        ),
        c if entry && (c.is_alphabetic() || c == '_') => {
            let word: String = here
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let word = quote(&word);
            Some((
                format!("the name `{word}` has no quotes"),
                format!("write `\"{word}\"`"),
            ))
        }
        _ => None,
    }
}

/// How deep inputs may be nested; the formats need five levels.
const MAX_NESTING: usize = 24;

impl Reader<'_> {
    fn span(&self, raw: &str) -> Span {
        // Raw values borrow from the text, so their address tells where they stand.
        let start = (raw.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        Span::new(start, start + raw.len())
    }

    fn syntax(&self, error: &serde_json::Error, base: usize, within: &str) -> Diagnostic {
        let line_start = within
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum::<usize>();
        // The column counts bytes and may lie inside a character.
        let mut at = (base + line_start + error.column().saturating_sub(1)).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let here = self.text[at..].chars().next().map_or(0, char::len_utf8);
        let before = self.text[..at].trim_end();
        if before.ends_with(',') && self.text[at..].starts_with(['}', ']']) {
            let comma = before.len() - 1;
            return Diagnostic::new(self.code, "not valid JSON: nothing stands behind this comma")
                .label(self.source, Span::new(comma, comma + 1), "one comma too many")
                .help("delete it; in JSON commas stand between entries only");
        }
        if let Some((what, help)) = dialect(before, &self.text[at..]) {
            return Diagnostic::new(self.code, format!("not valid JSON: {what}"))
                .label(self.source, Span::new(at, at + here), "here")
                .help(help);
        }
        let full = error.to_string();
        let message = full.split(" at line ").next().unwrap_or("cannot be read");
        Diagnostic::new(self.code, format!("not valid JSON: {message}"))
            .label(self.source, Span::new(at, at + here), "here")
            .help("mend the JSON; amounts are strings such as \"1000.00\" or integers")
    }

    fn value(&self, raw: &str, depth: usize) -> Result<Json, Diagnostic> {
        let span = self.span(raw);
        if depth > MAX_NESTING {
            return Err(Diagnostic::new(self.code, "nested too deep")
                .label(self.source, span, "here")
                .help(format!("write at most {MAX_NESTING} levels of objects and lists")));
        }
        let fail = |error: serde_json::Error| self.syntax(&error, span.start as usize, raw);
        let kind = match raw.as_bytes().first() {
            Some(b'{') => JsonKind::Object(self.object(raw, span, depth)?),
            Some(b'[') => {
                let items = serde_json::Deserializer::from_str(raw)
                    .deserialize_seq(RawList)
                    .map_err(fail)?;
                let items: Result<_, _> = items
                    .into_iter()
                    .map(|item| self.value(item.get(), depth + 1))
                    .collect();
                JsonKind::Array(items?)
            }
            Some(b'"') => JsonKind::Text(serde_json::from_str(raw).map_err(fail)?),
            Some(b't' | b'f') => JsonKind::Bool(raw == "true"),
            Some(b'n') => JsonKind::Null,
            _ if raw.contains(['.', 'e', 'E']) => JsonKind::Float(raw.into()),
            _ => JsonKind::Integer(raw.into()),
        };
        Ok(Json { kind, span })
    }

    fn object(&self, raw: &str, span: Span, depth: usize) -> Result<Vec<(String, Json)>, Diagnostic> {
        let fail = |error: serde_json::Error| self.syntax(&error, span.start as usize, raw);
        let entries = serde_json::Deserializer::from_str(raw)
            .deserialize_map(RawMap)
            .map_err(fail)?;
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut object = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let value = self.value(value.get(), depth + 1)?;
            if let Some(first) = seen.insert(key.clone(), value.span) {
                return Err(Diagnostic::new(
                    Code::AE0908,
                    format!("the key `{}` is there twice", quote(&key)),
                )
                .label(self.source, value.span, "second value")
                .label(self.source, first, "first value")
                .help("keep one of them"));
            }
            object.push((key, value));
        }
        Ok(object)
    }
}

struct RawMap;

impl<'de> Visitor<'de> for RawMap {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

struct RawList;

impl<'de> Visitor<'de> for RawList {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

/// What is wrong with a value, at its place.
pub(crate) fn wrong(code: Code, source: SourceId, at: &Json, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code, message).label(source, at.span, format!("this is {}", at.kind.name()))
}

/// A key that means nothing, at its value; `known` are those that do.
pub(crate) fn unknown_key(
    code: Code,
    source: SourceId,
    key: &str,
    value: &Json,
    known: &[&str],
) -> Diagnostic {
    let help = did_you_mean(key, known.iter().copied())
        .unwrap_or_else(|| format!("known keys: {}", known.join(", ")));
    Diagnostic::new(code, format!("unknown key `{}`", quote(key)))
        .label(source, value.span, "nothing reads this")
        .help(help)
}

/// The text of an amount or number: a string or an integer. A float is refused, because it has been rounded already.
pub(crate) fn number_text(source: SourceId, json: &Json, code: Code) -> Result<&str, Diagnostic> {
    match &json.kind {
        JsonKind::Text(text) | JsonKind::Integer(text) => Ok(text),
        JsonKind::Float(text) => Err(Diagnostic::new(
            Code::AE0907,
            format!("`{}` is not exact", quote(text)),
        )
        .label(source, json.span, "programs read this as a binary fraction")
        .help(format!("write it as a string: \"{}\"", quote(text)))),
        _ => Err(wrong(code, source, json, "expected an amount").help("write a string such as \"1000.00\"")),
    }
}
