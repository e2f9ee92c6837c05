//! What `check` found out about an intent or a batch, in words: data; `aethel-report` draws it.

use crate::source::SourceId;

/// What a proof is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofKind {
    /// An intent, for all arguments.
    Intent,
    /// A batch.
    Batch,
}

/// A balance that a batch needs at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The account.
    pub account: String,
    /// The asset.
    pub asset: String,
    /// Minor units.
    pub minor: i128,
    /// Decimal places of the asset.
    pub scale: u8,
}

/// What was found out about one intent or batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What it is about.
    pub kind: ProofKind,
    /// Its name.
    pub name: String,
    /// The program it is in.
    pub source: SourceId,
    /// What holds for all states and inputs, such as `conserves USD`.
    pub proved: Vec<String>,
    /// What does not; each has a diagnostic with an example.
    pub refuted: Vec<String>,
    /// What could not be decided.
    pub undecided: Vec<String>,
    /// What a batch needs at the start, the largest first.
    pub requires: Vec<Requirement>,
    /// How many queries Z3 answered.
    pub queries: u32,
    /// The time it took, for people.
    pub nanoseconds: u64,
    /// Every answer was there already: from an intent of the same shape, or from an earlier check.
    pub cached: bool,
}

impl Proof {
    /// Nothing known yet.
    pub fn new(kind: ProofKind, name: &str, source: SourceId) -> Self {
        Self {
            kind,
            source,
            name: name.to_owned(),
            proved: Vec::new(),
            refuted: Vec::new(),
            undecided: Vec::new(),
            requires: Vec::new(),
            queries: 0,
            nanoseconds: 0,
            cached: false,
        }
    }
}
