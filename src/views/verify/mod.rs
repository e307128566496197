//! Whether log and state agree: a fold over commits and records to findings.
//!
//! Each event is held against the difference that its commit makes, each difference against the events that tell
//! of it, each record against the one before it and the board commit that it names. Three severities:
//!
//! - an *error* is what no honest use of this program and of git leaves: a lie, or damage;
//! - a *warning* is what somebody did past this program (a hand edit that no command makes, a task that was deleted, a
//!   history that was reset): legitimate perhaps, and worth a look;
//! - a *note* is what can't be told from honest use, or not from here: a squash whose message was cut, a revert, a
//!   completion without a claim, the edge of a shallow clone.
//!
//! Pure: what is judged comes as values of [`model`](crate::model), in the order in which it happened, parents before
//! their children. What is remembered is a few words for each event and commit.

mod blends;
mod changes;
mod claims;
mod imports;
mod links;
mod overtaken;
mod story;
mod strangers;
#[cfg(test)]
mod tests;
mod text;
mod times;
mod words;

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::model::{
    Event, EventId, Exhibit, FileChange, LostEvent, Place, Prior, Severity, Side, Span, TaskId, Testimony,
    Timestamp, Wording,
};

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// One word for programs: `unshown`, `stranger`, …
    pub code: &'static str,
    /// The commit, 40 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The ref of the record.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The file; with line and column where it is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// One sentence, lower case, no full stop.
    pub what: String,
}

/// Whether commits are signed, as far as it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Signatures {
    /// Good, by a key that git trusts.
    pub good: usize,
    /// Good, by a key that git knows nothing of.
    pub untrusted: usize,
    /// None.
    pub missing: usize,
    /// Not good, or not to be checked.
    pub bad: usize,
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// How many commits of the board were looked at.
    pub commits: usize,
    /// How many events stand in them, each counted once.
    pub events: usize,
    /// How many records of claims and locks were looked at.
    pub records: usize,
    /// How many findings of each severity there are.
    pub errors: usize,
    /// The same.
    pub warnings: usize,
    /// The same.
    pub notes: usize,
    /// Of signatures, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Signatures>,
    /// In the order of history: commits, then records. Of one code at most [`MOST`].
    pub findings: Vec<Finding>,
}

/// How many findings of one code are kept; all are counted.
pub const MOST: usize = 1000;

/// The verdict of a claim's epoch: of which task, and which.
type Epoch = (TaskId, u64);

/// Judges history, commit by commit and record by record.
#[derive(Debug)]
pub struct Judge {
    now: Timestamp,
    /// How far clocks may differ.
    slack: Span,
    found: Verification,
    kept: HashMap<&'static str, usize>,
    /// What each event says, by its id, and the commit that said so first.
    ids: HashMap<u128, (u64, String)>,
    /// The latest time up to a commit.
    peaks: HashMap<u128, i64>,
    priors: HashMap<EventId, Prior>,
    /// Up to when the records of a task were archived.
    archived: HashMap<TaskId, Timestamp>,
    epochs: HashSet<Epoch>,
    claims: claims::Claims,
    /// What the archive says of each claim, and the chain that is looked at.
    shelved: links::Shelved,
    /// By which events holds of tasks ended.
    ends: strangers::Ends,
    /// Of whom it was told that they act on what another one holds, where no record is there to say so.
    strangers: Vec<strangers::Doubt>,
    /// Events of which it was told that no branch has them.
    lost: HashSet<u128>,
    /// Not all of history is looked at: what is told for the first time here may have been told before.
    is_part: bool,
    /// Files that were damaged: which finding, and which object.
    damaged: Vec<(usize, String, String)>,
    edges: usize,
}

/// Whether the event says that it undoes an earlier one: then what it restores keeps the stamps that it had.
fn is_undoing(event: &Event) -> bool {
    event.fields.contains_key("undoes")
}

/// An id in few bytes.
fn number(text: &str) -> u128 {
    let digest = Sha256::digest(text);
    u128::from_be_bytes(digest[..16].try_into().unwrap_or_default())
}

/// What an event says, in few bytes.
fn content(event: &Event) -> u64 {
    let fields = serde_json::to_string(&event.fields).unwrap_or_default();
    let whole = format!("{}\n{}\n{}\n{fields}", event.ts, event.agent, event.action.word());
    (number(&whole) >> 64) as u64
}

impl Judge {
    /// One that has seen nothing. What lies later than `now` by more than `slack` lies in the future.
    pub fn new(now: Timestamp, slack: Span) -> Self {
        Self {
            now,
            slack,
            found: Verification::default(),
            kept: HashMap::new(),
            ids: HashMap::new(),
            peaks: HashMap::new(),
            priors: HashMap::new(),
            archived: HashMap::new(),
            epochs: HashSet::new(),
            claims: claims::Claims::default(),
            shelved: links::Shelved::default(),
            ends: strangers::Ends::default(),
            strangers: Vec::new(),
            lost: HashSet::new(),
            is_part: false,
            damaged: Vec::new(),
            edges: 0,
        }
    }

    /// Takes note that only a part of history is looked at.
    pub fn part(&mut self) {
        self.is_part = true;
    }

    /// What records tell beforehand. All of it first, before any commit.
    pub fn hear(&mut self, testimony: Testimony) {
        match testimony {
            Testimony::Prior(event, prior) => drop(self.priors.insert(event, prior)),
            Testimony::Archived(id, at) => {
                let last = self.archived.entry(id).or_insert(at);
                *last = at.max(*last);
            }
            Testimony::Said(id, said) => self.claims.hear(id, said),
        }
    }

    /// Whether the event was seen in any commit.
    pub fn knows(&self, event: &EventId) -> bool {
        self.ids.contains_key(&number(event.as_str()))
    }

    /// Takes something that was found elsewhere.
    pub fn add(&mut self, finding: Finding) {
        match finding.severity {
            Severity::Error => self.found.errors += 1,
            Severity::Warning => self.found.warnings += 1,
            Severity::Note => self.found.notes += 1,
        }
        let kept = self.kept.entry(finding.code).or_default();
        *kept += 1;
        if *kept <= MOST {
            self.found.findings.push(finding);
        }
    }

    /// What was found of signatures.
    pub fn signatures(&mut self, signatures: Signatures) {
        self.found.signatures = Some(signatures);
    }

    fn tell(
        &mut self,
        severity: Severity,
        code: &'static str,
        exhibit: &Exhibit,
        path: Option<&str>,
        what: impl Into<String>,
    ) {
        self.add(Finding {
            severity,
            code,
            commit: Some(exhibit.commit.clone()),
            reference: None,
            path: path.map(str::to_owned),
            event: None,
            what: what.into(),
        });
    }

    /// The next commit; its parents have been judged before.
    pub fn exhibit(&mut self, exhibit: &Exhibit) {
        self.found.commits += 1;
        self.edges += usize::from(exhibit.is_edge);
        let is_ours = matches!(exhibit.wording, Wording::Ours);
        for problem in &exhibit.problems {
            let severity = if is_ours { Severity::Error } else { Severity::Warning };
            self.tell(severity, "bad_event", exhibit, None, format!("a line is no event: {problem}"));
        }
        let brought = imports::Brought::by(exhibit);
        self.times(exhibit, &brought);
        if exhibit.is_import {
            let what = format!("{} are as the imported data say", count(exhibit.events.len(), "event"));
            self.tell(Severity::Note, "import", exhibit, None, what);
        }
        let fresh: Vec<bool> = exhibit.events.iter().map(|event| self.is_fresh(exhibit, event)).collect();
        self.words(exhibit, &fresh, &brought);
        self.doubles(exhibit, &fresh, &brought);
        if exhibit.is_edge {
            for change in &exhibit.changes {
                self.damage(exhibit, change);
            }
            return;
        }
        self.blends(exhibit);
        let events = in_order(exhibit, &fresh);
        for (event, _) in &events {
            let is_nowhere = Place::is_needed_by(&event.action) && Place::of(event).is_none();
            if is_nowhere && event.line.is_none() && !brought.has(event) {
                let what = format!("`{}` names nothing that it could be about", event.action.word());
                self.tell(Severity::Error, "bad_event", exhibit, None, what);
            }
        }
        // A batch or an import may change thousands of files by as many events.
        let mut told: HashMap<Place, Vec<(&Event, bool)>> = HashMap::new();
        let is_judged = |event: &Event| event.line.is_none() && !brought.has(event);
        let is_own = exhibit.wording == Wording::Ours;
        for (event, is_fresh) in events.into_iter().filter(|(event, _)| is_judged(event)) {
            self.ends(event);
            if !is_own && event.id.as_ref().is_some_and(|id| exhibit.taken_back.contains(id)) {
                let what =
                    format!("`{}` by {} was taken back before it landed", event.action.word(), event.agent);
                self.of_event(Severity::Note, "elsewhere", exhibit, event, what);
                continue;
            }
            // A merge tells of nothing itself: what it changes is held against what it merges.
            if let Some(place) = Place::of(event).filter(|_| exhibit.blends.is_none()) {
                told.entry(place).or_default().push((event, is_fresh));
            }
        }
        for change in &exhibit.changes {
            let own = told.get(&change.place).map(Vec::as_slice).unwrap_or_default();
            self.change(exhibit, change, own);
        }
    }

    /// Whether this is the first commit that carries the event.
    fn is_fresh(&mut self, exhibit: &Exhibit, event: &Event) -> bool {
        let Some(id) = &event.id else { return true };
        let says = content(event);
        match self.ids.get(&number(id.as_str())) {
            None => {
                self.found.events += 1;
                self.ids.insert(number(id.as_str()), (says, exhibit.commit[..12].to_owned()));
                true
            }
            Some((known, _)) if *known == says => false,
            Some((_, first)) => {
                let what = format!("event {id} says something else in commit {first}");
                self.add(Finding {
                    severity: Severity::Error,
                    code: "duplicate_id",
                    commit: Some(exhibit.commit.clone()),
                    reference: None,
                    path: None,
                    event: Some(id.to_string()),
                    what,
                });
                true
            }
        }
    }

    fn damage(&mut self, exhibit: &Exhibit, change: &FileChange) {
        let Side::Damaged(damage) = &change.after else { return };
        if !change.is_changed {
            return;
        }
        let place = format!("{}:{}:{}", damage.path, damage.line, damage.column);
        self.tell(Severity::Error, "damaged", exhibit, Some(&place), damage.why.clone());
        let is_kept = self.kept.get("damaged").is_some_and(|kept| *kept <= MOST);
        if is_kept {
            let at = self.found.findings.len() - 1;
            self.damaged.push((at, change.path.clone(), change.object.clone()));
        }
    }

    /// An event that the log of a branch tells of and no branch has.
    pub fn lost(&mut self, lost: &LostEvent) {
        // A rebase leaves several commits behind that carry the same event.
        if let Some(id) = &lost.event.id
            && (self.knows(id) || !self.lost.insert(number(id.as_str())))
        {
            return;
        }
        let word = lost.event.action.word();
        if lost.is_made_by_others {
            return self.add(Finding {
                severity: Severity::Note,
                code: "lost_event",
                commit: Some(lost.commit.clone()),
                reference: None,
                path: None,
                event: lost.event.id.as_ref().map(ToString::to_string),
                what: format!("`{word}` by {} was dropped, since others had done the same", lost.event.agent),
            });
        }
        self.add(Finding {
            severity: Severity::Warning,
            code: "lost_event",
            commit: Some(lost.commit.clone()),
            reference: None,
            path: None,
            event: lost.event.id.as_ref().map(ToString::to_string),
            what: format!(
                "`{word}` by {} was on this branch and is on none now: its history was reset or rewritten",
                lost.event.agent
            ),
        });
    }

    /// What lies before the first commit of this board is of another one, which was removed.
    pub fn replanted(&mut self, first: &str) {
        self.add(Finding {
            severity: Severity::Warning,
            code: "deleted",
            commit: Some(first.to_owned()),
            reference: None,
            path: None,
            event: None,
            what: "there was a board before this one, which was removed; of its history nothing is judged"
                .to_owned(),
        });
    }

    /// The verdict. `is_still` says whether a path is still this object now: what was damaged once and is not any
    /// more is a warning.
    pub fn finish(mut self, is_still: &dyn Fn(&str, &str) -> bool, is_cut: bool) -> Verification {
        for (at, path, object) in std::mem::take(&mut self.damaged) {
            if !is_still(&path, &object) {
                let finding = &mut self.found.findings[at];
                finding.severity = Severity::Warning;
                finding.what.push_str(" (put right since)");
                self.found.errors -= 1;
                self.found.warnings += 1;
            }
        }
        self.settle_strangers();
        if self.edges > 0 || is_cut {
            let edges = count(self.edges, "commit");
            self.add(Finding {
                severity: Severity::Note,
                code: "shallow",
                commit: None,
                reference: None,
                path: None,
                event: None,
                what: format!(
                    "this clone is shallow: what came before {edges} can't be seen, nor what they changed"
                ),
            });
        }
        self.found
    }
}

/// The events of a commit in the order in which they happened, and whether each is seen for the first time. Messages
/// of a squash have the newest first.
fn in_order<'p>(exhibit: &'p Exhibit, fresh: &[bool]) -> Vec<(&'p Event, bool)> {
    let mut events: Vec<(&Event, bool)> = exhibit.events.iter().zip(fresh.iter().copied()).collect();
    if matches!(exhibit.wording, Wording::Ours | Wording::Cut) {
        return events;
    }
    // Stable: those of one commit, which may share a moment, stand in their order.
    events.sort_by_key(|(event, _)| event.ts);
    events
}

fn count(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
