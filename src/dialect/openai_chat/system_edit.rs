//! Edits of the system text of a request that stays in this dialect, without touching any other byte.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::request;
use crate::canonical::Error;
use crate::dialect::shared::system_edit;
use crate::prompt::SystemEdits;
use crate::wire::splice::{JsonKind as Kind, ScanError, SpliceNode as Node, Splices, encode_str};

/// The body with its leading instructions edited. What is added comes in messages of its own behind them.
///
/// # Errors
/// A body that is not the JSON that it should be.
pub fn edit(body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
    system_edit::in_place(body, edits, request::read, |additions, splices| {
        plan(body, edits, additions, splices)
    })
}

/// What becomes of a value.
enum Change {
    /// It stays as it is.
    None,
    /// Parts of it are replaced.
    Splices(Vec<(Range<usize>, String)>),
    /// It is blank now and goes: APIs refuse blank text.
    Gone,
}

fn plan(
    body: &Bytes,
    edits: &SystemEdits,
    additions: &[String],
    splices: &mut Splices,
) -> Result<(), ScanError> {
    let document = Node::document(body)?;
    let Some(messages) = document
        .get("messages")?
        .filter(|messages| messages.kind() == Kind::Array)
    else {
        return Ok(());
    };
    // Compatible servers know `developer` only where the client uses it.
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
        rewrite(&messages, leading, added.collect(), splices);
        return Ok(());
    };
    let starts: Vec<usize> = leading.iter().map(|(element, _)| element.span().start).collect();
    let ends = starts.iter().skip(1).copied().chain([next]);
    for ((element, change), end) in leading.into_iter().zip(ends) {
        match change {
            Change::None => {}
            Change::Splices(changes) => {
                changes
                    .into_iter()
                    .for_each(|(span, text)| splices.replace(span, text));
            }
            // Its comma goes with it.
            Change::Gone => splices.replace(element.span().start..end, Bytes::new()),
        }
    }
    let added: String = added.map(|message| message + ",").collect();
    if !added.is_empty() {
        splices.insert(next, added);
    }
    Ok(())
}

/// Writes the list anew where it holds nothing but instructions.
fn rewrite(messages: &Node<'_>, leading: Vec<(Node<'_>, Change)>, added: Vec<String>, splices: &mut Splices) {
    if added.is_empty() && leading.iter().all(|(_, change)| matches!(change, Change::None)) {
        return;
    }
    let mut kept = Vec::with_capacity(leading.len() + added.len());
    for (element, change) in leading {
        match change {
            Change::None => kept.push(text_of(&element)),
            Change::Splices(changes) => kept.push(spliced(&element, &changes)),
            Change::Gone => {}
        }
    }
    kept.extend(added);
    splices.replace(messages.span(), format!("[{}]", kept.join(",")));
}

fn text_of(node: &Node<'_>) -> String {
    String::from_utf8_lossy(node.raw()).into_owned()
}

fn spliced(node: &Node<'_>, changes: &[(Range<usize>, String)]) -> String {
    let start = node.span().start;
    let (raw, mut out, mut done) = (node.raw(), Vec::new(), 0);
    for (span, text) in changes {
        out.extend_from_slice(raw.get(done..span.start - start).unwrap_or_default());
        out.extend_from_slice(text.as_bytes());
        done = span.end - start;
    }
    out.extend_from_slice(raw.get(done..).unwrap_or_default());
    String::from_utf8_lossy(&out).into_owned()
}

/// The role of a message that holds instructions.
fn instructions_role(message: &Node<'_>) -> Result<Option<String>, ScanError> {
    if message.kind() != Kind::Object {
        return Ok(None);
    }
    let role = message.get("role")?.filter(|role| role.kind() == Kind::String);
    let role = role.map(|role| role.text()).transpose()?;
    Ok(role
        .filter(|role| role == "system" || role == "developer")
        .map(Cow::into_owned))
}

fn edit_message(message: &Node<'_>, edits: &SystemEdits) -> Result<Change, ScanError> {
    let Some(content) = message.get("content")? else {
        return Ok(Change::None);
    };
    match content.kind() {
        Kind::String => edit_text(&content, edits),
        Kind::Array => edit_parts(&content, edits),
        Kind::Object | Kind::Number | Kind::Bool | Kind::Null => Ok(Change::None),
    }
}

fn edit_text(text: &Node<'_>, edits: &SystemEdits) -> Result<Change, ScanError> {
    Ok(match edits.replace(&text.text()?) {
        Cow::Borrowed(_) => Change::None,
        Cow::Owned(edited) if edited.trim().is_empty() => Change::Gone,
        Cow::Owned(edited) => Change::Splices(vec![(text.span(), encode_str(&edited))]),
    })
}

fn edit_parts(content: &Node<'_>, edits: &SystemEdits) -> Result<Change, ScanError> {
    let mut parts = Vec::new();
    for part in content.elements()? {
        let part = part?;
        let change = match part.kind() {
            Kind::Object => match part.get("text")?.filter(|text| text.kind() == Kind::String) {
                Some(text) => edit_text(&text, edits)?,
                None => Change::None,
            },
            _ => Change::None,
        };
        parts.push((part, change));
    }
    if parts.iter().any(|(_, change)| matches!(change, Change::Gone)) {
        let kept = parts.iter().filter_map(|(part, change)| match change {
            Change::None => Some(text_of(part)),
            Change::Splices(changes) => Some(spliced(part, changes)),
            Change::Gone => None,
        });
        let kept: Vec<String> = kept.collect();
        if kept.is_empty() {
            return Ok(Change::Gone);
        }
        return Ok(Change::Splices(vec![(
            content.span(),
            format!("[{}]", kept.join(",")),
        )]));
    }
    let changes: Vec<_> = parts
        .into_iter()
        .filter_map(|(_, change)| match change {
            Change::Splices(changes) => Some(changes),
            Change::None | Change::Gone => None,
        })
        .flatten()
        .collect();
    Ok(if changes.is_empty() {
        Change::None
    } else {
        Change::Splices(changes)
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
    fn what_becomes_blank_goes() {
        let body = r#"{"messages":[{"role":"system","content":"gone"} , {"role":"developer","content":[{"type":"text","text":"gone"},{"type":"text","text":"b"}]},{"role":"user","content":"x"}]}"#;
        let with = r#"{"messages":[{"role":"developer","content":[{"type":"text","text":"b"}]},{"role":"developer","content":"End."},{"role":"user","content":"x"}]}"#;
        assert_eq!(edited(body, "End."), with);
    }

    #[test]
    fn a_list_without_instructions_or_without_anything_else_is_edited() {
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
