//! Approvals: which records need the signatures of people, whose, and whether those given hold.
//!
//! The policy names approvers (Ed25519 keys) and rules: k of some of them, for the debits of some accounts or of all.
//! What is signed is a [`Plan`]; `prepare` holds every record to the rules that are in force before it, in every store,
//! and [`crate::verify()`] does so again. Without a rule nothing is asked and nothing here runs.

mod needs;
mod plan;
mod refused;
mod rules;
mod select;

pub use needs::{Need, Why};
pub use plan::{Plan, approver_key};
pub use refused::{ApprovalProblem, ApprovalRefused, SignedPart};
pub(crate) use rules::Approvals;
pub use rules::{ApprovalRule, Approver};
pub use select::{ApprovalReport, Selected, SignedPlan, select};

use crate::error::{LedgerError, Refusal};
use crate::policy::Policy;
use crate::receipt::LedgerId;
use crate::record::{Body, RecordKind};

/// Holds a record to the rules of `policy`, which is the one in force before the record. `rehearsal` lets approvals be
/// missing; those that are there must hold all the same.
pub(crate) fn check(
    policy: &Policy,
    ledger_id: LedgerId,
    body: &Body,
    rehearsal: bool,
) -> Result<(), LedgerError> {
    if policy.approval_rules().is_empty() {
        return Ok(());
    }
    // What is signed of an import or a policy change are its openings and changes, so there may be nothing else.
    if body.kind != RecordKind::Batch && !body.entries.is_empty() {
        return Err(Refusal::Malformed("an import or a policy change has entries").into());
    }
    let refuse = |problem| Err(ApprovalRefused::new(problem).into());
    let plan = Plan::of(ledger_id, policy.version(), body);
    for (index, approval) in body.approvals.iter().enumerate() {
        let approver = &approval.key_id;
        if body.approvals[..index]
            .iter()
            .any(|before| before.key_id == *approver)
        {
            return refuse(ApprovalProblem::Repeated(approver.clone()));
        }
        let Some(key) = policy.approvers().get(approver) else {
            return refuse(ApprovalProblem::UnknownKey(approver.clone()));
        };
        if approval.expires_ms < body.time_ms {
            return refuse(ApprovalProblem::Expired {
                approver: approver.clone(),
                expires_ms: approval.expires_ms,
            });
        }
        if !plan.is_signed(key, approval.expires_ms, &approval.signature) {
            return refuse(ApprovalProblem::Wrong(approver.clone()));
        }
    }
    match ApprovalRefused::missing(&needs::of(policy, body)) {
        Some(refused) if !rehearsal => Err(refused.into()),
        _ => Ok(()),
    }
}
