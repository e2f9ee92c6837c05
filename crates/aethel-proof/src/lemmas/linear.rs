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
    let negated_goals: Option<Vec<Inequality>> = goals.iter().map(negated).collect();
    let negated_goals = negated_goals.ok_or("a bound that is too large")?;
    let found = multipliers(session, variables.len(), &hypotheses, &negated_goals)?;
    let goals = negated_goals.into_iter().zip(found);
    let lemma = LinearLemma {
        variables,
        hypotheses,
        goals: goals
            .map(|(negated_goal, multipliers)| Refutation {
                negated_goal,
                multipliers,
            })
            .collect(),
    };
    // Checked where it is made, as it will be wherever it is used.
    lemma.check().map_err(|error| error.to_string())?;
    Ok(lemma)
}

/// Asks for the multipliers of all goals at once: one query costs more than what is in it.
fn multipliers(
    session: &Session,
    variables: usize,
    hypotheses: &[Inequality],
    negated_goals: &[Inequality],
) -> Result<Vec<Vec<Rational>>, String> {
    let mut assertions = Vec::new();
    let mut unknowns = Vec::with_capacity(negated_goals.len());
    for (n, goal) in negated_goals.iter().enumerate() {
        let system: Vec<&Inequality> = hypotheses.iter().chain([goal]).collect();
        let of_goal: Vec<Real> = (0..system.len())
            .map(|m| Real::new_const(format!("m{n}_{m}")))
            .collect();
        assertions.extend(contradiction(variables, &system, &of_goal));
        unknowns.push(of_goal);
    }
    match session.check(&assertions) {
        Answer::Sat(model) => {
            let values = |of_goal: &Vec<Real>| {
                let values = of_goal.iter().map(|multiplier| value(&model, multiplier));
                values.collect::<Option<Vec<Rational>>>()
            };
            let found: Option<Vec<_>> = unknowns.iter().map(values).collect();
            found.ok_or_else(|| "multipliers that are too large".to_owned())
        }
        Answer::Unsat => Err("no multipliers prove it".to_owned()),
        Answer::Unknown(reason) => Err(reason),
    }
}

/// That no multiplier is negative, the left sides cancel, and the right sides add up to more than zero.
fn contradiction(variables: usize, system: &[&Inequality], multipliers: &[Real]) -> Vec<Bool> {
    let real = |value: i128| numeral(&BigInt::from(value)).to_real();
    let mut assertions: Vec<Bool> = multipliers.iter().map(|m| m.ge(real(0))).collect();
    let mut sums = vec![vec![real(0)]; variables];
    let mut right = vec![real(0)];
    for (inequality, multiplier) in system.iter().zip(multipliers) {
        for (variable, factor) in &inequality.terms {
            if let Some(sum) = sums.get_mut(usize::from(*variable)) {
                sum.push(multiplier * real(*factor));
            }
        }
        right.push(multiplier * real(inequality.bound));
    }
    assertions.extend(sums.iter().map(|sum| Real::add(sum).eq(real(0))));
    assertions.push(Real::add(&right).ge(real(1)));
    assertions
}

fn value(model: &Model, multiplier: &Real) -> Option<Rational> {
    let (numerator, denominator) = model.eval(multiplier, true)?.as_rational()?;
    Rational::Int(numerator.into())
        .div(&Rational::Int(denominator.into()))
        .ok()
}
