//! A task.

use crate::model::Task;

use super::fields::{Fields, set};
use super::{Merged, status};

/// Merges two versions of a task. `base` is none where both sides have made it: by the same import, say, or a
/// cherry-pick.
pub fn task(base: Option<&Task>, ours: &Task, theirs: &Task) -> Merged<Task> {
    let mut fields = Fields::default();
    macro_rules! value {
        ($field:ident) => {
            fields.value(stringify!($field), base.map(|task| &task.$field), &ours.$field, &theirs.$field)
        };
    }
    let items = |task: Option<&Task>| task.map(|task| task.depends_on.clone()).unwrap_or_default();
    let labels = |task: Option<&Task>| task.map(|task| task.labels.clone()).unwrap_or_default();
    let (workstream, title) = (value!(workstream), value!(title));
    let (status, epoch, result) = status::merge(&mut fields, base, ours, theirs);
    let (priority, estimate) = (value!(priority), value!(estimate));
    let (created_at, created_by) = fields.birth(
        ["created_at", "created_by"],
        base.map(|task| (task.created_at, &task.created_by)),
        (ours.created_at, &ours.created_by),
        (theirs.created_at, &theirs.created_by),
    );
    let described = base.map_or("", |task| task.description.as_str());
    let description = fields.text("description", described, &ours.description, &theirs.description);
    let value = Task {
        id: ours.id,
        workstream,
        title,
        status,
        epoch,
        priority,
        estimate,
        depends_on: set(&items(base), &ours.depends_on, &theirs.depends_on),
        labels: set(&labels(base), &ours.labels, &theirs.labels),
        created_at,
        created_by,
        description,
        result,
        imported: value!(imported),
    };
    Merged { value, conflicts: fields.conflicts }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{claim, done, task as some_task};
    use super::*;
    use crate::model::{Priority, Status};

    #[test]
    fn changes_of_different_fields_go_together() {
        let base = some_task();
        let ours = Task {
            status: Status::InProgress(claim("a")),
            epoch: 1,
            labels: vec!["api".into(), "x".into()],
            description: "One\nzwei\nthree\nfour\n".into(),
            ..base.clone()
        };
        let theirs = Task {
            priority: Priority(1),
            labels: vec!["y".into()],
            description: "One\ntwo\nthree\nvier\n".into(),
            ..base.clone()
        };
        let merged = task(Some(&base), &ours, &theirs);
        assert_eq!(merged.conflicts, [""; 0]);
        assert_eq!(merged.value.status, Status::InProgress(claim("a")));
        assert_eq!((merged.value.epoch, merged.value.priority), (1, Priority(1)));
        assert_eq!(merged.value.labels, ["x", "y"], "`api` was taken away");
        assert_eq!(merged.value.description, "One\nzwei\nthree\nvier\n");
    }

    #[test]
    fn what_both_changed_differently_is_a_conflict_and_the_rest_is_merged() {
        let base = some_task();
        let ours = Task { title: "Ours".into(), ..base.clone() };
        let theirs = Task { title: "Theirs".into(), estimate: Some("2h".into()), ..base.clone() };
        let merged = task(Some(&base), &ours, &theirs);
        assert_eq!(merged.conflicts, ["title"]);
        assert_eq!((merged.value.title.as_str(), merged.value.estimate.as_deref()), ("Ours", Some("2h")));
    }

    #[test]
    fn without_a_base_a_task_that_went_on_counts() {
        let created = some_task();
        let went_on = Task { status: done(None, 9), result: Some("r".into()), ..created.clone() };
        for (ours, theirs) in [(&created, &went_on), (&went_on, &created)] {
            let merged = task(None, ours, theirs);
            assert_eq!((&merged.value, merged.conflicts.len()), (&went_on, 0));
        }
        let other = Task { title: "Other".into(), ..created.clone() };
        assert_eq!(task(None, &created, &other).conflicts, ["title"]);
    }
}
