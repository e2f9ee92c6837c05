//! ⑤ Conservation.
//!
//! Takes the values before, the run and the oracle proofs that were verified before it. Gives a [`Conservation`]: per
//! asset the sum over the touched places before and after. Refuses a batch that creates (AE0701) or destroys (AE0702)
//! value, and names the first transactions that do not conserve; refuses (AE0703–AE0708) when an oracle proof that the
//! batch used does not hold.

use crate::Refusal;
use crate::dependency_analyzer::DependencyGraph;
use crate::oracle::{OracleCheck, verify_batch};
use crate::serial::Run;
use aethel_certificate::asset_sums;
use aethel_ir::money::{format_amount, format_grouped};
use aethel_ir::{AssetId, Batch, Code, Diagnostic, Rational, TransactionId};
use serde::Serialize;

/// How many transactions that do not conserve are named.
const NAMED: usize = 5;

/// The sum of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssetSums {
    /// Its name.
    pub asset: String,
    /// Over the touched places before, a plain decimal in units.
    pub before: String,
    /// After.
    pub after: String,
    /// After less before.
    pub difference: String,
}

/// What was the same before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Conservation {
    /// For each asset of the batch.
    pub assets: Vec<AssetSums>,
    /// How many oracle proofs were verified.
    pub oracle_proofs: usize,
}

/// Checks that no value was created or destroyed.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConservationValidator;

impl ConservationValidator {
    /// Stage ⑤; see the module's contract. `before` holds the value of each place; `oracles` is what was verified
    /// before the batch ran, and is verified again.
    ///
    /// # Errors
    /// AE0701, AE0702, or what is wrong with an oracle proof.
    pub fn validate(
        &self,
        batch: &Batch,
        graph: &DependencyGraph,
        before: &[i128],
        run: &Run,
        oracles: &OracleCheck<'_>,
    ) -> Result<Conservation, Refusal> {
        let oracle_proofs = verify_batch(batch, oracles)?;
        let (first, last) = (asset_sums(batch, before), asset_sums(batch, &run.final_values));
        let mut result = Conservation {
            assets: Vec::with_capacity(first.len()),
            oracle_proofs,
        };
        for (index, (before, after)) in first.iter().zip(&last).enumerate() {
            let scale = batch.assets[index].scale;
            let difference = after.sub(before).unwrap_or(Rational::ZERO);
            if before != after {
                return Err(violation(batch, graph, run, AssetId(index as u16), &difference));
            }
            result.assets.push(AssetSums {
                asset: batch.assets[index].name.to_string(),
                before: plain(before, scale),
                after: plain(after, scale),
                difference: plain(&difference, scale),
            });
        }
        Ok(result)
    }
}

fn plain(sum: &Rational, scale: u8) -> String {
    match sum.to_i128() {
        Some(minor) => format_amount(minor, scale),
        None => sum
            .mul(&Rational::power_of_ten(-i32::from(scale)))
            .unwrap_or_else(|_| sum.clone())
            .to_string(),
    }
}

fn violation(
    batch: &Batch,
    graph: &DependencyGraph,
    run: &Run,
    asset: AssetId,
    difference: &Rational,
) -> Refusal {
    let created = difference.signum() > 0;
    let (code, verb) = if created {
        (Code::AE0701, "creates")
    } else {
        (Code::AE0702, "destroys")
    };
    let name = &batch.assets[usize::from(asset.0)].name;
    let scale = batch.assets[usize::from(asset.0)].scale;
    let amount = difference.to_i128().map_or_else(
        || plain(difference, scale),
        |minor| format_grouped(minor.saturating_abs(), scale),
    );
    let culprits: Vec<(TransactionId, i128)> = graph
        .order
        .iter()
        .map(|id| (*id, difference_of(batch, graph, run, *id, asset)))
        .filter(|(_, difference)| *difference != 0)
        .take(NAMED)
        .collect();
    let mut diagnostic = Diagnostic::new(code, format!("the batch {verb} {amount} {name}"));
    for (id, difference) in &culprits {
        let Some(view) = batch.transaction(*id) else {
            continue;
        };
        let verb = if *difference > 0 { "creates" } else { "destroys" };
        let amount = format_grouped(difference.saturating_abs(), scale);
        let said = format!("`{}` {verb} {amount} {name}", batch.transaction_name(*id));
        // The equation that moves the wrong way comes first: what is gained too much, or lost.
        let mut changes = changes_of(batch, graph, run, *id, asset);
        changes.sort_by_key(|(_, change)| {
            (
                change.signum() != difference.signum(),
                change.saturating_neg().saturating_abs(),
            )
        });
        for (index, (slot, change)) in changes.into_iter().enumerate() {
            let Some(effect) = view
                .intent
                .effects
                .iter()
                .find(|effect| usize::from(effect.slot.0) == slot)
            else {
                continue;
            };
            let column = view
                .group
                .places
                .get(slot)
                .and_then(|column| column.get(view.row));
            let account = column.map_or_else(String::new, |place| batch.place_name(*place));
            let moved = if change < 0 { "loses" } else { "gains" };
            let mut text = format!(
                "{account} {moved} {}",
                format_grouped(change.saturating_abs(), scale)
            );
            if index == 0 {
                text = format!("{said}: {text}");
            }
            let known = |l: &aethel_ir::Label| (l.source, l.span) == (view.intent.source, effect.span);
            if index == 0 || !diagnostic.labels.iter().any(known) {
                diagnostic = diagnostic.label(view.intent.source, effect.span, text);
            }
        }
    }
    Box::new(diagnostic.help(
        "what some accounts gain others must lose in the same transaction; let the outside world be an `unbounded` account",
    ))
}

/// By how much one transaction changed the sum of an asset, saturating.
fn difference_of(
    batch: &Batch,
    graph: &DependencyGraph,
    run: &Run,
    id: TransactionId,
    asset: AssetId,
) -> i128 {
    let changes = changes_of(batch, graph, run, id, asset);
    changes
        .iter()
        .fold(0_i128, |sum, (_, change)| sum.saturating_add(*change))
}

/// By how much one transaction changed each of its balances in an asset, by slot.
fn changes_of(
    batch: &Batch,
    graph: &DependencyGraph,
    run: &Run,
    id: TransactionId,
    asset: AssetId,
) -> Vec<(usize, i128)> {
    let mut changes = Vec::new();
    run.each_change(batch, &graph.layout, id, |slot, place, change| {
        if batch.asset_of(place) == Some(asset) {
            changes.push((slot, change));
        }
    });
    changes
}
