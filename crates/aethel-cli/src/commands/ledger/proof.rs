//! `aethel ledger proof`: the certificate of a batch, checked again.

use super::super::verify_proof::{lemmas, size};
use super::show::{approved, approvers};
use super::{missing, store};
use crate::printer::Printer;
use aethel::ir::{Diagnostic, quote};
use aethel::ledger::LedgerPath;
use aethel::proof::{StoredProof, rejected};
use aethel::store::{DigestPrefix, LedgerError};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Reads the certificate of a batch (its number, or the beginning of its receipt), checks it, and writes it to a file
/// when asked to.
pub fn run(
    batch: &str,
    out: Option<&Path>,
    path: &LedgerPath,
    wait: Duration,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let open = path.open_existing(wait).map_err(|d| vec![d])?;
    let unknown = || missing(format!("there is no batch `{}`", quote(batch)), None);
    let number = batch.parse::<u64>();
    let summary = match number {
        Ok(sequence) if sequence <= open.head().sequence => {
            open.summary(sequence).map_err(store)?.ok_or_else(unknown)?
        }
        // Few digits alone are meant as a number, even where some receipt begins with them.
        Ok(_) if batch.len() < 8 => return Err(unknown()),
        _ => {
            let prefix: DigestPrefix = batch.parse().map_err(|_| unknown())?;
            open.find_receipt(&prefix).map_err(|error| match error {
                // Digits alone were meant as a number.
                LedgerError::ReceiptUnknown { .. } if number.is_ok() => unknown(),
                error => store(error),
            })?
        }
    };
    let approved_by = approvers(&*open, summary.sequence)?;
    let stored = StoredProof::of_batch(&*open, summary.sequence).map_err(|d| vec![d])?;
    let Some(stored) = stored else {
        let message = format!(
            "batch {} ({}) has no proof: nothing was executed",
            summary.sequence,
            summary.kind.as_str()
        );
        return Err(missing(
            message,
            Some("only batches of transactions carry one".into()),
        ));
    };
    let rejected = |reason: String| vec![rejected(summary.sequence, &reason)];
    let proof = stored
        .file()
        .check()
        .map_err(|error| rejected(error.to_string()))?;
    let checked = &proof.checked;
    let bytes = stored.encode().map_err(|error| rejected(error.to_string()))?;
    if let Some(out) = out {
        aethel::files::write(out, &bytes).map_err(|problem| vec![problem])?;
    }
    if printer.wants_json() {
        let value = json!({
            "schema": 1, "batch": summary.sequence, "name": summary.batch, "receipt": summary.receipt.to_string(),
            "transactions": checked.transactions, "accesses": checked.accesses, "bytes": bytes.len(), "accepted": true,
            "lemmas": proof.lemmas.len(), "approved_by": approved_by,
        });
        printer.json(&value);
        if !printer.wants_more() {
            return Ok(());
        }
    }
    printer.result(&format!(
        "batch {} {} · {}, {} bytes\naccepted: the serial run in batch order commits and ends in the committed state\n",
        summary.sequence, aethel_report::escape::terminal(&summary.batch), size(checked), bytes.len()
    ));
    for sum in &checked.sums {
        printer.result(&format!(
            "  {} {} before and after\n",
            sum.shown,
            aethel_report::escape::terminal(&sum.asset)
        ));
    }
    printer.result(&lemmas(&proof));
    if !approved_by.is_empty() {
        let approved = aethel_report::escape::terminal(&approved(&approved_by));
        printer.result(&format!("{approved}\n"));
    }
    Ok(())
}
