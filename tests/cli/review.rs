//! `diff`: what changed on a board, in words; and the workflows that show it in pull requests.

use std::process::Command;

use super::support::{Sandbox, hermetic};

/// What of a title must do nothing on a page.
const HOSTILE: &str = "@ada #1 !2 $3 ![x](http://e.example/x.png) <img src=x onerror=y> </details> a|b \\| `` `c` www.evil.example a@b.example <!-- & &#64;ada [l](javascript:x) **b** https://e.example";

fn words(document: &serde_json::Value, id: &str) -> Vec<String> {
    let tasks = document["tasks"].as_array().unwrap();
    let task = tasks.iter().find(|task| task["id"] == id).unwrap();
    task["what"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

fn codes(document: &serde_json::Value, list: &str) -> Vec<String> {
    let found = document[list].as_array().unwrap();
    found.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_branch_is_told_in_words_with_who_did_it_where() {
    let sandbox = Sandbox::board();
    sandbox.run(&["ws", "create", "other"]).ok();
    let old = sandbox.add("Old");
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    let new = sandbox.json(&["t", "add", "w", "New", "First\nline", "--depends-on", &old])["id"].clone();
    let new = new.as_str().unwrap();
    sandbox.run(&["t", "claim", "w", &old, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &old, "fine"]).ok();
    sandbox.run(&["t", "update", &old, "--workstream", "other", "--title", "Renamed"]).ok();
    sandbox.run(&["kb", "write", "api", "one\ntwo"]).ok();
    sandbox.run(&["ws", "update", "w", "--priority", "1"]).ok();
    sandbox.run(&["a", "register", "agent-1"]).ok();

    let document = sandbox.json(&["diff"]);
    assert_eq!((&document["base"]["name"], &document["between"]), (&"main".into(), &"whole".into()));
    assert_eq!(words(&document, &old), ["completed", "moved", "updated"]);
    assert_eq!(words(&document, new), ["created"]);
    assert_eq!(document["warnings"], serde_json::json!([]));
    assert_eq!(document["knowledge"][0]["lines"], serde_json::json!(["+ one", "+ two"]));
    let moved = document["tasks"].as_array().unwrap().iter().find(|task| task["id"] == *old).unwrap();
    let fields: Vec<_> = moved["fields"].as_array().unwrap().iter().map(|one| one["field"].clone()).collect();
    let wanted =
        ["workstream", "title", "status", "assigned_to", "epoch", "claimed_at", "completed_at", "result"];
    assert_eq!(fields, wanted);
    let by: Vec<_> = moved["by"].as_array().unwrap().iter().map(|deed| deed["action"].clone()).collect();
    assert_eq!(by, ["task_claimed", "task_completed", "task_updated"]);
    let claim = sandbox.git(&["log", "--format=%H", "--grep=claim"]);
    assert_eq!(moved["by"][0]["commit"], claim.trim());

    let text = sandbox.run(&["diff"]).ok().out;
    for part in [
        "1 task created · 1 completed · 1 moved · 1 updated · 1 workstream · 1 document · 1 agent",
        "completed, moved, updated by agent-1 (",
        "status       pending → done",
        "workstream   w → other",
        "priority     5 → 1",
        "+ two",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // From the other end everything is undone, which is said.
    let back = sandbox.run(&["diff", "feat..main"]).ok();
    assert!(back.out.contains("deleted") && back.err.contains("shows as undone"), "{back:?}");
    assert_eq!(
        sandbox.run(&["diff", "feat...main"]).ok().out.lines().last(),
        Some("Nothing changed on the board.")
    );
    assert_eq!(sandbox.run(&["diff", "main"]).ok().out, sandbox.run(&["diff", "main.."]).ok().out);
}

#[test]
fn what_the_log_does_not_explain_or_should_not_be_is_pointed_out() {
    let sandbox = Sandbox::board();
    let (one, two, three) = (sandbox.add("One"), sandbox.add("Two"), sandbox.add("Three"));
    sandbox.run(&["t", "update", &two, "--add-dependency", &one]).ok();
    sandbox.run(&["t", "claim", "w", &three, "agent-1"]).ok();
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    sandbox.run(&["t", "complete", "w", &two, "early"]).ok();
    let file = |id: &str| format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2]);
    let edit = |id: &str, old: &str, new: &str| {
        let text = sandbox.read(&file(id));
        assert!(text.contains(old), "{text}");
        sandbox.write(&file(id), &text.replace(old, new));
    };
    edit(&one, "depends_on: []", "depends_on: [0000000f]");
    edit(&three, "epoch: 1", "epoch: 0");
    sandbox.git(&["commit", "-qam", "By hand"]);
    let document = sandbox.json(&["diff"]);
    let mut found = codes(&document, "warnings");
    found.sort();
    assert_eq!(found, ["dependency", "epoch", "unclaimed", "unexplained", "unexplained", "unknown_task"]);

    // The same by one who does not hold it, with an event that says so.
    sandbox.git(&["switch", "-q", "-c", "forged", "main"]);
    edit(&three, "status: in_progress", "status: done");
    edit(&three, "completed_at: null", "completed_at: 2026-02-06T08:00:00.000Z");
    let event = format!(
        r#"Orchestrator-Event: {{"ts":"2026-02-06T08:00:00.000Z","agent":"mallory","action":"task_completed","workstream":"w","task_id":"{three}","id":"019c31f7-3a21-7000-8000-000000000001"}}"#
    );
    sandbox.git(&["commit", "-qam", "orchestrator: complete\n\nx", "-m", &event]);
    assert_eq!(codes(&sandbox.json(&["diff"]), "warnings"), ["stranger"]);
    let checked = sandbox.run(&["check", "main..forged"]).code(5);
    assert!(
        checked.out.contains(": stranger: it was completed by `mallory`, but held by `agent-1`"),
        "{checked:?}"
    );
    assert_eq!(sandbox.run(&["check", "forged"]).code, 0, "the board alone does not show it");
}

#[test]
fn a_squash_explains_as_far_as_its_message_goes() {
    let sandbox = Sandbox::board();
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "done"]).ok();
    for (branch, message) in [("kept", None), ("cut", Some("Add payments (#12)"))] {
        sandbox.git(&["switch", "-q", "-c", branch, "main"]);
        sandbox.git(&["merge", "-q", "--squash", "feat"]);
        match message {
            Some(message) => sandbox.git(&["commit", "-q", "-m", message]),
            None => sandbox.git(&["commit", "-q", "--no-edit"]),
        };
        let document = sandbox.json(&["diff", "main.."]);
        assert_eq!(words(&document, &id), ["created", "completed"]);
        let wanted: &[&str] = if message.is_some() { &["unexplained"] } else { &[] };
        assert_eq!(codes(&document, "warnings"), wanted);
    }
}

#[test]
fn a_hostile_title_does_nothing_on_a_page() {
    let sandbox = Sandbox::board();
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    let body = format!("{HOSTILE}\n```\n</details>\n@ada\n| x |\n\u{2028}@ada\r<b>\n~~~~\n");
    sandbox.run(&["t", "add", "w", HOSTILE, &body, "--label", "@ada", "--estimate", "`<i>"]).ok();
    sandbox.run(&["t", "add", "w", "ends with \\", "x"]).ok();
    sandbox.run(&["t", "add", "w", "`", "x"]).ok();
    sandbox.run(&["kb", "write", "www.evil.example", &body]).ok();
    sandbox.run(&["event", "log", "agent-1", "x"]).ok();
    let page = sandbox.run(&["diff", "--format", "markdown"]).ok().out;
    assert!(page.starts_with("<!-- orchestrator diff -->\n### Task changes\n"), "{page}");
    let outside = outside_of_code(&page);
    for bad in ["@", "#1", "![", "<img", "<b>", "<i>", "www.", "http", "[l]", "**b**", "evil"] {
        assert!(!outside.contains(bad), "{bad} is outside of code:\n{outside}");
    }
    assert_eq!(outside.matches("<details>").count(), outside.matches("</details>").count());
    // Every row of the table has its four cells.
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let bars = row.as_bytes().windows(2).filter(|pair| pair[1] == b'|' && pair[0] != b'\\').count();
        assert_eq!(bars + 1, 5, "{row}");
    }
}

/// A page without its code spans and fences, as the specification of markdown finds them.
fn outside_of_code(page: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<usize> = None;
    for line in page.lines() {
        let run = line.trim_start().bytes().take_while(|b| *b == b'`').count();
        match fence {
            Some(open) if run >= open && line.trim().bytes().all(|b| b == b'`') => fence = None,
            Some(_) => {}
            None if run >= 3 && line.trim_start()[run..].starts_with("diff") => fence = Some(run),
            None => {
                let mut rest = line;
                while let Some(at) = rest.find('`') {
                    out.push_str(&rest[..at]);
                    let run = rest[at..].bytes().take_while(|b| *b == b'`').count();
                    let inside = &rest[at + run..];
                    let mark = "`".repeat(run);
                    let mut ends = inside.match_indices(mark.as_str()).map(|(end, _)| end);
                    let end = ends
                        .find(|end| !inside[end + run..].starts_with('`') && !inside[..*end].ends_with('`'));
                    rest = &inside[end.unwrap_or_else(|| panic!("an open span: {line}")) + run..];
                }
                out.push_str(rest);
                out.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a fence is open");
    out
}

#[test]
fn a_page_is_never_too_long_and_says_what_was_cut() {
    let sandbox = Sandbox::board();
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    let long = format!("{}\n{}", "word ".repeat(60), "line\n".repeat(30));
    let requests: Vec<String> = (0..400)
        .map(|n| {
            serde_json::json!(["task", "add", "w", format!("Task {n} {}", "é".repeat(120)), long]).to_string()
        })
        .collect();
    let mut command = sandbox.command(&sandbox.root, &["batch"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), requests.join("\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let page = sandbox.run(&["diff", "--format", "markdown"]).ok().out;
    assert!(page.chars().count() < 60_000, "{}", page.chars().count());
    let note = page.lines().last().unwrap();
    assert!(
        note.starts_with("**Cut, since a comment may not be longer: ") && note.contains(" tasks"),
        "{note}"
    );
    let shown = page.lines().filter(|line| line.starts_with("| `")).count();
    let left: usize = note.split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert_eq!(shown + left, 400, "{note}");
}

#[test]
fn ends_without_a_board_or_a_common_commit_are_told() {
    let sandbox = Sandbox::new();
    sandbox.git(&["branch", "before"]);
    sandbox.run(&["diff", "before..main"]).code(4);
    sandbox.run(&["init"]).ok();
    sandbox.run(&["ws", "create", "w"]).ok();
    let id = sandbox.add("Pay");
    assert_eq!(words(&sandbox.json(&["diff", "before"]), &id), ["created"]);
    assert_eq!(words(&sandbox.json(&["diff", "main..before"]), &id), ["deleted"]);
    let own = sandbox.run(&["diff"]).ok();
    assert!(own.out.contains("Nothing changed") && own.err.contains("orchestrator diff HEAD~10"), "{own:?}");

    sandbox.git(&["switch", "-q", "--orphan", "alone"]);
    sandbox.run(&["init"]).ok();
    let alone = sandbox.run(&["diff"]).ok();
    assert!(alone.err.contains("no commit in common: everything is new"), "{alone:?}");
    let refused = sandbox.run(&["diff", "main...alone"]).code(1);
    assert!(refused.err.contains("hint: orchestrator diff main..alone"), "{refused:?}");
    let unknown = sandbox.run(&["diff", "nowhere"]).code(1);
    assert!(unknown.err.contains("no commit is called `nowhere`"), "{unknown:?}");
}

#[test]
fn what_is_damaged_at_one_end_is_named_and_the_rest_is_compared() {
    let sandbox = Sandbox::board();
    let (one, two) = (sandbox.add("One"), sandbox.add("Two"));
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    sandbox.run(&["t", "claim", "w", &two, "agent-1"]).ok();
    sandbox.write(&format!(".orchestrator/tasks/{}/{one}.yaml", &one[..2]), "id: [\n");
    sandbox.git(&["commit", "-qam", "Break"]);
    for (range, end) in [("main..feat", "head"), ("feat..main", "base")] {
        let document = sandbox.json(&["diff", range]);
        assert_eq!(document["damage"][0]["end"], end);
        assert_eq!(document["tasks"].as_array().unwrap().len(), 1);
    }
    assert_eq!(words(&sandbox.json(&["diff"]), &two), ["claimed"]);
    assert!(sandbox.run(&["diff", "--format", "markdown"]).ok().out.contains("**Damaged**"));
}

#[test]
fn a_shallow_clone_says_what_it_can_not_see() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "done"]).ok();
    let url = format!("file://{}", sandbox.root.display());
    let clone = sandbox.home().join("shallow");
    let path = clone.to_str().unwrap();
    sandbox.git(&["clone", "-q", "--depth", "1", "--no-single-branch", &url, path]);
    let refused = sandbox.run_in(&clone, &["diff", "origin/main...origin/feat"]).code(1);
    assert!(refused.err.contains("shallow") && refused.err.contains("git fetch --unshallow"), "{refused:?}");
    let direct = sandbox.run_in(&clone, &["diff", "origin/main..origin/feat"]).ok();
    assert!(direct.out.contains("completed") && direct.err.contains("shallow"), "{direct:?}");
    assert!(!direct.out.contains("unexplained"), "{direct:?}");
    sandbox.run_in(&clone, &["check"]).ok();
    let range = sandbox.run_in(&clone, &["check", "origin/main..origin/feat", "--format", "github"]).ok();
    assert!(range.out.contains("::notice::this clone is shallow"), "{range:?}");
}

#[test]
fn the_upstream_is_compared_with_unless_it_is_the_branch_s_own_copy() {
    let sandbox = Sandbox::board();
    let bare = sandbox.home().join("origin.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    sandbox.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
    sandbox.git(&["fetch", "-q", "origin"]);
    sandbox.git(&["branch", "-q", "-u", "origin/main"]);
    let on_main = sandbox.add("On main");
    assert_eq!(words(&sandbox.json(&["diff"]), &on_main), ["created"]);
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    let on_feat = sandbox.add("On feat");
    sandbox.git(&["push", "-q", "-u", "origin", "feat"]);
    let document = sandbox.json(&["diff"]);
    assert_eq!(document["base"]["name"], "origin/main");
    assert_eq!(words(&document, &on_feat), ["created"]);
    // A branch that stands on another one.
    sandbox.git(&["switch", "-q", "-c", "upper"]);
    sandbox.git(&["branch", "-q", "-u", "origin/feat"]);
    let on_upper = sandbox.add("On upper");
    let document = sandbox.json(&["diff"]);
    assert_eq!(document["base"]["name"], "origin/feat");
    assert_eq!(document["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(words(&document, &on_upper), ["created"]);
}

#[test]
fn workflows_are_planted_once_and_nothing_is_overwritten() {
    let sandbox = Sandbox::board();
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    let path = ".github/workflows/orchestrator.yml";
    let first = sandbox.run(&["init", "--ci", "github"]).ok();
    assert!(first.out.contains("Planted: .github/workflows/orchestrator.yml"), "{first:?}");
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head, "its owner commits it");
    sandbox.write(path, "mine\n");
    let again = sandbox.run(&["init", "--ci", "github"]).ok();
    assert!(again.out.contains("Left as it is"), "{again:?}");
    assert_eq!(sandbox.read(path), "mine\n");

    sandbox.write(".gitlab-ci.yml", "mine: {}\n");
    let lab = sandbox.run(&["init", "--ci", "gitlab"]).ok();
    assert_eq!(sandbox.read(".gitlab-ci.yml"), "mine: {}\n");
    assert!(lab.out.contains("add to .gitlab-ci.yml, under `include:`"), "{lab:?}");
    assert!(sandbox.read(".gitlab/orchestrator.yml").contains("GIT_STRATEGY: none"));

    let fresh = Sandbox::new();
    std::os::unix::fs::symlink("/tmp", fresh.root.join(".gitlab")).unwrap();
    let refused = fresh.run(&["init", "--ci", "gitlab"]).code(3);
    assert!(refused.err.contains("it is a symbolic link"), "{refused:?}");
}

/// The script of a step of a workflow.
fn script(workflow: &str, step: &str) -> String {
    let (_, rest) = workflow.split_once(&format!("- name: {step}\n")).unwrap();
    let (_, rest) = rest.split_once("run: ").unwrap();
    let (first, rest) = rest.split_once('\n').unwrap();
    if first != "|" {
        return first.to_owned();
    }
    rest.lines()
        .take_while(|line| line.is_empty() || line.starts_with("          "))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The workflow of GitHub, played: its own scripts, a remote with the refs of a pull request, and a `gh` that keeps
/// comments in a file.
#[test]
fn a_workflow_comments_once_and_anew_and_executes_nothing() {
    let sandbox = Sandbox::board();
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    sandbox.add(HOSTILE);
    // What a checkout or a build of the pull request's files would run.
    let trap = "[alias]\nx = y\n[build]\nrustc-wrapper = \"/bin/false\"\n";
    std::fs::create_dir(sandbox.root.join(".cargo")).unwrap();
    sandbox.write(".cargo/config.toml", trap);
    sandbox.git(&["add", ".cargo"]);
    sandbox.git(&["commit", "-q", "-m", "Trap"]);
    sandbox.git(&["update-ref", "refs/pull/7/head", "feat"]);
    let runner = sandbox.home().join("runner");
    let bin = sandbox.home().join("bin");
    for directory in [&runner, &bin] {
        std::fs::create_dir(directory).unwrap();
    }
    let gh = format!(
        "#!/bin/sh\ncase \"$*\" in\n*--paginate*) test ! -f {0}/comment || echo 42 ;;\n*PATCH*/42\\ *) cp {0}/diff.md {0}/comment; echo patched >> {0}/calls ;;\n*POST*) cp {0}/diff.md {0}/comment; echo posted >> {0}/calls ;;\n*) exit 1 ;;\nesac\n",
        runner.display()
    );
    std::fs::write(bin.join("gh"), gh).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_orchestrator"), bin.join("orchestrator")).unwrap();
    let made_executable = Command::new("chmod").arg("+x").arg(bin.join("gh")).status().unwrap();
    assert!(made_executable.success());
    let workflow = include_str!("../../templates/ci/github.yml");
    let run = |step: &str, comment: &str| {
        let mut command = Command::new("bash");
        command.args(["-e", "-c", &script(workflow, step)]).current_dir(&runner);
        hermetic(&mut command, sandbox.home());
        command
            .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
            .env("RUNNER_TEMP", &runner)
            .env("GITHUB_STEP_SUMMARY", runner.join("summary"))
            .env("GITHUB_OUTPUT", runner.join("output"))
            .env("TOKEN", "t")
            .env("URL", format!("file://{}", sandbox.root.display()))
            .env("BASE", "main")
            .env("NUMBER", "7")
            .env("COMMENTS", "repos/o/r/issues/7/comments")
            .env("COMMENT_OF", "repos/o/r/issues/comments")
            .env("COMMENT", comment);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{step}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let round = || {
        for step in ["Fetch the commits", "Show what changed"] {
            run(step, "");
        }
        run("Check the board", "");
        let output = std::fs::read_to_string(runner.join("output")).unwrap();
        let comment = output.lines().last().unwrap().strip_prefix("comment=").unwrap().to_owned();
        run("Write the comment, or write it anew", &comment);
    };
    round();
    let first = std::fs::read_to_string(runner.join("comment")).unwrap();
    assert!(first.contains("1 task created"), "{first}");
    sandbox.add("Another");
    sandbox.git(&["update-ref", "refs/pull/7/head", "feat"]);
    round();
    let second = std::fs::read_to_string(runner.join("comment")).unwrap();
    assert!(second.contains("2 tasks created"), "{second}");
    assert_eq!(std::fs::read_to_string(runner.join("calls")).unwrap(), "posted\npatched\n");
    assert!(!runner.join("board.git/index").exists(), "nothing was checked out");
    // No expression of the workflow stands inside a script: text of a pull request can't become one.
    for step in [
        "Install orchestrator",
        "Fetch the commits",
        "Show what changed",
        "Check the board",
        "Write the comment, or write it anew",
    ] {
        assert!(!script(workflow, step).contains("${{"), "{step}");
    }
    assert!(!workflow.contains("pull_request_target") && !workflow.contains("uses:"));
}
