//! Programs and servers that are killed, and programs that race. The children are this test binary again.

use super::server::{Cluster, schema, shared};
use super::{limits, open_at, server_url};
use crate::support::*;
use aethel_ledger::*;
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const URL: &str = "AETHEL_TEST_SERVER";
const WHO: &str = "AETHEL_TEST_WHO";
const ROUNDS: &str = "AETHEL_TEST_ROUNDS";

/// How many accounts the children share.
const ACCOUNTS: usize = 4;
const OPENING: i128 = 1 << 40;

/// How often a program is killed. More with `AETHEL_TEST_KILLS=2000`.
pub fn kills() -> usize {
    let given = std::env::var("AETHEL_TEST_KILLS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// Not a test: what the children run. Pays round and round among shared accounts, says so after each batch, and repeats
/// one whose end it did not see.
#[test]
fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let who = std::env::var(WHO).unwrap();
    let rounds: usize = std::env::var(ROUNDS).unwrap().parse().unwrap();
    let mut store = PostgresStore::open_or_new(&server_url(&url), limits()).unwrap();
    println!("\nREADY");
    for round in 0..rounds {
        let key = format!("{who} {round}");
        let (from, to) = (round % ACCOUNTS, (round * 7 + who.len() + 1) % ACCOUNTS);
        let to = if to == from { (to + 1) % ACCOUNTS } else { to };
        let mut attempt = 0;
        loop {
            attempt += 1;
            if let Err(error) = store.begin(attempt > 3) {
                println!("\nAGAIN {error}");
                assert!(attempt < 500);
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            let names: Vec<String> = (0..ACCOUNTS).map(|i| format!("shared {i}")).collect();
            // The builders of the tests take it that balances can be read; here the server may die in between.
            let built = catch_unwind(AssertUnwindSafe(|| {
                let mut batch = Batch::new("round", &key);
                for name in &names {
                    if value(&store, name).is_none() {
                        batch = batch.open(&store, usd(name), OPENING);
                    }
                }
                batch
                    .transfer(&store, usd(&names[from]), usd(&names[to]), 1)
                    .build()
            }));
            let Ok(mut request) = built else {
                println!("\nAGAIN not read");
                assert!(attempt < 500);
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            request.body.content = Digest::of("test content", key.as_bytes());
            request.certificate = vec![round as u8; 2000 << (round % 4)];
            match store.commit(&request) {
                Ok(CommitOutcome::Committed { sequence, receipt }) => {
                    println!("\nACK {sequence} {receipt}");
                    break;
                }
                // Seen by nobody when it was done.
                Ok(CommitOutcome::AlreadyCommitted(known)) => {
                    println!("\nACK {} {}", known.sequence, known.receipt);
                    break;
                }
                Ok(CommitOutcome::Conflict { .. }) => assert!(attempt < 500),
                Ok(CommitOutcome::KeyReused(known)) => panic!("{known:?}"),
                Err(error) => {
                    println!("\nAGAIN {error}");
                    assert!(attempt < 500);
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }
}

pub fn spawn(url: &str, who: &str, rounds: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["postgres::kills::child", "--exact", "--nocapture"])
        .env(URL, url)
        .env(WHO, who)
        .env(ROUNDS, rounds.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a child says, line by line, as it comes.
pub fn lines(child: &mut Child) -> Receiver<String> {
    let (send, receive) = channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in stdout.split(b'\n').map(Result::unwrap) {
            // A killed child's last line may be cut: that is no acknowledgement.
            let _ = send.send(String::from_utf8(line).unwrap());
        }
    });
    receive
}

/// The batch of an acknowledgement.
pub fn acknowledged(line: &str) -> Option<(u64, Digest)> {
    let mut words = line.strip_prefix("ACK ")?.split(' ');
    let sequence = words.next()?.parse().ok()?;
    Some((sequence, words.next()?.parse().ok()?))
}

pub fn wait_for(lines: &Receiver<String>, what: &str) {
    while lines.recv_timeout(Duration::from_secs(60)).unwrap() != what {}
}

/// Everything acknowledged is there, once, and everything that is there adds up.
pub fn check(url: &str, acknowledged: &[(u64, Digest)]) -> u64 {
    let store = PostgresStore::open_read_only(&server_url(url), limits()).unwrap();
    let report = clean(&store);
    let mut seen = HashSet::new();
    for (sequence, receipt) in acknowledged {
        assert_eq!(store.summary(*sequence).unwrap().unwrap().receipt, *receipt);
        assert!(seen.insert(*sequence), "batch {sequence} was acknowledged twice");
    }
    if report.records > 0 {
        let total: i128 = (0..ACCOUNTS)
            .map(|i| value(&store, &format!("shared {i}")).unwrap())
            .sum();
        assert_eq!(total, OPENING * ACCOUNTS as i128);
    }
    report.records
}

#[test]
fn programs_that_race_lose_nothing() {
    for _ in 0..2 {
        let url = shared().url(&schema());
        let mut children: Vec<Child> = (0..4)
            .map(|i| spawn(&url, &format!("{i}{}", "x".repeat(i)), 15))
            .collect();
        let mut all = Vec::new();
        for child in &mut children {
            all.extend(lines(child).iter().filter_map(|line| acknowledged(&line)));
            assert!(child.wait().unwrap().success());
        }
        assert_eq!((all.len(), check(&url, &all)), (60, 60));
    }
}

#[test]
fn p07_programs_killed_at_any_moment() {
    let url = shared().url(&schema());
    let mut random = Random(7);
    let (mut all, mut commits) = (Vec::new(), 0);
    for round in 0..kills() {
        let before = commits;
        let mut child = spawn(&url, &format!("round {round}"), usize::MAX);
        let said = lines(&mut child);
        wait_for(&said, "READY");
        std::thread::sleep(Duration::from_micros(random.next() % 40_000));
        child.kill().unwrap();
        child.wait().unwrap();
        all.extend(said.iter().filter_map(|line| acknowledged(&line)));
        // What the server got before it noticed is done, one batch at most.
        let mut store = open_at(&url);
        store.begin(true).unwrap();
        commits = store.head().sequence;
        assert!(commits >= before && commits <= all.len() as u64 + round as u64 + 1);
        drop(store);
        if round % 10 == 9 || round + 1 == kills() {
            assert_eq!(check(&url, &all), commits);
        }
    }
    println!("{commits} commits, {} acknowledged", all.len());
    // Kills that all came too early would show nothing.
    assert!(all.len() > kills());
}

#[test]
fn p07_server_killed_at_any_moment() {
    let cluster = Cluster::new();
    let mut node = cluster.node("");
    let url = node.url("main");
    let mut random = Random(11);
    let mut children: Vec<Child> = (0..2).map(|i| spawn(&url, &format!("{i}"), usize::MAX)).collect();
    let said: Vec<Receiver<String>> = children.iter_mut().map(lines).collect();
    said.iter().for_each(|said| wait_for(said, "READY"));
    let mut told: Vec<String> = Vec::new();
    let done = |told: &[String]| told.iter().filter(|line| acknowledged(line).is_some()).count();
    // A server takes as long to come back as ten programs; and not every kill comes where a program has to begin again.
    for round in 0..kills().max(60) {
        if round >= kills() / 10 && told.iter().any(|line| line.starts_with("AGAIN")) {
            break;
        }
        // Killed while they work, not while they still look for the server.
        let (before, since) = (done(&told), Instant::now());
        while done(&told) == before {
            assert!(since.elapsed() < Duration::from_secs(60), "nobody goes on");
            std::thread::sleep(Duration::from_millis(1));
            told.extend(said.iter().flat_map(Receiver::try_iter));
        }
        std::thread::sleep(Duration::from_micros(random.next() % 30_000));
        node.kill();
        node.start();
    }
    std::thread::sleep(Duration::from_millis(300));
    children.iter_mut().for_each(|child| child.kill().unwrap());
    children.iter_mut().for_each(|child| drop(child.wait()));
    told.extend(said.iter().flat_map(Receiver::iter));
    let all: Vec<_> = told.iter().filter_map(|line| acknowledged(line)).collect();
    let again = told.iter().filter(|line| line.starts_with("AGAIN")).count();
    let records = check(&url, &all);
    println!(
        "{records} commits, {} acknowledged, {again} failures seen",
        all.len()
    );
    assert!(records >= all.len() as u64 && records <= all.len() as u64 + 2);
    assert!(again > 0 && all.len() > 5);
}
