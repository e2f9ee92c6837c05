//! Compiles one intent: parameters, named values of the guard, conditions, effects, postconditions.
//!
//! Takes the tree of an intent and which of its value parameters have an argument; gives [`Compiled`]. A parameter
//! without an argument that a guard equation fixes becomes a `let`; one that nothing fixes stays a value parameter and
//! is listed in [`Compiled::unfixed`].

use crate::expression::Kind;
use crate::guard;
use crate::lints;
use crate::symbols::{FieldKind, Symbols, arc, duplicate};
use crate::tables::Tables;
use aethel_ir::intent::{AccountParameter, ValueParameter};
use aethel_ir::{
    AssetId, Code, Condition, Diagnostic, Effect, Expr as Ir, ExprId, Field, FieldId, Intent, Place, Safety,
    Slot, Span, Type, did_you_mean, quote,
};
use aethel_syntax::ast::{BinaryOp, Expr, ExprKind, IntentDecl, Name, Param, Statement, TypeRef};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a name inside an intent means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    /// Account parameter n.
    Account(u16),
    /// Value parameter n.
    Value(u16, Type),
    /// `let` n.
    Let(u16, Kind),
    /// In the flat form: the balance of the account of this name.
    Flat(Slot),
    /// Its declaration has an error that is reported already.
    Broken,
}

/// Which state bare places mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Guards, named values and the right sides of effects.
    Before,
    /// Postconditions.
    After,
}

/// Where a value parameter gets its value from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A call argument, the inputs file or a flag.
    Argument,
    /// An oracle proof for this parameter.
    Oracle,
    /// Whether the oracle proof of that parameter was verified (true whenever the batch runs).
    OracleFlag,
}

/// A compiled intent and what its caller must bring.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The intent.
    pub(crate) intent: Intent,
    /// For each value parameter, where its value comes from.
    pub(crate) origins: Vec<Origin>,
    /// Parameters that have no argument and no equation: name and place.
    pub(crate) unfixed: Vec<(Arc<str>, Span)>,
    /// Its index among the batch's intents, once it is there.
    pub(crate) id: u32,
}

/// The state of a compilation.
pub(crate) struct Compiler<'a, 't> {
    pub(crate) symbols: &'a Symbols<'a>,
    pub(crate) tables: &'t mut Tables,
    pub(crate) decl: &'a IntentDecl,
    pub(crate) names: HashMap<&'a str, Named>,
    pub(crate) intent: Intent,
    pub(crate) used: HashSet<&'a str>,
    pub(crate) phase: Phase,
    pub(crate) diagnostics: &'t mut Vec<Diagnostic>,
    /// Whether to add notes and warnings: once per intent, however often it is compiled.
    pub(crate) lint: bool,
    pub(crate) origins: Vec<Origin>,
    pub(crate) unfixed: Vec<(Arc<str>, Span)>,
    /// The asset of each account parameter's `balance`.
    balances: Vec<AssetId>,
    slots: HashMap<(u16, FieldId), Slot>,
}

/// A resolved parameter type.
enum ParamType {
    Account(AssetId),
    Value(Type),
}

/// Compiles `decl`; `given` says which value parameters have an argument. `None` when there was an error.
pub(crate) fn compile<'a>(
    symbols: &'a Symbols<'a>,
    tables: &mut Tables,
    decl: &'a IntentDecl,
    given: &dyn Fn(&str) -> bool,
    lint: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Compiled> {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let mut compiler = Compiler::new(symbols, tables, decl, lint, diagnostics);
    let pending = compiler.parameters(given);
    compiler.guard(pending);
    compiler.verify();
    compiler.solve();
    // After an error most lints would only repeat it in other words.
    let clean = compiler.diagnostics.iter().filter(|d| d.is_error()).count() == errors;
    if lint && clean {
        lints::intent(&mut compiler);
    }
    let Compiler {
        intent,
        origins,
        unfixed,
        diagnostics,
        ..
    } = compiler;
    let failed = diagnostics.iter().filter(|d| d.is_error()).count() > errors || decl.broken;
    (!failed).then_some(Compiled {
        intent,
        origins,
        unfixed,
        id: 0,
    })
}

/// A value parameter without an argument, waiting for an equation.
#[derive(Clone, Copy)]
pub(crate) struct Pending<'a> {
    pub(crate) param: &'a Param,
    pub(crate) ty: Type,
}

impl<'a, 't> Compiler<'a, 't> {
    /// An empty intent, to be filled from `decl`.
    pub(crate) fn new(
        symbols: &'a Symbols<'a>,
        tables: &'t mut Tables,
        decl: &'a IntentDecl,
        lint: bool,
        diagnostics: &'t mut Vec<Diagnostic>,
    ) -> Self {
        Compiler {
            symbols,
            tables,
            decl,
            names: HashMap::new(),
            intent: Intent {
                name: arc(&decl.name),
                source: symbols.source,
                span: decl.name.span,
                accounts: Vec::new(),
                values: Vec::new(),
                places: Vec::new(),
                nodes: Vec::new(),
                lets: Vec::new(),
                guard: Vec::new(),
                effects: Vec::new(),
                postconditions: Vec::new(),
                solve: Vec::new(),
            },
            used: HashSet::new(),
            phase: Phase::Before,
            diagnostics,
            lint,
            origins: Vec::new(),
            unfixed: Vec::new(),
            balances: Vec::new(),
            slots: HashMap::new(),
        }
    }

    /// Declares the parameters; gives those that wait for an equation.
    pub(crate) fn parameters(&mut self, given: &dyn Fn(&str) -> bool) -> Vec<Pending<'a>> {
        let decl = self.decl;
        let has_accounts = decl.params.iter().any(|p| p.ty.name.text == "Account");
        let flat = if has_accounts {
            HashSet::new()
        } else {
            flat_accounts(decl)
        };
        let mut first: HashMap<&str, &Name> = HashMap::new();
        let mut pending = Vec::new();
        for param in &decl.params {
            let name = param.name.text.as_str();
            if let Some(earlier) = first.insert(name, &param.name) {
                self.diagnostics
                    .push(duplicate(self.symbols.source, &param.name, earlier.span));
                continue;
            }
            match self.param_type(param) {
                None => {
                    self.names.insert(name, Named::Broken);
                }
                Some(ParamType::Account(asset)) => {
                    let index = self.add_account(param, asset);
                    self.names.insert(name, Named::Account(index));
                }
                Some(ParamType::Value(Type::Amount(asset))) if flat.contains(name) => {
                    let index = self.add_account(param, asset);
                    if let Some(slot) = self.balance_of(index) {
                        self.names.insert(name, Named::Flat(slot));
                    }
                }
                Some(ParamType::Value(ty)) if param.external.is_some() => {
                    self.add_value(param, ty, Origin::Oracle);
                }
                Some(ParamType::Value(ty)) if given(name) => self.add_value(param, ty, Origin::Argument),
                Some(ParamType::Value(ty)) => pending.push(Pending { param, ty }),
            }
        }
        pending
    }

    fn add_account(&mut self, param: &'a Param, asset: AssetId) -> u16 {
        let source = self.symbols.source;
        for (modifier, word) in [(param.external, "external"), (param.secret, "secret")] {
            if let Some(span) = modifier {
                self.diagnostics.push(
                    Diagnostic::new(Code::AE0219, format!("an account cannot be `{word}`"))
                        .label(source, span, "not here")
                        .help("put it on a value, such as `external price: Price`"),
                );
            }
        }
        self.balances.push(asset);
        self.intent.accounts.push(AccountParameter {
            name: arc(&param.name),
            span: param.name.span,
        });
        (self.intent.accounts.len() - 1) as u16
    }

    /// Makes a parameter one whose value each transaction brings.
    pub(crate) fn add_value(&mut self, param: &'a Param, ty: Type, origin: Origin) {
        let external = origin == Origin::Oracle;
        let index = self.push_value(arc(&param.name), ty, external, param, origin);
        self.names.insert(&param.name.text, Named::Value(index, ty));
    }

    fn push_value(&mut self, name: Arc<str>, ty: Type, external: bool, param: &Param, origin: Origin) -> u16 {
        let secret = param.secret.is_some();
        let span = param.name.span;
        self.intent.values.push(ValueParameter {
            name,
            ty,
            external,
            secret,
            span,
        });
        self.origins.push(origin);
        (self.intent.values.len() - 1) as u16
    }

    /// `btc_price_verified` and `btc_price_fresh` beside `external btc_price`.
    pub(crate) fn oracle_flag(&mut self, name: &'a str) -> Option<Named> {
        let base = name
            .strip_suffix("_verified")
            .or_else(|| name.strip_suffix("_fresh"))?;
        let param = self
            .decl
            .params
            .iter()
            .find(|p| p.name.text == base && p.external.is_some())?;
        self.used.insert(base);
        let index = self.push_value(name.into(), Type::Bool, true, param, Origin::OracleFlag);
        let named = Named::Value(index, Type::Bool);
        self.names.insert(name, named);
        Some(named)
    }

    /// The asset that a plain `Account` or `Balance` means.
    fn only_asset(&mut self, ty: &TypeRef) -> Option<AssetId> {
        if let [asset] = self.symbols.assets.as_slice() {
            return Some(self.tables.asset(asset));
        }
        let names: Vec<&str> = self.symbols.asset_names().collect();
        let word = &ty.name.text;
        self.diagnostics.push(
            Diagnostic::new(Code::AE0209, format!("which asset does this `{word}` hold?"))
                .label(
                    self.symbols.source,
                    ty.span,
                    format!("the program declares {}", names.join(", ")),
                )
                .help(format!("write `{word}<{}>`", names[0])),
        );
        None
    }

    fn asset_argument(&mut self, name: &Name) -> Option<AssetId> {
        if let Some(asset) = self.symbols.asset_named(&name.text) {
            return Some(self.tables.asset(asset));
        }
        let help = did_you_mean(&name.text, self.symbols.asset_names())
            .unwrap_or_else(|| format!("declare it: `asset {} {{ scale: 2; }}`", name.text));
        self.diagnostics.push(
            Diagnostic::new(
                Code::AE0203,
                format!("asset `{}` is not declared", quote(&name.text)),
            )
            .label(self.symbols.source, name.span, "unknown asset")
            .help(help),
        );
        None
    }

    fn param_type(&mut self, param: &Param) -> Option<ParamType> {
        let ty = &param.ty;
        let plain = match ty.name.text.as_str() {
            "Account" | "Balance" => {
                let asset = match ty.args.as_slice() {
                    [] => self.only_asset(ty)?,
                    [name] => self.asset_argument(name)?,
                    _ => return self.type_arguments(ty, "one asset"),
                };
                let account = ty.name.text == "Account";
                return Some(if account {
                    ParamType::Account(asset)
                } else {
                    ParamType::Value(Type::Amount(asset))
                });
            }
            "Price" => match ty.args.as_slice() {
                [] => Type::Number,
                [base, quote] => {
                    let (base, quote) = (self.asset_argument(base), self.asset_argument(quote));
                    let (base, quote) = (base?, quote?);
                    if base == quote {
                        Type::Number
                    } else {
                        Type::Price(base, quote)
                    }
                }
                _ => return self.type_arguments(ty, "two assets, `Price<BTC, USD>`"),
            },
            "Rate" | "Number" => Type::Number,
            "Integer" => Type::Integer,
            "Bool" => Type::Bool,
            "Time" => Type::Time,
            other => {
                let known = [
                    "Account", "Balance", "Price", "Rate", "Number", "Integer", "Bool", "Time",
                ];
                let help = did_you_mean(other, known).unwrap_or_else(|| {
                    format!("the types are {}", known.map(|t| format!("`{t}`")).join(", "))
                });
                self.diagnostics.push(
                    Diagnostic::new(Code::AE0204, format!("`{}` is not a type", quote(other)))
                        .label(self.symbols.source, ty.name.span, "unknown type")
                        .help(help),
                );
                return None;
            }
        };
        if !ty.args.is_empty() && ty.name.text != "Price" {
            return self.type_arguments(ty, "nothing");
        }
        Some(ParamType::Value(plain))
    }

    fn type_arguments<T>(&mut self, ty: &TypeRef, expected: &str) -> Option<T> {
        self.diagnostics.push(
            Diagnostic::new(
                Code::AE0204,
                format!("`{}` takes {expected} between `<` and `>`", ty.name.text),
            )
            .label(self.symbols.source, ty.span, format!("{} given", ty.args.len()))
            .help("examples: `Account<USD>`, `Balance<USD>`, `Price<BTC, USD>`, `Rate`"),
        );
        None
    }

    /// The slot of a place; the same place always has the same slot.
    pub(crate) fn slot(&mut self, account: u16, field: FieldId) -> Slot {
        if let Some(slot) = self.slots.get(&(account, field)) {
            return *slot;
        }
        let slot = Slot(self.intent.places.len() as u16);
        self.intent.places.push(Place { account, field });
        self.slots.insert((account, field), slot);
        slot
    }

    /// The slot of an account parameter's `balance`.
    pub(crate) fn balance_of(&mut self, account: u16) -> Option<Slot> {
        let asset = *self.balances.get(usize::from(account))?;
        let field = self.tables.field(Field::Balance(asset));
        Some(self.slot(account, field))
    }

    /// The type of a slot's values.
    pub(crate) fn slot_type(&self, slot: Slot) -> Type {
        let place = self.intent.places.get(usize::from(slot.0));
        let field = place.and_then(|place| self.tables.fields.get(usize::from(place.field.0)));
        field.map_or(Type::Number, aethel_ir::eval::field_type)
    }

    /// Notes that an account parameter was mentioned.
    pub(crate) fn mark_used(&mut self, account: u16) {
        let decl = self.decl;
        if let Some(param) = self.intent.accounts.get(usize::from(account))
            && let Some(param) = decl.params.iter().find(|p| *p.name.text == *param.name)
        {
            self.used.insert(&param.name.text);
        }
    }

    /// `account.field`.
    pub(crate) fn field_place(&mut self, base: &'a Name, field: &'a Name) -> Option<Slot> {
        self.used.insert(&base.text);
        match self.names.get(base.text.as_str()).copied() {
            Some(Named::Account(account)) => self.account_field(account, field),
            Some(Named::Flat(slot)) if field.text == "balance" => Some(slot),
            Some(Named::Broken) => None,
            Some(_) => {
                let message = format!("`{}` is a value, it has no fields", base.text);
                self.diagnostics.push(
                    Diagnostic::new(Code::AE0206, message)
                        .label(self.symbols.source, base.span, "not an account")
                        .help(format!(
                            "if it is an account, declare it as `{}: Account`",
                            base.text
                        )),
                );
                None
            }
            None => {
                let accounts = self
                    .intent
                    .accounts
                    .iter()
                    .map(|a| a.name.to_string())
                    .collect::<Vec<_>>();
                let names = accounts.iter().map(String::as_str);
                let message = format!(
                    "`{}` is not a parameter of `{}`",
                    quote(&base.text),
                    self.decl.name.text
                );
                let mut diagnostic = Diagnostic::new(Code::AE0201, message)
                    .label(self.symbols.source, base.span, "unknown account")
                    .help(
                        did_you_mean(&base.text, names.clone())
                            .unwrap_or_else(|| format!("add the parameter `{}: Account`", base.text)),
                    );
                if let Some(found) = aethel_ir::closest(&base.text, names) {
                    let title = format!("write `{found}`");
                    diagnostic = diagnostic.fix(title, Safety::Unsafe, self.symbols.source, base.span, found);
                }
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    fn account_field(&mut self, account: u16, field: &Name) -> Option<Slot> {
        let name = field.text.as_str();
        if name == "balance" {
            return self.balance_of(account);
        }
        if let Some(slot) = self.known_field(account, name) {
            return Some(slot);
        }
        let mut known: Vec<String> = self.symbols.fields.keys().map(ToString::to_string).collect();
        known.push("balance".into());
        if self.symbols.assets.len() > 1 {
            known.extend(
                self.symbols
                    .asset_names()
                    .map(|asset| format!("{}_balance", asset.to_lowercase())),
            );
        }
        let (code, message) = match name.strip_suffix("_balance") {
            Some(prefix) => (Code::AE0203, format!("no asset `{}` is declared", quote(prefix))),
            None => (Code::AE0206, format!("accounts have no field `{}`", quote(name))),
        };
        let help = did_you_mean(name, known.iter().map(String::as_str))
            .unwrap_or_else(|| format!("declare it at top level: `field {name}: Integer;`"));
        let mut diagnostic = Diagnostic::new(code, message)
            .label(self.symbols.source, field.span, "unknown field")
            .help(help);
        if let Some(found) = aethel_ir::closest(name, known.iter().map(String::as_str)) {
            let title = format!("write `{found}`");
            diagnostic = diagnostic.fix(title, Safety::Unsafe, self.symbols.source, field.span, found);
        }
        self.diagnostics.push(diagnostic);
        None
    }

    /// A declared field or `asset_balance` of an account parameter, if there is one of that name.
    fn known_field(&mut self, account: u16, name: &str) -> Option<Slot> {
        let field = if let Some(prefix) = name.strip_suffix("_balance") {
            let asset = self.symbols.asset_with_prefix(prefix)?;
            Field::Balance(self.tables.asset(asset))
        } else {
            match self.symbols.fields.get(name)? {
                FieldKind::Integer => Field::Integer(name.into()),
                FieldKind::Bool => Field::Bool(name.into()),
            }
        };
        let field = self.tables.field(field);
        Some(self.slot(account, field))
    }

    /// `p_balance` beside `p: Account`, with the note that `p.balance` is the modern spelling.
    pub(crate) fn short_place(&mut self, name: &'a str, span: Span) -> Option<Slot> {
        let slot = self.place_with_underscore(name)?;
        if self.lint {
            let account = self
                .intent
                .places
                .get(usize::from(slot.0))
                .map(|place| usize::from(place.account));
            let account = account
                .and_then(|a| self.intent.accounts.get(a))
                .map(|a| a.name.to_string());
            let modern = account.and_then(|a| Some(format!("{a}.{}", name.get(a.len() + 1..)?)));
            if let Some(modern) = modern {
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::AE0216,
                        format!("`{name}` is the old way to write `{modern}`"),
                    )
                    .label(self.symbols.source, span, "read as a balance")
                    .help(format!("write `{modern}`"))
                    .fix(
                        format!("write `{modern}`"),
                        Safety::Safe,
                        self.symbols.source,
                        span,
                        modern,
                    ),
                );
            }
        }
        Some(slot)
    }

    /// The place that `p_balance` or `p_btc_balance` means.
    pub(crate) fn place_with_underscore(&mut self, name: &str) -> Option<Slot> {
        if !name.ends_with("balance") {
            return None;
        }
        for index in 0..self.intent.accounts.len() {
            let param = self.intent.accounts[index].name.clone();
            let Some(field) = name.strip_prefix(&*param).and_then(|rest| rest.strip_prefix('_')) else {
                continue;
            };
            let index = index as u16;
            let found = if field == "balance" {
                self.balance_of(index)
            } else {
                self.known_field(index, field)
            };
            if found.is_some() {
                self.mark_used(index);
                return found;
            }
        }
        None
    }

    /// The slot of an expression that is nothing but a place; says nothing when it is not one.
    pub(crate) fn bare_place(&mut self, expr: &Expr) -> Option<Slot> {
        match &expr.kind {
            ExprKind::Field(base, field) => match self.names.get(base.text.as_str()).copied()? {
                Named::Account(account) if field.text == "balance" => self.balance_of(account),
                Named::Account(account) => self.known_field(account, &field.text),
                Named::Flat(slot) if field.text == "balance" => Some(slot),
                _ => None,
            },
            ExprKind::Name(name) => match self.names.get(name.as_str()).copied() {
                Some(Named::Flat(slot)) => Some(slot),
                Some(_) => None,
                None if self.symbols.constants.contains_key(name.as_str()) => None,
                None => self.place_with_underscore(name),
            },
            _ => None,
        }
    }

    /// Every name that may be written here, for suggestions.
    pub(crate) fn known_names(&self) -> impl Iterator<Item = &str> + Clone {
        let names = self.names.keys().copied();
        names.chain(self.symbols.constants.keys().copied())
    }

    fn guard(&mut self, pending: Vec<Pending<'a>>) {
        let consumed = guard::resolve(self, pending);
        let decl = self.decl;
        for (index, statement) in decl.guard.iter().enumerate() {
            if let Statement::Condition(expr) = statement
                && !consumed.contains(&index)
                && let Some(expr) = self.condition(expr)
            {
                self.intent.guard.push(Condition {
                    expr,
                    if_bounded: None,
                });
            }
        }
    }

    fn verify(&mut self) {
        let decl = self.decl;
        let mut defined: HashMap<Slot, Span> = HashMap::new();
        let mut postconditions = Vec::new();
        for statement in &decl.verify {
            let expr = match statement {
                Statement::Condition(expr) => expr,
                Statement::Let { span, .. } => {
                    self.diagnostics.push(
                        Diagnostic::new(Code::AE0101, "`let` belongs in `guard`")
                            .label(self.symbols.source, *span, "not in `verify`")
                            .help("move the line to `guard`; its name can be used here"),
                    );
                    continue;
                }
                Statement::Assign {
                    target,
                    equals,
                    value,
                    ..
                } => {
                    self.diagnostics
                        .push(guard::equality_meant(self.symbols.source, *equals));
                    // Read on as if it were right, so that the rest is judged by what was meant.
                    if let Some(slot) = self.bare_place(target) {
                        defined.entry(slot).or_insert(target.span);
                        self.phase = Phase::Before;
                        self.effect(slot, value, target.span.to(value.span));
                    }
                    continue;
                }
            };
            let equation = match &expr.kind {
                ExprKind::Binary(BinaryOp::Equal, _, left, right) => {
                    self.bare_place(left).map(|slot| (slot, left, right))
                }
                _ => None,
            };
            let Some((slot, left, right)) = equation else {
                postconditions.push(expr);
                continue;
            };
            if let ExprKind::Name(name) = &left.kind {
                self.used.insert(name);
                if !self.names.contains_key(name.as_str()) {
                    // For the note on the old spelling.
                    self.short_place(name, left.span);
                }
            } else if let ExprKind::Field(base, _) = &left.kind {
                self.used.insert(&base.text);
            }
            if let Some(first) = defined.insert(slot, expr.span) {
                self.diagnostics.push(
                    Diagnostic::new(Code::AE0302, "this place is defined twice")
                        .label(self.symbols.source, expr.span, "second definition")
                        .label(self.symbols.source, first, "first defined here")
                        .help("a place has one new value; put both changes into one equation"),
                );
                continue;
            }
            self.phase = Phase::Before;
            self.effect(slot, right, expr.span);
        }
        self.conditions_after(postconditions);
    }

    /// Adds postconditions.
    pub(crate) fn conditions_after(&mut self, conditions: impl IntoIterator<Item = &'a Expr>) {
        self.phase = Phase::After;
        for expr in conditions {
            if let Some(expr) = self.condition(expr) {
                self.intent.postconditions.push(Condition {
                    expr,
                    if_bounded: None,
                });
            }
        }
        self.phase = Phase::Before;
    }

    fn effect(&mut self, slot: Slot, value: &'a Expr, span: Span) {
        let ty = self.slot_type(slot);
        let Some(typed) = self.expression(value, Some(ty)) else {
            return;
        };
        let Some(value) = self.coerce(typed, ty, "the place") else {
            return;
        };
        self.literal_is_whole(value, ty);
        self.intent.effects.push(Effect { slot, value, span });
    }

    /// A literal that can never be a whole number of minor units is refused at once.
    pub(crate) fn literal_is_whole(&mut self, id: ExprId, ty: Type) {
        let Some(node) = self.intent.node(id) else { return };
        let Ir::Number(number) = &node.expr else { return };
        if number.is_integer() || !matches!(ty, Type::Amount(_) | Type::Integer | Type::Time) {
            return;
        }
        let what = self.kind_name(Kind::Of(ty));
        let places = if let Type::Amount(asset) = ty {
            self.tables.scale(asset)
        } else {
            0
        };
        self.diagnostics.push(
            Diagnostic::new(Code::AE0504, format!("this can never be {what}"))
                .label(
                    self.symbols.source,
                    node.span,
                    format!("more than {places} decimal places"),
                )
                .help("write fewer places, or `round(..)`"),
        );
    }

    fn solve(&mut self) {
        use aethel_syntax::ast::SolveValue;
        for entry in &self.decl.solve {
            let values = entry.values.iter().map(|value| match value {
                SolveValue::Name(name) | SolveValue::Number(name) | SolveValue::Text(name) => arc(name),
            });
            self.intent.solve.push((arc(&entry.name), values.collect()));
        }
    }
}

/// In an intent without account parameters: the `Balance` parameters that are meant as accounts, because a `verify`
/// equation defines them or an `old_p` name captures them.
fn flat_accounts(decl: &IntentDecl) -> HashSet<&str> {
    let mut meant = HashSet::new();
    let mut names = Vec::new();
    for statement in decl.guard.iter().chain(&decl.verify) {
        match statement {
            Statement::Condition(expr) => crate::constant::names_in(expr, &mut names),
            Statement::Let { value, .. } => crate::constant::names_in(value, &mut names),
            Statement::Assign { target, value, .. } => {
                crate::constant::names_in(target, &mut names);
                crate::constant::names_in(value, &mut names);
            }
        }
    }
    meant.extend(names.iter().filter_map(|name| name.strip_prefix("old_")));
    for statement in &decl.verify {
        if let Statement::Condition(Expr {
            kind: ExprKind::Binary(BinaryOp::Equal, _, left, _),
            ..
        }) = statement
            && let ExprKind::Name(name) = &left.kind
        {
            meant.insert(name);
        }
    }
    let balances = decl
        .params
        .iter()
        .filter(|p| p.ty.name.text == "Balance" && p.external.is_none());
    balances
        .map(|p| p.name.text.as_str())
        .filter(|name| meant.contains(name))
        .collect()
}
