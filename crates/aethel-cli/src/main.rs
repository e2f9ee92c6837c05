//! The binary `aethel`: reads the command line, calls the library, prints what it gives.

mod commands;
mod exit;
mod lsp;
mod options;
mod printer;
mod progress;

use aethel::ir::{Code, Diagnostic, SourceMap};
use clap::Parser;
use exit::Exit;
use options::{Cli, Command};
use printer::Printer;
use std::process::ExitCode;
use std::sync::Mutex;

/// What the last panic said.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

fn main() -> ExitCode {
    // A panic that is caught, such as redb's on a damaged file, becomes a diagnostic; only others are told, here.
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|panic| {
            *LAST_PANIC
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(panic.to_string());
        }));
    }
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        let said = LAST_PANIC
            .lock()
            .map_or(None, |mut said| said.take())
            .unwrap_or_default();
        eprintln!(
            "aethel stopped by itself; this is a bug, please report it with the command and its files\n{said}"
        );
        Exit::Bug.into()
    })
}

fn run() -> ExitCode {
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
    let (mut printer, opened) = Printer::new(&cli.global);
    let mut usable = opened;
    if printer.export_format() != printer.format() && !cli.command.is_export() {
        let message = "csv, hledger and beancount are formats of `aethel ledger export`";
        let help = "choose human, concise, json, sarif or github";
        usable = Err(Diagnostic::new(Code::AE0911, message).help(help));
    }
    if let Err(problem) = usable {
        printer.diagnostics(&[problem], &SourceMap::default());
        return printer.finish(Exit::Usage).into();
    }
    let exit = match cli.command {
        Command::Check(options) => commands::check::run(&options, &mut printer),
        Command::Run(options) => commands::run::run(&options, &mut printer),
        Command::Test(options) => commands::test::run(&options, &mut printer),
        Command::Sign(options) => commands::sign::run(&options, &mut printer),
        Command::Bench(options) => commands::bench::run(&options, &mut printer),
        Command::Fmt(options) => commands::fmt::run(&options, &mut printer),
        Command::Explain(options) => commands::explain::run(&options, &mut printer),
        Command::Ledger(options) => commands::ledger::run(&options, &mut printer),
        Command::Prove(options) => commands::prove::run(&options, &mut printer),
        Command::VerifyProof(options) => commands::verify_proof::run(&options, &mut printer),
        Command::Graph(options) => commands::graph::run(&options, &mut printer),
        Command::Lsp => lsp::run(),
        Command::Oracle(command) => commands::oracle::run(&command, &mut printer),
        Command::New(options) => commands::new::run(&options, &mut printer),
        Command::Completions(options) => commands::completions::run(&options, &mut printer),
        Command::Man(options) => commands::man::run(&options, &mut printer),
    };
    printer.finish(exit).into()
}
