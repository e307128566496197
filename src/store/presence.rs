//! Presence: when an agent was last seen, as the modification time of a file of its name under the common git
//! directory.
//!
//! A heartbeat costs one open file and no data: no commit, no object, no lock, no rename. It is a hint, not a
//! fact of the log, and may be deleted.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use crate::git::{self, GitError, plainly};
use crate::model::{AgentId, Damage, Reading, Timestamp};

fn directory(common_dir: &Path) -> PathBuf {
    super::advisory::home(common_dir).join("presence")
}

/// Notes that `agent` was seen at `now`.
pub(crate) fn note(common_dir: &Path, agent: &AgentId, now: Timestamp) -> Result<(), GitError> {
    let directory = directory(common_dir);
    let path = directory.join(agent.as_str());
    let touched = match std::fs::symlink_metadata(&path) {
        // Nothing that blocks when it is opened, nor what a link leads to.
        Ok(meta) if !meta.is_file() => Err(io::Error::other("it is no regular file")),
        Ok(_) => plainly(OpenOptions::new().write(true)).open(&path),
        Err(_) => git::create_dir_all(&directory)
            .and_then(|()| OpenOptions::new().write(true).create_new(true).open(&path))
            .and_then(|file| git::settle(&path).map(|()| file)),
    };
    touched
        .and_then(|file| file.set_modified(now.into()))
        .map_err(|source| GitError::Io { path: path.clone(), source })
}

/// When `agent` was last noted. What can't be read is no sign of silence: whoever was seen then may have been seen since.
pub(crate) fn seen(common_dir: &Path, agent: &str) -> Reading<Option<Timestamp>> {
    let Ok(id) = AgentId::parse(agent) else { return Reading::whole(None) };
    let path = directory(common_dir).join(id.as_str());
    let read = match std::fs::symlink_metadata(&path) {
        Ok(meta) if !meta.is_file() => Err(io::Error::other("it is no regular file")),
        Ok(meta) => meta.modified(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Reading::whole(None),
        Err(error) => Err(error),
    };
    match read {
        Ok(at) => Reading::whole(Some(at.into())),
        Err(error) => {
            let path = path.display().to_string();
            let why = format!("whether `{id}` was seen can't be read: {error}");
            Reading::of(None, Damage { path, line: 1, column: 1, why }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sight_counts() {
        let dir = tempfile::tempdir().unwrap();
        let agent = AgentId::parse("agent-1").unwrap();
        assert_eq!(seen(dir.path(), "agent-1"), Reading::whole(None));
        for stamp in ["2026-02-06T07:37:39.745Z", "2026-02-06T07:37:40.000Z"] {
            note(dir.path(), &agent, Timestamp::parse(stamp).unwrap()).unwrap();
            let at = seen(dir.path(), "agent-1").require().unwrap();
            assert_eq!(at.unwrap().to_string(), stamp);
        }
        assert_eq!(seen(dir.path(), "../agent-1"), Reading::whole(None));
    }

    #[test]
    fn what_can_not_be_read_is_no_silence() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory(dir.path()).join("agent-1")).unwrap();
        let (at, unread) = seen(dir.path(), "agent-1").parts();
        assert_eq!((at, unread.into_damage()[0].path.ends_with("presence/agent-1")), (None, true));
        let other = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(super::super::advisory::home(other.path())).unwrap();
        std::fs::write(directory(other.path()), "").unwrap();
        assert!(!seen(other.path(), "agent-1").is_whole());
    }
}
