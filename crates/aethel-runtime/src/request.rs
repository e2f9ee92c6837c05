//! What the processor is asked to do.

use crate::lemmas::AccessProver;
use crate::linearizability_prover::{CycleConfirmer, DirectProver, Validation};
use crate::oracle::{Feeds, OracleProof};
use crate::preparation::Openings;
use aethel_ir::{Batch, Progress, SourceMap};
use aethel_ledger::{BatchKey, PolicyChange, SignedPlan};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How batches are run.
#[derive(Clone, Debug)]
pub struct ProcessorOptions {
    /// Use exactly this many threads; `None` decides by the work.
    pub threads: Option<u32>,
    /// How many threads the default may use.
    pub available_threads: u32,
    /// How long a batch may take until its commit is handed over.
    pub timeout: Duration,
    /// How often a batch is run again because the ledger changed meanwhile, the first time included.
    pub attempts: u32,
    /// The solver that proves small batches directly, and its name and version.
    pub direct: Option<(DirectProver, String)>,
    /// The solver that confirms that a run with a circle fits into no order.
    pub confirm: Option<CycleConfirmer>,
    /// Who proves that accesses need no order; without, all conflicts are kept in order.
    pub access: Option<Arc<dyn AccessProver>>,
    /// How a run is held to the serial run.
    pub validation: Validation,
}

impl Default for ProcessorOptions {
    fn default() -> Self {
        Self {
            threads: None,
            available_threads: 8,
            timeout: Duration::from_secs(300),
            attempts: 8,
            direct: None,
            confirm: None,
            access: None,
            validation: Validation::default(),
        }
    }
}

/// One batch to run, and everything that comes with it.
#[derive(Clone, Debug)]
pub struct BatchRequest<'a> {
    /// What to run.
    pub batch: Batch,
    /// The texts that its spans point into.
    pub sources: &'a SourceMap,
    /// What makes it the same batch again; `None` means its content.
    pub key: Option<BatchKey>,
    /// Where it came from, such as a file name, for people.
    pub program: Option<String>,
    /// What the caller says about accounts that the ledger may not know.
    pub openings: Openings,
    /// Proofs for external values.
    pub oracles: Vec<OracleProof>,
    /// Feeds of external parameters that are not called like their parameter.
    pub feeds: Feeds,
    /// Policy that a new ledger begins with; a ledger that has records ignores it.
    pub first_policy: Vec<PolicyChange>,
    /// Signatures of approvers, for this batch and perhaps for others.
    pub signatures: Vec<SignedPlan>,
    /// Do everything but the commit.
    pub dry_run: bool,
    /// Also gather what a report shows.
    pub details: bool,
    /// Set from outside to ask for a stop.
    pub cancel: Option<&'a AtomicBool>,
    /// Says how far the batch is.
    pub progress: Option<&'a Progress>,
}

impl<'a> BatchRequest<'a> {
    /// A request with nothing but the batch.
    pub fn new(batch: Batch, sources: &'a SourceMap) -> Self {
        Self {
            batch,
            sources,
            key: None,
            program: None,
            openings: Openings::default(),
            oracles: Vec::new(),
            feeds: Feeds::new(),
            first_policy: Vec::new(),
            signatures: Vec::new(),
            dry_run: false,
            details: false,
            cancel: None,
            progress: None,
        }
    }
}
