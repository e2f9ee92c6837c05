//! One transaction of a batch as a batch of its own.

use crate::oracle::Feeds;
use crate::preparation::Openings;
use crate::request::BatchRequest;
use aethel_ir::{
    AccountId, Batch, BatchItem, Column, Group, Names, PlaceId, TransactionId, TransactionRef, ValueColumn,
    Wholes,
};
use std::collections::HashMap;

impl<'a> BatchRequest<'a> {
    /// The request for one transaction of the batch alone: a batch of one with its own proof and its own commit. `None`
    /// for an id that is not of the batch.
    pub fn single(&self, id: TransactionId) -> Option<BatchRequest<'a>> {
        let (batch, openings) = single(&self.batch, &self.openings, id)?;
        Some(BatchRequest {
            batch,
            openings,
            key: self.key.clone(),
            program: self.program.clone(),
            oracles: self.oracles.clone(),
            feeds: alone_feeds(self, id),
            first_policy: self.first_policy.clone(),
            signatures: self.signatures.clone(),
            details: false,
            ..*self
        })
    }
}

/// The feeds of a transaction's intent, which is the only one of a batch of one.
fn alone_feeds(request: &BatchRequest<'_>, id: TransactionId) -> Feeds {
    let intent = request.batch.transaction(id).map(|view| view.group.intent);
    let mine = request
        .feeds
        .iter()
        .filter(|((owner, _), _)| Some(*owner) == intent);
    mine.map(|((_, value), feed)| ((0, *value), feed.clone()))
        .collect()
}

/// The batch that holds only this transaction, under its own name, with only the accounts and places that it touches,
/// and the openings that concern it. `None` for an id that is not of the batch.
fn single(batch: &Batch, openings: &Openings, id: TransactionId) -> Option<(Batch, Openings)> {
    let view = batch.transaction(id)?;
    let mut accounts: Vec<AccountId> = Vec::new();
    let mut account_of = HashMap::new();
    let mut group_accounts = Vec::with_capacity(view.group.accounts.len());
    for column in &view.group.accounts {
        let old = *column.get(view.row)?;
        let new = *account_of.entry(old).or_insert_with(|| {
            accounts.push(old);
            AccountId(accounts.len() as u32 - 1)
        });
        group_accounts.push(Column::Same(new));
    }
    let mut places: Vec<PlaceId> = Vec::new();
    let mut place_of = HashMap::new();
    let mut group_places = Vec::with_capacity(view.group.places.len());
    for column in &view.group.places {
        let old = *column.get(view.row)?;
        let new = *place_of.entry(old).or_insert_with(|| {
            places.push(old);
            PlaceId(places.len() as u32 - 1)
        });
        group_places.push(Column::Same(new));
    }
    let row = view.row;
    let values = view.group.values.iter().map(|column| {
        Some(match column {
            ValueColumn::Whole(column) => ValueColumn::Whole(Wholes::Same(column.get(row)?)),
            ValueColumn::Exact(column) => ValueColumn::Exact(Column::Same(column.get(row)?.clone())),
            ValueColumn::Bool(column) => ValueColumn::Bool(Column::Same(*column.get(row)?)),
        })
    });
    let origin = view
        .group
        .origin
        .as_ref()
        .and_then(|(source, spans)| Some((*source, Column::Same(*spans.get(row)?))));
    let name = batch.transaction_name(id);
    let group = Group {
        intent: 0,
        rows: 1,
        names: Names::One(name.as_str().into()),
        accounts: group_accounts,
        places: group_places,
        values: values.collect::<Option<Vec<_>>>()?,
        origin,
        call: view.group.call,
    };
    let new_places = places.iter().map(|place| {
        let (account, field) = batch.places.get(place.0 as usize)?;
        Some((*account_of.get(account)?, *field))
    });
    let alone = Batch {
        name: batch.name.clone(),
        assets: batch.assets.clone(),
        fields: batch.fields.clone(),
        accounts: accounts
            .iter()
            .filter_map(|id| batch.accounts.get(id.0 as usize).cloned())
            .collect(),
        unbounded: accounts
            .iter()
            .filter_map(|id| batch.unbounded.get(id.0 as usize).copied())
            .collect(),
        places: new_places.collect::<Option<Vec<_>>>()?,
        intents: vec![view.intent.clone()],
        groups: vec![group],
        transactions: vec![TransactionRef { group: 0, row: 0 }],
        items: vec![BatchItem {
            name: name.as_str().into(),
            first: 0,
            count: 1,
            after: Vec::new(),
            origin: None,
        }],
    };
    let openings = Openings {
        balances: openings
            .balances
            .iter()
            .filter_map(|(place, amount)| Some((*place_of.get(place)?, *amount)))
            .collect(),
        bounded: openings
            .bounded
            .iter()
            .filter_map(|id| account_of.get(id).copied())
            .collect(),
        origins: openings
            .origins
            .iter()
            .filter_map(|(place, at)| Some((*place_of.get(place)?, *at)))
            .collect(),
        ..openings.clone()
    };
    Some((alone, openings))
}
