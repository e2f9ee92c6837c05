//! The nouns of Aethel and what they mean.
//!
//! Takes nothing, gives every other crate its vocabulary: source spans and [`Diagnostic`]s with their
//! [`Code`]s, exact money ([`Rational`], [`Asset`]), account names, compiled expressions with their one
//! evaluator, and the [`Batch`] that the six stages work on. It reads no file, no clock and no environment.

pub mod access;
pub mod account;
pub mod amounts;
pub mod batch;
pub mod codes;
pub mod diagnostic;
pub mod eval;
pub mod intent;
pub mod money;
pub mod progress;
pub mod proof;
pub mod rational;
pub mod source;
pub mod time;
pub mod varint;
pub mod wholes;

pub use access::{Access, Bound, Class, ConditionRef, Form, Lane, Linear, Signs, SlotAccess, Test};
pub use account::{AccountName, AccountNameError, OPENING_ACCOUNT};
pub use amounts::Amounts;
pub use batch::{
    AccountId, Batch, BatchItem, Column, Field, FieldId, Group, Names, PlaceId, TransactionId,
    TransactionRef, TransactionView, ValueColumn,
};
pub use codes::{Code, Severity};
pub use diagnostic::{Diagnostic, Fix, Label, Safety, closest, did_you_mean, quote};
pub use eval::{Evaluator, Failure, Site, Value, show_value};
pub use intent::{Condition, Effect, Expr, ExprId, Intent, Place, Slot, Type};
pub use money::{Asset, AssetId, MAX_MINOR_UNITS, MAX_SCALE};
pub use progress::Progress;
pub use proof::{Proof, ProofKind, Requirement};
pub use rational::{Rational, RoundMode};
pub use source::{LineColumn, SourceFile, SourceId, SourceMap, Span};
pub use wholes::{Numbers, Wholes};
