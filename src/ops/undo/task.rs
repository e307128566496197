//! The inverse of what was done to a task.
//!
//! Its plain fields go back one by one; its state (status, holder, stamps, result) as one. The epoch stays, and the
//! record of the claim says afterwards what the file says.

use crate::model::{
    Action, AgentId, Claim, Code, Compare, Edit, Entity, EntityKey, Event, Finish, Imported, Known, Landing,
    Passage, Refusal, SeenTask, Standing, Status, Task, TaskId, Turn, Version,
};
use crate::ops::task::dependencies;
use crate::ops::{claims, resolve, text};

use super::case::{Case, Inverse};
use super::entry::{restored, unnamed, unreadable};

/// The fields that are one state, and go back together.
const STATE: [&str; 6] = ["status", "assigned_to", "claimed_at", "completed_at", "reason", "result"];
/// What never goes back, or goes with every change.
const KEPT: [&str; 2] = ["epoch", "imported"];

fn fields_of(one: &Task, two: &Task) -> Vec<&'static str> {
    let changes = one.changes(two).into_iter();
    changes.map(|change| change.field).filter(|field| !KEPT.contains(field)).collect()
}

fn task_of(state: &Known) -> Option<(&Task, &Version)> {
    match state.version().map(|version| (&version.entity, version)) {
        Some((Entity::Task(task), version)) => Some((task, version)),
        Some(_) | None => None,
    }
}

impl Case<'_> {
    pub(super) fn task(&self, id: TaskId, key: &EntityKey, passage: &Passage) -> Result<Inverse, Refusal> {
        match (task_of(&passage.before), task_of(&passage.after)) {
            (None, Some((after, version))) => self.uncreate(id, key, passage, (after, version)),
            (Some((before, version)), None) => self.recreate(id, key, passage, (before, version)),
            (Some((before, _)), Some((after, _))) => self.take_back(id, key, passage, (before, after)),
            (None, None) => Err(unreadable(key)),
        }
    }

    /// The task as it is, if this board has the last word on it and it is in nobody else's hands.
    fn here(&self, id: TaskId, key: &EntityKey) -> Result<SeenTask, Refusal> {
        let Some(seen) = self.view.task(id)? else { return Err(self.overtaken(key, &[])) };
        claims::check_readable(&seen)?;
        if let Landing::Elsewhere { branch, .. } = &seen.landing {
            let place =
                branch.as_ref().map_or_else(|| "elsewhere".to_owned(), |name| format!("on branch `{name}`"));
            return Err(Refusal::new(
                Code::Transition,
                format!("task `{id}` is {} {place}; it can be undone there", seen.task.status.word()),
            )
            .hint(format!("orchestrator task show {id}")));
        }
        claims::check_no_stranger(&seen, self.context)?;
        Ok(seen)
    }

    fn of_task(&self, action: Action, agent: &AgentId, task: &Task) -> Event {
        claims::event(self.context, agent, action, task)
    }

    /// A creation, undone.
    fn uncreate(
        &self,
        id: TaskId,
        key: &EntityKey,
        passage: &Passage,
        (after, version): (&Task, &Version),
    ) -> Result<Inverse, Refusal> {
        let seen = self.here(id, key)?;
        let changed = fields_of(after, &seen.task);
        if !changed.is_empty() {
            return Err(self.overtaken(key, &changed));
        }
        self.check_no_dependents(id, |_| true, "depends on it")?;
        let agent = self.context.actor.id();
        let event =
            self.of_task(Action::TaskDeleted, &agent, &seen.task).with("undoes", Self::undoes(passage));
        let is_taken = seen.task.status.holder().is_some() || seen.task.status.is_over();
        let record = if is_taken { claims::freed(&seen, None, &event, self.context) } else { None };
        let told = format!("Deleted task {id}: {}", seen.task.title);
        Ok(Inverse { edit: Edit::RemoveFile(version.path.clone()), record, events: vec![event], told })
    }

    /// A deletion, undone: the file as it was.
    fn recreate(
        &self,
        id: TaskId,
        key: &EntityKey,
        passage: &Passage,
        (before, version): (&Task, &Version),
    ) -> Result<Inverse, Refusal> {
        self.absent(key, self.view.task(id)?.is_some())?;
        resolve::workstream(self.view, &before.workstream)?;
        for other in before.depends_on.iter().filter(|other| !self.coming.contains(*other)) {
            if self.view.task(*other)?.is_none() {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` depends on `{other}`, and there is no such task any more"),
                )
                .hint(format!("orchestrator log task:{other}")));
            }
        }
        if before.status != Status::Pending {
            let word = before.status.word();
            return Err(Refusal::new(
                Code::Transition,
                format!("task `{id}` was {word} when it was deleted; only a pending one is brought back"),
            )
            .hint(format!("orchestrator log task:{id}")));
        }
        let agent = self.context.actor.id();
        let event = self.of_task(Action::TaskCreated, &agent, before);
        let event = event.with("title", before.title.as_str()).with("undoes", Self::undoes(passage));
        let told = format!("Added task {id}: {}", before.title);
        Ok(Inverse { edit: restored(version), record: None, events: vec![event], told })
    }

    /// A change, undone: the fields that it changed go back.
    fn take_back(
        &self,
        id: TaskId,
        key: &EntityKey,
        passage: &Passage,
        (before, after): (&Task, &Task),
    ) -> Result<Inverse, Refusal> {
        let seen = self.here(id, key)?;
        let fields = fields_of(before, after);
        let moved = fields_of(after, &seen.task);
        let is_of_state = fields.iter().any(|field| STATE.contains(field));
        let overtaken: Vec<&str> = fields.iter().copied().filter(|field| moved.contains(field)).collect();
        if !overtaken.is_empty() || is_of_state && seen.task.epoch != after.epoch {
            return Err(self.overtaken(key, &fields));
        }
        let mut task = Task { imported: Imported::default(), ..seen.task.clone() };
        if is_of_state {
            task.epoch = claims::epoch_of(&seen);
        }
        let mut plain = Vec::new();
        for field in fields {
            match field {
                "workstream" => task.workstream = before.workstream.clone(),
                "title" => task.title.clone_from(&before.title),
                "priority" => task.priority = before.priority,
                "estimate" => task.estimate.clone_from(&before.estimate),
                "depends_on" => task.depends_on.clone_from(&before.depends_on),
                "labels" => task.labels.clone_from(&before.labels),
                "description" => task.description.clone_from(&before.description),
                field if STATE.contains(&field) => continue,
                field => return Err(unnamed(key, field)),
            }
            plain.push(field);
        }
        self.check_plain(&seen, &task, &plain)?;
        let mut events = Vec::new();
        let mut record = None;
        if is_of_state {
            task.status = before.status.clone();
            task.result.clone_from(&before.result);
            let (turned, event, standing) = self.turn(&seen, task)?;
            task = turned;
            let event = event.with("undoes", Self::undoes(passage));
            record = standing
                .map(|standing| claims::record(&seen, standing, task.epoch, None, &event, self.context));
            events.push(event);
        }
        if !plain.is_empty() {
            events.push(self.updated(&seen.task, &task, plain).with("undoes", Self::undoes(passage)));
        }
        let told = format!("{}: {}", word(&events), task.title);
        Ok(Inverse { edit: Edit::Task(Box::new(task)), record, events, told })
    }

    /// Whether plain fields may go back: what they name must be there.
    fn check_plain(&self, seen: &SeenTask, task: &Task, plain: &[&str]) -> Result<(), Refusal> {
        if plain.contains(&"workstream") {
            resolve::open_workstream(self.view, &task.workstream)?;
        }
        if plain.contains(&"depends_on") {
            let added = task.depends_on.iter().filter(|id| !seen.task.depends_on.contains(id));
            let added: Vec<TaskId> = added.copied().collect();
            for id in &added {
                resolve::task_id(self.view, &(*id).into())?;
            }
            dependencies::check_no_cycle(self.view, task.id, &added)?;
        }
        Ok(())
    }

    fn updated(&self, before: &Task, after: &Task, plain: Vec<&str>) -> Event {
        let mut event = self.of_task(Action::TaskUpdated, &self.context.actor.id(), after);
        event = event.with("changed", plain.clone());
        if plain.contains(&"title") {
            event = event.with("title", after.title.as_str());
        }
        if plain.contains(&"workstream") {
            event = event.with("from_workstream", before.workstream.as_str());
        }
        event
    }

    /// From the state that is to the state that was: the task, the event that tells it, and what its record says then
    /// (none: what it says now).
    fn turn(&self, seen: &SeenTask, mut task: Task) -> Result<(Task, Event, Option<Standing>), Refusal> {
        let (id, now) = (task.id, self.context.now);
        let actor = self.context.actor.agent.clone();
        let holder = seen.task.status.holder().cloned();
        let system = || self.context.actor.id();
        let acting = || actor.clone().or_else(|| holder.clone()).unwrap_or_else(system);
        let action = match seen.task.status.turn_to(&task.status) {
            Turn::By(action) => action,
            // From the end of a task back into the hands of who ended it.
            Turn::Nameless => Action::TaskReopened,
            Turn::None => return Err(no_way_back(id, &seen.task.status)),
        };
        let was_over = seen.task.status.is_over();
        if was_over && matches!(seen.task.status, Status::Done { .. }) {
            self.check_nobody_went_on(seen)?;
        }
        let mut event = match action {
            Action::TaskClaimed => {
                let Status::InProgress(claim) = &task.status else {
                    return Err(no_way_back(id, &task.status));
                };
                if holder.is_some() {
                    return Err(taken_over(id, &seen.task.status));
                }
                let agent = claim.agent.clone();
                if actor.as_ref().is_some_and(|actor| *actor != agent) {
                    return Err(Refusal::new(
                        Code::NotHolder,
                        format!(
                            "task `{id}` would be claimed by `{agent}` again, which only `{agent}` can do"
                        ),
                    )
                    .hint(format!(
                        "to take it: orchestrator task claim {id} --agent {}",
                        self.context.actor.id()
                    )));
                }
                // Taken again is taken anew: nobody who saw it free may be mistaken for its holder.
                task.epoch = seen.next_epoch();
                task.status = Status::InProgress(Claim { agent: agent.clone(), claimed_at: Some(now) });
                self.of_task(Action::TaskClaimed, &agent, &task).with("epoch", task.epoch)
            }
            Action::TaskReleased => {
                let agent = acting();
                let mut event = self.of_task(Action::TaskReleased, &agent, &task).with("epoch", task.epoch);
                if let Some(holder) = holder.as_ref().filter(|holder| **holder != agent) {
                    event = event.with("released_from", holder.as_str());
                }
                event
            }
            Action::TaskCompleted => {
                let claim = task.status.claim().map(|claim| claim.agent.clone());
                let agent = actor.clone().or(claim).unwrap_or_else(system);
                let event =
                    self.of_task(Action::TaskCompleted, &agent, &task).with("result", task.result.clone());
                if task.epoch > 0 { event.with("epoch", task.epoch) } else { event }
            }
            action @ (Action::TaskBlocked | Action::TaskCancelled) => {
                let reason = task.status.reason().unwrap_or_default().to_owned();
                let agent = acting();
                self.of_task(action, &agent, &task).with("reason", reason)
            }
            Action::TaskUnblocked => self.of_task(Action::TaskUnblocked, &acting(), &task),
            // The only other turn that there is.
            action => self.of_task(action, &system(), &task),
        };
        if was_over && let Some(agent) = task.status.holder() {
            event = event.with("assigned_to", agent.as_str()).with("epoch", task.epoch);
        }
        let standing = standing(&seen.task.status, &task, &event);
        let is_needed = seen.record.is_some() || task.epoch > 0 || task.status.is_over();
        Ok((task, event, standing.filter(|_| is_needed)))
    }

    /// Refuses to take back a completion on which somebody has gone on.
    fn check_nobody_went_on(&self, seen: &SeenTask) -> Result<(), Refusal> {
        let Status::Done { completed_at: Some(at), .. } = seen.task.status else { return Ok(()) };
        let went_on = |other: &Task| match &other.status {
            Status::InProgress(claim) => claim.claimed_at.is_none_or(|claimed| claimed >= at),
            Status::Done { completed_at, .. } => completed_at.is_none_or(|completed| completed >= at),
            Status::Pending | Status::Blocked { .. } | Status::Cancelled { .. } => false,
        };
        self.check_no_dependents(seen.task.id, went_on, "waited for it and was begun since")
    }

    fn check_no_dependents(
        &self,
        id: TaskId,
        counts: impl Fn(&Task) -> bool,
        why: &str,
    ) -> Result<(), Refusal> {
        // One that can't be read may wait for it.
        let tasks = self.view.tasks()?.require()?;
        let mut others = tasks.iter().map(|seen| &seen.task);
        let found = others
            .find(|task| task.depends_on.contains(&id) && !self.going.contains(&task.id) && counts(task));
        match found {
            Some(task) => Err(Refusal::new(
                Code::Transition,
                format!("task `{}` ({}) {why}", task.id, text::excerpt(&task.title)),
            )
            .hint(format!("orchestrator task show {}", task.id))),
            None => Ok(()),
        }
    }
}

/// What the record says of the task as it will be; none where the file's turn does not concern it.
fn standing(before: &Status, task: &Task, event: &Event) -> Option<Standing> {
    let finisher = || AgentId::parse(&event.agent).unwrap_or_else(|_| AgentId::system());
    match &task.status {
        Status::InProgress(claim) | Status::Blocked { claim: Some(claim), .. } => {
            let is_held = before.holder() == Some(&claim.agent);
            let since = claim.claimed_at.unwrap_or(event.ts);
            (!is_held).then(|| Standing::Held { agent: claim.agent.clone(), since, ttl: None })
        }
        Status::Pending | Status::Blocked { claim: None, .. } => {
            (before.holder().is_some() || before.is_over()).then_some(Standing::Free)
        }
        Status::Done { claim, completed_at } => Some(Standing::Completed {
            agent: claim.as_ref().map_or_else(finisher, |claim| claim.agent.clone()),
            at: completed_at.unwrap_or(event.ts),
            finish: Finish::Done,
            result: task.result.clone(),
        }),
        Status::Cancelled { reason } => Some(Standing::Completed {
            agent: finisher(),
            at: event.ts,
            finish: Finish::Cancelled,
            result: Some(reason.clone()),
        }),
    }
}

fn word(events: &[Event]) -> &'static str {
    match events.first().map(|event| &event.action) {
        Some(Action::TaskClaimed) => "Claimed again",
        Some(Action::TaskReleased) => "Released",
        Some(Action::TaskCompleted) => "Completed again",
        Some(Action::TaskBlocked) => "Blocked again",
        Some(Action::TaskUnblocked) => "Unblocked",
        Some(Action::TaskCancelled) => "Cancelled again",
        Some(Action::TaskReopened) => "Reopened",
        Some(_) | None => "Updated",
    }
}

fn no_way_back(id: TaskId, status: &Status) -> Refusal {
    Refusal::new(
        Code::Transition,
        format!("no command leads task `{id}` back from {} to what it was", status.word().replace('_', " ")),
    )
    .hint(format!("orchestrator task show {id}"))
}

fn taken_over(id: TaskId, status: &Status) -> Refusal {
    let holder = status.holder().map(ToString::to_string).unwrap_or_default();
    Refusal::new(
        Code::Transition,
        format!("task `{id}` was taken over; `{holder}` can give it back only to everybody"),
    )
    .hint(format!("orchestrator task show {id}"))
}
