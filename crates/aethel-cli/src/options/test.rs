//! The options of `test`.

use aethel::config::HumanDuration;
use clap::Args;
use std::path::PathBuf;

/// What a case is, in short.
pub const TEST_HELP: &str = "\
The cases of pay.ae stand in pay.test.json beside it:
  { \"cases\": [{ \"name\": \"ann is paid\",
                \"accounts\": { \"ben\": \"10.00\", \"ann\": \"0.00\" },
                \"expect\": { \"committed\": true, \"balances\": { \"ben\": \"2.50\", \"ann\": \"7.50\" } } }] }

Exit codes: 0 all passed, 1 a case failed or a file of cases is wrong, 2 a file cannot be read,
the command line is wrong, or there is nothing to run";

/// Options of `test`.
#[derive(Debug, Args)]
pub struct TestOptions {
    /// Files of cases (.test.json), programs (.ae) with cases beside them, or directories
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Run only cases whose name contains this text
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Write what was found into cases that have no `expect`; cases that have one stay as they are
    #[arg(long)]
    pub update: bool,
    /// Also write the results to this file as JUnit XML, which GitLab and Jenkins show
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Also allow cases and programs to read files below this directory
    #[arg(long, value_name = "DIR")]
    pub allow_path: Vec<PathBuf>,
    /// The limit for each batch, until its commit is handed over [default: 300s]
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<HumanDuration>,
}
