//! Generates the dialects' types from `specs/`.

use std::path::Path;
use std::process::ExitCode;

const DIALECTS: [&str; 3] = ["claude", "openai-chat", "openai-responses"];

fn main() -> ExitCode {
    let Some(out) = std::env::var_os("OUT_DIR") else {
        eprintln!("OUT_DIR is not set: this is a build script");
        return ExitCode::FAILURE;
    };
    // Another folder is for trying out what a change of the specs would mean; see `cargo xtask completeness`.
    println!("cargo::rerun-if-env-changed=LLM_PROXY_SPECS");
    let specs = std::env::var_os("LLM_PROXY_SPECS").unwrap_or_else(|| "specs".into());
    match llm_proxy_codegen::build(Path::new(&specs), Path::new(&out), &DIALECTS) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("specs: {error}");
            ExitCode::FAILURE
        }
    }
}
