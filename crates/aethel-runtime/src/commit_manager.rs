//! ⑥ Commit.
//!
//! Takes a run that was proved and conserves, the snapshot that it began with, and the batch's identity. Gives the
//! ledger's answer: committed under a receipt, committed before, or the key or the balances were taken meanwhile.
//! Refuses with the ledger's own errors (AE08xx). It is the only writer of the store, and writes once: all of the
//! batch with its openings, first uses, oracle proofs, approvals and certificate, or nothing. Which approvals a record
//! needs, and whether they hold, is for the store to say; here those are picked that are for this record.

use crate::Refusal;
use crate::dependency_analyzer::DependencyGraph;
use crate::identity::run_of_rows;
use crate::oracle::OracleCheck;
use crate::serial::Run;
use aethel_certificate::Layout;
use aethel_ir::{Amounts, Batch, Column, Group, Names, OPENING_ACCOUNT, PlaceId, TransactionId};
use aethel_ledger::{
    ApprovalReport, BatchKey, Body, CommitOutcome, CommitRequest, Digest, Entries, FieldKey, LedgerError,
    LedgerStore, Opening, OracleEvidence, OracleProof, PlaceKey, PolicyChange, RecordKind, SignedPlan,
    TransactionNames, select,
};
use std::ops::Range;

/// Everything that goes into one record.
pub(crate) struct CommitInput<'a> {
    pub batch: &'a Batch,
    pub graph: &'a DependencyGraph,
    /// The ledger's name of each place of the batch.
    pub keys: Vec<PlaceKey>,
    /// The version that each place had, 0 when the ledger did not know it.
    pub versions: Vec<u64>,
    /// The places that this batch opens, and with what.
    pub openings: Vec<(PlaceId, i128)>,
    pub run: Run,
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
    /// The signatures that were brought, for this batch and others.
    pub signatures: &'a [SignedPlan],
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: i64,
}

/// The ledger's answer, and what went with it.
pub(crate) struct Committed {
    pub outcome: CommitOutcome,
    pub certificate: Vec<u8>,
    /// What approvals the ledger asks for; `None` when it has no rules about them.
    pub approval: Option<ApprovalReport>,
}

/// Writes a batch to the ledger.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommitManager;

impl CommitManager {
    /// Stage ⑥; see the module's contract. `ahead` hands the batch over without waiting until it is durable
    /// ([`LedgerStore::submit`]).
    ///
    /// # Errors
    /// What the store says; nothing was committed then, except with AE0811, where that is not known.
    pub(crate) fn commit(
        &self,
        store: &mut dyn LedgerStore,
        input: CommitInput<'_>,
        ahead: bool,
    ) -> Result<Committed, Refusal> {
        let signatures = input.signatures;
        let mut request = request(input);
        let ledger_id = store.head().ledger_id;
        let selected = select(store.policy(), ledger_id, &request.body, signatures)
            .map_err(|refused| Box::new(refused.to_diagnostic()))?;
        request.body.approvals.clone_from(&selected.approvals);
        let approval = ApprovalReport::of(store.policy(), ledger_id, &request.body);
        let outcome = match ahead {
            true => store.submit(&request),
            false => store.commit_from(&mut request),
        };
        match outcome {
            Ok(outcome) => Ok(Committed {
                outcome,
                certificate: request.certificate,
                approval,
            }),
            Err(LedgerError::Approval(refused)) => Err(Box::new(selected.explain(*refused).to_diagnostic())),
            Err(error) => Err(Box::new(error.to_diagnostic())),
        }
    }
}

/// The request, for which the columns of the run and the snapshot are used up: a batch may have a million places.
fn request(mut input: CommitInput<'_>) -> CommitRequest {
    let time_ms = u64::try_from(input.time_ms).unwrap_or(0);
    let name = input.batch.name.to_string();
    let mut body = Body::new(RecordKind::Batch, time_ms, name, input.key.clone(), input.content);
    body.program = input.program.map(str::to_owned);
    body.policy_changes = input.policy_changes.to_vec();
    body.transactions = names(input.batch, &input.graph.order);
    body.oracles = evidence(&input);
    let values = std::mem::take(&mut input.run.final_values);
    let listed = Listed::new(&input);
    body.entries = entries(&mut input, &listed);
    body.openings = listed.openings(std::mem::take(&mut input.openings));
    let mut expected = Vec::new();
    let mut versions = input.versions;
    (body.places, body.values) = match listed.numbers {
        None => (input.keys, values),
        Some(numbers) => {
            let mut places = (Vec::with_capacity(listed.count), Vec::with_capacity(listed.count));
            let mut kept = Vec::with_capacity(listed.count);
            for (((key, value), version), number) in
                input.keys.into_iter().zip(values).zip(versions).zip(numbers)
            {
                if number == NOT_LISTED {
                    expected.push((key, (version > 0).then_some(version)));
                } else {
                    places.0.push(key);
                    places.1.push(value);
                    kept.push(version);
                }
            }
            versions = kept;
            places
        }
    };
    draw_on_openings(&mut body);
    CommitRequest {
        versions,
        expected,
        body,
        certificate: input.certificate,
        lemmas: input.lemmas,
    }
}

const NOT_LISTED: u32 = u32::MAX;

/// The places that are opened or written: those that the record lists.
struct Listed {
    count: usize,
    /// For each place of the batch its number among them; `None` when all are listed.
    numbers: Option<Vec<u32>>,
}

impl Listed {
    fn new(input: &CommitInput<'_>) -> Self {
        let mut changed = written(input.batch, &input.graph.layout);
        for (place, _) in &input.openings {
            changed[place.0 as usize] = true;
        }
        let count = changed.iter().filter(|changed| **changed).count();
        if count == changed.len() {
            return Self { count, numbers: None };
        }
        let mut next = 0..;
        let number = |changed: bool| changed.then(|| next.next()).flatten().unwrap_or(NOT_LISTED);
        Self {
            count,
            numbers: Some(changed.into_iter().map(number).collect()),
        }
    }

    fn number(&self, place: PlaceId) -> u32 {
        match &self.numbers {
            None => place.0,
            Some(numbers) => numbers[place.0 as usize],
        }
    }

    /// Uses up what is there: a batch may open a million accounts.
    fn openings(&self, openings: Vec<(PlaceId, i128)>) -> Vec<Opening> {
        let opening = |(place, amount)| Opening {
            place: self.number(place),
            amount,
        };
        openings.into_iter().map(opening).collect()
    }
}

/// For each place, whether some transaction writes it.
fn written(batch: &Batch, layout: &Layout) -> Vec<bool> {
    let mut written = vec![false; batch.places.len()];
    for group in &batch.groups {
        let shape = &layout.shapes[group.intent as usize];
        let slots = shape.written_slots.iter();
        for column in slots.filter_map(|slot| group.places.get(usize::from(*slot))) {
            match column {
                Column::Same(place) if group.rows > 0 => written[place.0 as usize] = true,
                Column::Same(_) => {}
                Column::Each(places) => {
                    let places = places.iter().take(group.rows as usize);
                    places.for_each(|place| written[place.0 as usize] = true);
                }
            }
        }
    }
    written
}

/// Where the batch itself writes `equity:opening`, the openings of the record draw on it too.
fn draw_on_openings(body: &mut Body) {
    if body.openings.is_empty() {
        return;
    }
    for index in 0..body.places.len() {
        let FieldKey::Balance { asset } = &body.places[index].field else {
            continue;
        };
        if body.places[index].account.as_str() != OPENING_ACCOUNT {
            continue;
        }
        for opening in &body.openings {
            if body.places[opening.place as usize].field.asset() == Some(asset) {
                body.values[index] = body.values[index].saturating_sub(opening.amount);
            }
        }
    }
}

/// What the transactions did, in batch order. The log of the run becomes the amounts where it is in that order and of
/// what goes into the record.
fn entries(input: &mut CommitInput<'_>, listed: &Listed) -> Entries {
    let (batch, layout) = (input.batch, &input.graph.layout);
    // The places of which the run logs what goes into the record: changes in escrow, new values of fields.
    let mut as_logged: Vec<bool> = (0..batch.places.len() as u32)
        .map(|place| batch.asset_of(PlaceId(place)).is_none())
        .collect();
    input
        .run
        .escrow
        .iter()
        .for_each(|place| as_logged[place.0 as usize] = true);
    let all_logged = as_logged.iter().all(|logged| *logged);
    // Without `after`, batch order is source order, which logs lie in.
    let as_it_is = all_logged && input.graph.items.waits.is_empty();
    let count = layout.total_writes();
    let mut amounts: Vec<i128> = Vec::with_capacity(if as_it_is { 0 } else { count });
    let mut entries = Entries {
        place: Vec::with_capacity(count),
        amount: Amounts::default(),
        position: Vec::with_capacity(count),
    };
    let mut rest = input.graph.order.as_slice();
    while let Some(first) = rest.first() {
        let position = (input.graph.order.len() - rest.len()) as u32;
        let (ids, after) = rest.split_at(run_of_rows(batch, rest) as usize);
        rest = after;
        let reference = batch.transactions[first.0 as usize];
        let group = &batch.groups[reference.group as usize];
        let slots = &layout.shapes[group.intent as usize].written_slots;
        if slots.is_empty() {
            continue;
        }
        let from = entries.len();
        add_positions(
            &mut entries.position,
            position..position + ids.len() as u32,
            slots.len(),
        );
        add_places(
            &mut entries.place,
            group,
            slots,
            reference.row as usize,
            ids.len(),
        );
        if as_it_is {
            continue;
        }
        // Rows that also follow one another in the source lie side by side in the log.
        let pieces = match ids.last() {
            Some(last) if last.0.wrapping_sub(first.0) as usize == ids.len() - 1 => ids.chunks(ids.len()),
            _ => ids.chunks(1),
        };
        for piece in pieces {
            let last = piece.last().unwrap_or(first);
            let logged = layout.writes(piece[0]).start..layout.writes(*last).end;
            input.run.written.copy_to(logged, &mut amounts);
        }
        if !all_logged {
            for (id, at) in ids.iter().zip((from..).step_by(slots.len())) {
                let seen = layout.slots(*id).start;
                for (slot, at) in slots.iter().zip(at..) {
                    if !as_logged[entries.place[at] as usize] {
                        let seen = input
                            .run
                            .seen
                            .get(seen + usize::from(*slot))
                            .copied()
                            .unwrap_or(0);
                        amounts[at] = amounts[at].saturating_sub(seen);
                    }
                }
            }
        }
    }
    entries.amount = match as_it_is {
        true => std::mem::take(&mut input.run.written),
        false => amounts.into(),
    };
    if let Some(numbers) = &listed.numbers {
        for place in &mut entries.place {
            *place = numbers[*place as usize];
        }
    }
    entries
}

/// Adds each position as often as its transaction writes.
fn add_positions(positions: &mut Vec<u32>, range: Range<u32>, writes: usize) {
    match writes {
        2 => positions.extend(range.flat_map(|position| [position; 2])),
        _ => positions.extend(range.flat_map(|position| std::iter::repeat_n(position, writes))),
    }
}

/// Adds the places that rows of a group write, row by row.
fn add_places(to: &mut Vec<u32>, group: &Group, slots: &[u16], first: usize, rows: usize) {
    let column = |slot: &u16| group.places.get(usize::from(*slot));
    fn part(places: &[PlaceId], rows: Range<usize>) -> impl Iterator<Item = &PlaceId> {
        places.get(rows).unwrap_or_default().iter()
    }
    let range = first..first + rows;
    match slots {
        // The commonest by far, in one pass.
        [one, other] => match (column(one), column(other)) {
            (Some(Column::Each(one)), Some(Column::Each(other))) => {
                return to.extend(
                    part(one, range.clone())
                        .zip(part(other, range))
                        .flat_map(|(one, other)| [one.0, other.0]),
                );
            }
            (Some(Column::Same(one)), Some(Column::Each(other))) => {
                return to.extend(part(other, range).flat_map(|other| [one.0, other.0]));
            }
            (Some(Column::Each(one)), Some(Column::Same(other))) => {
                return to.extend(part(one, range).flat_map(|one| [one.0, other.0]));
            }
            _ => {}
        },
        _ => {}
    }
    let from = to.len();
    to.resize(from + rows * slots.len(), 0);
    for (slot, at) in slots.iter().zip(from..) {
        let places = to[at..].iter_mut().step_by(slots.len());
        match column(slot) {
            Some(Column::Each(column)) => {
                places.zip(&column[first..]).for_each(|(to, place)| *to = place.0);
            }
            Some(Column::Same(place)) => places.for_each(|to| *to = place.0),
            None => {}
        }
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
        let count = run_of_rows(batch, &order[index..]);
        names.push_run(format!("{prefix} row "), u64::from(view.row) + 1, count);
        index += count as usize;
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
