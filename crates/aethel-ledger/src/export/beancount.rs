//! A file that beancount reads.

use super::ExportError;
use super::names::{beancount_account, beancount_currency, beancount_text};
use super::walk::{PostingForm, accounts, date, records, transactions};
use crate::store::LedgerStore;
use std::io::Write;

/// Before everything: accounts are open from here on.
const FIRST: &str = "1970-01-01";

const FORM: PostingForm = PostingForm {
    indent: "  ",
    account: beancount_account,
    asset: beancount_currency,
};

pub(super) fn write(store: &dyn LedgerStore, out: &mut dyn Write) -> Result<(), ExportError> {
    let policy = store.policy();
    let title_text = format!("Aethel ledger {}", store.head().ledger_id);
    writeln!(out, "option \"title\" {}\n", beancount_text(&title_text))?;
    for asset in policy.assets().keys() {
        writeln!(out, "{FIRST} commodity {}", beancount_currency(asset))?;
        writeln!(out, "  aethel: {}", beancount_text(asset))?;
    }
    writeln!(out)?;
    accounts(store, |account| {
        writeln!(out, "{FIRST} open {}", beancount_account(account))?;
        Ok(writeln!(out, "  aethel: {}", beancount_text(account))?)
    })?;
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
        transactions(body, |what, postings| {
            let (batch, what) = (beancount_text(&body.batch), beancount_text(what));
            writeln!(out, "{day} * {batch} {what}")?;
            writeln!(out, "  record: {}", record.sequence)?;
            FORM.write(policy, postings, out)
        })
    })
}
