//! The lemma of sums: *the intent is these forms*.
//!
//! For all states and arguments each slot that the intent defines changes by its form, and everything that must hold,
//! but for range and overdraft of the new values, holds exactly when every bound, test and range of the forms does. It is
//! what lets a run of such intents be computed and checked by loops over columns.

use super::terms::{Alone, Negation, alone, signs};
use crate::encode::{Claim, Term};
use crate::joined::{all_of, sum_of};
use crate::number::{Malformed, Number, numeral};
use crate::shape::Shape;
use aethel_ir::access::{Form, Linear, Test};
use aethel_ir::{MAX_MINOR_UNITS, Site, Slot};
use num_bigint::BigInt;
use z3::ast::{Bool, Int};

/// What contradicts itself when the forms are the shape.
pub fn negation(shape: &Shape, linear: &Linear) -> Result<Negation, Malformed> {
    let Alone {
        values,
        before,
        encoded,
    } = alone(shape)?;
    let forms = Forms {
        shape,
        values: &values,
        before: &before,
    };
    let mut changes = Vec::new();
    for (slot, form) in &linear.deltas {
        let (old, new) = (forms.slot(*slot)?, encoded.after.get(usize::from(slot.0)));
        changes.push((old + forms.at(form)?).eq(new.ok_or(Malformed)?));
    }
    // Every effect has a form.
    changes.push(Bool::from_bool(linear.deltas.len() == shape.intent.effects.len()));
    let must = encoded.obligations.into_iter().filter(|one| {
        !matches!(
            one.claim,
            Claim::InRange(Site::Effect(_)) | Claim::NotOverdrawn(_)
        )
    });
    let must: Vec<Bool> = must.map(|one| one.formula).collect();
    changes.push(all_of(&must).iff(all_of(&forms.all_hold(linear)?)));
    let mut assertions = signs(shape, &values);
    assertions.push(!all_of(&changes));
    Ok(Negation {
        definitions: encoded.definitions,
        assertions,
    })
}

/// Its name, and what it says.
pub fn words(shape: &Shape) -> (String, String) {
    (
        format!("sums of {}", super::short(shape)),
        "for all states and arguments: each slot changes by the sum of the text, and everything that must hold, but for \
         range and overdraft of the new values, holds exactly when the comparisons of sums in the text do"
            .to_owned(),
    )
}

/// The forms of a shape with the constants of its instance in them; `None` when a number is too large.
pub fn of_instance(shape: &Shape, linear: &Linear) -> Option<Linear> {
    let own = shape.intent.values.len() - shape.constants.len();
    let known = |form: &Form| {
        let mut known = Form {
            slots: form.slots.clone(),
            constant: form.constant,
            values: Vec::new(),
        };
        for (n, factor) in &form.values {
            match usize::from(*n).checked_sub(own) {
                None => known.values.push((*n, *factor)),
                Some(lifted) => {
                    let term = shape.constants.get(lifted)?.checked_mul(*factor)?;
                    known.constant = known.constant.checked_add(term)?;
                }
            }
        }
        Some(known)
    };
    let deltas = linear
        .deltas
        .iter()
        .map(|(slot, form)| Some((*slot, known(form)?)));
    let bounds = linear.bounds.iter();
    let bounds = bounds.map(|(slot, form, bounded)| Some((*slot, known(form)?, *bounded)));
    let tests = linear.tests.iter();
    let tests = tests.map(|(form, test, bounded)| Some((known(form)?, *test, *bounded)));
    Some(Linear {
        deltas: deltas.collect::<Option<_>>()?,
        bounds: bounds.collect::<Option<_>>()?,
        tests: tests.collect::<Option<_>>()?,
        ranges: linear.ranges.iter().map(known).collect::<Option<_>>()?,
    })
}

/// Forms as terms.
struct Forms<'a> {
    shape: &'a Shape,
    values: &'a [Term],
    before: &'a [Int],
}

impl Forms<'_> {
    fn slot(&self, slot: Slot) -> Result<&Int, Malformed> {
        self.before.get(usize::from(slot.0)).ok_or(Malformed)
    }

    fn at(&self, form: &Form) -> Result<Int, Malformed> {
        let number = |n: i128| numeral(&BigInt::from(n));
        let mut terms = vec![number(form.constant)];
        for (n, factor) in &form.values {
            let Some(Term::Number(Number::Ratio(value, _))) = self.values.get(usize::from(*n)) else {
                return Err(Malformed);
            };
            terms.push(value * number(*factor));
        }
        for (slot, factor) in &form.slots {
            terms.push(self.slot(*slot)? * number(*factor));
        }
        Ok(sum_of(&terms))
    }

    /// Whether a condition is tested at all.
    fn tested(&self, if_bounded: Option<Slot>) -> Result<bool, Malformed> {
        match if_bounded {
            None => Ok(true),
            Some(slot) => {
                let slot = self.shape.slots.get(usize::from(slot.0));
                Ok(slot.ok_or(Malformed)?.bounded)
            }
        }
    }

    fn all_hold(&self, linear: &Linear) -> Result<Vec<Bool>, Malformed> {
        let mut all = Vec::new();
        for (slot, least, if_bounded) in &linear.bounds {
            if self.tested(*if_bounded)? {
                all.push(self.slot(*slot)?.ge(self.at(least)?));
            }
        }
        let zero = Int::from_i64(0);
        for (form, test, if_bounded) in &linear.tests {
            if self.tested(*if_bounded)? {
                let value = self.at(form)?;
                all.push(match test {
                    Test::AtLeastZero => value.ge(&zero),
                    Test::Zero => value.eq(&zero),
                    Test::NotZero => value.ne(&zero),
                });
            }
        }
        let max = numeral(&BigInt::from(MAX_MINOR_UNITS));
        for form in &linear.ranges {
            let value = self.at(form)?;
            all.extend([value.le(&max), value.ge(-&max)]);
        }
        Ok(all)
    }
}
