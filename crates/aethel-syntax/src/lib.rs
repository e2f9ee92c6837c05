//! Text to syntax tree.
//!
//! Takes source text, gives [`Parsed`]: a tree and the problems found. It never fails and never panics: what cannot
//! be read is left out of the tree and said in a diagnostic. The grammar is `grammar/aethel.pest`.

pub mod ast;
mod parse;

pub use parse::{Parsed, parse};
