//! What belongs to the ledger and not to a program: scales of assets, unbounded accounts, kinds of fields, and
//! whose word about prices is taken. Every change is journalled in a record.

mod refused;
#[cfg(test)]
mod tests;

pub use refused::PolicyRefused;

use crate::approval::{ApprovalRule, Approvals, Approver};
use crate::places::{FieldKey, PlaceKey, is_name};
use aethel_ir::AccountName;
use aethel_ir::account::OPENING_ACCOUNT;
use aethel_ir::money::format_amount;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Somebody can approve.
    AddApprover(Approver),
    /// Somebody can approve no longer, and is in no rule.
    RemoveApprover(String),
    /// A rule about approvals is this one.
    SetApprovalRule(ApprovalRule),
    /// A rule about approvals no longer holds.
    RemoveApprovalRule(String),
}

/// The policy in force. Only [`Policy::apply`] changes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    version: u64,
    assets: BTreeMap<Arc<str>, u8>,
    unbounded: BTreeSet<AccountName>,
    fields: BTreeMap<Arc<str>, FieldKind>,
    oracle_keys: BTreeMap<String, OracleKey>,
    oracle_feeds: BTreeMap<String, OracleFeed>,
    approvals: Approvals,
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

    /// A value of a place as a program reads it: an amount as a plain decimal in units, a whole number, or a truth value.
    pub fn plain(&self, place: &PlaceKey, value: i128) -> String {
        match &place.field {
            FieldKey::Balance { asset } => format_amount(value, self.scale(asset).unwrap_or(0)),
            FieldKey::Integer { .. } => value.to_string(),
            FieldKey::Bool { .. } => (value != 0).to_string(),
        }
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

    /// Whether an asset, or a field of this kind, is known.
    pub(crate) fn knows(&self, field: &FieldKey) -> bool {
        let kind = match field {
            FieldKey::Balance { asset } => return self.assets.contains_key(asset),
            FieldKey::Integer { .. } => FieldKind::Integer,
            FieldKey::Bool { .. } => FieldKind::Bool,
        };
        self.fields.get(field.name()) == Some(&kind)
    }

    /// Trusted oracle keys by name.
    pub fn oracle_keys(&self) -> &BTreeMap<String, OracleKey> {
        &self.oracle_keys
    }

    /// Demands on oracle feeds by name.
    pub fn oracle_feeds(&self) -> &BTreeMap<String, OracleFeed> {
        &self.oracle_feeds
    }

    /// The public keys of approvers by name.
    pub fn approvers(&self) -> &BTreeMap<String, [u8; 32]> {
        self.approvals.approvers()
    }

    /// The name of the approver with this public key.
    pub fn approver(&self, public_key: &[u8; 32]) -> Option<&str> {
        let mut approvers = self.approvers().iter();
        let found = approvers.find(|(_, key)| *key == public_key);
        found.map(|(name, _)| name.as_str())
    }

    /// The rules about approvals by name; without any, nothing needs one.
    pub fn approval_rules(&self) -> &BTreeMap<String, ApprovalRule> {
        self.approvals.rules()
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
                if let Some(rule) = self.approvals.limit_in(asset)
                    && self.scale(asset) != Some(*scale)
                {
                    return Err(PolicyRefused::ScaleInRule {
                        asset: asset.clone(),
                        rule: rule.name.clone(),
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
            PolicyChange::AddApprover(approver) => self.approvals.add(approver)?,
            PolicyChange::RemoveApprover(name) => self.approvals.remove(name)?,
            PolicyChange::SetApprovalRule(rule) => self.approvals.set(rule, &self.assets)?,
            PolicyChange::RemoveApprovalRule(name) => self.approvals.drop_rule(name)?,
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
        let approvers = self.approvers().iter().map(|(name, public_key)| {
            PolicyChange::AddApprover(Approver {
                name: name.clone(),
                public_key: *public_key,
            })
        });
        // After the assets and approvers that they name.
        let rules = self
            .approval_rules()
            .values()
            .cloned()
            .map(PolicyChange::SetApprovalRule);
        assets
            .chain(accounts)
            .chain(fields)
            .chain(keys)
            .chain(feeds)
            .chain(approvers)
            .chain(rules)
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

/// Refuses what cannot be the name of anything in a policy.
pub(crate) fn name(text: &str) -> Result<(), PolicyRefused> {
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
