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
//! | state that neither side has | edited while merging | `evil_merge` |
//! | state put together from both sides | the same | `evil_merge` |
//! | task planted by a merge | the same | `evil_merge` |
//! | title that neither side has | the same | `evil_merge`, a warning |
//! | settings that neither side has | the same | `evil_merge`, a warning |
//! | one side's change left out | `git merge -s ours` | `evil_merge`, a warning |
//! | record with two parents, with files, with two events | replaced in the record | `record_mismatch` |
//! | lock held longer than its event says | the same | `record_mismatch` |
//! | held claim in the archive | a tree of one's own | `record_mismatch` |
//! | claims that begin below the archive | the ref replaced | `epoch_back` |
//! | edit that says to be a revert | `sed`, `git commit` | `hand_edit`, a warning |
//! | revert of a commit that was made for it | a commit on no branch | `hand_edit`, a warning |
//! | board removed, and another one begun | `git rm`, `init` | `deleted`, a warning |
//! | board left out where a clean merge is | the same, from both sides changed | `evil_merge`, a warning |

use super::verify::{Cast, FRESH, LOCK, Scene, Tamper, are_found, task_file};

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

/// Two sides that changed the board in ways that go together: a title and a label of one task, and a claim; a merge of
/// them that is not committed yet.
fn merging(cast: &Cast, words: &[&str]) {
    let scene = &cast.scene;
    scene.git(&["switch", "-q", "-c", "side"]);
    scene.run(&["t", "update", &cast.two, "--title", "Better"]).ok();
    scene.run(&["t", "claim", "w", &cast.three, "agent-3"]).ok();
    scene.git(&["switch", "-q", "main"]);
    scene.run(&["t", "update", &cast.two, "--add-label", "x"]).ok();
    scene.run(&["kb", "write", "more", "x"]).ok();
    let all: Vec<&str> = ["merge", "-q", "--no-commit"].iter().chain(words).copied().collect();
    scene.git(&all.into_iter().chain(["side"]).collect::<Vec<_>>());
}

fn merged(cast: &Cast, path: String) -> String {
    cast.scene.git(&["commit", "-q", "--no-edit"]);
    path
}

/// The lock is taken, and its record put in other words.
fn forged_record(cast: &Cast, change: impl Fn(&str, &Scene) -> String) -> String {
    let scene = &cast.scene;
    scene.run(&["l", "acquire", "git", "agent-3"]).ok();
    let text = scene.sandbox.git(&["cat-file", "commit", LOCK]);
    let forged = change(&text, scene);
    assert_ne!(text, forged);
    let forged = scene.object("commit", &forged);
    scene.git(&["update-ref", LOCK, &forged]);
    LOCK.to_owned()
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
        for range in ["other..main", "other...main", "main...other"] {
            let told = scene.sandbox.run(&["check", range]).code(5).out;
            assert_eq!(told.matches(": double_claim: ").count(), 1, "{range}: {told}");
        }
        let mut merge = std::process::Command::new("git");
        merge.args(["merge", "-q", "other"]).current_dir(&scene.sandbox.root);
        super::support::hermetic(&mut merge, scene.sandbox.home());
        assert!(!merge.output().unwrap().status.success());
        scene.git(&["checkout", "--ours", &task_file(&cast.two)]);
        scene.git(&["commit", "-q", "-a", "--no-edit"]);
        scene.git(&["rev-parse", "other"])
    }),
    ("record with two parents", "record_mismatch", "error", |cast| {
        forged_record(cast, |tip, scene| {
            let parent = format!("parent {}\n", scene.git(&["rev-parse", &format!("{LOCK}~1")]));
            assert!(tip.contains(&parent));
            let other = scene.git(&["rev-parse", "HEAD"]);
            tip.replace(&parent, &format!("{parent}parent {other}\n"))
        })
    }),
    ("record with files", "record_mismatch", "error", |cast| {
        forged_record(cast, |tip, scene| {
            let (_, after) = tip.split_once('\n').unwrap();
            format!("tree {}\n{after}", scene.git(&["rev-parse", "HEAD^{tree}"]))
        })
    }),
    ("record with two events", "record_mismatch", "error", |cast| {
        forged_record(cast, |tip, _| {
            let event = tip.trim_end().lines().last().unwrap();
            let (before, _) = event.rsplit_once("\"id\":").unwrap();
            format!("{}\n{before}\"id\":\"{FRESH}\"}}\n", tip.trim_end())
        })
    }),
    ("lock held longer than its event says", "record_mismatch", "error", |cast| {
        forged_record(cast, |tip, _| tip.replacen("\"ttl_ms\":60000", "\"ttl_ms\":86400000", 1))
    }),
    ("held claim in the archive", "record_mismatch", "error", |cast| {
        cast.scene.archive();
        let path = cast.scene.change_archive(|text| text.replacen("\"completed\"", "\"held\"", 1));
        format!("refs/orchestrator/archive:{}", path.rsplit('/').next().unwrap())
    }),
    ("claims that begin below the archive", "epoch_back", "error", |cast| {
        let scene = &cast.scene;
        scene.run(&["t", "claim", "w", &cast.two, "agent-2"]).ok();
        let name = format!("refs/orchestrator/claims/{}", cast.two);
        let first = scene.git(&["rev-parse", &name]);
        scene.run(&["t", "release", &cast.two, "--agent", "agent-2"]).ok();
        scene.run(&["t", "claim", "w", &cast.two, "agent-3"]).ok();
        scene.run(&["t", "complete", &cast.two, "--agent", "agent-3"]).ok();
        scene.archive();
        scene.git(&["update-ref", &name, &first, "0000000000000000000000000000000000000000"]);
        name
    }),
    ("edit that says to be a revert", "hand_edit", "warning", |cast| {
        let scene = &cast.scene;
        scene.run(&["t", "update", &cast.two, "--title", "Better"]).ok();
        let named = scene.git(&["rev-parse", "HEAD"]);
        scene.run(&["t", "update", &cast.two, "--add-label", "x"]).ok();
        scene.edit(&task_file(&cast.two), "status: pending", "status: done");
        commit(cast, &format!("Revert it\n\nThis reverts commit {named}."));
        task_file(&cast.two)
    }),
    ("revert of a commit that was made for it", "hand_edit", "warning", |cast| {
        let scene = &cast.scene;
        let head = scene.git(&["rev-parse", "HEAD"]);
        let honest = scene.git(&["rev-parse", "HEAD^{tree}"]);
        scene.edit(&task_file(&cast.two), "status: pending", "status: done");
        let wanted = scene.git(&["write-tree"]);
        let before = scene.git(&["commit-tree", "-p", &head, "-m", "x", &wanted]);
        let named = scene.git(&["commit-tree", "-p", &before, "-m", "y", &honest]);
        commit(cast, &format!("Revert it\n\nThis reverts commit {named}."));
        task_file(&cast.two)
    }),
    ("board removed, and another one begun", "deleted", "warning", |cast| {
        let scene = &cast.scene;
        scene.git(&["rm", "-q", "-r", ".orchestrator"]);
        scene.commit_by_hand();
        scene.run(&["init"]).ok();
        scene.git(&["rev-parse", "HEAD"])
    }),
    ("state that neither side has", "evil_merge", "error", |cast| {
        merging(cast, &[]);
        cast.scene.edit(&task_file(&cast.one), "assigned_to: agent-1", "assigned_to: agent-9");
        merged(cast, task_file(&cast.one))
    }),
    ("state put together from both sides", "evil_merge", "error", |cast| {
        merging(cast, &[]);
        cast.scene.edit(&task_file(&cast.two), "status: pending", "status: cancelled\nreason: no");
        merged(cast, task_file(&cast.two))
    }),
    ("task planted by a merge", "evil_merge", "error", |cast| {
        merging(cast, &[]);
        let text = cast.scene.sandbox.read(&task_file(&cast.one)).replace(&cast.one, "00000009");
        let path = task_file("00000009");
        std::fs::create_dir_all(cast.scene.sandbox.root.join(&path).parent().unwrap()).unwrap();
        cast.scene.sandbox.write(&path, &text);
        cast.scene.git(&["add", &path]);
        merged(cast, path)
    }),
    ("title that neither side has", "evil_merge", "warning", |cast| {
        merging(cast, &[]);
        cast.scene.edit(&task_file(&cast.two), "title: Better", "title: Worse");
        merged(cast, task_file(&cast.two))
    }),
    ("settings that neither side has", "evil_merge", "warning", |cast| {
        merging(cast, &[]);
        cast.scene.sandbox.write(CONFIG, "format: 1\nclaims:\n  stale_after: 1m\n");
        cast.scene.git(&["add", CONFIG]);
        merged(cast, CONFIG.to_owned())
    }),
    ("one side's change left out", "evil_merge", "warning", |cast| {
        merging(cast, &["-s", "ours"]);
        merged(cast, task_file(&cast.three))
    }),
    ("board left out where a clean merge is", "evil_merge", "warning", |cast| {
        merging(cast, &["-s", "ours"]);
        merged(cast, task_file(&cast.two))
    }),
];

/// Merges of two sides, with and without our driver, and those of conflicts, however they are decided: between both
/// sides nobody is told to have lied.
#[test]
fn honest_merges_give_nothing_above_a_note() {
    for (name, driver, words, decision) in [
        ("by our driver", true, &[][..], None),
        ("as text", false, &[], None),
        ("as text, ours where it conflicts", false, &["-X", "ours"], None),
        ("as text, theirs where it conflicts", false, &["-X", "theirs"], None),
        ("decided for ours", true, &[], Some("--ours")),
        ("decided for theirs", true, &[], Some("--theirs")),
        ("as text, decided for theirs", false, &[], Some("--theirs")),
    ] {
        let cast = Cast::new();
        let scene = &cast.scene;
        if !driver {
            std::fs::create_dir_all(scene.sandbox.root.join(".git/info")).unwrap();
            scene.sandbox.write(".git/info/attributes", "* merge\n");
        }
        let (two, three) = (cast.two.as_str(), cast.three.as_str());
        scene.git(&["switch", "-q", "-c", "side"]);
        scene.run(&["t", "update", two, "--title", "Better", "--priority", "2"]).ok();
        scene.run(&["t", "claim", "w", three, "agent-3"]).ok();
        scene.run(&["kb", "write", "api", "Use REST\nand more"]).ok();
        scene.git(&["switch", "-q", "main"]);
        scene.run(&["t", "update", two, "--add-label", "x", "--estimate", "2h"]).ok();
        if decision.is_some() || !words.is_empty() {
            scene.run(&["t", "update", two, "--title", "Other"]).ok();
        }
        scene.run(&["a", "register", "agent-2", "worker"]).ok();
        let all: Vec<&str> = ["merge", "-q"].iter().chain(words).copied().chain(["side"]).collect();
        let mut merge = std::process::Command::new("git");
        merge.args(&all).current_dir(&scene.sandbox.root);
        super::support::hermetic(&mut merge, scene.sandbox.home());
        let is_clean = merge.output().unwrap().status.success();
        if let Some(side) = decision.filter(|_| !is_clean) {
            scene.git(&["checkout", side, &task_file(two)]);
            scene.git(&["commit", "-q", "-a", "--no-edit"]);
        } else if !is_clean {
            scene.git(&["checkout", "--ours", &task_file(two)]);
            scene.git(&["commit", "-q", "-a", "--no-edit"]);
        }
        assert_eq!(scene.git(&["rev-list", "--count", "--merges", "HEAD"]), "1", "{name}");
        let (code, found) = scene.verify();
        assert_eq!(
            (code, &found["errors"], &found["warnings"]),
            (0, &0.into(), &0.into()),
            "{name}: {found:#}"
        );
    }
}

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
