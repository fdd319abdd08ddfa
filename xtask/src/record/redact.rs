//! Removes private content from a request: prose, keys, identifiers, paths, dates. The structure stays, and equal
//! values within a recording stay equal.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Replaces descriptions.
const DESCRIPTION: &str = "What it is.";
/// Replaces grammars.
const GRAMMAR: &str = "start: /.+/";
/// Replaces images: a PNG of one pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
/// Texts of more bytes are prose, independent of their member's name.
const LONGEST: usize = 64;
/// Tool arguments of more bytes are replaced entirely.
const LONGEST_CALL: usize = 400;
/// Texts with more spaces are prose.
const SPACES: usize = 2;
/// Members that contain prose.
const PROSE: [&str; 9] = [
    "text",
    "content",
    "output",
    "system",
    "instructions",
    "thinking",
    "refusal",
    "prompt",
    "input",
];
/// Members that contain identifiers.
const IDENTIFIERS: [&str; 10] = [
    "id",
    "call_id",
    "tool_use_id",
    "tool_call_id",
    "item_id",
    "previous_response_id",
    "prompt_cache_key",
    "session_id",
    "toolUseId",
    "user",
];
/// Members with state that only the vendor can read.
const OPAQUE: [&str; 3] = ["signature", "encrypted_content", "redacted"];
/// Members that contain schemas.
const SCHEMAS: [&str; 5] = [
    "input_schema",
    "parameters",
    "inputSchema",
    "schema",
    "json_schema",
];
/// Prefixes of paths that reveal something about the machine.
const PRIVATE_PATHS: [&str; 8] = [
    "/home", "/root", "/Users", "/tmp", "/private", "/var", "/work", "/opt",
];

/// Replaces values by numbered placeholders, in the order of the recording.
#[derive(Default)]
pub struct Redactor {
    known: HashMap<(&'static str, String), usize>,
    counts: HashMap<&'static str, usize>,
}

impl Redactor {
    /// Removes private content from the body of a request.
    pub fn document(&mut self, body: &Value) -> Value {
        self.value("", body, false)
    }

    fn number(&mut self, kind: &'static str, text: &str) -> usize {
        let key = (kind, text.to_owned());
        if let Some(number) = self.known.get(&key) {
            return *number;
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        self.known.insert(key, *count);
        *count
    }

    fn value(&mut self, key: &str, value: &Value, in_schema: bool) -> Value {
        match value {
            Value::String(text) => self.text(key, text, in_schema).into(),
            Value::Array(items) => items
                .iter()
                .map(|item| self.value(key, item, in_schema))
                .collect(),
            Value::Object(members) => self.object(key, members, in_schema).into(),
            other => other.clone(),
        }
    }

    fn object(&mut self, key: &str, members: &Map<String, Value>, in_schema: bool) -> Map<String, Value> {
        // The keys below `properties` are property names. A property with the name `content` is not prose.
        let names = in_schema && key == "properties";
        let of_call = members
            .get("type")
            .is_some_and(|kind| kind == "tool_use" || kind == "custom_tool_call");
        let mut out = Map::new();
        for (name, value) in members {
            let schema = in_schema || (SCHEMAS.contains(&name.as_str()) && value.is_object());
            let value = match name.as_str() {
                _ if names => self.value("", value, schema),
                "input" if of_call => self.call(value),
                "data" | "file_data" if value.as_str().is_some_and(|data| data.len() > LONGEST) => {
                    let opaque = members
                        .get("type")
                        .is_some_and(|kind| kind == "redacted_thinking");
                    if opaque {
                        self.value("redacted", value, false)
                    } else {
                        PIXEL.into()
                    }
                }
                _ => self.value(name, value, schema),
            };
            out.insert(self.plain(name), value);
        }
        out
    }

    fn text(&mut self, key: &str, text: &str, in_schema: bool) -> String {
        match key {
            "description" | "title" => match text {
                "" => String::new(),
                _ => DESCRIPTION.to_owned(),
            },
            "definition" => GRAMMAR.to_owned(),
            "arguments" => self.called(text),
            _ if OPAQUE.contains(&key) => match text {
                "" => String::new(),
                _ => format!("b3BhcXVl{:04}", self.number("opaque", text)),
            },
            _ if IDENTIFIERS.contains(&key) => self.identifier(text),
            _ if text.starts_with("data:") => match text.split_once(',') {
                Some((kind, _)) => format!("{kind},{PIXEL}"),
                None => self.prose(text),
            },
            _ if text.starts_with("x-anthropic-billing-header:") => billing(text),
            _ if PROSE.contains(&key) && !in_schema => self.prose(text),
            _ if text.len() > LONGEST || text.matches(' ').count() > SPACES => match text.starts_with('{') {
                true => self.called(text),
                false => self.prose(text),
            },
            _ => self.plain(text),
        }
    }

    /// Replaces prose by a numbered text. A tag around it is structure and stays.
    fn prose(&mut self, text: &str) -> String {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return text.to_owned();
        }
        let number = self.number("words", text);
        let tag = trimmed.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let tag = tag.map(|(name, _)| name).filter(|name| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
        });
        match tag {
            Some(tag) if trimmed.ends_with(&format!("</{tag}>")) => format!("<{tag}>Words {number}.</{tag}>"),
            Some(tag) => format!("<{tag}>Words {number}."),
            None => format!("Words {number}."),
        }
    }

    /// Replaces the arguments of a tool call.
    fn call(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.called(text).into(),
            Value::Array(items) => items.iter().map(|item| self.call(item)).collect(),
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| (name.clone(), self.call(value));
                Value::Object(members.iter().map(member).collect())
            }
            other => other.clone(),
        }
    }

    fn called(&mut self, text: &str) -> String {
        if text.len() > LONGEST_CALL {
            return if text.starts_with('{') {
                "{}".to_owned()
            } else {
                self.prose(text)
            };
        }
        self.plain(text)
    }

    /// Replaces an identifier and keeps its prefix: `toolu_01AbCd` becomes `toolu_1`.
    fn identifier(&mut self, text: &str) -> String {
        match text.split_once('_') {
            Some((kind, _)) if kind.chars().all(|c| c.is_ascii_lowercase()) => {
                format!("{kind}_{}", self.number("id", text))
            }
            _ => match self.plain(text) {
                same if same == text && text.len() > 8 => format!("id-{}", self.number("id", text)),
                changed => changed,
            },
        }
    }

    /// Replaces private words in a short text or code.
    fn plain(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let in_word = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            if end == 0 {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
                continue;
            }
            let (word, tail) = rest.split_at(end);
            out.push_str(&self.word(word));
            rest = tail;
        }
        out
    }

    fn word(&mut self, word: &str) -> String {
        let is_below = |prefix: &str| {
            let rest = word.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if PRIVATE_PATHS.into_iter().any(is_below) {
            let name = word.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            return match word.matches('/').count() {
                0 | 1 => "/home/user".to_owned(),
                _ => format!("/home/user/{}", self.runs(name)),
            };
        }
        if word.starts_with("sk-") {
            return "sk-key".to_owned();
        }
        self.runs(word)
    }

    /// Replaces UUIDs, hashes, dates and other long numbers within a word.
    fn runs(&mut self, word: &str) -> String {
        let mut out = String::with_capacity(word.len());
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            if let Some(uuid) = rest.get(..36).filter(|text| is_uuid(text)) {
                let number = self.number("uuid", &uuid.to_lowercase());
                out.push_str(&format!("00000000-0000-4000-8000-{number:012}"));
                rest = rest.get(36..).unwrap_or_default();
                continue;
            }
            let run = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
            let (text, tail) = rest.split_at(run);
            let digits = text.chars().filter(char::is_ascii_digit).count();
            // The digit check keeps words that consist of the letters a to f only.
            if (text.len() >= 16 && digits > 0) || (digits == text.len() && digits >= 10) {
                let number = self.number("run", text);
                out.push_str(&format!("{number:0width$}", width = text.len()));
                rest = tail;
            } else if run > 0 {
                out.push_str(text);
                rest = tail;
            } else {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
        out
    }
}

fn is_uuid(text: &str) -> bool {
    text.char_indices().all(|(at, c)| match at {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    })
}

/// Replaces the parts of Claude Code's attribution line that are computed from the request. The version stays.
fn billing(text: &str) -> String {
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    let mut out = format!("{name}:");
    for pair in rest.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let shown = match pair.split_once('=') {
            Some(("cc_version", version)) => {
                let parts: Vec<&str> = version.split('.').take(3).collect();
                format!("cc_version={}.000", parts.join("."))
            }
            Some(("cc_entrypoint", _)) => pair.to_owned(),
            Some((name, _)) => format!("{name}=00000"),
            None => continue,
        };
        out.push_str(&format!(" {shown};"));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{PIXEL, Redactor};

    fn redacted(value: Value) -> Value {
        Redactor::default().document(&value)
    }

    #[test]
    fn prose_goes_and_structure_stays() {
        let sent = json!({
            "system": [{"type": "text", "text": "You are good.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "<system-reminder>\nDate is\n</system-reminder>\n"},
                {"role": "user", "content": [{"type": "text", "text": "You are good."}, {"type": "text", "text": " "}]},
            ],
            "tools": [{"name": "Bash", "description": "Runs it", "input_schema": {"type": "object", "properties": {
                "description": {"type": "string", "description": "Short"}, "content": {"enum": ["a b c d", "x"]},
            }, "required": ["content"]}}],
        });
        let kept = json!({
            "system": [{"type": "text", "text": "Words 1.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": "<system-reminder>Words 2.</system-reminder>"},
                {"role": "user", "content": [{"type": "text", "text": "Words 1."}, {"type": "text", "text": " "}]},
            ],
            "tools": [{"name": "Bash", "description": "What it is.", "input_schema": {"type": "object", "properties": {
                "description": {"type": "string", "description": "What it is."}, "content": {"enum": ["Words 3.", "x"]},
            }, "required": ["content"]}}],
        });
        assert_eq!(redacted(sent), kept);
    }

    #[test]
    fn calls_and_their_results_stay_together() {
        let sent = json!([
            {"type": "tool_use", "id": "toolu_01Ab", "name": "Read", "input": {"file_path": "/home/x/note.txt", "content": "a"}},
            {"type": "tool_result", "tool_use_id": "toolu_01Ab", "content": "the answer"},
            {"type": "function_call", "call_id": "call_7f", "arguments": "{\"cmd\":\"cat /tmp/a/b.txt\"}"},
            {"type": "custom_tool_call", "call_id": "call_8f", "input": "const r = f(\"/home/me/p\");"},
        ]);
        let kept = json!([
            {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "/home/user/note.txt", "content": "a"}},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Words 1."},
            {"type": "function_call", "call_id": "call_2", "arguments": "{\"cmd\":\"cat /home/user/b.txt\"}"},
            {"type": "custom_tool_call", "call_id": "call_3", "input": "const r = f(\"/home/user/p\");"},
        ]);
        assert_eq!(redacted(sent), kept);
    }

    #[test]
    fn numbers_of_people_and_machines_are_replaced() {
        let uuid = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";
        let sent = json!({
            "metadata": {"user_id": format!("{{\"device_id\":\"{}\",\"session_id\":\"{uuid}\"}}", "ab1".repeat(21))},
            "prompt_cache_key": uuid, "at": "1790000000123", "key": "sk-ant-abc", "arn": "arn:aws:x:123456789012:y",
            "model": "claude-sonnet-4-5-20250929", "betas": ["context-1m-2025-08-07"], "word": "deadbeef",
            "id": "msg_1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
        });
        let zeros = "0".repeat(62);
        let first = "00000000-0000-4000-8000-000000000001";
        let kept = json!({
            "metadata": {"user_id": format!("{{\"device_id\":\"{zeros}1\",\"session_id\":\"{first}\"}}")},
            "prompt_cache_key": first, "at": "0000000000002", "key": "sk-key", "arn": "arn:aws:x:000000000003:y",
            "model": "claude-sonnet-4-5-20250929", "betas": ["context-1m-2025-08-07"], "word": "deadbeef",
            "id": "msg_1",
        });
        assert_eq!(redacted(sent), kept);
    }

    #[test]
    fn opaque_state_and_pictures() {
        let long = "QUJD".repeat(100);
        let sent = json!([
            {"type": "thinking", "thinking": "Hm", "signature": long}, {"type": "redacted_thinking", "data": long},
            {"type": "reasoning", "encrypted_content": "other", "summary": []},
            {"source": {"type": "base64", "data": long}}, {"url": format!("data:image/png;base64,{long}")},
            {"type": "grammar", "definition": "start: begin_patch"},
        ]);
        let kept = json!([
            {"type": "thinking", "thinking": "Words 1.", "signature": "b3BhcXVl0001"},
            {"type": "redacted_thinking", "data": "b3BhcXVl0001"},
            {"type": "reasoning", "encrypted_content": "b3BhcXVl0002", "summary": []},
            {"source": {"type": "base64", "data": PIXEL}}, {"url": format!("data:image/png;base64,{PIXEL}")},
            {"type": "grammar", "definition": "start: /.+/"},
        ]);
        assert_eq!(redacted(sent), kept);
    }

    #[test]
    fn what_is_long_is_prose_whatever_it_is_called() {
        let sent = json!({"tomorrow": "A sentence that nobody knows.", "long": "x".repeat(65), "short": "two words",
                          "arguments": format!("{{\"a\":\"{}\"}}", "y ".repeat(300))});
        let kept =
            json!({"tomorrow": "Words 1.", "long": "Words 2.", "short": "two words", "arguments": "{}"});
        assert_eq!(redacted(sent), kept);
    }

    #[test]
    fn the_line_about_billing() {
        let sent = "x-anthropic-billing-header: cc_version=2.1.330.a1b; cc_entrypoint=sdk-cli; cch=7f3e9;";
        let kept = "x-anthropic-billing-header: cc_version=2.1.330.000; cc_entrypoint=sdk-cli; cch=00000;";
        assert_eq!(redacted(json!({"text": sent})), json!({"text": kept}));
    }

    #[test]
    fn a_recording_goes_on_with_its_numbers() {
        let mut redactor = Redactor::default();
        let first = redactor.document(&json!({"messages": [{"content": "One"}], "system": "Two"}));
        let later = redactor
            .document(&json!({"messages": [{"content": "One"}, {"content": "Three"}], "system": "Two"}));
        assert_eq!(first["messages"][0], later["messages"][0]);
        assert_eq!(first["system"], later["system"]);
        assert_eq!(later["messages"][1]["content"], "Words 3.");
    }
}
