//! Policies and their changes to bytes and back.

use crate::codec::{Malformed, Reader, Writer};
use crate::policy::{FieldKind, OracleFeed, OracleKey, Policy, PolicyChange};
use aethel_ir::AccountName;

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
        _ => return input.fail(WHAT),
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
