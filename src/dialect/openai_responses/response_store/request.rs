//! What a request wants of the response store, and the same request without references to it.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::value::RawValue;

use super::item_list;
use crate::wire::splice::{JsonKind, ScanError, SpliceNode, Splices, find_members};

/// What a request wants of the response store.
#[derive(Debug, PartialEq, Eq)]
pub struct StoreRequest {
    /// The identifier of the stored response that it continues.
    pub previous: Option<String>,
    /// Whether its own response is to be kept, which is the API's default.
    pub store: bool,
    body: Bytes,
    input: StoreInput,
    /// The bytes of the values of `previous_response_id` and `store`.
    spans: Vec<Range<usize>>,
    /// The bytes of the values of `input`; several if a client wrote the member more than once.
    input_spans: Vec<Range<usize>>,
    /// Whether `store` is true explicitly, which the reader of requests would record as a loss.
    has_explicit_store: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum StoreInput {
    Absent,
    /// A user's text, with its quotes.
    Text(Range<usize>),
    Items(Vec<StoreInputItem>),
}

#[derive(Debug, PartialEq, Eq)]
struct StoreInputItem {
    span: Range<usize>,
    /// The identifier of the stored item, if it is a reference to one.
    reference: Option<String>,
}

impl StoreRequest {
    /// Reads the members of a request that the response store needs. `None` if one of them has the wrong type: the
    /// reader of the whole request reports that.
    pub fn read(body: &Bytes) -> Option<Self> {
        let names = ["previous_response_id", "store", "input"];
        let [previous, store, input] = find_members(body, names).ok()?;
        let spans = |nodes: &[SpliceNode<'_>]| nodes.iter().map(SpliceNode::span).collect::<Vec<_>>();
        let (previous_spans, store_spans) = (spans(&previous), spans(&store));
        let input_spans = spans(&input);
        let previous = match previous.last() {
            Some(node) if node.kind() == JsonKind::String => Some(node.text().ok()?.into_owned()),
            Some(node) if node.kind() != JsonKind::Null => return None,
            _ => None,
        };
        // Of several members of one name the last counts, as for every other reader of the body.
        let has_explicit_store = store.last().is_some_and(|node| node.raw() == b"true");
        let store = match store.last().map(SpliceNode::raw) {
            None | Some(b"null" | b"true") => true,
            Some(b"false") => false,
            Some(_) => return None,
        };
        let input = match input.last() {
            None => StoreInput::Absent,
            Some(node) => match node.kind() {
                JsonKind::Null => StoreInput::Absent,
                JsonKind::String => StoreInput::Text(node.span()),
                JsonKind::Array => StoreInput::Items(read_items(node).ok()?),
                JsonKind::Object | JsonKind::Number | JsonKind::Bool => return None,
            },
        };
        Some(Self {
            previous,
            store,
            body: body.clone(),
            input,
            has_explicit_store,
            spans: [previous_spans, store_spans].concat(),
            input_spans,
        })
    }

    /// The identifiers of the stored items that its input refers to, in order.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        let items = match &self.input {
            StoreInput::Items(items) => items.as_slice(),
            StoreInput::Absent | StoreInput::Text(_) => &[],
        };
        items.iter().filter_map(|item| item.reference.as_deref())
    }

    /// The input items of this request: each as its client wrote it, or, if it is a reference, the next one of
    /// `resolved`, which has an item for each of [`Self::references`].
    pub fn items(&self, resolved: &[Box<RawValue>]) -> Vec<Bytes> {
        match &self.input {
            StoreInput::Absent => Vec::new(),
            StoreInput::Text(span) => {
                let mut item = BytesMut::new();
                item.put_slice(br#"{"type":"message","role":"user","content":"#);
                item.put_slice(self.body.get(span.clone()).unwrap_or_default());
                item.put_slice(b"}");
                vec![item.freeze()]
            }
            StoreInput::Items(items) => {
                let mut resolved = resolved.iter();
                let resolve = |item: &StoreInputItem| match item.reference {
                    Some(_) => resolved
                        .next()
                        .map(|item| Bytes::copy_from_slice(item.get().as_bytes())),
                    None => Some(self.body.slice(item.span.clone())),
                };
                items.iter().filter_map(resolve).collect()
            }
        }
    }

    /// The request as one that needs no response store: its input has the `earlier` items and those of [`Self::items`],
    /// and it names no stored object. `None` if the request is like that already.
    pub fn expanded(&self, earlier: &[Box<RawValue>], items: &[Bytes]) -> Option<Bytes> {
        let has_references = self.previous.is_some() || self.references().next().is_some();
        if !has_references && !self.has_explicit_store {
            return None;
        }
        let mut splices = Splices::new();
        for span in &self.spans {
            splices.replace(span.clone(), "null");
        }
        if has_references {
            let parts = earlier.iter().map(|item| item.get().as_bytes());
            let input = join_array(parts.chain(items.iter().map(AsRef::as_ref)));
            for span in &self.input_spans {
                splices.replace(span.clone(), input.clone());
            }
            if self.input_spans.is_empty() {
                let document = SpliceNode::document(&self.body).ok()?;
                splices.insert_member(&document, "input", &input).ok()?;
            }
        }
        splices.apply(&self.body).ok().map(|spliced| spliced.into_bytes())
    }
}

fn read_items(array: &SpliceNode<'_>) -> Result<Vec<StoreInputItem>, ScanError> {
    array
        .elements()?
        .map(|element| {
            let element = element?;
            Ok(StoreInputItem {
                span: element.span(),
                reference: read_reference(&element)?,
            })
        })
        .collect()
}

/// Reads the identifier of a reference: an object with an `id` and, except for its type, no other member.
fn read_reference(item: &SpliceNode<'_>) -> Result<Option<String>, ScanError> {
    if item.kind() != JsonKind::Object {
        return Ok(None);
    }
    let mut id = None;
    for member in item.members()? {
        let member = member?;
        if member.key.is_text("type")
            && (member.value.is_text("item_reference") || member.value.kind() == JsonKind::Null)
        {
            continue;
        }
        if !member.key.is_text("id") || member.value.kind() != JsonKind::String {
            return Ok(None);
        }
        id = Some(member.value.text()?.into_owned());
    }
    Ok(id)
}

fn join_array<'a>(items: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut text = BytesMut::new();
    text.put_u8(b'[');
    for item in items {
        if text.len() > 1 {
            text.put_u8(b',');
        }
        text.put_slice(item);
    }
    text.put_u8(b']');
    text.freeze()
}

/// The input items as the API lists them: each has an identifier, a type, and content in parts. An item without an
/// identifier gets one that is made of `response_id`, the response to these items, so that it can be found by it.
pub fn identified(items: &[Bytes], response_id: &str) -> Vec<Box<RawValue>> {
    let tail = response_id.strip_prefix("resp_").unwrap_or(response_id);
    let identify = |(index, item): (usize, &Bytes)| {
        let whole = complete_item(item, tail, index).unwrap_or_else(|_| item.clone());
        // The whole request was read before, so no item is malformed.
        serde_json::from_slice::<Box<RawValue>>(&whole).ok()
    };
    items.iter().enumerate().filter_map(identify).collect()
}

/// Adds what an item lacks. `tail` is the identifier of the response without its prefix.
fn complete_item(item: &Bytes, tail: &str, index: usize) -> Result<Bytes, ScanError> {
    let object = SpliceNode::document(item)?;
    let text = |node: &SpliceNode<'_>| node.text().ok().map(std::borrow::Cow::into_owned);
    let kind = object.get("type")?.as_ref().and_then(text);
    let is_message = matches!(kind.as_deref(), None | Some("message"));
    let mut splices = Splices::new();
    let mut set = |name: &str, value: &[u8]| -> Result<(), ScanError> {
        match object.get(name)? {
            Some(node) => splices.replace(node.span(), value.to_vec()),
            None => splices.insert_member(&object, name, value)?,
        }
        Ok(())
    };
    let has_id = raw_id(item).is_some_and(|id| !id.is_empty());
    if !has_id {
        let id = format!("\"{}_{tail}_i{index}\"", id_prefix(kind.as_deref()));
        set("id", id.as_bytes())?;
    }
    if kind.is_none() {
        set("type", b"\"message\"")?;
    }
    if is_message
        && let Some(content) = object.get("content")?
        && content.kind() == JsonKind::String
    {
        let is_assistant = object.get("role")?.is_some_and(|role| role.is_text("assistant"));
        let (kind, more) = if is_assistant {
            ("output_text", ",\"annotations\":[]")
        } else {
            ("input_text", "")
        };
        let mut parts = format!("[{{\"type\":\"{kind}\",\"text\":").into_bytes();
        parts.extend_from_slice(content.raw());
        parts.extend_from_slice(more.as_bytes());
        parts.extend_from_slice(b"}]");
        set("content", &parts)?;
    }
    Ok(splices
        .apply(item)
        .map_or_else(|_| item.clone(), |spliced| spliced.into_bytes()))
}

fn raw_id(item: &[u8]) -> Option<String> {
    let item: &RawValue = serde_json::from_slice(item).ok()?;
    item_list::id(item)
}

/// The prefix of the identifiers of a type of items.
fn id_prefix(kind: Option<&str>) -> &'static str {
    match kind {
        None | Some("message") => "msg",
        Some("reasoning") => "rs",
        Some("function_call") => "fc",
        Some("function_call_output") => "fco",
        Some("custom_tool_call") => "ctc",
        Some("custom_tool_call_output") => "ctco",
        Some(_) => "item",
    }
}
