//! Linear lemmas that need no solver to be believed: the multipliers that refute their negation.
//!
//! A lemma *hypotheses ⇒ goals* over integers is the refutation of *hypotheses and one goal false*, one system of
//! inequalities for each goal. A system is refuted by multipliers that are not negative: with them the left sides add
//! up to zero and the right sides to more than zero (Farkas). Checking that is a loop in exact arithmetic.
//!
//! [`LinearLemma::to_smt2`] is the only text of such a lemma: who reads it reads what was refuted.

use aethel_ir::Rational;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};

/// The most variables, hypotheses, goals, or terms of an inequality: checking stays quick whatever a file holds.
const MAX_SIZE: usize = 256;

/// `sum of coefficient * variable >= bound`, over the variables of its lemma.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inequality {
    /// Variables, as indices into [`LinearLemma::variables`], and their coefficients.
    pub terms: Vec<(u16, i128)>,
    /// The right side.
    pub bound: i128,
}

/// The negation of a goal, and why it contradicts the hypotheses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refutation {
    /// What holds when the goal does not.
    pub negated_goal: Inequality,
    /// For each hypothesis and then for the negated goal, what it is multiplied by; none is negative.
    pub multipliers: Vec<Rational>,
}

/// A linear lemma over integers with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinearLemma {
    /// The names of the integer variables, simple SMT-LIB symbols.
    pub variables: Vec<String>,
    /// What is assumed.
    pub hypotheses: Vec<Inequality>,
    /// The goals, all of which follow.
    pub goals: Vec<Refutation>,
}

/// Why multipliers do not refute a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FarkasError {
    /// There is nothing to refute.
    NoGoal,
    /// More than 256 variables, hypotheses, goals or terms.
    TooLarge,
    /// A name that is no simple symbol, or that occurs twice.
    Variable(usize),
    /// An inequality over a variable that is not declared.
    UnknownVariable(u16),
    /// Goal n has not one multiplier for each inequality.
    Count(usize),
    /// A multiplier of goal n is negative.
    Negative(usize),
    /// The left sides of goal n do not add up to zero.
    LeftSide(usize),
    /// The right sides of goal n do not add up to more than zero.
    RightSide(usize),
    /// The numbers of goal n are wider than exact arithmetic goes here.
    TooWide(usize),
}

impl fmt::Display for FarkasError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGoal => write!(f, "it has no goal"),
            Self::TooLarge => write!(f, "it has more than {MAX_SIZE} parts of a kind"),
            Self::Variable(n) => write!(f, "variable {} has no name of its own", n + 1),
            Self::UnknownVariable(n) => write!(f, "it names variable {n}, which is not declared"),
            Self::Count(n) => write!(f, "goal {} has not one multiplier for each inequality", n + 1),
            Self::Negative(n) => write!(f, "goal {} has a negative multiplier", n + 1),
            Self::LeftSide(n) => write!(f, "the left sides of goal {} do not cancel", n + 1),
            Self::RightSide(n) => write!(f, "the right sides of goal {} are no contradiction", n + 1),
            Self::TooWide(n) => write!(f, "the numbers of goal {} are too wide", n + 1),
        }
    }
}

impl std::error::Error for FarkasError {}

impl LinearLemma {
    /// Checks that every goal follows from the hypotheses.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<(), FarkasError> {
        if self.goals.is_empty() {
            return Err(FarkasError::NoGoal);
        }
        let inequalities = self.hypotheses.iter();
        let inequalities = inequalities.chain(self.goals.iter().map(|goal| &goal.negated_goal));
        let lengths = [self.variables.len(), self.hypotheses.len(), self.goals.len()];
        let mut lengths = lengths.into_iter().chain(inequalities.map(|one| one.terms.len()));
        if lengths.any(|length| length > MAX_SIZE) {
            return Err(FarkasError::TooLarge);
        }
        for (n, name) in self.variables.iter().enumerate() {
            if !is_simple_symbol(name) || self.variables[..n].contains(name) {
                return Err(FarkasError::Variable(n));
            }
        }
        for (n, goal) in self.goals.iter().enumerate() {
            self.check_goal(n, goal)?;
        }
        Ok(())
    }

    fn check_goal(&self, n: usize, goal: &Refutation) -> Result<(), FarkasError> {
        if goal.multipliers.len() != self.hypotheses.len() + 1 {
            return Err(FarkasError::Count(n));
        }
        let too_wide = |_| FarkasError::TooWide(n);
        let mut left = vec![Rational::ZERO; self.variables.len()];
        let mut right = Rational::ZERO;
        let system = self.hypotheses.iter().chain([&goal.negated_goal]);
        for (inequality, multiplier) in system.zip(&goal.multipliers) {
            if multiplier.signum() < 0 {
                return Err(FarkasError::Negative(n));
            }
            for (variable, coefficient) in &inequality.terms {
                let sum = left.get_mut(usize::from(*variable));
                let sum = sum.ok_or(FarkasError::UnknownVariable(*variable))?;
                let term = multiplier.mul(&Rational::Int(*coefficient)).map_err(too_wide)?;
                *sum = sum.add(&term).map_err(too_wide)?;
            }
            let bound = multiplier
                .mul(&Rational::Int(inequality.bound))
                .map_err(too_wide)?;
            right = right.add(&bound).map_err(too_wide)?;
        }
        if left.iter().any(|sum| !sum.is_zero()) {
            return Err(FarkasError::LeftSide(n));
        }
        if right.signum() <= 0 {
            return Err(FarkasError::RightSide(n));
        }
        Ok(())
    }

    /// The lemma as an SMT-LIB 2 script: hypotheses, and that one of the goals is false.
    pub fn to_smt2(&self) -> String {
        let mut text = String::from("(set-logic QF_LIA)\n(set-info :status unsat)\n");
        // Writing into a string cannot fail.
        for name in &self.variables {
            let _ = writeln!(text, "(declare-fun {name} () Int)");
        }
        for hypothesis in &self.hypotheses {
            let _ = writeln!(text, "(assert {})", self.inequality(hypothesis));
        }
        let goals: Vec<String> = self
            .goals
            .iter()
            .map(|goal| self.inequality(&goal.negated_goal))
            .collect();
        let negated = match goals.as_slice() {
            [one] => one.clone(),
            several => format!("(or\n  {})", several.join("\n  ")),
        };
        let _ = writeln!(text, "(assert {negated})\n(check-sat)");
        text
    }

    fn inequality(&self, inequality: &Inequality) -> String {
        let name = |n: &u16| self.variables.get(usize::from(*n)).map_or("?", String::as_str);
        let terms: Vec<String> = inequality
            .terms
            .iter()
            .map(|(variable, coefficient)| match coefficient {
                1 => name(variable).to_owned(),
                -1 => format!("(- {})", name(variable)),
                other => format!("(* {} {})", numeral(*other), name(variable)),
            })
            .collect();
        let sum = match terms.as_slice() {
            [] => "0".to_owned(),
            [one] => one.clone(),
            several => format!("(+ {})", several.join(" ")),
        };
        format!("(>= {sum} {})", numeral(inequality.bound))
    }
}

/// SMT-LIB has no negative numerals.
fn numeral(value: i128) -> String {
    if value < 0 {
        format!("(- {})", value.unsigned_abs())
    } else {
        value.to_string()
    }
}

fn is_simple_symbol(name: &str) -> bool {
    !name.is_empty()
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 64
        && !matches!(
            name,
            "assert" | "let" | "or" | "and" | "not" | "as" | "par" | "exists" | "forall" | "match"
        )
}
