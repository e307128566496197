//! Many processes at once: nothing lost, nothing given twice.
//!
//! Seen to fail with the advisory lock taken out and, for the worktrees, with the comparison under the held
//! ref locks taken out.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::support::Sandbox;

/// Runs each list of calls in a process of its own kind: one thread each, one call after the other.
fn race(sandbox: &Sandbox, calls: Vec<(PathBuf, Vec<Vec<String>>)>) -> Vec<Vec<(i32, String)>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = calls
            .into_iter()
            .map(|(directory, calls)| {
                scope.spawn(move || {
                    let one = |words: Vec<String>| {
                        let words: Vec<&str> = words.iter().map(String::as_str).collect();
                        let mut command = sandbox.command(&directory, &words);
                        let output = command.stderr(Stdio::piped()).output().unwrap();
                        let code = output.status.code().unwrap_or(-1);
                        assert!(code <= 1, "{}", String::from_utf8_lossy(&output.stderr));
                        // What a refusal says, where a refusal is no answer.
                        let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
                        (code, String::from_utf8(text).unwrap())
                    };
                    calls.into_iter().map(one).collect()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Says that it is over, also where an assertion has failed: else those who disturb would go on for ever.
struct Ends<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// 8 processes × 25 tasks, then 8 agents that race for them until nothing is left.
fn add_and_drain(sandbox: &Sandbox, adders: &Path, takers: &[PathBuf]) {
    let adds = (0..8).map(|p| {
        let calls = (0..25).map(|n| words(&["--json", "t", "add", "w", &format!("task {p}-{n}")])).collect();
        (adders.to_owned(), calls)
    });
    let added = race(sandbox, adds.collect());
    let ids: HashSet<String> = added
        .iter()
        .flatten()
        .map(|(code, out)| {
            assert_eq!(*code, 0);
            let task: serde_json::Value = serde_json::from_str(out).unwrap();
            task["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 200);
    let state = sandbox.json(&["export", "state"]);
    assert_eq!(state["workstreams"]["w"]["tasks"].as_array().unwrap().len(), 200);
    let created = sandbox.json(&["events", "--last", "100000", "--action", "task_created"]);
    assert_eq!(created.as_array().unwrap().len(), 200);

    for tree in takers {
        if tree != adders && sandbox.git(&["config", "--default", "", "orchestrator.board"]).trim().is_empty()
        {
            sandbox.git_in(tree, &["merge", "-q", "--ff-only", "main"]);
        }
    }
    let takes = (0..8).map(|p| {
        let call = words(&["--json", "t", "next", "w", &format!("agent-{p}")]);
        (takers[p % takers.len()].clone(), vec![call; 27])
    });
    let taken = race(sandbox, takes.collect());
    let mut claimed: Vec<String> = Vec::new();
    for (code, out) in taken.iter().flatten() {
        let task: serde_json::Value = serde_json::from_str(out).unwrap();
        assert_eq!(*code == 1, task.is_null());
        claimed.extend(task["id"].as_str().map(str::to_owned));
    }
    let distinct: HashSet<&String> = claimed.iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (200, 200), "claims, distinct tasks");
    let none = sandbox.run_in(&takers[0], &["t", "next", "w", "late"]).code(1);
    assert_eq!(none.out, "No pending tasks in this workstream.\n");
    sandbox.is_clean();
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

fn worktrees(sandbox: &Sandbox) -> Vec<PathBuf> {
    (0..4)
        .map(|n| {
            let path = sandbox.home().canonicalize().unwrap().join(format!("tree-{n}"));
            sandbox.git(&["worktree", "add", "-q", "-b", &format!("feat-{n}"), path.to_str().unwrap()]);
            path
        })
        .collect()
}

#[test]
fn in_one_checkout() {
    let sandbox = Sandbox::board();
    add_and_drain(&sandbox, &sandbox.root, std::slice::from_ref(&sandbox.root));
}

#[test]
fn in_four_worktrees_on_four_branches() {
    let sandbox = Sandbox::board();
    let trees = worktrees(&sandbox);
    add_and_drain(&sandbox, &sandbox.root, &trees);
}

#[test]
fn in_four_worktrees_with_the_board_on_a_branch_of_its_own() {
    let sandbox = Sandbox::new();
    sandbox.run(&["init", "--board", "orchestrator"]).ok();
    sandbox.run(&["ws", "create", "w"]).ok();
    let trees = worktrees(&sandbox);
    add_and_drain(&sandbox, &sandbox.root, &trees);
}

#[test]
fn a_lock_has_one_winner_while_refs_are_packed() {
    let sandbox = Sandbox::board();
    for round in 0..12 {
        let resource = format!("r{round}");
        let calls = (0..4).map(|p| {
            (sandbox.root.clone(), vec![words(&["l", "acquire", &resource, &format!("agent-{p}")])])
        });
        let packer = std::thread::scope(|scope| {
            let packing = scope.spawn(|| (0..6).for_each(|_| drop(sandbox.git(&["pack-refs", "--all"]))));
            let answers = race(&sandbox, calls.collect());
            packing.join().unwrap();
            answers
        });
        let winners = packer.iter().flatten().filter(|(code, _)| *code == 0).count();
        assert_eq!(winners, 1, "round {round}");
    }
    sandbox.is_clean();
}

/// 8 processes that add tasks while `git gc`, `git pack-refs` and plain commits loop beside them. `ADDS=200`
/// makes it 200 each.
#[test]
fn nothing_is_lost_beside_gc_and_commits() {
    let sandbox = Sandbox::board();
    let each: usize = std::env::var("ADDS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let run = |program: &str, words: &[&str]| {
        let mut command = std::process::Command::new(program);
        command.args(words).current_dir(&sandbox.root).stdout(Stdio::null()).stderr(Stdio::null());
        super::support::hermetic(&mut command, sandbox.home());
        command.status().unwrap().success()
    };
    let (added, commits) = std::thread::scope(|scope| {
        let over = Ends(&is_over);
        let disturbing = scope.spawn(|| {
            let mut commits = 0;
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                run("git", &["gc", "-q"]);
                run("git", &["pack-refs", "--all"]);
                sandbox.write("src.txt", &format!("{commits}\n"));
                commits += usize::from(run("git", &["commit", "-q", "-m", "Mine", "--", "src.txt"]));
            }
            commits
        });
        let adds = (0..8).map(|p| {
            let calls =
                (0..each).map(|n| words(&["--json", "t", "add", "w", &format!("task {p}-{n}")])).collect();
            (sandbox.root.clone(), calls)
        });
        let added = race(&sandbox, adds.collect());
        drop(over);
        (added, disturbing.join().unwrap())
    });
    let failed: Vec<_> = added.iter().flatten().filter(|(code, _)| *code != 0).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let tasks = sandbox.json(&["t", "list", "w"]).as_array().unwrap().len();
    let events = sandbox.json(&["events", "--last", "100000", "--action", "task_created"]);
    assert_eq!((tasks, events.as_array().unwrap().len()), (8 * each, 8 * each));
    assert_eq!(sandbox.git(&["log", "--oneline", "--grep=^Mine$"]).lines().count(), commits);
    println!("{tasks} of {} tasks, {commits} commits beside them", 8 * each);
    sandbox.is_clean();
}

/// A user who commits while 8 agents change the board: under our lock no commit fails. Plain git's figure is
/// printed beside it and asserted nowhere: how often it meets one of ours is chance. `COMMITS=100` for more.
#[test]
fn a_user_commits_beside_agents_without_a_failure() {
    let commits: usize = std::env::var("COMMITS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    for wrapped in [false, true] {
        let sandbox = Sandbox::board();
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let program = if wrapped { env!("CARGO_BIN_EXE_orchestrator") } else { "git" };
        let git = |words: &[&str]| {
            let mut command = std::process::Command::new(program);
            command.args(if wrapped { &["git", "--"][..] } else { &[] });
            super::support::hermetic(&mut command, sandbox.home());
            command.args(words).current_dir(&sandbox.root).stdout(Stdio::null());
            let output = command.stderr(Stdio::piped()).output().unwrap();
            output.status.success().then_some(()).ok_or(String::from_utf8(output.stderr).unwrap())
        };
        let failures: Vec<String> = std::thread::scope(|scope| {
            let _over_at_the_end = Ends(&is_over);
            for agent in 0..8 {
                let (sandbox, is_over) = (&sandbox, &is_over);
                scope.spawn(move || {
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        let title = format!("of {agent}");
                        sandbox.run(&["t", "add", "w", &title, "--timeout", "60s"]).ok();
                    }
                });
            }
            let commit = |number: usize| {
                let file = format!("mine-{number}.txt");
                sandbox.write(&file, "mine\n");
                git(&["add", &file]).and_then(|()| git(&["commit", "-q", "-m", "Mine"]))
            };
            (0..commits).filter_map(|number| commit(number).err()).collect()
        });
        let who = if wrapped { "orchestrator git" } else { "plain git" };
        println!("{who}: {} of {commits} commits failed: {:?}", failures.len(), failures.first());
        if wrapped {
            assert_eq!(failures, Vec::<String>::new());
            assert_eq!(sandbox.git(&["log", "--oneline", "--grep=^Mine$"]).lines().count(), commits);
        }
        sandbox.is_clean();
    }
}
