//! What several commands take a program with.

use aethel::Selection;
use aethel::config::HumanDuration;
use aethel::inputs::InputSources;
use aethel::ledger::LedgerName;
use clap::Args;
use std::path::PathBuf;

/// Which part of a file is meant.
#[derive(Debug, Args)]
pub struct Chosen {
    /// Only this batch
    #[arg(long, value_name = "NAME", conflicts_with = "intent")]
    pub batch: Option<String>,
    /// Only this top-level intent, as a single transaction
    #[arg(long, value_name = "NAME")]
    pub intent: Option<String>,
}

impl Chosen {
    /// As the library is asked for it.
    pub fn selection(&self) -> Selection {
        match (&self.batch, &self.intent) {
            (Some(name), _) => Selection::Batch(name.clone()),
            (None, Some(name)) => Selection::Intent(name.clone()),
            (None, None) => Selection::All,
        }
    }
}

/// What a program is given from outside.
#[derive(Debug, Args)]
pub struct Given {
    /// Opening balances, bindings, arguments, oracle proofs [default: FILE.inputs.json beside the program]
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<PathBuf>,
    /// Bind an account parameter: name.parameter=account
    #[arg(long, value_name = "KEY=ACCOUNT")]
    pub bind: Vec<String>,
    /// Give a value parameter its value: name.parameter=value
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub arg: Vec<String>,
    /// Also allow the program to read files below this directory
    #[arg(long, value_name = "DIR")]
    pub allow_path: Vec<PathBuf>,
}

impl Given {
    /// As the library is given it.
    pub fn sources(&self, open_accounts: bool) -> InputSources {
        InputSources {
            file: self.inputs.clone(),
            bind: self.bind.clone(),
            args: self.arg.clone(),
            open_accounts,
        }
    }
}

/// What is run and on what, which `sign` has to know too.
#[derive(Debug, Args)]
pub struct RunSubject {
    #[command(flatten)]
    pub chosen: Chosen,
    /// The ledger [default: `[run] ledger` in aethel.toml, else .aethel/ledger.redb]
    #[arg(long, env = "AETHEL_LEDGER", hide_env_values = true, value_name = "FILE|URL")]
    pub ledger: Option<LedgerName>,
    #[command(flatten)]
    pub given: Given,
    /// Open accounts that the ledger does not know with zero
    #[arg(long)]
    pub open_accounts: bool,
    /// What makes this the same batch again, such as 2026-03, instead of its content
    #[arg(long, conflicts_with = "again")]
    pub key: Option<String>,
    /// Run the batch with this receipt once more
    #[arg(long, value_name = "RECEIPT")]
    pub again: Option<String>,
    /// Use exactly this many worker threads [default: as the work needs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub threads: Option<u32>,
    /// The limit for each batch until its commit is handed over, such as 60s or 5m [default: 300s]
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<HumanDuration>,
    /// How long to wait, such as 10s, for a ledger that another process has open or whose server is away
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub wait: HumanDuration,
    /// Take trust in oracles from this file, not from aethel.toml beside the ledger
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
