//! A process that dies leaves nothing half-done: each command that mutates, killed by `strace` on entering
//! each system call that it makes, one run a point.
//!
//! After each kill any reader sees the state before or the state after, and what it saw stays true; the next
//! command works with no manual step; what the user has staged and modified is as it was; a plain commit of
//! the user reverts nothing; `git fsck` is silent and no lock file is left.
//!
//! The ordinary run takes a sample of the calls that change the disk. To try more:
//!
//! ```text
//! SWEEP=changes cargo test --profile sweep --test cli recovery -- --nocapture   each of them
//! SWEEP=all     …                                                               each call, an hour
//! SCENE=claim POINT=openat:71 …                                                 one
//! ```
//!
//! The file is long because its scenes are many; what is asked of each is one list, which they share.
//!
//! Where `strace` can't trace, the tests say so and check nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::{Sandbox, hermetic};

/// Whether system calls can be traced here.
pub fn can_trace() -> bool {
    let tried = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "-e", "inject=getpid:signal=KILL", "true"])
        .stderr(Stdio::null())
        .status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        eprintln!("strace can't trace here: nothing was checked");
    }
    can
}

#[test]
fn what_a_board_wants_on_the_disk_is_synced_before_the_answer() {
    if !can_trace() {
        return;
    }
    let sandbox = Sandbox::board();
    let synced = |title: &str| {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-y", "-e", "trace=fsync,fdatasync"]);
        command.arg(env!("CARGO_BIN_EXE_orchestrator")).args(["t", "add", "w", title]);
        command.current_dir(&sandbox.root);
        hermetic(&mut command, sandbox.home());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(synced("One"), "");
    sandbox.write(".orchestrator/config.yaml", "format: 1\ndurability: fsync\n");
    sandbox.git(&["commit", "-q", "-am", "Ask for it"]);
    let trace = synced("Two");
    let commit = sandbox.git(&["rev-parse", "HEAD"]);
    let commit = commit.trim();
    let object = trace.find(&format!("objects/{}/{}", &commit[..2], &commit[2..]));
    let branch = trace.find("refs/heads/main>");
    assert!(object.is_some() && object < branch, "{trace}");
}

/// A state of a repository, and a command that changes it.
pub struct Scene {
    pub name: &'static str,
    /// Makes the state, in `repo` below the home directory.
    prepare: fn(&Sandbox),
    /// Where it is run, below the home directory.
    directory: &'static str,
    words: &'static [&'static str],
}

fn tasks(sandbox: &Sandbox) {
    sandbox.run(&["init"]).ok();
    sandbox.run(&["ws", "create", "w"]).ok();
    for (title, seed) in [("Pay", "1"), ("Test", "2")] {
        let mut command = sandbox.command(&sandbox.root, &["t", "add", "w", title]);
        assert!(command.env("ORCHESTRATOR_SEED", seed).output().unwrap().status.success());
    }
}

/// The id of the first task of [`tasks`], as the seed makes it.
const FIRST: &str = "PAY";

fn claimed(sandbox: &Sandbox) {
    tasks(sandbox);
    sandbox.run(&["t", "next", "w", "agent-1"]).ok();
}

fn locked(sandbox: &Sandbox) {
    tasks(sandbox);
    sandbox.run(&["l", "acquire", "git", "agent-1", "--ttl", "24h"]).ok();
}

fn renewed(sandbox: &Sandbox) {
    locked(sandbox);
    sandbox.run(&["l", "acquire", "git", "agent-1", "--ttl", "24h"]).ok();
}

fn fixed_branch(sandbox: &Sandbox) {
    sandbox.run(&["init", "--board", "tasks"]).ok();
    tasks(sandbox);
}

fn followed(sandbox: &Sandbox) {
    fixed_branch(sandbox);
    let tree = sandbox.home().join("tree");
    sandbox.git(&["worktree", "add", "-q", tree.to_str().unwrap(), "tasks"]);
}

fn linked(sandbox: &Sandbox) {
    tasks(sandbox);
    let tree = sandbox.home().join("tree");
    sandbox.git(&["worktree", "add", "-q", "-b", "feature", tree.to_str().unwrap()]);
}

fn bare(sandbox: &Sandbox) {
    tasks(sandbox);
    let bare = sandbox.home().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
}

fn data(sandbox: &Sandbox) {
    claimed(sandbox);
    sandbox.run(&["kb", "write", "api", "REST"]).ok();
    sandbox.run(&["export", "all", "../data"]).ok();
    let other = sandbox.home().join("other");
    sandbox.git(&["clone", "-q", "-b", "main", ".", other.to_str().unwrap()]);
    sandbox.git(&["reset", "-q", "--hard", ":/Begin"]);
    for line in sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/orchestrator"]).lines() {
        sandbox.git(&["update-ref", "-d", line]);
    }
    sandbox.run(&["init"]).ok();
}

fn documents(sandbox: &Sandbox) {
    tasks(sandbox);
    sandbox.run(&["kb", "write", "api", "REST"]).ok();
}

/// So many finished claims that the next mutation folds them into the archive.
fn many_claims(sandbox: &Sandbox) {
    tasks(sandbox);
    for number in 0..64 {
        let id = sandbox.add(&format!("Task {number}"));
        sandbox.run(&["t", "complete", &id, "--agent", "agent-1"]).ok();
    }
}

fn nothing(_: &Sandbox) {}

pub const SCENES: &[Scene] = &[
    Scene { name: "init", prepare: nothing, directory: "repo", words: &["init"] },
    Scene {
        name: "init on a branch",
        prepare: nothing,
        directory: "repo",
        words: &["init", "--board", "tasks"],
    },
    Scene { name: "add", prepare: tasks, directory: "repo", words: &["t", "add", "w", "New"] },
    Scene { name: "next", prepare: tasks, directory: "repo", words: &["t", "next", "w", "agent-1"] },
    Scene { name: "claim", prepare: tasks, directory: "repo", words: &["t", "claim", "w", FIRST, "agent-1"] },
    Scene {
        name: "complete",
        prepare: claimed,
        directory: "repo",
        words: &["t", "complete", FIRST, "--result", "r"],
    },
    Scene { name: "undo", prepare: claimed, directory: "repo", words: &["undo"] },
    Scene { name: "release", prepare: claimed, directory: "repo", words: &["t", "release", FIRST] },
    Scene {
        name: "acquire",
        prepare: tasks,
        directory: "repo",
        words: &["l", "acquire", "git", "agent-1", "--ttl", "24h"],
    },
    Scene {
        name: "renew",
        prepare: renewed,
        directory: "repo",
        words: &["l", "acquire", "git", "agent-1", "--ttl", "24h"],
    },
    Scene { name: "unlock", prepare: locked, directory: "repo", words: &["l", "release", "git", "agent-1"] },
    Scene { name: "write", prepare: tasks, directory: "repo", words: &["kb", "write", "a/b", "text"] },
    Scene { name: "delete", prepare: documents, directory: "repo", words: &["kb", "delete", "api"] },
    Scene { name: "event", prepare: tasks, directory: "repo", words: &["event", "log", "ada", "deployed"] },
    Scene { name: "import", prepare: data, directory: "repo", words: &["import", "../data"] },
    Scene {
        name: "add on a branch",
        prepare: fixed_branch,
        directory: "repo",
        words: &["t", "add", "w", "New"],
    },
    Scene {
        name: "claim on a branch",
        prepare: fixed_branch,
        directory: "repo",
        words: &["t", "next", "w", "agent-1"],
    },
    Scene {
        name: "claim, followed",
        prepare: followed,
        directory: "repo",
        words: &["t", "next", "w", "agent-1"],
    },
    Scene {
        name: "claim, linked",
        prepare: linked,
        directory: "tree",
        words: &["t", "next", "w", "agent-1"],
    },
    Scene { name: "add, bare", prepare: bare, directory: "bare.git", words: &["t", "add", "w", "New"] },
    Scene {
        name: "claim, bare",
        prepare: bare,
        directory: "bare.git",
        words: &["t", "next", "w", "agent-1"],
    },
    Scene { name: "fold", prepare: many_claims, directory: "repo", words: &["t", "next", "w", "agent-1"] },
];

/// One scene in its own place, which is put back to the beginning before each point.
pub struct Rehearsal {
    pub sandbox: Sandbox,
    scene: &'static Scene,
    words: Vec<String>,
    template: PathBuf,
    is_bare: bool,
    /// One moment for all runs, so that they would make the same commits.
    now: String,
}

impl Rehearsal {
    pub fn of(scene: &'static Scene) -> Self {
        let sandbox = Sandbox::new();
        (scene.prepare)(&sandbox);
        sandbox.write("src.txt", "modified\n");
        sandbox.write("staged.txt", "staged\n");
        sandbox.git(&["add", "staged.txt"]);
        sandbox.write("untracked.txt", "untracked\n");
        let first = sandbox.run(&["--json", "t", "list", "w"]);
        let first: serde_json::Value = serde_json::from_str(&first.out).unwrap_or_default();
        let first = first[0]["id"].as_str().unwrap_or_default().to_owned();
        let words =
            scene.words.iter().map(|word| if *word == FIRST { first.clone() } else { (*word).to_owned() });
        let (words, is_bare) = (words.collect(), scene.directory.ends_with(".git"));
        let template = sandbox.home().with_extension("template");
        copy(sandbox.home(), &template);
        let now = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap().stdout;
        let now = String::from_utf8(now).unwrap().trim().to_owned();
        Self { sandbox, scene, words, template, is_bare, now }
    }

    pub fn reset(&self) {
        for entry in std::fs::read_dir(self.sandbox.home()).unwrap() {
            std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        copy(&self.template, self.sandbox.home());
    }

    pub fn directory(&self) -> PathBuf {
        self.sandbox.home().canonicalize().unwrap().join(self.scene.directory)
    }

    /// The command below `strace`, with the same ids and the same time in every run.
    pub fn traced(&self, options: &[&str]) -> Command {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq"]).args(options).arg(env!("CARGO_BIN_EXE_orchestrator")).args(&self.words);
        command.current_dir(self.directory()).stdout(Stdio::null()).stderr(Stdio::null());
        hermetic(&mut command, self.sandbox.home());
        command.env("ORCHESTRATOR_SEED", "point").env("ORCHESTRATOR_NOW", &self.now);
        command
    }

    /// What any reader sees, but for what every mutation moves.
    pub fn state(&self) -> String {
        let answer = self.sandbox.run_in(&self.directory(), &["--json", "export", "state"]);
        if answer.code == 4 {
            return "no board".to_owned();
        }
        let mut state = answer.ok().json();
        for key in ["version", "updated_at"] {
            state.as_object_mut().unwrap().remove(key);
        }
        let topics = self.sandbox.run_in(&self.directory(), &["kb", "list"]).ok().out;
        let events = self.sandbox.run_in(&self.directory(), &["--json", "events", "--last", "1000"]);
        let events = events.ok().json();
        let own = |event: &&serde_json::Value| event["topic"] != "after";
        let events: Vec<String> =
            events.as_array().unwrap().iter().filter(own).map(ToString::to_string).collect();
        let topics: Vec<&str> =
            topics.lines().filter(|topic| !matches!(*topic, "after" | "(empty)")).collect();
        format!("{state:#}\n{topics:?}\n{}", events.join("\n"))
    }

    pub fn work(&self) -> String {
        let home = self.sandbox.home().canonicalize().unwrap();
        ["repo", "tree"]
            .iter()
            .map(|name| home.join(name))
            .filter(|tree| tree.exists())
            .map(|tree| {
                let git = |words: &[&str]| self.sandbox.git_in(&tree, words);
                git(&["status", "--porcelain=v2"]) + &git(&["diff"]) + &git(&["diff", "--cached"])
            })
            .collect()
    }

    /// The system calls of the command, counted in each of its threads, and whether they change the disk.
    fn calls(&self) -> BTreeMap<(String, usize), bool> {
        self.reset();
        let trace = self.sandbox.home().with_extension("trace");
        assert!(
            self.traced(&["-o", trace.to_str().unwrap()]).status().unwrap().success(),
            "{}",
            self.scene.name
        );
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut calls: BTreeMap<(String, usize), bool> = BTreeMap::new();
        for line in std::fs::read_to_string(&trace).unwrap().lines() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let name: String =
                rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() && rest.contains('(') && !rest.contains("resumed>") {
                let n = counts.entry((thread.to_owned(), name.clone())).or_default();
                *n += 1;
                *calls.entry((name.clone(), *n)).or_default() |= changes(&name, rest);
            }
        }
        std::fs::remove_file(trace).unwrap();
        calls
    }

    /// Kills the command on entering the n-th call; what is wrong afterwards, if it died of it.
    fn point(
        &self,
        syscall: &str,
        n: usize,
        [before, after]: &[String; 2],
        work: &str,
    ) -> Option<Vec<String>> {
        self.reset();
        let inject = format!("inject={syscall}:signal=KILL:when={n}");
        let trace = format!("trace={syscall}");
        let status = self.traced(&["-o", "/dev/null", "-e", &trace, "-e", &inject]).status().unwrap();
        if status.success() {
            return None;
        }
        let mut wrong = Vec::new();
        let mut expect = |is_so: bool, what: &str, found: &str| {
            if !is_so {
                wrong.push(format!("{}: {syscall} #{n}: {what}: {found}", self.scene.name));
            }
        };
        let seen = self.state();
        let between = difference(before, &seen) + &difference(after, &seen);
        expect(seen == *before || seen == *after, "a reader sees something between", &between);
        let directory = self.directory();
        let again: &[&str] =
            if self.scene.words[0] == "init" { self.scene.words } else { &["kb", "write", "after", "x"] };
        let next = self.sandbox.run_in(&directory, again);
        expect(next.code == 0, "the next command fails", &format!("{next:?}"));
        if self.scene.words[0] != "init" {
            let now = self.state();
            expect(now == seen, "what was seen did not stay true", &difference(&seen, &now));
        }
        let home = self.sandbox.home().canonicalize().unwrap();
        if !self.is_bare {
            let now = self.work();
            expect(now == work, "the user's work changed", &now);
            let seen = self.state();
            let mut commit = Command::new("git");
            commit.args(["commit", "-q", "-m", "Mine", "--", "src.txt"]).current_dir(&self.sandbox.root);
            hermetic(&mut commit, self.sandbox.home());
            let commit = commit.output().unwrap();
            expect(commit.status.success(), "a commit of the user fails", &format!("{commit:?}"));
            let now = self.state();
            expect(now == seen, "a commit of the user changed the board", &difference(&seen, &now));
        }
        for name in ["repo", "bare.git"] {
            let root = home.join(name);
            if root.exists() {
                let said = self.sandbox.git_in(&root, &["fsck", "--strict", "--no-dangling"]);
                expect(said.is_empty(), "git fsck", &said);
            }
        }
        let left = leftovers(&home);
        expect(left.is_empty(), "files are left", &format!("{left:?}"));
        if seen == *after && seen != *before && !self.is_bare {
            self.reset();
            assert!(
                !self.traced(&["-o", "/dev/null", "-e", &trace, "-e", &inject]).status().unwrap().success()
            );
            let (now, seen) = (entities(&self.commit_without_us()), entities(&seen));
            expect(now == seen, "an impatient commit undid it", &difference(&seen, &now));
        }
        Some(wrong)
    }

    /// The user takes the lock files away, as git advises, and commits what is staged, all before a command
    /// of ours can put anything right; what a reader sees then.
    fn commit_without_us(&self) -> String {
        let home = self.sandbox.home().canonicalize().unwrap();
        let is_lock = |path: &&String| path.ends_with(".lock");
        for lock in leftovers(&home).iter().filter(is_lock) {
            std::fs::remove_file(lock).unwrap();
        }
        let trees = ["repo", "tree"].iter().map(|name| home.join(name)).filter(|tree| tree.exists());
        for tree in trees {
            self.sandbox.git_in(&tree, &["commit", "-q", "--allow-empty", "-m", "Mine"]);
        }
        self.state()
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        let _temporary = std::fs::remove_dir_all(&self.template);
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(status.success());
}

/// A state without its events, and without the times that the log tells: a commit that somebody else makes of
/// a change that is published in part tells of it in other words.
fn entities(state: &str) -> String {
    let is_kept = |line: &&str| !line.starts_with("{\"ts\"") && !line.contains("\"updated_at\"");
    state.lines().filter(is_kept).map(|line| format!("{line}\n")).collect()
}

/// The lines that are only in one of two texts.
pub fn difference(one: &str, two: &str) -> String {
    let only = |text: &str, other: &str, mark: &str| -> String {
        let lines = text.lines().filter(|line| !other.lines().any(|known| known == *line));
        lines.map(|line| format!("\n  {mark}{line}")).collect()
    };
    only(one, two, "-") + &only(two, one, "+")
}

pub fn leftovers(root: &Path) -> Vec<String> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .filter_map(Result::ok)
        .map(|entry| entry.path().display().to_string())
        .filter(|path| {
            path.ends_with(".lock")
                || path.ends_with("orchestrator-tmp")
                || path.ends_with("orchestrator.index")
        })
        .collect()
}

/// Whether a line of a trace changes what is on the disk. Killed between two such calls, a process leaves
/// the same state whichever call it was that it did not come to.
fn changes(name: &str, line: &str) -> bool {
    const CHANGES: &[&str] = &[
        "write",
        "pwrite64",
        "link",
        "linkat",
        "rename",
        "renameat",
        "renameat2",
        "unlink",
        "unlinkat",
        "mkdir",
        "mkdirat",
        "rmdir",
        "ftruncate",
        "fchmod",
        "fsync",
        "fdatasync",
        "flock",
        "exit_group",
    ];
    CHANGES.contains(&name) || (name == "openat" && line.contains("O_CREAT"))
}

/// How much of it is tried.
#[derive(Clone, Copy)]
enum Sweep {
    /// A part of the calls that change the disk.
    Sample,
    Changes,
    All,
}

/// How many points of a scene were tried, and what was wrong.
fn sweep(scene: &'static Scene, how: Sweep) -> (usize, Vec<String>) {
    let rehearsal = Rehearsal::of(scene);
    let (before, work) = (rehearsal.state(), rehearsal.work());
    let calls = rehearsal.calls();
    let states = [before, rehearsal.state()];
    assert!(states[0] != states[1] || scene.name == "renew", "{} changes nothing", scene.name);
    assert_eq!(rehearsal.work(), work, "{}", scene.name);
    let (mut tried, mut wrong, mut turn) = (0, Vec::new(), 0);
    // Three of each scene, spread over it.
    let stride = (calls.values().filter(|changes| **changes).count() / 3).max(1);
    for ((syscall, n), changes) in &calls {
        turn += usize::from(*changes);
        let is_chosen = match (std::env::var("POINT"), how) {
            (Ok(point), _) => point == format!("{syscall}:{n}"),
            (Err(_), Sweep::Sample) => *changes && turn % stride == 0,
            (Err(_), Sweep::Changes) => *changes,
            (Err(_), Sweep::All) => true,
        };
        if !is_chosen {
            continue;
        }
        if let Some(found) = rehearsal.point(syscall, *n, &states, &work) {
            tried += 1;
            wrong.extend(found);
        }
        // What is broken may hang at each point until its patience ends.
        if wrong.len() > 3 {
            break;
        }
    }
    (tried, wrong)
}

#[test]
fn a_kill_leaves_before_or_after_and_the_next_command_goes_on() {
    if !can_trace() {
        return;
    }
    let how = match std::env::var("SWEEP").as_deref() {
        Ok("all") => Sweep::All,
        Ok("changes") => Sweep::Changes,
        _ => Sweep::Sample,
    };
    let only = std::env::var("SCENE").ok();
    let scenes: Vec<&'static Scene> =
        SCENES.iter().filter(|scene| only.as_ref().is_none_or(|only| only == scene.name)).collect();
    sweep_all(&scenes, &|scene| sweep(scene, how));
}

/// Sweeps scenes, two at a time: each answers how many points it tried, and what was wrong.
pub(super) fn sweep_all(
    scenes: &[&'static Scene],
    sweep: &(dyn Fn(&'static Scene) -> (usize, Vec<String>) + Sync),
) {
    let (next, tried) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut wrong = Vec::new();
            while let Some(scene) = scenes.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (points, found) = sweep(scene);
                println!("{}: {points} points, {} failures", scene.name, found.len());
                found.iter().for_each(|what| println!("  {what}"));
                tried.fetch_add(points, Ordering::Relaxed);
                wrong.extend(found);
            }
            wrong
        };
        let both = [scope.spawn(work), scope.spawn(work)];
        both.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let first = wrong[..wrong.len().min(5)].join("\n");
    assert!(wrong.is_empty(), "{} failures, the first:\n{first}", wrong.len());
    assert!(tried.load(Ordering::Relaxed) > 0, "nothing was tried");
    println!("{tried:?} points, 0 failures");
}
