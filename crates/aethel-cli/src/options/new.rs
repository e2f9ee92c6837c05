//! The options of `new`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options of `new`.
#[derive(Debug, Args)]
pub struct NewOptions {
    /// The directory to make; its last part is the name of the program
    #[arg(value_name = "NAME")]
    pub path: PathBuf,
    /// What the program does
    #[arg(long, value_enum, default_value = "payroll")]
    pub template: Template,
    /// The service whose recipe for continuous integration is written
    #[arg(long, value_enum, default_value = "github")]
    pub ci: Ci,
}

/// Programs to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// Salaries out of a CSV file, all or none
    Payroll,
    /// Two transfers, one after the other
    Transfer,
    /// Trades in two assets
    Exchange,
}

/// Services of continuous integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// GitHub Actions
    Github,
    /// GitLab
    Gitlab,
    /// None
    None,
}
