//! What a program declares at top level: assets, accounts, fields, constants, intents, batches.
//!
//! Takes the tree, gives [`Symbols`]; refuses duplicate names (AE0202), bad scales (AE0217) and bad account names.

use crate::constant;
use crate::inputs::Place;
use crate::parameters::flat_accounts;
use crate::problems::Problems;
use aethel_ir::money::DEFAULT_ASSET;
use aethel_ir::{
    AccountName, AccountNameError, Asset, Code, Diagnostic, MAX_SCALE, Rational, SourceId, Span, quote,
};
use aethel_syntax::ast::{
    AccountDecl, AssetDecl, AtomicBatch, ConstDecl, FieldDecl, IntentDecl, Item, Name, Program,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A program without items.
static EMPTY: Program = Program { items: Vec::new() };

/// The value of a constant.
#[derive(Clone, Debug)]
pub(crate) enum Constant {
    /// A number without a unit yet; it takes the type of its use.
    Number(Rational),
    /// A truth value.
    Bool(bool),
}

/// The kind of a declared field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Whole numbers.
    Integer,
    /// Truth values.
    Bool,
}

/// The declarations of one program.
#[derive(Debug)]
pub struct Symbols<'a> {
    /// The file.
    pub(crate) source: SourceId,
    /// Declared assets in order, or the default one.
    assets: Vec<Asset>,
    /// Their indices by name in lower case; no two names differ only in case.
    asset_index: HashMap<String, usize>,
    /// Whether the program declares assets itself.
    pub(crate) assets_declared: bool,
    /// Declared accounts: name and whether unbounded.
    pub(crate) accounts: Vec<(AccountName, bool)>,
    pub(crate) fields: HashMap<&'a str, FieldKind>,
    /// Where each asset, account and field is declared, by `asset NAME`, `account NAME` and `field NAME`.
    pub(crate) declared: Arc<[(String, (SourceId, Span))]>,
    pub(crate) constants: HashMap<&'a str, Option<Constant>>,
    pub(crate) intents: HashMap<&'a str, &'a IntentDecl>,
    /// For each top-level intent, the parameters that the flat form reads as accounts.
    pub(crate) flat: HashMap<&'a str, HashSet<&'a str>>,
    /// Top-level intents in source order.
    pub(crate) intent_list: Vec<&'a IntentDecl>,
    /// Batches in source order.
    pub(crate) batches: Vec<&'a AtomicBatch>,
}

impl<'a> Symbols<'a> {
    /// The declarations of a program that declares nothing.
    pub(crate) fn empty(source: SourceId) -> Self {
        Symbols::read(source, &EMPTY, &mut Problems::default())
    }

    /// Collects the declarations of a program; problems go to `diagnostics`.
    pub fn collect(source: SourceId, program: &'a Program, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut problems = Problems::default();
        let symbols = Self::read(source, program, &mut problems);
        diagnostics.extend(problems.finish());
        symbols
    }

    pub(crate) fn read(source: SourceId, program: &'a Program, diagnostics: &mut Problems) -> Self {
        let mut symbols = Symbols {
            source,
            assets: Vec::new(),
            asset_index: HashMap::new(),
            assets_declared: false,
            accounts: Vec::new(),
            fields: HashMap::new(),
            declared: Arc::default(),
            constants: HashMap::new(),
            intents: HashMap::new(),
            flat: HashMap::new(),
            intent_list: Vec::new(),
            batches: Vec::new(),
        };
        let mut seen = Seen {
            source,
            places: HashMap::new(),
        };
        let mut constants = Vec::new();
        for item in &program.items {
            match item {
                Item::Asset(asset) => symbols.asset(asset, &mut seen, diagnostics),
                Item::Account(account) => symbols.account(account, &mut seen, diagnostics),
                Item::Field(field) => symbols.field(field, &mut seen, diagnostics),
                Item::Const(constant) => {
                    if seen.first("name", &constant.name, diagnostics) {
                        constants.push(constant);
                    }
                }
                Item::Intent(intent) => {
                    if seen.first("name", &intent.name, diagnostics) {
                        symbols.intents.insert(&intent.name.text, intent);
                        symbols.flat.insert(&intent.name.text, flat_accounts(intent));
                        symbols.intent_list.push(intent);
                    }
                }
                Item::Batch(batch) => {
                    if seen.first("name", &batch.name, diagnostics) {
                        symbols.batches.push(batch);
                    }
                }
            }
        }
        let declared = seen.places.iter().filter(|((kind, _), _)| *kind != "name");
        symbols.declared = declared
            .map(|((kind, name), span)| (format!("{kind} {name}"), (source, *span)))
            .collect();
        symbols.assets_declared = !symbols.assets.is_empty();
        if !symbols.assets_declared {
            symbols.add_asset(DEFAULT_ASSET.0, DEFAULT_ASSET.1);
        }
        symbols.evaluate_constants(&constants, diagnostics);
        symbols.check_size(diagnostics);
        symbols
    }

    fn asset(&mut self, decl: &'a AssetDecl, seen: &mut Seen<'a>, diagnostics: &mut Problems) {
        if !seen.first("asset", &decl.name, diagnostics) {
            return;
        }
        if let Some(earlier) = self.asset_with_prefix(&decl.name.text) {
            let lower = decl.name.text.to_ascii_lowercase();
            let message = format!("`{}` and `{}` differ only in case", decl.name.text, earlier.name);
            diagnostics.push(
                Diagnostic::new(Code::AE0202, message)
                    .label(
                        self.source,
                        decl.name.span,
                        format!("`{lower}_balance` would mean either"),
                    )
                    .help("rename one of them"),
            );
            return;
        }
        let at = decl.scale.as_ref().unwrap_or(&decl.name);
        let scale = decl
            .scale
            .as_ref()
            .and_then(|scale| scale.text.parse::<u8>().ok());
        let Some(scale) = scale.filter(|scale| *scale <= MAX_SCALE) else {
            // A missing scale is the parser's complaint only if it could not be read at all.
            let message = format!("asset `{}` needs a scale from 0 to {MAX_SCALE}", decl.name.text);
            diagnostics.push(
                Diagnostic::new(Code::AE0217, message)
                    .label(self.source, at.span, "the number of decimal places belongs here")
                    .help(format!("write `asset {} {{ scale: 2; }}`", decl.name.text)),
            );
            self.add_asset(&decl.name.text, 2);
            return;
        };
        self.add_asset(&decl.name.text, scale);
    }

    /// Adds an asset; gives the earlier one when a name differs from it only in case (or not at all).
    pub(crate) fn add_asset(&mut self, name: &str, scale: u8) -> Option<Asset> {
        let index = self.assets.len();
        if let Some(earlier) = self.asset_index.insert(name.to_ascii_lowercase(), index) {
            self.asset_index.insert(name.to_ascii_lowercase(), earlier);
            return self.assets.get(earlier).cloned();
        }
        self.assets.push(Asset {
            name: name.into(),
            scale,
        });
        None
    }

    /// Forgets the default asset, because others are declared.
    pub(crate) fn clear_assets(&mut self) {
        self.assets.clear();
        self.asset_index.clear();
    }

    /// The declared assets.
    pub(crate) fn assets(&self) -> &[Asset] {
        &self.assets
    }

    fn account(&mut self, decl: &'a AccountDecl, seen: &mut Seen<'a>, diagnostics: &mut Problems) {
        if !seen.first("account", &decl.name, diagnostics) {
            return;
        }
        match AccountName::new(&decl.name.text) {
            Ok(name) => self.accounts.push((name, decl.unbounded.is_some())),
            Err(error) => diagnostics.push(bad_account_name(
                Some((self.source, decl.name.span)),
                &decl.name.text,
                error,
            )),
        }
    }

    fn field(&mut self, decl: &'a FieldDecl, seen: &mut Seen<'a>, diagnostics: &mut Problems) {
        if !seen.first("field", &decl.name, diagnostics) {
            return;
        }
        let name = decl.name.text.as_str();
        if name == "balance" || name.ends_with("_balance") {
            diagnostics.push(
                Diagnostic::new(
                    Code::AE0202,
                    format!("`{name}` is a balance, it cannot be a field"),
                )
                .label(self.source, decl.name.span, "this name always means money")
                .help("choose a name that does not end in `balance`"),
            );
            return;
        }
        let kind = match decl.ty.name.text.as_str() {
            "Integer" => FieldKind::Integer,
            "Bool" => FieldKind::Bool,
            other => {
                diagnostics.push(
                    Diagnostic::new(Code::AE0204, format!("a field cannot hold `{}`", quote(other)))
                        .label(self.source, decl.ty.span, "expected `Integer` or `Bool`")
                        .help("money lives in balances; fields hold whole numbers or truth values"),
                );
                FieldKind::Integer
            }
        };
        self.fields.insert(name, kind);
    }

    /// Assets and fields are numbered together in 16 bits.
    fn check_size(&self, diagnostics: &mut Problems) {
        let count = self.assets.len() + self.fields.len();
        if count > usize::from(u16::MAX) {
            let message = format!(
                "{count} assets and fields are declared; at most {} can be",
                u16::MAX
            );
            diagnostics.push(
                Diagnostic::new(Code::AE0312, message)
                    .label(self.source, Span::default(), "in this program")
                    .help("split the program"),
            );
        }
    }

    /// Evaluates each constant after those it uses.
    fn evaluate_constants(&mut self, decls: &[&'a ConstDecl], diagnostics: &mut Problems) {
        let by_name: HashMap<&str, &'a ConstDecl> =
            decls.iter().map(|d| (d.name.text.as_str(), *d)).collect();
        // Depth first, iteratively: a chain of constants may be as long as the file.
        let mut state: HashMap<&str, bool> = HashMap::new();
        for decl in decls {
            let mut stack = vec![(*decl, false)];
            while let Some((current, ready)) = stack.pop() {
                let name = current.name.text.as_str();
                if ready {
                    let value = constant::evaluate(self, &current.value, diagnostics);
                    self.constants.insert(name, value);
                    state.insert(name, true);
                    continue;
                }
                match state.get(name) {
                    Some(true) => continue,
                    Some(false) => {
                        diagnostics.push(
                            Diagnostic::new(Code::AE0303, format!("constant `{name}` is defined by itself"))
                                .label(self.source, current.value.span, "this leads back to it")
                                .help("give one of the constants a plain number"),
                        );
                        self.constants.insert(name, None);
                        state.insert(name, true);
                        continue;
                    }
                    None => {}
                }
                state.insert(name, false);
                stack.push((current, true));
                let mut names = Vec::new();
                constant::names_in(&current.value, &mut names);
                for used in names {
                    if let Some(other) = by_name.get(used)
                        && state.get(used) != Some(&true)
                    {
                        stack.push((*other, false));
                    }
                }
            }
        }
    }

    /// The declared asset with this name in exactly this case.
    pub(crate) fn asset_named(&self, name: &str) -> Option<&Asset> {
        self.asset_with_prefix(name).filter(|asset| &*asset.name == name)
    }

    /// The declared asset that a prefix such as `btc` of `btc_balance` means.
    pub(crate) fn asset_with_prefix(&self, prefix: &str) -> Option<&Asset> {
        let index = *self.asset_index.get(&prefix.to_ascii_lowercase())?;
        self.assets.get(index)
    }

    /// The index of the declared asset with this name.
    pub(crate) fn asset_position(&self, name: &str) -> Option<usize> {
        let index = *self.asset_index.get(&name.to_ascii_lowercase())?;
        self.assets
            .get(index)
            .filter(|asset| &*asset.name == name)
            .map(|_| index)
    }

    /// The names of all assets, for suggestions.
    pub(crate) fn asset_names(&self) -> impl Iterator<Item = &str> {
        self.assets.iter().map(|asset| &*asset.name)
    }
}

/// First places of names, for reporting second ones.
struct Seen<'a> {
    source: SourceId,
    places: HashMap<(&'static str, &'a str), Span>,
}

impl<'a> Seen<'a> {
    /// Whether this is the first of its name; otherwise both places are reported.
    fn first(&mut self, space: &'static str, name: &'a Name, diagnostics: &mut Problems) -> bool {
        if let Some(first) = self.places.get(&(space, name.text.as_str())) {
            diagnostics.push(duplicate(self.source, name, *first));
            return false;
        }
        self.places.insert((space, &name.text), name.span);
        true
    }
}

/// A name that was declared before in the same space.
pub(crate) fn duplicate(source: SourceId, name: &Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::AE0202, format!("`{}` is declared twice", quote(&name.text)))
        .label(source, name.span, "second declaration")
        .label(source, first, "first declared here")
        .help("rename one of them")
}

/// A text that cannot be an account name.
pub(crate) fn bad_account_name(at: Place, text: &str, error: AccountNameError) -> Diagnostic {
    let mut message = format!("`{}` is not an account name", quote(text));
    if at.is_none() {
        message += &format!(": {error}");
    }
    Diagnostic::new(Code::AE0308, message)
        .label_at(at, error.to_string())
        .help("use 1 to 128 bytes of text without hidden characters and without spaces at the ends")
}

/// Interned text of an identifier.
pub(crate) fn arc(name: &Name) -> Arc<str> {
    name.text.as_str().into()
}
