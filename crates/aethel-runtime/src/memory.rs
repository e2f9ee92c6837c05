//! Memory that is used again by the next batch.
//!
//! The columns of a large batch are large blocks. The allocator of glibc returns such blocks to the system as soon as they are
//! free, and the next batch pays again for every page that it touches first: as much as for all of stage ③. How large is
//! large follows the largest block that was ever returned, up to 32 MiB; and it keeps twice as much that is free. So one
//! block of nearly that size is asked for and given back once, never touched. From then on at most 64 MiB that nobody uses
//! stay with the process (with each of its threads that runs batches). Other allocators are not affected.

use std::hint::black_box;
use std::sync::Once;

/// Below the 32 MiB above which glibc returns every block at once.
const BLOCK: usize = 31 << 20;

/// Has memory kept from batch to batch; does nothing the second time.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(black_box(Vec::<u8>::with_capacity(BLOCK))));
}
