//! Events that nobody wrote, told from the difference of two boards.
//!
//! A commit that is not ours (a person's edit, a squash, a merge) is compared with its parents; for a
//! merge only what differs from all of them counts. What its own event lines already say is left out.

use sha2::{Digest, Sha256};

use crate::codec::{self, path};
use crate::git::{Commit, Entry, EntryKind, GitError, Repo, TreeChange};
use crate::model::{Action, Event, EventId, Task, Timestamp, Turn};

/// The derived events of `commit`, beyond those that its message `said`.
pub(crate) fn events(repo: &Repo, commit: &Commit, said: &[Event]) -> Result<Vec<Event>, GitError> {
    let mut before = Vec::new();
    for (number, parent) in commit.parents.iter().enumerate() {
        match repo.tree_of(*parent) {
            Ok(tree) => before.push(tree),
            // Beyond the edge of a shallow clone: nothing to compare with.
            Err(GitError::Beyond { .. }) if number == 0 => return Ok(Vec::new()),
            Err(GitError::Beyond { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    let changes = repo.diff_from_all(&before, commit.tree, path::BOARD)?;
    let mut derived = Vec::new();
    for change in &changes {
        for (action, fields) in describe(repo, change)? {
            if !said.iter().any(|event| says(event, &change.path, &action, &fields)) {
                derived.push(event_of(commit, &change.path, action, fields));
            }
        }
    }
    Ok(derived)
}

/// Whether an event tells of a change. A squash tells of each step, its difference only of where they led: a task
/// may have been moved, or finished once more, after what the event says.
fn says(event: &Event, path: &str, action: &Action, fields: &Fields) -> bool {
    if *action == Action::BoardEdited {
        return match path::place(path) {
            // From done into somebody's hands there is no word, but two.
            path::Place::Task(id) => event.action == Action::TaskReopened && event.task_id() == Some(id),
            // Registering again changes the file.
            path::Place::Agent(id) => event.action == Action::AgentRegistered && event.agent == id.as_str(),
            _ => false,
        };
    }
    let about = ["task_id", "topic", "agent_id", "workstream"];
    let key = about.iter().find_map(|key| fields.iter().find(|(field, _)| field == key));
    event.action == *action
        && key.is_some_and(|(key, name)| {
            // An agent registers itself.
            event.text(key) == Some(name.as_str()) || (*key == "agent_id" && event.agent == *name)
        })
}

type Fields = Vec<(&'static str, String)>;

fn event_of(commit: &Commit, path: &str, action: Action, fields: Fields) -> Event {
    let digest = Sha256::digest(format!("{}\n{path}\n{}", commit.id, action.word()));
    let id: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let at = Timestamp::from_millis(commit.author.seconds.saturating_mul(1000));
    let id = EventId::parse(&id).expect("hex digits make an id");
    let mut event = Event::new(at, commit.author.name.clone(), action, id);
    for (field, value) in fields {
        event = event.with(field, value);
    }
    event.derived = true;
    event
}

fn describe(repo: &Repo, change: &TreeChange) -> Result<Vec<(Action, Fields)>, GitError> {
    let edited = || vec![(Action::BoardEdited, vec![("path", change.path.clone())])];
    let (born, gone) = (change.before.is_none(), change.after.is_none());
    Ok(match path::place(&change.path) {
        path::Place::Workstream(name) if gone => {
            vec![(Action::WorkstreamDeleted, vec![("workstream", name.to_string())])]
        }
        path::Place::Workstream(name) => {
            let action = if born { Action::WorkstreamCreated } else { Action::WorkstreamUpdated };
            vec![(action, vec![("workstream", name.to_string())])]
        }
        path::Place::Agent(id) if born => vec![(Action::AgentRegistered, vec![("agent_id", id.to_string())])],
        path::Place::Agent(id) if gone => vec![(Action::AgentDeleted, vec![("agent_id", id.to_string())])],
        path::Place::Agent(_) => edited(),
        path::Place::Knowledge(topic) => {
            let action = if gone { Action::KnowledgeDeleted } else { Action::KnowledgeWritten };
            vec![(action, vec![("topic", topic.to_string())])]
        }
        path::Place::Task(id) => {
            let read = |entry: &Option<Entry>| -> Result<Option<Task>, GitError> {
                // A link or a submodule is no task, whatever its object is.
                let is_file = |entry: &&Entry| matches!(entry.kind, EntryKind::File | EntryKind::Executable);
                let Some(entry) = entry.as_ref().filter(is_file) else { return Ok(None) };
                Ok(codec::task::decode(&repo.blob(entry.id)?, id).ok())
            };
            let (before, after) = (read(&change.before)?, read(&change.after)?);
            match (&before, &after) {
                (None, Some(after)) if born => created(after),
                (Some(before), None) if gone => vec![(Action::TaskDeleted, of_task(before))],
                (Some(before), Some(after)) => moved(before, after).unwrap_or_else(edited),
                (None | Some(_), None) | (None, Some(_)) => edited(),
            }
        }
        // What init plants tells nothing; a later change of it does.
        path::Place::Furniture if born => Vec::new(),
        path::Place::Furniture | path::Place::Stray => edited(),
    })
}

fn of_task(task: &Task) -> Fields {
    vec![("workstream", task.workstream.to_string()), ("task_id", task.id.to_string())]
}

/// The fields of the event of a turn.
fn of_turn(action: &Action, task: &Task) -> Fields {
    let mut fields = of_task(task);
    match action {
        Action::TaskCompleted => fields.extend(task.result.iter().map(|result| ("result", result.clone()))),
        Action::TaskBlocked | Action::TaskCancelled => {
            fields.extend(task.status.reason().map(|reason| ("reason", reason.to_owned())));
        }
        _ => {}
    }
    fields
}

fn created(task: &Task) -> Vec<(Action, Fields)> {
    let mut fields = of_task(task);
    fields.push(("title", task.title.clone()));
    let mut story = vec![(Action::TaskCreated, fields)];
    if let Turn::By(action) = task.status.first_turn() {
        let fields = of_turn(&action, task);
        story.push((action, fields));
    }
    story
}

/// What happened to a task between two states; `None` where no word fits.
fn moved(before: &Task, after: &Task) -> Option<Vec<(Action, Fields)>> {
    let mut story = match before.status.turn_to(&after.status) {
        Turn::None => Vec::new(),
        Turn::By(action) => {
            let fields = of_turn(&action, after);
            vec![(action, fields)]
        }
        Turn::Nameless => return None,
    };
    let rest = Task {
        status: after.status.clone(),
        epoch: after.epoch,
        result: after.result.clone(),
        ..before.clone()
    };
    if rest != *after {
        let mut fields = of_task(after);
        if before.title != after.title {
            fields.push(("title", after.title.clone()));
        }
        if before.workstream != after.workstream {
            fields.push(("from_workstream", before.workstream.to_string()));
        }
        story.push((Action::TaskUpdated, fields));
    }
    (!story.is_empty()).then_some(story)
}
