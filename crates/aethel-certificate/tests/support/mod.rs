//! Batches built by hand, without the language: one small builder for the tests of several crates.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use aethel_ir::intent::{AccountParameter, BinaryOp, Node, UnaryOp, ValueParameter};
use aethel_ir::{
    AccountId, AccountName, Asset, AssetId, Batch, BatchItem, Column, Condition, Effect, Expr, ExprId, Field,
    FieldId, Group, Intent, Names, Place, PlaceId, Rational, RoundMode, Slot, SourceId, SourceMap, Span,
    TransactionRef, Type, ValueColumn,
};

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Guarded transfer from a to b.
    Pay,
    /// Transfer without a guard.
    Move,
    /// `b.n == a.n * 2 + b.n + amount`: does not commute with anything.
    Mix,
    /// `a.n == a.n + 1`.
    Count,
    /// `a.n == amount`, without looking.
    Set,
    /// Guard `a.balance >= amount`, writes nothing.
    Look,
    /// Guard `!a.flag`, then `a.flag == true`.
    Claim,
    /// Value from nothing.
    Bonus,
    /// A third of the amount, which is rarely whole.
    Third,
    /// Guard divides by the amount.
    Divide,
    /// A transfer with a postcondition `b.balance <= 1000`.
    Capped,
    /// Takes 5 %, rounded, from a, guarded by more than half of the amount: adds, but is no sum.
    Fee,
    /// Takes from a, guarded by what a and b hold together: twice the amount, so that a alone need not do.
    Pair,
    /// Moves all of a to b.
    Sweep,
    /// Adds what a holds to b, and leaves a alone.
    Mirror,
    /// Sets a to the amount, without looking.
    Reset,
    /// Adds the amount to a, guarded by more than that.
    Deposit,
}

pub mod columns;

const BALANCE: FieldId = FieldId(0);
const NUMBER: FieldId = FieldId(1);
const FLAG: FieldId = FieldId(2);
const USD: Type = Type::Amount(AssetId(0));

pub struct Build {
    pub batch: Batch,
    pub sources: SourceMap,
    kinds: Vec<(Kind, u32)>,
    names: std::collections::HashMap<String, u32>,
}

struct Text<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl Text<'_> {
    fn span(&self, part: &str) -> Span {
        let start = self
            .text
            .find(part)
            .unwrap_or_else(|| panic!("no `{part}` in {}", self.text));
        Span::new(start, start + part.len())
    }
    fn push(&mut self, expr: Expr, ty: Type, part: &str) -> ExprId {
        let span = self.span(part);
        self.nodes.push(Node { expr, span, ty });
        ExprId(self.nodes.len() as u32 - 1)
    }
    fn before(&mut self, slot: u16, ty: Type, part: &str) -> ExprId {
        self.push(Expr::Before(Slot(slot)), ty, part)
    }
    fn after(&mut self, slot: u16, ty: Type, part: &str) -> ExprId {
        self.push(Expr::After(Slot(slot)), ty, part)
    }
    fn value(&mut self, n: u16, part: &str) -> ExprId {
        let id = self.push(Expr::Value(n), USD, part);
        let span = &mut self.nodes[id.0 as usize].span;
        span.end = span.start + "amount".len() as u32;
        id
    }
    fn number(&mut self, n: i128, ty: Type, part: &str) -> ExprId {
        self.push(Expr::Number(Rational::Int(n)), ty, part)
    }
    fn op(&mut self, op: BinaryOp, a: ExprId, b: ExprId, ty: Type, part: &str) -> ExprId {
        self.push(Expr::Binary(op, a, b), ty, part)
    }
}

fn condition(expr: ExprId) -> Condition {
    Condition {
        expr,
        if_bounded: None,
    }
}

impl Build {
    /// A batch in USD with scale 2; accounts also carry a number `n` and a truth value `flag`.
    pub fn new(name: &str) -> Self {
        let batch = Batch {
            name: name.into(),
            assets: vec![Asset {
                name: "USD".into(),
                scale: 2,
            }],
            fields: vec![
                Field::Balance(AssetId(0)),
                Field::Integer("n".into()),
                Field::Bool("flag".into()),
            ],
            accounts: vec![],
            unbounded: vec![],
            places: vec![],
            intents: vec![],
            groups: vec![],
            transactions: vec![],
            items: vec![],
        };
        Self {
            batch,
            sources: SourceMap::default(),
            kinds: vec![],
            names: Default::default(),
        }
    }

    pub fn account(&mut self, name: &str) -> AccountId {
        let index = match self.names.get(name) {
            Some(index) => *index,
            None => {
                self.batch.accounts.push(AccountName::new(name).unwrap());
                self.batch.unbounded.push(name.starts_with("world"));
                let index = self.batch.accounts.len() as u32 - 1;
                self.names.insert(name.to_owned(), index);
                index
            }
        };
        AccountId(index)
    }

    /// The place of an account's balance, if the batch touches it.
    pub fn balance(&self, name: &str) -> PlaceId {
        self.find(name, BALANCE)
    }

    pub fn find(&self, name: &str, field: FieldId) -> PlaceId {
        let account = self
            .batch
            .accounts
            .iter()
            .position(|a| a.as_str() == name)
            .unwrap();
        let wanted = (AccountId(account as u32), field);
        PlaceId(self.batch.places.iter().position(|p| *p == wanted).unwrap() as u32)
    }

    pub fn intent(&mut self, kind: Kind) -> u32 {
        if let Some((_, index)) = self.kinds.iter().find(|(k, _)| *k == kind) {
            return *index;
        }
        let text = source(kind);
        let source = self.sources.add(format!("{kind:?}.ae").to_lowercase(), text);
        let intent = build_intent(kind, text, source);
        self.batch.intents.push(intent);
        let index = self.batch.intents.len() as u32 - 1;
        self.kinds.push((kind, index));
        index
    }

    /// An item with one transaction per row `(a, b, amount)`; returns its index.
    pub fn rows(&mut self, kind: Kind, rows: &[(&str, &str, i128)]) -> u32 {
        let rows: Vec<(AccountId, AccountId, i128)> = rows
            .iter()
            .map(|(a, b, amount)| (self.account(a), self.account(b), *amount))
            .collect();
        self.id_rows(kind, &rows)
    }

    pub fn id_rows(&mut self, kind: Kind, rows: &[(AccountId, AccountId, i128)]) -> u32 {
        let known: std::collections::HashMap<(AccountId, FieldId), PlaceId> = self
            .batch
            .places
            .iter()
            .enumerate()
            .map(|(i, p)| (*p, PlaceId(i as u32)))
            .collect();
        let mut known = known;
        let intent_index = self.intent(kind);
        let intent = self.batch.intents[intent_index as usize].clone();
        let columns: Vec<Vec<AccountId>> = (0..intent.accounts.len())
            .map(|n| {
                rows.iter()
                    .map(|row| if n == 0 { row.0 } else { row.1 })
                    .collect()
            })
            .collect();
        let mut places = Vec::new();
        for place in &intent.places {
            let column: Vec<PlaceId> = columns[usize::from(place.account)]
                .iter()
                .map(|account| {
                    *known.entry((*account, place.field)).or_insert_with(|| {
                        self.batch.places.push((*account, place.field));
                        PlaceId(self.batch.places.len() as u32 - 1)
                    })
                })
                .collect();
            places.push(shrink(column));
        }
        let values = intent
            .values
            .iter()
            .map(|_| ValueColumn::Whole(shrink(rows.iter().map(|row| row.2).collect()).into()))
            .collect();
        let group = self.batch.groups.len() as u32;
        let first = self.batch.transactions.len() as u32;
        let name = format!("{}{}", intent.name, group);
        let names = match rows.len() {
            1 => Names::One(name.as_str().into()),
            _ => Names::Rows(intent.name.clone()),
        };
        let csv: String = rows
            .iter()
            .map(|row| format!("{},{}\n", row.1.0, row.2))
            .collect();
        let mut start = 0;
        let spans = csv
            .lines()
            .map(|line| {
                let span = Span::new(start, start + line.len());
                start += line.len() + 1;
                span
            })
            .collect();
        let source = self.sources.add(format!("rows{group}.csv"), csv.clone());
        self.batch.groups.push(Group {
            intent: intent_index,
            rows: rows.len() as u32,
            names,
            accounts: columns.into_iter().map(shrink).collect(),
            places,
            values,
            origin: Some((source, shrink(spans))),
            call: None,
        });
        for row in 0..rows.len() as u32 {
            self.batch.transactions.push(TransactionRef { group, row });
        }
        self.batch.items.push(BatchItem {
            name: name.as_str().into(),
            first,
            count: rows.len() as u32,
            after: vec![],
            origin: Some((SourceId(0), Span::new(0, 6))),
        });
        self.batch.items.len() as u32 - 1
    }

    pub fn one(&mut self, kind: Kind, a: &str, b: &str, amount: i128) -> u32 {
        self.rows(kind, &[(a, b, amount)])
    }

    pub fn after(&mut self, item: u32, before: u32) {
        self.batch.items[item as usize].after.push(before);
    }

    /// The value of every place: balances as given, else `other`; fields 0.
    pub fn snapshot(&self, other: i128, given: &[(&str, i128)]) -> Vec<i128> {
        let value = |(account, field): &(AccountId, FieldId)| {
            if *field != BALANCE {
                return 0;
            }
            let name = self.batch.accounts[account.0 as usize].as_str();
            given.iter().find(|(n, _)| *n == name).map_or(other, |(_, v)| *v)
        };
        self.batch.places.iter().map(value).collect()
    }
}

fn shrink<T: Clone + PartialEq>(values: Vec<T>) -> Column<T> {
    if values.len() == 1 {
        Column::Same(values[0].clone())
    } else {
        Column::Each(values)
    }
}

fn source(kind: Kind) -> &'static str {
    match kind {
        Kind::Pay => {
            "intent pay(a: Account, b: Account, amount: Balance) { guard { a.balance >= amount; amount > 0; } verify { a.balance == a.balance - amount; b.balance == b.balance + amount; } }"
        }
        Kind::Move => {
            "intent move(a: Account, b: Account, amount: Balance) { verify { a.balance == a.balance - amount; b.balance == b.balance + amount; } }"
        }
        Kind::Mix => {
            "intent mix(a: Account, b: Account, amount: Integer) { verify { b.n == (a.n * 2 + b.n + amount) % 1000007; } }"
        }
        Kind::Count => "intent count(a: Account) { verify { a.n == a.n + 1; } }",
        Kind::Set => "intent set(a: Account, b: Account, amount: Integer) { verify { a.n == amount; } }",
        Kind::Look => {
            "intent look(a: Account, b: Account, amount: Balance) { guard { a.balance >= amount; } }"
        }
        Kind::Claim => "intent claim(a: Account) { guard { !a.flag; } verify { a.flag == true; } }",
        Kind::Bonus => {
            "intent bonus(a: Account, b: Account, amount: Balance) { verify { b.balance == b.balance + amount; } }"
        }
        Kind::Third => {
            "intent third(a: Account, b: Account, amount: Balance) { verify { a.balance == a.balance - amount / 3; b.balance == b.balance + amount / 3; } }"
        }
        Kind::Divide => {
            "intent divide(a: Account, b: Account, amount: Balance) { guard { a.balance / amount > 0; } }"
        }
        Kind::Fee => {
            "intent fee(a: Account, b: Account, amount: Balance) { guard { 2 * a.balance > amount; } verify { a.balance == a.balance - round(amount * 0.05); } }"
        }
        Kind::Pair => {
            "intent pair(a: Account, b: Account, amount: Balance) { guard { 2 * amount <= a.balance + b.balance; } verify { a.balance == a.balance - amount; } }"
        }
        Kind::Sweep => {
            "intent sweep(a: Account, b: Account, amount: Balance) { verify { a.balance == a.balance - a.balance; b.balance == b.balance + a.balance; } }"
        }
        Kind::Mirror => {
            "intent mirror(a: Account, b: Account, amount: Balance) { verify { b.balance == b.balance + a.balance; } }"
        }
        Kind::Reset => {
            "intent reset(a: Account, b: Account, amount: Balance) { verify { a.balance == amount; } }"
        }
        Kind::Deposit => {
            "intent deposit(a: Account, b: Account, amount: Balance) { guard { a.balance > amount; } verify { a.balance == a.balance + amount; } }"
        }
        Kind::Capped => {
            "intent capped(a: Account, b: Account, amount: Balance) { verify { a.balance == a.balance - amount; b.balance == b.balance + amount; b.balance <= 1000.00; } }"
        }
    }
}

fn build_intent(kind: Kind, text: &'static str, source: SourceId) -> Intent {
    let mut t = Text { text, nodes: vec![] };
    let one_account = matches!(kind, Kind::Count | Kind::Claim);
    let (mut guard, mut effects, mut postconditions) = (vec![], vec![], vec![]);
    let places;
    let place = |account, field| Place { account, field };
    match kind {
        Kind::Pay | Kind::Move | Kind::Third | Kind::Capped => {
            places = vec![place(0, BALANCE), place(1, BALANCE)];
            if kind == Kind::Pay {
                let l = t.before(0, USD, "a.balance");
                let r = t.value(0, "amount;");
                let c = t.op(BinaryOp::GreaterEqual, l, r, Type::Bool, "a.balance >= amount");
                let l = t.value(0, "amount > 0");
                let r = t.number(0, USD, "0");
                let d = t.op(BinaryOp::Greater, l, r, Type::Bool, "amount > 0");
                guard = vec![condition(c), condition(d)];
            }
            let parts = match kind {
                Kind::Third => [
                    "a.balance == a.balance - amount / 3",
                    "b.balance == b.balance + amount / 3",
                ],
                _ => [
                    "a.balance == a.balance - amount",
                    "b.balance == b.balance + amount",
                ],
            };
            for (slot, op, part) in [(0, BinaryOp::Subtract, parts[0]), (1, BinaryOp::Add, parts[1])] {
                let old = t.before(slot, USD, part);
                let mut amount = t.value(0, "amount");
                if kind == Kind::Third {
                    let three = t.number(3, Type::Number, "3");
                    amount = t.op(BinaryOp::Divide, amount, three, USD, "amount / 3");
                }
                let value = t.op(op, old, amount, USD, part);
                effects.push(Effect {
                    slot: Slot(slot),
                    value,
                    span: t.span(part),
                });
            }
            if kind == Kind::Capped {
                let l = t.after(1, USD, "b.balance <=");
                let r = t.number(100_000, USD, "1000.00");
                let c = t.op(BinaryOp::LessEqual, l, r, Type::Bool, "b.balance <= 1000.00");
                postconditions.push(condition(c));
            }
        }
        Kind::Mix => {
            places = vec![place(0, NUMBER), place(1, NUMBER)];
            let part = "b.n == (a.n * 2 + b.n + amount) % 1000007";
            let a = t.before(0, Type::Integer, "a.n");
            let two = t.number(2, Type::Integer, "2");
            let double = t.op(BinaryOp::Multiply, a, two, Type::Integer, "a.n * 2");
            let b = t.before(1, Type::Integer, "b.n");
            let sum = t.op(BinaryOp::Add, double, b, Type::Integer, "a.n * 2 + b.n");
            let amount = t.value(0, "amount)");
            let sum = t.op(
                BinaryOp::Add,
                sum,
                amount,
                Type::Integer,
                "a.n * 2 + b.n + amount",
            );
            let prime = t.number(1_000_007, Type::Integer, "1000007");
            let value = t.op(BinaryOp::Remainder, sum, prime, Type::Integer, part);
            effects.push(Effect {
                slot: Slot(1),
                value,
                span: t.span(part),
            });
        }
        Kind::Count => {
            places = vec![place(0, NUMBER)];
            let a = t.before(0, Type::Integer, "a.n + 1");
            let one = t.number(1, Type::Integer, "1");
            let value = t.op(BinaryOp::Add, a, one, Type::Integer, "a.n + 1");
            effects.push(Effect {
                slot: Slot(0),
                value,
                span: t.span("a.n == a.n + 1"),
            });
        }
        Kind::Set => {
            places = vec![place(0, NUMBER)];
            let value = t.value(0, "amount;");
            effects.push(Effect {
                slot: Slot(0),
                value,
                span: t.span("a.n == amount"),
            });
        }
        Kind::Look => {
            places = vec![place(0, BALANCE)];
            let l = t.before(0, USD, "a.balance");
            let r = t.value(0, "amount;");
            let c = t.op(BinaryOp::GreaterEqual, l, r, Type::Bool, "a.balance >= amount");
            guard.push(condition(c));
        }
        Kind::Claim => {
            places = vec![place(0, FLAG)];
            let flag = t.before(0, Type::Bool, "a.flag");
            let not = t.push(Expr::Unary(UnaryOp::Not, flag), Type::Bool, "!a.flag");
            guard.push(condition(not));
            let value = t.push(Expr::Bool(true), Type::Bool, "true");
            effects.push(Effect {
                slot: Slot(0),
                value,
                span: t.span("a.flag == true"),
            });
        }
        Kind::Bonus => {
            places = vec![place(1, BALANCE)];
            let old = t.before(0, USD, "b.balance + amount");
            let amount = t.value(0, "amount;");
            let value = t.op(BinaryOp::Add, old, amount, USD, "b.balance + amount");
            effects.push(Effect {
                slot: Slot(0),
                value,
                span: t.span("b.balance == b.balance + amount"),
            });
        }
        Kind::Fee => {
            places = vec![place(0, BALANCE)];
            let two = t.number(2, Type::Number, "2");
            let a = t.before(0, USD, "a.balance > amount");
            let l = t.op(BinaryOp::Multiply, two, a, USD, "2 * a.balance");
            let r = t.value(0, "amount;");
            let c = t.op(BinaryOp::Greater, l, r, Type::Bool, "2 * a.balance > amount");
            guard.push(condition(c));
            let part = "a.balance == a.balance - round(amount * 0.05)";
            let old = t.before(0, USD, part);
            let amount = t.value(0, "amount * 0.05");
            let rate = t.push(
                Expr::Number(Rational::ONE.div(&Rational::Int(20)).unwrap()),
                Type::Number,
                "0.05",
            );
            let fee = t.op(BinaryOp::Multiply, amount, rate, USD, "amount * 0.05");
            let fee = Expr::Round {
                value: fee,
                unit: Rational::ONE,
                mode: RoundMode::HalfEven,
            };
            let fee = t.push(fee, USD, "round(amount * 0.05)");
            let value = t.op(BinaryOp::Subtract, old, fee, USD, part);
            effects.push(Effect {
                slot: Slot(0),
                value,
                span: t.span(part),
            });
        }
        Kind::Pair => {
            places = vec![place(0, BALANCE), place(1, BALANCE)];
            let two = t.number(2, Type::Number, "2 * amount");
            let amount = t.value(0, "amount <=");
            let l = t.op(BinaryOp::Multiply, two, amount, USD, "2 * amount");
            let a = t.before(0, USD, "a.balance + b.balance");
            let b = t.before(1, USD, "b.balance;");
            let r = t.op(BinaryOp::Add, a, b, USD, "a.balance + b.balance");
            let c = t.op(
                BinaryOp::LessEqual,
                l,
                r,
                Type::Bool,
                "2 * amount <= a.balance + b.balance",
            );
            guard.push(condition(c));
            let part = "a.balance == a.balance - amount";
            let old = t.before(0, USD, part);
            let amount = t.value(0, "amount;");
            let value = t.op(BinaryOp::Subtract, old, amount, USD, part);
            effects.push(Effect {
                slot: Slot(0),
                value,
                span: t.span(part),
            });
        }
        Kind::Sweep => {
            places = vec![place(0, BALANCE), place(1, BALANCE)];
            for (slot, op, part) in [
                (0, BinaryOp::Subtract, "a.balance == a.balance - a.balance"),
                (1, BinaryOp::Add, "b.balance == b.balance + a.balance"),
            ] {
                let old = t.before(slot, USD, part);
                let all = t.before(0, USD, part);
                let value = t.op(op, old, all, USD, part);
                effects.push(Effect {
                    slot: Slot(slot),
                    value,
                    span: t.span(part),
                });
            }
        }
        Kind::Mirror => {
            places = vec![place(0, BALANCE), place(1, BALANCE)];
            let part = "b.balance == b.balance + a.balance";
            let (old, more) = (t.before(1, USD, part), t.before(0, USD, part));
            let value = t.op(BinaryOp::Add, old, more, USD, part);
            effects.push(Effect {
                slot: Slot(1),
                value,
                span: t.span(part),
            });
        }
        Kind::Reset => {
            places = vec![place(0, BALANCE)];
            let value = t.value(0, "amount;");
            effects.push(Effect {
                slot: Slot(0),
                value,
                span: t.span("a.balance == amount"),
            });
        }
        Kind::Deposit => {
            places = vec![place(0, BALANCE)];
            let (l, r) = (t.before(0, USD, "a.balance > amount"), t.value(0, "amount;"));
            let c = t.op(BinaryOp::Greater, l, r, Type::Bool, "a.balance > amount");
            guard.push(condition(c));
            let part = "a.balance == a.balance + amount";
            let (old, amount) = (t.before(0, USD, part), t.value(0, "amount;"));
            let value = t.op(BinaryOp::Add, old, amount, USD, part);
            effects.push(Effect {
                slot: Slot(0),
                value,
                span: t.span(part),
            });
        }
        Kind::Divide => {
            places = vec![place(0, BALANCE)];
            let l = t.before(0, USD, "a.balance");
            let r = t.value(0, "amount >");
            let q = t.op(BinaryOp::Divide, l, r, Type::Number, "a.balance / amount");
            let zero = t.number(0, Type::Number, "0");
            let c = t.op(BinaryOp::Greater, q, zero, Type::Bool, "a.balance / amount > 0");
            guard.push(condition(c));
        }
    }
    let name = text["intent ".len()..].split('(').next().unwrap();
    let account = |name: &str| AccountParameter {
        name: name.into(),
        span: t.span("a: Account"),
    };
    Intent {
        name: name.into(),
        source,
        span: t.span(name),
        accounts: if one_account {
            vec![account("a")]
        } else {
            vec![account("a"), account("b")]
        },
        values: if one_account {
            vec![]
        } else {
            vec![ValueParameter {
                name: "amount".into(),
                ty: if matches!(kind, Kind::Mix | Kind::Set) {
                    Type::Integer
                } else {
                    USD
                },
                external: false,
                secret: false,
                span: t.span("amount:"),
            }]
        },
        places,
        nodes: t.nodes,
        lets: vec![],
        guard,
        effects,
        postconditions,
        solve: vec![],
    }
}

/// The serial run by the definition, with nothing but the evaluator: the oracle of the tests.
/// Returns the final values and columns, or the position and failure of the first transaction that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub final_values: Vec<i128>,
    pub seen: Vec<i128>,
    pub versions: Vec<u32>,
    pub written: Vec<i128>,
    pub positions: Vec<u32>,
}

/// The batch order as the language words it, quadratic and plain.
pub fn naive_order(batch: &Batch) -> Vec<usize> {
    let n = batch.items.len();
    let mut done = vec![false; n];
    let mut order = vec![];
    while order.len() < n {
        let next = (0..n)
            .find(|i| !done[*i] && batch.items[*i].after.iter().all(|b| done[*b as usize]))
            .expect("a cycle");
        done[next] = true;
        order.push(next);
    }
    order
        .into_iter()
        .flat_map(|i| {
            let item = &batch.items[i];
            item.first as usize..(item.first + item.count) as usize
        })
        .collect()
}

pub fn reference(batch: &Batch, snapshot: &[i128]) -> Result<Reference, (usize, aethel_ir::Failure)> {
    let n = batch.len();
    let mut values = snapshot.to_vec();
    let mut versions = vec![0_u32; snapshot.len()];
    let mut rows = vec![(vec![], vec![], vec![]); n];
    let mut positions = vec![0; n];
    let mut evaluator = aethel_ir::Evaluator::default();
    for (position, id) in naive_order(batch).into_iter().enumerate() {
        positions[id] = position as u32;
        let view = batch.transaction(aethel_ir::TransactionId(id as u32)).unwrap();
        let places: Vec<usize> = view
            .group
            .places
            .iter()
            .map(|c| c.get(view.row).unwrap().0 as usize)
            .collect();
        let before: Vec<i128> = places.iter().map(|p| values[*p]).collect();
        let seen_versions = places.iter().map(|p| versions[*p]).collect();
        let after = evaluator
            .execute(view, &before)
            .map_err(|failure| (id, failure))?
            .to_vec();
        let mut written = vec![];
        for (slot, flag) in view.intent.written().into_iter().enumerate() {
            if flag {
                values[places[slot]] = after[slot];
                versions[places[slot]] += 1;
                written.push(after[slot]);
            }
        }
        rows[id] = (before, seen_versions, written);
    }
    let mut result = Reference {
        final_values: values,
        seen: vec![],
        versions: vec![],
        written: vec![],
        positions,
    };
    for (seen, versions, written) in rows {
        result.seen.extend(seen);
        result.versions.extend::<Vec<u32>>(versions);
        result.written.extend(written);
    }
    Ok(result)
}

/// One step of a random batch, for property tests.
#[derive(Clone, Debug)]
pub struct Step {
    pub kind: Kind,
    pub a: u8,
    pub b: u8,
    pub amount: i128,
    /// A rank, and the steps with smaller ranks that must come before.
    pub rank: u8,
    pub after: Vec<u8>,
}

/// A batch from steps: neighbours of one kind and without `after` become rows of one item.
pub fn from_steps(steps: &[Step], accounts: u8) -> Build {
    let mut build = Build::new("random");
    let names: Vec<AccountId> = (0..accounts)
        .map(|i| build.account(&format!("acct{i}")))
        .collect();
    let account = |n: u8| names[usize::from(n % accounts)];
    let mut items: Vec<(u8, Vec<u8>)> = vec![];
    let mut index = 0;
    while index < steps.len() {
        let first = &steps[index];
        let mut rows = vec![];
        while index < steps.len() && rows.len() < 5 {
            let step = &steps[index];
            if step.kind != first.kind || (!rows.is_empty() && !step.after.is_empty()) {
                break;
            }
            let (a, mut b) = (account(step.a), account(step.b));
            if a == b {
                b = account((step.a % accounts) + 1);
            }
            rows.push((a, b, step.amount));
            index += 1;
        }
        build.id_rows(first.kind, &rows);
        items.push((first.rank, first.after.clone()));
    }
    let count = items.len();
    for (item, (rank, after)) in items.iter().enumerate() {
        for other in after {
            let other = usize::from(*other) % count;
            if items[other].0 < *rank {
                build.after(item as u32, other as u32);
            }
        }
    }
    build
}

/// Random steps.
pub mod strategies {
    use super::{Kind, Step};
    use proptest::prelude::*;

    pub fn step(kinds: &'static [Kind]) -> impl Strategy<Value = Step> {
        (
            proptest::sample::select(kinds),
            any::<u8>(),
            any::<u8>(),
            1..500_i128,
            any::<u8>(),
            prop_oneof![4 => Just(vec![]), 1 => proptest::collection::vec(any::<u8>(), 1..3)],
        )
            .prop_map(|(kind, a, b, amount, rank, after)| Step {
                kind,
                a,
                b,
                amount,
                rank,
                after,
            })
    }
}
