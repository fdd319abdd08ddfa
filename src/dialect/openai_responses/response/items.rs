//! Writes the items of a response's output, for complete responses and for streams.

use crate::canonical::Annotation;
use crate::dialect::openai::usage::write_count;
use crate::dialect::openai_responses::types::*;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::wire::json::{RawJson, Unknown};

/// Writes a message with one part.
pub fn write_message(id: &str, part: OutputContent, status: ItemStatus) -> OutputMessage {
    let mut item = OutputMessage::new();
    item.id = Some(id.to_owned());
    item.content = Some(vec![part]);
    item.status = Some(status);
    item
}

/// Writes a text part.
pub fn write_text(
    text: impl Into<String>,
    annotations: Vec<OutputAnnotation>,
    logprobs: Option<RawJson>,
) -> OutputText {
    let mut part = OutputText::new(text);
    part.annotations = Some(annotations);
    part.logprobs = Some(logprobs.unwrap_or_else(|| to_raw_json(&[(); 0])));
    part
}

/// Writes a citation in a text of `length` characters. One without a span cites all of the text.
pub fn write_citation(annotation: Annotation, length: usize) -> OutputAnnotation {
    let Annotation { url, title, span } = annotation;
    let (start, end) = span.unwrap_or((0, length as u64));
    let mut out = UrlCitation::new();
    out.url = Some(url);
    out.title = Some(title);
    out.start_index = Some(write_count(start));
    out.end_index = Some(write_count(end));
    out.into()
}

/// Writes a web search of the vendor's. Its query is all that other vendors report.
pub fn write_web_search(id: &str, query: &str) -> WebSearchCall {
    let mut action = WebSearchAction::new();
    action.query = Some(query.to_owned());
    let mut item = WebSearchCall::new();
    item.id = Some(id.to_owned());
    item.status = Some(WebSearchCallStatus::Completed);
    item.action = Some(action.into());
    item
}

/// A tool call, whose items are written once or, in a stream, as it grows.
#[derive(Clone, Debug)]
pub struct CallItem {
    /// The identifier of the item, which is not that of the call.
    pub item_id: String,
    call_id: String,
    name: String,
    namespace: Option<String>,
}

impl CallItem {
    /// A call.
    pub fn new(item_id: String, call_id: String, name: String, namespace: Option<String>) -> Self {
        Self {
            item_id,
            call_id,
            name,
            namespace,
        }
    }

    /// Writes the call of a function.
    pub fn write_function(&self, arguments: String, status: ItemStatus) -> FunctionCall {
        let mut item = FunctionCall::new(self.name.clone());
        item.id = Some(self.item_id.clone());
        item.call_id = Some(self.call_id.clone());
        item.namespace.clone_from(&self.namespace);
        item.arguments = Some(arguments);
        item.status = Some(status);
        item
    }

    /// Writes the call of a freeform tool.
    pub fn write_custom(&self, input: String, status: ItemStatus) -> CustomToolCall {
        let mut item = CustomToolCall::new(self.name.clone());
        item.id = Some(self.item_id.clone());
        item.call_id = Some(self.call_id.clone());
        item.namespace.clone_from(&self.namespace);
        item.input = Some(input);
        item.status = Some(status);
        item
    }

    /// Writes a search for tools that the client runs. It is no variant of the generated types: only a client of this
    /// API gets one, never the proxy from an upstream.
    pub fn write_tool_search(&self, arguments: &str, status: &ItemStatus) -> OutputItem {
        let arguments = serde_json::from_str::<RawJson>(arguments)
            .unwrap_or_else(|_| to_raw_json(&serde_json::json!({})));
        let members = vec![
            ("type".to_owned(), to_raw_json(&"tool_search_call")),
            ("id".to_owned(), to_raw_json(&self.item_id)),
            ("call_id".to_owned(), to_raw_json(&self.call_id)),
            ("execution".to_owned(), to_raw_json(&"client")),
            ("arguments".to_owned(), arguments),
            ("status".to_owned(), to_raw_json(&status.as_str())),
        ];
        OutputItem::Unknown(Unknown::new("tool_search_call", members))
    }
}
