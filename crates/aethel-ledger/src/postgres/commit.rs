//! A commit: lock the head, compare, check, write, `COMMIT`; and what to make of a lost answer.

use super::PostgresStore;
use super::create::policy_bytes;
use super::problem::{Kind, Problem};
use super::read::SLICE;
use super::session::{Open, Session};
use super::sql::Sql;
use crate::error::{LedgerError, ServerProblem};
use crate::places::{MAX_MINOR_UNITS, PlaceKey};
use crate::prepare::{Decision, Prepared, lookup, prepare, repeated};
use crate::record::{Body, RecordKind};
use crate::store::{CommitOutcome, CommitRequest, Head, LedgerStore};
use aethel_ir::AccountName;
use aethel_ir::account::OPENING_ACCOUNT;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::types::{ToSql, Type};

pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// How writing went wrong.
pub(super) enum Broken {
    /// Before `COMMIT` was sent, or the server refused it: the batch is not there.
    Before(Problem),
    /// After `COMMIT` was sent: it may be there.
    Unknown(Problem),
    /// It is there, but not on every server that it has to be on.
    Unsafe(String),
}

impl PostgresStore {
    pub(super) fn commit_one(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        if self.read_only {
            return Err(LedgerError::ReadOnly {
                ledger: self.name.clone(),
            });
        }
        if !self.created {
            // Nothing is made for a batch that is refused.
            if let Decision::Done(outcome) = prepare(self, request)? {
                return Ok(outcome);
            }
            self.create()?;
        }
        let outcome = self.commit_locked(request);
        self.session().roll_back();
        outcome
    }

    /// Locks the head, unless an attempt began with it, and takes in where the ledger stands. Says whether what a run
    /// read before is out of date as a whole.
    pub(super) fn lock(&mut self, patience: Duration) -> Result<bool, LedgerError> {
        if self.session().open == Open::Writing {
            return Ok(false);
        }
        self.session().roll_back();
        let idle = self.session().limits().idle.as_millis();
        // Zero would mean for ever.
        let patience = patience.as_millis().max(1);
        // No statement of a commit is cancelled by its time: a cancelled wait for a standby would look like success.
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0; \
             SET LOCAL lock_timeout = {patience}; SET LOCAL idle_in_transaction_session_timeout = {idle}"
        );
        let begun = |session: &mut Session| session.ask(async |client| client.batch_execute(&begin).await);
        let answer = begun(&mut self.session());
        match answer {
            // A connection that rested may be dead, and its server too. Nothing was asked yet, so another one will do.
            Err(problem) if matches!(problem.kind, Kind::Lost | Kind::Away) => begun(&mut self.session()),
            answer => answer,
        }
        .map_err(self.failed("locking"))?;
        self.session().open = Open::Writing;
        let row = self.read_head(true)?;
        self.follow(row)
    }

    /// Begins an attempt that no other program can make vain.
    pub(super) fn hold(&mut self) -> Result<(), LedgerError> {
        self.session().roll_back();
        let patience = self.session().limits().lock();
        let held = self.lock(patience);
        if held.is_err() {
            self.session().roll_back();
        }
        held.map(|_| ())
    }

    fn commit_locked(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        let body = &request.body;
        let patience = self.session().limits().lock();
        if self.lock(patience)? {
            // The policy that the run was held to is another one by now.
            return Ok(match self.find(&body.batch, &body.key)? {
                Some(known) => repeated(known, body),
                None => CommitOutcome::Conflict { places: Vec::new() },
            });
        }
        let prepared = match prepare(self, request)? {
            Decision::Done(outcome) => return Ok(outcome),
            Decision::Write(prepared) => *prepared,
        };
        let crowded = self.beyond_supply(body)?;
        if !crowded.is_empty() {
            return Ok(CommitOutcome::Conflict { places: crowded });
        }
        let written = write(&mut self.session(), &self.sql, &prepared, request);
        match written {
            Ok(()) => Ok(self.written(prepared)),
            Err(Broken::Before(problem)) if problem.kind == Kind::Serialization => {
                Ok(CommitOutcome::Conflict { places: Vec::new() })
            }
            Err(Broken::Before(problem)) => Err(self.failed("writing")(problem)),
            Err(Broken::Unsafe(reason)) => Err(self.unknown(body, reason)),
            Err(Broken::Unknown(problem)) => self.settle(problem, prepared, body),
        }
    }

    fn written(&mut self, prepared: Prepared) -> CommitOutcome {
        let Prepared {
            sequence,
            receipt,
            policy,
            ..
        } = prepared;
        self.session().open = Open::Nothing;
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

    fn unknown(&self, body: &Body, reason: String) -> LedgerError {
        LedgerError::OutcomeUnknown {
            ledger: self.name.clone(),
            batch: body.batch.clone(),
            reason,
        }
    }

    /// `COMMIT` was sent and no answer came. Whoever gets the lock of the head knows that the lost transaction has
    /// ended, this way or that; then its key tells which way.
    fn settle(
        &mut self,
        lost: Problem,
        prepared: Prepared,
        body: &Body,
    ) -> Result<CommitOutcome, LedgerError> {
        self.session().drop_link();
        let started = Instant::now();
        let limit = self.session().limits().settle;
        let mut reason = lost.reason.clone();
        while started.elapsed() < limit {
            match self.ask_by_key(limit.saturating_sub(started.elapsed()), &prepared, body) {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {
                    return Err(LedgerError::Server {
                        ledger: self.name.clone(),
                        doing: "writing",
                        reason: lost.reason,
                        problem: ServerProblem::Failed,
                    });
                }
                Err(error) => {
                    reason = error.to_string();
                    self.session().drop_link();
                    // What cannot change by waiting.
                    if !matches!(
                        error,
                        LedgerError::Locked { .. }
                            | LedgerError::Server {
                                problem: ServerProblem::Unreachable | ServerProblem::Failed,
                                ..
                            }
                    ) {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
        Err(self.unknown(body, format!("{}; {reason}", lost.reason)))
    }

    /// What became of a batch; `None` when it is not there and cannot come any more.
    fn ask_by_key(
        &mut self,
        patience: Duration,
        prepared: &Prepared,
        body: &Body,
    ) -> Result<Option<CommitOutcome>, LedgerError> {
        self.lock(patience)?;
        let Some(known) = self.find(&body.batch, &body.key)? else {
            return Ok(None);
        };
        // It was written, but who would have said on how many servers is gone. What is committed after it is on them
        // only when it is.
        let touched = {
            let sql = &self.sql.touch_head;
            let mut session = self.session();
            session
                .ask(async |client| client.batch_execute(sql).await)
                .map_err(Broken::Before)
                .and_then(|()| finish(&mut session))
        };
        match touched {
            Ok(()) => {}
            Err(Broken::Before(problem) | Broken::Unknown(problem)) => {
                return Err(self.failed("writing")(problem));
            }
            Err(Broken::Unsafe(reason)) => return Err(self.unknown(body, reason)),
        }
        self.session().open = Open::Nothing;
        Ok(Some(match known.receipt == prepared.receipt {
            true => CommitOutcome::Committed {
                sequence: known.sequence,
                receipt: known.receipt,
            },
            false => repeated(known, body),
        }))
    }

    /// The unbounded accounts from which a batch takes more of an asset into circulation than a ledger holds, by what
    /// they have now. A run reads their balances and holds each transaction to that limit, but only those that it
    /// writes are compared.
    fn beyond_supply(&self, body: &Body) -> Result<Vec<PlaceKey>, LedgerError> {
        let mut issued: BTreeMap<Arc<str>, i128> = BTreeMap::new();
        if body.kind != RecordKind::Batch {
            return Ok(Vec::new());
        }
        let unbounded: Vec<bool> = body
            .places
            .iter()
            .map(|place| self.policy.is_unbounded(place.account.as_str()))
            .collect();
        for (place, amount, _) in body.entries.iter() {
            let place = place as usize;
            if let (true, Some(asset)) = (unbounded[place], body.places[place].field.asset()) {
                let sum = issued.entry(asset.clone()).or_default();
                *sum = sum.saturating_sub(amount);
            }
        }
        issued.retain(|_, sum| *sum > 0);
        // What the batch opens is in circulation when its transactions begin.
        for opening in &body.openings {
            let place = opening.place as usize;
            if let (false, Some(asset)) = (unbounded[place], body.places[place].field.asset())
                && let Some(sum) = issued.get_mut(asset)
            {
                *sum = sum.saturating_add(opening.amount);
            }
        }
        let source = AccountName::new(OPENING_ACCOUNT).ok();
        let mut crowded = Vec::new();
        for (asset, sum) in issued {
            let accounts = self.policy.unbounded().iter().chain(&source);
            let places: Vec<PlaceKey> = accounts
                .map(|account| PlaceKey::balance(account.clone(), asset.clone()))
                .collect();
            let (_, now) = lookup(self, &places)?;
            let held = now
                .values
                .iter()
                .fold(sum, |held, owed| held.saturating_sub(*owed));
            if held > MAX_MINOR_UNITS {
                crowded.extend(places);
            }
        }
        Ok(crowded)
    }
}

/// Writes a batch into the open transaction and commits it.
fn write(
    session: &mut Session,
    sql: &Sql,
    prepared: &Prepared,
    request: &CommitRequest,
) -> Result<(), Broken> {
    write_rows(session, sql, prepared, request).map_err(Broken::Before)?;
    finish(session)
}

fn write_rows(
    session: &mut Session,
    sql: &Sql,
    prepared: &Prepared,
    request: &CommitRequest,
) -> Result<(), Problem> {
    let sequence = signed(prepared.sequence)?;
    let receipt = prepared.receipt.0.as_slice();
    let row = [prepared.record.as_slice(), &request.certificate].concat();
    let batch: [Parameter<'_>; 2] = [(&sequence, Type::INT8), (&row, Type::BYTEA)];
    changed(session, &sql.insert_batch, &batch, 1)?;
    let key: [Parameter<'_>; 2] = [(&prepared.key, Type::BYTEA), (&sequence, Type::INT8)];
    changed(session, &sql.insert_key, &key, 1)?;
    if !request.lemmas.is_empty() {
        let digests: Vec<&[u8]> = request
            .lemmas
            .iter()
            .map(|(digest, _)| digest.0.as_slice())
            .collect();
        let bytes: Vec<&[u8]> = request.lemmas.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        let lemmas: [Parameter<'_>; 2] = [(&digests, Type::BYTEA_ARRAY), (&bytes, Type::BYTEA_ARRAY)];
        session.ask(async |client| client.execute_typed(&sql.insert_lemmas, &lemmas).await)?;
    }
    let body = &request.body;
    let extra = prepared.extra.iter().map(|(place, value)| (place, *value));
    let all: Vec<(&PlaceKey, i128)> = body
        .places
        .iter()
        .zip(body.values.iter().copied())
        .chain(extra)
        .collect();
    for slice in all.chunks(SLICE) {
        let places: Vec<Vec<u8>> = slice.iter().map(|(place, _)| place.to_bytes()).collect();
        let values: Vec<String> = slice.iter().map(|(_, value)| value.to_string()).collect();
        let rows: [Parameter<'_>; 3] = [
            (&places, Type::BYTEA_ARRAY),
            (&values, Type::TEXT_ARRAY),
            (&sequence, Type::INT8),
        ];
        changed(session, &sql.write, &rows, slice.len())?;
    }
    match &prepared.policy {
        None => {
            let head: [Parameter<'_>; 2] = [(&sequence, Type::INT8), (&receipt, Type::BYTEA)];
            changed(session, &sql.update_head, &head, 1)
        }
        Some(policy) => {
            let version = signed(policy.version())?;
            let policy = policy_bytes(policy);
            let head: [Parameter<'_>; 4] = [
                (&sequence, Type::INT8),
                (&receipt, Type::BYTEA),
                (&version, Type::INT8),
                (&policy, Type::BYTEA),
            ];
            changed(session, &sql.update_head_and_policy, &head, 1)
        }
    }
}

/// Runs a statement that must change so many rows.
pub(super) fn changed(
    session: &mut Session,
    sql: &str,
    parameters: &[Parameter<'_>],
    rows: usize,
) -> Result<(), Problem> {
    assert_eq!(session.open, Open::Writing, "rows are written in a transaction");
    let count = session.ask(async |client| client.execute_typed(sql, parameters).await)?;
    match count == rows as u64 {
        true => Ok(()),
        false => Err(Problem::new(
            Kind::Other(ServerProblem::Failed),
            format!("{count} rows were changed instead of {rows}"),
        )),
    }
}

pub(super) fn signed(number: u64) -> Result<i64, Problem> {
    i64::try_from(number).map_err(|_| {
        Problem::new(
            Kind::Other(ServerProblem::Failed),
            "a number is too large for the tables",
        )
    })
}

/// Sends `COMMIT`, after everything else was answered.
pub(super) fn finish(session: &mut Session) -> Result<(), Broken> {
    let _ = session.warning();
    let limit = session.limits().commit;
    match session.ask_within(limit, async |client| client.batch_execute("COMMIT").await) {
        Ok(()) => {
            session.open = Open::Nothing;
            match session.warning() {
                // Somebody cancelled the wait for a standby: it is on this server alone.
                Some(reason) => Err(Broken::Unsafe(reason)),
                None => Ok(()),
            }
        }
        Err(problem) if problem.ends => Err(Broken::Unknown(problem)),
        Err(problem) => Err(Broken::Before(problem)),
    }
}
