//! Rust names for what a schema names.

use std::collections::BTreeSet;

use heck::{ToSnakeCase, ToUpperCamelCase};

/// A type or variant name; never empty, never starting with a digit.
pub(crate) fn pascal(name: &str) -> String {
    let camel = name.to_upper_camel_case();
    match camel.chars().next() {
        None => "Empty".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("V{camel}"),
        Some(_) if camel == "Self" => "SelfValue".to_owned(),
        Some(_) => camel,
    }
}

/// A function name.
pub(crate) fn snake(name: &str) -> String {
    name.to_snake_case()
}

/// Hands out each name once: a second taker gets a number after it.
#[derive(Debug, Default)]
pub(crate) struct Names {
    used: BTreeSet<String>,
}

impl Names {
    /// Starts with names that nobody may take.
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
