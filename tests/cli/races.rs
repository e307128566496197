//! What changes between a look and the act that relies on it, and what fails once there is no way back.
//!
//! Where `strace` can't trace, the tests that need it say so and check nothing.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::recovery::can_trace;
use super::support::{Answer, Sandbox, hermetic};

/// The program below `strace` with these options, in the repository.
fn traced(sandbox: &Sandbox, options: &[&str], words: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg(env!("CARGO_BIN_EXE_orchestrator")).args(words);
    command.current_dir(&sandbox.root).stdout(Stdio::piped()).stderr(Stdio::piped());
    hermetic(&mut command, sandbox.home());
    command
}

fn answer(child: Child) -> Answer {
    let output = child.wait_with_output().unwrap();
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits until something is so, for as long as nobody would wait.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn journal(sandbox: &Sandbox) -> u64 {
    fs::metadata(sandbox.root.join(".git/orchestrator/lock")).unwrap().len()
}

#[test]
fn what_a_replacement_hides_is_there_after_a_mutation() {
    let sandbox = Sandbox::board();
    for title in ["One", "Two", "Three"] {
        sandbox.add(title);
    }
    sandbox.git(&["replace", "HEAD", "HEAD~1"]);
    sandbox.add("Meanwhile");
    let changed = sandbox.git(&["--no-replace-objects", "diff", "--name-status", "HEAD~1", "HEAD"]);
    assert_eq!(changed.lines().count(), 1, "{changed}");
    // Another history for a commit is no gap in the log.
    sandbox.git(&["replace", "--graft", "HEAD"]);
    let answer = sandbox.run(&["verify"]).ok();
    assert!(answer.out.contains("log and state agree"), "{answer:?}");
    assert_eq!(sandbox.run(&["events", "--last", "100"]).ok().out.matches("task_created").count(), 4);
    for name in sandbox.git(&["replace", "-l"]).lines() {
        sandbox.git(&["replace", "-d", name]);
    }
    assert_eq!(sandbox.run(&["t", "list"]).ok().out.lines().count(), 4);
    sandbox.run(&["verify"]).ok();
    sandbox.is_clean();
}

#[test]
fn a_log_of_a_ref_that_can_not_be_written_refuses_before_anything_is_true() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    for name in ["HEAD", "refs/heads/main"] {
        let log = sandbox.root.join(".git/logs").join(name);
        let aside = sandbox.home().join("aside");
        fs::rename(&log, &aside).unwrap();
        fs::create_dir(&log).unwrap();
        fs::write(log.join("full"), "").unwrap();
        let before = (sandbox.git(&["for-each-ref"]), sandbox.work());
        for words in [&["t", "claim", "w", &id, "ada"][..], &["t", "add", "w", "New"]] {
            let answer = sandbox.run(words).code(1);
            assert!(answer.err.contains(&format!("logs/{name}")), "{answer:?}");
            assert_eq!((sandbox.git(&["for-each-ref"]), sandbox.work()), before, "{words:?}");
            assert_eq!(journal(&sandbox), 0);
            sandbox.is_clean();
        }
        fs::remove_dir_all(&log).unwrap();
        fs::rename(&aside, &log).unwrap();
    }
    sandbox.run(&["t", "claim", "w", &id, "ada"]).ok();
    // One line for each commit, whatever was refused in between.
    assert_eq!(
        sandbox.git(&["reflog"]).lines().count(),
        sandbox.git(&["log", "--format=%h"]).lines().count()
    );
}

#[test]
fn a_limit_on_the_length_of_files_refuses_and_leaves_nothing() {
    let sandbox = Sandbox::board();
    let before = (sandbox.git(&["for-each-ref"]), sandbox.work());
    let mut command = Command::new("sh");
    let script = "ulimit -f 1; exec \"$0\" t add w Long \"$1\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_orchestrator"), &"long ".repeat(900)]);
    command.current_dir(&sandbox.root).stdout(Stdio::piped()).stderr(Stdio::piped());
    hermetic(&mut command, sandbox.home());
    let refused = answer(command.spawn().unwrap()).code(1);
    assert!(refused.err.contains("File too large"), "{refused:?}");
    assert_eq!((sandbox.git(&["for-each-ref"]), sandbox.work()), before);
    sandbox.is_clean();
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "Mine"]);
    // What we start is killed by that signal as ever.
    let script = "kill -XFSZ $$; echo alive";
    let alias = format!("alias.dies=!{script}");
    let answer = sandbox.run(&["git", "--", "-c", &alias, "dies"]);
    assert!(answer.code != 0 && !answer.out.contains("alive"), "{answer:?}");
}

#[test]
fn a_lock_file_that_could_not_be_removed_is_known_until_it_is() {
    if !can_trace() {
        return;
    }
    let sandbox = Sandbox::board();
    let mut kept = 0;
    for (call, most) in [("unlink", 6), ("ftruncate", 3)] {
        // Once, and from there on.
        for n in (1..=most).flat_map(|n| [n.to_string(), format!("{n}+")]) {
            let id = sandbox.add("Pay");
            let inject = format!("inject={call}:error=EIO:when={n}");
            let words = ["t", "claim", "w", &id, "ada"];
            let options = ["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject];
            let done = answer(traced(&sandbox, &options, &words).spawn().unwrap());
            let is_claimed = sandbox.json(&["t", "show", &id])["status"] == "in_progress";
            assert_eq!(done.code == 0, is_claimed, "{call} {n}: {done:?}");
            if journal(&sandbox) > 0 {
                kept += 1;
                assert!(done.err.contains("tries again"), "{call} {n}: {done:?}");
                assert!(sandbox.run(&["doctor"]).out.contains("journal"));
            }
            sandbox.run(&["t", "add", "w", "Next"]).ok();
            assert_eq!(journal(&sandbox), 0);
            sandbox.is_clean();
        }
    }
    assert!(kept > 0);
}

#[test]
fn a_lock_file_in_the_way_leaves_no_journal_behind() {
    let sandbox = Sandbox::board();
    for lock in [".git/index.lock", ".git/HEAD.lock", ".git/refs/heads/main.lock"] {
        sandbox.write(lock, "");
        sandbox.run(&["--timeout", "50ms", "t", "add", "w", "New"]).code(3);
        assert_eq!(journal(&sandbox), 0, "{lock}");
        fs::remove_file(sandbox.root.join(lock)).unwrap();
    }
    sandbox.run(&["t", "add", "w", "New"]).ok();
    sandbox.is_clean();
}

/// A board of somebody else, committed by plain git while this one waits for the lock.
#[test]
fn a_late_init_finds_the_board_that_somebody_else_made() {
    if !can_trace() {
        return;
    }
    let sandbox = Sandbox::new();
    let home = sandbox.root.join(".git/orchestrator");
    fs::create_dir(&home).unwrap();
    let lock = fs::File::create(home.join("lock")).unwrap();
    lock.lock().unwrap();
    let trace = sandbox.home().join("trace");
    let late = traced(&sandbox, &["-o", trace.to_str().unwrap(), "-e", "trace=flock"], &["init"]);
    let late = { late }.spawn().unwrap();
    let is_waiting = || fs::read_to_string(&trace).is_ok_and(|text| text.contains("flock("));
    until("it asks for the lock", is_waiting);
    fs::create_dir(sandbox.root.join(".orchestrator")).unwrap();
    let theirs = "format: 1\nboard: HEAD\n";
    sandbox.write(".orchestrator/config.yaml", theirs);
    sandbox.git(&["add", ".orchestrator"]);
    sandbox.git(&["commit", "-q", "-m", "Theirs"]);
    drop(lock);
    let late = answer(late).ok();
    assert!(!late.out.contains("Initialised"), "{late:?}");
    assert_eq!(sandbox.git(&["log", "--format=%s"]), "Theirs\nBegin\n");
    assert_eq!(sandbox.read(".orchestrator/config.yaml"), theirs);
    sandbox.is_clean();
}

#[test]
fn of_racing_inits_one_commits_and_the_others_find_its_board() {
    let sandbox = Sandbox::new();
    let children: Vec<Child> = (0..6)
        .map(|_| {
            let mut command = sandbox.command(&sandbox.root, &["init"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let answers: Vec<Answer> = children.into_iter().map(|child| answer(child).ok()).collect();
    assert_eq!(sandbox.git(&["log", "--format=%s"]).lines().count(), 2);
    let made = answers.iter().filter(|answer| answer.out.contains("Initialised")).count();
    assert_eq!(made, 1, "{answers:?}");
    sandbox.is_clean();
}

#[test]
fn init_keeps_what_is_committed_of_a_board_that_is_not_whole() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.root.join(".orchestrator")).unwrap();
    sandbox.write(".orchestrator/.gitattributes", "* -text -filter -ident -working-tree-encoding -diff\n");
    sandbox.git(&["add", "."]);
    sandbox.git(&["commit", "-q", "-m", "Ours"]);
    sandbox.run(&["init"]).ok();
    assert_eq!(
        sandbox.read(".orchestrator/.gitattributes"),
        "* -text -filter -ident -working-tree-encoding -diff\n"
    );
    assert!(Path::new(&sandbox.root).join(".orchestrator/config.yaml").exists());
    sandbox.run(&["status"]).ok();
}

/// The program, stopped after the system calls that these options give a `SIGSTOP`; `meanwhile` happens then, and it
/// goes on.
fn stopped(sandbox: &Sandbox, injections: &[&str], words: &[&str], meanwhile: impl FnOnce()) -> Answer {
    let trace = sandbox.home().join("trace");
    let _from_before = fs::remove_file(&trace);
    let calls: Vec<&str> = injections.iter().map(|injection| injection.split(':').next().unwrap()).collect();
    let mut options = vec!["-o".to_owned(), trace.display().to_string()];
    options.extend(["-e".to_owned(), format!("trace={}", calls.join(","))]);
    options.extend(injections.iter().flat_map(|injection| ["-e".to_owned(), format!("inject={injection}")]));
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let child = traced(sandbox, &options, words).spawn().unwrap();
    let stop = || {
        let text = fs::read_to_string(&trace).unwrap_or_default();
        text.lines().find(|line| line.contains("stopped by SIGSTOP")).map(str::to_owned)
    };
    until("it stops", || stop().is_some());
    meanwhile();
    let line = stop().unwrap();
    let process = line.split_whitespace().next().unwrap();
    assert!(Command::new("kill").args(["-CONT", process]).status().unwrap().success());
    answer(child)
}

/// What a change of the board would do to three files: replace, make and remove one.
fn three(sandbox: &Sandbox) -> [(Vec<String>, String); 3] {
    let id = sandbox.add("Pay");
    sandbox.run(&["kb", "write", "old", "text"]).ok();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    [
        (words(&format!("t claim w {id} ada")), format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2])),
        (words("kb write new text"), ".orchestrator/knowledge/new.md".to_owned()),
        (words("kb delete old"), ".orchestrator/knowledge/old.md".to_owned()),
    ]
}

#[test]
fn an_edit_between_the_look_and_the_act_is_kept_and_refuses() {
    if !can_trace() {
        return;
    }
    let sandbox = Sandbox::board();
    let cases = three(&sandbox);
    for (words, path) in &cases {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let file = sandbox.root.join(path);
        let before = (sandbox.git(&["for-each-ref"]), sandbox.work(), fs::read_to_string(&file).ok());
        // The locks of the index, of the branch and of HEAD; and for the one that is replaced, the moment before that.
        for call in ["linkat:signal=STOP:when=1", "linkat:signal=STOP:when=2", "fchmod:signal=STOP:when=1"] {
            if call.starts_with("fchmod") && before.2.is_none()
                || words[1] == "delete" && call.starts_with("fchmod")
            {
                continue;
            }
            let edited = format!("{}# my edit\n", before.2.as_deref().unwrap_or_default());
            let answer = stopped(&sandbox, &[call], &words, || fs::write(&file, &edited).unwrap()).code(3);
            assert!(answer.err.contains(path.as_str()), "{answer:?}");
            assert_eq!(fs::read_to_string(&file).unwrap(), edited, "{call} {words:?}");
            match &before.2 {
                Some(text) => fs::write(&file, text).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            assert_eq!(
                (sandbox.git(&["for-each-ref"]), sandbox.work()),
                (before.0.clone(), before.1.clone())
            );
            assert_eq!(journal(&sandbox), 0);
            sandbox.is_clean();
        }
    }
    for (words, _) in cases {
        sandbox.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    }
}

/// Killed where it holds what it has displaced, it leaves that to the next one.
#[test]
fn an_edit_that_was_displaced_by_one_who_died_is_put_back() {
    if !can_trace() {
        return;
    }
    let sandbox = Sandbox::board();
    for (words, path) in three(&sandbox) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let file = sandbox.root.join(&path);
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let edited = format!("{text}# my edit\n");
        let injections = ["linkat:signal=STOP:when=2", "renameat2:signal=KILL:when=2"];
        let killed = stopped(&sandbox, &injections, &words, || fs::write(&file, &edited).unwrap());
        assert_ne!(killed.code, 0, "{killed:?}");
        assert_ne!(fs::read_to_string(&file).ok(), Some(edited.clone()), "it is displaced");
        sandbox.add("Next");
        assert_eq!(fs::read_to_string(&file).unwrap(), edited, "{words:?}");
        fs::write(&file, text).unwrap();
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        sandbox.is_clean();
    }
}

/// Where files can't be exchanged, the comparison right before the rename refuses what came before it.
#[test]
fn a_file_system_that_can_not_exchange_refuses_an_edit_too() {
    if !can_trace() {
        return;
    }
    let sandbox = Sandbox::board();
    for (words, path) in three(&sandbox) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let file = sandbox.root.join(&path);
        let before = fs::read_to_string(&file).ok();
        let injections = ["linkat:signal=STOP:when=2", "renameat2:error=EINVAL"];
        let edited = format!("{}# my edit\n", before.as_deref().unwrap_or_default());
        stopped(&sandbox, &injections, &words, || fs::write(&file, &edited).unwrap()).code(3);
        assert_eq!(fs::read_to_string(&file).unwrap(), edited);
        match &before {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let options = ["-o", "/dev/null", "-e", "trace=renameat2", "-e", "inject=renameat2:error=EINVAL"];
        answer(traced(&sandbox, &options, &words).spawn().unwrap()).ok();
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        sandbox.is_clean();
    }
}

#[test]
fn a_directory_that_becomes_a_link_leads_nobody_out() {
    if !can_trace() {
        return;
    }
    let sandbox = Sandbox::board();
    let outside = sandbox.home().join("outside");
    fs::create_dir(&outside).unwrap();
    let board = sandbox.root.join(".orchestrator");
    let aside = sandbox.home().join("aside");
    for (words, _) in three(&sandbox) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = stopped(&sandbox, &["linkat:signal=STOP:when=2"], &words, || {
            fs::rename(&board, &aside).unwrap();
            std::os::unix::fs::symlink(&outside, &board).unwrap();
        });
        assert!(answer.code != 70, "{answer:?}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{words:?}");
        fs::remove_file(&board).unwrap();
        fs::rename(&aside, &board).unwrap();
        sandbox.add("Next");
    }
}

/// Nothing is made or written where a link below the directory that was named leads.
#[test]
fn what_is_written_for_others_goes_through_no_link() {
    let sandbox = Sandbox::board();
    let outside = sandbox.home().join("outside");
    fs::create_dir(&outside).unwrap();
    let link = |at: &Path| std::os::unix::fs::symlink(&outside, at).unwrap();
    for (host, place) in [("github", ".github"), ("gitlab", ".gitlab")] {
        link(&sandbox.root.join(place));
        let answer = sandbox.run(&["init", "--ci", host]).code(3);
        assert!(answer.err.contains(place) && answer.err.contains("symbolic link"), "{answer:?}");
        fs::remove_file(sandbox.root.join(place)).unwrap();
        assert!(!sandbox.root.join(".gitlab-ci.yml").exists());
    }
    fs::create_dir(sandbox.root.join(".github")).unwrap();
    link(&sandbox.root.join(".github/workflows"));
    sandbox.run(&["init", "--ci", "github"]).code(3);
    fs::remove_file(sandbox.root.join(".github/workflows")).unwrap();
    sandbox.run(&["init", "--ci", "github"]).ok();
    assert!(sandbox.root.join(".github/workflows/orchestrator.yml").is_file());
    // A page of the manual that is a link to a file; one that is a file is written anew.
    let man = sandbox.home().join("man");
    fs::create_dir(&man).unwrap();
    fs::write(outside.join("page"), "theirs").unwrap();
    std::os::unix::fs::symlink(outside.join("page"), man.join("orchestrator.1")).unwrap();
    sandbox.run(&["man", man.to_str().unwrap()]).code(3);
    assert_eq!(fs::read_to_string(outside.join("page")).unwrap(), "theirs");
    fs::remove_file(man.join("orchestrator.1")).unwrap();
    fs::write(man.join("orchestrator.1"), "an old page").unwrap();
    sandbox.run(&["man", man.to_str().unwrap()]).ok();
    assert!(fs::read_to_string(man.join("orchestrator.1")).unwrap().contains(".TH"));
    fs::remove_file(outside.join("page")).unwrap();
    // A demo goes where nothing is, a link that leads nowhere included.
    let demo = sandbox.home().join("demo");
    std::os::unix::fs::symlink(outside.join("new"), &demo).unwrap();
    sandbox.run(&["demo", demo.to_str().unwrap()]).code(1);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

/// Caches and marks of ours that somebody has replaced.
#[test]
fn files_of_ours_are_followed_nowhere_and_not_waited_for() {
    let sandbox = Sandbox::board();
    sandbox.add("Pay");
    let caches = sandbox.root.join(".git/orchestrator/cache");
    let outside = sandbox.home().join("outside");
    sandbox.run(&["status"]).ok();
    sandbox.run(&["events"]).ok();
    let names: Vec<_> = fs::read_dir(&caches).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!names.is_empty());
    for make in ["mkfifo", "ln -s ../../../../outside"] {
        for path in &names {
            let _from_before = fs::remove_file(path);
            let script = format!("{make} '{}'", path.display());
            assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        }
        fs::write(&outside, "").unwrap();
        for words in [&["status"][..], &["t", "list"], &["events"], &["t", "add", "w", "New"]] {
            sandbox.run(words).ok();
        }
        assert_eq!(fs::read_to_string(&outside).unwrap(), "", "{make}");
    }
    let lock = sandbox.root.join(".git/orchestrator/lock");
    fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink(&outside, &lock).unwrap();
    sandbox.run(&["t", "add", "w", "New"]).code(4);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "");
}

/// A worktree that is there and can't be looked at is not one that is gone: a board that moves without it would show the
/// change as one to be taken back.
#[test]
fn a_worktree_that_can_not_be_looked_at_is_not_left_behind() {
    if !can_trace() {
        return;
    }
    let sandbox = Sandbox::board();
    let tree = sandbox.home().join("tree");
    sandbox.git(&["worktree", "add", "-q", "-b", "other", tree.to_str().unwrap()]);
    sandbox.git(&["switch", "-q", "--detach"]);
    sandbox.git(&["config", "orchestrator.board", "other"]);
    let places = [
        (tree.clone(), "statx"),
        (sandbox.root.join(".git/worktrees/tree/gitdir"), "openat"),
        (sandbox.root.join(".git/worktrees/tree/HEAD"), "openat"),
    ];
    for (place, call) in places {
        let place = place.canonicalize().unwrap().display().to_string();
        let inject = format!("inject={call}:error=EIO");
        let options = ["-o", "/dev/null", "-P", &place, "-e", &format!("trace={call}"), "-e", &inject];
        let refused = answer(traced(&sandbox, &options, &["t", "add", "w", "New"]).spawn().unwrap());
        assert_eq!(refused.code, 1, "{place}: {refused:?}");
        assert!(refused.err.contains(&place), "{refused:?}");
        assert_eq!(sandbox.git_in(&tree, &["status", "--porcelain"]), "");
    }
    sandbox.run(&["t", "add", "w", "New"]).ok();
    assert_eq!(sandbox.git_in(&tree, &["status", "--porcelain"]), "");
    sandbox.is_clean();
}
