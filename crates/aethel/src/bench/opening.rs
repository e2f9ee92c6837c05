//! What a scratch ledger knows before a batch runs on it.

use aethel_ir::account::OPENING_ACCOUNT;
use aethel_ir::{Batch, Code, Diagnostic, Field, PlaceId};
use aethel_ledger::{CommitOutcome, FieldKind, ImportLine, LedgerStore, PlaceKey, PolicyChange, import};
use aethel_runtime::BatchRequest;
use std::collections::HashMap;

/// Balances, and the policy that goes with them.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    lines: Vec<ImportLine>,
    changes: Vec<PolicyChange>,
}

impl Opening {
    /// These balances, and what the batch says about assets, fields and accounts that may go below zero.
    pub fn new(batch: &Batch, lines: Vec<ImportLine>) -> Opening {
        let scale = |asset: &aethel_ir::Asset| PolicyChange::AssetScale {
            asset: asset.name.clone(),
            scale: asset.scale,
        };
        let field = |field: &Field| {
            let (name, kind) = match field {
                Field::Balance(_) => return None,
                Field::Integer(name) => (name, FieldKind::Integer),
                Field::Bool(name) => (name, FieldKind::Bool),
            };
            Some(PolicyChange::Field {
                name: name.clone(),
                kind,
            })
        };
        let unbounded = batch.accounts.iter().zip(&batch.unbounded);
        let unbounded = unbounded.filter(|(name, unbounded)| **unbounded && name.as_str() != OPENING_ACCOUNT);
        let unbounded = unbounded.map(|(account, _)| PolicyChange::Unbounded(account.clone()));
        let changes = batch.assets.iter().map(scale);
        let changes = changes
            .chain(batch.fields.iter().filter_map(field))
            .chain(unbounded)
            .collect();
        Opening { lines, changes }
    }

    /// What a ledger holds of the places of a batch, or the request opens: the state in which the batch will run.
    ///
    /// # Errors
    /// What the store says.
    pub fn before(store: &dyn LedgerStore, request: &BatchRequest<'_>) -> Result<Opening, Diagnostic> {
        let batch = &request.batch;
        let given: HashMap<PlaceId, i128> = request.openings.balances.iter().rev().copied().collect();
        let balance = |place: PlaceId| {
            let asset = batch.assets.get(usize::from(batch.asset_of(place)?.0))?;
            let key = PlaceKey::balance(batch.account_of(place)?.clone(), asset.name.clone());
            Some((place, asset, key))
        };
        let places: Vec<_> = (0..batch.places.len() as u32)
            .filter_map(|n| balance(PlaceId(n)))
            .collect();
        let keys: Vec<PlaceKey> = places.iter().map(|(_, _, key)| key.clone()).collect();
        let known = store.read(&keys).map_err(|error| error.to_diagnostic())?;
        let lines = places
            .into_iter()
            .zip(known)
            .filter_map(|((place, asset, key), known)| {
                let known = known.map(|known| known.value);
                Some(ImportLine {
                    amount: known.or_else(|| given.get(&place).copied())?,
                    account: key.account,
                    asset: asset.name.clone(),
                })
            });
        let lines = lines.collect();
        Ok(Opening::new(batch, lines))
    }

    /// The first record of a new ledger.
    ///
    /// # Errors
    /// What the store says.
    pub fn commit(&self, store: &mut dyn LedgerStore) -> Result<(), Diagnostic> {
        match store.commit(&import("opening", 0, &self.lines, self.changes.clone())) {
            Ok(CommitOutcome::Committed { .. }) => Ok(()),
            Ok(other) => {
                let message = format!("the scratch ledger was not empty: {other:?}");
                Err(Diagnostic::new(Code::AE0804, message))
            }
            Err(error) => Err(error.to_diagnostic()),
        }
    }
}
