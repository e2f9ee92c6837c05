//! The identity of a batch: a hash over what it means, in batch order.
//!
//! What is hashed (BLAKE3 with the key derivation context `aethel batch 2 content`; texts and lists with their length
//! before them; whole numbers as [`varint`]s; fractions as decimal texts of numerator and denominator):
//!
//! 1. the batch's name and how many transactions it has;
//! 2. for each run of transactions that follow one another in batch order, call one intent, and are rows of one loop with
//!    no row between them, or are none of a loop: how many; the loop's name and the first row, or the name of each; the
//!    intent; for each account parameter the accounts; for each value parameter that is not `external` the arguments.
//!
//! Names of loops, intents and accounts are written out where they occur first and are numbers from then on; a column that
//! has the same in each row is written once. So the order of tables, groups, spaces, comments, spans, names of parameters
//! and `let`s, `solve` sections, opening balances, oracle values and other batches of a file do not count. An intent is
//! written as its expressions in prefix form.

mod meaning;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop loudly")]
mod tests;

use aethel_ir::{
    AccountId, Batch, Column, Group, Names, Rational, TransactionId, TransactionRef, Value, ValueColumn,
    Wholes, batch::count_rows, varint,
};
use aethel_ledger::Digest;
use meaning::Meaning;
use std::collections::HashMap;
use std::ops::Range;

const DOMAIN: &str = "aethel batch 2 content";
/// What begins with each of these: the meaning of an intent, rows of a loop, transactions with names of their own.
const TAG_INTENT: u8 = 0;
const TAG_ROWS: u8 = 1;
const TAG_NAMED: u8 = 2;
/// An account that did not occur yet.
const NEW: u32 = u32::MAX;

/// The content hash of a batch, given its batch order.
pub fn content_hash(batch: &Batch, order: &[TransactionId]) -> Digest {
    let mut writer = Writer {
        batch,
        hasher: blake3::Hasher::new_derive_key(DOMAIN),
        bytes: Vec::new(),
        intents: vec![None; batch.intents.len()],
        accounts: vec![NEW; batch.accounts.len()],
        known_intents: HashMap::new(),
        next_account: 0,
        loops: HashMap::new(),
    };
    text(&mut writer.bytes, &batch.name);
    count(&mut writer.bytes, order.len());
    let mut run: Option<Run<'_>> = None;
    let mut rest = order;
    while let Some(first) = rest.first() {
        let rows = run_of_rows(batch, rest);
        rest = &rest[rows as usize..];
        let reference = batch.transactions.get(first.0 as usize);
        let Some((reference, group)) =
            reference.and_then(|reference| Some((reference, batch.groups.get(reference.group as usize)?)))
        else {
            continue;
        };
        let piece = Piece {
            group,
            rows: reference.row..reference.row + rows,
        };
        let intent = writer.intent(group.intent as usize);
        match &mut run {
            Some(run) if run.intent == intent && run.goes_on(&piece) => run.pieces.push(piece),
            _ => {
                let pieces = vec![piece];
                if let Some(done) = run.replace(Run { intent, pieces }) {
                    writer.run(&done);
                }
            }
        }
    }
    if let Some(done) = run {
        writer.run(&done);
    }
    writer.hasher.update(&writer.bytes);
    Digest(*writer.hasher.finalize().as_bytes())
}

/// Rows of one group that follow one another.
struct Piece<'a> {
    group: &'a Group,
    rows: Range<u32>,
}

impl<'a> Piece<'a> {
    /// The loop that they are rows of.
    fn of_loop(&self) -> Option<&'a str> {
        match &self.group.names {
            Names::Rows(name) => Some(name),
            _ => None,
        }
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        let names = &self.group.names;
        self.rows.clone().map(move |row| match names {
            Names::One(name) | Names::Rows(name) => &**name,
            Names::Each(names) => names.get(row as usize).map_or("", |name| name),
        })
    }

    fn range(&self) -> Range<usize> {
        self.rows.start as usize..self.rows.end as usize
    }
}

/// Transactions that are written together. However a batch is divided into groups, its runs are the same.
struct Run<'a> {
    intent: u64,
    pieces: Vec<Piece<'a>>,
}

impl Run<'_> {
    /// Whether a piece of the same intent belongs to it.
    fn goes_on(&self, next: &Piece<'_>) -> bool {
        let Some(last) = self.pieces.last() else {
            return true;
        };
        match (last.of_loop(), next.of_loop()) {
            (Some(one), Some(other)) => one == other && last.rows.end == next.rows.start,
            (None, None) => true,
            _ => false,
        }
    }

    fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.rows.len()).sum()
    }
}

/// How many transactions from the first on are rows of one group that follow one another.
pub(crate) fn run_of_rows(batch: &Batch, order: &[TransactionId]) -> u32 {
    let reference = |id: &TransactionId| batch.transactions.get(id.0 as usize);
    let Some((first, start)) = order.first().and_then(|first| Some((first, reference(first)?))) else {
        return u32::from(!order.is_empty());
    };
    // Mostly they follow one another in the source as well, which is quickly seen of many at once.
    let source = batch.transactions.get(first.0 as usize..).unwrap_or_default();
    let rows = count_rows(source, start.group, start.row);
    let count = count_ids(&order[..rows.min(order.len())]);
    let follows = |count: u32, next: &TransactionRef| {
        next.group == start.group && next.row == start.row.wrapping_add(count)
    };
    let rest = (count..).zip(&order[count as usize..]);
    let more = rest.take_while(|(n, id)| reference(id).is_some_and(|next| follows(*n, next)));
    count + more.count() as u32
}

/// How many transactions from the first on follow one another in the source.
fn count_ids(ids: &[TransactionId]) -> u32 {
    let Some(first) = ids.first() else { return 0 };
    let mut count = 0;
    for part in ids.as_chunks::<64>().0 {
        let differ = (count..)
            .zip(part)
            .fold(0, |differ, (n, id)| differ | id.0 ^ first.0.wrapping_add(n));
        if differ != 0 {
            break;
        }
        count += 64;
    }
    let rest = (count..).zip(&ids[count as usize..]);
    count
        + rest
            .take_while(|(n, id)| id.0 == first.0.wrapping_add(*n))
            .count() as u32
}

struct Writer<'a> {
    batch: &'a Batch,
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
    /// For each intent and account that occurred, its number.
    intents: Vec<Option<u64>>,
    accounts: Vec<u32>,
    /// Intents that mean the same have one number.
    known_intents: HashMap<Vec<u8>, u64>,
    next_account: u32,
    /// The number of each name of a loop.
    loops: HashMap<&'a str, usize>,
}

impl<'a> Writer<'a> {
    /// The number of an intent, which is written out where it occurs first.
    fn intent(&mut self, index: usize) -> u64 {
        if let Some(number) = self.intents[index] {
            return number;
        }
        let meaning = Meaning::of(self.batch, &self.batch.intents[index]);
        let fresh = self.known_intents.len() as u64;
        let number = *self.known_intents.entry(meaning.clone()).or_insert(fresh);
        self.intents[index] = Some(number);
        if number == fresh {
            self.bytes.push(TAG_INTENT);
            count(&mut self.bytes, meaning.len());
            self.bytes.extend_from_slice(&meaning);
        }
        number
    }

    fn run(&mut self, run: &Run<'a>) {
        let Some(first) = run.pieces.first() else {
            return;
        };
        match first.of_loop() {
            Some(name) => {
                self.bytes.push(TAG_ROWS);
                count(&mut self.bytes, run.len());
                let fresh = self.loops.len();
                let number = *self.loops.entry(name).or_insert(fresh);
                count(&mut self.bytes, number);
                if number == fresh {
                    text(&mut self.bytes, name);
                }
                count(&mut self.bytes, first.rows.start as usize);
            }
            None => {
                self.bytes.push(TAG_NAMED);
                count(&mut self.bytes, run.len());
                let names = run.pieces.iter().flat_map(Piece::names);
                names.for_each(|name| text(&mut self.bytes, name));
            }
        }
        varint::uint(&mut self.bytes, run.intent);
        let Some(intent) = self.batch.intents.get(first.group.intent as usize) else {
            return;
        };
        for parameter in 0..intent.accounts.len() {
            self.accounts(run, parameter);
        }
        let given = intent.values.iter().enumerate();
        for (parameter, _) in given.filter(|(_, parameter)| !parameter.external) {
            self.values(run, parameter);
        }
    }

    fn accounts(&mut self, run: &Run<'_>, parameter: usize) {
        let known = self.next_account;
        let mut new = Vec::new();
        let mut numbers: Vec<u32> = Vec::with_capacity(run.len());
        for piece in &run.pieces {
            let Some(column) = piece.group.accounts.get(parameter) else {
                continue;
            };
            let mut number = |account: &AccountId| {
                let number = &mut self.accounts[account.0 as usize];
                if *number == NEW {
                    *number = known + new.len() as u32;
                    new.push(*account);
                }
                *number
            };
            match column {
                Column::Same(account) => {
                    numbers.extend(std::iter::repeat_n(number(account), piece.rows.len()));
                }
                Column::Each(accounts) => {
                    let accounts = accounts.get(piece.range()).unwrap_or_default();
                    numbers.extend(accounts.iter().map(number));
                }
            }
        }
        self.next_account += new.len() as u32;
        match all_the_same(&numbers) {
            Some(number) => {
                self.bytes.push(0);
                varint::uint(&mut self.bytes, u64::from(*number));
            }
            None => {
                self.bytes.push(1);
                varint::uints(&mut self.bytes, &numbers);
            }
        }
        for account in new {
            text(&mut self.bytes, self.batch.accounts[account.0 as usize].as_str());
        }
        self.hash();
    }

    fn values(&mut self, run: &Run<'_>, parameter: usize) {
        if let [piece] = run.pieces.as_slice()
            && let Some(ValueColumn::Whole(Wholes::Each(numbers))) = piece.group.values.get(parameter)
            && let Some(values) = numbers.narrow().and_then(|all| all.values.get(piece.range()))
        {
            match all_the_same(values) {
                Some(value) => {
                    self.bytes.push(0);
                    varint::int(&mut self.bytes, i128::from(*value));
                }
                None => {
                    self.bytes.push(1);
                    varint::ints(&mut self.bytes, values);
                }
            }
            return self.hash();
        }
        let mut wholes: Vec<i128> = Vec::with_capacity(run.len());
        let columns = run
            .pieces
            .iter()
            .filter_map(|piece| Some((piece, piece.group.values.get(parameter)?)));
        let whole = columns.clone().all(|(piece, column)| match column {
            ValueColumn::Whole(Wholes::Same(value)) => {
                wholes.extend(std::iter::repeat_n(*value, piece.rows.len()));
                true
            }
            ValueColumn::Whole(Wholes::Each(numbers)) => {
                numbers.copy_to(piece.range(), &mut wholes);
                true
            }
            ValueColumn::Exact(column) => piece.rows.clone().all(|row| match column.get(row) {
                Some(Rational::Int(whole)) => {
                    wholes.push(*whole);
                    true
                }
                _ => false,
            }),
            ValueColumn::Bool(_) => false,
        });
        match all_the_same(&wholes).filter(|_| whole) {
            Some(value) => {
                self.bytes.push(0);
                varint::int(&mut self.bytes, *value);
            }
            None if whole => {
                self.bytes.push(1);
                varint::ints(&mut self.bytes, &wholes);
            }
            None => {
                self.bytes.push(2);
                for (piece, column) in columns {
                    let values = piece.rows.clone().filter_map(|row| column.get(row));
                    values.for_each(|value| write_value(&mut self.bytes, &value));
                }
            }
        }
        self.hash();
    }

    fn hash(&mut self) {
        self.hasher.update(&self.bytes);
        self.bytes.clear();
    }
}

/// What all of some values are, when they are.
fn all_the_same<T: PartialEq>(values: &[T]) -> Option<&T> {
    let first = values.first()?;
    values.iter().all(|value| value == first).then_some(first)
}

fn count(bytes: &mut Vec<u8>, value: usize) {
    varint::uint(bytes, value as u64);
}

fn text(bytes: &mut Vec<u8>, value: &str) {
    count(bytes, value.len());
    bytes.extend_from_slice(value.as_bytes());
}

fn write_value(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(flag) => bytes.extend_from_slice(&[0, u8::from(*flag)]),
        Value::Number(Rational::Int(whole)) => {
            bytes.push(1);
            varint::int(bytes, *whole);
        }
        Value::Number(fraction) => {
            let (numerator, denominator) = fraction.as_fraction();
            bytes.push(2);
            text(bytes, &numerator);
            text(bytes, &denominator);
        }
    }
}
