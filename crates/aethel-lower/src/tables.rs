//! The tables of one batch while it grows: assets, fields, accounts and places, each interned once.

use crate::intent::index16;
use crate::names::AccountNames;
use crate::program::index32;
use aethel_ir::{AccountId, Asset, AssetId, Column, Field, FieldId, Place, PlaceId};
use std::collections::HashMap;
use std::sync::Arc;

/// Interned assets, fields, accounts and places; indices are given out in order of first use.
///
/// Assets and declared fields together are at most 65 535 ([`crate::Symbols`] sees to that), accounts and places fewer
/// than bytes of input, so every index fits its type.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) assets: Vec<Asset>,
    pub(crate) fields: Vec<Field>,
    pub(crate) accounts: AccountNames,
    pub(crate) places: Vec<(AccountId, FieldId)>,
    asset_ids: HashMap<Arc<str>, AssetId>,
    field_ids: HashMap<Field, FieldId>,
    /// For each of the first fields, place index + 1 by account index; 0 means none yet.
    place_columns: Vec<Vec<u32>>,
    /// The places of all other fields.
    other_places: HashMap<(AccountId, FieldId), PlaceId>,
}

/// How many fields have a column by account; more would take memory for every pair of field and account.
const COLUMNS: usize = 8;

impl Tables {
    /// The id of an asset.
    pub(crate) fn asset(&mut self, asset: &Asset) -> AssetId {
        if let Some(id) = self.asset_ids.get(&asset.name) {
            return *id;
        }
        let id = AssetId(index16(self.assets.len()));
        self.assets.push(asset.clone());
        self.asset_ids.insert(asset.name.clone(), id);
        id
    }

    /// The asset behind an id.
    pub(crate) fn asset_of(&self, id: AssetId) -> Option<&Asset> {
        self.assets.get(usize::from(id.0))
    }

    /// The decimal places of an asset.
    pub(crate) fn scale(&self, id: AssetId) -> u8 {
        self.asset_of(id).map_or(0, |asset| asset.scale)
    }

    /// The name of an asset.
    pub(crate) fn asset_name(&self, id: AssetId) -> &str {
        self.asset_of(id).map_or("?", |asset| &asset.name)
    }

    /// The id of a field.
    pub(crate) fn field(&mut self, field: Field) -> FieldId {
        if let Some(id) = self.field_ids.get(&field) {
            return *id;
        }
        let id = FieldId(index16(self.fields.len()));
        self.fields.push(field.clone());
        self.field_ids.insert(field, id);
        id
    }

    /// The id of an asset that the batch uses already.
    pub(crate) fn known_asset(&self, name: &str) -> Option<AssetId> {
        self.asset_ids.get(name).copied()
    }

    /// The place of a balance that the batch uses already.
    pub(crate) fn known_balance(&self, account: AccountId, asset: AssetId) -> Option<PlaceId> {
        let field = *self.field_ids.get(&Field::Balance(asset))?;
        match self.place_columns.get(usize::from(field.0)) {
            Some(column) => {
                let place = column.get(account.0 as usize)?.checked_sub(1)?;
                Some(PlaceId(place))
            }
            None => self.other_places.get(&(account, field)).copied(),
        }
    }

    /// The assets whose balances of an account the batch uses, in order of first use.
    pub(crate) fn balances_of(&self, account: AccountId) -> impl Iterator<Item = AssetId> {
        let fields = self.places.iter().filter(move |(owner, _)| *owner == account);
        fields.filter_map(|(_, field)| match self.fields.get(usize::from(field.0))? {
            Field::Balance(asset) => Some(*asset),
            Field::Integer(_) | Field::Bool(_) => None,
        })
    }

    /// The places of an intent, for each of its rows; `accounts` are those of its parameters.
    pub(crate) fn place_columns(
        &mut self,
        places: &[Place],
        accounts: &[Column<AccountId>],
    ) -> Vec<Column<PlaceId>> {
        let mut columns = Vec::with_capacity(places.len());
        for Place { account, field } in places {
            columns.push(match &accounts[usize::from(*account)] {
                Column::Same(account) => Column::Same(self.place(*account, *field)),
                Column::Each(ids) => {
                    Column::Each(ids.iter().map(|account| self.place(*account, *field)).collect())
                }
            });
        }
        columns
    }

    /// The id of a place.
    pub(crate) fn place(&mut self, account: AccountId, field: FieldId) -> PlaceId {
        let (field_index, index) = (usize::from(field.0), account.0 as usize);
        let next = self.places.len();
        if field_index >= COLUMNS {
            let places = &mut self.places;
            return *self.other_places.entry((account, field)).or_insert_with(|| {
                places.push((account, field));
                PlaceId(index32(next))
            });
        }
        if self.place_columns.len() <= field_index {
            self.place_columns.resize(field_index + 1, Vec::new());
        }
        let column = &mut self.place_columns[field_index];
        if column.len() <= index {
            column.resize(index + 1, 0);
        }
        if column[index] == 0 {
            self.places.push((account, field));
            column[index] = index32(next + 1);
        }
        PlaceId(column[index] - 1)
    }
}
