//! A benchmark, as data, as a table and as a page.

mod compare;
mod figures;
pub mod human;
pub mod model;
mod page;
mod svg;
pub mod units;

pub use compare::{Change, Verdict, changes_table, compare};
pub use human::{human, list, ratios};
pub use page::page;
