//! The board in the predecessor's formats: `state.json`, `events.jsonl`, `knowledge/<topic>.md`.
//!
//! What an import brought is given back as it was written. Not given back: the order of tasks with equal
//! `created_at`, `version` and the root's `updated_at`. What the predecessor has no word for stands behind
//! its own keys, which its program ignores. What can't be read is missing, and is handed out beside it as unread.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::model::{
    AgentId, Damage, Fault, Imported, Priority, Reading, SeenTask, Timestamp, Unread, View, Workstream,
    WorkstreamStatus, quoted,
};

use super::document::{Counts, EventDocument, TaskDocument, WorkstreamSummary};
use super::newest::Newest;
use super::{agents, json, locks};

/// The predecessor's `state.json`. [`json::pretty`] gives its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The number of the board's own events.
    pub version: u64,
    /// The newest event or stamp; on an empty board, now.
    pub updated_at: String,
    /// Of [`WorkstreamState`], by name, in the order of their creation.
    pub workstreams: Map<String, serde_json::Value>,
    /// Of [`AgentState`], by id, in the order of their registration.
    pub agents: Map<String, serde_json::Value>,
    /// Of [`LockState`], by resource: those that are held now.
    pub locks: Map<String, serde_json::Value>,
}

/// A workstream in `state.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkstreamState {
    /// Any text.
    pub description: String,
    /// 1 is the highest that people usually give.
    pub priority: i64,
    /// `active` or `closed`.
    pub status: String,
    /// In the order of their creation.
    pub tasks: Vec<TaskDocument>,
    /// When it was created.
    pub created_at: String,
    /// Who created it, unless it was `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

/// An agent in `state.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    /// A free word.
    #[serde(rename = "type")]
    pub kind: String,
    /// `active` unless an import brought another word.
    pub status: String,
    /// Free words.
    pub capabilities: Vec<String>,
    /// When it (last) registered.
    pub registered_at: String,
    /// When it was last seen.
    pub last_seen: String,
}

/// A lock in `state.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockState {
    /// The holder.
    pub agent: String,
    /// Since when.
    pub acquired_at: String,
    /// For how many milliseconds.
    pub ttl_ms: u64,
    /// The epoch, from the second acquisition on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Why it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The whole board. Costs one reading of each entry and one pass of the log.
///
/// Tasks whose workstream is not there or can't be read are kept under its name all the same: losing
/// them would be worse than a workstream with no description.
pub fn state(view: &dyn View, now: Timestamp) -> Result<Reading<State>, Fault> {
    let mut unread = Unread::default();
    let newest = Newest(view.updates()?);
    let locks = view.locks()?;
    let mut workstreams = view.workstreams()?.note(&mut unread);
    let tasks = view.tasks()?.note(&mut unread);
    unread.extend(tasks.iter().filter_map(SeenTask::unread_claim));
    let mut registered = view.agents()?.note(&mut unread);

    let stamps = tasks.iter().map(|seen| seen.task.newest_stamp());
    let stamps = stamps.chain(workstreams.iter().map(|one| one.created_at));
    let stamps = stamps.chain(registered.iter().map(|one| one.registered_at));
    let updated_at = stamps.chain(newest.event(&locks)).max().unwrap_or(now);

    let mut by_workstream = by_workstream(&tasks);
    workstreams.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
    let known: HashSet<&str> = workstreams.iter().map(|one| one.name.as_str()).collect();
    let lost = by_workstream.iter().filter(|(name, _)| !known.contains(**name));
    let lost: Vec<Workstream> = lost.filter_map(|(_, tasks)| stand_in(tasks)).collect();
    workstreams.extend(lost);

    registered.sort_by(|a, b| (a.registered_at, &a.id).cmp(&(b.registered_at, &b.id)));
    let mut agents = Map::new();
    for agent in &registered {
        let document = agents::document(view, agent, now)?.note(&mut unread);
        let state = AgentState {
            kind: document.kind,
            status: document.status,
            capabilities: document.capabilities,
            registered_at: document.registered_at,
            last_seen: document.last_seen,
        };
        agents.insert(document.id, value(&state));
    }

    let mut held = Map::new();
    for lock in locks::live_among(&locks, view.settings(), now) {
        // A record that can't be read names no holder, which the predecessor has no word for.
        if lock.standing == "unreadable" {
            let why = format!("its record can't be read: {}", lock.reason.unwrap_or_default());
            unread.add(Damage { path: format!("lock {}", quoted(&lock.resource)), line: 1, column: 1, why });
            continue;
        }
        if let (Some(agent), Some(acquired_at), Some(ttl_ms)) = (lock.agent, lock.acquired_at, lock.ttl_ms) {
            let epoch = Some(lock.fencing_token).filter(|epoch| *epoch > 1);
            held.insert(
                lock.resource,
                value(&LockState { agent, acquired_at, ttl_ms, epoch, reason: lock.reason }),
            );
        }
    }

    let state = State {
        version: newest.0.events,
        updated_at: updated_at.to_string(),
        workstreams: workstreams
            .iter()
            .map(|workstream| {
                let tasks = by_workstream.remove(workstream.name.as_str()).unwrap_or_default();
                (workstream.name.to_string(), value(&workstream_state(workstream, tasks, &newest)))
            })
            .collect(),
        agents,
        locks: held,
    };
    Ok(Reading::of(state, unread))
}

fn value<T: Serialize>(document: &T) -> serde_json::Value {
    serde_json::to_value(document).unwrap_or_default()
}

fn by_workstream(tasks: &[SeenTask]) -> BTreeMap<&str, Vec<&SeenTask>> {
    let mut groups: BTreeMap<&str, Vec<&SeenTask>> = BTreeMap::new();
    for seen in tasks {
        groups.entry(seen.task.workstream.as_str()).or_default().push(seen);
    }
    for group in groups.values_mut() {
        group.sort_by_key(|seen| (seen.task.created_at, seen.task.id));
    }
    groups
}

/// The workstream that tasks without one are listed under.
fn stand_in(tasks: &[&SeenTask]) -> Option<Workstream> {
    let first = tasks.first()?;
    Some(Workstream {
        name: first.task.workstream.clone(),
        description: String::new(),
        priority: Priority::default(),
        status: WorkstreamStatus::Active,
        created_at: first.task.created_at,
        created_by: AgentId::system().to_string(),
        imported: Imported::default(),
    })
}

fn workstream_state(workstream: &Workstream, tasks: Vec<&SeenTask>, newest: &Newest) -> WorkstreamState {
    let summary = WorkstreamSummary::of(workstream, Counts::default());
    let tasks = tasks.into_iter().map(|seen| {
        let document = newest.document(seen);
        let created_by = unless_system(document.created_by);
        TaskDocument { workstream: None, created_by, ..document }
    });
    WorkstreamState {
        description: summary.description,
        priority: summary.priority,
        status: summary.status,
        tasks: tasks.collect(),
        created_at: summary.created_at,
        created_by: unless_system(summary.created_by),
    }
}

/// The predecessor doesn't note who created something: an import says `system`, and exports as it came.
fn unless_system(created_by: Option<String>) -> Option<String> {
    created_by.filter(|name| name != AgentId::system().as_str())
}

/// The lines of `events.jsonl`, without their newlines: imported ones as they stood, the others as
/// `ts, agent, action`, their own fields, `id`.
///
/// One after the other, for as long as `take` says: the log may be longer than what fits into memory.
pub fn export_events(view: &dyn View, take: &mut dyn FnMut(String) -> bool) -> Result<(), Fault> {
    view.each_event(&mut |event| {
        take(match event.line {
            Some(line) => line,
            None => json::for_terminal(json::line(&EventDocument::of(&event))),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Standing};
    use crate::views::fake::{self, Board, at, event, task};

    #[test]
    fn an_empty_board_is_the_predecessor_s_first_state() {
        assert_eq!(
            json::pretty(&state(&Board::default(), at(4)).unwrap().require().unwrap()),
            "{\n  \"version\": 0,\n  \"updated_at\": \"2026-02-06T12:04:00.000Z\",\n  \"workstreams\": {},\n  \"agents\": {},\n  \"locks\": {}\n}\n"
        );
    }

    #[test]
    fn a_board_without_words_of_ours_is_a_state_of_the_predecessor_s() {
        let mut board = Board::with(vec![
            task("00000002", "revenue", "second").priority(1).created(at(2)).seen(),
            task("00000001", "revenue", "first").created(at(1)).seen(),
        ])
        .logs(event("e1", at(5), "agent-1", Action::TaskUpdated).with("task_id", "00000001"));
        board.workstreams.truncate(1);
        board.agents = vec![fake::agent("agent-1")];
        board.locks = vec![fake::lock("git", "agent-1", at(6)), fake::lock("old", "agent-1", at(1))];
        let text = json::line(&state(&board, at(6)).unwrap().require().unwrap());
        assert_eq!(
            text,
            concat!(
                r#"{"version":1,"updated_at":"2026-02-06T12:05:00.000Z","workstreams":{"revenue":{"description":"about revenue","priority":1,"status":"active","tasks":["#,
                r#"{"id":"00000001","title":"first","description":"","status":"pending","priority":5,"estimate":null,"assigned_to":null,"created_at":"2026-02-06T12:01:00.000Z","updated_at":"2026-02-06T12:05:00.000Z","result":null},"#,
                r#"{"id":"00000002","title":"second","description":"","status":"pending","priority":1,"estimate":null,"assigned_to":null,"created_at":"2026-02-06T12:02:00.000Z","updated_at":"2026-02-06T12:02:00.000Z","result":null}"#,
                r#"],"created_at":"2026-02-06T12:00:00.000Z"}},"#,
                r#""agents":{"agent-1":{"type":"worker","status":"active","capabilities":[],"registered_at":"2026-02-06T12:00:00.000Z","last_seen":"2026-02-06T12:05:00.000Z"}},"#,
                r#""locks":{"git":{"agent":"agent-1","acquired_at":"2026-02-06T12:06:00.000Z","ttl_ms":60000}}}"#,
            )
        );
        assert_eq!(
            serde_json::from_str::<State>(&text).unwrap(),
            state(&board, at(6)).unwrap().require().unwrap()
        );
    }

    #[test]
    fn our_words_follow_and_workstreams_come_by_age() {
        let mut board = Board::with(vec![task("00000001", "product", "a").held("agent-1", at(3))]);
        board.workstreams[0].created_at = at(9);
        board.workstreams[0].created_by = "ada".to_owned();
        let mut again = fake::lock("git", "agent-1", at(9));
        (again.epoch, again.reason) = (4, Some("release".to_owned()));
        let mut unknown = fake::lock("db", "agent-1", at(9));
        unknown.standing = Standing::Unreadable { why: "?".to_owned() };
        board.locks = vec![unknown, again];
        let (state, unread) = state(&board, at(9)).unwrap().parts();
        let unread: Vec<String> = unread.into_damage().iter().map(ToString::to_string).collect();
        assert_eq!(unread, ["lock db:1:1: its record can't be read: ?"]);
        assert_eq!(state.workstreams.keys().collect::<Vec<_>>(), ["product", "revenue"]);
        assert_eq!(state.workstreams["revenue"]["created_by"], "ada");
        assert_eq!(state.workstreams["product"]["tasks"][0]["epoch"], 1);
        assert_eq!(state.workstreams["product"]["tasks"][0].get("workstream"), None);
        assert_eq!(state.locks.keys().collect::<Vec<_>>(), ["git"]);
        assert_eq!(
            (&state.locks["git"]["epoch"], &state.locks["git"]["reason"]),
            (&4.into(), &"release".into())
        );
    }

    #[test]
    fn tasks_without_a_workstream_are_not_lost() {
        let mut board = Board::with(vec![task("00000001", "product", "a").created(at(2)).seen()]);
        board.workstreams.truncate(1);
        let state = state(&board, at(9)).unwrap().require().unwrap();
        assert_eq!(state.workstreams.keys().collect::<Vec<_>>(), ["revenue", "product"]);
        assert_eq!(state.workstreams["product"]["tasks"][0]["id"], "00000001");
        assert_eq!(state.workstreams["product"]["created_at"], at(2).to_string());
    }

    #[test]
    fn imported_events_go_out_as_they_came() {
        let line = r#"{"ts":"2026-02-06T12:00:00Z", "agent":"a","action":"deployed","n":1.0}"#;
        let mut imported = event("e1", at(0), "a", Action::Custom("deployed".to_owned()));
        imported.line = Some(line.to_owned());
        let own = event("e2", at(1), "a\u{1b}[2J", Action::TaskCompleted).with("result", "a\nb\u{202e}");
        let board = Board::default().logs(imported).logs(own);
        let mut lines = Vec::new();
        export_events(&board, &mut |line| {
            lines.push(line);
            true
        })
        .unwrap();
        assert_eq!(
            lines,
            [
                line,
                r#"{"ts":"2026-02-06T12:01:00.000Z","agent":"a\u001b[2J","action":"task_completed","result":"a\nb\u202e","id":"e2"}"#
            ]
        );
    }
}
