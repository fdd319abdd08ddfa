//! The proxy from outside: a client, the proxy and an upstream, each on a port of its own.

mod auth;
mod bedrock;
mod failures;
mod passthrough;
mod routing;
mod shutdown;
mod streaming;
mod support;
mod translation;
