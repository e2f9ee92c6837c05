//! A run as one page that needs nothing else: no network, light or dark, on a phone and on paper.

use crate::escape::html;
use aethel_ir::{Diagnostic, SourceMap};
use aethel_runtime::BatchResult;

/// A run, and what is known about it beside its results.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The batches that ran, in order. With [`BatchResult::details`] the page also shows each transaction and the graph.
    pub results: &'a [BatchResult],
    /// What was said beside them, or why nothing ran.
    pub diagnostics: &'a [Diagnostic],
    /// The texts that diagnostics point into; an empty map leaves the excerpts out.
    pub sources: &'a SourceMap,
    /// The ledger, as messages call it.
    pub ledger: &'a str,
    /// The program or transaction list, as the user called it.
    pub program: Option<&'a str>,
    /// When the run began, in milliseconds since 1970.
    pub at_ms: Option<u64>,
}

/// The page: a whole HTML document.
pub fn page(run: &Page<'_>) -> String {
    let text: Vec<String> = run
        .results
        .iter()
        .map(|result| super::batch(result, run.ledger, false))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>aethel run</title>\n</head>\n\
         <body><pre>{}</pre></body>\n</html>\n",
        html(&text.join("\n"))
    )
}

/// The page inside another one, such as a notebook, where it has a frame of its own and reaches nothing outside.
pub fn frame(page: &str) -> String {
    format!(
        "<iframe title=\"aethel report\" sandbox=\"allow-scripts\" srcdoc=\"{}\" \
         style=\"width:100%;height:40rem;border:1px solid #8888;border-radius:.5rem\"></iframe>",
        page.replace('&', "&amp;").replace('"', "&quot;")
    )
}
