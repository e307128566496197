//! What a commit changes, held against the events that tell of it.

use crate::model::{
    Action, Compare, Content, Event, Exhibit, FieldChange, FileChange, Place, Prior, Side, Standing, Status,
    Task, Timestamp, Wording,
};

use super::overtaken::{is_original, is_overtaken};
use super::story::{Story, story};
use super::strangers::Doubt;
use super::{Judge, Severity, is_undoing};

/// An event, and whether it is told for the first time.
type Told<'e> = (&'e Event, bool);

/// Whether what is told of a task can't be so.
fn is_doubtful(told: &Story, change: &FileChange) -> bool {
    let is_wrong = told.wrongs.iter().any(|wrong| wrong.severity == Severity::Error);
    is_wrong || change.after.task().is_some_and(|after| !told.differences(after).is_empty())
}

/// Nobody had it before this event, with the epoch that it tells.
fn given_back(event: &Event, before: Option<&Task>) -> Prior {
    let told = event.fields.get("epoch").and_then(serde_json::Value::as_u64);
    let epoch = told.or(before.map(|before| before.epoch)).unwrap_or(0);
    Prior { standing: Standing::Free, epoch }
}

impl Judge {
    pub(super) fn change(&mut self, exhibit: &Exhibit, change: &FileChange, events: &[Told<'_>]) {
        if let Side::Damaged(_) = &change.after {
            self.damage(exhibit, change);
            return;
        }
        let is_copied = !events.is_empty() && events.iter().all(|(_, is_fresh)| !is_fresh);
        if events.is_empty() || (is_copied && !change.is_changed) {
            if change.is_changed {
                self.silent(exhibit, change);
            }
            return;
        }
        let before = change.before.first().unwrap_or(&Side::Absent);
        if let Side::Damaged(_) = before {
            return;
        }
        match &change.place {
            Place::Task(id) => {
                self.epochs.extend(change.after.task().map(|task| (*id, task.epoch)));
                self.epochs.extend(events.iter().filter_map(|(event, _)| {
                    Some((*id, event.fields.get("epoch").and_then(serde_json::Value::as_u64)?))
                }));
                self.task(exhibit, change, before.task(), events);
            }
            Place::Workstream(_) => self.workstream(exhibit, change, before, events),
            Place::Agent(_) => self.agent(exhibit, change, before, events),
            Place::Knowledge(_) => self.knowledge(exhibit, change, events),
            Place::Furniture | Place::Stray => {}
        }
    }

    /// Up to when the records of the task that a file is about are archived.
    fn archived_at(&self, change: &FileChange) -> Option<Timestamp> {
        match &change.place {
            Place::Task(id) => self.archived.get(id).copied(),
            _ => None,
        }
    }

    /// How bad something is, by what else the commit says.
    fn weigh(exhibit: &Exhibit, change: &FileChange, severity: Severity) -> Severity {
        if change.is_reverted {
            return Severity::Note;
        }
        match exhibit.wording {
            Wording::Revert => severity.max(Severity::Warning),
            // A squash of our commits and of somebody's edit.
            Wording::Own | Wording::Squashed if exhibit.events.len() > 1 && change.is_changed => {
                severity.max(Severity::Warning)
            }
            Wording::Ours | Wording::Cut | Wording::Squashed | Wording::Own => severity,
        }
    }

    fn weighed(&mut self, exhibit: &Exhibit, change: &FileChange, code: &'static str, what: String) {
        let severity = Self::weigh(exhibit, change, Severity::Error);
        self.tell(severity, code, exhibit, Some(&change.path), what);
    }

    fn unshown(&mut self, exhibit: &Exhibit, change: &FileChange, events: &[Told<'_>], why: &str) {
        let words: Vec<String> =
            events.iter().map(|(event, _)| format!("`{}` by {}", event.action.word(), event.agent)).collect();
        let what = format!("{}, and {why}", words.join(", "));
        self.weighed(exhibit, change, "unshown", what);
    }

    /// What differs and no event tells of.
    fn unexplained<'c>(
        &mut self,
        exhibit: &Exhibit,
        change: &FileChange,
        fields: impl Iterator<Item = &'c FieldChange>,
    ) {
        let words: Vec<&str> = fields.map(|field| field.field).collect();
        if words.is_empty() {
            return;
        }
        let (severity, code) = match exhibit.wording {
            Wording::Ours | Wording::Cut => (Severity::Error, "unexplained"),
            Wording::Squashed | Wording::Revert | Wording::Own => (Severity::Warning, "hand_edit"),
        };
        let severity = Self::weigh(exhibit, change, severity);
        let what = format!("{} changed, and no event says so", words.join(", "));
        self.tell(severity, code, exhibit, Some(&change.path), what);
    }

    fn task(&mut self, exhibit: &Exhibit, change: &FileChange, before: Option<&Task>, events: &[Told<'_>]) {
        let (overtaken, events): (Vec<Told<'_>>, Vec<_>) = match before {
            Some(before) if !is_original(exhibit) => {
                events.iter().partition(|(event, _)| is_overtaken(event, before, change.is_changed))
            }
            Some(_) | None => (Vec::new(), events.to_vec()),
        };
        for (event, _) in overtaken {
            let what = format!("`{}` by {}: the file had gone further", event.action.word(), event.agent);
            self.tell(Severity::Note, "elsewhere", exhibit, Some(&change.path), what);
        }
        if events.is_empty() {
            if change.is_changed {
                self.silent(exhibit, change);
            }
            return;
        }
        let events = events.as_slice();
        let (priors, archived) = (&self.priors, self.archived_at(change));
        let prior = |event: &Event| event.id.as_ref().and_then(|id| priors.get(id));
        let is_original = is_original(exhibit);
        let play = |events: &[Told<'_>]| {
            let mut told =
                story(before, events.iter().map(|(event, is_fresh)| (*event, *is_fresh, prior(event))));
            if !is_original {
                told.replayed();
            }
            told
        };
        let mut told = play(events);
        if is_doubtful(&told, change) && !matches!(exhibit.wording, Wording::Ours | Wording::Cut) {
            // Clocks differ: then it was as the message has it, from the newest, or from the oldest.
            let place_of =
                |(event, _): &Told<'_>| exhibit.events.iter().position(|it| std::ptr::eq(it, *event));
            let mut as_told = events.to_vec();
            as_told.sort_by_key(place_of);
            let from_newest: Vec<Told<'_>> = as_told.iter().rev().copied().collect();
            let others = [from_newest, as_told].map(|events| play(&events));
            told = others.into_iter().find(|other| !is_doubtful(other, change)).unwrap_or(told);
        }
        let is_archived = |event: &Event| archived.is_some_and(|last| event.ts <= last);
        if is_doubtful(&told, change) && events.iter().all(|(event, _)| is_archived(event)) {
            // The chain of records that could tell is gone: perhaps it was given back on another branch.
            let free: Vec<Prior> = events.iter().map(|(event, _)| given_back(event, before)).collect();
            let played = std::iter::zip(events, &free);
            let other =
                story(before, played.map(|((event, is_fresh), prior)| (*event, *is_fresh, Some(prior))));
            if !is_doubtful(&other, change) {
                told = other;
                let what = "who held it before was told by records that are archived".to_owned();
                self.tell(Severity::Note, "elsewhere", exhibit, Some(&change.path), what);
            }
        }
        for wrong in &told.wrongs {
            let severity = Self::weigh(exhibit, change, wrong.severity);
            let finding = self.found.findings.len();
            self.tell(severity, wrong.code, exhibit, Some(&change.path), wrong.what.clone());
            let is_kept = self.found.findings.len() > finding;
            if let (Some((holder, epoch)), Place::Task(task)) = (&wrong.held_by, &change.place)
                && severity == Severity::Error
                && is_kept
                && let Some(at) = events.iter().map(|(event, _)| event.ts).max()
            {
                let (holder, epoch) = (holder.clone(), *epoch);
                self.strangers.push(Doubt { finding, task: *task, holder, epoch, at });
            }
        }
        let Some(after) = change.after.task() else {
            if !told.is_gone {
                self.unshown(exhibit, change, events, "there is no such task");
            }
            return;
        };
        if told.is_gone {
            self.unshown(exhibit, change, events, "it is there");
            return;
        }
        if told.is_born && before.is_some() && change.is_changed {
            self.unshown(exhibit, change, events, "it was there before");
            return;
        }
        let differences = told.differences(after);
        let changes = before.map(|before| before.changes(after)).unwrap_or_default();
        if !differences.is_empty() {
            if change.is_changed && (before.is_none() || !changes.is_empty()) {
                self.weighed(exhibit, change, "mismatch", differences.join("; "));
            } else {
                self.unshown(exhibit, change, events, "it did not change");
            }
        } else if !change.is_changed {
            // Of a file that lagged behind its record: it says already what was done elsewhere, and undone.
            let can_be_still = |event: &Event| {
                matches!(event.action, Action::TaskReopened | Action::TaskBlocked | Action::TaskCancelled)
            };
            if events.iter().all(|(event, _)| can_be_still(event)) {
                let what = "it was so already in this file".to_owned();
                self.tell(Severity::Note, "elsewhere", exhibit, Some(&change.path), what);
            } else if told.wrongs.is_empty() && events.len() == 1 {
                // Of several the last may bring back what was before the first.
                self.unshown(exhibit, change, events, "it did not change");
            }
        } else if before.is_none() && !told.is_born {
            self.unexplained(
                exhibit,
                change,
                [FieldChange { field: "its creation", old: None, new: None }].iter(),
            );
        }
        if let [(event, _)] = events
            && event.action == Action::TaskUpdated
            && let Some(before) = before
        {
            self.updated(exhibit, change, event, &before.changes(after));
        }
        self.unexplained(exhibit, change, changes.iter().filter(|field| !told.explains(field.field)));
    }

    /// An update names the fields that changed; each of them did.
    fn updated(&mut self, exhibit: &Exhibit, change: &FileChange, event: &Event, changes: &[FieldChange]) {
        let named = event.fields.get("changed").and_then(serde_json::Value::as_array);
        let still = named.into_iter().flatten().filter_map(|field| field.as_str());
        let still: Vec<&str> = still.filter(|name| !changes.iter().any(|c| c.field == *name)).collect();
        if !still.is_empty() && change.is_changed {
            let what = format!("`{}` says that {} changed: not here", event.action.word(), still.join(", "));
            self.weighed(exhibit, change, "unshown", what);
        }
    }

    fn workstream(&mut self, exhibit: &Exhibit, change: &FileChange, before: &Side, events: &[Told<'_>]) {
        let last = events.last().map(|(event, _)| event.action.word());
        if last == Some("workstream_deleted") && change.is_changed && change.after == Side::Absent {
            return;
        }
        let Side::Sound(Content::Workstream(after)) = &change.after else {
            self.unshown(exhibit, change, events, "there is no such workstream");
            return;
        };
        if !change.is_changed {
            self.unshown(exhibit, change, events, "it did not change");
            return;
        }
        let is_born = events.iter().any(|(event, _)| event.action == Action::WorkstreamCreated);
        match before {
            Side::Sound(Content::Workstream(before)) => {
                if is_born {
                    self.unshown(exhibit, change, events, "it was there before");
                    return;
                }
                let changes = before.changes(after);
                if let [(event, _)] = events {
                    self.updated(exhibit, change, event, &changes);
                }
                let named: Vec<&str> = events
                    .iter()
                    .filter_map(|(event, _)| event.fields.get("changed")?.as_array())
                    .flatten()
                    .filter_map(serde_json::Value::as_str)
                    .chain(["imported"])
                    .collect();
                self.unexplained(exhibit, change, changes.iter().filter(|c| !named.contains(&c.field)));
            }
            Side::Absent | Side::Damaged(_) | Side::Sound(_) => {
                if !is_born {
                    self.unshown(exhibit, change, events, "it was not there before");
                }
            }
        }
    }

    fn agent(&mut self, exhibit: &Exhibit, change: &FileChange, before: &Side, events: &[Told<'_>]) {
        let Some((event, _)) = events.last() else { return };
        if event.action.word() == "agent_deleted" && change.is_changed && change.after == Side::Absent {
            return;
        }
        let Side::Sound(Content::Agent(after)) = &change.after else {
            self.unshown(exhibit, change, events, "no such agent is registered");
            return;
        };
        if !change.is_changed {
            self.unshown(exhibit, change, events, "it did not change");
            return;
        }
        let mut wrong = Vec::new();
        if event.text("type").is_some_and(|kind| kind != after.kind) {
            wrong.push(format!(
                "its type is `{}`, told `{}`",
                after.kind.escape_debug(),
                event.text("type").unwrap_or_default().escape_debug()
            ));
        }
        if event.ts != after.registered_at && !is_undoing(event) {
            wrong.push(format!("it registered at {}, told {}", after.registered_at, event.ts));
        }
        let is_sound = !matches!(before, Side::Damaged(_));
        if !wrong.is_empty() && is_sound {
            self.weighed(exhibit, change, "mismatch", wrong.join("; "));
        }
    }

    fn knowledge(&mut self, exhibit: &Exhibit, change: &FileChange, events: &[Told<'_>]) {
        let Some((event, _)) = events.last() else { return };
        match (&change.after, &event.action) {
            (Side::Absent, Action::KnowledgeDeleted) if change.is_changed => {}
            (Side::Sound(Content::Knowledge(after)), Action::KnowledgeWritten) if change.is_changed => {
                let is_by = after.updated_by.as_deref() == Some(event.agent.as_str());
                if !is_undoing(event) && (!is_by || after.updated_at != Some(event.ts)) {
                    let by = after.updated_by.as_deref().unwrap_or("nobody");
                    let at = after.updated_at.map_or_else(|| "no time".to_owned(), |at| at.to_string());
                    let what = format!("it says {by} at {at}, told {} at {}", event.agent, event.ts);
                    self.weighed(exhibit, change, "mismatch", what);
                }
            }
            // Written and deleted in one commit, and never there for anybody.
            (Side::Absent, Action::KnowledgeDeleted) if events.len() > 1 => {}
            (Side::Absent, _) => self.unshown(exhibit, change, events, "there is no such document"),
            (_, Action::KnowledgeDeleted) => self.unshown(exhibit, change, events, "it is there"),
            _ => self.unshown(exhibit, change, events, "it did not change"),
        }
    }

    /// A change that no event tells of.
    fn silent(&mut self, exhibit: &Exhibit, change: &FileChange) {
        if let (Place::Task(id), Some(task)) = (&change.place, change.after.task()) {
            self.epochs.insert((*id, task.epoch));
        }
        let is_born = change.before.iter().all(|side| *side == Side::Absent);
        let word = match (is_born, &change.after) {
            (_, Side::Absent) => "deleted",
            (true, _) => "created",
            (false, _) => "changed",
        };
        let path = Some(change.path.as_str());
        let (severity, code, what) = match (&change.place, &exhibit.wording) {
            // What a mutation tells of is an entry; `init` and an import tell of nothing.
            (Place::Furniture, Wording::Ours) if !exhibit.is_import => {
                (Severity::Error, "unexplained", format!("{word}, and no command does so"))
            }
            (Place::Furniture, _) if is_born => return,
            (Place::Furniture, _) => (Severity::Note, "edited", format!("{word} by hand")),
            (Place::Stray, _) if change.after == Side::Absent => return,
            (Place::Stray, _) => {
                (Severity::Error, "damaged", "no entry of the board can have this path".to_owned())
            }
            _ if change.is_reverted => {
                self.takes_back(change);
                (Severity::Note, "reverted", "as it was before".to_owned())
            }
            _ if exhibit.parents.len() > 1 => {
                if exhibit.blends.is_some() || is_merged(change) {
                    return;
                }
                let what = format!("{word} in a merge, and as none of its parents has it");
                (Severity::Warning, "hand_edit", what)
            }
            _ if exhibit.is_import && is_born => return,
            (_, Wording::Ours | Wording::Cut) => {
                (Severity::Error, "unexplained", format!("{word}, and no event says so"))
            }
            (_, Wording::Squashed | Wording::Revert | Wording::Own) => {
                match (self.against_record(exhibit, change), as_no_command(change)) {
                    (Some((severity, why)), _) => (severity, "against_record", why),
                    (None, Some(("deleted", why))) => (Severity::Warning, "deleted", why.to_owned()),
                    (None, Some((_, why))) => {
                        (Severity::Warning, "hand_edit", format!("{word} without an event, by hand: {why}"))
                    }
                    (None, None) => (Severity::Note, "derived", format!("{word} without an event")),
                }
            }
        };
        self.tell(severity, code, exhibit, path, what);
    }
}

/// Whether every field of a merged file comes from one of the parents, or is a text or a list that may come from both.
fn is_merged(change: &FileChange) -> bool {
    let fields = |side: &Side| match side {
        Side::Sound(Content::Task(task)) => task.fields(),
        Side::Sound(Content::Workstream(workstream)) => workstream.fields(),
        Side::Sound(Content::Agent(agent)) => agent.fields(),
        Side::Sound(Content::Knowledge(knowledge)) => knowledge.fields(),
        Side::Absent | Side::Damaged(_) | Side::Sound(Content::Other) => Vec::new(),
    };
    let parents: Vec<_> = change.before.iter().map(fields).collect();
    let mixes = |field: &str| {
        matches!(field, "description" | "content" | "result" | "depends_on" | "labels" | "capabilities")
    };
    let after = fields(&change.after);
    // It went, or came, in one of them.
    if after.is_empty() || parents.iter().all(Vec::is_empty) {
        return parents.iter().any(|parent| parent.is_empty() == after.is_empty());
    }
    after.iter().enumerate().all(|(at, (field, value))| {
        mixes(field) || parents.iter().any(|parent| parent.get(at).is_some_and(|(_, theirs)| theirs == value))
    })
}

/// Why no command can have left it so, if none can: a word, and a sentence.
fn as_no_command(change: &FileChange) -> Option<(&'static str, &'static str)> {
    let before = change.before.first().unwrap_or(&Side::Absent);
    match (before, &change.after) {
        (Side::Sound(Content::Task(before)), Side::Sound(Content::Task(after))) => {
            incoherent(before, after).map(|why| ("changed", why))
        }
        (Side::Absent, Side::Sound(Content::Task(after))) => match &after.status {
            Status::Pending => None,
            Status::Done { completed_at: None, .. } => Some(("created", "it was never completed")),
            Status::InProgress(_) if after.epoch == 0 => Some(("created", "it was never claimed")),
            Status::InProgress(_)
            | Status::Done { .. }
            | Status::Blocked { .. }
            | Status::Cancelled { .. } => None,
        },
        (Side::Sound(Content::Task(_)), Side::Absent) => {
            Some(("deleted", "the task is deleted, and no event says so"))
        }
        (Side::Sound(Content::Workstream(_)), Side::Absent) => {
            Some(("deleted", "the workstream is deleted, and no event says so"))
        }
        (Side::Sound(Content::Agent(_)), Side::Absent) => {
            Some(("deleted", "the agent is deleted, and no event says so"))
        }
        (Side::Sound(Content::Agent(before)), Side::Sound(Content::Agent(after))) => {
            (before.registered_at == after.registered_at).then_some(("changed", "it did not register again"))
        }
        (Side::Sound(Content::Knowledge(before)), Side::Sound(Content::Knowledge(after))) => {
            (before.updated_at == after.updated_at)
                .then_some(("changed", "its time is that of the text before"))
        }
        _ => None,
    }
}

/// Why no command, nor several, leads from one state of a task to another one.
fn incoherent(before: &Task, after: &Task) -> Option<&'static str> {
    if after.epoch < before.epoch {
        return Some("its epoch went back");
    }
    let is_claimed_anew = after.epoch > before.epoch;
    let (had, has) = (before.status.claim(), after.status.claim());
    let holder_moved = has.map(|claim| &claim.agent) != had.map(|claim| &claim.agent);
    let stands = before.status == after.status;
    match &after.status {
        _ if stands => None,
        Status::InProgress(_) | Status::Blocked { claim: Some(_), .. }
            if holder_moved && !is_claimed_anew =>
        {
            Some("it came into other hands without a claim")
        }
        Status::Done { completed_at: None, .. } => Some("it has no time of completion"),
        Status::Done { .. } if had.is_some() && holder_moved && !is_claimed_anew => {
            Some("it came into other hands without a claim")
        }
        Status::Blocked { reason, .. } | Status::Cancelled { reason } if reason.is_empty() => {
            Some("it has no reason")
        }
        Status::Pending
        | Status::InProgress(_)
        | Status::Blocked { .. }
        | Status::Done { .. }
        | Status::Cancelled { .. } => None,
    }
}
