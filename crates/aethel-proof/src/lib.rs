//! What Z3 proves about Aethel; the only crate that knows Z3.
//!
//! Takes a [`Batch`](aethel_ir::Batch) and a claim about it, gives a verdict: proved, refuted with a reason in plain
//! words, or undecided when a budget is spent. It reads no environment, and no file but those of a lemma cache whose
//! directory the caller names; its clock only limits and measures queries.
//!
//! - [`prove_direct`]: *the final state of a run is that of the serial run in this order*, by symbolic execution of the
//!   run's transactions with their concrete parameters. Evaluation is Z3's here, not the evaluator's.
//!
//! - [`check`]: what holds of an intent and of a batch for all states and all inputs.
//!
//! - [`Shape`]: an intent without its names and constants, and [`LemmaCache`]: what was proved of shapes before.
//! - [`Lemmas`]: what holds of every intent of a shape, whatever its state and arguments; or of a pair of them; and [`confirm_cycle`] of
//!   orders.
//!
//! Inside, `encode` turns an intent into terms and knows nothing of the claim, `number` is exact arithmetic on terms,
//! `run` is the shape of a claim about a run, `solver` asks Z3 under a resource limit and a watchdog, `words` says what
//! fails.

mod cache;
pub mod check;
mod definitions;
mod direct;
mod encode;
mod joined;
mod lemmas;
mod number;
mod run;
mod shape;
mod solver;
mod words;

pub use cache::LemmaCache;
pub use direct::{DirectVerdict, prove_direct};
pub use lemmas::{
    AccessVerdict, Commutes, Counterexample, CycleVerdict, LEMMA_LIMITS, Lemma, Lemmas, NEVER_HOLDS,
    Obligation, Pair, Premise, SlotVerdict, Verdict, confirm_cycle, escrow_obligations, obligations,
};
pub use shape::{MalformedIntent, Shape, Sign, SlotContext, SlotField};
pub use solver::{Limits, z3_version};
