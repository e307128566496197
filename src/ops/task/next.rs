//! `task next`

use std::collections::HashMap;

use crate::model::{
    AgentId, Change, Context, Operation, Refusal, SeenTask, Status, TaskId, Unread, View, WorkstreamName,
};
use crate::ops::{claims, resolve};

use super::Told;
use super::claim::take;

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
    /// What could not be read: there may have been something better to take, or something at all.
    pub unread: Unread,
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
        // What depends on a task that is cancelled, deleted or can't be read keeps waiting.
        let mut done: HashMap<TaskId, bool> = HashMap::new();
        let (mut waiting, mut unread) = (Vec::new(), Unread::default());
        for candidate in view.candidates(&self.workstream, context.settings.claims_expire)?.note(&mut unread)
        {
            let candidate = candidate?;
            let mut dependencies = Vec::new();
            for id in candidate.depends_on {
                let is_done = match done.get(&id) {
                    Some(known) => *known,
                    None => *done.entry(id).or_insert(view.is_done(id)?.note(&mut unread)),
                };
                dependencies.extend((!is_done).then_some(id));
            }
            let is_waiting = !dependencies.is_empty();
            if is_waiting && candidate.is_pending {
                waiting.push(Waiting { task: candidate.id, dependencies });
                continue;
            }
            let Some(seen) = unread.try_note(view.task(candidate.id))? else { continue };
            let Some(from) = self.available(view, &seen, context, &mut unread)? else { continue };
            if is_waiting {
                if seen.task.status == Status::Pending {
                    waiting.push(Waiting { task: seen.task.id, dependencies });
                }
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
                outcome: NextTask { told: Some(taken.outcome), waiting, unread },
            });
        }
        Ok(Change::nothing(NextTask { told: None, waiting, unread }))
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
        unread: &mut Unread,
    ) -> Result<Option<Option<AgentId>>, Refusal> {
        if let Some(damage) = seen.unread_claim() {
            unread.add(damage);
            return Ok(None);
        }
        match &seen.task.status {
            Status::Pending => Ok(Some(None)),
            Status::InProgress(claim) if context.settings.claims_expire && claim.agent != self.agent => {
                let silent = claims::silence(view, claim, seen.task.created_at, context.now)?;
                // Whoever may have been seen since is not silent for certain.
                let is_certain = silent.is_whole();
                let is_stale = silent.note(unread) > context.settings.claims_stale_after && is_certain;
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
    use crate::model::{Code, Landing, Priority, Span, Standing, Timestamp};
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
    fn held_elsewhere_or_by_somebody_unknown_is_passed_over() {
        let mut board = Board::with(|board| {
            board.workstream("w").claimed("00000001", "w", "b").task("00000002", "w").task("00000003", "w")
        });
        board.edit(id("00000001"), |seen| {
            seen.landing = Landing::Elsewhere { branch: Some("feat-a".into()), commit: None };
        });
        let other = Next { agent: AgentId::parse("b").unwrap(), ..next() };
        let change = plan(&board, &other).unwrap();
        let mut record = change.records[0].record.clone();
        record.standing = Standing::Unreadable { why: "torn".into() };
        board.edit(id("00000002"), |seen| seen.record = Some(record));
        assert_eq!(given(&board).as_deref(), Some("00000003"));
    }

    #[test]
    fn only_what_is_done_here_ends_the_waiting() {
        let on = |state: &str| {
            let mut board = Board::with(|board| {
                board
                    .workstream("w")
                    .workstream("v")
                    .done("00000001", "v")
                    .depending("00000002", "w", "00000001")
            });
            board.edit(id("00000001"), |seen| match state {
                "here" => {}
                "elsewhere" => {
                    seen.landing = Landing::Elsewhere { branch: Some("feat-a".into()), commit: None };
                }
                "cancelled" => seen.task.status = Status::Cancelled { reason: "no".into() },
                other => panic!("{other}"),
            });
            board
        };
        assert_eq!(given(&on("here")).as_deref(), Some("00000002"));
        for state in ["elsewhere", "cancelled"] {
            assert_eq!(given(&on(state)), None, "{state}");
        }
        let mut torn = on("here");
        torn.tear("tasks/00/00000001.yaml");
        assert_eq!(given(&torn), None);
        torn.tear("tasks/00/00000002.yaml");
        let NextTask { told, waiting, unread } = plan(&torn, &next()).unwrap().outcome;
        assert_eq!((told, waiting), (None, vec![]));
        let named: Vec<String> = unread.into_damage().into_iter().map(|damage| damage.path).collect();
        assert_eq!(named, ["tasks/00/00000001.yaml", "tasks/00/00000002.yaml"]);
    }

    #[test]
    fn a_closed_or_unknown_workstream_is_refused() {
        let board = Board::with(|board| board.closed("w"));
        assert_eq!(plan(&board, &next()).unwrap_err().code, Code::Transition);
        assert_eq!(plan(&Board::default(), &next()).unwrap_err().code, Code::NotFound);
    }

    #[test]
    fn all_is_handed_out_once_and_then_nothing() {
        let mut board = Board::with(|board| {
            board
                .workstream("w")
                .task("00000001", "w")
                .depending("00000002", "w", "00000001")
                .task("00000003", "w")
        });
        let mut order = Vec::new();
        for _ in 0..4 {
            let change = plan(&board, &next()).unwrap();
            order.push(board.apply(change).told.map(|told| told.task.task.id.to_string()));
        }
        assert_eq!(order, [Some("00000001".to_owned()), Some("00000003".to_owned()), None, None]);
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
        let change = plan(&board, &next()).unwrap();
        assert_eq!(change.events[0].text("taken_from"), Some("b"));
        assert_eq!(change.outcome.told.unwrap().task.task.epoch, 2);
        // One's own is no next task, however old.
        let own = Next { agent: AgentId::parse("b").unwrap(), ..next() };
        assert_eq!(plan(&board, &own).unwrap().outcome.told, None);
        board.seen("b", now());
        assert_eq!(given(&board), None);
    }
}
