//! `--json`: exactly one document, with the predecessor's keys first.

use serde_json::Value;

use super::support::Sandbox;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

const TASK: [&str; 10] = [
    "id",
    "title",
    "description",
    "status",
    "priority",
    "estimate",
    "assigned_to",
    "created_at",
    "updated_at",
    "result",
];

#[test]
fn every_command_prints_one_document() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.json(&["init"])["created"], true);
    assert_eq!(sandbox.json(&["init"])["created"], false);
    let created = sandbox.json(&["ws", "create", "w", "Work", "0"]);
    assert_eq!((created["name"].as_str(), created["priority"].as_i64()), (Some("w"), Some(0)));
    let task = sandbox.json(&["t", "add", "w", "One", "", "0"]);
    assert_eq!(&keys(&task)[..10], TASK);
    assert_eq!(task["priority"], 0);
    let id = task["id"].as_str().unwrap();
    for words in [
        &["t", "claim", "w", id, "a"][..],
        &["t", "claim", "w", id, "a"],
        &["t", "block", id, "--reason", "key", "--agent", "a"],
        &["t", "unblock", id],
        &["t", "release", id],
        &["t", "next", "w", "a"],
        &["t", "update", id, "--title", "Two"],
        &["t", "complete", id, "--result", "r"],
        &["t", "reopen", id],
        &["t", "cancel", id, "--reason", "no"],
        &["t", "show", id],
    ] {
        let document = sandbox.json(words);
        assert_eq!(&keys(&document)[..10], TASK, "{words:?}");
        assert_eq!(document["id"], id, "{words:?}");
    }
    let null = sandbox.run(&["--json", "t", "next", "w", "a"]).code(1);
    assert_eq!((null.json(), null.err.as_str()), (Value::Null, ""));
    let list = sandbox.json(&["ws", "list"]);
    assert_eq!(
        &keys(&list[0])[..9],
        [
            "name",
            "description",
            "priority",
            "status",
            "created_at",
            "task_count",
            "pending",
            "in_progress",
            "done"
        ]
    );
    sandbox.json(&["ws", "show", "w"]);
    sandbox.json(&["ws", "update", "w", "--description", "More"]);
    assert_eq!(sandbox.json(&["a", "register", "a", "worker"])["id"], "a");
    sandbox.json(&["a", "heartbeat", "a"]);
    assert_eq!(sandbox.json(&["a", "list"])[0]["type"], "worker");
    let lock = sandbox.json(&["l", "acquire", "git", "a"]);
    assert_eq!((lock["acquired"].as_bool(), lock["fencing_token"].as_u64()), (Some(true), Some(1)));
    assert_eq!(sandbox.run(&["--json", "l", "acquire", "git", "b"]).code(1).json()["held_by"], "a");
    assert_eq!(sandbox.json(&["l", "list"])[0]["resource"], "git");
    sandbox.json(&["l", "show", "git"]);
    assert_eq!(sandbox.json(&["l", "release", "git", "a"])["released"], true);
    assert_eq!(sandbox.run(&["--json", "l", "release", "git", "a"]).code(1).json()["released"], false);
    assert_eq!(sandbox.json(&["kb", "write", "api", "text"])["topic"], "api");
    assert_eq!(sandbox.json(&["kb", "read", "api"])["content"], "text");
    assert_eq!(sandbox.json(&["kb", "list"])[0]["topic"], "api");
    assert_eq!(sandbox.json(&["kb", "search", "TEXT"])[0]["topic"], "api");
    assert_eq!(sandbox.json(&["kb", "delete", "api"])["deleted"], true);
    assert_eq!(sandbox.run(&["--json", "kb", "delete", "api"]).code(1).json()["deleted"], false);
    assert_eq!(sandbox.run(&["--json", "kb", "read", "api"]).code(1).json(), Value::Null);
    assert_eq!(sandbox.json(&["event", "log", "a", "deployed", "url=x"])["url"], "x");
    assert!(sandbox.json(&["events", "--last", "3"]).as_array().unwrap().len() == 3);
    let status = sandbox.json(&["status"]);
    assert_eq!(
        &keys(&status)[..7],
        [
            "version",
            "updated_at",
            "workstreams",
            "agents",
            "active_locks",
            "recent_events",
            "knowledge_topics"
        ]
    );
    sandbox.json(&["t", "add", "w", "Ready"]);
    let plan = sandbox.json(&["plan"]);
    assert_eq!(keys(&plan), ["generated_at", "workstreams", "recommended_parallel", "recommended_serial"]);
    assert_eq!(keys(&sandbox.json(&["brief", "w"])), ["workstream", "task", "brief", "left_out"]);
    let collected = sandbox.json(&["collect"]);
    assert_eq!(
        &keys(&collected)[..4],
        ["collected_at", "completed_this_cycle", "still_in_progress", "knowledge_updates"]
    );
    assert_eq!(keys(&sandbox.json(&["export", "state"]))[..2], ["version", "updated_at"]);
    assert!(sandbox.json(&["export", "events"]).is_array());
}

#[test]
fn errors_are_json_on_stderr() {
    let sandbox = Sandbox::board();
    let answer = sandbox.run(&["--json", "t", "add", "nowhere", "x"]).code(1);
    let error: Value = serde_json::from_str(&answer.err).unwrap();
    assert_eq!(answer.out, "");
    assert_eq!(keys(&error["error"]), ["code", "message", "hint", "retryable"]);
    assert_eq!(error["error"]["code"], "not_found");
    let usage: Value = serde_json::from_str(&sandbox.run(&["--json", "t", "ad"]).code(2).err).unwrap();
    assert_eq!(usage["error"]["code"], "usage");
}

/// What happened last may have happened to a lock.
#[test]
fn a_status_and_a_state_are_as_new_as_the_newest_lock() {
    let sandbox = Sandbox::board();
    sandbox.add("Pay");
    sandbox.run(&["l", "acquire", "git", "agent-1"]).ok();
    let events = sandbox.json(&["events", "--last", "1"]);
    assert_eq!(events[0]["action"], "lock_acquired");
    assert_eq!(sandbox.json(&["status"])["updated_at"], events[0]["ts"]);
    assert_eq!(sandbox.json(&["export", "state"])["updated_at"], events[0]["ts"]);
}
