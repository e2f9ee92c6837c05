//! Expressions: names to places and parameters, units of literals, types of operators.

use crate::intent::{Compiler, Named, Phase};
use crate::symbols::Constant;
use aethel_ir::intent::{BinaryOp, Node, UnaryOp};
use aethel_ir::{AssetId, Code, Diagnostic, Expr as Ir, ExprId, Rational, RoundMode, Span, Type};
use aethel_ir::{Safety, Slot, did_you_mean, quote};
use aethel_syntax::ast::{self, Expr, ExprKind};

/// What an expression is: something with a type, or literals only, which take the type of their use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Built from literals; in units, not minor units.
    Free,
    /// Of this type.
    Of(Type),
}

/// A lowered expression.
pub(crate) type Typed = (ExprId, Kind);

impl<'a> Compiler<'a, '_> {
    /// Adds a node to the arena.
    pub(crate) fn push(&mut self, expr: Ir, span: Span, ty: Type) -> ExprId {
        let id = ExprId(self.intent.nodes.len() as u32);
        self.intent.nodes.push(Node { expr, span, ty });
        id
    }

    fn span_of(&self, id: ExprId) -> Span {
        self.intent.node(id).map_or(Span::default(), |node| node.span)
    }

    /// Reports and gives nothing.
    fn refuse<T>(&mut self, diagnostic: Diagnostic) -> Option<T> {
        self.diagnostics.push(diagnostic);
        None
    }

    fn error(
        &self,
        code: Code,
        message: impl Into<String>,
        span: Span,
        label: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::new(code, message).label(self.symbols.source, span, label)
    }

    /// How a kind is called in messages.
    pub(crate) fn kind_name(&self, kind: Kind) -> String {
        match kind {
            Kind::Free | Kind::Of(Type::Number) => "a number".into(),
            Kind::Of(Type::Bool) => "a condition".into(),
            Kind::Of(Type::Integer) => "a whole number".into(),
            Kind::Of(Type::Time) => "a time".into(),
            Kind::Of(Type::Amount(asset)) => format!("an amount of {}", self.tables.asset_name(asset)),
            Kind::Of(Type::Price(base, quote)) => {
                format!(
                    "a price of {} in {}",
                    self.tables.asset_name(base),
                    self.tables.asset_name(quote)
                )
            }
        }
    }

    /// Lowers a condition.
    pub(crate) fn condition(&mut self, expr: &'a Expr) -> Option<ExprId> {
        let (id, kind) = self.expression(expr, None)?;
        if kind == Kind::Of(Type::Bool) {
            return Some(id);
        }
        let message = format!("{} is not a condition", self.kind_name(kind));
        let diagnostic = self
            .error(
                Code::AE0218,
                message,
                expr.span,
                "expected something that is true or false",
            )
            .help("compare it, for example `.. >= 0`");
        self.refuse(diagnostic)
    }

    /// Lowers an expression; `expected` is the type of the use, for `round` and literals.
    pub(crate) fn expression(&mut self, expr: &'a Expr, expected: Option<Type>) -> Option<Typed> {
        match &expr.kind {
            ExprKind::Number(text) => {
                let Some(number) = Rational::parse_decimal(text) else {
                    let message = format!("`{}` is not a number", quote(text));
                    let diagnostic = self.error(Code::AE0112, message, expr.span, "here");
                    return self.refuse(diagnostic);
                };
                Some((self.push(Ir::Number(number), expr.span, Type::Number), Kind::Free))
            }
            ExprKind::Bool(flag) => Some((
                self.push(Ir::Bool(*flag), expr.span, Type::Bool),
                Kind::Of(Type::Bool),
            )),
            ExprKind::Text(_) => {
                let diagnostic = self
                    .error(
                        Code::AE0207,
                        "a string is not a value",
                        expr.span,
                        "a string cannot be computed with",
                    )
                    .help("strings only name accounts and files, in calls");
                self.refuse(diagnostic)
            }
            ExprKind::Name(name) => self.name(name, expr.span, false),
            ExprKind::Field(base, field) => {
                let slot = self.field_place(base, field)?;
                Some(self.read(slot, expr.span, false))
            }
            ExprKind::Old(inner) => self.old(inner, expr.span),
            ExprKind::Unary(op, inner) => self.unary(*op, inner, expr.span, expected),
            ExprKind::Binary(op, _, a, b) => self.binary(*op, a, b, expr.span, expected),
            ExprKind::Call(function, args) => self.call(function, args, expr.span, expected),
        }
    }

    /// Reads a place before or after, as the phase says.
    fn read(&mut self, slot: Slot, span: Span, old: bool) -> Typed {
        let ty = self.slot_type(slot);
        let expr = if self.phase == Phase::After && !old {
            Ir::After(slot)
        } else {
            Ir::Before(slot)
        };
        (self.push(expr, span, ty), Kind::Of(ty))
    }

    /// `old(place)`.
    fn old(&mut self, inner: &'a Expr, span: Span) -> Option<Typed> {
        match &inner.kind {
            ExprKind::Field(base, field) => {
                let slot = self.field_place(base, field)?;
                Some(self.read(slot, span, true))
            }
            ExprKind::Name(name) => self.name(name, inner.span, true),
            _ => {
                let diagnostic = self
                    .error(
                        Code::AE0207,
                        "`old` takes a place",
                        inner.span,
                        "expected `account.balance` or a field",
                    )
                    .help(
                        "write `old(company.balance)`; in a larger expression, put `old` around each place",
                    );
                self.refuse(diagnostic)
            }
        }
    }

    /// A bare name: a parameter, a `let`, a constant, or one of the short forms for a place.
    fn name(&mut self, name: &'a str, span: Span, old: bool) -> Option<Typed> {
        self.used.insert(name);
        match self.names.get(name).copied() {
            Some(Named::Value(index, ty)) => Some((self.push(Ir::Value(index), span, ty), Kind::Of(ty))),
            Some(Named::Let(index, kind)) => {
                let ty = if let Kind::Of(ty) = kind { ty } else { Type::Number };
                Some((self.push(Ir::Let(index), span, ty), kind))
            }
            Some(Named::Flat(slot)) => Some(self.read(slot, span, old)),
            Some(Named::Account(_)) => {
                let diagnostic = self
                    .error(
                        Code::AE0207,
                        format!("`{name}` is an account, not a value"),
                        span,
                        "an account",
                    )
                    .help(format!("did you mean `{name}.balance`?"))
                    .fix(
                        "use its balance",
                        Safety::Unsafe,
                        self.symbols.source,
                        span,
                        format!("{name}.balance"),
                    );
                self.refuse(diagnostic)
            }
            Some(Named::Broken) => None,
            None => self.other_name(name, span, old),
        }
    }

    /// A name that is neither parameter nor `let`.
    fn other_name(&mut self, name: &'a str, span: Span, old: bool) -> Option<Typed> {
        if let Some(constant) = self.symbols.constants.get(name) {
            return match constant.as_ref()? {
                Constant::Number(n) => {
                    Some((self.push(Ir::Number(n.clone()), span, Type::Number), Kind::Free))
                }
                Constant::Bool(flag) => {
                    Some((self.push(Ir::Bool(*flag), span, Type::Bool), Kind::Of(Type::Bool)))
                }
            };
        }
        if let Some(Named::Value(index, ty)) = self.oracle_flag(name) {
            return Some((self.push(Ir::Value(index), span, ty), Kind::Of(ty)));
        }
        if let Some(slot) = self.short_place(name, span) {
            return Some(self.read(slot, span, old));
        }
        if let Some(rest) = name.strip_prefix("old_")
            && let Some(slot) = self.place_before(rest)
        {
            return Some(self.read(slot, span, true));
        }
        let suggestion = did_you_mean(name, self.known_names());
        let diagnostic = self
            .error(
                Code::AE0201,
                format!("`{}` is not declared", quote(name)),
                span,
                "unknown name",
            )
            .help_opt(suggestion.clone());
        let diagnostic = match aethel_ir::closest(name, self.known_names()) {
            Some(found) => {
                let title = format!("write `{found}`");
                diagnostic.fix(title, Safety::Unsafe, self.symbols.source, span, found)
            }
            None => diagnostic.help(format!(
                "declare it as a parameter of `{}`, or with `let`",
                self.decl.name.text
            )),
        };
        self.refuse(diagnostic)
    }

    /// The place that `x` of `old_x` means.
    fn place_before(&mut self, name: &str) -> Option<Slot> {
        match self.names.get(name).copied() {
            Some(Named::Flat(slot)) => Some(slot),
            Some(Named::Account(account)) => {
                self.mark_used(account);
                self.balance_of(account)
            }
            _ => self.place_with_underscore(name),
        }
    }

    fn unary(
        &mut self,
        op: ast::UnaryOp,
        inner: &'a Expr,
        span: Span,
        expected: Option<Type>,
    ) -> Option<Typed> {
        let (id, kind) = self.expression(inner, expected)?;
        let (ir, wanted) = match op {
            ast::UnaryOp::Negate => (UnaryOp::Negate, kind != Kind::Of(Type::Bool)),
            ast::UnaryOp::Not => (UnaryOp::Not, kind == Kind::Of(Type::Bool)),
        };
        if !wanted {
            let sign = if op == ast::UnaryOp::Negate { "-" } else { "!" };
            let message = format!("`{sign}` does not apply to {}", self.kind_name(kind));
            let diagnostic = self.error(Code::AE0207, message, span, "here");
            return self.refuse(diagnostic);
        }
        let ty = self.intent.node(id).map_or(Type::Number, |node| node.ty);
        Some((self.push(Ir::Unary(ir, id), span, ty), kind))
    }

    fn binary(
        &mut self,
        op: ast::BinaryOp,
        a: &'a Expr,
        b: &'a Expr,
        span: Span,
        expected: Option<Type>,
    ) -> Option<Typed> {
        use ast::BinaryOp as Op;
        match op {
            Op::Implies | Op::Or | Op::And => {
                let (left, right) = (self.condition(a), self.condition(b));
                let ir = match op {
                    Op::Implies => BinaryOp::Implies,
                    Op::Or => BinaryOp::Or,
                    _ => BinaryOp::And,
                };
                let id = self.push(Ir::Binary(ir, left?, right?), span, Type::Bool);
                Some((id, Kind::Of(Type::Bool)))
            }
            Op::Equal | Op::NotEqual | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => {
                self.comparison(op, a, b, span)
            }
            Op::Add | Op::Subtract | Op::Remainder => {
                let (left, right) = (self.expression(a, expected), self.expression(b, expected));
                let (left, right, kind) = self.unify(op.as_str(), left?, right?)?;
                if kind == Kind::Of(Type::Bool) {
                    let message = format!("`{}` does not apply to conditions", op.as_str());
                    let diagnostic = self.error(Code::AE0207, message, span, "here");
                    return self.refuse(diagnostic);
                }
                let ir = match op {
                    Op::Add => BinaryOp::Add,
                    Op::Subtract => BinaryOp::Subtract,
                    _ => BinaryOp::Remainder,
                };
                Some((
                    self.push(Ir::Binary(ir, left, right), span, node_type(kind)),
                    kind,
                ))
            }
            Op::Multiply | Op::Divide => {
                let (left, right) = (self.expression(a, None), self.expression(b, None));
                self.product(op, left?, right?, span)
            }
        }
    }

    fn comparison(&mut self, op: ast::BinaryOp, a: &'a Expr, b: &'a Expr, span: Span) -> Option<Typed> {
        use ast::BinaryOp as Op;
        let left = self.expression(a, None);
        let expected = match left {
            Some((_, Kind::Of(ty))) => Some(ty),
            _ => None,
        };
        let right = self.expression(b, expected);
        let (left, right, kind) = self.unify(op.as_str(), left?, right?)?;
        let ir = match op {
            Op::Equal => BinaryOp::Equal,
            Op::NotEqual => BinaryOp::NotEqual,
            Op::Less => BinaryOp::Less,
            Op::LessEqual => BinaryOp::LessEqual,
            Op::Greater => BinaryOp::Greater,
            _ => BinaryOp::GreaterEqual,
        };
        if kind == Kind::Of(Type::Bool) && !matches!(op, Op::Equal | Op::NotEqual) {
            let message = format!("`{}` does not apply to conditions", op.as_str());
            let diagnostic = self.error(Code::AE0207, message, span, "conditions can only be equal or not");
            return self.refuse(diagnostic);
        }
        Some((
            self.push(Ir::Binary(ir, left, right), span, Type::Bool),
            Kind::Of(Type::Bool),
        ))
    }

    /// Multiplication and division, with units.
    fn product(&mut self, op: ast::BinaryOp, left: Typed, right: Typed, span: Span) -> Option<Typed> {
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
    fn unify(&mut self, what: &str, left: Typed, right: Typed) -> Option<(ExprId, ExprId, Kind)> {
        let unitless = |ty| matches!(ty, Type::Number | Type::Integer | Type::Time);
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
    fn with_unit(&mut self, (id, kind): Typed, ty: Type) -> ExprId {
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
        let unitless = |ty| matches!(ty, Type::Number | Type::Integer | Type::Time);
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
                let diagnostic = self.error(code, message, self.span_of(typed.0), label);
                self.refuse(diagnostic)
            }
        }
    }

    fn call(
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
                let lowered: Vec<_> = args.iter().map(|arg| self.expression(arg, expected)).collect();
                let mut result: Option<Typed> = None;
                for next in lowered {
                    let next = next?;
                    result = Some(match result {
                        None => next,
                        Some(left) => {
                            let (l, r, kind) = self.unify(&function.text, left, next)?;
                            if kind == Kind::Of(Type::Bool) {
                                return self.wrong_call(function, "`min` and `max` take numbers or amounts");
                            }
                            (self.push(Ir::Binary(op, l, r), span, node_type(kind)), kind)
                        }
                    });
                }
                result
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
                let suggestion = did_you_mean(name, ["min", "max", "abs", "round", "old"]);
                let message = format!("`{}` is not a function", quote(name));
                let help =
                    suggestion.unwrap_or_else(|| "the functions are `min`, `max`, `abs` and `round`".into());
                let diagnostic = self
                    .error(Code::AE0211, message, function.span, "unknown")
                    .help(help);
                self.refuse(diagnostic)
            }
        }
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
            let suggestion = match &mode_arg.kind {
                ExprKind::Name(name) => did_you_mean(name, RoundMode::NAMES.map(|(name, _)| name)),
                _ => None,
            };
            let help =
                suggestion.unwrap_or_else(|| "the modes are `half_even`, `half_up`, `up` and `down`".into());
            let diagnostic = self
                .error(
                    Code::AE0211,
                    "`round` needs a rounding mode last",
                    mode_arg.span,
                    "expected a mode",
                )
                .help(help);
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
                let suggestion = did_you_mean(name, self.symbols.asset_names());
                let message = format!("`{}` is not an asset", quote(name));
                let diagnostic = self
                    .error(
                        Code::AE0203,
                        message,
                        args[1].span,
                        "expected an asset or a number of places",
                    )
                    .help_opt(suggestion);
                return self.refuse(diagnostic);
            }
            Some(_) => None,
            None => expected.filter(|ty| matches!(ty, Type::Amount(_) | Type::Integer)),
        };
        let digits = match (named, target) {
            (Some(arg), None) => {
                let places = crate::constant::evaluate(self.symbols, arg, self.diagnostics)?;
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
            (Some(Type::Amount(asset)), Kind::Of(Type::Amount(found)))
                if asset != found && named.is_some() =>
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

/// The type that a node of a kind carries.
fn node_type(kind: Kind) -> Type {
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
                price(a, d)
            } else if d == a {
                price(c, b)
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
        (Type::Amount(quote), Type::Amount(base)) => price(base, quote),
        (Type::Amount(asset), Type::Price(base, quote)) => (asset == quote).then_some(Type::Amount(base)),
        (Type::Price(a, b), Type::Price(c, d)) => (a == c && b == d).then_some(Type::Number),
        _ => None,
    }
}

/// A price of an asset in itself is a plain number.
fn price(base: AssetId, quote: AssetId) -> Option<Type> {
    Some(if base == quote {
        Type::Number
    } else {
        Type::Price(base, quote)
    })
}
