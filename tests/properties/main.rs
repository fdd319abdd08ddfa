//! What holds for any input.

#[path = "../common/mod.rs"]
mod common;

mod arguments;
mod conversation;
mod documents;
mod history;
mod streams;
mod upstream;

use proptest::test_runner::Config;

/// Settings of a property that is tried so many times.
fn tried(cases: u32) -> Config {
    Config {
        cases,
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..Config::default()
    }
}
