//! `task cancel`

use crate::model::{Action, Change, Code, Context, Edit, Finish, Operation, Refusal, Status, TaskRef, View};
use crate::ops::{claims, resolve, text};

use super::Told;

/// A task is given up. While somebody holds it, only the holder may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Which.
    pub task: TaskRef,
    /// Why.
    pub reason: String,
}

impl Operation for Cancel {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        text::check_text("reason", &self.reason)?;
        let seen = resolve::task(view, &self.task)?;
        claims::check_readable(&seen)?;
        let id = seen.task.id;
        let agent = match &seen.task.status {
            Status::Cancelled { .. } => return Ok(Change::nothing(Told::was_so(seen))),
            Status::Done { .. } => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is done and can't be cancelled"),
                )
                .hint(format!("orchestrator task reopen {id}")));
            }
            Status::Pending | Status::InProgress(_) | Status::Blocked { .. } => {
                match seen.task.status.holder() {
                    Some(holder) => claims::acting_holder(&seen, holder, None, context)?,
                    None => context.actor.id(),
                }
            }
        };
        let mut task = claims::with_status(&seen.task, Status::Cancelled { reason: self.reason.clone() });
        task.epoch = claims::epoch_of(&seen);
        let event =
            claims::event(context, &agent, Action::TaskCancelled, &task).with("reason", self.reason.as_str());
        // A record even where nobody held it: so that nobody on another branch takes it.
        let reason = Some(self.reason.clone());
        let record = claims::completed(&seen, &agent, Finish::Cancelled, reason, &event, context);
        let told = Told::changed(task.clone(), Some(record.record.clone()));
        Ok(Change::new(format!("cancel {id} {}", task.title), told)
            .body(format!("{agent} cancelled task {id} in workstream {}.", task.workstream))
            .record(record)
            .edit(Edit::Task(Box::new(task)))
            .event(event))
    }
}
