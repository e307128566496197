//! Tasks, and the states they can be in.

use std::collections::BTreeMap;

use super::{AgentId, Damage, Record, Standing, TaskId, Timestamp, WorkstreamName};

/// How urgent: 1 is the highest that people usually give, 0 is higher still, 5 is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub i64);

impl Default for Priority {
    fn default() -> Self {
        Self(5)
    }
}

impl std::fmt::Display for Priority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Who works on a task, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The holder.
    pub agent: AgentId,
    /// When it was taken; unknown for tasks of the predecessor.
    pub claimed_at: Option<Timestamp>,
}

/// Where a task stands. What a state needs is inside it: a task in progress always has a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Free to be taken.
    Pending,
    /// Somebody works on it.
    InProgress(Claim),
    /// It can't go on; whoever held it still does.
    Blocked {
        /// What it waits for.
        reason: String,
        /// The holder, if it was in progress.
        claim: Option<Claim>,
    },
    /// Finished.
    Done {
        /// Who held it when it was finished; none if it was never claimed.
        claim: Option<Claim>,
        /// When; unknown for tasks of the predecessor.
        completed_at: Option<Timestamp>,
    },
    /// Given up.
    Cancelled {
        /// Why.
        reason: String,
    },
}

impl Status {
    /// The words of the file and of the JSON, in the order of a task's life.
    pub const WORDS: [&'static str; 5] = ["pending", "in_progress", "blocked", "done", "cancelled"];

    /// The word of the file and of the JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress(_) => "in_progress",
            Self::Blocked { .. } => "blocked",
            Self::Done { .. } => "done",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// The claim, in whatever state it survives.
    pub fn claim(&self) -> Option<&Claim> {
        match self {
            Self::InProgress(claim) => Some(claim),
            Self::Blocked { claim, .. } | Self::Done { claim, .. } => claim.as_ref(),
            Self::Pending | Self::Cancelled { .. } => None,
        }
    }

    /// Who may act on it now: the holder of a task in progress or blocked.
    pub fn holder(&self) -> Option<&AgentId> {
        match self {
            Self::InProgress(claim) => Some(&claim.agent),
            Self::Blocked { claim, .. } => claim.as_ref().map(|claim| &claim.agent),
            Self::Pending | Self::Done { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// Done or cancelled: nothing more is expected.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Done { .. } | Self::Cancelled { .. } => true,
            Self::Pending | Self::InProgress(_) | Self::Blocked { .. } => false,
        }
    }

    /// Why it is blocked or cancelled.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Blocked { reason, .. } | Self::Cancelled { reason } => Some(reason),
            Self::Pending | Self::InProgress(_) | Self::Done { .. } => None,
        }
    }
}

/// Stamps of the predecessor that the rest of the entity and the log don't yield exactly, by their key
/// (`updated_at`, `last_seen`), as they were written. They go with the entity's next mutation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported(pub BTreeMap<String, String>);

impl Imported {
    /// Nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The stamp kept under `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

/// A unit of work in a workstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id, also the name of its file.
    pub id: TaskId,
    /// The workstream it belongs to.
    pub workstream: WorkstreamName,
    /// One line.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// How often it was claimed: the fencing token of the latest claim. 0 = never.
    pub epoch: u64,
    /// How urgent.
    pub priority: Priority,
    /// Free text, such as `2h`.
    pub estimate: Option<String>,
    /// Tasks that must be done before this one is handed out.
    pub depends_on: Vec<TaskId>,
    /// Free words.
    pub labels: Vec<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Who added it.
    pub created_by: String,
    /// Any text, may be empty.
    pub description: String,
    /// What came out of it, once it is done.
    pub result: Option<String>,
    /// Stamps of the predecessor.
    pub imported: Imported,
}

/// The order in which tasks are handed out: priority, then age, then id.
pub type Rank = (Priority, Timestamp, TaskId);

impl Task {
    /// Its place in the order in which tasks are handed out.
    pub fn rank(&self) -> Rank {
        (self.priority, self.created_at, self.id)
    }

    /// The newest stamp that its own fields yield. `updated_at` is this or a later event's time.
    pub fn newest_stamp(&self) -> Timestamp {
        let completed = match &self.status {
            Status::Done { completed_at, .. } => *completed_at,
            Status::Pending | Status::InProgress(_) | Status::Blocked { .. } | Status::Cancelled { .. } => {
                None
            }
        };
        let claimed = self.status.claim().and_then(|claim| claim.claimed_at);
        [Some(self.created_at), claimed, completed].into_iter().flatten().max().unwrap_or(self.created_at)
    }
}

/// Where a task's present state is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// In the board that was read.
    Here,
    /// In a claim record whose board commit this board does not contain: claimed, released or finished on
    /// another branch. *Finished is not landed.*
    Elsewhere {
        /// The branch that the record names, such as `feat-a`.
        branch: Option<String>,
        /// The board commit that the record names, 40 hex digits.
        commit: Option<String>,
    },
}

/// A task as it counts: its file, and where the claim record has the last word, that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenTask {
    /// The task with the state that counts.
    pub task: Task,
    /// Where that state is written.
    pub landing: Landing,
    /// The claim record, if there is one.
    pub record: Option<Record>,
}

impl SeenTask {
    /// A task as its file says, with no record.
    pub fn from_file(task: Task) -> Self {
        Self { task, landing: Landing::Here, record: None }
    }

    /// The epoch of the next claim: one above every claim that file or record know.
    pub fn next_epoch(&self) -> u64 {
        self.task.epoch.max(self.record.as_ref().map_or(0, |record| record.epoch)).saturating_add(1)
    }

    /// What is damaged, where the claim record can't be read: somebody unknown may hold the task.
    pub fn unread_claim(&self) -> Option<Damage> {
        let record = self.record.as_ref()?;
        let Standing::Unreadable { why } = &record.standing else { return None };
        let (path, why) = match record.commit {
            Some(_) => (
                format!("refs/orchestrator/claims/{}", self.task.id),
                format!("the record of this claim can't be read: {why}; it counts as held"),
            ),
            // It has no ref of its own, and what stands in for one can't be read.
            None => (
                "refs/orchestrator/archive".to_owned(),
                format!("the archive of claims can't be read: {why}"),
            ),
        };
        Some(Damage { path, line: 1, column: 1, why })
    }

    /// Done, and this board shows it. A dependency counts only then.
    pub fn is_landed_done(&self) -> bool {
        matches!((&self.task.status, &self.landing), (Status::Done { .. }, Landing::Here))
    }
}
