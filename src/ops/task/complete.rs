//! `task complete`

use crate::model::{
    Action, AgentId, Change, Claim, Code, Context, Edit, Finish, Landing, Operation, Refusal, Status, Task,
    TaskRef, View, WorkstreamName,
};
use crate::ops::{claims, resolve, text};

use super::Told;

/// A task is done. Its holder says so; where nobody holds it, anybody may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complete {
    /// Which.
    pub task: TaskRef,
    /// Where it must be, if that was said.
    pub workstream: Option<WorkstreamName>,
    /// What came out of it.
    pub result: Option<String>,
    /// The fencing token of the claim it was worked on under: refused if there was a later claim.
    pub epoch: Option<u64>,
}

impl Operation for Complete {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        if let Some(result) = &self.result {
            text::check_text("result", result)?;
        }
        let seen = resolve::task_in(view, self.workstream.as_ref(), &self.task)?;
        claims::check_readable(&seen)?;
        let id = seen.task.id;
        let agent: AgentId = match &seen.task.status {
            Status::Pending => match self.epoch {
                Some(epoch) => {
                    return Err(Refusal::new(
                        Code::NotHolder,
                        format!("the claim with epoch {epoch} on task `{id}` is over; nobody holds it now"),
                    )
                    .hint(format!("orchestrator task claim {id} --agent {}", context.actor.id())));
                }
                None => context.actor.id(),
            },
            Status::InProgress(claim) => claims::acting_holder(&seen, &claim.agent, self.epoch, context)?,
            Status::Done { claim, .. } => {
                let by = claim.as_ref().map(|claim| &claim.agent);
                let is_mine =
                    context.actor.agent.is_none() || context.actor.agent.as_ref() == by || by.is_none();
                let says_so = self.result.is_none() || self.result == seen.task.result;
                if is_mine && says_so {
                    return Ok(Change::nothing(Told::was_so(seen)));
                }
                let by = by.map(|by| format!(" by `{by}`")).unwrap_or_default();
                let place = match &seen.landing {
                    Landing::Here => String::new(),
                    Landing::Elsewhere { .. } => claims::since_words(&seen, context.now),
                };
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is done already{by}{place}"),
                )
                .hint(format!("to do it again: orchestrator task reopen {id}")));
            }
            Status::Blocked { reason, .. } => {
                return Err(Refusal::new(
                    Code::Transition,
                    format!("task `{id}` is blocked: {}", reason.escape_debug()),
                )
                .hint(format!("orchestrator task unblock {id}")));
            }
            Status::Cancelled { .. } => {
                return Err(Refusal::new(Code::Transition, format!("task `{id}` is cancelled"))
                    .hint(format!("orchestrator task reopen {id}")));
            }
        };
        let claim = seen.task.status.claim().cloned();
        // Done without a claim by a named agent: it is the one who did it.
        let claim = claim.or_else(|| {
            let named = context.actor.agent.clone()?;
            Some(Claim { agent: named, claimed_at: None })
        });
        let status = Status::Done { claim, completed_at: Some(context.now) };
        let epoch = claims::epoch_of(&seen);
        let task = Task { result: self.result.clone(), epoch, ..claims::with_status(&seen.task, status) };
        let mut event =
            claims::event(context, &agent, Action::TaskCompleted, &task).with("result", self.result.clone());
        if epoch > 0 {
            event = event.with("epoch", epoch);
        }
        let record = claims::completed(&seen, &agent, Finish::Done, self.result.clone(), &event, context);
        let told = Told::changed(task.clone(), Some(record.record.clone()));
        Ok(Change::new(format!("complete {id} {}", task.title), told)
            .body(format!("{agent} completed task {id} in workstream {}.", task.workstream))
            .record(record)
            .edit(Edit::Task(Box::new(task)))
            .event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Standing;
    use crate::ops::fake::{Board, plan, plan_as};

    fn complete(epoch: Option<u64>) -> Complete {
        Complete {
            task: TaskRef::parse("00000001").unwrap(),
            workstream: None,
            result: Some("done".into()),
            epoch,
        }
    }

    fn claimed() -> Board {
        Board::with(|board| board.workstream("w").claimed("00000001", "w", "agent-1"))
    }

    #[test]
    fn the_holder_completes_and_without_identity_the_assignee_acts() {
        for change in [plan(&claimed(), &complete(None)), plan_as(&claimed(), "agent-1", &complete(Some(1)))]
        {
            let change = change.unwrap();
            assert_eq!(change.events[0].agent, "agent-1");
            assert_eq!(change.outcome.task.task.result.as_deref(), Some("done"));
            assert!(matches!(
                change.records[0].record.standing,
                Standing::Completed { finish: Finish::Done, .. }
            ));
        }
    }

    #[test]
    fn a_stranger_and_a_late_holder_are_refused() {
        assert_eq!(plan_as(&claimed(), "agent-2", &complete(None)).unwrap_err().code, Code::NotHolder);
        let late = plan_as(&claimed(), "agent-1", &complete(Some(0))).unwrap_err();
        assert_eq!(late.code, Code::NotHolder);
        assert!(late.message.contains("its epoch is 1 now"), "{late}");
    }

    #[test]
    fn an_unclaimed_task_may_be_completed() {
        let board = Board::with(|board| board.workstream("w").task("00000001", "w"));
        let change = plan(&board, &complete(None)).unwrap();
        assert_eq!(change.events[0].agent, "system");
        assert_eq!(change.outcome.task.task.status.claim(), None);
        assert_eq!(plan(&board, &complete(Some(1))).unwrap_err().code, Code::NotHolder);
    }

    #[test]
    fn the_same_again_is_a_no_op_and_another_result_is_refused() {
        let done = plan(&claimed(), &complete(None)).unwrap().outcome.task;
        let mut board = claimed();
        board.edit(done.task.id, |seen| *seen = done.clone());
        assert!(plan_as(&board, "agent-1", &complete(None)).unwrap().is_nothing());
        assert!(plan(&board, &Complete { result: None, ..complete(None) }).unwrap().is_nothing());
        let other = Complete { result: Some("else".into()), ..complete(None) };
        assert_eq!(plan(&board, &other).unwrap_err().code, Code::Transition);
        assert_eq!(plan_as(&board, "agent-2", &complete(None)).unwrap_err().code, Code::Transition);
    }
}
