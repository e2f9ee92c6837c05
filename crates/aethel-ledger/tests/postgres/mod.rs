//! Ledgers on a real PostgreSQL server.

mod access;
mod copies;
mod cuts;
mod failover;
mod kills;
mod others;
mod proxy;
pub mod server;

use aethel_ledger::*;
use server::{schema, shared};
use std::time::Duration;

pub fn server_url(url: &str) -> ServerUrl {
    ServerUrl::parse(url, None).unwrap()
}

/// Opens a ledger as the role `pay`.
pub fn open_at(url: &str) -> PostgresStore {
    PostgresStore::open_or_new(&server_url(url), limits()).unwrap_or_else(|error| panic!("{error}"))
}

pub fn limits() -> ServerLimits {
    ServerLimits::new(Duration::from_secs(20))
}

/// A ledger that nothing was committed to.
pub fn fresh() -> PostgresStore {
    open_at(&shared().url(&schema()))
}
