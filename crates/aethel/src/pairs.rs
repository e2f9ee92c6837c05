//! Pairs of transactions of a batch that may meet on an account: whether their order matters, and on what condition not.

use crate::obligations::ProgramObligation;
use aethel_ir::{AccountId, Batch, Column, Group, Intent, PlaceId, Value};
use aethel_proof::{Commutes, Counterexample, Lemmas, Obligation, Pair, Premise, SlotContext};
use std::collections::HashSet;
use std::time::Instant;

/// So many pairs of a program are asked about at most.
const MAX_PAIRS: usize = 32;

/// What is known of two transactions that share an account.
#[derive(Clone, Debug)]
pub struct ProgramPair {
    /// The names of their intents.
    pub intents: [String; 2],
    /// The accounts they share, as the first calls its parameters.
    pub same: Vec<String>,
    /// In words: `if amount >= 0 of the first`, or why the order matters, or why it is not known.
    pub words: String,
    /// Whether they commute; `None` when that could not be decided.
    pub commutes: Option<bool>,
}

/// Asks about each two neighbouring calls of a batch that share an account, and about two rows of one loop. Lemmas of those
/// that commute are added to `all`.
pub(crate) fn pairs(batch: &Batch, lemmas: &Lemmas, all: &mut Vec<ProgramObligation>) -> Vec<ProgramPair> {
    let mut found: Vec<ProgramPair> = Vec::new();
    let mut asked = HashSet::new();
    let groups = &batch.groups;
    let neighbours = groups.iter().zip(groups.iter().skip(1));
    let rows = groups
        .iter()
        .filter(|group| group.rows > 1)
        .map(|group| (group, group));
    for (first, second) in rows.chain(neighbours) {
        let same = shared(first, second);
        let question = (first.intent, second.intent, same.clone());
        if same.is_empty() || found.len() >= MAX_PAIRS || !asked.insert(question) {
            continue;
        }
        let pair = one(batch, lemmas, (first, second), &same, all);
        // Calls of intents of one shape are the same pair under other names.
        found.extend(pair.filter(|pair| !found.iter().any(|known| alike(known, pair))));
    }
    found
}

fn alike(known: &ProgramPair, pair: &ProgramPair) -> bool {
    known.intents == pair.intents && known.same == pair.same
}

fn one(
    batch: &Batch,
    lemmas: &Lemmas,
    (first, second): (&Group, &Group),
    same: &[(u16, u16)],
    all: &mut Vec<ProgramObligation>,
) -> Option<ProgramPair> {
    let intents = [first, second].map(|group| batch.intents.get(group.intent as usize));
    let [Some(a), Some(b)] = intents else { return None };
    // Of the first row of each: what the shared accounts are is the same in all.
    let contexts = [first, second].map(|group| {
        let places: Option<Vec<PlaceId>> = group.places.iter().map(|column| column.get(0).copied()).collect();
        SlotContext::of_places(batch, &places?)
    });
    let [Some(of_a), Some(of_b)] = contexts else {
        return None;
    };
    let pair = Pair {
        first: (a, &of_a),
        second: (b, &of_b),
        same,
    };
    let start = Instant::now();
    let answer = lemmas.commutes(&pair).ok()?;
    let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let (words, commutes) = match &answer {
        Commutes::Proved { condition, .. } => (condition_words(condition, [a, b]), Some(true)),
        Commutes::Refuted(example) => (example_words(example), Some(false)),
        Commutes::Undecided(why) => (why.clone(), None),
    };
    if let Commutes::Proved { lemma, .. } = answer
        && !all
            .iter()
            .any(|one| one.obligation.record.smt2 == lemma.record.smt2)
    {
        let mut intents = vec![a.name.to_string(), b.name.to_string()];
        intents.dedup();
        all.push(ProgramObligation {
            intents,
            obligation: Obligation {
                record: lemma.record,
                nanoseconds,
                doubt: None,
            },
        });
    }
    let account = |n: &u16| a.accounts.get(usize::from(*n)).map(|one| one.name.to_string());
    Some(ProgramPair {
        intents: [a.name.to_string(), b.name.to_string()],
        same: same.iter().filter_map(|(n, _)| account(n)).collect(),
        words,
        commutes,
    })
}

/// The account parameters of two groups that stand for one account in all rows.
fn shared(first: &Group, second: &Group) -> Vec<(u16, u16)> {
    let fixed = |group: &Group| -> Vec<(u16, AccountId)> {
        (0_u16..)
            .zip(&group.accounts)
            .filter_map(|(n, column)| match column {
                Column::Same(account) => Some((n, *account)),
                Column::Each(_) => None,
            })
            .collect()
    };
    let (first, second) = (fixed(first), fixed(second));
    let pairs = first.iter().flat_map(|(n, a)| {
        let equal = second.iter().filter(move |(_, b)| a == b);
        equal.map(move |(m, _)| (*n, *m))
    });
    pairs.collect()
}

fn condition_words(condition: &[Premise], intents: [&Intent; 2]) -> String {
    let part = |premise: &Premise| {
        let (intent, which) = match premise.of_second {
            false => (intents[0], "first"),
            true => (intents[1], "second"),
        };
        let name = intent.values.get(usize::from(premise.value));
        let name = name.map_or_else(|| "a constant".to_owned(), |value| value.name.to_string());
        format!("{name} >= 0 of the {which}")
    };
    match condition {
        [] => "always".to_owned(),
        condition => format!(
            "if {}",
            condition.iter().map(part).collect::<Vec<_>>().join(" and ")
        ),
    }
}

/// What happens in each order, in minor units.
fn example_words(example: &Counterexample) -> String {
    let list = |values: &[i128]| {
        values
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let end = |values: &Option<Vec<i128>>| match values {
        Some(values) => format!("ends with {}", list(values)),
        None => "does not go through".to_owned(),
    };
    let arguments = example.arguments.each_ref().map(|values| {
        let shown = values.iter().map(|value| match value {
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
        });
        shown.collect::<Vec<_>>().join(", ")
    });
    format!(
        "from {} with ({}) and ({}) the first order {}, the second {}   (replayed)",
        list(&example.before),
        arguments[0],
        arguments[1],
        end(&example.first_then_second),
        end(&example.second_then_first)
    )
}
