//! What Z3 proves about Aethel; the only crate that knows Z3.
//!
//! Takes a [`Batch`](aethel_ir::Batch) and a claim about it, gives a verdict: proved, refuted with a reason in plain
//! words, or undecided when a budget is spent. It reads no file and no environment; its clock only limits and
//! measures queries.
//!
//! - [`prove_direct`]: *the final state of a run is that of the serial run in this order*, by symbolic execution of the
//!   run's transactions with their concrete parameters. Evaluation is Z3's here, not the evaluator's.
//!
//! Inside, `encode` turns an intent into terms and knows nothing of the claim, `number` is exact arithmetic on terms,
//! `run` is the shape of a claim about a run, `solver` asks Z3 under a resource limit and a watchdog, `words` says what
//! fails.

pub mod check;
mod direct;
mod encode;
mod number;
mod run;
mod shape;
mod solver;
mod words;

pub use direct::{DirectVerdict, prove_direct};
pub use shape::{MalformedIntent, Shape, Sign, SlotContext, SlotField};
pub use solver::{Limits, z3_version};
