//! The binary: what it says and its exit codes.

use crate::certify;
use crate::support::{Build, Kind};
use aethel_certificate::{Certificate, ProofFile, encode};
use std::process::Command;

fn run(bytes: Option<&[u8]>) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("certificate");
    if let Some(bytes) = bytes {
        std::fs::write(&path, bytes).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_aethel-certificate"))
        .arg(&path)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn certificate() -> Certificate {
    let mut build = Build::new("b");
    build.rows(Kind::Pay, &[("a", "b", 60), ("a", "c", 40)]);
    certify(&build, &build.snapshot(0, &[("a", 100)])).unwrap()
}

#[test]
fn accepted_rejected_unreadable() {
    let mut c = certificate();
    let (code, said) = run(Some(&encode(&c.view()).unwrap()));
    assert_eq!(code, Some(0));
    assert!(said.starts_with("accepted: 2 transactions, 4 accesses"), "{said}");
    assert!(said.contains("1.00 USD before and after"), "{said}");
    let record = crate::lemma::record().encode().unwrap();
    c.lemmas = vec![aethel_certificate::LemmaRecord::digest(&record)];
    let bytes = encode(&c.view()).unwrap();
    let file = ProofFile {
        certificate: &bytes,
        lemmas: vec![&record],
    };
    let (code, said) = run(Some(&file.encode().unwrap()));
    assert_eq!(code, Some(0));
    assert!(
        said.ends_with("lemma test: checked by its multipliers\n"),
        "{said}"
    );
    let (code, said) = run(Some(&bytes));
    assert_eq!(code, Some(1));
    assert!(said.starts_with("rejected: the lemma "), "{said}");
    c.lemmas.clear();
    // A name may hold an escape sequence; the terminal must not see it.
    c.batch.groups[0].names = aethel_ir::Names::Rows("\u{1b}[2Jpay".into());
    c.written[0] += 1;
    let (code, said) = run(Some(&encode(&c.view()).unwrap()));
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("rejected: `\u{fffd}[2Jpay row 1` wrote"),
        "{said}"
    );
    assert_eq!(run(Some(b"something else")).0, Some(2));
    assert_eq!(run(None).0, Some(2));
}
