//! `aethel completions`: a script for a shell, made from the same command line that is parsed.

use crate::exit::Exit;
use crate::options::Cli;
use crate::options::man::CompletionsOptions;
use crate::printer::Printer;
use clap::CommandFactory;

/// Prints the script.
pub fn run(options: &CompletionsOptions, printer: &mut Printer) -> Exit {
    let mut command = Cli::command();
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, "aethel", &mut script);
    printer.write(|out| out.write_all(&script));
    Exit::Fine
}
