//! A run to be proved, checked for shape and cut free from its batch: the solver's thread may outlive that.

use crate::direct::DirectVerdict;
use crate::number::Malformed;
use crate::words;
use aethel_ir::intent::BinaryOp;
use aethel_ir::{AccountId, Batch, Expr, Intent, PlaceId, TransactionId, TransactionView, Value};
use std::collections::HashMap;

/// A transaction of the run.
pub struct Step {
    /// Which transaction.
    pub id: TransactionId,
    /// The index of its intent in [`Run::intents`].
    pub intent: usize,
    /// The place behind each slot.
    pub places: Vec<usize>,
    /// For each slot, whether it is a balance that may not go below zero.
    pub bounded: Vec<bool>,
    /// Its arguments.
    pub values: Vec<Value>,
}

/// Everything the solver's thread needs.
pub struct Run {
    /// The compiled intents.
    pub intents: Vec<Intent>,
    /// The transactions in the order of the claim.
    pub steps: Vec<Step>,
    /// The value of each place before.
    pub initial: Vec<i128>,
    /// The value that each place is claimed to have afterwards.
    pub final_values: Vec<i128>,
}

impl Run {
    /// Takes what the claim is about out of the batch.
    ///
    /// # Errors
    /// The verdict, when the shape of the claim decides it.
    pub fn new(
        batch: &Batch,
        order: &[TransactionId],
        initial: &[i128],
        final_values: &[i128],
    ) -> Result<Self, DirectVerdict> {
        let refuted = |reason: String| Err(DirectVerdict::Refuted { reason });
        let places = batch.places.len();
        if initial.len() != places || final_values.len() != places {
            return refuted(format!(
                "the batch has {places} places, but {} initial and {} final values are claimed",
                initial.len(),
                final_values.len()
            ));
        }
        let mut seen = vec![false; batch.len()];
        let mut run = Run {
            intents: Vec::new(),
            steps: Vec::with_capacity(order.len()),
            initial: initial.to_vec(),
            final_values: final_values.to_vec(),
        };
        let mut known = HashMap::new();
        for id in order {
            match seen.get_mut(id.0 as usize) {
                None => {
                    return refuted(format!(
                        "the order names transaction {}, which is not there",
                        id.0
                    ));
                }
                Some(true) => {
                    return refuted(format!("`{}` is in the order twice", batch.transaction_name(*id)));
                }
                Some(flag) => *flag = true,
            }
            let Some(view) = batch.transaction(*id) else {
                return malformed(batch, *id);
            };
            match same_account(view) {
                Ok(None) => {}
                Ok(Some(parameters)) => return refuted(words::same_account(batch, view, *id, parameters)),
                Err(Malformed) => return malformed(batch, *id),
            }
            let intent = *known.entry(view.group.intent).or_insert_with(|| {
                run.intents.push(view.intent.clone());
                run.intents.len() - 1
            });
            let Some(step) = Step::new(view, *id, intent) else {
                return malformed(batch, *id);
            };
            run.steps.push(step);
        }
        if let Some(missing) = seen.iter().position(|seen| !seen) {
            let id = TransactionId(missing as u32);
            return refuted(format!("`{}` is not in the order", batch.transaction_name(id)));
        }
        Ok(run)
    }

    /// Whether a transaction makes values out of which the next one makes non-linear terms: products, quotients and
    /// rounding.
    pub fn is_hard(&self, step: &Step) -> bool {
        self.intents.get(step.intent).is_some_and(|intent| {
            intent.nodes.iter().any(|node| match node.expr {
                Expr::Round { .. } => true,
                Expr::Binary(op, ..) => {
                    matches!(op, BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder)
                }
                _ => false,
            })
        })
    }
}

impl Step {
    fn new(view: TransactionView<'_>, id: TransactionId, intent: usize) -> Option<Self> {
        let columns = &view.group.places;
        if columns.len() != view.intent.places.len() {
            return None;
        }
        let places: Option<Vec<PlaceId>> = columns.iter().map(|c| c.get(view.row).copied()).collect();
        let places = places?;
        Some(Self {
            id,
            intent,
            bounded: places.iter().map(|place| view.batch.is_bounded(*place)).collect(),
            places: places.iter().map(|place| place.0 as usize).collect(),
            values: view
                .group
                .values
                .iter()
                .map(|c| c.get(view.row))
                .collect::<Option<_>>()?,
        })
    }
}

fn malformed(batch: &Batch, id: TransactionId) -> Result<Run, DirectVerdict> {
    let reason = format!("`{}` is not well formed", batch.transaction_name(id));
    Err(DirectVerdict::Undecided { reason })
}

/// Two parameters that are one account which the transaction writes: such a transaction never goes through.
fn same_account(view: TransactionView<'_>) -> Result<Option<(usize, usize)>, Malformed> {
    let intent = view.intent;
    let mut written = vec![false; intent.accounts.len()];
    for effect in &intent.effects {
        let place = intent.places.get(usize::from(effect.slot.0)).ok_or(Malformed)?;
        *written.get_mut(usize::from(place.account)).ok_or(Malformed)? = true;
    }
    let accounts: Option<Vec<AccountId>> = view
        .group
        .accounts
        .iter()
        .map(|c| c.get(view.row).copied())
        .collect();
    let parameters: Vec<(AccountId, bool)> = accounts.ok_or(Malformed)?.into_iter().zip(written).collect();
    for (second, (account, changed)) in parameters.iter().enumerate() {
        let before = parameters.iter().take(second);
        if let Some(first) = before
            .clone()
            .position(|(other, also)| other == account && (*changed || *also))
        {
            return Ok(Some((first, second)));
        }
    }
    Ok(None)
}
