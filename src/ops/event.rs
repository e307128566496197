//! `event log`

use serde_json::{Map, Value};

use crate::model::{
    Action, AgentId, Change, Code, Context, ENVELOPE, Event, Operation, Refusal, TRUSTED, View, is_blank,
    is_printable,
};
use crate::ops::text;

/// An event of somebody's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// Who.
    pub agent: AgentId,
    /// What: lower-case words with `_` between them, none that this program uses itself.
    pub action: String,
    /// Further fields.
    pub data: Map<String, Value>,
}

/// Whether a text is one printable word, without the sign that stands between a field's name and its value.
fn is_word(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && !is_blank(text)
        && text.chars().all(|c| is_printable(c) && !c.is_whitespace() && c != '=')
}

impl Operation for LogEvent {
    type Outcome = Event;

    fn plan(&self, _view: &dyn View, context: &Context<'_>) -> Result<Change<Event>, Refusal> {
        text::check_line("action", &self.action)?;
        if self.action.len() > 100 || self.action.contains(char::is_whitespace) {
            return Err(Refusal::new(
                Code::Invalid,
                format!("`{}` can't be an action: one word of at most 100 bytes", self.action.escape_debug()),
            )
            .hint(format!("such as: orchestrator event log {} deployed", self.agent)));
        }
        if !matches!(Action::from_word(&self.action), Action::Custom(_)) {
            return Err(Refusal::new(
                Code::Invalid,
                format!(
                    "`{}` is an action of the board itself; an event of that name would lie",
                    self.action
                ),
            )
            .hint("choose another word"));
        }
        if let Some(field) = self.data.keys().find(|field| !is_word(field)) {
            return Err(Refusal::new(
                Code::Invalid,
                format!(
                    "`{}` can't name a field: one printable word of at most 100 bytes",
                    field.escape_debug()
                ),
            )
            .hint("choose another name for that field"));
        }
        // Some readers of JSON take names that differ by case only for the same one.
        let among =
            |reserved: &[&str], field: &str| reserved.iter().any(|own| own.eq_ignore_ascii_case(field));
        if let Some(field) = self.data.keys().find(|field| among(&ENVELOPE, field)) {
            return Err(Refusal::new(Code::Invalid, format!("an event has a `{field}` of its own"))
                .hint("choose another name for that field"));
        }
        if let Some(field) = self.data.keys().find(|field| among(&TRUSTED, field)) {
            return Err(Refusal::new(
                Code::Invalid,
                format!("`{field}` is what this program itself says in an event; another would be believed"),
            )
            .hint("choose another name for that field"));
        }
        if Value::Object(self.data.clone()).to_string().len() > 1 << 20 {
            return Err(Refusal::new(Code::Invalid, "the data is longer than 1 MiB"));
        }
        let action = Action::from_word(&self.action);
        let mut event =
            Event::new(context.now, self.agent.as_str(), action, context.mint.event_id(context.now));
        event.fields = self.data.clone();
        Ok(Change::new(format!("log {}", self.action), event.clone())
            .body(format!("{} logged {}.", self.agent, self.action))
            .event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fake::{Board, plan};

    fn log(action: &str, data: Value) -> LogEvent {
        let Value::Object(data) = data else { panic!("an object") };
        LogEvent { agent: AgentId::parse("agent-1").unwrap(), action: action.into(), data }
    }

    #[test]
    fn an_event_of_one_s_own_is_a_commit_without_files() {
        let change = plan(&Board::default(), &log("deployed", serde_json::json!({"url": "x\ny"}))).unwrap();
        assert!(change.edits.is_empty() && change.touches_board());
        assert_eq!(change.events[0].text("url"), Some("x\ny"));
    }

    #[test]
    fn nobody_forges_an_event_of_the_board() {
        for (action, data) in [
            ("task_completed", serde_json::json!({})),
            ("two words", serde_json::json!({})),
            ("a\nb", serde_json::json!({})),
            ("", serde_json::json!({})),
            ("deployed", serde_json::json!({"agent": "root"})),
            ("deployed", serde_json::json!({"id": "x"})),
            ("deployed", serde_json::json!({"": "x"})),
            ("deployed", serde_json::json!({"two words": "x"})),
            ("deployed", serde_json::json!({"x\n2026-11-28 09:00:00  root  task_completed": "x"})),
            ("deployed", serde_json::json!({"a=b": "x"})),
            ("deployed", serde_json::json!({"a\u{e0041}": "x"})),
            ("deployed", serde_json::json!({"ts": "2026-02-06T07:37:39Z"})),
            ("deployed", serde_json::json!({"action": "task_completed"})),
            ("deployed", serde_json::json!({"derived": true})),
            ("deployed", serde_json::json!({"Agent": "root"})),
            ("deployed", serde_json::json!({"UNDOES": "x"})),
            ("deployed", serde_json::json!({"undoes": "019c31c0-4490-70df-bc60-4165cd0ac750"})),
            ("deployed", serde_json::json!({"undoes": ["019c31c0-4490-70df-bc60-4165cd0ac750"]})),
        ] {
            assert_eq!(
                plan(&Board::default(), &log(action, data)).unwrap_err().code,
                Code::Invalid,
                "{action}"
            );
        }
    }
}
