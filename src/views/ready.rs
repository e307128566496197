//! Which tasks can be taken now.

use std::collections::HashMap;

use crate::model::{SeenTask, Standing, Status, TaskId};

/// Where each task stands in a list.
pub(crate) fn index(tasks: &[SeenTask]) -> HashMap<TaskId, usize> {
    tasks.iter().enumerate().map(|(at, seen)| (seen.task.id, at)).collect()
}

/// Whether this board shows `id` as done. A task that is not there, or can't be read, is not done.
pub(crate) fn is_landed(tasks: &[SeenTask], index: &HashMap<TaskId, usize>, id: TaskId) -> bool {
    index.get(&id).is_some_and(|at| tasks[*at].is_landed_done())
}

/// Pending, in nobody's hands, and all it depends on has landed.
pub(crate) fn is_ready(tasks: &[SeenTask], index: &HashMap<TaskId, usize>, seen: &SeenTask) -> bool {
    let unknown_holder =
        seen.record.as_ref().is_some_and(|record| matches!(record.standing, Standing::Unreadable { .. }));
    matches!(seen.task.status, Status::Pending)
        && !unknown_holder
        && seen.task.depends_on.iter().all(|id| is_landed(tasks, index, *id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Record, RecordKey};
    use crate::views::fake::{at, elsewhere, id, task};

    #[test]
    fn a_task_waits_for_what_has_not_landed_here() {
        let done = || task("00000001", "revenue", "a").done("agent-1", at(1), at(2), "r");
        let waiting = || task("00000002", "revenue", "b").depends_on(&["00000001"]).seen();
        let ready = |first| {
            let tasks = [first, waiting()];
            is_ready(&tasks, &index(&tasks), &tasks[1])
        };
        assert!(ready(done()));
        assert!(!ready(elsewhere(done(), "feat-a", "abc")));
        assert!(!ready(task("00000001", "revenue", "a").cancelled("no")));
        assert!(!ready(task("00000009", "revenue", "another").seen()));
    }

    #[test]
    fn a_claim_that_can_not_be_read_is_somebody_s() {
        let mut seen = task("00000001", "revenue", "a").seen();
        assert!(is_ready(std::slice::from_ref(&seen), &HashMap::new(), &seen));
        seen.record = Some(Record {
            key: RecordKey::Claim(id("00000001")),
            standing: Standing::Unreadable { why: "?".to_owned() },
            epoch: 1,
            nonce: None,
            reason: None,
            event: None,
            board: None,
            commit: None,
        });
        assert!(!is_ready(std::slice::from_ref(&seen), &HashMap::new(), &seen));
    }
}
