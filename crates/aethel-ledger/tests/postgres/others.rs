//! Several programs on one ledger: each sees what the others did, or runs again.

use super::server::{schema, shared};
use super::{limits, open_at, server_url};
use crate::support::*;
use aethel_ledger::*;
use std::sync::mpsc;
use std::time::Duration;

fn conflict(outcome: Result<CommitOutcome, LedgerError>) -> Vec<PlaceKey> {
    match outcome {
        Ok(CommitOutcome::Conflict { places }) => places,
        other => panic!("no conflict: {other:?}"),
    }
}

#[test]
fn whoever_comes_second_runs_again() {
    let url = shared().url(&schema());
    let (mut one, mut two) = (open_at(&url), open_at(&url));
    assert_ne!(one.head().ledger_id, two.head().ledger_id);
    let late = Batch::new("other", "k").open(&two, usd("bob"), 5).build();
    first(&mut one);
    // The ledger is there now, with an id and a policy that the second did not know.
    assert_eq!(conflict(two.commit(&late)), []);
    assert_eq!(two.head(), one.head());
    let late = Batch::new("other", "k").open(&two, usd("bob"), 5).build();
    assert_eq!(committed(two.commit(&late).unwrap()).0, 2);
    // One has not looked since; its payment touches nothing that changed.
    let request = pay(&one, "k2", 100);
    assert_eq!(committed(one.commit(&request).unwrap()).0, 3);
    // Both read the same, and the second to commit read too early.
    two.begin(false).unwrap();
    one.begin(false).unwrap();
    let (early, later) = (pay(&two, "k3", 1), pay(&one, "k4", 1));
    committed(one.commit(&later).unwrap());
    assert_eq!(conflict(two.commit(&early)), [usd("alice"), usd("company")]);
    // A key is found before anything is compared.
    assert!(matches!(two.commit(&later), Ok(CommitOutcome::AlreadyCommitted(known)) if known.sequence == 4));
    two.begin(false).unwrap();
    let request = pay(&two, "k3", 1);
    committed(two.commit(&request).unwrap());
    assert_eq!(
        (clean(&open_at(&url)).records, value(&two, "alice")),
        (5, Some(1336))
    );
}

#[test]
fn a_changed_policy_is_seen_before_anything_is_committed() {
    let url = shared().url(&schema());
    let (mut one, mut two) = (open_at(&url), open_at(&url));
    first(&mut one);
    two.begin(false).unwrap();
    let early = pay(&two, "early", 1);
    let change = PolicyChange::Unbounded(account("alice"));
    committed(
        one.commit(&Batch::new("policy", "1").change(change).build())
            .unwrap(),
    );
    assert_eq!(conflict(two.commit(&early)), []);
    assert!(two.policy().is_unbounded("alice"));
    committed(two.commit(&early).unwrap());
    // Whoever only looks sees it when it begins anew, and not before.
    let mut reader = PostgresStore::open_read_only(&server_url(&url), limits()).unwrap();
    let change = PolicyChange::Bounded(account("alice"));
    committed(
        two.commit(&Batch::new("policy", "2").change(change).build())
            .unwrap(),
    );
    assert!(reader.policy().is_unbounded("alice") && reader.head().sequence == 3);
    assert!(reader.row(4).unwrap().is_none());
    assert_eq!(clean(&reader).records, 3);
    reader.begin(false).unwrap();
    assert!(!reader.policy().is_unbounded("alice") && reader.row(4).unwrap().is_some());
    let refused = reader.commit(&early).unwrap_err();
    assert_eq!(refused.code().id(), "AE0810");
}

#[test]
fn one_that_runs_alone_is_not_overtaken() {
    let url = shared().url(&schema());
    let mut one = open_at(&url);
    first(&mut one);
    one.begin(true).unwrap();
    let mine = pay(&one, "mine", 1);
    let (send, receive) = mpsc::channel();
    let theirs = std::thread::spawn(move || {
        let mut two = open_at(&url);
        let theirs = pay(&two, "theirs", 1);
        send.send(()).unwrap();
        let outcome = two.commit(&theirs);
        (outcome, two.head().sequence)
    });
    receive.recv().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(!theirs.is_finished(), "it did not wait");
    assert_eq!(committed(one.commit(&mine).unwrap()).0, 2);
    let (outcome, seen) = theirs.join().unwrap();
    assert_eq!((conflict(outcome).len(), seen), (2, 2));
    // Whoever gives up lets go.
    one.begin(true).unwrap();
    one.begin(false).unwrap();
    let mut two = open_at(&shared().url(one.name().rsplit_once('=').unwrap().1));
    let request = pay(&two, "k", 1);
    committed(two.commit(&request).unwrap());
}

#[test]
fn a_lock_is_not_waited_for_for_ever() {
    let name = schema();
    let url = shared().url(&name);
    let mut one = open_at(&url);
    first(&mut one);
    one.begin(true).unwrap();
    let short = ServerLimits {
        wait: Duration::ZERO,
        ..limits()
    };
    let mut two = PostgresStore::open_or_new(&server_url(&url), short).unwrap();
    // The session's limit is half a minute at least; here the server is told to lose patience at once.
    shared().sql("postgres", "SELECT 1");
    let request = pay(&two, "k", 1);
    let started = std::thread::spawn(move || {
        let outcome = two.commit(&request);
        (outcome, two)
    });
    // The one who holds it is frozen, as the server sees it, and loses its transaction.
    let holder = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
                  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'head' AND n.nspname = ";
    std::thread::sleep(Duration::from_millis(100));
    let waits = format!(
        "{holder}'{name}' AND l.mode = 'RowShareLock' AND l.pid IN \
        (SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity)"
    );
    assert_eq!(shared().sql("books", &waits), "t");
    let (outcome, _two) = started.join().unwrap();
    committed(outcome.unwrap());
    // Nothing of it is taken for done.
    let request = pay(&open_at(&url), "late", 1);
    let refused = one.commit(&request);
    assert!(refused.is_ok() || refused.is_err_and(|error| error.code().id() == "AE0801"));
    clean(&open_at(&url));
}

/// Two accounts may issue; together they may not issue more than a ledger holds, even where each only reads the other.
#[test]
fn the_supply_is_held_across_programs() {
    let url = shared().url(&schema());
    let mut one = open_at(&url);
    first(&mut one);
    for (key, name) in [("1", "mint1"), ("2", "mint2")] {
        let change = PolicyChange::Unbounded(account(name));
        committed(
            one.commit(&Batch::new("policy", key).change(change).build())
                .unwrap(),
        );
        let open = Batch::new("open", key)
            .open(&one, usd(name), 0)
            .open(&one, usd(&format!("bank of {name}")), 0)
            .build();
        committed(one.commit(&open).unwrap());
    }
    let mut two = open_at(&url);
    let issue = |store: &PostgresStore, name: &str| {
        let bank = usd(&format!("bank of {name}"));
        Batch::new("issue", name)
            .transfer(store, usd(name), bank, MAX_MINOR_UNITS / 2 + 1)
            .build()
    };
    let (mine, theirs) = (issue(&one, "mint1"), issue(&two, "mint2"));
    committed(one.commit(&mine).unwrap());
    assert!(!conflict(two.commit(&theirs)).is_empty());
    two.begin(false).unwrap();
    assert!(!conflict(two.commit(&theirs)).is_empty());
    // Taking back is always possible.
    let back = Batch::new("back", "1")
        .transfer(&one, usd("bank of mint1"), usd("mint1"), MAX_MINOR_UNITS / 2)
        .build();
    committed(one.commit(&back).unwrap());
    committed(two.commit(&theirs).unwrap());
    clean(&two);
}

/// Whoever finds a ledger empty records what a first batch records; it has to look again even where the policy is as it
/// was.
#[test]
fn only_one_batch_is_the_first() {
    let url = shared().url(&schema());
    let (mut one, mut two) = (open_at(&url), open_at(&url));
    let nothing = |name: &str| {
        let key = BatchKey::User(name.into());
        let content = Digest::of("test content", name.as_bytes());
        CommitRequest {
            versions: Vec::new(),
            expected: Vec::new(),
            body: Body::new(RecordKind::Batch, 0, name, key, content),
            certificate: Vec::new(),
            lemmas: Vec::new(),
        }
    };
    committed(one.commit(&nothing("one")).unwrap());
    assert_eq!(conflict(two.commit(&nothing("two"))), []);
    assert_eq!(committed(two.commit(&nothing("two")).unwrap()).0, 2);
}

/// Who makes the tables may be killed before there is a head: that is no ledger yet, and the next one goes on.
#[test]
fn tables_without_a_head_are_finished_by_the_next() {
    let name = schema();
    let url = shared().url(&name);
    first(&mut open_at(&url));
    let tables = ["batches", "keys", "balances", "lemmas", "head"].map(|table| format!("{name}.{table}"));
    shared().sql("books", &format!("TRUNCATE {}", tables.join(", ")));
    let mut store = open_at(&url);
    assert!(!store.is_created());
    first(&mut store);
    assert_eq!(clean(&open_at(&url)).records, 1);
}
