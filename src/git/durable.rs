//! Bytes on the disk, for boards that ask for it.
//!
//! gix never syncs, and git by default leaves loose objects and refs to the kernel too: after a power cut
//! either may be gone. What is done here is done only where the board's settings say `durability: fsync`.
//! A process that is killed loses nothing in either case.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::repo::Repo;
use super::{GitError, Oid};

impl Repo {
    /// Notes that this object was written, for [`sync_objects`](Repo::sync_objects).
    pub(super) fn note_written(&self, id: Oid) -> Oid {
        self.written.borrow_mut().push(id);
        id
    }

    /// Waits until the objects written through this handle, and their directories, are on the disk. What is
    /// packed already was not written here.
    pub(crate) fn sync_objects(&self) -> Result<(), GitError> {
        let objects = self.common_dir().join("objects");
        let hex = self.written.take().into_iter().map(|id| id.to_string());
        let files: Vec<PathBuf> = hex.map(|hex| objects.join(&hex[..2]).join(&hex[2..])).collect();
        sync(&files, &objects)
    }

    /// Waits until these refs (full names, or `HEAD` for the branch behind it) are on the disk.
    pub(crate) fn sync_refs<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<(), GitError> {
        let head = self.head()?;
        let files: Vec<PathBuf> = names
            .map(|name| match (name, head.branch()) {
                ("HEAD", Some(branch)) => self.common_dir().join(branch),
                ("HEAD", None) => self.git_dir().join(name),
                _ => self.common_dir().join(name),
            })
            .collect();
        sync(&files, self.common_dir())
    }
}

/// Syncs the files that are there, then the directories between them and `root`, this one included.
fn sync(files: &[PathBuf], root: &Path) -> Result<(), GitError> {
    let mut directories = BTreeSet::new();
    for file in files {
        sync_one(file)?;
        directories.extend(file.ancestors().skip(1).take_while(|above| above.starts_with(root)));
    }
    // The deepest first: an entry counts once the directory above it is safe too.
    directories.into_iter().rev().try_for_each(sync_one)
}

fn sync_one(path: &Path) -> Result<(), GitError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(GitError::io(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
