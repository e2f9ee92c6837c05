//! Many batches on one ledger: the next is executed while the last is being synced.

use crate::processor::BatchProcessor;
use crate::request::BatchRequest;
use crate::result::BatchResult;
use aethel_ledger::{LedgerStore, Ticket};
use std::collections::VecDeque;

/// How many results may wait for the disk.
const IN_FLIGHT: usize = 32;

impl BatchProcessor {
    /// Runs batches one after the other, as [`BatchProcessor::execute_batch`] does, but executes the next while the last
    /// is being synced, on a store that can ([`aethel_ledger::GroupStore`]). `done` is called with each result in
    /// order, as soon as it is durable; while it gives `false`, no further batch is begun. What was begun is always
    /// finished and reported.
    ///
    /// Stage ⑥ and the time of a batch end when it was handed over; only then does its sync begin.
    ///
    /// When a write fails, its batch and those that were executed on its outcome fail with what the store says; later
    /// ones run on what the ledger then holds.
    pub fn execute_batches<'a>(
        &self,
        store: &mut dyn LedgerStore,
        requests: impl IntoIterator<Item = BatchRequest<'a>>,
        mut done: impl FnMut(BatchResult) -> bool,
    ) {
        let mut ahead = self.clone();
        ahead.ahead = true;
        let mut waiting: VecDeque<(Ticket, BatchResult)> = VecDeque::new();
        let mut go_on = true;
        let mut requests = requests.into_iter();
        while let Some(request) = requests.next().filter(|_| go_on) {
            let result = ahead.execute_batch(store, request);
            waiting.push_back((store.submitted(), result));
            // What is durable by now is told at once; for the rest nobody waits before there is too much of it.
            while let Some((ticket, _)) = waiting.front()
                && (waiting.len() >= IN_FLIGHT || store.is_durable(*ticket))
                && let Some((ticket, result)) = waiting.pop_front()
            {
                go_on &= done(acknowledged(store, ticket, result));
            }
        }
        for (ticket, result) in waiting {
            done(acknowledged(store, ticket, result));
        }
    }
}

/// The result once everything that it rests on is durable; a failure when that was lost.
fn acknowledged(store: &mut dyn LedgerStore, ticket: Ticket, mut result: BatchResult) -> BatchResult {
    if let Err(error) = store.wait(ticket) {
        result.already_committed = false;
        (result.receipt, result.sequence, result.headline) = (None, None, None);
        result.fail(Box::new(error.to_diagnostic()));
    }
    result
}
