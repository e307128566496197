//! A task as a document.

use serde::{Deserialize, Serialize};

use crate::model::{Fault, Landing, SeenTask, Status, Timestamp, View};
use crate::text;
use crate::views::style::{Text, bold};
use crate::views::words::status_word;

use super::stamp;

/// Where a state is written that this board does not show yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElsewhereDocument {
    /// The branch, where one is known.
    pub branch: Option<String>,
    /// The board commit, 40 hex digits, where one is known.
    pub commit: Option<String>,
    /// That commit has left its branch, and is on no other: `git branch <name> <commit>` brings it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

impl ElsewhereDocument {
    /// The place of a state that is not here.
    pub fn of(landing: &Landing) -> Option<Self> {
        match landing {
            Landing::Here => None,
            Landing::Elsewhere { branch, commit } => {
                Some(Self { branch: branch.clone(), commit: commit.clone(), lost: false })
            }
        }
    }

    /// The same, with what the view knows of the commit.
    pub(crate) fn looked_up(mut self, view: &dyn View) -> Result<Self, Fault> {
        self.lost = match &self.commit {
            Some(commit) => view.is_lost(commit)?,
            None => false,
        };
        Ok(self)
    }

    /// How to get back the commit in which the task `id` was claimed, where it has left its branch.
    pub fn way_back(&self, id: &str) -> Option<Text> {
        let commit = self.commit.as_ref().filter(|_| self.lost)?;
        let left = self.branch.as_ref().map(|branch| text![" left `", branch, "`, and"]);
        let (short, longer) = (&commit[..commit.len().min(7)], &commit[..commit.len().min(12)]);
        Some(text![
            "its commit ",
            short,
            left.unwrap_or_default(),
            " is on no branch; to get it back: git branch recovered-",
            id,
            " ",
            longer
        ])
    }

    /// Where it is, in words: `on feat-a`.
    pub fn words(&self) -> String {
        match (&self.branch, self.lost) {
            (Some(branch), true) => format!("left {branch}"),
            (None, true) => "on no branch".to_owned(),
            (Some(branch), false) => format!("on {branch}"),
            (None, false) => "on another branch".to_owned(),
        }
    }
}

/// A task: the predecessor's keys, then ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDocument {
    /// Eight hex digits.
    pub id: String,
    /// One line.
    pub title: String,
    /// Any text.
    pub description: String,
    /// One of [`Status::WORDS`].
    pub status: String,
    /// 1 is the highest that people usually give.
    pub priority: i64,
    /// Free text, such as `2h`.
    pub estimate: Option<String>,
    /// Who holds it, or held it when it was finished.
    pub assigned_to: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
    /// What came out of it.
    pub result: Option<String>,
    /// The workstream it belongs to; absent where the document stands inside one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workstream: Option<String>,
    /// How often it was claimed; absent = never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// When it was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<String>,
    /// When it was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Ids of the tasks that come first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Free words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Who added it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Why it is blocked or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it was claimed, when that is not on this board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_on: Option<ElsewhereDocument>,
    /// Where it was finished, when that is not on this board: *finished is not landed*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_on: Option<ElsewhereDocument>,
}

impl TaskDocument {
    /// The document of a task that last changed at `updated_at`; an imported stamp is kept as it was written.
    pub fn of(seen: &SeenTask, updated_at: Timestamp) -> Self {
        let task = &seen.task;
        let claim = task.status.claim();
        let completed_at = match &task.status {
            Status::Done { completed_at, .. } => *completed_at,
            Status::Pending | Status::InProgress(_) | Status::Blocked { .. } | Status::Cancelled { .. } => {
                None
            }
        };
        let elsewhere = ElsewhereDocument::of(&seen.landing);
        let (claimed_on, finished_on) = match &task.status {
            Status::InProgress(_) => (elsewhere, None),
            Status::Done { .. } | Status::Cancelled { .. } => (None, elsewhere),
            Status::Pending | Status::Blocked { .. } => (None, None),
        };
        Self {
            id: task.id.to_string(),
            title: task.title.clone(),
            description: task.description.clone(),
            status: task.status.word().to_owned(),
            priority: task.priority.0,
            estimate: task.estimate.clone(),
            assigned_to: claim.map(|claim| claim.agent.to_string()),
            created_at: stamp(&task.imported, "created_at", task.created_at),
            updated_at: stamp(&task.imported, "updated_at", updated_at),
            result: task.result.clone(),
            workstream: Some(task.workstream.to_string()),
            epoch: (task.epoch > 0).then_some(task.epoch),
            claimed_at: claim.and_then(|claim| claim.claimed_at).map(|at| at.to_string()),
            completed_at: completed_at.map(|at| at.to_string()),
            depends_on: task.depends_on.iter().map(ToString::to_string).collect(),
            labels: task.labels.clone(),
            created_by: Some(task.created_by.clone()).filter(|name| !name.is_empty()),
            reason: task.status.reason().map(str::to_owned),
            claimed_on,
            finished_on,
        }
    }

    /// Adds what the view knows of the commit in which it was claimed or finished.
    pub(crate) fn look_up(&mut self, view: &dyn View) -> Result<(), Fault> {
        for place in [&mut self.claimed_on, &mut self.finished_on] {
            *place = place.take().map(|place| place.looked_up(view)).transpose()?;
        }
        Ok(())
    }

    /// The task as one argument of a plan: `workstream/id`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.workstream.as_deref().unwrap_or("?"), self.id)
    }
}

impl TaskDocument {
    /// One line of a list, for people.
    pub fn line(&self) -> Text {
        let elsewhere = self.finished_on.as_ref().or(self.claimed_on.as_ref());
        text![
            bold(&self.id),
            "  ",
            status_word(&self.status, 12),
            "  P",
            self.priority,
            "  ",
            self.title,
            self.assigned_to.as_ref().map(|agent| text![" -> ", agent]).unwrap_or_default(),
            elsewhere.map(|place| text![" (", place.words(), ")"]).unwrap_or_default(),
            "\n"
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{at, elsewhere, task};

    fn json(document: &TaskDocument) -> String {
        let text = serde_json::to_string(document).unwrap();
        assert_eq!(&serde_json::from_str::<TaskDocument>(&text).unwrap(), document);
        text
    }

    #[test]
    fn a_task_of_the_predecessor_has_its_keys_in_its_order() {
        let document = TaskDocument::of(&task("299833bc", "revenue", "Add payments").seen(), at(9));
        assert_eq!(
            json(&document),
            r#"{"id":"299833bc","title":"Add payments","description":"","status":"pending","priority":5,"estimate":null,"assigned_to":null,"created_at":"2026-02-06T12:00:00.000Z","updated_at":"2026-02-06T12:09:00.000Z","result":null,"workstream":"revenue","created_by":"system"}"#
        );
    }

    #[test]
    fn our_keys_follow_where_they_are_set() {
        let draft = task("299833bc", "revenue", "Add \"payments\"").priority(0).labels(&["api"]);
        let done = draft.depends_on(&["04b29b0b"]).done("agent-1", at(3), at(7), "USDC");
        let mut seen = elsewhere(done, "feat-a", "1f3a9c2");
        seen.task.estimate = Some("2h".to_owned());
        assert_eq!(
            json(&TaskDocument::of(&seen, at(7))),
            r#"{"id":"299833bc","title":"Add \"payments\"","description":"","status":"done","priority":0,"estimate":"2h","assigned_to":"agent-1","created_at":"2026-02-06T12:00:00.000Z","updated_at":"2026-02-06T12:07:00.000Z","result":"USDC","workstream":"revenue","epoch":1,"claimed_at":"2026-02-06T12:03:00.000Z","completed_at":"2026-02-06T12:07:00.000Z","depends_on":["04b29b0b"],"labels":["api"],"created_by":"system","finished_on":{"branch":"feat-a","commit":"1f3a9c2"}}"#
        );
        assert_eq!(TaskDocument::of(&seen, at(7)).path(), "revenue/299833bc");
    }

    #[test]
    fn imported_stamps_stay_as_they_were_written() {
        let mut seen = task("299833bc", "revenue", "Add payments").seen();
        seen.task.imported.0.insert("updated_at".to_owned(), "2026-02-06T12:00:00Z".to_owned());
        assert_eq!(TaskDocument::of(&seen, at(9)).updated_at, "2026-02-06T12:00:00Z");
    }
}
