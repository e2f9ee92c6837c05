//! Runs of transfers: what is proved, and that wrong claims are refuted with the first thing that is wrong.

use crate::support::*;
use aethel_ir::{MAX_MINOR_UNITS, Rational, TransactionId};
use aethel_proof::{DirectVerdict, Limits, prove_direct, z3_version};
use std::time::Duration;

fn cents(n: i128) -> Vec<Rational> {
    vec![Rational::Int(n)]
}

/// `a0` pays 100 + n to each of the others.
fn payroll(n: u32) -> (aethel_ir::Batch, Vec<i128>, Vec<i128>) {
    let mut batch = BatchBuilder::new(n + 1, &[]).intent(transfer());
    let mut end = vec![1_000_000];
    for row in 0..n {
        batch = batch.call(0, &[0, row + 1], &cents(100 + i128::from(row)));
        end.push(100 + i128::from(row));
        end[0] -= 100 + i128::from(row);
    }
    let mut start = vec![0; n as usize + 1];
    start[0] = 1_000_000;
    (batch.build(), start, end)
}

#[test]
fn sixteen_transfers_are_proved() {
    let (batch, start, end) = payroll(16);
    assert_eq!(serial(&batch, &start), Ok(end.clone()));
    for _ in 0..3 {
        let verdict = prove(&batch, &start, &end);
        println!("{verdict:?}");
        assert!(
            matches!(
                verdict,
                DirectVerdict::Proved {
                    queries: 1,
                    rlimit_used: 1..,
                    ..
                }
            ),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_wrong_end_is_refuted() {
    let (batch, start, mut end) = payroll(3);
    end[2] += 1;
    refuted(
        &batch,
        &start,
        &end,
        "`a2` ends at 1.01 USD in this order, not at 1.02 USD",
    );
}

#[test]
fn a_lost_update_is_refuted() {
    let batch = BatchBuilder::new(3, &[]).intent(transfer());
    let batch = batch
        .call(0, &[0, 1], &cents(60))
        .call(0, &[0, 2], &cents(60))
        .build();
    refuted(
        &batch,
        &[100, 0, 0],
        &[40, 60, 60],
        "`t1`: guard condition 1 is false: left 0.40 USD, right 60",
    );
}

#[test]
fn the_order_counts() {
    let batch = BatchBuilder::new(3, &[]).intent(transfer());
    let batch = batch
        .call(0, &[0, 1], &cents(50))
        .call(0, &[1, 2], &cents(50))
        .build();
    let (start, end) = ([50, 0, 0], [0, 0, 50]);
    let order = [TransactionId(1), TransactionId(0)];
    proved(&batch, &start, &end);
    let verdict = prove_direct(&batch, &order, &start, &end, &Limits::default());
    let reason = "`t1`: guard condition 1 is false: left 0.00 USD, right 50".to_owned();
    assert_eq!(verdict, DirectVerdict::Refuted { reason });
}

#[test]
fn claims_that_do_not_fit_the_batch_are_refuted() {
    let (batch, start, end) = payroll(2);
    let check = |order: &[u32], end: &[i128], expected: &str| {
        let order: Vec<_> = order.iter().copied().map(TransactionId).collect();
        let verdict = prove_direct(&batch, &order, &start, end, &Limits::default());
        assert_eq!(
            verdict,
            DirectVerdict::Refuted {
                reason: expected.to_owned()
            }
        );
    };
    check(&[0], &end, "`t1` is not in the order");
    check(&[0, 0], &end, "`t0` is in the order twice");
    check(&[0, 7], &end, "the order names transaction 7, which is not there");
    check(
        &[0, 1],
        &end[..2],
        "the batch has 3 places, but 3 initial and 2 final values are claimed",
    );
}

#[test]
fn a_transfer_to_oneself_is_refuted() {
    let batch = BatchBuilder::new(1, &[])
        .intent(transfer())
        .call(0, &[0, 0], &cents(5))
        .build();
    assert!(serial(&batch, &[10]).is_err());
    refuted(
        &batch,
        &[10],
        &[10],
        "`t0`: `account0` and `account1` are both the account `a0`, which it changes",
    );
}

#[test]
fn one_account_twice_is_fine_when_nothing_changes_it() {
    let reader = IntentBuilder::new("read", 3, &[(0, USD), (1, USD), (2, USD)], 0)
        .guard(E::Before(0).eq(E::Before(1)))
        .effect(2, E::Before(2).add(num("1")));
    let batch = BatchBuilder::new(2, &[])
        .intent(reader)
        .call(0, &[0, 0, 1], &[])
        .build();
    proved(&batch, &[10, 0], &[10, 1]);
}

#[test]
fn overdraft_and_overflow_are_refuted() {
    let careless = || {
        IntentBuilder::new("careless", 2, &[(0, USD), (1, USD)], 1)
            .effect(0, E::Before(0).sub(E::Arg(0)))
            .effect(1, E::Before(1).add(E::Arg(0)))
    };
    let batch = |unbounded: &[u32], amount| {
        BatchBuilder::new(2, unbounded)
            .intent(careless())
            .call(0, &[0, 1], &cents(amount))
            .build()
    };
    refuted(
        &batch(&[], 70),
        &[50, 0],
        &[-20, 70],
        "`t0` leaves `a0` below zero: -0.20 USD",
    );
    proved(&batch(&[0], 70), &[50, 0], &[-20, 70]);
    let max = MAX_MINOR_UNITS;
    proved(&batch(&[0], max), &[0, 0], &[-max, max]);
    let DirectVerdict::Refuted { reason } = prove(&batch(&[0], max), &[0, 1], &[-max, max + 1]) else {
        panic!("an overflow that is proved");
    };
    assert!(
        reason.starts_with("`t0`: `a1` is beyond the range of amounts: "),
        "{reason}"
    );
}

#[test]
fn a_check_for_bounded_accounts_only() {
    let intent = || {
        IntentBuilder::new("json", 1, &[(0, USD)], 1)
            .guard_if_bounded(E::Before(0).ge(E::Arg(0)), 0)
            .effect(0, E::Before(0).sub(E::Arg(0)))
    };
    let batch = |unbounded: &[u32]| {
        BatchBuilder::new(1, unbounded)
            .intent(intent())
            .call(0, &[0], &cents(9))
            .build()
    };
    proved(&batch(&[0]), &[5], &[-4]);
    refuted(
        &batch(&[]),
        &[5],
        &[-4],
        "`t0`: guard condition 1 is false: left 0.05 USD, right 9",
    );
}

#[test]
fn a_secret_is_not_told() {
    let batch = BatchBuilder::new(2, &[])
        .intent(transfer().secret())
        .call(0, &[0, 1], &cents(60))
        .build();
    refuted(&batch, &[10, 0], &[10, 0], "`t0`: guard condition 1 is false");
}

#[test]
fn a_spent_budget_is_undecided() {
    let (batch, start, end) = payroll(16);
    let order = source_order(&batch);
    let undecided = |limits: Limits, expected: &str| match prove_direct(&batch, &order, &start, &end, &limits)
    {
        DirectVerdict::Undecided { reason } => assert_eq!(reason, expected),
        other => panic!("{other:?}"),
    };
    undecided(
        Limits {
            rlimit: 0,
            ..Limits::default()
        },
        "the resource limit is spent",
    );
    undecided(
        Limits {
            rlimit: 100,
            ..Limits::default()
        },
        "the resource limit is spent",
    );
    // What was left behind does not disturb the next proof.
    let no_time = Limits {
        time: Duration::ZERO,
        ..Limits::default()
    };
    let _ = prove_direct(&batch, &order, &start, &end, &no_time);
    proved(&batch, &start, &end);
}

#[test]
fn version_is_plain() {
    let version = z3_version();
    assert!(version.split('.').count() >= 3, "{version}");
    assert!(
        version.chars().all(|c| c.is_ascii_digit() || c == '.'),
        "{version}"
    );
}
