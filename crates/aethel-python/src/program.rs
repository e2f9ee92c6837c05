//! Programs: parsed, outlined and checked.

use crate::{running, words};
use aethel::check::user_cache;
use aethel::ir::{Diagnostic, SourceFile, SourceMap, Span};
use aethel::program::ast;
use aethel::{CheckOptions, Program as Parsed};
use aethel_report::{Style, diagnostics, human};
use pyo3::prelude::*;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// A program without errors of syntax.
#[pyclass(frozen, module = "aethel._aethel")]
pub struct Program {
    pub parsed: Parsed,
    pub sources: SourceMap,
}

#[pymethods]
impl Program {
    /// Parses a text. `name` is what messages call it; files that it names are looked for below `directory`.
    #[staticmethod]
    fn parse(py: Python<'_>, text: &str, name: &str, directory: PathBuf) -> PyResult<Program> {
        let program = py.detach(|| read(text, name, directory))?;
        if program.parsed.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(words::error(py, &program.parsed.diagnostics, &program.sources));
        }
        Ok(program)
    }

    /// For copies: parsing again gives the same.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String, String, PathBuf))> {
        let this = slf.get();
        let parse = slf.get_type().getattr("parse")?;
        let file = this.sources.get(this.parsed.source);
        let (name, text) = file.map_or_else(Default::default, |file| {
            (file.name.clone(), file.text.to_string())
        });
        Ok((parse, (text, name, this.parsed.directory.clone())))
    }

    /// What it holds, as JSON: its batches and top-level intents.
    fn outline(&self) -> String {
        let Some(file) = self.sources.get(self.parsed.source) else {
            return "{}".into();
        };
        let outline = Outline(file);
        let (mut batches, mut intents) = (Vec::new(), Vec::new());
        for item in &self.parsed.tree.items {
            match item {
                ast::Item::Batch(batch) => batches.push(outline.batch(batch)),
                ast::Item::Intent(intent) => intents.push(outline.intent(intent)),
                _ => {}
            }
        }
        json!({ "batches": batches, "intents": intents }).to_string()
    }

    /// Judges a text as `aethel check` does. Gives what `aethel check -o json` prints, the diagnostics each with its text for
    /// people, the same all together, and whether something could not be decided.
    #[staticmethod]
    fn check(
        py: Python<'_>,
        text: &str,
        name: &str,
        directory: PathBuf,
    ) -> PyResult<(String, String, String, bool)> {
        let (report, interrupt) = running::run(py, |cancel| {
            let mut program = read(text, name, directory)?;
            let options = CheckOptions {
                cache: Arc::new(user_cache()),
                stop: Arc::clone(cancel),
                ..CheckOptions::default()
            };
            let report = program.parsed.check(&mut program.sources, &options);
            let (found, sources) = (&report.diagnostics, &program.sources);
            let shown = human(found, sources, Style::default());
            let json = diagnostics::json_with_proofs(found, &report.proofs, sources, &[]);
            let list = words::list(found, sources).to_string();
            PyResult::Ok((json, list, shown, report.undecided))
        })?;
        match interrupt {
            Some(interrupt) => Err(interrupt),
            None => report,
        }
    }
}

fn read(text: &str, name: &str, directory: PathBuf) -> PyResult<Program> {
    let mut sources = SourceMap::default();
    let source = sources.add(name, text);
    Ok(Program {
        parsed: Parsed::parse(source, text, directory),
        sources,
    })
}

/// Parts of a tree as JSON, with their places and texts.
struct Outline<'a>(&'a SourceFile);

impl Outline<'_> {
    fn at(&self, span: Span, mut value: Value) -> Value {
        let start = self.0.line_column(span.start);
        value["line"] = json!(start.line);
        value["column"] = json!(start.column);
        value["span"] = json!([span.start, span.end]);
        value["text"] = json!(self.0.slice(span));
        value
    }

    fn batch(&self, batch: &ast::AtomicBatch) -> Value {
        let (mut intents, mut calls) = (Vec::new(), Vec::new());
        for item in &batch.items {
            match item {
                ast::BatchItem::Intent(intent) => intents.push(self.intent(intent)),
                ast::BatchItem::Call(call) => calls.push(self.at(call.span, json!({}))),
                ast::BatchItem::Loop(one) => calls.push(self.at(one.span, json!({}))),
            }
        }
        let value = json!({ "name": batch.name.text, "intents": intents, "calls": calls });
        self.at(batch.span, value)
    }

    fn intent(&self, intent: &ast::IntentDecl) -> Value {
        let parameter = |one: &ast::Param| {
            json!({
                "name": one.name.text,
                "type": self.0.slice(one.ty.span),
                "external": one.external.is_some(),
                "secret": one.secret.is_some(),
            })
        };
        let lines = |lines: &[ast::Statement]| -> Vec<Value> {
            let span = |line: &ast::Statement| match line {
                ast::Statement::Condition(condition) => condition.span,
                ast::Statement::Let { span, .. } | ast::Statement::Assign { span, .. } => *span,
            };
            lines.iter().map(|line| json!(self.0.slice(span(line)))).collect()
        };
        let value = json!({
            "name": intent.name.text,
            "parameters": intent.params.iter().map(parameter).collect::<Vec<_>>(),
            "after": intent.after.iter().map(|name| &name.text).collect::<Vec<_>>(),
            "guard": lines(&intent.guard),
            "verify": lines(&intent.verify),
        });
        self.at(intent.span, value)
    }
}
