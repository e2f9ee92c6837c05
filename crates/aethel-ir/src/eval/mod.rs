//! The one evaluator: what a transaction does to the places it touches.
//!
//! The parallel executor, the serial replay and the certificate checker all call [`Evaluator::execute`]; there is no
//! second reading of guards and effects anywhere.

mod scope;
mod show;

pub use show::{field_type, show_value};

use crate::access::{Bound, ConditionRef};
use crate::batch::{AccountId, TransactionView};
use crate::intent::{Expr, ExprId, Intent, Slot};
use crate::money::in_range;
use crate::rational::Rational;
use scope::{Scope, arithmetic};

/// The value of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, in the unit of its type.
    Number(Rational),
    /// A truth value.
    Bool(bool),
}

/// Why a transaction does not go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Two account parameters are the same account, and the transaction writes it.
    SameAccount {
        /// The account.
        account: AccountId,
        /// The indices of the two parameters.
        parameters: (u16, u16),
    },
    /// Guard condition n is false.
    Guard(u16),
    /// Postcondition n is false.
    Postcondition(u16),
    /// A bounded balance would be below zero.
    Overdraft {
        /// The index of the effect.
        effect: u16,
        /// The balance it would have, in minor units.
        value: i128,
    },
    /// A value is beyond the range of amounts, or an intermediate one is too wide.
    Overflow {
        /// Where.
        site: Site,
    },
    /// A value that must be whole is not.
    Inexact {
        /// Where.
        site: Site,
        /// The value, in minor units where it is an amount.
        value: Rational,
    },
    /// A division (or remainder) by zero in this expression.
    DivisionByZero(ExprId),
    /// The intent is not well formed; only a hostile file can cause this.
    Malformed,
}

/// The part of an intent that a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// An expression.
    Expr(ExprId),
    /// Effect n.
    Effect(u16),
    /// Let n.
    Let(u16),
    /// The supply of the asset that effect n adds to.
    Supply(u16),
}

/// Evaluates transactions; keeps its buffers between them.
#[derive(Clone, Debug, Default)]
pub struct Evaluator {
    lets: Vec<Value>,
    after: Vec<i128>,
}

impl Evaluator {
    /// Runs one transaction: resolves its named values, tests its guard, computes its effects, checks that they are
    /// whole, in range and not overdrawn, and tests its postconditions.
    ///
    /// `before` holds the value of each slot (`intent.places`); the result holds the values after, in the same order.
    ///
    /// # Errors
    /// The first failure, in the order in which the language defines them.
    pub fn execute(&mut self, view: TransactionView<'_>, before: &[i128]) -> Result<&[i128], Failure> {
        let intent = view.intent;
        if before.len() != intent.places.len() {
            return Err(Failure::Malformed);
        }
        check_distinct(view)?;
        self.resolve_lets(view, before)?;
        let scope = Scope {
            view,
            before,
            after: before,
            lets: &self.lets,
        };
        for (index, condition) in intent.guard.iter().enumerate() {
            if !scope.holds(condition)? {
                return Err(Failure::Guard(index as u16));
            }
        }
        self.after.clear();
        self.after.extend_from_slice(before);
        for (index, effect) in intent.effects.iter().enumerate() {
            let value = scope.number(effect.value)?;
            let slot = usize::from(effect.slot.0);
            let new = check_effect(view, index as u16, effect.slot, value)?;
            *self.after.get_mut(slot).ok_or(Failure::Malformed)? = new;
        }
        let scope = Scope {
            view,
            before,
            after: &self.after,
            lets: &self.lets,
        };
        for (index, condition) in intent.postconditions.iter().enumerate() {
            if !scope.holds(condition)? {
                return Err(Failure::Postcondition(index as u16));
            }
        }
        Ok(&self.after)
    }

    /// Computes the new value of each slot and tests nothing: no guard, no range, no overdraft, no postcondition.
    ///
    /// # Errors
    /// When two accounts that must differ are one, or a named or new value cannot be computed or is not whole.
    pub fn preview(&mut self, view: TransactionView<'_>, before: &[i128]) -> Result<&[i128], Failure> {
        if before.len() != view.intent.places.len() {
            return Err(Failure::Malformed);
        }
        check_distinct(view)?;
        self.resolve_lets(view, before)?;
        self.after.clear();
        self.after.extend_from_slice(before);
        for (index, effect) in view.intent.effects.iter().enumerate() {
            let scope = Scope {
                view,
                before,
                after: before,
                lets: &self.lets,
            };
            let new = match scope.number(effect.value)? {
                Value::Bool(flag) => flag.into(),
                Value::Number(number) => number.to_i128().ok_or(Failure::Inexact {
                    site: Site::Effect(index as u16),
                    value: number,
                })?,
            };
            let slot = usize::from(effect.slot.0);
            *self.after.get_mut(slot).ok_or(Failure::Malformed)? = new;
        }
        Ok(&self.after)
    }

    /// By how much the larger side of a bound exceeds the smaller, right after [`Self::preview`] or [`Self::execute`]
    /// has computed the same transaction from the same values.
    ///
    /// # Errors
    /// When a side cannot be computed; a part that short-circuiting would not look at may be such.
    pub fn margin(
        &self,
        view: TransactionView<'_>,
        before: &[i128],
        bound: &Bound,
    ) -> Result<Rational, Failure> {
        let after = match bound.condition {
            ConditionRef::Guard(_) => before,
            ConditionRef::Postcondition(_) => &self.after,
        };
        let scope = Scope {
            view,
            before,
            after,
            lets: &self.lets,
        };
        let Some(Expr::Binary(_, left, right)) = view.intent.node(bound.comparison).map(|node| &node.expr)
        else {
            return Err(Failure::Malformed);
        };
        let (Value::Number(left), Value::Number(right)) = (scope.value(*left, 0)?, scope.value(*right, 0)?)
        else {
            return Err(Failure::Malformed);
        };
        let margin = if bound.left_is_larger {
            left.sub(&right)
        } else {
            right.sub(&left)
        };
        margin.map_err(|error| arithmetic(error, bound.comparison))
    }

    /// Computes the named values into `self.lets`.
    fn resolve_lets(&mut self, view: TransactionView<'_>, before: &[i128]) -> Result<(), Failure> {
        self.lets.clear();
        for (index, step) in view.intent.lets.iter().enumerate() {
            let scope = Scope {
                view,
                before,
                after: before,
                lets: &self.lets,
            };
            let value = scope.value(step.value, 0)?;
            if let (true, Value::Number(number)) = (step.whole, &value) {
                whole_in_range(number, Site::Let(index as u16))?;
            }
            self.lets.push(value);
        }
        Ok(())
    }

    /// The value of one expression of a transaction, to show it in a message; `after` is used for [`Expr::After`].
    pub fn show(
        &mut self,
        view: TransactionView<'_>,
        before: &[i128],
        after: &[i128],
        id: ExprId,
    ) -> Option<Value> {
        // A failed `let` leaves the later ones unknown; expressions that need them then have no value to show.
        let _ = self.resolve_lets(view, before);
        Scope {
            view,
            before,
            after,
            lets: &self.lets,
        }
        .value(id, 0)
        .ok()
    }
}

/// Two account parameters that mean one account make every claim about "the one" and "the other" false, so such a
/// transaction fails when it writes that account.
fn check_distinct(view: TransactionView<'_>) -> Result<(), Failure> {
    let accounts = &view.group.accounts;
    if accounts.len() > MANY_ACCOUNTS && all_distinct(view)? {
        return Ok(());
    }
    for (j, second) in accounts.iter().enumerate() {
        for (i, first) in accounts.iter().take(j).enumerate() {
            let (Some(a), Some(b)) = (first.get(view.row), second.get(view.row)) else {
                return Err(Failure::Malformed);
            };
            if a == b && (writes(view.intent, i) || writes(view.intent, j)) {
                return Err(Failure::SameAccount {
                    account: *a,
                    parameters: (i as u16, j as u16),
                });
            }
        }
    }
    Ok(())
}

/// Above this many account parameters a set is quicker than comparing each with each.
const MANY_ACCOUNTS: usize = 32;

fn all_distinct(view: TransactionView<'_>) -> Result<bool, Failure> {
    let mut seen = std::collections::HashSet::with_capacity(view.group.accounts.len());
    for column in &view.group.accounts {
        if !seen.insert(*column.get(view.row).ok_or(Failure::Malformed)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn writes(intent: &Intent, parameter: usize) -> bool {
    intent.effects.iter().any(|effect| {
        intent
            .places
            .get(usize::from(effect.slot.0))
            .is_some_and(|place| usize::from(place.account) == parameter)
    })
}

/// A new value must be whole, in range, and not below zero on a bounded balance.
fn check_effect(view: TransactionView<'_>, index: u16, slot: Slot, value: Value) -> Result<i128, Failure> {
    let place = view
        .group
        .places
        .get(usize::from(slot.0))
        .and_then(|column| column.get(view.row));
    let place = *place.ok_or(Failure::Malformed)?;
    let number = match value {
        Value::Bool(flag) => return Ok(flag.into()),
        Value::Number(number) => number,
    };
    let new = whole_in_range(&number, Site::Effect(index))?;
    if new < 0 && view.batch.is_bounded(place) {
        return Err(Failure::Overdraft {
            effect: index,
            value: new,
        });
    }
    Ok(new)
}

fn whole_in_range(number: &Rational, site: Site) -> Result<i128, Failure> {
    if !number.is_integer() {
        return Err(Failure::Inexact {
            site,
            value: number.clone(),
        });
    }
    number
        .to_i128()
        .filter(|n| in_range(*n))
        .ok_or(Failure::Overflow { site })
}
