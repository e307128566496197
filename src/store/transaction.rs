//! One mutation, whole or not at all.
//!
//! The order of the steps is the promise. Objects are written first: harmless, nothing points at them. Then
//! the journal says what is about to happen, `index.lock` and every ref lock are taken, and while they are
//! held each ref is compared with what was read. Only then files and index change, and the very last step
//! renames the refs: **the commit point is the first of these renames** (the claim where there is one, else
//! the board). Killed before it, the next process undoes; killed after it, the next one completes.
//!
//! With `commit.gpgsign` the commit is planned and signed before the lock is taken (see [`super::presign`]).
//!
//! No attempt waits while it holds the advisory lock, except up to [`REF_WAIT`] for a ref lock: an
//! `index.lock` of somebody else makes the attempt fail as contended, and the caller tries again.
//!
//! The file is long because the tests of what comes between its steps stand beside them.

use std::time::{Duration, Instant};

use crate::codec::path;
use crate::git::{GitError, Lack, Oid, Prepared, RefEdit, Repo, Sign, Sought, Tidy};
use crate::model::{
    Change, Code, Durability, RecordEdit, RecordKey, Refusal, Settings, Timestamp, View as _,
};

use super::advisory::Advisory;
use super::draft::{self, Draft, Identity};
use super::follow::{self, Follower, Locked};
use super::journal::{self, Intent, Move, Place};
use super::placement::{Board, Placement, short};
use super::presign::Planned;
use super::recover::{self, Recovery};
use super::snapshot::Snapshot;
use super::{StoreError, archive};

/// How long a ref lock of another process is waited for within one attempt.
pub(crate) const REF_WAIT: Duration = Duration::from_secs(1);

/// A repository with the board that was chosen.
pub(crate) struct Store {
    /// The repository.
    pub(crate) repo: Repo,
    /// The board.
    pub(crate) board: Board,
}

/// A mutation that is done.
#[derive(Debug)]
pub(crate) struct Committed<O> {
    /// What the operation tells.
    pub(crate) outcome: O,
    /// The commit on the board; none where nothing had to change, or only records did.
    pub(crate) commit: Option<Oid>,
    /// What the user should know besides.
    pub(crate) remarks: Vec<String>,
}

impl Store {
    /// The board as it is now.
    pub(crate) fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let under_way = journal::peek(self.repo.common_dir())?;
        let tip = self.board.tip(&self.repo)?;
        let name = self.board.ref_name(&self.repo)?;
        // Past its commit point a mutation is true, also while its board has not moved yet, and where its
        // process died there: the next one completes it.
        let ahead = under_way.filter(|intent| intent.board_ref() == Some(&name));
        let ahead = ahead.map(|intent| recover::published_ahead(&self.repo, &intent, tip)).transpose()?;
        Ok(Snapshot::open(&self.repo, ahead.flatten().or(tip))?.of(name))
    }

    /// One attempt at one mutation: see [`Store::attempt_here`]. What a partial clone lacks for it is fetched with no lock
    /// held; then it is attempted anew.
    pub(crate) fn attempt<O>(
        &self,
        identity: &dyn Fn(&str, &Settings) -> Identity,
        now: Timestamp,
        deadline: Instant,
        plan: &mut dyn FnMut(&Snapshot<'_>) -> Result<Change<O>, Refusal>,
    ) -> Result<Committed<O>, StoreError> {
        let mut fetched: Vec<Oid> = Vec::new();
        loop {
            let done = self.attempt_here(identity, now, deadline, plan);
            let wanted = self.repo.take_wanted();
            if wanted.is_empty() || done.is_ok() {
                return done;
            }
            // What was said to be fetched and is still not here will not come.
            let given = if wanted == fetched { Err(Lack::Damage) } else { self.repo.fetch(&wanted) };
            if let Err(lack) = given {
                let what = Sought::new("object", wanted[0]);
                return Err(GitError::Missing { what, lack }.into());
            }
            fetched = wanted;
        }
    }

    /// One attempt at one mutation. The author is whoever its first event names. `plan` sees the board under
    /// the lock; what it answers is made true, or the reason why not is returned and nothing has changed.
    /// `Contended` and `Moved`: try again.
    fn attempt_here<O>(
        &self,
        identity: &dyn Fn(&str, &Settings) -> Identity,
        now: Timestamp,
        deadline: Instant,
        plan: &mut dyn FnMut(&Snapshot<'_>) -> Result<Change<O>, Refusal>,
    ) -> Result<Committed<O>, StoreError> {
        self.repo.check_writable()?;
        // Before any lock: whoever signs may be asked for a passphrase.
        let signer = self.repo.signer()?;
        let presign = |signer| self.presign(signer, identity, now, deadline, plan);
        let planned = signer.as_ref().map(presign).transpose()?;
        let signed = match planned {
            Some(Planned::Nothing(outcome)) => {
                return Ok(Committed { outcome, commit: None, remarks: Vec::new() });
            }
            Some(Planned::Signed(signed)) => Some(*signed),
            Some(Planned::Records) | None => None,
        };
        let mut advisory = Advisory::acquire(self.repo.common_dir(), deadline)?;
        // Others wait for the lock, and a fetch may take long.
        let _unfetched = self.repo.without_fetching();
        let mut remarks = Vec::new();
        if let Some(recovery) = recover::recover(&self.repo, &mut advisory)? {
            remarks.extend(recovery.remarks);
        }
        let mut current = self.board.current(&self.repo)?;
        let mut snapshot = Snapshot::open_settled(&self.repo, current.or(self.board.start))?;
        // Kept to the end: one's place among those who sign goes with it.
        let (change, seal, _turn) = match signed {
            Some(signed) if signed.base == current => signed.apart(),
            Some(_) => return Err(GitError::Moved { name: self.board.ref_name(&self.repo)? }.into()),
            None => (plan(&snapshot)?, None, None),
        };
        if let Some(first) = self.repo.first_wanted() {
            // It was planned without what is lacking.
            let what = Sought::new("object", first);
            return Err(GitError::Missing { what, lack: Lack::Noted }.into());
        }
        if change.is_nothing() {
            return Ok(Committed { outcome: change.outcome, commit: None, remarks });
        }
        if seal.is_none() && change.touches_board() && signer.is_some() {
            // What needed no signature does now, since somebody else was faster.
            return Err(GitError::Moved { name: self.board.ref_name(&self.repo)? }.into());
        }
        let sign = |payload: &[u8]| seal.as_ref().map_or(Ok(None), |seal| seal.of(payload));
        if snapshot.settings().format > Settings::FORMAT {
            return Err(later_format(snapshot.settings().format).into());
        }
        let identity = identity(agent_of(&change), snapshot.settings());
        let commit = loop {
            match self.carry_out(
                &mut advisory,
                &snapshot,
                current,
                (&change, &sign),
                &identity,
                now,
                &mut remarks,
            ) {
                Err(StoreError::Git(GitError::Moved { .. })) if Instant::now() < deadline => {
                    let now_at = self.board.current(&self.repo)?;
                    // Reading and planning may take longer than a user's next commit; what was planned for
                    // this very board is not planned again, or a loop of commits could keep us out for ever.
                    let Some(later) = self.with_same_board(&snapshot, now_at)? else {
                        let name = self.board.ref_name(&self.repo)?;
                        return Err(GitError::Moved { name }.into());
                    };
                    (current, snapshot) = (now_at, later);
                }
                carried_out => break carried_out?,
            }
        };
        let is_born =
            |edit: &&RecordEdit| matches!(edit.record.key, RecordKey::Claim(_)) && edit.expected.is_none();
        let born = change.records.iter().filter(is_born).count();
        match archive::fold(&self.repo, &mut advisory, &identity.committer_at(now), born) {
            Ok(left) => remarks.extend(left),
            Err(error) => remarks.push(format!("finished claims were not archived: {error}")),
        }
        Ok(Committed { outcome: change.outcome, commit, remarks })
    }

    /// The board at `tip`, where only commits that leave the whole board as it is in `before` led there.
    fn with_same_board(
        &self,
        before: &Snapshot<'_>,
        tip: Option<Oid>,
    ) -> Result<Option<Snapshot<'_>>, StoreError> {
        let (Some(old), Some(new)) = (before.tip, tip) else { return Ok(None) };
        if old == new || !self.repo.is_ancestor(old, new)? {
            return Ok(None);
        }
        let later = Snapshot::open(&self.repo, tip)?;
        Ok((later.entry(path::BOARD)? == before.entry(path::BOARD)?).then_some(later))
    }

    /// Makes the board's branch at the commit it starts from, where it does not exist yet; whether it did.
    pub(crate) fn begin_branch(
        &self,
        identity: &Identity,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<bool, StoreError> {
        let (Placement::Branch(name), Some(start)) = (&self.board.placement, self.board.start) else {
            return Ok(false);
        };
        let mut advisory = hold(&self.repo, deadline)?;
        if self.board.current(&self.repo)?.is_some() {
            return Ok(false);
        }
        let born = Move { name: name.clone(), old: None, new: Some(start.into()) };
        let host = Place::from(self.repo.git_dir());
        let intent = Intent { host, records: vec![born], board: None, branch: None, worktrees: Vec::new() };
        advisory.announce(&intent)?;
        let log = "branch: Created for the board";
        let begun =
            prepare(&self.repo, &intent, log).and_then(|held| held.commit(&identity.committer_at(now)));
        match begun {
            Ok(tidy) => {
                let _the_next_one_tries_again = recover::finish(&self.repo, &mut advisory, tidy);
                Ok(true)
            }
            Err(error) => {
                recover::give_up(&self.repo, &mut advisory, &intent)?;
                Err(error.into())
            }
        }
    }

    /// Sets a value in git's configuration of the repository.
    pub(crate) fn set_config(&self, key: &str, value: &str, deadline: Instant) -> Result<(), StoreError> {
        let mut advisory = hold(&self.repo, deadline)?;
        let host = Place::from(self.repo.git_dir());
        // No ref moves; it says whose lock file it is, if we die.
        let intent = Intent { host, records: Vec::new(), board: None, branch: None, worktrees: Vec::new() };
        advisory.announce(&intent)?;
        let set = self.repo.set_config(key, value);
        recover::give_up(&self.repo, &mut advisory, &intent)?;
        Ok(set?)
    }

    #[allow(clippy::too_many_arguments)]
    fn carry_out<O>(
        &self,
        advisory: &mut Advisory,
        snapshot: &Snapshot<'_>,
        current: Option<Oid>,
        (change, sign): (&Change<O>, &Sign<'_>),
        identity: &Identity,
        now: Timestamp,
        remarks: &mut Vec<String>,
    ) -> Result<Option<Oid>, StoreError> {
        let site = Site::of(self, change.touches_board())?;
        // Once, however often it is tried.
        remarks.extend(site.remark().filter(|remark| !remarks.contains(remark)));
        let branch = site.branch.as_deref().map(short);
        let draft = draft::write_signed(&self.repo, snapshot, change, branch, identity, now, sign)?;
        let host = site.host.as_ref().unwrap_or(&self.repo);

        let followers = if draft.files.is_empty() { Vec::new() } else { site.followers()? };
        let is_synced = snapshot.settings().durability == Durability::Fsync;
        if is_synced {
            // Before anything points at them.
            self.repo.sync_objects()?;
        }
        let announced = followers.iter().map(|f| f.announcement(&draft.files)).collect();
        let intent = site.intent(host, &draft, current, announced);
        advisory.announce(&intent)?;

        match publish(host, &draft, &intent, followers, identity, now) {
            Ok(tidy) => remarks.extend(recover::finish(&self.repo, advisory, tidy)),
            // Our own locks are dropped by now.
            Err(Failed::Unseen(error)) => {
                // Where that fails too, the journal stays, for the next one.
                let _what_failed_first_is_told = recover::give_up(&self.repo, advisory, &intent);
                return Err(error.into());
            }
            Err(Failed::Visible(error)) => match recover::recover(&self.repo, advisory) {
                // It failed after the commit point and was completed: it is done.
                Ok(Some(Recovery { completed: true, board, remarks: more })) => {
                    remarks.extend(more);
                    return Ok(board.or(draft.commit));
                }
                Ok(_) => return Err(error.into()),
                // The journal is still there, and whoever reads takes its word from the commit point on.
                Err(later) if recover::passed_commit_point(&self.repo, &intent)? => {
                    remarks.push(recover::unfinished(&later));
                    return Ok(draft.commit);
                }
                Err(_) => return Err(error.into()),
            },
        }
        if is_synced {
            let refs = intent.records.iter().chain(&intent.board).map(|moved| moved.name.as_str());
            if let Err(error) = host.sync_refs(refs) {
                remarks.push(format!("it is done, but the disk could not be asked to keep it: {error}"));
            }
        }
        Ok(draft.commit)
    }
}

/// Who acts in a change: whoever its first event names.
pub(super) fn agent_of<O>(change: &Change<O>) -> &str {
    let event = change.events.first().or(change.records.first().and_then(|edit| edit.record.event.as_ref()));
    event.map_or("system", |event| event.agent.as_str())
}

/// Holds the advisory lock until the answer is dropped; what a dead process left is recovered first.
pub(crate) fn hold(repo: &Repo, deadline: Instant) -> Result<Advisory, GitError> {
    repo.check_writable()?;
    let mut advisory = Advisory::acquire(repo.common_dir(), deadline)?;
    recover::recover(repo, &mut advisory)?;
    Ok(advisory)
}

/// Whether somebody is about to publish something, or died doing so.
pub(crate) fn is_under_way(repo: &Repo) -> Result<bool, GitError> {
    Ok(journal::peek(repo.common_dir())?.is_some())
}

/// Where a mutation happens: the ref that moves and the worktrees that follow it.
struct Site {
    /// The repository as seen from the worktree whose `HEAD` moves; none = as it was opened.
    host: Option<Repo>,
    /// `HEAD`, or the name of a branch that nobody has checked out.
    name: String,
    /// The branch; none on a detached `HEAD`.
    branch: Option<String>,
    trees: Vec<crate::git::Worktree>,
}

impl Site {
    fn of(store: &Store, touches_board: bool) -> Result<Self, StoreError> {
        let repo = &store.repo;
        let branch = match &store.board.placement {
            Placement::Branch(name) => Some(name.clone()),
            Placement::Head => repo.head_branch()?,
        };
        let trees = if touches_board { follow::worktrees(repo, branch.as_deref())? } else { Vec::new() };
        if let Some((operation, place)) = follow::operation_in(&trees)? {
            let article = if operation.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            let message = format!(
                "{article} {operation} is under way in `{}`; the board can't change until it is over",
                place.display()
            );
            return Err(Refusal::new(Code::RepositoryState, message).hint("git status").into());
        }
        let host = match trees.first() {
            Some(tree) if tree.git_dir != repo.git_dir() => Some(Repo::open(&tree.git_dir)?),
            Some(_) | None => None,
        };
        let name = match &store.board.placement {
            Placement::Branch(name) if trees.is_empty() => name.clone(),
            Placement::Branch(_) | Placement::Head => "HEAD".to_owned(),
        };
        Ok(Self { host, name, branch, trees })
    }

    fn remark(&self) -> Option<String> {
        let is_detached = self.name == "HEAD" && self.branch.is_none();
        is_detached.then(|| {
            "HEAD is detached: this commit is on no branch; keep it with `git switch -c <name>`".to_owned()
        })
    }

    fn followers(&self) -> Result<Vec<Follower>, GitError> {
        self.trees.iter().filter_map(|tree| Follower::prepare(tree).transpose()).collect()
    }

    fn intent(
        &self,
        host: &Repo,
        draft: &Draft,
        current: Option<Oid>,
        worktrees: Vec<super::journal::Following>,
    ) -> Intent {
        let board = draft.commit.map(|commit| Move {
            name: self.name.clone(),
            old: current.map(Into::into),
            new: Some(commit.into()),
        });
        let host = Place::from(host.git_dir());
        Intent { host, records: draft.records.clone(), board, branch: self.branch.clone(), worktrees }
    }
}

/// Why a mutation was not published.
enum Failed {
    /// Nothing but locks was taken, and they are dropped.
    Unseen(GitError),
    /// Files, indexes or refs may have changed.
    Visible(GitError),
}

/// Takes the locks, compares, changes files and index, and moves the refs. The journal is written.
#[allow(clippy::too_many_arguments)]
fn publish(
    host: &Repo,
    draft: &Draft,
    intent: &Intent,
    followers: Vec<Follower>,
    identity: &Identity,
    now: Timestamp,
) -> Result<Tidy, Failed> {
    let locked: Result<Vec<Locked>, _> = followers.into_iter().map(|f| f.lock(&draft.files)).collect();
    let locked = locked.map_err(Failed::Unseen)?;
    let prepared = prepare(host, intent, &draft.log).map_err(Failed::Unseen)?;
    let mut tidy = Tidy::Clean;
    for tree in locked {
        tidy = tidy.and(tree.advance(&draft.files).map_err(Failed::Visible)?);
    }
    // The commit point: from the first rename in here, the mutation is true.
    let published = prepared.commit(&identity.committer_at(now)).map_err(Failed::Visible)?;
    Ok(tidy.and(published))
}

/// Takes the lock of every ref that moves, the records' before the board's.
pub(super) fn prepare<'r>(host: &'r Repo, intent: &Intent, log: &str) -> Result<Prepared<'r>, GitError> {
    let moves = intent.records.iter().chain(&intent.board);
    let edits: Vec<RefEdit> = moves
        .map(|Move { name, old, new }| RefEdit {
            name: name.clone(),
            expected: old.as_ref().and_then(|hex| hex.oid()),
            new: new.as_ref().and_then(|hex| hex.oid()),
            log: log.to_owned(),
        })
        .collect();
    host.prepare(&edits, intent.branch.as_deref(), REF_WAIT)
}

fn later_format(format: u64) -> Refusal {
    Refusal::new(
        Code::Unsupported,
        format!(
            "this board has format {format}; this version reads it but writes only format {}",
            Settings::FORMAT
        ),
    )
    .hint("use a later version of orchestrator; this one still reads the board: orchestrator status")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};
    use crate::model::Edit;

    /// Attempts a mutation while `meanwhile` happens between its look at the board and its commit; how often
    /// it was planned, and what came of it.
    fn attempt(
        root: &std::path::Path,
        repo: Repo,
        meanwhile: impl Fn(),
    ) -> (usize, Result<Committed<()>, StoreError>) {
        git(root, &["config", "user.name", "Ada"]);
        let store = Store { repo, board: Board { placement: Placement::Head, start: None } };
        let ada = ("Ada".to_owned(), "ada@example.org".to_owned());
        let identity = |_: &str, _: &Settings| Identity { author: ada.clone(), committer: ada.clone() };
        let now = Timestamp::parse("2026-02-06T07:37:39.745Z").unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut planned = 0;
        let done = store.attempt(&identity, now, deadline, &mut |_| {
            planned += 1;
            meanwhile();
            let file = Edit::File { path: "templates/brief.md".to_owned(), text: "brief\n".to_owned() };
            Ok(Change::new("plant a template", ()).edit(file))
        });
        (planned, done)
    }

    #[test]
    fn a_commit_that_leaves_the_board_alone_costs_no_second_planning() {
        let (dir, repo) = repository();
        let root = dir.path();
        std::fs::write(root.join("file"), "theirs").unwrap();
        let (planned, done) = attempt(root, repo, || {
            git(root, &["add", "file"]);
            git(root, &["commit", "-qm", "Theirs"]);
        });
        assert_eq!(planned, 1);
        let head = git(root, &["rev-parse", "HEAD"]);
        assert_eq!(done.unwrap().commit.map(|id| id.to_string()).as_deref(), Some(head.trim()));
        assert_eq!(git(root, &["log", "--format=%s", "-2"]), "orchestrator: plant a template\nTheirs\n");
        assert_eq!(git(root, &["ls-files"]), ".orchestrator/templates/brief.md\nfile\n");
        assert_eq!(git(root, &["status", "--porcelain"]), "");
    }

    #[test]
    fn a_commit_that_changes_the_board_or_goes_back_is_planned_on_again() {
        for theirs in ["commit", "reset"] {
            let (dir, repo) = repository();
            let root = dir.path();
            git(root, &["commit", "-q", "--allow-empty", "-m", "Second"]);
            let (planned, done) = attempt(root, repo, || match theirs {
                "commit" => {
                    std::fs::create_dir(root.join(".orchestrator")).unwrap();
                    std::fs::write(root.join(".orchestrator/config.yaml"), "format: 1\n").unwrap();
                    git(root, &["add", "."]);
                    git(root, &["commit", "-qm", "Theirs"]);
                }
                _ => drop(git(root, &["reset", "-q", "--hard", "HEAD~1"])),
            });
            assert_eq!(planned, 1, "the caller plans again");
            assert!(done.unwrap_err().is_contention(), "{theirs}");
        }
    }
}
