//! Multipliers for linear lemmas, as a model of the dual system.

use crate::number::numeral;
use crate::solver::{Answer, Session};
use aethel_certificate::{Inequality, LinearLemma, Refutation};
use aethel_ir::Rational;
use num_bigint::BigInt;
use z3::Model;
use z3::ast::{Bool, Real};

/// `sum of factor * variable >= bound`.
pub fn at_least(terms: &[(u16, i128)], bound: i128) -> Inequality {
    Inequality {
        terms: terms.to_vec(),
        bound,
    }
}

/// What holds of integers when an inequality does not; `None` when its numbers are too large to be negated.
fn negated(goal: &Inequality) -> Option<Inequality> {
    let terms = goal
        .terms
        .iter()
        .map(|(n, factor)| Some((*n, factor.checked_neg()?)));
    Some(Inequality {
        terms: terms.collect::<Option<_>>()?,
        bound: 1_i128.checked_sub(goal.bound)?,
    })
}

/// Proves that the goals follow from the hypotheses over the rationals.
///
/// # Errors
/// Why there is no proof: there is none of this kind, or Z3 did not find it.
pub fn prove(
    session: &Session,
    variables: Vec<String>,
    hypotheses: Vec<Inequality>,
    goals: &[Inequality],
) -> Result<LinearLemma, String> {
    let mut lemma = LinearLemma {
        variables,
        hypotheses,
        goals: Vec::with_capacity(goals.len()),
    };
    for goal in goals {
        let negated_goal = negated(goal).ok_or("a bound that is too large")?;
        let system: Vec<&Inequality> = lemma.hypotheses.iter().chain([&negated_goal]).collect();
        let multipliers = multipliers(session, lemma.variables.len(), &system)?;
        lemma.goals.push(Refutation {
            negated_goal,
            multipliers,
        });
    }
    // Checked where it is made, as it will be wherever it is used.
    lemma.check().map_err(|error| error.to_string())?;
    Ok(lemma)
}

fn multipliers(session: &Session, variables: usize, system: &[&Inequality]) -> Result<Vec<Rational>, String> {
    let real = |value: i128| numeral(&BigInt::from(value)).to_real();
    let unknowns: Vec<Real> = (0..system.len())
        .map(|n| Real::new_const(format!("m{n}")))
        .collect();
    let mut assertions: Vec<Bool> = unknowns.iter().map(|m| m.ge(real(0))).collect();
    let mut sums = vec![vec![real(0)]; variables];
    let mut right = vec![real(0)];
    for (inequality, multiplier) in system.iter().zip(&unknowns) {
        for (variable, factor) in &inequality.terms {
            if let Some(sum) = sums.get_mut(usize::from(*variable)) {
                sum.push(multiplier * real(*factor));
            }
        }
        right.push(multiplier * real(inequality.bound));
    }
    assertions.extend(sums.iter().map(|sum| Real::add(sum).eq(real(0))));
    assertions.push(Real::add(&right).ge(real(1)));
    match session.check(&assertions) {
        Answer::Sat(model) => (unknowns.iter())
            .map(|multiplier| value(&model, multiplier))
            .collect::<Option<_>>()
            .ok_or_else(|| "multipliers that are too large".to_owned()),
        Answer::Unsat => Err("no multipliers prove it".to_owned()),
        Answer::Unknown(reason) => Err(reason),
    }
}

fn value(model: &Model, multiplier: &Real) -> Option<Rational> {
    let (numerator, denominator) = model.eval(multiplier, true)?.as_rational()?;
    Rational::Int(numerator.into())
        .div(&Rational::Int(denominator.into()))
        .ok()
}
