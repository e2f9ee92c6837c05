//! Batches in which nothing needs an order and every intent is made of sums, as loops over columns.
//!
//! By T3 every bound holds in every order, so each change is computed from its own arguments and added to a sum; what is left
//! to test are conditions on arguments and on places that nobody writes. Rows are taken in chunks; each worker has sums of
//! its own. Where a condition does not hold or a number does not fit there is no trace: the serial run then says which
//! transaction it was.

use super::trace::{Chunk, ThreadChoice, Trace};
use super::{ExecutionError, ExecutionOptions};
use crate::clock::{Stop, Watch};
use crate::conflict_detector::Plan;
use crate::serial::Run;
use crate::supply::Supply;
use aethel_certificate::Workers;
use aethel_ir::access::columns::{Block, Columns, Room};
use aethel_ir::batch::Stretch;
use aethel_ir::{
    Access, Amounts, Batch, Column, Field, Group, Lane, MAX_MINOR_UNITS, PlaceId, Signs, TransactionId,
};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// The most rows of a chunk: a few dozen microseconds.
const LONGEST_CHUNK: u32 = 1 << 13;

/// Whether a batch can be run this way.
pub(super) fn applies(batch: &Batch, plan: &Plan<'_>) -> bool {
    let linear = |group: &Group| plan.access.get(group.intent as usize).is_some_and(is_linear);
    plan.unlogged() && batch.groups.iter().all(linear)
}

fn is_linear(access: &Access) -> bool {
    access.linear.is_some()
}

/// Runs a batch that [`applies`]. `None` when the serial run has to decide.
pub(super) fn run(
    batch: &Batch,
    plan: &Plan<'_>,
    snapshot: &[i128],
    options: &ExecutionOptions,
    choice: ThreadChoice,
    workers: &dyn Workers,
    watch: &Watch<'_>,
) -> Result<Option<Trace>, ExecutionError> {
    let shared = Shared {
        batch,
        plan,
        snapshot,
        watch,
        workers,
        started_ns: watch.now_ns(),
        counts_inflow: !supply_surely_holds(plan, options),
    };
    if let Some(done) = shared.run::<i64>(choice)? {
        return Ok(shared.trace(done, options, choice));
    }
    let done = shared.run::<i128>(choice)?;
    Ok(done.and_then(|done| shared.trace(done, options, choice)))
}

/// Whether everything that is held and credited anywhere, of whatever asset, fits into the range of one.
fn supply_surely_holds(plan: &Plan<'_>, options: &ExecutionOptions) -> bool {
    let elsewhere = options.supply_elsewhere.iter().map(|held| (*held).max(0));
    let most = plan.settlement.most();
    most.is_some_and(|most| elsewhere.fold(most, i128::saturating_add) <= MAX_MINOR_UNITS)
}

/// Rows to run, and where their changes are logged.
struct Work<'w, N> {
    stretch: Stretch,
    /// The position of the first row in batch order.
    position: u32,
    /// `None` where they follow those of the chunk before.
    written: Option<&'w mut [N]>,
}

/// What the workers share.
struct Shared<'a> {
    batch: &'a Batch,
    plan: &'a Plan<'a>,
    snapshot: &'a [i128],
    watch: &'a Watch<'a>,
    workers: &'a dyn Workers,
    started_ns: u64,
    /// The plan does not say already that the supply of no asset can leave its range.
    counts_inflow: bool,
}

/// What one worker did.
struct Done<N> {
    /// For each place, the sum of the changes.
    deltas: Vec<N>,
    /// Per asset, what flowed into balances; saturating.
    inflow: Vec<i128>,
    chunks: Vec<Chunk>,
    /// The log, where one worker writes it from the first to the last.
    written: Vec<N>,
}

/// How a worker ended.
type Outcome<N> = Result<Done<N>, Halt>;

/// Everything that was done.
struct All<N> {
    parts: Vec<Done<N>>,
    written: Vec<N>,
}

/// Why a worker stops early.
enum Halt {
    /// The serial run has to decide.
    Unclear,
    Stopped(Stop),
}

impl<'a> Shared<'a> {
    fn run<N: Lane>(&self, choice: ThreadChoice) -> Result<Option<All<N>>, ExecutionError> {
        // `after` is kept by running one after the other: nothing is faster than a hand-off here.
        let workers = match self.plan.graph.items.waits.is_empty() {
            true => choice.workers(),
            false => 1,
        };
        let total = self.plan.graph.layout.total_writes();
        // One worker in source order writes its log from the first to the last; others need all of it before.
        let in_turn = workers == 1 && self.plan.graph.items.waits.is_empty();
        let mut written = match in_turn {
            true => Vec::new(),
            false => vec![N::default(); total],
        };
        let Some(work) = self.share_out((!in_turn).then_some(&mut written), workers) else {
            return Ok(None);
        };
        let queue = Mutex::new(work.into_iter());
        let halted = AtomicBool::new(false);
        let parts: Vec<Mutex<Option<Outcome<N>>>> = (0..workers).map(|_| Mutex::new(None)).collect();
        let hand = |index: usize| {
            let Some(slot) = parts.get(index) else { return };
            let mut hand = Hand {
                shared: self,
                index: index as u32,
                limit: self.limit(),
                done: Done {
                    deltas: vec![N::default(); self.batch.places.len()],
                    inflow: vec![0; self.batch.assets.len()],
                    chunks: Vec::new(),
                    written: Vec::with_capacity(if in_turn { total } else { 0 }),
                },
                columns: None,
            };
            let next = || queue.lock().ok().and_then(|mut queue| queue.next());
            let mut outcome = Ok(());
            while let (false, Some(work)) = (halted.load(Ordering::Relaxed), next()) {
                outcome = hand.chunk(work);
                if outcome.is_err() {
                    halted.store(true, Ordering::Relaxed);
                    break;
                }
            }
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(outcome.map(|()| hand.done));
            }
        };
        if workers == 1 {
            hand(0);
        } else {
            self.workers.run(&hand);
        }
        let mut all = Vec::with_capacity(parts.len());
        let mut unclear = false;
        for part in parts {
            match part.into_inner().ok().flatten() {
                Some(Ok(done)) => all.push(done),
                Some(Err(Halt::Stopped(stop))) => return Err(ExecutionError::Stopped(stop)),
                Some(Err(Halt::Unclear)) => unclear = true,
                // A team smaller than was asked for.
                None => {}
            }
        }
        drop(queue);
        if let (true, [only]) = (in_turn, all.as_mut_slice()) {
            written = std::mem::take(&mut only.written);
        }
        Ok((!unclear).then_some(All { parts: all, written }))
    }

    /// Cuts the batch into chunks in batch order, each with its part of the log.
    fn share_out<'w, N>(&self, written: Option<&'w mut Vec<N>>, workers: u32) -> Option<Vec<Work<'w, N>>> {
        let (batch, layout) = (self.batch, &self.plan.graph.layout);
        let longest = match workers {
            1 => LONGEST_CHUNK,
            _ => (batch.len() as u32 / (workers * 4)).clamp(1, LONGEST_CHUNK),
        };
        // With `after`, a chunk must lie within one item.
        let items = &self.plan.graph.items;
        let ranges: Vec<Range<usize>> = match items.waits.is_empty() {
            true => std::iter::once(0..batch.len()).collect(),
            false => (batch.items.iter())
                .map(|item| item.first as usize..item.first as usize + item.count as usize)
                .collect(),
        };
        let mut work = Vec::new();
        let mut rest = written.map(Vec::as_mut_slice);
        // Logs lie in source order.
        for mut stretch in ranges.into_iter().flat_map(|range| batch.stretches(range)) {
            while stretch.count > 0 {
                let count = stretch.count.min(longest);
                let each = layout.writes(TransactionId(stretch.first)).len();
                let own = match rest.take() {
                    Some(all) => {
                        let (own, after) = all.split_at_mut_checked(each * count as usize)?;
                        rest = Some(after);
                        Some(own)
                    }
                    None => None,
                };
                work.push(Work {
                    stretch: Stretch { count, ..stretch },
                    position: *self.plan.graph.positions.get(stretch.first as usize)?,
                    written: own,
                });
                stretch.first += count;
                stretch.row += count;
                stretch.count -= count;
            }
        }
        work.sort_by_key(|work| work.position);
        Some(work)
    }

    /// So large may a change be that all changes of a place fit into their sum.
    fn limit<N: Lane>(&self) -> N {
        N::limit(self.plan.graph.layout.total_writes() as u64 + 1)
    }

    /// `None` when a sum leaves its range, which no proved plan does, or the supply may have on the way.
    fn trace<N: Lane>(&self, all: All<N>, options: &ExecutionOptions, choice: ThreadChoice) -> Option<Trace>
    where
        Amounts: From<Vec<N>>,
    {
        if self.counts_inflow {
            let mut inflow = vec![0_i128; self.batch.assets.len()];
            for part in &all.parts {
                for (sum, more) in inflow.iter_mut().zip(&part.inflow) {
                    *sum = sum.saturating_add(*more);
                }
            }
            if !Supply::surely_holds(self.batch, self.snapshot, &options.supply_elsewhere, &inflow) {
                return None;
            }
        }
        let (first, others) = all.parts.split_first()?;
        let mut too_wide = false;
        let mut add = |value: i128, delta: &N| {
            let (sum, wide) = value.overflowing_add(delta.wide());
            too_wide |= wide;
            sum
        };
        let firsts = self.snapshot.iter().zip(&first.deltas);
        let mut values: Vec<i128> = firsts.map(|(value, delta)| add(*value, delta)).collect();
        for part in others {
            for (value, delta) in values.iter_mut().zip(&part.deltas) {
                *value = add(*value, delta);
            }
        }
        if too_wide {
            return None;
        }
        let run = Run {
            final_values: values,
            escrow: self.plan.settlement.escrow(),
            written: all.written.into(),
            ..Run::default()
        };
        let mut chunks: Vec<Chunk> = all.parts.into_iter().flat_map(|part| part.chunks).collect();
        chunks.sort_by_key(|chunk| (chunk.start_ns, chunk.thread));
        Some(Trace {
            run,
            sequence: self.plan.graph.order.iter().map(|id| id.0).collect(),
            chunks,
            choice,
            wall_ns: self.watch.now_ns().saturating_sub(self.started_ns),
        })
    }
}

/// One worker.
struct Hand<'s, 'a, N> {
    shared: &'s Shared<'a>,
    index: u32,
    limit: N,
    done: Done<N>,
    /// The group at hand.
    columns: Option<Compiled<'a, N>>,
}

struct Compiled<'a, N> {
    group: u32,
    columns: Columns<'a, N>,
    room: Room<N>,
    /// For each written slot, the asset whose balance it is.
    assets: Vec<Option<usize>>,
}

impl<'a, N: Lane> Hand<'_, 'a, N> {
    fn chunk(&mut self, work: Work<'_, N>) -> Result<(), Halt> {
        let watch = self.shared.watch;
        watch.check().map_err(Halt::Stopped)?;
        let started_ns = watch.now_ns();
        let Work {
            stretch,
            position,
            written,
        } = work;
        if self
            .columns
            .as_ref()
            .is_none_or(|known| known.group != stretch.group)
        {
            self.columns = Some(self.compile(stretch.group).ok_or(Halt::Unclear)?);
        }
        let compiled = self.columns.as_mut().ok_or(Halt::Unclear)?;
        let rows = stretch.row as usize..(stretch.row + stretch.count) as usize;
        let all = rows_of(compiled, rows, self.shared, written, &mut self.done);
        if all != Some(true) {
            return Err(Halt::Unclear);
        }
        let since = |ns: u64| ns.saturating_sub(self.shared.started_ns);
        self.done.chunks.push(Chunk {
            thread: self.index,
            start_ns: since(started_ns),
            end_ns: since(watch.now_ns()),
            first: position,
            count: stretch.count,
        });
        watch.count(stretch.count as usize);
        Ok(())
    }

    fn compile(&self, group: u32) -> Option<Compiled<'a, N>> {
        let Shared {
            batch,
            plan,
            snapshot,
            ..
        } = *self.shared;
        let of = batch.groups.get(group as usize)?;
        let intent = batch.intents.get(of.intent as usize)?;
        let linear = plan.access.get(of.intent as usize)?.linear.as_ref()?;
        let columns = Columns::new(batch, intent, of, linear, snapshot, self.limit)?;
        let shape = plan.graph.layout.shapes.get(of.intent as usize)?;
        let asset = |slot: &u16| {
            let place = intent.places.get(usize::from(*slot))?;
            match batch.fields.get(usize::from(place.field.0))? {
                Field::Balance(asset) => Some(usize::from(asset.0)),
                Field::Integer(_) | Field::Bool(_) => None,
            }
        };
        Some(Compiled {
            group,
            room: columns.room(),
            columns,
            assets: shape.written_slots.iter().map(asset).collect(),
        })
    }
}

/// Runs rows of a group. Gives whether all of them go through; `None` when a number does not fit.
fn rows_of<N: Lane>(
    compiled: &mut Compiled<'_, N>,
    rows: Range<usize>,
    shared: &Shared<'_>,
    mut written: Option<&mut [N]>,
    done: &mut Done<N>,
) -> Option<bool> {
    let Compiled {
        columns,
        room,
        assets,
        ..
    } = compiled;
    let each = columns.written();
    let first = rows.start;
    for block in Block::of(rows) {
        let mut holds = columns.compute(block, room)?;
        // T3 speaks of written places. On others a bound must hold now; on written ones it then does anyway.
        columns.bounds(block, room, |place, least, _| {
            holds &= *shared.snapshot.get(place.0 as usize)? >= least.wide();
            Some(())
        })?;
        if !holds {
            return Some(false);
        }
        let count = block.count() * each;
        let log = match &mut written {
            Some(log) => log.get_mut((block.first() - first) * each..)?,
            None => {
                let before = done.written.len();
                done.written.resize(before + count, N::default());
                done.written.get_mut(before..)?
            }
        };
        log_changes(columns, block, room, log.get_mut(..count)?)?;
        for (nth, asset) in assets.iter().enumerate() {
            let deltas = columns.deltas(block, nth, room)?;
            if shared.counts_inflow
                && let Some(sum) = asset.and_then(|asset| done.inflow.get_mut(asset))
            {
                let gained = gained(deltas, columns.signs(block, nth, room)?)?;
                *sum = sum.saturating_add(gained.wide());
            }
            match columns.places(nth)? {
                Column::Same(place) => {
                    let sum = done.deltas.get_mut(place.0 as usize)?;
                    let (total, wide) = sum.add_up(total(deltas.iter().copied())?);
                    *sum = (!wide).then_some(total)?;
                }
                Column::Each(places) => add_up(&mut done.deltas, block.part(places)?, deltas)?,
            }
        }
    }
    Some(true)
}

/// Writes down the changes of a block, row by row.
#[inline(always)]
fn log_changes<N: Lane>(columns: &Columns<'_, N>, block: Block, room: &Room<N>, log: &mut [N]) -> Option<()> {
    if let (2, (rows, _)) = (columns.written(), log.as_chunks_mut::<2>()) {
        // The commonest by far, in one pass.
        let (first, second) = (columns.deltas(block, 0, room)?, columns.deltas(block, 1, room)?);
        for (row, (first, second)) in rows.iter_mut().zip(first.iter().zip(second)) {
            *row = [*first, *second];
        }
        return Some(());
    }
    for nth in 0..columns.written() {
        let deltas = columns.deltas(block, nth, room)?;
        for (row, delta) in log.chunks_exact_mut(columns.written()).zip(deltas) {
            *row.get_mut(nth)? = *delta;
        }
    }
    Some(())
}

/// What flows in; `None` when the sum does not fit.
#[inline(always)]
fn gained<N: Lane>(deltas: &[N], signs: Signs) -> Option<N> {
    match signs {
        Signs::AllNegative => Some(N::default()),
        Signs::AllPositive => total(deltas.iter().copied()),
        Signs::Mixed => total(deltas.iter().map(|delta| (*delta).max(N::default()))),
    }
}

/// The sum; `None` when it does not fit on the way.
#[inline(always)]
fn total<N: Lane>(numbers: impl Iterator<Item = N>) -> Option<N> {
    let (mut total, mut too_wide) = (N::default(), false);
    for number in numbers {
        let (sum, wide) = total.add_up(number);
        total = sum;
        too_wide |= wide;
    }
    (!too_wide).then_some(total)
}

/// Adds changes to the sums of their places; `None` when one does not fit.
#[inline(always)]
fn add_up<N: Lane>(sums: &mut [N], places: &[PlaceId], deltas: &[N]) -> Option<()> {
    let mut too_wide = false;
    for (place, delta) in places.iter().zip(deltas) {
        let sum = sums.get_mut(place.0 as usize)?;
        let (total, wide) = sum.add_up(*delta);
        *sum = total;
        too_wide |= wide;
    }
    (!too_wide).then_some(())
}
