//! The sum of each asset before and after.

use crate::check::AssetSum;
use crate::format::CertificateView;
use crate::rejection::Rejection;
use aethel_ir::money::format_amount;
use aethel_ir::{Batch, Field, Rational};

/// Per asset, the sums over all places of the batch before and after are the same.
pub(crate) fn check_sums(view: &CertificateView<'_>) -> Result<Vec<AssetSum>, Rejection> {
    let before = asset_sums(view.batch, view.initial);
    let after = asset_sums(view.batch, view.final_values);
    let mut result = Vec::with_capacity(before.len());
    for ((asset, before), after) in view.batch.assets.iter().zip(before).zip(after) {
        let show = |sum: &Rational| {
            sum.to_i128()
                .map_or_else(|| sum.to_string(), |n| format_amount(n, asset.scale))
        };
        if before != after {
            return Err(Rejection::NotConserved {
                asset: asset.name.to_string(),
                before: show(&before),
                after: show(&after),
            });
        }
        result.push(AssetSum {
            asset: asset.name.to_string(),
            shown: show(&before),
            minor: before,
        });
    }
    Ok(result)
}

/// Per asset, the exact sum of the balances among the values of all places, in minor units: a hundred unbounded accounts
/// may hold more together than one number of the machine can.
pub fn asset_sums(batch: &Batch, values: &[i128]) -> Vec<Rational> {
    let assets: Vec<Option<usize>> = batch.fields.iter().map(asset_of).collect();
    let mut sums = vec![Rational::ZERO; batch.assets.len()];
    let mut start = 0;
    // Places mostly come in stretches of one field.
    for places in batch.places.chunk_by(|(_, a), (_, b)| a == b) {
        let stretch = values.get(start..start + places.len()).unwrap_or(&[]);
        start += places.len();
        let field = places
            .first()
            .map_or(usize::MAX, |(_, field)| usize::from(field.0));
        let asset = assets.get(field).copied().flatten();
        if let Some(sum) = asset.and_then(|asset| sums.get_mut(asset)) {
            add_all(sum, stretch);
        }
    }
    sums
}

fn asset_of(field: &Field) -> Option<usize> {
    match field {
        Field::Balance(asset) => Some(usize::from(asset.0)),
        Field::Integer(_) | Field::Bool(_) => None,
    }
}

fn add_all(sum: &mut Rational, values: &[i128]) {
    let mut narrow = 0_i128;
    for value in values {
        match narrow.checked_add(*value) {
            Some(sum) => narrow = sum,
            None => {
                carry(sum, narrow);
                narrow = *value;
            }
        }
    }
    carry(sum, narrow);
}

fn carry(sum: &mut Rational, part: i128) {
    // Sums of numbers of the machine stay far below the width limit of fractions.
    if let Ok(next) = sum.add(&Rational::Int(part)) {
        *sum = next;
    }
}
