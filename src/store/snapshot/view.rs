//! What can be asked of a board, answered from its commit, its log and its records.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::codec::{self, path};
use crate::git::Oid;
use crate::model::{
    Agent, AgentId, Candidates, Deed, EntityKey, Event, EventFilter, Fault, Knowledge, Log, Named, Past,
    Reading, Recent, Record, RecordKey, Resource, SeenTask, Settings, Task, TaskId, TaskRef, Timestamp,
    Topic, Unread, Updates, View, Workstream, WorkstreamName,
};
use crate::store::annals::mark_of_agent;
use crate::store::records::When;
use crate::store::{log, past, presence, records};

use super::{Snapshot, damage};

impl View for Snapshot<'_> {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn workstream(&self, name: &WorkstreamName) -> Result<Option<Workstream>, Fault> {
        let path = path::of_workstream(name);
        let Some(stored) = self.file(&path)? else { return Ok(None) };
        let decoded = codec::workstream::decode(&stored.bytes, name);
        decoded.map(Some).map_err(|problem| Fault::Damaged(damage(&path, problem)))
    }

    fn workstreams(&self) -> Result<Reading<Vec<Workstream>>, Fault> {
        Ok(self.all_workstreams()?.map(|mut found| {
            found.sort_by(|one, two| (one.priority, &one.name).cmp(&(two.priority, &two.name)));
            found
        }))
    }

    fn workstream_names(&self) -> Result<Reading<Vec<String>>, Fault> {
        self.names(path::WORKSTREAMS, |place| match place {
            path::Place::Workstream(name) => Some(name.to_string()),
            _ => None,
        })
    }

    fn task(&self, id: TaskId) -> Result<Option<SeenTask>, Fault> {
        let path = path::of_task(id);
        let Some(entry) = self.entry(&path)? else { return Ok(None) };
        let task = self.task_at(id, &path, &entry)?;
        let record = records::load(self.repo, &RecordKey::Claim(id), self.when)?;
        self.seen(&path, task, record).map(Some)
    }

    fn task_file(&self, id: TaskId) -> Result<Option<Task>, Fault> {
        let path = path::of_task(id);
        let Some(entry) = self.entry(&path)? else { return Ok(None) };
        self.task_at(id, &path, &entry).map(Some)
    }

    fn find_tasks(&self, reference: &TaskRef) -> Result<Vec<TaskId>, Fault> {
        let shard = path::of_shard(&reference.prefix()[..2]);
        // What can't be read there may be meant.
        let names = self.list(&shard)?.require()?.into_iter();
        let ids = names.filter_map(|entry| TaskId::parse(entry.name.strip_suffix(".yaml")?));
        Ok(ids.filter(|id| id.as_str().starts_with(reference.prefix())).collect())
    }

    fn tasks(&self) -> Result<Reading<Rc<[SeenTask]>>, Fault> {
        Ok(self.all_tasks()?.clone())
    }

    fn candidates<'v>(
        &'v self,
        workstream: &WorkstreamName,
        held: bool,
    ) -> Result<Reading<Candidates<'v>>, Fault> {
        let queue = self.queue()?;
        let candidates = queue.candidates(self.repo, workstream.as_str(), held);
        let candidates: Candidates<'v> = Box::new(candidates.map(|candidate| candidate.map_err(Fault::from)));
        Ok(Reading::of(candidates, queue.unread().clone()))
    }

    fn is_done(&self, id: TaskId) -> Result<Reading<bool>, Fault> {
        let queue = self.queue()?;
        // Done on another branch is not done here: without a word of its own file there is nothing to look at, unless
        // that file is among those that can't be read.
        if !queue.is_done_in_file(id) && (queue.unread().is_empty() || queue.knows(id)) {
            return Ok(Reading::whole(false));
        }
        let mut unread = Unread::default();
        let seen = unread.try_note(self.task(id))?;
        Ok(Reading::of(seen.is_some_and(|seen| seen.is_landed_done()), unread))
    }

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, Fault> {
        let path = path::of_agent(id);
        let Some(stored) = self.file(&path)? else { return Ok(None) };
        let decoded = codec::agent::decode(&stored.bytes, id);
        decoded.map(Some).map_err(|problem| Fault::Damaged(damage(&path, problem)))
    }

    fn agents(&self) -> Result<Reading<Vec<Agent>>, Fault> {
        self.all_agents()
    }

    fn agent_names(&self) -> Result<Reading<Vec<String>>, Fault> {
        self.names(path::AGENTS, |place| match place {
            path::Place::Agent(id) => Some(id.to_string()),
            _ => None,
        })
    }

    fn last_seen(&self, agent: &str) -> Result<Reading<Option<Timestamp>>, Fault> {
        if self.last_seen.get().is_none() {
            let _already = self.last_seen.set(self.of_log(|annals| Ok(log::last_seen(annals)))?);
        }
        let logged = self.last_seen.get().and_then(|seen| seen.get(&mark_of_agent(agent)).copied());
        let seen = presence::seen(self.repo.common_dir(), agent);
        Ok(seen.map(|seen| logged.max(seen.filter(|at| self.when.has_seen(*at)))))
    }

    fn knowledge(&self, topic: &Topic) -> Result<Option<Knowledge>, Fault> {
        let path = path::of_knowledge(topic);
        let Some(entry) = self.entry(&path)? else { return Ok(None) };
        self.knowledge_at(topic, &path, &entry).map(Some)
    }

    fn topics(&self) -> Result<Reading<Vec<Topic>>, Fault> {
        let files = self.topic_files()?;
        // Whoever asks for the topics reads them next.
        Ok(files.map(|files| {
            self.prefetch_topics(&files);
            files.into_iter().map(|(topic, ..)| topic).collect()
        }))
    }

    fn lock(&self, resource: &Resource) -> Result<Option<Record>, Fault> {
        Ok(records::load(self.repo, &RecordKey::Lock(resource.clone()), self.when)?)
    }

    fn locks(&self) -> Result<Vec<Record>, Fault> {
        Ok(records::locks(self.repo, self.when)?)
    }

    fn log(&self) -> Result<Log, Fault> {
        self.events(&EventFilter::default())
    }

    fn events(&self, filter: &EventFilter) -> Result<Log, Fault> {
        self.of_log(|annals| log::select(self.repo, annals, filter, self.when))
    }

    fn each_event(&self, take: &mut dyn FnMut(Event) -> bool) -> Result<(), Fault> {
        let take = RefCell::new(take);
        self.of_log(|annals| log::stream(self.repo, annals, self.when, &mut *take.borrow_mut()))
    }

    fn updates(&self) -> Result<Updates, Fault> {
        self.of_log(|annals| Ok(log::updates(annals)))
    }

    fn past(&self, of: &EntityKey) -> Result<Past, Fault> {
        self.of_log(|annals| past::past(self.repo, annals, of, self.when))
    }

    fn newest_events(&self, of: &Recent<'_>) -> Result<HashMap<String, Vec<Event>>, Fault> {
        self.of_log(|annals| log::newest(self.repo, annals, of))
    }

    fn named(&self, word: &str) -> Result<Vec<Named>, Fault> {
        self.of_log(|annals| past::named(self.repo, annals, word, self.when))
    }

    fn deed(&self, commit: &str) -> Result<Option<Deed>, Fault> {
        Ok(past::deed(self.repo, commit)?)
    }

    fn imports(&self) -> Result<Vec<String>, Fault> {
        self.of_log(|annals| log::imports(self.repo, annals))
    }

    fn is_lost(&self, commit: &str) -> Result<bool, Fault> {
        match Oid::from_hex(commit.as_bytes()) {
            // What branches were at an earlier time is not known.
            Ok(commit) if self.when == When::Now => Ok(self.whereabouts.is_lost(commit)?),
            Ok(_) | Err(_) => Ok(false),
        }
    }

    fn damage(&self) -> Result<Unread, Fault> {
        let mut unread = self.furniture()?;
        let _without_them = self.all_workstreams()?.note(&mut unread);
        let _without_them = self.all_agents()?.note(&mut unread);
        let _without_them = self.all_tasks()?.clone().note(&mut unread);
        let topics = self.topic_files()?.note(&mut unread);
        self.prefetch_topics(&topics);
        for (topic, path, entry) in topics {
            let _without_it = unread.try_note(self.knowledge_at(&topic, &path, &entry).map(Some))?;
        }
        Ok(unread)
    }
}
