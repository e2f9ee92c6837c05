//! `aethel graph`: the dependency graph of a batch as people look at it. No ledger is needed.

use crate::inputs::InputSources;
use crate::lemmas::Z3Prover;
use crate::program::{self, Program};
use crate::run::{self, RunOptions};
use aethel_ir::{Code, Diagnostic, PlaceId, SourceMap};
use aethel_lower::{LoweredBatch, Purpose, Selection};
use aethel_runtime::{AccessProver, ConflictDetector, DependencyAnalyzer, Picture};
use std::path::{Path, PathBuf};

/// A balance that nobody gave is taken to be this large, in minor units: enough for every batch that could run.
const PLENTY: i128 = 1 << 100;

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct GraphOptions {
    /// Which batches.
    pub selection: Selection,
    /// Inputs beside the program; values and balances may be missing.
    pub inputs: InputSources,
    /// Further directories whose files programs may name.
    pub allow_path: Vec<PathBuf>,
    /// How many nodes a picture may have, at least 2.
    pub most: usize,
}

/// Draws the batches of a program or transaction list.
///
/// # Errors
/// What is wrong with the program or its inputs; a circle of `after`.
pub fn pictures(
    path: &Path,
    options: &GraphOptions,
    sources: &mut SourceMap,
) -> Result<Vec<Picture>, Vec<Diagnostic>> {
    let (lowered, open_accounts) = lower(path, options, sources)?;
    if lowered.is_empty() {
        let none = Diagnostic::new(Code::AE0314, "there is no batch to draw");
        return Err(vec![
            none.help("write an `atomic_batch`, or draw an intent with `--intent NAME`"),
        ]);
    }
    let prover = Z3Prover::new();
    let draw = |lowered: &LoweredBatch| {
        let batch = &lowered.batch;
        let graph = DependencyAnalyzer
            .analyze(batch)
            .map_err(|refused| vec![*refused])?;
        let (balances, assumed) = balances(lowered, open_accounts);
        let proved = prover.prove(batch);
        let plan = ConflictDetector.detect(batch, &graph, &balances, &proved.access);
        let lemmas = proved.lemmas.iter().map(|lemma| lemma.name.clone()).collect();
        Ok(Picture::new(batch, &plan, lemmas, assumed, options.most))
    };
    lowered.iter().map(draw).collect()
}

fn lower(
    path: &Path,
    options: &GraphOptions,
    sources: &mut SourceMap,
) -> Result<(Vec<LoweredBatch>, bool), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let (lowered, open_accounts) = if path.extension().is_some_and(|extension| extension == "json") {
        let options = RunOptions {
            selection: options.selection.clone(),
            inputs: options.inputs.clone(),
            ..RunOptions::default()
        };
        run::lower(path, &options, sources, &mut problems)?
    } else {
        let program = Program::open(path, sources).map_err(|problem| vec![problem])?;
        problems.extend(program.diagnostics.iter().cloned());
        let inputs = options.inputs.read(path, sources)?;
        let allowed = &options.allow_path;
        let selection = &options.selection;
        let lowered = program.lower(
            selection,
            &inputs,
            Purpose::Check,
            sources,
            allowed,
            &mut problems,
        );
        (lowered, inputs.open_accounts)
    };
    problems.retain(Diagnostic::is_error);
    if problems.is_empty() {
        Ok((lowered, open_accounts))
    } else {
        program::sort(&mut problems);
        Err(problems)
    }
}

/// What each place holds: what the inputs open it with, else enough; and how many balances are only taken to be enough.
fn balances(lowered: &LoweredBatch, open_accounts: bool) -> (Vec<i128>, usize) {
    let batch = &lowered.batch;
    let mut given = vec![None; batch.places.len()];
    for opening in &lowered.openings {
        if let Some(cell) = given.get_mut(opening.place.0 as usize) {
            *cell = Some(opening.amount);
        }
    }
    let mut assumed = 0;
    let places = (0_u32..).map(PlaceId).zip(given);
    let values = places.map(|(place, given)| match given {
        Some(amount) => amount,
        None if batch.is_bounded(place) && !open_accounts => {
            assumed += 1;
            PLENTY
        }
        None => 0,
    });
    let values = values.collect();
    (values, assumed)
}
