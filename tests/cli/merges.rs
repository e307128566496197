//! Merges of two branches by plain git: with the driver that `init` registers, and without it.
//!
//! `CONFLICTS=200 cargo test --test cli merges -- --nocapture` counts conflicts over so many generated pairs of
//! concurrent changes, with and without the driver; the figures of the manual are from there.

use std::process::Command;

use super::support::{Sandbox, hermetic};

/// A driver that is this program: the one on the search path may be another.
const COMMAND: &str = env!("CARGO_BIN_EXE_orchestrator");

fn task_file(id: &str) -> String {
    format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2])
}

/// `git merge`, whether it went without a conflict, and what it said.
fn merge(sandbox: &Sandbox, branch: &str) -> (bool, String) {
    let mut command = Command::new("git");
    command.args(["merge", "-q", "--no-edit", branch]).current_dir(&sandbox.root);
    hermetic(&mut command, sandbox.home());
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn edit(sandbox: &Sandbox, path: &str, from: &str, to: &str) {
    let text = sandbox.read(path);
    assert!(text.contains(from), "{from}: {text}");
    sandbox.write(path, &text.replace(from, to));
    sandbox.git(&["commit", "-q", "-am", "By hand"]);
}

#[test]
fn init_registers_the_driver_once_and_git_calls_it() {
    let sandbox = Sandbox::board();
    let driver = sandbox.git(&["config", "merge.orchestrator.driver"]);
    assert!(driver.contains(COMMAND) && driver.contains("%O %A %B %P"), "{driver}");
    let id = sandbox.add("Pay");
    sandbox.git(&["switch", "-q", "-c", "side"]);
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["t", "update", &id, "--add-label", "side"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    edit(&sandbox, &task_file(&id), "priority: 5\n", "priority: 1\nreviewer: ada\n");
    edit(&sandbox, &task_file(&id), "labels: []\n", "labels:\n  - main\n");
    let (is_clean, said) = merge(&sandbox, "side");
    assert!(is_clean, "{said}");
    let file = sandbox.read(&task_file(&id));
    for line in ["assigned_to: agent-1", "priority: 1", "reviewer: ada", "  - main\n  - side"] {
        assert!(file.contains(line), "{line}: {file}");
    }
    assert_eq!(sandbox.json(&["t", "show", &id])["labels"], serde_json::json!(["main", "side"]));
    sandbox.is_clean();
}

#[test]
fn a_conflict_is_left_between_markers_with_a_sentence() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.git(&["switch", "-q", "-c", "side"]);
    sandbox.run(&["t", "update", &id, "--title", "Theirs", "--priority", "2"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.run(&["t", "update", &id, "--title", "Ours"]).ok();
    sandbox.git(&["config", "merge.conflictStyle", "diff3"]);
    let (is_clean, said) = merge(&sandbox, "side");
    assert!(!is_clean && said.contains("both sides changed title; the rest is merged"), "{said}");
    let file = sandbox.read(&task_file(&id));
    let (start, rest) =
        file.split_once("<<<<<<< HEAD\ntitle: Ours\n||||||| ").unwrap_or_else(|| panic!("{file}"));
    assert!(start.ends_with("workstream: w\n"), "{file}");
    assert!(rest.contains("\ntitle: Pay\n=======\ntitle: Theirs\n>>>>>>> side\nstatus: pending\n"), "{file}");
    assert!(rest.contains("priority: 2\n"), "{file}");
}

#[test]
fn a_clone_without_the_driver_is_told_so_and_init_registers_it() {
    let sandbox = Sandbox::board();
    let clone = sandbox.home().join("clone");
    sandbox.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    let found = sandbox.run_in(&clone, &["doctor"]).code(1);
    assert!(found.out.contains("merge_driver") && found.out.contains("orchestrator init"), "{found:?}");
    let made = sandbox.run_in(&clone, &["--json", "init"]).ok().json();
    assert_eq!((&made["created"], &made["merge_driver_registered"]), (&false.into(), &true.into()));
    assert_eq!(sandbox.run_in(&clone, &["doctor"]).ok().out, "Nothing is wrong.\n");
    // What somebody chose is left as it is.
    sandbox.git_in(&clone, &["config", "merge.orchestrator.driver", "true"]);
    let again = sandbox.run_in(&clone, &["--json", "init"]).ok().json();
    assert_eq!(again["merge_driver_registered"], false);
    assert_eq!(sandbox.git_in(&clone, &["config", "merge.orchestrator.driver"]), "true\n");
}

#[test]
fn where_the_program_is_gone_git_merges_as_text() {
    let sandbox = Sandbox::board();
    let driver = sandbox.git(&["config", "merge.orchestrator.driver"]);
    let gone = driver.trim_end().replace(COMMAND, "/nowhere/orchestrator");
    sandbox.git(&["config", "merge.orchestrator.driver", &gone]);
    let (one, two) = (sandbox.add("Pay"), sandbox.add("Test"));
    sandbox.git(&["switch", "-q", "-c", "side"]);
    sandbox.run(&["t", "update", &one, "--title", "Theirs"]).ok();
    sandbox.run(&["t", "update", &two, "--title", "Tested"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.run(&["t", "update", &one, "--title", "Ours"]).ok();
    edit(&sandbox, &task_file(&two), "description: \"\"\n", "description: |\n  All of it\n");
    assert!(!merge(&sandbox, "side").0);
    let file = sandbox.read(&task_file(&one));
    assert!(file.contains("<<<<<<< HEAD\ntitle: Ours\n=======\ntitle: Theirs\n>>>>>>> side\n"), "{file}");
    let file = sandbox.read(&task_file(&two));
    assert!(file.contains("title: Tested\n") && file.contains("  All of it\n"), "{file}");
}

#[test]
fn the_driver_writes_ours_only_when_it_has_merged() {
    let sandbox = Sandbox::board();
    for (name, text) in [("o", "1\n"), ("a", "2\n"), ("b", "3\n")] {
        sandbox.write(name, text);
    }
    let words = ["merge-driver", "o", "a", "missing", "x.txt"];
    let refused = sandbox.run(&words);
    assert!(refused.code > 0 && refused.err.contains("missing"), "{refused:?}");
    assert_eq!(sandbox.read("a"), "2\n");
    let found = sandbox.run(&["--json", "merge-driver", "o", "a", "b", "x.txt", "--ours=%X"]).code(1).json();
    assert_eq!(found, serde_json::json!({"path": "x.txt", "conflicts": ["lines"], "merged_by": "lines"}));
    assert_eq!(sandbox.read("a"), "<<<<<<< ours\n2\n=======\n3\n>>>>>>> theirs\n");
}

/// The kinds of concurrent changes: on one side, on the other. `@` is the same task on both sides, `!` another one.
const CHANGES: [(&str, [&str; 2]); 20] = [
    ("claim · claim another task", ["t claim @ --agent a", "t claim ! --agent b"]),
    (
        "complete · complete another task",
        ["t complete @ --agent a --result A", "t complete ! --agent b --result B"],
    ),
    ("add · add", ["t add w One", "t add w Two"]),
    ("add · claim", ["t add w One", "t claim @ --agent b"]),
    ("write · write another topic", ["kb write one One", "kb write two Two"]),
    ("register · register another agent", ["a register one", "a register two"]),
    ("claim · priority", ["t claim @ --agent a", "t update @ --priority 1"]),
    ("claim · title", ["t claim @ --agent a", "t update @ --title Other"]),
    ("claim · label", ["t claim @ --agent a", "t update @ --add-label x"]),
    ("claim · description", ["t claim @ --agent a", "t update @ --description Other"]),
    ("complete · label", ["t complete @ --agent a --result A", "t update @ --add-label x"]),
    ("complete · description", ["t complete @ --agent a --result A", "t update @ --description Other"]),
    ("title · label", ["t update @ --title Other", "t update @ --add-label x"]),
    ("title · workstream", ["t update @ --title Other", "t update @ --workstream v"]),
    ("priority · estimate", ["t update @ --priority 1", "t update @ --estimate 2h"]),
    ("priority · description", ["t update @ --priority 1", "t update @ --description Other"]),
    ("label · label", ["t update @ --add-label x", "t update @ --add-label y"]),
    ("label · dependency", ["t update @ --add-label x", "t update @ --add-dependency !"]),
    ("estimate · label", ["t update @ --estimate 2h", "t update @ --add-label x"]),
    ("write · write the same topic", ["kb write shared --file first", "kb write shared --file last"]),
];

/// Plays pair number `pair` and merges it; whether it is clean with the driver, and without.
fn play(sandbox: &Sandbox, pair: usize, tasks: &[String]) -> (bool, bool) {
    let (_, sides) = CHANGES[pair % CHANGES.len()];
    let (one, other) = (&tasks[(pair * 7) % tasks.len()], &tasks[(pair * 7 + 1) % tasks.len()]);
    let start = sandbox.git(&["rev-parse", "main"]);
    for (side, words) in ["ours", "theirs"].iter().zip(sides) {
        sandbox.git(&["switch", "-q", "-c", &format!("{side}-{pair}"), start.trim()]);
        let words = words.replace('@', one).replace('!', other);
        let words: Vec<&str> = words.split(' ').collect();
        sandbox.run(&words).ok();
        // The other side is made in another clone, which knows nothing of claims here.
        delete_refs(sandbox, "refs/orchestrator/");
    }
    let clean = |driver: &str| {
        let ours = format!("ours-{pair}");
        sandbox.git(&["switch", "-q", &ours]);
        let mut command = Command::new("git");
        command.args(["-c", driver, "merge", "-q", "--no-edit", &format!("theirs-{pair}")]);
        command.current_dir(&sandbox.root);
        hermetic(&mut command, sandbox.home());
        let is_clean = command.output().unwrap().status.success();
        if is_clean {
            // What was merged can be read.
            sandbox.run(&["status"]).ok();
            sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
        } else {
            sandbox.git(&["merge", "--abort"]);
        }
        is_clean
    };
    let registered = sandbox.git(&["config", "merge.orchestrator.driver"]);
    let with = clean(&format!("merge.orchestrator.driver={}", registered.trim_end()));
    // What git, and a host that merges, does with attributes whose driver it has not.
    sandbox.git(&["config", "--remove-section", "merge.orchestrator"]);
    let without = clean("core.quotePath=true");
    sandbox.git(&["config", "merge.orchestrator.driver", registered.trim_end()]);
    sandbox.git(&["switch", "-q", "main"]);
    for side in ["ours", "theirs"] {
        delete_refs(sandbox, &format!("refs/heads/{side}-{pair}"));
    }
    (with, without)
}

fn delete_refs(sandbox: &Sandbox, prefix: &str) {
    for name in sandbox.git(&["for-each-ref", "--format=%(refname)", prefix]).lines() {
        sandbox.git(&["update-ref", "-d", name]);
    }
}

#[test]
fn most_concurrent_changes_merge_without_the_driver_and_all_of_these_with_it() {
    let pairs = std::env::var("CONFLICTS").ok().and_then(|count| count.parse().ok()).unwrap_or(CHANGES.len());
    let sandbox = Sandbox::board();
    sandbox.run(&["ws", "create", "v"]).ok();
    let tasks: Vec<String> = (0..if pairs > CHANGES.len() { 23 } else { 5 })
        .map(|number| {
            let title = format!("Task {number}");
            sandbox.json(&["t", "add", "w", &title, "Some words.\nAnd more."])["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let lines = |edit: usize| -> String {
        (0..9).map(|line| format!("line {line}{}\n", if line == edit { " changed" } else { "" })).collect()
    };
    for (name, edit) in [("before", 99), ("first", 0), ("last", 8)] {
        std::fs::write(sandbox.root.join(name), lines(edit)).unwrap();
    }
    sandbox.run(&["kb", "write", "shared", "--file", "before"]).ok();
    let mut counts: Vec<[usize; 3]> = vec![[0; 3]; CHANGES.len()];
    for pair in 0..pairs {
        let (with, without) = play(&sandbox, pair, &tasks);
        let count = &mut counts[pair % CHANGES.len()];
        count[0] += 1;
        count[1] += usize::from(!with);
        count[2] += usize::from(!without);
    }
    for ((name, _), [all, with, without]) in CHANGES.iter().zip(&counts) {
        println!("{name:36} {all:3} pairs, conflicts: {without:3} without the driver, {with:3} with it");
    }
    let sum = |at: usize| counts.iter().map(|count| count[at]).sum::<usize>();
    println!("all: {} pairs, conflicts: {} without the driver, {} with it", sum(0), sum(2), sum(1));
    assert_eq!(sum(1), 0, "with the driver");
    assert!(sum(2) * 2 < sum(0), "without the driver {} of {} conflict", sum(2), sum(0));
}
