//! Streams: one rule of the reader or of the writer for each test.

mod read;
mod write;

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{ResponsesStreamReader, ResponsesStreamWriter};
use crate::canonical::{
    Annotation, BlockStart, CallKind, Delta, Error, ErrorClass, Event, Family, Finish, FinishReason, Losses,
    Opaque, RawJson, Scope, ServerTool, Start, Usage,
};
use crate::dialect::shared::carrier;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{Preferences, RequestEcho, ResponseContext, StreamReader, StreamWriter};
