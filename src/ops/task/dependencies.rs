//! Dependencies between tasks: which ones are missing, and whether a new one would lead in a circle.

use std::collections::HashSet;

use crate::model::{Code, Fault, Refusal, SeenTask, TaskId, TaskRef, View};
use crate::ops::resolve;

/// The dependencies of a task that this board does not show as done.
pub(super) fn missing(view: &dyn View, seen: &SeenTask) -> Result<Vec<TaskId>, Fault> {
    let mut missing = Vec::new();
    for id in &seen.task.depends_on {
        // One that was deleted holds up for ever; `task update --remove-dependency` lets it go.
        let is_done = match view.task(*id) {
            Ok(found) => found.is_some_and(|dependency| dependency.is_landed_done()),
            Err(Fault::Damaged(_)) => false,
            Err(other) => return Err(other),
        };
        if !is_done {
            missing.push(*id);
        }
    }
    Ok(missing)
}

/// Refuses to start a task whose dependencies are not done.
pub(super) fn check_done(view: &dyn View, seen: &SeenTask) -> Result<(), Refusal> {
    let missing = missing(view, seen)?;
    let Some(first) = missing.first() else { return Ok(()) };
    let ids: Vec<String> = missing.iter().map(|id| format!("`{id}`")).collect();
    Err(Refusal::new(
        Code::Transition,
        format!("task `{}` waits for {}, not done on this board", seen.task.id, ids.join(", ")),
    )
    .hint(format!("orchestrator task show {first}")))
}

/// The ids of the dependencies, each of them a task of the board.
pub(super) fn resolve_all(view: &dyn View, references: &[TaskRef]) -> Result<Vec<TaskId>, Refusal> {
    let mut ids = Vec::new();
    for reference in references {
        let id = resolve::task(view, reference)?.task.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Refuses dependencies of `task` from which it could be reached again. Only the tasks that they lead to are
/// looked at.
pub(super) fn check_no_cycle(view: &dyn View, task: TaskId, depends_on: &[TaskId]) -> Result<(), Refusal> {
    let mut visited: HashSet<TaskId> = HashSet::new();
    let mut open: Vec<(TaskId, TaskId)> = depends_on.iter().map(|id| (*id, *id)).collect();
    while let Some((id, first)) = open.pop() {
        if id == task {
            let message = if first == task {
                format!("task `{task}` can't depend on itself")
            } else {
                format!("task `{task}` can't depend on `{first}`, which waits for `{task}` already")
            };
            return Err(Refusal::new(Code::Cycle, message).hint(format!("orchestrator task show {first}")));
        }
        if visited.insert(id)
            && let Some(seen) = view.task(id)?
        {
            open.extend(seen.task.depends_on.iter().map(|next| (*next, first)));
        }
    }
    Ok(())
}
