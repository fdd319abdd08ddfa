//! Edits of the system text of a request that stays in this dialect, without touching any other byte.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::request;
use crate::canonical::Error;
use crate::dialect::shared::system_edit;
use crate::prompt::SystemEdits;
use crate::wire::splice::{JsonKind, ScanError, SpliceNode, Splices, encode_str};

/// Edits the system text of a body.
///
/// # Errors
/// A body that is not the JSON that it should be.
pub fn edit(body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
    system_edit::edit_in_place(body, edits, request::read, |additions, splices| {
        plan(body, edits, additions, splices)
    })
}

fn plan(
    body: &Bytes,
    edits: &SystemEdits,
    additions: &[String],
    splices: &mut Splices,
) -> Result<(), ScanError> {
    let document = SpliceNode::document(body)?;
    let Some(system) = document
        .get("system")?
        .filter(|system| system.kind() != JsonKind::Null)
    else {
        if !additions.is_empty() {
            splices.set_member(body, "system", write_blocks(additions))?;
        }
        return Ok(());
    };
    match system.kind() {
        JsonKind::String => {
            let text = system.text()?;
            let edited = edits.replace(&text);
            if additions.is_empty() {
                if let Cow::Owned(edited) = edited {
                    splices.replace(system.span(), encode_str(&edited));
                }
                return Ok(());
            }
            // Additions are separate blocks, so that the text before them stays the prefix that caches have.
            let own = Some(edited.into_owned()).filter(|text| !text.trim().is_empty());
            let texts: Vec<String> = own.into_iter().chain(additions.iter().cloned()).collect();
            splices.replace(system.span(), write_blocks(&texts));
        }
        JsonKind::Array => edit_blocks(&system, edits, additions, splices)?,
        JsonKind::Object | JsonKind::Number | JsonKind::Bool | JsonKind::Null => {}
    }
    Ok(())
}

fn edit_blocks(
    system: &SpliceNode<'_>,
    edits: &SystemEdits,
    additions: &[String],
    splices: &mut Splices,
) -> Result<(), ScanError> {
    let mut kept: Vec<String> = Vec::new();
    let mut changes = Vec::new();
    let mut end = None;
    let mut is_blank = false;
    for element in system.elements()? {
        let element = element?;
        end = Some(element.span().end);
        let Some((span, edited)) = edit_text(&element, edits)? else {
            kept.push(String::from_utf8_lossy(element.raw()).into_owned());
            continue;
        };
        if edited.trim().is_empty() {
            is_blank = true;
            continue;
        }
        let (start, text) = (element.span().start, encode_str(&edited));
        let raw = String::from_utf8_lossy(element.raw());
        let around = (raw.get(..span.start - start), raw.get(span.end - start..));
        if let (Some(before), Some(after)) = around {
            kept.push(format!("{before}{text}{after}"));
        }
        changes.push((span, text));
    }
    let added: Vec<String> = additions.iter().map(|text| write_block(text)).collect();
    match end {
        // A block whose text has become blank is removed, since the API refuses blank text. Removing the comma as well
        // is simplest if the whole list is written anew.
        _ if is_blank => {
            kept.extend(added);
            splices.replace(system.span(), format!("[{}]", kept.join(",")));
        }
        None => splices.replace(system.span(), format!("[{}]", added.join(","))),
        Some(end) => {
            for (span, text) in changes {
                splices.replace(span, text);
            }
            if !added.is_empty() {
                splices.insert(end, format!(",{}", added.join(",")));
            }
        }
    }
    Ok(())
}

/// The position of a block's text and the edited text, if an edit changes it.
fn edit_text(
    block: &SpliceNode<'_>,
    edits: &SystemEdits,
) -> Result<Option<(Range<usize>, String)>, ScanError> {
    if block.kind() != JsonKind::Object {
        return Ok(None);
    }
    let Some(text) = block.get("text")?.filter(|text| text.kind() == JsonKind::String) else {
        return Ok(None);
    };
    Ok(match edits.replace(&text.text()?) {
        Cow::Owned(edited) => Some((text.span(), edited)),
        Cow::Borrowed(_) => None,
    })
}

fn write_blocks(texts: &[String]) -> String {
    let blocks: Vec<String> = texts.iter().map(|text| write_block(text)).collect();
    format!("[{}]", blocks.join(","))
}

fn write_block(text: &str) -> String {
    format!(r#"{{"type":"text","text":{}}}"#, encode_str(text))
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
    fn a_string_is_edited_in_place() {
        let body = r#"{ "max_tokens":1.0, "system" : "I am Alpha.\u00e9" ,"x":[1, 2]}"#;
        assert_eq!(
            edited(body, ""),
            r#"{ "max_tokens":1.0, "system" : "I am Omega.é" ,"x":[1, 2]}"#
        );
        let with = r#"{ "max_tokens":1.0, "system" : [{"type":"text","text":"I am Omega.é"},{"type":"text","text":"End."}] ,"x":[1, 2]}"#;
        assert_eq!(edited(body, "End."), with);
    }

    #[test]
    fn untouched_text_keeps_its_bytes() {
        let body = r#"{"system":"\u00e9 stays","messages":[]}"#;
        assert_eq!(edited(body, ""), body);
    }

    #[test]
    fn blocks_keep_their_members() {
        let body = r#"{"system":[{"cache_control":{"type":"ephemeral"},"type":"text","text":"Alpha"}, {"type":"text","text":"b"} ]}"#;
        let with = r#"{"system":[{"cache_control":{"type":"ephemeral"},"type":"text","text":"Omega"}, {"type":"text","text":"b"},{"type":"text","text":"End."} ]}"#;
        assert_eq!(edited(body, "End."), with);
    }

    #[test]
    fn a_block_that_becomes_blank_goes() {
        let edits = SystemEdits {
            replacements: vec![("b".to_owned(), String::new())],
            ..SystemEdits::default()
        };
        let body = Bytes::from_static(
            br#"{"system":[{"type":"text","text":"abc"} ,{"type":"text","text":"b"}],"n":1}"#,
        );
        let parts = edit(&body, &edits).unwrap_or_default();
        let text: String = parts
            .iter()
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect();
        assert_eq!(text, r#"{"system":[{"type":"text","text":"ac"}],"n":1}"#);
    }

    #[test]
    fn a_missing_system_is_added() {
        let with = r#"{"system":[{"type":"text","text":"End."}],"model":"m"}"#;
        assert_eq!(edited(r#"{"model":"m"}"#, "End."), with);
        assert_eq!(edited(r#"{"model":"m"}"#, ""), r#"{"model":"m"}"#);
    }
}
