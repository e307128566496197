//! The files of a worktree.
//!
//! A file is replaced and never rewritten in place: whoever has it open keeps what he opened. No link is
//! followed on the way to a file or at its end, and nothing that could block (a FIFO, a device) is waited for.
//!
//! Between the look at a file and the act somebody may edit it. So what is replaced is exchanged with its successor in
//! one step, and what is removed is moved aside, and then looked at: it goes only if it is the version that was
//! expected; else it is put back, and the change is refused. What is new never takes the place of anything. Where a
//! file system can't exchange, a last comparison right before the rename has to do.
//!
//! In between, `.<name>.orchestrator-tmp` holds what is to come or what was there. A process that dies then leaves it,
//! and [`Files::settle_leftover`] tells which of the two it is.
//!
//! The file is long because the tests of every window stand beside it.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::bounded;
use super::way::{Way, apart, in_the_way};
use super::{GitError, Oid, blob_id};

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

const EDITED: &str = "it was edited and is not committed";
const UNTRACKED: &str = "an untracked file of that name is there";
const TOO_LONG: &str = "it is longer than 64 MiB, and no file that is written here is";

/// The most bytes that are read of one file: a file of a board has 4 MiB at most.
const LONGEST: usize = 64 << 20;

/// The files below one root, for the length of one command: a directory is opened once. Threads may share it.
pub(crate) struct Files {
    way: Way,
    /// The permissions of the files that were read.
    modes: Mutex<HashMap<String, Mode>>,
}

/// What stands at the end of a way.
enum End {
    /// A regular file, so long, with these permissions.
    File(u64, Mode),
    /// Nothing.
    Nothing,
}

/// What was found under the name of a file that was to be replaced or removed, after the act.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    /// The version that was expected.
    Expected,
    /// Something of somebody else's.
    Other,
}

impl Files {
    /// The files below this root.
    pub(crate) fn at(root: &Path) -> Self {
        Self { way: Way::from(root), modes: Mutex::default() }
    }

    /// What is at the end of the way: a file, or nothing.
    fn look(&self, directory: &OwnedFd, relative: &str) -> Result<End, GitError> {
        match rustix::fs::statat(directory, apart(relative).1, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {
                    let length = u64::try_from(stat.st_size).unwrap_or(0);
                    Ok(End::File(length, Mode::from_raw_mode(stat.st_mode)))
                }
                FileType::Symlink => Err(in_the_way(relative, "it is a symbolic link")),
                FileType::Directory => Err(in_the_way(relative, "it is a directory")),
                _ => Err(in_the_way(relative, "it is no regular file")),
            },
            Err(Errno::NOENT) => Ok(End::Nothing),
            Err(error) => Err(self.way.error(relative, error)),
        }
    }

    /// The bytes of a file; none if it is not there.
    pub(crate) fn read(&self, relative: &str) -> Result<Option<Vec<u8>>, GitError> {
        let Some(directory) = self.way.open(apart(relative).0)? else { return Ok(None) };
        let End::File(length, mode) = self.look(&directory, relative)? else { return Ok(None) };
        if length > LONGEST as u64 {
            return Err(in_the_way(relative, TOO_LONG));
        }
        self.modes.lock().unwrap_or_else(PoisonError::into_inner).insert(relative.to_owned(), mode);
        let read = read_at(&directory, apart(relative).1, length);
        read.map(Some).map_err(|error| self.way.error(relative, error))
    }

    /// Makes a file that must not be there yet, with the directories it needs; none if there is something.
    pub(crate) fn create_new(&self, relative: &str) -> Result<Option<File>, GitError> {
        let directory = self.way.make(apart(relative).0)?;
        match create_at(&directory, apart(relative).1) {
            Ok(file) => Ok(Some(file)),
            Err(Errno::EXIST) => Ok(None),
            Err(error) => Err(self.way.error(relative, error)),
        }
    }

    /// Puts a file where none is, whole or not at all, with the directories it needs; whether none was there.
    pub(crate) fn write_new(&self, relative: &str, bytes: &[u8]) -> Result<bool, GitError> {
        let Some(mut file) = self.create_new(relative)? else { return Ok(false) };
        let written = file.write_all(bytes);
        if let Err(error) = written {
            let directory = self.way.make(apart(relative).0)?;
            // Half a file is worse than none, and this one is ours.
            let _the_error_is_told = rustix::fs::unlinkat(directory, apart(relative).1, AtFlags::empty());
            return Err(self.way.error(relative, error));
        }
        Ok(true)
    }

    /// Replaces the file that has this content, or where `expected` is none makes the file, with the directories it
    /// needs. Refused, with everything as it was, where something else is there, even if it has come just now.
    pub(crate) fn write(
        &self,
        relative: &str,
        expected: Option<Oid>,
        bytes: &[u8],
    ) -> Result<Stat, GitError> {
        let (above, name) = apart(relative);
        let directory = self.way.make(above)?;
        let mode = match expected {
            Some(_) => self.mode(&directory, relative)?,
            None => None,
        };
        let temporary = temporary(name);
        let failed = |error: io::Error| self.way.error(relative, error);
        let mut file = self.create_temporary(&directory, relative, &temporary)?;
        let written = file.write_all(bytes).and_then(|()| match mode {
            Some(mode) => rustix::fs::fchmod(&file, mode).map_err(Into::into),
            None => Ok(()),
        });
        let put = match (written, expected) {
            (Err(error), _) => Err(failed(error)),
            (Ok(()), Some(old)) => self.exchange(&directory, relative, &temporary, old, bytes),
            (Ok(()), None) => self.put_new(&directory, relative, &temporary),
        };
        if let Err(error) = put {
            // Unless it is not ours any more.
            if is_same(&directory, &temporary, &file) {
                let _the_next_one_removes_it = rustix::fs::unlinkat(&directory, &temporary, AtFlags::empty());
            }
            return Err(error);
        }
        // Only now: the rename has changed the file's ctime. If it is longer or shorter than what was written, somebody
        // has edited it since, and git is to look at its content.
        let meta = file.metadata().map_err(failed)?;
        Ok(if meta.len() == bytes.len() as u64 { Stat::from(&meta) } else { Stat::default() })
    }

    /// Removes the file that has this content, and the directories below the first one that it leaves empty. Refused,
    /// with everything as it was, where it has another one by now.
    pub(crate) fn remove(&self, relative: &str, expected: Oid) -> Result<(), GitError> {
        let (above, name) = apart(relative);
        let Some(directory) = self.way.open(above)? else { return Ok(()) };
        let End::File(length, _) = self.look(&directory, relative)? else { return Ok(()) };
        let temporary = temporary(name);
        match rename_new(&directory, name, &temporary) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(()),
            Err(Errno::EXIST) => {
                self.set_aside(&directory, relative, &temporary)?;
                rename_new(&directory, name, &temporary).map_err(|error| self.way.error(relative, error))?;
            }
            Err(error) => return Err(self.way.error(relative, error)),
        }
        if came_out(&directory, &temporary, length, expected) == Came::Other {
            self.put_back(&directory, relative, &temporary)?;
            return Err(in_the_way(relative, EDITED));
        }
        self.unlink(&directory, relative, &temporary)?;
        let below: Vec<&str> = relative.match_indices('/').map(|(at, _)| &relative[..at]).skip(1).collect();
        for directory in below.into_iter().rev() {
            if !self.way.remove_empty(directory)? {
                break;
            }
        }
        Ok(())
    }

    fn mode(&self, directory: &OwnedFd, relative: &str) -> Result<Option<Mode>, GitError> {
        let known = self.modes.lock().unwrap_or_else(PoisonError::into_inner).get(relative).copied();
        match known {
            Some(mode) => Ok(Some(mode)),
            None => match self.look(directory, relative)? {
                End::File(_, mode) => Ok(Some(mode)),
                End::Nothing => Err(in_the_way(relative, "it was deleted and is not committed")),
            },
        }
    }

    fn create_temporary(
        &self,
        directory: &OwnedFd,
        relative: &str,
        temporary: &str,
    ) -> Result<File, GitError> {
        let made = match create_at(directory, temporary) {
            Err(Errno::EXIST) => {
                // What nobody has settled may be somebody's.
                self.set_aside(directory, relative, temporary)?;
                create_at(directory, temporary)
            }
            made => made,
        };
        made.map_err(|error| self.way.error(relative, error))
    }

    /// Exchanges a file with its successor, and looks at what came out.
    fn exchange(
        &self,
        directory: &OwnedFd,
        relative: &str,
        temporary: &str,
        old: Oid,
        new: &[u8],
    ) -> Result<(), GitError> {
        let name = apart(relative).1;
        match rustix::fs::renameat_with(directory, temporary, directory, name, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Err(in_the_way(relative, "it was deleted and is not committed")),
            Err(error) if is_unsupported(error) => {
                let End::File(length, _) = self.look(directory, relative)? else {
                    return Err(in_the_way(relative, "it was deleted and is not committed"));
                };
                if came_out(directory, name, length, old) == Came::Other {
                    return Err(in_the_way(relative, EDITED));
                }
                return rustix::fs::renameat(directory, temporary, directory, name)
                    .map_err(|error| self.way.error(relative, error));
            }
            Err(error) => return Err(self.way.error(relative, error)),
        }
        if came_out(directory, temporary, new.len() as u64, old) == Came::Expected {
            return self.unlink(directory, relative, temporary);
        }
        self.exchange_back(directory, relative, temporary, blob_id(new))?;
        Err(in_the_way(relative, EDITED))
    }

    /// Puts back what came out, in the place of ours. What came after ours is set aside and stays.
    fn exchange_back(
        &self,
        directory: &OwnedFd,
        relative: &str,
        temporary: &str,
        ours: Oid,
    ) -> Result<(), GitError> {
        let name = apart(relative).1;
        match rustix::fs::renameat_with(directory, temporary, directory, name, RenameFlags::EXCHANGE) {
            Ok(()) if came_out(directory, temporary, 0, ours) == Came::Expected => {
                self.unlink(directory, relative, temporary)
            }
            Ok(()) => self.set_aside(directory, relative, temporary),
            Err(Errno::NOENT) => self.put_back(directory, relative, temporary),
            Err(error) => Err(self.way.error(relative, error)),
        }
    }

    /// Puts a file where none is.
    fn put_new(&self, directory: &OwnedFd, relative: &str, temporary: &str) -> Result<(), GitError> {
        match rename_new(directory, temporary, apart(relative).1) {
            Err(Errno::EXIST) => Err(in_the_way(relative, UNTRACKED)),
            renamed => renamed.map_err(|error| self.way.error(relative, error)),
        }
    }

    /// Puts back what was moved aside; what has come meanwhile stays, and the other one beside it.
    fn put_back(&self, directory: &OwnedFd, relative: &str, temporary: &str) -> Result<(), GitError> {
        match rename_new(directory, temporary, apart(relative).1) {
            Err(Errno::EXIST) => self.set_aside(directory, relative, temporary),
            renamed => renamed.map_err(|error| self.way.error(relative, error)),
        }
    }

    /// Keeps what may be somebody's under a name that nobody writes to.
    fn set_aside(&self, directory: &OwnedFd, relative: &str, temporary: &str) -> Result<(), GitError> {
        let name = apart(relative).1;
        let names = (1..100).map(|n| if n == 1 { format!("{name}.orig") } else { format!("{name}.orig{n}") });
        for aside in names {
            match rename_new(directory, temporary, &aside) {
                Err(Errno::EXIST) => {}
                Ok(()) | Err(Errno::NOENT) => return Ok(()),
                Err(error) => return Err(self.way.error(relative, error)),
            }
        }
        Err(self.way.error(relative, Errno::EXIST))
    }

    fn unlink(&self, directory: &OwnedFd, relative: &str, name: &str) -> Result<(), GitError> {
        match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
            Err(error) if error != Errno::NOENT => Err(self.way.error(&sibling(relative, name), error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Settles what a dead process left beside a file that it was bringing from `old` to `new`: versions of ours go,
    /// and what it had displaced of somebody else is put back. `successor` reads the new version.
    pub(crate) fn settle_leftover(
        &self,
        relative: &str,
        [old, new]: [Option<Oid>; 2],
        successor: impl FnOnce(Oid) -> Result<Vec<u8>, GitError>,
    ) -> Result<(), GitError> {
        let (above, name) = apart(relative);
        let Some(directory) = self.way.open(above)? else { return Ok(()) };
        let temporary = temporary(name);
        let beside = sibling(relative, &temporary);
        let left = match self.look(&directory, &beside) {
            Ok(End::Nothing) => return Ok(()),
            // No version of ours is so long.
            Ok(End::File(length, _)) if length > LONGEST as u64 => None,
            Ok(End::File(length, _)) => {
                Some(read_at(&directory, &temporary, length).map_err(|e| self.way.error(&beside, e))?)
            }
            // A link or a directory: displaced, since we make none.
            Err(GitError::InTheWay { .. }) => None,
            Err(other) => return Err(other),
        };
        let id = left.as_deref().map(blob_id);
        if id.is_some() && (id == old || id == new) {
            return self.unlink(&directory, relative, &temporary);
        }
        let shown = match self.look(&directory, relative) {
            Ok(End::Nothing) => None,
            Ok(End::File(length, _)) if length > LONGEST as u64 => {
                return self.set_aside(&directory, relative, &temporary);
            }
            Ok(End::File(length, _)) => {
                let read =
                    read_at(&directory, name, length).map_err(|error| self.way.error(relative, error))?;
                Some(blob_id(&read))
            }
            Err(GitError::InTheWay { .. }) => return self.set_aside(&directory, relative, &temporary),
            Err(other) => return Err(other),
        };
        match new {
            // The exchange was made, or the file was moved aside.
            Some(new) if shown == Some(new) => self.exchange_back(&directory, relative, &temporary, new),
            None if shown.is_none() => self.put_back(&directory, relative, &temporary),
            Some(new) => {
                // Killed while it was written.
                let is_torn = left.map_or(Ok(false), |left| Ok(successor(new)?.starts_with(&left)))?;
                if is_torn {
                    self.unlink(&directory, relative, &temporary)
                } else {
                    self.set_aside(&directory, relative, &temporary)
                }
            }
            None => self.set_aside(&directory, relative, &temporary),
        }
    }
}

/// Opens neither what a link leads to nor what waits for somebody.
const PLAIN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

fn create_at(directory: &OwnedFd, name: &str) -> Result<File, Errno> {
    let flags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(PLAIN);
    rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o666)).map(File::from)
}

/// The content of a file that is expected to be so long. It may have grown since, or be no file any more and have no
/// end: there is a limit to what is read.
fn read_at(directory: &OwnedFd, name: &str, length: u64) -> io::Result<Vec<u8>> {
    let mut file = File::from(rustix::fs::openat(directory, name, PLAIN, Mode::empty())?);
    let length = usize::try_from(length).map_or(LONGEST, |length| length.min(LONGEST));
    let mut bytes = vec![0; length + 1];
    let read = file.read(&mut bytes)?;
    bytes.truncate(read);
    if read == length { Ok(bytes) } else { bounded::into(bytes, file, LONGEST) }
}

/// Whether a name has the expected content. What can't be read has another one.
fn came_out(directory: &OwnedFd, name: &str, length: u64, expected: Oid) -> Came {
    let read = read_at(directory, name, length);
    let is_expected = read.is_ok_and(|bytes| {
        // What gives nothing may be a pipe.
        let is_file = || {
            let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
            stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
        };
        blob_id(&bytes) == expected && (!bytes.is_empty() || is_file())
    });
    if is_expected { Came::Expected } else { Came::Other }
}

/// Whether a name is this open file.
fn is_same(directory: &OwnedFd, name: &str, file: &File) -> bool {
    let named = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    let open = rustix::fs::fstat(file);
    matches!((named, open), (Ok(one), Ok(other)) if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// Renames to a name that must be free.
fn rename_new(directory: &OwnedFd, from: &str, to: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(directory, from, directory, to, RenameFlags::NOREPLACE) {
        Err(error) if is_unsupported(error) => {
            // A link is never made over anything either.
            rustix::fs::linkat(directory, from, directory, to, AtFlags::empty())?;
            rustix::fs::unlinkat(directory, from, AtFlags::empty())
        }
        renamed => renamed,
    }
}

/// Whether a file system, or a kernel, does not know this kind of rename.
fn is_unsupported(error: Errno) -> bool {
    [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP].contains(&error)
}

fn sibling(relative: &str, name: &str) -> String {
    match apart(relative).0 {
        "" => name.to_owned(),
        above => format!("{above}/{name}"),
    }
}

/// The name under which a file is written before it is put in its place, and under which it goes.
fn temporary(name: &str) -> String {
    format!(".{name}.orchestrator-tmp")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn id(text: &str) -> Oid {
        blob_id(text.as_bytes())
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_made_replaced_and_removed_with_their_directories() {
        let dir = tempfile::tempdir().unwrap();
        let (root, files) = (dir.path(), Files::at(dir.path()));
        assert_eq!(files.read("b/x/y.yaml").unwrap(), None);
        let stat = files.write("b/x/y.yaml", None, b"one").unwrap();
        assert_eq!(stat, Stat::from(&fs::metadata(root.join("b/x/y.yaml")).unwrap()));
        let open = File::open(root.join("b/x/y.yaml")).unwrap();
        let stat = files.write("b/x/y.yaml", Some(id("one")), b"two").unwrap();
        assert_eq!(stat, Stat::from(&fs::metadata(root.join("b/x/y.yaml")).unwrap()));
        assert_eq!(io::read_to_string(open).unwrap(), "one");
        assert_eq!(files.read("b/x/y.yaml").unwrap().unwrap(), b"two");
        assert_eq!(names(&root.join("b/x")), ["y.yaml"]);
        files.remove("b/x/y.yaml", id("two")).unwrap();
        assert!(root.join("b").exists() && !root.join("b/x").exists());
        files.write("b/x/z/y.yaml", None, b"three").unwrap();
        assert_eq!(fs::read(root.join("b/x/z/y.yaml")).unwrap(), b"three");
    }

    #[test]
    fn more_directories_than_are_kept_open_are_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::at(dir.path());
        for n in 0..3 * super::super::way::KEPT {
            files.write(&format!("b/t/{n}/f"), None, b"one").unwrap();
            files.write(&format!("b/t/{n}/f"), Some(id("one")), b"two").unwrap();
        }
        for n in 0..3 * super::super::way::KEPT {
            files.remove(&format!("b/t/{n}/f"), id("two")).unwrap();
        }
        assert_eq!(names(&dir.path().join("b")), Vec::<String>::new());
    }

    /// The permissions are those of the file that was there.
    #[test]
    fn permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        for is_read_first in [false, true] {
            fs::write(&path, "one").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
            let files = Files::at(dir.path());
            if is_read_first {
                files.read("f").unwrap();
            }
            files.write("f", Some(id("one")), b"two").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o751);
        }
    }

    /// What the file is edited to just before the act, as far as we can tell from after it.
    #[test]
    fn what_came_in_between_is_put_back_and_refuses() {
        let dir = tempfile::tempdir().unwrap();
        let (root, path) = (dir.path(), dir.path().join("f"));
        fs::write(&path, "an edit").unwrap();
        let files = Files::at(root);
        let refused = |done: Result<(), GitError>| assert!(matches!(done, Err(GitError::InTheWay { .. })));
        refused(files.write("f", Some(id("one")), b"two").map(drop));
        refused(files.write("f", None, b"two").map(drop));
        refused(files.remove("f", id("one")));
        assert_eq!(fs::read(&path).unwrap(), b"an edit");
        assert_eq!(names(root), ["f"]);
        fs::remove_file(&path).unwrap();
        refused(files.write("f", Some(id("one")), b"two").map(drop));
        assert_eq!(names(root), Vec::<String>::new());
        // Neither a pipe, nor a directory, nor a link is an empty file.
        for make in ["mkfifo f", "mkdir f", "ln -s nowhere f"] {
            let sh = |script: &str| {
                let status = std::process::Command::new("sh").args(["-c", script]).current_dir(root).status();
                assert!(status.unwrap().success());
            };
            fs::write(&path, "").unwrap();
            let files = Files::at(root);
            files.read("f").unwrap();
            fs::remove_file(&path).unwrap();
            sh(make);
            refused(files.write("f", Some(id("")), b"two").map(drop));
            refused(files.remove("f", id("")));
            assert_eq!(names(root), ["f"], "{make}");
            assert!(!fs::symlink_metadata(&path).unwrap().is_file());
            sh("rm -r f");
        }
    }

    #[test]
    fn what_a_dead_process_left_is_told_from_what_it_displaced() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let left = root.join(".f.orchestrator-tmp");
        // What is left, what is shown; what is there in the end.
        for (beside, shown, end) in [
            (Some("new!"), Some("old"), ("old", None)),
            (Some("old"), Some("new!"), ("new!", None)),
            (Some("ne"), Some("old"), ("old", None)),
            (Some(""), Some("old"), ("old", None)),
            (Some("an edit"), Some("new!"), ("an edit", None)),
            (Some("an edit"), Some("another"), ("another", Some("an edit"))),
        ] {
            for (path, text) in [(&left, beside), (&root.join("f"), shown)] {
                text.into_iter().for_each(|text| fs::write(path, text).unwrap());
            }
            let versions = [Some(id("old")), Some(id("new!"))];
            Files::at(root).settle_leftover("f", versions, |_| Ok(b"new!".to_vec())).unwrap();
            assert!(!left.exists());
            assert_eq!(fs::read_to_string(root.join("f")).unwrap(), end.0, "{beside:?}");
            let aside = fs::read_to_string(root.join("f.orig")).ok();
            assert_eq!(aside.as_deref(), end.1, "{beside:?}");
        }
        // Of a file that was to be removed.
        fs::remove_file(root.join("f")).unwrap();
        for (beside, end) in [("old", None), ("an edit", Some("an edit"))] {
            fs::write(&left, beside).unwrap();
            let none = |_| unreachable!("nothing is to come");
            Files::at(root).settle_leftover("f", [Some(id("old")), None], none).unwrap();
            assert_eq!(fs::read_to_string(root.join("f")).ok().as_deref(), end);
        }
        // What nobody settled is not written over.
        fs::write(&left, "whose?").unwrap();
        Files::at(root).write("f", Some(id("an edit")), b"new!").unwrap();
        assert_eq!(names(root), ["f", "f.orig", "f.orig2"]);
        assert_eq!(fs::read_to_string(root.join("f.orig2")).unwrap(), "whose?");
    }

    #[test]
    fn no_link_is_followed_and_nothing_that_blocks_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir(root.join("outside")).unwrap();
        std::os::unix::fs::symlink("outside", root.join("link")).unwrap();
        std::os::unix::fs::symlink("outside/x", root.join("outside/end")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
        for path in ["link/x", "link/new/x", "outside/end", "pipe", "pipe/x"] {
            let files = Files::at(root);
            assert!(matches!(files.read(path), Err(GitError::InTheWay { .. })), "{path}");
            for expected in [None, Some(id("one"))] {
                let written = files.write(path, expected, b"x");
                assert!(matches!(written, Err(GitError::InTheWay { .. })), "{path}");
            }
            assert!(matches!(files.remove(path, id("one")), Err(GitError::InTheWay { .. })), "{path}");
            assert!(!files.write_new(path, b"x").unwrap_or(false), "{path}");
        }
        assert_eq!(names(&root.join("outside")), ["end"]);
    }

    #[test]
    fn what_has_no_end_or_is_far_too_long_is_not_read_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let files = Files::at(root);
        let long = |bytes: u64| {
            fs::write(root.join("f"), "one")
                .and_then(|()| File::options().write(true).open(root.join("f"))?.set_len(bytes))
                .unwrap()
        };
        long(LONGEST as u64 + 1);
        let refused = files.read("f").unwrap_err().to_string();
        assert!(refused.contains("longer than 64 MiB"), "{refused}");
        // It was short when it was looked at.
        let directory = files.way.open("").unwrap().unwrap();
        assert_eq!(read_at(&directory, "f", 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        // Holes take no room on the disk, but would in memory.
        long(1 << 36);
        for refused in [files.write("f", Some(id("one")), b"two").map(drop), files.remove("f", id("one"))] {
            assert!(matches!(refused, Err(GitError::InTheWay { .. })), "{refused:?}");
        }
        assert_eq!(fs::metadata(root.join("f")).unwrap().len(), 1 << 36);
        assert_eq!(names(root), ["f"]);
        long(LONGEST as u64);
        assert_eq!(files.read("f").unwrap().unwrap().len(), LONGEST);
    }

    #[test]
    fn a_directory_that_a_link_has_replaced_leads_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("b/x")).unwrap();
        fs::create_dir(root.join("outside")).unwrap();
        fs::write(root.join("b/x/f"), "one").unwrap();
        let files = Files::at(root);
        files.read("b/x/f").unwrap();
        fs::rename(root.join("b"), root.join("moved")).unwrap();
        std::os::unix::fs::symlink("outside", root.join("b")).unwrap();
        files.write("b/x/f", Some(id("one")), b"two").unwrap();
        assert_eq!(names(&root.join("outside")), Vec::<String>::new());
        assert_eq!(fs::read(root.join("moved/x/f")).unwrap(), b"two");
    }
}
