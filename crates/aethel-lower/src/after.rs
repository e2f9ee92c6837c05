//! Names inside a batch: each once, and every name in `after` known.

use crate::lowered::Assembly;
use crate::program::{BatchLowering, index32};
use crate::symbols::duplicate;
use aethel_ir::{Code, Diagnostic, Span, quote};
use aethel_syntax::ast::Name;
use std::collections::{HashMap, HashSet};

/// A named thing in a batch and its `after` clause.
pub(crate) struct Entry<'a> {
    pub(crate) name: Option<&'a Name>,
    pub(crate) after: &'a [Name],
    pub(crate) span: Span,
}

impl<'a> BatchLowering<'a, '_> {
    /// Duplicate names, and names in `after`.
    pub(crate) fn resolve_after(&mut self, entries: &[Entry<'a>], assembly: &mut Assembly<'_>) {
        let mut names: HashMap<&str, (u32, Span)> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let Some(name) = entry.name else { continue };
            match names.get(name.text.as_str()) {
                Some((_, first)) => self
                    .diagnostics
                    .push(duplicate(self.symbols.source, name, *first)),
                None => {
                    names.insert(&name.text, (index32(index), name.span));
                }
            }
        }
        for (index, entry) in entries.iter().enumerate() {
            if self.diagnostics.full() {
                return;
            }
            let mut seen = HashSet::new();
            for name in entry.after {
                match names.get(name.text.as_str()) {
                    Some((other, _)) => {
                        if seen.insert(*other) {
                            assembly.items[index].after.push(*other);
                        }
                    }
                    None => {
                        let suggests = self.diagnostics.suggests();
                        let known = names.keys().copied().filter(|_| suggests);
                        let message = format!("nothing in this batch is called `{}`", quote(&name.text));
                        self.diagnostics.push(
                            Diagnostic::new(Code::AE0212, message)
                                .label(self.symbols.source, name.span, "unknown")
                                .help("name an intent or a label of this batch")
                                .meant(self.symbols.source, name.span, &name.text, known),
                        );
                    }
                }
            }
        }
    }
}
