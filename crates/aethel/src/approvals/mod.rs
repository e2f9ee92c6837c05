//! Signatures of approvers: made, kept in files, and brought to the ledger.
//!
//! The library signs plans of runs ([`sign_run`]) and of single records such as imports and changes of the policy
//! ([`sign_record`]). Whether a signature counts is for the ledger to say.

mod file;

pub use file::{append, default_path, read, read_all, read_if_there};

use crate::ledger::{LedgerPath, now_ms};
use crate::oracle::{KeyFile, to_hex};
use crate::run::{RunOptions, run};
use aethel_ir::{Code, Diagnostic, SourceMap};
use aethel_ledger::{
    ApprovalReport, CommitOutcome, CommitRequest, LedgerError, LedgerStore, MemoryStore, Plan, SignedPlan,
    approver_key, select,
};
use aethel_runtime::{Approval, BatchResult};
use std::path::Path;
use std::time::Duration;

/// A secret key, and until when its signatures count.
pub struct Signer {
    secret: [u8; 32],
    expires_ms: u64,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer(until {})", self.expires_ms)
    }
}

impl Signer {
    /// From a secret key and the last moment at which its signatures count, in milliseconds since 1970.
    pub fn new(secret: [u8; 32], expires_ms: u64) -> Self {
        Self { secret, expires_ms }
    }

    /// From a key file, for signatures that count from now for some time.
    ///
    /// # Errors
    /// AE0901, AE0902.
    pub fn open(key: &Path, expires: Duration) -> Result<Self, Diagnostic> {
        let expires = u64::try_from(expires.as_millis()).unwrap_or(u64::MAX);
        Ok(Self::new(KeyFile::secret(key)?, now_ms().saturating_add(expires)))
    }

    /// When its signatures end, in milliseconds since 1970.
    pub fn expires_ms(&self) -> u64 {
        self.expires_ms
    }

    /// The name that the ledger has for the key.
    ///
    /// # Errors
    /// AE0827 when it has none.
    pub fn approver(&self, store: &dyn LedgerStore) -> Result<String, Diagnostic> {
        let public = approver_key(&self.secret);
        if let Some(name) = store.policy().approver(&public) {
            return Ok(name.to_owned());
        }
        let message = format!(
            "`{}` has no approver with this key, whose public part is {}",
            store.name(),
            to_hex(&public)
        );
        let help =
            "`aethel ledger policy` lists the approvers, `aethel ledger policy approver add` makes one";
        Err(Diagnostic::new(Code::AE0827, message).help(help))
    }

    /// Signs a plan in the name that the ledger has for the key.
    pub fn sign(&self, approver: &str, plan: &Plan) -> SignedPlan {
        SignedPlan {
            approver: approver.to_owned(),
            plan: plan.clone(),
            expires_ms: self.expires_ms,
            signature: plan.sign(&self.secret, self.expires_ms).to_vec(),
        }
    }
}

/// A batch of a file, rehearsed, and the signature under it.
#[derive(Debug)]
pub struct SignedBatch {
    /// What it would change.
    pub result: BatchResult,
    /// `None` when it was committed before or nothing of it needs approval.
    pub signed: Option<SignedPlan>,
}

/// Rehearses the batches of a file on what the ledger holds now, one after the other, and signs what each would commit.
/// A batch that would fail is not signed, nor is anything else of the file then. Nothing is written. The results show the
/// signatures of `options` and this one as given.
///
/// # Errors
/// What keeps the file from running, or the key from signing.
pub fn sign_run(
    path: &Path,
    options: &RunOptions,
    signer: &Signer,
    sources: &mut SourceMap,
) -> Result<(Vec<SignedBatch>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let one = |diagnostic: Diagnostic| vec![diagnostic];
    let ledger = LedgerPath::resolve(options.ledger.as_ref(), sources).map_err(one)?;
    let approver = {
        let store = ledger.open_existing(options.wait).map_err(one)?;
        signer.approver(&*store).map_err(one)?
    };
    let options = RunOptions {
        rehearse: true,
        dry_run: false,
        measure: false,
        ..options.clone()
    };
    let (report, _) = run(path, &options, sources, None, |report, _| report);
    let mut problems = report.diagnostics;
    let failures = report
        .results
        .iter()
        .filter_map(|result| result.diagnostic.as_deref());
    problems.extend(failures.cloned());
    if problems.iter().any(Diagnostic::is_error) {
        return Err(problems);
    }
    let sign = |mut result: BatchResult| {
        let approval = result.approval.as_mut().filter(|_| !result.already_committed);
        SignedBatch {
            signed: approval.map(|approval| sign_shown(approval, &approver, signer)),
            result,
        }
    };
    let signed: Vec<SignedBatch> = report.results.into_iter().map(sign).collect();
    let nothing_new = signed.iter().all(|batch| batch.result.already_committed);
    match nothing_new || signed.iter().any(|batch| batch.signed.is_some()) {
        true => Ok((signed, problems)),
        false => Err(one(no_rules())),
    }
}

/// Signs what is shown, and shows it as signed.
fn sign_shown(approval: &mut Approval, approver: &str, signer: &Signer) -> SignedPlan {
    for need in &mut approval.needs {
        if let Some(at) = need.could.iter().position(|name| name == approver) {
            let name = need.could.remove(at);
            need.given.push(name);
            need.given.sort();
        }
    }
    signer.sign(approver, &approval.plan)
}

fn no_rules() -> Diagnostic {
    Diagnostic::new(
        Code::AE0911,
        "the ledger has no rule that asks for approvals, so there is nothing to sign",
    )
    .help("`aethel ledger policy require` makes one")
}

/// Signs a record that is ready to be committed, such as an import or a change of the policy. `before` are signatures that
/// there are already, for what is shown.
///
/// # Errors
/// When the ledger has no such approver or no rules, or the record would not be taken for another reason.
pub fn sign_record(
    store: &dyn LedgerStore,
    request: &mut CommitRequest,
    before: &[SignedPlan],
    signer: &Signer,
) -> Result<(SignedPlan, Approval), Diagnostic> {
    let approver = signer.approver(store)?;
    let selected = select(store.policy(), store.head().ledger_id, &request.body, before)
        .map_err(|refused| refused.to_diagnostic())?;
    request.body.approvals = selected.approvals;
    let mut rehearsal = MemoryStore::rehearsal_of(store);
    let outcome = rehearsal.commit(request).map_err(|error| error.to_diagnostic())?;
    if !matches!(outcome, CommitOutcome::Committed { .. }) {
        let message = "it would not be committed: the ledger has it already, or something else in its place";
        return Err(
            Diagnostic::new(Code::AE0812, message).help("see what the command says without `--sign-with`")
        );
    }
    let report =
        ApprovalReport::of(store.policy(), store.head().ledger_id, &request.body).ok_or_else(no_rules)?;
    let mut approval = Approval::from(report);
    let signed = sign_shown(&mut approval, &approver, signer);
    Ok((signed, approval))
}

/// Commits a record with those of the signatures that are for it.
///
/// # Errors
/// What the ledger says; where approvals are not enough, why those given do not count.
pub fn commit(
    store: &mut dyn LedgerStore,
    request: &mut CommitRequest,
    signatures: &[SignedPlan],
) -> Result<CommitOutcome, Diagnostic> {
    let selected = select(store.policy(), store.head().ledger_id, &request.body, signatures)
        .map_err(|refused| refused.to_diagnostic())?;
    request.body.approvals.clone_from(&selected.approvals);
    store.commit(request).map_err(|error| match error {
        LedgerError::Approval(refused) => selected.explain(*refused).to_diagnostic(),
        error => error.to_diagnostic(),
    })
}
