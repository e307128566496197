//! Small files, in as few system calls as can be.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::bounded;

/// What such a file is not longer than, as a rule.
const USUAL: usize = 512;
/// What it is never longer than: anything that is read so has a few MiB at most.
const LONGEST: usize = 64 << 20;

/// The whole of a file that is expected to be small. Its length is not asked for first, which costs as much as to
/// read it.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A file that is read directly asks for its length; a part of one can't.
    bounded::into(Vec::with_capacity(USUAL), File::open(path)?, LONGEST)
}

/// The whole of a small file of ours; none where there is none, or something else than a file: a link, a directory.
pub(crate) fn read_own(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut options = OpenOptions::new();
    let read = plainly(options.read(true)).open(path);
    match read.and_then(|file| bounded::into(Vec::with_capacity(USUAL), file, LONGEST)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_no_file(&error) => Ok(None),
        read => read.map(Some),
    }
}

/// Whether an error tells that something else than a file is there.
pub(crate) fn is_no_file(error: &io::Error) -> bool {
    let codes = [Errno::LOOP, Errno::ISDIR, Errno::NXIO];
    codes.iter().any(|code| error.raw_os_error() == Some(code.raw_os_error()))
}

/// The same as text.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "is not UTF-8");
    String::from_utf8(read(path)?).map_err(not_text)
}

/// These options for a file of ours: a link in its place is not followed, and a pipe not waited for.
pub(crate) fn plainly(options: &mut OpenOptions) -> &mut OpenOptions {
    let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK);
    // The bits are few and low on every system.
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
}

/// The ref that a symbolic link names, as `core.preferSymlinkRefs` has git write it. Any other link is read through.
pub(super) fn link_to_ref(path: &Path) -> Option<String> {
    let target = std::fs::read_link(path).ok()?.into_os_string().into_string().ok()?;
    target.starts_with("refs/").then_some(target)
}

/// Where git would lock and write this file of its own (`config`, `packed-refs`): a symbolic link in its place leads to
/// the file, and stays. As git does, five links are followed and no more; what they lead to need not be there.
pub(super) fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..5 {
        // Nearly always it is no link, which costs one look.
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_length_is_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        for length in [0, 1, USUAL - 1, USUAL, USUAL + 1, 100_000] {
            let content: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            std::fs::write(&path, &content).unwrap();
            assert_eq!(read(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_link_leads_to_the_file_that_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, at(name)).unwrap();
        std::fs::create_dir(at("d")).unwrap();
        link("d/one", "config");
        link("../two", "d/one");
        link(at("three").to_str().unwrap(), "two");
        assert_eq!(behind_links(&at("config")), at("three"));
        std::fs::write(at("three"), "").unwrap();
        assert_eq!(behind_links(&at("config")), at("three"));
        assert_eq!(behind_links(&at("d")), at("d"));
        // It ends.
        link("circle", "circle");
        assert_eq!(behind_links(&at("circle")), at("circle"));
    }
}
