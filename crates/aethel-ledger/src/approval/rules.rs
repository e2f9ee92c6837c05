//! Who approves what: the part of the policy that approvals are held to.

use crate::places::MAX_MINOR_UNITS;
use crate::policy::{PolicyRefused, name};
use aethel_ir::AccountName;
use ed25519_dalek::VerifyingKey;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Somebody whose signature can approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// The name rules and records call them by.
    pub name: String,
    /// The Ed25519 public key.
    pub public_key: [u8; 32],
}

/// What needs approval, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRule {
    /// The rule's name.
    pub name: String,
    /// How many of the keys must sign.
    pub needed: u32,
    /// The names of the approvers that may.
    pub keys: BTreeSet<String>,
    /// The accounts whose debits it is about; empty means all.
    pub accounts: BTreeSet<AccountName>,
    /// By asset, the gross debits of an account in a batch up to which nothing is asked, in minor units. Of an asset
    /// that is not listed every debit counts.
    pub above: BTreeMap<Arc<str>, i128>,
}

impl ApprovalRule {
    /// Whether the rule is about this account's debits.
    pub fn covers(&self, account: &AccountName) -> bool {
        self.accounts.is_empty() || self.accounts.contains(account)
    }

    fn is_reachable(&self) -> bool {
        self.needed >= 1 && self.needed as usize <= self.keys.len()
    }

    fn out_of_reach(&self) -> PolicyRefused {
        PolicyRefused::RuleOutOfReach {
            rule: self.name.clone(),
            needed: self.needed,
            keys: self.keys.len(),
        }
    }
}

/// The approvers and rules of a policy. No change leaves a rule that its keys cannot meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Approvals {
    approvers: BTreeMap<String, [u8; 32]>,
    rules: BTreeMap<String, ApprovalRule>,
}

impl Approvals {
    pub(crate) fn approvers(&self) -> &BTreeMap<String, [u8; 32]> {
        &self.approvers
    }

    pub(crate) fn rules(&self) -> &BTreeMap<String, ApprovalRule> {
        &self.rules
    }

    /// Lets somebody approve. Says whether anything changed, as the others do.
    pub(crate) fn add(&mut self, approver: &Approver) -> Result<bool, PolicyRefused> {
        name(&approver.name)?;
        // Under a weak key anybody can sign anything.
        let usable = VerifyingKey::from_bytes(&approver.public_key).is_ok_and(|key| !key.is_weak());
        if !usable {
            return Err(PolicyRefused::BadKey(approver.name.clone()));
        }
        if let Some(known) = self.approvers.get(&approver.name) {
            return match *known == approver.public_key {
                true => Ok(false),
                false => Err(PolicyRefused::ApproverKnown(approver.name.clone())),
            };
        }
        // One key under two names would count as two people.
        if let Some((known, _)) = self
            .approvers
            .iter()
            .find(|(_, key)| **key == approver.public_key)
        {
            return Err(PolicyRefused::KeyKnown {
                name: approver.name.clone(),
                known: known.clone(),
            });
        }
        self.approvers.insert(approver.name.clone(), approver.public_key);
        Ok(true)
    }

    /// Lets somebody approve no longer, and takes them out of every rule.
    pub(crate) fn remove(&mut self, approver: &str) -> Result<bool, PolicyRefused> {
        if !self.approvers.contains_key(approver) {
            return Err(PolicyRefused::UnknownApprover(approver.to_owned()));
        }
        let mut rules = self.rules.clone();
        for rule in rules.values_mut() {
            if rule.keys.remove(approver) && !rule.is_reachable() {
                return Err(rule.out_of_reach());
            }
        }
        self.rules = rules;
        self.approvers.remove(approver);
        Ok(true)
    }

    /// Makes a rule, or puts another one in its place. `assets` are those that the policy knows.
    pub(crate) fn set(
        &mut self,
        rule: &ApprovalRule,
        assets: &BTreeMap<Arc<str>, u8>,
    ) -> Result<bool, PolicyRefused> {
        name(&rule.name)?;
        if let Some(unknown) = rule.keys.iter().find(|key| !self.approvers.contains_key(*key)) {
            return Err(PolicyRefused::UnknownApprover(unknown.clone()));
        }
        if !rule.is_reachable() {
            return Err(rule.out_of_reach());
        }
        for (asset, limit) in &rule.above {
            if !assets.contains_key(asset) {
                return Err(PolicyRefused::UnknownAsset(asset.clone()));
            }
            if !(0..=MAX_MINOR_UNITS).contains(limit) {
                return Err(PolicyRefused::BadDecimal(limit.to_string()));
            }
        }
        Ok(self.rules.insert(rule.name.clone(), rule.clone()).as_ref() != Some(rule))
    }

    pub(crate) fn drop_rule(&mut self, rule: &str) -> Result<bool, PolicyRefused> {
        match self.rules.remove(rule) {
            Some(_) => Ok(true),
            None => Err(PolicyRefused::UnknownRule(rule.to_owned())),
        }
    }

    /// The rule that has a limit in this asset, whose meaning would change with its scale.
    pub(crate) fn limit_in(&self, asset: &str) -> Option<&ApprovalRule> {
        self.rules.values().find(|rule| rule.above.contains_key(asset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::approver_key;

    fn approver(name: &str, secret: u8) -> Approver {
        Approver {
            name: name.into(),
            public_key: approver_key(&[secret; 32]),
        }
    }

    fn rule(needed: u32, keys: &[&str]) -> ApprovalRule {
        ApprovalRule {
            name: "all".into(),
            needed,
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            accounts: BTreeSet::new(),
            above: BTreeMap::new(),
        }
    }

    fn two() -> Approvals {
        let mut approvals = Approvals::default();
        assert_eq!(approvals.add(&approver("ann", 1)), Ok(true));
        assert_eq!(approvals.add(&approver("ben", 2)), Ok(true));
        approvals
    }

    #[test]
    fn nobody_is_two_people() {
        let mut approvals = two();
        assert_eq!(approvals.add(&approver("ann", 1)), Ok(false));
        assert_eq!(
            approvals.add(&approver("ann", 3)),
            Err(PolicyRefused::ApproverKnown("ann".into()))
        );
        assert_eq!(
            approvals.add(&approver("cid", 1)),
            Err(PolicyRefused::KeyKnown {
                name: "cid".into(),
                known: "ann".into()
            })
        );
        // The neutral point: of order one, anything is signed under it.
        let mut weak = approver("cid", 3);
        weak.public_key = [0; 32];
        weak.public_key[0] = 1;
        assert_eq!(approvals.add(&weak), Err(PolicyRefused::BadKey("cid".into())));
    }

    #[test]
    fn no_change_locks_everybody_out() {
        let mut approvals = two();
        let assets = BTreeMap::from([("USD".into(), 2)]);
        let set = |approvals: &mut Approvals, rule: ApprovalRule| approvals.set(&rule, &assets);
        let beyond = |needed, keys| PolicyRefused::RuleOutOfReach {
            rule: "all".into(),
            needed,
            keys,
        };
        assert_eq!(set(&mut approvals, rule(3, &["ann", "ben"])), Err(beyond(3, 2)));
        assert_eq!(set(&mut approvals, rule(0, &["ann"])), Err(beyond(0, 1)));
        assert_eq!(set(&mut approvals, rule(1, &[])), Err(beyond(1, 0)));
        assert_eq!(
            set(&mut approvals, rule(1, &["cid"])),
            Err(PolicyRefused::UnknownApprover("cid".into()))
        );
        let mut limited = rule(1, &["ann"]);
        limited.above.insert("EUR".into(), 1);
        assert_eq!(
            set(&mut approvals, limited),
            Err(PolicyRefused::UnknownAsset("EUR".into()))
        );
        assert_eq!(set(&mut approvals, rule(2, &["ann", "ben"])), Ok(true));
        assert_eq!(set(&mut approvals, rule(2, &["ann", "ben"])), Ok(false));
        let before = approvals.clone();
        assert_eq!(approvals.remove("ben"), Err(beyond(2, 1)));
        assert_eq!(approvals, before);
        assert_eq!(set(&mut approvals, rule(1, &["ann", "ben"])), Ok(true));
        assert_eq!(approvals.remove("ben"), Ok(true));
        assert_eq!(approvals.rules()["all"].keys.len(), 1);
        assert_eq!(approvals.remove("ann"), Err(beyond(1, 0)));
        assert_eq!(approvals.drop_rule("all"), Ok(true));
        assert_eq!(approvals.remove("ann"), Ok(true));
    }
}
