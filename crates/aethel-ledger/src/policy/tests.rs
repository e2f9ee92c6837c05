//! Changes of a policy.

use super::*;

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
