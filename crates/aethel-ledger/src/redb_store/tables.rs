//! The tables of the file, and the rows that are not a journal row.

use super::db::Db;
use super::guard::guarded;
use crate::blob::{Blob, FORMAT_VERSION};
use crate::codec::{Malformed, Reader, Writer};
use crate::error::LedgerError;
use crate::places::{PlaceKey, Versioned};
use crate::policy::Policy;
use crate::policy_codec::{decode_policy, encode_policy};
use crate::prepare::Prepared;
use crate::receipt::{Digest, LedgerId};
use crate::record_codec;
use crate::store::{CommitRequest, Head};
use crate::tail::Tail;
use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, TableError, WriteTransaction,
};
use std::ops::Range;
use std::sync::Arc;

/// The journal: sequence number to row, or to the first bytes of a long one.
pub(super) const BATCHES: TableDefinition<u64, &[u8]> = TableDefinition::new("batches");
/// The other parts of long rows: sequence number and number of the part, from 1. Not there while no row is long.
pub(super) const PARTS: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("parts");
/// Batch name and key to sequence number.
pub(super) const KEYS: TableDefinition<&[u8], u64> = TableDefinition::new("keys");
/// Place to value and version, as of the checkpoint.
pub(super) const BALANCES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("balances");
/// Digest to lemma. Not there while no batch relies on one.
pub(super) const LEMMAS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("lemmas");
/// What is said once: [`LEDGER`] and [`CHECKPOINT`].
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// Row of [`META`]: format version and ledger id.
pub(super) const LEDGER: &str = "ledger";
/// Row of [`META`]: up to where [`BALANCES`] was brought forward, and the policy there.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// The most bytes of a row in one value. redb rounds a long value up to a power of two, fills that with zeros, writes all of
/// it and keeps it in memory until then; this is such a length less what redb puts around a value.
pub(super) const PART_BYTES: usize = if cfg!(test) { 300 } else { (64 << 10) - 256 };

/// How far the table of balances was brought, and what held there.
#[derive(Clone)]
pub(super) struct Checkpoint {
    pub sequence: u64,
    pub receipt: Digest,
    pub policy: Policy,
}

/// What is kept in memory of an open file.
pub(super) struct State {
    pub head: Head,
    pub policy: Policy,
    pub tail: Tail,
    pub tail_bytes: u64,
    pub tail_places: u64,
    pub checkpoint: Checkpoint,
}

impl State {
    pub(super) fn empty(ledger_id: LedgerId) -> Self {
        let receipt = ledger_id.genesis();
        Self {
            head: Head {
                ledger_id,
                sequence: 0,
                receipt,
            },
            policy: Policy::default(),
            tail: Tail::default(),
            tail_bytes: 0,
            tail_places: 0,
            checkpoint: Checkpoint {
                sequence: 0,
                receipt,
                policy: Policy::default(),
            },
        }
    }
}

pub(super) fn ledger_row(ledger_id: &LedgerId) -> Vec<u8> {
    let mut out = Writer::default();
    out.uint(u64::from(FORMAT_VERSION));
    out.raw(&ledger_id.0);
    out.into_bytes()
}

pub(super) fn checkpoint_row(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut out = Writer::default();
    out.uint(checkpoint.sequence);
    out.raw(&checkpoint.receipt.0);
    encode_policy(&mut out, &checkpoint.policy);
    out.into_bytes()
}

fn read_checkpoint(row: &[u8]) -> Result<Checkpoint, Malformed> {
    let mut input = Reader::new(row);
    let sequence = input.uint("checkpoint")?;
    let receipt = Digest(input.array("checkpoint")?);
    let policy = decode_policy(&mut input)?;
    input.end("checkpoint")?;
    Ok(Checkpoint {
        sequence,
        receipt,
        policy,
    })
}

pub(super) fn balance_row(value: &Versioned) -> Vec<u8> {
    let mut out = Writer::default();
    out.int(value.value);
    out.uint(value.version);
    out.into_bytes()
}

pub(super) fn read_balance(row: &[u8]) -> Result<Versioned, Malformed> {
    let mut input = Reader::new(row);
    let value = Versioned {
        value: input.int("balance")?,
        version: input.uint("version")?,
    };
    input.end("balance")?;
    // Records are numbered from 1, and 0 stands for a place that nobody opened.
    if value.version == 0 {
        return input.fail("version");
    }
    Ok(value)
}

pub(super) fn read_balance_row(key: &[u8], row: &[u8]) -> Result<(PlaceKey, Versioned), Malformed> {
    Ok((PlaceKey::from_bytes(key)?, read_balance(row)?))
}

/// Writes the first batch and everything that stands beside it, in one transaction.
pub(super) fn write_first(
    db: &Db,
    ledger_id: &LedgerId,
    prepared: &Prepared,
    request: &CommitRequest,
) -> Result<(), redb::Error> {
    db.write(true, |transaction| {
        let empty = State::empty(*ledger_id).checkpoint;
        let mut meta = transaction.open_table(META)?;
        meta.insert(LEDGER, ledger_row(ledger_id).as_slice())?;
        meta.insert(CHECKPOINT, checkpoint_row(&empty).as_slice())?;
        transaction.open_table(BALANCES)?;
        let mut journal = transaction.open_table(BATCHES)?;
        let row = [prepared.record.as_slice(), &request.certificate];
        insert_row(transaction, &mut journal, prepared.sequence, row)?;
        transaction
            .open_table(KEYS)?
            .insert(prepared.key.as_slice(), prepared.sequence)?;
        write_lemmas(transaction, &request.lemmas)
    })
}

/// A batch as it is written: sequence number, journal row in two pieces, key row, lemmas.
pub(super) type BatchRows<'a> = (u64, [&'a [u8]; 2], &'a [u8], &'a [(Digest, Vec<u8>)]);

/// Writes batches in one transaction: of each its journal row, its key row and the lemmas that are new, nothing else.
pub(super) fn append<'a>(db: &Db, batches: impl Iterator<Item = BatchRows<'a>>) -> Result<(), redb::Error> {
    db.write(false, |transaction| {
        let mut journal = transaction.open_table(BATCHES)?;
        let mut keys = transaction.open_table(KEYS)?;
        for (sequence, row, key, lemmas) in batches {
            insert_row(transaction, &mut journal, sequence, row)?;
            keys.insert(key, sequence)?;
            write_lemmas(transaction, lemmas)?;
        }
        Ok(())
    })
}

/// Writes a journal row in parts that redb takes well.
fn insert_row(
    transaction: &WriteTransaction,
    journal: &mut Table<'_, u64, &'static [u8]>,
    sequence: u64,
    row: [&[u8]; 2],
) -> Result<(), redb::Error> {
    let length = row[0].len() + row[1].len();
    let mut joint = Vec::new();
    journal.insert(sequence, part_of(row, 0..length.min(PART_BYTES), &mut joint))?;
    if length > PART_BYTES {
        let mut parts = transaction.open_table(PARTS)?;
        for (number, first) in (1_u32..).zip((PART_BYTES..length).step_by(PART_BYTES)) {
            let range = first..length.min(first + PART_BYTES);
            parts.insert((sequence, number), part_of(row, range, &mut joint))?;
        }
    }
    Ok(())
}

/// Bytes of a row in two pieces; in `joint` where they are of both.
fn part_of<'a>([first, second]: [&'a [u8]; 2], range: Range<usize>, joint: &'a mut Vec<u8>) -> &'a [u8] {
    let after = |at: usize| at.saturating_sub(first.len()).min(second.len());
    let of_first = &first[range.start.min(first.len())..range.end.min(first.len())];
    let of_second = &second[after(range.start)..after(range.end)];
    match (of_first, of_second) {
        (part, []) | ([], part) => part,
        _ => {
            joint.clear();
            joint.extend_from_slice(of_first);
            joint.extend_from_slice(of_second);
            joint
        }
    }
}

/// The journal row of this number.
pub(super) fn read_row(transaction: &ReadTransaction, sequence: u64) -> Result<Option<Vec<u8>>, redb::Error> {
    let batches = transaction.open_table(BATCHES)?;
    let Some(mut row) = batches.get(sequence)?.map(|first| first.value().to_vec()) else {
        return Ok(None);
    };
    if row.len() >= PART_BYTES
        && let Some(parts) = there(transaction.open_table(PARTS))?
    {
        for part in parts.range((sequence, 0)..=(sequence, u32::MAX))? {
            row.extend_from_slice(part?.1.value());
        }
    }
    Ok(Some(row))
}

/// Writes the lemmas that are not there yet.
pub(super) fn write_lemmas(
    transaction: &WriteTransaction,
    lemmas: &[(Digest, Vec<u8>)],
) -> Result<(), redb::Error> {
    if lemmas.is_empty() {
        return Ok(());
    }
    let mut table = transaction.open_table(LEMMAS)?;
    for (digest, bytes) in lemmas {
        if table.get(digest.0.as_slice())?.is_none() {
            table.insert(digest.0.as_slice(), bytes.as_slice())?;
        }
    }
    Ok(())
}

/// The table of lemmas as a reader has it.
type LemmaTable = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The table of lemmas, if there is one.
pub(super) fn lemma_table(transaction: &ReadTransaction) -> Result<Option<LemmaTable>, redb::Error> {
    there(transaction.open_table(LEMMAS))
}

/// A table, if there is one.
fn there<T>(table: Result<T, TableError>) -> Result<Option<T>, redb::Error> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads the rows that are said once and the journal since the checkpoint.
pub(super) fn load(db: &Db, ledger: &Arc<str>) -> Result<State, LedgerError> {
    let (about, checkpoint) = guarded(ledger, "reading", || {
        let meta = db.begin_read()?.open_table(META)?;
        let row = |name| Ok::<_, redb::Error>(meta.get(name)?.map(|row| row.value().to_vec()));
        Ok((row(LEDGER)?, row(CHECKPOINT)?))
    })?;
    let damaged = |what: &str| LedgerError::damaged(ledger, None, format!("the row `{what}` does not fit"));
    let about = about.ok_or_else(|| damaged(LEDGER))?;
    let mut input = Reader::new(&about);
    let version = input.uint("format").map_err(|_| damaged(LEDGER))?;
    if version != u64::from(FORMAT_VERSION) {
        return Err(LedgerError::Newer {
            ledger: ledger.clone(),
            found: version,
        });
    }
    let ledger_id = input
        .array("ledger id")
        .and_then(|id| input.end("ledger id").map(|()| LedgerId(id)));
    let ledger_id = ledger_id.map_err(|_| damaged(LEDGER))?;
    let checkpoint = checkpoint
        .and_then(|row| read_checkpoint(&row).ok())
        .ok_or_else(|| damaged(CHECKPOINT))?;
    let mut state = State {
        head: Head {
            ledger_id,
            sequence: checkpoint.sequence,
            receipt: checkpoint.receipt,
        },
        policy: checkpoint.policy.clone(),
        tail: Tail::default(),
        tail_bytes: 0,
        tail_places: 0,
        checkpoint,
    };
    let (last, rows) = guarded(ledger, "reading", || {
        let transaction = db.begin_read()?;
        let batches = transaction.open_table(BATCHES)?;
        let last = batches.last()?.map_or(0, |(sequence, _)| sequence.value());
        let mut rows = Vec::new();
        for row in batches.range(state.head.sequence.saturating_add(1)..)? {
            let sequence = row?.0.value();
            rows.extend(read_row(&transaction, sequence)?.map(|row| (sequence, row)));
        }
        Ok((last, rows))
    })?;
    // Otherwise a damaged checkpoint could claim a length that nobody can walk.
    if last < state.checkpoint.sequence || last == u64::MAX {
        return Err(damaged(CHECKPOINT));
    }
    for (sequence, row) in rows {
        replay(&mut state, ledger, sequence, &row)?;
    }
    Ok(state)
}

/// Takes one record of the journal into the state.
fn replay(state: &mut State, ledger: &Arc<str>, sequence: u64, row: &[u8]) -> Result<(), LedgerError> {
    let damaged = |reason: &str| LedgerError::damaged(ledger, Some(sequence), reason);
    let blob = Blob::parse(row).map_err(|e| LedgerError::from_blob(ledger, Some(sequence), &e))?;
    if crate::blob::receipt_of(blob.record) != blob.receipt {
        return Err(damaged("its receipt is not the hash of its content"));
    }
    let record = record_codec::decode(blob.record).map_err(|e| damaged(&e.to_string()))?;
    let next = state.head.sequence + 1;
    if sequence != next || record.sequence != next || record.previous != state.head.receipt {
        return Err(damaged("it does not continue the record before it"));
    }
    for change in &record.body.policy_changes {
        state.policy.apply(change).map_err(|e| damaged(&e.to_string()))?;
    }
    state.tail.add(&record.body, &[], sequence);
    state.tail_bytes += row.len() as u64;
    state.tail_places += record.body.places.len() as u64;
    state.head = Head {
        sequence,
        receipt: blob.receipt,
        ..state.head
    };
    Ok(())
}
