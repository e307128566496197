//! Reflogs, written so that a move of a ref that is refused leaves no line in them.
//!
//! The log is opened, and where it is to be made is made, before anything is true: a log that can't be written refuses
//! the move, and does not break it in the middle.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::GitError;
use super::directory::remove_empty;
use super::repo::Repo;
use super::shared::{create_dir_all, settle};

/// A reflog, open so that nothing but the disk can keep a line out of it. Dropped before its ref has moved, it is as
/// it was: whoever writes to it holds the lock that is ours.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// How long it was; none where it was not there.
    length: Option<u64>,
    told: Cell<Told>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Nothing was written to it.
    Nothing,
    /// There may be a line, or a part of one, that is not so yet.
    Ahead,
    /// The move is made.
    True,
}

impl Log {
    /// Opens the log that is or will be there.
    pub(super) fn open(path: PathBuf) -> Result<Self, GitError> {
        let open = |is_new: bool| OpenOptions::new().append(true).create_new(is_new).open(&path);
        match open(false) {
            Ok(file) => {
                let length = Some(file.metadata().map_err(GitError::io(&path))?.len());
                return Ok(Self { path, file, length, told: Cell::new(Told::Nothing) });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => remove_empty(&path),
            Err(error) => return Err(GitError::io(&path)(error)),
        }
        let file = open(true).or_else(|error| match (error.kind(), path.parent()) {
            (io::ErrorKind::NotFound, Some(parent)) => create_dir_all(parent).and_then(|()| open(true)),
            _ => Err(error),
        });
        let file = file.and_then(|file| settle(&path).map(|()| file)).map_err(GitError::io(&path))?;
        Ok(Self { path, file, length: None, told: Cell::new(Told::Nothing) })
    }

    /// Adds a whole line, with its end.
    pub(super) fn append(&self, line: &str) -> Result<(), GitError> {
        self.told.set(Told::Ahead);
        (&self.file).write_all(line.as_bytes()).map_err(GitError::io(&self.path))
    }

    /// What it tells is so: the line stays.
    pub(super) fn keep(&self) {
        self.told.set(Told::True);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // What can't be taken back is one line too many of a move that was not made: git itself leaves such lines.
        let _best_effort = match (self.told.get(), self.length) {
            (Told::True, _) | (Told::Nothing, Some(_)) => Ok(()),
            (Told::Ahead, Some(length)) => self.file.set_len(length),
            (Told::Nothing | Told::Ahead, None) => fs::remove_file(&self.path),
        };
    }
}

impl Repo {
    /// Whether git would write a log of this ref.
    fn is_logged(&self, name: &str, log: &Path) -> bool {
        let usual = name == "HEAD"
            || ["refs/heads/", "refs/remotes/", "refs/notes/"].iter().any(|prefix| name.starts_with(prefix));
        let wanted = match self.config_string("core.logAllRefUpdates").as_deref() {
            Some("always") => true,
            Some("false" | "no" | "off" | "0") => false,
            Some(_) => usual,
            None => usual && self.work_dir().is_some(),
        };
        wanted || log.exists()
    }

    /// Where the log of this ref is, if git would write one.
    pub(super) fn log_of(&self, name: &str) -> Option<PathBuf> {
        let root = if name == "HEAD" { self.git_dir() } else { self.common_dir() };
        Some(root.join("logs").join(name)).filter(|path| self.is_logged(name, path))
    }
}
