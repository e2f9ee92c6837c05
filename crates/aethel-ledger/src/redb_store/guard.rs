//! What redb answers, as errors of a ledger. redb trusts a file that was closed cleanly and may panic on one that
//! was damaged since; nothing of that gets out of here.

use crate::error::LedgerError;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a call whose panics become errors: a panic hook need not print those.
pub fn panics_are_caught() -> bool {
    GUARDED.get()
}

/// Calls redb and makes a panic of it, which only damaged files cause, an error.
pub(super) fn guarded<T>(
    ledger: &Arc<str>,
    doing: &'static str,
    call: impl FnOnce() -> Result<T, redb::Error>,
) -> Result<T, LedgerError> {
    match caught(call) {
        Ok(answer) => answer.map_err(|error| from_redb(ledger, doing, error)),
        Err(_) => Err(LedgerError::damaged(
            ledger,
            None,
            "its pages do not fit together",
        )),
    }
}

/// Calls redb and catches a panic of it, without a word from a panic hook.
pub(super) fn caught<T>(call: impl FnOnce() -> T) -> std::thread::Result<T> {
    // The state that a panic may leave inconsistent is redb's, whose handle a caller drops after such an error.
    let outer = GUARDED.replace(true);
    let answer = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outer);
    answer
}

fn from_redb(ledger: &Arc<str>, doing: &'static str, error: redb::Error) -> LedgerError {
    use redb::Error as E;
    match error {
        E::Io(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof => LedgerError::damaged(ledger, None, "it is cut short"),
            io::ErrorKind::InvalidData => LedgerError::damaged(ledger, None, error.to_string()),
            _ => LedgerError::from_io(ledger, doing, &error),
        },
        E::DatabaseAlreadyOpen | E::LockProtocolMismatch => LedgerError::Locked {
            ledger: ledger.clone(),
        },
        E::Corrupted(reason) => LedgerError::damaged(ledger, None, reason),
        E::TypeDefinitionChanged { .. } => LedgerError::damaged(ledger, None, "its tables have other types"),
        E::UpgradeRequired(_) | E::TableDoesNotExist(_) | E::TableTypeMismatch { .. } => {
            LedgerError::NotALedger {
                ledger: ledger.clone(),
                reason: "it is a database of another program".into(),
            }
        }
        other => LedgerError::Io {
            ledger: ledger.clone(),
            doing,
            reason: other.to_string(),
        },
    }
}
