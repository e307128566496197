//! An event as a document.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{ENVELOPE, Event};
use crate::text;
use crate::views::style::{Text, at_most, cell, dim, joined};
use crate::views::words::moment;

/// One fact of the log: `ts, agent, action`, the action's own fields, `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDocument {
    /// When.
    pub ts: String,
    /// Who.
    pub agent: String,
    /// What.
    pub action: String,
    /// The action's own fields, in the order they were written.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
    /// Its identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// It was told from the difference of two boards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
}

impl EventDocument {
    /// The document of an event.
    pub fn of(event: &Event) -> Self {
        let own = event.fields.iter().filter(|(name, _)| !ENVELOPE.contains(&name.as_str()));
        Self {
            ts: event.ts.to_string(),
            agent: event.agent.clone(),
            action: event.action.word().to_owned(),
            fields: own.map(|(name, value)| (name.clone(), value.clone())).collect(),
            id: event.id.as_ref().map(ToString::to_string),
            derived: event.derived,
        }
    }
}

impl EventDocument {
    /// One line of the log, for people.
    pub fn line(&self) -> Text {
        // A field that says nothing (a task that was completed without a result) is none to read.
        let fields = self.fields.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text![field_name(key), "=", at_most(&value, 60)]
        });
        text![
            dim(moment(&self.ts)),
            "  ",
            cell(&self.agent, 10),
            "  ",
            cell(&self.action, 20),
            "  ",
            joined(fields, " "),
            if self.derived { " (derived)" } else { "" }
        ]
        .trimmed()
    }
}

/// A field's name as it stands, where it is one word; else in quotes, so that it can't pose as several fields.
fn field_name(key: &str) -> String {
    let is_word = !key.is_empty() && key.chars().all(|c| !(c.is_whitespace() || matches!(c, '=' | '"')));
    if is_word { key.to_owned() } else { format!("{key:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;
    use crate::views::fake::{at, event};

    #[test]
    fn an_event_has_its_fields_between_action_and_id() {
        let mut event = event("e1", at(1), "agent-1", Action::TaskClaimed)
            .with("workstream", "revenue")
            .with("task_id", "299833bc")
            .with("epoch", 1)
            .with("agent", "somebody-else");
        let text = serde_json::to_string(&EventDocument::of(&event)).unwrap();
        assert_eq!(
            text,
            r#"{"ts":"2026-02-06T12:01:00.000Z","agent":"agent-1","action":"task_claimed","workstream":"revenue","task_id":"299833bc","epoch":1,"id":"e1"}"#
        );
        assert_eq!(serde_json::from_str::<EventDocument>(&text).unwrap(), EventDocument::of(&event));
        event.derived = true;
        event.id = None;
        assert!(
            serde_json::to_string(&EventDocument::of(&event))
                .unwrap()
                .ends_with(r#""epoch":1,"derived":true}"#)
        );
    }
}
