//! Making the file: under another name, synced, then given its name without replacing anything.

use super::db::Db;
use super::guard::guarded;
use super::medium::Medium;
use super::room::Room;
use crate::error::LedgerError;
use redb::Builder;
use redb::backends::FileBackend;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How creation ended.
pub(super) enum Created {
    /// The file is there, durably, and holds the batch.
    Here(Db),
    /// Another process was first.
    Lost,
}

/// Builds a ledger, which `fill` gives its first rows, and gives it its name. `what` says what is in it, for messages.
///
/// Killed at any moment, either the name does not exist, or the ledger with its rows has it; what remains under
/// the other name is removed by the next process ([`remove_stale`]).
pub(super) fn create(
    medium: &Medium,
    ledger: &Arc<str>,
    what: &str,
    fill: &mut dyn FnMut(&Db) -> Result<(), LedgerError>,
) -> Result<Created, LedgerError> {
    let path = match medium {
        Medium::File(path) => path.as_path(),
        #[cfg(test)]
        Medium::Disk(disk) => return super::faults::create(disk, ledger, what, fill),
    };
    let io = |doing| move |error: io::Error| LedgerError::from_io(ledger, doing, &error);
    let directory = directory_of(path);
    create_directories(directory).map_err(io("creating the directory of"))?;
    // A process that cleans up may take the new file for a dead one's in the instant before it is locked.
    for _ in 0..8 {
        let temporary = temporary_name(path).map_err(io("creating"))?;
        let file = create_private(&temporary).map_err(io("creating"))?;
        if file.try_lock().is_err() {
            let _ = fs::remove_file(&temporary);
            continue;
        }
        let built = guarded(ledger, "creating", || {
            let room = Room::new(file.try_clone()?);
            let db = cache(&mut Builder::new()).create_with_backend(FileBackend::new(file)?)?;
            Ok(Db::new(db, Some(room), true, Arc::default()))
        });
        let filled = built.and_then(|db| fill(&db).map(|()| db));
        let named = filled.and_then(|db| match fs::hard_link(&temporary, path) {
            Ok(()) => Ok(Some(Created::Here(db))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Some(Created::Lost)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LedgerError::from_io(ledger, "naming", &error)),
        });
        if matches!(named, Ok(Some(Created::Here(_)))) {
            // Its name is seen already but may not survive a power loss: that is neither done nor undone. The second
            // name stays until then, so that whoever opens the ledger next knows.
            sync_directory(directory).map_err(|error| LedgerError::OutcomeUnknown {
                ledger: ledger.clone(),
                batch: what.to_owned(),
                reason: error.to_string(),
            })?;
        }
        let _ = fs::remove_file(&temporary);
        if let Some(created) = named? {
            return Ok(created);
        }
    }
    Err(LedgerError::Io {
        ledger: ledger.clone(),
        doing: "creating",
        reason: "its temporary file vanished".into(),
    })
}

/// redb's memory for pages, much smaller than its default: a ledger reads single rows, and need not keep a long one
/// that it has just written.
pub(super) fn cache(builder: &mut Builder) -> &mut Builder {
    builder.set_cache_size(16 << 20)
}

pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn prefix_of(path: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new-");
    name
}

fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let mut random = [0u8; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut name = prefix_of(path);
    name.push(format!("{:016x}", u64::from_le_bytes(random)));
    Ok(directory_of(path).join(name))
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes missing directories and syncs the one that each new name is in.
fn create_directories(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let above = directory_of(directory);
    create_directories(above)?;
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_directory(above),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()
    } else {
        Ok(())
    }
}

/// Removes temporary files of processes that died while creating this ledger. What cannot be removed stays. A second
/// name of the ledger itself says that its first one may not be synced yet.
pub(super) fn remove_stale(path: &Path) -> io::Result<()> {
    let prefix = prefix_of(path);
    let directory = directory_of(path);
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if !entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(prefix.as_encoded_bytes())
        {
            continue;
        }
        let second_name = is_same_file(&entry.path(), path);
        if second_name {
            sync_directory(directory)?;
        }
        // A living maker holds the lock.
        if second_name || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Path) -> bool {
    false
}
