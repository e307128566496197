//! Records: what the refs under `refs/orchestrator/` say. They are the locks.
//!
//! A record is one commit; its parent is the record before it, so a lock carries its own history. Taking
//! is compare-and-swap on the ref. Releasing writes [`Standing::Free`] and never deletes, because the
//! epoch, the fencing token, must not start again.

use super::{AgentId, Event, Nonce, Resource, Span, TaskId, Timestamp};

/// What a record is about; also which ref it stands in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKey {
    /// `refs/orchestrator/claims/<task id>`
    Claim(TaskId),
    /// `refs/orchestrator/locks/<resource, percent-encoded>`
    Lock(Resource),
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The work is done.
    Done,
    /// It was given up.
    Cancelled,
}

/// Who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Somebody does.
    Held {
        /// The holder.
        agent: AgentId,
        /// Since when: the start of this epoch, or of its latest renewal.
        since: Timestamp,
        /// For how long from `since`; `None` = until it is released (claims).
        ttl: Option<Span>,
    },
    /// Nobody does.
    Free,
    /// The task is finished (claims only), so that nobody on another branch takes it again.
    Completed {
        /// Who finished it.
        agent: AgentId,
        /// When.
        at: Timestamp,
        /// Done or cancelled.
        finish: Finish,
        /// The result of a task that is done, the reason of one that was cancelled.
        result: Option<String>,
    },
    /// The record can't be read: it counts as held by somebody unknown, for ever.
    Unreadable {
        /// What is wrong with it.
        why: String,
    },
}

/// Where the board commit of a claim's change stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardPoint {
    /// The commit, 40 hex digits.
    pub commit: String,
    /// The branch it was made on, such as `feat-a`; `None` on a detached HEAD.
    pub branch: Option<String>,
}

/// What one record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub key: RecordKey,
    /// Who has it.
    pub standing: Standing,
    /// How often it was acquired: the fencing token.
    pub epoch: u64,
    /// Makes this record unlike any other.
    pub nonce: Option<Nonce>,
    /// Why it was taken, broken or released.
    pub reason: Option<String>,
    /// The event that it carries.
    pub event: Option<Event>,
    /// The board commit with the same event (claims only). The store fills it in.
    pub board: Option<BoardPoint>,
    /// The record's own commit, 40 hex digits; `None` until it is written. A change of this record is
    /// a compare-and-swap against it.
    pub commit: Option<String>,
}

impl Record {
    /// When a held record runs out; `None` when it is not held or does not expire.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match &self.standing {
            Standing::Held { since, ttl: Some(ttl), .. } => Some(since.plus(*ttl)),
            Standing::Held { ttl: None, .. }
            | Standing::Free
            | Standing::Completed { .. }
            | Standing::Unreadable { .. } => None,
        }
    }

    /// Whether somebody else may take it over: it is held, it runs out, and `now` is beyond its end by
    /// more than `slack`, the skew allowed between clocks. A record from the future never is.
    pub fn is_expired(&self, now: Timestamp, slack: Span) -> bool {
        self.expires_at().is_some_and(|end| now > end.plus(slack))
    }

    /// The holder, whether or not it has run out.
    pub fn holder(&self) -> Option<&AgentId> {
        match &self.standing {
            Standing::Held { agent, .. } => Some(agent),
            Standing::Free | Standing::Completed { .. } | Standing::Unreadable { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(since: &str, ttl: Option<Span>) -> Record {
        Record {
            key: RecordKey::Lock(Resource::parse("git").unwrap()),
            standing: Standing::Held {
                agent: AgentId::parse("agent-1").unwrap(),
                since: Timestamp::parse(since).unwrap(),
                ttl,
            },
            epoch: 1,
            nonce: None,
            reason: None,
            event: None,
            board: None,
            commit: None,
        }
    }

    #[test]
    fn expiry_is_judged_with_slack_and_never_for_the_future() {
        let now = Timestamp::parse("2026-02-06T12:00:00Z").unwrap();
        let slack = Span::from_secs(2);
        let ttl = Some(Span::from_secs(60));
        assert!(held("2026-02-06T11:58:57Z", ttl).is_expired(now, slack));
        assert!(!held("2026-02-06T11:58:58Z", ttl).is_expired(now, slack));
        assert!(!held("2027-01-01T00:00:00Z", ttl).is_expired(now, slack));
        assert!(!held("2020-01-01T00:00:00Z", None).is_expired(now, slack));
    }
}
