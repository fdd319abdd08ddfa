//! What upstreams stream: any events in any order, and well-formed responses.

mod chat;
mod claude;
mod responses;

use bytes::{Bytes, BytesMut};
use llm_proxy::dialect::DialectName;
use llm_proxy::wire::event_stream;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::common::write_chunk;

/// A frame as an upstream sends it, and whether it contains why the response ended.
#[derive(Clone, Debug)]
pub struct Sent {
    pub text: String,
    pub finishes: bool,
}

/// A response, independent of the dialects.
#[derive(Clone, Debug)]
pub struct SampleResponse {
    pub reasoning: Option<String>,
    pub text: Option<String>,
    /// Name and arguments, the latter in pieces.
    pub calls: Vec<(String, Vec<String>)>,
    /// Whether the pieces of the calls come in turns, where the dialect allows it.
    pub interleaved: bool,
}

impl SampleResponse {
    pub fn arguments(&self) -> Vec<(String, String)> {
        let whole = |(name, pieces): &(String, Vec<String>)| (name.clone(), pieces.concat());
        self.calls.iter().map(whole).collect()
    }
}

/// One event of a dialect, without regard to what came before.
pub fn event(upstream: DialectName) -> BoxedStrategy<Sent> {
    let garbage = prop_oneof![
        Just("data: \n\n"),
        Just("data: {\"type\":\n\n"),
        Just("data: []\n\n"),
        Just("data: {}\n\n"),
        Just("data: null\n\n"),
        Just("event: nothing\n\n"),
        Just(": a comment\n\n"),
        Just("event: tomorrow\ndata: {\"type\":\"tomorrow\",\"choices\":[]}\n\n"),
        Just("id: 7\nretry: 1\ndata: x\ndata: y\n\n"),
    ];
    let garbage = garbage.prop_map(|text| Sent {
        text: text.to_owned(),
        finishes: false,
    });
    let valid = match upstream {
        DialectName::Claude | DialectName::Bedrock => claude::event().boxed(),
        DialectName::OpenAiChat => chat::event().boxed(),
        DialectName::OpenAiResponses => responses::event().boxed(),
    };
    prop_oneof![30 => valid, 1 => garbage].boxed()
}

/// The frames of a well-formed response.
pub fn frames(upstream: DialectName, response: &SampleResponse) -> Vec<Sent> {
    match upstream {
        DialectName::Claude | DialectName::Bedrock => claude::frames(response),
        DialectName::OpenAiChat => chat::frames(response),
        DialectName::OpenAiResponses => responses::frames(response),
    }
}

pub fn response() -> impl Strategy<Value = SampleResponse> {
    let call = (
        prop::sample::select(vec!["read", "write-file", "b2"]),
        arguments(),
    );
    (
        proptest::option::of("[a-z \u{1F600}]{1,12}"),
        proptest::option::of("[a-z\n\"]{1,12}[a-z]"),
        vec(call, 0..4),
        any::<bool>(),
    )
        .prop_map(|(reasoning, text, calls, interleaved)| SampleResponse {
            reasoning,
            text,
            calls: calls
                .into_iter()
                .map(|(name, pieces)| (name.to_owned(), pieces))
                .collect(),
            interleaved,
        })
}

/// The text of an object, cut anywhere.
fn arguments() -> impl Strategy<Value = Vec<String>> {
    (
        super::arguments::spelled(),
        vec(any::<prop::sample::Index>(), 0..4),
    )
        .prop_map(|(text, cuts)| {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&places)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            cuts.dedup();
            cuts.windows(2)
                .map(|cut| text[cut[0]..cut[1]].to_owned())
                .collect()
        })
}

/// The frames on the wire; where that is an event stream, each frame's data is a chunk.
pub fn joined(upstream: DialectName, frames: &[Sent]) -> Bytes {
    if upstream != DialectName::Bedrock {
        return frames
            .iter()
            .map(|frame| frame.text.as_str())
            .collect::<String>()
            .into();
    }
    let mut out = BytesMut::new();
    for frame in frames {
        match frame.text.split_once("data: ") {
            Some((_, data)) => write_chunk(&mut out, data.trim_end_matches('\n')),
            None => event_stream::write_event(&mut out, "nothing", |_| {}),
        }
    }
    out.freeze()
}

fn unnamed(data: &Value, finishes: bool) -> Sent {
    let text = format!("data: {data}\n\n");
    Sent { text, finishes }
}
