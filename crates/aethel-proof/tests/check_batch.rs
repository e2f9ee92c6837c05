//! Verdicts on whole batches.

use crate::support::*;
use aethel_ir::*;
use aethel_proof::check::{BatchReport, BatchSubject, BatchVerdict, CheckLimits, MAX_CHAIN, check_batch};
use proptest::prelude::*;

const USD_ASSET: AssetId = AssetId(0);

fn judge(batch: &Batch, unknown: &[(u32, u16)], leaks: &[AssetId]) -> BatchReport {
    let subject = BatchSubject {
        batch,
        order: &source_order(batch),
        unknown,
        leaks,
    };
    check_batch(subject, &CheckLimits::default())
}

fn int(n: i128) -> Rational {
    Rational::Int(n)
}

/// Both transactions want `from` to hold exactly so much.
fn exact(amount: i128) -> IntentBuilder {
    transfer().amounts().guard(E::Before(0).eq(E::Minor(amount)))
}

#[test]
fn transfers_succeed_and_need_the_largest_prefix() {
    let batch = BatchBuilder::new(3, &[])
        .intent(transfer().amounts())
        .call(0, &[0, 1], &[int(30)])
        .call(0, &[1, 0], &[int(50)])
        .call(0, &[0, 2], &[int(10)])
        .build();
    let report = judge(&batch, &[], &[]);
    assert_eq!(report.success, BatchVerdict::Proved);
    let need = |account: u32| {
        let place = batch
            .places
            .iter()
            .position(|(id, _)| *id == AccountId(account))
            .unwrap();
        let found = report.needs.iter().find(|(id, _)| id.0 as usize == place);
        found.map(|(_, need)| *need)
    };
    // a0 needs 30 at first, a1 has 30 by then and needs 20 more.
    assert_eq!((need(0), need(1), need(2)), (Some(30), Some(20), None));
}

#[test]
fn transactions_that_exclude_each_other_are_named() {
    let batch = BatchBuilder::new(4, &[])
        .intent(exact(100))
        .intent(transfer().amounts())
        .call(1, &[2, 3], &[int(1)])
        .call(0, &[0, 1], &[int(60)])
        .call(1, &[2, 3], &[int(1)])
        .call(0, &[0, 2], &[int(60)])
        .build();
    let report = judge(&batch, &[], &[]);
    assert_eq!(report.success, BatchVerdict::Refuted);
    assert_eq!(report.excluding, [TransactionId(1), TransactionId(3)]);
}

#[test]
fn a_state_that_only_z3_finds_lets_a_batch_succeed() {
    let batch = BatchBuilder::new(3, &[])
        .intent(exact(100))
        .intent(exact(40))
        .call(0, &[0, 1], &[int(60)])
        .call(1, &[0, 2], &[int(40)])
        .build();
    let report = judge(&batch, &[], &[]);
    assert_eq!(report.success, BatchVerdict::Proved);
    assert!(report.queries > 0);
}

#[test]
fn a_transaction_with_one_account_twice_fails_always() {
    let batch = BatchBuilder::new(2, &[])
        .intent(transfer().amounts())
        .call(0, &[0, 1], &[int(1)])
        .call(0, &[1, 1], &[int(1)])
        .build();
    let report = judge(&batch, &[], &[]);
    assert_eq!(report.success, BatchVerdict::Refuted);
    assert_eq!(report.excluding, [TransactionId(1)]);
}

#[test]
fn what_only_a_run_brings_is_open() {
    let batch = || {
        BatchBuilder::new(3, &[])
            .intent(exact(100))
            .call(0, &[0, 1], &[int(60)])
            .call(0, &[0, 2], &[int(7)])
    };
    // With a first payment of nothing both find 100.
    assert_eq!(
        judge(&batch().build(), &[(0, 0)], &[]).success,
        BatchVerdict::Proved
    );
    assert_eq!(
        judge(&batch().build(), &[(1, 0)], &[]).success,
        BatchVerdict::Refuted
    );
}

#[test]
fn one_intent_may_make_up_for_another() {
    let add =
        |amount: &str| IntentBuilder::new("add", 1, &[(0, USD)], 0).effect(0, E::Before(0).add(num(amount)));
    let batch = |second: &str| {
        BatchBuilder::new(2, &[])
            .intent(add("5"))
            .intent(add(second))
            .call(0, &[0], &[])
            .call(1, &[1], &[])
            .build()
    };
    let verdict = |batch: &Batch| judge(batch, &[], &[USD_ASSET]).conserves;
    assert_eq!(verdict(&batch("-5")), [(USD_ASSET, BatchVerdict::Proved)]);
    assert_eq!(verdict(&batch("-4")), [(USD_ASSET, BatchVerdict::Refuted)]);
}

#[test]
fn rounding_that_another_transaction_makes_up_for_needs_the_chain() {
    // Half of what is there, rounded down, is taken here and given there: no sum of arguments tells.
    let half = |slot: u16| round(E::Before(slot).mul(num("0.5")), RoundMode::Down);
    let take = IntentBuilder::new("take", 2, &[(0, USD), (1, COUNT)], 0)
        .effect(0, E::Before(0).sub(half(0)))
        .effect(1, half(0));
    let give =
        IntentBuilder::new("give", 2, &[(0, USD), (1, COUNT)], 0).effect(0, E::Before(0).add(E::Before(1)));
    let batch = BatchBuilder::new(3, &[])
        .intent(take)
        .intent(give)
        .call(0, &[0, 2], &[])
        .call(1, &[1, 2], &[])
        .build();
    let report = judge(&batch, &[], &[USD_ASSET]);
    assert_eq!(report.conserves, [(USD_ASSET, BatchVerdict::Proved)]);
    assert!(report.queries > 0);
}

#[test]
fn a_large_batch_that_is_stuck_is_not_tried() {
    let mut batch = BatchBuilder::new(2, &[]).intent(exact(100));
    for _ in 0..=MAX_CHAIN {
        batch = batch.call(0, &[0, 1], &[int(0)]);
    }
    assert_eq!(
        judge(&batch.build(), &[], &[]).success,
        BatchVerdict::NotAttempted
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// With exactly what is needed the batch goes through; with one less anywhere it does not.
    #[test]
    fn needs_are_exact(calls in prop::collection::vec((0_u32..4, 1_u32..4, -5_i128..50), 1..12)) {
        let slack = transfer().amounts().guard(E::Before(0).ge(E::Arg(0).add(E::Minor(3))));
        let mut batch = BatchBuilder::new(4, &[]).intent(slack).intent(transfer().amounts());
        for (from, step, amount) in calls {
            let intent = u32::from(amount % 2 == 0);
            batch = batch.call(intent, &[from, (from + step) % 4], &[int(amount)]);
        }
        let batch = batch.build();
        let report = judge(&batch, &[], &[]);
        let mut start = vec![0; batch.places.len()];
        for (place, need) in &report.needs {
            start[place.0 as usize] = *need;
        }
        prop_assert!(serial(&batch, &start).is_ok());
        for (place, _) in &report.needs {
            let mut less = start.clone();
            less[place.0 as usize] -= 1;
            prop_assert!(serial(&batch, &less).is_err(), "{:?}", place);
        }
    }
}
