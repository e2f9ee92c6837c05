//! The problems found so far, with a limit, each told once.

use aethel_ir::{Code, Diagnostic, Severity, SourceId, Span};
use std::collections::HashSet;

/// How many errors of one program are told, and how many warnings and notes.
pub const MAX_SHOWN: usize = 200;

/// How many errors may come with a suggestion.
pub(crate) const MAX_SUGGESTED: usize = 20;

/// Collects diagnostics. The same problem at the same place counts as an error again but is told once: an intent may be
/// compiled for several calls.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Diagnostic>,
    seen: HashSet<(Code, SourceId, Span, String)>,
    /// Assets that nothing declares; each is told once.
    undeclared: HashSet<String>,
    errors: usize,
    shown_errors: usize,
    more: bool,
}

impl Problems {
    /// Adds a problem, or only remembers that there was one more.
    pub(crate) fn push(&mut self, problem: Diagnostic) {
        self.errors += usize::from(problem.is_error());
        let shown = if problem.is_error() {
            self.shown_errors
        } else {
            self.found.len() - self.shown_errors
        };
        if shown >= MAX_SHOWN {
            self.more = true;
            return;
        }
        if let Some(label) = problem.labels.first() {
            let key = (problem.code, label.source, label.span, problem.message.clone());
            if !self.seen.insert(key) {
                return;
            }
        }
        self.shown_errors += usize::from(problem.is_error());
        self.found.push(problem);
    }

    /// Whether this is the first use of an asset that nothing declares. Every use is an error.
    pub(crate) fn first_undeclared(&mut self, asset: &str) -> bool {
        let first = self.undeclared.insert(asset.to_owned());
        self.errors += usize::from(!first);
        first
    }

    /// How many errors there were, told or not: to see whether a step had any.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Whether there is no point in looking for more errors. What is lowered after that is incomplete and not used.
    pub(crate) fn full(&self) -> bool {
        self.shown_errors >= MAX_SHOWN
    }

    /// Whether to look for a name that was meant: after many errors, among thousands of names, that takes too long.
    pub(crate) fn suggests(&self) -> bool {
        self.errors < MAX_SUGGESTED
    }

    /// The first error.
    pub(crate) fn first_error(self) -> Option<Diagnostic> {
        self.found.into_iter().find(Diagnostic::is_error)
    }

    /// Everything in the order found, and a last line when there may be more.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        let full = self.full();
        let mut found = self.found;
        if (self.more || full)
            && let Some(last) = found.last()
        {
            let mut more = Diagnostic::new(
                last.code,
                format!("more problems may follow; only {MAX_SHOWN} are shown"),
            )
            .help("mend these first, then check again");
            more.severity = Severity::Note;
            found.push(more);
        }
        found
    }
}
