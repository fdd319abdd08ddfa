//! Remaking of docs/fidelity.md. The test that compares the page writes it; the main crate is no dependency.

use std::path::Path;
use std::process::Command;

/// Runs the test of the page so that it writes it.
///
/// # Errors
/// Cargo cannot be run, the main crate does not build, or a loss is not as tests/losses.yaml expects.
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
        Err("the losses are not as expected".to_owned())
    }
}
