//! Everything that the journal holds but certificates, as one JSON document with a line for each record.

use super::ExportError;
use super::walk::records;
use crate::places::{FieldKey, PlaceKey};
use crate::policy::{FieldKind, Policy, PolicyChange};
use crate::receipt::Digest;
use crate::record::{BatchKey, Body, Record};
use crate::store::LedgerStore;
use aethel_ir::AccountName;
use aethel_ir::money::format_amount;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::Arc;

pub(super) fn write(store: &dyn LedgerStore, out: &mut dyn Write) -> Result<(), ExportError> {
    let policy = store.policy();
    let head = store.head();
    let assets: Vec<Value> = policy
        .assets()
        .iter()
        .map(|(asset, scale)| json!({ "asset": &**asset, "scale": scale }))
        .collect();
    writeln!(out, "{{\"schema\":1,\"ledger\":\"{}\",", head.ledger_id)?;
    writeln!(
        out,
        "\"head\":\"{}\",\"assets\":{},",
        head.receipt,
        Value::from(assets)
    )?;
    write!(out, "\"records\":[")?;
    let mut comma = "\n";
    records(store, |record, receipt| {
        write!(out, "{comma}")?;
        comma = ",\n";
        one(policy, record, receipt, out)
    })?;
    write!(out, "\n],\n\"balances\":[")?;
    comma = "\n";
    for row in store.balances()? {
        let (place, now) = row?;
        write!(out, "{comma}{}", place_value(policy, &place, now.value))?;
        comma = ",\n";
    }
    Ok(writeln!(out, "\n]}}")?)
}

/// A record. What there can be millions of is written piece by piece.
fn one(policy: &Policy, record: &Record, receipt: Digest, out: &mut dyn Write) -> Result<(), ExportError> {
    let body = &record.body;
    let head = json!({
        "record": record.sequence, "receipt": receipt.to_string(), "previous": record.previous.to_string(),
        "time_ms": body.time_ms, "kind": body.kind.as_str(), "batch": body.batch, "key": key(&body.key),
        "content": body.content.to_string(), "program": body.program,
        "certificate": record.certificate.to_string(), "policy_version": record.policy_version,
        "policy_changes": body.policy_changes.iter().map(|one| change(policy, one)).collect::<Vec<_>>(),
        "oracles": body.oracles.as_ref().map(|evidence| json!({
            "clock_ms": evidence.clock_ms,
            "proofs": evidence.proofs.iter().map(|proof| json!({
                "feed": proof.feed, "value": proof.value, "timestamp_ms": proof.timestamp_ms,
                "key_id": proof.key_id, "signature": hex(&proof.signature),
            })).collect::<Vec<_>>(),
        })),
        "approvals": body.approvals.iter().map(|approval| json!({
            "approver": approval.key_id, "expires_ms": approval.expires_ms, "signature": hex(&approval.signature),
        })).collect::<Vec<_>>(),
    });
    let head = head.to_string();
    write!(out, "{},\"openings\":[", head.strip_suffix('}').unwrap_or(&head))?;
    let mut comma = "";
    for opening in &body.openings {
        let place = &body.places[opening.place as usize];
        write!(out, "{comma}{}", place_value(policy, place, opening.amount))?;
        comma = ",";
    }
    write!(out, "],\"entries\":[")?;
    entries(policy, body, out)?;
    Ok(write!(out, "]}}")?)
}

fn entries(policy: &Policy, body: &Body, out: &mut dyn Write) -> Result<(), ExportError> {
    let mut comma = "";
    for (place, amount, position) in body.entries.iter() {
        let mut entry = place_value(policy, &body.places[place as usize], amount);
        entry["transaction"] = json!(body.transactions.name(position));
        write!(out, "{comma}{entry}")?;
        comma = ",";
    }
    Ok(())
}

fn place_value(policy: &Policy, place: &PlaceKey, amount: i128) -> Value {
    let account = place.account.as_str();
    let amount = policy.plain(place, amount);
    match &place.field {
        FieldKey::Balance { asset } => json!({ "account": account, "asset": &**asset, "amount": amount }),
        field => json!({ "account": account, "field": &**field.name(), "value": amount }),
    }
}

fn key(key: &BatchKey) -> Value {
    match key {
        BatchKey::User(text) => json!({ "user": &**text }),
        BatchKey::Content(digest) => json!({ "content": digest.to_string() }),
        BatchKey::Again(receipt) => json!({ "again": receipt.to_string() }),
        BatchKey::Unique(bytes) => json!({ "call": hex(bytes) }),
    }
}

fn change(policy: &Policy, change: &PolicyChange) -> Value {
    match change {
        PolicyChange::AssetScale { asset, scale } => json!({ "asset": &**asset, "scale": scale }),
        PolicyChange::Unbounded(account) => json!({ "unbounded": account.as_str() }),
        PolicyChange::Bounded(account) => json!({ "bounded": account.as_str() }),
        PolicyChange::Field { name, kind } => {
            let kind = match kind {
                FieldKind::Integer => "integer",
                FieldKind::Bool => "bool",
            };
            json!({ "field": &**name, "kind": kind })
        }
        PolicyChange::AddOracleKey(key) => {
            json!({ "trust_key": key.key_id, "public": hex(&key.public_key), "feeds": key.feeds })
        }
        PolicyChange::RemoveOracleKey(key_id) => json!({ "distrust_key": key_id }),
        PolicyChange::SetOracleFeed(feed) => json!({
            "feed": feed.feed, "max_age_ms": feed.max_age_ms, "max_future_skew_ms": feed.max_future_skew_ms,
            "reference": feed.reference, "max_deviation": feed.max_deviation,
        }),
        PolicyChange::RemoveOracleFeed(feed) => json!({ "drop_feed": feed }),
        PolicyChange::AddApprover(approver) => {
            json!({ "add_approver": approver.name, "public": hex(&approver.public_key) })
        }
        PolicyChange::RemoveApprover(name) => json!({ "remove_approver": name }),
        PolicyChange::SetApprovalRule(rule) => {
            let limit = |(asset, limit): (&Arc<str>, &i128)| {
                let scale = policy.scale(asset).unwrap_or(0);
                (asset.to_string(), json!(format_amount(*limit, scale)))
            };
            json!({
                "require": rule.name, "needed": rule.needed, "of": rule.keys,
                "accounts": rule.accounts.iter().map(AccountName::as_str).collect::<Vec<_>>(),
                "above": rule.above.iter().map(limit).collect::<Map<_, _>>(),
            })
        }
        PolicyChange::RemoveApprovalRule(name) => json!({ "release": name }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
