//! Lock files whose owner can be proved.
//!
//! A lock is made by linking it to a file of ours, `orchestrator/lock-<name>` in the common git directory,
//! which holds the new content and stays until the lock is released. Both names are one inode: a process
//! that dies leaves locks that are provably ours, wherever it died, and nobody else's lock ever looks so.
//! Two processes never use our names at once: whoever does holds the advisory lock.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::GitError;
use super::directory::items;
use super::repo::Repo;
use super::shared::{create_dir_all, settle};
use super::small;

/// How our files are called.
pub(super) const OURS: &str = "lock-";

/// A lock that is held until it is dropped, or renamed to what it protects.
#[derive(Debug)]
pub(super) struct LinkedLock {
    guard: LinkedGuard,
    /// Our name of it is there.
    is_named: Cell<bool>,
}

/// A lock that only keeps others out, until it is dropped.
#[derive(Debug)]
pub(super) struct LinkedGuard {
    path: PathBuf,
    /// Our name of the same file.
    ours: PathBuf,
    /// There is no lock of ours any more.
    is_over: Cell<bool>,
    /// A lock could not be removed, so our name has to stay: nothing else proves whose that lock is. Shared by all
    /// the locks that are this file.
    is_stuck: Rc<Cell<bool>>,
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
        let mut file = create(&ours).map_err(GitError::io(&ours))?;
        // Dropped without the lock, it takes our name away and nothing else.
        let (is_over, is_stuck) = (Cell::new(true), Rc::default());
        let guard = LinkedGuard { path: lock_of(target), ours, is_over, is_stuck };
        let taken = Self { guard, is_named: Cell::new(true) };
        file.write_all(content).map_err(GitError::io(&taken.guard.ours))?;
        drop(file);
        taken.guard.link(deadline)?;
        Ok(taken)
    }

    /// Takes `<target>.lock` too, by one more name of this lock's file: nothing is to be renamed there. What it
    /// is proved with goes with this lock, so it has to be dropped before.
    pub(super) fn guard(&self, target: &Path, deadline: Instant) -> Result<LinkedGuard, GitError> {
        let (ours, is_stuck) = (self.guard.ours.clone(), Rc::clone(&self.guard.is_stuck));
        let guard = LinkedGuard { path: lock_of(target), ours, is_over: Cell::new(true), is_stuck };
        guard.link(deadline)?;
        Ok(guard)
    }

    /// Where the lock is.
    pub(super) fn path(&self) -> &Path {
        &self.guard.path
    }

    /// Has `publish` rename the lock, which it is handed, to what it protects.
    pub(super) fn publish(
        &self,
        publish: impl FnOnce(&Path) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        publish(&self.guard.path)?;
        self.guard.is_over.set(true);
        Ok(())
    }

    /// Releases it: which of its names could not be removed, if one could not.
    pub(super) fn end(self) -> Result<(), GitError> {
        self.release()
    }

    fn release(&self) -> Result<(), GitError> {
        self.guard.release()?;
        if self.guard.is_stuck.get() || !self.is_named.replace(false) {
            return Ok(());
        }
        remove(&self.guard.ours)
    }
}

impl Drop for LinkedLock {
    fn drop(&mut self) {
        // Whoever has the journal, or makes a file of this name, removes it.
        let _the_next_one_removes_it = self.release();
    }
}

impl LinkedGuard {
    fn link(&self, deadline: Instant) -> Result<(), GitError> {
        let path = &self.path;
        let mut pause = Duration::from_millis(1);
        loop {
            match fs::hard_link(&self.ours, path) {
                Ok(()) => {
                    self.is_over.set(false);
                    return Ok(());
                }
                // A packer removes directories that have become empty while we look.
                Err(error) if error.kind() == io::ErrorKind::NotFound && Instant::now() < deadline => {
                    let parent = path.parent().unwrap_or(path);
                    create_dir_all(parent).map_err(GitError::io(parent))?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if Instant::now() + pause > deadline {
                        let since = fs::metadata(path).and_then(|meta| meta.modified()).ok();
                        return Err(GitError::Contended { path: path.clone(), since });
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(50));
                }
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => return Err(elsewhere(path)),
                Err(source) => return Err(GitError::Io { path: path.clone(), source }),
            }
        }
    }

    /// As if it could not be removed.
    #[cfg(test)]
    pub(super) fn stick(&self) {
        self.is_over.set(true);
        self.is_stuck.set(true);
    }

    /// Releases it, and says if it could not be removed.
    pub(super) fn end(self) -> Result<(), GitError> {
        self.release()
    }

    fn release(&self) -> Result<(), GitError> {
        // A name that is there again after that is somebody else's.
        if self.is_over.replace(true) {
            return Ok(());
        }
        let removed = match is_same_file(&self.path, &self.ours) {
            Ok(true) => remove(&self.path),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        self.is_stuck.set(self.is_stuck.get() || removed.is_err());
        removed
    }
}

impl Drop for LinkedGuard {
    fn drop(&mut self) {
        let _the_next_one_removes_it = self.release();
    }
}

/// A lock that can't be a name of a file in our git directory.
fn elsewhere(lock: &Path) -> GitError {
    let directory = lock.parent().unwrap_or(lock).display();
    GitError::Unsupported {
        what: format!(
            "`{}` can't be made: `{directory}` is on another file system than the git directory, where a link leads there",
            lock.display()
        ),
        hint: format!(
            "df '{}'    (move the file back into the git directory)",
            directory.to_string().replace('\'', r"'\''")
        ),
    }
}

fn lock_of(target: &Path) -> PathBuf {
    let mut lock = target.as_os_str().to_owned();
    lock.push(".lock");
    PathBuf::from(lock)
}

/// A new file in the place of what a dead process may have left: what that is linked to stays as it is.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let file = File::create_new(path).or_else(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            return Err(error);
        }
        fs::remove_file(path)?;
        File::create_new(path)
    })?;
    settle(path)?;
    Ok(file)
}

impl Repo {
    /// The lock files of what all worktrees share and a symbolic link may lead to: `config` and `packed-refs`.
    pub(crate) fn common_locks(&self) -> [PathBuf; 2] {
        let config = small::behind_links(&self.common_dir().join("config"));
        [lock_of(&config), lock_of(&self.packed_refs_file())]
    }

    /// Removes those of the `locks` that a dead process of ours left, and our names of them. The caller holds
    /// the advisory lock, so no living process of ours has any.
    pub(crate) fn remove_locks(&self, locks: &BTreeSet<PathBuf>) -> Result<(), GitError> {
        let mut ours = Vec::new();
        let home = self.common_dir().join("orchestrator");
        for item in items(&home).map_err(GitError::io(&home))? {
            if item.name.to_string_lossy().starts_with(OURS) {
                ours.push(home.join(item.name));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::object::Signature;
    use crate::git::refs::RefEdit;
    use crate::git::testing::{git, repository};

    #[test]
    fn packed_refs_behind_a_link_are_locked_and_written_where_they_are() {
        let (dir, repo) = repository();
        let at = |name: &str| dir.path().join(".git").join(name);
        git(dir.path(), &["update-ref", "refs/x/one", "HEAD"]);
        git(dir.path(), &["update-ref", "refs/x/two", "HEAD"]);
        git(dir.path(), &["pack-refs", "--all"]);
        fs::create_dir(at("shared")).unwrap();
        fs::rename(at("packed-refs"), at("shared/packed")).unwrap();
        std::os::unix::fs::symlink("shared/packed", at("packed-refs")).unwrap();
        let expected = repo.read_ref("refs/x/one").unwrap();
        let edits = [RefEdit { name: "refs/x/one".into(), expected, new: None, log: "gone".into() }];
        let soon = Duration::from_millis(20);
        // As git does: who has the lock of what the link leads to keeps us out, and who has that of the link does not.
        let theirs = at("shared/packed.lock");
        fs::write(&theirs, "").unwrap();
        let refused = repo.prepare(&edits, None, soon);
        assert!(
            matches!(refused, Err(GitError::Contended { ref path, .. }) if path.ends_with("shared/packed.lock")),
            "{refused:?}"
        );
        drop(refused);
        fs::rename(&theirs, at("packed-refs.lock")).unwrap();
        // That of a dead process of ours is found again.
        std::mem::forget(repo.prepare(&edits, None, soon).unwrap());
        assert!(theirs.exists());
        let locks = repo.common_locks().into_iter().chain([at("refs/x/one.lock")]).collect();
        repo.remove_locks(&locks).unwrap();
        assert!(!theirs.exists() && at("packed-refs.lock").exists());
        fs::remove_file(at("packed-refs.lock")).unwrap();
        let ada = Signature { name: "Ada".into(), email: "a@b".into(), seconds: 0, offset_minutes: 0 };
        let tidy = repo.prepare(&edits, None, soon).unwrap().commit(&ada).unwrap();
        assert!(matches!(tidy, crate::git::Tidy::Clean));
        assert_eq!(git(dir.path(), &["for-each-ref", "--format=%(refname)", "refs/x"]), "refs/x/two\n");
        assert_eq!(fs::read_link(at("packed-refs")).unwrap().to_str(), Some("shared/packed"));
        assert_eq!(fs::read_dir(at("shared")).unwrap().count(), 1);
    }
}
