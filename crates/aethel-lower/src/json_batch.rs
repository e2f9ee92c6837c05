//! Batches given as JSON transaction lists: `debit`, `credit`, `transfer`, `swap`.
//!
//! Takes the text of a batch file, gives a [`LoweredBatch`]. Transactions that do the same things to accounts in the
//! same order share one compiled intent (a shape); accounts and amounts are columns.

use crate::inputs::{Inputs, OracleInput, oracle};
use crate::json::{self, Json, JsonKind};
use crate::json_header::{header, unknown_key};
use crate::json_intent::{Shape, build};
use crate::lowered::{Assembly, LoweredBatch, Opening, OracleUse, place};
use crate::problems::{MAX_SUGGESTED, Problems};
use crate::program::index32;
use crate::symbols::Symbols;
use crate::tables::Tables;
use aethel_ir::batch::BatchItem;
use aethel_ir::{
    AccountId, Code, Column, Diagnostic, Group, Names, PlaceId, SourceId, Span, TransactionRef, ValueColumn,
    did_you_mean, quote,
};
use std::collections::{HashMap, HashSet};
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
        proofs: HashSet::new(),
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
    let mut diagnostics = Problems::default();
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

/// The rows of one shape.
struct ShapeRows {
    intent: usize,
    names: Vec<Arc<str>>,
    accounts: Vec<Vec<AccountId>>,
    amounts: Vec<Vec<i128>>,
    spans: Vec<Span>,
}

pub(crate) struct JsonBatch<'s, 't> {
    pub(crate) source: SourceId,
    text: &'s str,
    pub(crate) symbols: &'s Symbols<'static>,
    pub(crate) assembly: Assembly<'t>,
    problems: Vec<Diagnostic>,
    shapes: HashMap<Shape, usize>,
    pub(crate) openings: Vec<Opening>,
    pub(crate) opened: HashMap<PlaceId, usize>,
    oracles: Vec<OracleUse>,
    /// What `oracles` holds.
    proofs: HashSet<([String; 4], i64)>,
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
                    if let Some((_, first)) = ids.insert(id, (index32(index), id_span)) {
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
                        first: index32(index),
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
            let mut seen = HashSet::new();
            for (name, span) in after {
                match ids.get(name) {
                    Some((other, _)) => {
                        if seen.insert(*other) {
                            self.assembly.items[index].after.push(*other);
                        }
                    }
                    None => {
                        let help = Some(name)
                            .filter(|_| self.problems.len() < MAX_SUGGESTED)
                            .and_then(|name| did_you_mean(name, ids.keys().copied()))
                            .unwrap_or_else(|| "name the id of a transaction of this batch".into());
                        let message = format!("there is no transaction `{}`", quote(name));
                        self.problems.push(
                            Diagnostic::new(Code::AE0212, message)
                                .label(self.source, span, "unknown id")
                                .help(help),
                        );
                        if self.problems.len() >= MAX_PROBLEMS {
                            return;
                        }
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
            .map(|column| ValueColumn::Whole(column.into()))
            .collect();
        self.assembly.groups.push(Group {
            intent: index32(rows.intent),
            rows: index32(rows.names.len()),
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
        let row = index32(shape_rows.names.len());
        shape_rows.names.push(id.into());
        shape_rows.spans.push(json.span);
        for (column, party) in shape_rows.accounts.iter_mut().zip(&parties) {
            column.push(party.id);
        }
        for (column, amount) in shape_rows.amounts.iter_mut().zip(amounts) {
            column.push(amount);
        }
        self.assembly.transactions.push(TransactionRef {
            group: index32(index),
            row,
        });
        Ok((id, id_span, after))
    }

    pub(crate) fn list<'j>(&self, json: Option<&'j Json>) -> Result<&'j [Json], Box<Diagnostic>> {
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

    fn oracle(&mut self, json: &Json) -> Result<(), Box<Diagnostic>> {
        let input: OracleInput = oracle(self.source, json, Code::AE0904)?;
        // Several transactions may bring the same proof.
        let OracleInput {
            feed,
            value,
            key_id,
            signature,
            ..
        } = &input;
        let key = [feed, value, key_id, signature].map(String::clone);
        if !self.proofs.insert((key, input.timestamp)) {
            return Ok(());
        }
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
