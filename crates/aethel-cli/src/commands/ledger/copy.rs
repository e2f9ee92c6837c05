//! `aethel ledger copy`: a whole ledger to another place, verified as it goes.

use crate::printer::Printer;
use aethel::ir::Diagnostic;
use aethel::ledger::{LedgerName, LedgerPath};
use aethel_report::escape::terminal;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Copies a ledger to where none is.
pub fn run(
    from: &LedgerName,
    to: &LedgerName,
    wait: Duration,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let named = |name| LedgerPath::named(name, Path::new("")).map_err(|d| vec![d]);
    let (from, to) = (named(from)?, named(to)?);
    let report = from.copy_to(&to, wait).map_err(|d| vec![d])?;
    if printer.wants_json() {
        let value = json!({
            "schema": 1, "ledger": report.ledger_id.to_string(), "records": report.records,
            "places": report.places, "head": report.head.to_string(), "lemmas": report.lemmas,
            "from": from.shown(), "to": to.shown(),
        });
        printer.json(&value);
        if !printer.wants_more() {
            return Ok(());
        }
    }
    let records = if report.records == 1 {
        "1 record".to_owned()
    } else {
        format!("{} records", report.records)
    };
    printer.result(&format!(
        "{records}, {} balances and fields copied to {}: every receipt, balance and key fits\nhead {}\n",
        report.places,
        terminal(&to.shown()),
        report.head
    ));
    printer.say(&format!(
        "  help: both are the same ledger now; write to the new one only, and put {} away\n",
        terminal(&from.shown())
    ));
    Ok(())
}
