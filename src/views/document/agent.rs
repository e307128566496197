//! An agent as a document.

use serde::{Deserialize, Serialize};

use crate::model::{Agent, Span, Timestamp};

use super::stamp;

/// A registered agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentDocument {
    /// Its id.
    pub id: String,
    /// A free word, such as `worker`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `active` unless an import brought another word.
    pub status: String,
    /// Free words.
    pub capabilities: Vec<String>,
    /// When it (last) registered.
    pub registered_at: String,
    /// When it was last seen; when it registered, if never since.
    pub last_seen: String,
    /// It has been silent for longer than the board's settings allow.
    pub stale: bool,
}

impl AgentDocument {
    /// The document of an agent last seen at `last_seen`, which is stale when that is longer ago than `stale_after`.
    pub fn of(agent: &Agent, last_seen: Option<Timestamp>, now: Timestamp, stale_after: Span) -> Self {
        let seen = last_seen.map_or(agent.registered_at, |seen| seen.max(agent.registered_at));
        Self {
            id: agent.id.to_string(),
            kind: agent.kind.clone(),
            status: agent.status.clone(),
            capabilities: agent.capabilities.clone(),
            registered_at: stamp(&agent.imported, "registered_at", agent.registered_at),
            last_seen: seen.to_string(),
            stale: now.since(seen) > stale_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{agent, at};

    #[test]
    fn an_agent_has_the_keys_of_the_predecessor_and_is_stale_after_a_while() {
        let five = Span::from_secs(300);
        let document = AgentDocument::of(&agent("agent-1"), Some(at(2)), at(7), five);
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(
            text,
            r#"{"id":"agent-1","type":"worker","status":"active","capabilities":[],"registered_at":"2026-02-06T12:00:00.000Z","last_seen":"2026-02-06T12:02:00.000Z","stale":false}"#
        );
        assert_eq!(serde_json::from_str::<AgentDocument>(&text).unwrap(), document);
        assert!(AgentDocument::of(&agent("agent-1"), Some(at(2)), at(8), five).stale);
        assert_eq!(
            AgentDocument::of(&agent("agent-1"), None, at(8), five).last_seen,
            "2026-02-06T12:00:00.000Z"
        );
    }
}
