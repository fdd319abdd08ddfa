//! `${VAR}` in values.

use std::borrow::Cow;

/// Looks up an environment variable; `None` when it is not set.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Replaces each `${VAR}` by the value of the variable. `${VAR:-default}` becomes the default, which ends at the next
/// `}`, if the variable is not set or empty. `$${` becomes the text `${`; any other `$` stays. Variables in the value
/// of a variable are not replaced, because the value may come from an untrusted source.
///
/// # Errors
/// A message for each variable that is not set and each malformed `${`.
pub(super) fn expand<'t>(text: &'t str, environment: &Environment<'_>) -> Result<Cow<'t, str>, Vec<String>> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut expanded = String::with_capacity(text.len());
    let mut problems = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        expanded.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            problems.push("`${` without a closing `}`; for the literal text `${`, write `$${`".to_owned());
            rest = "";
            break;
        };
        match lookup(inside, environment) {
            Ok(value) => expanded.push_str(&value),
            Err(problem) => problems.push(problem),
        }
        rest = after;
    }
    expanded.push_str(rest);
    if problems.is_empty() {
        Ok(Cow::Owned(expanded))
    } else {
        Err(problems)
    }
}

fn lookup(inside: &str, environment: &Environment<'_>) -> Result<String, String> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "`${{{inside}}}` is not a variable: write `${{VAR}}` or `${{VAR:-default}}`; for the literal text `${{`, write `$${{`"
        ));
    }
    match (environment(name), default) {
        (_, Some(default)) if default.contains("${") => Err(format!(
            "the default of `${{{name}}}` cannot contain another variable"
        )),
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(format!(
            "the environment variable {name} is not set: set it, or give a default with `${{{name}:-default}}`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::expand;

    fn environment(name: &str) -> Option<String> {
        match name {
            "A" => Some("alpha".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRICKY" => Some("${A}: # [x]\n".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn replaces_and_leaves_alone() {
        for (text, expected) in [
            ("plain $ $A $$ }", "plain $ $A $$ }"),
            ("${A}", "alpha"),
            ("<${A}-${A}>", "<alpha-alpha>"),
            ("${A:-other}", "alpha"),
            ("${NONE:-other: x}", "other: x"),
            ("${NONE:-}", ""),
            ("${EMPTY}", ""),
            ("${EMPTY:-other}", "other"),
            ("$${A}", "${A}"),
            ("$$${A}", "$${A}"),
            ("${TRICKY}", "${A}: # [x]\n"),
        ] {
            assert_eq!(expand(text, &environment).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn names_every_problem() {
        for (text, count) in [
            ("${NONE}", 1),
            ("${NONE} ${ALSO}", 2),
            ("${A", 1),
            ("${}", 1),
            ("${1A}", 1),
            ("${A-B}", 1),
            ("${NONE:-${A}}", 1),
        ] {
            let problems = expand(text, &environment).unwrap_err();
            assert_eq!(problems.len(), count, "{text}: {problems:?}");
        }
    }
}
