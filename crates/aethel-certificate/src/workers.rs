//! Who does work that can be shared out.

/// Some workers. This crate starts no threads: whoever has some lends them.
pub trait Workers: Sync {
    /// How many there are, at least 1.
    fn count(&self) -> usize;

    /// Calls `work` once with each number below [`Workers::count`], perhaps at the same time, and returns when all
    /// calls have.
    fn run(&self, work: &(dyn Fn(usize) + Sync));

    /// How many of them share a piece of work, each of whom should have `worth` units of it: at least 1.
    fn share(&self, units: usize, worth: usize) -> usize {
        self.count().min(units / worth.max(1)).max(1)
    }
}

/// The caller alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Workers for Alone {
    fn count(&self) -> usize {
        1
    }

    fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        work(0);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Threads that really run at the same time.
    pub(crate) struct Threads(pub usize);

    impl Workers for Threads {
        fn count(&self) -> usize {
            self.0
        }

        fn run(&self, work: &(dyn Fn(usize) + Sync)) {
            std::thread::scope(|scope| {
                (0..self.0).for_each(|index| {
                    scope.spawn(move || work(index));
                });
            });
        }
    }
}
