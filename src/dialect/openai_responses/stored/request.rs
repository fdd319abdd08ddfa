//! What a request asks of a store, and the same request without such questions.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::value::RawValue;

use super::list;
use crate::wire::splice::{JsonKind as Kind, ScanError, SpliceNode as Node, Splices, find_members};

/// What a request asks of a store.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// The answer that it goes on from.
    pub previous: Option<String>,
    /// Whether its own answer is to be kept: it is unless the request says no.
    pub store: bool,
    body: Bytes,
    input: Input,
    /// Where the values lie of the members that a store takes care of.
    spans: Vec<Range<usize>>,
    input_spans: Vec<Range<usize>>,
    says_store: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Input {
    Absent,
    /// A user's text, with its quotes.
    Text(Range<usize>),
    Items(Vec<Item>),
}

#[derive(Debug, PartialEq, Eq)]
struct Item {
    span: Range<usize>,
    reference: Option<String>,
}

impl Asked {
    /// Reads the members of a request that a store has to do with. `None` where one of them is not what it should be:
    /// who reads the whole request says so.
    pub fn read(body: &Bytes) -> Option<Self> {
        let names = ["previous_response_id", "store", "input"];
        let [previous, store, input] = find_members(body, names).ok()?;
        let spans = |nodes: &[Node<'_>]| nodes.iter().map(Node::span).collect::<Vec<_>>();
        let (previous_spans, store_spans) = (spans(&previous), spans(&store));
        let input_spans = spans(&input);
        let previous = match previous.last() {
            Some(node) if node.kind() == Kind::String => Some(node.text().ok()?.into_owned()),
            Some(node) if node.kind() != Kind::Null => return None,
            _ => None,
        };
        let says_store = store.last().is_some_and(|node| node.raw() == b"true");
        let store = match store.last().map(Node::raw) {
            None | Some(b"null" | b"true") => true,
            Some(b"false") => false,
            Some(_) => return None,
        };
        let input = match input.last() {
            None => Input::Absent,
            Some(node) => match node.kind() {
                Kind::Null => Input::Absent,
                Kind::String => Input::Text(node.span()),
                Kind::Array => Input::Items(items(node).ok()?),
                Kind::Object | Kind::Number | Kind::Bool => return None,
            },
        };
        Some(Self {
            previous,
            store,
            body: body.clone(),
            input,
            says_store,
            spans: [previous_spans, store_spans].concat(),
            input_spans,
        })
    }

    /// The identifiers that its references name, in their order.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        let items = match &self.input {
            Input::Items(items) => items.as_slice(),
            Input::Absent | Input::Text(_) => &[],
        };
        items.iter().filter_map(|item| item.reference.as_deref())
    }

    /// The input items of the request alone, each as its client wrote it or as its reference stands for it in `resolved`.
    pub fn items(&self, resolved: &[Box<RawValue>]) -> Vec<Bytes> {
        match &self.input {
            Input::Absent => Vec::new(),
            Input::Text(span) => {
                let mut item = BytesMut::new();
                item.put_slice(br#"{"type":"message","role":"user","content":"#);
                item.put_slice(self.body.get(span.clone()).unwrap_or_default());
                item.put_slice(b"}");
                vec![item.freeze()]
            }
            Input::Items(items) => {
                let mut resolved = resolved.iter();
                let one = |item: &Item| match item.reference {
                    Some(_) => resolved
                        .next()
                        .map(|item| Bytes::copy_from_slice(item.get().as_bytes())),
                    None => Some(self.body.slice(item.span.clone())),
                };
                items.iter().filter_map(one).collect()
            }
        }
    }

    /// The request as one that needs no store: `earlier` items and those of [`Self::items`] in its input, and nothing that
    /// names a stored object. `None` where it is that already.
    pub fn expanded(&self, earlier: &[Box<RawValue>], items: &[Bytes]) -> Option<Bytes> {
        let refers = self.previous.is_some() || self.references().next().is_some();
        if !refers && !self.says_store {
            return None;
        }
        let mut splices = Splices::new();
        for span in &self.spans {
            splices.replace(span.clone(), "null");
        }
        if refers {
            let parts = earlier.iter().map(|item| item.get().as_bytes());
            let input = array(parts.chain(items.iter().map(AsRef::as_ref)));
            for span in &self.input_spans {
                splices.replace(span.clone(), input.clone());
            }
            if self.input_spans.is_empty() {
                let document = Node::document(&self.body).ok()?;
                splices.insert_member(&document, "input", &input).ok()?;
            }
        }
        splices.apply(&self.body).ok().map(|spliced| spliced.into_bytes())
    }
}

fn items(array: &Node<'_>) -> Result<Vec<Item>, ScanError> {
    array
        .elements()?
        .map(|element| {
            let element = element?;
            Ok(Item {
                span: element.span(),
                reference: reference(&element)?,
            })
        })
        .collect()
}

/// The identifier that a reference names: an object with an `id` and, but for its type, nothing else.
fn reference(item: &Node<'_>) -> Result<Option<String>, ScanError> {
    if item.kind() != Kind::Object {
        return Ok(None);
    }
    let mut id = None;
    for member in item.members()? {
        let member = member?;
        if member.key.is_text("type")
            && (member.value.is_text("item_reference") || member.value.kind() == Kind::Null)
        {
            continue;
        }
        if !member.key.is_text("id") || member.value.kind() != Kind::String {
            return Ok(None);
        }
        id = Some(member.value.text()?.into_owned());
    }
    Ok(id)
}

fn array<'a>(items: impl Iterator<Item = &'a [u8]>) -> Bytes {
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

/// Input items as the API shows them: each with its identifier, its type, and its content as parts. Those without an
/// identifier get one of the answer `response_id` that they lead to.
pub fn identified(items: &[Bytes], response_id: &str) -> Vec<Box<RawValue>> {
    let tail = response_id.strip_prefix("resp_").unwrap_or(response_id);
    let item = |(index, item): (usize, &Bytes)| {
        let whole = complete(item, tail, index).unwrap_or_else(|_| item.clone());
        // The request has been read by now, so that no item is malformed.
        serde_json::from_slice::<Box<RawValue>>(&whole).ok()
    };
    items.iter().enumerate().filter_map(item).collect()
}

fn complete(item: &Bytes, tail: &str, index: usize) -> Result<Bytes, ScanError> {
    let object = Node::document(item)?;
    let text = |node: &Node<'_>| node.text().ok().map(std::borrow::Cow::into_owned);
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
        let id = format!("\"{}_{tail}_i{index}\"", prefix(kind.as_deref()));
        set("id", id.as_bytes())?;
    }
    if kind.is_none() {
        set("type", b"\"message\"")?;
    }
    if is_message
        && let Some(content) = object.get("content")?
        && content.kind() == Kind::String
    {
        let is_answer = object.get("role")?.is_some_and(|role| role.is_text("assistant"));
        let (kind, more) = if is_answer {
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
    list::id(item)
}

/// What the identifiers of a kind of items begin with.
fn prefix(kind: Option<&str>) -> &'static str {
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
