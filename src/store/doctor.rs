//! What is wrong with a repository for our purpose. Looking changes nothing; what is put right is only what
//! can be proved to be ours.

mod access;
mod claims;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::codec::{self, path, ref_name};
use crate::git::{GitError, Repo, Signature};
use crate::model::{Damage, Fault, Finding, Landing, Refusal, Settings, Unread, View as _};

use super::placement::{CONFIG_KEY, Placement, holds_board, named};
use super::{Snapshot, Store, StoreError, archive, check, follow, journal, transaction};

/// How old a lock file has to be before it is told of: git holds them for moments.
const OLD: Duration = Duration::from_secs(1);

/// The hooks that git would run for a commit as they are made here.
const HOOKS: [&str; 6] = [
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "reference-transaction",
    "post-index-change",
];

fn finding(code: &'static str, place: impl Into<String>, what: String, fix: impl Into<String>) -> Finding {
    Finding { code, place: place.into(), what, fix: fix.into(), is_fixed: false }
}

/// What is wrong with the repository, whatever its board is like. With `mend`, what a dead process of ours
/// left is recovered first.
pub(crate) fn of_repository(repo: &Repo, mend: bool, deadline: Instant) -> Result<Vec<Finding>, StoreError> {
    let mut found = access::findings(repo);
    found.extend(unreadable_journal(repo));
    let left = match dead_process(repo, mend, deadline) {
        // What is wrong with the file was told.
        Err(StoreError::Git(GitError::Io { .. })) if !mend && !found.is_empty() => None,
        left => left?,
    };
    // Young ones belong to it then, as a rule: the next command knows.
    let patience = if left.is_some() { Duration::ZERO } else { OLD };
    found.extend(left);
    found.extend(old_locks(repo, patience));
    found.extend(replacements(repo)?);
    found.extend(rewriting(repo));
    found.extend(hooks(repo));
    found.extend(refspecs(repo));
    found.extend(claims::findings(repo)?);
    if let Some(exclusion) = repo.excluded_by(path::CONFIG)? {
        found.push(finding(
            "ignored",
            format!("{}:{}", exclusion.file.display(), exclusion.line),
            format!("git ignores `{}/` by `{}`", path::BOARD, exclusion.pattern.escape_debug()),
            format!("add a line `!/{}/` below it", path::BOARD),
        ));
    }
    if let Some(name) = repo.config_string(CONFIG_KEY) {
        let holds = match named(repo, &name) {
            Ok(board) => board.tip(repo)?.map_or(Ok(false), |tip| holds_board(repo, tip))?,
            // That it can be no branch is told by the board that is not found so.
            Err(StoreError::Refused(_)) => true,
            Err(other) => return Err(other),
        };
        if !holds {
            found.push(finding(
                "board",
                format!("git config {CONFIG_KEY}"),
                format!("it names `{}`, where no board is", name.escape_debug()),
                format!("orchestrator init --board {name}"),
            ));
        }
    }
    Ok(found)
}

/// What is wrong with the board.
pub(crate) fn of_board(snapshot: &Snapshot<'_>) -> Result<Vec<Finding>, Fault> {
    let mut found = Vec::new();
    let attributes = format!("{}/.gitattributes", path::BOARD);
    // Where they can't be read, that is told among the damage, and nothing is known to keep bytes.
    let stored = Unread::default().try_note(snapshot.file(&attributes))?;
    let stored = stored.map(|stored| stored.bytes).unwrap_or_default();
    if !check::keeps_bytes(&stored) {
        found.push(finding(
            "attributes",
            attributes,
            "not everything keeps git from rewriting the files of the board".to_owned(),
            format!("put the line `* {}` into it, and commit", check::KEEPING),
        ));
    }
    found.extend(unknown_settings(snapshot)?);
    // What is wrong with the archive is told with what to do about it.
    let damage = snapshot.damage()?.into_damage().into_iter();
    found.extend(damage.filter(|damage| damage.path != ref_name::ARCHIVE).map(damaged));
    if snapshot.settings().format > Settings::FORMAT {
        found.push(finding(
            "format",
            path::CONFIG,
            format!(
                "this board has format {}; this version reads it and can't change it",
                snapshot.settings().format
            ),
            "use a later version of orchestrator",
        ));
    }
    if let Err(fault @ (Fault::Refused(_) | Fault::Unreadable(_))) = snapshot.updates() {
        let refusal = Refusal::from(fault);
        found.push(finding(
            "log",
            "the history of the board",
            refusal.message,
            refusal.hint.unwrap_or_default(),
        ));
    }
    let topics = snapshot.topics()?.map(|topics| topics.iter().map(ToString::to_string).collect());
    for names in [snapshot.workstream_names()?, snapshot.agent_names()?, topics] {
        // What could not be read was told above.
        found.extend(case_twins(&names.despite()));
    }
    found.extend(lost_claims(snapshot)?);
    Ok(found)
}

/// Whether attributes of the board, or of the repository's root, name the driver that merges its files.
pub(crate) fn names_driver(snapshot: &Snapshot<'_>) -> Result<bool, Fault> {
    for file in [format!("{}/.gitattributes", path::BOARD), ".gitattributes".to_owned()] {
        // What can't be read is told with the damage.
        let stored = Unread::default().try_note(snapshot.file(&file))?;
        let text = stored.map(|stored| stored.bytes).unwrap_or_default();
        let names = |line: &str| !line.starts_with('#') && line.contains("merge=orchestrator");
        if String::from_utf8_lossy(&text).lines().any(names) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Keys of the settings that mean nothing to this version.
fn unknown_settings(snapshot: &Snapshot<'_>) -> Result<Vec<Finding>, Fault> {
    let Some(stored) = Unread::default().try_note(snapshot.file(path::CONFIG))? else {
        return Ok(Vec::new());
    };
    let unknown = codec::settings::unknown_keys(&stored.bytes).into_iter();
    let told = unknown.map(|problem| {
        let place = format!("{}:{}:{}", path::CONFIG, problem.line, problem.column);
        let fix = format!(
            "correct the line, or take it out, and commit; what it says has no effect: git log -p -- {}",
            path::CONFIG
        );
        finding("unknown_setting", place, problem.why, fix)
    });
    Ok(told.collect())
}

/// A journal that no command of this version can act on: each change is refused until it is gone.
fn unreadable_journal(repo: &Repo) -> Option<Finding> {
    let path = super::advisory::path(repo.common_dir());
    if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
        let place = path.display().to_string();
        let fix = format!("if no command of orchestrator runs: mv '{place}' '{place}.other'");
        let what = "something else than a file is in the place of our lock; nothing can change".to_owned();
        return Some(finding("journal", place, what, fix));
    }
    let why = journal::unreadable(repo.common_dir())?;
    let place = super::advisory::path(repo.common_dir()).display().to_string();
    let fix = format!(
        "run `orchestrator status` and any change with the version that was used here last: it finishes what it began. If there \
         is none, and no command of orchestrator runs: mv '{place}' '{place}.unreadable', then look at: git status"
    );
    Some(finding("journal", place, format!("a change was interrupted here, and {why}"), fix))
}

/// Git shows other objects in the place of these; this program reads the ones that are stored.
fn replacements(repo: &Repo) -> Result<Option<Finding>, StoreError> {
    let count = repo.list_refs("refs/replace/")?.len();
    Ok((count > 0).then(|| {
        finding(
            Finding::REPLACED,
            "refs/replace/",
            format!(
                "git shows other objects in the place of {count}; boards are read and written without that"
            ),
            "git replace --list    (nothing has to be done)",
        )
    }))
}

/// What makes git rewrite files of the board that is checked out here.
fn rewriting(repo: &Repo) -> Vec<Finding> {
    let files =
        ["config.yaml", "workstreams/w.yaml", "tasks/00/00000000.yaml", "agents/a.yaml", "knowledge/k.md"];
    let paths: Vec<String> = files.iter().map(|file| format!("{}/{file}", path::BOARD)).collect();
    if !repo.work_dir().is_some_and(|root| root.join(path::CONFIG).exists()) {
        return Vec::new();
    }
    let mut found: Vec<Finding> = Vec::new();
    for one in repo.rewriting(&paths) {
        let place = match &one.source {
            Some((file, line)) => format!("{}:{line}", file.display()),
            None => one.path.clone(),
        };
        if found.iter().any(|known| known.place == place) {
            continue;
        }
        let what = format!(
            "the attribute `{}` has git rewrite `{}`, so its bytes are not those that are stored",
            one.attribute, one.path
        );
        let is_above_all = one.source.as_ref().is_some_and(|(file, _)| file.ends_with("info/attributes"));
        let fix = if is_above_all {
            format!(
                "add at the end of that file: {}/** {}    (git status names the files that have to be restored then)",
                path::BOARD,
                check::KEEPING
            )
        } else {
            format!("put the line `* {}` into {}/.gitattributes, and commit", check::KEEPING, path::BOARD)
        };
        found.push(finding("attributes", place, what, fix));
    }
    found
}

/// Hooks that git would run for a commit, and that do not run for ours.
fn hooks(repo: &Repo) -> Option<Finding> {
    let directory = repo.hooks_dir();
    let runs = |name: &&&str| repo.is_hook(&directory.join(name));
    let names: Vec<&str> = HOOKS.iter().filter(runs).copied().collect();
    (!names.is_empty()).then(|| {
        finding(
            Finding::HOOKS,
            directory.display().to_string(),
            format!(
                "{} of git's hooks {} not run for changes of the board: {}",
                names.len(),
                if names.len() == 1 { "does" } else { "do" },
                names.join(", ")
            ),
            "nothing, if they are about code; to check boards: orchestrator check, in CI or in a hook of the server",
        )
    })
}

/// Why what has the board checked out could not follow a change of it: each one is refused then.
pub(crate) fn of_worktrees(store: &Store) -> Result<Option<Finding>, StoreError> {
    let repo = &store.repo;
    let branch = match &store.board.placement {
        Placement::Branch(name) => Some(name.clone()),
        Placement::Head => repo.head_branch()?,
    };
    let why = match follow::worktrees(repo, branch.as_deref()) {
        Err(GitError::NoWorkTree { why }) => why,
        Err(other) => return Err(other.into()),
        Ok(_) => return Ok(None),
    };
    let fix = "git config --show-origin core.worktree    (that setting names it, or the variable GIT_WORK_TREE; where none does: run this in one of those that `git worktree list` names)";
    Ok(Some(finding("worktree", "the worktree of the board", format!("{why}; nothing can change"), fix)))
}

/// Something of the board that can't be read.
pub(crate) fn damaged(damage: Damage) -> Finding {
    let place = format!("{}:{}:{}", damage.path, damage.line, damage.column);
    // git could not show what the repository has lost.
    let is_of_object = damage.why.ends_with(super::snapshot::FSCK);
    let fix = if is_of_object { "git fsck".to_owned() } else { format!("git log -p -- {}", damage.path) };
    finding(Finding::DAMAGE, place, damage.why, fix)
}

/// Begins the archive anew where it can't be read: see [`archive::begin_anew`].
pub(crate) fn renew_archive(
    repo: &Repo,
    committer: &Signature,
    now: u64,
    deadline: Instant,
) -> Result<Option<usize>, StoreError> {
    let mut advisory = transaction::hold(repo, deadline)?;
    Ok(archive::begin_anew(repo, &mut advisory, committer, now)?)
}

fn dead_process(repo: &Repo, mend: bool, deadline: Instant) -> Result<Option<Finding>, StoreError> {
    if journal::peek(repo.common_dir())?.is_none() {
        return Ok(None);
    }
    // Somebody who lives holds the lock and needs no help.
    if super::advisory::Advisory::acquire(repo.common_dir(), Instant::now()).is_err() {
        return Ok(None);
    }
    let mut left = finding(
        "journal",
        super::advisory::path(repo.common_dir()).display().to_string(),
        "a command of ours died in the middle of a change".to_owned(),
        "orchestrator doctor --fix    (so does any command that changes the board)",
    );
    if mend {
        drop(transaction::hold(repo, deadline)?);
        left.is_fixed = true;
    }
    Ok(Some(left))
}

/// Lock files that have been there for a while; a younger one is waited for, for as long as `patience`, until it is as
/// old. Whose they are can't be known.
fn old_locks(repo: &Repo, patience: Duration) -> Vec<Finding> {
    let common = repo.common_dir();
    let mut files: Vec<PathBuf> = Vec::new();
    let is_lock = |path: &Path| path.extension().is_some_and(|ending| ending == "lock");
    for (directory, depth) in [("", 1), ("refs", usize::MAX), ("worktrees", 2)] {
        let walk = walkdir::WalkDir::new(common.join(directory)).max_depth(depth).follow_links(false);
        let entries = walk.into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path);
        files.extend(entries.filter(|path| is_lock(path)));
    }
    files.extend(repo.common_locks());
    files.sort();
    files.dedup();
    let seen = |path: &PathBuf| {
        let meta = path.symlink_metadata().ok()?;
        Some((meta.ino(), meta.modified().ok()?))
    };
    let mut files: Vec<_> =
        files.into_iter().filter_map(|path| seen(&path).map(|seen| (path, seen))).collect();
    // The age of one that was made in the future is not known, and counts as old.
    let age = |at: &SystemTime| at.elapsed().ok();
    let young = files.iter().filter_map(|(_, (_, at))| OLD.checked_sub(age(at).unwrap_or(OLD))).max();
    if let Some(wait) = young.filter(|wait| !wait.is_zero() && *wait <= patience) {
        std::thread::sleep(wait);
    }
    files.retain(|(path, before)| {
        let is_old = age(&before.1).is_none_or(|age| age >= OLD);
        is_old && seen(path).as_ref() == Some(before)
    });
    files
        .into_iter()
        .map(|(path, (_, at))| {
            let age = age(&at).unwrap_or_default();
            let place = path.display().to_string();
            let owner = repo.owner_of(&path).map(|id| format!(" of user {id}")).unwrap_or_default();
            let what = format!(
                "this lock file{owner} has been there for {} s; what it protects can't change",
                age.as_secs()
            );
            let fix = format!("see which process has it open: fuser -v '{place}'");
            finding("lock_file", place, what, fix)
        })
        .collect()
}

/// A fetch onto the live names would overwrite local claims and locks, and with `--prune` delete them.
fn refspecs(repo: &Repo) -> Vec<Finding> {
    let is_bad = |spec: &str| {
        let target = spec.trim_start_matches('+').split_once(':').map_or("", |(_, target)| target);
        target == "refs/*"
            || (target.starts_with("refs/orchestrator/") && !target.starts_with("refs/orchestrator/remotes/"))
    };
    let all = repo.fetch_specs().into_iter();
    all.filter(|(_, spec)| is_bad(spec))
        .map(|(remote, spec)| {
            finding(
                "refspec",
                format!("git config remote.{remote}.fetch"),
                format!(
                    "`{}` lets a fetch overwrite or delete claims and locks of this clone",
                    spec.escape_debug()
                ),
                format!("fetch them elsewhere: +refs/orchestrator/*:refs/orchestrator/remotes/{remote}/*"),
            )
        })
        .collect()
}

fn case_twins(names: &[String]) -> Vec<Finding> {
    let twins = check::case_twins(names.iter().map(String::as_str)).into_iter();
    twins
        .map(|(one, two)| {
            finding(
                "case_twins",
                format!("{one}, {two}"),
                "their names differ only by case: one file on some systems".to_owned(),
                "rename one of them",
            )
        })
        .collect()
}

/// Claims whose board commit is on no branch any more.
fn lost_claims(snapshot: &Snapshot<'_>) -> Result<Vec<Finding>, Fault> {
    let mut found = Vec::new();
    // What could not be read was told with the damage.
    for seen in snapshot.tasks()?.despite().iter() {
        let Landing::Elsewhere { branch, commit: Some(hex) } = &seen.landing else { continue };
        if snapshot.is_lost(hex)? {
            let id = seen.task.id;
            let branch = branch.as_deref().map(|name| format!(" left `{name}`")).unwrap_or_default();
            found.push(finding(
                "lost_claim",
                format!("task {id}"),
                format!("its claim was made in commit {}, which has{branch} and is on no branch", &hex[..7]),
                format!("to get it back: git branch recovered-{id} {}", &hex[..12]),
            ));
        }
    }
    Ok(found)
}
