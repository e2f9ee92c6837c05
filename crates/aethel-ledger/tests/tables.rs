//! Each byte of the tables of a file that are not the journal.

use crate::damage::{BALANCES, KEYS, LEMMAS, META, fails, rich, tamper};
use crate::support::*;
use aethel_ledger::*;
use redb::{Database, ReadableDatabase, ReadableTable};
use std::path::Path;

/// The logical content of a file beside the journal, whose rows have a test of their own: each byte of each key and each
/// value of each other table.
#[test]
fn p24_any_changed_byte_of_the_other_tables_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut store = open(&path);
    rich(&mut store);
    store.checkpoint().unwrap();
    let mut request = pay(&store, "tail", 5);
    request.lemmas = vec![(lemma_digest(b"proved"), b"proved".to_vec())];
    committed(store.commit(&request).unwrap());
    clean(&store);
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    let mut changes = 0;
    for table in ["keys", "lemmas", "balances", "meta"] {
        for (key, value) in bytes_of(&path, table) {
            for at in 0..key.len() + value.len() {
                let (mut new_key, mut new_value) = (key.clone(), value.clone());
                match at.checked_sub(key.len()) {
                    None => new_key[at] ^= 1,
                    Some(at) => new_value[at] ^= 1,
                }
                std::fs::write(&path, &whole).unwrap();
                tamper(&path, |t| replace(t, table, &key, &new_key, &new_value));
                let said = fails(&path);
                assert!(!said.is_empty(), "{table}: byte {at} of {key:?}");
                changes += 1;
            }
        }
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(changes > 300, "{changes}");
}

/// The rows of a table as bytes.
fn bytes_of(path: &Path, table: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let db = Database::open(path).unwrap();
    let transaction = db.begin_read().unwrap();
    let mut rows = Vec::new();
    match table {
        "keys" => {
            let table = transaction.open_table(KEYS).unwrap();
            let row = |(key, value): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, u64>)| {
                (key.value().to_vec(), value.value().to_le_bytes().to_vec())
            };
            rows.extend(table.iter().unwrap().map(|found| row(found.unwrap())));
        }
        "meta" => {
            let table = transaction.open_table(META).unwrap();
            for found in table.iter().unwrap() {
                let (key, value) = found.unwrap();
                rows.push((key.value().as_bytes().to_vec(), value.value().to_vec()));
            }
        }
        table => {
            let table = if table == "lemmas" { LEMMAS } else { BALANCES };
            for found in transaction.open_table(table).unwrap().iter().unwrap() {
                let (key, value) = found.unwrap();
                rows.push((key.value().to_vec(), value.value().to_vec()));
            }
        }
    }
    rows
}

fn replace(transaction: &redb::WriteTransaction, table: &str, key: &[u8], new_key: &[u8], value: &[u8]) {
    match table {
        "keys" => {
            let mut table = transaction.open_table(KEYS).unwrap();
            table.remove(key).unwrap();
            let sequence = u64::from_le_bytes(value.try_into().unwrap());
            table.insert(new_key, sequence).unwrap();
        }
        "meta" => {
            let mut table = transaction.open_table(META).unwrap();
            let name = |bytes| std::str::from_utf8(bytes).unwrap();
            table.remove(name(key)).unwrap();
            table.insert(name(new_key), value).unwrap();
        }
        name => {
            let definition = if name == "lemmas" { LEMMAS } else { BALANCES };
            let mut table = transaction.open_table(definition).unwrap();
            table.remove(key).unwrap();
            table.insert(new_key, value).unwrap();
        }
    }
}
