//! `verify`: tampering is found, and honest histories give nothing above a note.
//!
//! | # | tampering | made by | found as |
//! |---|---|---|---|
//! | 1 | forged event | an empty commit with the trailer | `unshown` |
//! | 2 | edited status | `sed`, `git commit` | `hand_edit`, a warning |
//! | 3 | deleted event | the trailer cut from the message | `unexplained` |
//! | 4 | swapped author | another author in the commit | `author` |
//! | 5 | back-dated commit | both dates a day earlier | `date` |
//! | 6 | future commit | a clock of the year 2099 | `future` |
//! | 7 | an id again, with other content | an empty commit with the trailer | `duplicate_id` |
//! | 8 | completed by a stranger | file and event say so | `stranger` |
//! | 9 | epoch lowered | in file and event of a claim | `epoch_back` |
//! | 10 | claim without a file change | the message with the tree before | `unshown` |
//! | 11 | event of another task than the file's | the id replaced in the message | `unshown`, `unexplained` |
//! | 12 | another title in the event | replaced in the message | `mismatch` |
//! | 13 | dropped commit | the branch set back | `rewritten`, `lost_event` |
//! | 14 | reordered commits | two swapped, with their dates | `time_back` |
//! | 15 | gap in a lock's records | the chain cut | `record_gap` |
//! | 16 | forged holder of a lock | replaced in the record | `record_mismatch` |
//! | 17 | lock taken while it is held | a record on top, all in order | `record_taken` |
//! | 18 | claim record that names a foreign commit | replaced in the record | `foreign_commit` |
//! | 19 | archived claim changed | another agent in it | `record_mismatch` |
//! | 20 | knowledge changed without an event | an editor | `hand_edit`, a warning |
//! | 21 | workstream deleted silently | `git rm` | `deleted`, a warning |
//! | 22 | agent file edited | `sed` | `hand_edit`, a warning |
//! | 23 | file torn | an editor | `damaged` |
//! | 24 | event torn | the message cut in its line | `bad_event` |
//! | 25 | task deleted | `git rm` | `deleted`, a warning |
//!
//! The file is long because the table is: each row is a few lines of it, beside the one cast that all of them play with.
//!
//! The honest history of the ordinary run is short. The long one, best with a fast program:
//!
//! ```text
//! HONEST=10000 SEED=8 cargo test --profile sweep --test cli honest -- --nocapture
//! ```

use std::cell::Cell;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::support::{Answer, Sandbox};

/// A repository in which each command has its own hour.
pub(super) struct Scene {
    pub(super) sandbox: Sandbox,
    minutes: Cell<u32>,
    /// How far the clock goes with each command.
    step: u32,
}

impl Scene {
    pub(super) fn new(step: u32) -> Self {
        let scene = Self { sandbox: Sandbox::new(), minutes: Cell::new(60), step };
        scene.run(&["init"]).ok();
        scene.run(&["ws", "create", "w"]).ok();
        scene
    }

    pub(super) fn stamp(&self) -> String {
        let minutes = self.minutes.get() + self.step;
        self.minutes.set(minutes);
        let days = minutes / 1440;
        let (month, day) = (2 + days / 28, 1 + days % 28);
        format!("2026-{month:02}-{day:02}T{:02}:{:02}:00.000Z", minutes / 60 % 24, minutes % 60)
    }

    pub(super) fn run(&self, words: &[&str]) -> Answer {
        let mut command = self.sandbox.command(&self.sandbox.root, words);
        let output = command.env("ORCHESTRATOR_NOW", self.stamp()).output().unwrap();
        Answer {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(super) fn batch(&self, lines: &str) {
        let mut command = self.sandbox.command(&self.sandbox.root, &["batch"]);
        command.env("ORCHESTRATOR_NOW", self.stamp()).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{lines}");
    }

    pub(super) fn add(&self, title: &str) -> String {
        self.run(&["--json", "t", "add", "w", title]).ok().json()["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn git(&self, words: &[&str]) -> String {
        self.sandbox.git(words).trim_end().to_owned()
    }

    pub(super) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.sandbox.read(path);
        assert!(text.contains(from), "{path}: {text}");
        self.sandbox.write(path, &text.replace(from, to));
        self.git(&["add", path]);
    }

    pub(super) fn commit_by_hand(&self) {
        self.git(&["commit", "-q", "-m", "By hand"]);
    }

    /// Writes an object from its text.
    pub(super) fn object(&self, kind: &str, text: &str) -> String {
        let file = self.sandbox.home().join("object");
        std::fs::write(&file, text).unwrap();
        self.git(&["hash-object", "-t", kind, "-w", "--no-filters", file.to_str().unwrap()])
    }

    /// Writes a commit as another one says, but for some words.
    pub(super) fn rewritten(&self, commit: &str, replaced: &[(&str, &str)]) -> String {
        let mut text = self.sandbox.git(&["cat-file", "commit", commit]);
        for (from, to) in replaced {
            assert!(text.contains(from), "{from}: {text}");
            text = text.replace(from, to);
        }
        self.object("commit", &text)
    }

    /// Puts another commit in the place of the latest one, with what is staged as its tree.
    pub(super) fn replace_head(&self, replaced: &[(&str, &str)]) {
        let tree = format!("tree {}", self.git(&["rev-parse", "HEAD^{tree}"]));
        let staged = format!("tree {}", self.git(&["write-tree"]));
        let mut all = vec![(tree.as_str(), staged.as_str())];
        all.extend(replaced);
        let commit = self.rewritten("HEAD", &all);
        self.git(&["update-ref", "refs/heads/main", &commit]);
    }

    /// A commit of what is staged, with an event that nobody of ours wrote.
    pub(super) fn forge(&self, agent: &str, action: &str, fields: &str, id: &str) {
        let at = self.stamp();
        let message = format!(
            "orchestrator: forged\n\nOrchestrator-Event: {{\"ts\":\"{at}\",\"agent\":\"{agent}\",\"action\":\"{action}\",{fields},\"id\":\"{id}\"}}"
        );
        let mut command = std::process::Command::new("git");
        command.args(["commit", "-q", "--allow-empty", "-m", &message]).current_dir(&self.sandbox.root);
        super::support::hermetic(&mut command, self.sandbox.home());
        command.env("GIT_AUTHOR_NAME", agent).env("GIT_AUTHOR_DATE", &at).env("GIT_COMMITTER_DATE", &at);
        assert!(command.status().unwrap().success());
    }

    /// The commit with this path from the root, its first line with the id of the event in the tip.
    pub(super) fn tip_event(&self) -> Value {
        let line = self.git(&["log", "-1", "--format=%(trailers:key=Orchestrator-Event,valueonly)"]);
        serde_json::from_str(line.trim()).unwrap()
    }

    /// Finishes so many tasks that their claims are archived.
    pub(super) fn archive(&self) {
        let lines: String = (0..70)
            .map(|n| {
                let task = 3 * n + 1;
                format!(
                    "[\"t\",\"add\",\"w\",\"T{n}\"]\n[\"t\",\"claim\",\"@{task}\",\"--agent\",\"agent-1\"]\n[\"t\",\"complete\",\"@{task}\",\"--agent\",\"agent-1\"]\n"
                )
            })
            .collect();
        self.batch(&lines);
    }

    /// Changes the first record of the archive; its path there.
    pub(super) fn change_archive(&self, change: impl Fn(&str) -> String) -> String {
        let archive = "refs/orchestrator/archive";
        let line = self.git(&["ls-tree", "-r", archive]).lines().next().unwrap().to_owned();
        let (head, path) = line.split_once('\t').unwrap();
        let text = self.sandbox.git(&["cat-file", "blob", head.split(' ').nth(2).unwrap()]);
        let forged = change(&text);
        assert_ne!(text, forged);
        let forged = self.object("blob", &forged);
        self.git(&["read-tree", archive]);
        self.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{forged},{path}")]);
        let tree = self.git(&["write-tree"]);
        let commit = self.git(&["commit-tree", "-p", archive, "-m", "orchestrator: archive", &tree]);
        self.git(&["update-ref", archive, &commit]);
        self.git(&["reset", "-q"]);
        path.to_owned()
    }

    pub(super) fn verify(&self) -> (i32, Value) {
        let answer = self.sandbox.run(&["--json", "verify"]);
        (answer.code, answer.json())
    }
}

pub(super) fn task_file(id: &str) -> String {
    format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2])
}

pub(super) const FRESH: &str = "019c31c0-4490-70df-bc60-4165cd0ac750";

/// What is there before anybody tampers: tasks `one` (claimed by agent-1), `two`, `three` (pending).
pub(super) struct Cast {
    pub(super) scene: Scene,
    pub(super) one: String,
    pub(super) two: String,
    pub(super) three: String,
}

impl Cast {
    pub(super) fn new() -> Self {
        let scene = Scene::new(60);
        scene.run(&["ws", "create", "empty"]).ok();
        scene.run(&["a", "register", "agent-1", "worker"]).ok();
        let (one, two, three) = (scene.add("One"), scene.add("Two"), scene.add("Three"));
        scene.run(&["t", "claim", "w", &one, "agent-1"]).ok();
        scene.run(&["kb", "write", "api", "Use REST", "--agent", "agent-1"]).ok();
        for agent in ["agent-1", "agent-2"] {
            scene.run(&["l", "acquire", "git", agent]).ok();
            scene.run(&["l", "release", "git", agent]).ok();
        }
        Self { scene, one, two, three }
    }
}

/// Makes the tampering, and says where it must be found.
pub(super) type Tamper = fn(&Cast) -> String;

pub(super) const LOCK: &str = "refs/orchestrator/locks/git";

const TAMPERINGS: [(&str, &str, &str, Tamper); 25] = [
    ("forged event", "unshown", "error", |cast| {
        let fields = format!("\"workstream\":\"w\",\"task_id\":\"{}\",\"result\":null,\"epoch\":1", cast.one);
        cast.scene.forge("agent-1", "task_completed", &fields, FRESH);
        task_file(&cast.one)
    }),
    ("edited status", "hand_edit", "warning", |cast| {
        cast.scene.edit(&task_file(&cast.two), "status: pending", "status: done");
        cast.scene.commit_by_hand();
        task_file(&cast.two)
    }),
    ("deleted event", "unexplained", "error", |cast| {
        cast.scene.run(&["t", "claim", "w", &cast.two, "agent-2"]).ok();
        let text = cast.scene.sandbox.git(&["cat-file", "commit", "HEAD"]);
        let event = text.lines().last().unwrap().to_owned();
        cast.scene.replace_head(&[(&event, "")]);
        task_file(&cast.two)
    }),
    ("swapped author", "author", "error", |cast| {
        cast.scene.run(&["t", "claim", "w", &cast.two, "agent-2"]).ok();
        cast.scene.replace_head(&[("author agent-2 <", "author agent-9 <")]);
        cast.scene.git(&["rev-parse", "HEAD"])
    }),
    ("back-dated commit", "date", "error", |cast| {
        cast.scene.run(&["kb", "write", "old", "As if it had been known"]).ok();
        let at = cast.scene.git(&["log", "-1", "--format=%at"]);
        let earlier = (at.parse::<i64>().unwrap() - 86_400).to_string();
        cast.scene.replace_head(&[(&at, &earlier)]);
        cast.scene.git(&["rev-parse", "HEAD"])
    }),
    ("future commit", "future", "error", |cast| {
        let mut command = cast.scene.sandbox.command(&cast.scene.sandbox.root, &["kb", "write", "new", "x"]);
        assert!(
            command.env("ORCHESTRATOR_NOW", "2099-01-01T00:00:00.000Z").output().unwrap().status.success()
        );
        cast.scene.git(&["rev-parse", "HEAD"])
    }),
    ("an id again", "duplicate_id", "error", |cast| {
        cast.scene.run(&["event", "log", "agent-1", "deployed"]).ok();
        let id = cast.scene.tip_event()["id"].as_str().unwrap().to_owned();
        cast.scene.forge("agent-1", "deployed", "\"url\":\"elsewhere\"", &id);
        cast.scene.git(&["rev-parse", "HEAD"])
    }),
    ("completed by a stranger", "stranger", "error", |cast| {
        let scene = &cast.scene;
        scene.edit(&task_file(&cast.one), "status: in_progress", "status: done");
        scene.edit(&task_file(&cast.one), "assigned_to: agent-1", "assigned_to: agent-9");
        let fields = format!("\"workstream\":\"w\",\"task_id\":\"{}\",\"result\":null,\"epoch\":1", cast.one);
        scene.forge("agent-9", "task_completed", &fields, FRESH);
        task_file(&cast.one)
    }),
    ("epoch lowered", "epoch_back", "error", |cast| {
        let scene = &cast.scene;
        for agent in ["agent-2", "agent-3"] {
            scene.run(&["t", "claim", "w", &cast.two, agent]).ok();
            if agent == "agent-2" {
                scene.run(&["t", "release", &cast.two, "--agent", agent]).ok();
            }
        }
        scene.edit(&task_file(&cast.two), "epoch: 2", "epoch: 1");
        scene.replace_head(&[("\"epoch\":2", "\"epoch\":1")]);
        task_file(&cast.two)
    }),
    ("claim without a file change", "unshown", "error", |cast| {
        cast.scene.run(&["t", "claim", "w", &cast.two, "agent-2"]).ok();
        cast.scene.git(&["read-tree", "HEAD~1"]);
        cast.scene.replace_head(&[]);
        task_file(&cast.two)
    }),
    ("event of another task", "unshown", "error", |cast| {
        cast.scene.run(&["t", "claim", "w", &cast.two, "agent-2"]).ok();
        cast.scene.replace_head(&[(&cast.two, &cast.three)]);
        task_file(&cast.three)
    }),
    ("another title in the event", "mismatch", "error", |cast| {
        cast.scene.run(&["t", "update", &cast.two, "--title", "Better"]).ok();
        cast.scene.replace_head(&[("\"title\":\"Better\"", "\"title\":\"Worse\"")]);
        task_file(&cast.two)
    }),
    ("dropped commit", "rewritten", "error", |cast| {
        cast.scene.run(&["t", "claim", "w", &cast.two, "agent-2"]).ok();
        cast.scene.git(&["update-ref", "refs/heads/main", "HEAD~1"]);
        format!("refs/orchestrator/claims/{}", cast.two)
    }),
    ("reordered commits", "time_back", "error", |cast| {
        let scene = &cast.scene;
        scene.run(&["kb", "write", "first", "1"]).ok();
        scene.run(&["kb", "write", "second", "2"]).ok();
        let parent = |commit: &str| scene.git(&["rev-parse", &format!("{commit}^")]);
        let tree = |commit: &str| scene.git(&["rev-parse", &format!("{commit}^{{tree}}")]);
        let (one, two, base) = (parent("HEAD"), scene.git(&["rev-parse", "HEAD"]), parent("HEAD~1"));
        scene.git(&["rm", "-q", "--cached", ".orchestrator/knowledge/first.md"]);
        let only_second = scene.git(&["write-tree"]);
        let swapped = scene.rewritten(&two, &[(&tree(&two), &only_second), (&one, &base)]);
        let last = scene.rewritten(&one, &[(&tree(&one), &tree(&two)), (&base, &swapped)]);
        scene.git(&["update-ref", "refs/heads/main", &last]);
        last
    }),
    ("gap in a lock's records", "record_gap", "error", |cast| {
        let taking = format!("{LOCK}~1");
        let parent = format!("parent {}\n", cast.scene.git(&["rev-parse", &format!("{LOCK}~2")]));
        let cut = cast.scene.rewritten(&taking, &[(&parent, "")]);
        cast.scene.git(&["update-ref", LOCK, &cut]);
        LOCK.to_owned()
    }),
    ("forged holder of a lock", "record_mismatch", "error", |cast| {
        cast.scene.run(&["l", "acquire", "git", "agent-3"]).ok();
        let forged = cast
            .scene
            .rewritten(LOCK, &[("\"agent\":\"agent-3\",\"epoch\"", "\"agent\":\"agent-9\",\"epoch\"")]);
        cast.scene.git(&["update-ref", LOCK, &forged]);
        LOCK.to_owned()
    }),
    ("lock taken while it is held", "record_taken", "error", |cast| {
        let scene = &cast.scene;
        scene.run(&["l", "acquire", "git", "agent-3", "--ttl", "24h"]).ok();
        let tip = scene.git(&["rev-parse", LOCK]);
        let before = scene.git(&["rev-parse", &format!("{LOCK}~1")]);
        let forged = scene.rewritten(
            LOCK,
            &[
                (&before, &tip),
                ("agent-3", "agent-9"),
                ("\"epoch\":3", "\"epoch\":4"),
                ("\"id\":\"019", "\"id\":\"029"),
            ],
        );
        scene.git(&["update-ref", LOCK, &forged]);
        LOCK.to_owned()
    }),
    ("claim record that names a foreign commit", "foreign_commit", "error", |cast| {
        let name = format!("refs/orchestrator/claims/{}", cast.one);
        let text = cast.scene.git(&["cat-file", "commit", &name]);
        let named = text.split("\"board_commit\":\"").nth(1).unwrap()[..40].to_owned();
        let head = cast.scene.git(&["rev-parse", "HEAD"]);
        let forged = cast.scene.rewritten(&name, &[(&named, &head)]);
        cast.scene.git(&["update-ref", &name, &forged]);
        name
    }),
    ("archived claim changed", "record_mismatch", "error", |cast| {
        let scene = &cast.scene;
        scene.archive();
        let path = scene.change_archive(|text| {
            text.replacen("\"agent\":\"agent-1\",\"epoch\"", "\"agent\":\"agent-9\",\"epoch\"", 1)
        });
        format!("refs/orchestrator/archive:{}", &path[3..])
    }),
    ("knowledge changed without an event", "hand_edit", "warning", |cast| {
        cast.scene.edit(".orchestrator/knowledge/api.md", "REST", "SOAP");
        cast.scene.commit_by_hand();
        ".orchestrator/knowledge/api.md".to_owned()
    }),
    ("workstream deleted silently", "deleted", "warning", |cast| {
        cast.scene.git(&["rm", "-q", ".orchestrator/workstreams/empty.yaml"]);
        cast.scene.commit_by_hand();
        ".orchestrator/workstreams/empty.yaml".to_owned()
    }),
    ("agent file edited", "hand_edit", "warning", |cast| {
        cast.scene.edit(".orchestrator/agents/agent-1.yaml", "type: worker", "type: boss");
        cast.scene.commit_by_hand();
        ".orchestrator/agents/agent-1.yaml".to_owned()
    }),
    ("file torn", "damaged", "error", |cast| {
        cast.scene.edit(&task_file(&cast.two), "status: pending", "status: maybe");
        cast.scene.commit_by_hand();
        format!("{}:4:9", task_file(&cast.two))
    }),
    ("event torn", "bad_event", "error", |cast| {
        cast.scene.run(&["event", "log", "agent-1", "deployed"]).ok();
        cast.scene.run(&["kb", "write", "more", "x"]).ok();
        cast.scene.replace_head(&[("\"action\":\"knowledge_written\"", "\"action\"")]);
        cast.scene.git(&["rev-parse", "HEAD"])
    }),
    ("task deleted", "deleted", "warning", |cast| {
        cast.scene.git(&["rm", "-q", &task_file(&cast.three)]);
        cast.scene.commit_by_hand();
        task_file(&cast.three)
    }),
];

#[test]
fn every_tampering_is_found_where_it_was_done() {
    let honest = Cast::new();
    let (code, found) = honest.scene.verify();
    assert_eq!((code, &found["errors"], &found["warnings"]), (0, &0.into(), &0.into()), "{found:#}");
    are_found(&TAMPERINGS);
}

/// Each is made in a repository of its own, and found with this code and severity where it says.
pub(super) fn are_found(tamperings: &[(&str, &str, &str, Tamper)]) {
    let mut missed = Vec::new();
    for (name, wanted, severity, tamper) in tamperings {
        let cast = Cast::new();
        let place = tamper(&cast);
        let (code, found) = cast.scene.verify();
        let is_it = |finding: &Value| {
            let places = [&finding["path"], &finding["ref"], &finding["commit"]];
            finding["code"] == *wanted
                && finding["severity"] == *severity
                && places.iter().any(|it| it.as_str() == Some(&place))
        };
        let is_found = found["findings"].as_array().unwrap().iter().any(is_it);
        let exit = if found["errors"] == 0 { 0 } else { 5 };
        if !is_found || code != exit {
            missed.push(format!("{name}: no {wanted} at {place}, exit {code}: {found:#}"));
        }
        let strict = cast.scene.sandbox.run(&["verify", "--strict"]);
        assert_eq!(strict.code, 5, "{name}: {strict:?}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_was_torn_and_put_right_is_a_warning() {
    let cast = Cast::new();
    cast.scene.edit(&task_file(&cast.two), "status: pending", "status: maybe");
    cast.scene.commit_by_hand();
    cast.scene.edit(&task_file(&cast.two), "status: maybe", "status: pending");
    cast.scene.commit_by_hand();
    let (code, found) = cast.scene.verify();
    assert_eq!((code, &found["errors"], &found["warnings"]), (0, &0.into(), &1.into()), "{found:#}");
}

#[test]
fn a_range_and_a_shallow_clone_say_what_they_can_not_see() {
    let cast = Cast::new();
    let sandbox = &cast.scene.sandbox;
    cast.scene.edit(&task_file(&cast.two), "status: pending", "status: done");
    cast.scene.commit_by_hand();
    let warnings = |words: &[&str]| sandbox.run(words).json()["warnings"].as_u64();
    assert_eq!(warnings(&["--json", "verify", "HEAD~1"]), Some(0));
    assert_eq!(warnings(&["--json", "verify", "HEAD~1..HEAD"]), Some(1));
    sandbox.run(&["verify", "HEAD...HEAD~1"]).code(2);
    sandbox.run(&["verify", "nowhere"]).code(1);
    let clone = sandbox.home().join("clone");
    let url = format!("file://{}", sandbox.root.display());
    sandbox.git(&["clone", "-q", "--depth", "1", &url, clone.to_str().unwrap()]);
    let answer = sandbox.run_in(&clone, &["--json", "verify"]).ok();
    let found = answer.json();
    assert_eq!(
        (&found["warnings"], &found["findings"][0]["code"]),
        (&0.into(), &"shallow".into()),
        "{found:#}"
    );
    // What a commit reverts that lies beyond the edge can't be held against it.
    let third = task_file(&cast.three);
    let added = cast.scene.git(&["log", "--diff-filter=A", "--format=%H", "--", &third]);
    cast.scene.git(&["revert", "--no-edit", &added]);
    let edge = sandbox.home().join("edge");
    sandbox.git(&["clone", "-q", "--depth", "2", &url, edge.to_str().unwrap()]);
    let found = sandbox.run_in(&edge, &["--json", "verify"]).ok().json();
    assert_eq!((&found["errors"], &found["warnings"]), (&0.into(), &0.into()), "{found:#}");
}

#[test]
fn signatures_are_asked_of_git() {
    let cast = Cast::new();
    let sandbox = &cast.scene.sandbox;
    let report = sandbox.run(&["--json", "verify", "--signatures", "report"]).ok().json();
    let missing = report["signatures"]["missing"].as_u64().unwrap();
    assert!(missing > 5 && report["errors"] == 0, "{report:#}");
    sandbox.run(&["verify", "--signatures", "require"]).code(5);
    let key = sandbox.home().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f"])
        .arg(&key)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("there is no ssh-keygen: signatures that are there were not checked");
        return;
    }
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = sandbox.home().join("allowed");
    std::fs::write(&allowed, format!("ada@example.org {public}")).unwrap();
    sandbox.git(&["config", "gpg.format", "ssh"]);
    sandbox.git(&["config", "user.signingkey", key.to_str().unwrap()]);
    sandbox.git(&["commit", "-q", "--amend", "--no-edit", "-S"]);
    let counts = || {
        let told = sandbox.run(&["--json", "verify", "HEAD~1..HEAD", "--signatures", "report"]).json();
        told["signatures"].clone()
    };
    assert_eq!(counts()["good"], 0);
    sandbox.git(&["config", "gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()]);
    assert_eq!(counts()["good"], 1);
    sandbox.run(&["verify", "HEAD~1..HEAD", "--signatures", "require"]).ok();
    let signed = sandbox.git(&["cat-file", "commit", "HEAD"]);
    let forged = cast.scene.object("commit", &signed.replacen("agent-1 wrote", "agent-1 never wrote", 1));
    let told = sandbox.run(&["--json", "verify", &format!("HEAD~1..{forged}"), "--signatures", "report"]);
    assert_eq!(told.json()["signatures"]["bad"], 1);
}

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

/// A history of at least so many mutations, made by our commands and by plain git: agents that claim, release, take
/// over and are refused, batches, calls that are killed, branches that land in every way git knows.
fn play(mutations: usize, seed: u64) -> Scene {
    let scene = Scene::new(7);
    scene.sandbox.write(".orchestrator/config.yaml", "format: 1\nclaims:\n  stale_after: 20m\n");
    scene.git(&["commit", "-q", "-am", "Claims are stale soon"]);
    let mut dice = Dice(seed);
    let mut tasks: Vec<String> = Vec::new();
    let (mut done, mut round) = (0, 0);
    while done < mutations {
        round += 1;
        let branch = format!("side-{round}");
        scene.git(&["switch", "-q", "-c", &branch]);
        done += work(&scene, &mut dice, &mut tasks, 6, mutations > 1000);
        scene.git(&["switch", "-q", "main"]);
        done += work(&scene, &mut dice, &mut tasks, 4, mutations > 1000);
        land(&scene, &branch, round);
        if round % 5 == 0 {
            scene.git(&["pack-refs", "--all"]);
        }
    }
    scene
}

/// So many calls; how many mutations they made, or may have made.
fn work(scene: &Scene, dice: &mut Dice, tasks: &mut Vec<String>, calls: usize, is_long: bool) -> usize {
    let mut done = 0;
    for _ in 0..calls {
        let agent = format!("agent-{}", dice.below(5));
        let id = match tasks.len() {
            0 => scene.add("The first"),
            count => tasks[count - 1 - dice.below(count.min(12))].clone(),
        };
        let words: Vec<&str> = match dice.below(if is_long { 18 } else { 16 }) {
            0 | 1 => {
                tasks.push(scene.add("A task"));
                done += 1;
                continue;
            }
            2 => vec!["t", "next", "w", &agent],
            3 => vec!["t", "claim", "w", &id, &agent],
            4 => vec!["t", "claim", "w", &id, &agent, "--take-over"],
            5 => vec!["t", "complete", &id, "--result", "Done", "--agent", &agent],
            6 => vec!["t", "complete", "w", &id],
            7 => vec!["t", "release", &id],
            8 => vec!["t", "block", &id, "--reason", "It waits"],
            9 => vec!["t", "unblock", &id],
            10 => vec!["t", "reopen", &id],
            11 => vec!["t", "cancel", &id, "--reason", "Not needed", "--agent", &agent],
            12 => vec!["t", "update", &id, "--title", &agent, "--add-label", &agent],
            13 => vec!["kb", "write", &agent, &id],
            14 => vec!["l", "acquire", "git", &agent, "--ttl", "9m"],
            15 => vec!["a", "register", &agent, &id],
            16 => {
                killed(scene, dice, &["t", "claim", "w", &id, &agent]);
                continue;
            }
            _ => {
                let one: String = (0..15)
                    .map(|n| {
                        let task = 4 * n + 1;
                        format!(
                            "[\"t\",\"add\",\"w\",\"Of many {n}\"]\n[\"t\",\"claim\",\"@{task}\",\"--agent\",\"{agent}\"]\n[\"t\",\"update\",\"@{task}\",\"--priority\",\"{n}\"]\n[\"t\",\"complete\",\"@{task}\",\"--agent\",\"{agent}\"]\n"
                        )
                    })
                    .collect();
                scene.batch(&one);
                done += 60;
                continue;
            }
        };
        let answer = scene.run(&words);
        assert!(matches!(answer.code, 0 | 1), "{words:?}: {answer:?}");
        done += usize::from(answer.code == 0);
    }
    done
}

/// A call that dies somewhere, and the next one, which recovers what it left.
fn killed(scene: &Scene, dice: &mut Dice, words: &[&str]) {
    let mut command = scene.sandbox.command(&scene.sandbox.root, words);
    command.env("ORCHESTRATOR_NOW", scene.stamp()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_micros(dice.below(12_000) as u64));
    let _may_have_ended = child.kill();
    child.wait().unwrap();
    scene.run(&["event", "log", "auditor", "looked"]).ok();
}

/// Brings a branch to `main`: merged, rebased, squashed with and without its message, picked; or leaves it.
fn land(scene: &Scene, branch: &str, round: usize) {
    let try_git = |words: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(words).current_dir(&scene.sandbox.root);
        super::support::hermetic(&mut command, scene.sandbox.home());
        command.output().unwrap().status.success()
    };
    let is_empty = scene.git(&["rev-list", "--count", &format!("main..{branch}")]) == "0";
    let as_text = scene.sandbox.root.join(".git/info/attributes");
    match round % 9 {
        // Nothing to bring.
        _ if is_empty => {}
        0 => {
            if !try_git(&["merge", "-q", "--no-edit", branch]) {
                scene.git(&["merge", "--abort"]);
            }
        }
        1 => {
            scene.git(&["switch", "-q", branch]);
            let is_rebased = try_git(&["rebase", "-q", "main"]);
            if !is_rebased {
                scene.git(&["rebase", "--abort"]);
            }
            scene.git(&["switch", "-q", "main"]);
            if is_rebased {
                scene.git(&["merge", "-q", "--ff-only", branch]);
            }
        }
        2 | 3 => {
            if try_git(&["merge", "-q", "--squash", branch]) {
                let words: &[&str] = if round % 9 == 2 {
                    &["commit", "-q", "--allow-empty", "--no-edit"]
                } else {
                    &["commit", "-q", "--allow-empty", "-m", "Land it"]
                };
                scene.git(words);
                scene.git(&["branch", "-q", "-D", branch]);
            } else {
                scene.git(&["reset", "-q", "--merge"]);
            }
        }
        4 => {
            if !try_git(&["cherry-pick", &format!("main..{branch}")]) {
                try_git(&["cherry-pick", "--abort"]);
            }
        }
        // Without our driver; and each way to decide a conflict, of whole files or of lines.
        5 | 6 => {
            std::fs::create_dir_all(as_text.parent().unwrap()).unwrap();
            std::fs::write(&as_text, "* merge\n").unwrap();
            let side = if round % 18 < 9 { "ours" } else { "theirs" };
            let is_merged = match round % 9 {
                5 => try_git(&["merge", "-q", "--no-edit", branch]),
                _ => try_git(&["merge", "-q", "--no-edit", "-X", side, branch]),
            };
            std::fs::remove_file(&as_text).unwrap();
            if !is_merged {
                scene.git(&["merge", "--abort"]);
            }
        }
        7 => {
            // Into each other: two commits from which both come.
            let tip = scene.git(&["rev-parse", "main"]);
            if try_git(&["merge", "-q", "--no-edit", branch]) {
                scene.git(&["switch", "-q", branch]);
                if !try_git(&["merge", "-q", "--no-edit", &tip]) {
                    scene.git(&["merge", "--abort"]);
                }
                scene.git(&["switch", "-q", "main"]);
                if !try_git(&["merge", "-q", "--no-edit", "--no-ff", branch]) {
                    scene.git(&["merge", "--abort"]);
                }
            } else {
                scene.git(&["merge", "--abort"]);
            }
        }
        _ => {
            if !try_git(&["revert", "--no-edit", "HEAD"]) {
                try_git(&["revert", "--abort"]);
            }
            scene.git(&["branch", "-q", "-D", branch]);
        }
    }
    // The user's own.
    scene.sandbox.write("src.txt", &format!("{round}\n"));
    scene.git(&["commit", "-q", "-am", "Work"]);
}

#[test]
fn an_honest_history_gives_nothing_above_a_note() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let mutations = number("HONEST").map_or(100, |count: u64| count as usize);
    let scene = play(mutations, number("SEED").unwrap_or(7));
    let began = Instant::now();
    let (code, found) = scene.verify();
    let bad: Vec<&Value> =
        found["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "note").collect();
    println!(
        "{} commits, {} events, {} records in {:?}: {} notes",
        found["commits"],
        found["events"],
        found["records"],
        began.elapsed(),
        found["notes"]
    );
    assert!(bad.is_empty() && code == 0, "in {}: {bad:#?}", scene.sandbox.root.display());
    assert!(found["events"].as_u64().unwrap() as usize >= mutations * 2 / 3, "{found:#}");
}
