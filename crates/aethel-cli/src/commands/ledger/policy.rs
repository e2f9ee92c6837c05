//! `aethel ledger policy`: what the ledger holds programs to, and changes of it.

use super::store;
use crate::options::{Format, PolicyCommand};
use crate::printer::Printer;
use aethel::ir::{AccountName, Code, Diagnostic, quote};
use aethel::ledger::{LedgerPath, now_ms, random};
use aethel::store::{
    BatchKey, Body, CommitOutcome, CommitRequest, Digest, OracleFeed, OracleKey, Policy, PolicyChange,
    RecordKind,
};
use serde_json::json;
use std::time::Duration;

/// Shows or changes the policy.
pub fn run(
    command: Option<&PolicyCommand>,
    path: &LedgerPath,
    wait: Duration,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let Some(command) = command else {
        let open = path.open_existing(wait).map_err(|d| vec![d])?;
        show(open.policy(), printer);
        return Ok(());
    };
    let change = change(command)?;
    let mut open = path.open(wait).map_err(|d| vec![d])?;
    if open.policy().clone().apply(&change) == Ok(false) {
        printer.say("nothing changed: the policy says so already\n");
        return Ok(());
    }
    // Each change is a new batch: setting the same thing twice is two decisions.
    let nonce = random::<16>().map_err(|d| vec![d])?;
    let content = Digest::of("aethel policy 1", format!("{change:?}").as_bytes());
    let mut body = Body::new(
        RecordKind::Policy,
        now_ms(),
        "policy",
        BatchKey::Unique(nonce),
        content,
    );
    body.policy_changes = vec![change];
    let request = CommitRequest {
        lemmas: Vec::new(),
        versions: Vec::new(),
        expected: Vec::new(),
        body,
        certificate: Vec::new(),
    };
    match open.commit(&request).map_err(store)? {
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

fn account(text: &str) -> Result<AccountName, Vec<Diagnostic>> {
    AccountName::new(text).map_err(|error| {
        vec![Diagnostic::new(
            Code::AE0308,
            format!("`{}` is not an account name: {error}", quote(text)),
        )]
    })
}

fn change(command: &PolicyCommand) -> Result<PolicyChange, Vec<Diagnostic>> {
    Ok(match command {
        PolicyCommand::Asset { name, scale } => PolicyChange::AssetScale {
            asset: name.as_str().into(),
            scale: *scale,
        },
        PolicyCommand::Unbounded { account: name } => PolicyChange::Unbounded(account(name)?),
        PolicyCommand::Bounded { account: name } => PolicyChange::Bounded(account(name)?),
        PolicyCommand::TrustKey { public, feeds } => {
            let public_key = aethel::oracle::hex::<32>(public).ok_or_else(|| {
                let message = format!("`{}` is not a public key", quote(public));
                vec![
                    Diagnostic::new(Code::AE0911, message)
                        .help("64 hexadecimal digits, as `aethel oracle keygen` prints them"),
                ]
            })?;
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
    })
}

fn show(policy: &Policy, printer: &mut Printer) {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if printer.format() == Format::Json {
        let keys = policy
            .oracle_keys()
            .values()
            .map(|key| json!({ "key_id": key.key_id, "public": hex(&key.public_key), "feeds": key.feeds }));
        let feeds = policy.oracle_feeds().values().map(|feed| {
            json!({
                "feed": feed.feed, "max_age_ms": feed.max_age_ms, "max_future_skew_ms": feed.max_future_skew_ms,
                "reference": feed.reference, "max_deviation": feed.max_deviation,
            })
        });
        let value = json!({
            "schema": 1,
            "version": policy.version(),
            "assets": policy.assets().iter().map(|(name, scale)| json!({ "asset": &**name, "scale": scale })).collect::<Vec<_>>(),
            "unbounded": policy.unbounded().iter().map(AccountName::as_str).collect::<Vec<_>>(),
            "oracle_keys": keys.collect::<Vec<_>>(),
            "oracle_feeds": feeds.collect::<Vec<_>>(),
        });
        printer.result(&format!("{value:#}\n"));
        return;
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
        text += &format!("oracle key {} ({}): {feeds}\n", key.key_id, hex(&key.public_key));
    }
    for feed in policy.oracle_feeds().values() {
        let mut line = format!("oracle feed {}: at most {} ms old", feed.feed, feed.max_age_ms);
        line += &format!(", at most {} ms in the future", feed.max_future_skew_ms);
        if let (Some(reference), Some(deviation)) = (&feed.reference, &feed.max_deviation) {
            line += &format!(", within {deviation} of {reference}");
        }
        text += &format!("{line}\n");
    }
    let lines: Vec<String> = text.lines().map(aethel_report::escape::terminal).collect();
    printer.result(&format!("{}\n", lines.join("\n")));
}
