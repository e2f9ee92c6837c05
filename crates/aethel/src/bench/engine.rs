//! Runs a batch through the six stages and takes its times.

use super::subject::Subject;
use crate::ledger::random;
use crate::run::processor_options;
use aethel_ir::Diagnostic;
use aethel_ledger::{BatchKey, LedgerStore};
use aethel_report::bench::model::{Stage, Timing};
use aethel_runtime::{BatchProcessor, BatchResult, SystemClock};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The limit for one batch.
const LIMIT: Duration = Duration::from_secs(300);

/// A processor as `aethel run` makes it, and the times of what it ran.
pub struct Engine {
    /// Threads asked for; `None` lets it decide.
    pub threads: Option<u32>,
    processor: BatchProcessor,
    cancel: Arc<AtomicBool>,
    /// For each stage its number, its name, and its samples in nanoseconds.
    stages: Vec<(u8, &'static str, Vec<u64>)>,
    between: Vec<u64>,
    through_five: Vec<u64>,
    whole: Vec<u64>,
}

/// Times of an engine.
pub struct Times {
    /// Of each stage.
    pub stages: Vec<Stage>,
    /// Of what lies between them.
    pub between: Timing,
    /// Of stages 1 to 5.
    pub through_five: Timing,
    /// Of all.
    pub whole: Timing,
}

impl Engine {
    /// An engine with so many threads that stops when `cancel` is set.
    pub fn new(threads: Option<u32>, cancel: &Arc<AtomicBool>) -> Engine {
        let options = processor_options(threads, Some(LIMIT));
        Engine {
            threads,
            cancel: Arc::clone(cancel),
            processor: BatchProcessor::new(options, Arc::new(SystemClock::default())),
            stages: Vec::new(),
            between: Vec::new(),
            through_five: Vec::new(),
            whole: Vec::new(),
        }
    }

    /// The processor itself.
    pub fn processor(&self) -> &BatchProcessor {
        &self.processor
    }

    /// Runs the batch without taking its times. A dry run leaves the ledger as it is; otherwise each run is a batch of
    /// its own.
    ///
    /// # Errors
    /// Why it was not committed.
    pub fn run(
        &self,
        subject: &Subject,
        store: &mut dyn LedgerStore,
        dry_run: bool,
    ) -> Result<BatchResult, Diagnostic> {
        let mut request = subject.request();
        request.dry_run = dry_run;
        request.cancel = Some(&self.cancel);
        request.key = Some(BatchKey::Unique(random()?));
        let mut result = self.processor.execute_batch(store, request);
        match result.diagnostic.take() {
            Some(diagnostic) => Err(*diagnostic),
            None => Ok(result),
        }
    }

    /// Takes the times of a run.
    pub fn record(&mut self, result: &BatchResult) {
        let whole = nanoseconds(result.execution_time);
        let (mut all, mut five) = (0, 0);
        for (index, stage) in result.stages.iter().enumerate() {
            if self.stages.len() <= index {
                self.stages.push((stage.number, stage.name, Vec::new()));
            }
            self.stages[index].2.push(stage.duration_ns);
            all += stage.duration_ns;
            five += if stage.number < 6 { stage.duration_ns } else { 0 };
        }
        self.between.push(whole.saturating_sub(all));
        self.through_five.push(five);
        self.whole.push(whole);
    }

    /// Sums up what was recorded, and begins anew.
    pub fn times(&mut self) -> Times {
        let stages = std::mem::take(&mut self.stages)
            .into_iter()
            .map(|(number, name, samples)| Stage {
                number,
                name: name.to_owned(),
                time: Timing::of(&samples),
            });
        let sum = |samples: &mut Vec<u64>| Timing::of(&std::mem::take(samples));
        Times {
            stages: stages.collect(),
            between: sum(&mut self.between),
            through_five: sum(&mut self.through_five),
            whole: sum(&mut self.whole),
        }
    }
}

#[allow(clippy::float_arithmetic, reason = "a metric about time, not money")]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// What a run left in the places that it wrote, by the numbers of the places, before and after, in minor units.
pub struct Balances {
    /// The number of each written place, and what it held before and after.
    pub written: Vec<(usize, i128, i128)>,
}

impl Balances {
    /// Reads them from a result.
    pub fn of(subject: &Subject, result: &BatchResult) -> Balances {
        let batch = &subject.lowered.batch;
        let mut numbers: HashMap<(&str, Option<&str>), usize> = HashMap::with_capacity(batch.places.len());
        for (index, place) in (0_u32..)
            .map(aethel_ir::PlaceId)
            .take(batch.places.len())
            .enumerate()
        {
            let Some(account) = batch.account_of(place) else {
                continue;
            };
            let asset = batch
                .asset_of(place)
                .and_then(|asset| batch.assets.get(usize::from(asset.0)));
            numbers.insert((account.as_str(), asset.map(|asset| &*asset.name)), index);
        }
        let written = result.balances.iter().filter_map(|change| {
            let number = numbers.get(&(change.account, change.asset().map(|asset| &*asset.name)))?;
            Some((*number, change.before, change.after))
        });
        Balances {
            written: written.collect(),
        }
    }

    /// The balances before, one for each place; `None` when one does not fit into 64 bits.
    pub fn before(&self, places: usize) -> Option<Vec<i64>> {
        let mut before = vec![0; places];
        for (number, value, _) in &self.written {
            *before.get_mut(*number)? = i64::try_from(*value).ok()?;
        }
        Some(before)
    }

    /// Whether these are the balances after.
    pub fn ended_in(&self, balances: &[i64]) -> bool {
        self.written.iter().all(|(number, _, after)| {
            balances
                .get(*number)
                .is_some_and(|value| i128::from(*value) == *after)
        })
    }
}
