//! The rows of the built-in workloads, and the balances that they begin with. A fixed seed: every run is the same.

use std::fmt::Write;

/// Accounts of the workloads that share accounts.
const ACCOUNTS: usize = 10_000;
/// Minor units that accounts begin with: enough for any number of repeats on one ledger.
const PLENTY: i128 = 1_000_000_000_000_000;
/// Accounts that liquidate.
const LIQUIDATORS: usize = 64;

/// Rows of a workload.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The text of `rows.csv`.
    pub csv: String,
    /// What accounts hold at first: name, asset, minor units.
    pub opening: Vec<(String, &'static str, i128)>,
    /// For liquidations: the debt in cents and the price in cents, row by row.
    pub liquidations: Option<Vec<(i64, i64)>>,
}

/// A generator of numbers that is the same everywhere (Knuth's multiplier; the high bits are used).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    /// 0.01 to 100.00
    fn cents(&mut self) -> usize {
        1 + self.below(10_000)
    }
}

/// Puts transfers between numbered accounts together.
struct Transfers {
    rows: Rows,
}

impl Transfers {
    fn new(accounts: usize, opening: impl Fn(usize) -> i128) -> Self {
        let opening = (0..accounts).map(|n| (name(n), "USD", opening(n))).collect();
        let csv = "from,to,amount\n".to_owned();
        Self {
            rows: Rows {
                csv,
                opening,
                ..Rows::default()
            },
        }
    }

    fn row(&mut self, from: usize, to: usize, cents: usize) {
        let (units, cents) = (cents / 100, cents % 100);
        let _ = writeln!(self.rows.csv, "a{from},a{to},{units}.{cents:02}");
    }
}

fn name(n: usize) -> String {
    format!("a{n}")
}

/// Pairs.
pub fn independent(count: usize) -> Rows {
    let mut dice = Dice(1);
    let mut made = Transfers::new(2 * count, |_| PLENTY);
    for n in 0..count {
        made.row(2 * n, 2 * n + 1, dice.cents());
    }
    made.rows
}

/// Any two accounts.
pub fn uniform(count: usize) -> Rows {
    let mut dice = Dice(2);
    let mut made = Transfers::new(ACCOUNTS, |_| PLENTY);
    for _ in 0..count {
        let from = dice.below(ACCOUNTS);
        let to = (from + 1 + dice.below(ACCOUNTS - 1)) % ACCOUNTS;
        made.row(from, to, dice.cents());
    }
    made.rows
}

/// Account 0 pays all others in turn.
pub fn hot(count: usize) -> Rows {
    let mut dice = Dice(3);
    let mut made = Transfers::new(ACCOUNTS + 1, |_| PLENTY);
    for n in 0..count {
        made.row(0, 1 + n % ACCOUNTS, dice.cents());
    }
    made.rows
}

/// Accounts 0 to 9 pay all others in turn.
pub fn pools(count: usize) -> Rows {
    let mut dice = Dice(4);
    let mut made = Transfers::new(ACCOUNTS + 10, |_| PLENTY);
    for n in 0..count {
        made.row(dice.below(10), 10 + n % ACCOUNTS, dice.cents());
    }
    made.rows
}

/// Only the first account holds anything, so each transfer waits for the one before.
pub fn chain(count: usize) -> Rows {
    let mut made = Transfers::new(count + 1, |n| if n == 0 { PLENTY } else { 0 });
    for n in 0..count {
        made.row(n, n + 1, 100);
    }
    made.rows
}

/// The n-th account with weight 1/n.
pub fn zipf(count: usize) -> Rows {
    // Weights in parts of 2^40; whole numbers, so that every machine draws the same.
    let mut ends = Vec::with_capacity(ACCOUNTS);
    let mut total = 0_u64;
    for n in 1..=ACCOUNTS as u64 {
        total += (1 << 40) / n;
        ends.push(total);
    }
    let mut dice = Dice(5);
    let draw = |dice: &mut Dice| {
        let at = (((dice.below(1 << 31) as u64) << 31) | dice.below(1 << 31) as u64) % total;
        ends.partition_point(|end| *end <= at)
    };
    let mut made = Transfers::new(ACCOUNTS, |_| PLENTY);
    for _ in 0..count {
        let from = draw(&mut dice);
        let mut to = draw(&mut dice);
        if to == from {
            to = (from + 1) % ACCOUNTS;
        }
        made.row(from, to, dice.cents());
    }
    made.rows
}

/// Loans that are no longer covered; every borrower once.
pub fn liquidations(count: usize) -> Rows {
    let mut dice = Dice(6);
    let mut csv = "borrower,liquidator,collateral,debt,price\n".to_owned();
    let mut rows = Vec::with_capacity(count);
    for n in 0..count {
        // Prices around 43 000, loans of 1 000 to 100 000 dollars with coins of 1.2 times their worth.
        let price = 4_000_000 + dice.below(600_000) as i64;
        let debt = 100_000 + dice.below(9_900_000) as i64;
        let coins = i128::from(debt) * 120_000_000 / i128::from(price);
        let (units, parts) = (coins / 100_000_000, coins % 100_000_000);
        let _ = writeln!(
            csv,
            "b{n},l{},{units}.{parts:08},{}.{:02},{}.{:02}",
            dice.below(LIQUIDATORS),
            debt / 100,
            debt % 100,
            price / 100,
            price % 100
        );
        rows.push((debt, price));
    }
    let borrowers = (0..count).flat_map(|n| [(format!("b{n}"), "BTC", PLENTY), (format!("b{n}"), "USD", 0)]);
    let liquidators =
        (0..LIQUIDATORS).flat_map(|n| [(format!("l{n}"), "BTC", 0), (format!("l{n}"), "USD", PLENTY)]);
    Rows {
        csv,
        opening: borrowers.chain(liquidators).collect(),
        liquidations: Some(rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_same_every_time() {
        for make in [independent, uniform, hot, pools, chain, zipf, liquidations] {
            let (one, two) = (make(100), make(100));
            assert_eq!(one.csv, two.csv);
            assert_eq!(one.csv.lines().count(), 101);
        }
        assert!(chain(2).csv.ends_with("a0,a1,1.00\na1,a2,1.00\n"));
    }

    #[test]
    fn skewed_accounts_are_skewed() {
        let csv = zipf(10_000).csv;
        let first = csv.lines().filter(|line| line.starts_with("a0,")).count();
        // One in about 9.8: the sum of 1/n up to 10 000.
        assert!((900..1_150).contains(&first), "{first}");
    }
}
