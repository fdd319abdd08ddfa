//! What both dialects have in common in editing the system text of a body in place.

use std::borrow::Cow;

use crate::prompt::SystemEdits;
use crate::wire::splice::{JsonKind, ScanError, SpliceNode};

/// The text of a content part; `None` for a part without text.
///
/// # Errors
/// A body that is not JSON.
pub fn part_text<'a>(part: &SpliceNode<'a>) -> Result<Option<SpliceNode<'a>>, ScanError> {
    if part.kind() != JsonKind::Object {
        return Ok(None);
    }
    Ok(part.get("text")?.filter(|text| text.kind() == JsonKind::String))
}

/// A string with the edits made; `None` if they change nothing, so that the string keeps its spelling.
///
/// # Errors
/// A string that is not JSON.
pub fn edited_text(text: &SpliceNode<'_>, edits: &SystemEdits) -> Result<Option<String>, ScanError> {
    Ok(match edits.replace(&text.text()?) {
        Cow::Owned(edited) => Some(edited),
        Cow::Borrowed(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(part: &str) -> Option<String> {
        let document = format!(r#"{{"part":{part}}}"#);
        let document = SpliceNode::document(document.as_bytes()).ok()?;
        let text = part_text(&document.get("part").ok()??).ok()??;
        text.text().ok().map(Cow::into_owned)
    }

    #[test]
    fn only_a_string_is_the_text_of_a_part() {
        assert_eq!(text_of(r#"{"type":"text","text":"a"}"#).as_deref(), Some("a"));
        for part in [r#""a""#, r#"{"text":7}"#, r#"{"type":"image"}"#, "null"] {
            assert_eq!(text_of(part), None, "{part}");
        }
    }

    #[test]
    fn a_text_that_no_edit_changes_keeps_its_spelling() {
        let edits = SystemEdits {
            replacements: vec![("Alpha".to_owned(), "Omega".to_owned())],
            ..SystemEdits::default()
        };
        let edit = |document: &'static str| {
            let document = SpliceNode::document(document.as_bytes()).ok()?;
            edited_text(&document.get("text").ok()??, &edits).ok()?
        };
        assert_eq!(edit(r#"{"text":"\u00e9"}"#), None);
        assert_eq!(edit(r#"{"text":"\u00e9 Alpha"}"#).as_deref(), Some("é Omega"));
    }
}
