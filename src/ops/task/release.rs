//! `task release`

use crate::model::{
    Action, Change, Code, Context, Edit, Finish, Operation, Refusal, SeenTask, Standing, Status, Task,
    TaskRef, View,
};
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
    /// That of whoever holds it by a record that can't be read. The epoch that is named with it is no condition then, but
    /// what is known of the claims before: counting goes on above it, above whatever else is known, and above the
    /// milliseconds since 1970, so that no epoch is given out twice.
    Unknown,
}

impl Operation for Release {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        if let Some(reason) = &self.reason {
            text::check_text("reason", reason)?;
        }
        let seen = resolve::task(view, &self.task)?;
        if self.whose == Whose::Unknown {
            return self.break_unreadable(&seen, context);
        }
        claims::check_readable(&seen)?;
        let id = seen.task.id;
        let claim = match &seen.task.status {
            Status::Pending => return Ok(Change::nothing(Told::was_so(seen))),
            Status::InProgress(claim) => claim.clone(),
            Status::Blocked { claim: Some(claim), .. } => claim.clone(),
            Status::Blocked { reason, claim: None } => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is blocked, and nobody holds it: {}", text::excerpt(reason)),
                )
                .hint(format!("once that is settled: orchestrator task unblock {id}")));
            }
            Status::Done { .. } | Status::Cancelled { .. } => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is {}; nobody holds it", seen.task.status.word()),
                )
                .hint(format!("orchestrator task show {id}")));
            }
        };
        let agent = match self.whose {
            Whose::Mine => claims::acting_holder(&seen, &claim.agent, context)?,
            // Who asks is not silent, and needs no leave to give back what is his own.
            Whose::Stale if context.actor.agent.as_ref() == Some(&claim.agent) => claim.agent.clone(),
            // Answered above.
            Whose::Unknown | Whose::Stale => {
                let hint = format!("orchestrator task show {id}");
                claims::check_stale(view, &seen, &claim, hint, context)?;
                context.actor.id()
            }
        };
        claims::check_epoch(&seen, self.epoch)?;
        let status = match &seen.task.status {
            Status::Blocked { reason, .. } => Status::Blocked { reason: reason.clone(), claim: None },
            Status::Pending | Status::InProgress(_) | Status::Done { .. } | Status::Cancelled { .. } => {
                Status::Pending
            }
        };
        let mut task = claims::with_status(&seen.task, status);
        task.epoch = claims::epoch_of(&seen);
        let mut event = claims::event(context, &agent, Action::TaskReleased, &task);
        if task.epoch > 0 {
            event = event.with("epoch", task.epoch);
        }
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

impl Release {
    /// Puts a record that can be read in the place of one that can't: nobody holds the task then, unless its file says
    /// that it is over. What the file says besides stays.
    fn break_unreadable(&self, seen: &SeenTask, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        let (id, before) = (seen.task.id, &seen.task.status);
        if !matches!(seen.record.as_ref().map(|record| &record.standing), Some(Standing::Unreadable { .. })) {
            return Err(Refusal::new(
                Code::Transition,
                format!("the claim record of task `{id}` can be read; only one that can't is broken"),
            )
            .hint(format!("orchestrator task show {id}")));
        }
        // No count of claims can have come that far: one a millisecond since 1970.
        let floor = u64::try_from(context.now.millis()).unwrap_or(0);
        let epoch = claims::epoch_of(seen).max(self.epoch.unwrap_or(0)).max(floor).saturating_add(1);
        let holder = before.holder().cloned();
        let status = match before {
            Status::InProgress(_) => Status::Pending,
            Status::Blocked { reason, .. } => Status::Blocked { reason: reason.clone(), claim: None },
            Status::Pending | Status::Done { .. } | Status::Cancelled { .. } => before.clone(),
        };
        let agent = context.actor.id();
        let finisher = || claims::finisher(seen).cloned().unwrap_or_else(|| agent.clone());
        let over = match before {
            Status::Pending | Status::InProgress(_) | Status::Blocked { .. } => None,
            Status::Done { completed_at, .. } => {
                Some(("completed", Finish::Done, *completed_at, seen.task.result.clone()))
            }
            Status::Cancelled { reason } => {
                Some(("cancelled", Finish::Cancelled, None, Some(reason.clone())))
            }
        };
        let task = Task { epoch, status, imported: Default::default(), ..seen.task.clone() };
        let told = |action| claims::event(context, &agent, action, &task);
        let (standing, mut event) = match over {
            None => (Standing::Free, told(Action::TaskReleased)),
            // Nothing becomes of it but its epoch, and its record is as it must have been.
            Some((word, finish, at, result)) => {
                let by = finisher();
                let event = told(Action::TaskUpdated)
                    .with("changed", vec!["epoch".to_owned()])
                    .with("record", word)
                    .with("record_of", by.as_str());
                let at = at.unwrap_or(context.now);
                (Standing::Completed { agent: by, at, finish, result }, event)
            }
        };
        event = event.with("epoch", epoch);
        if let Some(holder) = &holder {
            event = event.with("released_from", holder.as_str());
        }
        if let Some(reason) = &self.reason {
            event = event.with("reason", reason.as_str());
        }
        let record = claims::record(seen, standing, epoch, self.reason.clone(), &event, context);
        let told = Told::changed(task.clone(), Some(record.record.clone()));
        Ok(Change::new(format!("break claim {id} {}", task.title), told)
            .body(format!("{agent} broke the claim on task {id}, whose record could not be read."))
            .record(record)
            .edit(Edit::Task(Box::new(task)))
            .event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AgentId, Span, Standing};
    use crate::ops::fake::{Board, now, plan, plan_as};

    fn release(whose: Whose, epoch: Option<u64>) -> Release {
        Release { task: TaskRef::parse("00000001").unwrap(), reason: Some("too hard".into()), whose, epoch }
    }

    fn claimed() -> Board {
        Board::with(|board| board.workstream("w").claimed("00000001", "w", "agent-1"))
    }

    #[test]
    fn a_release_frees_the_record_and_keeps_the_epoch() {
        let change = plan_as(&claimed(), "agent-1", &release(Whose::Mine, Some(1))).unwrap();
        assert_eq!(change.subject, "release 00000001 Task 00000001");
        let record = &change.records[0].record;
        assert_eq!((&record.standing, record.epoch), (&Standing::Free, 1));
        assert_eq!(record.reason.as_deref(), Some("too hard"));
        assert_eq!(change.outcome.task.task.status, Status::Pending);
        assert_eq!(change.events[0].text("released_from"), None);
    }

    #[test]
    fn a_holder_that_has_lost_the_claim_meanwhile_is_refused_by_its_epoch() {
        for whose in [Whose::Mine, Whose::Stale] {
            let refusal = plan_as(&claimed(), "agent-1", &release(whose, Some(0))).unwrap_err();
            assert_eq!(refusal.code, Code::NotHolder);
            assert_eq!(
                refusal.message,
                "the claim with epoch 0 on task `00000001` is over; its epoch is 1 now"
            );
        }
    }

    #[test]
    fn a_silent_claim_is_freed_by_anybody_and_the_log_says_whose_it_was() {
        let mut board = claimed();
        let stale = release(Whose::Stale, None);
        assert_eq!(plan_as(&board, "agent-2", &stale).unwrap_err().code, Code::Held);
        board.settings.claims_stale_after = Span::from_secs(12 * 60 - 1);
        let change = plan_as(&board, "agent-2", &stale).unwrap();
        assert_eq!(
            (change.events[0].agent.as_str(), change.events[0].text("released_from")),
            ("agent-2", Some("agent-1"))
        );
        // Exactly as long as the settings ask is not longer.
        board.settings.claims_stale_after = Span::from_secs(12 * 60);
        assert_eq!(plan_as(&board, "agent-2", &stale).unwrap_err().code, Code::Held);
        board.settings.claims_stale_after = Span::from_secs(60);
        board.seen("agent-1", now());
        let refusal = plan_as(&board, "agent-2", &stale).unwrap_err();
        assert!(refusal.message.contains("who was seen just now"), "{refusal}");
    }

    #[test]
    fn nobody_needs_to_be_silent_to_give_back_what_is_his_own() {
        let change = plan_as(&claimed(), "agent-1", &release(Whose::Stale, None)).unwrap();
        assert_eq!(change.events[0].agent, AgentId::parse("agent-1").unwrap().as_str());
        assert_eq!(change.events[0].text("released_from"), None);
    }

    #[test]
    fn a_claim_that_never_had_an_epoch_needs_no_record() {
        let mut board = claimed();
        board.edit(crate::model::TaskId::parse("00000001").unwrap(), |seen| seen.task.epoch = 0);
        assert!(plan(&board, &release(Whose::Mine, None)).unwrap().records.is_empty());
    }
}
