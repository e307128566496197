//! Leases: how long a claim or a lock lasts, who may take it over, and what its late holder is told.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::support::{Answer, Sandbox};

const NOON: &str = "2026-02-06T12:00:00Z";

/// The call at that time.
fn at(sandbox: &Sandbox, time: &str, words: &[&str]) -> Answer {
    let mut command = sandbox.command(&sandbox.root, words);
    let output = command.env("ORCHESTRATOR_NOW", time).output().unwrap();
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_lock_that_ran_out_is_taken_over_and_its_late_holder_is_refused() {
    let sandbox = Sandbox::board();
    let take = |time: &str, agent: &str| {
        at(&sandbox, time, &["--json", "l", "acquire", "git", agent, "--ttl", "60s"])
    };
    assert_eq!(take(NOON, "agent-1").ok().json()["fencing_token"], 1);
    // Clocks may differ by the slack, 1 s: not a moment before 12:01:01 is over.
    let denied = take("2026-02-06T12:01:01Z", "agent-2").code(1).json();
    assert_eq!((denied["acquired"].as_bool(), denied["held_by"].as_str()), (Some(false), Some("agent-1")));
    let taken = take("2026-02-06T12:01:01.001Z", "agent-2").ok().json();
    assert_eq!(taken["fencing_token"], 2);
    let late = "2026-02-06T12:01:03Z";
    assert_eq!(take(late, "agent-1").code(1).json()["held_by"], "agent-2");
    let release = at(&sandbox, late, &["l", "release", "git", "agent-1"]).code(1);
    assert!(release.out.starts_with("Lock not held by agent-1 (held by agent-2, epoch 2"), "{release:?}");
    // Who wants to break it has to know which one it breaks.
    let old = ["l", "release", "git", "agent-1", "--force", "--epoch", "1", "--reason", "it is mine"];
    assert_eq!(at(&sandbox, late, &old).code, 1);
    assert_eq!(at(&sandbox, late, &["--json", "l", "show", "git"]).ok().json()["agent"], "agent-2");
    sandbox.is_clean();
}

#[test]
fn a_silent_agents_claim_is_taken_over_and_its_late_completion_is_refused() {
    let sandbox = Sandbox::board();
    let id = at(&sandbox, NOON, &["--json", "t", "add", "w", "Long work"]).ok().json()["id"].clone();
    let id = id.as_str().unwrap();
    assert_eq!(at(&sandbox, NOON, &["--json", "t", "claim", "w", id, "agent-1"]).ok().json()["epoch"], 1);
    let take_over = ["--json", "t", "claim", "w", id, "agent-2", "--take-over"];
    let early = at(&sandbox, "2026-02-06T13:00:00Z", &take_over).code(1);
    assert!(early.err.contains("is claimed by `agent-1`, who was seen"), "{early:?}");
    // A sign of life is enough.
    at(&sandbox, "2026-02-06T13:00:01Z", &["agent", "heartbeat", "agent-1"]).ok();
    at(&sandbox, "2026-02-06T14:00:00Z", &take_over).code(1);
    let taken = at(&sandbox, "2026-02-06T14:00:01.001Z", &take_over).ok().json();
    assert_eq!((&taken["assigned_to"], &taken["epoch"]), (&"agent-2".into(), &2.into()));
    let late = "2026-02-06T14:05:00Z";
    let as_if = at(&sandbox, late, &["t", "complete", id, "--epoch", "1", "--agent", "agent-1"]).code(1);
    assert!(as_if.err.contains("agent-2"), "{as_if:?}");
    // Two processes of one name: the epoch tells them apart.
    let zombie = at(&sandbox, late, &["t", "complete", id, "--epoch", "1", "--agent", "agent-2"]).code(1);
    assert!(zombie.err.contains("epoch"), "{zombie:?}");
    at(&sandbox, late, &["t", "complete", id, "--epoch", "2", "--agent", "agent-2"]).ok();
    let events = sandbox.json(&["events", "--action", "task_claimed"]);
    assert_eq!(events[1]["taken_from"], "agent-1", "{events:#}");
}

#[test]
fn a_clock_that_goes_back_frees_nothing() {
    let sandbox = Sandbox::board();
    let id = at(&sandbox, NOON, &["--json", "t", "add", "w", "Work"]).ok().json()["id"].clone();
    let id = id.as_str().unwrap();
    at(&sandbox, NOON, &["t", "claim", "w", id, "agent-1"]).ok();
    at(&sandbox, NOON, &["l", "acquire", "git", "agent-1"]).ok();
    // For this process, both records are from a distant future.
    let earlier = "2020-01-01T00:00:00Z";
    at(&sandbox, earlier, &["l", "acquire", "git", "agent-2"]).code(1);
    at(&sandbox, earlier, &["t", "claim", "w", id, "agent-2", "--take-over"]).code(1);
    at(&sandbox, earlier, &["t", "next", "w", "agent-2"]).code(1);
    // The holder goes on as if nothing were: the epoch, and no clock, says that it is the holder.
    assert_eq!(
        at(&sandbox, earlier, &["--json", "l", "acquire", "git", "agent-1"]).ok().json()["fencing_token"],
        1
    );
    at(&sandbox, earlier, &["l", "release", "git", "agent-1"]).ok();
    at(&sandbox, earlier, &["t", "complete", id, "--epoch", "1", "--agent", "agent-1"]).ok();
    assert_eq!(
        at(&sandbox, NOON, &["--json", "l", "acquire", "git", "agent-2"]).ok().json()["fencing_token"],
        2
    );
    sandbox.is_clean();
}

// Whether a process waits is asked of Linux.

/// A process that waits for the lock `git`, once it stands in line: at its head, or behind whoever is there.
fn waiting(sandbox: &Sandbox, agent: &str) -> Child {
    let mut command =
        sandbox.command(&sandbox.root, &["--json", "l", "acquire", "git", agent, "--wait", "60s"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let line = sandbox.root.join(".git/orchestrator/waiting/git");
    let is_in_line = || {
        let inode = line.metadata().map(|file| std::os::unix::fs::MetadataExt::ino(&file)).unwrap_or(0);
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|lock| {
            let words: Vec<&str> = lock.split_whitespace().collect();
            words.contains(&child.id().to_string().as_str())
                && words.iter().any(|word| word.ends_with(&format!(":{inode}")))
        })
    };
    let start = Instant::now();
    while !is_in_line() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not stand in line");
        std::thread::yield_now();
    }
    child
}

fn answer(child: Child) -> serde_json::Value {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn who_waits_gets_the_lock_in_the_order_of_arrival() {
    let sandbox = Sandbox::board();
    sandbox.run(&["l", "acquire", "git", "agent-0"]).ok();
    let mut waiting: Vec<Child> =
        ["agent-1", "agent-2", "agent-3"].iter().map(|agent| waiting(&sandbox, agent)).collect();
    // One of the line dies; nobody waits for it.
    let mut dead = waiting.remove(1);
    dead.kill().unwrap();
    dead.wait().unwrap();
    // The holder is not held up by those who wait for it.
    let renewed = sandbox.json(&["l", "acquire", "git", "agent-0", "--wait", "60s"]);
    assert_eq!(renewed["fencing_token"], 1);
    sandbox.run(&["l", "release", "git", "agent-0"]).ok();
    for (child, (agent, epoch)) in waiting.into_iter().zip([("agent-1", 2), ("agent-3", 3)]) {
        assert_eq!(answer(child)["fencing_token"], epoch, "{agent}");
        assert_eq!(sandbox.json(&["l", "show", "git"])["agent"], agent);
        sandbox.run(&["l", "release", "git", agent]).ok();
    }
    sandbox.is_clean();
}

#[test]
fn waiting_ends_at_its_limit_at_the_head_of_the_line_and_behind_it() {
    let sandbox = Sandbox::board();
    sandbox.run(&["l", "acquire", "git", "agent-0"]).ok();
    let short = ["--json", "l", "acquire", "git", "agent-2", "--wait", "100ms"];
    assert_eq!(sandbox.run(&short).code(1).json()["held_by"], "agent-0");
    let head = waiting(&sandbox, "agent-1");
    assert_eq!(sandbox.run(&short).code(1).json()["held_by"], "agent-0");
    // Without waiting there is no line.
    assert_eq!(sandbox.run(&["l", "acquire", "git", "agent-2"]).code, 1);
    sandbox.run(&["l", "release", "git", "agent-0"]).ok();
    assert_eq!(answer(head)["fencing_token"], 2);
}
