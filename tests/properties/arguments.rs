//! What a model wrote for a tool arrives as it was spelled.

use llm_proxy::canonical::Losses;
use llm_proxy::dialect::DialectName;
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::common::{Facts, begin, pairs};
use crate::tried;

/// The text of an object, in spellings that a parser would lose.
pub fn spelled() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1.0",
        "-0",
        "1e5",
        "1E+05",
        "0.10",
        "12345678901234567890",
        "3.14159265358979323846264338327950288",
        "true",
        "null",
        r#""\u0041""#,
        r#""\/""#,
        r#""é\u00e9\ud83d\ude00""#,
        r#""\n\"\\ ""#,
        r#""""#,
    ]);
    let value = leaf.prop_map(str::to_owned).prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            members(inner).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    (members(value), prop::sample::select(vec![",", ", ", " ,\n\t"]))
        .prop_map(|(members, between)| format!("{{{}}}", members.join(between)))
}

fn members(value: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = Vec<String>> {
    let key = prop::sample::select(vec!["z", "a", "b", "10", "2", "", "\\u0061"]);
    vec((key, value), 0..4).prop_map(|members| {
        members
            .into_iter()
            .map(|(key, value)| format!("\"{key}\": {value}"))
            .collect()
    })
}

/// A history with one call whose arguments are these.
fn request(client: DialectName, arguments: &str) -> String {
    let quoted = serde_json::to_string(arguments).unwrap();
    match client {
        DialectName::Claude => format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"x"}},
            {{"role":"assistant","content":[{{"type":"tool_use","id":"t1","name":"f","input":{arguments}}}]}},
            {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t1","content":"y"}}]}}]}}"#
        ),
        DialectName::OpenAiChat => format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"x"}},
            {{"role":"assistant","tool_calls":[{{"id":"t1","type":"function","function":{{"name":"f","arguments":{quoted}}}}}]}},
            {{"role":"tool","tool_call_id":"t1","content":"y"}}]}}"#
        ),
        DialectName::OpenAiResponses => format!(
            r#"{{"model":"m","input":[{{"role":"user","content":"x"}},
            {{"type":"function_call","call_id":"t1","name":"f","arguments":{quoted}}},
            {{"type":"function_call_output","call_id":"t1","output":"y"}}]}}"#
        ),
        DialectName::Bedrock => format!(
            r#"{{"anthropic_version":"bedrock-2023-05-31",{}"#,
            &request(DialectName::Claude, arguments)[r#"{"model":"m","#.len()..]
        ),
    }
}

/// A complete response with one call whose arguments are these.
fn response(upstream: DialectName, arguments: &str) -> String {
    let quoted = serde_json::to_string(arguments).unwrap();
    match upstream {
        DialectName::Claude | DialectName::Bedrock => format!(
            r#"{{"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"tool_use","stop_sequence":null,
            "content":[{{"type":"tool_use","id":"t1","name":"f","input":{arguments}}}],
            "usage":{{"input_tokens":1,"output_tokens":1}}}}"#
        ),
        DialectName::OpenAiChat => format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"finish_reason":"tool_calls",
            "message":{{"role":"assistant","content":null,"tool_calls":[{{"id":"t1","type":"function","function":{{"name":"f","arguments":{quoted}}}}}]}}}}]}}"#
        ),
        DialectName::OpenAiResponses => format!(
            r#"{{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"completed","output":[
            {{"type":"function_call","id":"fc_1","call_id":"t1","name":"f","arguments":{quoted},"status":"completed"}}]}}"#
        ),
    }
}

/// The text without space between its tokens, which a complete response need not keep.
fn compact(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let mut keep = |c: char| {
        let kept = in_string || !c.is_ascii_whitespace();
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            _ => {}
        }
        kept
    };
    text.chars().filter(|c| keep(*c)).collect()
}

/// The members of any dialect in which a call may hide its arguments.
#[derive(Deserialize)]
struct Node {
    /// Of a call, or of a whole request.
    input: Option<Box<RawValue>>,
    arguments: Option<String>,
    #[serde(default)]
    messages: Vec<Node>,
    #[serde(default)]
    choices: Vec<Node>,
    message: Option<Box<Node>>,
    function: Option<Box<Node>>,
    #[serde(default)]
    tool_calls: Vec<Node>,
    content: Option<Box<RawValue>>,
    output: Option<Box<RawValue>>,
}

impl Node {
    fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn arguments(&self) -> Option<String> {
        let own = self.input.as_ref().map(|json| json.get().to_owned());
        let own = own.filter(|json| json.starts_with('{'));
        let nested = [&self.message, &self.function];
        own.or_else(|| self.arguments.clone())
            .or_else(|| nested.into_iter().flatten().find_map(|node| node.arguments()))
            .or_else(|| {
                let lists = [&self.messages, &self.choices, &self.tool_calls];
                lists.into_iter().flatten().find_map(Node::arguments)
            })
            .or_else(|| {
                let lists = [&self.content, &self.input, &self.output];
                lists.into_iter().flatten().find_map(|json| {
                    let nodes: Vec<Node> = serde_json::from_str(json.get()).ok()?;
                    nodes.iter().find_map(Node::arguments)
                })
            })
    }
}

proptest! {
    #![proptest_config(tried(256))]

    #[test]
    fn arguments_keep_their_spelling(arguments in spelled()) {
        for (client, upstream) in pairs() {
            let mut losses = Losses::new();
            let facts = Facts::default();
            let asked = request(client.name(), &arguments);
            let (exchange, written) = begin(client, upstream, &facts, asked.as_bytes(), &mut losses).unwrap();
            let there = String::from_utf8(written.body).unwrap();
            prop_assert_eq!(Node::read(&there).arguments().map(|text| compact(&text)), Some(compact(&arguments)), "{}", there);

            let body = response(upstream.name(), &arguments);
            let back = exchange.translate_response(&mut losses, body.as_bytes()).unwrap();
            let back = String::from_utf8(back.body).unwrap();
            prop_assert_eq!(Node::read(&back).arguments().map(|text| compact(&text)), Some(compact(&arguments)), "{}", back);
        }
    }
}
