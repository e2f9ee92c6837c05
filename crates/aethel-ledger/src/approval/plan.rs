//! What an approver signs. `docs/approvals.md` describes every byte.

use crate::codec::Writer;
use crate::policy_codec::write_changes;
use crate::receipt::{Digest, LedgerId, OPENINGS_DOMAIN, PLAN_DOMAIN};
use crate::record::{BatchKey, Body};
use crate::record_codec::{key_row, kind_tag};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// The domain of the signatures.
const DOMAIN: &[u8; 14] = b"aethel-plan-v1";

/// One record that is to be written, as far as it is approved: which ledger, what makes it the same record again, what
/// it means, and everything beside its meaning that it brings: first balances and changes of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The ledger.
    pub ledger_id: LedgerId,
    /// The batch's name.
    pub batch: String,
    /// What makes it the same batch again.
    pub key: BatchKey,
    /// Hash of what it means.
    pub content: Digest,
    /// Hash of the kind of record, its policy changes and its openings.
    pub openings: Digest,
    /// The version of the policy before it.
    pub policy_version: u64,
}

impl Plan {
    /// The plan of a record, from what it holds and the version of the policy before it.
    pub fn of(ledger_id: LedgerId, policy_version: u64, body: &Body) -> Self {
        Self {
            ledger_id,
            batch: body.batch.clone(),
            key: body.key.clone(),
            content: body.content,
            openings: openings(body),
            policy_version,
        }
    }

    /// The hash by which people compare what they sign. It leaves out when a signature ends.
    pub fn digest(&self) -> Digest {
        Digest::of(PLAN_DOMAIN, &self.common())
    }

    /// The bytes that are signed. `expires_ms` is the last moment at which the record may be written, in milliseconds
    /// since 1970.
    pub fn message(&self, expires_ms: u64) -> Vec<u8> {
        let mut bytes = self.common();
        bytes.extend_from_slice(&expires_ms.to_le_bytes());
        bytes
    }

    fn common(&self) -> Vec<u8> {
        let key = key_row(&self.batch, &self.key);
        let mut bytes = DOMAIN.to_vec();
        bytes.extend_from_slice(&self.ledger_id.0);
        bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&key);
        bytes.extend_from_slice(&self.content.0);
        bytes.extend_from_slice(&self.openings.0);
        bytes.extend_from_slice(&self.policy_version.to_le_bytes());
        bytes
    }

    /// Signs the plan with a secret key.
    pub fn sign(&self, secret: &[u8; 32], expires_ms: u64) -> [u8; 64] {
        SigningKey::from_bytes(secret)
            .sign(&self.message(expires_ms))
            .to_bytes()
    }

    /// Whether this is the signature of this key under the plan until then.
    pub fn is_signed(&self, public_key: &[u8; 32], expires_ms: u64, signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else {
            return false;
        };
        VerifyingKey::from_bytes(public_key)
            .is_ok_and(|key| key.verify_strict(&self.message(expires_ms), &signature).is_ok())
    }
}

/// The public key of a secret one.
pub fn approver_key(secret: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(secret).verifying_key().to_bytes()
}

/// Hash of everything that a record brings beside its content. The order in which it lists its openings does not count:
/// it comes from how a program was written.
fn openings(body: &Body) -> Digest {
    let mut out = Writer::default();
    out.byte(kind_tag(body.kind));
    write_changes(&mut out, &body.policy_changes);
    let mut openings: Vec<_> = body
        .openings
        .iter()
        .filter_map(|opening| Some((body.places.get(opening.place as usize)?, opening.amount)))
        .collect();
    openings.sort_unstable();
    out.uint(openings.len() as u64);
    for (place, amount) in openings {
        out.bytes(&place.to_bytes());
        out.int(amount);
    }
    Digest::of(OPENINGS_DOMAIN, &out.into_bytes())
}
