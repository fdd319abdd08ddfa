//! Memory for large bodies.

use std::hint::black_box;

/// The size in bytes up to which blocks are kept; twice as much may stay with the process, for each of the allocator's
/// arenas, when nothing needs it.
const KEPT: usize = 8 * 1024 * 1024;

/// Has the allocator keep the memory of one large body for the next.
///
/// glibc gives blocks above a threshold back to the system, and what is free at the end of its heap when that is more
/// than two of them. Bodies of some megabytes would get fresh pages each time, and these cost more than all else that is
/// done with such a body. It raises the threshold to the largest block that it has given back (`mallopt(3)`, dynamic
/// mmap threshold): hence a block is asked for and freed, untouched. To other allocators this means nothing.
pub(super) fn keep_large_blocks() {
    drop(black_box(Vec::<u8>::with_capacity(KEPT)));
}
