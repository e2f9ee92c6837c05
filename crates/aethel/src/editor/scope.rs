//! The names inside one intent.

use super::names::{Role, SymbolId, SymbolKind};
use super::resolve::{Parameters, Resolver, part};
use aethel_ir::Span;
use aethel_syntax::ast::{BinaryOp, Expr, ExprKind, IntentDecl, Name, Statement};

/// How many `_` of a word such as `p_btc_balance` are tried; the lowering tries as many.
const MAX_SPLITS: usize = 16;

pub(super) struct IntentScope<'r, 'a> {
    resolver: &'r mut Resolver<'a>,
    intent: &'a IntentDecl,
    /// Parameters and the names that the guard gives.
    names: Parameters<'a>,
}

impl<'r, 'a> IntentScope<'r, 'a> {
    pub(super) fn new(resolver: &'r mut Resolver<'a>, intent: &'a IntentDecl, names: Parameters<'a>) -> Self {
        Self {
            resolver,
            intent,
            names,
        }
    }

    /// Finds every name of the intent.
    pub(super) fn walk(mut self) {
        for param in &self.intent.params {
            self.resolver.ty(&param.ty);
        }
        self.declare_values();
        for statement in &self.intent.guard {
            self.statement(statement, false);
        }
        for statement in &self.intent.verify {
            self.statement(statement, true);
        }
    }

    /// `let v = ..`, `v = ..` with a new name, and `old_company == company.balance`.
    fn declare_values(&mut self) {
        for statement in &self.intent.guard {
            match statement {
                Statement::Let { name, .. } => self.declare(&name.text, name.span),
                Statement::Assign { target, .. } => {
                    if let ExprKind::Name(name) = &target.kind
                        && self.short_place(name).is_none()
                    {
                        self.declare(name, target.span);
                    }
                }
                Statement::Condition(_) => {}
            }
        }
        for statement in &self.intent.guard {
            let Statement::Condition(condition) = statement else {
                continue;
            };
            let ExprKind::Binary(BinaryOp::Equal, _, left, right) = &condition.kind else {
                continue;
            };
            for (side, other) in [(left, right), (right, left)] {
                if let ExprKind::Name(name) = &side.kind
                    && !self.resolver.constants.contains_key(name.as_str())
                    && self.oracle_flag(name).is_none()
                    && self.short_place(name).is_none()
                    && self.is_place(other)
                {
                    self.declare(name, side.span);
                }
            }
        }
    }

    fn declare(&mut self, name: &'a str, at: Span) {
        if !self.names.contains_key(name) {
            let scope = Some(self.intent.span);
            let id = self.resolver.add(SymbolKind::Value, name, Some(at), scope);
            self.names.insert(name, id);
        }
    }

    fn account(&self, name: &str) -> Option<SymbolId> {
        let id = *self.names.get(name)?;
        (self.resolver.kind(id) == Some(SymbolKind::AccountParameter)).then_some(id)
    }

    /// The account and the field that `p_balance` or `p_btc_balance` means.
    fn short_place(&self, name: &'a str) -> Option<(SymbolId, &'a str, &'a str)> {
        if !name.ends_with("balance") {
            return None;
        }
        for (at, _) in name.rmatch_indices('_').take(MAX_SPLITS) {
            let (param, field) = (name.get(..at)?, name.get(at + 1..)?);
            let known = field == "balance"
                || field
                    .strip_suffix("_balance")
                    .is_some_and(|prefix| self.resolver.asset(prefix).is_some());
            if let (Some(id), true) = (self.account(param), known) {
                return Some((id, param, field));
            }
        }
        None
    }

    /// The parameter that `btc_price_verified` or `btc_price_fresh` belongs to.
    fn oracle_flag(&self, name: &'a str) -> Option<(SymbolId, &'a str)> {
        let base = name
            .strip_suffix("_verified")
            .or_else(|| name.strip_suffix("_fresh"))?;
        let external =
            |param: &&aethel_syntax::ast::Param| param.name.text == base && param.external.is_some();
        self.intent.params.iter().find(external)?;
        Some((*self.names.get(base)?, base))
    }

    /// Whether an expression is nothing but a place.
    fn is_place(&self, expr: &'a Expr) -> bool {
        match &expr.kind {
            ExprKind::Field(base, _) => self.account(&base.text).is_some(),
            ExprKind::Name(name) => self.account(name).is_some() || self.short_place(name).is_some(),
            _ => false,
        }
    }

    fn statement(&mut self, statement: &'a Statement, verify: bool) {
        match statement {
            Statement::Condition(expr) => match &expr.kind {
                ExprKind::Binary(BinaryOp::Equal, _, left, right) if verify && self.is_place(left) => {
                    self.expression(left, Role::Write);
                    self.expression(right, Role::Read);
                }
                _ => self.expression(expr, Role::Read),
            },
            Statement::Let { value, .. } => self.expression(value, Role::Read),
            Statement::Assign { target, value, .. } => {
                let role = if verify { Role::Write } else { Role::Read };
                self.expression(target, role);
                self.expression(value, Role::Read);
            }
        }
    }

    fn expression(&mut self, expr: &'a Expr, role: Role) {
        match &expr.kind {
            ExprKind::Name(name) => self.name(name, expr.span, role),
            ExprKind::Field(base, field) => self.place(base, field, role),
            ExprKind::Old(inner) | ExprKind::Unary(_, inner) => self.expression(inner, role),
            ExprKind::Call(function, args) => self.function(function, args),
            ExprKind::Binary(_, _, a, b) => {
                self.expression(a, role);
                self.expression(b, role);
            }
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) => {}
        }
    }

    fn place(&mut self, base: &'a Name, field: &'a Name, role: Role) {
        let Some(id) = self.names.get(base.text.as_str()).copied() else {
            return;
        };
        self.resolver.note(base.span, id, role);
        if self.resolver.balance(&field.text, field.span.start) {
            return;
        }
        if let Some(id) = self.resolver.fields.get(field.text.as_str()).copied() {
            self.resolver.note(field.span, id, role);
        }
    }

    /// `round(x, USD, half_even)` names an asset and a mode; everything else is a value.
    fn function(&mut self, function: &Name, args: &'a [Expr]) {
        let round = function.text == "round";
        for (index, arg) in args.iter().enumerate() {
            if round && index > 0 && index + 1 == args.len() {
                continue;
            }
            match &arg.kind {
                ExprKind::Name(name) if round && index == 1 => match self.resolver.asset(name) {
                    Some(asset) => self.resolver.note(arg.span, asset, Role::Read),
                    None => self.expression(arg, Role::Read),
                },
                _ => self.expression(arg, Role::Read),
            }
        }
    }

    fn name(&mut self, name: &'a str, span: Span, role: Role) {
        if let Some(id) = self.names.get(name).copied() {
            // Where a name is declared by being used, it is one occurrence.
            if self.resolver.declared_at(id) != Some(span) {
                self.resolver.note(span, id, role);
            }
        } else if let Some(id) = self.resolver.constants.get(name).copied() {
            self.resolver.note(span, id, role);
        } else if let Some((id, base)) = self.oracle_flag(name) {
            self.resolver.note(part(span.start, base), id, role);
        } else if !self.short(name, span.start, role)
            && let Some(rest) = name.strip_prefix("old_")
        {
            let start = span.start + 4;
            match self.account(rest) {
                Some(id) => self.resolver.note(part(start, rest), id, Role::Read),
                None => {
                    self.short(rest, start, Role::Read);
                }
            }
        }
    }

    /// `p_balance`; whether it is that.
    fn short(&mut self, name: &'a str, start: u32, role: Role) -> bool {
        let Some((id, param, field)) = self.short_place(name) else {
            return false;
        };
        self.resolver.note(part(start, param), id, role);
        self.resolver.balance(field, start + param.len() as u32 + 1);
        true
    }
}
