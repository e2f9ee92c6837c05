//! Tests of the certificate and its checker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod binary;
mod decoding;
mod escrow;
mod lemma;
mod support;
mod tampering;

use aethel_certificate::{Certificate, Way};

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
