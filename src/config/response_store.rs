//! The configuration of the response store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::Secret;
use super::document::YamlPath;
use super::file::ResponseStoreKeys;
use super::reader::{ConfigReader, ExpandedText, Located, OptionalKey, find_closest};

/// The default of `max_bytes`.
pub(super) const DEFAULT_MAX_BYTES: &str = "256MiB";
/// The default of `max_age`: OpenAI stores responses for this time.
pub(super) const DEFAULT_MAX_AGE: &str = "30d";
/// The values of `kind`.
pub(super) const KINDS: [&str; 3] = ["memory", "disk", "redis"];

/// The minimum of `max_bytes`. A smaller store could not hold the responses that are in progress.
const LEAST_BYTES: u64 = 1024 * 1024;

/// Where responses are stored, and for how long.
#[derive(Debug, Clone)]
pub struct ResponseStore {
    /// The kind of store.
    pub place: StorePlace,
    /// How long a response is stored after its last use; at least one second.
    pub max_age: Duration,
}

/// Where responses are stored.
#[derive(Debug, Clone)]
pub enum StorePlace {
    /// In the memory of this process, lost when it ends.
    Memory {
        /// The maximum size of the responses and their input.
        max_bytes: u64,
    },
    /// In a database file that only this process uses.
    Disk {
        /// The file.
        path: PathBuf,
        /// The maximum size of the responses and their input; the file may be larger.
        max_bytes: u64,
    },
    /// In a Redis or Valkey server that several proxies may share. The server limits its own memory.
    Redis {
        /// Its address, which may contain a password.
        url: Secret,
    },
}

impl fmt::Display for ResponseStore {
    /// Describes the store for `check`, without the secrets in an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            StorePlace::Memory { max_bytes } => {
                write!(f, "in memory, at most {}", format_in_units(*max_bytes, &BYTES))?
            }
            StorePlace::Disk { path, max_bytes } => {
                write!(
                    f,
                    "in {}, at most {}",
                    path.display(),
                    format_in_units(*max_bytes, &BYTES)
                )?;
            }
            StorePlace::Redis { url } => {
                let url = Url::parse(url.expose()).ok();
                let host = url.as_ref().and_then(Url::host_str);
                write!(f, "in the Redis at {}", host.unwrap_or("a local socket"))?;
            }
        }
        let age = format_in_units(self.max_age.as_secs(), &TIMES);
        write!(f, ", for {age} after their last use")
    }
}

/// Formats a number in the largest unit that divides it.
fn format_in_units(number: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().rev().find(|(_, unit)| number.is_multiple_of(*unit));
    match whole {
        Some((name, unit)) => format!("{}{name}", number / unit),
        None => number.to_string(),
    }
}

/// Units of sizes, in bytes.
const BYTES: [(&str, u64); 5] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
/// Units of times, in seconds.
const TIMES: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60)];

/// Parses a number with a unit. `default` is the unit if the text has none.
fn parse_quantity(text: &str, units: &[(&str, u64)], default: Option<u64>) -> Option<u64> {
    let (number, name) = split_unit(text)?;
    let unit = match name {
        "" => default?,
        name => units.iter().find(|(unit, _)| *unit == name)?.1,
    };
    number.checked_mul(unit)
}

/// Checks the keys of a store. Reports problems and returns `None` if there are any.
pub(super) fn validate(reader: &mut ConfigReader<'_>, keys: ResponseStoreKeys) -> Option<ResponseStore> {
    let ResponseStoreKeys {
        kind,
        path,
        url,
        max_bytes,
        max_age,
    } = keys;
    let given = |text: OptionalKey<ExpandedText>| text.filter(|text| !text.value.value.is_empty());
    let (path, url) = (given(path), given(url));
    let kind = kind?;
    let name = kind.value.value.as_str();
    let wants = |key: &str| match key {
        "path" => name == "disk",
        "url" => name == "redis",
        _ => name != "redis",
    };
    if !KINDS.contains(&name) {
        let hint = match find_closest(&kind.value.written, KINDS.into_iter()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("expected one of {}", KINDS.join(", ")),
        };
        let message = format!("`{}` is not a kind of store: {hint}", kind.value.written);
        reader.report(&kind.at, message);
        return None;
    }
    let mut valid = true;
    for (key, given) in [("path", &path), ("url", &url), ("max_bytes", &max_bytes)] {
        let Some(given) = given.as_ref().filter(|_| !wants(key)) else {
            continue;
        };
        valid = false;
        let message = match key {
            "max_bytes" => {
                "a redis store has no max_bytes: the limit is `maxmemory` of the Redis server".to_owned()
            }
            key => format!("a {name} store has no {key}"),
        };
        reader.report(&given.at, message);
    }
    let max_age = parse_or_default(reader, max_age, DEFAULT_MAX_AGE, parse_duration);
    let place = match name {
        "redis" => validate_redis_url(reader, url, &kind.at).map(|url| StorePlace::Redis { url }),
        "disk" => {
            let path = require_key(reader, path, "path", &kind.at);
            let max_bytes = parse_or_default(reader, max_bytes, DEFAULT_MAX_BYTES, parse_bytes);
            path.zip(max_bytes).map(|(path, max_bytes)| StorePlace::Disk {
                path: PathBuf::from(path.value.value),
                max_bytes,
            })
        }
        _ => {
            let max_bytes = parse_or_default(reader, max_bytes, DEFAULT_MAX_BYTES, parse_bytes);
            max_bytes.map(|max_bytes| StorePlace::Memory { max_bytes })
        }
    };
    Some(ResponseStore {
        place: place.filter(|_| valid)?,
        max_age: max_age?,
    })
}

fn require_key(
    reader: &mut ConfigReader<'_>,
    text: OptionalKey<ExpandedText>,
    key: &str,
    at: &YamlPath,
) -> OptionalKey<ExpandedText> {
    if text.is_none() {
        reader.report(at, format!("this kind of store requires `{key}`"));
    }
    text
}

/// Checks the address of a Redis server. Messages do not quote the address, because it may contain a password.
fn validate_redis_url(
    reader: &mut ConfigReader<'_>,
    url: OptionalKey<ExpandedText>,
    at: &YamlPath,
) -> Option<Secret> {
    let Located {
        value: text,
        at: place,
    } = require_key(reader, url, "url", at)?;
    if !cfg!(feature = "redis") {
        reader.report(at, "this program was built without the cargo feature `redis`");
        return None;
    }
    let problem = match Url::parse(&text.value) {
        Err(_) => Some("this is not a URL"),
        Ok(url) if url.scheme() == "unix" && url.path().len() > 1 => None,
        Ok(url) if !["redis", "rediss"].contains(&url.scheme()) => {
            Some("this URL must begin with `redis://`, `rediss://` or `unix://`")
        }
        Ok(url) if url.host_str().is_none_or(str::is_empty) => Some("this URL has no host"),
        Ok(_) => None,
    };
    match problem {
        Some(problem) => {
            reader.report(&place, problem);
            None
        }
        None => Some(Secret::new(text.value)),
    }
}

/// Parses the value of a key, or the default.
fn parse_or_default<T>(
    reader: &mut ConfigReader<'_>,
    text: OptionalKey<ExpandedText>,
    default: &str,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Option<T> {
    let Some(Located { value: text, at }) = text else {
        return parse(default).ok();
    };
    match parse(text.value.trim()) {
        Ok(value) => Some(value),
        Err(problem) => {
            reader.report(&at, format!("`{}` {problem}", text.written));
            None
        }
    }
}

/// Splits text into a number and the unit after it.
fn split_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

fn parse_bytes(text: &str) -> Result<u64, &'static str> {
    const EXPECTED: &str = "is not a size in bytes, such as 268435456, `256MiB` or `2GiB`";
    let bytes = parse_quantity(text, &BYTES, Some(1)).ok_or(EXPECTED)?;
    if bytes < LEAST_BYTES {
        return Err("is less than 1MiB, the smallest supported size");
    }
    Ok(bytes)
}

fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "is not a duration, such as `30d`, `12h`, `45m` or `90s`";
    // Redis counts times in milliseconds of 63 bits, so a limit is necessary. A hundred years is enough.
    const LONGEST: u64 = 100 * 366 * 24 * 60 * 60;
    let seconds = parse_quantity(text, &TIMES, None).ok_or(EXPECTED)?;
    if !(1..=LONGEST).contains(&seconds) {
        return Err("is out of range: supported are `1s` to a hundred years");
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_described_in_words() {
        let told = |place| {
            let max_age = Duration::from_secs(90 * 60);
            ResponseStore { place, max_age }.to_string()
        };
        let memory = StorePlace::Memory { max_bytes: 3 << 30 };
        assert_eq!(
            told(memory),
            "in memory, at most 3GiB, for 90m after their last use"
        );
        let url = Secret::new("rediss://user:hush@cache.example:6380/1");
        let redis = told(StorePlace::Redis { url });
        assert_eq!(
            redis,
            "in the Redis at cache.example, for 90m after their last use"
        );
    }

    #[test]
    fn measures_have_units() {
        assert_eq!(parse_bytes("268435456"), parse_bytes(DEFAULT_MAX_BYTES));
        assert_eq!(parse_bytes("3 GiB"), Ok(3 << 30));
        assert_eq!(
            parse_duration(DEFAULT_MAX_AGE),
            Ok(Duration::from_secs(2_592_000))
        );
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        for text in ["", "MiB", "1.5GiB", "1MB", "-1", "1023KiB", "99999999999TiB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
        for text in ["", "30", "0s", "1w", "d", "99999999999d", "-1s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
