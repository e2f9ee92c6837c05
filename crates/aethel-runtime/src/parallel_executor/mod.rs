//! ③ Parallel execution.
//!
//! Takes the plan and a snapshot of the places. Gives a [`Trace`]: what every transaction saw and wrote, the values
//! after, and which thread ran what when. Refuses with the first failure in batch order, exactly as the serial run
//! has it, or because time was up or somebody asked to stop; the snapshot stays as it is.
//!
//! Independent transactions run at the same time; dependent ones in batch order. Places in escrow make nobody wait: a
//! transaction is evaluated from the value that such a place had before the batch, which by theorem T3 gives the same
//! change and the same answer to its conditions as any value it could have on the way, and the changes are summed up.
//! Threads are used where they pay, the trace says why ([`ThreadChoice`]).

mod cells;
mod columns;
mod faults;
mod hand;
mod trace;
mod workers;

#[cfg(test)]
mod tests;

pub use trace::{Chunk, ThreadChoice, Trace};

use crate::clock::{Stop, Watch};
use crate::conflict_detector::Plan;
use crate::serial::{Run, SerialError, TransactionFailure, run_into};
use crate::team::Team;
use aethel_certificate::Workers;
use aethel_ir::{Batch, Code, Diagnostic};
pub(crate) use faults::Faults;
use std::sync::Arc;
use workers::Parallel;

/// Fewer transactions than this are done before a second thread has woken up.
const WORTH_A_THREAD: usize = 2_000;

/// Fewer rows than this are summed before a helper has woken up.
const WORTH_A_HELPER: usize = 50_000;

/// Handing a transaction to another thread (counters, deques, cold caches) takes about as long as evaluating so many
/// expressions.
const STEPS_OF_A_HAND_OFF: u64 = 40;

/// How to execute.
#[derive(Clone, Debug)]
pub struct ExecutionOptions {
    /// Use exactly this many workers (at most one per transaction); `None` decides by the work.
    pub threads: Option<u32>,
    /// How many threads the default may use.
    pub available: u32,
    /// Per asset, the sum of the bounded balances that the batch does not touch, in minor units; missing is 0.
    pub supply_elsewhere: Vec<i128>,
    /// The threads to use, where the caller has some; others are started for the run.
    pub team: Option<Arc<Team>>,
    /// Faults that a test plants.
    #[cfg(test)]
    pub(crate) faults: Faults,
}

impl Default for ExecutionOptions {
    fn default() -> Self {
        Self {
            threads: None,
            available: 8,
            supply_elsewhere: Vec::new(),
            team: None,
            #[cfg(test)]
            faults: Faults::default(),
        }
    }
}

impl ExecutionOptions {
    fn faults(&self) -> Faults {
        #[cfg(test)]
        return self.faults;
        #[cfg(not(test))]
        Faults::default()
    }
}

/// Why there is no trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecutionError {
    /// A transaction does not go through: the first one in batch order.
    Failed(Box<TransactionFailure>),
    /// Time was up, or somebody asked.
    Stopped(Stop),
    /// A worker stopped by itself: a bug of this program. The text is what it said.
    Panicked(String),
}

/// AE0510, for a worker that said this and stopped.
pub fn panicked(said: &str) -> Diagnostic {
    let message = format!("a worker stopped by itself: {}", aethel_ir::quote(said));
    Diagnostic::new(Code::AE0510, message)
        .help("nothing was committed; this is a bug of aethel, please report it with the program")
}

impl From<SerialError> for ExecutionError {
    fn from(error: SerialError) -> Self {
        match error {
            SerialError::Failed(failure) => ExecutionError::Failed(failure),
            SerialError::Stopped(stop) => ExecutionError::Stopped(stop),
        }
    }
}

/// Runs the transactions of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParallelExecutor;

impl ParallelExecutor {
    /// Stage ③; see the module's contract. `snapshot` holds the value of each place of the batch.
    ///
    /// # Errors
    /// The first failure in batch order, a stop, or a bug.
    pub fn execute(
        &self,
        batch: &Batch,
        plan: &Plan<'_>,
        snapshot: &[i128],
        options: &ExecutionOptions,
        watch: &Watch<'_>,
    ) -> Result<Trace, ExecutionError> {
        debug_assert_eq!(snapshot.len(), batch.places.len());
        watch.check().map_err(ExecutionError::Stopped)?;
        let by_columns = columns::applies(batch, plan) && !options.faults().any();
        let choice = choose(batch, plan, options, by_columns);
        let own;
        let team: &Team = match &options.team {
            Some(team) if team.count() >= choice.workers() as usize => team,
            _ => {
                own = Team::new(choice.workers());
                &own
            }
        };
        if by_columns {
            if let Some(trace) = columns::run(batch, plan, snapshot, options, choice, team, watch)? {
                return Ok(trace);
            }
        } else if choice.workers() > 1 {
            let parallel = Parallel::new(batch, plan, snapshot, options, watch);
            if let Some(trace) = parallel.run(choice, team)? {
                return Ok(trace);
            }
            // Something failed, or the supply may have left its range on the way: the serial run knows exactly.
        }
        let started = watch.now_ns();
        let elsewhere = &options.supply_elsewhere;
        let columns = Run::columns(&plan.graph.layout, plan.settlement.escrow(), plan.unlogged());
        let run = run_into(batch, plan.graph, snapshot, elsewhere, watch, columns)?;
        let sequence = plan.graph.order.iter().map(|id| id.0).collect();
        Ok(Trace::serial(
            run,
            sequence,
            choice,
            watch.now_ns().saturating_sub(started),
        ))
    }
}

/// How many workers, and why.
fn choose(batch: &Batch, plan: &Plan<'_>, options: &ExecutionOptions, by_columns: bool) -> ThreadChoice {
    let cap = u32::try_from(batch.len()).unwrap_or(u32::MAX).max(1);
    if let Some(threads) = options.threads {
        return ThreadChoice::Forced(threads.clamp(1, cap));
    }
    if options.available <= 1 {
        return ThreadChoice::OnlyOne;
    }
    let worth_it = if by_columns {
        WORTH_A_HELPER
    } else {
        WORTH_A_THREAD
    };
    if batch.len() < worth_it {
        return ThreadChoice::LittleWork(cap);
    }
    if by_columns && !plan.graph.items.waits.is_empty() {
        return ThreadChoice::InTurn;
    }
    if by_columns {
        return ThreadChoice::Adaptive(options.available.min(cap));
    }
    // Less than one and a half transactions a level: nothing to share out.
    if plan.depth(batch).saturating_mul(3) > batch.len().saturating_mul(2) {
        return ThreadChoice::NoParallelism(u32::try_from(plan.depth(batch)).unwrap_or(u32::MAX));
    }
    let (steps, handed) = work(batch, plan);
    if handed.saturating_mul(STEPS_OF_A_HAND_OFF) > steps {
        return ThreadChoice::CostlyHandOffs(u32::try_from(handed).unwrap_or(u32::MAX));
    }
    ThreadChoice::Adaptive(options.available.min(cap))
}

/// How many expressions a batch evaluates, and how many of its transactions would be handed from thread to thread.
fn work(batch: &Batch, plan: &Plan<'_>) -> (u64, u64) {
    let intent = |group: &aethel_ir::Group| batch.intents.get(group.intent as usize);
    let nodes = |group: &aethel_ir::Group| intent(group).map_or(0, |intent| intent.nodes.len() as u64);
    let steps = batch
        .groups
        .iter()
        .map(|group| nodes(group).saturating_mul(group.rows.into()))
        .sum();
    let schedule = plan.schedule(batch);
    let waiting = schedule.waits.iter().filter(|waits| **waits > 0).count() as u64;
    // Those that follow the one they wait for on its thread are not handed on.
    let follows = |row: &[u32]| matches!(row, [only] if schedule.waits.get(*only as usize) == Some(&1));
    let following = (0..batch.len())
        .filter(|id| follows(schedule.successors.row(*id)))
        .count() as u64;
    (steps, waiting.saturating_sub(following))
}
