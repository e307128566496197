//! Partial clones: what they lack is fetched as git fetches it, or it is said that it is not here. Never is it taken for
//! what was not there.

use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Answer, Sandbox};

/// A board with a task that was claimed and completed, and a clone of it with this filter.
struct Clone {
    sandbox: Sandbox,
    root: PathBuf,
    task: String,
}

impl Clone {
    fn with(filter: &str, words: &[&str]) -> Self {
        let sandbox = Sandbox::board();
        let task = sandbox.add("Pay");
        sandbox.run(&["t", "claim", "w", &task, "ada"]).ok();
        sandbox.run(&["t", "complete", &task, "--result", "the work", "--agent", "ada"]).ok();
        sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
        sandbox.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        let root = sandbox.home().join("part");
        let url = format!("file://{}", sandbox.root.display());
        let mut clone = vec!["clone", "-q", filter];
        clone.extend_from_slice(words);
        let at = root.display().to_string();
        clone.extend_from_slice(&[&url, &at]);
        sandbox.git(&clone);
        sandbox.git_in(&root, &["config", "user.name", "Ada"]);
        sandbox.git_in(&root, &["config", "user.email", "ada@example.org"]);
        Self { sandbox, root, task }
    }

    fn run(&self, words: &[&str]) -> Answer {
        self.sandbox.run_in(&self.root, words)
    }

    fn git(&self, words: &[&str]) -> String {
        self.sandbox.git_in(&self.root, words)
    }

    /// The remote is gone.
    fn alone(self) -> Self {
        std::fs::rename(&self.sandbox.root, self.sandbox.home().join("gone")).unwrap();
        self
    }

    /// How many packs there are: each fetch brings one.
    fn packs(&self) -> usize {
        let packs = std::fs::read_dir(self.root.join(".git/objects/pack")).unwrap();
        packs
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "pack"))
            .count()
    }
}

#[test]
fn an_undo_fetches_what_was_before_and_brings_it_back() {
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        let clone = Clone::with(filter, &[]);
        clone.run(&["undo"]).ok();
        let shown = clone.run(&["--json", "t", "show", &clone.task]).ok().json();
        assert_eq!(
            (shown["status"].as_str(), shown["assigned_to"].as_str()),
            (Some("in_progress"), Some("ada"))
        );
        assert_eq!(clone.git(&["status", "--porcelain"]), "", "{filter}");
        clone.git(&["fsck"]);
    }
}

#[test]
fn where_it_can_not_be_fetched_nothing_is_undone_and_the_reason_is_told() {
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        let clone = Clone::with(filter, &[]).alone();
        let head = clone.git(&["rev-parse", "HEAD"]);
        let refused = clone.run(&["undo"]).code(1);
        assert!(
            refused.err.contains("is not in this partial clone") && refused.err.contains("`origin`"),
            "{refused:?}"
        );
        assert!(refused.err.contains("hint: git cat-file -e "), "{refused:?}");
        assert_eq!(clone.git(&["rev-parse", "HEAD"]), head);
        // Without trees it can't even be told where the board begins.
        let list = clone.run(&["t", "list"]).code(i32::from(filter == "--filter=tree:0"));
        assert_eq!(list.err.contains("is not in this partial clone"), list.code == 1, "{list:?}");
        let told = clone.run(&["log", &format!("task:{}", clone.task)]);
        assert!(told.code == 1 || told.out.contains("can't be told"), "{told:?}");
    }
}

#[test]
fn git_no_lazy_fetch_is_honoured_and_the_hint_leads_on() {
    let clone = Clone::with("--filter=blob:none", &[]);
    let mut command = clone.sandbox.command(&clone.root, &["undo"]);
    let output = command.env("GIT_NO_LAZY_FETCH", "1").output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("GIT_NO_LAZY_FETCH forbids"), "{err}");
    let (_, hint) = err.split_once("hint: ").unwrap();
    let mut git = Command::new("sh");
    crate::support::hermetic(&mut git, clone.sandbox.home());
    let ran = git.args(["-c", hint.trim()]).current_dir(&clone.root).output().unwrap();
    assert!(ran.status.success(), "{hint}: {ran:?}");
    clone.run(&["undo"]).ok();
}

/// A remote that does not answer: it says that it has begun, keeps a pipe open, and so does what it starts.
struct Mute {
    clone: Clone,
}

impl Mute {
    fn new() -> Self {
        let clone = Clone::with("--filter=blob:none", &[]);
        let at = |name: &str| clone.sandbox.home().join(name).display().to_string();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let script = format!("exec 3<>'{}'; echo > '{}'; (sleep 60; :); :\n", at("pipe"), at("began"));
        std::fs::write(at("mute"), script).unwrap();
        clone.git(&["config", "remote.origin.uploadpack", &format!("sh '{}'", at("mute"))]);
        Self { clone }
    }

    fn has_begun(&self) -> bool {
        self.clone.sandbox.home().join("began").exists()
    }

    /// Waits until nobody has the pipe open; a failure after half a minute.
    fn is_gone(&self) {
        let pipe = self.clone.sandbox.home().join("pipe");
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
        let mut pipe = std::fs::File::options().read(true).custom_flags(flags).open(pipe).unwrap();
        patiently(|| matches!(pipe.read(&mut [0]), Ok(0)).then_some(()));
    }
}

fn patiently<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_fetch_that_takes_too_long_is_ended_with_all_that_it_started() {
    let mute = Mute::new();
    let head = mute.clone.git(&["rev-parse", "HEAD"]);
    // So that it has begun even on a machine that is busy.
    for seconds in [1, 4, 16] {
        let refused = mute.clone.run(&["--timeout", &format!("{seconds}s"), "undo"]).code(1);
        assert!(refused.err.contains(&format!("no answer within {seconds} s")), "{refused:?}");
        if mute.has_begun() {
            break;
        }
    }
    assert!(mute.has_begun());
    mute.is_gone();
    assert_eq!(mute.clone.git(&["rev-parse", "HEAD"]), head);
}

#[test]
fn an_interrupt_ends_what_is_waited_for_and_then_us() {
    let mute = Mute::new();
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        let mut command = mute.clone.sandbox.command(&mute.clone.root, &["--timeout", "60s", "undo"]);
        let mut child = command.spawn().unwrap();
        patiently(|| mute.has_begun().then_some(()));
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(child.wait().unwrap().signal(), Some(number));
        mute.is_gone();
        std::fs::remove_file(mute.clone.sandbox.home().join("began")).unwrap();
    }
    // What is ignored stays so.
    let mut command = Command::new("sh");
    let script = "trap '' INT; \"$0\" --timeout 2s undo &
                  while kill -0 $! && ! [ -e ../began ]; do :; done; kill -s INT $!; wait $!";
    command.args(["-c", script]);
    command.arg(env!("CARGO_BIN_EXE_orchestrator")).current_dir(&mute.clone.root);
    crate::support::hermetic(&mut command, mute.clone.sandbox.home());
    assert_eq!(command.output().unwrap().status.code(), Some(1));
}

#[test]
fn the_past_is_shown_whole() {
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        let clone = Clone::with(filter, &[]);
        let list = clone.run(&["--at", "HEAD~1", "t", "list"]).ok();
        assert!(list.out.contains(&clone.task), "{list:?}");
        let state = clone.run(&["--at", "HEAD~2", "export", "state"]).ok();
        assert!(state.out.contains(&clone.task), "{state:?}");
        let (here, whole) = (clone.run(&["--json", "verify"]), clone.sandbox.run(&["--json", "verify"]));
        assert_eq!(here.code, whole.code);
        assert_eq!(here.json()["commits"], whole.json()["commits"]);
        assert!(!here.out.contains("shallow"), "{here:?}");
    }
    let alone = Clone::with("--filter=blob:none", &[]).alone();
    for words in [&["--at", "HEAD~1", "t", "list"][..], &["--at", "HEAD~1", "export", "state"], &["verify"]] {
        let refused = alone.run(words).code(1);
        assert!(refused.err.contains("is not in this partial clone"), "{refused:?}");
    }
}

#[test]
fn what_is_listed_is_fetched_in_one_go() {
    let clone = Clone::with("--filter=blob:none", &["--no-checkout"]);
    for number in 0..40 {
        clone.sandbox.run(&["t", "add", "w", &format!("Task {number}")]).ok();
    }
    clone.git(&["fetch", "-q"]);
    clone.git(&["update-ref", "refs/heads/main", "refs/remotes/origin/main"]);
    let before = clone.packs();
    let list = clone.run(&["--json", "--at", "HEAD", "t", "list"]).ok().json();
    assert_eq!(list.as_array().unwrap().len(), 41);
    // The settings, the workstreams, and all tasks at once.
    assert!(clone.packs() - before <= 4, "{} fetches", clone.packs() - before);
}

#[test]
fn beyond_the_edge_of_a_shallow_clone_nothing_is_fetched() {
    let clone = Clone::with("--filter=blob:none", &["--depth=1"]);
    let refused = clone.run(&["undo"]).code(1);
    assert!(refused.err.contains("git fetch --unshallow"), "{refused:?}");
    assert_eq!(clone.git(&["rev-list", "--count", "HEAD"]).trim(), "1");
    clone.git(&["fetch", "-q", "--unshallow"]);
    clone.run(&["undo"]).ok();
}
