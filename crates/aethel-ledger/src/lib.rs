//! Where balances live: the ledger's records, receipts and stores, and the check of the whole chain.
//!
//! Takes a [`CommitRequest`] (what a batch read, what it wrote, its certificate) and gives a receipt once it is
//! durable; refuses what does not add up, whatever the caller proved before. It reads its own files and nothing
//! else: times are passed in.

mod approval;
mod blob;
mod codec;
mod error;
mod export;
mod history;
mod import;
mod memory;
mod places;
mod policy;
mod policy_codec;
mod postgres;
mod prepare;
mod receipt;
mod record;
mod record_codec;
mod redb_store;
mod store;
mod sums;
mod tail;
mod verify;

pub use approval::{
    ApprovalProblem, ApprovalRefused, ApprovalReport, ApprovalRule, Approver, Need, Plan, Selected,
    SignedPart, SignedPlan, Why, approver_key, select,
};
pub use blob::{BlobError, FORMAT_VERSION, certificate_digest, lemma_digest};
pub use codec::Malformed;
pub use error::{LedgerError, Refusal, ServerProblem};
pub use export::{ExportError, ExportFormat, export};
pub use history::{HistoryLine, history};
pub use import::{ImportLine, import};
pub use memory::MemoryStore;
pub use places::{Columns, FieldKey, MAX_MINOR_UNITS, MAX_NAME_BYTES, PlaceKey, Versioned};
pub use policy::{FieldKind, MAX_SCALE, OracleFeed, OracleKey, Policy, PolicyChange, PolicyRefused};
pub use postgres::{PostgresStore, ServerLimits, ServerUrl, UrlError, copy_to_server};
pub use receipt::{Digest, DigestError, DigestPrefix, LedgerId};
pub use record::{
    Approval, BatchKey, BatchSummary, Body, Entries, NameRun, Opening, OracleEvidence, OracleProof, Record,
    RecordKind, TransactionNames,
};
pub use redb_store::{GroupStore, RedbStore, copy_to_file, panics_are_caught};
pub use store::{CommitOutcome, CommitRequest, Head, LedgerStore, LemmaRow, Rows, Ticket, read_row};
pub use verify::{VerifyFailure, VerifyReport, verify, verify_watched};
