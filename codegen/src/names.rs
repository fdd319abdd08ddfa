//! Rust names for the names in a schema.

use std::collections::BTreeSet;

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Converts a name to a type or variant name; never empty, never with a digit at the start.
pub(crate) fn pascal(name: &str) -> String {
    let camel = name.to_upper_camel_case();
    match camel.chars().next() {
        None => "Empty".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("V{camel}"),
        Some(_) if camel == "Self" => "SelfValue".to_owned(),
        Some(_) => camel,
    }
}

/// Converts a name to a function name.
pub(crate) fn snake(name: &str) -> String {
    name.to_snake_case()
}

/// Assigns each name once. The second request for a name gets the name with a number after it.
#[derive(Debug, Default)]
pub(crate) struct UniqueNames {
    used: BTreeSet<String>,
}

impl UniqueNames {
    /// Creates a set in which these names are already assigned.
    pub(crate) fn reserving(names: &[&str]) -> Self {
        Self {
            used: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    pub(crate) fn take(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.used.insert(name.clone()) {
            name = format!("{wanted}{number}");
            number += 1;
        }
        name
    }
}
