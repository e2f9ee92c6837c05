//! The identity of a batch: a hash over what it means, in batch order.
//!
//! What is hashed (BLAKE3 with the key derivation context `aethel batch 1 content`; texts and lists with their length
//! before them, 8 bytes little endian; numbers as 16 bytes little endian or, where they may be fractions, as decimal
//! texts of numerator and denominator):
//!
//! 1. the batch's name;
//! 2. for each transaction in batch order: its name; its intent; for each account parameter its account; for each value
//!    parameter that is not `external` its argument.
//!
//! Intents, assets, fields and accounts are written out where they occur first and are numbers from then on, so the
//! order of tables, spaces, comments, spans, names of parameters and `let`s, `solve` sections, opening balances, oracle
//! values and other batches of a file do not count. An intent is written as its expressions in prefix form.

use aethel_ir::{
    AssetId, Batch, Condition, Expr, ExprId, Field, FieldId, Group, Intent, Names, Rational, Slot,
    TransactionId, Type, Value, ValueColumn,
};
use aethel_ledger::Digest;
use std::collections::HashMap;

const DOMAIN: &str = "aethel batch 1 content";
/// How many bytes are gathered before they are hashed.
const GATHER: usize = 1 << 16;
/// An account that did not occur yet.
const NEW: u32 = u32::MAX;

/// The content hash of a batch, given its batch order.
pub fn content_hash(batch: &Batch, order: &[TransactionId]) -> Digest {
    let mut writer = Writer {
        batch,
        hasher: blake3::Hasher::new_derive_key(DOMAIN),
        bytes: Vec::with_capacity(GATHER + 4096),
        intents: vec![None; batch.intents.len()],
        accounts: vec![NEW; batch.accounts.len()],
        known_intents: HashMap::new(),
        next_account: 0,
    };
    writer.text(&batch.name);
    writer.count(order.len());
    let references = order
        .iter()
        .filter_map(|id| batch.transactions.get(id.0 as usize));
    let mut current: Option<(u32, Constant<'_>)> = None;
    for reference in references {
        let constant = match &mut current {
            Some((group, constant)) if *group == reference.group => constant,
            _ => match Constant::new(batch, reference.group) {
                Some(constant) => &mut current.insert((reference.group, constant)).1,
                None => continue,
            },
        };
        writer.transaction(constant, reference.row);
        if writer.bytes.len() >= GATHER {
            writer.hasher.update(&writer.bytes);
            writer.bytes.clear();
        }
    }
    writer.hasher.update(&writer.bytes);
    Digest(*writer.hasher.finalize().as_bytes())
}

/// What all rows of a group have in common.
struct Constant<'a> {
    group: &'a Group,
    /// The bytes before the number of a row, when rows are numbered.
    prefix: Vec<u8>,
    /// The columns that count.
    values: Vec<&'a ValueColumn>,
}

impl<'a> Constant<'a> {
    fn new(batch: &'a Batch, group: u32) -> Option<Self> {
        let group = batch.groups.get(group as usize)?;
        let intent = batch.intents.get(group.intent as usize)?;
        let mut prefix = vec![1];
        if let Names::Rows(name) = &group.names {
            text(&mut prefix, name);
        }
        let columns = intent.values.iter().zip(&group.values);
        Some(Self {
            group,
            prefix,
            values: columns
                .filter(|(parameter, _)| !parameter.external)
                .map(|(_, column)| column)
                .collect(),
        })
    }
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
}

impl Writer<'_> {
    fn transaction(&mut self, constant: &Constant<'_>, row: u32) {
        let group = constant.group;
        match &group.names {
            Names::Rows(_) => {
                self.bytes.extend_from_slice(&constant.prefix);
                self.count(row as usize + 1);
            }
            Names::One(name) => {
                self.bytes.push(0);
                self.text(name);
            }
            Names::Each(names) => {
                self.bytes.push(0);
                self.text(names.get(row as usize).map_or("", |name| name));
            }
        }
        self.intent(group.intent as usize);
        for column in &group.accounts {
            if let Some(account) = column.get(row) {
                self.account(account.0 as usize);
            }
        }
        for column in &constant.values {
            match column {
                ValueColumn::Whole(column) => match column.get(row) {
                    Some(whole) => write_whole(&mut self.bytes, whole),
                    None => self.bytes.push(9),
                },
                column => match column.get(row) {
                    Some(value) => write_value(&mut self.bytes, &value),
                    None => self.bytes.push(9),
                },
            }
        }
    }

    fn intent(&mut self, index: usize) {
        if let Some(number) = self.intents[index] {
            return self.count(number as usize);
        }
        let meaning = Meaning::of(self.batch, &self.batch.intents[index]);
        let fresh = self.known_intents.len() as u64;
        let number = *self.known_intents.entry(meaning.clone()).or_insert(fresh);
        self.intents[index] = Some(number);
        self.count(number as usize);
        if number == fresh {
            self.count(meaning.len());
            self.bytes.extend_from_slice(&meaning);
        }
    }

    fn account(&mut self, index: usize) {
        let number = self.accounts[index];
        if number != NEW {
            return self.count(number as usize);
        }
        self.accounts[index] = self.next_account;
        self.count(self.next_account as usize);
        self.next_account += 1;
        let name = &self.batch.accounts[index];
        text(&mut self.bytes, name.as_str());
    }

    fn text(&mut self, value: &str) {
        text(&mut self.bytes, value);
    }

    fn count(&mut self, value: usize) {
        count(&mut self.bytes, value);
    }
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
    bytes.extend_from_slice(&(value as u64).to_le_bytes());
}

fn text(bytes: &mut Vec<u8>, value: &str) {
    count(bytes, value.len());
    bytes.extend_from_slice(value.as_bytes());
}

fn write_whole(bytes: &mut Vec<u8>, whole: i128) {
    let mut tagged = [1; 17];
    tagged[1..].copy_from_slice(&whole.to_le_bytes());
    bytes.extend_from_slice(&tagged);
}

fn write_value(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(flag) => bytes.extend_from_slice(&[0, u8::from(*flag)]),
        Value::Number(Rational::Int(whole)) => write_whole(bytes, *whole),
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
    use aethel_ir::{AccountId, Column, PlaceId, Span, ValueColumn};

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
        assert_eq!(hash(&example()).short(), "d68b 9051");
        assert_eq!(hash(&batch).short(), "6dea 59d4");
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
        external.groups[0].values[0] = ValueColumn::Whole(aethel_ir::Wholes::Same(9));
        external.groups[0].places[0] = Column::Same(PlaceId(0));
        assert_eq!(hash(&external), before);
    }
}
