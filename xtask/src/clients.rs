//! `cargo xtask clients`: installs the clients of the suite in tests/clients, builds the proxy and runs the suite.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use llm_proxy_codegen::Spec;
use serde_json::Value;

/// Options of `cargo xtask clients`.
#[derive(clap::Args)]
pub struct ClientsOptions {
    /// Also run the JavaScript clients
    #[arg(long)]
    all: bool,
    /// Also run the coding agents
    #[arg(long)]
    agents: bool,
    /// Test the release build
    #[arg(long)]
    release: bool,
    /// Check the suite itself: run clients against the mocks without the proxy, and against relays with a fault
    #[arg(long)]
    self_test: bool,
    /// Run only cells whose name (CLIENT@UPSTREAM/SCENARIO:MODE) matches this pattern with `*` or contains this text;
    /// repeatable
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// Write the results of all cells to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Number of cells to run in parallel
    #[arg(long, value_name = "N")]
    lanes: Option<usize>,
    /// Folder in which the clients are installed
    #[arg(long, value_name = "DIR", default_value = "target/clients")]
    cache: PathBuf,
}

/// Installs clients whose pins changed, builds the proxy and runs the suite.
///
/// # Errors
/// A tool is missing, an installation or a build fails, or a cell fails.
pub fn run(specs: &Path, options: &ClientsOptions) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("");
    let home = root.join("tests/clients");
    let cache = root.join(&options.cache);
    let python = install_python(&home, &cache)?;
    write_schemas(specs, &cache.join("schemas"))?;
    if options.all || options.self_test {
        install_node(&home.join("node/sdk.json"), &cache.join("node-sdk"))?;
    }
    if options.agents {
        install_node(&home.join("node/agents.json"), &cache.join("node-agents"))?;
    }
    let mut suite = Command::new(python);
    suite.args(["-m", "suite", "--cache"]).arg(&cache);
    suite.env("PYTHONPATH", &home).env("PYTHONDONTWRITEBYTECODE", "1");
    if options.self_test {
        suite.arg("--self-test");
    } else {
        suite.arg("--proxy").arg(build(&root, options.release)?);
    }
    for (given, flag) in [(options.all, "--all"), (options.agents, "--agents")] {
        if given {
            suite.arg(flag);
        }
    }
    for pattern in &options.only {
        suite.arg("--only").arg(pattern);
    }
    if let Some(file) = &options.json {
        suite.arg("--json").arg(file);
    }
    if let Some(lanes) = options.lanes {
        suite.arg("--lanes").arg(lanes.to_string());
    }
    let status = suite.status().map_err(|error| format!("the suite: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("the suite failed".to_owned())
    }
}

/// Creates a virtual environment with the pinned packages. Returns its interpreter.
fn install_python(home: &Path, cache: &Path) -> Result<PathBuf, String> {
    let folder = cache.join("python");
    let python = folder.join("bin/python");
    let pins = home.join("requirements.txt");
    fresh(&pins, &folder, || {
        remove(&folder)?;
        execute(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ]);
        execute(pip.arg(&pins))
    })?;
    Ok(python)
}

/// Installs the packages that a `package.json` pins.
fn install_node(pins: &Path, folder: &Path) -> Result<(), String> {
    fresh(pins, folder, || {
        remove(folder)?;
        fs::create_dir_all(folder).map_err(|error| with_path(folder, &error))?;
        let copy = folder.join("package.json");
        fs::copy(pins, &copy).map_err(|error| with_path(&copy, &error))?;
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
            "--loglevel=error",
        ]);
        execute(npm.current_dir(folder))
    })
}

/// Runs `install` unless the folder was installed from the same pins.
fn fresh(pins: &Path, folder: &Path, install: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let wanted = fs::read(pins).map_err(|error| with_path(pins, &error))?;
    let stamp = folder.join("installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("installing {} into {}", pins.display(), folder.display());
    install()?;
    fs::write(&stamp, wanted).map_err(|error| with_path(&stamp, &error))
}

fn remove(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| with_path(folder, &error))?;
    }
    Ok(())
}

/// Writes the schemas with their overlays applied. The mocks validate requests against them.
fn write_schemas(specs: &Path, folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| with_path(folder, &error))?;
    for dialect in ["claude", "openai-chat", "openai-responses"] {
        let spec = Spec::load(&specs.join(dialect)).map_err(|error| error.to_string())?;
        let schema: Value = spec.applied().map_err(|error| error.to_string())?;
        let file = folder.join(format!("{dialect}.json"));
        fs::write(&file, schema.to_string()).map_err(|error| with_path(&file, &error))?;
    }
    Ok(())
}

/// Builds the proxy and returns its path.
fn build(root: &Path, release: bool) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--locked", "--package", "llm-proxy"])
        .current_dir(root);
    if release {
        command.arg("--release");
    }
    execute(&mut command)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target
        .join(if release { "release" } else { "debug" })
        .join("llm-proxy"))
}

fn execute(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{program}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    Err(format!("{program} {} failed", words.join(" ")))
}

fn with_path(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
