//! The state of the whole board on one screen.

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr as _;

use crate::model::{Damage, Fault, Reading, SeenTask, Status as TaskStatus, Timestamp, Unread, View};

use super::document::{AgentDocument, ElsewhereDocument, EventDocument, LockDocument, WorkstreamSummary};
use super::events::Filter;
use super::newest::Newest;
use super::style::{Text, bold, cell, green, joined, red};
use super::words::{ago, bar, count};
use super::{agents, board, locks};
use crate::{add, text};

/// How many events are recent.
const RECENT: usize = 10;

/// The predecessor's status, then what it didn't know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The number of the board's own events.
    pub version: u64,
    /// The newest event; on a board without any, now.
    pub updated_at: String,
    /// By priority, then name.
    pub workstreams: Vec<WorkstreamSummary>,
    /// By id.
    pub agents: Vec<AgentDocument>,
    /// By resource.
    pub active_locks: Vec<LockDocument>,
    /// The last ten, oldest first.
    pub recent_events: Vec<EventDocument>,
    /// Sorted.
    pub knowledge_topics: Vec<String>,
    /// Tasks in somebody's hands, by rank.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub active_tasks: Vec<ActiveTask>,
    /// Tasks that are done or cancelled on another branch, by rank: *finished is not landed*.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finished_elsewhere: Vec<FinishedTask>,
    /// Files of the board that can't be understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamageDocument>,
    /// History is cut off (a shallow clone): older events are missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_is_cut: bool,
    /// Where the board was read; none where only the board itself was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryDocument>,
}

/// A repository, as git names it from here: `git rev-parse`. Bytes of a path that are not UTF-8 are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryDocument {
    /// The root of the worktree; none where there is none.
    pub root: Option<String>,
    /// The git directory of the worktree.
    pub git_dir: String,
    /// The git directory that all worktrees share.
    pub common_dir: String,
}

/// A task that somebody works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveTask {
    /// Its workstream.
    pub workstream: String,
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// 1 is the highest that people usually give.
    pub priority: i64,
    /// The holder.
    pub assigned_to: String,
    /// When it was claimed; `null` for tasks of the predecessor.
    pub claimed_at: Option<String>,
    /// When the holder was last seen, if ever.
    pub holder_last_seen: Option<String>,
    /// The holder has been silent for so long that the task may be taken over.
    pub stale: bool,
    /// Where it was claimed, when that is not on this board: another branch, or a commit that left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_on: Option<ElsewhereDocument>,
}

/// A task that is finished, but not on this board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishedTask {
    /// Its workstream.
    pub workstream: String,
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// `done` or `cancelled`.
    pub status: String,
    /// Where.
    pub finished_on: ElsewhereDocument,
}

/// A file of the board that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamageDocument {
    /// From the repository's root.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// One sentence.
    pub why: String,
}

impl DamageDocument {
    /// The document of a damaged file.
    pub fn of(damage: &Damage) -> Self {
        Self { path: damage.path.clone(), line: damage.line, column: damage.column, why: damage.why.clone() }
    }
}

/// The whole board. Costs one pass of the log's index and one of the tasks.
/// Everything on the board that can't be read is unread, and stands in the document too.
pub fn status(view: &dyn View, now: Timestamp) -> Result<Reading<Status>, Fault> {
    let mut unread = view.damage()?;
    let newest = Newest(view.updates()?);
    let locks = view.locks()?;
    let tasks = view.tasks()?.note(&mut unread);
    unread.extend(tasks.iter().filter_map(SeenTask::unread_claim));
    let workstreams = view.workstreams()?.note(&mut unread);
    let agents = agents::agents(view, now)?.note(&mut unread);
    let topics = view.topics()?.note(&mut unread);
    let active_tasks = active(view, &tasks, now)?.note(&mut unread);
    let recent = Filter { last: Some(RECENT), ..Filter::default() };
    let status = Status {
        version: newest.0.events,
        updated_at: newest.event(&locks).unwrap_or(now).to_string(),
        workstreams: board::summaries(&workstreams, &tasks),
        agents,
        active_locks: locks::live_among(&locks, view.settings(), now),
        recent_events: view.events(&recent)?.events.iter().map(EventDocument::of).collect(),
        knowledge_topics: topics.iter().map(ToString::to_string).collect(),
        active_tasks,
        finished_elsewhere: tasks.iter().filter_map(finished_elsewhere).collect(),
        damage: unread.clone().into_damage().iter().map(DamageDocument::of).collect(),
        log_is_cut: newest.0.is_cut,
        repository: None,
    };
    Ok(Reading::of(status, unread))
}

fn active(view: &dyn View, tasks: &[SeenTask], now: Timestamp) -> Result<Reading<Vec<ActiveTask>>, Fault> {
    let stale_after = view.settings().claims_stale_after;
    let (mut active, mut unread) = (Vec::new(), Unread::default());
    for seen in tasks {
        let TaskStatus::InProgress(claim) = &seen.task.status else { continue };
        let last_seen = view.last_seen(claim.agent.as_str())?;
        // Nobody is silent for certain of whom nobody knows.
        let is_certain = last_seen.is_whole();
        let last_seen = last_seen.note(&mut unread);
        // Who was never heard of has been silent for as long as the task is there.
        let heard = last_seen.max(claim.claimed_at).unwrap_or(seen.task.created_at);
        active.push(ActiveTask {
            workstream: seen.task.workstream.to_string(),
            id: seen.task.id.to_string(),
            title: seen.task.title.clone(),
            priority: seen.task.priority.0,
            assigned_to: claim.agent.to_string(),
            claimed_at: claim.claimed_at.map(|at| at.to_string()),
            holder_last_seen: last_seen.map(|at| at.to_string()),
            stale: is_certain && now.since(heard) > stale_after,
            claimed_on: ElsewhereDocument::of(&seen.landing)
                .map(|place| place.looked_up(view))
                .transpose()?,
        });
    }
    Ok(Reading::of(active, unread))
}

fn finished_elsewhere(seen: &SeenTask) -> Option<FinishedTask> {
    if !seen.task.status.is_over() {
        return None;
    }
    Some(FinishedTask {
        workstream: seen.task.workstream.to_string(),
        id: seen.task.id.to_string(),
        title: seen.task.title.clone(),
        status: seen.task.status.word().to_owned(),
        finished_on: ElsewhereDocument::of(&seen.landing)?,
    })
}

impl Status {
    /// The whole board, for people.
    pub fn text(&self, board: &str, now: Timestamp) -> Text {
        let events = count(usize::try_from(self.version).unwrap_or(usize::MAX), "event");
        let mut out = text!["=== Orchestrator Status ===    board: ", board, " · ", events, "\n"];
        add!(out, "\n", bold("WORKSTREAMS"), "\n");
        let width = self.workstreams.iter().map(|ws| ws.name.width()).max().unwrap_or(0).min(30);
        for ws in &self.workstreams {
            let c = &ws.counts;
            let more = [(c.blocked, "blocked"), (c.cancelled, "cancelled")];
            let more = more.into_iter().filter(|(count, _)| *count > 0);
            let counts = format!("{:>3} pending  {:>3} active  {:>3} done", c.pending, c.in_progress, c.done);
            add!(
                out,
                "  P",
                ws.priority,
                " ",
                cell(&ws.name, width),
                "  ",
                bar(c.done, c.in_progress, c.task_count - c.cancelled, 15),
                "  ",
                counts,
                more.map(|(count, word)| format!("   {count} {word}")).collect::<Text>(),
                if ws.status == "active" { "" } else { "   closed" },
                "\n"
            );
        }
        if self.workstreams.is_empty() {
            out.ours("  (none)      orchestrator ws create <name> [description] [priority]\n");
        }
        if !self.active_tasks.is_empty() {
            add!(out, "\n", bold("ACTIVE"), "\n");
        }
        for task in &self.active_tasks {
            let since = task.claimed_at.as_deref().map(|at| ago(at, now)).unwrap_or_default();
            let stale = red(if task.stale { "  stale" } else { "" });
            let (title, agent) = (cell(&task.title, 40), cell(&task.assigned_to, 12));
            add!(out, "  ", task.id, "  ", title, "  ", agent, "  ", since, stale, "\n");
            let way_back = task.claimed_on.as_ref().and_then(|place| place.way_back(&task.id));
            if let Some(way_back) = way_back {
                add!(out, "    ", way_back, "\n");
            }
        }
        for task in &self.finished_elsewhere {
            let branch = task.finished_on.branch.as_deref().unwrap_or("no branch");
            let title = cell(&task.title, 40);
            add!(out, "  ", task.id, "  ", title, "  ", task.status, " on ", branch, ", not landed here\n");
        }
        if !self.active_locks.is_empty() {
            add!(out, "\n", bold("LOCKS"), "\n");
        }
        for lock in &self.active_locks {
            let holder = lock.agent.as_deref().unwrap_or("somebody unknown");
            let left = lock.expires_at.as_deref().and_then(|end| Timestamp::parse(end).ok());
            let left =
                left.map(|end| format!("expires in {}", end.since(now).in_words())).unwrap_or_default();
            add!(out, "  ", cell(&lock.resource, 30), "  ", cell(holder, 12), "  ", left, "\n");
        }
        add!(out, "\n", bold("AGENTS"), "\n");
        for agent in &self.agents {
            let stale = if agent.stale { red(" · stale") } else { green(" · active") };
            let seen = ago(&agent.last_seen, now);
            add!(out, "  ", agent.id, " (", agent.kind, ")", stale, ", seen ", seen, "\n");
        }
        if self.agents.is_empty() {
            out.ours("  (none registered)\n");
        }
        add!(out, "\n", bold("RECENT"), "\n");
        for event in &self.recent_events {
            add!(out, "  ", event.line(), "\n");
        }
        if self.recent_events.is_empty() {
            out.ours("  (nothing yet)\n");
        }
        let topics = match self.knowledge_topics.as_slice() {
            [] => text!["(empty)"],
            topics => joined(topics, ", "),
        };
        add!(out, "\n", bold("KNOWLEDGE"), "  ", topics, "\n");
        if !self.damage.is_empty() {
            add!(out, "\n", red("DAMAGED"), "\n");
            for damage in &self.damage {
                add!(out, "  ", damage.path, ":", damage.line, ":", damage.column, ": ", damage.why, "\n");
            }
        }
        if self.log_is_cut {
            out.ours("\nThis clone is shallow: older events are missing (git fetch --unshallow).\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;
    use crate::views::fake::{self, Board, at, elsewhere, event, task};

    #[test]
    fn an_empty_board_has_the_predecessor_s_keys_and_no_more() {
        let status = status(&Board::default(), at(1)).unwrap().require().unwrap();
        assert_eq!(
            serde_json::to_string(&status).unwrap(),
            r#"{"version":0,"updated_at":"2026-02-06T12:01:00.000Z","workstreams":[],"agents":[],"active_locks":[],"recent_events":[],"knowledge_topics":[]}"#
        );
    }

    #[test]
    fn claims_of_the_silent_are_stale() {
        let mut board = Board::with(vec![
            task("00000001", "revenue", "fresh").held("agent-1", at(0)),
            task("00000002", "revenue", "silent").held("agent-2", at(0)),
            task("00000003", "revenue", "never seen, just claimed").held("agent-3", at(95)),
        ])
        .logs(event("e1", at(1), "agent-2", Action::TaskClaimed));
        board.presence.insert("agent-1".to_owned(), at(99));
        let status = status(&board, at(100)).unwrap().require().unwrap();
        let stale: Vec<_> = status.active_tasks.iter().map(|one| (one.id.as_str(), one.stale)).collect();
        assert_eq!(stale, [("00000001", false), ("00000002", true), ("00000003", false)]);
        assert_eq!(status.active_tasks[1].holder_last_seen, Some(at(1).to_string()));
    }

    #[test]
    fn what_is_elsewhere_damaged_or_locked_is_told() {
        let mut board = Board::with(vec![
            elsewhere(task("00000001", "revenue", "a").done("agent-1", at(0), at(1), "r"), "feat-a", "abc"),
            elsewhere(task("00000002", "revenue", "b").held("agent-1", at(0)), "feat-b", "def"),
            task("00000003", "revenue", "c").done("agent-1", at(0), at(1), "r"),
        ])
        .knows("zebra", "")
        .knows("api", "");
        board.locks = vec![fake::lock("git", "agent-1", at(2))];
        board.damage = vec![Damage {
            path: ".orchestrator/tasks/29/299833bc.yaml".to_owned(),
            line: 4,
            column: 9,
            why: "unknown status `Done`".to_owned(),
        }];
        board.log.is_cut = true;
        let (status, unread) = status(&board, at(2)).unwrap().parts();
        assert_eq!(unread.into_damage(), board.damage);
        assert_eq!(status.finished_elsewhere.len(), 1);
        assert_eq!(status.finished_elsewhere[0].finished_on.branch.as_deref(), Some("feat-a"));
        assert_eq!(
            status.active_tasks[0].claimed_on.as_ref().and_then(|on| on.commit.as_deref()),
            Some("def")
        );
        assert_eq!((status.damage[0].line, status.log_is_cut), (4, true));
        assert_eq!(status.active_locks[0].expires_at, Some(at(3).to_string()));
        assert_eq!(status.knowledge_topics, ["api", "zebra"]);
        let text = serde_json::to_string(&status).unwrap();
        assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), status);
    }

    #[test]
    fn the_last_ten_events_are_recent() {
        let board = (0..12).fold(Board::default(), |board, n| {
            board.logs(event(&format!("e{n}"), at(n), "a", Action::TaskUpdated))
        });
        let status = status(&board, at(20)).unwrap().require().unwrap();
        assert_eq!((status.version, status.updated_at), (12, at(11).to_string()));
        let ids: Vec<_> = status.recent_events.iter().filter_map(|event| event.id.as_deref()).collect();
        assert_eq!((ids.len(), ids[0], ids[9]), (10, "e2", "e11"));
    }
}
