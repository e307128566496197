//! What is made for people at a terminal: the demo, completions, manual pages, colour.

use super::support::{Sandbox, hermetic};

#[test]
fn the_demo_plays_in_a_directory_of_its_own() {
    let sandbox = Sandbox::new();
    let before = sandbox.work();
    let stage = sandbox.home().join("stage");
    let answer = sandbox.run(&["demo", stage.to_str().unwrap()]).ok();
    assert_eq!(sandbox.work(), before);
    for words in
        ["Claimed next task: ", "Lock denied: deploy (held by ada", "=== Orchestrator Status ===", "* "]
    {
        assert!(answer.out.contains(words), "{words}: {}", answer.out);
    }
    let shown = answer.out.find("$ orchestrator init").unwrap();
    assert!(shown < answer.out.find("Initialised the board").unwrap(), "{}", answer.out);
    assert_eq!(sandbox.git_in(&stage, &["status", "--porcelain"]), "");
    assert_eq!(sandbox.git_in(&stage, &["fsck", "--strict", "--no-dangling"]), "");
    // Where something is, nothing is played.
    sandbox.run(&["demo", stage.to_str().unwrap()]).code(1);
}

#[test]
fn every_shell_gets_a_script_and_ids_complete() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.run(&["completions", shell]).ok().out;
        assert!(script.contains("orchestrator"), "{script}");
    }
    sandbox.run(&["completions", "cmd"]).code(2);
    let complete = |words: &[&str]| {
        let mut command = sandbox.command(&sandbox.root, &["--", "orchestrator"]);
        command.args(words).env("ORCHESTRATOR_COMPLETE", "fish");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(complete(&["t", "show", &id[..4]]).contains(&id));
    assert!(complete(&["t", "next", ""]).starts_with("w"), "{}", complete(&["t", "next", ""]));
    assert!(complete(&["t", "sh"]).contains("show"));
}

#[test]
fn manual_pages_render() {
    let sandbox = Sandbox::new();
    sandbox.run(&["man", "pages"]).ok();
    let page = sandbox.read("pages/orchestrator-task-add.1");
    assert!(page.contains("Add a task"), "{page}");
    assert!(sandbox.root.join("pages/orchestrator.1").exists());
}

#[test]
fn git_finds_the_program_as_a_command_of_its_own() {
    let sandbox = Sandbox::board();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_git-orchestrator")).parent().unwrap();
    let mut command = std::process::Command::new("git");
    command.args(["orchestrator", "ws", "list"]).current_dir(&sandbox.root);
    hermetic(&mut command, sandbox.home());
    command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    let output = command.output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("[P5] w - "));
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let sandbox = Sandbox::board();
    sandbox.run(&["event", "log", "ada", "said", "what=\u{1b}[31mred\u{1b}[2J"]).ok();
    let plain = sandbox.run(&["status"]).ok().out;
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let painted = sandbox.run(&["status", "--color", "always"]).ok().out;
    assert!(painted.contains("\u{1b}[1mWORKSTREAMS\u{1b}[0m"), "{painted}");
    assert!(!painted.contains("\u{1b}[31mred") && !painted.contains("\u{1b}[2J"), "{painted}");
}
