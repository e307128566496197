//! Unreadable is not absent: whatever can't be read is named, on every surface that needs it, and what can be read is
//! answered all the same.
//!
//! The file is long because every surface that reads is a row in it.

use std::path::Path;

use crate::support::{Answer, Sandbox};

const LINK: &str = "is a symbolic link; the board holds plain files only";

/// A board with two tasks, an agent, a document in a directory of its own, and a template.
fn board() -> (Sandbox, String, String) {
    let sandbox = Sandbox::board();
    let (bad, good) = (sandbox.add("Bad"), sandbox.add("Good"));
    sandbox.run(&["a", "register", "ada"]).ok();
    sandbox.run(&["kb", "write", "api/errors", "sound words"]).ok();
    sandbox.run(&["kb", "write", "notes", "more words"]).ok();
    std::fs::create_dir(sandbox.root.join(".orchestrator/templates")).unwrap();
    sandbox.write(".orchestrator/templates/brief.md", "OWN {{ task.title }}\n");
    commit(&sandbox);
    (sandbox, bad, good)
}

fn commit(sandbox: &Sandbox) {
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "A slip"]);
}

fn file_of(id: &str) -> String {
    format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2])
}

/// Puts something else in the place of what is at `path`.
fn replace(sandbox: &Sandbox, path: &str, with: impl Fn(&Path)) {
    let path = sandbox.root.join(path);
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(&path).unwrap(),
        Ok(_) => std::fs::remove_file(&path).unwrap(),
        Err(_) => {}
    }
    with(&path);
    commit(sandbox);
}

fn link(path: &Path) {
    std::os::unix::fs::symlink("/etc", path).unwrap();
}

fn plain(path: &Path) {
    std::fs::write(path, "text\n").unwrap();
}

fn directory(path: &Path) {
    std::fs::create_dir(path).unwrap();
    std::fs::write(path.join("inside"), "text\n").unwrap();
}

/// Exit 5, and each place named in a line of its own, and nothing else in an error.
#[track_caller]
fn names(answer: &Answer, places: &[String], words: &[&str]) {
    assert_eq!(answer.code, 5, "{words:?}: {answer:?}");
    let told: Vec<&str> = answer.err.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
    assert_eq!(told, places, "{words:?}: {answer:?}");
    assert!(answer.err.ends_with('\n') && answer.err.contains("\nhint: orchestrator check"), "{answer:?}");
}

/// The same with `--json`: a document on stdout that is one, and one on stderr.
#[track_caller]
fn names_in_json(sandbox: &Sandbox, places: &[String], words: &[&str]) -> serde_json::Value {
    let all: Vec<&str> = std::iter::once("--json").chain(words.iter().copied()).collect();
    let answer = sandbox.run(&all).code(5);
    let error: serde_json::Value =
        serde_json::from_str(&answer.err).unwrap_or_else(|e| panic!("{e}: {answer:?}"));
    assert_eq!(error["error"]["code"], "damaged", "{words:?}");
    let told: Vec<String> = error["error"]["damage"].as_array().unwrap().iter().map(place_of).collect();
    assert_eq!(told, places, "{words:?}");
    answer.json()
}

fn place_of(one: &serde_json::Value) -> String {
    format!(
        "{}:{}:{}: {}",
        one["path"].as_str().unwrap(),
        one["line"],
        one["column"],
        one["why"].as_str().unwrap()
    )
}

/// A task that can't be decoded: every surface that would have read it says so and tells of the other one.
#[test]
fn a_damaged_task_is_named_wherever_tasks_are_read() {
    let (sandbox, bad, good) = board();
    let path = file_of(&bad);
    let sound = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.write(&path, &(sandbox.read(&path) + "x: [\n"));
    commit(&sandbox);
    let lines = sandbox.read(&path).lines().count();
    let places = [format!("{path}:{lines}:4: unclosed bracket '['")];
    let at = ["--at", "HEAD"];
    for words in [
        &["status"][..],
        &["t", "list"],
        &["t", "list", "w"],
        &["t", "list", "w", "--status", "done"],
        &["t", "show", &good],
        &["ws", "list"],
        &["ws", "show", "w"],
        &["plan"],
        &["brief", "w"],
        &["brief", "w", "--task", &good],
        &["collect"],
        &["collect", "--all"],
        &["collect", "--since", "1h"],
    ] {
        let answer = sandbox.run(words);
        names(&answer, &places, words);
        assert!(!answer.out.is_empty(), "{words:?}");
        let document = names_in_json(&sandbox, &places, words);
        assert!(!document.is_null(), "{words:?}");
        let past: Vec<&str> = at.iter().chain(words).copied().collect();
        if words != ["collect"] {
            names_in_json(&sandbox, &places, &past);
        }
    }
    assert_eq!(names_in_json(&sandbox, &places, &["t", "list"])[0]["title"], "Good");
    assert_eq!(names_in_json(&sandbox, &places, &["t", "list"]).as_array().unwrap().len(), 1);
    assert_eq!(names_in_json(&sandbox, &places, &["ws", "list"])[0]["task_count"], 1);
    assert!(sandbox.run(&["plan"]).out.contains(&good));
    // A cycle of which something is unknown does not end.
    assert!(!sandbox.git(&["log", "--format=%s"]).contains("collect cycle"));
    assert!(sandbox.run(&["collect"]).err.contains("the cycle was not ended"));
    // What was sound before is told as it was.
    assert_eq!(sandbox.json(&["--at", sound.trim(), "t", "list"]).as_array().unwrap().len(), 2);
    // Surfaces that need no task are not held up by one.
    for words in [
        &["kb", "list"][..],
        &["kb", "read", "notes"],
        &["kb", "search", "words"],
        &["a", "list"],
        &["l", "list"],
        &["events"],
        &["log", &good],
        &["export", "events"],
    ] {
        assert_eq!(sandbox.run(words).ok().err, "", "{words:?}");
    }
    sandbox.run(&["doctor"]).code(5);
    sandbox.run(&["check"]).code(5);
    for words in [&["t", "show", &bad][..], &["t", "claim", "w", &bad, "ada"]] {
        names(&sandbox.run(words), &places, words);
    }
    // It may wait for what would be undone; a change that nothing can wait for is undone.
    let made = sandbox.json(&["t", "add", "w", "New"])["id"].as_str().unwrap().to_owned();
    names(&sandbox.run(&["undo"]), &places, &["undo"]);
    sandbox.run(&["t", "update", &made, "--title", "Newer"]).ok();
    sandbox.run(&["undo"]).ok();
}

#[test]
fn next_goes_on_and_says_what_it_could_not_consider() {
    let (sandbox, bad, good) = board();
    let waiting = sandbox.json(&["t", "add", "w", "Waiting", "--depends-on", &bad])["id"].clone();
    let path = file_of(&bad);
    sandbox.write(&path, "x: [\n");
    commit(&sandbox);
    let place = format!("{path}:1:4: unclosed bracket '['");
    // Whatever is kept of the board hides nothing: asked twice, named twice.
    sandbox.run(&["t", "add", "w", "Another", "--priority", "9"]).ok();
    for _ in 0..2 {
        let taken = sandbox.run(&["--json", "t", "next", "w", "ada"]).ok();
        assert_ne!(taken.json()["id"], waiting);
        assert!(
            taken.err.contains(&format!("note: not considered, since it can't be read: {place}\n")),
            "{taken:?}"
        );
    }
    let none = sandbox.run(&["t", "next", "w", "ada"]);
    names(&none, std::slice::from_ref(&place), &["next"]);
    assert!(
        none.out.starts_with("No pending tasks in this workstream, of those that can be read.\n1 task waits")
    );
    assert!(names_in_json(&sandbox, std::slice::from_ref(&place), &["t", "next", "w", "ada"]).is_null());
    assert_eq!(
        sandbox.run(&["t", "show", &good]).code(5).out.lines().next().unwrap(),
        format!("{good}  Good")
    );
    // In another workstream too: whose task it is can't be known.
    sandbox.run(&["ws", "create", "v"]).ok();
    names(&sandbox.run(&["t", "next", "v", "ada"]), &[place], &["next", "v"]);
}

#[test]
fn an_export_is_whole_or_says_what_it_leaves_out() {
    let (sandbox, bad, good) = board();
    let path = file_of(&bad);
    sandbox.write(&path, "x: [\n");
    sandbox.write(".orchestrator/knowledge/notes.md", "---\nupdated_by: [\n---\n");
    commit(&sandbox);
    let told = |word: &str| {
        let answer = sandbox.run(&["export", word]);
        (answer.code, answer.out, answer.err)
    };
    let (code, out, err) = told("state");
    assert_eq!((code, out.as_str()), (5, ""));
    assert!(
        err.starts_with(&format!("error: {path}:1:4: ")) && err.contains("export state --skip-damaged"),
        "{err}"
    );
    let refused = sandbox.run(&["export", "all", "../data"]).code(5);
    assert_eq!(refused.err.matches("error: ").count(), 2, "{refused:?}");
    assert!(refused.err.contains("error: .orchestrator/knowledge/notes.md:"), "{refused:?}");
    assert!(!sandbox.home().join("data").exists());
    let left = |answer: &Answer| answer.err.matches("note: left out, since it can't be read: ").count();
    let state = sandbox.run(&["export", "state", "--skip-damaged"]).ok();
    assert_eq!(left(&state), 1);
    let tasks = state.json()["workstreams"]["w"]["tasks"].clone();
    assert_eq!((tasks[0]["id"].as_str(), tasks.as_array().unwrap().len()), (Some(good.as_str()), 1));
    let all = sandbox.run(&["export", "all", "../data", "--skip-damaged"]).ok();
    assert_eq!(left(&all), 2);
    assert!(sandbox.home().join("data/knowledge/api/errors.md").exists());
    assert!(!sandbox.home().join("data/knowledge/notes.md").exists());
    // The events need neither.
    assert_eq!(told("events").0, 0);
    // But nothing is known for certain of a board whose settings can't be read.
    sandbox.write(".orchestrator/config.yaml", "x: [\n");
    commit(&sandbox);
    assert_eq!((told("events").0, told("events").1.as_str()), (5, ""));
    assert_eq!(left(&sandbox.run(&["export", "events", "--skip-damaged"]).ok()), 1);
}

/// Settings that can't be read: readings go on with the defaults and say so, and nothing is written.
#[test]
fn damaged_settings_stop_what_writes_and_nothing_else() {
    let (sandbox, _, good) = board();
    let config = ".orchestrator/config.yaml";
    for (with, why) in [
        ((|path| std::fs::write(path, "x: [\n").unwrap()) as fn(&Path), "1:4: unclosed bracket '['"),
        (
            |path| std::fs::write(path, "format: 1\nboard: a..b\n").unwrap(),
            "2:8: board: `a..b` can't be a branch",
        ),
        (link, "1:1: is a symbolic link; the board holds plain files only"),
        (directory, "1:1: is a directory where a file is expected"),
    ] {
        replace(&sandbox, config, with);
        let places = [format!("{config}:{why}")];
        for words in [
            &["status"][..],
            &["t", "list"],
            &["t", "show", &good],
            &["ws", "list"],
            &["a", "list"],
            &["l", "list"],
            &["kb", "list"],
            &["kb", "read", "notes"],
            &["kb", "search", "words"],
            &["events"],
            &["log", &good],
            &["plan"],
            &["brief", "w"],
            &["collect", "--all"],
        ] {
            let answer = sandbox.run(words);
            names(&answer, &places, words);
            assert!(!answer.out.is_empty(), "{words:?}");
        }
        names_in_json(&sandbox, &places, &["t", "list"]);
        // It is done, whatever the settings are.
        let alive = sandbox.run(&["a", "heartbeat", "ada"]).ok();
        assert!(alive.err.starts_with("note: ") && alive.err.contains(&places[0]), "{alive:?}");
        let head = sandbox.git(&["rev-parse", "HEAD"]);
        for words in [
            &["t", "add", "w", "New"][..],
            &["t", "next", "w", "ada"],
            &["kb", "write", "notes", "new"],
            &["l", "acquire", "deploy", "ada"],
            &["collect"],
            &["undo"],
        ] {
            names(&sandbox.run(words), &places, words);
        }
        assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
        assert_eq!(sandbox.git(&["for-each-ref", "refs/orchestrator/locks"]), "");
        // The hint leads on: it names the line to mend.
        assert!(sandbox.run(&["check"]).code(5).out.contains(config));
        assert!(sandbox.run(&["doctor"]).code(5).out.contains(config));
    }
}

/// Something else where a directory or a file of the board is expected: who needs it names it, who doesn't goes on.
#[test]
fn what_stands_where_a_directory_is_expected_hides_what_is_below() {
    let (sandbox, _, good) = board();
    let shard = format!(".orchestrator/tasks/{}", &good[..2]);
    let sound = sandbox.git(&["rev-parse", "HEAD"]);
    let reads: &[(&str, &[&str])] = &[
        (
            ".orchestrator/tasks",
            &["t list", "t list w", "ws list", "ws show w", "plan", "collect --all", "export state"],
        ),
        (&shard, &["t list", "ws list", "plan", "export state"]),
        (".orchestrator/workstreams", &["ws list", "t list w", "plan", "ws show w", "export state"]),
        (".orchestrator/agents", &["a list", "export state"]),
        (".orchestrator/knowledge", &["kb list", "kb read notes", "kb search words", "plan"]),
        (".orchestrator/knowledge/api", &["kb list", "kb read api/errors", "kb search words"]),
        (".orchestrator/templates", &["plan", "brief w"]),
        (".orchestrator/.gitattributes", &[]),
    ];
    let writes = |path: &str| -> &[&str] {
        match path.trim_start_matches(".orchestrator/") {
            "workstreams" => &["ws create v", "t add w New"],
            "agents" => &["a register bob"],
            "knowledge" => &["kb write notes new", "kb write other new", "kb delete notes"],
            "knowledge/api" => &["kb write api/other new", "kb delete api/errors"],
            "templates" | ".gitattributes" => &[],
            _ => &["t show GOOD", "t claim w GOOD ada", "t update GOOD --title New"],
        }
    };
    for (path, surfaces) in reads {
        for (kind, why) in [(link as fn(&Path), LINK), (plain, "is a file where a directory is expected")] {
            let is_file = path.ends_with("attributes");
            let (kind, why) = match (is_file, why) {
                (true, LINK) | (false, _) => (kind, why),
                (true, _) => (directory as fn(&Path), "is a directory where a file is expected"),
            };
            replace(&sandbox, path, kind);
            if path.ends_with("/api") && why != LINK {
                // A list can't know that a directory was there; who asks for what was below it can.
                let stray = [format!("{path}:1:1: no entry of the board can have this path")];
                names(&sandbox.run(&["kb", "list"]), &stray, &["kb list"]);
                let hidden = [format!("{path}:1:1: {why}")];
                names(&sandbox.run(&["kb", "read", "api/errors"]), &hidden, &["kb read"]);
                names(&sandbox.run(&["kb", "write", "api/other", "new"]), &hidden, &["kb write"]);
                sandbox.git(&["reset", "-q", "--hard", sound.trim()]);
                continue;
            }
            let places = [format!("{path}:1:1: {why}")];
            for line in surfaces.iter().chain(&["status"]) {
                let words: Vec<&str> = line.split(' ').collect();
                names(&sandbox.run(&words), &places, &words);
            }
            let found = sandbox.run(&["doctor"]).code(5);
            assert!(found.out.contains(&places[0]), "{path}: {found:?}");
            let checked = sandbox.run(&["check"]).code(5);
            assert!(
                checked.out.contains(&format!("{path}:1:1: ")) && checked.out.contains(why),
                "{checked:?}"
            );
            for line in writes(path) {
                let line = line.replace("GOOD", &good);
                let words: Vec<&str> = line.split(' ').collect();
                names(&sandbox.run(&words), &places, &words);
            }
            // Elsewhere it goes on.
            let elsewhere: &[&str] = if path.contains("knowledge") {
                &["a", "register", "eve"]
            } else {
                &["kb", "write", "free", kind_word(why)]
            };
            sandbox.run(elsewhere).ok();
            sandbox.git(&["reset", "-q", "--hard", sound.trim()]);
        }
    }
}

fn kind_word(why: &str) -> &str {
    why.split(' ').nth(2).unwrap()
}

#[test]
fn a_board_whose_directory_is_something_else_is_no_missing_board() {
    let (sandbox, ..) = board();
    for (with, why) in [(link as fn(&Path), LINK), (plain, "is a file where a directory is expected")] {
        replace(&sandbox, ".orchestrator", with);
        let places = [format!(".orchestrator:1:1: {why}")];
        for words in [
            &["status"][..],
            &["t", "list"],
            &["t", "add", "w", "New"],
            &["init"],
            &["--at", "HEAD", "t", "list"],
        ] {
            names(&sandbox.run(words), &places, words);
        }
        assert!(sandbox.run(&["doctor"]).code(5).out.contains(&places[0]));
        assert!(sandbox.run(&["check"]).code(5).out.contains(".orchestrator:1:1: "));
    }
}

/// Objects that are not there: a blob, a directory's tree, and a name that stands twice.
#[test]
fn what_is_not_in_the_repository_is_named_by_object_and_path() {
    let (sandbox, bad, good) = board();
    let sound = sandbox.git(&["rev-parse", "HEAD"]);
    let remove = |object: &str| {
        let object = object.trim();
        std::fs::remove_file(sandbox.root.join(".git/objects").join(&object[..2]).join(&object[2..]))
            .unwrap();
        std::fs::remove_dir_all(sandbox.root.join(".git/orchestrator/cache")).unwrap();
    };
    // A submodule, which no file system shows, and a name twice.
    let tree = |line: &str, shard: &str| {
        let shard_tree = made_tree(&sandbox, &format!("HEAD:.orchestrator/tasks/{shard}"), line);
        let entry = format!("040000 tree {shard_tree}\t{shard}\n");
        let tasks = made_tree_with(&sandbox, "HEAD:.orchestrator/tasks", shard, &entry);
        let board =
            made_tree_with(&sandbox, "HEAD:.orchestrator", "tasks", &format!("040000 tree {tasks}\ttasks\n"));
        let root = made_tree_with(
            &sandbox,
            "HEAD",
            ".orchestrator",
            &format!("040000 tree {board}\t.orchestrator\n"),
        );
        let commit = sandbox.git(&["commit-tree", "-p", "HEAD", "-m", "x", root.trim()]);
        sandbox.git(&["update-ref", "HEAD", commit.trim()]);
    };
    let head = sound.trim();
    let shard = &good[..2];
    tree(&format!("160000 commit {head}\t{shard}ffffff.yaml\n"), shard);
    let places = [format!(
        ".orchestrator/tasks/{shard}/{shard}ffffff.yaml:1:1: is a submodule; the board holds plain files only"
    )];
    names(&sandbox.run(&["t", "list"]), &places, &["submodule"]);
    sandbox.git(&["reset", "-q", "--hard", head]);

    let blob = sandbox.git(&["rev-parse", &format!("HEAD:{}", file_of(&bad))]);
    remove(&blob);
    let places = [format!(
        "{}:1:1: blob {} is missing: this repository is damaged (git fsck)",
        file_of(&bad),
        blob.trim()
    )];
    for words in [&["t", "list"][..], &["status"], &["t", "show", &bad], &["export", "state"]] {
        names(&sandbox.run(words), &places, words);
    }
    assert_eq!(names_in_json(&sandbox, &places, &["t", "list"])[0]["title"], "Good");
    let object = sandbox.git(&["rev-parse", "HEAD:.orchestrator/tasks"]);
    remove(&object);
    let places = [format!(
        ".orchestrator/tasks:1:1: tree {} is missing: this repository is damaged (git fsck)",
        object.trim()
    )];
    for words in [&["t", "list"][..], &["status"], &["t", "show", &good], &["t", "add", "w", "New"]] {
        names(&sandbox.run(words), &places, words);
    }
    sandbox.run(&["kb", "read", "notes"]).ok();
}

/// The tree at `revision` with one more entry.
fn made_tree(sandbox: &Sandbox, revision: &str, line: &str) -> String {
    made_tree_with(sandbox, revision, "", line)
}

/// The tree at `revision` with `line` in the place of the entry `name`.
fn made_tree_with(sandbox: &Sandbox, revision: &str, name: &str, line: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let listed = sandbox.git(&["ls-tree", revision]);
    let kept = listed.lines().filter(|entry| name.is_empty() || !entry.ends_with(&format!("\t{name}")));
    let text: String = kept.map(|entry| format!("{entry}\n")).chain([line.to_owned()]).collect();
    let mut command = Command::new("git");
    command.arg("-C").arg(&sandbox.root).args(["mktree", "--missing"]);
    crate::support::hermetic(&mut command, sandbox.home());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A template of the board that can't be used: the built-in one stands in, and that is said.
#[test]
fn a_damaged_template_is_named_and_the_built_in_one_stands_in() {
    let (sandbox, ..) = board();
    assert_eq!(sandbox.json(&["brief", "w"])["brief"], "OWN `Bad`\n");
    let path = ".orchestrator/templates/brief.md";
    for (bytes, place) in [
        (&b"one\n{{ nothing }}\n"[..], format!("{path}:2:1: ")),
        (b"one\ntwo\n\xff\n", format!("{path}:3:1: is not UTF-8")),
    ] {
        std::fs::write(sandbox.root.join(path), bytes).unwrap();
        commit(&sandbox);
        for words in [&["brief", "w"][..], &["plan"]] {
            let answer = sandbox.run(words).code(5);
            assert!(answer.err.starts_with(&format!("error: {place}")), "{answer:?}");
            assert!(answer.out.contains("Bad") && !answer.out.contains("OWN"), "{answer:?}");
        }
    }
    replace(&sandbox, path, link);
    names(&sandbox.run(&["brief", "w"]), &[format!("{path}:1:1: {LINK}")], &["brief"]);
}

/// Documents and agents that can't be decoded, names that nothing of the board can have.
#[test]
fn every_other_entry_is_named_where_it_is_needed() {
    let (sandbox, _, good) = board();
    let sound = sandbox.git(&["rev-parse", "HEAD"]);
    for (path, text, surfaces) in [
        (
            "knowledge/notes.md",
            "---\nupdated_by: [\n---\n",
            &["kb list", "kb search words", "plan", "brief w", "t show GOOD"][..],
        ),
        ("knowledge/caf.txt", "x", &["kb list", "kb search words", "plan"]),
        ("agents/ada.yaml", "x: [\n", &["a list", "export state"]),
        ("agents/a b.yaml", "x: 1\n", &["a list", "export state"]),
        (
            "workstreams/w.yaml",
            "x: [\n",
            &["ws list", "t list w", "plan", "export state", "ws show w", "t next w ada"],
        ),
        ("workstreams/W .yaml", "x: 1\n", &["ws list", "plan", "export state"]),
        ("tasks/readme", "x", &["t list", "ws list", "plan", "export state"]),
        ("tasks/00/notes.txt", "x", &["t list", "ws list", "plan", "export state"]),
    ] {
        let whole = format!(".orchestrator/{path}");
        std::fs::create_dir_all(sandbox.root.join(&whole).parent().unwrap()).unwrap();
        sandbox.write(&whole, text);
        commit(&sandbox);
        for line in surfaces.iter().chain(&["status", "doctor"]) {
            let line = line.replace("GOOD", &good);
            let answer = sandbox.run(&line.split(' ').collect::<Vec<_>>()).code(5);
            assert!(
                answer.err.contains(&format!("error: {whole}:")) || answer.out.contains(&whole),
                "{line}: {answer:?}"
            );
        }
        sandbox.git(&["reset", "-q", "--hard", sound.trim()]);
    }
    // A topic whose text can't be read is listed by its name.
    sandbox.write(".orchestrator/knowledge/notes.md", "---\nupdated_by: [\n---\n");
    commit(&sandbox);
    assert_eq!(sandbox.run(&["kb", "list"]).code(5).out, "api/errors\nnotes\n");
    sandbox.run(&["kb", "delete", "notes"]).ok();
    // What it was called before it was hidden may be what is meant now.
    replace(&sandbox, ".orchestrator/knowledge", plain);
    sandbox.run(&["log", "no-such-thing"]).code(5);
}

/// Whether an agent was seen: what can't be read is no silence, so no claim is taken for it.
#[test]
fn a_presence_that_can_not_be_read_is_no_silence() {
    let sandbox = Sandbox::board();
    sandbox.write(".orchestrator/config.yaml", "format: 1\nclaims:\n  stale_after: 1s\n  expire: true\n");
    commit(&sandbox);
    let id = sandbox.add("Held");
    sandbox.run(&["t", "claim", "w", &id, "ada"]).ok();
    let presence = sandbox.root.join(".git/orchestrator/presence/ada");
    std::fs::remove_file(&presence).unwrap();
    std::fs::create_dir(&presence).unwrap();
    let place = format!("{}:1:1: whether `ada` was seen can't be read", presence.display());
    let later = sandbox.run(&["status"]).code(5);
    assert!(later.err.contains(&place), "{later:?}");
    let taken = sandbox.run(&["t", "claim", &id, "--agent", "eve", "--take-over"]).code(5);
    assert!(taken.err.contains(&place), "{taken:?}");
    let next = sandbox.run(&["t", "next", "w", "eve"]).code(5);
    assert!(next.err.contains(&place), "{next:?}");
}

/// In a batch nothing is done, since its answer would be without something.
#[test]
fn a_batch_that_lists_what_can_not_be_read_does_nothing() {
    let (sandbox, bad, _) = board();
    sandbox.write(&file_of(&bad), "x: [\n");
    commit(&sandbox);
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    let requests = sandbox.home().join("requests");
    std::fs::write(&requests, "[\"t\",\"add\",\"w\",\"New\"]\n[\"t\",\"list\",\"w\"]\n").unwrap();
    let mut command = sandbox.command(&sandbox.root, &["batch"]);
    let output = command.stdin(std::fs::File::open(&requests).unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("error: line 2: ") && told.contains(&file_of(&bad)), "{told}");
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), head);
}
