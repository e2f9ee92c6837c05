//! What belongs to the ledger and not to a program: scales of assets, unbounded accounts, kinds of fields, and
//! whose word about prices is taken. Every change is journalled in a record.

use crate::places::is_name;
use aethel_ir::AccountName;
use aethel_ir::account::OPENING_ACCOUNT;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use aethel_ir::MAX_SCALE;

/// The kind of an account's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A whole number.
    Integer,
    /// True or false.
    Bool,
}

/// A key whose signatures over prices are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleKey {
    /// The name proofs call it by.
    pub key_id: String,
    /// The Ed25519 public key.
    pub public_key: [u8; 32],
    /// The feeds it may speak for; empty means all.
    pub feeds: Vec<String>,
}

/// What is asked of a price feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleFeed {
    /// The feed's name.
    pub feed: String,
    /// The oldest a proof may be when it is used, in milliseconds.
    pub max_age_ms: u64,
    /// How far a proof's time may lie in the future, in milliseconds.
    pub max_future_skew_ms: u64,
    /// A decimal value that proofs are held against.
    pub reference: Option<String>,
    /// The largest relative distance from the reference, a decimal (`0.05` is five per cent).
    pub max_deviation: Option<String>,
}

/// One change of the policy, as it is journalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyChange {
    /// An asset has this many decimal places.
    AssetScale {
        /// The asset.
        asset: Arc<str>,
        /// Decimal places, 0 to [`MAX_SCALE`].
        scale: u8,
    },
    /// An account may go below zero.
    Unbounded(AccountName),
    /// An account may no longer go below zero.
    Bounded(AccountName),
    /// Accounts have a field of this kind.
    Field {
        /// The field.
        name: Arc<str>,
        /// Its kind, which never changes again.
        kind: FieldKind,
    },
    /// A key is trusted, or trusted for other feeds.
    AddOracleKey(OracleKey),
    /// A key is no longer trusted.
    RemoveOracleKey(String),
    /// A feed's demands are these.
    SetOracleFeed(OracleFeed),
    /// Nothing is asked of a feed any more, and its proofs are refused.
    RemoveOracleFeed(String),
}

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
}

impl fmt::Display for PolicyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName(name) => write!(f, "`{}` cannot be a name", aethel_ir::diagnostic::quote(name)),
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
                write!(
                    f,
                    "the ledger has no oracle key or feed `{}`",
                    aethel_ir::diagnostic::quote(name)
                )
            }
            Self::BadDecimal(text) => {
                write!(
                    f,
                    "`{}` is not a decimal number of at least zero",
                    aethel_ir::diagnostic::quote(text)
                )
            }
        }
    }
}

impl std::error::Error for PolicyRefused {}

/// The policy in force. Only [`Policy::apply`] changes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    version: u64,
    assets: BTreeMap<Arc<str>, u8>,
    unbounded: BTreeSet<AccountName>,
    fields: BTreeMap<Arc<str>, FieldKind>,
    oracle_keys: BTreeMap<String, OracleKey>,
    oracle_feeds: BTreeMap<String, OracleFeed>,
}

impl Policy {
    /// How many changes made it; 0 for a new ledger.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Decimal places of each known asset.
    pub fn assets(&self) -> &BTreeMap<Arc<str>, u8> {
        &self.assets
    }

    /// Decimal places of an asset, if known.
    pub fn scale(&self, asset: &str) -> Option<u8> {
        self.assets.get(asset).copied()
    }

    /// The accounts that may go below zero, apart from `equity:opening`, which always may.
    pub fn unbounded(&self) -> &BTreeSet<AccountName> {
        &self.unbounded
    }

    /// Whether an account may go below zero.
    pub fn is_unbounded(&self, account: &str) -> bool {
        account == OPENING_ACCOUNT || self.unbounded.contains(account)
    }

    /// The kind of each known field.
    pub fn fields(&self) -> &BTreeMap<Arc<str>, FieldKind> {
        &self.fields
    }

    /// Trusted oracle keys by name.
    pub fn oracle_keys(&self) -> &BTreeMap<String, OracleKey> {
        &self.oracle_keys
    }

    /// Demands on oracle feeds by name.
    pub fn oracle_feeds(&self) -> &BTreeMap<String, OracleFeed> {
        &self.oracle_feeds
    }

    /// Makes one change and counts it; a change that is already so is allowed and not counted. Says whether
    /// anything changed. What depends on balances (the scale of an asset in use, bounding an account below zero)
    /// is refused by the store's commit, which knows them.
    ///
    /// # Errors
    /// When the change cannot be; the policy is then as it was.
    pub fn apply(&mut self, change: &PolicyChange) -> Result<bool, PolicyRefused> {
        let changed = match change {
            PolicyChange::AssetScale { asset, scale } => {
                name(asset)?;
                if *scale > MAX_SCALE {
                    return Err(PolicyRefused::ScaleTooLarge {
                        asset: asset.clone(),
                        scale: *scale,
                    });
                }
                self.assets.insert(asset.clone(), *scale) != Some(*scale)
            }
            PolicyChange::Unbounded(account) => {
                account.as_str() != OPENING_ACCOUNT && self.unbounded.insert(account.clone())
            }
            PolicyChange::Bounded(account) => {
                if account.as_str() == OPENING_ACCOUNT {
                    return Err(PolicyRefused::CannotBound(account.clone()));
                }
                self.unbounded.remove(account)
            }
            PolicyChange::Field { name: field, kind } => {
                name(field)?;
                if self.fields.get(field).is_some_and(|known| known != kind) {
                    return Err(PolicyRefused::FieldKind(field.clone()));
                }
                self.fields.insert(field.clone(), *kind).is_none()
            }
            PolicyChange::AddOracleKey(key) => {
                name(&key.key_id)?;
                key.feeds.iter().try_for_each(|feed| name(feed))?;
                self.oracle_keys.insert(key.key_id.clone(), key.clone()).as_ref() != Some(key)
            }
            PolicyChange::RemoveOracleKey(key_id) => {
                self.oracle_keys
                    .remove(key_id)
                    .ok_or_else(|| PolicyRefused::Unknown(key_id.clone()))?;
                true
            }
            PolicyChange::SetOracleFeed(feed) => {
                name(&feed.feed)?;
                feed.reference
                    .iter()
                    .chain(&feed.max_deviation)
                    .try_for_each(|text| decimal(text))?;
                self.oracle_feeds.insert(feed.feed.clone(), feed.clone()).as_ref() != Some(feed)
            }
            PolicyChange::RemoveOracleFeed(feed) => {
                self.oracle_feeds
                    .remove(feed)
                    .ok_or_else(|| PolicyRefused::Unknown(feed.clone()))?;
                true
            }
        };
        self.version += u64::from(changed);
        Ok(changed)
    }

    /// The changes that make this policy from an empty one.
    pub fn to_changes(&self) -> Vec<PolicyChange> {
        let assets = self.assets.iter().map(|(a, s)| PolicyChange::AssetScale {
            asset: a.clone(),
            scale: *s,
        });
        let accounts = self.unbounded.iter().cloned().map(PolicyChange::Unbounded);
        let fields = self.fields.iter().map(|(n, k)| PolicyChange::Field {
            name: n.clone(),
            kind: *k,
        });
        let keys = self.oracle_keys.values().cloned().map(PolicyChange::AddOracleKey);
        let feeds = self
            .oracle_feeds
            .values()
            .cloned()
            .map(PolicyChange::SetOracleFeed);
        assets
            .chain(accounts)
            .chain(fields)
            .chain(keys)
            .chain(feeds)
            .collect()
    }

    /// The policy that changes make from an empty one, counted as `version`.
    pub(crate) fn from_changes(version: u64, changes: &[PolicyChange]) -> Result<Self, PolicyRefused> {
        let mut policy = Self::default();
        for change in changes {
            policy.apply(change)?;
        }
        policy.version = version;
        Ok(policy)
    }
}

fn name(text: &str) -> Result<(), PolicyRefused> {
    if is_name(text) {
        Ok(())
    } else {
        Err(PolicyRefused::BadName(text.to_owned()))
    }
}

fn decimal(text: &str) -> Result<(), PolicyRefused> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let fits = text.len() <= 64
        && match text.split_once('.') {
            None => digits(text),
            Some((whole, fraction)) => digits(whole) && digits(fraction),
        };
    if fits {
        Ok(())
    } else {
        Err(PolicyRefused::BadDecimal(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(text: &str) -> AccountName {
        AccountName::new(text).unwrap()
    }

    #[test]
    fn changes_are_counted_once() {
        let mut policy = Policy::default();
        let usd = PolicyChange::AssetScale {
            asset: "USD".into(),
            scale: 2,
        };
        assert_eq!(policy.apply(&usd), Ok(true));
        assert_eq!(policy.apply(&usd), Ok(false));
        assert_eq!(policy.apply(&PolicyChange::Unbounded(account("fees"))), Ok(true));
        assert_eq!(policy.version(), 2);
        assert!(policy.is_unbounded("fees") && policy.is_unbounded(OPENING_ACCOUNT));
        assert_eq!(Policy::from_changes(2, &policy.to_changes()), Ok(policy.clone()));
        assert_eq!(policy.apply(&PolicyChange::Bounded(account("fees"))), Ok(true));
        assert!(!policy.is_unbounded("fees"));
    }

    #[test]
    fn what_cannot_be() {
        let mut policy = Policy::default();
        let bad = |policy: &mut Policy, change| assert!(policy.apply(&change).is_err());
        bad(
            &mut policy,
            PolicyChange::AssetScale {
                asset: "USD".into(),
                scale: 19,
            },
        );
        bad(
            &mut policy,
            PolicyChange::AssetScale {
                asset: "".into(),
                scale: 2,
            },
        );
        bad(&mut policy, PolicyChange::Bounded(account(OPENING_ACCOUNT)));
        bad(&mut policy, PolicyChange::RemoveOracleKey("k".into()));
        bad(&mut policy, PolicyChange::RemoveOracleFeed("f".into()));
        let field = |kind| PolicyChange::Field {
            name: "limit".into(),
            kind,
        };
        assert_eq!(policy.apply(&field(FieldKind::Integer)), Ok(true));
        bad(&mut policy, field(FieldKind::Bool));
        let feed = |reference: &str| {
            PolicyChange::SetOracleFeed(OracleFeed {
                feed: "BTC/USD".into(),
                max_age_ms: 1,
                max_future_skew_ms: 1,
                reference: Some(reference.into()),
                max_deviation: None,
            })
        };
        for text in ["", "-1", "1.", ".5", "1e3", "1.2.3"] {
            bad(&mut policy, feed(text));
        }
        assert_eq!(policy.apply(&feed("64000.50")), Ok(true));
        assert_eq!(policy.version(), 2);
    }
}
