//! The shared state: for each place its value and how often it was written.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// A place that several threads look at, in safe Rust: an `i128` in two halves, and a version.
///
/// Why relaxed accesses suffice, and why no half can be from another write than the other: two transactions that
/// access one place, at least one of them writing, are connected in the dependency graph. The later one begins only
/// after the pending counter of it has been brought to zero by release operations that follow all accesses of the
/// earlier one (or after it was taken from a deque, which releases and acquires too, or on the same thread). So
/// between a write to a cell and every other access to it there is always a happens-before edge; no access ever runs
/// at the same time as a write, each load sees exactly the last store in batch order, and there is nothing to tear.
/// If the scheduler were wrong the values could be nonsense, never undefined behaviour, and stage ④ refuses nonsense.
#[derive(Debug)]
pub(super) struct Cell {
    low: AtomicU64,
    high: AtomicU64,
    version: AtomicU32,
}

impl Cell {
    pub fn new(value: i128) -> Self {
        Self {
            low: AtomicU64::new(value as u64),
            high: AtomicU64::new((value >> 64) as u64),
            version: AtomicU32::new(0),
        }
    }

    pub fn read(&self) -> (i128, u32) {
        let (low, high) = (self.low.load(Relaxed), self.high.load(Relaxed));
        let value = (u128::from(high) << 64) | u128::from(low);
        (value as i128, self.version.load(Relaxed))
    }

    pub fn write(&self, value: i128, version: u32) {
        self.low.store(value as u64, Relaxed);
        self.high.store((value >> 64) as u64, Relaxed);
        self.version.store(version, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_two_halves() {
        for value in [0, -1, 1, i128::MAX, i128::MIN, -(1 << 64), (1 << 64) - 1, 1 << 63] {
            let cell = Cell::new(value);
            assert_eq!(cell.read(), (value, 0));
            cell.write(!value, 7);
            assert_eq!(cell.read(), (!value, 7));
        }
    }
}
