//! Opening balances from elsewhere, as one batch.

use crate::codec::Writer;
use crate::places::PlaceKey;
use crate::policy::PolicyChange;
use crate::receipt::{Digest, IMPORT_DOMAIN};
use crate::record::{BatchKey, Body, Opening, RecordKind};
use crate::store::CommitRequest;
use aethel_ir::AccountName;
use std::sync::Arc;

/// An account and what it holds at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportLine {
    /// Whose.
    pub account: AccountName,
    /// Of what.
    pub asset: Arc<str>,
    /// Minor units.
    pub amount: i128,
}

/// The request that opens these balances, all or none. The order of the lines does not matter: the same list
/// imported again under the same name is `AlreadyCommitted`. `policy_changes` are those that a new ledger needs,
/// such as the scales of the assets.
///
/// An account that is listed twice in an asset is refused by the commit.
pub fn import(
    name: &str,
    time_ms: u64,
    lines: &[ImportLine],
    policy_changes: Vec<PolicyChange>,
) -> CommitRequest {
    let mut sorted: Vec<(PlaceKey, i128)> = lines
        .iter()
        .map(|line| {
            (
                PlaceKey::balance(line.account.clone(), line.asset.clone()),
                line.amount,
            )
        })
        .collect();
    sorted.sort();
    let mut content = Writer::default();
    for (place, amount) in &sorted {
        content.bytes(&place.to_bytes());
        content.int(*amount);
    }
    let content = Digest::of(IMPORT_DOMAIN, &content.into_bytes());
    let mut body = Body::new(
        RecordKind::Import,
        time_ms,
        name,
        BatchKey::Content(content),
        content,
    );
    body.policy_changes = policy_changes;
    body.openings = (0..)
        .zip(&sorted)
        .map(|(place, (_, amount))| Opening {
            place,
            amount: *amount,
        })
        .collect();
    (body.places, body.values) = sorted.into_iter().unzip();
    CommitRequest {
        lemmas: Vec::new(),
        versions: vec![0; body.places.len()],
        expected: Vec::new(),
        body,
        certificate: Vec::new(),
    }
}
