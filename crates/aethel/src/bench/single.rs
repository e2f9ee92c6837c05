//! The same transactions one by one, each with its own proof and its own commit: what batches are held against.

use crate::ledger::random;
use aethel_ir::{Batch, Diagnostic, TransactionId};
use aethel_ledger::{BatchKey, LedgerStore};
use aethel_report::bench::model::Singles;
use aethel_runtime::{BatchProcessor, BatchRequest, ThroughputBaseline};
use std::time::{Duration, Instant};

/// How many single transactions are run at most.
const MOST: usize = 100;

/// Runs the first transactions of a batch one by one on a scratch ledger, for a limited time, and gives how many and
/// how long.
///
/// # Errors
/// Why one was not committed.
pub fn one_by_one(
    processor: &BatchProcessor,
    store: &mut dyn LedgerStore,
    request: &BatchRequest<'_>,
    patience: Duration,
) -> Result<Singles, Diagnostic> {
    let of = request.batch.len();
    let singles = first(&request.batch)
        .into_iter()
        .filter_map(|id| request.single(id));
    each_alone(processor, store, singles, of, patience)
}

/// Runs batches of one, which are the first of so many, for a limited time, and gives how many and how long.
///
/// # Errors
/// Why one was not committed.
pub fn each_alone<'a>(
    processor: &BatchProcessor,
    store: &mut dyn LedgerStore,
    requests: impl Iterator<Item = BatchRequest<'a>>,
    of: usize,
    patience: Duration,
) -> Result<Singles, Diagnostic> {
    let mut singles = Singles {
        of: of as u64,
        ..Singles::default()
    };
    let begun = Instant::now();
    for mut request in requests {
        request.key = Some(BatchKey::Unique(random()?));
        let started = Instant::now();
        let result = processor.execute_batch(store, request);
        let took = started.elapsed();
        if let Some(diagnostic) = result.diagnostic {
            return Err(*diagnostic);
        }
        singles.nanoseconds += u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        singles.measured += 1;
        if begun.elapsed() > patience {
            break;
        }
    }
    Ok(singles)
}

/// The first transactions in the order in which they must run.
pub fn first(batch: &Batch) -> Vec<TransactionId> {
    let mut order = aethel_certificate::batch_order(batch).unwrap_or_default();
    order.truncate(MOST);
    order
}

/// How many times as long the transactions would have taken one by one as the batch, which took so many nanoseconds.
#[allow(clippy::float_arithmetic, reason = "a metric about time, not money")]
pub fn improvement(singles: &Singles, batch: u64) -> Option<f64> {
    let each = (singles.measured > 0).then(|| singles.nanoseconds as f64 / singles.measured as f64)?;
    Some(each * singles.of as f64 / batch.max(1) as f64)
}

/// What a result says about them.
#[allow(clippy::float_arithmetic, reason = "a metric about time, not money")]
pub fn baseline(singles: &Singles) -> ThroughputBaseline {
    ThroughputBaseline {
        measured: usize::try_from(singles.measured).unwrap_or(usize::MAX),
        of: usize::try_from(singles.of).unwrap_or(usize::MAX),
        seconds: singles.nanoseconds as f64 / 1e9,
    }
}
