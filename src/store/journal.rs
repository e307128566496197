//! The journal: what the mutation under way is about to do, so that the next process can undo or complete
//! it when this one dies.
//!
//! It is one line in the file of the advisory lock, written before anything visible happens, and says which
//! refs, files and index entries go from what to what. Without its end it was never finished, so nothing that
//! it announces has begun. An empty file means that nobody died.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use serde::{Deserialize, Serialize};

use crate::git::{GitError, Oid, bounded, read_own};

use super::advisory::{self, Advisory};

/// What one mutation does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// The git directory through whose `HEAD` the board moves, else the common one.
    pub(crate) host: Place,
    /// The records, first to last, before the board.
    pub(crate) records: Vec<Move>,
    /// The board, if it moves.
    pub(crate) board: Option<Move>,
    /// The branch behind a board that is moved through `HEAD`; none when it is detached.
    pub(crate) branch: Option<String>,
    /// The worktrees that follow.
    pub(crate) worktrees: Vec<Following>,
}

/// One ref from one value to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Move {
    /// `HEAD` or a full name.
    pub(crate) name: String,
    /// The commit before; none = the ref is born.
    pub(crate) old: Option<Hex>,
    /// The commit after; none = the ref is deleted.
    pub(crate) new: Option<Hex>,
}

/// A worktree whose files and index follow the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Following {
    /// Its git directory.
    pub(crate) git_dir: Place,
    /// Its root.
    pub(crate) root: Place,
    /// The files that change.
    pub(crate) files: Vec<FileMove>,
}

/// One file from one blob to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileMove {
    /// From the repository's root.
    pub(crate) path: String,
    /// The blob before; none = there was no file.
    pub(crate) old: Option<Hex>,
    /// The blob after; none = the file is removed.
    pub(crate) new: Option<Hex>,
}

/// An object id in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hex(String);

impl From<Oid> for Hex {
    fn from(id: Oid) -> Self {
        Self(id.to_string())
    }
}

impl Hex {
    /// The id; an unreadable one is none at all and compares unequal to every other.
    pub(crate) fn oid(&self) -> Option<Oid> {
        Oid::from_hex(self.0.as_bytes()).ok()
    }
}

/// A path of the file system, whatever bytes it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place(String);

/// The most bytes of a journal: some hundred thousand files.
const LONGEST: usize = 256 << 20;

const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        use std::os::unix::ffi::OsStrExt as _;
        Self(percent_encode(path.as_os_str().as_bytes(), ESCAPED).to_string())
    }
}

impl Place {
    /// The path.
    pub(crate) fn path(&self) -> PathBuf {
        use std::os::unix::ffi::OsStringExt as _;
        let bytes: Vec<u8> = percent_decode_str(&self.0).collect();
        PathBuf::from(std::ffi::OsString::from_vec(bytes))
    }
}

impl Intent {
    /// Whether it makes this commit on the board.
    pub(crate) fn makes(&self, commit: Oid) -> bool {
        self.board.as_ref().and_then(|board| board.new.as_ref()?.oid()) == Some(commit)
    }

    /// The ref of the board: the branch behind `HEAD`, where there is one.
    pub(crate) fn board_ref(&self) -> Option<&str> {
        let board = self.board.as_ref()?;
        Some(self.branch.as_deref().unwrap_or(&board.name))
    }
}

/// What is under way or was left, for a reader who holds no lock: it may be over by the time it is read.
pub(crate) fn peek(common_dir: &Path) -> Result<Option<Intent>, GitError> {
    let path = advisory::path(common_dir);
    let Some(bytes) = read_own(&path).map_err(GitError::io(&path))? else { return Ok(None) };
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    // Whoever holds the lock tells of a line that can't be read.
    Ok(parse(&bytes[..end]).ok())
}

/// The version of the journal that is written and read here. One without a number has this one.
const VERSION: u64 = 1;

/// What a line says, or why it can't be read.
fn parse(line: &[u8]) -> Result<Intent, String> {
    #[derive(Deserialize)]
    struct Numbered {
        version: Option<u64>,
    }
    let later = "it was written by another version of this program".to_owned();
    let numbered: Result<Numbered, _> = serde_json::from_slice(line);
    match (numbered, serde_json::from_slice(line)) {
        (Ok(Numbered { version: Some(version) }), _) if version != VERSION => Err(later),
        (_, Ok(intent)) => Ok(intent),
        (Ok(_), Err(_)) => Err(later),
        (Err(error), Err(_)) => Err(format!("it can't be read: {error}")),
    }
}

/// Why the change that a dead process left can't be read, if it can't be.
pub(crate) fn unreadable(common_dir: &Path) -> Option<String> {
    let bytes = read_own(&advisory::path(common_dir)).ok()??;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    parse(&bytes[..end]).err()
}

impl Advisory {
    /// Writes the line. Nothing visible may happen before this has returned.
    pub(crate) fn announce(&mut self, intent: &Intent) -> Result<(), GitError> {
        let line = serde_json::to_string(intent).map_err(io::Error::other).map(|json| json + "\n");
        let written = line.and_then(|line| {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(line.as_bytes())
        });
        written.map_err(|source| self.error(source))
    }

    /// The mutation is over, one way or the other.
    pub(crate) fn clear(&mut self) -> Result<(), GitError> {
        self.file.set_len(0).map_err(|source| self.error(source))
    }

    /// What a dead process was about to do, if one died. A line without its end announces nothing.
    pub(crate) fn left(&mut self) -> Result<Option<Intent>, GitError> {
        if self.file.metadata().map_err(|e| self.error(e))?.len() == 0 {
            return Ok(None);
        }
        let read = self.file.seek(SeekFrom::Start(0)).and_then(|_| bounded::bytes(&self.file, LONGEST));
        let bytes = read.map_err(|source| self.error(source))?;
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        parse(&bytes[..end]).map(Some).map_err(|why| GitError::Unsupported {
            what: format!("`{}` tells of a change that was interrupted, and {why}", self.path.display()),
            hint: "orchestrator doctor    (it says what to do)".to_owned(),
        })
    }

    fn error(&self, source: io::Error) -> GitError {
        GitError::Io { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn intent() -> Intent {
        let id = Oid::from_hex(b"1111111111111111111111111111111111111111").unwrap();
        Intent {
            host: Place::from(Path::new("/tmp/ünï/.git")),
            records: vec![Move {
                name: "refs/orchestrator/locks/git".into(),
                old: None,
                new: Some(id.into()),
            }],
            board: None,
            branch: None,
            worktrees: vec![],
        }
    }

    fn open(dir: &Path) -> Advisory {
        Advisory::acquire(dir, Instant::now() + Duration::from_secs(5)).unwrap()
    }

    #[test]
    fn what_was_announced_is_found_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = open(dir.path());
        assert_eq!(writer.left().unwrap(), None);
        writer.announce(&intent()).unwrap();
        drop(writer);
        let mut next = open(dir.path());
        assert_eq!(next.left().unwrap(), Some(intent()));
        next.clear().unwrap();
        assert_eq!(next.left().unwrap(), None);
    }

    #[test]
    fn a_torn_line_announces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = open(dir.path());
        writer.announce(&intent()).unwrap();
        let whole = writer.file.metadata().unwrap().len();
        writer.file.set_len(whole - 1).unwrap();
        assert_eq!(writer.left().unwrap(), None);
        writer.file.set_len(3).unwrap();
        assert_eq!(writer.left().unwrap(), None);
    }

    #[test]
    fn paths_of_any_bytes_survive() {
        use std::os::unix::ffi::OsStrExt as _;
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/tmp/a%\xff\n"));
        assert_eq!(Place::from(odd).path(), odd);
    }
}
