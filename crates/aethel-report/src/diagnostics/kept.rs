//! Diagnostics that are kept until a command ends, with the texts that they point into.

use aethel_ir::{Diagnostic, SourceId, SourceMap};
use std::sync::Arc;

/// Diagnostics of several steps, whose source maps may be gone.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// All of them, in order.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts they point into.
    pub sources: SourceMap,
}

impl Kept {
    /// Adds diagnostics, and of the texts those that they name.
    pub fn add(&mut self, diagnostics: &[Diagnostic], sources: &SourceMap) {
        for diagnostic in diagnostics {
            let mut diagnostic = diagnostic.clone();
            for label in &mut diagnostic.labels {
                label.source = self.source(label.source, sources);
            }
            for fix in &mut diagnostic.fixes {
                for (source, _, _) in &mut fix.edits {
                    *source = self.source(*source, sources);
                }
            }
            self.diagnostics.push(diagnostic);
        }
    }

    fn source(&mut self, id: SourceId, sources: &SourceMap) -> SourceId {
        let Some(file) = sources.get(id) else {
            return SourceId(u32::MAX);
        };
        let same =
            |known: &aethel_ir::SourceFile| known.name == file.name && Arc::ptr_eq(&known.text, &file.text);
        let known = self
            .sources
            .files()
            .find(|(_, known)| same(known))
            .map(|(id, _)| id);
        known.unwrap_or_else(|| self.sources.add(file.name.clone(), Arc::clone(&file.text)))
    }
}
