//! Approvals, in every store: which records need them, and that nothing but the right signatures will do.

use crate::support::*;
use aethel_ledger::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const NOW: u64 = 1_700_000_000_000;

/// The secret keys of `ann`, `ben` and `cid`.
fn secret(name: &str) -> [u8; 32] {
    [name.as_bytes()[0]; 32]
}

fn approver(name: &str) -> PolicyChange {
    PolicyChange::AddApprover(Approver {
        name: name.into(),
        public_key: approver_key(&secret(name)),
    })
}

fn rule(needed: u32, keys: &[&str]) -> ApprovalRule {
    ApprovalRule {
        name: "treasury".into(),
        needed,
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        accounts: BTreeSet::new(),
        above: BTreeMap::new(),
    }
}

fn above(mut rule: ApprovalRule, limit: i128) -> ApprovalRule {
    rule.above.insert("USD".into(), limit);
    rule
}

fn about(mut rule: ApprovalRule, name: &str) -> ApprovalRule {
    rule.name = name.into();
    rule.accounts.insert(account(name));
    rule
}

fn change(key: &str, changes: Vec<PolicyChange>) -> CommitRequest {
    let mut request = Batch::new("policy", key).build();
    request.body.kind = RecordKind::Policy;
    request.body.policy_changes = changes;
    request
}

/// `company` with 987.66 USD, `alice` with 12.34; `ann`, `ben` and `cid` approve by these rules.
fn ruled(store: &mut dyn LedgerStore, rules: &[ApprovalRule]) {
    first(store);
    let mut changes: Vec<PolicyChange> = ["ann", "ben", "cid"].map(approver).into();
    changes.extend(rules.iter().cloned().map(PolicyChange::SetApprovalRule));
    committed(store.commit(&change("rules", changes)).unwrap());
}

fn memory(rules: &[ApprovalRule]) -> MemoryStore<'static> {
    let mut store = MemoryStore::new(LedgerId([7; 16]));
    ruled(&mut store, rules);
    store
}

fn payment(store: &dyn LedgerStore, amount: i128) -> CommitRequest {
    let mut request = pay(store, "k", amount);
    // What the runtime does: only what changes anything.
    request.body.policy_changes.clear();
    request
}

fn sign(store: &dyn LedgerStore, request: &mut CommitRequest, who: &[&str]) {
    let plan = Plan::of(store.head().ledger_id, store.policy().version(), &request.body);
    for name in who {
        request.body.approvals.push(Approval {
            key_id: (*name).into(),
            expires_ms: NOW + 1,
            signature: plan.sign(&secret(name), NOW + 1).to_vec(),
        });
    }
}

fn refused(outcome: Result<CommitOutcome, LedgerError>) -> ApprovalRefused {
    match outcome {
        Err(LedgerError::Approval(refused)) => *refused,
        other => panic!("not refused for approvals: {other:?}"),
    }
}

fn missing(outcome: Result<CommitOutcome, LedgerError>) -> Vec<(String, usize, Vec<String>)> {
    let refused = refused(outcome);
    assert_eq!(refused.problem, ApprovalProblem::Missing);
    let needs = refused.missing.iter();
    needs
        .map(|need| (need.rule.clone(), need.missing(), need.could.clone()))
        .collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The same in memory, in a file and on a server.
fn in_every_store(test: impl Fn(&mut dyn LedgerStore)) {
    test(&mut MemoryStore::new(LedgerId([7; 16])));
    let base = MemoryStore::new(LedgerId([7; 16]));
    test(&mut MemoryStore::snapshot_of(&base));
    let directory = tempfile::tempdir().unwrap();
    test(&mut open(&directory.path().join("ledger.redb")));
    test(&mut GroupStore::new(open(&directory.path().join("group.redb"))));
    test(&mut crate::postgres::fresh());
}

#[test]
fn k_of_n_and_not_fewer() {
    in_every_store(|store| {
        ruled(store, &[rule(2, &["ann", "ben", "cid"])]);
        let plain = payment(store, 5);
        let said = missing(store.commit(&plain));
        assert_eq!(said, [("treasury".into(), 2, names(&["ann", "ben", "cid"]))]);
        let mut request = plain.clone();
        sign(store, &mut request, &["ben"]);
        let said = missing(store.commit(&request));
        assert_eq!(said, [("treasury".into(), 1, names(&["ann", "cid"]))]);
        sign(store, &mut request, &["cid"]);
        assert_eq!(store.head().sequence, 2);
        committed(store.commit(&request).unwrap());
        // Repeated it needs nobody, with or without signatures: it is known.
        assert!(matches!(
            store.commit(&plain),
            Ok(CommitOutcome::AlreadyCommitted(_))
        ));
        let record = store.record(3).unwrap().unwrap();
        let who: Vec<&str> = record.body.approvals.iter().map(|a| a.key_id.as_str()).collect();
        assert_eq!(who, ["ben", "cid"]);
        clean(store);
        store.checkpoint().unwrap();
        clean(store);
    });
}

#[test]
fn thresholds_are_exact_and_count_what_is_paid() {
    in_every_store(|store| {
        ruled(store, &[about(above(rule(1, &["ann"]), 1_000), "company")]);
        let request = |store: &dyn LedgerStore, key: &str, out: &[i128], back: i128| {
            let mut batch = Batch::new("pay", key);
            for amount in out {
                batch = batch.transfer(store, usd("company"), usd("alice"), *amount);
            }
            let mut request = match back {
                0 => batch,
                back => batch.transfer(store, usd("alice"), usd("company"), back),
            }
            .build();
            request.body.policy_changes.clear();
            request
        };
        // Exactly the limit, in one and in several payments.
        let exact = request(store, "exact", &[1_000], 0);
        committed(store.commit(&exact).unwrap());
        let several = request(store, "several", &[1, 999], 0);
        committed(store.commit(&several).unwrap());
        // One minor unit above, also where it comes back in the same batch.
        for (key, out, back) in [
            ("one", vec![1_001], 0),
            ("two", vec![1, 1_000], 0),
            ("net", vec![1_001], 1_001),
        ] {
            let request = request(store, key, &out, back);
            assert_eq!(missing(store.commit(&request)).len(), 1, "{key}");
        }
        // Other accounts are not concerned.
        let mut other = Batch::new("pay", "other")
            .transfer(store, usd("alice"), usd("company"), 3_000)
            .build();
        other.body.policy_changes.clear();
        committed(store.commit(&other).unwrap());
        clean(store);
    });
}

#[test]
fn an_asset_without_a_limit_has_none_to_spare() {
    let mut store = memory(&[]);
    let eur = PolicyChange::AssetScale {
        asset: "EUR".into(),
        scale: 2,
    };
    let rule = PolicyChange::SetApprovalRule(above(rule(1, &["ann"]), 1_000));
    committed(store.commit(&change("more", vec![eur, rule])).unwrap());
    let small = payment(&store, 1);
    committed(store.commit(&small).unwrap());
    let eur = |name: &str| PlaceKey::balance(account(name), "EUR");
    let mut opening = Batch::new("open", "k")
        .open(&store, eur("alice"), 5)
        .open(&store, eur("company"), 0)
        .build();
    opening.body.policy_changes.clear();
    sign(&store, &mut opening, &["ann"]);
    committed(store.commit(&opening).unwrap());
    let mut cent = Batch::new("pay", "eur")
        .transfer(&store, eur("alice"), eur("company"), 1)
        .build();
    cent.body.policy_changes.clear();
    assert_eq!(missing(store.commit(&cent)).len(), 1);
}

#[test]
fn what_makes_money_or_rules_needs_every_rule() {
    in_every_store(|store| {
        let rules = [
            about(above(rule(1, &["ann"]), 1_000_000), "company"),
            about(rule(1, &["ben"]), "alice"),
        ];
        ruled(store, &rules);
        let all = |store: &mut dyn LedgerStore, mut request: CommitRequest| {
            let needs = missing(store.commit(&request));
            let rules: Vec<&str> = needs.iter().map(|(rule, ..)| rule.as_str()).collect();
            assert_eq!(rules, ["alice", "company"]);
            sign(store, &mut request, &["ann", "ben"]);
            committed(store.commit(&request).unwrap());
        };
        // An opening, of an account under no rule and with nothing in it.
        let mut opening = Batch::new("open", "zoe").open(store, usd("zoe"), 0).build();
        opening.body.policy_changes.clear();
        all(store, opening);
        // The account that openings come from, debited by a transaction.
        let mut minted = Batch::new("mint", "k")
            .transfer(store, usd("equity:opening"), usd("zoe"), 5)
            .build();
        minted.body.policy_changes.clear();
        all(store, minted);
        // A first use, and a change of the policy.
        let first_use = PolicyChange::Unbounded(account("fees"));
        let mut request = Batch::new("first use", "k").build();
        request.body.policy_changes = vec![first_use];
        all(store, request);
        all(
            store,
            change("drop", vec![PolicyChange::RemoveApprovalRule("alice".into())]),
        );
        // An import.
        let line = ImportLine {
            account: account("new"),
            asset: "USD".into(),
            amount: 5,
        };
        let mut request = import("import", NOW, &[line], Vec::new());
        assert_eq!(missing(store.commit(&request)).len(), 1);
        sign(store, &mut request, &["ann"]);
        committed(store.commit(&request).unwrap());
        clean(store);
    });
}

#[test]
fn the_rules_of_before_decide_about_their_end() {
    in_every_store(|store| {
        ruled(store, &[rule(2, &["ann", "ben"])]);
        // Somebody puts themselves in, or the rules out, by a change that would allow it.
        let take_over = vec![PolicyChange::SetApprovalRule(rule(1, &["cid"]))];
        for changes in [
            take_over,
            vec![PolicyChange::RemoveApprovalRule("treasury".into())],
        ] {
            let mut request = change("change", changes);
            sign(store, &mut request, &["cid"]);
            assert_eq!(missing(store.commit(&request)).len(), 1);
            let mut request = change("change", request.body.policy_changes);
            sign(store, &mut request, &["ann"]);
            assert_eq!(missing(store.commit(&request)).len(), 1);
        }
        // What would lock everybody out is refused with all signatures.
        for (key, wrong) in [
            ("remove", PolicyChange::RemoveApprover("ann".into())),
            (
                "more",
                PolicyChange::SetApprovalRule(rule(4, &["ann", "ben", "cid"])),
            ),
            ("none", PolicyChange::SetApprovalRule(rule(1, &[]))),
            ("zero", PolicyChange::SetApprovalRule(rule(0, &["ann"]))),
        ] {
            let mut request = change(key, vec![wrong]);
            sign(store, &mut request, &["ann", "ben"]);
            let outcome = store.commit(&request);
            assert!(
                matches!(
                    outcome,
                    Err(LedgerError::Policy(PolicyRefused::RuleOutOfReach { .. }))
                ),
                "{outcome:?}"
            );
        }
        let version = store.policy().version();
        let mut request = change(
            "lower",
            vec![PolicyChange::SetApprovalRule(rule(1, &["ann", "ben"]))],
        );
        sign(store, &mut request, &["ann", "ben"]);
        committed(store.commit(&request).unwrap());
        assert_eq!(store.policy().version(), version + 1);
        // The signatures are for one version of the policy: they cannot be used for the same change again.
        let mut request = change("remove", vec![PolicyChange::RemoveApprover("ann".into())]);
        sign(store, &mut request, &["ben"]);
        committed(store.commit(&request).unwrap());
        assert!(!store.policy().approvers().contains_key("ann"));
        assert_eq!(store.policy().approval_rules()["treasury"].keys.len(), 1);
        clean(store);
    });
}

#[test]
fn signatures_that_do_not_hold_are_refused() {
    in_every_store(|store| {
        ruled(store, &[rule(1, &["ann", "ben"])]);
        let plain = payment(store, 5);
        let plan = Plan::of(store.head().ledger_id, store.policy().version(), &plain.body);
        let with = |approvals: &[(&str, u64, Vec<u8>)]| {
            let mut request = plain.clone();
            let approvals = approvals.iter().map(|(name, expires_ms, signature)| Approval {
                key_id: (*name).into(),
                expires_ms: *expires_ms,
                signature: signature.clone(),
            });
            request.body.approvals = approvals.collect();
            request
        };
        let good = |name: &str, until| plan.sign(&secret(name), until).to_vec();
        let mut problem =
            |approvals: &[(&str, u64, Vec<u8>)]| refused(store.commit(&with(approvals))).problem;
        assert_eq!(
            problem(&[("zoe", NOW, good("ann", NOW))]),
            ApprovalProblem::UnknownKey("zoe".into())
        );
        assert_eq!(
            problem(&[("ann", NOW, good("ben", NOW))]),
            ApprovalProblem::Wrong("ann".into())
        );
        assert_eq!(
            problem(&[("ann", NOW + 1, good("ann", NOW))]),
            ApprovalProblem::Wrong("ann".into())
        );
        assert_eq!(
            problem(&[("ann", NOW - 1, good("ann", NOW - 1))]),
            ApprovalProblem::Expired {
                approver: "ann".into(),
                expires_ms: NOW - 1
            }
        );
        assert_eq!(
            problem(&[
                ("ann", NOW, good("ann", NOW)),
                ("ann", NOW + 1, good("ann", NOW + 1))
            ]),
            ApprovalProblem::Repeated("ann".into())
        );
        // One that is wrong is not made good by others that are right.
        assert_eq!(
            problem(&[("ann", NOW, good("ann", NOW)), ("ben", NOW, vec![0; 64])]),
            ApprovalProblem::Wrong("ben".into())
        );
        for short in [0, 63, 65] {
            assert_eq!(
                problem(&[("ann", NOW, vec![0; short])]),
                ApprovalProblem::Wrong("ann".into())
            );
        }
        // Somebody who may approve, but not this.
        assert_eq!(
            problem(&[("cid", NOW, good("cid", NOW))]),
            ApprovalProblem::Missing
        );
        assert_eq!(store.head().sequence, 2);
        // To the last moment.
        committed(store.commit(&with(&[("ann", NOW, good("ann", NOW))])).unwrap());
    });
}

#[test]
fn an_approved_import_brings_nothing_else() {
    let mut store = memory(&[rule(1, &["ann"])]);
    // Entries are what no signature under an import or a policy change speaks of.
    for kind in [RecordKind::Import, RecordKind::Policy] {
        let mut request = payment(&store, 5);
        request.body.kind = kind;
        sign(&store, &mut request, &["ann"]);
        assert!(matches!(
            store.commit(&request),
            Err(LedgerError::Refused(Refusal::Malformed(_)))
        ));
    }
}

#[test]
fn a_rehearsal_shows_what_would_be_and_verify_finds_what_was_not_approved() {
    let base = memory(&[rule(1, &["ann"])]);
    let mut rehearsal = MemoryStore::rehearsal_of(&base);
    let request = payment(&rehearsal, 5);
    committed(rehearsal.commit(&request).unwrap());
    // A record that got past its store, such as into a damaged or rewritten file, does not get past the check.
    let failure = verify(&rehearsal, None).unwrap_err();
    assert!(
        matches!(&failure, VerifyFailure::Record { sequence: 3, reason } if reason.contains("approvals are missing")),
        "{failure}"
    );
    assert_eq!(failure.to_diagnostic().code, aethel_ir::Code::AE0804);
    // Wrong signatures are wrong in a rehearsal too.
    let mut rehearsal = MemoryStore::rehearsal_of(&base);
    let mut request = payment(&rehearsal, 5);
    sign(&rehearsal, &mut request, &["ann"]);
    request.body.approvals[0].signature[3] ^= 1;
    assert_eq!(
        refused(rehearsal.commit(&request)).problem,
        ApprovalProblem::Wrong("ann".into())
    );
}

#[test]
fn records_from_before_the_rules_stay_good() {
    let mut store = MemoryStore::new(LedgerId([7; 16]));
    first(&mut store);
    let mut request = pay(&store, "before", 5);
    // Nobody asked for it, so nobody looks at it.
    request.body.approvals.push(Approval {
        key_id: "boss".into(),
        expires_ms: 1,
        signature: vec![1, 2, 3],
    });
    committed(store.commit(&request).unwrap());
    let changes = vec![approver("ann"), PolicyChange::SetApprovalRule(rule(1, &["ann"]))];
    committed(store.commit(&change("rules", changes)).unwrap());
    clean(&store);
}

#[test]
fn the_scale_of_a_limit_does_not_change_under_it() {
    let mut store = MemoryStore::new(LedgerId([7; 16]));
    let scale = |scale| PolicyChange::AssetScale {
        asset: "USD".into(),
        scale,
    };
    let changes = vec![
        scale(2),
        approver("ann"),
        PolicyChange::SetApprovalRule(above(rule(1, &["ann"]), 1_000)),
    ];
    committed(store.commit(&change("rules", changes)).unwrap());
    let mut request = change("scale", vec![scale(3)]);
    sign(&store, &mut request, &["ann"]);
    assert!(matches!(
        store.commit(&request),
        Err(LedgerError::Policy(PolicyRefused::ScaleInRule { .. }))
    ));
}

#[test]
fn signatures_are_picked_for_what_they_are_for() {
    let store = memory(&[rule(2, &["ann", "ben"])]);
    let request = payment(&store, 5);
    let id = store.head().ledger_id;
    let plan = Plan::of(id, store.policy().version(), &request.body);
    let signed = |name: &str, plan: &Plan, expires_ms| SignedPlan {
        approver: name.into(),
        plan: plan.clone(),
        expires_ms,
        signature: plan.sign(&secret(name), expires_ms).to_vec(),
    };
    let pick = |given: &[SignedPlan]| select(store.policy(), id, &request.body, given);
    let ann = signed("ann", &plan, NOW);
    let picked = pick(&[ann.clone(), signed("ben", &plan, NOW)]).unwrap();
    assert_eq!((picked.approvals.len(), picked.problem), (2, None));
    // What is for another month, policy, ledger or content stays in the file; the first is told if it is not enough.
    let changed = |change: &dyn Fn(&mut Plan)| {
        let mut other = plan.clone();
        change(&mut other);
        signed("ben", &other, NOW)
    };
    let ben = String::from("ben");
    let cases: Vec<(SignedPlan, ApprovalProblem)> = vec![
        (
            changed(&|plan| plan.key = BatchKey::User("april".into())),
            ApprovalProblem::OtherContent {
                approver: ben.clone(),
                part: SignedPart::Key,
            },
        ),
        (
            changed(&|plan| plan.content = Digest([9; 32])),
            ApprovalProblem::OtherContent {
                approver: ben.clone(),
                part: SignedPart::Content,
            },
        ),
        (
            changed(&|plan| plan.openings = Digest([9; 32])),
            ApprovalProblem::OtherContent {
                approver: ben.clone(),
                part: SignedPart::Openings,
            },
        ),
        (
            changed(&|plan| plan.ledger_id = LedgerId([9; 16])),
            ApprovalProblem::OtherLedger {
                approver: ben.clone(),
                ledger: LedgerId([9; 16]).to_string(),
            },
        ),
        (
            changed(&|plan| plan.policy_version -= 1),
            ApprovalProblem::OtherPolicy {
                approver: ben.clone(),
                signed: plan.policy_version - 1,
                now: plan.policy_version,
            },
        ),
        (
            signed("ben", &plan, NOW - 1),
            ApprovalProblem::Expired {
                approver: ben.clone(),
                expires_ms: NOW - 1,
            },
        ),
        (ann.clone(), ApprovalProblem::Repeated("ann".into())),
    ];
    for (other, problem) in cases {
        let picked = pick(&[ann.clone(), other]).unwrap();
        assert_eq!(picked.approvals.len(), 1);
        let refused = picked.explain(ApprovalRefused {
            problem: ApprovalProblem::Missing,
            missing: Vec::new(),
        });
        assert_eq!(refused.problem, problem);
    }
    // What says that it is for this and does not hold is refused at once.
    let mut forged = signed("ben", &plan, NOW);
    forged.signature[0] ^= 1;
    assert_eq!(
        pick(&[ann.clone(), forged]).unwrap_err().problem,
        ApprovalProblem::Wrong(ben)
    );
    let mut stranger = signed("zoe", &plan, NOW);
    stranger.approver = "zoe".into();
    assert_eq!(
        pick(&[stranger]).unwrap_err().problem,
        ApprovalProblem::UnknownKey("zoe".into())
    );
    // A signature for a batch of another name is nobody's business.
    let other = changed(&|plan| plan.batch = "bonus".into());
    assert_eq!(pick(&[other]).unwrap(), Selected::default());
}

/// The bytes that are signed stand in the documentation; they may not change.
#[test]
fn the_signed_bytes_are_as_documented() {
    let mut body = Body::new(
        RecordKind::Batch,
        NOW,
        "pay",
        BatchKey::User("k".into()),
        Digest([3; 32]),
    );
    let plan = Plan::of(LedgerId([1; 16]), 5, &body);
    let mut expected = b"aethel-plan-v1".to_vec();
    expected.extend([1; 16]);
    expected.extend(7_u32.to_le_bytes());
    expected.extend(b"pay\0\x01\x01k");
    expected.extend([3; 32]);
    expected.extend(Digest::of("aethel ledger 1 openings", &[1, 0, 0]).0);
    expected.extend(5_u64.to_le_bytes());
    let plan_hash = Digest::of("aethel ledger 1 plan", &expected);
    expected.extend(9_u64.to_le_bytes());
    assert_eq!(plan.message(9), expected);
    assert_eq!(plan.digest(), plan_hash);
    // Openings count whatever order they are listed in.
    body.places = vec![usd("b"), usd("a")];
    body.openings = vec![Opening { place: 0, amount: 2 }, Opening { place: 1, amount: -1 }];
    let hashed = [b"\x01\x00\x02\x06a\0\0USD\x01".as_slice(), b"\x06b\0\0USD\x04"].concat();
    let openings = Digest::of("aethel ledger 1 openings", &hashed);
    assert_eq!(Plan::of(LedgerId([1; 16]), 5, &body).openings, openings);
    body.openings.swap(0, 1);
    assert_eq!(Plan::of(LedgerId([1; 16]), 5, &body).openings, openings);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any one bit of anything that is signed, changed after signing, and the signature does not hold.
    #[test]
    fn every_signed_bit_counts(part in 0usize..9, at: prop::sample::Index, bit in 0u8..8) {
        let store = memory(&[rule(1, &["ann"])]);
        let mut opening = Batch::new("pay", "k").open(&store, usd("zoe"), 77).build();
        opening.body.policy_changes = vec![PolicyChange::Unbounded(account("fees"))];
        opening.body.content = Digest([8; 32]);
        let (id, version) = (store.head().ledger_id, store.policy().version());
        let plan = Plan::of(id, version, &opening.body);
        let signature = plan.sign(&secret("ann"), NOW).to_vec();
        let key = approver_key(&secret("ann"));
        prop_assert!(plan.is_signed(&key, NOW, &signature));
        let flip = |bytes: &mut [u8]| {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        };
        let mut changed = plan.clone();
        let (mut expires, mut public, mut signed) = (NOW, key, signature);
        match part {
            0 => flip(&mut changed.ledger_id.0),
            1 => flip(&mut changed.content.0),
            2 => {
                // Through the openings themselves.
                let mut body = opening.body.clone();
                body.openings[0].amount ^= 1 << (bit as u32 + at.index(100) as u32);
                changed = Plan::of(id, version, &body);
            }
            3 => changed.policy_version ^= 1 << (bit as u32 + at.index(56) as u32),
            4 => expires ^= 1 << (bit as u32 + at.index(56) as u32),
            5 => flip(&mut signed),
            6 => {
                let mut name = changed.batch.clone().into_bytes();
                flip(&mut name);
                // What is no text can be no name.
                prop_assume!(std::str::from_utf8(&name).is_ok());
                changed.batch = String::from_utf8(name).unwrap();
            }
            7 => {
                let mut body = opening.body.clone();
                match at.index(4) {
                    0 => body.kind = RecordKind::Import,
                    1 => body.policy_changes.clear(),
                    2 => body.policy_changes = vec![PolicyChange::Bounded(account("fees"))],
                    _ => body.places[0] = usd("zof"),
                }
                changed = Plan::of(id, version, &body);
            }
            _ => flip(&mut public),
        }
        prop_assert!(!changed.is_signed(&public, expires, &signed), "part {part}");
    }
}
