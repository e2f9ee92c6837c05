//! The transactions of a small batch one after the other, from any state.

use super::terms::{max, range_of_slot, range_of_value, unknown};
use crate::encode::{self, Inputs, Term};
use crate::number::{Malformed, Number, numeral};
use crate::shape::{SlotContext, SlotField};
use crate::solver::{Answer, Session};
use crate::words;
use aethel_ir::{AssetId, Batch, Intent, PlaceId, TransactionId, Type, Value};
use num_bigint::BigInt;
use std::collections::BTreeMap;
use z3::Model;
use z3::ast::{Bool, Int};

/// A batch cut free from its tables: the solver's thread may outlive those.
pub struct Chain {
    intents: Vec<Intent>,
    /// What each place holds.
    places: Vec<SlotContext>,
    steps: Vec<Step>,
}

struct Step {
    id: TransactionId,
    intent: usize,
    places: Vec<usize>,
    /// `None` for an argument that only a run brings; then its group and parameter name it.
    values: Vec<Option<Value>>,
    group: u32,
}

/// What is asked of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Can every transaction go through?
    Success,
    /// When they do, can the sum of an asset change?
    Change(AssetId),
}

/// The answer to a question.
pub enum ChainAnswer {
    /// Yes, from this state and with these unknown arguments, unless a product was guessed at.
    Yes(Option<ChainState>),
    /// No. For [`Question::Success`] these transactions exclude each other, and each of them is needed for that.
    No(Vec<TransactionId>),
    /// Not decided, for this reason.
    Unknown(String),
}

/// A state to start a batch from.
pub struct ChainState {
    /// The value of each place.
    pub before: Vec<i128>,
    /// Unknown arguments by group and parameter.
    pub values: BTreeMap<(u32, u16), Value>,
}

impl Chain {
    /// Takes what matters out of a batch.
    pub fn new(
        batch: &Batch,
        order: &[TransactionId],
        is_unknown: &dyn Fn(u32, u16) -> bool,
    ) -> Option<Self> {
        let places: Vec<PlaceId> = (0..batch.places.len()).map(|n| PlaceId(n as u32)).collect();
        let mut steps = Vec::with_capacity(order.len());
        for id in order {
            let view = batch.transaction(*id)?;
            let group = batch.transactions.get(id.0 as usize)?.group;
            let places = view.group.places.iter();
            let places = places.map(|column| column.get(view.row).map(|place| place.0 as usize));
            let values = view.group.values.iter().enumerate().map(|(n, column)| {
                if is_unknown(group, n as u16) {
                    return Some(None);
                }
                column.get(view.row).map(Some)
            });
            steps.push(Step {
                id: *id,
                intent: view.group.intent as usize,
                places: places.collect::<Option<_>>()?,
                values: values.collect::<Option<_>>()?,
                group,
            });
        }
        Some(Self {
            intents: batch.intents.clone(),
            places: SlotContext::of_places(batch, &places)?,
            steps,
        })
    }

    /// Answers one question; each query may use so much of the resource limit.
    pub fn ask(&self, session: &Session, question: Question, rlimit: u64) -> ChainAnswer {
        let linked = match self.link() {
            Ok(linked) => linked,
            Err(malformed) => return ChainAnswer::Unknown(malformed.to_string()),
        };
        let all: Vec<usize> = (0..self.steps.len()).collect();
        let mut assertions = linked.assertions(&all);
        if let Question::Change(asset) = question {
            assertions.push(linked.changes(&self.places, asset));
        }
        match session.check_within(&assertions, rlimit) {
            Answer::Sat(model) => ChainAnswer::Yes(linked.state(&model)),
            Answer::Unknown(reason) => ChainAnswer::Unknown(reason),
            Answer::Unsat if question == Question::Success => {
                ChainAnswer::No(self.core(session, &linked, all, rlimit))
            }
            Answer::Unsat => ChainAnswer::No(Vec::new()),
        }
    }

    /// Transactions whose conditions exclude each other, by leaving out one after the other. What the others change
    /// still happens.
    fn core(
        &self,
        session: &Session,
        linked: &Linked,
        mut kept: Vec<usize>,
        rlimit: u64,
    ) -> Vec<TransactionId> {
        for at in (0..self.steps.len()).rev() {
            let fewer: Vec<usize> = kept.iter().copied().filter(|one| *one != at).collect();
            if matches!(
                session.check_within(&linked.assertions(&fewer), rlimit),
                Answer::Unsat
            ) {
                kept = fewer;
            }
        }
        kept.into_iter()
            .filter_map(|n| self.steps.get(n).map(|step| step.id))
            .collect()
    }

    fn link(&self) -> Result<Linked, Malformed> {
        let before: Vec<Int> = (0..self.places.len())
            .map(|n| Int::new_const(format!("place{n}")))
            .collect();
        let mut linked = Linked {
            hypotheses: Vec::new(),
            obligations: Vec::with_capacity(self.steps.len()),
            after: before.clone(),
            before,
            values: BTreeMap::new(),
        };
        let mut supply: BTreeMap<AssetId, Vec<Int>> = BTreeMap::new();
        for (term, place) in linked.before.iter().zip(&self.places) {
            linked.hypotheses.extend(range_of_slot(term, *place));
            if let (SlotField::Balance(asset), true) = (place.field, place.bounded) {
                supply.entry(asset).or_default().push(term.clone());
            }
        }
        let sums = supply.into_values().map(|balances| Int::add(&balances).le(max()));
        linked.hypotheses.extend(sums);
        for step in &self.steps {
            self.step(step, &mut linked)?;
        }
        Ok(linked)
    }

    fn step(&self, step: &Step, linked: &mut Linked) -> Result<(), Malformed> {
        let intent = self.intents.get(step.intent).ok_or(Malformed)?;
        let mut values = Vec::with_capacity(step.values.len());
        for (n, (value, parameter)) in step.values.iter().zip(&intent.values).enumerate() {
            values.push(match value {
                Some(Value::Number(number)) => Term::Number(Number::constant(number)?),
                Some(Value::Bool(flag)) => Term::Bool(Bool::from_bool(*flag)),
                None => linked.unknown((step.group, n as u16), parameter.ty),
            });
        }
        let places = step.places.iter();
        let before: Option<Vec<Int>> = places.map(|place| linked.after.get(*place).cloned()).collect();
        let places = step.places.iter();
        let bounded: Option<Vec<bool>> = places
            .map(|place| self.places.get(*place).map(|one| one.bounded))
            .collect();
        let encoded = encode::encode(
            intent,
            Inputs {
                before: &before.ok_or(Malformed)?,
                values: &values,
                bounded: &bounded.ok_or(Malformed)?,
            },
        )?;
        for effect in &intent.effects {
            let slot = usize::from(effect.slot.0);
            let place = step.places.get(slot).ok_or(Malformed)?;
            let new = encoded.after.get(slot).ok_or(Malformed)?;
            *linked.after.get_mut(*place).ok_or(Malformed)? = new.clone();
        }
        linked.hypotheses.extend(encoded.definitions);
        let formulas = encoded.obligations.into_iter().map(|one| one.formula);
        linked.obligations.push(formulas.collect());
        Ok(())
    }
}

/// A chain as terms.
struct Linked {
    hypotheses: Vec<Bool>,
    /// What each transaction needs to go through.
    obligations: Vec<Vec<Bool>>,
    before: Vec<Int>,
    after: Vec<Int>,
    /// Unknown arguments.
    values: BTreeMap<(u32, u16), (Term, Type)>,
}

impl Linked {
    fn unknown(&mut self, key: (u32, u16), ty: Type) -> Term {
        if let Some((term, _)) = self.values.get(&key) {
            return term.clone();
        }
        let term = unknown(&format!("argument{}of{}", key.1, key.0), ty);
        self.hypotheses.extend(range_of_value(&term, ty));
        self.values.insert(key, (term.clone(), ty));
        term
    }

    fn assertions(&self, steps: &[usize]) -> Vec<Bool> {
        let mut all = self.hypotheses.clone();
        for step in steps {
            all.extend(self.obligations.get(*step).into_iter().flatten().cloned());
        }
        all
    }

    fn changes(&self, places: &[SlotContext], asset: AssetId) -> Bool {
        let sum = |terms: &[Int]| {
            let ours = terms
                .iter()
                .zip(places)
                .filter(|(_, place)| place.field == SlotField::Balance(asset));
            let mut sum = numeral(&BigInt::from(0));
            for (term, _) in ours {
                sum += term;
            }
            sum
        };
        sum(&self.before).ne(sum(&self.after))
    }

    fn state(&self, model: &Model) -> Option<ChainState> {
        let before = self.before.iter().map(|term| model.eval(term, true)?.as_i128());
        let values = self.values.iter().map(|(key, (term, _))| {
            let value = match term {
                Term::Bool(flag) => Value::Bool(model.eval(flag, true)?.as_bool()?),
                Term::Number(number) => Value::Number(words::value(number, model)?),
            };
            Some((*key, value))
        });
        Some(ChainState {
            before: before.collect::<Option<_>>()?,
            values: values.collect::<Option<_>>()?,
        })
    }
}
