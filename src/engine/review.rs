//! `diff` and `check`: what changed on a board, and whether it is valid.

use crate::git::{Oid, Repo};
use crate::model::{Between, Code, Comparison, Flaw, Refusal, Settings, Severity};
use crate::store::compare::{Place, compare};
use crate::store::{self, check as checking};
use crate::views::check::{Checked, checked};
use crate::views::diff::{Diff, diff as told, double_claims, suspicions};

use super::options::Options;

/// What somebody typed: `a..b`, `a...b`, or one revision.
enum Range<'t> {
    One(&'t str),
    Two { base: &'t str, head: &'t str, since_fork: SinceFork },
}

/// Whether the base is the commit itself, or the best one that both contain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SinceFork {
    Yes,
    No,
}

impl<'t> Range<'t> {
    fn parse(text: &'t str) -> Self {
        if let Some((base, head)) = text.split_once("...") {
            return Self::Two { base, head, since_fork: SinceFork::Yes };
        }
        match text.split_once("..") {
            Some((base, head)) => Self::Two { base, head, since_fork: SinceFork::No },
            None => Self::One(text),
        }
    }
}

/// Two ends, and what there is to say of them.
struct Ends {
    base: Place,
    head: Place,
    remarks: Vec<String>,
}

/// What changed on the board, in words; and what the reader should know besides, a sentence each.
///
/// `range` is as git's: `base..head`, `base...head` (since they parted), or one revision to compare the board with;
/// an empty end is the board. Without one: since the board parted from the branch that it is to be merged into, which
/// is its upstream, unless that is only its own copy on a remote, or else the default branch.
pub fn diff(options: &Options, range: Option<&str>) -> Result<(Diff, Vec<String>), Refusal> {
    let repo = Repo::discover(&options.start).map_err(store::refusal_of)?;
    let Ends { base, head, mut remarks } = match range {
        Some(range) => match Range::parse(range) {
            Range::One(base) => {
                Ends { base: named(&repo, options, base)?, head: board(&repo, options)?, remarks: Vec::new() }
            }
            Range::Two { base, head, since_fork } => two(&repo, options, base, head, since_fork)?,
        },
        None => usual(&repo, options)?,
    };
    let comparison = compare(&repo, &base, &head)?;
    if !(comparison.base.has_board || comparison.head.has_board) {
        return Err(no_board(&format!("{} or {}", base.name, head.name)));
    }
    remarks.extend(unseen(&comparison));
    if comparison.between == Between::Diverged {
        remarks.push(format!(
            "`{0}` has commits that `{1}` has not: what they did shows as undone; since they parted: orchestrator diff {0}...{1}",
            base.name.escape_debug(),
            head.name.escape_debug()
        ));
    }
    Ok((told(&comparison), remarks))
}

/// Whether a board is valid: the one at a revision (default: the board), or that at the head of a range, then also
/// whether what led there was legal.
pub fn check(options: &Options, range: Option<&str>) -> Result<Checked, Refusal> {
    let repo = Repo::discover(&options.start).map_err(store::refusal_of)?;
    // Where the other side has gone since both parted.
    let mut rival = None;
    let (base, head) = match range.map(Range::parse) {
        None => (None, checked_board(&repo, options)?),
        Some(Range::One(revision)) => (None, named(&repo, options, revision)?),
        Some(Range::Two { base, head, since_fork }) => {
            if since_fork == SinceFork::Yes {
                rival = Some(named(&repo, options, base)?);
            }
            let ends = two(&repo, options, base, head, since_fork)?;
            (Some(ends.base), ends.head)
        }
    };
    let Some(commit) = head.commit else { return Err(no_board(&head.name)) };
    let tree = repo.tree_of(commit).map_err(store::refusal_of)?;
    let (mut flaws, settings) = checking::check(&repo, tree)?;
    if let Some(Settings { format, .. }) = settings
        && format > Settings::FORMAT
    {
        flaws.push(Flaw {
            severity: Severity::Warning,
            code: "format",
            path: crate::codec::path::CONFIG.to_owned(),
            line: 1,
            column: 1,
            what: format!(
                "the format is {format}; this version knows {} and may misjudge it",
                Settings::FORMAT
            ),
        });
    }
    let comparison = base.as_ref().map(|base| compare(&repo, base, &head)).transpose()?;
    let has_any = repo.entry_at(tree, crate::codec::path::BOARD).map_err(store::refusal_of)?.is_some();
    if !(has_any || comparison.as_ref().is_some_and(|comparison| comparison.base.has_board)) {
        return Err(no_board(&head.name));
    }
    let mut blind = Vec::new();
    if let Some(comparison) = &comparison {
        blind.extend(unseen(comparison));
        let mut suspicious = suspicions(comparison);
        if let (Some(base), Some(rival)) = (&base, &rival) {
            let rival = compare(&repo, base, rival)?;
            let doubled = double_claims(comparison, Some(&rival));
            suspicious
                .extend(doubled.into_iter().filter(|one| !suspicious.contains(one)).collect::<Vec<_>>());
        }
        for found in suspicious {
            let (path, line, column) =
                checking::place(&repo, tree, &found.subject, found.field).map_err(store::refusal_of)?;
            // What the board itself shows was told, at its very place.
            if !flaws.iter().any(|flaw| flaw.path == path && flaw.code == found.code) {
                let (severity, code, what) = (found.severity, found.code, found.what);
                flaws.push(Flaw { severity, code, path, line, column, what });
            }
        }
    }
    flaws.sort_by(|one, two| (&one.path, one.line, one.column).cmp(&(&two.path, two.line, two.column)));
    let base = base.map(|base| base.name);
    Ok(checked(&head.name, &commit.to_string(), base.as_deref(), &flaws, blind))
}

/// What of the history between could not be looked at.
fn unseen(comparison: &Comparison) -> Option<String> {
    match comparison.between {
        Between::Cut => Some(
            "this clone is shallow: who did what may be incomplete, and changes that no event explains are not looked for (git fetch --unshallow)"
                .to_owned(),
        ),
        Between::Diverged | Between::Whole => None,
    }
}

fn no_board(name: &str) -> Refusal {
    Refusal::new(Code::NoBoard, format!("there is no board at {}", name.escape_debug()))
        .hint("git log --oneline --all -- .orchestrator")
}

/// The board, or what `--at` names. Where nobody can tell whether one is on `HEAD`, that is what is to be checked.
fn checked_board(repo: &Repo, options: &Options) -> Result<Place, Refusal> {
    match board(repo, options) {
        Err(refusal) if !refusal.damage.is_empty() && options.at.is_none() => resolved(repo, "HEAD"),
        found => found,
    }
}

/// The board, or what `--at` names.
fn board(repo: &Repo, options: &Options) -> Result<Place, Refusal> {
    if let Some(revision) = &options.at {
        return resolved(repo, revision);
    }
    let board = options.choose_board(repo)?;
    let name = board.name(repo).map_err(store::refusal_of)?;
    Ok(Place { name, commit: board.tip(repo).map_err(store::refusal_of)? })
}

/// A revision; nothing is the board.
fn named(repo: &Repo, options: &Options, revision: &str) -> Result<Place, Refusal> {
    if revision.is_empty() { board(repo, options) } else { resolved(repo, revision) }
}

fn resolved(repo: &Repo, revision: &str) -> Result<Place, Refusal> {
    match repo.resolve(revision).map_err(store::refusal_of)? {
        Some(commit) => Ok(Place { name: revision.to_owned(), commit: Some(commit) }),
        None => {
            let hint = if repo.is_shallow() {
                "git fetch --unshallow"
            } else {
                "git log --oneline --all -- .orchestrator"
            };
            Err(Refusal::new(Code::NotFound, super::past::no_commit(revision)).hint(hint))
        }
    }
}

fn two(
    repo: &Repo,
    options: &Options,
    base: &str,
    head: &str,
    since_fork: SinceFork,
) -> Result<Ends, Refusal> {
    let (base, head) = (named(repo, options, base)?, named(repo, options, head)?);
    if since_fork == SinceFork::No {
        return Ok(Ends { base, head, remarks: Vec::new() });
    }
    match common(repo, &base, &head)? {
        Some(commit) => Ok(Ends { base: Place { commit: Some(commit), ..base }, head, remarks: Vec::new() }),
        None => Err(Refusal::new(
            Code::NotFound,
            format!(
                "`{}` and `{}` have no commit in common",
                base.name.escape_debug(),
                head.name.escape_debug()
            ),
        )
        .hint(format!("orchestrator diff {}..{}", base.name, head.name))),
    }
}

/// The best commit that both contain. In a shallow clone it may only be missing: that is no answer.
fn common(repo: &Repo, base: &Place, head: &Place) -> Result<Option<Oid>, Refusal> {
    let (Some(one), Some(two)) = (base.commit, head.commit) else { return Ok(None) };
    let found = repo.merge_base(one, two).map_err(store::refusal_of)?;
    if found.is_none() && repo.is_shallow() {
        return Err(Refusal::new(
            Code::Unreadable,
            format!(
                "this clone is shallow, and where `{}` and `{}` parted is not in it",
                base.name.escape_debug(),
                head.name.escape_debug()
            ),
        )
        .hint("git fetch --unshallow"));
    }
    Ok(found)
}

/// Since the board parted from the branch that it is to be merged into.
fn usual(repo: &Repo, options: &Options) -> Result<Ends, Refusal> {
    let head = board(repo, options)?;
    let own = match &options.at {
        Some(_) => String::new(),
        None => {
            let board = options.choose_board(repo)?;
            board.ref_name(repo).map_err(store::refusal_of)?
        }
    };
    let Some(base) = target(repo, store::short(&own))? else {
        return Err(Refusal::new(
            Code::NotFound,
            "there is no branch to compare with: neither an upstream nor a default branch",
        )
        .hint("orchestrator diff <revision>"));
    };
    let mut remarks = Vec::new();
    let commit = common(repo, &base, &head)?;
    if commit.is_none() {
        remarks.push(format!(
            "`{}` and the board have no commit in common: everything is new",
            base.name.escape_debug()
        ));
    } else if commit == head.commit && base.name == store::short(&own) {
        remarks.push(format!(
            "`{}` is the branch that others are merged into, and has no upstream: to compare it with an earlier commit: orchestrator diff HEAD~10",
            base.name.escape_debug()
        ));
    }
    Ok(Ends { base: Place { commit, ..base }, head, remarks })
}

/// The branch that `own` is to be merged into.
fn target(repo: &Repo, own: &str) -> Result<Option<Place>, Refusal> {
    let default = repo.default_branch();
    let is_default = default.as_deref() == Some(own);
    let upstream = repo.config_string(&format!("branch.{own}.merge")).and_then(|merge| {
        let remote = repo.config_string(&format!("branch.{own}.remote"))?;
        let short = store::short(&merge).to_owned();
        let is_copy = short == own && !is_default;
        (!is_copy).then(|| match remote.as_str() {
            "." => merge.clone(),
            remote => format!("refs/remotes/{remote}/{short}"),
        })
    });
    let of_default = default.into_iter().flat_map(|name| {
        let remote = format!("refs/remotes/origin/{name}");
        let local = format!("refs/heads/{name}");
        // What is on the remote is what a pull request is merged into.
        [remote, local]
    });
    let names = upstream.into_iter().chain(of_default);
    let usual = ["refs/remotes/origin/main", "refs/remotes/origin/master"].map(str::to_owned);
    for name in names.chain(usual) {
        if let Some(commit) = repo.read_ref(&name).map_err(store::refusal_of)? {
            let short = name.strip_prefix("refs/remotes/").unwrap_or(store::short(&name)).to_owned();
            return Ok(Some(Place { name: short, commit: Some(commit) }));
        }
    }
    Ok(None)
}
