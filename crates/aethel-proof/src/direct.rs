//! The direct theorem of a run: *its final state is that of the serial run in this order*.
//!
//! Every transaction is executed symbolically, with its concrete parameters, from a state of declared constants. The
//! hypotheses are the initial values and the definitions of what each transaction computes; the conclusion is that
//! every guard, check and postcondition holds and that each place ends at its claimed value. It is proved when the
//! hypotheses and the negated conclusion cannot hold together.
//!
//! Two things are outside of the theorem: the supply of an asset, which is a sum over the whole ledger, and the width
//! limit of the evaluator's intermediate values, which Z3 does not have.

use crate::encode::{self, Claim, Encoded, Inputs, Obligation, Term};
use crate::number::{Malformed, Number};
use crate::solver::{self, Answer, Limits, Session};
use crate::words;
use aethel_ir::{AccountId, Batch, Intent, PlaceId, Rational, TransactionId, TransactionView, Type, Value};
use num_bigint::BigInt;
use std::collections::HashMap;
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

/// A transaction of the run, without the batch it comes from: the solver's thread may outlive that.
struct Step {
    id: TransactionId,
    intent: usize,
    places: Vec<usize>,
    bounded: Vec<bool>,
    values: Vec<Value>,
}

/// Everything the solver's thread needs.
struct Run {
    intents: Vec<Intent>,
    steps: Vec<Step>,
    initial: Vec<i128>,
    final_values: Vec<i128>,
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

impl Run {
    fn new(
        batch: &Batch,
        order: &[TransactionId],
        initial: &[i128],
        final_values: &[i128],
    ) -> Result<Self, DirectVerdict> {
        let refuted = |reason: String| Err(DirectVerdict::Refuted { reason });
        let places = batch.places.len();
        if initial.len() != places || final_values.len() != places {
            return refuted(format!(
                "the batch has {places} places, but {} initial and {} final values are claimed",
                initial.len(),
                final_values.len()
            ));
        }
        let mut seen = vec![false; batch.len()];
        let mut run = Run {
            intents: Vec::new(),
            steps: Vec::with_capacity(order.len()),
            initial: initial.to_vec(),
            final_values: final_values.to_vec(),
        };
        let mut known = HashMap::new();
        for id in order {
            match seen.get_mut(id.0 as usize) {
                None => {
                    return refuted(format!(
                        "the order names transaction {}, which is not there",
                        id.0
                    ));
                }
                Some(true) => {
                    return refuted(format!("`{}` is in the order twice", batch.transaction_name(*id)));
                }
                Some(flag) => *flag = true,
            }
            let Some(view) = batch.transaction(*id) else {
                return malformed(batch, *id);
            };
            match same_account(view) {
                Ok(None) => {}
                Ok(Some(parameters)) => return refuted(words::same_account(batch, view, *id, parameters)),
                Err(Malformed) => return malformed(batch, *id),
            }
            let intent = *known.entry(view.group.intent).or_insert_with(|| {
                run.intents.push(view.intent.clone());
                run.intents.len() - 1
            });
            let Some(step) = Step::new(view, *id, intent) else {
                return malformed(batch, *id);
            };
            run.steps.push(step);
        }
        if let Some(missing) = seen.iter().position(|seen| !seen) {
            let id = TransactionId(missing as u32);
            return refuted(format!("`{}` is not in the order", batch.transaction_name(id)));
        }
        Ok(run)
    }

    fn decide(&self, session: &Session) -> Outcome {
        Outcome {
            finding: self.find(session),
            queries: session.queries(),
            rlimit_used: session.rlimit_used(),
        }
    }

    fn find(&self, session: &Session) -> Finding {
        let mut state: Vec<Int> = Vec::with_capacity(self.initial.len());
        let mut assertions = Vec::new();
        for (place, value) in self.initial.iter().enumerate() {
            let before = Int::new_const(format!("place{place}"));
            assertions.push(before.eq(crate::number::numeral(&BigInt::from(*value))));
            state.push(before);
        }
        let mut obligations: Vec<(TransactionId, Obligation)> = Vec::new();
        for step in &self.steps {
            let Ok(encoded) = self.execute(step, &mut state) else {
                return Finding::Unknown(format!("transaction {} is not well formed", step.id.0));
            };
            assertions.extend(encoded.definitions);
            obligations.extend(encoded.obligations.into_iter().map(|one| (step.id, one)));
        }
        let ends: Vec<Bool> = state
            .iter()
            .zip(&self.final_values)
            .map(|(end, claimed)| end.eq(crate::number::numeral(&BigInt::from(*claimed))))
            .collect();
        let mut conclusion: Vec<Bool> = obligations.iter().map(|(_, one)| one.formula.clone()).collect();
        conclusion.extend(ends.iter().cloned());
        assertions.push(!Bool::and(&conclusion));
        match session.check(&assertions) {
            Answer::Unsat => Finding::Proved,
            Answer::Unknown(reason) => Finding::Unknown(reason),
            Answer::Sat(model) => first_fault(&model, &obligations, &state, &ends),
        }
    }

    /// Encodes a transaction on a state and moves the state on.
    fn execute(&self, step: &Step, state: &mut [Int]) -> Result<Encoded, Malformed> {
        let intent = self.intents.get(step.intent).ok_or(Malformed)?;
        let before: Option<Vec<Int>> = step
            .places
            .iter()
            .map(|place| state.get(*place).cloned())
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
            *state.get_mut(*place).ok_or(Malformed)? = new.clone();
        }
        Ok(encoded)
    }
}

impl Step {
    fn new(view: TransactionView<'_>, id: TransactionId, intent: usize) -> Option<Self> {
        let columns = &view.group.places;
        if columns.len() != view.intent.places.len() {
            return None;
        }
        let places: Option<Vec<PlaceId>> = columns.iter().map(|c| c.get(view.row).copied()).collect();
        let places = places?;
        Some(Self {
            id,
            intent,
            bounded: places.iter().map(|place| view.batch.is_bounded(*place)).collect(),
            places: places.iter().map(|place| place.0 as usize).collect(),
            values: view
                .group
                .values
                .iter()
                .map(|c| c.get(view.row))
                .collect::<Option<_>>()?,
        })
    }
}

fn malformed(batch: &Batch, id: TransactionId) -> Result<Run, DirectVerdict> {
    let reason = format!("`{}` is not well formed", batch.transaction_name(id));
    Err(DirectVerdict::Undecided { reason })
}

fn literal(value: &Value) -> Result<Term, Malformed> {
    Ok(match value {
        Value::Number(number) => Term::Number(Number::constant(number)?),
        Value::Bool(flag) => Term::Bool(Bool::from_bool(*flag)),
    })
}

/// Two parameters that are one account which the transaction writes: such a transaction never goes through.
fn same_account(view: TransactionView<'_>) -> Result<Option<(usize, usize)>, Malformed> {
    let intent = view.intent;
    let mut written = vec![false; intent.accounts.len()];
    for effect in &intent.effects {
        let place = intent.places.get(usize::from(effect.slot.0)).ok_or(Malformed)?;
        *written.get_mut(usize::from(place.account)).ok_or(Malformed)? = true;
    }
    let accounts: Option<Vec<AccountId>> = view
        .group
        .accounts
        .iter()
        .map(|c| c.get(view.row).copied())
        .collect();
    let parameters: Vec<(AccountId, bool)> = accounts.ok_or(Malformed)?.into_iter().zip(written).collect();
    for (second, (account, changed)) in parameters.iter().enumerate() {
        let before = parameters.iter().take(second);
        if let Some(first) = before
            .clone()
            .position(|(other, also)| other == account && (*changed || *also))
        {
            return Ok(Some((first, second)));
        }
    }
    Ok(None)
}

/// The first thing that is false in a model: before it everything holds, so the state up to there is the real one.
fn first_fault(
    model: &Model,
    obligations: &[(TransactionId, Obligation)],
    state: &[Int],
    ends: &[Bool],
) -> Finding {
    let is_false =
        |formula: &Bool| model.eval(formula, true).and_then(|value| value.as_bool()) == Some(false);
    if let Some((id, found)) = obligations.iter().find(|(_, one)| is_false(&one.formula)) {
        let value = |(number, ty): &(Number, Type)| words::value(number, model).map(|value| (value, *ty));
        return Finding::Fails {
            id: *id,
            claim: found.claim,
            shown: found.shown.iter().filter_map(value).collect(),
        };
    }
    match ends.iter().position(is_false) {
        Some(place) => Finding::Ends {
            place: PlaceId(place as u32),
            value: state
                .get(place)
                .and_then(|end| model.eval(end, true))
                .and_then(|end| end.as_i128()),
        },
        None => Finding::Unknown("Z3 gave an example in which nothing fails".to_owned()),
    }
}
