//! Finds out what the names of a program refer to, by the rules of the lowering, but of programs with errors too.

use super::names::{Names, Occurrence, Role, Symbol, SymbolId, SymbolKind};
use super::scope::IntentScope;
use aethel_ir::Span;
use aethel_lower::flat_accounts;
use aethel_syntax::ast::{
    AtomicBatch, BatchItem, Call, Expr, ExprKind, IntentDecl, Item, Loop, Name, Program, TypeRef,
};
use std::collections::HashMap;

/// Finds all names of a program and what they refer to.
pub(super) fn resolve(text: &str, program: &Program) -> Names {
    let mut resolver = Resolver::new(text);
    resolver.declare(program);
    for item in &program.items {
        match item {
            Item::Asset(_) | Item::Account(_) => {}
            Item::Field(field) => resolver.ty(&field.ty),
            Item::Const(constant) => resolver.constant(&constant.value),
            Item::Intent(intent) => {
                let parameters = resolver.parameters(intent);
                IntentScope::new(&mut resolver, intent, parameters).walk();
            }
            Item::Batch(batch) => resolver.batch(batch),
        }
    }
    resolver.finish()
}

/// The parameters of an intent: the first of each name, and whether it stands for an account.
pub(super) type Parameters<'a> = HashMap<&'a str, SymbolId>;

/// A top-level intent that calls can name.
struct Callee<'a> {
    decl: &'a IntentDecl,
    symbol: SymbolId,
    parameters: Parameters<'a>,
    called: bool,
}

pub(super) struct Resolver<'a> {
    text: &'a str,
    symbols: Vec<Symbol>,
    occurrences: Vec<Occurrence>,
    /// By name in lower case: prefixes such as `btc_balance` may be in any case.
    assets: HashMap<String, SymbolId>,
    accounts: HashMap<&'a str, SymbolId>,
    pub(super) fields: HashMap<&'a str, SymbolId>,
    pub(super) constants: HashMap<&'a str, SymbolId>,
    intents: HashMap<&'a str, Callee<'a>>,
}

impl<'a> Resolver<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            symbols: Vec::new(),
            occurrences: Vec::new(),
            assets: HashMap::new(),
            accounts: HashMap::new(),
            fields: HashMap::new(),
            constants: HashMap::new(),
            intents: HashMap::new(),
        }
    }

    /// A new symbol, declared here.
    pub(super) fn add(
        &mut self,
        kind: SymbolKind,
        name: &str,
        at: Option<Span>,
        scope: Option<Span>,
    ) -> SymbolId {
        let id = SymbolId(self.symbols.len());
        self.symbols.push(Symbol {
            kind,
            name: name.to_owned(),
            declared: at,
            scope,
            names_account: false,
        });
        if let Some(span) = at {
            self.note(span, id, Role::Declaration);
        }
        id
    }

    /// Notes that a symbol is written here.
    pub(super) fn note(&mut self, span: Span, symbol: SymbolId, role: Role) {
        self.occurrences.push(Occurrence {
            span,
            symbol,
            role,
            prefix: false,
        });
    }

    /// What kind of thing a symbol is.
    pub(super) fn kind(&self, id: SymbolId) -> Option<SymbolKind> {
        self.symbols.get(id.0).map(|symbol| symbol.kind)
    }

    /// Where a symbol is declared.
    pub(super) fn declared_at(&self, id: SymbolId) -> Option<Span> {
        self.symbols.get(id.0).and_then(|symbol| symbol.declared)
    }

    /// Collects what can be named before it is declared. Of several with one name the first counts.
    fn declare(&mut self, program: &'a Program) {
        for item in &program.items {
            match item {
                Item::Asset(asset) => {
                    let key = asset.name.text.to_ascii_lowercase();
                    if !self.assets.contains_key(&key) {
                        let id = self.add(SymbolKind::Asset, &asset.name.text, Some(asset.name.span), None);
                        self.assets.insert(key, id);
                    }
                }
                Item::Account(account) => {
                    let name = account.name.text.as_str();
                    if !self.accounts.contains_key(name) {
                        let at = inside_quotes(self.text, account.name.span);
                        let id = self.add(SymbolKind::Account, name, Some(at), None);
                        self.accounts.insert(name, id);
                    }
                }
                Item::Field(field) => {
                    if !self.fields.contains_key(field.name.text.as_str()) {
                        let id = self.add(SymbolKind::Field, &field.name.text, Some(field.name.span), None);
                        self.fields.insert(&field.name.text, id);
                    }
                }
                Item::Const(constant) => {
                    if !self.constants.contains_key(constant.name.text.as_str()) {
                        let name = &constant.name;
                        let id = self.add(SymbolKind::Constant, &name.text, Some(name.span), None);
                        self.constants.insert(&name.text, id);
                    }
                }
                Item::Intent(intent) => {
                    let name = intent.name.text.as_str();
                    if !self.intents.contains_key(name) {
                        let symbol = self.add(SymbolKind::Intent, name, Some(intent.name.span), None);
                        let callee = Callee {
                            decl: intent,
                            symbol,
                            parameters: self.declare_parameters(intent),
                            called: false,
                        };
                        self.intents.insert(name, callee);
                    }
                }
                Item::Batch(batch) => {
                    self.add(SymbolKind::Batch, &batch.name.text, Some(batch.name.span), None);
                }
            }
        }
    }

    fn declare_parameters(&mut self, intent: &'a IntentDecl) -> Parameters<'a> {
        let flat = flat_accounts(intent);
        let mut parameters = Parameters::new();
        for param in &intent.params {
            let name = param.name.text.as_str();
            if parameters.contains_key(name) {
                continue;
            }
            let account = param.ty.name.text == "Account" || flat.contains(name);
            let kind = if account {
                SymbolKind::AccountParameter
            } else {
                SymbolKind::Parameter
            };
            let id = self.add(kind, name, Some(param.name.span), Some(intent.span));
            parameters.insert(name, id);
        }
        parameters
    }

    /// The parameters of an intent, declared already when it is one of those that can be called.
    fn parameters(&mut self, intent: &'a IntentDecl) -> Parameters<'a> {
        match self.intents.get(intent.name.text.as_str()) {
            Some(callee) if std::ptr::eq(callee.decl, intent) => callee.parameters.clone(),
            _ => self.declare_parameters(intent),
        }
    }

    /// The asset with this name, in any case.
    pub(super) fn asset(&self, name: &str) -> Option<SymbolId> {
        self.assets.get(&name.to_ascii_lowercase()).copied()
    }

    /// `btc_balance` from this byte on: its first part names an asset. Whether it does.
    pub(super) fn balance(&mut self, word: &str, start: u32) -> bool {
        let Some(prefix) = word.strip_suffix("_balance") else {
            return word == "balance";
        };
        let Some(asset) = self.asset(prefix) else {
            return false;
        };
        self.occurrences.push(Occurrence {
            span: part(start, prefix),
            symbol: asset,
            role: Role::Read,
            prefix: true,
        });
        true
    }

    pub(super) fn ty(&mut self, ty: &TypeRef) {
        for arg in &ty.args {
            if let Some(asset) = self.asset(&arg.text) {
                self.note(arg.span, asset, Role::Read);
            }
        }
    }

    /// An expression in which only constants can be named.
    fn constant(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some(id) = self.constants.get(name.as_str()) {
                    self.note(expr.span, *id, Role::Read);
                }
            }
            ExprKind::Old(inner) | ExprKind::Unary(_, inner) => self.constant(inner),
            ExprKind::Call(_, args) => args.iter().for_each(|arg| self.constant(arg)),
            ExprKind::Binary(_, _, a, b) => {
                self.constant(a);
                self.constant(b);
            }
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Field(..) => {}
        }
    }

    fn batch(&mut self, batch: &'a AtomicBatch) {
        let scope = Some(batch.span);
        let mut labels: HashMap<&'a str, SymbolId> = HashMap::new();
        for item in &batch.items {
            let (kind, name) = match item {
                BatchItem::Intent(own) => (SymbolKind::OwnIntent, Some(&own.name)),
                BatchItem::Call(call) => (SymbolKind::Label, call.label.as_ref()),
                BatchItem::Loop(each) => (SymbolKind::Label, each.label.as_ref()),
            };
            if let Some(name) = name
                && !labels.contains_key(name.text.as_str())
            {
                let id = self.add(kind, &name.text, Some(name.span), scope);
                labels.insert(&name.text, id);
            }
        }
        for item in &batch.items {
            match item {
                BatchItem::Intent(own) => {
                    self.after(&own.after, &labels);
                    let parameters = self.declare_parameters(own);
                    // Nobody can give it arguments in the program.
                    self.stand_for_accounts(parameters.values().copied().collect());
                    IntentScope::new(self, own, parameters).walk();
                }
                BatchItem::Call(call) => {
                    self.after(&call.after, &labels);
                    self.call(call, None);
                }
                BatchItem::Loop(each) => self.each(each, &labels),
            }
        }
    }

    fn each(&mut self, each: &'a Loop, labels: &HashMap<&'a str, SymbolId>) {
        self.after(&each.after, labels);
        let row = self.add(
            SymbolKind::Row,
            &each.row.text,
            Some(each.row.span),
            Some(each.span),
        );
        for call in &each.calls {
            self.call(call, Some((&each.row.text, row)));
        }
    }

    fn after(&mut self, after: &[Name], labels: &HashMap<&'a str, SymbolId>) {
        for name in after {
            if let Some(id) = labels.get(name.text.as_str()) {
                self.note(name.span, *id, Role::Read);
            }
        }
    }

    fn call(&mut self, call: &'a Call, row: Option<(&str, SymbolId)>) {
        let Some(callee) = self.intents.get_mut(call.intent.text.as_str()) else {
            return;
        };
        callee.called = true;
        let (decl, symbol, parameters) = (callee.decl, callee.symbol, callee.parameters.clone());
        self.note(call.intent.span, symbol, Role::Read);
        let mut missing = parameters.clone();
        let mut position = 0;
        for arg in &call.args {
            let param = match &arg.name {
                Some(name) => name.text.as_str(),
                None => {
                    let param = decl.params.get(position);
                    position += 1;
                    param.map_or("", |param| &param.name.text)
                }
            };
            missing.remove(param);
            let param = parameters.get(param).copied();
            if let (Some(name), Some(id)) = (&arg.name, param) {
                self.note(name.span, id, Role::Read);
            }
            let account = param.is_some_and(|id| self.kind(id) == Some(SymbolKind::AccountParameter));
            self.argument(&arg.value, account, row);
        }
        self.stand_for_accounts(missing.into_values().collect());
    }

    fn argument(&mut self, value: &'a Expr, account: bool, row: Option<(&str, SymbolId)>) {
        match (&value.kind, row) {
            (ExprKind::Field(base, _), Some((name, row))) if base.text == name => {
                self.note(base.span, row, Role::Read);
            }
            (ExprKind::Name(name), _) if account => self.account(name, value.span),
            (ExprKind::Text(name), _) if account => {
                let at = inside_quotes(self.text, value.span);
                self.account(name, at);
            }
            _ => self.constant(value),
        }
    }

    fn account(&mut self, name: &'a str, at: Span) {
        let id = match self.accounts.get(name) {
            Some(id) => *id,
            None => {
                let id = self.add(SymbolKind::Account, name, None, None);
                self.accounts.insert(name, id);
                id
            }
        };
        self.note(at, id, Role::Read);
    }

    /// Parameters without an argument mean the accounts of their names.
    fn stand_for_accounts(&mut self, parameters: Vec<SymbolId>) {
        for id in parameters {
            if let Some(symbol) = self.symbols.get_mut(id.0) {
                symbol.names_account |= symbol.kind == SymbolKind::AccountParameter;
            }
        }
    }

    fn finish(mut self) -> Names {
        let uncalled: Vec<SymbolId> = (self.intents.values())
            .filter(|callee| !callee.called)
            .flat_map(|callee| callee.parameters.values().copied())
            .collect();
        self.stand_for_accounts(uncalled);
        self.occurrences.sort_by_key(|one| (one.span.start, one.span.end));
        Names {
            symbols: self.symbols,
            occurrences: self.occurrences,
        }
    }
}

/// The first part of a word that begins at this byte.
pub(super) fn part(start: u32, prefix: &str) -> Span {
    Span::new(start as usize, start as usize + prefix.len())
}

/// What stands between the quotes, if there are any.
fn inside_quotes(text: &str, span: Span) -> Span {
    match text.get(span.range()) {
        Some(word) if word.len() >= 2 && word.starts_with('"') => {
            Span::new(span.start as usize + 1, span.end as usize - 1)
        }
        _ => span,
    }
}
