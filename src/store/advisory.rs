//! The advisory lock: one mutation at a time among our own processes, in all worktrees of a repository.
//!
//! It is an `flock` on `<common git dir>/orchestrator/lock`: the kernel frees it when a process dies, and
//! waiters queue in the kernel. It protects nothing against git itself; the ref and index locks do that.
//! The journal of the mutation under way lives in the same file (see [`super::journal`]), so whoever holds
//! the lock and finds the journal filled knows that its writer is dead.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::git::{self, GitError, plainly};

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Advisory {
    /// The locked file, open for reading and writing.
    pub(crate) file: File,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// The directory of everything of ours below a common git directory.
pub(crate) fn home(common_dir: &Path) -> PathBuf {
    common_dir.join("orchestrator")
}

/// Where the lock of a repository is.
pub(crate) fn path(common_dir: &Path) -> PathBuf {
    home(common_dir).join("lock")
}

impl Advisory {
    /// Waits for the lock until `deadline`, then gives up with [`GitError::Contended`].
    pub(crate) fn acquire(common_dir: &Path, deadline: Instant) -> Result<Self, GitError> {
        let path = path(common_dir);
        let file = lock_file(&path, deadline)?;
        Ok(Self { file, path })
    }
}

/// Makes the file where it is not there, and locks it: its contents stay. After `deadline`
/// [`GitError::Contended`]. Closing the file, by dying too, frees it.
pub(super) fn lock_file(path: &Path, deadline: Instant) -> Result<File, GitError> {
    let io_error = |source: io::Error| GitError::Io { path: path.to_owned(), source };
    // Not truncated: a journal may be in it.
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    plainly(&mut options);
    let open = || options.open(path);
    let opened = open().or_else(|error| match (error.kind(), path.parent()) {
        (io::ErrorKind::NotFound, Some(parent)) => git::create_dir_all(parent).and_then(|()| open()),
        _ => Err(error),
    });
    let file = opened.map_err(|error| match git::is_no_file(&error) {
        true => GitError::Unsupported {
            what: format!("`{}` is no file, and nothing can change without it", path.display()),
            hint: "orchestrator doctor    (it says what to do)".to_owned(),
        },
        false => io_error(error),
    })?;
    // What belongs to another user has its mode from him.
    let _of_another = git::settle(path);
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(source)) => return Err(io_error(source)),
    }
    let (sender, receiver) = mpsc::channel();
    // The kernel's queue is fair but has no deadline; a thread waits in it for us. If we give up, its
    // send fails and the file is closed with its lock.
    std::thread::spawn(move || {
        let locked = file.lock().map(|()| file);
        let _abandoned = sender.send(locked);
    });
    let patience = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    match receiver.recv_timeout(patience) {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(source)) => Err(io_error(source)),
        Err(_) => Err(GitError::Contended { path: path.to_owned(), since: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_waits_until_its_deadline_and_gets_it_once_free() {
        let dir = tempfile::tempdir().unwrap();
        let soon = || Instant::now() + Duration::from_millis(50);
        let first = Advisory::acquire(dir.path(), soon()).unwrap();
        assert!(matches!(Advisory::acquire(dir.path(), soon()), Err(GitError::Contended { .. })));
        drop(first);
        Advisory::acquire(dir.path(), Instant::now() + Duration::from_secs(20)).unwrap();
    }
}
