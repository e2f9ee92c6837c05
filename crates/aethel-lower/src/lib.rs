//! Syntax tree to batch.
//!
//! Takes the tree of a program and what a run brings ([`Inputs`]); gives [`LoweredBatch`]es with interned accounts,
//! compiled intents and columns of arguments. The transaction lists of JSON batches are lowered here too. It reads no
//! file itself: [`Files`] does.

mod after;
mod balances;
mod calls;
mod columns;
mod constant;
mod expression;
mod functions;
mod guard;
mod inputs;
mod intent;
mod invoke;
mod json;
mod json_accounts;
mod json_batch;
mod json_header;
mod json_intent;
mod json_operations;
mod lints;
mod lowered;
mod names;
mod parameters;
mod places;
mod prepare;
mod problems;
mod program;
mod rows;
mod settings;
mod symbols;
mod tables;
mod units;
mod value;

pub use balances::{AccountLine, BalanceTable};
pub use inputs::{AccountInput, Given, Inputs, OracleInput, Place, Setting, parse_oracle};
pub use json_batch::lower_json;
pub use lowered::{Declarations, LoweredBatch, Opening, OracleUse};
pub use problems::MAX_SHOWN;
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
    /// Some top-level intents, each as a batch of its own; names that are not there are passed over.
    Intents(Vec<String>),
}

/// Lowers the selected batches of a program. Problems go to `diagnostics`; a batch with an error is left out.
///
/// With [`Purpose::Check`] values may be missing, and every intent is compiled and judged, called or not, unless some were
/// selected.
pub fn lower(
    source: SourceId,
    program: &Program,
    selection: &Selection,
    inputs: &Inputs,
    files: &mut dyn Files,
    purpose: Purpose,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<LoweredBatch> {
    let mut problems = problems::Problems::default();
    let lowered = lower_all(source, program, selection, inputs, files, purpose, &mut problems);
    diagnostics.extend(problems.finish());
    lowered
}

fn lower_all(
    source: SourceId,
    program: &Program,
    selection: &Selection,
    inputs: &Inputs,
    files: &mut dyn Files,
    purpose: Purpose,
    problems: &mut problems::Problems,
) -> Vec<LoweredBatch> {
    let symbols = Symbols::read(source, program, problems);
    settings::check(&symbols, inputs, problems);
    if purpose == Purpose::Check && !matches!(selection, Selection::Intents(_)) {
        for decl in &symbols.intent_list {
            if problems.full() {
                break;
            }
            let mut tables = tables::Tables::default();
            intent::compile(&symbols, &mut tables, decl, &|_| false, true, problems);
        }
    }
    let mut proofs = std::collections::HashMap::new();
    for proof in &inputs.oracles {
        proofs.entry(proof.feed.as_str()).or_insert(proof);
    }
    let mut lowered = Vec::new();
    let mut lowering = program::BatchLowering {
        symbols: &symbols,
        inputs,
        files,
        purpose,
        diagnostics: problems,
        bind: settings::Index::new(&inputs.bind),
        args: settings::Index::new(&inputs.args),
        proofs,
        compiled: 0,
        rows: 0,
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
        Selection::Intents(names) => {
            for decl in names.iter().filter_map(|name| symbols.intents.get(name.as_str())) {
                lowered.extend(lowering.single(decl));
            }
        }
    }
    lowered
}
