//! A scratch ledger on the disk where the default ledger would be.

use super::opening::Opening;
use crate::ledger::LedgerPath;
use aethel_ir::{Code, Diagnostic};
use aethel_ledger::RedbStore;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A directory that goes away, and the ledgers in it.
pub struct Scratch {
    directory: PathBuf,
    opening: Opening,
    store: Option<RedbStore>,
    made: u32,
    /// Whether the parent was made for it.
    parent_is_ours: bool,
}

impl Scratch {
    /// A new directory below `parent`, with a ledger that begins with this opening.
    ///
    /// # Errors
    /// AE0901 when it cannot be made; what the store says.
    pub fn new(parent: &Path, opening: Opening) -> Result<Scratch, Diagnostic> {
        let parent_is_ours = !parent.exists();
        let directory = (0..1000)
            .map(|n| parent.join(format!("bench-{}-{n}", std::process::id())))
            .find(|directory| !directory.exists())
            .unwrap_or_else(|| parent.join("bench"));
        std::fs::create_dir_all(&directory).map_err(|error| {
            let message = format!("cannot make `{}`: {error}", directory.display());
            Diagnostic::new(Code::AE0901, message).help(
                "durable figures need a directory that can be written to; `--store memory` does without",
            )
        })?;
        let mut scratch = Scratch {
            directory,
            opening,
            store: None,
            made: 0,
            parent_is_ours,
        };
        scratch.renew()?;
        Ok(scratch)
    }

    /// A ledger of the same kind on the same disk as this one.
    ///
    /// # Errors
    /// As [`Scratch::new`]; AE0911 when the ledger is on a server.
    pub fn beside(ledger: &LedgerPath, opening: Opening) -> Result<Scratch, Diagnostic> {
        let LedgerPath::File(path) = ledger else {
            let message = "single transactions are measured on a scratch file beside the ledger, and this one is on a server";
            return Err(Diagnostic::new(Code::AE0911, message));
        };
        Self::new(path.parent().unwrap_or(Path::new(".")), opening)
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The ledger for the next run: the same again, or a new one.
    ///
    /// # Errors
    /// What the store says.
    pub fn next(&mut self, same: bool) -> Result<&mut RedbStore, Diagnostic> {
        if !same || self.store.is_none() {
            self.renew()?;
        }
        self.store
            .as_mut()
            .ok_or_else(|| Diagnostic::new(Code::AE0901, "the scratch ledger is gone"))
    }

    fn renew(&mut self) -> Result<(), Diagnostic> {
        let path = |made: u32| self.directory.join(format!("ledger-{made}.redb"));
        let old = path(self.made);
        self.made += 1;
        let new = path(self.made);
        if self.store.take().is_some() {
            let _ = std::fs::remove_file(old);
        }
        let mut store = RedbStore::open_or_new(new, Duration::ZERO).map_err(|error| error.to_diagnostic())?;
        self.opening.commit(&mut store)?;
        self.store = Some(store);
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.store = None;
        let _ = std::fs::remove_dir_all(&self.directory);
        if let (true, Some(parent)) = (self.parent_is_ours, self.directory.parent()) {
            // Only when nothing else has come into it.
            let _ = std::fs::remove_dir(parent);
        }
    }
}
