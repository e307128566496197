//! The registered agents.

use crate::model::{Agent, AgentId, EventFilter, Fault, Reading, Timestamp, Unread, View};

use super::document::AgentDocument;

/// All that can be read, by id.
pub fn agents(view: &dyn View, now: Timestamp) -> Result<Reading<Vec<AgentDocument>>, Fault> {
    let mut unread = Unread::default();
    let mut documents = Vec::new();
    for agent in view.agents()?.note(&mut unread) {
        documents.push(document(view, &agent, now)?.note(&mut unread));
    }
    Ok(Reading::of(documents, unread))
}

/// One agent, if it registered.
pub fn agent(view: &dyn View, id: &AgentId, now: Timestamp) -> Result<Reading<Option<AgentDocument>>, Fault> {
    match view.agent(id)? {
        Some(agent) => Ok(document(view, &agent, now)?.map(Some)),
        None => Ok(Reading::whole(None)),
    }
}

/// An imported `last_seen` is kept as it was written until the agent is seen here for the first time.
pub(crate) fn document(
    view: &dyn View,
    agent: &Agent,
    now: Timestamp,
) -> Result<Reading<AgentDocument>, Fault> {
    let (seen, unread) = view.last_seen(agent.id.as_str())?.parts();
    Ok(Reading::of(seen_at(view, agent, seen, now)?, unread))
}

fn seen_at(
    view: &dyn View,
    agent: &Agent,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<AgentDocument, Fault> {
    let stale_after = view.settings().agents_stale_after;
    let Some(kept) = agent.imported.get("last_seen") else {
        return Ok(AgentDocument::of(agent, seen, now, stale_after));
    };
    let kept_at = Timestamp::parse(kept).ok();
    let own = EventFilter { agent: Some(agent.id.to_string()), ..EventFilter::default() };
    let log = view.events(&own)?;
    let imported = log.events.iter().filter(|event| event.line.is_some()).map(|event| event.ts).max();
    if seen > imported {
        return Ok(AgentDocument::of(agent, seen.max(kept_at), now, stale_after));
    }
    let document = AgentDocument::of(agent, kept_at, now, stale_after);
    Ok(AgentDocument { last_seen: kept.to_owned(), ..document })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;
    use crate::views::fake::{Board, agent as registered, at, event};

    #[test]
    fn agents_are_seen_by_presence_and_by_log() {
        let mut board = Board::default().logs(event("e1", at(9), "agent-2", Action::TaskClaimed));
        board.agents = vec![registered("agent-2"), registered("agent-1")];
        board.presence.insert("agent-1".to_owned(), at(3));
        let seen: Vec<_> =
            agents(&board, at(10)).unwrap().require().unwrap().into_iter().map(|a| (a.id, a.stale)).collect();
        assert_eq!(seen, [("agent-1".to_owned(), true), ("agent-2".to_owned(), false)]);
        let none = agent(&board, &AgentId::parse("agent-9").unwrap(), at(10)).unwrap();
        assert_eq!(none, Reading::whole(None));
    }

    #[test]
    fn an_imported_sight_stays_as_written_until_the_agent_acts_here() {
        let mut imported = event("e1", at(9), "agent-1", Action::TaskClaimed);
        imported.line = Some("{}".to_owned());
        let mut board = Board::default().logs(imported);
        let mut old = registered("agent-1");
        old.imported.0.insert("last_seen".to_owned(), "2026-02-06T12:04:00Z".to_owned());
        board.agents = vec![old];
        let first = |board: &Board| agents(board, at(10)).unwrap().require().unwrap().remove(0);
        assert_eq!(first(&board).last_seen, "2026-02-06T12:04:00Z");
        assert!(first(&board).stale);
        board.presence.insert("agent-1".to_owned(), at(10));
        assert_eq!(first(&board).last_seen, at(10).to_string());
    }
}
