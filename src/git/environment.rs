//! What git reads besides the files of a repository, and what becomes of it here.
//!
//! Git takes orders from its environment and from settings that are not about content. Each is honoured as git honours
//! it, refused with a sentence, or left aside because it can't make a difference. Nothing may be half of it: an order that
//! is overlooked writes into another repository, index or object database than the one that was meant.
//!
//! | what | what becomes of it |
//! |---|---|
//! | `-C`, the working directory | honoured: physical, as git's own after its `chdir` ([`discovery`](super::discovery)) |
//! | `GIT_DIR`, also where it names a file that leads to a git directory | honoured; relative to `-C` |
//! | `GIT_WORK_TREE`, `core.worktree`, `core.bare`, `GIT_IMPLICIT_WORK_TREE` | honoured, in git's order ([`work_tree`](super::work_tree)) |
//! | `GIT_COMMON_DIR` | refused where it names another directory than the repository itself does |
//! | `GIT_CEILING_DIRECTORIES`, `GIT_DISCOVERY_ACROSS_FILESYSTEM` | honoured |
//! | `safe.directory`, `safe.bareRepository` | honoured |
//! | `.git` as a file or as a symbolic link, `commondir`, submodules, linked worktrees | honoured |
//! | `GIT_OBJECT_DIRECTORY`, `GIT_ALTERNATE_OBJECT_DIRECTORIES` | read from; a change is refused where the first names another directory |
//! | `GIT_QUARANTINE_PATH` (a push that is being received) | read from; every change is refused |
//! | `objects/info/alternates` | honoured |
//! | `GIT_INDEX_FILE` | honoured where it names the index of the worktree; else a change of a board that is checked out is refused |
//! | `GIT_CONFIG_PARAMETERS` (`git -c`), `GIT_CONFIG_COUNT` and its keys and values | honoured |
//! | `GIT_CONFIG_GLOBAL`, `GIT_CONFIG_SYSTEM`, `GIT_CONFIG_NOSYSTEM`, `include`, `includeIf`, `extensions.worktreeConfig` | honoured |
//! | `GIT_AUTHOR_NAME`, `GIT_AUTHOR_EMAIL`, `GIT_COMMITTER_NAME`, `GIT_COMMITTER_EMAIL`, `author.*`, `committer.*`, `user.*` | honoured, in git's order |
//! | `GIT_AUTHOR_DATE`, `GIT_COMMITTER_DATE` | left aside: a commit has the time of its event, or log and history would disagree |
//! | `GIT_REFLOG_ACTION` | left aside: the reflog tells what was done |
//! | `GIT_NAMESPACE` | left aside, as by every command of git that serves no clone |
//! | `GIT_SHALLOW_FILE` | honoured |
//! | `GIT_REPLACE_REF_BASE`, `GIT_NO_REPLACE_OBJECTS`, `core.useReplaceRefs`, `GIT_GRAFT_FILE` | left aside: objects are read as they are |
//! | `GIT_DEFAULT_HASH`, `GIT_DEFAULT_REF_FORMAT`, `GIT_TEMPLATE_DIR` | left aside: they are about making repositories |
//! | `GIT_PREFIX`, `GIT_LITERAL_PATHSPECS` and its kin, `GIT_OPTIONAL_LOCKS`, `GIT_ATTR_SOURCE` | left aside: no path pattern is matched, no index is refreshed, no file is converted |
//! | `core.sharedRepository`, the umask | honoured ([`shared`](super::shared)) |
//! | `core.logAllRefUpdates` | honoured |
//! | `core.preferSymlinkRefs`: `HEAD` or a ref as a symbolic link | followed, never written through |
//! | a branch that is a symbolic ref | read; a change is refused |
//! | `core.fileMode`, the executable bit | a file of the board keeps its mode, in commit, index and worktree |
//! | `core.symlinks`, `core.ignoreCase`, `core.precomposeUnicode` | left aside: the board has no links, and names in ASCII that no file system changes |
//! | attributes and settings that rewrite content (`text`, `eol`, `ident`, `filter`, `working-tree-encoding`, `core.autocrlf`) | switched off by the board's own `.gitattributes`; what overrides that is named |
//! | `core.sparseCheckout`, `core.splitIndex`, `core.untrackedCache`, `core.fsmonitor`, `index.*`, `feature.*` | honoured by keeping what the index says of itself |
//! | an index that is a symbolic link | refused |
//! | `config` or `packed-refs` as a symbolic link | what it leads to is locked and written; the link stays |
//! | `core.hooksPath`, `hooks/*` | not run; `doctor` names them |
//! | `commit.gpgsign`, `gpg.*`, `user.signingkey` | honoured |
//! | `gc.*`, `maintenance.*` | honoured where git's maintenance is started |
//! | `receive.*`, `transfer.*`, `fetch.*` | git's own, in the `git` that is called to push and fetch |

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use gix::bstr::{BString, ByteSlice as _};

use super::GitError;
use super::error::Doing as _;
use super::repo::Repo;

/// A variable, where it is set. Git takes an empty one at its word.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A variable that names a path; relative ones count from `start`.
pub(super) fn path(name: &str, start: &Path) -> Option<PathBuf> {
    variable(name).map(|path| start.join(path))
}

/// Whether a variable that is `true` where it is not set is so.
pub(super) fn is_true_unless_said(name: &str) -> bool {
    let value = variable(name).unwrap_or_else(|| "true".into());
    !matches!(value.to_ascii_lowercase().as_bytes(), b"" | b"false" | b"no" | b"off" | b"0")
}

/// Whether a variable is set, and to what git takes for `true`.
pub(super) fn is_said(name: &str) -> bool {
    variable(name).is_some() && is_true_unless_said(name)
}

/// The directories of a variable that lists them, separated by colons.
pub(super) fn directories(name: &str) -> Vec<PathBuf> {
    let Some(list) = variable(name) else { return Vec::new() };
    let parts = list.as_bytes().split(|byte| *byte == b':').filter(|part| !part.is_empty());
    parts.map(|part| PathBuf::from(OsStr::from_bytes(part))).collect()
}

/// The directories above which nothing is searched; those after an empty entry are taken as they are written, the others
/// through their links.
pub(super) fn ceilings() -> Vec<PathBuf> {
    let Some(list) = variable("GIT_CEILING_DIRECTORIES") else { return Vec::new() };
    let mut is_literal = false;
    let mut ceilings = Vec::new();
    for part in list.as_bytes().split(|byte| *byte == b':') {
        let path = Path::new(OsStr::from_bytes(part));
        if part.is_empty() {
            is_literal = true;
        } else if path.is_absolute() {
            let real = if is_literal { None } else { path.canonicalize().ok() };
            ceilings.push(real.unwrap_or_else(|| path.to_owned()));
        }
    }
    ceilings
}

/// What `git -c` and `git --config-env` hand to the programs that git starts, as `key=value`. A key without a value
/// stands alone.
pub(super) fn config_parameters() -> Result<Vec<BString>, GitError> {
    let Some(text) = variable("GIT_CONFIG_PARAMETERS") else { return Ok(Vec::new()) };
    parse_parameters(text.as_bytes()).ok_or_else(|| GitError::Unsupported {
        what: format!(
            "GIT_CONFIG_PARAMETERS can't be read: `{}`",
            text.as_bytes().to_str_lossy().escape_debug()
        ),
        hint: "unset GIT_CONFIG_PARAMETERS    (git itself sets it, from `git -c`)".to_owned(),
    })
}

/// Words in single quotes, separated by spaces: `'key=value'` of older versions of git, `'key'='value'` and `'key'=` of
/// newer ones.
fn parse_parameters(text: &[u8]) -> Option<Vec<BString>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = unquoted(rest)?;
        rest = after;
        let mut parameter = key;
        if let Some(after) = rest.strip_prefix(b"=") {
            // In the newer form a key may have `=` in the middle part of its name. None that is read here has.
            let is_readable = !parameter.contains(&b'=');
            let (value, after) = match after.first() {
                Some(b'\'') => unquoted(after).map(|(value, after)| (Some(value), after))?,
                None | Some(b' ') => (None, after),
                Some(_) => return None,
            };
            rest = after;
            if let Some(value) = value {
                parameter.push(b'=');
                parameter.extend_from_slice(&value);
            }
            if is_readable {
                found.push(parameter.into());
            }
        } else {
            found.push(parameter.into());
        }
        if !rest.is_empty() && !rest[0].is_ascii_whitespace() {
            return None;
        }
        rest = rest.trim_start();
    }
    // As git: a key has a section and a name.
    let is_key = |parameter: &BString| {
        let key = parameter.split(|byte| *byte == b'=').next().unwrap_or_default();
        key.iter().position(|byte| *byte == b'.').is_some_and(|at| at > 0 && at + 1 < key.len())
    };
    found.iter().all(is_key).then_some(found)
}

/// The word in quotes that `text` begins with, and what comes after it. A quote or an exclamation mark in it is written
/// outside of the quotes, behind a backslash.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"'")?;
    let mut word = Vec::new();
    loop {
        let end = rest.iter().position(|byte| *byte == b'\'')?;
        word.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        match rest {
            [b'\\', escaped @ (b'\'' | b'!'), b'\'', after @ ..] => {
                word.push(*escaped);
                rest = after;
            }
            _ => return Some((word, rest)),
        }
    }
}

/// Objects that are read besides those of the repository, where the environment says so: the object database that takes
/// the place of its own, if one does, then the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    /// `GIT_OBJECT_DIRECTORY`.
    pub(super) own: Option<PathBuf>,
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`.
    pub(super) others: Vec<PathBuf>,
}

impl Objects {
    /// All of them as one object database, with the `usual` one where none takes its place; none where the environment
    /// says nothing.
    ///
    /// gix reads other object databases where a file in the first one names them. So one that is empty is made, with such
    /// a file; it is gone as soon as gix has looked at it, and not looked at again.
    pub(super) fn open(&self, usual: &Path) -> Result<Option<gix::OdbHandle>, GitError> {
        if *self == Self::default() {
            return Ok(None);
        }
        let doing = "open the object databases that the environment names";
        let scratch = tempfile::Builder::new().prefix("orchestrator-objects-").tempdir().doing(doing)?;
        let info = scratch.path().join("info");
        let mut list = Vec::new();
        for directory in std::iter::once(self.own.as_deref().unwrap_or(usual))
            .chain(self.others.iter().map(|path| &**path))
        {
            list.extend_from_slice(directory.as_os_str().as_bytes());
            list.push(b'\n');
        }
        std::fs::create_dir(&info)
            .and_then(|()| std::fs::write(info.join("alternates"), list))
            .doing(doing)?;
        let kind = gix::hash::Kind::Sha1;
        let mut objects = gix::odb::at(scratch.path(), kind).doing(doing)?;
        // The first question has the whole list read.
        let _is_not_there = gix::objs::Exists::exists(&objects, &gix::ObjectId::null(kind));
        objects.refresh_never();
        let mut objects = gix::odb::memory::Proxy::new(objects, kind);
        objects.take_object_memory();
        Ok(Some(objects))
    }
}

/// What the environment says of objects; relative paths count from `start`.
pub(super) fn objects(start: &Path) -> Objects {
    let others = directories("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    Objects {
        own: path("GIT_OBJECT_DIRECTORY", start).filter(|path| !path.as_os_str().is_empty()),
        others: others.into_iter().map(|path| start.join(path)).collect(),
    }
}

/// Bytes as a path.
pub(super) fn to_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

impl Repo {
    /// Refuses a change where the environment says that objects go elsewhere than into this repository.
    pub(crate) fn check_writable(&self) -> Result<(), GitError> {
        let refuse = |what: &str, hint: &str| {
            Err(GitError::Unsupported { what: what.to_owned(), hint: hint.to_owned() })
        };
        if variable("GIT_QUARANTINE_PATH").is_some() {
            return refuse(
                "a push is being received, and nothing can change before it is accepted",
                "orchestrator check    (in a pre-receive hook: reads only; changes go into post-receive)",
            );
        }
        let Some(own) = variable("GIT_OBJECT_DIRECTORY") else { return Ok(()) };
        let same = Path::new(&own).canonicalize().ok() == self.objects_dir.canonicalize().ok();
        if same {
            return Ok(());
        }
        refuse(
            &format!(
                "GIT_OBJECT_DIRECTORY names `{}`, where objects of a change would be lost",
                Path::new(&own).display()
            ),
            "unset GIT_OBJECT_DIRECTORY",
        )
    }

    /// Refuses a change of this worktree's files where the environment names another index for them: the one that stays
    /// as it is would take the change back with the next commit.
    pub(crate) fn check_index(&self) -> Result<(), GitError> {
        let Some(named) = variable("GIT_INDEX_FILE") else { return Ok(()) };
        let root = self.work_dir().unwrap_or_else(|| self.git_dir().to_owned());
        let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
        if real(root.join(&named)) == real(self.git_dir().join("index")) {
            return Ok(());
        }
        Err(GitError::Unsupported {
            what: format!(
                "GIT_INDEX_FILE names `{}`, so a commit is being made from another index than this worktree's",
                Path::new(&named).display()
            ),
            hint: "run it when that commit is made, or: unset GIT_INDEX_FILE".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_command_line_are_understood_in_both_forms() {
        let read = |text: &str| {
            let found = parse_parameters(text.as_bytes())?;
            Some(found.into_iter().map(|one| one.to_string()).collect::<Vec<_>>())
        };
        for (text, expected) in [
            ("", vec![]),
            ("'user.name=Zed'", vec!["user.name=Zed"]),
            ("'user.name'='Zed'", vec!["user.name=Zed"]),
            ("'user.name'='Zed' 'a.b=c d'", vec!["user.name=Zed", "a.b=c d"]),
            ("'core.bare'", vec!["core.bare"]),
            ("'core.bare'=", vec!["core.bare"]),
            ("'a.b'='it'\\''s'\\!' '", vec!["a.b=it's! "]),
            ("  'a.b'='=x=' ", vec!["a.b==x="]),
            ("'url.a=b.insteadof'='c' 'a.b'='c'", vec!["a.b=c"]),
        ] {
            assert_eq!(read(text), Some(expected.into_iter().map(str::to_owned).collect()), "{text}");
        }
        for text in ["a.b=c", "'a.b'='c", "'a.b'x", "'a.b'=c", "'nodot'='c'", "'.b'='c'", "'a.'='c'"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
