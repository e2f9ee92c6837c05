//! Time, passed in: what it is now, until when a batch may run, and whether somebody asked it to stop.

use aethel_ir::{Code, Diagnostic, Progress};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where the runtime gets the time from.
pub trait Clock: Send + Sync {
    /// Time since some fixed moment; never goes back, on no thread.
    fn now(&self) -> Duration;
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn unix_ms(&self) -> i64;
}

/// The clocks of the machine. The runtime itself never makes one; callers pass it in.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn unix_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Why a batch stopped before its end, without having failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its time was up.
    Timeout,
    /// Somebody asked for it.
    Cancelled,
}

impl Stop {
    /// For people; `stage` says where it stopped.
    pub fn diagnostic(self, stage: &str) -> Diagnostic {
        match self {
            Stop::Timeout => Diagnostic::new(
                Code::AE0508,
                format!("the time for the batch was up during {stage}"),
            )
            .help("nothing was committed; give it more time, or split the batch"),
            Stop::Cancelled => Diagnostic::new(Code::AE0509, format!("interrupted during {stage}"))
                .help("nothing was committed; run it again"),
        }
    }
}

/// A clock with a deadline and a flag that asks to stop.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
    /// When to stop, on [`Clock::now`].
    pub deadline: Option<Duration>,
    /// Set from outside to ask for a stop.
    pub cancel: Option<&'a AtomicBool>,
    /// Where transactions that are done are counted, a chunk at a time.
    pub progress: Option<&'a Progress>,
}

impl<'a> Watch<'a> {
    /// A watch that never stops anything.
    pub fn new(clock: &'a dyn Clock) -> Self {
        Self {
            clock,
            deadline: None,
            cancel: None,
            progress: None,
        }
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), Stop> {
        if self.cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(Stop::Cancelled);
        }
        match self.deadline {
            Some(deadline) if self.clock.now() >= deadline => Err(Stop::Timeout),
            _ => Ok(()),
        }
    }

    /// Counts what was done since the last look.
    pub fn count(&self, done: usize) {
        if let Some(progress) = self.progress {
            progress.add(done as u64);
        }
    }

    /// Nanoseconds on the clock.
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.clock.now().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
