//! The store for many machines: a PostgreSQL server, or several of which one takes over when another dies.
//!
//! A commit first locks the one row that says where the ledger stands, so that commits follow one another as the chain
//! of receipts does; then it compares what the run has read, checks, and writes. Reads between commits are all of one
//! moment.

mod commit;
mod copy;
mod create;
mod problem;
mod read;
mod session;
mod sql;
mod tls;
mod url;

pub use copy::copy_to_server;
pub use session::ServerLimits;
pub use url::{ServerUrl, UrlError};

use crate::blob::FORMAT_VERSION;
use crate::codec::Reader;
use crate::error::LedgerError;
use crate::places::{Columns, PlaceKey, Versioned};
use crate::policy::Policy;
use crate::policy_codec::decode_policy;
use crate::prepare::{Layered, lookup};
use crate::receipt::{Digest, LedgerId};
use crate::record::{BatchKey, BatchSummary};
use crate::record_codec::key_row;
use crate::store::{CommitOutcome, CommitRequest, Head, LedgerStore, LemmaRow, Rows};
use crate::tail::Tail;

use problem::{Kind, Problem};
use session::{Open, Session};
use sql::Sql;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A ledger in the tables of one schema on a PostgreSQL server. Many programs commit to it at once, each seeing what
/// the others did. A schema without tables is an empty ledger; its first commit makes them.
pub struct PostgresStore {
    name: Arc<str>,
    sql: Sql,
    session: Mutex<Session>,
    read_only: bool,
    /// Whether there are tables.
    created: bool,
    /// As of the snapshot or commit that was last.
    head: Head,
    policy: Policy,
    /// Always empty: the server's balances are current.
    tail: Tail,
}

const NO_HEAD: &str = "the table of its head is empty";

/// What the row of the head says.
struct HeadRow {
    head: Head,
    policy_version: u64,
}

impl PostgresStore {
    /// Opens a ledger for writing, or one that the first commit will create.
    ///
    /// # Errors
    /// When no host can be used, when the tables are something else's or of a newer format.
    pub fn open_or_new(url: &ServerUrl, limits: ServerLimits) -> Result<Self, LedgerError> {
        Self::open(url, limits, false)
    }

    /// Opens a ledger for reading: it stays as it is now, whatever others commit, until it is begun anew.
    ///
    /// # Errors
    /// As [`PostgresStore::open_or_new`]; commits are refused with [`LedgerError::ReadOnly`].
    pub fn open_read_only(url: &ServerUrl, limits: ServerLimits) -> Result<Self, LedgerError> {
        Self::open(url, limits, true)
    }

    fn open(url: &ServerUrl, limits: ServerLimits, read_only: bool) -> Result<Self, LedgerError> {
        let name = url.name();
        let opening = |problem: Problem| problem.into_error(&name, "opening");
        let session = Session::new(url.clone(), limits).map_err(opening)?;
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|error| LedgerError::from_io(&name, "naming", &std::io::Error::other(error)))?;
        let ledger_id = LedgerId(id);
        let mut store = Self {
            sql: Sql::new(session.schema()),
            session: Mutex::new(session),
            read_only,
            created: false,
            head: Head {
                ledger_id,
                sequence: 0,
                receipt: ledger_id.genesis(),
            },
            policy: Policy::default(),
            tail: Tail::default(),
            name,
        };
        store.refresh()?;
        Ok(store)
    }

    /// Whether anything was ever committed to it.
    pub fn is_created(&self) -> bool {
        self.head.sequence > 0
    }

    /// No call leaves the session half-changed, so a panic elsewhere does not spoil it.
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(Problem) -> LedgerError {
        let name = self.name.clone();
        move |problem| problem.into_error(&name, doing)
    }

    fn damaged(&self, reason: &str) -> LedgerError {
        LedgerError::damaged(&self.name, None, reason)
    }

    /// Looks at the ledger as it is now. Reads that follow are of this moment.
    fn refresh(&mut self) -> Result<(), LedgerError> {
        self.session().roll_back();
        if !self.created {
            // Who makes the tables may be killed before there is a head; without one there is no ledger yet.
            self.created = self.exists()?;
            if self.created && self.ask_head(false).map_err(self.failed("opening"))?.is_none() {
                if self.read_row(1)?.is_some() {
                    return Err(self.damaged(NO_HEAD));
                }
                self.created = false;
            }
        }
        if self.created {
            let row = self.read_head(false)?;
            self.follow(row)?;
        }
        Ok(())
    }

    /// Takes in where the ledger stands; says whether a run that began before has to be run again, whatever it read.
    fn follow(&mut self, row: HeadRow) -> Result<bool, LedgerError> {
        let new = row.head;
        if new.ledger_id != self.head.ledger_id {
            // Another program made the ledger first, or this is the first look at it.
            if self.head.sequence > 0 {
                return Err(LedgerError::NotALedger {
                    ledger: self.name.clone(),
                    reason: "another ledger stands in its place now".into(),
                });
            }
        } else if new.sequence < self.head.sequence
            || (new.sequence == self.head.sequence && new.receipt != self.head.receipt)
        {
            return Err(LedgerError::damaged(
                &self.name,
                Some(self.head.sequence),
                "it was there and is there no longer: a server without the last batches took over",
            ));
        }
        let policy_moved = row.policy_version != self.policy.version();
        if policy_moved {
            self.policy = self.read_policy()?;
        }
        // Who found the ledger empty took the first batch's liberties.
        let first = self.head.sequence == 0 && new.sequence > 0;
        self.head = new;
        Ok(policy_moved || first)
    }

    fn read_policy(&self) -> Result<Policy, LedgerError> {
        let sql = &self.sql.policy;
        let bytes: Vec<u8> = self
            .session()
            .ask(async |client| client.query_typed_one(sql, &[]).await?.try_get(0))
            .map_err(self.failed("reading"))?;
        let mut input = Reader::new(&bytes);
        decode_policy(&mut input)
            .and_then(|policy| input.end("policy").map(|()| policy))
            .map_err(|error| self.damaged(&format!("its policy does not fit: {error}")))
    }

    /// Reads the row of the head; `lock` keeps every other program from committing until this one has.
    fn read_head(&self, lock: bool) -> Result<HeadRow, LedgerError> {
        if !lock {
            self.snapshot()?;
        }
        let row = self.ask_head(lock).map_err(self.failed("reading"))?;
        let row = row.ok_or_else(|| self.damaged(NO_HEAD))?;
        self.decode_head(row)
    }

    fn ask_head(&self, lock: bool) -> Result<Option<RawHead>, Problem> {
        let sql = if lock { &self.sql.lock_head } else { &self.sql.head };
        let mut session = self.session();
        let limits = session.limits();
        let limit = match lock {
            true => limits.lock().saturating_add(limits.statement),
            false => limits.statement,
        };
        session.ask_within(limit, async |client| {
            let row = client.query_typed_opt(sql, &[]).await?;
            row.map(|row| {
                Ok((
                    row.try_get(0)?,
                    row.try_get(1)?,
                    row.try_get(2)?,
                    row.try_get(3)?,
                    row.try_get(4)?,
                ))
            })
            .transpose()
        })
    }

    fn decode_head(&self, row: RawHead) -> Result<HeadRow, LedgerError> {
        let (format, ledger_id, sequence, receipt, policy_version) = row;
        if format != i64::from(FORMAT_VERSION) {
            return Err(LedgerError::Newer {
                ledger: self.name.clone(),
                found: u64::try_from(format).unwrap_or(0),
            });
        }
        let read = || {
            Some(HeadRow {
                head: Head {
                    ledger_id: LedgerId(ledger_id.try_into().ok()?),
                    sequence: u64::try_from(sequence).ok()?,
                    receipt: Digest(receipt.try_into().ok()?),
                },
                policy_version: u64::try_from(policy_version).ok()?,
            })
        };
        read().ok_or_else(|| self.damaged("the row of its head does not fit"))
    }

    /// Begins a transaction that sees one moment, unless one is open.
    fn snapshot(&self) -> Result<(), LedgerError> {
        let mut session = self.session();
        if session.open == Open::Nothing {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            let begun = match session.ask(async |client| client.batch_execute(begin).await) {
                // A connection that rested may be dead; nothing was asked of it yet.
                Err(problem) if matches!(problem.kind, Kind::Lost | Kind::Away) => {
                    session.ask(async |client| client.batch_execute(begin).await)
                }
                answer => answer,
            };
            begun.map_err(self.failed("reading"))?;
            session.open = Open::Snapshot;
        }
        Ok(())
    }
}

/// The columns of the head's row: format, ledger id, sequence, receipt, policy version.
type RawHead = (i64, Vec<u8>, i64, Vec<u8>, i64);

impl Layered for PostgresStore {
    fn tail(&self) -> &Tail {
        &self.tail
    }

    fn beneath(&self, places: &[PlaceKey], _: &[u32], columns: &mut Columns) -> Result<(), LedgerError> {
        self.read_values(places, columns)
    }
}

impl LedgerStore for PostgresStore {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn head(&self) -> Head {
        self.head
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn begin(&mut self, alone: bool) -> Result<(), LedgerError> {
        match alone && self.created && !self.read_only {
            true => self.hold(),
            false => self.refresh(),
        }
    }

    fn read_columns(&self, places: &[PlaceKey]) -> Result<Columns, LedgerError> {
        Ok(lookup(self, places)?.1)
    }

    fn balances(&self) -> Result<Rows<'_, (PlaceKey, Versioned)>, LedgerError> {
        Ok(self.balance_pages())
    }

    fn find(&self, batch: &str, key: &BatchKey) -> Result<Option<BatchSummary>, LedgerError> {
        let Some(sequence) = self.find_key(key_row(batch, key))? else {
            return Ok(None);
        };
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
        self.commit_one(request)
    }

    fn row(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        self.read_row(sequence)
    }

    fn lemma(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        self.read_lemma(digest)
    }

    fn lemma_rows(&self) -> Result<Rows<'_, LemmaRow>, LedgerError> {
        Ok(self.lemma_pages())
    }

    fn key_rows(&self) -> Result<Rows<'_, (Vec<u8>, u64)>, LedgerError> {
        Ok(self.key_pages())
    }

    /// None: the table of balances is always current, and compared as such.
    fn checkpoint_rows(&self) -> Result<(u64, Rows<'_, (PlaceKey, Versioned)>), LedgerError> {
        Ok((0, Box::new(std::iter::empty())))
    }

    fn checkpoint_due(&self) -> bool {
        false
    }

    fn checkpoint(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), LedgerError> {
        // Every commit was durable when it returned, so there is nothing left to write.
        self.session().drop_link();
        Ok(())
    }
}
