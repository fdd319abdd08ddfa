//! Logging: its setup, and the log line of a request.

mod access;

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use access::{Access, ResponseEnd};

/// The environment variable that selects what is logged, in the syntax of `tracing-subscriber`'s `Targets`: a level,
/// or `target=level`, separated by commas. If it is not set, `RUST_LOG` is used.
pub const FILTER_VARIABLE: &str = "LLM_PROXY_LOG";

/// The environment variable that selects the form of log lines: `text` or `json`.
pub const FORMAT_VARIABLE: &str = "LLM_PROXY_LOG_FORMAT";

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Sets up logging to standard error, as the environment variables select it.
///
/// # Errors
/// If the filter or the format is not valid, or if logging is already set up.
pub fn init() -> Result<(), String> {
    let format = match std::env::var(FORMAT_VARIABLE).as_deref() {
        Ok("json") => LogFormat::Json,
        Ok("text" | "") | Err(_) => LogFormat::Text,
        Ok(other) => {
            return Err(format!(
                "{FORMAT_VARIABLE}: expected text or json, found {other:?}"
            ));
        }
    };
    let filter = [FILTER_VARIABLE, "RUST_LOG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "info".to_owned());
    let filter = filter
        .parse()
        .map_err(|error| format!("{FILTER_VARIABLE}: {error}"))?;
    subscriber(filter, format, io::stderr)
        .try_init()
        .map_err(|error| error.to_string())
}

/// A subscriber that writes log lines to `writer`.
pub fn subscriber<W>(
    filter: Targets,
    format: LogFormat,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(writer);
    match format {
        LogFormat::Text => Box::new(builder.with_ansi(false).finish().with(filter)),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish().with(filter)),
    }
}
