//! A small builder of batches, and the serial run that proofs are compared with.

use aethel_ir::intent::{AccountParameter, BinaryOp, Let, Node, Place, UnaryOp, ValueParameter};
use aethel_ir::*;
use aethel_proof::{DirectVerdict, Limits, prove_direct};
use std::sync::Arc;

/// An expression, before it is put into an arena.
#[derive(Clone, Debug)]
pub enum E {
    Num(Rational),
    /// An amount in minor units.
    Minor(i128),
    Flag(bool),
    /// Value parameter n.
    Arg(u16),
    Let(u16),
    Before(u16),
    After(u16),
    /// A field of type Bool.
    BeforeFlag(u16),
    AfterFlag(u16),
    Un(UnaryOp, Box<E>),
    Bin(BinaryOp, Box<E>, Box<E>),
    Round(Box<E>, Rational, RoundMode),
}

pub fn num(text: &str) -> E {
    E::Num(Rational::parse_decimal(text).expect(text))
}

pub fn bin(op: BinaryOp, a: E, b: E) -> E {
    E::Bin(op, Box::new(a), Box::new(b))
}

pub fn un(op: UnaryOp, a: E) -> E {
    E::Un(op, Box::new(a))
}

pub fn round(a: E, mode: RoundMode) -> E {
    E::Round(Box::new(a), Rational::ONE, mode)
}

macro_rules! operators {
    ($($name:ident $op:ident;)*) => { impl E { $(
        #[allow(clippy::should_implement_trait, reason = "a builder, not arithmetic")]
        pub fn $name(self, other: E) -> E { bin(BinaryOp::$op, self, other) }
    )* } };
}
operators! {
    add Add; sub Subtract; mul Multiply; div Divide; rem Remainder; eq Equal; ne NotEqual; ge GreaterEqual; le LessEqual;
    gt Greater; lt Less; and And; or Or; implies Implies; min Min; max Max;
}

/// The fields of every batch here: 0 is the balance in USD, 1 a number, 2 a flag.
pub const USD: u16 = 0;
pub const COUNT: u16 = 1;
pub const FLAG: u16 = 2;

/// An intent with `accounts` account parameters and `values` value parameters.
#[derive(Clone, Debug)]
pub struct IntentBuilder {
    intent: Intent,
}

impl IntentBuilder {
    /// Places are given as (account parameter, field).
    pub fn new(name: &str, accounts: u16, places: &[(u16, u16)], values: u16) -> Self {
        let span = Span::default();
        let named = |prefix: &str, n: u16| -> Arc<str> { format!("{prefix}{n}").into() };
        let intent = Intent {
            name: name.into(),
            source: SourceId::default(),
            span,
            accounts: (0..accounts)
                .map(|n| AccountParameter {
                    name: named("account", n),
                    span,
                })
                .collect(),
            values: (0..values)
                .map(|n| ValueParameter {
                    name: named("value", n),
                    ty: Type::Number,
                    external: false,
                    secret: false,
                    span,
                })
                .collect(),
            places: places
                .iter()
                .map(|(account, field)| Place {
                    account: *account,
                    field: FieldId(*field),
                })
                .collect(),
            nodes: Vec::new(),
            lets: Vec::new(),
            guard: Vec::new(),
            effects: Vec::new(),
            postconditions: Vec::new(),
            solve: Vec::new(),
        };
        Self { intent }
    }

    fn push(&mut self, e: E) -> ExprId {
        let (expr, ty) = match e {
            E::Num(n) => (Expr::Number(n), Type::Number),
            E::Minor(n) => (Expr::Number(Rational::Int(n)), Type::Amount(AssetId(0))),
            E::Flag(b) => (Expr::Bool(b), Type::Bool),
            E::Arg(n) => (Expr::Value(n), Type::Number),
            E::Let(n) => (Expr::Let(n), Type::Number),
            E::Before(n) => (Expr::Before(Slot(n)), Type::Amount(AssetId(0))),
            E::After(n) => (Expr::After(Slot(n)), Type::Amount(AssetId(0))),
            E::BeforeFlag(n) => (Expr::Before(Slot(n)), Type::Bool),
            E::AfterFlag(n) => (Expr::After(Slot(n)), Type::Bool),
            E::Un(op, a) => {
                let a = self.push(*a);
                let ty = if op == UnaryOp::Not {
                    Type::Bool
                } else {
                    self.intent.nodes[a.0 as usize].ty
                };
                (Expr::Unary(op, a), ty)
            }
            E::Bin(op, a, b) => {
                use BinaryOp::*;
                let (a, b) = (self.push(*a), self.push(*b));
                let ty = match op {
                    Add | Subtract | Multiply | Divide | Remainder | Min | Max => {
                        self.intent.nodes[a.0 as usize].ty
                    }
                    _ => Type::Bool,
                };
                (Expr::Binary(op, a, b), ty)
            }
            E::Round(value, unit, mode) => {
                let value = self.push(*value);
                let ty = self.intent.nodes[value.0 as usize].ty;
                (Expr::Round { value, unit, mode }, ty)
            }
        };
        self.intent.nodes.push(Node {
            expr,
            span: Span::default(),
            ty,
        });
        ExprId(self.intent.nodes.len() as u32 - 1)
    }

    pub fn bind(mut self, value: E, whole: bool) -> Self {
        let value = self.push(value);
        let name = format!("let{}", self.intent.lets.len()).into();
        self.intent.lets.push(Let {
            name,
            value,
            whole,
            span: Span::default(),
            secret: false,
        });
        self
    }

    pub fn guard(mut self, e: E) -> Self {
        let expr = self.push(e);
        self.intent.guard.push(Condition {
            expr,
            if_bounded: None,
        });
        self
    }

    pub fn guard_if_bounded(mut self, e: E, slot: u16) -> Self {
        let expr = self.push(e);
        self.intent.guard.push(Condition {
            expr,
            if_bounded: Some(Slot(slot)),
        });
        self
    }

    pub fn effect(mut self, slot: u16, e: E) -> Self {
        let value = self.push(e);
        self.intent.effects.push(Effect {
            slot: Slot(slot),
            value,
            span: Span::default(),
        });
        self
    }

    pub fn ensure(mut self, e: E) -> Self {
        let expr = self.push(e);
        self.intent.postconditions.push(Condition {
            expr,
            if_bounded: None,
        });
        self
    }

    /// Gives a value parameter a type; they are numbers otherwise.
    pub fn typed(mut self, value: usize, ty: Type) -> Self {
        self.intent.values[value].ty = ty;
        self
    }

    /// Makes every value parameter an amount.
    pub fn amounts(self) -> Self {
        (0..self.intent.values.len()).fold(self, |intent, n| intent.typed(n, Type::Amount(AssetId(0))))
    }

    pub fn build(self) -> Intent {
        self.intent
    }

    pub fn secret(mut self) -> Self {
        self.intent
            .values
            .iter_mut()
            .for_each(|value| value.secret = true);
        self
    }
}

/// A batch under construction over accounts `a0`, `a1`, …; `unbounded` of them may go below zero.
pub struct BatchBuilder {
    batch: Batch,
}

impl BatchBuilder {
    pub fn new(accounts: u32, unbounded: &[u32]) -> Self {
        let batch = Batch {
            name: "test".into(),
            assets: vec![Asset {
                name: "USD".into(),
                scale: 2,
            }],
            fields: vec![
                Field::Balance(AssetId(0)),
                Field::Integer("count".into()),
                Field::Bool("flag".into()),
            ],
            accounts: (0..accounts)
                .map(|n| AccountName::new(&format!("a{n}")).unwrap())
                .collect(),
            unbounded: (0..accounts).map(|n| unbounded.contains(&n)).collect(),
            places: Vec::new(),
            intents: Vec::new(),
            groups: Vec::new(),
            transactions: Vec::new(),
            items: Vec::new(),
        };
        Self { batch }
    }

    pub fn intent(mut self, intent: IntentBuilder) -> Self {
        self.batch.intents.push(intent.intent);
        self
    }

    fn place(&mut self, account: u32, field: FieldId) -> PlaceId {
        let place = (AccountId(account), field);
        let found = self.batch.places.iter().position(|other| *other == place);
        PlaceId(found.unwrap_or_else(|| {
            self.batch.places.push(place);
            self.batch.places.len() - 1
        }) as u32)
    }

    /// One transaction of an intent.
    pub fn call(mut self, intent: u32, accounts: &[u32], values: &[Rational]) -> Self {
        let places: Vec<Place> = self.batch.intents[intent as usize].places.clone();
        let places = places
            .iter()
            .map(|place| Column::Same(self.place(accounts[usize::from(place.account)], place.field)))
            .collect();
        let n = self.batch.transactions.len() as u32;
        let name: Arc<str> = format!("t{n}").into();
        self.batch.groups.push(Group {
            intent,
            rows: 1,
            names: Names::One(name.clone()),
            accounts: accounts.iter().map(|a| Column::Same(AccountId(*a))).collect(),
            places,
            values: values
                .iter()
                .map(|v| ValueColumn::Exact(Column::Same(v.clone())))
                .collect(),
            origin: None,
            call: None,
        });
        self.batch.transactions.push(TransactionRef { group: n, row: 0 });
        self.batch.items.push(BatchItem {
            name,
            first: n,
            count: 1,
            after: Vec::new(),
            origin: None,
        });
        self
    }

    pub fn build(self) -> Batch {
        self.batch.validate().expect("the builder makes valid batches");
        self.batch
    }
}

/// `from` gives `value0` to `to`, if it has so much.
pub fn transfer() -> IntentBuilder {
    IntentBuilder::new("transfer", 2, &[(0, USD), (1, USD)], 1)
        .guard(E::Before(0).ge(E::Arg(0)))
        .effect(0, E::Before(0).sub(E::Arg(0)))
        .effect(1, E::Before(1).add(E::Arg(0)))
}

pub fn source_order(batch: &Batch) -> Vec<TransactionId> {
    (0..batch.len() as u32).map(TransactionId).collect()
}

/// What the evaluator makes of the serial run.
pub fn serial(batch: &Batch, initial: &[i128]) -> Result<Vec<i128>, (TransactionId, Failure)> {
    let mut state = initial.to_vec();
    let mut evaluator = Evaluator::default();
    for id in source_order(batch) {
        let view = batch.transaction(id).unwrap();
        let places: Vec<usize> = view
            .group
            .places
            .iter()
            .map(|c| c.get(view.row).unwrap().0 as usize)
            .collect();
        let before: Vec<i128> = places.iter().map(|place| state[*place]).collect();
        let after = evaluator
            .execute(view, &before)
            .map_err(|failure| (id, failure))?;
        for (slot, written) in view.intent.written().into_iter().enumerate() {
            if written {
                state[places[slot]] = after[slot];
            }
        }
    }
    Ok(state)
}

pub fn prove(batch: &Batch, initial: &[i128], final_values: &[i128]) -> DirectVerdict {
    prove_direct(
        batch,
        &source_order(batch),
        initial,
        final_values,
        &Limits::default(),
    )
}

#[track_caller]
pub fn proved(batch: &Batch, initial: &[i128], final_values: &[i128]) {
    let verdict = prove(batch, initial, final_values);
    assert!(matches!(verdict, DirectVerdict::Proved { .. }), "{verdict:?}");
}

#[track_caller]
pub fn refuted(batch: &Batch, initial: &[i128], final_values: &[i128], expected: &str) {
    match prove(batch, initial, final_values) {
        DirectVerdict::Refuted { reason } => assert_eq!(reason, expected),
        other => panic!("{other:?} instead of: {expected}"),
    }
}
