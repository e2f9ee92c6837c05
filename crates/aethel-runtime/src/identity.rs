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

use aethel_ir::{
    AccountId, AssetId, Batch, Column, Condition, Expr, ExprId, Field, FieldId, Group, Intent, Names,
    Rational, Slot, TransactionId, TransactionRef, Type, Value, ValueColumn, Wholes, varint,
};
use aethel_ledger::Digest;
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
    let follows = |count: u32, next: &TransactionRef| {
        next.group == start.group && next.row == start.row.wrapping_add(count)
    };
    // Mostly they follow one another in the source as well, which is quickly seen of many at once.
    let mut count = 0;
    let source = &batch.transactions[first.0 as usize..];
    for (ids, next) in order.chunks_exact(64).zip(source.chunks_exact(64)) {
        let fits = |(n, (id, next)): (u32, (&TransactionId, &TransactionRef))| {
            (id.0 == first.0.wrapping_add(n)) & follows(n, next)
        };
        if !(count..)
            .zip(ids.iter().zip(next))
            .fold(true, |all, one| all & fits(one))
        {
            break;
        }
        count += 64;
    }
    let rest = (count..).zip(&order[count as usize..]);
    let more = rest.take_while(|(n, id)| reference(id).is_some_and(|next| follows(*n, next)));
    count + more.count() as u32
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

/// An intent as bytes, without names of parameters and places in the source.
struct Meaning<'a> {
    batch: &'a Batch,
    intent: &'a Intent,
    bytes: Vec<u8>,
}

impl<'a> Meaning<'a> {
    fn of(batch: &'a Batch, intent: &'a Intent) -> Vec<u8> {
        let mut meaning = Self {
            batch,
            intent,
            bytes: Vec::new(),
        };
        meaning.write();
        meaning.bytes
    }

    fn write(&mut self) {
        let intent = self.intent;
        text(&mut self.bytes, &intent.name);
        count(&mut self.bytes, intent.accounts.len());
        count(&mut self.bytes, intent.values.len());
        for parameter in &intent.values {
            self.ty(parameter.ty);
            self.bytes.push(u8::from(parameter.external));
            if parameter.external {
                text(&mut self.bytes, &parameter.name);
            }
        }
        count(&mut self.bytes, intent.places.len());
        for place in &intent.places {
            count(&mut self.bytes, usize::from(place.account));
            self.field(place.field);
        }
        count(&mut self.bytes, intent.lets.len());
        for step in &intent.lets {
            self.bytes.push(u8::from(step.whole));
            self.expr(step.value, 0);
        }
        self.conditions(&intent.guard);
        count(&mut self.bytes, intent.effects.len());
        for effect in &intent.effects {
            self.slot(effect.slot);
            self.expr(effect.value, 0);
        }
        self.conditions(&intent.postconditions);
    }

    fn conditions(&mut self, conditions: &[Condition]) {
        count(&mut self.bytes, conditions.len());
        for condition in conditions {
            match condition.if_bounded {
                None => self.bytes.push(0),
                Some(slot) => {
                    self.bytes.push(1);
                    self.slot(slot);
                }
            }
            self.expr(condition.expr, 0);
        }
    }

    fn slot(&mut self, slot: Slot) {
        count(&mut self.bytes, usize::from(slot.0));
    }

    fn expr(&mut self, id: ExprId, depth: usize) {
        let Some(node) = self
            .intent
            .node(id)
            .filter(|_| depth <= aethel_ir::batch::MAX_DEPTH)
        else {
            return;
        };
        let tag = |bytes: &mut Vec<u8>, tag: u8, index: u16| {
            bytes.push(tag);
            count(bytes, usize::from(index));
        };
        match &node.expr {
            Expr::Number(number) => {
                self.bytes.push(0);
                write_value(&mut self.bytes, &Value::Number(number.clone()));
            }
            Expr::Bool(flag) => {
                self.bytes.push(0);
                write_value(&mut self.bytes, &Value::Bool(*flag));
            }
            Expr::Value(n) => tag(&mut self.bytes, 1, *n),
            Expr::Let(n) => tag(&mut self.bytes, 2, *n),
            Expr::Before(slot) => tag(&mut self.bytes, 3, slot.0),
            Expr::After(slot) => tag(&mut self.bytes, 4, slot.0),
            Expr::Unary(op, a) => {
                self.bytes.push(5);
                text(&mut self.bytes, &format!("{op:?}"));
                self.expr(*a, depth + 1);
            }
            Expr::Binary(op, a, b) => {
                self.bytes.push(6);
                text(&mut self.bytes, &format!("{op:?}"));
                self.expr(*a, depth + 1);
                self.expr(*b, depth + 1);
            }
            Expr::Round { value, unit, mode } => {
                self.bytes.push(7);
                text(&mut self.bytes, mode.name());
                write_value(&mut self.bytes, &Value::Number(unit.clone()));
                self.expr(*value, depth + 1);
            }
        }
    }

    fn field(&mut self, field: FieldId) {
        match self.batch.fields.get(usize::from(field.0)) {
            Some(Field::Balance(asset)) => {
                self.bytes.push(0);
                self.asset(*asset);
            }
            Some(Field::Integer(name)) => {
                self.bytes.push(1);
                text(&mut self.bytes, name);
            }
            Some(Field::Bool(name)) => {
                self.bytes.push(2);
                text(&mut self.bytes, name);
            }
            None => self.bytes.push(9),
        }
    }

    fn asset(&mut self, asset: AssetId) {
        if let Some(asset) = self.batch.assets.get(usize::from(asset.0)) {
            text(&mut self.bytes, &asset.name);
            self.bytes.push(asset.scale);
        }
    }

    fn ty(&mut self, ty: Type) {
        match ty {
            Type::Bool => self.bytes.push(0),
            Type::Number => self.bytes.push(1),
            Type::Integer => self.bytes.push(2),
            Type::Time => self.bytes.push(3),
            Type::Amount(asset) => {
                self.bytes.push(4);
                self.asset(asset);
            }
            Type::Price(base, quote) => {
                self.bytes.push(5);
                self.asset(base);
                self.asset(quote);
            }
        }
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::support::{Build, Kind};
    use aethel_ir::{PlaceId, Span};

    fn hash(batch: &Batch) -> Digest {
        content_hash(batch, &aethel_certificate::batch_order(batch).unwrap())
    }

    fn example() -> Batch {
        let mut build = Build::new("b");
        build.rows(Kind::Pay, &[("a", "b", 5), ("a", "c", 6)]);
        build.one(Kind::Count, "a", "a", 0);
        build.batch
    }

    /// The hash is part of what ledgers hold: it may not change.
    #[test]
    fn the_hash_stays_as_it_is() {
        let mut batch = example();
        batch.groups[1].names = Names::Each(vec!["each".into()]);
        batch.intents[0].values[0].external = true;
        assert_eq!(hash(&example()).short(), "f1fa 55ad");
        assert_eq!(hash(&batch).short(), "7051 1408");
    }

    #[test]
    fn what_has_no_meaning_does_not_count() {
        let batch = example();
        let mut other = batch.clone();
        for intent in &mut other.intents {
            intent.span = Span::new(7, 9);
            intent
                .nodes
                .iter_mut()
                .for_each(|node| node.span = Span::new(1, 2));
            intent.accounts[0].name = "payer".into();
            intent.solve.push(("priority".into(), vec![]));
        }
        other.groups.iter_mut().for_each(|group| group.origin = None);
        other.unbounded[0] = true;
        assert_eq!(hash(&other), hash(&batch));
        // Tables in another order: two accounts change places.
        let mut other = batch.clone();
        other.accounts.swap(0, 1);
        let swap = |id: &mut AccountId| id.0 = if id.0 < 2 { 1 - id.0 } else { id.0 };
        other.places.iter_mut().for_each(|(account, _)| swap(account));
        for column in other.groups.iter_mut().flat_map(|group| &mut group.accounts) {
            match column {
                Column::Same(id) => swap(id),
                Column::Each(ids) => ids.iter_mut().for_each(swap),
            }
        }
        other.validate().unwrap();
        assert_eq!(hash(&other), hash(&batch));
        // An intent that nobody calls, and one intent compiled twice.
        let mut other = batch.clone();
        other.intents.push(other.intents[0].clone());
        other.groups[0].intent = 2;
        assert_eq!(hash(&other), hash(&batch));
    }

    /// However transactions are divided into groups, and however columns are held.
    #[test]
    fn groups_do_not_count() {
        let rows = [("a", "b", 5), ("a", "c", 5), ("a", "b", 6), ("d", "a", 7)];
        let names = |rows: Range<usize>| Names::Each(rows.map(|i| format!("t{i}").into()).collect());
        let built = |pieces: &[Range<usize>]| {
            let mut build = Build::new("b");
            for piece in pieces {
                build.rows(Kind::Pay, &rows[piece.clone()]);
            }
            for (group, piece) in build.batch.groups.iter_mut().zip(pieces) {
                group.names = names(piece.clone());
            }
            build.batch
        };
        let whole = built(std::slice::from_ref(&(0..4)));
        assert_eq!(hash(&built(&[0..1, 1..3, 3..4])), hash(&whole));
        let mut rows_of_a_loop = whole.clone();
        rows_of_a_loop.groups[0].names = Names::Rows("t".into());
        assert_ne!(hash(&rows_of_a_loop), hash(&whole));
        // The first two rows pay as much from the same account.
        let mut same = built(&[0..2, 2..4]);
        same.groups[0].accounts[0] = Column::Same(AccountId(0));
        same.groups[0].values[0] = ValueColumn::Whole(Wholes::Same(5));
        assert_eq!(hash(&same), hash(&whole));
        same.groups[0].values[0] = ValueColumn::Exact(Column::Each(vec![Rational::Int(5); 2]));
        assert_eq!(hash(&same), hash(&whole));
        let alike = built(&[0..2, 0..2]);
        assert_ne!(hash(&alike), hash(&whole));
    }

    #[test]
    fn what_has_a_meaning_counts() {
        let batch = example();
        let mut seen = vec![hash(&batch)];
        let mut differs = |change: &dyn Fn(&mut Batch)| {
            let mut other = batch.clone();
            change(&mut other);
            let digest = hash(&other);
            assert!(!seen.contains(&digest));
            seen.push(digest);
        };
        differs(&|b| b.name = "c".into());
        differs(&|b| b.assets[0].scale = 3);
        differs(&|b| b.assets[0].name = "EUR".into());
        differs(&|b| b.accounts[2] = aethel_ir::AccountName::new("zoe").unwrap());
        differs(&|b| b.groups[0].values[0] = ValueColumn::Whole(vec![5, 7].into()));
        differs(&|b| b.groups[0].accounts[1] = Column::Each(vec![AccountId(2), AccountId(1)]));
        differs(&|b| b.groups[0].names = Names::Rows("salary".into()));
        differs(&|b| b.transactions.swap(0, 1));
        differs(&|b| b.items[0].after.push(1));
        differs(&|b| b.intents[0].guard.truncate(1));
        differs(&|b| b.intents[1].nodes[1].expr = Expr::Number(Rational::Int(2)));
        differs(&|b| {
            b.transactions.pop();
            b.items.pop();
        });
        // The place follows from the account; oracle values are not part of what is asked for.
        let mut external = batch.clone();
        external.intents[0].values[0].external = true;
        let before = hash(&external);
        external.groups[0].values[0] = ValueColumn::Whole(Wholes::Same(9));
        external.groups[0].places[0] = Column::Same(PlaceId(0));
        assert_eq!(hash(&external), before);
    }
}
