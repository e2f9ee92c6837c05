//! Group commit: the next batch is executed while the last is being synced, and all that wait share one sync.
//!
//! A batch that was handed over is seen by every later read at once, and acknowledged only when its ticket has been
//! waited for. One thread writes in the order of the chain. If a write fails, all that was handed over since the last
//! sync is lost with it, and the state is read from the file again.

use super::db::Db;
use super::guard::guarded;
use super::tables::append;
use super::{File, RedbStore};
use crate::error::LedgerError;
use crate::places::{Columns, PlaceKey, Versioned};
use crate::policy::Policy;
use crate::prepare::{Decision, Layered, Prepared, lookup, prepare};
use crate::receipt::Digest;
use crate::record::{BatchKey, BatchSummary};
use crate::record_codec::key_row;
use crate::store::{CommitOutcome, CommitRequest, Head, LedgerStore, LemmaRow, Rows, Ticket};
use crate::tail::Tail;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// How many batches may wait for the disk.
const MOST_IN_FLIGHT: usize = 64;
/// How many bytes of rows may wait for the disk, apart from a single row that is longer.
const MOST_BYTES: usize = 32 << 20;

/// A ledger file that takes the next batch while the last is being synced.
///
/// [`LedgerStore::submit`] hands a batch over, [`LedgerStore::wait`] tells when it is durable;
/// [`LedgerStore::commit`] does both.
pub struct GroupStore {
    store: RedbStore,
    writer: Option<Writer>,
    /// What was handed over and is not known to be durable, oldest first.
    pending: VecDeque<Arc<Job>>,
    /// How many batches were handed over.
    submitted: u64,
    /// Those of which the writer lost hold, by ticket.
    lost: Vec<(u64, LedgerError)>,
    #[cfg(test)]
    faults: Faults,
}

/// The thread that writes.
struct Writer {
    jobs: Sender<Arc<Job>>,
    progress: Arc<Progress>,
    thread: JoinHandle<()>,
}

/// One batch on its way to the file.
struct Job {
    ticket: u64,
    sequence: u64,
    row: Vec<u8>,
    key_row: Vec<u8>,
    batch: String,
    key: BatchKey,
    lemmas: Vec<(Digest, Vec<u8>)>,
}

/// How far the writer is.
struct Progress {
    so_far: Mutex<SoFar>,
    changed: Condvar,
}

struct SoFar {
    /// Every batch up to this ticket is durable.
    durable: u64,
    /// The writer has given up.
    failed: Option<LedgerError>,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, SoFar> {
        // Each change is one assignment: a panic elsewhere leaves nothing half-made.
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every batch up to the ticket is durable; says whether that is so, or the writer has given up.
    fn wait(&self, ticket: u64) -> bool {
        let mut so_far = self.lock();
        while so_far.durable < ticket && so_far.failed.is_none() {
            so_far = self.changed.wait(so_far).unwrap_or_else(PoisonError::into_inner);
        }
        so_far.durable >= ticket
    }
}

impl GroupStore {
    /// Puts a writer of its own behind a store.
    pub fn new(store: RedbStore) -> Self {
        Self {
            store,
            writer: None,
            pending: VecDeque::new(),
            submitted: 0,
            lost: Vec::new(),
            #[cfg(test)]
            faults: Faults::default(),
        }
    }

    /// Waits until everything is durable or lost.
    fn drain(&mut self) {
        self.settle(self.submitted);
    }

    /// Waits until everything up to a ticket is durable or lost, and forgets what is.
    fn settle(&mut self, ticket: u64) {
        let Some(writer) = &self.writer else { return };
        let in_time = writer.progress.wait(ticket);
        self.forget();
        if !in_time {
            self.recover();
        }
    }

    /// Lets go of rows that are durable by now, and looks after a writer that gave up.
    fn reap(&mut self) {
        self.forget();
        let failed = |writer: &Writer| writer.progress.lock().failed.is_some();
        if self.writer.as_ref().is_some_and(failed) {
            self.recover();
        }
    }

    fn forget(&mut self) {
        let Some(writer) = &self.writer else { return };
        let durable = writer.progress.lock().durable;
        while self.pending.front().is_some_and(|job| job.ticket <= durable) {
            self.pending.pop_front();
        }
    }

    /// After the writer gave up: opens the file anew and asks it by key what became of the batches.
    fn recover(&mut self) {
        let Some(Writer {
            jobs,
            progress,
            thread,
        }) = self.writer.take()
        else {
            return;
        };
        drop(jobs);
        // It holds the file's handle as long as it runs.
        let _ = thread.join();
        let failed = progress.lock().failed.take();
        let error = failed.unwrap_or_else(|| stopped(&self.store.name));
        let mut reopened = self.store.reopen();
        for job in self.pending.drain(..) {
            let found = match &reopened {
                Ok(()) => self.store.find(&job.batch, &job.key),
                Err(error) => Err(error.clone()),
            };
            let verdict = match found {
                Ok(None) => error.clone(),
                // It is in the file, but the write that put it there reported a failure: it may not survive a
                // power loss, so this is not a commit yet.
                Ok(Some(_)) | Err(_) => LedgerError::OutcomeUnknown {
                    ledger: self.store.name.clone(),
                    batch: job.batch.clone(),
                    reason: error.to_string(),
                },
            };
            self.lost.push((job.ticket, verdict));
            if let (Err(error), Ok(())) = (found, &reopened) {
                reopened = Err(error);
            }
        }
        if let Err(error) = reopened {
            self.store.db = File::Lost(error);
        }
    }

    /// The writer, started when there is none.
    fn writer(&mut self, db: &Arc<Db>) -> Result<&Writer, LedgerError> {
        if self.writer.is_none() {
            let (jobs, received) = channel();
            let progress = Arc::new(Progress {
                so_far: Mutex::new(SoFar {
                    durable: self.submitted,
                    failed: None,
                }),
                changed: Condvar::new(),
            });
            let work = Work {
                db: db.clone(),
                ledger: self.store.name.clone(),
                progress: progress.clone(),
                #[cfg(test)]
                faults: self.faults.clone(),
            };
            let thread = std::thread::Builder::new()
                .name("aethel-ledger".into())
                .spawn(move || work.run(&received))
                .map_err(|error| LedgerError::from_io(&self.store.name, "writing", &error))?;
            self.writer = Some(Writer {
                jobs,
                progress,
                thread,
            });
        }
        self.writer.as_ref().ok_or_else(|| stopped(&self.store.name))
    }

    fn hand_over(
        &mut self,
        mut prepared: Prepared,
        request: &CommitRequest,
    ) -> Result<CommitOutcome, LedgerError> {
        let db = match &self.store.db {
            File::Open(db) if db.writable && !self.store.read_only => db.clone(),
            // The first commit makes the file; every other case is refused there.
            _ => return self.store.write(prepared, request),
        };
        let ticket = self.submitted + 1;
        let job = Arc::new(Job {
            ticket,
            sequence: prepared.sequence,
            row: prepared.take_row(&request.certificate),
            key_row: std::mem::take(&mut prepared.key),
            batch: request.body.batch.clone(),
            key: request.body.key.clone(),
            lemmas: request.lemmas.clone(),
        });
        let writer = self.writer(&db)?;
        // A writer that gave up in this moment is noticed by whoever waits for the ticket.
        let _ = writer.jobs.send(job.clone());
        self.submitted = ticket;
        let bytes = job.row.len();
        self.pending.push_back(job);
        Ok(self.store.written(prepared, bytes, &request.body))
    }

    /// Waits until there is room for one more.
    fn make_room(&mut self) {
        let bytes = |jobs: &VecDeque<Arc<Job>>| jobs.iter().map(|job| job.row.len()).sum::<usize>();
        while self.pending.len() >= MOST_IN_FLIGHT
            || (self.pending.len() > 1 && bytes(&self.pending) > MOST_BYTES)
        {
            let Some(oldest) = self.pending.front().map(|job| job.ticket) else {
                return;
            };
            self.settle(oldest);
        }
    }

    fn in_flight(&self, sequence: u64) -> Option<&Arc<Job>> {
        self.pending.iter().find(|job| job.sequence == sequence)
    }
}

/// What cannot happen unless the writing thread died by itself.
fn stopped(ledger: &Arc<str>) -> LedgerError {
    LedgerError::from_io(ledger, "writing", &io::Error::other("the writer has stopped"))
}

impl Drop for GroupStore {
    fn drop(&mut self) {
        // What was handed over is written before the file is let go of.
        self.drain();
        if let Some(Writer { jobs, thread, .. }) = self.writer.take() {
            drop(jobs);
            let _ = thread.join();
        }
    }
}

/// What the writing thread has.
struct Work {
    db: Arc<Db>,
    ledger: Arc<str>,
    progress: Arc<Progress>,
    #[cfg(test)]
    faults: Faults,
}

impl Work {
    fn run(self, received: &Receiver<Arc<Job>>) {
        while let Ok(first) = received.recv() {
            let mut jobs = vec![first];
            jobs.extend(received.try_iter());
            let written = guarded(&self.ledger, "writing", || self.write(&jobs));
            let mut so_far = self.progress.lock();
            match written {
                Ok(()) => so_far.durable = jobs.last().map_or(so_far.durable, |job| job.ticket),
                Err(error) => so_far.failed = Some(error),
            }
            let failed = so_far.failed.is_some();
            drop(so_far);
            self.progress.changed.notify_all();
            if failed {
                return;
            }
        }
    }

    /// Everything that waits, in one transaction with one sync.
    fn write(&self, jobs: &[Arc<Job>]) -> Result<(), redb::Error> {
        #[cfg(test)]
        self.faults.before()?;
        let rows = jobs.iter().map(|job| {
            (
                job.sequence,
                [job.row.as_slice(), &[]],
                job.key_row.as_slice(),
                job.lemmas.as_slice(),
            )
        });
        append(&self.db, rows)?;
        #[cfg(test)]
        self.faults.after()?;
        Ok(())
    }
}

impl Layered for GroupStore {
    fn tail(&self) -> &Tail {
        self.store.tail()
    }

    fn beneath(
        &self,
        places: &[PlaceKey],
        numbers: &[u32],
        columns: &mut Columns,
    ) -> Result<(), LedgerError> {
        self.store.beneath(places, numbers, columns)
    }
}

impl LedgerStore for GroupStore {
    fn name(&self) -> &Arc<str> {
        self.store.name()
    }

    fn head(&self) -> Head {
        self.store.head()
    }

    fn policy(&self) -> &Policy {
        self.store.policy()
    }

    fn read_columns(&self, places: &[PlaceKey]) -> Result<Columns, LedgerError> {
        self.store.db()?;
        Ok(lookup(self, places)?.1)
    }

    fn balances(&self) -> Result<Rows<'_, (PlaceKey, Versioned)>, LedgerError> {
        self.store.balances()
    }

    fn find(&self, batch: &str, key: &BatchKey) -> Result<Option<BatchSummary>, LedgerError> {
        if self.pending.is_empty() {
            return self.store.find(batch, key);
        }
        let row = key_row(batch, key);
        match self.pending.iter().find(|job| job.key_row == row) {
            Some(job) => self.summary(job.sequence),
            None => self.store.find(batch, key),
        }
    }

    fn commit(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        let outcome = self.submit(request)?;
        self.wait(self.submitted())?;
        Ok(outcome)
    }

    fn submit(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        self.reap();
        self.make_room();
        match prepare(self, request)? {
            Decision::Done(outcome) => Ok(outcome),
            Decision::Write(prepared) => self.hand_over(*prepared, request),
        }
    }

    fn submitted(&self) -> Ticket {
        Ticket(self.submitted)
    }

    fn is_durable(&self, ticket: Ticket) -> bool {
        let known = |writer: &Writer| {
            let so_far = writer.progress.lock();
            so_far.durable >= ticket.0 || so_far.failed.is_some()
        };
        self.writer.as_ref().is_none_or(known)
    }

    fn wait(&mut self, ticket: Ticket) -> Result<(), LedgerError> {
        self.settle(ticket.0);
        match self.lost.iter().find(|(lost, _)| *lost == ticket.0) {
            Some((_, error)) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn row(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        match self.in_flight(sequence) {
            Some(job) => Ok(Some(job.row.clone())),
            None => self.store.row(sequence),
        }
    }

    fn lemma(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        let mut waiting = self.pending.iter().flat_map(|job| &job.lemmas);
        match waiting.find(|(known, _)| known == digest) {
            Some((_, lemma)) => Ok(Some(lemma.clone())),
            None => self.store.lemma(digest),
        }
    }

    fn lemma_rows(&self) -> Result<Rows<'_, LemmaRow>, LedgerError> {
        self.written_out();
        self.store.lemma_rows()
    }

    fn key_rows(&self) -> Result<Rows<'_, (Vec<u8>, u64)>, LedgerError> {
        self.written_out();
        self.store.key_rows()
    }

    fn checkpoint_rows(&self) -> Result<(u64, Rows<'_, (PlaceKey, Versioned)>), LedgerError> {
        self.store.checkpoint_rows()
    }

    fn checkpoint_due(&self) -> bool {
        self.store.checkpoint_due()
    }

    fn checkpoint(&mut self) -> Result<(), LedgerError> {
        self.drain();
        self.store.checkpoint()
    }

    fn close(mut self: Box<Self>) -> Result<(), LedgerError> {
        self.wait(self.submitted())?;
        match &self.store.db {
            File::Lost(error) => Err(error.clone()),
            File::Absent | File::Open(_) => Ok(()),
        }
    }
}

impl GroupStore {
    /// Waits until the tables of the file hold all that was handed over, as far as that succeeds.
    fn written_out(&self) {
        if let Some(writer) = &self.writer {
            writer.progress.wait(self.submitted);
        }
    }
}

/// Failures on request, for tests: of the n-th transaction from now, before or after it was committed.
#[cfg(test)]
#[derive(Clone, Default)]
struct Faults(Arc<Mutex<Option<(u32, bool)>>>);

#[cfg(test)]
impl Faults {
    fn before(&self) -> Result<(), redb::Error> {
        let mut planned = self.0.lock().unwrap();
        if let Some((left, _)) = &mut *planned {
            *left = left.saturating_sub(1);
        }
        Self::strike(&mut planned, false)
    }

    fn after(&self) -> Result<(), redb::Error> {
        Self::strike(&mut self.0.lock().unwrap(), true)
    }

    fn strike(planned: &mut Option<(u32, bool)>, after: bool) -> Result<(), redb::Error> {
        if planned.is_some_and(|plan| plan == (0, after)) {
            *planned = None;
            return Err(redb::Error::Io(io::Error::other("a planned failure")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
