//! The event log, read from history.
//!
//! Every commit's message is searched for event lines; copies of an event (rebase, cherry-pick, squash
//! with its commits still around) count once, by id. What a commit changes on the board without a line of
//! ours saying so, by hand or in a squash whose message was cut, is derived from the difference of its
//! boards and marked so. Commits before the board's birth are not walked. Where events stand is told by
//! [`Annals`]; here they are read, and those of the locks put between them.
//!
//! A message that a mutation of ours wrote is believed to explain its commit; whether it does is for a
//! verification of history to prove, not for each reading of it.

use std::collections::{HashMap, HashSet};

use crate::codec::{message, ref_name};
use crate::git::{GitError, Oid, Repo, Target};
use crate::model::{Event, EventFilter, EventId, Log, Recent, Timestamp, Updates};

use super::annals::{self, Annals, Broken, Entry};
use super::records::{self, When};

/// What can go wrong: with git, or with what was kept, which is then read anew.
pub(super) type Attempt<T> = Result<Result<T, Broken>, GitError>;

/// Reads events, one commit after the other.
struct Reader<'r> {
    repo: &'r Repo,
    last: Option<(Oid, Vec<Event>)>,
}

impl Reader<'_> {
    fn event(&mut self, entry: &Entry) -> Result<Option<Event>, GitError> {
        if self.last.as_ref().is_none_or(|(commit, _)| *commit != entry.commit) {
            let commit = self.repo.commit(entry.commit)?;
            self.last = Some((entry.commit, annals::events_of(self.repo, &commit)?));
        }
        let events = self.last.as_ref().map(|(_, events)| events.as_slice()).unwrap_or_default();
        Ok(events.get(entry.place()).cloned())
    }
}

/// The events that fit, those of the locks among them, oldest first.
pub(super) fn select(repo: &Repo, annals: &Annals<'_>, filter: &EventFilter, when: When) -> Attempt<Log> {
    let most = filter.last.unwrap_or(usize::MAX);
    let agent = filter.agent.as_deref().map(annals::mark_of_agent);
    let actions: Vec<u32> = filter.actions.iter().map(|word| annals::mark_of_action(word)).collect();
    let first = filter.from_last.as_deref().map(annals::mark_of_action);
    let may_fit = |entry: &Entry| {
        agent.is_none_or(|agent| entry.agent() == agent)
            && (actions.is_empty() || actions.iter().any(|action| entry.may_be(*action)))
            && filter.since.is_none_or(|since| entry.at() >= since)
            && filter.task.is_none_or(|task| entry.task() == Some(task))
    };
    let mut found: Vec<(Entry, Event)> = Vec::new();
    // Where the oldest that may be shown stands, once it is known: what is older is not shown either.
    let mut oldest = None;
    let told = read_newest(
        repo,
        annals,
        &mut found,
        |_, entry| may_fit(entry) || first.is_some_and(|first| entry.may_be(first)),
        |found, entry, event| {
            let is_first = filter.begins_with(&event);
            if filter.fits(&event) {
                found.push((*entry, event));
            }
            if is_first || found.len() >= most {
                oldest = Some(entry.peak);
            }
            oldest.is_none()
        },
    )?;
    if let Err(broken) = told {
        return Ok(Err(broken));
    }
    found.reverse();
    let locks = match lock_events(repo, annals, filter, (oldest, when))? {
        Ok(locks) => locks,
        Err(broken) => return Ok(Err(broken)),
    };
    let mut events = Vec::with_capacity(found.len() + locks.len());
    let mut locks = locks.into_iter().peekable();
    for (entry, event) in found {
        while let Some((_, lock)) = locks.next_if(|(at, _)| *at < entry.peak) {
            events.push(lock);
        }
        events.push(event);
    }
    events.extend(locks.map(|(_, event)| event));
    events.drain(..events.len().saturating_sub(most));
    Ok(Ok(Log { events, board_events: annals.count(), is_cut: annals.is_cut }))
}

/// The newest events of workstreams.
pub(super) fn newest(
    repo: &Repo,
    annals: &Annals<'_>,
    of: &Recent<'_>,
) -> Attempt<HashMap<String, Vec<Event>>> {
    let mut found = of.collection();
    let told = read_newest(
        repo,
        annals,
        &mut found,
        |found, entry| found.may_want(entry.task(), entry.names_workstream()),
        |found, _, event| {
            found.add(event);
            !found.is_full()
        },
    )?;
    Ok(told.map(|()| found.into_events()))
}

/// Reads from the newest on those events of the board that may be wanted, for as long as `take` says.
fn read_newest<Found>(
    repo: &Repo,
    annals: &Annals<'_>,
    found: &mut Found,
    may_want: impl Fn(&Found, &Entry) -> bool,
    mut take: impl FnMut(&mut Found, &Entry, Event) -> bool,
) -> Attempt<()> {
    let mut reader = Reader { repo, last: None };
    let mut failed = None;
    let told = annals.each(&mut |entry| {
        if !may_want(found, entry) {
            return true;
        }
        match reader.event(entry) {
            Ok(event) => event.is_none_or(|event| take(found, entry, event)),
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    });
    failed.map_or(Ok(told), Err)
}

/// Every event, oldest first, one after the other.
pub(super) fn stream(
    repo: &Repo,
    annals: &Annals<'_>,
    when: When,
    take: &mut dyn FnMut(Event) -> bool,
) -> Attempt<()> {
    let mut entries = Vec::new();
    let told = annals.each(&mut |entry| {
        entries.push(*entry);
        true
    });
    if let Err(broken) = told {
        return Ok(Err(broken));
    }
    let locks = match lock_events(repo, annals, &EventFilter::default(), (None, when))? {
        Ok(locks) => locks,
        Err(broken) => return Ok(Err(broken)),
    };
    let mut locks = locks.into_iter().peekable();
    let mut reader = Reader { repo, last: None };
    for entry in entries.iter().rev() {
        while let Some((_, lock)) = locks.next_if(|(at, _)| *at < entry.peak) {
            if !take(lock) {
                return Ok(Ok(()));
            }
        }
        if let Some(event) = reader.event(entry)?
            && !take(event)
        {
            return Ok(Ok(()));
        }
    }
    let _all = locks.all(|(_, lock)| take(lock));
    Ok(Ok(()))
}

/// The events of the locks that fit, in order, with the time at which they stand. A lock's own events stay in
/// their order, also where a clock went back between them. None is looked for that stands before `oldest`, or that
/// had not happened yet; and of one lock no more than are to be shown in all, for its chain may be long.
fn lock_events(
    repo: &Repo,
    annals: &Annals<'_>,
    filter: &EventFilter,
    (oldest, when): (Option<i64>, When),
) -> Attempt<Vec<(i64, Event)>> {
    let mut found = Vec::new();
    if !filter.may_fit_locks() {
        return Ok(Ok(found));
    }
    let most = filter.last.unwrap_or(usize::MAX);
    // A lock that an import brought carries an event that the board has too.
    let mut imported: Option<HashSet<EventId>> = None;
    for (name, tip) in repo.list_refs(ref_name::LOCKS)? {
        let key = records::key_of_lock(repo, &name, &Target::Object(tip))?;
        let (mut next, mut at, mut taken) = (Some(tip), i64::MAX, 0);
        while let Some(commit) = next.filter(|_| taken < most) {
            // One that can't be read tells nothing; those before it do.
            let Some(read) = records::read(repo, commit, Some(&key))? else { break };
            next = read.parent;
            let Some(event) = read.record.event else { continue };
            at = at.min(event.ts.millis());
            if oldest.is_some_and(|oldest| at < oldest) {
                break;
            }
            if !when.has_seen(event.ts) || !filter.fits(&event) {
                continue;
            }
            if imported.is_none() {
                imported = match imported_ids(repo, annals)? {
                    Ok(ids) => Some(ids),
                    Err(broken) => return Ok(Err(broken)),
                };
            }
            let is_told = |id| imported.as_ref().is_some_and(|ids| ids.contains(id));
            if !event.id.as_ref().is_some_and(is_told) {
                taken += 1;
                found.push((at, event));
            }
        }
    }
    found.sort_by(|(one_at, one), (two_at, two)| (one_at, &one.id).cmp(&(two_at, &two.id)));
    Ok(Ok(found))
}

/// The ids of the events that imports brought.
fn imported_ids(repo: &Repo, annals: &Annals<'_>) -> Attempt<HashSet<EventId>> {
    let commits = match annals.imports() {
        Ok(commits) => commits,
        Err(broken) => return Ok(Err(broken)),
    };
    let mut ids = HashSet::new();
    for commit in commits {
        let events = annals::events_of(repo, &repo.commit(commit)?)?;
        ids.extend(events.into_iter().filter_map(|event| event.id));
    }
    Ok(Ok(ids))
}

/// When each task was last spoken of.
pub(super) fn updates(annals: &Annals<'_>) -> Result<Updates, Broken> {
    let mut tasks = HashMap::new();
    let mut newest: Option<Timestamp> = None;
    annals.each(&mut |entry| {
        newest = newest.max(Some(entry.at()));
        if let Some(task) = entry.task() {
            let known = tasks.entry(task).or_insert(entry.at());
            *known = entry.at().max(*known);
        }
        true
    })?;
    Ok(Updates { tasks, newest, events: annals.count(), is_cut: annals.is_cut })
}

/// When each agent, by what stands for its name, acted last.
pub(super) fn last_seen(annals: &Annals<'_>) -> Result<HashMap<u64, Timestamp>, Broken> {
    let mut seen: HashMap<u64, Timestamp> = HashMap::new();
    annals.each(&mut |entry| {
        let known = seen.entry(entry.agent()).or_insert(entry.at());
        *known = entry.at().max(*known);
        true
    })?;
    Ok(seen)
}

/// The digests of imports.
pub(super) fn imports(repo: &Repo, annals: &Annals<'_>) -> Attempt<Vec<String>> {
    let commits = match annals.imports() {
        Ok(commits) => commits,
        Err(broken) => return Ok(Err(broken)),
    };
    let mut digests = Vec::new();
    for commit in commits {
        let message = repo.commit(commit)?.message;
        digests.extend(message::values(&message, message::IMPORT).map(str::to_owned));
    }
    Ok(Ok(digests))
}
