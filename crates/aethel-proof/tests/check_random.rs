//! For any intent: what is refuted can be replayed, and what is proved is never seen to fail.

use crate::support::*;
use aethel_ir::intent::BinaryOp;
use aethel_ir::*;
use aethel_proof::LemmaCache;
use aethel_proof::check::{Check, CheckLimits, Refutation, State, Subject, Verdict, check_intent};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const SLOTS: u16 = 3;

fn factor() -> impl Strategy<Value = E> {
    prop_oneof![
        4 => Just("1"), 4 => Just("-1"), 1 => Just("2"), 1 => Just("0.5"), 1 => Just("0.05"), 1 => Just("0.95")
    ]
    .prop_map(num)
}

fn mode() -> impl Strategy<Value = RoundMode> {
    prop_oneof![
        Just(RoundMode::HalfEven),
        Just(RoundMode::HalfUp),
        Just(RoundMode::Up),
        Just(RoundMode::Down)
    ]
}

fn leaf() -> impl Strategy<Value = E> {
    prop_oneof![
        3 => (0_u16..2).prop_map(E::Arg),
        2 => (0..SLOTS).prop_map(E::Before),
        2 => (-9_i128..30).prop_map(|n| E::Num(Rational::Int(n))),
    ]
}

/// A sum of a few parts, sometimes rounded, now and then with a product, a quotient or a remainder of unknowns.
fn sum() -> impl Strategy<Value = E> {
    let part = prop_oneof![
        6 => (factor(), leaf()).prop_map(|(factor, leaf)| leaf.mul(factor)),
        3 => (factor(), leaf(), mode()).prop_map(|(factor, leaf, mode)| round(leaf.mul(factor), mode)),
        1 => (leaf(), leaf(), mode()).prop_map(|(a, b, mode)| round(a.mul(b), mode)),
        1 => (leaf(), leaf(), mode()).prop_map(|(a, b, mode)| round(a.div(b), mode)),
        1 => (leaf(), leaf()).prop_map(|(a, b)| a.rem(b)),
    ];
    prop::collection::vec(part, 1..3).prop_map(|parts| parts.into_iter().reduce(E::add).unwrap())
}

fn condition() -> impl Strategy<Value = E> {
    use BinaryOp::*;
    let compare =
        prop_oneof![4 => Just(GreaterEqual), 2 => Just(Greater), 1 => Just(LessEqual), 1 => Just(Equal)];
    let linear = (factor(), leaf(), leaf()).prop_map(|(factor, a, b)| a.mul(factor).add(b));
    (compare, leaf(), prop_oneof![2 => leaf(), 1 => linear]).prop_map(|(op, a, b)| bin(op, a, b))
}

/// What an effect or two take from one account is what others get, or nearly.
fn intent() -> impl Strategy<Value = IntentBuilder> {
    (
        prop::collection::vec(condition(), 0..4),
        prop::collection::vec(condition(), 0..2),
        sum(),
        prop_oneof![2 => Just(None), 1 => sum().prop_map(Some)],
        any::<bool>(),
    )
        .prop_map(|(guard, ensure, amount, other, amounts)| {
            let other = other.unwrap_or(amount.clone());
            let mut intent = IntentBuilder::new("any", 3, &[(0, USD), (1, USD), (2, COUNT)], 2);
            if amounts {
                intent = intent.amounts();
            }
            for e in guard {
                intent = intent.guard(e);
            }
            intent = intent
                .effect(0, E::Before(0).sub(amount))
                .effect(1, E::Before(1).add(other));
            ensure.into_iter().fold(intent, IntentBuilder::ensure)
        })
}

fn states() -> impl Strategy<Value = Vec<State>> {
    let value = || prop_oneof![-5_i128..40, Just(0), Just(1), -1000_i128..10_000].prop_map(Rational::Int);
    let state = (prop::collection::vec(0_i128..60, 3), value(), value());
    let state = state.prop_map(|(before, a, b)| State {
        before,
        values: vec![Value::Number(a), Value::Number(b)],
    });
    prop::collection::vec(state, 60)
}

/// The check that a run from a state shows to fail.
fn fault(subject: &Subject, state: &State) -> Option<Check> {
    Some(match subject.run(state) {
        Ok(after) => {
            let gain = after[0] + after[1] - state.before[0] - state.before[1];
            return (gain != 0).then_some(Check::Conserves(AssetId(0)));
        }
        Err(Failure::Overdraft { effect, .. }) => Check::NoOverdraft(effect),
        Err(Failure::Overflow { site }) => Check::NoOverflow(site),
        Err(Failure::Inexact { site, .. }) => Check::Exact(site),
        Err(Failure::DivisionByZero(at)) => Check::NoDivisionByZero(at),
        Err(Failure::Postcondition(n)) => Check::Postcondition(n),
        Err(failure) => {
            assert!(matches!(failure, Failure::Guard(_)), "{failure:?}");
            return None;
        }
    })
}

/// Small budgets, and nothing that Z3 may not end: an undecided check is no claim.
fn limits() -> CheckLimits {
    CheckLimits {
        rlimit: 200_000,
        product_time: Duration::ZERO,
        ..CheckLimits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn p27_p28_refuted_checks_replay_and_proved_ones_never_fail(
        intent in intent(), unbounded in any::<bool>(), states in states()
    ) {
        let batch = BatchBuilder::new(3, &[]).intent(intent).build();
        let subject = Arc::new(Subject::new(&batch, 0, &[unbounded, false, false]).unwrap());
        let report = check_intent(&subject, &limits(), &LemmaCache::in_memory());
        for finding in &report.findings {
            match &finding.verdict {
                Verdict::Proved | Verdict::Undecided { .. } => {}
                Verdict::Disagreement { .. } => prop_assert!(false, "{:?}", finding),
                Verdict::Refuted(Refutation::Example(state)) => {
                    prop_assert!(subject.admits(state));
                    prop_assert_eq!(fault(&subject, state), Some(finding.check));
                }
                Verdict::Refuted(Refutation::Stopped(state)) => {
                    prop_assert!(subject.admits(state) && subject.run(state).is_err());
                }
                Verdict::Refuted(Refutation::Contradiction(_) | Refutation::Implied) => {}
            }
        }
        let refuted = |check| matches!(report.verdict(check), Some(Verdict::Refuted(_)));
        for state in states.iter().filter(|state| subject.admits(state)) {
            let passes = !matches!(subject.run(state), Err(Failure::Guard(_)));
            prop_assert!(!(passes && refuted(Check::GuardCanHold)), "{:?}", state);
            prop_assert!(!(subject.run(state).is_ok() && refuted(Check::CanCommit)), "{:?}", state);
            if let Some(check) = fault(&subject, state) {
                prop_assert_ne!(report.verdict(check), Some(&Verdict::Proved), "{:?} from {:?}", check, state);
            }
            if let Err(Failure::Guard(n)) = subject.run(state)
                && report.verdict(Check::Needed(n)).is_some()
            {
                // It is implied by others, so one of them fails too.
                let others = (0..subject.intent().guard.len() as u16).filter(|other| *other != n);
                let view = |n: u16| subject.with(state, |view, evaluator| {
                    let expr = view.intent.guard[usize::from(n)].expr;
                    evaluator.show(view, &state.before, &state.before, expr)
                });
                prop_assert!(others.map(view).any(|value| value != Some(Value::Bool(true))), "{:?}", state);
            }
        }
    }
}
