//! `agent register`

use crate::model::{
    Action, Agent, AgentId, Change, Context, Edit, Event, Imported, Operation, Refusal, View,
};
use crate::ops::{resolve, text};

/// An agent makes itself known. Again, with another type or other capabilities, it changes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// Its id.
    pub id: AgentId,
    /// A free word; `general` if none is given, or what it was before.
    pub kind: Option<String>,
    /// Free words.
    pub capabilities: Vec<String>,
}

impl Operation for Register {
    type Outcome = Agent;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Agent>, Refusal> {
        if let Some(kind) = &self.kind {
            text::check_line("type", kind)?;
        }
        let capabilities = text::check_words("capability", &self.capabilities)?;
        let before = view.agent(&self.id)?;
        if before.is_none() {
            resolve::check_case_twin("agent", self.id.as_str(), &view.agent_names()?.despite())?;
        }
        let known = before.as_ref().map(|agent| agent.kind.clone());
        let agent = Agent {
            id: self.id.clone(),
            kind: self.kind.clone().or(known).unwrap_or_else(|| "general".to_owned()),
            status: "active".to_owned(),
            capabilities: if capabilities.is_empty() {
                before.as_ref().map(|agent| agent.capabilities.clone()).unwrap_or_default()
            } else {
                capabilities
            },
            registered_at: context.now,
            imported: Imported::default(),
        };
        let is_so = |old: &Agent| {
            (&old.kind, &old.status, &old.capabilities) == (&agent.kind, &agent.status, &agent.capabilities)
        };
        if let Some(old) = before.filter(is_so) {
            return Ok(Change::nothing(old));
        }
        let event = Event::new(
            context.now,
            self.id.as_str(),
            Action::AgentRegistered,
            context.mint.event_id(context.now),
        )
        .with("type", agent.kind.as_str());
        Ok(Change::new(format!("register {} ({})", agent.id, agent.kind), agent.clone())
            .body(format!("{} registered.", agent.id))
            .edit(Edit::Agent(agent))
            .event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::fake::{Board, plan};

    #[test]
    fn registering_again_changes_only_what_is_new() {
        let id = AgentId::parse("agent-1").unwrap();
        let register = Register { id, kind: Some("worker".into()), capabilities: vec![] };
        let change = plan(&Board::default(), &register).unwrap();
        assert_eq!(change.subject, "register agent-1 (worker)");
        let board = Board::with(|board| board.agent(change.outcome.clone()));
        assert!(plan(&board, &register).unwrap().is_nothing());
        assert!(plan(&board, &Register { kind: None, ..register.clone() }).unwrap().is_nothing());
        let more = Register { capabilities: vec!["rust".into(), "rust".into()], ..register };
        assert_eq!(plan(&board, &more).unwrap().outcome.capabilities, ["rust"]);
    }
}
