//! What the events of one commit tell of one task, played on its state before: what it must look like afterwards.
//!
//! Several branches share the claims of a task, and each has a file of its own. So a file may not know who holds a
//! task: then the record before the event's is asked as well, and an epoch that is higher than the file's says
//! that it was claimed where this board can't see.

use crate::model::{Action, Event, Prior, Standing, Status, Task, Timestamp};

use super::{Severity, is_undoing};

/// Something that no honest mutation does.
pub(super) struct Wrong {
    pub(super) severity: Severity,
    pub(super) code: &'static str,
    pub(super) what: String,
    /// Who held it with which epoch, where this is wrong for that alone, and no record tells it.
    pub(super) held_by: Option<(String, u64)>,
}

/// What must hold after the events.
pub(super) struct Story {
    word: &'static str,
    /// Who may be the holder.
    holders: Vec<Option<String>>,
    /// Whoever finished it before holds it again: nobody here says who.
    is_restored: bool,
    /// Whether the last event of its state says the epoch.
    tells_epoch: bool,
    epoch: u64,
    /// Whether an event puts it into its workstream, and none just names that.
    is_placed: bool,
    pub(super) is_born: bool,
    pub(super) is_gone: bool,
    title: Option<String>,
    workstream: Option<String>,
    result: Option<Option<String>>,
    reason: Option<String>,
    claimed_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    created_by: Option<(Timestamp, String)>,
    /// The fields that may differ.
    may: Vec<String>,
    pub(super) wrongs: Vec<Wrong>,
}

/// What every event of a task's state may change.
const OF_STATE: [&str; 8] =
    ["status", "assigned_to", "epoch", "claimed_at", "completed_at", "reason", "result", "imported"];

/// What the events tell of a task that was in this state; whether each is told for the first time, and who had
/// the task before it, where a record says so.
pub(super) fn story<'e>(
    before: Option<&Task>,
    events: impl IntoIterator<Item = (&'e Event, bool, Option<&'e Prior>)>,
) -> Story {
    let holder = |task: &Task| task.status.claim().map(|claim| claim.agent.to_string());
    let mut story = Story {
        word: before.map_or("pending", |task| task.status.word()),
        holders: vec![before.and_then(holder)],
        is_restored: false,
        tells_epoch: true,
        epoch: before.map_or(0, |task| task.epoch),
        is_placed: false,
        is_born: false,
        is_gone: false,
        title: None,
        workstream: None,
        result: None,
        reason: None,
        claimed_at: None,
        completed_at: None,
        created_by: None,
        may: Vec::new(),
        wrongs: Vec::new(),
    };
    for (event, is_fresh, prior) in events {
        let known = story.wrongs.len();
        story.play(before, event, prior);
        if !is_fresh {
            // Whether it was right to do was judged where it was done.
            story.wrongs.truncate(known);
        }
    }
    story
}

impl Story {
    fn wrong(&mut self, severity: Severity, code: &'static str, what: String) {
        self.wrongs.push(Wrong { severity, code, what, held_by: None });
    }

    fn play(&mut self, before: Option<&Task>, event: &Event, prior: Option<&Prior>) {
        let agent = event.agent.as_str();
        let epoch = event.fields.get("epoch").and_then(serde_json::Value::as_u64);
        if let Some(workstream) = event.text("workstream") {
            self.workstream = Some(workstream.to_owned());
            self.is_placed |= event.action == Action::TaskCreated || event.text("from_workstream").is_some();
        }
        if let Some(prior) = prior {
            self.hear(prior);
        }
        let is_claim = event.action == Action::TaskClaimed;
        let is_elsewhere = !is_claim && epoch.is_some_and(|epoch| epoch > self.epoch);
        if is_elsewhere {
            if prior.is_none() {
                let what = format!(
                    "{agent} had it with epoch {}, by a claim that no board here tells of",
                    epoch.unwrap_or(0)
                );
                self.wrong(Severity::Note, "elsewhere", what);
            }
            self.holders.push(Some(agent.to_owned()));
            self.holders.extend(event.text("released_from").map(|from| Some(from.to_owned())));
        }
        let is_known = is_elsewhere || prior.is_some();
        if event.action != Action::TaskUpdated {
            // A task that was deleted may be brought back with the epoch that it had.
            let is_new = event.action == Action::TaskCreated && !is_undoing(event);
            self.tells_epoch = epoch.is_some() || is_new;
        }
        if let Some(epoch) = epoch {
            let least = if is_claim { self.epoch.saturating_add(1) } else { self.epoch };
            if epoch < least {
                let what = format!(
                    "`{}` by {agent} has epoch {epoch}, and it was at epoch {} already",
                    event.action.word(),
                    self.epoch
                );
                self.wrong(Severity::Error, "epoch_back", what);
            }
            self.epoch = epoch;
        }
        self.turn(before, event, is_known);
        if prior.is_some() {
            self.wrongs.iter_mut().for_each(|wrong| wrong.held_by = None);
        }
    }

    /// A record's word on who holds it counts beside the file's.
    fn hear(&mut self, prior: &Prior) {
        if prior.epoch < self.epoch {
            return;
        }
        let holder = match &prior.standing {
            Standing::Held { agent, .. } => Some(agent.to_string()),
            Standing::Free | Standing::Completed { .. } | Standing::Unreadable { .. } => None,
        };
        self.holders.push(holder);
        self.epoch = prior.epoch;
    }

    /// Refuses somebody who acts on what another one holds.
    fn check_holder(&mut self, event: &Event, from: Option<&str>, verb: &str) {
        let agent = event.agent.as_str();
        let fits = |holder: &Option<String>| match holder {
            Some(holder) => holder == agent || Some(holder.as_str()) == from,
            None => true,
        };
        if !self.holders.iter().any(fits) {
            let holder = self.holders.iter().flatten().next().cloned().unwrap_or_default();
            let what = format!("{agent} {verb} it, and {holder} held it (epoch {})", self.epoch);
            let held_by = Some((holder, self.epoch));
            self.wrongs.push(Wrong { severity: Severity::Error, code: "stranger", what, held_by });
        }
    }

    /// It is played where it was not written: its events name the workstream in which it was there.
    pub(super) fn replayed(&mut self) {
        if !self.is_placed {
            self.workstream = None;
        }
    }

    fn becomes(&mut self, word: &'static str, holders: Vec<Option<String>>) {
        self.word = word;
        self.holders = holders;
        self.result = Some(None);
        self.completed_at = None;
        self.is_restored = false;
        self.may.extend(OF_STATE.map(str::to_owned));
    }

    fn turn(&mut self, before: Option<&Task>, event: &Event, is_known: bool) {
        let agent = event.agent.as_str();
        match &event.action {
            Action::TaskCreated => {
                self.is_born = true;
                self.becomes("pending", vec![None]);
                self.title = event.text("title").map(str::to_owned);
                self.created_by = (!is_undoing(event)).then(|| (event.ts, agent.to_owned()));
            }
            Action::TaskClaimed => {
                let from = event.text("taken_from");
                let fits = |holder: &Option<String>| match holder {
                    Some(holder) => holder == agent || Some(holder.as_str()) == from,
                    None => true,
                };
                if !self.holders.iter().any(fits) {
                    let holder = self.holders.iter().flatten().next().cloned().unwrap_or_default();
                    let what = format!("{agent} claimed it, and this board says that {holder} held it");
                    // It may have been given back on another branch.
                    let severity = if is_known { Severity::Error } else { Severity::Note };
                    let code = if is_known { "stranger" } else { "elsewhere" };
                    self.wrong(severity, code, what);
                }
                self.becomes("in_progress", vec![Some(agent.to_owned())]);
                self.claimed_at = Some(event.ts);
            }
            Action::TaskCompleted => {
                self.check_holder(event, None, "completed");
                if matches!(self.word, "done" | "cancelled" | "blocked") && !is_known {
                    let what = format!("{agent} completed it, and it was {}", self.word);
                    self.wrong(Severity::Error, "transition", what);
                }
                // Where it may have been nobody's, it was, for whoever did not hold it.
                let is_free = self.holders.iter().any(Option::is_none);
                if is_free && !self.holders.iter().any(|holder| holder.as_deref() == Some(agent)) {
                    let what = format!("{agent} completed it without a claim");
                    self.wrong(Severity::Note, "unclaimed", what);
                    self.holders.push(Some(agent.to_owned()));
                }
                let is_restored = is_undoing(event) && self.holders.iter().any(Option::is_none);
                let holders = std::mem::take(&mut self.holders);
                self.becomes("done", holders);
                self.is_restored = is_restored;
                self.result = Some(event.text("result").map(str::to_owned));
                self.completed_at = Some(event.ts).filter(|_| !is_undoing(event));
            }
            Action::TaskReleased => {
                self.check_holder(event, event.text("released_from"), "released");
                if self.holders.iter().all(Option::is_none) && !is_known {
                    let what = format!("{agent} released it, and nobody held it");
                    self.wrong(Severity::Error, "transition", what);
                }
                let word = if self.word == "blocked" { "blocked" } else { "pending" };
                self.becomes(word, vec![None]);
            }
            Action::TaskBlocked | Action::TaskCancelled => {
                let (verb, word) = match event.action {
                    Action::TaskBlocked => ("blocked", "blocked"),
                    _ => ("cancelled", "cancelled"),
                };
                if agent != "system" {
                    self.check_holder(event, None, verb);
                }
                // It may have been given back on another branch.
                let mut holders = vec![None];
                // What is blocked again by an undoing is so in the hands that had it.
                let again = event.text("assigned_to").filter(|_| is_undoing(event));
                if let Some(again) = again.filter(|_| word == "blocked") {
                    holders = vec![Some(again.to_owned())];
                } else if word == "blocked" {
                    holders = self.holders.clone();
                    holders.push(None);
                }
                self.becomes(word, holders);
                self.reason = event.text("reason").map(str::to_owned);
            }
            Action::TaskUnblocked => {
                let holders = self.holders.clone();
                let is_held = holders.iter().any(Option::is_some);
                self.becomes(if is_held { "in_progress" } else { "pending" }, holders);
            }
            Action::TaskReopened => match event.text("assigned_to").filter(|_| is_undoing(event)) {
                Some(again) => self.becomes("in_progress", vec![Some(again.to_owned())]),
                None => self.becomes("pending", vec![None]),
            },
            Action::TaskUpdated => self.update(before, event),
            Action::TaskDeleted => self.is_gone = true,
            // Of something else than a task.
            Action::WorkstreamCreated
            | Action::WorkstreamUpdated
            | Action::WorkstreamDeleted
            | Action::AgentRegistered
            | Action::AgentDeleted
            | Action::LockAcquired
            | Action::LockRenewed
            | Action::LockReleased
            | Action::KnowledgeWritten
            | Action::KnowledgeDeleted
            | Action::CycleCollected
            | Action::BoardEdited
            | Action::Custom(_) => {}
        }
    }

    fn update(&mut self, before: Option<&Task>, event: &Event) {
        if let Some(title) = event.text("title") {
            self.title = Some(title.to_owned());
        }
        let changed = event.fields.get("changed").and_then(serde_json::Value::as_array);
        self.may.extend(changed.into_iter().flatten().filter_map(|field| field.as_str()).map(str::to_owned));
        self.may.push("imported".to_owned());
        let from = event.text("from_workstream");
        if let (Some(before), Some(from)) = (before.filter(|_| !self.is_born), from)
            && before.workstream.as_str() != from
        {
            let what = format!("it was moved from {}, and its event says from {from}", before.workstream);
            self.wrong(Severity::Error, "mismatch", what);
        }
    }

    /// Whether a field may differ.
    pub(super) fn explains(&self, field: &str) -> bool {
        self.is_born || self.may.iter().any(|may| may == field)
    }

    /// In what the task differs from what was told.
    pub(super) fn differences(&self, after: &Task) -> Vec<String> {
        let mut found = Vec::new();
        let mut differ = |field: &str, told: &str, is: &str| {
            if told != is {
                found.push(format!("its {field} is {}, told {}", quoted(is), quoted(told)));
            }
        };
        let is_stateful = self.is_born || self.may.iter().any(|field| field == "status");
        if let Some(title) = &self.title {
            differ("title", title, &after.title);
        }
        if let Some(workstream) = &self.workstream {
            differ("workstream", workstream, after.workstream.as_str());
        }
        if let Some((at, by)) = &self.created_by {
            differ("created_at", &at.to_string(), &after.created_at.to_string());
            differ("created_by", by, &after.created_by);
        }
        if !is_stateful {
            return found;
        }
        let claim = after.status.claim();
        let holder = claim.map(|claim| claim.agent.to_string());
        // A file that lags behind its record is brought up by whatever is done next, and not all of that tells an epoch.
        let is_behind = after.epoch > self.epoch && !self.tells_epoch;
        if is_behind && !self.is_born {
            if matches!(self.word, "blocked" | "cancelled") {
                differ("status", self.word, after.status.word());
            }
            return found;
        }
        // A holder who was in doubt leaves in doubt whether it is in anybody's hands.
        let is_either = self.holders.len() > 1 && matches!(self.word, "in_progress" | "pending");
        if !(is_either && matches!(after.status.word(), "in_progress" | "pending")) {
            differ("status", self.word, after.status.word());
        }
        if !self.holders.contains(&holder) && !self.is_restored {
            let told = self.holders.first().cloned().flatten();
            differ("holder", told.as_deref().unwrap_or("nobody"), holder.as_deref().unwrap_or("nobody"));
        }
        if !is_behind {
            differ("epoch", &self.epoch.to_string(), &after.epoch.to_string());
        }
        let absent = || "absent".to_owned();
        if let (Some(told), Some(claim)) = (self.claimed_at, claim) {
            let is = claim.claimed_at.map_or_else(absent, |at| at.to_string());
            differ("claimed_at", &told.to_string(), &is);
        }
        if let (Some(told), Status::Done { completed_at, .. }) = (self.completed_at, &after.status) {
            differ("completed_at", &told.to_string(), &completed_at.map_or_else(absent, |at| at.to_string()));
        }
        if let Some(told) = &self.result {
            differ("result", told.as_deref().unwrap_or(""), after.result.as_deref().unwrap_or(""));
        }
        if let (Some(told), Some(is)) = (&self.reason, after.status.reason()) {
            differ("reason", told, is);
        }
        found
    }
}

/// The beginning of a text, in back-quotes.
fn quoted(text: &str) -> String {
    let mut words: String = text.chars().take(40).collect();
    if words.len() < text.len() {
        words.push('…');
    }
    format!("`{}`", words.escape_debug())
}
