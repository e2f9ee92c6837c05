//! Expressions: names to places and parameters, units of literals, types of operators.

use crate::constant::NUMBER_HELP;
use crate::intent::{Compiler, Named, Phase};
use crate::program::index32;
use crate::symbols::Constant;
use crate::units::node_type;
use aethel_ir::intent::{BinaryOp, Node, UnaryOp};
use aethel_ir::{Code, Diagnostic, Expr as Ir, ExprId, Rational, Safety, Slot, Span, Type, quote};
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
        // A node takes a byte of source at least, and sources are far smaller than 4 GiB.
        let id = ExprId(index32(self.intent.nodes.len()));
        self.intent.nodes.push(Node { expr, span, ty });
        id
    }

    pub(crate) fn span_of(&self, id: ExprId) -> Span {
        self.intent.node(id).map_or(Span::default(), |node| node.span)
    }

    /// Reports and gives nothing.
    pub(crate) fn refuse<T>(&mut self, diagnostic: Diagnostic) -> Option<T> {
        self.diagnostics.push(diagnostic);
        None
    }

    pub(crate) fn error(
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
        if self.diagnostics.full() {
            return None;
        }
        match &expr.kind {
            ExprKind::Number(text) => {
                let Some(number) = Rational::parse_decimal(text) else {
                    let message = format!("`{}` is not a number", quote(text));
                    let diagnostic = self
                        .error(Code::AE0112, message, expr.span, "here")
                        .help(NUMBER_HELP);
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
            Some(Named::Let(index, kind)) => Some((self.push(Ir::Let(index), span, node_type(kind)), kind)),
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
        // One line is enough, and none where the declaration may be what could not be read.
        self.names.insert(name, Named::Broken);
        if self.decl.broken {
            return None;
        }
        let diagnostic = self
            .error(
                Code::AE0201,
                format!("`{}` is not declared", quote(name)),
                span,
                "unknown name",
            )
            .help(format!(
                "declare it as a parameter of `{}`, or with `let`",
                self.decl.name.text
            ))
            .meant(self.symbols.source, span, name, self.known_names());
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
            let help = match op {
                ast::UnaryOp::Negate => {
                    "`-` takes a number or an amount; a condition is turned round with `!`"
                }
                ast::UnaryOp::Not => "`!` takes a condition; a number is turned round with `-`",
            };
            let diagnostic = self.error(Code::AE0207, message, span, "here").help(help);
            return self.refuse(diagnostic);
        }
        if let (UnaryOp::Negate, Some(node)) = (ir, self.intent.nodes.get_mut(id.0 as usize))
            && let Ir::Number(number) = &node.expr
            && let Ok(negative) = number.neg()
        {
            // `-5` is a literal like `5`.
            (node.expr, node.span) = (Ir::Number(negative), span);
            return Some((id, kind));
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
                let (left, right) = self.operands(a, b, expected);
                let (left, right, kind) = self.unify(op.as_str(), left?, right?)?;
                if kind == Kind::Of(Type::Bool) {
                    let message = format!("`{}` does not apply to conditions", op.as_str());
                    let diagnostic = self
                        .error(Code::AE0207, message, span, "here")
                        .help("conditions are joined with `&&`, `||` and `==>`");
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

    /// Two operands that will have one type: what the one is, the other is expected to be.
    fn operands(
        &mut self,
        a: &'a Expr,
        b: &'a Expr,
        expected: Option<Type>,
    ) -> (Option<Typed>, Option<Typed>) {
        let expect = |known: Option<Typed>| match known {
            Some((_, Kind::Of(ty))) if expected.is_none() => Some(ty),
            _ => expected,
        };
        // `round(x, mode)` needs to know its use before it can be read.
        if expected.is_none() && takes_use(a) && !takes_use(b) {
            let right = self.expression(b, None);
            (self.expression(a, expect(right)), right)
        } else {
            let left = self.expression(a, expected);
            (left, self.expression(b, expect(left)))
        }
    }

    fn comparison(&mut self, op: ast::BinaryOp, a: &'a Expr, b: &'a Expr, span: Span) -> Option<Typed> {
        use ast::BinaryOp as Op;
        let (left, right) = self.operands(a, b, None);
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
            let diagnostic = self
                .error(Code::AE0207, message, span, "conditions can only be equal or not")
                .help("write `==` or `!=`");
            return self.refuse(diagnostic);
        }
        Some((
            self.push(Ir::Binary(ir, left, right), span, Type::Bool),
            Kind::Of(Type::Bool),
        ))
    }
}

/// Whether an expression rounds to the scale of its use.
fn takes_use(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(function, args) if function.text == "round" => args.len() == 2,
        ExprKind::Call(_, args) => args.iter().any(takes_use),
        ExprKind::Unary(_, inner) => takes_use(inner),
        ExprKind::Binary(
            ast::BinaryOp::Add | ast::BinaryOp::Subtract | ast::BinaryOp::Remainder,
            _,
            a,
            b,
        ) => takes_use(a) || takes_use(b),
        _ => false,
    }
}
