//! `task next`

use crate::model::{
    AgentId, Change, Context, Operation, Refusal, SeenTask, Standing, Status, TaskId, View, WorkstreamName,
};
use crate::ops::{claims, resolve};

use super::claim::take;
use super::{Told, dependencies};

/// An agent takes the best task of a workstream: by priority, then age, then id, of those whose
/// dependencies are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Where.
    pub workstream: WorkstreamName,
    /// Who takes it; need not be registered.
    pub agent: AgentId,
}

/// What there was to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextTask {
    /// The task that was taken; none if there is nothing to give.
    pub told: Option<Told>,
    /// Pending tasks that were passed over because they wait for others.
    pub waiting: Vec<Waiting>,
}

/// A pending task that is not handed out yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The task.
    pub task: TaskId,
    /// What it waits for.
    pub dependencies: Vec<TaskId>,
}

impl Operation for Next {
    type Outcome = NextTask;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<NextTask>, Refusal> {
        resolve::open_workstream(view, &self.workstream)?;
        let mut waiting = Vec::new();
        for seen in view.tasks()?.into_iter().filter(|seen| seen.task.workstream == self.workstream) {
            let Some(from) = self.available(view, &seen, context)? else { continue };
            let dependencies = dependencies::missing(view, &seen)?;
            if !dependencies.is_empty() {
                waiting.push(Waiting { task: seen.task.id, dependencies });
                continue;
            }
            let taken = take(&seen, &self.agent, from.as_ref(), context);
            return Ok(Change {
                edits: taken.edits,
                records: taken.records,
                events: taken.events,
                subject: taken.subject,
                body: taken.body,
                trailers: taken.trailers,
                outcome: NextTask { told: Some(taken.outcome), waiting },
            });
        }
        Ok(Change::nothing(NextTask { told: None, waiting }))
    }
}

impl Next {
    /// Whether a task may be taken, and from whom: pending ones, and where the settings say so, those whose
    /// holder has fallen silent.
    fn available(
        &self,
        view: &dyn View,
        seen: &SeenTask,
        context: &Context<'_>,
    ) -> Result<Option<Option<AgentId>>, Refusal> {
        if seen.record.as_ref().is_some_and(|record| matches!(record.standing, Standing::Unreadable { .. })) {
            return Ok(None);
        }
        match &seen.task.status {
            Status::Pending => Ok(Some(None)),
            Status::InProgress(claim) if context.settings.claims_expire && claim.agent != self.agent => {
                let silent = claims::silence(view, claim, seen.task.created_at, context.now)?;
                let is_stale = silent > context.settings.claims_stale_after;
                Ok(is_stale.then(|| Some(claim.agent.clone())))
            }
            Status::InProgress(_)
            | Status::Blocked { .. }
            | Status::Done { .. }
            | Status::Cancelled { .. } => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Landing, Priority, Span, Timestamp};
    use crate::ops::fake::{Board, now, plan};

    fn next() -> Next {
        Next { workstream: WorkstreamName::parse("w").unwrap(), agent: AgentId::parse("agent-1").unwrap() }
    }

    fn given(board: &Board) -> Option<String> {
        plan(board, &next()).unwrap().outcome.told.map(|told| told.task.task.id.to_string())
    }

    fn id(text: &str) -> TaskId {
        TaskId::parse(text).unwrap()
    }

    #[test]
    fn the_best_comes_first_and_zero_is_a_priority() {
        let mut board = Board::with(|board| {
            board
                .workstream("w")
                .task("00000003", "w")
                .task("00000002", "w")
                .task("00000001", "w")
                .task("00000004", "w")
        });
        assert_eq!(given(&board).as_deref(), Some("00000001"));
        board.edit(id("00000002"), |seen| seen.task.created_at = Timestamp::from_millis(0));
        assert_eq!(given(&board).as_deref(), Some("00000002"));
        board.edit(id("00000003"), |seen| seen.task.priority = Priority(1));
        assert_eq!(given(&board).as_deref(), Some("00000003"));
        board.edit(id("00000004"), |seen| seen.task.priority = Priority(0));
        assert_eq!(given(&board).as_deref(), Some("00000004"));
    }

    #[test]
    fn what_waits_is_passed_over_and_named() {
        let board = Board::with(|board| {
            board.workstream("w").claimed("00000001", "w", "b").depending("00000002", "w", "00000001")
        });
        let change = plan(&board, &next()).unwrap();
        assert!(change.is_nothing());
        assert_eq!(change.outcome.told, None);
        let waiting = Waiting { task: id("00000002"), dependencies: vec![id("00000001")] };
        assert_eq!(change.outcome.waiting, [waiting]);
    }

    #[test]
    fn finished_elsewhere_is_not_handed_out_again() {
        let mut board = Board::with(|board| board.workstream("w").done("00000001", "w"));
        board.edit(id("00000001"), |seen| {
            seen.landing = Landing::Elsewhere { branch: Some("feat-a".into()), commit: None };
        });
        assert_eq!(given(&board), None);
    }

    #[test]
    fn stale_claims_are_taken_only_where_the_settings_say_so() {
        let mut board = Board::with(|board| board.workstream("w").claimed("00000001", "w", "b"));
        board.edit(id("00000001"), |seen| {
            let Status::InProgress(claim) = &mut seen.task.status else { panic!() };
            claim.claimed_at = Some(now().minus(Span::from_secs(7200)));
        });
        assert_eq!(given(&board), None);
        board.settings.claims_expire = true;
        assert_eq!(given(&board).as_deref(), Some("00000001"));
    }
}
