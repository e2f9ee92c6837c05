//! Tests of the certificate and its checker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod binary;
mod decoding;
mod escrow;
mod lemma;
mod support;
mod tampering;

use aethel_certificate::{Certificate, Way};

/// The same run with as many places in escrow as need no order.
fn certify_escrow(build: &support::Build, snapshot: &[i128]) -> Option<Certificate> {
    let mut certificate = certify(build, snapshot)?;
    let batch = &build.batch;
    let settlement =
        aethel_certificate::escrow::settle(batch, &aethel_certificate::accesses(batch), snapshot);
    certificate.escrow = settlement.escrow();
    let layout = aethel_certificate::Layout::new(batch);
    for id in (0..batch.len() as u32).map(aethel_ir::TransactionId) {
        let view = batch.transaction(id).unwrap();
        let shape = &layout.shapes[view.group.intent as usize];
        let slots = layout.slots(id);
        for (nth, slot) in shape.written_slots.iter().enumerate() {
            let slot = usize::from(*slot);
            let place = view.group.places[slot].get(view.row).unwrap();
            if certificate.escrow.contains(place) {
                certificate.written[layout.writes(id).start + nth] -= certificate.seen[slots.start + slot];
            }
        }
        for (slot, column) in view.group.places.iter().enumerate() {
            if certificate.escrow.contains(column.get(view.row).unwrap()) {
                certificate.seen[slots.start + slot] = 0;
                certificate.versions[slots.start + slot] = 0;
            }
        }
    }
    if settlement.any_order() && !certificate.escrow.is_empty() {
        certificate.seen.clear();
        certificate.versions.clear();
        certificate.written.clear();
    }
    Some(certificate)
}

/// A certificate of the serial run.
fn certify(build: &support::Build, snapshot: &[i128]) -> Option<Certificate> {
    let run = support::reference(&build.batch, snapshot).ok()?;
    Some(Certificate {
        batch: build.batch.clone(),
        initial: snapshot.to_vec(),
        final_values: run.final_values,
        positions: run.positions,
        escrow: vec![],
        seen: run.seen,
        versions: run.versions,
        written: run.written,
        way: Way::Serial,
        solver: String::new(),
        lemmas: vec![],
    })
}
