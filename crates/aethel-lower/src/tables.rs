//! The tables of one batch while it grows: assets, fields, accounts and places, each interned once.

use aethel_ir::{AccountId, AccountName, Asset, AssetId, Field, FieldId, PlaceId};
use std::collections::HashMap;

/// Interned assets, fields, accounts and places; indices are given out in order of first use.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) assets: Vec<Asset>,
    pub(crate) fields: Vec<Field>,
    pub(crate) accounts: Vec<AccountName>,
    pub(crate) places: Vec<(AccountId, FieldId)>,
    account_ids: HashMap<AccountName, AccountId>,
    /// For each field, place index + 1 by account index; 0 means none yet.
    place_ids: Vec<Vec<u32>>,
}

impl Tables {
    /// The id of an asset.
    pub(crate) fn asset(&mut self, asset: &Asset) -> AssetId {
        let index = self
            .assets
            .iter()
            .position(|a| a.name == asset.name)
            .unwrap_or_else(|| {
                self.assets.push(asset.clone());
                self.assets.len() - 1
            });
        AssetId(index as u16)
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
        let index = self.fields.iter().position(|f| *f == field).unwrap_or_else(|| {
            self.fields.push(field);
            self.place_ids.push(Vec::new());
            self.fields.len() - 1
        });
        FieldId(index as u16)
    }

    /// The id of an account that is known already.
    pub(crate) fn known_account(&self, name: &str) -> Option<AccountId> {
        self.account_ids.get(name).copied()
    }

    /// The id of an account.
    pub(crate) fn account(&mut self, name: AccountName) -> AccountId {
        if let Some(id) = self.account_ids.get(&name) {
            return *id;
        }
        let id = AccountId(self.accounts.len() as u32);
        self.accounts.push(name.clone());
        self.account_ids.insert(name, id);
        id
    }

    /// The id of a place.
    pub(crate) fn place(&mut self, account: AccountId, field: FieldId) -> PlaceId {
        let column = &mut self.place_ids[usize::from(field.0)];
        let index = account.0 as usize;
        if column.len() <= index {
            column.resize(index + 1, 0);
        }
        if column[index] == 0 {
            self.places.push((account, field));
            column[index] = self.places.len() as u32;
        }
        PlaceId(column[index] - 1)
    }
}
