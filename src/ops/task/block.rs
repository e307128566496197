//! `task block`

use crate::model::{
    Action, Change, Code, Context, Edit, Operation, Refusal, Standing, Status, TaskRef, View,
};
use crate::ops::{claims, resolve, text};

use super::Told;

/// A task can't go on. Whoever holds it still does, and then no other agent may say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Which.
    pub task: TaskRef,
    /// What it waits for.
    pub reason: String,
}

impl Operation for Block {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        text::check_reason(&self.reason)?;
        let seen = resolve::task(view, &self.task)?;
        claims::check_readable(&seen)?;
        let id = seen.task.id;
        let claim = match &seen.task.status {
            Status::Blocked { reason, .. } if *reason == self.reason => {
                return Ok(Change::nothing(Told::was_so(seen)));
            }
            Status::Pending | Status::InProgress(_) | Status::Blocked { .. } => {
                seen.task.status.claim().cloned()
            }
            Status::Done { .. } | Status::Cancelled { .. } => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is {} and can't be blocked", seen.task.status.word()),
                )
                .hint(format!("to take it up again: orchestrator task reopen {id}")));
            }
        };
        claims::check_no_stranger(&seen, context)?;
        let agent = context.actor.id();
        let is_held = claim.is_some();
        let mut task =
            claims::with_status(&seen.task, Status::Blocked { reason: self.reason.clone(), claim });
        task.epoch = claims::epoch_of(&seen);
        let event =
            claims::event(context, &agent, Action::TaskBlocked, &task).with("reason", self.reason.as_str());
        // A finish that no branch has any more would go on speaking for the task, and say that it is pending.
        let is_lost = !is_held
            && matches!(
                seen.record.as_ref().map(|record| &record.standing),
                Some(Standing::Completed { .. })
            );
        let freed = if is_lost { claims::freed(&seen, None, &event, context) } else { None };
        let record = freed.as_ref().map(|edit| edit.record.clone()).or_else(|| seen.record.clone());
        let mut change =
            Change::new(format!("block {id} {}", task.title), Told::changed(task.clone(), record))
                .body(format!("{agent} blocked task {id} in workstream {}.", task.workstream))
                .edit(Edit::Task(Box::new(task)))
                .event(event);
        change.records.extend(freed);
        Ok(change)
    }
}
