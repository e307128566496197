//! What can be asked of a board, answered from its commit, its log and its records.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::codec::{self, path};
use crate::git::Oid;
use crate::model::{
    Agent, AgentId, Candidate, Damage, Deed, EntityKey, Event, EventFilter, Fault, Knowledge, Log, Named,
    Past, Recent, Record, RecordKey, Resource, SeenTask, Settings, Task, TaskId, TaskRef, Timestamp, Topic,
    Updates, View, Workstream, WorkstreamName,
};
use crate::store::annals::mark_of_agent;
use crate::store::records::When;
use crate::store::{log, past, presence, records};

use super::{Snapshot, damage, stray};

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

    fn workstreams(&self) -> Result<Vec<Workstream>, Fault> {
        let (mut found, _) = self.all_workstreams()?;
        found.sort_by(|one, two| (one.priority, &one.name).cmp(&(two.priority, &two.name)));
        Ok(found)
    }

    fn workstream_names(&self) -> Result<Vec<String>, Fault> {
        self.stems(path::WORKSTREAMS)
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
        let names = self.list(&shard)?.into_iter();
        let ids = names.filter_map(|entry| TaskId::parse(entry.name.strip_suffix(".yaml")?));
        Ok(ids.filter(|id| id.as_str().starts_with(reference.prefix())).collect())
    }

    fn tasks(&self) -> Result<Rc<[SeenTask]>, Fault> {
        Ok(Rc::clone(&self.all_tasks()?.0))
    }

    fn candidates<'v>(
        &'v self,
        workstream: &WorkstreamName,
        held: bool,
    ) -> Result<Box<dyn Iterator<Item = Result<Candidate, Fault>> + 'v>, Fault> {
        let candidates = self.queue()?.candidates(self.repo, workstream.as_str(), held);
        Ok(Box::new(candidates.map(|candidate| candidate.map_err(Fault::from))))
    }

    fn is_done(&self, id: TaskId) -> Result<bool, Fault> {
        // Done on another branch is not done here: without a word of its own file there is nothing to look at.
        if !self.queue()?.is_done_in_file(id) {
            return Ok(false);
        }
        Ok(self.task(id)?.is_some_and(|seen| seen.is_landed_done()))
    }

    fn agent(&self, id: &AgentId) -> Result<Option<Agent>, Fault> {
        let path = path::of_agent(id);
        let Some(stored) = self.file(&path)? else { return Ok(None) };
        let decoded = codec::agent::decode(&stored.bytes, id);
        decoded.map(Some).map_err(|problem| Fault::Damaged(damage(&path, problem)))
    }

    fn agents(&self) -> Result<Vec<Agent>, Fault> {
        Ok(self.all_agents()?.0)
    }

    fn agent_names(&self) -> Result<Vec<String>, Fault> {
        self.stems(path::AGENTS)
    }

    fn last_seen(&self, agent: &str) -> Result<Option<Timestamp>, Fault> {
        if self.last_seen.get().is_none() {
            let _already = self.last_seen.set(self.of_log(|annals| Ok(log::last_seen(annals)))?);
        }
        let logged = self.last_seen.get().and_then(|seen| seen.get(&mark_of_agent(agent)).copied());
        let seen = presence::seen(self.repo.common_dir(), agent);
        Ok(logged.max(seen.filter(|at| self.when.has_seen(*at))))
    }

    fn knowledge(&self, topic: &Topic) -> Result<Option<Knowledge>, Fault> {
        let path = path::of_knowledge(topic);
        let Some(stored) = self.file(&path)? else { return Ok(None) };
        let decoded = codec::knowledge::decode(&stored.bytes, topic);
        decoded.map(Some).map_err(|problem| Fault::Damaged(damage(&path, problem)))
    }

    fn topics(&self) -> Result<Vec<Topic>, Fault> {
        let files = self.topic_files()?;
        self.repo.prefetch(files.iter().filter(|(_, entry)| entry.is_blob()).map(|(_, entry)| entry.id));
        let files = files.into_iter();
        let mut topics: Vec<Topic> = files
            .filter_map(|(path, _)| match path::place(&path) {
                path::Place::Knowledge(topic) => Some(topic),
                _ => None,
            })
            .collect();
        topics.sort();
        Ok(topics)
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

    fn damage(&self) -> Result<Vec<Damage>, Fault> {
        let mut broken = self.all_workstreams()?.1;
        broken.extend(self.all_agents()?.1);
        broken.extend(self.all_tasks()?.1.iter().cloned());
        let topics = self.topic_files()?;
        let blobs = topics.iter().map(|(_, entry)| entry).filter(|entry| entry.is_blob());
        self.repo.prefetch(blobs.map(|entry| entry.id));
        for (path, entry) in topics {
            let path::Place::Knowledge(topic) = path::place(&path) else {
                broken.push(stray(&path));
                continue;
            };
            match self.stored(&path, &entry) {
                Ok(stored) => {
                    if let Err(problem) = codec::knowledge::decode(&stored.bytes, &topic) {
                        broken.push(damage(&path, problem));
                    }
                }
                Err(Fault::Damaged(damage)) => broken.push(damage),
                Err(other) => return Err(other),
            }
        }
        broken.sort_by(|one, two| one.path.cmp(&two.path));
        Ok(broken)
    }
}
