//! The operations as calls, named after the predecessor's functions.
//!
//! Each is one request with the usual arguments and answers with the document that `--json` prints. What
//! takes more (dependencies, labels, a take-over, a reason) is a request of [`ops`](crate::ops), for
//! [`Orchestrator::run_as`]. Every mutation is one commit, or none where it was so already; a refusal means
//! that nothing was written.

use crate::model::{
    AgentId, Code, Priority, Reading, Refusal, Resource, Span, TaskRef, Topic, Unread, View, WorkstreamName,
};
use crate::ops::Already;
use crate::ops::agent::Register;
use crate::ops::event::LogEvent;
use crate::ops::knowledge::{Delete, Deleted, Write};
use crate::ops::lock::{Acquire, Freed, Grant, Release};
use crate::ops::task::{Add, Claim, Complete, Next, TakeOver, Told};
use crate::ops::workstream::Create;
use crate::views;
use crate::views::brief::{Brief, BriefRequest};
use crate::views::collect::Collected;
use crate::views::document::{
    AcquireDocument, AgentDocument, Counts, EventDocument, KnowledgeDocument, TaskDocument, TopicDocument,
    WorkstreamDocument, WorkstreamSummary,
};
use crate::views::events::Filter;
use crate::views::plan::Plan;
use crate::views::state::State;
use crate::views::status::Status;

use super::cycle::EndCycle;
use super::{Done, Orchestrator};

/// Where briefs come from, unless the board has its own.
const BRIEF: &str = "brief.md";

/// Workstreams and tasks.
impl Orchestrator {
    /// The whole state, as the predecessor's `state.json` had it.
    pub fn load_state(&self) -> Result<Reading<State>, Refusal> {
        self.read(|view| Ok(views::state::state(view, self.now())?))
    }

    /// Creates a workstream. Refused where one of that name exists.
    pub fn create_workstream(
        &self,
        name: &WorkstreamName,
        description: &str,
        priority: Priority,
    ) -> Result<WorkstreamDocument, Refusal> {
        let request = Create { name: name.clone(), description: description.to_owned(), priority };
        let made = self.run(&request)?.outcome;
        Ok(WorkstreamDocument::of(&made, Vec::new(), Counts::default()))
    }

    /// All workstreams with the counts of their tasks, by priority.
    pub fn list_workstreams(&self) -> Result<Reading<Vec<WorkstreamSummary>>, Refusal> {
        self.read(|view| Ok(views::board::board(view)?))
    }

    /// Adds a task; its id is minted.
    pub fn add_task(
        &self,
        workstream: &WorkstreamName,
        title: &str,
        description: &str,
        priority: Priority,
    ) -> Result<TaskDocument, Refusal> {
        let request = Add {
            workstream: workstream.clone(),
            title: title.to_owned(),
            description: description.to_owned(),
            priority,
            estimate: None,
            depends_on: Vec::new(),
            labels: Vec::new(),
        };
        self.document(&self.run(&request)?.outcome)
    }

    /// Claims a task for `agent`. Refused where somebody else holds it, or it can't be worked on.
    pub fn claim_task(
        &self,
        workstream: &WorkstreamName,
        task: &TaskRef,
        agent: &AgentId,
    ) -> Result<TaskDocument, Refusal> {
        let request = Claim {
            task: task.clone(),
            workstream: Some(workstream.clone()),
            agent: agent.clone(),
            take_over: TakeOver::Never,
        };
        self.document(&self.run_as(Some(agent.clone()), &request)?.outcome)
    }

    /// Completes a task. The holder acts where [`Options::agent`](super::Options::agent) names nobody; a
    /// stranger is refused.
    pub fn complete_task(
        &self,
        workstream: &WorkstreamName,
        task: &TaskRef,
        result: Option<&str>,
    ) -> Result<TaskDocument, Refusal> {
        let request = Complete {
            task: task.clone(),
            workstream: Some(workstream.clone()),
            result: result.map(str::to_owned),
            epoch: None,
        };
        self.document(&self.run(&request)?.outcome)
    }

    /// Claims the best task of a workstream for `agent`; none where nothing is pending. Unread is what may have been
    /// better, or pending at all.
    pub fn next_task(
        &self,
        workstream: &WorkstreamName,
        agent: &AgentId,
    ) -> Result<Reading<Option<TaskDocument>>, Refusal> {
        let request = Next { workstream: workstream.clone(), agent: agent.clone() };
        let next = self.run_as(Some(agent.clone()), &request)?.outcome;
        Ok(Reading::of(next.told.map(|told| self.document(&told)).transpose()?, next.unread))
    }

    /// The document of a task that a request told of. What was changed just now was updated now; only
    /// where nothing changed is the log asked when it was.
    pub fn document(&self, told: &Told) -> Result<TaskDocument, Refusal> {
        let task = &told.task.task;
        let updated_at = match told.already {
            Already::Changed => self.now().max(task.newest_stamp()),
            Already::WasSo => {
                // Of what can't be read nothing is needed here.
                let logged = self.view()?.despite().updates()?.tasks.get(&task.id).copied();
                logged.max(Some(task.newest_stamp())).unwrap_or(task.created_at)
            }
        };
        Ok(TaskDocument::of(&told.task, updated_at))
    }
}

/// Agents and locks.
impl Orchestrator {
    /// Makes an agent known, or changes its type.
    pub fn register_agent(&self, id: &AgentId, kind: &str) -> Result<AgentDocument, Refusal> {
        let request = Register { id: id.clone(), kind: Some(kind.to_owned()), capabilities: Vec::new() };
        self.run_as(Some(id.clone()), &request)?;
        // It was just written, and seen now.
        let known = views::agents::agent(&*self.view()?.despite(), id, self.now())?.despite();
        known.ok_or_else(|| Refusal::new(Code::NotFound, format!("`{id}` was removed again")))
    }

    /// Acquires a lock, or renews it; an answer either way. `ttl` is 1 s to 24 h, the board's default if
    /// none is given.
    pub fn acquire_lock(
        &self,
        resource: &Resource,
        agent: &AgentId,
        ttl: Option<Span>,
    ) -> Result<AcquireDocument, Refusal> {
        let request = Acquire { resource: resource.clone(), agent: agent.clone(), ttl, reason: None };
        Ok(match self.acquire(&request, Span::from_millis(0))?.outcome {
            Grant::Acquired(record) | Grant::Renewed(record) => AcquireDocument::granted(agent, &record),
            Grant::Denied(record) => AcquireDocument::denied(agent, &record),
        })
    }

    /// Gives a lock back; whether the agent held it.
    pub fn release_lock(&self, resource: &Resource, agent: &AgentId) -> Result<bool, Refusal> {
        let request = Release { resource: resource.clone(), agent: agent.clone(), force: None };
        let freed = self.run_as(Some(agent.clone()), &request)?.outcome;
        Ok(matches!(freed, Freed::Released(_)))
    }
}

/// Knowledge and events.
impl Orchestrator {
    /// Writes a document, whole.
    pub fn write_knowledge(&self, topic: &Topic, content: &str) -> Result<KnowledgeDocument, Refusal> {
        let done = self.run(&Write { topic: topic.clone(), content: content.to_owned() })?;
        Ok(KnowledgeDocument::of(&done.outcome))
    }

    /// A document; none where there is none.
    pub fn read_knowledge(&self, topic: &Topic) -> Result<Reading<Option<KnowledgeDocument>>, Refusal> {
        self.read(|view| Ok(Reading::whole(views::knowledge::read(view, topic)?)))
    }

    /// Deletes a document; whether there was one.
    pub fn delete_knowledge(&self, topic: &Topic) -> Result<bool, Refusal> {
        Ok(self.run(&Delete { topic: topic.clone() })?.outcome == Deleted::Yes)
    }

    /// All topics, sorted.
    pub fn list_knowledge(&self) -> Result<Reading<Vec<TopicDocument>>, Refusal> {
        self.read(|view| Ok(views::knowledge::list(view)?))
    }

    /// Logs an event of one's own: one commit without a file.
    pub fn log_event(
        &self,
        agent: &AgentId,
        action: &str,
        data: serde_json::Map<String, serde_json::Value>,
    ) -> Result<EventDocument, Refusal> {
        let request = LogEvent { agent: agent.clone(), action: action.to_owned(), data };
        Ok(EventDocument::of(&self.run_as(Some(agent.clone()), &request)?.outcome))
    }

    /// The event log, oldest first, as the filter wants it.
    pub fn events(&self, filter: &Filter) -> Result<Reading<Vec<EventDocument>>, Refusal> {
        self.read(|view| {
            let found = views::events::events(view, filter)?;
            Ok(Reading::whole(found.iter().map(EventDocument::of).collect()))
        })
    }
}

/// What every reading goes through.
impl Orchestrator {
    /// Asks the board; what could not be read of the answer and of the board's settings is handed out with it.
    pub fn read<T>(
        &self,
        ask: impl FnOnce(&dyn View) -> Result<Reading<T>, Refusal>,
    ) -> Result<Reading<T>, Refusal> {
        let mut unread = Unread::default();
        let view = self.view()?.note(&mut unread);
        let found = ask(&*view)?.note(&mut unread);
        Ok(Reading::of(found, unread))
    }
}

/// The whole board, and cycles.
impl Orchestrator {
    /// Work, agents, locks, what happened last.
    pub fn status(&self) -> Result<Reading<Status>, Refusal> {
        let repo = &self.store.repo;
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let repository = views::status::RepositoryDocument {
            root: repo.work_dir().as_deref().map(text),
            git_dir: text(repo.git_dir()),
            common_dir: text(repo.common_dir()),
        };
        let status = self.read(|view| Ok(views::status::status(view, self.now())?))?;
        Ok(status.map(|status| views::status::Status { repository: Some(repository), ..status }))
    }

    /// The same as text for people, in 100 columns and without colour; what can't be read stands in it.
    pub fn status_text(&self) -> Result<String, Refusal> {
        let status = self.status()?.despite();
        Ok(status.text(&self.board_name()?, self.now()).plain().to_owned())
    }

    /// What may run in parallel, and what must not.
    pub fn plan(&self) -> Result<Reading<Plan>, Refusal> {
        self.read(|view| self.render(BRIEF, |template| views::plan::plan(view, self.now(), template)))
    }

    /// The brief of a workstream's best task, or of the task asked for; none where nothing is pending.
    pub fn brief(&self, request: &BriefRequest) -> Result<Reading<Option<Brief>>, Refusal> {
        self.read(|view| {
            self.render(BRIEF, |template| views::brief::brief(view, self.now(), request, template))
        })
    }

    /// Reports what was completed since the last call, and ends the cycle with an event, unless something could not be
    /// read.
    pub fn collect(&self) -> Result<Done<Reading<Collected>>, Refusal> {
        self.run(&EndCycle)
    }
}
