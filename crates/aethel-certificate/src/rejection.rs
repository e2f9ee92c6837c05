//! What does not fit, in plain words.

use std::fmt;

/// Why a certificate is not accepted. Values are in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "each field is what its name says; the variant's text says the rest"
)]
pub enum Rejection {
    /// The batch is not well formed.
    BadBatch(&'static str),
    /// A column has not one entry for each place, transaction or access.
    Length {
        column: &'static str,
        expected: usize,
        found: usize,
    },
    /// Two transactions have one position, or a position is out of range.
    NotAPermutation { transaction: String, position: u32 },
    /// The `after` clauses go round in circles, so there is no batch order.
    NoOrder,
    /// The order that is claimed is not the batch order.
    NotBatchOrder {
        transaction: String,
        position: u32,
        expected: u32,
    },
    /// A value before the batch that no ledger can hold.
    InitialValue { place: String, value: i128 },
    /// An access to a slot that the intent of the transaction does not touch.
    ForeignAccess { transaction: String, slot: usize },
    /// A transaction saw another version than the one at its position.
    Version {
        transaction: String,
        place: String,
        seen: u32,
        expected: u32,
    },
    /// Two transactions wrote over the same version: one of the writes is lost.
    DuplicateVersion {
        first: String,
        second: String,
        place: String,
        version: u32,
        value: i128,
    },
    /// A transaction saw another value than the one at its position.
    Seen {
        transaction: String,
        place: String,
        seen: i128,
        expected: i128,
    },
    /// With the values seen, the transaction does not go through.
    Fails { transaction: String, failure: String },
    /// With the values seen, the transaction writes something else.
    Written {
        transaction: String,
        place: String,
        written: i128,
        expected: i128,
    },
    /// The supply of an asset leaves its range.
    Supply { transaction: String, asset: String },
    /// The values after the batch are not those that the serial run ends with.
    Final {
        place: String,
        claimed: i128,
        expected: i128,
    },
    /// The values in memory are not those that the serial run ends with.
    Memory {
        place: String,
        found: i128,
        expected: i128,
    },
    /// The sum of an asset over the touched places is not what it was.
    NotConserved {
        asset: String,
        before: String,
        after: String,
    },
    /// A place that is said to need no order is not one of the batch, or is named twice or out of order.
    BadEscrow { place: u32 },
    /// The accesses to a place are said to need no order, but they do.
    NeedsOrder { place: String, why: &'static str },
    /// Something is logged about a place of which nothing is to be logged.
    Logged { transaction: String, place: String },
    /// A transaction is said to have changed a place by something else than its intent gives.
    Change {
        transaction: String,
        place: String,
        found: i128,
        expected: i128,
    },
    /// A condition of some transaction that nobody else has a part in does not hold, or a change is not what its intent
    /// gives.
    Untrue,
    /// The caller stopped the check before its end.
    Stopped,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBatch(why) => write!(f, "the batch is not well formed: {why}"),
            Self::Length {
                column,
                expected,
                found,
            } => {
                write!(
                    f,
                    "the column of {column} has {found} entries instead of {expected}"
                )
            }
            Self::NotAPermutation {
                transaction,
                position,
            } => write!(
                f,
                "`{transaction}` claims position {position}, which another transaction has or nobody can have"
            ),
            Self::NoOrder => write!(f, "the `after` clauses of the batch go round in circles"),
            Self::NotBatchOrder {
                transaction,
                position,
                expected,
            } => write!(
                f,
                "`{transaction}` claims position {position}, in batch order it has position {expected}"
            ),
            Self::InitialValue { place, value } => {
                write!(f, "{place} cannot begin with {value}")
            }
            Self::ForeignAccess { transaction, slot } => {
                write!(
                    f,
                    "`{transaction}` claims an access to its place {slot}, which its intent does not touch"
                )
            }
            Self::Version {
                transaction,
                place,
                seen,
                expected,
            } => write!(
                f,
                "`{transaction}` saw {place} after {seen} writes, at its position it had had {expected}"
            ),
            Self::DuplicateVersion {
                first,
                second,
                place,
                version,
                value,
            } => write!(
                f,
                "`{first}` and `{second}` both saw {place} after {version} writes and both wrote it: `{first}` wrote {value}, which `{second}` never saw"
            ),
            Self::Seen {
                transaction,
                place,
                seen,
                expected,
            } => write!(
                f,
                "`{transaction}` saw {seen} at {place}, at its position it held {expected}"
            ),
            Self::Fails { transaction, failure } => {
                write!(
                    f,
                    "`{transaction}` does not go through with the values it saw: {failure}"
                )
            }
            Self::Written {
                transaction,
                place,
                written,
                expected,
            } => write!(
                f,
                "`{transaction}` wrote {written} to {place}, its intent gives {expected}"
            ),
            Self::Supply { transaction, asset } => {
                write!(
                    f,
                    "after `{transaction}` there is more {asset} than can be counted"
                )
            }
            Self::Final {
                place,
                claimed,
                expected,
            } => write!(
                f,
                "{place} is claimed to end with {claimed}, the serial run ends with {expected}"
            ),
            Self::Memory {
                place,
                found,
                expected,
            } => write!(
                f,
                "{place} holds {found} in memory, the serial run ends with {expected}"
            ),
            Self::NotConserved { asset, before, after } => {
                write!(f, "there was {before} {asset} before and there is {after} after")
            }
            Self::BadEscrow { place } => write!(
                f,
                "place {place} is said to need no order, but is not there or not where it belongs"
            ),
            Self::NeedsOrder { place, why } => {
                write!(f, "{place} is said to need no order, but {why}")
            }
            Self::Logged { transaction, place } => write!(
                f,
                "`{transaction}` claims to have seen {place} in some order, where there was none"
            ),
            Self::Change {
                transaction,
                place,
                found,
                expected,
            } => write!(
                f,
                "`{transaction}` is said to have changed {place} by {found}, its intent gives {expected}"
            ),
            Self::Untrue => write!(
                f,
                "a condition of some transaction does not hold, or a change is not what its intent gives"
            ),
            Self::Stopped => write!(f, "the check was stopped before its end"),
        }
    }
}

impl std::error::Error for Rejection {}
