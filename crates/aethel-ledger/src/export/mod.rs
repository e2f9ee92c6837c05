//! The whole journal for other programs: JSON and CSV with everything, hledger and beancount with all that is money.
//!
//! One record at a time is read and written, so an export takes the memory of its largest record, however many there are.
//! Amounts are exact decimals in units. `docs/exports.md` describes the formats and how names are written.

mod beancount;
mod csv;
mod hledger;
mod json;
mod names;
mod walk;

use crate::error::LedgerError;
use crate::store::LedgerStore;
use std::fmt;
use std::io::{self, Write};

/// A format to export to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Everything, as one JSON document.
    Json,
    /// Every movement and new value of a field, a row each.
    Csv,
    /// A journal for hledger.
    Hledger,
    /// A file for beancount.
    Beancount,
}

/// Why an export stopped.
#[derive(Debug)]
pub enum ExportError {
    /// The ledger could not be read.
    Ledger(LedgerError),
    /// The text could not be written.
    Io(io::Error),
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger(error) => write!(f, "{error}"),
            Self::Io(error) => write!(f, "writing failed: {error}"),
        }
    }
}

impl std::error::Error for ExportError {}

impl From<LedgerError> for ExportError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes the whole journal of a ledger.
///
/// # Errors
/// What the ledger or `out` says; what was written until then is not whole.
pub fn export(store: &dyn LedgerStore, format: ExportFormat, out: &mut dyn Write) -> Result<(), ExportError> {
    match format {
        ExportFormat::Json => json::write(store, out),
        ExportFormat::Csv => csv::write(store, out),
        ExportFormat::Hledger => hledger::write(store, out),
        ExportFormat::Beancount => beancount::write(store, out),
    }?;
    Ok(out.flush()?)
}
