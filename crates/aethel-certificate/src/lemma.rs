//! A lemma as it is stored and exported: what it says, in words and in SMT-LIB, who decided it and how.

use crate::farkas::{FarkasError, LinearLemma};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The first bytes of every lemma record.
const MAGIC: &[u8; 16] = b"aethel-lemma  1\n";

/// The longest record that is read, in bytes.
pub const MAX_LEMMA_BYTES: usize = 1 << 20;

/// What was found about a lemma.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LemmaVerdict {
    /// It holds: its negation, which is what the SMT-LIB text asserts, is unsatisfiable.
    Proved,
    /// It does not hold.
    Refuted,
    /// The solver gave up. Nothing may rely on it.
    Undecided,
}

impl LemmaVerdict {
    /// What a solver answers about the SMT-LIB text.
    pub fn status(self) -> &'static str {
        match self {
            Self::Proved => "unsat",
            Self::Refuted => "sat",
            Self::Undecided => "unknown",
        }
    }
}

/// A lemma and how it was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LemmaRecord {
    /// A short name: which lemma, of which shape.
    pub name: String,
    /// What it says, in words.
    pub statement: String,
    /// An SMT-LIB 2 script that asserts its negation.
    pub smt2: String,
    /// What was found.
    pub verdict: LemmaVerdict,
    /// The solver and its version, such as `Z3 4.8.12`.
    pub solver: String,
    /// How much of the solver's resource limit that took.
    pub rlimit: u64,
    /// A proof that needs no solver; then `smt2` is exactly what it prints to.
    pub farkas: Option<LinearLemma>,
}

/// What a lemma's truth rests on, once its record was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// Multipliers that were checked in exact arithmetic here.
    Arithmetic,
    /// The word of the solver that it names.
    Solver,
}

/// Why a record is not one, or proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LemmaError {
    /// The bytes do not begin like a record of a version that this program knows.
    NotALemma,
    /// They end too early, go on too long, or hold a value that cannot be.
    Damaged(String),
    /// More than [`MAX_LEMMA_BYTES`].
    TooLong(usize),
    /// It was not proved.
    NotProved(LemmaVerdict),
    /// Its text does not say that a solver must find it unsatisfiable, or is not the text of its own proof.
    Text,
    /// The multipliers prove nothing.
    Farkas(FarkasError),
}

impl fmt::Display for LemmaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALemma => write!(f, "this is not a lemma record"),
            Self::Damaged(why) => write!(f, "the lemma record is damaged: {why}"),
            Self::TooLong(length) => write!(
                f,
                "the lemma record has {length} bytes, at most {MAX_LEMMA_BYTES} are read"
            ),
            Self::NotProved(LemmaVerdict::Refuted) => write!(f, "the lemma was refuted"),
            Self::NotProved(_) => write!(f, "the lemma is undecided"),
            Self::Text => write!(
                f,
                "the SMT-LIB text of the lemma is not that of its verdict or proof"
            ),
            Self::Farkas(error) => write!(f, "the multipliers of the lemma prove nothing: {error}"),
        }
    }
}

impl std::error::Error for LemmaError {}

impl LemmaRecord {
    /// The bytes of the record.
    ///
    /// # Errors
    /// When they would be more than [`MAX_LEMMA_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, LemmaError> {
        let bytes = postcard::to_extend(self, MAGIC.to_vec());
        let bytes = bytes.map_err(|error| LemmaError::Damaged(error.to_string()))?;
        if bytes.len() > MAX_LEMMA_BYTES {
            return Err(LemmaError::TooLong(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads any bytes as a record. Memory stays proportional to the number of bytes.
    ///
    /// # Errors
    /// Says why they are not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, LemmaError> {
        if bytes.len() > MAX_LEMMA_BYTES {
            return Err(LemmaError::TooLong(bytes.len()));
        }
        let rest = bytes
            .strip_prefix(MAGIC.as_slice())
            .ok_or(LemmaError::NotALemma)?;
        let (record, left): (Self, &[u8]) =
            postcard::take_from_bytes(rest).map_err(|error| LemmaError::Damaged(error.to_string()))?;
        if !left.is_empty() {
            return Err(LemmaError::Damaged(format!(
                "{} bytes too many at the end",
                left.len()
            )));
        }
        Ok(record)
    }

    /// What certificates and the ledger name an encoded record by.
    pub fn digest(encoded: &[u8]) -> [u8; 32] {
        *blake3::hash(encoded).as_bytes()
    }

    /// Checks that the record proves its lemma, as far as that can be seen without a solver.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<Grounds, LemmaError> {
        if self.verdict != LemmaVerdict::Proved {
            return Err(LemmaError::NotProved(self.verdict));
        }
        match &self.farkas {
            Some(lemma) => {
                lemma.check().map_err(LemmaError::Farkas)?;
                if lemma.to_smt2() != self.smt2 {
                    return Err(LemmaError::Text);
                }
                Ok(Grounds::Arithmetic)
            }
            None if self.smt2.contains("(set-info :status unsat)\n") => Ok(Grounds::Solver),
            None => Err(LemmaError::Text),
        }
    }
}
