//! Changes of a policy.

use super::*;
use crate::codec::{Reader, Writer};
use crate::places::MAX_MINOR_UNITS;
use crate::policy_codec::{read_changes, write_changes};

fn account(text: &str) -> AccountName {
    AccountName::new(text).unwrap()
}

#[test]
fn changes_are_counted_once() {
    let mut policy = Policy::default();
    let usd = PolicyChange::AssetScale {
        asset: "USD".into(),
        scale: 2,
    };
    assert_eq!(policy.apply(&usd), Ok(true));
    assert_eq!(policy.apply(&usd), Ok(false));
    assert_eq!(policy.apply(&PolicyChange::Unbounded(account("fees"))), Ok(true));
    assert_eq!(policy.version(), 2);
    assert!(policy.is_unbounded("fees") && policy.is_unbounded(OPENING_ACCOUNT));
    assert_eq!(Policy::from_changes(2, &policy.to_changes()), Ok(policy.clone()));
    assert_eq!(policy.apply(&PolicyChange::Bounded(account("fees"))), Ok(true));
    assert!(!policy.is_unbounded("fees"));
}

#[test]
fn what_cannot_be() {
    let mut policy = Policy::default();
    let bad = |policy: &mut Policy, change| assert!(policy.apply(&change).is_err());
    bad(
        &mut policy,
        PolicyChange::AssetScale {
            asset: "USD".into(),
            scale: 19,
        },
    );
    bad(
        &mut policy,
        PolicyChange::AssetScale {
            asset: "".into(),
            scale: 2,
        },
    );
    bad(&mut policy, PolicyChange::Bounded(account(OPENING_ACCOUNT)));
    bad(&mut policy, PolicyChange::RemoveOracleKey("k".into()));
    bad(&mut policy, PolicyChange::RemoveOracleFeed("f".into()));
    let field = |kind| PolicyChange::Field {
        name: "limit".into(),
        kind,
    };
    assert_eq!(policy.apply(&field(FieldKind::Integer)), Ok(true));
    bad(&mut policy, field(FieldKind::Bool));
    let feed = |reference: &str| {
        PolicyChange::SetOracleFeed(OracleFeed {
            feed: "BTC/USD".into(),
            max_age_ms: 1,
            max_future_skew_ms: 1,
            reference: Some(reference.into()),
            max_deviation: None,
        })
    };
    for text in ["", "-1", "1.", ".5", "1e3", "1.2.3"] {
        bad(&mut policy, feed(text));
    }
    assert_eq!(policy.apply(&feed("64000.50")), Ok(true));
    assert_eq!(policy.version(), 2);
}

#[test]
fn approvers_and_rules_have_one_spelling() {
    let key = |secret: u8| crate::approval::approver_key(&[secret; 32]);
    let approver = |name: &str, secret| {
        PolicyChange::AddApprover(Approver {
            name: name.into(),
            public_key: key(secret),
        })
    };
    let rule = ApprovalRule {
        name: "large".into(),
        needed: 2,
        keys: ["ann", "ben"].map(String::from).into(),
        accounts: [account("company"), account("fees")].into(),
        above: [("EUR".into(), 5), ("USD".into(), MAX_MINOR_UNITS)].into(),
    };
    let changes = vec![
        approver("ann", 1),
        approver("ben", 2),
        PolicyChange::SetApprovalRule(rule),
        PolicyChange::RemoveApprovalRule("large".into()),
        PolicyChange::RemoveApprover("ann".into()),
    ];
    let write = |changes: &[PolicyChange]| {
        let mut out = Writer::default();
        write_changes(&mut out, changes);
        out.into_bytes()
    };
    let bytes = write(&changes);
    assert_eq!(read_changes(&mut Reader::new(&bytes)), Ok(changes.clone()));
    // The members of a rule in another order, or twice, are no rule: a receipt is over one spelling.
    let rule = write(&changes[2..3]);
    for (from, to) in [
        ("annxben", "benxann"),
        ("annxben", "annxann"),
        ("EUR", "ZZZ"),
        ("company", "zompany"),
    ] {
        let (from, to) = (from.replace('x', "\u{3}"), to.replace('x', "\u{3}"));
        let at = rule
            .windows(from.len())
            .position(|part| part == from.as_bytes())
            .unwrap();
        let mut other = rule.clone();
        other[at..at + to.len()].copy_from_slice(to.as_bytes());
        assert!(read_changes(&mut Reader::new(&other)).is_err(), "{from} {to}");
    }
    // What a newer version may know is refused, not skipped.
    assert!(read_changes(&mut Reader::new(&[1, 13, 0])).is_err());
    // A policy is the same again from the changes that make it.
    let mut policy = Policy::default();
    for asset in ["USD", "EUR"] {
        policy
            .apply(&PolicyChange::AssetScale {
                asset: asset.into(),
                scale: 2,
            })
            .unwrap();
    }
    changes[..3]
        .iter()
        .for_each(|change| assert_eq!(policy.apply(change), Ok(true)));
    assert_eq!(
        Policy::from_changes(policy.version(), &policy.to_changes()),
        Ok(policy)
    );
}
