//! The proxy from outside: a client, the proxy and an upstream, each on a port of its own.

mod auth;
mod bedrock;
mod connections;
mod counting;
mod failures;
mod passthrough;
mod raw_upstream;
mod response_store;
mod routing;
mod shutdown;
mod side_endpoints;
mod streaming;
mod support;
mod translation;
mod workers;
