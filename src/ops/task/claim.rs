//! `task claim`

use crate::model::{
    Action, AgentId, Change, Code, Context, Edit, Operation, Refusal, SeenTask, Standing, Status, Task,
    TaskRef, View, WorkstreamName, quoted,
};
use crate::ops::{claims, resolve, text};

use super::{Told, dependencies};

/// An agent takes a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which.
    pub task: TaskRef,
    /// Where it must be, if that was said.
    pub workstream: Option<WorkstreamName>,
    /// Who takes it; need not be registered.
    pub agent: AgentId,
    /// Whether from somebody who has fallen silent.
    pub take_over: TakeOver,
}

/// Whether a claim of somebody else may be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeOver {
    /// No.
    Never,
    /// If its agent has been silent for longer than the settings ask.
    IfStale,
}

impl Operation for Claim {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        let seen = resolve::task_in(view, self.workstream.as_ref(), &self.task)?;
        let id = seen.task.id;
        claims::check_readable(&seen)?;
        let next = format!("orchestrator t next {} {}", quoted(seen.task.workstream.as_str()), self.agent);
        let refuse = |what: String, hint: String| Err(Refusal::new(Code::Transition, what).hint(hint));
        match &seen.task.status {
            Status::Pending => {
                resolve::check_not_closed(view, &seen.task.workstream)?;
                dependencies::check_done(view, &seen)?;
                Ok(take(&seen, &self.agent, None, context))
            }
            Status::InProgress(claim) if claim.agent == self.agent => Ok(Change::nothing(Told::was_so(seen))),
            Status::InProgress(claim) => match self.take_over {
                TakeOver::IfStale => {
                    resolve::check_not_closed(view, &seen.task.workstream)?;
                    let hint = format!("take another one: {next}");
                    claims::check_stale(view, &seen, claim, hint, context)?;
                    let from = claim.agent.clone();
                    Ok(take(&seen, &self.agent, Some(&from), context))
                }
                TakeOver::Never => Err(Refusal::new(
                    Code::Held,
                    format!(
                        "task `{id}` is claimed by `{}`{}",
                        claim.agent,
                        claims::since_words(&seen, context.now)
                    ),
                )
                .hint(format!("take another one: {next}"))),
            },
            Status::Blocked { reason, .. } => refuse(
                format!("task `{id}` is blocked: {}", text::excerpt(reason)),
                format!("once that is settled: orchestrator task unblock {id}"),
            ),
            Status::Done { .. } => {
                let by = claims::finisher(&seen).map(|by| format!(" by `{by}`")).unwrap_or_default();
                let since = claims::since_words(&seen, context.now);
                refuse(format!("task `{id}` is done already{by}{since}"), format!("take another one: {next}"))
            }
            Status::Cancelled { reason } => refuse(
                format!("task `{id}` is cancelled: {}", text::excerpt(reason)),
                format!("to take it up again: orchestrator task reopen {id}"),
            ),
        }
    }
}

/// The change that gives a task to an agent.
pub(super) fn take(
    seen: &SeenTask,
    agent: &AgentId,
    from: Option<&AgentId>,
    context: &Context<'_>,
) -> Change<Told> {
    let epoch = seen.next_epoch();
    let claim = crate::model::Claim { agent: agent.clone(), claimed_at: Some(context.now) };
    let task = Task { epoch, result: None, ..claims::with_status(&seen.task, Status::InProgress(claim)) };
    let mut event = claims::event(context, agent, Action::TaskClaimed, &task).with("epoch", epoch);
    if let Some(from) = from {
        event = event.with("taken_from", from.as_str());
    }
    let standing = Standing::Held { agent: agent.clone(), since: context.now, ttl: None };
    let record = claims::record(seen, standing, epoch, None, &event, context);
    let told = Told::changed(task.clone(), Some(record.record.clone()));
    Change::new(format!("claim {} {}", task.id, task.title), told)
        .body(format!("{agent} claimed task {} in workstream {}.", task.id, task.workstream))
        .record(record)
        .edit(Edit::Task(Box::new(task)))
        .event(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Landing, Record, RecordKey, Span, TaskId};
    use crate::ops::fake::{Board, now, plan, plan_as};

    fn claim(task: &str, agent: &str) -> Claim {
        Claim {
            task: TaskRef::parse(task).unwrap(),
            workstream: None,
            agent: AgentId::parse(agent).unwrap(),
            take_over: TakeOver::Never,
        }
    }

    #[test]
    fn a_claim_is_one_event_in_board_and_record_with_one_epoch() {
        let board = Board::with(|board| board.workstream("w").task("00000001", "w"));
        let change = plan(&board, &claim("00000001", "agent-1")).unwrap();
        let record = &change.records[0];
        assert_eq!(record.expected, None);
        assert_eq!(record.record.event.as_ref(), Some(&change.events[0]));
        assert_eq!((record.record.epoch, change.outcome.task.task.epoch), (1, 1));
        assert!(record.record.nonce.is_some());
        assert_eq!(change.events[0].agent, "agent-1");
    }

    #[test]
    fn the_epoch_grows_above_file_and_record() {
        let mut board = Board::with(|board| board.workstream("w").task("00000001", "w"));
        let id = TaskId::parse("00000001").unwrap();
        board.edit(id, |seen| {
            seen.task.epoch = 2;
            seen.record = Some(Record {
                key: RecordKey::Claim(id),
                standing: Standing::Free,
                epoch: 7,
                nonce: None,
                reason: None,
                event: None,
                board: None,
                commit: Some("c".repeat(40)),
            });
        });
        let change = plan(&board, &claim("000", "agent-1")).unwrap();
        assert_eq!(change.outcome.task.task.epoch, 8);
        assert_eq!(change.records[0].expected, Some("c".repeat(40)));
    }

    #[test]
    fn what_is_held_is_refused_with_its_holder_and_what_is_mine_is_a_no_op() {
        let mut board = Board::with(|board| board.workstream("w").claimed("00000001", "w", "agent-2"));
        let id = TaskId::parse("00000001").unwrap();
        board.edit(id, |seen| {
            seen.landing = Landing::Elsewhere { branch: Some("feat-a".into()), commit: None };
        });
        let refusal = plan(&board, &claim("00000001", "agent-1")).unwrap_err();
        assert_eq!(refusal.code, Code::Held);
        assert_eq!(
            refusal.message,
            "task `00000001` is claimed by `agent-2` (12 minutes ago, on branch `feat-a`)"
        );
        assert_eq!(refusal.hint.as_deref(), Some("take another one: orchestrator t next w agent-1"));
        assert!(plan(&board, &claim("00000001", "agent-2")).unwrap().is_nothing());
    }

    #[test]
    fn only_a_silent_holder_loses_the_claim() {
        let mut board = Board::with(|board| board.workstream("w").claimed("00000001", "w", "agent-2"));
        let take_over = Claim { take_over: TakeOver::IfStale, ..claim("00000001", "agent-1") };
        assert_eq!(plan(&board, &take_over).unwrap_err().code, Code::Held);
        board.edit(TaskId::parse("00000001").unwrap(), |seen| {
            let Status::InProgress(claim) = &mut seen.task.status else { panic!() };
            claim.claimed_at = Some(now().minus(Span::from_secs(3601)));
        });
        let change = plan(&board, &take_over).unwrap();
        assert_eq!(change.events[0].text("taken_from"), Some("agent-2"));
        assert_eq!(change.outcome.task.task.epoch, 2);
        // Any sign of life counts.
        board.seen("agent-2", now().minus(Span::from_secs(30)));
        assert_eq!(plan(&board, &take_over).unwrap_err().code, Code::Held);
    }

    #[test]
    fn nothing_of_a_closed_workstream_is_handed_out_and_a_damaged_one_closes_nothing() {
        let fresh = || Board::with(|board| board.closed("w").task("00000001", "w"));
        let refusal = plan(&fresh(), &claim("00000001", "a")).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.hint.as_deref()),
            (Code::Transition, Some("orchestrator ws update w --status active"))
        );
        let stale = fresh().claimed("00000002", "w", "b");
        let take_over = Claim { take_over: TakeOver::IfStale, ..claim("00000002", "a") };
        assert_eq!(plan(&stale, &take_over).unwrap_err().code, Code::Transition);
        let mut torn = fresh();
        torn.tear("workstreams/w.yaml");
        assert!(plan(&torn, &claim("00000001", "a")).is_ok());
    }

    #[test]
    fn a_damaged_task_is_refused_by_its_file() {
        let mut board = Board::with(|board| board.workstream("w").task("00000001", "w"));
        board.tear("tasks/00/00000001.yaml");
        let refusal = plan(&board, &claim("00000001", "a")).unwrap_err();
        assert_eq!(refusal.code, Code::Damaged);
        assert!(refusal.message.starts_with("tasks/00/00000001.yaml:1:1: "), "{refusal}");
    }

    #[test]
    fn what_was_released_on_another_branch_is_free() {
        let mut board = Board::with(|board| board.workstream("w").task("00000001", "w"));
        board.edit(TaskId::parse("00000001").unwrap(), |seen| {
            seen.task.epoch = 4;
            seen.landing = Landing::Elsewhere { branch: Some("feat-a".into()), commit: None };
        });
        let told = plan(&board, &claim("00000001", "a")).unwrap().outcome.task;
        assert_eq!((told.task.epoch, told.landing), (5, Landing::Here));
    }

    #[test]
    fn a_claim_from_the_future_is_not_stale() {
        let mut board = Board::with(|board| board.workstream("w").claimed("00000001", "w", "b"));
        board.seen("b", now().plus(Span::from_secs(1 << 30)));
        let take_over = Claim { take_over: TakeOver::IfStale, ..claim("00000001", "a") };
        assert_eq!(plan(&board, &take_over).unwrap_err().code, Code::Held);
    }

    #[test]
    fn the_same_view_and_the_same_ids_give_the_same_change() {
        let board = || Board::with(|board| board.workstream("w").task("00000001", "w"));
        assert_eq!(
            plan(&board(), &claim("00000001", "a")).unwrap(),
            plan(&board(), &claim("00000001", "a")).unwrap()
        );
    }

    #[test]
    fn a_dependency_must_be_done_on_this_board() {
        let mut board = Board::with(|board| {
            board.workstream("w").done("00000001", "w").depending("00000002", "w", "00000001")
        });
        assert!(plan(&board, &claim("00000002", "a")).is_ok());
        board.edit(TaskId::parse("00000001").unwrap(), |seen| {
            seen.landing = Landing::Elsewhere { branch: None, commit: None };
        });
        let refusal = plan_as(&board, "a", &claim("00000002", "a")).unwrap_err();
        assert_eq!(refusal.code, Code::Transition);
        assert!(refusal.message.contains("waits for `00000001`"), "{refusal}");
    }
}
