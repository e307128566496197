//! A process that dies leaves nothing half-done: killed at system calls along one mutation, by `strace`.
//!
//! A sample runs here; every point of every command is for a longer sweep. Where `strace` can't trace, the
//! test says so and checks nothing.

use std::process::{Command, Stdio};

use super::support::{Sandbox, hermetic};

/// Kills `orchestrator` with these words at the n-th call of this system call; whether it died of it.
fn killed(sandbox: &Sandbox, syscall: &str, n: usize, words: &[&str]) -> bool {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={syscall}"))
        .arg("-e")
        .arg(format!("inject={syscall}:signal=KILL:when={n}"))
        .arg(env!("CARGO_BIN_EXE_orchestrator"))
        .args(words)
        .current_dir(&sandbox.root)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    hermetic(&mut command, sandbox.home());
    let status = command.status().unwrap();
    !status.success()
}

/// Whether system calls can be traced here.
fn can_trace() -> bool {
    let tried = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "-e", "inject=getpid:signal=KILL", "true"])
        .stderr(Stdio::null())
        .status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        eprintln!("strace can't trace here: nothing was checked");
    }
    can
}

#[test]
fn what_a_board_wants_on_the_disk_is_synced_before_the_answer() {
    if !can_trace() {
        return;
    }
    let sandbox = Sandbox::board();
    let synced = |title: &str| {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-y", "-e", "trace=fsync,fdatasync"]);
        command.arg(env!("CARGO_BIN_EXE_orchestrator")).args(["t", "add", "w", title]);
        command.current_dir(&sandbox.root);
        hermetic(&mut command, sandbox.home());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(synced("One"), "");
    sandbox.write(".orchestrator/config.yaml", "format: 1\ndurability: fsync\n");
    sandbox.git(&["commit", "-q", "-am", "Ask for it"]);
    let trace = synced("Two");
    let commit = sandbox.git(&["rev-parse", "HEAD"]);
    let commit = commit.trim();
    let object = trace.find(&format!("objects/{}/{}", &commit[..2], &commit[2..]));
    let branch = trace.find("refs/heads/main>");
    assert!(object.is_some() && object < branch, "{trace}");
}

#[test]
fn a_kill_leaves_before_or_after_and_the_next_command_goes_on() {
    if !can_trace() {
        return;
    }
    let mut points = 0;
    for (syscall, step) in
        [("rename", 1), ("link,linkat", 1), ("unlink", 1), ("ftruncate", 1), ("write", 3), ("openat", 9)]
    {
        for n in (1..200).step_by(step) {
            let sandbox = Sandbox::board();
            let id = sandbox.add("Pay");
            sandbox.write("src.txt", "modified\n");
            sandbox.write("staged.txt", "staged\n");
            sandbox.git(&["add", "staged.txt"]);
            let before = sandbox.work();
            if !killed(&sandbox, syscall, n, &["t", "claim", "w", &id, "agent-1"]) {
                break;
            }
            points += 1;
            let place = format!("{syscall} #{n}");
            // Any reader sees before or after.
            let task = sandbox.json(&["t", "show", &id]);
            let status = task["status"].as_str().unwrap().to_owned();
            assert!(matches!(status.as_str(), "pending" | "in_progress"), "{place}: {status}");
            // The next command works with no manual step, and what was seen stays true.
            sandbox.run(&["t", "add", "w", "Next"]).ok();
            let task = sandbox.json(&["t", "show", &id]);
            if status == "in_progress" {
                assert_eq!(task["assigned_to"], "agent-1", "{place}");
            }
            assert_eq!(sandbox.work(), before, "{place}");
            sandbox.is_clean();
            // A plain commit of the user reverts nothing.
            let now = task["status"].clone();
            sandbox.git(&["commit", "-q", "-m", "Mine", "--", "src.txt"]);
            assert_eq!(sandbox.json(&["t", "show", &id])["status"], now, "{place}");
            let claims = sandbox.json(&["events", "--action", "task_claimed"]);
            let expected = usize::from(now == "in_progress");
            assert_eq!(claims.as_array().unwrap().len(), expected, "{place}: events");
        }
    }
    assert!(points > 20, "only {points} points were reached");
}
