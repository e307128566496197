//! Presence: when an agent was last seen, as a file of its name under the common git directory.
//!
//! A heartbeat costs one small file: no commit, no object, no lock. The newest sight wins by being the last
//! to rename; a reader never sees half of one. It is a hint, not a fact of the log, and may be deleted.

use std::io;
use std::path::{Path, PathBuf};

use crate::git::GitError;
use crate::model::{AgentId, Timestamp};

fn directory(common_dir: &Path) -> PathBuf {
    super::advisory::home(common_dir).join("presence")
}

/// Notes that `agent` was seen at `now`.
pub(crate) fn note(common_dir: &Path, agent: &AgentId, now: Timestamp) -> Result<(), GitError> {
    let directory = directory(common_dir);
    let path = directory.join(agent.as_str());
    let written = std::fs::create_dir_all(&directory).and_then(|()| {
        let mut file = tempfile::NamedTempFile::new_in(&directory)?;
        io::Write::write_all(&mut file, format!("{now}\n").as_bytes())?;
        file.persist(&path).map(drop).map_err(|error| error.error)
    });
    written.map_err(|source| GitError::Io { path, source })
}

/// When `agent` was last noted; unreadable counts as never.
pub(crate) fn seen(common_dir: &Path, agent: &str) -> Option<Timestamp> {
    let id = AgentId::parse(agent).ok()?;
    let text = std::fs::read_to_string(directory(common_dir).join(id.as_str())).ok()?;
    Timestamp::parse(text.trim_end()).ok()
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
