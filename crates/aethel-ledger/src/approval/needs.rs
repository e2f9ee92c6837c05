//! What a record needs, rule by rule, from what is in it.

use super::rules::ApprovalRule;
use crate::places::PlaceKey;
use crate::policy::Policy;
use crate::record::{Body, RecordKind};
use aethel_ir::account::OPENING_ACCOUNT;
use aethel_ir::diagnostic::quote;
use aethel_ir::money::format_grouped;
use std::sync::Arc;

/// Why a record needs a rule's approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It changes the policy.
    Policy,
    /// It is an import.
    Import,
    /// It opens a place, or takes from `equity:opening` as openings do.
    Opening(PlaceKey),
    /// It debits an account.
    Debit {
        /// The account and asset.
        place: PlaceKey,
        /// All that the batch takes from it, in minor units; what it gives is not set off.
        gross: i128,
        /// The limit that this is above, when the rule has one.
        above: Option<i128>,
    },
}

/// The approvals that a rule asks of a record, and those that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The rule's name.
    pub rule: String,
    /// The first reason, of several.
    pub why: String,
    /// How many must sign.
    pub needed: u32,
    /// Who has signed, of those that may.
    pub given: Vec<String>,
    /// Who may still sign.
    pub could: Vec<String>,
}

impl Need {
    /// How many signatures are missing.
    pub fn missing(&self) -> usize {
        (self.needed as usize).saturating_sub(self.given.len())
    }
}

/// The needs of a record under a policy, one for each rule that asks for something. Whose approvals the record has is
/// taken from it as they stand; whether they hold is for the caller to know.
pub(crate) fn of(policy: &Policy, body: &Body) -> Vec<Need> {
    let rules = policy.approval_rules();
    if rules.is_empty() {
        return Vec::new();
    }
    let gross = gross_debits(body);
    let for_all = concerns_all(body, &gross);
    let needs = rules.values().filter_map(|rule| {
        let why = for_all.clone().or_else(|| debit(rule, body, &gross))?;
        let given = |key: &&String| body.approvals.iter().any(|approval| approval.key_id == **key);
        Some(Need {
            rule: rule.name.clone(),
            why: words(policy, &why),
            needed: rule.needed,
            given: rule.keys.iter().filter(given).cloned().collect(),
            could: rule.keys.iter().filter(|key| !given(key)).cloned().collect(),
        })
    });
    needs.collect()
}

/// What a record takes from each of its places, in minor units; 0 for fields. Sums beyond the range of numbers stay at
/// its end, which is above every limit.
fn gross_debits(body: &Body) -> Vec<i128> {
    let mut gross = vec![0_i128; body.places.len()];
    for (place, amount, _) in body.entries.iter().filter(|(_, amount, _)| *amount < 0) {
        let Some(sum) = gross.get_mut(place as usize) else {
            continue;
        };
        *sum = sum.saturating_sub(amount);
    }
    for (sum, place) in gross.iter_mut().zip(&body.places) {
        if place.field.asset().is_none() {
            *sum = 0;
        }
    }
    gross
}

/// What makes money or changes the rules concerns every rule.
fn concerns_all(body: &Body, gross: &[i128]) -> Option<Why> {
    match body.kind {
        RecordKind::Policy => return Some(Why::Policy),
        RecordKind::Import => return Some(Why::Import),
        RecordKind::Batch => {}
    }
    if let Some(opening) = body.openings.first() {
        return Some(Why::Opening(body.places.get(opening.place as usize)?.clone()));
    }
    let taken = body.places.iter().zip(gross);
    let mut taken = taken.filter(|(place, gross)| **gross > 0 && place.account.as_str() == OPENING_ACCOUNT);
    if let Some((place, _)) = taken.next() {
        return Some(Why::Opening(place.clone()));
    }
    (!body.policy_changes.is_empty()).then_some(Why::Policy)
}

/// The first debit that is above what the rule lets pass.
fn debit(rule: &ApprovalRule, body: &Body, gross: &[i128]) -> Option<Why> {
    body.places.iter().zip(gross).find_map(|(place, gross)| {
        let asset: &Arc<str> = place.field.asset()?;
        if *gross == 0 || !rule.covers(&place.account) {
            return None;
        }
        let above = rule.above.get(asset).copied();
        (*gross > above.unwrap_or(0)).then(|| Why::Debit {
            place: place.clone(),
            gross: *gross,
            above,
        })
    })
}

fn words(policy: &Policy, why: &Why) -> String {
    match why {
        Why::Policy => "the policy changes".to_owned(),
        Why::Import => "balances are imported".to_owned(),
        Why::Opening(place) if place.account.as_str() == OPENING_ACCOUNT => {
            format!("`{OPENING_ACCOUNT}` pays")
        }
        Why::Opening(place) => format!("`{}` is opened", quote(place.account.as_str())),
        Why::Debit { place, gross, above } => {
            let scale = policy.scale(place.field.name()).unwrap_or(0);
            let units =
                |minor: i128| format!("{} {}", format_grouped(minor, scale), quote(place.field.name()));
            let limit = above.map_or(String::new(), |limit| format!(", more than {}", units(limit)));
            format!(
                "`{}` pays {}{limit}",
                quote(place.account.as_str()),
                units(*gross)
            )
        }
    }
}
