//! `cargo xtask regen`: generates the committed schemas in `specs/` from the vendors' own types. See docs/regen.md.

mod check;
mod fetch;
mod mentions;
mod names;
mod prune;
mod report;
pub mod sources;

use clap::Args;
use serde_json::Value;
use std::path::{Path, PathBuf};

use crate::listing;
use fetch::{Release, VendorDocument};
use sources::{SpecSource, SpecSources};

/// Options of `cargo xtask regen`. Without options, every dialect is regenerated from its recorded release, which must
/// give exactly the committed schema.
#[derive(Args)]
pub struct RegenOptions {
    /// Regenerate only this dialect
    #[arg(long)]
    dialect: Option<String>,
    /// Take the vendor's package, document or schema from this folder and not from the network
    #[arg(long, value_name = "DIR", conflicts_with_all = ["check", "offline"])]
    from: Option<PathBuf>,
    /// Take the newest release and record its version and hash
    #[arg(long, conflicts_with_all = ["check", "offline"])]
    update: bool,
    /// With --update: this release instead of the newest
    #[arg(long, value_name = "VERSION", requires_all = ["update", "dialect"])]
    release: Option<String>,
    /// Download nothing; update api.txt from schema.json and overlay.json
    #[arg(long, conflicts_with = "check")]
    offline: bool,
    /// Download and write nothing; fail if a file in specs/ does not match its source
    #[arg(long)]
    check: bool,
}

/// Reads `sources.toml` in the folder of the specs.
///
/// # Errors
/// As [`sources::read`].
pub fn read_sources(specs: &Path) -> Result<SpecSources, String> {
    sources::read(&specs.join("sources.toml"))
}

/// Runs the task. Prints the report to standard output and progress to standard error.
///
/// # Errors
/// One message with the failures of all dialects. The files of the other dialects are written anyway.
pub fn run(specs: &Path, options: &RegenOptions) -> Result<(), String> {
    let sources = read_sources(specs)?;
    let dialects: Vec<&String> = match &options.dialect {
        Some(name) => vec![
            sources
                .get_key_value(name)
                .ok_or_else(|| format!("no dialect `{name}` in sources.toml"))?
                .0,
        ],
        None => sources.keys().collect(),
    };
    let mut failures = Vec::new();
    for dialect in dialects {
        if options.check {
            failures.extend(check::problems(specs, &sources, dialect));
            continue;
        }
        let outcome = if options.offline {
            Ok(())
        } else {
            remake(specs, &sources, dialect, options)
        };
        let outcome = outcome.map_err(|message| format!("{dialect}: {message}"));
        failures.extend(outcome.and_then(|()| relist(specs, &sources, dialect)).err());
    }
    if failures.is_empty() {
        if options.check {
            println!("specs/ is up to date");
        }
        return Ok(());
    }
    Err(failures.join("\nerror: "))
}

/// Downloads the description of a dialect and generates `schema.json`.
fn remake(specs: &Path, sources: &SpecSources, dialect: &str, options: &RegenOptions) -> Result<(), String> {
    let Some(source) = sources.get(dialect) else {
        return Ok(());
    };
    let work = Scratch::new(dialect)?;
    let release = match (&options.release, options.update) {
        (Some(version), _) => Release::Exactly(version),
        (None, true) => Release::Newest,
        (None, false) => Release::Recorded,
    };
    let from = options.from.as_deref();
    let (document, strip) = match source {
        SpecSource::PypiSdk(sdk) => (fetch::sdk(sdk, release, from, &work.0)?, &sdk.strip_prefix),
        SpecSource::Openapi(openapi) => (
            fetch::openapi(openapi, release, from, &work.0)?,
            &openapi.strip_prefix,
        ),
        SpecSource::Extends(_) => return Ok(()),
    };
    let schema = prune::prune(&document.json, &document.roots, strip)?;
    let path = specs.join(dialect).join("schema.json");
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    let new = prune::canonical_text(&schema);
    println!("## {dialect}: {}\n", document.origin);
    if let Some(known) = source
        .recorded()
        .filter(|known| known.version != document.version)
    {
        println!("Recorded before: {} on {}.\n", known.version, known.date);
    }
    if new == old {
        println!("Nothing changed.\n");
    } else {
        let before = serde_json::from_str(&old).unwrap_or(Value::Null);
        let changes = report::Changes::between(&before, &schema);
        let text = changes.to_string();
        print!(
            "{}",
            if text.is_empty() {
                "Only the formatting of schema.json changed.\n\n"
            } else {
                &text
            }
        );
        print!(
            "{}",
            mentions::of(&changes.touched(), &specs.with_file_name("src"))
        );
    }
    let hash = fetch::sha256(new.as_bytes());
    if options.update {
        record(specs, dialect, source, &document, &hash)?;
        return write(&path, &new);
    }
    if source.schema_sha256() != Some(&hash) {
        return Err(
            "the generated schema does not have the recorded hash; nothing was written. `--update` records the new schema"
                .to_owned(),
        );
    }
    if new != old { write(&path, &new) } else { Ok(()) }
}

/// Writes version and hashes into `sources.toml`. Writes the date only if one of them changed, so that a repeated run
/// changes nothing.
fn record(
    specs: &Path,
    dialect: &str,
    source: &SpecSource,
    document: &VendorDocument,
    schema: &str,
) -> Result<(), String> {
    let Some(found) = &document.sha256 else {
        return Err(
            "a local copy of the schema contains no package hash to record; --update needs the package"
                .to_owned(),
        );
    };
    let same =
        |known: sources::RecordedRelease<'_>| known.version == document.version && known.sha256 == found;
    if source.recorded().is_some_and(same) && source.schema_sha256() == Some(schema) {
        return Ok(());
    }
    let path = specs.join("sources.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let day = fetch::today()?;
    let values = [
        ("version", document.version.as_str()),
        ("sha256", found),
        ("date", &day),
        ("schema_sha256", schema),
    ];
    write(&path, &sources::record(&text, dialect, &values)?)
}

/// Updates `api.txt`.
fn relist(specs: &Path, sources: &SpecSources, dialect: &str) -> Result<(), String> {
    let listing = listing::api_txt(specs, sources, dialect)?;
    let path = specs.join(dialect).join("api.txt");
    if std::fs::read_to_string(&path).is_ok_and(|text| text == listing) {
        return Ok(());
    }
    write(&path, &listing)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// A temporary folder, removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new(dialect: &str) -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("llm-proxy-regen-{}-{dialect}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A failure is harmless: the system cleans its temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
