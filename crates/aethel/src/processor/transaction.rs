//! Transactions as values of a program.

use serde::Serialize;

/// A step of a [`Transaction`]. Amounts are decimals in units, such as `"8500.00"`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Operation {
    /// Takes from an account.
    Debit {
        /// The account.
        account: String,
        /// How much.
        amount: String,
    },
    /// Gives to an account.
    Credit {
        /// The account.
        account: String,
        /// How much.
        amount: String,
    },
    /// Moves from one account to another.
    Transfer {
        /// The account that pays.
        from: String,
        /// The account that is paid.
        to: String,
        /// How much.
        amount: String,
    },
    /// Moves from the first account of the transaction to the second.
    Swap {
        /// How much.
        amount: String,
    },
}

/// The balance that a transaction expects of an account, or opens it with.
#[derive(Clone, Debug, Serialize)]
pub struct ExpectedBalance {
    /// A decimal in units.
    pub balance: String,
}

/// A transaction of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Transaction {
    /// Its name, unique in the list.
    pub id: String,
    /// What it is called in reports.
    pub intent_name: String,
    /// Its accounts in order.
    #[serde(serialize_with = "in_order")]
    pub accounts: Vec<(String, ExpectedBalance)>,
    /// Its steps in order.
    pub operations: Vec<Operation>,
    /// Conditions over `account.balance` and `old(account.balance)` that must hold after it.
    pub verify_conditions: Vec<String>,
    /// The ids of transactions that must be done before.
    pub depends_on: Vec<String>,
}

fn in_order<S: serde::Serializer>(
    accounts: &[(String, ExpectedBalance)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(accounts.iter().map(|(name, balance)| (name, balance)))
}

impl Transaction {
    /// A transaction that does nothing yet.
    pub fn new(id: impl Into<String>, intent_name: impl Into<String>) -> Self {
        Transaction {
            id: id.into(),
            intent_name: intent_name.into(),
            accounts: Vec::new(),
            operations: Vec::new(),
            verify_conditions: Vec::new(),
            depends_on: Vec::new(),
        }
    }

    /// Adds an account and the balance it is expected to have.
    #[must_use]
    pub fn account(mut self, name: impl Into<String>, balance: impl ToString) -> Self {
        self.accounts.push((
            name.into(),
            ExpectedBalance {
                balance: balance.to_string(),
            },
        ));
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }
}
