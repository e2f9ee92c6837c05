//! The workloads: each is a program of the language with rows that a seed fixes.

use super::rows::{self, Rows};
use std::fmt;

/// Payments between accounts; what most scenarios run.
const TRANSFER: &str = r#"asset USD { scale: 2; }

intent transfer(from: Account<USD>, to: Account<USD>, amount: Balance<USD>) {
    guard {
        amount > 0;
        from.balance >= amount;
    }
    verify {
        from.balance == from.balance - amount;
        to.balance == to.balance + amount;
    }
}

atomic_batch NAME {
    for row in "rows.csv" {
        transfer(row.from, row.to, row.amount);
    }
}
"#;

/// Products and quotients of prices, collateral and balances, with rounding: no sum of columns can stand for it.
const LIQUIDATE: &str = r#"asset BTC { scale: 8; }
asset USD { scale: 2; }

const COVER = 1.5;

intent liquidate(
    borrower: Account<BTC>,
    liquidator: Account<BTC>,
    collateral: Balance<BTC>,
    debt: Balance<USD>,
    price: Price<BTC, USD>
) {
    guard {
        collateral > 0;
        debt > 0;
        price > 0;
        collateral * price < debt * COVER;
        borrower.balance * price >= debt;
        # What the debt is worth, rounded in favour of the one who pays it.
        let taken = round(debt / price, BTC, up);
        taken <= collateral;
        borrower.balance >= taken;
        liquidator.usd_balance >= debt;
    }
    verify {
        borrower.balance == borrower.balance - taken;
        liquidator.balance == liquidator.balance + taken;
        liquidator.usd_balance == liquidator.usd_balance - debt;
        borrower.usd_balance == borrower.usd_balance + debt;
    }
}

atomic_batch NAME {
    for row in "rows.csv" {
        liquidate(row.borrower, row.liquidator, row.collateral, row.debt, row.price);
    }
}
"#;

/// A built-in workload.
#[derive(Clone, Copy)]
pub struct Builtin {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    program: &'static str,
    rows: fn(usize) -> Rows,
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builtin")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Builtin {
    /// The text of its program.
    pub fn program(&self) -> String {
        self.program.replace("NAME", self.name)
    }

    /// Its rows for so many transactions; the same at every call.
    pub fn rows(&self, transactions: usize) -> Rows {
        (self.rows)(transactions)
    }

    /// A workload by its name.
    pub fn find(name: &str) -> Option<&'static Builtin> {
        BUILTINS.iter().find(|builtin| builtin.name == name)
    }
}

/// All of them.
pub const BUILTINS: [Builtin; 7] = [
    Builtin {
        name: "independent",
        about: "transfers between pairs of accounts that share nothing",
        program: TRANSFER,
        rows: rows::independent,
    },
    Builtin {
        name: "uniform",
        about: "transfers between 10 000 accounts, drawn evenly",
        program: TRANSFER,
        rows: rows::uniform,
    },
    Builtin {
        name: "hot",
        about: "one account pays, 10 000 are paid in turn",
        program: TRANSFER,
        rows: rows::hot,
    },
    Builtin {
        name: "pools",
        about: "ten accounts, each drawn as often, pay 10 000 others",
        program: TRANSFER,
        rows: rows::pools,
    },
    Builtin {
        name: "chain",
        about: "each transfer passes on what the one before brought",
        program: TRANSFER,
        rows: rows::chain,
    },
    Builtin {
        name: "zipf",
        about: "transfers between 10 000 accounts, the n-th drawn 1/n as often as the first",
        program: TRANSFER,
        rows: rows::zipf,
    },
    Builtin {
        name: "liquidations",
        about: "products and quotients of prices and balances with rounding; 64 accounts that buy",
        program: LIQUIDATE,
        rows: rows::liquidations,
    },
];
