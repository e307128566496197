//! `task update`

use crate::model::{
    Action, Change, Code, Context, Edit, Imported, Landing, Operation, Priority, Refusal, SeenTask, Task,
    TaskId, TaskRef, View, WorkstreamName,
};
use crate::ops::{Already, claims, resolve, text};

use super::{Told, dependencies};

/// New values for some fields of a task; its state is changed by other verbs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Which.
    pub task: TaskRef,
    /// One printable line.
    pub title: Option<String>,
    /// Any text.
    pub description: Option<String>,
    /// How urgent.
    pub priority: Option<Priority>,
    /// Free text; empty text takes it away.
    pub estimate: Option<String>,
    /// Where it moves to.
    pub workstream: Option<WorkstreamName>,
    /// Words to add.
    pub add_labels: Vec<String>,
    /// Words to take away.
    pub remove_labels: Vec<String>,
    /// Tasks it shall wait for.
    pub add_dependencies: Vec<TaskRef>,
    /// Tasks it shall wait for no longer; they need not exist any more.
    pub remove_dependencies: Vec<TaskRef>,
}

impl Update {
    /// Nothing of this task.
    pub fn of(task: TaskRef) -> Self {
        Self {
            task,
            title: None,
            description: None,
            priority: None,
            estimate: None,
            workstream: None,
            add_labels: Vec::new(),
            remove_labels: Vec::new(),
            add_dependencies: Vec::new(),
            remove_dependencies: Vec::new(),
        }
    }

    fn apply(&self, view: &dyn View, before: &Task) -> Result<Task, Refusal> {
        let mut task = before.clone();
        if let Some(title) = &self.title {
            text::check_line("title", title)?;
            task.title.clone_from(title);
        }
        if let Some(description) = &self.description {
            text::check_text("description", description)?;
            task.description.clone_from(description);
        }
        if let Some(estimate) = &self.estimate {
            if !estimate.is_empty() {
                text::check_line("estimate", estimate)?;
            }
            task.estimate = Some(estimate.clone()).filter(|text| !text.is_empty());
        }
        task.priority = self.priority.unwrap_or(task.priority);
        if let Some(name) = self.workstream.as_ref().filter(|name| **name != task.workstream) {
            resolve::open_workstream(view, name)?;
            task.workstream = name.clone();
        }
        task.labels.retain(|label| !self.remove_labels.contains(label));
        let added = text::check_words("label", &self.add_labels)?;
        let added: Vec<String> = added.into_iter().filter(|label| !task.labels.contains(label)).collect();
        task.labels.extend(added);
        for gone in &self.remove_dependencies {
            let id = removed(gone, before)?;
            task.depends_on.retain(|known| *known != id);
        }
        let added = dependencies::resolve_all(view, &self.add_dependencies)?;
        dependencies::check_no_cycle(view, task.id, &added)?;
        let added: Vec<TaskId> = added.into_iter().filter(|id| !task.depends_on.contains(id)).collect();
        task.depends_on.extend(added);
        Ok(task)
    }
}

/// Which dependency is meant: one that the task has, whether or not it is still on the board.
fn removed(reference: &TaskRef, task: &Task) -> Result<TaskId, Refusal> {
    let mut meant = task.depends_on.iter().filter(|id| id.as_str().starts_with(reference.prefix()));
    let refuse = |code, what: String| {
        Err(Refusal::new(code, what).hint(format!("orchestrator task show {}", task.id)))
    };
    match (meant.next(), meant.next()) {
        (Some(id), None) => Ok(*id),
        (None, _) => refuse(Code::NotFound, format!("task `{}` does not depend on `{reference}`", task.id)),
        (Some(one), Some(two)) => refuse(
            Code::Ambiguous,
            format!("`{reference}` begins several dependencies of task `{}`: `{one}`, `{two}`", task.id),
        ),
    }
}

/// The task as this board's own file says: where a record of another branch has the last word on its state,
/// writing that state here would land it without the work.
fn own_file(view: &dyn View, seen: &SeenTask) -> Result<Task, Refusal> {
    let branch = match &seen.landing {
        Landing::Here => return Ok(seen.task.clone()),
        Landing::Elsewhere { branch, .. } => branch,
    };
    let id = seen.task.id;
    view.task_file(id)?.ok_or_else(|| {
        let place =
            branch.as_ref().map_or_else(|| "elsewhere".to_owned(), |name| format!("on branch `{name}`"));
        Refusal::new(
            Code::Transition,
            format!(
                "the state of task `{id}` is {place}; it can be changed there, or here once that has landed"
            ),
        )
        .hint(format!("orchestrator task show {id}"))
    })
}

impl Operation for Update {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        let seen = resolve::task(view, &self.task)?;
        let before = &own_file(view, &seen)?;
        let task = self.apply(view, before)?;
        if task == *before {
            return Ok(Change::nothing(Told::was_so(seen)));
        }
        let task = Task { imported: Imported::default(), ..task };
        let changed: Vec<&str> = [
            ("title", before.title != task.title),
            ("description", before.description != task.description),
            ("priority", before.priority != task.priority),
            ("estimate", before.estimate != task.estimate),
            ("workstream", before.workstream != task.workstream),
            ("labels", before.labels != task.labels),
            ("depends_on", before.depends_on != task.depends_on),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect();
        let agent = context.actor.id();
        let mut event =
            claims::event(context, &agent, Action::TaskUpdated, &task).with("changed", changed.clone());
        if before.title != task.title {
            event = event.with("title", task.title.as_str());
        }
        let is_moved = before.workstream != task.workstream;
        if is_moved {
            event = event.with("from_workstream", before.workstream.as_str());
        }
        let subject = if is_moved {
            format!("move {} to {}: {}", task.id, task.workstream, task.title)
        } else {
            format!("update {} {}", task.id, task.title)
        };
        let SeenTask { task: Task { status, epoch, result, .. }, landing, record } = seen;
        let told = SeenTask { task: Task { status, epoch, result, ..task.clone() }, landing, record };
        Ok(Change::new(subject, Told { task: told, already: Already::Changed })
            .body(format!("{agent} changed {} of task {}.", changed.join(", "), task.id))
            .edit(Edit::Task(Box::new(task)))
            .event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;
    use crate::ops::fake::{Board, plan};

    fn typed(text: &str) -> TaskRef {
        TaskRef::parse(text).unwrap()
    }

    fn board() -> Board {
        Board::with(|board| {
            board.workstream("w").workstream("v").task("00000001", "w").depending("00000002", "w", "00000001")
        })
    }

    #[test]
    fn a_dependency_that_leads_back_is_refused() {
        let circle = Update { add_dependencies: vec![typed("00000002")], ..Update::of(typed("00000001")) };
        assert_eq!(plan(&board(), &circle).unwrap_err().code, Code::Cycle);
        let itself = Update { add_dependencies: vec![typed("00000001")], ..Update::of(typed("00000001")) };
        assert_eq!(plan(&board(), &itself).unwrap_err().code, Code::Cycle);
    }

    #[test]
    fn what_changed_is_named_and_nothing_is_a_no_op() {
        let update = Update {
            workstream: WorkstreamName::parse("v").ok(),
            remove_dependencies: vec![typed("000")],
            add_labels: vec!["api".into()],
            ..Update::of(typed("00000002"))
        };
        let change = plan(&board(), &update).unwrap();
        assert_eq!(change.subject, "move 00000002 to v: Task 00000002");
        assert_eq!(
            change.events[0].fields["changed"],
            serde_json::json!(["workstream", "labels", "depends_on"])
        );
        assert_eq!(change.events[0].text("from_workstream"), Some("w"));
        assert!(plan(&board(), &Update::of(typed("00000002"))).unwrap().is_nothing());
    }

    /// On this branch the task is pending; on another it was claimed, or finished.
    fn elsewhere(status: crate::model::Status) -> Board {
        let mut board = board();
        board.edit(TaskId::parse("00000001").unwrap(), |seen| {
            seen.task.status = status;
            seen.task.epoch = 3;
            seen.task.result = Some("only there".into());
            seen.landing = Landing::Elsewhere { branch: Some("feat-a".into()), commit: None };
        });
        board
    }

    #[test]
    fn the_state_of_another_branch_does_not_land_with_a_new_title() {
        let agent = crate::model::AgentId::parse("a").unwrap();
        let claim = crate::model::Claim { agent, claimed_at: None };
        let states = [
            Status::InProgress(claim.clone()),
            Status::Done { claim: Some(claim), completed_at: None },
            Status::Pending,
        ];
        for status in states {
            let mut board = elsewhere(status.clone());
            let update = Update { title: Some("New".into()), ..Update::of(typed("00000001")) };
            // A view that can't tell what this branch's own file says: nothing is guessed.
            let refusal = plan(&board, &update).unwrap_err();
            assert_eq!(refusal.code, Code::Transition);
            assert!(refusal.message.contains("is on branch `feat-a`"), "{refusal}");
            crate::ops::fake::assert_well_told(&refusal);

            let fresh = self::board();
            let file = View::task_file(&fresh, TaskId::parse("00000001").unwrap()).unwrap().unwrap();
            board.file(file.clone());
            let change = plan(&board, &update).unwrap();
            let Edit::Task(written) = &change.edits[0] else { panic!() };
            assert_eq!(**written, Task { title: "New".into(), ..file });
            assert!(change.records.is_empty());
            // What is told is the task as it counts.
            let told = &change.outcome.task;
            assert_eq!((&told.task.status, told.task.epoch), (&status, 3));
            assert_eq!((told.task.title.as_str(), told.task.result.as_deref()), ("New", Some("only there")));
            assert!(matches!(told.landing, Landing::Elsewhere { .. }));
        }
    }

    #[test]
    fn what_is_taken_away_and_added_at_once_is_there() {
        let mut board = board();
        board.edit(TaskId::parse("00000002").unwrap(), |seen| {
            seen.task.labels = vec!["api".into(), "ui".into()]
        });
        let update = Update {
            remove_labels: vec!["api".into(), "none".into()],
            add_labels: vec!["api".into(), "ui".into()],
            remove_dependencies: vec![typed("00000001")],
            add_dependencies: vec![typed("00000001"), typed("00000001")],
            ..Update::of(typed("00000002"))
        };
        let task = plan(&board, &update).unwrap().outcome.task.task;
        assert_eq!(task.labels, ["ui", "api"]);
        assert_eq!(task.depends_on, [TaskId::parse("00000001").unwrap()]);
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let of = || Update::of(typed("00000002"));
        let mut board = board().closed("old");
        board.tear("tasks/00/00000003.yaml");
        for (update, code) in [
            (Update { title: Some("a\nOrchestrator-Event: {}".into()), ..of() }, Code::Invalid),
            (Update { description: Some("a\0".into()), ..of() }, Code::Invalid),
            (Update { estimate: Some("\u{1b}".into()), ..of() }, Code::Invalid),
            (Update { workstream: WorkstreamName::parse("old").ok(), ..of() }, Code::Transition),
            (Update { workstream: WorkstreamName::parse("none").ok(), ..of() }, Code::NotFound),
            (Update { add_dependencies: vec![typed("abc")], ..of() }, Code::NotFound),
            (Update { remove_dependencies: vec![typed("abc")], ..of() }, Code::NotFound),
            (Update { add_labels: vec!["x".repeat(101)], ..of() }, Code::Invalid),
        ] {
            assert_eq!(plan(&board, &update).unwrap_err().code, code, "{update:?}");
        }
        board.edit(TaskId::parse("00000002").unwrap(), |seen| {
            seen.task.depends_on = ["00000001", "00000009"].map(|id| TaskId::parse(id).unwrap()).to_vec();
        });
        let which = Update { remove_dependencies: vec![typed("000")], ..of() };
        assert_eq!(plan(&board, &which).unwrap_err().code, Code::Ambiguous);
        let gone = Update { remove_dependencies: vec![typed("00000009")], ..of() };
        assert_eq!(plan(&board, &gone).unwrap().outcome.task.task.depends_on.len(), 1);
    }

    #[test]
    fn an_empty_estimate_takes_it_away() {
        let mut board = board();
        board.edit(TaskId::parse("00000002").unwrap(), |seen| seen.task.estimate = Some("2h".into()));
        let none = Update { estimate: Some(String::new()), ..Update::of(typed("00000002")) };
        assert_eq!(plan(&board, &none).unwrap().outcome.task.task.estimate, None);
    }
}
