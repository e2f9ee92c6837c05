//! Why approvals are not enough, for people.

use super::needs::Need;
use aethel_ir::diagnostic::quote;
use aethel_ir::time::utc;
use aethel_ir::{Code, Diagnostic};
use std::fmt;

/// The part of a plan that a signature has otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedPart {
    /// What makes the batch the same again.
    Key,
    /// What the batch means.
    Content,
    /// The openings, policy changes and kind of the record.
    Openings,
}

/// What is wrong with approvals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalProblem {
    /// There are too few.
    Missing,
    /// The signature is not the approver's under this plan.
    Wrong(String),
    /// It ended before the record's time.
    Expired {
        /// Who signed.
        approver: String,
        /// When it ended, in milliseconds since 1970.
        expires_ms: u64,
    },
    /// It is for something else under the same name.
    OtherContent {
        /// Who signed.
        approver: String,
        /// What differs.
        part: SignedPart,
    },
    /// It is for another ledger.
    OtherLedger {
        /// Who signed.
        approver: String,
        /// The other ledger's id.
        ledger: String,
    },
    /// It was given under another version of the policy.
    OtherPolicy {
        /// Who signed.
        approver: String,
        /// The version that was signed.
        signed: u64,
        /// The version in force.
        now: u64,
    },
    /// The policy knows no approver of this name.
    UnknownKey(String),
    /// The approver is there twice, and counts once.
    Repeated(String),
}

/// A record lacks approvals, or has wrong ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRefused {
    /// What is wrong.
    pub problem: ApprovalProblem,
    /// What is still needed, where that is known.
    pub missing: Vec<Need>,
}

impl ApprovalRefused {
    pub(crate) fn new(problem: ApprovalProblem) -> Self {
        Self {
            problem,
            missing: Vec::new(),
        }
    }

    /// What is missing of needs; `None` when everything is there.
    pub(crate) fn missing(needs: &[Need]) -> Option<Self> {
        let missing = needs.iter().filter(|need| need.missing() > 0);
        let missing: Vec<Need> = missing.cloned().collect();
        (!missing.is_empty()).then_some(Self {
            problem: ApprovalProblem::Missing,
            missing,
        })
    }

    /// The diagnostic code.
    pub fn code(&self) -> Code {
        match self.problem {
            ApprovalProblem::Missing => Code::AE0821,
            ApprovalProblem::Wrong(_) => Code::AE0822,
            ApprovalProblem::Expired { .. } => Code::AE0823,
            ApprovalProblem::OtherContent { .. } => Code::AE0824,
            ApprovalProblem::OtherLedger { .. } => Code::AE0825,
            ApprovalProblem::OtherPolicy { .. } => Code::AE0826,
            ApprovalProblem::UnknownKey(_) => Code::AE0827,
            ApprovalProblem::Repeated(_) => Code::AE0828,
        }
    }

    /// The diagnostic to show: what is wrong, what is still needed and what to do.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let what = match self.problem {
            ApprovalProblem::Missing => {
                "nothing was committed; `aethel sign` makes signatures, `--signatures FILE` brings them"
            }
            ApprovalProblem::Wrong(_) => {
                "nothing was committed; take the file as it was signed, or ask for a new signature"
            }
            ApprovalProblem::UnknownKey(_) => {
                "nothing was committed; `aethel ledger policy` lists the approvers"
            }
            ApprovalProblem::Repeated(_) => "nothing was committed; somebody else has to sign as well",
            ApprovalProblem::OtherContent {
                part: SignedPart::Key,
                ..
            } => "nothing was committed; each key, and each `--again`, needs signatures of its own",
            _ => "nothing was committed; sign again with `aethel sign`",
        };
        let help = match (&self.problem, needed(&self.missing)) {
            (ApprovalProblem::Missing, _) | (_, None) => what.to_owned(),
            (_, Some(needed)) => format!("{what}; {needed}"),
        };
        Diagnostic::new(self.code(), self.to_string()).help(help)
    }
}

/// The needs in words, `None` when there are none.
pub(crate) fn needed(missing: &[Need]) -> Option<String> {
    let one = |need: &Need| {
        let could: Vec<String> = need
            .could
            .iter()
            .map(|name| format!("`{}`", quote(name)))
            .collect();
        let all = need.given.len() + need.could.len();
        let who = match need.given.len() {
            0 => String::new(),
            n => format!(", has {n}"),
        };
        format!(
            "`{}` asks for {} of {all} signatures{who}, since {}; {} can sign",
            quote(&need.rule),
            need.needed,
            need.why,
            could.join(", ")
        )
    };
    let texts: Vec<String> = missing.iter().map(one).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

impl fmt::Display for ApprovalRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            ApprovalProblem::Missing => {
                let needed = needed(&self.missing).unwrap_or_default();
                write!(f, "approvals are missing: {needed}")
            }
            ApprovalProblem::Wrong(approver) => {
                write!(
                    f,
                    "the signature of `{}` does not fit what it is for",
                    quote(approver)
                )
            }
            ApprovalProblem::Expired { approver, expires_ms } => {
                write!(
                    f,
                    "the signature of `{}` ended at {}",
                    quote(approver),
                    utc(*expires_ms)
                )
            }
            ApprovalProblem::OtherContent { approver, part } => {
                let what = match part {
                    SignedPart::Key => "for another key of this batch",
                    SignedPart::Content => "for another content of this batch",
                    SignedPart::Openings => "for other opening balances or first uses of this batch",
                };
                write!(f, "the signature of `{}` is {what}", quote(approver))
            }
            ApprovalProblem::OtherLedger { approver, ledger } => {
                write!(
                    f,
                    "the signature of `{}` is for another ledger, {}",
                    quote(approver),
                    quote(ledger)
                )
            }
            ApprovalProblem::OtherPolicy {
                approver,
                signed,
                now,
            } => {
                write!(
                    f,
                    "the signature of `{}` is for policy version {signed}, in force is version {now}",
                    quote(approver)
                )
            }
            ApprovalProblem::UnknownKey(approver) => {
                write!(f, "the ledger knows no approver `{}`", quote(approver))
            }
            ApprovalProblem::Repeated(approver) => {
                write!(
                    f,
                    "`{}` signed more than once, which counts once",
                    quote(approver)
                )
            }
        }
    }
}

impl std::error::Error for ApprovalRefused {}
