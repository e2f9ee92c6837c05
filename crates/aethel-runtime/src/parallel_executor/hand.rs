//! One worker: takes transactions, runs them in chunks, and lets go what waited for them.

use super::trace::Chunk;
use super::workers::{CANCELLED, FAILED, Parallel, TIMEOUT};
use crate::clock::Stop;
use crate::serial::CHECK_EVERY;
use aethel_certificate::Shape;
use aethel_ir::{Evaluator, Failure, TransactionId, TransactionView};
use crossbeam::deque::{Steal, Stealer, Worker};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::thread::Thread;
use std::time::Duration;

/// How far a chunk follows a chain while other transactions wait for the end of the chunk.
const CHAIN_WHILE_OTHERS_WAIT: usize = 1024;
/// How often an idle worker looks around before it sleeps, and for how long at most.
const SPINS: u32 = 200;
const LONGEST_SLEEP: Duration = Duration::from_millis(1);

/// What a worker has seen and done, scattered into columns at the end.
#[derive(Default)]
pub(super) struct Log {
    pub sequence: Vec<u32>,
    pub chunks: Vec<Chunk>,
    pub seen: Vec<i128>,
    pub versions: Vec<u32>,
    pub written: Vec<i128>,
    /// For each place in escrow, the sum of the changes; empty when there is none.
    pub deltas: Vec<i128>,
    /// Per asset, what flowed into bounded balances; saturating.
    pub inflow: Vec<i128>,
}

/// A transaction did not go through, or the batch is to stop.
struct Halt;

/// One worker.
pub(super) struct Hand<'s, 'a> {
    shared: &'s Parallel<'a>,
    index: usize,
    deque: Worker<u32>,
    stealers: &'s [Stealer<u32>],
    sleepers: &'s [OnceLock<Thread>],
    longest: usize,
    evaluator: Evaluator,
    /// What the transaction at hand sees, slot by slot, and the versions.
    seen: Vec<i128>,
    versions: Vec<u32>,
    pub log: Log,
    /// The transactions of the open chunk whose successors wait for its end, as indices into `log.sequence`.
    waited_for: Vec<u32>,
}

impl<'s, 'a> Hand<'s, 'a> {
    pub fn new(
        shared: &'s Parallel<'a>,
        index: usize,
        deque: Worker<u32>,
        stealers: &'s [Stealer<u32>],
        sleepers: &'s [OnceLock<Thread>],
        longest: usize,
    ) -> Self {
        let log = Log {
            inflow: vec![0; shared.batch.assets.len()],
            deltas: vec![0; shared.escrow.len()],
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
            seen: Vec::new(),
            versions: Vec::new(),
            log,
            waited_for: Vec::new(),
        }
    }

    pub fn work(&mut self) {
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
        self.shared.watch.count(count);
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
            match self.shared.schedule.successors.row(id as usize) {
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
            && self.shared.schedule.waits[id as usize] == 1
            && !graph.items.waits_of(TransactionId(id))
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
            for next in shared.schedule.successors.row(id as usize) {
                shared.let_go(*next, &mut ready);
            }
        }
        for id in &self.log.sequence[begin..] {
            let Some(item) = shared.graph.items.of(TransactionId(*id)) else {
                break;
            };
            if !shared.graph.items.successors.row(item).is_empty()
                && shared.item_left[item].fetch_sub(1, Ordering::AcqRel) == 1
            {
                shared.finish_item(item, &mut ready);
            }
        }
        if released > 1 {
            self.wake(released - 1);
        }
    }

    /// Reads the cells, evaluates, writes the cells, and logs all of it. A place in escrow is seen as it was before the
    /// batch, and changed by a sum of this worker's own.
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
        self.look(id, view, shape);
        let after = self.evaluator.execute(view, &self.seen).map_err(fail)?;
        for slot in shape.written_slots.iter().map(|slot| usize::from(*slot)) {
            let Some(place) = view.group.places[slot].get(view.row) else {
                continue;
            };
            let (old, new) = (self.seen[slot], after[slot]);
            let escrow = shared.in_escrow(*place);
            self.log
                .written
                .push(if escrow { new.saturating_sub(old) } else { new });
            if shared.faults.loses_writes(id.0) {
                continue;
            }
            if escrow {
                let delta = new.saturating_sub(old);
                let times = if shared.faults.doubles(id.0) { 2 } else { 1 };
                for _ in 0..times {
                    let sum = &mut self.log.deltas[place.0 as usize];
                    *sum = sum.checked_add(delta).ok_or(Failure::Malformed).map_err(fail)?;
                }
            } else {
                shared.cells[place.0 as usize].write(new, self.versions[slot].wrapping_add(1));
            }
            if let Some(asset) = shared.supply.asset(*place).filter(|_| new > old) {
                let sum = &mut self.log.inflow[asset];
                *sum = sum.saturating_add(new.saturating_sub(old));
            }
        }
        self.log.sequence.push(id.0);
        Ok(())
    }

    /// Reads what a transaction sees, and logs it.
    fn look(&mut self, id: TransactionId, view: TransactionView<'_>, shape: &Shape) {
        let shared = self.shared;
        self.seen.clear();
        self.versions.clear();
        for (slot, column) in view.group.places.iter().enumerate() {
            let place = column.get(view.row).filter(|_| shape.touches(slot));
            let escrow = place.is_some_and(|place| shared.in_escrow(*place));
            let (value, version) = match place {
                Some(place) if escrow || shared.unlogged || shared.faults.sees_stale(id.0) => {
                    (shared.snapshot[place.0 as usize], 0)
                }
                Some(place) => shared.cells[place.0 as usize].read(),
                None => (0, 0),
            };
            self.seen.push(value);
            self.versions.push(version);
            if !shared.unlogged {
                self.log.seen.push(if escrow { 0 } else { value });
                self.log.versions.push(version);
            }
        }
    }
}
