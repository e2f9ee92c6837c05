//! Finding and opening a ledger.

mod password;

use crate::config::{Config, FILE_NAME};
use aethel_ir::{Code, Diagnostic, SourceMap};
use aethel_ledger::{
    LedgerStore, PostgresStore, RedbStore, ServerLimits, ServerUrl, VerifyReport, copy_to_file,
    copy_to_server,
};
use serde::Deserialize;
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// The ledger of a run that names none, under the current directory.
pub const DEFAULT_LEDGER: &str = ".aethel/ledger.redb";

/// A ledger as somebody names it: the path of a file, or the URL of a server, perhaps with a password in it, which is
/// why it cannot be shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct LedgerName(String);

impl fmt::Debug for LedgerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ServerUrl::is_url(&self.0) {
            true => f.write_str("LedgerName(a URL)"),
            false => write!(f, "LedgerName({:?})", self.0),
        }
    }
}

impl FromStr for LedgerName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl From<&str> for LedgerName {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Which ledger is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerPath {
    /// A file of this machine.
    File(PathBuf),
    /// Tables on a PostgreSQL server.
    Server(ServerUrl),
}

impl From<PathBuf> for LedgerPath {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl LedgerPath {
    /// The ledger named by `given` (a flag or `AETHEL_LEDGER`), else by `[run] ledger` in the configuration that is
    /// found walking up from the current directory, else the default one.
    ///
    /// # Errors
    /// When the configuration or a URL is wrong.
    pub fn resolve(given: Option<&LedgerName>, sources: &mut SourceMap) -> Result<LedgerPath, Diagnostic> {
        if let Some(given) = given {
            return Self::named(given, Path::new(""));
        }
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        match Config::find(&here, sources)? {
            Some((Config { run, .. }, directory)) if run.ledger.is_some() => {
                let name = run.ledger.unwrap_or_else(|| DEFAULT_LEDGER.into());
                Self::named(&name, &directory)
            }
            _ => Ok(Self::File(DEFAULT_LEDGER.into())),
        }
    }

    /// The ledger of this name; a path is relative to `directory`. The password of a URL that has none is looked for in
    /// `PGPASSWORD`, then in the password file of the PostgreSQL tools.
    ///
    /// # Errors
    /// AE0911 when a URL is wrong, AE0901 when the password file may not be used.
    pub fn named(name: &LedgerName, directory: &Path) -> Result<LedgerPath, Diagnostic> {
        if !ServerUrl::is_url(&name.0) {
            return Ok(Self::File(directory.join(&name.0)));
        }
        let user = ["PGUSER", "USER"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
            .filter(|user| !user.is_empty());
        let mut url = ServerUrl::parse(&name.0, user.as_deref()).map_err(|error| {
            Diagnostic::new(Code::AE0911, error.to_string())
                .help("`--ledger postgres://user@host1,host2/database?schema=aethel`")
        })?;
        password::find(&mut url)?;
        Ok(Self::Server(url))
    }

    /// Opens it for runs; what is not there is made by the first commit. `wait` is how long to wait for another
    /// process, or for a server that cannot be reached.
    ///
    /// # Errors
    /// AE08xx.
    pub fn open(&self, wait: Duration) -> Result<Box<dyn LedgerStore>, Diagnostic> {
        let store: Result<Box<dyn LedgerStore>, _> = match self {
            Self::File(path) => RedbStore::open_or_new(path, wait).map(|store| Box::new(store) as _),
            Self::Server(url) => {
                PostgresStore::open_or_new(url, ServerLimits::new(wait)).map(|store| Box::new(store) as _)
            }
        };
        store.map_err(|error| error.to_diagnostic())
    }

    /// Opens it for reading only: it is written neither by this program nor, as far as this program sees it, by others.
    /// One that is not there is empty.
    ///
    /// # Errors
    /// AE08xx.
    pub fn open_read_only(&self, wait: Duration) -> Result<Box<dyn LedgerStore>, Diagnostic> {
        let store: Result<Box<dyn LedgerStore>, _> = match self {
            Self::File(path) => RedbStore::open_read_only(path, wait).map(|store| Box::new(store) as _),
            Self::Server(url) => {
                PostgresStore::open_read_only(url, ServerLimits::new(wait)).map(|store| Box::new(store) as _)
            }
        };
        store.map_err(|error| error.to_diagnostic())
    }

    /// Opens it for reading only; it must be there.
    ///
    /// # Errors
    /// AE08xx; AE0813 when there is no ledger.
    pub fn open_existing(&self, wait: Duration) -> Result<Box<dyn LedgerStore>, Diagnostic> {
        let store = self.open_read_only(wait)?;
        if store.head().sequence > 0 {
            return Ok(store);
        }
        Err(
            Diagnostic::new(Code::AE0813, format!("there is no ledger at `{}`", store.name())).help(
                "the first committed batch or `aethel ledger import` makes one; `--ledger` names another",
            ),
        )
    }

    /// Copies all of it to where no ledger is yet, verifying as it goes. The copy is the same ledger: this one must not
    /// be written any more.
    ///
    /// # Errors
    /// AE08xx; AE0911 when there is a ledger at `to`.
    pub fn copy_to(&self, to: &LedgerPath, wait: Duration) -> Result<VerifyReport, Diagnostic> {
        let from = self.open_existing(wait)?;
        let report = match to {
            Self::File(path) => copy_to_file(&*from, path),
            Self::Server(url) => copy_to_server(&*from, url, ServerLimits::new(wait)),
        };
        report.map_err(|failure| failure.to_diagnostic())
    }

    /// What messages call it: never with a password.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(url) => url.name().to_string(),
        }
    }

    /// The configuration beside the ledger, whose trust counts: never that of a foreign program. Nothing lies beside a
    /// server.
    ///
    /// # Errors
    /// When the file is there but wrong.
    pub fn trusted_config(&self, sources: &mut SourceMap) -> Result<Option<Config>, Diagnostic> {
        let Self::File(path) = self else { return Ok(None) };
        let path = path.with_file_name(FILE_NAME);
        if path.is_file() {
            Config::open(&path, sources).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// Random bytes from the operating system, for secret keys, ledgers and calls that are each a new batch.
///
/// # Errors
/// When the operating system has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], Diagnostic> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Diagnostic::new(Code::AE0901, format!("the system gives no random bytes: {error}"))
            .help("try it again; a container may need access to the system's random numbers")
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
