//! `task reopen`

use crate::model::{Action, Change, Code, Context, Edit, Operation, Refusal, Status, Task, TaskRef, View};
use crate::ops::{claims, resolve};

use super::Told;

/// A task that is over waits for somebody again. Its result stays in history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reopen {
    /// Which.
    pub task: TaskRef,
}

impl Operation for Reopen {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        let seen = resolve::task(view, &self.task)?;
        claims::check_readable(&seen)?;
        let id = seen.task.id;
        match &seen.task.status {
            Status::Done { .. } | Status::Cancelled { .. } => {}
            Status::Pending => return Ok(Change::nothing(Told::was_so(seen))),
            Status::InProgress(claim) => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!(
                        "task `{id}` is in progress by `{}`; only a finished task is reopened",
                        claim.agent
                    ),
                )
                .hint(format!("orchestrator task release {id}")));
            }
            Status::Blocked { .. } => {
                return Err(Refusal::new(Code::Transition, format!("task `{id}` is blocked, not finished"))
                    .hint(format!("orchestrator task unblock {id}")));
            }
        }
        let agent = context.actor.id();
        let task = Task {
            result: None,
            epoch: claims::epoch_of(&seen),
            ..claims::with_status(&seen.task, Status::Pending)
        };
        let event = claims::event(context, &agent, Action::TaskReopened, &task);
        let record = claims::freed(&seen, None, &event, context);
        let told = Told::changed(task.clone(), record.as_ref().map(|edit| edit.record.clone()));
        let mut change = Change::new(format!("reopen {id} {}", task.title), told)
            .body(format!("{agent} reopened task {id} in workstream {}.", task.workstream))
            .edit(Edit::Task(Box::new(task)))
            .event(event);
        change.records.extend(record);
        Ok(change)
    }
}
