//! Where a board may live, and what is refused with a sentence.

use super::support::Sandbox;

#[test]
fn a_board_begins_in_a_repository_without_commits() {
    let sandbox = Sandbox::unborn();
    sandbox.write("staged.txt", "x\n");
    sandbox.git(&["add", "staged.txt"]);
    sandbox.run(&["init"]).ok();
    sandbox.run(&["ws", "create", "w"]).ok();
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "A  staged.txt\n");
    sandbox.is_clean();
}

#[test]
fn a_fixed_branch_leaves_the_checkout_alone_and_is_shared() {
    let sandbox = Sandbox::new();
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.run(&["init", "--board", "orchestrator"]).ok();
    sandbox.run(&["ws", "create", "w"]).ok();
    let id = sandbox.add("Pay");
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert_eq!(sandbox.git(&["merge-base", "main", "orchestrator"]), head);
    sandbox.git(&["switch", "-q", "-c", "other"]);
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    assert_eq!(sandbox.json(&["t", "list", "w"])[0]["assigned_to"], "agent-1");
    // A worktree that has the branch checked out follows.
    let tree = sandbox.home().join("board");
    sandbox.git(&["worktree", "add", "-q", tree.to_str().unwrap(), "orchestrator"]);
    sandbox.run(&["t", "complete", "w", &id, "done"]).ok();
    assert_eq!(sandbox.git_in(&tree, &["status", "--porcelain"]), "");
    let file =
        std::fs::read_to_string(tree.join(format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2]))).unwrap();
    assert!(file.contains("status: done\n"), "{file}");
    sandbox.is_clean();
}

#[test]
fn a_board_on_head_moves_to_a_branch_of_its_own() {
    let sandbox = Sandbox::board();
    sandbox.add("Pay");
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(sandbox.json(&["init", "--board", "tasks"])["created"], true);
    assert_eq!(sandbox.json(&["init", "--board", "tasks"])["created"], false);
    sandbox.add("Test");
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(sandbox.git(&["rev-parse", "tasks~1"]), head);
    assert_eq!(sandbox.json(&["t", "list"]).as_array().unwrap().len(), 2);
    // A fresh clone has it on its remote only.
    let clone = sandbox.home().join("clone");
    sandbox.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    sandbox.run_in(&clone, &["init", "--board", "tasks"]).ok();
    sandbox.run_in(&clone, &["t", "add", "w", "In the clone"]).ok();
    assert_eq!(sandbox.git_in(&clone, &["rev-parse", "tasks~1"]), sandbox.git(&["rev-parse", "tasks"]));
}

#[test]
fn a_bare_repository_and_a_detached_head_work() {
    let sandbox = Sandbox::board();
    let bare = sandbox.home().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    sandbox.run_in(&bare, &["t", "add", "w", "In the bare one"]).ok();
    assert!(sandbox.git_in(&bare, &["log", "-1", "--format=%s"]).contains("In the bare one"));
    sandbox.git(&["switch", "-q", "--detach"]);
    let answer = sandbox.run(&["t", "add", "w", "Detached"]).ok();
    assert!(answer.err.contains("HEAD is detached"), "{answer:?}");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    sandbox.is_clean();
}

#[test]
fn what_is_finished_on_another_branch_is_not_given_again_and_not_landed() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.git(&["switch", "-q", "-c", "feat-a"]);
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "done"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.run(&["t", "next", "w", "agent-2"]).code(1);
    let task = &sandbox.json(&["t", "list", "w"])[0];
    assert_eq!(
        (task["status"].as_str(), task["finished_on"]["branch"].as_str()),
        (Some("done"), Some("feat-a"))
    );
    sandbox.git(&["merge", "-q", "feat-a"]);
    assert!(sandbox.json(&["t", "list", "w"])[0]["finished_on"].is_null());
    // A completion that is reverted on the board gives the file the last word.
    sandbox.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(sandbox.json(&["t", "list", "w"])[0]["status"], "in_progress");
}

#[test]
fn a_merge_under_way_is_refused() {
    let sandbox = Sandbox::board();
    sandbox.git(&["switch", "-q", "-c", "side"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "Side"]);
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "Main"]);
    sandbox.git(&["merge", "-q", "--no-commit", "side"]);
    let answer = sandbox.run(&["t", "add", "w", "x"]).code(3);
    assert!(answer.err.contains("a merge is under way"), "{answer:?}");
    let mailed = Sandbox::board();
    std::fs::create_dir(mailed.root.join(".git/rebase-apply")).unwrap();
    mailed.write(".git/rebase-apply/applying", "");
    let answer = mailed.run(&["t", "add", "w", "x"]).code(3);
    assert!(answer.err.starts_with("error: an am is under way"), "{answer:?}");
    // Locks need no board.
    sandbox.run(&["l", "acquire", "git", "a"]).ok();
}

#[test]
fn what_can_not_be_used_is_refused_with_a_sentence() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "core.repositoryformatversion", "1"]);
    sandbox.git(&["config", "extensions.unheardOf", "true"]);
    let mut command = sandbox.command(&sandbox.root, &["init"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("unheardof"));
    for (format, word) in [("--ref-format=reftable", "reftable"), ("--object-format=sha256", "sha256")] {
        let other = sandbox.home().join(word);
        sandbox.git(&["init", "-q", format, other.to_str().unwrap()]);
        let answer = sandbox.run_in(&other, &["init"]).code(4);
        assert!(answer.err.contains(word), "{answer:?}");
    }
}

#[test]
fn a_repository_of_somebody_else_is_refused_until_the_user_trusts_it() {
    let sandbox = Sandbox::board();
    let root = sandbox.root.to_str().unwrap();
    // Only root can give a directory away.
    let given = std::process::Command::new("chown").args(["-R", "65534", root]).output().unwrap();
    if !given.status.success() {
        eprintln!("chown is not allowed here: nothing was checked");
        return;
    }
    let answer = sandbox.run(&["status"]).code(4);
    assert!(answer.err.contains("belongs to somebody else"), "{answer:?}");
    assert!(answer.err.contains(&format!("--add safe.directory '{root}'")), "{answer:?}");
}

#[test]
fn an_ignored_board_is_refused_with_file_and_line() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "target\n.orchestrator/\n");
    let answer = sandbox.run(&["init"]).code(3);
    assert!(answer.err.contains(".gitignore:2: `.orchestrator/`"), "{answer:?}");
    assert!(!sandbox.root.join(".orchestrator").exists());
}
