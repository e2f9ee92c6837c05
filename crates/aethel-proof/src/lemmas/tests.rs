//! What is proved of programs, and that false claims are refuted: the cases that `design/proofs.md` lists.

use super::linear::{at_least, prove as prove_linear};
use super::*;
use crate::solver::run;
use aethel_certificate::{Grounds, Inequality};
use aethel_ir::access::{Bound, ConditionRef};
use aethel_ir::{Batch, Expr, ExprId, Field, Rational, SourceMap, Value};
use aethel_lower::{Files, Inputs, Purpose, Selection};
use std::sync::Arc;

struct NoFiles;

impl Files for NoFiles {
    fn open(&mut self, path: &str) -> Result<(aethel_ir::SourceId, Arc<str>), aethel_ir::Diagnostic> {
        panic!("no file {path}")
    }
}

/// A program with one transaction of each intent; every intent has these parameters.
fn lower(bodies: &[&str]) -> Batch {
    let mut text = String::from(
        "asset USD { scale: 0; } field n: Integer; field used: Bool; account world { unbounded; }\n",
    );
    let mut calls = String::new();
    for (n, body) in bodies.iter().enumerate() {
        text += &format!(
            "intent t{n}(a: Account, b: Account, c: Account, world: Account, x: Balance, y: Balance, r: Rate) {{ {body} }}\n"
        );
        calls += &format!("t{n}(a, b, c, world, 1, 2, 0.05);\n");
    }
    text += &format!("atomic_batch x {{ {calls} }}");
    let mut sources = SourceMap::default();
    let source = sources.add("test.ae", text.as_str());
    let parsed = aethel_syntax::parse(source, &text);
    let mut diagnostics = parsed.diagnostics;
    let inputs = Inputs::from_json(source, r#"{"open_accounts": true}"#).unwrap();
    let lowered = aethel_lower::lower(
        source,
        &parsed.program,
        &Selection::All,
        &inputs,
        &mut NoFiles,
        Purpose::Run,
        &mut diagnostics,
    );
    let errors: Vec<_> = diagnostics.iter().filter(|d| d.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    lowered.into_iter().next().unwrap().batch
}

fn slots(batch: &Batch, intent: usize) -> Vec<SlotContext> {
    let group = batch
        .groups
        .iter()
        .find(|group| group.intent as usize == intent)
        .unwrap();
    let places: Vec<_> = group
        .places
        .iter()
        .map(|column| *column.get(0).unwrap())
        .collect();
    SlotContext::of_places(batch, &places).unwrap()
}

fn lemmas() -> Lemmas {
    Lemmas::new(LemmaCache::in_memory(), LEMMA_LIMITS)
}

/// The slot of `a.balance` and the like.
fn slot(batch: &Batch, name: &str) -> usize {
    let (account, field) = name.split_once('.').unwrap();
    let intent = &batch.intents[0];
    let is = |place: &aethel_ir::Place| {
        let found = match &batch.fields[usize::from(place.field.0)] {
            Field::Balance(_) => "balance",
            Field::Integer(name) | Field::Bool(name) => name,
        };
        &*intent.accounts[usize::from(place.account)].name == account && found == field
    };
    intent.places.iter().position(is).unwrap()
}

fn access(body: &str) -> (Batch, AccessVerdict) {
    let batch = lower(&[body]);
    let claimed = Access::of(&batch.intents[0], &batch.fields);
    let verdict = lemmas()
        .access(&batch.intents[0], &slots(&batch, 0), &claimed)
        .unwrap();
    // Whatever is claimed in these programs is proved.
    for (slot, (claimed, found)) in claimed.slots.iter().zip(&verdict.slots).enumerate() {
        assert_eq!(claimed.class, found.class, "slot {slot} of {body}: {found:?}");
        assert_eq!(found.lemma.is_some(), found.class == Class::Add);
    }
    for lemma in &verdict.lemmas {
        assert_eq!(lemma.record.check(), Ok(Grounds::Solver));
        assert_eq!(LemmaRecord::decode(&lemma.bytes).as_ref(), Ok(&lemma.record));
    }
    (batch, verdict)
}

#[test]
fn claims_that_are_read_off_are_proved() {
    for body in [
        "guard { a.balance >= x; x > 0; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }",
        "guard { x < a.balance; 2 * a.balance >= y && 0 <= x; } verify { a.balance == a.balance * 2 - x - a.balance; }",
        "verify { a.balance == a.balance - x; b.balance == b.balance + x; b.balance >= old(b.balance);
                  a.balance + b.balance == old(a.balance) + old(b.balance); a.balance >= y; }",
        "guard { a.balance >= x; } verify { a.balance == a.balance - round(x * r, half_even); }",
        "guard { a.balance - y / 3 >= x; } verify { a.balance == a.balance - round(x / 3, half_up); }",
        "guard { a.balance + b.balance >= 150; } verify { a.balance == a.balance - x; b.balance == b.balance - y; }",
        "guard { c.balance >= 10; } verify { a.balance == a.balance - x + c.balance; }",
        "guard { y == 0 || x / y > 3; } verify { a.balance == a.balance - x; }",
        "guard { x % y == 0; a.balance >= x; } verify { a.balance == a.balance - x; a.n == a.n + 1; a.used == true; }",
        "guard { a.balance == 100; } verify { a.balance == a.balance - x; }",
        "guard { let fee = round(x * 0.05, half_even); a.balance >= x + fee; }
         verify { a.balance == a.balance - x - fee; b.balance == b.balance + x; world.balance == world.balance + fee; }",
    ] {
        access(body);
    }
}

#[test]
fn one_query_serves_all_slots_and_all_intents_of_a_shape() {
    let (_, verdict) = access(
        "guard { a.balance >= x; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }",
    );
    assert_eq!(verdict.lemmas.len(), 1);
    assert_eq!(
        verdict.lemmas[0].record.statement,
        "for all arguments and all states that differ only in slots 0, 1: each of these slots changes by the same \
         amount, every other effect is equal, and no condition depends on them but as a lower bound (guard 1 says \
         1 * slot 0 >= the rest)"
    );
    let of = |amount: i128| {
        let body =
            format!("guard {{ a.balance >= {amount}; }} verify {{ a.balance == a.balance - {amount}; }}");
        access(&body).1.lemmas[0].digest
    };
    assert_eq!(of(1000), of(1500));
    assert_ne!(of(1000), of(-1500));
}

/// Claims that a slot adds, with these lower bounds on it: (comparison, left is larger).
fn forged(body: &str, name: &str, bounds: &[(ConditionRef, bool)]) -> Verdict {
    let batch = lower(&[body]);
    let slot = slot(&batch, name);
    let shape = Shape::new(&batch.intents[0], &slots(&batch, 0)).unwrap();
    let mut access = Access::of(&shape.intent, &shape.fields());
    access.slots[slot].class = Class::Add;
    access.slots[slot].bounds = bounds
        .iter()
        .map(|(condition, left_is_larger)| Bound {
            condition: *condition,
            comparison: first_comparison(&shape.intent, condition.of(&shape.intent).unwrap().expr),
            left_is_larger: *left_is_larger,
            strict: false,
            factor: Rational::ONE,
        })
        .collect();
    let decided = run(&LEMMA_LIMITS, move |session| {
        access::decide(session, LEMMA_LIMITS.rlimit, &shape, &access, &[slot])
    });
    decided.unwrap().verdicts.remove(0)
}

fn first_comparison(intent: &Intent, id: ExprId) -> ExprId {
    match &intent.node(id).unwrap().expr {
        Expr::Binary(aethel_ir::intent::BinaryOp::And, a, _) => first_comparison(intent, *a),
        _ => id,
    }
}

#[test]
fn false_claims_of_addition_are_refuted() {
    let guard = ConditionRef::Guard(0);
    let after = ConditionRef::Postcondition(0);
    let debit = "verify { a.balance == a.balance - x; }";
    let cases: [(&str, &str, &[(ConditionRef, bool)]); 16] = [
        // An equality guard claimed to be a lower bound, or none.
        (
            "guard { a.balance == 100; } verify { a.balance == a.balance - x; }",
            "a.balance",
            &[(guard, true)],
        ),
        (
            "guard { a.balance == 100; } verify { a.balance == a.balance - x; }",
            "a.balance",
            &[],
        ),
        // A guard over two accounts, said to bound only one.
        (
            "guard { a.balance + b.balance >= 150; } verify { a.balance == a.balance - x; b.balance == b.balance - y; }",
            "b.balance",
            &[],
        ),
        // An amount fixed from the state.
        (
            "guard { let all = c.balance; } verify { c.balance == c.balance - all; }",
            "c.balance",
            &[],
        ),
        // An upper bound as a postcondition.
        (
            "verify { a.balance == a.balance + x; a.balance <= 100; }",
            "a.balance",
            &[(after, true)],
        ),
        (
            "verify { a.balance == a.balance + x; a.balance <= 100; }",
            "a.balance",
            &[(after, false)],
        ),
        // A field that is tested and set.
        ("guard { !a.used; } verify { a.used == true; }", "a.used", &[]),
        // A change that depends on another account, which adds itself.
        (
            "verify { a.balance == a.balance + x; b.balance == b.balance + a.balance; }",
            "a.balance",
            &[],
        ),
        // A third account that is looked at.
        ("verify { b.balance == b.balance + c.balance; }", "c.balance", &[]),
        // A bound with another factor, alternatives, a negation, a division, a rounding.
        (
            "guard { 2 * a.balance >= x; } verify { a.balance == a.balance - x; }",
            "a.balance",
            &[(guard, true)],
        ),
        (
            "guard { a.balance >= x || x == 0; } verify { a.balance == a.balance - x; }",
            "a.balance",
            &[],
        ),
        (
            "guard { x / a.balance >= 0; } verify { a.balance == a.balance - x; }",
            "a.balance",
            &[],
        ),
        (
            "verify { a.balance == a.balance - round(a.balance * 0.05, half_even); }",
            "a.balance",
            &[],
        ),
        (
            "guard { a.balance >= x && a.balance <= 100; } verify { a.balance == a.balance - x; }",
            "a.balance",
            &[(guard, true)],
        ),
        (
            "guard { let share = x / a.balance; } verify { b.balance == b.balance - x; }",
            "a.balance",
            &[],
        ),
        (
            "guard { a.balance > x; } verify { a.balance == a.balance - x; }",
            "a.balance",
            &[(guard, true)],
        ),
    ];
    for (body, slot, bounds) in cases {
        assert_eq!(forged(body, slot, bounds), Verdict::Refuted, "{slot} in {body}");
    }
    assert!(forged(debit, "a.balance", &[]).lemma().is_some());
}

#[test]
fn escrow_is_proved_by_multipliers() {
    for verdict in lemmas().escrow() {
        let lemma = verdict.lemma().unwrap().clone();
        assert_eq!(lemma.record.check(), Ok(Grounds::Arithmetic));
    }
}

/// Proves the step of debits without some of its hypotheses.
fn debit_without(dropped: &[Inequality]) -> Result<LinearLemma, String> {
    let lemma = lemmas().escrow()[0]
        .lemma()
        .unwrap()
        .record
        .farkas
        .clone()
        .unwrap();
    let hypotheses: Vec<_> = lemma
        .hypotheses
        .iter()
        .filter(|one| !dropped.contains(one))
        .cloned()
        .collect();
    assert_eq!(hypotheses.len() + dropped.len(), lemma.hypotheses.len());
    let goals: Vec<Inequality> = (lemma.goals.iter())
        .map(|goal| Inequality {
            terms: goal
                .negated_goal
                .terms
                .iter()
                .map(|(n, factor)| (*n, -factor))
                .collect(),
            bound: 1 - goal.negated_goal.bound,
        })
        .collect();
    run(&LEMMA_LIMITS, move |session| {
        prove_linear(session, lemma.variables, hypotheses, &goals)
    })
    .unwrap()
}

#[test]
fn escrow_fails_without_what_it_needs() {
    let (m, l, d, s) = (2, 4, 6, 8);
    // A debit with a negative amount, which is a credit that enables debits; slack that is negative, or not counted.
    for dropped in [
        vec![at_least(&[(d, 1)], 0)],
        vec![at_least(&[(m, 1), (l, -1)], 0), at_least(&[(s, 1), (l, -1)], 0)],
        vec![at_least(&[(m, 1), (s, -1)], 0)],
    ] {
        assert_eq!(debit_without(&dropped), Err("no multipliers prove it".to_owned()));
    }
}

fn conservation(body: &str) -> Verdict {
    let batch = lower(&[body]);
    lemmas()
        .conservation(&batch.intents[0], &slots(&batch, 0))
        .unwrap()
}

#[test]
fn conservation_of_linear_and_rounded_intents() {
    let grounds = |body: &str| {
        conservation(body)
            .lemma()
            .map(|lemma| lemma.record.check().unwrap())
    };
    let transfer = "verify { a.balance == a.balance - x; b.balance == b.balance + x; }";
    assert_eq!(grounds(transfer), Some(Grounds::Arithmetic));
    let fees =
        "verify { a.balance == a.balance - x; b.balance == b.balance + x - 5; c.balance == c.balance + 5; }";
    assert_eq!(grounds(fees), Some(Grounds::Arithmetic));
    let split = |factors: &[&str], mode: &str| {
        let accounts = ["b", "c", "world"];
        let parts = factors
            .iter()
            .zip(accounts)
            .map(|(factor, to)| format!("{to}.balance == {to}.balance + round(x * {factor}, {mode});"));
        format!(
            "guard {{ x >= 0; }} verify {{ a.balance == a.balance - x; {} }}",
            parts.collect::<String>()
        )
    };
    assert_eq!(
        grounds(&split(&["0.95", "0.05"], "half_even")),
        Some(Grounds::Solver)
    );
    assert_eq!(
        conservation(&split(&["0.95", "0.05"], "half_up")),
        Verdict::Refuted
    );
    assert_eq!(conservation(&split(&["0.95", "0.05"], "down")), Verdict::Refuted);
    assert_eq!(
        conservation(&split(&["0.7", "0.2", "0.1"], "half_even")),
        Verdict::Refuted
    );
    let remainder = "guard { let part = round(x * 0.95, half_even); }
        verify { a.balance == a.balance - x; b.balance == b.balance + part; c.balance == c.balance + x - part; }";
    assert_eq!(grounds(remainder), Some(Grounds::Solver));
    assert_eq!(
        conservation("verify { a.balance == a.balance + 1; }"),
        Verdict::Refuted
    );
    // A guard can make the difference.
    let guarded = "guard { x == y; } verify { a.balance == a.balance - x; b.balance == b.balance + y; }";
    assert!(grounds(guarded).is_some());
}

#[test]
fn what_is_refuted_of_a_shape_is_asked_again_with_the_constants() {
    let with = |five: i128| {
        format!(
            "verify {{ a.balance == a.balance - {five}; b.balance == b.balance + 3; c.balance == c.balance + 2; }}"
        )
    };
    let proved = conservation(&with(5));
    let name = &proved.lemma().unwrap().record.name;
    assert!(name.ends_with("with constants [5, 3, 2]"), "{name}");
    assert_eq!(conservation(&with(6)), Verdict::Refuted);
    // Constants of equal sign that contradict each other: of the shape nothing follows, with them everything.
    let never = "guard { x == 1000; x == 1500; } verify { a.balance == a.balance + x; }";
    assert!(conservation(never).lemma().is_some());
}

fn pair(first: &str, second: &str, same: &[(u16, u16)]) -> Commutes {
    let batch = lower(&[first, second]);
    let (one, other) = (slots(&batch, 0), slots(&batch, 1));
    let pair = Pair {
        first: (&batch.intents[0], &one),
        second: (&batch.intents[1], &other),
        same,
    };
    commutes(&pair, &LEMMA_LIMITS).unwrap()
}

const X_OF_FIRST: Premise = Premise {
    of_second: false,
    value: 0,
};
const X_OF_SECOND: Premise = Premise {
    of_second: true,
    value: 0,
};
const TRANSFER: &str =
    "guard { a.balance >= x; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }";

#[track_caller]
fn condition(commutes: Commutes) -> Vec<Premise> {
    match commutes {
        Commutes::Proved { condition, lemma } => {
            assert_eq!(lemma.record.check(), Ok(Grounds::Solver));
            condition
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn debits_commute_only_when_amounts_are_not_negative() {
    let found = condition(pair(TRANSFER, TRANSFER, &[(0, 0)]));
    assert_eq!(found, [X_OF_FIRST, X_OF_SECOND]);
    let guarded = "guard { a.balance >= x; x >= 0; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }";
    assert_eq!(condition(pair(guarded, guarded, &[(0, 0)])), []);
    // Nothing in common.
    assert_eq!(condition(pair(TRANSFER, TRANSFER, &[])), []);
    // Fixed amounts.
    let fixed = "guard { a.balance >= 60; } verify { a.balance == a.balance - 60; }";
    assert_eq!(condition(pair(fixed, fixed, &[(0, 0)])), []);
}

#[test]
fn pairs_that_do_not_commute_have_an_example() {
    let guarded = "guard { a.balance >= x; x >= 0; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }";
    let cases: [(&str, &str, &[(u16, u16)]); 7] = [
        // A credit that enables a debit.
        (guarded, guarded, &[(1, 0)]),
        // An equality guard.
        (
            "guard { a.balance == 100; } verify { a.balance == a.balance - 60; }",
            "verify { a.balance == a.balance + 60; }",
            &[(0, 0)],
        ),
        // A guard over two accounts, with debits on both.
        (
            "guard { a.balance + b.balance >= 150; x >= 0; } verify { a.balance == a.balance - x; }",
            "guard { a.balance + b.balance >= 150; x >= 0; } verify { b.balance == b.balance - x - x; }",
            &[(0, 0), (1, 1)],
        ),
        // An upper bound.
        (
            "verify { a.balance == a.balance + 60; a.balance <= 100; }",
            "verify { a.balance == a.balance - 60; }",
            &[(0, 0)],
        ),
        // Both go through in both orders, and the last one wins.
        ("verify { a.n == 1; }", "verify { a.n == 2; }", &[(0, 0)]),
        // A flag that one sets and the other tests.
        (
            "guard { !a.used; } verify { a.used == true; }",
            "guard { a.used; } verify { a.n == a.n + 1; }",
            &[(0, 0)],
        ),
        // Overflow in the middle: a large credit, and a debit that makes room.
        (
            "guard { x >= 0; } verify { world.balance == world.balance - x; a.balance == a.balance + x; }",
            guarded,
            &[(0, 0), (3, 1)],
        ),
    ];
    for (first, second, same) in cases {
        match pair(first, second, same) {
            Commutes::Refuted(example) => assert_ne!(example.first_then_second, example.second_then_first),
            other => panic!("{other:?} for {first} and {second}"),
        }
    }
    let Commutes::Refuted(example) = pair(guarded, guarded, &[(1, 0)]) else {
        panic!("a credit may enable a debit");
    };
    let small = |value: &Value| matches!(value, Value::Number(Rational::Int(n)) if (0..=20).contains(n));
    assert!(
        small(&example.arguments[0][0]) && small(&example.arguments[1][0]),
        "{example:?}"
    );
}

#[test]
fn cycles_are_confirmed_with_a_core() {
    let edges = [(1, 2), (7, 8), (2, 3), (8, 9), (3, 1), (1, 9)];
    assert_eq!(
        confirm_cycle(&edges, &LEMMA_LIMITS),
        CycleVerdict::Confirmed { core: vec![0, 2, 4] }
    );
    assert_eq!(confirm_cycle(&edges[..4], &LEMMA_LIMITS), CycleVerdict::NoCycle);
    assert_eq!(
        confirm_cycle(&[(5, 5)], &LEMMA_LIMITS),
        CycleVerdict::Confirmed { core: vec![0] }
    );
    let ring: Vec<(u32, u32)> = (0..64).map(|n| (n, (n + 1) % 64)).collect();
    assert_eq!(
        confirm_cycle(&ring, &LEMMA_LIMITS),
        CycleVerdict::Confirmed {
            core: (0..64).collect()
        }
    );
    let long: Vec<(u32, u32)> = (0..65).map(|n| (n, (n + 1) % 65)).collect();
    assert!(matches!(
        confirm_cycle(&long, &LEMMA_LIMITS),
        CycleVerdict::Undecided(_)
    ));
}

#[test]
fn what_is_in_the_cache_needs_no_solver() {
    let directory = tempfile::tempdir().unwrap();
    let batch = lower(&[TRANSFER]);
    let slots = slots(&batch, 0);
    let claimed = Access::of(&batch.intents[0], &batch.fields);
    let lemmas = || Lemmas::new(LemmaCache::at(directory.path()), LEMMA_LIMITS);
    let ask = |lemmas: Lemmas| {
        let access = lemmas.access(&batch.intents[0], &slots, &claimed).unwrap();
        (
            access,
            lemmas.escrow(),
            lemmas.conservation(&batch.intents[0], &slots).unwrap(),
        )
    };
    assert_eq!(ask(lemmas()), ask(lemmas()));
    // An answer that only the cache can give.
    let shape = Shape::new(&batch.intents[0], &slots).unwrap();
    let key = lemmas().key(&shape.key(&LEMMA_LIMITS), "access");
    let entry = Entry {
        lemmas: vec![Kept::Undecided("as kept".to_owned())],
        slots: vec![Some(0); slots.len()],
    };
    LemmaCache::at(directory.path()).put(&key, &postcard::to_stdvec(&entry).unwrap());
    let (access, ..) = ask(lemmas());
    assert_eq!(access.slots[0].doubt.as_deref(), Some("as kept"));
    assert_eq!(access.slots[0].class, Class::General);
    // Not one whose record proves nothing: then Z3 is asked.
    let mut record = lemmas().escrow()[0].lemma().unwrap().record.clone();
    record.verdict = LemmaVerdict::Undecided;
    let entry = Entry {
        lemmas: vec![Kept::Proved(record.encode().unwrap())],
        slots: vec![Some(0); slots.len()],
    };
    LemmaCache::at(directory.path()).put(&key, &postcard::to_stdvec(&entry).unwrap());
    let (access, ..) = ask(lemmas());
    assert_eq!(access.slots[0].class, Class::Add);
    assert_eq!(access.lemmas[0].record.verdict, LemmaVerdict::Proved);
}

#[test]
fn an_answer_that_time_cut_short_is_not_kept() {
    let lemmas = lemmas();
    for (key, why, kept) in [
        ([1; 32], "the resource limit is spent", true),
        ([2; 32], solver::TIME_IS_OVER, false),
    ] {
        lemmas.decide(&key, |_, _| Decided {
            verdicts: vec![Verdict::Refuted, Verdict::Undecided(why.to_owned())],
            slots: Vec::new(),
        });
        assert_eq!(lemmas.cache.get(&key).is_some(), kept, "{why}");
    }
}
