//! The one trait that every store of a ledger keeps, and what goes in and out of it.

use crate::blob::Blob;
use crate::error::LedgerError;
use crate::places::{Columns, PlaceKey, Versioned};
use crate::policy::Policy;
use crate::receipt::{Digest, DigestPrefix, LedgerId};
use crate::record::{BatchKey, BatchSummary, Body, Record};
use std::sync::Arc;

/// Where a ledger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which ledger.
    pub ledger_id: LedgerId,
    /// The number of the last record; 0 when there is none.
    pub sequence: u64,
    /// The receipt of the last record; of a new ledger [`LedgerId::genesis`].
    pub receipt: Digest,
}

/// One batch to be committed.
#[derive(Clone, Debug)]
pub struct CommitRequest {
    /// The version that each of the body's places had when it was read, 0 when it was unknown. Empty, when
    /// `expected` says what there is to say.
    pub versions: Vec<u64>,
    /// Other places read and the version each had, `None` when it was unknown.
    pub expected: Vec<(PlaceKey, Option<u64>)>,
    /// What the record will say.
    pub body: Body,
    /// The certificate of the run, opaque to the ledger; its digest goes into the record.
    pub certificate: Vec<u8>,
    /// The lemmas that the certificate names, each with its digest ([`lemma_digest`](crate::lemma_digest)) and also
    /// opaque. A ledger keeps each once, so those that it has already may be given again.
    pub lemmas: Vec<(Digest, Vec<u8>)>,
}

/// What became of a commit. Only [`CommitOutcome::Committed`] changed the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is durable.
    Committed {
        /// The number of the new record.
        sequence: u64,
        /// Its receipt.
        receipt: Digest,
    },
    /// The same batch with the same key was committed before.
    AlreadyCommitted(BatchSummary),
    /// The key was used before for another content.
    KeyReused(BatchSummary),
    /// Some places are no longer as they were read; take a new snapshot and run again.
    Conflict {
        /// Which; empty when the ledger itself was created by another process meanwhile, or its policy changed.
        places: Vec<PlaceKey>,
    },
}

/// How far batches were handed over to a ledger; see [`LedgerStore::submit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub(crate) u64);

/// A row of the table of lemmas: what stands as digest, and the bytes.
pub type LemmaRow = (Vec<u8>, Vec<u8>);

/// Rows of a table that are read one by one.
pub type Rows<'a, T> = Box<dyn Iterator<Item = Result<T, LedgerError>> + 'a>;

/// A ledger: named balances with versions, and the journal of batches that made them.
///
/// Every method may answer with a [`LedgerError`] of the store; no error leaves anything half-written.
pub trait LedgerStore: Send + Sync {
    /// The path or host, for messages; never with credentials.
    fn name(&self) -> &Arc<str>;

    /// Where it stands.
    fn head(&self) -> Head;

    /// The policy in force.
    fn policy(&self) -> &Policy;

    /// Begins an attempt at a batch: what was committed by others is seen from here on, in [`LedgerStore::head`],
    /// [`LedgerStore::policy`] and every read. `alone` keeps them from committing until this store commits or begins
    /// again, for a batch that was overtaken too often. A store that nobody else can write has nothing to do.
    ///
    /// # Errors
    /// What the store says.
    fn begin(&mut self, alone: bool) -> Result<(), LedgerError> {
        let _ = alone;
        Ok(())
    }

    /// The current value and version of each place, in the order asked for.
    fn read_columns(&self, places: &[PlaceKey]) -> Result<Columns, LedgerError>;

    /// The current value of each place, in the order asked for; `None` when nobody ever opened it.
    fn read(&self, places: &[PlaceKey]) -> Result<Vec<Option<Versioned>>, LedgerError> {
        let Columns { values, versions } = self.read_columns(places)?;
        let known = |(value, version)| (version > 0).then_some(Versioned { value, version });
        Ok(values.into_iter().zip(versions).map(known).collect())
    }

    /// Every current value, sorted by account and then field.
    fn balances(&self) -> Result<Rows<'_, (PlaceKey, Versioned)>, LedgerError>;

    /// The batch of this name that was committed with this key.
    fn find(&self, batch: &str, key: &BatchKey) -> Result<Option<BatchSummary>, LedgerError>;

    /// Commits one batch, all or nothing: durable when it returns `Committed`. The key is looked up first, then
    /// the expected versions are compared, then the sums are checked once more.
    ///
    /// # Errors
    /// [`LedgerError::OutcomeUnknown`] when it cannot be said whether it was committed; after every other error
    /// it was not.
    fn commit(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError>;

    /// [`LedgerStore::commit`] of a request that nobody needs afterwards: versions, entries and openings may be gone from it,
    /// let go of while the batch is written.
    ///
    /// # Errors
    /// As [`LedgerStore::commit`].
    fn commit_from(&mut self, request: &mut CommitRequest) -> Result<CommitOutcome, LedgerError> {
        self.commit(request)
    }

    /// Hands a batch over like [`LedgerStore::commit`], but may return before it is durable: nobody may be told of
    /// the outcome, whichever it is, before [`LedgerStore::wait`] succeeded for what [`LedgerStore::submitted`] gives
    /// now. Later calls see the batch.
    ///
    /// # Errors
    /// As [`LedgerStore::commit`].
    fn submit(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        self.commit(request)
    }

    /// A ticket for everything that was submitted so far.
    fn submitted(&self) -> Ticket {
        Ticket::default()
    }

    /// Whether [`LedgerStore::wait`] would answer at once.
    fn is_durable(&self, ticket: Ticket) -> bool {
        let _ = ticket;
        true
    }

    /// Waits until everything up to a ticket is durable. Tickets are to be waited for in their order.
    ///
    /// # Errors
    /// As [`LedgerStore::commit`]; what was submitted later is lost then too, and the ledger is as its file says.
    fn wait(&mut self, ticket: Ticket) -> Result<(), LedgerError> {
        let _ = ticket;
        Ok(())
    }

    /// The bytes of a record's row in the journal, if there is such a record.
    fn row(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError>;

    /// The lemma of this digest, if a batch was committed with it.
    fn lemma(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError>;

    /// Every lemma with its digest, for [`crate::verify()`].
    fn lemma_rows(&self) -> Result<Rows<'_, LemmaRow>, LedgerError>;

    /// The rows of the table of keys, for [`crate::verify()`].
    fn key_rows(&self) -> Result<Rows<'_, (Vec<u8>, u64)>, LedgerError>;

    /// The record up to which a table of balances was brought forward, and that table, for [`crate::verify()`].
    fn checkpoint_rows(&self) -> Result<(u64, Rows<'_, (PlaceKey, Versioned)>), LedgerError>;

    /// Whether opening the ledger would be quicker after a [`LedgerStore::checkpoint`].
    fn checkpoint_due(&self) -> bool;

    /// Brings the table of balances forward, in slices that are each complete. To be called after a run was
    /// acknowledged; changes nothing that can be seen.
    fn checkpoint(&mut self) -> Result<(), LedgerError>;

    /// Lets go of the file or connection, and says if that failed. Dropping does the same in silence.
    fn close(self: Box<Self>) -> Result<(), LedgerError>;

    /// The record of this number, if there is one.
    fn record(&self, sequence: u64) -> Result<Option<Record>, LedgerError> {
        self.row(sequence)?
            .map(|row| decode(self.name(), sequence, &row, |blob| blob.record()))
            .transpose()
    }

    /// What lists show of the record of this number, if there is one.
    fn summary(&self, sequence: u64) -> Result<Option<BatchSummary>, LedgerError> {
        self.row(sequence)?
            .map(|row| decode(self.name(), sequence, &row, |blob| blob.summary()))
            .transpose()
    }

    /// The certificate stored beside the record of this number, if there is one.
    fn certificate(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        self.row(sequence)?
            .map(|row| decode(self.name(), sequence, &row, |blob| Ok(blob.certificate.to_vec())))
            .transpose()
    }

    /// The batch whose receipt begins so, looking from the newest back.
    ///
    /// # Errors
    /// When none does, or more than one.
    fn find_receipt(&self, receipt: &DigestPrefix) -> Result<BatchSummary, LedgerError> {
        let mut found = None;
        for sequence in (1..=self.head().sequence).rev() {
            let Some(row) = self.row(sequence)? else { continue };
            if !decode(
                self.name(),
                sequence,
                &row,
                |blob| Ok(receipt.fits(&blob.receipt)),
            )? {
                continue;
            }
            if found.is_some() {
                return Err(LedgerError::ReceiptAmbiguous {
                    receipt: receipt.to_string(),
                });
            }
            found = Some(decode(self.name(), sequence, &row, |blob| blob.summary())?);
            if receipt.whole().is_some() {
                break;
            }
        }
        found.ok_or_else(|| LedgerError::ReceiptUnknown {
            receipt: receipt.to_string(),
        })
    }
}

/// The record in a row of a journal, wherever the row comes from. Neither its receipt nor the chain is looked at, which
/// is what [`crate::verify()`] does.
///
/// # Errors
/// [`LedgerError::Damaged`], or a row of a newer version.
pub fn read_row(row: &[u8]) -> Result<Record, LedgerError> {
    Blob::parse(row)
        .and_then(|blob| blob.record())
        .map_err(|e| LedgerError::from_blob(&"row".into(), None, &e))
}

/// Takes a row apart, reads one thing from it, and names the record when that fails.
pub(crate) fn decode<T>(
    ledger: &Arc<str>,
    sequence: u64,
    row: &[u8],
    read: impl FnOnce(&Blob<'_>) -> Result<T, crate::blob::BlobError>,
) -> Result<T, LedgerError> {
    Blob::parse(row)
        .and_then(|blob| read(&blob))
        .map_err(|e| LedgerError::from_blob(ledger, Some(sequence), &e))
}
