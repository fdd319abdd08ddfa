//! A text means the same however JSON spells it.

use llm_proxy::canonical::Losses;
use llm_proxy::dialect::DialectName;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{Facts, begin, pairs};
use crate::tried;

/// A text, and JSON that spells it: some characters as they are, some in a way that no writer of ours has.
#[derive(Clone, Debug)]
struct Spelled {
    text: String,
    json: String,
}

fn spelled() -> impl Strategy<Value = Spelled> {
    let char = prop_oneof![
        any::<char>(),
        prop::char::range(' ', '~'),
        prop::sample::select(vec!['"', '\\', '/', '\n', '\t', '\u{1f}', 'é', '😀']),
    ];
    vec((char, any::<bool>()), 0..40).prop_map(|chars| {
        let text: String = chars.iter().map(|(char, _)| char).collect();
        let json = chars.iter().map(|(char, in_units)| match (char, in_units) {
            (_, true) => {
                let mut units = [0; 2];
                let units = char.encode_utf16(&mut units).iter();
                units.map(|unit| format!("\\u{unit:04X}")).collect()
            }
            ('/', false) => "\\/".to_owned(),
            (char, false) => {
                let quoted = Value::from(char.to_string()).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
        });
        Spelled {
            json: format!("\"{}\"", json.collect::<String>()),
            text,
        }
    })
}

/// A request with these texts wherever a dialect has texts.
fn request(client: DialectName, [system, user, said, more, result, described]: [&str; 6]) -> String {
    match client {
        DialectName::Claude => format!(
            r#"{{"model":"m","max_tokens":9,"system":[{{"type":"text","text":{system}}}],
            "tools":[{{"name":"f","description":{described},"input_schema":{{"type":"object"}}}}],
            "messages":[{{"role":"user","content":{user}}},
            {{"role":"assistant","content":[{{"type":"text","text":{said}}},{{"type":"text","text":{more}}},
            {{"type":"tool_use","id":"t1","name":"f","input":{{"a":1}}}}]}},
            {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t1","content":[{{"type":"text","text":{result}}},{{"type":"text","text":{more}}}]}}]}}]}}"#
        ),
        DialectName::OpenAiChat => format!(
            r#"{{"model":"m","messages":[{{"role":"system","content":{system}}},{{"role":"developer","content":{more}}},
            {{"role":"user","content":[{{"type":"text","text":{user}}},{{"type":"image_url","image_url":{{"url":"data:image\/png;base64,aGVsbG8="}}}}]}},
            {{"role":"assistant","content":[{{"type":"text","text":{said}}},{{"type":"refusal","refusal":{more}}}],
            "tool_calls":[{{"id":"t1","type":"function","function":{{"name":"f","arguments":{said}}}}}]}},
            {{"role":"tool","tool_call_id":"t1","content":{result}}}],
            "tools":[{{"type":"function","function":{{"name":"f","description":{described}}}}}]}}"#
        ),
        DialectName::OpenAiResponses => format!(
            r#"{{"model":"m","instructions":{system},"input":[{{"role":"user","content":{user}}},
            {{"type":"message","role":"assistant","content":[{{"type":"output_text","text":{said}}},{{"type":"output_text","text":{more}}}]}},
            {{"type":"function_call","call_id":"t1","name":"f","arguments":{said}}},
            {{"type":"function_call_output","call_id":"t1","output":{result}}}],
            "tools":[{{"type":"function","name":"f","description":{described},"parameters":{{"type":"object"}},"strict":false}}]}}"#
        ),
        DialectName::Bedrock => format!(
            r#"{{"anthropic_version":"bedrock-2023-05-31",{}"#,
            &request(DialectName::Claude, [system, user, said, more, result, described])
                [r#"{"model":"m","#.len()..]
        ),
    }
}

proptest! {
    #![proptest_config(tried(24))]

    #[test]
    fn the_spelling_of_a_text_changes_nothing_but_spelling(
        texts in [spelled(), spelled(), spelled(), spelled(), spelled(), spelled()],
    ) {
        for (client, upstream) in pairs() {
            let translated = |texts: [&str; 6]| {
                let body = request(client.name(), texts);
                let mut losses = Losses::new();
                let begun = begin(client, upstream, &Facts::default(), body.as_bytes(), &mut losses);
                let written = begun.map(|(_, written)| serde_json::from_slice::<Value>(&written.body).ok());
                let losses = losses.entries().iter().map(|loss| loss.path.to_string());
                (written.map_err(|error| error.to_string()), losses.collect::<Vec<_>>())
            };
            let plain = texts.each_ref().map(|spelled| Value::from(spelled.text.as_str()).to_string());
            let (expected, expected_losses) = translated(plain.each_ref().map(String::as_str));
            let (written, losses) = translated(texts.each_ref().map(|spelled| spelled.json.as_str()));
            prop_assert!(matches!(&expected, Ok(Some(_))), "{:?}", expected);
            prop_assert_eq!(written, expected, "{} to {}", client.name(), upstream.name());
            prop_assert_eq!(losses, expected_losses);
        }
    }
}

#[test]
fn what_is_no_text_is_refused() {
    for broken in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\u00g0""#,
        r#""\x""#,
        "\"\n\"",
        "\"\u{0}\"",
    ] {
        let good = "\"x\"";
        for (client, upstream) in pairs() {
            // Between a dialect's envelopes, bytes that nobody reads pass.
            if client.family() == upstream.family() {
                continue;
            }
            for place in 0..6 {
                let mut texts = [good; 6];
                texts[place] = broken;
                let body = request(client.name(), texts);
                let facts = Facts::default();
                let begun = begin(client, upstream, &facts, body.as_bytes(), &mut Losses::new());
                assert!(begun.is_err(), "{body}");
            }
        }
    }
}
