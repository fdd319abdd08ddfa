//! `llm-proxy serve`: the server.

use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use tokio::net::TcpListener;

use super::{ServeArgs, print_error, read_variable};
use crate::config::{self, Config};
use crate::{proxy, telemetry};

/// Serves the configuration in `file` until the process gets a signal. The exit code is 1 if the configuration is
/// wrong or the server cannot start; standard error has the reason.
#[must_use]
pub fn serve(args: &ServeArgs, file: &Path) -> ExitCode {
    let loaded = match config::load(file, &read_variable) {
        Ok(loaded) => loaded,
        Err(error) => {
            // Each line begins with the name of the file, so it needs no prefix.
            print_error(&error);
            return ExitCode::FAILURE;
        }
    };
    let mut config = loaded.config;
    args.override_server(&mut config.server);
    let outcome = run_server(async {
        for warning in &loaded.warnings {
            let mut line = String::new();
            // Writing to a String cannot fail.
            let _ = config::write_problem(&mut line, &file.display().to_string(), "", warning);
            tracing::warn!("{}", line.trim_end());
        }
        listen(config).await
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report_failure(&error),
    }
}

/// Sets up logging and runs a server in a new runtime on this thread. The proxy serves its connections on other
/// threads.
///
/// # Errors
/// If logging or the runtime cannot be set up, or if the server fails.
pub(super) fn run_server(server: impl Future<Output = std::io::Result<()>>) -> std::io::Result<()> {
    telemetry::init().map_err(std::io::Error::other)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(server)
}

async fn listen(config: Config) -> std::io::Result<()> {
    let place = (config.server.host.as_str(), config.server.port);
    let listener = TcpListener::bind(place).await.map_err(|error| {
        let (host, port) = place;
        let hint = port_hint(&error);
        std::io::Error::new(
            error.kind(),
            format!("cannot listen on {host} port {port}: {error}{hint}"),
        )
    })?;
    tracing::info!(address = %listener.local_addr()?, models = config.models.len(), "listening");
    proxy::serve(config, listener, proxy::shutdown_signal()?).await
}

/// What to do about a port that cannot be used; empty for other errors.
pub(super) fn port_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => "; choose another port with --port",
        ErrorKind::PermissionDenied => "; choose a port above 1023 with --port",
        _ => "",
    }
}

/// Prints why the command ends to standard error.
pub(super) fn report_failure(error: &dyn Display) -> ExitCode {
    print_error(&format_args!("llm-proxy: {error}"));
    ExitCode::FAILURE
}
