//! A reverse proxy for LLM APIs that translates between their dialects.
//!
//! `docs/architecture.md` explains the modules and how they work together.

pub mod canonical;
pub mod capability;
pub mod cli;
pub mod config;
pub mod demo;
pub mod dialect;
pub mod prompt;
pub mod proxy;
pub mod store;
pub mod telemetry;
pub mod translate;
pub mod wire;
