//! An intent to be judged, as a transaction of its own: the evaluator can run it, and messages can name its parts.

use crate::shape::SlotContext;
use aethel_ir::{
    AccountId, AccountName, Batch, BatchItem, Column, Failure, Group, Names, PlaceId, Rational,
    TransactionRef, TransactionView, Type, Value, ValueColumn, Wholes,
};
use aethel_ir::{Evaluator, Intent, MAX_MINOR_UNITS};
use std::collections::HashSet;

/// An intent with accounts of its own: each account parameter is the account of its name, bounded or not as in the
/// batch that calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    batch: Batch,
    slots: Vec<SlotContext>,
}

/// What a transaction starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The value of each slot, in minor units where it is a balance.
    pub before: Vec<i128>,
    /// The argument of each value parameter, in minor units where it is an amount.
    pub values: Vec<Value>,
}

impl Subject {
    /// Intent `intent` of a batch, where `unbounded` says for each account parameter whether its account may go below
    /// zero. `None` when the batch has no such intent.
    pub fn new(batch: &Batch, intent: usize, unbounded: &[bool]) -> Option<Self> {
        let intent = batch.intents.get(intent)?;
        let accounts: Vec<AccountName> = (intent.accounts.iter().enumerate())
            .filter_map(|(n, one)| {
                AccountName::new(&one.name)
                    .or_else(|_| AccountName::new(&format!("account {n}")))
                    .ok()
            })
            .collect();
        let places = intent.places.iter();
        let scene = Batch {
            name: intent.name.clone(),
            assets: batch.assets.clone(),
            fields: batch.fields.clone(),
            unbounded: (0..accounts.len())
                .map(|n| unbounded.get(n).copied().unwrap_or(false))
                .collect(),
            places: places
                .map(|place| (AccountId(place.account.into()), place.field))
                .collect(),
            groups: vec![Group {
                intent: 0,
                rows: 1,
                names: Names::One(intent.name.clone()),
                accounts: (0..accounts.len())
                    .map(|n| Column::Same(AccountId(n as u32)))
                    .collect(),
                places: (0..intent.places.len())
                    .map(|n| Column::Same(PlaceId(n as u32)))
                    .collect(),
                values: Vec::new(),
                origin: None,
                call: None,
            }],
            accounts,
            intents: vec![intent.clone()],
            transactions: vec![TransactionRef { group: 0, row: 0 }],
            items: vec![BatchItem {
                name: intent.name.clone(),
                first: 0,
                count: 1,
                after: Vec::new(),
                origin: None,
            }],
        };
        let places: Vec<PlaceId> = (0..scene.places.len()).map(|n| PlaceId(n as u32)).collect();
        let slots = SlotContext::of_places(&scene, &places)?;
        Some(Self { batch: scene, slots })
    }

    /// Every intent of a batch, once for each way in which its accounts are bounded there; with the index of the intent.
    pub fn of_batch(batch: &Batch) -> Vec<(usize, Self)> {
        let mut seen = HashSet::new();
        let mut subjects = Vec::new();
        let any_unbounded = batch.unbounded.contains(&true);
        for group in &batch.groups {
            // Where every account is bounded one row is like the other; a group without rows is judged like that too.
            let rows = if any_unbounded { group.rows.max(1) } else { 1 };
            let (mut unbounded, mut last) = (Vec::new(), None);
            for row in 0..rows {
                unbounded.clear();
                unbounded.extend(group.accounts.iter().map(|column| {
                    let account = column.get(row).map(|account| account.0 as usize);
                    account.and_then(|n| batch.unbounded.get(n).copied()) == Some(true)
                }));
                // Neighbours of millions of rows are mostly alike.
                if last.as_ref() == Some(&unbounded) {
                    continue;
                }
                last = Some(unbounded.clone());
                let intent = group.intent as usize;
                if seen.insert((intent, unbounded.clone())) {
                    subjects.extend(Self::new(batch, intent, &unbounded).map(|one| (intent, one)));
                }
                if group
                    .accounts
                    .iter()
                    .all(|column| matches!(column, Column::Same(_)))
                {
                    break;
                }
            }
        }
        subjects
    }

    /// The intent.
    pub fn intent(&self) -> &Intent {
        // `new` put it there.
        &self.batch.intents[0]
    }

    /// The transaction as a batch of one, without arguments: for names, assets and scales.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// What the slots hold.
    pub fn slots(&self) -> &[SlotContext] {
        &self.slots
    }

    /// Runs the transaction from a state.
    ///
    /// # Errors
    /// Why it does not go through.
    pub fn run(&self, state: &State) -> Result<Vec<i128>, Failure> {
        self.with(state, |view, evaluator| {
            evaluator.execute(view, &state.before).map(<[i128]>::to_vec)
        })
    }

    /// The values after the effects, as far as they can be computed, whether or not the transaction goes through.
    pub fn after(&self, state: &State) -> Vec<i128> {
        self.with(state, |view, evaluator| {
            let mut after = state.before.clone();
            for effect in &view.intent.effects {
                let new = match evaluator.show(view, &state.before, &state.before, effect.value) {
                    Some(Value::Number(number)) => number.to_i128(),
                    Some(Value::Bool(flag)) => Some(flag.into()),
                    None => None,
                };
                if let (Some(cell), Some(new)) = (after.get_mut(usize::from(effect.slot.0)), new) {
                    *cell = new;
                }
            }
            after
        })
    }

    /// Calls `f` with the transaction, its arguments in place.
    pub fn with<T>(&self, state: &State, f: impl FnOnce(TransactionView<'_>, &mut Evaluator) -> T) -> T {
        let group = Group {
            values: (state.values.iter().zip(&self.intent().values))
                .map(|(value, parameter)| column(value, parameter.ty))
                .collect(),
            ..self.batch.groups[0].clone()
        };
        let view = TransactionView {
            batch: &self.batch,
            group: &group,
            intent: self.intent(),
            row: 0,
        };
        f(view, &mut Evaluator::default())
    }

    /// Whether a state is one that the ledger could hold and a caller could bring: everything in range, and the
    /// bounded balances of each asset together at most the largest amount.
    pub fn admits(&self, state: &State) -> bool {
        let mut sums = vec![0_i128; self.batch.assets.len()];
        for (slot, value) in self.slots.iter().zip(&state.before) {
            let low = match slot.field {
                _ if slot.bounded => 0,
                crate::shape::SlotField::Bool => 0,
                _ => -MAX_MINOR_UNITS,
            };
            let high = match slot.field {
                crate::shape::SlotField::Bool => 1,
                _ => MAX_MINOR_UNITS,
            };
            if !(low..=high).contains(value) {
                return false;
            }
            if let (crate::shape::SlotField::Balance(asset), true) = (slot.field, slot.bounded)
                && let Some(sum) = sums.get_mut(usize::from(asset.0))
            {
                // Bounded balances are at most 2^120 and there are fewer than 2^7 of the largest before it is over.
                *sum = sum.saturating_add(*value);
            }
        }
        let whole_in_range = |(value, parameter): (&Value, &aethel_ir::intent::ValueParameter)| {
            !parameter.ty.is_whole()
                || matches!(value, Value::Number(Rational::Int(n)) if aethel_ir::money::in_range(*n))
        };
        sums.iter().all(|sum| *sum <= MAX_MINOR_UNITS)
            && state.values.iter().zip(&self.intent().values).all(whole_in_range)
    }
}

fn column(value: &Value, ty: Type) -> ValueColumn {
    match value {
        Value::Bool(flag) => ValueColumn::Bool(Column::Same(*flag)),
        Value::Number(Rational::Int(n)) if ty.is_whole() => ValueColumn::Whole(Wholes::Same(*n)),
        Value::Number(number) => ValueColumn::Exact(Column::Same(number.clone())),
    }
}
