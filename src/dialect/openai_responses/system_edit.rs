//! Edits of the system text of a request that stays in this dialect, without touching any other byte.
//!
//! The system text is `instructions` and the run of `system` and `developer` messages that the input begins with.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::request;
use crate::canonical::Error;
use crate::dialect::shared::system_edit;
use crate::prompt::SystemEdits;
use crate::wire::splice::{JsonKind as Kind, ScanError, SpliceNode as Node, Splices, encode_str};

/// The body with its system text edited.
///
/// # Errors
/// A body that is not the JSON that it should be.
pub fn edit(body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
    system_edit::in_place(body, edits, request::read, |additions, splices| {
        plan(body, edits, additions, splices)
    })
}

fn plan(
    body: &Bytes,
    edits: &SystemEdits,
    additions: &[String],
    splices: &mut Splices,
) -> Result<(), ScanError> {
    let document = Node::document(body)?;
    let leading = match document.get("input")? {
        Some(input) if input.kind() == Kind::Array => edit_leading(&input, edits, splices)?,
        _ => None,
    };
    // What is added comes after the text before it, which so stays what caches know: as messages of their own where
    // there are messages, else at the end of `instructions`.
    let (appended, messages) = match &leading {
        Some(_) => (&[][..], additions),
        None => (additions, &[][..]),
    };
    if let Some(Leading { end, role }) = leading {
        let added: String = messages
            .iter()
            .map(|text| {
                let text = encode_str(text);
                format!(r#",{{"type":"message","role":{role},"content":{text}}}"#)
            })
            .collect();
        if !added.is_empty() {
            splices.insert(end, added);
        }
    }
    edit_instructions(body, &document, edits, appended, splices)
}

fn edit_instructions(
    body: &Bytes,
    document: &Node<'_>,
    edits: &SystemEdits,
    additions: &[String],
    splices: &mut Splices,
) -> Result<(), ScanError> {
    let instructions = document.get("instructions")?;
    let Some(instructions) = instructions.filter(|node| node.kind() == Kind::String) else {
        if !additions.is_empty() {
            splices.set_member(body, "instructions", encode_str(&additions.join("\n\n")))?;
        }
        return Ok(());
    };
    let text = instructions.text()?;
    let edited = edits.replace(&text);
    if additions.is_empty() && matches!(edited, Cow::Borrowed(_)) {
        return Ok(());
    }
    let own = Some(edited.into_owned()).filter(|text| !text.trim().is_empty());
    let texts: Vec<String> = own.into_iter().chain(additions.iter().cloned()).collect();
    splices.replace(instructions.span(), encode_str(&texts.join("\n\n")));
    Ok(())
}

/// The end of the leading run of instructions.
struct Leading {
    /// Where its last message ends.
    end: usize,
    /// That message's role, as JSON.
    role: String,
}

fn edit_leading(
    input: &Node<'_>,
    edits: &SystemEdits,
    splices: &mut Splices,
) -> Result<Option<Leading>, ScanError> {
    let mut leading = None;
    for item in input.elements()? {
        let item = item?;
        if item.kind() != Kind::Object {
            break;
        }
        let kind = item.get("type")?;
        if kind.as_ref().is_some_and(|kind| kind.is_text("additional_tools")) {
            continue;
        }
        let is_message = kind.is_none_or(|kind| kind.is_text("message"));
        let role = item.get("role")?;
        let role = role.filter(|role| role.is_text("system") || role.is_text("developer"));
        let Some(role) = role.filter(|_| is_message) else {
            break;
        };
        if let Some(content) = item.get("content")? {
            edit_content(&content, edits, splices)?;
        }
        leading = Some(Leading {
            end: item.span().end,
            role: String::from_utf8_lossy(role.raw()).into_owned(),
        });
    }
    Ok(leading)
}

/// A text that is blank now stays as it is blank: the API takes it.
fn edit_content(content: &Node<'_>, edits: &SystemEdits, splices: &mut Splices) -> Result<(), ScanError> {
    match content.kind() {
        Kind::String => splice(edited(content, edits)?, splices),
        Kind::Array => {
            for part in content.elements()? {
                let part = part?;
                if part.kind() != Kind::Object {
                    continue;
                }
                let text = part.get("text")?.filter(|text| text.kind() == Kind::String);
                if let Some(text) = text {
                    splice(edited(&text, edits)?, splices);
                }
            }
        }
        Kind::Object | Kind::Number | Kind::Bool | Kind::Null => {}
    }
    Ok(())
}

fn edited(text: &Node<'_>, edits: &SystemEdits) -> Result<Option<(Range<usize>, String)>, ScanError> {
    Ok(match edits.replace(&text.text()?) {
        Cow::Owned(edited) => Some((text.span(), encode_str(&edited))),
        Cow::Borrowed(_) => None,
    })
}

fn splice(change: Option<(Range<usize>, String)>, splices: &mut Splices) {
    if let Some((span, text)) = change {
        splices.replace(span, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(body: &'static str, append: &str) -> String {
        let edits = SystemEdits {
            replacements: vec![("Alpha".to_owned(), "Omega".to_owned())],
            append: append.to_owned(),
            inject_progress: false,
        };
        let parts = edit(&Bytes::from_static(body.as_bytes()), &edits).unwrap_or_default();
        parts
            .iter()
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect()
    }

    #[test]
    fn instructions_are_edited_in_place() {
        let body = r#"{ "n":1.0, "instructions" : "I am Alpha.\u00e9" ,"input":"Alpha"}"#;
        assert_eq!(
            edited(body, ""),
            r#"{ "n":1.0, "instructions" : "I am Omega.é" ,"input":"Alpha"}"#
        );
        assert_eq!(
            edited(body, "End."),
            r#"{ "n":1.0, "instructions" : "I am Omega.é\n\nEnd." ,"input":"Alpha"}"#
        );
        assert_eq!(
            edited(r#"{"input":"x"}"#, "End."),
            r#"{"instructions":"End.","input":"x"}"#
        );
        let body = r#"{"instructions":"\u00e9","input":"x"}"#;
        assert_eq!(edited(body, ""), body);
    }

    #[test]
    fn leading_messages_are_edited_and_later_ones_are_not() {
        let body = r#"{"input":[{"type":"additional_tools","role":"developer","tools":[]},{"role":"developer","content":[{"type":"input_text","text":"Alpha"}]},{"type":"message","role":"system","content":"Alpha"} ,{"role":"user","content":"Alpha"},{"role":"system","content":"Alpha"}]}"#;
        let with = r#"{"input":[{"type":"additional_tools","role":"developer","tools":[]},{"role":"developer","content":[{"type":"input_text","text":"Omega"}]},{"type":"message","role":"system","content":"Omega"},{"type":"message","role":"system","content":"End."} ,{"role":"user","content":"Alpha"},{"role":"system","content":"Alpha"}]}"#;
        assert_eq!(edited(body, "End."), with);
    }
}
