//! What a batch changed: every written place before and after.
//!
//! A batch may write millions of places, so the changes are numbers with shared names; they become text when somebody
//! looks.

use aethel_ir::batch::FieldId;
use aethel_ir::money::format_amount;
use aethel_ir::{AccountId, AccountName, Asset, Batch, Column, Field, PlaceId};
use serde::{Serialize, Serializer};

/// The changes, in order of their places in the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// For each place, whether it was written.
    written: Vec<bool>,
    before: Vec<i128>,
    after: Vec<i128>,
    /// How many places were written.
    count: usize,
    names: Names,
}

/// The tables of the batch that places are named by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    assets: Vec<Asset>,
    fields: Vec<Field>,
    accounts: Vec<AccountName>,
    unbounded: Vec<bool>,
    places: Vec<(AccountId, FieldId)>,
}

/// What a place held before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceChange<'a> {
    /// Whose.
    pub account: &'a str,
    /// What is held there.
    pub holds: Holds<'a>,
    /// In minor units; of fields the number, and 1 for true.
    pub before: i128,
    /// Likewise.
    pub after: i128,
    /// Whether the account may go below zero.
    pub unbounded: bool,
}

/// What a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds<'a> {
    /// A balance in an asset.
    Balance(&'a Asset),
    /// A declared field of whole numbers.
    Integer(&'a str),
    /// A declared field of truth values.
    Bool(&'a str),
}

impl Balances {
    /// Every place that a transaction of the batch writes, and what the places of the batch hold in the end; what they
    /// held before and their names have to follow before anybody looks.
    pub(crate) fn new(batch: &Batch, after: &[i128]) -> Self {
        let written = written(batch);
        Self {
            count: written.iter().filter(|written| **written).count(),
            written,
            before: Vec::new(),
            after: after.to_vec(),
            names: Names::default(),
        }
    }

    /// Takes what the places held before, which nobody needs any more.
    pub(crate) fn take_before(&mut self, before: Vec<i128>) {
        self.before = before;
    }

    /// Takes the names from the batch, which nobody needs any more.
    pub(crate) fn take_names(&mut self, batch: Batch) {
        if !self.is_empty() {
            self.names = Names {
                assets: batch.assets,
                fields: batch.fields,
                accounts: batch.accounts,
                unbounded: batch.unbounded,
                places: batch.places,
            };
        }
    }

    /// How many places were written.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = BalanceChange<'_>> {
        let values = self.before.iter().zip(&self.after).zip(&self.written);
        let written = self
            .names
            .places
            .iter()
            .zip(values)
            .filter(|(_, (_, written))| **written);
        written.filter_map(|(place, ((before, after), _))| self.names.change(*place, *before, *after))
    }
}

impl Names {
    fn change(
        &self,
        (account, field): (AccountId, FieldId),
        before: i128,
        after: i128,
    ) -> Option<BalanceChange<'_>> {
        let holds = match self.fields.get(usize::from(field.0))? {
            Field::Balance(asset) => Holds::Balance(self.assets.get(usize::from(asset.0))?),
            Field::Integer(name) => Holds::Integer(name),
            Field::Bool(name) => Holds::Bool(name),
        };
        Some(BalanceChange {
            account: self.accounts.get(account.0 as usize)?.as_str(),
            holds,
            before,
            after,
            unbounded: self.unbounded.get(account.0 as usize).copied().unwrap_or(false),
        })
    }
}

/// For each place, whether a transaction has an effect on it.
fn written(batch: &Batch) -> Vec<bool> {
    let mut written = vec![false; batch.places.len()];
    let mut mark = |place: &PlaceId| {
        if let Some(written) = written.get_mut(place.0 as usize) {
            *written = true;
        }
    };
    for group in batch.groups.iter().filter(|group| group.rows > 0) {
        let effects = batch
            .intents
            .get(group.intent as usize)
            .map_or(&[][..], |intent| intent.effects.as_slice());
        for column in effects
            .iter()
            .filter_map(|effect| group.places.get(usize::from(effect.slot.0)))
        {
            match column {
                Column::Same(place) => mark(place),
                Column::Each(places) => places.iter().take(group.rows as usize).for_each(&mut mark),
            }
        }
    }
    written
}

impl<'a> BalanceChange<'a> {
    /// The asset, for a balance.
    pub fn asset(&self) -> Option<&'a Asset> {
        match self.holds {
            Holds::Balance(asset) => Some(asset),
            Holds::Integer(_) | Holds::Bool(_) => None,
        }
    }

    /// The name of the field, for a declared one.
    pub fn field(&self) -> Option<&'a str> {
        match self.holds {
            Holds::Balance(_) => None,
            Holds::Integer(name) | Holds::Bool(name) => Some(name),
        }
    }

    /// How much the place gained, in minor units.
    pub fn difference(&self) -> i128 {
        self.after.saturating_sub(self.before)
    }

    /// `before` or `after` as text: a plain decimal in units, fields as they are.
    pub fn text(&self, value: i128) -> String {
        match self.holds {
            Holds::Balance(asset) => format_amount(value, asset.scale),
            Holds::Integer(_) => value.to_string(),
            Holds::Bool(_) => (value != 0).to_string(),
        }
    }
}

/// The form that programs read; see `docs/schema/run.schema.json`.
#[derive(Serialize)]
struct Shown<'a> {
    account: &'a str,
    asset: Option<&'a str>,
    field: Option<&'a str>,
    before: String,
    after: String,
    unbounded: bool,
}

impl Serialize for BalanceChange<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = Shown {
            account: self.account,
            asset: self.asset().map(|asset| &*asset.name),
            field: self.field(),
            before: self.text(self.before),
            after: self.text(self.after),
            unbounded: self.unbounded,
        };
        shown.serialize(serializer)
    }
}

impl Serialize for Balances {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
