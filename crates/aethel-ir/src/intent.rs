//! A compiled intent: parameters, places, and expressions in an arena.
//!
//! One intent is compiled once, whatever the number of rows that call it. Amounts and prices inside expressions are in
//! **minor units** (a price of BTC in USD is minor USD per minor BTC), so arithmetic needs no scales.

use crate::batch::FieldId;
use crate::money::AssetId;
use crate::rational::{Rational, RoundMode};
use crate::source::{SourceId, Span};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The index of an expression in [`Intent::nodes`]; children come before parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExprId(pub u32);

/// The index of a place among those an intent touches ([`Intent::places`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot(pub u16);

/// What a value is, for arithmetic and for showing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Type {
    /// True or false.
    Bool,
    /// An exact number without a unit.
    Number,
    /// A whole number without a unit.
    Integer,
    /// Seconds since 1970-01-01T00:00:00Z.
    Time,
    /// Minor units of an asset.
    Amount(AssetId),
    /// Minor units of the second asset per minor unit of the first.
    Price(AssetId, AssetId),
}

impl Type {
    /// Whether its values are whole numbers of their unit.
    pub fn is_whole(self) -> bool {
        match self {
            Type::Amount(_) | Type::Integer | Type::Time => true,
            Type::Bool | Type::Number | Type::Price(..) => false,
        }
    }
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the operator of its name")]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Implies,
    Min,
    Max,
}

/// Prefix operators and functions of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the operator of its name")]
pub enum UnaryOp {
    Negate,
    Not,
    Abs,
}

/// One node of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Expr {
    /// A number, already in the unit of its type.
    Number(Rational),
    /// A truth value.
    Bool(bool),
    /// The argument of value parameter n.
    Value(u16),
    /// The value of `let` n.
    Let(u16),
    /// A place before the transaction.
    Before(Slot),
    /// A place after the transaction.
    After(Slot),
    /// A prefix operator.
    Unary(UnaryOp, ExprId),
    /// An infix operator; `&& || ==>` do not look at the right side when the left decides.
    Binary(BinaryOp, ExprId, ExprId),
    /// The nearest multiple of `unit` (which is positive).
    Round {
        /// What is rounded.
        value: ExprId,
        /// The distance between two results.
        unit: Rational,
        /// How ties and directions are decided.
        mode: RoundMode,
    },
}

impl Expr {
    /// The expressions that it is made of, from left to right.
    pub fn operands(&self) -> impl Iterator<Item = ExprId> + use<> {
        let (first, second) = match self {
            Expr::Unary(_, a) | Expr::Round { value: a, .. } => (Some(*a), None),
            Expr::Binary(_, a, b) => (Some(*a), Some(*b)),
            Expr::Number(_)
            | Expr::Bool(_)
            | Expr::Value(_)
            | Expr::Let(_)
            | Expr::Before(_)
            | Expr::After(_) => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// An expression with its place in the source and its type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub expr: Expr,
    /// Where it stands, in [`Intent::source`].
    pub span: Span,
    /// What its value is.
    pub ty: Type,
}

/// A parameter that stands for an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccountParameter {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is declared.
    pub span: Span,
}

/// A parameter whose value each transaction brings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ValueParameter {
    /// Its name.
    pub name: Arc<str>,
    /// What it holds.
    pub ty: Type,
    /// An oracle supplies it.
    pub external: bool,
    /// Shown as `•••` to people.
    pub secret: bool,
    /// Where it is declared.
    pub span: Span,
}

/// A field of an account parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The index of the account parameter.
    pub account: u16,
    /// The field.
    pub field: FieldId,
}

/// A named value, computed from arguments and places before.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Let {
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: ExprId,
    /// It fixes a parameter that holds whole minor units or integers, so it must be whole and in range.
    pub whole: bool,
    /// Where it stands.
    pub span: Span,
    /// Shown as `•••` to people.
    pub secret: bool,
}

/// Something that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    /// The expression, of type Bool.
    pub expr: ExprId,
    /// Only tested when the account of this slot is bounded: the overdraft check of one operation of a JSON batch.
    pub if_bounded: Option<Slot>,
}

/// The new value of a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Effect {
    /// The place.
    pub slot: Slot,
    /// Its new value, over values before.
    pub value: ExprId,
    /// The whole equation.
    pub span: Span,
}

/// A compiled intent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Intent {
    /// Its name.
    pub name: Arc<str>,
    /// The file its spans point into.
    pub source: SourceId,
    /// Where its name stands.
    pub span: Span,
    /// Parameters that stand for accounts.
    pub accounts: Vec<AccountParameter>,
    /// Parameters that bring a value. A parameter that the guard fixes is a [`Let`] instead.
    pub values: Vec<ValueParameter>,
    /// The places it touches; no two are equal.
    pub places: Vec<Place>,
    /// The arena of expressions.
    pub nodes: Vec<Node>,
    /// Named values in an order in which each can be computed.
    pub lets: Vec<Let>,
    /// Conditions of the guard, in source order.
    pub guard: Vec<Condition>,
    /// New values, in source order; a slot occurs at most once.
    pub effects: Vec<Effect>,
    /// Conditions over the state after, in source order.
    pub postconditions: Vec<Condition>,
    /// Entries of `solve`, as text, for the report.
    pub solve: Vec<(Arc<str>, Vec<Arc<str>>)>,
}

impl Intent {
    /// The node behind an id; ids of a valid intent always have one.
    pub fn node(&self, id: ExprId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }

    /// Which slots an effect defines.
    pub fn written(&self) -> Vec<bool> {
        let mut written = vec![false; self.places.len()];
        for effect in &self.effects {
            if let Some(flag) = written.get_mut(usize::from(effect.slot.0)) {
                *flag = true;
            }
        }
        written
    }

    /// Which slots an expression looks at before the transaction (an unwritten slot's value after counts too).
    pub fn read(&self) -> Vec<bool> {
        let written = self.written();
        let mut read = vec![false; self.places.len()];
        for node in &self.nodes {
            match node.expr {
                Expr::Before(slot) => {
                    if let Some(flag) = read.get_mut(usize::from(slot.0)) {
                        *flag = true;
                    }
                }
                Expr::After(slot) if !written.get(usize::from(slot.0)).copied().unwrap_or(true) => {
                    if let Some(flag) = read.get_mut(usize::from(slot.0)) {
                        *flag = true;
                    }
                }
                _ => {}
            }
        }
        read
    }
}
