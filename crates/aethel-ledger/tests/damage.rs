//! Bytes that are not what was written.

use crate::support::*;
use aethel_ir::Code;
use aethel_ledger::*;
use proptest::prelude::*;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub const BATCHES: TableDefinition<u64, &[u8]> = TableDefinition::new("batches");
pub const KEYS: TableDefinition<&[u8], u64> = TableDefinition::new("keys");
pub const BALANCES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("balances");
pub const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
pub const LEMMAS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("lemmas");

/// A ledger with one of everything in its records.
pub fn rich(store: &mut dyn LedgerStore) {
    first(store);
    let key = OracleKey {
        key_id: "k".into(),
        public_key: [5; 32],
        feeds: vec!["f".into()],
    };
    let feed = OracleFeed {
        feed: "f".into(),
        max_age_ms: 1000,
        max_future_skew_ms: 10,
        reference: Some("1.5".into()),
        max_deviation: None,
    };
    let mut request = Batch::new("rich", "k")
        .change(PolicyChange::AddOracleKey(key))
        .change(PolicyChange::SetOracleFeed(feed))
        .change(PolicyChange::Unbounded(account("fees")))
        .change(PolicyChange::Field {
            name: "limit".into(),
            kind: FieldKind::Integer,
        })
        .open(store, usd("bob"), 500)
        .transfer(store, usd("company"), usd("bob"), 3)
        .transfer(store, usd("bob"), usd("fees"), 200)
        .entry(
            store,
            PlaceKey {
                account: account("bob"),
                field: FieldKey::Integer { name: "limit".into() },
            },
            9,
            1,
        )
        .build();
    let proof = OracleProof {
        feed: "f".into(),
        value: "1.5".into(),
        timestamp_ms: 7,
        key_id: "k".into(),
        signature: vec![1; 64],
    };
    request.body.oracles = Some(OracleEvidence {
        clock_ms: 8,
        proofs: vec![proof],
    });
    request.body.approvals.push(Approval {
        key_id: "boss".into(),
        expires_ms: 9,
        signature: vec![2; 64],
    });
    request.body.program = Some("pay.ae".into());
    committed(store.commit(&request).unwrap());
    let request = pay(store, "last", 5);
    committed(store.commit(&request).unwrap());
}

/// A store one of whose rows reads differently.
struct Tampered<'a> {
    inner: &'a MemoryStore<'static>,
    sequence: u64,
    row: Vec<u8>,
}

impl LedgerStore for Tampered<'_> {
    fn name(&self) -> &Arc<str> {
        self.inner.name()
    }
    fn head(&self) -> Head {
        self.inner.head()
    }
    fn policy(&self) -> &Policy {
        self.inner.policy()
    }
    fn read_columns(&self, places: &[PlaceKey]) -> Result<Columns, LedgerError> {
        self.inner.read_columns(places)
    }
    fn balances(&self) -> Result<Rows<'_, (PlaceKey, Versioned)>, LedgerError> {
        self.inner.balances()
    }
    fn find(&self, batch: &str, key: &BatchKey) -> Result<Option<BatchSummary>, LedgerError> {
        self.inner.find(batch, key)
    }
    fn commit(&mut self, _: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        unreachable!("verify only reads")
    }
    fn row(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        if sequence == self.sequence {
            Ok(Some(self.row.clone()))
        } else {
            self.inner.row(sequence)
        }
    }
    fn lemma(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        self.inner.lemma(digest)
    }
    fn lemma_rows(&self) -> Result<Rows<'_, LemmaRow>, LedgerError> {
        self.inner.lemma_rows()
    }
    fn key_rows(&self) -> Result<Rows<'_, (Vec<u8>, u64)>, LedgerError> {
        self.inner.key_rows()
    }
    fn checkpoint_rows(&self) -> Result<(u64, Rows<'_, (PlaceKey, Versioned)>), LedgerError> {
        self.inner.checkpoint_rows()
    }
    fn checkpoint_due(&self) -> bool {
        false
    }
    fn checkpoint(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }
    fn close(self: Box<Self>) -> Result<(), LedgerError> {
        Ok(())
    }
}

#[test]
fn p24_any_changed_byte_of_a_row_is_found_and_the_record_named() {
    let mut inner = MemoryStore::new(LedgerId([3; 16]));
    rich(&mut inner);
    clean(&inner);
    for sequence in 1..=3 {
        let row = inner.row(sequence).unwrap().unwrap();
        for at in 0..row.len() {
            for bit in [0x01, 0x80] {
                let mut changed = row.clone();
                changed[at] ^= bit;
                let failure = verify(
                    &Tampered {
                        inner: &inner,
                        sequence,
                        row: changed,
                    },
                    None,
                )
                .unwrap_err();
                match failure {
                    VerifyFailure::Record { sequence: named, .. } => assert_eq!(named, sequence),
                    VerifyFailure::Store(LedgerError::Newer { .. }) => assert!((4..6).contains(&at)),
                    other => panic!("byte {at} of record {sequence}: {other}"),
                }
            }
        }
        for short in [&row[..row.len() - 1], &row[..10], &[]] {
            verify(
                &Tampered {
                    inner: &inner,
                    sequence,
                    row: short.to_vec(),
                },
                None,
            )
            .unwrap_err();
        }
    }
}

#[test]
fn records_out_of_order_or_from_another_ledger_are_found() {
    let mut inner = MemoryStore::new(LedgerId([3; 16]));
    rich(&mut inner);
    let row = inner.row(3).unwrap().unwrap();
    let failure = verify(
        &Tampered {
            inner: &inner,
            sequence: 2,
            row,
        },
        None,
    )
    .unwrap_err();
    assert!(
        failure.to_string().contains("says that it is record 3"),
        "{failure}"
    );
    let mut other = MemoryStore::new(LedgerId([4; 16]));
    rich(&mut other);
    let row = other.row(1).unwrap().unwrap();
    let failure = verify(
        &Tampered {
            inner: &inner,
            sequence: 1,
            row,
        },
        None,
    )
    .unwrap_err();
    assert!(failure.to_string().contains("another ledger"), "{failure}");
}

/// Changes a file behind the ledger's back.
pub fn tamper(path: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let db = Database::open(path).unwrap();
    let transaction = db.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
}

pub fn fails(path: &Path) -> String {
    match RedbStore::open_or_new(path, Duration::ZERO) {
        Err(error) => error.to_string(),
        Ok(store) => verify(&store, None).unwrap_err().to_string(),
    }
}

#[test]
fn changed_tables_of_a_file_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let write = |checkpoint: bool| {
        let _ = std::fs::remove_file(&path);
        let mut store = open(&path);
        rich(&mut store);
        if checkpoint {
            store.checkpoint().unwrap();
        }
        Box::new(store).close().unwrap();
    };
    type Change = fn(&redb::WriteTransaction);
    let changes: [(&str, Change); 9] = [
        ("a balance", |t| {
            t.open_table(BALANCES)
                .unwrap()
                .insert(usd("alice").to_bytes().as_slice(), &[2u8, 1][..])
                .unwrap();
        }),
        ("a balance too many", |t| {
            t.open_table(BALANCES)
                .unwrap()
                .insert(usd("zoe").to_bytes().as_slice(), &[0u8, 1][..])
                .unwrap();
        }),
        ("a balance less", |t| {
            t.open_table(BALANCES)
                .unwrap()
                .remove(usd("alice").to_bytes().as_slice())
                .unwrap();
        }),
        ("a key less", |t| {
            t.open_table(KEYS).unwrap().pop_first().unwrap();
        }),
        ("a key too many", |t| {
            t.open_table(KEYS)
                .unwrap()
                .insert(&b"x\0\x01\x01y"[..], 1)
                .unwrap();
        }),
        ("a record less", |t| {
            t.open_table(BATCHES).unwrap().remove(2).unwrap();
        }),
        ("the last record less", |t| {
            t.open_table(BATCHES).unwrap().pop_last().unwrap();
        }),
        ("no checkpoint", |t| {
            t.open_table(META).unwrap().remove("checkpoint").unwrap();
        }),
        ("a shorter checkpoint", |t| {
            t.open_table(META)
                .unwrap()
                .insert("checkpoint", &[0u8][..])
                .unwrap();
        }),
    ];
    for (what, change) in changes {
        for checkpoint in [true, false] {
            write(checkpoint);
            tamper(&path, change);
            if what == "a balance less" && !checkpoint {
                continue; // There is none yet.
            }
            // Without a checkpoint the key of a lost last record is left over; with one, the checkpoint knows it.
            fails(&path);
        }
    }
    // A checkpoint that claims more records than there are is refused at once, before anyone walks them.
    write(true);
    tamper(&path, |t| {
        let mut meta = t.open_table(META).unwrap();
        let row = meta.get("checkpoint").unwrap().unwrap().value().to_vec();
        let longer = [&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], &row[1..]].concat();
        meta.insert("checkpoint", longer.as_slice()).unwrap();
    });
    assert!(matches!(
        RedbStore::open_or_new(&path, Duration::ZERO),
        Err(LedgerError::Damaged { .. })
    ));
    write(true);
    tamper(&path, |t| {
        t.open_table(META)
            .unwrap()
            .insert("ledger", &[2u8; 17][..])
            .unwrap();
    });
    assert!(matches!(
        RedbStore::open_or_new(&path, Duration::ZERO),
        Err(LedgerError::Newer { found: 2, .. })
    ));
}

#[test]
fn a_changed_lemma_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut store = open(&path);
    first(&mut store);
    let mut request = pay(&store, "k2", 1);
    request.lemmas = vec![(lemma_digest(b"proved"), b"proved".to_vec())];
    committed(store.commit(&request).unwrap());
    assert_eq!(clean(&store).lemmas, 1);
    Box::new(store).close().unwrap();
    tamper(&path, |t| {
        let mut table = t.open_table(LEMMAS).unwrap();
        let digest = lemma_digest(b"proved").0;
        table.insert(digest.as_slice(), b"refuted".as_slice()).unwrap();
    });
    let failure = fails(&path);
    assert!(failure.contains("a lemma has the digest"), "{failure}");
}

#[test]
fn changed_bytes_in_the_journal_of_a_file_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut store = open(&path);
    rich(&mut store);
    store.checkpoint().unwrap();
    let request = pay(&store, "tail", 5);
    committed(store.commit(&request).unwrap());
    drop(store);
    let rows: Vec<(u64, Vec<u8>)> = {
        let db = Database::open(&path).unwrap();
        let table = db.begin_read().unwrap().open_table(BATCHES).unwrap();
        table
            .iter()
            .unwrap()
            .map(|row| row.map(|(k, v)| (k.value(), v.value().to_vec())).unwrap())
            .collect()
    };
    let put = |sequence: u64, row: &[u8]| {
        tamper(&path, |t| {
            t.open_table(BATCHES).unwrap().insert(sequence, row).unwrap();
        });
    };
    for (sequence, row) in &rows {
        for at in (0..row.len()).step_by(row.len() / 11) {
            let mut changed = row.clone();
            changed[at] = changed[at].wrapping_add(1);
            put(*sequence, &changed);
            let said = fails(&path);
            let newer = (4..6).contains(&at);
            // Records that the checkpoint does not cover are checked whenever the file is opened.
            let record = at < row.len() - b"certificate".len();
            assert!(*sequence < 4 || !record || RedbStore::open_or_new(&path, Duration::ZERO).is_err());
            assert!(
                newer || said.contains(&format!("record {sequence}")),
                "byte {at}: {said}"
            );
        }
        put(*sequence, row);
    }
    assert_eq!(clean(&open(&path)).records, 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn p24_any_damage_to_a_file_is_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in prop::option::of(any::<prop::sample::Index>())) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.redb");
        let mut store = open(&path);
        rich(&mut store);
        store.checkpoint().unwrap();
        let before = store.head();
        Box::new(store).close().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        std::fs::write(&path, bytes).unwrap();
        // Whatever it answers, it answers; and what verifies is what was written.
        if let Ok(store) = RedbStore::open_or_new(&path, Duration::ZERO)
            && verify(&store, None).is_ok()
        {
            prop_assert_eq!(store.head(), before);
        }
    }
}
/// Damage all over a file, also where redb keeps its own accounts and panics instead of answering.
#[test]
fn p24_a_changed_byte_anywhere_in_a_file_is_survived() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut store = open(&path);
    rich(&mut store);
    store.checkpoint().unwrap();
    let before = store.head();
    drop(store);
    let bytes = std::fs::read(&path).unwrap();
    let stride: usize = std::env::var("STRIDE").map_or(61, |s| s.parse().unwrap());
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let mut found = 0;
    for at in used.into_iter().step_by(stride) {
        let mut changed = bytes.clone();
        changed[at] ^= 0xff;
        std::fs::write(&path, &changed).unwrap();
        let checked = RedbStore::open_or_new(&path, Duration::ZERO)
            .map_err(VerifyFailure::from)
            .and_then(|store| verify(&store, None).map(|_| store.head()));
        match checked {
            Ok(head) => assert_eq!(head, before),
            Err(failure) => {
                let code = failure.to_diagnostic().code;
                let codes = [Code::AE0803, Code::AE0804, Code::AE0805];
                assert!(codes.contains(&code), "byte {at}: {failure}");
                found += 1;
            }
        }
    }
    assert!(found > 5);
}
