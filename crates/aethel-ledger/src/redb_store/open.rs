//! Opening a file that may be missing, locked, foreign, damaged, newer or read-only.

use super::db::Db;
use super::guard::guarded;
use super::medium::Medium;
use super::tables::{State, load};
use super::{File, RedbStore};
use crate::error::LedgerError;
use crate::receipt::LedgerId;
use aethel_ir::account::is_format_character;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The first bytes of every redb file.
const REDB_MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// How often a locked file is tried again.
const POLL: Duration = Duration::from_millis(10);

impl RedbStore {
    /// Opens a ledger for writing, or one that the first commit will create when there is no file. A file that
    /// may only be read is opened so, and refuses commits. While another process has it open, tries again for
    /// `wait`.
    ///
    /// # Errors
    /// Locked, foreign, damaged or newer files, and what the operating system refuses.
    pub fn open_or_new(path: impl Into<PathBuf>, wait: Duration) -> Result<Self, LedgerError> {
        Self::open(path.into(), wait, false)
    }

    /// Opens a ledger for reading, beside other readers. The file is not written, not even after its writer was
    /// killed.
    ///
    /// # Errors
    /// As [`RedbStore::open_or_new`]; commits are refused with [`LedgerError::ReadOnly`].
    pub fn open_read_only(path: impl Into<PathBuf>, wait: Duration) -> Result<Self, LedgerError> {
        Self::open(path.into(), wait, true)
    }

    fn open(path: PathBuf, wait: Duration, read_only: bool) -> Result<Self, LedgerError> {
        let name = shown(&path);
        Self::open_on(Medium::File(path), name, wait, read_only)
    }

    pub(super) fn open_on(
        medium: Medium,
        name: Arc<str>,
        wait: Duration,
        read_only: bool,
    ) -> Result<Self, LedgerError> {
        if !read_only {
            medium
                .tidy()
                .map_err(|e| LedgerError::from_io(&name, "opening", &e))?;
        }
        let (db, state) = match medium.is_there() {
            false => {
                let mut id = [0; 16];
                getrandom::fill(&mut id)
                    .map_err(|e| LedgerError::from_io(&name, "naming", &io::Error::other(e)))?;
                (File::Absent, State::empty(LedgerId(id)))
            }
            true => {
                let (db, state) = open_medium(&medium, &name, wait, read_only)?;
                (File::Open(Arc::new(db)), state)
            }
        };
        Ok(Self {
            medium,
            name,
            wait,
            read_only,
            db,
            state,
        })
    }

    /// Whether a file exists behind it already.
    pub fn is_created(&self) -> bool {
        matches!(self.db, File::Open(_))
    }
}

/// The path as messages show it, without what would act on a terminal.
pub(super) fn shown(path: &Path) -> Arc<str> {
    let escape = |c: char| match c {
        c if c.is_control() || is_format_character(c) => c.escape_unicode().to_string(),
        c => c.to_string(),
    };
    path.to_string_lossy()
        .chars()
        .map(escape)
        .collect::<String>()
        .into()
}

/// Opens what exists and reads what is kept in memory of it.
pub(super) fn open_medium(
    medium: &Medium,
    ledger: &Arc<str>,
    wait: Duration,
    read_only: bool,
) -> Result<(Db, State), LedgerError> {
    #[cfg_attr(
        not(test),
        expect(irrefutable_let_patterns, reason = "tests know another kind")
    )]
    if let Medium::File(path) = medium {
        check_magic(path, ledger)?;
    }
    let mut left = wait;
    loop {
        match open_once(medium, ledger, read_only) {
            Err(LedgerError::Locked { .. }) if !left.is_zero() => {
                let pause = left.min(POLL);
                std::thread::sleep(pause);
                left -= pause;
            }
            Err(error) => return Err(error),
            Ok(db) => {
                let state = load(&db, ledger)?;
                return Ok((db, state));
            }
        }
    }
}

/// Tells a foreign file from a damaged one before redb looks at it.
fn check_magic(path: &Path, ledger: &Arc<str>) -> Result<(), LedgerError> {
    let io = |error: io::Error| match error.kind() {
        // Not even reading is allowed.
        io::ErrorKind::PermissionDenied => LedgerError::Io {
            ledger: ledger.clone(),
            doing: "opening",
            reason: error.to_string(),
        },
        _ => LedgerError::from_io(ledger, "opening", &error),
    };
    let not = |reason: &str| {
        Err(LedgerError::NotALedger {
            ledger: ledger.clone(),
            reason: reason.to_owned(),
        })
    };
    if !fs::metadata(path).map_err(io)?.is_file() {
        return not("it is not a regular file");
    }
    let mut begin = Vec::new();
    let file = fs::File::open(path).map_err(io)?;
    file.take(REDB_MAGIC.len() as u64)
        .read_to_end(&mut begin)
        .map_err(io)?;
    if begin == REDB_MAGIC {
        Ok(())
    } else if begin.is_empty() {
        not("it is empty")
    } else {
        not("it begins with other bytes")
    }
}

fn open_once(medium: &Medium, ledger: &Arc<str>, read_only: bool) -> Result<Db, LedgerError> {
    let read = || guarded(ledger, "opening", || medium.open_to_read());
    if read_only {
        return read();
    }
    match guarded(ledger, "opening", || medium.open()) {
        // A reader needs no more than this; a commit will be refused.
        Err(LedgerError::ReadOnly { .. }) => read(),
        answer => answer,
    }
}
