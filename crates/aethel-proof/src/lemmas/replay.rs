//! Replaying an example of two transactions with the evaluator, without Z3.

use super::commute::Merged;
use crate::shape::SlotField;
use aethel_ir::{
    AccountId, AccountName, Asset, AssetId, Batch, Column, Evaluator, Field, FieldId, Group, Names, PlaceId,
    Rational, TransactionId, TransactionRef, Type, Value, ValueColumn, Wholes,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which transaction comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    FirstSecond,
    SecondFirst,
}

/// The places after both transactions, or `None` when one of them fails, or leaves a supply out of range.
pub fn replay(
    merged: &Merged,
    order: Order,
    arguments: &[Vec<Value>; 2],
    before: &[i128],
    rest: &BTreeMap<AssetId, i128>,
) -> Option<Vec<i128>> {
    let batch = batch(merged, arguments)?;
    let mut places = before.to_vec();
    let mut evaluator = Evaluator::default();
    let order = match order {
        Order::FirstSecond => [0, 1],
        Order::SecondFirst => [1, 0],
    };
    for which in order {
        let view = batch.transaction(TransactionId(which))?;
        let slots = merged.slots.get(which as usize)?;
        let seen: Option<Vec<i128>> = slots.iter().map(|place| places.get(*place).copied()).collect();
        let after = evaluator.execute(view, &seen?).ok()?;
        for effect in &view.intent.effects {
            let slot = usize::from(effect.slot.0);
            *places.get_mut(*slots.get(slot)?)? = *after.get(slot)?;
        }
        for (asset, rest) in rest {
            let mut sum = *rest;
            for (context, value) in merged.places.iter().zip(&places) {
                if context.bounded && context.field == SlotField::Balance(*asset) {
                    sum = sum.checked_add(*value)?;
                }
            }
            if !aethel_ir::money::in_range(sum) {
                return None;
            }
        }
    }
    Some(places)
}

/// A batch of the two transactions, with an account of its own for each place: the evaluator asks places only whether
/// they are bounded.
fn batch(merged: &Merged, arguments: &[Vec<Value>; 2]) -> Option<Batch> {
    let asset = |n: u16| Asset {
        name: format!("A{n}").into(),
        scale: 0,
    };
    let assets = merged.places.iter().filter_map(|place| match place.field {
        SlotField::Balance(AssetId(n)) => Some(n + 1),
        SlotField::Integer | SlotField::Bool => None,
    });
    let count = assets.max().unwrap_or(0);
    let field = |place: &crate::shape::SlotContext| match place.field {
        SlotField::Balance(asset) => Field::Balance(asset),
        SlotField::Integer => Field::Integer("field".into()),
        SlotField::Bool => Field::Bool("field".into()),
    };
    let places = merged.places.len();
    let accounts: Option<Vec<AccountName>> = (0..places)
        .map(|n| AccountName::new(&format!("place{n}")).ok())
        .collect();
    let group = |(which, values): (usize, &Vec<Value>)| {
        let slots = merged.slots.get(which)?;
        let intent = &merged.shapes.get(which)?.intent;
        let name: Arc<str> = format!("t{which}").into();
        Some(Group {
            intent: which as u32,
            rows: 1,
            names: Names::One(name),
            // Accounts that differ: that is what the claim is about.
            accounts: (0..intent.accounts.len() as u32)
                .map(|n| Column::Same(AccountId(n)))
                .collect(),
            places: slots
                .iter()
                .map(|place| Column::Same(PlaceId(*place as u32)))
                .collect(),
            values: (intent.values.iter().zip(values))
                .map(|(parameter, value)| column(parameter.ty, value))
                .collect::<Option<_>>()?,
            origin: None,
            call: None,
        })
    };
    let groups: Option<Vec<Group>> = arguments.iter().enumerate().map(group).collect();
    Some(Batch {
        name: "pair".into(),
        assets: (0..count).map(asset).collect(),
        fields: merged.places.iter().map(field).collect(),
        accounts: accounts?,
        unbounded: merged.places.iter().map(|place| !place.bounded).collect(),
        places: (0..places)
            .map(|n| (AccountId(n as u32), FieldId(n as u16)))
            .collect(),
        intents: merged.shapes.iter().map(|shape| shape.intent.clone()).collect(),
        groups: groups?,
        transactions: [0, 1].map(|group| TransactionRef { group, row: 0 }).into(),
        items: Vec::new(),
    })
}

fn column(ty: Type, value: &Value) -> Option<ValueColumn> {
    Some(match value {
        Value::Bool(flag) => ValueColumn::Bool(Column::Same(*flag)),
        Value::Number(number) if ty.is_whole() => ValueColumn::Whole(Wholes::Same(number.to_i128()?)),
        Value::Number(number) => ValueColumn::Exact(Column::Same(Rational::clone(number))),
    })
}
