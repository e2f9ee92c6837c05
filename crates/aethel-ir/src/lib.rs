//! The nouns of Aethel and what they mean.
//!
//! Takes nothing, gives every other crate its vocabulary: source spans and [`Diagnostic`]s with their
//! [`Code`]s, exact money ([`Rational`], [`Asset`]), account names, compiled expressions with their one
//! evaluator, and the [`Batch`] that the six stages work on. It reads no file, no clock and no environment.

pub mod account;

pub mod codes;
pub mod diagnostic;




pub mod source;

pub use account::{AccountName, AccountNameError};

pub use codes::{Code, Severity};
pub use diagnostic::{Diagnostic, Fix, Label, Safety, closest};



pub use source::{SourceFile, SourceId, SourceMap, Span};
