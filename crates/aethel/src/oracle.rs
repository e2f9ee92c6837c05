//! Oracle keys and statements as files: made, signed, checked.

pub use aethel_runtime::oracle::{OracleProof, canonical_value, key_id, public_key, sign};

use crate::files;
use aethel_ir::{Code, Diagnostic, quote};
use aethel_ledger::{OracleFeed, OracleKey, Policy, PolicyChange};
use aethel_lower::OracleInput;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::Path;

/// A secret key as it stands in its file (JSON, mode 0600).
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// The key's name, which follows from the public key.
    pub key_id: String,
    /// The public key, 64 hexadecimal digits.
    pub public: String,
    /// The secret key, 64 hexadecimal digits.
    secret: String,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyFile({})", self.key_id)
    }
}

/// A signed statement as it stands under `oracles` in an inputs file.
#[derive(Clone, Debug, Serialize)]
pub struct ProofFile {
    /// The feed.
    pub feed: String,
    /// A decimal in units.
    pub value: String,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub timestamp: i64,
    /// Which key signed.
    pub key_id: String,
    /// 128 hexadecimal digits.
    pub signature: String,
}

impl From<&OracleProof> for ProofFile {
    fn from(proof: &OracleProof) -> Self {
        ProofFile {
            feed: proof.feed.clone(),
            value: proof.value.clone(),
            timestamp: proof.timestamp,
            key_id: proof.key_id.clone(),
            signature: to_hex(&proof.signature),
        }
    }
}

/// Bytes in hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly N bytes from hexadecimal.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, index) in bytes.iter_mut().zip((0..).step_by(2)) {
        let pair = text.get(index..index + 2)?;
        if !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

impl KeyFile {
    /// A new key from random bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        let public = public_key(secret);
        KeyFile {
            key_id: key_id(&public),
            public: to_hex(&public),
            secret: to_hex(secret),
        }
    }

    /// Writes it to a file that must not exist yet, readable by its owner only.
    ///
    /// # Errors
    /// AE0901.
    pub fn create(&self, path: &Path) -> Result<(), Diagnostic> {
        let fail = |error: io::Error| {
            files::cannot_write(path, &error).help("a key is never overwritten; choose another name")
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(fail)?;
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        writeln!(file, "{text}")
            .and_then(|()| file.sync_all())
            .map_err(fail)
    }

    /// Reads the secret from a key file.
    ///
    /// # Errors
    /// AE0901, AE0902.
    pub fn secret(path: &Path) -> Result<[u8; 32], Diagnostic> {
        let bytes = files::read_named(path, 1 << 16)?;
        let wrong = || {
            Diagnostic::new(
                Code::AE0902,
                format!("`{}` is not a key file", quote(&path.to_string_lossy())),
            )
            .help("`aethel oracle keygen` makes one")
        };
        let key: KeyFile = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        from_hex::<32>(&key.secret).ok_or_else(wrong)
    }
}

/// The statement behind an input. A signature that is not 128 hexadecimal digits becomes zeros, which fit no statement.
pub fn statement(input: &OracleInput) -> OracleProof {
    OracleProof {
        feed: input.feed.clone(),
        value: input.value.clone(),
        timestamp: input.timestamp,
        key_id: input.key_id.clone(),
        signature: from_hex::<64>(&input.signature).unwrap_or([0; 64]),
    }
}

/// Checks that a statement was signed by this key for this unit; its age is not looked at.
///
/// # Errors
/// AE0704, AE0705.
pub fn verify_statement(
    input: &OracleInput,
    public_key: &[u8; 32],
    asset: &str,
    scale: &str,
) -> Result<(), Box<Diagnostic>> {
    let proof = statement(input);
    // A policy that trusts this key alone, and asks for no freshness.
    let mut policy = Policy::default();
    let key = OracleKey {
        key_id: key_id(public_key),
        public_key: *public_key,
        feeds: Vec::new(),
    };
    let feed = OracleFeed {
        feed: proof.feed.clone(),
        max_age_ms: u64::MAX,
        max_future_skew_ms: u64::MAX,
        reference: None,
        max_deviation: None,
    };
    for change in [PolicyChange::AddOracleKey(key), PolicyChange::SetOracleFeed(feed)] {
        policy
            .apply(&change)
            .map_err(|refused| Diagnostic::new(Code::AE0704, refused.to_string()))?;
    }
    aethel_runtime::oracle::verify(
        &proof,
        asset,
        scale,
        &policy,
        proof.timestamp.saturating_mul(1_000),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal() {
        assert_eq!(from_hex::<2>("00fF"), Some([0, 255]));
        for bad in ["", "00f", "00fg", "+0ff", "00ff00", "é0f"] {
            assert_eq!(from_hex::<2>(bad), None, "{bad}");
        }
    }
}
