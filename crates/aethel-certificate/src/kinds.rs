//! What each place holds, looked up once.

use aethel_ir::{AssetId, Batch, Field};

/// What a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The asset, for a balance.
    pub asset: Option<AssetId>,
    /// It is a balance that may not go below zero.
    pub bounded: bool,
    /// It is a truth value, stored as 0 or 1.
    pub truth: bool,
}

/// The kind of each place of a batch.
pub(crate) fn kinds(batch: &Batch) -> Vec<Kind> {
    let of_field = |field: &Field| match field {
        Field::Balance(asset) => (Some(*asset), false),
        Field::Integer(_) => (None, false),
        Field::Bool(_) => (None, true),
    };
    let fields: Vec<_> = batch.fields.iter().map(of_field).collect();
    let kind = |(account, field): &(aethel_ir::AccountId, aethel_ir::FieldId)| {
        let (asset, truth) = fields.get(usize::from(field.0)).copied().unwrap_or((None, false));
        let unbounded = batch.unbounded.get(account.0 as usize).copied().unwrap_or(false);
        Kind {
            asset,
            bounded: asset.is_some() && !unbounded,
            truth,
        }
    };
    batch.places.iter().map(kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aethel_ir::{AccountId, AccountName, Asset, FieldId, PlaceId};

    #[test]
    fn kinds_are_what_the_batch_says_place_by_place() {
        let account = |name: &str| AccountName::new(name).into_iter();
        let accounts: Vec<_> = account("alice").chain(account("world")).collect();
        let batch = Batch {
            name: "b".into(),
            assets: vec![Asset {
                name: "USD".into(),
                scale: 2,
            }],
            fields: vec![
                Field::Balance(AssetId(0)),
                Field::Integer("n".into()),
                Field::Bool("flag".into()),
            ],
            accounts,
            unbounded: vec![false, true],
            places: (0..2)
                .flat_map(|account| (0..3).map(move |field| (AccountId(account), FieldId(field))))
                .collect(),
            intents: vec![],
            groups: vec![],
            transactions: vec![],
            items: vec![],
        };
        for (index, kind) in kinds(&batch).into_iter().enumerate() {
            let place = PlaceId(index as u32);
            assert_eq!(kind.asset, batch.asset_of(place));
            assert_eq!(kind.bounded, batch.is_bounded(place));
            assert_eq!(kind.truth, index % 3 == 2);
        }
    }
}
