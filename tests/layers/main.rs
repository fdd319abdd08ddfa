//! Which part of the program may use which: what docs/architecture.md promises under "Rooms", checked in the source.
//!
//! A room is a module below the crate's root. The test reads the paths in every file of `src/` that begin with `crate`
//! or `super`; test modules are left out, since a test may use whatever it needs. A failure names file and line.

mod definitions;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The rooms that each room may use, besides itself.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("wire", &[]),
    ("canonical", &["wire"]),
    ("capability", &["canonical"]),
    ("prompt", &["canonical", "wire"]),
    ("dialect", &["canonical", "capability", "prompt", "wire"]),
    (
        "translate",
        &["canonical", "capability", "dialect", "prompt", "wire"],
    ),
    ("config", &["canonical"]),
    ("store", &["config"]),
    ("telemetry", &["canonical"]),
    ("demo", &["wire"]),
    (
        "proxy",
        &[
            "canonical",
            "capability",
            "config",
            "dialect",
            "prompt",
            "store",
            "telemetry",
            "translate",
            "wire",
        ],
    ),
    (
        "cli",
        &[
            "canonical",
            "capability",
            "config",
            "demo",
            "dialect",
            "prompt",
            "proxy",
            "telemetry",
            "translate",
            "wire",
        ],
    ),
];

/// The folders of `dialect` that each of them may use, besides itself and the files of `dialect` that belong to none.
const DIALECTS_MAY_USE: [(&str, &[&str]); 6] = [
    ("shared", &[]),
    ("openai", &["shared"]),
    ("claude", &["shared"]),
    ("bedrock", &["claude", "shared"]),
    ("openai_chat", &["openai", "shared"]),
    ("openai_responses", &["openai", "shared"]),
];

/// A path that a file uses, from the crate's root.
#[derive(Debug)]
struct Use {
    file: PathBuf,
    line: usize,
    /// The module that uses it.
    from: Vec<String>,
    to: Vec<String>,
}

impl Use {
    fn describe(&self) -> String {
        format!(
            "{}:{}: `{}` uses `{}`",
            self.file.display(),
            self.line,
            self.from.join("::"),
            self.to.join("::")
        )
    }
}

/// Collects the uses of one file.
struct Collector<'a> {
    file: &'a Path,
    uses: &'a mut Vec<Use>,
    /// Modules that are compiled for tests only.
    test_modules: &'a mut BTreeSet<Vec<String>>,
}

impl Collector<'_> {
    fn visit(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_cfg_test(tokens.get(index + 1)) => {
                    index = skip_item(&tokens, index + 2, module, self.test_modules);
                    continue;
                }
                TokenTree::Ident(word) if *word == "mod" => {
                    if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                        (tokens.get(index + 1), tokens.get(index + 2))
                    {
                        let inner = [module, &[name.to_string()]].concat();
                        self.visit(body.stream(), &inner);
                        index += 3;
                        continue;
                    }
                }
                TokenTree::Ident(word)
                    if (*word == "crate" || *word == "super") && is_path(&tokens, index) =>
                {
                    index = self.path(&tokens, index, module);
                    continue;
                }
                TokenTree::Group(group) => self.visit(group.stream(), module),
                _ => {}
            }
            index += 1;
        }
    }

    /// Reads a path that begins at `index`, with all branches of a `use` tree.
    fn path(&mut self, tokens: &[TokenTree], mut index: usize, module: &[String]) -> usize {
        let line = tokens[index].span().start().line;
        let mut path = match tokens[index].to_string().as_str() {
            "crate" => Vec::new(),
            _ => module[..module.len().saturating_sub(1)].to_vec(),
        };
        index += 1;
        while is_colons(tokens, index) {
            match tokens.get(index + 2) {
                Some(TokenTree::Ident(word)) if *word == "super" => {
                    path.pop();
                }
                Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.branches(group.stream(), &path, module);
                    return index + 3;
                }
                _ => break,
            }
            index += 3;
        }
        self.record(line, module, path);
        index
    }

    fn branches(&mut self, tokens: TokenStream, parent: &[String], module: &[String]) {
        let mut path = parent.to_vec();
        let mut line = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    line = word.span().start().line;
                    if word != "self" {
                        path.push(word.to_string());
                    }
                }
                TokenTree::Group(group) => {
                    self.branches(group.stream(), &path, module);
                    line = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ',' => {
                    if line > 0 {
                        self.record(line, module, std::mem::take(&mut path));
                    }
                    path = parent.to_vec();
                    line = 0;
                }
                _ => {}
            }
        }
        if line > 0 {
            self.record(line, module, path);
        }
    }

    fn record(&mut self, line: usize, module: &[String], to: Vec<String>) {
        self.uses.push(Use {
            file: self.file.to_owned(),
            line,
            from: module.to_vec(),
            to,
        });
    }
}

/// Passes over the item after a `#[cfg(test)]`, which begins at `index`. Adds it to `test_modules` if it is a module.
fn skip_item(
    tokens: &[TokenTree],
    mut index: usize,
    module: &[String],
    test_modules: &mut BTreeSet<Vec<String>>,
) -> usize {
    while let Some(token) = tokens.get(index) {
        match token {
            TokenTree::Ident(word) if *word == "mod" => {
                if let Some(TokenTree::Ident(name)) = tokens.get(index + 1) {
                    test_modules.insert([module, &[name.to_string()]].concat());
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => return index + 1,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return index + 1,
            _ => {}
        }
        index += 1;
    }
    index
}

fn is_cfg_test(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

fn is_colons(tokens: &[TokenTree], index: usize) -> bool {
    let is_colon =
        |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    is_colon(tokens.get(index)) && is_colon(tokens.get(index + 1))
}

/// Whether the word at `index` begins a path; `pub(crate)` does not.
fn is_path(tokens: &[TokenTree], index: usize) -> bool {
    is_colons(tokens, index + 1)
}

/// The module of a file below `src`.
fn module(file: &Path) -> Vec<String> {
    let mut module: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if module.last().is_some_and(|name| name == "mod") {
        module.pop();
    }
    module
}

fn source_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The uses between the modules of the program, without those of tests.
fn uses() -> Vec<Use> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    source_files(&root.join("src"), &mut files);
    files.sort();
    let (mut uses, mut test_modules) = (Vec::new(), BTreeSet::new());
    for file in &files {
        let module = module(file.strip_prefix(root.join("src")).unwrap());
        let tokens: TokenStream = fs::read_to_string(file).unwrap().parse().unwrap();
        let mut collector = Collector {
            file: file.strip_prefix(root).unwrap(),
            uses: &mut uses,
            test_modules: &mut test_modules,
        };
        collector.visit(tokens, &module);
    }
    uses.retain(|used| {
        let is_in = |test: &Vec<String>| used.from.starts_with(test);
        !test_modules.iter().any(is_in)
    });
    uses
}

fn allowed<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table
        .iter()
        .find(|(room, _)| *room == name)
        .map(|(_, allowed)| *allowed)
}

#[test]
fn rooms_use_only_what_the_architecture_allows() {
    let mut wrong = Vec::new();
    for used in uses() {
        // `lib.rs` and `main.rs` put the rooms together.
        let ([from, ..], [to, ..]) = (used.from.as_slice(), used.to.as_slice()) else {
            continue;
        };
        let Some(may_use) = allowed(&MAY_USE, from) else {
            assert!(
                ["lib", "main"].contains(&from.as_str()),
                "the table does not name the room `{from}`"
            );
            continue;
        };
        let is_room = allowed(&MAY_USE, to).is_some();
        if is_room && from != to && !may_use.contains(&to.as_str()) {
            wrong.push(used.describe());
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/architecture.md does not allow:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_dialect_uses_another_one() {
    let mut wrong = Vec::new();
    for used in uses() {
        let ([from_room, from, ..], [to_room, to, ..]) = (used.from.as_slice(), used.to.as_slice()) else {
            continue;
        };
        if from_room != "dialect" || to_room != "dialect" || from == to {
            continue;
        }
        let (Some(may_use), Some(_)) = (allowed(&DIALECTS_MAY_USE, from), allowed(&DIALECTS_MAY_USE, to))
        else {
            continue;
        };
        if !may_use.contains(&to.as_str()) {
            wrong.push(used.describe());
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/architecture.md does not allow:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_rooms_use_each_other() {
    let mut graph: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for used in uses() {
        let ([from, ..], [to, ..]) = (used.from.as_slice(), used.to.as_slice()) else {
            continue;
        };
        let are_rooms = [from, to]
            .into_iter()
            .all(|room| allowed(&MAY_USE, room).is_some());
        if are_rooms && from != to {
            let edges = graph.entry(from.clone()).or_default();
            edges.entry(to.clone()).or_insert_with(|| used.describe());
        }
    }
    for room in graph.keys() {
        let mut way = vec![room.clone()];
        assert!(
            !leads_back(&graph, room, room, &mut way),
            "a cycle: {}\n{}",
            way.join(" -> "),
            way.windows(2)
                .filter_map(|pair| graph.get(&pair[0])?.get(&pair[1]).cloned())
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
}

/// Whether there is a way from one room to another; `way` is left at that way.
fn leads_back(
    graph: &BTreeMap<String, BTreeMap<String, String>>,
    from: &str,
    to: &str,
    way: &mut Vec<String>,
) -> bool {
    for next in graph.get(from).into_iter().flat_map(BTreeMap::keys) {
        if next == to {
            way.push(next.clone());
            return true;
        }
        if way.contains(next) {
            continue;
        }
        way.push(next.clone());
        if leads_back(graph, next, to, way) {
            return true;
        }
        way.pop();
    }
    false
}

#[test]
fn the_reader_of_uses_finds_every_form_of_a_path() {
    let source = "
        use crate::wire::{json::{self, Extra}, sse};
        pub(crate) fn f() -> super::Sibling { crate::proxy::start(); other(self::x); }
        mod inner { use super::super::demo; }
        #[cfg(test)] mod tests { use crate::cli; }
        #[cfg(test)] mod unit;
        macro_rules! m { () => { $crate::config::load() } }
    ";
    let (mut uses, mut test_modules) = (Vec::new(), BTreeSet::new());
    let mut collector = Collector {
        file: Path::new("src/a/b.rs"),
        uses: &mut uses,
        test_modules: &mut test_modules,
    };
    collector.visit(source.parse().unwrap(), &module(Path::new("a/b.rs")));
    let found: Vec<String> = uses
        .iter()
        .map(|used| format!("{} {}", used.line, used.to.join("::")))
        .collect();
    let expected = [
        "2 wire::json",
        "2 wire::json::Extra",
        "2 wire::sse",
        "3 a::Sibling",
        "3 proxy::start",
        "4 a::demo",
        "7 config::load",
    ];
    assert_eq!(found, expected);
    let unit: BTreeSet<Vec<String>> = ["tests", "unit"]
        .map(|name| vec!["a".into(), "b".into(), name.into()])
        .into();
    assert_eq!(test_modules, unit);
}
