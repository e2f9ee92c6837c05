//! An intent as Z3 terms: what the evaluator computes, said as definitions and obligations.
//!
//! Nothing here is concrete: places before and value parameters are any terms. The result says, for every state and
//! every argument, what the transaction leaves (`after`) and what must hold for it to go through, in the order in which
//! the evaluator tests it. A division is an obligation of its own under the conditions that short-circuiting puts
//! before it.

use crate::definitions::Definitions;
use crate::number::{Malformed, Number};
use aethel_ir::batch::MAX_DEPTH;
use aethel_ir::intent::{BinaryOp, UnaryOp};
use aethel_ir::{Condition, Expr, ExprId, Intent, MAX_MINOR_UNITS, Rational, Site, Slot, Type};
use std::cmp::Ordering;
use z3::ast::{Bool, Int};

/// The value of an expression as a term.
#[derive(Clone, Debug)]
pub enum Term {
    /// A number, in the unit of its type.
    Number(Number),
    /// A truth value.
    Bool(Bool),
}

/// What an obligation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The divisor of this expression is not zero.
    Divisor(ExprId),
    /// The value there is whole.
    Whole(Site),
    /// The value there is in the range of amounts.
    InRange(Site),
    /// The new value of effect n is not below zero.
    NotOverdrawn(u16),
    /// Guard condition n holds.
    Guard(u16),
    /// Postcondition n holds.
    Postcondition(u16),
}

/// Something that must hold for the transaction to go through.
#[derive(Clone, Debug)]
pub struct Obligation {
    /// What it says.
    pub claim: Claim,
    /// It as a formula.
    pub formula: Bool,
    /// The numbers it is about, to show them: the value, or both sides of a comparison.
    pub shown: Vec<(Number, Type)>,
}

/// A transaction as terms.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    /// What the fresh constants are; always satisfiable.
    pub definitions: Definitions,
    /// What must hold, in the order in which it is tested.
    pub obligations: Vec<Obligation>,
    /// The value of each slot afterwards, if every obligation holds.
    pub after: Vec<Int>,
}

/// What a transaction starts from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The value of each slot before.
    pub before: &'a [Int],
    /// The argument of each value parameter.
    pub values: &'a [Term],
    /// For each slot, whether it is a balance that may not go below zero.
    pub bounded: &'a [bool],
}

/// Encodes one transaction of an intent.
///
/// # Errors
/// When the intent is not well formed, which only a hostile file could cause.
pub fn encode(intent: &Intent, inputs: Inputs<'_>) -> Result<Encoded, Malformed> {
    encode_watching(intent, inputs, &[], Definitions::default()).map(|(encoded, _)| encoded)
}

/// [`encode`] with the definitions of what was encoded before, which the result goes on with; and the values of the
/// expressions watched, in the order in which they are met.
///
/// # Errors
/// As [`encode`].
pub fn encode_watching(
    intent: &Intent,
    inputs: Inputs<'_>,
    watched: &[ExprId],
    definitions: Definitions,
) -> Result<(Encoded, Vec<(ExprId, Term)>), Malformed> {
    let slots = intent.places.len();
    if inputs.before.len() != slots || inputs.bounded.len() != slots {
        return Err(Malformed);
    }
    let mut encoder = Encoder {
        intent,
        inputs,
        lets: Vec::with_capacity(intent.lets.len()),
        path: Vec::new(),
        watched,
        seen: Vec::new(),
        out: Encoded {
            definitions,
            obligations: Vec::new(),
            after: inputs.before.to_vec(),
        },
    };
    encoder.lets()?;
    for (index, condition) in intent.guard.iter().enumerate() {
        encoder.condition(condition, Claim::Guard(index as u16))?;
    }
    encoder.effects()?;
    for (index, condition) in intent.postconditions.iter().enumerate() {
        encoder.condition(condition, Claim::Postcondition(index as u16))?;
    }
    Ok((encoder.out, encoder.seen))
}

struct Encoder<'a> {
    intent: &'a Intent,
    inputs: Inputs<'a>,
    lets: Vec<Term>,
    /// What short-circuiting has tested on the way to the expression at hand.
    path: Vec<Bool>,
    watched: &'a [ExprId],
    seen: Vec<(ExprId, Term)>,
    out: Encoded,
}

impl Encoder<'_> {
    fn oblige(&mut self, claim: Claim, formula: Bool, shown: Vec<(Number, Type)>) {
        let formula = match self.path.as_slice() {
            [] => formula,
            [one] => one.implies(formula),
            path => Bool::and(path).implies(formula),
        };
        self.out.obligations.push(Obligation {
            claim,
            formula,
            shown,
        });
    }

    fn lets(&mut self) -> Result<(), Malformed> {
        for (index, step) in self.intent.lets.iter().enumerate() {
            let value = self.term(step.value, 0)?;
            let value = match value {
                Term::Number(number) if step.whole => {
                    let ty = self.type_of(step.value)?;
                    Term::Number(Number::whole(self.whole(&number, ty, Site::Let(index as u16))))
                }
                other => other,
            };
            self.lets.push(value);
        }
        Ok(())
    }

    fn effects(&mut self) -> Result<(), Malformed> {
        // The equations are simultaneous: no new value may be seen before all are computed.
        let mut after = self.inputs.before.to_vec();
        for (index, effect) in self.intent.effects.iter().enumerate() {
            let index = index as u16;
            let slot = usize::from(effect.slot.0);
            let value = match self.term(effect.value, 0)? {
                Term::Bool(flag) => flag.ite(&Int::from_i64(1), &Int::from_i64(0)),
                Term::Number(number) => {
                    let ty = self.type_of(effect.value)?;
                    let whole = self.whole(&number, ty, Site::Effect(index));
                    if *self.inputs.bounded.get(slot).ok_or(Malformed)? {
                        let shown = vec![(Number::whole(whole.clone()), ty)];
                        self.oblige(Claim::NotOverdrawn(index), whole.ge(Int::from_i64(0)), shown);
                    }
                    whole
                }
            };
            let new = Int::fresh_const("after");
            self.out.definitions.push(new.eq(&value));
            *after.get_mut(slot).ok_or(Malformed)? = new;
        }
        self.out.after = after;
        Ok(())
    }

    /// A value that must be whole and in range.
    fn whole(&mut self, number: &Number, ty: Type, site: Site) -> Int {
        let (whole, exact) = number.to_whole(&mut self.out.definitions);
        if let Some(exact) = exact {
            self.oblige(Claim::Whole(site), exact, vec![(number.clone(), ty)]);
        }
        let max = Rational::Int(MAX_MINOR_UNITS);
        if let Ok(max) = Number::constant(&max) {
            let value = Number::whole(whole.clone());
            let in_range = Bool::and(&[
                value.compare(&max, Ordering::is_le),
                value.compare(&max.neg(), Ordering::is_ge),
            ]);
            self.oblige(Claim::InRange(site), in_range, vec![(value, ty)]);
        }
        whole
    }

    fn condition(&mut self, condition: &Condition, claim: Claim) -> Result<(), Malformed> {
        if let Some(slot) = condition.if_bounded
            && !*self.inputs.bounded.get(usize::from(slot.0)).ok_or(Malformed)?
        {
            return Ok(());
        }
        let mut shown = Vec::new();
        let formula = match self.intent.node(condition.expr).map(|node| &node.expr) {
            Some(Expr::Binary(op, a, b)) if comparison(*op).is_some() => {
                let (left, right) = (self.term(*a, 1)?, self.term(*b, 1)?);
                for (term, id) in [(&left, a), (&right, b)] {
                    if let Term::Number(number) = term {
                        shown.push((number.clone(), self.type_of(*id)?));
                    }
                }
                self.combine(condition.expr, *op, left, right)?
            }
            _ => self.term(condition.expr, 0)?,
        };
        let Term::Bool(formula) = formula else {
            return Err(Malformed);
        };
        self.oblige(claim, formula, shown);
        Ok(())
    }

    fn type_of(&self, id: ExprId) -> Result<Type, Malformed> {
        self.intent.node(id).map(|node| node.ty).ok_or(Malformed)
    }

    fn place(&self, values: &[Int], slot: Slot, ty: Type) -> Result<Term, Malformed> {
        let value = values.get(usize::from(slot.0)).ok_or(Malformed)?;
        Ok(if ty == Type::Bool {
            Term::Bool(value.ne(Int::from_i64(0)))
        } else {
            Term::Number(Number::whole(value.clone()))
        })
    }

    fn term(&mut self, id: ExprId, depth: usize) -> Result<Term, Malformed> {
        let term = self.term_of(id, depth)?;
        if self.watched.contains(&id) {
            self.seen.push((id, term.clone()));
        }
        Ok(term)
    }

    fn term_of(&mut self, id: ExprId, depth: usize) -> Result<Term, Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed);
        }
        let intent = self.intent;
        let node = intent.node(id).ok_or(Malformed)?;
        match &node.expr {
            Expr::Number(number) => Ok(Term::Number(Number::constant(number)?)),
            Expr::Bool(flag) => Ok(Term::Bool(Bool::from_bool(*flag))),
            Expr::Value(n) => self.inputs.values.get(usize::from(*n)).cloned().ok_or(Malformed),
            Expr::Let(n) => self.lets.get(usize::from(*n)).cloned().ok_or(Malformed),
            Expr::Before(slot) => self.place(self.inputs.before, *slot, node.ty),
            Expr::After(slot) => self.place(&self.out.after, *slot, node.ty),
            Expr::Unary(op, a) => unary(*op, self.term(*a, depth + 1)?),
            Expr::Binary(op, a, b) => self.binary(id, *op, (*a, *b), depth),
            Expr::Round { value, unit, mode } => {
                let number = self.number(*value, depth + 1)?;
                let unit = Number::constant(unit)?;
                let (steps, _) = number.div(&unit, &mut self.out.definitions);
                let steps = Number::whole(steps.round(*mode, &mut self.out.definitions));
                Ok(Term::Number(steps.mul(&unit)))
            }
        }
    }

    fn number(&mut self, id: ExprId, depth: usize) -> Result<Number, Malformed> {
        match self.term(id, depth)? {
            Term::Number(number) => Ok(number),
            Term::Bool(_) => Err(Malformed),
        }
    }

    fn binary(
        &mut self,
        id: ExprId,
        op: BinaryOp,
        (a, b): (ExprId, ExprId),
        depth: usize,
    ) -> Result<Term, Malformed> {
        let left = self.term(a, depth + 1)?;
        // The right side is only looked at when the left does not decide.
        let reached = match (op, &left) {
            (BinaryOp::And | BinaryOp::Implies, Term::Bool(left)) => Some(left.clone()),
            (BinaryOp::Or, Term::Bool(left)) => Some(!left),
            _ => None,
        };
        let short_circuit = reached.is_some();
        self.path.extend(reached);
        let right = self.term(b, depth + 1);
        if short_circuit {
            self.path.pop();
        }
        self.combine(id, op, left, right?)
    }

    fn combine(&mut self, id: ExprId, op: BinaryOp, left: Term, right: Term) -> Result<Term, Malformed> {
        match (left, right) {
            (Term::Bool(a), Term::Bool(b)) => Ok(Term::Bool(match op {
                BinaryOp::And => Bool::and(&[a, b]),
                BinaryOp::Or => Bool::or(&[a, b]),
                BinaryOp::Implies => a.implies(b),
                BinaryOp::Equal => a.eq(b),
                BinaryOp::NotEqual => a.ne(b),
                _ => return Err(Malformed),
            })),
            (Term::Number(a), Term::Number(b)) => self.arithmetic(id, op, &a, &b),
            _ => Err(Malformed),
        }
    }

    fn arithmetic(&mut self, id: ExprId, op: BinaryOp, a: &Number, b: &Number) -> Result<Term, Malformed> {
        if let Some(test) = comparison(op) {
            return Ok(Term::Bool(a.compare(b, test)));
        }
        Ok(Term::Number(match op {
            BinaryOp::Add => a.add(b),
            BinaryOp::Subtract => a.sub(b),
            BinaryOp::Multiply => a.product(b, &mut self.out.definitions),
            BinaryOp::Min => Number::choose(&a.compare(b, Ordering::is_le), a, b),
            BinaryOp::Max => Number::choose(&a.compare(b, Ordering::is_ge), a, b),
            BinaryOp::Divide | BinaryOp::Remainder => {
                let definitions = &mut self.out.definitions;
                let (value, not_zero) = if op == BinaryOp::Divide {
                    a.div(b, definitions)
                } else {
                    a.rem(b, definitions)
                };
                if let Some(not_zero) = not_zero {
                    self.oblige(Claim::Divisor(id), not_zero, Vec::new());
                }
                value
            }
            _ => return Err(Malformed),
        }))
    }
}

fn unary(op: UnaryOp, term: Term) -> Result<Term, Malformed> {
    match (op, term) {
        (UnaryOp::Not, Term::Bool(flag)) => Ok(Term::Bool(!flag)),
        (UnaryOp::Negate, Term::Number(number)) => Ok(Term::Number(number.neg())),
        (UnaryOp::Abs, Term::Number(number)) => Ok(Term::Number(number.abs())),
        _ => Err(Malformed),
    }
}

/// The orderings of two numbers that a comparison accepts.
pub fn comparison(op: BinaryOp) -> Option<fn(Ordering) -> bool> {
    Some(match op {
        BinaryOp::Equal => Ordering::is_eq,
        BinaryOp::NotEqual => Ordering::is_ne,
        BinaryOp::Less => Ordering::is_lt,
        BinaryOp::LessEqual => Ordering::is_le,
        BinaryOp::Greater => Ordering::is_gt,
        BinaryOp::GreaterEqual => Ordering::is_ge,
        _ => return None,
    })
}
