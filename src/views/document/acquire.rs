//! The answer to somebody who wants a lock.

use serde::{Deserialize, Serialize};

use crate::model::{AgentId, Record, RecordKey, Span, Standing};

/// Whether a lock was taken, and by whom it is held now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcquireDocument {
    /// It is held by who asked.
    pub acquired: bool,
    /// What it protects.
    pub resource: String,
    /// Who asked.
    pub agent: String,
    /// Since when it is held.
    pub acquired_at: Option<String>,
    /// For how many milliseconds from then.
    pub ttl_ms: Option<u64>,
    /// The epoch of whoever holds it.
    pub fencing_token: u64,
    /// The holder; `null` when its record can't be read.
    pub held_by: Option<String>,
    /// When it runs out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

impl AcquireDocument {
    /// `agent` has it, as `record` says.
    pub fn granted(agent: &AgentId, record: &Record) -> Self {
        Self { acquired: true, ..Self::denied(agent, record) }
    }

    /// `agent` can't have it: `record` says who has.
    pub fn denied(agent: &AgentId, record: &Record) -> Self {
        let (since, ttl) = match &record.standing {
            Standing::Held { since, ttl, .. } => (Some(since.to_string()), *ttl),
            Standing::Free | Standing::Completed { .. } | Standing::Unreadable { .. } => (None, None),
        };
        Self {
            acquired: false,
            resource: match &record.key {
                RecordKey::Lock(resource) => resource.to_string(),
                RecordKey::Claim(task) => task.to_string(),
            },
            agent: agent.to_string(),
            acquired_at: since,
            ttl_ms: ttl.map(Span::millis),
            fencing_token: record.epoch,
            held_by: record.holder().map(ToString::to_string),
            expires_at: record.expires_at().map(|at| at.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{at, lock};

    #[test]
    fn both_answers_name_the_holder() {
        let record = lock("git", "agent-1", at(0));
        let granted = AcquireDocument::granted(&AgentId::parse("agent-1").unwrap(), &record);
        assert_eq!(
            serde_json::to_string(&granted).unwrap(),
            r#"{"acquired":true,"resource":"git","agent":"agent-1","acquired_at":"2026-02-06T12:00:00.000Z","ttl_ms":60000,"fencing_token":1,"held_by":"agent-1","expires_at":"2026-02-06T12:01:00.000Z"}"#
        );
        let denied = AcquireDocument::denied(&AgentId::parse("agent-2").unwrap(), &record);
        assert_eq!((denied.acquired, denied.agent.as_str()), (false, "agent-2"));
        assert_eq!(denied.held_by.as_deref(), Some("agent-1"));
    }
}
