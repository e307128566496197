//! Reading records: from their own refs, and for claims that are over, from the archive.

use crate::codec::{record, ref_name};
use crate::git::{GitError, Oid, Repo};
use crate::model::{Record, RecordKey, TaskId};

/// The record of `key`, if it was ever written.
pub(crate) fn load(repo: &Repo, key: &RecordKey) -> Result<Option<Record>, GitError> {
    if let Some(commit) = repo.read_ref(&ref_name::of(key))? {
        return Ok(read(repo, commit, Some(key))?.map(|found| found.record));
    }
    match key {
        RecordKey::Claim(id) => Ok(super::archive::find(repo, *id)?),
        RecordKey::Lock(_) => Ok(None),
    }
}

/// The records of all claims that have a ref of their own, by task.
pub(crate) fn claims(repo: &Repo) -> Result<Vec<(TaskId, Record)>, GitError> {
    let mut found = Vec::new();
    for (name, commit) in repo.list_refs(ref_name::CLAIMS)? {
        let Some(id) = ref_name::claimed_task(&name) else { continue };
        if let Some(read) = read(repo, commit, Some(&RecordKey::Claim(id)))? {
            found.push((id, read.record));
        }
    }
    Ok(found)
}

/// The records of all locks, by resource. A ref whose record names no resource is left out: there is
/// nothing to show or to ask for, and nobody can take a lock of that name either.
pub(crate) fn locks(repo: &Repo) -> Result<Vec<Record>, GitError> {
    let mut found = Vec::new();
    for (name, commit) in repo.list_refs(ref_name::LOCKS)? {
        let Some(read) = read(repo, commit, None)? else { continue };
        if ref_name::of(&read.record.key) == name {
            found.push(read.record);
        }
    }
    found.sort_by(|one, two| one.key.cmp(&two.key));
    Ok(found)
}

/// A record with the record commit before it.
pub(crate) struct Read {
    /// What it says.
    pub(crate) record: Record,
    /// The record before it.
    pub(crate) parent: Option<Oid>,
}

/// The record in `commit`. A commit that is not there (or no commit) counts as unreadable.
pub(crate) fn read(repo: &Repo, commit: Oid, key: Option<&RecordKey>) -> Result<Option<Read>, GitError> {
    let (message, parent) = match repo.commit(commit) {
        Ok(found) => (found.message, found.parents.first().copied()),
        Err(GitError::Missing { .. }) => (String::new(), None),
        Err(other) => return Err(other),
    };
    let decoded = record::decode(&message, key, &commit.to_string());
    Ok(decoded.map(|record| Read { record, parent }))
}
