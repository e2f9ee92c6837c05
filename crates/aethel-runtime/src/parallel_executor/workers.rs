//! Workers over the dependency graph, with crossbeam's deques.
//!
//! A worker runs transactions in chunks and takes two clock readings per chunk. What a chunk lets go (successors that
//! another thread may take, items that wait by `after`) is let go only after its end was taken, so the times show of
//! every dependent pair that the first was done before the second began, unless one thread ran both in one chunk, in
//! order. A transaction whose only successor waits for nothing else is followed by it in the same chunk, without a
//! hand-off.

use super::cells::Cell;
use super::faults::Faults;
use super::trace::{Chunk, ThreadChoice, Trace};
use super::{ExecutionError, ExecutionOptions};
use crate::clock::{Stop, Watch};
use crate::dependency_analyzer::DependencyGraph;
use crate::serial::{CHECK_EVERY, Run};
use crate::supply::Supply;
use aethel_ir::{Batch, Evaluator, Failure, TransactionId};
use crossbeam::deque::{Injector, Steal, Stealer, Worker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;

/// The most transactions that begin in one chunk (those that follow them without a hand-off not counted).
const LONGEST_RUN: usize = 128;
/// How far a chunk follows a chain while other transactions wait for the end of the chunk.
const CHAIN_WHILE_OTHERS_WAIT: usize = 1024;
/// How often an idle worker looks around before it sleeps, and for how long at most.
const SPINS: u32 = 200;
const LONGEST_SLEEP: Duration = Duration::from_millis(1);

const RUNNING: u8 = 0;
const FAILED: u8 = 1;
const TIMEOUT: u8 = 2;
const CANCELLED: u8 = 3;

/// A stretch of [`Parallel::sources`].
#[derive(Clone, Copy)]
struct Stretch {
    first: u32,
    end: u32,
}

/// Everything the workers share.
pub(super) struct Parallel<'a> {
    batch: &'a Batch,
    graph: &'a DependencyGraph,
    watch: &'a Watch<'a>,
    supply: Supply,
    cells: Vec<Cell>,
    /// For each transaction, how many others (and, as one, its item) it still waits for.
    pending: Vec<AtomicU32>,
    /// For each item, how many of its transactions are not done.
    item_left: Vec<AtomicU32>,
    /// For each item, how many items it waits for.
    item_waits: Vec<AtomicU32>,
    /// The transactions that wait for nothing, in batch order.
    sources: Vec<u32>,
    injector: Injector<Stretch>,
    done: AtomicUsize,
    state: AtomicU8,
    asleep: AtomicUsize,
    started_ns: u64,
    faults: Faults,
}

/// What a worker has seen and done, scattered into columns at the end.
#[derive(Default)]
struct Log {
    sequence: Vec<u32>,
    chunks: Vec<Chunk>,
    seen: Vec<i128>,
    versions: Vec<u32>,
    written: Vec<i128>,
    /// Per asset, what flowed into bounded balances; saturating.
    inflow: Vec<i128>,
}

/// A transaction did not go through, or the batch is to stop.
struct Halt;

impl<'a> Parallel<'a> {
    pub fn new(
        batch: &'a Batch,
        graph: &'a DependencyGraph,
        snapshot: &[i128],
        options: &ExecutionOptions,
        watch: &'a Watch<'a>,
    ) -> Self {
        let faults = options.faults();
        let waits = |id: u32| {
            graph.waits[id as usize] + u32::from(graph.item_waits[graph.item_of[id as usize] as usize] > 0)
        };
        let ids = || 0..batch.len() as u32;
        Self {
            batch,
            graph,
            watch,
            supply: Supply::new(batch, snapshot, &options.supply_elsewhere),
            cells: snapshot.iter().map(|value| Cell::new(*value)).collect(),
            pending: ids().map(|id| AtomicU32::new(waits(id))).collect(),
            item_left: batch
                .items
                .iter()
                .map(|item| AtomicU32::new(item.count))
                .collect(),
            item_waits: graph.item_waits.iter().map(|n| AtomicU32::new(*n)).collect(),
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
    pub fn run(self, choice: ThreadChoice) -> Result<Option<Trace>, ExecutionError> {
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
            if item.count == 0 && self.graph.item_waits[index] == 0 {
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
        let logs: Vec<Result<Log, String>> = std::thread::scope(|scope| {
            let mut deques = deques.into_iter().enumerate();
            let own = deques.next();
            let others: Vec<_> = deques
                .map(|(index, deque)| {
                    let work = &work;
                    scope.spawn(move || work(index, deque))
                })
                .collect();
            let mut logs: Vec<_> = own.map(|(index, deque)| work(index, deque)).into_iter().collect();
            for other in others {
                logs.push(other.join().unwrap_or_else(|said| Err(words(said.as_ref()))));
            }
            logs
        });
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
        Ok(Some(self.collect(logs, choice, wall_ns)))
    }

    /// Scatters what the workers logged into columns.
    fn collect(&self, logs: Vec<Log>, choice: ThreadChoice, wall_ns: u64) -> Trace {
        let layout = &self.graph.layout;
        let mut run = Run {
            final_values: self.cells.iter().map(|cell| cell.read().0).collect(),
            seen: vec![0; layout.total_slots()],
            versions: vec![0; layout.total_slots()],
            written: vec![0; layout.total_writes()],
        };
        let mut sequence = Vec::with_capacity(self.batch.len());
        let mut chunks = Vec::new();
        for log in logs {
            let (mut slots, mut writes) = (0, 0);
            for id in &log.sequence {
                let to = layout.slots(TransactionId(*id));
                let from = slots..slots + to.len();
                slots = from.end;
                run.seen[to.clone()].copy_from_slice(&log.seen[from.clone()]);
                run.versions[to].copy_from_slice(&log.versions[from]);
                let to = layout.writes(TransactionId(*id));
                let from = writes..writes + to.len();
                writes = from.end;
                run.written[to].copy_from_slice(&log.written[from]);
            }
            let base = sequence.len() as u32;
            chunks.extend(log.chunks.iter().map(|chunk| Chunk {
                first: chunk.first + base,
                ..*chunk
            }));
            sequence.extend_from_slice(&log.sequence);
        }
        chunks.sort_by_key(|chunk| (chunk.start_ns, chunk.thread));
        Trace {
            run,
            sequence,
            chunks,
            choice,
            wall_ns,
        }
    }

    /// An item is done: items that waited only for it may begin.
    fn finish_item(&self, index: usize, ready: &mut dyn FnMut(u32)) {
        let mut done = vec![index];
        while let Some(index) = done.pop() {
            for next in self.graph.item_successors.row(index) {
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
    fn let_go(&self, id: u32, ready: &mut dyn FnMut(u32)) {
        if self.faults.frees(id) {
            return;
        }
        // AcqRel: whoever brings it to zero has seen everything that all the others did before.
        if self.pending[id as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
            ready(id);
        }
    }

    fn running(&self) -> bool {
        self.state.load(Ordering::Relaxed) == RUNNING
    }
}

fn words(said: &(dyn std::any::Any + Send)) -> String {
    let text = said.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| said.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// One worker.
struct Hand<'s, 'a> {
    shared: &'s Parallel<'a>,
    index: usize,
    deque: Worker<u32>,
    stealers: &'s [Stealer<u32>],
    sleepers: &'s [OnceLock<Thread>],
    longest: usize,
    evaluator: Evaluator,
    log: Log,
    /// The transactions of the open chunk whose successors wait for its end, as indices into `log.sequence`.
    waited_for: Vec<u32>,
}

impl<'s, 'a> Hand<'s, 'a> {
    fn new(
        shared: &'s Parallel<'a>,
        index: usize,
        deque: Worker<u32>,
        stealers: &'s [Stealer<u32>],
        sleepers: &'s [OnceLock<Thread>],
        longest: usize,
    ) -> Self {
        let log = Log {
            inflow: vec![0; shared.batch.assets.len()],
            ..Log::default()
        };
        Self {
            shared,
            index,
            deque,
            stealers,
            sleepers,
            longest,
            evaluator: Evaluator::default(),
            log,
            waited_for: Vec::new(),
        }
    }

    fn work(&mut self) {
        let mut idle = 0;
        while self.shared.running() && self.shared.done.load(Ordering::Acquire) < self.shared.batch.len() {
            let before = self.log.sequence.len();
            let outcome = if let Some(id) = self.deque.pop() {
                self.chunk(&[], Some(id))
            } else if let Steal::Success(stretch) = self.shared.injector.steal() {
                let sources = &self.shared.sources;
                self.chunk(&sources[stretch.first as usize..stretch.end as usize], None)
            } else if let Some(id) = self.steal() {
                self.chunk(&[], Some(id))
            } else {
                self.rest(&mut idle);
                Ok(())
            };
            if outcome.and_then(|()| self.look_at_watch()).is_err() {
                break;
            }
            if self.log.sequence.len() > before {
                idle = 0;
            }
        }
        self.wake(usize::MAX);
    }

    /// Something that another worker has ready.
    fn steal(&self) -> Option<u32> {
        let count = self.stealers.len();
        for offset in 1..count {
            let victim = &self.stealers[(self.index + offset) % count];
            loop {
                match victim.steal_batch_and_pop(&self.deque) {
                    Steal::Success(id) => return Some(id),
                    Steal::Empty => break,
                    Steal::Retry => {}
                }
            }
        }
        None
    }

    /// Nothing to do: look around for a moment, then sleep until woken, at most a millisecond at a time.
    fn rest(&self, idle: &mut u32) {
        *idle += 1;
        if *idle < SPINS {
            std::hint::spin_loop();
            return;
        }
        if *idle < SPINS + 4 {
            std::thread::yield_now();
            return;
        }
        self.shared.asleep.fetch_add(1, Ordering::SeqCst);
        let nothing = self.stealers.iter().all(Stealer::is_empty) && self.shared.injector.is_empty();
        if nothing && self.shared.running() {
            std::thread::park_timeout(LONGEST_SLEEP);
        }
        self.shared.asleep.fetch_sub(1, Ordering::SeqCst);
    }

    /// Wakes up to `count` sleeping workers.
    fn wake(&self, count: usize) {
        let count = count.min(self.shared.asleep.load(Ordering::SeqCst));
        if count == 0 {
            return;
        }
        let others = self
            .sleepers
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != self.index);
        for thread in others.filter_map(|(_, thread)| thread.get()) {
            thread.unpark();
        }
    }

    fn look_at_watch(&self) -> Result<(), Halt> {
        self.shared.watch.check().map_err(|stop| {
            let state = match stop {
                Stop::Timeout => TIMEOUT,
                Stop::Cancelled => CANCELLED,
            };
            self.shared.state.fetch_max(state, Ordering::Relaxed);
            Halt
        })
    }

    /// Runs a stretch of sources, or a ready transaction and what else lies ready in the own deque (all of it was
    /// ready before this chunk, since nothing is put there while a chunk is open).
    fn chunk(&mut self, sources: &[u32], first: Option<u32>) -> Result<(), Halt> {
        let start_ns = self.shared.watch.now_ns();
        let begin = self.log.sequence.len();
        for id in sources {
            self.follow(*id, begin)?;
        }
        let mut next = first;
        let mut begun = 0;
        while let Some(id) = next {
            self.follow(id, begin)?;
            begun += 1;
            next = if begun < self.longest {
                self.deque.pop()
            } else {
                None
            };
        }
        let end_ns = self.shared.watch.now_ns();
        let count = self.log.sequence.len() - begin;
        self.log.chunks.push(Chunk {
            thread: self.index as u32,
            start_ns: start_ns.saturating_sub(self.shared.started_ns),
            end_ns: end_ns.saturating_sub(self.shared.started_ns),
            first: begin as u32,
            count: count as u32,
        });
        self.release(begin);
        // After the release, so that "all done" means that every successor was let go.
        let done = self.shared.done.fetch_add(count, Ordering::AcqRel) + count;
        if done == self.shared.batch.len() {
            self.wake(usize::MAX);
        }
        Ok(())
    }

    /// A transaction, and those that follow it without a hand-off.
    fn follow(&mut self, mut id: u32, begin: usize) -> Result<(), Halt> {
        let mut steps = 0;
        loop {
            self.run_one(TransactionId(id))?;
            steps += 1;
            if steps % CHECK_EVERY == 0 {
                self.look_at_watch()?;
                if !self.shared.running() {
                    return Err(Halt);
                }
            }
            let others_wait = self.log.sequence.len() - begin > steps || !self.waited_for.is_empty();
            match self.shared.graph.successors.row(id as usize) {
                [] => return Ok(()),
                [only] if self.may_follow(*only) && (!others_wait || steps < CHAIN_WHILE_OTHERS_WAIT) => {
                    id = *only
                }
                _ => {
                    self.waited_for.push(id);
                    return Ok(());
                }
            }
        }
    }

    /// Whether a successor waits for nothing else than the transaction before it, now and for ever.
    fn may_follow(&self, id: u32) -> bool {
        let graph = self.shared.graph;
        !self.shared.faults.frees(id)
            && graph.waits[id as usize] == 1
            && graph.item_waits[graph.item_of[id as usize] as usize] == 0
    }

    /// The chunk is closed: whatever waited for it may go on.
    fn release(&mut self, begin: usize) {
        let shared = self.shared;
        let deque = &self.deque;
        let mut released = 0_usize;
        let mut ready = |id: u32| {
            deque.push(id);
            released += 1;
        };
        for id in self.waited_for.drain(..) {
            for next in shared.graph.successors.row(id as usize) {
                shared.let_go(*next, &mut ready);
            }
        }
        for id in &self.log.sequence[begin..] {
            let item = shared.graph.item_of[*id as usize] as usize;
            if !shared.graph.item_successors.row(item).is_empty()
                && shared.item_left[item].fetch_sub(1, Ordering::AcqRel) == 1
            {
                shared.finish_item(item, &mut ready);
            }
        }
        if released > 1 {
            self.wake(released - 1);
        }
    }

    /// Reads the cells, evaluates, writes the cells, and logs all of it.
    fn run_one(&mut self, id: TransactionId) -> Result<(), Halt> {
        let shared = self.shared;
        shared.faults.panic_at(id.0);
        let fail = |_: Failure| {
            shared.state.fetch_max(FAILED, Ordering::Relaxed);
            Halt
        };
        let view = shared
            .batch
            .transaction(id)
            .ok_or(Failure::Malformed)
            .map_err(fail)?;
        let shape = &shared.graph.layout.shapes[view.group.intent as usize];
        let base = self.log.seen.len();
        for (slot, column) in view.group.places.iter().enumerate() {
            let (value, version) = match column.get(view.row) {
                Some(place) if shape.touches(slot) => shared.cells[place.0 as usize].read(),
                _ => (0, 0),
            };
            self.log.seen.push(value);
            self.log.versions.push(version);
        }
        let after = self
            .evaluator
            .execute(view, &self.log.seen[base..])
            .map_err(fail)?;
        for slot in shape.written_slots.iter().map(|slot| usize::from(*slot)) {
            let Some(place) = view.group.places[slot].get(view.row) else {
                continue;
            };
            let (old, new) = (self.log.seen[base + slot], after[slot]);
            self.log.written.push(new);
            if shared.faults.loses_writes(id.0) {
                continue;
            }
            shared.cells[place.0 as usize].write(new, self.log.versions[base + slot].wrapping_add(1));
            if let Some(asset) = shared.supply.asset(*place).filter(|_| new > old) {
                let sum = &mut self.log.inflow[asset];
                *sum = sum.saturating_add(new.saturating_sub(old));
            }
        }
        self.log.sequence.push(id.0);
        Ok(())
    }
}
