//! Presence: when an agent was last seen, as the modification time of a file of its name under the common git
//! directory.
//!
//! A heartbeat costs one open file and no data: no commit, no object, no lock, no rename. It is a hint, not a
//! fact of the log, and may be deleted.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use crate::git::{self, GitError, plainly};
use crate::model::{AgentId, Timestamp};

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

/// When `agent` was last noted; unreadable counts as never.
pub(crate) fn seen(common_dir: &Path, agent: &str) -> Option<Timestamp> {
    let id = AgentId::parse(agent).ok()?;
    let meta = std::fs::symlink_metadata(directory(common_dir).join(id.as_str())).ok()?;
    meta.modified().ok().map(Timestamp::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sight_counts() {
        let dir = tempfile::tempdir().unwrap();
        let agent = AgentId::parse("agent-1").unwrap();
        assert_eq!(seen(dir.path(), "agent-1"), None);
        for stamp in ["2026-02-06T07:37:39.745Z", "2026-02-06T07:37:40.000Z"] {
            note(dir.path(), &agent, Timestamp::parse(stamp).unwrap()).unwrap();
            assert_eq!(seen(dir.path(), "agent-1").unwrap().to_string(), stamp);
        }
        assert_eq!(seen(dir.path(), "../agent-1"), None);
    }
}
