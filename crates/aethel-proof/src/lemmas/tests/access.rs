//! Access lemmas: true claims are proved, false ones refuted.

use super::super::access::decide;
use super::*;
use aethel_ir::ExprId;
use aethel_ir::access::{Bound, ConditionRef};
use aethel_ir::{Expr, Rational};

/// A body, a slot, and the lower bounds that are claimed of it.
pub type Forgery<'a> = (&'a str, &'a str, &'a [(ConditionRef, bool)]);

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

/// Intents whose claims hold.
pub const BODIES: [&str; 11] = [
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
];

#[test]
fn claims_that_are_read_off_are_proved() {
    for body in BODIES {
        access(body);
    }
}

#[test]
fn one_query_serves_all_slots_and_all_intents_of_a_shape() {
    let (_, verdict) = access(
        "guard { a.balance >= x; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }",
    );
    // And one for the sums.
    assert_eq!((verdict.lemmas.len(), verdict.linear), (2, true));
    assert_eq!(
        verdict.lemmas[0].record.statement,
        "for all arguments and all states that differ only in slots 0-1: each of these slots changes by the same \
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

/// An intent with the claim that a slot of it adds, with these lower bounds on it: (condition, left is larger).
pub fn forgery((body, name, bounds): Forgery<'_>) -> (Shape, Access, usize) {
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
    (shape, access, slot)
}

fn forged(claim: Forgery<'_>) -> Verdict {
    let (shape, access, slot) = forgery(claim);
    let decided = run(&LEMMA_LIMITS, move |session| {
        decide(session, LEMMA_LIMITS.rlimit, &shape, &access, &[slot])
    });
    decided.unwrap().verdicts.remove(0)
}

fn first_comparison(intent: &Intent, id: ExprId) -> ExprId {
    match &intent.node(id).unwrap().expr {
        Expr::Binary(aethel_ir::intent::BinaryOp::And, a, _) => first_comparison(intent, *a),
        _ => id,
    }
}

const GUARD: ConditionRef = ConditionRef::Guard(0);
const AFTER: ConditionRef = ConditionRef::Postcondition(0);

/// Claims that do not hold.
pub const FORGERIES: [Forgery<'static>; 16] = [
    // An equality guard claimed to be a lower bound, or none.
    (
        "guard { a.balance == 100; } verify { a.balance == a.balance - x; }",
        "a.balance",
        &[(GUARD, true)],
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
        &[(AFTER, true)],
    ),
    (
        "verify { a.balance == a.balance + x; a.balance <= 100; }",
        "a.balance",
        &[(AFTER, false)],
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
        &[(GUARD, true)],
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
        &[(GUARD, true)],
    ),
    (
        "guard { let share = x / a.balance; } verify { b.balance == b.balance - x; }",
        "a.balance",
        &[],
    ),
    (
        "guard { a.balance > x; } verify { a.balance == a.balance - x; }",
        "a.balance",
        &[(GUARD, true)],
    ),
];

#[test]
fn false_claims_of_addition_are_refuted() {
    for claim in FORGERIES {
        assert_eq!(forged(claim), Verdict::Refuted, "{claim:?}");
    }
    let debit = "verify { a.balance == a.balance - x; }";
    assert!(forged((debit, "a.balance", &[])).lemma().is_some());
}

#[test]
fn a_claim_that_is_not_the_one_that_was_proved_is_not_relied_on() {
    let batch = lower(&[TRANSFER]);
    let mut claimed = Access::of(&batch.intents[0], &batch.fields);
    let ask = |claimed: &Access| {
        let verdict = lemmas().access(&batch.intents[0], &slots(&batch, 0), claimed);
        verdict.unwrap().slots[0].class
    };
    assert_eq!(ask(&claimed), Class::Add);
    claimed.slots[0].bounds[0].factor = Rational::Int(2);
    assert_eq!(ask(&claimed), Class::General);
    claimed.slots[0].bounds.clear();
    assert_eq!(ask(&claimed), Class::General);
}
