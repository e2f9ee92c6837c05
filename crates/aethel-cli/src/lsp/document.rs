//! One open text.

use super::transport::Failure;
use super::uri;
use aethel::editor::{Analysis, Encoding, Lines, Position, Proved, Reader};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A text that an editor has open.
#[derive(Debug)]
pub struct Document {
    /// Its name to the client.
    pub uri: String,
    /// The client's number of this state of it.
    pub version: Value,
    /// It was changed since its problems were told.
    pub stale: bool,
    /// What the last check in the background found.
    pub proved: Option<Proved>,
    /// What was told last, by URI: problems of files that the program reads have URIs of their own.
    pub told: BTreeMap<String, Vec<Value>>,
    text: Arc<str>,
    /// The path, where the text is a file.
    path: Option<PathBuf>,
    /// Found out when it is asked for first.
    analysis: OnceCell<Analysis>,
    /// What there was to know of the text before a change. Giving back so many pieces of memory takes a while, for which
    /// what the client waits for does not have to wait.
    past: Option<Analysis>,
    /// Knows the parts of the text as it was.
    reader: RefCell<Reader>,
}

impl Document {
    /// A text that was just opened.
    pub fn new(uri: &str, version: Value, text: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            version,
            stale: true,
            proved: None,
            told: BTreeMap::new(),
            text: text.into(),
            path: uri::path_of(uri),
            analysis: OnceCell::new(),
            past: None,
            reader: RefCell::default(),
        }
    }

    /// The text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name);
        name.map_or_else(|| self.uri.clone(), |name| name.to_string_lossy().into_owned())
    }

    /// Where the files that it names are looked for.
    pub fn directory(&self) -> PathBuf {
        let directory = self.path.as_deref().and_then(Path::parent);
        directory.map_or_else(|| PathBuf::from("."), Path::to_owned)
    }

    /// What there is to know about it.
    pub fn analysis(&self) -> &Analysis {
        self.analysis.get_or_init(|| {
            // Taken out meanwhile: after a panic there is a fresh one.
            let mut reader = self.reader.take();
            let text = Arc::clone(&self.text);
            let analysis = Analysis::again(&mut reader, &self.name(), text, &self.directory());
            self.reader.replace(reader);
            analysis
        })
    }

    /// Forgets what is known: a file that it reads has changed, or finding out went wrong.
    pub fn forget(&mut self) {
        self.past = self.analysis.take();
        self.stale = true;
    }

    /// Gives back what is needed no more; to be called when nobody waits.
    pub fn tidy(&mut self) {
        self.past = None;
    }

    /// Makes the changes of a `didChange`, one after the other.
    ///
    /// # Errors
    /// When they are not what the protocol says; the text is as it was then.
    pub fn change(&mut self, version: Value, changes: &[Value], encoding: Encoding) -> Result<(), Failure> {
        let mut text = String::new();
        let mut begun = false;
        for change in changes {
            let wrong = || {
                Failure::new(
                    Failure::INVALID_PARAMS,
                    "a change needs `text`, and a range that is one",
                )
            };
            let new = change["text"].as_str().ok_or_else(wrong)?;
            if change["range"].is_null() {
                new.clone_into(&mut text);
            } else {
                let old: &str = if begun { &text } else { &self.text };
                let known = self.analysis.get().filter(|_| !begun);
                let lines = known.map_or_else(
                    || Cow::Owned(Lines::new(old)),
                    |known| Cow::Borrowed(&known.lines),
                );
                let at = |end: &str| {
                    let position = position(&change["range"][end])?;
                    Some(lines.offset(old, position, encoding))
                };
                let (start, end) = (at("start").ok_or_else(wrong)?, at("end").ok_or_else(wrong)?);
                let (start, end) = (start.min(end), end.max(start));
                let before = old.get(..start).ok_or_else(wrong)?;
                let after = old.get(end..).ok_or_else(wrong)?;
                text = [before, new, after].concat();
            }
            begun = true;
        }
        if begun {
            self.text = text.into();
        }
        self.version = version;
        self.forget();
        Ok(())
    }
}

/// A position of the protocol.
pub fn position(value: &Value) -> Option<Position> {
    let number = |name: &str| value[name].as_u64().map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    Some(Position {
        line: number("line")?,
        character: number("character")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edit(text: &str, changes: &Value) -> Result<String, Failure> {
        let mut document = Document::new("untitled:a", json!(1), text);
        document.change(json!(2), changes.as_array().unwrap(), Encoding::Utf16)?;
        Ok(document.text().to_string())
    }

    #[test]
    fn changes_are_made_one_after_the_other() {
        let range = |a: (u32, u32), b: (u32, u32)| json!({ "start": { "line": a.0, "character": a.1 }, "end": { "line": b.0, "character": b.1 } });
        let changes = json!([
            { "range": range((0, 2), (0, 3)), "text": "\u{1d538}" },
            { "range": range((0, 4), (1, 0)), "text": "+" },
            { "range": range((9, 9), (9, 9)), "text": "!" },
        ]);
        assert_eq!(edit("ab\u{43}\ncd\n", &changes).unwrap(), "ab\u{1d538}+cd\n!");
        assert_eq!(edit("a", &json!([{ "text": "b" }])).unwrap(), "b");
        assert_eq!(edit("a", &json!([])).unwrap(), "a");
        // Ends that are the wrong way round are turned.
        assert_eq!(
            edit("abc", &json!([{ "range": range((0, 2), (0, 1)), "text": "" }])).unwrap(),
            "ac"
        );
        for wrong in [
            json!([{}]),
            json!([{ "text": "x", "range": {} }]),
            json!([{ "text": 1 }]),
        ] {
            assert_eq!(
                edit("a", &wrong).unwrap_err().code,
                Failure::INVALID_PARAMS,
                "{wrong}"
            );
        }
    }
}
