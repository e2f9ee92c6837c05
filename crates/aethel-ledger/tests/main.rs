//! The ledger from outside: one contract for every store, random batches against a model, damage, kills and locks.

mod contract;
mod damage;
mod files;
mod kill;
mod properties;
mod support;
