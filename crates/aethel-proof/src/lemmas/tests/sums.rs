//! Lemmas of sums: forms that are read off are proved, others refuted.

use super::super::sums::{negation, words};
use super::*;
use aethel_ir::access::{Form, Linear, Test};

const BODY: &str = "guard { a.balance >= x + 5; x > 0; y != 3; c.balance >= y; let fee = x + y; }
                    verify { a.balance == a.balance - x - fee; b.balance == b.balance + x + fee; b.balance >= y; }";

fn shape_of(body: &str) -> (Shape, Linear) {
    let batch = lower(&[body]);
    let shape = Shape::new(&batch.intents[0], &slots(&batch, 0)).unwrap();
    let linear = Access::of(&shape.intent, &shape.fields()).linear.unwrap();
    (shape, linear)
}

fn holds(shape: &Shape, linear: &Linear) -> bool {
    let (shape, linear) = (shape.clone(), linear.clone());
    let verdict = run(&LEMMA_LIMITS, move |session| {
        ask(
            session,
            LEMMA_LIMITS.rlimit,
            words(&shape),
            negation(&shape, &linear),
        )
    });
    match verdict.unwrap() {
        Verdict::Proved(lemma) => lemma.record.check() == Ok(Grounds::Solver),
        Verdict::Refuted => false,
        Verdict::Undecided(why) => panic!("{why}"),
    }
}

#[test]
fn forms_that_are_read_off_are_proved() {
    for body in [
        BODY,
        TRANSFER,
        "guard { 0.5 * x > 0.2 * y; } verify { a.balance == a.balance - x; }",
        "guard { x == y; c.n >= 2; } verify { b.balance == b.balance + c.balance; }",
        "guard { a.balance + b.balance >= 150; } verify { a.balance == a.balance - x; }",
        "verify { a.balance == a.balance - x; a.balance >= old(b.balance); }",
        "verify { world.balance == world.balance - x; a.balance == a.balance + x; }",
    ] {
        let (shape, linear) = shape_of(body);
        assert!(holds(&shape, &linear), "{body}: {linear:?}");
        let batch = lower(&[body]);
        let access = Access::of(&batch.intents[0], &batch.fields);
        let verdict = lemmas()
            .access(&batch.intents[0], &slots(&batch, 0), &access)
            .unwrap();
        assert!(verdict.linear, "{body}");
    }
}

#[test]
fn other_forms_are_refuted() {
    let (shape, linear) = shape_of(BODY);
    type Change = fn(&mut Linear);
    let changes: [Change; 11] = [
        |l| l.deltas[0].1.constant += 1,
        |l| l.deltas[0].1.values[0].1 *= -1,
        |l| drop(l.deltas.pop()),
        |l| l.deltas[1].0 = l.deltas[0].0,
        |l| l.bounds[0].1.constant += 1,
        |l| drop(l.bounds.remove(0)),
        |l| {
            let million = Form {
                constant: 1_000_000,
                ..Form::default()
            };
            l.bounds.push((l.deltas[0].0, million, None));
        },
        |l| drop(l.tests.remove(0)),
        |l| l.tests[0].0.constant += 1,
        |l| l.tests[0].1 = Test::Zero,
        |l| l.tests.push((Form::default(), Test::NotZero, None)),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut changed = linear.clone();
        change(&mut changed);
        assert!(!holds(&shape, &changed), "change {n}: {changed:?}");
    }
    let fixed = "guard { let whole = x; x == 7; } verify { a.balance == a.balance - x; }";
    let (shape, mut linear) = shape_of(fixed);
    linear.ranges.push(Form {
        constant: 1 << 121,
        ..Form::default()
    });
    assert!(!holds(&shape, &linear));
}

#[test]
fn forms_with_other_constants_are_not_those_of_the_shape() {
    let batch = lower(&["guard { a.balance >= 60; } verify { a.balance == a.balance - 60; }"]);
    let mut access = Access::of(&batch.intents[0], &batch.fields);
    let ask = |access: &Access| {
        let verdict = lemmas().access(&batch.intents[0], &slots(&batch, 0), access);
        verdict.unwrap().linear
    };
    assert!(ask(&access));
    access.linear.as_mut().unwrap().deltas[0].1.constant = -61;
    assert!(!ask(&access));
    access.linear = None;
    assert!(!ask(&access));
}
