//! Records: each held against the one before it, against its event, and against the board commit that it names.

use std::collections::HashMap;

use crate::model::{
    Action, Before, Event, Finish, Link, Nonce, Record, RecordKey, Span, Standing, Status, Task, TaskId,
    Whence,
};

use super::{Finding, Judge, Severity, content, is_undoing, number};

/// What is wrong: a word and a sentence.
type Wrong = (&'static str, String);

/// Claims as the archive has them last: a chain that begins after that goes on from there.
#[derive(Debug, Default)]
pub(super) struct Shelved {
    last: HashMap<TaskId, (u64, Option<Nonce>)>,
    /// The chain whose records are looked at, and whether the archived record is one of them: then it is the older one.
    chain: (String, bool),
}

impl Shelved {
    /// Takes the next record: those of the archive come first, and each chain from its end. What is wrong with one that
    /// begins below what is archived.
    fn below(&mut self, link: &Link) -> Option<Wrong> {
        let RecordKey::Claim(id) = &link.record.key else { return None };
        let record = &link.record;
        if link.commit.is_empty() {
            self.last.insert(*id, (record.epoch, record.nonce.clone()));
            return None;
        }
        let (epoch, nonce) = self.last.get(id)?;
        if self.chain.0 != link.name {
            self.chain = (link.name.clone(), false);
        }
        self.chain.1 |= nonce.is_some() && *nonce == record.nonce;
        let is_anew = matches!(record.standing, Standing::Held { .. })
            && record.event.as_ref().is_some_and(|event| !is_undoing(event));
        let least = epoch.saturating_add(u64::from(is_anew));
        let is_below = link.before == Before::Nothing && !self.chain.1 && record.epoch < least;
        is_below.then(|| {
            let what = format!("its chain begins with epoch {}, and epoch {epoch} is archived", record.epoch);
            ("epoch_back", what)
        })
    }
}

/// Whether a lock was broken whose record could not be read: counting goes on from the milliseconds since 1970 then, and
/// nothing may be left of what was before.
fn is_new_beginning(record: &Record) -> bool {
    let Some(event) = &record.event else { return false };
    let is_of_unknown = event.text("released_from") == Some("unknown");
    let floor = u64::try_from(event.ts.millis()).unwrap_or(u64::MAX);
    matches!((&record.key, &record.standing), (RecordKey::Lock(_), Standing::Free))
        && is_of_unknown
        && record.epoch > floor
}

impl Judge {
    fn of_record(&mut self, severity: Severity, link: &Link, (code, what): Wrong) {
        let short = |commit: &String| Some(commit.clone()).filter(|commit| !commit.is_empty());
        self.add(Finding {
            severity,
            code,
            commit: short(&link.commit),
            reference: Some(link.name.clone()),
            path: None,
            event: link.record.event.as_ref().and_then(|event| event.id.as_ref()).map(ToString::to_string),
            what,
        });
    }

    /// Takes note of an epoch that a record knows, for chains that begin above it.
    pub fn epoch(&mut self, record: &Record) {
        if let RecordKey::Claim(id) = &record.key {
            self.epochs.insert((*id, record.epoch));
        }
    }

    /// The next record. After all commits.
    pub fn link(&mut self, link: &Link) {
        self.found.records += 1;
        let record = &link.record;
        if let Standing::Unreadable { why } = &record.standing {
            self.of_record(Severity::Error, link, ("record_unreadable", format!("no record: {why}")));
            return;
        }
        let odd = link.oddities.iter().map(|what| ("record_mismatch", what.clone()));
        let mut wrongs: Vec<Wrong> = odd.collect();
        wrongs.extend(self.shelved.below(link));
        match &record.event {
            Some(event) => {
                wrongs.extend(unlike(record, event, link.is_import));
                let id = event.id.as_ref().map(|id| number(id.as_str()));
                if let Some((says, first)) = id.and_then(|id| self.ids.get(&id))
                    && *says != content(event)
                {
                    let what = format!("its event says something else in commit {first}");
                    wrongs.push(("record_mismatch", what));
                }
                if let Some(author) =
                    link.author.as_ref().filter(|_| event.agent != "system" && !link.is_import)
                    && *author != event.agent
                {
                    let what = format!("its author is `{author}`, its event is by `{}`", event.agent);
                    wrongs.push(("author", what));
                }
                let latest = self.now.plus(self.slack);
                if event.ts > latest {
                    wrongs.push(("future", format!("its event is of {}", event.ts)));
                }
            }
            None => wrongs.push(("record_mismatch", "it carries no event".to_owned())),
        }
        if let Some((severity, what)) =
            record.event.as_ref().and_then(|event| self.claims.doubled(event, &link.commit))
        {
            self.of_record(severity, link, ("double_claim", what));
        }
        if link.before == Before::Nothing && is_new_beginning(record) {
            let what = format!(
                "its chain begins with epoch {}: the lock was broken there, since its record could not be read",
                record.epoch
            );
            self.of_record(Severity::Warning, link, ("record_gap", what));
        }
        wrongs.extend(self.succession(link));
        for wrong in wrongs {
            self.of_record(Severity::Error, link, wrong);
        }
        self.whence(link);
    }

    /// What is wrong between a record and the one before it.
    fn succession(&self, link: &Link) -> Vec<Wrong> {
        let record = &link.record;
        match &link.before {
            Before::Unknown => Vec::new(),
            Before::Missing(parent) => {
                let what = format!("the record before it, {}, is not there", &parent[..parent.len().min(12)]);
                vec![("record_gap", what)]
            }
            Before::Nothing => match &record.key {
                RecordKey::Lock(_) if record.epoch > 1 && !link.is_import && !is_new_beginning(record) => {
                    let what = format!("its chain begins with epoch {}, not 1", record.epoch);
                    vec![("record_gap", what)]
                }
                // A claim goes on from the epoch of a file, which may be on no board any more.
                RecordKey::Lock(_) | RecordKey::Claim(_) => Vec::new(),
            },
            Before::Record(before) if matches!(before.standing, Standing::Unreadable { .. }) => Vec::new(),
            Before::Record(before) => {
                let mut wrongs = match &record.key {
                    RecordKey::Lock(_) => lock(before, record, link.is_import),
                    RecordKey::Claim(id) => self.claim(*id, before, record, link.commit.is_empty()),
                };
                if let (Some(one), Some(two)) = (&before.event, &record.event)
                    && two.ts.plus(self.slack) < one.ts
                    && two.line.is_none()
                {
                    wrongs.push((
                        "time_back",
                        format!("its event is of {}, the one before of {}", two.ts, one.ts),
                    ));
                }
                wrongs
            }
        }
    }

    /// Whether some board, or the archive, knows this epoch of the task.
    fn is_known(&self, id: TaskId, epoch: u64) -> bool {
        epoch == 0 || self.epochs.contains(&(id, epoch))
    }

    fn claim(&self, id: TaskId, before: &Record, record: &Record, is_archived: bool) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        let is_undoing = record.event.as_ref().is_some_and(is_undoing);
        let is_claim = matches!(record.standing, Standing::Held { .. }) && !is_undoing;
        let least = if is_claim { before.epoch.saturating_add(1) } else { before.epoch };
        if record.epoch < least {
            let what = format!("its epoch is {}, after {}", record.epoch, before.epoch);
            wrongs.push(("epoch_back", what));
        } else if record.epoch > least && !is_archived {
            let needed = if is_claim { record.epoch - 1 } else { record.epoch };
            if !self.is_known(id, needed) {
                let what = format!(
                    "its epoch is {}, after {}; no board knows what was between",
                    record.epoch, before.epoch
                );
                wrongs.push(("record_gap", what));
            }
        }
        if is_archived && record.nonce.is_some() && record.nonce == before.nonce {
            let same = |one: &Record| (one.standing.clone(), one.epoch, one.event.clone());
            if same(before) != same(record) {
                wrongs.push(("record_mismatch", "it was changed where it lies".to_owned()));
            }
        }
        wrongs
    }

    /// What is wrong with the board commit that a record names.
    fn whence(&mut self, link: &Link) {
        let record = &link.record;
        let RecordKey::Claim(_) = &record.key else { return };
        let named = record.board.as_ref().map(|point| point.commit.chars().take(12).collect::<String>());
        let named = named.unwrap_or_default();
        let (carries, lost) = match &link.whence {
            Whence::Unnamed => {
                let what = "it names no commit of a board".to_owned();
                return self.of_record(Severity::Error, link, ("foreign_commit", what));
            }
            Whence::Told { carries } => (carries, None),
            Whence::Lost { is_announced, branch, carries } => (carries, Some((is_announced, branch))),
        };
        if *carries == Some(false) {
            let what = format!("it names commit {named}, which does not carry its event");
            return self.of_record(Severity::Error, link, ("foreign_commit", what));
        }
        let is_known =
            record.event.as_ref().and_then(|event| event.id.as_ref()).is_some_and(|id| self.knows(id));
        let Some((false, branch)) = lost.filter(|_| !is_known) else { return };
        let told = record.event.as_ref().map_or("it", |event| event.action.word());
        match branch {
            Some((_, task)) if bears_out(task.as_deref(), link) => {}
            Some((name, _)) => {
                let what =
                    format!("`{told}` was made in commit {named} on `{name}`, and is on no branch now");
                self.of_record(Severity::Error, link, ("rewritten", what));
            }
            None if link.is_latest => {
                let what = format!("`{told}` was made in commit {named} on a branch that is gone");
                self.of_record(Severity::Note, link, ("branch_gone", what));
            }
            None => {}
        }
    }
}

/// Whether a task shows what a record speaks of, although no event does: a squash whose message was cut.
fn bears_out(task: Option<&Task>, link: &Link) -> bool {
    let record = &link.record;
    let Some(task) = task.filter(|task| task.epoch >= record.epoch) else { return false };
    if !link.is_latest || task.epoch > record.epoch {
        return true;
    }
    match (&record.standing, &task.status) {
        (Standing::Held { agent, .. }, status) => {
            status.is_over() || status.claim().is_some_and(|claim| claim.agent == *agent)
        }
        (Standing::Completed { finish: Finish::Done, .. }, Status::Done { .. })
        | (Standing::Completed { finish: Finish::Cancelled, .. }, Status::Cancelled { .. }) => true,
        (Standing::Completed { .. }, _) => false,
        (Standing::Free, status) => status.holder().is_none(),
        (Standing::Unreadable { .. }, _) => true,
    }
}

/// What is wrong between two records of a lock.
fn lock(before: &Record, record: &Record, is_import: bool) -> Vec<Wrong> {
    let mut wrongs: Vec<Wrong> = Vec::new();
    let Some(event) = &record.event else { return wrongs };
    let next = before.epoch.saturating_add(1);
    let mut epoch = |least: u64, most: u64| {
        let what = format!("its epoch is {}, after {}", record.epoch, before.epoch);
        if record.epoch < least {
            wrongs.push(("epoch_back", what));
        } else if record.epoch > most {
            wrongs.push(("record_gap", what));
        }
    };
    match (&event.action, &before.standing) {
        (Action::LockAcquired, _) if is_import => epoch(next, u64::MAX),
        (Action::LockAcquired, standing) => {
            epoch(next, next);
            if let (Standing::Held { agent, .. }, Some(end), Standing::Held { since, .. }) =
                (standing, before.expires_at(), &record.standing)
                && *since < end
            {
                let what = format!("{} took it at {since}, and {agent} held it until {end}", event.agent);
                wrongs.push(("record_taken", what));
            }
        }
        (Action::LockRenewed, Standing::Held { agent, .. }) => {
            epoch(before.epoch, before.epoch);
            if agent.as_str() != event.agent {
                let what = format!("{} renewed it, and {agent} held it", event.agent);
                wrongs.push(("record_taken", what));
            }
        }
        (Action::LockReleased, Standing::Held { agent, .. }) => {
            let from = event.text("released_from");
            if from.is_some() {
                epoch(next, u64::MAX);
            } else {
                epoch(before.epoch, before.epoch);
            }
            if agent.as_str() != event.agent && from != Some(agent.as_str()) {
                let what = format!("{} released it, and {agent} held it", event.agent);
                wrongs.push(("record_taken", what));
            }
        }
        (Action::LockRenewed | Action::LockReleased, _) => {
            let what = format!("`{}` of a lock that nobody held", event.action.word());
            wrongs.push(("record_taken", what));
        }
        _ => {}
    }
    wrongs
}

/// What is wrong between a record and the event that it carries.
fn unlike(record: &Record, event: &Event, is_import: bool) -> Vec<Wrong> {
    // What a later version, or an import, says in its own words.
    if matches!(event.action, Action::Custom(_)) {
        return Vec::new();
    }
    let mut wrongs: Vec<Wrong> = Vec::new();
    let mut differ = |field: &str, says: String, told: String| {
        if says != told {
            let what =
                format!("its {field} is `{}`, its event says `{}`", says.escape_debug(), told.escape_debug());
            wrongs.push(("record_mismatch", what));
        }
    };
    // What happened elsewhere has epoch and time from there; here it may go on above what is known, and from now.
    let is_line = event.line.is_some() || is_import;
    match &record.key {
        RecordKey::Claim(id) => {
            differ("task", id.to_string(), event.text("task_id").unwrap_or_default().to_owned())
        }
        RecordKey::Lock(resource) => {
            differ("resource", resource.to_string(), event.text("resource").unwrap_or_default().to_owned());
        }
    }
    if let Some(epoch) = event.fields.get("epoch").and_then(serde_json::Value::as_u64).filter(|_| !is_line) {
        differ("epoch", record.epoch.to_string(), epoch.to_string());
    }
    if let Standing::Held { ttl, .. } = &record.standing {
        let told = event.fields.get("ttl_ms").and_then(serde_json::Value::as_u64);
        let says = ttl.map(Span::millis);
        if says != told && !is_line {
            let words = |ttl: Option<u64>| ttl.map_or_else(|| "none".to_owned(), |ttl| format!("{ttl} ms"));
            differ("term", words(says), words(told));
        }
    }
    // What was undone is as it was: in whoever's hands, since whenever.
    if is_undoing(event) {
        return wrongs;
    }
    let (state, agent, at) = match &record.standing {
        Standing::Held { agent, since, .. } => ("held", Some(agent), Some(since)),
        Standing::Completed { agent, at, finish: Finish::Done, .. } => ("completed", Some(agent), Some(at)),
        Standing::Completed { agent, at, finish: Finish::Cancelled, .. } => {
            ("cancelled", Some(agent), Some(at))
        }
        Standing::Free => ("free", None, None),
        Standing::Unreadable { .. } => return wrongs,
    };
    let told = match &event.action {
        Action::TaskClaimed | Action::LockAcquired | Action::LockRenewed => "held",
        Action::TaskCompleted => "completed",
        Action::TaskCancelled => "cancelled",
        Action::TaskReleased | Action::TaskReopened | Action::TaskBlocked | Action::LockReleased => "free",
        // In the place of one that could not be read: its event tells whose it is, and not when the task was over.
        Action::TaskUpdated => {
            let told = |field: &str| event.text(field).unwrap_or("nothing of the kind").to_owned();
            differ("state", state.to_owned(), told("record"));
            differ("agent", agent.map(ToString::to_string).unwrap_or_default(), told("record_of"));
            return wrongs;
        }
        _ => "nothing of the kind",
    };
    differ("state", state.to_owned(), told.to_owned());
    if let Some(agent) = agent {
        differ("agent", agent.to_string(), event.agent.clone());
    }
    if let Some(at) = at.filter(|_| !is_line) {
        differ("time", at.to_string(), event.ts.to_string());
    }
    wrongs
}
