//! Finding and opening a ledger.

use crate::config::{Config, FILE_NAME};
use aethel_ir::{Code, Diagnostic, SourceMap};
use aethel_ledger::{LedgerStore, RedbStore};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The ledger of a run that names none, under the current directory.
pub const DEFAULT_LEDGER: &str = ".aethel/ledger.redb";

/// Which ledger is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerPath(pub PathBuf);

impl LedgerPath {
    /// The ledger named by `given` (a flag or `AETHEL_LEDGER`), else by `[run] ledger` in the configuration that is
    /// found walking up from the current directory, else the default one.
    ///
    /// # Errors
    /// When the configuration is wrong, or a ledger of another kind is asked for.
    pub fn resolve(given: Option<&str>, sources: &mut SourceMap) -> Result<LedgerPath, Diagnostic> {
        if let Some(given) = given {
            if given.starts_with("postgres://") || given.starts_with("postgresql://") {
                return Err(Diagnostic::new(
                    Code::AE0911,
                    "PostgreSQL ledgers are not supported by this version",
                )
                .help("name a file: `--ledger ledger.redb`"));
            }
            return Ok(LedgerPath(given.into()));
        }
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        match Config::find(&here, sources)? {
            Some((Config { run, .. }, directory)) if run.ledger.is_some() => {
                Ok(LedgerPath(directory.join(run.ledger.unwrap_or_default())))
            }
            _ => Ok(LedgerPath(DEFAULT_LEDGER.into())),
        }
    }

    /// Opens it for runs; a file that is not there is made by the first commit.
    ///
    /// # Errors
    /// AE08xx.
    pub fn open(&self, wait: Duration) -> Result<RedbStore, Diagnostic> {
        RedbStore::open_or_new(&self.0, wait).map_err(|error| error.to_diagnostic())
    }

    /// Opens it for reading only; it must be there.
    ///
    /// # Errors
    /// AE08xx; AE0813 when there is no ledger.
    pub fn open_existing(&self, wait: Duration) -> Result<RedbStore, Diagnostic> {
        let store = RedbStore::open_read_only(&self.0, wait).map_err(|error| error.to_diagnostic())?;
        if store.is_created() {
            return Ok(store);
        }
        Err(
            Diagnostic::new(Code::AE0813, format!("there is no ledger at `{}`", store.name())).help(
                "the first committed batch or `aethel ledger import` makes one; `--ledger` names another",
            ),
        )
    }

    /// The configuration beside the ledger, whose trust counts: never that of a foreign program.
    ///
    /// # Errors
    /// When the file is there but wrong.
    pub fn trusted_config(&self, sources: &mut SourceMap) -> Result<Option<Config>, Diagnostic> {
        let directory = self.0.parent().unwrap_or(Path::new("."));
        let path = directory.join(FILE_NAME);
        if path.is_file() {
            Config::open(&path, sources).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// Sixteen random bytes from the operating system, for keys of calls that are each a new batch.
///
/// # Errors
/// When the operating system has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], Diagnostic> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Diagnostic::new(Code::AE0901, format!("the system gives no random bytes: {error}"))
    })?;
    Ok(bytes)
}

/// Milliseconds since 1970-01-01T00:00:00Z; the one place where the library reads the wall clock.
pub fn now_ms() -> u64 {
    let elapsed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
