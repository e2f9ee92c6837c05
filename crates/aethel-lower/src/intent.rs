//! Compiles one intent: parameters, named values of the guard, conditions, effects, postconditions.
//!
//! Takes the tree of an intent and which of its value parameters have an argument; gives [`Compiled`]. A parameter
//! without an argument that a guard equation fixes becomes a `let`; one that nothing fixes stays a value parameter and
//! is listed in [`Compiled::unfixed`].

use crate::expression::Kind;
use crate::guard;
use crate::lints;
use crate::parameters::Pending;
use crate::problems::Problems;
use crate::symbols::{Symbols, arc};
use crate::tables::Tables;
use aethel_ir::{
    AssetId, Code, Condition, Diagnostic, Effect, Expr as Ir, ExprId, FieldId, Intent, Slot, Span, Type,
    quote,
};
use aethel_syntax::ast::{BinaryOp, Expr, ExprKind, IntentDecl, Statement};
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
    /// The asset of each account parameter.
    pub(crate) balances: Vec<AssetId>,
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
    pub(crate) diagnostics: &'t mut Problems,
    /// Whether to add notes and warnings: once per intent, however often it is compiled.
    pub(crate) lint: bool,
    pub(crate) origins: Vec<Origin>,
    pub(crate) unfixed: Vec<(Arc<str>, Span)>,
    /// The asset of each account parameter's `balance`.
    pub(crate) balances: Vec<AssetId>,
    /// The name of each account parameter, as declared.
    pub(crate) account_names: Vec<&'a str>,
    pub(crate) slots: HashMap<(u16, FieldId), Slot>,
}

/// Compiles `decl`; `given` says which value parameters have an argument. `None` when there was an error.
pub(crate) fn compile<'a>(
    symbols: &'a Symbols<'a>,
    tables: &mut Tables,
    decl: &'a IntentDecl,
    given: &dyn Fn(&str) -> bool,
    lint: bool,
    diagnostics: &mut Problems,
) -> Option<Compiled> {
    let errors = diagnostics.errors();
    let mut compiler = Compiler::new(symbols, tables, decl, lint, diagnostics);
    let pending = compiler.parameters(given);
    compiler.guard(pending);
    compiler.verify();
    compiler.solve();
    // After an error most lints would only repeat it in other words.
    compiler.check_size();
    let clean = compiler.diagnostics.errors() == errors;
    if lint && clean {
        lints::intent(&mut compiler);
    }
    let Compiler {
        intent,
        origins,
        unfixed,
        diagnostics,
        balances,
        ..
    } = compiler;
    let failed = diagnostics.errors() > errors || diagnostics.full() || decl.broken;
    (!failed).then_some(Compiled {
        intent,
        origins,
        unfixed,
        balances,
        id: 0,
    })
}

impl<'a, 't> Compiler<'a, 't> {
    /// An empty intent, to be filled from `decl`.
    pub(crate) fn new(
        symbols: &'a Symbols<'a>,
        tables: &'t mut Tables,
        decl: &'a IntentDecl,
        lint: bool,
        diagnostics: &'t mut Problems,
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
            account_names: Vec::new(),
            slots: HashMap::new(),
        }
    }

    /// Slots, parameters and conditions are numbered in 16 bits; an intent with more of them is refused here, so that
    /// [`index16`] never gives one number twice in an intent that is used.
    pub(crate) fn check_size(&mut self) {
        let intent = &self.intent;
        let parts = [
            (intent.accounts.len(), "account parameters"),
            (intent.values.len(), "value parameters"),
            (intent.places.len(), "places"),
            (intent.lets.len(), "named values"),
            (intent.guard.len(), "conditions in `guard`"),
            (intent.effects.len(), "equations in `verify`"),
            (intent.postconditions.len(), "conditions in `verify`"),
        ];
        for (count, what) in parts {
            if count > MAX_PARTS {
                let name = quote(&self.decl.name.text);
                let message = format!("`{name}` has {count} {what}; an intent has at most {MAX_PARTS}");
                self.diagnostics.push(
                    Diagnostic::new(Code::AE0312, message)
                        .label(self.symbols.source, self.decl.name.span, "too large")
                        .help("split it into several intents, or take the values from a CSV file with `for`"),
                );
            }
        }
    }

    /// Every name that may be written here, for suggestions.
    pub(crate) fn known_names(&self) -> impl Iterator<Item = &str> + Clone {
        let names = self.names.keys().copied();
        let names = names.chain(self.symbols.constants.keys().copied());
        let suggests = self.diagnostics.suggests();
        names.filter(move |_| suggests)
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
        if number.is_integer() || !ty.is_whole() {
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

/// How many parameters, places or conditions of one kind an intent may have.
const MAX_PARTS: usize = u16::MAX as usize;

/// An index as intents store it; see [`Compiler::check_size`].
pub(crate) fn index16(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
