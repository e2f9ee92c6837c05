//! The threads that share the work of the stages.

use aethel_certificate::Workers;
use rayon_core::{ThreadPool, ThreadPoolBuilder};
use std::sync::OnceLock;

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
}
