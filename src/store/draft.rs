//! A change as git objects: blobs, trees, the board commit, the record commits.
//!
//! Writing objects is harmless: nothing points at them until the transaction publishes.

use crate::codec::{self, Problem, message, path, record, ref_name};
use crate::git::{
    self, CommitDraft, GitError, KeptPack, Oid, Repo, Sign, Signature, blob_id, unreadable_ref,
};
use crate::model::{BoardPoint, Change, Code, Edit, Fault, Record, RecordEdit, Refusal, Timestamp};

use super::StoreError;
use super::journal::{FileMove, Move};
use super::records;
use super::snapshot::{Snapshot, Stored};

/// Who stands in the commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Name and email of the agent that acts.
    pub(crate) author: (String, String),
    /// Name and email of whoever runs us.
    pub(crate) committer: (String, String),
}

impl Identity {
    fn signature((name, email): &(String, String), now: Timestamp) -> Signature {
        let seconds = now.millis().div_euclid(1000);
        Signature { name: name.clone(), email: email.clone(), seconds, offset_minutes: 0 }
    }

    /// The author's line of a commit made `now`.
    pub(crate) fn author_at(&self, now: Timestamp) -> Signature {
        Self::signature(&self.author, now)
    }

    /// The committer's line of a commit made `now`.
    pub(crate) fn committer_at(&self, now: Timestamp) -> Signature {
        Self::signature(&self.committer, now)
    }
}

/// Everything that a change needs in the object store, and which refs are to point where.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The files of the board that change.
    pub(crate) files: Vec<DraftFile>,
    /// The board commit, if the board changes.
    pub(crate) commit: Option<Oid>,
    /// The records' refs, first to last.
    pub(crate) records: Vec<Move>,
    /// What the refs' logs say.
    pub(crate) log: String,
    /// Keeps the objects, where they are many, until the refs point there.
    _kept: Option<KeptPack>,
}

/// One file of the board that changes.
#[derive(Debug)]
pub(crate) struct DraftFile {
    /// From one blob to another.
    pub(crate) moved: FileMove,
    /// The blob before.
    pub(crate) old: Option<Oid>,
    /// The blob after, with its bytes.
    pub(crate) new: Option<(Oid, Vec<u8>)>,
}

/// Writes the objects of `change` on top of `snapshot`. `branch` is the board's, for the records to name. The board
/// commit gets the signature that `sign` has for it.
pub(crate) fn write_signed<O>(
    repo: &Repo,
    snapshot: &Snapshot<'_>,
    change: &Change<O>,
    branch: Option<&str>,
    identity: &Identity,
    now: Timestamp,
    sign: &Sign<'_>,
) -> Result<Draft, StoreError> {
    let (author, committer) = (identity.author_at(now), identity.committer_at(now));
    let edits = change.edits.iter().map(|edit| {
        let path = path_of(edit);
        snapshot.file(&path).map(|stored| (edit, path, stored))
    });
    let edits = edits.collect::<Result<Vec<_>, _>>()?;
    let files = git::in_parallel(&edits, |part| {
        part.iter().map(|(edit, path, stored)| file_of(edit, path, stored.as_ref())).collect()
    })?;
    let files: Vec<DraftFile> =
        files.into_iter().filter(|file| file.old != file.new.as_ref().map(|(id, _)| *id)).collect();
    let blobs: Vec<(Oid, &[u8])> = files
        .iter()
        .filter_map(|file| file.new.as_ref())
        .map(|(id, bytes)| (*id, bytes.as_slice()))
        .collect();
    let kept = repo.write_blobs(&blobs)?;
    let commit = if change.touches_board() {
        let base = match snapshot.tip {
            Some(tip) => repo.tree_of(tip)?,
            None => repo.empty_tree(),
        };
        let edits: Vec<(String, Option<Oid>)> =
            files.iter().map(|f| (f.moved.path.clone(), f.new.as_ref().map(|(id, _)| *id))).collect();
        let trailers: Vec<(&str, &str)> =
            change.trailers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let draft = CommitDraft {
            tree: repo.edit_tree(base, &edits)?,
            parents: snapshot.tip.into_iter().collect(),
            author: author.clone(),
            committer: committer.clone(),
            message: message::encode(&change.subject, &change.body, &trailers, &change.events),
        };
        Some(repo.write_signed(&draft, sign)?)
    } else {
        None
    };
    let point = commit.map(|id| BoardPoint { commit: id.to_string(), branch: branch.map(str::to_owned) });
    let signatures = (author, committer);
    let records = change
        .records
        .iter()
        .map(|edit| write_record(repo, edit, &change.subject, point.as_ref(), &signatures))
        .collect::<Result<_, _>>()?;
    let log = format!("orchestrator: {}", message::one_line(&change.subject, 120));
    Ok(Draft { files, commit, records, log, _kept: kept })
}

fn write_record(
    repo: &Repo,
    edit: &RecordEdit,
    subject: &str,
    point: Option<&BoardPoint>,
    (author, committer): &(Signature, Signature),
) -> Result<Move, StoreError> {
    let expected = edit.expected.as_deref().map(|hex| Oid::from_hex(hex.as_bytes()));
    let expected =
        expected.transpose().map_err(|_| Refusal::new(Code::Internal, "a record names no commit"))?;
    let parent = match expected {
        Some(before) if edit.replaces => {
            records::read(repo, before, Some(&edit.record.key))?.and_then(|r| r.parent)
        }
        // What can't be read is not carried on: a commit with a parent that is not there would break `git gc`.
        Some(before) if before == unreadable_ref() => None,
        Some(before) => match repo.find_commit(before) {
            Ok(found) => found.map(|commit| commit.id),
            Err(error) if error.is_of_object() => None,
            Err(other) => return Err(other.into()),
        },
        None => None,
    };
    let record =
        Record { board: point.cloned().or_else(|| edit.record.board.clone()), ..edit.record.clone() };
    let new = write_record_commit(repo, &record, subject, parent, author, committer)?;
    Ok(Move { name: ref_name::of(&record.key), old: expected.map(Into::into), new: Some(new.into()) })
}

/// Writes the commit of one record.
pub(crate) fn write_record_commit(
    repo: &Repo,
    record: &Record,
    subject: &str,
    parent: Option<Oid>,
    author: &Signature,
    committer: &Signature,
) -> Result<Oid, GitError> {
    repo.write_commit(&CommitDraft {
        tree: repo.edit_tree(repo.empty_tree(), &[])?,
        parents: parent.into_iter().collect(),
        author: author.clone(),
        committer: committer.clone(),
        message: record::encode(record, subject),
    })
}

fn path_of(edit: &Edit) -> String {
    match edit {
        Edit::Workstream(workstream) => path::of_workstream(&workstream.name),
        Edit::Task(task) => path::of_task(task.id),
        Edit::Agent(agent) => path::of_agent(&agent.id),
        Edit::Knowledge(knowledge) => path::of_knowledge(&knowledge.topic),
        Edit::RemoveKnowledge(topic) => path::of_knowledge(topic),
        Edit::File { path, .. } | Edit::RemoveFile(path) => path::of_file(path),
    }
}

/// The file of an edit: only the lines of fields that differ are rewritten.
fn file_of(edit: &Edit, path: &str, stored: Option<&Stored>) -> Result<DraftFile, StoreError> {
    let before = stored.map(|stored| stored.bytes.as_slice());
    let bytes = match edit {
        Edit::Workstream(workstream) => Some(codec::workstream::encode(workstream, before)),
        Edit::Task(task) => Some(codec::task::encode(task, before)),
        Edit::Agent(agent) => Some(codec::agent::encode(agent, before)),
        Edit::Knowledge(knowledge) => Some(codec::knowledge::encode(knowledge, before)),
        Edit::RemoveKnowledge(_) | Edit::RemoveFile(_) => None,
        Edit::File { text, .. } => Some(Ok(text.clone().into_bytes())),
    };
    let bytes = bytes.transpose().map_err(|problem: Problem| {
        let Problem { line, column, why } = problem;
        Fault::Damaged(crate::model::Damage { path: path.to_owned(), line, column, why })
    })?;
    let old = stored.map(|stored| stored.blob);
    let new = bytes.map(|bytes| (blob_id(&bytes), bytes));
    let (before, after) = (old.map(Into::into), new.as_ref().map(|(id, _)| (*id).into()));
    Ok(DraftFile { moved: FileMove { path: path.to_owned(), old: before, new: after }, old, new })
}
