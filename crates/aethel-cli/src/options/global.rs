//! Options of every command.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// How results and diagnostics are printed [default: human, and github where GITHUB_ACTIONS is true]
    #[arg(
        short = 'o',
        long = "output-format",
        visible_alias = "format",
        global = true,
        value_enum,
        env = "AETHEL_OUTPUT_FORMAT",
        hide_env_values = true
    )]
    pub format: Option<Format>,
    /// Also write what another format would print to a file, such as sarif:check.sarif; may be given several times
    #[arg(long, global = true, value_name = "FORMAT:PATH")]
    pub output_file: Vec<FileTarget>,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also say why each problem is one, and why each stage of a run took so many threads
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Treat warnings as errors
    #[arg(long, global = true)]
    pub deny_warnings: bool,
    /// Never show how far a command is; it is shown on a terminal only
    #[arg(long, global = true)]
    pub no_progress: bool,
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
    /// Diagnostics for code scanners and editors: SARIF 2.1.0
    Sarif,
    /// Diagnostics as annotations of GitHub Actions, results as for people
    Github,
    /// Rows; of `ledger export` only
    #[value(hide = true)]
    Csv,
    /// A journal for hledger; of `ledger export` only
    #[value(hide = true)]
    Hledger,
    /// A file for beancount; of `ledger export` only
    #[value(hide = true)]
    Beancount,
}

impl Format {
    /// Whether text is printed as it comes; the others are one document.
    pub fn is_text(self) -> bool {
        matches!(self, Format::Human | Format::Concise | Format::Github)
    }
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

/// A file to write, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTarget {
    /// The form.
    pub format: Format,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for FileTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let formats =
            "write FORMAT:PATH, with human, concise, json, sarif or github, such as sarif:check.sarif";
        let (format, path) = text.split_once(':').ok_or(formats)?;
        let format = Format::from_str(format, false).map_err(|_| formats)?;
        if !(format.is_text() || matches!(format, Format::Json | Format::Sarif)) {
            return Err(formats.into());
        }
        if path.is_empty() || path == "-" {
            return Err("the path is missing; standard output has `--output-format`".into());
        }
        Ok(Self {
            format,
            path: path.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_a_format_and_a_path() {
        let target = "json:a:b.json".parse::<FileTarget>().unwrap();
        assert_eq!((target.format, target.path), (Format::Json, "a:b.json".into()));
        for wrong in ["", "json", "json:", "sarif:-", "csv:x", "xml:x"] {
            assert!(wrong.parse::<FileTarget>().is_err(), "{wrong}");
        }
    }
}
