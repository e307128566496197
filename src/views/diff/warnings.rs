//! What a reviewer should look at: changes that the log does not explain, or that should not have been made.
//!
//! An error is what can't be so however one came there (an epoch that went back, a task that somebody completed
//! who did not hold it); what may have a good reason is a warning (a hand edit, work done before what it waits
//! for).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{
    Action, Between, Compare, Comparison, Event, Pair, Severity, Status, Stories, Subject, Task, TaskId,
    Turn, listed,
};

/// What belongs to a task's status: it changes with it, and by the same events.
pub(super) const OF_STATUS: [&str; 8] =
    ["status", "assigned_to", "epoch", "claimed_at", "completed_at", "reason", "result", "imported"];

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// How bad.
    pub severity: Severity,
    /// One word for programs.
    pub code: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// The key of its file at which it shows.
    pub field: &'static str,
    /// One sentence, lower case, no full stop.
    pub what: String,
}

/// Everything that is suspicious, by task and in the order of its life; then the rest.
pub fn suspicions(comparison: &Comparison) -> Vec<Suspicion> {
    let (mut found, stories) = (Vec::new(), comparison.stories());
    for pair in &comparison.tasks {
        let Some(task) = pair.latest() else { continue };
        let subject = Subject::Task(task.id);
        let events: Vec<&Event> = stories.of(&subject).iter().map(|(_, event)| *event).collect();
        let mut add = |severity, code, field, what: String| {
            found.push(Suspicion { severity, code, subject: subject.clone(), field, what });
        };
        claims(pair, &events, &mut add);
        transitions(pair, &events, &mut add);
        if let Some(after) = &pair.after {
            neighbours(comparison, pair, after, &mut add);
        }
        if let Some(what) = is_looked_into(comparison).then(|| unexplained(pair, &events)).flatten() {
            let is_new = pair.before.is_none() && comparison.steps.iter().any(|step| step.is_import);
            if !is_new {
                add(Severity::Warning, "unexplained", "status", what);
            }
        }
    }
    found.extend(double_claims(comparison, None));
    if is_looked_into(comparison) {
        rest(comparison, &stories, &mut found);
    }
    found
}

/// Whether every commit that may explain a change was seen.
fn is_looked_into(comparison: &Comparison) -> bool {
    comparison.between == Between::Whole
}

/// Claims of one task with one epoch by two agents: of both sides that were merged, or of the head and of the base; of
/// `rival` too, what the base did since both parted.
pub fn double_claims(comparison: &Comparison, rival: Option<&Comparison>) -> Vec<Suspicion> {
    let mut known: BTreeMap<(TaskId, u64), String> = BTreeMap::new();
    let claims = |comparison: &Comparison| -> Vec<(TaskId, u64, String)> {
        let events = comparison.steps.iter().flat_map(|step| &step.events).map(|(_, event)| event);
        let own = events.filter(|event| event.action == Action::TaskClaimed && !event.derived);
        own.filter(|event| event.undoes().next().is_none())
            .filter_map(|event| {
                let epoch = event.fields.get("epoch").and_then(Value::as_u64)?;
                Some((event.task_id()?, epoch, event.agent.clone()))
            })
            .collect()
    };
    for task in comparison.tasks.iter().filter_map(|pair| pair.before.as_ref()) {
        if let Some(claim) = task.status.claim().filter(|claim| claim.claimed_at.is_some()) {
            known.insert((task.id, task.epoch), claim.agent.to_string());
        }
    }
    if let Some(rival) = rival {
        known.extend(claims(rival).into_iter().map(|(id, epoch, agent)| ((id, epoch), agent)));
    }
    let mut found = Vec::new();
    for (id, epoch, agent) in claims(comparison) {
        let first = known.entry((id, epoch)).or_insert_with(|| agent.clone());
        if *first != agent {
            found.push(Suspicion {
                severity: Severity::Error,
                code: "double_claim",
                subject: Subject::Task(id),
                field: "assigned_to",
                what: format!(
                    "`{}` claimed it with epoch {epoch}, and `{}` did so with the same epoch",
                    agent.escape_debug(),
                    first.escape_debug()
                ),
            });
        }
    }
    found
}

type Add<'a> = &'a mut dyn FnMut(Severity, &'static str, &'static str, String);

/// Who completed it held it, and the fencing token only grows.
fn claims(pair: &Pair<Task>, events: &[&Event], add: Add<'_>) {
    let Some(after) = &pair.after else { return };
    if is_completed_now(pair) {
        match after.status.claim() {
            None => add(
                Severity::Warning,
                "unclaimed",
                "status",
                "it was completed, and nobody had claimed it".to_owned(),
            ),
            Some(claim) => {
                let last = events.iter().rev().find(|event| event.action == Action::TaskCompleted);
                // Who edits by hand, or squashes what others did, has not said who completed it.
                if let Some(event) =
                    last.filter(|event| !event.derived && event.agent != claim.agent.as_str())
                {
                    add(
                        Severity::Error,
                        "stranger",
                        "assigned_to",
                        format!(
                            "it was completed by `{}`, but held by `{}`",
                            event.agent.escape_debug(),
                            claim.agent
                        ),
                    );
                } else if claim.claimed_at.is_none() {
                    add(
                        Severity::Warning,
                        "unclaimed",
                        "status",
                        format!("it was completed by `{}`, who had not claimed it", claim.agent),
                    );
                }
            }
        }
    }
    let Some(before) = &pair.before else { return };
    if after.epoch < before.epoch {
        add(
            Severity::Error,
            "epoch",
            "epoch",
            format!("the epoch went back from {} to {}; it only ever grows", before.epoch, after.epoch),
        );
    }
    if let (Some(old), Some(new)) = (before.status.holder(), after.status.holder())
        && old != new
        && after.epoch == before.epoch
    {
        add(
            Severity::Error,
            "claim",
            "assigned_to",
            format!(
                "it went from `{old}` to `{new}` without a new claim: the epoch is still {}",
                after.epoch
            ),
        );
    }
}

/// A status is left in the ways that there are.
fn transitions(pair: &Pair<Task>, events: &[&Event], add: Add<'_>) {
    let (Some(before), Some(after)) = (&pair.before, &pair.after) else { return };
    let was_reopened = events.iter().any(|event| event.action == Action::TaskReopened);
    if before.status.turn_to(&after.status) == Turn::Nameless && !was_reopened {
        let (old, new) = (before.status.word(), after.status.word());
        add(
            Severity::Error,
            "transition",
            "status",
            format!("it went from {old} to {new}; a task that is {old} is reopened first"),
        );
    }
    let (old, new) = (before.created_at, after.created_at);
    if (old, &before.created_by) != (new, &after.created_by) {
        add(
            Severity::Warning,
            "origin",
            "created_at",
            "when or by whom it was created was changed".to_owned(),
        );
    }
}

/// What it waits for is there, and done before it is.
fn neighbours(comparison: &Comparison, pair: &Pair<Task>, after: &Task, add: Add<'_>) {
    for id in after.depends_on.iter().filter(|id| comparison.absent_tasks.contains(id)) {
        add(
            Severity::Error,
            "unknown_task",
            "depends_on",
            format!("it waits for `{id}`, and there is no such task"),
        );
    }
    if comparison.absent_workstreams.contains(&after.workstream) {
        add(
            Severity::Error,
            "unknown_workstream",
            "workstream",
            format!("it is in workstream `{}`, and there is no such workstream", after.workstream),
        );
    }
    let is_done = is_completed_now(pair);
    let was_claimed = pair.before.as_ref().and_then(|before| before.status.holder()).is_some();
    let is_claimed = matches!(after.status, Status::InProgress(_)) && !was_claimed;
    if is_done || is_claimed {
        let open = after.depends_on.iter().filter(|id| comparison.unfinished.contains(id));
        let open = listed(open.map(|id| format!("`{id}`")));
        if !open.is_empty() {
            let word = if is_done { "completed" } else { "claimed" };
            add(
                Severity::Warning,
                "dependency",
                "depends_on",
                format!("it was {word} before {open}, for which it waits"),
            );
        }
    }
}

/// What of a task's change no event says; none where the log explains it.
fn unexplained(pair: &Pair<Task>, events: &[&Event]) -> Option<String> {
    let said = |action: &Action| events.iter().any(|event| !event.derived && event.action == *action);
    let what = match (&pair.before, &pair.after) {
        (None, Some(after)) => {
            if !said(&Action::TaskCreated) {
                "its creation".to_owned()
            } else if after.status != Status::Pending && !leads_to(events, &after.status) {
                format!("that it is {}", after.status.word())
            } else {
                return None;
            }
        }
        (Some(before), Some(after)) => {
            let told: BTreeSet<&str> = events
                .iter()
                .filter(|event| !event.derived && event.action == Action::TaskUpdated)
                .filter_map(|event| event.fields.get("changed").and_then(Value::as_array))
                .flat_map(|fields| fields.iter().filter_map(Value::as_str))
                .collect();
            let by_status = leads_to(events, &after.status);
            let is_told = |field: &str| {
                told.contains(field) || OF_STATUS.contains(&field) && (by_status || field == "imported")
            };
            let changes = before.changes(after);
            let mut left: Vec<&str> =
                changes.iter().map(|change| change.field).filter(|field| !is_told(field)).collect();
            if left.is_empty() {
                return None;
            }
            // What goes with a status is not told beside it.
            if left.contains(&"status") {
                left.retain(|field| *field == "status" || !OF_STATUS.contains(field));
            }
            format!("the change of {}", left.join(", "))
        }
        (Some(_), None) if said(&Action::TaskDeleted) => return None,
        (Some(_), None) => "its deletion".to_owned(),
        (None, None) => return None,
    };
    Some(format!("no event explains {what}: an edit by hand, or a squash whose message was cut"))
}

/// Whether somebody's event brought a task into this status.
fn leads_to(events: &[&Event], status: &Status) -> bool {
    let fits = |event: &Event| match (status, &event.action) {
        (Status::Pending, action) => matches!(
            action,
            Action::TaskReleased | Action::TaskUnblocked | Action::TaskReopened | Action::TaskCreated
        ),
        // Whoever undoes a completion gives the task back into the hands that had it.
        (Status::InProgress(_), Action::TaskReopened) => event.text("assigned_to").is_some(),
        (Status::InProgress(_), action) => matches!(action, Action::TaskClaimed | Action::TaskUnblocked),
        (Status::Blocked { .. }, action) => *action == Action::TaskBlocked,
        (Status::Done { .. }, action) => *action == Action::TaskCompleted,
        (Status::Cancelled { .. }, action) => *action == Action::TaskCancelled,
    };
    events.iter().any(|event| !event.derived && fits(event))
}

/// Workstreams, agents and documents that no event explains.
fn rest(comparison: &Comparison, stories: &Stories<'_>, found: &mut Vec<Suspicion>) {
    let workstreams = comparison.workstreams.iter().filter_map(|pair| {
        Some((Subject::Workstream(pair.latest()?.name.clone()), "status", pair.before.is_none()))
    });
    let agents = comparison.agents.iter().filter_map(|pair| {
        Some((Subject::Agent(pair.latest()?.id.clone()), "status", pair.before.is_none()))
    });
    let knowledge = comparison.knowledge.iter().filter_map(|pair| {
        Some((Subject::Knowledge(pair.latest()?.topic.clone()), "content", pair.before.is_none()))
    });
    let has_import = comparison.steps.iter().any(|step| step.is_import);
    for (subject, field, is_new) in workstreams.chain(agents).chain(knowledge) {
        let is_said = stories.of(&subject).iter().any(|(_, event)| !event.derived);
        if !(is_said || is_new && has_import) {
            let what =
                "no event explains its change: an edit by hand, or a squash whose message was cut".to_owned();
            found.push(Suspicion { severity: Severity::Warning, code: "unexplained", subject, field, what });
        }
    }
}

/// A task that was not done and is.
fn is_completed_now(pair: &Pair<Task>) -> bool {
    let is_done =
        |task: &Option<Task>| task.as_ref().is_some_and(|task| matches!(task.status, Status::Done { .. }));
    !is_done(&pair.before) && is_done(&pair.after)
}
