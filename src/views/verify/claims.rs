//! Claims, each held against all the others: two of one epoch, and changes past this program that contradict the records.
//!
//! The epoch is what tells the claims of a task from each other. In one repository no two have the same, and two clones
//! that share no records may give it twice: then two agents believe that they hold the task. What a record says of an
//! epoch nobody's edit can make untrue; that a task is done, or given back, is told by a record too, whoever squashed
//! the commit that says so.

use std::collections::{HashMap, HashSet};

use crate::model::{
    Action, Event, Exhibit, FileChange, Finish, Place, Saying, Severity, Status, Task, TaskId,
};

use super::imports::Brought;
use super::{Judge, is_undoing};

/// A claim that was told: by whom, and in which commit.
#[derive(Clone, Debug)]
struct Claimed {
    agent: String,
    commit: String,
}

/// What is known of claims.
#[derive(Debug, Default)]
pub(super) struct Claims {
    by_epoch: HashMap<(TaskId, u64), Claimed>,
    said: HashMap<TaskId, Vec<Saying>>,
    /// Tasks with a claim that was reverted: a clone that has no records counts on from the file.
    reverted: HashSet<TaskId>,
}

impl Claims {
    pub(super) fn hear(&mut self, id: TaskId, said: Saying) {
        self.said.entry(id).or_default().push(said);
    }

    /// The other claim of the same epoch, if this event is a claim and another agent has told one.
    fn twin(&mut self, event: &Event, commit: &str) -> Option<(TaskId, u64, Claimed)> {
        if event.action != Action::TaskClaimed || is_undoing(event) || event.line.is_some() {
            return None;
        }
        let id = event.task_id()?;
        let epoch = event.fields.get("epoch").and_then(serde_json::Value::as_u64)?;
        let own = Claimed { agent: event.agent.clone(), commit: commit.to_owned() };
        let first = self.by_epoch.entry((id, epoch)).or_insert(own);
        (first.agent != event.agent).then(|| (id, epoch, first.clone()))
    }

    /// How bad two claims of one epoch are, and what there is to say of them.
    pub(super) fn doubled(&mut self, event: &Event, commit: &str) -> Option<(Severity, String)> {
        let (id, epoch, first) = self.twin(event, commit)?;
        let where_ = match first.commit.get(..12) {
            Some(commit) => format!(" in commit {commit}"),
            None => String::new(),
        };
        let what = format!(
            "{} claimed task {id} with epoch {epoch}, and {} did so with the same epoch{where_}",
            event.agent, first.agent
        );
        let severity = if self.reverted.contains(&id) { Severity::Note } else { Severity::Error };
        Some((severity, what))
    }

    /// What the records of a task say against an edit of it.
    fn against(&self, author: &str, before: &Task, after: &Task) -> Option<(Severity, String)> {
        let said = self.said.get(&after.id)?;
        let highest = said.iter().map(|said| said.epoch).max().unwrap_or(0);
        if after.epoch < before.epoch && highest >= before.epoch {
            let what = format!(
                "its epoch went back from {} to {}, and its record has epoch {highest}",
                before.epoch, after.epoch
            );
            return Some((Severity::Error, what));
        }
        let (had, has) = (before.status.claim(), after.status.claim());
        let mut known = said.iter().filter(|said| said.epoch == after.epoch);
        if let Some(new) =
            has.map(|claim| &claim.agent).filter(|new| had.map(|claim| &claim.agent) != Some(new))
            && known.clone().any(|said| said.agent.is_some())
            && !known.any(|said| said.agent.as_ref() == Some(new))
        {
            let known = said.iter().filter(|said| said.epoch == after.epoch);
            let holder = known.filter_map(|said| said.agent.as_ref()).next_back();
            let holder = holder.map(ToString::to_string).unwrap_or_default();
            let what = format!(
                "it came into the hands of {new}, and its record says that {holder} has it (epoch {})",
                after.epoch
            );
            return Some((Severity::Error, what));
        }
        self.by_another_hand(author, before, after, said)
    }

    /// What a holder has was ended by somebody else, and no record bears it out.
    fn by_another_hand(
        &self,
        author: &str,
        before: &Task,
        after: &Task,
        said: &[Saying],
    ) -> Option<(Severity, String)> {
        let holder = before.status.holder().filter(|holder| holder.as_str() != author)?;
        let is_since = |said: &&Saying| said.epoch >= before.epoch;
        let is_claimed = said
            .iter()
            .filter(is_since)
            .any(|said| said.finish.is_none() && said.agent.as_ref() == Some(holder));
        // What a chain said that was folded into the archive is not known.
        if !is_claimed || said.iter().filter(is_since).any(|said| said.is_archived) {
            return None;
        }
        let ended = |finish: Finish| said.iter().filter(is_since).any(|said| said.finish == Some(finish));
        let is_borne_out = match &after.status {
            Status::Done { .. } => ended(Finish::Done),
            Status::Cancelled { .. } => ended(Finish::Cancelled),
            Status::Pending => {
                said.iter().filter(is_since).any(|said| said.agent.is_none() || said.finish.is_some())
            }
            Status::InProgress(_) | Status::Blocked { .. } => true,
        };
        if is_borne_out {
            return None;
        }
        let what = format!(
            "`{}` made it {}, and by its record {holder} holds it (epoch {})",
            author.escape_debug(),
            after.status.word(),
            before.epoch
        );
        Some((Severity::Warning, what))
    }
}

impl Judge {
    /// Two claims of one epoch, where the second one is told. A claim that an import brings was made on another board,
    /// whose epochs are its own.
    pub(super) fn doubles(&mut self, exhibit: &Exhibit, fresh: &[bool], brought: &Brought) {
        let told = exhibit.events.iter().zip(fresh).filter(|(_, is_fresh)| **is_fresh);
        for (event, _) in told.filter(|(event, _)| !brought.has(event)) {
            if let Some((severity, what)) = self.claims.doubled(event, &exhibit.commit) {
                self.of_event(severity, "double_claim", exhibit, event, what);
            }
        }
    }

    /// Takes note of a claim that was taken back by a revert.
    pub(super) fn takes_back(&mut self, change: &FileChange) {
        if let Place::Task(id) = &change.place {
            self.claims.reverted.insert(*id);
        }
    }

    /// What records say against a change that no event tells of.
    pub(super) fn against_record(
        &self,
        exhibit: &Exhibit,
        change: &FileChange,
    ) -> Option<(Severity, String)> {
        let before = change.before.first()?.task()?;
        self.claims.against(&exhibit.author.name, before, change.after.task()?)
    }
}
