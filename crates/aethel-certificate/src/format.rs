//! What a certificate holds, and its bytes: a magic text, a version, and then the columns ([`wire`](crate::wire)).

use crate::bytes::{Reader, Writer};
use crate::check::{Checked, check};
use crate::claims::check_escrow;
use crate::rejection::Rejection;
use crate::wire;
use aethel_ir::{Batch, PlaceId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The first bytes of every certificate.
const MAGIC: &[u8; 16] = b"aethel-certific\n";

/// The version of the format that this crate writes and reads.
pub const FORMAT_VERSION: u16 = 3;

/// How the state that was committed came about. For information; the checker asks the same of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// By this many threads at once.
    Parallel(u32),
    /// One after the other, because that is faster or was asked for.
    Serial,
    /// One after the other, because the parallel run before it was not accepted.
    SerialAfterDoubt,
}

/// Everything needed to check a run without trusting who ran it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What was run.
    pub batch: Batch,
    /// The value of each place before, in minor units (fields: whole numbers, 0 and 1 for truth values).
    pub initial: Vec<i128>,
    /// The value of each place after.
    pub final_values: Vec<i128>,
    /// For each transaction, in source order, its place in the serial order that is claimed.
    pub positions: Vec<u32>,
    /// The places, ascending, whose accesses were in no order: any order gives the same (see [`crate::escrow`]). What
    /// was seen of them is not logged: in the columns below their accesses have value 0 and version 0, and a change instead
    /// of a new value. When they are all places that the batch writes, the columns are empty.
    pub escrow: Vec<PlaceId>,
    /// For each transaction in source order and each slot of its intent, the value seen.
    pub seen: Vec<i128>,
    /// Like `seen`: how many writes the place had had.
    pub versions: Vec<u32>,
    /// For each transaction in source order and each slot that its intent writes, the new value.
    pub written: Vec<i128>,
    /// How the state came about.
    pub way: Way,
    /// The solver that proved the lemmas; empty when none was asked.
    pub solver: String,
    /// Digests of the lemmas that the run relies on.
    pub lemmas: Vec<[u8; 32]>,
}

/// A certificate whose parts belong to somebody else; it has the same encoding.
#[derive(Clone, Copy, Debug)]
pub struct CertificateView<'a> {
    /// What was run.
    pub batch: &'a Batch,
    /// The value of each place before.
    pub initial: &'a [i128],
    /// The value of each place after.
    pub final_values: &'a [i128],
    /// For each transaction, in source order, its place in the serial order that is claimed.
    pub positions: &'a [u32],
    /// The places whose accesses were in no order.
    pub escrow: &'a [PlaceId],
    /// For each transaction and each slot of its intent, the value seen.
    pub seen: &'a [i128],
    /// Like `seen`: how many writes the place had had.
    pub versions: &'a [u32],
    /// For each transaction and each slot that its intent writes, the new value.
    pub written: &'a [i128],
    /// How the state came about.
    pub way: Way,
    /// The solver that proved the lemmas.
    pub solver: &'a str,
    /// Digests of the lemmas that the run relies on.
    pub lemmas: &'a [[u8; 32]],
}

/// Why bytes are not a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// They do not begin like one.
    NotACertificate,
    /// A version of the format that this program does not know.
    UnknownVersion(u16),
    /// They end too early, go on too long, or hold a value that cannot be.
    Damaged(String),
    /// The batch inside is not well formed.
    BadBatch(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACertificate => write!(f, "this is not an Aethel certificate"),
            Self::UnknownVersion(version) => write!(
                f,
                "the certificate has format version {version}, this program knows {FORMAT_VERSION}"
            ),
            Self::Damaged(why) => write!(f, "the certificate is damaged: {why}"),
            Self::BadBatch(why) => write!(f, "the batch in the certificate is not well formed: {why}"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Certificate {
    /// The same certificate, borrowed.
    pub fn view(&self) -> CertificateView<'_> {
        CertificateView {
            batch: &self.batch,
            initial: &self.initial,
            final_values: &self.final_values,
            positions: &self.positions,
            escrow: &self.escrow,
            seen: &self.seen,
            versions: &self.versions,
            written: &self.written,
            way: self.way,
            solver: &self.solver,
            lemmas: &self.lemmas,
        }
    }

    /// Checks the batch inside, everything that [`check`] does, and that the accesses which are said to need no order do
    /// not need one.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self, memory: Option<&[i128]>) -> Result<Checked, Rejection> {
        self.batch.validate().map_err(Rejection::BadBatch)?;
        let checked = check(&self.view(), memory)?;
        check_escrow(&self.view())?;
        Ok(checked)
    }
}

/// The bytes of a certificate.
///
/// # Errors
/// Only when a part cannot be serialised, which no part of a batch does.
pub fn encode(view: &CertificateView<'_>) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    let mut out = Writer(bytes);
    wire::write(&mut out, view)?;
    Ok(out.0)
}

/// Reads any bytes as a certificate. Memory stays proportional to the number of bytes.
///
/// # Errors
/// Says why they are not one.
pub fn decode(bytes: &[u8]) -> Result<Certificate, DecodeError> {
    let rest = bytes
        .strip_prefix(MAGIC.as_slice())
        .ok_or(DecodeError::NotACertificate)?;
    let (version, rest) = rest
        .split_first_chunk::<2>()
        .ok_or(DecodeError::NotACertificate)?;
    let version = u16::from_le_bytes(*version);
    if version != FORMAT_VERSION {
        return Err(DecodeError::UnknownVersion(version));
    }
    let mut input = Reader(rest);
    let certificate = wire::read(&mut input)?;
    let left = input.0;
    if !left.is_empty() {
        return Err(DecodeError::Damaged(format!(
            "{} bytes too many at the end",
            left.len()
        )));
    }
    certificate.batch.validate().map_err(DecodeError::BadBatch)?;
    Ok(certificate)
}
