//! A project with pull requests: a bare remote, two clones, feature branches, and a host that merges them by plain
//! git: with a merge commit, squashed (messages kept, messages cut), rebased. After each step both clones are asked, and
//! have to tell the same, and the truth.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::Sandbox;

struct Project {
    sandbox: Sandbox,
    ada: PathBuf,
    ben: PathBuf,
    /// The clone in which the host merges. It knows nothing of the driver.
    host: PathBuf,
}

/// What is so after a step.
struct Truth<'t> {
    /// The actions of the log from the first task on, oldest first; `~` before a derived one.
    events: &'t [&'t str],
    /// Tasks that are pending, in progress, done.
    counts: [i64; 3],
    /// Status and holder of single tasks.
    tasks: &'t [(&'t str, &'t str)],
}

impl Project {
    /// A remote whose `main` holds a board with the workstream `w`.
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let place = |name: &str| sandbox.home().join(name);
        let [ada, ben, host] = ["ada", "ben", "host"].map(place);
        let remote = place("remote.git");
        sandbox.git(&["clone", "-q", "--bare", ".", remote.to_str().unwrap()]);
        for clone in [&ada, &ben, &host] {
            sandbox.git(&["clone", "-q", remote.to_str().unwrap(), clone.to_str().unwrap()]);
            let name = clone.file_name().unwrap().to_str().unwrap();
            sandbox.git_in(clone, &["config", "user.name", name]);
            sandbox.git_in(clone, &["config", "user.email", &format!("{name}@example.org")]);
        }
        sandbox.run_in(&ada, &["init"]).ok();
        sandbox.run_in(&ada, &["ws", "create", "w"]).ok();
        sandbox.git_in(&ada, &["push", "-q", "origin", "main"]);
        let project = Self { sandbox, ada, ben, host };
        project.sync();
        project.run(&project.ben, &["init"]);
        project
    }

    fn run(&self, clone: &Path, words: &[&str]) {
        self.sandbox.run_in(clone, words).ok();
    }

    fn json(&self, clone: &Path, words: &[&str]) -> Value {
        let words: Vec<&str> = std::iter::once("--json").chain(words.iter().copied()).collect();
        self.sandbox.run_in(clone, &words).ok().json()
    }

    fn add(&self, clone: &Path, title: &str) -> String {
        self.json(clone, &["t", "add", "w", title])["id"].as_str().unwrap().to_owned()
    }

    fn branch(&self, clone: &Path, name: &str) {
        self.sandbox.git_in(clone, &["switch", "-q", "-c", name, "origin/main"]);
    }

    fn commit(&self, clone: &Path, file: &str) {
        std::fs::write(clone.join(file), "some code\n").unwrap();
        self.sandbox.git_in(clone, &["add", file]);
        self.sandbox.git_in(clone, &["commit", "-q", "-m", &format!("Write {file}")]);
    }

    fn push(&self, clone: &Path) {
        self.sandbox.git_in(clone, &["push", "-q", "origin", "HEAD"]);
    }

    /// The host merges a pushed branch by these git commands, and deletes it.
    fn land(&self, branch: &str, commands: &[&[&str]]) {
        self.sandbox.git_in(&self.host, &["fetch", "-q", "--prune"]);
        self.sandbox.git_in(&self.host, &["switch", "-q", "main"]);
        self.sandbox.git_in(&self.host, &["reset", "-q", "--hard", "origin/main"]);
        for words in commands {
            self.sandbox.git_in(&self.host, words);
        }
        self.sandbox.git_in(&self.host, &["push", "-q", "origin", "HEAD:main"]);
        self.sandbox.git_in(&self.host, &["push", "-q", "origin", "--delete", branch]);
        self.sync();
    }

    /// Both clones have what the remote has.
    fn sync(&self) {
        for clone in [&self.ada, &self.ben] {
            self.sandbox.git_in(clone, &["fetch", "-q", "--prune"]);
            self.sandbox.git_in(clone, &["switch", "-q", "main"]);
            self.sandbox.git_in(clone, &["merge", "-q", "--ff-only", "origin/main"]);
        }
    }

    #[track_caller]
    fn tells(&self, clone: &Path, truth: &Truth<'_>) {
        let events = self.json(clone, &["events", "--last", "99"]);
        let word = |event: &Value| {
            let derived = if event["derived"] == true { "~" } else { "" };
            format!("{derived}{}", event["action"].as_str().unwrap())
        };
        let told: Vec<String> = events.as_array().unwrap().iter().map(word).collect();
        assert_eq!(told[0], "workstream_created");
        assert_eq!(told[1..], *truth.events, "{clone:?}");
        let status = self.json(clone, &["status"]);
        assert_eq!(status["version"], told.len(), "each event counts once: {clone:?}");
        let stream = &status["workstreams"][0];
        let counts = ["pending", "in_progress", "done"].map(|key| stream[key].as_i64().unwrap());
        assert_eq!(counts, truth.counts, "{clone:?}");
        for (id, expected) in truth.tasks {
            let task = self.json(clone, &["t", "show", id]);
            let holder = task["assigned_to"].as_str().unwrap_or("nobody");
            assert_eq!(format!("{} {holder}", task["status"].as_str().unwrap()), *expected, "{clone:?}");
        }
        // However it landed: the board is valid, and nothing in its history is a lie.
        assert_eq!(self.json(clone, &["check"])["errors"], 0, "{clone:?}");
        assert_eq!(self.json(clone, &["verify"])["errors"], 0, "{clone:?}");
        assert_eq!(self.sandbox.run_in(clone, &["doctor"]).ok().out, "Nothing is wrong.\n");
    }

    #[track_caller]
    fn both_tell(&self, truth: &Truth<'_>) {
        self.tells(&self.ada, truth);
        self.tells(&self.ben, truth);
    }
}

#[test]
fn every_way_to_land_a_pull_request_tells_the_truth() {
    let project = Project::new();
    let (ada, ben) = (&project.ada, &project.ben);
    project.both_tell(&Truth { events: &[], counts: [0, 0, 0], tasks: &[] });

    // One: a merge commit.
    project.branch(ada, "one");
    let one = project.add(ada, "Pay");
    project.run(ada, &["t", "claim", "w", &one, "agent-a"]);
    project.commit(ada, "pay.rs");
    project.push(ada);
    let changed = project.json(ada, &["diff", "origin/main...HEAD"]);
    let told: Vec<&Value> = changed["tasks"].as_array().unwrap().iter().collect();
    assert_eq!(
        (told.len(), &told[0]["id"], &told[0]["status"]),
        (1, &one.as_str().into(), &"in_progress".into())
    );
    assert_eq!(changed["warnings"].as_array().map(Vec::len), Some(0), "{changed}");
    let mut events = vec!["task_created", "task_claimed"];
    project
        .tells(ada, &Truth { events: &events, counts: [0, 1, 0], tasks: &[(&one, "in_progress agent-a")] });
    project.tells(ben, &Truth { events: &[], counts: [0, 0, 0], tasks: &[] });
    project.land("one", &[&["merge", "-q", "--no-ff", "-m", "Merge pull request #1", "origin/one"]]);
    project.both_tell(&Truth { events: &events, counts: [0, 1, 0], tasks: &[(&one, "in_progress agent-a")] });

    // Two: squashed, with the messages in its own. The task is Ada's, and Ben may not take it.
    project.branch(ben, "two");
    project.sandbox.run_in(ben, &["t", "claim", "w", &one, "agent-b"]).code(1);
    let two = project.add(ben, "Test");
    project.run(ben, &["t", "claim", "w", &two, "agent-b"]);
    project.commit(ben, "test.rs");
    project.run(ben, &["t", "complete", "w", &two, "tested", "--agent", "agent-b"]);
    project.push(ben);
    let messages = project.sandbox.git_in(ben, &["log", "--reverse", "--format=* %B", "origin/main..two"]);
    let squash: &[&str] = &["merge", "-q", "--squash", "origin/two"];
    project.land("two", &[squash, &["commit", "-q", "-m", &format!("Test (#2)\n\n{messages}")]]);
    events.extend(["task_created", "task_claimed", "task_completed"]);
    let tasks = [(one.as_str(), "in_progress agent-a"), (two.as_str(), "done agent-b")];
    project.both_tell(&Truth { events: &events, counts: [0, 1, 1], tasks: &tasks });

    // Three: squashed, and nothing is left of the messages.
    project.branch(ada, "three");
    project.run(ada, &["t", "complete", "w", &one, "paid", "--agent", "agent-a"]);
    let three = project.add(ada, "Ship");
    project.commit(ada, "ship.rs");
    project.push(ada);
    let squash: &[&str] = &["merge", "-q", "--squash", "origin/three"];
    project.land("three", &[squash, &["commit", "-q", "-m", "Pay and ship (#3)"]]);
    let (first, second) =
        if one < three { ("~task_completed", "~task_created") } else { ("~task_created", "~task_completed") };
    events.extend([first, second]);
    let tasks = [(one.as_str(), "done agent-a"), (three.as_str(), "pending nobody")];
    project.both_tell(&Truth { events: &events, counts: [1, 0, 2], tasks: &tasks });

    // Four and five are open at the same time; four is rebased onto what five has left on `main`.
    project.branch(ada, "four");
    project.run(ada, &["t", "claim", "w", &three, "agent-a"]);
    project.commit(ada, "four.rs");
    project.push(ada);
    project.branch(ben, "five");
    project.run(ben, &["t", "update", &three, "--priority", "1"]);
    project.push(ben);
    project.land("five", &[&["merge", "-q", "--no-ff", "-m", "Merge pull request #5", "origin/five"]]);
    events.push("task_updated");
    let held = Truth { events: &events, counts: [0, 1, 2], tasks: &[(&three, "in_progress agent-a")] };
    project.tells(ada, &held);
    project.tells(ben, &Truth { counts: [1, 0, 2], tasks: &[(&three, "pending nobody")], ..held });
    project.land(
        "four",
        &[
            &["switch", "-q", "-C", "rebased", "origin/four"],
            &["rebase", "-q", "main"],
            &["switch", "-q", "main"],
            &["merge", "-q", "--ff-only", "rebased"],
        ],
    );
    events.push("task_claimed");
    let tasks = [(three.as_str(), "in_progress agent-a")];
    project.both_tell(&Truth { events: &events, counts: [0, 1, 2], tasks: &tasks });
    assert_eq!(project.json(ben, &["t", "show", &three])["priority"], 1);

    // The last word: it is finished on `main`, in a clone that took no part.
    project.run(ada, &["t", "complete", "w", &three, "shipped", "--agent", "agent-a"]);
    project.push(ada);
    project.sync();
    events.push("task_completed");
    project.both_tell(&Truth { events: &events, counts: [0, 0, 3], tasks: &[(&three, "done agent-a")] });
}
