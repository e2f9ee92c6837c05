//! What is proved of programs, and that false claims are refuted.

mod access;
mod orders;
mod pairs;
mod second_solver;
mod sums;

use super::linear::{at_least, prove as prove_linear};
use super::*;
use crate::solver::run;
use aethel_certificate::{Grounds, Inequality};
use aethel_ir::{Batch, Field, SourceMap};
use aethel_lower::{Files, Inputs, Purpose, Selection};
use std::sync::Arc;

const TRANSFER: &str =
    "guard { a.balance >= x; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }";

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

#[test]
fn constants_that_contradict_each_other_are_found_with_the_constants() {
    let dead = |body: &str| {
        let batch = lower(&[body]);
        let all = obligations(&batch.intents[0], &slots(&batch, 0), &LEMMA_LIMITS).unwrap();
        let mut dead = all
            .into_iter()
            .filter(|one| one.record.name.starts_with("the guard can never hold"));
        dead.next().unwrap().record.verdict
    };
    let pay = "verify { a.balance == a.balance + x; }";
    let (one, two) = (
        format!("guard {{ x == 1000; }} {pay}"),
        format!("guard {{ x == 1000; x == 1500; }} {pay}"),
    );
    assert_eq!(dead(&one), LemmaVerdict::Refuted);
    assert_eq!(dead(&two), LemmaVerdict::Proved);
    // Their shape does not contradict itself: two unknowns above zero can be equal.
    let batch = lower(&[&two]);
    let shape = Shape::new(&batch.intents[0], &slots(&batch, 0)).unwrap();
    assert_eq!(shape.constants, [1000, 1500]);
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
