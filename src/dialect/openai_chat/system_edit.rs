//! Edits of the system text of a request that stays in this dialect, without touching any other byte.
//!
//! The system text is the leading run of `system` and `developer` messages.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::request;
use crate::canonical::Error;
use crate::dialect::openai::system_edit::{edited_text, part_text};
use crate::dialect::shared::system_edit;
use crate::prompt::SystemEdits;
use crate::wire::splice::{JsonKind, ScanError, SpliceNode, Splices, encode_str};

/// The body with its leading instructions edited. Additions become messages of their own after them.
///
/// # Errors
/// A body that is not JSON, or nothing that the edits can be applied to.
pub fn edit(body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
    system_edit::edit_in_place(body, edits, request::read, |additions, splices| {
        plan(body, edits, additions, splices)
    })
}

/// How the edits change a message or a part of one.
enum InstructionEdit {
    /// Not at all.
    None,
    /// Parts of it are replaced.
    Splices(Vec<(Range<usize>, String)>),
    /// It is blank now and has to go, because APIs refuse blank text.
    Remove,
}

/// Finds the splices. `additions` are the texts to add.
fn plan(
    body: &Bytes,
    edits: &SystemEdits,
    additions: &[String],
    splices: &mut Splices,
) -> Result<(), ScanError> {
    let document = SpliceNode::document(body)?;
    let Some(messages) = document
        .get("messages")?
        .filter(|messages| messages.kind() == JsonKind::Array)
    else {
        return Ok(());
    };
    // An addition has the role of the message before it: compatible servers know `developer` only if the client uses
    // it.
    let mut role = "system".to_owned();
    let mut leading = Vec::new();
    let mut next = None;
    for element in messages.elements()? {
        let element = element?;
        match instructions_role(&element)? {
            Some(found) => {
                role = found;
                leading.push((element, edit_message(&element, edits)?));
            }
            None => {
                next = Some(element.span().start);
                break;
            }
        }
    }
    let added = additions.iter().map(|text| {
        format!(
            r#"{{"role":{},"content":{}}}"#,
            encode_str(&role),
            encode_str(text)
        )
    });
    let Some(next) = next else {
        rewrite_list(&messages, leading, added.collect(), splices);
        return Ok(());
    };
    let starts: Vec<usize> = leading.iter().map(|(element, _)| element.span().start).collect();
    let ends = starts.iter().skip(1).copied().chain([next]);
    for ((element, edit), end) in leading.into_iter().zip(ends) {
        match edit {
            InstructionEdit::None => {}
            InstructionEdit::Splices(changes) => {
                changes
                    .into_iter()
                    .for_each(|(span, text)| splices.replace(span, text));
            }
            // Up to the next message, so that the comma between them goes as well.
            InstructionEdit::Remove => splices.replace(element.span().start..end, Bytes::new()),
        }
    }
    let added: String = added.map(|message| message + ",").collect();
    if !added.is_empty() {
        splices.insert(next, added);
    }
    Ok(())
}

/// Replaces the list if it contains nothing but instructions. There is no message after them to insert before, and
/// without one the commas depend on which messages remain.
fn rewrite_list(
    messages: &SpliceNode<'_>,
    leading: Vec<(SpliceNode<'_>, InstructionEdit)>,
    added: Vec<String>,
    splices: &mut Splices,
) {
    if added.is_empty()
        && leading
            .iter()
            .all(|(_, edit)| matches!(edit, InstructionEdit::None))
    {
        return;
    }
    let kept = leading
        .iter()
        .filter_map(|(element, edit)| edited_json(element, edit));
    let list: Vec<String> = kept.chain(added).collect();
    splices.replace(messages.span(), format!("[{}]", list.join(",")));
}

/// The JSON of a value with its edit made; `None` if it has to go.
fn edited_json(node: &SpliceNode<'_>, edit: &InstructionEdit) -> Option<String> {
    let changes = match edit {
        InstructionEdit::None => &[][..],
        InstructionEdit::Splices(changes) => changes,
        InstructionEdit::Remove => return None,
    };
    let start = node.span().start;
    let (raw, mut out, mut copied) = (node.raw(), Vec::new(), 0);
    for (span, text) in changes {
        out.extend_from_slice(raw.get(copied..span.start - start).unwrap_or_default());
        out.extend_from_slice(text.as_bytes());
        copied = span.end - start;
    }
    out.extend_from_slice(raw.get(copied..).unwrap_or_default());
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The role of a message if it is one of instructions.
fn instructions_role(message: &SpliceNode<'_>) -> Result<Option<String>, ScanError> {
    if message.kind() != JsonKind::Object {
        return Ok(None);
    }
    let role = message
        .get("role")?
        .filter(|role| role.kind() == JsonKind::String);
    let role = role.map(|role| role.text()).transpose()?;
    Ok(role
        .filter(|role| role == "system" || role == "developer")
        .map(Cow::into_owned))
}

fn edit_message(message: &SpliceNode<'_>, edits: &SystemEdits) -> Result<InstructionEdit, ScanError> {
    let Some(content) = message.get("content")? else {
        return Ok(InstructionEdit::None);
    };
    match content.kind() {
        JsonKind::String => edit_text(&content, edits),
        JsonKind::Array => edit_parts(&content, edits),
        JsonKind::Object | JsonKind::Number | JsonKind::Bool | JsonKind::Null => Ok(InstructionEdit::None),
    }
}

fn edit_text(text: &SpliceNode<'_>, edits: &SystemEdits) -> Result<InstructionEdit, ScanError> {
    Ok(match edited_text(text, edits)? {
        None => InstructionEdit::None,
        Some(edited) if edited.trim().is_empty() => InstructionEdit::Remove,
        Some(edited) => InstructionEdit::Splices(vec![(text.span(), encode_str(&edited))]),
    })
}

fn edit_parts(content: &SpliceNode<'_>, edits: &SystemEdits) -> Result<InstructionEdit, ScanError> {
    let mut parts = Vec::new();
    for part in content.elements()? {
        let part = part?;
        let edit = match part_text(&part)? {
            Some(text) => edit_text(&text, edits)?,
            None => InstructionEdit::None,
        };
        parts.push((part, edit));
    }
    let removes = |(_, edit): &(SpliceNode<'_>, InstructionEdit)| matches!(edit, InstructionEdit::Remove);
    if parts.iter().any(removes) {
        let kept: Vec<String> = parts
            .iter()
            .filter_map(|(part, edit)| edited_json(part, edit))
            .collect();
        if kept.is_empty() {
            return Ok(InstructionEdit::Remove);
        }
        let list = format!("[{}]", kept.join(","));
        return Ok(InstructionEdit::Splices(vec![(content.span(), list)]));
    }
    let changes: Vec<_> = parts
        .into_iter()
        .filter_map(|(_, edit)| match edit {
            InstructionEdit::Splices(changes) => Some(changes),
            InstructionEdit::None | InstructionEdit::Remove => None,
        })
        .flatten()
        .collect();
    Ok(if changes.is_empty() {
        InstructionEdit::None
    } else {
        InstructionEdit::Splices(changes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(body: &'static str, append: &str) -> String {
        let edits = SystemEdits {
            replacements: vec![
                ("Alpha".to_owned(), "Omega".to_owned()),
                ("gone".to_owned(), String::new()),
            ],
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
    fn leading_messages_are_edited_and_nothing_else() {
        let body = r#"{ "n":1.0,"messages" : [{"role":"developer", "content":"I am Alpha"} ,{"content":[{"type":"text","text":"Alpha","x":1},{"type":"text","text":"b\u00e9"}],"role":"system"}, {"role":"user","content":"Alpha"},{"role":"system","content":"Alpha"}]}"#;
        let with = r#"{ "n":1.0,"messages" : [{"role":"developer", "content":"I am Omega"} ,{"content":[{"type":"text","text":"Omega","x":1},{"type":"text","text":"b\u00e9"}],"role":"system"}, {"role":"system","content":"End."},{"role":"user","content":"Alpha"},{"role":"system","content":"Alpha"}]}"#;
        assert_eq!(edited(body, "End."), with);
        let without = with.replace(r#"{"role":"system","content":"End."},"#, "");
        assert_eq!(edited(body, ""), without);
    }

    #[test]
    fn a_message_or_a_part_that_becomes_blank_is_removed() {
        let body = r#"{"messages":[{"role":"system","content":"gone"} , {"role":"developer","content":[{"type":"text","text":"gone"},{"type":"text","text":"b"}]},{"role":"user","content":"x"}]}"#;
        let with = r#"{"messages":[{"role":"developer","content":[{"type":"text","text":"b"}]},{"role":"developer","content":"End."},{"role":"user","content":"x"}]}"#;
        assert_eq!(edited(body, "End."), with);
    }

    #[test]
    fn a_list_of_instructions_alone_or_of_none_is_edited() {
        let user = r#"{"messages":[ {"role":"user","content":"x"}]}"#;
        assert_eq!(
            edited(user, "End."),
            r#"{"messages":[ {"role":"system","content":"End."},{"role":"user","content":"x"}]}"#
        );
        assert_eq!(edited(user, ""), user);
        let system = r#"{"messages":[ {"role":"system","content":"Alpha"} ]}"#;
        assert_eq!(
            edited(system, "End."),
            r#"{"messages":[{"role":"system","content":"Omega"},{"role":"system","content":"End."}]}"#
        );
        let untouched = r#"{"messages":[ {"role":"system","content":"b"} ]}"#;
        assert_eq!(edited(untouched, ""), untouched);
    }
}
