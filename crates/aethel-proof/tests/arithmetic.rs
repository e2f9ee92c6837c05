//! Arithmetic beyond sums: rationals, rounding, remainders, quotients, conditions that short-circuit, fields.

use crate::support::*;
use aethel_ir::intent::UnaryOp;
use aethel_ir::{Batch, Rational, RoundMode};

/// A batch of one transaction that sets the balance of `a0` to an expression over slots 0 (`a0`) and 1 (`a1`).
fn sets(value: E) -> Batch {
    let intent = IntentBuilder::new("set", 2, &[(0, USD), (1, USD)], 0).effect(0, value);
    BatchBuilder::new(2, &[0, 1])
        .intent(intent)
        .call(0, &[0, 1], &[])
        .build()
}

/// Checks that the expression is proved to be `want`, and nothing else.
#[track_caller]
fn is(value: E, x: i128, y: i128, want: i128) {
    let batch = sets(value);
    assert_eq!(serial(&batch, &[x, y]), Ok(vec![want, y]));
    proved(&batch, &[x, y], &[want, y]);
    for wrong in [want - 1, want + 1] {
        let verdict = prove(&batch, &[x, y], &[wrong, y]);
        assert!(
            matches!(verdict, aethel_proof::DirectVerdict::Refuted { .. }),
            "{verdict:?}"
        );
    }
}

#[test]
fn products_of_a_balance_and_a_price() {
    // 0.5 BTC in satoshi at 64 123.45 USD.
    is(E::Before(0).mul(num("0.0641235")), 2_000_000, 0, 128_247);
    is(
        E::Before(0).mul(E::Before(1)),
        123_456_789,
        987_654_321,
        121_932_631_112_635_269,
    );
    is(
        E::Before(0).mul(E::Before(0)).mul(E::Before(0)),
        -1234,
        0,
        -1_879_080_904,
    );
}

#[test]
fn rounding_modes_at_ties_and_beside_them() {
    use RoundMode::*;
    for (x, want) in [
        (5, [2, 3, 3, 2]),
        (7, [4, 4, 4, 3]),
        (-5, [-2, -3, -3, -2]),
        (-7, [-4, -4, -4, -3]),
        (6, [3, 3, 3, 3]),
        (1, [0, 1, 1, 0]),
        (-1, [0, -1, -1, 0]),
    ] {
        for (mode, want) in [HalfEven, HalfUp, Up, Down].into_iter().zip(want) {
            is(round(E::Before(0).mul(num("0.5")), mode), x, 0, want);
        }
    }
    for mode in [HalfEven, HalfUp, Up, Down] {
        let want = i128::from(mode == Up);
        is(round(E::Before(0).mul(num("0.1")), mode), 3, 0, want);
        is(round(E::Before(0).mul(num("0.1")), mode), -3, 0, -want);
    }
}

#[test]
fn rounding_to_a_unit() {
    let to_ten = E::Round(Box::new(E::Before(0)), Rational::Int(10), RoundMode::HalfEven);
    is(to_ten.clone(), 25, 0, 20);
    is(to_ten, 35, 0, 40);
}

#[test]
fn a_fee_and_its_remainder_conserve() {
    // 95/5 with the remainder: `let net = round(x * 0.95, half_even)`, the fee gets `x - net`.
    let split = || {
        IntentBuilder::new("split", 3, &[(0, USD), (1, USD), (2, USD)], 1)
            .bind(round(E::Arg(0).mul(num("0.95")), RoundMode::HalfEven), true)
            .guard(E::Before(0).ge(E::Arg(0)))
            .effect(0, E::Before(0).sub(E::Arg(0)))
            .effect(1, E::Before(1).add(E::Let(0)))
            .effect(2, E::Before(2).add(E::Arg(0).sub(E::Let(0))))
            .ensure(
                E::After(0)
                    .add(E::After(1))
                    .add(E::After(2))
                    .eq(E::Before(0).add(E::Before(1)).add(E::Before(2))),
            )
    };
    let mut batch = BatchBuilder::new(3, &[]).intent(split());
    for amount in [10, 30, 12_345, 1, 7] {
        batch = batch.call(0, &[0, 1, 2], &[Rational::Int(amount)]);
    }
    let batch = batch.build();
    let end = serial(&batch, &[20_000, 0, 0]).unwrap();
    proved(&batch, &[20_000, 0, 0], &end);
    let off_by_one = [end[0], end[1] + 1, end[2] - 1];
    let verdict = prove(&batch, &[20_000, 0, 0], &off_by_one);
    assert!(
        matches!(verdict, aethel_proof::DirectVerdict::Refuted { .. }),
        "{verdict:?}"
    );
}

#[test]
fn interest_that_depends_on_what_was_rounded_before() {
    // Ten times 1.37 % of a balance, rounded, so each step multiplies what the last one rounded.
    let interest = IntentBuilder::new("interest", 1, &[(0, USD)], 0).effect(
        0,
        E::Before(0).add(round(E::Before(0).mul(num("0.0137")), RoundMode::HalfEven)),
    );
    let mut batch = BatchBuilder::new(1, &[]).intent(interest);
    for _ in 0..10 {
        batch = batch.call(0, &[0], &[]);
    }
    let batch = batch.build();
    let end = serial(&batch, &[1_234_567]).unwrap();
    proved(&batch, &[1_234_567], &end);
}

#[test]
fn a_share_of_two_balances() {
    // round(a0 * a0 / (a0 + a1)) twice: quotients of what Z3 has to compute first.
    let share = IntentBuilder::new("share", 2, &[(0, USD), (1, USD)], 0)
        .guard(E::Before(0).add(E::Before(1)).ne(num("0")))
        .effect(
            0,
            round(
                E::Before(0).mul(E::Before(0)).div(E::Before(0).add(E::Before(1))),
                RoundMode::HalfEven,
            ),
        );
    let batch = BatchBuilder::new(2, &[]).intent(share);
    let batch = batch.call(0, &[0, 1], &[]).call(0, &[0, 1], &[]).build();
    let end = serial(&batch, &[70_001, 30_000]).unwrap();
    proved(&batch, &[70_001, 30_000], &end);
    refuted(
        &batch,
        &[0, 0],
        &[0, 0],
        "`t0`: guard condition 1 is false: left 0.00 USD, right 0",
    );
}

#[test]
fn remainders_have_the_sign_of_the_dividend() {
    for (x, y, want) in [
        (7, 3, 1),
        (-7, 3, -1),
        (7, -3, 1),
        (-7, -3, -1),
        (6, 3, 0),
        (0, 5, 0),
        (2, 5, 2),
    ] {
        is(E::Before(0).rem(E::Before(1)), x, y, want);
        is(E::Before(0).rem(E::Num(Rational::Int(y))), x, 0, want);
    }
    is(
        E::Before(0).mul(num("0.5")).rem(num("0.7")).mul(num("10")),
        9,
        0,
        3,
    );
    refuted(
        &sets(E::Before(0).rem(E::Before(1))),
        &[7, 0],
        &[7, 0],
        "`t0` divides by zero",
    );
    refuted(
        &sets(E::Before(0).rem(num("0"))),
        &[7, 0],
        &[7, 0],
        "`t0` divides by zero",
    );
}

#[test]
fn quotients() {
    is(E::Before(0).div(E::Before(1)), 12, 4, 3);
    is(E::Before(0).div(E::Before(1)).mul(num("2")), 7, 2, 7);
    is(
        round(E::Before(0).div(E::Before(1)), RoundMode::HalfEven),
        22,
        -7,
        -3,
    );
    is(E::Before(0).div(num("0.5")), 7, 0, 14);
    let exact = sets(E::Before(0).div(E::Before(1)));
    refuted(
        &exact,
        &[7, 2],
        &[3, 2],
        "`t0`: `a0` is not a whole number of minor units: 0.035 USD",
    );
    refuted(&exact, &[7, 0], &[7, 0], "`t0` divides by zero");
    refuted(
        &sets(E::Before(0).div(num("0"))),
        &[7, 0],
        &[7, 0],
        "`t0` divides by zero",
    );
}

#[test]
fn inexact_amounts_are_refuted() {
    refuted(
        &sets(E::Before(0).mul(num("0.5"))),
        &[7, 0],
        &[3, 0],
        "`t0`: `a0` is not a whole number of minor units: 0.035 USD",
    );
    let fixed = IntentBuilder::new("fixed", 1, &[(0, USD)], 0)
        .bind(E::Before(0).mul(num("0.5")), true)
        .effect(0, E::Let(0));
    let batch = BatchBuilder::new(1, &[]).intent(fixed).call(0, &[0], &[]).build();
    proved(&batch, &[8], &[4]);
    refuted(
        &batch,
        &[7],
        &[3],
        "`t0`: `let0` is not a whole number of minor units: 0.035 USD",
    );
}

#[test]
fn min_max_abs_and_negation() {
    is(E::Before(0).min(E::Before(1)), 3, -4, -4);
    is(E::Before(0).max(E::Before(1)), 3, -4, 3);
    is(un(UnaryOp::Abs, E::Before(0)), -9, 0, 9);
    is(un(UnaryOp::Abs, E::Before(0)), 9, 0, 9);
    is(
        un(UnaryOp::Abs, num("-2")).add(un(UnaryOp::Negate, E::Before(0))),
        9,
        0,
        -7,
    );
    is(
        E::Before(0)
            .mul(num("0.3"))
            .max(E::Before(1).mul(num("0.2")))
            .mul(num("10")),
        2,
        5,
        10,
    );
    is(
        E::Before(0).div(E::Before(1)).min(num("1.5")).mul(num("6")),
        4,
        3,
        8,
    );
}

#[test]
fn short_circuits_guard_a_division() {
    let guarded = |condition: E| {
        let intent = IntentBuilder::new("guarded", 2, &[(0, USD), (1, USD)], 0)
            .guard(condition)
            .effect(0, E::Before(0).add(num("1")));
        BatchBuilder::new(2, &[])
            .intent(intent)
            .call(0, &[0, 1], &[])
            .build()
    };
    let ratio = || E::Before(0).div(E::Before(1)).gt(num("2"));
    let zero = || E::Before(1).eq(num("0"));
    for (x, y, and, or, implies) in [(9, 0, 1, 0, 0), (9, 3, 0, 0, 0), (1, 3, 1, 1, 1)] {
        for (condition, fails) in [
            (un(UnaryOp::Not, zero()).and(ratio()), and),
            (zero().or(ratio()), or),
            (E::Before(1).ne(num("0")).implies(ratio()), implies),
        ] {
            let batch = guarded(condition);
            if fails == 1 {
                refuted(&batch, &[x, y], &[x + 1, y], "`t0`: guard condition 1 is false");
            } else {
                proved(&batch, &[x, y], &[x + 1, y]);
            }
        }
    }
    refuted(
        &guarded(ratio().or(zero())),
        &[9, 0],
        &[10, 0],
        "`t0` divides by zero",
    );
    // Named values are computed whether or not anything needs them.
    let eager = IntentBuilder::new("eager", 2, &[(0, USD), (1, USD)], 0)
        .bind(E::Before(0).div(E::Before(1)), false)
        .guard(zero().or(E::Let(0).gt(num("2"))))
        .effect(0, E::Before(0).add(num("1")));
    let batch = BatchBuilder::new(2, &[])
        .intent(eager)
        .call(0, &[0, 1], &[])
        .build();
    refuted(&batch, &[9, 0], &[10, 0], "`t0` divides by zero");
}

#[test]
fn flags_are_tested_and_set() {
    let once = IntentBuilder::new("once", 1, &[(0, USD), (0, FLAG), (0, COUNT)], 0)
        .guard(un(UnaryOp::Not, E::BeforeFlag(1)))
        .effect(1, E::Before(0).ge(num("10")))
        .effect(0, E::Before(0).add(num("5")))
        .effect(2, E::Before(2).sub(num("1")))
        .ensure(
            E::AfterFlag(1)
                .eq(E::Before(0).ge(num("10")))
                .and(E::AfterFlag(1).ne(E::BeforeFlag(1)).or(E::Flag(true))),
        );
    let batch = BatchBuilder::new(1, &[])
        .intent(once)
        .call(0, &[0], &[])
        .call(0, &[0], &[])
        .build();
    // Balance, flag, count: the first run leaves the flag unset at 8, the second sets it at 13.
    proved(&batch, &[8, 0, 0], &[18, 1, -2]);
    refuted(
        &batch,
        &[8, 0, 0],
        &[18, 0, -2],
        "`a0.flag` ends at true in this order, not at false",
    );
    refuted(
        &batch,
        &[10, 0, 0],
        &[20, 1, -2],
        "`t1`: guard condition 1 is false",
    );
}

#[test]
fn equations_are_simultaneous_and_postconditions_see_both_states() {
    let swap = IntentBuilder::new("swap", 2, &[(0, USD), (1, USD)], 0)
        .effect(0, E::Before(1))
        .effect(1, E::Before(0))
        .ensure(E::After(0).eq(E::Before(1)))
        .ensure(E::After(0).gt(E::After(1)));
    let batch = BatchBuilder::new(2, &[])
        .intent(swap)
        .call(0, &[0, 1], &[])
        .build();
    proved(&batch, &[3, 8], &[8, 3]);
    refuted(
        &batch,
        &[8, 3],
        &[3, 8],
        "`t0`: postcondition 2 is false: left 0.03 USD, right 0.08 USD",
    );
}

#[test]
fn chains_of_products_are_decided() {
    // In one query these are undecided after half a minute; cut after each they take milliseconds.
    let step = IntentBuilder::new("step", 2, &[(0, USD), (1, USD)], 0)
        .guard(E::Before(0).lt(num("1000000")))
        .effect(
            0,
            E::Before(0).mul(E::Before(0)).rem(E::Before(1)).add(num("12345")),
        );
    let pay = IntentBuilder::new("pay", 1, &[(0, USD)], 0).effect(0, E::Before(0).add(num("1")));
    let mut batch = BatchBuilder::new(2, &[]).intent(step).intent(pay);
    for _ in 0..8 {
        batch = batch.call(1, &[0], &[]).call(0, &[0, 1], &[]);
    }
    let batch = batch.build();
    let start = [234_567, 987_643];
    let end = serial(&batch, &start).unwrap();
    proved(&batch, &start, &end);
    let wrong = [end[0] + 1, end[1]];
    let verdict = prove(&batch, &start, &wrong);
    assert!(
        matches!(verdict, aethel_proof::DirectVerdict::Refuted { .. }),
        "{verdict:?}"
    );
    // A fault in the middle is found there.
    refuted(
        &batch,
        &[1_000_000, 987_643],
        &wrong,
        "`t1`: guard condition 1 is false: left 10 000.01 USD, right 1000000",
    );
}
