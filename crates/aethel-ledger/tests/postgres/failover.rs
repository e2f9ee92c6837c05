//! The primary dies under load, its synchronous standby takes over, and the runs go on.

use super::kills::{acknowledged, check, lines, spawn, wait_for};
use super::server::{Cluster, Node, url as url_of};
use super::{limits, open_at, server_url};
use crate::support::*;
use aethel_ledger::*;
use std::process::Child;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// A primary and a standby that every commit waits for.
fn pair(cluster: &Cluster) -> (Node, Node, String) {
    let primary = cluster.node("");
    let standby = cluster.standby_of(&primary);
    primary.set("synchronous_standby_names = '*'");
    let deadline = Instant::now() + Duration::from_secs(30);
    while primary.sql("books", "SELECT sync_state FROM pg_stat_replication") != "sync" {
        assert!(Instant::now() < deadline, "the standby does not follow");
        std::thread::sleep(Duration::from_millis(20));
    }
    let hosts = format!("{},{}", primary.host(), standby.host());
    (primary, standby, url_of(&hosts, "main"))
}

#[test]
fn a_synchronous_standby_takes_over_and_nothing_is_lost() {
    let cluster = Cluster::new();
    let (primary, standby, url) = pair(&cluster);
    let mut children: Vec<Child> = (0..3).map(|i| spawn(&url, &format!("{i}"), usize::MAX)).collect();
    let said: Vec<Receiver<String>> = children.iter_mut().map(lines).collect();
    said.iter().for_each(|said| wait_for(said, "READY"));
    std::thread::sleep(Duration::from_millis(600));
    // The standby may be looked at, if one asks for that, and is not written to.
    let alone = url_of(&standby.host(), "main");
    let looked = PostgresStore::open_read_only(
        &server_url(&format!("{alone}&target_session_attrs=any")),
        limits(),
    );
    assert!(clean(&looked.unwrap()).records > 0);
    let quick = ServerLimits::new(Duration::ZERO);
    let refused = PostgresStore::open_read_only(&server_url(&alone), quick)
        .err()
        .unwrap();
    assert!(refused.to_string().contains("does not allow writes"), "{refused}");
    primary.kill();
    standby.promote();
    let before = open_at(&url).head().sequence;
    // The same processes go on, on the other server.
    let deadline = Instant::now() + Duration::from_secs(30);
    while open_at(&url).head().sequence < before + 10 {
        assert!(Instant::now() < deadline, "the runs do not go on");
        std::thread::sleep(Duration::from_millis(50));
    }
    children.iter_mut().for_each(|child| child.kill().unwrap());
    children.iter_mut().for_each(|child| drop(child.wait()));
    let all: Vec<_> = said
        .iter()
        .flat_map(|said| said.iter())
        .filter_map(|line| acknowledged(&line))
        .collect();
    let records = check(&url, &all);
    println!(
        "{records} commits, {} acknowledged, {before} before the new primary was seen",
        all.len()
    );
    assert!(records >= all.len() as u64 && records <= all.len() as u64 + 3);
    assert!(before > 5);
}

/// While the standby is away no commit is acknowledged: not when somebody cancels the wait for it, and not when the
/// program loses patience.
#[test]
fn a_commit_that_reached_one_server_only_is_not_acknowledged() {
    let cluster = Cluster::new();
    let (primary, standby, url) = pair(&cluster);
    let mut store = open_at(&url);
    first(&mut store);
    standby.kill();
    let request = pay(&store, "cancelled", 1);
    let waiting = std::thread::spawn(move || (store.commit(&request), store));
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let deadline = Instant::now() + Duration::from_secs(30);
    while primary.sql("books", cancel) != "t" {
        assert!(Instant::now() < deadline, "it does not wait for the standby");
        std::thread::sleep(Duration::from_millis(20));
    }
    let (answer, mut store) = waiting.join().unwrap();
    let error = answer.unwrap_err();
    assert_eq!(error.code().id(), "AE0811", "{error}");
    // Impatience: the transaction still waits, so nobody can say.
    let hasty = ServerLimits {
        commit: Duration::from_millis(300),
        settle: Duration::from_millis(300),
        ..limits()
    };
    store.begin(false).unwrap();
    drop(store);
    let mut store = PostgresStore::open_or_new(&server_url(&url), hasty).unwrap();
    let request = pay(&store, "hasty", 1);
    let asked = std::thread::spawn(move || store.commit(&request).unwrap_err());
    std::thread::sleep(Duration::from_millis(1200));
    // The standby comes back, and both are there.
    let mut standby = standby;
    standby.start();
    let error = asked.join().unwrap();
    assert!(matches!(error.code().id(), "AE0811"), "{error}");
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut store = open_at(&url);
        let request = pay(&store, "hasty", 1);
        match store.commit(&request) {
            Ok(CommitOutcome::AlreadyCommitted(known)) => break assert_eq!(known.sequence, 3),
            answer => assert!(Instant::now() < deadline, "{answer:?}"),
        }
    }
    assert_eq!(clean(&open_at(&url)).records, 3);
}
