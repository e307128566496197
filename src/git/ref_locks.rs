//! Refs, moved by compare-and-swap: git's own protocol of lock files, with locks whose owner can be proved.
//!
//! Once all locks are held, every ref is read again from disk and compared. A held lock keeps everybody, a
//! packer included, from changing or pruning its ref, so what is read then stays true until the rename.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::directory::remove_empty;
use super::linked_lock::{LinkedGuard, LinkedLock, OURS, remove};
use super::object::Signature;
use super::reflog::Log;
use super::refs::{RefEdit, unreadable_ref};
use super::repo::Repo;
use super::repo::read_symbolic;
use super::shared::settle;
use super::{GitError, Oid};

/// Refs whose locks are held and whose values are as expected. Dropped, everything is as it was.
#[derive(Debug)]
pub(crate) struct Prepared<'r> {
    repo: &'r Repo,
    /// What only keeps others out; dropped first, while the file of the first lock is still there to prove them ours.
    guards: Vec<LinkedGuard>,
    /// In the order in which they move.
    locks: Vec<Lock>,
}

#[derive(Debug)]
struct Lock {
    held: LinkedLock,
    moves: Move,
    /// The reflogs to be written.
    logs: Vec<Log>,
}

/// What became of the names of ours, where a mutation is true.
#[must_use]
#[derive(Debug)]
pub(crate) enum Tidy {
    /// All are gone.
    Clean,
    /// This one could not be removed; the journal has to stay, so that the next process removes it.
    Left(GitError),
}

impl Tidy {
    /// Of two.
    pub(crate) fn and(self, other: Self) -> Self {
        match self {
            Self::Clean => other,
            Self::Left(_) => self,
        }
    }
}

impl From<Result<(), GitError>> for Tidy {
    fn from(removed: Result<(), GitError>) -> Self {
        removed.map_or_else(Self::Left, |()| Self::Clean)
    }
}

#[derive(Debug)]
struct Move {
    name: String,
    old: Option<Oid>,
    new: Option<Oid>,
    log: String,
}

impl Repo {
    /// Takes the lock of every ref and compares it with what is expected, on disk and under its lock.
    ///
    /// Where `HEAD` is among them, `branch` is the one that it is expected to be on; none = detached.
    ///
    /// [`GitError::Moved`]: one is not what was expected. [`GitError::Contended`]: a lock was still held by
    /// somebody else after `wait`. Either way nothing is held any more. The caller holds the advisory lock.
    pub(crate) fn prepare(
        &self,
        edits: &[RefEdit],
        branch: Option<&str>,
        wait: Duration,
    ) -> Result<Prepared<'_>, GitError> {
        let deadline = Instant::now() + wait;
        let mut prepared =
            Prepared { repo: self, guards: Vec::new(), locks: Vec::with_capacity(edits.len()) };
        for edit in edits {
            let branch = branch.filter(|_| edit.name == "HEAD");
            let name = branch.unwrap_or(&edit.name).to_owned();
            let value = edit.new.map(|id| format!("{id}\n")).unwrap_or_default();
            let moves = Move { name: name.clone(), old: edit.expected, new: edit.new, log: edit.log.clone() };
            let taken = prepared.take(&self.ref_path(&name), &value, deadline, moves);
            taken.map_err(|error| self.explain(&name, error))?;
            if branch.is_some() {
                prepared.guard(&self.ref_path("HEAD"), deadline)?;
            }
        }
        if edits.iter().any(|edit| edit.new.is_none()) {
            prepared.guard(&self.packed_refs_file(), deadline)?;
        }
        self.compare_under_locks(edits, branch)?;
        // What can be refused is refused now: from the first ref that moves on, there is no way back.
        for (lock, edit) in prepared.locks.iter_mut().zip(edits) {
            let behind_head = branch.filter(|_| edit.name == "HEAD").map(|_| "HEAD");
            for name in std::iter::once(lock.moves.name.as_str()).chain(behind_head) {
                let log = lock.moves.new.and_then(|_| self.log_of(name)).map(Log::open).transpose();
                lock.logs.extend(log.map_err(|error| self.explain(name, error))?);
            }
        }
        Ok(prepared)
    }

    /// What a file system says of a name that is a directory elsewhere means little: the ref that is in the way is told.
    fn explain(&self, name: &str, error: GitError) -> GitError {
        match (&error, self.obstacle(name)) {
            (GitError::Io { .. }, Ok(Some(other))) => in_the_way(name, &other),
            _ => error,
        }
    }

    /// Compares each ref on disk with what is expected of it. Final, since the locks are held.
    fn compare_under_locks(&self, edits: &[RefEdit], branch: Option<&str>) -> Result<(), GitError> {
        self.forget_packed_refs();
        for edit in edits {
            let found = if edit.name == "HEAD" {
                match (read_symbolic(self.git_dir())?, branch) {
                    (Ok(name), Some(branch)) if name == branch => self.read_direct(&name)?,
                    (Err(id), None) => Some(id),
                    (Ok(_) | Err(_), _) => return Err(GitError::Moved { name: edit.name.clone() }),
                }
            } else if edit.expected == Some(unreadable_ref()) {
                self.read_own_ref_or_bad(&edit.name)?
            } else {
                self.read_direct(&edit.name)?
            };
            if found.is_none() && edit.new.is_some() {
                let name = branch.filter(|_| edit.name == "HEAD").unwrap_or(&edit.name);
                // Refused now: that a rename fails would be seen too late, where another ref has moved by then.
                let other = self.packed_obstacle(name)?;
                if let Some(other) =
                    other.map_or_else(|| self.loose_obstacle(name), |other| Ok(Some(other)))?
                {
                    return Err(in_the_way(name, &other));
                }
            }
            if found != edit.expected {
                return Err(GitError::Moved { name: edit.name.clone() });
            }
        }
        Ok(())
    }

    /// Takes names out of `packed-refs`, whose lock is held.
    fn unpack(&self, names: &BTreeSet<&str>) -> Result<(), GitError> {
        let path = self.packed_refs_file();
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read.map_err(GitError::io(&path))?,
        };
        let mut kept = Vec::with_capacity(text.len());
        let mut is_gone = false;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            // A line with `^` tells what the tag above it points at.
            if !line.starts_with(b"^") {
                let name = std::str::from_utf8(line).ok().and_then(|line| line.trim_end().split_once(' '));
                is_gone = name.is_some_and(|(_, name)| names.contains(name));
            }
            if !is_gone {
                kept.extend_from_slice(line);
            }
        }
        if kept.len() == text.len() {
            return Ok(());
        }
        // Not `packed-refs.new`: one that is left over keeps git from packing.
        let new = self.common_dir().join("orchestrator").join(format!("{OURS}packed"));
        fs::write(&new, &kept).and_then(|()| settle(&new)).map_err(GitError::io(&new))?;
        fs::rename(&new, &path).map_err(GitError::io(&path))
    }
}

fn in_the_way(name: &str, other: &str) -> GitError {
    GitError::Unsupported {
        what: format!(
            "`{name}` can't be made while there is `{other}`: to git, one is a directory of the other"
        ),
        hint: format!("git for-each-ref {other}"),
    }
}

impl Prepared<'_> {
    fn take(&mut self, target: &Path, value: &str, deadline: Instant, moves: Move) -> Result<(), GitError> {
        let ours = self.locks.len().to_string();
        let held = LinkedLock::take(self.repo.common_dir(), &ours, target, value.as_bytes(), deadline)?;
        self.locks.push(Lock { held, moves, logs: Vec::new() });
        Ok(())
    }

    /// Locks what does not move; there is a lock already.
    fn guard(&mut self, target: &Path, deadline: Instant) -> Result<(), GitError> {
        if let Some(first) = self.locks.first() {
            self.guards.push(first.held.guard(target, deadline)?);
        }
        Ok(())
    }

    /// Moves the refs, in the order of the edits. An error before the first of them has moved leaves everything as it
    /// was; after it, who has the journal completes it.
    pub(crate) fn commit(self, committer: &Signature) -> Result<Tidy, GitError> {
        // Before any ref moves: a disk that is full by now is so before there is anything to complete.
        for Lock { moves, logs, .. } in &self.locks {
            let Some(new) = moves.new else { continue };
            let old = moves.old.unwrap_or(Oid::null(gix::hash::Kind::Sha1));
            let line = format!("{old} {new} {}\t{}\n", committer.line(), moves.log);
            logs.iter().try_for_each(|log| log.append(&line))?;
        }
        let moves = self.locks.iter().map(|lock| &lock.moves);
        let gone: BTreeSet<&str> =
            moves.filter(|moves| moves.new.is_none()).map(|moves| moves.name.as_str()).collect();
        if !gone.is_empty() {
            // First here: a name that is only loose is still there, one that is only packed is not.
            self.repo.unpack(&gone)?;
        }
        for Lock { held, moves, logs } in &self.locks {
            let target = self.repo.ref_path(&moves.name);
            match moves.new {
                Some(_) => held.publish(|lock| publish(lock, &target))?,
                None => remove(&target)?,
            }
            logs.iter().for_each(|log| log.keep());
        }
        let Self { guards, locks, .. } = self;
        let tidy = guards.into_iter().fold(Tidy::Clean, |tidy, guard| tidy.and(guard.end().into()));
        Ok(locks.into_iter().fold(tidy, |tidy, lock| tidy.and(lock.held.end().into())))
    }
}

/// Renames a lock to its ref. An empty directory of that name, which git leaves behind where refs were, goes.
fn publish(lock: &Path, target: &Path) -> Result<(), GitError> {
    match fs::rename(lock, target) {
        Err(_) if target.is_dir() => {
            remove_empty(target);
            fs::rename(lock, target).map_err(GitError::io(target))
        }
        renamed => renamed.map_err(GitError::io(target)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::git::CommitDraft;
    use crate::git::testing::{git, repository};

    fn ada() -> Signature {
        Signature {
            name: "Ada".into(),
            email: "ada@example.org".into(),
            seconds: 1_000_000_000,
            offset_minutes: -90,
        }
    }

    fn commit(repo: &Repo, text: &str) -> Oid {
        let draft = CommitDraft {
            tree: repo.empty_tree(),
            parents: Vec::new(),
            author: ada(),
            committer: ada(),
            message: text.to_owned(),
        };
        repo.edit_tree(repo.empty_tree(), &[]).unwrap();
        repo.write_commit(&draft).unwrap()
    }

    fn edit(name: &str, expected: Option<Oid>, new: Option<Oid>) -> RefEdit {
        RefEdit { name: name.to_owned(), expected, new, log: "test: moved".to_owned() }
    }

    fn swap(repo: &Repo, edits: &[RefEdit]) -> Result<(), GitError> {
        repo.prepare(edits, repo.head_branch()?.as_deref(), Duration::from_secs(5))?.commit(&ada()).map(drop)
    }

    fn left(root: &Path) -> Vec<PathBuf> {
        let all =
            walkdir::WalkDir::new(root.join(".git")).into_iter().map(|entry| entry.unwrap().into_path());
        let is_left = |path: &PathBuf| {
            path.extension().is_some_and(|ending| ending == "lock" || ending == "new")
                || path.file_name().unwrap().to_string_lossy().starts_with(OURS)
        };
        all.filter(is_left).collect()
    }

    #[test]
    fn refs_move_with_their_logs_and_git_agrees() {
        let (dir, repo) = repository();
        let old = repo.read_ref("HEAD").unwrap();
        let new = commit(&repo, "new");
        swap(&repo, &[edit("refs/orchestrator/locks/git", None, Some(new)), edit("HEAD", old, Some(new))])
            .unwrap();
        assert_eq!(git(dir.path(), &["rev-parse", "main"]).trim(), new.to_string());
        assert_eq!(git(dir.path(), &["rev-parse", "refs/orchestrator/locks/git"]).trim(), new.to_string());
        for name in ["HEAD", "main"] {
            let log = git(dir.path(), &["reflog", "show", "--date=iso", "--format=%gd %gn %gs", name]);
            assert!(
                log.starts_with(&format!("{name}@{{2001-09-09 00:16:40 -0130}} Ada test: moved\n")),
                "{log}"
            );
        }
        assert!(!dir.path().join(".git/logs/refs/orchestrator").exists());
        assert_eq!(left(dir.path()), Vec::<PathBuf>::new());
        // A packed one is deleted in both places, and the others stay.
        git(dir.path(), &["tag", "-a", "-m", "x", "v1"]);
        git(dir.path(), &["pack-refs", "--all"]);
        swap(&repo, &[edit("refs/orchestrator/locks/git", Some(new), None)]).unwrap();
        assert_eq!(
            git(dir.path(), &["for-each-ref", "--format=%(refname)"]),
            "refs/heads/main\nrefs/tags/v1\n"
        );
        assert_eq!(git(dir.path(), &["fsck", "--strict", "--no-dangling"]), "");
        assert_eq!(left(dir.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn what_is_not_as_expected_moves_nothing() {
        let (dir, repo) = repository();
        let (one, two) = (commit(&repo, "one"), commit(&repo, "two"));
        swap(&repo, &[edit("refs/orchestrator/a", None, Some(one))]).unwrap();
        for expected in [None, Some(two)] {
            let edits = [
                edit("refs/orchestrator/b", None, Some(one)),
                edit("refs/orchestrator/a", expected, Some(two)),
            ];
            assert!(matches!(swap(&repo, &edits), Err(GitError::Moved { .. })), "{expected:?}");
        }
        assert_eq!(repo.read_ref("refs/orchestrator/b").unwrap(), None);
        // The branch behind HEAD, to which somebody has committed.
        let old = repo.read_ref("HEAD").unwrap();
        git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "Theirs"]);
        let theirs = repo.read_ref("HEAD").unwrap();
        assert!(matches!(swap(&repo, &[edit("HEAD", old, Some(two))]), Err(GitError::Moved { .. })));
        assert_eq!(repo.read_ref("HEAD").unwrap(), theirs);
        assert_eq!(left(dir.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn nothing_moves_through_a_head_that_is_elsewhere_than_expected() {
        let (dir, repo) = repository();
        let (new, old) = (commit(&repo, "new"), repo.read_ref("HEAD").unwrap());
        git(dir.path(), &["branch", "other"]);
        let edits = [edit("HEAD", old, Some(new))];
        let attempt = |branch: Option<&str>| repo.prepare(&edits, branch, Duration::from_secs(5)).map(drop);
        // All of them are at the commit that is expected.
        assert!(matches!(attempt(Some("refs/heads/other")), Err(GitError::Moved { .. })));
        assert!(matches!(attempt(None), Err(GitError::Moved { .. })));
        attempt(Some("refs/heads/main")).unwrap();
        git(dir.path(), &["switch", "-q", "--detach"]);
        assert!(matches!(attempt(Some("refs/heads/main")), Err(GitError::Moved { .. })));
        attempt(None).unwrap();
        assert_eq!(left(dir.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn the_lock_of_somebody_else_is_waited_for_and_never_removed() {
        let (dir, repo) = repository();
        let new = commit(&repo, "new");
        let lock = dir.path().join(".git/refs/orchestrator/a.lock");
        fs::create_dir_all(lock.parent().unwrap()).unwrap();
        fs::write(&lock, "").unwrap();
        let edits = [edit("refs/orchestrator/a", None, Some(new))];
        let refused = repo.prepare(&edits, None, Duration::from_millis(20));
        assert!(matches!(refused, Err(GitError::Contended { path, .. }) if path.ends_with("a.lock")));
        repo.remove_locks(&[lock.clone()].into()).unwrap();
        assert_eq!(left(dir.path()).len(), 1);
    }

    #[test]
    fn the_locks_of_a_dead_process_of_ours_are_recognised() {
        let (dir, repo) = repository();
        let new = commit(&repo, "new");
        let locks: BTreeSet<PathBuf> =
            ["HEAD.lock", "refs/heads/main.lock"].iter().map(|name| repo.common_dir().join(name)).collect();
        let edits = [edit("HEAD", repo.read_ref("HEAD").unwrap(), Some(new))];
        let held = repo.prepare(&edits, Some("refs/heads/main"), Duration::ZERO).unwrap();
        std::mem::forget(held);
        // Two locks, and the one name of ours that proves both.
        assert_eq!(left(dir.path()).len(), 3);
        // One that somebody else has taken since stays, beside ours that go.
        let theirs = repo.common_dir().join("refs/heads/theirs.lock");
        fs::write(&theirs, "").unwrap();
        repo.remove_locks(&locks.union(&[theirs.clone()].into()).cloned().collect()).unwrap();
        assert_eq!(left(dir.path()), [theirs]);
    }

    #[test]
    fn what_is_not_carried_out_leaves_no_line_in_a_log() {
        let (dir, repo) = repository();
        let (new, old) = (commit(&repo, "new"), repo.read_ref("HEAD").unwrap());
        let edits = [edit("HEAD", old, Some(new)), edit("refs/heads/born", None, Some(new))];
        let logs = || {
            ["HEAD", "refs/heads/main", "refs/heads/born"]
                .map(|name| fs::read_to_string(dir.path().join(".git/logs").join(name)).ok())
        };
        let before = logs();
        let held = repo.prepare(&edits, Some("refs/heads/main"), Duration::from_secs(5)).unwrap();
        for log in held.locks.iter().flat_map(|lock| &lock.logs) {
            log.append("a line\n").unwrap();
        }
        assert_eq!(held.locks.iter().map(|lock| lock.logs.len()).collect::<Vec<_>>(), [2, 1]);
        drop(held);
        assert_eq!(logs(), before);
        assert_eq!(before[2], None);
        // One that can't be written refuses before any lock is of use.
        fs::remove_file(dir.path().join(".git/logs/HEAD")).unwrap();
        fs::create_dir_all(dir.path().join(".git/logs/HEAD/not")).unwrap();
        fs::write(dir.path().join(".git/logs/HEAD/not/empty"), "").unwrap();
        let refused = repo.prepare(&edits, Some("refs/heads/main"), Duration::from_secs(5));
        assert!(matches!(refused, Err(GitError::Io { path, .. }) if path.ends_with(".git/logs/HEAD")));
        assert_eq!(left(dir.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_lock_that_can_not_be_removed_keeps_the_name_that_proves_it_ours() {
        let (dir, repo) = repository();
        let new = commit(&repo, "new");
        let home = repo.common_dir().join("orchestrator");
        let soon = Instant::now() + Duration::from_secs(5);
        let first = LinkedLock::take(repo.common_dir(), "0", &home.join("one"), b"", soon).unwrap();
        let guard = first.guard(&home.join("two"), soon).unwrap();
        guard.stick();
        drop(guard);
        drop(first);
        assert_eq!(left(dir.path()).len(), 2, "the lock, and our name of it");
        repo.remove_locks(&[home.join("two.lock")].into()).unwrap();
        assert_eq!(left(dir.path()), Vec::<PathBuf>::new());
        swap(&repo, &[edit("refs/orchestrator/a", None, Some(new))]).unwrap();
    }

    #[test]
    fn an_empty_directory_of_the_same_name_gives_way() {
        let (dir, repo) = repository();
        let new = commit(&repo, "new");
        fs::create_dir_all(dir.path().join(".git/refs/heads/board/old/deeper")).unwrap();
        fs::create_dir_all(dir.path().join(".git/logs/refs/heads/board/old/deeper")).unwrap();
        swap(&repo, &[edit("refs/heads/board", None, Some(new))]).unwrap();
        assert_eq!(repo.read_ref("refs/heads/board").unwrap(), Some(new));
    }

    /// Without the comparison under the held locks, git and we both win here.
    #[test]
    fn a_ref_has_one_winner_beside_git_and_a_packer() {
        let (dir, repo) = repository();
        let is_over = AtomicBool::new(false);
        let (ours, theirs) = (commit(&repo, "ours"), commit(&repo, "theirs").to_string());
        let absent = "0".repeat(40);
        std::thread::scope(|scope| {
            let _over_at_the_end = Ends(&is_over);
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    git(dir.path(), &["pack-refs", "--all"]);
                }
            });
            for round in 0..60 {
                let name = format!("refs/orchestrator/locks/{round}");
                let mut rival = Command::new("git");
                rival.arg("-C").arg(dir.path()).args(["update-ref", &name, &theirs, &absent]);
                let mut rival = rival.stderr(std::process::Stdio::null()).spawn().unwrap();
                let won = swap(&repo, &[edit(&name, None, Some(ours))]).is_ok();
                let rival_won = rival.wait().unwrap().success();
                let value = repo.read_ref(&name).unwrap().unwrap();
                assert_eq!(won, value == ours, "round {round}: {won}, {rival_won}");
                assert_eq!(rival_won, value != ours, "round {round}: {won}, {rival_won}");
            }
        });
    }

    /// Says that it is over, also where an assertion has failed: else the packer would go on for ever.
    struct Ends<'a>(&'a AtomicBool);

    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}
