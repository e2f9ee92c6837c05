//! What `aethel run` refuses before it runs: batches that create or destroy value whatever the balances are.
//!
//! Most intents only move amounts, which a sum of their equations shows; the solver is asked about the others alone.
//! Stage ⑤ checks every run exactly in any case.

use super::batches;
use super::intents::Intents;
use super::{CheckOptions, CheckReport, user_cache};
use aethel_ir::{Code, Diagnostic, Severity, SourceMap};
use aethel_lower::LoweredBatch;
use aethel_proof::check::only_moves;
use aethel_runtime::DependencyAnalyzer;
use std::sync::Arc;

/// What is to be said before these batches run; with an error among it they must not.
pub(crate) fn before_run(lowered: &[LoweredBatch], sources: &SourceMap) -> Vec<Diagnostic> {
    let mut intents = Intents::collect_where(lowered, &[], |subject| !only_moves(subject));
    if intents.len() == 0 {
        return Vec::new();
    }
    let options = &CheckOptions {
        cache: Arc::new(user_cache()),
        ..CheckOptions::default()
    };
    intents.judge(options, &mut |_, _| {});
    let mut judged = Vec::with_capacity(lowered.len());
    for (index, batch) in lowered.iter().enumerate() {
        // A cycle of `after` is refused with the same words when the batch runs.
        let Ok(graph) = DependencyAnalyzer.analyze(&batch.batch) else {
            return Vec::new();
        };
        judged.push(batches::judge(batch, &graph.order, index, &intents, options));
    }
    let mut report = CheckReport::default();
    intents.tell(&judged, sources, &mut report);
    let mut said = report.diagnostics;
    said.retain(|d| matches!(d.code, Code::AE0701 | Code::AE0702) && d.severity == Severity::Error);
    if said.is_empty() && report.undecided {
        let message = "it could not be decided whether every run of this program conserves value";
        let mut note = Diagnostic::new(Code::AE1010, message)
            .help("this run is checked exactly; `aethel check` says which intent is in doubt");
        note.severity = Severity::Note;
        said.push(note);
    }
    said
}
