//! Requests that change the text: formatting, fixes, renaming.

use super::convert::Places;
use super::document::{Document, position};
use super::publish::current;
use super::transport::Failure;
use super::{Server, missing, text};
use aethel::editor::{Edit, apply};
use aethel::fix;
use aethel::ir::{Fix, Safety, Span};
use serde_json::{Value, json};
use similar::{DiffOp, TextDiff};
use std::time::Duration;

impl Server {
    /// `textDocument/formatting`, and `rangeFormatting` where a range is given: the changed lines of it alone. Nothing for
    /// a program that cannot be read; its problems are told already.
    pub fn format(&self, document: &Document, params: &Value) -> Result<Value, Failure> {
        let analysis = document.analysis();
        let places = self.places(document);
        let Some(after) = analysis.formatted() else {
            return Ok(Value::Null);
        };
        let within = match &params["range"] {
            Value::Null => Span::new(0, analysis.text.len()),
            range => self.span(document, range)?,
        };
        let touched = |edit: &Edit| edit.span.start <= within.end && within.start <= edit.span.end;
        let edits = line_edits(&analysis.text, &after);
        Ok(edits
            .iter()
            .filter(|edit| touched(edit))
            .map(|edit| places.edit(edit))
            .collect())
    }

    /// `textDocument/codeAction`: the fixes of problems here, and one that mends all that is safe.
    pub fn actions(&self, document: &Document, params: &Value) -> Result<Value, Failure> {
        let analysis = document.analysis();
        let within = self.span(document, &params["range"])?;
        let only = params["context"]["only"].as_array();
        // A client that asks for `source` wants `source.fixAll` too.
        let wanted = |kind: &str| {
            let of = |asked: &str| kind == asked || kind.starts_with(&format!("{asked}."));
            only.is_none_or(|only| only.iter().filter_map(Value::as_str).any(of))
        };
        let mut actions = Vec::new();
        let (diagnostics, sources) = current(document);
        let uri_of = |_| document.uri.clone();
        let texts = super::convert::Texts::new(sources, self.client.encoding, &uri_of);
        if wanted("quickfix") {
            for diagnostic in &diagnostics {
                let near = |label: &aethel::ir::Label| {
                    label.source == analysis.source
                        && label.span.start <= within.end
                        && within.start <= label.span.end
                };
                if !diagnostic.labels.iter().any(near) {
                    continue;
                }
                let (_, told) = super::convert::diagnostic(diagnostic, &texts);
                for fix in &diagnostic.fixes {
                    actions.extend(self.action(document, fix, &told));
                }
            }
        }
        if wanted("source.fixAll") {
            let mended = fix::apply(analysis.source, &analysis.text, &diagnostics, Safety::Safe);
            let edits = line_edits(&analysis.text, &mended.text);
            if edits.is_empty() {
                return Ok(actions.into());
            }
            actions.push(json!({
                "title": "Mend all that can be mended safely",
                "kind": "source.fixAll",
                "edit": self.workspace_edit(document, &edits, None),
            }));
        }
        Ok(actions.into())
    }

    fn action(&self, document: &Document, fix: &Fix, told: &Value) -> Option<Value> {
        let source = document.analysis().source;
        let edits = fix.edits.iter().map(|(of, span, text)| {
            let (span, text) = (*span, text.clone());
            (*of == source).then_some(Edit { span, text })
        });
        let edits: Vec<Edit> = edits.collect::<Option<_>>()?;
        let safe = fix.safety == Safety::Safe;
        Some(json!({
            "title": fix.title,
            "kind": "quickfix",
            "diagnostics": [told],
            "isPreferred": safe,
            "edit": self.workspace_edit(document, &edits, None),
        }))
    }

    /// `textDocument/prepareRename`
    pub fn prepare_rename(&self, document: &Document, offset: usize) -> Result<Value, Failure> {
        let analysis = document.analysis();
        let found = analysis.renamable(offset);
        let found = found.map_err(|error| Failure::new(Failure::REQUEST_FAILED, error.to_string()))?;
        let range = self.places(document).range(found.span);
        Ok(json!({ "range": range, "placeholder": analysis.slice(found.span) }))
    }

    /// `textDocument/rename`
    pub fn rename(&self, document: &Document, offset: usize, params: &Value) -> Result<Value, Failure> {
        let renamed = document.analysis().rename(offset, text(params, "newName")?);
        let renamed = renamed.map_err(|error| Failure::new(Failure::REQUEST_FAILED, error.to_string()))?;
        Ok(self.workspace_edit(document, &renamed.edits, renamed.warning.as_deref()))
    }

    /// Edits of one text. With a warning the client asks a person first, if it can.
    fn workspace_edit(&self, document: &Document, edits: &[Edit], warning: Option<&str>) -> Value {
        let places = self.places(document);
        let mut edits: Vec<Value> = edits.iter().map(|edit| places.edit(edit)).collect();
        match warning.filter(|_| self.client.annotations) {
            Some(warning) => {
                for edit in &mut edits {
                    edit["annotationId"] = "look".into();
                }
                let annotation = json!({
                    "label": "This changes what the program means",
                    "description": warning,
                    "needsConfirmation": true,
                });
                let id = json!({ "uri": document.uri, "version": document.version });
                json!({
                    "documentChanges": [{ "textDocument": id, "edits": edits }],
                    "changeAnnotations": { "look": annotation },
                })
            }
            None => json!({ "changes": { document.uri.as_str(): edits } }),
        }
    }

    /// A text as the client counts it.
    pub fn places<'d>(&self, document: &'d Document) -> Places<'d> {
        let analysis = document.analysis();
        Places {
            text: &analysis.text,
            lines: &analysis.lines,
            encoding: self.client.encoding,
        }
    }

    /// The bytes of a range.
    pub fn span(&self, document: &Document, range: &Value) -> Result<Span, Failure> {
        let places = self.places(document);
        let end = |name: &str| {
            let position = position(&range[name]).ok_or_else(|| missing("range"))?;
            Ok(places.offset(position))
        };
        Ok(Span::new(end("start")?, end("end")?))
    }
}

/// The lines that differ, as edits, so that the cursor and what is folded stay where they are.
fn line_edits(before: &str, after: &str) -> Vec<Edit> {
    let diff = TextDiff::configure()
        .timeout(Duration::from_secs(1))
        .diff_lines(before, after);
    let starts = |lines: &[&str]| {
        let mut at = 0;
        let mut starts = vec![0];
        for line in lines {
            at += line.len();
            starts.push(at);
        }
        starts
    };
    let (old, new) = (starts(diff.old_slices()), starts(diff.new_slices()));
    let mut edits = Vec::new();
    for op in diff.ops() {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (from, to) = (op.old_range(), op.new_range());
        edits.push(Edit {
            span: Span::new(old[from.start], old[from.end]),
            text: after.get(new[to.start]..new[to.end]).unwrap_or("").to_owned(),
        });
    }
    debug_assert_eq!(apply(before, &edits), after);
    edits
}
