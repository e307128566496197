//! What came out of a cycle.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::model::{
    Action, Event, EventFilter, Fault, Reading, SeenTask, Status, TaskId, Timestamp, Unread, View,
};

use super::document::ElsewhereDocument;

/// Where a cycle begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// After the last `cycle_collected` event, by its place in the log (what a merge brings stands where it
    /// landed); at the beginning, if there is none.
    LastCollect,
    /// With the events of this time or later.
    At(Timestamp),
    /// Everything that is done, whether or not an event tells of it.
    All,
}

impl Since {
    /// The events that tell what came out of it, and where it began if one does.
    fn filter(self) -> EventFilter {
        let word = |action: &Action| action.word().to_owned();
        let (completed, written, collected) =
            (word(&Action::TaskCompleted), word(&Action::KnowledgeWritten), word(&Action::CycleCollected));
        let all = EventFilter::default();
        match self {
            Self::LastCollect => EventFilter {
                actions: vec![completed, written, collected.clone()],
                from_last: Some(collected),
                ..all
            },
            Self::At(at) => EventFilter { actions: vec![completed, written], since: Some(at), ..all },
            Self::All => EventFilter { actions: vec![completed], ..all },
        }
    }
}

/// The predecessor's report, then ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Now.
    pub collected_at: String,
    /// In the order of their completion.
    pub completed_this_cycle: Vec<CompletedTask>,
    /// By rank.
    pub still_in_progress: Vec<OpenTask>,
    /// Topics that were written, and are still there; sorted.
    pub knowledge_updates: Vec<String>,
    /// When the cycle began: the last collection, or the time that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// A task that was completed, and still is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletedTask {
    /// Its workstream.
    pub workstream: String,
    /// Its id.
    pub task_id: String,
    /// One line.
    pub title: String,
    /// What came out of it.
    pub result: Option<String>,
    /// Who completed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Where, when that has not landed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_on: Option<ElsewhereDocument>,
}

/// A task in somebody's hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTask {
    /// Its workstream.
    pub workstream: String,
    /// Its id.
    pub task_id: String,
    /// One line.
    pub title: String,
    /// The holder.
    pub assigned_to: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<String>,
}

/// What was completed since the cycle began, what is under way, and what was learned.
///
/// A task counts where its completion is in this board's log and it is still done; one that is finished on
/// another branch counts in the cycle in which it lands ([`Since::All`] tells it with its branch).
pub fn collect(view: &dyn View, now: Timestamp, since: Since) -> Result<Reading<Collected>, Fault> {
    let mut unread = Unread::default();
    let log = view.events(&since.filter())?;
    let tasks = view.tasks()?.note(&mut unread);
    unread.extend(tasks.iter().filter_map(SeenTask::unread_claim));
    let mut began = match since {
        Since::At(at) => Some(at),
        Since::LastCollect | Since::All => None,
    };
    let mut completions: HashMap<TaskId, (usize, &Event)> = HashMap::new();
    let mut written = BTreeSet::new();
    for (at, event) in log.events.iter().enumerate() {
        match event.action {
            Action::TaskCompleted => completions.extend(event.task_id().map(|id| (id, (at, event)))),
            Action::KnowledgeWritten => written.extend(event.text("topic")),
            Action::CycleCollected => began = Some(event.ts),
            _ => {}
        }
    }

    let mut completed: Vec<(Option<usize>, CompletedTask)> = Vec::new();
    for seen in tasks.iter() {
        let told = completions.get(&seen.task.id);
        let counts = match since {
            Since::All => matches!(seen.task.status, Status::Done { .. }),
            Since::LastCollect | Since::At(_) => told.is_some() && seen.is_landed_done(),
        };
        if counts {
            completed.push((told.map(|told| told.0), completed_task(seen, told.map(|told| told.1))));
        }
    }
    completed
        .sort_by(|a, b| (a.0, &a.1.completed_at, &a.1.task_id).cmp(&(b.0, &b.1.completed_at, &b.1.task_id)));

    let topics = view.topics()?.note(&mut unread).into_iter().map(|topic| topic.to_string());
    let collected = Collected {
        collected_at: now.to_string(),
        completed_this_cycle: completed.into_iter().map(|(_, task)| task).collect(),
        still_in_progress: tasks.iter().filter_map(open_task).collect(),
        knowledge_updates: match since {
            Since::All => topics.collect(),
            Since::LastCollect | Since::At(_) => {
                topics.filter(|topic| written.contains(topic.as_str())).collect()
            }
        },
        since: began.map(|at| at.to_string()),
    };
    Ok(Reading::of(collected, unread))
}

fn completed_task(seen: &SeenTask, told: Option<&Event>) -> CompletedTask {
    let (holder, stamp) = match &seen.task.status {
        Status::Done { claim, completed_at } => (claim.as_ref().map(|claim| &claim.agent), *completed_at),
        Status::Pending | Status::InProgress(_) | Status::Blocked { .. } | Status::Cancelled { .. } => {
            (None, None)
        }
    };
    CompletedTask {
        workstream: seen.task.workstream.to_string(),
        task_id: seen.task.id.to_string(),
        title: seen.task.title.clone(),
        result: seen.task.result.clone(),
        completed_by: told.map(|event| event.agent.clone()).or_else(|| holder.map(ToString::to_string)),
        completed_at: stamp.or(told.map(|event| event.ts)).map(|at| at.to_string()),
        finished_on: ElsewhereDocument::of(&seen.landing),
    }
}

fn open_task(seen: &SeenTask) -> Option<OpenTask> {
    let Status::InProgress(claim) = &seen.task.status else { return None };
    Some(OpenTask {
        workstream: seen.task.workstream.to_string(),
        task_id: seen.task.id.to_string(),
        title: seen.task.title.clone(),
        assigned_to: Some(claim.agent.to_string()),
        claimed_at: claim.claimed_at.map(|at| at.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{Board, at, elsewhere, event, task};

    fn completed(id: &str, minutes: u64) -> Event {
        event(&format!("c{id}"), at(minutes), "agent-1", Action::TaskCompleted).with("task_id", id)
    }

    fn board() -> Board {
        Board::with(vec![
            task("00000001", "revenue", "old").done("agent-1", at(0), at(1), "one"),
            task("00000002", "revenue", "new").done("agent-1", at(2), at(6), "two"),
            task("00000003", "revenue", "clock ran behind").done("agent-1", at(2), at(1), "three"),
            task("00000004", "product", "reopened").seen(),
            elsewhere(
                task("00000005", "product", "not landed").done("agent-2", at(2), at(6), "five"),
                "feat",
                "abc",
            ),
            task("00000006", "product", "under way").held("agent-2", at(5)),
            task("00000007", "product", "no event").done("agent-2", at(0), at(2), "seven"),
        ])
        .knows("api", "REST")
        .knows("payments", "USDC")
        .logs(event("k1", at(1), "a", Action::KnowledgeWritten).with("topic", "api"))
        .logs(completed("00000001", 1))
        .logs(event("x", at(5), "system", Action::CycleCollected).with("completed", 1))
        .logs(completed("00000002", 6))
        .logs(completed("00000003", 1))
        .logs(completed("00000004", 6))
        .logs(completed("00000005", 6))
        .logs(event("k2", at(6), "a", Action::KnowledgeWritten).with("topic", "payments"))
        .logs(event("k3", at(6), "a", Action::KnowledgeWritten).with("topic", "deleted-since"))
    }

    fn ids(collected: &Collected) -> Vec<&str> {
        collected.completed_this_cycle.iter().map(|task| task.task_id.as_str()).collect()
    }

    #[test]
    fn a_cycle_begins_after_the_last_collection_by_place_not_by_clock() {
        let collected = collect(&board(), at(9), Since::LastCollect).unwrap().require().unwrap();
        assert_eq!(ids(&collected), ["00000002", "00000003"]);
        assert_eq!(collected.since, Some(at(5).to_string()));
        assert_eq!(collected.knowledge_updates, ["payments"]);
        assert_eq!(collected.still_in_progress[0].task_id, "00000006");
    }

    #[test]
    fn a_start_may_be_given_and_all_is_everything_that_is_done() {
        let since = collect(&board(), at(9), Since::At(at(6))).unwrap().require().unwrap();
        assert_eq!(ids(&since), ["00000002"]);
        assert_eq!(since.knowledge_updates, ["payments"]);
        let all = collect(&board(), at(9), Since::All).unwrap().require().unwrap();
        assert_eq!(ids(&all), ["00000007", "00000001", "00000002", "00000003", "00000005"]);
        assert_eq!(all.completed_this_cycle[4].finished_on.as_ref().unwrap().branch.as_deref(), Some("feat"));
        assert_eq!((all.knowledge_updates.len(), all.since), (2, None));
    }

    #[test]
    fn without_a_collection_the_cycle_began_with_the_board() {
        let mut board = board();
        board.log.events.retain(|event| event.action != Action::CycleCollected);
        assert_eq!(
            ids(&collect(&board, at(9), Since::LastCollect).unwrap().require().unwrap()),
            ["00000001", "00000002", "00000003"]
        );
    }

    #[test]
    fn the_predecessor_s_keys_come_first() {
        let mut board = board();
        board.tasks.retain(|seen| matches!(seen.task.id.as_str(), "00000002" | "00000006"));
        let text =
            serde_json::to_string(&collect(&board, at(9), Since::LastCollect).unwrap().require().unwrap())
                .unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"collected_at":"2026-02-06T12:09:00.000Z","completed_this_cycle":[{"workstream":"revenue","task_id":"00000002","title":"new","result":"two","completed_by":"agent-1","completed_at":"2026-02-06T12:06:00.000Z"}],"#,
                r#""still_in_progress":[{"workstream":"product","task_id":"00000006","title":"under way","assigned_to":"agent-2","claimed_at":"2026-02-06T12:05:00.000Z"}],"knowledge_updates":["payments"],"since":"2026-02-06T12:05:00.000Z"}"#
            )
        );
        let empty = collect(&Board::default(), at(9), Since::LastCollect).unwrap().require().unwrap();
        assert_eq!(
            serde_json::to_string(&empty).unwrap(),
            r#"{"collected_at":"2026-02-06T12:09:00.000Z","completed_this_cycle":[],"still_in_progress":[],"knowledge_updates":[]}"#
        );
    }
}
