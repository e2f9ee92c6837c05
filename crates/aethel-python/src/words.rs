//! Diagnostics on their way to Python: as JSON, and as exceptions of `aethel.errors`.

use aethel::ir::{Diagnostic, SourceMap};
use aethel_report::{Style, diagnostics, human};
use pyo3::prelude::*;
use serde_json::{Value, json};

/// A list of diagnostics: the shape of `docs/schema/diagnostics.schema.json`, each with its text for people.
pub fn list<'a>(found: impl IntoIterator<Item = &'a Diagnostic>, sources: &SourceMap) -> Value {
    let one = |diagnostic: &Diagnostic| {
        let mut value = diagnostics::one_json(diagnostic, sources);
        let text = human(std::slice::from_ref(diagnostic), sources, Style::default());
        value["rendered"] = json!(text.trim_end());
        value
    };
    found.into_iter().map(one).collect()
}

/// The exception for problems, the worst of which gives its words.
pub fn error(py: Python<'_>, found: &[Diagnostic], sources: &SourceMap) -> PyErr {
    make(py, "from_json", (list(found, sources).to_string(),))
}

/// The exception for one problem without a place.
pub fn simple(py: Python<'_>, problem: &Diagnostic) -> PyErr {
    error(py, std::slice::from_ref(problem), &SourceMap::default())
}

/// The exception for a number that is not exact.
pub fn inexact(py: Python<'_>, at: &str, found: &str, shown: &str) -> PyErr {
    make(py, "inexact", (at, found, shown))
}

fn make<'py, A>(py: Python<'py>, function: &str, arguments: A) -> PyErr
where
    A: pyo3::call::PyCallArgs<'py>,
{
    let made = py
        .import("aethel.errors")
        .and_then(|module| module.call_method1(function, arguments));
    made.map_or_else(|error| error, PyErr::from_value)
}
