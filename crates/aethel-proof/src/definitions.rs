//! What fresh constants stand for.

use crate::number::Number;
use aethel_ir::RoundMode;
use std::cmp::Ordering;
use std::collections::HashMap;
use z3::ast::{Bool, Int};

/// What a fresh constant is the result of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Made {
    /// The nearest whole number.
    Round(RoundMode, Number),
    /// A quotient by an unknown divisor.
    Quotient(Number, Number),
    /// The whole part of a quotient, for its remainder.
    Whole(Number, Number),
    /// A product of two unknowns.
    Product(Number, Number),
}

/// Definitions of fresh constants. Each has a solution for all values of what it mentions, so assuming them loses
/// nothing.
///
/// The same operation on the same terms is the same constant: a fee that is subtracted here and added there is one
/// number, without Z3 having to find that out.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    formulas: Vec<Bool>,
    /// Products of two unknowns: both factors, the product, and that it is one.
    products: Vec<([Number; 3], Bool)>,
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

    /// Defines a product of two unknowns by a constant.
    pub fn define_product(&mut self, made: Made, constant: Number, formula: Bool) {
        if let Made::Product(a, b) = &made {
            self.products
                .push(([a.clone(), b.clone(), constant.clone()], formula));
        }
        self.known.insert(made, constant);
    }

    /// Whether there are products of two unknowns.
    pub fn multiply(&self) -> bool {
        !self.products.is_empty()
    }

    /// All of them, but of a product only its sign and that a factor between zero and one makes nothing larger. What
    /// follows from this holds for the product too, and is quicker to prove.
    pub fn abstracted(&self) -> Vec<Bool> {
        let mut all = self.formulas.clone();
        let (zero, one) = (Number::whole(Int::from_i64(0)), Number::whole(Int::from_i64(1)));
        for ([a, b, product], _) in &self.products {
            let [above, below] = [Ordering::is_gt, Ordering::is_lt]
                .map(|test: fn(Ordering) -> bool| [a, b, product].map(|number| number.compare(&zero, test)));
            let same = (&above[0] & &above[1]) | (&below[0] & &below[1]);
            let opposite = (&above[0] & &below[1]) | (&below[0] & &above[1]);
            all.push(same.eq(&above[2]));
            all.push(opposite.eq(&below[2]));
            for (factor, size) in [(a, b), (b, a)] {
                let shrinks = [
                    factor.compare(&zero, Ordering::is_ge),
                    factor.compare(&one, Ordering::is_le),
                    size.compare(&zero, Ordering::is_ge),
                ];
                all.push(Bool::and(&shrinks).implies(product.compare(size, Ordering::is_le)));
            }
        }
        all
    }
}

impl IntoIterator for Definitions {
    type Item = Bool;
    type IntoIter = std::vec::IntoIter<Bool>;

    /// All of them, exactly.
    fn into_iter(self) -> Self::IntoIter {
        let mut all = self.formulas;
        all.extend(self.products.into_iter().map(|(_, formula)| formula));
        all.into_iter()
    }
}
