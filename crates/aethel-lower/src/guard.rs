//! The part of a guard that gives values instead of testing: equations that fix parameters, names for values before,
//! and `let`.
//!
//! A name is resolved by the first equation in source order whose other side can be computed. The order of the lines
//! does not matter otherwise; a worklist keeps this linear in the number of uses.

use crate::constant::names_in;
use crate::expression::Kind;
use crate::intent::{Compiler, Named, Origin, index16};
use crate::parameters::Pending;
use crate::symbols::{arc, duplicate};
use aethel_ir::intent::Let;
use aethel_ir::{Code, Diagnostic, Safety, SourceId, Span, quote};
use aethel_syntax::ast::{BinaryOp, Expr, ExprKind, Statement};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// How many of the names that need each other are shown.
const SHOWN: usize = 8;

/// A statement that could give a name its value.
struct Definition<'a> {
    name: &'a str,
    name_span: Span,
    value: &'a Expr,
    /// Its index in the guard.
    statement: usize,
    span: Span,
}

/// Resolves all named values into `lets`; gives the statements that were used up by that.
pub(crate) fn resolve<'a>(compiler: &mut Compiler<'a, '_>, pending: Vec<Pending<'a>>) -> HashSet<usize> {
    let waiting: HashMap<&'a str, Pending<'a>> =
        pending.iter().map(|p| (p.param.name.text.as_str(), *p)).collect();
    let mut consumed = HashSet::new();
    let definitions = collect(compiler, &waiting, &mut consumed);
    let mut work = Work::new(definitions, &waiting);
    work.run(compiler, &waiting, &mut consumed);
    // What no equation fixes must be brought by the caller. All such parameters become arguments together: then the
    // equations between them are tests.
    for p in &pending {
        let name = p.param.name.text.as_str();
        if !work.resolved.contains(name) {
            compiler.unfixed.push((arc(&p.param.name), p.param.name.span));
            compiler.add_value(p.param, p.ty, Origin::Argument);
            work.resolve(name);
        }
    }
    work.run(compiler, &waiting, &mut consumed);
    work.report_cycle(compiler, &mut consumed);
    consumed
}

/// Every statement that could give a name its value. A `let` is always one; so is `v = ..` with a new name.
fn collect<'a>(
    compiler: &mut Compiler<'a, '_>,
    waiting: &HashMap<&'a str, Pending<'a>>,
    consumed: &mut HashSet<usize>,
) -> Vec<Definition<'a>> {
    let decl = compiler.decl;
    let source = compiler.symbols.source;
    let parameters = decl.params.iter().map(|p| (p.name.text.as_str(), p.name.span));
    let parameters: HashMap<&str, Span> = parameters.collect();
    let mut lets: HashMap<&str, Span> = HashMap::new();
    let mut definitions = Vec::new();
    for (statement, line) in decl.guard.iter().enumerate() {
        match line {
            Statement::Let { name, value, span } => {
                consumed.insert(statement);
                let text = name.text.as_str();
                if let Some(first) = parameters.get(text).or_else(|| lets.get(text)).copied() {
                    compiler.diagnostics.push(duplicate(source, name, first));
                    continue;
                }
                lets.insert(&name.text, name.span);
                definitions.push(Definition {
                    name: text,
                    name_span: name.span,
                    value,
                    statement,
                    span: *span,
                });
            }
            Statement::Assign {
                target,
                equals,
                value,
                span,
            } => {
                consumed.insert(statement);
                let ExprKind::Name(text) = &target.kind else {
                    compiler.diagnostics.push(equality_meant(source, *equals));
                    continue;
                };
                let known = compiler.names.contains_key(text.as_str())
                    || waiting.contains_key(text.as_str())
                    || compiler.bare_place(target).is_some();
                if known || lets.contains_key(text.as_str()) {
                    compiler.diagnostics.push(equality_meant(source, *equals));
                    continue;
                }
                if compiler.lint {
                    let start = Span {
                        start: target.span.start,
                        end: target.span.start,
                    };
                    compiler.diagnostics.push(
                        Diagnostic::new(Code::AE0114, format!("`{}` is a new name here", quote(text)))
                            .label(source, target.span, "read as `let`")
                            .help(format!("write `let {} = ..`", quote(text)))
                            .fix("write `let`", Safety::Safe, source, start, "let "),
                    );
                }
                lets.insert(text, target.span);
                definitions.push(Definition {
                    name: text,
                    name_span: target.span,
                    value,
                    statement,
                    span: *span,
                });
            }
            Statement::Condition(_) => {}
        }
    }
    for (statement, line) in decl.guard.iter().enumerate() {
        let Statement::Condition(expr) = line else {
            continue;
        };
        let ExprKind::Binary(BinaryOp::Equal, _, left, right) = &expr.kind else {
            continue;
        };
        for (side, other) in [(left, right), (right, left)] {
            let ExprKind::Name(name) = &side.kind else {
                continue;
            };
            let fixes = waiting.contains_key(name.as_str());
            let captures = !fixes
                && !compiler.names.contains_key(name.as_str())
                && !lets.contains_key(name.as_str())
                && !compiler.symbols.constants.contains_key(name.as_str())
                && !compiler.is_oracle_flag(name)
                && compiler.place_with_underscore(name).is_none()
                && compiler.bare_place(other).is_some();
            if fixes || captures {
                definitions.push(Definition {
                    name,
                    name_span: side.span,
                    value: other,
                    statement,
                    span: expr.span,
                });
            }
        }
    }
    definitions
}

/// Definitions that wait for names, and names that definitions wait for.
struct Work<'a> {
    definitions: Vec<Definition<'a>>,
    /// For each of them, how many names of its value are not resolved yet.
    missing: Vec<usize>,
    /// Which definitions use a name that is not resolved yet.
    users: HashMap<&'a str, Vec<usize>>,
    /// Definitions that can be computed, earliest statement first.
    ready: BinaryHeap<Reverse<(usize, usize)>>,
    resolved: HashSet<&'a str>,
}

impl<'a> Work<'a> {
    fn new(definitions: Vec<Definition<'a>>, waiting: &HashMap<&'a str, Pending<'a>>) -> Self {
        let open: HashSet<&str> = definitions
            .iter()
            .map(|d| d.name)
            .chain(waiting.keys().copied())
            .collect();
        let mut users: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut ready = BinaryHeap::new();
        let mut missing = Vec::with_capacity(definitions.len());
        for (index, definition) in definitions.iter().enumerate() {
            let mut names = Vec::new();
            names_in(definition.value, &mut names);
            names.retain(|name| open.contains(name));
            for name in &names {
                users.entry(name).or_default().push(index);
            }
            if names.is_empty() {
                ready.push(Reverse((definition.statement, index)));
            }
            missing.push(names.len());
        }
        Self {
            definitions,
            missing,
            users,
            ready,
            resolved: HashSet::new(),
        }
    }

    /// Marks a name as resolved and wakes those that waited for it.
    fn resolve(&mut self, name: &'a str) {
        if !self.resolved.insert(name) {
            return;
        }
        for user in self.users.remove(name).unwrap_or_default() {
            self.missing[user] -= 1;
            if self.missing[user] == 0 {
                self.ready.push(Reverse((self.definitions[user].statement, user)));
            }
        }
    }

    fn run(
        &mut self,
        compiler: &mut Compiler<'a, '_>,
        waiting: &HashMap<&'a str, Pending<'a>>,
        consumed: &mut HashSet<usize>,
    ) {
        while let Some(Reverse((statement, index))) = self.ready.pop() {
            let definition = &self.definitions[index];
            // The statement may have fixed its other side already, or the name may have a value: then it is a test.
            let name = definition.name;
            let is_test = self.resolved.contains(name)
                || consumed.contains(&statement) && is_condition(compiler, statement);
            if is_test {
                continue;
            }
            consumed.insert(statement);
            give_value(compiler, definition, waiting.get(name).copied());
            self.resolve(name);
        }
    }

    /// What is left waits for itself.
    fn report_cycle(&self, compiler: &mut Compiler<'a, '_>, consumed: &mut HashSet<usize>) {
        let waiting = self.definitions.iter().zip(&self.missing);
        let stuck: Vec<&Definition<'_>> = waiting
            .filter(|(d, missing)| **missing > 0 && !self.resolved.contains(d.name))
            .map(|(definition, _)| definition)
            .collect();
        let Some(first) = stuck.first() else { return };
        let names: Vec<String> = stuck
            .iter()
            .take(SHOWN)
            .map(|d| format!("`{}`", quote(d.name)))
            .collect();
        let mut diagnostic = Diagnostic::new(Code::AE0303, format!("{} need each other", names.join(", ")));
        if stuck.len() == 1 {
            diagnostic.message = format!("{} is defined by itself", names[0]);
        }
        for definition in stuck.iter().take(SHOWN) {
            diagnostic = diagnostic.label(compiler.symbols.source, definition.span, "");
        }
        if let Some(label) = diagnostic.labels.first_mut() {
            label.message = format!("`{}` cannot be computed first", quote(first.name));
        }
        compiler
            .diagnostics
            .push(diagnostic.help("define one of them from parameters and balances only"));
        for definition in stuck {
            compiler.names.insert(definition.name, Named::Broken);
            consumed.insert(definition.statement);
        }
    }
}

fn is_condition(compiler: &Compiler<'_, '_>, statement: usize) -> bool {
    matches!(compiler.decl.guard.get(statement), Some(Statement::Condition(_)))
}

/// Lowers the value of a definition and gives it to its name.
fn give_value<'a>(compiler: &mut Compiler<'a, '_>, definition: &Definition<'a>, fixes: Option<Pending<'a>>) {
    let name = definition.name;
    let expected = fixes.map(|p| p.ty);
    let typed = compiler.expression(definition.value, expected);
    let lowered = match (typed, expected) {
        (Some(typed), Some(ty)) => {
            let what = format!("`{name}`");
            compiler.coerce(typed, ty, &what).map(|id| (id, Kind::Of(ty)))
        }
        (typed, _) => typed,
    };
    let Some((value, kind)) = lowered else {
        compiler.names.insert(name, Named::Broken);
        return;
    };
    let whole = expected.filter(|ty| ty.is_whole());
    if let Some(ty) = whole {
        compiler.literal_is_whole(value, ty);
    }
    // What is computed from a secret value tells it.
    let secret = fixes.is_some_and(|p| p.param.secret.is_some()) || compiler.is_secret(definition.value);
    let index = index16(compiler.intent.lets.len());
    compiler.intent.lets.push(Let {
        name: name.into(),
        value,
        whole: whole.is_some(),
        span: definition.name_span,
        secret,
    });
    if fixes.is_some() {
        compiler.used.insert(name);
    }
    compiler.names.insert(name, Named::Let(index, kind));
}

/// `=` where `==` was meant.
pub(crate) fn equality_meant(source: SourceId, equals: Span) -> Diagnostic {
    Diagnostic::new(Code::AE0105, "`=` is not a comparison")
        .label(source, equals, "expected `==`")
        .help("write `==`; a new name is introduced with `let name = ..`")
        .fix("write `==`", Safety::Safe, source, equals, "==")
}
