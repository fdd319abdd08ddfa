//! `llm-proxy demo`: the server with a built-in upstream.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use tokio::net::TcpListener;

use super::DemoArgs;
use super::serve::{port_hint, report_failure, run_server};
use crate::config::{self, Config, LoadedConfig};
use crate::demo::{self, Demo};
use crate::proxy;

/// Serves a proxy with the scripted upstream until the process gets a signal, and prints commands to try. Both listen
/// on the loopback interface only.
#[must_use]
pub fn demo(args: DemoArgs) -> ExitCode {
    match run_server(listen(args.port)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report_failure(&error),
    }
}

async fn listen(port: u16) -> io::Result<()> {
    let upstream = Demo::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| {
            let hint = port_hint(&error);
            let message = format!("cannot listen on port {port}: {error}{hint}");
            io::Error::new(error.kind(), message)
        })?;
    let base = format!("http://{}", listener.local_addr()?);
    let config = configuration(&upstream.url(), listener.local_addr()?.port())?;
    let end = proxy::shutdown_signal()?;
    let guide = demo::write_guide(&base);
    writeln!(
        io::stdout(),
        "{guide}
Listening on {base}. Press Ctrl-C to stop.
"
    )?;
    let served = proxy::serve(config, listener, end).await;
    upstream.shutdown().await;
    served
}

fn configuration(upstream: &str, port: u16) -> io::Result<Config> {
    match config::parse(&demo::write_config(upstream, port), &|_| None) {
        Ok(LoadedConfig { config, warnings: _ }) => Ok(config),
        Err(_) => Err(io::Error::other("the demo's own configuration is wrong")),
    }
}
