//! What was found out about an intent.

use super::subject::State;
use super::terms::Duty;
use crate::encode::Claim;
use aethel_ir::{AssetId, ExprId, Site};

/// A row of what `check` proves for one intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Some state lets the guard pass.
    GuardCanHold,
    /// Some state lets the transaction go through.
    CanCommit,
    /// An asset's sum never changes.
    Conserves(AssetId),
    /// Effect n never leaves a bounded balance below zero.
    NoOverdraft(u16),
    /// The value there is always in the range of amounts.
    NoOverflow(Site),
    /// The divisor of this expression is never zero.
    NoDivisionByZero(ExprId),
    /// The value there is always whole.
    Exact(Site),
    /// Postcondition n always holds.
    Postcondition(u16),
    /// Guard condition n does not follow from the others.
    Needed(u16),
}

impl Check {
    pub(super) fn of(duty: Duty) -> Self {
        match duty {
            Duty::Conserves(asset) => Check::Conserves(asset),
            Duty::Claim(Claim::Divisor(at)) => Check::NoDivisionByZero(at),
            Duty::Claim(Claim::Whole(site)) => Check::Exact(site),
            Duty::Claim(Claim::InRange(site)) => Check::NoOverflow(site),
            Duty::Claim(Claim::NotOverdrawn(n)) => Check::NoOverdraft(n),
            Duty::Claim(Claim::Postcondition(n)) => Check::Postcondition(n),
            // The guard is assumed, not claimed; nobody asks for it.
            Duty::Claim(Claim::Guard(n)) => Check::Needed(n),
        }
    }

    /// Whether a run that meets this fault could never have succeeded, or changes how much value there is.
    pub fn is_fatal(self) -> bool {
        matches!(self, Check::GuardCanHold | Check::CanCommit | Check::Conserves(_))
    }
}

/// The answer to a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds for all states and all inputs.
    Proved,
    /// It does not.
    Refuted(Refutation),
    /// A budget is spent, or Z3 could not decide it. This is no success.
    Undecided {
        /// Why, for people.
        reason: String,
    },
    /// Z3 gave an example that the evaluator does not show: a bug in Aethel, and no success either.
    Disagreement {
        /// The example.
        state: State,
    },
}

/// Why a check does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refutation {
    /// The evaluator showed the fault from this state.
    Example(State),
    /// These conditions of the guard cannot hold together, none of them can be left out, and there may be others beside.
    Contradiction(Vec<u16>),
    /// Every state that passes the guard is stopped later, this one by this failure.
    Stopped(State),
    /// The other conditions of the guard imply it.
    Implied,
}

/// A check with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was asked.
    pub check: Check,
    /// The answer.
    pub verdict: Verdict,
}

/// Everything that was found out about an intent. When its guard cannot hold, nothing else was asked: every other claim
/// about it would be true and say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntentReport {
    /// The findings. Ranges that only unbounded accounts or fields could leave are not asked about, nor any range when
    /// something else is refuted: that would say the same again.
    pub findings: Vec<Finding>,
    /// How many queries Z3 answered.
    pub queries: u32,
    /// The time it took, for people.
    pub nanoseconds: u64,
    /// The answers were proved before for another intent of the shape.
    pub cached: bool,
}

impl IntentReport {
    /// Nothing is known, for this reason.
    pub fn undecided(reason: &str) -> Self {
        let mut report = Self::default();
        let reason = reason.to_owned();
        report.push(Check::CanCommit, Verdict::Undecided { reason });
        report
    }

    /// The answer to a check, if it was asked.
    pub fn verdict(&self, check: Check) -> Option<&Verdict> {
        let found = self.findings.iter().find(|finding| finding.check == check);
        found.map(|finding| &finding.verdict)
    }

    pub(super) fn push(&mut self, check: Check, verdict: Verdict) {
        self.findings.push(Finding { check, verdict });
    }
}
