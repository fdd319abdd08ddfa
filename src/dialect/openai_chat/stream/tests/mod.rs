mod read;
mod write;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{ChatStreamReader, ChatStreamWriter};
use crate::canonical::{
    Annotation, Block, BlockStart, CallKind, Delta, Error, ErrorClass, Event, Family, Finish, FinishReason,
    Fold, Losses, Opaque, Response, Scope, Sequencer, ServerTool, Start, Usage,
};
use crate::dialect::openai_chat::response;
use crate::dialect::shared::carrier;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::{Preferences, ResponseContext, StreamReader, StreamWriter};

fn read(frames: &[String]) -> Vec<Event> {
    read_with_losses(frames).0
}

fn read_with_losses(frames: &[String]) -> (Vec<Event>, Losses) {
    let (mut reader, mut out, mut losses) = (ChatStreamReader::default(), Vec::new(), Losses::new());
    for frame in frames {
        reader.read(&mut Scope::root(&mut losses), None, frame.as_bytes(), &mut out);
    }
    reader.end(&mut Scope::root(&mut losses), &mut out);
    (out, losses)
}
