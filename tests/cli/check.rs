//! `check`: each thing that can be wrong with a board is named at its place, in every format, wherever the board is.

use super::support::Sandbox;

const STAMP: &str = "2026-02-06T07:36:59.474Z";

fn task(id: &str, rest: &str) -> String {
    format!("id: {id}\nworkstream: w\ntitle: T\nstatus: pending\n{rest}created_at: {STAMP}\ncreated_by: a\n")
}

/// Writes a file wherever it is to be.
fn put(sandbox: &Sandbox, path: &str, text: &str) {
    let path = format!(".orchestrator/{path}");
    std::fs::create_dir_all(sandbox.root.join(&path).parent().unwrap()).unwrap();
    sandbox.write(&path, text);
}

fn commit(sandbox: &Sandbox) {
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "-m", "By hand"]);
}

#[test]
fn a_sound_board_passes() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["kb", "write", "git", "Heading\n=======\n\n```\n<<<<<<< a\n=======\n>>>>>>> b\n```"]).ok();
    let answer = sandbox.run(&["check"]).ok();
    assert!(
        answer.out.contains(": warning: conflict: ") && answer.out.ends_with(": 0 errors, 1 warning\n"),
        "{answer:?}"
    );
    sandbox.run(&["kb", "delete", "git"]).ok();
    let answer = sandbox.run(&["check", "HEAD~1"]).ok();
    assert!(answer.out.ends_with(": 0 errors, 1 warning\n"), "{answer:?}");
    assert!(sandbox.run(&["check", "HEAD~6..HEAD"]).ok().out.ends_with(": nothing is wrong\n"));
    Sandbox::new().run(&["check"]).code(4);
}

#[test]
fn a_circle_is_found_behind_a_task_that_is_not_in_it() {
    let sandbox = Sandbox::board();
    for (id, waits_for) in [("00000001", "00000002"), ("00000002", "00000003"), ("00000003", "00000002")] {
        put(&sandbox, &format!("tasks/00/{id}.yaml"), &task(id, &format!("depends_on: [{waits_for}]\n")));
    }
    commit(&sandbox);
    let answer = sandbox.run(&["check"]).code(5);
    assert!(answer.out.contains("00000003.yaml:"), "{answer:?}");
    assert!(answer.out.contains("00000002 → 00000003 → 00000002"), "{answer:?}");
    assert!(answer.out.ends_with(": 1 error, 0 warnings\n"), "{answer:?}");
}

#[test]
fn every_kind_of_flaw_is_named_at_its_place() {
    let sandbox = Sandbox::board();
    put(&sandbox, "tasks/00/00000001.yaml", &task("00000002", ""));
    put(&sandbox, "tasks/00/00000003.yaml", &task("00000003", "priority: high\n"));
    put(&sandbox, "tasks/00/00000004.yaml", &task("00000004", "depends_on: [00000005, 0000000f]\n"));
    put(&sandbox, "tasks/00/00000005.yaml", &task("00000005", "depends_on:\n  - 00000004\n"));
    put(&sandbox, "tasks/00/00000006.yaml", &task("00000006", "depends_on: [00000006]\n"));
    put(&sandbox, "tasks/00/00000007.yaml", &task("00000007", "").replace("workstream: w", "workstream: x"));
    put(
        &sandbox,
        "tasks/00/00000008.yaml",
        &task("00000008", "<<<<<<< HEAD\npriority: 1\n=======\npriority: 2\n>>>>>>> feat\n"),
    );
    put(&sandbox, "tasks/11/00000009.yaml", &task("00000009", ""));
    put(&sandbox, "knowledge/Api.md", "x\n");
    put(&sandbox, "knowledge/api.md", "a\n<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> feat\n");
    put(&sandbox, "surprise/file", "x\n");
    put(&sandbox, "workstreams/bad name.yaml", "name: bad name\n");
    std::os::unix::fs::symlink("/etc/passwd", sandbox.root.join(".orchestrator/knowledge/link.md")).unwrap();
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["update-index", "--chmod=+x", ".orchestrator/workstreams/w.yaml"]);
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    let module = format!("160000,{},.orchestrator/agents/sub.yaml", head.trim());
    sandbox.git(&["update-index", "--add", "--cacheinfo", &module]);
    sandbox.git(&["commit", "-q", "-m", "By hand"]);

    let answer = sandbox.run(&["check"]).code(5);
    let found: Vec<&str> =
        answer.out.lines().filter_map(|line| line.strip_prefix(".orchestrator/")).collect();
    let wanted = [
        "agents/sub.yaml:1:1: submodule: ",
        "knowledge/api.md:1:1: case_twins: differs from `.orchestrator/knowledge/Api.md`",
        "knowledge/api.md:2:1: conflict: ",
        "knowledge/link.md:1:1: link: ",
        "surprise/file:1:1: warning: unknown_file: ",
        "tasks/00/00000001.yaml:1:5: damaged: id: is not the name of its file",
        "tasks/00/00000003.yaml:5:11: damaged: priority: expected a whole number",
        "tasks/00/00000004.yaml:5:24: unknown_task: there is no task `0000000f`",
        "tasks/00/00000005.yaml:6:5: cycle: tasks wait for each other: 00000004 → 00000005 → 00000004",
        "tasks/00/00000006.yaml:5:14: cycle: tasks wait for each other: 00000006 → 00000006",
        "tasks/00/00000007.yaml:2:13: unknown_workstream: there is no workstream `x`",
        "tasks/00/00000008.yaml:5:1: conflict: a merge conflict is not resolved",
        "tasks/11/00000009.yaml:1:1: stray: ",
        "workstreams/bad name.yaml:1:1: stray: ",
        "workstreams/w.yaml:1:1: warning: executable: ",
    ];
    assert_eq!(found.len(), wanted.len(), "{}", answer.out);
    for (found, wanted) in std::iter::zip(found, wanted) {
        assert!(found.starts_with(wanted), "{found}\n{wanted}");
    }
    assert!(answer.out.ends_with(": 13 errors, 2 warnings\n"), "{answer:?}");

    let document = sandbox.run(&["--json", "check"]).code(5).json();
    assert_eq!((&document["errors"], &document["warnings"]), (&13.into(), &2.into()));
    assert_eq!(sandbox.run(&["check", "--format", "json"]).code(5).json(), document);
    let sarif = sandbox.run(&["check", "--format", "sarif"]).code(5).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!((&sarif["version"], results.len()), (&"2.1.0".into(), 15));
    let uri = |result: &serde_json::Value| {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap().to_owned()
    };
    assert!(results.iter().any(|one| uri(one) == ".orchestrator/workstreams/bad%20name.yaml"));
    assert!(results.iter().all(|one| sarif["runs"][0]["tool"]["driver"]["rules"]
        [one["ruleIndex"].as_u64().unwrap() as usize]["id"]
        == one["ruleId"]));

    // The same in a bare clone, from which nothing is checked out.
    let bare = sandbox.home().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    assert_eq!(
        sandbox.run_in(&bare, &["--json", "check", "main"]).code(5).json()["flaws"],
        document["flaws"]
    );
}

#[test]
fn a_file_s_name_is_no_command_of_a_workflow() {
    let sandbox = Sandbox::board();
    put(&sandbox, "tasks/a,b:c%\n::error::forged.yaml", "x\n");
    commit(&sandbox);
    let answer = sandbox.run(&["check", "--format", "github"]).code(5);
    assert_eq!(
        answer.out,
        "::error file=.orchestrator/tasks/a%2Cb%3Ac%25\\n%3A%3Aerror%3A%3Aforged.yaml,line=1,col=1,title=orchestrator%3A stray::no entry of the board can have this path\n"
    );
    assert_eq!(sandbox.run(&["check"]).code(5).out.lines().count(), 2);
}

#[test]
fn settings_that_are_gone_or_damaged_or_of_later_are_told() {
    let sandbox = Sandbox::board();
    put(&sandbox, "config.yaml", "format: 2\n");
    commit(&sandbox);
    let later = sandbox.run(&["check"]).ok();
    assert!(later.out.contains("config.yaml:1:1: warning: format: the format is 2"), "{later:?}");
    put(&sandbox, "config.yaml", "format: x\n");
    commit(&sandbox);
    let damaged = sandbox.run(&["check"]).code(5);
    assert!(damaged.out.contains("config.yaml:1:9: damaged: format: "), "{damaged:?}");
    sandbox.git(&["rm", "-q", ".orchestrator/config.yaml"]);
    sandbox.git(&["commit", "-q", "-m", "Remove"]);
    let gone = sandbox.run(&["check", "HEAD"]).code(5);
    assert!(gone.out.contains("config.yaml:1:1: settings: is not there"), "{gone:?}");
    sandbox.git(&["rm", "-q", "-r", ".orchestrator"]);
    sandbox.git(&["commit", "-q", "-m", "Remove"]);
    sandbox.run(&["check", "HEAD"]).code(4);
    sandbox.run(&["check", "HEAD~1..HEAD"]).code(5);
}

#[test]
fn a_range_shows_what_was_not_legal() {
    let sandbox = Sandbox::board();
    let (one, two) = (sandbox.add("One"), sandbox.add("Two"));
    sandbox.run(&["t", "claim", "w", &one, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &one, "done"]).ok();
    sandbox.run(&["t", "claim", "w", &two, "agent-1"]).ok();
    let base = sandbox.git(&["rev-parse", "HEAD"]);
    let file = |id: &str| format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2]);
    let edit = |id: &str, old: &str, new: &str| {
        let text = sandbox.read(&file(id));
        assert!(text.contains(old), "{text}");
        sandbox.write(&file(id), &text.replace(old, new));
    };
    // A way that is legal: reopened, then claimed.
    sandbox.run(&["t", "reopen", &one]).ok();
    sandbox.run(&["t", "claim", "w", &one, "agent-2"]).ok();
    let legal = sandbox.run(&["check", &format!("{}..", base.trim())]).ok();
    assert!(legal.out.ends_with(": nothing is wrong\n"), "{legal:?}");
    sandbox.git(&["reset", "-q", "--hard", base.trim()]);
    edit(&one, "status: done", "status: in_progress");
    edit(&two, "assigned_to: agent-1", "assigned_to: agent-2");
    commit(&sandbox);
    let answer = sandbox.run(&["check", &format!("{}..", base.trim())]).code(5);
    for part in [
        format!("{}:4:9: transition: it went from done to in_progress", file(&one)),
        format!("{}:5:14: claim: it went from `agent-1` to `agent-2` without a new claim", file(&two)),
    ] {
        assert!(answer.out.contains(&part), "{part}\n{}", answer.out);
    }
    assert_eq!(sandbox.run(&["check"]).code, 0, "each file is sound by itself");
}

#[test]
fn a_merge_commit_is_checked_as_it_is() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("One");
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.run(&["t", "complete", "w", &id, "x"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.add("Two");
    sandbox.git(&["merge", "-q", "--no-ff", "--no-edit", "feat"]);
    for range in ["HEAD", "HEAD~1..HEAD", "HEAD^2..HEAD", "feat...main"] {
        assert!(sandbox.run(&["check", range]).ok().out.ends_with(": nothing is wrong\n"), "{range}");
    }
}
