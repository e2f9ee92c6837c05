//! The six stages of Aethel: a batch in, a certified and committed result out.
//!
//! ```text
//! Batch ─①─▶ DependencyGraph ─②─▶ Plan ─③─▶ Trace ─④─▶ SerialProof ─⑤─▶ Conservation ─⑥─▶ Commit ─▶ BatchResult
//! ```
//!
//! Each stage is a file with one component and one public method. Whatever threads do, the outcome is that of the
//! serial run in batch order: the same final state, or the same first failure with the same values.
//! Time comes from a [`Clock`] that the caller passes in; nothing here reads a file or the environment.

pub mod balances;
pub mod clock;
pub mod commit_manager;
pub mod conflict_detector;
pub mod conservation_validator;
pub mod dependency_analyzer;
pub mod details;
pub mod failure;
pub mod identity;
mod keys;
pub mod lemmas;
pub mod linearizability_prover;
pub mod memory;
pub mod oracle;
pub mod parallel_executor;
pub mod picture;
mod pipeline;
pub mod preparation;
pub mod processor;
pub mod request;
pub mod result;
pub mod rows;
pub mod serial;
mod single;
pub(crate) mod supply;
pub mod team;

#[cfg(test)]
#[path = "../../aethel-certificate/tests/support/mod.rs"]
mod support;

pub use balances::{BalanceChange, Balances, Holds};
pub use clock::{Clock, Stop, SystemClock, Watch};
pub use commit_manager::CommitManager;
pub use conflict_detector::{
    Conflict, ConflictDetector, ConflictKind, Counts, PlaceConflicts, PlaceOrdering, Plan,
};
pub use conservation_validator::{AssetSums, Conservation, ConservationValidator};
pub use dependency_analyzer::{Access, DependencyAnalyzer, DependencyGraph};
pub use details::{Details, SolveEntry, TransactionDetail};
pub use identity::content_hash;
pub use lemmas::{AccessProver, Lemma, ProvedAccess};
pub use linearizability_prover::{
    CycleConfirmer, DirectProver, DirectVerdict, LinearizabilityError, LinearizabilityProver, ProofError,
    ProofOptions, SerialProof, Validation,
};
pub use oracle::{OracleCheck, OracleProof};
pub use parallel_executor::{Chunk, ExecutionError, ExecutionOptions, ParallelExecutor, ThreadChoice, Trace};
pub use picture::{Picture, PictureEdge, PictureNode, Together};
pub use preparation::Openings;
pub use processor::BatchProcessor;
pub use request::{BatchRequest, ProcessorOptions};
pub use result::{
    Approval, ApprovalNeed, BatchResult, ConflictNumbers, GraphNumbers, LinearizabilityProof, StageReport,
    ThroughputBaseline,
};
pub use serial::{Run, TransactionFailure};
pub use team::{StageThreads, Team};

/// A diagnostic that ends a batch; boxed, because it is large and rare.
pub type Refusal = Box<aethel_ir::Diagnostic>;
