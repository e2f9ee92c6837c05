//! What a server's failures mean for a ledger.

use super::url::escaped;
use crate::error::{LedgerError, ServerProblem};
use std::error::Error;
use std::sync::Arc;
use tokio_postgres::error::{Severity, SqlState};

/// Why the server gave no answer, or not the one asked for.
#[derive(Debug)]
pub(super) struct Problem {
    pub kind: Kind,
    /// For people, without credentials.
    pub reason: String,
    /// Whether it ended the connection, so that what was sent last may have been done or not.
    pub ends: bool,
}

/// Kinds of failure that are handled apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The connection is gone, or nothing came in time: what was sent last may have been done or not.
    Lost,
    /// The server says no, for now: it starts, stops, or only reads.
    Away,
    /// The transaction could not be ordered among others and was rolled back.
    Serialization,
    /// Another transaction held the lock for too long.
    Locked,
    /// There is no room left on the server.
    Full,
    /// The tables are not those of a ledger.
    Foreign,
    /// A table, schema or key is there already.
    Exists,
    /// Anything else.
    Other(ServerProblem),
}

impl Problem {
    pub(super) fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            ends: kind == Kind::Lost,
        }
    }

    pub(super) fn lost(reason: impl Into<String>) -> Self {
        Self::new(Kind::Lost, reason)
    }

    /// From an error of the client library. Its details are left out: they may quote rows.
    pub(super) fn from_client(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => {
                let mut problem = Self::new(kind_of(said.code()), escaped(said.message()));
                problem.ends |= matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
                problem
            }
            None => {
                // The innermost cause says most: "Connection refused", "invalid peer certificate".
                let mut cause: &dyn Error = error;
                while let Some(inner) = cause.source() {
                    cause = inner;
                }
                let reason = escaped(&cause.to_string());
                let shown = error.to_string();
                match shown.contains("TLS") || reason.contains("certificate") {
                    true => Self::new(Kind::Other(ServerProblem::Untrusted), reason),
                    // The server asks for a password and there is none: a matter of configuration, for the library.
                    false if shown.contains("authentication") || shown.contains("configuration") => {
                        Self::new(Kind::Other(ServerProblem::Refused), reason)
                    }
                    false => Self::lost(reason),
                }
            }
        }
    }

    /// As what the ledger answers; `doing` says during what.
    pub(super) fn into_error(self, ledger: &Arc<str>, doing: &'static str) -> LedgerError {
        let ledger = ledger.clone();
        let problem = match self.kind {
            Kind::Locked => return LedgerError::Locked { ledger },
            Kind::Full => return LedgerError::DiskFull { ledger },
            Kind::Foreign => {
                return LedgerError::NotALedger {
                    ledger,
                    reason: self.reason,
                };
            }
            Kind::Lost | Kind::Away => ServerProblem::Unreachable,
            Kind::Serialization | Kind::Exists => ServerProblem::Failed,
            Kind::Other(problem) => problem,
        };
        LedgerError::Server {
            ledger,
            doing,
            reason: self.reason,
            problem,
        }
    }
}

fn kind_of(state: &SqlState) -> Kind {
    // A server that is none may send anything.
    let class = state.code().get(..2).unwrap_or_default();
    match *state {
        SqlState::INVALID_CATALOG_NAME => Kind::Other(ServerProblem::Missing),
        SqlState::INSUFFICIENT_PRIVILEGE => Kind::Other(ServerProblem::NotAllowed),
        SqlState::READ_ONLY_SQL_TRANSACTION => Kind::Away,
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Kind::Serialization,
        // CockroachDB's word for an answer that was lost on the way.
        SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => Kind::Lost,
        SqlState::LOCK_NOT_AVAILABLE => Kind::Locked,
        SqlState::DISK_FULL => Kind::Full,
        SqlState::UNDEFINED_TABLE
        | SqlState::UNDEFINED_COLUMN
        | SqlState::INVALID_SCHEMA_NAME
        | SqlState::UNDEFINED_OBJECT => Kind::Foreign,
        SqlState::UNIQUE_VIOLATION | SqlState::DUPLICATE_TABLE | SqlState::DUPLICATE_SCHEMA => Kind::Exists,
        SqlState::CANNOT_CONNECT_NOW
        | SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        | SqlState::TOO_MANY_CONNECTIONS => Kind::Away,
        // Invalid authorization.
        _ if class == "28" => Kind::Other(ServerProblem::Refused),
        // Connection exceptions.
        _ if class == "08" => Kind::Lost,
        _ => Kind::Other(ServerProblem::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_server_may_send_any_code() {
        for code in ["", "0", "é", "2é", "\0\0\0\0\0"] {
            let kind = kind_of(&SqlState::from_code(code));
            assert_eq!(kind, Kind::Other(ServerProblem::Failed), "{code:?}");
        }
        assert_eq!(
            kind_of(&SqlState::from_code("28P01")),
            Kind::Other(ServerProblem::Refused)
        );
        assert_eq!(kind_of(&SqlState::from_code("08006")), Kind::Lost);
    }
}
