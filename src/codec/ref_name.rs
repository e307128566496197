//! Names of the refs that hold records.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::model::{RecordKey, Resource, TaskId};

/// What is below it is ours.
pub(crate) const HOME: &str = "refs/orchestrator/";
/// The refs of claims are named after their tasks.
pub(crate) const CLAIMS: &str = "refs/orchestrator/claims/";
/// The refs of locks are named after their resources, percent-encoded into one component.
pub(crate) const LOCKS: &str = "refs/orchestrator/locks/";
/// Claims that are over, folded into one tree.
pub(crate) const ARCHIVE: &str = "refs/orchestrator/archive";

/// A dot is encoded too: `..`, a leading dot and `.lock` mean something to git.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
/// Beyond this a file system may refuse the name of the ref's file (with `.lock` after it).
const LONGEST: usize = 180;

/// The ref of a record.
pub(crate) fn of(key: &RecordKey) -> String {
    match key {
        RecordKey::Claim(id) => format!("{CLAIMS}{id}"),
        RecordKey::Lock(resource) => {
            let encoded = utf8_percent_encode(resource.as_str(), PLAIN).to_string();
            if encoded.len() <= LONGEST {
                return format!("{LOCKS}{encoded}");
            }
            let digest = Sha256::digest(resource.as_str());
            let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{LOCKS}{}-{hex}", &encoded[..100])
        }
    }
}

/// The task whose claim stands in this ref.
pub(crate) fn claimed_task(name: &str) -> Option<TaskId> {
    name.strip_prefix(CLAIMS).and_then(TaskId::parse)
}

/// The lock that stands in this ref, as far as the name of the ref tells: that of a long resource holds but its
/// beginning.
pub(crate) fn lock(name: &str) -> Option<RecordKey> {
    let decoded = percent_decode_str(name.strip_prefix(LOCKS)?).decode_utf8().ok()?;
    let key = RecordKey::Lock(Resource::parse(&decoded).ok()?);
    (of(&key) == name).then_some(key)
}

/// What stands for the lock of a ref whose name does not tell it: the name of the ref.
pub(crate) fn unnamed_lock(name: &str) -> RecordKey {
    let resource = Resource::parse(name).or_else(|_| Resource::parse(LOCKS));
    RecordKey::Lock(resource.expect("the prefix is printable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(resource: &str) -> String {
        of(&RecordKey::Lock(Resource::parse(resource).unwrap()))
    }

    #[test]
    fn names_are_one_component_that_git_accepts() {
        assert_eq!(lock("git"), "refs/orchestrator/locks/git");
        assert_eq!(lock("src/main.rs"), "refs/orchestrator/locks/src%2Fmain%2Ers");
        assert_eq!(lock("a.lock"), "refs/orchestrator/locks/a%2Elock");
        assert_eq!(lock("db migration"), "refs/orchestrator/locks/db%20migration");
    }

    #[test]
    fn the_name_of_a_ref_tells_the_lock_unless_it_was_cut() {
        for resource in ["git", "src/main.rs", "a.lock", "db migration", "\u{e9}"] {
            let key = RecordKey::Lock(Resource::parse(resource).unwrap());
            assert_eq!(super::lock(&of(&key)), Some(key), "{resource}");
        }
        let long = lock(&"é".repeat(90));
        for name in [&*long, "refs/orchestrator/locks/a/b", "refs/orchestrator/locks/a%2", "refs/heads/main"]
        {
            assert_eq!(super::lock(name), None, "{name}");
            assert!(matches!(unnamed_lock(name), RecordKey::Lock(resource) if resource.as_str() == name));
        }
    }

    #[test]
    fn long_names_stay_short_and_different() {
        let one = lock(&format!("{}1", "é".repeat(90)));
        let two = lock(&format!("{}2", "é".repeat(90)));
        assert_ne!(one, two);
        assert!(one.len() < 240, "{}", one.len());
    }
}
