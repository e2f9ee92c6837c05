//! Copies between files and servers: the same ledger, bit by bit.

use super::proxy::{Cut, Proxy, Way};
use super::server::{schema, shared, url};
use super::{limits, open_at, server_url};
use crate::support::*;
use aethel_ledger::*;

/// A ledger with payments, a policy change, fields, lemmas and rows large enough for several slices.
fn rich(store: &mut dyn LedgerStore) {
    first(store);
    let change = PolicyChange::Unbounded(account("alice"));
    committed(
        store
            .commit(&Batch::new("policy", "1").change(change).build())
            .unwrap(),
    );
    for round in 0..20 {
        let mut request = pay(store, &format!("k{round}"), 5);
        request.lemmas = vec![(lemma_digest(&[round]), vec![round])];
        request.certificate = vec![round; 450_000];
        committed(store.commit(&request).unwrap());
    }
    let mut opening = Batch::new("open", "k");
    for i in 0..300 {
        opening = opening.open(store, usd(&format!("person {i}")), i);
    }
    committed(store.commit(&opening.build()).unwrap());
}

fn same(one: &dyn LedgerStore, two: &dyn LedgerStore) {
    assert_eq!(one.head(), two.head());
    assert_eq!(one.policy(), two.policy());
    for sequence in 1..=one.head().sequence + 1 {
        assert_eq!(one.row(sequence).unwrap(), two.row(sequence).unwrap());
    }
    assert!(one.balances().unwrap().eq(two.balances().unwrap()));
    assert!(one.key_rows().unwrap().eq(two.key_rows().unwrap()));
    assert!(one.lemma_rows().unwrap().eq(two.lemma_rows().unwrap()));
    assert_eq!(clean(one), clean(two));
}

#[test]
fn there_and_back_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let mut file = open(&path("first.redb"));
    rich(&mut file);
    let there = server_url(&shared().url(&schema()));
    let report = copy_to_server(&file, &there, limits()).unwrap();
    assert_eq!((report.records, report.head), (23, file.head().receipt));
    let mut server = PostgresStore::open_or_new(&there, limits()).unwrap();
    same(&file, &server);
    copy_to_file(&server, &path("second.redb")).unwrap();
    let back = open(&path("second.redb"));
    same(&file, &back);
    copy_to_file(&back, &path("deep/er/third.redb")).unwrap();
    same(&file, &open(&path("deep/er/third.redb")));
    drop(back);
    // Nothing else lies about, and each goes on where the last one was.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3);
    let request = pay(&server, "more", 1);
    committed(server.commit(&request).unwrap());
    let mut back = open(&path("second.redb"));
    let same_request = pay(&back, "more", 1);
    committed(back.commit(&same_request).unwrap());
    same(&server, &back);

    // A copy goes where nothing is.
    for error in [
        copy_to_server(&file, &there, limits()).unwrap_err(),
        copy_to_file(&file, &path("second.redb")).unwrap_err(),
        copy_to_file(&server, directory.path()).unwrap_err(),
    ] {
        assert!(
            matches!(error, VerifyFailure::Store(LedgerError::Occupied { .. })),
            "{error}"
        );
    }
    same(&server, &back);
}

#[test]
fn a_ledger_that_does_not_verify_is_not_copied() {
    let directory = tempfile::tempdir().unwrap();
    let name = schema();
    let mut store = open_at(&shared().url(&name));
    rich(&mut store);
    drop(store);
    shared().sql(
        "books",
        &format!("UPDATE {name}.balances SET value = value + 1 WHERE version = 23"),
    );
    let store = PostgresStore::open_read_only(&server_url(&shared().url(&name)), limits()).unwrap();
    let failure = copy_to_file(&store, &directory.path().join("l.redb")).unwrap_err();
    assert!(matches!(failure, VerifyFailure::Table { .. }), "{failure}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    let other = server_url(&shared().url(&schema()));
    let failure = copy_to_server(&store, &other, limits()).unwrap_err();
    assert!(matches!(failure, VerifyFailure::Table { .. }), "{failure}");
    // Only an empty ledger is left, which any other may be copied to.
    assert!(!PostgresStore::open_or_new(&other, limits()).unwrap().is_created());
    let mut good = open(&directory.path().join("good.redb"));
    first(&mut good);
    copy_to_server(&good, &other, limits()).unwrap();
    same(&good, &PostgresStore::open_or_new(&other, limits()).unwrap());
}

#[test]
fn a_copy_whose_connection_is_cut_is_there_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = open(&directory.path().join("l.redb"));
    rich(&mut file);
    let proxy = Proxy::new(shared().port);
    let through = |name: &str| server_url(&url(&format!("127.0.0.1:{}", proxy.port), name));
    let name = schema();
    proxy.arm(None);
    copy_to_server(&file, &through(&name), limits()).unwrap();
    let (up, down) = (proxy.ends(Way::Up), proxy.ends(Way::Down));
    let mut there = 0;
    let last_up = up.iter().rev().take(6).map(|after| (Way::Up, *after));
    let some_up = up.iter().step_by(up.len() / 5 + 1).map(|after| (Way::Up, *after));
    let some_down = down
        .iter()
        .step_by(down.len() / 5 + 1)
        .map(|after| (Way::Down, *after));
    let last_down = down.iter().rev().take(4).map(|after| (Way::Down, after - 1));
    for (way, after) in some_up.chain(some_down).chain(last_down).chain(last_up) {
        let name = schema();
        let cut = Cut {
            way,
            after,
            stall: false,
            close: false,
        };
        proxy.arm(Some(cut));
        let answer = copy_to_server(&file, &through(&name), limits());
        proxy.arm(None);
        let direct = server_url(&shared().url(&name));
        let mut copied = PostgresStore::open_or_new(&direct, limits()).unwrap();
        // What is still under way ends before the lock is given.
        copied.begin(true).unwrap();
        copied.begin(false).unwrap();
        assert_eq!(answer.is_ok(), copied.is_created(), "{cut:?}: {answer:?}");
        if answer.is_err() {
            drop(copied);
            copy_to_server(&file, &direct, limits()).unwrap();
            copied = PostgresStore::open_or_new(&direct, limits()).unwrap();
        } else {
            there += 1;
        }
        same(&file, &copied);
    }
    assert!(there > 0);
}
