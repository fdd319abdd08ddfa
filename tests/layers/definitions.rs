//! What docs/style.md requires of definitions: a type name is defined once in the workspace, and functions take a
//! scope.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::{is_cfg_test, module, skip_item, source_files};

/// The folders whose type names may not repeat each other.
const FOLDERS: [&str; 4] = ["src", "codegen/src", "xtask/src", "benches/src"];

/// Where functions may take `&mut Losses`: a folder of `src/`, and the function's name, where only some of the folder's
/// functions may. All others take a `Scope`, so that a loss is recorded with the path of its field.
const TAKE_LOSSES: [(&str, Option<&str>); 5] = [
    // The scope itself is made from the ledger.
    ("src/canonical", Some("root")),
    // The entry points of a translation, which make the scope of the body.
    ("src/translate", Some("begin")),
    ("src/translate", Some("translate_response")),
    // The callers of a translation own its ledger, and report it afterwards.
    ("src/cli", None),
    ("src/proxy", None),
];

/// Types and functions, each with `file:line`.
#[derive(Default)]
struct Definitions {
    types: Vec<(String, String)>,
    /// Functions that take `&mut Losses`: the name and where it is.
    ledger_users: Vec<(String, String)>,
}

/// Collects the definitions of one file.
struct DefinitionReader<'a> {
    file: &'a str,
    found: &'a mut Definitions,
    /// Modules that are compiled for tests only.
    test_modules: &'a mut BTreeSet<Vec<String>>,
}

/// What the tokens are the body of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyKind {
    /// An `impl` or a trait, whose `type X` are associated types.
    Associated,
    Plain,
}

impl DefinitionReader<'_> {
    fn visit(&mut self, tokens: TokenStream, module: &[String], kind: BodyKind) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut inner_kind = BodyKind::Plain;
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_cfg_test(tokens.get(index + 1)) => {
                    index = skip_item(&tokens, index + 2, module, self.test_modules);
                    continue;
                }
                TokenTree::Ident(word)
                    if (*word == "impl" || *word == "trait") && is_start_of_item(&tokens, index) =>
                {
                    inner_kind = BodyKind::Associated;
                }
                TokenTree::Ident(word) if *word == "fn" => self.read_function(&tokens, index),
                _ => {}
            }
            if let (TokenTree::Ident(word), Some(TokenTree::Ident(name))) = (token, tokens.get(index + 1)) {
                let is_type = ["struct", "enum", "union", "trait"]
                    .iter()
                    .any(|keyword| word == keyword);
                if is_type || (*word == "type" && kind == BodyKind::Plain) {
                    let place = self.place(name.span().start().line);
                    self.found.types.push((name.to_string(), place));
                }
                if *word == "mod"
                    && let Some(TokenTree::Group(body)) = tokens.get(index + 2)
                {
                    let inner = [module, &[name.to_string()]].concat();
                    self.visit(body.stream(), &inner, BodyKind::Plain);
                    index += 3;
                    continue;
                }
            }
            if let TokenTree::Group(group) = token {
                let is_body = group.delimiter() == Delimiter::Brace;
                let group_kind = if is_body { inner_kind } else { BodyKind::Plain };
                self.visit(group.stream(), module, group_kind);
                if is_body {
                    inner_kind = BodyKind::Plain;
                }
            }
            index += 1;
        }
    }

    /// Records the function whose `fn` is at `index` if it takes the ledger.
    fn read_function(&mut self, tokens: &[TokenTree], index: usize) {
        let Some(TokenTree::Ident(name)) = tokens.get(index + 1) else {
            return;
        };
        let parameters = tokens[index..].iter().find_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Some(group),
            _ => None,
        });
        if parameters.is_some_and(takes_losses) {
            let place = self.place(name.span().start().line);
            self.found.ledger_users.push((name.to_string(), place));
        }
    }

    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.file)
    }
}

/// Whether the keyword at `index` begins an item: not `-> impl`, `: impl` or `<impl`.
fn is_start_of_item(tokens: &[TokenTree], index: usize) -> bool {
    match index.checked_sub(1).and_then(|before| tokens.get(before)) {
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
        _ => true,
    }
}

/// Whether one of the parameters is `&mut Losses`, with or without a lifetime and a path.
fn takes_losses(parameters: &Group) -> bool {
    let (mut is_reference, mut is_mutable) = (false, false);
    for token in parameters.stream() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => (is_reference, is_mutable) = (true, false),
            // A lifetime and the colons of a path.
            TokenTree::Punct(punct) if ['\'', ':'].contains(&punct.as_char()) => {}
            TokenTree::Ident(word) if word == "mut" => is_mutable = is_reference,
            TokenTree::Ident(word) if word == "Losses" && is_mutable => return true,
            TokenTree::Ident(_) => {}
            _ => (is_reference, is_mutable) = (false, false),
        }
    }
    false
}

/// The definitions in the files of a folder, without those of tests.
fn definitions(folders: &[&str]) -> Definitions {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Definitions::default();
    for folder in folders {
        let mut files = Vec::new();
        source_files(&root.join(folder), &mut files);
        files.sort();
        let mut test_modules = BTreeSet::new();
        let mut read = Vec::new();
        for file in &files {
            let module = module(file.strip_prefix(root.join(folder)).unwrap());
            let name = file.strip_prefix(root).unwrap().display().to_string();
            let tokens: TokenStream = fs::read_to_string(file).unwrap().parse().unwrap();
            let mut found = Definitions::default();
            let mut reader = DefinitionReader {
                file: &name,
                found: &mut found,
                test_modules: &mut test_modules,
            };
            reader.visit(tokens, &module, BodyKind::Plain);
            read.push((module, found));
        }
        for (module, found) in read {
            if !test_modules.iter().any(|test| module.starts_with(test)) {
                all.types.extend(found.types);
                all.ledger_users.extend(found.ledger_users);
            }
        }
    }
    all
}

/// The names that are defined more than once, each with its places.
fn repeated(types: Vec<(String, String)>) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, place) in types {
        places.entry(name).or_default().push(place);
    }
    places.retain(|_, places| places.len() > 1);
    let described = places
        .iter()
        .map(|(name, places)| format!("`{name}`: {}", places.join(", ")));
    described.collect()
}

#[test]
fn no_type_name_is_defined_twice() {
    let types = definitions(&FOLDERS).types;
    assert!(types.len() > 500, "only {} types were found", types.len());
    let repeated = repeated(types);
    assert!(
        repeated.is_empty(),
        "docs/style.md wants a type name to be defined once; qualify one of each:\n{}",
        repeated.join("\n")
    );
}

#[test]
fn functions_take_a_scope_and_not_the_ledger() {
    let users = definitions(&["src"]).ledger_users;
    let is_exempt = |exempt: &(&str, Option<&str>), (name, place): &(String, String)| {
        Path::new(place).starts_with(exempt.0) && exempt.1.is_none_or(|exempt| exempt == name)
    };
    let wrong: Vec<String> = users
        .iter()
        .filter(|user| !TAKE_LOSSES.iter().any(|exempt| is_exempt(exempt, user)))
        .map(|(name, place)| format!("{place}: `{name}`"))
        .collect();
    assert!(
        wrong.is_empty(),
        "these functions take `&mut Losses` instead of `&mut Scope`:\n{}",
        wrong.join("\n")
    );
    for exempt in &TAKE_LOSSES {
        let is_used = users.iter().any(|user| is_exempt(exempt, user));
        assert!(is_used, "no function needs the exception {exempt:?}");
    }
}

#[test]
fn the_reader_of_definitions_finds_types_and_ledgers() {
    let source = "
        pub(crate) struct A; enum B {} type C = A;
        impl Iterator for A { type Item = B; fn f() -> impl Copy { struct D; type E = A; } }
        pub trait F { type G; }
        macro_rules! m { ($name:ident) => { enum $name {} } }
        fn g<'a>(losses: &'a mut Losses) {} fn h(losses: &Losses, mut own: Losses) {}
        fn i(all: &[u8], losses: &mut crate::canonical::Losses) {}
        mod inner { struct A; }
        #[cfg(test)] mod tests { struct A; }
    ";
    let (mut found, mut test_modules) = (Definitions::default(), BTreeSet::new());
    let mut reader = DefinitionReader {
        file: "a.rs",
        found: &mut found,
        test_modules: &mut test_modules,
    };
    reader.visit(source.parse().unwrap(), &[], BodyKind::Plain);
    let names: Vec<&str> = found.types.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["A", "B", "C", "D", "E", "F", "A"]);
    assert_eq!(repeated(found.types), ["`A`: a.rs:2, a.rs:8"]);
    let users = [("g", "a.rs:6"), ("i", "a.rs:7")].map(|(name, place)| (name.to_owned(), place.to_owned()));
    assert_eq!(found.ledger_users, users);
}
