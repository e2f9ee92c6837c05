//! Policies and their changes to bytes and back.

use crate::approval::{ApprovalRule, Approver};
use crate::codec::{Malformed, Reader, Writer};
use crate::policy::{FieldKind, OracleFeed, OracleKey, Policy, PolicyChange};
use aethel_ir::AccountName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Read<T> = Result<T, Malformed>;

pub(crate) fn write_changes(out: &mut Writer, changes: &[PolicyChange]) {
    out.uint(changes.len() as u64);
    for change in changes {
        match change {
            PolicyChange::AssetScale { asset, scale } => {
                out.byte(1);
                out.text(asset);
                out.byte(*scale);
            }
            PolicyChange::Unbounded(account) => {
                out.byte(2);
                out.text(account.as_str());
            }
            PolicyChange::Bounded(account) => {
                out.byte(3);
                out.text(account.as_str());
            }
            PolicyChange::Field { name, kind } => {
                out.byte(4);
                out.text(name);
                out.byte(u8::from(*kind == FieldKind::Bool));
            }
            PolicyChange::AddOracleKey(key) => {
                out.byte(5);
                out.text(&key.key_id);
                out.raw(&key.public_key);
                out.uint(key.feeds.len() as u64);
                key.feeds.iter().for_each(|feed| out.text(feed));
            }
            PolicyChange::RemoveOracleKey(key_id) => {
                out.byte(6);
                out.text(key_id);
            }
            PolicyChange::SetOracleFeed(feed) => {
                out.byte(7);
                out.text(&feed.feed);
                out.uint(feed.max_age_ms);
                out.uint(feed.max_future_skew_ms);
                out.optional_text(feed.reference.as_deref());
                out.optional_text(feed.max_deviation.as_deref());
            }
            PolicyChange::RemoveOracleFeed(feed) => {
                out.byte(8);
                out.text(feed);
            }
            PolicyChange::AddApprover(approver) => {
                out.byte(9);
                out.text(&approver.name);
                out.raw(&approver.public_key);
            }
            PolicyChange::RemoveApprover(name) => {
                out.byte(10);
                out.text(name);
            }
            PolicyChange::SetApprovalRule(rule) => {
                out.byte(11);
                out.text(&rule.name);
                out.uint(u64::from(rule.needed));
                out.uint(rule.keys.len() as u64);
                rule.keys.iter().for_each(|key| out.text(key));
                out.uint(rule.accounts.len() as u64);
                rule.accounts
                    .iter()
                    .for_each(|account| out.text(account.as_str()));
                out.uint(rule.above.len() as u64);
                for (asset, limit) in &rule.above {
                    out.text(asset);
                    out.int(*limit);
                }
            }
            PolicyChange::RemoveApprovalRule(name) => {
                out.byte(12);
                out.text(name);
            }
        }
    }
}

pub(crate) fn read_changes(input: &mut Reader<'_>) -> Read<Vec<PolicyChange>> {
    let count = input.count(2, "policy changes")?;
    let mut changes = Vec::new();
    for _ in 0..count {
        changes.push(read_change(input)?);
    }
    Ok(changes)
}

fn read_change(input: &mut Reader<'_>) -> Read<PolicyChange> {
    const WHAT: &str = "policy change";
    Ok(match input.byte(WHAT)? {
        1 => PolicyChange::AssetScale {
            asset: input.text(WHAT)?.into(),
            scale: input.byte(WHAT)?,
        },
        2 => PolicyChange::Unbounded(read_account(input)?),
        3 => PolicyChange::Bounded(read_account(input)?),
        4 => PolicyChange::Field {
            name: input.text(WHAT)?.into(),
            kind: match input.byte(WHAT)? {
                0 => FieldKind::Integer,
                1 => FieldKind::Bool,
                _ => return input.fail(WHAT),
            },
        },
        5 => {
            let key_id = input.text(WHAT)?.to_owned();
            let public_key = input.array(WHAT)?;
            let count = input.count(1, WHAT)?;
            let feeds = (0..count)
                .map(|_| input.text(WHAT).map(str::to_owned))
                .collect::<Read<_>>()?;
            PolicyChange::AddOracleKey(OracleKey {
                key_id,
                public_key,
                feeds,
            })
        }
        6 => PolicyChange::RemoveOracleKey(input.text(WHAT)?.to_owned()),
        7 => PolicyChange::SetOracleFeed(OracleFeed {
            feed: input.text(WHAT)?.to_owned(),
            max_age_ms: input.uint(WHAT)?,
            max_future_skew_ms: input.uint(WHAT)?,
            reference: input.optional_text(WHAT)?.map(str::to_owned),
            max_deviation: input.optional_text(WHAT)?.map(str::to_owned),
        }),
        8 => PolicyChange::RemoveOracleFeed(input.text(WHAT)?.to_owned()),
        9 => PolicyChange::AddApprover(Approver {
            name: input.text(WHAT)?.to_owned(),
            public_key: input.array(WHAT)?,
        }),
        10 => PolicyChange::RemoveApprover(input.text(WHAT)?.to_owned()),
        11 => PolicyChange::SetApprovalRule(read_rule(input)?),
        12 => PolicyChange::RemoveApprovalRule(input.text(WHAT)?.to_owned()),
        _ => return input.fail("policy change (perhaps of a newer version)"),
    })
}

/// The sets of a rule stand in order, each of their members once: a rule has one spelling.
fn read_rule(input: &mut Reader<'_>) -> Read<ApprovalRule> {
    const WHAT: &str = "approval rule";
    let name = input.text(WHAT)?.to_owned();
    let needed = input.small(WHAT)?;
    let mut keys = BTreeSet::new();
    for _ in 0..input.count(1, WHAT)? {
        let key = input.text(WHAT)?.to_owned();
        if keys.last() >= Some(&key) {
            return input.fail(WHAT);
        }
        keys.insert(key);
    }
    let mut accounts = BTreeSet::new();
    for _ in 0..input.count(1, WHAT)? {
        let account = read_account(input)?;
        if accounts.last() >= Some(&account) {
            return input.fail(WHAT);
        }
        accounts.insert(account);
    }
    let mut above: BTreeMap<Arc<str>, i128> = BTreeMap::new();
    for _ in 0..input.count(2, WHAT)? {
        let asset: Arc<str> = input.text(WHAT)?.into();
        if above.last_key_value().is_some_and(|(before, _)| *before >= asset) {
            return input.fail(WHAT);
        }
        above.insert(asset, input.int(WHAT)?);
    }
    Ok(ApprovalRule {
        name,
        needed,
        keys,
        accounts,
        above,
    })
}

fn read_account(input: &mut Reader<'_>) -> Read<AccountName> {
    let text = input.text("account")?;
    AccountName::new(text).or_else(|_| input.fail("account"))
}

/// A policy as bytes: its version and the changes that make it.
pub(crate) fn encode_policy(out: &mut Writer, policy: &Policy) {
    out.uint(policy.version());
    write_changes(out, &policy.to_changes());
}

pub(crate) fn decode_policy(input: &mut Reader<'_>) -> Read<Policy> {
    let version = input.uint("policy version")?;
    let changes = read_changes(input)?;
    Policy::from_changes(version, &changes).or_else(|_| input.fail("policy"))
}
