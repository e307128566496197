//! What of a git directory this user, or those with whom it is shared, can't use. Looked at before a change fails on it.
//!
//! The look is bounded: of the objects only the directories that they are written to, of refs, logs and files of ours a
//! number that a repository hardly has.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};

use super::repo::Repo;
use super::shared;

/// How many refs, logs and files of ours are looked at, at most, each.
const MOST: usize = 2_000;

/// One thing in a git directory that can't be used as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// Where.
    pub(crate) path: PathBuf,
    /// The number of the user whose it is.
    pub(crate) owner: u32,
    /// Its permissions.
    pub(crate) mode: u32,
    /// What is wrong with it.
    pub(crate) how: How,
}

/// Why it can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// This user may not write it.
    Unwritable,
    /// Something else stands where a directory is expected.
    NoDirectory,
    /// Something else stands where a file is expected.
    NoFile,
    /// It lacks permissions that git gives in a repository that is shared as this one is.
    Unshared,
}

/// What is expected at a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    /// A file that is written where it is.
    File,
    /// A directory in which files are made.
    Directory,
    /// A file that is read, and replaced by another one.
    Read,
}

impl Repo {
    /// What of the git directory can't be used, in the order of their paths.
    pub(crate) fn unusable(&self) -> Vec<Unusable> {
        let mut found = Vec::new();
        let mut places = self.places();
        places.sort();
        places.dedup_by(|one, other| one.0 == other.0);
        for (path, wanted) in places {
            // What is not there is made when it is needed.
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            let target = if meta.is_symlink() { fs::metadata(&path).unwrap_or(meta) } else { meta };
            let mode = target.permissions().mode() & 0o7777;
            let how = match wanted {
                Wanted::Directory if !target.is_dir() => Some(How::NoDirectory),
                Wanted::File | Wanted::Read if !target.is_file() => Some(How::NoFile),
                Wanted::Directory if !may(&path, Access::WRITE_OK | Access::EXEC_OK) => Some(How::Unwritable),
                Wanted::File if !may(&path, Access::WRITE_OK) => Some(How::Unwritable),
                Wanted::Directory | Wanted::File | Wanted::Read => None,
            };
            let is_unshared = || shared::wanted(&path, mode, target.is_dir()).is_some_and(|new| new != mode);
            let how = how.or_else(|| is_unshared().then_some(How::Unshared));
            found.extend(how.map(|how| Unusable { path, owner: target.uid(), mode, how }));
        }
        found
    }

    /// What a change of the board writes, or may have to write.
    fn places(&self) -> Vec<(PathBuf, Wanted)> {
        let (common, own) = (self.common_dir(), self.git_dir());
        let mut found = Vec::new();
        for directory in [
            "objects",
            "objects/pack",
            "objects/info",
            "refs",
            "refs/heads",
            "refs/orchestrator",
            "refs/orchestrator/claims",
            "refs/orchestrator/locks",
            "logs",
            "orchestrator",
            "orchestrator/presence",
        ] {
            found.push((common.join(directory), Wanted::Directory));
        }
        found.extend([common, own].map(|directory| (directory.to_owned(), Wanted::Directory)));
        found.extend((0..=255).map(|n| (common.join(format!("objects/{n:02x}")), Wanted::Directory)));
        found.push((common.join("orchestrator/lock"), Wanted::File));
        found.push((own.join("logs/HEAD"), Wanted::File));
        for name in ["packed-refs", "config"] {
            found.push((common.join(name), Wanted::Read));
        }
        for name in ["HEAD", "index"] {
            found.push((own.join(name), Wanted::Read));
        }
        for (below, file) in
            [("refs", Wanted::Read), ("logs/refs", Wanted::File), ("orchestrator", Wanted::Read)]
        {
            let walk = walkdir::WalkDir::new(common.join(below)).follow_links(false).into_iter();
            // A link, or a pipe, is judged by who reads it.
            let kind = |entry: walkdir::DirEntry| match entry.file_type() {
                kind if kind.is_dir() => Some((entry.into_path(), Wanted::Directory)),
                kind if kind.is_file() => Some((entry.into_path(), file)),
                _ => None,
            };
            found.extend(walk.filter_map(Result::ok).take(MOST).filter_map(kind));
        }
        found.retain(|(path, _)| path.extension().is_none_or(|ending| ending != "lock"));
        // The file of presence is touched where it is, and so is the journal.
        let presence = common.join("orchestrator/presence");
        for (path, wanted) in &mut found {
            if path.parent() == Some(&presence) {
                *wanted = Wanted::File;
            }
        }
        found
    }

    /// Whether this user owns what is there.
    pub(crate) fn is_own(&self, path: &Path) -> bool {
        super::ownership::is_own(path)
    }

    /// The commands that give a shared git directory the permissions that git gives; none where it is not shared.
    pub(crate) fn sharing_commands(&self) -> Option<Vec<String>> {
        let at = format!("'{}'", self.common_dir().display().to_string().replace('\'', r"'\''"));
        let [directory, writable, read] = shared::chmod_words(self.common_dir())?;
        Some(vec![
            format!("find {at} -type d -exec chmod {directory} {{}} +"),
            format!("find {at} -type f -perm -u+w -exec chmod {writable} {{}} +"),
            format!("find {at} -type f ! -perm -u+w -exec chmod {read} {{}} +"),
        ])
    }
}

/// Whether this user may. What can't be looked at is told elsewhere.
fn may(path: &Path, access: Access) -> bool {
    !matches!(
        rustix::fs::accessat(CWD, path, access, AtFlags::EACCESS),
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::ROFS | rustix::io::Errno::PERM)
    )
}
