//! What is measured on: repositories, boards of any size, long histories.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A new repository with one commit, in which git does nothing by itself.
pub fn repository(root: &Path) {
    std::fs::create_dir(root).unwrap();
    git(root, &["init", "-q", "-b", "main"]);
    for (key, value) in [
        ("user.name", "Ada"),
        ("user.email", "ada@example.org"),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
    ] {
        git(root, &["config", key, value]);
    }
    git(root, &["commit", "-q", "--allow-empty", "-m", "Begin"]);
}

/// A data directory of the predecessor with so many tasks.
pub fn data(directory: &Path, size: usize) -> PathBuf {
    let data = directory.join(format!("data-{size}"));
    if !data.exists() {
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("state.json"), state(size).to_string()).unwrap();
    }
    data
}

/// Runs git, which has to succeed.
pub fn git(root: &Path, words: &[&str]) {
    assert!(Command::new("git").arg("-C").arg(root).args(words).status().unwrap().success(), "{words:?}");
}

/// A call of git.
pub fn git_in(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(words);
    command
}

/// So many commits as mutations write them, one event each, by way of `git fast-import`.
pub fn append_history(root: &Path, commits: usize) {
    let mut child = git_in(root, &["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = std::io::BufWriter::new(child.stdin.take().unwrap());
    for number in 0..commits {
        let millis = 1_770_000_000_000 + number as u64 * 1000;
        let task = format!("{:08x}", number % 997);
        let event = json!({
            "ts": format!("2026-02-0{}T{:02}:{:02}:{:02}.000Z", 2 + number / 86_400, number / 3600 % 24, number / 60 % 60, number % 60),
            "agent": format!("agent-{}", number % 50), "action": "task_updated", "workstream": "w", "task_id": task,
            "changed": ["priority"],
            "id": format!("{:08x}-{:04x}-7000-8000-{number:012x}", millis >> 16, millis & 0xffff),
        });
        let message = format!(
            "orchestrator: update {task} Task\n\nagent updated task {task}.\n\nOrchestrator-Event: {event}\n"
        );
        let time = millis / 1000;
        write!(
            input,
            "commit refs/heads/main\ncommitter Ada <ada@example.org> {time} +0000\ndata {}\n{message}\n{}M 100644 inline .orchestrator/tasks/{}/{task}.yaml\ndata {}\n{number}\n\n",
            message.len(),
            if number == 0 { "from refs/heads/main^0\n" } else { "" },
            &task[..2],
            number.to_string().len() + 1,
        )
        .unwrap();
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    git(root, &["reset", "-q", "--hard"]);
}

fn state(size: usize) -> Value {
    let stamp = "2026-02-06T07:36:59.474Z";
    let task = |number: usize| {
        json!({"id": id_of(number), "title": format!("Task {number}"), "description": "", "status": "pending",
            "priority": 1 + number % 9, "assigned_to": null, "created_at": stamp, "updated_at": stamp})
    };
    let tasks: Vec<Value> = (0..size).map(task).collect();
    let workstreams = if size == 0 {
        json!({})
    } else {
        json!({"w": {"description": "", "priority": 1, "status": "active", "tasks": tasks, "created_at": stamp}})
    };
    json!({"version": 1, "updated_at": stamp, "workstreams": workstreams, "agents": {}, "locks": {}})
}

/// Spread over all directories, as random ids are.
pub fn id_of(number: usize) -> String {
    let number = u32::try_from(number).unwrap();
    let mut id = String::new();
    write!(id, "{:08x}", number.wrapping_mul(2_654_435_761)).unwrap();
    id
}
