//! Expressions and statements: from the flat list of the grammar to a tree with precedence.

use super::{Part, Rule, Strict};
use crate::ast::{BinaryOp, Expr, ExprKind, Statement, UnaryOp};
use crate::kind::Kind;
use aethel_ir::{Code, Diagnostic, Span};
use pest::iterators::{Pair, Pairs};
use std::iter::Peekable;

/// An expression with the place it takes up, parentheses included; [`Expr::span`] is without them.
type Built = Strict<(Expr, Span)>;

/// The level of the comparisons, which do not chain.
const COMPARISON: u8 = 3;

impl Part<'_> {
    /// Reads the part as one expression.
    pub(crate) fn expression(&self) -> Strict<Expr> {
        self.expr(self.read(Kind::Expr)?)
    }

    /// Reads the part as a line of `guard` or `verify`.
    pub(crate) fn statement(&self) -> Strict<Statement> {
        let pair = self.read(Kind::Statement)?;
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let first = self.required(inner.next())?;
        if first.as_rule() == Rule::let_line {
            let mut parts = first
                .into_inner()
                .filter(|pair| matches!(pair.as_rule(), Rule::name | Rule::expr));
            let name = self.name(&self.required(parts.next())?);
            let value = self.expr(self.required(parts.next())?)?;
            return Ok(Statement::Let { name, value, span });
        }
        let target = self.expr(first)?;
        let Some(assign) = inner.next() else {
            return Ok(Statement::Condition(target));
        };
        let value = self.expr(self.required(inner.next())?)?;
        Ok(Statement::Assign {
            target,
            equals: self.span(&assign),
            value,
            span,
        })
    }

    /// The tree of an `expr` pair.
    pub(super) fn expr(&self, pair: Pair<'_, Rule>) -> Strict<Expr> {
        self.infix(&mut pair.into_inner().peekable(), 0)
            .map(|(expr, _)| expr)
    }

    /// Precedence climbing. It goes as deep as the tree does, and [`crate::depth`] has bounded that.
    fn infix(&self, pairs: &mut Peekable<Pairs<'_, Rule>>, weakest: u8) -> Built {
        let (mut left, mut outer) = self.operand(self.required(pairs.next())?)?;
        while let Some((op, level)) = pairs.peek().and_then(operator) {
            if level < weakest {
                break;
            }
            let op_span = pairs.next().map(|pair| self.span(&pair)).unwrap_or_default();
            let right_from = if op == BinaryOp::Implies { level } else { level + 1 };
            let (right, right_outer) = self.infix(pairs, right_from)?;
            let is_comparison = |pair: &&Pair<'_, Rule>| operator(pair).is_some_and(|(_, l)| l == COMPARISON);
            if level == COMPARISON
                && let Some(next) = pairs.peek().filter(is_comparison)
            {
                return Err(self.chained(outer, op_span, right_outer, next));
            }
            let span = outer.to(right_outer);
            left = Expr {
                kind: ExprKind::Binary(op, op_span, Box::new(left), Box::new(right)),
                span,
            };
            outer = span;
        }
        Ok((left, outer))
    }

    /// `a < b < c`.
    fn chained(&self, left: Span, first: Span, middle: Span, second: &Pair<'_, Rule>) -> Box<Diagnostic> {
        let text = |span: Span| self.text.get(span.range()).unwrap_or("");
        let (a, op, b) = (text(left), text(first), text(middle));
        let short = [a, b].iter().all(|part| part.len() <= 24 && !part.contains('\n'));
        let help = if short {
            format!("write `{a} {op} {b} && {b} {} ..`", second.as_str())
        } else {
            "join two comparisons with `&&`".to_owned()
        };
        Box::new(
            Diagnostic::new(Code::AE0101, "comparisons cannot be chained")
                .label(self.source, self.span(second), "the second comparison")
                .label(self.source, first, "the first")
                .help(help),
        )
    }

    fn operand(&self, pair: Pair<'_, Rule>) -> Built {
        let outer = self.span(&pair);
        let mut prefixes = Vec::new();
        let mut result = None;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::prefix {
                let op = if part.as_str() == "-" {
                    UnaryOp::Negate
                } else {
                    UnaryOp::Not
                };
                prefixes.push((op, self.span(&part)));
            } else {
                result = Some(self.atom(part)?);
            }
        }
        let Some(mut expr) = result else {
            return Err(self.hollow());
        };
        while let Some((op, place)) = prefixes.pop() {
            expr = Expr {
                kind: ExprKind::Unary(op, Box::new(expr)),
                span: place.to(outer),
            };
        }
        Ok((expr, outer))
    }

    fn atom(&self, pair: Pair<'_, Rule>) -> Strict<Expr> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::number => ExprKind::Number(pair.as_str().to_owned()),
            Rule::string => ExprKind::Text(self.string(&pair).text),
            Rule::kw_true => ExprKind::Bool(true),
            Rule::kw_false => ExprKind::Bool(false),
            Rule::old => ExprKind::Old(Box::new(self.only_expr(pair)?)),
            Rule::group => return self.only_expr(pair),
            _ => return self.reference(pair),
        };
        Ok(Expr { kind, span })
    }

    /// The one expression between the parentheses of a pair.
    fn only_expr(&self, pair: Pair<'_, Rule>) -> Strict<Expr> {
        self.expr(self.required(pair.into_inner().find(|part| part.as_rule() == Rule::expr))?)
    }

    /// A name, alone, with arguments or with a field.
    fn reference(&self, pair: Pair<'_, Rule>) -> Strict<Expr> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let name = self.name(&self.required(inner.next())?);
        let kind = match inner.next() {
            None => ExprKind::Name(name.text),
            Some(rest) if rest.as_rule() == Rule::member => {
                let field = self.required(rest.into_inner().find(|part| part.as_rule() == Rule::word))?;
                ExprKind::Field(name, self.name(&field))
            }
            Some(rest) => {
                let arguments = rest.into_inner().filter(|part| part.as_rule() == Rule::expr);
                ExprKind::Call(
                    name,
                    arguments.map(|part| self.expr(part)).collect::<Strict<_>>()?,
                )
            }
        };
        Ok(Expr { kind, span })
    }

    /// A part that the grammar promises to be there.
    pub(super) fn required<'p>(&self, pair: Option<Pair<'p, Rule>>) -> Strict<Pair<'p, Rule>> {
        pair.ok_or_else(|| self.hollow())
    }

    /// The grammar and this module disagree: a fault of the program, told instead of a panic.
    fn hollow(&self) -> Box<Diagnostic> {
        debug_assert!(
            false,
            "the grammar gave a part without its content: {}",
            self.slice()
        );
        let span = Span::new(self.start, self.end);
        Box::new(Diagnostic::new(Code::AE0101, "this cannot be read").label(self.source, span, ""))
    }
}

/// The operator of a `binary` pair with its precedence, 0 the weakest.
fn operator(pair: &Pair<'_, Rule>) -> Option<(BinaryOp, u8)> {
    if pair.as_rule() != Rule::binary {
        return None;
    }
    Some(match pair.as_str() {
        "==>" => (BinaryOp::Implies, 0),
        "||" => (BinaryOp::Or, 1),
        "&&" => (BinaryOp::And, 2),
        "==" => (BinaryOp::Equal, COMPARISON),
        "!=" => (BinaryOp::NotEqual, COMPARISON),
        "<" => (BinaryOp::Less, COMPARISON),
        "<=" => (BinaryOp::LessEqual, COMPARISON),
        ">" => (BinaryOp::Greater, COMPARISON),
        ">=" => (BinaryOp::GreaterEqual, COMPARISON),
        "+" => (BinaryOp::Add, 4),
        "-" => (BinaryOp::Subtract, 4),
        "*" => (BinaryOp::Multiply, 5),
        "/" => (BinaryOp::Divide, 5),
        _ => (BinaryOp::Remainder, 5),
    })
}
