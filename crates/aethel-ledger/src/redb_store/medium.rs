//! Where the bytes of a ledger are: a file; in tests of this crate also a disk that fails when it is asked to.

use super::create::{cache, remove_stale};
use super::db::Db;
#[cfg(test)]
use super::faults::Disk;
use super::overlay::Overlay;
use super::room::Room;
use redb::Builder;
use redb::backends::FileBackend;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where the bytes of a ledger are.
pub(super) enum Medium {
    /// A regular file, or nothing yet, under a path.
    File(PathBuf),
    /// A disk in memory.
    #[cfg(test)]
    Disk(Disk),
}

impl Medium {
    /// Whether a ledger was made there.
    pub(super) fn is_there(&self) -> bool {
        match self {
            Self::File(path) => {
                !matches!(fs::metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
            }
            #[cfg(test)]
            Self::Disk(disk) => disk.is_named(),
        }
    }

    /// Removes what processes left that died while they made the ledger. Where one of them may not have synced its name,
    /// that is done before anything is built on it.
    pub(super) fn tidy(&self) -> io::Result<()> {
        match self {
            Self::File(path) => remove_stale(path),
            #[cfg(test)]
            Self::Disk(disk) => disk.sync_name(),
        }
    }

    /// Opens what is there for writing.
    pub(super) fn open(&self) -> Result<Db, redb::Error> {
        let repaired = Arc::new(AtomicBool::new(false));
        let mut builder = Builder::new();
        let unmapped = repaired.clone();
        builder.set_repair_callback(move |_| unmapped.store(true, Ordering::Relaxed));
        let builder = cache(&mut builder);
        match self {
            Self::File(path) => {
                let file = OpenOptions::new().read(true).write(true).open(path)?;
                let room = Room::new(file.try_clone()?);
                let handle = builder.create_with_backend(FileBackend::new(file)?)?;
                Ok(Db::new(handle, Some(room), true, repaired))
            }
            #[cfg(test)]
            Self::Disk(disk) => {
                let mut db = Db::new(builder.create_with_backend(disk.backend())?, None, true, repaired);
                db.long = Some(disk.is_long());
                Ok(db)
            }
        }
    }

    /// Opens what is there for reading; nothing of it changes.
    pub(super) fn open_to_read(&self) -> Result<Db, redb::Error> {
        let overlay = match self {
            Self::File(path) => Overlay::new(File::open(path)?)?,
            #[cfg(test)]
            Self::Disk(disk) => Overlay::over(Box::new(disk.backend()))?,
        };
        let handle = cache(&mut Builder::new()).create_with_backend(overlay)?;
        Ok(Db::new(handle, None, false, Arc::default()))
    }

    /// Makes the next reads see what is on the disk, after a write or sync failed. The system may keep pages in memory
    /// that it gave up writing, and takes them for written: read again, they would look durable.
    pub(super) fn forget(&self) {
        match self {
            Self::File(path) => {
                if let Ok(file) = File::open(path) {
                    // What can still be written is; what cannot is dropped below.
                    let _ = file.sync_data();
                    #[cfg(target_os = "linux")]
                    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
                }
            }
            #[cfg(test)]
            Self::Disk(disk) => disk.forget(),
        }
    }
}
