//! Batches of a program: own intents, calls, loops over CSV files.
//!
//! An intent is compiled once for each set of given arguments; the rows of a loop are columns.

use crate::after::Entry;
use crate::calls::CallPlan;
use crate::columns;
use crate::inputs::{Inputs, OracleInput};
use crate::intent::{self, Compiled};
use crate::invoke::{CsvRows, Target};
use crate::lowered::{Assembly, LoweredBatch, place};
use crate::prepare::{Prepared, Scope};
use crate::problems::Problems;
use crate::rows::{MAX_ROWS, Rows};
use crate::settings::Index;
use crate::symbols::{Symbols, arc};
use crate::tables::Tables;
use aethel_ir::batch::BatchItem;
use aethel_ir::{Code, Diagnostic, Names, Progress, SourceId, Span, TransactionRef, quote};
use aethel_syntax::ast::{self, AtomicBatch, IntentDecl, Loop};
use std::collections::HashMap;
use std::sync::Arc;

/// How many expressions the calls of one program may compile: an intent is compiled again for each set of arguments
/// and each batch, which a hostile file could multiply.
pub(crate) const MAX_COMPILED: usize = 4_000_000;

/// How many transactions a batch may have.
const MAX_TRANSACTIONS: u32 = 4 * MAX_ROWS;

/// Opens files that a program names; the caller decides which are allowed.
pub trait Files {
    /// The text of a file and the id its labels use.
    ///
    /// # Errors
    /// Why the file cannot be read; the place in the program is added by the lowering.
    fn open(&mut self, path: &str) -> Result<(SourceId, Arc<str>), Diagnostic>;

    /// Where the rows that are read are counted.
    fn progress(&self) -> Option<Arc<Progress>> {
        None
    }
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
    pub(crate) diagnostics: &'f mut Problems,
    pub(crate) bind: Index<'f>,
    pub(crate) args: Index<'f>,
    /// Proofs by feed; of several, the first.
    pub(crate) proofs: HashMap<&'f str, &'f OracleInput>,
    /// How many expressions calls have compiled.
    pub(crate) compiled: usize,
    /// How many rows of files were read.
    pub(crate) rows: u32,
}

/// What a call needs an intent of its own for: the declaration, which arguments are given, and the label when it binds
/// feeds.
pub(crate) type CallKey = (usize, Vec<bool>, Option<String>);

/// The intents that the calls of one batch have compiled.
#[derive(Default)]
pub(crate) struct CompiledCalls {
    pub(crate) list: Vec<Compiled>,
    /// Their indices; `None` for one that has an error.
    pub(crate) index: HashMap<CallKey, Option<usize>>,
}

/// A top-level intent, compiled without arguments.
pub(crate) struct CompiledAlone<'a> {
    pub(crate) decl: &'a IntentDecl,
    pub(crate) tables: Tables,
    pub(crate) intent: Compiled,
}

impl<'a, 'f> BatchLowering<'a, 'f> {
    pub(crate) fn new(
        symbols: &'a Symbols<'a>,
        inputs: &'f Inputs,
        files: &'f mut dyn Files,
        purpose: Purpose,
        diagnostics: &'f mut Problems,
    ) -> Self {
        let mut proofs = HashMap::new();
        for proof in &inputs.oracles {
            proofs.entry(proof.feed.as_str()).or_insert(proof);
        }
        Self {
            symbols,
            inputs,
            files,
            purpose,
            diagnostics,
            bind: Index::new(&inputs.bind),
            args: Index::new(&inputs.args),
            proofs,
            compiled: 0,
            rows: 0,
        }
    }

    /// Lowers every batch; those with an error are left out.
    pub(crate) fn all(&mut self) -> Vec<LoweredBatch> {
        let batches = self.symbols.batches.iter();
        batches.filter_map(|decl| self.batch(decl)).collect()
    }

    /// Lowers a batch; `None` when there was an error.
    pub(crate) fn batch(&mut self, decl: &'a AtomicBatch) -> Option<LoweredBatch> {
        let errors = self.diagnostics.errors();
        let mut tables = Tables::default();
        let mut assembly = Assembly::new(arc(&decl.name), &mut tables);
        let mut calls = CompiledCalls::default();
        let mut unlabelled: HashMap<&str, u32> = HashMap::new();
        let mut entries = Vec::new();
        if decl.items.is_empty() && !decl.broken {
            self.diagnostics.push(
                Diagnostic::new(Code::AE0314, format!("batch `{}` is empty", decl.name.text))
                    .label(self.symbols.source, decl.name.span, "nothing to run")
                    .help("add an intent, a call or a loop"),
            );
        }
        for item in &decl.items {
            if self.diagnostics.full() {
                return None;
            }
            let first = assembly.transactions.len();
            let (entry, shown) = match item {
                ast::BatchItem::Intent(own) => {
                    self.invoke_own(&decl.name.text, own, &mut assembly);
                    let entry = Entry {
                        name: Some(&own.name),
                        after: &own.after,
                        span: own.name.span,
                    };
                    (entry, own.name.text.clone())
                }
                ast::BatchItem::Call(call) => {
                    let shown = match &call.label {
                        Some(label) => label.text.clone(),
                        None => {
                            let count = unlabelled.entry(&call.intent.text).or_default();
                            *count += 1;
                            format!("{}#{count}", call.intent.text)
                        }
                    };
                    let scope = Scope {
                        batch: decl,
                        label: call.label.as_ref(),
                        row: None,
                    };
                    let name = Names::One(shown.as_str().into());
                    self.call(call, &scope, name, &mut assembly, &mut calls);
                    let entry = Entry {
                        name: call.label.as_ref(),
                        after: &call.after,
                        span: call.span,
                    };
                    (entry, shown)
                }
                ast::BatchItem::Loop(each) => {
                    // What is wrong was said; the rest of the batch is still looked at.
                    let _ = self.each_row(decl, each, &mut assembly, &mut calls);
                    let shown = match &each.label {
                        Some(label) => label.text.clone(),
                        None => format!("for {} in \"{}\"", each.row.text, quote(&each.file.text)),
                    };
                    let entry = Entry {
                        name: each.label.as_ref(),
                        after: &each.after,
                        span: each.label.as_ref().map_or(each.row.span, |label| label.span),
                    };
                    (entry, shown)
                }
            };
            assembly.items.push(BatchItem {
                name: shown.as_str().into(),
                first: index32(first),
                count: index32(assembly.transactions.len() - first),
                after: Vec::new(),
                origin: place(self.symbols.source, entry.span),
            });
            entries.push(entry);
        }
        self.resolve_after(&entries, &mut assembly);
        let at = place(self.symbols.source, decl.name.span);
        let lowered = assembly.finish(self.symbols, self.inputs, at, self.diagnostics);
        (self.diagnostics.errors() == errors && !self.diagnostics.full() && !decl.broken).then_some(lowered)
    }

    /// Lowers a top-level intent as a batch of one.
    pub(crate) fn single(&mut self, decl: &'a IntentDecl) -> Option<LoweredBatch> {
        let errors = self.diagnostics.errors();
        let mut tables = Tables::default();
        let mut assembly = Assembly::new(arc(&decl.name), &mut tables);
        self.invoke_own(&decl.name.text, decl, &mut assembly);
        self.finish_single(decl, assembly, errors)
    }

    /// The same for an intent that is compiled already.
    pub(crate) fn compiled_single(&mut self, mut one: CompiledAlone<'a>) -> Option<LoweredBatch> {
        let errors = self.diagnostics.errors();
        let decl = one.decl;
        let mut assembly = Assembly::new(arc(&decl.name), &mut one.tables);
        self.invoke_compiled(&decl.name.text, decl, one.intent, &mut assembly);
        self.finish_single(decl, assembly, errors)
    }

    fn finish_single(
        &mut self,
        decl: &'a IntentDecl,
        mut assembly: Assembly<'_>,
        errors: usize,
    ) -> Option<LoweredBatch> {
        let at = place(self.symbols.source, decl.name.span);
        assembly.items.push(BatchItem {
            name: arc(&decl.name),
            first: 0,
            count: index32(assembly.transactions.len()),
            after: Vec::new(),
            origin: at,
        });
        let lowered = assembly.finish(self.symbols, self.inputs, at, self.diagnostics);
        (self.diagnostics.errors() == errors && !self.diagnostics.full()).then_some(lowered)
    }

    /// Compiles and calls an intent whose accounts and values come from the inputs only.
    fn invoke_own(&mut self, batch: &str, decl: &'a IntentDecl, assembly: &mut Assembly<'_>) {
        let name = decl.name.text.as_str();
        let given = |param: &str| self.args.get(batch, name, param).is_some();
        let lint = self.purpose == Purpose::Check;
        let compiled = intent::compile(
            self.symbols,
            assembly.tables,
            decl,
            &given,
            lint,
            self.diagnostics,
        );
        if let Some(compiled) = compiled {
            self.invoke_compiled(batch, decl, compiled, assembly);
        }
    }

    fn invoke_compiled(
        &mut self,
        batch: &str,
        decl: &'a IntentDecl,
        mut compiled: Compiled,
        assembly: &mut Assembly<'_>,
    ) {
        let name = decl.name.text.as_str();
        compiled.id = add_intent(assembly, &compiled);
        self.complain_unfixed(&compiled, Some(name), decl.name.span);
        let names = Names::One(arc(&decl.name));
        let target = Target {
            batch,
            name: Some(name),
            span: decl.name.span,
        };
        self.invoke(&compiled, names, &CallPlan::default(), &target, None, assembly);
    }

    /// More than can be numbered or held in memory.
    pub(crate) fn too_much(&mut self, span: Span, what: &str) {
        self.diagnostics.push(
            Diagnostic::new(Code::AE0312, what)
                .label(self.symbols.source, span, "this one is too much")
                .help("split the program and run it as several batches, each with a key"),
        );
    }

    /// `for row in "file.csv" { .. }`; `None` when there was an error.
    fn each_row(
        &mut self,
        batch: &'a AtomicBatch,
        each: &'a Loop,
        assembly: &mut Assembly<'_>,
        calls: &mut CompiledCalls,
    ) -> Option<()> {
        let source = self.symbols.source;
        let opened = self.files.open(&each.file.text);
        let (csv_source, text) = opened
            .map_err(|problem| {
                let problem = problem.label(source, each.file.span, "named here");
                self.diagnostics.push(problem);
            })
            .ok()?;
        let progress = self.files.progress();
        let mut rows = Rows::open(csv_source, &text)
            .map_err(|problem| {
                let problem = problem.label(source, each.file.span, "read for this loop");
                self.diagnostics.push(problem);
            })
            .ok()?;
        if let Some(progress) = &progress {
            progress.begin_counting(format!("reading {}", each.file.text), "rows", None);
        }
        rows.counted = progress.as_deref();
        let scope = Scope {
            batch,
            label: each.label.as_ref(),
            row: Some(&each.row),
        };
        // Every call is looked at, also after one with an error.
        let prepared: Vec<Option<Prepared<'a>>> = each
            .calls
            .iter()
            .map(|call| self.prepare(call, &scope, assembly, calls))
            .collect();
        let prepared: Vec<Prepared<'a>> = prepared.into_iter().collect::<Option<_>>()?;
        let plans: Vec<(&Compiled, &CallPlan<'a>)> = prepared
            .iter()
            .map(|p| (&calls.list[p.compiled], &p.plan))
            .collect();
        let read = columns::read(
            self.symbols,
            assembly.tables,
            &rows,
            each,
            &plans,
            self.diagnostics,
        )?;
        self.rows = self.rows.saturating_add(read.count);
        let made = assembly.transactions.len() as u64 + u64::from(read.count) * each.calls.len() as u64;
        if self.rows > MAX_ROWS || made > u64::from(MAX_TRANSACTIONS) {
            self.too_much(each.file.span, "the loops of this program read too many rows");
            return None;
        }
        self.invoke_rows(&scope, each, csv_source, read, &plans, assembly);
        Some(())
    }

    /// Adds the transactions of a loop: one for each call in each row, row by row.
    fn invoke_rows(
        &mut self,
        scope: &Scope<'a>,
        each: &'a Loop,
        csv_source: SourceId,
        mut read: columns::Read,
        plans: &[(&Compiled, &CallPlan<'a>)],
        assembly: &mut Assembly<'_>,
    ) {
        let first_group = assembly.groups.len();
        let last = each.calls.len().saturating_sub(1);
        let calls = each.calls.iter().zip(plans).zip(read.calls).enumerate();
        for (index, ((call, (compiled, plan)), columns)) in calls {
            let prefix = match (&each.label, each.calls.len()) {
                (Some(label), 1) => label.text.as_str(),
                _ => call.intent.text.as_str(),
            };
            let rows = CsvRows {
                columns,
                source: csv_source,
                spans: match index == last {
                    true => std::mem::take(&mut read.spans),
                    false => read.spans.clone(),
                },
                count: read.count,
            };
            let names = Names::Rows(prefix.into());
            let target = scope.target(call.span);
            self.invoke(compiled, names, plan, &target, Some(rows), assembly);
        }
        // `invoke` added the rows call by call; the language runs them row by row.
        let groups = assembly.groups.len() - first_group;
        if groups > 1 {
            let start = assembly.transactions.len() - groups * read.count as usize;
            assembly.transactions.truncate(start);
            for row in 0..read.count {
                for group in first_group..first_group + groups {
                    assembly.transactions.push(TransactionRef {
                        group: index32(group),
                        row,
                    });
                }
            }
        }
    }
}

/// Adds a compiled intent to the batch.
pub(crate) fn add_intent(assembly: &mut Assembly<'_>, compiled: &Compiled) -> u32 {
    assembly.intents.push(compiled.intent.clone());
    assembly.balances.push(compiled.balances.clone());
    index32(assembly.intents.len() - 1)
}

/// An index as it is stored. A batch has at most [`MAX_TRANSACTIONS`] transactions, and intents and groups are fewer
/// than the bytes of a program, so every index fits.
pub(crate) fn index32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
