//! The program; everything is in the library.

use std::process::ExitCode;

/// The system's own gives every large block back and faults its pages in anew for the next body; musl's has one lock for
/// all threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    llm_proxy::cli::run()
}
