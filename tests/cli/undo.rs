//! `undo`: the inverse of a mutation as a new commit, and every reason not to.

use serde_json::Value;

use super::support::Sandbox;

/// The id of the last event.
fn last(sandbox: &Sandbox) -> String {
    let events = sandbox.json(&["events", "--last", "1"]);
    events[0]["id"].as_str().unwrap().to_owned()
}

fn task(sandbox: &Sandbox, id: &str) -> Value {
    sandbox.json(&["t", "show", id])
}

/// The board's files, as git has them, without the lines that never go back.
fn files(sandbox: &Sandbox) -> String {
    let names = sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD", ".orchestrator"]);
    let text = |name: &str| sandbox.git(&["show", &format!("HEAD:{name}")]);
    let all: String = names.lines().map(|name| format!("{name}\n{}", text(name))).collect();
    all.lines().filter(|line| !line.starts_with("epoch: ")).map(|line| format!("{line}\n")).collect()
}

/// Each change with its inverse: the files are as they were, the log has both, and undoing the undoing gives the
/// change back.
#[test]
fn every_change_has_an_inverse_that_has_one_too() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    let other = sandbox.add("Test");
    sandbox.run(&["ws", "create", "v"]).ok();
    sandbox.run(&["kb", "write", "notes", "one"]).ok();
    let words = |line: &str| -> Vec<String> {
        line.split(' ').map(|word| word.replace("ID", &id).replace("OTHER", &other)).collect()
    };
    for (line, action) in [
        ("t update ID --title Paying --priority 1 --add-label x --estimate 2h", "task_updated"),
        ("t update ID --workstream v", "task_updated"),
        ("t update ID --add-dependency OTHER", "task_updated"),
        ("t claim ID --agent a", "task_released"),
        ("t block ID --reason rain", "task_unblocked"),
        ("t cancel ID --reason rain", "task_reopened"),
        ("t complete ID --result well", "task_reopened"),
        ("t complete ID --result well --agent a", "task_reopened"),
        ("kb write notes two", "knowledge_written"),
        ("kb write new/topic text", "knowledge_deleted"),
        ("kb delete notes", "knowledge_written"),
        ("ws update w --priority 1 --description d", "workstream_updated"),
        ("ws create x", "workstream_deleted"),
        ("a register someone worker", "agent_deleted"),
        ("t add w Third", "task_deleted"),
    ] {
        let before = files(&sandbox);
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        sandbox.run(&words).ok();
        let after = files(&sandbox);
        assert_ne!(before, after, "{line}");
        let event = last(&sandbox);
        let undone = sandbox.json(&["undo"]);
        assert_eq!(undone["undone"][0]["id"], event.as_str(), "{line}");
        assert_eq!(undone["events"][0]["action"], action, "{line}");
        assert_eq!(undone["events"][0]["undoes"], event.as_str(), "{line}");
        assert_eq!(files(&sandbox), before, "{line}");
        let reviewed = sandbox.json(&["diff", "HEAD~1..HEAD"]);
        let warnings = reviewed["warnings"].as_array().unwrap();
        assert!(!warnings.iter().any(|one| one["code"] == "unexplained"), "{line}: {reviewed}");
        let inverse = undone["events"][0]["id"].as_str().unwrap();
        let again = sandbox.json(&["undo", inverse]);
        assert_eq!(again["events"][0]["undoes"], inverse, "{line}");
        let stamps = |text: &str| -> String {
            text.lines().filter(|line| !line.starts_with("claimed_at: ")).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(stamps(&files(&sandbox)), stamps(&after), "{line}");
        sandbox.run(&["undo", again["events"][0]["id"].as_str().unwrap()]).ok();
        assert_eq!(files(&sandbox), before, "{line}");
        sandbox.is_clean();
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "{line}");
    }
    // Whatever was undone and done again, log and state agree, and the board is valid.
    let verified = sandbox.json(&["verify"]);
    assert_eq!((&verified["errors"], &verified["warnings"]), (&0.into(), &0.into()), "{verified}");
    assert_eq!(sandbox.json(&["check"])["errors"], 0);
}

/// The record of a claim goes with its task, and no epoch goes back.
#[test]
fn claims_go_along_and_epochs_stay() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", &id, "--agent", "a"]).ok();
    sandbox.run(&["undo", "--agent", "a"]).ok();
    assert_eq!(
        (task(&sandbox, &id)["status"].as_str(), &task(&sandbox, &id)["epoch"]),
        (Some("pending"), &Value::from(1))
    );
    let claim = |sandbox: &Sandbox| {
        sandbox.git(&["log", "-1", "--format=%B", &format!("refs/orchestrator/claims/{id}")])
    };
    assert!(claim(&sandbox).contains(r#""state":"free""#), "{}", claim(&sandbox));
    assert!(claim(&sandbox).contains(r#""epoch":1"#));

    // Claimed anew it has a new epoch; a completion that is undone has the old one again.
    sandbox.run(&["t", "claim", &id, "--agent", "b"]).ok();
    sandbox.run(&["t", "complete", &id, "--result", "x", "--agent", "b", "--epoch", "2"]).ok();
    sandbox.run(&["undo"]).ok();
    assert!(claim(&sandbox).contains(r#""state":"held""#), "{}", claim(&sandbox));
    let held = task(&sandbox, &id);
    assert_eq!((held["assigned_to"].as_str(), &held["epoch"]), (Some("b"), &Value::from(2)));
    sandbox.run(&["t", "claim", &id, "--agent", "c"]).code(1);
    sandbox.run(&["t", "complete", &id, "--agent", "b", "--epoch", "2"]).ok();

    // A release that is undone is a new claim of the same agent.
    let second = sandbox.add("Test");
    sandbox.run(&["t", "claim", &second, "--agent", "a"]).ok();
    sandbox.run(&["t", "release", &second, "--agent", "a"]).ok();
    sandbox.run(&["undo", &last(&sandbox), "--agent", "z"]).code(1);
    sandbox.run(&["undo"]).ok();
    let held = task(&sandbox, &second);
    assert_eq!((held["assigned_to"].as_str(), &held["epoch"]), (Some("a"), &Value::from(2)));
}

/// Each step back goes one further, an agent's own steps are its own, and what was undone is not undone twice.
#[test]
fn undo_goes_back_step_by_step() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "update", &id, "--priority", "1", "--agent", "a"]).ok();
    sandbox.run(&["event", "log", "a", "measured"]).ok();
    sandbox.run(&["t", "update", &id, "--title", "Paying", "--agent", "b"]).ok();
    let undone = |words: &[&str]| sandbox.json(words)["undone"][0]["changed"][0].as_str().map(str::to_owned);
    assert_eq!(undone(&["undo", "--agent", "a"]).as_deref(), Some("priority"));
    let none = sandbox.run(&["undo", "--agent", "a"]).code(1);
    assert!(none.err.contains("there is no change of `a` left to undo"), "{}", none.err);
    assert_eq!(undone(&["undo"]).as_deref(), Some("title"));
    assert_eq!(sandbox.json(&["undo"])["undone"][0]["action"], "task_created");
    assert_eq!(sandbox.json(&["undo"])["undone"][0]["action"], "workstream_created");
    sandbox.run(&["undo"]).code(1);
    assert_eq!(sandbox.json(&["status"])["workstreams"], serde_json::json!([]));
    sandbox.is_clean();
}

/// Whatever was built on a change keeps it from being undone; the refusal names it, and nothing has changed.
#[test]
fn what_others_build_on_stays() {
    let sandbox = Sandbox::board();
    let created = last(&sandbox);
    let id = sandbox.add("Pay");
    let added = last(&sandbox);
    sandbox.run(&["t", "update", &id, "--title", "Paying"]).ok();
    let first = last(&sandbox);
    sandbox.run(&["t", "update", &id, "--title", "Paying all", "--agent", "ada"]).ok();
    let second = last(&sandbox);
    let refused = |what: &str, said: &str, hint: &str| {
        let before = (sandbox.git(&["rev-parse", "HEAD"]), sandbox.git(&["for-each-ref"]));
        let answer = sandbox.run(&["undo", what]).code(1);
        assert!(answer.err.contains(said), "{}", answer.err);
        assert!(answer.err.contains(&format!("orchestrator {hint}")), "{}", answer.err);
        assert_eq!((sandbox.git(&["rev-parse", "HEAD"]), sandbox.git(&["for-each-ref"])), before);
    };
    let head = sandbox.git(&["rev-parse", "--short=7", "HEAD"]);
    refused(
        &first,
        &format!("task `{id}` has changed since: task_updated by `ada` (commit {})", head.trim()),
        &format!("undo {second}"),
    );
    refused(&added, "has changed since: task_updated by `ada`", &format!("undo {second}"));
    refused(&created, &format!("the workstream `w` has tasks, such as `{id}`"), "ws show w");
    // Another field is nobody's business.
    sandbox.run(&["t", "update", &id, "--priority", "1"]).ok();
    sandbox.run(&["undo", &second]).ok();
    assert_eq!(task(&sandbox, &id)["title"], "Paying");
    refused(&second, "that is undone already: task_updated by `system`", "undo");

    // A task that another one depends on, and one that was claimed since.
    let third = sandbox.add("Third");
    let of_third = last(&sandbox);
    let fourth =
        sandbox.json(&["t", "add", "w", "Fourth", "--depends-on", &third])["id"].as_str().unwrap().to_owned();
    refused(&of_third, &format!("task `{fourth}` (Fourth) depends on it"), &format!("task show {fourth}"));
    sandbox.run(&["t", "claim", &third, "--agent", "a"]).ok();
    let claimed = last(&sandbox);
    refused(&of_third, "has changed since: task_claimed by `a`", &format!("undo {claimed}"));
    sandbox.run(&["t", "complete", &third, "--agent", "a"]).ok();
    let completed = last(&sandbox);
    refused(&claimed, "has changed since: task_completed by `a`", &format!("undo {completed}"));
    sandbox.run(&["t", "claim", &fourth, "--agent", "b"]).ok();
    refused(&completed, &format!("task `{fourth}` (Fourth) waited for it and was begun since"), "task show");
    // Somebody else's claim is not for a stranger to take.
    let theirs = sandbox.run(&["undo", &last(&sandbox), "--agent", "c"]).code(1);
    assert!(theirs.err.contains("is claimed by `b`"), "{}", theirs.err);
}

/// Locks, events of one's own, hand edits, merges and unknown words: each with its reason.
#[test]
fn what_is_no_mutation_of_the_board_is_not_undone() {
    let sandbox = Sandbox::board();
    sandbox.run(&["event", "log", "a", "measured"]).ok();
    let measured = last(&sandbox);
    sandbox.run(&["l", "acquire", "git", "a"]).ok();
    let locked = last(&sandbox);
    let refused = |what: &str, said: &str, hint: &str| {
        let answer = sandbox.run(&["undo", what]).code(1);
        assert!(answer.err.contains(said), "{}", answer.err);
        assert!(answer.err.contains(hint), "{}", answer.err);
    };
    refused(&measured, "measured changed no entry of the board", "orchestrator events");
    refused(&locked, "a lock is released, not undone", "orchestrator lock show git");
    refused("zzz", "no event and no commit of this board begins with `zzz`", "orchestrator events");
    refused(&measured[..4], "may mean", "orchestrator events");
    let id = sandbox.add("Pay");
    let path = format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2]);
    sandbox.write(&path, &sandbox.read(&path).replace("title: Pay", "title: Paid"));
    sandbox.git(&["commit", "-q", "-am", "Edit by hand"]);
    let head = sandbox.git(&["rev-parse", "--short=7", "HEAD"]);
    refused(&last(&sandbox), "a change by hand", &format!("git revert {}", head.trim()));
    refused(head.trim(), "by hand; git reverts it", &format!("git revert {}", head.trim()));
}

/// A batch is one mutation: it is undone whole, by its commit or as the last one; one event of it alone where
/// nothing else in it is about the same entry.
#[test]
fn what_was_done_as_a_whole_is_undone_as_a_whole() {
    let sandbox = Sandbox::board();
    let before = files(&sandbox);
    let batch = |lines: &str| {
        let mut command = sandbox.command(&sandbox.root, &["batch"]);
        let mut child =
            command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    };
    let lines = r#"["ws", "create", "x"]
        ["t", "add", "x", "One"]
        ["t", "add", "x", "Two", "--depends-on", "@2"]
        ["t", "claim", "@2", "--agent", "a"]"#;
    batch(lines);
    let events = sandbox.json(&["events", "--last", "4"]);
    let id = |at: usize| events[at]["id"].as_str().unwrap().to_owned();
    let both = sandbox.run(&["undo", &id(3)]).code(1);
    assert!(both.err.contains("they can only be undone together"), "{}", both.err);
    let undone = sandbox.json(&["undo"]);
    assert_eq!(undone["undone"].as_array().unwrap().len(), 4);
    assert_eq!(files(&sandbox), before);
    sandbox.is_clean();

    batch(lines);
    let events = sandbox.json(&["events", "--last", "4"]);
    let second = events[2]["task_id"].as_str().unwrap().to_owned();
    sandbox.run(&["undo", events[2]["id"].as_str().unwrap()]).ok();
    sandbox.run(&["t", "show", &second]).code(1);
    // The rest of it is no longer what it was as a whole.
    let rest = sandbox.run(&["undo"]).code(1);
    assert!(rest.err.contains("is undone already"), "{}", rest.err);
}

/// A task whose state another branch has is not undone from here.
#[test]
fn what_happened_on_another_branch_is_undone_there() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    let added = last(&sandbox);
    sandbox.git(&["switch", "-q", "-c", "feature"]);
    sandbox.run(&["t", "claim", &id, "--agent", "a"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    let refused = sandbox.run(&["undo", &added]).code(1);
    assert!(refused.err.contains("is in_progress on branch `feature`"), "{}", refused.err);
    sandbox.git(&["switch", "-q", "feature"]);
    sandbox.run(&["undo"]).ok();
    assert_eq!(task(&sandbox, &id)["status"], "pending");
}
