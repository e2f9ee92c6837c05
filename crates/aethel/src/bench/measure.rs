//! Measures one batch: aethel with each number of threads and its baselines, in turns, so that whatever else the machine
//! does concerns all of them alike.

use super::BenchOptions;
use super::engine::{Balances, Engine};
use super::floor::FloorFile;
use super::machine::{Memory, cores};
use super::plain::Plain;
use super::scratch::Scratch;
use super::single::{improvement, one_by_one};
use super::subject::Subject;
use crate::ledger::DEFAULT_LEDGER;
use aethel_ir::{Code, Diagnostic};
use aethel_ledger::{LedgerStore, MemoryStore};
use aethel_report::bench::model::{Floor, Line, Locks, Singles, Store, Timing};
use aethel_report::bench::units::per_second;
use aethel_runtime::BatchResult;
use std::path::Path;
use std::time::{Duration, Instant};

/// A loop that is done sooner is repeated until it takes so long: clocks have a grain.
const LOOP: Duration = Duration::from_micros(20);

/// The plain loop of a batch and the balances that it begins with.
struct Loop<'a> {
    plain: &'a Plain,
    before: Vec<i64>,
    balances: Vec<i64>,
    /// How often it is run in a row.
    rounds: u32,
}

impl<'a> Loop<'a> {
    /// The loop, when it ends in the balances of the engine's run; `None` when there is none for this batch.
    fn new(subject: &'a Subject, result: &BatchResult) -> Result<Option<Loop<'a>>, Diagnostic> {
        let Some(plain) = &subject.plain else {
            return Ok(None);
        };
        let ours = Balances::of(subject, result);
        let Some(before) = ours.before(subject.lowered.batch.places.len()) else {
            return Ok(None);
        };
        let mut balances = before.clone();
        let same = plain.serial(&mut balances) && ours.ended_in(&balances);
        if !same {
            // A program of the user's may do something else than its shape lets guess; then there is no loop for it.
            return if subject.repeatable {
                Err(disagree(subject, "the serial loop"))
            } else {
                Ok(None)
            };
        }
        let begun = Instant::now();
        let again = subject.repeatable && plain.serial(&mut balances);
        let once = begun.elapsed().max(Duration::from_nanos(1));
        let rounds = if again {
            LOOP.as_nanos().div_ceil(once.as_nanos()).min(10_000)
        } else {
            1
        };
        Ok(Some(Loop {
            plain,
            before,
            balances,
            rounds: u32::try_from(rounds).unwrap_or(1),
        }))
    }

    /// The time of one run, in nanoseconds.
    fn time(&mut self) -> u64 {
        self.balances.clone_from(&self.before);
        let begun = Instant::now();
        for _ in 0..self.rounds {
            self.plain.serial(&mut self.balances);
        }
        let took = begun.elapsed() / self.rounds;
        u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The time of the engine with locks, when it did not get stuck.
    fn locked(&mut self, subject: &Subject, threads: u32) -> Result<Option<u64>, Diagnostic> {
        let Some((balances, took)) = self.plain.locked(&self.before, threads) else {
            return Ok(None);
        };
        self.balances.clone_from(&self.before);
        self.plain.serial(&mut self.balances);
        if self.balances != balances {
            return Err(disagree(subject, "the engine with locks"));
        }
        Ok(Some(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)))
    }
}

fn disagree(subject: &Subject, who: &str) -> Diagnostic {
    let message = format!(
        "{who} and aethel end in different balances for `{}`",
        subject.name
    );
    Diagnostic::new(Code::AE0601, message)
        .help("no figures are shown for runs that do not do the same; please report this")
}

/// Samples of one line.
struct Samples {
    engine: Engine,
    last: Option<BatchResult>,
    locks: Option<Vec<u64>>,
    memory: Option<(u64, u64)>,
}

impl Samples {
    fn lock_threads(&self) -> u32 {
        self.engine.threads.unwrap_or_else(cores)
    }
}

/// Measures a batch on one kind of ledger; a line for each number of threads.
///
/// # Errors
/// Why a run failed, or that a baseline ended in other balances.
pub fn measure(subject: &Subject, store: Store, options: &BenchOptions) -> Result<Vec<Line>, Diagnostic> {
    let mut rig = Rig::new(subject, store)?;
    let mut all: Vec<Samples> = Vec::new();
    for threads in &options.threads {
        let engine = Engine::new(*threads, &options.cancel);
        // The first run also proves the lemmas, which is not measured here, and shows what memory it takes.
        let memory = Memory::watch();
        let result = rig.run(&engine)?;
        let memory = memory.and_then(Memory::peak);
        all.push(Samples {
            engine,
            last: Some(result),
            locks: Some(Vec::new()),
            memory,
        });
    }
    let first = all.first().and_then(|samples| samples.last.as_ref());
    let mut plain = match first {
        Some(result) => Loop::new(subject, result)?,
        None => None,
    };
    rig.floor()?;
    let (mut loops, mut floors, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    let (least, most) = options.repeats(store, subject.lowered.batch.len());
    let begun = Instant::now();
    for round in 0..most {
        if round >= least && begun.elapsed() > options.patience() {
            break;
        }
        let looped = plain.as_mut().map(Loop::time);
        loops.extend(looped);
        if let (Some(file), Some(looped)) = (&mut rig.floor, looped) {
            let sync = file.write()?;
            syncs.push(sync);
            floors.push(looped.saturating_add(sync));
        }
        for samples in &mut all {
            samples.last = None;
            let result = rig.run(&samples.engine)?;
            samples.engine.record(&result);
            samples.last = Some(result);
            if let (Store::Memory, Some(locks), Some(plain)) = (store, &mut samples.locks, &mut plain) {
                match plain.locked(subject, samples.engine.threads.unwrap_or_else(cores))? {
                    Some(time) => locks.push(time),
                    None => samples.locks = None,
                }
            }
        }
    }
    let singles = match all.first() {
        Some(samples) => Some(rig.singles(&samples.engine, options)?),
        None => None,
    };
    for samples in &all {
        confirm(subject, samples)?;
    }
    let floor = (!floors.is_empty()).then(|| Floor {
        bytes: rig.bytes,
        time: Timing::of(&floors),
        sync: Timing::of(&syncs),
    });
    let serial_loop = (!loops.is_empty()).then(|| Timing::of(&loops));
    let mut lines: Vec<Line> = all
        .into_iter()
        .map(|samples| line(subject, store, samples, serial_loop, floor, singles))
        .collect();
    speed_up(&mut lines);
    Ok(lines)
}

/// The last run, too, must have ended where the loop ends.
fn confirm(subject: &Subject, samples: &Samples) -> Result<(), Diagnostic> {
    match &samples.last {
        Some(result) => Loop::new(subject, result).map(drop),
        None => Ok(()),
    }
}

fn line(
    subject: &Subject,
    store: Store,
    mut samples: Samples,
    serial_loop: Option<Timing>,
    floor: Option<Floor>,
    singles: Option<Singles>,
) -> Line {
    let times = samples.engine.times();
    let count = subject.lowered.batch.len() as u64;
    let threads = samples.lock_threads();
    let conflicts = samples.last.as_ref().and_then(|result| result.conflicts.as_ref());
    Line {
        transactions: count,
        places: subject.lowered.batch.places.len() as u64,
        threads: samples.engine.threads,
        threads_used: samples
            .last
            .as_ref()
            .map_or(0, |result| result.thread_count as u64),
        store,
        per_second: per_second(count, times.through_five.min),
        per_second_whole: per_second(count, times.whole.min),
        throughput_improvement: singles.and_then(|singles| improvement(&singles, times.whole.p50)),
        stages: times.stages,
        between: times.between,
        through_five: times.through_five,
        whole: times.whole,
        serial_loop,
        locks: samples
            .locks
            .filter(|locks| !locks.is_empty())
            .map(|locks| Locks {
                threads,
                time: Timing::of(&locks),
            }),
        floor,
        peak_bytes: samples.memory.map(|(peak, _)| peak),
        grown_bytes: samples.memory.map(|(_, grown)| grown),
        parallel_speedup: None,
        singles,
        edges: conflicts.map_or(0, |conflicts| conflicts.edges as u64),
        depth: conflicts.map_or(0, |conflicts| conflicts.depth as u64),
    }
}

/// Stage 3 on one thread over stage 3 of each line.
#[allow(clippy::float_arithmetic, reason = "a metric about time, not money")]
fn speed_up(lines: &mut [Line]) {
    let one = lines.iter().find(|line| line.threads == Some(1));
    let Some(one) = one.and_then(|line| line.stage(3)).map(|time| time.min) else {
        return;
    };
    for line in lines {
        let here = line.stage(3).map(|time| time.min);
        line.parallel_speedup = here.map(|here| one as f64 / here.max(1) as f64);
    }
}

/// Where the default ledger would be, so that the disk is the same.
fn below_default() -> &'static Path {
    Path::new(DEFAULT_LEDGER).parent().unwrap_or(Path::new("."))
}

/// The ledger that a batch runs on.
struct Rig<'a> {
    subject: &'a Subject,
    memory: Option<MemoryStore<'static>>,
    scratch: Option<Scratch>,
    floor: Option<FloorFile>,
    bytes: u64,
}

impl<'a> Rig<'a> {
    fn new(subject: &'a Subject, store: Store) -> Result<Rig<'a>, Diagnostic> {
        let (memory, scratch) = match store {
            Store::Memory => (Some(subject.memory()?), None),
            Store::Redb => (
                None,
                Some(Scratch::new(below_default(), subject.opening.clone())?),
            ),
        };
        Ok(Rig {
            subject,
            memory,
            scratch,
            floor: None,
            bytes: 0,
        })
    }

    /// Runs the batch: in memory without changing the ledger, on the disk for good.
    fn run(&mut self, engine: &Engine) -> Result<BatchResult, Diagnostic> {
        match (&mut self.memory, &mut self.scratch) {
            (Some(memory), _) => engine.run(self.subject, memory, true),
            (None, Some(scratch)) => {
                let store = scratch.next(self.subject.repeatable)?;
                let result = engine.run(self.subject, store, false)?;
                self.bytes = store
                    .row(store.head().sequence)
                    .map_err(|error| error.to_diagnostic())?
                    .map_or(0, |row| row.len() as u64);
                // As after `aethel run`: not before the answer, so it is in no figure.
                if store.checkpoint_due() {
                    store.checkpoint().map_err(|error| error.to_diagnostic())?;
                }
                Ok(result)
            }
            (None, None) => Err(Diagnostic::new(Code::AE0901, "there is no ledger to measure on")),
        }
    }

    /// Makes the file of the floor, for as many bytes as the batch takes in the ledger.
    fn floor(&mut self) -> Result<(), Diagnostic> {
        if let Some(scratch) = &self.scratch {
            let bytes = usize::try_from(self.bytes).unwrap_or(usize::MAX);
            self.floor = Some(FloorFile::new(scratch.directory(), bytes)?);
        }
        Ok(())
    }

    /// The same transactions one by one.
    fn singles(&mut self, engine: &Engine, options: &BenchOptions) -> Result<Singles, Diagnostic> {
        let mut request = self.subject.request();
        request.cancel = Some(&options.cancel);
        let patience = options.patience() / 2;
        match (&mut self.memory, &mut self.scratch) {
            (Some(memory), _) => {
                let mut copy = MemoryStore::snapshot_of(memory);
                one_by_one(engine.processor(), &mut copy, &request, patience)
            }
            (None, Some(scratch)) => {
                let store = scratch.next(self.subject.repeatable)?;
                one_by_one(engine.processor(), store, &request, patience)
            }
            (None, None) => Ok(Singles::default()),
        }
    }
}
