//! The direct theorem of a run: *its final state is that of the serial run in this order*.
//!
//! Every transaction is executed symbolically, with its concrete parameters, from a state of declared constants. The
//! hypotheses are the initial values and the definitions of what each transaction computes; the conclusion is that
//! every guard, check and postcondition holds and that each place ends at its claimed value. It is proved when the
//! hypotheses and the negated conclusion cannot hold together.
//!
//! Linear transactions are proved together in one query. After one that multiplies, divides or rounds, the proof is cut:
//! Z3 computes the values in between, proves that they are the only ones, and goes on from there with known numbers.
//! Otherwise each such transaction would multiply what the last one left open (measured: sixteen chained remainders of
//! products are undecided after 30 s in one query; cut, they take 20 ms).
//!
//! Two things are outside of the theorem: the supply of an asset, which is a sum over the whole ledger, and the width
//! limit of the evaluator's intermediate values, which Z3 does not have.

use crate::encode::{self, Claim, Encoded, Inputs, Obligation, Term};
use crate::number::{Malformed, Number, numeral};
use crate::run::{Run, Step};
use crate::solver::{self, Answer, Limits, Session};
use crate::words;
use aethel_ir::{Batch, PlaceId, Rational, TransactionId, Type, Value};
use num_bigint::BigInt;
use std::collections::BTreeMap;
use std::time::Instant;
use z3::Model;
use z3::ast::{Bool, Int};

/// What became of the direct theorem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectVerdict {
    /// It holds.
    Proved {
        /// How many queries Z3 answered.
        queries: u32,
        /// How much of the resource limit they used.
        rlimit_used: u64,
        /// The time it took, encoding included.
        nanoseconds: u64,
    },
    /// It does not hold.
    Refuted {
        /// The first thing that fails, for people.
        reason: String,
    },
    /// A budget is spent, or Z3 could not decide it. This is no success.
    Undecided {
        /// Why, for people.
        reason: String,
    },
}

/// Proves or refutes that the batch's transactions, run one by one in `order` from `initial`, all go through and leave
/// `final_values`. Both states hold the value of each place of [`Batch::places`]; `order` holds each transaction once.
pub fn prove_direct(
    batch: &Batch,
    order: &[TransactionId],
    initial: &[i128],
    final_values: &[i128],
    limits: &Limits,
) -> DirectVerdict {
    let start = Instant::now();
    let run = match Run::new(batch, order, initial, final_values) {
        Ok(run) => run,
        Err(verdict) => return verdict,
    };
    match solver::run(limits, move |session| run.decide(session)) {
        Err(reason) => DirectVerdict::Undecided { reason },
        Ok(Outcome {
            finding: Finding::Proved,
            queries,
            rlimit_used,
        }) => DirectVerdict::Proved {
            queries,
            rlimit_used,
            nanoseconds: u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
        },
        Ok(Outcome {
            finding: Finding::Unknown(reason),
            ..
        }) => DirectVerdict::Undecided { reason },
        Ok(Outcome {
            finding: Finding::Ends { place, value },
            ..
        }) => DirectVerdict::Refuted {
            reason: words::ends(batch, place, value, final_values),
        },
        Ok(Outcome {
            finding: Finding::Fails { id, claim, shown },
            ..
        }) => DirectVerdict::Refuted {
            reason: words::claim(batch, id, claim, &shown),
        },
    }
}

/// What the solver's thread found.
struct Outcome {
    finding: Finding,
    queries: u32,
    rlimit_used: u64,
}

enum Finding {
    Proved,
    Unknown(String),
    /// This claim of this transaction is the first that fails; the numbers it is about.
    Fails {
        id: TransactionId,
        claim: Claim,
        shown: Vec<(Rational, Type)>,
    },
    /// Everything goes through, but this place ends at another value than claimed.
    Ends {
        place: PlaceId,
        value: Option<i128>,
    },
}

/// The places of a block as terms, in the order of their ids.
type State = BTreeMap<usize, Int>;

impl Run {
    fn decide(&self, session: &Session) -> Outcome {
        Outcome {
            finding: self.find(session),
            queries: session.queries(),
            rlimit_used: session.rlimit_used(),
        }
    }

    fn find(&self, session: &Session) -> Finding {
        let mut known = self.initial.clone();
        let mut rest = self.steps.as_slice();
        loop {
            let length = match rest.first() {
                Some(first) if self.is_hard(first) => 1,
                _ => rest.iter().take_while(|step| !self.is_hard(step)).count(),
            };
            let (block, after) = rest.split_at(length);
            rest = after;
            let finding = if rest.is_empty() {
                self.prove_last(session, block, &known)
            } else {
                self.prove_between(session, block, &mut known)
            };
            if rest.is_empty() || !matches!(finding, Finding::Proved) {
                return finding;
            }
        }
    }

    /// Proves that the last block goes through and ends at the claimed values.
    fn prove_last(&self, session: &Session, block: &[Step], known: &[i128]) -> Finding {
        let places = 0..known.len();
        let block = match self.encode(block, known, places) {
            Ok(block) => block,
            Err(finding) => return finding,
        };
        let claimed = self.final_values.iter().copied().enumerate();
        block.prove(session, &claimed.collect())
    }

    /// Proves that a block in the middle goes through, and moves the known values on to what it leaves.
    fn prove_between(&self, session: &Session, block: &[Step], known: &mut [i128]) -> Finding {
        let places = block.iter().flat_map(|step| step.places.iter().copied());
        let block = match self.encode(block, known, places) {
            Ok(block) => block,
            Err(finding) => return finding,
        };
        let model = match session.check(&block.hypotheses) {
            Answer::Sat(model) => model,
            Answer::Unknown(reason) => return Finding::Unknown(reason),
            Answer::Unsat => return Finding::Unknown("Z3 says that a transaction has no result".to_owned()),
        };
        if let Some(fault) = block.fault(&model) {
            return fault;
        }
        let mut values = BTreeMap::new();
        for (place, end) in &block.state {
            let Some(value) = model.eval(end, true).and_then(|end| end.as_i128()) else {
                return Finding::Unknown("Z3 gave no value for a place".to_owned());
            };
            values.insert(*place, value);
        }
        match block.prove(session, &values) {
            Finding::Proved => {
                for (place, value) in values {
                    if let Some(known) = known.get_mut(place) {
                        *known = value;
                    }
                }
                Finding::Proved
            }
            Finding::Ends { .. } => Finding::Unknown("Z3 gave two results of one transaction".to_owned()),
            other => other,
        }
    }

    /// Encodes transactions from known values of the places that matter.
    fn encode(
        &self,
        steps: &[Step],
        known: &[i128],
        places: impl Iterator<Item = usize>,
    ) -> Result<Block, Finding> {
        let mut block = Block::default();
        for place in places {
            let Some(value) = known.get(place) else {
                continue;
            };
            block.state.entry(place).or_insert_with(|| {
                let before = Int::new_const(format!("place{place}"));
                block.hypotheses.push(before.eq(numeral(&BigInt::from(*value))));
                before
            });
        }
        for step in steps {
            let encoded = self.execute(step, &mut block.state).map_err(|Malformed| {
                Finding::Unknown(format!("transaction {} is not well formed", step.id.0))
            })?;
            block.hypotheses.extend(encoded.definitions);
            let obligations = encoded.obligations.into_iter();
            block.obligations.extend(obligations.map(|one| (step.id, one)));
        }
        Ok(block)
    }

    /// Encodes a transaction on a state and moves the state on.
    fn execute(&self, step: &Step, state: &mut State) -> Result<Encoded, Malformed> {
        let intent = self.intents.get(step.intent).ok_or(Malformed)?;
        let before: Option<Vec<Int>> = step
            .places
            .iter()
            .map(|place| state.get(place).cloned())
            .collect();
        let values: Result<Vec<Term>, Malformed> = step.values.iter().map(literal).collect();
        let encoded = encode::encode(
            intent,
            Inputs {
                before: &before.ok_or(Malformed)?,
                values: &values?,
                bounded: &step.bounded,
            },
        )?;
        for effect in &intent.effects {
            let slot = usize::from(effect.slot.0);
            let place = step.places.get(slot).ok_or(Malformed)?;
            let new = encoded.after.get(slot).ok_or(Malformed)?;
            *state.get_mut(place).ok_or(Malformed)? = new.clone();
        }
        Ok(encoded)
    }
}

/// Consecutive transactions as one lemma.
#[derive(Default)]
struct Block {
    /// The values before, and what the fresh constants are.
    hypotheses: Vec<Bool>,
    /// What must hold, in the order in which it is tested.
    obligations: Vec<(TransactionId, Obligation)>,
    /// The places afterwards.
    state: State,
}

impl Block {
    /// Whether everything goes through and each place ends at its value.
    fn prove(&self, session: &Session, values: &BTreeMap<usize, i128>) -> Finding {
        let ends: Vec<(usize, Bool)> = (self.state.iter())
            .filter_map(|(place, end)| {
                let value = values.get(place)?;
                Some((*place, end.eq(numeral(&BigInt::from(*value)))))
            })
            .collect();
        let mut conclusion: Vec<Bool> = ends.iter().map(|(_, end)| end.clone()).collect();
        conclusion.extend(self.obligations.iter().map(|(_, one)| one.formula.clone()));
        let mut assertions = self.hypotheses.clone();
        assertions.push(!Bool::and(&conclusion));
        let model = match session.check(&assertions) {
            Answer::Unsat => return Finding::Proved,
            Answer::Unknown(reason) => return Finding::Unknown(reason),
            Answer::Sat(model) => model,
        };
        if let Some(fault) = self.fault(&model) {
            return fault;
        }
        match ends.iter().find(|(_, end)| is_false(&model, end)) {
            Some((place, _)) => Finding::Ends {
                place: PlaceId(*place as u32),
                value: (self.state.get(place))
                    .and_then(|end| model.eval(end, true))
                    .and_then(|end| end.as_i128()),
            },
            None => Finding::Unknown("Z3 gave an example in which nothing fails".to_owned()),
        }
    }

    /// The first obligation that is false in a model: before it everything holds, so up to there the model is the run.
    fn fault(&self, model: &Model) -> Option<Finding> {
        let (id, found) = self
            .obligations
            .iter()
            .find(|(_, one)| is_false(model, &one.formula))?;
        let value = |(number, ty): &(Number, Type)| words::value(number, model).map(|value| (value, *ty));
        Some(Finding::Fails {
            id: *id,
            claim: found.claim,
            shown: found.shown.iter().filter_map(value).collect(),
        })
    }
}

fn is_false(model: &Model, formula: &Bool) -> bool {
    model.eval(formula, true).and_then(|value| value.as_bool()) == Some(false)
}

fn literal(value: &Value) -> Result<Term, Malformed> {
    Ok(match value {
        Value::Number(number) => Term::Number(Number::constant(number)?),
        Value::Bool(flag) => Term::Bool(Bool::from_bool(*flag)),
    })
}
