//! `aethel sign`: approvers look at what a file would do, and sign it.

use crate::exit::Exit;
use crate::options::Format;
use crate::options::sign::{Approving, SignCommand, SignOptions};
use crate::printer::Printer;
use aethel::approvals::{self, Signer};
use aethel::ir::time::utc;
use aethel::ir::{Code, Diagnostic, SourceMap};
use aethel::runtime::Approval;
use aethel::store::{CommitOutcome, CommitRequest, LedgerStore, SignedPlan};
use aethel_report::escape::terminal;
use aethel_report::run as draw;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Signs the batches of a file, or makes a key.
pub fn run(options: &SignOptions, printer: &mut Printer) -> Exit {
    let mut sources = SourceMap::default();
    let result = match &options.command {
        Some(SignCommand::Keygen { file }) => super::oracle::keygen(file, printer),
        None => sign(options, &mut sources, printer),
    };
    match result {
        Ok(()) => Exit::Fine,
        Err(problems) => {
            printer.diagnostics(&problems, &sources);
            Exit::of(&problems)
        }
    }
}

fn sign(
    options: &SignOptions,
    sources: &mut SourceMap,
    printer: &mut Printer,
) -> Result<(), Vec<Diagnostic>> {
    let one = |diagnostic: Diagnostic| vec![diagnostic];
    let usage = |message: &str, help: &str| vec![Diagnostic::new(Code::AE0911, message).help(help)];
    let (Some(file), Some(with)) = (&options.file, &options.with) else {
        return Err(usage(
            "there is nothing to sign",
            "name a file, and a key with `--with`",
        ));
    };
    let out = match &options.out {
        Some(out) => out.clone(),
        None if file == Path::new("-") => {
            let help = "name one with `--out`";
            return Err(usage("signatures for standard input need a file", help));
        }
        None => approvals::default_path(file),
    };
    let signer = Signer::open(with, options.expires.0).map_err(one)?;
    let mut run = super::run::library_options(&options.subject);
    run.signatures.extend(out.exists().then(|| out.clone()));
    let (batches, problems) = approvals::sign_run(file, &run, &signer, sources)?;
    if printer.format() != Format::Json && printer.diagnostics(&problems, sources) {
        return Err(Vec::new());
    }
    let signed: Vec<SignedPlan> = batches.iter().filter_map(|batch| batch.signed.clone()).collect();
    if !signed.is_empty() {
        approvals::append(&out, &signed).map_err(one)?;
    }
    if printer.wants_json() {
        let list: Vec<Value> = batches
            .iter()
            .map(|batch| {
                json!({
                    "batch": batch.result.batch,
                    "already_committed": batch.result.already_committed,
                    "approver": batch.signed.as_ref().map(|signed| &signed.approver),
                    "expires_ms": batch.signed.as_ref().map(|signed| signed.expires_ms),
                    "approval": batch.result.approval,
                    "balances": batch.result.balances,
                })
            })
            .collect();
        let value = json!({ "schema": 1, "file": out.display().to_string(), "batches": list });
        printer.json(&value);
        if !printer.wants_more() {
            return Ok(());
        }
    }
    for batch in &batches {
        match &batch.signed {
            Some(signed) => {
                printer.say(&draw::plan(&batch.result));
                printer.say(&format!("\n{}", ending(signed, &out)));
            }
            None if batch.result.already_committed => printer.say(&draw::batch(&batch.result, "", false)),
            None => printer.say(&format!("{} needs no approval\n", terminal(&batch.result.batch))),
        }
    }
    Ok(())
}

fn ending(signed: &SignedPlan, out: &Path) -> String {
    format!(
        "signed as {} until {} · {}\n",
        terminal(&signed.approver),
        utc(signed.expires_ms),
        terminal(&out.display().to_string())
    )
}

/// Commits a record with the signatures that were brought, or signs it: then there is no outcome.
pub fn commit_or_sign(
    store: &mut dyn LedgerStore,
    request: &mut CommitRequest,
    approving: &Approving,
    printer: &mut Printer,
) -> Result<Option<CommitOutcome>, Vec<Diagnostic>> {
    let one = |diagnostic: Diagnostic| vec![diagnostic];
    let Some((key, out)) = signing(approving) else {
        let signatures = approvals::read_all(&approving.signatures).map_err(one)?;
        return approvals::commit(store, request, &signatures)
            .map(Some)
            .map_err(one);
    };
    let signer = Signer::open(key, approving.expires.0).map_err(one)?;
    let before = approvals::read_if_there(out).map_err(one)?;
    let (signed, approval) = approvals::sign_record(store, request, &before, &signer).map_err(one)?;
    approvals::append(out, std::slice::from_ref(&signed)).map_err(one)?;
    tell(&signed, &approval, out, printer);
    Ok(None)
}

fn signing(approving: &Approving) -> Option<(&PathBuf, &PathBuf)> {
    approving.sign_with.as_ref().zip(approving.out.as_ref())
}

fn tell(signed: &SignedPlan, approval: &Approval, out: &Path, printer: &mut Printer) {
    if printer.wants_json() {
        let value = json!({
            "schema": 1, "file": out.display().to_string(), "approver": signed.approver,
            "expires_ms": signed.expires_ms, "approval": approval,
        });
        printer.json(&value);
        if !printer.wants_more() {
            return;
        }
    }
    printer.say(&draw::needs(approval));
    printer.say(&format!(
        "  plan {}\n\n{}",
        approval.plan_hash,
        ending(signed, out)
    ));
}
