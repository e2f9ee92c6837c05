//! Syntax tree to batch.
//!
//! Takes the tree of a program and what a run brings ([`Inputs`]); gives [`LoweredBatch`]es with interned accounts,
//! compiled intents and columns of arguments. The transaction lists of JSON batches are lowered here too. It reads no
//! file itself: [`Files`] does.

mod after;
mod balances;
mod calls;
mod cases;
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
pub use cases::{Case, CaseFile, Expect, ExpectedPlace, ExpectedValue, ExternalValue, Outcome};
pub use inputs::{AccountInput, Given, Inputs, OracleInput, Place, Setting, parse_oracle};
pub use json::MAX_VALUES;
pub use json_batch::lower_json;
pub use lowered::{Declarations, LoweredBatch, Opening, OracleUse};
pub use parameters::flat_accounts;
pub use problems::MAX_SHOWN;
pub use program::{Files, Purpose};
pub use rows::{MAX_ROW_BYTES, MAX_ROWS};
pub use symbols::{FieldKind, Symbols};

use aethel_ir::{Diagnostic, SourceId, Span};
use aethel_syntax::ast::Program;
use problems::Problems;
use program::{BatchLowering, CompiledAlone};
use std::collections::HashSet;

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
/// With [`Purpose::Check`] values may be missing, and every intent is compiled and judged, called or not.
pub fn lower(
    source: SourceId,
    program: &Program,
    selection: &Selection,
    inputs: &Inputs,
    files: &mut dyn Files,
    purpose: Purpose,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<LoweredBatch> {
    let mut problems = Problems::default();
    let symbols = Symbols::read(source, program, &mut problems);
    settings::check(&symbols, inputs, &mut problems);
    if purpose == Purpose::Check {
        compile_all(&symbols, &mut problems);
    }
    let mut lowering = BatchLowering::new(&symbols, inputs, files, purpose, &mut problems);
    let lowered = match selection {
        Selection::All => lowering.all(),
        Selection::Batch(name) => match symbols.batches.iter().find(|decl| decl.name.text == *name) {
            Some(decl) => lowering.batch(decl).into_iter().collect(),
            None => {
                settings::no_such(&symbols, "batch", name, lowering.diagnostics);
                Vec::new()
            }
        },
        Selection::Intent(name) => match symbols.intents.get(name.as_str()) {
            Some(decl) => lowering.single(decl).into_iter().collect(),
            None => {
                settings::no_such(&symbols, "top-level intent", name, lowering.diagnostics);
                Vec::new()
            }
        },
    };
    diagnostics.extend(problems.finish());
    lowered
}

/// A whole program, lowered to be judged.
#[derive(Clone, Debug, Default)]
pub struct ForCheck {
    /// Its batches.
    pub batches: Vec<LoweredBatch>,
    /// Its top-level intents that no batch calls, each as a batch of one. After an error there are none.
    pub alone: Vec<LoweredBatch>,
}

/// Lowers a whole program with [`Purpose::Check`], and the intents that no batch calls.
pub fn lower_for_check(
    source: SourceId,
    program: &Program,
    files: &mut dyn Files,
    diagnostics: &mut Vec<Diagnostic>,
) -> ForCheck {
    let (mut problems, inputs) = (Problems::default(), Inputs::default());
    let symbols = Symbols::read(source, program, &mut problems);
    let compiled = compile_all(&symbols, &mut problems);
    let batches = BatchLowering::new(&symbols, &inputs, files, Purpose::Check, &mut problems).all();
    let mut alone = Vec::new();
    if problems.errors() == 0 {
        let intents = batches.iter().flat_map(|lowered| &lowered.batch.intents);
        let called: HashSet<Span> = intents.map(|intent| intent.span).collect();
        // What is to be said of them was said when they were compiled; what a call has to bring is no news here.
        let mut unsaid = Problems::default();
        let mut lowering = BatchLowering::new(&symbols, &inputs, files, Purpose::Check, &mut unsaid);
        for one in compiled {
            if !called.contains(&one.decl.name.span) {
                alone.extend(lowering.compiled_single(one));
            }
        }
    }
    diagnostics.extend(problems.finish());
    ForCheck { batches, alone }
}

/// Compiles every top-level intent as if it were called without arguments.
fn compile_all<'a>(symbols: &'a Symbols<'a>, problems: &mut Problems) -> Vec<CompiledAlone<'a>> {
    let mut compiled = Vec::new();
    for decl in &symbols.intent_list {
        if problems.full() {
            break;
        }
        let mut tables = tables::Tables::default();
        let intent = intent::compile(symbols, &mut tables, decl, &|_| false, true, problems);
        compiled.extend(intent.map(|intent| CompiledAlone { decl, tables, intent }));
    }
    compiled
}
