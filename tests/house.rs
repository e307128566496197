//! The house: which room may see which, read from the syntax of every file of `src`.
//!
//! What a path names is followed to the file that defines it: through `crate::`, `self::`, `super::`, through the names that
//! a `use` brings in, through re-exports and globs, and inside the arguments of macros. A room is seen by the path that names
//! it, since a room may hand on what it has from below. Code under `#[cfg(test)]` may see every file of its room, and no more
//! of other rooms than the code that it tests.

#![allow(clippy::unwrap_used)] // A test fails by a panic.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// A room and the rooms it may name.
const EDGES: [(&str, &[&str]); 10] = [
    ("model", &[]),
    ("codec", &["model"]),
    ("git", &[]),
    ("ops", &["model"]),
    ("views", &["model"]),
    ("merge", &["model"]),
    ("store", &["model", "codec", "git"]),
    ("engine", &["model", "codec", "git", "ops", "views", "merge", "store"]),
    ("proof", &[]),
    ("cli", &["model", "ops", "views", "engine", "proof"]),
];

/// The files that may read variables of the environment: ours; git's own, with a table of them; and that of the proof, which
/// sees no other room and takes them away from the programs that it starts.
const WINDOWS: [&str; 3] = ["engine/env.rs", "git/environment.rs", "proof/stage.rs"];

/// Rooms, and parts of rooms, in which files still go in circles. Whoever ends one takes it out.
const CIRCLES: [&str; 5] = ["cli/commands/", "codec/predecessor/", "git/", "store/", "views/verify/"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A path in the code: where it begins is decided by its first word.
type Words = Vec<String>;

/// A module, in a file or in braces.
#[derive(Default)]
struct Module {
    file: String,
    is_test: bool,
    /// What is defined here.
    items: BTreeSet<String>,
    /// What a `use` brings in, by its name here.
    names: BTreeMap<String, Words>,
    globs: Vec<Words>,
    /// Modules in files of their own that are only there for tests.
    for_tests: Vec<Words>,
    /// Each path that the code names, with its line; a re-export names nothing that this file needs itself.
    paths: Vec<(Words, usize)>,
}

/// All modules, by their path from the root of the crate.
struct House(BTreeMap<Words, Module>);

impl House {
    fn read(src: &Path) -> Self {
        let mut house = Self(BTreeMap::new());
        for entry in walkdir::WalkDir::new(src).sort_by_file_name() {
            let entry = entry.unwrap();
            if entry.path().extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let file = entry.path().strip_prefix(src).unwrap().to_str().unwrap().to_owned();
            if file.starts_with("bin/") || file == "main.rs" {
                continue;
            }
            let syntax = syn::parse_file(&std::fs::read_to_string(entry.path()).unwrap()).unwrap();
            let mut at: Words = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if at.last().is_some_and(|last| last == "mod" || last == "lib") {
                at.pop();
            }
            Reader { house: &mut house, file, at, is_test: false }.items(&syntax.items);
        }
        let for_tests: Vec<Words> =
            house.0.values().flat_map(|module| module.for_tests.iter().cloned()).collect();
        for (at, module) in &mut house.0 {
            module.is_test |= for_tests.iter().any(|test| at.starts_with(test));
        }
        house
    }

    /// The file that defines what a path names, seen from a module; none for what is not of this crate.
    fn file_of(&self, at: &[String], path: &[String], depth: usize) -> Option<&str> {
        if depth > 12 {
            return None;
        }
        let (mut here, mut rest): (Words, &[String]) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (at.to_vec(), &path[1..]),
            "super" => (at[..at.len().checked_sub(1)?].to_vec(), &path[1..]),
            _ => (at.to_vec(), path),
        };
        while rest.first().is_some_and(|word| word == "super") {
            here.pop()?;
            rest = &rest[1..];
        }
        loop {
            let module = self.0.get(&here)?;
            // A module alone is no use of what is in it.
            let word = rest.first()?;
            let below: Words = here.iter().cloned().chain([word.clone()]).collect();
            if self.0.contains_key(&below) {
                here = below;
                rest = &rest[1..];
                continue;
            }
            if let Some(target) = module.names.get(word) {
                let path: Words = target.iter().chain(&rest[1..]).cloned().collect();
                // A name that is brought in under its own name leads out of here.
                return if path == *rest { None } else { self.file_of(&here, &path, depth + 1) };
            }
            if module.items.contains(word) {
                return Some(&module.file);
            }
            let globs = module.globs.iter();
            return globs
                .filter_map(|glob| {
                    let path: Words = glob.iter().chain(rest).cloned().collect();
                    self.file_of(&here, &path, depth + 1)
                })
                .next();
        }
    }

    /// Who names whom, by file, tests left aside; with the first line that does.
    fn edges(&self) -> BTreeMap<(String, String), usize> {
        let mut edges = BTreeMap::new();
        for (at, module) in self.0.iter().filter(|(_, module)| !module.is_test) {
            for (path, line) in &module.paths {
                if let Some(to) = self.file_of(at, path, 0).filter(|to| **to != module.file) {
                    let line_known = edges.entry((module.file.clone(), to.to_owned())).or_insert(*line);
                    *line_known = (*line).min(*line_known);
                }
            }
        }
        edges
    }
}

struct Reader<'h> {
    house: &'h mut House,
    file: String,
    at: Words,
    is_test: bool,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        let (file, is_test) = (self.file.clone(), self.is_test);
        self.house.0.entry(self.at.clone()).or_insert_with(|| Module { file, is_test, ..Module::default() })
    }

    fn items(&mut self, items: &[syn::Item]) {
        self.module();
        for item in items {
            self.visit_item(item);
        }
    }

    fn uses(&mut self, tree: &syn::UseTree, before: &[String], is_public: bool) {
        let and = |word: &syn::Ident| -> Words { before.iter().cloned().chain([word.to_string()]).collect() };
        match tree {
            syn::UseTree::Path(path) => self.uses(&path.tree, &and(&path.ident), is_public),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.uses(tree, before, is_public));
            }
            syn::UseTree::Glob(_) => self.module().globs.push(before.to_vec()),
            syn::UseTree::Name(syn::UseName { ident }) => self.named(and(ident), ident, is_public),
            syn::UseTree::Rename(syn::UseRename { ident, rename, .. }) => {
                self.named(and(ident), rename, is_public);
            }
        }
    }

    fn named(&mut self, mut path: Words, name: &syn::Ident, is_public: bool) {
        let (mut name, line) = (name.to_string(), name.span().start().line);
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
            name = if name == "self" { path.last().cloned().unwrap_or_default() } else { name };
        }
        let module = self.module();
        if !is_public {
            module.paths.push((path.clone(), line));
        }
        module.names.insert(name, path);
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return attribute.path().is_ident("test") };
        list.path.is_ident("cfg") && list.tokens.clone().into_iter().any(|token| token.to_string() == "test")
    })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        use syn::Item;
        let (name, attributes) = match item {
            Item::Fn(it) => (Some(&it.sig.ident), &it.attrs),
            Item::Struct(it) => (Some(&it.ident), &it.attrs),
            Item::Enum(it) => (Some(&it.ident), &it.attrs),
            Item::Union(it) => (Some(&it.ident), &it.attrs),
            Item::Trait(it) => (Some(&it.ident), &it.attrs),
            Item::Type(it) => (Some(&it.ident), &it.attrs),
            Item::Const(it) => (Some(&it.ident), &it.attrs),
            Item::Static(it) => (Some(&it.ident), &it.attrs),
            Item::Macro(it) => (it.ident.as_ref(), &it.attrs),
            Item::Impl(it) => (None, &it.attrs),
            Item::Use(it) => (None, &it.attrs),
            Item::Mod(it) => (None, &it.attrs),
            _ => return visit::visit_item(self, item),
        };
        if let Some(name) = name {
            self.module().items.insert(name.to_string());
        }
        let was_test = self.is_test;
        self.is_test |= is_for_tests(attributes);
        match item {
            Item::Use(it) => {
                let is_public = !matches!(it.vis, syn::Visibility::Inherited);
                if self.is_test == was_test {
                    self.uses(&it.tree, &[], is_public);
                }
            }
            Item::Mod(it) => {
                if let Some((_, items)) = &it.content {
                    self.at.push(it.ident.to_string());
                    self.items(items);
                    self.at.pop();
                } else if self.is_test {
                    let path = self.at.iter().cloned().chain([it.ident.to_string()]).collect();
                    self.module().for_tests.push(path);
                }
            }
            // What is only there for tests, outside of a module of tests, is left aside.
            _ if self.is_test != was_test => {}
            _ => visit::visit_item(self, item),
        }
        self.is_test = was_test;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Words = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(first) = path.segments.first() {
            let line = first.ident.span().start().line;
            self.module().paths.push((words, line));
        }
        visit::visit_path(self, path);
    }

    /// `pub(super)` names nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

impl Reader<'_> {
    /// The paths in the arguments of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut words: Words = Vec::new();
        let mut colons = 0;
        let mut line = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.found(&mut words, line);
                        line = word.span().start().line;
                    }
                    words.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.found(&mut words, line);
                    colons = 0;
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.found(&mut words, line);
                    colons = 0;
                }
            }
        }
        self.found(&mut words, line);
    }

    fn found(&mut self, words: &mut Words, line: usize) {
        if !words.is_empty() {
            self.module().paths.push((std::mem::take(words), line));
        }
    }
}

fn room(file: &str) -> &str {
    file.split_once('/').map_or("", |(room, _)| room)
}

/// Groups of files that all lead to each other.
fn circles(edges: &BTreeMap<(String, String), usize>) -> Vec<Vec<String>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in edges.keys() {
        next.entry(from).or_default().insert(to);
        next.entry(to).or_default();
    }
    let reach = |from: &str| -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut left: Vec<&str> = next[from].iter().copied().collect();
        while let Some(at) = left.pop() {
            if seen.insert(at) {
                left.extend(&next[at]);
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|file| (*file, reach(file))).collect();
    let mut groups = BTreeSet::new();
    for (file, all) in &reached {
        if all.contains(file) {
            let group: Vec<String> = all
                .iter()
                .filter(|other| reached[*other].contains(file))
                .map(|it| (*it).to_owned())
                .collect();
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

/// All of it, read once.
fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| House::read(&root().join("src")))
}

/// The room that a path names by itself, seen from a module.
fn named_room(at: &[String], path: &[String]) -> Option<String> {
    let supers = path.iter().take_while(|word| *word == "super").count();
    match path.first()?.as_str() {
        "crate" => path.get(1).cloned(),
        "super" if supers >= at.len() => path.get(supers).cloned(),
        _ => None,
    }
}

#[test]
fn no_room_sees_what_it_may_not() {
    let house = house();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (at, module) in &house.0 {
        let here = room(&module.file);
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == here) else { continue };
        for (path, line) in &module.paths {
            let Some(there) = named_room(at, path) else { continue };
            seen += 1;
            let is_room = EDGES.iter().any(|(name, _)| *name == there);
            if is_room && there != here && !allowed.contains(&there.as_str()) {
                wrong.push(format!("src/{}:{line}: {here} may not see {there}", module.file));
            }
        }
    }
    assert!(seen > 1000, "only {seen} paths were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_of_a_room_go_in_circles() {
    let house = house();
    let mut edges = house.edges();
    edges.retain(|(from, to), _| room(from) == room(to) && !room(from).is_empty());
    assert!(edges.len() > 500, "only {} edges were found", edges.len());
    let (mut wrong, mut known) = (Vec::new(), BTreeSet::new());
    for group in circles(&edges) {
        if let Some(part) = CIRCLES.iter().find(|part| group.iter().any(|file| file.starts_with(**part))) {
            known.insert(*part);
            continue;
        }
        wrong.push(format!("a circle: {}", group.join(", ")));
        let inside = edges.iter().filter(|((from, to), _)| group.contains(from) && group.contains(to));
        wrong.extend(inside.map(|((from, to), line)| format!("    src/{from}:{line} names {to}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(known, CIRCLES.into(), "a circle that is gone has to be taken out of the list");
}

#[test]
fn gix_the_clock_and_the_environment_are_each_used_in_one_place() {
    let house = house();
    let mut wrong = Vec::new();
    for module in house.0.values().filter(|module| !module.is_test) {
        for (path, line) in &module.paths {
            let place = || format!("src/{}:{line}: {}", module.file, path.join("::"));
            let ends = |words: [&str; 2]| path.windows(2).any(|two| two == words);
            let is_gix = path.first().is_some_and(|word| word == "gix") && room(&module.file) != "git";
            let is_clock = ends(["Utc", "now"]) || ends(["SystemTime", "now"]);
            let reads = ["var", "var_os", "vars", "vars_os"];
            let is_variable = path.iter().any(|word| word == "env")
                && path.last().is_some_and(|word| reads.contains(&word.as_str()));
            if is_gix
                || is_clock && module.file != "engine/env.rs"
                || is_variable && !WINDOWS.contains(&module.file.as_str())
            {
                wrong.push(place());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_test_file_is_forgotten() {
    let tests = root().join("tests");
    let mut wrong = Vec::new();
    for entry in walkdir::WalkDir::new(&tests) {
        let path = entry.unwrap().into_path();
        let inside = path.strip_prefix(&tests).unwrap();
        let is_source = path.extension().is_some_and(|ending| ending == "rs");
        // What lies at the top is a target of its own, and so are the fuzzers.
        let is_target = inside.components().count() == 1 || inside.starts_with("fuzz");
        if !is_source || is_target || path.ends_with("main.rs") || path.ends_with("mod.rs") {
            continue;
        }
        let (name, directory) = (path.file_stem().unwrap().to_str().unwrap(), path.parent().unwrap());
        let above = [directory.join("main.rs"), directory.join("mod.rs"), directory.with_extension("rs")];
        let names = |file: &PathBuf| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            text.lines().any(|line| line.trim_start_matches("pub ").trim() == format!("mod {name};"))
        };
        if !above.iter().any(names) {
            wrong.push(format!("tests/{}", inside.display()));
        }
    }
    assert!(wrong.is_empty(), "no `mod` names {wrong:?}");
}

#[test]
fn a_long_file_has_a_reason_at_its_head() {
    let mut wrong = Vec::new();
    for entry in walkdir::WalkDir::new(root().join("src")) {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut head = text.lines().take_while(|line| line.starts_with("//!"));
        if text.lines().count() > 500 && !head.any(|line| line.contains("long")) {
            wrong.push(path);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
