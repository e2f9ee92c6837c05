//! A file that beancount reads.

use super::ExportError;
use super::names::{beancount_account, beancount_currency, beancount_text};
use super::walk::{Posting, balanced, date, opening_postings, postings, records, title};
use crate::policy::Policy;
use crate::record::Body;
use crate::store::LedgerStore;
use aethel_ir::money::format_amount;
use std::io::Write;

/// Before everything: accounts are open from here on.
const FIRST: &str = "1970-01-01";

pub(super) fn write(store: &dyn LedgerStore, out: &mut dyn Write) -> Result<(), ExportError> {
    let policy = store.policy();
    let title_text = format!("Aethel ledger {}", store.head().ledger_id);
    writeln!(out, "option \"title\" {}\n", beancount_text(&title_text))?;
    for asset in policy.assets().keys() {
        writeln!(out, "{FIRST} commodity {}", beancount_currency(asset))?;
        writeln!(out, "  aethel: {}", beancount_text(asset))?;
    }
    writeln!(out)?;
    let mut before = String::new();
    for row in store.balances()? {
        let (place, _) = row?;
        if place.field.asset().is_some() && place.account.as_str() != before {
            before = place.account.as_str().to_owned();
            writeln!(out, "{FIRST} open {}", beancount_account(&before))?;
            writeln!(out, "  aethel: {}", beancount_text(&before))?;
        }
    }
    records(store, |record, receipt| {
        let body = &record.body;
        let day = date(body);
        writeln!(
            out,
            "\n{day} custom \"aethel\" \"record\" {} {} {} \"{receipt}\"",
            record.sequence,
            beancount_text(body.kind.as_str()),
            beancount_text(&body.batch)
        )?;
        for approval in &body.approvals {
            writeln!(
                out,
                "{day} custom \"aethel\" \"approval\" {} {}",
                record.sequence,
                beancount_text(&approval.key_id)
            )?;
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
        Ok(())
    })
}

fn head(out: &mut dyn Write, day: &str, record: u64, body: &Body, what: &str) -> Result<(), ExportError> {
    let (batch, what) = (beancount_text(&body.batch), beancount_text(what));
    writeln!(out, "{day} * {batch} {what}")?;
    Ok(writeln!(out, "  record: {record}")?)
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
            "  {}  {} {}",
            beancount_account(posting.account),
            format_amount(posting.amount, scale),
            beancount_currency(posting.asset)
        )?;
    }
    Ok(())
}
