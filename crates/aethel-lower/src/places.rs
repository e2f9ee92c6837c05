//! Places of an intent: `account.field`, `p_balance`, and bare names of the flat form.

use crate::expression::Kind;
use crate::intent::{Compiler, Named, index16};
use crate::symbols::FieldKind;
use aethel_ir::{Code, Diagnostic, Field, FieldId, Place, Safety, Slot, Span, Type, quote};
use aethel_syntax::ast::{Expr, ExprKind, Name};

/// How many `_` of a name such as `p_btc_balance` are tried as the end of the account's name.
const MAX_SPLITS: usize = 16;

impl<'a> Compiler<'a, '_> {
    /// The slot of a place; the same place always has the same slot.
    pub(crate) fn slot(&mut self, account: u16, field: FieldId) -> Slot {
        if let Some(slot) = self.slots.get(&(account, field)) {
            return *slot;
        }
        let slot = Slot(index16(self.intent.places.len()));
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
        if let Some(name) = self.account_names.get(usize::from(account)) {
            self.used.insert(name);
        }
    }

    /// `account.field`.
    pub(crate) fn field_place(&mut self, base: &'a Name, field: &'a Name) -> Option<Slot> {
        self.used.insert(&base.text);
        match self.names.get(base.text.as_str()).copied() {
            Some(Named::Account(account)) => self.account_field(account, field),
            Some(Named::Flat(slot)) if field.text == "balance" => Some(slot),
            Some(Named::Broken) => None,
            Some(named) => {
                let (source, name) = (self.symbols.source, &base.text);
                let message = format!("`{name}` is a value, it has no fields");
                let diagnostic =
                    Diagnostic::new(Code::AE0206, message).label(source, base.span, "not an account");
                let amount = matches!(
                    named,
                    Named::Value(_, Type::Amount(_)) | Named::Let(_, Kind::Of(Type::Amount(_)))
                );
                self.diagnostics.push(match amount && field.text == "balance" {
                    true => diagnostic
                        .help(format!("it is the amount itself: write `{name}`"))
                        .fix(
                            format!("write `{name}`"),
                            Safety::Unsafe,
                            source,
                            base.span.to(field.span),
                            name.as_str(),
                        ),
                    false => diagnostic.help(format!("if it is an account, declare it as `{name}: Account`")),
                });
                None
            }
            None if self.decl.broken => None,
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
                let diagnostic = Diagnostic::new(Code::AE0201, message)
                    .label(self.symbols.source, base.span, "unknown account")
                    .help(format!("add the parameter `{}: Account`", base.text))
                    .meant(self.symbols.source, base.span, &base.text, names);
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
        if self.symbols.assets().len() > 1 {
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
        let help = match name.strip_suffix("_balance") {
            Some(prefix) => format!("declare it: `asset {} {{ scale: 2; }}`", prefix.to_uppercase()),
            None => format!("declare it at top level: `field {name}: Integer;`"),
        };
        let known = known.iter().map(String::as_str);
        self.diagnostics.push(
            Diagnostic::new(code, message)
                .label(self.symbols.source, field.span, "unknown field")
                .help(help)
                .meant(self.symbols.source, field.span, name, known),
        );
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
        // The longest account name first: beside `a` and `a_btc`, `a_btc_balance` is `a_btc.balance`.
        for (at, _) in name.rmatch_indices('_').take(MAX_SPLITS) {
            let (param, field) = (name.get(..at)?, name.get(at + 1..)?);
            let Some(Named::Account(index)) = self.names.get(param).copied() else {
                continue;
            };
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
}
