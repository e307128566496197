//! `log`: the story of one entity, across moves, renames, squashes and deletions.

use super::support::Sandbox;

fn words(sandbox: &Sandbox, what: &str) -> Vec<String> {
    let story = sandbox.json(&["log", what]);
    story.as_array().unwrap().iter().map(|one| one["words"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_task_is_followed_through_moves_renames_and_its_end() {
    let sandbox = Sandbox::board();
    sandbox.run(&["ws", "create", "v"]).ok();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "update", &id, "--title", "Pay all", "--workstream", "v", "--agent", "ada"]).ok();
    sandbox.run(&["t", "claim", &id, "--agent", "a"]).ok();
    sandbox.run(&["t", "block", &id, "--reason", "rain", "--agent", "a"]).ok();
    sandbox.run(&["undo"]).ok();
    sandbox.run(&["t", "complete", &id, "--result", "well", "--agent", "a"]).ok();
    let block = sandbox.git(&["log", "-1", "--format=%h", "--abbrev=7", "HEAD~2"]);
    assert_eq!(
        words(&sandbox, &id),
        [
            "created in w: Pay".to_owned(),
            "moved from w to v".to_owned(),
            "claimed (epoch 1)".to_owned(),
            "blocked: rain".to_owned(),
            format!("unblocked, undoing task_blocked of {}", block.trim()),
            "completed: well".to_owned(),
        ]
    );
    let story = sandbox.json(&["log", &id[..4]]);
    let moved = &story[1];
    assert_eq!(moved["agent"], "ada");
    assert_eq!(moved["commit"], sandbox.git(&["rev-parse", "HEAD~4"]).trim());
    assert_eq!(moved["changes"][0], serde_json::json!({"field": "workstream", "old": "w", "new": "v"}));
    assert_eq!(moved["changes"][1], serde_json::json!({"field": "title", "old": "Pay", "new": "Pay all"}));
    let shown = sandbox.run(&["t", "show", &id]).ok().out;
    assert!(shown.contains("title: Pay → Pay all"), "{shown}");
    assert!(shown.trim_end().ends_with("completed: well"), "{shown}");
    // Both workstreams know of it.
    assert_eq!(words(&sandbox, "w")[2], format!("task {id} moved to v"));
    assert_eq!(words(&sandbox, "v")[1], format!("task {id} moved here from w"));
}

#[test]
fn squashes_hand_edits_and_deletions_are_told() {
    let sandbox = Sandbox::board();
    sandbox.git(&["switch", "-q", "-c", "feature"]);
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", &id, "--agent", "a"]).ok();
    sandbox.run(&["t", "complete", &id, "--agent", "a"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--squash", "feature"]);
    sandbox.git(&["commit", "-q", "-m", "Payments"]);
    sandbox.git(&["branch", "-q", "-D", "feature"]);
    assert_eq!(words(&sandbox, &id), ["created in w: Pay", "completed"]);
    let story = sandbox.json(&["log", &id]);
    assert_eq!(
        (&story[0]["derived"], &story[0]["agent"]),
        (&serde_json::json!(true), &serde_json::json!("Ada"))
    );
    let path = format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2]);
    sandbox.write(&path, &sandbox.read(&path).replace("title: Pay", "title: Paid"));
    sandbox.git(&["commit", "-q", "-am", "Edit"]);
    sandbox.git(&["rm", "-q", &path]);
    sandbox.git(&["commit", "-q", "-m", "Remove"]);
    assert_eq!(words(&sandbox, &id)[2..], ["updated", "deleted"]);
    // Not there any more, so only its whole id finds it.
    sandbox.run(&["log", &id[..5]]).code(1);
}

#[test]
fn topics_locks_agents_and_names_that_mean_several() {
    let sandbox = Sandbox::board();
    sandbox.run(&["kb", "write", "w", "one\ntwo\n", "--agent", "a"]).ok();
    sandbox.run(&["kb", "write", "w", "one\nthree\nfour\n"]).ok();
    sandbox.run(&["l", "acquire", "git", "a"]).ok();
    sandbox.run(&["l", "release", "git", "ada", "--force", "--epoch", "1", "--reason", "gone"]).ok();
    sandbox.run(&["a", "register", "a", "worker"]).ok();
    let several = sandbox.run(&["log", "w"]).code(1);
    assert!(several.err.contains("`w` may mean `workstream:w`, `topic:w`"), "{}", several.err);
    assert_eq!(words(&sandbox, "topic:w"), ["written, 2 lines", "written"]);
    let text = sandbox.run(&["log", "topic:w"]).ok().out;
    assert!(text.contains("content: 2 lines → 3 lines (+2 -1)"), "{text}");
    assert_eq!(
        words(&sandbox, "lock:git"),
        ["acquired (epoch 1)", "released (epoch 2), broken, it was held by a: gone"]
    );
    let agent = sandbox.run(&["log", "a"]).ok();
    assert!(agent.out.contains("registered as worker"), "{agent:?}");
    assert!(agent.err.contains("orchestrator events --agent a"), "{agent:?}");
    sandbox.run(&["kb", "delete", "w"]).ok();
    assert_eq!(words(&sandbox, "topic:w").len(), 3);
    let nothing = sandbox.run(&["log", "nothing"]).code(1);
    assert!(
        nothing.err.contains("no task, topic, workstream, lock or agent is called `nothing`"),
        "{}",
        nothing.err
    );
}

/// A link where the directory of a task should be hides the task: what the commit that brings it back changed can't be
/// told, and it is not said to have made it.
#[test]
fn what_was_hidden_was_not_absent() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    let (tasks, aside) = (sandbox.root.join(".orchestrator/tasks"), sandbox.home().join("tasks"));
    std::fs::rename(&tasks, &aside).unwrap();
    std::os::unix::fs::symlink("/nowhere", &tasks).unwrap();
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "-m", "Hide it"]);
    std::fs::remove_file(&tasks).unwrap();
    std::fs::rename(&aside, &tasks).unwrap();
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "-m", "Show it"]);
    let commit = sandbox.git(&["rev-parse", "--short=7", "HEAD"]);
    let told = sandbox.run(&["log", &id]).ok().out;
    let line = told.lines().find(|line| line.contains(commit.trim())).unwrap();
    assert!(line.contains("can't be told"), "{told}");
}
