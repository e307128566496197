//! A workstream as a document: whole, or summed up.

use serde::{Deserialize, Serialize};

use crate::model::{Status, Workstream};

use super::{TaskDocument, stamp};

/// How many tasks there are, and how many of each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All of them.
    pub task_count: usize,
    /// Free to be taken, or waiting for others.
    pub pending: usize,
    /// In somebody's hands.
    pub in_progress: usize,
    /// Finished.
    pub done: usize,
    /// Unable to go on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub blocked: usize,
    /// Given up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cancelled: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Counts {
    /// Counts one more task.
    pub fn add(&mut self, status: &Status) {
        self.task_count += 1;
        match status {
            Status::Pending => self.pending += 1,
            Status::InProgress(_) => self.in_progress += 1,
            Status::Blocked { .. } => self.blocked += 1,
            Status::Done { .. } => self.done += 1,
            Status::Cancelled { .. } => self.cancelled += 1,
        }
    }
}

/// A workstream with its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkstreamDocument {
    /// Its name.
    pub name: String,
    /// Any text.
    pub description: String,
    /// 1 is the highest that people usually give.
    pub priority: i64,
    /// `active` or `closed`.
    pub status: String,
    /// Its tasks, by rank.
    pub tasks: Vec<TaskDocument>,
    /// When it was created.
    pub created_at: String,
    /// How many tasks of which status.
    #[serde(flatten)]
    pub counts: Counts,
    /// Who created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

impl WorkstreamDocument {
    /// The document of a workstream and its tasks.
    pub fn of(workstream: &Workstream, tasks: Vec<TaskDocument>, counts: Counts) -> Self {
        let summary = WorkstreamSummary::of(workstream, counts);
        Self {
            name: summary.name,
            description: summary.description,
            priority: summary.priority,
            status: summary.status,
            tasks,
            created_at: summary.created_at,
            counts,
            created_by: summary.created_by,
        }
    }
}

/// A workstream with the counts of its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkstreamSummary {
    /// Its name.
    pub name: String,
    /// Any text.
    pub description: String,
    /// 1 is the highest that people usually give.
    pub priority: i64,
    /// `active` or `closed`.
    pub status: String,
    /// When it was created.
    pub created_at: String,
    /// How many tasks of which status.
    #[serde(flatten)]
    pub counts: Counts,
    /// Who created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

impl WorkstreamSummary {
    /// The summary of a workstream.
    pub fn of(workstream: &Workstream, counts: Counts) -> Self {
        Self {
            name: workstream.name.to_string(),
            description: workstream.description.clone(),
            priority: workstream.priority.0,
            status: workstream.status.word().to_owned(),
            created_at: stamp(&workstream.imported, "created_at", workstream.created_at),
            counts,
            created_by: Some(workstream.created_by.clone()).filter(|name| !name.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{at, task, workstream};

    #[test]
    fn a_summary_has_the_keys_of_the_list() {
        let mut counts = Counts::default();
        counts.add(&Status::Pending);
        counts.add(&Status::Done { claim: None, completed_at: None });
        let summary = WorkstreamSummary::of(&workstream("revenue", 1), counts);
        let text = serde_json::to_string(&summary).unwrap();
        assert_eq!(
            text,
            r#"{"name":"revenue","description":"about revenue","priority":1,"status":"active","created_at":"2026-02-06T12:00:00.000Z","task_count":2,"pending":1,"in_progress":0,"done":1,"created_by":"system"}"#
        );
        assert_eq!(serde_json::from_str::<WorkstreamSummary>(&text).unwrap(), summary);
    }

    #[test]
    fn a_whole_workstream_has_its_tasks_where_the_predecessor_has_them() {
        let mut counts = Counts::default();
        counts.add(&Status::Blocked { reason: "x".to_owned(), claim: None });
        let tasks = vec![TaskDocument::of(&task("299833bc", "revenue", "t").seen(), at(0))];
        let whole = WorkstreamDocument::of(&workstream("revenue", 1), tasks, counts);
        let text = serde_json::to_string(&whole).unwrap();
        assert!(text.starts_with(
            r#"{"name":"revenue","description":"about revenue","priority":1,"status":"active","tasks":[{"id":"299833bc","#
        ));
        assert!(text.ends_with(
            r#"}],"created_at":"2026-02-06T12:00:00.000Z","task_count":1,"pending":0,"in_progress":0,"done":0,"blocked":1,"created_by":"system"}"#
        ), "{text}");
        assert_eq!(serde_json::from_str::<WorkstreamDocument>(&text).unwrap(), whole);
    }
}
