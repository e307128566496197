//! Attributes that make git rewrite the bytes of a file between the worktree and what it stores, as git itself tells.
//!
//! Asked only where something is wrong already: for `doctor`, and where a file differs from what is stored.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Oid;
use super::repo::Repo;

/// The attributes that rewrite.
const REWRITING: [&str; 6] = ["text", "crlf", "eol", "ident", "filter", "working-tree-encoding"];

/// An attribute that makes git rewrite a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rewriting {
    /// The file, from the worktree's root.
    pub(crate) path: String,
    /// The attribute, with its value: `eol=crlf`.
    pub(crate) attribute: String,
    /// Where it is set, as far as that can be told: a file and its line.
    pub(crate) source: Option<(PathBuf, usize)>,
}

fn git(git_dir: &Path, root: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(root).env("GIT_DIR", git_dir).env("GIT_WORK_TREE", root).env_remove("GIT_INDEX_FILE");
    command.stderr(Stdio::null());
    command
}

impl Repo {
    /// What makes git rewrite these files of the worktree, the first reason for each. Nothing where git can't be asked.
    pub(crate) fn rewriting(&self, paths: &[String]) -> Vec<Rewriting> {
        self.work_dir()
            .map_or_else(Vec::new, |root| rewriting(self.git_dir(), self.common_dir(), &root, paths))
    }
}

fn rewriting(git_dir: &Path, common_dir: &Path, root: &Path, paths: &[String]) -> Vec<Rewriting> {
    let told = git(git_dir, root).args(["check-attr", "-z"]).args(REWRITING).arg("--").args(paths).output();
    let Ok(told) = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned()) else {
        return Vec::new();
    };
    let fields: Vec<&str> = told.split('\0').collect();
    let mut found: Vec<Rewriting> = Vec::new();
    for path in paths {
        let of_path: Vec<(&str, &str)> = fields
            .chunks_exact(3)
            .filter(|triple| triple[0] == path)
            .map(|triple| (triple[1], triple[2]))
            .collect();
        let is_binary = of_path.iter().any(|(name, value)| *name == "text" && *value == "unset");
        let rewrites = |(name, value): &&(&str, &str)| match *name {
            // What is no text has no line endings.
            "eol" | "crlf" if is_binary => false,
            "eol" | "working-tree-encoding" => !matches!(*value, "unset" | "unspecified" | "set"),
            _ => !matches!(*value, "unset" | "unspecified"),
        };
        if let Some((name, value)) = of_path.iter().find(rewrites) {
            let attribute = if *value == "set" { (*name).to_owned() } else { format!("{name}={value}") };
            let source = source(common_dir, root, path, name);
            found.push(Rewriting { path: path.clone(), attribute, source });
        }
    }
    found
}

/// The last line that speaks of an attribute, in the file that counts most.
fn source(common_dir: &Path, root: &Path, path: &str, name: &str) -> Option<(PathBuf, usize)> {
    let mut files = vec![common_dir.join("info/attributes")];
    let above = Path::new(path).ancestors().skip(1);
    files.extend(above.map(|directory| root.join(directory).join(".gitattributes")));
    let configured =
        Command::new("git").args(["config", "--type=path", "core.attributesFile"]).current_dir(root).output();
    if let Ok(told) = configured {
        files.push(PathBuf::from(String::from_utf8_lossy(&told.stdout).trim_end()));
    }
    files.into_iter().find_map(|file| {
        let text = super::small::read_text(&file).ok()?;
        let speaks = |line: &str| {
            let mut words = line.split_whitespace().skip(1);
            !line.starts_with('#')
                && words.any(|word| word.trim_start_matches(['-', '!']).split('=').next() == Some(name))
        };
        let at = text.lines().enumerate().filter(|(_, line)| speaks(line)).last()?.0;
        Some((file, at + 1))
    })
}

/// Why the bytes of a file are others than those that are stored, where it is git that rewrites them and not somebody
/// who edited the file; none otherwise.
pub(crate) fn why_rewritten(
    git_dir: &Path,
    root: &Path,
    path: &str,
    bytes: &[u8],
    stored: Oid,
) -> Option<String> {
    let mut command = git(git_dir, root);
    command.args(["hash-object", "--stdin", "--path", path]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let written = child.stdin.take().is_some_and(|mut input| input.write_all(bytes).is_ok());
    let told = child.wait_with_output().ok()?;
    let id = Oid::from_hex(told.stdout.trim_ascii_end()).ok();
    if !written || id != Some(stored) {
        return None;
    }
    let common_dir = Repo::open(git_dir).ok()?.common_dir().to_owned();
    let found = rewriting(git_dir, &common_dir, root, &[path.to_owned()]).into_iter().next();
    Some(match found {
        Some(Rewriting { attribute, source: Some((file, line)), .. }) => {
            format!("git rewrites it by the attribute `{attribute}` ({}:{line})", file.display())
        }
        Some(Rewriting { attribute, source: None, .. }) => {
            format!("git rewrites it by the attribute `{attribute}`")
        }
        None => "git rewrites its line endings (core.autocrlf, core.eol)".to_owned(),
    })
}
