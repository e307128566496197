//! `undo`: the inverse of a mutation, as a new mutation with events of its own.
//!
//! History is never rewritten: what is undone stays in the log, and the event that undoes it names it in its field
//! `undoes`. The inverse is told by the action that it is (a claim is undone by a release, a creation by a deletion),
//! so that whoever reads the log needs no other rule. Only the fields that the mutation changed go back to what they
//! were; a field that has changed since, or something that was built on the change, is a reason to refuse. An
//! epoch never goes back, and a claim's record goes with its task by compare-and-swap.
//!
//! Undone as a whole is what was done as a whole: one mutation is one commit. One event of a commit with several can be
//! undone where no other of them is about the same entry. Not undone: locks (they are released), events of
//! somebody's own and of cycles (they change nothing), imports and hand edits (git reverts them).

mod case;
mod entry;
mod task;

use std::collections::HashSet;

use crate::model::{
    Change, Code, Context, Deed, EntityKey, Event, EventFilter, Known, Named, Operation, Origin, Passage,
    Refusal, View, positional,
};

use case::{Case, Inverse, id_of, short};

/// How many of the newest events are looked at, in turns, for the one to undo.
const LOOKS: [usize; 4] = [64, 1024, 16_384, usize::MAX];
/// The fewest digits that name a change, as in git: with fewer nearly any word would name some change or other.
const FEWEST: usize = 4;

/// The inverse of an earlier mutation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undo {
    /// The beginning of an event's id, or of a commit's. None: the last mutation that can be undone, of the agent that
    /// acts, or of anybody where nobody in particular does.
    pub what: Option<String>,
}

/// What was undone, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The commit that had done it, 40 hex digits.
    pub commit: String,
    /// The events that are undone.
    pub undone: Vec<Event>,
    /// The events that undo them.
    pub events: Vec<Event>,
    /// A sentence on each entry that changed.
    pub told: Vec<String>,
}

impl Operation for Undo {
    type Outcome = Undone;

    fn plan(&self, view: &dyn View, context: &Context<'_>) -> Result<Change<Undone>, Refusal> {
        let (commit, event) = match &self.what {
            Some(word) => find(view, word)?,
            None => latest(view, context)?,
        };
        let deed = view.deed(&commit)?.ok_or_else(|| {
            Refusal::new(Code::NotFound, format!("commit {} is not here", short(&commit)))
                .hint("orchestrator events")
        })?;
        let is_whole = match (&event, &self.what) {
            (None, _) => true,
            // Nothing was named: the last mutation, as a whole.
            (Some(_), None) => deed.origin == Origin::Mutation,
            (Some(_), Some(_)) => false,
        };
        let event = event.filter(|_| !is_whole);
        check_origin(&deed, event.as_ref())?;
        let parts = match &event {
            Some(event) => vec![part_of(&deed, event)?],
            None => parts_of(&deed)?,
        };
        let without = |of: fn(&Passage) -> &Known| {
            let tasks = parts.iter().filter_map(move |(key, passage)| match key {
                EntityKey::Task(id) if *of(passage) == Known::Absent => Some(*id),
                _ => None,
            });
            tasks.collect()
        };
        let (going, coming) = (without(|passage| &passage.before), without(|passage| &passage.after));
        let case = Case { view, context, commit: &commit, going, coming };
        let mut undone = Undone { commit: commit.clone(), undone: vec![], events: vec![], told: vec![] };
        let mut change = Change::nothing(());
        for (key, passage) in parts.iter().rev() {
            let inverse = inverse(&case, key, passage)?;
            change.edits.push(inverse.edit);
            change.records.extend(inverse.record);
            change.events.extend(inverse.events);
            undone.told.push(inverse.told);
            undone.undone.extend(passage.events.iter().cloned());
        }
        undone.events.clone_from(&change.events);
        change.subject = subject(&undone, &parts);
        let ids: Vec<String> = undone.undone.iter().map(id_of).collect();
        change.body = format!(
            "{} undid {} of commit {}.",
            context.actor.id(),
            if ids.len() == 1 { format!("event {}", ids[0]) } else { format!("{} events", ids.len()) },
            short(&commit)
        );
        Ok(change.with_outcome(undone))
    }
}

/// `undo the claim of 299833bc Add payments`.
fn subject(undone: &Undone, parts: &[&(EntityKey, Passage)]) -> String {
    match (undone.undone.as_slice(), parts) {
        ([event], [(key, passage)]) => {
            let title = match passage.after.version().or(passage.before.version()).map(|known| &known.entity)
            {
                Some(crate::model::Entity::Task(task)) => format!(" {}", task.title),
                Some(_) | None => String::new(),
            };
            format!("undo {} {}{title}", event.action.word(), key.name())
        }
        (events, _) => format!("undo {} changes of {}", events.len(), short(&undone.commit)),
    }
}

/// The commit, and the event if one is meant, that a word names.
fn find(view: &dyn View, word: &str) -> Result<(String, Option<Event>), Refusal> {
    let digits = word.bytes().filter(|byte| *byte != b'-').count();
    if digits < FEWEST && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) {
        return Err(Refusal::new(
            Code::Usage,
            format!(
                "`{}` is too short for the id of an event or a commit: at least {FEWEST} hex digits; \
                 it is no number of steps either",
                word.escape_debug()
            ),
        )
        .hint("orchestrator events --json"));
    }
    let found = view.named(word)?;
    let refuse = |code, what: String| Err(Refusal::new(code, what).hint("orchestrator events --json"));
    match found.as_slice() {
        [Named::Event { commit, event }] => Ok((commit.clone(), Some(event.clone()))),
        [Named::Commit(commit)] => Ok((commit.clone(), None)),
        [Named::OfLock(event)] => {
            let resource = event.text("resource").unwrap_or_default();
            Err(Refusal::new(
                Code::Transition,
                format!("`{}` is an event of a lock; a lock is released, not undone", word.escape_debug()),
            )
            .hint(format!("orchestrator lock show {}", positional(resource))))
        }
        [] => refuse(
            Code::NotFound,
            format!("no event and no commit of this board begins with `{}`", word.escape_debug()),
        ),
        several => {
            let named: Vec<String> = several
                .iter()
                .take(5)
                .map(|one| match one {
                    Named::Event { event, .. } | Named::OfLock(event) => {
                        format!("event `{}` ({})", id_of(event), event.action.word())
                    }
                    Named::Commit(commit) => format!("commit `{commit}`"),
                })
                .collect();
            let more = if several.len() > 5 { ", …" } else { "" };
            refuse(Code::Ambiguous, format!("`{}` may mean {}{more}", word.escape_debug(), named.join(", ")))
        }
    }
}

/// The last event that can be undone and is not: each step back goes one further.
fn latest(view: &dyn View, context: &Context<'_>) -> Result<(String, Option<Event>), Refusal> {
    for last in LOOKS {
        let log = view.events(&EventFilter { last: Some(last), ..EventFilter::default() })?;
        let mut undone: HashSet<&str> = HashSet::new();
        for event in log.events.iter().rev() {
            let id = event.id.as_ref().map_or("", |id| id.as_str());
            if undone.contains(id) {
                continue;
            }
            undone.extend(event.undoes());
            let is_mine = context.actor.agent.as_ref().is_none_or(|agent| agent.as_str() == event.agent);
            let can_be = matches!(EntityKey::of(event), Some(key) if !matches!(key, EntityKey::Lock(_)));
            let is_own = !event.derived && event.line.is_none() && event.undoes().next().is_none();
            if is_mine && can_be && is_own {
                return match view.named(id)?.into_iter().next() {
                    Some(Named::Event { commit, event }) => Ok((commit, Some(event))),
                    Some(Named::Commit(_) | Named::OfLock(_)) | None => Err(nothing(context)),
                };
            }
        }
        if log.events.len() < last {
            break;
        }
    }
    Err(nothing(context))
}

fn nothing(context: &Context<'_>) -> Refusal {
    let whose = context.actor.agent.as_ref().map(|agent| format!(" of `{agent}`")).unwrap_or_default();
    Refusal::new(Code::NotFound, format!("there is no change{whose} left to undo"))
        .hint("orchestrator events")
}

/// Refuses commits that git alone can revert.
fn check_origin(deed: &Deed, event: Option<&Event>) -> Result<(), Refusal> {
    let commit = short(&deed.commit);
    let refuse = |what: String, how: String| Err(Refusal::new(Code::Transition, what).hint(how));
    if event.is_some_and(|event| event.derived) {
        return refuse(
            format!("that was no command, but a change by hand in commit {commit}; git reverts it"),
            format!("git revert {commit}"),
        );
    }
    match deed.origin {
        Origin::Import => refuse(
            format!("commit {commit} is an import; it can't be undone in part"),
            format!("git revert {commit}"),
        ),
        Origin::Merge => refuse(
            format!("commit {commit} is a merge; what it brought is undone commit by commit"),
            format!("git revert -m 1 {commit}"),
        ),
        Origin::Mutation | Origin::Foreign => Ok(()),
    }
}

/// The part of one event, where it stands alone.
fn part_of<'d>(deed: &'d Deed, event: &Event) -> Result<&'d (EntityKey, Passage), Refusal> {
    let key = EntityKey::of(event);
    let part = deed.parts.iter().find(|(known, _)| Some(known) == key.as_ref());
    let Some(part) = part else {
        return Err(Refusal::new(
            Code::Transition,
            format!("{} changed no entry of the board; there is nothing to undo", event.action.word()),
        )
        .hint("orchestrator events"));
    };
    if part.1.events.len() > 1 {
        let (kind, name) = (part.0.kind(), part.0.name());
        return Err(Refusal::new(
            Code::Transition,
            format!(
                "commit {} has {} events of {kind} `{name}`; they can only be undone together",
                short(&deed.commit),
                part.1.events.len()
            ),
        )
        .hint(format!("the whole commit: orchestrator undo {}", deed.commit)));
    }
    Ok(part)
}

/// All parts of a commit, each of which its events explain.
fn parts_of(deed: &Deed) -> Result<Vec<&(EntityKey, Passage)>, Refusal> {
    let commit = short(&deed.commit);
    if deed.parts.is_empty() {
        return Err(Refusal::new(
            Code::Transition,
            format!("commit {commit} changed no entry of the board; there is nothing to undo"),
        )
        .hint("orchestrator events"));
    }
    let is_told = |(_, passage): &(EntityKey, Passage)| {
        !passage.events.is_empty() && passage.events.iter().all(|event| !event.derived)
    };
    if let Some((key, _)) = deed.parts.iter().find(|part| !is_told(part)) {
        return Err(Refusal::new(
            Code::Transition,
            format!("commit {commit} changed {} `{}` by hand; git reverts it", key.kind(), key.name()),
        )
        .hint(format!("git revert {commit}")));
    }
    Ok(deed.parts.iter().collect())
}

/// What it takes to bring the entry of `key` back.
fn inverse(case: &Case<'_>, key: &EntityKey, passage: &Passage) -> Result<Inverse, Refusal> {
    // What can't be read is not what was not there: on that nothing is undone.
    if let Some(why) = passage.unknown() {
        return Err(entry::unknown(key, why));
    }
    match key {
        EntityKey::Task(id) => case.task(*id, key, passage),
        EntityKey::Workstream(name) => case.workstream(name, key, passage),
        EntityKey::Agent(id) => case.agent(id, key, passage),
        EntityKey::Knowledge(topic) => case.knowledge(topic, key, passage),
        EntityKey::Lock(_) => Err(Refusal::new(Code::Internal, "a commit of the board changes no lock")),
    }
}

#[cfg(test)]
mod tests;
