//! The caches beside the repository: whatever becomes of them, the answers are the same.

use std::path::PathBuf;

use super::support::Sandbox;

/// A board with tasks in every state, some of them on another branch, and more finished claims than keep refs
/// of their own.
fn board() -> Sandbox {
    let sandbox = Sandbox::board();
    let lines: String = (0..70).map(|n| format!("task {n}\n")).collect();
    for line in lines.lines() {
        let id = sandbox.add(line);
        sandbox.run(&["t", "complete", &id, "--agent", "agent-1"]).ok();
    }
    for n in 0..5 {
        sandbox.add(&format!("open {n}"));
    }
    sandbox.run(&["t", "next", "w", "agent-1"]).ok();
    sandbox.git(&["switch", "-q", "-c", "side"]);
    sandbox.run(&["t", "next", "w", "agent-2"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox
}

fn answers(sandbox: &Sandbox) -> Vec<String> {
    [&["--json", "t", "list"][..], &["--json", "status"], &["--json", "export", "state"]]
        .iter()
        .map(|words| {
            let mut command = sandbox.command(&sandbox.root, words);
            let output = command.env("ORCHESTRATOR_NOW", "2026-02-06T12:00:00Z").output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect()
}

fn files(sandbox: &Sandbox) -> Vec<PathBuf> {
    ["shelf", "graph"].iter().map(|name| sandbox.root.join(".git/orchestrator/cache").join(name)).collect()
}

#[test]
fn a_cache_that_is_gone_torn_flipped_or_foreign_changes_no_answer() {
    let sandbox = board();
    for file in files(&sandbox) {
        let _not_there = std::fs::remove_file(file);
    }
    let expected = answers(&sandbox);
    assert!(expected[0].contains("in_progress") && expected[0].matches("done").count() >= 70);
    assert_eq!(answers(&sandbox), expected, "with caches");
    for file in files(&sandbox) {
        let whole = std::fs::read(&file).unwrap();
        for step in 0..5 {
            let at = whole.len() * step / 5;
            let mut flipped = whole.clone();
            flipped[at] ^= 0x20;
            for damaged in [&whole[..at], &flipped[..]] {
                std::fs::write(&file, damaged).unwrap();
                assert_eq!(answers(&sandbox), expected, "{} {at}", file.display());
            }
        }
        std::fs::write(&file, b"shelf of another program").unwrap();
        assert_eq!(answers(&sandbox), expected);
        assert!(std::fs::read(&file).unwrap().len() > 100, "it was written again");
    }
}

#[test]
fn where_no_cache_can_be_written_the_answers_are_the_same() {
    let sandbox = Sandbox::board();
    sandbox.add("One");
    sandbox.add("Two");
    sandbox.run(&["t", "next", "w", "agent-1"]).ok();
    let expected = answers(&sandbox);
    let directory = sandbox.root.join(".git/orchestrator/cache");
    std::fs::remove_dir_all(&directory).unwrap();
    std::fs::write(&directory, "in the way").unwrap();
    assert_eq!(answers(&sandbox), expected);
    sandbox.run(&["t", "next", "w", "agent-3"]).ok();
}
