//! Counted work: a command that changes one thing opens as many files at 10,240 tasks as at 256, however many of
//! them are there, done or claimed. No time is looked at.
//!
//! Where `strace` can't trace, the tests say so and check nothing.

use std::process::Command;

use serde_json::json;

use crate::support::{Sandbox, hermetic};

/// Each is measured after it was done once before, so that what is kept beside the repository is there.
const COMMANDS: &[(&str, &[&str])] = &[
    ("add", &["t", "add", "w", "New"]),
    ("next", &["t", "next", "w", "agent-1"]),
    ("update", &["t", "update", "05000001", "--priority", "7"]),
    ("claim", &["t", "claim", "06000001", "--agent", "agent-2"]),
    ("release", &["t", "release", "06000001", "--agent", "agent-2"]),
    ("complete", &["t", "complete", "07000001", "--agent", "agent-3"]),
    ("reopen", &["t", "reopen", "07000001"]),
    ("acquire", &["l", "acquire", "git", "agent-1"]),
    ("release of a lock", &["l", "release", "git", "agent-1"]),
    ("write", &["kb", "write", "topic", "Text."]),
    ("event", &["event", "log", "agent-1", "deployed"]),
    ("show a lock", &["l", "show", "git"]),
    ("last events", &["events", "--last", "20"]),
];

/// A board with so many tasks in each of the 256 directories, packed.
fn board(each: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.run(&["init"]).ok();
    let stamp = "2026-02-06T07:36:59.474Z";
    let ids = (0..256).flat_map(|directory| (1..=each).map(move |task| format!("{directory:02x}{task:06x}")));
    let tasks: Vec<_> = ids
        .map(|id| {
            json!({"id": id, "title": "Task", "description": "", "status": "pending", "priority": 5,
                "assigned_to": null, "created_at": stamp, "updated_at": stamp})
        })
        .collect();
    let workstreams = json!({"w": {"description": "", "priority": 1, "status": "active", "tasks": tasks, "created_at": stamp}});
    let state =
        json!({"version": 1, "updated_at": stamp, "workstreams": workstreams, "agents": {}, "locks": {}});
    let data = sandbox.home().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("state.json"), state.to_string()).unwrap();
    sandbox.run(&["import", data.to_str().unwrap()]).ok();
    sandbox.git(&["gc", "-q"]);
    // Each mutation looks into it, if it is there: whether an object happened to fall into it is not to be counted.
    std::fs::create_dir_all(sandbox.root.join(".git/objects/17")).unwrap();
    sandbox
}

/// The files that each command opens; none if nothing can be traced here.
fn opened(each: usize) -> Option<Vec<(&'static str, usize)>> {
    let sandbox = board(each);
    let traced = sandbox.home().join("trace");
    let mut counts = Vec::new();
    for turn in 0..2 {
        counts.clear();
        for (name, words) in COMMANDS {
            let mut command = Command::new("strace");
            command.args(["-f", "-qq", "-e", "trace=openat,open", "-o", traced.to_str().unwrap()]);
            command.arg(env!("CARGO_BIN_EXE_orchestrator")).args(*words).current_dir(&sandbox.root);
            hermetic(&mut command, sandbox.home());
            // The same ids in both boards, and others in the second turn.
            command.env("ORCHESTRATOR_SEED", format!("{name} {turn}"));
            let output = command.output().ok()?;
            let text = std::fs::read_to_string(&traced).unwrap_or_default();
            if text.is_empty() {
                return None;
            }
            assert!(output.status.success(), "{name}: {output:?}");
            counts.push((*name, text.lines().filter(|line| !line.contains("ENOENT")).count()));
        }
    }
    Some(counts)
}

#[test]
fn as_many_files_are_opened_at_ten_thousand_tasks_as_at_two_hundred() {
    let (Some(few), Some(many)) = (opened(1), opened(40)) else {
        eprintln!("strace can't trace here: nothing was checked");
        return;
    };
    assert_eq!(few, many);
    let most = few.iter().map(|(_, count)| *count).max();
    assert!(most.is_some_and(|most| most < 120), "{few:?}");
}
