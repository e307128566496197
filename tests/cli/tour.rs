//! The tour of the README, in a repository with work lying around.

use super::support::Sandbox;

#[test]
fn the_tour_leaves_a_story_and_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.write("staged.txt", "staged\n");
    sandbox.git(&["add", "staged.txt"]);
    sandbox.write("src.txt", "modified\n");
    sandbox.write("untracked.txt", "untracked\n");
    let before = sandbox.work();
    let lines = |words: &[&str]| sandbox.run(words).ok().out;
    assert!(lines(&["init"]).starts_with("Initialised the board on HEAD (main)"));
    assert!(lines(&["init"]).contains("is there already"));
    assert_eq!(
        lines(&["ws", "create", "revenue", "Revenue generation", "1"]),
        "Created workstream: revenue\n"
    );
    lines(&["ws", "create", "product", "Product development", "2"]);
    let added = lines(&["t", "add", "revenue", "Add payments to API", "Integrate USDC", "1"]);
    assert!(added.starts_with("Added task ") && added.ends_with(": Add payments to API\n"), "{added}");
    lines(&["t", "add", "product", "Write tests", "Unit and integration", "3"]);
    assert_eq!(lines(&["a", "register", "agent-1", "worker"]), "Registered agent: agent-1 (worker)\n");
    let next = lines(&["t", "next", "revenue", "agent-1"]);
    assert!(next.starts_with("Claimed next task: "), "{next}");
    let id = next["Claimed next task: ".len()..][..8].to_owned();
    let none = sandbox.run(&["t", "next", "revenue", "agent-1"]).code(1);
    assert_eq!((none.out.as_str(), none.err.as_str()), ("No pending tasks in this workstream.\n", ""));
    assert_eq!(
        lines(&["t", "complete", "revenue", &id, "Done: integrated payments"]),
        "Completed: Add payments to API\n"
    );
    lines(&["kb", "write", "api-design", "Use REST for external, events for internal"]);
    assert_eq!(lines(&["kb", "read", "api-design"]), "Use REST for external, events for internal");
    assert!(lines(&["l", "acquire", "git", "agent-1"]).starts_with("Lock acquired: git\n"));
    let denied = sandbox.run(&["l", "acquire", "git", "agent-2"]).code(1);
    assert!(denied.out.starts_with("Lock denied: git (held by agent-1"), "{denied:?}");
    assert_eq!(lines(&["l", "release", "git", "agent-1"]), "Lock released: git\n");
    assert_eq!(lines(&["a", "heartbeat", "agent-1"]), "Heartbeat: agent-1\n");
    for words in
        [&["events", "--last", "20"][..], &["status"], &["plan"], &["brief", "product"], &["collect"]]
    {
        assert!(!lines(words).is_empty(), "{words:?}");
    }

    assert_eq!(sandbox.work(), before);
    sandbox.is_clean();
    let trailers =
        sandbox.git(&["log", "--reverse", "--format=%(trailers:key=Orchestrator-Event,valueonly)"]);
    let events: Vec<serde_json::Value> = trailers
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let story: Vec<_> = events
        .iter()
        .map(|event| format!("{} {}", event["agent"].as_str().unwrap(), event["action"].as_str().unwrap()))
        .collect();
    assert_eq!(
        story,
        [
            "system workstream_created",
            "system workstream_created",
            "system task_created",
            "system task_created",
            "agent-1 agent_registered",
            "agent-1 task_claimed",
            "agent-1 task_completed",
            "system knowledge_written",
            "system cycle_collected",
        ]
    );
    let authors = sandbox.git(&["log", "--format=%an: %s", "-4"]);
    assert!(
        authors.contains(&format!("agent-1: orchestrator: complete {id} Add payments to API")),
        "{authors}"
    );
    // Each commit changes just the files of its own mutation.
    let files = sandbox.git(&["log", "--format=", "--name-only", "-3"]);
    let expected =
        format!(".orchestrator/knowledge/api-design.md\n.orchestrator/tasks/{}/{id}.yaml\n", &id[..2]);
    assert_eq!(files, expected);
}

#[test]
fn a_completion_is_a_diff_that_names_the_task() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "two\nlines\n"]).ok();
    let diff = sandbox.git(&["diff", "HEAD~1", "--unified=1"]);
    assert!(diff.contains(" title: Pay\n-status: in_progress\n+status: done\n"), "{diff}");
    assert!(diff.contains("-result: null\n+result: |\n+  two\n+  lines\n"), "{diff}");
}
