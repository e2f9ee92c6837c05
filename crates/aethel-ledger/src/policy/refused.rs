//! Why a change of the policy cannot be, for people.

use super::MAX_SCALE;
use aethel_ir::AccountName;
use aethel_ir::account::OPENING_ACCOUNT;
use aethel_ir::diagnostic::quote;
use std::fmt;
use std::sync::Arc;

/// Why a policy change cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyRefused {
    /// A name is empty, too long or holds control characters.
    BadName(String),
    /// More than [`MAX_SCALE`] decimal places.
    ScaleTooLarge {
        /// The asset.
        asset: Arc<str>,
        /// Decimal places asked for.
        scale: u8,
    },
    /// Balances were already recorded with another scale.
    ScaleInUse {
        /// The asset.
        asset: Arc<str>,
        /// Decimal places in the ledger.
        recorded: u8,
        /// Decimal places asked for.
        asked: u8,
    },
    /// The account is below zero, or is `equity:opening`, so it cannot be bounded.
    CannotBound(AccountName),
    /// The field is already known with the other kind.
    FieldKind(Arc<str>),
    /// There is no such oracle key or feed to remove.
    Unknown(String),
    /// Not a decimal number of at least zero.
    BadDecimal(String),
    /// Not a key that can be trusted for signatures.
    BadKey(String),
    /// The name is that of an approver with another key.
    ApproverKnown(String),
    /// The key is there under another name.
    KeyKnown {
        /// The name asked for.
        name: String,
        /// The name it has.
        known: String,
    },
    /// There is no such approver.
    UnknownApprover(String),
    /// There is no such rule.
    UnknownRule(String),
    /// A limit is in an asset that the ledger does not know.
    UnknownAsset(Arc<str>),
    /// A rule would ask for more signatures than its keys can give, or for none.
    RuleOutOfReach {
        /// The rule.
        rule: String,
        /// How many it would ask for.
        needed: u32,
        /// How many keys it would have.
        keys: usize,
    },
    /// A rule has a limit in the asset, which would mean something else.
    ScaleInRule {
        /// The asset.
        asset: Arc<str>,
        /// The rule.
        rule: String,
    },
}

impl fmt::Display for PolicyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName(name) => write!(f, "`{}` cannot be a name", quote(name)),
            Self::ScaleTooLarge { asset, scale } => {
                write!(
                    f,
                    "`{asset}` cannot have {scale} decimal places, at most {MAX_SCALE}"
                )
            }
            Self::ScaleInUse {
                asset,
                recorded,
                asked,
            } => {
                write!(
                    f,
                    "`{asset}` has balances with {recorded} decimal places, it cannot get {asked}"
                )
            }
            Self::CannotBound(account) if account.as_str() == OPENING_ACCOUNT => {
                write!(
                    f,
                    "`{account}` is always unbounded, opening balances come from it"
                )
            }
            Self::CannotBound(account) => write!(f, "`{account}` is below zero and cannot be bounded"),
            Self::FieldKind(name) => write!(f, "the field `{name}` is recorded with another kind"),
            Self::Unknown(name) => {
                write!(f, "the ledger has no oracle key or feed `{}`", quote(name))
            }
            Self::BadDecimal(text) => {
                write!(f, "`{}` is not a decimal number of at least zero", quote(text))
            }
            Self::BadKey(name) => write!(f, "the key of `{}` is not one to trust", quote(name)),
            Self::ApproverKnown(name) => {
                write!(f, "`{}` is an approver with another key already", quote(name))
            }
            Self::KeyKnown { name, known } => write!(
                f,
                "the key of `{}` is that of `{}`, and nobody counts twice",
                quote(name),
                quote(known)
            ),
            Self::UnknownApprover(name) => write!(f, "the ledger has no approver `{}`", quote(name)),
            Self::UnknownRule(name) => write!(f, "the ledger has no approval rule `{}`", quote(name)),
            Self::UnknownAsset(asset) => write!(f, "the ledger does not know the asset `{}`", quote(asset)),
            Self::RuleOutOfReach { rule, needed, keys } => write!(
                f,
                "the rule `{}` would ask for {needed} of {keys} signatures, which locks everybody out or nobody",
                quote(rule)
            ),
            Self::ScaleInRule { asset, rule } => write!(
                f,
                "the rule `{}` has a limit in `{}`, whose decimal places cannot change under it",
                quote(rule),
                quote(asset)
            ),
        }
    }
}

impl std::error::Error for PolicyRefused {}
