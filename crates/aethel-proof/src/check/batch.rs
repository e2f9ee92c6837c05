//! What holds of a batch as a whole: that it can succeed, what it needs for that, that it conserves every asset.
//!
//! A run of the evaluator from plenty answers most batches of any size; sums answer what is linear; a small batch that
//! is left is asked about symbolically, transaction by transaction.

use super::CheckLimits;
use super::chain::{Chain, ChainAnswer, ChainState, Question};
use super::sums::{Sums, add_up};
use crate::solver;
use aethel_ir::money::in_range;
use aethel_ir::{
    AssetId, Batch, Column, Evaluator, Failure, Field, MAX_MINOR_UNITS, PlaceId, Rational, TransactionId,
    Type, Value, ValueColumn, Wholes,
};
use std::sync::Arc;
use std::time::Instant;

/// The largest batch that is asked about transaction by transaction.
pub const MAX_CHAIN: usize = 32;

/// A batch to be judged.
#[derive(Clone, Copy, Debug)]
pub struct BatchSubject<'a> {
    /// It.
    pub batch: &'a Batch,
    /// Its transactions in batch order.
    pub order: &'a [TransactionId],
    /// Arguments that only a run brings, by group and value parameter, ascending.
    pub unknown: &'a [(u32, u16)],
    /// The assets that some of its intents do not provably conserve.
    pub leaks: &'a [AssetId],
}

/// The answer to a question about a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchVerdict {
    /// It holds.
    Proved,
    /// It does not.
    Refuted,
    /// A budget is spent. This is no success.
    Undecided {
        /// Why, for people.
        reason: String,
    },
    /// The batch is too large to be asked about, and nothing is claimed.
    NotAttempted,
}

/// Everything that was found out about a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchReport {
    /// Whether some state lets all of its transactions go through.
    pub success: BatchVerdict,
    /// Transactions that exclude each other when it cannot succeed, none of which can be left out.
    pub excluding: Vec<TransactionId>,
    /// For each asset that an intent does not provably conserve, whether the batch does.
    pub conserves: Vec<(AssetId, BatchVerdict)>,
    /// The least balances at the start with which it succeeds, in minor units, as far as sums tell them.
    pub needs: Vec<(PlaceId, i128)>,
    /// How many queries Z3 answered.
    pub queries: u32,
    /// The time it took, for people.
    pub nanoseconds: u64,
}

/// Judges a batch whose intents were judged one by one.
pub fn check_batch(subject: BatchSubject<'_>, limits: &CheckLimits) -> BatchReport {
    let start = Instant::now();
    let is_unknown = |group: u32, value: u16| subject.unknown.binary_search(&(group, value)).is_ok();
    let Sums { needs, gains } = add_up(subject.batch, subject.order, &is_unknown);
    let mut report = BatchReport {
        success: BatchVerdict::NotAttempted,
        excluding: Vec::new(),
        conserves: Vec::new(),
        needs,
        queries: 0,
        nanoseconds: 0,
    };
    let plenty = from_plenty(subject);
    let chain = if subject.order.len() <= MAX_CHAIN {
        Chain::new(subject.batch, subject.order, &is_unknown).map(Arc::new)
    } else {
        None
    };
    report.success = match &plenty {
        Plenty::Ends { .. } => BatchVerdict::Proved,
        Plenty::SameAccount(id) => {
            report.excluding.push(*id);
            BatchVerdict::Refuted
        }
        Plenty::Stopped => match &chain {
            Some(chain) => success(subject, chain, limits, &mut report),
            None => BatchVerdict::NotAttempted,
        },
    };
    if report.success != BatchVerdict::Refuted {
        for asset in subject.leaks {
            let verdict = conserves(
                subject,
                *asset,
                &gains,
                &plenty,
                chain.as_ref(),
                limits,
                &mut report,
            );
            report.conserves.push((*asset, verdict));
        }
    }
    report.nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    report
}

fn success(
    subject: BatchSubject<'_>,
    chain: &Arc<Chain>,
    limits: &CheckLimits,
    report: &mut BatchReport,
) -> BatchVerdict {
    match ask(chain, Question::Success, limits, report) {
        ChainAnswer::No(core) => {
            report.excluding = core;
            BatchVerdict::Refuted
        }
        ChainAnswer::Yes(None) => undecided("the solver's example has a number that is no fraction"),
        ChainAnswer::Yes(Some(state)) => match run(subject, &state) {
            Ok(_) => BatchVerdict::Proved,
            Err(_) => undecided("the solver's example does not go through, which is a bug of aethel"),
        },
        ChainAnswer::Unknown(reason) => BatchVerdict::Undecided { reason },
    }
}

fn conserves(
    subject: BatchSubject<'_>,
    asset: AssetId,
    gains: &Option<Vec<i128>>,
    plenty: &Plenty,
    chain: Option<&Arc<Chain>>,
    limits: &CheckLimits,
    report: &mut BatchReport,
) -> BatchVerdict {
    if let Plenty::Ends { before, after } = plenty
        && gain(subject.batch, asset, before, after) != Some(0)
    {
        return BatchVerdict::Refuted;
    }
    if let Some(gain) = gains.as_ref().and_then(|gains| gains.get(usize::from(asset.0))) {
        return match gain {
            0 => BatchVerdict::Proved,
            _ => BatchVerdict::Refuted,
        };
    }
    let Some(chain) = chain else {
        return BatchVerdict::NotAttempted;
    };
    match ask(chain, Question::Change(asset), limits, report) {
        ChainAnswer::No(_) => BatchVerdict::Proved,
        ChainAnswer::Yes(Some(state)) => match run(subject, &state) {
            Ok(after) if gain(subject.batch, asset, &state.before, &after) != Some(0) => {
                BatchVerdict::Refuted
            }
            _ => undecided("the solver's example does not show it"),
        },
        ChainAnswer::Yes(None) => undecided("the solver gave an example that is no state"),
        ChainAnswer::Unknown(reason) => BatchVerdict::Undecided { reason },
    }
}

fn undecided(reason: &str) -> BatchVerdict {
    BatchVerdict::Undecided {
        reason: reason.to_owned(),
    }
}

fn ask(
    chain: &Arc<Chain>,
    question: Question,
    limits: &CheckLimits,
    report: &mut BatchReport,
) -> ChainAnswer {
    let job = Arc::clone(chain);
    let rlimit = limits.rlimit;
    let asked = solver::run(&limits.all(), move |session| {
        (job.ask(session, question, rlimit), session.queries())
    });
    match asked {
        Ok((answer, queries)) => {
            report.queries += queries;
            answer
        }
        Err(reason) => ChainAnswer::Unknown(reason),
    }
}

/// What came of running a batch from plenty of everything.
enum Plenty {
    Ends {
        before: Vec<i128>,
        after: Vec<i128>,
    },
    /// A transaction names one account twice, which no balance helps against.
    SameAccount(TransactionId),
    Stopped,
}

/// Runs the batch from balances that leave room for everything, with a few guesses at what is unknown.
fn from_plenty(subject: BatchSubject<'_>) -> Plenty {
    let batch = subject.batch;
    let share = MAX_MINOR_UNITS / (2 * batch.places.len().max(1) as i128);
    let scale = |asset: AssetId| {
        batch
            .assets
            .get(usize::from(asset.0))
            .map_or(0, |asset| asset.scale)
    };
    let units = |asset: AssetId, count: i128| count * 10_i128.pow(scale(asset).into());
    let guesses: &[i128] = if subject.unknown.is_empty() {
        &[1]
    } else {
        &[1, 100, 2000, 0]
    };
    for flag in [false, true] {
        for guess in guesses {
            let before = (0..batch.places.len()).map(|n| {
                let place = PlaceId(n as u32);
                match batch.asset_of(place) {
                    Some(asset) if batch.is_bounded(place) => units(asset, 1_000_000_000_000).min(share),
                    Some(_) => 0,
                    None => (flag && is_flag(batch, place)).into(),
                }
            });
            let values = subject.unknown.iter().filter_map(|(group, n)| {
                let intent = batch.groups.get(*group as usize)?.intent;
                let ty = batch
                    .intents
                    .get(intent as usize)?
                    .values
                    .get(usize::from(*n))?
                    .ty;
                let value = match ty {
                    Type::Bool => Value::Bool(true),
                    Type::Amount(asset) => Value::Number(Rational::Int(units(asset, *guess))),
                    Type::Time => Value::Number(Rational::Int(1_700_000_000)),
                    Type::Integer => Value::Number(Rational::Int(*guess)),
                    Type::Number => Value::Number(Rational::Int((*guess).min(1))),
                    Type::Price(base, quote) => {
                        let shift = i32::from(scale(quote)) - i32::from(scale(base));
                        let price = Rational::Int(*guess).mul(&Rational::power_of_ten(shift));
                        Value::Number(price.unwrap_or(Rational::ONE))
                    }
                };
                Some(((*group, *n), value))
            });
            let state = ChainState {
                before: before.collect(),
                values: values.collect(),
            };
            match run(subject, &state) {
                Ok(after) => {
                    return Plenty::Ends {
                        before: state.before,
                        after,
                    };
                }
                Err((id, Failure::SameAccount { .. })) => return Plenty::SameAccount(id),
                Err(_) => {}
            }
        }
    }
    Plenty::Stopped
}

fn is_flag(batch: &Batch, place: PlaceId) -> bool {
    let field = batch
        .places
        .get(place.0 as usize)
        .map(|(_, field)| usize::from(field.0));
    matches!(
        field.and_then(|field| batch.fields.get(field)),
        Some(Field::Bool(_))
    )
}

/// Runs the batch serially; gives the values of all places afterwards.
fn run(subject: BatchSubject<'_>, state: &ChainState) -> Result<Vec<i128>, (TransactionId, Failure)> {
    let filled;
    let batch = if state.values.is_empty() {
        subject.batch
    } else {
        filled = with_values(subject.batch, state);
        &filled
    };
    let mut values = state.before.clone();
    let mut evaluator = Evaluator::default();
    let mut before = Vec::new();
    for id in subject.order {
        let malformed = || (*id, Failure::Malformed);
        let view = batch.transaction(*id).ok_or_else(malformed)?;
        let place = |n: usize| {
            let column = view.group.places.get(n)?;
            column.get(view.row).map(|place| place.0 as usize)
        };
        before.clear();
        for n in 0..view.group.places.len() {
            let value = place(n).and_then(|place| values.get(place));
            before.push(*value.ok_or_else(malformed)?);
        }
        let after = evaluator
            .execute(view, &before)
            .map_err(|failure| (*id, failure))?;
        for effect in &view.intent.effects {
            let slot = usize::from(effect.slot.0);
            let new = after.get(slot).ok_or_else(malformed)?;
            let cell = place(slot).and_then(|place| values.get_mut(place));
            *cell.ok_or_else(malformed)? = *new;
        }
    }
    Ok(values)
}

fn with_values(batch: &Batch, state: &ChainState) -> Batch {
    let mut batch = batch.clone();
    for ((group, n), value) in &state.values {
        let group = batch.groups.get_mut(*group as usize);
        if let Some(column) = group.and_then(|group| group.values.get_mut(usize::from(*n))) {
            *column = match value {
                Value::Bool(flag) => ValueColumn::Bool(Column::Same(*flag)),
                Value::Number(Rational::Int(whole))
                    if matches!(column, ValueColumn::Whole(_)) && in_range(*whole) =>
                {
                    ValueColumn::Whole(Wholes::Same(*whole))
                }
                Value::Number(number) => ValueColumn::Exact(Column::Same(number.clone())),
            };
        }
    }
    batch
}

fn gain(batch: &Batch, asset: AssetId, before: &[i128], after: &[i128]) -> Option<i128> {
    let mut gain = 0_i128;
    for (n, (before, after)) in before.iter().zip(after).enumerate() {
        if batch.asset_of(PlaceId(n as u32)) == Some(asset) {
            gain = gain.checked_add(after.checked_sub(*before)?)?;
        }
    }
    Some(gain)
}
