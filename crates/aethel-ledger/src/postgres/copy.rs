//! A whole ledger into the tables of a server: one transaction, committed when all of it was verified.

use super::PostgresStore;
use super::commit::{Broken, Parameter, changed, finish, signed};
use super::create::policy_bytes;
use super::problem::Problem;
use super::read::SLICE;
use super::session::{Open, ServerLimits};
use super::url::ServerUrl;
use crate::error::LedgerError;
use crate::store::{Head, LedgerStore, Rows};
use crate::verify::{VerifyFailure, VerifyReport, verify_each};
use std::time::Instant;
use tokio_postgres::types::Type;

/// About so many bytes are sent in one statement.
const SLICE_BYTES: usize = 8 << 20;

/// Copies a ledger to a schema in which nothing was committed yet, verifying as it goes: rows, receipts and identity are
/// the same, so this is the same ledger from then on, and the old one must not be written any more. All or nothing.
///
/// # Errors
/// [`LedgerError::Occupied`] when there is a ledger; what does not fit in the old one; what the server says.
pub fn copy_to_server(
    from: &dyn LedgerStore,
    to: &ServerUrl,
    limits: ServerLimits,
) -> Result<VerifyReport, VerifyFailure> {
    let mut target = PostgresStore::open_or_new(to, limits)?;
    let occupied = |target: &PostgresStore| match target.is_created() {
        true => Err(LedgerError::Occupied {
            ledger: target.name.clone(),
        }),
        false => Ok(()),
    };
    occupied(&target)?;
    if !target.created {
        let ledger_id = from.head().ledger_id;
        target.head = Head {
            ledger_id,
            sequence: 0,
            receipt: ledger_id.genesis(),
        };
        target.create()?;
    }
    // From here on nobody else commits to it.
    target.lock(limits.lock())?;
    occupied(&target)?;
    let report = fill(&mut target, from);
    let Ok(report) = report else {
        target.session().roll_back();
        return report;
    };
    let finished = finish(&mut target.session());
    match finished {
        Ok(()) => Ok(report),
        Err(Broken::Before(problem)) => Err(target.failed("writing")(problem).into()),
        Err(Broken::Unsafe(reason)) => Err(target.half_known(reason).into()),
        Err(Broken::Unknown(problem)) => target.settle_copy(from, problem, limits).map(|()| report),
    }
}

/// Rows that wait to be sent together.
#[derive(Default)]
struct Waiting {
    sequences: Vec<i64>,
    rows: Vec<Vec<u8>>,
    keys: Vec<Vec<u8>>,
    bytes: usize,
}

fn fill(target: &mut PostgresStore, from: &dyn LedgerStore) -> Result<VerifyReport, VerifyFailure> {
    let target = &*target;
    let mut waiting = Waiting::default();
    let report = verify_each(from, None, &mut |sequence, row, key| {
        waiting
            .sequences
            .push(signed(sequence).map_err(target.failed("writing"))?);
        waiting.rows.push(row.to_vec());
        waiting.keys.push(key);
        waiting.bytes += row.len();
        match waiting.bytes >= SLICE_BYTES {
            true => target.send(std::mem::take(&mut waiting)),
            false => Ok(()),
        }
    })?;
    target.send(waiting)?;
    target.send_lemmas(from.lemma_rows()?)?;
    target.send_balances(from)?;
    let head = from.head();
    let write = || -> Result<(), Problem> {
        let (sequence, version) = (signed(head.sequence)?, signed(from.policy().version())?);
        let (id, receipt) = (head.ledger_id.0.as_slice(), head.receipt.0.as_slice());
        let policy = policy_bytes(from.policy());
        let row: [Parameter<'_>; 5] = [
            (&sequence, Type::INT8),
            (&receipt, Type::BYTEA),
            (&version, Type::INT8),
            (&policy, Type::BYTEA),
            (&id, Type::BYTEA),
        ];
        changed(&mut target.session(), &target.sql.replace_head, &row, 1)
    };
    write().map_err(target.failed("writing"))?;
    Ok(report)
}

impl PostgresStore {
    fn send(&self, waiting: Waiting) -> Result<(), LedgerError> {
        let mut session = self.session();
        let count = waiting.sequences.len();
        let batches: [Parameter<'_>; 2] = [
            (&waiting.sequences, Type::INT8_ARRAY),
            (&waiting.rows, Type::BYTEA_ARRAY),
        ];
        let keys: [Parameter<'_>; 2] = [
            (&waiting.keys, Type::BYTEA_ARRAY),
            (&waiting.sequences, Type::INT8_ARRAY),
        ];
        changed(&mut session, &self.sql.copy_batches, &batches, count)
            .and_then(|()| changed(&mut session, &self.sql.copy_keys, &keys, count))
            .map_err(self.failed("writing"))
    }

    fn send_lemmas(&self, mut lemmas: Rows<'_, (Vec<u8>, Vec<u8>)>) -> Result<(), LedgerError> {
        loop {
            let slice: Vec<_> = lemmas.by_ref().take(1000).collect::<Result<_, _>>()?;
            if slice.is_empty() {
                return Ok(());
            }
            let (digests, bytes): (Vec<Vec<u8>>, Vec<Vec<u8>>) = slice.into_iter().unzip();
            let rows: [Parameter<'_>; 2] = [(&digests, Type::BYTEA_ARRAY), (&bytes, Type::BYTEA_ARRAY)];
            changed(&mut self.session(), &self.sql.insert_lemmas, &rows, digests.len())
                .map_err(self.failed("writing"))?;
        }
    }

    fn send_balances(&self, from: &dyn LedgerStore) -> Result<(), LedgerError> {
        let mut balances = from.balances()?;
        loop {
            let slice: Vec<_> = balances.by_ref().take(SLICE).collect::<Result<_, _>>()?;
            if slice.is_empty() {
                return Ok(());
            }
            let places: Vec<Vec<u8>> = slice.iter().map(|(place, _)| place.to_bytes()).collect();
            let values: Vec<String> = slice.iter().map(|(_, value)| value.value.to_string()).collect();
            let versions: Result<Vec<i64>, Problem> =
                slice.iter().map(|(_, value)| signed(value.version)).collect();
            let versions = versions.map_err(self.failed("writing"))?;
            let rows: [Parameter<'_>; 3] = [
                (&places, Type::BYTEA_ARRAY),
                (&values, Type::TEXT_ARRAY),
                (&versions, Type::INT8_ARRAY),
            ];
            changed(&mut self.session(), &self.sql.copy_balances, &rows, slice.len())
                .map_err(self.failed("writing"))?;
        }
    }

    fn half_known(&self, reason: String) -> LedgerError {
        LedgerError::OutcomeUnknown {
            ledger: self.name.clone(),
            batch: "the copy".to_owned(),
            reason,
        }
    }

    /// `COMMIT` was sent and no answer came: who gets the lock sees whether the copy is there.
    fn settle_copy(
        &mut self,
        from: &dyn LedgerStore,
        lost: Problem,
        limits: ServerLimits,
    ) -> Result<(), VerifyFailure> {
        let started = Instant::now();
        let mut reason = lost.reason.clone();
        while started.elapsed() < limits.settle {
            self.session().drop_link();
            let asked = self.lock(limits.settle.saturating_sub(started.elapsed()));
            let found = self.head;
            self.session().roll_back();
            match asked {
                Ok(_) if found == from.head() => return Ok(()),
                Ok(_) => return Err(self.failed("writing")(lost).into()),
                Err(error) => reason = error.to_string(),
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        self.session().open = Open::Nothing;
        Err(self.half_known(reason).into())
    }
}
