//! Oracle proofs: every way in which one can be wrong has its own code.

use crate::support::{Build, Kind};
use crate::{OracleCheck, OracleProof};
use aethel_ir::{Code, ValueColumn};
use aethel_ledger::{OracleFeed, OracleKey, Policy, PolicyChange};
use aethel_runtime::oracle::{Feeds, canonical_value, key_id, public_key, sign, verify, verify_batch};

const SECRET: [u8; 32] = [7; 32];
const NOW: i64 = 1_800_000_000;

fn policy_with(public_key: [u8; 32], key_id: String) -> Policy {
    let mut policy = Policy::default();
    let feed = |feed: &str| {
        PolicyChange::SetOracleFeed(OracleFeed {
            feed: feed.into(),
            max_age_ms: 60_000,
            max_future_skew_ms: 5_000,
            reference: Some("10".into()),
            max_deviation: Some("0.5".into()),
        })
    };
    let key = PolicyChange::AddOracleKey(OracleKey {
        key_id,
        public_key,
        feeds: vec!["amount".into(), "silver".into()],
    });
    for change in [key, feed("amount"), feed("gold")] {
        policy.apply(&change).unwrap();
    }
    policy
}

fn policy() -> Policy {
    let public_key = public_key(&SECRET);
    policy_with(public_key, key_id(&public_key))
}

fn proof(value: &str, timestamp: i64) -> OracleProof {
    sign(&SECRET, "amount", "USD", "2", value, timestamp).unwrap()
}

fn code(proof: &OracleProof, asset: &str, scale: &str, policy: &Policy) -> Option<Code> {
    verify(proof, asset, scale, policy, NOW * 1000)
        .err()
        .map(|d| d.code)
}

#[test]
fn p09_each_fault_has_its_code() {
    let policy = policy();
    let good = proof("12.5", NOW - 60);
    assert_eq!(code(&good, "USD", "2", &policy), None);
    assert_eq!(
        code(&proof("12.5", NOW - 61), "USD", "2", &policy),
        Some(Code::AE0706)
    );
    assert_eq!(code(&proof("12.5", NOW + 5), "USD", "2", &policy), None);
    assert_eq!(
        code(&proof("12.5", NOW + 6), "USD", "2", &policy),
        Some(Code::AE0707)
    );
    assert_eq!(code(&proof("15", NOW), "USD", "2", &policy), None);
    assert_eq!(
        code(&proof("15.01", NOW), "USD", "2", &policy),
        Some(Code::AE0708)
    );
    assert_eq!(code(&proof("4.99", NOW), "USD", "2", &policy), Some(Code::AE0708));
    let stranger = sign(&[8; 32], "amount", "USD", "2", "12.5", NOW).unwrap();
    assert_eq!(code(&stranger, "USD", "2", &policy), Some(Code::AE0704));
    // Gold is not for this key, silver is not asked of anybody.
    for feed in ["gold", "silver"] {
        let other_feed = sign(&SECRET, feed, "USD", "2", "12.5", NOW).unwrap();
        assert_eq!(code(&other_feed, "USD", "2", &policy), Some(Code::AE0704));
    }
}

#[test]
fn p09_whatever_is_changed_after_signing_shows() {
    let policy = policy();
    let good = proof("12.5", NOW);
    let bad = Some(Code::AE0705);
    assert_eq!(code(&good, "EUR", "2", &policy), bad);
    assert_eq!(code(&good, "USD", "3", &policy), bad);
    assert_eq!(
        code(
            &OracleProof {
                value: "12.6".into(),
                ..good.clone()
            },
            "USD",
            "2",
            &policy
        ),
        bad
    );
    assert_eq!(
        code(
            &OracleProof {
                value: "12.50".into(),
                ..good.clone()
            },
            "USD",
            "2",
            &policy
        ),
        bad
    );
    assert_eq!(
        code(
            &OracleProof {
                timestamp: NOW - 1,
                ..good.clone()
            },
            "USD",
            "2",
            &policy
        ),
        bad
    );
    for bit in 0..512 {
        let mut changed = good.clone();
        changed.signature[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(code(&changed, "USD", "2", &policy), bad);
    }
    // A key under the name of another.
    let confused = policy_with(public_key(&[8; 32]), good.key_id.clone());
    assert_eq!(code(&good, "USD", "2", &confused), Some(Code::AE0704));
}

#[test]
fn values_have_one_text() {
    let canonical = |text: &str| canonical_value(text).unwrap();
    assert_eq!(canonical("0065_000.500"), "65000.5");
    assert_eq!(canonical("-0.0"), "0");
    assert_eq!(canonical("-0.10"), "-0.1");
    assert_eq!(canonical("7.000"), "7");
    assert_eq!(canonical_value("1e3"), None);
    assert_eq!(sign(&SECRET, "f", "", "", "seven", 0), None);
}

/// `pay` with an amount that an oracle supplies.
fn external(amount: i128) -> Build {
    let mut build = Build::new("b");
    build.rows(Kind::Pay, &[("a", "b", amount), ("a", "c", amount)]);
    build.batch.intents[0].values[0].external = true;
    build
}

#[test]
fn p09_external_values_come_from_proofs_only() {
    let (policy, proofs) = (policy(), [proof("12.5", NOW)]);
    let check = |build: &Build, proofs: &[OracleProof]| {
        let check = OracleCheck {
            feeds: &Feeds::new(),
            proofs,
            policy: &policy,
            now_ms: NOW * 1000,
        };
        verify_batch(&build.batch, &check).map_err(|d| (d.code, d.labels.len()))
    };
    assert_eq!(check(&external(1250), &proofs), Ok(1));
    assert_eq!(check(&external(1251), &proofs), Err((Code::AE0703, 1)));
    assert_eq!(check(&external(1250), &[]), Err((Code::AE0703, 1)));
    assert_eq!(
        check(&external(1250), &[proof("12.5", NOW - 100)]),
        Err((Code::AE0706, 1))
    );
    let mut one_row = external(1250);
    one_row.batch.groups[0].values[0] = ValueColumn::Whole(vec![1250, 1].into());
    assert_eq!(check(&one_row, &proofs), Err((Code::AE0703, 1)));
    // More places than the asset has.
    assert_eq!(
        check(&external(1250), &[proof("12.501", NOW)]),
        Err((Code::AE0703, 1))
    );
}
