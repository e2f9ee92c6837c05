//! A whole ledger into a new file: built under another name, and given its own when all of it was verified.

use super::create::{Created, create};
use super::db::Db;
use super::guard::guarded;
use super::medium::Medium;
use super::tables::{
    BALANCES, BatchRows, CHECKPOINT, Checkpoint, LEDGER, META, append, balance_row, checkpoint_row,
    ledger_row,
};
use crate::error::LedgerError;
use crate::places::{PlaceKey, Versioned};
use crate::receipt::Digest;
use crate::store::LedgerStore;
use crate::verify::{VerifyFailure, VerifyReport, verify_each};
use std::path::Path;
use std::sync::Arc;

/// About so many bytes of journal are written in one transaction.
const SLICE_BYTES: usize = 8 << 20;
/// At most so many records, balances or lemmas are.
const SLICE_ROWS: usize = 20_000;

/// Copies a ledger to a file that does not exist yet, verifying as it goes: rows, receipts and identity are the same,
/// so this is the same ledger from then on, and the old one must not be written any more. All or nothing.
///
/// # Errors
/// [`LedgerError::Occupied`] when there is a file; what does not fit in the old ledger; what the system says.
pub fn copy_to_file(from: &dyn LedgerStore, path: &Path) -> Result<VerifyReport, VerifyFailure> {
    let name = super::open::shown(path);
    let occupied = || LedgerError::Occupied { ledger: name.clone() };
    if path.symlink_metadata().is_ok() {
        return Err(occupied().into());
    }
    let mut outcome = Err(VerifyFailure::Store(occupied()));
    let created = create(&Medium::File(path.to_owned()), &name, "the copy", &mut |db| {
        outcome = fill(db, &name, from);
        match &outcome {
            Ok(_) => Ok(()),
            Err(VerifyFailure::Store(error)) => Err(error.clone()),
            Err(failure) => Err(LedgerError::damaged(from.name(), None, failure.to_string())),
        }
    });
    match (created, outcome) {
        (Ok(Created::Here(_)), outcome) => outcome,
        (Ok(Created::Lost), _) => Err(occupied().into()),
        // Said by the walk, with its place.
        (Err(_), Err(failure)) => Err(failure),
        (Err(error), Ok(_)) => Err(error.into()),
    }
}

/// Records that wait to be written together.
#[derive(Default)]
struct Waiting {
    rows: Vec<(u64, Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

impl Waiting {
    fn write(&mut self, db: &Db, ledger: &Arc<str>) -> Result<(), LedgerError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let rows = rows
            .iter()
            .map(|(sequence, row, key)| -> BatchRows<'_> { (*sequence, [row, &[]], key, &[]) });
        guarded(ledger, "writing", || append(db, rows))
    }
}

fn fill(db: &Db, ledger: &Arc<str>, from: &dyn LedgerStore) -> Result<VerifyReport, VerifyFailure> {
    let head = from.head();
    guarded(ledger, "writing", || {
        db.write(true, |transaction| {
            let mut meta = transaction.open_table(META)?;
            meta.insert(LEDGER, ledger_row(&head.ledger_id).as_slice())?;
            Ok(())
        })
    })?;
    let mut waiting = Waiting::default();
    let report = verify_each(from, None, &mut |sequence, row, key| {
        waiting.rows.push((sequence, row.to_vec(), key));
        waiting.bytes += row.len();
        match waiting.bytes >= SLICE_BYTES || waiting.rows.len() >= SLICE_ROWS {
            true => waiting.write(db, ledger),
            false => Ok(()),
        }
    })?;
    waiting.write(db, ledger)?;
    for lemmas in slices(from.lemma_rows()?, |(digest, bytes)| {
        // Compared with its digest by the walk.
        let digest = digest
            .try_into()
            .map_err(|_| LedgerError::damaged(from.name(), None, "a lemma has no digest"))?;
        Ok((Digest(digest), bytes))
    }) {
        let lemmas = lemmas?;
        guarded(ledger, "writing", || {
            db.write(true, |transaction| {
                super::tables::write_lemmas(transaction, &lemmas)
            })
        })?;
    }
    for balances in slices(from.balances()?, Ok) {
        write_balances(db, ledger, &balances?)?;
    }
    let checkpoint = Checkpoint {
        sequence: head.sequence,
        receipt: head.receipt,
        policy: from.policy().clone(),
    };
    guarded(ledger, "writing", || {
        db.write(true, |transaction| {
            transaction.open_table(BALANCES)?;
            transaction
                .open_table(META)?
                .insert(CHECKPOINT, checkpoint_row(&checkpoint).as_slice())?;
            Ok(())
        })
    })?;
    Ok(report)
}

fn write_balances(db: &Db, ledger: &Arc<str>, balances: &[(PlaceKey, Versioned)]) -> Result<(), LedgerError> {
    guarded(ledger, "writing", || {
        db.write(true, |transaction| {
            let mut table = transaction.open_table(BALANCES)?;
            for (place, value) in balances {
                table.insert(place.to_bytes().as_slice(), balance_row(value).as_slice())?;
            }
            Ok(())
        })
    })
}

/// Rows in slices of a bounded number; ends with the first that cannot be read.
fn slices<'a, T: 'a, U: 'a>(
    mut rows: crate::store::Rows<'a, T>,
    read: impl Fn(T) -> Result<U, LedgerError> + 'a,
) -> impl Iterator<Item = Result<Vec<U>, LedgerError>> + 'a {
    std::iter::from_fn(move || {
        let slice: Result<Vec<U>, LedgerError> = rows
            .by_ref()
            .take(SLICE_ROWS)
            .map(|row| row.and_then(&read))
            .collect();
        match slice {
            Ok(slice) if slice.is_empty() => None,
            slice => Some(slice),
        }
    })
}
