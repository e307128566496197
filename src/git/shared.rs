//! Modes of what is made in a git directory, where `core.sharedRepository` shares it with a group or with everybody.
//!
//! The umask of one user must not keep the others out. As git does, each file and directory is given its mode when it is
//! made, before it has the name under which others find it. Which git directories are shared is known to the process,
//! since files are made in places that know no more than where they are.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// With whom a git directory is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    /// At least with these permissions.
    Atleast(u32),
    /// With exactly these.
    Exactly(u32),
}

/// Whether any is shared: nearly always none, and nothing else is asked then.
static ANY: AtomicBool = AtomicBool::new(false);
static KNOWN: RwLock<Vec<(PathBuf, Option<Sharing>)>> = RwLock::new(Vec::new());

const SETGID: u32 = 0o2000;

/// What the setting says; an error where git would refuse it.
fn parse(value: Option<&str>) -> Result<Option<Sharing>, String> {
    let Some(value) = value else { return Ok(None) };
    Ok(match value.to_ascii_lowercase().as_str() {
        "umask" | "false" | "no" | "off" | "0" => None,
        "group" | "true" | "yes" | "on" | "1" => Some(Sharing::Atleast(0o660)),
        "all" | "world" | "everybody" | "2" => Some(Sharing::Atleast(0o664)),
        other => match u32::from_str_radix(other, 8) {
            Ok(mode) if mode & 0o600 == 0o600 => Some(Sharing::Exactly(mode & 0o666)),
            Ok(_) => {
                return Err(format!("core.sharedRepository is `{other}`, which takes a file from its owner"));
            }
            Err(_) => {
                return Err(format!("core.sharedRepository is `{other}`; one of umask, group, all, 0xxx"));
            }
        },
    })
}

/// Notes how this git directory is shared.
pub(super) fn note(common_dir: &Path, value: Option<&str>) -> Result<(), String> {
    let sharing = parse(value)?;
    if sharing.is_none() && !ANY.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.retain(|(path, _)| path != common_dir);
    known.push((common_dir.to_owned(), sharing));
    ANY.store(true, Ordering::Relaxed);
    Ok(())
}

fn sharing_of(path: &Path) -> Option<Sharing> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let around = known.iter().filter(|(directory, _)| path.starts_with(directory));
    // That of a submodule lies in that of the repository around it.
    around.max_by_key(|(directory, _)| directory.components().count()).and_then(|(_, sharing)| *sharing)
}

/// The mode that git gives to what has this one.
fn adjusted(mode: u32, is_directory: bool, sharing: Sharing) -> u32 {
    let (Sharing::Atleast(mut tweak) | Sharing::Exactly(mut tweak)) = sharing;
    if mode & 0o200 == 0 {
        tweak &= !0o222;
    }
    if mode & 0o100 != 0 {
        tweak |= (tweak & 0o444) >> 2;
    }
    let mut new = match sharing {
        Sharing::Atleast(_) => mode | tweak,
        Sharing::Exactly(_) => (mode & !0o777) | tweak,
    };
    if is_directory {
        new |= (new & 0o444) >> 2;
        if new & 0o060 != 0 {
            new |= SETGID;
        }
    }
    new
}

/// The mode that git gives to what is at `path`, has this one, and lies in a shared git directory; none where it is not
/// shared.
pub(super) fn wanted(path: &Path, mode: u32, is_directory: bool) -> Option<u32> {
    sharing_of(path).map(|sharing| adjusted(mode, is_directory, sharing))
}

/// What `chmod` is to be told for directories, for files that are written, and for those that never change.
pub(super) fn chmod_words(common_dir: &Path) -> Option<[String; 3]> {
    Some(match sharing_of(common_dir)? {
        Sharing::Atleast(0o664) => ["g+rwxs,o+rx".to_owned(), "g+rw,o+r".to_owned(), "g+r,o+r".to_owned()],
        Sharing::Atleast(_) => ["g+rwxs".to_owned(), "g+rw".to_owned(), "g+r".to_owned()],
        exact @ Sharing::Exactly(_) => [(0o700, true), (0o600, false), (0o400, false)]
            .map(|(mode, is_directory)| format!("{:04o}", adjusted(mode, is_directory, exact))),
    })
}

/// Gives what was just made at `path` its mode, where the git directory that it lies in is shared.
pub(crate) fn settle(path: &Path) -> io::Result<()> {
    if !ANY.load(Ordering::Relaxed) {
        return Ok(());
    }
    let Some(sharing) = sharing_of(path) else { return Ok(()) };
    let meta = fs::symlink_metadata(path)?;
    let mode = meta.permissions().mode() & 0o7777;
    let new = adjusted(mode, meta.is_dir(), sharing);
    if new == mode { Ok(()) } else { fs::set_permissions(path, fs::Permissions::from_mode(new)) }
}

/// Makes a directory and those above it that are missing.
pub(crate) fn create_dir_all(path: &Path) -> io::Result<()> {
    if !ANY.load(Ordering::Relaxed) || sharing_of(path).is_none() {
        return fs::create_dir_all(path);
    }
    let missing: Vec<&Path> = path.ancestors().take_while(|directory| !directory.exists()).collect();
    for directory in missing.into_iter().rev() {
        match fs::create_dir(directory) {
            Ok(()) => settle(directory)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_git() {
        let of = |value: &str| parse(Some(value)).unwrap();
        let group = of("group").unwrap();
        for (mode, is_directory, expected) in [
            (0o600, false, 0o660),
            (0o400, false, 0o440),
            (0o644, false, 0o664),
            (0o700, true, 0o2770),
            (0o755, true, 0o2775),
        ] {
            assert_eq!(adjusted(mode, is_directory, group), expected, "{mode:o}");
        }
        let exact = of("0640").unwrap();
        assert_eq!(adjusted(0o666, false, exact), 0o640);
        assert_eq!(adjusted(0o777, true, exact), 0o2750);
        assert_eq!(of("all"), Some(Sharing::Atleast(0o664)));
        assert_eq!(of("false"), None);
        assert!(parse(Some("0066")).is_err() && parse(Some("some")).is_err());
    }
}
