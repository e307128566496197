//! The line of those who wait for a lock: whoever comes first is first to look.
//!
//! It is an `flock` on a file named after the lock's ref. The kernel keeps the waiters in order and forgets
//! the dead; only the head of the line asks for the lock, so that a hundred who wait cost as much as one. It
//! orders the processes of one machine that wait, and promises nothing: the record alone says who holds the
//! lock. The files stay (a file that somebody may be about to lock can't be removed), empty, one a resource.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use crate::codec::ref_name;
use crate::git::GitError;
use crate::model::{RecordKey, Resource};

use super::advisory::{self, home};

/// The head of the line, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _file: File,
}

/// Waits until everybody who came before has gone; none if `deadline` came first.
pub(crate) fn wait_for_turn(
    common_dir: &Path,
    resource: &Resource,
    deadline: Instant,
) -> Result<Option<Turn>, GitError> {
    let name = ref_name::of(&RecordKey::Lock(resource.clone()));
    let name = name.strip_prefix(ref_name::LOCKS).unwrap_or(&name);
    match advisory::lock_file(&home(common_dir).join("waiting").join(name), deadline) {
        Ok(file) => Ok(Some(Turn { _file: file })),
        Err(GitError::Contended { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_resource_has_one_head_and_others_are_not_concerned() {
        let dir = tempfile::tempdir().unwrap();
        let resource = |name: &str| Resource::parse(name).unwrap();
        let soon = || Instant::now() + Duration::from_millis(20);
        let first = wait_for_turn(dir.path(), &resource("src/main.rs"), soon()).unwrap();
        assert!(first.is_some());
        assert!(wait_for_turn(dir.path(), &resource("src/main.rs"), soon()).unwrap().is_none());
        assert!(wait_for_turn(dir.path(), &resource("git"), soon()).unwrap().is_some());
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let late = Instant::now() + Duration::from_secs(20);
                sender.send(wait_for_turn(dir.path(), &resource("src/main.rs"), late)).unwrap();
            });
            drop(first);
            assert!(receiver.recv().unwrap().unwrap().is_some());
        });
    }
}
