//! Tasks as a list.

use crate::model::{AgentId, Code, Reading, Refusal, SeenTask, Unread, View, WorkstreamName};

use super::document::TaskDocument;
use super::newest::Newest;

/// Which tasks; every condition that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this workstream.
    pub workstream: Option<WorkstreamName>,
    /// Of this status, by its word.
    pub status: Option<String>,
    /// Held, or finished, by this agent.
    pub agent: Option<AgentId>,
    /// With this label, exactly.
    pub label: Option<String>,
}

impl Filter {
    fn fits(&self, seen: &SeenTask) -> bool {
        let task = &seen.task;
        self.workstream.as_ref().is_none_or(|name| *name == task.workstream)
            && self.status.as_ref().is_none_or(|word| word == task.status.word())
            && self
                .agent
                .as_ref()
                .is_none_or(|agent| task.status.claim().is_some_and(|claim| claim.agent == *agent))
            && self.label.as_ref().is_none_or(|label| task.labels.contains(label))
    }
}

/// The tasks that fit, by rank (priority, age, id). A workstream that is not there is refused
/// ([`Code::NotFound`]); one whose own file is damaged still has its tasks. A task that can't be read might fit any filter,
/// so it is unread whatever was asked for.
pub fn tasks(view: &dyn View, filter: &Filter) -> Result<Reading<Vec<TaskDocument>>, Refusal> {
    let mut unread = Unread::default();
    if let Some(name) = &filter.workstream {
        // Whether it is there is asked of its name alone, and what hides that is a fault.
        let is_there = unread.try_note(view.workstream(name))?.is_some();
        if !is_there && !view.workstream_names()?.despite().iter().any(|one| one == name.as_str()) {
            return match unread.into_damage().into_iter().next() {
                Some(hidden) => Err(Refusal::damaged(hidden.into())),
                None => Err(unknown_workstream(name)),
            };
        }
    }
    let newest = Newest(view.updates()?);
    let tasks = view.tasks()?.note(&mut unread);
    let mut found = Vec::new();
    for seen in tasks.iter().filter(|seen| filter.fits(seen)) {
        unread.extend(seen.unread_claim());
        let mut document = newest.document(seen);
        document.look_up(view)?;
        found.push(document);
    }
    Ok(Reading::of(found, unread))
}

pub(crate) fn unknown_workstream(name: &WorkstreamName) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is no workstream `{name}`")).hint("orchestrator ws list")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{Board, at, stream, task};

    fn ids(filter: &Filter) -> Vec<String> {
        let board = Board::with(vec![
            task("00000003", "revenue", "late").created(at(5)).seen(),
            task("00000002", "revenue", "early").labels(&["api"]).seen(),
            task("00000001", "product", "urgent").priority(0).held("agent-1", at(1)),
            task("00000004", "product", "over").labels(&["api"]).done("agent-1", at(1), at(2), "r"),
        ]);
        tasks(&board, filter).unwrap().require().unwrap().into_iter().map(|document| document.id).collect()
    }

    #[test]
    fn tasks_come_by_rank_and_conditions_hold_together() {
        let all = Filter::default();
        assert_eq!(ids(&all), ["00000001", "00000002", "00000004", "00000003"]);
        assert_eq!(
            ids(&Filter { workstream: Some(stream("revenue")), ..all.clone() }),
            ["00000002", "00000003"]
        );
        assert_eq!(
            ids(&Filter { status: Some("pending".to_owned()), ..all.clone() }),
            ["00000002", "00000003"]
        );
        let mine = Filter { agent: Some(AgentId::parse("agent-1").unwrap()), ..all.clone() };
        assert_eq!(ids(&mine), ["00000001", "00000004"]);
        assert_eq!(ids(&Filter { label: Some("api".to_owned()), ..mine }), ["00000004"]);
        assert_eq!(ids(&Filter { label: Some("ap".to_owned()), ..all }), [] as [&str; 0]);
    }

    #[test]
    fn a_workstream_that_is_not_there_is_refused() {
        let filter = Filter { workstream: Some(stream("revenu")), ..Filter::default() };
        let refusal = tasks(&Board::with(Vec::new()), &filter).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (Code::NotFound, "there is no workstream `revenu`")
        );
        assert_eq!(tasks(&Board::default(), &Filter::default()).unwrap(), Reading::whole(vec![]));
    }
}
