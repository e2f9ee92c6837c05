//! Batches given as JSON transaction lists: `debit`, `credit`, `transfer`, `swap`.
//!
//! Takes the text of a batch file, gives a [`LoweredBatch`]. Transactions that do the same things to accounts in the
//! same order share one compiled intent (a shape); accounts and amounts are columns.

use crate::inputs::{Inputs, OracleInput, oracle};
use crate::json::{self, Json, JsonKind};
use crate::json_intent::{Move, Shape, build};
use crate::lowered::{Assembly, LoweredBatch, Opening, OracleUse, place};
use crate::symbols::Symbols;
use crate::tables::Tables;
use crate::value::{self, Scalar};
use aethel_ir::batch::BatchItem;
use aethel_ir::{
    AccountId, AccountName, Asset, Code, Column, Diagnostic, Field, Group, MAX_SCALE, Names, PlaceId,
    SourceId, Span, TransactionRef, Type, ValueColumn, did_you_mean, quote,
};
use std::collections::HashMap;
use std::sync::Arc;

/// How many problems of one file are shown.
const MAX_PROBLEMS: usize = 50;

/// Lowers a JSON batch; `stem` names it when the file does not.
///
/// # Errors
/// Every problem found (at most 50), each at its place.
pub fn lower_json(source: SourceId, text: &str, stem: &str) -> Result<LoweredBatch, Vec<Diagnostic>> {
    let root = json::parse(source, text, Code::AE0904).map_err(|error| vec![error])?;
    let (header, transactions) = header(source, &root, stem).map_err(|error| vec![error])?;
    let mut tables = Tables::default();
    let mut reader = JsonBatch {
        source,
        text,
        symbols: &header.symbols,
        assembly: Assembly::new(header.name.as_str().into(), &mut tables),
        problems: Vec::new(),
        shapes: HashMap::new(),
        openings: Vec::new(),
        opened: HashMap::new(),
        oracles: Vec::new(),
    };
    reader.transactions(transactions);
    let JsonBatch {
        assembly,
        mut problems,
        openings,
        oracles,
        ..
    } = reader;
    if !problems.is_empty() {
        problems.truncate(MAX_PROBLEMS);
        return Err(problems);
    }
    let mut diagnostics = Vec::new();
    let mut lowered = assembly.finish(
        &header.symbols,
        &Inputs::default(),
        place(source, root.span),
        &mut diagnostics,
    );
    lowered.openings = openings;
    lowered.openings_are_expectations = true;
    lowered.oracles = oracles;
    Ok(lowered)
}

/// What stands beside the transactions.
struct Header {
    name: String,
    symbols: Symbols<'static>,
}

const ROOT_KEYS: [&str; 4] = ["name", "assets", "unbounded", "transactions"];

fn header<'j>(source: SourceId, root: &'j Json, stem: &str) -> Result<(Header, &'j Json), Diagnostic> {
    let mut header = Header {
        name: stem.to_owned(),
        symbols: Symbols::empty(source),
    };
    let entries = match &root.kind {
        JsonKind::Array(_) => return Ok((header, root)),
        JsonKind::Object(entries) => entries,
        _ => {
            return Err(
                json::wrong(Code::AE0904, source, root, "a batch is a list of transactions")
                    .help("write [{\"id\": ..}, ..] or {\"name\": .., \"transactions\": [..]}"),
            );
        }
    };
    let mut transactions = None;
    for (key, value) in entries {
        match (key.as_str(), &value.kind) {
            ("name", JsonKind::Text(name)) if !name.is_empty() && name.len() <= 128 => {
                header.name.clone_from(name)
            }
            ("assets", JsonKind::Object(assets)) => {
                header.symbols.assets.clear();
                for (asset, scale) in assets {
                    let JsonKind::Integer(text) = &scale.kind else {
                        return Err(json::wrong(
                            Code::AE0217,
                            source,
                            scale,
                            "a scale is a whole number",
                        ));
                    };
                    let Some(scale) = text.parse().ok().filter(|n| *n <= MAX_SCALE) else {
                        return Err(Diagnostic::new(
                            Code::AE0217,
                            format!("a scale is from 0 to {MAX_SCALE}"),
                        )
                        .label(source, scale.span, "here"));
                    };
                    header.symbols.assets.push(Asset {
                        name: asset.as_str().into(),
                        scale,
                    });
                }
            }
            ("unbounded", JsonKind::Array(names)) => {
                for name in names {
                    let JsonKind::Text(text) = &name.kind else {
                        return Err(json::wrong(
                            Code::AE0904,
                            source,
                            name,
                            "an account name is a string",
                        ));
                    };
                    let account = AccountName::new(text)
                        .map_err(|error| crate::symbols::bad_account_name(source, name.span, text, error))?;
                    header.symbols.accounts.push((account, true));
                }
            }
            ("transactions", JsonKind::Array(_)) => transactions = Some(value),
            (known, _) if ROOT_KEYS.contains(&known) => {
                return Err(json::wrong(
                    Code::AE0904,
                    source,
                    value,
                    format!("`{known}` cannot be that"),
                ));
            }
            (other, _) => return Err(unknown_key(source, other, value, &ROOT_KEYS)),
        }
    }
    if header.symbols.assets.is_empty() {
        let at = root.span;
        return Err(Diagnostic::new(Code::AE0904, "`assets` is empty").label(source, at, "in this batch"));
    }
    let transactions = transactions.ok_or_else(|| {
        Diagnostic::new(Code::AE0904, "the batch has no `transactions`").label(
            source,
            root.span,
            "in this object",
        )
    })?;
    Ok((header, transactions))
}

fn unknown_key(source: SourceId, key: &str, value: &Json, known: &[&str]) -> Diagnostic {
    let help = did_you_mean(key, known.iter().copied())
        .unwrap_or_else(|| format!("known keys: {}", known.join(", ")));
    Diagnostic::new(Code::AE0904, format!("unknown key `{}`", quote(key)))
        .label(source, value.span, "nothing reads this")
        .help(help)
}

/// The rows of one shape.
struct ShapeRows {
    intent: usize,
    names: Vec<Arc<str>>,
    accounts: Vec<Vec<AccountId>>,
    amounts: Vec<Vec<i128>>,
    spans: Vec<Span>,
}

struct JsonBatch<'s, 't> {
    source: SourceId,
    text: &'s str,
    symbols: &'s Symbols<'static>,
    assembly: Assembly<'t>,
    problems: Vec<Diagnostic>,
    shapes: HashMap<Shape, usize>,
    openings: Vec<Opening>,
    opened: HashMap<PlaceId, usize>,
    oracles: Vec<OracleUse>,
}

/// An account of a transaction.
struct Party<'j> {
    name: &'j str,
    id: AccountId,
    /// Its assets, the first one being what `balance` and its operations mean.
    assets: Vec<usize>,
}

const KEYS: [&str; 7] = [
    "id",
    "intent_name",
    "accounts",
    "operations",
    "verify_conditions",
    "oracle_proofs",
    "depends_on",
];

impl JsonBatch<'_, '_> {
    fn transactions(&mut self, json: &Json) {
        let JsonKind::Array(items) = &json.kind else {
            return;
        };
        let mut rows: Vec<ShapeRows> = Vec::new();
        let mut ids: HashMap<&str, (u32, Span)> = HashMap::new();
        let mut depends = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match self.transaction(item, &mut rows) {
                Ok((id, id_span, after)) => {
                    if let Some((_, first)) = ids.insert(id, (index as u32, id_span)) {
                        let message = format!("two transactions are called `{}`", quote(id));
                        self.problems.push(
                            Diagnostic::new(Code::AE0202, message)
                                .label(self.source, id_span, "second")
                                .label(self.source, first, "first")
                                .help("give each transaction its own id"),
                        );
                    }
                    depends.push(after);
                    self.assembly.items.push(BatchItem {
                        name: id.into(),
                        first: index as u32,
                        count: 1,
                        after: Vec::new(),
                        origin: place(self.source, id_span),
                    });
                }
                Err(problem) => self.problems.push(*problem),
            }
            if self.problems.len() >= MAX_PROBLEMS {
                return;
            }
        }
        if !self.problems.is_empty() {
            return;
        }
        for (index, after) in depends.into_iter().enumerate() {
            for (name, span) in after {
                match ids.get(name) {
                    Some((other, _)) => self.assembly.items[index].after.push(*other),
                    None => {
                        let help = did_you_mean(name, ids.keys().copied())
                            .unwrap_or_else(|| "name the id of a transaction of this batch".into());
                        let message = format!("there is no transaction `{}`", quote(name));
                        self.problems.push(
                            Diagnostic::new(Code::AE0212, message)
                                .label(self.source, span, "unknown id")
                                .help(help),
                        );
                    }
                }
            }
        }
        for shape in rows {
            self.group(shape);
        }
    }

    fn group(&mut self, rows: ShapeRows) {
        let accounts: Vec<Column<AccountId>> = rows.accounts.into_iter().map(Column::Each).collect();
        let intent = self.assembly.intents[rows.intent].clone();
        let places = self.assembly.place_columns(&intent, &accounts);
        let values = rows
            .amounts
            .into_iter()
            .map(|column| ValueColumn::Whole(Column::Each(column)))
            .collect();
        self.assembly.groups.push(Group {
            intent: rows.intent as u32,
            rows: rows.names.len() as u32,
            names: Names::Each(rows.names),
            accounts,
            places,
            values,
            origin: Some((self.source, Column::Each(rows.spans))),
            call: None,
        });
    }

    /// Reads one transaction into the rows of its shape; gives its id and what it depends on.
    #[allow(clippy::type_complexity, reason = "id with place, and names with places")]
    fn transaction<'j>(
        &mut self,
        json: &'j Json,
        rows: &mut Vec<ShapeRows>,
    ) -> Result<(&'j str, Span, Vec<(&'j str, Span)>), Box<Diagnostic>> {
        let JsonKind::Object(entries) = &json.kind else {
            return Err(json::wrong(Code::AE0904, self.source, json, "a transaction is an object").into());
        };
        if let Some((key, value)) = entries.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            return Err(unknown_key(self.source, key, value, &KEYS).into());
        }
        let find = |name: &str| {
            entries
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
        };
        let (id, id_span) = match find("id").map(|value| (&value.kind, value.span)) {
            Some((JsonKind::Text(id), span)) if !id.is_empty() => (id.as_str(), span),
            _ => {
                return Err(Diagnostic::new(Code::AE0904, "a transaction needs an `id`")
                    .label(self.source, json.span, "none here")
                    .help("write {\"id\": \"pay_1\", ..}")
                    .into());
            }
        };
        let intent_name = match find("intent_name").map(|value| &value.kind) {
            Some(JsonKind::Text(name)) => name.as_str(),
            None => "transaction",
            Some(_) => {
                let at = find("intent_name").unwrap_or(json);
                return Err(json::wrong(Code::AE0904, self.source, at, "`intent_name` is a string").into());
            }
        };
        let parties = self.parties(find("accounts").unwrap_or(json))?;
        let (moves, amounts) = match find("operations") {
            Some(value) => self.operations(value, &parties)?,
            None => (Vec::new(), Vec::new()),
        };
        let conditions = self.texts(find("verify_conditions"))?;
        for value in self.list(find("oracle_proofs"))? {
            self.oracle(value)?;
        }
        let after = self.texts(find("depends_on"))?;
        let shape = Shape {
            name: intent_name.to_owned(),
            assets: parties.iter().map(|party| party.assets.clone()).collect(),
            moves,
            // Conditions speak of accounts by name, so a transaction with conditions has a shape of its own.
            conditions: if conditions.is_empty() {
                Vec::new()
            } else {
                let names = parties.iter().map(|party| party.name.to_owned());
                names
                    .chain(conditions.iter().map(|(text, _)| (*text).to_owned()))
                    .collect()
            },
        };
        let index = match self.shapes.get(&shape) {
            Some(index) => *index,
            None => {
                let names: Vec<&str> = parties.iter().map(|party| party.name).collect();
                let intent = build(
                    self.symbols,
                    self.assembly.tables,
                    &shape,
                    &names,
                    &conditions,
                    self.text,
                );
                self.assembly.intents.push(intent.map_err(Box::new)?);
                rows.push(ShapeRows {
                    intent: self.assembly.intents.len() - 1,
                    names: Vec::new(),
                    accounts: vec![Vec::new(); parties.len()],
                    amounts: vec![Vec::new(); amounts.len()],
                    spans: Vec::new(),
                });
                self.shapes.insert(shape, rows.len() - 1);
                rows.len() - 1
            }
        };
        let shape_rows = &mut rows[index];
        let row = shape_rows.names.len() as u32;
        shape_rows.names.push(id.into());
        shape_rows.spans.push(json.span);
        for (column, party) in shape_rows.accounts.iter_mut().zip(&parties) {
            column.push(party.id);
        }
        for (column, amount) in shape_rows.amounts.iter_mut().zip(amounts) {
            column.push(amount);
        }
        self.assembly.transactions.push(TransactionRef {
            group: index as u32,
            row,
        });
        Ok((id, id_span, after))
    }

    fn list<'j>(&self, json: Option<&'j Json>) -> Result<&'j [Json], Box<Diagnostic>> {
        match json.map(|value| (&value.kind, value)) {
            None => Ok(&[]),
            Some((JsonKind::Array(items), _)) => Ok(items),
            Some((_, value)) => Err(json::wrong(Code::AE0904, self.source, value, "expected a list").into()),
        }
    }

    fn texts<'j>(&self, json: Option<&'j Json>) -> Result<Vec<(&'j str, Span)>, Box<Diagnostic>> {
        let texts = self.list(json)?.iter().map(|item| match &item.kind {
            JsonKind::Text(text) => Ok((text.as_str(), item.span)),
            _ => Err(json::wrong(Code::AE0904, self.source, item, "expected a string").into()),
        });
        texts.collect()
    }

    /// The accounts of a transaction, in the order written, and their expected balances.
    fn parties<'j>(&mut self, json: &'j Json) -> Result<Vec<Party<'j>>, Box<Diagnostic>> {
        let JsonKind::Object(entries) = &json.kind else {
            return Err(json::wrong(
                Code::AE0904,
                self.source,
                json,
                "`accounts` is an object: name to balance",
            )
            .into());
        };
        let mut parties = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let account = AccountName::new(name)
                .map_err(|error| crate::symbols::bad_account_name(self.source, value.span, name, error))?;
            let id = self.assembly.tables.account(account);
            let JsonKind::Object(fields) = &value.kind else {
                let problem = json::wrong(Code::AE0904, self.source, value, "an account is an object");
                return Err(problem.help("write {\"balance\": \"1000.00\"}").into());
            };
            let mut assets = Vec::new();
            for (key, value) in fields {
                match (key.as_str(), &value.kind) {
                    ("balance", _) => {
                        if self.symbols.assets.len() > 1 {
                            let message = format!("which asset is the balance of `{}`?", quote(name));
                            return Err(Diagnostic::new(Code::AE0209, message)
                                .label(self.source, value.span, "the batch declares several assets")
                                .help("write {\"balances\": {\"USD\": \"..\"}}")
                                .into());
                        }
                        assets.push(0);
                        self.opening(id, 0, value)?;
                    }
                    ("balances", JsonKind::Object(list)) => {
                        for (asset, amount) in list {
                            let index = self.asset(asset, amount)?;
                            assets.push(index);
                            self.opening(id, index, amount)?;
                        }
                    }
                    (other, _) => {
                        return Err(unknown_key(self.source, other, value, &["balance", "balances"]).into());
                    }
                }
            }
            if assets.is_empty() && self.symbols.assets.len() == 1 {
                assets.push(0);
            }
            parties.push(Party { name, id, assets });
        }
        Ok(parties)
    }

    fn asset(&self, name: &str, at: &Json) -> Result<usize, Box<Diagnostic>> {
        self.symbols
            .assets
            .iter()
            .position(|asset| &*asset.name == name)
            .ok_or_else(|| {
                let help = did_you_mean(name, self.symbols.asset_names())
                    .unwrap_or_else(|| "declare it: {\"assets\": {\"USD\": 2}, ..}".into());
                Diagnostic::new(Code::AE0203, format!("asset `{}` is not declared", quote(name)))
                    .label(self.source, at.span, "in this asset")
                    .help(help)
                    .into()
            })
    }

    fn amount(&mut self, asset: usize, json: &Json) -> Result<i128, Box<Diagnostic>> {
        let text = json::number_text(self.source, json, Code::AE0904)?;
        let asset = self.assembly.tables.asset(&self.symbols.assets[asset]);
        match value::from_text(self.assembly.tables, text, Type::Amount(asset)) {
            Ok(Scalar::Whole(amount)) => Ok(amount),
            Ok(_) => Ok(0),
            Err(expected) => Err(Diagnostic::new(
                Code::AE0309,
                format!("`{}` is not an amount", quote(text)),
            )
            .label(self.source, json.span, expected)
            .into()),
        }
    }

    /// Records the expected balance of an account; two transactions must not expect different ones.
    fn opening(&mut self, account: AccountId, asset: usize, json: &Json) -> Result<(), Box<Diagnostic>> {
        let amount = self.amount(asset, json)?;
        let asset = self.assembly.tables.asset(&self.symbols.assets[asset]);
        let field = self.assembly.tables.field(Field::Balance(asset));
        let id = self.assembly.tables.place(account, field);
        let at = place(self.source, json.span);
        match self.opened.get(&id).and_then(|index| self.openings.get(*index)) {
            None => {
                self.opened.insert(id, self.openings.len());
                self.openings.push(Opening {
                    place: id,
                    amount,
                    at,
                });
                Ok(())
            }
            Some(first) if first.amount == amount => Ok(()),
            Some(first) => {
                let name = &self.assembly.tables.accounts[account.0 as usize];
                let message = format!("two balances are given for `{name}`");
                let mut diagnostic =
                    Diagnostic::new(Code::AE0306, message).label(self.source, json.span, "second");
                if let Some((source, span)) = first.at {
                    diagnostic = diagnostic.label(source, span, "first");
                }
                Err(diagnostic
                    .help("each is the balance before the whole batch; they must agree")
                    .into())
            }
        }
    }

    /// The operations of a transaction as moves between its accounts, and their amounts.
    fn operations(
        &mut self,
        json: &Json,
        parties: &[Party<'_>],
    ) -> Result<(Vec<Move>, Vec<i128>), Box<Diagnostic>> {
        let (mut moves, mut amounts) = (Vec::new(), Vec::new());
        for operation in self.list(Some(json))? {
            let JsonKind::Object(entries) = &operation.kind else {
                return Err(
                    json::wrong(Code::AE0307, self.source, operation, "an operation is an object").into(),
                );
            };
            let find = |name: &str| {
                entries
                    .iter()
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value)
            };
            let kind = match find("type").map(|value| &value.kind) {
                Some(JsonKind::Text(kind)) => kind.as_str(),
                _ => {
                    return Err(Diagnostic::new(Code::AE0307, "an operation needs a `type`")
                        .label(self.source, operation.span, "none here")
                        .help("the types are debit, credit, transfer and swap")
                        .into());
                }
            };
            let allowed: &[&str] = match kind {
                "debit" | "credit" => &["type", "account", "amount", "asset"],
                "transfer" => &["type", "from", "to", "amount", "asset"],
                "swap" => &["type", "amount"],
                other => {
                    let known = ["debit", "credit", "transfer", "swap"];
                    let help = did_you_mean(other, known)
                        .unwrap_or_else(|| "the types are debit, credit, transfer and swap".into());
                    return Err(Diagnostic::new(
                        Code::AE0307,
                        format!("unknown operation `{}`", quote(other)),
                    )
                    .label(self.source, operation.span, "in this operation")
                    .help(help)
                    .into());
                }
            };
            if let Some((key, value)) = entries.iter().find(|(key, _)| !allowed.contains(&key.as_str())) {
                return Err(unknown_key(self.source, key, value, allowed).into());
            }
            let amount_json = find("amount").ok_or_else(|| {
                Diagnostic::new(Code::AE0307, format!("`{kind}` needs an `amount`")).label(
                    self.source,
                    operation.span,
                    "none here",
                )
            })?;
            let asset = match find("asset").map(|value| (&value.kind, value)) {
                Some((JsonKind::Text(name), value)) => Some(self.asset(name, value)?),
                Some((_, value)) => {
                    return Err(json::wrong(Code::AE0307, self.source, value, "an asset is a string").into());
                }
                None => None,
            };
            let party = |key: &str| self.party(operation, kind, find(key), key, parties);
            let own = |index: usize| self.only_asset(&parties[index], asset, operation);
            let steps: Vec<(usize, bool, usize)> = match kind {
                "debit" | "credit" => {
                    let account = party("account")?;
                    vec![(account, kind == "credit", own(account)?)]
                }
                "transfer" => {
                    let (from, to) = (party("from")?, party("to")?);
                    if from == to {
                        return Err(
                            Diagnostic::new(Code::AE0307, "a transfer needs two different accounts")
                                .label(self.source, operation.span, "from and to are the same")
                                .help("remove the operation")
                                .into(),
                        );
                    }
                    let asset = own(from)?;
                    vec![(from, false, asset), (to, true, asset)]
                }
                _ => {
                    if parties.len() != 2 {
                        let message =
                            format!("`swap` needs exactly two accounts, here are {}", parties.len());
                        return Err(Diagnostic::new(Code::AE0307, message)
                            .label(self.source, operation.span, "this swap")
                            .help("use `transfer` with `from` and `to`")
                            .into());
                    }
                    let (first, second) = (own(0)?, own(1)?);
                    let mut steps = vec![(0, false, first), (1, true, first)];
                    if first != second {
                        steps.extend([(1, false, second), (0, true, second)]);
                    }
                    steps
                }
            };
            let mut previous: Option<usize> = None;
            for (party, credit, asset) in steps {
                // Both sides of a move share one amount; another asset reads the same number in its own scale.
                let amount = match previous {
                    Some(index) if moves.last().is_some_and(|m: &Move| m.asset == asset) => index,
                    _ => {
                        let amount = self.amount(asset, amount_json)?;
                        if amount < 0 {
                            return Err(Diagnostic::new(
                                Code::AE0307,
                                format!("the amount of `{kind}` is negative"),
                            )
                            .label(self.source, amount_json.span, "below zero")
                            .help("swap the accounts, or use the opposite operation")
                            .into());
                        }
                        amounts.push(amount);
                        amounts.len() - 1
                    }
                };
                previous = Some(amount);
                moves.push(Move {
                    party,
                    credit,
                    asset,
                    amount,
                });
            }
        }
        Ok((moves, amounts))
    }

    fn party(
        &self,
        operation: &Json,
        kind: &str,
        json: Option<&Json>,
        key: &str,
        parties: &[Party<'_>],
    ) -> Result<usize, Box<Diagnostic>> {
        let Some(Json {
            kind: JsonKind::Text(name),
            span,
        }) = json
        else {
            return Err(
                Diagnostic::new(Code::AE0307, format!("`{kind}` needs `{key}`, an account name"))
                    .label(self.source, operation.span, "in this operation")
                    .into(),
            );
        };
        parties
            .iter()
            .position(|party| party.name == name)
            .ok_or_else(|| {
                let help = did_you_mean(name, parties.iter().map(|party| party.name))
                    .unwrap_or_else(|| "list it in `accounts` of this transaction".into());
                Diagnostic::new(
                    Code::AE0307,
                    format!("`{}` is not among the transaction's accounts", quote(name)),
                )
                .label(self.source, *span, "unknown account")
                .help(help)
                .into()
            })
    }

    /// The asset an operation moves: the one it names, else the account's only one.
    fn only_asset(
        &self,
        party: &Party<'_>,
        named: Option<usize>,
        operation: &Json,
    ) -> Result<usize, Box<Diagnostic>> {
        match (named, party.assets.as_slice()) {
            (Some(asset), _) => Ok(asset),
            (None, [asset]) => Ok(*asset),
            (None, _) => Err(Diagnostic::new(
                Code::AE0209,
                format!("which asset of `{}` does this operation move?", quote(party.name)),
            )
            .label(self.source, operation.span, "several are possible")
            .help("name it: \"asset\": \"USD\"")
            .into()),
        }
    }

    fn oracle(&mut self, json: &Json) -> Result<(), Box<Diagnostic>> {
        let input: OracleInput = oracle(self.source, json, Code::AE0904)?;
        self.oracles.push(OracleUse {
            feed: input.feed.clone(),
            asset: String::new(),
            scale: String::new(),
            at: input.at,
            proof: Some(input),
        });
        Ok(())
    }
}
