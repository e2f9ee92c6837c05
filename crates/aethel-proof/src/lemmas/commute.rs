//! T2: under which condition two transactions give the same result in both orders.
//!
//! *A;B goes through exactly when B;A does, and then both end in the same state*, with everything that the engine tests:
//! guards, divisions, exactness, ranges, overdraft, and after each transaction the supply of each asset. The condition
//! is a smallest set of premises about the arguments.

use super::cycle::minimal;
use super::replay::{Order, replay};
use super::terms::{all_of, arguments, signs, state, sum_of};
use super::{Lemma, solver_name, text};
use crate::definitions::Definitions;
use crate::encode::{Inputs, Term, encode_watching};
use crate::number::{Malformed, Number, numeral};
use crate::shape::{MalformedIntent, Shape, SlotContext, SlotField};
use crate::solver::{self, Answer, Limits, Session};
use crate::words;
use aethel_certificate::{LemmaRecord, LemmaVerdict};
use aethel_ir::{AssetId, Intent, MAX_MINOR_UNITS, Type, Value};
use num_bigint::BigInt;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use z3::Model;
use z3::ast::{Bool, Int};

/// Two intents of one batch, and which of their accounts are the same.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The first intent and what its slots hold.
    pub first: (&'a Intent, &'a [SlotContext]),
    /// The second.
    pub second: (&'a Intent, &'a [SlotContext]),
    /// Account parameters, of the first and of the second intent, that stand for one account. All others differ.
    pub same: &'a [(u16, u16)],
}

/// Something that must be true of the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Premise {
    /// Of the second intent, not of the first.
    pub of_second: bool,
    /// The value parameter that must not be below zero.
    pub value: u16,
}

/// Arguments and a state for which the order matters; the evaluator has reproduced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The arguments of the first intent, then of the second.
    pub arguments: [Vec<Value>; 2],
    /// The places: those of the first intent, then those that only the second touches.
    pub before: Vec<i128>,
    /// What the first and then the second leave, or `None` where one of them fails.
    pub first_then_second: Option<Vec<i128>>,
    /// The other order.
    pub second_then_first: Option<Vec<i128>>,
}

/// Whether a pair commutes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there are few, and most are proved")]
pub enum Commutes {
    /// Wherever the condition holds.
    Proved {
        /// Each part is needed.
        condition: Vec<Premise>,
        /// The lemma, with the condition in it.
        lemma: Lemma,
    },
    /// Not even with amounts that are not negative.
    Refuted(Counterexample),
    /// No answer; why, for people.
    Undecided(String),
}

/// Decides whether, and on what condition, a pair commutes.
///
/// # Errors
/// When an intent is not well formed.
pub fn commutes(pair: &Pair<'_>, limits: &Limits) -> Result<Commutes, MalformedIntent> {
    let shapes = [
        Shape::new(pair.first.0, pair.first.1)?,
        Shape::new(pair.second.0, pair.second.1)?,
    ];
    let merged = Merged::new(pair, shapes);
    let rlimit = limits.rlimit;
    let decided = solver::run(limits, move |session| merged.decide(session, rlimit));
    Ok(decided.unwrap_or_else(Commutes::Undecided))
}

/// The two shapes over one list of places.
pub(super) struct Merged {
    pub shapes: [Shape; 2],
    /// What each place holds.
    pub places: Vec<SlotContext>,
    /// The place of each slot.
    pub slots: [Vec<usize>; 2],
}

impl Merged {
    fn new(pair: &Pair<'_>, shapes: [Shape; 2]) -> Self {
        let (first, second) = (pair.first.0, pair.second.0);
        let mut places = pair.first.1.to_vec();
        let mut of_second = Vec::with_capacity(second.places.len());
        for (place, context) in second.places.iter().zip(pair.second.1) {
            let shared = first.places.iter().position(|other| {
                other.field == place.field && pair.same.contains(&(other.account, place.account))
            });
            of_second.push(shared.unwrap_or_else(|| {
                places.push(*context);
                places.len() - 1
            }));
        }
        Self {
            shapes,
            places,
            slots: [(0..pair.first.1.len()).collect(), of_second],
        }
    }

    fn decide(&self, session: &Session, rlimit: u64) -> Commutes {
        let budget = session.with_budget(rlimit);
        match self.query(&budget) {
            Ok(commutes) => commutes,
            Err(reason) => Commutes::Undecided(reason),
        }
    }

    fn query(&self, session: &Session) -> Result<Commutes, String> {
        let malformed = |Malformed| "its intents are not well formed".to_owned();
        let query = Query::new(self).map_err(malformed)?;
        let candidates = query.candidates(self);
        let assertions = |kept: &[Premise]| {
            let mut all = query.negation.clone();
            all.extend(kept.iter().filter_map(|premise| query.premise(*premise)));
            all
        };
        match session.check(&assertions(&candidates)) {
            Answer::Unsat => {
                // A premise that Z3 cannot do without in time is kept: the condition is then stronger than needed.
                let condition = minimal(candidates, |kept| {
                    Ok::<_, String>(matches!(session.check(&assertions(kept)), Answer::Unsat))
                })?;
                let record = self.record(&condition, &assertions(&condition), session.rlimit_used());
                match super::sealed(record) {
                    super::Verdict::Proved(lemma) => Ok(Commutes::Proved { condition, lemma }),
                    _ => Err("its text is too long".to_owned()),
                }
            }
            Answer::Unknown(reason) => Err(reason),
            Answer::Sat(_) => self.refute(session, &query, assertions(&candidates)),
        }
    }

    /// Finds a small example with the constants of this instance, and replays it.
    fn refute(
        &self,
        session: &Session,
        query: &Query,
        mut assertions: Vec<Bool>,
    ) -> Result<Commutes, String> {
        assertions.extend(query.instance(self));
        for size in [10, 100, 1000, 1_000_000, MAX_MINOR_UNITS] {
            let mut small = assertions.clone();
            small.extend(query.within(size));
            match session.check(&small) {
                Answer::Unsat => {}
                Answer::Unknown(reason) => return Err(reason),
                Answer::Sat(model) => return self.replayed(query, &model),
            }
        }
        Err("it is refuted of the shape, and has no example with these constants".to_owned())
    }

    fn replayed(&self, query: &Query, model: &Model) -> Result<Commutes, String> {
        let example = query
            .example(model)
            .ok_or("the example has numbers that are too large")?;
        let (arguments, before, rest) = example;
        let first_then_second = replay(self, Order::FirstSecond, &arguments, &before, &rest);
        let second_then_first = replay(self, Order::SecondFirst, &arguments, &before, &rest);
        if first_then_second == second_then_first {
            return Err("the evaluator does not reproduce the example, which is a bug of aethel".to_owned());
        }
        Ok(Commutes::Refuted(Counterexample {
            arguments,
            before,
            first_then_second,
            second_then_first,
        }))
    }

    fn record(&self, condition: &[Premise], assertions: &[Bool], rlimit: u64) -> LemmaRecord {
        let premises: Vec<String> = condition
            .iter()
            .map(|premise| {
                let which = if premise.of_second { "second" } else { "first" };
                format!("argument {} of the {which} is not negative", premise.value)
            })
            .collect();
        let condition = if premises.is_empty() {
            "always".to_owned()
        } else {
            format!("if {}", premises.join(" and "))
        };
        let [first, second] = self.shapes.each_ref().map(super::short);
        LemmaRecord {
            name: format!(
                "commutation of {first} and {second} on places {:?}",
                self.slots[1]
            ),
            statement: format!(
                "{condition}, from every state in which bounded balances are not negative and the supply is in range: \
                 the first transaction and then the second go through exactly when the second and then the first do, \
                 and both orders end in the same state"
            ),
            smt2: text::script(assertions, LemmaVerdict::Proved),
            verdict: LemmaVerdict::Proved,
            solver: solver_name(),
            rlimit,
            farkas: None,
        }
    }
}

/// The claim's negation, and the terms it is about.
struct Query {
    negation: Vec<Bool>,
    values: [Vec<Term>; 2],
    before: Vec<Int>,
    /// Per asset, what bounded balances elsewhere add up to.
    rest: BTreeMap<AssetId, Int>,
}

/// A run of both in one order: whether everything holds, and the places afterwards.
struct Ran {
    goes_through: Bool,
    after: Vec<Int>,
}

impl Query {
    fn new(merged: &Merged) -> Result<Self, Malformed> {
        let values = [
            arguments("a", &merged.shapes[0].intent),
            arguments("b", &merged.shapes[1].intent),
        ];
        let before = state("s", merged.places.len());
        let rest = (merged.places.iter())
            .filter_map(|place| match place.field {
                SlotField::Balance(asset) => Some((asset, Int::new_const(format!("rest{}", asset.0)))),
                SlotField::Integer | SlotField::Bool => None,
            })
            .collect();
        let mut query = Self {
            negation: Vec::new(),
            values,
            before,
            rest,
        };
        for (shape, values) in merged.shapes.iter().zip(&query.values) {
            query.negation.extend(signs(shape, values));
        }
        query.negation.extend(query.in_range(merged));
        let mut definitions = Definitions::default();
        let one = query.run(merged, [0, 1], &mut definitions)?;
        let other = query.run(merged, [1, 0], &mut definitions)?;
        query.negation.extend(definitions);
        let equal: Vec<Bool> = one.after.iter().zip(&other.after).map(|(a, b)| a.eq(b)).collect();
        let same = all_of(&[
            one.goes_through.iff(&other.goes_through),
            one.goes_through.implies(all_of(&equal)),
        ]);
        query.negation.push(!same);
        Ok(query)
    }

    /// Runs both shapes on the state in this order.
    fn run(
        &self,
        merged: &Merged,
        order: [usize; 2],
        definitions: &mut Definitions,
    ) -> Result<Ran, Malformed> {
        let mut places = self.before.clone();
        let mut holds = Vec::new();
        for which in order {
            let shape = merged.shapes.get(which).ok_or(Malformed)?;
            let slots = merged.slots.get(which).ok_or(Malformed)?;
            let before: Option<Vec<Int>> = slots.iter().map(|place| places.get(*place).cloned()).collect();
            let bounded: Vec<bool> = shape.slots.iter().map(|slot| slot.bounded).collect();
            let inputs = Inputs {
                before: &before.ok_or(Malformed)?,
                values: self.values.get(which).ok_or(Malformed)?,
                bounded: &bounded,
            };
            let (encoded, _) = encode_watching(&shape.intent, inputs, &[], std::mem::take(definitions))?;
            *definitions = encoded.definitions;
            holds.extend(encoded.obligations.into_iter().map(|one| one.formula));
            for effect in &shape.intent.effects {
                let slot = usize::from(effect.slot.0);
                let place = *slots.get(slot).ok_or(Malformed)?;
                *places.get_mut(place).ok_or(Malformed)? = encoded.after.get(slot).ok_or(Malformed)?.clone();
            }
            holds.extend(self.supply(merged, &places));
        }
        Ok(Ran {
            goes_through: all_of(&holds),
            after: places,
        })
    }

    /// The bounded balances of each asset, here and elsewhere, are in range together.
    fn supply(&self, merged: &Merged, places: &[Int]) -> Vec<Bool> {
        let sum = |(asset, rest): (&AssetId, &Int)| {
            let mut parts = vec![rest.clone()];
            for (context, value) in merged.places.iter().zip(places) {
                if context.bounded && context.field == SlotField::Balance(*asset) {
                    parts.push(value.clone());
                }
            }
            sum_of(&parts).le(max())
        };
        self.rest.iter().map(sum).collect()
    }

    /// The state is one that a ledger can hold, and arguments are in the range of their types.
    fn in_range(&self, merged: &Merged) -> Vec<Bool> {
        let mut all = self.supply(merged, &self.before);
        all.extend(self.rest.values().map(|rest| rest.ge(Int::from_i64(0))));
        for (context, value) in merged.places.iter().zip(&self.before) {
            let (low, high) = match context.field {
                SlotField::Bool => (Int::from_i64(0), Int::from_i64(1)),
                _ if context.bounded => (Int::from_i64(0), max()),
                _ => (-max(), max()),
            };
            all.extend([value.ge(low), value.le(high)]);
        }
        for term in self.values.iter().flatten() {
            if let Term::Number(Number::Ratio(value, _)) = term {
                all.extend([value.ge(-max()), value.le(max())]);
            }
        }
        all
    }

    /// Every argument that is an amount or a whole number, and no lifted constant.
    fn candidates(&self, merged: &Merged) -> Vec<Premise> {
        let mut all = Vec::new();
        for (of_second, shape) in [false, true].into_iter().zip(&merged.shapes) {
            let own = shape.intent.values.len() - shape.signs.len();
            for (value, parameter) in (0_u16..).zip(shape.intent.values.iter().take(own)) {
                if matches!(parameter.ty, Type::Amount(_) | Type::Integer) {
                    all.push(Premise { of_second, value });
                }
            }
        }
        all
    }

    fn premise(&self, premise: Premise) -> Option<Bool> {
        let values = self.values.get(usize::from(premise.of_second))?;
        match values.get(usize::from(premise.value))? {
            Term::Number(Number::Ratio(value, _)) => Some(value.ge(Int::from_i64(0))),
            _ => None,
        }
    }

    /// The lifted constants have the values of this instance.
    fn instance(&self, merged: &Merged) -> Vec<Bool> {
        let mut all = Vec::new();
        for (shape, values) in merged.shapes.iter().zip(&self.values) {
            for ((n, _), constant) in shape.premises().zip(&shape.constants) {
                if let Some(Term::Number(value)) = values.get(n) {
                    let constant = Number::whole(numeral(&BigInt::from(*constant)));
                    all.push(value.compare(&constant, Ordering::is_eq));
                }
            }
        }
        all
    }

    /// Every place is small.
    fn within(&self, size: i128) -> Vec<Bool> {
        let size = numeral(&BigInt::from(size));
        self.before.iter().map(|value| value.le(&size)).collect()
    }

    /// The numbers of a model: arguments, places, and the supply elsewhere.
    #[allow(clippy::type_complexity, reason = "taken apart where it is used")]
    fn example(&self, model: &Model) -> Option<([Vec<Value>; 2], Vec<i128>, BTreeMap<AssetId, i128>)> {
        let number = |term: &Int| model.eval(term, true)?.as_i128();
        let argument = |term: &Term| match term {
            Term::Number(value) => words::value(value, model).map(Value::Number),
            Term::Bool(flag) => model.eval(flag, true)?.as_bool().map(Value::Bool),
        };
        let arguments = |values: &[Term]| values.iter().map(argument).collect::<Option<Vec<Value>>>();
        let [first, second] = &self.values;
        let before: Option<Vec<i128>> = self.before.iter().map(number).collect();
        let rest = self
            .rest
            .iter()
            .map(|(asset, rest)| Some((*asset, number(rest)?)));
        Some((
            [arguments(first)?, arguments(second)?],
            before?,
            rest.collect::<Option<_>>()?,
        ))
    }
}

fn max() -> Int {
    numeral(&BigInt::from(MAX_MINOR_UNITS))
}
