//! The things that a task names: files, code, lock resources, and what its labels say it needs.
//!
//! Two tasks that name the same thing are better not worked on at the same time. Found by form alone, in
//! one pass of the text: words that look like paths, code spans of one word, names of locks that the board
//! knows. A word of everyday work such as `git` counts only where it is such a lock.

use std::collections::{BTreeSet, HashMap};

use crate::model::{Record, RecordKey, Task, is_printable};

use super::quote;

/// How much of a description is looked at, and how many things one task can name.
const LONGEST_TEXT: usize = 64 * 1024;
const MOST: usize = 64;
const LONGEST_NAME: usize = 200;

/// A thing that a task names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Named {
    /// A file, a piece of code, or a lock resource.
    Thing(String),
    /// By the label `exclusive:<x>`.
    Exclusive(String),
}

impl Named {
    /// The name as it was written.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Thing(name) => name.clone(),
            Self::Exclusive(name) => format!("exclusive:{name}"),
        }
    }
}

/// The names of all locks that were ever taken, ready to be found in a text.
pub(crate) struct Resources {
    by_words: HashMap<String, String>,
    lengths: BTreeSet<usize>,
}

impl Resources {
    pub(crate) fn of(locks: &[Record]) -> Self {
        let mut resources = Self { by_words: HashMap::new(), lengths: BTreeSet::new() };
        for record in locks {
            let RecordKey::Lock(resource) = &record.key else { continue };
            let words: Vec<String> = words(resource.as_str()).map(str::to_lowercase).collect();
            if (1..=8).contains(&words.len()) {
                resources.lengths.insert(words.len());
                resources.by_words.insert(words.join(" "), resource.to_string());
            }
        }
        resources
    }

    fn collect(&self, text: &str, found: &mut BTreeSet<Named>) {
        if self.by_words.is_empty() {
            return;
        }
        let words: Vec<String> = words(text).map(str::to_lowercase).collect();
        for at in 0..words.len() {
            for length in self.lengths.iter().filter(|length| at + **length <= words.len()) {
                if let Some(resource) = self.by_words.get(&words[at..at + length].join(" ")) {
                    found.insert(Named::Thing(resource.clone()));
                }
            }
        }
    }
}

/// All that `task` names, sorted.
pub(crate) fn named(task: &Task, resources: &Resources) -> BTreeSet<Named> {
    let mut found = BTreeSet::new();
    for label in &task.labels {
        if let Some(name) = label.strip_prefix("exclusive:").filter(|name| !name.is_empty()) {
            found.insert(Named::Exclusive(name.to_owned()));
        } else if let Some(name) = label.strip_prefix("resource:").filter(|name| !name.is_empty()) {
            found.insert(Named::Thing(name.to_owned()));
        }
    }
    for text in [task.title.as_str(), quote::beginning(&task.description, LONGEST_TEXT)] {
        resources.collect(text, &mut found);
        for span in spans(text) {
            found.extend(code(span).map(Named::Thing));
        }
        for word in words(text) {
            found.extend(path(word).map(Named::Thing));
        }
        while found.len() > MOST {
            found.pop_last();
        }
    }
    found
}

/// The words between blanks, without the punctuation and quotes around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let loose = |c: char| {
        matches!(
            c,
            '"' | '\''
                | '`'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '<'
                | '>'
                | ','
                | ';'
                | ':'
                | '!'
                | '?'
                | '*'
                | '…'
        )
    };
    text.split_whitespace()
        .map(move |word| word.trim_matches(loose).trim_end_matches('.').trim_end_matches(loose))
        .filter(|word| !word.is_empty())
}

/// The texts of the code spans outside of fenced blocks.
fn spans(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let mut inside = false;
        for part in line.split('`') {
            if inside && !part.is_empty() {
                found.push(part.trim());
            }
            inside = !inside;
        }
    }
    found
}

/// Tools and words that stand in code spans everywhere: naming one says nothing about what is worked on.
const EVERYDAY: [&str; 30] = [
    "bash",
    "cargo",
    "cat",
    "cd",
    "curl",
    "docker",
    "false",
    "gh",
    "git",
    "go",
    "grep",
    "jq",
    "ls",
    "main",
    "make",
    "master",
    "node",
    "none",
    "npm",
    "npx",
    "null",
    "orchestrator",
    "pip",
    "pnpm",
    "python",
    "rust",
    "sh",
    "sudo",
    "true",
    "yarn",
];

/// A code span of one word.
fn code(span: &str) -> Option<String> {
    let plain = span.len() <= LONGEST_NAME && span.chars().all(|c| is_printable(c) && !c.is_whitespace());
    let everyday = EVERYDAY.binary_search(&span.to_ascii_lowercase().as_str()).is_ok();
    // An option, a number or a sign is no name of anything.
    let name = span.chars().any(char::is_alphabetic) && !span.starts_with('-') && !span.contains("://");
    let long = span.chars().count() >= 3;
    (plain && !everyday && name && long).then(|| path(span).unwrap_or_else(|| span.to_owned()))
}

const ENDINGS: [&str; 50] = [
    "bash", "c", "cc", "cfg", "conf", "cpp", "cs", "css", "csv", "env", "go", "graphql", "h", "hpp", "html",
    "ini", "ipynb", "java", "js", "json", "jsonl", "jsx", "kt", "lock", "lua", "md", "mjs", "php", "proto",
    "ps1", "py", "rb", "rs", "rst", "scala", "scss", "sh", "sql", "svelte", "svg", "swift", "tf", "toml",
    "ts", "tsx", "txt", "vue", "xml", "yaml", "yml",
];

/// Names of things that look like names of files.
const NO_FILES: [&str; 10] = [
    "asp.net",
    "chart.js",
    "d3.js",
    "express.js",
    "next.js",
    "node.js",
    "nuxt.js",
    "react.js",
    "three.js",
    "vue.js",
];

/// A word that looks like a path, in one spelling: no `./` before it, no `/`, `:12` or `#L12` behind it.
fn path(word: &str) -> Option<String> {
    if word.len() > LONGEST_NAME || word.contains("://") || !word.chars().all(is_printable) {
        return None;
    }
    let word = word.split('#').next().unwrap_or(word);
    let mut word = word.strip_prefix("./").unwrap_or(word);
    while let Some((before, digits)) = word.rsplit_once(':') {
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
        word = before;
    }
    let is_folder = word.ends_with('/');
    let word = word.trim_end_matches('/');
    let last = word.rsplit('/').next().unwrap_or(word);
    let has_ending = last.rsplit_once('.').is_some_and(|(stem, ending)| {
        !(stem.is_empty() && last == word)
            && ENDINGS.binary_search(&ending.to_ascii_lowercase().as_str()).is_ok()
    });
    let is_file = has_ending && NO_FILES.binary_search(&word.to_ascii_lowercase().as_str()).is_err()
        || matches!(last, "Makefile" | "Dockerfile" | "Justfile" | ".gitignore" | ".gitattributes");
    let parts = word.split('/').filter(|part| !part.is_empty()).count();
    let roots = ["src/", "tests/", "test/", "docs/", "lib/", "crates/", "packages/", "apps/", "../", "/"];
    // `and/or` and `read/write` are no paths; `src/views` and `a/b/c` are.
    let is_path = parts >= 1
        && word.contains('/')
        && (is_folder || parts >= 3 || parts >= 2 && roots.iter().any(|root| word.starts_with(root)))
        || (is_folder && parts == 1 && word.len() >= 3);
    (is_file || is_path).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{at, lock, task};

    fn names(title: &str, description: &str, locks: &[&str]) -> Vec<String> {
        let locks: Vec<Record> = locks.iter().map(|name| lock(name, "agent-1", at(0))).collect();
        let seen = task("00000001", "revenue", title).says(description).seen();
        named(&seen.task, &Resources::of(&locks)).iter().map(Named::text).collect()
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(EVERYDAY.is_sorted() && ENDINGS.is_sorted() && NO_FILES.is_sorted());
    }

    #[test]
    fn paths_are_found_in_one_spelling() {
        assert_eq!(
            names(
                "Fix ./src/main.rs:12:5, (Cargo.toml).",
                "see src/views/ and README.md#usage or a/b/c",
                &[]
            ),
            ["Cargo.toml", "README.md", "a/b/c", "src/main.rs", "src/views"]
        );
    }

    #[test]
    fn prose_is_no_path() {
        let prose = "Use Node.js and/or read/write TCP/IP, e.g. v1.2 at https://example.com/a/b.rs or I/O. Commit to git.";
        assert_eq!(names(prose, "", &[]), [] as [&str; 0]);
    }

    #[test]
    fn code_spans_of_one_word_count_unless_they_stand_everywhere() {
        assert_eq!(
            names(
                "Rename `Settings::load`",
                "run `cargo test`, `git`, `--all`, `main`, `42`, `x`\n```\n`no`\n```\n`users`",
                &[]
            ),
            ["Settings::load", "users"]
        );
    }

    #[test]
    fn a_word_is_a_resource_where_a_lock_has_its_name() {
        assert_eq!(
            names("Commit with Git", "run the DB migration first", &["git", "db migration"]),
            ["db migration", "git"]
        );
        assert_eq!(names("digital legit", "migration of the db", &["git", "db migration"]), [] as [&str; 0]);
    }

    #[test]
    fn labels_name_things() {
        let seen = task("00000001", "revenue", "t")
            .labels(&["exclusive:db", "resource:git", "resource:", "x"])
            .seen();
        let found = named(&seen.task, &Resources::of(&[]));
        assert_eq!(found.iter().map(Named::text).collect::<Vec<_>>(), ["git", "exclusive:db"]);
    }

    #[test]
    fn hostile_texts_cost_little_and_name_no_control_characters() {
        let many: String = (0..50_000).map(|n| format!("f{n}.rs ")).collect();
        assert_eq!(names("t", &many, &[]).len(), MOST);
        assert_eq!(names("a\u{1b}[2J.rs", "`b\u{202e}c`", &[]), [] as [&str; 0]);
        let long = "é".repeat(LONGEST_TEXT);
        assert_eq!(names("t", &long, &[]), [] as [&str; 0]);
    }
}
