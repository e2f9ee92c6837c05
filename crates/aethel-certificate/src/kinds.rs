//! What each place holds.

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
pub(crate) struct Kinds<'a> {
    batch: &'a Batch,
    /// By field: the asset, and whether it is a truth value.
    fields: Vec<(Option<AssetId>, bool)>,
    /// The kind of all places, where there is only one.
    same: Option<Kind>,
}

/// Whether a flag is set. All of them are looked at, because that is quicker than asking after each whether to go on.
fn any(flags: &[bool]) -> bool {
    flags.iter().fold(false, |any, flag| any | flag)
}

impl<'a> Kinds<'a> {
    pub fn new(batch: &'a Batch) -> Self {
        let of_field = |field: &Field| match field {
            Field::Balance(asset) => (Some(*asset), false),
            Field::Integer(_) => (None, false),
            Field::Bool(_) => (None, true),
        };
        let fields: Vec<_> = batch.fields.iter().map(of_field).collect();
        let field = batch
            .one_field()
            .and_then(|field| fields.get(usize::from(field.0)));
        let same = field
            .filter(|_| !any(&batch.unbounded))
            .map(|(asset, truth)| Kind {
                asset: *asset,
                bounded: asset.is_some(),
                truth: *truth,
            });
        Self { batch, fields, same }
    }

    /// Whether every place is a balance that may not go below zero.
    pub fn all_bounded(&self) -> bool {
        self.same.is_some_and(|kind| kind.bounded)
    }

    /// What the place of this number holds; of none, nothing.
    #[inline(always)]
    pub fn of(&self, place: usize) -> Kind {
        self.same.unwrap_or_else(|| self.look_up(place))
    }

    fn look_up(&self, place: usize) -> Kind {
        let place = self.batch.places.get(place);
        let field = place.and_then(|(_, field)| self.fields.get(usize::from(field.0)));
        let (asset, truth) = field.copied().unwrap_or((None, false));
        let account = place.and_then(|(account, _)| self.batch.unbounded.get(account.0 as usize));
        Kind {
            asset,
            bounded: asset.is_some() && !account.copied().unwrap_or(false),
            truth,
        }
    }
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
        let kinds = Kinds::new(&batch);
        for (index, kind) in (0..batch.places.len()).map(|index| kinds.of(index)).enumerate() {
            let place = PlaceId(index as u32);
            assert_eq!(kind.asset, batch.asset_of(place));
            assert_eq!(kind.bounded, batch.is_bounded(place));
            assert_eq!(kind.truth, index % 3 == 2);
        }
    }
}
