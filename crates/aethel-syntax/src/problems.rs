//! The problems found so far, with a limit.

use aethel_ir::{Code, Diagnostic, Severity, SourceId, Span};

/// How many problems of one file are told.
pub const MAX_DIAGNOSTICS: usize = 100;

/// Collects diagnostics for one text.
#[derive(Debug)]
pub(crate) struct Problems {
    source: SourceId,
    found: Vec<Diagnostic>,
    harmless: usize,
    overflowed: bool,
    closed: bool,
}

impl Problems {
    pub(crate) fn new(source: SourceId) -> Self {
        Self {
            source,
            found: Vec::new(),
            harmless: 0,
            overflowed: false,
            closed: false,
        }
    }

    /// The text that labels point into.
    pub(crate) fn source(&self) -> SourceId {
        self.source
    }

    /// Adds a problem, or only remembers that there was one more.
    pub(crate) fn push(&mut self, problem: Diagnostic) {
        if self.closed {
            return;
        }
        if self.found.len() < MAX_DIAGNOSTICS {
            self.found.push(problem);
        } else {
            self.overflowed = true;
        }
    }

    /// Adds a problem with one label.
    pub(crate) fn report(
        &mut self,
        code: Code,
        message: impl Into<String>,
        span: Span,
        label: &str,
        help: &str,
    ) {
        let problem = Diagnostic::new(code, message).label(self.source, span, label);
        self.push(if help.is_empty() {
            problem
        } else {
            problem.help(help)
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many problems were told, to see whether a step told any.
    pub(crate) fn count(&self) -> usize {
        self.found.len() + usize::from(self.overflowed)
    }

    /// Adds a problem that costs no part of the tree.
    pub(crate) fn push_harmless(&mut self, problem: Diagnostic) {
        let before = self.count();
        self.push(problem);
        self.harmless += self.count() - before;
    }

    /// How many problems cost a part of the tree.
    pub(crate) fn losses(&self) -> usize {
        self.count() - self.harmless
    }

    /// Adds the problem that ends the reading; nothing after it counts.
    pub(crate) fn push_last(&mut self, problem: Diagnostic) {
        self.push(problem);
        self.closed = true;
    }

    /// Whether there is no point in reading on.
    pub(crate) fn stopped(&self) -> bool {
        self.overflowed || self.closed
    }

    /// Everything in source order, and a last line when there was more.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        let mut found = self.found;
        found.sort_by_key(|problem| problem.labels.first().map(|label| label.span.start));
        if self.overflowed {
            let place = found
                .last()
                .and_then(|last| last.labels.first())
                .map_or(Span::default(), |label| label.span);
            let mut more = Diagnostic::new(
                Code::AE0101,
                format!("more problems follow; only {MAX_DIAGNOSTICS} are shown"),
            )
            .label(self.source, place, "")
            .help("mend these first, then check again");
            more.severity = Severity::Note;
            found.push(more);
        }
        found
    }
}
