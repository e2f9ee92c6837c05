//! The sum of each asset before and after.

use crate::check::AssetSum;
use crate::format::CertificateView;
use crate::kinds::{Kind, kinds};
use crate::rejection::Rejection;
use aethel_ir::money::format_amount;
use aethel_ir::{Batch, Rational};

/// Per asset, the sums over all places of the batch before and after are the same.
pub(crate) fn check_sums(view: &CertificateView<'_>, kinds: &[Kind]) -> Result<Vec<AssetSum>, Rejection> {
    let before = sums(view.batch, kinds, view.initial);
    let after = sums(view.batch, kinds, view.final_values);
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

/// Per asset, the exact sum of the balances among the values of all places, in minor units.
pub fn asset_sums(batch: &Batch, values: &[i128]) -> Vec<Rational> {
    sums(batch, &kinds(batch), values)
}

/// Exact sums: a hundred unbounded accounts may hold more together than one number of the machine can.
fn sums(batch: &Batch, kinds: &[Kind], values: &[i128]) -> Vec<Rational> {
    let mut sums = vec![Rational::ZERO; batch.assets.len()];
    let mut narrow = vec![0_i128; batch.assets.len()];
    for (kind, value) in kinds.iter().zip(values) {
        let Some(asset) = kind.asset else {
            continue;
        };
        let asset = usize::from(asset.0);
        match narrow[asset].checked_add(*value) {
            Some(sum) => narrow[asset] = sum,
            None => {
                carry(&mut sums[asset], narrow[asset]);
                narrow[asset] = *value;
            }
        }
    }
    for (sum, rest) in sums.iter_mut().zip(narrow) {
        carry(sum, rest);
    }
    sums
}

fn carry(sum: &mut Rational, part: i128) {
    // Sums of numbers of the machine stay far below the width limit of fractions.
    if let Ok(next) = sum.add(&Rational::Int(part)) {
        *sum = next;
    }
}
