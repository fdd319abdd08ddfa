//! Gets a vendor's description: from the package registry, from a URL, or from a local copy.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::sources::{OpenApi, Sdk};

/// Converts an SDK's types to JSON Schema. Runs in a temporary virtual environment.
const SDK_SCHEMA: &str = include_str!("sdk_schema.py");

/// A vendor's description and its source.
pub struct VendorDocument {
    pub json: Value,
    /// Maps `Request`, `Response` and `Event` to definitions of the document.
    pub roots: BTreeMap<String, String>,
    /// Package or file, version and licence, for the report.
    pub origin: String,
    pub version: String,
    /// Hash of the package archive or document. `None` if only a schema generated from a package was available.
    pub sha256: Option<String>,
}

/// The release to take.
#[derive(Clone, Copy, Debug)]
pub enum Release<'a> {
    /// The recorded release, which must also have the recorded hash.
    Recorded,
    /// The newest release.
    Newest,
    /// This release.
    Exactly(&'a str),
}

/// Hex SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Converts the types of a Python SDK to JSON Schema. With `from`, takes the wheel from this folder, or the schema that
/// an earlier run generated from it (`copy` in `sources.toml`). The wheel's dependencies come from the folder or the
/// registry.
///
/// # Errors
/// The release or wheel does not exist, does not have the recorded hash, or `pip` or the conversion fails.
pub fn sdk(
    source: &Sdk,
    release: Release<'_>,
    from: Option<&Path>,
    work: &Path,
) -> Result<VendorDocument, String> {
    if let Some(dir) = from
        && wheel_of(&source.package, dir)?.is_none()
    {
        return copied_schema(source, release, dir);
    }
    let package = &source.package;
    progress(&format!("{package}: making a Python environment"));
    run(Command::new("python3")
        .args(["-m", "venv"])
        .arg(work.join("venv")))?;
    let python = work.join("venv").join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let pip = |task: &str| {
        let mut command = Command::new(&python);
        command.args(["-m", "pip", "--quiet", "--disable-pip-version-check", task]);
        command
    };
    let wheels = work.join("wheels");
    let mut download = pip("download");
    download
        .args(["--no-deps", "--only-binary", ":all:", "--dest"])
        .arg(&wheels)
        .arg(match release {
            Release::Recorded => format!("{package}=={}", source.version),
            Release::Newest => package.clone(),
            Release::Exactly(version) => format!("{package}=={version}"),
        });
    if let Some(dir) = from {
        download.args(["--no-index", "--find-links"]).arg(dir);
    }
    progress(&format!("{package}: downloading the package"));
    run(&mut download)?;
    let wheel = wheel_of(package, &wheels)?.ok_or_else(|| format!("{package}: no wheel was downloaded"))?;
    let version = wheel_version(&wheel)?;
    let sha256 = sha256(&read(&wheel)?);
    if matches!(release, Release::Recorded) {
        check_hash(&format!("{package} {version}"), &source.sha256, &sha256)?;
    }
    let mut install = pip("install");
    install.arg(&wheel).arg(format!("pydantic=={}", source.pydantic));
    if let Some(dir) = from {
        install.arg("--find-links").arg(dir);
    }
    progress(&format!(
        "{package} {version}: installing it with its dependencies; this can take minutes"
    ));
    run(&mut install)?;
    let script = work.join("sdk_schema.py");
    std::fs::write(&script, SDK_SCHEMA).map_err(|error| format!("{}: {error}", script.display()))?;
    let roots = serde_json::to_string(&source.roots).map_err(|error| error.to_string())?;
    progress(&format!(
        "{package} {version}: converting its types to JSON Schema"
    ));
    let output = run(Command::new(&python)
        .args(["-W", "ignore"])
        .arg(&script)
        .arg(roots))?;
    let json = parse(&output, "the SDK's schema")?;
    let origin = format!(
        "{package} {version} ({}), pydantic {}",
        source.licence, source.pydantic
    );
    Ok(VendorDocument {
        roots: sdk_roots(&json, source)?,
        json,
        origin,
        version,
        sha256: Some(sha256),
    })
}

fn copied_schema(source: &Sdk, release: Release<'_>, dir: &Path) -> Result<VendorDocument, String> {
    let version = match release {
        Release::Exactly(version) => version,
        _ => &source.version,
    };
    let path = dir.join(source.copy.replace("{version}", version));
    if source.copy.is_empty() || !path.is_file() {
        return Err(format!(
            "{}: neither a wheel of {} nor {}",
            dir.display(),
            source.package,
            path.display()
        ));
    }
    let json = parse(&read(&path)?, &path.display().to_string())?;
    let origin = format!("{}, a copy made of {} {version}", path.display(), source.package);
    Ok(VendorDocument {
        roots: sdk_roots(&json, source)?,
        json,
        origin,
        version: version.to_owned(),
        sha256: None,
    })
}

/// Finds the roots in the schema of an SDK. The conversion names them `Root…`; copies that other tools generated use
/// other names for response and event.
fn sdk_roots(json: &Value, source: &Sdk) -> Result<BTreeMap<String, String>, String> {
    let has = |name: &str| {
        json.get("definitions")
            .is_some_and(|definitions| definitions.get(name).is_some())
    };
    let mut roots = BTreeMap::new();
    for root in source.roots.keys() {
        let words: &[&str] = match root.as_str() {
            "Response" => &["RootResponse", "RootMessage"],
            "Event" => &["RootEvent", "RootChunk"],
            _ => &["RootRequest"],
        };
        let name = words
            .iter()
            .find(|name| has(name))
            .ok_or_else(|| format!("the schema has no {}", words[0]))?;
        roots.insert(root.clone(), (*name).to_owned());
    }
    Ok(roots)
}

/// Gets an OpenAPI document in JSON. With `from`, takes the file from this folder; its name is the last segment of the
/// URL.
///
/// # Errors
/// The document does not exist, does not have the recorded hash, or is not JSON.
pub fn openapi(
    source: &OpenApi,
    release: Release<'_>,
    from: Option<&Path>,
    work: &Path,
) -> Result<VendorDocument, String> {
    let name = source.url.rsplit('/').next().unwrap_or_default();
    let path = match from {
        Some(dir) => dir.join(name),
        None => {
            let path = work.join("document.json");
            progress(&format!("{}: downloading", source.url));
            run(Command::new("curl")
                .args(["--fail", "--silent", "--show-error", "--location", "--output"])
                .arg(&path)
                .arg(&source.url))?;
            path
        }
    };
    let bytes = read(&path)?;
    let sha256 = sha256(&bytes);
    let json = parse(&bytes, name)?;
    let version = json
        .pointer("/info/version")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    match release {
        Release::Recorded => check_hash(&format!("{name} {}", source.version), &source.sha256, &sha256)?,
        Release::Exactly(wanted) if wanted != version => {
            return Err(format!("{name} has version {version}, not {wanted}"));
        }
        _ => {}
    }
    let origin = format!("{name} {version} ({})", source.licence);
    Ok(VendorDocument {
        roots: source.roots.clone(),
        json,
        origin,
        version,
        sha256: Some(sha256),
    })
}

/// Today's date (UTC) as `2026-01-31`.
///
/// # Errors
/// The clock is before 1970.
pub fn today() -> Result<String, String> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| error.to_string())?;
    Ok(date(since.as_secs() / 86_400))
}

/// Converts a number of days since 1970-01-01 to a date.
fn date(mut day: u64) -> String {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", day + 1)
}

fn check_hash(what: &str, recorded: &str, found: &str) -> Result<(), String> {
    if recorded == found {
        return Ok(());
    }
    Err(format!(
        "{what}: sha256 is {found}, recorded is {recorded}; if this is expected, record it with `--update`"
    ))
}

fn wheel_of(package: &str, dir: &Path) -> Result<Option<PathBuf>, String> {
    let prefix = format!("{}-", package.replace('-', "_"));
    let entries = std::fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    Ok(entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension() == Some(OsStr::new("whl")) && file_name(path).starts_with(&prefix)))
}

/// `anthropic-2.12.0-py3-none-any.whl` is version 2.12.0.
fn wheel_version(wheel: &Path) -> Result<String, String> {
    let name = file_name(wheel);
    let version = name
        .split('-')
        .nth(1)
        .ok_or_else(|| format!("the file name `{name}` contains no version"))?;
    Ok(version.to_owned())
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

fn parse(bytes: &[u8], name: &str) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{name}: {error}"))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Prints a progress line to standard error; standard output is for the report.
///
/// `pip` runs quietly and can take ten minutes per package: without these lines a regen looks like a hang.
fn progress(line: &str) {
    eprintln!("{line}");
}

/// Runs a command to its end and returns its standard output. An error contains the last lines of standard error.
fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr.lines().collect();
    let tail = lines.len().saturating_sub(15);
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    Err(format!(
        "`{name} {}` failed ({}):\n{}",
        arguments.join(" "),
        output.status,
        lines[tail..].join("\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (11_016, "2000-02-29"),
            (20_779, "2026-11-22"),
        ] {
            assert_eq!(date(day), expected);
        }
    }

    #[test]
    fn a_wheel_is_found_by_its_package_and_names_its_version() {
        let dir = crate::regen::Scratch::new("wheels").unwrap();
        std::fs::write(dir.0.join("open_ai-1.2.3-py3-none-any.whl"), "").unwrap();
        std::fs::write(dir.0.join("open_ai_extra-9.0-py3-none-any.whl"), "").unwrap();
        let wheel = wheel_of("open-ai", &dir.0).unwrap().unwrap();
        assert_eq!(wheel_version(&wheel).unwrap(), "1.2.3");
        assert_eq!(wheel_of("other", &dir.0).unwrap(), None);
    }

    #[test]
    fn another_hash_is_refused() {
        let error = check_hash("anthropic 2.12.0", "aa", "bb").unwrap_err();
        assert!(error.contains("sha256 is bb, recorded is aa"), "{error}");
    }
}
