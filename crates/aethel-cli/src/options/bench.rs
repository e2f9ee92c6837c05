//! The options of `bench`.

use super::subject::Given;
use clap::Args;
use std::path::PathBuf;

/// Options of `bench`.
#[derive(Debug, Args)]
pub struct BenchOptions {
    /// Built-in scenarios (see --list), programs (.ae) or transaction lists (.json) [default: all scenarios]
    #[arg(value_name = "SCENARIO|FILE")]
    pub what: Vec<String>,
    /// Print the built-in scenarios
    #[arg(long)]
    pub list: bool,
    /// Sizes of the scenarios, in transactions
    #[arg(
        long,
        value_name = "N,..",
        value_delimiter = ',',
        default_value = "10,100,1000,10000,100000",
        value_parser = clap::value_parser!(u32).range(1..=4_000_000)
    )]
    pub sizes: Vec<u32>,
    /// Also a million transactions
    #[arg(long)]
    pub full: bool,
    /// Numbers of threads; `auto` lets aethel decide [default: 1, 2, all cores, auto]
    #[arg(long, value_name = "N,..", value_delimiter = ',', value_parser = threads)]
    pub threads: Vec<Threads>,
    /// Measure only in memory, or only on a scratch ledger on the disk
    #[arg(long, value_enum)]
    pub store: Option<Store>,
    /// Repeat each measurement so often [default: for about a second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub repeat: Option<u32>,
    /// Small sizes and few repeats, to see that it works
    #[arg(long, conflicts_with_all = ["full", "ratios"])]
    pub quick: bool,
    /// Run only what the ratios with goals need, and print those; a million transactions with --full
    #[arg(long, conflicts_with = "what")]
    pub ratios: bool,
    /// Write everything measured to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a page with charts to this file; it needs no network and can be sent and printed
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Compare with the JSON of an earlier run: slower, faster, or within the noise of the repeats
    #[arg(long, value_name = "OLD.json")]
    pub compare: Option<PathBuf>,
    #[command(flatten)]
    pub given: Given,
    /// Open accounts that the inputs do not name with zero
    #[arg(long)]
    pub open_accounts: bool,
}

/// A number of threads; `None` for the engine's choice.
#[derive(Clone, Copy, Debug)]
pub struct Threads(pub Option<u32>);

fn threads(text: &str) -> Result<Threads, String> {
    if text == "auto" {
        return Ok(Threads(None));
    }
    match text.parse() {
        Ok(threads @ 1..=256) => Ok(Threads(Some(threads))),
        _ => Err("write numbers from 1 to 256, or `auto`".into()),
    }
}

/// A kind of ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Store {
    /// In memory
    Memory,
    /// A scratch file beside the default ledger
    Redb,
}
