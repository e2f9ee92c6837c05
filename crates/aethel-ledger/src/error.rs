//! What can go wrong with a ledger, each with the file it is about and what to do.

use crate::approval::ApprovalRefused;
use crate::blob::{BlobError, FORMAT_VERSION};
use crate::places::PlaceKey;
use crate::policy::PolicyRefused;
use aethel_ir::diagnostic::quote;
use aethel_ir::{Code, Diagnostic};
use std::fmt;
use std::io;
use std::sync::Arc;

/// Why the ledger's answer is not the one asked for. `ledger` is the path or the host, never with credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerError {
    /// The operating system or the server failed.
    Io {
        /// Which ledger.
        ledger: Arc<str>,
        /// What was being done.
        doing: &'static str,
        /// What it answered.
        reason: String,
    },
    /// Another process has it open.
    Locked {
        /// Which ledger.
        ledger: Arc<str>,
    },
    /// The file is something else.
    NotALedger {
        /// Which file.
        ledger: Arc<str>,
        /// What gave it away.
        reason: String,
    },
    /// The file is a ledger whose bytes are not what was written.
    Damaged {
        /// Which ledger.
        ledger: Arc<str>,
        /// The record, when one can be named.
        sequence: Option<u64>,
        /// What does not fit.
        reason: String,
    },
    /// A newer version of Aethel wrote it.
    Newer {
        /// Which ledger.
        ledger: Arc<str>,
        /// Its format version.
        found: u64,
    },
    /// No room on the disk, or over quota; nothing was committed.
    DiskFull {
        /// Which ledger.
        ledger: Arc<str>,
    },
    /// The file or its directory may not be written.
    ReadOnly {
        /// Which ledger.
        ledger: Arc<str>,
    },
    /// A database server cannot be used for it; nothing was committed.
    Server {
        /// Which ledger.
        ledger: Arc<str>,
        /// What was being done.
        doing: &'static str,
        /// What the server said, or the way to it.
        reason: String,
        /// What is wrong.
        problem: ServerProblem,
    },
    /// There is a ledger where a copy should go.
    Occupied {
        /// Which ledger.
        ledger: Arc<str>,
    },
    /// The commit was handed over and no answer came, nor can it be found out.
    OutcomeUnknown {
        /// Which ledger.
        ledger: Arc<str>,
        /// The batch's name.
        batch: String,
        /// What broke.
        reason: String,
    },
    /// No record has this receipt.
    ReceiptUnknown {
        /// As it was asked for.
        receipt: String,
    },
    /// Several records have receipts that begin so.
    ReceiptAmbiguous {
        /// As it was asked for.
        receipt: String,
    },
    /// A policy change cannot be.
    Policy(PolicyRefused),
    /// The commit does not add up; nothing was committed.
    Refused(Refusal),
    /// Approvals are missing or do not hold; nothing was committed.
    Approval(Box<ApprovalRefused>),
}

/// What is wrong with a database server, or with what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerProblem {
    /// No host of it can be reached, or none that accepts writes.
    Unreachable,
    /// It does not let this user in.
    Refused,
    /// It has no such database.
    Missing,
    /// This user may not do that.
    NotAllowed,
    /// It does not prove that it is the one that is meant.
    Untrusted,
    /// Something else failed.
    Failed,
}

/// What the store's own check before writing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request itself is inconsistent: a column's length, an index, a name.
    Malformed(&'static str),
    /// A place is listed twice.
    DuplicatePlace(PlaceKey),
    /// The asset is not in the policy.
    UnknownAsset(Arc<str>),
    /// The field is not in the policy, or with the other kind.
    UnknownField(Arc<str>),
    /// Nobody opened the place.
    NotOpen(PlaceKey),
    /// The value said is not the old one plus the entries.
    WrongValue {
        /// The place.
        place: PlaceKey,
        /// What the old value and the entries give.
        computed: i128,
        /// What the request said.
        stated: i128,
    },
    /// A bounded account would go below zero.
    BelowZero {
        /// The place.
        place: PlaceKey,
        /// The value it would have, in minor units.
        value: i128,
    },
    /// The value is larger than a ledger holds, or not true or false.
    OutOfRange(PlaceKey),
    /// The entries of an asset do not sum to zero.
    NotConserved {
        /// The asset.
        asset: Arc<str>,
        /// What they sum to, in minor units.
        sum: i128,
    },
}

impl ServerProblem {
    fn help(self) -> &'static str {
        match self {
            Self::Unreachable => {
                "nothing was committed by this call; check the hosts and ports in the URL, or wait for them with `--wait 30s`"
            }
            Self::Refused => "check the user in the URL, and its password in PGPASSWORD or ~/.pgpass",
            Self::Missing => "make the database with `createdb`, or name another in the URL",
            Self::NotAllowed => {
                "the user needs the schema and its tables: `CREATE SCHEMA aethel AUTHORIZATION user`, run by who may"
            }
            Self::Untrusted => {
                "name the certificate of the authority that signed the server's with `sslrootcert=FILE`, and the server by the name in its certificate"
            }
            Self::Failed => {
                "nothing was committed by this call; mend the cause and run again with the same key"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "the request is inconsistent: {what}"),
            Self::DuplicatePlace(place) => write!(f, "`{place}` is listed twice"),
            Self::UnknownAsset(asset) => write!(f, "the ledger does not know the asset `{asset}`"),
            Self::UnknownField(name) => write!(f, "the ledger does not know a field `{name}` of this kind"),
            Self::NotOpen(place) => write!(f, "`{place}` was never opened"),
            Self::WrongValue {
                place,
                computed,
                stated,
            } => {
                write!(
                    f,
                    "`{place}` would be {computed} minor units by its entries, the request says {stated}"
                )
            }
            Self::BelowZero { place, value } => {
                write!(f, "`{place}` would be {value} minor units, below zero")
            }
            Self::OutOfRange(place) => write!(f, "the value of `{place}` is out of range"),
            Self::NotConserved { asset, sum } => {
                write!(
                    f,
                    "the entries in `{asset}` sum to {sum} minor units instead of zero"
                )
            }
        }
    }
}

impl LedgerError {
    /// What an operating system's error means for a ledger.
    pub(crate) fn from_io(ledger: &Arc<str>, doing: &'static str, error: &io::Error) -> Self {
        let ledger = ledger.clone();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull { ledger }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { ledger },
            _ => Self::Io {
                ledger,
                doing,
                reason: error.to_string(),
            },
        }
    }

    pub(crate) fn from_blob(ledger: &Arc<str>, sequence: Option<u64>, error: &BlobError) -> Self {
        match error {
            BlobError::Newer(found) => Self::Newer {
                ledger: ledger.clone(),
                found: u64::from(*found),
            },
            BlobError::Malformed(reason) => Self::damaged(ledger, sequence, reason.to_string()),
        }
    }

    pub(crate) fn damaged(ledger: &Arc<str>, sequence: Option<u64>, reason: impl Into<String>) -> Self {
        Self::Damaged {
            ledger: ledger.clone(),
            sequence,
            reason: reason.into(),
        }
    }

    /// The diagnostic code.
    pub fn code(&self) -> Code {
        match self {
            Self::Server {
                problem: ServerProblem::NotAllowed,
                ..
            } => Code::AE0810,
            Self::Io { .. } | Self::Server { .. } => Code::AE0801,
            Self::Occupied { .. } => Code::AE0911,
            Self::Locked { .. } => Code::AE0802,
            Self::NotALedger { .. } => Code::AE0803,
            Self::Damaged { .. } => Code::AE0804,
            Self::Newer { .. } => Code::AE0805,
            Self::ReceiptUnknown { .. } | Self::ReceiptAmbiguous { .. } => Code::AE0807,
            Self::Policy(_) => Code::AE0808,
            Self::DiskFull { .. } => Code::AE0809,
            Self::ReadOnly { .. } => Code::AE0810,
            Self::OutcomeUnknown { .. } => Code::AE0811,
            Self::Refused(_) => Code::AE0814,
            Self::Approval(refused) => refused.code(),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "nothing was committed by this call; mend the cause and run again with the same key"
            }
            Self::Server { problem, .. } => problem.help(),
            Self::Occupied { .. } => {
                "a copy goes where nothing is: name another file, or another schema of the server"
            }
            Self::Locked { .. } => "let the other process finish, or wait for it with `--wait 30s`",
            Self::NotALedger { .. } => "name another file with `--ledger`; this one is left as it is",
            Self::Damaged { .. } => {
                "keep the file, run `aethel ledger verify` on it, and put back a copy that it accepts"
            }
            Self::Newer { .. } => "use the version of aethel that wrote it, or a newer one",
            Self::ReceiptUnknown { .. } => "`aethel ledger batches` lists the receipts",
            Self::ReceiptAmbiguous { .. } => "give more of its digits",
            Self::Policy(_) => "`aethel ledger policy` shows what is recorded and changes it",
            Self::DiskFull { .. } => "nothing was committed; make room and run again with the same key",
            Self::ReadOnly { .. } => {
                "allow writing to the file and its directory, or name another with `--ledger`"
            }
            Self::OutcomeUnknown { .. } => "run again with the same key: it will not be applied twice",
            Self::Refused(_) => {
                "nothing was committed; this is a fault of the program that made the batch, please report it"
            }
            Self::Approval(_) => "nothing was committed; sign with `aethel sign`",
        }
    }

    /// The diagnostic to show: what is wrong and what to do.
    pub fn to_diagnostic(&self) -> Diagnostic {
        if let Self::Approval(refused) = self {
            return refused.to_diagnostic();
        }
        Diagnostic::new(self.code(), self.to_string()).help(self.help())
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io {
                ledger,
                doing,
                reason,
            }
            | Self::Server {
                ledger,
                doing,
                reason,
                ..
            } => write!(f, "{doing} the ledger `{ledger}` failed: {reason}"),
            Self::Occupied { ledger } => write!(f, "there is a ledger at `{ledger}` already"),
            Self::Locked { ledger } => write!(f, "the ledger `{ledger}` is in use by another process"),
            Self::NotALedger { ledger, reason } => write!(f, "`{ledger}` is not a ledger: {reason}"),
            Self::Damaged {
                ledger,
                sequence: Some(sequence),
                reason,
            } => {
                write!(
                    f,
                    "the ledger `{ledger}` is damaged at record {sequence}: {reason}"
                )
            }
            Self::Damaged {
                ledger,
                sequence: None,
                reason,
            } => {
                write!(f, "the ledger `{ledger}` is damaged: {reason}")
            }
            Self::Newer { ledger, found } => {
                write!(
                    f,
                    "the ledger `{ledger}` is in format {found}, this version knows up to {FORMAT_VERSION}"
                )
            }
            Self::DiskFull { ledger } => write!(f, "there is no room to write the ledger `{ledger}`"),
            Self::ReadOnly { ledger } => write!(f, "the ledger `{ledger}` may not be written"),
            Self::OutcomeUnknown {
                ledger,
                batch,
                reason,
            } => {
                write!(
                    f,
                    "it is not known whether `{}` was committed to `{ledger}`: {reason}",
                    quote(batch)
                )
            }
            Self::ReceiptUnknown { receipt } => write!(f, "no batch has the receipt `{}`", quote(receipt)),
            Self::ReceiptAmbiguous { receipt } => {
                write!(f, "several receipts begin with `{}`", quote(receipt))
            }
            Self::Policy(refused) => write!(f, "{refused}"),
            Self::Refused(refusal) => write!(f, "the commit was refused: {refusal}"),
            Self::Approval(refused) => write!(f, "{refused}"),
        }
    }
}

impl std::error::Error for LedgerError {}

impl From<Refusal> for LedgerError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ApprovalRefused> for LedgerError {
    fn from(refused: ApprovalRefused) -> Self {
        Self::Approval(Box::new(refused))
    }
}

impl From<PolicyRefused> for LedgerError {
    fn from(refused: PolicyRefused) -> Self {
        Self::Policy(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operating_system_errors_are_told_apart() {
        let ledger: Arc<str> = "x.redb".into();
        let code = |kind| LedgerError::from_io(&ledger, "writing", &io::Error::from(kind)).code();
        assert_eq!(code(io::ErrorKind::StorageFull), Code::AE0809);
        assert_eq!(code(io::ErrorKind::QuotaExceeded), Code::AE0809);
        assert_eq!(code(io::ErrorKind::PermissionDenied), Code::AE0810);
        assert_eq!(code(io::ErrorKind::ReadOnlyFilesystem), Code::AE0810);
        assert_eq!(code(io::ErrorKind::TimedOut), Code::AE0801);
        let diagnostic = LedgerError::Locked { ledger }.to_diagnostic();
        assert_eq!(
            diagnostic.message,
            "the ledger `x.redb` is in use by another process"
        );
        assert!(diagnostic.help.is_some_and(|help| help.contains("--wait")));
    }
}
