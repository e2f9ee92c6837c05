//! One batch, run for a caller that wants to know more than the result: everything that was said, in which order the
//! batch is as if run, what it brought; and that may stop it.

use super::{BatchProcessor, refused, runtime};
use crate::bench::sample::Sample;
use crate::ledger::LedgerPath;
use crate::program::Program;
use crate::run;
use aethel_ir::{Batch, Code, Diagnostic, Names, Severity, SourceMap, TransactionId, TransactionRef};
use aethel_ledger::{FieldKey, LedgerStore, MemoryStore, PlaceKey};
use aethel_lower::{Inputs, LoweredBatch, Purpose, Selection};
use aethel_runtime::{BatchResult, Stop};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often somebody who waits for a ledger looks whether to go on.
const GLANCE: Duration = Duration::from_millis(100);

/// How one batch is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Call<'a> {
    /// What makes the batch the same batch again; wins over the processor's.
    pub key: Option<&'a str>,
    /// Do everything but the commit.
    pub dry_run: bool,
    /// Commit to a copy of the ledger in memory, where approvals may be missing.
    pub rehearse: bool,
    /// Set by another thread to ask for a stop.
    pub cancel: Option<&'a AtomicBool>,
    /// Keep the order of the transactions, and what [`Called::measure`] needs.
    pub keep: bool,
}

/// What came of a batch.
#[derive(Debug)]
pub struct Called {
    /// The result.
    pub result: BatchResult,
    /// What kept the batch from running, or warnings and notes beside the result; not the failure that the result has.
    pub diagnostics: Vec<Diagnostic>,
    /// The transactions in the order of which the outcome is; none were kept.
    pub order: Order,
    sample: Option<(Sample, super::ProcessorOptions)>,
}

impl Called {
    /// A batch that these problems kept from running.
    pub fn refused(name: &str, problems: Vec<Diagnostic>) -> Self {
        let result = refused(name, problems.clone());
        let mut diagnostics = problems;
        if let Some(first) = diagnostics.iter().position(Diagnostic::is_error) {
            diagnostics.remove(first);
        }
        Self {
            result,
            diagnostics,
            order: Order::default(),
            sample: None,
        }
    }

    /// Fills in the result's `throughput_improvement`, measured on a scratch ledger of the same kind: only for a batch that
    /// was kept and committed now, and only once. A note says what could not be measured.
    #[allow(clippy::float_arithmetic, reason = "a metric about time, not money")]
    pub fn measure(&mut self) {
        let Some((sample, options)) = self.sample.take() else {
            return;
        };
        let batch = (self.result.execution_time * 1e9) as u64;
        match sample.measure(&runtime(&options), options.ledger.as_ref(), batch) {
            Ok((times, baseline)) => {
                self.result.throughput_improvement = times;
                self.result.throughput_baseline = Some(baseline);
            }
            Err(mut problem) => {
                problem.message = format!("not everything could be measured: {}", problem.message);
                problem.severity = Severity::Note;
                self.diagnostics.push(problem);
            }
        }
    }
}

/// Transactions of a batch in batch order, by their names.
#[derive(Clone, Debug, Default)]
pub struct Order {
    groups: Vec<Names>,
    transactions: Vec<TransactionRef>,
    order: Vec<TransactionId>,
}

impl Order {
    fn of(batch: &Batch) -> Self {
        Self {
            groups: batch.groups.iter().map(|group| group.names.clone()).collect(),
            transactions: batch.transactions.clone(),
            order: aethel_certificate::batch_order(batch).unwrap_or_default(),
        }
    }

    /// What the transactions are called, in their order.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.order.iter().filter_map(|id| {
            let at = self.transactions.get(id.0 as usize)?;
            Some(self.groups.get(at.group as usize)?.of_row(at.row))
        })
    }
}

/// A value in a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Whose it is.
    pub account: String,
    /// The asset, for a balance.
    pub asset: Option<String>,
    /// The field, for a declared one.
    pub field: Option<String>,
    /// Minor units of the asset; of fields the number, and 1 for true.
    pub value: i128,
    /// Decimal places of the asset; 0 for fields.
    pub scale: u8,
    /// The value is a truth value.
    pub is_bool: bool,
}

impl BatchProcessor {
    /// Runs a transaction list, given as the text of `docs/inputs.md`; `name` is that of the batch where the text has none.
    pub fn call_list(&mut self, name: &str, text: &str, sources: &mut SourceMap, call: Call<'_>) -> Called {
        let source = sources.add("transactions", text);
        match aethel_lower::lower_json(source, text, name) {
            Ok(batch) => self.execute(batch, false, sources, call),
            Err(problems) => Called::refused(name, problems),
        }
    }

    /// Runs one batch or intent of a program.
    pub fn call_program(
        &mut self,
        program: &Program,
        selection: &Selection,
        inputs: &Inputs,
        sources: &mut SourceMap,
        call: Call<'_>,
    ) -> Called {
        let name = match selection {
            Selection::Batch(name) | Selection::Intent(name) => name.as_str(),
            Selection::All => "batch",
        };
        let mut diagnostics = program.diagnostics.clone();
        let mut lowered = program.lower(selection, inputs, Purpose::Run, sources, &[], &mut diagnostics);
        match lowered.pop() {
            Some(batch) if !diagnostics.iter().any(Diagnostic::is_error) => {
                let mut called = self.execute(batch, inputs.open_accounts, sources, call);
                called.diagnostics.splice(0..0, diagnostics);
                called
            }
            _ => Called::refused(name, diagnostics),
        }
    }

    /// Runs a lowered batch.
    pub(super) fn execute(
        &mut self,
        batch: LoweredBatch,
        open_accounts: bool,
        sources: &mut SourceMap,
        call: Call<'_>,
    ) -> Called {
        let name = batch.batch.name.to_string();
        self.try_execute(batch, open_accounts, sources, call)
            .unwrap_or_else(|problem| Called::refused(&name, vec![*problem]))
    }

    fn try_execute(
        &mut self,
        batch: LoweredBatch,
        open_accounts: bool,
        sources: &mut SourceMap,
        call: Call<'_>,
    ) -> Result<Called, Box<Diagnostic>> {
        let key = self.key(&call)?;
        let ledger = self.options.ledger.as_ref();
        let policy = run::first_policy(self.options.config.as_deref(), ledger, sources)?;
        let mut durable = match ledger {
            Some(path) => Some(open(path, self.options.wait, call.cancel)?),
            None => None,
        };
        let store: &mut dyn LedgerStore = match &mut durable {
            Some(store) => &mut **store,
            None => &mut self.memory,
        };
        run::agrees(store, &policy)?;
        let mut request = run::request(batch, sources, None, open_accounts);
        request.key = Some(key);
        request.first_policy = policy;
        request.signatures.clone_from(&self.options.signatures);
        request.details = self.options.details;
        request.dry_run = call.dry_run;
        request.cancel = call.cancel;
        let (mut order, mut sample) = (Order::default(), None);
        if call.keep {
            order = Order::of(&request.batch);
            // What cannot be kept cannot be measured; the batch itself will say what is wrong with the ledger.
            sample = Sample::before(store, &request).ok();
        }
        let result = match call.rehearse {
            true => self
                .runtime
                .execute_batch(&mut MemoryStore::rehearsal_of(store), request),
            false => self.runtime.execute_batch(store, request),
        };
        let mut diagnostics = Vec::new();
        if let Some(store) = durable.as_mut().filter(|store| store.checkpoint_due()) {
            // Everything is committed; the next batch tries again.
            diagnostics.extend(store.checkpoint().err().map(|error| {
                let mut warning = error.to_diagnostic();
                warning.severity = Severity::Warning;
                warning
            }));
        }
        let ran = result.success && result.transactions_executed > 0;
        Ok(Called {
            result,
            diagnostics,
            order,
            sample: sample
                .filter(|_| ran)
                .map(|sample| (sample, self.options.clone())),
        })
    }

    /// Every value in the ledger, sorted by account and then field; none where there is no ledger yet.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn rows(&self) -> Result<Vec<LedgerRow>, Box<Diagnostic>> {
        let durable = match &self.options.ledger {
            Some(path) => Some(path.open_read_only(self.options.wait)?),
            None => None,
        };
        let store = durable.as_deref().unwrap_or(&self.memory);
        let policy = store.policy();
        let row = |(PlaceKey { account, field }, known): (PlaceKey, aethel_ledger::Versioned)| LedgerRow {
            account: account.to_string(),
            asset: field.asset().map(ToString::to_string),
            field: field.asset().is_none().then(|| field.name().to_string()),
            value: known.value,
            scale: field.asset().and_then(|asset| policy.scale(asset)).unwrap_or(0),
            is_bool: matches!(field, FieldKey::Bool { .. }),
        };
        let rows = store
            .balances()
            .map_err(|error| Box::new(error.to_diagnostic()))?;
        rows.map(|one| one.map(row).map_err(|error| Box::new(error.to_diagnostic())))
            .collect()
    }
}

/// Opens a ledger; somebody who waits for another process may be stopped.
fn open(
    path: &LedgerPath,
    wait: Duration,
    cancel: Option<&AtomicBool>,
) -> Result<Box<dyn LedgerStore>, Box<Diagnostic>> {
    let LedgerPath::File(_) = path else {
        return path.open(wait).map_err(Box::new);
    };
    let begun = Instant::now();
    loop {
        let left = wait.saturating_sub(begun.elapsed());
        match path.open(left.min(GLANCE)) {
            Err(problem) if problem.code == Code::AE0802 && !left.is_zero() => {
                if cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                    return Err(Box::new(Stop::Cancelled.diagnostic("the wait for the ledger")));
                }
            }
            opened => return opened.map_err(Box::new),
        }
    }
}
