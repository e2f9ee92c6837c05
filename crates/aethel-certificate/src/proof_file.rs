//! The file that a proof is exported to: a certificate and the lemmas that it names.
//!
//! A certificate that names no lemma is a proof file by itself.

use crate::check::Checked;
use crate::format::{Certificate, DecodeError, decode};
use crate::lemma::{Grounds, LemmaError, LemmaRecord};
use crate::rejection::Rejection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The first bytes of a proof file, with its version.
const MAGIC: &[u8; 16] = b"aethel-proof  1\n";

/// A certificate and the records of its lemmas, as encoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofFile<'a> {
    /// The certificate.
    #[serde(borrow)]
    pub certificate: &'a [u8],
    /// The lemmas, in the order in which the certificate names them.
    #[serde(borrow)]
    pub lemmas: Vec<&'a [u8]>,
}

/// What a proof that was accepted amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedProof {
    /// The certificate.
    pub certificate: Certificate,
    /// What its check found.
    pub checked: Checked,
    /// Its lemmas and what each rests on.
    pub lemmas: Vec<(LemmaRecord, Grounds)>,
}

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The bytes are no proof.
    Decode(DecodeError),
    /// The certificate does not fit the run that it describes.
    Rejected(Rejection),
    /// A lemma that the certificate names is not there.
    MissingLemma([u8; 32]),
    /// A lemma that is there is not named by the certificate.
    ForeignLemma([u8; 32]),
    /// A lemma proves nothing.
    Lemma([u8; 32], LemmaError),
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => write!(f, "{error}"),
            Self::Rejected(rejection) => write!(f, "{rejection}"),
            Self::MissingLemma(digest) => write!(f, "the lemma {} is not there", hex(digest)),
            Self::ForeignLemma(digest) => {
                write!(
                    f,
                    "the lemma {} is there, and the certificate does not name it",
                    hex(digest)
                )
            }
            Self::Lemma(digest, error) => write!(f, "lemma {}: {error}", hex(digest)),
        }
    }
}

impl std::error::Error for ProofError {}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl<'a> ProofFile<'a> {
    /// The bytes of the file.
    ///
    /// # Errors
    /// Only when they cannot be serialised, which no bytes cause.
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        if self.lemmas.is_empty() {
            return Ok(self.certificate.to_vec());
        }
        postcard::to_extend(self, MAGIC.to_vec()).map_err(|error| DecodeError::Damaged(error.to_string()))
    }

    /// Reads any bytes as a proof file, or as a certificate that is one by itself.
    ///
    /// # Errors
    /// Says why they are neither.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let Some(rest) = bytes.strip_prefix(MAGIC.as_slice()) else {
            return Ok(Self {
                certificate: bytes,
                lemmas: Vec::new(),
            });
        };
        let (file, left): (Self, &[u8]) =
            postcard::take_from_bytes(rest).map_err(|error| DecodeError::Damaged(error.to_string()))?;
        if !left.is_empty() {
            return Err(DecodeError::Damaged(format!(
                "{} bytes too many at the end",
                left.len()
            )));
        }
        Ok(file)
    }

    /// Checks the certificate by evaluating every transaction again, and that each lemma it names is there and proves
    /// what it says, as far as that can be seen without a solver.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<CheckedProof, ProofError> {
        let certificate = decode(self.certificate).map_err(ProofError::Decode)?;
        let lemmas = check_lemmas(&certificate, &self.lemmas)?;
        let checked = certificate.check(None).map_err(ProofError::Rejected)?;
        Ok(CheckedProof {
            certificate,
            checked,
            lemmas,
        })
    }
}

/// Every lemma that the certificate names is among the records and proved, and no other is there.
fn check_lemmas(
    certificate: &Certificate,
    records: &[&[u8]],
) -> Result<Vec<(LemmaRecord, Grounds)>, ProofError> {
    let mut there: BTreeMap<[u8; 32], &[u8]> = BTreeMap::new();
    for bytes in records {
        there.insert(LemmaRecord::digest(bytes), bytes);
    }
    let mut lemmas = Vec::with_capacity(certificate.lemmas.len());
    for digest in &certificate.lemmas {
        let bytes = there.remove(digest).ok_or(ProofError::MissingLemma(*digest))?;
        let failed = |error| ProofError::Lemma(*digest, error);
        let record = LemmaRecord::decode(bytes).map_err(failed)?;
        let grounds = record.check().map_err(failed)?;
        lemmas.push((record, grounds));
    }
    match there.into_keys().next() {
        Some(digest) => Err(ProofError::ForeignLemma(digest)),
        None => Ok(lemmas),
    }
}
