//! Which of the signatures that somebody brings are for a record.

use super::needs::{self, Need};
use super::plan::Plan;
use super::refused::{ApprovalProblem, ApprovalRefused, SignedPart};
use crate::policy::Policy;
use crate::receipt::{Digest, LedgerId};
use crate::record::{Approval, Body};

/// A signature with the plan that it says it is for. Only what it says of itself: it counts when it fits the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPlan {
    /// Who signed.
    pub approver: String,
    /// What was signed.
    pub plan: Plan,
    /// The last moment at which it counts, in milliseconds since 1970.
    pub expires_ms: u64,
    /// The Ed25519 signature.
    pub signature: Vec<u8>,
}

/// What a record needs and has, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalReport {
    /// What there is to sign.
    pub plan: Plan,
    /// The needs of every rule that asks for something.
    pub needs: Vec<Need>,
}

/// The approvals that fit a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Those that hold, each approver once.
    pub approvals: Vec<Approval>,
    /// What is wrong with the first one that was meant for it and does not count.
    pub problem: Option<ApprovalProblem>,
}

impl Selected {
    /// What to tell when these were not enough: what is wrong with those that do not count, rather than that there are
    /// too few.
    pub fn explain(&self, refused: ApprovalRefused) -> ApprovalRefused {
        match (&refused.problem, &self.problem) {
            (ApprovalProblem::Missing, Some(problem)) => ApprovalRefused {
                problem: problem.clone(),
                missing: refused.missing,
            },
            _ => refused,
        }
    }
}

/// Picks from the signatures given those that are for this record, under the policy in force before it. One that is for
/// something else is left out: a file may hold those of other months too. Without rules nothing is picked.
///
/// # Errors
/// AE0822 and AE0827 for a signature that says that it is for exactly this record and does not hold.
pub fn select(
    policy: &Policy,
    ledger_id: LedgerId,
    body: &Body,
    given: &[SignedPlan],
) -> Result<Selected, ApprovalRefused> {
    let mut selected = Selected::default();
    if given.is_empty() || policy.approval_rules().is_empty() {
        return Ok(selected);
    }
    let plan = Plan::of(ledger_id, policy.version(), body);
    for signed in given.iter().filter(|signed| signed.plan.batch == plan.batch) {
        if let Some(problem) = other(signed, &plan, body.time_ms) {
            selected.problem.get_or_insert(problem);
            continue;
        }
        let Some(key) = policy.approvers().get(&signed.approver) else {
            return Err(ApprovalRefused::new(ApprovalProblem::UnknownKey(
                signed.approver.clone(),
            )));
        };
        if !plan.is_signed(key, signed.expires_ms, &signed.signature) {
            return Err(ApprovalRefused::new(ApprovalProblem::Wrong(
                signed.approver.clone(),
            )));
        }
        let known = selected.approvals.iter().any(|one| one.key_id == signed.approver);
        if known {
            selected
                .problem
                .get_or_insert(ApprovalProblem::Repeated(signed.approver.clone()));
            continue;
        }
        selected.approvals.push(Approval {
            key_id: signed.approver.clone(),
            expires_ms: signed.expires_ms,
            signature: signed.signature.clone(),
        });
    }
    Ok(selected)
}

/// Why a signature is not for this plan now, by what it says of itself.
fn other(signed: &SignedPlan, plan: &Plan, time_ms: u64) -> Option<ApprovalProblem> {
    let approver = signed.approver.clone();
    let theirs = &signed.plan;
    let differs = |a: Digest, b: Digest, part| (a != b).then_some(part);
    if theirs.ledger_id != plan.ledger_id {
        return Some(ApprovalProblem::OtherLedger {
            approver,
            ledger: theirs.ledger_id.to_string(),
        });
    }
    let part = differs(theirs.content, plan.content, SignedPart::Content)
        .or_else(|| (theirs.key != plan.key).then_some(SignedPart::Key));
    if let Some(part) = part {
        return Some(ApprovalProblem::OtherContent { approver, part });
    }
    if theirs.policy_version != plan.policy_version {
        return Some(ApprovalProblem::OtherPolicy {
            approver,
            signed: theirs.policy_version,
            now: plan.policy_version,
        });
    }
    if let Some(part) = differs(theirs.openings, plan.openings, SignedPart::Openings) {
        return Some(ApprovalProblem::OtherContent { approver, part });
    }
    (signed.expires_ms < time_ms).then_some(ApprovalProblem::Expired {
        approver,
        expires_ms: signed.expires_ms,
    })
}

impl ApprovalReport {
    /// What a record needs and has under the policy in force before it; `None` without rules.
    pub fn of(policy: &Policy, ledger_id: LedgerId, body: &Body) -> Option<Self> {
        (!policy.approval_rules().is_empty()).then(|| Self {
            plan: Plan::of(ledger_id, policy.version(), body),
            needs: needs::of(policy, body),
        })
    }

    /// What is missing, as the commit would refuse it; `None` when everything is there.
    pub fn missing(&self) -> Option<ApprovalRefused> {
        ApprovalRefused::missing(&self.needs)
    }
}
