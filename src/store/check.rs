//! The validity of a board: what every file says, and whether they fit together. Nothing but the tree is looked
//! at, so it works in a bare repository, in a shallow clone, and on any commit.
//!
//! An *error* is what the program can't read, or what can't be so: a file that does not decode, a conflict that is
//! not resolved, a link, a file that no entry can have, two names that are one on some systems, a reference to
//! nothing, tasks that wait for each other. A *warning* is what works and looks odd: an executable bit, a file of an
//! unknown kind, conflict markers inside a code block.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::codec::{self, path};
use crate::git::{Entry, EntryKind, GitError, Oid, Repo};
use crate::model::{Damage, Fault, Flaw, Settings, Severity, Subject, Task, TaskId};

use super::{placement, snapshot};

/// How deep directories may be nested: a topic has eight parts.
const DEEPEST: usize = 16;
/// How many tasks of a circle are named.
const NAMED: usize = 8;

/// What is wrong with the board in this tree, by path. The settings that it has, where they can be read.
pub(crate) fn check(repo: &Repo, tree: Oid) -> Result<(Vec<Flaw>, Option<Settings>), Fault> {
    let mut check =
        Check { repo, flaws: Vec::new(), paths: BTreeSet::new(), tasks: Vec::new(), settings: None };
    if let Some(entry) = repo.entry_at(tree, path::BOARD)? {
        check.entry(path::BOARD, &entry, 0)?;
    }
    if !check.paths.contains(path::CONFIG) {
        check.add(Severity::Error, "settings", path::CONFIG, "is not there; it makes the directory a board");
    }
    check.attributes(tree)?;
    check.twins();
    check.references()?;
    check.circles()?;
    let Check { mut flaws, settings, .. } = check;
    flaws.sort_by(|one, two| {
        (&one.path, one.line, one.column, one.code).cmp(&(&two.path, two.line, two.column, two.code))
    });
    Ok((flaws, settings))
}

/// Where a field of an entity stands: path, line and column.
pub(crate) fn place(
    repo: &Repo,
    tree: Oid,
    subject: &Subject,
    field: &str,
) -> Result<(String, usize, usize), GitError> {
    let path = match subject {
        Subject::Workstream(name) => path::of_workstream(name),
        Subject::Task(id) => path::of_task(*id),
        Subject::Agent(id) => path::of_agent(id),
        Subject::Knowledge(topic) => path::of_knowledge(topic),
        Subject::File(path) => path.clone(),
    };
    let entry = repo.entry_at(tree, &path)?.filter(|entry| entry.kind != EntryKind::Tree);
    let (line, column) = match (entry, subject) {
        (Some(entry), Subject::Workstream(_) | Subject::Task(_) | Subject::Agent(_)) => {
            codec::place_of(&repo.blob(entry.id)?, field, None)
        }
        (Some(_) | None, _) => (1, 1),
    };
    Ok((path, line, column))
}

/// Pairs of names that differ only by case: one file on some systems.
pub(super) fn case_twins<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<(&'n str, &'n str)> {
    let mut folded: Vec<(String, &str)> = names.into_iter().map(|name| (name.to_lowercase(), name)).collect();
    folded.sort();
    let pairs = std::iter::zip(&folded, folded.iter().skip(1));
    pairs.filter(|(one, two)| one.0 == two.0).map(|((_, one), (_, two))| (*one, *two)).collect()
}

/// Whether these attributes keep git from changing the bytes of the board's files.
pub(super) fn keeps_bytes(attributes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(attributes);
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("* "));
    lines.any(|line| KEEPING.split(' ').all(|wanted| line.split_whitespace().any(|word| word == wanted)))
}

/// The attributes that do it: no other line ending, no filter, no `$Id$` filled in, no other encoding.
pub(super) const KEEPING: &str = "-text -filter -ident -working-tree-encoding";

/// Whether only a file has anything to do at this path.
fn is_of_file(path: &str) -> bool {
    match path::place(path) {
        path::Place::Workstream(_)
        | path::Place::Task(_)
        | path::Place::Agent(_)
        | path::Place::Knowledge(_) => true,
        path::Place::Furniture => path == path::CONFIG || path == path::of_file(".gitattributes"),
        path::Place::Stray => false,
    }
}

/// Whether only a directory has anything to do at this path.
fn is_of_directory(path: &str) -> bool {
    let shard = path.strip_prefix(path::TASKS).and_then(|rest| rest.strip_prefix('/'));
    [path::WORKSTREAMS, path::TASKS, path::AGENTS, path::KNOWLEDGE].contains(&path)
        || path == path::of_file("templates")
        || shard.is_some_and(snapshot::is_shard)
}

struct Check<'r> {
    repo: &'r Repo,
    flaws: Vec<Flaw>,
    /// Every file and directory.
    paths: BTreeSet<String>,
    /// Those that can be read, with their blobs.
    tasks: Vec<(Task, Oid)>,
    settings: Option<Settings>,
}

impl Check<'_> {
    fn add(&mut self, severity: Severity, code: &'static str, path: &str, what: impl Into<String>) {
        self.add_at(severity, code, path, (1, 1), what);
    }

    fn add_at(
        &mut self,
        severity: Severity,
        code: &'static str,
        path: &str,
        (line, column): (usize, usize),
        what: impl Into<String>,
    ) {
        self.flaws.push(Flaw { severity, code, path: path.to_owned(), line, column, what: what.into() });
    }

    /// Looks at one entry, and below it.
    fn entry(&mut self, path: &str, entry: &Entry, depth: usize) -> Result<(), Fault> {
        if !self.paths.insert(path.to_owned()) {
            self.add(Severity::Error, "duplicate", path, "stands twice in its directory");
            return Ok(());
        }
        match entry.kind {
            EntryKind::Link => self.add(
                Severity::Error,
                "link",
                path,
                "is a symbolic link; the board holds plain files only",
            ),
            EntryKind::Submodule => {
                self.add(
                    Severity::Error,
                    "submodule",
                    path,
                    "is a submodule; the board holds plain files only",
                );
            }
            EntryKind::Tree if depth > DEEPEST => {
                self.add(Severity::Error, "stray", path, "lies too deep for anything of the board");
            }
            EntryKind::Tree => {
                if is_of_file(path) {
                    self.add(Severity::Error, "damaged", path, "is a directory where a file is expected");
                }
                match self.repo.entries(entry.id) {
                    Ok(children) => {
                        for child in children {
                            self.entry(&format!("{path}/{}", child.name), &child, depth + 1)?;
                        }
                    }
                    Err(error) => {
                        let why = snapshot::damaged_object(path, error)?.why;
                        self.add(Severity::Error, "damaged", path, why);
                    }
                }
            }
            EntryKind::File | EntryKind::Executable if path == path::BOARD => {
                self.add(Severity::Error, "stray", path, "is a file where the board's directory is expected");
            }
            EntryKind::File | EntryKind::Executable if is_of_directory(path) => {
                self.add(Severity::Error, "stray", path, "is a file where a directory is expected");
            }
            EntryKind::File | EntryKind::Executable => self.file(path, entry)?,
        }
        Ok(())
    }

    fn file(&mut self, path: &str, entry: &Entry) -> Result<(), Fault> {
        if entry.kind == EntryKind::Executable {
            self.add(Severity::Warning, "executable", path, "is executable; nothing on the board is run");
        }
        let bytes = match snapshot::stored(self.repo, path, entry) {
            Ok(stored) => stored.bytes,
            Err(Fault::Damaged(Damage { why, .. })) => {
                self.add(Severity::Error, "damaged", path, why);
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let problem = match path::place(path) {
            path::Place::Workstream(name) => codec::workstream::decode(&bytes, &name).err(),
            path::Place::Agent(id) => codec::agent::decode(&bytes, &id).err(),
            path::Place::Task(id) => match codec::task::decode(&bytes, id) {
                Ok(task) => {
                    self.tasks.push((task, entry.id));
                    None
                }
                Err(problem) => Some(problem),
            },
            path::Place::Knowledge(topic) => {
                let problem = codec::knowledge::decode(&bytes, &topic).err();
                if problem.is_none() {
                    self.conflict_in_text(path, &bytes);
                }
                problem
            }
            path::Place::Furniture if path == path::CONFIG => match placement::settings_in(self.repo, &bytes)
            {
                Ok(settings) => {
                    self.settings = Some(settings);
                    for codec::Problem { line, column, why } in codec::settings::unknown_keys(&bytes) {
                        self.add_at(Severity::Warning, "unknown_setting", path, (line, column), why);
                    }
                    None
                }
                Err(problem) => Some(problem),
            },
            path::Place::Furniture => {
                if !is_known(path) {
                    self.add(Severity::Warning, "unknown_file", path, "is no file that this version knows");
                }
                self.conflict_in_text(path, &bytes);
                None
            }
            path::Place::Stray => {
                self.add(Severity::Error, "stray", path, "no entry of the board can have this path");
                None
            }
        };
        if let Some(problem) = problem {
            let line = bytes.split(|byte| *byte == b'\n').nth(problem.line - 1).unwrap_or_default();
            let code = if Marker::of(line).is_some() { "conflict" } else { "damaged" };
            self.add_at(Severity::Error, code, path, (problem.line, problem.column), problem.why);
        }
        Ok(())
    }

    /// Conflict markers in a text, where nothing else makes them damage: all three, in their order. Inside a code
    /// block they may be an example.
    fn conflict_in_text(&mut self, path: &str, bytes: &[u8]) {
        let mut begun: Option<(usize, bool, bool)> = None;
        let mut in_code = false;
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let trimmed = line.trim_ascii_start();
            if trimmed.starts_with(b"```") || trimmed.starts_with(b"~~~") {
                in_code = !in_code;
            }
            match (Marker::of(line), begun) {
                (Some(Marker::Ours), _) => begun = Some((number + 1, in_code, false)),
                (Some(Marker::Middle), Some((at, was_in_code, false))) => {
                    begun = Some((at, was_in_code, true))
                }
                (Some(Marker::Theirs), Some((at, was_in_code, true))) => {
                    let severity = if was_in_code && in_code { Severity::Warning } else { Severity::Error };
                    self.add_at(severity, "conflict", path, (at, 1), "a merge conflict is not resolved");
                    begun = None;
                }
                (Some(Marker::Middle | Marker::Theirs) | None, _) => {}
            }
        }
    }

    fn attributes(&mut self, tree: Oid) -> Result<(), Fault> {
        let path = path::of_file(".gitattributes");
        let keeps = match self.repo.entry_at(tree, &path)? {
            Some(entry) if matches!(entry.kind, EntryKind::File | EntryKind::Executable) => {
                // One that can't be read was told as such, and keeps nothing for certain.
                self.repo.blob(entry.id).is_ok_and(|bytes| keeps_bytes(&bytes))
            }
            Some(_) | None => false,
        };
        if !keeps {
            let what = format!(
                "not everything keeps git from rewriting the files of the board; the line that does: `* {KEEPING}`"
            );
            self.add(Severity::Warning, "attributes", &path, what);
        }
        Ok(())
    }

    fn twins(&mut self) {
        let twins: Vec<(String, String)> = case_twins(self.paths.iter().map(String::as_str))
            .into_iter()
            .map(|(one, two)| (one.to_owned(), two.to_owned()))
            .collect();
        for (one, two) in twins {
            let what = format!("differs from `{one}` only by case: one file on some systems");
            self.add(Severity::Error, "case_twins", &two, what);
        }
    }

    fn references(&mut self) -> Result<(), Fault> {
        let mut wrong = Vec::new();
        for (task, blob) in &self.tasks {
            let path = path::of_task(task.id);
            if !self.paths.contains(&path::of_workstream(&task.workstream)) {
                let place = codec::place_of(&self.repo.blob(*blob)?, "workstream", None);
                let what = format!("there is no workstream `{}`", task.workstream);
                wrong.push(("unknown_workstream", path.clone(), place, what));
            }
            for (at, id) in task.depends_on.iter().enumerate() {
                if !self.paths.contains(&path::of_task(*id)) {
                    let place = codec::place_of(&self.repo.blob(*blob)?, "depends_on", Some(at));
                    wrong.push(("unknown_task", path.clone(), place, format!("there is no task `{id}`")));
                }
            }
        }
        for (code, path, place, what) in wrong {
            self.add_at(Severity::Error, code, &path, place, what);
        }
        Ok(())
    }

    /// Tasks that wait for each other: each circle that a walk along the dependencies meets is told once, at the
    /// task where it closes.
    fn circles(&mut self) -> Result<(), Fault> {
        let waits: BTreeMap<TaskId, (&[TaskId], Oid)> =
            self.tasks.iter().map(|(task, blob)| (task.id, (task.depends_on.as_slice(), *blob))).collect();
        let mut wrong = Vec::new();
        // Where a task stands on the path that is walked; none once all that it waits for was looked at.
        let mut standing: HashMap<TaskId, Option<usize>> = HashMap::new();
        for start in waits.keys() {
            if standing.contains_key(start) {
                continue;
            }
            let mut walked: Vec<(TaskId, usize)> = vec![(*start, 0)];
            standing.insert(*start, Some(0));
            while let Some((id, looked)) = walked.last_mut() {
                let (id, at) = (*id, *looked);
                let (depends_on, blob) = waits.get(&id).copied().unwrap_or((&[], self.repo.empty_tree()));
                let Some(next) = depends_on.get(at).copied() else {
                    standing.insert(id, None);
                    walked.pop();
                    continue;
                };
                *looked += 1;
                match standing.get(&next) {
                    Some(Some(place)) => wrong.push((id, blob, at, circle(&walked[*place..], next))),
                    Some(None) => {}
                    None => {
                        standing.insert(next, Some(walked.len()));
                        walked.push((next, 0));
                    }
                }
            }
        }
        for (id, blob, at, what) in wrong {
            let place = codec::place_of(&self.repo.blob(blob)?, "depends_on", Some(at));
            self.add_at(Severity::Error, "cycle", &path::of_task(id), place, what);
        }
        Ok(())
    }
}

fn circle(walked: &[(TaskId, usize)], back_to: TaskId) -> String {
    let mut named: Vec<String> = walked.iter().take(NAMED).map(|(id, _)| id.to_string()).collect();
    if walked.len() > NAMED {
        named.push(format!("{} more", walked.len() - NAMED));
    }
    format!("tasks wait for each other: {} → {back_to}", named.join(" → "))
}

/// A file that is no entry and that this version knows.
fn is_known(path: &str) -> bool {
    let inside = path.strip_prefix(path::BOARD).unwrap_or(path);
    matches!(inside, "/README.md" | "/.gitattributes" | "/config.yaml") || inside.starts_with("/templates/")
}

/// A line that git writes into a file that it could not merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Ours,
    Middle,
    Theirs,
}

impl Marker {
    fn of(line: &[u8]) -> Option<Self> {
        let starts = |marker: &[u8]| {
            line.strip_prefix(marker).is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\r')))
        };
        match () {
            () if starts(b"<<<<<<<") => Some(Self::Ours),
            () if starts(b"=======") || starts(b"|||||||") => Some(Self::Middle),
            () if starts(b">>>>>>>") => Some(Self::Theirs),
            () => None,
        }
    }
}
