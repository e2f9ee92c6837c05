//! The default store: one redb file for one machine.

mod checkpoint;
mod copy;
mod create;
mod db;
#[cfg(test)]
mod faults;
mod group;
mod guard;
mod medium;
mod open;
mod overlay;
mod room;
mod tables;

use crate::error::LedgerError;
use crate::places::{Columns, PlaceKey, Versioned};
use crate::policy::Policy;
use crate::prepare::{Decision, Layered, Prepared, lookup, prepare, repeated};
use crate::receipt::Digest;
use crate::record::{BatchKey, BatchSummary, Body, Entries};
use crate::record_codec::key_row;
use crate::store::{CommitOutcome, CommitRequest, Head, LedgerStore, LemmaRow, Rows};
use crate::tail::{MISSING, Tail, merge};
pub use copy::copy_to_file;
use create::Created;
use db::Db;
pub use group::GroupStore;
use guard::guarded;
pub use guard::panics_are_caught;
use medium::Medium;
use redb::{Key, OwnedRange, Value};
use std::sync::Arc;
use std::time::Duration;
use tables::{BALANCES, KEYS, State};

/// A ledger in one file that one process at a time writes. A path without a file is an empty ledger; its first
/// commit creates the file.
pub struct RedbStore {
    medium: Medium,
    name: Arc<str>,
    wait: Duration,
    read_only: bool,
    db: File,
    state: State,
}

/// Whether there is a file, and whether it may be used.
enum File {
    /// Nothing was committed yet.
    Absent,
    /// Open and locked.
    Open(Arc<Db>),
    /// Lost after a failure, which every later call repeats.
    Lost(LedgerError),
}

impl RedbStore {
    fn db(&self) -> Result<Option<&Db>, LedgerError> {
        match &self.db {
            File::Absent => Ok(None),
            File::Open(db) => Ok(Some(db)),
            File::Lost(error) => Err(error.clone()),
        }
    }

    /// Reads with redb; `absent` is the answer of a ledger without a file.
    fn reading<T>(
        &self,
        absent: T,
        read: impl FnOnce(&Db) -> Result<T, redb::Error>,
    ) -> Result<T, LedgerError> {
        match self.db()? {
            None => Ok(absent),
            Some(db) => guarded(&self.name, "reading", || read(db)),
        }
    }

    fn write(&mut self, prepared: Prepared, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        if self.read_only {
            return Err(LedgerError::ReadOnly {
                ledger: self.name.clone(),
            });
        }
        match &self.db {
            File::Lost(error) => return Err(error.clone()),
            File::Open(db) if !db.writable => {
                return Err(LedgerError::ReadOnly {
                    ledger: self.name.clone(),
                });
            }
            File::Open(db) => {
                let row = (
                    prepared.sequence,
                    [prepared.record.as_slice(), &request.certificate],
                    prepared.key.as_slice(),
                    request.lemmas.as_slice(),
                );
                let append = || tables::append(db, std::iter::once(row));
                if let Err(error) = guarded(&self.name, "writing", append) {
                    return Err(self.settle(error, request));
                }
            }
            File::Absent => {
                let ledger_id = &self.state.head.ledger_id;
                let mut fill = |db: &Db| {
                    guarded(&self.name, "creating", || {
                        tables::write_first(db, ledger_id, &prepared, request)
                    })
                };
                match create::create(&self.medium, &self.name, &request.body.batch, &mut fill)? {
                    Created::Here(db) => self.db = File::Open(Arc::new(db)),
                    Created::Lost => return self.adopt(request),
                }
            }
        }
        let bytes = prepared.record.len() + request.certificate.len();
        Ok(self.written(prepared, bytes, &request.body))
    }

    /// Takes a batch, whose row has so many bytes, into the state.
    fn written(&mut self, prepared: Prepared, bytes: usize, body: &Body) -> CommitOutcome {
        let Prepared {
            sequence,
            receipt,
            record,
            numbers,
            extra,
            policy,
            ..
        } = prepared;
        // The file has it; what follows may take as much memory again.
        drop(record);
        let state = &mut self.state;
        state.tail.add_at(body, &numbers, &extra, sequence);
        state.tail_bytes += bytes as u64;
        if let File::Open(db) = &self.db
            && let Some(room) = db.room()
        {
            room.wrote(bytes);
        }
        state.tail_places += body.places.len() as u64;
        state.head = Head {
            sequence,
            receipt,
            ..state.head
        };
        if let Some(policy) = policy {
            state.policy = policy;
        }
        CommitOutcome::Committed { sequence, receipt }
    }

    /// Another process created the ledger first: go on with that one.
    fn adopt(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        let tidied = self.medium.tidy();
        let tidied = tidied.map_err(|error| LedgerError::from_io(&self.name, "opening", &error));
        if let Err(error) = tidied.and_then(|()| self.reopen()) {
            // Locked, perhaps: the next commit comes by here again.
            self.db = File::Absent;
            return Err(error);
        }
        Ok(match self.find(&request.body.batch, &request.body.key)? {
            Some(known) => repeated(known, &request.body),
            None => CommitOutcome::Conflict { places: Vec::new() },
        })
    }

    /// After a failed write: opens the file anew and asks it by key what became of the batch.
    fn settle(&mut self, error: LedgerError, request: &CommitRequest) -> LedgerError {
        let found = self
            .reopen()
            .and_then(|()| self.find(&request.body.batch, &request.body.key));
        match found {
            Ok(None) => error,
            // It is in the file, but the write that put it there reported a failure: it may not survive a power
            // loss, so this is not a commit yet.
            Ok(Some(_)) | Err(_) => {
                let unknown = LedgerError::OutcomeUnknown {
                    ledger: self.name.clone(),
                    batch: request.body.batch.clone(),
                    reason: error.to_string(),
                };
                if let Err(reopening) = found {
                    self.db = File::Lost(reopening);
                }
                unknown
            }
        }
    }

    fn reopen(&mut self) -> Result<(), LedgerError> {
        // The old handle holds the lock until it is dropped.
        self.db = File::Lost(LedgerError::Locked {
            ledger: self.name.clone(),
        });
        self.medium.forget();
        let (db, state) = open::open_medium(&self.medium, &self.name, self.wait, false)?;
        self.db = File::Open(Arc::new(db));
        self.state = state;
        Ok(())
    }
}

/// The rows of a table one by one, each read behind the guard.
fn rows<'a, K: Key + 'static, V: Value + 'static, T: 'a>(
    ledger: &'a Arc<str>,
    range: Option<OwnedRange<K, V>>,
    read: impl Fn(K::SelfType<'_>, V::SelfType<'_>) -> Result<T, LedgerError> + 'a,
) -> Rows<'a, T> {
    let Some(mut range) = range else {
        return Box::new(std::iter::empty());
    };
    Box::new(std::iter::from_fn(move || {
        // A damaged page may make redb panic when a value is looked at, too.
        let row = guarded(ledger, "reading", || {
            let row = range.next().transpose()?;
            Ok(row.map(|(key, value)| read(key.value(), value.value())))
        });
        row.unwrap_or_else(|error| Some(Err(error)))
    }))
}

impl Layered for RedbStore {
    fn tail(&self) -> &Tail {
        &self.state.tail
    }

    fn beneath(
        &self,
        places: &[PlaceKey],
        numbers: &[u32],
        columns: &mut Columns,
    ) -> Result<(), LedgerError> {
        if self.state.checkpoint.sequence == 0 {
            return Ok(());
        }
        let rows = self.reading(Vec::new(), |db| {
            let table = db.begin_read()?.open_table(BALANCES)?;
            let mut rows = Vec::new();
            let mut key = Vec::new();
            for (i, place) in places.iter().enumerate().filter(|(i, _)| numbers[*i] == MISSING) {
                key.clear();
                place.write_bytes(&mut key);
                if let Some(row) = table.get(key.as_slice())? {
                    rows.push((i, tables::read_balance(row.value())));
                }
            }
            Ok(rows)
        })?;
        for (i, value) in rows {
            let found = value.map_err(|e| LedgerError::damaged(&self.name, None, e.to_string()))?;
            columns.values[i] = found.value;
            columns.versions[i] = found.version;
        }
        Ok(())
    }
}

impl LedgerStore for RedbStore {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn head(&self) -> Head {
        self.state.head
    }

    fn policy(&self) -> &Policy {
        &self.state.policy
    }

    fn read_columns(&self, places: &[PlaceKey]) -> Result<Columns, LedgerError> {
        self.db()?;
        Ok(lookup(self, places)?.1)
    }

    fn balances(&self) -> Result<Rows<'_, (PlaceKey, Versioned)>, LedgerError> {
        Ok(merge(self.checkpoint_rows()?.1, &self.state.tail))
    }

    fn find(&self, batch: &str, key: &BatchKey) -> Result<Option<BatchSummary>, LedgerError> {
        let row = key_row(batch, key);
        let sequence = self.reading(None, |db| {
            Ok(db
                .begin_read()?
                .open_table(KEYS)?
                .get(row.as_slice())?
                .map(|sequence| sequence.value()))
        })?;
        let Some(sequence) = sequence else { return Ok(None) };
        match self.summary(sequence)? {
            Some(found) if found.batch == batch && found.key == *key => Ok(Some(found)),
            _ => Err(LedgerError::damaged(
                &self.name,
                Some(sequence),
                "a key leads to it that is not its own",
            )),
        }
    }

    fn commit(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        match prepare(self, request)? {
            Decision::Done(outcome) => Ok(outcome),
            Decision::Write(prepared) => self.write(*prepared, request),
        }
    }

    fn commit_from(&mut self, request: &mut CommitRequest) -> Result<CommitOutcome, LedgerError> {
        match prepare(self, request)? {
            Decision::Done(outcome) => Ok(outcome),
            Decision::Write(prepared) => {
                // The record says it all.
                request.versions = Vec::new();
                request.body.entries = Entries::default();
                request.body.openings = Vec::new();
                self.write(*prepared, request)
            }
        }
    }

    fn row(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        self.reading(None, |db| tables::read_row(&db.begin_read()?, sequence))
    }

    fn lemma(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        self.reading(None, |db| {
            let Some(table) = tables::lemma_table(&db.begin_read()?)? else {
                return Ok(None);
            };
            Ok(table.get(digest.0.as_slice())?.map(|row| row.value().to_vec()))
        })
    }

    fn lemma_rows(&self) -> Result<Rows<'_, LemmaRow>, LedgerError> {
        let range = self.reading(None, |db| {
            let table = tables::lemma_table(&db.begin_read()?)?;
            Ok(table.map(|table| table.range_owned::<&[u8]>(..)).transpose()?)
        })?;
        Ok(rows(&self.name, range, |digest: &[u8], bytes: &[u8]| {
            Ok((digest.to_vec(), bytes.to_vec()))
        }))
    }

    fn key_rows(&self) -> Result<Rows<'_, (Vec<u8>, u64)>, LedgerError> {
        let range = self.reading(None, |db| {
            Ok(Some(db.begin_read()?.open_table(KEYS)?.range_owned::<&[u8]>(..)?))
        })?;
        Ok(rows(&self.name, range, |key, sequence| {
            Ok((key.to_vec(), sequence))
        }))
    }

    fn checkpoint_rows(&self) -> Result<(u64, Rows<'_, (PlaceKey, Versioned)>), LedgerError> {
        let range = self.reading(None, |db| {
            Ok(Some(
                db.begin_read()?.open_table(BALANCES)?.range_owned::<&[u8]>(..)?,
            ))
        })?;
        let read = |key: &[u8], row: &[u8]| {
            tables::read_balance_row(key, row)
                .map_err(|e| LedgerError::damaged(&self.name, None, e.to_string()))
        };
        Ok((self.state.checkpoint.sequence, rows(&self.name, range, read)))
    }

    fn checkpoint_due(&self) -> bool {
        self.is_checkpoint_due()
    }

    fn checkpoint(&mut self) -> Result<(), LedgerError> {
        self.bring_forward()
    }

    fn close(self: Box<Self>) -> Result<(), LedgerError> {
        // Every commit was durable when it returned, so there is nothing left to write.
        match &self.db {
            File::Lost(error) => Err(error.clone()),
            File::Absent | File::Open(_) => Ok(()),
        }
    }
}
