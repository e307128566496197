//! Recovery: what a process that died (or failed half-way) left is undone or completed.
//!
//! Whoever comes here holds the advisory lock, so the writer of the journal is dead. In this order:
//!
//! 1. Lock files go, where they are proved ours: they are one inode with a file of ours, which was there
//!    before them.
//! 2. Was the commit point passed (is the first ref that was to be renamed renamed)? If not, nothing is
//!    true and the refs are left alone. If so, the board is completed: forward if it has not moved, else
//!    by making the same change on its new tip, with the same event, and pointing the records there.
//! 3. In each worktree that followed, a file or index entry that shows exactly the version before or after
//!    is set to what `HEAD` has now. Anything else there is the user's and stays.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::codec::ref_name;
use crate::git::{
    self, CommitDraft, Files, GitError, Index, IndexLock, Oid, RefEdit, Repo, Tidy, unreadable_ref,
};
use crate::model::{BoardPoint, Record};

use super::advisory::Advisory;
use super::draft;
use super::journal::{Following, Intent, Move};
use super::records;
use super::transaction::REF_WAIT;

/// What recovery found.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    /// The mutation had passed its commit point, and is complete now.
    pub(crate) completed: bool,
    /// Its commit on the board.
    pub(crate) board: Option<Oid>,
    /// What could not be brought in step, a line each.
    pub(crate) remarks: Vec<String>,
}

/// Undoes or completes what the journal tells of; `None` if it is empty. `Contended`: somebody else holds a
/// lock that is needed for it, and the caller should try again.
pub(crate) fn recover(repo: &Repo, advisory: &mut Advisory) -> Result<Option<Recovery>, GitError> {
    let Some(intent) = advisory.left()? else {
        // A torn first line announces nothing.
        advisory.clear()?;
        return Ok(None);
    };
    let mut recovery = Recovery::default();
    remove_locks(repo, &intent)?;
    let passed = passed_commit_point(repo, &intent)?;
    recovery.completed = passed;
    if passed {
        recovery.board = complete_board(repo, &intent, &mut recovery.remarks)?;
    }
    for tree in &intent.worktrees {
        if let Err(error) = settle(tree) {
            match error {
                // The next one may succeed, and until then the journal has to tell of it.
                GitError::Contended { .. } | GitError::Moved { .. } | GitError::Io { .. } => {
                    return Err(error);
                }
                other => recovery.remarks.push(format!(
                    "`{}` was not brought in step after an interrupted command: {other}",
                    tree.root.path().display()
                )),
            }
        }
    }
    advisory.clear()?;
    Ok(Some(recovery))
}

/// Ends a mutation that is true. The journal stays as long as something of ours is left, and then this says so:
/// whoever changes the board next tries again.
pub(crate) fn finish(repo: &Repo, advisory: &mut Advisory, tidy: Tidy) -> Option<String> {
    let finished = match tidy {
        Tidy::Clean => advisory.clear(),
        Tidy::Left(_) => recover(repo, advisory).map(drop),
    };
    finished.err().map(|error| unfinished(&error))
}

/// How a mutation that is true, and not tidied up, reads.
pub(crate) fn unfinished(error: &GitError) -> String {
    format!(
        "it is done, but something was left over that could not be tidied up yet: {error}; the next command that \
         changes the board tries again, and so does `orchestrator doctor --fix`"
    )
}

/// Ends a mutation of which nothing but lock files was ever to be seen, and those are released.
pub(crate) fn give_up(repo: &Repo, advisory: &mut Advisory, intent: &Intent) -> Result<(), GitError> {
    remove_locks(repo, intent)?;
    advisory.clear()
}

/// Removes the dead process's lock files.
fn remove_locks(repo: &Repo, intent: &Intent) -> Result<(), GitError> {
    for tree in &intent.worktrees {
        IndexLock::remove_left(&tree.git_dir.path())?;
    }
    repo.remove_locks(&possible_locks(repo, intent))
}

/// The lock files that this mutation may have made, wherever its process died.
fn possible_locks(repo: &Repo, intent: &Intent) -> BTreeSet<PathBuf> {
    let common = repo.common_dir();
    let host = intent.host.path();
    let names = intent.records.iter().chain(&intent.board).map(|moved| moved.name.as_str());
    let mut paths: BTreeSet<PathBuf> = names
        .map(|name| if name == "HEAD" { host.join("HEAD.lock") } else { common.join(format!("{name}.lock")) })
        .collect();
    paths.extend(intent.branch.as_ref().map(|branch| common.join(format!("{branch}.lock"))));
    paths.extend(repo.common_locks());
    paths
}

/// Whether the first ref that was to be renamed was. A ref that has moved on from there counts too: its
/// history has our commit.
pub(crate) fn passed_commit_point(repo: &Repo, intent: &Intent) -> Result<bool, GitError> {
    let Some(first) = intent.records.first().or(intent.board.as_ref()) else { return Ok(false) };
    let Some(new) = first.new.as_ref().and_then(|hex| hex.oid()) else { return Ok(true) };
    match current(repo, intent, first)? {
        // What can't be read is what was there before: ours can be.
        Some(now) if now == unreadable_ref() => Ok(false),
        Some(now) => Ok(now == new || repo.is_ancestor(new, now)?),
        None => Ok(false),
    }
}

/// The board commit of a mutation whose records say that it has happened, and whose board is still at `tip`.
pub(crate) fn published_ahead(
    repo: &Repo,
    intent: &Intent,
    tip: Option<Oid>,
) -> Result<Option<Oid>, GitError> {
    let Some(board) = &intent.board else { return Ok(None) };
    let is_next = board.old.as_ref().and_then(|hex| hex.oid()) == tip;
    let is_true = is_next && !intent.records.is_empty() && passed_commit_point(repo, intent)?;
    Ok(board.new.as_ref().and_then(|hex| hex.oid()).filter(|_| is_true))
}

fn current(repo: &Repo, intent: &Intent, moved: &Move) -> Result<Option<Oid>, GitError> {
    match (moved.name.as_str(), &intent.branch) {
        ("HEAD", Some(branch)) => repo.read_ref(branch),
        ("HEAD", None) => Repo::open(&intent.host.path())?.read_ref("HEAD"),
        (name, _) => repo.read_own_ref_or_bad(name),
    }
}

/// Brings the board, and the records after the first, to where the mutation wanted them.
fn complete_board(repo: &Repo, intent: &Intent, remarks: &mut Vec<String>) -> Result<Option<Oid>, GitError> {
    let Some(board) = &intent.board else { return complete_records(repo, intent, remarks).map(|()| None) };
    let Some(new) = board.new.as_ref().and_then(|hex| hex.oid()) else { return Ok(None) };
    let now = current(repo, intent, board)?;
    if let Some(now) = now
        && (now == new || repo.is_ancestor(new, now)?)
    {
        complete_records(repo, intent, remarks)?;
        return Ok(Some(new));
    }
    // Through the HEAD of the worktree it was made in, as long as that is still on this branch: both
    // reflogs are written then.
    let host = Repo::open(&intent.host.path()).ok().filter(|host| {
        board.name == "HEAD" && host.head().is_ok_and(|head| head.branch() == intent.branch.as_deref())
    });
    let (at, name) = match (&host, &intent.branch) {
        (Some(host), _) => (host, "HEAD"),
        (None, Some(branch)) => (repo, branch.as_str()),
        (None, None) => {
            let id = &new.to_string()[..7];
            remarks.push(format!(
                "an interrupted command left its commit {id} on no branch: HEAD was detached there and is not now"
            ));
            return complete_records(repo, intent, remarks).map(|()| Some(new));
        }
    };
    let name = name.to_owned();
    let signature = repo.commit(new)?.committer;
    let commit =
        if now == board.old.as_ref().and_then(|hex| hex.oid()) { new } else { rebuild(repo, new, now)? };
    if commit != new && repo.is_signed(new)? {
        // Nobody can be asked to sign while the lock is held, and a signature holds for one parent only.
        remarks.push(format!(
            "an interrupted command was completed as commit {}, without the signature of {new}",
            &commit.to_string()[..7]
        ));
    }
    let mut edits =
        vec![RefEdit { name, expected: now, new: Some(commit), log: "orchestrator: recovered".to_owned() }];
    if commit != new {
        edits.extend(repoint(repo, intent, new, commit)?);
    }
    tidied(at.prepare(&edits, intent.branch.as_deref(), REF_WAIT)?.commit(&signature)?)?;
    complete_records(repo, intent, remarks)?;
    Ok(Some(commit))
}

/// What is left over keeps the journal where it is.
fn tidied(tidy: Tidy) -> Result<(), GitError> {
    match tidy {
        Tidy::Clean => Ok(()),
        Tidy::Left(error) => Err(error),
    }
}

/// Records after the first are moved as they were to be, where nobody else has moved them.
fn complete_records(repo: &Repo, intent: &Intent, remarks: &mut Vec<String>) -> Result<(), GitError> {
    for moved in intent.records.iter().skip(1) {
        let (old, new) = (moved.old.as_ref().and_then(|h| h.oid()), moved.new.as_ref().and_then(|h| h.oid()));
        if repo.read_own_ref_or_bad(&moved.name)? != old {
            continue;
        }
        let Some(commit) = new.or(old) else { continue };
        let signature = repo.commit(commit)?.committer;
        let edit = RefEdit {
            name: moved.name.clone(),
            expected: old,
            new,
            log: "orchestrator: recovered".to_owned(),
        };
        match repo.prepare(&[edit], None, REF_WAIT).and_then(|prepared| prepared.commit(&signature)) {
            Err(GitError::Moved { name }) => {
                remarks.push(format!("`{name}` was taken by somebody else meanwhile"))
            }
            other => tidied(other?)?,
        }
    }
    Ok(())
}

/// The same change on the board's new tip, with the same message and so the same event.
fn rebuild(repo: &Repo, new: Oid, now: Option<Oid>) -> Result<Oid, GitError> {
    let lost = repo.commit(new)?;
    let before = lost.parents.first().map(|parent| repo.tree_of(*parent)).transpose()?;
    let changed = repo.diff_trees(before, lost.tree, crate::codec::path::BOARD)?;
    let edits: Vec<(String, Option<Oid>)> =
        changed.into_iter().map(|change| (change.path, change.after.map(|entry| entry.id))).collect();
    let base = match now {
        Some(now) => repo.tree_of(now)?,
        None => repo.empty_tree(),
    };
    repo.write_commit(&CommitDraft {
        tree: repo.edit_tree(base, &edits)?,
        parents: now.into_iter().collect(),
        author: lost.author,
        committer: lost.committer,
        message: lost.message,
    })
}

/// The records that named the lost board commit, naming the rebuilt one.
fn repoint(repo: &Repo, intent: &Intent, lost: Oid, rebuilt: Oid) -> Result<Vec<RefEdit>, GitError> {
    let lost_hex = lost.to_string();
    let mut edits = Vec::new();
    for moved in &intent.records {
        let Some(commit) = repo.read_own_ref_or_bad(&moved.name)? else { continue };
        let Some(read) = records::read(repo, commit, None)? else { continue };
        let names_lost = read.record.board.as_ref().is_some_and(|point| point.commit == lost_hex);
        if !names_lost || ref_name::of(&read.record.key) != moved.name {
            continue;
        }
        let written = repo.commit(commit)?;
        let subject = written.message.lines().next().unwrap_or_default();
        let subject = subject.strip_prefix("orchestrator: ").unwrap_or(subject).to_owned();
        let branch = read.record.board.and_then(|point| point.branch);
        let board = Some(BoardPoint { commit: rebuilt.to_string(), branch });
        let again = Record { board, ..read.record };
        let new = draft::write_record_commit(
            repo,
            &again,
            &subject,
            read.parent,
            &written.author,
            &written.committer,
        )?;
        let log = "orchestrator: recovered".to_owned();
        edits.push(RefEdit { name: moved.name.clone(), expected: Some(commit), new: Some(new), log });
    }
    Ok(edits)
}

/// Brings a worktree in step with its `HEAD`, as far as it shows exactly the version before or after.
fn settle(tree: &Following) -> Result<(), GitError> {
    let git_dir = tree.git_dir.path();
    let root = tree.root.path();
    if !git_dir.is_dir() || !root.is_dir() {
        return Err(GitError::NoWorkTree { why: format!("the worktree `{}` is gone", root.display()) });
    }
    let repo = Repo::open(&git_dir)?;
    let files = Files::at(&root);
    for file in &tree.files {
        let versions = [&file.old, &file.new].map(|hex| hex.as_ref().and_then(|hex| hex.oid()));
        files.settle_leftover(&file.path, versions, |new| repo.blob(new))?;
    }
    let head = match repo.read_ref("HEAD")? {
        Some(head) => repo.tree_of(head)?,
        None => repo.empty_tree(),
    };
    let lock = IndexLock::prepare(&git_dir)?.take()?;
    let index = Index::load(&git_dir)?;
    let mut edits = Vec::new();
    for file in &tree.files {
        let (old, new) = (file.old.as_ref().and_then(|h| h.oid()), file.new.as_ref().and_then(|h| h.oid()));
        let wanted = repo.entry_at(head, &file.path)?.map(|entry| entry.id);
        if wanted != old && wanted != new {
            continue;
        }
        let entry = index.entry(&file.path);
        let skipped = entry.as_ref().is_some_and(|entry| entry.is_skip_worktree);
        let shown = files.read(&file.path)?;
        let shown_id = shown.as_deref().map(git::blob_id);
        let mut stat = None;
        if !skipped && shown_id != wanted && (shown_id == old || shown_id == new) {
            let set = match (wanted, shown_id) {
                (Some(id), _) => files.write(&file.path, shown_id, &repo.blob(id)?).map(Some),
                (None, Some(shown)) => files.remove(&file.path, shown).map(|()| None),
                (None, None) => Ok(None),
            };
            stat = match set {
                // Edited just now: it is the user's, and stays.
                Err(GitError::InTheWay { .. }) => None,
                set => set?,
            };
        }
        let staged = entry.map(|entry| entry.id);
        let is_ours = staged == old || staged == new;
        if is_ours && !index.is_conflicted(&file.path) && (staged != wanted || stat.is_some()) {
            // Without a fresh stat git compares the content, which is always right.
            edits.push((file.path.clone(), wanted.map(|id| (id, stat.unwrap_or_default()))));
        }
    }
    if edits.is_empty() {
        return Ok(());
    }
    tidied(lock.commit(|file| index.splice(&edits, file))?)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::git::Signature;
    use crate::git::testing::{git, repository};
    use crate::store::journal::Place;

    /// Recovers a mutation of the board on this branch (none = a detached `HEAD`) that died after its commit point, where
    /// `main` is checked out; where `main` and `other` are then, which were at one commit, and what is remarked.
    fn recovered(branch: Option<&str>) -> ([bool; 2], Vec<String>) {
        let (dir, repo) = repository();
        git(dir.path(), &["branch", "other"]);
        let old = repo.read_ref("HEAD").unwrap().unwrap();
        let ada =
            Signature { name: "Ada".into(), email: "ada@example.org".into(), seconds: 1, offset_minutes: 0 };
        let commit = |text: &str, parents: Vec<Oid>| {
            let (author, message) = (ada.clone(), text.to_owned());
            let tree = repo.tree_of(old).unwrap();
            let draft = CommitDraft { tree, parents, committer: author.clone(), author, message };
            repo.write_commit(&draft).unwrap()
        };
        let (new, record) = (commit("board", vec![old]), commit("record", vec![]));
        let claim = "refs/orchestrator/claims/00000001";
        git(dir.path(), &["update-ref", claim, &record.to_string()]);
        let intent = Intent {
            host: Place::from(repo.git_dir()),
            records: vec![Move { name: claim.to_owned(), old: None, new: Some(record.into()) }],
            board: Some(Move { name: "HEAD".to_owned(), old: Some(old.into()), new: Some(new.into()) }),
            branch: branch.map(str::to_owned),
            worktrees: Vec::new(),
        };
        let soon = Instant::now() + Duration::from_secs(20);
        let mut advisory = Advisory::acquire(repo.common_dir(), soon).unwrap();
        advisory.announce(&intent).unwrap();
        let recovery = recover(&repo, &mut advisory).unwrap().unwrap();
        assert!(recovery.completed && recovery.board == Some(new));
        assert!(recover(&repo, &mut advisory).unwrap().is_none(), "it is done once");
        let is_moved = |name: &str| repo.read_ref(name).unwrap() == Some(new);
        (["refs/heads/main", "refs/heads/other"].map(is_moved), recovery.remarks)
    }

    #[test]
    fn a_board_is_completed_on_the_branch_that_it_was_on_and_on_no_other() {
        assert_eq!(recovered(Some("refs/heads/main")), ([true, false], vec![]));
        assert_eq!(recovered(Some("refs/heads/other")), ([false, true], vec![]));
        let (moved, remarks) = recovered(None);
        assert_eq!(moved, [false, false]);
        assert!(remarks[0].contains("on no branch"), "{remarks:?}");
    }
}
