//! Aethel as a library.
//!
//! Takes paths, inputs and options; gives diagnostics and results. This crate reads files and the configuration; what
//! programs mean is in `aethel-lower`, how batches run in `aethel-runtime`.

pub mod config;
pub mod files;
pub mod program;

pub use aethel_ir as ir;
pub use aethel_lower::{Inputs, Purpose, Selection};
pub use program::Program;
