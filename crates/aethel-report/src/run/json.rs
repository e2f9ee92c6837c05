//! Results as JSON; the shape is described in `docs/schema/run.schema.json`.

use crate::diagnostics;
use aethel_ir::{Diagnostic, SourceMap};
use aethel_runtime::BatchResult;
use serde_json::json;

/// All batches of a run and what was said beside them, pretty-printed, with a line end.
pub fn json(results: &[BatchResult], diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let shown =
        |list: &[Diagnostic]| -> Vec<_> { list.iter().map(|d| diagnostics::one_json(d, sources)).collect() };
    let failures: Vec<Diagnostic> = results
        .iter()
        .filter_map(|r| r.diagnostic.as_deref().cloned())
        .collect();
    let mut all = shown(diagnostics);
    all.extend(shown(&failures));
    let value = json!({ "schema": 1, "batches": results, "diagnostics": all });
    format!("{value:#}\n")
}
