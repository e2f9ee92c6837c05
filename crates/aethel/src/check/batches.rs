//! The batches of a program, judged as a whole.

use super::intents::Intents;
use super::proof::{ALIVE, Answer, add, conserves};
use super::{CheckOptions, CheckReport};
use crate::lemmas::Z3Prover;
use aethel_certificate::escrow::settle;
use aethel_ir::{
    Access, AssetId, Batch, Class, Code, Diagnostic, PlaceId, Proof, ProofKind, Requirement, SourceId,
    TransactionId,
};
use aethel_lower::LoweredBatch;
use aethel_proof::check::{BatchReport, BatchSubject, BatchVerdict, MAX_CHAIN, check_batch};
use aethel_runtime::AccessProver;
use std::sync::Arc;

/// How many transactions that exclude each other are shown.
const SHOWN: usize = 5;

/// A batch and what was found out about it; `None` when one of its intents never goes through, which is said there.
pub(super) struct Judged {
    pub report: Option<BatchReport>,
    /// Whenever it goes through in batch order it goes through in every other, with the same result.
    pub any_order: bool,
}

/// Asks about one batch.
pub(super) fn judge(
    lowered: &LoweredBatch,
    order: &[TransactionId],
    index: usize,
    intents: &Intents,
    options: &CheckOptions,
) -> Judged {
    if intents.dead(index) {
        return Judged {
            report: None,
            any_order: false,
        };
    }
    let leaks = intents.leaks(index);
    let subject = BatchSubject {
        batch: &lowered.batch,
        order,
        unknown: &lowered.unknown,
        leaks: &leaks,
    };
    let report = check_batch(subject, &options.limits);
    Judged {
        any_order: leaks.is_empty()
            && report.success == BatchVerdict::Proved
            && any_order(lowered, &report, options),
        report: Some(report),
    }
}

/// Theorem T4 for all states at once: with just what batch order needs, every sum fits, and more only helps. What bounds
/// and changes depend on must be arguments alone, all of them known. Nothing overflows in any order, since every credit
/// comes out of a bounded account of the batch: no value is created, and no account is unbounded.
fn any_order(lowered: &LoweredBatch, report: &BatchReport, options: &CheckOptions) -> bool {
    let batch = &lowered.batch;
    if batch.len() < 2 || !lowered.unknown.is_empty() || batch.unbounded.contains(&true) {
        return false;
    }
    let proved = Z3Prover::with_cache(Arc::clone(&options.cache)).prove(batch);
    let on_arguments = |access: &Access| {
        access.linear.is_some()
            && access
                .slots
                .iter()
                .all(|slot| slot.class == Class::Add && slot.needs.is_empty())
    };
    if !proved.access.iter().all(on_arguments) {
        return false;
    }
    let mut least = vec![0; batch.places.len()];
    for (place, need) in &report.needs {
        if let Some(value) = least.get_mut(place.0 as usize) {
            *value = *need;
        }
    }
    settle(batch, &proved.access, &least).any_order()
}

/// Adds diagnostics and the proof of a batch.
pub(super) fn tell(lowered: &LoweredBatch, judged: &Judged, report: &mut CheckReport) {
    let batch = &lowered.batch;
    let source = lowered.at.map_or_else(SourceId::default, |(source, _)| source);
    let mut proof = Proof::new(ProofKind::Batch, &batch.name, source);
    let Some(found) = &judged.report else {
        add(&mut proof, ALIVE.to_owned(), Answer::Refuted);
        report.proofs.push(proof);
        return;
    };
    match &found.success {
        BatchVerdict::Proved => add(&mut proof, ALIVE.to_owned(), Answer::Proved),
        BatchVerdict::Refuted => {
            add(&mut proof, ALIVE.to_owned(), Answer::Refuted);
            report.diagnostics.push(excluding(lowered, &found.excluding));
        }
        BatchVerdict::Undecided { reason } => {
            add(&mut proof, ALIVE.to_owned(), Answer::Undecided);
            report.undecided = true;
            let message = format!("cannot decide whether `{}` can succeed: {reason}", batch.name);
            let diagnostic = Diagnostic::new(Code::AE1010, message).label_at(lowered.at, "this batch");
            report
                .diagnostics
                .push(diagnostic.help("give `check` a larger `--rlimit`, or make the batch smaller"));
        }
        BatchVerdict::NotAttempted => {
            let message = format!(
                "whether `{}` can succeed was not tried: it has more than {MAX_CHAIN} transactions",
                batch.name
            );
            let diagnostic = Diagnostic::new(Code::AE1011, message).label_at(lowered.at, "this batch");
            report
                .diagnostics
                .push(diagnostic.help("its intents were judged one by one; a run of it is checked exactly"));
        }
    }
    if found.success != BatchVerdict::Refuted {
        conservation(batch, found, &mut proof, report);
    }
    if judged.any_order {
        add(
            &mut proof,
            "any order gives the same result (escrow)".to_owned(),
            Answer::Proved,
        );
    }
    proof.requires = requirements(batch, found);
    proof.queries = found.queries;
    proof.nanoseconds = found.nanoseconds;
    report.proofs.push(proof);
}

/// Assets that every intent conserves are conserved; of the others the batch itself was asked.
fn conservation(batch: &Batch, found: &BatchReport, proof: &mut Proof, report: &mut CheckReport) {
    for n in 0..batch.assets.len() {
        let asset = AssetId(n as u16);
        let asked = found.conserves.iter().find(|(known, _)| *known == asset);
        match asked.map(|(_, verdict)| verdict) {
            None | Some(BatchVerdict::Proved) => add(proof, conserves(batch, asset), Answer::Proved),
            // Said at the intent.
            Some(BatchVerdict::Refuted) => {}
            Some(BatchVerdict::Undecided { .. }) => {
                add(proof, conserves(batch, asset), Answer::Undecided);
                report.undecided = true;
            }
            Some(BatchVerdict::NotAttempted) => {}
        }
    }
}

fn excluding(lowered: &LoweredBatch, core: &[TransactionId]) -> Diagnostic {
    let batch = &lowered.batch;
    let name = &batch.name;
    let names: Vec<String> = (core.iter().take(SHOWN))
        .map(|id| format!("`{}`", batch.transaction_name(*id)))
        .collect();
    let (message, label, help) = match names.as_slice() {
        [one] => (
            format!("`{name}` can never succeed: {one} always fails there"),
            "fails whatever the balances are",
            "look for one account under two names, or for what the transactions before it leave behind",
        ),
        _ => (
            format!(
                "`{name}` can never succeed: {} exclude each other",
                names.join(", ")
            ),
            "after this one the others cannot all go through",
            "change what one of them requires, or put them into different batches",
        ),
    };
    let mut diagnostic = Diagnostic::new(Code::AE1003, message);
    for (index, id) in core.iter().take(SHOWN).enumerate() {
        let place = batch.transaction(*id).and_then(|view| {
            let origin = view.group.origin.as_ref();
            let origin = origin.and_then(|(source, column)| Some((*source, *column.get(view.row)?)));
            view.group.call.or(origin)
        });
        if let Some((source, span)) = place {
            diagnostic = diagnostic.label(source, span, if index == 0 { label } else { "" });
        }
    }
    if diagnostic.labels.is_empty() {
        diagnostic = diagnostic.label_at(lowered.at, label);
    }
    diagnostic.help(help)
}

/// The largest needs first.
fn requirements(batch: &Batch, found: &BatchReport) -> Vec<Requirement> {
    let requirement = |(place, minor): &(PlaceId, i128)| {
        let asset = batch.assets.get(usize::from(batch.asset_of(*place)?.0))?;
        Some(Requirement {
            account: batch.account_of(*place)?.to_string(),
            asset: asset.name.to_string(),
            minor: *minor,
            scale: asset.scale,
        })
    };
    let mut all: Vec<Requirement> = found.needs.iter().filter_map(requirement).collect();
    all.sort_by(|a, b| b.minor.cmp(&a.minor).then_with(|| a.account.cmp(&b.account)));
    all
}
