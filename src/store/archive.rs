//! The archive: claims that are over, folded out of their refs into one tree.
//!
//! `refs/orchestrator/archive` points at a commit whose tree maps a task's id (sharded as the tasks are)
//! to a blob with the last record's commit message. Looking a claim up asks its ref, then here. So the
//! number of refs stays small however many tasks were finished, and no epoch is ever forgotten. Those that were
//! given back, and not finished, stand in the directory `free` too: they alone may be handed out again, and to
//! list them must not cost what was finished.

use std::collections::BTreeMap;

use crate::codec::packed::{Packer, Unpacker};
use crate::codec::{record, ref_name};
use crate::git::{GitError, Lack, Oid, Repo, Signature, Sought};
use crate::model::{Record, RecordKey, Standing, TaskId};

use super::advisory::Advisory;
use super::journal::{Intent, Move, Place};
use super::records;
use super::recover;
use super::shelf::{self, Shelf};

/// How many claims may keep refs of their own before those that are over are folded.
const KEEP: usize = 64;
/// After how many more it is looked again: each look reads all of them, those that are held among them.
const STEP: usize = 16;

/// The directory of those that were given back.
const FREE: &str = "free";
/// The directory whose only entry is named after the epoch that counting goes on after.
const FLOOR: &str = "floor";

fn path(id: TaskId) -> String {
    let id = id.as_str();
    format!("{}/{id}", &id[..2])
}

/// The archived record of a claim. The record's `commit` is none: its ref is gone, so the next record of
/// this claim starts a new ref.
pub(crate) fn find(repo: &Repo, id: TaskId) -> Result<Option<Record>, GitError> {
    let Some(tree) = tree(repo)? else { return Ok(None) };
    find_in(repo, tree, id).map_err(of_archive)
}

/// The tree of the archive; none if nothing was ever archived. An error names the ref.
pub(crate) fn tree(repo: &Repo) -> Result<Option<Oid>, GitError> {
    let Some(commit) = repo.read_own_ref(ref_name::ARCHIVE)? else { return Ok(None) };
    // It is made in this repository: no remote promises it.
    match repo.find_commit(commit) {
        Ok(Some(commit)) => Ok(Some(commit.tree)),
        Ok(None) => {
            Err(of_archive(GitError::Missing { what: Sought::new("commit", commit), lack: Lack::Damage }))
        }
        Err(error) => Err(of_archive(error)),
    }
}

fn of_archive(error: GitError) -> GitError {
    error.at(ref_name::ARCHIVE)
}

fn find_in(repo: &Repo, tree: Oid, id: TaskId) -> Result<Option<Record>, GitError> {
    let Some(entry) = repo.entry_at(tree, &path(id))? else {
        return Ok(floor_in(repo, tree)?.map(|floor| at_floor(id, floor)));
    };
    let text = String::from_utf8_lossy(&repo.blob(entry.id)?).into_owned();
    let decoded = record::decode(&text, Some(&RecordKey::Claim(id)), "");
    Ok(decoded.map(|record| Record { commit: None, ..record }))
}

/// The epoch that counting goes on after where the archive knows nothing of a task: none unless it was begun anew.
pub(crate) fn floor(repo: &Repo) -> Result<Option<u64>, GitError> {
    tree(repo)?.map_or(Ok(None), |tree| floor_in(repo, tree)).map_err(of_archive)
}

fn floor_in(repo: &Repo, tree: Oid) -> Result<Option<u64>, GitError> {
    let Some(directory) = repo.entry_at(tree, FLOOR)? else { return Ok(None) };
    Ok(repo.entries(directory.id)?.iter().filter_map(|entry| entry.name.parse().ok()).max())
}

/// What an archive that was begun anew says of a task that it does not know: how far others may have counted, and
/// nothing else. It is no word on who has the task.
pub(crate) fn at_floor(id: TaskId, epoch: u64) -> Record {
    Record {
        key: RecordKey::Claim(id),
        standing: Standing::Free,
        epoch,
        nonce: None,
        reason: None,
        event: None,
        board: None,
        commit: None,
    }
}

/// Whether a record is of that kind. Whatever somebody wrote has a nonce.
pub(crate) fn is_floor(record: &Record) -> bool {
    record.nonce.is_none()
        && record.event.is_none()
        && record.commit.is_none()
        && record.standing == Standing::Free
}

/// The first thing that can't be read of the archive, or of the ref that leads to it. All of it is read.
pub(crate) fn gap(repo: &Repo) -> Result<Option<GitError>, GitError> {
    let look = || -> Result<(), GitError> {
        let Some(tree) = tree(repo)? else { return Ok(()) };
        for shard in repo.entries(tree).map_err(of_archive)? {
            for entry in repo.entries(shard.id).map_err(of_archive)? {
                repo.blob(entry.id).map_err(of_archive)?;
            }
        }
        Ok(())
    };
    match look() {
        Ok(()) => Ok(None),
        Err(error) if records::is_unreadable(&error) => Ok(Some(error)),
        Err(other) => Err(other),
    }
}

/// Puts an archive in the place of one that can't be read: of all records that can still be read in it, in those before
/// it, and in those that the log of its ref names. Whatever else was given out, no epoch up to now, in milliseconds since
/// 1970, is given out again: nobody can have claimed a task that often. The caller holds the advisory lock. How many
/// records were kept; none where the archive is sound, and nothing was changed.
pub(crate) fn begin_anew(
    repo: &Repo,
    advisory: &mut Advisory,
    signature: &Signature,
    now: u64,
) -> Result<Option<usize>, GitError> {
    if gap(repo)?.is_none() {
        return Ok(None);
    }
    let old = repo.read_own_ref_or_bad(ref_name::ARCHIVE)?;
    let (mut kept, mut highest) = (BTreeMap::new(), now);
    for commit in before(repo, old) {
        let Ok(Some(commit)) = repo.find_commit(commit) else { continue };
        let Ok(shards) = repo.entries(commit.tree) else { continue };
        highest = highest.max(floor_in(repo, commit.tree).ok().flatten().unwrap_or(0));
        for entry in shards
            .iter()
            .filter(|shard| shard.name != FREE)
            .flat_map(|shard| repo.entries(shard.id))
            .flatten()
        {
            let Some(id) = TaskId::parse(&entry.name) else { continue };
            let Ok(bytes) = repo.blob(entry.id) else { continue };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some(record) = record::decode(&text, Some(&RecordKey::Claim(id)), "") else { continue };
            // The latest comes first.
            if !matches!(record.standing, Standing::Unreadable { .. }) {
                kept.entry(id).or_insert((entry.id, record.standing == Standing::Free));
            }
        }
    }
    let mut edits = vec![(format!("{FLOOR}/{highest}"), Some(repo.write_blob(b"")?))];
    for (id, (blob, is_free)) in &kept {
        edits.push((path(*id), Some(*blob)));
        edits.extend(is_free.then(|| (format!("{FREE}/{id}"), Some(*blob))));
    }
    let commit = repo.write_commit(&crate::git::CommitDraft {
        tree: repo.edit_tree(repo.empty_tree(), &edits)?,
        parents: Vec::new(),
        author: signature.clone(),
        committer: signature.clone(),
        message: format!("orchestrator: archive begun anew with {} claims\n", kept.len()),
    })?;
    let moved =
        Move { name: ref_name::ARCHIVE.to_owned(), old: old.map(Into::into), new: Some(commit.into()) };
    let host = Place::from(repo.git_dir());
    let intent = Intent { host, records: vec![moved], board: None, branch: None, worktrees: Vec::new() };
    advisory.announce(&intent)?;
    let log = "orchestrator: archive begun anew";
    match super::transaction::prepare(repo, &intent, log).and_then(|prepared| prepared.commit(signature)) {
        // What is left over is tidied up by the next command.
        Ok(tidy) => drop(recover::finish(repo, advisory, tidy)),
        Err(error) => {
            recover::give_up(repo, advisory, &intent)?;
            return Err(error);
        }
    }
    Ok(Some(kept.len()))
}

/// The archive's commits that are known, the latest first, as far as they can be read.
fn before(repo: &Repo, tip: Option<Oid>) -> Vec<Oid> {
    let mut open: Vec<Oid> = repo.reflog(ref_name::ARCHIVE).unwrap_or_default();
    open.extend(tip);
    let mut found = Vec::new();
    while let Some(commit) = open.pop() {
        if !found.contains(&commit) {
            found.push(commit);
            let parents = repo.find_commit(commit).ok().flatten().map(|commit| commit.parents);
            open.extend(parents.into_iter().flatten());
        }
    }
    found
}

/// The tasks whose archived claim was given back.
pub(crate) fn free(repo: &Repo) -> Result<Vec<TaskId>, GitError> {
    let Some(tree) = tree(repo)? else { return Ok(Vec::new()) };
    let Some(directory) = repo.entry_at(tree, FREE).map_err(of_archive)? else { return Ok(Vec::new()) };
    let entries = repo.entries(directory.id).map_err(of_archive)?;
    Ok(entries.iter().filter_map(|entry| TaskId::parse(&entry.name)).collect())
}

/// All archived records, by task. Of their events only the ids.
pub(crate) fn all(repo: &Repo, shelf: &mut Shelf) -> Result<Vec<(TaskId, Record)>, GitError> {
    let Some(tree) = tree(repo)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for shard in repo.entries(tree).map_err(of_archive)? {
        if shard.name == FREE {
            continue;
        }
        let slot = shelf::slot(b'a', &shard.name);
        if let Some(records) = shelf.get(shard.id, slot).and_then(unpack) {
            found.extend(records);
            continue;
        }
        let (mut packer, mut is_whole) = (Packer::default(), true);
        for entry in repo.entries(shard.id).map_err(of_archive)? {
            let Some(id) = TaskId::parse(&entry.name) else { continue };
            let text = String::from_utf8_lossy(&repo.blob(entry.id).map_err(of_archive)?).into_owned();
            if let Some(record) = record::decode(&text, Some(&RecordKey::Claim(id)), "") {
                let record = Record { commit: None, ..record };
                is_whole &= packer.record(&record).is_some();
                found.push((id, record));
            }
        }
        if is_whole {
            shelf.put(shard.id, slot, packer.0);
        }
    }
    Ok(found)
}

fn unpack(bytes: &[u8]) -> Option<Vec<(TaskId, Record)>> {
    let mut from = Unpacker(bytes);
    let mut records = Vec::new();
    while !from.is_empty() {
        records.push(from.record()?);
    }
    Some(records)
}

/// Folds finished claims whose refs pile up, after a mutation that made `born` refs of claims. The caller holds
/// the advisory lock. Best effort: a claim that moves meanwhile keeps its ref. What is to be told, a line each.
pub(crate) fn fold(
    repo: &Repo,
    advisory: &mut Advisory,
    signature: &Signature,
    born: usize,
) -> Result<Vec<String>, GitError> {
    let mut left = Vec::new();
    if born == 0 {
        return Ok(left);
    }
    let more = repo.count_refs(ref_name::CLAIMS)?.checked_sub(KEEP + 1);
    if more.is_none_or(|more| more % STEP >= born) {
        return Ok(left);
    }
    let refs = repo.list_refs(ref_name::CLAIMS)?;
    let (mut edits, mut over) = (Vec::new(), Vec::new());
    for (name, commit) in refs {
        let Some(id) = ref_name::claimed_task(&name) else { continue };
        let Some(read) = records::read(repo, commit, Some(&RecordKey::Claim(id)))? else { continue };
        let is_free = match read.record.standing {
            Standing::Completed { .. } => false,
            Standing::Free => true,
            Standing::Held { .. } | Standing::Unreadable { .. } => continue,
        };
        let blob = repo.write_blob(repo.commit(commit)?.message.as_bytes())?;
        edits.push((path(id), Some(blob)));
        edits.push((format!("{FREE}/{id}"), is_free.then_some(blob)));
        over.push(Move { name, old: Some(commit.into()), new: None });
    }
    // Most of them are held.
    if over.len() < KEEP / 2 {
        return Ok(left);
    }
    let before = repo.read_own_ref(ref_name::ARCHIVE)?;
    let base = tree(repo)?.unwrap_or(repo.empty_tree());
    let commit = repo.write_commit(&crate::git::CommitDraft {
        tree: repo.edit_tree(base, &edits)?,
        parents: before.into_iter().collect(),
        author: signature.clone(),
        committer: signature.clone(),
        message: format!("orchestrator: archive {} claims\n", over.len()),
    })?;
    let log = "orchestrator: archive".to_owned();
    let first =
        Move { name: ref_name::ARCHIVE.to_owned(), old: before.map(Into::into), new: Some(commit.into()) };
    // The archive is published before any ref goes: a reader in between finds a claim twice, never not at all.
    let host = Place::from(repo.git_dir());
    for records in [vec![first], over] {
        let intent = Intent { host: host.clone(), records, board: None, branch: None, worktrees: Vec::new() };
        advisory.announce(&intent)?;
        let folded =
            super::transaction::prepare(repo, &intent, &log).and_then(|prepared| prepared.commit(signature));
        match folded {
            Ok(tidy) => left.extend(recover::finish(repo, advisory, tidy)),
            Err(error) => {
                // A claim that has not moved keeps its ref, and is folded the next time.
                recover::give_up(repo, advisory, &intent)?;
                return Err(error);
            }
        }
    }
    Ok(left)
}
