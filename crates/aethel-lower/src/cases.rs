//! Cases of a program: a file that says with which inputs it runs and what must come of it.

mod reader;

use crate::Selection;
use crate::inputs::{Given, Inputs};
use aethel_ir::{Code, Diagnostic, SourceId, Span};

/// A file of cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFile {
    /// The program, relative to the file; `None` is the one that is called like the file.
    pub program: Option<Given>,
    /// The cases, in the order of the file.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it is called; no two of a file are called the same.
    pub name: Given,
    /// Which batches run.
    pub selection: Selection,
    /// A file of inputs, relative to the file of cases.
    pub inputs_file: Option<Given>,
    /// Inputs in the case itself, which win over the file's.
    pub inputs: Inputs,
    /// Values of external parameters, which the test signs with a key of its own.
    pub external: Vec<ExternalValue>,
    /// Seconds since 1970-01-01T00:00:00Z that the run takes for now; `None` is the newest time of a signed value.
    pub time: Option<i64>,
    /// A configuration whose trust in oracles counts, relative to the file of cases.
    pub config: Option<Given>,
    /// What must come of it; `None` when nobody has said so yet.
    pub expect: Option<Expect>,
    /// Where it stands.
    pub at: (SourceId, Span),
    /// Where the last value of the case ends: a further key can be written behind it.
    pub end: u32,
}

/// A value that the test signs itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalValue {
    /// The feed.
    pub feed: String,
    /// A decimal in units.
    pub value: Given,
    /// How many seconds before the case's time it was signed; negative for the future.
    pub age: i64,
}

/// What must come of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Where it stands.
    pub at: (SourceId, Span),
    /// How the run ends.
    pub outcome: Outcome,
    /// What places hold in the end.
    pub balances: Vec<ExpectedPlace>,
    /// Whether places that are not named must hold what they held before.
    pub others_unchanged: bool,
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every batch is committed.
    Committed,
    /// Something is wrong, and this is said about it.
    Error {
        /// Where it stands.
        at: (SourceId, Span),
        /// The code.
        code: Option<Code>,
        /// The transaction that fails, as messages call it.
        transaction: Option<String>,
        /// A part of the message.
        message: Option<String>,
    },
}

/// What a place must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedPlace {
    /// Whose.
    pub account: String,
    /// What of it.
    pub value: ExpectedValue,
}

/// A value as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedValue {
    /// The balance in the only asset that the account is used with.
    Balance(Given),
    /// The balance in an asset.
    Asset(String, Given),
    /// A declared field.
    Field(String, Given),
}

impl CaseFile {
    /// Reads a file of cases.
    ///
    /// # Errors
    /// Every problem found (at most 50), each at its place.
    pub fn from_json(source: SourceId, text: &str) -> Result<CaseFile, Vec<Diagnostic>> {
        reader::read(source, text)
    }
}
