//! Every lemma about a program, to be looked at and to be given to another solver.

use crate::lemmas::contexts;
use crate::pairs::{ProgramPair, pairs};
use crate::program::Program;
use aethel_ir::{Diagnostic, SourceMap};
use aethel_lower::ForCheck;
use aethel_proof::{LemmaCache, Lemmas, Limits, Obligation, escrow_obligations, obligations};
use std::collections::HashMap;
use std::path::PathBuf;

/// A lemma and the intents that it is about.
#[derive(Clone, Debug)]
pub struct ProgramObligation {
    /// The names of the intents that share it; none for lemmas about every program.
    pub intents: Vec<String>,
    /// The lemma.
    pub obligation: Obligation,
}

impl Program {
    /// Asks Z3 about every lemma of the program: those of escrow, then those of each intent in the order of the file, then
    /// those of pairs that share an account.
    /// Problems of the program are added to `diagnostics`; with errors there is nothing to prove.
    pub fn obligations(
        &self,
        limits: &Limits,
        sources: &mut SourceMap,
        allowed: &[PathBuf],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Vec<ProgramObligation>, Vec<ProgramPair>) {
        diagnostics.extend(self.diagnostics.iter().cloned());
        let ForCheck { mut batches, alone } = self.lower_for_check(sources, allowed, diagnostics);
        if diagnostics.iter().any(Diagnostic::is_error) {
            return (Vec::new(), Vec::new());
        }
        batches.extend(alone);
        let mut all: Vec<ProgramObligation> = escrow_obligations(limits)
            .into_iter()
            .map(|obligation| ProgramObligation {
                intents: Vec::new(),
                obligation,
            })
            .collect();
        let mut known: HashMap<String, usize> = HashMap::new();
        for batch in batches.iter().map(|lowered| &lowered.batch) {
            for (index, intent) in batch.intents.iter().enumerate() {
                for context in contexts(batch, index).unwrap_or_default() {
                    let asked = obligations(intent, &context, limits).unwrap_or_default();
                    for obligation in asked {
                        let at = *known.entry(obligation.record.smt2.clone()).or_insert_with(|| {
                            all.push(ProgramObligation {
                                intents: Vec::new(),
                                obligation,
                            });
                            all.len() - 1
                        });
                        let name = intent.name.to_string();
                        if let Some(found) = all.get_mut(at).filter(|one| !one.intents.contains(&name)) {
                            found.intents.push(name);
                        }
                    }
                }
            }
        }
        let lemmas = Lemmas::new(LemmaCache::in_memory(), *limits);
        let mut found = Vec::new();
        for batch in batches.iter().map(|lowered| &lowered.batch) {
            found.extend(pairs(batch, &lemmas, &mut all));
        }
        (all, found)
    }
}
