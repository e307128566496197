//! What is in a directory.
//!
//! The standard library asserts that a directory can be closed: where a file system answers that with an error (one on a
//! network may), its `ReadDir`, and what is built on it, panics. A change of the board must not end so, and what it reads
//! of directories is read here, where an error of closing means what it means to git: nothing, since all was read.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// One name in a directory, and what it is; a link is not followed.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The name alone.
    pub(super) name: OsString,
    kind: FileType,
}

impl Item {
    /// Whether it is a directory.
    pub(super) fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }
}

/// What is in the directory at a path, which may be reached through links; in no order.
pub(super) fn items(path: &Path) -> io::Result<Vec<Item>> {
    read(path, OFlags::empty())
}

fn read(path: &Path, more: OFlags) -> io::Result<Vec<Item>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
    let mut directory = Dir::new(rustix::fs::open(path, flags, Mode::empty())?)?;
    let mut found = Vec::new();
    while let Some(entry) = directory.read() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            // Not every file system tells it here.
            FileType::Unknown => match rustix::fs::statat(directory.fd()?, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                // It is gone by now.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            },
            known => known,
        };
        found.push(Item { name: OsStr::from_bytes(name.to_bytes()).to_owned(), kind });
    }
    Ok(found)
}

/// A path that is no directory, below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// A regular file, or a symbolic link; anything else is neither data nor a name for some.
    pub(crate) is_file_or_link: bool,
}

/// All that is below a directory and is no directory itself, by name; no link below it is followed. A directory that is
/// not there, or not there any more, holds nothing. An error comes with its place.
pub(crate) fn leaves(root: &Path) -> Result<Vec<Leaf>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    let mut open = vec![(root.to_owned(), OFlags::empty())];
    while let Some((directory, more)) = open.pop() {
        let mut items = match read(&directory, more) {
            Err(error) if is_absent(&error) => continue,
            read => read.map_err(|error| (directory.clone(), error))?,
        };
        items.sort_unstable_by(|one, other| other.name.cmp(&one.name));
        for item in items {
            let path = directory.join(&item.name);
            if item.is_directory() {
                open.push((path, OFlags::NOFOLLOW));
            } else {
                let is_file_or_link = matches!(item.kind, FileType::RegularFile | FileType::Symlink);
                found.push(Leaf { path, is_file_or_link });
            }
        }
    }
    found.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Removes a directory, where nothing but directories is in it.
pub(super) fn remove_empty(directory: &Path) {
    for item in items(directory).unwrap_or_default() {
        if item.is_directory() {
            remove_empty(&directory.join(item.name));
        }
    }
    // Only what is empty goes; what is not makes the next step fail again.
    let _not_empty = std::fs::remove_dir(directory);
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn all_below_a_directory_is_found_and_no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        assert_eq!(leaves(&root).unwrap(), []);
        fs::create_dir_all(root.join("b/deep")).unwrap();
        fs::create_dir_all(dir.path().join("outside/more")).unwrap();
        fs::write(dir.path().join("outside/f"), "").unwrap();
        for name in ["b/deep/f", "a", "c"] {
            fs::write(root.join(name), "").unwrap();
        }
        symlink("../outside", root.join("link")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
        // The root itself may be a link.
        symlink("root", dir.path().join("way")).unwrap();
        let found = leaves(&dir.path().join("way")).unwrap();
        let names: Vec<(&str, bool)> = found
            .iter()
            .map(|leaf| (leaf.path.to_str().unwrap().rsplit_once("/way/").unwrap().1, leaf.is_file_or_link))
            .collect();
        let expected = [("a", true), ("b/deep/f", true), ("c", true), ("link", true), ("pipe", false)];
        assert_eq!(names, expected);
        assert_eq!(leaves(&root.join("a")).unwrap(), []);
    }

    #[test]
    fn many_names_are_read_to_the_last_one() {
        let dir = tempfile::tempdir().unwrap();
        let names: Vec<OsString> = (0..3000).map(|n| format!("{n:0200}").into()).collect();
        names.iter().for_each(|name| fs::write(dir.path().join(name), "").unwrap());
        let mut found: Vec<OsString> = items(dir.path()).unwrap().into_iter().map(|item| item.name).collect();
        found.sort();
        assert_eq!(found, names);
    }

    #[test]
    fn only_empty_directories_go() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(root.join("c")).unwrap();
        fs::write(root.join("c/f"), "").unwrap();
        remove_empty(&root);
        assert!(!root.join("a").exists() && root.join("c/f").exists());
        fs::remove_file(root.join("c/f")).unwrap();
        remove_empty(&root);
        assert!(!root.exists());
    }
}
