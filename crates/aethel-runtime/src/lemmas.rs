//! What stage ② may rely on: how intents treat their places, as far as that is proved.

use aethel_ir::{Access, Batch};
use std::fmt::Debug;

/// Proves how the intents of a batch treat their places.
pub trait AccessProver: Debug + Send + Sync {
    /// What is proved about each intent of a batch.
    fn prove(&self, batch: &Batch) -> ProvedAccess;
}

/// What is proved, and by what.
#[derive(Clone, Debug, Default)]
pub struct ProvedAccess {
    /// For each intent of the batch; a slot about which nothing could be proved is distrusted.
    pub access: Vec<Access>,
    /// The lemmas.
    pub lemmas: Vec<Lemma>,
    /// The solver's name and version.
    pub solver: String,
    /// Why something could not be proved, for people.
    pub doubts: Vec<String>,
}

/// A lemma as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lemma {
    /// What it is called.
    pub name: String,
    /// The digest of its record.
    pub digest: [u8; 32],
    /// The encoded record: statement, text, verdict.
    pub record: Vec<u8>,
}
