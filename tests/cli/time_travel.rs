//! `--at`: every reading, as of a commit or a time, and nothing of now in it.

use super::support::{Answer, Sandbox};

fn at(sandbox: &Sandbox, time: &str, words: &[&str]) -> Answer {
    let mut command = sandbox.command(&sandbox.root, words);
    let output = command.env("ORCHESTRATOR_NOW", time).output().unwrap();
    Answer {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A day on a board: a task is claimed, a lock taken and renewed, the task completed, the lock released.
fn day() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    at(&sandbox, "2026-03-01T08:00:00.000Z", &["init"]).ok();
    at(&sandbox, "2026-03-01T09:00:00.000Z", &["ws", "create", "w"]).ok();
    let added = at(&sandbox, "2026-03-01T09:30:00.500Z", &["--json", "t", "add", "w", "Pay"]).ok();
    let id = added.json()["id"].as_str().unwrap().to_owned();
    at(&sandbox, "2026-03-01T10:00:00.250Z", &["t", "claim", &id, "--agent", "a"]).ok();
    at(&sandbox, "2026-03-01T10:00:10.000Z", &["l", "acquire", "git", "a", "--ttl", "60s"]).ok();
    for second in [40, 50] {
        let renewed = format!("2026-03-01T10:00:{second}.000Z");
        at(&sandbox, &renewed, &["l", "acquire", "git", "a", "--ttl", "60s"]).ok();
    }
    at(&sandbox, "2026-03-01T11:00:00.000Z", &["t", "complete", &id, "--agent", "a"]).ok();
    at(&sandbox, "2026-03-01T11:00:01.000Z", &["l", "acquire", "git", "b", "--ttl", "60s"]).ok();
    at(&sandbox, "2026-03-01T11:00:02.000Z", &["l", "release", "git", "b"]).ok();
    (sandbox, id)
}

const LATER: &str = "2026-03-02T12:00:00.000Z";

fn status(sandbox: &Sandbox, when: &str) -> serde_json::Value {
    at(sandbox, LATER, &["--json", "--at", when, "status"]).ok().json()
}

#[test]
fn claims_and_locks_are_those_of_then() {
    let (sandbox, id) = day();
    let board = |when: &str| {
        let status = status(&sandbox, when);
        let word = |value: &serde_json::Value| value.as_str().unwrap_or("nobody").to_owned();
        let locks = status["active_locks"].as_array().unwrap();
        let holder = locks.first().map_or("nobody".to_owned(), |lock| word(&lock["agent"]));
        let tasks = at(&sandbox, LATER, &["--json", "--at", when, "t", "list"]).ok().json();
        (word(&tasks[0]["status"]), word(&tasks[0]["assigned_to"]), holder)
    };
    let told = |one: &str, two: &str, three: &str| (one.to_owned(), two.to_owned(), three.to_owned());
    assert_eq!(board("2026-03-01T09:45:00Z"), told("pending", "nobody", "nobody"));
    assert_eq!(board("2026-03-01T10:00:05Z"), told("in_progress", "a", "nobody"));
    assert_eq!(board("2026-03-01T10:00:12Z"), told("in_progress", "a", "a"));
    // The first renewal is no longer there; that the lock was held between both still is.
    assert_eq!(board("2026-03-01T10:00:45Z"), told("in_progress", "a", "a"));
    assert_eq!(board("2026-03-01T10:30:00Z"), told("in_progress", "a", "nobody"));
    assert_eq!(board("2026-03-01T11:00:01Z"), told("done", "a", "b"));
    assert_eq!(board("2026-03-01T11:30:00Z"), told("done", "a", "nobody"));
    // A revision shows its own moment.
    assert_eq!(board("HEAD~1"), told("in_progress", "a", "nobody"));
    assert_eq!(board("HEAD~2"), told("pending", "nobody", "nobody"));
    let lock = at(&sandbox, LATER, &["--json", "--at", "HEAD~2", "l", "show", "git"]);
    assert_eq!(lock.code, 1, "{lock:?}");
    let events = at(&sandbox, LATER, &["--json", "--at", "HEAD~1", "events", "--last", "99"]).ok().json();
    let actions: Vec<&str> =
        events.as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["workstream_created", "task_created", "task_claimed"]);
    let _the_only_one = id;
}

#[test]
fn a_time_may_be_typed_in_many_ways_and_the_commit_is_told() {
    let (sandbox, id) = day();
    let claimed = sandbox.git(&["rev-parse", "--short=7", "HEAD~1"]);
    for when in
        ["2026-03-01T10:30:00Z", "2026-03-01T12:30:00+02:00", "1530m", "25h 30m ago", "2026-03-01T10:00:01Z"]
    {
        let shown = at(&sandbox, LATER, &["--at", when, "t", "list"]);
        if when.starts_with("25h 30m") {
            assert_eq!(shown.code, 1, "{shown:?}");
            assert!(shown.err.contains("it is no time such as"), "{}", shown.err);
            continue;
        }
        assert!(shown.out.contains(&format!("{id}  in_progress")), "{when}: {shown:?}");
        assert!(shown.err.contains(&format!("shows commit {}", claimed.trim())), "{when}: {}", shown.err);
    }
    // A date is its beginning, and a revision of that name wins.
    let early = at(&sandbox, LATER, &["--at", "2026-03-01", "status"]).code(4);
    assert!(early.err.contains("there is no board at `2026-03-01`"), "{}", early.err);
    assert!(at(&sandbox, LATER, &["--at", "2026-03-02", "t", "list"]).ok().out.contains("done"));
    sandbox.git(&["tag", "2026-03-02", "HEAD~2"]);
    assert!(at(&sandbox, LATER, &["--at", "2026-03-02", "t", "list"]).ok().out.contains("pending"));
    at(&sandbox, LATER, &["--at", "2020-01-01", "status"]).code(1);
}

#[test]
fn every_reading_honours_it_and_every_change_refuses() {
    let (sandbox, id) = day();
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    for words in [
        &["status"][..],
        &["ws", "list"],
        &["ws", "show", "w"],
        &["t", "list"],
        &["t", "show", &id],
        &["a", "list"],
        &["l", "list"],
        &["kb", "list"],
        &["kb", "search", "x"],
        &["events"],
        &["plan"],
        &["export", "state"],
        &["export", "events"],
        &["log", &id],
        &["log", "w"],
    ] {
        let words: Vec<&str> =
            ["--json", "--at", "HEAD~1"].into_iter().chain(words.iter().copied()).collect();
        let then = at(&sandbox, LATER, &words);
        assert!(then.code == 0 || words.contains(&"search"), "{then:?}");
        assert!(
            !then.out.contains("task_completed") && !then.out.contains("\"done\": 1"),
            "{words:?}: {}",
            then.out
        );
    }
    for words in [
        &["init"][..],
        &["ws", "create", "x"],
        &["t", "add", "w", "x"],
        &["t", "next", "w", "a"],
        &["undo"],
        &["l", "acquire", "x", "a"],
        &["kb", "write", "x", "y"],
        &["event", "log", "a", "b"],
        &["a", "register", "z"],
        &["a", "heartbeat", "a"],
        &["collect"],
        &["git", "--", "status"],
    ] {
        let words: Vec<&str> = ["--at", "HEAD~1"].into_iter().chain(words.iter().copied()).collect();
        let refused = at(&sandbox, LATER, &words).code(2);
        assert!(refused.err.contains("shows the past; it can't be changed"), "{words:?}: {}", refused.err);
    }
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
}
