use crate::certify;
use crate::support::{Build, Kind};
use aethel_certificate::{DecodeError, FORMAT_VERSION, decode, digest, encode};
use proptest::prelude::*;

fn bytes() -> Vec<u8> {
    let mut build = Build::new("b");
    build.rows(Kind::Pay, &[("a", "b", 5), ("b", "c", 2)]);
    build.one(Kind::Count, "a", "a", 0);
    let snapshot = build.snapshot(100, &[]);
    encode(&certify(&build, &snapshot).unwrap().view()).unwrap()
}

#[test]
fn what_was_encoded_is_decoded() {
    let mut build = Build::new("b");
    build.rows(Kind::Pay, &[("a", "b", 5), ("b", "c", 2)]);
    let mut certificate = certify(&build, &build.snapshot(100, &[])).unwrap();
    let encoded = encode(&certificate.view()).unwrap();
    let decoded = decode(&encoded).unwrap();
    for group in &mut certificate.batch.groups {
        group.origin = None;
    }
    for item in &mut certificate.batch.items {
        item.origin = None;
    }
    assert_eq!(decoded, certificate);
    assert_eq!(encode(&decoded.view()).unwrap(), encoded);
    assert_eq!(digest(&encoded), digest(&encode(&decoded.view()).unwrap()));
    assert!(decoded.check(None).is_ok());
}

#[test]
fn foreign_and_newer_files() {
    assert_eq!(decode(b""), Err(DecodeError::NotACertificate));
    assert_eq!(
        decode(b"PK\x03\x04 something else entirely"),
        Err(DecodeError::NotACertificate)
    );
    let mut newer = bytes();
    newer[16] = 9;
    assert_eq!(decode(&newer), Err(DecodeError::UnknownVersion(9)));
    let mut longer = bytes();
    longer.push(0);
    assert!(matches!(decode(&longer), Err(DecodeError::Damaged(_))));
}

#[test]
fn every_prefix_is_refused() {
    let bytes = bytes();
    for end in 0..bytes.len() {
        assert!(decode(&bytes[..end]).is_err(), "prefix of {end} bytes");
    }
}

#[test]
fn a_group_that_claims_billions_of_rows_is_refused_at_once() {
    let mut build = Build::new("b");
    build.one(Kind::Pay, "a", "b", 5);
    let mut certificate = certify(&build, &build.snapshot(100, &[])).unwrap();
    certificate.batch.groups[0].rows = u32::MAX;
    let encoded = encode(&certificate.view()).unwrap();
    let started = std::time::Instant::now();
    assert!(matches!(decode(&encoded), Err(DecodeError::BadBatch(_))));
    assert!(started.elapsed().as_secs() < 30);
}

/// Few bytes may name few places and transactions only.
#[test]
fn an_intent_with_a_thousand_places_of_a_thousand_rows_is_refused() {
    let mut build = Build::new("b");
    let names: Vec<String> = (0..1000).map(|n| format!("a{n}")).collect();
    let rows: Vec<_> = names.iter().map(|name| ("payer", name.as_str(), 1)).collect();
    build.rows(Kind::Pay, &rows);
    let certificate = certify(&build, &build.snapshot(10_000, &[])).unwrap();
    assert!(decode(&encode(&certificate.view()).unwrap()).is_ok());
    let mut wide = certificate;
    let place = wide.batch.intents[0].places[1];
    wide.batch.intents[0].places = vec![place; 5000];
    let encoded = encode(&wide.view()).unwrap();
    assert!(
        matches!(decode(&encoded), Err(DecodeError::BadBatch(_))),
        "{}",
        encoded.len()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn p24_any_bytes(tail in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut hostile = b"aethel-certific\n".to_vec();
        hostile.extend(FORMAT_VERSION.to_le_bytes());
        hostile.extend(&tail);
        if let Ok(certificate) = decode(&hostile) {
            let _ = certificate.check(None);
        }
    }

    #[test]
    fn p24_changed_bytes(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut hostile = bytes();
        for (index, byte) in changes {
            let at = index.index(hostile.len());
            hostile[at] = byte;
        }
        if let Ok(certificate) = decode(&hostile) {
            let _ = certificate.check(None);
        }
    }
}
