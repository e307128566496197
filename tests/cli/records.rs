//! Records, refs and objects that can't be read: named, and never taken for what is not there.

use std::fs;
use std::path::PathBuf;

use crate::support::Sandbox;

fn object(sandbox: &Sandbox, id: &str) -> PathBuf {
    sandbox.root.join(".git/objects").join(&id[..2]).join(&id[2..])
}

/// A board with two tasks, the first of them claimed by ada.
fn board() -> (Sandbox, String, String) {
    let sandbox = Sandbox::board();
    let (one, two) = (sandbox.add("One"), sandbox.add("Two"));
    sandbox.run(&["t", "claim", "w", &one, "ada"]).ok();
    (sandbox, one, two)
}

/// Runs the command of each of these findings, as `doctor` prints it; how many there were. None of them is found again.
#[track_caller]
fn follow(sandbox: &Sandbox, codes: &[&str]) -> usize {
    let is_one = |one: &&serde_json::Value| codes.contains(&one["code"].as_str().unwrap());
    let found = sandbox.run(&["--json", "doctor"]).json();
    let ours: Vec<_> = found.as_array().unwrap().iter().filter(is_one).collect();
    for one in &ours {
        sandbox.follow(one["fix"].as_str().unwrap());
    }
    let after = sandbox.run(&["--json", "doctor"]).json();
    assert_eq!(after.as_array().unwrap().iter().filter(is_one).count(), 0, "{found}\n{after}");
    ours.len()
}

/// What happened to a ref, and how.
type Damage = (&'static str, Box<dyn Fn()>);

/// What can become of the ref of a record.
fn damages(sandbox: &Sandbox, name: &str) -> Vec<Damage> {
    let path = sandbox.root.join(".git").join(name);
    let (root, full) = (sandbox.root.clone(), name.to_owned());
    let blob = sandbox.git(&["hash-object", "-w", "--stdin"]);
    let tree = sandbox.git(&["rev-parse", "HEAD^{tree}"]);
    let to = move |text: String| {
        let path = path.clone();
        Box::new(move || {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let _gone = fs::remove_file(&path);
            fs::write(&path, &text).unwrap();
        }) as Box<dyn Fn()>
    };
    let remove = Box::new(move || {
        let id = fs::read_to_string(root.join(".git").join(&full)).unwrap();
        fs::remove_file(root.join(".git/objects").join(&id[..2]).join(id[2..].trim())).unwrap();
    });
    vec![
        ("its commit is missing", remove),
        ("a blob", to(blob)),
        ("a tree", to(tree)),
        ("garbage", to("no object\n".to_owned())),
        ("a symbolic ref", to("ref: refs/heads/main\n".to_owned())),
        ("no such object", to(format!("{}\n", "1".repeat(40)))),
        ("no record", to(sandbox.git(&["rev-parse", "HEAD"]))),
    ]
}

#[test]
fn a_lock_that_can_not_be_read_is_shown_and_its_epoch_never_starts_again() {
    let (sandbox, ..) = board();
    let mut last = 0;
    for at in 0..7 {
        sandbox.run(&["l", "acquire", "src/a", "ada"]).ok();
        let name = "refs/orchestrator/locks/src%2Fa";
        let (what, damage) = damages(&sandbox, name).remove(at);
        damage();
        let denied = sandbox.run(&["l", "acquire", "src/a", "ada"]).code(1);
        assert!(denied.out.contains("somebody unknown"), "{what}: {denied:?}");
        let list = sandbox.run(&["--json", "l", "list"]).ok().json();
        assert_eq!(
            (&list[0]["resource"], &list[0]["standing"]),
            (&"src/a".into(), &"unreadable".into()),
            "{what}"
        );
        assert!(sandbox.run(&["status"]).out.contains("src/a"), "{what}");
        let doctor = sandbox.run(&["doctor"]).code(1);
        assert!(doctor.out.contains(name) && doctor.out.contains(" src/a system"), "{what}: {doctor:?}");
        let verify = sandbox.run(&["verify"]).code(5);
        assert!(verify.out.contains(name), "{what}: {verify:?}");
        // Elsewhere it would be free: who takes the board there is told.
        let export = sandbox.run(&["export", "state"]).code(5);
        assert!(
            export.out.is_empty()
                && export.err.contains("lock src/a:")
                && export.err.contains("hint: orchestrator doctor"),
            "{what}: {export:?}"
        );
        let export = sandbox.run(&["export", "state", "--skip-damaged"]).ok();
        assert!(
            export.err.contains("note: left out, since it can't be read: lock src/a:"),
            "{what}: {export:?}"
        );
        // Whatever is known of it, and whoever says that it was 0.
        let broken = ["l", "release", "src/a", "bob", "--force", "--epoch", "0", "--reason", "lost"];
        sandbox.run(&broken).ok();
        // What was done about it is no error for ever, unless the record was led to what is none of ours.
        let verify = sandbox.run(&["verify"]).code(if what == "no record" { 5 } else { 0 });
        let told = "the lock was broken there, since its record could not be read";
        assert_eq!(verify.out.contains(told), what != "no record", "{what}: {verify:?}");
        let taken = sandbox.run(&["--json", "l", "acquire", "src/a", "bob"]).ok().json();
        let epoch = taken["fencing_token"].as_u64().unwrap();
        assert!(epoch > last && epoch > 1_000_000, "{what}: {epoch} after {last}");
        last = epoch;
        sandbox.run(&["l", "release", "src/a", "bob"]).ok();
        assert_eq!(sandbox.run(&["l", "list"]).ok().out, "No locks.\n", "{what}");
    }
    // Nothing leads to what is not there.
    sandbox.git(&["gc", "-q"]);
}

#[test]
fn an_unreadable_archive_is_named_and_the_rest_goes_on() {
    let (sandbox, one, two) = board();
    let archive = sandbox.root.join(".git/refs/orchestrator/archive");
    for text in [
        "1".repeat(40),
        sandbox.git(&["hash-object", "-w", "--stdin"]),
        "no object".into(),
        "ref: refs/heads/main".into(),
    ] {
        fs::write(&archive, format!("{}\n", text.trim())).unwrap();
        let status = sandbox.run(&["status"]).code(5);
        assert!(status.out.contains("refs/orchestrator/archive") && status.out.contains("ada"), "{status:?}");
        let list = sandbox.run(&["t", "list"]);
        assert!(list.out.contains(&one) && list.out.contains(&two), "{text}: {list:?}");
        assert!(list.code == 5 && list.err.contains("hint: orchestrator doctor"), "{text}: {list:?}");
        // There is something pending, and nobody knows whether it is free.
        let next = sandbox.run(&["t", "next", "w", "bob"]).code(5);
        assert!(
            next.out == "No pending tasks in this workstream, of those that can be read.\n"
                && next.err.matches("refs/orchestrator/archive:1:1: ").count() == 1,
            "{text}: {next:?}"
        );
        let doctor = sandbox.run(&["doctor"]).code(1);
        assert!(doctor.out.contains("refs/orchestrator/archive"), "{doctor:?}");
        let verify = sandbox.run(&["verify"]).code(5);
        assert!(verify.out.contains("refs/orchestrator/archive"), "{verify:?}");
        // What the archive says of a task, nobody knows; what has a record of its own is as it was.
        let refused = sandbox.run(&["t", "claim", "w", &two, "bob"]).code(1);
        assert!(refused.err.contains("refs/orchestrator/archive"), "{refused:?}");
        sandbox.run(&["t", "claim", "w", &one, "ada"]).ok();
    }
    // The way out that is told leads on, and nothing that may have been given out is given out again.
    assert_eq!(follow(&sandbox, &["archive"]), 1);
    assert_eq!(sandbox.run(&["doctor"]).ok().out, "Nothing is wrong.\n");
    sandbox.run(&["doctor", "--new-archive"]).code(1);
    let taken = sandbox.json(&["t", "claim", "w", &two, "bob"]);
    assert!(taken["epoch"].as_u64().unwrap() > 1_000_000, "{taken}");
    let list = sandbox.json(&["t", "list", "w"]);
    assert!(list.as_array().unwrap().iter().all(|task| task["status"] == "in_progress"), "{list}");
    sandbox.run(&["verify"]).ok();
    sandbox.git(&["fsck", "--strict"]);
}

#[test]
fn a_claim_that_can_not_be_read_holds_its_task() {
    for at in 0..7 {
        let (sandbox, one, two) = board();
        let name = format!("refs/orchestrator/claims/{one}");
        let (what, damage) = damages(&sandbox, &name).remove(at);
        damage();
        let refused = sandbox.run(&["t", "claim", "w", &one, "bob"]).code(1);
        assert!(refused.err.contains("can't be read"), "{what}: {refused:?}");
        assert!(refused.err.contains("hint: orchestrator doctor\n"), "{what}: {refused:?}");
        let verify = sandbox.run(&["verify"]).code(5);
        assert!(verify.out.contains(&name), "{what}: {verify:?}");
        for words in [
            &["t", "list"][..],
            &["t", "show", &one],
            &["ws", "list"],
            &["ws", "show", "w"],
            &["status"],
            &["plan"],
            &["brief", "w"],
            &["collect", "--all"],
            &["export", "state"],
        ] {
            let told = sandbox.run(words).code(5).err;
            assert!(
                told.contains(&format!("{name}:1:1: ")) && told.contains("hint: orchestrator doctor"),
                "{what}: {words:?}: {told}"
            );
        }
        let next = sandbox.run(&["--json", "t", "next", "w", "bob"]).ok();
        assert_eq!(next.json()["id"], two.as_str(), "{what}");
        assert!(next.err.contains(&format!("not considered, since it can't be read: {name}")), "{next:?}");
        // What can be read is not broken, and what can't is not released in any other way.
        let force =
            |id: &str| sandbox.run(&["t", "release", id, "--force", "--epoch", "0", "--reason", "lost"]);
        assert!(force(&two).code(1).err.contains("can be read"), "{what}");
        sandbox.run(&["t", "release", &one, "--agent", "ada"]).code(1);
        sandbox.run(&["t", "release", &one, "--force"]).code(2);
        assert_eq!(follow(&sandbox, &["claim_record"]), 1, "{what}");
        let taken = sandbox.json(&["t", "claim", "w", &one, "bob"]);
        assert!(taken["epoch"].as_u64().unwrap() > 1_000_000, "{what}: {taken}");
        let verify = sandbox.run(&["verify"]);
        // The chain of a record that is none may go on behind it.
        assert!(verify.code == 0 || at == 6 && verify.out.contains(&name), "{what}: {verify:?}");
        sandbox.git(&["fsck", "--strict"]);
    }
}

/// Who holds what can't be known then, and an export that is silent about it would give it to everybody.
#[test]
fn an_export_without_a_lock_or_a_claim_says_so() {
    let (sandbox, one, two) = board();
    sandbox.run(&["l", "acquire", "src/a", "ada"]).ok();
    for (name, told) in [
        (format!("refs/orchestrator/claims/{one}"), format!("refs/orchestrator/claims/{one}")),
        ("refs/orchestrator/locks/src%2Fa".to_owned(), "lock src/a".to_owned()),
    ] {
        let before = sandbox.git(&["rev-parse", &name]);
        sandbox.git(&["update-ref", &name, "HEAD"]);
        for words in [&["export", "state"][..], &["export", "all", "../data"]] {
            let refused = sandbox.run(words).code(5);
            assert!(refused.err.contains(&told) && refused.err.contains("--skip-damaged"), "{refused:?}");
            assert_eq!(refused.out, "");
        }
        let skipped = sandbox.run(&["export", "state", "--skip-damaged"]).ok();
        assert!(
            skipped.err.contains(&format!("note: left out, since it can't be read: {told}")),
            "{skipped:?}"
        );
        assert_eq!(skipped.json()["workstreams"]["w"]["tasks"].as_array().unwrap().len(), 2);
        sandbox.git(&["update-ref", &name, before.trim()]);
    }
    assert!(sandbox.run(&["export", "state"]).ok().out.contains(&two));
}

/// Whatever the file says of a task whose record is lost, the record is whole again, and the file says the same.
#[test]
fn a_claim_is_broken_whatever_its_task_is() {
    let sandbox = Sandbox::board();
    let ids: Vec<String> = (0..5).map(|n| sandbox.add(&format!("Task {n}"))).collect();
    let run = |words: &[&str]| sandbox.run(words).ok();
    for id in &ids {
        run(&["t", "claim", "w", id, "ada"]);
    }
    run(&["t", "release", &ids[1], "--agent", "ada"]);
    run(&["t", "block", &ids[2], "--reason", "no key", "--agent", "ada"]);
    run(&["t", "complete", &ids[3], "--result", "it works", "--agent", "ada"]);
    run(&["t", "cancel", &ids[4], "--reason", "no need", "--agent", "ada"]);
    let told = |id: &str| {
        let task = sandbox.json(&["t", "show", id]);
        (task["status"].clone(), task["assigned_to"].clone(), task["result"].clone(), task["reason"].clone())
    };
    let before: Vec<_> = ids.iter().map(|id| told(id)).collect();
    for id in &ids {
        let name = format!("refs/orchestrator/claims/{id}");
        let commit = sandbox.git(&["rev-parse", &name]);
        fs::remove_file(object(&sandbox, commit.trim())).unwrap();
    }
    let doctor = sandbox.run(&["doctor"]).code(1);
    assert_eq!(doctor.out.matches("claim_record").count(), 5, "{doctor:?}");
    assert_eq!(follow(&sandbox, &["claim_record"]), 5);
    assert_eq!(sandbox.run(&["doctor"]).ok().out, "Nothing is wrong.\n");
    assert_eq!(sandbox.run(&["verify"]).ok().out.matches("error").count(), 0);
    let mut after: Vec<_> = ids.iter().map(|id| told(id)).collect();
    assert_eq!((after[0].0.clone(), after[0].1.clone()), ("pending".into(), serde_json::Value::Null));
    assert_eq!((after[2].0.clone(), after[2].1.clone()), ("blocked".into(), serde_json::Value::Null));
    for at in [0, 2] {
        after[at] = before[at].clone();
    }
    assert_eq!(after, before);
    // The log says who broke them, and why.
    let log = sandbox.git(&["log", "--format=%s", "-5"]);
    assert_eq!(log.matches("break claim").count(), 5, "{log}");
    assert!(sandbox.run(&["log", &ids[0]]).ok().out.contains("unreadable"));
    // What was known of it before is told: the reflog names it.
    sandbox.git(&["config", "core.logAllRefUpdates", "always"]);
    run(&["t", "claim", "w", &ids[0], "eve"]);
    run(&["t", "release", &ids[0], "--agent", "eve"]);
    let commit = sandbox.git(&["rev-parse", &format!("refs/orchestrator/claims/{}", ids[0])]);
    fs::remove_file(object(&sandbox, commit.trim())).unwrap();
    let doctor = sandbox.run(&["doctor"]).code(1);
    assert!(doctor.out.contains("by the last record that can be read, eve had it (epoch 1"), "{doctor:?}");
}

#[test]
fn refs_that_stand_in_the_way_are_named_wherever_a_ref_is_made() {
    let (sandbox, _, two) = board();
    let claim: &[&str] = &["t", "claim", "w", &two, "bob"];
    let lock: &[&str] = &["l", "acquire", "deploy", "bob"];
    let claim_below = format!("refs/orchestrator/claims/{two}/x");
    sandbox.git(&["config", "core.logAllRefUpdates", "false"]);
    for (name, words) in [
        (claim_below.as_str(), claim),
        ("refs/orchestrator/locks", lock),
        ("refs/orchestrator/locks/deploy/x", lock),
        ("refs/heads/b/c", &["init", "--board", "b"]),
        ("refs/heads/d", &["init", "--board", "d/e"]),
    ] {
        for state in ["loose", "packed", "garbage"] {
            let path = sandbox.root.join(".git").join(name);
            match state {
                "garbage" => {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    // Git leaves directories behind.
                    let _none = fs::remove_dir_all(&path);
                    fs::write(&path, "no object\n").unwrap();
                }
                _ => drop(sandbox.git(&["update-ref", name, "HEAD"])),
            }
            if state == "packed" {
                sandbox.git(&["pack-refs", "--all"]);
            }
            let before = sandbox.git(&["rev-parse", "HEAD"]);
            let refused = sandbox.run(words).code(4);
            assert!(refused.err.contains(&format!("while there is `{name}`")), "{state}: {refused:?}");
            assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
            if name.starts_with("refs/orchestrator/") {
                let told = sandbox.run(&["doctor"]).code(1);
                assert!(told.out.contains(&format!("ref: {name}:")), "{state}: {told:?}");
            }
            assert!(!sandbox.run(&["doctor"]).out.contains("journal"));
            if state == "garbage" {
                fs::remove_file(&path).unwrap();
            } else {
                sandbox.git(&["update-ref", "-d", name]);
            }
        }
    }
    sandbox.run(claim).ok();
    sandbox.run(lock).ok();
    sandbox.is_clean();
}

#[test]
fn damaged_objects_are_named_with_exit_5_and_git_fsck() {
    let (sandbox, one, two) = board();
    let cache = sandbox.root.join(".git/orchestrator/cache");
    let place = |what: &str| object(&sandbox, sandbox.git(&["rev-parse", what]).trim());
    let damage = |path: &PathBuf, bytes: Option<&[u8]>| {
        fs::remove_file(path).unwrap();
        if let Some(bytes) = bytes {
            fs::write(path, bytes).unwrap();
        }
        let _none = fs::remove_dir_all(&cache);
    };
    // A tree that everything lies in: nothing can be told, and where it lies is.
    for bytes in [None, Some(&b""[..]), Some(&b"x\x01garbage"[..])] {
        let tasks = place("HEAD:.orchestrator/tasks");
        let whole = fs::read(&tasks).unwrap();
        damage(&tasks, bytes);
        let refused = sandbox.run(&["t", "list"]).code(5);
        assert!(
            refused.err.starts_with("error: .orchestrator/tasks:1:1: tree ")
                && refused.err.contains("(git fsck)"),
            "{refused:?}"
        );
        // git can't show what it has lost.
        let doctor = sandbox.run(&["doctor"]).code(5).out;
        assert!(doctor.contains("to do: git fsck") && !doctor.contains("git log"), "{doctor}");
        damage_mended(&tasks, &whole);
    }
    // A commit of the past: the log ends there, and does not pretend to have begun.
    let past = place("HEAD~1");
    let whole = fs::read(&past).unwrap();
    damage(&past, None);
    for words in [&["events"][..], &["verify"], &["--at", "HEAD~1", "t", "list"], &["undo"]] {
        let refused = sandbox.run(words).code(5);
        assert!(refused.err.contains("hint: git fsck"), "{words:?}: {refused:?}");
    }
    let doctor = sandbox.run(&["doctor"]).code(1).out;
    assert!(
        doctor.contains("log: the history of the board: commit ") && doctor.contains("git fsck"),
        "{doctor}"
    );
    damage_mended(&past, &whole);
    // One file: it is damaged, and the others are there.
    let file = place(&format!("HEAD:.orchestrator/tasks/{}/{one}.yaml", &one[..2]));
    for bytes in [None, Some(&b""[..]), Some(&b"x\x01garbage"[..])] {
        let whole = fs::read(&file).unwrap();
        damage(&file, bytes);
        let status = sandbox.run(&["status"]).code(5);
        assert!(status.out.contains(&format!("{one}.yaml:1:1: blob ")), "{status:?}");
        assert!(status.err.contains("(git fsck)"), "{status:?}");
        assert!(sandbox.run(&["t", "list"]).out.contains(&two));
        damage_mended(&file, &whole);
    }
    assert!(sandbox.run(&["t", "list"]).ok().out.contains(&one));
}

fn damage_mended(path: &PathBuf, whole: &[u8]) {
    let _gone = fs::remove_file(path);
    fs::write(path, whole).unwrap();
}

#[test]
fn a_finish_on_a_branch_that_can_not_be_read_is_not_given_out_again() {
    let (sandbox, _, two) = board();
    sandbox.git(&["switch", "-q", "-c", "feature"]);
    sandbox.run(&["t", "claim", "w", &two, "bob"]).ok();
    sandbox.run(&["t", "complete", &two, "--agent", "bob"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    let branch = sandbox.root.join(".git/refs/heads/feature");
    let tip = fs::read_to_string(&branch).unwrap();
    fs::write(&branch, "garbage\n").unwrap();
    let shown = sandbox.run(&["--json", "t", "show", &two]).ok().json();
    assert_eq!(shown["status"], "done");
    sandbox.run(&["t", "claim", "w", &two, "eve"]).code(1);
    // Where every branch can be read and none has it, it is free.
    fs::write(&branch, tip).unwrap();
    sandbox.git(&["branch", "-q", "-D", "feature"]);
    sandbox.run(&["t", "claim", "w", &two, "eve"]).ok();
}

#[test]
fn status_names_a_claim_whose_commit_has_left_its_branch() {
    let (sandbox, one, _) = board();
    let commit = sandbox.git(&["rev-parse", "HEAD"]);
    assert!(!sandbox.run(&["status"]).ok().out.contains("git branch"));
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let status = sandbox.run(&["status"]).ok();
    let way = format!("git branch recovered-{one} {}", &commit[..12]);
    assert!(status.out.contains(&way) && status.out.contains("left `main`"), "{status:?}");
    let json = sandbox.run(&["--json", "status"]).ok().json();
    assert_eq!(json["active_tasks"][0]["claimed_on"]["lost"], true, "{json}");
    let list = sandbox.run(&["t", "list"]).ok();
    assert!(!list.out.contains("(on main)") && list.out.contains("left main"), "{list:?}");
    let shown = sandbox.run(&["t", "show", &one]).ok();
    assert!(shown.out.contains(&way) && !shown.out.contains("on main"), "{shown:?}");
    assert_eq!(sandbox.json(&["t", "show", &one])["claimed_on"]["lost"], true);
    let words: Vec<&str> = way.split(' ').skip(1).collect();
    sandbox.git(&words);
    assert!(!sandbox.run(&["status"]).ok().out.contains("left `main`"));
}
