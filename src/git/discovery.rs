//! Finding the git directory, as git does, rule by rule.
//!
//! gix has a search of its own; where it is another repository than git would find, a change is written into the wrong
//! one. It differs in what a ceiling means, in relative starts, and in where relative variables count from, so the search
//! is done here and gix opens what was found.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::GitError;
use super::environment::{self, to_path};
use super::small;

/// Where a git directory was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What is to be opened: the git directory, or the `.git` that is it or leads to it.
    pub(super) entrance: PathBuf,
    /// How it was found, which decides where the worktree is.
    pub(super) how: How,
}

/// How a git directory was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// `GIT_DIR` names it.
    Named,
    /// It is the `.git` of this directory.
    Within(PathBuf),
    /// It is a directory around the start.
    Around,
}

/// The directory that the search starts in: physical, as the system tells it of the working directory.
pub(super) fn start(directory: &Path) -> Result<PathBuf, GitError> {
    let real = directory.canonicalize().map_err(GitError::io(directory))?;
    let meta = fs::metadata(&real).map_err(GitError::io(&real))?;
    if meta.is_dir() { Ok(real) } else { Err(GitError::io(directory)(io::ErrorKind::NotADirectory.into())) }
}

/// The git directory for who stands in `start`.
pub(super) fn find(start: &Path) -> Result<Found, GitError> {
    if let Some(named) = environment::variable("GIT_DIR") {
        let entrance = start.join(&named);
        let is_one = !named.is_empty() && directory_behind(&entrance)?.is_some();
        return if is_one {
            Ok(Found { entrance, how: How::Named })
        } else {
            Err(GitError::Unsupported {
                what: format!("`{}`, which GIT_DIR names, is no git directory", named.to_string_lossy()),
                hint: "unset GIT_DIR".to_owned(),
            })
        };
    }
    let ceilings = environment::ceilings();
    // The deepest one that is above us, not the directory that we start in.
    let ceiling = ceilings.iter().filter(|one| start.starts_with(one) && *one != start);
    let ceiling = ceiling.max_by_key(|one| one.components().count());
    let crosses = environment::is_said("GIT_DISCOVERY_ACROSS_FILESYSTEM");
    let mut device = None;
    for directory in start.ancestors() {
        if ceiling.is_some_and(|ceiling| ceiling == directory) {
            break;
        }
        if !crosses {
            let here = fs::metadata(directory).map_err(GitError::io(directory))?.dev();
            if *device.get_or_insert(here) != here {
                break;
            }
        }
        let entrance = directory.join(".git");
        if directory_behind(&entrance)?.is_some() {
            return Ok(Found { entrance, how: How::Within(directory.to_owned()) });
        }
        if is_git_directory(directory) {
            return Ok(Found { entrance: directory.to_owned(), how: How::Around });
        }
    }
    Err(GitError::NotARepository { path: start.to_owned() })
}

/// The git directory that is at a path, or that a file there leads to. A file that leads nowhere is an error, for git
/// too: it does not look further up.
fn directory_behind(path: &Path) -> Result<Option<PathBuf>, GitError> {
    let Ok(meta) = fs::metadata(path) else { return Ok(None) };
    if !meta.is_file() {
        return Ok(is_git_directory(path).then(|| path.to_owned()));
    }
    let broken = |why: &str| GitError::Unsupported {
        what: format!("`{}` leads to no git directory: {why}", path.display()),
        hint: format!("cat '{}'    (it should be one line: `gitdir: <path>`)", path.display()),
    };
    let text = small::read(path).map_err(GitError::io(path))?;
    let Some(target) = text.strip_prefix(b"gitdir: ") else { return Err(broken("it has no `gitdir: `")) };
    let end = target.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
    let target = path.parent().unwrap_or(path).join(to_path(&target[..end]));
    if end > 0 && is_git_directory(&target) {
        Ok(Some(target))
    } else {
        Err(broken(&format!("`{}` is none", target.display())))
    }
}

/// Whether git takes this directory for a git directory: it has a `HEAD` that can be one, and refs and objects, be it in
/// the directory that it shares with others.
pub(super) fn is_git_directory(path: &Path) -> bool {
    if !is_head(&path.join("HEAD")) {
        return false;
    }
    let common = match small::read(&path.join("commondir")) {
        Ok(text) => {
            let end = text.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
            path.join(to_path(&text[..end]))
        }
        Err(_) => path.to_owned(),
    };
    let objects = environment::variable("GIT_OBJECT_DIRECTORY").is_some() || common.join("objects").is_dir();
    objects && common.join("refs").is_dir()
}

/// Whether this may be the `HEAD` of a repository: a ref's name, also as a symbolic link, or an id.
fn is_head(path: &Path) -> bool {
    match fs::read_link(path) {
        Ok(target) => return target.as_os_str().as_bytes().starts_with(b"refs/"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
        Err(_) => {}
    }
    let Ok(text) = small::read(path) else { return false };
    match text.strip_prefix(b"ref:") {
        Some(name) => name.trim_ascii_start().starts_with(b"refs/"),
        None => text.len() >= 40 && text[..40].iter().all(u8::is_ascii_hexdigit),
    }
}
