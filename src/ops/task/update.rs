//! `task update`

use crate::model::{
    Action, Change, Code, Context, Edit, Imported, Operation, Priority, Refusal, Task, TaskId, TaskRef, View,
    WorkstreamName,
};
use crate::ops::{claims, resolve, text};

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
        task.labels.extend(added.into_iter().filter(|label| !before.labels.contains(label)));
        for gone in &self.remove_dependencies {
            let id = removed(gone, &task.depends_on)?;
            task.depends_on.retain(|known| *known != id);
        }
        let added = dependencies::resolve_all(view, &self.add_dependencies)?;
        dependencies::check_no_cycle(view, task.id, &added)?;
        task.depends_on.extend(added.into_iter().filter(|id| !before.depends_on.contains(id)));
        Ok(task)
    }
}

/// Which dependency is meant: one that the task has, whether or not it is still on the board.
fn removed(reference: &TaskRef, depends_on: &[TaskId]) -> Result<TaskId, Refusal> {
    let mut meant = depends_on.iter().filter(|id| id.as_str().starts_with(reference.prefix()));
    match (meant.next(), meant.next()) {
        (Some(id), None) => Ok(*id),
        (None, _) => Err(Refusal::new(Code::NotFound, format!("the task does not depend on `{reference}`"))),
        (Some(_), Some(_)) => {
            Err(Refusal::new(Code::Ambiguous, format!("`{reference}` begins several of its dependencies"))
                .hint("type more of the id"))
        }
    }
}

impl Operation for Update {
    type Outcome = Told;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Told>, Refusal> {
        let seen = resolve::task(view, &self.task)?;
        let before = &seen.task;
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
        Ok(Change::new(subject, Told::changed(task.clone(), seen.record.clone()))
            .body(format!("{agent} changed {} of task {}.", changed.join(", "), task.id))
            .edit(Edit::Task(Box::new(task)))
            .event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
