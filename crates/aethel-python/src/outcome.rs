//! What came of a batch, kept on this side: most of it is looked at rarely, and some of it is large.

use crate::words;
use aethel::ir::SourceMap;
use aethel::processor::Called;
use aethel::runtime::Holds;
use aethel_report::{Style, human, run as draw};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use serde_json::json;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The result of one batch.
#[pyclass(frozen, module = "aethel._aethel")]
pub struct Outcome {
    called: Mutex<Called>,
    sources: SourceMap,
    ledger: String,
    /// Milliseconds since 1970.
    at_ms: u64,
}

/// Account, asset, field, decimal places, before, after, whether it may go below zero, whether it is a truth value.
type Row = (
    String,
    Option<String>,
    Option<String>,
    u8,
    String,
    String,
    bool,
    bool,
);

impl Outcome {
    pub fn new(called: Called, sources: SourceMap, ledger: &str) -> Self {
        Self {
            called: Mutex::new(called),
            sources,
            ledger: ledger.to_owned(),
            at_ms: aethel::ledger::now_ms(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Called> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Outcome {
    /// The result as JSON without what may be long: balances, chunks, the order on the threads.
    fn summary(&self) -> PyResult<String> {
        let mut called = self.lock();
        let result = &mut called.result;
        let balances = std::mem::take(&mut result.balances);
        let chunks = std::mem::take(&mut result.chunks);
        let sequence = std::mem::take(&mut result.sequence_of_transactions);
        let text = serde_json::to_string(&result);
        result.balances = balances;
        result.chunks = chunks;
        result.sequence_of_transactions = sequence;
        text.map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }

    /// The failure, and everything else that was said, as JSON.
    fn diagnostics(&self) -> String {
        let called = self.lock();
        let failure = called.result.diagnostic.as_deref();
        let others = called.diagnostics.iter().chain(&called.result.notices);
        let failure = words::list(failure, &self.sources);
        json!({ "failure": failure[0], "others": words::list(others, &self.sources) }).to_string()
    }

    /// What `aethel run -o json` prints.
    fn json(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| {
            let called = self.lock();
            let mut out = Vec::new();
            let results = std::slice::from_ref(&called.result);
            draw::write_json(&mut out, results, &called.diagnostics, &self.sources)?;
            String::from_utf8(out).map_err(|error| PyRuntimeError::new_err(error.to_string()))
        })
    }

    /// What `aethel run` prints.
    fn report(&self) -> String {
        let called = self.lock();
        let failure = called.result.diagnostic.as_deref().into_iter();
        let said = called
            .diagnostics
            .iter()
            .chain(&called.result.notices)
            .chain(failure);
        let said: Vec<_> = said.cloned().collect();
        let mut text = human(&said, &self.sources, Style::default());
        text += &draw::batch(&called.result, &self.ledger, false);
        text
    }

    /// The page that `aethel run --report` writes; `framed`, as an element of another page.
    fn html(&self, py: Python<'_>, framed: bool) -> String {
        py.detach(|| {
            let called = self.lock();
            let page = draw::page(&draw::Page {
                results: std::slice::from_ref(&called.result),
                diagnostics: &called.diagnostics,
                sources: &self.sources,
                ledger: &self.ledger,
                program: None,
                at_ms: Some(self.at_ms),
            });
            match framed {
                true => draw::frame(&page),
                false => page,
            }
        })
    }

    /// Every written place before and after.
    fn balances(&self) -> Vec<Row> {
        let called = self.lock();
        let row = |change: aethel::runtime::BalanceChange<'_>| {
            (
                change.account.to_owned(),
                change.asset().map(|asset| asset.name.to_string()),
                change.field().map(ToOwned::to_owned),
                change.asset().map_or(0, |asset| asset.scale),
                change.text(change.before),
                change.text(change.after),
                change.unbounded,
                matches!(change.holds, Holds::Bool(_)),
            )
        };
        called.result.balances.iter().map(row).collect()
    }

    /// The transactions, in the serial order of which the outcome is.
    fn serial_order(&self) -> Vec<String> {
        self.lock().order.names().collect()
    }

    /// The certificate of the run, as `aethel verify-proof` reads it; empty when nothing was executed.
    fn certificate(&self) -> Vec<u8> {
        self.lock().result.certificate.clone()
    }

    /// Measures what the batch brought, the first time; gives the factor, on how many transactions of how many in how many
    /// seconds it was measured, and what could not be measured.
    #[allow(clippy::type_complexity, reason = "three values for one caller")]
    fn measure(&self, py: Python<'_>) -> (Option<f64>, Option<(usize, usize, f64)>, Option<String>) {
        py.detach(|| {
            let mut called = self.lock();
            let said = called.diagnostics.len();
            called.measure();
            let baseline = called.result.throughput_baseline;
            let note = called.diagnostics.get(said).map(|note| note.message.clone());
            (
                called.result.throughput_improvement,
                baseline.map(|one| (one.measured, one.of, one.seconds)),
                note,
            )
        })
    }
}
