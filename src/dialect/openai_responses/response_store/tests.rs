use bytes::Bytes;
use http::Method;
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

fn read(body: &str) -> StoreRequest {
    StoreRequest::read(&Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

#[test]
fn paths_are_classified() {
    let at = |action, id| Some(StoredResponsePath { action, id });
    for (method, path, expected) in [
        (
            Method::GET,
            "/v1/responses/resp_1",
            at(StoredResponseAction::Get, "resp_1"),
        ),
        (
            Method::GET,
            "/responses/resp_1/",
            at(StoredResponseAction::Get, "resp_1"),
        ),
        (
            Method::DELETE,
            "/v1/responses/resp_1",
            at(StoredResponseAction::Delete, "resp_1"),
        ),
        (
            Method::GET,
            "/v1/responses/resp_1/input_items",
            at(StoredResponseAction::InputItems, "resp_1"),
        ),
        (
            Method::POST,
            "/v1/responses/resp_1/cancel",
            at(StoredResponseAction::Cancel, "resp_1"),
        ),
        (Method::POST, "/v1/responses", None),
        (Method::GET, "/v1/responses", None),
        (Method::GET, "/v1/responses/", None),
        (Method::POST, "/v1/responses/input_tokens", None),
        (Method::POST, "/v1/responses/compact", None),
        (Method::GET, "/v1/responses/resp_1/other", None),
        (Method::GET, "/v1/responses//input_items", None),
        (Method::GET, "/v1/models/x", None),
    ] {
        assert_eq!(classify(&method, path), expected, "{method} {path}");
    }
}

#[test]
fn a_request_that_asks_nothing_of_a_store_stays_as_it_is() {
    for body in [
        r#"{"model":"m","input":"hi"}"#,
        r#"{"input":[{"role":"user","content":"hi"}],"store":false}"#,
        r#"{"previous_response_id":null}"#,
    ] {
        let request = read(body);
        let items = request.items(&[]);
        assert_eq!(request.expanded(&[], &items), None, "{body:?}");
    }
    for malformed in [
        "{",
        "[]",
        r#"{"previous_response_id":1}"#,
        r#"{"store":"yes"}"#,
        r#"{"input":{}}"#,
    ] {
        assert_eq!(
            StoreRequest::read(&Bytes::from_static(malformed.as_bytes())),
            None,
            "{malformed}"
        );
    }
}

#[test]
fn earlier_items_come_first_and_every_other_byte_stays() {
    let request = read(
        r#"{ "n": 1.50, "input" : "h\"i", "previous_response_id": "resp_1", "store": true, "tools":[] }"#,
    );
    assert_eq!(request.previous.as_deref(), Some("resp_1"));
    assert!(request.store);
    let items = request.items(&[]);
    let earlier = [
        raw(&json!({"role": "user", "content": "a"})),
        raw(&json!({"x": 1})),
    ];
    let expanded = request.expanded(&earlier, &items).unwrap();
    assert_eq!(
        expanded,
        concat!(
            r#"{ "n": 1.50, "input" : [{"role":"user","content":"a"},{"x":1},"#,
            r#"{"type":"message","role":"user","content":"h\"i"}], "#,
            r#""previous_response_id": null, "store": null, "tools":[] }"#
        )
    );
    let request = read(r#"{"previous_response_id":"resp_1"}"#);
    let expanded = request.expanded(&earlier[1..], &[]).unwrap();
    assert_eq!(expanded, r#"{"input":[{"x":1}],"previous_response_id":null}"#);
}

#[test]
fn references_become_what_they_stand_for() {
    let request = read(
        r#"{"input":[{"role":"user","content":"a"},{"type":"item_reference","id":"msg_1"},{"id":"rs_2"},
        {"id":"msg_3","role":"user","content":"b"},{"type":"reasoning","id":"rs_4"}]}"#,
    );
    assert_eq!(request.references().collect::<Vec<_>>(), ["msg_1", "rs_2"]);
    let resolved = [raw(&json!({"first": 1})), raw(&json!({"second": 2}))];
    let items = request.items(&resolved);
    let expanded = request.expanded(&[], &items).unwrap();
    let expanded: Value = serde_json::from_slice(&expanded).unwrap();
    assert_eq!(expanded["input"][1], json!({"first": 1}));
    assert_eq!(expanded["input"][2], json!({"second": 2}));
    assert_eq!(expanded["input"][3]["id"], "msg_3");
    assert_eq!(expanded["input"].as_array().map(Vec::len), Some(5));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z_]{0,8}|item_reference|message|\\PC{0,4}".prop_map(Value::from),
    ];
    let key = "[a-z]{1,3}|id|type|role|content|input|store|previous_response_id";
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_request_stays_json_and_names_nothing_stored(
        input in value(), previous in prop::option::of("[a-z]{0,4}"), store in any::<Option<bool>>(), more in value(),
    ) {
        let body = json!({"more": more, "input": input, "previous_response_id": previous, "store": store});
        let body = Bytes::from(body.to_string());
        if let Some(request) = StoreRequest::read(&body) {
            let known = raw(&json!({"type": "message", "id": "msg_1"}));
            let resolved: Vec<_> = request.references().map(|_| known.clone()).collect();
            let items = request.items(&resolved);
            let earlier = [raw(&json!({"earlier": 1}))];
            let expanded = request.expanded(&earlier, &items).unwrap_or(body);
            let again = StoreRequest::read(&expanded).unwrap();
            prop_assert_eq!(&again.previous, &None);
            prop_assert_eq!(again.references().count(), 0);
            prop_assert_eq!(again.expanded(&[], &[]), None);
            for item in identified(&items, "resp_px00") {
                serde_json::from_str::<Value>(item.get()).unwrap();
            }
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let bytes = Bytes::from(bytes);
        let _ = (StoreRequest::read(&bytes), last_event(&bytes), unkept(&bytes), identified(std::slice::from_ref(&bytes), "resp_px00"));
    }
}

#[test]
fn kept_items_have_what_the_api_shows_of_them() {
    let items = [
        json!({"role": "user", "content": "a"}),
        json!({"role": "assistant", "content": "b", "id": null}),
        json!({"type": "function_call_output", "call_id": "c", "output": "d"}),
        json!({"type": "message", "id": "msg_own", "role": "user", "content": []}),
    ];
    let items = items.map(|item| Bytes::from(item.to_string()));
    let shown = identified(&items, "resp_px00");
    let shown: Vec<Value> = shown
        .iter()
        .map(|item| serde_json::from_str(item.get()).unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            json!({"id": "msg_px00_i0", "type": "message", "role": "user",
                "content": [{"type": "input_text", "text": "a"}]}),
            json!({"id": "msg_px00_i1", "type": "message", "role": "assistant",
                "content": [{"type": "output_text", "text": "b", "annotations": []}]}),
            json!({"id": "fco_px00_i2", "type": "function_call_output", "call_id": "c", "output": "d"}),
            json!({"type": "message", "id": "msg_own", "role": "user", "content": []}),
        ]
    );
}

#[test]
fn the_last_event_is_found_and_nothing_that_only_looks_like_it() {
    let text = b"event: response.output_text.delta\ndata: {\"delta\":\"event: response.completed\\n\"}\n\n";
    assert_eq!(last_event(text), None);
    let failed = b"event: response.failed\ndata: {\"response\":{}}\n\n";
    assert_eq!(last_event(failed), None);
    for name in ["completed", "incomplete"] {
        let last =
            format!("event: response.{name}\ndata: {{\"type\":\"x\",\"response\":{{\"store\":true}}}}\n\n");
        let piece = [text, last.as_bytes()].concat();
        let found = last_event(&piece).unwrap();
        assert_eq!(found.start, text.len());
        assert_eq!(&piece[found.response.clone()], br#"{"store":true}"#);
    }
    assert_eq!(
        unkept(&Bytes::from_static(b"{\"a\":1,\"store\":true}")),
        "{\"a\":1,\"store\":false}"
    );
}

#[test]
fn lists_have_pages() {
    let items: Vec<Box<RawValue>> = (0..25).map(|n| raw(&json!({"id": format!("msg_{n}")}))).collect();
    let page = |query| serde_json::from_slice::<Value>(&page(&items, query).unwrap()).unwrap();
    let first = page(None);
    assert_eq!(first["data"].as_array().map(Vec::len), Some(20));
    assert_eq!(
        (&first["first_id"], &first["last_id"]),
        (&json!("msg_24"), &json!("msg_5"))
    );
    assert_eq!(first["has_more"], true);
    let next = page(Some("after=msg_5"));
    assert_eq!(
        (&next["first_id"], &next["has_more"]),
        (&json!("msg_4"), &json!(false))
    );
    let ascending = page(Some("order=asc&limit=1&after=msg_0"));
    assert_eq!(
        (&ascending["last_id"], &ascending["has_more"]),
        (&json!("msg_1"), &json!(true))
    );
    let empty = page(Some("after=msg_0"));
    assert_eq!((&empty["data"], &empty["first_id"]), (&json!([]), &Value::Null));
    for wrong in ["limit=0", "limit=101", "limit=x", "order=up", "after=none"] {
        let error = super::page(&items, Some(wrong)).unwrap_err();
        assert_eq!(error.param.as_deref(), wrong.split('=').next(), "{wrong}");
    }
}

#[test]
fn an_error_repeats_the_beginning_of_an_identifier_only() {
    let id = "x".repeat(100);
    let written = StoredResponseError::ResponseNotFound(id).write("req_1");
    let body: Value = serde_json::from_slice(&written.body).unwrap();
    let expected = format!("Response with id '{}' not found.", "x".repeat(80));
    assert_eq!(body["error"]["message"], expected);
    assert_eq!(written.headers[1].1, "req_1");
}

#[test]
fn only_an_object_with_an_identifier_and_nothing_else_is_a_reference() {
    let request = read(
        r#"{"input":[{"id":"a"},{"type":null,"id":"b"},{"type":"message","id":"c"},{"id":1},{"id":"d","role":"user"},"e"]}"#,
    );
    assert_eq!(request.references().collect::<Vec<_>>(), ["a", "b"]);
}
