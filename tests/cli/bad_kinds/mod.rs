//! Bad input by its kinds: each kind of wrong text, word, number, stream, file, name and ref, on each surface that
//! takes one.
//!
//! Rows are made, not listed: a kind that is new here is tried everywhere, and a surface that is new meets every kind
//! (where all of them would only cost time: every kind on a few surfaces, and a few kinds on every surface). Whatever
//! the row, the oracles of the table in `bad_input` hold too: no signal, an exit code of the table of exit codes, no
//! control character in what is told, a refusal that changes nothing, and a hint that a shell and this program
//! understand.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::process::{Output, Stdio};

use super::support::Sandbox;

mod things;
mod words;

/// The exit codes that the manual lists; 70 is a bug.
const TABLE: [i32; 7] = [0, 1, 2, 3, 4, 5, 74];

struct Rows {
    sandbox: Sandbox,
    /// The task in progress.
    good: String,
    count: usize,
    /// A hint of each form, to be tried at the end.
    hints: BTreeMap<Vec<String>, Vec<String>>,
}

/// What a call gets besides its words.
#[derive(Default)]
struct With<'a> {
    env: &'a [(&'a str, &'a OsStr)],
    stdin: Option<&'a [u8]>,
}

struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

const NOTHING: With<'static> = With { env: &[], stdin: None };

impl Rows {
    fn new() -> Self {
        let sandbox = Sandbox::board();
        let good = sandbox.add("Good");
        sandbox.run(&["t", "claim", "w", &good, "holder"]).ok();
        sandbox.run(&["kb", "write", "notes", "Good"]).ok();
        Self { sandbox, good, count: 0, hints: BTreeMap::new() }
    }

    /// Refs, index and files, without a process.
    fn state(&self) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let git = self.sandbox.root.join(".git");
        let roots = ["refs", "HEAD", "packed-refs", "index"].map(|name| git.join(name));
        let files =
            walkdir::WalkDir::new(&self.sandbox.root).into_iter().filter_entry(|entry| entry.path() != git);
        let files = roots.into_iter().flat_map(walkdir::WalkDir::new).chain(files).filter_map(Result::ok);
        let mut state: Vec<_> = files
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap()))
            .collect();
        state.sort();
        state
    }

    #[track_caller]
    fn call(&mut self, words: &[impl AsRef<OsStr>], with: &With<'_>) -> Told {
        self.count += 1;
        let mut command = self.sandbox.command(&self.sandbox.root, &[]);
        command.args(words).envs(with.env.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Whoever refuses early closes its end.
        let _read_or_not = stdin.write_all(with.stdin.unwrap_or_default());
        drop(stdin);
        let shown = shown(words, with);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(status.code().is_some_and(|code| TABLE.contains(&code)), "{shown}: {status:?} {err}");
        if let Some(hint) = err.split("\nhint: ").nth(1).and_then(command_in) {
            let is_free = |word: &&String| !word.starts_with('-');
            let form = hint.iter().take(3).filter(is_free).chain(hint.iter().filter(|word| !is_free(word)));
            self.hints.entry(form.cloned().collect()).or_insert(hint);
        }
        Told { code: status.code(), out, err }
    }

    /// A call that is refused with this code, and changes nothing; its words say `why`.
    #[track_caller]
    fn no(&mut self, code: i32, why: &str, words: &[impl AsRef<OsStr>], with: &With<'_>) -> Told {
        let before = self.state();
        let told = self.call(words, with);
        let shown = shown(words, with);
        assert_eq!(told.code, Some(code), "{shown}: {} {}", told.out, told.err);
        assert!(told.err.contains(why), "{shown}: `{why}` is not said: {}", told.err);
        assert!(!told.err.is_empty() || !told.out.is_empty(), "{shown}");
        assert!(told.err.len() < 20_000, "{shown}: {} bytes", told.err.len());
        for text in [&told.out, &told.err] {
            let control = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            assert_eq!(control, None, "{shown}: {text:?}");
        }
        assert!(self.state() == before, "{shown} changed something");
        told
    }

    #[track_caller]
    fn yes(&mut self, words: &[impl AsRef<OsStr>]) -> Told {
        let told = self.call(words, &NOTHING);
        assert_eq!(told.code, Some(0), "{}: {}", shown(words, &NOTHING), told.err);
        told
    }

    /// The good entries still work, git finds nothing wrong, and each form of hint parses. How many rows there were.
    #[track_caller]
    fn end(self) -> usize {
        for (mut words, whole) in self.hints.into_values().map(|hint| (hint.clone(), hint)) {
            let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
            words.insert(end, "--help".to_owned());
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(self.sandbox.run(&words).code, 0, "hint: {whole:?}");
        }
        assert_eq!(self.sandbox.json(&["t", "list", "w", "--status", "in_progress"])[0]["title"], "Good");
        self.sandbox.is_clean();
        self.count
    }
}

fn shown(words: &[impl AsRef<OsStr>], with: &With<'_>) -> String {
    let words: Vec<&OsStr> = words.iter().map(AsRef::as_ref).collect();
    format!("{:?} {words:?}", with.env).chars().take(300).collect()
}

/// The words behind the program's name in a hint, where it is a command of ours, as a shell takes them. Whatever a
/// shell would not take as it stands is a failure.
#[track_caller]
fn command_in(hint: &str) -> Option<Vec<String>> {
    let at = hint.match_indices("orchestrator ").map(|(at, _)| at).find(|at| {
        let before = hint[..*at].chars().next_back();
        before.is_none_or(char::is_whitespace)
    })?;
    let text = hint[at..].trim_end().split("    ").next().unwrap();
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None) => word.get_or_insert_default().extend(chars.next()),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            // What is to be filled in, which may be several words.
            ('<', None) => quote = Some('>'),
            (c, Some(open)) if c == open => {
                quote = None;
                word.get_or_insert_default();
            }
            ('$' | '`' | '\\', Some('"'))
            | ('$' | '`' | ';' | '&' | '|' | '*' | '~' | '#' | '!' | '\n', None) => {
                panic!("`{c}` in hint: {hint}")
            }
            (' ', None) => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "hint: {hint}");
    words.extend(word);
    words.remove(0);
    Some(words)
}

/// Every kind on the first surfaces, and a few kinds on every surface.
fn crossed<'a, K, S>(
    kinds: &'a [K],
    few: usize,
    surfaces: &'a [S],
    first: usize,
) -> impl Iterator<Item = (&'a K, &'a S)> {
    let all = kinds
        .iter()
        .enumerate()
        .flat_map(|kind| surfaces.iter().enumerate().map(move |surface| (kind, surface)));
    all.filter(move |((kind, _), (surface, _))| *kind < few || *surface < first)
        .map(|((_, kind), (_, surface))| (kind, surface))
}

/// A line in which `?` stands for `word`.
fn line(line: &str, word: impl AsRef<OsStr>) -> Vec<OsString> {
    let filled = |part: &str| match part.split_once('?') {
        Some((before, after)) => [OsStr::new(before), word.as_ref(), OsStr::new(after)].into_iter().collect(),
        None => OsString::from(part),
    };
    line.split(' ').map(filled).collect()
}
