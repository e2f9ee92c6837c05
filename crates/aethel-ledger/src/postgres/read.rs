//! Reading tables: one row, many places in one statement, or a whole table page by page.

use super::PostgresStore;
use super::commit::Parameter;
use crate::error::LedgerError;
use crate::places::{Columns, PlaceKey, Versioned};
use crate::receipt::Digest;
use crate::store::{LemmaRow, Rows};
use std::collections::VecDeque;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

/// Rows of a page: a message of a few hundred kilobytes.
const PAGE: i64 = 4096;
/// Rows of a page of lemmas, which are longer.
const LEMMA_PAGE: i64 = 128;
/// Places asked for in one statement.
pub(super) const SLICE: usize = 50_000;

impl PostgresStore {
    /// Fills in the columns of places, of which those that are not there stay zero.
    pub(super) fn read_values(&self, places: &[PlaceKey], columns: &mut Columns) -> Result<(), LedgerError> {
        if !self.created {
            return Ok(());
        }
        self.snapshot()?;
        let sql = &self.sql.read;
        for (slice, start) in places.chunks(SLICE).zip((0..).step_by(SLICE)) {
            let keys: Vec<Vec<u8>> = slice.iter().map(PlaceKey::to_bytes).collect();
            let rows = self
                .session()
                .ask(async |client| {
                    let rows = client.query_typed(sql, &[(&keys, Type::BYTEA_ARRAY)]).await?;
                    rows.iter()
                        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
                        .collect::<Result<Vec<(i64, String, i64)>, tokio_postgres::Error>>()
                })
                .map_err(self.failed("reading"))?;
            for (number, value, version) in rows {
                let at = usize::try_from(number)
                    .ok()
                    .and_then(|number| number.checked_sub(1))
                    .filter(|at| *at < slice.len());
                let at = at.ok_or_else(|| self.damaged("it answers for a place that was not asked for"))?;
                let found = self.versioned(&value, version)?;
                columns.values[start + at] = found.value;
                columns.versions[start + at] = found.version;
            }
        }
        Ok(())
    }

    fn versioned(&self, value: &str, version: i64) -> Result<Versioned, LedgerError> {
        let value = value.parse().ok();
        // Records are numbered from 1, and 0 stands for a place that nobody opened.
        let version = u64::try_from(version).ok().filter(|version| *version > 0);
        match (value, version) {
            (Some(value), Some(version)) => Ok(Versioned { value, version }),
            _ => Err(self.damaged("a row of its balances does not fit")),
        }
    }

    pub(super) fn exists(&self) -> Result<bool, LedgerError> {
        self.snapshot()?;
        let sql = self.sql.exists;
        let mut session = self.session();
        let schema = session.schema().to_owned();
        session
            .ask(async |client| client.query_typed_opt(sql, &[(&schema, Type::TEXT)]).await)
            .map(|row| row.is_some())
            .map_err(self.failed("opening"))
    }

    pub(super) fn find_key(&self, key: Vec<u8>) -> Result<Option<u64>, LedgerError> {
        let found: Option<i64> = self.one(&self.sql.find, (&key, Type::BYTEA))?;
        found
            .map(|sequence| u64::try_from(sequence).map_err(|_| self.damaged("a key leads nowhere")))
            .transpose()
    }

    pub(super) fn read_row(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        match i64::try_from(sequence) {
            Ok(sequence) => self.one(&self.sql.row, (&sequence, Type::INT8)),
            Err(_) => Ok(None),
        }
    }

    pub(super) fn read_lemma(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        self.one(&self.sql.lemma, (&digest.0.as_slice(), Type::BYTEA))
    }

    /// The first column of the only row, if there is one.
    fn one<T: for<'a> FromSql<'a>>(
        &self,
        sql: &str,
        parameter: Parameter<'_>,
    ) -> Result<Option<T>, LedgerError> {
        if !self.created {
            return Ok(None);
        }
        self.snapshot()?;
        self.session()
            .ask(async |client| {
                let row = client.query_typed_opt(sql, &[parameter]).await?;
                row.map(|row| row.try_get(0)).transpose()
            })
            .map_err(self.failed("reading"))
    }

    pub(super) fn balance_pages(&self) -> Rows<'_, (PlaceKey, Versioned)> {
        self.pages(&self.sql.balances_page, PAGE, |row| {
            let key: Vec<u8> = self.column(row, 0)?;
            let value: String = self.column(row, 1)?;
            let value = self.versioned(&value, self.column(row, 2)?)?;
            let place = PlaceKey::from_bytes(&key).map_err(|error| self.damaged(&error.to_string()))?;
            Ok((key, (place, value)))
        })
    }

    pub(super) fn key_pages(&self) -> Rows<'_, (Vec<u8>, u64)> {
        self.pages(&self.sql.keys_page, PAGE, |row| {
            let key: Vec<u8> = self.column(row, 0)?;
            let sequence: i64 = self.column(row, 1)?;
            let sequence = u64::try_from(sequence).map_err(|_| self.damaged("a key leads nowhere"))?;
            Ok((key.clone(), (key, sequence)))
        })
    }

    pub(super) fn lemma_pages(&self) -> Rows<'_, LemmaRow> {
        self.pages(&self.sql.lemmas_page, LEMMA_PAGE, |row| {
            let digest: Vec<u8> = self.column(row, 0)?;
            Ok((digest.clone(), (digest, self.column(row, 1)?)))
        })
    }

    fn column<T: for<'a> FromSql<'a>>(&self, row: &Row, at: usize) -> Result<T, LedgerError> {
        row.try_get(at)
            .map_err(|_| self.damaged("a column is of another type"))
    }

    /// The rows of a sorted table; `read` also gives what the row is sorted by.
    fn pages<'a, T: 'a>(
        &'a self,
        sql: &'a str,
        size: i64,
        read: impl Fn(&Row) -> Result<(Vec<u8>, T), LedgerError> + 'a,
    ) -> Rows<'a, T> {
        let mut ready: VecDeque<Row> = VecDeque::new();
        // No row is sorted by nothing.
        let mut after: Option<Vec<u8>> = self.created.then(Vec::new);
        Box::new(std::iter::from_fn(move || {
            if ready.is_empty() {
                let from = after.take()?;
                let page = self.snapshot().and_then(|()| {
                    let parameters: [Parameter<'_>; 2] = [(&from, Type::BYTEA), (&size, Type::INT8)];
                    self.session()
                        .ask(async |client| client.query_typed(sql, &parameters).await)
                        .map_err(self.failed("reading"))
                });
                match page {
                    Ok(rows) => ready.extend(rows),
                    Err(error) => return Some(Err(error)),
                }
            }
            let row = ready.pop_front()?;
            match read(&row) {
                Ok((key, value)) => {
                    if ready.is_empty() {
                        after = Some(key);
                    }
                    Some(Ok(value))
                }
                Err(error) => {
                    ready.clear();
                    after = None;
                    Some(Err(error))
                }
            }
        }))
    }
}
