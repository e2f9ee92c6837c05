//! Ledgers on a real PostgreSQL server.

#![allow(dead_code, unused_imports, reason = "work in progress")]

pub mod server;

use crate::support::*;
use aethel_ledger::*;
use server::{Node, schema, shared};
use std::time::Duration;

/// Opens a ledger as the role `pay`.
pub fn open_at(url: &str) -> PostgresStore {
    PostgresStore::open_or_new(&ServerUrl::parse(url, None).unwrap(), limits())
        .unwrap_or_else(|error| panic!("{error}"))
}

pub fn limits() -> ServerLimits {
    ServerLimits::new(Duration::from_secs(20))
}

/// A ledger that nothing was committed to.
pub fn fresh() -> PostgresStore {
    open_at(&shared().url(&schema()))
}
