//! `task unblock`

use crate::model::{Action, Change, Code, Context, Edit, Operation, Refusal, Status, TaskRef, View};
use crate::ops::{claims, resolve};

use super::Told;

/// A task can go on: with its holder if it has one, else it waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unblock {
    /// Which.
    pub task: TaskRef,
}

impl Operation for Unblock {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        let seen = resolve::task(view, &self.task)?;
        claims::check_readable(&seen)?;
        let id = seen.task.id;
        let status = match &seen.task.status {
            Status::Pending | Status::InProgress(_) => return Ok(Change::nothing(Told::was_so(seen))),
            Status::Blocked { claim: Some(claim), .. } => Status::InProgress(claim.clone()),
            Status::Blocked { claim: None, .. } => Status::Pending,
            Status::Done { .. } | Status::Cancelled { .. } => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is {}, not blocked", seen.task.status.word()),
                )
                .hint(format!("orchestrator task reopen {id}")));
            }
        };
        let agent = context.actor.id();
        let mut task = claims::with_status(&seen.task, status);
        task.epoch = claims::epoch_of(&seen);
        let event = claims::event(context, &agent, Action::TaskUnblocked, &task);
        Ok(Change::new(
            format!("unblock {id} {}", task.title),
            Told::changed(task.clone(), seen.record.clone()),
        )
        .body(format!("{agent} unblocked task {id} in workstream {}.", task.workstream))
        .edit(Edit::Task(Box::new(task)))
        .event(event))
    }
}
