//! The JSON scanner: it must accept every object that serde_json accepts and find the same member, and an edited
//! document must stay valid JSON.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llm_proxy::wire::splice::{Splices, encode_str, find_members};

fuzz_target!(|data: &[u8]| {
    let body = Bytes::copy_from_slice(data);
    let found = find_members(&body, ["model"]);
    let parsed = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body);
    let Ok(parsed) = parsed else { return };
    let [models] = found.expect("an object that serde_json reads");
    let last = models
        .last()
        .map(|node| String::from_utf8_lossy(node.raw()).into_owned());
    assert_eq!(last.is_some(), parsed.contains_key("model"));
    let mut splices = Splices::new();
    splices
        .set_member(&body, "model", encode_str("x"))
        .expect("an object takes a member");
    let edited = splices.apply(&body).expect("splices of one member").into_bytes();
    let edited: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&edited).expect("still JSON");
    assert_eq!(edited["model"], "x");
});
