//! Converts the names that a vendor's tools give to types to the names in our schemas.

use std::collections::BTreeMap;

/// Maps each definition to its new name. `strip` is a prefix that the vendor uses for all names of an API generation
/// (`Beta`). It is removed only before an upper-case letter.
///
/// # Errors
/// Two definitions would get the same name. Merging them would lose one.
pub fn shorten<'a>(
    names: impl Iterator<Item = &'a String>,
    strip: &str,
) -> Result<BTreeMap<String, String>, String> {
    let mut renamed = BTreeMap::new();
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for old in names {
        let new = strip_prefix(&from_path(old), strip).to_owned();
        if let Some(other) = taken.insert(new.clone(), old) {
            return Err(format!("both `{other}` and `{old}` would be called `{new}`"));
        }
        renamed.insert(old.clone(), new);
    }
    Ok(renamed)
}

/// Shortens a module path. pydantic writes `openai__types__chat__chat_completion__Choice` to distinguish classes of the
/// same name. The last module and the class are enough: `ChatCompletionChoice`. If the module has the name of its
/// class, the class alone is enough. A class in `shared_params` is the request form of the class in `shared` and gets
/// the suffix `Param`.
fn from_path(name: &str) -> String {
    let segments: Vec<&str> = name.split("__").collect();
    let [.., package, module, class] = segments.as_slice() else {
        return name.to_owned();
    };
    let module: String = module.split('_').map(capitalised).collect();
    let suffix = if *package == "shared_params" && !class.ends_with("Param") {
        "Param"
    } else {
        ""
    };
    if module.eq_ignore_ascii_case(class) {
        format!("{class}{suffix}")
    } else {
        format!("{module}{class}{suffix}")
    }
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + chars.as_str()
    })
}

fn strip_prefix<'a>(name: &'a str, prefix: &str) -> &'a str {
    match name.strip_prefix(prefix) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_uppercase()) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(names: &[&str], strip: &str) -> Result<Vec<String>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let map = shorten(names.iter(), strip)?;
        Ok(names.iter().map(|name| map[name].clone()).collect())
    }

    #[test]
    fn a_path_becomes_module_and_class() {
        let names = [
            "openai__types__chat__chat_completion__Choice",
            "openai__types__chat__chat_completion_chunk__Choice",
            "openai__types__shared__reasoning__Reasoning",
            "openai__types__shared_params__reasoning__Reasoning",
            "openai__types__shared__response_format_json_object__ResponseFormatJSONObject",
            "ChatCompletion",
        ];
        let expected = [
            "ChatCompletionChoice",
            "ChatCompletionChunkChoice",
            "Reasoning",
            "ReasoningParam",
        ]
        .map(str::to_owned);
        let found = short(&names, "").unwrap();
        assert_eq!(found[..4], expected);
        assert_eq!(found[4], "ResponseFormatJSONObject");
        assert_eq!(found[5], "ChatCompletion");
    }

    #[test]
    fn a_prefix_is_stripped_at_a_word_boundary_only() {
        assert_eq!(
            short(&["BetaTextBlock", "Betamax", "Delta"], "Beta").unwrap(),
            ["TextBlock", "Betamax", "Delta"]
        );
    }

    #[test]
    fn two_definitions_of_one_name_are_an_error() {
        let error = short(&["BetaUsage", "Usage"], "Beta").unwrap_err();
        assert_eq!(error, "both `BetaUsage` and `Usage` would be called `Usage`");
    }
}
