//! Dependencies between tasks: which ones are missing, and whether a new one would lead in a circle.

use std::collections::HashSet;

use crate::model::{Code, Fault, Landing, Refusal, SeenTask, Status, TaskId, TaskRef, View, listed};
use crate::ops::resolve;

/// A dependency that this board does not show as done.
struct Missing {
    id: TaskId,
    /// Where it stands, for people.
    state: String,
    /// It will not be done by itself: it is cancelled, or gone.
    is_hopeless: bool,
}

/// What `id` still lacks to count as done here; `None` if it does count.
fn missing(view: &dyn View, id: TaskId) -> Result<Option<Missing>, Fault> {
    let (state, is_hopeless) = match view.task(id) {
        Ok(Some(seen)) if seen.is_landed_done() => return Ok(None),
        Ok(Some(seen)) => (state(&seen), matches!(seen.task.status, Status::Cancelled { .. })),
        Ok(None) => ("not on this board".to_owned(), true),
        Err(Fault::Damaged(_)) => ("its file is damaged".to_owned(), false),
        Err(other) => return Err(other),
    };
    Ok(Some(Missing { id, state, is_hopeless }))
}

fn state(seen: &SeenTask) -> String {
    let word = seen.task.status.word().replace('_', " ");
    match &seen.landing {
        Landing::Here => word,
        Landing::Elsewhere { branch: Some(branch), .. } => format!("{word} on branch `{branch}`"),
        Landing::Elsewhere { branch: None, .. } => format!("{word}, but not on this board"),
    }
}

/// Refuses to start a task whose dependencies are not done on this board. Only they are looked at.
pub(super) fn check_done(view: &dyn View, seen: &SeenTask) -> Result<(), Refusal> {
    let mut waits = Vec::new();
    for dependency in &seen.task.depends_on {
        waits.extend(missing(view, *dependency)?);
    }
    let Some(first) = waits.first() else { return Ok(()) };
    let id = seen.task.id;
    let shown = listed(waits.iter().map(|wait| format!("`{}` ({})", wait.id, wait.state)));
    let refusal = Refusal::new(Code::Transition, format!("task `{id}` waits for {shown}"));
    Err(match waits.iter().find(|wait| wait.is_hopeless) {
        Some(wait) => refusal.hint(format!(
            "to go on without it: orchestrator task update {id} --remove-dependency {}",
            wait.id
        )),
        None => refusal.hint(format!("orchestrator task show {}", first.id)),
    })
}

/// The ids of the dependencies, each once and each of a task of the board, readable or not.
pub(super) fn resolve_all(view: &dyn View, references: &[TaskRef]) -> Result<Vec<TaskId>, Refusal> {
    let mut ids = Vec::new();
    for reference in references {
        let id = resolve::task_id(view, reference)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Refuses dependencies of `task` from which it could be reached again. Only the tasks that they lead to are
/// looked at.
pub(in crate::ops) fn check_no_cycle(
    view: &dyn View,
    task: TaskId,
    depends_on: &[TaskId],
) -> Result<(), Refusal> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fake::Board;

    fn id(text: &str) -> TaskId {
        TaskId::parse(text).unwrap()
    }

    /// 3 waits for 2, 2 for 1; 4 waits for nothing.
    fn chain() -> Board {
        Board::with(|board| {
            board
                .workstream("w")
                .task("00000001", "w")
                .depending("00000002", "w", "00000001")
                .depending("00000003", "w", "00000002")
                .task("00000004", "w")
        })
    }

    #[test]
    fn circles_of_any_length_are_refused_and_the_rest_is_not() {
        for (task, on) in [("00000001", "00000001"), ("00000001", "00000002"), ("00000001", "00000003")] {
            let refusal = check_no_cycle(&chain(), id(task), &[id(on)]).unwrap_err();
            assert_eq!(
                (refusal.code, refusal.hint),
                (Code::Cycle, Some(format!("orchestrator task show {on}")))
            );
        }
        for (task, on) in [("00000004", "00000003"), ("00000003", "00000001"), ("00000001", "00000004")] {
            assert!(check_no_cycle(&chain(), id(task), &[id(on)]).is_ok(), "{task} {on}");
        }
    }

    #[test]
    fn a_circle_that_came_in_by_a_merge_ends_the_search() {
        let mut board = chain();
        board.edit(id("00000001"), |seen| seen.task.depends_on = vec![id("00000003")]);
        assert!(check_no_cycle(&board, id("00000004"), &[id("00000002")]).is_ok());
    }

    #[test]
    fn each_dependency_is_named_with_where_it_stands() {
        let mut board = Board::with(|board| {
            board
                .workstream("w")
                .claimed("00000001", "w", "a")
                .done("00000002", "w")
                .done("00000003", "w")
                .task("00000005", "w")
                .task("00000009", "w")
        });
        board.edit(id("00000003"), |seen| {
            seen.landing = Landing::Elsewhere { branch: Some("feat-a".into()), commit: None };
        });
        board.tear("tasks/00/00000005.yaml");
        let mut all = vec!["00000001", "00000002", "00000003", "00000005"];
        let refuse = |board: &mut Board, on: &[&str]| {
            board.edit(id("00000009"), |seen| seen.task.depends_on = on.iter().map(|on| id(on)).collect());
            let seen = View::task(board, id("00000009")).unwrap().unwrap();
            check_done(board, &seen).unwrap_err()
        };
        let refusal = refuse(&mut board, &all);
        assert_eq!(
            refusal.message,
            "task `00000009` waits for `00000001` (in progress), `00000003` (done on branch `feat-a`), \
             `00000005` (its file is damaged)"
        );
        assert_eq!(refusal.hint.as_deref(), Some("orchestrator task show 00000001"));
        // One that never will be done has another way out.
        all.push("00000007");
        let refusal = refuse(&mut board, &all);
        assert!(refusal.message.ends_with("`00000007` (not on this board)"), "{refusal}");
        assert_eq!(
            refusal.hint.as_deref(),
            Some("to go on without it: orchestrator task update 00000009 --remove-dependency 00000007")
        );
        board.edit(id("00000001"), |seen| seen.task.status = Status::Cancelled { reason: "no".into() });
        let refusal = refuse(&mut board, &["00000001"]);
        assert!(refusal.hint.unwrap().ends_with("--remove-dependency 00000001"));
    }
}
