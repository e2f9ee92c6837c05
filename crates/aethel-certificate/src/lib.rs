//! The certificate of a run and its checker: what a sceptic has to read.
//!
//! A [`Certificate`] holds a batch, the values before and after, the serial order that is claimed, and for every
//! transaction what it saw and what it wrote. [`check`] decides in one linear pass whether running the batch one
//! transaction after the other in batch order does exactly that. It contains no solver, no executor and no reading
//! of guards and effects of its own: it calls the one evaluator of `aethel-ir`.
//!
//! What acceptance means: starting from `initial`, the serial run in batch order goes through and ends in
//! `final_values`, bit for bit, without creating or destroying value. What it does not mean: that `initial` is what
//! a ledger held (the ledger compares the versions it read), or that the supply outside the batch leaves room.

mod bytes;
mod check;
mod claims;
mod conservation;
pub mod escrow;
mod farkas;
mod format;
mod kinds;
mod layout;
mod lemma;
mod order;
mod proof_file;
mod rejection;
mod running;
mod wire;
mod workers;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

pub use check::{AssetSum, Checked, Memory, check, check_while};
pub use claims::{accesses, check_columns, check_columns_with, check_escrow};
pub use conservation::asset_sums;
pub use farkas::{FarkasError, Inequality, LinearLemma, Refutation};
pub use format::{Certificate, CertificateView, DecodeError, FORMAT_VERSION, Way, decode, encode};
pub use layout::{Layout, Shape};
pub use lemma::{Grounds, LemmaError, LemmaRecord, LemmaVerdict, MAX_LEMMA_BYTES};
pub use order::{batch_order, item_order};
pub use proof_file::{CheckedProof, ProofError, ProofFile};
pub use rejection::Rejection;
pub use workers::{Alone, Workers};

/// The digest of an encoded certificate, which the ledger keeps in the batch record.
pub fn digest(encoded: &[u8]) -> [u8; 32] {
    *blake3::hash(encoded).as_bytes()
}
