//! Verdicts on single intents: what must be proved, what must be refuted and by which example.

use crate::support::*;
use aethel_ir::*;
use aethel_proof::LemmaCache;
use aethel_proof::check::{
    Check, CheckLimits, IntentReport, Refutation, State, Subject, Verdict, check_intent, only_moves,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The report on the only intent of a batch of one call.
fn judge_with(intent: IntentBuilder, unbounded: &[bool]) -> (Arc<Subject>, IntentReport) {
    let batch = BatchBuilder::new(4, &[]).intent(intent).build();
    let subject = Arc::new(Subject::new(&batch, 0, unbounded).unwrap());
    let report = check_intent(&subject, &CheckLimits::default(), &LemmaCache::in_memory());
    (subject, report)
}

fn judge(intent: IntentBuilder) -> IntentReport {
    judge_with(intent, &[]).1
}

#[track_caller]
fn all_proved(intent: IntentBuilder) {
    let report = judge(intent);
    for finding in &report.findings {
        assert_eq!(finding.verdict, Verdict::Proved, "{finding:?}");
    }
}

#[track_caller]
fn example(report: &IntentReport, check: Check) -> State {
    match report.verdict(check) {
        Some(Verdict::Refuted(Refutation::Example(state))) => state.clone(),
        other => panic!("{check:?} is {other:?} in {report:#?}"),
    }
}

fn int(n: i128) -> Value {
    Value::Number(Rational::Int(n))
}

const CONSERVES: Check = Check::Conserves(AssetId(0));

/// c is given away in parts of so much, each rounded.
fn split(parts: &[&str], mode: RoundMode) -> IntentBuilder {
    let accounts = parts.len() as u16 + 1;
    let places: Vec<(u16, u16)> = (0..accounts).map(|n| (n, USD)).collect();
    let mut intent = IntentBuilder::new("split", accounts, &places, 1)
        .bind(E::Arg(0), true)
        .guard(E::Let(0).ge(num("0")))
        .guard(E::Before(0).ge(E::Let(0)))
        .effect(0, E::Before(0).sub(E::Let(0)));
    for (slot, part) in (1..).zip(parts) {
        intent = intent.effect(slot, E::Before(slot).add(round(E::Let(0).mul(num(part)), mode)));
    }
    intent
}

#[test]
fn a_guarded_transfer_is_proved() {
    let intent = || transfer().amounts().guard(E::Arg(0).ge(num("0")));
    all_proved(intent());
    let report = judge(intent());
    assert_eq!(report.verdict(CONSERVES), Some(&Verdict::Proved));
    assert_eq!(report.verdict(Check::NoOverdraft(0)), Some(&Verdict::Proved));
    assert_eq!(report.verdict(Check::NoOverdraft(1)), Some(&Verdict::Proved));
    assert_eq!(
        report.verdict(Check::NoOverflow(Site::Effect(1))),
        Some(&Verdict::Proved)
    );
}

#[test]
fn a_negative_amount_overdraws_the_other_account() {
    let report = judge(transfer().amounts());
    let state = example(&report, Check::NoOverdraft(1));
    assert_eq!((state.before, state.values), (vec![0, 0], vec![int(-1)]));
    // That balances could also grow too large with it would say the same again.
    assert_eq!(report.verdict(Check::NoOverflow(Site::Effect(0))), None);
}

#[test]
fn rounding_that_creates_or_destroys_is_found_with_the_smallest_amount() {
    for (parts, mode, amount) in [
        (&["0.95", "0.05"][..], RoundMode::HalfUp, Some(10)),
        (&["0.95", "0.05"], RoundMode::Down, Some(1)),
        (&["0.95", "0.05"], RoundMode::HalfEven, None),
        (&["0.7", "0.2", "0.1"], RoundMode::HalfEven, Some(2)),
    ] {
        let report = judge(split(parts, mode));
        match amount {
            None => assert_eq!(report.verdict(CONSERVES), Some(&Verdict::Proved)),
            Some(amount) => assert_eq!(
                example(&report, CONSERVES).values,
                [int(amount)],
                "{parts:?} {mode:?}"
            ),
        }
    }
}

#[test]
fn a_guard_that_contradicts_itself_is_named_and_nothing_else_is_said() {
    let intent = transfer()
        .amounts()
        .guard(E::Arg(0).ge(num("0")))
        .guard(E::Arg(0).lt(num("7")))
        .guard(E::Arg(0).gt(num("9")));
    let report = judge(intent);
    let [finding] = report.findings.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(finding.check, Check::GuardCanHold);
    assert_eq!(
        finding.verdict,
        Verdict::Refuted(Refutation::Contradiction(vec![2, 3]))
    );
}

#[test]
fn a_guard_that_only_unlikely_states_pass_is_alive() {
    let odd = E::Arg(0).eq(num("123457")).and(E::Before(1).eq(num("77")));
    let report = judge(transfer().amounts().guard(odd));
    assert_eq!(report.verdict(Check::GuardCanHold), Some(&Verdict::Proved));
    assert_eq!(report.verdict(Check::CanCommit), Some(&Verdict::Proved));
}

#[test]
fn an_intent_that_always_overdraws_never_commits() {
    let intent = IntentBuilder::new("draw", 1, &[(0, USD)], 0).effect(0, num("-1"));
    let report = judge(intent);
    let Some(Verdict::Refuted(Refutation::Stopped(state))) = report.verdict(Check::CanCommit) else {
        panic!("{report:?}")
    };
    assert_eq!(state.before, [0]);
}

#[test]
fn conditions_that_others_imply_are_named_once() {
    let intent = transfer()
        .amounts()
        .guard(E::Arg(0).ge(num("5")))
        .guard(E::Arg(0).ge(num("0")))
        .guard(E::Arg(0).ge(num("5")));
    let report = judge(intent);
    let implied = Verdict::Refuted(Refutation::Implied);
    assert_eq!(report.verdict(Check::Needed(3)), Some(&implied));
    assert_eq!(report.verdict(Check::Needed(2)), Some(&implied));
    assert_eq!(report.verdict(Check::Needed(1)), None);
    assert_eq!(report.verdict(Check::Needed(0)), None);
}

#[test]
fn a_divisor_and_a_fraction_are_found() {
    let intent = IntentBuilder::new("part", 2, &[(0, USD), (1, USD)], 2)
        .amounts()
        .guard(E::Arg(0).ge(num("0")))
        .guard(E::Before(0).ge(E::Arg(0)))
        .effect(0, E::Before(0).sub(E::Arg(0).div(E::Arg(1))))
        .effect(1, E::Before(1).add(E::Arg(0).div(E::Arg(1))));
    let report = judge(intent);
    let zero = report.findings.iter().find_map(|finding| match finding.check {
        Check::NoDivisionByZero(at) => Some((at, &finding.verdict)),
        _ => None,
    });
    let (at, _) = zero.unwrap();
    assert_eq!(example(&report, Check::NoDivisionByZero(at)).values[1], int(0));
    example(&report, Check::Exact(Site::Effect(0)));
}

#[test]
fn a_postcondition_that_can_be_false_is_found() {
    let report = judge(
        transfer()
            .amounts()
            .guard(E::Arg(0).ge(num("0")))
            .ensure(E::After(0).ge(num("0")))
            .ensure(E::After(1).le(num("100"))),
    );
    assert_eq!(report.verdict(Check::Postcondition(0)), Some(&Verdict::Proved));
    let state = example(&report, Check::Postcondition(1));
    assert_eq!((state.before, state.values), (vec![1, 100], vec![int(1)]));
}

#[test]
fn two_readers_may_be_one_account() {
    // Written accounts are different ones, so `a + b` is at most the supply; two that are read may be the same.
    let read = |extra: fn(IntentBuilder) -> IntentBuilder| {
        let intent = IntentBuilder::new("sum", 3, &[(0, USD), (1, USD), (2, COUNT)], 0);
        judge(extra(
            intent
                .effect(2, num("1"))
                .bind(E::Before(0).add(E::Before(1)), true),
        ))
    };
    let range = Check::NoOverflow(Site::Let(0));
    let report = read(|intent| intent);
    assert!(
        matches!(report.verdict(range), Some(Verdict::Undecided { .. })),
        "{report:?}"
    );
    let report = read(|intent| intent.effect(0, E::Before(0)));
    assert_eq!(report.verdict(range), Some(&Verdict::Proved));
}

#[test]
fn an_overflow_that_an_unbounded_account_feeds_is_no_finding() {
    let (_, report) = judge_with(transfer().amounts().guard(E::Arg(0).ge(num("0"))), &[true, false]);
    assert_eq!(report.verdict(Check::NoOverflow(Site::Effect(0))), None);
    assert_eq!(report.verdict(Check::NoOverflow(Site::Effect(1))), None);
    assert_eq!(report.verdict(Check::NoOverdraft(0)), None);
    assert_eq!(report.verdict(Check::NoOverdraft(1)), Some(&Verdict::Proved));
}

#[test]
fn products_of_two_unknowns_are_decided() {
    // buy: usd > 0, price > 0, bought = round(usd / price, down).
    let intent = |mode| {
        IntentBuilder::new("buy", 2, &[(0, USD), (1, USD)], 2)
            .typed(0, Type::Amount(AssetId(0)))
            .bind(round(E::Arg(0).div(E::Arg(1)), mode), false)
            .guard(E::Arg(0).gt(num("0")))
            .guard(E::Arg(1).gt(num("0")))
            .guard(E::Before(0).ge(E::Let(0)))
            .effect(0, E::Before(0).sub(E::Let(0)))
            .effect(1, E::Before(1).add(E::Let(0)))
    };
    all_proved(intent(RoundMode::Down));
    // The signs of price and quotient are enough, and what they are products of is not asked.
    let batch = BatchBuilder::new(2, &[]).intent(intent(RoundMode::Down)).build();
    let subject = Arc::new(Subject::new(&batch, 0, &[]).unwrap());
    let limits = CheckLimits {
        product_time: Duration::ZERO,
        ..CheckLimits::default()
    };
    let report = check_intent(&subject, &limits, &LemmaCache::in_memory());
    for finding in &report.findings {
        assert_eq!(finding.verdict, Verdict::Proved, "{finding:?}");
    }
    // A fee of a rate between 0 and 1, rounded twice: the parts need not be the whole.
    let fee = |mode| {
        let part = |rate: E| round(E::Arg(0).mul(rate), mode);
        IntentBuilder::new("fee", 3, &[(0, USD), (1, USD), (2, USD)], 2)
            .typed(0, Type::Amount(AssetId(0)))
            .guard(E::Arg(0).ge(num("0")))
            .guard(E::Before(0).ge(E::Arg(0)))
            .guard(E::Arg(1).ge(num("0")))
            .guard(num("1").ge(E::Arg(1)))
            .effect(0, E::Before(0).sub(E::Arg(0)))
            .effect(1, E::Before(1).add(part(E::Arg(1))))
            .effect(2, E::Before(2).add(part(num("1").sub(E::Arg(1)))))
    };
    example(&judge(fee(RoundMode::HalfUp)), CONSERVES);
}

#[test]
fn what_is_known_of_a_shape_is_no_answer_about_constants() {
    let window = |low, high| {
        let guard = E::Arg(0).ge(E::Minor(low)).and(E::Arg(0).le(E::Minor(high)));
        let batch = BatchBuilder::new(2, &[])
            .intent(transfer().amounts().guard(guard))
            .build();
        Arc::new(Subject::new(&batch, 0, &[]).unwrap())
    };
    let cache = LemmaCache::in_memory();
    let check = |subject| check_intent(&subject, &CheckLimits::default(), &cache);
    let first = check(window(500, 900));
    assert_eq!((first.cached, first.queries > 0), (false, true));
    let again = check(window(600, 700));
    assert_eq!((again.cached, again.queries), (true, 0));
    let answers = |report: &IntentReport| report.findings.clone();
    assert_eq!(answers(&first), answers(&again));
    let dead = check(window(900, 500));
    assert_eq!(
        dead.verdict(Check::GuardCanHold),
        Some(&Verdict::Refuted(Refutation::Contradiction(vec![1])))
    );
    assert_eq!(dead.verdict(CONSERVES), None);
    // Each condition fails alone in some state, the duties are known, and still no state passes both.
    let world = |low, high| {
        let intent = IntentBuilder::new("world", 2, &[(0, USD), (1, USD)], 1)
            .amounts()
            .guard(E::Arg(0).ge(E::Minor(low)))
            .guard(E::Arg(0).le(E::Minor(high)))
            .effect(0, E::Before(0).sub(E::Arg(0)))
            .effect(1, E::Before(1).add(E::Arg(0)));
        let batch = BatchBuilder::new(2, &[]).intent(intent).build();
        Arc::new(Subject::new(&batch, 0, &[true, true]).unwrap())
    };
    assert_eq!(
        check(world(50, 900)).verdict(Check::CanCommit),
        Some(&Verdict::Proved)
    );
    assert!(check(world(60, 900)).cached);
    let dead = check(world(900, 500));
    assert_eq!(
        dead.verdict(Check::GuardCanHold),
        Some(&Verdict::Refuted(Refutation::Contradiction(vec![0, 1])))
    );
}

#[test]
fn a_sum_of_the_equations_shows_that_an_intent_only_moves_amounts() {
    let moves = |intent: IntentBuilder| {
        let batch = BatchBuilder::new(4, &[]).intent(intent).build();
        only_moves(&Subject::new(&batch, 0, &[]).unwrap())
    };
    assert!(moves(transfer().amounts()));
    let wrong = IntentBuilder::new("bonus", 2, &[(0, USD), (1, USD)], 1)
        .amounts()
        .effect(0, E::Before(0).sub(E::Arg(0)))
        .effect(1, E::Before(1).add(E::Arg(0)).add(E::Minor(1)));
    assert!(!moves(wrong));
    // True, but no sum shows it.
    assert!(!moves(split(&["0.95", "0.05"], RoundMode::HalfEven)));
}

#[test]
fn a_guard_of_very_many_conditions_is_judged_in_time() {
    let many = |last: i128| {
        let guard = (0..3000).fold(transfer().amounts(), |intent, n| {
            intent.guard(E::Arg(0).ge(E::Minor(n)))
        });
        judge(guard.guard(E::Arg(0).le(E::Minor(last))))
    };
    let start = Instant::now();
    assert_eq!(many(2000).findings.len(), 1);
    assert_eq!(many(4000).verdict(CONSERVES), Some(&Verdict::Proved));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn the_product_of_positive_unknowns_is_positive_without_multiplying() {
    let intent = IntentBuilder::new("area", 1, &[(0, USD)], 2)
        .guard(E::Arg(0).gt(num("0")))
        .guard(E::Arg(1).gt(num("0")))
        .ensure(E::Arg(0).mul(E::Arg(1)).gt(num("0")));
    let batch = BatchBuilder::new(1, &[]).intent(intent).build();
    let subject = Arc::new(Subject::new(&batch, 0, &[]).unwrap());
    let limits = CheckLimits {
        product_time: Duration::ZERO,
        ..CheckLimits::default()
    };
    let report = check_intent(&subject, &limits, &LemmaCache::in_memory());
    assert_eq!(report.verdict(Check::Postcondition(0)), Some(&Verdict::Proved));
}
