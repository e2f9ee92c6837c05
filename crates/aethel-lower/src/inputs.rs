//! What a run brings beside the program: opening balances, bindings, arguments, oracle proofs.
//!
//! The inputs file, flags and library calls all end up in one [`Inputs`].

use crate::balances::BalanceTable;
use crate::json::{self, Json, JsonKind};
use crate::symbols::bad_account_name;
use aethel_ir::{AccountName, Code, Diagnostic, SourceId, Span};
use std::sync::Arc;

/// Where an input was given; `None` for a flag or a library call.
pub type Place = Option<(SourceId, Span)>;

/// A text and where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub at: Place,
}

/// Opening balances of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountInput {
    /// The account.
    pub name: AccountName,
    /// A balance in the asset that the program uses the account with.
    pub balance: Option<Given>,
    /// Balances by asset.
    pub balances: Vec<(String, Given)>,
    /// Where it stands.
    pub at: Place,
}

/// `name.param` with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `[batch.]name.param`.
    pub key: String,
    /// The account or value.
    pub value: Given,
}

/// An oracle's statement, as given; its signature is checked by the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleInput {
    /// The feed.
    pub feed: String,
    /// A decimal in units.
    pub value: String,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub timestamp: i64,
    /// Which key signed.
    pub key_id: String,
    /// The signature in hexadecimal.
    pub signature: String,
    /// Where it stands.
    pub at: Place,
}

/// Everything a run brings beside the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Opening balances.
    pub accounts: Vec<AccountInput>,
    /// Opening balances from CSV files.
    pub tables: Vec<BalanceTable>,
    /// Accounts of account parameters, feeds of external ones.
    pub bind: Vec<Setting>,
    /// Values of value parameters.
    pub args: Vec<Setting>,
    /// Oracle proofs.
    pub oracles: Vec<OracleInput>,
    /// Open unknown accounts with zero.
    pub open_accounts: bool,
    /// A CSV file of opening balances (`account,balance` and optionally `asset`), relative to the inputs file.
    pub accounts_csv: Option<Given>,
}

/// How many problems of one JSON file are shown.
pub(crate) const MAX_PROBLEMS: usize = 50;

/// What inputs may hold.
pub(crate) const KEYS: [&str; 6] = [
    "accounts",
    "bind",
    "args",
    "oracles",
    "open_accounts",
    "accounts_csv",
];

impl Inputs {
    /// Reads an inputs file.
    ///
    /// # Errors
    /// Every problem found (at most 50), each at its place.
    pub fn from_json(source: SourceId, text: &str) -> Result<Inputs, Vec<Diagnostic>> {
        let root = json::parse(source, text, Code::AE0902).map_err(|error| vec![error])?;
        let mut reader = Reader::new(source);
        reader.root(&root);
        reader.problems.truncate(MAX_PROBLEMS);
        if reader.problems.is_empty() {
            Ok(reader.inputs)
        } else {
            Err(reader.problems)
        }
    }

    /// Reads opening balances from CSV text with a header `account,balance` and optionally `asset`.
    ///
    /// # Errors
    /// Every problem found (at most 20), each at its row.
    pub fn add_accounts_csv(&mut self, source: SourceId, text: Arc<str>) -> Result<(), Vec<Diagnostic>> {
        self.tables.push(BalanceTable::read(source, text)?);
        Ok(())
    }
}

/// Reads inputs, wherever in a JSON text they stand.
pub(crate) struct Reader {
    source: SourceId,
    pub(crate) inputs: Inputs,
    pub(crate) problems: Vec<Diagnostic>,
}

impl Reader {
    pub(crate) fn new(source: SourceId) -> Self {
        Self {
            source,
            inputs: Inputs::default(),
            problems: Vec::new(),
        }
    }

    fn root(&mut self, root: &Json) {
        let JsonKind::Object(entries) = &root.kind else {
            let message = "inputs are an object";
            let help = "write {\"accounts\": {..}, \"bind\": {..}, \"args\": {..}}";
            self.problems
                .push(json::wrong(Code::AE0902, self.source, root, message).help(help));
            return;
        };
        for (key, value) in entries {
            if !self.entry(key, value) {
                self.unknown_key(key, value, &KEYS);
            }
        }
    }

    /// Reads what one key of inputs holds; `false` when it is none of theirs.
    pub(crate) fn entry(&mut self, key: &str, value: &Json) -> bool {
        match key {
            "accounts" => self.accounts(value),
            "bind" => self.inputs.bind = self.settings(value),
            "args" => self.inputs.args = self.settings(value),
            "oracles" => self.oracles(value),
            "open_accounts" => match value.kind {
                JsonKind::Bool(flag) => self.inputs.open_accounts = flag,
                _ => self.expected(value, "`open_accounts` is true or false"),
            },
            "accounts_csv" => match &value.kind {
                JsonKind::Text(path) => {
                    self.inputs.accounts_csv = Some(self.given(path, value));
                }
                _ => self.expected(value, "`accounts_csv` is a path"),
            },
            _ => return false,
        }
        true
    }

    fn expected(&mut self, at: &Json, message: &str) {
        self.problems
            .push(json::wrong(Code::AE0902, self.source, at, message));
    }

    fn unknown_key(&mut self, key: &str, value: &Json, known: &[&str]) {
        self.problems
            .push(json::unknown_key(Code::AE0902, self.source, key, value, known));
    }

    fn given(&self, text: &str, at: &Json) -> Given {
        Given {
            text: text.to_owned(),
            at: Some((self.source, at.span)),
        }
    }

    fn amount(&mut self, json: &Json) -> Option<Given> {
        match json::number_text(self.source, json, Code::AE0902) {
            Ok(text) => Some(self.given(text, json)),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    fn accounts(&mut self, json: &Json) {
        let JsonKind::Object(entries) = &json.kind else {
            return self.expected(json, "`accounts` is an object: name to balance");
        };
        for (name, value) in entries {
            let account = match AccountName::new(name) {
                Ok(account) => account,
                Err(error) => {
                    let at = Some((self.source, value.span));
                    self.problems.push(bad_account_name(at, name, error));
                    continue;
                }
            };
            let at = Some((self.source, value.span));
            let mut input = AccountInput {
                name: account,
                balance: None,
                balances: Vec::new(),
                at,
            };
            match &value.kind {
                JsonKind::Object(fields) => {
                    for (key, value) in fields {
                        match (key.as_str(), &value.kind) {
                            ("balance", _) => input.balance = self.amount(value),
                            ("balances", JsonKind::Object(assets)) => {
                                for (asset, amount) in assets {
                                    if let Some(amount) = self.amount(amount) {
                                        input.balances.push((asset.clone(), amount));
                                    }
                                }
                            }
                            ("balances", _) => {
                                self.expected(value, "`balances` is an object: asset to amount")
                            }
                            (other, _) => self.unknown_key(other, value, &["balance", "balances"]),
                        }
                    }
                }
                // `"company": "10000.00"` can mean nothing else.
                _ => input.balance = self.amount(value),
            }
            self.inputs.accounts.push(input);
        }
    }

    fn settings(&mut self, json: &Json) -> Vec<Setting> {
        let JsonKind::Object(entries) = &json.kind else {
            self.expected(json, "expected an object: `name.parameter` to value");
            return Vec::new();
        };
        let mut settings = Vec::new();
        for (key, value) in entries {
            let text = match &value.kind {
                JsonKind::Bool(flag) => flag.to_string(),
                JsonKind::Text(_) | JsonKind::Integer(_) | JsonKind::Float(_) => match self.amount(value) {
                    Some(given) => given.text,
                    None => continue,
                },
                _ => {
                    self.expected(
                        value,
                        "expected an account or a value: a string, a whole number or a truth value",
                    );
                    continue;
                }
            };
            settings.push(Setting {
                key: key.clone(),
                value: self.given(&text, value),
            });
        }
        settings
    }

    fn oracles(&mut self, json: &Json) {
        let JsonKind::Array(items) = &json.kind else {
            return self.expected(json, "`oracles` is a list of proofs");
        };
        for item in items {
            match oracle(self.source, item, Code::AE0902) {
                Ok(proof) => self.inputs.oracles.push(proof),
                Err(problem) => self.problems.push(problem),
            }
        }
    }
}

/// Reads the text of one oracle proof.
///
/// # Errors
/// AE0902 at the part that is wrong.
pub fn parse_oracle(source: SourceId, text: &str) -> Result<OracleInput, Diagnostic> {
    oracle(source, &json::parse(source, text, Code::AE0902)?, Code::AE0902)
}

/// Reads one oracle proof.
pub(crate) fn oracle(source: SourceId, json: &Json, code: Code) -> Result<OracleInput, Diagnostic> {
    let JsonKind::Object(entries) = &json.kind else {
        return Err(json::wrong(code, source, json, "an oracle proof is an object"));
    };
    let field = |name: &str| {
        entries
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
            .ok_or_else(|| {
                Diagnostic::new(code, format!("the oracle proof has no `{name}`"))
                    .label(
                        source,
                        json.span,
                        "needs feed, value, timestamp, key_id, signature",
                    )
                    .help("`aethel oracle sign` prints a complete proof")
            })
    };
    let text = |name: &str| {
        let value = field(name)?;
        match &value.kind {
            JsonKind::Text(text) => Ok(text.clone()),
            _ => Err(json::wrong(code, source, value, format!("`{name}` is a string"))),
        }
    };
    let stamp = field("timestamp")?;
    let timestamp = match &stamp.kind {
        JsonKind::Integer(text) => text.parse().ok(),
        _ => None,
    };
    let Some(timestamp) = timestamp else {
        return Err(json::wrong(
            code,
            source,
            stamp,
            "`timestamp` is a whole number of seconds since 1970",
        ));
    };
    Ok(OracleInput {
        feed: text("feed")?,
        value: json::number_text(source, field("value")?, code)?.to_owned(),
        timestamp,
        key_id: text("key_id")?,
        signature: text("signature")?,
        at: Some((source, json.span)),
    })
}
