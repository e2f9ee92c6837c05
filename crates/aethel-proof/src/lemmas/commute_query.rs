//! The claim that two transactions commute, as terms.

use super::commute::{Merged, Premise};
use super::terms::{arguments, signs, state};
use crate::check::terms::max;
use crate::definitions::Definitions;
use crate::encode::{Inputs, Term, encode_watching};
use crate::joined::{all_of, sum_of};
use crate::number::{Malformed, Number, numeral};
use crate::shape::SlotField;
use crate::words;
use aethel_ir::{AssetId, Type, Value};
use num_bigint::BigInt;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use z3::Model;
use z3::ast::{Bool, Int};

/// The claim's negation, and the terms it is about.
pub struct Query {
    pub negation: Vec<Bool>,
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
    pub fn new(merged: &Merged) -> Result<Self, Malformed> {
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
    pub fn candidates(&self, merged: &Merged) -> Vec<Premise> {
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

    pub fn premise(&self, premise: Premise) -> Option<Bool> {
        let values = self.values.get(usize::from(premise.of_second))?;
        match values.get(usize::from(premise.value))? {
            Term::Number(Number::Ratio(value, _)) => Some(value.ge(Int::from_i64(0))),
            _ => None,
        }
    }

    /// The lifted constants have the values of this instance.
    pub fn instance(&self, merged: &Merged) -> Vec<Bool> {
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
    pub fn within(&self, size: i128) -> Vec<Bool> {
        let size = numeral(&BigInt::from(size));
        self.before.iter().map(|value| value.le(&size)).collect()
    }

    /// The numbers of a model: arguments, places, and the supply elsewhere.
    #[allow(clippy::type_complexity, reason = "taken apart where it is used")]
    pub fn example(&self, model: &Model) -> Option<([Vec<Value>; 2], Vec<i128>, BTreeMap<AssetId, i128>)> {
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
