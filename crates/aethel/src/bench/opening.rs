//! What a scratch ledger knows before a batch runs on it.

use aethel_ir::account::OPENING_ACCOUNT;
use aethel_ir::{Batch, Code, Diagnostic, Field, PlaceId};
use aethel_ledger::{CommitOutcome, FieldKind, ImportLine, LedgerStore, PlaceKey, PolicyChange, import};
use aethel_runtime::BatchRequest;
use std::collections::{HashMap, HashSet};

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
        Self::before_some(store, &request.batch, std::slice::from_ref(request))
    }

    /// The same for parts of a batch, as far as they touch it.
    ///
    /// # Errors
    /// What the store says.
    pub fn before_some(
        store: &dyn LedgerStore,
        batch: &Batch,
        parts: &[BatchRequest<'_>],
    ) -> Result<Opening, Diagnostic> {
        let mut seen = HashSet::new();
        let (mut keys, mut opened) = (Vec::new(), Vec::new());
        for part in parts {
            let given: HashMap<PlaceId, i128> = part.openings.balances.iter().rev().copied().collect();
            let batch = &part.batch;
            for place in (0..batch.places.len() as u32).map(PlaceId) {
                let asset = batch.asset_of(place);
                let asset = asset.and_then(|asset| batch.assets.get(usize::from(asset.0)));
                let Some((asset, account)) = asset.zip(batch.account_of(place)) else {
                    continue;
                };
                let key = PlaceKey::balance(account.clone(), asset.name.clone());
                if parts.len() == 1 || seen.insert(key.clone()) {
                    keys.push(key);
                    opened.push(given.get(&place).copied());
                }
            }
        }
        let known = store.read(&keys).map_err(|error| error.to_diagnostic())?;
        let lines = keys.into_iter().zip(opened).zip(known);
        let lines = lines.filter_map(|((key, opened), known)| {
            Some(ImportLine {
                amount: known.map(|known| known.value).or(opened)?,
                asset: key.field.asset()?.clone(),
                account: key.account,
            })
        });
        Ok(Opening::new(batch, lines.collect()))
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
