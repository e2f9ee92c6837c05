//! What a batch ends with: the result that every front end shows, prints or hands on.
//!
//! The fields that the protocol document lists have its names. Amounts are plain decimal strings; floating point occurs
//! in times and metrics only.

use crate::balances::Balances;
use crate::conflict_detector::{Counts, PlaceOrdering, Plan};
use crate::conservation_validator::Conservation;
use crate::dependency_analyzer::{Components, DependencyGraph};
use crate::details::Details;
use crate::lemmas::ProvedAccess;
use crate::linearizability_prover::{DirectVerdict, SerialProof};
use crate::parallel_executor::{Chunk, Trace};
use crate::team::StageThreads;
use aethel_certificate::Way;
use aethel_certificate::escrow::Reason;
use aethel_ir::{Batch, Diagnostic, Severity};
use aethel_ledger::ApprovalReport;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many of the most conflicted places are listed.
const LISTED: usize = 10;

/// The result of one batch.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BatchResult {
    /// The batch was committed, now or before (or would have been, in a dry run).
    pub success: bool,
    /// How many transactions were executed and kept; 0 when the batch failed or had been committed before.
    pub transactions_executed: usize,
    /// How many of them ran in chunks that overlapped a chunk of another thread in time.
    pub transactions_parallel: usize,
    /// The whole batch, in seconds.
    pub execution_time: f64,
    /// Time of the same transactions one by one, each with its own proof and commit, over the time of the batch;
    /// `None` when it was not measured.
    pub throughput_improvement: Option<f64>,
    /// On how many single transactions of how many that was measured.
    pub throughput_baseline: Option<ThroughputBaseline>,
    /// Stage 3 on one thread over stage 3 on `thread_count`; `None` when it was not measured.
    pub parallel_speedup: Option<f64>,
    /// Threads that executed at least one transaction.
    pub thread_count: usize,
    /// Busy time of all threads over the wall time of stage 3.
    pub avg_parallelism: f64,
    /// Why the outcome is that of the serial run.
    pub linearizability_proof: Option<LinearizabilityProof>,
    /// Sums per asset before and after.
    pub conservation_proof: Option<Conservation>,
    /// What approvals the ledger asks for, and those that there are; `None` when it has no rules about them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What was wrong.
    pub error_message: Option<String>,
    /// Its kind, in the words of the protocol document.
    pub error_type: Option<&'static str>,
    /// Its code.
    pub error_code: Option<&'static str>,
    /// The batch's name.
    pub batch: String,
    /// What makes it the same batch again.
    pub key: Option<String>,
    /// What it means, as a hash in hexadecimal digits.
    pub content_hash: Option<String>,
    /// The ledger's receipt, in hexadecimal digits.
    pub receipt: Option<String>,
    /// The number of its record in the ledger.
    pub sequence: Option<u64>,
    /// It had been committed before: nothing was executed.
    pub already_committed: bool,
    /// What a person should read first, where there is such a thing.
    pub headline: Option<String>,
    /// Nothing was committed on purpose.
    pub dry_run: bool,
    /// The commit was handed over, and whether it was made cannot be known.
    pub outcome_unknown: bool,
    /// What each stage did, and how long it took.
    pub stages: Vec<StageReport>,
    /// The dependency graph in numbers.
    pub graph: Option<GraphNumbers>,
    /// The conflicts in numbers.
    pub conflicts: Option<ConflictNumbers>,
    /// What every written place held before and after.
    pub balances: Balances,
    /// How many threads were used, and why.
    pub threads_why: Option<String>,
    /// Which thread ran what when, in stage 3.
    pub chunks: Vec<Chunk>,
    /// The transactions in the order in which the chunks ran them, by their number in the source.
    pub sequence_of_transactions: Vec<u32>,
    /// How often the batch was run because the ledger had changed meanwhile.
    pub attempts: u32,
    /// Worth knowing.
    pub notes: Vec<String>,
    /// What was wrong, with places in the source.
    #[serde(skip)]
    pub diagnostic: Option<Box<Diagnostic>>,
    /// The notes, with places in the source.
    #[serde(skip)]
    pub notices: Vec<Diagnostic>,
    /// The transaction that failed, by its number in the source.
    #[serde(skip)]
    pub failed: Option<u32>,
    /// What a report shows beside, when the request asked for it.
    #[serde(skip)]
    pub details: Option<Box<Details>>,
    /// When the batch began, in nanoseconds on the clock of the processor.
    #[serde(skip)]
    pub started_ns: u64,
    /// The encoded certificate of the run.
    #[serde(skip)]
    pub certificate: Vec<u8>,
}

/// What `throughput_improvement` was measured on.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ThroughputBaseline {
    /// Single transactions that were run.
    pub measured: usize,
    /// Of how many.
    pub of: usize,
    /// How long they took, in seconds.
    pub seconds: f64,
}

/// The approvals that the ledger's rules ask of a batch.
#[derive(Clone, Debug, Serialize)]
pub struct Approval {
    /// The hash by which people compare what they sign, in hexadecimal digits.
    pub plan_hash: String,
    /// The version of the policy in force.
    pub policy_version: u64,
    /// One for each rule that asks for something.
    pub needs: Vec<ApprovalNeed>,
    /// What there is to sign.
    #[serde(skip)]
    pub plan: aethel_ledger::Plan,
}

/// What one rule asks for.
#[derive(Clone, Debug, Serialize)]
pub struct ApprovalNeed {
    /// The rule.
    pub rule: String,
    /// Why it asks.
    pub why: String,
    /// How many must sign.
    pub needed: u32,
    /// Who has signed.
    pub given: Vec<String>,
    /// Who may still sign.
    pub could: Vec<String>,
}

impl From<ApprovalReport> for Approval {
    fn from(report: ApprovalReport) -> Self {
        let needs = report.needs.into_iter().map(|need| ApprovalNeed {
            rule: need.rule,
            why: need.why,
            needed: need.needed,
            given: need.given,
            could: need.could,
        });
        Self {
            plan_hash: report.plan.digest().to_string(),
            policy_version: report.plan.policy_version,
            needs: needs.collect(),
            plan: report.plan,
        }
    }
}

/// What a stage did.
#[derive(Clone, Debug, Serialize)]
pub struct StageReport {
    /// 1 to 6.
    pub number: u8,
    /// `dependencies`, `conflicts`, `execution`, `proof`, `conservation`, `commit`.
    pub name: &'static str,
    /// In nanoseconds.
    pub duration_ns: u64,
    /// When it began, in nanoseconds on the clock of the processor.
    #[serde(skip)]
    pub started_ns: u64,
    /// What there is to count.
    pub numbers: BTreeMap<&'static str, u64>,
    /// How many threads shared its work, and why; `None` for a stage that always takes one.
    pub threads: Option<StageThreads>,
}

/// The dependency graph in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct GraphNumbers {
    /// Transactions.
    pub transactions: usize,
    /// Edges between transactions because of a place.
    pub edges: usize,
    /// Edges between items because of `after`.
    pub after: usize,
    /// Transactions on the longest chain.
    pub depth: usize,
    /// Parts that have nothing to do with each other.
    pub components: Components,
    /// Transactions on the widest level.
    pub width: usize,
}

impl GraphNumbers {
    pub(crate) fn new(batch: &Batch, graph: &DependencyGraph) -> Self {
        let survey = graph.survey(batch);
        Self {
            transactions: graph.order.len(),
            edges: survey.edges,
            after: graph.items.successors.total(),
            depth: survey.depth,
            components: Components::new(batch, graph),
            width: survey.width,
        }
    }
}

/// The conflicts in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct ConflictNumbers {
    /// Between consecutive accesses of a place.
    pub consecutive: Counts,
    /// Between any two accesses of a place, counted exactly.
    pub pairs: Counts,
    /// Those between consecutive accesses that are proved to need no order.
    pub commuting: Counts,
    /// Places with conflicts.
    pub places: usize,
    /// Edges between transactions that remain.
    pub edges: usize,
    /// Transactions on the longest chain that remains.
    pub depth: usize,
    /// Whether every order of the transactions gives the same result.
    pub any_order: bool,
    /// The lemmas by which conflicts need no order; empty when all are kept in order.
    pub lemmas: Vec<String>,
    /// The most conflicted ones.
    pub top: Vec<ConflictedPlace>,
}

/// A place with conflicts.
#[derive(Clone, Debug, Serialize)]
pub struct ConflictedPlace {
    /// Its name.
    pub place: String,
    /// Between consecutive accesses.
    pub consecutive: Counts,
    /// Between any two accesses.
    pub pairs: Counts,
    /// How they are resolved.
    pub ordering: PlaceOrdering,
    /// Why they are kept in order, when they are.
    pub reason: Option<&'static str>,
}

impl ConflictNumbers {
    pub(crate) fn new(batch: &Batch, plan: &Plan<'_>, proved: &ProvedAccess) -> Self {
        let listed = plan
            .most_conflicted(batch, LISTED)
            .into_iter()
            .map(|place| ConflictedPlace {
                place: batch.place_name(place.place),
                consecutive: place.consecutive,
                pairs: place.pairs,
                ordering: place.ordering,
                reason: place.reason.map(|reason| match reason {
                    Reason::NotAdditive if proved.access.is_empty() => "nothing is proved about it",
                    reason => reason.words(),
                }),
            });
        let commutes = plan.commuting.total() > 0;
        let lemmas = proved.lemmas.iter().filter(|_| commutes);
        Self {
            consecutive: plan.consecutive,
            pairs: plan.pairs,
            commuting: plan.commuting,
            places: plan.conflicted,
            edges: plan.edges(batch),
            depth: plan.depth(batch),
            any_order: plan.any_order(),
            lemmas: lemmas.map(|lemma| lemma.name.clone()).collect(),
            top: listed.collect(),
        }
    }
}

/// Why the outcome is that of the serial run in batch order.
#[derive(Clone, Debug, Serialize)]
pub struct LinearizabilityProof {
    /// It is: nothing else is ever committed.
    pub is_linearizable: bool,
    /// `parallel`, `serial`, or `serial after doubt`.
    pub way: &'static str,
    /// Transactions that the checker evaluated again.
    pub transactions_checked: usize,
    /// Values seen that the checker compared.
    pub accesses_checked: usize,
    /// A serial replay ended in the same values, bit for bit; `None` when none was asked for.
    pub replay_equal: Option<bool>,
    /// It was certified from sums over columns: no place needed an order.
    pub by_sums: bool,
    /// Digests of the lemmas it relies on, in hexadecimal digits.
    pub lemmas: Vec<String>,
    /// Why the parallel run was not accepted, when it was not.
    pub fallback: Option<String>,
    /// What the solver said about the whole run, when it was asked: `proved`, `refuted`, `undecided`.
    pub direct: Option<&'static str>,
    /// The solver; empty when it was not asked.
    pub solver: String,
}

impl LinearizabilityProof {
    pub(crate) fn new(proof: &SerialProof) -> Self {
        Self {
            is_linearizable: true,
            way: match proof.way {
                Way::Parallel(_) => "parallel",
                Way::Serial => "serial",
                Way::SerialAfterDoubt => "serial after doubt",
            },
            transactions_checked: proof.checked.as_ref().map_or(0, |checked| checked.transactions),
            accesses_checked: proof.checked.as_ref().map_or(0, |checked| checked.accesses),
            replay_equal: proof.replayed,
            by_sums: proof.by_sums(),
            lemmas: (proof.lemmas.iter())
                .map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect())
                .collect(),
            fallback: proof.fallback.clone(),
            direct: proof.direct.as_ref().map(|verdict| match verdict {
                DirectVerdict::Proved { .. } => "proved",
                DirectVerdict::Refuted { .. } => "refuted",
                DirectVerdict::Undecided { .. } => "undecided",
            }),
            solver: proof.solver.clone(),
        }
    }
}

impl BatchResult {
    /// Notes the graph in numbers, which belong to stage ① whenever they were found.
    pub(crate) fn describe(&mut self, batch: &Batch, graph: &DependencyGraph) {
        let numbers = GraphNumbers::new(batch, graph);
        if let Some(stage) = self.stages.iter_mut().find(|stage| stage.number == 1) {
            stage.numbers = [
                ("transactions", numbers.transactions as u64),
                ("edges", numbers.edges as u64),
                ("depth", numbers.depth as u64),
            ]
            .into();
        }
        self.graph = Some(numbers);
    }

    /// Takes the metrics of stage 3, and who ran what, from its trace.
    #[allow(clippy::float_arithmetic, reason = "a metric about time, not money")]
    pub(crate) fn measure(&mut self, trace: &mut Trace) {
        self.transactions_parallel = trace.transactions_parallel();
        self.thread_count = trace.thread_count();
        self.avg_parallelism = match trace.wall_ns {
            0 => 0.0,
            wall => trace.busy_ns() as f64 / wall as f64,
        };
        self.threads_why = Some(trace.choice.to_string());
        self.chunks = std::mem::take(&mut trace.chunks);
        self.sequence_of_transactions = std::mem::take(&mut trace.sequence);
    }

    /// Says how many threads shared a stage that was done.
    pub(crate) fn share(&mut self, stage: u8, threads: StageThreads) {
        if let Some(stage) = self.stages.iter_mut().find(|done| done.number == stage) {
            stage.threads = Some(threads);
        }
    }

    /// What an attempt found that came to nothing: nobody may take it for what the ledger holds.
    pub(crate) fn forget_changes(&mut self) {
        self.transactions_executed = 0;
        self.balances = Balances::default();
        self.approval = None;
        self.certificate.clear();
    }

    /// The batch failed with this.
    pub(crate) fn fail(&mut self, diagnostic: Box<Diagnostic>) {
        self.success = false;
        self.forget_changes();
        self.error_message = Some(diagnostic.message.clone());
        self.error_type = Some(diagnostic.code.error_type());
        self.error_code = Some(diagnostic.code.id());
        self.outcome_unknown = diagnostic.code == aethel_ir::Code::AE0811;
        self.diagnostic = Some(diagnostic);
    }

    /// What the ledger asks for. A dry run tells what is missing as a note: approvers look at it before they sign.
    pub(crate) fn approve(&mut self, report: Option<ApprovalReport>, dry_run: bool) {
        if let Some(missing) = report
            .as_ref()
            .and_then(ApprovalReport::missing)
            .filter(|_| dry_run)
        {
            let mut note = missing.to_diagnostic();
            note.severity = Severity::Note;
            self.note_once(note);
        }
        self.approval = report.map(Approval::from);
    }

    /// Notes what is not said yet: a batch may be tried several times.
    pub(crate) fn note_once(&mut self, diagnostic: Diagnostic) {
        if !self.notes.contains(&diagnostic.message) {
            self.note(diagnostic);
        }
    }

    pub(crate) fn note(&mut self, diagnostic: Diagnostic) {
        self.notes.push(diagnostic.message.clone());
        self.notices.push(diagnostic);
    }
}
