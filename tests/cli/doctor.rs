//! `doctor`: each thing it finds, and that it leaves alone what is not ours.

use std::process::Command;

use super::support::{Sandbox, hermetic};

fn codes(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let words: Vec<&str> = ["--json", "doctor"].iter().chain(words).copied().collect();
    let found = sandbox.run(&words).json();
    found.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_healthy_repository_has_nothing_to_tell() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["doctor"]).ok().out, "Nothing is wrong.\n");
    let sandbox = Sandbox::board();
    sandbox.add("Pay");
    sandbox.run(&["t", "next", "w", "agent-1"]).ok();
    assert_eq!(sandbox.run(&["doctor"]).ok().out, "Nothing is wrong.\n");
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_touched() {
    let sandbox = Sandbox::board();
    sandbox.git(&["config", "remote.origin.fetch", "+refs/orchestrator/*:refs/orchestrator/*"]);
    assert_eq!(codes(&sandbox, &[]), ["refspec"]);
    sandbox.git(&[
        "config",
        "remote.origin.fetch",
        "+refs/orchestrator/*:refs/orchestrator/remotes/origin/*",
    ]);
    assert_eq!(codes(&sandbox, &[]), [""; 0]);

    sandbox.git(&["config", "orchestrator.board", "nowhere"]);
    assert_eq!(codes(&sandbox, &[]), ["board"]);
    sandbox.git(&["config", "--unset", "orchestrator.board"]);

    let lock = sandbox.root.join(".git/refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    assert_eq!(codes(&sandbox, &[]), ["lock_file"], "it is looked at twice: who lives removes it");
    let touched = Command::new("touch").args(["-d", "1 hour ago"]).arg(&lock).status().unwrap();
    assert!(touched.success());
    assert_eq!(codes(&sandbox, &["--fix"]), ["lock_file"]);
    assert!(lock.exists(), "whose it is can't be proved");
    std::fs::remove_file(&lock).unwrap();

    sandbox.write(".orchestrator/.gitattributes", "\n");
    sandbox.write(".orchestrator/workstreams/W.yaml", &sandbox.read(".orchestrator/workstreams/w.yaml"));
    sandbox.write(".orchestrator/workstreams/bad.yaml", "name: [\n");
    sandbox.git(&["add", "."]);
    sandbox.git(&["commit", "-q", "-m", "By hand"]);
    let found = codes(&sandbox, &[]);
    for code in ["attributes", "damage", "case_twins"] {
        assert!(found.iter().any(|one| one == code), "{code}: {found:?}");
    }
    sandbox.write(".gitignore", ".orchestrator\n");
    assert!(codes(&sandbox, &[]).contains(&"ignored".to_owned()));
}

#[test]
fn a_claim_whose_commit_has_left_its_branch_can_be_got_back() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    let claim = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let answer = sandbox.run(&["doctor"]).code(1);
    assert!(answer.out.contains("lost_claim") && answer.out.contains(&claim[..7]), "{answer:?}");
    let hint = format!("git branch recovered-{id} {}", &claim[..12]);
    assert!(answer.out.contains(&hint), "{answer:?}");
    sandbox.git(&["branch", &format!("recovered-{id}"), &claim[..12]]);
    assert_eq!(sandbox.run(&["doctor"]).ok().out, "Nothing is wrong.\n");
}

#[test]
fn what_a_dead_process_left_is_recovered_on_request() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=rename",
        "-e",
        "inject=rename:signal=KILL:when=2",
    ]);
    command.arg(env!("CARGO_BIN_EXE_orchestrator")).args(["t", "claim", "w", &id, "agent-1"]);
    command.current_dir(&sandbox.root).stderr(std::process::Stdio::null());
    hermetic(&mut command, sandbox.home());
    if command.status().is_err() {
        eprintln!("there is no strace here: nothing was checked");
        return;
    }
    assert_eq!(codes(&sandbox, &[]), ["journal"]);
    assert_eq!(codes(&sandbox, &[]), ["journal"], "looking changes nothing");
    let mended = sandbox.run(&["doctor", "--fix"]).ok();
    assert!(mended.out.contains("put right"), "{mended:?}");
    assert_eq!(codes(&sandbox, &[]), [""; 0]);
    sandbox.is_clean();
}

#[test]
fn what_keeps_everybody_waiting_is_named_with_its_owner_and_age() {
    let sandbox = Sandbox::board();
    for name in
        ["index.lock", "HEAD.lock", "packed-refs.lock", "config.lock", "shallow.lock", "refs/heads/main.lock"]
    {
        let lock = sandbox.root.join(".git").join(name);
        std::fs::write(&lock, "").unwrap();
        if name.starts_with("index") {
            sandbox.run(&["--timeout", "100ms", "t", "add", "w", "New"]).code(3);
        }
        assert!(Command::new("touch").args(["-d", "1 hour ago"]).arg(&lock).status().unwrap().success());
        assert_eq!(codes(&sandbox, &[]), ["lock_file"], "{name}");
        let told = sandbox.run(&["doctor"]).code(1).out;
        assert!(
            told.contains(name) && told.contains(" of user ") && told.contains("3600 s")
                || told.contains("3601 s"),
            "{told}"
        );
        std::fs::remove_file(&lock).unwrap();
    }
    // One that has just been made is looked at again, and is no journal of ours.
    std::fs::write(sandbox.root.join(".git/index.lock"), "").unwrap();
    sandbox.run(&["--timeout", "100ms", "t", "add", "w", "New"]).code(3);
    assert_eq!(codes(&sandbox, &[]), ["lock_file"]);
    std::fs::remove_file(sandbox.root.join(".git/index.lock")).unwrap();
    assert_eq!(codes(&sandbox, &[]), [""; 0], "a refusal leaves no journal");
}

/// Where each change is refused, something is wrong.
#[test]
fn what_refuses_every_change_is_named() {
    let sandbox = Sandbox::board();
    let refused = |code: i32, hint: &str, what: &str| {
        let answer = sandbox.run(&["t", "add", "w", "New"]).code(code);
        assert!(answer.err.contains(&format!("hint: {hint}")), "{answer:?}");
        assert_eq!(codes(&sandbox, &[]), [what]);
    };
    sandbox.git(&["config", "core.worktree", "/nonexistent"]);
    refused(3, "orchestrator doctor", "worktree");
    let told = sandbox.run(&["doctor"]).code(1).out;
    assert!(told.contains("`/nonexistent`") && told.contains("core.worktree"), "{told}");
    sandbox.git(&["config", "--unset", "core.worktree"]);

    let lock = sandbox.root.join(".git/orchestrator/lock");
    for make in [
        (|path| std::os::unix::fs::symlink("/dev/zero", path)) as fn(&std::path::Path) -> std::io::Result<()>,
        |path| std::fs::create_dir(path),
    ] {
        std::fs::remove_file(&lock).unwrap();
        make(&lock).unwrap();
        refused(4, "orchestrator doctor", "journal");
        // Who reads needs none.
        sandbox.run(&["status"]).ok();
        sandbox.run(&["doctor", "--fix"]).code(1);
        std::fs::rename(&lock, sandbox.home().join("other")).unwrap();
        sandbox.run(&["t", "add", "w", "New"]).ok();
        let _gone = std::fs::remove_file(sandbox.home().join("other"));
    }

    let id = sandbox.add("Held up");
    for (name, words) in [
        ("refs/orchestrator/claims", &["t", "claim", &id, "--agent", "ada"][..]),
        ("refs/orchestrator/locks", &["l", "acquire", "deploy", "ada"]),
        ("refs/orchestrator", &["l", "acquire", "deploy", "ada"]),
    ] {
        for below in sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orchestrator/"]).lines() {
            sandbox.git(&["update-ref", "-d", below]);
        }
        sandbox.git(&["update-ref", name, "HEAD"]);
        let answer = sandbox.run(words).code(4);
        assert!(answer.err.contains(&format!("while there is `{name}`")), "{answer:?}");
        assert_eq!(codes(&sandbox, &[]), ["ref"], "{name}");
        // What is to be done keeps what it was, and is enough.
        let told = sandbox.run(&["doctor"]).code(1).out;
        let script = told.lines().find_map(|line| line.trim().strip_prefix("to do: ")).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(&sandbox.root);
        hermetic(&mut shell, sandbox.home());
        assert!(shell.status().unwrap().success(), "{script}");
        sandbox.run(words).ok();
        sandbox.git(&["rev-parse", "--verify", "-q", &format!("refs/kept/{name}")]);
        sandbox.git(&["update-ref", "-d", &format!("refs/kept/{name}")]);
    }

    sandbox.git(&["config", "orchestrator.board", "a..b"]);
    let answer = sandbox.run(&["t", "list"]).code(2);
    assert!(answer.err.starts_with("error: git config orchestrator.board: `a..b` can't be"), "{answer:?}");
    refused(2, "git config --show-origin orchestrator.board", "board");
    sandbox.git(&["config", "--unset", "orchestrator.board"]);

    sandbox.write(".orchestrator/config.yaml", "format: 2\n");
    sandbox.git(&["commit", "-q", "-a", "-m", "Later"]);
    refused(4, "use a later version of orchestrator", "format");
}

#[test]
fn a_journal_that_nobody_here_can_read_is_named_and_stays() {
    let sandbox = Sandbox::board();
    let journal = sandbox.root.join(".git/orchestrator/lock");
    for (text, word) in [
        ("garbage\n", "can't be read"),
        (
            "{\"version\":2,\"host\":\"/x\",\"records\":[],\"board\":null,\"branch\":null,\"worktrees\":[]}\n",
            "another version",
        ),
        ("{\"moves\":[]}\n", "another version"),
    ] {
        std::fs::write(&journal, text).unwrap();
        let answer = sandbox.run(&["t", "add", "w", "New"]).code(4);
        assert!(answer.err.contains(word) && answer.err.contains("orchestrator doctor"), "{answer:?}");
        sandbox.run(&["t", "list", "w"]).ok();
        for words in [&["doctor"][..], &["doctor", "--fix"]] {
            let told = sandbox.run(words);
            assert!(
                told.out.contains("journal") && told.out.contains(word) && told.out.contains("mv '"),
                "{told:?}"
            );
        }
        assert_eq!(std::fs::read_to_string(&journal).unwrap(), text, "it is never removed");
    }
}

#[test]
fn hooks_that_do_not_run_are_told_and_nothing_is_wrong_with_them() {
    let sandbox = Sandbox::board();
    let hooks = sandbox.root.join("own-hooks");
    std::fs::create_dir(&hooks).unwrap();
    for (name, mode) in
        [("pre-commit", 0o755), ("post-commit", 0o644), ("pre-push", 0o755), ("commit-msg.sample", 0o755)]
    {
        std::fs::write(hooks.join(name), "#!/bin/sh\nexit 1\n").unwrap();
        std::fs::set_permissions(hooks.join(name), std::os::unix::fs::PermissionsExt::from_mode(mode))
            .unwrap();
    }
    assert_eq!(codes(&sandbox, &[]), [""; 0]);
    sandbox.git(&["config", "core.hooksPath", "own-hooks"]);
    let told = sandbox.run(&["doctor"]).ok().out;
    assert!(told.contains("1 of git's hooks does not run for changes of the board: pre-commit\n"), "{told}");
    sandbox.run(&["t", "add", "w", "New"]).ok();
}

#[test]
fn refs_that_lead_nowhere_and_replaced_objects_are_named() {
    let sandbox = Sandbox::board();
    sandbox.git(&["replace", "HEAD", "HEAD~1"]);
    let told = sandbox.run(&["doctor"]).ok().out;
    assert!(told.contains("refs/replace/"), "{told}");
    sandbox.git(&["replace", "-d", "HEAD"]);
    let lock = sandbox.root.join(".git/refs/orchestrator/locks");
    std::fs::create_dir_all(&lock).unwrap();
    std::fs::write(lock.join("gone"), "1111111111111111111111111111111111111111\n").unwrap();
    std::fs::write(lock.join("odd"), "x\n").unwrap();
    std::fs::write(lock.join("other"), "ref: refs/heads/main\n").unwrap();
    let told = sandbox.run(&["doctor"]).code(1).out;
    for word in ["gone", "odd", "other"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}
