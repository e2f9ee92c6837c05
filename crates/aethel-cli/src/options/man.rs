//! The options of `completions` and `man`, and what a shell can complete of a code.

use aethel::ir::Code;
use clap::Args;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap_complete::Shell;
use std::ffi::OsStr;
use std::path::PathBuf;

/// How the process ends; `exit.rs` has the same list.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    everything is fine
  1    the program or batch is wrong, and nothing was committed; or a warning under --deny-warnings
  2    the command line, a file or the configuration is wrong
  3    something that would be an error could not be decided
  4    the server did not say whether the batch was committed; run it again with the same key
  101  a bug in aethel
  130  interrupted, and nothing was committed

`aethel explain CODE` explains a diagnostic such as AE0501.";

/// How `run` is used.
pub const RUN_HELP: &str = "\
Examples:
  aethel run pay.ae --dry-run                  show what would happen, and commit nothing
  aethel run pay.ae                            commit it; run again, it pays nobody twice
  aethel run pay.ae --key 2026-03              the same payments once more, for another month
  aethel run pay.ae --arg pay.amount=12.50     give a parameter its value
  aethel run pay.ae --report pay.html          also write a page to read, send or print

Exit codes: 0 committed, 1 nothing was committed, 2 a file, the command line or the ledger,
3 could not be decided, 4 the server did not say whether it was committed, 130 interrupted";

/// Where shells look for completions.
pub const COMPLETIONS_HELP: &str = "\
Put it where the shell looks for it, and open a new shell:
  bash        aethel completions bash > ~/.local/share/bash-completion/completions/aethel
  zsh         aethel completions zsh > \"${fpath[1]}/_aethel\"
  fish        aethel completions fish > ~/.config/fish/completions/aethel.fish
  elvish      aethel completions elvish >> ~/.config/elvish/rc.elv
  powershell  aethel completions powershell >> $PROFILE";

/// Where `man` looks for pages.
pub const MAN_HELP: &str = "\
Examples:
  aethel man run | man -l -                     read the page of `aethel run`
  aethel man --dir ~/.local/share/man/man1      install all pages; then `man aethel-run` finds it";

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsOptions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct ManOptions {
    /// The command whose page is printed, such as `run` or `ledger show` [default: aethel itself]
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write the pages of all commands to this directory, made if it is missing
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Takes any text, since `explain` itself says which code was meant, but lets shells complete the codes.
#[derive(Clone, Copy, Debug)]
pub struct CodeParser;

impl TypedValueParser for CodeParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let codes = Code::ALL
            .iter()
            .map(|code| PossibleValue::new(code.id()).help(code.name()));
        Some(Box::new(codes))
    }
}
