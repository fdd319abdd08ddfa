//! What of a user message is the user's own.

use std::borrow::Cow;

/// Elements in which agents put notes of their own into user messages; content and all.
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

/// Elements that hold what the user typed.
const WRAPPERS: [&str; 4] = ["command-name", "command-args", "bash-input", "user_query"];

/// The text without the notes and the markup that agents put around the user's own words.
pub(super) fn own(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    // Start of what is neither kept nor dropped yet, and where to look for the next tag.
    let (mut start, mut at) = (0, 0);
    let mut notes = NOTES.to_vec();
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find('<')) {
        let open = at + offset;
        let end = match tag(text, open) {
            Some(Tag {
                name,
                inside,
                opens: true,
            }) if notes.contains(&name) => {
                let end = closing(text, inside, name);
                if end.is_none() {
                    // Nor will a later one be closed: not looking again keeps this linear.
                    notes.retain(|note| *note != name);
                }
                end
            }
            Some(Tag { name, inside, .. }) if WRAPPERS.contains(&name) => Some(inside),
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

/// A tag, opening or closing.
struct Tag<'a> {
    name: &'a str,
    opens: bool,
    /// Where the text after it begins.
    inside: usize,
}

/// The tag that begins at a `<`. Names longer than any that is known end the search.
fn tag(text: &str, open: usize) -> Option<Tag<'_>> {
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
    after.starts_with('>').then(|| Tag {
        name,
        opens,
        inside: text.len() - after.len() + 1,
    })
}

/// Where the text after the closing tag begins.
fn closing(text: &str, from: usize, name: &str) -> Option<usize> {
    let closing = format!("</{name}>");
    let at = text.get(from..)?.find(&closing)?;
    Some(from + at + closing.len())
}

/// The text on one line, every run of white space a single space, cut with an ellipsis after so many characters.
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
            assert_eq!(one_line(&own(text), 1_000), expected, "{text}");
        }
    }

    #[test]
    fn unclosed_notes_cost_no_more_than_their_length() {
        let hostile = "<system-reminder>".repeat(200_000);
        assert_eq!(own(&hostile), hostile);
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
            let line = one_line(&own(&text), 10);
            proptest::prop_assert!(line.chars().count() <= 11);
            proptest::prop_assert!(!line.contains('\n'));
        }
    }
}
