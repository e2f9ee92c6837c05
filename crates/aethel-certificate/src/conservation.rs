//! The sum of each asset before and after.

use crate::check::AssetSum;
use crate::format::CertificateView;
use crate::rejection::Rejection;
use aethel_ir::money::format_amount;
use aethel_ir::{Asset, Batch, Field, Rational};

/// Per asset, the sums over all places of the batch before and after are the same.
pub(crate) fn check_sums(view: &CertificateView<'_>) -> Result<Vec<AssetSum>, Rejection> {
    let before = asset_sums(view.batch, view.initial);
    let after = asset_sums(view.batch, view.final_values);
    for ((asset, before), after) in view.batch.assets.iter().zip(&before).zip(&after) {
        if before != after {
            return Err(Rejection::NotConserved {
                asset: asset.name.to_string(),
                before: show(asset, before),
                after: show(asset, after),
            });
        }
    }
    Ok(list(view.batch, before))
}

/// The sums of the assets, before and after.
pub(crate) fn same_sums(batch: &Batch, sums: &[i128]) -> Vec<AssetSum> {
    list(batch, sums.iter().map(|sum| Rational::Int(*sum)).collect())
}

fn list(batch: &Batch, sums: Vec<Rational>) -> Vec<AssetSum> {
    let sum_of = |(asset, minor): (&Asset, Rational)| AssetSum {
        asset: asset.name.to_string(),
        shown: show(asset, &minor),
        minor,
    };
    batch.assets.iter().zip(sums).map(sum_of).collect()
}

fn show(asset: &Asset, sum: &Rational) -> String {
    sum.to_i128()
        .map_or_else(|| sum.to_string(), |minor| format_amount(minor, asset.scale))
}

/// Per asset, the exact sum of the balances among the values of all places, in minor units: a hundred unbounded accounts
/// may hold more together than one number of the machine can.
pub fn asset_sums(batch: &Batch, values: &[i128]) -> Vec<Rational> {
    let assets: Vec<Option<usize>> = batch.fields.iter().map(asset_of).collect();
    let mut sums = vec![Rational::ZERO; batch.assets.len()];
    if let Some(field) = batch.one_field() {
        let asset = assets.get(usize::from(field.0)).copied().flatten();
        if let Some(sum) = asset.and_then(|asset| sums.get_mut(asset)) {
            add_all(sum, values);
        }
        return sums;
    }
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
    // In stretches whose sums nearly always fit.
    for values in values.chunks(4096) {
        let (mut narrow, mut too_wide) = (0_i128, false);
        for value in values {
            let (next, wide) = narrow.overflowing_add(*value);
            narrow = next;
            too_wide |= wide;
        }
        match too_wide {
            false => carry(sum, narrow),
            true => values.iter().for_each(|value| carry(sum, *value)),
        }
    }
}

fn carry(sum: &mut Rational, part: i128) {
    // Sums of numbers of the machine stay far below the width limit of fractions.
    if let Ok(next) = sum.add(&Rational::Int(part)) {
        *sum = next;
    }
}
