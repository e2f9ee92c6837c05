//! How far a long piece of work is, for somebody who watches from another thread.
//!
//! Whoever works says what it begins and counts what is done; it never waits for the watcher, and counts in chunks. That
//! nobody watches costs as little.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Shared by who works and who watches.
#[derive(Debug, Default)]
pub struct Progress {
    work: Mutex<Work>,
    done: AtomicU64,
}

/// What is being done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// In words, such as `execution`; empty before anything was begun. Names in it are as they came.
    pub what: String,
    /// What is counted, such as `transactions`; empty when nothing is.
    pub unit: &'static str,
    /// How many there are, where that is known.
    pub of: Option<u64>,
}

impl Progress {
    /// Says what comes now, where nothing is counted.
    pub fn begin(&self, what: impl Into<String>) {
        self.begin_counting(what, "", None);
    }

    /// Says what comes now, what is counted, and how many there are, where that is known.
    pub fn begin_counting(&self, what: impl Into<String>, unit: &'static str, of: Option<u64>) {
        let what = what.into();
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        *work = Work { what, unit, of };
        self.done.store(0, Ordering::Relaxed);
    }

    /// So many more are done.
    pub fn add(&self, count: u64) {
        self.done.fetch_add(count, Ordering::Relaxed);
    }

    /// So many are done.
    pub fn reached(&self, count: u64) {
        self.done.store(count, Ordering::Relaxed);
    }

    /// What is being done, and how many are done of it. The two may be of moments close to each other.
    pub fn look(&self) -> (Work, u64) {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        (work.clone(), self.done.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_begin_anew_with_each_piece_of_work() {
        let progress = Progress::default();
        assert_eq!(progress.look(), (Work::default(), 0));
        progress.begin_counting("execution", "transactions", Some(10));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| progress.add(2));
            }
        });
        let (work, done) = progress.look();
        assert_eq!((work.unit, work.of, done), ("transactions", Some(10), 8));
        progress.begin("commit");
        let (work, done) = progress.look();
        assert_eq!((&*work.what, work.unit, work.of, done), ("commit", "", None, 0));
        progress.reached(3);
        assert_eq!(progress.look().1, 3);
    }
}
