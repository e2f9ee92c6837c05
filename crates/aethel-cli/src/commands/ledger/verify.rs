//! `aethel ledger verify`: walks the whole chain.

use crate::printer::Printer;
use aethel::ir::{Code, Diagnostic, quote};
use aethel::ledger::LedgerPath;
use aethel::store::{DigestPrefix, verify_watched};
use serde_json::json;
use std::time::Duration;

/// Verifies a ledger, anchored at a receipt when one is given.
pub fn run(
    head: Option<&str>,
    path: &LedgerPath,
    wait: Duration,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let progress = printer.watch();
    let open = path.open_existing(wait).map_err(|d| vec![d])?;
    let head = match head {
        None => None,
        Some(text) => {
            let prefix: DigestPrefix = text.parse().map_err(|_| {
                vec![
                    Diagnostic::new(Code::AE0911, format!("`{}` is not a receipt", quote(text))).help(
                        "a receipt is hexadecimal, as `aethel run` and `aethel ledger batches` print it",
                    ),
                ]
            })?;
            match prefix.whole() {
                Some(digest) => Some(digest),
                None => Some(open.find_receipt(&prefix).map_err(super::store)?.receipt),
            }
        }
    };
    let report = verify_watched(&*open, head, &progress).map_err(|failure| vec![failure.to_diagnostic()])?;
    printer.progress_done();
    let anchor = if report.anchored {
        "anchored"
    } else {
        "tail not anchored"
    };
    if printer.wants_json() {
        let value = json!({
            "schema": 1, "ledger": report.ledger_id.to_string(), "records": report.records,
            "places": report.places, "head": report.head.to_string(), "anchored": report.anchored,
            "lemmas": report.lemmas, "assets": report.assets.iter().map(|asset| &**asset).collect::<Vec<_>>(),
        });
        printer.json(&value);
        if !printer.wants_more() {
            return Ok(());
        }
    }
    let assets: Vec<&str> = report.assets.iter().map(|asset| &**asset).collect();
    printer.result(&format!(
        "{}, {} balances and fields: every receipt, balance and key fits\n{} sum to zero over all accounts\nhead {} · {anchor}\n",
        if report.records == 1 { "1 record".into() } else { format!("{} records", report.records) },
        report.places,
        if assets.is_empty() { "no assets".to_owned() } else { assets.join(", ") },
        report.head
    ));
    if !report.anchored {
        printer.say("  help: keep the head receipt elsewhere; `aethel ledger verify --head RECEIPT` then finds a missing end\n");
    }
    Ok(())
}
