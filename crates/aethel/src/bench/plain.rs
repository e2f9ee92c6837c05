//! What aethel is held against: the same transfers in a plain loop, and with a lock for each account.
//!
//! Both know balances only: no names, no order to prove, no trace, no certificate, no undo. They take the transactions
//! from the same lowered batch, and they must end in the same balances, or no figure is shown.

use super::rows::Rows;
use aethel_ir::{Batch, ValueColumn};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the engine with locks may wait for a balance that another thread has to bring.
const STUCK: Duration = Duration::from_secs(2);

/// Transactions as numbers.
#[derive(Clone, Debug)]
pub enum Plain {
    /// Money from one place to another, if it is there.
    Transfers(Vec<Transfer>),
    /// Debts paid out of collateral.
    Liquidations(Vec<Liquidation>),
}

/// A transfer between two places of the batch, in minor units.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    from: u32,
    to: u32,
    amount: i64,
}

/// A row of the workload `liquidations`.
#[derive(Clone, Copy, Debug)]
pub struct Liquidation {
    borrower: u32,
    liquidator: u32,
    liquidator_usd: u32,
    borrower_usd: u32,
    collateral: i64,
    debt: i64,
    price: i64,
}

impl Plain {
    /// What the loop does, for people.
    pub fn about(&self) -> &'static str {
        match self {
            Plain::Transfers(_) => {
                "a loop over an array of 64-bit balances: compare, subtract, add; no names, no proof, no undo"
            }
            Plain::Liquidations(_) => {
                "a loop over an array of 64-bit balances with 128-bit products and one division; no proof, no undo"
            }
        }
    }

    /// The numbers of a batch of the workload `liquidations`; `None` when it is another batch.
    pub fn liquidations(batch: &Batch, rows: &Rows) -> Option<Plain> {
        let [group] = batch.groups.as_slice() else {
            return None;
        };
        let intent = batch.intents.get(group.intent as usize)?;
        let ValueColumn::Whole(collateral) = group.values.first()? else {
            return None;
        };
        // Which slot is the balance of which account in which asset.
        let slot = |account: u16, asset: &str| {
            let found = intent.places.iter().position(|place| {
                let field = batch.fields.get(usize::from(place.field.0));
                let named = match field {
                    Some(aethel_ir::Field::Balance(id)) => batch.assets.get(usize::from(id.0)),
                    _ => None,
                };
                place.account == account && named.is_some_and(|known| &*known.name == asset)
            });
            group.places.get(found?)
        };
        let columns = [slot(0, "BTC")?, slot(1, "BTC")?, slot(1, "USD")?, slot(0, "USD")?];
        let mut plain = Vec::with_capacity(batch.len());
        for (row, (debt, price)) in (0_u32..).zip(rows.liquidations.as_ref()?) {
            let [borrower, liquidator, liquidator_usd, borrower_usd] = columns.map(|column| column.get(row));
            plain.push(Liquidation {
                borrower: borrower?.0,
                liquidator: liquidator?.0,
                liquidator_usd: liquidator_usd?.0,
                borrower_usd: borrower_usd?.0,
                collateral: i64::try_from(collateral.get(row)?).ok()?,
                debt: *debt,
                price: *price,
            });
        }
        (plain.len() == batch.len()).then_some(Plain::Liquidations(plain))
    }

    /// The transactions of a batch as transfers, when each has two balances and one amount. Whether they do nothing
    /// else shows when the balances are compared.
    pub fn transfers(batch: &Batch) -> Option<Plain> {
        let order = aethel_certificate::batch_order(batch).ok()?;
        let mut plain = Vec::with_capacity(order.len());
        for id in order {
            let view = batch.transaction(id)?;
            let ([from, to], [ValueColumn::Whole(amount)]) =
                (view.group.places.as_slice(), view.group.values.as_slice())
            else {
                return None;
            };
            plain.push(Transfer {
                from: from.get(view.row)?.0,
                to: to.get(view.row)?.0,
                amount: i64::try_from(amount.get(view.row)?).ok()?,
            });
        }
        Some(Plain::Transfers(plain))
    }

    /// How many transactions.
    pub fn len(&self) -> usize {
        match self {
            Plain::Transfers(rows) => rows.len(),
            Plain::Liquidations(rows) => rows.len(),
        }
    }

    /// Runs all of them in order; `false` when a guard does not hold.
    pub fn serial(&self, balances: &mut [i64]) -> bool {
        match self {
            Plain::Transfers(rows) => transfer_loop(black_box(rows), black_box(balances)),
            Plain::Liquidations(rows) => liquidation_loop(black_box(rows), black_box(balances)),
        }
    }

    /// Runs them on several threads, each a contiguous part, with the locks of a transaction taken in the order of their
    /// accounts. Gives the final balances and the time, starting the threads included; `None` when it got stuck: without
    /// an order a thread may wait for ever for what another would have brought.
    pub fn locked(&self, balances: &[i64], threads: u32) -> Option<(Vec<i64>, Duration)> {
        let cells: Vec<Mutex<i64>> = balances.iter().map(|balance| Mutex::new(*balance)).collect();
        let stuck = AtomicBool::new(false);
        let part = self.len().div_ceil(threads.max(1) as usize).max(1);
        let begun = Instant::now();
        match self {
            Plain::Transfers(rows) => in_parts(rows, part, &stuck, |row| transfer_locked(row, &cells)),
            Plain::Liquidations(rows) => in_parts(rows, part, &stuck, |row| liquidation_locked(row, &cells)),
        }
        let took = begun.elapsed();
        let finals = cells
            .into_iter()
            .map(|cell| cell.into_inner().unwrap_or_else(PoisonError::into_inner));
        (!stuck.load(Ordering::Relaxed)).then(|| (finals.collect(), took))
    }
}

#[inline(never)]
fn transfer_loop(rows: &[Transfer], balances: &mut [i64]) -> bool {
    for row in rows {
        let from = balances[row.from as usize];
        if from < row.amount || row.amount <= 0 {
            return false;
        }
        balances[row.from as usize] = from.wrapping_sub(row.amount);
        let to = &mut balances[row.to as usize];
        *to = to.wrapping_add(row.amount);
    }
    true
}

impl Liquidation {
    /// The coins taken, when the guard holds for these balances.
    fn taken(&self, borrower: i64, liquidator_usd: i64) -> Option<i64> {
        let Self {
            collateral,
            debt,
            price,
            ..
        } = *self;
        let covered = i128::from(collateral) * i128::from(price) * 2 >= i128::from(debt) * 300_000_000;
        let worthless = i128::from(borrower) * i128::from(price) < i128::from(debt) * 100_000_000;
        if collateral <= 0 || debt <= 0 || price <= 0 || covered || worthless {
            return None;
        }
        let taken = (debt.wrapping_mul(100_000_000).wrapping_add(price).wrapping_sub(1)) / price;
        (taken <= collateral && borrower >= taken && liquidator_usd >= debt).then_some(taken)
    }
}

#[inline(never)]
fn liquidation_loop(rows: &[Liquidation], balances: &mut [i64]) -> bool {
    for row in rows {
        let seen = (
            balances[row.borrower as usize],
            balances[row.liquidator_usd as usize],
        );
        let Some(taken) = row.taken(seen.0, seen.1) else {
            return false;
        };
        for (place, change) in [
            (row.borrower, -taken),
            (row.liquidator, taken),
            (row.liquidator_usd, -row.debt),
            (row.borrower_usd, row.debt),
        ] {
            let balance = &mut balances[place as usize];
            *balance = balance.wrapping_add(change);
        }
    }
    true
}

/// Runs each part on a thread of its own. A guard that does not hold yet is tried again, for a while.
fn in_parts<T: Sync>(rows: &[T], part: usize, stuck: &AtomicBool, one: impl Fn(&T) -> bool + Sync) {
    let run = |rows: &[T]| {
        for row in rows {
            if one(row) {
                continue;
            }
            let begun = Instant::now();
            while !one(row) {
                if stuck.load(Ordering::Relaxed) || begun.elapsed() > STUCK {
                    stuck.store(true, Ordering::Relaxed);
                    return;
                }
                std::thread::yield_now();
            }
        }
    };
    let run = &run;
    std::thread::scope(|scope| {
        let mut parts = rows.chunks(part);
        let mine = parts.next();
        for part in parts {
            scope.spawn(move || run(part));
        }
        run(mine.unwrap_or(&[]));
    });
}

fn lock(cell: &Mutex<i64>) -> MutexGuard<'_, i64> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

fn transfer_locked(row: &Transfer, cells: &[Mutex<i64>]) -> bool {
    let (from, to) = (&cells[row.from as usize], &cells[row.to as usize]);
    let (mut from, mut to) = if row.from < row.to {
        let from = lock(from);
        (from, lock(to))
    } else {
        let to = lock(to);
        (lock(from), to)
    };
    if *from < row.amount || row.amount <= 0 {
        return false;
    }
    *from = from.wrapping_sub(row.amount);
    *to = to.wrapping_add(row.amount);
    true
}

fn liquidation_locked(row: &Liquidation, cells: &[Mutex<i64>]) -> bool {
    let mut places = [row.borrower, row.liquidator, row.liquidator_usd, row.borrower_usd];
    places.sort_unstable();
    let mut held = places.map(|place| (place, lock(&cells[place as usize])));
    let value = |held: &[(u32, MutexGuard<'_, i64>)], place: u32| {
        held.iter()
            .find(|(known, _)| *known == place)
            .map_or(0, |(_, value)| **value)
    };
    let (borrower, dollars) = (value(&held, row.borrower), value(&held, row.liquidator_usd));
    let Some(taken) = row.taken(borrower, dollars) else {
        return false;
    };
    for (place, value) in &mut held {
        let change = match *place {
            p if p == row.borrower => -taken,
            p if p == row.liquidator => taken,
            p if p == row.liquidator_usd => -row.debt,
            _ => row.debt,
        };
        **value = value.wrapping_add(change);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::engine::{Balances, Engine};
    use super::super::scenario::{BUILTINS, Builtin};
    use super::super::subject::Subject;
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write;
    use std::sync::Arc;

    /// Transfers between numbered accounts that begin with these balances.
    fn subject(opening: &[i64], rows: &[(usize, usize, i64)]) -> Subject {
        let mut csv = "from,to,amount\n".to_owned();
        for (from, to, cents) in rows {
            let _ = writeln!(csv, "a{from},a{to},{}.{:02}", cents / 100, cents % 100);
        }
        let opening = opening.iter().enumerate();
        let opening = opening.map(|(n, cents)| (format!("a{n}"), "USD", i128::from(*cents)));
        let rows = Rows {
            csv,
            opening: opening.collect(),
            liquidations: None,
        };
        let program = Builtin::find("uniform").unwrap().program();
        Subject::of("random", "random transfers", program, rows).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The loop refuses exactly what aethel refuses, and otherwise both end in the same balances. Some transfers spend
        /// all that is there.
        #[test]
        fn baselines_agree_with_the_engine(
            opening in proptest::collection::vec(0_i64..60, 2..6),
            rows in proptest::collection::vec((0_usize..100, 1_usize..100, 1_i64..15, any::<bool>()), 1..12),
        ) {
            let accounts = opening.len();
            let mut left = opening.clone();
            let mut transfer = |(from, step, cents, all): &(usize, usize, i64, bool)| {
                let from = from % accounts;
                let to = (from + 1 + step % (accounts - 1)) % accounts;
                let cents = if *all && left[from] > 0 { left[from] } else { *cents };
                left[from] -= cents;
                left[to] += cents;
                (from, to, cents)
            };
            let rows: Vec<_> = rows.iter().map(&mut transfer).collect();
            let subject = subject(&opening, &rows);
            let plain = subject.plain.as_ref().unwrap();
            let batch = &subject.lowered.batch;
            let mut balances = Vec::new();
            for place in (0..batch.places.len() as u32).map(aethel_ir::PlaceId) {
                let name = batch.account_of(place).unwrap().as_str();
                balances.push(opening[name[1..].parse::<usize>().unwrap()]);
            }
            let before = balances.clone();
            let held = plain.serial(&mut balances);
            let result = Engine::new(Some(1), &Arc::default()).run(&subject, &mut subject.memory().unwrap(), true);
            prop_assert_eq!(result.is_ok(), held, "{:?}", result.err());
            if let Ok(result) = result {
                let ours = Balances::of(&subject, &result);
                prop_assert_eq!(ours.before(balances.len()), Some(before));
                prop_assert!(ours.ended_in(&balances));
                // Another balance anywhere would be noticed.
                let mut wrong = balances.clone();
                wrong[0] += 1;
                prop_assert!(!ours.ended_in(&wrong));
            }
        }

        /// With enough money everywhere, locks and any number of threads end where the loop ends.
        #[test]
        fn locks_agree_with_the_loop(size in 1_usize..300, threads in 1_u32..5, which in 0_usize..7) {
            let subject = Subject::builtin(&BUILTINS[which], size).unwrap();
            let plain = subject.plain.as_ref().unwrap();
            let result = Engine::new(Some(1), &Arc::default()).run(&subject, &mut subject.memory().unwrap(), true).unwrap();
            let ours = Balances::of(&subject, &result);
            let before = ours.before(subject.lowered.batch.places.len()).unwrap();
            let mut balances = before.clone();
            prop_assert!(plain.serial(&mut balances));
            prop_assert!(ours.ended_in(&balances));
            let (locked, _) = plain.locked(&before, threads).unwrap();
            prop_assert_eq!(locked, balances);
        }
    }
}
