//! A journal that hledger reads. It ends with every balance as an assertion, so hledger itself compares them with ours.

use super::ExportError;
use super::names::{hledger_account, hledger_commodity, hledger_text};
use super::walk::{PostingForm, accounts, date, records, transactions};
use crate::store::LedgerStore;
use aethel_ir::money::format_amount;
use std::io::Write;

const FORM: PostingForm = PostingForm {
    indent: "    ",
    account: hledger_account,
    asset: hledger_commodity,
};

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
    accounts(store, |account| {
        Ok(writeln!(out, "account {}", hledger_account(account))?)
    })?;
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
        transactions(body, |what, postings| {
            let (batch, what) = (hledger_text(&body.batch), hledger_text(what));
            writeln!(out, "{day} * ({}) {batch}: {what}", record.sequence)?;
            FORM.write(policy, postings, out)
        })?;
        // Days are compared as texts: years have four digits.
        last = last.clone().max(day);
        Ok(())
    })?;
    balances(store, &last, out)
}

/// Every balance at the end, as an assertion.
fn balances(store: &dyn LedgerStore, last: &str, out: &mut dyn Write) -> Result<(), ExportError> {
    let policy = store.policy();
    let mut begun = false;
    for row in store.balances()? {
        let (place, now) = row?;
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
            policy.plain(&place, now.value)
        )?;
    }
    Ok(())
}
