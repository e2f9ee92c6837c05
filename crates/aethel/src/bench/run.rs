//! `aethel run --measure`: what the batch and its threads brought, measured on copies of the ledger's state.

use super::opening::Opening;
use super::scratch::Scratch;
use super::single::{baseline, improvement, one_by_one};
use crate::ledger::{LedgerPath, random};
use aethel_ir::{Diagnostic, Severity};
use aethel_ledger::{BatchKey, LedgerId, LedgerStore, MemoryStore};
use aethel_runtime::{BatchProcessor, BatchRequest, BatchResult, ProcessorOptions, SystemClock};
use std::sync::Arc;
use std::time::Duration;

/// How long single transactions are run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// How often stage 3 is run with each number of threads; the fastest counts.
const ROUNDS: u32 = 5;

/// A batch and the state in which it runs, kept for afterwards.
pub(crate) struct Measuring<'a> {
    request: BatchRequest<'a>,
    opening: Opening,
}

impl<'a> Measuring<'a> {
    /// Keeps what there is before the batch runs.
    ///
    /// # Errors
    /// What the store says.
    pub fn before(store: &dyn LedgerStore, request: &BatchRequest<'a>) -> Result<Self, Diagnostic> {
        let opening = Opening::before(store, request)?;
        let mut request = request.clone();
        request.openings.balances.clear();
        request.dry_run = false;
        Ok(Self { request, opening })
    }

    /// Fills in what only a measurement can say; gives a note about what could not be measured. A batch that was not
    /// executed now has nothing to measure.
    pub fn fill(
        mut self,
        ledger: &LedgerPath,
        options: &ProcessorOptions,
        result: &mut BatchResult,
    ) -> Option<Diagnostic> {
        if !result.success || result.transactions_executed == 0 {
            return None;
        }
        let measured = self
            .improvement(ledger, options, result)
            .and_then(|()| self.speed_up(options, result));
        measured.err().map(|mut problem| {
            problem.message = format!("not everything could be measured: {}", problem.message);
            problem.severity = Severity::Note;
            problem
        })
    }

    /// The same transactions one by one on a scratch ledger of the same kind on the same disk.
    #[allow(clippy::float_arithmetic, reason = "a metric about time, not money")]
    fn improvement(
        &mut self,
        ledger: &LedgerPath,
        options: &ProcessorOptions,
        result: &mut BatchResult,
    ) -> Result<(), Diagnostic> {
        let mut scratch = Scratch::beside(ledger, self.opening.clone())?;
        let processor = BatchProcessor::new(options.clone(), Arc::new(SystemClock::default()));
        let singles = one_by_one(&processor, scratch.next(true)?, &self.request, PATIENCE)?;
        let batch = (result.execution_time * 1e9) as u64;
        result.throughput_improvement = improvement(&singles, batch);
        result.throughput_baseline = Some(baseline(&singles));
        Ok(())
    }

    /// Stage 3 with one thread over stage 3 as it was asked for, on a ledger in memory.
    #[allow(clippy::float_arithmetic, reason = "a metric about time, not money")]
    fn speed_up(&mut self, options: &ProcessorOptions, result: &mut BatchResult) -> Result<(), Diagnostic> {
        let mut store = MemoryStore::new(LedgerId(random()?));
        self.opening.commit(&mut store)?;
        self.request.dry_run = true;
        let one = ProcessorOptions {
            threads: Some(1),
            ..options.clone()
        };
        let processors = [one, options.clone()]
            .map(|options| BatchProcessor::new(options, Arc::new(SystemClock::default())));
        let mut best = [u64::MAX; 2];
        // The first round also proves lemmas; taking turns, both suffer the same from whatever else runs.
        for _ in 0..ROUNDS {
            for (processor, best) in processors.iter().zip(&mut best) {
                self.request.key = Some(BatchKey::Unique(random()?));
                let run = processor.execute_batch(&mut store, self.request.clone());
                if let Some(problem) = run.diagnostic {
                    return Err(*problem);
                }
                let stage = run.stages.iter().find(|stage| stage.number == 3);
                *best = (*best).min(stage.map_or(u64::MAX, |stage| stage.duration_ns));
            }
        }
        result.parallel_speedup = Some(best[0] as f64 / best[1].max(1) as f64);
        Ok(())
    }
}
