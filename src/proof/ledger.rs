//! What history and files say when all is over: each mutation that was acknowledged is there, once, with one
//! event; no event is there that nobody asked for; files agree with the replay of their log; git finds
//! nothing broken and no lock file is left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::call::{Answer, Ask, Call};
use super::stage::{Stage, WORKSTREAM, own_file};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) events: usize,
    pub(super) violations: Vec<String>,
}

/// Reads everything. The first step is an ordinary command of ours, which recovers what a killed one left.
pub(super) fn audit(stage: &Stage, calls: &[Call], commits: &[String]) -> Result<Told> {
    let root = &stage.worktrees[0];
    for tree in &stage.worktrees {
        stage.orchestrator(tree, &["t", "add", WORKSTREAM, "The last one", "--agent", "auditor"])?;
    }
    let mut told = Told::default();
    is_sound(stage, root, &mut told)?;
    let subjects = stage.git(root, &["log", "--format=%s", "--branches"])?;
    let subjects: BTreeSet<&str> = subjects.lines().collect();
    let lost = commits.iter().filter(|subject| !subjects.contains(subject.as_str()));
    told.violations.extend(lost.map(|subject| format!("the commit `{subject}` of a user is not there")));
    told.violations.extend(is_verified(stage, root)?);
    let mut on_boards: Vec<Value> = Vec::new();
    let mut tasks: Vec<BTreeMap<String, State>> = Vec::new();
    for board in stage.boards() {
        let (events, repeated) = events_of(stage, root, &board)?;
        told.violations.extend(repeated.into_iter().map(|id| format!("event {id} is on {board} twice")));
        let files = files_of(stage, root, &board)?;
        compare(&board, &files, &replay(&events), &mut told.violations);
        tasks.push(files);
        on_boards.extend(events);
    }
    let mut of_locks = Vec::new();
    for line in stage.git(root, &["for-each-ref", "--format=%(refname)", "refs/orchestrator/locks"])?.lines()
    {
        of_locks.extend(events_of(stage, root, line)?.0);
    }
    let known = unique(on_boards.iter().chain(&of_locks));
    told.events = known.len();
    match_up(&known, calls, &mut told.violations);
    for call in calls.iter().filter(|call| matches!(call.ask, Ask::Add(_))) {
        let Answer::Task(id, _) = &call.answer else { continue };
        let boards: Vec<&BTreeMap<String, State>> = match call.board {
            Some(board) => tasks.get(board).into_iter().collect(),
            None => tasks.iter().collect(),
        };
        if boards.iter().any(|board| !board.contains_key(id)) {
            told.violations.push(format!("task {id}, added by {}, is not there", call.agent));
        }
    }
    Ok(told)
}

/// Objects, lock files, and the work of users.
fn is_sound(stage: &Stage, root: &Path, told: &mut Told) -> Result<()> {
    match stage.git(root, &["fsck", "--strict", "--no-dangling"]) {
        Ok(said) => told.violations.extend(said.lines().map(|line| format!("git fsck: {line}"))),
        Err(error) => told.violations.push(format!("git fsck: {error}")),
    }
    let left = walkdir::WalkDir::new(root.join(".git")).into_iter().filter_map(Result::ok);
    let left = left.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "lock"));
    told.violations.extend(left.map(|entry| format!("a lock file is left: {}", entry.path().display())));
    for (number, tree) in stage.worktrees.iter().enumerate() {
        for line in stage.git(tree, &["status", "--porcelain"])?.lines() {
            // Its last commit may have been refused; then the file is still modified.
            if !line.ends_with(&own_file(number)) {
                told.violations.push(format!("git status in {}: {line}", tree.display()));
            }
        }
    }
    Ok(())
}

/// What the program itself finds when it holds log and state of each board against each other: another opinion,
/// and nothing of it is taken on trust elsewhere. The locks that a rival got with `git update-ref` are no records.
fn is_verified(stage: &Stage, root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for board in stage.boards() {
        let output = stage.command(root, &["--board", &board, "verify"]).output()?;
        let verdict: Value = serde_json::from_slice(&output.stdout).context("verify printed no JSON")?;
        let is_bad = |finding: &&Value| {
            finding["severity"] != "note" && !text_of(finding, "ref").contains("/contested-")
        };
        let findings = verdict["findings"].as_array().into_iter().flatten().filter(is_bad);
        found.extend(findings.map(|finding| format!("verify of {board}: {finding}")));
    }
    Ok(found)
}

/// The events that the history of a ref tells of, oldest first, and the ids that stand in it twice.
fn events_of(stage: &Stage, root: &Path, revision: &str) -> Result<(Vec<Value>, Vec<String>)> {
    let format = "--format=%(trailers:key=Orchestrator-Event,valueonly)";
    let text = stage.git(root, &["log", "--reverse", "--topo-order", format, revision])?;
    let mut events = Vec::new();
    let (mut seen, mut repeated) = (BTreeSet::new(), Vec::new());
    for line in text.lines().filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
        let id = text_of(&event, "id").to_owned();
        if !seen.insert(id.clone()) {
            repeated.push(id);
        }
        events.push(event);
    }
    Ok((events, repeated))
}

fn text_of<'a>(event: &'a Value, key: &str) -> &'a str {
    event[key].as_str().unwrap_or_default()
}

/// Each event once; the boards of several worktrees share their beginning.
fn unique<'a>(events: impl Iterator<Item = &'a Value>) -> Vec<&'a Value> {
    let mut seen = BTreeSet::new();
    events.filter(|event| seen.insert(text_of(event, "id").to_owned())).collect()
}

/// What a task's file says, or the replay of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    status: String,
    assigned_to: String,
    epoch: u64,
}

/// The tasks of a board, from the text of their files.
fn files_of(stage: &Stage, root: &Path, board: &str) -> Result<BTreeMap<String, State>> {
    let found = stage.git(
        root,
        &[
            "grep",
            "-h",
            "-E",
            "^(id|workstream|status|assigned_to|epoch): ",
            board,
            "--",
            ".orchestrator/tasks",
        ],
    )?;
    let mut tasks = BTreeMap::new();
    let (mut id, mut is_ours) = (String::new(), false);
    for line in found.lines() {
        let Some((key, value)) = line.split_once(": ") else { continue };
        match key {
            "id" => id = value.trim_matches(['"', '\'']).to_owned(),
            "workstream" => is_ours = value == WORKSTREAM,
            _ if !is_ours => {}
            _ => {
                let new = State { status: String::new(), assigned_to: String::new(), epoch: 0 };
                let task = tasks.entry(id.clone()).or_insert(new);
                match key {
                    "status" => value.clone_into(&mut task.status),
                    "assigned_to" if value == "null" => task.assigned_to.clear(),
                    "assigned_to" => value.clone_into(&mut task.assigned_to),
                    _ => task.epoch = value.parse().unwrap_or(0),
                }
            }
        }
    }
    Ok(tasks)
}

/// What the events of a board make of its tasks.
fn replay(events: &[Value]) -> BTreeMap<String, State> {
    let mut tasks: BTreeMap<String, State> = BTreeMap::new();
    for event in events.iter().filter(|event| text_of(event, "workstream") == WORKSTREAM) {
        let id = text_of(event, "task_id").to_owned();
        let agent = text_of(event, "agent").to_owned();
        let epoch = event["epoch"].as_u64();
        if text_of(event, "action") == "task_created" {
            tasks.insert(id, State { status: "pending".to_owned(), assigned_to: String::new(), epoch: 0 });
            continue;
        }
        let Some(task) = tasks.get_mut(&id) else { continue };
        task.epoch = epoch.unwrap_or(task.epoch);
        match text_of(event, "action") {
            "task_claimed" => (task.status, task.assigned_to) = ("in_progress".to_owned(), agent),
            "task_released" => (task.status, task.assigned_to) = ("pending".to_owned(), String::new()),
            // Who completes what nobody held is not written down as its holder.
            "task_completed" => "done".clone_into(&mut task.status),
            _ => {}
        }
    }
    tasks
}

fn compare(
    board: &str,
    files: &BTreeMap<String, State>,
    replayed: &BTreeMap<String, State>,
    violations: &mut Vec<String>,
) {
    for (id, told) in replayed {
        match files.get(id) {
            Some(file) if file == told => {}
            Some(file) => violations.push(format!("task {id} on {board}: {file:?}, but its log: {told:?}")),
            None => violations.push(format!("task {id} of the log of {board} is not there")),
        }
    }
    let silent = files.keys().filter(|id| !replayed.contains_key(*id));
    violations.extend(silent.map(|id| format!("task {id} on {board} is in no event")));
}

/// What a call did, as the log would tell it: action, agent, object, epoch.
type Deed = (&'static str, String, String, Option<u64>);

/// Each acknowledged call has its event, and each event a call that was acknowledged or killed.
fn match_up(events: &[&Value], calls: &[Call], violations: &mut Vec<String>) {
    let mut told: BTreeMap<Deed, usize> = BTreeMap::new();
    for event in events {
        if let Some(deed) = deed_of_event(event) {
            *told.entry(deed).or_default() += 1;
        }
    }
    violations.extend(
        told.iter()
            .filter(|(_, count)| **count > 1)
            .map(|(deed, count)| format!("{deed:?} was told {count} times")),
    );
    let mut explained: BTreeSet<Deed> = BTreeSet::new();
    let mut perhaps: BTreeSet<(&'static str, &str)> = BTreeSet::new();
    for call in calls {
        match deed_of_call(call) {
            Some(deed) if told.contains_key(&deed) => {
                explained.insert(deed);
            }
            // Renewing and asking again change nothing, and so do not tell of anything.
            Some(deed) if !call.is_acknowledged() || explained.contains(&deed) => {}
            Some(deed) if call.board.is_some() => violations.push(format!("{deed:?} is not there")),
            Some(_) | None => {}
        }
        // An agent that does not know its epoch, since a call was killed, does not know which it gave back.
        let is_vague = matches!(call.ask, Ask::Unlock(_, None)) && call.is_acknowledged();
        if call.answer == Answer::Killed || is_vague {
            perhaps.extend(actions_of(&call.ask).iter().map(|action| (*action, call.agent.as_str())));
        }
    }
    for deed in told.keys() {
        let is_known = explained.contains(deed)
            || perhaps.contains(&(deed.0, deed.1.as_str()))
            || matches!(deed.1.as_str(), "auditor" | "system");
        if !is_known {
            violations.push(format!("{deed:?} was told, and nobody asked for it"));
        }
    }
}

fn deed_of_event(event: &Value) -> Option<Deed> {
    let agent = text_of(event, "agent").to_owned();
    let task = text_of(event, "task_id").to_owned();
    let epoch = event["epoch"].as_u64();
    Some(match text_of(event, "action") {
        "task_created" if text_of(event, "workstream") == WORKSTREAM => ("task_created", agent, task, None),
        "task_claimed" => ("task_claimed", agent, task, epoch),
        "task_released" => ("task_released", agent, task, epoch),
        "task_completed" => ("task_completed", agent, task, None),
        "lock_acquired" => ("lock_acquired", agent, text_of(event, "resource").to_owned(), epoch),
        "lock_released" => ("lock_released", agent, text_of(event, "resource").to_owned(), epoch),
        _ => return None,
    })
}

fn deed_of_call(call: &Call) -> Option<Deed> {
    let agent = call.agent.clone();
    Some(match (&call.ask, &call.answer) {
        (Ask::Add(_), Answer::Task(id, _)) => ("task_created", agent, id.clone(), None),
        (Ask::Next | Ask::Claim(_), Answer::Task(id, epoch)) => {
            ("task_claimed", agent, id.clone(), Some(*epoch))
        }
        (Ask::Release(id, epoch), Answer::Done) => ("task_released", agent, id.clone(), Some(*epoch)),
        (Ask::Complete(id, _), Answer::Done) => ("task_completed", agent, id.clone(), None),
        (Ask::Acquire(name) | Ask::Queue(name), Answer::Lock(epoch)) => {
            ("lock_acquired", agent, name.clone(), Some(*epoch))
        }
        (Ask::Unlock(name, Some(epoch)), Answer::Done) => {
            ("lock_released", agent, name.clone(), Some(*epoch))
        }
        _ => return None,
    })
}

fn actions_of(ask: &Ask) -> &'static [&'static str] {
    match ask {
        Ask::Add(_) => &["task_created"],
        Ask::Next | Ask::Claim(_) => &["task_claimed"],
        Ask::Release(..) => &["task_released"],
        Ask::Complete(..) => &["task_completed"],
        Ask::Acquire(_) | Ask::Queue(_) => &["lock_acquired"],
        Ask::Unlock(..) => &["lock_released"],
        Ask::Write(_) | Ask::Read => &[],
    }
}
