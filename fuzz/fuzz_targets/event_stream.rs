//! Decodes any bytes as an AWS event stream. The result must not depend on how the bytes are cut, also after a valid
//! message.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use llm_proxy::wire::event_stream::{BadMessage, EventStreamDecoder, EventStreamMessage, write_event};

fn messages(chunks: impl Iterator<Item = Bytes>) -> (Vec<EventStreamMessage>, Option<BadMessage>) {
    let mut decoder = EventStreamDecoder::with_limit(4096);
    let mut found = Vec::new();
    let mut pull = |decoder: &mut EventStreamDecoder| loop {
        match decoder.next() {
            Ok(Some(message)) => found.push(message),
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    };
    for chunk in chunks {
        decoder.push(chunk);
        if let Some(error) = pull(&mut decoder) {
            return (found, Some(error));
        }
    }
    decoder.finish();
    let end = pull(&mut decoder);
    (found, end)
}

fn check_all_cuts(body: &Bytes, size: usize) {
    let whole = messages(std::iter::once(body.clone()));
    let cut = messages(
        (0..body.len())
            .step_by(size)
            .map(|at| body.slice(at..body.len().min(at + size))),
    );
    assert_eq!(whole, cut);
}

fuzz_target!(|data: &[u8]| {
    let Some((size, rest)) = data.split_first() else {
        return;
    };
    let size = usize::from(*size).max(1);
    check_all_cuts(&Bytes::copy_from_slice(rest), size);
    // Again after a valid message, because random bytes hardly ever begin with one.
    let mut framed = BytesMut::new();
    write_event(&mut framed, "chunk", |out| out.extend_from_slice(rest));
    framed.extend_from_slice(rest);
    check_all_cuts(&framed.freeze(), size);
});
