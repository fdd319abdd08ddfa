//! What holds for any input.

#[path = "../common/mod.rs"]
mod common;

mod arguments;
mod conversation;
mod documents;
mod history;
mod repeats;
mod streams;
mod texts;
mod upstream;

use proptest::test_runner::{Config, RngSeed};

/// Settings of a property that is tried so many times.
fn tried(cases: u32) -> Config {
    // A change is judged by the same cases each time; PROPTEST_RNG_SEED looks for others.
    let rng_seed = match Config::default().rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        chosen => chosen,
    };
    Config {
        cases,
        max_shrink_iters: 2000,
        failure_persistence: None,
        rng_seed,
        ..Config::default()
    }
}
