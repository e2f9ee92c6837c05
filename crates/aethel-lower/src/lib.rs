//! Syntax tree to batch.
//!
//! Takes the tree of a program and what a run brings ([`Inputs`]); gives [`LoweredBatch`]es with interned accounts,
//! compiled intents and columns of arguments. The transaction lists of JSON batches are lowered here too. It reads no
//! file itself: [`Files`] does.

mod calls;
mod columns;
mod constant;
mod expression;
mod guard;
mod inputs;
mod intent;
mod json;
mod json_batch;
mod json_intent;
mod lints;
mod lowered;
mod program;
mod rows;
mod settings;
mod symbols;
mod tables;
mod value;

pub use inputs::{AccountInput, Given, Inputs, OracleInput, Place, Setting, parse_oracle};
pub use json_batch::lower_json;
pub use lowered::{Declarations, LoweredBatch, Opening, OracleUse};
pub use program::{Files, Purpose};
pub use rows::MAX_ROWS;
pub use symbols::{FieldKind, Symbols};

use aethel_ir::{Diagnostic, SourceId};
use aethel_syntax::ast::Program;

/// Which part of a program is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// Every batch, in source order.
    #[default]
    All,
    /// One batch.
    Batch(String),
    /// One top-level intent, as a transaction of its own.
    Intent(String),
}

/// Lowers the selected batches of a program. Problems go to `diagnostics`; a batch with an error is left out.
///
/// With [`Purpose::Check`] every intent is compiled and judged, called or not, and values may be missing.
pub fn lower(
    source: SourceId,
    program: &Program,
    selection: &Selection,
    inputs: &Inputs,
    files: &mut dyn Files,
    purpose: Purpose,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<LoweredBatch> {
    let symbols = Symbols::collect(source, program, diagnostics);
    settings::check(&symbols, inputs, diagnostics);
    if purpose == Purpose::Check {
        for decl in &symbols.intent_list {
            let mut tables = tables::Tables::default();
            intent::compile(&symbols, &mut tables, decl, &|_| false, true, diagnostics);
        }
    }
    let mut lowered = Vec::new();
    let mut lowering = program::BatchLowering {
        symbols: &symbols,
        inputs,
        files,
        purpose,
        diagnostics,
    };
    match selection {
        Selection::All => {
            for decl in &symbols.batches {
                lowered.extend(lowering.batch(decl));
            }
        }
        Selection::Batch(name) => match symbols.batches.iter().find(|decl| decl.name.text == *name) {
            Some(decl) => lowered.extend(lowering.batch(decl)),
            None => settings::no_such(&symbols, "batch", name, lowering.diagnostics),
        },
        Selection::Intent(name) => match symbols.intents.get(name.as_str()) {
            Some(decl) => lowered.extend(lowering.single(decl)),
            None => settings::no_such(&symbols, "top-level intent", name, lowering.diagnostics),
        },
    }
    dedup(diagnostics);
    lowered
}

/// An intent that several calls compile is only complained about once.
fn dedup(diagnostics: &mut Vec<Diagnostic>) {
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(diagnostics.len());
    let mut seen = std::collections::HashSet::new();
    for diagnostic in diagnostics.drain(..) {
        let place = diagnostic.labels.first().map(|label| (label.source, label.span));
        if place.is_none() || seen.insert((diagnostic.code, place, diagnostic.message.clone())) {
            kept.push(diagnostic);
        }
    }
    *diagnostics = kept;
}
