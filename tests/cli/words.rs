//! Words that must not be taken for others: ids, revisions, ages, options, names of fields.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Answer, Sandbox};

/// A call with this on its standard input, and these variables.
fn fed(sandbox: &Sandbox, words: &[&str], input: &str, variables: &[(&str, &str)]) -> Answer {
    let mut command = sandbox.command(&sandbox.root, words);
    command.envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _it_may_have_read_enough = child.stdin.take().unwrap().write_all(input.as_bytes());
    Answer::of(child.wait_with_output().unwrap())
}

#[test]
fn a_request_of_a_batch_has_no_options_of_the_whole_and_names_earlier_lines_only() {
    let sandbox = Sandbox::board();
    sandbox.git(&["branch", "other"]);
    let before = sandbox.git(&["for-each-ref"]);
    let add = r#"["t","add","w","a"]"#;
    for (lines, says) in [
        (
            r#"["--board","other","t","add","w","x"]"#.to_owned(),
            "line 1: another board can't be part of a batch",
        ),
        (
            r#"["t","add","w","x","--board=other"]"#.to_owned(),
            "line 1: another board can't be part of a batch",
        ),
        (
            r#"["--timeout","1s","t","add","w","x"]"#.to_owned(),
            "a timeout of its own can't be part of a batch",
        ),
        (r#"["--at","HEAD","t","add","w","x"]"#.to_owned(), "another revision can't be part of a batch"),
        ("[]".to_owned(), "line 1: no words; nothing was done"),
        (r#"["t"]"#.to_owned(), "line 1: the words end before they name what to do"),
        (r#"["t","add","--help"]"#.to_owned(), "line 1: help is not asked for here"),
        (r#"["--version"]"#.to_owned(), "line 1: the version is not asked for here"),
        (r#"["t","add"]"#.to_owned(), "were not provided: <WORKSTREAM> <TITLE>"),
        (format!("[\"t\",\"claim\",\"@2\",\"--agent\",\"x\"]\n{add}"), "line 2 comes later"),
        (format!("{add}\n[\"t\",\"claim\",\"@2\",\"--agent\",\"x\"]"), "it is this line itself"),
        (format!("{add}\n[\"t\",\"claim\",\"@0\",\"--agent\",\"x\"]"), "lines are counted from 1"),
        (format!("{add}\n[\"t\",\"claim\",\"@01\",\"--agent\",\"x\"]"), "write it as `@1`"),
        (format!("{add}\n[\"t\",\"claim\",\"@7\",\"--agent\",\"x\"]"), "there is no line 7"),
        (format!("{add}\n\n[\"t\",\"add\",\"w\",\"b\",\"--depends-on=@2\"]"), "line 2 is empty"),
        (
            format!("{add}\n[\"t\",\"claim\",\"@99999999999999999999999\",\"--agent\",\"x\"]"),
            "there are not so many lines",
        ),
        (
            "[\"ws\",\"create\",\"v\"]\n[\"t\",\"claim\",\"@1\",\"--agent\",\"x\"]".to_owned(),
            "that one got none",
        ),
    ] {
        let told = fed(&sandbox, &["batch"], &lines, &[]).code(2);
        assert!(told.err.contains(says) && told.out.is_empty(), "{lines}: {told:?}");
        assert_eq!(sandbox.git(&["for-each-ref"]), before, "{lines}");
    }
    // What is a text stays one.
    let lines = "[\"t\",\"add\",\"w\",\"@home\"]\n[\"t\",\"add\",\"w\",\"@@1\",\"--estimate=@@1\"]\n[\"t\",\"add\",\"w\",\"@\"]";
    let told = fed(&sandbox, &["batch"], lines, &[]).ok();
    let titles: Vec<String> = told
        .out
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["title"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(titles, ["@home", "@1", "@"]);
    assert!(told.out.contains(r#""estimate":"@1""#), "{told:?}");
}

#[test]
fn fields_of_an_event_are_taken_exactly_or_refused() {
    let sandbox = Sandbox::board();
    for (words, code, says) in [
        (vec!["undoes=019c31c0-4490-70df-bc60-4165cd0ac750"], 1, "`undoes` is what this program itself says"),
        (vec!["--data", r#"{"undoes":["x"]}"#], 1, "`undoes` is what this program itself says"),
        (vec!["derived=true"], 1, "an event has a `derived` of its own"),
        (vec!["a=1", "a=2"], 2, "the field `a` is given twice"),
        (vec!["a=1", "--data", r#"{"a":2}"#], 2, "the field `a` is given twice"),
        (vec!["--data", r#"{"a":1,"a":2}"#], 2, "`a` is there twice"),
        (vec!["--data", r#"{"x":[{"a":1,"\u0061":2}]}"#], 2, "`a` is there twice"),
        (
            vec!["--data", r#"{"n":123456789012345678901234567890}"#],
            2,
            "the number `123456789012345678901234567890`",
        ),
        (vec!["--data", r#"{"n":1e400}"#], 2, "out of range"),
        (vec!["--data", "[1]"], 2, "expected an object"),
        (vec!["=x"], 2, "`=x` is no field"),
    ] {
        let all: Vec<&str> = ["event", "log", "ada", "said"].into_iter().chain(words.clone()).collect();
        let told = sandbox.run(&all).code(code);
        assert!(told.err.contains(says), "{words:?}: {told:?}");
    }
    let kept = r#"{"n":18446744073709551615,"m":-9223372036854775808,"f":0.1}"#;
    let event = sandbox.json(&["event", "log", "ada", "said", "--data", kept]);
    assert_eq!(event["n"].to_string() + &event["m"].to_string(), "18446744073709551615-9223372036854775808");
    // What says nothing is not shown, and is there for programs.
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", &id, "--agent", "ada"]).ok();
    sandbox.run(&["t", "complete", &id]).ok();
    let shown = sandbox.run(&["events", "--last", "1"]).ok();
    assert!(shown.out.contains("task_completed") && !shown.out.contains("null"), "{shown:?}");
    assert_eq!(sandbox.json(&["events", "--last", "1"])[0].get("result"), Some(&serde_json::Value::Null));
}

/// `undo` reads what was undone from the log: nobody may say so of what somebody else did.
#[test]
fn nobody_keeps_another_agent_from_undoing() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", &id, "--agent", "ada"]).ok();
    let event = sandbox.json(&["events", "--last", "1"])[0]["id"].as_str().unwrap().to_owned();
    // By hand, past the refusal.
    let forged = format!(
        r#"Orchestrator-Event: {{"ts":"2026-02-06T07:00:07.000Z","agent":"bob","action":"said","undoes":"{event}","id":"019c31c0-4490-70df-bc60-4165cd0ac750"}}"#
    );
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "orchestrator: log said", "-m", &forged]);
    let undone = sandbox.run(&["undo", "--agent", "ada"]).ok();
    assert!(undone.out.contains("Undone: "), "{undone:?}");
    assert_eq!(sandbox.json(&["t", "show", &id])["status"], "pending");
}

#[test]
fn a_change_is_named_by_four_digits_at_least() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    for word in "0123456789abcdef".chars().map(String::from).chain([
        "3".into(),
        "abc".into(),
        "-3-".into(),
        "".into(),
    ]) {
        let told = sandbox.run(&["undo", "--", &word]).code(2);
        assert!(told.err.contains("at least 4 hex digits") || word.is_empty(), "{word}: {told:?}");
    }
    for word in ["HEAD", "head", "zzzz", &id[..0], "+0001"] {
        assert_ne!(sandbox.run(&["undo", word]).code, 0, "{word}");
    }
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
    sandbox.run(&["undo", &head[..4]]).ok();
    assert!(sandbox.json(&["t", "list"]).as_array().unwrap().is_empty());
}

#[test]
fn a_revision_is_a_revision_and_an_age_has_a_unit() {
    let sandbox = Sandbox::board();
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "More"]);
    let head = sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let null = "0".repeat(40);
    for word in
        [null.as_str(), "0000000", "1234567", "60", "0", "2026", "+60", "60 ago", "1.5h", "5M", "HEAD^{tree}"]
    {
        let told = sandbox.run(&["--at", word, "t", "list"]).code(1);
        assert!(told.err.contains(&format!("no commit is called `{word}`")), "{word}: {told:?}");
        // What a forge passes for a branch that is new is told apart from what is mistyped.
        assert_eq!(told.err.contains("to git it stands for none"), word == null, "{word}: {told:?}");
        for verb in ["check", "diff"] {
            assert_eq!(sandbox.run(&[verb, word]).code, 1, "{verb} {word}");
        }
    }
    for since in ["60", "2026", "0", "1234567", "yesterday", ""] {
        for words in [["events", "--since", since], ["collect", "--since", since]] {
            let told = sandbox.run(&words).code(2);
            assert!(told.err.contains("is no point in time"), "{words:?}: {told:?}");
        }
    }
    let told = sandbox.run(&["--at", "2099-01-01", "l", "list"]).code(2);
    assert!(told.err.contains("`--at 2099-01-01` is still to come"), "{told:?}");
    // A branch that is called as an age or as a date is a branch; a tag that is called as an id is not that id.
    let first = sandbox.git(&["rev-parse", "HEAD~1"]).trim().to_owned();
    sandbox.git(&["branch", "5m", "HEAD~1"]);
    sandbox.git(&["branch", "2026-02-06", "HEAD~1"]);
    sandbox.git(&["update-ref", &format!("refs/tags/{head}"), "HEAD~1"]);
    sandbox.git(&["update-ref", "refs/tags/1234567", "HEAD~1"]);
    for (word, commit) in
        [("5m", &first), ("2026-02-06", &first), (head.as_str(), &head), ("1234567", &first)]
    {
        let told = sandbox.run(&["--at", word, "t", "list"]).ok();
        assert!(told.err.contains(&format!("`{word}` shows commit {}", &commit[..7])), "{word}: {told:?}");
    }
}

/// Two commits whose ids begin alike, and a tree's: of those only what leads to a commit counts.
#[test]
fn a_short_id_that_several_commits_have_is_refused_with_them() {
    let sandbox = Sandbox::board();
    let tree = sandbox.git(&["rev-parse", "HEAD^{tree}"]).trim().to_owned();
    let mut seen: std::collections::HashMap<String, String> = std::collections::HashMap::new();
    let mut twins = None;
    for count in 0..4000 {
        // Ids are made here, and only those two are written that begin alike.
        let text = format!(
            "tree {tree}\nauthor a <a@b> 1770361200 +0000\ncommitter a <a@b> 1770361200 +0000\n\n{count}\n"
        );
        let id = sha1_of(&format!("commit {}\0{text}", text.len()));
        if let Some(other) = seen.insert(id[..4].to_owned(), text.clone()) {
            twins = Some((id[..4].to_owned(), [text, other]));
            break;
        }
    }
    let (short, texts) = twins.unwrap();
    for text in texts {
        let mut command = std::process::Command::new("git");
        command.args(["hash-object", "-w", "-t", "commit", "--stdin"]).current_dir(&sandbox.root);
        crate::support::hermetic(&mut command, sandbox.home());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }
    for words in [
        vec!["--at", &short, "t", "list"],
        vec!["check", &short],
        vec!["diff", &short],
        vec!["verify", &short],
    ] {
        let told = sandbox.run(&words).code(1);
        let says = format!("`{short}` is the beginning of several ids");
        assert!(
            told.err.contains(&says) && told.err.matches("commit 2026-02-06").count() == 2,
            "{words:?}: {told:?}"
        );
    }
}

fn sha1_of(text: &str) -> String {
    use sha1::Digest as _;
    sha1::Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn lengths_of_time_have_bounds_and_name_whom_they_were_given_to() {
    let sandbox = Sandbox::board();
    for (words, says) in [
        (vec!["l", "acquire", "g", "ada", "--ttl", "90d"], "--ttl: `90d` is out of bounds; from 1s to 1d"),
        (vec!["l", "acquire", "g", "ada", "--ttl", "1.5h"], "--ttl: `1.5h` is no length of time"),
        (vec!["l", "acquire", "g", "ada", "--ttl", "1H"], "--ttl: `1H` is no length of time"),
        (vec!["l", "acquire", "g", "ada", "--ttl", "-5s"], "unexpected argument"),
        (vec!["l", "acquire", "g", "ada", "--ttl", ""], "--ttl: `` is no length of time"),
        (vec!["l", "acquire", "g", "ada", "--wait", "8d"], "--wait: `8d` is out of bounds; from 0s to 7d"),
        (vec!["--timeout", "\u{ff15}", "status"], "--timeout: `５` is no length of time"),
        (vec!["--timeout", "99999999999d", "status"], "--timeout: "),
        (vec!["verify", "--slack", "366d"], "--slack: `366d` is out of bounds"),
        (vec!["events", "--last", "0"], "it has to be 1 or more"),
        (vec!["events", "--last", "-1"], "unexpected argument"),
        (vec!["events", "--last", "1e3"], "invalid"),
        (vec!["brief", "w", "--budget", "0"], "it has to be 1 or more"),
        (vec!["selftest", "--rounds", "0"], "invalid value"),
        (vec!["t", "add", "w", "x", "--priority", "1_000"], "invalid value"),
        (vec!["t", "add", "w", "x", "--priority", "99999999999999999999"], "invalid value"),
        (vec!["t", "list", "w", "--status", "pending,done"], "invalid value"),
    ] {
        let told = sandbox.run(&words).code(2);
        assert!(told.err.contains(says), "{words:?}: {told:?}");
    }
    sandbox.run(&["l", "acquire", "g", "ada", "--ttl", "60"]).ok();
    sandbox.run(&["--timeout", "5", "t", "add", "w", "x"]).ok();
    // Commit dates have whole seconds, events have milliseconds: no slack is needed for that.
    for slack in ["500ms", "0"] {
        sandbox.run(&["verify", "--slack", slack, "--strict"]).ok();
    }
}

#[test]
fn settings_have_the_same_bounds_and_are_named_by_their_place() {
    let sandbox = Sandbox::board();
    for (text, place, says) in [
        ("locks:\n  ttl: 90d", "config.yaml:3:8", "locks.ttl: `90d` is out of bounds; from 1s to 1d"),
        (
            "locks:\n  slack: 9999d",
            "config.yaml:3:10",
            "locks.slack: `9999d` is out of bounds; from 0s to 1h",
        ),
        ("claims:\n  stale_after: 0s", "config.yaml:3:16", "claims.stale_after: `0s` is out of bounds"),
    ] {
        sandbox.write(".orchestrator/config.yaml", &format!("format: 1\n{text}\n"));
        sandbox.git(&["commit", "-q", "-am", "A slip"]);
        let checked = sandbox.run(&["check"]).code(5);
        assert!(checked.out.contains(place) && checked.out.contains(says), "{checked:?}");
        let refused = sandbox.run(&["l", "acquire", "g", "ada"]).code(5);
        assert!(refused.err.contains(place) && refused.err.contains(says), "{refused:?}");
    }
    sandbox.write(".orchestrator/config.yaml", "format: 1\nlocks:\n  tll: 5s\nshade: 1\n");
    sandbox.git(&["commit", "-q", "-am", "Misspelt"]);
    let checked = sandbox.run(&["check"]).ok();
    for says in [
        "config.yaml:3:8: warning: unknown_setting: locks.tll: no setting is called so; `ttl` may be meant",
        "config.yaml:4:8: warning: unknown_setting: shade: no setting is called so here; a later version may know it",
    ] {
        assert!(checked.out.contains(says), "{checked:?}");
    }
}

#[test]
fn a_variable_is_named_and_asked_for_only_where_somebody_acts() {
    let sandbox = Sandbox::board();
    let run = |words: &[&str], variables: &[(&str, &str)]| fed(&sandbox, words, "", variables);
    let bad = [("ORCHESTRATOR_AGENT", "Claude Code")];
    for words in [
        vec!["status"],
        vec!["t", "list"],
        vec!["events"],
        vec!["log", "w"],
        vec!["verify"],
        vec!["l", "list"],
    ] {
        run(&words, &bad).ok();
    }
    for words in [
        vec!["t", "add", "w", "x"],
        vec!["kb", "write", "k", "x"],
        vec!["t", "next", "w"],
        vec!["undo"],
        vec!["collect"],
        vec!["a", "heartbeat"],
        vec!["ws", "create", "v"],
    ] {
        let told = run(&words, &bad).code(1);
        assert!(
            told.err.contains("ORCHESTRATOR_AGENT: `Claude Code` can't name an agent"),
            "{words:?}: {told:?}"
        );
        assert!(told.err.contains("hint: export ORCHESTRATOR_AGENT=Claude-Code"), "{words:?}: {told:?}");
    }
    // Whoever is named in the words acts.
    run(&["l", "acquire", "g", "ada"], &bad).ok();
    run(&["t", "add", "w", "x", "--agent", "ada"], &bad).ok();
    let told = run(&["status", "--agent", "Claude Code"], &[]).code(1);
    assert!(
        told.err.contains("`Claude Code` can't name an agent") && !told.err.contains("ORCHESTRATOR"),
        "{told:?}"
    );
    run(&["status", "--agent", ""], &[]).code(1);
    // An empty variable is one that is not set.
    let empty = [("ORCHESTRATOR_AGENT", ""), ("ORCHESTRATOR_BOARD", "")];
    run(&["t", "add", "w", "y"], &empty).ok();
    assert_eq!(run(&["status", "--board", ""], &empty).code, 2);
    // A variable of anybody's program is none of ours.
    let told = run(&["t", "add", "w", "z"], &[("COMPLETE", "bash")]).ok();
    assert!(told.out.starts_with("Added task"), "{told:?}");
    run(&["t", "list"], &[("COMPLETE", "1")]).ok();
    let script = run(&["completions", "bash"], &[]).ok().out;
    assert!(script.contains("ORCHESTRATOR_COMPLETE=\"bash\"") && !script.contains(" COMPLETE="), "{script}");
    let told = run(
        &["--", "orchestrator", "sta"],
        &[("ORCHESTRATOR_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", "1")],
    );
    assert!(told.out.contains("status"), "{told:?}");
}

/// The first line of a command's help is what the list of commands says of it.
#[test]
fn each_command_introduces_itself() {
    let sandbox = Sandbox::new();
    let listed = sandbox.run(&["--help"]).ok().out;
    let commands: Vec<(&str, &str)> = listed
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .map_while(|line| line.strip_prefix("  ")?.split_once("  "))
        .map(|(name, about)| (name.trim(), about.trim()))
        // A long sentence goes on in the next line of the list.
        .filter(|(name, _)| !name.is_empty())
        .collect();
    assert!(commands.len() > 15, "{listed}");
    for (name, about) in commands.iter().filter(|(name, _)| *name != "help") {
        let help = sandbox.run(&[name, "--help"]).ok().out;
        let first = help.lines().next().unwrap();
        assert!(about.starts_with(first) || first.starts_with(about), "{name}: {first} / {about}");
    }
}

#[test]
fn a_line_that_is_no_event_is_an_error_in_a_commit_of_ours_and_a_warning_elsewhere() {
    let sandbox = Sandbox::board();
    let torn = "Orchestrator-Event: {not json";
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "x", "-m", torn]);
    let told = sandbox.run(&["verify"]).ok();
    assert!(told.out.contains("warning  bad_event"), "{told:?}");
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "orchestrator: x", "-m", torn]);
    let told = sandbox.run(&["verify"]).code(5);
    assert!(told.out.contains("error    bad_event"), "{told:?}");
}

#[test]
fn an_imported_lock_runs_out_and_what_was_done_is_told() {
    let sandbox = Sandbox::board();
    let data = sandbox.home().join("data");
    std::fs::create_dir(&data).unwrap();
    let state = r#"{"version":1,"workstreams":{},"agents":{},"locks":{"deploy":{"agent":"me","acquired_at":"2099-01-01T00:00:00Z","ttl_ms":9000000000000000}}}"#;
    std::fs::write(data.join("state.json"), state).unwrap();
    let data = data.display().to_string();
    let told = sandbox.run(&["import", &data]).ok();
    assert!(told.out.contains("0 events, 1 lock\n") && !told.out.contains("already"), "{told:?}");
    assert!(told.err.contains("the lock `deploy` was to be held by `me` until 9999-12-31"), "{told:?}");
    let denied = sandbox.run(&["l", "acquire", "deploy", "ada"]).code(1);
    assert!(denied.out.contains("held by me, expires in 1 day"), "{denied:?}");
    let again = sandbox.run(&["import", &data]).ok();
    assert!(again.out.contains("all of it was there already, nothing changed"), "{again:?}");
    sandbox.run(&["verify", "--strict"]).ok();
}
