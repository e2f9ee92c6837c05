//! Aethel as a library.
//!
//! Takes paths, inputs and options; gives diagnostics and results. This crate reads files and the configuration; what
//! programs mean is in `aethel-lower`, how batches run in `aethel-runtime`.

pub mod approvals;
pub mod bench;
pub mod cases;
pub mod check;
pub mod config;
pub mod editor;
pub mod files;
pub mod fix;
pub mod format;
pub mod graph;
pub mod import;
pub mod inputs;
pub mod ledger;
mod lemmas;
pub mod limits;
pub mod obligations;
pub mod oracle;
pub mod pairs;
pub mod processor;
pub mod program;
pub mod proof;
pub mod run;

pub use aethel_certificate as certificate;
pub use aethel_ir as ir;
pub use aethel_ledger as store;
pub use aethel_lower::{Inputs, Purpose, Selection, parse_oracle};
pub use aethel_proof::z3_version;
pub use aethel_runtime as runtime;
pub use aethel_runtime::BatchResult;
pub use check::{CheckOptions, CheckReport};
pub use processor::{BatchProcessor, ExpectedBalance, Operation, ProcessorOptions, Transaction};
pub use program::Program;
pub use run::{RunOptions, RunReport, run};
