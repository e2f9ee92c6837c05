//! What the parser makes of whole programs: snapshots of messages and trees, limits, and properties of any text.

mod cases;
mod conditions;
mod limits;
mod properties;
mod support;
