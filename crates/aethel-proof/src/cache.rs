//! A cache of proved lemmas: in memory, and in a directory of the user if one is given.
//!
//! Only a cache: an entry that is not there, damaged, or in a directory that somebody else could write to is proved
//! again. One small file per key, written under a temporary name and renamed, so that processes may share a directory.
//! Nothing is synced to disk: after a power loss an entry is whole or a miss.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// The first bytes of every entry, with the version of the format.
const MAGIC: &[u8; 16] = b"aethel-lemmas 1\n";

/// Magic, key and checksum.
const HEADER: usize = 16 + 32 + 32;

/// The largest entry that is read or written, in bytes.
const MAX_ENTRY: usize = 1 << 20;

/// When there are more entries in the directory, the older half is removed.
const MAX_ON_DISK: usize = 4_096;

/// When this many entries are in memory it is emptied: a language server runs for days.
const MAX_IN_MEMORY: usize = 16_384;

/// Bytes by key. All methods may be called from several threads.
#[derive(Debug, Default)]
pub struct LemmaCache {
    memory: Mutex<HashMap<[u8; 32], Arc<[u8]>>>,
    directory: Option<PathBuf>,
    problem: Option<String>,
}

impl LemmaCache {
    /// A cache that lives as long as this value.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// A cache that is also kept in a directory, which is made (readable by nobody else) if it is not there. When the
    /// directory cannot be used, [`LemmaCache::problem`] says why and the cache is one in memory.
    pub fn at(directory: &Path) -> Self {
        match private_directory(directory) {
            Ok(()) => Self {
                directory: Some(directory.to_owned()),
                ..Self::default()
            },
            Err(problem) => Self {
                problem: Some(problem),
                ..Self::default()
            },
        }
    }

    /// Why the directory is not used, for people.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// The bytes that were stored under a key.
    pub fn get(&self, key: &[u8; 32]) -> Option<Arc<[u8]>> {
        let found = self.memory.lock().ok()?.get(key).cloned();
        if found.is_some() {
            return found;
        }
        let path = self.path(key)?;
        let bytes: Arc<[u8]> = read_entry(&path, key)?.into();
        self.remember(key, &bytes);
        Some(bytes)
    }

    /// Stores bytes under a key. That they could not be written to the directory costs only time later.
    pub fn put(&self, key: &[u8; 32], bytes: &[u8]) {
        self.remember(key, &bytes.into());
        if let Some(path) = self.path(key)
            && HEADER + bytes.len() <= MAX_ENTRY
        {
            let _ = write_entry(&path, key, bytes);
            // Keys are hashes: every 256th looks after the directory.
            if let ([0, ..], Some(directory)) = (key, &self.directory) {
                let _ = trim(directory, MAX_ON_DISK);
            }
        }
    }

    fn remember(&self, key: &[u8; 32], bytes: &Arc<[u8]>) {
        if let Ok(mut memory) = self.memory.lock() {
            if memory.len() >= MAX_IN_MEMORY {
                memory.clear();
            }
            memory.insert(*key, bytes.clone());
        }
    }

    fn path(&self, key: &[u8; 32]) -> Option<PathBuf> {
        let name = blake3::Hash::from_bytes(*key).to_hex();
        Some(self.directory.as_ref()?.join(name.as_str()))
    }
}

/// Binds an entry to its key, so that a file under another name is a miss too.
fn checksum(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    *blake3::keyed_hash(key, bytes).as_bytes()
}

fn read_entry(path: &Path, key: &[u8; 32]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_ENTRY as u64 + 1;
    File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    if bytes.len() > MAX_ENTRY {
        return None;
    }
    let rest = bytes.strip_prefix(MAGIC.as_slice())?;
    let (found_key, rest) = rest.split_first_chunk::<32>()?;
    let (sum, payload) = rest.split_first_chunk::<32>()?;
    (found_key == key && *sum == checksum(key, payload)).then(|| payload.to_vec())
}

fn write_entry(path: &Path, key: &[u8; 32], payload: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{n}", std::process::id()));
    let bytes = [MAGIC.as_slice(), key, &checksum(key, payload), payload].concat();
    let written = new_file(&temporary).and_then(|mut file| file.write_all(&bytes));
    let done = written.and_then(|()| fs::rename(&temporary, path));
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done
}

/// Removes the older half of the entries, and of what killed writers left, when there are more than `most`. Other files
/// are not touched: the directory is one that a person may have named.
fn trim(directory: &Path, most: usize) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let digits = name
            .as_encoded_bytes()
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit());
        if digits.count() != 64 {
            continue;
        }
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    if files.len() > most {
        files.sort();
        for (_, path) in files.iter().take(files.len() / 2) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn new_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Makes the directory if need be, and says why it must not be trusted: lemmas in it are believed, so nobody but this
/// user may be able to write there.
#[cfg(unix)]
fn private_directory(directory: &Path) -> Result<(), String> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    made.map_err(|error| format!("the lemma cache cannot be made: {error}"))?;
    let metadata =
        fs::metadata(directory).map_err(|error| format!("the lemma cache cannot be read: {error}"))?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err("the lemma cache belongs to another user".to_owned());
    }
    if metadata.mode() & 0o022 != 0 {
        return Err("the lemma cache can be written to by other users".to_owned());
    }
    Ok(())
}

#[cfg(not(unix))]
fn private_directory(directory: &Path) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| format!("the lemma cache cannot be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn fresh() -> (tempfile::TempDir, LemmaCache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = LemmaCache::at(&directory.path().join("a/lemmas"));
        assert_eq!(cache.problem(), None);
        (directory, cache)
    }

    fn again(cache: &LemmaCache) -> LemmaCache {
        LemmaCache::at(cache.directory.as_ref().unwrap())
    }

    #[test]
    fn kept_in_memory_and_on_disk() {
        let (_directory, cache) = fresh();
        assert_eq!(cache.get(&KEY), None);
        cache.put(&KEY, b"proved");
        assert_eq!(cache.get(&KEY).as_deref(), Some(b"proved".as_slice()));
        assert_eq!(again(&cache).get(&KEY).as_deref(), Some(b"proved".as_slice()));
        assert_eq!(LemmaCache::in_memory().get(&KEY), None);
    }

    #[test]
    fn any_damage_is_a_miss() {
        let (_directory, cache) = fresh();
        cache.put(&KEY, b"proved");
        let path = cache.path(&KEY).unwrap();
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert_eq!(again(&cache).get(&KEY), None, "byte {at}");
            fs::write(&path, &good[..at]).unwrap();
            assert_eq!(again(&cache).get(&KEY), None, "cut at {at}");
        }
        // Another lemma's entry under this name.
        let other = [8; 32];
        cache.put(&other, b"other");
        fs::rename(cache.path(&other).unwrap(), &path).unwrap();
        assert_eq!(again(&cache).get(&KEY), None);
        // A new proof mends it.
        cache.put(&KEY, b"proved");
        assert!(again(&cache).get(&KEY).is_some());
        fs::write(&path, vec![0; MAX_ENTRY + 1]).unwrap();
        assert_eq!(again(&cache).get(&KEY), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_write_to_is_not_believed() {
        use std::os::unix::fs::PermissionsExt;
        let (_directory, cache) = fresh();
        cache.put(&KEY, b"proved");
        let path = cache.directory.as_ref().unwrap();
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::set_permissions(path, fs::Permissions::from_mode(0o770)).unwrap();
        let doubtful = again(&cache);
        let problem = doubtful.problem();
        assert_eq!(problem, Some("the lemma cache can be written to by other users"));
        assert_eq!(doubtful.get(&KEY), None);
    }

    #[test]
    fn a_directory_that_cannot_be_made_costs_only_time() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, b"").unwrap();
        let cache = LemmaCache::at(&file.join("lemmas"));
        assert!(cache.problem().is_some());
        cache.put(&KEY, b"proved");
        assert_eq!(cache.get(&KEY).as_deref(), Some(b"proved".as_slice()));
    }

    #[test]
    fn the_directory_does_not_grow_for_ever() {
        let (_directory, cache) = fresh();
        let directory = cache.directory.as_ref().unwrap();
        let count = || fs::read_dir(directory).unwrap().count();
        for n in 1..=9 {
            cache.put(&[n; 32], b"proved");
            let file = File::open(cache.path(&[n; 32]).unwrap()).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(n));
            file.set_modified(time).unwrap();
        }
        trim(directory, 9).unwrap();
        assert_eq!(count(), 9);
        trim(directory, 8).unwrap();
        assert_eq!(count(), 5);
        assert!(again(&cache).get(&[9; 32]).is_some() && again(&cache).get(&[4; 32]).is_none());
        // It is done now and then.
        for n in 0..MAX_ON_DISK {
            fs::write(directory.join(format!("{n:064x}")), b"").unwrap();
        }
        // Older than all, and no entry.
        let foreign = directory.join("thesis.tex");
        fs::write(&foreign, b"").unwrap();
        File::open(&foreign)
            .unwrap()
            .set_modified(std::time::UNIX_EPOCH)
            .unwrap();
        cache.put(&[0; 32], b"proved");
        assert!(count() <= MAX_ON_DISK / 2 + 5, "{}", count());
        assert!(foreign.exists());
    }

    #[test]
    fn writers_do_not_disturb_each_other() {
        let (_directory, cache) = fresh();
        let bytes = vec![1_u8; 10_000];
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let mine = again(&cache);
                        mine.put(&KEY, &bytes);
                        assert_eq!(again(&cache).get(&KEY).as_deref(), Some(bytes.as_slice()));
                    }
                });
            }
        });
        let left = fs::read_dir(cache.directory.as_ref().unwrap()).unwrap();
        assert_eq!(left.count(), 1);
    }
}
