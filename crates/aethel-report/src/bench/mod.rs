//! A benchmark, as data, as a table and as a page.

pub mod human;
pub mod model;
pub mod units;

pub use human::{human, list, ratios};
