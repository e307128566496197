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

#[test]
fn settings_that_mean_nothing_are_named_by_their_line() {
    let sandbox = Sandbox::board();
    for (text, place, near) in [
        ("lock: {ttl: 5s}\n", ":2:7", Some("locks")),
        ("LOCKS:\n  ttl: 5s\n", ":2:1", Some("locks")),
        ("ttl: 5s\n", ":2:6", Some("locks.ttl")),
        ("claims:\n  stale_aftr: 5m\n", ":3:15", Some("stale_after")),
        ("claims:\n  Expire: true\n", ":3:11", Some("expire")),
        ("shade: 1\n", ":2:8", None),
    ] {
        sandbox.write(".orchestrator/config.yaml", &format!("format: 1\n{text}"));
        sandbox.git(&["commit", "-qam", "Settings"]);
        let found = sandbox.run(&["--json", "doctor"]).code(1).json();
        let one = &found[0];
        assert_eq!(
            (&one["code"], found.as_array().unwrap().len()),
            (&"unknown_setting".into(), 1),
            "{found}"
        );
        assert_eq!(one["place"], format!(".orchestrator/config.yaml{place}"), "{text}");
        let what = one["what"].as_str().unwrap();
        match near {
            Some(near) => assert!(what.contains(&format!("`{near}` may be meant")), "{what}"),
            None => assert!(what.contains("a later version may know it"), "{what}"),
        }
        // `check` says the same of it.
        assert!(sandbox.run(&["check"]).out.contains(what), "{text}");
    }
    for text in ["locks: 5s\n", "claims:\n  expire: yes\n", "email: [a]\n"] {
        sandbox.write(".orchestrator/config.yaml", &format!("format: 1\n{text}"));
        sandbox.git(&["commit", "-qam", "Settings"]);
        let told = sandbox.run(&["doctor"]).code(5);
        assert!(told.out.contains(".orchestrator/config.yaml:") && told.out.contains("expected"), "{told:?}");
    }
}

#[test]
fn a_merge_driver_that_is_not_ours_is_named_with_the_command_that_sets_it() {
    let sandbox = Sandbox::board();
    let key = "merge.orchestrator.driver";
    let ours = sandbox.git(&["config", key]);
    let finds = |what: &str| {
        let found = sandbox.run(&["--json", "doctor"]).code(1).json();
        assert_eq!(found[0]["code"], "merge_driver", "{what}: {found}");
        assert!(found[0]["what"].as_str().unwrap().contains(what), "{what}: {found}");
        found[0]["fix"].as_str().unwrap().to_owned()
    };
    for (command, what) in [
        ("true", "may merge in another way"),
        ("orchestrator merge-driver %O %A %B", "`orchestrator`, which is not there"),
        ("sh merge-driver %O %A %B", "may merge in another way"),
        ("'/nowhere/orchestrator' merge-driver %O %A %B %P", "`/nowhere/orchestrator`, which is not there"),
        ("no-such-program merge-driver", "`no-such-program`, which is not there"),
    ] {
        sandbox.git(&["config", key, command]);
        // The hint sets what `init` would.
        let set = sandbox.follow(&finds(what));
        assert_eq!(set.out, "");
        assert_eq!(codes(&sandbox, &[]), [""; 0], "{command}");
    }
    sandbox.git(&["config", "--unset", key]);
    sandbox.follow(&finds("has not been told"));
    // It was called by its name there, which leads nowhere from here.
    assert!(finds("which is not there").contains(env!("CARGO_BIN_EXE_orchestrator")));
    // By whatever name this very program is called.
    let named = ours.trim_end().replacen(env!("CARGO_BIN_EXE_orchestrator"), "sh", 1);
    sandbox.git(&["config", key, &named]);
    assert_eq!(codes(&sandbox, &[]), [""; 0], "{named}");
    let attributes = sandbox.read(".orchestrator/.gitattributes");
    let without: String =
        attributes.lines().filter(|l| !l.contains("merge=")).map(|l| format!("{l}\n")).collect();
    sandbox.write(".orchestrator/.gitattributes", &without);
    sandbox.git(&["commit", "-qam", "No driver"]);
    let fix = finds("no attribute has git use it");
    for line in attributes.lines().filter(|line| line.contains("merge=")) {
        assert!(fix.contains(line), "{line}: {fix}");
    }
    // The root's attributes may name it as well.
    sandbox.write(".gitattributes", ".orchestrator/** merge=orchestrator\n");
    sandbox.git(&["add", ".gitattributes"]);
    sandbox.git(&["commit", "-qm", "Attributes"]);
    assert_eq!(codes(&sandbox, &[]), [""; 0]);
}

#[test]
fn what_stands_in_the_place_of_our_own_files_is_named_and_can_be_put_aside() {
    let sandbox = Sandbox::board();
    sandbox.run(&["a", "heartbeat", "ada"]).ok();
    let home = sandbox.root.join(".git/orchestrator");
    for (path, is_file) in [("lock", false), ("presence/ada", false), ("presence", true), ("", true)] {
        let path = if path.is_empty() { home.clone() } else { home.join(path) };
        let _gone = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        if is_file {
            std::fs::write(&path, "").unwrap();
        } else {
            std::fs::create_dir(&path).unwrap();
        }
        let found = sandbox.run(&["--json", "doctor"]).code(1).json();
        let place = path.display().to_string();
        let one = found.as_array().unwrap().iter().find(|one| one["place"] == place);
        let one = one.unwrap_or_else(|| panic!("{place}: {found}"));
        assert_eq!(one["code"], if place.ends_with("lock") { "journal" } else { "in_the_way" });
        sandbox.follow(one["fix"].as_str().unwrap());
        assert_eq!(codes(&sandbox, &[]), [""; 0], "{place}");
        sandbox.run(&["t", "add", "w", "New", "--agent", "ada"]).ok();
    }
}

/// What colleagues can't use, and what this user can't write, before a change fails on it.
#[test]
fn permissions_that_keep_somebody_out_are_named_with_what_mends_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "ada"]).ok();
    let git = sandbox.root.join(".git");
    for value in ["group", "all", "0640"] {
        sandbox.git(&["config", "core.sharedRepository", value]);
        let own = Command::new("chmod").args(["-R", "go-rwxs"]).arg(&git).status().unwrap();
        assert!(own.success());
        let found = sandbox.run(&["--json", "doctor"]).code(1).json();
        assert_eq!(found[0]["code"], "shared_modes", "{found}");
        sandbox.follow(found[0]["fix"].as_str().unwrap());
        assert_eq!(codes(&sandbox, &[]), [""; 0], "{value}");
        let mut fan_out = std::fs::read_dir(git.join("objects")).unwrap().flatten().map(|one| one.path());
        let fan_out = fan_out.find(|path| path.file_name().unwrap().len() == 2).unwrap();
        for (path, bad) in [
            (git.join("index"), 0o600),
            (git.join("orchestrator/lock"), 0o600),
            (git.join("orchestrator"), 0o700),
            (git.join("refs/orchestrator/claims"), 0o700),
            (git.join("logs/refs/heads/main"), 0o600),
            (fan_out, 0o700),
        ] {
            let good = std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            mode(&path, bad);
            let found = sandbox.run(&["--json", "doctor"]).code(1).json();
            assert_eq!(found[0]["place"], path.display().to_string(), "{value}: {found}");
            assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
            mode(&path, good);
        }
        assert_eq!(codes(&sandbox, &[]), [""; 0], "{value}");
    }
    sandbox.git(&["config", "--unset", "core.sharedRepository"]);
    sandbox.git(&["fsck"]);
    // What this user may not write. Nobody keeps root from writing.
    let me = std::fs::metadata(&sandbox.root).map(|meta| std::os::unix::fs::MetadataExt::uid(&meta)).unwrap();
    if me == 0 {
        eprintln!("run by root: who else may write was not checked");
        return;
    }
    for path in ["orchestrator/lock", "refs/heads", "logs/refs/heads/main", "objects/pack"] {
        let path = git.join(path);
        let good = std::fs::metadata(&path).unwrap().permissions().mode();
        mode(&path, good & !0o222);
        let found = sandbox.run(&["--json", "doctor"]).code(1).json();
        assert_eq!(
            (&found[0]["code"], &found[0]["place"]),
            (&"access".into(), &path.display().to_string().into())
        );
        sandbox.follow(found[0]["fix"].as_str().unwrap());
        assert_eq!(codes(&sandbox, &[]), [""; 0]);
    }
}
