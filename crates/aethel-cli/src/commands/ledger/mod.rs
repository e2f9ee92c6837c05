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
            exit_of(&problems)
        }
    }
}

/// What a command ends with when these problems stopped it.
pub fn exit_of(problems: &[Diagnostic]) -> Exit {
    let usage = |d: &Diagnostic| {
        matches!(
            d.code,
            Code::AE0801
                | Code::AE0802
                | Code::AE0803
                | Code::AE0805
                | Code::AE0807
                | Code::AE0809
                | Code::AE0810
                | Code::AE0813
                | Code::AE0901
                | Code::AE0910
                | Code::AE0911
        )
    };
    match problems {
        // They were told already.
        [] => Exit::Wrong,
        problems if problems.iter().any(|d| d.code == Code::AE0811) => Exit::OutcomeUnknown,
        problems if problems.iter().any(|d| d.code == Code::AE0509) => Exit::Interrupted,
        problems if problems.iter().all(usage) => Exit::Usage,
        _ => Exit::Wrong,
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
