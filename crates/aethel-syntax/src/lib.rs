//! Text to syntax tree.
//!
//! Takes source text, gives [`Parsed`]: a tree and the problems found. It never fails and never panics: what cannot
//! be read is left out of the tree and said in a diagnostic. The grammar is `grammar/aethel.pest`.
//!
//! The work is done on two levels. The skeleton finds items, sections and lines by keywords, brackets and `;`, and cannot
//! fail. Each part is then read strictly by the grammar's rule for it. So every mistake costs one part and is told once,
//! and everything that is right reaches the tree.
//!
//! ```
//! let parsed = aethel_syntax::parse(Default::default(), "intent nop() { gaurd { } }");
//! assert_eq!(parsed.diagnostics[0].help.as_deref(), Some("did you mean `guard`?"));
//! assert_eq!(parsed.program.items.len(), 1);
//! ```

mod again;
pub mod ast;
mod depth;
mod dialects;
mod format;
mod kind;
pub mod lexer;
mod literals;
mod operators;
mod parse;
mod problems;
mod skeleton;
mod strict;
mod words;

pub use again::Reader;
pub use depth::MAX_DEPTH;
pub use format::{FormatError, format};
pub use literals::{MAX_DIGITS, MAX_NAME_BYTES};
pub use parse::{MAX_SOURCE_BYTES, Parsed, decode, parse, parse_bytes, parse_condition};
pub use problems::MAX_DIAGNOSTICS;
pub use strict::grammar_accepts;
pub use words::{RESERVED, is_reserved};
