//! For any small batch: the verdict is what the evaluator's serial run says.

use crate::support::*;
use aethel_ir::intent::{BinaryOp, UnaryOp};
use aethel_ir::{Batch, Rational, RoundMode};
use aethel_proof::DirectVerdict;
use proptest::prelude::*;

const SLOTS: u16 = 4;

fn constant() -> impl Strategy<Value = Rational> {
    (
        -40_i128..40,
        prop_oneof![4 => Just(1_i128), 1 => Just(2), 1 => Just(3), 1 => Just(20)],
    )
        .prop_map(|(n, d)| Rational::Int(n).div(&Rational::Int(d)).unwrap())
}

/// A numeric expression over slots, two arguments and, if allowed, values after.
fn number(after: bool) -> impl Strategy<Value = E> {
    let place = (0..SLOTS, any::<bool>()).prop_map(move |(slot, flag)| {
        if after && flag {
            E::After(slot)
        } else {
            E::Before(slot)
        }
    });
    let leaf = prop_oneof![1 => constant().prop_map(E::Num), 2 => place, 1 => (0_u16..2).prop_map(E::Arg)];
    leaf.prop_recursive(3, 12, 2, |inner| {
        use BinaryOp::*;
        let op = prop_oneof![
            4 => Just(Add), 4 => Just(Subtract), 3 => Just(Multiply), 1 => Just(Divide), 1 => Just(Remainder),
            1 => Just(Min), 1 => Just(Max)
        ];
        let mode = prop_oneof![
            Just(RoundMode::HalfEven),
            Just(RoundMode::HalfUp),
            Just(RoundMode::Up),
            Just(RoundMode::Down)
        ];
        prop_oneof![
            4 => (op, inner.clone(), inner.clone()).prop_map(|(op, a, b)| bin(op, a, b)),
            2 => (inner.clone(), mode).prop_map(|(a, mode)| round(a, mode)),
            1 => inner.prop_map(|a| un(UnaryOp::Abs, a)),
        ]
    })
}

fn condition(after: bool) -> impl Strategy<Value = E> {
    use BinaryOp::*;
    let compare = prop_oneof![
        Just(LessEqual),
        Just(Less),
        Just(GreaterEqual),
        Just(Greater),
        Just(Equal),
        Just(NotEqual)
    ];
    let leaf = (compare, number(after), number(after)).prop_map(|(op, a, b)| bin(op, a, b));
    leaf.prop_recursive(2, 4, 2, |inner| {
        let op = prop_oneof![Just(And), Just(Or), Just(Implies), Just(Equal)];
        prop_oneof![
            3 => (op, inner.clone(), inner.clone()).prop_map(|(op, a, b)| bin(op, a, b)),
            1 => inner.prop_map(|a| un(UnaryOp::Not, a)),
        ]
    })
}

fn intent() -> impl Strategy<Value = (Vec<E>, Vec<E>, Vec<(u16, E)>)> {
    let effect = prop_oneof![
        // Most effects are rounded, so that not nearly every run is inexact.
        5 => number(false).prop_map(|e| round(e, RoundMode::HalfEven)),
        1 => number(false),
    ];
    (
        prop::collection::vec(condition(false), 0..2),
        prop::collection::vec(condition(true), 0..2),
        prop::collection::vec(effect, 1..3).prop_map(|effects| (0_u16..).zip(effects).collect()),
    )
}

/// One or two intents over four accounts, called up to four times; small starts; a change to the claimed end.
pub fn runs() -> impl Strategy<Value = (Batch, Vec<i128>, usize, i128)> {
    let call = (0_u32..2, 0_u32..4, constant(), constant());
    (
        prop::collection::vec(intent(), 2),
        prop::collection::vec(call, 1..4),
        prop::collection::vec(-5_i128..40, 4),
        0_usize..4,
        prop_oneof![Just(-1_i128), Just(1), Just(1000)],
    )
        .prop_map(|(intents, calls, start, place, change)| {
            // Accounts 0 and 1 are unbounded, 2 and 3 are not.
            let mut batch = BatchBuilder::new(4, &[0, 1]);
            for (guard, ensure, effects) in intents {
                let mut built = IntentBuilder::new("any", 4, &[(0, USD), (1, USD), (2, USD), (3, USD)], 2)
                    .bind(E::Arg(0).add(E::Before(3)), false);
                for e in guard {
                    built = built.guard(e);
                }
                for (slot, e) in effects {
                    built = built.effect(slot, e);
                }
                for e in ensure {
                    built = built.ensure(e);
                }
                batch = batch.intent(built);
            }
            // Every account in its own place first, so that places and accounts have the same numbers.
            for (intent, turn, a, b) in calls {
                let accounts: Vec<u32> = (0..4).map(|n| (n + turn) % 4).collect();
                batch = batch.call(intent, &accounts, &[a, b]);
            }
            (batch.build(), start, place, change)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn p11_direct_proof_agrees_with_the_evaluator((batch, start, place, change) in runs()) {
        match serial(&batch, &start) {
            Ok(end) => {
                let verdict = prove(&batch, &start, &end);
                prop_assert!(matches!(verdict, DirectVerdict::Proved { .. }), "{:?} for {:?}", verdict, end);
                let mut wrong = end.clone();
                wrong[place] += change;
                let verdict = prove(&batch, &start, &wrong);
                let name = format!("`{}` ends at ", batch.place_name(aethel_ir::PlaceId(place as u32)));
                prop_assert!(
                    matches!(&verdict, DirectVerdict::Refuted { reason } if reason.starts_with(&name)),
                    "{:?} for {:?}", verdict, wrong
                );
            }
            Err((id, failure)) => {
                let name = format!("`{}`", batch.transaction_name(id));
                let verdict = prove(&batch, &start, &start);
                prop_assert!(
                    matches!(&verdict, DirectVerdict::Refuted { reason } if reason.starts_with(&name)),
                    "{:?} for {:?}", verdict, failure
                );
            }
        }
    }
}
