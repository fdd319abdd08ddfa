//! Calls of the deprecated `function_call`.

/// Gives identifiers to calls that have none, and finds the call of a result, which names only the function.
///
/// The identifiers are numbered through the history, so that a longer history gives its beginning the same ones: prompt
/// caches depend on that.
#[derive(Default)]
pub struct LegacyCalls {
    count: usize,
    /// Function name and identifier.
    without_result: Vec<(String, String)>,
}

impl LegacyCalls {
    /// The identifier of another call.
    pub fn add(&mut self, name: &str) -> String {
        let id = format!("fn_{}", self.count);
        self.count += 1;
        self.without_result.push((name.to_owned(), id.clone()));
        id
    }

    /// Takes the identifier of the latest call of this function that has no result yet.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let position = self
            .without_result
            .iter()
            .rposition(|(called, _)| called == name)?;
        Some(self.without_result.remove(position).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_belongs_to_the_latest_call_of_its_function_that_has_none() {
        let mut calls = LegacyCalls::default();
        let ids = [calls.add("f"), calls.add("g"), calls.add("f")];
        assert_eq!(ids, ["fn_0", "fn_1", "fn_2"]);
        assert_eq!(calls.take("f").as_deref(), Some("fn_2"));
        assert_eq!(calls.take("f").as_deref(), Some("fn_0"));
        assert_eq!(calls.take("f"), None);
        assert_eq!(calls.add("f"), "fn_3", "an identifier is used once");
    }
}
