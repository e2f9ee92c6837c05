//! Programs: reading, checking, lowering.

pub use aethel_syntax::ast;

use crate::files::{self, ProgramFiles};
use aethel_ir::{Diagnostic, SourceId, SourceMap};
use aethel_lower::{ForCheck, Inputs, LoweredBatch, Purpose, Selection};
use aethel_syntax::Parsed;
use std::path::{Path, PathBuf};

/// A program that was read, and what was found while reading.
#[derive(Debug)]
pub struct Program {
    /// Its file.
    pub source: SourceId,
    /// Its tree.
    pub tree: ast::Program,
    /// Where the files it names are looked for.
    pub directory: PathBuf,
    /// Problems of syntax.
    pub diagnostics: Vec<Diagnostic>,
}

impl Program {
    /// Reads a program from a file.
    ///
    /// # Errors
    /// When the file cannot be read; problems of the text are in [`Program::diagnostics`].
    pub fn open(path: &Path, sources: &mut SourceMap) -> Result<Program, Diagnostic> {
        let bytes = files::read_named(path, aethel_syntax::MAX_SOURCE_BYTES as u64)?;
        let (source, text) = files::text_of(path.to_string_lossy().as_ref(), bytes, sources)?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self::parse(source, &text, directory))
    }

    /// Reads a program from standard input; files it names are looked for in the current directory.
    ///
    /// # Errors
    /// When it cannot be read, or is not UTF-8.
    pub fn from_stdin(sources: &mut SourceMap) -> Result<Program, Diagnostic> {
        let bytes = files::read_named(Path::new("/dev/stdin"), aethel_syntax::MAX_SOURCE_BYTES as u64)?;
        let (source, text) = files::text_of("<stdin>", bytes, sources)?;
        Ok(Self::parse(source, &text, PathBuf::from(".")))
    }

    /// Reads a program from a text that is in the sources already.
    pub fn parse(source: SourceId, text: &str, directory: PathBuf) -> Program {
        Self::new(source, aethel_syntax::parse(source, text), directory)
    }

    /// A program that was read already.
    pub(crate) fn new(source: SourceId, parsed: Parsed, directory: PathBuf) -> Program {
        Program {
            source,
            tree: parsed.program,
            directory,
            diagnostics: parsed.diagnostics,
        }
    }

    /// Lowers the selected batches; problems are added to `diagnostics`.
    pub fn lower(
        &self,
        selection: &Selection,
        inputs: &Inputs,
        purpose: Purpose,
        sources: &mut SourceMap,
        allowed: &[PathBuf],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<LoweredBatch> {
        let mut files = ProgramFiles::new(self.directory.clone(), allowed, sources);
        aethel_lower::lower(
            self.source,
            &self.tree,
            selection,
            inputs,
            &mut files,
            purpose,
            diagnostics,
        )
    }

    /// Lowers the whole program to be judged; problems are added to `diagnostics`.
    pub(crate) fn lower_for_check(
        &self,
        sources: &mut SourceMap,
        allowed: &[PathBuf],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> ForCheck {
        let mut files = ProgramFiles::new(self.directory.clone(), allowed, sources);
        aethel_lower::lower_for_check(self.source, &self.tree, &mut files, diagnostics)
    }

    /// How many intents and batches it has, intents inside batches included.
    pub fn counts(&self) -> (usize, usize) {
        let (mut intents, mut batches) = (0, 0);
        for item in &self.tree.items {
            match item {
                ast::Item::Intent(_) => intents += 1,
                ast::Item::Batch(batch) => {
                    batches += 1;
                    intents += batch
                        .items
                        .iter()
                        .filter(|item| matches!(item, ast::BatchItem::Intent(_)))
                        .count();
                }
                _ => {}
            }
        }
        (intents, batches)
    }
}

/// Sorts problems by place.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|d| d.labels.first().map(|label| (label.source, label.span.start)));
}
