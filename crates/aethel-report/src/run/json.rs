//! Results as JSON; the shape is described in `docs/schema/run.schema.json`.

use crate::diagnostics;
use aethel_ir::{Diagnostic, SourceMap};
use aethel_runtime::BatchResult;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

#[derive(Serialize)]
struct Run<'a> {
    schema: u32,
    batches: &'a [BatchResult],
    diagnostics: Vec<Value>,
}

/// Writes all batches of a run and what was said beside them, pretty-printed, with a line end. A batch may have millions
/// of balances, so nothing of it is held as text.
///
/// # Errors
/// What `out` says.
pub fn write_json(
    out: &mut dyn Write,
    results: &[BatchResult],
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
) -> io::Result<()> {
    let failures = results.iter().filter_map(|result| result.diagnostic.as_deref());
    let shown = diagnostics.iter().chain(failures);
    let run = Run {
        schema: 1,
        batches: results,
        diagnostics: shown.map(|one| diagnostics::one_json(one, sources)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &run)?;
    out.write_all(b"\n")
}
