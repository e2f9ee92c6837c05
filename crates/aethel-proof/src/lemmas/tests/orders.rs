//! p26: what is said to commute does, in every order of every small batch that is tried.

use super::*;
use aethel_certificate::escrow::settle;
use aethel_ir::{
    AccountId, Batch, Column, Evaluator, FieldId, Group, Intent, PlaceId, Rational, TransactionRef, Value,
    ValueColumn, Wholes,
};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

/// Intents of every kind: those that add, those that look, those that set.
const POOL: [&str; 9] = [
    "guard { a.balance >= x; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }",
    "guard { a.balance >= x + 5; x >= 0; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }",
    "verify { world.balance == world.balance - x; a.balance == a.balance + x; }",
    "verify { a.balance == a.balance - round(x / 3, half_even); b.balance == b.balance + round(x / 3, half_even); }",
    "guard { a.balance == 7; } verify { a.balance == a.balance - x; b.balance == b.balance + x; }",
    "verify { a.balance == a.balance + x; world.balance == world.balance - x; a.balance <= 12; }",
    "guard { !a.used; } verify { a.used == true; }",
    "verify { a.n == a.n + 1; }",
    "guard { a.balance + b.balance >= 9; } verify { b.balance == b.balance - x; c.balance == c.balance + x; }",
];

static PROGRAM: LazyLock<Batch> = LazyLock::new(|| lower(&POOL));

/// How each of them treats its places, as far as that is proved.
static PROVED: LazyLock<Vec<Access>> = LazyLock::new(|| {
    let prove = |(index, intent): (usize, &Intent)| {
        let mut access = Access::of(intent, &PROGRAM.fields);
        let verdict = lemmas().access(intent, &slots(&PROGRAM, index), &access).unwrap();
        for (slot, verdict) in verdict.slots.iter().enumerate() {
            if verdict.class != access.slots[slot].class {
                access.distrust(slot);
            }
        }
        access
    };
    PROGRAM.intents.iter().enumerate().map(prove).collect()
});

/// A call of an intent: which accounts stand for `a`, `b` and `c`, and the amount.
#[derive(Clone, Debug)]
struct Call {
    intent: usize,
    accounts: [usize; 3],
    x: i128,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let accounts = Just([0_usize, 1, 2]).prop_shuffle();
    let call =
        (0..POOL.len(), accounts, -2_i128..9).prop_map(|(intent, accounts, x)| Call { intent, accounts, x });
    prop::collection::vec(call, 2..5)
}

/// What is said of two calls, asked once for each way in which they can meet.
fn said(first: &Call, second: &Call) -> Commutes {
    type Key = (usize, usize, Vec<(u16, u16)>);
    static KNOWN: Mutex<Option<HashMap<Key, Commutes>>> = Mutex::new(None);
    let place = |call: &Call, n: usize| call.accounts.iter().position(|account| *account == n).unwrap();
    let mut same: Vec<(u16, u16)> = (0..3)
        .map(|n| (place(first, n) as u16, place(second, n) as u16))
        .collect();
    same.sort_unstable();
    same.push((3, 3));
    let key = (first.intent, second.intent, same.clone());
    let mut known = KNOWN.lock().unwrap();
    let known = known.get_or_insert_with(HashMap::new);
    if let Some(commutes) = known.get(&key) {
        return commutes.clone();
    }
    let (one, other) = (slots(&PROGRAM, first.intent), slots(&PROGRAM, second.intent));
    let pair = Pair {
        first: (&PROGRAM.intents[first.intent], &one),
        second: (&PROGRAM.intents[second.intent], &other),
        same: &same,
    };
    let found = lemmas().commutes(&pair).unwrap();
    known.insert(key, found.clone());
    found
}

fn holds(condition: &[Premise], first: &Call, second: &Call) -> bool {
    condition.iter().all(|premise| {
        let call = if premise.of_second { second } else { first };
        // The other amount is 2 in every call.
        premise.value != 0 || call.x >= 0
    })
}

/// A batch of the calls over the places of four accounts, the last of which is unbounded.
fn batch(calls: &[Call]) -> Batch {
    let mut batch = PROGRAM.clone();
    let unbounded = batch.unbounded.clone();
    let world = unbounded.iter().position(|flag| *flag).unwrap();
    let others: Vec<usize> = (0..4).filter(|n| *n != world).collect();
    let fields = batch.fields.len();
    batch.places = (0..4_u32)
        .flat_map(|account| (0..fields as u16).map(move |field| (AccountId(account), FieldId(field))))
        .collect();
    batch.groups.clear();
    batch.transactions.clear();
    batch.items.clear();
    for (n, call) in calls.iter().enumerate() {
        let intent: &Intent = &PROGRAM.intents[call.intent];
        let mut accounts: Vec<usize> = call.accounts.iter().map(|account| others[*account]).collect();
        accounts.push(world);
        let place = |place: &aethel_ir::Place| {
            let account = accounts[usize::from(place.account)];
            PlaceId((account * fields + usize::from(place.field.0)) as u32)
        };
        let rate = Rational::parse_decimal("0.05").unwrap();
        batch.groups.push(Group {
            intent: call.intent as u32,
            places: intent.places.iter().map(|one| Column::Same(place(one))).collect(),
            accounts: accounts
                .iter()
                .map(|n| Column::Same(AccountId(*n as u32)))
                .collect(),
            values: vec![
                ValueColumn::Whole(Wholes::Same(call.x)),
                ValueColumn::Whole(Wholes::Same(2)),
                ValueColumn::Exact(Column::Same(rate)),
            ],
            ..PROGRAM.groups[call.intent].clone()
        });
        batch.transactions.push(TransactionRef {
            group: n as u32,
            row: 0,
        });
    }
    batch
}

/// The places after the calls in this order, or `None` when one fails.
fn execute(batch: &Batch, order: &[usize], start: &[i128]) -> Option<Vec<i128>> {
    let mut places = start.to_vec();
    let mut evaluator = Evaluator::default();
    for n in order {
        let view = batch.transaction(aethel_ir::TransactionId(*n as u32)).unwrap();
        let slots: Vec<usize> = view
            .group
            .places
            .iter()
            .map(|c| c.get(0).unwrap().0 as usize)
            .collect();
        let before: Vec<i128> = slots.iter().map(|place| places[*place]).collect();
        let after = evaluator.execute(view, &before).ok()?;
        for effect in &view.intent.effects {
            let slot = usize::from(effect.slot.0);
            places[slots[slot]] = after[slot];
        }
    }
    Some(places)
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let shorter = permutations(n - 1);
    let insert = |order: &Vec<usize>| {
        (0..n)
            .map(|at| {
                let mut order = order.clone();
                order.insert(at, n - 1);
                order
            })
            .collect::<Vec<_>>()
    };
    shorter.iter().flat_map(insert).collect()
}

/// A small state: balances, and fields of 0 or 1.
fn start(batch: &Batch, values: &[i128]) -> Vec<i128> {
    batch
        .places
        .iter()
        .zip(values.iter().cycle())
        .map(|((_, field), value)| match batch.fields[usize::from(field.0)] {
            Field::Balance(_) => *value,
            Field::Integer(_) | Field::Bool(_) => value % 2,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Where each pair commutes every order gives one result; so where orders differ, some pair was not said to.
    #[test]
    fn p26_pairs_that_commute_commute_in_every_batch(calls in calls(), values in prop::collection::vec(0_i128..20, 12)) {
        let batch = batch(&calls);
        let start = start(&batch, &values);
        let commute = |first: &Call, second: &Call| match said(first, second) {
            Commutes::Proved { condition, .. } => holds(&condition, first, second),
            Commutes::Refuted(_) => false,
            Commutes::Undecided(why) => panic!("{why}"),
        };
        let all = (0..calls.len()).all(|j| (0..j).all(|i| commute(&calls[i], &calls[j])));
        let mut results: Vec<_> = permutations(calls.len()).iter().map(|order| execute(&batch, order, &start)).collect();
        results.sort();
        results.dedup();
        prop_assert!(!all || results.len() == 1, "{:?} from {:?}: {:?}", calls, start, results);
    }

    /// Where no place of a batch needs an order, by proved classes and by sums, every order gives one result.
    #[test]
    fn p26_escrow_holds_in_every_order(calls in calls(), values in prop::collection::vec(0_i128..20, 12)) {
        let batch = batch(&calls);
        let start = start(&batch, &values);
        if settle(&batch, &PROVED, &start).any_order() {
            let orders = permutations(calls.len());
            let mut results: Vec<_> = orders.iter().map(|order| execute(&batch, order, &start)).collect();
            results.sort();
            results.dedup();
            prop_assert_eq!(results.len(), 1, "{:?} from {:?}: {:?}", calls, start, results);
        }
    }
}

#[test]
fn p26_every_refuted_pair_has_an_order_that_matters() {
    let call = |intent, accounts| Call {
        intent,
        accounts,
        x: 0,
    };
    let (mut proved, mut refuted) = (0, 0);
    for first in 0..POOL.len() {
        for second in 0..POOL.len() {
            for accounts in [[0, 1, 2], [1, 0, 2], [2, 0, 1]] {
                match said(&call(first, [0, 1, 2]), &call(second, accounts)) {
                    Commutes::Proved { .. } => proved += 1,
                    Commutes::Refuted(example) => {
                        // The evaluator has run both orders, and they differ.
                        assert_ne!(example.first_then_second, example.second_then_first);
                        assert!(
                            example
                                .arguments
                                .iter()
                                .flatten()
                                .all(|value| !matches!(value, Value::Bool(_)))
                        );
                        refuted += 1;
                    }
                    Commutes::Undecided(why) => panic!("{first} and {second}: {why}"),
                }
            }
        }
    }
    assert!(proved > 50 && refuted > 50, "{proved} proved, {refuted} refuted");
}
