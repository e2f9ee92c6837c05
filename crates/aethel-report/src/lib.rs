//! Everything that is drawn from a diagnostic or a result.
//!
//! Takes data, gives text; it opens no file and knows no terminal. Names, cells and messages may come from anybody, so
//! each renderer escapes what its reader would act on.

pub mod bench;
pub mod cases;
pub mod diagnostics;
pub mod escape;
pub mod graph;
mod html;
pub mod proofs;
pub mod run;
pub mod table;

pub use diagnostics::{Style, concise, github, human, json, sarif};
