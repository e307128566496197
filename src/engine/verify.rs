//! `verify`: whether log and state agree, of all of history or a part of it.

use std::collections::HashMap;

use crate::codec::path;
use crate::git::{GitError, Oid, Repo, Signed};
use crate::model::{Code, Exhibit, LostEvent, Refusal, Severity, Span};
use crate::store::{self, Reachable, Stretch};
use crate::views::verify::{Finding, Judge, Signatures, Verification};

use super::turned::Turned;
use super::{Orchestrator, blend};

/// What is done about signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignaturePolicy {
    /// They are not looked at.
    Ignore,
    /// They are counted, and bad ones told.
    Report,
    /// Each commit that changes the board, or carries an event, must have a good one.
    Require,
}

/// What to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyRequest {
    /// `a..b` or a revision, as git's; all that the board's tip contains, and the records, if there is none.
    pub range: Option<String>,
    /// What is done about signatures.
    pub signatures: SignaturePolicy,
    /// How far clocks may differ.
    pub slack: Span,
}

impl Default for VerifyRequest {
    fn default() -> Self {
        Self { range: None, signatures: SignaturePolicy::Ignore, slack: Span::from_secs(600) }
    }
}

/// Of how many commits a partial clone fetches what they changed in one go.
const AHEAD: usize = 1000;

impl Orchestrator {
    /// Walks history, oldest commit first, and holds each event against the difference that its commit makes; then
    /// the records of claims and locks, unless only a part of history is asked for. Nothing is written.
    pub fn verify(&self, request: &VerifyRequest) -> Result<Verification, Refusal> {
        let repo = &self.store.repo;
        let mut judge = Judge::new(self.now(), request.slack);
        let part = request.range.as_deref();
        let (tip, hidden) = match part {
            Some(range) => ends(repo, range)?,
            None => (self.tip()?, None),
        };
        let told = self.judge(&mut judge, tip, hidden, request);
        told.map_err(store::refusal_of)?;
        let tree = repo.tree_of(tip).map_err(store::refusal_of)?;
        let is_still = |path: &str, object: &str| {
            let entry = repo.entry_at(tree, path).ok().flatten();
            entry.map(|entry| entry.id.to_string()).as_deref() == Some(object)
        };
        Ok(judge.finish(&is_still, repo.is_shallow()))
    }

    fn tip(&self) -> Result<Oid, Refusal> {
        let none =
            || Refusal::new(Code::NoBoard, "there is no commit on this board yet").hint("orchestrator init");
        match self.at {
            Some(commit) => Ok(commit),
            None => self.store.board.tip(&self.store.repo).map_err(store::refusal_of)?.ok_or_else(none),
        }
    }

    fn judge(
        &self,
        judge: &mut Judge,
        tip: Oid,
        hidden: Option<Oid>,
        request: &VerifyRequest,
    ) -> Result<(), GitError> {
        let repo = &self.store.repo;
        if hidden.is_some() {
            judge.part();
        }
        store::each_testimony(repo, &mut |testimony| judge.hear(testimony))?;
        let hidden = hidden.map(|hidden| Stretch::walk(repo, hidden, None)).transpose()?;
        let walked = Stretch::walk(repo, tip, hidden.as_ref())?;
        let is_hidden = |commit: &Oid| hidden.as_ref().is_some_and(|hidden| hidden.members.contains(commit));
        let is_here = |commit: Oid| walked.members.contains(&commit) || is_hidden(&commit);
        let mut turned = Turned::default();
        let is_signed = request.signatures != SignaturePolicy::Ignore;
        let mut to_be_signed = Vec::new();
        for (at, commit) in walked.order.iter().enumerate() {
            if at % AHEAD == 0 {
                let ahead = &walked.order[at..walked.order.len().min(at + AHEAD)];
                repo.prefetch_changes(ahead, crate::codec::path::BOARD)?;
            }
            let mut exhibit = store::read_exhibit(repo, *commit)?;
            if exhibit.parents.len() > 1 {
                exhibit.blends = blend::blends(repo, &exhibit)?;
            }
            if is_signed && touches_board(&exhibit) {
                to_be_signed.push(*commit);
            }
            turned.take_back(repo, &mut exhibit, &is_here)?;
            judge.exhibit(&exhibit);
            turned.note(&exhibit);
        }
        if is_signed {
            signatures(repo, judge, &to_be_signed, request.signatures)?;
        }
        if request.range.is_none() && self.at.is_none() {
            let reachable = Reachable::new(repo, &walked)?;
            // The archive comes first: chains begin above what it knows.
            store::each_link(repo, &reachable, &mut |link| {
                judge.epoch(&link.record);
                judge.link(&link);
            })?;
            let branch = self.store.board.ref_name(repo)?;
            store::lost_events(repo, &branch, &reachable, &mut |lost| {
                let commit = Oid::from_hex(lost.commit.as_bytes()).ok();
                let made = commit.map(|commit| turned.has_all_of(repo, commit)).transpose()?;
                judge.lost(&LostEvent { is_made_by_others: made == Some(true), ..lost });
                Ok(())
            })?;
            if let Some(first) = reachable.replanted() {
                judge.replanted(&first.to_string());
            }
        }
        Ok(())
    }
}

fn touches_board(exhibit: &Exhibit) -> bool {
    let is_blended = exhibit.blends.as_ref().is_some_and(|blends| !blends.is_empty());
    !exhibit.events.is_empty() || is_blended || exhibit.changes.iter().any(|change| change.is_changed)
}

/// The commit that a range ends with, and the one that it begins after.
fn ends(repo: &Repo, range: &str) -> Result<(Oid, Option<Oid>), Refusal> {
    let find = |revision: &str| -> Result<Oid, Refusal> {
        let revision = if revision.is_empty() { "HEAD" } else { revision };
        let found = repo.resolve(revision).map_err(store::refusal_of)?;
        found.ok_or_else(|| {
            Refusal::new(Code::NotFound, super::past::no_commit(revision))
                .hint(format!("git log --oneline -- {}", path::BOARD))
        })
    };
    if range.contains("...") {
        return Err(Refusal::new(
            Code::Usage,
            format!("`{}` is no range here; it takes two dots", range.escape_debug()),
        )
        .hint("orchestrator verify main..HEAD"));
    }
    match range.split_once("..") {
        Some((from, to)) => Ok((find(to)?, Some(find(from)?))),
        None => Ok((find(range)?, None)),
    }
}

fn signatures(
    repo: &Repo,
    judge: &mut Judge,
    commits: &[Oid],
    policy: SignaturePolicy,
) -> Result<(), GitError> {
    let told: HashMap<Oid, Signed> = repo.signatures(commits)?.into_iter().collect();
    let mut counts = Signatures::default();
    for commit in commits {
        let (what, is_bad) = match told.get(commit) {
            Some(Signed::Good) => {
                counts.good += 1;
                continue;
            }
            Some(Signed::Untrusted) => {
                counts.untrusted += 1;
                ("its signature is by a key that git does not trust".to_owned(), false)
            }
            Some(Signed::Missing) => {
                counts.missing += 1;
                ("it is not signed".to_owned(), false)
            }
            Some(Signed::Bad(letter)) => {
                counts.bad += 1;
                (format!("its signature is not good: {}", meaning(*letter)), true)
            }
            None => {
                counts.bad += 1;
                ("git says nothing of its signature".to_owned(), true)
            }
        };
        let severity = match (policy, is_bad) {
            (SignaturePolicy::Require, _) | (_, true) => Severity::Error,
            (SignaturePolicy::Report | SignaturePolicy::Ignore, false) => Severity::Note,
        };
        judge.add(Finding {
            severity,
            code: "signature",
            commit: Some(commit.to_string()),
            reference: None,
            path: None,
            event: None,
            what,
        });
    }
    judge.signatures(counts);
    Ok(())
}

fn meaning(letter: char) -> &'static str {
    match letter {
        'B' => "it is bad",
        'X' => "it has expired",
        'Y' => "it is by a key that has expired",
        'R' => "it is by a key that was revoked",
        'E' => "it can't be checked here (is the key known?)",
        _ => "git could not judge it",
    }
}
