//! Decodes any bytes as server-sent events. The result must not depend on how the bytes are cut.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llm_proxy::wire::sse::{SseDecoder, SseItem};

fn events(chunks: impl Iterator<Item = Bytes>) -> Vec<(String, Bytes)> {
    let mut decoder = SseDecoder::with_limit(4096);
    let mut found = Vec::new();
    let mut pull = |decoder: &mut SseDecoder| loop {
        match decoder.next() {
            Ok(Some(SseItem::Event(frame))) => found.push((frame.name().to_owned(), frame.data.clone())),
            Ok(Some(SseItem::Comment(_))) => {}
            Ok(None) | Err(_) => break,
        }
    };
    for chunk in chunks {
        decoder.push(chunk);
        pull(&mut decoder);
    }
    decoder.finish();
    pull(&mut decoder);
    found
}

fuzz_target!(|data: &[u8]| {
    let Some((size, body)) = data.split_first() else {
        return;
    };
    let body = Bytes::copy_from_slice(body);
    let whole = events(std::iter::once(body.clone()));
    let size = usize::from(*size).max(1);
    let cut = events(
        (0..body.len())
            .step_by(size)
            .map(|at| body.slice(at..body.len().min(at + size))),
    );
    assert_eq!(whole, cut);
});
