//! Record against file: which of the two has the last word on a task.
//!
//! A claim's record is shared by all branches; a task's file belongs to one. Where they disagree, the file
//! wins if this board contains the change that the record speaks of (it is later then: landed, reverted,
//! edited by hand), else the record wins (it happened on another branch). Where a record of a finished
//! task speaks of a commit that no branch and no board has any more, nobody has the task.

use crate::model::{Claim, Finish, Landing, Record, SeenTask, Standing, Status, Task};

/// Where the change that a record speaks of can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// In the board that is being read.
    Here,
    /// On some other branch only.
    Elsewhere,
    /// Nowhere: its branch was reset, amended or deleted.
    Nowhere,
}

/// The task as it counts. `find` is asked only where file and record disagree.
pub(crate) fn judge<E>(
    file: Task,
    record: Option<Record>,
    find: impl FnOnce(&Record) -> Result<Found, E>,
) -> Result<SeenTask, E> {
    let Some(record) = record else { return Ok(SeenTask::from_file(file)) };
    if agree(&file, &record) {
        return Ok(SeenTask { task: file, landing: Landing::Here, record: Some(record) });
    }
    let found = find(&record)?;
    let status = match (found, &record.standing) {
        (Found::Here, _) => return Ok(SeenTask { task: file, landing: Landing::Here, record: Some(record) }),
        (Found::Nowhere, Standing::Completed { .. }) => Status::Pending,
        (Found::Elsewhere | Found::Nowhere, standing) => match word_of(standing, &file) {
            Some(status) => status,
            // Held by somebody unknown: the file is shown, and every taker is refused by the record.
            None => return Ok(SeenTask { task: file, landing: elsewhere(&record), record: Some(record) }),
        },
    };
    let result = match &record.standing {
        Standing::Completed { finish: Finish::Done, result, .. } if found == Found::Elsewhere => {
            result.clone()
        }
        _ if matches!(status, Status::Done { .. }) => file.result.clone(),
        _ => None,
    };
    let task = Task { status, result, epoch: file.epoch.max(record.epoch), ..file };
    let landing = elsewhere(&record);
    Ok(SeenTask { task, landing, record: Some(record) })
}

fn elsewhere(record: &Record) -> Landing {
    Landing::Elsewhere {
        branch: record.board.as_ref().and_then(|point| point.branch.clone()),
        commit: record.board.as_ref().map(|point| point.commit.clone()),
    }
}

/// Whether file and record say the same, so that there is nothing to judge.
fn agree(file: &Task, record: &Record) -> bool {
    match &record.standing {
        Standing::Held { agent, .. } => file.epoch == record.epoch && file.status.holder() == Some(agent),
        Standing::Free => match &file.status {
            Status::Pending | Status::Blocked { claim: None, .. } => true,
            Status::InProgress(_)
            | Status::Blocked { .. }
            | Status::Done { .. }
            | Status::Cancelled { .. } => false,
        },
        Standing::Completed { finish, .. } => match (&file.status, finish) {
            (Status::Done { .. }, Finish::Done) | (Status::Cancelled { .. }, Finish::Cancelled) => {
                file.epoch >= record.epoch
            }
            _ => false,
        },
        Standing::Unreadable { .. } => false,
    }
}

/// The status that a record stands for.
fn word_of(standing: &Standing, file: &Task) -> Option<Status> {
    match standing {
        Standing::Held { agent, since, .. } => {
            Some(Status::InProgress(Claim { agent: agent.clone(), claimed_at: Some(*since) }))
        }
        Standing::Free => match &file.status {
            Status::Blocked { reason, .. } => Some(Status::Blocked { reason: reason.clone(), claim: None }),
            Status::Pending | Status::InProgress(_) | Status::Done { .. } | Status::Cancelled { .. } => {
                Some(Status::Pending)
            }
        },
        Standing::Completed { agent, at, finish: Finish::Done, .. } => Some(Status::Done {
            claim: Some(Claim { agent: agent.clone(), claimed_at: None }),
            completed_at: Some(*at),
        }),
        Standing::Completed { finish: Finish::Cancelled, result, .. } => {
            Some(Status::Cancelled { reason: result.clone().unwrap_or_default() })
        }
        Standing::Unreadable { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::model::{
        AgentId, BoardPoint, Imported, Priority, RecordKey, TaskId, Timestamp, WorkstreamName,
    };

    fn at() -> Timestamp {
        Timestamp::parse("2026-02-06T07:37:39.745Z").unwrap()
    }

    fn agent(id: &str) -> AgentId {
        AgentId::parse(id).unwrap()
    }

    fn claim(id: &str) -> Claim {
        Claim { agent: agent(id), claimed_at: Some(at()) }
    }

    fn file(status: Status, epoch: u64) -> Task {
        Task {
            id: TaskId::parse("299833bc").unwrap(),
            workstream: WorkstreamName::parse("revenue").unwrap(),
            title: "Pay".into(),
            status,
            epoch,
            priority: Priority::default(),
            estimate: None,
            depends_on: vec![],
            labels: vec![],
            created_at: at(),
            created_by: "system".into(),
            description: String::new(),
            result: None,
            imported: Imported::default(),
        }
    }

    fn record(standing: Standing, epoch: u64) -> Record {
        Record {
            key: RecordKey::Claim(TaskId::parse("299833bc").unwrap()),
            standing,
            epoch,
            nonce: None,
            reason: None,
            event: None,
            board: Some(BoardPoint { commit: "a".repeat(40), branch: Some("feat-a".into()) }),
            commit: Some("b".repeat(40)),
        }
    }

    fn held(id: &str) -> Standing {
        Standing::Held { agent: agent(id), since: at(), ttl: None }
    }

    fn done() -> Standing {
        Standing::Completed { agent: agent("a"), at: at(), finish: Finish::Done, result: Some("r".into()) }
    }

    fn judged(file: Task, record: Record, found: Found) -> SeenTask {
        judge(file, Some(record), |_| Ok::<_, Infallible>(found)).unwrap()
    }

    #[test]
    fn nobody_looks_further_where_both_agree() {
        for (status, standing) in [
            (Status::Pending, Standing::Free),
            (Status::InProgress(claim("a")), held("a")),
            (Status::Blocked { reason: "x".into(), claim: Some(claim("a")) }, held("a")),
            (Status::Done { claim: Some(claim("a")), completed_at: Some(at()) }, done()),
        ] {
            let seen = judge(file(status.clone(), 1), Some(record(standing, 1)), |_| Err("asked"));
            let seen = seen.unwrap();
            assert_eq!((seen.task.status, seen.landing), (status, Landing::Here));
        }
    }

    #[test]
    fn the_file_wins_once_the_record_s_change_is_in_it() {
        let reverted = judged(file(Status::InProgress(claim("a")), 1), record(done(), 1), Found::Here);
        assert_eq!(reverted.task.status, Status::InProgress(claim("a")));
        let edited = judged(file(Status::Pending, 1), record(held("a"), 1), Found::Here);
        assert_eq!((edited.task.status, edited.landing), (Status::Pending, Landing::Here));
    }

    #[test]
    fn the_record_wins_while_its_change_is_on_another_branch() {
        let claimed = judged(file(Status::Pending, 0), record(held("b"), 4), Found::Elsewhere);
        assert_eq!(claimed.task.status.holder(), Some(&agent("b")));
        assert_eq!((claimed.task.epoch, claimed.next_epoch()), (4, 5));
        assert!(matches!(claimed.landing, Landing::Elsewhere { .. }));

        let finished = judged(file(Status::Pending, 0), record(done(), 1), Found::Elsewhere);
        assert_eq!(finished.task.result.as_deref(), Some("r"));
        assert!(!finished.is_landed_done());

        let released =
            judged(file(Status::InProgress(claim("a")), 1), record(Standing::Free, 1), Found::Elsewhere);
        assert_eq!(released.task.status, Status::Pending);
    }

    #[test]
    fn a_finish_that_no_branch_has_any_more_frees_the_task() {
        let lost = judged(file(Status::Pending, 0), record(done(), 1), Found::Nowhere);
        assert_eq!((lost.task.status.clone(), lost.task.result.clone()), (Status::Pending, None));
        assert_eq!(lost.next_epoch(), 2);
    }

    #[test]
    fn a_taken_over_claim_shows_its_new_holder() {
        let seen = judged(file(Status::InProgress(claim("a")), 1), record(held("b"), 2), Found::Elsewhere);
        assert_eq!(seen.task.status.holder(), Some(&agent("b")));
        let again = judged(file(Status::InProgress(claim("a")), 1), record(held("a"), 3), Found::Elsewhere);
        assert_eq!(again.task.epoch, 3);
    }
}
