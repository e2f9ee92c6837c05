//! `aethel ledger policy`: what the ledger holds programs to, and changes of it.

use crate::commands::sign::commit_or_sign;
use crate::options::PolicyCommand;
use crate::options::sign::{ApproverCommand, Approving, RequireOptions};
use crate::printer::Printer;
use aethel::ir::money::{format_amount, parse_amount};
use aethel::ir::{AccountName, Code, Diagnostic, did_you_mean, quote};
use aethel::ledger::{LedgerPath, now_ms};
use aethel::oracle::{from_hex, to_hex};
use aethel::store::{
    ApprovalRule, Approver, BatchKey, Body, CommitOutcome, CommitRequest, Digest, OracleFeed, OracleKey,
    Policy, PolicyChange, RecordKind,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Shows or changes the policy.
pub fn run(
    command: Option<&PolicyCommand>,
    approving: &Approving,
    path: &LedgerPath,
    wait: Duration,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let Some(command) = command else {
        let open = path.open_existing(wait).map_err(|d| vec![d])?;
        show(open.policy(), printer);
        return Ok(());
    };
    let mut open = path.open(wait).map_err(|d| vec![d])?;
    let change = change(command, open.policy())?;
    if open.policy().clone().apply(&change) == Ok(false) {
        printer.say("nothing changed: the policy says so already\n");
        return Ok(());
    }
    let mut request = request(open.policy().version(), change);
    let Some(outcome) = commit_or_sign(&mut *open, &mut request, approving, printer)? else {
        return Ok(());
    };
    match outcome {
        CommitOutcome::Committed { sequence, receipt } => {
            printer.say(&format!(
                "policy changed as batch {sequence} · receipt {}\n",
                receipt.short()
            ));
            Ok(())
        }
        CommitOutcome::Conflict { .. } | CommitOutcome::AlreadyCommitted(_) | CommitOutcome::KeyReused(_) => {
            Err(vec![
                Diagnostic::new(Code::AE0812, "another process changed the ledger meanwhile")
                    .help("run it again"),
            ])
        }
    }
}

/// The record of a change. Its key is the version of the policy that it changes: everybody who signs it has the same, two
/// that change the same version do not both get in, and setting the same thing again later is another decision.
fn request(version: u64, change: PolicyChange) -> CommitRequest {
    let Digest(key) = Digest::of("aethel policy 1 key", &version.to_le_bytes());
    let mut unique = [0; 16];
    unique.copy_from_slice(&key[..16]);
    let content = Digest::of("aethel policy 1", format!("{change:?}").as_bytes());
    let mut body = Body::new(
        RecordKind::Policy,
        now_ms(),
        "policy",
        BatchKey::Unique(unique),
        content,
    );
    body.policy_changes = vec![change];
    CommitRequest {
        lemmas: Vec::new(),
        versions: Vec::new(),
        expected: Vec::new(),
        body,
        certificate: Vec::new(),
    }
}

fn account(text: &str) -> Result<AccountName, Vec<Diagnostic>> {
    AccountName::new(text).map_err(|error| {
        let message = format!("`{}` is not an account name: {error}", quote(text));
        let help = "use 1 to 128 bytes of text without hidden characters and without spaces at the ends";
        vec![Diagnostic::new(Code::AE0308, message).help(help)]
    })
}

fn public_key(text: &str) -> Result<[u8; 32], Vec<Diagnostic>> {
    from_hex::<32>(text).ok_or_else(|| {
        let message = format!("`{}` is not a public key", quote(text));
        let help = "64 hexadecimal digits, as `aethel oracle keygen` and `aethel sign keygen` print them";
        vec![Diagnostic::new(Code::AE0911, message).help(help)]
    })
}

/// A rule about approvals; limits are amounts in units of assets that the ledger knows.
fn rule(options: &RequireOptions, policy: &Policy) -> Result<ApprovalRule, Vec<Diagnostic>> {
    let mut above = BTreeMap::new();
    for text in &options.above {
        let Some((amount, asset)) = text.split_once(':') else {
            let message = format!("`{}` is not `AMOUNT:ASSET`", quote(text));
            return Err(vec![
                Diagnostic::new(Code::AE0911, message).help("write `--above 10000.00:USD`"),
            ]);
        };
        let Some(scale) = policy.scale(asset) else {
            let message = format!("the ledger does not know `{}`", quote(asset));
            let help = did_you_mean(asset, policy.assets().keys().map(|name| &**name)).unwrap_or_else(|| {
                "`aethel ledger policy asset` records how many decimal places it has".into()
            });
            return Err(vec![Diagnostic::new(Code::AE0203, message).help(help)]);
        };
        let limit = parse_amount(amount, scale).map_err(|error| {
            let message = format!(
                "`{}` is not an amount of {}: {error}",
                quote(amount),
                quote(asset)
            );
            vec![Diagnostic::new(Code::AE0309, message).help(format!(
                "{scale} is the number of decimal places that the ledger records for {}",
                quote(asset)
            ))]
        })?;
        above.insert(asset.into(), limit);
    }
    let accounts = options.account.iter().map(|name| account(name));
    Ok(ApprovalRule {
        name: options.rule.clone(),
        needed: options.needed,
        keys: options.of.iter().cloned().collect(),
        accounts: accounts.collect::<Result<_, _>>()?,
        above,
    })
}

fn change(command: &PolicyCommand, policy: &Policy) -> Result<PolicyChange, Vec<Diagnostic>> {
    Ok(match command {
        PolicyCommand::Asset { name, scale } => PolicyChange::AssetScale {
            asset: name.as_str().into(),
            scale: *scale,
        },
        PolicyCommand::Unbounded { account: name } => PolicyChange::Unbounded(account(name)?),
        PolicyCommand::Bounded { account: name } => PolicyChange::Bounded(account(name)?),
        PolicyCommand::TrustKey { public, feeds } => {
            let public_key = public_key(public)?;
            let key_id = aethel::oracle::key_id(&public_key);
            PolicyChange::AddOracleKey(OracleKey {
                key_id,
                public_key,
                feeds: feeds.clone(),
            })
        }
        PolicyCommand::DistrustKey { key_id } => PolicyChange::RemoveOracleKey(key_id.clone()),
        PolicyCommand::Feed {
            name,
            max_age,
            max_future_skew,
            reference,
            max_deviation,
        } => {
            let milliseconds = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
            PolicyChange::SetOracleFeed(OracleFeed {
                feed: name.clone(),
                max_age_ms: milliseconds(max_age.0),
                max_future_skew_ms: milliseconds(max_future_skew.0),
                reference: reference.clone(),
                max_deviation: max_deviation.clone(),
            })
        }
        PolicyCommand::DropFeed { name } => PolicyChange::RemoveOracleFeed(name.clone()),
        PolicyCommand::Approver(ApproverCommand::Add { name, public }) => {
            PolicyChange::AddApprover(Approver {
                name: name.clone(),
                public_key: public_key(public)?,
            })
        }
        PolicyCommand::Approver(ApproverCommand::Remove { name }) => {
            PolicyChange::RemoveApprover(name.clone())
        }
        PolicyCommand::Require(options) => PolicyChange::SetApprovalRule(rule(options, policy)?),
        PolicyCommand::Release { rule } => PolicyChange::RemoveApprovalRule(rule.clone()),
    })
}

fn show(policy: &Policy, printer: &mut Printer) {
    let units = |asset: &str, limit: i128| format_amount(limit, policy.scale(asset).unwrap_or(0));
    if printer.wants_json() {
        let keys = policy.oracle_keys().values().map(
            |key| json!({ "key_id": key.key_id, "public": to_hex(&key.public_key), "feeds": key.feeds }),
        );
        let feeds = policy.oracle_feeds().values().map(|feed| {
            json!({
                "feed": feed.feed, "max_age_ms": feed.max_age_ms, "max_future_skew_ms": feed.max_future_skew_ms,
                "reference": feed.reference, "max_deviation": feed.max_deviation,
            })
        });
        let approvers = policy
            .approvers()
            .iter()
            .map(|(name, public)| json!({ "approver": name, "public": to_hex(public) }));
        let rules = policy.approval_rules().values().map(|rule| {
            let above = rule
                .above
                .iter()
                .map(|(asset, limit)| (asset.to_string(), json!(units(asset, *limit))));
            json!({
                "rule": rule.name, "needed": rule.needed, "of": rule.keys,
                "accounts": rule.accounts.iter().map(AccountName::as_str).collect::<Vec<_>>(),
                "above": above.collect::<serde_json::Map<_, _>>(),
            })
        });
        let value = json!({
            "schema": 1,
            "version": policy.version(),
            "assets": policy.assets().iter().map(|(name, scale)| json!({ "asset": &**name, "scale": scale })).collect::<Vec<_>>(),
            "unbounded": policy.unbounded().iter().map(AccountName::as_str).collect::<Vec<_>>(),
            "oracle_keys": keys.collect::<Vec<_>>(),
            "oracle_feeds": feeds.collect::<Vec<_>>(),
            "approvers": approvers.collect::<Vec<_>>(),
            "approval_rules": rules.collect::<Vec<_>>(),
        });
        printer.json(&value);
        if !printer.wants_more() {
            return;
        }
    }
    let mut text = format!("policy version {}\n", policy.version());
    for (name, scale) in policy.assets() {
        text += &format!("asset {name}: {scale} decimal places\n");
    }
    for (name, kind) in policy.fields() {
        text += &format!("field {name}: {kind:?}\n");
    }
    for account in policy.unbounded() {
        text += &format!("account {account}: unbounded\n");
    }
    for key in policy.oracle_keys().values() {
        let feeds = if key.feeds.is_empty() {
            "all feeds".into()
        } else {
            key.feeds.join(", ")
        };
        text += &format!(
            "oracle key {} ({}): {feeds}\n",
            key.key_id,
            to_hex(&key.public_key)
        );
    }
    for feed in policy.oracle_feeds().values() {
        let mut line = format!("oracle feed {}: at most {} ms old", feed.feed, feed.max_age_ms);
        line += &format!(", at most {} ms in the future", feed.max_future_skew_ms);
        if let (Some(reference), Some(deviation)) = (&feed.reference, &feed.max_deviation) {
            line += &format!(", within {deviation} of {reference}");
        }
        text += &format!("{line}\n");
    }
    for (name, public) in policy.approvers() {
        text += &format!("approver {name} ({})\n", to_hex(public));
    }
    for rule in policy.approval_rules().values() {
        let keys: Vec<&str> = rule.keys.iter().map(String::as_str).collect();
        let accounts: Vec<&str> = rule.accounts.iter().map(AccountName::as_str).collect();
        let accounts = match accounts.is_empty() {
            true => "every account".to_owned(),
            false => accounts.join(", "),
        };
        let above = rule.above.iter();
        let above: Vec<String> = above
            .map(|(asset, limit)| format!(", above {} {asset}", units(asset, *limit)))
            .collect();
        text += &format!(
            "approval rule {}: {} of {} for debits of {accounts}{}\n",
            rule.name,
            rule.needed,
            keys.join(", "),
            above.concat()
        );
    }
    let lines: Vec<String> = text.lines().map(aethel_report::escape::terminal).collect();
    printer.result(&format!("{}\n", lines.join("\n")));
}
