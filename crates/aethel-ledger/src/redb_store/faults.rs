//! A disk in memory that fails when it is asked to: an error, a process that dies, power that goes, no room.
//!
//! It keeps apart what a reader sees (the system's memory) and what surely stays (the platter): a write is seen at once
//! and stays only after a sync. When the power goes, of all that was written since then any part may have stayed, in
//! sectors of 512 bytes. After a sync that failed, a later one does not bring back what the first one lost, as on Linux.

#![allow(clippy::unwrap_used, clippy::panic)]

mod tests;

use super::create::{Created, cache};
use super::db::Db;
use super::guard::guarded;
use crate::error::LedgerError;
use redb::{Builder, StorageBackend};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;

/// What goes wrong at an operation. Operations are writes, changes of length, syncs, and giving the file its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails, once; later ones work. A sync that fails may have written anything, and what it has not is lost.
    Error,
    /// The process dies; a write may have got through in part. What the system has in memory is not lost.
    Death,
    /// The power goes.
    Power,
    /// There is no room for it, nor for any write after it.
    Full,
}

/// Small numbers from a seed.
pub(super) struct Random(pub u64);

impl Random {
    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most.max(1)
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
    Name,
}

impl Change {
    fn apply(&self, image: &mut Image) {
        match self {
            Self::Write(at, data) => {
                let end = at + data.len();
                if image.bytes.len() < end {
                    image.bytes.resize(end, 0);
                }
                image.bytes[*at..end].copy_from_slice(data);
            }
            Self::Length(length) => image.bytes.resize(*length, 0),
            Self::Name => image.named = true,
        }
    }
}

/// The bytes of a ledger, and whether its name leads to them.
#[derive(Clone, Default)]
struct Image {
    bytes: Vec<u8>,
    named: bool,
}

struct State {
    seen: Image,
    stays: Image,
    /// Seen, but not surely staying, in order.
    pending: Vec<Change>,
    operations: usize,
    fault: Option<(usize, Fault)>,
    random: Random,
    dead: bool,
    long: bool,
}

/// A disk with one ledger file. Its clones are the same disk.
#[derive(Clone)]
pub(super) struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// An empty disk, and when which fault strikes. `long` is what the store takes its file for.
    pub(super) fn new(seed: u64, fault: Option<(usize, Fault)>, long: bool) -> Self {
        Self::with(Image::default(), seed, fault, long)
    }

    fn with(image: Image, seed: u64, fault: Option<(usize, Fault)>, long: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            stays: image.clone(),
            seen: image,
            pending: Vec::new(),
            operations: 0,
            fault,
            random: Random(seed),
            dead: false,
            long,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn backend(&self) -> Backend {
        Backend(self.clone())
    }

    pub(super) fn is_named(&self) -> bool {
        self.state().seen.named
    }

    pub(super) fn is_long(&self) -> bool {
        self.state().long
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// How many operations there were.
    pub(super) fn operations(&self) -> usize {
        self.state().operations
    }

    /// There is room again.
    pub(super) fn repair(&self) {
        self.state().fault = None;
    }

    /// What the next process finds when this one ended: a disk without faults. What was not synced is still not.
    pub(super) fn after_death(&self) -> Self {
        let state = self.state();
        let next = Self::with(state.stays.clone(), state.random.0, None, state.long);
        next.state().seen = state.seen.clone();
        next.state().pending = state.pending.clone();
        next
    }

    /// What the next process finds after the power went: of what was not synced, a part.
    pub(super) fn after_power_loss(&self) -> Self {
        let state = &mut *self.state();
        let mut image = state.stays.clone();
        let random = &mut state.random;
        let (way, left_out) = (random.below(5), random.below(state.pending.len()));
        for (number, change) in state.pending.iter().enumerate() {
            match (way, change) {
                (0, _) => {}
                (1, _) => change.apply(&mut image),
                (2, _) if number == left_out => {}
                (2, _) => change.apply(&mut image),
                (3, Change::Write(at, data)) => {
                    for (sector, data) in data.chunks(SECTOR).enumerate() {
                        if random.coin() {
                            Change::Write(at + sector * SECTOR, data.to_vec()).apply(&mut image);
                        }
                    }
                }
                _ if random.coin() => change.apply(&mut image),
                _ => {}
            }
        }
        Self::with(image, random.0, None, state.long)
    }

    /// Pages in memory that were given up are read again from the platter.
    pub(super) fn forget(&self) {
        let state = &mut *self.state();
        // What can still be written is, unless nothing works any more.
        if !state.dead {
            let mut image = state.stays.clone();
            state.pending.iter().for_each(|change| change.apply(&mut image));
            state.seen = image;
        }
    }

    fn clear(&self) {
        let state = &mut *self.state();
        if !state.dead && !state.seen.named {
            (state.seen, state.stays) = Default::default();
            state.pending.clear();
        }
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let state = &mut *self.state();
        let grows = !matches!(change, Change::Name);
        match state.strikes(grows)? {
            None => {}
            Some(Fault::Error) => return Err(io::Error::from_raw_os_error(5)),
            Some(Fault::Full) => return Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Death) => {
                let part = match change {
                    Change::Write(at, mut data) => {
                        data.truncate(state.random.below(data.len() + 1));
                        Change::Write(at, data)
                    }
                    change if state.random.coin() => change,
                    _ => return Err(gone()),
                };
                part.apply(&mut state.seen);
                state.pending.push(part);
                return Err(gone());
            }
            Some(Fault::Power) => {
                state.pending.push(change);
                return Err(gone());
            }
        }
        change.apply(&mut state.seen);
        state.pending.push(change);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let state = &mut *self.state();
        let struck = state.strikes(false)?;
        let (name, bytes): (Vec<Change>, _) = std::mem::take(&mut state.pending)
            .into_iter()
            .partition(|change| matches!(change, Change::Name));
        state.pending = name;
        match struck {
            None | Some(Fault::Full) => {
                bytes.iter().for_each(|change| change.apply(&mut state.stays));
                Ok(())
            }
            Some(Fault::Error) => {
                let way = state.random.below(3);
                for change in bytes {
                    if way == 0 || way == 1 && state.random.coin() {
                        change.apply(&mut state.stays);
                    }
                }
                Err(io::Error::from_raw_os_error(5))
            }
            Some(Fault::Death | Fault::Power) => {
                state.pending.extend(bytes);
                Err(gone())
            }
        }
    }

    /// Syncs the directory, where its name was not synced yet. It is the file system's journal that keeps names: one that
    /// failed is there to be tried again.
    pub(super) fn sync_name(&self) -> io::Result<()> {
        let state = &mut *self.state();
        if !state.seen.named || state.stays.named {
            return Ok(());
        }
        match state.strikes(false)? {
            None | Some(Fault::Full) => {
                state.pending.retain(|change| !matches!(change, Change::Name));
                state.stays.named = true;
                Ok(())
            }
            Some(Fault::Error) => Err(io::Error::from_raw_os_error(5)),
            Some(Fault::Death | Fault::Power) => Err(gone()),
        }
    }
}

impl State {
    /// Counts an operation, and says what strikes it.
    fn strikes(&mut self, takes_room: bool) -> io::Result<Option<Fault>> {
        if self.dead {
            return Err(gone());
        }
        self.operations += 1;
        let (at, fault) = match self.fault {
            Some((at, fault)) if at == self.operations => (at, fault),
            Some((at, Fault::Full)) if at < self.operations && takes_room => (at, Fault::Full),
            _ => return Ok(None),
        };
        self.dead = matches!(fault, Fault::Death | Fault::Power);
        Ok((at > 0).then_some(fault))
    }
}

/// What a dead process would never see.
fn gone() -> io::Error {
    io::Error::other("the process is dead")
}

/// What redb has of a disk.
pub(super) struct Backend(Disk);

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a disk in memory")
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        match self.0.is_dead() {
            true => Err(gone()),
            false => Ok(self.0.state().seen.bytes.len() as u64),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.state();
        let at = offset as usize;
        if state.dead {
            return Err(gone());
        }
        match state.seen.bytes.get(at..at + out.len()) {
            Some(bytes) => out.copy_from_slice(bytes),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.change(Change::Length(length as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.change(Change::Write(offset as usize, data.to_vec()))
    }
}

/// Makes a ledger as a file is made: written and synced under another name, then named, then the name is synced.
pub(super) fn create(
    disk: &Disk,
    ledger: &Arc<str>,
    what: &str,
    fill: &mut dyn FnMut(&Db) -> Result<(), LedgerError>,
) -> Result<Created, LedgerError> {
    let io = |doing| move |error: io::Error| LedgerError::from_io(ledger, doing, &error);
    // A name is never given twice.
    if disk.is_named() {
        return Ok(Created::Lost);
    }
    disk.clear();
    let built = guarded(ledger, "creating", || {
        let handle = cache(&mut Builder::new()).create_with_backend(disk.backend())?;
        let mut db = Db::new(handle, None, true, Arc::default());
        db.long = Some(disk.is_long());
        Ok(db)
    });
    let filled = built.and_then(|db| fill(&db).map(|()| db));
    let named = filled.and_then(|db| disk.change(Change::Name).map(|()| db).map_err(io("naming")));
    disk.clear();
    let db = named?;
    disk.sync_name().map_err(|error| LedgerError::OutcomeUnknown {
        ledger: ledger.clone(),
        batch: what.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Created::Here(db))
}
