//! Reading records: from their own refs, and for claims that are over, from the archive.
//!
//! A record's chain tells what it said at an earlier time too. What the chain has no longer (a renewal that another
//! one replaced, what stood in a ref before it was archived) is not made up: then the board's own files say how
//! it was.

use std::collections::HashSet;

use crate::codec::{record, ref_name};
use crate::git::{GitError, Oid, Repo, Target, unreadable_ref};
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

/// The record of `key`, if it was ever written. One that is there and can't be read is [`Standing::Unreadable`], with the
/// highest epoch that is known of it.
pub(crate) fn load(repo: &Repo, key: &RecordKey, when: When) -> Result<Option<Record>, GitError> {
    let name = ref_name::of(key);
    match repo.read_own_ref(&name) {
        Ok(Some(commit)) => {
            if let Some(record) = record_at(repo, commit, key, when)? {
                return Ok(Some(record));
            }
        }
        Ok(None) => {}
        Err(GitError::BadRef { why, .. }) => return Ok(Some(behind_bad_ref(repo, key.clone(), &why))),
        Err(other) => return Err(other),
    }
    match key {
        RecordKey::Claim(id) => match super::archive::find(repo, *id) {
            Ok(found) => Ok(found.filter(|record| time_of(record).is_none_or(|at| when.has_seen(at)))),
            // What it says of this task, nobody can tell: that is not nothing.
            Err(error) if is_unreadable(&error) => {
                Ok(Some(record::unreadable(key.clone(), error.to_string())))
            }
            Err(other) => Err(other),
        },
        RecordKey::Lock(_) => Ok(None),
    }
}

/// Whether an error tells that a ref, or what it leads to, is damaged.
pub(crate) fn is_unreadable(error: &GitError) -> bool {
    error.is_of_object() || matches!(error, GitError::BadRef { .. })
}

/// The record of a ref that is there and names no commit. Its commit is [`unreadable_ref`], so that it can be replaced by
/// compare-and-swap.
fn behind_bad_ref(repo: &Repo, key: RecordKey, why: &str) -> Record {
    let why = format!("of its ref: {why}");
    let epoch = highest_known(repo, &key, None);
    Record { epoch, commit: Some(unreadable_ref().to_string()), ..record::unreadable(key, why) }
}

/// The highest epoch that is known of a record that can't be read: of the records before it, of those that the log of its
/// ref names, of the archive. It may have been higher.
fn highest_known(repo: &Repo, key: &RecordKey, before: Option<Oid>) -> u64 {
    last_known(repo, key, before).map_or(0, |record| record.epoch)
}

/// The last record that can still be read, of one that can't: the one of the highest epoch among the records before it,
/// those that the log of its ref names, and the archive. There may have been later ones.
fn last_known(repo: &Repo, key: &RecordKey, before: Option<Oid>) -> Option<Record> {
    let logged = repo.reflog(&ref_name::of(key)).unwrap_or_default();
    // The latest first: of two of one epoch that one counts.
    let mut open: Vec<Oid> = logged.into_iter().chain(before).collect();
    let mut seen: HashSet<Oid> = HashSet::new();
    let mut last = match key {
        RecordKey::Claim(id) => super::archive::find(repo, *id).ok().flatten(),
        RecordKey::Lock(_) => None,
    };
    while let Some(commit) = open.pop() {
        if !seen.insert(commit) {
            continue;
        }
        let Ok(Some(found)) = read(repo, commit, Some(key)) else { continue };
        // Epochs only grow: what comes before one that can be read is lower.
        if matches!(found.record.standing, Standing::Unreadable { .. }) {
            open.extend(found.parent);
        } else if last.as_ref().is_none_or(|last| last.epoch < found.record.epoch) {
            last = Some(found.record);
        }
    }
    last
}

/// The last record before one that can't be read which can.
pub(crate) fn before_unreadable(repo: &Repo, record: &Record) -> Option<Record> {
    let commit = record.commit.as_deref().and_then(|hex| Oid::from_hex(hex.as_bytes()).ok());
    last_known(repo, &record.key, commit)
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
fn record_at(repo: &Repo, commit: Oid, key: &RecordKey, when: When) -> Result<Option<Record>, GitError> {
    let (mut next, mut later): (Option<Oid>, Option<Record>) = (Some(commit), None);
    while let Some(commit) = next {
        let Some(found) = read(repo, commit, Some(key))? else { return Ok(None) };
        if matches!(found.record.standing, Standing::Unreadable { .. }) {
            let epoch = highest_known(repo, key, found.parent);
            return Ok(Some(Record { epoch, ..found.record }));
        }
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

/// The records of all claims that have a ref of their own, by task; those that can't be read among them.
pub(crate) fn claims(repo: &Repo, when: When) -> Result<Vec<(TaskId, Record)>, GitError> {
    let mut found = Vec::new();
    for (name, target) in repo.list_all_refs(ref_name::CLAIMS)? {
        let Some(id) = ref_name::claimed_task(&name) else { continue };
        let record = behind(repo, RecordKey::Claim(id), target, when)?;
        found.extend(record.map(|record| (id, record)));
    }
    Ok(found)
}

/// The records of all locks, by resource; those that can't be read among them.
pub(crate) fn locks(repo: &Repo, when: When) -> Result<Vec<Record>, GitError> {
    let mut found = Vec::new();
    for (name, target) in repo.list_all_refs(ref_name::LOCKS)? {
        let key = key_of_lock(repo, &name, &target)?;
        found.extend(behind(repo, key, target, when)?);
    }
    found.sort_by(|one, two| one.key.cmp(&two.key));
    Ok(found)
}

/// The lock of a ref. Where the name of the ref does not tell it, one of its records may.
pub(crate) fn key_of_lock(repo: &Repo, name: &str, target: &Target) -> Result<RecordKey, GitError> {
    if let Some(key) = ref_name::lock(name) {
        return Ok(key);
    }
    let unnamed = ref_name::unnamed_lock(name);
    let mut next = match target {
        Target::Object(commit) => Some(*commit),
        Target::Symbolic | Target::Bad(_) => None,
    };
    while let Some(commit) = next {
        if let Some(told) = read(repo, commit, None)?
            && ref_name::of(&told.record.key) == name
        {
            return Ok(told.record.key);
        }
        next = read(repo, commit, Some(&unnamed))?.and_then(|found| found.parent);
    }
    Ok(unnamed)
}

/// The record of what a ref leads to.
fn behind(repo: &Repo, key: RecordKey, target: Target, when: When) -> Result<Option<Record>, GitError> {
    match target {
        Target::Object(commit) => record_at(repo, commit, &key, when),
        Target::Symbolic => Ok(Some(behind_bad_ref(repo, key, "it is a symbolic ref"))),
        Target::Bad(why) => Ok(Some(behind_bad_ref(repo, key, &why))),
    }
}

/// A record with the record commit before it.
pub(crate) struct Read {
    /// What it says.
    pub(crate) record: Record,
    /// The record before it.
    pub(crate) parent: Option<Oid>,
}

/// The record in `commit`; with a key, one that can't be read counts as unreadable, and so does a commit that is not
/// there. (Records are made in this repository: no remote promises them.) Without a key none, then.
pub(crate) fn read(repo: &Repo, commit: Oid, key: Option<&RecordKey>) -> Result<Option<Read>, GitError> {
    let lost = |why: String| {
        let record = key.map(|key| record::unreadable(key.clone(), why));
        record.map(|record| Read {
            record: Record { commit: Some(commit.to_string()), ..record },
            parent: None,
        })
    };
    match repo.find_commit(commit) {
        Ok(Some(found)) => {
            let decoded = record::decode(&found.message, key, &commit.to_string());
            Ok(decoded.map(|record| Read { record, parent: found.parents.first().copied() }))
        }
        Ok(None) => Ok(lost(format!("its commit {commit} is missing"))),
        Err(error) if error.is_of_object() => Ok(lost(error.to_string())),
        Err(other) => Err(other),
    }
}
