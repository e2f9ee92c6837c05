//! ⑥ Commit.
//!
//! Takes a run that was proved and conserves, the snapshot that it began with, and the batch's identity. Gives the
//! ledger's answer: committed under a receipt, committed before, or the key or the balances were taken meanwhile.
//! Refuses with the ledger's own errors (AE08xx). It is the only writer of the store, and writes once: all of the
//! batch with its openings, first uses, oracle proofs and certificate, or nothing.

use crate::Refusal;
use crate::dependency_analyzer::DependencyGraph;
use crate::oracle::OracleCheck;
use crate::preparation::Snapshot;
use crate::serial::Run;
use aethel_ir::{Batch, Names, OPENING_ACCOUNT, TransactionId};
use aethel_ledger::{
    BatchKey, Body, CommitOutcome, CommitRequest, Digest, FieldKey, LedgerStore, Opening, OracleEvidence,
    OracleProof, PolicyChange, RecordKind, TransactionNames,
};

/// Everything that goes into one record.
pub(crate) struct CommitInput<'a> {
    pub batch: &'a Batch,
    pub graph: &'a DependencyGraph,
    pub snapshot: &'a Snapshot,
    pub run: &'a Run,
    pub key: &'a BatchKey,
    pub content: Digest,
    pub program: Option<&'a str>,
    pub policy_changes: &'a [PolicyChange],
    pub oracles: &'a OracleCheck<'a>,
    /// How many of the oracle proofs were used.
    pub oracles_used: usize,
    pub certificate: Vec<u8>,
    /// The lemmas that the certificate names, by digest.
    pub lemmas: Vec<(Digest, Vec<u8>)>,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: i64,
}

/// Writes a batch to the ledger.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommitManager;

impl CommitManager {
    /// Stage ⑥; see the module's contract.
    ///
    /// # Errors
    /// What the store says; nothing was committed then, except with AE0811, where that is not known.
    pub(crate) fn commit(
        &self,
        store: &mut dyn LedgerStore,
        input: CommitInput<'_>,
    ) -> Result<CommitOutcome, Refusal> {
        let request = request(input);
        store
            .commit(&request)
            .map_err(|error| Box::new(error.to_diagnostic()))
    }
}

fn request(input: CommitInput<'_>) -> CommitRequest {
    let time_ms = u64::try_from(input.time_ms).unwrap_or(0);
    let name = input.batch.name.to_string();
    let mut body = Body::new(RecordKind::Batch, time_ms, name, input.key.clone(), input.content);
    body.program = input.program.map(str::to_owned);
    body.policy_changes = input.policy_changes.to_vec();
    body.transactions = names(input.batch, &input.graph.order);
    let listed = list_places(&input, &mut body);
    list_entries(&input, &listed, &mut body);
    body.oracles = evidence(&input);

    let mut expected: Vec<_> = Vec::with_capacity(input.snapshot.keys.len());
    let pair = |index: usize| (input.snapshot.keys[index].clone(), input.snapshot.versions[index]);
    // Those that are written first and in the order of the body, which the store is quickest with.
    expected.extend((0..listed.len()).filter(|i| listed[*i] != NOT_LISTED).map(pair));
    expected.extend((0..listed.len()).filter(|i| listed[*i] == NOT_LISTED).map(pair));
    CommitRequest {
        expected,
        body,
        certificate: input.certificate,
        lemmas: input.lemmas,
    }
}

const NOT_LISTED: u32 = u32::MAX;

/// The places that are opened or written; gives for each place of the batch its number among them.
fn list_places(input: &CommitInput<'_>, body: &mut Body) -> Vec<u32> {
    let count = input.batch.places.len();
    let mut changed = vec![false; count];
    for (index, chain) in (0..count).map(|index| (index, input.graph.chains(input.batch).row(index))) {
        changed[index] = chain.iter().any(|access| access.writes);
    }
    for (place, _) in &input.snapshot.openings {
        changed[place.0 as usize] = true;
    }
    let mut listed = vec![NOT_LISTED; count];
    for index in (0..count).filter(|index| changed[*index]) {
        listed[index] = body.places.len() as u32;
        body.places.push(input.snapshot.keys[index].clone());
        body.values.push(input.run.final_values[index]);
    }
    for (place, amount) in &input.snapshot.openings {
        body.openings.push(Opening {
            place: listed[place.0 as usize],
            amount: *amount,
        });
    }
    draw_on_openings(input, body);
    listed
}

/// Where the batch itself writes `equity:opening`, the openings of the record draw on it too.
fn draw_on_openings(input: &CommitInput<'_>, body: &mut Body) {
    for (key, value) in body.places.iter().zip(&mut body.values) {
        let FieldKey::Balance { asset } = &key.field else {
            continue;
        };
        if key.account.as_str() != OPENING_ACCOUNT {
            continue;
        }
        for (place, amount) in &input.snapshot.openings {
            if input.snapshot.keys[place.0 as usize].field.asset() == Some(asset) {
                *value = value.saturating_sub(*amount);
            }
        }
    }
}

fn list_entries(input: &CommitInput<'_>, listed: &[u32], body: &mut Body) {
    let layout = &input.graph.layout;
    for (position, id) in input.graph.order.iter().enumerate() {
        input
            .run
            .each_change(input.batch, layout, *id, |_, place, amount| {
                body.entries
                    .push(listed[place.0 as usize], amount, position as u32);
            });
    }
}

/// The names in batch order; neighbouring rows of one loop are one run.
fn names(batch: &Batch, order: &[TransactionId]) -> TransactionNames {
    let mut names = TransactionNames::new();
    let mut index = 0;
    while let Some(id) = order.get(index) {
        let Some(view) = batch.transaction(*id) else { break };
        let Names::Rows(prefix) = &view.group.names else {
            names.push(batch.transaction_name(*id));
            index += 1;
            continue;
        };
        let group = batch.transactions[id.0 as usize].group;
        let follows = |(offset, id): &(usize, &TransactionId)| {
            let reference = batch.transactions[id.0 as usize];
            reference.group == group && reference.row as usize == view.row as usize + offset
        };
        let count = order[index..].iter().enumerate().take_while(follows).count();
        names.push_run(format!("{prefix} row "), u64::from(view.row) + 1, count as u32);
        index += count;
    }
    names
}

fn evidence(input: &CommitInput<'_>) -> Option<OracleEvidence> {
    let milliseconds = |seconds: i64| u64::try_from(seconds.saturating_mul(1000)).unwrap_or(0);
    (input.oracles_used > 0).then(|| OracleEvidence {
        clock_ms: u64::try_from(input.oracles.now_ms).unwrap_or(0),
        proofs: input
            .oracles
            .proofs
            .iter()
            .map(|proof| OracleProof {
                feed: proof.feed.clone(),
                value: proof.value.clone(),
                timestamp_ms: milliseconds(proof.timestamp),
                key_id: proof.key_id.clone(),
                signature: proof.signature.to_vec(),
            })
            .collect(),
    })
}
