//! Concrete states: out of a model, made small, and held against the evaluator.

use super::subject::{State, Subject};
use super::terms::{Duty, Terms};
use crate::encode::{Claim, Term};
use crate::number::Number;
use crate::shape::SlotField;
use crate::words;
use aethel_ir::{AssetId, Expr, Failure, Rational, RoundMode, Type, Value};
use z3::Model;
use z3::ast::Bool;

/// Bounds on every number of an example, tried in turn: in minor units first, then in the units that people see.
pub const BOUNDS: [Bound; 7] = [
    Bound::Minor(10),
    Bound::Units(1),
    Bound::Units(10),
    Bound::Units(100),
    Bound::Units(1000),
    Bound::Units(1_000_000),
    Bound::None,
];

/// How large the numbers of an example may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// So many of the smallest units.
    Minor(u32),
    /// So many units.
    Units(u32),
    /// Any number in range.
    None,
}

impl Bound {
    /// As the largest value of a type.
    fn of(self, subject: &Subject, ty: Type) -> Option<Rational> {
        let scale = |asset: AssetId| {
            let asset = subject.batch().assets.get(usize::from(asset.0));
            asset.map_or(0, |asset| i32::from(asset.scale))
        };
        let (count, units) = match self {
            Bound::Minor(count) => (count, false),
            Bound::Units(count) => (count, true),
            Bound::None => return None,
        };
        let exponent = match ty {
            Type::Amount(asset) if units => scale(asset),
            Type::Price(base, quote) => scale(quote) - scale(base),
            _ => 0,
        };
        Rational::Int(count.into())
            .mul(&Rational::power_of_ten(exponent))
            .ok()
    }

    /// As premises.
    pub fn premises(self, subject: &Subject, terms: &Terms) -> Vec<Bool> {
        let mut all = Vec::new();
        let mut limit = |number: &Number, ty: Type| {
            let Some(bound) = self
                .of(subject, ty)
                .and_then(|bound| Number::constant(&bound).ok())
            else {
                return;
            };
            all.push(number.compare(&bound, std::cmp::Ordering::is_le));
            all.push(number.compare(&bound.neg(), std::cmp::Ordering::is_ge));
        };
        for (term, slot) in terms.before.iter().zip(subject.slots()) {
            match slot.field {
                SlotField::Balance(asset) => limit(&Number::whole(term.clone()), Type::Amount(asset)),
                SlotField::Integer => limit(&Number::whole(term.clone()), Type::Integer),
                SlotField::Bool => {}
            }
        }
        for (term, parameter) in terms.values.iter().zip(&subject.intent().values) {
            if let Term::Number(number) = term {
                limit(number, parameter.ty);
            }
        }
        all
    }
}

/// The state of a model; `None` when a number of it is no fraction that fits.
pub fn of_model(subject: &Subject, terms: &Terms, model: &Model) -> Option<State> {
    let before = terms.before.iter().map(|term| model.eval(term, true)?.as_i128());
    let values = terms
        .values
        .iter()
        .zip(&subject.intent().values)
        .map(|(term, parameter)| match term {
            Term::Bool(flag) => model.eval(flag, true)?.as_bool().map(Value::Bool),
            Term::Number(Number::Real(term)) if !parameter.ty.is_whole() => {
                let term = model.eval(term, true)?;
                words::fraction(&term).map(Value::Number)
            }
            Term::Number(number) => words::value(number, model).map(Value::Number),
        });
    Some(State {
        before: before.collect::<Option<_>>()?,
        values: values.collect::<Option<_>>()?,
    })
}

/// Whether the evaluator, from this state, shows that a duty is not met.
pub fn shows(subject: &Subject, duty: Duty, state: &State) -> bool {
    let failure = match subject.run(state) {
        Ok(after) => {
            return matches!(duty, Duty::Conserves(asset) if gain(subject, asset, state, &after) != Some(0));
        }
        Err(failure) => failure,
    };
    match (duty, failure) {
        (Duty::Claim(Claim::Divisor(at)), Failure::DivisionByZero(found)) => at == found,
        (Duty::Claim(Claim::Whole(at)), Failure::Inexact { site, .. })
        | (Duty::Claim(Claim::InRange(at)), Failure::Overflow { site }) => at == site,
        (Duty::Claim(Claim::NotOverdrawn(n)), Failure::Overdraft { effect, .. }) => n == effect,
        (Duty::Claim(Claim::Postcondition(n)), Failure::Postcondition(found)) => n == found,
        _ => false,
    }
}

/// By how much an asset grows, in minor units.
pub fn gain(subject: &Subject, asset: AssetId, state: &State, after: &[i128]) -> Option<i128> {
    let mut gain = 0_i128;
    for ((slot, before), after) in subject.slots().iter().zip(&state.before).zip(after) {
        if slot.field == SlotField::Balance(asset) {
            gain = gain.checked_add(after.checked_sub(*before)?)?;
        }
    }
    Some(gain)
}

/// Makes the numbers of a state smaller and rounder as long as `holds` says that it still is an example.
pub fn shrink(subject: &Subject, mut state: State, holds: impl Fn(&State) -> bool) -> State {
    let unit = |ty: Type| Bound::Units(1).of(subject, ty).unwrap_or(Rational::ONE);
    // Each round either makes something smaller or is the last.
    for _ in 0..SHRINK_ROUNDS {
        let start = state.clone();
        for n in 0..state.values.len() {
            let Some(parameter) = subject.intent().values.get(n) else {
                continue;
            };
            for candidate in smaller(&state.values[n], &unit(parameter.ty), parameter.ty.is_whole()) {
                let mut next = state.clone();
                next.values[n] = candidate;
                if subject.admits(&next) && holds(&next) {
                    state = next;
                    break;
                }
            }
        }
        for n in 0..state.before.len() {
            let ty = match subject.slots().get(n).map(|slot| slot.field) {
                Some(SlotField::Balance(asset)) => Type::Amount(asset),
                _ => Type::Integer,
            };
            let value = Value::Number(Rational::Int(state.before[n]));
            for candidate in smaller(&value, &unit(ty), true) {
                let Value::Number(Rational::Int(candidate)) = candidate else {
                    continue;
                };
                let mut next = state.clone();
                next.before[n] = candidate;
                if subject.admits(&next) && holds(&next) {
                    state = next;
                    break;
                }
            }
        }
        if state == start {
            break;
        }
    }
    state
}

/// Halving 2^120 down to nothing takes 120 rounds.
const SHRINK_ROUNDS: usize = 200;

/// Whole numbers up to this are all tried.
const SMALL: i128 = 10;

/// Values that are nearer to zero or shorter to write, the best first.
fn smaller(value: &Value, unit: &Rational, whole: bool) -> Vec<Value> {
    let number = match value {
        Value::Bool(true) => return vec![Value::Bool(false)],
        Value::Bool(false) => return Vec::new(),
        Value::Number(number) => number,
    };
    let size = |number: &Rational| {
        if number.signum() < 0 {
            number.neg().unwrap_or(Rational::ZERO)
        } else {
            number.clone()
        }
    };
    let mut all = vec![Rational::ZERO, unit.clone()];
    all.extend(unit.neg());
    all.extend((1..=SMALL).flat_map(|n| [Rational::Int(n), Rational::Int(-n)]));
    if whole {
        all.extend(
            number
                .div(&Rational::Int(2))
                .map(|half| half.round(RoundMode::Down)),
        );
    } else {
        // The half and the tenth of a unit, then what is left to the nearest half.
        for part in [2, 10, 100] {
            all.extend(unit.div(&Rational::Int(part)));
        }
        all.extend(
            number
                .div(unit)
                .and_then(|units| units.round(RoundMode::Down).mul(unit)),
        );
    }
    let own = size(number);
    all.into_iter()
        .filter(|candidate| size(candidate) < own)
        .map(Value::Number)
        .collect()
}

/// What a few likely states show of an intent.
pub struct Seen {
    /// In one of them it goes through.
    pub alive: bool,
    /// For each condition of the guard, whether it alone fails in one of them, or is never tested.
    pub needed: Vec<bool>,
}

/// Looks at an intent in a few likely states, so that Z3 need not be asked for most.
pub fn look(subject: &Subject) -> Seen {
    let guard = &subject.intent().guard;
    let bounded = |slot: aethel_ir::Slot| {
        subject
            .slots()
            .get(usize::from(slot.0))
            .is_some_and(|one| one.bounded)
    };
    let tested = guard
        .iter()
        .map(|condition| condition.if_bounded.is_none_or(bounded));
    let tested: Vec<bool> = tested.collect();
    let mut seen = Seen {
        alive: false,
        needed: tested.iter().map(|tested| !tested).collect(),
    };
    for state in likely(subject).filter(|state| subject.admits(state)) {
        if seen.alive && seen.needed.iter().all(|needed| *needed) {
            break; // There is nothing left to see.
        }
        let (alive, values) = subject.with(&state, |view, evaluator| {
            let alive = seen.alive || evaluator.execute(view, &state.before).is_ok();
            let value = |condition: &aethel_ir::Condition| {
                evaluator.show(view, &state.before, &state.before, condition.expr)
            };
            (alive, guard.iter().map(value).collect::<Vec<Option<Value>>>())
        });
        seen.alive = alive;
        let holds = |n: usize| !tested[n] || values[n] == Some(Value::Bool(true));
        let mut failing = (0..guard.len()).filter(|n| !holds(*n));
        if let (Some(n), None) = (failing.next(), failing.next())
            && values[n] == Some(Value::Bool(false))
        {
            seen.needed[n] = true;
        }
    }
    seen
}

/// States of which one usually lets an ordinary intent through, and others that usually fail for one reason.
pub fn likely(subject: &Subject) -> impl Iterator<Item = State> + '_ {
    // What the intent compares an argument with is often the argument that it wants.
    let constants = subject.intent().nodes.iter().filter_map(|node| match &node.expr {
        Expr::Number(number) if node.ty.is_whole() => Some((node.ty, number)),
        _ => None,
    });
    let constants = constants.take(CONSTANTS).flat_map(|(ty, number)| {
        let with = |n: usize| (n, ty, number);
        [with(0), with(LIKELY / 2)]
    });
    let constants = constants.map(|(n, ty, number)| {
        let mut state = likely_state(subject, n);
        for (value, parameter) in state.values.iter_mut().zip(&subject.intent().values) {
            if parameter.ty == ty {
                *value = Value::Number(number.clone());
            }
        }
        state
    });
    (0..LIKELY).map(|n| likely_state(subject, n)).chain(constants)
}

const LIKELY: usize = 12;

/// How many constants of an intent are tried.
const CONSTANTS: usize = 4;

fn likely_state(subject: &Subject, n: usize) -> State {
    // In units: plenty of everything first, then amounts of another size, then none at all.
    const VALUES: [i128; 6] = [1, 100, 2000, 0, 1_000_000, -1];
    let flag = n < VALUES.len();
    let count = VALUES[n % VALUES.len()];
    let plenty = if flag { 1_000_000_000_000 } else { 0 };
    let units = |ty: Type, count: i128| {
        let one = Bound::Units(1).of(subject, ty).unwrap_or(Rational::ONE);
        one.mul(&Rational::Int(count)).unwrap_or(Rational::ZERO)
    };
    let before = subject.slots().iter().map(|slot| match slot.field {
        SlotField::Balance(asset) => units(Type::Amount(asset), plenty).to_i128().unwrap_or(0),
        SlotField::Integer => 0,
        SlotField::Bool => (!flag).into(),
    });
    let values = subject
        .intent()
        .values
        .iter()
        .map(|parameter| match parameter.ty {
            Type::Bool => Value::Bool(flag),
            Type::Time => Value::Number(Rational::Int(1_700_000_000)),
            Type::Number => Value::Number(Rational::Int(count.min(1))),
            ty => Value::Number(units(ty, count)),
        });
    State {
        before: before.collect(),
        values: values.collect(),
    }
}

/// Many small states in a fixed sequence, to find an example where Z3 cannot.
pub fn many(subject: &Subject) -> impl Iterator<Item = State> + '_ {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move |below: u64| {
        // Knuth's linear congruential generator; only its high bits are good.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i128::from((seed >> 33) % below)
    };
    (0..MANY).map(move |_| {
        let size = [11, 101, 1001, 100_001][next(4) as usize];
        let mut whole = |unbounded: bool| {
            let value = next(size);
            if unbounded && next(4) == 0 { -value } else { value }
        };
        let before = (subject.slots().iter())
            .map(|slot| match slot.field {
                SlotField::Bool => whole(false) % 2,
                SlotField::Balance(_) if slot.bounded => {
                    whole(false) * [0, 1, 1000][whole(false) as usize % 3]
                }
                _ => whole(true),
            })
            .collect();
        let values = (subject.intent().values.iter())
            .map(|parameter| match parameter.ty {
                Type::Bool => Value::Bool(whole(false) % 2 == 1),
                ty if ty.is_whole() => Value::Number(Rational::Int(whole(true))),
                ty => {
                    let unit = Bound::Units(1).of(subject, ty).unwrap_or(Rational::ONE);
                    let hundredths = Rational::Int(
                        [5, 10, 25, 50, 95, 100, 110, 333, 700, 3000][whole(false) as usize % 10],
                    );
                    let value = hundredths
                        .div(&Rational::Int(100))
                        .and_then(|part| part.mul(&unit));
                    Value::Number(value.unwrap_or(Rational::ONE))
                }
            })
            .collect();
        State { before, values }
    })
}

const MANY: usize = 4000;
