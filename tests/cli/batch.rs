//! Many requests, one commit: all of them or none.

use std::io::Write as _;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::Sandbox;

fn started(sandbox: &Sandbox, words: &[&str]) -> Child {
    let mut command = sandbox.command(&sandbox.root, words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Exit code, standard output, standard error.
fn batch(sandbox: &Sandbox, lines: &str) -> (i32, String, String) {
    batch_by(sandbox, &["batch"], lines)
}

fn batch_by(sandbox: &Sandbox, words: &[&str], lines: &str) -> (i32, String, String) {
    let mut child = started(sandbox, words);
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn documents(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_asked_together_is_one_commit_with_answers_in_order() {
    let sandbox = Sandbox::board();
    let before = sandbox.git(&["rev-list", "--count", "HEAD"]).trim().parse::<usize>().unwrap();
    let (code, out, err) = batch(
        &sandbox,
        r#"["ws", "create", "api", "The API", "2"]
["t", "add", "api", "Build it", "", "1", "--label", "first"]

["t", "add", "api", "Test it", "--depends-on", "@2"]
["t", "add", "api", "Ship it", "--depends-on=@4"]
["t", "claim", "@2", "--agent", "agent-1"]
["t", "complete", "@2", "--result", "Built", "--agent", "agent-1"]
["t", "next", "api", "agent-2"]
["t", "list", "api", "--status", "pending"]
["a", "register", "agent-1", "worker"]
["l", "acquire", "git", "agent-1"]
["kb", "write", "api/notes", "One.", "Two."]
["event", "log", "agent-1", "deployed", "url=x"]
"#,
    );
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let told = documents(&out);
    assert_eq!(told.len(), 12);
    assert_eq!(told[0]["name"], "api");
    assert_eq!(told[2]["depends_on"][0], told[1]["id"]);
    assert_eq!(told[3]["depends_on"][0], told[2]["id"]);
    assert_eq!((&told[5]["status"], &told[5]["result"]), (&"done".into(), &"Built".into()));
    assert_eq!(told[6]["id"], told[2]["id"], "what it waited for is done");
    assert_eq!(told[7].as_array().unwrap().len(), 1);
    let after = sandbox.git(&["rev-list", "--count", "HEAD"]).trim().parse::<usize>().unwrap();
    assert_eq!(after, before + 1);
    let subject = sandbox.git(&["log", "-1", "--format=%s"]);
    assert!(subject.starts_with("orchestrator: 11 changes: create workstream api"), "{subject}");
    let events = sandbox.json(&["events", "--last", "30"]);
    let actions: Vec<&str> =
        events.as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    for action in
        ["task_created", "task_claimed", "task_completed", "agent_registered", "lock_acquired", "deployed"]
    {
        assert!(actions.contains(&action), "{action}: {actions:?}");
    }
    let status = sandbox.json(&["status"]);
    assert_eq!(status["active_tasks"][0]["assigned_to"], "agent-2");
    assert_eq!(status["active_locks"].as_array().unwrap().len(), 1);
    // The claims are records like any other: who held them is known elsewhere, too.
    let claim = format!("refs/orchestrator/claims/{}", told[1]["id"].as_str().unwrap());
    assert!(sandbox.git(&["log", "-1", "--format=%B", &claim]).contains("completed"));
    sandbox.git(&["fsck", "--strict"]);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn who_acts_in_a_batch_acts_in_each_request_that_names_nobody() {
    let sandbox = Sandbox::board();
    let lines = r#"["t", "add", "w", "One"]
["t", "next", "w"]
["t", "add", "w", "Two"]
["t", "next", "w", "--agent", "b"]
["l", "acquire", "git"]
"#;
    assert_eq!(batch(&sandbox, lines).0, 2);
    let (code, out, err) = batch_by(&sandbox, &["--agent", "a", "batch"], lines);
    assert_eq!(code, 0, "{err}");
    let told = documents(&out);
    assert_eq!((&told[1]["assigned_to"], &told[3]["assigned_to"]), (&"a".into(), &"b".into()));
    assert_eq!((&told[0]["created_by"], &told[4]["agent"]), (&"a".into(), &"a".into()));
}

#[test]
fn one_refusal_and_nothing_was_done() {
    let sandbox = Sandbox::board();
    let before = sandbox.git(&["for-each-ref"]);
    let add = r#"["t", "add", "w", "Fine"]"#;
    for (line, code, says) in [
        (r#"["t", "add", "nowhere", "Not fine"]"#, 1, "line 2: there is no workstream `nowhere`"),
        (r#"["t", "claim", "@7", "--agent", "a"]"#, 2, "line 2: "),
        (r#"["t", "next", "w"]"#, 2, "line 2: "),
        (r#"["t", "complete", "@1", "--epoch", "3"]"#, 1, "line 2: "),
        (r#"{"task": "add"}"#, 2, "line 2: no JSON array of words"),
        (r#"["init"]"#, 2, "line 2: this command can't be part of a batch"),
        (r#"["batch"]"#, 2, "line 2: this command can't be part of a batch"),
        (r#"["l", "acquire", "git", "a", "--wait", "1s"]"#, 2, "waiting for a lock can't be part of a batch"),
        (r#"["kb", "write", "topic", "-"]"#, 2, "a document from standard input"),
        (r#"["-C", "/", "t", "add", "w", "x"]"#, 2, "another directory"),
        (
            r#"["l", "acquire", "git", "a"]
["l", "release", "git", "a"]"#,
            2,
            "line 3: lock `git` is named twice",
        ),
        (
            r#"["t", "claim", "@1", "--agent", "a"]
["t", "next", "w", "b"]"#,
            1,
            "line 3: No pending tasks",
        ),
    ] {
        let (exit, out, err) = batch(&sandbox, &format!("{add}\n{line}\n"));
        assert_eq!((exit, out.as_str()), (code, ""), "{line}: {err}");
        assert!(err.contains(says) && err.contains("nothing was done"), "{line}: {err}");
        assert_eq!(sandbox.git(&["for-each-ref"]), before, "{line}");
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "{line}");
    }
    assert_eq!(batch(&sandbox, "\n\n"), (0, String::new(), String::new()));
}

#[test]
fn batches_and_single_calls_race_and_all_of_them_count() {
    let sandbox = Sandbox::board();
    let lines: String = (0..10).map(|n| format!("[\"t\", \"add\", \"w\", \"Task {n}\"]\n")).collect();
    let mut children: Vec<Child> = (0..4).map(|_| started(&sandbox, &["batch"])).collect();
    for child in &mut children {
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        sandbox.add("Single");
    }
    assert!(children.into_iter().all(|child| child.wait_with_output().unwrap().status.success()));
    assert_eq!(sandbox.json(&["t", "list"]).as_array().unwrap().len(), 44);
}
