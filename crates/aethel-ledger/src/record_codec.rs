//! Records to bytes and back. `docs/ledger-format.md` describes every byte.

use crate::codec::{Malformed, Reader, Writer};
use crate::places::{FieldKey, PlaceKey, is_name};
use crate::policy_codec::{read_changes, write_changes};
use crate::receipt::{Digest, LedgerId};
use crate::record::{
    Approval, BatchKey, BatchSummary, Body, Entries, Opening, OracleEvidence, OracleProof, Record,
    RecordKind, TransactionNames,
};
use aethel_ir::AccountName;
use std::collections::HashMap;
use std::sync::Arc;

type Read<T> = Result<T, Malformed>;

/// What the store adds to a [`Body`] to make it a record.
pub(crate) struct Link {
    pub sequence: u64,
    pub ledger_id: LedgerId,
    pub previous: Digest,
    pub policy_version: u64,
    pub certificate: Digest,
}

/// How long the record of a body is, about.
pub(crate) fn length(body: &Body) -> usize {
    let accounts: usize = body.places.iter().map(|place| place.account.as_str().len()).sum();
    512 + accounts + 8 * body.places.len() + 8 * body.openings.len() + 8 * body.entries.len()
}

/// Appends the canonical bytes of a record whose places are the body's, then `extra`.
pub(crate) fn encode_into(
    out: &mut Writer,
    link: &Link,
    body: &Body,
    fields: FieldColumn<'_>,
    extra: &[(PlaceKey, i128)],
) {
    out.byte(kind_tag(body.kind));
    out.uint(link.sequence);
    out.raw(&link.ledger_id.0);
    out.raw(&link.previous.0);
    out.uint(body.time_ms);
    out.text(&body.batch);
    write_key(out, &body.key);
    out.raw(&body.content.0);
    out.optional_text(body.program.as_deref());
    out.raw(&link.certificate.0);
    write_names(out, &body.transactions);
    out.uint(link.policy_version);
    write_changes(out, &body.policy_changes);
    write_places(out, fields, &body.places, extra);
    out.ints(&body.values);
    extra.iter().for_each(|(_, value)| out.int(*value));
    out.uint(body.openings.len() as u64);
    out.openings(&body.openings);
    write_entries(out, &body.entries);
    write_oracles(out, body.oracles.as_ref());
    out.uint(body.approvals.len() as u64);
    for approval in &body.approvals {
        out.text(&approval.key_id);
        out.uint(approval.expires_ms);
        out.bytes(&approval.signature);
    }
}

/// Reads a record back; every index in it is then within its table.
pub(crate) fn decode(bytes: &[u8]) -> Read<Record> {
    let input = &mut Reader::new(bytes);
    let (link, mut body) = read_head(input)?;
    let policy_version = input.uint("policy version")?;
    body.policy_changes = read_changes(input)?;
    body.places = read_places(input)?;
    body.values = body
        .places
        .iter()
        .map(|_| input.int("value"))
        .collect::<Read<_>>()?;
    body.openings = read_openings(input, body.places.len())?;
    body.entries = read_entries(input, body.places.len(), body.transactions.count())?;
    body.oracles = read_oracles(input)?;
    let approvals = input.count(3, "approvals")?;
    for _ in 0..approvals {
        let key_id = input.text("approval")?.to_owned();
        let expires_ms = input.uint("approval")?;
        body.approvals.push(Approval {
            key_id,
            expires_ms,
            signature: input.bytes("approval")?.to_vec(),
        });
    }
    input.end("end of record")?;
    Ok(Record {
        sequence: link.sequence,
        ledger_id: link.ledger_id,
        previous: link.previous,
        policy_version,
        certificate: link.certificate,
        body,
    })
}

/// Reads what a list shows, without the entries.
pub(crate) fn decode_summary(bytes: &[u8], receipt: Digest) -> Read<BatchSummary> {
    let (link, body) = read_head(&mut Reader::new(bytes))?;
    Ok(BatchSummary {
        sequence: link.sequence,
        receipt,
        time_ms: body.time_ms,
        kind: body.kind,
        batch: body.batch,
        key: body.key,
        content: body.content,
        program: body.program,
        transactions: body.transactions.count(),
    })
}

fn read_head(input: &mut Reader<'_>) -> Read<(Link, Body)> {
    let kind = match input.byte("kind of record")? {
        1 => RecordKind::Batch,
        2 => RecordKind::Import,
        3 => RecordKind::Policy,
        _ => return input.fail("kind of record"),
    };
    let sequence = input.uint("sequence")?;
    let ledger_id = LedgerId(input.array("ledger id")?);
    let previous = Digest(input.array("previous receipt")?);
    let time_ms = input.uint("time")?;
    let batch = read_name(input, "batch name")?.to_owned();
    let key = read_key(input)?;
    let content = Digest(input.array("content hash")?);
    let mut body = Body::new(kind, time_ms, batch, key, content);
    body.program = input.optional_text("program")?.map(str::to_owned);
    let certificate = Digest(input.array("certificate digest")?);
    body.transactions = read_names(input)?;
    Ok((
        Link {
            sequence,
            ledger_id,
            previous,
            policy_version: 0,
            certificate,
        },
        body,
    ))
}

pub(crate) fn kind_tag(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::Batch => 1,
        RecordKind::Import => 2,
        RecordKind::Policy => 3,
    }
}

fn read_name<'a>(input: &mut Reader<'a>, what: &'static str) -> Read<&'a str> {
    let text = input.text(what)?;
    if is_name(text) { Ok(text) } else { input.fail(what) }
}

/// The bytes of a row of the keys table: the batch name, a zero byte, the key.
pub(crate) fn key_row(batch: &str, key: &BatchKey) -> Vec<u8> {
    let mut out = Writer::with_capacity(batch.len() + 40);
    out.raw(batch.as_bytes());
    out.byte(0);
    write_key(&mut out, key);
    out.into_bytes()
}

fn write_key(out: &mut Writer, key: &BatchKey) {
    match key {
        BatchKey::User(text) => {
            out.byte(1);
            out.text(text);
        }
        BatchKey::Content(digest) => {
            out.byte(2);
            out.raw(&digest.0);
        }
        BatchKey::Again(receipt) => {
            out.byte(3);
            out.raw(&receipt.0);
        }
        BatchKey::Unique(bytes) => {
            out.byte(4);
            out.raw(bytes);
        }
    }
}

fn read_key(input: &mut Reader<'_>) -> Read<BatchKey> {
    match input.byte("key")? {
        1 => Ok(BatchKey::User(read_name(input, "key")?.into())),
        2 => Ok(BatchKey::Content(Digest(input.array("key")?))),
        3 => Ok(BatchKey::Again(Digest(input.array("key")?))),
        4 => Ok(BatchKey::Unique(input.array("key")?)),
        _ => input.fail("key"),
    }
}

fn write_names(out: &mut Writer, names: &TransactionNames) {
    out.uint(names.runs().len() as u64);
    for run in names.runs() {
        out.text(&run.text);
        match run.first {
            None => out.byte(0),
            Some(first) => {
                out.uint(u64::from(run.count));
                out.uint(first);
            }
        }
    }
}

fn read_names(input: &mut Reader<'_>) -> Read<TransactionNames> {
    let runs = input.count(2, "transaction names")?;
    let mut names = TransactionNames::new();
    for _ in 0..runs {
        let text = input.text("transaction name")?;
        let room = match input.small("transaction count")? {
            0 => names.push(text),
            count => names.push_run(text, input.uint("transaction number")?, count),
        };
        if !room {
            return input.fail("transaction count");
        }
    }
    Ok(names)
}

/// The fields of places, each once in the order in which they occur, and which of them each place has. There are a
/// few fields for very many places.
pub(crate) struct FieldColumn<'a> {
    pub fields: Vec<&'a FieldKey>,
    pub of: Vec<u32>,
}

impl<'a> FieldColumn<'a> {
    pub(crate) fn new(places: &'a [PlaceKey]) -> Self {
        let mut column = Self {
            fields: Vec::new(),
            of: Vec::with_capacity(places.len() + 1),
        };
        column.extend(places.iter());
        column
    }

    fn extend(&mut self, places: impl Iterator<Item = &'a PlaceKey>) {
        let mut index: HashMap<&FieldKey, u32> = self.fields.iter().copied().zip(0..).collect();
        let mut last: Option<(&FieldKey, u32)> = None;
        for place in places {
            // Neighbours mostly have the same field, often the very same string, which is cheaper than hashing.
            let number = match last {
                Some((field, number)) if field.is_same(&place.field) => number,
                _ => *index.entry(&place.field).or_insert_with(|| {
                    self.fields.push(&place.field);
                    self.fields.len() as u32 - 1
                }),
            };
            last = Some((&place.field, number));
            self.of.push(number);
        }
    }
}

fn write_places<'a>(
    out: &mut Writer,
    mut column: FieldColumn<'a>,
    places: &'a [PlaceKey],
    extra: &'a [(PlaceKey, i128)],
) {
    column.extend(extra.iter().map(|(place, _)| place));
    out.uint(column.fields.len() as u64);
    for field in column.fields {
        out.byte(field.tag());
        out.text(field.name());
    }
    out.uint(column.of.len() as u64);
    out.uints(&column.of);
    let mut before: &[u8] = &[];
    for place in places.iter().chain(extra.iter().map(|(place, _)| place)) {
        let account = place.account.as_str().as_bytes();
        let shared = shared_bytes(before, account);
        out.uint(shared as u64);
        out.bytes(&account[shared..]);
        before = account;
    }
}

/// How many bytes two names begin with alike.
fn shared_bytes(a: &[u8], b: &[u8]) -> usize {
    let mut shared = 0;
    // Eight at a time; the lowest byte of a number is its first.
    while let (Some(x), Some(y)) = (a[shared..].first_chunk(), b[shared..].first_chunk()) {
        let differ = u64::from_le_bytes(*x) ^ u64::from_le_bytes(*y);
        if differ != 0 {
            return shared + differ.trailing_zeros() as usize / 8;
        }
        shared += 8;
    }
    shared
        + a[shared..]
            .iter()
            .zip(&b[shared..])
            .take_while(|(x, y)| x == y)
            .count()
}

fn read_places(input: &mut Reader<'_>) -> Read<Vec<PlaceKey>> {
    let count = input.count(2, "fields")?;
    let mut fields = Vec::with_capacity(count);
    for _ in 0..count {
        let tag = input.byte("kind of field")?;
        let name: Arc<str> = read_name(input, "field")?.into();
        match FieldKey::from_tag(tag, name) {
            Some(field) => fields.push(field),
            None => return input.fail("kind of field"),
        }
    }
    let count = input.count(3, "places")?;
    let mut column = Vec::with_capacity(count);
    for _ in 0..count {
        let number = input.small("field of a place")? as usize;
        if number >= fields.len() {
            return input.fail("field of a place");
        }
        column.push(number);
    }
    let mut places: Vec<PlaceKey> = Vec::with_capacity(count);
    let mut account = Vec::new();
    for number in column {
        let shared = input.small("account")? as usize;
        let rest = input.bytes("account")?;
        let same = rest.is_empty() && shared == account.len();
        let name = match places.last() {
            Some(before) if same => before.account.clone(),
            _ => {
                if shared > account.len() {
                    return input.fail("account");
                }
                account.truncate(shared);
                account.extend_from_slice(rest);
                match std::str::from_utf8(&account)
                    .ok()
                    .and_then(|text| AccountName::new(text).ok())
                {
                    Some(name) => name,
                    None => return input.fail("account"),
                }
            }
        };
        places.push(PlaceKey {
            account: name,
            field: fields[number].clone(),
        });
    }
    Ok(places)
}

fn read_openings(input: &mut Reader<'_>, places: usize) -> Read<Vec<Opening>> {
    let count = input.count(2, "openings")?;
    let mut openings = Vec::with_capacity(count);
    for _ in 0..count {
        openings.push(Opening {
            place: read_index(input, places)?,
            amount: 0,
        });
    }
    for opening in &mut openings {
        opening.amount = input.int("opening")?;
    }
    Ok(openings)
}

fn read_index(input: &mut Reader<'_>, places: usize) -> Read<u32> {
    let place = input.small("place")?;
    if (place as usize) < places {
        Ok(place)
    } else {
        input.fail("place")
    }
}

fn write_entries(out: &mut Writer, entries: &Entries) {
    out.uint(entries.len() as u64);
    out.uints(&entries.place);
    out.amounts(&entries.amount);
    // Positions hardly ever go back or jump: their differences take a byte.
    out.steps(&entries.position);
}

fn read_entries(input: &mut Reader<'_>, places: usize, transactions: u32) -> Read<Entries> {
    let count = input.count(3, "entries")?;
    let mut entries = Entries::with_capacity(count);
    for _ in 0..count {
        entries.place.push(read_index(input, places)?);
    }
    for _ in 0..count {
        entries.amount.push(input.int("amount")?);
    }
    let mut before = 0i128;
    for _ in 0..count {
        let position = input
            .int("position")?
            .checked_add(before)
            .and_then(|p| u32::try_from(p).ok());
        match position.filter(|p| *p < transactions) {
            Some(position) => entries.position.push(position),
            None => return input.fail("position"),
        }
        before = position.map_or(0, i128::from);
    }
    Ok(entries)
}

fn write_oracles(out: &mut Writer, oracles: Option<&OracleEvidence>) {
    let Some(evidence) = oracles else {
        return out.byte(0);
    };
    out.byte(1);
    out.uint(evidence.clock_ms);
    out.uint(evidence.proofs.len() as u64);
    for proof in &evidence.proofs {
        out.text(&proof.feed);
        out.text(&proof.value);
        out.uint(proof.timestamp_ms);
        out.text(&proof.key_id);
        out.bytes(&proof.signature);
    }
}

fn read_oracles(input: &mut Reader<'_>) -> Read<Option<OracleEvidence>> {
    match input.byte("oracle proofs")? {
        0 => return Ok(None),
        1 => {}
        _ => return input.fail("oracle proofs"),
    }
    let clock_ms = input.uint("clock")?;
    let count = input.count(5, "oracle proofs")?;
    let mut proofs = Vec::new();
    for _ in 0..count {
        proofs.push(OracleProof {
            feed: input.text("oracle proof")?.to_owned(),
            value: input.text("oracle proof")?.to_owned(),
            timestamp_ms: input.uint("oracle proof")?,
            key_id: input.text("oracle proof")?.to_owned(),
            signature: input.bytes("oracle proof")?.to_vec(),
        });
    }
    Ok(Some(OracleEvidence { clock_ms, proofs }))
}
