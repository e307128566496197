//! What belongs to the user stays as it is; what was edited by hand and not committed is never overwritten.

use super::support::Sandbox;

#[test]
fn a_hand_edit_that_is_not_committed_is_refused_and_one_that_is_counts() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    let path = format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2]);
    let edited = sandbox.read(&path).replace("title: Pay", "title: Pay now");
    sandbox.write(&path, &edited);
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    let answer = sandbox.run(&["t", "claim", "w", &id, "agent-1"]).code(3);
    assert!(answer.err.contains("it was edited and is not committed"), "{answer:?}");
    assert_eq!(sandbox.read(&path), edited);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
    assert_eq!(sandbox.git(&["for-each-ref", "refs/orchestrator"]), "");
    // Other entries go on.
    sandbox.run(&["t", "add", "w", "Another"]).ok();
    sandbox.git(&["add", &path]);
    let answer = sandbox.run(&["t", "claim", "w", &id, "agent-1"]).code(3);
    assert!(answer.err.contains("staged"), "{answer:?}");
    sandbox.git(&["commit", "-q", "-m", "Rename the task"]);
    assert_eq!(sandbox.json(&["t", "show", &id])["title"], "Pay now");
    let events = sandbox.json(&["events", "--task", &id]);
    let last = events.as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["action"].as_str(), last["agent"].as_str()), (Some("task_updated"), Some("Ada")));
    assert_eq!(last["derived"], true);
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.is_clean();
}

#[test]
fn an_untracked_file_in_the_way_is_kept() {
    let sandbox = Sandbox::board();
    std::fs::create_dir_all(sandbox.root.join(".orchestrator/knowledge")).unwrap();
    sandbox.write(".orchestrator/knowledge/api.md", "mine\n");
    let answer = sandbox.run(&["kb", "write", "api", "theirs"]).code(3);
    assert!(answer.err.contains("an untracked file of that name is there"), "{answer:?}");
    assert_eq!(sandbox.read(".orchestrator/knowledge/api.md"), "mine\n");
}

#[test]
fn every_kind_of_index_keeps_what_is_in_it() {
    for setting in [
        &["update-index", "--index-version", "2"][..],
        &["update-index", "--index-version", "4"],
        &["update-index", "--split-index"],
        &["update-index", "--force-untracked-cache"],
        &["config", "index.skipHash", "true"],
        &["config", "core.autocrlf", "true"],
    ] {
        let sandbox = Sandbox::new();
        for name in ["a", "b", "c", "d", "e", "z"] {
            sandbox.write(&format!("{name}.txt"), &format!("{name}\n"));
        }
        sandbox.git(&["add", "."]);
        sandbox.git(&["commit", "-q", "-m", "Files"]);
        sandbox.git(setting);
        sandbox.write("a.txt", "staged\n");
        sandbox.git(&["add", "a.txt"]);
        sandbox.write("a.txt", "staged, then modified\n");
        sandbox.write("b.txt", "modified\n");
        sandbox.git(&["rm", "-q", "--cached", "c.txt"]);
        sandbox.git(&["update-index", "--skip-worktree", "d.txt"]);
        std::fs::remove_file(sandbox.root.join("e.txt")).unwrap();
        sandbox.write("new.txt", "new\n");
        sandbox.git(&["add", "-N", "new.txt"]);
        sandbox.write("untracked.txt", "u\n");
        let before = sandbox.work();
        sandbox.run(&["init"]).ok();
        sandbox.run(&["ws", "create", "w"]).ok();
        let id = sandbox.add("Pay");
        sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
        sandbox.run(&["kb", "write", "a/b", "x"]).ok();
        sandbox.run(&["kb", "delete", "a/b"]).ok();
        assert_eq!(sandbox.work(), before, "{setting:?}");
        assert!(sandbox.git(&["ls-files", "-v", "d.txt"]).starts_with("S "), "{setting:?}");
        let ours = sandbox.git(&["diff", "--cached", "--name-only", "HEAD", "--", ".orchestrator"]);
        assert_eq!(ours, "", "{setting:?}");
        sandbox.is_clean();
        // What the user commits next is what was staged, and reverts nothing of ours.
        sandbox.git(&["commit", "-q", "-m", "Mine", "--", "a.txt"]);
        assert_eq!(sandbox.json(&["t", "show", &id])["status"], "in_progress", "{setting:?}");
    }
}

#[test]
fn one_bad_file_is_named_and_the_rest_still_works() {
    let sandbox = Sandbox::board();
    let (bad, good) = (sandbox.add("Bad"), sandbox.add("Good"));
    let path = format!(".orchestrator/tasks/{}/{bad}.yaml", &bad[..2]);
    sandbox.write(&path, &sandbox.read(&path).replace("status: pending", "status: Done"));
    sandbox.git(&["commit", "-q", "-am", "Break it"]);
    let status = sandbox.run(&["status"]).code(5);
    assert!(status.out.contains(&format!("{path}:4:9: status: `Done` is unknown")), "{status:?}");
    sandbox.run(&["t", "claim", "w", &bad, "a"]).code(5);
    sandbox.run(&["t", "claim", "w", &good, "a"]).ok();
}

/// Git looks twice at a file that was changed in the second in which the index was written. Our index is
/// newer, so whoever writes it has to see to it that git still does.
#[test]
fn an_edit_of_the_second_in_which_the_index_was_written_stays_visible() {
    let sandbox = Sandbox::board();
    let at = |path: &str| {
        let touched = std::process::Command::new("touch")
            .args(["-d", "2026-02-06T12:00:00Z", path])
            .current_dir(&sandbox.root)
            .status();
        assert!(touched.unwrap().success());
    };
    let status = || sandbox.git(&["--no-optional-locks", "status", "--porcelain"]);
    // Of what a file's entry says only time and size count: as it is where all happens within one second.
    sandbox.git(&["config", "core.checkStat", "minimal"]);
    sandbox.write("src.txt", "two\n");
    at("src.txt");
    sandbox.git(&["commit", "-q", "-am", "Two"]);
    at(".git/index");
    sandbox.write("src.txt", "ten\n");
    at("src.txt");
    assert_eq!(status(), " M src.txt\n");
    sandbox.run(&["t", "add", "w", "Ours"]).ok();
    assert_eq!(status(), " M src.txt\n");
}
