//! Two boards beside each other, for a review: what differs, and what the commits between them say.
//!
//! It costs what changed: trees that are equal are not read, and of history only what the head has and the base
//! has not (where the base is no commit at all: what came since the board's birth). What can't be read at one end
//! is named, and everything else is compared all the same.

use std::collections::{BTreeSet, HashSet};

use crate::codec::{self, message, path};
use crate::git::{Commit, Entry, GitError, Oid, Repo, TreeChange};
use crate::model::{
    Action, Between, Comparison, Damage, End, EntityKey, Event, EventId, Fault, Pair, Point, Status, Step,
    Subject, Task,
};

use super::{annals, snapshot};

/// One end: how people call it, and its commit.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Such as `main`.
    pub(crate) name: String,
    /// None: an empty board.
    pub(crate) commit: Option<Oid>,
}

/// What differs from `base` to `head`, and what happened between.
pub(crate) fn compare(repo: &Repo, base: &Place, head: &Place) -> Result<Comparison, Fault> {
    let trees = (tree_of(repo, base)?, tree_of(repo, head)?);
    let mut found = Comparison {
        base: point(repo, base, trees.0)?,
        head: point(repo, head, trees.1)?,
        workstreams: Vec::new(),
        tasks: Vec::new(),
        agents: Vec::new(),
        knowledge: Vec::new(),
        files: Vec::new(),
        damage: Vec::new(),
        steps: Vec::new(),
        between: Between::Whole,
        absent_tasks: BTreeSet::new(),
        unfinished: BTreeSet::new(),
        absent_workstreams: BTreeSet::new(),
    };
    let after = trees.1.unwrap_or_else(|| repo.empty_tree());
    let changes = repo.diff_trees(trees.0, after, path::BOARD)?;
    repo.prefetch(changes.iter().flat_map(TreeChange::blobs));
    for change in changes {
        let read = Reader { repo, path: &change.path };
        let (before, after, damage) = (&change.before, &change.after, &mut found.damage);
        match path::place(&change.path) {
            path::Place::Workstream(name) => {
                let decode = |bytes: &[u8]| codec::workstream::decode(bytes, &name);
                found.workstreams.extend(read.pair(before, after, damage, decode)?);
            }
            path::Place::Task(id) => {
                let decode = |bytes: &[u8]| codec::task::decode(bytes, id);
                found.tasks.extend(read.pair(before, after, damage, decode)?);
            }
            path::Place::Agent(id) => {
                let decode = |bytes: &[u8]| codec::agent::decode(bytes, &id);
                found.agents.extend(read.pair(before, after, damage, decode)?);
            }
            path::Place::Knowledge(topic) => {
                let decode = |bytes: &[u8]| codec::knowledge::decode(bytes, &topic);
                found.knowledge.extend(read.pair(before, after, damage, decode)?);
            }
            path::Place::Furniture | path::Place::Stray => {
                let pair = Pair { before: before.as_ref().map(|_| ()), after: after.as_ref().map(|_| ()) };
                found.files.push((change.path, pair));
            }
        }
    }
    look_around(repo, after, &mut found)?;
    if let Some(tip) = head.commit {
        history(repo, base.commit, tip, &mut found)?;
    }
    Ok(found)
}

fn tree_of(repo: &Repo, place: &Place) -> Result<Option<Oid>, GitError> {
    place.commit.map(|commit| repo.tree_of(commit)).transpose()
}

fn point(repo: &Repo, place: &Place, tree: Option<Oid>) -> Result<Point, GitError> {
    let has_board = match tree {
        Some(tree) => repo.entry_at(tree, path::BOARD)?.is_some(),
        None => false,
    };
    let commit = place.commit.map(|commit| commit.to_string());
    Ok(Point { name: place.name.clone(), commit, has_board })
}

/// Reads one file at both ends.
struct Reader<'r> {
    repo: &'r Repo,
    path: &'r str,
}

impl Reader<'_> {
    /// The entity at both ends; none where one of them can't be read, which is told as damage.
    fn pair<T: PartialEq>(
        &self,
        before: &Option<Entry>,
        after: &Option<Entry>,
        damage: &mut Vec<(End, Damage)>,
        decode: impl Fn(&[u8]) -> Result<T, codec::Problem>,
    ) -> Result<Option<Pair<T>>, Fault> {
        let mut is_sound = true;
        let mut read = |entry: &Option<Entry>, end: End| -> Result<Option<T>, Fault> {
            let Some(entry) = entry else { return Ok(None) };
            let decoded = snapshot::stored(self.repo, self.path, entry).and_then(|stored| {
                let damaged = |problem| Fault::Damaged(snapshot::damage(self.path, problem));
                decode(&stored.bytes).map_err(damaged)
            });
            match decoded {
                Ok(value) => Ok(Some(value)),
                Err(Fault::Damaged(found)) => {
                    damage.push((end, found));
                    is_sound = false;
                    Ok(None)
                }
                Err(other) => Err(other),
            }
        };
        let pair = Pair { before: read(before, End::Base)?, after: read(after, End::Head)? };
        Ok((is_sound && pair.before != pair.after).then_some(pair))
    }
}

/// What the changed tasks name, as the head has it.
fn look_around(repo: &Repo, tree: Oid, found: &mut Comparison) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for task in found.tasks.iter().filter_map(|pair| pair.after.as_ref()) {
        if repo.entry_at(tree, &path::of_workstream(&task.workstream))?.is_none() {
            found.absent_workstreams.insert(task.workstream.clone());
        }
        for id in task.depends_on.iter().filter(|id| seen.insert(**id)) {
            let path = path::of_task(*id);
            let Some(entry) = repo.entry_at(tree, &path)? else {
                found.absent_tasks.insert(*id);
                continue;
            };
            let task: Option<Task> = match snapshot::stored(repo, &path, &entry) {
                Ok(stored) => codec::task::decode(&stored.bytes, *id).ok(),
                Err(Fault::Damaged(_)) => None,
                Err(other) => return Err(other),
            };
            if !task.is_some_and(|task| matches!(task.status, Status::Done { .. })) {
                found.unfinished.insert(*id);
            }
        }
    }
    Ok(())
}

/// The commits between that tell something of the board.
fn history(repo: &Repo, base: Option<Oid>, tip: Oid, found: &mut Comparison) -> Result<(), Fault> {
    let within = base.map(|base| repo.commits_since(base, tip)).transpose()?;
    if let Some(base) = base
        && repo.merge_base(base, tip)? != Some(base)
    {
        found.between = Between::Diverged;
    }
    let mut told: HashSet<EventId> = HashSet::new();
    let mut visited: HashSet<Oid> = HashSet::from([tip]);
    // A commit, and how many of its parents have been looked at: what lands first is told first.
    let mut open: Vec<(Commit, usize)> = Vec::new();
    open.extend(on_board(repo, within.as_ref(), tip)?.map(|commit| (commit, 0)));
    while let Some((commit, looked)) = open.last_mut() {
        if let Some(parent) = commit.parents.get(*looked).copied() {
            *looked += 1;
            if !visited.insert(parent) {
                continue;
            }
            match on_board(repo, within.as_ref(), parent) {
                Ok(next) => open.extend(next.map(|commit| (commit, 0))),
                Err(GitError::Beyond { .. }) => found.between = Between::Cut,
                Err(other) => return Err(other.into()),
            }
            continue;
        }
        let Some((commit, _)) = open.pop() else { break };
        let mut events = annals::events_of(repo, &commit)?;
        events.retain(|event| event.id.as_ref().is_none_or(|id| told.insert(id.clone())));
        let is_import = message::values(&commit.message, message::IMPORT).next().is_some();
        if !events.is_empty() {
            found.steps.push(Step {
                commit: commit.id.to_string(),
                author: commit.author.name,
                subject: commit.message.lines().next().unwrap_or_default().to_owned(),
                is_import,
                events: events.into_iter().map(|event| (subject_of(&event), event)).collect(),
            });
        }
    }
    Ok(())
}

/// The commit, if it lies between the two ends; where there is no base, if it holds a board.
fn on_board(repo: &Repo, within: Option<&HashSet<Oid>>, id: Oid) -> Result<Option<Commit>, GitError> {
    match within {
        // A shallow clone's walk passes over what is missing; looking tells.
        Some(within) if !within.contains(&id) => {
            if repo.is_shallow() {
                repo.commit(id)?;
            }
            Ok(None)
        }
        Some(_) => repo.commit(id).map(Some),
        None => {
            let commit = repo.commit(id)?;
            let holds = repo.entry_at(commit.tree, path::BOARD)?.is_some();
            Ok(holds.then_some(commit))
        }
    }
}

/// What an event is about.
fn subject_of(event: &Event) -> Option<Subject> {
    let of_path = |path: &str| match path::place(path) {
        path::Place::Workstream(name) => Subject::Workstream(name),
        path::Place::Task(id) => Subject::Task(id),
        path::Place::Agent(id) => Subject::Agent(id),
        path::Place::Knowledge(topic) => Subject::Knowledge(topic),
        path::Place::Furniture | path::Place::Stray => Subject::File(path.to_owned()),
    };
    match &event.action {
        Action::BoardEdited => event.text("path").map(of_path),
        _ => match EntityKey::of(event) {
            Some(EntityKey::Workstream(name)) => Some(Subject::Workstream(name)),
            Some(EntityKey::Agent(id)) => Some(Subject::Agent(id)),
            Some(EntityKey::Knowledge(topic)) => Some(Subject::Knowledge(topic)),
            Some(EntityKey::Task(_) | EntityKey::Lock(_)) | None => event.task_id().map(Subject::Task),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    /// The objects that a comparison reads in which one task of so many in each of 256 directories changed.
    fn objects_read(each: usize) -> u64 {
        let (dir, _) = repository();
        let board = dir.path().join(".orchestrator");
        std::fs::create_dir_all(&board).unwrap();
        std::fs::write(board.join("config.yaml"), "format: 1\n").unwrap();
        let task = |id: &str, title: &str| {
            let stamp = "2026-02-06T07:36:59.474Z";
            let text = format!(
                "id: {id}\nworkstream: w\ntitle: {title}\nstatus: pending\ncreated_at: {stamp}\ncreated_by: a\n"
            );
            let shard = board.join("tasks").join(&id[..2]);
            std::fs::create_dir_all(&shard).unwrap();
            std::fs::write(shard.join(format!("{id}.yaml")), text).unwrap();
        };
        for directory in 0..256 {
            (1..=each).for_each(|number| task(&format!("{directory:02x}{number:06x}"), "T"));
        }
        git(dir.path(), &["add", "."]);
        git(dir.path(), &["commit", "-q", "-m", "Board"]);
        task("07000001", "Another");
        git(dir.path(), &["commit", "-q", "-a", "-m", "Edit"]);
        let repo = Repo::discover(dir.path()).unwrap();
        let place = |name: &str| Place { name: name.to_owned(), commit: repo.resolve(name).unwrap() };
        let found = compare(&repo, &place("HEAD~1"), &place("HEAD")).unwrap();
        assert_eq!((found.tasks.len(), found.steps.len()), (1, 1));
        repo.objects_read()
    }

    #[test]
    fn a_comparison_reads_what_changed_and_nothing_else() {
        let (few, many) = (objects_read(1), objects_read(20));
        assert_eq!(few, many);
        assert!(few < 30, "{few}");
    }
}
