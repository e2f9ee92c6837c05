//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Moves value in batches that are all-or-nothing, run in parallel, and carry a proof.
#[derive(Debug, Parser)]
#[command(name = "aethel", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// How results and diagnostics are printed
    #[arg(
        short = 'o',
        long = "output-format",
        visible_alias = "format",
        global = true,
        value_enum,
        env = "AETHEL_OUTPUT_FORMAT",
        default_value_t = Format::Human
    )]
    pub format: Format,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Print errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Treat warnings as errors
    #[arg(long, global = true)]
    pub deny_warnings: bool,
}

/// Forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One line for each diagnostic
    Concise,
    /// For programs
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check programs: syntax, names, types, meaning
    Check(CheckOptions),
    /// Explain a diagnostic code
    Explain(ExplainOptions),
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// Programs or directories of programs; `-` reads standard input
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Also allow programs to read files below this directory
    #[arg(long, value_name = "DIR")]
    pub allow_path: Vec<PathBuf>,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainOptions {
    /// A code or its name, such as AE0501 or guard-failed; without one, all are listed
    pub code: Option<String>,
}
