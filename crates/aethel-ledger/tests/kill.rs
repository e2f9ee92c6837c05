//! Processes that are killed, that race, and that run out of room. The children are this test binary again.

use crate::support::*;
use aethel_ledger::*;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATH: &str = "AETHEL_TEST_LEDGER";
const WHO: &str = "AETHEL_TEST_WHO";
const ROUNDS: &str = "AETHEL_TEST_ROUNDS";

/// How many times each kind of writer is killed: `AETHEL_TEST_KILLS`, or a few.
fn kills(few: u64) -> u64 {
    let asked = std::env::var("AETHEL_TEST_KILLS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// Not a test: what the children run. Commits batches in a loop and says so after each.
#[test]
fn child() {
    let Ok(path) = std::env::var(PATH) else { return };
    let who = std::env::var(WHO).unwrap();
    let rounds: u64 = std::env::var(ROUNDS).unwrap().parse().unwrap();
    let mut store = match RedbStore::open_or_new(&path, Duration::from_secs(20)) {
        Ok(store) => store,
        Err(error) => return println!("\nERROR {}", error.code().id()),
    };
    println!("\nREADY");
    let mut round = 0;
    while round < rounds {
        let mut batch = Batch::new("round", &format!("{who} {} {round}", store.head().sequence));
        for name in ["company", &who] {
            if value(&store, name).is_none() {
                batch = batch.open(&store, usd(name), 1 << 40);
            }
        }
        let mut request = batch.transfer(&store, usd("company"), usd(&who), 1).build();
        request.certificate = vec![round as u8; 3000 << (round % 6)];
        match store.commit(&request) {
            Ok(CommitOutcome::Committed { sequence, receipt }) => {
                println!("\nACK {sequence} {receipt}");
                round += 1;
            }
            Ok(CommitOutcome::Conflict { .. }) => {}
            other => {
                // A failed commit leaves a store that still reads.
                let head = store.head().sequence;
                assert_eq!(store.record(head).unwrap().is_some(), head > 0);
                assert!(matches!(store.commit(&request), Err(e) if e == *other.as_ref().unwrap_err()));
                return println!("\nERROR {}", other.unwrap_err().code().id());
            }
        }
        if round % 5 == 4 {
            store.checkpoint().unwrap();
        }
    }
}

/// Not a test: a child with several batches in flight, of each of which it speaks when it is durable.
#[test]
fn child_in_flight() {
    let Ok(path) = std::env::var(PATH) else { return };
    let mut store = GroupStore::new(RedbStore::open_or_new(&path, Duration::from_secs(20)).unwrap());
    println!("\nREADY");
    let mut waiting = VecDeque::new();
    for round in 0.. {
        let mut batch = Batch::new("round", &format!("{} {round}", store.head().sequence));
        for name in ["company", "child"] {
            if value(&store, name).is_none() {
                batch = batch.open(&store, usd(name), 1 << 40);
            }
        }
        let mut request = batch.transfer(&store, usd("company"), usd("child"), 1).build();
        request.certificate = vec![round as u8; 3000 << (round % 6)];
        let (sequence, receipt) = committed(store.submit(&request).unwrap());
        waiting.push_back((store.submitted(), sequence, receipt));
        if waiting.len() > 7 {
            let (ticket, sequence, receipt) = waiting.pop_front().unwrap();
            store.wait(ticket).unwrap();
            println!("\nACK {sequence} {receipt}");
        }
        if round % 50 == 49 {
            store.checkpoint().unwrap();
        }
    }
}

fn command(program: &str, path: &Path, who: &str, rounds: u64) -> Command {
    let mut command = Command::new(program);
    command
        .env(PATH, path)
        .env(WHO, who)
        .env(ROUNDS, rounds.to_string());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn this() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

fn spawn(path: &Path, who: &str, rounds: u64) -> Child {
    spawn_as("kill::child", path, who, rounds)
}

fn spawn_as(test: &str, path: &Path, who: &str, rounds: u64) -> Child {
    command(&this(), path, who, rounds)
        .args([test, "--exact", "--nocapture"])
        .spawn()
        .unwrap()
}

/// The batches a child said were committed, and its error. Ends when the child does.
fn answers(child: &mut Child) -> (Vec<(u64, Digest)>, Option<String>) {
    let (mut acknowledged, mut error) = (Vec::new(), None);
    // A killed child's last line may be cut: that is no acknowledgement.
    for line in BufReader::new(child.stdout.take().unwrap())
        .split(b'\n')
        .map(Result::unwrap)
    {
        let line = String::from_utf8(line).unwrap();
        let mut words = line.split(' ');
        match (
            words.next(),
            words.next(),
            words.next().and_then(|w| w.parse().ok()),
        ) {
            (Some("ACK"), Some(sequence), Some(receipt)) => {
                acknowledged.push((sequence.parse().unwrap(), receipt));
            }
            (Some("ERROR"), Some(code), _) => error = Some(code.to_owned()),
            _ => {}
        }
    }
    child.wait().unwrap();
    (acknowledged, error)
}

fn only_the_ledger(path: &Path) {
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        assert_eq!(entry.unwrap().path(), path);
    }
}

#[test]
fn p07_killed_at_any_moment() {
    let directory = tempfile::tempdir().unwrap();
    let (mut created, mut commits, mut unacknowledged) = (0, 0, 0);
    // A fixed sequence of delays, spread over what one commit takes.
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..kills(60) {
        // Half of the rounds create a ledger, the others go on with one.
        let fresh = round % 2 == 0;
        let name = if fresh {
            format!("{round}")
        } else {
            "long".to_owned()
        };
        let path = directory.path().join(name).join("ledger.redb");
        let before = if path.exists() {
            open(&path).head().sequence
        } else {
            0
        };
        let mut child = spawn(&path, "child", u64::MAX);
        let output = child.stdout.as_mut().unwrap();
        let mut begun = [0u8];
        while begun[0] != b'Y' {
            std::io::Read::read_exact(output, &mut begun).unwrap();
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let most = if fresh { 30_000 } else { 40_000 };
        std::thread::sleep(Duration::from_micros((random >> 33) % most));
        child.kill().unwrap();
        let (acknowledged, error) = answers(&mut child);
        assert_eq!(error, None);

        // A reader sees the same without repairing the file.
        let reader = RedbStore::open_read_only(&path, Duration::ZERO).unwrap();
        let head = reader.head().sequence;
        assert_eq!(clean(&reader).records, head);
        drop(reader);
        let store = open(&path);
        assert_eq!(store.head().sequence, head);
        let last = acknowledged.last().map_or(before, |(sequence, _)| *sequence);
        assert!(
            head == last || head == last + 1,
            "{last} acknowledged, {head} there"
        );
        for (sequence, receipt) in &acknowledged {
            assert_eq!(store.summary(*sequence).unwrap().unwrap().receipt, *receipt);
        }
        assert_eq!(clean(&store).records, head);
        assert_eq!(store.is_created(), head > 0);
        if path.exists() {
            only_the_ledger(&path);
        }
        created += u64::from(fresh && head > 0);
        commits += head - before;
        unacknowledged += head - last;
    }
    println!("{created} created, {commits} commits, {unacknowledged} of them unacknowledged");
    // Kills that all came too early or too late would show nothing.
    assert!(commits > 60 && created > 3);
}

#[test]
fn p07_killed_with_batches_in_flight() {
    let directory = tempfile::tempdir().unwrap();
    let (mut commits, mut unacknowledged, mut random) = (0, 0, 1_u64);
    for round in 0..kills(30) {
        // Checking a ledger takes the longer, the longer it is.
        let path = directory.path().join(format!("{}.redb", round / 60));
        let mut child = spawn_as("kill::child_in_flight", &path, "child", 0);
        let output = child.stdout.as_mut().unwrap();
        let mut begun = [0u8];
        while begun[0] != b'Y' {
            std::io::Read::read_exact(output, &mut begun).unwrap();
        }
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((random >> 33) % 40_000));
        child.kill().unwrap();
        let (acknowledged, error) = answers(&mut child);
        assert_eq!(error, None);
        let store = open(&path);
        for (sequence, receipt) in &acknowledged {
            assert_eq!(store.summary(*sequence).unwrap().unwrap().receipt, *receipt);
        }
        let head = store.head().sequence;
        if head > 0 {
            assert_eq!(clean(&store).records, head);
            assert_eq!(value(&store, "child"), Some((1 << 40) + i128::from(head)));
        }
        commits += acknowledged.len();
        unacknowledged += acknowledged.last().map_or(0, |(last, _)| head - last);
    }
    println!("{commits} acknowledged, {unacknowledged} in the file without");
    assert!(commits > 60 && unacknowledged > 0);
}

#[test]
fn processes_that_create_at_once_lose_nothing() {
    for _ in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/ledger.redb");
        let mut children: Vec<Child> = (0..4).map(|i| spawn(&path, &format!("child {i}"), 3)).collect();
        for child in &mut children {
            let (acknowledged, error) = answers(child);
            assert_eq!((acknowledged.len(), error), (3, None));
        }
        let store = open(&path);
        assert_eq!(clean(&store).records, 12);
        assert_eq!(value(&store, "company"), Some((1 << 40) - 12));
        only_the_ledger(&path);
    }
}

/// Out of room, simulated by a limit on the size of files, which fails in the same calls.
#[cfg(unix)]
#[test]
fn no_room_commits_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let limited = |path: &Path, blocks: u64| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" kill::child --exact --nocapture");
        let mut child = command("sh", path, "child", u64::MAX)
            .args(["-c", &script, &this()])
            .spawn()
            .unwrap();
        answers(&mut child)
    };
    let fresh = directory.path().join("fresh/ledger.redb");
    assert_eq!(limited(&fresh, 16), (Vec::new(), Some("AE0809".to_owned())));
    assert_eq!(std::fs::read_dir(fresh.parent().unwrap()).unwrap().count(), 0);

    let path = directory.path().join("full/ledger.redb");
    let (acknowledged, error) = limited(&path, 1500);
    assert_eq!(error.as_deref(), Some("AE0809"));
    let (last, receipt) = *acknowledged.last().unwrap();
    let mut store = open(&path);
    assert_eq!((store.head().sequence, store.head().receipt), (last, receipt));
    assert_eq!(clean(&store).records, last);
    let request = Batch::new("room", "k")
        .transfer(&store, usd("company"), usd("child"), 1)
        .build();
    committed(store.commit(&request).unwrap());
}
