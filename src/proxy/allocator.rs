//! Has the allocator keep memory for large bodies.

use std::hint::black_box;

/// The size in bytes up to which the allocator keeps blocks. Up to twice as much may stay with the process in each of
/// the allocator's arenas when nothing needs it.
const KEPT: usize = 8 * 1024 * 1024;

/// Has the allocator keep the memory of one large body for the next one.
///
/// glibc returns freed blocks above a threshold to the system, and shrinks its heap when more than twice that is free
/// at its end. A body of some megabytes would get new pages from the system each time, and to have them mapped and
/// cleared costs more than all other work on such a body. glibc raises the threshold to the size of the largest block
/// that it has returned (`mallopt(3)`, "dynamic mmap threshold"), so one block of that size is allocated here and
/// freed, without being written to. Other allocators do nothing special with it.
pub(super) fn keep_large_blocks() {
    drop(black_box(Vec::<u8>::with_capacity(KEPT)));
}
