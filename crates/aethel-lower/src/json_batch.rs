//! Batches given as JSON transaction lists: `debit`, `credit`, `transfer`, `swap`.
//!
//! Takes the text of a batch file, gives a [`LoweredBatch`]. Transactions that do the same things to accounts in the
//! same order share one compiled intent (a shape); accounts and amounts are columns.

use crate::inputs::{Inputs, MAX_PROBLEMS, OracleInput, oracle};
use crate::json::{self, Json, JsonKind};
use crate::json_accounts::Party;
use crate::json_header::header;
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
    // Without inputs there is nothing to be wrong with.
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

/// A batch while its transactions are read.
pub(crate) struct JsonBatch<'s, 't> {
    pub(crate) source: SourceId,
    text: &'s str,
    pub(crate) symbols: &'s Symbols<'static>,
    pub(crate) assembly: Assembly<'t>,
    problems: Vec<Diagnostic>,
    shapes: HashMap<Shape, usize>,
    pub(crate) openings: Vec<Opening>,
    /// The index of the opening of each place.
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

/// A text of the file and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Written<'j> {
    pub(crate) text: &'j str,
    pub(crate) span: Span,
}

/// A transaction that was read: its id, and the ids that it names in `depends_on`.
struct Dependent<'j> {
    id: Written<'j>,
    after: Vec<Written<'j>>,
}

/// The value of a key.
pub(crate) fn field<'j>(entries: &'j [(String, Json)], name: &str) -> Option<&'j Json> {
    entries
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

impl JsonBatch<'_, '_> {
    fn transactions(&mut self, items: &[Json]) {
        let mut rows: Vec<ShapeRows> = Vec::new();
        let mut ids: HashMap<&str, (u32, Span)> = HashMap::new();
        let mut depends = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match self.transaction(item, &mut rows) {
                Ok(Dependent { id, after }) => {
                    if let Some((_, first)) = ids.insert(id.text, (index32(index), id.span)) {
                        let message = format!("two transactions are called `{}`", quote(id.text));
                        self.problems.push(
                            Diagnostic::new(Code::AE0202, message)
                                .label(self.source, id.span, "second")
                                .label(self.source, first, "first")
                                .help("give each transaction its own id"),
                        );
                    }
                    depends.push(after);
                    self.assembly.items.push(BatchItem {
                        name: id.text.into(),
                        first: index32(index),
                        count: 1,
                        after: Vec::new(),
                        origin: place(self.source, id.span),
                    });
                }
                Err(problem) => self.problems.push(*problem),
            }
            if self.problems.len() >= MAX_PROBLEMS {
                return;
            }
        }
        if self.problems.is_empty() {
            self.order(&ids, depends);
            for shape in rows {
                self.group(shape);
            }
        }
    }

    /// Looks up what transactions depend on.
    fn order(&mut self, ids: &HashMap<&str, (u32, Span)>, depends: Vec<Vec<Written<'_>>>) {
        for (index, after) in depends.into_iter().enumerate() {
            let mut seen = HashSet::new();
            for name in after {
                if let Some((other, _)) = ids.get(name.text) {
                    if seen.insert(*other) {
                        self.assembly.items[index].after.push(*other);
                    }
                    continue;
                }
                let help = Some(name.text)
                    .filter(|_| self.problems.len() < MAX_SUGGESTED)
                    .and_then(|name| did_you_mean(name, ids.keys().copied()))
                    .unwrap_or_else(|| "name the id of a transaction of this batch".into());
                let message = format!("there is no transaction `{}`", quote(name.text));
                self.problems.push(
                    Diagnostic::new(Code::AE0212, message)
                        .label(self.source, name.span, "unknown id")
                        .help(help),
                );
                if self.problems.len() >= MAX_PROBLEMS {
                    return;
                }
            }
        }
    }

    fn group(&mut self, rows: ShapeRows) {
        let accounts: Vec<Column<AccountId>> = rows.accounts.into_iter().map(Column::Each).collect();
        let intent = &self.assembly.intents[rows.intent];
        let places = self.assembly.tables.place_columns(&intent.places, &accounts);
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

    /// Reads one transaction into the rows of its shape.
    fn transaction<'j>(
        &mut self,
        json: &'j Json,
        rows: &mut Vec<ShapeRows>,
    ) -> Result<Dependent<'j>, Box<Diagnostic>> {
        let JsonKind::Object(entries) = &json.kind else {
            return Err(json::wrong(Code::AE0904, self.source, json, "a transaction is an object").into());
        };
        if let Some((key, value)) = entries.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            return Err(json::unknown_key(Code::AE0904, self.source, key, value, &KEYS).into());
        }
        let find = |name| field(entries, name);
        let id = self.id(json, find("id"))?;
        let intent_name = match find("intent_name") {
            None => "transaction",
            Some(value) => match &value.kind {
                JsonKind::Text(name) => name,
                _ => {
                    let problem = json::wrong(Code::AE0904, self.source, value, "`intent_name` is a string");
                    return Err(problem.into());
                }
            },
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
        let shape = Shape::new(intent_name, &parties, moves, &conditions);
        let index = self.shape(shape, &parties, amounts.len(), &conditions, rows)?;
        let shape_rows = &mut rows[index];
        self.assembly.transactions.push(TransactionRef {
            group: index32(index),
            row: index32(shape_rows.names.len()),
        });
        shape_rows.names.push(id.text.into());
        shape_rows.spans.push(json.span);
        for (column, party) in shape_rows.accounts.iter_mut().zip(&parties) {
            column.push(party.id);
        }
        for (column, amount) in shape_rows.amounts.iter_mut().zip(amounts) {
            column.push(amount);
        }
        Ok(Dependent { id, after })
    }

    fn id<'j>(&self, transaction: &Json, id: Option<&'j Json>) -> Result<Written<'j>, Box<Diagnostic>> {
        match id.map(|value| (&value.kind, value.span)) {
            Some((JsonKind::Text(text), span)) if !text.is_empty() => Ok(Written { text, span }),
            _ => Err(Diagnostic::new(Code::AE0904, "a transaction needs an `id`")
                .label(self.source, transaction.span, "none here")
                .help("write {\"id\": \"pay_1\", ..}")
                .into()),
        }
    }

    /// The index of a shape's rows; a shape that is new is compiled.
    fn shape(
        &mut self,
        shape: Shape,
        parties: &[Party<'_>],
        amounts: usize,
        conditions: &[Written<'_>],
        rows: &mut Vec<ShapeRows>,
    ) -> Result<usize, Box<Diagnostic>> {
        if let Some(index) = self.shapes.get(&shape) {
            return Ok(*index);
        }
        let names: Vec<&str> = parties.iter().map(|party| party.name).collect();
        let intent = build(
            self.symbols,
            self.assembly.tables,
            &shape,
            &names,
            conditions,
            self.text,
        );
        self.assembly.intents.push(intent.map_err(Box::new)?);
        rows.push(ShapeRows {
            intent: self.assembly.intents.len() - 1,
            names: Vec::new(),
            accounts: vec![Vec::new(); parties.len()],
            amounts: vec![Vec::new(); amounts],
            spans: Vec::new(),
        });
        self.shapes.insert(shape, rows.len() - 1);
        Ok(rows.len() - 1)
    }

    /// The items of a list; none when there is no list.
    pub(crate) fn list<'j>(&self, json: Option<&'j Json>) -> Result<&'j [Json], Box<Diagnostic>> {
        match json.map(|value| (&value.kind, value)) {
            None => Ok(&[]),
            Some((JsonKind::Array(items), _)) => Ok(items),
            Some((_, value)) => Err(json::wrong(Code::AE0904, self.source, value, "expected a list").into()),
        }
    }

    /// The strings of a list.
    fn texts<'j>(&self, json: Option<&'j Json>) -> Result<Vec<Written<'j>>, Box<Diagnostic>> {
        let texts = self.list(json)?.iter().map(|item| match &item.kind {
            JsonKind::Text(text) => Ok(Written {
                text,
                span: item.span,
            }),
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
