//! A batch as lowered: interned accounts and places, compiled intents, and columns of arguments.

use crate::account::AccountName;
use crate::eval::Value;
use crate::intent::{Expr, Intent};
use crate::money::{Asset, AssetId};
use crate::rational::Rational;
use crate::source::{SourceId, Span};
use crate::wholes::Wholes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The index of an account in [`Batch::accounts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccountId(pub u32);

/// The index of a field in [`Batch::fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldId(pub u16);

/// The index of a place, an (account, field) pair, in [`Batch::places`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlaceId(pub u32);

/// The index of a transaction in source order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TransactionId(pub u32);

/// What an account may hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Field {
    /// Its balance in an asset, in minor units; conserved.
    Balance(AssetId),
    /// A declared field of whole numbers; not conserved.
    Integer(Arc<str>),
    /// A declared field of truth values, stored as 0 or 1; not conserved.
    Bool(Arc<str>),
}

/// A column of arguments: one value for all rows, or one each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Column<T> {
    /// Every row has this value.
    Same(T),
    /// Row n has value n.
    Each(Vec<T>),
}

impl<T> Column<T> {
    /// The value of a row, if the column is long enough.
    pub fn get(&self, row: u32) -> Option<&T> {
        match self {
            Column::Same(value) => Some(value),
            Column::Each(values) => values.get(row as usize),
        }
    }
}

/// A column of values for one value parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ValueColumn {
    /// Whole numbers: amounts in minor units, integers, times.
    Whole(Wholes),
    /// Exact numbers: prices, rates, numbers.
    Exact(Column<Rational>),
    /// Truth values.
    Bool(Column<bool>),
}

impl ValueColumn {
    /// The value of a row, if the column is long enough.
    pub fn get(&self, row: u32) -> Option<Value> {
        match self {
            ValueColumn::Whole(column) => column.get(row).map(|n| Value::Number(Rational::Int(n))),
            ValueColumn::Exact(column) => column.get(row).map(|n| Value::Number(n.clone())),
            ValueColumn::Bool(column) => column.get(row).map(|b| Value::Bool(*b)),
        }
    }
}

/// How the transactions of a group are called in messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Names {
    /// The group's one transaction.
    One(Arc<str>),
    /// `pay row 7`, rows from 1.
    Rows(Arc<str>),
    /// Each its own (JSON batches).
    Each(Vec<Arc<str>>),
}

impl Names {
    /// What the transaction of this row, from 0, is called in messages.
    pub fn of_row(&self, row: u32) -> String {
        match self {
            Names::One(name) => name.to_string(),
            Names::Rows(prefix) => format!("{prefix} row {}", row + 1),
            Names::Each(names) => names
                .get(row as usize)
                .map_or_else(String::new, ToString::to_string),
        }
    }
}

/// All transactions of one intent from one call site (or, in a JSON batch, of one shape).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The index of the compiled intent in [`Batch::intents`].
    pub intent: u32,
    /// How many transactions.
    pub rows: u32,
    /// What they are called.
    pub names: Names,
    /// The account of each account parameter.
    pub accounts: Vec<Column<AccountId>>,
    /// The place behind each slot; follows from `accounts`.
    pub places: Vec<Column<PlaceId>>,
    /// The argument of each value parameter.
    pub values: Vec<ValueColumn>,
    /// Where each transaction comes from: the call in a program, the row of a CSV file, the object in a JSON file.
    /// For diagnostics only; not stored.
    #[serde(skip)]
    pub origin: Option<(SourceId, Column<Span>)>,
    /// Where the call stands in the program, when `origin` is elsewhere. For diagnostics only; not stored.
    #[serde(skip)]
    pub call: Option<(SourceId, Span)>,
}

/// A transaction: a row of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRef {
    /// The group.
    pub group: u32,
    /// The row in it.
    pub row: u32,
}

/// Something `after` can name: an intent, a call or a whole loop; in a JSON batch, a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchItem {
    /// What it is called in messages.
    pub name: Arc<str>,
    /// Its first transaction in source order.
    pub first: u32,
    /// How many transactions it has.
    pub count: u32,
    /// The items that must be done before, as indices into [`Batch::items`].
    pub after: Vec<u32>,
    /// Where its name and its `after` clause stand. For diagnostics only; not stored.
    #[serde(skip)]
    pub origin: Option<(SourceId, Span)>,
}

/// A batch of transactions, ready for the six stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its name.
    pub name: Arc<str>,
    /// The assets it uses.
    pub assets: Vec<Asset>,
    /// The fields it uses.
    pub fields: Vec<Field>,
    /// The accounts it uses; no two are equal.
    pub accounts: Vec<AccountName>,
    /// For each account, whether it may go below zero.
    pub unbounded: Vec<bool>,
    /// The places it touches; no two are equal.
    pub places: Vec<(AccountId, FieldId)>,
    /// The compiled intents.
    pub intents: Vec<Intent>,
    /// Arguments, column by column.
    pub groups: Vec<Group>,
    /// Every transaction in source order.
    pub transactions: Vec<TransactionRef>,
    /// What `after` speaks about, in source order; together the items hold every transaction once.
    pub items: Vec<BatchItem>,
}

/// A transaction with everything that belongs to it at hand.
#[derive(Clone, Copy, Debug)]
pub struct TransactionView<'a> {
    /// The batch.
    pub batch: &'a Batch,
    /// The group.
    pub group: &'a Group,
    /// The compiled intent.
    pub intent: &'a Intent,
    /// The row of the group.
    pub row: u32,
}

/// Transactions one after the other in the source that are rows one after the other of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first transaction.
    pub first: u32,
    /// The group.
    pub group: u32,
    /// The row of the first.
    pub row: u32,
    /// How many.
    pub count: u32,
}

/// How many transactions from the first on are rows of a group one after the other, from `row` on.
pub fn count_rows(transactions: &[TransactionRef], group: u32, row: u32) -> usize {
    /// So many are looked at together, which is quicker than asking after each whether to go on.
    const TOGETHER: usize = 64;
    let differs =
        |one: &TransactionRef, index: usize| (one.group ^ group) | (one.row.wrapping_sub(index as u32) ^ row);
    let mut count = 0;
    let (parts, _) = transactions.as_chunks::<TOGETHER>();
    for part in parts {
        let mut differ = 0;
        for (offset, one) in part.iter().enumerate() {
            differ |= differs(one, count + offset);
        }
        if differ != 0 {
            break;
        }
        count += TOGETHER;
    }
    let rest = transactions.get(count..).unwrap_or(&[]);
    let follows = |pair: &(usize, &TransactionRef)| differs(pair.1, pair.0) == 0;
    count + (count..).zip(rest).take_while(follows).count()
}

impl Batch {
    /// The stretches that these transactions fall into, in source order; transactions that do not exist are left out.
    pub fn stretches(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Stretch> + '_ {
        let end = range.end.min(self.transactions.len());
        let mut at = range.start.min(end);
        std::iter::from_fn(move || {
            let rest = self.transactions.get(at..end)?;
            let TransactionRef { group, row } = *rest.first()?;
            let count = count_rows(rest, group, row);
            let first = at as u32;
            at += count;
            Some(Stretch {
                first,
                group,
                row,
                count: count as u32,
            })
        })
    }

    /// How many transactions.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether there is no transaction.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// A transaction and what belongs to it; `None` for an id that is not of this batch.
    pub fn transaction(&self, id: TransactionId) -> Option<TransactionView<'_>> {
        let reference = self.transactions.get(id.0 as usize)?;
        let group = self.groups.get(reference.group as usize)?;
        let intent = self.intents.get(group.intent as usize)?;
        Some(TransactionView {
            batch: self,
            group,
            intent,
            row: reference.row,
        })
    }

    /// What a transaction is called in messages.
    pub fn transaction_name(&self, id: TransactionId) -> String {
        let Some(view) = self.transaction(id) else {
            return format!("#{}", id.0);
        };
        view.group.names.of_row(view.row)
    }

    /// The asset whose balance a place is, or `None` for a declared field.
    pub fn asset_of(&self, place: PlaceId) -> Option<AssetId> {
        let (_, field) = self.places.get(place.0 as usize)?;
        match self.fields.get(usize::from(field.0))? {
            Field::Balance(asset) => Some(*asset),
            Field::Integer(_) | Field::Bool(_) => None,
        }
    }

    /// The field of all places, where they have only one; of a well-formed batch.
    pub fn one_field(&self) -> Option<FieldId> {
        let (_, first) = self.places.first()?;
        if self.fields.len() == 1 {
            return Some(*first);
        }
        // All of them are looked at, because that is quicker than asking after each whether to go on.
        let differs = (self.places.iter()).fold(0, |differs, (_, field)| differs | (field.0 ^ first.0));
        (differs == 0).then_some(*first)
    }

    /// The account of a place.
    pub fn account_of(&self, place: PlaceId) -> Option<&AccountName> {
        let (account, _) = self.places.get(place.0 as usize)?;
        self.accounts.get(account.0 as usize)
    }

    /// Whether a place is a balance that may not go below zero.
    pub fn is_bounded(&self, place: PlaceId) -> bool {
        let Some((account, _)) = self.places.get(place.0 as usize) else {
            return false;
        };
        self.asset_of(place).is_some() && !self.unbounded.get(account.0 as usize).copied().unwrap_or(false)
    }

    /// `company.balance`, or `company.btc_balance` style names for people.
    pub fn place_name(&self, place: PlaceId) -> String {
        let Some((account, field)) = self.places.get(place.0 as usize) else {
            return format!("place {}", place.0);
        };
        let account = self
            .accounts
            .get(account.0 as usize)
            .map_or("?", AccountName::as_str);
        match self.fields.get(usize::from(field.0)) {
            Some(Field::Balance(asset)) if self.assets.len() > 1 => {
                let asset = self.assets.get(usize::from(asset.0)).map_or("?", |a| &*a.name);
                format!("{account} ({asset})")
            }
            Some(Field::Balance(_)) | None => account.to_owned(),
            Some(Field::Integer(name) | Field::Bool(name)) => format!("{account}.{name}"),
        }
    }

    /// Checks that a batch that was read from outside is well formed: every index in range, columns long enough,
    /// expressions trees of bounded depth, places as the accounts say. A batch made by the lowering always is.
    ///
    /// # Errors
    /// Says which part is not.
    pub fn validate(&self) -> Result<(), &'static str> {
        self.validate_tables()?;
        self.intents
            .iter()
            .try_for_each(|intent| validate_intent(intent, self))?;
        // Before anything walks the rows: a few bytes may claim billions of them.
        let rows: u64 = self.groups.iter().map(|group| u64::from(group.rows)).sum();
        if rows > self.transactions.len() as u64 {
            return Err("groups with more rows than there are transactions");
        }
        self.groups
            .iter()
            .try_for_each(|group| self.validate_group(group))?;
        self.validate_transactions()
    }

    fn validate_tables(&self) -> Result<(), &'static str> {
        if self.unbounded.len() != self.accounts.len() {
            return Err("boundedness is not given for each account");
        }
        if self
            .assets
            .iter()
            .any(|asset| asset.scale > crate::money::MAX_SCALE)
        {
            return Err("an asset with too large a scale");
        }
        let fields_ok = self.fields.iter().all(|field| match field {
            Field::Balance(asset) => usize::from(asset.0) < self.assets.len(),
            Field::Integer(_) | Field::Bool(_) => true,
        });
        if !fields_ok {
            return Err("a field of an unknown asset");
        }
        let mut seen = std::collections::HashSet::new();
        for (account, field) in &self.places {
            if account.0 as usize >= self.accounts.len() || usize::from(field.0) >= self.fields.len() {
                return Err("a place of an unknown account or field");
            }
            if !seen.insert((account, field)) {
                return Err("a place that occurs twice");
            }
        }
        let mut names = std::collections::HashSet::new();
        if !self.accounts.iter().all(|account| names.insert(account)) {
            return Err("an account that occurs twice");
        }
        Ok(())
    }

    fn validate_group(&self, group: &Group) -> Result<(), &'static str> {
        let intent = self
            .intents
            .get(group.intent as usize)
            .ok_or("a group of an unknown intent")?;
        if group.accounts.len() != intent.accounts.len()
            || group.places.len() != intent.places.len()
            || group.values.len() != intent.values.len()
        {
            return Err("a group whose columns do not fit its intent");
        }
        for row in 0..group.rows {
            for column in &group.accounts {
                let id = column.get(row).ok_or("a column of accounts that is too short")?;
                if id.0 as usize >= self.accounts.len() {
                    return Err("an unknown account in a column");
                }
            }
            for (column, place) in group.places.iter().zip(&intent.places) {
                let id = column.get(row).ok_or("a column of places that is too short")?;
                let account = group
                    .accounts
                    .get(usize::from(place.account))
                    .and_then(|c| c.get(row));
                let expected = account.map(|account| (*account, place.field));
                if expected.is_none() || self.places.get(id.0 as usize).copied() != expected {
                    return Err("a place that is not the one its account says");
                }
            }
            if group.values.iter().any(|column| column.get(row).is_none()) {
                return Err("a column of values that is too short");
            }
        }
        Ok(())
    }

    fn validate_transactions(&self) -> Result<(), &'static str> {
        let mut next = 0_u64;
        for item in &self.items {
            if u64::from(item.first) != next {
                return Err("items that do not hold every transaction once");
            }
            next += u64::from(item.count);
            if item.after.iter().any(|other| *other as usize >= self.items.len()) {
                return Err("an `after` of an unknown item");
            }
        }
        if next != self.transactions.len() as u64 {
            return Err("items that do not hold every transaction once");
        }
        let mut used: Vec<Vec<bool>> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            used.push(vec![false; group.rows as usize]);
        }
        for reference in &self.transactions {
            let flag = used
                .get_mut(reference.group as usize)
                .and_then(|rows| rows.get_mut(reference.row as usize))
                .ok_or("a transaction of an unknown row")?;
            if std::mem::replace(flag, true) {
                return Err("a row that is two transactions");
            }
        }
        Ok(())
    }
}

/// The deepest expression that the evaluator follows.
pub const MAX_DEPTH: usize = 512;

fn validate_intent(intent: &Intent, batch: &Batch) -> Result<(), &'static str> {
    let slots = intent.places.len();
    let unknown_slot = |slot: crate::intent::Slot| usize::from(slot.0) >= slots;
    for place in &intent.places {
        if usize::from(place.account) >= intent.accounts.len()
            || usize::from(place.field.0) >= batch.fields.len()
        {
            return Err("an intent with a place of an unknown parameter or field");
        }
    }
    let mut depth = vec![1_usize; intent.nodes.len()];
    let mut used = vec![false; intent.nodes.len()];
    for (index, node) in intent.nodes.iter().enumerate() {
        match &node.expr {
            Expr::Round { unit, .. } if unit.signum() != 1 => {
                return Err("a rounding to a unit that is not positive");
            }
            Expr::Before(slot) | Expr::After(slot) if unknown_slot(*slot) => return Err("an unknown slot"),
            Expr::Value(n) if usize::from(*n) >= intent.values.len() => return Err("an unknown parameter"),
            Expr::Let(n) if usize::from(*n) >= intent.lets.len() => return Err("an unknown let"),
            _ => {}
        }
        for child in node.expr.operands() {
            let child = child.0 as usize;
            // Trees only: a shared node could make evaluation exponential.
            if child >= index || std::mem::replace(&mut used[child], true) {
                return Err("expressions that are not trees");
            }
            depth[index] = depth[index].max(depth[child] + 1);
        }
        if depth[index] > MAX_DEPTH {
            return Err("an expression that is nested too deep");
        }
    }
    let roots = intent
        .lets
        .iter()
        .map(|l| l.value)
        .chain(intent.guard.iter().chain(&intent.postconditions).map(|c| c.expr))
        .chain(intent.effects.iter().map(|e| e.value));
    for root in roots {
        if root.0 as usize >= intent.nodes.len() {
            return Err("an unknown expression");
        }
    }
    if intent.effects.iter().any(|effect| unknown_slot(effect.slot)) {
        return Err("an effect on an unknown slot");
    }
    if intent
        .guard
        .iter()
        .chain(&intent.postconditions)
        .any(|c| c.if_bounded.is_some_and(unknown_slot))
    {
        return Err("a condition on an unknown slot");
    }
    let mut defined = std::collections::HashSet::new();
    if !intent.effects.iter().all(|effect| defined.insert(effect.slot)) {
        return Err("a place that is defined twice");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that follow each other are one stretch, wherever among those that are compared together it begins or ends.
    #[test]
    fn stretches_end_where_rows_do_not_follow() {
        let reference = |(group, row)| TransactionRef { group, row };
        for count in [1, 2, 63, 64, 65, 127, 128, 129, 300_u32] {
            for at in [0, 1, 62, 63, 64, 65, 127, 128, 200]
                .into_iter()
                .filter(|at| *at < count)
            {
                for odd in [(7, at), (0, at + 1), (1, at + 1)] {
                    let mut transactions: Vec<_> = (0..count).map(|row| reference((0, row))).collect();
                    transactions[at as usize] = reference(odd);
                    let mut batch = Batch {
                        name: "b".into(),
                        assets: vec![],
                        fields: vec![],
                        accounts: vec![],
                        unbounded: vec![],
                        places: vec![],
                        intents: vec![],
                        groups: vec![],
                        transactions,
                        items: vec![],
                    };
                    let found: Vec<Stretch> = batch.stretches(0..count as usize).collect();
                    let mut rows = Vec::new();
                    for stretch in &found {
                        assert_eq!(stretch.first as usize, rows.len());
                        rows.extend(
                            (stretch.row..stretch.row + stretch.count)
                                .map(|row| reference((stretch.group, row))),
                        );
                    }
                    assert_eq!(rows, batch.transactions, "{count} {at} {odd:?}");
                    assert!(found.len() <= 3, "{found:?}");
                    batch.transactions[at as usize] = reference((0, at));
                    assert_eq!(batch.stretches(0..count as usize).count(), 1);
                }
            }
        }
    }
}
