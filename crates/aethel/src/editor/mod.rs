//! What editors ask about a program: problems, names, types, completion and more, as data without any protocol.
//!
//! Takes a text, gives an [`Analysis`] of it; all questions are methods on that, in bytes of the text, and none of them
//! changes anything or fails. Programs with errors are what editors mostly see: whatever could be read is answered for.

mod complete;
mod context;
mod edit;
mod facts;
mod fold;
mod hover;
mod lines;
mod names;
mod outline;
mod proved;
mod rename;
mod resolve;
mod scope;
mod signature;
mod tokens;
mod words;

pub use aethel_syntax::Reader;
pub use complete::{Completion, CompletionKind};
pub use edit::{Edit, apply};
pub use fold::{Fold, FoldKind};
pub use hover::Hover;
pub use lines::{Encoding, Lines, Position};
pub use names::{Names, Occurrence, Role, Symbol, SymbolId, SymbolKind};
pub use outline::{Outline, OutlineKind};
pub use proved::Proved;
pub use rename::{Rename, RenameError};
pub use signature::{Hint, Signature};
pub use tokens::{Modifier, SemanticKind, SemanticToken};

use crate::check::tidy;
use crate::files::ProgramFiles;
use crate::fix;
use crate::program::{Program, sort};
use aethel_ir::{Diagnostic, SourceId, SourceMap, Span};
use aethel_lower::{ForCheck, lower_for_check};
use aethel_runtime::DependencyAnalyzer;
use aethel_syntax::{Parsed, ast};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of a CSV file is read at every change of a program; a check reads all of it.
const BEGINNING: u64 = 64 << 10;

/// A program as an editor has it, with everything that can be found out without the solver.
#[derive(Debug)]
pub struct Analysis {
    /// The text.
    pub text: Arc<str>,
    /// Its lines.
    pub lines: Lines,
    /// Its tree: what could be read.
    pub tree: ast::Program,
    /// The program and the files it reads.
    pub sources: SourceMap,
    /// The program among them.
    pub source: SourceId,
    /// Problems of syntax, names, types and meaning, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// Where the files it names are looked for.
    directory: PathBuf,
    lowered: ForCheck,
    names: OnceCell<Names>,
}

impl Analysis {
    /// Reads a text. The files that it names are looked for in `directory`, and of each only the beginning is read.
    pub fn new(name: &str, text: Arc<str>, directory: &Path) -> Self {
        Self::of(name, text, directory, aethel_syntax::parse)
    }

    /// Reads a text as [`Analysis::new`] does, faster when `reader` has read one much like it.
    pub fn again(reader: &mut Reader, name: &str, text: Arc<str>, directory: &Path) -> Self {
        Self::of(name, text, directory, |source, text| reader.parse(source, text))
    }

    fn of(
        name: &str,
        text: Arc<str>,
        directory: &Path,
        parse: impl FnOnce(SourceId, &str) -> Parsed,
    ) -> Self {
        let mut sources = SourceMap::default();
        let source = sources.add(name, Arc::clone(&text));
        let mut program = Program::new(source, parse(source, &text), directory.to_owned());
        let mut diagnostics = std::mem::take(&mut program.diagnostics);
        let mut files = ProgramFiles::new(directory.to_owned(), &[], &mut sources).beginning(BEGINNING);
        let lowered = lower_for_check(source, &program.tree, &mut files, &mut diagnostics);
        let cycles = lowered
            .batches
            .iter()
            .map(|batch| DependencyAnalyzer.analyze(&batch.batch));
        diagnostics.extend(cycles.filter_map(Result::err).map(|cycle| *cycle));
        tidy(&mut diagnostics, &program.tree);
        fix::offer(&program, &sources, &mut diagnostics);
        sort(&mut diagnostics);
        let Program { tree, directory, .. } = program;
        Self {
            lines: Lines::new(&text),
            text,
            tree,
            sources,
            source,
            diagnostics,
            directory,
            lowered,
            names: OnceCell::new(),
        }
    }

    /// What the names refer to.
    pub fn names(&self) -> &Names {
        self.names
            .get_or_init(|| resolve::resolve(&self.text, &self.tree))
    }

    /// The path of a file that the program names.
    pub fn path_of(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// The text of a span, or nothing.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// The program laid out by the formatter; nothing when it cannot be read.
    pub fn formatted(&self) -> Option<String> {
        aethel_syntax::format(self.source, &self.text).ok()
    }

    /// The file that is named at a byte, and the column of it when that is what stands there.
    pub fn file_at(&self, offset: usize) -> Option<(&ast::Name, Option<&str>)> {
        if let Some((each, column)) = self.column_at(offset) {
            return Some((&each.file, Some(&column.text)));
        }
        let loops = self
            .batches()
            .flat_map(|batch| &batch.items)
            .filter_map(|item| match item {
                ast::BatchItem::Loop(each) => Some(&each.file),
                _ => None,
            });
        loops
            .into_iter()
            .find(|file| touches(file.span, offset))
            .map(|file| (file, None))
    }

    /// All intents: at top level and in batches, in source order.
    pub(crate) fn intents(&self) -> impl Iterator<Item = &ast::IntentDecl> {
        self.tree.items.iter().flat_map(|item| {
            let (one, batch) = match item {
                ast::Item::Intent(intent) => (Some(intent), None),
                ast::Item::Batch(batch) => (None, Some(batch)),
                _ => (None, None),
            };
            let own = batch.into_iter().flat_map(|batch| &batch.items);
            one.into_iter().chain(own.filter_map(|item| match item {
                ast::BatchItem::Intent(own) => Some(own),
                _ => None,
            }))
        })
    }

    /// All batches.
    pub(crate) fn batches(&self) -> impl Iterator<Item = &ast::AtomicBatch> {
        self.tree.items.iter().filter_map(|item| match item {
            ast::Item::Batch(batch) => Some(batch),
            _ => None,
        })
    }

    /// All calls: in batches, and in the loops of batches, with the row's name there.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (&ast::Call, Option<&ast::Loop>)> {
        self.batches().flat_map(|batch| &batch.items).flat_map(|item| {
            let (one, each) = match item {
                ast::BatchItem::Call(call) => (Some(call), None),
                ast::BatchItem::Loop(each) => (None, Some(each)),
                ast::BatchItem::Intent(_) => (None, None),
            };
            let rows = each
                .into_iter()
                .flat_map(|each| each.calls.iter().map(move |call| (call, Some(each))));
            one.into_iter().map(|call| (call, None)).chain(rows)
        })
    }

    /// Every expression with the intent it stands in, larger ones before their parts.
    pub(crate) fn expressions<'a>(&'a self, see: &mut dyn FnMut(&'a ast::Expr, Option<&'a ast::IntentDecl>)) {
        for intent in self.intents() {
            for statement in intent.guard.iter().chain(&intent.verify) {
                let parts = match statement {
                    ast::Statement::Condition(expr) => [Some(expr), None],
                    ast::Statement::Let { value, .. } => [Some(value), None],
                    ast::Statement::Assign { target, value, .. } => [Some(target), Some(value)],
                };
                parts
                    .into_iter()
                    .flatten()
                    .for_each(|expr| walk(expr, &mut |expr| see(expr, Some(intent))));
            }
        }
        for item in &self.tree.items {
            if let ast::Item::Const(constant) = item {
                walk(&constant.value, &mut |expr| see(expr, None));
            }
        }
        for (call, _) in self.calls() {
            call.args
                .iter()
                .for_each(|arg| walk(&arg.value, &mut |expr| see(expr, None)));
        }
    }

    /// The top-level intent of this name.
    pub(crate) fn callee(&self, name: &str) -> Option<&ast::IntentDecl> {
        self.tree.items.iter().find_map(|item| match item {
            ast::Item::Intent(intent) if intent.name.text == name => Some(intent),
            _ => None,
        })
    }
}

fn walk<'a>(expr: &'a ast::Expr, see: &mut dyn FnMut(&'a ast::Expr)) {
    see(expr);
    match &expr.kind {
        ast::ExprKind::Old(inner) | ast::ExprKind::Unary(_, inner) => walk(inner, see),
        ast::ExprKind::Call(_, args) => args.iter().for_each(|arg| walk(arg, see)),
        ast::ExprKind::Binary(_, _, a, b) => {
            walk(a, see);
            walk(b, see);
        }
        ast::ExprKind::Number(_)
        | ast::ExprKind::Text(_)
        | ast::ExprKind::Bool(_)
        | ast::ExprKind::Name(_)
        | ast::ExprKind::Field(..) => {}
    }
}

/// Whether a byte lies in a span, its end included: editors put the cursor between characters.
pub(crate) fn touches(span: Span, offset: usize) -> bool {
    (span.start as usize..=span.end as usize).contains(&offset)
}

#[cfg(test)]
mod tests;
