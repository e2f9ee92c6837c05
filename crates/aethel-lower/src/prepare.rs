//! Calls of top-level intents: the callee found, its arguments matched, and compiled for them.

use crate::calls::{ArgumentSource, CallPlan};
use crate::intent::{self, Compiled};
use crate::invoke::Target;
use crate::lowered::Assembly;
use crate::program::{BatchLowering, CompiledCalls, MAX_COMPILED, Purpose, add_intent};
use aethel_ir::{Code, Diagnostic, Names, Severity, Span, quote};
use aethel_syntax::ast::{AtomicBatch, Call, IntentDecl, Name};

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
                diagnostic.severity = Severity::Note;
            }
            self.diagnostics.push(diagnostic);
        }
    }

    /// A call outside of loops.
    pub(crate) fn call(
        &mut self,
        call: &'a Call,
        scope: &Scope<'a>,
        names: Names,
        assembly: &mut Assembly<'_>,
        calls: &mut CompiledCalls,
    ) {
        if let Some(Prepared { compiled, plan }) = self.prepare(call, scope, assembly, calls) {
            let target = scope.target(call.span);
            self.invoke(&calls.list[compiled], names, &plan, &target, None, assembly);
        }
    }

    /// Resolves the callee and its arguments and compiles it for them.
    pub(crate) fn prepare(
        &mut self,
        call: &'a Call,
        scope: &Scope<'a>,
        assembly: &mut Assembly<'_>,
        calls: &mut CompiledCalls,
    ) -> Option<Prepared<'a>> {
        let Some(decl) = self.symbols.intents.get(call.intent.text.as_str()).copied() else {
            self.no_such_intent(&call.intent);
            return None;
        };
        let row = scope.row.map(|row| row.text.as_str());
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
        let index = self.compiled(call, decl, &plan, scope, assembly, calls)?;
        self.complain_unfixed(
            &calls.list[index],
            scope.label.map(|label| label.text.as_str()),
            call.span,
        );
        Some(Prepared {
            compiled: index,
            plan,
        })
    }

    /// The index of an intent compiled for a call, which may be that of an earlier call.
    fn compiled(
        &mut self,
        call: &Call,
        decl: &'a IntentDecl,
        plan: &CallPlan<'a>,
        scope: &Scope<'a>,
        assembly: &mut Assembly<'_>,
        calls: &mut CompiledCalls,
    ) -> Option<usize> {
        let given = decl.params.iter().map(|param| plan.has(&param.name.text));
        // Feeds belong to the compiled intent, so a label that binds one has an intent of its own.
        let feeds_label = scope.label.filter(|label| {
            let mut external = decl.params.iter().filter(|param| param.external.is_some());
            let batch = scope.batch.name.text.as_str();
            external.any(|param| self.bind.get(batch, &label.text, &param.name.text).is_some())
        });
        // Declarations live as long as the symbols, so their address is an identity.
        let key = (
            std::ptr::from_ref(decl) as usize,
            given.collect(),
            feeds_label.map(|label| label.text.clone()),
        );
        if let Some(known) = calls.index.get(&key) {
            return *known;
        }
        if self.compiled > MAX_COMPILED {
            self.too_much(call.span, "these calls compile too many intents");
            return None;
        }
        let has = |param: &str| plan.has(param);
        let compiled = intent::compile(self.symbols, assembly.tables, decl, &has, false, self.diagnostics);
        let index = compiled.map(|mut compiled| {
            self.compiled += compiled.intent.nodes.len() + compiled.intent.accounts.len();
            compiled.id = add_intent(assembly, &compiled);
            calls.list.push(compiled);
            calls.list.len() - 1
        });
        calls.index.insert(key, index);
        index
    }

    fn no_such_intent(&mut self, called: &Name) {
        let suggests = self.diagnostics.suggests();
        let known = self.symbols.intents.keys().copied();
        let mut names: Vec<&str> = known.clone().collect();
        names.sort_unstable();
        let help = match names.as_slice() {
            [] => format!("declare it outside the batch: `intent {}(..)`", called.text),
            [one] => format!("the only intent outside of batches is `{one}`"),
            several => {
                let several: Vec<String> = several.iter().take(8).map(|name| format!("`{name}`")).collect();
                format!("the intents outside of batches are {}", several.join(", "))
            }
        };
        let (source, span) = (self.symbols.source, called.span);
        let message = format!("there is no intent `{}`", quote(&called.text));
        self.diagnostics.push(
            Diagnostic::new(Code::AE0205, message)
                .label(source, span, "not declared at top level")
                .help(help)
                .meant(source, span, &called.text, known.filter(|_| suggests)),
        );
    }
}

/// A call whose callee is compiled.
pub(crate) struct Prepared<'a> {
    /// The index of the callee in [`CompiledCalls::list`].
    pub(crate) compiled: usize,
    pub(crate) plan: CallPlan<'a>,
}

/// Where a call stands.
pub(crate) struct Scope<'a> {
    pub(crate) batch: &'a AtomicBatch,
    pub(crate) label: Option<&'a Name>,
    /// The name of the loop's row.
    pub(crate) row: Option<&'a Name>,
}

impl<'a> Scope<'a> {
    /// What settings can address a call there by.
    pub(crate) fn target(&self, span: Span) -> Target<'a> {
        Target {
            batch: &self.batch.name.text,
            name: self.label.map(|label| label.text.as_str()),
            span,
        }
    }
}
