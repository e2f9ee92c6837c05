//! Files of signatures; `docs/schema/signatures.schema.json` describes them.

use crate::files;
use crate::oracle::{from_hex, to_hex};
use aethel_ir::{Code, Diagnostic, quote};
use aethel_ledger::{BatchKey, Digest, LedgerId, Plan, SignedPlan};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The largest file of signatures that is read.
const MAX_BYTES: u64 = 16 << 20;

/// A file of signatures.
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
                ledger_id: LedgerId(from_hex(&self.ledger).ok_or("ledger")?),
                batch: self.batch,
                key: key_from(&self.key).ok_or("key")?,
                content: Digest(from_hex(&self.content).ok_or("content")?),
                openings: Digest(from_hex(&self.openings).ok_or("openings")?),
                policy_version: self.policy_version,
            },
            expires_ms: self.expires_ms,
            signature: from_hex::<64>(&self.signature).ok_or("signature")?.to_vec(),
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
        "content" => BatchKey::Content(Digest(from_hex(rest)?)),
        "again" => BatchKey::Again(Digest(from_hex(rest)?)),
        "call" => BatchKey::Unique(from_hex(rest)?),
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
    let text = serde_json::to_string_pretty(&file).unwrap_or_default();
    let written: io::Result<()> = files::write_whole(path, |out| {
        writeln!(out, "{text}")?;
        out.sync_all()
    });
    written.map_err(|error| files::cannot_write(path, &error).help("name another file with `--out`"))
}

/// Where signatures for a file go when nothing else is said: `payroll.ae` has `payroll.sig.json`.
pub fn default_path(subject: &Path) -> PathBuf {
    subject.with_extension("sig.json")
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
