//! What every place of a run holds before and after.

use aethel_ir::money::{format_amount, format_grouped, parse_amount};
use aethel_ir::{Field, PlaceId};
use aethel_ledger::{FieldKey, LedgerError, LedgerStore};
use aethel_lower::LoweredBatch;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What kind of value a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A balance, with the decimal places of its asset.
    Balance(u8),
    /// A whole number.
    Integer,
    /// 1 or 0.
    Bool,
}

/// A place before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub kind: Kind,
    pub before: i128,
    pub after: i128,
}

impl Held {
    /// A value of the place as text.
    pub fn text(&self, value: i128) -> String {
        match self.kind {
            Kind::Balance(scale) => format_amount(value, scale),
            Kind::Integer => value.to_string(),
            Kind::Bool => (value != 0).to_string(),
        }
    }

    /// A value of the place for people.
    pub fn shown(&self, value: i128) -> String {
        match self.kind {
            Kind::Balance(scale) => format_grouped(value, scale),
            _ => self.text(value),
        }
    }

    /// A value of the place from text.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(&self, text: &str) -> Result<i128, String> {
        match self.kind {
            Kind::Balance(scale) => parse_amount(text, scale).map_err(|error| error.to_string()),
            Kind::Integer => text.parse().map_err(|_| "not a whole number".to_owned()),
            Kind::Bool => match text {
                "true" => Ok(1),
                "false" => Ok(0),
                _ => Err("neither true nor false".to_owned()),
            },
        }
    }
}

/// Every place that the batches of a run touch, by account and then by asset or field; fields come after assets.
#[derive(Debug, Default)]
pub(crate) struct World {
    places: BTreeMap<String, BTreeMap<(bool, Arc<str>), Held>>,
}

impl World {
    /// What the inputs open, and zero elsewhere.
    pub fn before(lowered: &[LoweredBatch]) -> Self {
        let mut world = World::default();
        for lowered in lowered {
            let batch = &lowered.batch;
            let mut known: Vec<Option<i128>> = vec![None; batch.places.len()];
            for opening in &lowered.openings {
                if let Some(cell) = known.get_mut(opening.place.0 as usize) {
                    *cell = Some(opening.amount);
                }
            }
            for (place, opened) in (0_u32..).map(PlaceId).zip(known) {
                let Some((account, field)) = batch.places.get(place.0 as usize) else {
                    continue;
                };
                let account = batch.accounts.get(account.0 as usize);
                let (name, kind) = match batch.fields.get(usize::from(field.0)) {
                    Some(Field::Balance(asset)) => match batch.assets.get(usize::from(asset.0)) {
                        Some(asset) => (Arc::clone(&asset.name), Kind::Balance(asset.scale)),
                        None => continue,
                    },
                    Some(Field::Integer(name)) => (Arc::clone(name), Kind::Integer),
                    Some(Field::Bool(name)) => (Arc::clone(name), Kind::Bool),
                    None => continue,
                };
                let before = opened.unwrap_or(0);
                let held = Held {
                    kind,
                    before,
                    after: before,
                };
                if let Some(account) = account {
                    let parts = world.places.entry(account.as_str().to_owned()).or_default();
                    // What an earlier batch opened, a later one only finds.
                    parts
                        .entry((!matches!(kind, Kind::Balance(_)), name))
                        .or_insert(held);
                }
            }
        }
        world
    }

    /// Takes over what the ledger holds now.
    pub fn read(&mut self, ledger: &dyn LedgerStore) -> Result<(), LedgerError> {
        for row in ledger.balances()? {
            let (place, now) = row?;
            let part = (
                !matches!(place.field, FieldKey::Balance { .. }),
                Arc::clone(place.field.name()),
            );
            let held = self.places.get_mut(place.account.as_str());
            if let Some(held) = held.and_then(|parts| parts.get_mut(&part)) {
                held.after = now.value;
            }
        }
        Ok(())
    }

    /// The accounts.
    pub fn accounts(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// A balance or field of an account.
    pub fn place(&self, account: &str, is_field: bool, name: &str) -> Option<&Held> {
        self.places.get(account)?.get(&(is_field, name.into()))
    }

    /// The assets, or the fields, of an account.
    pub fn parts(&self, account: &str, fields: bool) -> Vec<&str> {
        let parts = self.places.get(account).into_iter().flat_map(BTreeMap::keys);
        let wanted = parts.filter(|(is_field, _)| *is_field == fields);
        wanted.map(|(_, name)| &**name).collect()
    }

    /// Every place, in order: account, whether it is a field, name, values.
    pub fn all(&self) -> impl Iterator<Item = (&str, bool, &str, &Held)> {
        self.places.iter().flat_map(|(account, parts)| {
            let of = parts.iter();
            of.map(move |((is_field, name), held)| (account.as_str(), *is_field, &**name, held))
        })
    }
}
