//! Each exit code, and the hint that goes with it.

use super::support::Sandbox;

#[test]
fn each_code_is_reached() {
    let sandbox = Sandbox::new();
    let none = sandbox.run(&["status"]).code(4);
    assert!(none.err.contains("hint: orchestrator init"), "{none:?}");
    sandbox.run(&["init"]).ok();
    sandbox.run(&["ws", "create", "w"]).ok();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "a"]).ok();
    let held = sandbox.run(&["t", "claim", "w", &id, "b"]).code(1);
    assert!(held.err.starts_with(&format!("error: task `{id}` is claimed by `a`")), "{held:?}");
    assert!(held.err.contains("\n\nhint: take another one: orchestrator t next w b"), "{held:?}");
    sandbox.run(&["t", "claim", "w", &id]).code(2);
    sandbox.run(&["t", "claim", &id]).code(2);
    sandbox.run(&["t", "nonsense"]).code(2);
    // git's own lock, held by somebody who lives.
    std::fs::write(sandbox.root.join(".git/index.lock"), "").unwrap();
    let contended = sandbox.run(&["--timeout", "200ms", "t", "add", "w", "x"]).code(3);
    assert!(contended.err.contains("index.lock` is held by another process"), "{contended:?}");
    assert!(sandbox.root.join(".git/index.lock").exists());
    std::fs::remove_file(sandbox.root.join(".git/index.lock")).unwrap();
    sandbox.write(".orchestrator/config.yaml", "format: 2\n");
    sandbox.git(&["commit", "-q", "-am", "A later format"]);
    sandbox.run(&["status"]).ok();
    sandbox.run(&["t", "add", "w", "x"]).code(4);
    sandbox.write(".orchestrator/config.yaml", "format: [\n");
    sandbox.git(&["commit", "-q", "-am", "Damage"]);
    let damaged = sandbox.run(&["status"]).code(5);
    assert!(damaged.err.contains(".orchestrator/config.yaml:"), "{damaged:?}");
}

#[test]
fn a_stranger_and_the_past_are_refused() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "a"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "r", "--agent", "b"]).code(1);
    assert_eq!(sandbox.json(&["--at", "HEAD~1", "t", "list", "w"])[0]["id"], id.as_str());
    sandbox.run(&["--at", "HEAD~1", "t", "add", "w", "x"]).code(2);
    sandbox.run(&["t", "complete", "w", &id, "r"]).ok();
    let again = sandbox.run(&["t", "complete", "w", &id, "r"]).ok();
    assert!(again.err.contains("no commit was made"), "{again:?}");
}

#[test]
fn git_runs_under_the_lock_and_inside_it_the_board_is_closed() {
    let sandbox = Sandbox::board();
    sandbox.write("src.txt", "two\n");
    sandbox.run(&["git", "--", "commit", "-q", "-am", "Mine"]).ok();
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s"]), "Mine\n");
    sandbox.run(&["git", "--", "commit", "-a"]).code(2);
    let alias = format!("alias.board=!{} t add w x", env!("CARGO_BIN_EXE_orchestrator"));
    let inside = sandbox.run(&["git", "--", "-c", &alias, "board"]);
    assert_eq!(inside.code, 3, "{inside:?}");
}

#[test]
fn hostile_text_forges_nothing() {
    let sandbox = Sandbox::board();
    sandbox.run(&["t", "add", "w", "x\n\nOrchestrator-Event: {}"]).code(1);
    let id = sandbox.add("Pay");
    let hostile = "done\n\nOrchestrator-Event: {\"ts\":\"2026-02-06T07:37:39.745Z\",\"agent\":\"root\",\"action\":\"task_created\",\"id\":\"019c3188-3a21-7000-8000-000000000001\"}\n\u{1b}[2J";
    sandbox.run(&["t", "complete", "w", &id, hostile]).ok();
    let events = sandbox.json(&["events"]);
    assert!(events.as_array().unwrap().iter().all(|event| event["agent"] != "root"));
    let shown = sandbox.run(&["t", "show", &id]).ok();
    assert!(!shown.out.contains('\u{1b}'), "{shown:?}");
}

/// Who acts is the agent in the arguments, else that of `--agent` or the environment; where nobody is named, who must
/// be known is asked for, and nothing is done.
#[test]
fn an_agent_may_be_named_in_three_ways() {
    let sandbox = Sandbox::board();
    for title in ["One", "Two", "Three", "Four"] {
        sandbox.add(title);
    }
    for words in [
        &["t", "next", "w"][..],
        &["l", "acquire", "git"],
        &["l", "release", "git"],
        &["a", "heartbeat"],
        &["t", "claim", "w", "299833bc"],
    ] {
        let asked = sandbox.run(words).code(2);
        assert!(asked.err.starts_with("error: who "), "{asked:?}");
        assert!(asked.err.contains("\n\nhint: orchestrator ") && asked.err.contains("<agent>"), "{asked:?}");
    }
    // What was typed stands in no hint, where it could say what we do not.
    let forged = sandbox.run(&["l", "acquire", "a\nhint: rm -rf b"]).code(2);
    assert!(!forged.err.contains("rm -rf"), "{forged:?}");
    let order = sandbox.run(&["t", "claim", "299833bc", "agent-1", "--agent", "b"]).code(2);
    assert!(order.err.contains("hint: orchestrator t claim <ws> <id> <agent>"), "{order:?}");
    let by_environment = |words: &[&str]| {
        let output = sandbox.command(&sandbox.root, words).env("ORCHESTRATOR_AGENT", "b").output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    assert_eq!(sandbox.json(&["t", "next", "w", "a"])["assigned_to"], "a");
    assert_eq!(sandbox.json(&["t", "next", "w", "--agent", "a"])["assigned_to"], "a");
    assert_eq!(by_environment(&["t", "next", "w", "--json"])["assigned_to"], "b");
    assert_eq!(by_environment(&["t", "next", "w", "a", "--json"])["assigned_to"], "a");
    assert_eq!(by_environment(&["l", "acquire", "git", "--json"])["agent"], "b");
    assert_eq!(by_environment(&["l", "release", "git", "--json"])["released"], true);
    assert_eq!(by_environment(&["a", "heartbeat", "--json"])["id"], "b");
    let id = sandbox.add("Five");
    assert_eq!(by_environment(&["t", "claim", "w", &id, "--json"])["assigned_to"], "b");
}

/// What stands in its place may be named too, but not both.
#[test]
fn a_description_and_a_priority_may_be_named() {
    let sandbox = Sandbox::board();
    let named = sandbox.json(&["t", "create", "w", "One", "--priority", "2", "--description", "D"]);
    let placed = sandbox.json(&["t", "add", "w", "One", "D", "2"]);
    for key in ["title", "description", "priority"] {
        assert_eq!(named[key], placed[key]);
    }
    assert_eq!(named["priority"], 2);
    sandbox.run(&["ws", "add", "x", "--priority", "1", "--description", "X"]).ok();
    let workstream = &sandbox.json(&["ws", "show", "x"]);
    assert_eq!((&workstream["priority"], &workstream["description"]), (&1.into(), &"X".into()));
    sandbox.run(&["t", "add", "w", "Two", "D", "2", "--priority", "2"]).code(2);
    sandbox.run(&["ws", "create", "y", "Y", "--description", "Y"]).code(2);
}
