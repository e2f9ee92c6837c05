//! Signatures of approvers: made, kept in files, and brought to the ledger.
//!
//! The library signs plans of runs ([`sign_run`]) and of single records such as imports and changes of the policy
//! ([`sign_record`]). Whether a signature counts is for the ledger to say.

use crate::files;
use crate::ledger::{LedgerPath, now_ms};
use crate::oracle::{KeyFile, hex, to_hex};
use crate::run::{RunOptions, run};
use aethel_ir::{Code, Diagnostic, SourceMap, quote};
use aethel_ledger::{
    ApprovalReport, BatchKey, CommitOutcome, CommitRequest, Digest, LedgerError, LedgerId, LedgerStore, Plan,
    SignedPlan, approver_key, select,
};
use aethel_runtime::{Approval, BatchResult};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest file of signatures that is read.
const MAX_BYTES: u64 = 16 << 20;

/// A file of signatures; `docs/schema/signatures.schema.json` describes it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureFile {
    schema: u32,
    signatures: Vec<Entry>,
}

/// One signature, and what it says that it is for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    approver: String,
    ledger: String,
    batch: String,
    key: String,
    content: String,
    openings: String,
    policy_version: u64,
    expires_ms: u64,
    signature: String,
}

impl From<&SignedPlan> for Entry {
    fn from(signed: &SignedPlan) -> Self {
        let plan = &signed.plan;
        Self {
            approver: signed.approver.clone(),
            ledger: plan.ledger_id.to_string(),
            batch: plan.batch.clone(),
            key: key_text(&plan.key),
            content: plan.content.to_string(),
            openings: plan.openings.to_string(),
            policy_version: plan.policy_version,
            expires_ms: signed.expires_ms,
            signature: to_hex(&signed.signature),
        }
    }
}

impl Entry {
    /// What it says; the part that cannot be read otherwise.
    fn read(self) -> Result<SignedPlan, &'static str> {
        Ok(SignedPlan {
            approver: self.approver,
            plan: Plan {
                ledger_id: LedgerId(hex(&self.ledger).ok_or("ledger")?),
                batch: self.batch,
                key: key_from(&self.key).ok_or("key")?,
                content: Digest(hex(&self.content).ok_or("content")?),
                openings: Digest(hex(&self.openings).ok_or("openings")?),
                policy_version: self.policy_version,
            },
            expires_ms: self.expires_ms,
            signature: hex::<64>(&self.signature).ok_or("signature")?.to_vec(),
        })
    }
}

/// A key as it stands in files: its kind and all of it.
fn key_text(key: &BatchKey) -> String {
    match key {
        BatchKey::User(text) => format!("user:{text}"),
        BatchKey::Content(digest) => format!("content:{digest}"),
        BatchKey::Again(receipt) => format!("again:{receipt}"),
        BatchKey::Unique(bytes) => format!("call:{}", to_hex(bytes)),
    }
}

fn key_from(text: &str) -> Option<BatchKey> {
    let (kind, rest) = text.split_once(':')?;
    Some(match kind {
        "user" => BatchKey::User(rest.into()),
        "content" => BatchKey::Content(Digest(hex(rest)?)),
        "again" => BatchKey::Again(Digest(hex(rest)?)),
        "call" => BatchKey::Unique(hex(rest)?),
        _ => return None,
    })
}

/// The signatures in a file.
///
/// # Errors
/// AE0901 when it cannot be read, AE0902 when it is no file of signatures.
pub fn read(path: &Path) -> Result<Vec<SignedPlan>, Diagnostic> {
    let bytes = files::read_named(path, MAX_BYTES)?;
    let wrong = |why: String| {
        let shown = quote(&path.to_string_lossy());
        Diagnostic::new(
            Code::AE0902,
            format!("`{shown}` is not a file of signatures: {why}"),
        )
        .help("`aethel sign` makes one; take it as it was made")
    };
    let file: SignatureFile = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if file.schema != 1 {
        return Err(wrong(format!("schema {} is not known", file.schema)));
    }
    let entries = file.signatures.into_iter().zip(1..);
    entries
        .map(|(entry, number)| {
            entry
                .read()
                .map_err(|part| wrong(format!("`{part}` of signature {number} is not as it is written")))
        })
        .collect()
}

/// The signatures in several files.
///
/// # Errors
/// As [`read`].
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<SignedPlan>, Diagnostic> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(read(path)?);
    }
    Ok(all)
}

/// The signatures in a file that need not be there yet.
///
/// # Errors
/// As [`read`].
pub fn read_if_there(path: &Path) -> Result<Vec<SignedPlan>, Diagnostic> {
    match path.exists() {
        true => read(path),
        false => Ok(Vec::new()),
    }
}

/// Puts signatures into a file beside those that it has. Another signature of the same approver under the same plan
/// takes the place of the first. The file is replaced as a whole.
///
/// # Errors
/// AE0901, AE0902.
pub fn append(path: &Path, signed: &[SignedPlan]) -> Result<(), Diagnostic> {
    let mut all = read_if_there(path)?;
    let replaced = |old: &SignedPlan| {
        signed
            .iter()
            .any(|new| new.approver == old.approver && new.plan == old.plan)
    };
    all.retain(|old| !replaced(old));
    all.extend(signed.iter().cloned());
    let file = SignatureFile {
        schema: 1,
        signatures: all.iter().map(Entry::from).collect(),
    };
    let fail = |error: std::io::Error| {
        Diagnostic::new(
            Code::AE0901,
            format!("cannot write `{}`: {error}", quote(&path.to_string_lossy())),
        )
        .help("name another file with `--out`")
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let text = serde_json::to_string_pretty(&file).unwrap_or_default();
    let write = || {
        let mut out = std::fs::File::create(&beside)?;
        writeln!(out, "{text}")?;
        out.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        fail(error)
    })
}

/// Where signatures for a file go when nothing else is said: `payroll.ae` has `payroll.sig.json`.
pub fn default_path(subject: &Path) -> PathBuf {
    subject.with_extension("sig.json")
}

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
    match signed.iter().any(|batch| batch.signed.is_some())
        || signed.iter().all(|b| b.result.already_committed)
    {
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
    let mut rehearsal = aethel_ledger::MemoryStore::rehearsal_of(store);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_round_trip() {
        let directory = std::env::temp_dir().join(format!("aethel-signatures-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("x.sig.json");
        let keys = [
            BatchKey::User("2026-03: \"a\"".into()),
            BatchKey::Content(Digest([1; 32])),
            BatchKey::Again(Digest([2; 32])),
            BatchKey::Unique([3; 16]),
        ];
        let signed: Vec<SignedPlan> = keys
            .into_iter()
            .map(|key| SignedPlan {
                approver: "ann".into(),
                plan: Plan {
                    ledger_id: LedgerId([4; 16]),
                    batch: "pay".into(),
                    key,
                    content: Digest([5; 32]),
                    openings: Digest([6; 32]),
                    policy_version: 7,
                },
                expires_ms: 8,
                signature: vec![9; 64],
            })
            .collect();
        append(&path, &signed[..2]).unwrap();
        append(&path, &signed[2..]).unwrap();
        assert_eq!(read(&path).unwrap(), signed);
        // Signed once more, for longer.
        let mut longer = signed[0].clone();
        longer.expires_ms = 100;
        append(&path, std::slice::from_ref(&longer)).unwrap();
        let now = read(&path).unwrap();
        assert_eq!(
            (now.len(), now.contains(&longer), now.contains(&signed[0])),
            (4, true, false)
        );
        for wrong in [
            "",
            "{}",
            "{\"schema\": 2, \"signatures\": []}",
            "{\"schema\": 1, \"signatures\": [{}]}",
            "{\"schema\": 1, \"signatures\": [], \"more\": 1}",
        ] {
            std::fs::write(&path, wrong).unwrap();
            assert_eq!(read(&path).unwrap_err().code, Code::AE0902, "{wrong}");
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
