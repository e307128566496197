//! From what was typed to what is on the board.
//!
//! What is not there is refused with what is near it. Only what a request needs is read: a damaged
//! workstream stops none of its tasks.

use crate::model::{
    Code, Fault, Refusal, SeenTask, TaskId, TaskRef, View, Workstream, WorkstreamName, WorkstreamStatus,
    listed, typos,
};

/// The workstream of this name.
pub(super) fn workstream(view: &dyn View, name: &WorkstreamName) -> Result<Workstream, Refusal> {
    match view.workstream(name)? {
        Some(found) => Ok(found),
        // That it is not there is certain; the names only help to find what was meant.
        None => Err(no_workstream(&view.workstream_names()?.despite(), name)),
    }
}

fn no_workstream(names: &[String], name: &WorkstreamName) -> Refusal {
    let refusal = Refusal::new(Code::NotFound, format!("there is no workstream `{name}`"));
    let mut near: Vec<(usize, &String)> = names
        .iter()
        .map(|known| (typos(known, name.as_str()), known))
        .filter(|(typos, _)| *typos <= 2 && *typos < name.as_str().len())
        .collect();
    near.sort();
    match near.first() {
        Some((_, nearest)) => {
            let meant: Vec<String> = near.iter().take(3).map(|(_, known)| format!("`{known}`")).collect();
            refusal.hint(format!("did you mean {}? orchestrator ws show {nearest}", meant.join(" or ")))
        }
        None if names.is_empty() => refusal.hint(format!("orchestrator ws create {name}")),
        None => refusal.hint("orchestrator ws list"),
    }
}

/// The same, if it is open for work.
pub(super) fn open_workstream(view: &dyn View, name: &WorkstreamName) -> Result<Workstream, Refusal> {
    let found = workstream(view, name)?;
    match found.status {
        WorkstreamStatus::Active => Ok(found),
        WorkstreamStatus::Closed => Err(closed(name)),
    }
}

/// Refuses a task whose workstream is closed. A workstream that can't be read, or is gone, closes nothing.
pub(super) fn check_not_closed(view: &dyn View, name: &WorkstreamName) -> Result<(), Refusal> {
    match view.workstream(name) {
        Ok(Some(Workstream { status: WorkstreamStatus::Closed, .. })) => Err(closed(name)),
        Ok(Some(Workstream { status: WorkstreamStatus::Active, .. }) | None) | Err(Fault::Damaged(_)) => {
            Ok(())
        }
        Err(other) => Err(other.into()),
    }
}

fn closed(name: &WorkstreamName) -> Refusal {
    Refusal::new(Code::Transition, format!("the workstream `{name}` is closed"))
        .hint(format!("orchestrator ws update {name} --status active"))
}

/// The id that a reference means: of a task that is there, readable or not.
pub(super) fn task_id(view: &dyn View, reference: &TaskRef) -> Result<TaskId, Refusal> {
    let found = view.find_tasks(reference)?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => not_found(view, reference),
        [first, ..] => {
            let shown = listed(found.iter().map(|id| format!("`{id}`")));
            Err(Refusal::new(
                Code::Ambiguous,
                format!("`{reference}` begins {} task ids: {shown}", found.len()),
            )
            .hint(format!("type more digits, such as: orchestrator task show {first}")))
        }
    }
}

/// Refuses with the ids that begin alike. They stand in one shard, so looking costs one directory.
fn not_found<T>(view: &dyn View, reference: &TaskRef) -> Result<T, Refusal> {
    let typed = reference.prefix();
    let refusal = Refusal::new(Code::NotFound, format!("there is no task `{reference}` on this board"));
    let alike = match typed.get(..TaskRef::SHORTEST).map(TaskRef::parse) {
        Some(Ok(start)) => view.find_tasks(&start)?,
        Some(Err(_)) | None => Vec::new(),
    };
    let common = |id: &TaskId| id.as_str().bytes().zip(typed.bytes()).take_while(|(a, b)| a == b).count();
    // The first of those that share most digits.
    let nearest = alike.into_iter().rev().max_by_key(common);
    Err(match nearest {
        Some(id) => refusal.hint(format!("did you mean `{id}`? orchestrator task show {id}")),
        None => refusal.hint("orchestrator status"),
    })
}

/// The task that a reference means.
pub(super) fn task(view: &dyn View, reference: &TaskRef) -> Result<SeenTask, Refusal> {
    // A whole id needs no search.
    let id = match reference.whole() {
        Some(id) => id,
        None => task_id(view, reference)?,
    };
    match view.task(id)? {
        Some(seen) => Ok(seen),
        None => not_found(view, reference),
    }
}

/// The same; where a workstream was named too, the task must be in it.
pub(super) fn task_in(
    view: &dyn View,
    workstream: Option<&WorkstreamName>,
    reference: &TaskRef,
) -> Result<SeenTask, Refusal> {
    let seen = task(view, reference)?;
    let Some(name) = workstream.filter(|name| **name != seen.task.workstream) else { return Ok(seen) };
    // One that is there is among the names, readable or not; if the directory is hidden, asking for it says so.
    let names = view.workstream_names()?.despite();
    if !names.iter().any(|known| known == name.as_str()) {
        view.workstream(name)?;
        return Err(no_workstream(&names, name));
    }
    let id = seen.task.id;
    Err(Refusal::new(
        Code::NotFound,
        format!("task `{id}` is in workstream `{}`, not in `{name}`", seen.task.workstream),
    )
    .hint(format!("orchestrator task show {id}")))
}

/// Refuses a name of which a part differs from an existing one only by case: on some systems they would be
/// one file, or one directory.
pub(super) fn check_case_twin(what: &str, name: &str, names: &[String]) -> Result<(), Refusal> {
    let is_twin = |known: &String| {
        let (old, new): (Vec<&str>, Vec<&str>) = (known.split('/').collect(), name.split('/').collect());
        let differs = old.iter().zip(&new).position(|(old, new)| old != new);
        // A last part is a file with an ending, any other a directory: those two don't meet.
        differs.is_some_and(|at| {
            (at + 1 == old.len()) == (at + 1 == new.len()) && old[at].eq_ignore_ascii_case(new[at])
        })
    };
    match names.iter().find(|known| is_twin(known)) {
        Some(twin) => {
            Err(Refusal::new(Code::Exists, format!("{what} `{name}` differs only by case from `{twin}`"))
                .hint(format!("use the spelling of `{twin}`, or another name")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Board;
    use super::*;

    fn name(text: &str) -> WorkstreamName {
        WorkstreamName::parse(text).unwrap()
    }

    fn typed(text: &str) -> TaskRef {
        TaskRef::parse(text).unwrap()
    }

    #[test]
    fn a_name_that_is_nearly_right_is_proposed() {
        let board =
            Board::with(|board| board.workstream("product").workstream("revenu1").workstream("revenue"));
        for (given, hint) in [
            ("Revenue", "did you mean `revenue` or `revenu1`? orchestrator ws show revenue"),
            ("prodcut", "did you mean `product`? orchestrator ws show product"),
            ("infra", "orchestrator ws list"),
            // As far from anything as it is long.
            ("ab", "orchestrator ws list"),
        ] {
            let refusal = workstream(&board, &name(given)).unwrap_err();
            assert_eq!((refusal.code, refusal.hint.as_deref()), (Code::NotFound, Some(hint)), "{given}");
        }
        let refusal = workstream(&Board::default(), &name("infra")).unwrap_err();
        assert_eq!(refusal.hint.as_deref(), Some("orchestrator ws create infra"));
    }

    #[test]
    fn prefixes_are_resolved_or_refused_with_their_candidates() {
        let board = Board::with(|board| {
            board.workstream("w").task("29983300", "w").task("29983311", "w").task("30000000", "w")
        });
        assert_eq!(task(&board, &typed("300")).unwrap().task.id.as_str(), "30000000");
        let refusal = task(&board, &typed("2998")).unwrap_err();
        assert_eq!(refusal.code, Code::Ambiguous);
        assert_eq!(refusal.message, "`2998` begins 2 task ids: `29983300`, `29983311`");
    }

    #[test]
    fn a_task_that_is_not_there_is_refused_with_the_nearest_id() {
        let board = Board::with(|board| board.workstream("w").task("29900000", "w").task("29983311", "w"));
        for (given, hint) in [
            ("29983312", "did you mean `29983311`? orchestrator task show 29983311"),
            ("299fffff", "did you mean `29900000`? orchestrator task show 29900000"),
            ("fff", "orchestrator status"),
            ("ffffffff", "orchestrator status"),
        ] {
            for refused in
                [task(&board, &typed(given)).map(|_| ()), task_id(&board, &typed(given)).map(|_| ())]
            {
                let refusal = refused.unwrap_err();
                assert_eq!((refusal.code, refusal.hint.as_deref()), (Code::NotFound, Some(hint)), "{given}");
            }
        }
    }

    #[test]
    fn a_task_of_another_workstream_is_refused_by_name() {
        let board = Board::with(|board| board.workstream("w").workstream("v").task("30000000", "w"));
        let refusal = task_in(&board, Some(&name("v")), &typed("300")).unwrap_err();
        assert_eq!(refusal.message, "task `30000000` is in workstream `w`, not in `v`");
        let refusal = task_in(&board, Some(&name("other")), &typed("300")).unwrap_err();
        assert_eq!(refusal.message, "there is no workstream `other`");
    }

    #[test]
    fn a_damaged_workstream_stops_none_of_its_tasks() {
        let mut board = Board::with(|board| board.workstream("w").task("30000000", "w"));
        board.tear("workstreams/w.yaml");
        assert!(task_in(&board, Some(&name("w")), &typed("300")).is_ok());
        assert!(check_not_closed(&board, &name("w")).is_ok());
        assert_eq!(open_workstream(&board, &name("w")).unwrap_err().code, Code::Damaged);
    }

    #[test]
    fn names_that_are_one_file_somewhere_are_refused() {
        let known = ["api/errors".to_owned(), "notes".to_owned()];
        for twin in ["API/errors", "API/other", "api/Errors", "Notes"] {
            let refusal = check_case_twin("topic", twin, &known).unwrap_err();
            assert_eq!(refusal.code, Code::Exists, "{twin}");
        }
        for fine in ["api/errors", "api/other", "notes", "notes/API", "Notes/x", "API", "other"] {
            assert!(check_case_twin("topic", fine, &known).is_ok(), "{fine}");
        }
    }
}
