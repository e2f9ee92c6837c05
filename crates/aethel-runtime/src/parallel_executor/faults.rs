//! Faults of the scheduler that tests plant, to see that later stages notice. Nothing outside tests can plant one.

/// The faults of one execution; there are none outside tests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// This transaction waits for nobody and goes first.
    #[cfg(test)]
    pub free: Option<u32>,
    /// What this transaction writes is logged and then lost.
    #[cfg(test)]
    pub lose_writes: Option<u32>,
    /// This transaction sees the values before the batch.
    #[cfg(test)]
    pub stale: Option<u32>,
    /// What this transaction adds to places in escrow is added twice.
    #[cfg(test)]
    pub doubles: Option<u32>,
    /// The worker panics at this transaction.
    #[cfg(test)]
    pub panic_at: Option<u32>,
}

#[cfg(test)]
impl Faults {
    pub fn any(&self) -> bool {
        let planted = [
            self.free,
            self.lose_writes,
            self.stale,
            self.doubles,
            self.panic_at,
        ];
        planted.iter().any(Option::is_some)
    }

    pub fn frees(&self, id: u32) -> bool {
        self.free == Some(id)
    }

    pub fn loses_writes(&self, id: u32) -> bool {
        self.lose_writes == Some(id)
    }

    pub fn sees_stale(&self, id: u32) -> bool {
        self.stale == Some(id)
    }

    pub fn doubles(&self, id: u32) -> bool {
        self.doubles == Some(id)
    }

    #[allow(clippy::panic)]
    pub fn panic_at(&self, id: u32) {
        assert!(self.panic_at != Some(id), "planted");
    }
}

#[cfg(not(test))]
#[allow(clippy::unused_self, reason = "the same shape as in tests")]
impl Faults {
    #[inline]
    pub fn any(self) -> bool {
        false
    }

    #[inline]
    pub fn frees(self, _id: u32) -> bool {
        false
    }

    #[inline]
    pub fn loses_writes(self, _id: u32) -> bool {
        false
    }

    #[inline]
    pub fn sees_stale(self, _id: u32) -> bool {
        false
    }

    #[inline]
    pub fn doubles(self, _id: u32) -> bool {
        false
    }

    #[inline]
    pub fn panic_at(self, _id: u32) {}
}
