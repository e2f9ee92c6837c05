//! What fresh constants stand for.

use crate::number::Number;
use aethel_ir::RoundMode;
use std::collections::HashMap;
use z3::ast::Bool;

/// What a fresh constant is the result of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Made {
    /// The nearest whole number.
    Round(RoundMode, Number),
    /// A quotient by an unknown divisor.
    Quotient(Number, Number),
    /// The whole part of a quotient, for its remainder.
    Whole(Number, Number),
}

/// Definitions of fresh constants. Each has a solution for all values of what it mentions, so assuming them loses
/// nothing.
///
/// The same operation on the same terms is the same constant: a fee that is subtracted here and added there is one
/// number, without Z3 having to find that out.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    formulas: Vec<Bool>,
    known: HashMap<Made, Number>,
}

impl Definitions {
    /// Adds a definition.
    pub fn push(&mut self, formula: Bool) {
        self.formulas.push(formula);
    }

    /// The constant for a result that is defined already.
    pub fn known(&self, made: &Made) -> Option<&Number> {
        self.known.get(made)
    }

    /// Defines a result by a constant.
    pub fn define(&mut self, made: Made, constant: Number, formulas: impl IntoIterator<Item = Bool>) {
        self.formulas.extend(formulas);
        self.known.insert(made, constant);
    }
}

impl IntoIterator for Definitions {
    type Item = Bool;
    type IntoIter = std::vec::IntoIter<Bool>;

    fn into_iter(self) -> Self::IntoIter {
        self.formulas.into_iter()
    }
}
