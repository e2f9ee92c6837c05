//! ④ Proof of the run.
//!
//! Takes the batch, its graph, the snapshot and the trace. Gives a [`SerialProof`]: a certificate that the independent
//! checker accepted, so that the parallel run is the serial run in batch order, bit for bit. A run in which nothing
//! needed an order is certified from sums over columns; every other one transaction by transaction. On request the batch
//! is replayed serially as well. When the trace is not accepted, the batch is run serially from the snapshot and that is
//! certified instead; the proof says so and why. Refuses only when the serial run fails or cannot be certified either.

mod explain;

#[cfg(test)]
mod tests;

pub use explain::{LinearizabilityError, explain};

use crate::clock::{Stop, Watch};
use crate::dependency_analyzer::DependencyGraph;
use crate::parallel_executor::Trace;
use crate::serial::{Run, SerialError, TransactionFailure, run_serially};
use aethel_certificate::escrow::Changes;
use aethel_certificate::{
    Alone, CertificateView, Checked, Memory, Rejection, Way, Workers, check_columns_with, check_while,
};
use aethel_ir::{Batch, Code, Diagnostic, PlaceId, TransactionId};
use std::sync::OnceLock;

/// The most transactions for which a solver is asked about the whole run.
pub const DIRECT_PROOF_LIMIT: usize = 16;

/// What a solver says about "the final state is that of the serial run".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectVerdict {
    /// It is, with this many queries in this many milliseconds.
    Proved {
        /// Queries asked.
        queries: u32,
        /// Milliseconds spent.
        millis: u64,
    },
    /// It is not.
    Refuted {
        /// Why.
        reason: String,
    },
    /// It could not say within its limits.
    Undecided {
        /// Why not.
        reason: String,
    },
}

/// Asks a solver whether running `order` from the first values ends with the last.
pub type DirectProver = fn(&Batch, &[TransactionId], &[i128], &[i128]) -> DirectVerdict;

/// Asks a solver whether edges between transactions, from earlier to later, fit into no order.
pub type CycleConfirmer = fn(&[(u32, u32)]) -> bool;

/// How a run is held to the serial run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// The checker accepts its certificate.
    #[default]
    Certificate,
    /// And a serial replay ends in the same values.
    Replay,
}

/// How to prove.
#[derive(Clone, Copy, Default)]
pub struct ProofOptions<'a> {
    /// What has to be done.
    pub validation: Validation,
    /// Digests of the lemmas by which places need no order.
    pub lemmas: &'a [[u8; 32]],
    /// It is proved of every intent that it is made of sums, so that sums over columns may certify the run.
    pub sums: bool,
    /// The solver for small batches, if there is one.
    pub direct: Option<DirectProver>,
    /// The solver that confirms a circle, if there is one.
    pub confirm: Option<CycleConfirmer>,
    /// The solver's name and version, for the certificate.
    pub solver: &'a str,
    /// Per asset, the supply outside the batch, for the serial run.
    pub supply_elsewhere: &'a [i128],
    /// The threads to use, where there are more than the caller.
    pub team: Option<&'a dyn Workers>,
}

/// A run with everything that shows that it equals the serial run in batch order.
#[derive(Clone, Debug)]
pub struct SerialProof {
    /// The run that is certified: the trace's, or the serial one that took its place.
    pub run: Run,
    /// How it came about.
    pub way: Way,
    /// Why the trace was not accepted, when it was not.
    pub fallback: Option<String>,
    /// What was wrong with the trace, where no serial order explains it.
    pub refutation: Option<LinearizabilityError>,
    /// What the checker found; `None` when everything fits but the sums, which stage ⑤ then names.
    pub checked: Option<Checked>,
    /// What the solver said, when it was asked.
    pub direct: Option<DirectVerdict>,
    /// The solver's name and version; empty when it was not asked.
    pub solver: String,
    /// Digests of the lemmas that the run relies on.
    pub lemmas: Vec<[u8; 32]>,
    /// A serial replay ended in the same values; `None` when it was not asked for.
    pub replayed: Option<bool>,
}

impl SerialProof {
    /// Whether no place needed an order, so that sums say it all.
    pub fn by_sums(&self) -> bool {
        !self.run.escrow.is_empty() && self.run.seen.is_empty()
    }

    /// The certificate of the run.
    pub fn certificate<'a>(
        &'a self,
        batch: &'a Batch,
        graph: &'a DependencyGraph,
        snapshot: &'a [i128],
    ) -> CertificateView<'a> {
        CertificateView {
            batch,
            initial: snapshot,
            final_values: &self.run.final_values,
            positions: &graph.positions,
            escrow: &self.run.escrow,
            seen: &self.run.seen,
            versions: &self.run.versions,
            // Of places in escrow the certificate says where they end, not how each change was logged.
            written: if self.by_sums() {
                &[]
            } else {
                self.run.written.wide()
            },
            way: self.way,
            solver: &self.solver,
            lemmas: &self.lemmas,
        }
    }
}

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The trace was not accepted, and the serial run fails: this is the failure of the batch.
    Failed(Box<TransactionFailure>),
    /// Time was up, or somebody asked.
    Stopped(Stop),
    /// Not even the serial run could be certified: a bug of this program.
    Rejected(Box<Rejection>),
}

impl From<SerialError> for ProofError {
    fn from(error: SerialError) -> Self {
        match error {
            SerialError::Failed(failure) => ProofError::Failed(failure),
            SerialError::Stopped(stop) => ProofError::Stopped(stop),
        }
    }
}

/// AE0602, for a run that nobody can certify.
pub fn rejected(rejection: &Rejection) -> Diagnostic {
    Diagnostic::new(
        Code::AE0602,
        format!("the certificate of the run is rejected: {rejection}"),
    )
    .help("nothing was committed; this is a bug of aethel, please report it with the program")
}

/// AE0603, when the solver said nothing about the whole run, for this reason.
pub fn undecided(reason: &str) -> Diagnostic {
    let message = format!("the solver could not decide about the whole run: {reason}");
    Diagnostic::new(Code::AE0603, message)
        .help("the batch was run serially instead; its certificate is as strict as ever")
}

/// Proves that a run equals the serial run.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinearizabilityProver;

/// What spoke against a trace.
enum Doubt {
    Stopped(Stop),
    Because(String),
}

impl LinearizabilityProver {
    /// Stage ④; see the module's contract. The run moves from the trace into the proof.
    ///
    /// # Errors
    /// When the serial run fails or cannot be certified, or time is up.
    pub fn prove(
        &self,
        batch: &Batch,
        graph: &DependencyGraph,
        snapshot: &[i128],
        trace: &mut Trace,
        options: &ProofOptions<'_>,
        watch: &Watch<'_>,
    ) -> Result<SerialProof, ProofError> {
        let way = match trace.choice.workers() {
            0 | 1 => Way::Serial,
            workers => Way::Parallel(workers),
        };
        let run = std::mem::take(&mut trace.run);
        let mut proof = SerialProof {
            run,
            way,
            fallback: None,
            refutation: None,
            checked: None,
            direct: None,
            solver: String::new(),
            lemmas: Vec::new(),
            replayed: None,
        };
        if !proof.run.escrow.is_empty() {
            proof.lemmas = options.lemmas.to_vec();
            options.solver.clone_into(&mut proof.solver);
        }
        match accept(batch, graph, snapshot, &mut proof, options, watch) {
            Ok(()) => return Ok(proof),
            Err(Doubt::Stopped(stop)) => return Err(ProofError::Stopped(stop)),
            Err(Doubt::Because(reason)) => proof.fallback = Some(reason),
        }
        proof.refutation = explain(batch, graph, &proof.run, snapshot);
        if let (Some(confirm), Some(found)) = (options.confirm, &mut proof.refutation)
            && !found.edges.is_empty()
            && confirm(&found.edges)
        {
            found.confirmed = Some(options.solver.to_owned());
        }
        proof.run = run_serially(batch, graph, snapshot, options.supply_elsewhere, watch)?;
        proof.way = Way::SerialAfterDoubt;
        proof.lemmas.clear();
        if proof.direct.is_none() {
            proof.solver.clear();
        }
        proof.checked = certified(batch, graph, snapshot, &proof, options, watch)?;
        Ok(proof)
    }
}

/// The checker, where it is asked for a serial replay, and for small batches the solver must all agree with the run.
fn accept(
    batch: &Batch,
    graph: &DependencyGraph,
    snapshot: &[i128],
    proof: &mut SerialProof,
    options: &ProofOptions<'_>,
    watch: &Watch<'_>,
) -> Result<(), Doubt> {
    proof.checked =
        certified(batch, graph, snapshot, proof, options, watch).map_err(|error| match error {
            ProofError::Stopped(stop) => Doubt::Stopped(stop),
            ProofError::Rejected(rejection) => Doubt::Because(rejection.to_string()),
            ProofError::Failed(_) => Doubt::Because("a transaction does not go through".to_owned()),
        })?;
    if options.validation == Validation::Replay {
        match run_serially(batch, graph, snapshot, options.supply_elsewhere, watch) {
            Ok(replay) if replay.final_values == proof.run.final_values => proof.replayed = Some(true),
            Ok(replay) => return Err(Doubt::Because(difference(batch, &replay, &proof.run))),
            Err(SerialError::Stopped(stop)) => return Err(Doubt::Stopped(stop)),
            Err(SerialError::Failed(failure)) => {
                let name = batch.transaction_name(failure.transaction);
                return Err(Doubt::Because(format!(
                    "`{name}` does not go through in the serial replay"
                )));
            }
        }
    }
    let Some(ask) = options.direct.filter(|_| batch.len() <= DIRECT_PROOF_LIMIT) else {
        return Ok(());
    };
    proof.solver = options.solver.to_owned();
    let verdict = ask(batch, &graph.order, snapshot, &proof.run.final_values);
    let doubt = match &verdict {
        DirectVerdict::Proved { .. } => None,
        DirectVerdict::Refuted { reason } => Some(format!("the solver refutes it: {reason}")),
        DirectVerdict::Undecided { reason } => Some(format!("the solver could not decide: {reason}")),
    };
    proof.direct = Some(verdict);
    doubt.map_or(Ok(()), |reason| Err(Doubt::Because(reason)))
}

/// The checker's word. Sums that differ are no question of order; stage ⑤ names them.
fn certified(
    batch: &Batch,
    graph: &DependencyGraph,
    snapshot: &[i128],
    proof: &SerialProof,
    options: &ProofOptions<'_>,
    watch: &Watch<'_>,
) -> Result<Option<Checked>, ProofError> {
    let stopped = OnceLock::new();
    let view = proof.certificate(batch, graph, snapshot);
    let memory = Memory {
        values: &proof.run.final_values,
        changes: match proof.by_sums() {
            true => Changes::from(&proof.run.written),
            false => Changes::default(),
        },
    };
    let elsewhere = options.supply_elsewhere;
    let workers = options.team.unwrap_or(&Alone);
    if options.sums {
        match check_columns_with(&view, memory, elsewhere, workers) {
            Ok(Some(checked)) => return Ok(Some(checked)),
            Ok(None) => {}
            Err(Rejection::NotConserved { .. }) => return Ok(None),
            Err(rejection) => return Err(ProofError::Rejected(Box::new(rejection))),
        }
    }
    let verdict = check_while(&view, Some(memory), elsewhere, workers, &|| match watch.check() {
        Ok(()) => true,
        Err(stop) => {
            let _ = stopped.set(stop);
            false
        }
    });
    match (verdict, stopped.into_inner()) {
        (_, Some(stop)) => Err(ProofError::Stopped(stop)),
        (Ok(checked), None) => Ok(Some(checked)),
        (Err(Rejection::NotConserved { .. }), None) => Ok(None),
        (Err(rejection), None) => Err(ProofError::Rejected(Box::new(rejection))),
    }
}

/// The first place where two runs end differently, in words.
fn difference(batch: &Batch, replay: &Run, run: &Run) -> String {
    let differs = replay
        .final_values
        .iter()
        .zip(&run.final_values)
        .position(|(a, b)| a != b);
    match differs {
        Some(index) => format!(
            "{} ends with {} in the serial replay and with {} in the run",
            batch.place_name(PlaceId(index as u32)),
            replay.final_values[index],
            run.final_values[index]
        ),
        None => "the serial replay saw or wrote other values on its way".to_owned(),
    }
}
