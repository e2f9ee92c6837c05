//! Files that are missing, locked, foreign, or may not be written.

use crate::support::*;
use aethel_ir::Code;
use aethel_ledger::*;
use redb::{ReadableTable, ReadableTableMetadata};
use std::fs;
use std::path::Path;
use std::time::Duration;

fn error(path: &Path) -> LedgerError {
    match RedbStore::open_or_new(path, Duration::ZERO) {
        Err(error) => error,
        Ok(_) => panic!("it opened"),
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

#[test]
fn nothing_is_created_before_the_first_commit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/er/ledger.redb");
    let mut store = open(&path);
    assert!(!store.is_created());
    assert_eq!(store.balances().unwrap().count(), 0);
    assert_eq!(store.find("x", &BatchKey::User("y".into())).unwrap(), None);
    assert_eq!(clean(&store).records, 0);
    store.checkpoint().unwrap();
    let refused = store.commit(
        &Batch::new("x", "y")
            .transfer(&store, usd("a"), usd("b"), 1)
            .build(),
    );
    assert!(matches!(refused, Err(LedgerError::Refused(_))));
    assert_eq!(names(directory.path()), Vec::<String>::new());
    first(&mut store);
    assert!(store.is_created());
    assert_eq!(names(path.parent().unwrap()), ["ledger.redb"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_second_opener_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut store = open(&path);
    first(&mut store);
    assert_eq!(error(&path).code(), Code::AE0802);
    assert!(matches!(
        RedbStore::open_read_only(&path, Duration::ZERO),
        Err(LedgerError::Locked { .. })
    ));
    let closer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(60));
        drop(store);
    });
    let waited = RedbStore::open_or_new(&path, Duration::from_secs(5)).unwrap();
    assert_eq!(value(&waited, "alice"), Some(1234));
    closer.join().unwrap();
}

#[test]
fn readers_share_and_do_not_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut absent = RedbStore::open_read_only(&path, Duration::ZERO).unwrap();
    let request = Batch::new("x", "y").open(&absent, usd("a"), 1).build();
    assert_eq!(absent.commit(&request).unwrap_err().code(), Code::AE0810);
    assert!(!path.exists());
    let mut store = open(&path);
    first(&mut store);
    drop(store);
    let bytes = fs::read(&path).unwrap();
    let mut one = RedbStore::open_read_only(&path, Duration::ZERO).unwrap();
    let two = RedbStore::open_read_only(&path, Duration::ZERO).unwrap();
    assert_eq!(value(&one, "alice"), value(&two, "alice"));
    clean(&one);
    let request = pay(&one, "k", 1);
    assert_eq!(one.commit(&request).unwrap_err().code(), Code::AE0810);
    assert_eq!(one.checkpoint().unwrap_err().code(), Code::AE0810);
    assert_eq!(error(&path).code(), Code::AE0802);
    drop((one, two));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn foreign_files_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    for bytes in [&b""[..], b"SQLite format 3\0", b"redb", b"#!/bin/sh\n"] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(error(&path).code(), Code::AE0803);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    fs::remove_file(&path).unwrap();
    drop(redb::Database::create(&path).unwrap());
    assert_eq!(error(&path).code(), Code::AE0803);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(error(&path).code(), Code::AE0803);
    let below = directory.path().join("file");
    fs::write(&below, b"x").unwrap();
    assert_eq!(error(&below.join("ledger.redb")).code(), Code::AE0801);
}

#[test]
fn a_cut_file_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut store = open(&path);
    first(&mut store);
    drop(store);
    let bytes = fs::read(&path).unwrap();
    for length in [9, 100, 4096, bytes.len() / 2] {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = error(&path);
        assert_eq!(error.code(), Code::AE0804, "{length}: {error}");
        assert!(error.to_diagnostic().help.is_some());
    }
}

#[test]
fn stale_temporaries_go_and_living_ones_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let temporary = |name: &str| directory.path().join(format!(".ledger.redb.new-{name}"));
    let mut store = open(&path);
    first(&mut store);
    // A second name of the ledger, as after a kill between naming and removing.
    fs::hard_link(&path, temporary("a")).unwrap();
    fs::write(temporary("b"), b"half").unwrap();
    let living = fs::File::create(temporary("c")).unwrap();
    living.try_lock().unwrap();
    drop(store);
    fs::write(directory.path().join(".other.redb.new-a"), b"half").unwrap();
    assert_eq!(value(&open(&path), "alice"), Some(1234));
    assert_eq!(
        names(directory.path()),
        [".ledger.redb.new-c", ".other.redb.new-a", "ledger.redb"]
    );
}

#[test]
fn the_loser_of_a_race_to_create_goes_on_with_the_winner() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let (mut one, mut two, mut three) = (open(&path), open(&path), open(&path));
    let same = Batch::new("first", "k1").open(&one, usd("company"), 5).build();
    committed(one.commit(&same).unwrap());
    let other = Batch::new("second", "k").open(&two, usd("company"), 5).build();
    assert_eq!(two.commit(&other).unwrap_err().code(), Code::AE0802);
    let winner = one.head();
    drop(one);
    assert_eq!(
        two.commit(&other).unwrap(),
        CommitOutcome::Conflict { places: Vec::new() }
    );
    assert_eq!(two.head(), winner);
    drop(two);
    assert!(matches!(
        three.commit(&same).unwrap(),
        CommitOutcome::AlreadyCommitted(_)
    ));
    assert_eq!(names(directory.path()), ["ledger.redb"]);
    assert_eq!(clean(&three).records, 1);
}

/// The process whose rights are taken away: says what a reader sees and what a writer is told.
#[test]
fn child_without_rights() {
    let Ok(path) = std::env::var("AETHEL_TEST_UNWRITABLE") else {
        return;
    };
    let path = Path::new(&path);
    let mut store = open(path);
    println!("alice {:?}", value(&store, "alice"));
    assert_eq!(clean(&store).records, 1);
    assert!(!store.checkpoint_due());
    let request = pay(&store, "k", 1);
    for error in [
        store.commit(&request).unwrap_err(),
        store.checkpoint().unwrap_err(),
    ] {
        println!("existing {}", error.code().id());
    }
    drop(store);
    let mut new = open(&path.with_file_name("new.redb"));
    let request = Batch::new("x", "y").open(&new, usd("a"), 1).build();
    println!("new {}", new.commit(&request).unwrap_err().code().id());
    assert!(!new.is_created());
    println!(
        "secret {}",
        error(&path.with_file_name("secret.redb")).code().id()
    );
}

/// Read-only files and directories. Root may write everything, so root becomes nobody first.
#[cfg(target_os = "linux")]
#[test]
fn without_the_right_to_write_a_ledger_is_read() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    first(&mut open(&path));
    first(&mut open(&directory.path().join("secret.redb")));
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    allow(&path, 0o444);
    allow(&directory.path().join("secret.redb"), 0o000);
    // The program too, which may stand where nobody looks.
    let program = directory.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    allow(&program, 0o555);
    allow(directory.path(), 0o555);
    let before = fs::read(&path).unwrap();
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let nobody: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let line = [if root { nobody } else { &[] }, &[program.to_str().unwrap()]].concat();
    let output = std::process::Command::new(line[0])
        .args(&line[1..])
        .args(["files::child_without_rights", "--exact", "--nocapture"])
        .env("AETHEL_TEST_UNWRITABLE", &path)
        .current_dir("/")
        .output()
        .unwrap();
    allow(directory.path(), 0o755);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let wanted = [
        "alice Some(1234)",
        "existing AE0810",
        "existing AE0810",
        "new AE0810",
        "secret AE0801",
    ];
    let lines: Vec<&str> = said.lines().filter(|line| wanted.contains(line)).collect();
    assert_eq!(lines, wanted, "{said}");
    assert!(fs::read(&path).unwrap() == before);
}

/// A row of many transfers is cut into parts, and is what it was in one: after opening, in lists, in a copy.
#[test]
fn a_long_row_is_kept_in_parts() {
    const PARTS: redb::TableDefinition<'_, (u64, u32), &[u8]> = redb::TableDefinition::new("parts");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut store = open(&path);
    first(&mut store);
    let mut request = pay(&store, "long", 1);
    let (from, to) = (request.body.entries.place[0], request.body.entries.place[1]);
    // Amounts that take several bytes, and nothing in sum.
    for n in 0..40_000_i128 {
        request.body.entries.push(from, n << 20, 0);
        request.body.entries.push(to, -(n << 20), 0);
        request.body.entries.push(from, -(n << 20), 0);
        request.body.entries.push(to, n << 20, 0);
    }
    request.certificate = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let kept = request.clone();
    committed(store.commit_from(&mut request).unwrap());
    let sequence = store.head().sequence;
    let whole = store.row(sequence).unwrap().unwrap();
    assert!(whole.len() > 1_500_000, "{}", whole.len());
    clean(&store);
    drop(store);
    let store = open(&path);
    assert_eq!(store.row(sequence).unwrap().unwrap(), whole);
    assert_eq!(store.certificate(sequence).unwrap().unwrap(), kept.certificate);
    assert_eq!(
        store.record(sequence).unwrap().unwrap().body.entries,
        kept.body.entries
    );
    clean(&store);
    let copy = directory.path().join("copy.redb");
    copy_to_file(&store, &copy).unwrap();
    assert_eq!(open(&copy).row(sequence).unwrap().unwrap(), whole);
    drop(store);
    // A part that is missing, changed, or one too many is found.
    let file = fs::read(&path).unwrap();
    crate::damage::tamper(&path, |t| {
        assert!(t.open_table(PARTS).unwrap().len().unwrap() > 20)
    });
    let faults: [&dyn Fn(&mut redb::Table<'_, (u64, u32), &[u8]>); 3] = [
        &|parts| drop(parts.remove((sequence, 3)).unwrap().unwrap()),
        &|parts| {
            let mut part = parts.get((sequence, 2)).unwrap().unwrap().value().to_vec();
            part[7] ^= 1;
            parts.insert((sequence, 2), part.as_slice()).unwrap();
        },
        &|parts| drop(parts.insert((sequence, 1000), [1].as_slice()).unwrap()),
    ];
    for fault in faults {
        fs::write(&path, &file).unwrap();
        crate::damage::tamper(&path, |t| fault(&mut t.open_table(PARTS).unwrap()));
        let said = crate::damage::fails(&path);
        assert!(said.contains(&format!("record {sequence}")), "{said}");
    }
}
