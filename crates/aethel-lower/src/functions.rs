//! Calls of `min`, `max`, `abs` and `round`.

use crate::constant;
use crate::expression::{Kind, Typed};
use crate::intent::Compiler;
use crate::symbols::Constant;
use crate::units::node_type;
use aethel_ir::intent::{BinaryOp, UnaryOp};
use aethel_ir::{Code, Expr as Ir, Rational, RoundMode, Span, Type, quote};
use aethel_syntax::ast::{self, Expr, ExprKind};

impl<'a> Compiler<'a, '_> {
    pub(crate) fn call(
        &mut self,
        function: &'a ast::Name,
        args: &'a [Expr],
        span: Span,
        expected: Option<Type>,
    ) -> Option<Typed> {
        match function.text.as_str() {
            "min" | "max" if args.len() >= 2 => {
                let op = if function.text == "min" {
                    BinaryOp::Min
                } else {
                    BinaryOp::Max
                };
                self.least_or_greatest(op, function, args, span, expected)
            }
            "abs" if args.len() == 1 => {
                let (id, kind) = self.expression(&args[0], expected)?;
                if kind == Kind::Of(Type::Bool) {
                    return self.wrong_call(function, "`abs` takes a number or an amount");
                }
                let ty = node_type(kind);
                Some((self.push(Ir::Unary(UnaryOp::Abs, id), span, ty), kind))
            }
            "round" if matches!(args.len(), 2 | 3) => self.round(function, args, span, expected),
            "min" | "max" => self.wrong_call(function, "it takes two or more values: `min(a, b)`"),
            "abs" => self.wrong_call(function, "it takes one value: `abs(x)`"),
            "round" => self.wrong_call(
                function,
                "write `round(x, half_even)` or `round(x, USD, half_even)`",
            ),
            name => {
                let message = format!("`{}` is not a function", quote(name));
                let known = ["min", "max", "abs", "round", "old"];
                if ["require", "assert", "ensure", "check"].contains(&name) {
                    let help = format!("a condition stands alone, and holds or does not: leave `{name}` out");
                    let diagnostic = self
                        .error(Code::AE0211, message, function.span, "unknown")
                        .help(help);
                    return self.refuse(diagnostic);
                }
                let diagnostic = self
                    .error(Code::AE0211, message, function.span, "unknown")
                    .help("the functions are `min`, `max`, `abs` and `round`")
                    .meant(self.symbols.source, function.span, name, known);
                self.refuse(diagnostic)
            }
        }
    }

    /// `min` and `max` of any number of values, as a balanced tree: a long list must not become a deep expression.
    fn least_or_greatest(
        &mut self,
        op: BinaryOp,
        function: &ast::Name,
        args: &'a [Expr],
        span: Span,
        expected: Option<Type>,
    ) -> Option<Typed> {
        let mut values: Vec<Typed> = Vec::with_capacity(args.len());
        let mut known = expected;
        for arg in args {
            let value = self.expression(arg, known);
            if let (None, Some((_, Kind::Of(ty)))) = (known, value) {
                known = Some(ty);
            }
            values.extend(value);
        }
        if values.len() < args.len() {
            return None;
        }
        while values.len() > 1 {
            let mut next = Vec::with_capacity(values.len().div_ceil(2));
            for pair in values.chunks(2) {
                next.push(match *pair {
                    [left, right] => {
                        let (left, right, kind) = self.unify(&function.text, left, right)?;
                        if kind == Kind::Of(Type::Bool) {
                            return self.wrong_call(function, "`min` and `max` take numbers or amounts");
                        }
                        (
                            self.push(Ir::Binary(op, left, right), span, node_type(kind)),
                            kind,
                        )
                    }
                    [single] => single,
                    _ => continue,
                });
            }
            values = next;
        }
        values.pop()
    }

    fn wrong_call<T>(&mut self, function: &ast::Name, help: &str) -> Option<T> {
        let message = format!("wrong arguments for `{}`", function.text);
        let diagnostic = self
            .error(Code::AE0211, message, function.span, "called here")
            .help(help);
        self.refuse(diagnostic)
    }

    /// `round(x, mode)`, `round(x, ASSET, mode)`, `round(x, digits, mode)`.
    fn round(
        &mut self,
        function: &ast::Name,
        args: &'a [Expr],
        span: Span,
        expected: Option<Type>,
    ) -> Option<Typed> {
        let mode_arg = &args[args.len() - 1];
        let mode = match &mode_arg.kind {
            ExprKind::Name(name) => RoundMode::NAMES.into_iter().find(|(known, _)| known == name),
            _ => None,
        };
        let Some((_, mode)) = mode else {
            let mut diagnostic = self
                .error(
                    Code::AE0211,
                    "`round` needs a rounding mode last",
                    mode_arg.span,
                    "expected a mode",
                )
                .help("the modes are `half_even`, `half_up`, `up` and `down`");
            if let ExprKind::Name(name) = &mode_arg.kind {
                let known = RoundMode::NAMES.map(|(name, _)| name);
                diagnostic = diagnostic.meant(self.symbols.source, mode_arg.span, name, known);
            }
            return self.refuse(diagnostic);
        };
        // With an asset named, or an amount expected, literals inside are meant in that asset.
        let named = (args.len() == 3).then(|| &args[1]);
        let target = match named.map(|arg| &arg.kind) {
            Some(ExprKind::Name(name)) if self.symbols.asset_named(name).is_some() => {
                let asset = self.symbols.asset_named(name)?.clone();
                Some(Type::Amount(self.tables.asset(&asset)))
            }
            Some(ExprKind::Name(name)) if !self.symbols.constants.contains_key(name.as_str()) => {
                let message = format!("`{}` is not an asset", quote(name));
                let diagnostic = self
                    .error(
                        Code::AE0203,
                        message,
                        args[1].span,
                        "expected an asset or a number of places",
                    )
                    .meant(
                        self.symbols.source,
                        args[1].span,
                        name,
                        self.symbols.asset_names(),
                    );
                return self.refuse(diagnostic);
            }
            Some(_) => None,
            None => expected.filter(|ty| matches!(ty, Type::Amount(_) | Type::Integer)),
        };
        let digits = match (named, target) {
            (Some(arg), None) => {
                let places = constant::evaluate(self.symbols, arg, self.diagnostics)?;
                match places {
                    Constant::Number(n) if n >= Rational::ZERO && n <= Rational::Int(18) => n.to_i128(),
                    _ => None,
                }
                .or_else(|| self.wrong_call(function, "the number of places is a whole number from 0 to 18"))
                .map(|n| n as i32)
                .map(Some)?
            }
            _ => None,
        };
        let value = self.expression(&args[0], target.or(expected))?;
        let value = match (target, value.1) {
            (Some(ty), Kind::Free) => (self.with_unit(value, ty), Kind::Of(ty)),
            (Some(Type::Amount(asset)), Kind::Of(found))
                if found != Type::Amount(asset) && named.is_some() =>
            {
                self.coerce(value, Type::Amount(asset), "the rounded value")?;
                return None;
            }
            _ => value,
        };
        let unit = match (value.1, digits) {
            (Kind::Of(Type::Bool), _) => return self.wrong_call(function, "conditions cannot be rounded"),
            (Kind::Of(Type::Amount(_)), None) => Rational::ONE,
            (Kind::Of(Type::Amount(asset)), Some(digits)) => {
                Rational::power_of_ten(i32::from(self.tables.scale(asset)) - digits)
            }
            (Kind::Of(Type::Price(base, quote)), Some(digits)) => {
                let shift = i32::from(self.tables.scale(quote)) - i32::from(self.tables.scale(base));
                Rational::power_of_ten(shift - digits)
            }
            (_, Some(digits)) => Rational::power_of_ten(-digits),
            (Kind::Of(Type::Integer), None) => Rational::ONE,
            (_, None) => {
                return self.wrong_call(
                    function,
                    "say to what: `round(x, 2, half_even)` or `round(x, USD, half_even)`",
                );
            }
        };
        let ty = node_type(value.1);
        Some((
            self.push(
                Ir::Round {
                    value: value.0,
                    unit,
                    mode,
                },
                span,
                ty,
            ),
            value.1,
        ))
    }
}
