//! The suite of real clients in tests/clients: sets up what it needs and runs it against the program built here.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use llm_proxy_codegen::Spec;
use serde_json::Value;

/// Which clients run, and on what.
#[derive(clap::Args)]
pub struct Options {
    /// Also the clients in JavaScript
    #[arg(long)]
    all: bool,
    /// Also the coding agents
    #[arg(long)]
    agents: bool,
    /// Test the release build
    #[arg(long)]
    release: bool,
    /// Clients against the mocks, without the proxy, and against relays with a fault: does the suite notice?
    #[arg(long)]
    self_test: bool,
    /// Only cells with this name (CLIENT@UPSTREAM/SCENARIO:MODE, with `*`), or with this in it; may be repeated
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// Write every cell there
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How many cells run at a time
    #[arg(long, value_name = "N")]
    lanes: Option<usize>,
    /// Where the clients are installed
    #[arg(long, value_name = "DIR", default_value = "target/clients")]
    cache: PathBuf,
}

/// Installs what changed, builds the proxy and runs the suite.
///
/// # Errors
/// A tool is missing, something cannot be installed or built, or a cell failed.
pub fn run(specs: &Path, options: &Options) -> Result<(), String> {
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

/// A virtual environment with the pinned packages; its interpreter.
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

/// The packages that a `package.json` pins.
fn install_node(pins: &Path, folder: &Path) -> Result<(), String> {
    fresh(pins, folder, || {
        remove(folder)?;
        fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
        let copy = folder.join("package.json");
        fs::copy(pins, &copy).map_err(|error| told(&copy, &error))?;
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

/// Runs `install` unless the folder was made from the same pins.
fn fresh(pins: &Path, folder: &Path, install: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let wanted = fs::read(pins).map_err(|error| told(pins, &error))?;
    let stamp = folder.join("installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("installing {} into {}", pins.display(), folder.display());
    install()?;
    fs::write(&stamp, wanted).map_err(|error| told(&stamp, &error))
}

fn remove(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| told(folder, &error))?;
    }
    Ok(())
}

/// The schemas with their overlays, which the mocks hold requests to.
fn write_schemas(specs: &Path, folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
    for dialect in ["claude", "openai-chat", "openai-responses"] {
        let spec = Spec::load(&specs.join(dialect)).map_err(|error| error.to_string())?;
        let schema: Value = spec.applied().map_err(|error| error.to_string())?;
        let file = folder.join(format!("{dialect}.json"));
        fs::write(&file, schema.to_string()).map_err(|error| told(&file, &error))?;
    }
    Ok(())
}

/// Builds the program; where it lies.
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

fn told(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
