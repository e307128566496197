//! `index.lock`, taken so that its owner can be proved.
//!
//! A file of a fixed name, `orchestrator.index`, is made first and then linked to `index.lock`. Both names
//! are one inode until the lock is released: a process that dies in between leaves a lock file that is
//! provably ours, and nobody else's lock ever looks so. Only while our name is there: the number of an inode
//! that is gone is soon somebody else's.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::GitError;
use super::linked_lock::{create, is_same_file, remove};
use super::ref_locks::Tidy;

/// The file that will become `index.lock`.
#[derive(Debug)]
pub(crate) struct PreparedIndexLock {
    git_dir: PathBuf,
    file: Option<File>,
    /// It has become the index.
    is_over: bool,
}

/// `index.lock`, held until it is committed or dropped.
#[derive(Debug)]
pub(crate) struct IndexLock {
    prepared: PreparedIndexLock,
}

fn prepared_path(git_dir: &Path) -> PathBuf {
    git_dir.join("orchestrator.index")
}

fn lock_path(git_dir: &Path) -> PathBuf {
    git_dir.join("index.lock")
}

impl IndexLock {
    /// Makes the file that will become the lock. The caller holds the advisory lock, so a file of that name
    /// is what a dead process left.
    pub(crate) fn prepare(git_dir: &Path) -> Result<PreparedIndexLock, GitError> {
        let path = prepared_path(git_dir);
        let file = create(&path).map_err(GitError::io(&path))?;
        Ok(PreparedIndexLock { git_dir: git_dir.to_owned(), file: Some(file), is_over: false })
    }

    /// Removes the `index.lock` of a dead process of ours: the one that is still linked to our file.
    pub(crate) fn remove_left(git_dir: &Path) -> Result<(), GitError> {
        let (prepared, lock) = (prepared_path(git_dir), lock_path(git_dir));
        // The lock first: after a commit it is gone, and there is nothing more to look at.
        if is_same_file(&lock, &prepared)? {
            remove(&lock)?;
        }
        remove(&prepared)
    }

    /// Has the new index written, and puts it in place.
    pub(crate) fn commit(
        mut self,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<Tidy, GitError> {
        let lock = lock_path(&self.prepared.git_dir);
        if let Some(mut file) = self.prepared.file.take() {
            write(&mut file).map_err(GitError::io(&lock))?;
        }
        let index = self.prepared.git_dir.join("index");
        fs::rename(&lock, &index).map_err(GitError::io(&index))?;
        self.prepared.is_over = true;
        Ok(remove(&prepared_path(&self.prepared.git_dir)).into())
    }
}

impl PreparedIndexLock {
    /// Takes the lock. [`GitError::Contended`] if somebody has it.
    pub(crate) fn take(self) -> Result<IndexLock, GitError> {
        let lock = lock_path(&self.git_dir);
        match fs::hard_link(prepared_path(&self.git_dir), &lock) {
            Ok(()) => Ok(IndexLock { prepared: self }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let since = fs::metadata(&lock).and_then(|meta| meta.modified()).ok();
                Err(GitError::Contended { path: lock, since })
            }
            Err(source) => Err(GitError::Io { path: lock, source }),
        }
    }
}

impl Drop for PreparedIndexLock {
    fn drop(&mut self) {
        if !self.is_over {
            // What can't be removed the next one removes.
            let _best_effort = IndexLock::remove_left(&self.git_dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_lock_is_exclusive_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let lock = IndexLock::prepare(dir.path()).unwrap().take().unwrap();
        assert_eq!(names(dir.path()), ["index.lock", "orchestrator.index"]);
        drop(lock);
        assert!(names(dir.path()).is_empty());
        let lock = IndexLock::prepare(dir.path()).unwrap().take().unwrap();
        assert!(matches!(lock.commit(|file| file.write_all(b"DIRC")).unwrap(), Tidy::Clean));
        assert_eq!(names(dir.path()), ["index"]);
        assert_eq!(fs::read(dir.path().join("index")).unwrap(), b"DIRC");
    }

    #[test]
    fn the_lock_of_somebody_else_is_respected_and_never_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("index.lock"), b"").unwrap();
        let prepared = IndexLock::prepare(dir.path()).unwrap();
        assert!(matches!(prepared.take(), Err(GitError::Contended { .. })));
        IndexLock::remove_left(dir.path()).unwrap();
        assert_eq!(names(dir.path()), ["index.lock"]);
        fs::write(dir.path().join("orchestrator.index"), b"").unwrap();
        IndexLock::remove_left(dir.path()).unwrap();
        assert_eq!(names(dir.path()), ["index.lock"]);
    }

    #[test]
    fn the_lock_of_a_dead_process_of_ours_is_recognised_by_its_inode() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("orchestrator.index"), b"").unwrap();
        fs::hard_link(dir.path().join("orchestrator.index"), dir.path().join("index.lock")).unwrap();
        IndexLock::remove_left(dir.path()).unwrap();
        assert!(names(dir.path()).is_empty());
    }
}
