//! The store without a file: for tests, for `bench`, and over another ledger for `--dry-run`.

use crate::error::LedgerError;
use crate::places::{Columns, PlaceKey, Versioned};
use crate::policy::Policy;
use crate::prepare::{Decision, Layered, Prepared, lookup, prepare};
use crate::receipt::{Digest, LedgerId};
use crate::record::{BatchKey, BatchSummary};
use crate::record_codec::key_row;
use crate::store::{CommitOutcome, CommitRequest, Head, LedgerStore, LemmaRow, Rows};
use crate::tail::{MISSING, Tail, merge};
use std::collections::HashMap;
use std::sync::Arc;

/// A ledger in memory. Over a base it reads through to it and keeps its own commits to itself.
pub struct MemoryStore<'a> {
    name: Arc<str>,
    head: Head,
    policy: Policy,
    tail: Tail,
    rows: Vec<Vec<u8>>,
    keys: HashMap<Vec<u8>, u64>,
    lemmas: HashMap<Digest, Vec<u8>>,
    base: Option<&'a dyn LedgerStore>,
    /// Approvals may be missing.
    rehearsal: bool,
}

impl MemoryStore<'static> {
    /// An empty ledger.
    pub fn new(ledger_id: LedgerId) -> Self {
        let head = Head {
            ledger_id,
            sequence: 0,
            receipt: ledger_id.genesis(),
        };
        Self::at(head, "memory".into(), Policy::default(), None)
    }
}

impl<'a> MemoryStore<'a> {
    /// A ledger that begins where `base` stands. Commits stay in memory; `base` is only read.
    pub fn snapshot_of(base: &'a dyn LedgerStore) -> Self {
        Self::at(
            base.head(),
            base.name().clone(),
            base.policy().clone(),
            Some(base),
        )
    }

    /// Where nothing was committed to it yet.
    fn at(head: Head, name: Arc<str>, policy: Policy, base: Option<&'a dyn LedgerStore>) -> Self {
        Self {
            name,
            head,
            policy,
            tail: Tail::default(),
            rows: Vec::new(),
            keys: HashMap::new(),
            lemmas: HashMap::new(),
            base,
            rehearsal: false,
        }
    }

    /// Like [`MemoryStore::snapshot_of`], to see what would be: approvals may be missing. Those that are given must
    /// hold.
    pub fn rehearsal_of(base: &'a dyn LedgerStore) -> Self {
        Self {
            rehearsal: true,
            ..Self::snapshot_of(base)
        }
    }

    fn base_sequence(&self) -> u64 {
        self.head.sequence - self.rows.len() as u64
    }

    fn write(&mut self, mut prepared: Prepared, request: &CommitRequest) -> CommitOutcome {
        let row = prepared.take_row(&request.certificate);
        let Prepared {
            sequence,
            receipt,
            key,
            numbers,
            extra,
            policy,
            ..
        } = prepared;
        self.tail.add_at(&request.body, &numbers, &extra, sequence);
        self.lemmas.extend(request.lemmas.iter().cloned());
        self.rows.push(row);
        self.keys.insert(key, sequence);
        self.head = Head {
            sequence,
            receipt,
            ..self.head
        };
        if let Some(policy) = policy {
            self.policy = policy;
        }
        CommitOutcome::Committed { sequence, receipt }
    }
}

impl Layered for MemoryStore<'_> {
    fn tail(&self) -> &Tail {
        &self.tail
    }

    fn beneath(
        &self,
        places: &[PlaceKey],
        numbers: &[u32],
        columns: &mut Columns,
    ) -> Result<(), LedgerError> {
        let Some(base) = self.base else { return Ok(()) };
        if numbers.iter().all(|number| *number == MISSING) {
            *columns = base.read_columns(places)?;
            return Ok(());
        }
        let missing: Vec<usize> = (0..places.len()).filter(|i| numbers[*i] == MISSING).collect();
        let asked: Vec<PlaceKey> = missing.iter().map(|i| places[*i].clone()).collect();
        let found = base.read_columns(&asked)?;
        for ((i, value), version) in missing.into_iter().zip(found.values).zip(found.versions) {
            columns.values[i] = value;
            columns.versions[i] = version;
        }
        Ok(())
    }

    fn is_rehearsal(&self) -> bool {
        self.rehearsal
    }
}

impl LedgerStore for MemoryStore<'_> {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn head(&self) -> Head {
        self.head
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn read_columns(&self, places: &[PlaceKey]) -> Result<Columns, LedgerError> {
        Ok(lookup(self, places)?.1)
    }

    fn balances(&self) -> Result<Rows<'_, (PlaceKey, Versioned)>, LedgerError> {
        let below: Rows<'_, _> = match self.base {
            Some(base) => base.balances()?,
            None => Box::new(std::iter::empty()),
        };
        Ok(merge(below, &self.tail))
    }

    fn find(&self, batch: &str, key: &BatchKey) -> Result<Option<BatchSummary>, LedgerError> {
        match (self.keys.get(&key_row(batch, key)), self.base) {
            (Some(sequence), _) => self.summary(*sequence),
            (None, Some(base)) => base.find(batch, key),
            (None, None) => Ok(None),
        }
    }

    fn commit(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        match prepare(self, request)? {
            Decision::Done(outcome) => Ok(outcome),
            Decision::Write(prepared) => Ok(self.write(*prepared, request)),
        }
    }

    fn row(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        match (sequence.checked_sub(self.base_sequence() + 1), self.base) {
            (Some(own), _) => Ok(usize::try_from(own).ok().and_then(|i| self.rows.get(i)).cloned()),
            (None, Some(base)) => base.row(sequence),
            (None, None) => Ok(None),
        }
    }

    fn lemma(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        match (self.lemmas.get(digest), self.base) {
            (Some(bytes), _) => Ok(Some(bytes.clone())),
            (None, Some(base)) => base.lemma(digest),
            (None, None) => Ok(None),
        }
    }

    fn lemma_rows(&self) -> Result<Rows<'_, LemmaRow>, LedgerError> {
        let own = self.lemmas.iter();
        let own = own.map(|(digest, bytes)| Ok((digest.0.to_vec(), bytes.clone())));
        match self.base {
            Some(base) => Ok(Box::new(base.lemma_rows()?.chain(own))),
            None => Ok(Box::new(own)),
        }
    }

    fn key_rows(&self) -> Result<Rows<'_, (Vec<u8>, u64)>, LedgerError> {
        let own = self
            .keys
            .iter()
            .map(|(key, sequence)| Ok((key.clone(), *sequence)));
        match self.base {
            Some(base) => Ok(Box::new(base.key_rows()?.chain(own))),
            None => Ok(Box::new(own)),
        }
    }

    fn checkpoint_rows(&self) -> Result<(u64, Rows<'_, (PlaceKey, Versioned)>), LedgerError> {
        match self.base {
            Some(base) => base.checkpoint_rows(),
            None => Ok((0, Box::new(std::iter::empty()))),
        }
    }

    fn checkpoint_due(&self) -> bool {
        false
    }

    fn checkpoint(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), LedgerError> {
        Ok(())
    }
}
