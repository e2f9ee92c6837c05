//! The result of a batch, for people and for programs.

mod amounts;
mod changes;
mod human;
mod json;
mod page;
mod stages;
mod trace;

pub(crate) use amounts::grouped;
pub use human::{batch, needs, plan};
pub use json::write_json;
pub use page::{Page, frame, page};
pub use trace::write_trace;

/// What results call a ledger that is gone with its process: nobody is told commands about it.
pub const IN_MEMORY: &str = "memory";
