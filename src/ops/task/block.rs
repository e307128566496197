//! `task block`

use crate::model::{Action, Change, Code, Context, Edit, Operation, Refusal, Status, TaskRef, View};
use crate::ops::{claims, resolve, text};

use super::Told;

/// A task can't go on. Whoever holds it still does.
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
        text::check_text("reason", &self.reason)?;
        let seen = resolve::task(view, &self.task)?;
        claims::check_readable(&seen)?;
        let id = seen.task.id;
        let (agent, claim) = match &seen.task.status {
            Status::Pending => (context.actor.id(), None),
            Status::InProgress(claim) => {
                (claims::acting_holder(&seen, &claim.agent, None, context)?, Some(claim.clone()))
            }
            Status::Blocked { reason, .. } if *reason == self.reason => {
                return Ok(Change::nothing(Told::was_so(seen)));
            }
            Status::Blocked { claim, .. } => (context.actor.id(), claim.clone()),
            Status::Done { .. } | Status::Cancelled { .. } => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is {} and can't be blocked", seen.task.status.word()),
                )
                .hint(format!("orchestrator task reopen {id}")));
            }
        };
        let mut task =
            claims::with_status(&seen.task, Status::Blocked { reason: self.reason.clone(), claim });
        task.epoch = claims::epoch_of(&seen);
        let event =
            claims::event(context, &agent, Action::TaskBlocked, &task).with("reason", self.reason.as_str());
        Ok(Change::new(
            format!("block {id} {}", task.title),
            Told::changed(task.clone(), seen.record.clone()),
        )
        .body(format!("{agent} blocked task {id} in workstream {}.", task.workstream))
        .edit(Edit::Task(Box::new(task)))
        .event(event))
    }
}
