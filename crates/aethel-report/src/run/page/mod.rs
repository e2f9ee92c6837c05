//! A run as one page that needs nothing else: no network, light or dark, on a phone and on paper.
//!
//! First what a treasurer asks (what happened, how much moved, who holds what now), then what an auditor asks (every
//! transaction, the proof and how to check it), then what an engineer asks (stages, threads, conflicts). All of it is
//! there without the script, which only searches, sorts, pages and zooms.

mod batch;
mod list;
mod money;
mod order;
mod problem;
mod proof;
mod timeline;
mod words;

use crate::escape::html;
use crate::graph;
use crate::html::{BASE, document, prose};
use aethel_ir::time::utc;
use aethel_ir::{Diagnostic, SourceMap};
use aethel_runtime::BatchResult;
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

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
    let title = words::title(run);
    let mut body = String::new();
    match run.results {
        [only] => {
            body += &format!("<header>\n{}</header>\n", batch::head(run, only, 1));
            let (links, sections) = batch::body(run, only, "", 2);
            body += &format!("{links}<main>\n{}{sections}</main>\n", beside(run));
        }
        several => {
            let (class, status) = words::status_of_all(run);
            let _ = writeln!(
                body,
                "<header>\n<p class=\"status {class}\">{status}</p>\n<h1>{}</h1>\n{}</header>\n<main>\n{}",
                prose(&title),
                when(run),
                beside(run)
            );
            for (number, result) in several.iter().enumerate() {
                let prefix = format!("b{}-", number + 1);
                let (links, sections) = batch::body(run, result, &prefix, 3);
                let _ = writeln!(
                    body,
                    "<article aria-labelledby=\"{prefix}head\">\n{}{links}{sections}</article>",
                    batch::head(run, result, 2).replacen("<h2>", &format!("<h2 id=\"{prefix}head\">"), 1)
                );
            }
            body += "</main>\n";
        }
    }
    let _ = writeln!(
        body,
        "<footer><p class=\"soft\">Written by aethel {}. This page needs no network and sends nothing; amounts are exact \
         decimals, times are UTC.</p></footer>",
        env!("CARGO_PKG_VERSION")
    );
    let style = format!("{BASE}{}{STYLE}", graph::STYLE);
    document(&title.replace('`', ""), &style, Some(SCRIPT), &body)
}

/// The page inside another one, such as a notebook, where it has a frame of its own and reaches nothing outside.
pub fn frame(page: &str) -> String {
    format!(
        "<iframe title=\"aethel report\" sandbox=\"allow-scripts\" srcdoc=\"{}\" \
         style=\"width:100%;height:40rem;border:1px solid #8888;border-radius:.5rem\"></iframe>",
        page.replace('&', "&amp;").replace('"', "&quot;")
    )
}

/// Which program, and when.
fn when(run: &Page<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(program) = run.program {
        parts.push(format!("<code>{}</code>", html(program)));
    }
    if let Some(at) = run.at_ms {
        parts.push(format!("run on {}", html(&utc(at))));
    }
    if !run.ledger.is_empty() && run.ledger != super::IN_MEMORY {
        parts.push(format!("ledger <code>{}</code>", html(run.ledger)));
    }
    if parts.is_empty() {
        return String::new();
    }
    format!("<p class=\"soft\">{}</p>\n", parts.join(" · "))
}

/// What was said beside the results.
fn beside(run: &Page<'_>) -> String {
    problem::all(run.diagnostics, run.sources, 2)
}
