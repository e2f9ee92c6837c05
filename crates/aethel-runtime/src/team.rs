//! The threads that share the work of the stages.

use aethel_certificate::Workers;
use rayon_core::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use std::sync::{Mutex, OnceLock};

/// A caller and its helpers. The helpers are started when they are first needed and sleep in between, so that no batch
/// pays for starting them; the caller always works itself.
#[derive(Debug)]
pub struct Team {
    count: usize,
    /// `None` when the machine has no room for them.
    helpers: OnceLock<Option<ThreadPool>>,
}

impl Team {
    /// A team of so many, the caller included; at least one.
    pub fn new(count: u32) -> Self {
        Self {
            count: count.max(1) as usize,
            helpers: OnceLock::new(),
        }
    }

    fn helpers(&self) -> Option<&ThreadPool> {
        if self.count == 1 {
            return None;
        }
        let start = || {
            ThreadPoolBuilder::new()
                .num_threads(self.count - 1)
                .thread_name(|index| format!("aethel-{}", index + 1))
                .build()
                .ok()
        };
        self.helpers.get_or_init(start).as_ref()
    }
}

impl Workers for Team {
    fn count(&self) -> usize {
        self.count
    }

    fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        match self.helpers() {
            Some(helpers) => helpers.in_place_scope(|scope| {
                (1..self.count).for_each(|index| scope.spawn(move |_| work(index)));
                work(0);
            }),
            None => (0..self.count).for_each(work),
        }
    }
}

/// How many threads shared the work of a stage that has two ways, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageThreads {
    /// How many.
    pub count: usize,
    /// Why not more, or not fewer.
    pub why: String,
}

impl StageThreads {
    pub(crate) fn new(count: usize, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { count, why }
    }
}

/// Workers of whom it is noted how they shared the last piece of work.
pub(crate) struct Noting<'w> {
    workers: &'w dyn Workers,
    /// So many were asked for; otherwise they are as many as may be used.
    asked: bool,
    shared: Mutex<Option<usize>>,
}

impl<'w> Noting<'w> {
    pub fn new(workers: &'w dyn Workers, asked: bool) -> Self {
        Self {
            workers,
            asked,
            shared: Mutex::new(None),
        }
    }

    /// Why work was not shared that always could be, or might be where it is worth it.
    pub fn alone(&self) -> StageThreads {
        StageThreads::new(1, self.why(1))
    }

    /// How the last piece of work was shared; `otherwise` says why no piece could be.
    pub fn threads(&self, otherwise: &str) -> StageThreads {
        let shared = self.shared.lock().map_or(None, |shared| *shared);
        match shared {
            Some(count) => StageThreads::new(count, self.why(count)),
            None => StageThreads::new(1, otherwise),
        }
    }

    fn why(&self, count: usize) -> &'static str {
        match self.workers.count() {
            1 if self.asked => "1 asked for",
            1 => "no more are allowed",
            all if count == all => "there is work for all",
            _ => "too little work for more",
        }
    }
}

impl Workers for Noting<'_> {
    fn count(&self) -> usize {
        self.workers.count()
    }

    fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        self.workers.run(work);
    }

    fn share(&self, units: usize, worth: usize) -> usize {
        let count = self.workers.share(units, worth);
        if let Ok(mut shared) = self.shared.lock() {
            *shared = Some(count);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn everybody_works_once_and_again() {
        for count in [1, 2, 5] {
            let team = Team::new(count);
            for _ in 0..3 {
                let calls: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
                team.run(&|index| {
                    calls[index].fetch_add(1, Ordering::Relaxed);
                });
                assert!(calls.iter().all(|calls| calls.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn how_work_was_shared_is_noted() {
        let said = |count, asked, units| {
            let team = Team::new(count);
            let noting = Noting::new(&team, asked);
            assert_eq!(noting.threads("-"), StageThreads::new(1, "-"));
            assert_eq!(noting.share(units, 10), team.share(units, 10));
            let threads = noting.threads("-");
            format!("{} {}", threads.count, threads.why)
        };
        assert_eq!(said(1, false, 100), "1 no more are allowed");
        assert_eq!(said(1, true, 100), "1 1 asked for");
        assert_eq!(said(4, true, 9), "1 too little work for more");
        assert_eq!(said(4, false, 25), "2 too little work for more");
        assert_eq!(said(4, true, 100), "4 there is work for all");
    }
}
