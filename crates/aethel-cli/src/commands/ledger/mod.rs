//! `aethel ledger ..`: what is in a ledger, and its policy.

mod copy;
mod export;
mod import;
mod policy;
mod proof;
mod show;
mod verify;

use crate::exit::Exit;
use crate::options::{LedgerCommand, LedgerOptions};
use crate::printer::Printer;
use aethel::ir::{Code, Diagnostic, SourceMap};
use aethel::ledger::LedgerPath;
use aethel::store::LedgerError;

/// Runs a ledger command.
pub fn run(options: &LedgerOptions, printer: &mut Printer) -> Exit {
    let mut sources = SourceMap::default();
    let result = LedgerPath::resolve(options.ledger.as_ref(), &mut sources)
        .map_err(|d| vec![d])
        .and_then(|path| {
            let wait = options.wait.0;
            match &options.command {
                LedgerCommand::Import(import) => import::run(import, &path, wait, &mut sources, printer),
                LedgerCommand::Show { accounts } => show::balances(accounts, &path, wait, printer),
                LedgerCommand::History { account } => show::history(account, &path, wait, printer),
                LedgerCommand::Batches => show::batches(&path, wait, printer),
                LedgerCommand::Proof { batch, out } => {
                    proof::run(batch, out.as_deref(), &path, wait, printer)
                }
                LedgerCommand::Export { out } => export::run(out.as_deref(), &path, wait, printer),
                LedgerCommand::Copy { from, to } => copy::run(from, to, wait, printer),
                LedgerCommand::Verify { head } => verify::run(head.as_deref(), &path, wait, printer),
                LedgerCommand::Policy { approving, command } => {
                    policy::run(command.as_ref(), approving, &path, wait, printer)
                }
            }
        });
    match result {
        Ok(()) => Exit::Fine,
        Err(problems) => {
            printer.diagnostics(&problems, &sources);
            Exit::of(&problems)
        }
    }
}

/// A store's error as the end of a command.
fn store(error: LedgerError) -> Vec<Diagnostic> {
    vec![error.to_diagnostic()]
}

/// Something that is not in the ledger.
fn missing(message: String, help: Option<String>) -> Vec<Diagnostic> {
    let help =
        help.unwrap_or_else(|| "`aethel ledger show` and `aethel ledger batches` list what is there".into());
    vec![Diagnostic::new(Code::AE0813, message).help(help)]
}
