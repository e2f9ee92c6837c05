//! An open file of redb: how it is written so that a commit costs one sync, opening after a kill stays quick, and
//! letting go costs nothing.

use super::guard::caught;
use super::room::Room;
use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Up to this length, the map of free pages need not be in the file at every moment.
///
/// redb can store that map with a commit (its "quick repair"), at the price of a second sync. Without it, opening the
/// file after its writer was killed reads all of it.
const MAPPED_BYTES: u64 = 48 << 20;

/// An open file.
pub(super) struct Db {
    /// Filled until it is dropped.
    handle: Option<Database>,
    /// The same file, when it may be written.
    room: Option<Room>,
    /// Whether what is written reaches the file.
    pub writable: bool,
    /// A commit of ours was made; until then the next one stores the map, since most processes make only one.
    written: AtomicBool,
    /// The map of free pages in the file is older than its last commit.
    unmapped: Arc<AtomicBool>,
    /// Whether the file counts as long, whatever its length.
    #[cfg(test)]
    pub long: Option<bool>,
}

impl Db {
    /// `unmapped` says that the file had to be read as a whole, so that it has no map.
    pub(super) fn new(
        handle: Database,
        room: Option<Room>,
        writable: bool,
        unmapped: Arc<AtomicBool>,
    ) -> Self {
        Self {
            handle: Some(handle),
            room,
            writable,
            written: AtomicBool::new(false),
            unmapped,
            #[cfg(test)]
            long: None,
        }
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, redb::Error> {
        Ok(self.database()?.begin_read()?)
    }

    fn database(&self) -> Result<&Database, redb::Error> {
        self.handle.as_ref().ok_or(redb::Error::DatabaseClosed)
    }

    /// Writes in one transaction, durable when this returns. `map` stores the map of free pages whatever the file's
    /// length.
    pub(super) fn write(
        &self,
        map: bool,
        work: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), redb::Error> {
        let map = self.is_long() || map || !self.written.load(Ordering::Relaxed);
        // After a failure there is no farewell: whoever opens the file next sees to it.
        self.unmapped.store(false, Ordering::Relaxed);
        let mut transaction = self.database()?.begin_write()?;
        transaction.set_quick_repair(map);
        work(&transaction)?;
        transaction.commit()?;
        self.written.store(true, Ordering::Relaxed);
        self.unmapped.store(!map, Ordering::Relaxed);
        Ok(())
    }

    fn is_long(&self) -> bool {
        #[cfg(test)]
        if let Some(long) = self.long {
            return long;
        }
        let length = self.room.as_ref().map(Room::before_commit);
        !matches!(length, Some(Ok(length)) if length <= MAPPED_BYTES)
    }

    /// What is known of the room ahead in the file.
    pub(super) fn room(&self) -> Option<&Room> {
        self.room.as_ref()
    }
}

/// Lets go of the file without redb's own farewell: a commit with several syncs, which rewrites the map of free pages
/// even where it is up to date. It takes about as long as a batch (0.8 ms after a commit of 0.9 ms, median of 60), and on
/// a damaged map it aborts the process. redb leaves it out while a panic unwinds, so this drops the handle under an
/// unwinding of its own, which runs no panic hook and is caught here. Where the map is not up to date, one small commit
/// before that stores it.
impl Drop for Db {
    fn drop(&mut self) {
        if cfg!(panic = "unwind") && !std::thread::panicking() {
            if self.writable && self.unmapped.load(Ordering::Relaxed) {
                // What this writes nobody was promised; if it fails, the next to open the file reads all of it.
                let _ = caught(|| self.write(true, |_| Ok(())));
            }
            let db = self.handle.take();
            let _ = catch_unwind(AssertUnwindSafe(move || {
                let _dropped_below = db;
                resume_unwind(Box::new(()))
            }));
        }
    }
}
