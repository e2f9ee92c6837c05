//! Types of operators: assets never mix, prices convert, literals take the type of their use.

use crate::expression::{Kind, Typed};
use crate::intent::Compiler;
use aethel_ir::intent::BinaryOp;
use aethel_ir::{AssetId, Code, Expr as Ir, ExprId, Rational, Span, Type};
use aethel_syntax::ast;

impl Compiler<'_, '_> {
    /// Multiplication and division, with units.
    pub(crate) fn product(
        &mut self,
        op: ast::BinaryOp,
        left: Typed,
        right: Typed,
        span: Span,
    ) -> Option<Typed> {
        let multiply = op == ast::BinaryOp::Multiply;
        let plain = |kind| {
            matches!(
                kind,
                Kind::Free | Kind::Of(Type::Number | Type::Integer | Type::Time)
            )
        };
        let integer = |kind| kind == Kind::Of(Type::Integer);
        let kind = match (left.1, right.1) {
            (Kind::Free, Kind::Free) => Some(Kind::Free),
            (l, r) if multiply && integer(l) && integer(r) => Some(Kind::Of(Type::Integer)),
            (l, r) if plain(l) && plain(r) => Some(Kind::Of(Type::Number)),
            (Kind::Of(Type::Bool), _) | (_, Kind::Of(Type::Bool)) => None,
            (l, r) if plain(r) => Some(l),
            (l, r) if multiply && plain(l) => Some(r),
            (Kind::Of(l), Kind::Of(r)) => if multiply { times(l, r) } else { over(l, r) }.map(Kind::Of),
            _ => None,
        };
        let Some(kind) = kind else {
            let verb = if multiply { "multiplied by" } else { "divided by" };
            let message = format!(
                "{} cannot be {verb} {}",
                self.kind_name(left.1),
                self.kind_name(right.1)
            );
            let diagnostic = self
                .error(Code::AE0207, message, span, "the units do not fit")
                .help("amount × number and amount / number are amounts; `Price<A, B>` × amount of A is an amount of B");
            return self.refuse(diagnostic);
        };
        let ir = if multiply {
            BinaryOp::Multiply
        } else {
            BinaryOp::Divide
        };
        Some((
            self.push(Ir::Binary(ir, left.0, right.0), span, node_type(kind)),
            kind,
        ))
    }

    /// Gives two operands one type.
    pub(crate) fn unify(&mut self, what: &str, left: Typed, right: Typed) -> Option<(ExprId, ExprId, Kind)> {
        let kind = match (left.1, right.1) {
            (l, r) if l == r => l,
            (Kind::Free, Kind::Of(ty)) | (Kind::Of(ty), Kind::Free) if ty != Type::Bool => Kind::Of(ty),
            (Kind::Of(l), Kind::Of(r)) if unitless(l) && unitless(r) => Kind::Of(Type::Number),
            (l, r) => {
                let two_assets = matches!((l, r), (Kind::Of(Type::Amount(_)), Kind::Of(Type::Amount(_))));
                let code = if two_assets { Code::AE0208 } else { Code::AE0207 };
                let (l, r) = (self.kind_name(l), self.kind_name(r));
                let message = format!("`{what}` needs two values of one kind");
                let help = if two_assets {
                    "different assets never mix; convert one with a `Price`"
                } else {
                    "both sides must be amounts of one asset, or both plain numbers"
                };
                let diagnostic = self
                    .error(code, message, self.span_of(left.0), format!("this is {l}"))
                    .label(self.symbols.source, self.span_of(right.0), format!("this is {r}"))
                    .help(help);
                return self.refuse(diagnostic);
            }
        };
        let Kind::Of(ty) = kind else {
            return Some((left.0, right.0, kind));
        };
        Some((self.with_unit(left, ty), self.with_unit(right, ty), kind))
    }

    /// Literals of a kind without unit, in the minor units of `ty`.
    pub(crate) fn with_unit(&mut self, (id, kind): Typed, ty: Type) -> ExprId {
        if kind != Kind::Free {
            return id;
        }
        let shift = match ty {
            Type::Amount(asset) => i32::from(self.tables.scale(asset)),
            Type::Price(base, quote) => {
                i32::from(self.tables.scale(quote)) - i32::from(self.tables.scale(base))
            }
            Type::Bool | Type::Number | Type::Integer | Type::Time => 0,
        };
        let factor = Rational::power_of_ten(shift);
        if let Some(node) = self.intent.nodes.get_mut(id.0 as usize)
            && let Ir::Number(number) = &mut node.expr
        {
            // 60 digits times 10^18 is far below the width limit.
            if let Ok(scaled) = number.mul(&factor) {
                *number = scaled;
                node.ty = ty;
                return id;
            }
        }
        if shift == 0 {
            return id;
        }
        let span = self.span_of(id);
        let factor = self.push(Ir::Number(factor), span, Type::Number);
        self.push(Ir::Binary(BinaryOp::Multiply, id, factor), span, ty)
    }

    /// Makes an expression usable as a value of `ty`; `what` names the use in the message.
    pub(crate) fn coerce(&mut self, typed: Typed, ty: Type, what: &str) -> Option<ExprId> {
        match typed.1 {
            Kind::Free if ty != Type::Bool => Some(self.with_unit(typed, ty)),
            Kind::Of(found) if found == ty || unitless(found) && unitless(ty) => Some(typed.0),
            found => {
                let both = matches!((found, ty), (Kind::Of(Type::Amount(_)), Type::Amount(_)));
                let code = if both { Code::AE0208 } else { Code::AE0207 };
                let message = format!(
                    "{what} is {}, not {}",
                    self.kind_name(Kind::Of(ty)),
                    self.kind_name(found)
                );
                let label = format!("this is {}", self.kind_name(found));
                let help = match both {
                    true => "different assets never mix; convert one with a `Price`",
                    false => "both must be amounts of one asset, plain numbers, or conditions",
                };
                let diagnostic = self.error(code, message, self.span_of(typed.0), label);
                self.refuse(diagnostic.help(help))
            }
        }
    }
}

/// Whether values of a type are plain numbers, which go together.
fn unitless(ty: Type) -> bool {
    matches!(ty, Type::Number | Type::Integer | Type::Time)
}

/// The type that a node of a kind carries.
pub(crate) fn node_type(kind: Kind) -> Type {
    match kind {
        Kind::Free => Type::Number,
        Kind::Of(ty) => ty,
    }
}

/// The unit of a product of two values with units.
fn times(left: Type, right: Type) -> Option<Type> {
    match (left, right) {
        (Type::Amount(asset), Type::Price(base, quote)) | (Type::Price(base, quote), Type::Amount(asset)) => {
            (asset == base).then_some(Type::Amount(quote))
        }
        (Type::Price(a, b), Type::Price(c, d)) => {
            if b == c {
                Some(price(a, d))
            } else if d == a {
                Some(price(c, b))
            } else {
                None
            }
        }
        _ => None,
    }
}

/// The unit of a quotient of two values with units.
fn over(left: Type, right: Type) -> Option<Type> {
    match (left, right) {
        (Type::Amount(quote), Type::Amount(base)) => Some(price(base, quote)),
        (Type::Amount(asset), Type::Price(base, quote)) => (asset == quote).then_some(Type::Amount(base)),
        (Type::Price(a, b), Type::Price(c, d)) => (a == c && b == d).then_some(Type::Number),
        _ => None,
    }
}

/// A price of an asset in itself is a plain number.
pub(crate) fn price(base: AssetId, quote: AssetId) -> Type {
    if base == quote {
        Type::Number
    } else {
        Type::Price(base, quote)
    }
}
