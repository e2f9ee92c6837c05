//! What the changes of a batch come to: totals by asset, and the largest of them.

use aethel_ir::Asset;
use aethel_runtime::{BalanceChange, Balances};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What moved in one asset.
pub struct Moved<'a> {
    pub asset: &'a Asset,
    /// What all who gained have gained, in minor units.
    pub total: i128,
    /// Who paid, when it was one account alone.
    pub payer: Option<&'a str>,
    /// Who was paid, when it was one account alone.
    pub payee: Option<&'a str>,
    /// How many accounts lost some of it.
    pub payers: usize,
    /// How many accounts gained some of it.
    pub payees: usize,
}

/// What moved in each asset, by name; assets that did not move are left out.
pub fn moved(balances: &Balances) -> Vec<Moved<'_>> {
    let mut assets: BTreeMap<&str, Moved<'_>> = BTreeMap::new();
    for change in balances.iter() {
        let Some(asset) = change.asset() else { continue };
        let delta = change.difference();
        let moved = assets.entry(&asset.name).or_insert(Moved {
            asset,
            total: 0,
            payer: None,
            payee: None,
            payers: 0,
            payees: 0,
        });
        match delta.signum() {
            1 => {
                moved.total = moved.total.saturating_add(delta);
                moved.payees += 1;
                moved.payee = (moved.payees == 1).then_some(change.account);
            }
            -1 => {
                moved.payers += 1;
                moved.payer = (moved.payers == 1).then_some(change.account);
            }
            _ => {}
        }
    }
    assets.into_values().filter(|moved| moved.total != 0).collect()
}

/// The largest changes, largest first, equal ones in the order of accounts.
pub struct Largest<'a> {
    pub changes: Vec<BalanceChange<'a>>,
    /// How many places changed besides.
    pub others: usize,
}

/// All that changed, in the same order, but not more than so many; and how many changed besides.
pub fn largest_first(balances: &Balances, most: usize) -> Largest<'_> {
    let mut changes: Vec<BalanceChange<'_>> = balances
        .iter()
        .filter(|change| change.difference() != 0)
        .collect();
    changes.sort_by(order);
    let others = changes.len().saturating_sub(most);
    changes.truncate(most);
    Largest { changes, others }
}

impl<'a> Largest<'a> {
    /// The `count` largest of all that differ at all.
    pub fn of(balances: &'a Balances, count: usize) -> Self {
        let mut largest = Self {
            changes: Vec::with_capacity(count + 1),
            others: 0,
        };
        for change in balances.iter().filter(|change| change.difference() != 0) {
            largest.add(change, count);
        }
        largest
    }

    fn add(&mut self, change: BalanceChange<'a>, count: usize) {
        let full = self.changes.len() >= count;
        self.others += usize::from(full);
        let last = self.changes.last();
        if full && last.is_none_or(|last| order(last, &change) != Ordering::Greater) {
            return;
        }
        let at = self
            .changes
            .partition_point(|known| order(known, &change) != Ordering::Greater);
        self.changes.insert(at, change);
        self.changes.truncate(count);
    }
}

/// Larger changes first, then accounts.
fn order(a: &BalanceChange<'_>, b: &BalanceChange<'_>) -> Ordering {
    let size = |change: &BalanceChange<'_>| change.difference().unsigned_abs();
    let scale = |change: &BalanceChange<'_>| change.asset().map_or(0, |asset| asset.scale);
    let by_size = if scale(a) == scale(b) {
        size(b).cmp(&size(a))
    } else {
        units(size(b), scale(b)).cmp(&units(size(a), scale(a)))
    };
    by_size.then_with(|| a.account.cmp(b.account))
}

/// The size of a change in whole units, then in parts of one: so that changes in different assets can be compared.
fn units(size: u128, scale: u8) -> (u128, u128) {
    let unit = 10_u128.checked_pow(scale.into()).unwrap_or(1);
    (size / unit, size % unit)
}
