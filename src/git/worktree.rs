//! Worktrees, and files in them.
//!
//! A file is replaced and never rewritten in place: whoever has it open keeps what he opened. No link is
//! followed on the way to a file or at its end, and nothing that could block (a FIFO, a device) is opened.

use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::GitError;
use super::repo::{Head, Repo, read_head};

/// A worktree of a repository.
#[derive(Clone, Debug)]
pub(crate) struct Worktree {
    /// Its own git directory.
    pub(crate) git_dir: PathBuf,
    /// Its root; none where the repository is bare or the directory is gone.
    pub(crate) path: Option<PathBuf>,
    /// What it has checked out.
    pub(crate) head: Head,
}

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

impl Repo {
    /// The main worktree and the linked ones, read from disk.
    pub(crate) fn worktrees(&self) -> Result<Vec<Worktree>, GitError> {
        let common = self.common_dir();
        let mut found = vec![Worktree {
            git_dir: common.to_owned(),
            path: self.main_work_dir().filter(|path| path.is_dir()),
            head: read_head(self, common)?,
        }];
        let directory = common.join("worktrees");
        let names = match fs::read_dir(&directory) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(source) => return Err(GitError::Io { path: directory, source }),
        };
        for name in names {
            let git_dir = name.map_err(GitError::io(&directory))?.path();
            let Ok(pointer) = fs::read_to_string(git_dir.join("gitdir")) else { continue };
            let link = PathBuf::from(pointer.trim_end());
            let link = if link.is_absolute() { link } else { git_dir.join(link) };
            let path = link.parent().map(Path::to_owned).filter(|path| path.is_dir());
            let path = path.and_then(|path| path.canonicalize().ok());
            let Ok(head) = read_head(self, &git_dir) else { continue };
            found.push(Worktree { git_dir, path, head });
        }
        Ok(found)
    }

    /// The worktrees that have this branch checked out and still exist.
    pub(crate) fn checked_out_at(&self, branch: &str) -> Result<Vec<Worktree>, GitError> {
        let mut all = self.worktrees()?;
        all.retain(|tree| tree.path.is_some() && tree.head.branch() == Some(branch));
        Ok(all)
    }
}

/// What is under way in the worktree of this git directory: `merge`, `rebase`, `cherry-pick`, `revert`,
/// `bisect`, or `am`.
pub(crate) fn operation_under_way(git_dir: &Path) -> Option<&'static str> {
    let signs = [
        ("rebase-merge", "rebase"),
        ("rebase-apply/applying", "am"),
        ("rebase-apply", "rebase"),
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("sequencer", "cherry-pick or revert"),
        ("BISECT_LOG", "bisect"),
    ];
    signs.iter().find(|(sign, _)| git_dir.join(sign).exists()).map(|(_, operation)| *operation)
}

fn in_the_way(path: &str, why: &str) -> GitError {
    GitError::InTheWay { path: path.to_owned(), why: why.to_owned() }
}

/// Every directory on the way to `relative`, outermost first.
fn directories<'a>(root: &'a Path, relative: &'a str) -> impl Iterator<Item = (PathBuf, &'a str)> {
    relative.match_indices('/').map(move |(at, _)| (root.join(&relative[..at]), &relative[..at]))
}

/// Whether the directories on the way are there and are directories.
fn check_way(root: &Path, relative: &str) -> Result<bool, GitError> {
    for (directory, name) in directories(root, relative) {
        match fs::symlink_metadata(&directory) {
            Ok(meta) if meta.is_dir() => {}
            Ok(meta) if meta.is_symlink() => return Err(in_the_way(name, "it is a symbolic link")),
            Ok(_) => return Err(in_the_way(name, "it is no directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(GitError::Io { path: directory, source }),
        }
    }
    Ok(true)
}

/// What is at the end of the way: a file, or nothing.
fn check_end(root: &Path, relative: &str) -> Result<Option<Metadata>, GitError> {
    let path = root.join(relative);
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
pub(crate) fn read_file(root: &Path, relative: &str) -> Result<Option<Vec<u8>>, GitError> {
    if !check_way(root, relative)? || check_end(root, relative)?.is_none() {
        return Ok(None);
    }
    let path = root.join(relative);
    fs::read(&path).map(Some).map_err(GitError::io(&path))
}

/// The name under which a file is written before it is renamed into place. A process that dies in between
/// leaves it; [`remove_leftover`] takes it away.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.orchestrator-tmp"))
}

/// Replaces a file, or makes it with the directories it needs.
pub(crate) fn write_file(root: &Path, relative: &str, bytes: &[u8]) -> Result<Stat, GitError> {
    for (directory, name) in directories(root, relative) {
        match fs::create_dir(&directory) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                check_way(root, &format!("{name}/"))?;
            }
            Err(source) => return Err(GitError::Io { path: directory, source }),
        }
    }
    let before = check_end(root, relative)?;
    let path = root.join(relative);
    let temporary = temporary(&path);
    remove_if_there(&temporary)?;
    let written =
        fs::OpenOptions::new().write(true).create_new(true).open(&temporary).and_then(|mut file| {
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
pub(crate) fn remove_file(root: &Path, relative: &str) -> Result<(), GitError> {
    if !check_way(root, relative)? || check_end(root, relative)?.is_none() {
        return Ok(());
    }
    remove_if_there(&root.join(relative))?;
    let mut empty: Vec<_> = directories(root, relative).skip(1).collect();
    while let Some((directory, _)) = empty.pop() {
        if fs::remove_dir(&directory).is_err() {
            break;
        }
    }
    Ok(())
}

/// Removes what a dead process left beside a file that it was writing.
pub(crate) fn remove_leftover(root: &Path, relative: &str) -> Result<(), GitError> {
    if check_way(root, relative)? {
        remove_if_there(&temporary(&root.join(relative)))?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), GitError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(GitError::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_made_replaced_and_removed_with_their_directories() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        assert_eq!(read_file(root, "b/x/y.yaml").unwrap(), None);
        let stat = write_file(root, "b/x/y.yaml", b"one").unwrap();
        assert_eq!(stat, Stat::from(&fs::metadata(root.join("b/x/y.yaml")).unwrap()));
        let open = fs::File::open(root.join("b/x/y.yaml")).unwrap();
        write_file(root, "b/x/y.yaml", b"two").unwrap();
        assert_eq!(io::read_to_string(open).unwrap(), "one");
        assert_eq!(read_file(root, "b/x/y.yaml").unwrap().unwrap(), b"two");
        remove_file(root, "b/x/y.yaml").unwrap();
        assert!(root.join("b").exists() && !root.join("b/x").exists());
    }

    #[test]
    fn no_link_is_followed_and_nothing_that_blocks_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir(root.join("outside")).unwrap();
        std::os::unix::fs::symlink("outside", root.join("link")).unwrap();
        std::os::unix::fs::symlink("outside/x", root.join("outside/end")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
        for path in ["link/x", "outside/end", "pipe"] {
            assert!(matches!(read_file(root, path), Err(GitError::InTheWay { .. })), "{path}");
            assert!(matches!(write_file(root, path, b"x"), Err(GitError::InTheWay { .. })), "{path}");
            assert!(matches!(remove_file(root, path), Err(GitError::InTheWay { .. })), "{path}");
        }
        assert!(!root.join("outside/x").exists());
    }
}
