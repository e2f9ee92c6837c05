//! Reading a file without writing to it, whatever state its last writer left it in: redb repairs what a kill left
//! over when it opens a file, and here the repair stays in memory.

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

const PAGE: usize = 4096;

/// A file whose changes are kept in memory and go when it is closed. Its locks are shared ones: several readers
/// have the file open together, and no writer beside them.
#[derive(Debug)]
pub(super) struct Overlay {
    file: Box<dyn StorageBackend>,
    changes: Mutex<Changes>,
}

#[derive(Debug)]
struct Changes {
    /// The length it seems to have.
    length: u64,
    /// Up to where the file's own bytes show through.
    original: u64,
    /// Changed pages by number.
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

impl Overlay {
    pub(super) fn new(file: File) -> io::Result<Self> {
        Self::over(Box::new(FileBackend::new(file).map_err(io::Error::other)?))
    }

    pub(super) fn over(file: Box<dyn StorageBackend>) -> io::Result<Self> {
        let length = file.len()?;
        Ok(Self {
            file,
            changes: Mutex::new(Changes {
                length,
                original: length,
                pages: BTreeMap::new(),
            }),
        })
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        // No code below leaves the changes half-made, so a panic elsewhere does not spoil them.
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of one page as they are now.
    fn page(&self, changes: &Changes, number: u64) -> io::Result<Box<[u8; PAGE]>> {
        if let Some(page) = changes.pages.get(&number) {
            return Ok(page.clone());
        }
        let mut page = Box::new([0; PAGE]);
        let start = number * PAGE as u64;
        let there = changes.original.saturating_sub(start).min(PAGE as u64) as usize;
        if there > 0 {
            self.file.read(start, &mut page[..there])?;
        }
        Ok(page)
    }
}

/// The parts of a range by page: page number, offset in the page, range in the caller's bytes.
fn parts(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let within = (at % PAGE as u64) as usize;
        let count = (PAGE - within).min(length - done);
        let part = (at / PAGE as u64, within, done..done + count);
        done += count;
        (count > 0).then_some(part)
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.changes().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let changes = self.changes();
        if offset
            .checked_add(out.len() as u64)
            .is_none_or(|end| end > changes.length)
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if changes.pages.is_empty() && changes.original == changes.length {
            return self.file.read(offset, out);
        }
        for (number, within, range) in parts(offset, out.len()) {
            let page = self.page(&changes, number)?;
            let count = range.len();
            out[range].copy_from_slice(&page[within..within + count]);
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut changes = self.changes();
        if length < changes.length {
            // What is cut off reads as zeros if the file grows again.
            changes.original = changes.original.min(length);
            let cut = length.div_ceil(PAGE as u64);
            changes.pages.split_off(&cut);
            if let Some(page) = changes.pages.get_mut(&(length / PAGE as u64)) {
                page[(length % PAGE as u64) as usize..].fill(0);
            }
        }
        changes.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut changes = self.changes();
        for (number, within, range) in parts(offset, data.len()) {
            let mut page = self.page(&changes, number)?;
            page[within..within + range.len()].copy_from_slice(&data[range]);
            changes.pages.insert(number, page);
        }
        changes.length = changes.length.max(offset.saturating_add(data.len() as u64));
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Read, Seek, SeekFrom, Write};

    #[derive(Clone, Debug)]
    enum Step {
        Write(u64, Vec<u8>),
        Length(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let bytes = prop::collection::vec(any::<u8>(), 0..9000);
        let step = prop_oneof![
            (0u64..20_000, bytes).prop_map(|(at, bytes)| Step::Write(at, bytes)),
            (0u64..30_000).prop_map(Step::Length),
        ];
        prop::collection::vec(step, 0..8)
    }

    proptest! {
        #[test]
        fn reads_as_a_file_would_and_leaves_the_file_alone(steps in steps(), at in 0u64..30_000, length in 0usize..9000) {
            let mut file = tempfile::tempfile().unwrap();
            let mut model = vec![7u8; 10_000];
            file.write_all(&model).unwrap();
            let overlay = Overlay::new(file.try_clone().unwrap()).unwrap();
            for step in steps {
                match step {
                    Step::Write(at, bytes) => {
                        overlay.write(at, &bytes).unwrap();
                        let end = at as usize + bytes.len();
                        model.resize(model.len().max(end), 0);
                        model[at as usize..end].copy_from_slice(&bytes);
                    }
                    Step::Length(length) => {
                        overlay.set_len(length).unwrap();
                        model.resize(length as usize, 0);
                    }
                }
            }
            prop_assert_eq!(overlay.len().unwrap(), model.len() as u64);
            let mut out = vec![0; length];
            let expected = model.get(at as usize..at as usize + length);
            prop_assert_eq!(overlay.read(at, &mut out).is_ok(), expected.is_some());
            if let Some(expected) = expected {
                prop_assert_eq!(out, expected);
            }
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0)).unwrap();
            file.read_to_end(&mut bytes).unwrap();
            prop_assert_eq!(bytes, vec![7u8; 10_000]);
        }
    }
}
