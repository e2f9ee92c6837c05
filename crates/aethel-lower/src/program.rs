//! Batches of a program: own intents, calls, loops over CSV files, `after`.
//!
//! An intent is compiled once for each set of given arguments; the rows of a loop are columns.

use crate::calls::{ArgumentSource, CallPlan};
use crate::constant;
use crate::inputs::{Inputs, Setting};
use crate::intent::{self, Compiled, Origin};
use crate::lowered::{Assembly, LoweredBatch, labelled, place};
use crate::rows::Rows;
use crate::symbols::{Symbols, arc, bad_account_name, duplicate};
use crate::tables::Tables;
use crate::value::{self, Scalar};
use aethel_ir::batch::BatchItem;
use aethel_ir::{
    AccountId, AccountName, Code, Column, Diagnostic, Group, Intent, Names, SourceId, Span, TransactionRef,
    ValueColumn, did_you_mean, quote,
};
use aethel_syntax::ast::{self, AtomicBatch, Call, IntentDecl, Loop, Name};
use std::collections::HashMap;
use std::sync::Arc;

/// Opens files that a program names; the caller decides which are allowed.
pub trait Files {
    /// The text of a file and the id its labels use.
    ///
    /// # Errors
    /// Why the file cannot be read; the place in the program is added by the lowering.
    fn open(&mut self, path: &str) -> Result<(SourceId, Arc<str>), Diagnostic>;
}

/// What the lowering is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `check`: values may still be missing, notes and warnings are wanted.
    Check,
    /// `run`: everything must be there.
    Run,
}

/// Lowers one batch of a program.
pub(crate) struct BatchLowering<'a, 'f> {
    pub(crate) symbols: &'a Symbols<'a>,
    pub(crate) inputs: &'f Inputs,
    pub(crate) files: &'f mut dyn Files,
    pub(crate) purpose: Purpose,
    pub(crate) diagnostics: &'f mut Vec<Diagnostic>,
}

/// A named thing in a batch and its `after` clause.
struct Entry<'a> {
    name: Option<&'a Name>,
    after: &'a [Name],
    span: Span,
}

/// Compiled intents by declaration, given arguments, and the label when it binds feeds.
type Cache = HashMap<(usize, Vec<bool>, Option<String>), Option<usize>>;

impl<'a> BatchLowering<'a, '_> {
    /// Lowers a batch; `None` when there was an error.
    pub(crate) fn batch(&mut self, decl: &'a AtomicBatch) -> Option<LoweredBatch> {
        let errors = self.error_count();
        let mut tables = Tables::default();
        let mut assembly = Assembly::new(arc(&decl.name), &mut tables);
        let mut cache = Cache::new();
        let mut compiled: Vec<Compiled> = Vec::new();
        let mut calls: HashMap<&str, u32> = HashMap::new();
        let mut entries = Vec::new();
        if decl.items.is_empty() && !decl.broken {
            self.diagnostics.push(
                Diagnostic::new(Code::AE0314, format!("batch `{}` is empty", decl.name.text))
                    .label(self.symbols.source, decl.name.span, "nothing to run")
                    .help("add an intent, a call or a loop"),
            );
        }
        for item in &decl.items {
            let first = assembly.transactions.len();
            let (entry, shown) = match item {
                ast::BatchItem::Intent(own) => {
                    self.own_intent(decl, own, &mut assembly);
                    (
                        Entry {
                            name: Some(&own.name),
                            after: &own.after,
                            span: own.name.span,
                        },
                        own.name.text.clone(),
                    )
                }
                ast::BatchItem::Call(call) => {
                    let shown = match &call.label {
                        Some(label) => label.text.clone(),
                        None => {
                            let count = calls.entry(&call.intent.text).or_default();
                            *count += 1;
                            format!("{}#{count}", call.intent.text)
                        }
                    };
                    let scope = Scope {
                        batch: decl,
                        label: call.label.as_ref(),
                        rows: None,
                    };
                    let name = Names::One(shown.as_str().into());
                    self.call(call, &scope, name, &mut assembly, &mut cache, &mut compiled);
                    (
                        Entry {
                            name: call.label.as_ref(),
                            after: &call.after,
                            span: call.span,
                        },
                        shown,
                    )
                }
                ast::BatchItem::Loop(each) => {
                    self.each_row(decl, each, &mut assembly, &mut cache, &mut compiled);
                    let shown = match &each.label {
                        Some(label) => label.text.clone(),
                        None => format!("for {} in \"{}\"", each.row.text, quote(&each.file.text)),
                    };
                    let head = each.label.as_ref().map_or(each.row.span, |label| label.span);
                    (
                        Entry {
                            name: each.label.as_ref(),
                            after: &each.after,
                            span: head,
                        },
                        shown,
                    )
                }
            };
            let count = assembly.transactions.len() - first;
            let origin = place(self.symbols.source, entry.span);
            entries.push(entry);
            assembly.items.push(BatchItem {
                name: shown.as_str().into(),
                first: first as u32,
                count: count as u32,
                after: Vec::new(),
                origin,
            });
        }
        self.resolve_after(&entries, &mut assembly);
        let at = place(self.symbols.source, decl.name.span);
        let lowered = assembly.finish(self.symbols, self.inputs, at, self.diagnostics);
        (self.error_count() == errors && !decl.broken).then_some(lowered)
    }

    /// Lowers a top-level intent as a batch of one.
    pub(crate) fn single(&mut self, decl: &'a IntentDecl) -> Option<LoweredBatch> {
        let errors = self.error_count();
        let mut tables = Tables::default();
        let mut assembly = Assembly::new(arc(&decl.name), &mut tables);
        self.invoke_own(&decl.name.text, decl, &mut assembly);
        assembly.items.push(BatchItem {
            name: arc(&decl.name),
            first: 0,
            count: assembly.transactions.len() as u32,
            after: Vec::new(),
            origin: place(self.symbols.source, decl.name.span),
        });
        let at = place(self.symbols.source, decl.name.span);
        let lowered = assembly.finish(self.symbols, self.inputs, at, self.diagnostics);
        (self.error_count() == errors).then_some(lowered)
    }

    fn error_count(&self) -> usize {
        self.diagnostics.iter().filter(|d| d.is_error()).count()
    }

    /// The setting for a parameter: with the batch's name in front, else without.
    fn setting<'s>(settings: &'s [Setting], batch: &str, name: &str, param: &str) -> Option<&'s Setting> {
        let fits = |setting: &&Setting| {
            let key = setting.key.as_str();
            let short = key.strip_prefix(batch).and_then(|rest| rest.strip_prefix('.'));
            let is =
                |key: &str| key.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) == Some(param);
            is(key) || short.is_some_and(is)
        };
        settings
            .iter()
            .filter(fits)
            .max_by_key(|setting| setting.key.len())
    }

    fn own_intent(&mut self, batch: &'a AtomicBatch, decl: &'a IntentDecl, assembly: &mut Assembly<'_>) {
        self.invoke_own(&batch.name.text, decl, assembly);
    }

    /// Compiles and calls an intent whose accounts and values come from the inputs only.
    fn invoke_own(&mut self, batch: &str, decl: &'a IntentDecl, assembly: &mut Assembly<'_>) {
        let inputs = self.inputs;
        let name = decl.name.text.as_str();
        let given = |param: &str| Self::setting(&inputs.args, batch, name, param).is_some();
        let lint = self.purpose == Purpose::Check;
        let compiled = intent::compile(
            self.symbols,
            assembly.tables,
            decl,
            &given,
            lint,
            self.diagnostics,
        );
        let Some(mut compiled) = compiled else { return };
        compiled.id = add_intent(assembly, &compiled.intent);
        self.complain_unfixed(&compiled, Some(name), decl.name.span);
        let scope = Names::One(arc(&decl.name));
        let plan = CallPlan::default();
        let scoped = Target {
            batch,
            name: Some(name),
            span: decl.name.span,
        };
        self.invoke(&compiled, scope, &plan, &scoped, 1, None, assembly);
    }

    /// Values that neither an argument nor an equation gives. `name` is what `--arg` can address them by.
    fn complain_unfixed(&mut self, compiled: &Compiled, name: Option<&str>, span: Span) {
        for (param, declared) in &compiled.unfixed {
            let message = format!("`{param}` of `{}` has no value", compiled.intent.name);
            let mut diagnostic = Diagnostic::new(Code::AE0301, message);
            diagnostic = if span == compiled.intent.span {
                diagnostic.label(self.symbols.source, *declared, "nothing fixes it")
            } else {
                diagnostic
                    .label(self.symbols.source, span, format!("`{param}` is not given here"))
                    .label(self.symbols.source, *declared, "declared here")
            };
            let help = match name {
                Some(name) => {
                    format!("give it with `--arg {name}.{param}=..`, or write `{param} == ..;` in `guard`")
                }
                None => format!("give it in the call: `{param}: ..`"),
            };
            diagnostic = diagnostic.help(help);
            if self.purpose == Purpose::Check && name.is_some() {
                // The value may come with the run.
                diagnostic.severity = aethel_ir::Severity::Note;
            }
            self.diagnostics.push(diagnostic);
        }
    }

    /// A call outside or inside a loop.
    fn call(
        &mut self,
        call: &'a Call,
        scope: &Scope<'a, '_>,
        names: Names,
        assembly: &mut Assembly<'_>,
        cache: &mut Cache,
        compiled: &mut Vec<Compiled>,
    ) {
        let Some(prepared) = self.prepare(call, scope, assembly, cache, compiled) else {
            return;
        };
        let target = Target {
            batch: &scope.batch.name.text,
            name: scope.label.map(|label| label.text.as_str()),
            span: call.span,
        };
        self.invoke(
            &compiled[prepared.compiled],
            names,
            &prepared.plan,
            &target,
            1,
            None,
            assembly,
        );
    }

    /// Resolves the callee and its arguments and compiles it for them.
    fn prepare(
        &mut self,
        call: &'a Call,
        scope: &Scope<'a, '_>,
        assembly: &mut Assembly<'_>,
        cache: &mut Cache,
        compiled: &mut Vec<Compiled>,
    ) -> Option<Prepared<'a>> {
        let Some(decl) = self.symbols.intents.get(call.intent.text.as_str()).copied() else {
            let known = self.symbols.intents.keys().copied();
            let message = format!("there is no intent `{}`", quote(&call.intent.text));
            let mut diagnostic = Diagnostic::new(Code::AE0205, message).label(
                self.symbols.source,
                call.intent.span,
                "not declared at top level",
            );
            diagnostic = match aethel_ir::closest(&call.intent.text, known) {
                Some(found) => diagnostic.help(format!("did you mean `{found}`?")).fix(
                    format!("write `{found}`"),
                    aethel_ir::Safety::Unsafe,
                    self.symbols.source,
                    call.intent.span,
                    found,
                ),
                None => diagnostic.help(format!(
                    "declare it outside the batch: `intent {}(..)`",
                    call.intent.text
                )),
            };
            self.diagnostics.push(diagnostic);
            return None;
        };
        let row = scope.rows.map(|(each, _)| each.row.text.as_str());
        let mut plan = CallPlan::new(self.symbols, decl, call, row, self.diagnostics)?;
        if let Some(label) = scope.label {
            for param in &decl.params {
                let name = param.name.text.as_str();
                let setting = Self::setting(&self.inputs.args, &scope.batch.name.text, &label.text, name);
                if let (Some(setting), false) = (setting, plan.has(name)) {
                    plan.set(
                        name,
                        ArgumentSource::Text(setting.value.text.clone(), setting.value.at),
                    );
                }
            }
        }
        let given: Vec<bool> = decl
            .params
            .iter()
            .map(|param| plan.has(&param.name.text))
            .collect();
        // Declarations live as long as the symbols, so their address is an identity.
        // Feeds belong to the compiled intent, so a label that binds one has an intent of its own.
        let binds_feed = scope.label.filter(|label| {
            let external = decl.params.iter().filter(|param| param.external.is_some());
            let bound =
                |name: &str| Self::setting(&self.inputs.bind, &scope.batch.name.text, &label.text, name);
            external
                .map(|param| bound(&param.name.text))
                .any(|setting| setting.is_some())
        });
        let key = (
            std::ptr::from_ref(decl) as usize,
            given,
            binds_feed.map(|label| label.text.clone()),
        );
        let index = match cache.get(&key) {
            Some(index) => *index,
            None => {
                let has = |param: &str| plan.has(param);
                let result =
                    intent::compile(self.symbols, assembly.tables, decl, &has, false, self.diagnostics);
                let index = result.map(|mut result| {
                    result.id = add_intent(assembly, &result.intent);
                    compiled.push(result);
                    compiled.len() - 1
                });
                cache.insert(key, index);
                index
            }
        }?;
        self.complain_unfixed(
            &compiled[index],
            scope.label.map(|label| label.text.as_str()),
            call.span,
        );
        Some(Prepared {
            compiled: index,
            plan,
        })
    }

    /// `for row in "file.csv" { .. }`
    fn each_row(
        &mut self,
        batch: &'a AtomicBatch,
        each: &'a Loop,
        assembly: &mut Assembly<'_>,
        cache: &mut Cache,
        compiled: &mut Vec<Compiled>,
    ) {
        let (csv_source, text) = match self.files.open(&each.file.text) {
            Ok(opened) => opened,
            Err(diagnostic) => {
                self.diagnostics
                    .push(diagnostic.label(self.symbols.source, each.file.span, "named here"));
                return;
            }
        };
        let rows = match Rows::open(csv_source, &text) {
            Ok(rows) => rows,
            Err(diagnostic) => {
                let diagnostic = diagnostic.label(self.symbols.source, each.file.span, "read for this loop");
                self.diagnostics.push(diagnostic);
                return;
            }
        };
        let scope = Scope {
            batch,
            label: each.label.as_ref(),
            rows: Some((each, &rows)),
        };
        let prepared: Vec<_> = each
            .calls
            .iter()
            .map(|call| self.prepare(call, &scope, assembly, cache, compiled))
            .collect();
        if prepared.iter().any(Option::is_none) {
            return;
        }
        let prepared: Vec<Prepared<'a>> = prepared.into_iter().flatten().collect();
        let plans: Vec<(&Compiled, &CallPlan<'a>)> = prepared
            .iter()
            .map(|p| (&compiled[p.compiled], &p.plan))
            .collect();
        let Some(read) = crate::columns::read(
            self.symbols,
            assembly.tables,
            &rows,
            each,
            &plans,
            self.diagnostics,
        ) else {
            return;
        };
        let first_group = assembly.groups.len();
        for ((call, prepared), columns) in each.calls.iter().zip(&prepared).zip(read.calls) {
            let prefix = match (&each.label, each.calls.len()) {
                (Some(label), 1) => label.text.as_str(),
                _ => call.intent.text.as_str(),
            };
            let target = Target {
                batch: &batch.name.text,
                name: each.label.as_ref().map(|label| label.text.as_str()),
                span: call.span,
            };
            let rows = Some((columns, csv_source, read.spans.clone()));
            let (plan, count) = (&prepared.plan, read.count);
            self.invoke(
                &compiled[prepared.compiled],
                Names::Rows(prefix.into()),
                plan,
                &target,
                count,
                rows,
                assembly,
            );
        }
        // `invoke` added the rows call by call; the language runs them row by row.
        let groups = assembly.groups.len() - first_group;
        if groups > 1 {
            let start = assembly.transactions.len() - groups * read.count as usize;
            assembly.transactions.truncate(start);
            for row in 0..read.count {
                for group in first_group..first_group + groups {
                    assembly.transactions.push(TransactionRef {
                        group: group as u32,
                        row,
                    });
                }
            }
        }
    }

    /// Adds the transactions of one call site: resolves accounts and values into columns.
    #[allow(
        clippy::too_many_arguments,
        reason = "the parts of one call site, each used once"
    )]
    fn invoke(
        &mut self,
        compiled: &Compiled,
        names: Names,
        plan: &CallPlan<'_>,
        target: &Target<'_>,
        rows: u32,
        read: Option<(crate::columns::CallColumns, SourceId, Vec<Span>)>,
        assembly: &mut Assembly<'_>,
    ) {
        let (mut columns, csv) = match read {
            Some((columns, source, spans)) => (columns, Some((source, spans))),
            None => (crate::columns::CallColumns::default(), None),
        };
        let mut accounts = Vec::with_capacity(compiled.intent.accounts.len());
        for param in &compiled.intent.accounts {
            let column = match columns.accounts.remove(&*param.name) {
                Some(ids) => Column::Each(ids),
                None => Column::Same(self.account(&param.name, plan, target, assembly)),
            };
            accounts.push(column);
        }
        let mut values = Vec::with_capacity(compiled.intent.values.len());
        for (index, (param, origin)) in compiled.intent.values.iter().zip(&compiled.origins).enumerate() {
            let column = match (origin, columns.values.remove(&*param.name)) {
                (_, Some(column)) => column,
                (Origin::OracleFlag, None) => ValueColumn::Bool(Column::Same(true)),
                (Origin::Oracle, None) => {
                    let bound = target
                        .name
                        .and_then(|name| Self::setting(&self.inputs.bind, target.batch, name, &param.name));
                    let feed = bound
                        .map_or(&*param.name, |setting| setting.value.text.as_str())
                        .to_owned();
                    if bound.is_some() {
                        assembly.feeds.push(((compiled.id, index as u16), feed.clone()));
                    }
                    let at = place(self.symbols.source, param.span);
                    assembly
                        .oracle_value(self.inputs, &feed, param.ty, at, self.diagnostics)
                        .same()
                }
                (Origin::Argument, None) => self.value(param, plan, target, assembly).same(),
            };
            values.push(column);
        }
        let places = assembly.place_columns(&compiled.intent, &accounts);
        let call = place(self.symbols.source, target.span);
        let origin = match csv {
            Some((source, spans)) => Some((source, Column::Each(spans))),
            None => Some((self.symbols.source, Column::Same(target.span))),
        };
        let group = assembly.groups.len() as u32;
        assembly.groups.push(Group {
            intent: compiled.id,
            rows,
            names,
            accounts,
            places,
            values,
            origin,
            call,
        });
        assembly
            .transactions
            .extend((0..rows).map(|row| TransactionRef { group, row }));
    }

    /// The account of a parameter: the argument, else the binding, else the account named like the parameter.
    fn account(
        &mut self,
        param: &str,
        plan: &CallPlan<'_>,
        target: &Target<'_>,
        assembly: &mut Assembly<'_>,
    ) -> AccountId {
        let source = self.symbols.source;
        let setting = target.name.and_then(|name| {
            let find = |settings| Self::setting(settings, target.batch, name, param);
            find(&self.inputs.bind).or_else(|| find(&self.inputs.args))
        });
        let (text, at) = match (plan.get(param), setting) {
            (Some(ArgumentSource::Account(text, span)), _) => (text.as_str(), place(source, *span)),
            (Some(ArgumentSource::Text(text, at)), _) => (text.as_str(), *at),
            (_, Some(setting)) => (setting.value.text.as_str(), setting.value.at),
            _ => (param, place(source, target.span)),
        };
        match AccountName::new(text) {
            Ok(name) => assembly.tables.account(name),
            Err(error) => {
                let diagnostic = match at {
                    Some((source, span)) => bad_account_name(source, span, text, error),
                    None => Diagnostic::new(
                        Code::AE0308,
                        format!("`{}` is not an account name: {error}", quote(text)),
                    ),
                };
                self.diagnostics.push(diagnostic);
                AccountId(0)
            }
        }
    }

    /// The value of a parameter that an argument or a setting gives.
    fn value(
        &mut self,
        param: &aethel_ir::intent::ValueParameter,
        plan: &CallPlan<'_>,
        target: &Target<'_>,
        assembly: &mut Assembly<'_>,
    ) -> Scalar {
        let source = self.symbols.source;
        let setting = target
            .name
            .and_then(|name| Self::setting(&self.inputs.args, target.batch, name, &param.name));
        let (result, at) = match (plan.get(&param.name), setting) {
            (Some(ArgumentSource::Constant(expr)), _) => {
                let at = place(source, expr.span);
                match constant::evaluate(self.symbols, expr, self.diagnostics) {
                    Some(crate::symbols::Constant::Number(n)) => {
                        (value::from_units(assembly.tables, &n, param.ty), at)
                    }
                    Some(crate::symbols::Constant::Bool(b)) if param.ty == aethel_ir::Type::Bool => {
                        (Ok(Scalar::Bool(b)), at)
                    }
                    Some(crate::symbols::Constant::Bool(_)) => (Err("expected a number".into()), at),
                    None => return Scalar::Bool(false),
                }
            }
            (Some(ArgumentSource::Text(text, at)), _) => {
                (value::from_text(assembly.tables, text, param.ty), *at)
            }
            (_, Some(setting)) => {
                let given = &setting.value;
                (value::from_text(assembly.tables, &given.text, param.ty), given.at)
            }
            // Missing values were reported by `complain_unfixed`; `check` goes on with a stand-in.
            _ => {
                return value::from_units(assembly.tables, &aethel_ir::Rational::ZERO, param.ty)
                    .unwrap_or(Scalar::Bool(false));
            }
        };
        result.unwrap_or_else(|expected| {
            let message = format!("this does not fit `{}`: {expected}", param.name);
            let amount = matches!(param.ty, aethel_ir::Type::Amount(_));
            let code = if amount { Code::AE0309 } else { Code::AE0906 };
            let diagnostic = labelled(Diagnostic::new(code, message), at, "given here");
            let declared = "the parameter";
            self.diagnostics.push(
                diagnostic
                    .label(source, param.span, declared)
                    .help("write it in units of the asset, such as `1000.00`"),
            );
            Scalar::Bool(false)
        })
    }

    /// Duplicate names, and names in `after`.
    fn resolve_after(&mut self, entries: &[Entry<'a>], assembly: &mut Assembly<'_>) {
        let mut names: HashMap<&str, (u32, Span)> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let Some(name) = entry.name else { continue };
            match names.get(name.text.as_str()) {
                Some((_, first)) => self
                    .diagnostics
                    .push(duplicate(self.symbols.source, name, *first)),
                None => {
                    names.insert(&name.text, (index as u32, name.span));
                }
            }
        }
        for (index, entry) in entries.iter().enumerate() {
            for name in entry.after {
                match names.get(name.text.as_str()) {
                    Some((other, _)) => {
                        let item = &mut assembly.items[index];
                        if !item.after.contains(other) {
                            item.after.push(*other);
                        }
                    }
                    None => {
                        let help = did_you_mean(&name.text, names.keys().copied())
                            .unwrap_or_else(|| "name an intent or a label of this batch".into());
                        let message = format!("nothing in this batch is called `{}`", quote(&name.text));
                        self.diagnostics.push(
                            Diagnostic::new(Code::AE0212, message)
                                .label(self.symbols.source, name.span, "unknown")
                                .help(help),
                        );
                    }
                }
            }
        }
    }
}

/// A call whose callee is compiled.
struct Prepared<'a> {
    compiled: usize,
    plan: CallPlan<'a>,
}

/// Where a call stands.
struct Scope<'a, 'r> {
    batch: &'a AtomicBatch,
    label: Option<&'a Name>,
    rows: Option<(&'a Loop, &'r Rows<'r>)>,
}

/// What settings can address a call by.
struct Target<'a> {
    batch: &'a str,
    /// `None` for an unlabelled call, which settings cannot address.
    name: Option<&'a str>,
    span: Span,
}

/// Adds a compiled intent to the batch.
fn add_intent(assembly: &mut Assembly<'_>, intent: &Intent) -> u32 {
    assembly.intents.push(intent.clone());
    (assembly.intents.len() - 1) as u32
}
