//! `task release`

use crate::model::{Action, Change, Code, Context, Edit, Operation, Refusal, Status, TaskRef, View};
use crate::ops::{claims, resolve, text};

use super::Told;

/// A task goes back to those that wait for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Which.
    pub task: TaskRef,
    /// Why.
    pub reason: Option<String>,
    /// One's own, or one of somebody who has fallen silent.
    pub whose: Whose,
    /// The fencing token of the claim: refused if there was a later one.
    pub epoch: Option<u64>,
}

/// Whose claim is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The holder's own.
    Mine,
    /// Anybody's whose agent has been silent for longer than the settings ask.
    Stale,
}

impl Operation for Release {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        if let Some(reason) = &self.reason {
            text::check_text("reason", reason)?;
        }
        let seen = resolve::task(view, &self.task)?;
        claims::check_readable(&seen)?;
        let id = seen.task.id;
        let claim = match &seen.task.status {
            Status::Pending => return Ok(Change::nothing(Told::was_so(seen))),
            Status::InProgress(claim) => claim.clone(),
            Status::Blocked { claim: Some(claim), .. } => claim.clone(),
            Status::Blocked { claim: None, .. } => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is blocked, and nobody holds it"),
                )
                .hint(format!("orchestrator task unblock {id}")));
            }
            Status::Done { .. } | Status::Cancelled { .. } => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is {}; nobody holds it", seen.task.status.word()),
                )
                .hint(format!("orchestrator task reopen {id}")));
            }
        };
        let agent = match self.whose {
            Whose::Mine => claims::acting_holder(&seen, &claim.agent, self.epoch, context)?,
            Whose::Stale => {
                claims::check_stale(view, &seen, &claim, context)?;
                context.actor.id()
            }
        };
        let status = match &seen.task.status {
            Status::Blocked { reason, .. } => Status::Blocked { reason: reason.clone(), claim: None },
            Status::Pending | Status::InProgress(_) | Status::Done { .. } | Status::Cancelled { .. } => {
                Status::Pending
            }
        };
        let mut task = claims::with_status(&seen.task, status);
        task.epoch = claims::epoch_of(&seen);
        let mut event = claims::event(context, &agent, Action::TaskReleased, &task);
        if let Some(reason) = &self.reason {
            event = event.with("reason", reason.as_str());
        }
        if agent != claim.agent {
            event = event.with("released_from", claim.agent.as_str());
        }
        let record = claims::freed(&seen, self.reason.clone(), &event, context);
        let told = Told::changed(task.clone(), record.as_ref().map(|edit| edit.record.clone()));
        let mut change = Change::new(format!("release {id} {}", task.title), told)
            .body(format!("{agent} released task {id} in workstream {}.", task.workstream))
            .edit(Edit::Task(Box::new(task)))
            .event(event);
        change.records.extend(record);
        Ok(change)
    }
}
