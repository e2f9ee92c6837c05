//! The record of one batch: everything the journal keeps about it.

use crate::places::PlaceKey;
use crate::policy::PolicyChange;
use crate::receipt::{Digest, LedgerId};
use aethel_ir::Amounts;
use std::fmt;
use std::sync::Arc;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A program's batch of transactions.
    Batch,
    /// Opening balances brought in from elsewhere.
    Import,
    /// Changes of the policy alone.
    Policy,
}

impl RecordKind {
    /// The word people and programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Import => "import",
            Self::Policy => "policy",
        }
    }
}

/// What makes a batch the same batch again. The kinds never collide, whatever text a user gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BatchKey {
    /// Given with `--key`: 1 to 128 bytes without control characters.
    User(Arc<str>),
    /// Its content hash, when no key was given.
    Content(Digest),
    /// Derived by `--again` from the receipt of the batch it repeats.
    Again(Digest),
    /// Drawn at random for a call that is a new batch each time.
    Unique([u8; 16]),
}

impl fmt::Display for BatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(text) => f.write_str(text),
            Self::Content(digest) => write!(f, "content {}", digest.short()),
            Self::Again(receipt) => write!(f, "again {}", receipt.short()),
            Self::Unique(bytes) => {
                write!(f, "call ")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// Consecutive transactions whose names have one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRun {
    /// The name, or what stands before the number.
    pub text: Arc<str>,
    /// The number of the first one; `None` when the text is the whole name of a single transaction.
    pub first: Option<u64>,
    /// How many there are, at least 1.
    pub count: u32,
    /// The position of the first one in the batch.
    pub(crate) start: u32,
}

/// The names of a batch's transactions, in runs: the 100 000 rows of a loop take a few bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionNames {
    runs: Vec<NameRun>,
    count: u32,
}

impl TransactionNames {
    /// No transactions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one transaction with a name of its own. Says whether there was room (`u32` positions).
    pub fn push(&mut self, name: impl Into<Arc<str>>) -> bool {
        self.add(name.into(), None, 1)
    }

    /// Adds `count` transactions named `text` and a number from `first` on (`"pay row "`, 1, 3 gives `pay row 1`,
    /// `pay row 2`, `pay row 3`). Says whether there was room.
    pub fn push_run(&mut self, text: impl Into<Arc<str>>, first: u64, count: u32) -> bool {
        count == 0 || self.add(text.into(), Some(first), count)
    }

    pub(crate) fn add(&mut self, text: Arc<str>, first: Option<u64>, count: u32) -> bool {
        let Some(total) = self.count.checked_add(count) else {
            return false;
        };
        if first.is_some_and(|first| first.checked_add(u64::from(count)).is_none()) {
            return false;
        }
        self.runs.push(NameRun {
            text,
            first,
            count,
            start: self.count,
        });
        self.count = total;
        true
    }

    /// How many transactions there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The runs, in order.
    pub fn runs(&self) -> &[NameRun] {
        &self.runs
    }

    /// The name of the transaction at a position from 0, if there is one.
    pub fn name(&self, position: u32) -> Option<String> {
        if position >= self.count {
            return None;
        }
        let run = &self.runs[self.runs.partition_point(|run| run.start <= position) - 1];
        Some(match run.first {
            None => run.text.to_string(),
            Some(first) => format!("{}{}", run.text, first + u64::from(position - run.start)),
        })
    }
}

/// What the transactions did, in columns of equal length, in batch order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Index into the batch's places.
    pub place: Vec<u32>,
    /// For a balance what was added, in minor units; for a field its new value.
    pub amount: Amounts,
    /// The position of the transaction in the batch, from 0.
    pub position: Vec<u32>,
}

impl Entries {
    /// Columns with room for `entries`.
    pub fn with_capacity(entries: usize) -> Self {
        Self {
            place: Vec::with_capacity(entries),
            amount: Amounts::with_capacity(entries),
            position: Vec::with_capacity(entries),
        }
    }

    /// Adds one entry.
    pub fn push(&mut self, place: u32, amount: i128, position: u32) {
        self.place.push(place);
        self.amount.push(amount);
        self.position.push(position);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.place.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.place.is_empty()
    }

    /// Each entry: place index, amount or new value, transaction position.
    pub fn iter(&self) -> impl Iterator<Item = (u32, i128, u32)> + '_ {
        self.place
            .iter()
            .zip(self.amount.iter())
            .zip(&self.position)
            .map(|((place, amount), position)| (*place, amount, *position))
    }
}

/// The first value of a place that the ledger did not know. A balance comes from `equity:opening`, a field from
/// nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Index into the batch's places.
    pub place: u32,
    /// Minor units of the asset, or the field's value.
    pub amount: i128,
}

/// An oracle's signed statement, as it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleProof {
    /// The feed it speaks for.
    pub feed: String,
    /// The decimal value, as it was signed.
    pub value: String,
    /// When the oracle says it was so, in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// The key that signed.
    pub key_id: String,
    /// The Ed25519 signature.
    pub signature: Vec<u8>,
}

/// The oracle proofs of a batch and the one clock reading they were held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleEvidence {
    /// Milliseconds since 1970.
    pub clock_ms: u64,
    /// Every proof used.
    pub proofs: Vec<OracleProof>,
}

/// Somebody's signature under a batch, where the policy asks for approvals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The key that signed.
    pub key_id: String,
    /// When the approval ended, in milliseconds since 1970.
    pub expires_ms: u64,
    /// The Ed25519 signature.
    pub signature: Vec<u8>,
}

/// What the writer of a record says; the rest of a [`Record`] is the store's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// What the record is about.
    pub kind: RecordKind,
    /// When, in milliseconds since 1970, as read by the caller.
    pub time_ms: u64,
    /// The batch's name, 1 to 128 bytes without control characters.
    pub batch: String,
    /// What makes it the same batch again.
    pub key: BatchKey,
    /// Hash of the batch as lowered.
    pub content: Digest,
    /// Where it came from, such as a file name, for people.
    pub program: Option<String>,
    /// Changes of the policy, made before anything else in the record.
    pub policy_changes: Vec<PolicyChange>,
    /// Names of the transactions.
    pub transactions: TransactionNames,
    /// Every place that is opened or written, once each.
    pub places: Vec<PlaceKey>,
    /// The value of each place afterwards, as long as `places`.
    pub values: Vec<i128>,
    /// First values of places unknown so far.
    pub openings: Vec<Opening>,
    /// What the transactions did.
    pub entries: Entries,
    /// Oracle proofs used.
    pub oracles: Option<OracleEvidence>,
    /// Approvals given.
    pub approvals: Vec<Approval>,
}

impl Body {
    /// A body without policy changes, places, entries, proofs or approvals.
    pub fn new(
        kind: RecordKind,
        time_ms: u64,
        batch: impl Into<String>,
        key: BatchKey,
        content: Digest,
    ) -> Self {
        Self {
            kind,
            time_ms,
            batch: batch.into(),
            key,
            content,
            program: None,
            policy_changes: Vec::new(),
            transactions: TransactionNames::new(),
            places: Vec::new(),
            values: Vec::new(),
            openings: Vec::new(),
            entries: Entries::default(),
            oracles: None,
            approvals: Vec::new(),
        }
    }
}

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the journal, from 1.
    pub sequence: u64,
    /// The ledger it belongs to.
    pub ledger_id: LedgerId,
    /// The receipt of the record before it.
    pub previous: Digest,
    /// The policy's version after its changes.
    pub policy_version: u64,
    /// Digest of the certificate stored beside it.
    pub certificate: Digest,
    /// What its writer said. Places and values also hold `equity:opening` where openings drew on it.
    pub body: Body,
}

/// What lists and answers show of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchSummary {
    /// Its place in the journal, from 1.
    pub sequence: u64,
    /// Its receipt.
    pub receipt: Digest,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// What it is about.
    pub kind: RecordKind,
    /// The batch's name.
    pub batch: String,
    /// Its key.
    pub key: BatchKey,
    /// Hash of its content.
    pub content: Digest,
    /// Where it came from.
    pub program: Option<String>,
    /// How many transactions it has.
    pub transactions: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_runs() {
        let mut names = TransactionNames::new();
        assert!(names.push("first"));
        assert!(names.push_run("pay row ", 1, 100_000));
        assert!(names.push_run("none", 0, 0));
        assert!(names.push("last"));
        assert_eq!(names.count(), 100_002);
        assert_eq!(names.runs().len(), 3);
        assert_eq!(names.name(0).as_deref(), Some("first"));
        assert_eq!(names.name(1).as_deref(), Some("pay row 1"));
        assert_eq!(names.name(100_000).as_deref(), Some("pay row 100000"));
        assert_eq!(names.name(100_001).as_deref(), Some("last"));
        assert_eq!(names.name(100_002), None);
        assert!(!names.push_run("x", 0, u32::MAX));
        assert!(!names.push_run("x", u64::MAX, 2));
    }
}
