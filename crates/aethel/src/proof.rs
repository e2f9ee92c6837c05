//! Proofs that are stored with batches: taking them out of a ledger, and checking them.

pub use aethel_proof::{LEMMA_LIMITS, NEVER_HOLDS};

use aethel_certificate::{CheckedProof, DecodeError, ProofFile, decode};
use aethel_ir::{Code, Diagnostic};
use aethel_ledger::{BatchSummary, Digest, LedgerError, LedgerStore, certificate_digest};

/// A proof as a ledger keeps it: the certificate of a batch and the lemmas that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProof {
    certificate: Vec<u8>,
    lemmas: Vec<Vec<u8>>,
}

impl StoredProof {
    /// Takes the proof of a record out of a ledger; `None` when the record has none. That it is the one the record was
    /// committed with is compared here.
    ///
    /// # Errors
    /// AE0602 when it is not, AE08xx when the ledger cannot be read.
    pub fn of_batch(store: &dyn LedgerStore, sequence: u64) -> Result<Option<Self>, Diagnostic> {
        let failed = |error: LedgerError| error.to_diagnostic();
        let certificate = store.certificate(sequence).map_err(failed)?.unwrap_or_default();
        if certificate.is_empty() {
            return Ok(None);
        }
        // The checker judges the proof by itself; that it is the proof of this batch, its record says.
        let recorded = store.record(sequence).map_err(failed)?;
        if recorded.map(|record| record.certificate) != Some(certificate_digest(&certificate)) {
            return Err(rejected(
                sequence,
                "it is not the one that the batch was committed with",
            ));
        }
        let lemmas = lemmas_of(store, sequence, &certificate)?;
        Ok(Some(Self { certificate, lemmas }))
    }

    /// The bytes to export.
    ///
    /// # Errors
    /// Only when they cannot be serialised, which no bytes cause.
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        self.file().encode()
    }

    /// It as a file.
    pub fn file(&self) -> ProofFile<'_> {
        ProofFile {
            certificate: &self.certificate,
            lemmas: self.lemmas.iter().map(Vec::as_slice).collect(),
        }
    }
}

/// The lemmas that a certificate names, as far as the ledger has them: what is missing the check names.
fn lemmas_of(store: &dyn LedgerStore, sequence: u64, certificate: &[u8]) -> Result<Vec<Vec<u8>>, Diagnostic> {
    let certificate = decode(certificate).map_err(|error| rejected(sequence, &error.to_string()))?;
    let mut lemmas = Vec::new();
    for digest in &certificate.lemmas {
        let lemma = store.lemma(&Digest(*digest));
        lemmas.extend(lemma.map_err(|error| error.to_diagnostic())?);
    }
    Ok(lemmas)
}

/// Checks a proof file. With a ledger, its batch must be there, committed with exactly this proof; lemmas that the file
/// does not bring are taken from there.
///
/// # Errors
/// AE0602 when the proof is not accepted, or the ledger has no batch with it; AE08xx.
pub fn verify(
    name: &str,
    bytes: &[u8],
    store: Option<&dyn LedgerStore>,
) -> Result<(CheckedProof, Option<BatchSummary>), Diagnostic> {
    let fail = |reason: String| {
        Diagnostic::new(Code::AE0602, format!("the proof `{name}` is rejected: {reason}"))
            .help("take it from its ledger again with `aethel ledger proof BATCH --out FILE`")
    };
    let file = ProofFile::decode(bytes).map_err(|error| fail(error.to_string()))?;
    let Some(store) = store else {
        let checked = file.check().map_err(|error| fail(error.to_string()))?;
        return Ok((checked, None));
    };
    let summary = find(store, &certificate_digest(file.certificate))?
        .ok_or_else(|| fail(format!("no batch in `{}` was committed with it", store.name())))?;
    let lemmas = lemmas_of(store, summary.sequence, file.certificate)?;
    let complete = if file.lemmas.is_empty() {
        ProofFile {
            certificate: file.certificate,
            lemmas: lemmas.iter().map(Vec::as_slice).collect(),
        }
    } else {
        file
    };
    let checked = complete.check().map_err(|error| fail(error.to_string()))?;
    Ok((checked, Some(summary)))
}

/// The batch that was committed with a certificate, looking from the newest back.
fn find(store: &dyn LedgerStore, certificate: &Digest) -> Result<Option<BatchSummary>, Diagnostic> {
    let failed = |error: LedgerError| error.to_diagnostic();
    for sequence in (1..=store.head().sequence).rev() {
        let record = store.record(sequence).map_err(failed)?;
        if record.is_some_and(|record| record.certificate == *certificate) {
            return store.summary(sequence).map_err(failed);
        }
    }
    Ok(None)
}

/// Says that the proof of a batch is not accepted.
pub fn rejected(sequence: u64, reason: &str) -> Diagnostic {
    let message = format!("the proof of batch {sequence} is rejected: {reason}");
    Diagnostic::new(Code::AE0602, message)
        .help("the ledger file was changed; `aethel ledger verify` says where")
}
