//! What bounds untrusted input, in one place; `docs/limits.md` is the page for people.

pub use crate::files::MAX_FILE_BYTES;
pub use crate::inputs::MAX_BYTES as MAX_INPUTS_BYTES;
pub use aethel_lower::{MAX_ROW_BYTES, MAX_ROWS, MAX_VALUES};
pub use aethel_syntax::{MAX_DIGITS, MAX_NAME_BYTES, MAX_SOURCE_BYTES};
