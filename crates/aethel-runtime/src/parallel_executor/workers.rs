//! Workers over the dependency graph, with crossbeam's deques.
//!
//! A worker runs transactions in chunks and takes two clock readings per chunk. What a chunk lets go (successors that
//! another thread may take, items that wait by `after`) is let go only after its end was taken, so the times show of
//! every dependent pair that the first was done before the second began, unless one thread ran both in one chunk, in
//! order. A transaction whose only successor waits for nothing else is followed by it in the same chunk, without a
//! hand-off.

use super::cells::Cell;
use super::faults::Faults;
use super::hand::{Hand, Log};
use super::trace::{Chunk, ThreadChoice, Trace};
use super::{ExecutionError, ExecutionOptions};
use crate::clock::{Stop, Watch};
use crate::conflict_detector::Plan;
use crate::dependency_analyzer::{DependencyGraph, Schedule};
use crate::serial::Run;
use crate::supply::Supply;
use aethel_certificate::Workers;
use aethel_ir::{Batch, PlaceId, TransactionId};
use crossbeam::deque::{Injector, Stealer, Worker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::Thread;

/// The most transactions that begin in one chunk (those that follow them without a hand-off not counted).
const LONGEST_RUN: usize = 128;

const RUNNING: u8 = 0;
pub(super) const FAILED: u8 = 1;
pub(super) const TIMEOUT: u8 = 2;
pub(super) const CANCELLED: u8 = 3;

/// A stretch of [`Parallel::sources`].
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    pub first: u32,
    pub end: u32,
}

/// What a worker begins with, and what it ends with.
type Hands = (Option<Worker<u32>>, Option<Result<Log, String>>);

/// Everything the workers share.
pub(super) struct Parallel<'a> {
    pub batch: &'a Batch,
    pub graph: &'a DependencyGraph,
    pub schedule: &'a Schedule,
    /// The value of each place before.
    pub snapshot: &'a [i128],
    /// For each place, whether its accesses need no order; empty when all need one.
    pub escrow: Vec<bool>,
    /// Nothing that was seen is logged, since every place that is written is in escrow.
    pub unlogged: bool,
    pub watch: &'a Watch<'a>,
    pub supply: Supply,
    pub cells: Vec<Cell>,
    /// For each transaction, how many others (and, as one, its item) it still waits for.
    pending: Vec<AtomicU32>,
    /// For each item, how many of its transactions are not done.
    pub item_left: Vec<AtomicU32>,
    /// For each item, how many items it waits for.
    item_waits: Vec<AtomicU32>,
    /// The transactions that wait for nothing, in batch order.
    pub sources: Vec<u32>,
    pub injector: Injector<Stretch>,
    pub done: AtomicUsize,
    pub state: AtomicU8,
    pub asleep: AtomicUsize,
    pub started_ns: u64,
    pub faults: Faults,
}

impl<'a> Parallel<'a> {
    pub fn new(
        batch: &'a Batch,
        plan: &'a Plan<'a>,
        snapshot: &'a [i128],
        options: &ExecutionOptions,
        watch: &'a Watch<'a>,
    ) -> Self {
        let (graph, schedule) = (plan.graph, plan.schedule(batch));
        let escrow = plan.settlement.escrow();
        let mut flags = vec![false; if escrow.is_empty() { 0 } else { batch.places.len() }];
        for place in &escrow {
            flags[place.0 as usize] = true;
        }
        let faults = options.faults();
        let waits =
            |id: u32| schedule.waits[id as usize] + u32::from(graph.items.waits_of(TransactionId(id)));
        let ids = || 0..batch.len() as u32;
        Self {
            batch,
            graph,
            schedule,
            snapshot,
            unlogged: plan.unlogged(),
            escrow: flags,
            watch,
            supply: Supply::new(batch, snapshot, &options.supply_elsewhere),
            cells: snapshot.iter().map(|value| Cell::new(*value)).collect(),
            pending: ids().map(|id| AtomicU32::new(waits(id))).collect(),
            item_left: batch
                .items
                .iter()
                .map(|item| AtomicU32::new(item.count))
                .collect(),
            item_waits: (0..batch.items.len())
                .map(|item| AtomicU32::new(graph.items.waits(item)))
                .collect(),
            sources: {
                let order = || graph.order.iter().map(|id| id.0);
                let ready = order().filter(|id| waits(*id) == 0 && !faults.frees(*id));
                order().filter(|id| faults.frees(*id)).chain(ready).collect()
            },
            injector: Injector::new(),
            done: AtomicUsize::new(0),
            state: AtomicU8::new(RUNNING),
            asleep: AtomicUsize::new(0),
            started_ns: watch.now_ns(),
            faults,
        }
    }

    /// Runs everything; `None` when the serial run has to decide.
    pub fn run(self, choice: ThreadChoice, team: &dyn Workers) -> Result<Option<Trace>, ExecutionError> {
        let threads = choice.workers() as usize;
        let length = (self.sources.len() / (threads * 4)).clamp(1, LONGEST_RUN);
        let mut first = 0;
        while first < self.sources.len() {
            let end = (first + length).min(self.sources.len());
            self.injector.push(Stretch {
                first: first as u32,
                end: end as u32,
            });
            first = end;
        }
        // Items without transactions are done before anybody begins.
        let deques: Vec<Worker<u32>> = (0..threads).map(|_| Worker::new_fifo()).collect();
        for (index, item) in self.batch.items.iter().enumerate() {
            if item.count == 0 && self.graph.items.waits(index) == 0 {
                self.finish_item(index, &mut |id| deques[0].push(id));
            }
        }
        let stealers: Vec<Stealer<u32>> = deques.iter().map(Worker::stealer).collect();
        let sleepers: Vec<OnceLock<Thread>> = (0..threads).map(|_| OnceLock::new()).collect();
        let shared = &self;
        let work = |index: usize, deque: Worker<u32>| {
            let _ = sleepers[index].set(std::thread::current());
            let mut hand = Hand::new(shared, index, deque, &stealers, &sleepers, length);
            let outcome = catch_unwind(AssertUnwindSafe(|| hand.work()));
            match outcome {
                Ok(()) => Ok(hand.log),
                Err(said) => {
                    shared.state.fetch_max(FAILED, Ordering::Relaxed);
                    Err(words(said.as_ref()))
                }
            }
        };
        // A team with fewer threads than workers has some work one after the other; then the first does everything.
        let hands: Vec<Mutex<Hands>> = deques
            .into_iter()
            .map(|deque| Mutex::new((Some(deque), None)))
            .collect();
        team.run(&|index| {
            let Some(Ok(mut hand)) = hands.get(index).map(Mutex::lock) else {
                return;
            };
            if let Some(deque) = hand.0.take() {
                hand.1 = Some(work(index, deque));
            }
        });
        let ended = |hand: Mutex<Hands>| hand.into_inner().ok().and_then(|(_, log)| log);
        let logs: Vec<Result<Log, String>> = hands.into_iter().filter_map(ended).collect();
        let wall_ns = self.watch.now_ns().saturating_sub(self.started_ns);
        let logs = logs
            .into_iter()
            .collect::<Result<Vec<Log>, String>>()
            .map_err(ExecutionError::Panicked)?;
        match self.state.load(Ordering::Relaxed) {
            TIMEOUT => return Err(ExecutionError::Stopped(Stop::Timeout)),
            CANCELLED => return Err(ExecutionError::Stopped(Stop::Cancelled)),
            FAILED => return Ok(None),
            _ => {}
        }
        let mut inflow = vec![0_i128; self.batch.assets.len()];
        for log in &logs {
            for (sum, part) in inflow.iter_mut().zip(&log.inflow) {
                *sum = sum.saturating_add(*part);
            }
        }
        if !self.supply.holds_with(&inflow) {
            return Ok(None);
        }
        Ok(self.collect(logs, choice, wall_ns))
    }

    /// Whether the accesses to a place need no order.
    pub fn in_escrow(&self, place: PlaceId) -> bool {
        self.escrow.get(place.0 as usize).copied().unwrap_or(false)
    }

    /// Sums up the changes of places in escrow and scatters what the workers logged into columns. `None` when a sum leaves
    /// its range, which no proved plan does.
    fn collect(&self, logs: Vec<Log>, choice: ThreadChoice, wall_ns: u64) -> Option<Trace> {
        let layout = &self.graph.layout;
        let flags = (0_u32..).zip(&self.escrow);
        let escrow = flags
            .filter(|(_, escrow)| **escrow)
            .map(|(place, _)| PlaceId(place));
        let mut run = Run::columns(layout, escrow.collect(), self.unlogged);
        let mut written = vec![0_i128; layout.total_writes()];
        run.final_values = self.cells.iter().map(|cell| cell.read().0).collect();
        let mut sequence = Vec::with_capacity(self.batch.len());
        let mut chunks = Vec::new();
        for log in logs {
            for (value, delta) in run.final_values.iter_mut().zip(&log.deltas) {
                *value = value.checked_add(*delta)?;
            }
            let (mut slots, mut writes) = (0, 0);
            // Transactions that follow each other in the source lie together in the columns too, and mostly ran together.
            for ids in log.sequence.chunk_by(|a, b| a + 1 == *b) {
                let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
                    continue;
                };
                let (first, last) = (TransactionId(*first), TransactionId(*last));
                if !self.unlogged {
                    let to = layout.slots(first).start..layout.slots(last).end;
                    let from = slots..slots + to.len();
                    slots = from.end;
                    run.seen[to.clone()].copy_from_slice(&log.seen[from.clone()]);
                    run.versions[to].copy_from_slice(&log.versions[from]);
                }
                let to = layout.writes(first).start..layout.writes(last).end;
                let from = writes..writes + to.len();
                writes = from.end;
                written[to].copy_from_slice(&log.written[from]);
            }
            let base = sequence.len() as u32;
            chunks.extend(log.chunks.iter().map(|chunk| Chunk {
                first: chunk.first + base,
                ..*chunk
            }));
            sequence.extend_from_slice(&log.sequence);
        }
        run.written = written.into();
        chunks.sort_by_key(|chunk| (chunk.start_ns, chunk.thread));
        Some(Trace {
            run,
            sequence,
            chunks,
            choice,
            wall_ns,
        })
    }

    /// An item is done: items that waited only for it may begin.
    pub fn finish_item(&self, index: usize, ready: &mut dyn FnMut(u32)) {
        let mut done = vec![index];
        while let Some(index) = done.pop() {
            for next in self.graph.items.successors.row(index) {
                if self.item_waits[*next as usize].fetch_sub(1, Ordering::AcqRel) != 1 {
                    continue;
                }
                let item = &self.batch.items[*next as usize];
                if item.count == 0 {
                    done.push(*next as usize);
                }
                for id in item.first..item.first + item.count {
                    self.let_go(id, ready);
                }
            }
        }
    }

    /// One thing less that a transaction waits for.
    pub fn let_go(&self, id: u32, ready: &mut dyn FnMut(u32)) {
        if self.faults.frees(id) {
            return;
        }
        // AcqRel: whoever brings it to zero has seen everything that all the others did before.
        if self.pending[id as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
            ready(id);
        }
    }

    pub fn running(&self) -> bool {
        self.state.load(Ordering::Relaxed) == RUNNING
    }
}

fn words(said: &(dyn std::any::Any + Send)) -> String {
    let text = said.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| said.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
