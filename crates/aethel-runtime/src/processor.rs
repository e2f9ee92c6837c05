//! `BatchProcessor`: calls the six stages in order, and writes down what they say.

use crate::balances::Balances;
use crate::clock::{Clock, Stop, Watch};
use crate::commit_manager::{CommitInput, CommitManager, Committed};
use crate::conflict_detector::WORTH_A_WORKER;
use crate::dependency_analyzer::DependencyGraph;
use crate::details::{Details, Kept};
use crate::keys::{key_of, repeated};
use crate::lemmas::ProvedAccess;
use crate::linearizability_prover::{DirectVerdict, ProofError, ProofOptions, rejected, undecided};
use crate::oracle::{OracleCheck, verify_batch};
use crate::parallel_executor::{ExecutionError, ExecutionOptions};
use crate::preparation::{Snapshot, effective_policy, prepare};
use crate::request::{BatchRequest, ProcessorOptions};
use crate::result::{BatchResult, ConflictNumbers, LinearizabilityProof, StageReport};
use crate::team::{Noting, StageThreads, Team};
use crate::{
    ConflictDetector, ConservationValidator, DependencyAnalyzer, LinearizabilityProver, ParallelExecutor,
};
use crate::{Refusal, failure, identity, memory, parallel_executor};
use aethel_certificate::Workers;
use aethel_ir::{Code, Diagnostic, Severity, TransactionId};
use aethel_ledger::{BatchKey, CommitOutcome, Digest, LedgerStore, MemoryStore, PolicyChange};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Without a conflict lemmas only make the check of the run cheaper, which shows from so many transactions on.
const WORTH_LEMMAS: usize = 256;

/// After so many attempts that others overtook, a batch runs while nobody else may commit.
const ATTEMPTS_AMONG_OTHERS: u32 = 3;

/// Runs batches on a ledger, all or nothing.
#[derive(Clone)]
pub struct BatchProcessor {
    options: ProcessorOptions,
    clock: Arc<dyn Clock>,
    team: Arc<Team>,
    /// Commits are handed over without waiting until they are durable.
    pub(crate) ahead: bool,
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
        memory::keep();
        let team = Team::new(options.threads.unwrap_or(options.available_threads));
        Self {
            options,
            clock,
            team: Arc::new(team),
            ahead: false,
        }
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
            progress: request.progress,
        };
        let transactions = request.batch.len() as u64;
        result.started_ns = watch.now_ns();
        let mut stages = Stages {
            watch: &watch,
            transactions,
            started_ns: 0,
            kept: None,
        };
        if let Err(refusal) = self.attempts(store, &mut request, &mut stages, &mut result) {
            result.fail(refusal);
        }
        if result.attempts > ATTEMPTS_AMONG_OTHERS {
            // Others may commit again, however it ended; a store that cannot be asked has let go by itself.
            let _ = store.begin(false);
        }
        result.execution_time = self.clock.now().saturating_sub(started).as_secs_f64();
        // While the batch is whole, and when it has been timed.
        if request.details {
            result.details = Details::of(&request.batch, stages.kept, result.failed).map(Box::new);
        }
        if let Some(graph) = &mut result.graph {
            graph.components.keep(&mut request.batch);
        }
        result.balances.take_names(request.batch);
        result
    }

    /// Runs one transaction of a batch alone: a batch of one with its own proof and its own commit.
    pub fn execute_single_transaction(
        &self,
        store: &mut dyn LedgerStore,
        request: &BatchRequest<'_>,
        id: TransactionId,
    ) -> BatchResult {
        match request.single(id) {
            Some(alone) => self.execute_batch(store, alone),
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
        stages: &mut Stages<'_>,
        result: &mut BatchResult,
    ) -> Result<(), Refusal> {
        let declared = request.batch.unbounded.clone();
        for attempt in 1..=self.options.attempts.max(1) {
            result.attempts = attempt;
            let alone = attempt > ATTEMPTS_AMONG_OTHERS;
            store
                .begin(alone)
                .map_err(|error| Box::new(error.to_diagnostic()))?;
            result.stages.clear();
            result.forget_changes();
            result.linearizability_proof = None;
            result.conservation_proof = None;
            request.batch.unbounded.clone_from(&declared);
            if let Attempt::Done = self.attempt(store, request, stages, result)? {
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
        stages: &mut Stages<'_>,
        result: &mut BatchResult,
    ) -> Result<Attempt, Refusal> {
        stages.begin("dependency analysis")?;
        let graph = DependencyAnalyzer.analyze(&request.batch)?;
        // With helpers the numbers of a large graph are found beside the sums of stage ②.
        if self.team.count() == 1 || request.batch.len() < WORTH_A_WORKER {
            graph.survey(&request.batch);
        }
        stages.end(result, 1, "dependencies", &[]);
        result.share(1, self.noting().alone());
        let outcome = self.after_analysis(store, request, &graph, stages, result);
        result.describe(&request.batch, &graph);
        outcome
    }

    /// Whether the batch was committed before, what the ledger holds, and ② to ⑥.
    fn after_analysis(
        &self,
        store: &mut dyn LedgerStore,
        request: &mut BatchRequest<'_>,
        graph: &DependencyGraph,
        stages: &mut Stages<'_>,
        result: &mut BatchResult,
    ) -> Result<Attempt, Refusal> {
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
        let (policy, changes) = effective_policy(store, &request.first_policy, &snapshot)?;
        std::mem::take(&mut snapshot.notes).into_iter().for_each(|note| {
            if result.attempts == 1 {
                result.note(note);
            }
        });
        let request = &*request;
        let oracles = OracleCheck {
            proofs: &request.oracles,
            feeds: &request.feeds,
            policy: &policy,
            now_ms: self.clock.unix_ms(),
        };
        verify_batch(&request.batch, &oracles)?;

        self.run(
            store,
            request,
            graph,
            Start {
                snapshot,
                oracles,
                key,
                content,
                changes,
            },
            stages,
            result,
        )
    }

    /// ② to ⑥.
    fn run(
        &self,
        store: &mut dyn LedgerStore,
        request: &BatchRequest<'_>,
        graph: &DependencyGraph,
        mut start: Start<'_>,
        stages: &mut Stages<'_>,
        result: &mut BatchResult,
    ) -> Result<Attempt, Refusal> {
        let batch = &request.batch;
        let before = &start.snapshot.values;

        stages.begin("conflict detection")?;
        let worth_it = batch.len() >= WORTH_LEMMAS || graph.survey(batch).edges > 0;
        let proved = match &self.options.access {
            Some(prover) if worth_it => prover.prove(batch),
            _ => ProvedAccess::default(),
        };
        for doubt in &proved.doubts {
            let message =
                format!("it is not proved that accesses commute, so they are kept in order: {doubt}");
            result.note_once(Diagnostic::new(Code::AE0603, message));
        }
        let team = self.noting();
        let plan = ConflictDetector.detect_with(batch, graph, before, &proved.access, &team);
        result.conflicts = Some(ConflictNumbers::new(batch, &plan, &proved));
        let counts = [plan.consecutive.raw, plan.consecutive.waw, plan.consecutive.war].map(|n| n as usize);
        stages.end(
            result,
            2,
            "conflicts",
            &[("RAW", counts[0]), ("WAW", counts[1]), ("WAR", counts[2])],
        );
        if plan.beside_survey {
            let why = "its numbers are found beside the sums of stage ②";
            result.share(1, StageThreads::new(2, why));
            let why = "one finds the sums, one the numbers of stage ①";
            result.share(2, StageThreads::new(2, why));
        } else {
            if self.team.count() > 1 && batch.len() >= WORTH_A_WORKER {
                let why = "its numbers are found after stage ②, which may take all threads";
                result.share(1, StageThreads::new(1, why));
            }
            result.share(2, team.threads("there are no sums to find"));
        }

        if request.details {
            stages.kept = Some(Kept {
                before: before.clone(),
                proved: proved.clone(),
            });
        }
        stages.begin("execution")?;
        #[allow(clippy::needless_update, reason = "unit tests can plant faults in it")]
        let options = ExecutionOptions {
            threads: self.options.threads,
            available: self.options.available_threads,
            supply_elsewhere: start.snapshot.supply_elsewhere.clone(),
            team: Some(self.team.clone()),
            ..ExecutionOptions::default()
        };
        let mut trace = ParallelExecutor
            .execute(batch, &plan, before, &options, stages.watch)
            .map_err(|error| {
                if let ExecutionError::Failed(failure) = &error {
                    result.failed = Some(failure.transaction.0);
                }
                self.execution_refusal(request, graph, before, error)
            })?;
        result.measure(&mut trace);
        let threads = result.thread_count;
        stages.end(
            result,
            3,
            "execution",
            &[("transactions", batch.len()), ("threads", threads)],
        );
        result.share(3, StageThreads::new(threads, trace.choice.to_string()));

        stages.begin("the proof")?;
        let team = self.noting();
        let digests: Vec<[u8; 32]> = proved.lemmas.iter().map(|lemma| lemma.digest).collect();
        let options = ProofOptions {
            validation: self.options.validation,
            lemmas: &digests,
            sums: !digests.is_empty() && proved.access.iter().all(|access| access.linear.is_some()),
            confirm: self.options.confirm,
            direct: self.options.direct.as_ref().map(|(direct, _)| *direct),
            solver: match &self.options.direct {
                Some((_, solver)) => solver,
                None => &proved.solver,
            },
            supply_elsewhere: &start.snapshot.supply_elsewhere,
            team: Some(&team),
        };
        let proof = LinearizabilityProver
            .prove(batch, graph, before, &mut trace, &options, stages.watch)
            .map_err(|error| match error {
                ProofError::Failed(failure) => {
                    result.failed = Some(failure.transaction.0);
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
        if let Some(DirectVerdict::Undecided { reason }) = &proof.direct {
            result.note(undecided(reason));
        }
        let checked = proof.checked.as_ref().map_or(0, |checked| checked.accesses);
        stages.end(result, 4, "proof", &[("accesses", checked)]);
        result.share(
            4,
            team.threads("each transaction is checked after the one before it"),
        );

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

        // What follows may take much memory.
        drop(plan);
        stages.begin("the commit")?;
        let view = proof.certificate(batch, graph, before);
        let certificate = aethel_certificate::encode(&view)
            .map_err(|error| Box::new(Diagnostic::new(Code::AE0602, error.to_string())))?;
        let mut balances = Balances::new(batch, &proof.run.final_values);
        // The last moment to stop. What follows waits for the ledger's answer, whatever it takes.
        stages
            .watch
            .check()
            .map_err(|stop| Box::new(stop.diagnostic("the commit")))?;
        let relied_on = proved.lemmas.into_iter().filter(|_| !proof.lemmas.is_empty());
        let lemmas = relied_on
            .map(|lemma| (Digest(lemma.digest), lemma.record))
            .collect();
        let input = CommitInput {
            batch,
            graph,
            keys: std::mem::take(&mut start.snapshot.keys),
            versions: std::mem::take(&mut start.snapshot.versions),
            openings: std::mem::take(&mut start.snapshot.openings),
            run: proof.run,
            key: &start.key,
            content: start.content,
            program: request.program.as_deref(),
            policy_changes: &start.changes,
            oracles: &start.oracles,
            oracles_used,
            certificate,
            lemmas,
            signatures: &request.signatures,
            time_ms: start.oracles.now_ms,
        };
        let Committed {
            outcome,
            certificate,
            approval,
        } = if request.dry_run {
            CommitManager.commit(&mut MemoryStore::rehearsal_of(store), input, false)?
        } else {
            CommitManager.commit(store, input, self.ahead)?
        };
        result.approve(approval, request.dry_run);
        result.certificate = certificate;
        balances.take_before(std::mem::take(&mut start.snapshot.values));
        result.balances = balances;
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

    /// The threads, of whom it is noted how they share work.
    fn noting(&self) -> Noting<'_> {
        Noting::new(&*self.team, self.options.threads.is_some())
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
            ExecutionError::Panicked(said) => parallel_executor::panicked(&said),
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
    /// How many the batch has.
    transactions: u64,
    started_ns: u64,
    /// For the details, when they are asked for.
    kept: Option<Kept>,
}

impl Stages<'_> {
    fn begin(&mut self, stage: &str) -> Result<(), Refusal> {
        self.watch
            .check()
            .map_err(|stop: Stop| Box::new(stop.diagnostic(stage)))?;
        if let Some(progress) = self.watch.progress {
            match stage {
                "execution" => progress.begin_counting(stage, "transactions", Some(self.transactions)),
                _ => progress.begin(stage),
            }
        }
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
            started_ns: self.started_ns,
            numbers,
            threads: None,
        });
    }
}
