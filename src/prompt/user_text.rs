//! The user's own words in a message of the user.

use std::borrow::Cow;

/// Elements in which agents add notes to user messages. They are removed with their content.
const NOTES: [&str; 14] = [
    // Claude Code
    "system-reminder",
    "local-command-caveat",
    "local-command-stdout",
    "local-command-stderr",
    "command-message",
    "bash-stdout",
    "bash-stderr",
    "task-notification",
    "ide_opened_file",
    "ide_selection",
    // Codex
    "environment_context",
    "user_instructions",
    "turn_aborted",
    // Cline and its descendants
    "environment_details",
];

/// Elements that contain what the user typed. Only their tags are removed.
const WRAPPERS: [&str; 4] = ["command-name", "command-args", "bash-input", "user_query"];

/// The text without the notes and the markup that agents put around the user's own words.
pub(super) fn strip_agent_notes(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    // The start of the text that is neither kept nor removed yet, and the position from which the next tag is sought.
    let (mut start, mut at) = (0, 0);
    let mut notes = NOTES.to_vec();
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find('<')) {
        let open = at + offset;
        let end = match read_tag(text, open) {
            Some(MarkupTag {
                name,
                inside,
                opens: true,
            }) if notes.contains(&name) => {
                let end = find_end(text, inside, name);
                if end.is_none() {
                    // A later one of this name is not closed either. It is not sought again: otherwise a text of many
                    // opening tags would take quadratic time.
                    notes.retain(|note| *note != name);
                }
                end
            }
            Some(MarkupTag { name, inside, .. }) if WRAPPERS.contains(&name) => Some(inside),
            _ => None,
        };
        if let Some(end) = end {
            kept.push_str(text.get(start..open).unwrap_or_default());
            kept.push(' ');
            start = end;
        }
        at = end.unwrap_or(open + 1);
    }
    if start == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(text.get(start..).unwrap_or_default());
    Cow::Owned(kept)
}

/// An opening or closing tag.
struct MarkupTag<'a> {
    name: &'a str,
    opens: bool,
    /// The position of the text after it.
    inside: usize,
}

/// Reads the tag that begins at a `<`. A name that is longer than all known ones is no tag.
fn read_tag(text: &str, open: usize) -> Option<MarkupTag<'_>> {
    const LONGEST: usize = 32;
    let rest = text.get(open + 1..)?;
    let (opens, rest) = match rest.strip_prefix('/') {
        Some(rest) => (false, rest),
        None => (true, rest),
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let length = rest.bytes().take(LONGEST).take_while(is_name).count();
    let name = rest.get(..length)?;
    let after = rest.get(length..)?;
    after.starts_with('>').then(|| MarkupTag {
        name,
        opens,
        inside: text.len() - after.len() + 1,
    })
}

/// The position of the text after the closing tag.
fn find_end(text: &str, from: usize, name: &str) -> Option<usize> {
    let closing = format!("</{name}>");
    let at = text.get(from..)?.find(&closing)?;
    Some(from + at + closing.len())
}

/// The text on one line, with every run of white space and control characters as a single space. It is cut with an
/// ellipsis after `limit` characters. A line break in the conversation would forge a line of the summary.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let gap = !line.is_empty() && !word.is_empty();
        for c in gap.then_some(' ').into_iter().chain(word.chars()) {
            if length == limit {
                line.truncate(line.trim_end().len());
                line.push('…');
                return line;
            }
            line.push(c);
            length += 1;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_the_agent_are_not_the_users_words() {
        for (text, expected) in [
            (
                "<system-reminder>Today is Monday.</system-reminder>\nFix it",
                "Fix it",
            ),
            (
                "a <system-reminder>x</system-reminder> b <bash-stdout>y</bash-stdout> c",
                "a b c",
            ),
            (
                "<environment_context>\n  <cwd>/tmp</cwd>\n</environment_context>",
                "",
            ),
            (
                "<command-name>/review</command-name> <command-message>r</command-message><command-args>42</command-args>",
                "/review 42",
            ),
            ("<user_query>Rename\nit</user_query>", "Rename it"),
            // What is not such an element, or not closed, is the user's.
            ("if a < b { <div>x</div> }", "if a < b { <div>x</div> }"),
            ("<system-reminder>open", "<system-reminder>open"),
            (
                "</system-reminder> <ide_selection >",
                "</system-reminder> <ide_selection >",
            ),
            (
                "</system-reminder> a <system-reminder>x</system-reminder>",
                "</system-reminder> a",
            ),
            ("<", "<"),
            ("é<system-reminder>é</system-reminder>é", "é é"),
        ] {
            assert_eq!(one_line(&strip_agent_notes(text), 1_000), expected, "{text}");
        }
    }

    #[test]
    fn unclosed_notes_cost_no_more_than_their_length() {
        let hostile = "<system-reminder>".repeat(200_000);
        assert_eq!(strip_agent_notes(&hostile), hostile);
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        assert_eq!(one_line(" ä  ö\n\tü ", 5), "ä ö ü");
        assert_eq!(one_line("äöü", 2), "äö…");
        assert_eq!(one_line("ab cd", 3), "ab…");
        assert_eq!(one_line("ab  ", 2), "ab");
        assert_eq!(one_line("", 2), "");
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_own_words(parts in proptest::collection::vec("<?/?(system-reminder|user_query|é|[ -~]{0,3})>?", 0..12)) {
            let text = parts.concat();
            let line = one_line(&strip_agent_notes(&text), 10);
            proptest::prop_assert!(line.chars().count() <= 11);
            proptest::prop_assert!(!line.contains('\n'));
        }
    }
}
