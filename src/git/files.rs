//! The files of a worktree.
//!
//! A file is replaced and never rewritten in place: whoever has it open keeps what he opened. No link is
//! followed on the way to a file or at its end, and nothing that could block (a FIFO, a device) is opened.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::GitError;
use super::linked_lock::{create, remove};
use super::small;

/// What an index remembers of a file, to tell whether it may have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(super) ctime: (u32, u32),
    pub(super) mtime: (u32, u32),
    pub(super) dev: u32,
    pub(super) ino: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u32,
}

impl From<&Metadata> for Stat {
    // Git's index keeps the low 32 bits of each.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn from(meta: &Metadata) -> Self {
        Self {
            ctime: (meta.ctime() as u32, meta.ctime_nsec() as u32),
            mtime: (meta.mtime() as u32, meta.mtime_nsec() as u32),
            dev: meta.dev() as u32,
            ino: meta.ino() as u32,
            uid: meta.uid(),
            gid: meta.gid(),
            size: meta.size() as u32,
        }
    }
}

/// The files below one root, for the length of one command: a directory is looked at once. Threads may share it.
pub(crate) struct Files {
    root: PathBuf,
    /// Whether a directory is there, by its path from the root.
    seen: Mutex<HashMap<String, bool>>,
}

fn in_the_way(path: &str, why: &str) -> GitError {
    GitError::InTheWay { path: path.to_owned(), why: why.to_owned() }
}

/// Every directory on the way to `relative`, outermost first.
fn directories(relative: &str) -> impl DoubleEndedIterator<Item = &str> {
    relative.match_indices('/').map(|(at, _)| &relative[..at])
}

impl Files {
    /// The files below this root.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        // Whatever panicked elsewhere, each entry is true by itself.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, directory: &str, is_there: bool) {
        self.seen().insert(directory.to_owned(), is_there);
    }

    fn known(&self, directory: &str) -> Option<bool> {
        self.seen().get(directory).copied()
    }

    /// Whether a directory is there and is one.
    fn look(&self, directory: &str) -> Result<bool, GitError> {
        let path = self.root.join(directory);
        let is_there = match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => true,
            Ok(meta) if meta.is_symlink() => return Err(in_the_way(directory, "it is a symbolic link")),
            Ok(_) => return Err(in_the_way(directory, "it is no directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(source) => return Err(GitError::Io { path, source }),
        };
        self.note(directory, is_there);
        Ok(is_there)
    }

    /// Whether the directories on the way are there and are directories.
    fn check_way(&self, relative: &str) -> Result<bool, GitError> {
        // One that is known to be there was reached through the others.
        if directories(relative).next_back().is_some_and(|parent| self.known(parent) == Some(true)) {
            return Ok(true);
        }
        for directory in directories(relative) {
            let is_there = match self.known(directory) {
                Some(known) => known,
                None => self.look(directory)?,
            };
            if !is_there {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the directories on the way, where they are not there.
    fn make_way(&self, relative: &str) -> Result<(), GitError> {
        if self.check_way(relative)? {
            return Ok(());
        }
        for directory in directories(relative).filter(|directory| self.known(directory) != Some(true)) {
            let path = self.root.join(directory);
            match fs::create_dir(&path) {
                Ok(()) => self.note(directory, true),
                // Just now, by somebody else.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => drop(self.look(directory)?),
                Err(source) => return Err(GitError::Io { path, source }),
            }
        }
        Ok(())
    }

    /// What is at the end of the way: a file, or nothing.
    fn check_end(&self, relative: &str) -> Result<Option<Metadata>, GitError> {
        let path = self.root.join(relative);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_file() => Ok(Some(meta)),
            Ok(meta) if meta.is_symlink() => Err(in_the_way(relative, "it is a symbolic link")),
            Ok(meta) if meta.is_dir() => Err(in_the_way(relative, "it is a directory")),
            Ok(_) => Err(in_the_way(relative, "it is no regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(GitError::Io { path, source }),
        }
    }

    /// The bytes of a file; none if it is not there.
    pub(crate) fn read(&self, relative: &str) -> Result<Option<Vec<u8>>, GitError> {
        if !self.check_way(relative)? || self.check_end(relative)?.is_none() {
            return Ok(None);
        }
        let path = self.root.join(relative);
        small::read(&path).map(Some).map_err(GitError::io(&path))
    }

    /// Replaces a file, or makes it with the directories it needs.
    pub(crate) fn write(&self, relative: &str, bytes: &[u8]) -> Result<Stat, GitError> {
        self.make_way(relative)?;
        let before = self.check_end(relative)?;
        let path = self.root.join(relative);
        let temporary = temporary(&path);
        let written = create(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            if let Some(before) = before {
                file.set_permissions(before.permissions())?;
            }
            drop(file);
            fs::rename(&temporary, &path)
        });
        if let Err(source) = written {
            let _best_effort = fs::remove_file(&temporary);
            return Err(GitError::Io { path, source });
        }
        // Only now: the rename has changed the file's ctime.
        let meta = fs::symlink_metadata(&path).map_err(GitError::io(&path))?;
        Ok(Stat::from(&meta))
    }

    /// Removes a file and the directories below the first one that it leaves empty.
    pub(crate) fn remove(&self, relative: &str) -> Result<(), GitError> {
        if !self.check_way(relative)? || self.check_end(relative)?.is_none() {
            return Ok(());
        }
        remove(&self.root.join(relative))?;
        let below: Vec<&str> = directories(relative).skip(1).collect();
        for directory in below.into_iter().rev() {
            if fs::remove_dir(self.root.join(directory)).is_err() {
                break;
            }
            self.note(directory, false);
        }
        Ok(())
    }

    /// Removes what a dead process left beside a file that it was writing.
    pub(crate) fn remove_leftover(&self, relative: &str) -> Result<(), GitError> {
        if self.check_way(relative)? {
            remove(&temporary(&self.root.join(relative)))?;
        }
        Ok(())
    }
}

/// The name under which a file is written before it is renamed into place. A process that dies in between
/// leaves it; [`Files::remove_leftover`] takes it away.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.orchestrator-tmp"))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn files_are_made_replaced_and_removed_with_their_directories() {
        let dir = tempfile::tempdir().unwrap();
        let (root, files) = (dir.path(), Files::at(dir.path()));
        assert_eq!(files.read("b/x/y.yaml").unwrap(), None);
        let stat = files.write("b/x/y.yaml", b"one").unwrap();
        assert_eq!(stat, Stat::from(&fs::metadata(root.join("b/x/y.yaml")).unwrap()));
        let open = File::open(root.join("b/x/y.yaml")).unwrap();
        // Left by a process that died.
        fs::write(root.join("b/x/.y.yaml.orchestrator-tmp"), "half").unwrap();
        files.write("b/x/y.yaml", b"two").unwrap();
        assert_eq!(io::read_to_string(open).unwrap(), "one");
        assert_eq!(files.read("b/x/y.yaml").unwrap().unwrap(), b"two");
        files.remove("b/x/y.yaml").unwrap();
        assert!(root.join("b").exists() && !root.join("b/x").exists());
        files.write("b/x/z/y.yaml", b"three").unwrap();
        assert_eq!(fs::read(root.join("b/x/z/y.yaml")).unwrap(), b"three");
    }

    #[test]
    fn no_link_is_followed_and_nothing_that_blocks_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir(root.join("outside")).unwrap();
        std::os::unix::fs::symlink("outside", root.join("link")).unwrap();
        std::os::unix::fs::symlink("outside/x", root.join("outside/end")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
        for path in ["link/x", "outside/end", "pipe", "pipe/x"] {
            let files = Files::at(root);
            assert!(matches!(files.read(path), Err(GitError::InTheWay { .. })), "{path}");
            assert!(matches!(files.write(path, b"x"), Err(GitError::InTheWay { .. })), "{path}");
            assert!(matches!(files.remove(path), Err(GitError::InTheWay { .. })), "{path}");
        }
        assert!(!root.join("outside/x").exists());
    }
}
