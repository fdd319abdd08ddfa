//! `cargo xtask fidelity`: regenerates docs/fidelity.md.
//!
//! The test that compares the page also writes it, so that xtask does not depend on the main crate.

use std::path::Path;
use std::process::Command;

/// Runs the test in the mode in which it writes the page.
///
/// # Errors
/// Cargo cannot be started, the main crate does not compile, or the losses differ from tests/losses.yaml.
pub fn run() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "--quiet", "--package", "llm-proxy", "--test", "fidelity"])
        .env("UPDATE_FIDELITY", "1")
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("the fidelity test failed; if it lists losses, add them to tests/losses.yaml or remove them there".to_owned())
    }
}
