//! Calls of top-level intents: the callee found, its arguments matched, and compiled for them.

use crate::calls::{ArgumentSource, CallPlan};
use crate::intent::{self, Compiled};
use crate::invoke::Target;
use crate::lowered::Assembly;
use crate::program::{BatchLowering, Cache, MAX_COMPILED, Purpose, add_intent};
use crate::rows::Rows;
use aethel_ir::{Code, Diagnostic, Names, Span, quote};
use aethel_syntax::ast::{AtomicBatch, Call, Loop, Name};

impl<'a> BatchLowering<'a, '_> {
    /// Values that neither an argument nor an equation gives. `name` is what `--arg` can address them by.
    pub(crate) fn complain_unfixed(&mut self, compiled: &Compiled, name: Option<&str>, span: Span) {
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
    pub(crate) fn call(
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
            None,
            assembly,
        );
    }

    /// Resolves the callee and its arguments and compiles it for them.
    pub(crate) fn prepare(
        &mut self,
        call: &'a Call,
        scope: &Scope<'a, '_>,
        assembly: &mut Assembly<'_>,
        cache: &mut Cache,
        compiled: &mut Vec<Compiled>,
    ) -> Option<Prepared<'a>> {
        let Some(decl) = self.symbols.intents.get(call.intent.text.as_str()).copied() else {
            let suggests = self.diagnostics.suggests();
            let known = self.symbols.intents.keys().copied();
            let message = format!("there is no intent `{}`", quote(&call.intent.text));
            let mut names: Vec<&str> = self.symbols.intents.keys().copied().collect();
            names.sort_unstable();
            let help = match names.as_slice() {
                [] => format!("declare it outside the batch: `intent {}(..)`", call.intent.text),
                [one] => format!("the only intent outside of batches is `{one}`"),
                several => {
                    let several: Vec<String> =
                        several.iter().take(8).map(|name| format!("`{name}`")).collect();
                    format!("the intents outside of batches are {}", several.join(", "))
                }
            };
            let (source, span) = (self.symbols.source, call.intent.span);
            self.diagnostics.push(
                Diagnostic::new(Code::AE0205, message)
                    .label(source, span, "not declared at top level")
                    .help(help)
                    .meant(source, span, &call.intent.text, known.filter(|_| suggests)),
            );
            return None;
        };
        let row = scope.rows.map(|(each, _)| each.row.text.as_str());
        let mut plan = CallPlan::new(self.symbols, decl, call, row, self.diagnostics)?;
        if let Some(label) = scope.label {
            for param in &decl.params {
                let name = param.name.text.as_str();
                let setting = self.args.get(&scope.batch.name.text, &label.text, name);
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
        // Feeds belong to the compiled intent, so a label that binds one has an intent of its own.
        let feeds_label = scope.label.filter(|label| {
            let mut external = decl.params.iter().filter(|param| param.external.is_some());
            let batch = scope.batch.name.text.as_str();
            external.any(|param| self.bind.get(batch, &label.text, &param.name.text).is_some())
        });
        // Declarations live as long as the symbols, so their address is an identity.
        let key = (
            std::ptr::from_ref(decl) as usize,
            given,
            feeds_label.map(|label| label.text.clone()),
        );
        let index = match cache.get(&key) {
            Some(index) => *index,
            None => {
                if self.compiled > MAX_COMPILED {
                    self.too_much(call.span, "these calls compile too many intents");
                    return None;
                }
                let has = |param: &str| plan.has(param);
                let result =
                    intent::compile(self.symbols, assembly.tables, decl, &has, false, self.diagnostics);
                let index = result.map(|mut result| {
                    self.compiled += result.intent.nodes.len() + result.intent.accounts.len();
                    result.id = add_intent(assembly, &result);
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
}

/// A call whose callee is compiled.
pub(crate) struct Prepared<'a> {
    pub(crate) compiled: usize,
    pub(crate) plan: CallPlan<'a>,
}

/// Where a call stands.
pub(crate) struct Scope<'a, 'r> {
    pub(crate) batch: &'a AtomicBatch,
    pub(crate) label: Option<&'a Name>,
    pub(crate) rows: Option<(&'a Loop, &'r Rows<'r>)>,
}
