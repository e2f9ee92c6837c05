//! The processor: a ledger and the threads that run batches on it.

use crate::outcome::Outcome;
use crate::program::Program;
use crate::{running, words};
use aethel::ir::money::format_amount;
use aethel::ir::{Diagnostic, SourceMap};
use aethel::ledger::{LedgerName, LedgerPath};
use aethel::processor::{Call, Called};
use aethel::{BatchProcessor, Inputs, ProcessorOptions, Selection, approvals, inputs};
use pyo3::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Runs batches on one ledger.
#[pyclass(frozen, module = "aethel._aethel")]
pub struct Processor {
    inner: Mutex<BatchProcessor>,
    /// The process that its threads are of.
    process: AtomicU32,
    /// What messages call the ledger.
    ledger: String,
}

/// An outcome, and the exception of a signal handler that asked the batch to stop.
type Answer<'py> = (Outcome, Option<Bound<'py, PyAny>>);

/// Account, asset, field, value, whether it is a truth value, decimal places.
type Row = (String, Option<String>, Option<String>, String, bool, u8);

#[pymethods]
impl Processor {
    #[new]
    #[allow(clippy::too_many_arguments, reason = "called from one place, in Python")]
    #[pyo3(signature = (*, threads, exactly, details, timeout, ledger, wait, config, signatures))]
    fn new(
        py: Python<'_>,
        threads: u32,
        exactly: bool,
        details: bool,
        timeout: Duration,
        ledger: Option<&str>,
        wait: Duration,
        config: Option<PathBuf>,
        signatures: Vec<PathBuf>,
    ) -> PyResult<Self> {
        let raise = |problem: &Diagnostic| words::simple(py, problem);
        let ledger = ledger
            .map(|name| LedgerPath::named(&LedgerName::from(name), Path::new("")))
            .transpose()
            .map_err(|problem| raise(&problem))?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = threads.min(u32::try_from(cores).unwrap_or(u32::MAX));
        let options = ProcessorOptions {
            threads: exactly.then_some(threads),
            at_most: Some(threads),
            details,
            timeout: Some(timeout),
            wait,
            config,
            signatures: approvals::read_all(&signatures).map_err(|problem| raise(&problem))?,
            ledger: ledger.clone(),
            key: None,
        };
        let inner = BatchProcessor::new(options).map_err(|problem| raise(&problem))?;
        Ok(Self {
            inner: Mutex::new(inner),
            process: AtomicU32::new(std::process::id()),
            ledger: ledger.map_or_else(|| aethel_report::run::IN_MEMORY.into(), |ledger| ledger.shown()),
        })
    }

    /// Runs a transaction list, given as JSON.
    fn run_list<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        text: &str,
        key: Option<&str>,
        dry_run: bool,
        keep: bool,
    ) -> PyResult<Answer<'py>> {
        self.run(py, |processor, cancel| {
            let mut sources = SourceMap::default();
            let call = Call {
                key,
                dry_run,
                cancel: Some(cancel),
                keep,
                rehearse: false,
            };
            let called = processor.call_list(name, text, &mut sources, call);
            (called, sources)
        })
    }

    /// Runs a batch of a program, or one of its top-level intents. `given` are inputs: their name, their text, and the
    /// directory of the files that they name.
    #[allow(clippy::too_many_arguments, reason = "called from one place, in Python")]
    fn run_program<'py>(
        &self,
        py: Python<'py>,
        program: &Program,
        name: &str,
        is_intent: bool,
        given: Option<(String, String, PathBuf)>,
        key: Option<&str>,
        dry_run: bool,
        keep: bool,
    ) -> PyResult<Answer<'py>> {
        self.run(py, |processor, cancel| {
            let mut sources = program.sources.clone();
            let selection = match is_intent {
                true => Selection::Intent(name.to_owned()),
                false => Selection::Batch(name.to_owned()),
            };
            let read = given
                .map(|(name, text, directory)| inputs::from_text(&name, &text, &directory, &mut sources));
            let called = match read.unwrap_or_else(|| Ok(Inputs::default())) {
                Ok(inputs) => {
                    let call = Call {
                        key,
                        dry_run,
                        cancel: Some(cancel),
                        keep,
                        rehearse: false,
                    };
                    processor.call_program(&program.parsed, &selection, &inputs, &mut sources, call)
                }
                Err(problems) => Called::refused(name, problems),
            };
            (called, sources)
        })
    }

    /// Every value in the ledger.
    fn rows(&self, py: Python<'_>) -> PyResult<Vec<Row>> {
        let rows = py.detach(|| self.lock().rows());
        let rows = rows.map_err(|problem| words::simple(py, &problem))?;
        let row = |row: aethel::processor::LedgerRow| {
            let value = match row.is_bool {
                true => (row.value != 0).to_string(),
                false => format_amount(row.value, row.scale),
            };
            (row.account, row.asset, row.field, value, row.is_bool, row.scale)
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// The balance of an account in an asset, as a decimal; `None` when nobody opened it.
    fn balance(&self, py: Python<'_>, account: &str, asset: &str) -> PyResult<Option<String>> {
        let balance = py.detach(|| self.lock().balance(account, asset));
        balance.map_err(|problem| words::simple(py, &problem))
    }

    /// What messages call the ledger.
    #[getter]
    fn ledger(&self) -> &str {
        &self.ledger
    }
}

impl Processor {
    /// The processor, for one batch at a time; with threads of this process.
    fn lock(&self) -> MutexGuard<'_, BatchProcessor> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let here = std::process::id();
        if self.process.swap(here, Ordering::Relaxed) != here {
            inner.after_fork();
        }
        inner
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(&mut BatchProcessor, &AtomicBool) -> (Called, SourceMap) + Send,
    ) -> PyResult<Answer<'py>> {
        // Locked where Python does not wait for it: who holds the lock may need the interpreter to let go of it.
        let ((called, sources), interrupt) = running::run(py, |cancel| work(&mut self.lock(), cancel))?;
        let interrupt = interrupt.map(|error| error.into_value(py).into_bound(py).into_any());
        Ok((Outcome::new(called, sources, &self.ledger), interrupt))
    }
}
