//! What becomes of the log and of the tasks when plain git does to history what it does every day. See also
//! `landing`, for record against file, and `merges`.

use std::path::PathBuf;

use serde_json::Value;

use super::support::Sandbox;

/// The events that were told of tasks and knowledge since the board was set up, oldest first: the action, and
/// `~` where it was derived.
fn story(sandbox: &Sandbox) -> String {
    story_of(&sandbox.json(&["events", "--last", "99"]))
}

fn story_of(events: &Value) -> String {
    let word = |event: &Value| {
        let derived = if event["derived"] == true { "~" } else { "" };
        format!("{derived}{}", event["action"].as_str().unwrap())
    };
    let all = events.as_array().unwrap().iter().map(word);
    all.filter(|word| word != "workstream_created").collect::<Vec<_>>().join(" ")
}

fn shown(sandbox: &Sandbox, id: &str) -> String {
    let task = sandbox.json(&["t", "show", id]);
    let holder = task["assigned_to"].as_str().unwrap_or("nobody");
    format!("{} {holder} {}", task["status"].as_str().unwrap(), task["epoch"])
}

/// Tasks of the whole board that are pending, in progress, done.
fn counts(sandbox: &Sandbox) -> (i64, i64, i64) {
    let all = sandbox.json(&["ws", "list"]);
    let sum = |key: &str| all.as_array().unwrap().iter().map(|one| one[key].as_i64().unwrap()).sum();
    (sum("pending"), sum("in_progress"), sum("done"))
}

/// A board with a branch `feature` on which a task was added, claimed and completed and something was written
/// down, while `main` went on.
fn feature() -> (Sandbox, String) {
    let sandbox = Sandbox::board();
    sandbox.git(&["switch", "-q", "-c", "feature"]);
    let id = sandbox.add("Pay");
    sandbox.run(&["a", "register", "agent-1", "worker"]).ok();
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["kb", "write", "api", "REST", "--agent", "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "paid", "--agent", "agent-1"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.write("src.txt", "two\n");
    sandbox.git(&["commit", "-q", "-am", "Go on"]);
    (sandbox, id)
}

const STORY: &str = "task_created agent_registered task_claimed knowledge_written task_completed";

#[test]
fn a_squash_that_keeps_its_messages_keeps_its_events() {
    let (sandbox, id) = feature();
    sandbox.git(&["merge", "-q", "--squash", "feature"]);
    sandbox.git(&["commit", "-q", "--no-edit"]);
    sandbox.git(&["branch", "-q", "-D", "feature"]);
    // git's message has the newest commit first.
    let mut words: Vec<String> = story(&sandbox).split(' ').map(str::to_owned).collect();
    words.sort();
    let mut expected: Vec<&str> = STORY.split(' ').collect();
    expected.sort();
    assert_eq!(words, expected);
    assert_eq!(shown(&sandbox, &id), "done agent-1 1");
    assert_eq!(counts(&sandbox), (0, 0, 1));
}

#[test]
fn a_squash_whose_message_is_cut_has_derived_events() {
    let (sandbox, id) = feature();
    sandbox.git(&["merge", "-q", "--squash", "feature"]);
    sandbox.git(&["commit", "-q", "-m", "Pay (#1)"]);
    sandbox.git(&["branch", "-q", "-D", "feature"]);
    assert_eq!(story(&sandbox), "~agent_registered ~knowledge_written ~task_created ~task_completed");
    let events = sandbox.json(&["events", "--task", &id]);
    assert_eq!((events[1]["agent"].as_str(), events[1]["result"].as_str()), (Some("Ada"), Some("paid")));
    assert_eq!(shown(&sandbox, &id), "done agent-1 1");
    assert_eq!(counts(&sandbox), (0, 0, 1));
    assert_eq!(sandbox.json(&["status"])["version"], 5, "with the workstream");
}

#[test]
fn a_squash_of_a_task_that_moved_and_was_done_again_derives_nothing() {
    let (sandbox, id) = feature();
    sandbox.run(&["ws", "create", "v"]).ok();
    sandbox.git(&["merge", "-q", "--no-edit", "feature"]);
    sandbox.git(&["switch", "-q", "-c", "again"]);
    sandbox.run(&["t", "reopen", &id]).ok();
    let other = sandbox.add("Test");
    sandbox.run(&["t", "update", &other, "--workstream", "v"]).ok();
    sandbox.run(&["t", "claim", "w", &id, "agent-2"]).ok();
    sandbox.run(&["a", "register", "agent-1", "reviewer"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "Elsewhere"]);
    sandbox.git(&["merge", "-q", "--squash", "again"]);
    sandbox.git(&["commit", "-q", "--no-edit"]);
    let told = story(&sandbox);
    assert!(!told.contains('~') && told.matches("task_claimed").count() == 2, "{told}");
    assert_eq!(shown(&sandbox, &id), "in_progress agent-2 2");
}

#[test]
fn a_rebase_copies_commits_and_no_event() {
    let (sandbox, id) = feature();
    sandbox.git(&["rebase", "-q", "main", "feature"]);
    assert_eq!(story(&sandbox), STORY);
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--ff-only", "feature"]);
    assert_eq!(story(&sandbox), STORY);
    assert_eq!(shown(&sandbox, &id), "done agent-1 1");
    assert_eq!(sandbox.run(&["doctor"]).ok().out, "Nothing is wrong.\n");
    sandbox.is_clean();
}

#[test]
fn cherry_picks_that_meet_their_originals_count_once() {
    let (sandbox, id) = feature();
    sandbox.git(&["cherry-pick", "main..feature"]);
    assert_eq!(story(&sandbox), STORY);
    sandbox.git(&["merge", "-q", "--no-edit", "feature"]);
    assert_eq!(story(&sandbox), STORY);
    assert_eq!(shown(&sandbox, &id), "done agent-1 1");
}

#[test]
fn a_revert_is_told_and_so_is_its_revert() {
    let (sandbox, id) = feature();
    sandbox.git(&["merge", "-q", "--no-edit", "feature"]);
    let completion = sandbox.git(&["rev-parse", "feature"]);
    sandbox.git(&["revert", "--no-edit", completion.trim()]);
    assert_eq!(shown(&sandbox, &id), "in_progress agent-1 1");
    assert_eq!(story(&sandbox), format!("{STORY} ~board_edited"));
    sandbox.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(shown(&sandbox, &id), "done agent-1 1");
    assert_eq!(story(&sandbox), format!("{STORY} ~board_edited ~task_completed"));
    assert_eq!(counts(&sandbox), (0, 0, 1));
}

#[test]
fn an_amend_that_rewrites_the_message_leaves_a_derived_event() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.write("src.txt", "two\n");
    sandbox.git(&["commit", "-q", "-a", "--amend", "-m", "Start on payments"]);
    assert_eq!(story(&sandbox), "task_created ~task_claimed");
    assert_eq!(shown(&sandbox, &id), "in_progress agent-1 1");
    sandbox.run(&["t", "complete", "w", &id, "paid", "--agent", "agent-1"]).ok();
    sandbox.git(&["commit", "-q", "--amend", "-m", "Paid"]);
    assert_eq!(story(&sandbox), "task_created ~task_claimed ~task_completed");
    assert_eq!(shown(&sandbox, &id), "done agent-1 1");
}

#[test]
fn two_boards_that_knew_nothing_of_each_other_become_one() {
    let sandbox = Sandbox::board();
    let one = sandbox.add("Pay");
    let root = sandbox.home().join("other");
    sandbox.git(&["init", "-q", "-b", "main", root.to_str().unwrap()]);
    let other = |words: &[&str]| sandbox.run_in(&root, words).ok();
    other(&["init"]);
    other(&["ws", "create", "w"]);
    let two = other(&["--json", "t", "add", "w", "Test"]).json()["id"].as_str().unwrap().to_owned();
    other(&["t", "claim", "w", &two, "agent-2"]);
    sandbox.git(&["fetch", "-q", root.to_str().unwrap(), "main"]);
    sandbox.git(&["merge", "-q", "--no-edit", "--allow-unrelated-histories", "FETCH_HEAD"]);
    let all = sandbox.json(&["events", "--last", "99"]);
    assert_eq!(story_of(&all), "task_created task_created task_claimed");
    let created = all.as_array().unwrap().iter().filter(|event| event["action"] == "workstream_created");
    assert_eq!(created.count(), 2, "both boards had it");
    assert_eq!(shown(&sandbox, &one), "pending nobody null");
    assert_eq!(shown(&sandbox, &two), "in_progress agent-2 1");
    assert_eq!(counts(&sandbox), (1, 1, 0));
    sandbox.is_clean();
}

fn clone(sandbox: &Sandbox, name: &str, words: &[&str]) -> PathBuf {
    let clone = sandbox.home().join(name);
    let from = format!("file://{}", sandbox.root.display());
    sandbox.git(&[&["clone", "-q"], words, &[from.as_str(), clone.to_str().unwrap()]].concat());
    clone
}

#[test]
fn what_a_force_push_took_away_is_not_told_any_more() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    let clone = clone(&sandbox, "clone", &[]);
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "paid", "--agent", "agent-1"]).ok();
    sandbox.git_in(&clone, &["pull", "-q"]);
    let of_clone = |words: &[&str]| sandbox.run_in(&clone, words).ok().json();
    assert_eq!(story_of(&of_clone(&["--json", "events"])), "task_created task_claimed task_completed");
    sandbox.git(&["reset", "-q", "--hard", "HEAD~2"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "Another way"]);
    sandbox.git_in(&clone, &["fetch", "-q"]);
    sandbox.git_in(&clone, &["reset", "-q", "--hard", "origin/main"]);
    for _ in 0..2 {
        assert_eq!(story_of(&of_clone(&["--json", "events"])), "task_created");
    }
    assert_eq!(of_clone(&["--json", "t", "show", &id])["status"], "pending");
    assert_eq!(shown(&sandbox, &id), "pending nobody 1", "the epoch goes on where the record was");
    assert_eq!(story(&sandbox), "task_created");
}

#[test]
fn a_shallow_clone_tells_what_it_has_and_says_so() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    let other = sandbox.add("Test");
    let clone = clone(&sandbox, "clone", &["--depth", "2"]);
    let told = sandbox.run_in(&clone, &["--json", "events"]).ok();
    assert_eq!(story_of(&told.json()), "task_claimed task_created");
    assert!(told.err.contains("this clone is shallow"), "{told:?}");
    let task = sandbox.run_in(&clone, &["--json", "t", "show", &id]).ok().json();
    assert_eq!(
        (task["status"].as_str(), task["assigned_to"].as_str()),
        (Some("in_progress"), Some("agent-1"))
    );
    let status = sandbox.run_in(&clone, &["--json", "status"]).ok().json();
    assert_eq!(status["workstreams"][0]["pending"], 1, "{status:#}");
    // It can go on, and the rest of history changes nothing of what was told.
    sandbox.run_in(&clone, &["t", "claim", "w", &other, "agent-2"]).ok();
    sandbox.git_in(&clone, &["fetch", "-q", "--unshallow"]);
    let told = sandbox.run_in(&clone, &["--json", "events"]).ok();
    assert_eq!(story_of(&told.json()), "task_created task_claimed task_created task_claimed");
    assert_eq!(told.err, "");
}
