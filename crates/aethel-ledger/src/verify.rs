//! The check of a whole ledger: nothing of what it says is taken on trust but the entries.

use crate::blob::{Blob, certificate_digest, lemma_digest, receipt_of};
use crate::error::LedgerError;
use crate::places::{FieldKey, MAX_MINOR_UNITS, PlaceKey, Versioned};
use crate::policy::Policy;
use crate::receipt::{Digest, LedgerId};
use crate::record::{Body, Record};
use crate::record_codec::key_row;
use crate::store::LedgerStore;
use aethel_ir::account::OPENING_ACCOUNT;
use aethel_ir::{Code, Diagnostic, Progress};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

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
    let mut keys: HashMap<Vec<u8>, u64> = HashMap::new();
    for row in store.key_rows()? {
        let (key, sequence) = row?;
        keys.insert(key, sequence);
    }
    let mut lemmas = 0;
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
    let table = |reason: String| Err(VerifyFailure::Table { reason });
    if let Some(sequence) = keys.values().min() {
        return table(format!("a second key leads to record {sequence}"));
    }
    if walk.receipt != end.receipt {
        return table("the last receipt is another one".to_owned());
    }
    if walk.policy != *store.policy() {
        return table("the policy is not what the journal's changes make".to_owned());
    }
    check_rows(&walk.values, store.balances()?, "the current balances")?;
    for row in store.lemma_rows()? {
        let (digest, bytes) = row?;
        let found = lemma_digest(&bytes);
        if found.0 != *digest {
            return table(format!("a lemma has the digest {found} and stands under another"));
        }
        lemmas += 1;
    }
    let mut sums: BTreeMap<Arc<str>, i128> = BTreeMap::new();
    for (place, value) in &walk.values {
        if let Some(asset) = place.field.asset() {
            let sum = sums.entry(asset.clone()).or_default();
            *sum = sum.saturating_add(value.value);
            if value.value < 0 && !walk.policy.is_unbounded(place.account.as_str()) {
                return table(format!("`{place}` is below zero and its account may not be"));
            }
        }
    }
    if let Some((asset, sum)) = sums.iter().find(|(_, sum)| **sum != 0) {
        return table(format!(
            "all accounts together hold {sum} minor units of `{asset}` instead of zero"
        ));
    }
    match head {
        Some(head) if !anchored => Err(VerifyFailure::HeadMissing(head)),
        _ => Ok(VerifyReport {
            ledger_id: end.ledger_id,
            records: end.sequence,
            head: end.receipt,
            places: walk.values.len(),
            lemmas,
            assets: sums.into_keys().collect(),
            anchored,
        }),
    }
}

/// Compares a table of balances with the recomputed ones, both ways.
fn check_rows(
    values: &HashMap<PlaceKey, Versioned>,
    rows: crate::store::Rows<'_, (PlaceKey, Versioned)>,
    table: &str,
) -> Result<(), VerifyFailure> {
    let mut count = 0;
    let mut before: Option<PlaceKey> = None;
    for row in rows {
        let (place, value) = row?;
        if values.get(&place) != Some(&value) || before.as_ref().is_some_and(|before| *before >= place) {
            return Err(VerifyFailure::Table {
                reason: format!("{table} differ at `{place}`"),
            });
        }
        count += 1;
        before = Some(place);
    }
    if count == values.len() {
        Ok(())
    } else {
        let missing = values.len() - count;
        Err(VerifyFailure::Table {
            reason: format!("{table} lack {missing} of {} places", values.len()),
        })
    }
}

/// The state that the entries make, record by record.
struct Walk {
    ledger_id: LedgerId,
    receipt: Digest,
    policy: Policy,
    values: HashMap<PlaceKey, Versioned>,
}

type Fit<T = ()> = Result<T, String>;

fn ensure(fits: bool, otherwise: impl FnOnce() -> String) -> Fit {
    if fits { Ok(()) } else { Err(otherwise()) }
}

impl Walk {
    fn new(ledger_id: LedgerId) -> Self {
        Self {
            ledger_id,
            receipt: ledger_id.genesis(),
            policy: Policy::default(),
            values: HashMap::new(),
        }
    }

    fn step(&mut self, sequence: u64, row: &[u8], keys: &mut HashMap<Vec<u8>, u64>) -> Fit<Vec<u8>> {
        let blob = Blob::parse(row).map_err(|e| e.to_string())?;
        ensure(receipt_of(blob.record) == blob.receipt, || {
            "its receipt is not the hash of its content".into()
        })?;
        let record = blob.record().map_err(|e| e.to_string())?;
        ensure(record.sequence == sequence, || {
            format!("it says that it is record {}", record.sequence)
        })?;
        ensure(record.ledger_id == self.ledger_id, || {
            "it belongs to another ledger".into()
        })?;
        ensure(record.previous == self.receipt, || {
            "it does not continue the record before it".into()
        })?;
        ensure(record.certificate == certificate_digest(blob.certificate), || {
            "its certificate is not the one it was committed with".into()
        })?;
        let key = key_row(&record.body.batch, &record.body.key);
        let leads = keys.remove(&key);
        ensure(leads == Some(sequence), || match leads {
            None => "no key leads to it".into(),
            Some(other) => format!("its key leads to record {other}"),
        })?;
        crate::approval::check(&self.policy, self.ledger_id, &record.body, false)
            .map_err(|e| e.to_string())?;
        self.change_policy(&record)?;
        self.replay(sequence, &record.body)?;
        self.receipt = blob.receipt;
        Ok(key)
    }

    fn change_policy(&mut self, record: &Record) -> Fit {
        for change in &record.body.policy_changes {
            self.policy.apply(change).map_err(|e| e.to_string())?;
        }
        ensure(self.policy.version() == record.policy_version, || {
            "its policy version is another one".into()
        })
    }

    /// Applies openings and entries to the values so far, and compares with the values that the record states.
    fn replay(&mut self, sequence: u64, body: &Body) -> Fit {
        let mut new: Vec<Option<i128>> = body
            .places
            .iter()
            .map(|place| self.values.get(place).map(|v| v.value))
            .collect();
        let mut sums: HashMap<&Arc<str>, i128> = HashMap::new();
        let add = |value: &mut i128, amount: i128| {
            *value = value.checked_add(amount).ok_or("a sum is too large")?;
            Ok::<_, String>(())
        };
        let equities: HashMap<&Arc<str>, usize> = (0..)
            .zip(&body.places)
            .filter(|(_, place)| place.account.as_str() == OPENING_ACCOUNT)
            .filter_map(|(i, place)| Some((place.field.asset()?, i)))
            .collect();
        for opening in &body.openings {
            let i = opening.place as usize;
            ensure(new[i].is_none(), || {
                format!("it opens `{}` a second time", body.places[i])
            })?;
            new[i] = Some(opening.amount);
            if let Some(asset) = body.places[i].field.asset() {
                let equity = equities.get(asset);
                let equity = equity.ok_or_else(|| format!("openings of `{asset}` come from nowhere"))?;
                add(new[*equity].get_or_insert(0), opening.amount.saturating_neg())?;
            }
        }
        for (place, amount, _) in body.entries.iter() {
            let i = place as usize;
            match body.places[i].field.asset() {
                Some(asset) => {
                    add(new[i].get_or_insert(0), amount)?;
                    add(sums.entry(asset).or_default(), amount)?;
                }
                None => new[i] = Some(amount),
            }
        }
        if let Some((asset, sum)) = sums.iter().find(|(_, sum)| **sum != 0) {
            return Err(format!(
                "its entries in `{asset}` sum to {sum} minor units instead of zero"
            ));
        }
        for ((place, new), stated) in body.places.iter().zip(new).zip(&body.values) {
            let value = new.unwrap_or(0);
            ensure(value == *stated, || {
                format!("`{place}` is {value} by its entries, it states {stated}")
            })?;
            self.check_place(place, value)?;
            let value = Versioned {
                value,
                version: sequence,
            };
            let before = self.values.insert(place.clone(), value);
            ensure(before.is_none_or(|before| before.version < sequence), || {
                format!("it lists `{place}` twice")
            })?;
        }
        Ok(())
    }

    fn check_place(&self, place: &PlaceKey, value: i128) -> Fit {
        let name = place.field.name();
        let known = match &place.field {
            FieldKey::Balance { asset } => self.policy.scale(asset).is_some(),
            FieldKey::Integer { .. } | FieldKey::Bool { .. } => self.policy.fields().contains_key(name),
        };
        ensure(known, || format!("the policy does not know `{name}`"))?;
        ensure(value.unsigned_abs() <= MAX_MINOR_UNITS.unsigned_abs(), || {
            format!("`{place}` is out of range")
        })?;
        let balance = place.field.asset().is_some();
        ensure(
            !balance || value >= 0 || self.policy.is_unbounded(place.account.as_str()),
            || format!("`{place}` is below zero"),
        )
    }
}
