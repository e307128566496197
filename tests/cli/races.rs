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
    sandbox.write(".orchestrator/.gitattributes", "* -text -filter -diff\n");
    sandbox.git(&["add", "."]);
    sandbox.git(&["commit", "-q", "-m", "Ours"]);
    sandbox.run(&["init"]).ok();
    assert_eq!(sandbox.read(".orchestrator/.gitattributes"), "* -text -filter -diff\n");
    assert!(Path::new(&sandbox.root).join(".orchestrator/config.yaml").exists());
    sandbox.run(&["status"]).ok();
}
