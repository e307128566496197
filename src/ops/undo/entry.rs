//! The inverse of what was done to workstreams, agents and documents.

use crate::model::{
    Action, Agent, AgentId, Code, Compare, Edit, Entity, EntityKey, Event, Imported, Knowledge, Known,
    Passage, Refusal, Topic, Version, Workstream, WorkstreamName, quoted,
};

use super::case::{Case, Inverse};

/// The stamps of the predecessor go with any change; that they are gone is no change of anybody's.
const IMPORTED: &str = "imported";

/// The fields that differ.
fn fields_of<T: Compare>(one: &T, two: &T) -> Vec<&'static str> {
    let changes = one.changes(two).into_iter();
    changes.map(|change| change.field).filter(|field| *field != IMPORTED).collect()
}

impl Case<'_> {
    fn event(&self, action: Action, passage: &Passage, field: &str, name: &str) -> Event {
        let (now, mint) = (self.context.now, self.context.mint);
        Event::new(now, self.context.actor.id().as_str(), action, mint.event_id(now))
            .with(field, name)
            .with("undoes", Self::undoes(passage))
    }

    /// Which of the fields that were changed go back; refused if one has another value by now.
    fn going_back<T: Compare>(
        &self,
        key: &EntityKey,
        (before, after): (&T, &T),
        current: Option<&T>,
    ) -> Result<Vec<&'static str>, Refusal> {
        let fields = fields_of(before, after);
        let moved = current.map(|current| fields_of(after, current));
        match moved {
            Some(moved) if !fields.iter().any(|field| moved.contains(field)) => Ok(fields),
            Some(_) | None => Err(self.overtaken(key, &fields)),
        }
    }

    /// A created entry that is as it was created.
    fn untouched<T: Compare>(&self, key: &EntityKey, after: &T, current: Option<&T>) -> Result<(), Refusal> {
        match current.map(|current| fields_of(after, current)) {
            Some(moved) if moved.is_empty() => Ok(()),
            Some(moved) => Err(self.overtaken(key, &moved)),
            None => Err(self.overtaken(key, &[])),
        }
    }

    pub(super) fn workstream(
        &self,
        name: &WorkstreamName,
        key: &EntityKey,
        passage: &Passage,
    ) -> Result<Inverse, Refusal> {
        let current = self.view.workstream(name)?;
        let event = |action| self.event(action, passage, "workstream", name.as_str());
        match (entity(&passage.before), entity(&passage.after)) {
            (None, Some((Entity::Workstream(after), version))) => {
                self.untouched(key, after, current.as_ref())?;
                // One that can't be read may be in it.
                let tasks = self.view.tasks()?.require()?;
                let mut inside = tasks.iter().map(|seen| &seen.task);
                let other = inside.find(|task| task.workstream == *name && !self.going.contains(&task.id));
                if let Some(task) = other {
                    return Err(Refusal::new(
                        Code::Transition,
                        format!("the workstream `{name}` has tasks, such as `{}`", task.id),
                    )
                    .hint(format!("orchestrator ws show {name}")));
                }
                let events = vec![event(Action::WorkstreamDeleted)];
                let told = format!("Deleted workstream: {name}");
                Ok(Inverse { edit: Edit::RemoveFile(version.path.clone()), record: None, events, told })
            }
            (Some((Entity::Workstream(_), version)), None) => {
                self.absent(key, current.is_some())?;
                let events = vec![event(Action::WorkstreamCreated)];
                Ok(Inverse {
                    edit: restored(version),
                    record: None,
                    events,
                    told: format!("Created workstream: {name}"),
                })
            }
            (Some((Entity::Workstream(before), _)), Some((Entity::Workstream(after), _))) => {
                let fields = self.going_back(key, (before, after), current.as_ref())?;
                let mut back: Workstream = current.unwrap_or_else(|| after.clone());
                for field in &fields {
                    match *field {
                        "description" => back.description.clone_from(&before.description),
                        "priority" => back.priority = before.priority,
                        "status" => back.status = before.status,
                        _ => return Err(unnamed(key, field)),
                    }
                }
                back.imported = Imported::default();
                let events = vec![event(Action::WorkstreamUpdated).with("changed", fields)];
                Ok(Inverse {
                    edit: Edit::Workstream(back),
                    record: None,
                    events,
                    told: format!("Updated workstream: {name}"),
                })
            }
            _ => Err(unreadable(key)),
        }
    }

    pub(super) fn agent(&self, id: &AgentId, key: &EntityKey, passage: &Passage) -> Result<Inverse, Refusal> {
        let current = self.view.agent(id)?;
        let event = |action| self.event(action, passage, "agent_id", id.as_str());
        match (entity(&passage.before), entity(&passage.after)) {
            (None, Some((Entity::Agent(after), version))) => {
                self.untouched(key, after, current.as_ref())?;
                // The agent may hold one that can't be read.
                let tasks = self.view.tasks()?.require()?;
                if let Some(seen) = tasks.iter().find(|seen| seen.task.status.holder() == Some(id)) {
                    return Err(Refusal::new(
                        Code::Transition,
                        format!("the agent `{id}` holds task `{}`", seen.task.id),
                    )
                    .hint(format!("orchestrator task show {}", seen.task.id)));
                }
                let events = vec![event(Action::AgentDeleted)];
                let told = format!("Deleted agent: {id}");
                Ok(Inverse { edit: Edit::RemoveFile(version.path.clone()), record: None, events, told })
            }
            (Some((Entity::Agent(before), version)), None) => {
                self.absent(key, current.is_some())?;
                let events = vec![event(Action::AgentRegistered).with("type", before.kind.as_str())];
                Ok(Inverse {
                    edit: restored(version),
                    record: None,
                    events,
                    told: format!("Registered agent: {id}"),
                })
            }
            (Some((Entity::Agent(before), _)), Some((Entity::Agent(after), _))) => {
                self.going_back(key, (before, after), current.as_ref())?;
                let back = Agent { imported: Imported::default(), ..before.clone() };
                let events = vec![event(Action::AgentRegistered).with("type", back.kind.as_str())];
                let told = format!("Registered agent: {id} ({})", back.kind);
                Ok(Inverse { edit: Edit::Agent(back), record: None, events, told })
            }
            _ => Err(unreadable(key)),
        }
    }

    pub(super) fn knowledge(
        &self,
        topic: &Topic,
        key: &EntityKey,
        passage: &Passage,
    ) -> Result<Inverse, Refusal> {
        let current = self.view.knowledge(topic)?;
        let event = |action| self.event(action, passage, "topic", topic.as_str());
        match (entity(&passage.before), entity(&passage.after)) {
            (None, Some((Entity::Knowledge(after), _))) => {
                self.untouched(key, after, current.as_ref())?;
                let events = vec![event(Action::KnowledgeDeleted)];
                let told = format!("Deleted: {topic}");
                Ok(Inverse { edit: Edit::RemoveKnowledge(topic.clone()), record: None, events, told })
            }
            (Some((Entity::Knowledge(_), version)), None) => {
                self.absent(key, current.is_some())?;
                let events = vec![event(Action::KnowledgeWritten)];
                Ok(Inverse {
                    edit: restored(version),
                    record: None,
                    events,
                    told: format!("Written: {topic}"),
                })
            }
            (Some((Entity::Knowledge(before), _)), Some((Entity::Knowledge(after), _))) => {
                self.going_back(key, (before, after), current.as_ref())?;
                let back: Knowledge = before.clone();
                let events = vec![event(Action::KnowledgeWritten)];
                Ok(Inverse {
                    edit: Edit::Knowledge(back),
                    record: None,
                    events,
                    told: format!("Written: {topic}"),
                })
            }
            _ => Err(unreadable(key)),
        }
    }

    /// Refuses to bring back what is there.
    pub(super) fn absent(&self, key: &EntityKey, is_there: bool) -> Result<(), Refusal> {
        if is_there { Err(self.overtaken(key, &[])) } else { Ok(()) }
    }
}

/// The state, where there was one. One that can't be told does not come here.
fn entity(state: &Known) -> Option<(&Entity, &Version)> {
    state.version().map(|version| (&version.entity, version))
}

/// A state before or after the mutation that is not here to be read.
pub(super) fn unknown(key: &EntityKey, why: &Refusal) -> Refusal {
    let Some(hint) = &why.hint else { return unreadable(key) };
    let (kind, name) = (key.kind(), key.name());
    let message = format!("what {kind} `{name}` was before is not in this clone: {}", why.message);
    Refusal::new(why.code, message).hint(hint.clone())
}

/// The file as it was, byte for byte.
pub(super) fn restored(version: &Version) -> Edit {
    Edit::File { path: version.path.clone(), text: version.text.clone() }
}

/// A state before or after the mutation that can't be read: git alone can bring it back.
pub(super) fn unreadable(key: &EntityKey) -> Refusal {
    let (kind, name) = (key.kind(), key.name());
    Refusal::new(Code::Transition, format!("what {kind} `{name}` was before can't be read"))
        .hint(format!("orchestrator log {kind}:{}", quoted(&name)))
}

/// A field that no command changes.
pub(super) fn unnamed(key: &EntityKey, field: &str) -> Refusal {
    let (kind, name) = (key.kind(), key.name());
    Refusal::new(Code::Transition, format!("no command brings back `{field}` of {kind} `{name}`"))
        .hint(format!("orchestrator log {kind}:{}", quoted(&name)))
}
