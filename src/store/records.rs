//! Reading records: from their own refs, and for claims that are over, from the archive.
//!
//! A record's chain tells what it said at an earlier time too. What the chain has no longer (a renewal that another
//! one replaced, what stood in a ref before it was archived) is not made up: then the board's own files say how
//! it was.

use crate::codec::{record, ref_name};
use crate::git::{GitError, Oid, Repo};
use crate::model::{Record, RecordKey, Standing, TaskId, Timestamp};

/// As of when records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// As they are.
    Now,
    /// As they were at this time.
    Then(Timestamp),
}

impl When {
    /// Whether what happened at `at` had happened.
    pub(crate) fn has_seen(self, at: Timestamp) -> bool {
        match self {
            Self::Now => true,
            Self::Then(then) => at <= then,
        }
    }
}

/// The record of `key`, if it was ever written.
pub(crate) fn load(repo: &Repo, key: &RecordKey, when: When) -> Result<Option<Record>, GitError> {
    if let Some(commit) = repo.read_ref(&ref_name::of(key))?
        && let Some(record) = record_at(repo, commit, Some(key), when)?
    {
        return Ok(Some(record));
    }
    match key {
        RecordKey::Claim(id) => Ok(super::archive::find(repo, *id)?
            .filter(|record| time_of(record).is_none_or(|at| when.has_seen(at)))),
        RecordKey::Lock(_) => Ok(None),
    }
}

/// When a record was written.
pub(crate) fn time_of(record: &Record) -> Option<Timestamp> {
    record.event.as_ref().map(|event| event.ts).or(match &record.standing {
        Standing::Held { since, .. } => Some(*since),
        Standing::Completed { at, .. } => Some(*at),
        Standing::Free | Standing::Unreadable { .. } => None,
    })
}

/// The record in `commit`, or the latest before it that was there `when`.
fn record_at(
    repo: &Repo,
    commit: Oid,
    key: Option<&RecordKey>,
    when: When,
) -> Result<Option<Record>, GitError> {
    let (mut next, mut later): (Option<Oid>, Option<Record>) = (Some(commit), None);
    while let Some(commit) = next {
        let Some(found) = read(repo, commit, key)? else { return Ok(None) };
        if time_of(&found.record).is_none_or(|at| when.has_seen(at)) {
            return Ok(Some(carried_on(found.record, later.as_ref())));
        }
        (next, later) = (found.parent, Some(found.record));
    }
    Ok(None)
}

/// A lock that was renewed later, in the same epoch, had not run out until then, though the renewals in between are
/// no longer there to say so.
fn carried_on(mut record: Record, later: Option<&Record>) -> Record {
    if let (
        Standing::Held { agent, since, ttl: Some(ttl) },
        Some(Record { standing: Standing::Held { agent: same, since: renewed, .. }, epoch, .. }),
    ) = (&mut record.standing, later)
        && (&*agent, record.epoch) == (same, *epoch)
    {
        *ttl = (*ttl).max(renewed.since(*since));
    }
    record
}

/// The records of all claims that have a ref of their own, by task.
pub(crate) fn claims(repo: &Repo, when: When) -> Result<Vec<(TaskId, Record)>, GitError> {
    let mut found = Vec::new();
    for (name, commit) in repo.list_refs(ref_name::CLAIMS)? {
        let Some(id) = ref_name::claimed_task(&name) else { continue };
        if let Some(record) = record_at(repo, commit, Some(&RecordKey::Claim(id)), when)? {
            found.push((id, record));
        }
    }
    Ok(found)
}

/// The records of all locks, by resource. A ref whose record names no resource is left out: there is
/// nothing to show or to ask for, and nobody can take a lock of that name either.
pub(crate) fn locks(repo: &Repo, when: When) -> Result<Vec<Record>, GitError> {
    let mut found = Vec::new();
    for (name, commit) in repo.list_refs(ref_name::LOCKS)? {
        let Some(record) = record_at(repo, commit, None, when)? else { continue };
        if ref_name::of(&record.key) == name {
            found.push(record);
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
