//! Expressions, evaluated where a transaction stands.

use super::{Failure, Site, Value};
use crate::batch::{TransactionView, ValueColumn};
use crate::intent::{BinaryOp, Condition, Expr, ExprId, Slot, Type, UnaryOp};
use crate::rational::{ArithmeticError, Rational};
use std::cmp::Ordering;

/// What an expression may look at.
pub(super) struct Scope<'a> {
    pub view: TransactionView<'a>,
    pub before: &'a [i128],
    pub after: &'a [i128],
    pub lets: &'a [Value],
}

impl Scope<'_> {
    /// The value of an expression over whole numbers that fit, without the detour over fractions; `None` when it has to
    /// be computed the long way.
    fn whole(&self, id: ExprId, depth: usize) -> Option<i128> {
        let node = self
            .view
            .intent
            .node(id)
            .filter(|_| depth <= crate::batch::MAX_DEPTH)?;
        match &node.expr {
            Expr::Number(Rational::Int(number)) => Some(*number),
            Expr::Value(n) => match self.view.group.values.get(usize::from(*n))? {
                ValueColumn::Whole(column) => column.get(self.view.row),
                ValueColumn::Exact(_) | ValueColumn::Bool(_) => None,
            },
            Expr::Let(n) => match self.lets.get(usize::from(*n))? {
                Value::Number(Rational::Int(number)) => Some(*number),
                Value::Number(Rational::Ratio { .. } | Rational::Fraction(_)) | Value::Bool(_) => None,
            },
            Expr::Before(slot) if node.ty != Type::Bool => self.before.get(usize::from(slot.0)).copied(),
            Expr::After(slot) if node.ty != Type::Bool => self.after.get(usize::from(slot.0)).copied(),
            Expr::Unary(UnaryOp::Negate, a) => self.whole(*a, depth + 1)?.checked_neg(),
            Expr::Binary(op @ (BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply), a, b) => {
                let (a, b) = (self.whole(*a, depth + 1)?, self.whole(*b, depth + 1)?);
                match op {
                    BinaryOp::Add => a.checked_add(b),
                    BinaryOp::Subtract => a.checked_sub(b),
                    _ => a.checked_mul(b),
                }
            }
            _ => None,
        }
    }

    /// Whether a comparison of whole numbers holds; `None` as in [`Self::whole`].
    fn compares(&self, id: ExprId) -> Option<bool> {
        let Expr::Binary(op, a, b) = &self.view.intent.node(id)?.expr else {
            return None;
        };
        if matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Implies) {
            return None;
        }
        let (a, b) = (self.whole(*a, 1)?, self.whole(*b, 1)?);
        match op {
            BinaryOp::Equal => Some(a == b),
            BinaryOp::NotEqual => Some(a != b),
            BinaryOp::Less => Some(a < b),
            BinaryOp::LessEqual => Some(a <= b),
            BinaryOp::Greater => Some(a > b),
            BinaryOp::GreaterEqual => Some(a >= b),
            _ => None,
        }
    }

    pub fn holds(&self, condition: &Condition) -> Result<bool, Failure> {
        if let Some(slot) = condition.if_bounded {
            let place = self
                .view
                .group
                .places
                .get(usize::from(slot.0))
                .and_then(|c| c.get(self.view.row));
            if !self.view.batch.is_bounded(*place.ok_or(Failure::Malformed)?) {
                return Ok(true);
            }
        }
        match self.compares(condition.expr) {
            Some(holds) => Ok(holds),
            None => self.truth(condition.expr, 0),
        }
    }

    fn truth(&self, id: ExprId, depth: usize) -> Result<bool, Failure> {
        match self.value(id, depth)? {
            Value::Bool(flag) => Ok(flag),
            Value::Number(_) => Err(Failure::Malformed),
        }
    }

    pub fn number(&self, id: ExprId) -> Result<Value, Failure> {
        match self.whole(id, 0) {
            Some(number) => Ok(Value::Number(Rational::Int(number))),
            None => self.value(id, 0),
        }
    }

    fn place(&self, values: &[i128], slot: Slot, ty: Type) -> Result<Value, Failure> {
        let value = *values.get(usize::from(slot.0)).ok_or(Failure::Malformed)?;
        Ok(if ty == Type::Bool {
            Value::Bool(value != 0)
        } else {
            Value::Number(Rational::Int(value))
        })
    }

    pub fn value(&self, id: ExprId, depth: usize) -> Result<Value, Failure> {
        if depth > crate::batch::MAX_DEPTH {
            return Err(Failure::Malformed);
        }
        let node = self.view.intent.node(id).ok_or(Failure::Malformed)?;
        match &node.expr {
            Expr::Number(number) => Ok(Value::Number(number.clone())),
            Expr::Bool(flag) => Ok(Value::Bool(*flag)),
            Expr::Value(n) => {
                let column = self
                    .view
                    .group
                    .values
                    .get(usize::from(*n))
                    .ok_or(Failure::Malformed)?;
                column.get(self.view.row).ok_or(Failure::Malformed)
            }
            Expr::Let(n) => self.lets.get(usize::from(*n)).cloned().ok_or(Failure::Malformed),
            Expr::Before(slot) => self.place(self.before, *slot, node.ty),
            Expr::After(slot) => self.place(self.after, *slot, node.ty),
            Expr::Unary(op, a) => self.unary(id, *op, *a, depth),
            Expr::Binary(op, a, b) => self.binary(id, *op, *a, *b, depth),
            Expr::Round { value, unit, mode } => {
                let Value::Number(number) = self.value(*value, depth + 1)? else {
                    return Err(Failure::Malformed);
                };
                let failed = |error| arithmetic(error, id);
                let steps = number.div(unit).map_err(failed)?.round(*mode);
                steps.mul(unit).map(Value::Number).map_err(failed)
            }
        }
    }

    fn unary(&self, id: ExprId, op: UnaryOp, a: ExprId, depth: usize) -> Result<Value, Failure> {
        match (op, self.value(a, depth + 1)?) {
            (UnaryOp::Not, Value::Bool(flag)) => Ok(Value::Bool(!flag)),
            (UnaryOp::Negate, Value::Number(n)) => n.neg().map(Value::Number).map_err(|e| arithmetic(e, id)),
            (UnaryOp::Abs, Value::Number(n)) if n.signum() < 0 => {
                n.neg().map(Value::Number).map_err(|e| arithmetic(e, id))
            }
            (UnaryOp::Abs, number @ Value::Number(_)) => Ok(number),
            _ => Err(Failure::Malformed),
        }
    }

    fn binary(&self, id: ExprId, op: BinaryOp, a: ExprId, b: ExprId, depth: usize) -> Result<Value, Failure> {
        let left = self.value(a, depth + 1)?;
        match (op, &left) {
            (BinaryOp::And, Value::Bool(false)) => return Ok(Value::Bool(false)),
            (BinaryOp::Or, Value::Bool(true)) | (BinaryOp::Implies, Value::Bool(false)) => {
                return Ok(Value::Bool(true));
            }
            _ => {}
        }
        let right = self.value(b, depth + 1)?;
        match (left, right) {
            (Value::Bool(a), Value::Bool(b)) => match op {
                BinaryOp::And | BinaryOp::Or | BinaryOp::Implies => Ok(Value::Bool(b)),
                BinaryOp::Equal => Ok(Value::Bool(a == b)),
                BinaryOp::NotEqual => Ok(Value::Bool(a != b)),
                _ => Err(Failure::Malformed),
            },
            (Value::Number(a), Value::Number(b)) => binary_number(id, op, &a, &b),
            _ => Err(Failure::Malformed),
        }
    }
}

fn binary_number(id: ExprId, op: BinaryOp, a: &Rational, b: &Rational) -> Result<Value, Failure> {
    let number = |result: Result<Rational, ArithmeticError>| {
        result.map(Value::Number).map_err(|error| arithmetic(error, id))
    };
    let order = |test: fn(Ordering) -> bool| Ok(Value::Bool(test(a.cmp(b))));
    match op {
        BinaryOp::Add => number(a.add(b)),
        BinaryOp::Subtract => number(a.sub(b)),
        BinaryOp::Multiply => number(a.mul(b)),
        BinaryOp::Divide => number(a.div(b)),
        BinaryOp::Remainder => number(a.rem(b)),
        BinaryOp::Equal => order(Ordering::is_eq),
        BinaryOp::NotEqual => order(Ordering::is_ne),
        BinaryOp::Less => order(Ordering::is_lt),
        BinaryOp::LessEqual => order(Ordering::is_le),
        BinaryOp::Greater => order(Ordering::is_gt),
        BinaryOp::GreaterEqual => order(Ordering::is_ge),
        BinaryOp::Min => number(Ok(a.min(b).clone())),
        BinaryOp::Max => number(Ok(a.max(b).clone())),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Implies => Err(Failure::Malformed),
    }
}

pub(super) fn arithmetic(error: ArithmeticError, id: ExprId) -> Failure {
    match error {
        ArithmeticError::DivisionByZero => Failure::DivisionByZero(id),
        ArithmeticError::TooWide => Failure::Overflow { site: Site::Expr(id) },
    }
}
