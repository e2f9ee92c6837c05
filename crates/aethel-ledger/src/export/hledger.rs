//! A journal that hledger reads. It ends with every balance as an assertion, so hledger itself compares them with ours.

use super::ExportError;
use super::names::{hledger_account, hledger_commodity, hledger_text};
use super::walk::{Posting, balanced, date, opening_postings, postings, records, title, value};
use crate::places::PlaceKey;
use crate::policy::Policy;
use crate::record::Body;
use crate::store::LedgerStore;
use aethel_ir::money::format_amount;
use std::io::Write;

pub(super) fn write(store: &dyn LedgerStore, out: &mut dyn Write) -> Result<(), ExportError> {
    let policy = store.policy();
    writeln!(
        out,
        "; ledger {}, {} records",
        store.head().ledger_id,
        store.head().sequence
    )?;
    writeln!(
        out,
        "; names: % and two hexadecimal digits stand for a byte, % alone for nothing\n"
    )?;
    for (asset, scale) in policy.assets() {
        // A number with a decimal mark says how many places there are, also where there are none.
        let sample = format_amount(10_i128.pow(u32::from(*scale)).saturating_mul(1000), *scale);
        let point = if *scale == 0 { "." } else { "" };
        writeln!(out, "commodity {sample}{point} {}", hledger_commodity(asset))?;
    }
    writeln!(out)?;
    let mut before = String::new();
    for row in store.balances()? {
        let (place, _) = row?;
        if place.field.asset().is_some() && place.account.as_str() != before {
            before = place.account.as_str().to_owned();
            writeln!(out, "account {}", hledger_account(&before))?;
        }
    }
    let mut last = "1970-01-01".to_owned();
    records(store, |record, receipt| {
        let body = &record.body;
        let day = date(body);
        writeln!(
            out,
            "\n; record {} {} {} receipt {receipt}",
            record.sequence,
            body.kind.as_str(),
            hledger_text(&body.batch)
        )?;
        for approval in &body.approvals {
            writeln!(out, "; approved by {}", hledger_text(&approval.key_id))?;
        }
        let opened = opening_postings(body);
        if !opened.is_empty() {
            head(out, &day, record.sequence, body, "opening")?;
            lines(out, policy, opened.into_iter())?;
        }
        for group in balanced(body) {
            head(out, &day, record.sequence, body, &title(body, &group))?;
            lines(out, policy, postings(body, group))?;
        }
        // Days are compared as texts: years have four digits.
        last = last.clone().max(day);
        Ok(())
    })?;
    balances(store, &last, out)
}

fn head(out: &mut dyn Write, day: &str, record: u64, body: &Body, what: &str) -> Result<(), ExportError> {
    let (batch, what) = (hledger_text(&body.batch), hledger_text(what));
    Ok(writeln!(out, "{day} * ({record}) {batch}: {what}")?)
}

fn lines<'a>(
    out: &mut dyn Write,
    policy: &Policy,
    postings: impl Iterator<Item = Posting<'a>>,
) -> Result<(), ExportError> {
    for posting in postings {
        let scale = policy.scale(posting.asset).unwrap_or(0);
        writeln!(
            out,
            "    {}  {} {}",
            hledger_account(posting.account),
            format_amount(posting.amount, scale),
            hledger_commodity(posting.asset)
        )?;
    }
    Ok(())
}

fn balances(store: &dyn LedgerStore, last: &str, out: &mut dyn Write) -> Result<(), ExportError> {
    let policy = store.policy();
    let mut begun = false;
    for row in store.balances()? {
        let (place, now): (PlaceKey, _) = row?;
        let Some(asset) = place.field.asset() else {
            continue;
        };
        if !begun {
            writeln!(out, "\n; what the ledger says at its end\n{last} * balances")?;
            begun = true;
        }
        let commodity = hledger_commodity(asset);
        writeln!(
            out,
            "    {}  0 {commodity} = {} {commodity}",
            hledger_account(place.account.as_str()),
            value(policy, &place, now.value)
        )?;
    }
    Ok(())
}
