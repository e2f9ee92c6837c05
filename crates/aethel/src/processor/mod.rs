//! `BatchProcessor`: batches from a Rust program.
//!
//! Transactions given as values take the same way as a JSON batch: they are written as one, lowered, and run through
//! the six stages, so that a program, a file and a call that say the same thing do the same thing.

mod call;
mod transaction;

pub use call::{Call, Called, LedgerRow, Order};
pub use transaction::{ExpectedBalance, Operation, Transaction};

use crate::ledger::{LedgerPath, random};
use crate::program::Program;
use crate::run;
use aethel_ir::{Diagnostic, SourceMap};
use aethel_ledger::{BatchKey, GroupStore, LedgerId, LedgerStore, MemoryStore, RedbStore, SignedPlan};
use aethel_lower::{Inputs, LoweredBatch, Selection};
use aethel_runtime::{BatchProcessor as Runtime, BatchResult, SystemClock};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a processor works.
#[derive(Clone, Debug, Default)]
pub struct ProcessorOptions {
    /// Exactly this many worker threads; `None` adapts to the work.
    pub threads: Option<u32>,
    /// At most this many worker threads where `threads` adapts; `None` means as many as the machine has cores.
    pub at_most: Option<u32>,
    /// The limit for a batch; `None` means 300 s.
    pub timeout: Option<Duration>,
    /// A durable ledger, opened for each batch; `None` keeps a ledger in memory. A file is named with
    /// `PathBuf::from(..).into()`, a server with [`LedgerPath::named`].
    pub ledger: Option<LedgerPath>,
    /// How long to wait for a ledger that another process has open, or whose server cannot be reached.
    pub wait: Duration,
    /// A configuration whose trust in oracles counts, instead of the one beside the ledger.
    pub config: Option<PathBuf>,
    /// What makes a batch the same batch again. `None` makes each call a new one.
    pub key: Option<String>,
    /// Also gather what a report shows, as [`BatchResult::details`].
    pub details: bool,
    /// Signatures of approvers, for ledgers that ask for them; such as [`crate::approvals::read`] gives. They are for
    /// one key, so a batch that needs them needs a `key` too.
    pub signatures: Vec<SignedPlan>,
}

/// Runs batches, all or nothing, on a ledger of its own in memory or on a durable one.
///
/// ```
/// use aethel::{BatchProcessor, Operation, ProcessorOptions, Transaction};
///
/// let mut processor = BatchProcessor::new(ProcessorOptions { threads: Some(2), ..Default::default() })?;
/// let pay = |n: u32| {
///     let employee = format!("employee_{n}");
///     Transaction::new(format!("pay_employee_{n}"), "transfer")
///         .account("company", 10_000_000)
///         .account(&employee, 0)
///         .operation(Operation::Transfer { from: "company".into(), to: employee, amount: "8500".into() })
/// };
/// let result = processor.execute_batch(&(0..1000).map(pay).collect::<Vec<_>>());
/// assert!(result.success, "{:?}", result.error_message);
/// assert_eq!(result.transactions_executed, 1000);
/// assert_eq!(processor.balance("company", "unit")?.as_deref(), Some("1500000.000000000"));
/// # Ok::<(), Box<aethel::ir::Diagnostic>>(())
/// ```
pub struct BatchProcessor {
    options: ProcessorOptions,
    memory: MemoryStore<'static>,
    /// Kept, since it remembers lemmas and has threads of its own.
    runtime: Runtime,
}

impl std::fmt::Debug for BatchProcessor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchProcessor")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl BatchProcessor {
    /// A processor with these options.
    ///
    /// # Errors
    /// When the operating system gives no random bytes for the ledger's identity.
    pub fn new(options: ProcessorOptions) -> Result<Self, Box<Diagnostic>> {
        let id = LedgerId(random::<16>()?);
        Ok(Self {
            runtime: runtime(&options),
            options,
            memory: MemoryStore::new(id),
        })
    }

    /// Goes on in a process that was forked: threads stay behind with the parent, so the old ones are left alone and new
    /// ones begin with the next batch. What a ledger in memory holds is there still.
    pub fn after_fork(&mut self) {
        std::mem::forget(std::mem::replace(&mut self.runtime, runtime(&self.options)));
    }

    /// Runs a list of transactions as one batch.
    pub fn execute_batch(&mut self, transactions: &[Transaction]) -> BatchResult {
        self.execute_named("batch", transactions)
    }

    /// Runs a list of transactions on a copy of the ledger in memory, where approvals may be missing: the result shows
    /// what it would change, and `approval` what there is to sign for the processor's key.
    pub fn rehearse_batch(&mut self, transactions: &[Transaction]) -> BatchResult {
        let mut sources = SourceMap::default();
        match lowered("batch", transactions, &mut sources) {
            Ok(batch) => {
                let call = Call {
                    rehearse: true,
                    ..Call::default()
                };
                self.execute(batch, false, &mut sources, call).result
            }
            Err(problems) => refused("batch", problems),
        }
    }

    /// The signatures to bring from now on.
    pub fn set_signatures(&mut self, signatures: Vec<SignedPlan>) {
        self.options.signatures = signatures;
    }

    /// Runs one transaction as a batch of one, with a proof and a commit of its own.
    ///
    /// ```
    /// use aethel::{BatchProcessor, ProcessorOptions, Transaction};
    ///
    /// let mut processor = BatchProcessor::new(ProcessorOptions::default())?;
    /// let transaction = Transaction::new("tx1", "transfer").account("alice", 1000).account("bob", 500);
    /// let result = processor.execute_single_transaction(transaction);
    /// assert!(result.success, "{:?}", result.error_message);
    /// # Ok::<(), Box<aethel::ir::Diagnostic>>(())
    /// ```
    pub fn execute_single_transaction(&mut self, transaction: Transaction) -> BatchResult {
        let name = transaction.id.clone();
        self.execute_named(&name, &[transaction])
    }

    fn execute_named(&mut self, name: &str, transactions: &[Transaction]) -> BatchResult {
        let mut sources = SourceMap::default();
        match lowered(name, transactions, &mut sources) {
            Ok(batch) => self.execute(batch, false, &mut sources, Call::default()).result,
            Err(problems) => refused(name, problems),
        }
    }

    /// Runs several lists of transactions, each as a batch of its own, in this order. On a durable ledger the next is
    /// executed while the last is being synced, and those that wait share a sync: many small batches take much less time
    /// than one by one. Each result is given when its batch is on the disk or has failed; where a batch fails the others
    /// go on.
    ///
    /// ```
    /// use aethel::{BatchProcessor, Operation, ProcessorOptions, Transaction};
    ///
    /// let mut processor = BatchProcessor::new(ProcessorOptions::default())?;
    /// let pay = |shop: &str, amount: &str| {
    ///     let till = format!("{shop}:till");
    ///     let step = Operation::Transfer { from: shop.into(), to: till.clone(), amount: amount.into() };
    ///     vec![Transaction::new("pay", "transfer").account(shop, 25).account(&till, 0).operation(step)]
    /// };
    /// let results = processor.execute_batches(&[pay("north", "10"), pay("south", "30"), pay("west", "20")]);
    /// let outcomes: Vec<bool> = results.iter().map(|result| result.success).collect();
    /// assert_eq!(outcomes, [true, false, true]);
    /// # Ok::<(), Box<aethel::ir::Diagnostic>>(())
    /// ```
    pub fn execute_batches(&mut self, batches: &[Vec<Transaction>]) -> Vec<BatchResult> {
        let mut texts: Vec<SourceMap> = batches.iter().map(|_| SourceMap::default()).collect();
        let mut results: Vec<Option<BatchResult>> = Vec::with_capacity(batches.len());
        let mut ready = Vec::with_capacity(batches.len());
        for (transactions, sources) in batches.iter().zip(&mut texts) {
            let refusal = match (
                lowered("batch", transactions, sources),
                self.key(&Call::default()),
            ) {
                (Ok(batch), Ok(key)) => {
                    ready.push((batch, key, &*sources));
                    None
                }
                (Err(problems), _) => Some(refused("batch", problems)),
                (_, Err(problem)) => Some(refused("batch", vec![problem])),
            };
            results.push(refusal);
        }
        let requests = ready.into_iter().map(|(batch, key, sources)| {
            let mut request = run::request(batch, sources, None, false);
            request.key = Some(key);
            request.signatures.clone_from(&self.options.signatures);
            request.details = self.options.details;
            request
        });
        let mut done = Vec::with_capacity(batches.len());
        let mut gather = |result| {
            done.push(result);
            true
        };
        match self.options.ledger.clone() {
            None => self
                .runtime
                .execute_batches(&mut self.memory, requests, &mut gather),
            Some(path) => match open_group(&path, self.options.wait) {
                Ok(mut store) => self.runtime.execute_batches(&mut *store, requests, &mut gather),
                Err(problem) => requests.for_each(|_| {
                    gather(refused("batch", vec![(*problem).clone()]));
                }),
            },
        }
        let mut done = done.into_iter();
        results
            .into_iter()
            .map(|refusal| refusal.or_else(|| done.next()).unwrap_or_default())
            .collect()
    }

    /// Runs a batch of a program.
    ///
    /// ```
    /// use aethel::ir::SourceMap;
    /// use aethel::{BatchProcessor, Inputs, ProcessorOptions, Program};
    ///
    /// let text = "atomic_batch rent {
    ///     intent pay(tenant: Account, landlord: Account, amount: Balance) {
    ///         guard { amount == 900; tenant.balance >= amount; }
    ///         verify {
    ///             tenant.balance == tenant.balance - amount;
    ///             landlord.balance == landlord.balance + amount;
    ///         }
    ///     }
    /// }";
    /// let mut sources = SourceMap::default();
    /// let program = Program::parse(sources.add("rent.ae", text), text, ".".into());
    /// let inputs = sources.add("inputs", r#"{"accounts": {"tenant": "1000", "landlord": "0"}}"#);
    /// let inputs = Inputs::from_json(inputs, r#"{"accounts": {"tenant": "1000", "landlord": "0"}}"#).unwrap();
    ///
    /// let mut processor = BatchProcessor::new(ProcessorOptions::default())?;
    /// let result = processor.execute_atomic_batch(&program, "rent", &inputs, &mut sources);
    /// assert!(result.success, "{:?}", result.error_message);
    /// assert_eq!(processor.balance("landlord", "unit")?.as_deref(), Some("900.000000000"));
    /// # Ok::<(), Box<aethel::ir::Diagnostic>>(())
    /// ```
    pub fn execute_atomic_batch(
        &mut self,
        program: &Program,
        name: &str,
        inputs: &Inputs,
        sources: &mut SourceMap,
    ) -> BatchResult {
        let selection = Selection::Batch(name.to_owned());
        self.call_program(program, &selection, inputs, sources, Call::default())
            .result
    }

    fn key(&self, call: &Call<'_>) -> Result<BatchKey, Diagnostic> {
        match call.key.or(self.options.key.as_deref()) {
            Some(key) => run::user_key(key),
            None => random().map(BatchKey::Unique),
        }
    }

    /// The balance of an account in an asset, a plain decimal in units; `None` when nobody opened it.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn balance(&self, account: &str, asset: &str) -> Result<Option<String>, Box<Diagnostic>> {
        let find = |store: &dyn LedgerStore| {
            let scale = store.policy().scale(asset).unwrap_or(0);
            let Ok(account) = aethel_ir::AccountName::new(account) else {
                return Ok(None);
            };
            let place = aethel_ledger::PlaceKey::balance(account, asset);
            let read = store
                .read(&[place])
                .map_err(|error| Box::new(error.to_diagnostic()))?;
            let value = read.into_iter().next().flatten();
            Ok(value.map(|value| aethel_ir::money::format_amount(value.value, scale)))
        };
        match &self.options.ledger {
            None => find(&self.memory),
            Some(path) => find(&*path.open_read_only(self.options.wait)?),
        }
    }
}

/// What runs batches under these options.
fn runtime(options: &ProcessorOptions) -> Runtime {
    let mut how = run::processor_options(options.threads, options.timeout);
    if let Some(most) = options.at_most {
        how.available_threads = how.available_threads.min(most);
    }
    Runtime::new(how, Arc::new(SystemClock::default()))
}

/// Transactions as a batch, lowered as a JSON batch is.
fn lowered(
    name: &str,
    transactions: &[Transaction],
    sources: &mut SourceMap,
) -> Result<LoweredBatch, Vec<Diagnostic>> {
    let text = serde_json::json!({ "name": name, "transactions": transactions }).to_string();
    let source = sources.add("transactions", text.as_str());
    aethel_lower::lower_json(source, &text, name)
}

/// For many batches: those of a file share syncs.
fn open_group(path: &LedgerPath, wait: Duration) -> Result<Box<dyn LedgerStore>, Box<Diagnostic>> {
    match path {
        LedgerPath::Server(_) => path.open(wait).map_err(Box::new),
        LedgerPath::File(path) => RedbStore::open_or_new(path, wait)
            .map(|store| Box::new(GroupStore::new(store)) as _)
            .map_err(|error| Box::new(error.to_diagnostic())),
    }
}

/// The result of a batch that did not come as far as stage ①.
fn refused(name: &str, problems: Vec<Diagnostic>) -> BatchResult {
    let mut result = BatchResult {
        batch: name.to_owned(),
        ..BatchResult::default()
    };
    if let Some(first) = problems.into_iter().find(Diagnostic::is_error) {
        result.error_message = Some(first.message.clone());
        result.error_type = Some(first.code.error_type());
        result.error_code = Some(first.code.id());
        result.diagnostic = Some(Box::new(first));
    }
    result
}
