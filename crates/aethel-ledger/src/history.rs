//! What happened to one account, from the journal.

use crate::places::PlaceKey;
use crate::record::Record;
use crate::store::{LedgerStore, Rows};
use aethel_ir::AccountName;
use aethel_ir::account::OPENING_ACCOUNT;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// One change of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryLine {
    /// The record's number.
    pub sequence: u64,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// The batch's name.
    pub batch: Arc<str>,
    /// The transaction's name; `None` for an opening.
    pub transaction: Option<String>,
    /// What changed.
    pub place: PlaceKey,
    /// Who approved the record.
    pub approved_by: Arc<[String]>,
    /// By how much, in minor units (for a field: new value less old).
    pub delta: i128,
    /// The value afterwards.
    pub after: i128,
}

/// Every change of an account's balances and fields, oldest first. Reads the journal as it goes.
pub fn history<'a>(store: &'a dyn LedgerStore, account: &'a AccountName) -> Rows<'a, HistoryLine> {
    let mut values: HashMap<PlaceKey, i128> = HashMap::new();
    let mut ready: VecDeque<HistoryLine> = VecDeque::new();
    let mut sequences = 1..=store.head().sequence;
    Box::new(std::iter::from_fn(move || {
        loop {
            if let Some(line) = ready.pop_front() {
                return Some(Ok(line));
            }
            match store.record(sequences.next()?) {
                Ok(Some(record)) => ready.extend(lines(&record, account, &mut values)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }))
}

fn lines(record: &Record, account: &AccountName, values: &mut HashMap<PlaceKey, i128>) -> Vec<HistoryLine> {
    let body = &record.body;
    let mine: Vec<bool> = body
        .places
        .iter()
        .map(|place| place.account == *account)
        .collect();
    if !mine.contains(&true) {
        return Vec::new();
    }
    let batch: Arc<str> = body.batch.as_str().into();
    let approved_by: Arc<[String]> = body.approvals.iter().map(|a| a.key_id.clone()).collect();
    let mut lines = Vec::new();
    let mut line = |place: &PlaceKey, transaction: Option<String>, change: Change| {
        let value = values.entry(place.clone()).or_default();
        let before = *value;
        // Saturating: a damaged record may hold any numbers, and `verify` is the one to say so.
        *value = match change {
            Change::By(delta) => before.saturating_add(delta),
            Change::To(new) => new,
        };
        lines.push(HistoryLine {
            sequence: record.sequence,
            time_ms: body.time_ms,
            batch: batch.clone(),
            transaction,
            place: place.clone(),
            approved_by: approved_by.clone(),
            delta: value.saturating_sub(before),
            after: *value,
        });
    };
    for opening in &body.openings {
        let opened = &body.places[opening.place as usize];
        if mine[opening.place as usize] {
            line(opened, None, Change::To(opening.amount));
        } else if account.as_str() == OPENING_ACCOUNT
            && let Some(asset) = opened.field.asset()
        {
            let drawn = PlaceKey::balance(account.clone(), asset.clone());
            line(&drawn, None, Change::By(opening.amount.saturating_neg()));
        }
    }
    for (place, amount, position) in body.entries.iter().filter(|(place, ..)| mine[*place as usize]) {
        let place = &body.places[place as usize];
        let change = if place.field.asset().is_some() {
            Change::By(amount)
        } else {
            Change::To(amount)
        };
        line(place, body.transactions.name(position), change);
    }
    lines
}

enum Change {
    By(i128),
    To(i128),
}
