//! Bringing the table of balances forward, so that opening stays quick.

use super::db::Db;
use super::guard::guarded;
use super::room::Room;
use super::tables::{BALANCES, CHECKPOINT, Checkpoint, META, balance_row, checkpoint_row};
use super::{File, RedbStore};
use crate::blob::Blob;
use crate::error::LedgerError;
use crate::store::{LedgerStore, decode};
use crate::tail::Tail;

/// Opening decodes at most about this many records.
const TAIL_RECORDS: u64 = 256;
/// Opening reads at most about this many bytes of journal.
const TAIL_BYTES: u64 = 8 << 20;
/// Opening decodes at most about this many places, at 0.5 µs each.
const TAIL_PLACES: u64 = 1 << 16;
/// A tail of at most about this many places, at 100 to 200 bytes each, is kept beyond a checkpoint.
const KEPT_PLACES: usize = 1 << 18;
/// One slice writes about this many places, so that a commit never waits long for it.
const SLICE_PLACES: usize = 20_000;

impl RedbStore {
    pub(super) fn is_checkpoint_due(&self) -> bool {
        let records = self.state.head.sequence - self.state.checkpoint.sequence;
        let writable = !self.read_only && matches!(&self.db, File::Open(db) if db.writable);
        writable
            && (records > TAIL_RECORDS
                || self.state.tail_bytes > TAIL_BYTES
                || self.state.tail_places > TAIL_PLACES
                || self.room().is_some_and(Room::is_scarce))
    }

    fn room(&self) -> Option<&Room> {
        match &self.db {
            File::Open(db) => db.room(),
            _ => None,
        }
    }

    pub(super) fn bring_forward(&mut self) -> Result<(), LedgerError> {
        self.db()?;
        if self.read_only {
            return Err(LedgerError::ReadOnly {
                ledger: self.name.clone(),
            });
        }
        while self.state.checkpoint.sequence < self.state.head.sequence {
            let read;
            let (slice, next) = match self.whole_tail() {
                Some(next) => (&self.state.tail, next),
                None => {
                    read = self.next_slice()?;
                    (&read.0, read.1)
                }
            };
            let db = match &self.db {
                File::Open(db) if db.writable => db,
                _ => {
                    return Err(LedgerError::ReadOnly {
                        ledger: self.name.clone(),
                    });
                }
            };
            if let Err(error) = guarded(&self.name, "writing", || write_slice(db, slice, &next)) {
                // Nothing is lost: the journal has it all. But redb wants a new handle after a failure.
                if let Err(reopening) = self.reopen() {
                    self.db = File::Lost(reopening);
                }
                return Err(error);
            }
            self.state.checkpoint = next;
        }
        // Kept whole until now: values newer than a slice still had to cover the table. From here on it says what the
        // table says, and spares the next batches reading the table place by place.
        if self.state.tail.len() > KEPT_PLACES {
            self.state.tail = Tail::default();
        }
        self.state.tail_bytes = 0;
        self.state.tail_places = 0;
        if let Some(room) = self.room() {
            room.make();
        }
        Ok(())
    }

    /// The checkpoint that the tail as it is makes, where one long record is nearly all of it: reading that again takes
    /// long and much memory.
    fn whole_tail(&self) -> Option<Checkpoint> {
        let state = &self.state;
        let one = state.head.sequence == state.checkpoint.sequence + 1;
        let long = state.tail_places > SLICE_PLACES as u64;
        (one && long && state.tail.len() as u64 <= 2 * state.tail_places).then(|| Checkpoint {
            sequence: state.head.sequence,
            receipt: state.head.receipt,
            policy: state.policy.clone(),
        })
    }

    /// The values that the next few records leave, and the checkpoint they make.
    fn next_slice(&self) -> Result<(Tail, Checkpoint), LedgerError> {
        let mut slice = Tail::default();
        let mut next = self.state.checkpoint.clone();
        while next.sequence < self.state.head.sequence && slice.len() < SLICE_PLACES {
            let sequence = next.sequence + 1;
            let damaged = |reason: String| LedgerError::damaged(&self.name, Some(sequence), reason);
            let row = self
                .row(sequence)?
                .ok_or_else(|| damaged("it is missing".to_owned()))?;
            next.receipt = decode(&self.name, sequence, &row, |blob: &Blob<'_>| Ok(blob.receipt))?;
            let record = decode(&self.name, sequence, &row, |blob: &Blob<'_>| blob.record())?;
            for change in &record.body.policy_changes {
                next.policy.apply(change).map_err(|e| damaged(e.to_string()))?;
            }
            slice.add(&record.body, &[], sequence);
            next.sequence = sequence;
        }
        Ok((slice, next))
    }
}

fn write_slice(db: &Db, slice: &Tail, next: &Checkpoint) -> Result<(), redb::Error> {
    db.write(true, |transaction| {
        let mut balances = transaction.open_table(BALANCES)?;
        let mut key = Vec::new();
        for (place, value) in slice.sorted() {
            key.clear();
            place.write_bytes(&mut key);
            balances.insert(key.as_slice(), balance_row(&value).as_slice())?;
        }
        transaction
            .open_table(META)?
            .insert(CHECKPOINT, checkpoint_row(next).as_slice())?;
        Ok(())
    })
}
