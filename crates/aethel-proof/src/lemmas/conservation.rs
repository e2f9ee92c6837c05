//! Conservation: wherever an intent goes through, the sum of each asset stays as it is.

use super::linear::{at_least, prove as prove_linear};
use super::terms::{Alone, Negation, alone, signs};
use super::{Verdict, ask, short, with_multipliers};
use crate::encode::Term;
use crate::joined::{all_of, sum_of};
use crate::number::{Malformed, Number, numeral};
use crate::shape::{Shape, SlotField};
use crate::solver::Session;
use aethel_certificate::{Inequality, LinearLemma};
use aethel_ir::AssetId;
use aethel_ir::access::{Access, Form, Linear};
use num_bigint::BigInt;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use z3::ast::{Bool, Int};

/// Decides it of a shape, or with the constants of one instance of it.
pub fn prove(session: &Session, rlimit: u64, shape: &Shape, instance: bool) -> Verdict {
    let words = words(shape, instance);
    let verdict = ask(session, rlimit, words.clone(), negation(shape, instance));
    let (Verdict::Proved(lemma), false) = (&verdict, instance) else {
        return verdict;
    };
    // Where changes are sums of arguments, the proof needs no solver to be checked again.
    let linear = Access::of(&shape.intent, &shape.fields()).linear;
    let budget = session.with_budget(rlimit);
    match linear.map(|linear| sums(&budget, shape, &linear)) {
        Some(Ok(sums)) => {
            let statement = format!("{}; the changes are those of the text", words.1);
            with_multipliers((words.0, statement), sums, lemma.record.rlimit)
        }
        _ => verdict,
    }
}

/// Its name, and what it says.
pub fn words(shape: &Shape, instance: bool) -> (String, String) {
    let constants = if instance {
        format!(" with constants {:?}", shape.constants)
    } else {
        String::new()
    };
    (
        format!("conservation of {}{constants}", short(shape)),
        format!(
            "for all arguments and all states{constants}: if everything holds that must hold for the intent to go \
             through, the changes of the slots of each asset add up to zero"
        ),
    )
}

/// What the lemma asserts: a contradiction when it holds.
pub fn negation(shape: &Shape, instance: bool) -> Result<Negation, Malformed> {
    let Alone {
        values,
        before,
        encoded,
    } = alone(shape)?;
    let mut assertions = signs(shape, &values);
    if instance {
        let known = shape.premises().zip(&shape.constants);
        for ((n, _), constant) in known {
            let Some(Term::Number(value)) = values.get(n) else {
                return Err(Malformed);
            };
            let constant = Number::whole(numeral(&BigInt::from(*constant)));
            assertions.push(value.compare(&constant, Ordering::is_eq));
        }
    }
    assertions.extend(encoded.obligations.into_iter().map(|one| one.formula));
    let mut sums: BTreeMap<AssetId, Vec<Int>> = BTreeMap::new();
    for ((slot, before), after) in shape.slots.iter().zip(&before).zip(&encoded.after) {
        if let SlotField::Balance(asset) = slot.field {
            sums.entry(asset).or_default().push(after - before);
        }
    }
    let conserved: Vec<Bool> = (sums.values())
        .map(|changes| sum_of(changes).eq(Int::from_i64(0)))
        .collect();
    assertions.push(!all_of(&conserved));
    Ok(Negation {
        definitions: encoded.definitions,
        assertions,
    })
}

/// The lemma over the changes as sums: variables are the arguments, the places that changes look at, and the changes.
fn sums(session: &Session, shape: &Shape, linear: &Linear) -> Result<LinearLemma, String> {
    let too_many = |_| "too many variables".to_owned();
    let values = u16::try_from(shape.intent.values.len()).map_err(too_many)?;
    let slots = u16::try_from(shape.slots.len()).map_err(too_many)?;
    let changes = u16::try_from(linear.deltas.len()).map_err(too_many)?;
    let mut variables: Vec<String> = (0..values).map(|n| format!("v{n}")).collect();
    variables.extend((0..slots).map(|n| format!("s{n}")));
    variables.extend(linear.deltas.iter().map(|(slot, _)| format!("change{}", slot.0)));
    let mut hypotheses = Vec::new();
    let mut goals: BTreeMap<AssetId, Vec<(u16, i128)>> = BTreeMap::new();
    for (n, (slot, form)) in (0..changes).zip(&linear.deltas) {
        let change = values + slots + n;
        let equation = [Some(vec![(change, 1)]), terms(form, values, -1)];
        let minus = [Some(vec![(change, -1)]), terms(form, values, 1)];
        for (side, bound) in [
            (equation, Some(form.constant)),
            (minus, form.constant.checked_neg()),
        ] {
            let side: Option<Vec<_>> = side.into_iter().collect();
            let (Some(side), Some(bound)) = (side, bound) else {
                return Err("a factor that is too large".to_owned());
            };
            hypotheses.push(at_least(&side.concat(), bound));
        }
        let slot = shape.slots.get(usize::from(slot.0));
        if let Some(SlotField::Balance(asset)) = slot.map(|slot| slot.field) {
            goals.entry(asset).or_default().push((change, 1));
        }
    }
    let goals: Vec<Inequality> = goals
        .values()
        .flat_map(|changes| {
            let minus: Vec<_> = changes.iter().map(|(n, factor)| (*n, -factor)).collect();
            [at_least(changes, 0), at_least(&minus, 0)]
        })
        .collect();
    prove_linear(session, variables, hypotheses, &goals)
}

/// A form times 1 or -1; slots are counted after the values.
fn terms(form: &Form, values: u16, sign: i128) -> Option<Vec<(u16, i128)>> {
    let arguments = form.values.iter().map(|(n, factor)| (*n, *factor));
    let places = form.slots.iter().map(|(slot, factor)| (values + slot.0, *factor));
    arguments
        .chain(places)
        .map(|(n, factor)| Some((n, factor.checked_mul(sign)?)))
        .collect()
}
