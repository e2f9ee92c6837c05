//! The binary `aethel`: reads the command line, calls the library, prints what it gives.

mod commands;
mod exit;
mod options;
mod printer;

use clap::Parser;
use exit::Exit;
use options::{Cli, Command};
use printer::Printer;

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and version to stdout, mistakes to stderr.
            let wrong = error.use_stderr();
            let _ = error.print();
            return if wrong { Exit::Usage } else { Exit::Fine }.into();
        }
    };
    // A damaged ledger file can make the database library panic; the ledger turns that into a diagnostic of its own.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !aethel::store::panics_are_caught() {
            usual(info);
        }
    }));
    let mut printer = Printer::new(&cli.global);
    let exit = match cli.command {
        Command::Check(options) => commands::check::run(&options, &mut printer),
        Command::Run(options) => commands::run::run(&options, &mut printer),
        Command::Explain(options) => commands::explain::run(&options, &mut printer),
        Command::Ledger(options) => commands::ledger::run(&options, &mut printer),
        Command::Oracle(command) => commands::oracle::run(&command, &mut printer),
    };
    printer.finish(exit).into()
}
