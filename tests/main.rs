//! The whole program, tested from outside: the real binary on real files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop loudly"
)]

mod approvals;
mod architecture;
mod bench;
mod browser;
mod cases_command;
mod check;
mod cli;
mod documentation;
mod editors;
mod errors;
mod exports;
mod fixes;
mod fmt;
mod fuzz;
mod garbage;
mod graph;
mod json;
mod kill;
mod ledger_commands;
mod library;
mod limits;
mod lsp;
mod mistakes;
mod new;
mod oracles;
mod outputs;
mod pages;
mod postgres;
mod progress;
mod proofs;
mod python;
mod report;
mod run;
mod schemas;
mod seed;
mod support;
mod threads;
mod trace;
