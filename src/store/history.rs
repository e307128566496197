//! Commits of boards, one after the other, with all that they say and change: what a verification judges.
//!
//! Nothing that is kept beside the repository is believed here: every commit, tree and file is read from git.
//! Of what was walked only ids are remembered.

use std::collections::HashSet;

use crate::codec::{self, Problem, message, path};
use crate::git::{Commit, Entry, EntryKind, GitError, Oid, Repo, Signature};
use crate::model::{Content, Damage, Exhibit, FileChange, Place, Side, Signed, Timestamp};

use super::snapshot::LARGEST;

/// Commits that hold a board, in an order in which parents come before their children.
#[derive(Debug, Default)]
pub(crate) struct Stretch {
    /// From the oldest.
    pub(crate) order: Vec<Oid>,
    /// The same.
    pub(crate) members: HashSet<Oid>,
}

impl Stretch {
    /// What `tip` contains and none of `hidden` does, since the birth of the board.
    pub(crate) fn walk(repo: &Repo, tip: Oid, hidden: Option<&Self>) -> Result<Self, GitError> {
        let mut stretch = Self::default();
        stretch.add(repo, tip, hidden)?;
        Ok(stretch)
    }

    /// The same of one more tip.
    pub(crate) fn add(&mut self, repo: &Repo, tip: Oid, hidden: Option<&Self>) -> Result<(), GitError> {
        let is_hidden = |id: &Oid| hidden.is_some_and(|hidden| hidden.members.contains(id));
        let mut open: Vec<(Oid, Vec<Oid>)> = Vec::new();
        let mut next = Some(tip);
        loop {
            if let Some(id) = next.take()
                && !is_hidden(&id)
                && self.members.insert(id)
            {
                match parents_on_board(repo, id)? {
                    Some(mut parents) => {
                        parents.reverse();
                        open.push((id, parents));
                    }
                    None => {
                        self.members.remove(&id);
                    }
                }
            }
            let Some((id, parents)) = open.last_mut() else { return Ok(()) };
            match parents.pop() {
                Some(parent) => next = Some(parent),
                None => {
                    self.order.push(*id);
                    open.pop();
                }
            }
        }
    }
}

/// The parents of a commit; none if it holds no board, or lies beyond the edge of a shallow clone.
pub(super) fn parents_on_board(repo: &Repo, id: Oid) -> Result<Option<Vec<Oid>>, GitError> {
    let commit = match repo.commit(id) {
        Ok(commit) => commit,
        Err(GitError::Beyond { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let holds = message::is_ours(&commit.message) || repo.entry_at(commit.tree, path::BOARD)?.is_some();
    Ok(holds.then_some(commit.parents))
}

fn signed(signature: &Signature) -> Signed {
    Signed {
        name: signature.name.clone(),
        at: Timestamp::from_millis(signature.seconds.saturating_mul(1000)),
    }
}

/// What a commit says and changes.
pub(crate) fn read_exhibit(repo: &Repo, id: Oid) -> Result<Exhibit, GitError> {
    let commit = repo.commit(id)?;
    let (events, mut problems) = message::events(&commit.message);
    problems.extend(message::look_alikes(&commit.message));
    let mut exhibit = Exhibit {
        commit: id.to_string(),
        parents: commit.parents.iter().map(ToString::to_string).collect(),
        is_edge: false,
        author: signed(&commit.author),
        committer: signed(&commit.committer),
        wording: message::wording(&commit.message),
        is_import: message::values(&commit.message, message::IMPORT).next().is_some(),
        is_of_several: message::is_of_several(&commit.message),
        reverts: message::reverted(&commit.message).map(str::to_owned).collect(),
        taken_back: message::taken_back(&commit.message),
        events,
        problems,
        changes: Vec::new(),
        blends: None,
    };
    let mut trees = Vec::new();
    for parent in &commit.parents {
        match repo.tree_of(*parent) {
            Ok(tree) => trees.push(tree),
            Err(GitError::Beyond { .. }) => exhibit.is_edge = true,
            Err(other) => return Err(other),
        }
    }
    if exhibit.is_edge {
        return Ok(exhibit);
    }
    // What can't be read is no change that can be judged: then there is no verdict.
    exhibit.changes =
        changes(repo, &commit, &trees, &exhibit).map_err(|error| error.at(&format!("commit {id}")))?;
    Ok(exhibit)
}

fn changes(
    repo: &Repo,
    commit: &Commit,
    trees: &[Oid],
    exhibit: &Exhibit,
) -> Result<Vec<FileChange>, GitError> {
    let mut found = Vec::new();
    let mut changed = HashSet::new();
    for change in repo.diff_from_all(trees, commit.tree, path::BOARD)? {
        changed.insert(change.path.clone());
        let place = path::place(&change.path);
        let mut before = Vec::new();
        if trees.len() > 1 {
            for tree in trees {
                let entry = repo.entry_at(*tree, &change.path)?;
                before.push(side(repo, &change.path, &place, entry.as_ref())?);
            }
        } else {
            before.push(side(repo, &change.path, &place, change.before.as_ref())?);
        }
        let hex = |entry: Option<&Entry>| entry.map(|entry| entry.id.to_string()).unwrap_or_default();
        found.push(FileChange {
            after: side(repo, &change.path, &place, change.after.as_ref())?,
            object_before: hex(change.before.as_ref()),
            object: hex(change.after.as_ref()),
            path: change.path,
            place,
            before,
            is_changed: true,
            is_reverted: false,
        });
    }
    // What an import's lines tell of happened elsewhere.
    for place in exhibit.events.iter().filter(|event| event.line.is_none()).filter_map(Place::of) {
        let Some(path) = path::of_entry(&place) else { continue };
        if !changed.insert(path.clone()) {
            continue;
        }
        let entry = repo.entry_at(commit.tree, &path)?;
        let after = side(repo, &path, &place, entry.as_ref())?;
        let before = match trees {
            [] | [_] => after.clone(),
            [first, ..] => side(repo, &path, &place, repo.entry_at(*first, &path)?.as_ref())?,
        };
        let object = entry.map(|entry| entry.id.to_string()).unwrap_or_default();
        found.push(FileChange {
            path,
            place,
            before: vec![before],
            after,
            object_before: object.clone(),
            object,
            is_changed: false,
            is_reverted: false,
        });
    }
    Ok(found)
}

/// What a file says.
fn side(repo: &Repo, path: &str, place: &Place, entry: Option<&Entry>) -> Result<Side, GitError> {
    let Some(entry) = entry else { return Ok(Side::Absent) };
    let refuse =
        |why: &str| Side::Damaged(Damage { path: path.to_owned(), line: 1, column: 1, why: why.to_owned() });
    match entry.kind {
        EntryKind::File | EntryKind::Executable => {}
        EntryKind::Link => return Ok(refuse("is a symbolic link; the board holds plain files only")),
        EntryKind::Submodule => return Ok(refuse("is a submodule; the board holds plain files only")),
        EntryKind::Tree => return Ok(refuse("is a directory where a file is expected")),
    }
    if matches!(place, Place::Furniture | Place::Stray) && path != path::CONFIG {
        return Ok(Side::Sound(Content::Other));
    }
    let bytes = repo.blob(entry.id).map_err(|error| error.at(path))?;
    if bytes.len() > LARGEST {
        return Ok(refuse("is larger than 4 MiB"));
    }
    let decoded: Result<Content, Problem> = match place {
        Place::Workstream(name) => codec::workstream::decode(&bytes, name).map(Content::Workstream),
        Place::Task(id) => codec::task::decode(&bytes, *id).map(|task| Content::Task(Box::new(task))),
        Place::Agent(id) => codec::agent::decode(&bytes, id).map(Content::Agent),
        Place::Knowledge(topic) => codec::knowledge::decode(&bytes, topic).map(Content::Knowledge),
        Place::Furniture | Place::Stray => codec::settings::decode(&bytes).map(|_| Content::Other),
    };
    Ok(match decoded {
        Ok(content) => Side::Sound(content),
        Err(problem) => Side::Damaged(Damage {
            path: path.to_owned(),
            line: problem.line,
            column: problem.column,
            why: problem.why,
        }),
    })
}
