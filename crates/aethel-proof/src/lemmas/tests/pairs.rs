//! Pairs that commute or do not, and cycles.

use super::*;
use aethel_ir::{Rational, Value};

/// Two bodies, and which of their account parameters are the same.
type Couple<'a> = (&'a str, &'a str, &'a [(u16, u16)]);

pub fn pair(first: &str, second: &str, same: &[(u16, u16)]) -> Commutes {
    let batch = lower(&[first, second]);
    let (one, other) = (slots(&batch, 0), slots(&batch, 1));
    let pair = Pair {
        first: (&batch.intents[0], &one),
        second: (&batch.intents[1], &other),
        same,
    };
    lemmas().commutes(&pair).unwrap()
}

const X_OF_FIRST: Premise = Premise {
    of_second: false,
    value: 0,
};
const X_OF_SECOND: Premise = Premise {
    of_second: true,
    value: 0,
};
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
    // Slack, which is the same for both: of the shapes alone that is not known.
    let slack = "guard { a.balance >= x + 5; x >= 0; } verify { a.balance == a.balance - x; }";
    assert_eq!(condition(pair(slack, slack, &[(0, 0)])), []);
    let more = "guard { a.balance >= x + 6; x >= 0; } verify { a.balance == a.balance - x; }";
    assert!(matches!(pair(slack, more, &[(0, 0)]), Commutes::Refuted(_)));
    // Fixed amounts.
    let fixed = "guard { a.balance >= 60; } verify { a.balance == a.balance - 60; }";
    assert_eq!(condition(pair(fixed, fixed, &[(0, 0)])), []);
}

#[test]
fn pairs_that_do_not_commute_have_an_example() {
    let guarded = "guard { a.balance >= x; x >= 0; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }";
    let cases: [Couple<'_>; 7] = [
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
            "guard { a.balance >= x; x >= 0; } verify { a.balance == a.balance - x; world.balance == world.balance + x; }",
            &[(0, 0), (3, 3)],
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
fn an_account_is_the_same_to_both() {
    let from_world = "verify { world.balance == world.balance - x; a.balance == a.balance + x; }";
    let batch = lower(&[from_world, TRANSFER]);
    let (one, other) = (slots(&batch, 0), slots(&batch, 1));
    let pair = Pair {
        first: (&batch.intents[0], &one),
        second: (&batch.intents[1], &other),
        // The outside world, which may go below zero, as the account that may not.
        same: &[(3, 0)],
    };
    assert_eq!(lemmas().commutes(&pair).err(), Some(MalformedIntent));
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
    // Of several cycles a shortest one, which no edge can be left out of.
    let two = [(1, 2), (2, 3), (3, 1), (2, 1)];
    assert_eq!(
        confirm_cycle(&two, &LEMMA_LIMITS),
        CycleVerdict::Confirmed { core: vec![0, 3] }
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
fn a_pair_out_of_the_cache_is_the_pair() {
    let slack = |n: i128| {
        format!("guard {{ a.balance >= x + {n}; x >= 0; }} verify {{ a.balance == a.balance - x; }}")
    };
    let (five, six) = (slack(5), slack(6));
    let batch = lower(&[&five, &five, &six]);
    let lemmas = lemmas();
    let ask = |second: usize, same: &[(u16, u16)]| {
        let (one, other) = (slots(&batch, 0), slots(&batch, second));
        let pair = Pair {
            first: (&batch.intents[0], &one),
            second: (&batch.intents[second], &other),
            same,
        };
        lemmas.commutes(&pair).unwrap()
    };
    let first = ask(1, &[(0, 0)]);
    assert!(matches!(&first, Commutes::Proved { .. }));
    assert_eq!(ask(1, &[(0, 0)]), first);
    // Equal shapes with another constant, or that meet otherwise, are other pairs.
    assert!(matches!(ask(2, &[(0, 0)]), Commutes::Refuted(_)));
    assert_ne!(ask(1, &[]), first);
}
