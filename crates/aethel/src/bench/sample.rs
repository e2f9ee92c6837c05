//! What a batch brought, for callers that ask after it ran: its first transactions, kept to be run one by one.

use super::opening::Opening;
use super::run::PATIENCE;
use super::scratch::Scratch;
use super::single::{baseline, each_alone, first, improvement};
use crate::ledger::{LedgerPath, random};
use aethel_ir::{Diagnostic, SourceMap};
use aethel_ledger::{LedgerId, LedgerStore, MemoryStore};
use aethel_runtime::{BatchProcessor, BatchRequest, ThroughputBaseline};
use std::sync::LazyLock;

/// The texts of a sample: its transactions ran already, so there will be nothing to say about them.
static NO_SOURCES: LazyLock<SourceMap> = LazyLock::new(SourceMap::default);

/// The first transactions of a batch, each as a batch of one, and the state in which the batch runs.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    singles: Vec<BatchRequest<'static>>,
    of: usize,
    opening: Opening,
}

impl Sample {
    /// Keeps what there is before the batch runs.
    ///
    /// # Errors
    /// What the store says.
    pub fn before(store: &dyn LedgerStore, request: &BatchRequest<'_>) -> Result<Sample, Diagnostic> {
        let alone = first(&request.batch)
            .into_iter()
            .filter_map(|id| request.single(id));
        let mut singles: Vec<BatchRequest<'static>> = alone
            .map(|one| BatchRequest {
                sources: &NO_SOURCES,
                cancel: None,
                progress: None,
                dry_run: false,
                ..one
            })
            .collect();
        let opening = Opening::before_some(store, &request.batch, &singles)?;
        for single in &mut singles {
            single.openings.balances.clear();
            single.openings.origins.clear();
        }
        Ok(Sample {
            singles,
            of: request.batch.len(),
            opening,
        })
    }

    /// How many times as long the transactions take one by one, each with its own proof and commit, on a scratch ledger of
    /// the same kind, as the batch, which took so many nanoseconds; and on how many that was measured.
    ///
    /// # Errors
    /// Why it could not be measured.
    pub fn measure(
        self,
        processor: &BatchProcessor,
        ledger: Option<&LedgerPath>,
        batch: u64,
    ) -> Result<(Option<f64>, ThroughputBaseline), Diagnostic> {
        let (mut memory, mut scratch);
        let store: &mut dyn LedgerStore = match ledger {
            Some(ledger) => {
                scratch = Scratch::beside(ledger, self.opening)?;
                scratch.next(true)?
            }
            None => {
                memory = MemoryStore::new(LedgerId(random()?));
                self.opening.commit(&mut memory)?;
                &mut memory
            }
        };
        let singles = each_alone(processor, store, self.singles.into_iter(), self.of, PATIENCE)?;
        Ok((improvement(&singles, batch), baseline(&singles)))
    }
}
