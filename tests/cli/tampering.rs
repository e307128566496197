//! `verify`: more tampering, each found as what it is; see the table of `verify` for the first ones.
//!
//! | tampering | made by | found as |
//! |---|---|---|
//! | lock taken on a board | an empty commit with the trailer | `unshown` |
//! | event without an id | the same, in a message of ours and in another one | `foreign_event` |
//! | event behind an import's trailer | both trailers, and nothing imported | `unshown` |
//! | trailer that only git reads | its key in lower case | `bad_event` |
//! | event told by a merge alone | the message of a merge | `evil_merge` |
//! | second event by somebody else | two events in a commit of ours | `author` |
//! | settings changed beside an event | staged into a commit of ours | `unexplained` |
//! | task in other hands | `sed`, `git commit` | `against_record` |
//! | epoch lowered by hand | the same | `against_record` |
//! | held task done by another hand | the same | `against_record`, a warning |
//! | two claims of one epoch | two clones that meet | `double_claim` |

use super::verify::{Cast, FRESH, Tamper, are_found, task_file};

const CONFIG: &str = ".orchestrator/config.yaml";

/// An event of the scene's next moment.
fn event(cast: &Cast, agent: &str, rest: &str) -> String {
    format!("{{\"ts\":\"{}\",\"agent\":\"{agent}\",{rest}}}", cast.scene.stamp())
}

/// Commits what is staged with this message.
fn commit(cast: &Cast, message: &str) -> String {
    cast.scene.git(&["commit", "-q", "--allow-empty", "-m", message]);
    cast.scene.git(&["rev-parse", "HEAD"])
}

const TAMPERINGS: &[(&str, &str, &str, Tamper)] = &[
    ("lock taken on a board", "unshown", "error", |cast| {
        let rest =
            format!("\"action\":\"lock_acquired\",\"resource\":\"deploy\",\"epoch\":9,\"id\":\"{FRESH}\"");
        let told = event(cast, "evil", &rest);
        commit(cast, &format!("x\n\nOrchestrator-Event: {told}"))
    }),
    ("event without an id, in somebody's words", "foreign_event", "warning", |cast| {
        let told = event(cast, "evil", "\"action\":\"task_completed\",\"task_id\":\"00000000\"");
        commit(cast, &format!("x\n\nOrchestrator-Event: {told}"))
    }),
    ("event without an id, in ours", "foreign_event", "error", |cast| {
        let told = event(cast, "Ada", "\"action\":\"task_completed\",\"task_id\":\"00000000\"");
        commit(cast, &format!("orchestrator: x\n\nOrchestrator-Event: {told}"))
    }),
    ("event behind an import's trailer", "unshown", "error", |cast| {
        let rest = format!(
            "\"action\":\"task_completed\",\"workstream\":\"w\",\"task_id\":\"{}\",\"epoch\":1,\"id\":\"{FRESH}\"",
            cast.one
        );
        let told = event(cast, "agent-1", &rest);
        commit(cast, &format!("x\n\nOrchestrator-Import: 00\nOrchestrator-Event: {told}"));
        task_file(&cast.one)
    }),
    ("trailer that only git reads", "bad_event", "warning", |cast| {
        let told = event(cast, "evil", &format!("\"action\":\"deployed\",\"id\":\"{FRESH}\""));
        commit(cast, &format!("x\n\norchestrator-event: {told}"))
    }),
    ("event told by a merge alone", "evil_merge", "warning", |cast| {
        let scene = &cast.scene;
        scene.git(&["switch", "-q", "-c", "side", "HEAD~1"]);
        commit(cast, "Side");
        scene.git(&["switch", "-q", "main"]);
        let told = event(cast, "evil", &format!("\"action\":\"deployed\",\"id\":\"{FRESH}\""));
        scene.git(&["merge", "-q", "-m", &format!("Merge\n\nOrchestrator-Event: {told}"), "side"]);
        scene.git(&["rev-parse", "HEAD"])
    }),
    ("second event by somebody else", "author", "error", |cast| {
        cast.scene.run(&["event", "log", "agent-1", "deployed"]).ok();
        let line = cast.scene.git(&["log", "-1", "--format=%(trailers:key=Orchestrator-Event)"]);
        let other = line.trim().replace("\"agent\":\"agent-1\"", "\"agent\":\"agent-9\"");
        let id = cast.scene.tip_event()["id"].as_str().unwrap().to_owned();
        let both = format!("{}\n{}", line.trim(), other.replace(&id, FRESH));
        cast.scene.replace_head(&[(line.trim(), &both)]);
        cast.scene.git(&["rev-parse", "HEAD"])
    }),
    ("settings changed beside an event", "unexplained", "error", |cast| {
        cast.scene.run(&["event", "log", "agent-1", "deployed"]).ok();
        cast.scene.sandbox.write(CONFIG, "format: 1\nclaims:\n  stale_after: 1m\n");
        cast.scene.git(&["add", CONFIG]);
        cast.scene.replace_head(&[]);
        CONFIG.to_owned()
    }),
    ("task in other hands", "against_record", "error", |cast| {
        cast.scene.edit(&task_file(&cast.one), "assigned_to: agent-1", "assigned_to: agent-9");
        cast.scene.commit_by_hand();
        task_file(&cast.one)
    }),
    ("epoch lowered by hand", "against_record", "error", |cast| {
        cast.scene.edit(&task_file(&cast.one), "epoch: 1", "epoch: 0");
        cast.scene.commit_by_hand();
        task_file(&cast.one)
    }),
    ("held task done by another hand", "against_record", "warning", |cast| {
        cast.scene.edit(&task_file(&cast.one), "status: in_progress", "status: done");
        let at = cast.scene.stamp();
        cast.scene.edit(&task_file(&cast.one), "completed_at: null", &format!("completed_at: {at}"));
        cast.scene.commit_by_hand();
        task_file(&cast.one)
    }),
    ("two claims of one epoch", "double_claim", "error", |cast| {
        let scene = &cast.scene;
        let clone = scene.sandbox.home().join("clone");
        let there = clone.to_str().unwrap();
        scene.git(&["clone", "-q", scene.sandbox.root.to_str().unwrap(), there]);
        let mut command = scene.sandbox.command(&clone, &["t", "claim", "w", &cast.two, "agent-2"]);
        assert!(command.env("ORCHESTRATOR_NOW", scene.stamp()).output().unwrap().status.success());
        scene.run(&["t", "claim", "w", &cast.two, "agent-1"]).ok();
        scene.git(&["fetch", "-q", there, "main:other"]);
        let mut merge = std::process::Command::new("git");
        merge.args(["merge", "-q", "other"]).current_dir(&scene.sandbox.root);
        super::support::hermetic(&mut merge, scene.sandbox.home());
        assert!(!merge.output().unwrap().status.success());
        scene.git(&["checkout", "--ours", &task_file(&cast.two)]);
        scene.git(&["commit", "-q", "-a", "--no-edit"]);
        scene.git(&["rev-parse", "other"])
    }),
];

#[test]
fn every_class_of_tampering_is_found_where_it_was_done() {
    are_found(TAMPERINGS);
}

#[test]
fn an_event_that_several_commits_lost_is_told_once() {
    let cast = Cast::new();
    let scene = &cast.scene;
    scene.run(&["event", "log", "agent-1", "deployed"]).ok();
    scene.git(&["commit", "-q", "--amend", "--no-edit", "--allow-empty", "--reset-author"]);
    scene.git(&["commit", "-q", "--amend", "--no-edit", "--allow-empty", "--date", "2026-02-05T00:00:00Z"]);
    scene.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let (_, found) = scene.verify();
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(findings.iter().filter(|one| one["code"] == "lost_event").count(), 1, "{found:#}");
}
