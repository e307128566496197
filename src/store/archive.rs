//! The archive: claims that are over, folded out of their refs into one tree.
//!
//! `refs/orchestrator/archive` points at a commit whose tree maps a task's id (sharded as the tasks are)
//! to a blob with the last record's commit message. Looking a claim up asks its ref, then here. So the
//! number of refs stays small however many tasks were finished, and no epoch is ever forgotten. Those that were
//! given back, and not finished, stand in the directory `free` too: they alone may be handed out again, and to
//! list them must not cost what was finished.

use crate::codec::packed::{Packer, Unpacker};
use crate::codec::{record, ref_name};
use crate::git::{GitError, Lack, Oid, Repo, Signature};
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
            Err(of_archive(GitError::Missing { what: format!("commit {commit}"), lack: Lack::Damage }))
        }
        Err(error) => Err(of_archive(error)),
    }
}

fn of_archive(error: GitError) -> GitError {
    error.at(ref_name::ARCHIVE)
}

fn find_in(repo: &Repo, tree: Oid, id: TaskId) -> Result<Option<Record>, GitError> {
    let Some(entry) = repo.entry_at(tree, &path(id))? else { return Ok(None) };
    let text = String::from_utf8_lossy(&repo.blob(entry.id)?).into_owned();
    let decoded = record::decode(&text, Some(&RecordKey::Claim(id)), "");
    Ok(decoded.map(|record| Record { commit: None, ..record }))
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
