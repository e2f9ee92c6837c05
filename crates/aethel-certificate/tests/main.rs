//! Tests of the certificate and its checker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod decoding;
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
        seen: run.seen,
        versions: run.versions,
        written: run.written,
        way: Way::Serial,
        solver: String::new(),
        lemmas: vec![],
    })
}

mod strategies {
    use crate::support::{Kind, Step};
    use proptest::prelude::*;

    pub fn step(kinds: &'static [Kind]) -> impl Strategy<Value = Step> {
        (
            proptest::sample::select(kinds),
            any::<u8>(),
            any::<u8>(),
            1..500_i128,
            any::<u8>(),
            prop_oneof![4 => Just(vec![]), 1 => proptest::collection::vec(any::<u8>(), 1..3)],
        )
            .prop_map(|(kind, a, b, amount, rank, after)| Step {
                kind,
                a,
                b,
                amount,
                rank,
                after,
            })
    }
}
