//! The check of a whole ledger: nothing of what it says is taken on trust but the entries.

mod walk;

use crate::blob::lemma_digest;
use crate::error::LedgerError;
use crate::places::{PlaceKey, Versioned};
use crate::receipt::{Digest, LedgerId};
use crate::store::{LedgerStore, Rows};
use aethel_ir::{Code, Diagnostic, Progress};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use walk::Walk;

/// What a ledger that fits is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Which ledger.
    pub ledger_id: LedgerId,
    /// How many records were walked.
    pub records: u64,
    /// The receipt of the last one.
    pub head: Digest,
    /// How many places have a value.
    pub places: usize,
    /// How many lemmas are stored, each under its own digest.
    pub lemmas: u64,
    /// The assets that sum to zero over all accounts.
    pub assets: Vec<Arc<str>>,
    /// Whether a receipt from outside was found in the chain. If not, the chain is sound but its end may be
    /// missing: the tail is not anchored.
    pub anchored: bool,
}

/// The first thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyFailure {
    /// A record.
    Record {
        /// Its number.
        sequence: u64,
        /// Why it does not fit.
        reason: String,
    },
    /// A table beside the journal, which is itself sound.
    Table {
        /// What does not fit.
        reason: String,
    },
    /// The receipt from outside is not in the chain: the end is missing, or it is another ledger or an old copy.
    HeadMissing(Digest),
    /// The ledger could not be read.
    Store(LedgerError),
}

impl fmt::Display for VerifyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { sequence, reason } => write!(f, "record {sequence} does not fit: {reason}"),
            Self::Table { reason } => write!(f, "the journal is sound, but {reason}"),
            Self::HeadMissing(receipt) => write!(f, "no record has the receipt {receipt}"),
            Self::Store(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for VerifyFailure {}

impl VerifyFailure {
    /// The diagnostic to show: what does not fit and what to do.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let help = match self {
            Self::Store(error) => return error.to_diagnostic(),
            Self::Record { .. } | Self::Table { .. } => {
                "keep the file and put back a copy that `aethel ledger verify` accepts"
            }
            Self::HeadMissing(_) => {
                "the end of the journal is missing, or this is another ledger or an old copy"
            }
        };
        let code = if matches!(self, Self::HeadMissing(_)) {
            Code::AE0807
        } else {
            Code::AE0804
        };
        Diagnostic::new(code, self.to_string()).help(help)
    }
}

impl From<LedgerError> for VerifyFailure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Damaged {
                sequence: Some(sequence),
                reason,
                ..
            } => Self::Record { sequence, reason },
            error => Self::Store(error),
        }
    }
}

/// Walks the chain from the first record: recomputes receipts, certificate digests and every balance, and
/// compares the keys, the checkpoint and the current balances with what comes out. `head` is a receipt kept
/// outside of the ledger; finding it shows that the records up to it are all there.
///
/// # Errors
/// The first record, or else the first table, that does not fit.
pub fn verify(store: &dyn LedgerStore, head: Option<Digest>) -> Result<VerifyReport, VerifyFailure> {
    verify_each(store, head, &mut |_, _, _| Ok(()))
}

/// [`verify`], which also says how far it is.
///
/// # Errors
/// As [`verify`].
pub fn verify_watched(
    store: &dyn LedgerStore,
    head: Option<Digest>,
    progress: &Progress,
) -> Result<VerifyReport, VerifyFailure> {
    progress.begin_counting("verifying", "records", Some(store.head().sequence));
    verify_each(store, head, &mut |sequence, _, _| {
        progress.reached(sequence);
        Ok(())
    })
}

/// What is done with the number, row and key of each record that fits.
pub(crate) type Each<'a> = dyn FnMut(u64, &[u8], Vec<u8>) -> Result<(), LedgerError> + 'a;

/// [`verify`], which also gives every record to `each`.
pub(crate) fn verify_each(
    store: &dyn LedgerStore,
    head: Option<Digest>,
    each: &mut Each<'_>,
) -> Result<VerifyReport, VerifyFailure> {
    let end = store.head();
    let mut keys: HashMap<Vec<u8>, u64> = store.key_rows()?.collect::<Result<_, _>>()?;
    let (checkpoint, _) = store.checkpoint_rows()?;
    let mut walk = Walk::new(end.ledger_id);
    let mut anchored = head == Some(walk.receipt);
    if checkpoint == 0 {
        check_rows(&walk.values, store.checkpoint_rows()?.1, "the table of balances")?;
    }
    for sequence in 1..=end.sequence {
        let fail = |reason: String| VerifyFailure::Record { sequence, reason };
        let row = store
            .row(sequence)?
            .ok_or_else(|| fail("it is missing".to_owned()))?;
        let key = walk.step(sequence, &row, &mut keys).map_err(fail)?;
        each(sequence, &row, key)?;
        anchored |= head == Some(walk.receipt);
        if sequence == checkpoint {
            check_rows(&walk.values, store.checkpoint_rows()?.1, "the table of balances")?;
        }
    }
    if store.row(end.sequence + 1)?.is_some() {
        let reason = "it comes after the last one".to_owned();
        return Err(VerifyFailure::Record {
            sequence: end.sequence + 1,
            reason,
        });
    }
    if let Some(sequence) = keys.values().min() {
        return Err(table(format!("a second key leads to record {sequence}")));
    }
    if walk.receipt != end.receipt {
        return Err(table("the last receipt is another one".to_owned()));
    }
    if walk.policy != *store.policy() {
        return Err(table(
            "the policy is not what the journal's changes make".to_owned(),
        ));
    }
    check_rows(&walk.values, store.balances()?, "the current balances")?;
    let lemmas = check_lemmas(store)?;
    let assets = check_sums(&walk)?;
    match head {
        Some(head) if !anchored => Err(VerifyFailure::HeadMissing(head)),
        _ => Ok(VerifyReport {
            ledger_id: end.ledger_id,
            records: end.sequence,
            head: end.receipt,
            places: walk.values.len(),
            lemmas,
            assets,
            anchored,
        }),
    }
}

fn table(reason: String) -> VerifyFailure {
    VerifyFailure::Table { reason }
}

/// Each lemma stands under its own digest; gives how many there are.
fn check_lemmas(store: &dyn LedgerStore) -> Result<u64, VerifyFailure> {
    let mut lemmas = 0;
    for row in store.lemma_rows()? {
        let (digest, bytes) = row?;
        let found = lemma_digest(&bytes);
        if found.0 != *digest {
            let reason = format!("a lemma has the digest {found} and stands under another");
            return Err(table(reason));
        }
        lemmas += 1;
    }
    Ok(lemmas)
}

/// Who may not be below zero is not, also where the policy changed since; and each asset sums to zero. Gives the assets.
fn check_sums(walk: &Walk) -> Result<Vec<Arc<str>>, VerifyFailure> {
    let mut sums: BTreeMap<Arc<str>, i128> = BTreeMap::new();
    for (place, value) in &walk.values {
        if let Some(asset) = place.field.asset() {
            let sum = sums.entry(asset.clone()).or_default();
            *sum = sum.saturating_add(value.value);
            if value.value < 0 && !walk.policy.is_unbounded(place.account.as_str()) {
                return Err(table(format!(
                    "`{place}` is below zero and its account may not be"
                )));
            }
        }
    }
    match sums.iter().find(|(_, sum)| **sum != 0) {
        Some((asset, sum)) => Err(table(format!(
            "all accounts together hold {sum} minor units of `{asset}` instead of zero"
        ))),
        None => Ok(sums.into_keys().collect()),
    }
}

/// Compares a table of balances with the recomputed ones, both ways.
fn check_rows(
    values: &HashMap<PlaceKey, Versioned>,
    rows: Rows<'_, (PlaceKey, Versioned)>,
    what: &str,
) -> Result<(), VerifyFailure> {
    let mut count = 0;
    let mut before: Option<PlaceKey> = None;
    for row in rows {
        let (place, value) = row?;
        if values.get(&place) != Some(&value) || before.as_ref().is_some_and(|before| *before >= place) {
            return Err(table(format!("{what} differ at `{place}`")));
        }
        count += 1;
        before = Some(place);
    }
    if count == values.len() {
        Ok(())
    } else {
        let missing = values.len() - count;
        Err(table(format!("{what} lack {missing} of {} places", values.len())))
    }
}
