//! Programs: reading, checking, lowering.

pub use aethel_syntax::ast;

use crate::files::{self, ProgramFiles};
use aethel_ir::{Diagnostic, Progress, SourceId, SourceMap};
use aethel_lower::{ForCheck, Inputs, LoweredBatch, Purpose, Selection};
use aethel_syntax::Parsed;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Says how far reading the files that it names is.
    pub progress: Arc<Progress>,
}

impl Program {
    /// Reads a program from a file, or for `-` from standard input, whose files are looked for in the current directory.
    ///
    /// # Errors
    /// When the file cannot be read, or is not UTF-8; problems of the text are in [`Program::diagnostics`].
    pub fn open(path: &Path, sources: &mut SourceMap) -> Result<Program, Diagnostic> {
        let (source, text) = files::read_input(path, aethel_syntax::MAX_SOURCE_BYTES as u64, sources)?;
        Ok(Self::parse(source, &text, files::directory_of(path).to_owned()))
    }

    /// Reads a program from standard input; files it names are looked for in the current directory.
    ///
    /// # Errors
    /// When it cannot be read, or is not UTF-8.
    pub fn from_stdin(sources: &mut SourceMap) -> Result<Program, Diagnostic> {
        Self::open(Path::new("-"), sources)
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
            progress: Arc::default(),
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
        let mut files = ProgramFiles::new(self.directory.clone(), allowed, sources).watched(&self.progress);
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
        let mut files = ProgramFiles::new(self.directory.clone(), allowed, sources).watched(&self.progress);
        aethel_lower::lower_for_check(self.source, &self.tree, &mut files, diagnostics)
    }

    /// How many intents and batches it has, intents inside batches included.
    pub fn counts(&self) -> (usize, usize) {
        let items = self.tree.items.iter();
        let batches = items.filter(|item| matches!(item, ast::Item::Batch(_)));
        (intents(&self.tree).count(), batches.count())
    }
}

/// Every intent of a program in the order of the file, those inside batches included.
pub(crate) fn intents(tree: &ast::Program) -> impl Iterator<Item = &ast::IntentDecl> {
    tree.items.iter().flat_map(|item| {
        let (own, inner): (Option<&ast::IntentDecl>, &[ast::BatchItem]) = match item {
            ast::Item::Intent(intent) => (Some(intent), &[]),
            ast::Item::Batch(batch) => (None, &batch.items),
            _ => (None, &[]),
        };
        own.into_iter().chain(inner.iter().filter_map(|item| match item {
            ast::BatchItem::Intent(intent) => Some(intent),
            _ => None,
        }))
    })
}

/// Sorts problems by place.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|d| d.labels.first().map(|label| (label.source, label.span.start)));
}
