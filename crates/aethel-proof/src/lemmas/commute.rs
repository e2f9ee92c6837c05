//! T2: under which condition two transactions give the same result in both orders.
//!
//! *A;B goes through exactly when B;A does, and then both end in the same state*, with everything that the engine tests:
//! guards, divisions, exactness, ranges, overdraft, and after each transaction the supply of each asset. The condition
//! is a smallest set of premises about the arguments.

use super::commute_query::Query;
use super::replay::{Order, replay};
use super::{Lemma, Lemmas, solver_name, text};
use crate::number::Malformed;
use crate::shape::{MalformedIntent, Shape, SlotContext};
use crate::solver::{self, Answer, Limits, Session};
use aethel_certificate::{LemmaRecord, LemmaVerdict};
use aethel_ir::{Intent, MAX_MINOR_UNITS, Value};
use serde::{Deserialize, Serialize};
use z3::Model;
use z3::ast::Bool;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Lemmas {
    /// Decides whether, and on what condition, a pair commutes. What was proved before comes out of the cache.
    ///
    /// # Errors
    /// When an intent is not well formed, or an account is bounded to one of them and not to the other.
    pub fn commutes(&self, pair: &Pair<'_>) -> Result<Commutes, MalformedIntent> {
        let shapes = [
            Shape::new(pair.first.0, pair.first.1)?,
            Shape::new(pair.second.0, pair.second.1)?,
        ];
        let merged = Merged::new(pair, shapes)?;
        let key = self.key(&merged.digest(&self.limits), "commutation");
        if let Some(proved) = self.cache.get(&key).and_then(|bytes| read(&bytes)) {
            return Ok(proved);
        }
        let rlimit = self.limits.rlimit;
        let decided = solver::run(&self.limits, move |session| merged.decide(session, rlimit));
        let decided = decided.unwrap_or_else(Commutes::Undecided);
        if let Commutes::Proved { condition, lemma } = &decided
            && let Ok(bytes) = postcard::to_stdvec(&(condition, &lemma.bytes))
        {
            self.cache.put(&key, &bytes);
        }
        Ok(decided)
    }
}

/// What the cache keeps of a pair that commutes.
fn read(bytes: &[u8]) -> Option<Commutes> {
    let (condition, bytes): (Vec<Premise>, Vec<u8>) = postcard::from_bytes(bytes).ok()?;
    let lemma = Lemma::read(bytes)?;
    Some(Commutes::Proved { condition, lemma })
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
    /// # Errors
    /// When an account that both stand for is not the same to both.
    fn new(pair: &Pair<'_>, shapes: [Shape; 2]) -> Result<Self, MalformedIntent> {
        let (first, second) = (pair.first.0, pair.second.0);
        let mut places = pair.first.1.to_vec();
        let mut of_second = Vec::with_capacity(second.places.len());
        for (place, context) in second.places.iter().zip(pair.second.1) {
            let shared = first.places.iter().position(|other| {
                other.field == place.field && pair.same.contains(&(other.account, place.account))
            });
            // What is bounded to one of them is bounded to the other.
            if shared.is_some_and(|at| places.get(at) != Some(context)) {
                return Err(MalformedIntent);
            }
            of_second.push(shared.unwrap_or_else(|| {
                places.push(*context);
                places.len() - 1
            }));
        }
        Ok(Self {
            shapes,
            places,
            slots: [(0..pair.first.1.len()).collect(), of_second],
        })
    }

    /// What the pair is, constants included: what is proved with them holds for no others.
    fn digest(&self, limits: &Limits) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("aethel pair of intents 1");
        for (shape, slots) in self.shapes.iter().zip(&self.slots) {
            hasher.update(&shape.key(limits));
            for constant in &shape.constants {
                hasher.update(&constant.to_le_bytes());
            }
            for place in slots {
                hasher.update(&(*place as u64).to_le_bytes());
            }
        }
        *hasher.finalize().as_bytes()
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
        let instance = query.instance(self);
        // What is refuted of the shapes may hold with the constants: two slacks are then known to be equal.
        let mut known = Vec::new();
        loop {
            let assertions = |kept: &[Premise]| {
                let premises = kept.iter().filter_map(|premise| query.premise(*premise));
                [&query.negation, &known]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .chain(premises)
                    .collect::<Vec<_>>()
            };
            match session.check(&assertions(&candidates)) {
                Answer::Unsat => return self.proved(session, candidates, assertions),
                Answer::Unknown(reason) => return Err(reason),
                Answer::Sat(_) if known.len() < instance.len() => known.clone_from(&instance),
                Answer::Sat(_) => return self.refute(session, &query, assertions(&candidates)),
            }
        }
    }

    /// Leaves out the premises that are not needed, and writes the lemma down.
    fn proved(
        &self,
        session: &Session,
        candidates: Vec<Premise>,
        assertions: impl Fn(&[Premise]) -> Vec<Bool>,
    ) -> Result<Commutes, String> {
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

    /// Finds a small example, and replays it.
    fn refute(&self, session: &Session, query: &Query, assertions: Vec<Bool>) -> Result<Commutes, String> {
        for size in [10, 100, 1000, 1_000_000, MAX_MINOR_UNITS] {
            let mut small = assertions.clone();
            small.extend(query.within(size));
            match session.check(&small) {
                Answer::Unsat => {}
                Answer::Unknown(reason) => return Err(reason),
                Answer::Sat(model) => return self.replayed(query, &model),
            }
        }
        Err("Z3 gave an example, and then none".to_owned())
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

/// The smallest part of `all`, by leaving out ever smaller pieces, that is still enough.
fn minimal<T: Clone, E>(
    all: Vec<T>,
    mut is_enough: impl FnMut(&[T]) -> Result<bool, E>,
) -> Result<Vec<T>, E> {
    let mut kept = all;
    let mut piece = kept.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < kept.len() {
            let end = (at + piece).min(kept.len());
            let mut without = kept.clone();
            without.drain(at..end);
            if is_enough(&without)? {
                kept = without;
            } else {
                at = end;
            }
        }
        piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
    }
    Ok(kept)
}
