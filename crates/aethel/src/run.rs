//! `aethel run`: the batches of a program or a JSON file through the six stages, on a ledger.

use crate::approvals;
use crate::bench::run::Measuring;
use crate::check;
use crate::config::Config;
use crate::files;
use crate::inputs::InputSources;
use crate::ledger::{LedgerName, LedgerPath};
use crate::lemmas::Z3Prover;
use crate::oracle;
use crate::program::{self, Program};
use aethel_ir::{AccountName, Batch, Code, Diagnostic, Progress, Severity, SourceMap, TransactionId, quote};
use aethel_ledger::{
    BatchKey, DigestPrefix, LedgerStore, MemoryStore, OracleFeed, OracleKey, Policy, PolicyChange, SignedPlan,
};
use aethel_lower::{Inputs, LoweredBatch, Purpose, Selection};
use aethel_proof::{CycleVerdict, LEMMA_LIMITS, Limits, confirm_cycle, prove_direct, z3_version};
use aethel_runtime::{
    BatchProcessor, BatchRequest, BatchResult, DirectVerdict, Openings, ProcessorOptions, SystemClock,
    Validation, content_hash,
};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Which batches.
    pub selection: Selection,
    /// Inputs beside the program.
    pub inputs: InputSources,
    /// The ledger; `None` finds it as [`LedgerPath::resolve`] says.
    pub ledger: Option<LedgerName>,
    /// What makes the batch the same batch again, instead of its content.
    pub key: Option<String>,
    /// Run the batch of this receipt once more.
    pub again: Option<String>,
    /// Files with signatures of approvers.
    pub signatures: Vec<PathBuf>,
    /// Everything but the commit.
    pub dry_run: bool,
    /// Commit to a copy of the ledger in memory, where approvals may be missing: batches see what those before them did.
    pub rehearse: bool,
    /// Exactly this many worker threads; `None` adapts.
    pub threads: Option<u32>,
    /// The limit for each batch.
    pub timeout: Option<Duration>,
    /// How the run is held to the serial run.
    pub validation: Validation,
    /// Also measure what batches and threads bring: transactions one by one on a scratch ledger beside the real one.
    pub measure: bool,
    /// Also gather what a report shows, as [`BatchResult::details`].
    pub details: bool,
    /// How long to wait for a ledger that another process has open, or whose server cannot be reached.
    pub wait: Duration,
    /// Further directories whose files programs may name.
    pub allow_path: Vec<PathBuf>,
    /// A configuration whose trust in oracles counts, instead of the one beside the ledger.
    pub config: Option<PathBuf>,
    /// Says how far the run is.
    pub progress: Arc<Progress>,
}

/// What came of a run.
#[derive(Debug)]
pub struct RunReport {
    /// The results of the batches that ran, in order; the last one may have failed.
    pub results: Vec<BatchResult>,
    /// Problems that kept anything from running, or warnings and notes beside the results.
    pub diagnostics: Vec<Diagnostic>,
    /// The ledger, for messages.
    pub ledger: String,
}

/// Runs the batches of a file; stops at the first that fails. `acknowledge` tells the world and makes what is given back
/// of the report; after it the ledger is brought forward, where that is due, and the second value is what went wrong with
/// that: a warning, since everything is committed and the next run tries again.
pub fn run<T>(
    path: &Path,
    options: &RunOptions,
    sources: &mut SourceMap,
    cancel: Option<&AtomicBool>,
    acknowledge: impl FnOnce(RunReport, &SourceMap) -> T,
) -> (T, Option<Diagnostic>) {
    let mut report = RunReport {
        results: Vec::new(),
        diagnostics: Vec::new(),
        ledger: String::new(),
    };
    let store = run_batches(path, options, sources, cancel, &mut report).unwrap_or_else(|problems| {
        report.diagnostics.extend(problems);
        None
    });
    let told = acknowledge(report, sources);
    let due = store.filter(|store| !options.dry_run && store.checkpoint_due());
    let late = due.and_then(|mut store| store.checkpoint().err()).map(|error| {
        let mut warning = error.to_diagnostic();
        warning.severity = Severity::Warning;
        warning
    });
    (told, late)
}

/// Runs the batches; gives the ledger when all went through.
fn run_batches(
    path: &Path,
    options: &RunOptions,
    sources: &mut SourceMap,
    cancel: Option<&AtomicBool>,
    report: &mut RunReport,
) -> Result<Option<Box<dyn LedgerStore>>, Vec<Diagnostic>> {
    let one = |diagnostic: Diagnostic| vec![diagnostic];
    let (lowered, open_accounts) = lower(path, options, sources, &mut report.diagnostics)?;
    if report.diagnostics.iter().any(Diagnostic::is_error) {
        return Ok(None);
    }
    if lowered.is_empty() {
        let diagnostic = Diagnostic::new(Code::AE0314, "there is no batch to run");
        return Err(one(
            diagnostic.help("write an `atomic_batch`, or run an intent with `--intent NAME`")
        ));
    }
    let signatures = approvals::read_all(&options.signatures).map_err(one)?;
    let ledger = LedgerPath::resolve(options.ledger.as_ref(), sources).map_err(one)?;
    let first_policy = first_policy(options.config.as_deref(), Some(&ledger), sources).map_err(one)?;
    let mut store = match options.dry_run || options.rehearse {
        true => ledger.open_read_only(options.wait).map_err(one)?,
        false => ledger.open(options.wait).map_err(one)?,
    };
    report.ledger = store.name().to_string();
    agrees(&*store, &first_policy).map_err(one)?;
    let keys = keys(options, &lowered, &*store)?;
    let limits = ProcessorOptions {
        validation: options.validation,
        ..processor_options(options.threads, options.timeout)
    };
    let batches = Batches {
        path,
        options,
        ledger: &ledger,
        limits,
        first_policy,
        signatures,
        open_accounts,
        cancel,
        sources,
    };
    let lowered = lowered.into_iter().zip(keys).collect();
    if options.rehearse {
        batches.run(&mut MemoryStore::rehearsal_of(&*store), lowered, report)?;
        return Ok(None);
    }
    let committed = batches.run(&mut *store, lowered, report)?;
    Ok(committed.then_some(store))
}

/// Everything that the batches of a run have in common.
struct Batches<'a> {
    path: &'a Path,
    options: &'a RunOptions,
    ledger: &'a LedgerPath,
    limits: ProcessorOptions,
    first_policy: Vec<PolicyChange>,
    signatures: Vec<SignedPlan>,
    open_accounts: bool,
    cancel: Option<&'a AtomicBool>,
    sources: &'a SourceMap,
}

impl Batches<'_> {
    /// Runs one after the other; says whether all went through.
    fn run(
        self,
        store: &mut dyn LedgerStore,
        lowered: Vec<(LoweredBatch, Option<BatchKey>)>,
        report: &mut RunReport,
    ) -> Result<bool, Vec<Diagnostic>> {
        let one = |diagnostic: Diagnostic| vec![diagnostic];
        let options = self.options;
        let processor = BatchProcessor::new(self.limits.clone(), Arc::new(SystemClock::default()));
        let mut opened = Opened::new();
        let several = lowered.len() > 1;
        for (batch, key) in lowered {
            let opened = several.then_some(&mut opened);
            let mut request = request(batch, self.sources, opened, self.open_accounts);
            request.key = key;
            request.program = self
                .path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            request.first_policy.clone_from(&self.first_policy);
            request.signatures.clone_from(&self.signatures);
            request.dry_run = options.dry_run;
            request.details = options.details;
            request.cancel = self.cancel;
            request.progress = Some(&options.progress);
            let measuring = match options.measure {
                true => Some(Measuring::before(store, &request).map_err(one)?),
                false => None,
            };
            let mut result = processor.execute_batch(store, request);
            if let Some(measuring) = measuring {
                report
                    .diagnostics
                    .extend(measuring.fill(self.ledger, &self.limits, &mut result));
            }
            let failed = !result.success;
            report.results.push(result);
            if failed {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Reads and lowers the batches of a program or JSON file; the flag says whether unknown accounts are opened with zero.
pub(crate) fn lower(
    path: &Path,
    options: &RunOptions,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(Vec<LoweredBatch>, bool), Vec<Diagnostic>> {
    options.progress.begin(format!("reading {}", path.display()));
    if path.extension().is_some_and(|extension| extension == "json") {
        only_for_programs(options)?;
        let (source, text) = files::read_text(path, files::MAX_FILE_BYTES, sources).map_err(|d| vec![d])?;
        let stem = path
            .file_stem()
            .map_or("batch".into(), |stem| stem.to_string_lossy());
        let batch = aethel_lower::lower_json(source, &text, &stem)?;
        return Ok((vec![batch], options.inputs.open_accounts));
    }
    let mut program = if path == Path::new("-") {
        Program::from_stdin(sources).map_err(|d| vec![d])?
    } else {
        Program::open(path, sources).map_err(|d| vec![d])?
    };
    diagnostics.extend(program.diagnostics.iter().cloned());
    program.progress = Arc::clone(&options.progress);
    let inputs: Inputs = options.inputs.read(path, sources)?;
    let selection = &options.selection;
    let lowered = program.lower(
        selection,
        &inputs,
        Purpose::Run,
        sources,
        &options.allow_path,
        diagnostics,
    );
    if !diagnostics.iter().any(Diagnostic::is_error) {
        options.progress.begin("looking for what can never succeed");
        diagnostics.extend(check::before_run(&lowered, sources));
    }
    program::sort(diagnostics);
    Ok((lowered, inputs.open_accounts))
}

/// A transaction list says everything itself; a flag that would be ignored is refused instead.
fn only_for_programs(options: &RunOptions) -> Result<(), Vec<Diagnostic>> {
    let flags = [
        ("--inputs", options.inputs.file.is_some()),
        ("--bind", !options.inputs.bind.is_empty()),
        ("--arg", !options.inputs.args.is_empty()),
        ("--batch", matches!(options.selection, Selection::Batch(_))),
        ("--intent", matches!(options.selection, Selection::Intent(_))),
    ];
    match flags.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => {
            let message = format!("`{flag}` is for programs, this is a transaction list");
            let help = "the list itself names accounts, balances and amounts; leave the flag out";
            Err(vec![Diagnostic::new(Code::AE0911, message).help(help)])
        }
    }
}

/// The key of each batch.
fn keys(
    options: &RunOptions,
    lowered: &[LoweredBatch],
    store: &dyn LedgerStore,
) -> Result<Vec<Option<BatchKey>>, Vec<Diagnostic>> {
    let one = |diagnostic: Diagnostic| vec![diagnostic];
    let key = options.key.as_deref().map(user_key).transpose().map_err(one)?;
    let mut keys = vec![key; lowered.len()];
    let Some(again) = &options.again else {
        return Ok(keys);
    };
    let prefix: DigestPrefix = again.parse().map_err(|_| {
        one(
            Diagnostic::new(Code::AE0807, format!("`{}` is not a receipt", quote(again)))
                .help("`aethel ledger batches` lists receipts"),
        )
    })?;
    let known = store
        .find_receipt(&prefix)
        .map_err(|error| one(error.to_diagnostic()))?;
    let mut matched = false;
    for (batch, key) in lowered.iter().zip(&mut keys) {
        let batch = &batch.batch;
        let content = aethel_certificate::batch_order(batch)
            .ok()
            .map(|order| content_hash(batch, &order));
        if *batch.name == known.batch && content == Some(known.content) {
            *key = Some(BatchKey::Again(known.receipt));
            matched = true;
        }
    }
    if !matched {
        let message = format!(
            "receipt {} is of another batch: `{}`",
            known.receipt.short(),
            quote(&known.batch)
        );
        return Err(one(Diagnostic::new(Code::AE0807, message).help(
            "`--again` repeats exactly what was committed; without it the batch runs as a new one",
        )));
    }
    Ok(keys)
}

/// A key that somebody chose.
///
/// # Errors
/// AE0911.
pub(crate) fn user_key(key: &str) -> Result<BatchKey, Diagnostic> {
    if key.is_empty() || key.len() > 128 || key.chars().any(char::is_control) {
        let message = format!("`{}` cannot be a key", quote(key));
        return Err(Diagnostic::new(Code::AE0911, message).help("1 to 128 bytes without control characters"));
    }
    Ok(BatchKey::User(key.into()))
}

pub(crate) fn processor_options(threads: Option<u32>, timeout: Option<Duration>) -> ProcessorOptions {
    let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut processor = ProcessorOptions {
        threads,
        available_threads: u32::try_from(available).unwrap_or(1),
        direct: Some((direct, format!("Z3 {}", z3_version()))),
        confirm: Some(confirm),
        access: Some(Arc::new(Z3Prover::new())),
        ..ProcessorOptions::default()
    };
    if let Some(timeout) = timeout {
        processor.timeout = timeout;
    }
    processor
}

/// Whether Z3 confirms that edges fit into no order.
fn confirm(edges: &[(u32, u32)]) -> bool {
    matches!(
        confirm_cycle(edges, &LEMMA_LIMITS),
        CycleVerdict::Confirmed { .. }
    )
}

/// The direct theorem, as stage ④ asks for it.
fn direct(batch: &Batch, order: &[TransactionId], initial: &[i128], final_values: &[i128]) -> DirectVerdict {
    match prove_direct(batch, order, initial, final_values, &Limits::default()) {
        aethel_proof::DirectVerdict::Proved {
            queries, nanoseconds, ..
        } => DirectVerdict::Proved {
            queries,
            millis: nanoseconds / 1_000_000,
        },
        aethel_proof::DirectVerdict::Refuted { reason } => DirectVerdict::Refuted { reason },
        aethel_proof::DirectVerdict::Undecided { reason } => DirectVerdict::Undecided { reason },
    }
}

/// The balances that earlier batches of a run opened, by account and asset.
pub(crate) type Opened = HashSet<(AccountName, Arc<str>)>;

/// What the runtime is asked for a lowered batch: openings that are not in `opened` yet, declarations, oracle proofs.
pub(crate) fn request<'a>(
    mut lowered: LoweredBatch,
    sources: &'a SourceMap,
    opened: Option<&mut Opened>,
    open_accounts: bool,
) -> BatchRequest<'a> {
    let batch = &lowered.batch;
    if let Some(opened) = opened {
        // What an earlier batch of this run opened is known to the ledger now; that is no news.
        lowered.openings.retain(|opening| {
            let asset = batch.asset_of(opening.place);
            let asset = asset.and_then(|asset| batch.assets.get(usize::from(asset.0)));
            let account = batch.account_of(opening.place);
            account
                .zip(asset)
                .is_some_and(|(account, asset)| opened.insert((account.clone(), Arc::clone(&asset.name))))
        });
    }
    let openings = std::mem::take(&mut lowered.openings);
    let at = openings.iter().filter_map(|one| Some((one.place, one.at?)));
    let origins = at.collect();
    let balances = openings.iter().map(|one| (one.place, one.amount)).collect();
    drop(openings);
    let openings = Openings {
        balances,
        are_expectations: lowered.openings_are_expectations,
        open_accounts,
        bounded: lowered.declarations.bounded,
        origins,
        declared: Arc::clone(&lowered.declarations.places),
    };
    let oracles = lowered
        .oracles
        .iter()
        .filter_map(|used| used.proof.as_ref())
        .map(oracle::statement)
        .collect();
    let feeds = lowered.feeds.iter().cloned().collect();
    let mut request = BatchRequest::new(lowered.batch, sources);
    request.feeds = feeds;
    request.openings = openings;
    request.oracles = oracles;
    request
}

/// The policy that a new ledger begins with: what a named configuration asks for, else the one beside the ledger.
///
/// # Errors
/// When the configuration is wrong.
pub(crate) fn first_policy(
    named: Option<&Path>,
    ledger: Option<&LedgerPath>,
    sources: &mut SourceMap,
) -> Result<Vec<PolicyChange>, Diagnostic> {
    let trust = match (named, ledger) {
        (Some(path), _) => Some(Config::open(path, sources)?),
        (None, Some(ledger)) => ledger.trusted_config(sources)?,
        (None, None) => None,
    };
    trust.map_or(Ok(Vec::new()), |config| policy_changes(&config))
}

/// A ledger that has records must hold what the configuration asks for.
///
/// # Errors
/// AE0808.
pub(crate) fn agrees(store: &dyn LedgerStore, first_policy: &[PolicyChange]) -> Result<(), Diagnostic> {
    match store.head().sequence {
        0 => Ok(()),
        _ => disagreement(store.policy(), first_policy),
    }
}

/// The policy that a configuration asks for.
pub(crate) fn policy_changes(config: &Config) -> Result<Vec<PolicyChange>, Diagnostic> {
    let mut changes = Vec::new();
    for key in &config.oracle.keys {
        let public_key = oracle::from_hex::<32>(&key.public).ok_or_else(|| {
            Diagnostic::new(
                Code::AE0910,
                format!("`{}` is not a public key", quote(&key.public)),
            )
            .help("64 hexadecimal digits, as `aethel oracle keygen` prints them")
        })?;
        let key_id = oracle::key_id(&public_key);
        changes.push(PolicyChange::AddOracleKey(OracleKey {
            key_id,
            public_key,
            feeds: key.feeds.clone(),
        }));
    }
    let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    for (feed, limits) in &config.oracle.feeds {
        changes.push(PolicyChange::SetOracleFeed(OracleFeed {
            feed: feed.clone(),
            max_age_ms: milliseconds(limits.max_age.0),
            max_future_skew_ms: milliseconds(limits.max_future_skew.map_or(Duration::ZERO, |skew| skew.0)),
            reference: limits.reference.clone(),
            max_deviation: limits.max_deviation.clone(),
        }));
    }
    Ok(changes)
}

/// A configuration beside a ledger that has records must not ask for more than the ledger's policy holds.
fn disagreement(policy: &Policy, asked: &[PolicyChange]) -> Result<(), Diagnostic> {
    for change in asked {
        let mut changed = policy.clone();
        if changed.apply(change) == Ok(false) {
            continue;
        }
        let what = match change {
            PolicyChange::AddOracleKey(key) => format!("the oracle key {}", key.key_id),
            PolicyChange::SetOracleFeed(feed) => format!("the limits of the feed `{}`", quote(&feed.feed)),
            _ => continue,
        };
        return Err(Diagnostic::new(Code::AE0808, format!("aethel.toml has {what}, the ledger has something else"))
            .help("a ledger takes its trust from aethel.toml once, with its first batch; later `aethel ledger policy` changes it"));
    }
    Ok(())
}
