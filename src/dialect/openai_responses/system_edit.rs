//! Edits the system text of a request that stays in this dialect, and no other byte of it.
//!
//! The system text is `instructions`, and the `system` and `developer` messages at the head of the input.

use std::borrow::Cow;

use bytes::Bytes;

use super::request;
use crate::canonical::Error;
use crate::dialect::openai::system_edit::{edited_text, part_text};
use crate::dialect::shared::system_edit;
use crate::prompt::SystemEdits;
use crate::wire::splice::{JsonKind, ScanError, SpliceNode, Splices, encode_str};

/// The body with its system text edited.
///
/// # Errors
/// A body that is no JSON object.
pub fn edit(body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
    system_edit::edit_in_place(body, edits, request::read, |additions, splices| {
        plan_splices(body, edits, additions, splices)
    })
}

/// Collects the splices of all edits. `additions` are the texts that are added to the system text.
fn plan_splices(
    body: &Bytes,
    edits: &SystemEdits,
    additions: &[String],
    splices: &mut Splices,
) -> Result<(), ScanError> {
    let document = SpliceNode::document(body)?;
    let leading = match document.get("input")? {
        Some(input) if input.kind() == JsonKind::Array => edit_leading(&input, edits, splices)?,
        _ => None,
    };
    // Additions come after all other system text, so that a prompt cache still matches what is before them: as messages
    // if the system text ends with messages, else at the end of `instructions`.
    let Some(LeadingMessages { end, role }) = leading else {
        return edit_instructions(body, &document, edits, additions, splices);
    };
    let messages: String = additions
        .iter()
        .map(|text| {
            let text = encode_str(text);
            format!(r#",{{"type":"message","role":{role},"content":{text}}}"#)
        })
        .collect();
    if !messages.is_empty() {
        splices.insert(end, messages);
    }
    edit_instructions(body, &document, edits, &[], splices)
}

fn edit_instructions(
    body: &Bytes,
    document: &SpliceNode<'_>,
    edits: &SystemEdits,
    additions: &[String],
    splices: &mut Splices,
) -> Result<(), ScanError> {
    let instructions = document.get("instructions")?;
    let Some(instructions) = instructions.filter(|node| node.kind() == JsonKind::String) else {
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

/// The messages of instructions at the head of the input.
struct LeadingMessages {
    /// Byte offset of the end of the last one.
    end: usize,
    /// The role of the last one, as JSON.
    role: String,
}

fn edit_leading(
    input: &SpliceNode<'_>,
    edits: &SystemEdits,
    splices: &mut Splices,
) -> Result<Option<LeadingMessages>, ScanError> {
    let mut leading = None;
    for item in input.elements()? {
        let item = item?;
        if item.kind() != JsonKind::Object {
            break;
        }
        let kind = item.get("type")?;
        // Such an item adds no message: the instructions after it are still at the head, as for `messages::read`.
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
        leading = Some(LeadingMessages {
            end: item.span().end,
            role: String::from_utf8_lossy(role.raw()).into_owned(),
        });
    }
    Ok(leading)
}

/// Edits the content of a message. A text that the edits leave blank is kept, since the API accepts it.
fn edit_content(
    content: &SpliceNode<'_>,
    edits: &SystemEdits,
    splices: &mut Splices,
) -> Result<(), ScanError> {
    match content.kind() {
        JsonKind::String => edit_text(content, edits, splices)?,
        JsonKind::Array => {
            for part in content.elements()? {
                if let Some(text) = part_text(&part?)? {
                    edit_text(&text, edits, splices)?;
                }
            }
        }
        JsonKind::Object | JsonKind::Number | JsonKind::Bool | JsonKind::Null => {}
    }
    Ok(())
}

fn edit_text(text: &SpliceNode<'_>, edits: &SystemEdits, splices: &mut Splices) -> Result<(), ScanError> {
    if let Some(edited) = edited_text(text, edits)? {
        splices.replace(text.span(), encode_str(&edited));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit_to_string(body: &'static str, append: &str) -> String {
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
            edit_to_string(body, ""),
            r#"{ "n":1.0, "instructions" : "I am Omega.é" ,"input":"Alpha"}"#
        );
        assert_eq!(
            edit_to_string(body, "End."),
            r#"{ "n":1.0, "instructions" : "I am Omega.é\n\nEnd." ,"input":"Alpha"}"#
        );
        assert_eq!(
            edit_to_string(r#"{"input":"x"}"#, "End."),
            r#"{"instructions":"End.","input":"x"}"#
        );
        let body = r#"{"instructions":"\u00e9","input":"x"}"#;
        assert_eq!(edit_to_string(body, ""), body);
    }

    #[test]
    fn leading_messages_are_edited_and_later_ones_are_not() {
        let body = r#"{"input":[{"type":"additional_tools","role":"developer","tools":[]},{"role":"developer","content":[{"type":"input_text","text":"Alpha"}]},{"type":"message","role":"system","content":"Alpha"} ,{"role":"user","content":"Alpha"},{"role":"system","content":"Alpha"}]}"#;
        let with = r#"{"input":[{"type":"additional_tools","role":"developer","tools":[]},{"role":"developer","content":[{"type":"input_text","text":"Omega"}]},{"type":"message","role":"system","content":"Omega"},{"type":"message","role":"system","content":"End."} ,{"role":"user","content":"Alpha"},{"role":"system","content":"Alpha"}]}"#;
        assert_eq!(edit_to_string(body, "End."), with);
    }
}
