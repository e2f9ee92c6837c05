//! A record as what it moves: openings and transactions, and transactions that balance only together.

use super::ExportError;
use crate::policy::Policy;
use crate::receipt::Digest;
use crate::record::{Body, Record};
use crate::store::{LedgerStore, decode};
use aethel_ir::account::OPENING_ACCOUNT;
use aethel_ir::money::format_amount;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

/// Every record with its receipt, in order.
pub(super) fn records(
    store: &dyn LedgerStore,
    mut each: impl FnMut(&Record, Digest) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    for sequence in 1..=store.head().sequence {
        let Some(row) = store.row(sequence)? else { continue };
        let (record, receipt) = decode(store.name(), sequence, &row, |blob| {
            Ok((blob.record()?, blob.receipt))
        })?;
        drop(row);
        each(&record, receipt)?;
    }
    Ok(())
}

/// One movement of money.
pub(super) struct Posting<'a> {
    pub account: &'a str,
    pub asset: &'a Arc<str>,
    pub amount: i128,
}

/// The names of all accounts that hold money, sorted.
pub(super) fn accounts(
    store: &dyn LedgerStore,
    mut each: impl FnMut(&str) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut before = String::new();
    for row in store.balances()? {
        let (place, _) = row?;
        if place.field.asset().is_some() && place.account.as_str() != before {
            place.account.as_str().clone_into(&mut before);
            each(&before)?;
        }
    }
    Ok(())
}

/// What a record is for a program that knows nothing but money: transactions that balance, each with what it is called.
pub(super) fn transactions<'a>(
    body: &'a Body,
    mut each: impl FnMut(&str, &mut dyn Iterator<Item = Posting<'a>>) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let opened = opening_postings(body);
    if !opened.is_empty() {
        each("opening", &mut opened.into_iter())?;
    }
    for group in balanced(body) {
        each(&title(body, &group), &mut postings(body, group))?;
    }
    Ok(())
}

/// How a program writes a posting.
pub(super) struct PostingForm {
    pub indent: &'static str,
    pub account: fn(&str) -> String,
    pub asset: fn(&str) -> String,
}

impl PostingForm {
    /// Writes postings, a line each.
    pub(super) fn write(
        &self,
        policy: &Policy,
        postings: &mut dyn Iterator<Item = Posting<'_>>,
        out: &mut dyn Write,
    ) -> Result<(), ExportError> {
        for posting in postings {
            let scale = policy.scale(posting.asset).unwrap_or(0);
            let (account, asset) = ((self.account)(posting.account), (self.asset)(posting.asset));
            let amount = format_amount(posting.amount, scale);
            writeln!(out, "{}{account}  {amount} {asset}", self.indent)?;
        }
        Ok(())
    }
}

/// The money that a record's openings bring, and where it comes from. Empty when there is none.
fn opening_postings(body: &Body) -> Vec<Posting<'_>> {
    let mut drawn: BTreeMap<&Arc<str>, i128> = BTreeMap::new();
    let mut postings: Vec<Posting<'_>> = Vec::new();
    for opening in &body.openings {
        let place = &body.places[opening.place as usize];
        let Some(asset) = place.field.asset() else {
            continue;
        };
        let sum = drawn.entry(asset).or_default();
        *sum = sum.saturating_sub(opening.amount);
        postings.push(Posting {
            account: place.account.as_str(),
            asset,
            amount: opening.amount,
        });
    }
    postings.extend(drawn.into_iter().map(|(asset, amount)| Posting {
        account: OPENING_ACCOUNT,
        asset,
        amount,
    }));
    postings
}

/// The transactions of a record as groups of entries that each balance in every asset: mostly single transactions, else
/// as few neighbours as it takes. Groups without money are left out.
fn balanced(body: &Body) -> Vec<Range<usize>> {
    let entries = &body.entries;
    let mut groups = Vec::new();
    let mut open: BTreeMap<&Arc<str>, i128> = BTreeMap::new();
    let (mut begin, mut money) = (0, false);
    for at in 0..entries.len() {
        if let Some(asset) = body.places[entries.place[at] as usize].field.asset() {
            money = true;
            let sum = open.entry(asset).or_default();
            *sum = sum.saturating_add(entries.amount.get(at).unwrap_or(0));
            if *sum == 0 {
                open.remove(asset);
            }
        }
        let last = entries.position.get(at + 1) != Some(&entries.position[at]);
        if last && open.is_empty() {
            if money {
                groups.push(begin..at + 1);
            }
            (begin, money) = (at + 1, false);
        }
    }
    // What does not balance is damaged; it is shown as it stands.
    if money {
        groups.push(begin..entries.len());
    }
    groups
}

/// The money in a group of entries.
fn postings(body: &Body, group: Range<usize>) -> impl Iterator<Item = Posting<'_>> {
    group.filter_map(|at| {
        let place = &body.places[body.entries.place[at] as usize];
        Some(Posting {
            account: place.account.as_str(),
            asset: place.field.asset()?,
            amount: body.entries.amount.get(at).unwrap_or(0),
        })
    })
}

/// What a group of entries is called: the transaction, or the first of several.
fn title(body: &Body, group: &Range<usize>) -> String {
    let positions = &body.entries.position;
    let first = positions.get(group.start).copied().unwrap_or(0);
    let last = positions
        .get(group.end.saturating_sub(1))
        .copied()
        .unwrap_or(first);
    let name = |position| body.transactions.name(position).unwrap_or_default();
    match last == first {
        true => name(first),
        false => format!("{} .. {}", name(first), name(last)),
    }
}

/// `2026-03-31` of a record.
pub(super) fn date(body: &Body) -> String {
    aethel_ir::time::utc_date(body.time_ms)
}
