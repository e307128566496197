//! Lock files whose owner can be proved.
//!
//! A lock is made by linking it to a file of ours, `orchestrator/lock-<name>` in the common git directory,
//! which holds the new content and stays until the lock is released. Both names are one inode: a process
//! that dies leaves locks that are provably ours, wherever it died, and nobody else's lock ever looks so.
//! Two processes never use our names at once: whoever does holds the advisory lock.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::GitError;
use super::repo::Repo;

/// How our files are called.
pub(super) const OURS: &str = "lock-";

/// A lock that is held until it is dropped, or renamed to what it protects.
#[derive(Debug)]
pub(super) struct LinkedLock {
    path: PathBuf,
    /// Our name of the same file.
    ours: PathBuf,
}

impl LinkedLock {
    /// Takes `<target>.lock` with this content, waiting for somebody else's until `deadline`.
    pub(super) fn take(
        common_dir: &Path,
        name: &str,
        target: &Path,
        content: &[u8],
        deadline: Instant,
    ) -> Result<Self, GitError> {
        let ours = common_dir.join("orchestrator").join(format!("{OURS}{name}"));
        let mut lock = target.as_os_str().to_owned();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        remove(&ours)?;
        fs::write(&ours, content).map_err(GitError::io(&ours))?;
        // Dropped without the lock, it takes our name away and nothing else.
        let taken = Self { path: lock, ours };
        let mut pause = Duration::from_millis(1);
        loop {
            let path = &taken.path;
            match fs::hard_link(&taken.ours, path) {
                Ok(()) => return Ok(taken),
                // A packer removes directories that have become empty while we look.
                Err(error) if error.kind() == io::ErrorKind::NotFound && Instant::now() < deadline => {
                    let parent = path.parent().unwrap_or(path);
                    fs::create_dir_all(parent).map_err(GitError::io(parent))?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if Instant::now() + pause > deadline {
                        let since = fs::metadata(path).and_then(|meta| meta.modified()).ok();
                        return Err(GitError::Contended { path: path.clone(), since });
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(50));
                }
                Err(source) => return Err(GitError::Io { path: path.clone(), source }),
            }
        }
    }

    /// Where the lock is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LinkedLock {
    fn drop(&mut self) {
        // A lock that was renamed is gone; a name that is there again is somebody else's.
        if is_same_file(&self.path, &self.ours).unwrap_or(false) {
            let _the_next_one_removes_it = fs::remove_file(&self.path);
        }
        let _the_next_one_removes_it = fs::remove_file(&self.ours);
    }
}

impl Repo {
    /// Removes those of the `locks` that a dead process of ours left, and our names of them. The caller holds
    /// the advisory lock, so no living process of ours has any.
    pub(crate) fn remove_locks(&self, locks: &BTreeSet<PathBuf>) -> Result<(), GitError> {
        let mut ours = Vec::new();
        let home = self.common_dir().join("orchestrator");
        for entry in fs::read_dir(&home).map_err(GitError::io(&home))? {
            let entry = entry.map_err(GitError::io(&home))?;
            if entry.file_name().to_string_lossy().starts_with(OURS) {
                ours.push(entry.path());
            }
        }
        for lock in locks {
            for our in &ours {
                if is_same_file(lock, our)? {
                    remove(lock)?;
                }
            }
        }
        ours.iter().try_for_each(|path| remove(path))
    }
}

/// Whether two names, neither of which need be there, are one file.
pub(super) fn is_same_file(one: &Path, other: &Path) -> Result<bool, GitError> {
    let identity = |path: &Path| match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some((meta.dev(), meta.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(GitError::io(path)(error)),
    };
    let one = identity(one)?;
    Ok(one.is_some() && one == identity(other)?)
}

/// Removes a file that need not be there.
pub(super) fn remove(path: &Path) -> Result<(), GitError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(GitError::io(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
