use bytes::{Bytes, BytesMut};

use super::TranslatedStream;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::bedrock::Bedrock;
use crate::dialect::claude::Claude;
use crate::dialect::openai_chat::OpenAiChat;
use crate::dialect::{Dialect, Preferences, ResponseContext};
use crate::translate::Exchange;

const CHUNK: &str = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}"#;
const LAST_CHUNK: &str = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn start_stream(client: &'static dyn Dialect, upstream: &'static dyn Dialect) -> TranslatedStream {
    let context = ResponseContext {
        model: "m".to_owned(),
        preferences: Preferences::default(),
        created: 1,
        request_id: "req_1".to_owned(),
        input_estimate: 1,
    };
    Exchange::without_request(client, upstream, context).start_stream()
}

/// A stream of each kind, with the upstream's first frame and its last ones.
fn streams() -> [(TranslatedStream, &'static str, &'static [&'static str]); 2] {
    [
        (start_stream(&Claude, &OpenAiChat), CHUNK, &[LAST_CHUNK, "[DONE]"]),
        (start_stream(&Bedrock, &Claude), START, &[STOP]),
    ]
}

fn push(stream: &mut TranslatedStream, data: &str) -> BytesMut {
    let mut out = BytesMut::new();
    stream.push(None, &Bytes::copy_from_slice(data.as_bytes()), &mut out);
    out
}

fn fail(stream: &mut TranslatedStream) -> BytesMut {
    let mut out = BytesMut::new();
    stream.fail(Error::new(ErrorClass::Timeout, "too slow"), &mut out);
    out
}

#[test]
fn a_failure_before_anything_was_sent_is_not_written() {
    for (mut stream, ..) in streams() {
        assert!(fail(&mut stream).is_empty());
        let class = stream.early_failure().map(|error| error.class);
        assert_eq!(class, Some(ErrorClass::Timeout));
    }
}

#[test]
fn a_failure_after_the_status_or_an_event_is_written_into_the_stream() {
    for (mut stream, ..) in streams() {
        stream.commit();
        assert!(!fail(&mut stream).is_empty());
        assert!(stream.early_failure().is_none() && stream.failure().is_some());
    }
    for (mut stream, first, _) in streams() {
        assert!(!push(&mut stream, first).is_empty());
        assert!(!fail(&mut stream).is_empty());
        assert!(stream.early_failure().is_none() && stream.failure().is_some());
    }
}

#[test]
fn a_stream_without_its_last_event_has_failed() {
    for (mut stream, first, _) in streams() {
        push(&mut stream, first);
        let mut out = BytesMut::new();
        stream.end(&mut out);
        let class = stream.failure().map(|error| error.class);
        assert_eq!(class, Some(ErrorClass::Upstream));
        assert!(!out.is_empty());
    }
}

#[test]
fn nothing_is_written_after_the_end() {
    for (mut stream, first, last) in streams() {
        push(&mut stream, first);
        for frame in last {
            push(&mut stream, frame);
        }
        assert!(stream.is_ended() && stream.failure().is_none());
        let mut out = push(&mut stream, first);
        out.unsplit(fail(&mut stream));
        stream.end(&mut out);
        stream.write_keep_alive(&mut out);
        assert!(out.is_empty(), "{out:?}");
        assert!(stream.failure().is_none());
    }
}
