//! `BatchProcessor`: calls the six stages in order, and writes down what they say.

use crate::clock::{Clock, Stop, Watch};
use crate::commit_manager::{CommitInput, CommitManager};
use crate::dependency_analyzer::DependencyGraph;
use crate::linearizability_prover::{DirectProver, ProofError, ProofOptions, rejected};
use crate::oracle::{OracleCheck, OracleProof, verify_batch};
use crate::parallel_executor::{ExecutionError, ExecutionOptions};
use crate::preparation::{Openings, Snapshot, prepare};
use crate::result::{
    BatchResult, ConflictNumbers, GraphNumbers, LinearizabilityProof, StageReport, balance_changes,
};
use crate::single::single;
use crate::{
    ConflictDetector, ConservationValidator, DependencyAnalyzer, LinearizabilityProver, ParallelExecutor,
};
use crate::{Refusal, failure, identity};
use aethel_ir::{Batch, Code, Diagnostic, Severity, SourceMap, TransactionId};
use aethel_ledger::{
    BatchKey, BatchSummary, CommitOutcome, Digest, LedgerStore, MemoryStore, Policy, PolicyChange,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How batches are run.
#[derive(Clone, Debug)]
pub struct ProcessorOptions {
    /// Use exactly this many threads; `None` decides by the work.
    pub threads: Option<u32>,
    /// How many threads the default may use.
    pub available_threads: u32,
    /// How long a batch may take until its commit is handed over.
    pub timeout: Duration,
    /// How often a batch is run again because the ledger changed meanwhile, the first time included.
    pub attempts: u32,
    /// The solver that proves small batches directly, and its name and version.
    pub direct: Option<(DirectProver, String)>,
}

impl Default for ProcessorOptions {
    fn default() -> Self {
        Self {
            threads: None,
            available_threads: 8,
            timeout: Duration::from_secs(300),
            attempts: 8,
            direct: None,
        }
    }
}

/// One batch to run, and everything that comes with it.
#[derive(Clone, Debug)]
pub struct BatchRequest<'a> {
    /// What to run.
    pub batch: Batch,
    /// The texts that its spans point into.
    pub sources: &'a SourceMap,
    /// What makes it the same batch again; `None` means its content.
    pub key: Option<BatchKey>,
    /// Where it came from, such as a file name, for people.
    pub program: Option<String>,
    /// What the caller says about accounts that the ledger may not know.
    pub openings: Openings,
    /// Proofs for external values.
    pub oracles: Vec<OracleProof>,
    /// Policy that a new ledger begins with; a ledger that has records ignores it.
    pub first_policy: Vec<PolicyChange>,
    /// Per asset of the batch, the sum of the bounded balances elsewhere, in minor units; missing is 0.
    pub supply_elsewhere: Vec<i128>,
    /// Do everything but the commit.
    pub dry_run: bool,
    /// Set from outside to ask for a stop.
    pub cancel: Option<&'a AtomicBool>,
}

impl<'a> BatchRequest<'a> {
    /// A request with nothing but the batch.
    pub fn new(batch: Batch, sources: &'a SourceMap) -> Self {
        Self {
            batch,
            sources,
            key: None,
            program: None,
            openings: Openings::default(),
            oracles: Vec::new(),
            first_policy: Vec::new(),
            supply_elsewhere: Vec::new(),
            dry_run: false,
            cancel: None,
        }
    }
}

/// Runs batches on a ledger, all or nothing.
#[derive(Clone)]
pub struct BatchProcessor {
    options: ProcessorOptions,
    clock: Arc<dyn Clock>,
}

/// What one attempt came to.
enum Attempt {
    Done,
    /// The ledger changed between snapshot and commit.
    Again,
}

impl BatchProcessor {
    /// A processor that reads time from `clock`.
    pub fn new(options: ProcessorOptions, clock: Arc<dyn Clock>) -> Self {
        Self { options, clock }
    }

    /// Runs a batch: committed as a whole, or the ledger is as it was and the result says why.
    pub fn execute_batch(&self, store: &mut dyn LedgerStore, mut request: BatchRequest<'_>) -> BatchResult {
        let started = self.clock.now();
        let mut result = BatchResult {
            batch: request.batch.name.to_string(),
            dry_run: request.dry_run,
            ..BatchResult::default()
        };
        let watch = Watch {
            clock: &*self.clock,
            deadline: Some(started.saturating_add(self.options.timeout)),
            cancel: request.cancel,
        };
        if let Err(refusal) = self.attempts(store, &mut request, &watch, &mut result) {
            result.fail(refusal);
        }
        result.execution_time = self.clock.now().saturating_sub(started).as_secs_f64();
        result
    }

    /// Runs one transaction of a batch alone: a batch of one with its own proof and its own commit.
    pub fn execute_single_transaction(
        &self,
        store: &mut dyn LedgerStore,
        request: &BatchRequest<'_>,
        id: TransactionId,
    ) -> BatchResult {
        match single(&request.batch, &request.openings, id) {
            Some((batch, openings)) => {
                let alone = BatchRequest {
                    batch,
                    openings,
                    key: request.key.clone(),
                    program: request.program.clone(),
                    oracles: request.oracles.clone(),
                    first_policy: request.first_policy.clone(),
                    supply_elsewhere: request.supply_elsewhere.clone(),
                    ..*request
                };
                self.execute_batch(store, alone)
            }
            None => {
                let mut result = BatchResult::default();
                let message = format!("the batch has no transaction {}", id.0);
                result.fail(Box::new(Diagnostic::new(Code::AE0314, message)));
                result
            }
        }
    }

    fn attempts(
        &self,
        store: &mut dyn LedgerStore,
        request: &mut BatchRequest<'_>,
        watch: &Watch<'_>,
        result: &mut BatchResult,
    ) -> Result<(), Refusal> {
        let declared = request.batch.unbounded.clone();
        for attempt in 1..=self.options.attempts.max(1) {
            result.attempts = attempt;
            result.stages.clear();
            request.batch.unbounded.clone_from(&declared);
            if let Attempt::Done = self.attempt(store, request, watch, result)? {
                if attempt > 1 {
                    let message = format!("the ledger changed meanwhile: the batch was run {attempt} times");
                    let mut note = Diagnostic::new(Code::AE0812, message);
                    note.severity = Severity::Note;
                    result.note(note);
                }
                return Ok(());
            }
        }
        let message = format!(
            "the ledger changed during each of {} runs of the batch",
            result.attempts
        );
        Err(Box::new(
            Diagnostic::new(Code::AE0812, message).help("nothing was committed; run it again"),
        ))
    }

    /// ① to ⑥, once.
    fn attempt(
        &self,
        store: &mut dyn LedgerStore,
        request: &mut BatchRequest<'_>,
        watch: &Watch<'_>,
        result: &mut BatchResult,
    ) -> Result<Attempt, Refusal> {
        let mut stages = Stages { watch, started_ns: 0 };

        stages.begin("dependency analysis")?;
        let graph = DependencyAnalyzer.analyze(&request.batch)?;
        let numbers = GraphNumbers::new(&graph);
        let counts = [
            ("transactions", numbers.transactions),
            ("edges", numbers.edges),
            ("depth", numbers.depth),
        ];
        result.graph = Some(numbers);
        stages.end(result, 1, "dependencies", &counts);

        let content = identity::content_hash(&request.batch, &graph.order);
        let key = key_of(request, content)?;
        result.key = Some(key.to_string());
        result.content_hash = Some(content.to_string());
        let known = store
            .find(&request.batch.name, &key)
            .map_err(|error| Box::new(error.to_diagnostic()))?;
        if let Some(known) = known {
            return repeated(result, &known, content).map(|()| Attempt::Done);
        }
        let mut snapshot = prepare(store, &mut request.batch, &request.openings)?;
        let (policy, changes) = policy(store, request, &snapshot)?;
        std::mem::take(&mut snapshot.notes).into_iter().for_each(|note| {
            if result.attempts == 1 {
                result.note(note);
            }
        });
        let request = &*request;
        let oracles = OracleCheck {
            proofs: &request.oracles,
            policy: &policy,
            now_ms: self.clock.unix_ms(),
        };
        verify_batch(&request.batch, &oracles)?;

        self.run(
            store,
            request,
            &graph,
            &Start {
                snapshot,
                oracles,
                key,
                content,
                changes,
            },
            &mut stages,
            result,
        )
    }

    /// ② to ⑥.
    fn run(
        &self,
        store: &mut dyn LedgerStore,
        request: &BatchRequest<'_>,
        graph: &DependencyGraph,
        start: &Start<'_>,
        stages: &mut Stages<'_>,
        result: &mut BatchResult,
    ) -> Result<Attempt, Refusal> {
        let batch = &request.batch;
        let before = &start.snapshot.values;

        stages.begin("conflict detection")?;
        let plan = ConflictDetector.detect(batch, graph);
        result.conflicts = Some(ConflictNumbers::new(batch, &plan));
        let counts = [plan.consecutive.raw, plan.consecutive.waw, plan.consecutive.war].map(|n| n as usize);
        stages.end(
            result,
            2,
            "conflicts",
            &[("RAW", counts[0]), ("WAW", counts[1]), ("WAR", counts[2])],
        );

        stages.begin("execution")?;
        #[allow(clippy::needless_update, reason = "unit tests can plant faults in it")]
        let options = ExecutionOptions {
            threads: self.options.threads,
            available: self.options.available_threads,
            supply_elsewhere: request.supply_elsewhere.clone(),
            ..ExecutionOptions::default()
        };
        let mut trace = ParallelExecutor
            .execute(batch, &plan, before, &options, stages.watch)
            .map_err(|error| self.execution_refusal(request, graph, before, error))?;
        result.measure(&trace);
        stages.end(
            result,
            3,
            "execution",
            &[("transactions", batch.len()), ("threads", trace.thread_count())],
        );

        stages.begin("the proof")?;
        let options = ProofOptions {
            direct: self.options.direct.as_ref().map(|(direct, _)| *direct),
            solver: self.options.direct.as_ref().map_or("", |(_, solver)| solver),
            supply_elsewhere: &request.supply_elsewhere,
        };
        let proof = LinearizabilityProver
            .prove(batch, graph, before, &mut trace, &options, stages.watch)
            .map_err(|error| match error {
                ProofError::Failed(failure) => {
                    Box::new(failure::explain(batch, graph, before, &failure, request.sources))
                }
                ProofError::Stopped(stop) => Box::new(stop.diagnostic("the proof")),
                ProofError::Rejected(rejection) => Box::new(rejected(&rejection)),
            })?;
        result.linearizability_proof = Some(LinearizabilityProof::new(&proof));
        if let Some(refutation) = &proof.refutation {
            let mut note = refutation.diagnostic();
            note.severity = Severity::Warning;
            result.note(note);
        }
        let checked = proof.checked.as_ref().map_or(0, |checked| checked.accesses);
        stages.end(result, 4, "proof", &[("accesses", checked)]);

        stages.begin("conservation")?;
        let conservation =
            ConservationValidator.validate(batch, graph, before, &proof.run, &start.oracles)?;
        let counts = [
            ("assets", conservation.assets.len()),
            ("oracle proofs", conservation.oracle_proofs),
        ];
        let oracles_used = conservation.oracle_proofs;
        result.conservation_proof = Some(conservation);
        stages.end(result, 5, "conservation", &counts);

        stages.begin("the commit")?;
        let view = proof.certificate(batch, graph, before);
        let certificate = aethel_certificate::encode(&view)
            .map_err(|error| Box::new(Diagnostic::new(Code::AE0602, error.to_string())))?;
        result.certificate.clone_from(&certificate);
        result.balances = balance_changes(batch, graph, before, &proof.run.final_values);
        // The last moment to stop. What follows waits for the ledger's answer, whatever it takes.
        stages
            .watch
            .check()
            .map_err(|stop| Box::new(stop.diagnostic("the commit")))?;
        let input = CommitInput {
            batch,
            graph,
            snapshot: &start.snapshot,
            run: &proof.run,
            key: &start.key,
            content: start.content,
            program: request.program.as_deref(),
            policy_changes: &start.changes,
            oracles: &start.oracles,
            oracles_used,
            certificate,
            time_ms: start.oracles.now_ms,
        };
        let outcome = if request.dry_run {
            CommitManager.commit(&mut MemoryStore::snapshot_of(store), input)?
        } else {
            CommitManager.commit(store, input)?
        };
        stages.end(result, 6, "commit", &[("places", result.balances.len())]);
        match outcome {
            CommitOutcome::Committed { sequence, receipt } => {
                result.success = true;
                result.transactions_executed = batch.len();
                if !request.dry_run {
                    result.sequence = Some(sequence);
                    result.receipt = Some(receipt.to_string());
                }
                Ok(Attempt::Done)
            }
            CommitOutcome::AlreadyCommitted(known) | CommitOutcome::KeyReused(known) => {
                repeated(result, &known, start.content).map(|()| Attempt::Done)
            }
            CommitOutcome::Conflict { .. } => Ok(Attempt::Again),
        }
    }

    fn execution_refusal(
        &self,
        request: &BatchRequest<'_>,
        graph: &DependencyGraph,
        before: &[i128],
        error: ExecutionError,
    ) -> Refusal {
        Box::new(match error {
            ExecutionError::Failed(failure) => {
                failure::explain(&request.batch, graph, before, &failure, request.sources)
            }
            ExecutionError::Stopped(stop) => stop.diagnostic("execution"),
            ExecutionError::Panicked(said) => Diagnostic::new(
                Code::AE0510,
                format!("a worker stopped by itself: {}", aethel_ir::quote(&said)),
            )
            .help("nothing was committed; this is a bug of aethel, please report it with the program"),
        })
    }
}

/// What is known before stage ②.
struct Start<'a> {
    snapshot: Snapshot,
    oracles: OracleCheck<'a>,
    key: BatchKey,
    content: Digest,
    changes: Vec<PolicyChange>,
}

/// Watches the time of the stages.
struct Stages<'a> {
    watch: &'a Watch<'a>,
    started_ns: u64,
}

impl Stages<'_> {
    fn begin(&mut self, stage: &str) -> Result<(), Refusal> {
        self.watch
            .check()
            .map_err(|stop: Stop| Box::new(stop.diagnostic(stage)))?;
        self.started_ns = self.watch.now_ns();
        Ok(())
    }

    fn end(
        &self,
        result: &mut BatchResult,
        number: u8,
        name: &'static str,
        counts: &[(&'static str, usize)],
    ) {
        let numbers: BTreeMap<&'static str, u64> = counts
            .iter()
            .map(|(name, count)| (*name, *count as u64))
            .collect();
        result.stages.push(StageReport {
            number,
            name,
            duration_ns: self.watch.now_ns().saturating_sub(self.started_ns),
            numbers,
        });
    }
}

/// The given key, else the content; a batch with external values needs one, since its content does not hold them.
fn key_of(request: &BatchRequest<'_>, content: Digest) -> Result<BatchKey, Refusal> {
    match &request.key {
        Some(key) => Ok(key.clone()),
        None if request
            .batch
            .intents
            .iter()
            .any(|intent| intent.values.iter().any(|value| value.external)) =>
        {
            let message = format!(
                "the batch `{}` uses external values, so it needs a key",
                request.batch.name
            );
            let help = "give it one that says which run it is, such as `--key 2026-03`";
            Err(Box::new(Diagnostic::new(Code::AE0313, message).help(help)))
        }
        None => Ok(BatchKey::Content(content)),
    }
}

/// The key is known to the ledger.
fn repeated(result: &mut BatchResult, known: &BatchSummary, content: Digest) -> Result<(), Refusal> {
    let (date, receipt) = (date(known.time_ms), known.receipt.short());
    if known.content != content {
        let message = format!("the key was used on {date} for another content, see receipt {receipt}");
        let help = "give this batch a key of its own, or run exactly what was committed";
        return Err(Box::new(Diagnostic::new(Code::AE0806, message).help(help)));
    }
    result.success = true;
    result.already_committed = true;
    result.transactions_executed = 0;
    result.receipt = Some(known.receipt.to_string());
    result.sequence = Some(known.sequence);
    result.headline = Some(format!("nothing paid: already committed on {date} as {receipt}"));
    Ok(())
}

/// The policy that holds once this batch is committed, and what it records for the first time.
fn policy(
    store: &dyn LedgerStore,
    request: &BatchRequest<'_>,
    snapshot: &Snapshot,
) -> Result<(Policy, Vec<PolicyChange>), Refusal> {
    let mut policy = store.policy().clone();
    let mut changes = Vec::new();
    let first: &[PolicyChange] = if store.head().sequence == 0 {
        &request.first_policy
    } else {
        &[]
    };
    for change in first.iter().chain(&snapshot.changes) {
        let changed = policy
            .apply(change)
            .map_err(|refused| Box::new(Diagnostic::new(Code::AE0808, refused.to_string())))?;
        if changed {
            changes.push(change.clone());
        }
    }
    Ok((policy, changes))
}

/// The day, in UTC, as `2026-03-31`.
fn date(time_ms: u64) -> String {
    // Days since 0000-03-01 of the proleptic Gregorian calendar, in eras of 400 years.
    let days = time_ms / 86_400_000 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (month, day) = (
        if month < 10 { month + 3 } else { month - 9 },
        day - (153 * month + 2) / 5 + 1,
    );
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400_000), "2000-02-29");
        assert_eq!(date(1_774_915_200_000), "2026-03-31");
        assert_eq!(date(1_767_225_599_999), "2025-12-31");
    }
}
