//! `aethel ledger show`, `history` and `batches`.

use super::{missing, store};
use crate::options::Format;
use crate::printer::Printer;
use aethel::ir::money::{counted, format_amount, format_grouped};
use aethel::ir::time::utc;
use aethel::ir::{AccountName, Diagnostic, did_you_mean, quote};
use aethel::ledger::LedgerPath;
use aethel::store::{self as ledger, FieldKey, LedgerStore, PlaceKey, Policy};
use aethel_report::table::{Align, table};
use serde_json::{Value, json};
use std::time::Duration;

/// A value as people read it: an amount in units, a number, or a truth value.
fn shown(policy: &Policy, place: &PlaceKey, value: i128, grouped: bool) -> String {
    match &place.field {
        FieldKey::Balance { asset } => {
            let scale = policy.scale(asset).unwrap_or(0);
            if grouped {
                format_grouped(value, scale)
            } else {
                format_amount(value, scale)
            }
        }
        FieldKey::Integer { .. } => value.to_string(),
        FieldKey::Bool { .. } => (value != 0).to_string(),
    }
}

/// Current balances, all or of some accounts.
pub fn balances(
    accounts: &[String],
    path: &LedgerPath,
    wait: Duration,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let open = path.open_existing(wait).map_err(|d| vec![d])?;
    let policy = open.policy();
    let mut found = Vec::new();
    for row in open.balances().map_err(store)? {
        found.push(row.map_err(store)?);
    }
    let mut names: Vec<&str> = found.iter().map(|(place, _)| place.account.as_str()).collect();
    names.dedup();
    if let Some(unknown) = accounts.iter().find(|account| !names.contains(&account.as_str())) {
        let help = did_you_mean(unknown, names.iter().copied());
        return Err(missing(format!("there is no account `{}`", quote(unknown)), help));
    }
    found.retain(|(place, _)| {
        accounts.is_empty() || accounts.iter().any(|name| *name == place.account.as_str())
    });
    if printer.wants_json() {
        let list: Vec<Value> = found
            .iter()
            .map(|(place, value)| {
                let mut row = json!({ "account": place.account.as_str() });
                match &place.field {
                    FieldKey::Balance { asset } => {
                        row["asset"] = json!(&**asset);
                        row["balance"] = json!(shown(policy, place, value.value, false));
                        row["unbounded"] = json!(policy.is_unbounded(place.account.as_str()));
                    }
                    field => {
                        row["field"] = json!(&**field.name());
                        row["value"] = json!(shown(policy, place, value.value, false));
                    }
                }
                row
            })
            .collect();
        printer.json(&json!({ "schema": 1, "accounts": list }));
        if !printer.wants_more() {
            return Ok(());
        }
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(place, value)| {
            let unbounded = policy.is_unbounded(place.account.as_str()) && place.field.asset().is_some();
            vec![
                place.account.to_string(),
                shown(policy, place, value.value, true),
                place.field.name().to_string(),
                if unbounded {
                    "unbounded".into()
                } else {
                    String::new()
                },
            ]
        })
        .collect();
    printer.result(&table(
        &[Align::Left, Align::Right, Align::Left, Align::Left],
        &rows,
    ));
    Ok(())
}

/// Every change of one account.
pub fn history(
    account: &str,
    path: &LedgerPath,
    wait: Duration,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let open = path.open_existing(wait).map_err(|d| vec![d])?;
    let name = AccountName::new(account).map_err(|error| {
        missing(
            format!("`{}` is not an account name: {error}", quote(account)),
            None,
        )
    })?;
    let policy = open.policy();
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for line in ledger::history(&*open, &name) {
        let line = line.map_err(store)?;
        let plain = |value| shown(policy, &line.place, value, false);
        let what = line.transaction.clone().unwrap_or_else(|| "opening".into());
        if printer.wants_json() {
            lines.push(json!({
                "batch": line.sequence, "time": utc(line.time_ms), "name": &*line.batch, "transaction": what,
                "asset": &**line.place.field.name(), "change": plain(line.delta), "after": plain(line.after),
                "approved_by": &*line.approved_by,
            }));
        }
        if printer.wants_more() {
            // Beside JSON there are files for people at most.
            let grouped = matches!(printer.format(), Format::Human | Format::Json);
            let delta = shown(policy, &line.place, line.delta, grouped);
            let after = shown(policy, &line.place, line.after, grouped);
            let change = if line.delta > 0 {
                format!("+{delta}")
            } else {
                delta
            };
            let place = line.place.field.name().to_string();
            rows.push(vec![
                line.sequence.to_string(),
                utc(line.time_ms),
                line.batch.to_string(),
                what,
                change,
                after,
                place,
                approved(&line.approved_by),
            ]);
        }
    }
    if lines.is_empty() && rows.is_empty() {
        return Err(missing(
            format!("nothing ever happened to `{}`", quote(account)),
            None,
        ));
    }
    printer.json(&json!({ "schema": 1, "account": account, "history": lines }));
    if printer.wants_more() {
        let left = Align::Left;
        printer.result(&table(
            &[
                Align::Right,
                left,
                left,
                left,
                Align::Right,
                Align::Right,
                left,
                left,
            ],
            &rows,
        ));
    }
    Ok(())
}

/// ``approved by ann, ben``, or nothing.
pub fn approved(by: &[String]) -> String {
    match by {
        [] => String::new(),
        names => format!("approved by {}", names.join(", ")),
    }
}

/// The journal, one line a batch.
pub fn batches(path: &LedgerPath, wait: Duration, printer: &mut Printer) -> Result<(), Vec<Diagnostic>> {
    let open = path.open_existing(wait).map_err(|d| vec![d])?;
    let (mut list, mut rows) = (Vec::new(), Vec::new());
    for sequence in 1..=open.head().sequence {
        let Some(batch) = open.summary(sequence).map_err(store)? else {
            continue;
        };
        let approved_by = approvers(&*open, sequence)?;
        if printer.wants_json() {
            list.push(json!({
                "batch": sequence, "time": utc(batch.time_ms), "kind": batch.kind.as_str(), "name": batch.batch,
                "key": batch.key.to_string(), "content": batch.content.to_string(),
                "transactions": batch.transactions, "receipt": batch.receipt.to_string(), "program": batch.program,
                "approved_by": approved_by,
            }));
        }
        if printer.wants_more() {
            rows.push(vec![
                sequence.to_string(),
                utc(batch.time_ms),
                batch.kind.as_str().into(),
                batch.batch,
                counted(batch.transactions as usize, "transaction", "transactions"),
                batch.key.to_string(),
                batch.receipt.short(),
                approved(&approved_by),
            ]);
        }
    }
    printer.json(&json!({ "schema": 1, "batches": list }));
    if printer.wants_more() {
        let left = Align::Left;
        printer.result(&table(
            &[Align::Right, left, left, left, Align::Right, left, left, left],
            &rows,
        ));
    }
    Ok(())
}

/// Who approved a batch.
pub fn approvers(open: &dyn LedgerStore, sequence: u64) -> Result<Vec<String>, Vec<Diagnostic>> {
    let record = open.record(sequence).map_err(store)?;
    let approvals = record.map_or_else(Vec::new, |record| record.body.approvals);
    Ok(approvals.into_iter().map(|approval| approval.key_id).collect())
}
