//! From what was typed to what is on the board.

use crate::model::{
    Code, Refusal, SeenTask, TaskId, TaskRef, View, Workstream, WorkstreamName, WorkstreamStatus,
};

/// The workstream of this name.
pub(super) fn workstream(view: &dyn View, name: &WorkstreamName) -> Result<Workstream, Refusal> {
    if let Some(found) = view.workstream(name)? {
        return Ok(found);
    }
    let refusal = Refusal::new(Code::NotFound, format!("there is no workstream `{name}`"));
    let names = view.workstream_names()?;
    let near = names.iter().filter(|known| is_near(known, name.as_str())).min();
    Err(match near {
        Some(near) => refusal.hint(format!("use `{near}`")),
        None if names.is_empty() => refusal.hint(format!("orchestrator ws create {name}")),
        None => refusal.hint("orchestrator ws list"),
    })
}

/// The same, if it is open for work.
pub(super) fn open_workstream(view: &dyn View, name: &WorkstreamName) -> Result<Workstream, Refusal> {
    let found = workstream(view, name)?;
    match found.status {
        WorkstreamStatus::Active => Ok(found),
        WorkstreamStatus::Closed => {
            Err(Refusal::new(Code::Transition, format!("the workstream `{name}` is closed"))
                .hint(format!("orchestrator ws update {name} --status active")))
        }
    }
}

/// The id that a reference means.
pub(super) fn task_id(view: &dyn View, reference: &TaskRef) -> Result<TaskId, Refusal> {
    let found = match reference.whole() {
        Some(id) => return Ok(id),
        None => view.find_tasks(reference)?,
    };
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(not_found(reference)),
        several => {
            let shown: Vec<String> = several.iter().take(10).map(|id| format!("`{id}`")).collect();
            let more = if several.len() > 10 { ", …" } else { "" };
            Err(Refusal::new(
                Code::Ambiguous,
                format!("`{reference}` begins {} task ids: {}{more}", several.len(), shown.join(", ")),
            )
            .hint("type more of the id"))
        }
    }
}

fn not_found(reference: &TaskRef) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is no task `{reference}` on this board"))
        .hint("orchestrator task list")
}

/// The task that a reference means.
pub(super) fn task(view: &dyn View, reference: &TaskRef) -> Result<SeenTask, Refusal> {
    let id = task_id(view, reference)?;
    view.task(id)?.ok_or_else(|| not_found(reference))
}

/// The same; where a workstream was named too, the task must be in it.
pub(super) fn task_in(
    view: &dyn View,
    workstream: Option<&WorkstreamName>,
    reference: &TaskRef,
) -> Result<SeenTask, Refusal> {
    if let Some(name) = workstream {
        self::workstream(view, name)?;
    }
    let seen = task(view, reference)?;
    match workstream {
        Some(name) if *name != seen.task.workstream => Err(Refusal::new(
            Code::NotFound,
            format!("task `{}` is in workstream `{}`, not in `{name}`", seen.task.id, seen.task.workstream),
        )
        .hint(format!("use `{}`", seen.task.workstream))),
        Some(_) | None => Ok(seen),
    }
}

/// Refuses a name that differs from an existing one only by case: on some systems they are one file.
pub(super) fn check_case_twin(what: &str, name: &str, names: &[String]) -> Result<(), Refusal> {
    match names.iter().find(|known| known.as_str() != name && known.eq_ignore_ascii_case(name)) {
        Some(twin) => {
            Err(Refusal::new(Code::Exists, format!("{what} `{name}` differs only by case from `{twin}`"))
                .hint(format!("use `{twin}`, or another name")))
        }
        None => Ok(()),
    }
}

/// At most two letters typed, left out or exchanged.
fn is_near(one: &str, two: &str) -> bool {
    let (one, two): (Vec<char>, Vec<char>) =
        (one.to_lowercase().chars().collect(), two.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in two.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (corner + usize::from(a != b)).min(above + 1).min(row[j] + 1);
            corner = above;
        }
    }
    row[two.len()] <= 2 && row[two.len()] < two.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::super::fake::Board;
    use super::*;

    #[test]
    fn a_name_that_is_nearly_right_is_proposed() {
        let board = Board::with(|board| board.workstream("revenue").workstream("product"));
        let refusal = workstream(&board, &WorkstreamName::parse("revenu").unwrap()).unwrap_err();
        assert_eq!((refusal.code, refusal.hint.as_deref()), (Code::NotFound, Some("use `revenue`")));
        let refusal = workstream(&board, &WorkstreamName::parse("infra").unwrap()).unwrap_err();
        assert_eq!(refusal.hint.as_deref(), Some("orchestrator ws list"));
    }

    #[test]
    fn prefixes_are_resolved_or_refused_with_their_candidates() {
        let board = Board::with(|board| {
            board.workstream("w").task("29983300", "w").task("29983311", "w").task("30000000", "w")
        });
        let typed = |text| TaskRef::parse(text).unwrap();
        assert_eq!(task(&board, &typed("300")).unwrap().task.id.as_str(), "30000000");
        let refusal = task(&board, &typed("2998")).unwrap_err();
        assert_eq!(refusal.code, Code::Ambiguous);
        assert!(refusal.message.contains("`29983300`, `29983311`"), "{refusal}");
        assert_eq!(task(&board, &typed("fff")).unwrap_err().code, Code::NotFound);
        assert_eq!(task(&board, &typed("ffffffff")).unwrap_err().code, Code::NotFound);
    }

    #[test]
    fn a_task_of_another_workstream_is_refused_by_name() {
        let board = Board::with(|board| board.workstream("w").workstream("v").task("30000000", "w"));
        let named = WorkstreamName::parse("v").unwrap();
        let refusal = task_in(&board, Some(&named), &TaskRef::parse("300").unwrap()).unwrap_err();
        assert_eq!(refusal.hint.as_deref(), Some("use `w`"));
    }
}
