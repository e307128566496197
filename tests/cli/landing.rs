//! Record against file: who has the last word on a task, however its history went.

use super::support::Sandbox;

fn status(sandbox: &Sandbox, id: &str) -> String {
    sandbox.json(&["t", "show", id])["status"].as_str().unwrap().to_owned()
}

fn task_file(id: &str) -> String {
    format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2])
}

#[test]
fn a_completion_that_is_reverted_is_undone() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "done"]).ok();
    sandbox.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(status(&sandbox, &id), "in_progress");
    // The file has the last word: the holder goes on, and may complete it again.
    sandbox.run(&["t", "complete", "w", &id, "better", "--agent", "agent-1"]).ok();
    assert_eq!(status(&sandbox, &id), "done");
    sandbox.is_clean();
}

#[test]
fn a_claim_that_was_reset_away_still_holds_and_can_be_completed_or_freed() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!(status(&sandbox, &id), "in_progress");
    sandbox.run(&["t", "claim", "w", &id, "agent-2"]).code(1);
    sandbox.run(&["t", "complete", "w", &id, "done", "--agent", "agent-1"]).ok();
    assert_eq!(status(&sandbox, &id), "done");
    assert!(sandbox.read(&task_file(&id)).contains("status: done\n"));
    sandbox.is_clean();
}

#[test]
fn a_completion_that_is_on_no_branch_any_more_is_free() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "done"]).ok();
    sandbox.git(&["reset", "-q", "--hard", "HEAD~2"]);
    assert_eq!(status(&sandbox, &id), "pending");
    let again = sandbox.json(&["t", "next", "w", "agent-2"]);
    assert_eq!((again["id"].as_str(), again["epoch"].as_u64()), (Some(id.as_str()), Some(2)));
    sandbox.is_clean();
}

#[test]
fn an_amended_commit_keeps_its_claim() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.write("src.txt", "two\n");
    sandbox.git(&["commit", "-q", "-a", "--amend", "--no-edit"]);
    assert_eq!(status(&sandbox, &id), "in_progress");
    assert_eq!(sandbox.json(&["events", "--action", "task_claimed"]).as_array().unwrap().len(), 1);
    sandbox.run(&["t", "complete", "w", &id, "done", "--agent", "agent-1", "--epoch", "1"]).ok();
    assert_eq!(status(&sandbox, &id), "done");
}

#[test]
fn a_hand_edit_that_is_committed_counts() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    let file = task_file(&id);
    let text = sandbox.read(&file).replace("status: in_progress", "status: pending");
    sandbox.write(&file, &text.replace("assigned_to: agent-1", "assigned_to: null"));
    sandbox.run(&["t", "complete", "w", &id, "r", "--agent", "agent-1"]).code(3);
    sandbox.git(&["commit", "-q", "-am", "Take it back by hand"]);
    assert_eq!(status(&sandbox, &id), "pending");
    assert_eq!(sandbox.json(&["t", "next", "w", "agent-2"])["epoch"], 2);
    // Who lost it comes late.
    sandbox.run(&["t", "complete", "w", &id, "r", "--agent", "agent-1", "--epoch", "1"]).code(1);
}

#[test]
fn a_release_in_one_worktree_frees_what_another_ones_file_says_is_held() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    let tree = sandbox.home().join("tree");
    sandbox.git(&["worktree", "add", "-q", "-b", "feature", tree.to_str().unwrap()]);
    sandbox.run_in(&tree, &["t", "release", &id, "--agent", "agent-1"]).ok();
    assert!(sandbox.read(&task_file(&id)).contains("status: in_progress\n"));
    assert_eq!(status(&sandbox, &id), "pending");
    assert_eq!(sandbox.json(&["t", "next", "w", "agent-2"])["epoch"], 2);
    sandbox.is_clean();
}

#[test]
fn a_fresh_clone_believes_the_board_and_goes_on_counting() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    for agent in ["agent-1", "agent-2"] {
        sandbox.run(&["t", "claim", "w", &id, agent]).ok();
        if agent == "agent-1" {
            sandbox.run(&["t", "release", &id, "--agent", agent]).ok();
        }
    }
    let clone = sandbox.home().join("clone");
    sandbox.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    let refused = sandbox.run_in(&clone, &["t", "claim", "w", &id, "agent-3"]).code(1);
    assert!(refused.err.contains("is claimed by `agent-2`"), "{refused:?}");
    sandbox.run_in(&clone, &["t", "release", &id, "--agent", "agent-2"]).ok();
    let claimed = sandbox.run_in(&clone, &["--json", "t", "claim", "w", &id, "agent-3"]).ok().json();
    assert_eq!(claimed["epoch"], 3);
}

#[test]
fn the_copies_of_an_event_count_once() {
    let sandbox = Sandbox::board();
    sandbox.git(&["switch", "-q", "-c", "side"]);
    let id = sandbox.add("Pay");
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "Elsewhere"]);
    sandbox.git(&["cherry-pick", "side"]);
    sandbox.git(&["merge", "-q", "--no-edit", "side"]);
    assert_eq!(
        sandbox.git(&["log", "--oneline", "--grep=^orchestrator: add"]).lines().count(),
        2,
        "two commits tell of it"
    );
    let events = sandbox.json(&["events", "--action", "task_created"]);
    assert_eq!(events.as_array().unwrap().len(), 1, "{events:#}");
    assert_eq!(events[0]["task_id"], id);
}
