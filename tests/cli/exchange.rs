//! The predecessor's formats, in and out.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::Sandbox;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/predecessor")
}

fn state(directory: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(directory.join("state.json")).unwrap()).unwrap()
}

fn documents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = walkdir::WalkDir::new(directory.join("knowledge"))
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file() && entry.path().extension().is_some_and(|e| e == "md"))
        .map(|entry| {
            let name = entry.path().strip_prefix(directory).unwrap().display().to_string();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn a_directory_comes_back_as_it_was_and_again_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.run(&["init"]).ok();
    let fixture = fixture();
    let before: usize = sandbox.git(&["rev-list", "--count", "HEAD"]).trim().parse().unwrap();
    let imported = sandbox.json(&["import", fixture.to_str().unwrap()]);
    assert_eq!(imported["imported"]["tasks"], 200);
    let after: usize = sandbox.git(&["rev-list", "--count", "HEAD"]).trim().parse().unwrap();
    assert_eq!(after, before + 1);
    let again = sandbox.json(&["import", fixture.to_str().unwrap()]);
    assert_eq!((again["imported"]["tasks"].as_u64(), again["commit"].is_null()), (Some(0), true));
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    sandbox.is_clean();

    let out = sandbox.home().join("out");
    sandbox.run(&["export", "all", out.to_str().unwrap()]).ok();
    let (was, is) = (state(&fixture), state(&out));
    for (name, workstream) in was["workstreams"].as_object().unwrap() {
        assert_eq!(&is["workstreams"][name], workstream, "{name}");
    }
    assert_eq!(is["agents"], was["agents"]);
    let live: Vec<&String> = is["locks"].as_object().unwrap().keys().collect();
    assert_eq!(live.len(), 1);
    // It was to be held for a hundred years; nothing is held for longer than a day.
    let (is_held, was_held) = (&is["locks"][live[0]], &was["locks"][live[0]]);
    assert!(was_held["ttl_ms"].as_u64() > Some(86_400_000), "{was_held}");
    assert_eq!((&is_held["agent"], &is_held["ttl_ms"]), (&was_held["agent"], &86_400_000.into()));
    assert_eq!(imported["locks_shortened"], serde_json::json!([live[0]]));
    let events = |directory: &Path| std::fs::read_to_string(directory.join("events.jsonl")).unwrap();
    let lines = |text: String| {
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|l| l.trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(events(&out)), lines(events(&fixture)));
    assert_eq!(documents(&out), documents(&fixture));
}

#[test]
fn broken_input_is_refused_whole_with_its_place() {
    let sandbox = Sandbox::board();
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    let good = std::fs::read_to_string(fixture().join("state.json")).unwrap();
    let task = good.find("\"id\": \"").unwrap() + 7;
    let id = &good[task..task + 8];
    for (broken, why) in [
        (good[..good.len() / 2].to_owned(), "state.json:"),
        (good.replacen("\"status\": \"pending\"", "\"status\": \"parked\"", 1), "parked"),
        (good.replacen(id, "../../etc", 1), "no task id"),
    ] {
        let directory = sandbox.home().join("broken");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("state.json"), broken).unwrap();
        let answer = sandbox.run(&["import", directory.to_str().unwrap()]).code(1);
        assert!(answer.err.contains(why), "{why}: {answer:?}");
        assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
    }
}

#[test]
fn the_predecessor_s_own_directory_is_not_touched_until_it_is_asked_for() {
    let sandbox = Sandbox::new();
    let data = sandbox.root.join(".orchestrator");
    std::fs::create_dir(&data).unwrap();
    for name in ["state.json", "events.jsonl"] {
        std::fs::copy(fixture().join(name), data.join(name)).unwrap();
    }
    let answer = sandbox.run(&["init"]).code(1);
    assert!(answer.err.contains("hint: orchestrator init --from .orchestrator"), "{answer:?}");
    assert_eq!(sandbox.git(&["rev-list", "--count", "HEAD"]), "1\n");
    sandbox.run(&["init", "--from", ".orchestrator"]).ok();
    assert!(sandbox.root.join(".orchestrator-predecessor/state.json").exists());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "?? .orchestrator-predecessor/\n");
    assert_eq!(sandbox.json(&["status"])["workstreams"].as_array().unwrap().len(), 6);
}

/// What this program exports and takes over again happened elsewhere; nobody is told to have lied, though the events
/// have ids of ours and are older than the commit. An import of the state alone may come before that of its events, and
/// what happened there later may follow.
#[test]
fn what_was_exported_and_imported_is_honest() {
    let there = Sandbox::board();
    let (one, two) = (there.add("One"), there.add("Two"));
    there.run(&["t", "claim", "w", &one, "agent-1"]).ok();
    there.run(&["t", "complete", &one, "--result", "Done", "--agent", "agent-1"]).ok();
    there.run(&["t", "claim", "w", &two, "agent-2"]).ok();
    there.run(&["ws", "create", "gone"]).ok();
    there.run(&["undo"]).ok();
    there.run(&["kb", "write", "api", "Use REST", "--agent", "agent-1"]).ok();
    there.run(&["l", "acquire", "git", "agent-1", "--ttl", "24h"]).ok();
    there.run(&["l", "acquire", "db", "agent-1", "--ttl", "24h"]).ok();
    there.run(&["l", "release", "db", "agent-1"]).ok();
    let (out, later) = (there.home().join("out"), there.home().join("later"));
    there.run(&["export", "all", out.to_str().unwrap()]).ok();
    there.run(&["l", "acquire", "other", "agent-1"]).ok();
    there.run(&["event", "log", "agent-1", "deployed"]).ok();
    there.run(&["export", "all", later.to_str().unwrap()]).ok();
    // Its file is at epoch 0 again, and the log tells of epoch 1.
    let three = there.add("Three");
    there.run(&["t", "claim", "w", &three, "agent-3"]).ok();
    there.git(&["revert", "--no-edit", "HEAD"]);
    let last = there.home().join("last");
    there.run(&["export", "all", last.to_str().unwrap()]).ok();
    let state = out.join("state.json");
    for steps in [
        &[&["import", last.to_str().unwrap()][..]][..],
        &[&["import", out.to_str().unwrap()], &["import", later.to_str().unwrap()]],
        &[&["import", "--state", state.to_str().unwrap()], &["import", later.to_str().unwrap()]],
    ] {
        let here = Sandbox::new();
        here.run(&["init"]).ok();
        here.run(&["event", "log", "agent-9", "began"]).ok();
        for step in steps {
            assert!(here.json(step)["commit"].is_string(), "{step:?}");
        }
        here.run(&["t", "complete", &two, "--agent", "agent-2"]).ok();
        if steps.len() == 1 {
            here.run(&["t", "claim", "w", &three, "agent-1"]).ok();
        }
        let found = here.json(&["verify"]);
        assert_eq!((&found["errors"], &found["warnings"]), (&0.into(), &0.into()), "{steps:?}: {found:#}");
    }
}
