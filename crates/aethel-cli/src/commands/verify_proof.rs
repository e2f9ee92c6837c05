//! `aethel verify-proof`: the independent checker on a proof file.

use crate::exit::Exit;
use crate::options::VerifyProofOptions;
use crate::printer::Printer;
use aethel::certificate::{Checked, CheckedProof, Grounds, LemmaRecord};
use aethel::files::{MAX_FILE_BYTES, read_named};
use aethel::ir::money::counted;
use aethel::ir::{Diagnostic, SourceMap};
use aethel::ledger::LedgerPath;
use aethel::proof;
use aethel::store::BatchSummary;
use aethel_report::escape::terminal;
use serde_json::{Value, json};

/// Checks the file, and compares it with a ledger when one is named.
pub fn run(options: &VerifyProofOptions, printer: &mut Printer) -> Exit {
    let mut sources = SourceMap::default();
    match verify(options, &mut sources, printer) {
        Ok(()) => Exit::Fine,
        Err(problem) => {
            let problems = vec![*problem];
            printer.diagnostics(&problems, &sources);
            Exit::of(&problems)
        }
    }
}

fn verify(
    options: &VerifyProofOptions,
    sources: &mut SourceMap,
    printer: &mut Printer,
) -> Result<(), Box<Diagnostic>> {
    let bytes = read_named(&options.file, MAX_FILE_BYTES)?;
    let store = match &options.ledger {
        None => None,
        Some(given) => Some(LedgerPath::resolve(given.as_ref(), sources)?.open_existing(options.wait.0)?),
    };
    let store = store.as_deref();
    let name = options.file.to_string_lossy();
    let (proof, batch) = proof::verify(&terminal(&name), &bytes, store)?;
    if printer.wants_json() {
        printer.json(&as_json(&proof, batch.as_ref()));
        if !printer.wants_more() {
            return Ok(());
        }
    }
    printer.result(&format!(
        "{} · {}\n\
         accepted: every transaction was evaluated again; the serial run in batch order commits and ends in the final state\n",
        terminal(&proof.certificate.batch.name),
        size(&proof.checked)
    ));
    for sum in &proof.checked.sums {
        printer.result(&format!(
            "  {} {} before and after\n",
            sum.shown,
            terminal(&sum.asset)
        ));
    }
    printer.result(&lemmas(&proof));
    match batch {
        Some(batch) => printer.result(&format!(
            "batch {} was committed with it, receipt {}\n",
            batch.sequence,
            batch.receipt.short()
        )),
        None => printer.say("  help: `--ledger` also looks for the batch that was committed with it\n"),
    }
    Ok(())
}

/// `1 000 transactions`, and how many accesses were logged where the order mattered.
pub fn size(checked: &Checked) -> String {
    let transactions = counted(checked.transactions, "transaction", "transactions");
    match checked.accesses {
        0 => transactions,
        logged => format!(
            "{transactions}, {}",
            counted(logged, "logged access", "logged accesses")
        ),
    }
}

/// The lemmas of a proof, a line each.
pub fn lemmas(proof: &CheckedProof) -> String {
    let line = |(lemma, grounds): &(LemmaRecord, Grounds)| {
        let grounds = match grounds {
            Grounds::Arithmetic => "its multipliers were checked".to_owned(),
            Grounds::Solver => format!("proved by {}", terminal(&lemma.solver)),
        };
        format!("  lemma {}: {grounds}\n", terminal(&lemma.name))
    };
    proof.lemmas.iter().map(line).collect()
}

fn as_json(proof: &CheckedProof, batch: Option<&BatchSummary>) -> Value {
    let lemma = |((lemma, grounds), digest): (&(LemmaRecord, Grounds), &[u8; 32])| {
        let digest = aethel::oracle::to_hex(digest);
        json!({
            "name": lemma.name, "statement": lemma.statement, "digest": digest, "solver": lemma.solver,
            "rlimit": lemma.rlimit, "verdict": "proved",
            "checked": match grounds { Grounds::Arithmetic => "multipliers", Grounds::Solver => "solver" },
        })
    };
    let lemmas = proof.lemmas.iter().zip(&proof.certificate.lemmas).map(lemma);
    let sum = |sum: &aethel::certificate::AssetSum| json!({ "asset": sum.asset, "sum": sum.shown });
    json!({
        "schema": 1, "accepted": true, "name": &*proof.certificate.batch.name,
        "transactions": proof.checked.transactions, "accesses": proof.checked.accesses,
        "sums": proof.checked.sums.iter().map(sum).collect::<Vec<_>>(),
        "lemmas": lemmas.collect::<Vec<_>>(),
        "batch": batch.map(|batch| batch.sequence),
        "receipt": batch.map(|batch| batch.receipt.to_string()),
    })
}
