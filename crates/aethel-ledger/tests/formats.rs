//! Files of every version that was ever written, and of one that is not there yet.

use crate::damage::{BATCHES, META, rich, tamper};
use crate::support::*;
use aethel_ir::Code;
use aethel_ledger::*;
use redb::ReadableTable;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A ledger of version 1 as version 1.8.0 wrote it: a checkpoint, then a tail. It is never written again.
const FORMAT_1: &str = "tests/fixtures/format-1.redb";
const FORMAT_1_HEAD: &str = "08646406aad031340c92eeefc5e9a93dbca6a70af6f3d08767a3d8ddf1c9d0d7";

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Makes the fixture. Only for a new format: `cargo test -p aethel-ledger -- --ignored make_a_fixture`.
#[test]
#[ignore = "writes a file that is to stay as it is"]
fn make_a_fixture() {
    let path = kept(FORMAT_1);
    let mut store = open(&path);
    rich(&mut store);
    store.checkpoint().unwrap();
    let mut request = pay(&store, "tail", 7);
    request.lemmas = vec![(lemma_digest(b"lemma"), b"lemma".to_vec())];
    println!("{}", committed(store.commit(&request).unwrap()).1);
}

#[test]
fn a_ledger_of_version_1_opens_and_goes_on() {
    let before = std::fs::read(kept(FORMAT_1)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    std::fs::write(&path, &before).unwrap();
    let head: Digest = FORMAT_1_HEAD.parse().unwrap();
    let check = |store: &RedbStore, records: u64, alice: i128| {
        let report = verify(store, Some(head)).unwrap();
        assert_eq!(
            (report.records, report.lemmas, report.anchored),
            (records, 1, true)
        );
        assert_eq!(value(store, "alice"), Some(alice));
        assert_eq!(value(store, "bob"), Some(303));
        assert_eq!(store.policy().scale("USD"), Some(2));
    };
    let reader = RedbStore::open_read_only(&path, Duration::ZERO).unwrap();
    assert_eq!(reader.head().receipt, head);
    check(&reader, 4, 1246);
    drop(reader);
    assert!(std::fs::read(&path).unwrap() == before, "a reader wrote");

    let mut store = open(&path);
    check(&store, 4, 1246);
    let request = pay(&store, "next", 4);
    assert_eq!(committed(store.commit(&request).unwrap()).0, 5);
    store.checkpoint().unwrap();
    check(&store, 5, 1250);
    drop(store);
    check(&open(&path), 5, 1250);
}

/// What this version must answer to files of the next one.
#[test]
fn a_newer_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let make = || {
        let _ = std::fs::remove_file(&path);
        std::fs::copy(kept(FORMAT_1), &path).unwrap();
    };
    let refused = |what: &str| {
        let before = std::fs::read(&path).unwrap();
        let read = RedbStore::open_read_only(&path, Duration::ZERO).err();
        assert!(std::fs::read(&path).unwrap() == before, "{what}: a reader wrote");
        for error in [read, RedbStore::open_or_new(&path, Duration::ZERO).err()] {
            let error = error.unwrap_or_else(|| panic!("{what}: it opened"));
            assert_eq!(error.code(), Code::AE0805, "{what}: {error}");
            let said = error.to_diagnostic();
            assert!(said.message.contains("ledger.redb"), "{}", said.message);
            assert!(said.message.contains('2') && said.help.is_some());
        }
    };
    make();
    tamper(&path, |transaction| {
        let mut meta = transaction.open_table(META).unwrap();
        let mut row = meta.get("ledger").unwrap().unwrap().value().to_vec();
        row[0] = 2;
        row.extend(b"what version 2 adds");
        meta.insert("ledger", row.as_slice()).unwrap();
    });
    refused("tables");
    make();
    tamper(&path, |transaction| {
        let mut batches = transaction.open_table(BATCHES).unwrap();
        let mut row = batches.get(4).unwrap().unwrap().value().to_vec();
        row[4] = 2;
        row.extend(b"what version 2 adds");
        batches.insert(4, row.as_slice()).unwrap();
    });
    refused("a row");
}
