//! Parameters of an intent: their types, and which of them the flat form reads as accounts.

use crate::constant::names_in;
use crate::intent::{Compiler, Named, Origin, index16};
use crate::symbols::{arc, duplicate};
use crate::units::price;
use aethel_ir::intent::{AccountParameter, ValueParameter};
use aethel_ir::{AssetId, Code, Diagnostic, Safety, Span, Type, quote};
use aethel_syntax::ast::{BinaryOp, Expr, ExprKind, IntentDecl, Name, Param, Statement, TypeRef};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How many assets are offered where one is missing.
const MAX_CHOICES: usize = 8;

/// A resolved parameter type.
enum ParamType {
    Account(AssetId),
    Value(Type),
}

/// A value parameter without an argument, waiting for an equation.
#[derive(Clone, Copy)]
pub(crate) struct Pending<'a> {
    pub(crate) param: &'a Param,
    pub(crate) ty: Type,
}

impl<'a> Compiler<'a, '_> {
    /// Declares the parameters; gives those that wait for an equation.
    pub(crate) fn parameters(&mut self, given: &dyn Fn(&str) -> bool) -> Vec<Pending<'a>> {
        let decl = self.decl;
        let flat = flat_accounts(decl);
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
                        .help("put it on a value, such as `external price: Price`")
                        .fix(
                            format!("remove `{word}`"),
                            Safety::Unsafe,
                            source,
                            Span {
                                start: span.start,
                                end: param.name.span.start.max(span.end),
                            },
                            "",
                        ),
                );
            }
        }
        self.balances.push(asset);
        self.account_names.push(&param.name.text);
        self.intent.accounts.push(AccountParameter {
            name: arc(&param.name),
            span: param.name.span,
        });
        index16(self.intent.accounts.len() - 1)
    }

    /// Makes a parameter one whose value each transaction brings.
    pub(crate) fn add_value(&mut self, param: &'a Param, ty: Type, origin: Origin) {
        let index = self.push_value(arc(&param.name), ty, param, origin);
        self.names.insert(&param.name.text, Named::Value(index, ty));
    }

    fn push_value(&mut self, name: Arc<str>, ty: Type, param: &Param, origin: Origin) -> u16 {
        self.intent.values.push(ValueParameter {
            name,
            ty,
            external: origin != Origin::Argument,
            secret: param.secret.is_some(),
            span: param.name.span,
        });
        self.origins.push(origin);
        index16(self.intent.values.len() - 1)
    }

    /// `btc_price_verified` and `btc_price_fresh` beside `external btc_price`.
    pub(crate) fn oracle_flag(&mut self, name: &'a str) -> Option<Named> {
        let base = flag_of(name)?;
        let param = self
            .decl
            .params
            .iter()
            .find(|p| p.name.text == base && p.external.is_some())?;
        self.used.insert(base);
        let index = self.push_value(name.into(), Type::Bool, param, Origin::OracleFlag);
        let named = Named::Value(index, Type::Bool);
        self.names.insert(name, named);
        Some(named)
    }

    /// Whether a name is `btc_price_verified` or `btc_price_fresh` beside `external btc_price`.
    pub(crate) fn is_oracle_flag(&self, name: &str) -> bool {
        let Some(Named::Value(index, _)) = flag_of(name).and_then(|base| self.names.get(base)) else {
            return false;
        };
        let param = self.intent.values.get(usize::from(*index));
        param.is_some_and(|param| param.external)
    }

    /// Whether an expression uses a secret value.
    pub(crate) fn is_secret(&self, expr: &Expr) -> bool {
        let mut names = Vec::new();
        names_in(expr, &mut names);
        names.iter().any(|name| match self.names.get(name) {
            Some(Named::Value(n, _)) => self.intent.values.get(usize::from(*n)).is_some_and(|v| v.secret),
            Some(Named::Let(n, _)) => self.intent.lets.get(usize::from(*n)).is_some_and(|l| l.secret),
            _ => false,
        })
    }

    /// The asset that a plain `Account` or `Balance` means.
    fn only_asset(&mut self, ty: &TypeRef) -> Option<AssetId> {
        if let [asset] = self.symbols.assets() {
            return Some(self.tables.asset(asset));
        }
        let names: Vec<&str> = self.symbols.asset_names().collect();
        let word = &ty.name.text;
        let source = self.symbols.source;
        let mut diagnostic = Diagnostic::new(Code::AE0209, format!("which asset does this `{word}` hold?"))
            .label(
                source,
                ty.span,
                format!("the program declares {}", names.join(", ")),
            )
            .help(format!("write `{word}<{}>`", names[0]));
        for name in names.iter().take(MAX_CHOICES) {
            let text = format!("{word}<{name}>");
            diagnostic = diagnostic.fix(format!("write `{text}`"), Safety::Unsafe, source, ty.span, text);
        }
        self.diagnostics.push(diagnostic);
        None
    }

    fn asset_argument(&mut self, name: &Name) -> Option<AssetId> {
        if let Some(asset) = self.symbols.asset_named(&name.text) {
            return Some(self.tables.asset(asset));
        }
        if !self.diagnostics.first_undeclared(&name.text) {
            return None;
        }
        let (source, declaration) = (
            self.symbols.source,
            format!("asset {} {{ scale: 2; }}", name.text),
        );
        let mut diagnostic = Diagnostic::new(
            Code::AE0203,
            format!("asset `{}` is not declared", quote(&name.text)),
        )
        .label(source, name.span, "unknown asset")
        .help(format!("declare it: `{declaration}`"))
        .meant(source, name.span, &name.text, self.symbols.asset_names());
        if diagnostic.fixes.is_empty() {
            let title = format!("add `{declaration}`");
            diagnostic = diagnostic.fix(
                title,
                Safety::Unsafe,
                source,
                Span::default(),
                format!("{declaration}\n\n"),
            );
        }
        self.diagnostics.push(diagnostic);
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
                    price(base?, quote?)
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
                let help = format!("the types are {}", known.map(|t| format!("`{t}`")).join(", "));
                self.diagnostics.push(
                    Diagnostic::new(Code::AE0204, format!("`{}` is not a type", quote(other)))
                        .label(self.symbols.source, ty.name.span, "unknown type")
                        .help(help)
                        .meant(self.symbols.source, ty.name.span, other, known),
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
}

/// The parameter that a name such as `btc_price_verified` is a flag of.
fn flag_of(name: &str) -> Option<&str> {
    name.strip_suffix("_verified")
        .or_else(|| name.strip_suffix("_fresh"))
}

/// In an intent without account parameters: the `Balance` parameters that are meant as accounts, because a `verify`
/// equation defines them or an `old_p` name captures them.
pub fn flat_accounts(decl: &IntentDecl) -> HashSet<&str> {
    if decl.params.iter().any(|p| p.ty.name.text == "Account") {
        return HashSet::new();
    }
    let mut names = Vec::new();
    for statement in decl.guard.iter().chain(&decl.verify) {
        match statement {
            Statement::Condition(expr) => names_in(expr, &mut names),
            Statement::Let { value, .. } => names_in(value, &mut names),
            Statement::Assign { target, value, .. } => {
                names_in(target, &mut names);
                names_in(value, &mut names);
            }
        }
    }
    let mut meant: HashSet<&str> = names
        .iter()
        .filter_map(|name| name.strip_prefix("old_"))
        .collect();
    for statement in &decl.verify {
        let defined = match statement {
            Statement::Condition(Expr {
                kind: ExprKind::Binary(BinaryOp::Equal, _, left, _),
                ..
            }) => &**left,
            Statement::Assign { target, .. } => target,
            _ => continue,
        };
        if let ExprKind::Name(name) = &defined.kind {
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
