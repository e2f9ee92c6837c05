//! Constant expressions: `const` items and the arguments of calls.

use crate::problems::Problems;
use crate::symbols::{Constant, Symbols};
use aethel_ir::rational::ArithmeticError;
use aethel_ir::{Code, Diagnostic, Rational, quote};
use aethel_syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

/// What to do about a text that should be a number.
pub(crate) const NUMBER_HELP: &str = "write a plain decimal of at most 60 digits, such as `1000` or `0.25`";

/// The names an expression uses.
pub(crate) fn names_in<'a>(expr: &'a Expr, names: &mut Vec<&'a str>) {
    match &expr.kind {
        ExprKind::Name(name) => names.push(name),
        ExprKind::Field(base, _) => names.push(&base.text),
        ExprKind::Old(inner) | ExprKind::Unary(_, inner) => names_in(inner, names),
        ExprKind::Call(_, args) => args.iter().for_each(|arg| names_in(arg, names)),
        ExprKind::Binary(_, _, a, b) => {
            names_in(a, names);
            names_in(b, names);
        }
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) => {}
    }
}

/// Computes a constant expression; on a problem says it and gives `None`.
pub(crate) fn evaluate(symbols: &Symbols<'_>, expr: &Expr, diagnostics: &mut Problems) -> Option<Constant> {
    let source = symbols.source;
    match &expr.kind {
        ExprKind::Number(text) => match Rational::parse_decimal(text) {
            Some(number) => Some(Constant::Number(number)),
            None => {
                let message = format!("`{}` is not a number", quote(text));
                let problem = Diagnostic::new(Code::AE0112, message).label(source, expr.span, "here");
                diagnostics.push(problem.help(NUMBER_HELP));
                None
            }
        },
        ExprKind::Bool(flag) => Some(Constant::Bool(*flag)),
        ExprKind::Name(name) => match symbols.constants.get(name.as_str()) {
            // A constant that failed has been reported already.
            Some(value) => value.clone(),
            None => {
                let known = symbols.constants.keys().copied();
                let suggests = diagnostics.suggests();
                diagnostics.push(
                    Diagnostic::new(Code::AE0201, format!("`{}` is not a constant", quote(name)))
                        .label(source, expr.span, "only constants and numbers can be used here")
                        .help("write a number, or declare it at top level: `const NAME = 1000;`")
                        .meant(source, expr.span, name, known.filter(|_| suggests)),
                );
                None
            }
        },
        ExprKind::Unary(op, inner) => match (op, evaluate(symbols, inner, diagnostics)?) {
            (UnaryOp::Negate, Constant::Number(n)) => checked(symbols, expr, n.neg(), diagnostics),
            (UnaryOp::Not, Constant::Bool(flag)) => Some(Constant::Bool(!flag)),
            _ => not_constant(symbols, expr, diagnostics),
        },
        ExprKind::Binary(op, _, a, b) => {
            let (a, b) = (
                evaluate(symbols, a, diagnostics),
                evaluate(symbols, b, diagnostics),
            );
            match (op, a?, b?) {
                (BinaryOp::Add, Constant::Number(a), Constant::Number(b)) => {
                    checked(symbols, expr, a.add(&b), diagnostics)
                }
                (BinaryOp::Subtract, Constant::Number(a), Constant::Number(b)) => {
                    checked(symbols, expr, a.sub(&b), diagnostics)
                }
                (BinaryOp::Multiply, Constant::Number(a), Constant::Number(b)) => {
                    checked(symbols, expr, a.mul(&b), diagnostics)
                }
                (BinaryOp::Divide, Constant::Number(a), Constant::Number(b)) => {
                    checked(symbols, expr, a.div(&b), diagnostics)
                }
                (BinaryOp::Remainder, Constant::Number(a), Constant::Number(b)) => {
                    checked(symbols, expr, a.rem(&b), diagnostics)
                }
                _ => not_constant(symbols, expr, diagnostics),
            }
        }
        _ => not_constant(symbols, expr, diagnostics),
    }
}

fn checked(
    symbols: &Symbols<'_>,
    expr: &Expr,
    result: Result<Rational, ArithmeticError>,
    diagnostics: &mut Problems,
) -> Option<Constant> {
    let (code, message, help) = match result {
        Ok(number) => return Some(Constant::Number(number)),
        Err(ArithmeticError::DivisionByZero) => (
            Code::AE0505,
            "division by zero in a constant",
            "divide by another number",
        ),
        Err(ArithmeticError::TooWide) => (
            Code::AE0503,
            "a constant that is too large",
            "use smaller numbers, or fewer factors",
        ),
    };
    let problem = Diagnostic::new(code, message).label(symbols.source, expr.span, "here");
    diagnostics.push(problem.help(help));
    None
}

fn not_constant(symbols: &Symbols<'_>, expr: &Expr, diagnostics: &mut Problems) -> Option<Constant> {
    diagnostics.push(
        Diagnostic::new(Code::AE0207, "this is not a constant")
            .label(
                symbols.source,
                expr.span,
                "expected numbers, constants and `+ - * / %`",
            )
            .help("a value that depends on accounts or parameters belongs in a `guard`: `let v = ..;`"),
    );
    None
}
