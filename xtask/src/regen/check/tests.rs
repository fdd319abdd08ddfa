use super::*;
use crate::regen::{self, RegenOptions, Scratch};
use serde_json::json;
use std::path::PathBuf;

/// A folder of valid specs with one dialect, written by the code that writes the real ones.
struct Specs(Scratch);

impl Specs {
    fn new(test: &str) -> Self {
        let specs = Specs(Scratch::new(&format!("check-{test}")).unwrap());
        std::fs::create_dir(specs.0.0.join("d")).unwrap();
        specs.put_schema(&json!({
            "A": {"type": "object", "properties": {"type": {"const": "a", "type": "string"}}, "required": ["type"]},
            "B": {"type": "object", "properties": {"type": {"const": "b", "type": "string"}}, "required": ["type"]},
            "R": {"type": "object", "properties": {"item": {"$ref": "#/definitions/U"}, "model": {"type": "string"}}},
            "U": {"anyOf": [{"$ref": "#/definitions/A"}, {"$ref": "#/definitions/B"}]},
        }));
        specs.put(
            "d/overlay.json",
            &json!([{"op": "require", "at": "R.model", "reason": "it is"}]).to_string(),
        );
        regen::run(&specs.0.0, &options(|options| options.offline = true)).unwrap();
        specs
    }

    /// Writes a schema as regen does, and records its hash.
    fn put_schema(&self, definitions: &Value) {
        let roots = ["Request", "Response", "Event"]
            .map(|root| (root.to_owned(), "R".to_owned()))
            .into();
        let text =
            prune::canonical_text(&prune::prune(&json!({"definitions": definitions}), &roots, "").unwrap());
        self.put_raw(&text);
    }

    fn put_raw(&self, schema: &str) {
        self.put("d/schema.json", schema);
        let hash = fetch::sha256(schema.as_bytes());
        self.put(
            "sources.toml",
            &format!(
                "[d]\nkind = \"openapi\"\nurl = \"\"\nversion = \"1\"\nsha256 = \"\"\ndate = \"\"\nlicence = \"\"\n\
                 schema_sha256 = \"{hash}\"\n[d.roots]\nRequest = \"R\"\n"
            ),
        );
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.0.join(name)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn get(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The output of `cargo xtask regen --check`.
    fn check(&self) -> Result<(), String> {
        regen::run(&self.0.0, &options(|options| options.check = true))
    }

    fn fails_with(&self, words: &str) {
        let message = self.check().unwrap_err();
        assert!(message.contains(words), "{message}");
    }
}

fn options(set: impl Fn(&mut RegenOptions)) -> RegenOptions {
    let mut options = RegenOptions {
        dialect: None,
        from: None,
        update: false,
        release: None,
        offline: false,
        check: false,
    };
    set(&mut options);
    options
}

#[test]
fn what_regen_made_is_clean() {
    assert_eq!(Specs::new("clean").check(), Ok(()));
}

#[test]
fn a_schema_edited_by_hand_fails() {
    let specs = Specs::new("edited");
    let schema = specs.get("d/schema.json").replace("\"model\"", "\"modell\"");
    specs.put("d/schema.json", &schema);
    specs.fails_with("edited by hand");
}

#[test]
fn a_missing_schema_fails() {
    let specs = Specs::new("missing");
    std::fs::remove_file(specs.path("d/schema.json")).unwrap();
    specs.fails_with("schema.json");
}

#[test]
fn a_schema_that_is_not_canonical_fails_though_its_hash_is_recorded() {
    let specs = Specs::new("order");
    let schema = specs.get("d/schema.json");
    specs.put_raw(&schema.replace(
        "\"type\": \"object\"",
        "\"type\": \"object\",\n      \"title\": \"prose\"",
    ));
    specs.fails_with("not in canonical form");
    specs.put_raw(schema.trim_end());
    specs.fails_with("not in canonical form");
    specs.put_raw(&schema);
    assert_eq!(specs.check(), Ok(()));
}

#[test]
fn a_stale_overlay_operation_fails() {
    let specs = Specs::new("stale");
    specs.put(
        "d/overlay.json",
        &json!([{"op": "drop", "at": "R.gone", "reason": "a header"}]).to_string(),
    );
    specs.fails_with("overlay: operation 1");
}

#[test]
fn a_new_opaque_union_fails_until_the_overlay_lists_it() {
    let specs = Specs::new("opaque");
    specs.put_schema(&json!({
        "A": {"type": "object", "properties": {"x": {"type": "string"}}},
        "B": {"type": "object", "properties": {"y": {"type": "string"}}},
        "R": {"type": "object", "properties": {"item": {"$ref": "#/definitions/U"}, "model": {"type": "string"}}},
        "U": {"anyOf": [{"$ref": "#/definitions/A"}, {"$ref": "#/definitions/B"}]},
    }));
    specs.fails_with("opaque");
    specs.put(
        "d/overlay.json",
        &json!([{"op": "opaque", "at": "U", "reason": "no tag"}]).to_string(),
    );
    regen::run(&specs.0.0, &options(|options| options.offline = true)).unwrap();
    assert_eq!(specs.check(), Ok(()));
}

#[test]
fn a_listing_that_is_not_up_to_date_fails() {
    let specs = Specs::new("listing");
    specs.put(
        "d/overlay.json",
        &json!([{"op": "drop", "at": "R.item", "reason": "not wanted"}]).to_string(),
    );
    specs.fails_with("api.txt: not up to date");
    std::fs::remove_file(specs.path("d/api.txt")).unwrap();
    specs.fails_with("api.txt: not up to date");
    regen::run(&specs.0.0, &options(|options| options.offline = true)).unwrap();
    assert_eq!(specs.check(), Ok(()));
}

#[test]
fn every_problem_of_every_dialect_is_named() {
    let specs = Specs::new("all");
    specs.put(
        "d/schema.json",
        &specs.get("d/schema.json").replace("\"model\"", "\"modell\""),
    );
    specs.put("d/api.txt", "");
    let message = specs.check().unwrap_err();
    assert!(
        message.contains("edited by hand") && message.contains("operation 1"),
        "{message}"
    );
}

#[test]
fn a_dialect_that_extends_another_is_checked_with_both_overlays() {
    let specs = Specs::new("extends");
    let sources = specs.get("sources.toml") + "[e]\nkind = \"extends\"\nextends = \"d\"\n";
    specs.put("sources.toml", &sources);
    specs.fails_with("overlay.json");
    std::fs::create_dir(specs.path("e")).unwrap();
    specs.put(
        "e/overlay.json",
        &json!([{"op": "drop", "at": "R.model", "reason": "in the path"}]).to_string(),
    );
    specs.fails_with("api.txt: not up to date");
    regen::run(&specs.0.0, &options(|options| options.offline = true)).unwrap();
    assert_eq!(specs.check(), Ok(()));
    let (base, extended) = (specs.get("d/api.txt"), specs.get("e/api.txt"));
    assert!(
        base.contains("model") && !extended.contains("model"),
        "{extended}"
    );
    specs.put(
        "sources.toml",
        &sources.replace("extends = \"d\"", "extends = \"e\""),
    );
    specs.fails_with("which has no schema");
}
