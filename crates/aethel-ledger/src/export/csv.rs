//! A row for each movement and each new value of a field.

use super::ExportError;
use super::names::cell;
use super::walk::records;
use crate::places::{FieldKey, PlaceKey};
use crate::store::LedgerStore;
use aethel_ir::AccountName;
use aethel_ir::account::OPENING_ACCOUNT;
use aethel_ir::time::utc;
use std::io::Write;

/// The names of the columns.
const HEADER: &str =
    "record,time,kind,batch,transaction,account,asset,amount,field,value,approved_by,receipt";

pub(super) fn write(store: &dyn LedgerStore, out: &mut dyn Write) -> Result<(), ExportError> {
    let policy = store.policy();
    writeln!(out, "{HEADER}")?;
    records(store, |record, receipt| {
        let body = &record.body;
        let before = format!(
            "{},{},{},{}",
            record.sequence,
            utc(body.time_ms),
            body.kind.as_str(),
            cell(&body.batch)
        );
        let names: Vec<&str> = body.approvals.iter().map(|a| a.key_id.as_str()).collect();
        let after = format!("{},{receipt}", cell(&names.join(" ")));
        let mut row = |transaction: &str, place: &PlaceKey, amount: i128| {
            let amount = policy.plain(place, amount);
            let (asset, field) = match &place.field {
                FieldKey::Balance { asset } => (format!("{},{amount}", cell(asset)), ",".to_owned()),
                FieldKey::Integer { name } | FieldKey::Bool { name } => {
                    (",".to_owned(), format!("{},{amount}", cell(name)))
                }
            };
            let (transaction, account) = (cell(transaction), cell(place.account.as_str()));
            writeln!(out, "{before},{transaction},{account},{asset},{field},{after}")
        };
        for opening in &body.openings {
            let place = &body.places[opening.place as usize];
            row("opening", place, opening.amount)?;
            // Where it comes from, so that every asset sums to zero here too.
            if let (Some(asset), Ok(source)) = (place.field.asset(), AccountName::new(OPENING_ACCOUNT)) {
                let drawn = PlaceKey::balance(source, asset.clone());
                row("opening", &drawn, opening.amount.saturating_neg())?;
            }
        }
        for (place, amount, position) in body.entries.iter() {
            let name = body.transactions.name(position).unwrap_or_default();
            row(&name, &body.places[place as usize], amount)?;
        }
        if body.openings.is_empty() && body.entries.is_empty() {
            writeln!(out, "{before},,,,,,,{after}")?;
        }
        Ok(())
    })
}
