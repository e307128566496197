//! Honest histories, made by chance, in which `verify` and `check` must find nothing wrong.
//!
//! A history is made of commands and of plain git. Commands are words, understood and run in this process, with a clock
//! and a source of chance of the history's own; git is started. A seed makes the same history again. What it holds:
//! every command that changes a board, batches and imports among them; undoing, and undoing that; several agents; a
//! clock that jumps over what expires and goes back by less than the slack; other files' commits, amended too; files of
//! the board that somebody edits; reverts; in one history of [`HEAVY`] also branches, worktrees and clones that work
//! side by side and land in the ways git has.
//!
//! ```text
//! HONEST=10000 SEED=1 cargo test --profile sweep --lib honest -- --nocapture    so many, from this seed on
//! HONEST=1 SEED=77 TOLD=1 …                                                     one, and what it was made of
//! ```
//!
//! The file is long because the histories are many: each kind of step is a few lines of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::Value;

use crate::cli::parsed;
use crate::engine::{self, Driven, Env, Markers, Orchestrator, VerifyRequest};
use crate::model::{Code, Refusal, Severity, Timestamp};
use crate::views::verify::Verification;

use super::{App, batch, dispatch};

/// Of so many histories one has branches, worktrees or clones.
const HEAVY: u64 = 10;
/// How many are made where nobody says how many: a few seconds.
const SAMPLE: u64 = 60;
/// Of so many histories one has its finished claims archived.
const ARCHIVED: u64 = 97;
/// The name of the test that merges a file where git asks for it.
const DRIVER: &str = "cli::commands::honest::merges_a_file_as_git_asks";

const MINUTE: i64 = 60_000;
/// By how much clocks differ at most: less than what `verify` allows.
const SKEW: i64 = 9 * MINUTE;

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    /// Once in so many times.
    fn is_one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        from[self.below(from.len())]
    }
}

/// One history.
struct History {
    directory: tempfile::TempDir,
    /// The repository in which the next command is run.
    site: PathBuf,
    board: Option<String>,
    seed: u64,
    dice: Dice,
    /// The clock, in milliseconds since 1970, and the latest that it showed.
    now: i64,
    latest: i64,
    calls: u64,
    /// The tasks that are worked on here.
    tasks: Vec<String>,
    /// The agents who do it.
    crew: &'static str,
    /// Warnings that are right: a code and a path.
    right: BTreeSet<(String, String)>,
    /// What was done.
    told: Vec<String>,
    /// Whether something was deleted past the program, or on one branch alone: then others may still name it, and `check`
    /// is right to say so.
    is_cut: bool,
    /// False alarms, and what no honest command answers.
    wrongs: Vec<String>,
}

fn exe() -> String {
    std::env::current_exe().unwrap().display().to_string()
}

/// A repository as `git init` makes one, without starting git.
fn plant(root: &Path, with_driver: bool) {
    let git = root.join(".git");
    std::fs::create_dir_all(git.join("objects")).unwrap();
    std::fs::create_dir_all(git.join("refs/heads")).unwrap();
    std::fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    configure(&git, with_driver, "[core]\n\trepositoryformatversion = 0\n\tbare = false\n");
}

fn configure(git: &Path, with_driver: bool, before: &str) {
    let driver = if with_driver {
        format!(
            "HONEST_O=%O HONEST_A=%A HONEST_B=%B HONEST_P=%P '{}' -q --exact {DRIVER} >/dev/null 2>&1",
            exe()
        )
    } else {
        "git merge-file --marker-size=%L %A %O %B".to_owned()
    };
    let text = format!(
        "{before}\tlogAllRefUpdates = true\n[user]\n\tname = Ada\n\temail = ada@example.org\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[advice]\n\tdetachedHead = false\n[uploadpack]\n\tallowFilter = true\n[merge \"orchestrator\"]\n\tname = of the board\n\tdriver = \"{driver}\"\n"
    );
    std::fs::write(git.join("config"), text).unwrap();
}

impl History {
    fn new(seed: u64) -> Self {
        let memory = Path::new("/dev/shm");
        let mut builder = tempfile::Builder::new();
        builder.prefix("honest-");
        let made = if memory.is_dir() { builder.tempdir_in(memory) } else { builder.tempdir() };
        let directory = made.unwrap();
        let site = directory.path().join("repo");
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let is_unborn = dice.is_one_in(2);
        let is_on_branch = dice.is_one_in(12);
        let now = Timestamp::parse("2026-02-06T07:36:59.474Z").unwrap().millis();
        let mut history = Self {
            directory,
            site,
            board: None,
            seed,
            dice,
            now,
            latest: now,
            calls: 0,
            tasks: Vec::new(),
            crew: "a",
            right: BTreeSet::new(),
            told: Vec::new(),
            is_cut: false,
            wrongs: Vec::new(),
        };
        plant(&history.site, true);
        if !is_unborn || is_on_branch {
            history.write("src.txt", "one\n");
            history.git(&["add", "."]);
            history.git(&["commit", "-q", "-m", "Begin"]);
        }
        if is_on_branch {
            history.board = Some("orchestrator".to_owned());
        }
        history.init();
        let first = history.run(&["t", "add", "w", "The first"]).unwrap();
        history.tasks.push(first["id"].as_str().unwrap().to_owned());
        history
    }

    fn init(&mut self) {
        let mut options = engine::Options::new(&self.site);
        options.board.clone_from(&self.board);
        engine::init(options, self.env()).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        self.run(&["ws", "create", "w"]).unwrap();
        self.run(&["ws", "create", "v", "The other", "2"]).unwrap();
    }

    fn env(&mut self) -> Env {
        self.calls += 1;
        let seed = format!("{} {}", self.seed, self.calls);
        Env::fixed(Timestamp::from_millis(self.now), &seed)
    }

    /// Lets some time pass; or, by another clock, go back.
    fn pass(&mut self) {
        let minutes = match self.dice.below(12) {
            0 => 0,
            1 => -(self.dice.below(8) as i64),
            2 => 30 + self.dice.below(40) as i64,
            3 => 60 * self.dice.below(30) as i64,
            _ => self.dice.below(5) as i64,
        };
        let next = self.now + minutes * MINUTE + self.dice.below(60_000) as i64;
        self.now = next.max(self.latest - SKEW);
        self.latest = self.latest.max(self.now);
    }

    /// Runs a command, and tells what it answers. What is refused is an answer, what is damaged is none.
    fn run(&mut self, words: &[&str]) -> Option<Value> {
        let site = self.site.display().to_string();
        let all = ["orchestrator", "-C", &site].into_iter().chain(words.iter().copied());
        let answer = self.answer(all.map(Into::into).collect(), None);
        self.note(words.join(" "), answer)
    }

    fn note(&mut self, what: String, answer: Result<Value, Refusal>) -> Option<Value> {
        let at = Timestamp::from_millis(self.now);
        let place = self.site.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (value, outcome) = match answer {
            Ok(value) => (Some(value), "done".to_owned()),
            Err(refusal) => {
                // Refused, or against a rule of words.
                if !matches!(refusal.code.exit(), 1 | 2) {
                    self.wrongs.push(format!("`{what}`: {refusal:?}"));
                }
                (None, refusal.message)
            }
        };
        self.told.push(format!("{at} {place}: {what}: {outcome}"));
        value
    }

    fn answer(
        &mut self,
        words: Vec<std::ffi::OsString>,
        requests: Option<&[(usize, Vec<String>)]>,
    ) -> Result<Value, Refusal> {
        let cli = parsed(words.clone()).map_err(|error| {
            Refusal::new(Code::Internal, format!("{words:?} are no words of ours: {error}"))
        })?;
        let mut options = super::options(&cli.global)?;
        options.no_agent = None;
        options.board = None;
        let agent_is_typed = cli.global.typed.has("actor");
        if !agent_is_typed {
            options.agent = None;
        }
        let board = Rc::new(Orchestrator::open(options.clone(), self.env())?);
        board.note_presence(options.agent.as_ref());
        let app = App { options, quiet: true, agent_is_typed, batch: Some(board), shown: Default::default() };
        let report = match requests {
            Some(requests) => batch::together(&app, requests)?,
            None => dispatch(&app, cli.command.0)?,
        };
        if let Some(damage) = report.damage() {
            return Err(damage);
        }
        if requests.is_some() { Ok(Value::Null) } else { report.document() }
    }

    fn batch(&mut self, requests: &[Vec<String>]) -> Option<Value> {
        let numbered: Vec<(usize, Vec<String>)> =
            requests.iter().enumerate().map(|(at, words)| (at + 1, words.clone())).collect();
        let site = self.site.display().to_string();
        let words = ["orchestrator", "-C", &site, "batch"].map(Into::into);
        let answer = self.answer(words.to_vec(), Some(&numbered));
        let what = format!("batch {requests:?}");
        self.note(what, answer)
    }

    /// Whether git did it.
    fn try_git(&mut self, words: &[&str]) -> bool {
        let output = self.git_output(words);
        output.status.success()
    }

    fn git_output(&mut self, words: &[&str]) -> std::process::Output {
        let mut command = Process::new("git");
        command.args(words).current_dir(&self.site).stdin(std::process::Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("GIT_") || name.starts_with("ORCHESTRATOR_") {
                command.env_remove(&*name);
            }
        }
        let at = Timestamp::from_millis(self.now).to_string();
        command
            .env("HOME", self.directory.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_DATE", &at)
            .env("GIT_COMMITTER_DATE", &at)
            .env("GIT_EDITOR", "true")
            .env("LC_ALL", "C");
        let output = command.output().unwrap();
        let place = self.site.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let outcome = if output.status.success() { "done" } else { "not done" };
        self.told.push(format!("{at} {place}: git {}: {outcome}", words.join(" ")));
        output
    }

    /// What git prints, where it must be able to do it.
    fn git(&mut self, words: &[&str]) -> String {
        let output = self.git_output(words);
        assert!(
            output.status.success(),
            "seed {}: git {words:?}: {output:?}\n{}",
            self.seed,
            self.told.join("\n")
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.site.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A task of the latest, any agent, and a word.
    fn task(&mut self) -> String {
        match self.tasks.len() {
            0 => "00000000".to_owned(),
            count => self.tasks[count - 1 - self.dice.below(count.min(8))].clone(),
        }
    }

    fn agent(&mut self) -> String {
        format!("{}-{}", self.crew, self.dice.below(4))
    }

    fn word(&mut self) -> &'static str {
        self.dice.pick(&["pay", "Ship it", "no", "1e3", "line\nand line", "über #1: x", "", "~ | > -"])
    }

    /// One command, by chance.
    fn command(&mut self) {
        self.pass();
        let (agent, id, word) = (self.agent(), self.task(), self.word());
        let (agent, id) = (agent.as_str(), id.as_str());
        let other = self.task();
        let number = self.dice.below(9).to_string();
        let resource = self.dice.pick(&["git", "src/main.rs", "db migration"]);
        let topic = self.dice.pick(&["api", "api/errors", "how"]);
        let by = ["--agent", agent];
        match self.dice.below(46) {
            0..=4 => {
                let title = if word.trim().is_empty() || word.contains('\n') { "A task" } else { word };
                let own = if self.crew == "b" { "of-b" } else { "w" };
                let mut words = vec!["t", "add", own, title, "--priority", &number];
                if self.dice.is_one_in(3) && !self.tasks.is_empty() {
                    words.extend(["--depends-on", &other]);
                }
                if self.dice.is_one_in(3) {
                    words.extend(["--label", "x", "--estimate", "2h", "--description", word]);
                }
                if self.dice.is_one_in(2) {
                    words.extend(by);
                }
                let added = self.run(&words);
                self.tasks.extend(added.and_then(|task| Some(task["id"].as_str()?.to_owned())));
            }
            5..=7 => {
                let own = if self.crew == "b" { "of-b" } else { "w" };
                self.run(&["t", "next", own, agent]);
            }
            8..=10 => drop(self.run(&["t", "claim", "w", id, agent])),
            11 => drop(self.run(&["t", "claim", id, "--take-over", "--agent", agent])),
            12..=14 => drop(self.run(&["t", "complete", id, "--result", word, "--agent", agent])),
            15 | 16 => drop(self.run(&["t", "complete", "w", id])),
            17 => drop(self.run(&["t", "release", id, "--agent", agent])),
            18 => drop(self.run(&["t", "release", id])),
            19 => drop(self.run(&["t", "release", id, "--stale", "--agent", agent])),
            20 | 21 => drop(self.run(&["t", "block", id, "--reason", "It waits", "--agent", agent])),
            22 => drop(self.run(&["t", "unblock", id, "--agent", agent])),
            23 => drop(self.run(&["t", "reopen", id, "--agent", agent])),
            24 => drop(self.run(&["t", "cancel", id, "--reason", "Not needed", "--agent", agent])),
            25 => drop(self.run(&["t", "update", id, "--title", "Better", "--priority", &number])),
            26 => drop(self.run(&["t", "update", id, "--description", word, "--add-label", agent])),
            27 => drop(self.run(&["t", "update", id, "--remove-label", "x", "--estimate", "1d"])),
            28 => drop(self.run(&["t", "update", id, "--add-dependency", &other])),
            29 => drop(self.run(&["t", "update", id, "--remove-dependency", &other])),
            30 => {
                let ws = self.dice.pick(if self.crew == "b" { &["v", "of-b"] } else { &["v", "w"] });
                drop(self.run(&["t", "update", id, "--workstream", ws, "--agent", agent]));
            }
            31 | 32 => drop(self.run(&["kb", "write", topic, word, "--agent", agent])),
            33 => drop(self.run(&["kb", "delete", topic, "--agent", agent])),
            34 | 35 => {
                let ttl = self.dice.pick(&["1s", "60s", "9m", "24h"]);
                drop(self.run(&["l", "acquire", resource, agent, "--ttl", ttl]));
            }
            36 => drop(self.run(&["l", "release", resource, agent])),
            37 => {
                let held = self.run(&["l", "show", resource]);
                let epoch = held.and_then(|lock| lock["fencing_token"].as_u64().or(lock["epoch"].as_u64()));
                if let Some(epoch) = epoch {
                    let epoch = epoch.to_string();
                    let why = ["--force", "--epoch", &epoch, "--reason", "It crashed"];
                    let words: Vec<&str> = ["l", "release", resource, agent].into_iter().chain(why).collect();
                    self.run(&words);
                }
            }
            38 => drop(self.run(&["a", "register", agent, "worker", "--capability", "rust"])),
            39 => drop(self.run(&["event", "log", agent, "deployed", "--data", "{\"to\":\"here\"}"])),
            40 | 41 => drop(self.run(&["undo", "--agent", agent])),
            42 => drop(self.run(&["undo"])),
            43 => {
                let last = self.run(&["events", "--last", "9"]);
                let ids: Vec<String> = last
                    .iter()
                    .filter_map(Value::as_array)
                    .flatten()
                    .filter_map(|event| Some(event["id"].as_str()?.to_owned()))
                    .collect();
                if !ids.is_empty() {
                    let chosen = ids[self.dice.below(ids.len())].clone();
                    self.run(&["undo", &chosen, "--agent", agent]);
                }
            }
            44 => {
                let status = self.dice.pick(&["active", "closed"]);
                self.run(&["ws", "update", "v", "--status", status, "--priority", &number]);
                self.run(&["collect"]);
            }
            _ => self.one_batch(agent, id, word),
        }
    }

    fn one_batch(&mut self, agent: &str, id: &str, word: &str) {
        let mut lines: Vec<Vec<String>> = Vec::new();
        let mut add = |words: &[&str]| lines.push(words.iter().map(|word| (*word).to_owned()).collect());
        add(&["t", "add", if self.crew == "b" { "of-b" } else { "w" }, "Of a batch", "--agent", agent]);
        match self.dice.below(5) {
            0 => {
                add(&["t", "claim", "@1", "--agent", agent]);
                add(&["t", "complete", "@1", "--result", word, "--agent", agent]);
            }
            1 => {
                add(&["t", "claim", id, "--agent", agent]);
                add(&["t", "update", "@1", "--title", "Another", "--add-dependency", id]);
            }
            2 => {
                add(&["t", "claim", "@1", "--agent", agent]);
                add(&["t", "block", "@1", "--reason", "It waits", "--agent", agent]);
                add(&["t", "unblock", "@1", "--agent", agent]);
                add(&["t", "release", "@1", "--agent", agent]);
            }
            3 => {
                add(&["t", "cancel", "@1", "--reason", "No", "--agent", agent]);
                add(&["t", "reopen", "@1", "--agent", agent]);
                add(&["l", "acquire", "of a batch", agent]);
            }
            _ => {
                add(&["kb", "write", "batch", word, "--agent", agent]);
                add(&["a", "register", "batcher", "worker"]);
                add(&["event", "log", agent, "batched"]);
            }
        }
        self.batch(&lines);
    }

    /// Something that somebody does past the program.
    fn by_hand(&mut self) {
        self.pass();
        // A board on a branch of its own is edited where that is checked out.
        let choices = if self.board.is_some() { 2 } else { 12 };
        let round = self.told.len();
        match self.dice.below(choices) {
            0 => {
                self.write("src.txt", &format!("{round}\n"));
                self.git(&["add", "src.txt"]);
                self.git(&["commit", "-q", "-m", "Work"]);
            }
            1 => {
                self.git(&["commit", "-q", "--allow-empty", "-m", "Nothing"]);
                self.pass();
                self.git(&["commit", "-q", "--amend", "--allow-empty", "-m", "Work that is told better"]);
            }
            2 | 3 => self.revert(),
            4 => {
                // Before the latest commits, plain ones are told better.
                let is_plain = self.git(&["log", "-1", "--format=%s"]).starts_with("Work");
                if is_plain {
                    self.git(&["commit", "-q", "--amend", "--allow-empty", "--no-edit", "--reset-author"]);
                }
            }
            5 => {
                let seconds = 10 + self.dice.below(50);
                let text = format!("format: 1\nclaims:\n  stale_after: {seconds}m\n");
                self.write(".orchestrator/config.yaml", &text);
                self.try_git(&["commit", "-q", "-am", "Claims are stale sooner"]);
            }
            _ => self.edit(),
        }
    }

    fn revert(&mut self) {
        let back = self.dice.below(3);
        let which = format!("HEAD~{back}");
        if !self.try_git(&["rev-parse", "-q", "--verify", &format!("{which}~1")]) {
            return;
        }
        // Who takes back that there is a board has none.
        let about = self.git(&["show", "--format=", "--name-only", &which]);
        if about.contains("config.yaml") {
            return;
        }
        self.is_cut = true;
        if !self.try_git(&["revert", "--no-edit", &which]) {
            self.try_git(&["revert", "--abort"]);
        }
    }

    /// Edits a file of the board, as an editor does, and commits it.
    fn edit(&mut self) {
        let id = self.task();
        let path = format!(".orchestrator/tasks/{}/{id}.yaml", &id[..2]);
        let Ok(text) = std::fs::read_to_string(self.site.join(&path)) else { return };
        let replaced = match self.dice.below(6) {
            0 => replace_line(&text, "title: ", "title: By hand"),
            1 => replace_line(&text, "priority: ", "priority: 3"),
            2 => replace_line(&text, "labels: ", "labels: [by-hand]"),
            3 => format!("{text}# A remark\n"),
            4 if text.contains("\nstatus: pending\n") => {
                // Nobody's command leaves it without a time, and that is told.
                self.right.insert(("hand_edit".to_owned(), path.clone()));
                replace_line(&text, "status: ", "status: done")
            }
            _ if text.contains("\nstatus: pending\n") => {
                self.right.insert(("deleted".to_owned(), path.clone()));
                self.is_cut = true;
                self.git(&["rm", "-q", &path]);
                self.git(&["commit", "-q", "-m", "Not needed"]);
                return;
            }
            _ => return,
        };
        self.write(&path, &replaced);
        self.try_git(&["commit", "-q", "-am", "By hand"]);
    }

    /// Some commands, and things done by hand.
    fn work(&mut self, steps: usize) {
        for _ in 0..steps {
            if self.dice.is_one_in(6) {
                self.by_hand();
            } else {
                self.command();
            }
        }
    }

    /// Enough finished claims that they are archived, and some that are taken again.
    fn archive(&mut self) {
        let of = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
        for round in 0..2 {
            self.pass();
            let mut lines = Vec::new();
            for at in 0..35 {
                let line = lines.len() + 1;
                lines.push(of(&["t", "add", "v", "One of many"]));
                lines.push(of(&["t", "claim", &format!("@{line}"), "--agent", "a-0"]));
                let end: &[&str] = match (at + round) % 3 {
                    0 => &["t", "release"],
                    _ => &["t", "complete"],
                };
                let mut end = of(end);
                end.extend(of(&[&format!("@{line}"), "--agent", "a-0"]));
                lines.push(end);
            }
            self.batch(&lines);
        }
        let known: Vec<String> = self
            .run(&["t", "list", "v"])
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(|task| Some(task["id"].as_str()?.to_owned()))
            .collect();
        self.tasks.extend(known.into_iter().take(30));
    }

    /// Goes on in another repository with what this one exports.
    fn move_out(&mut self) {
        let out = self.directory.path().join("exported").display().to_string();
        if self.run(&["export", "all", &out]).is_none() {
            return;
        }
        self.site = self.directory.path().join("moved");
        self.board = None;
        plant(&self.site, true);
        self.pass();
        let options = engine::Options::new(&self.site);
        engine::init(options, self.env()).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        if self.dice.is_one_in(2) {
            self.run(&["kb", "write", "before", "the import"]);
        }
        if self.run(&["import", &out]).is_none() && !self.is_cut {
            self.wrongs.push(format!("what was exported is not imported: {:?}", self.told.last()));
        }
        if self.dice.is_one_in(3) {
            self.run(&["import", &out]);
        }
    }

    /// Branches of one repository, worked on in turns or side by side, that land in each way.
    fn branches(&mut self) {
        let home = self.site.clone();
        self.is_cut = true;
        for round in 0..1 + self.dice.below(3) {
            let branch = format!("side-{round}");
            let aside = home.with_file_name(&branch);
            let is_beside = self.dice.is_one_in(2);
            if is_beside {
                self.git(&["worktree", "add", "-q", "-b", &branch, &aside.display().to_string()]);
                for _ in 0..2 + self.dice.below(6) {
                    self.site = if self.dice.is_one_in(2) { aside.clone() } else { home.clone() };
                    let steps = 1 + self.dice.below(2);
                    self.work(steps);
                }
                self.site = home.clone();
                self.verify("before it lands");
                self.git(&["worktree", "remove", "--force", &aside.display().to_string()]);
            } else {
                self.git(&["switch", "-q", "-c", &branch]);
                let steps = 1 + self.dice.below(5);
                self.work(steps);
                self.git(&["switch", "-q", "main"]);
                let steps = self.dice.below(5);
                self.work(steps);
            }
            self.pass();
            self.land(&branch);
        }
    }

    /// Decides whatever conflicts for one side, file by file, and ends the merge.
    fn decide(&mut self) {
        let left = self.git(&["diff", "--name-only", "--diff-filter=U"]);
        for path in left.lines() {
            let side = self.dice.pick(&["--ours", "--theirs"]);
            if !self.try_git(&["checkout", side, "--", path]) {
                // The side that has it not removed it.
                self.git(&["rm", "-q", "--", path]);
                continue;
            }
            self.git(&["add", "--", path]);
        }
        self.git(&["commit", "-q", "--no-edit"]);
    }

    fn merge(&mut self, words: &[&str]) {
        let all: Vec<&str> = ["merge", "-q", "--no-edit"].iter().chain(words).copied().collect();
        if !self.try_git(&all) {
            if self.try_git(&["rev-parse", "-q", "--verify", "MERGE_HEAD"]) {
                self.decide();
            } else {
                self.wrongs.push(format!("git did not even begin to merge: {words:?}"));
            }
        }
    }

    fn land(&mut self, branch: &str) {
        let attributes = self.site.join(".git/info/attributes");
        if self.dice.is_one_in(3) {
            // As text, without our driver.
            std::fs::create_dir_all(attributes.parent().unwrap()).unwrap();
            std::fs::write(&attributes, "* merge\n").unwrap();
        }
        match self.dice.below(9) {
            0..=2 => self.merge(&[branch]),
            3 => {
                let side = self.dice.pick(&["ours", "theirs"]);
                self.merge(&["-X", side, branch]);
            }
            4 => {
                self.git(&["switch", "-q", branch]);
                let is_rebased = self.try_git(&["rebase", "-q", "main"]);
                if !is_rebased {
                    self.try_git(&["rebase", "--abort"]);
                }
                self.git(&["switch", "-q", "main"]);
                if is_rebased {
                    self.git(&["merge", "-q", "--ff-only", branch]);
                }
            }
            5 => {
                if self.try_git(&["merge", "-q", "--squash", branch]) {
                    let has_words = std::fs::read_to_string(self.site.join(".git/SQUASH_MSG"))
                        .is_ok_and(|text| !text.trim().is_empty());
                    let words: &[&str] = match self.dice.below(2) {
                        0 if has_words => &["commit", "-q", "--allow-empty", "--no-edit"],
                        _ => &["commit", "-q", "--allow-empty", "-m", "Land it"],
                    };
                    self.git(words);
                    // What was undone is deleted, and nothing says so any more.
                    let gone = self.git(&["show", "--format=", "--name-only", "--diff-filter=D", "HEAD"]);
                    if !words.contains(&"--no-edit") {
                        self.right.extend(gone.lines().map(|path| ("deleted".to_owned(), path.to_owned())));
                    }
                    self.git(&["branch", "-q", "-D", branch]);
                } else {
                    self.git(&["reset", "-q", "--merge"]);
                }
            }
            6 => {
                if !self.try_git(&["cherry-pick", &format!("main..{branch}")]) {
                    self.try_git(&["cherry-pick", "--abort"]);
                }
            }
            7 => {
                // Into each other.
                let tip = self.git(&["rev-parse", "main"]);
                self.merge(&[branch]);
                self.git(&["switch", "-q", branch]);
                self.pass();
                self.merge(&[&tip]);
                self.git(&["switch", "-q", "main"]);
                self.pass();
                self.merge(&["--no-ff", branch]);
            }
            // It never lands.
            _ => drop(self.git(&["branch", "-q", "-D", branch])),
        }
        let _may_not_be_there = std::fs::remove_file(&attributes);
    }

    /// Two clones of one repository that pull and push, each with tasks and agents of its own.
    fn clones(&mut self) {
        let home = self.directory.path().to_owned();
        let origin = home.join("origin.git").display().to_string();
        let (one, two) = (self.site.clone(), home.join("clone"));
        self.git(&["clone", "-q", "--bare", ".", &origin]);
        self.git(&["remote", "add", "origin", &origin]);
        self.git(&["fetch", "-q", "origin"]);
        self.git(&["branch", "-q", "--set-upstream-to", "origin/main"]);
        self.git(&["clone", "-q", &origin, &two.display().to_string()]);
        configure(Path::new(&origin), true, "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
        let remote = format!(
            "[remote \"origin\"]\n\turl = {origin}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
        );
        let has_driver = self.dice.is_one_in(2);
        configure(&two.join(".git"), has_driver, &remote);
        let own: [&Path; 2] = [&one, &two];
        // Each has tasks of its own, whatever the other one sees of them.
        let mut tasks = [std::mem::take(&mut self.tasks), Vec::new()];
        self.is_cut = true;
        self.site = two.clone();
        self.run(&["ws", "create", "of-b"]);
        self.git(&["push", "-q", "origin", "HEAD:main"]);
        for _ in 0..2 + self.dice.below(4) {
            let turn = self.dice.below(2);
            self.site = own[turn].to_owned();
            self.crew = ["a", "b"][turn];
            self.tasks = std::mem::take(&mut tasks[turn]);
            let steps = 1 + self.dice.below(5);
            self.work(steps);
            tasks[turn] = std::mem::take(&mut self.tasks);
            self.pass();
            if self.dice.is_one_in(4) {
                // Not every turn meets the other side.
                continue;
            }
            self.git(&["fetch", "-q"]);
            if self.dice.is_one_in(3) {
                if !self.try_git(&["rebase", "-q", "origin/main"]) {
                    self.git(&["rebase", "--abort"]);
                    self.merge(&["origin/main"]);
                }
            } else {
                self.merge(&["origin/main"]);
            }
            self.git(&["push", "-q", "origin", "HEAD:main"]);
            self.verify("after it was pushed");
        }
        for site in own {
            self.site = site.to_owned();
            self.verify("a clone at its end");
        }
        self.copies(&origin);
    }

    /// A fresh clone: whole, or one that does not hold all.
    fn copies(&mut self, of: &str) {
        let home = self.directory.path().to_owned();
        let (back, url) = (self.site.clone(), format!("file://{of}"));
        let depth = format!("--depth={}", 1 + self.dice.below(12));
        let copies: [(&str, &[&str]); 3] =
            [("whole", &[]), ("shallow", &[&depth]), ("partial", &["--filter=blob:none"])];
        let (name, words) = copies[self.dice.below(3)];
        let at = home.join(format!("{name}-{}", self.told.len()));
        let there = at.display().to_string();
        let all: Vec<&str> =
            ["clone", "-q"].iter().chain(words).copied().chain([url.as_str(), &there]).collect();
        self.git(&all);
        self.site = at;
        self.verify(name);
        self.site = back;
    }

    /// Whatever is above a note, and not right, is wrong.
    fn verify(&mut self, when: &str) {
        let options = engine::Options::new(&self.site);
        let found: Result<Verification, Refusal> = Orchestrator::open(options.clone(), self.env())
            .and_then(|board| board.verify(&VerifyRequest::default()));
        match found {
            Ok(found) => {
                for finding in found.findings.iter().filter(|finding| finding.severity != Severity::Note) {
                    let place = (finding.code.to_owned(), finding.path.clone().unwrap_or_default());
                    if finding.severity != Severity::Warning || !self.right.contains(&place) {
                        self.wrongs.push(format!("verify, {when}: {finding:?}"));
                    }
                }
            }
            Err(refusal) => self.wrongs.push(format!("verify, {when}: {refusal:?}")),
        }
        match engine::check(&options, None) {
            Ok(found) => {
                let is_right =
                    |code: &str| self.is_cut && matches!(code, "unknown_task" | "unknown_workstream");
                let alarms: Vec<_> = found.flaws.iter().filter(|flaw| !is_right(&flaw.code)).collect();
                for flaw in alarms {
                    self.wrongs.push(format!("check, {when}: {flaw:?}"));
                }
            }
            Err(refusal) => self.wrongs.push(format!("check, {when}: {refusal:?}")),
        }
    }

    fn play(&mut self) {
        let steps = 6 + self.dice.below(18);
        self.work(steps);
        if self.seed.is_multiple_of(ARCHIVED) {
            self.archive();
            self.work(20);
        }
        if self.board.is_none() && self.seed.is_multiple_of(HEAVY) {
            match self.dice.below(3) {
                0 => self.clones(),
                _ => self.branches(),
            }
            self.work(3);
            if self.dice.is_one_in(4) {
                let of = self.site.display().to_string();
                self.copies(&of);
            }
        } else if self.dice.is_one_in(12) {
            self.verify("before it moves");
            self.move_out();
            self.work(5);
        }
        self.verify("at its end");
    }
}

fn replace_line(text: &str, start: &str, with: &str) -> String {
    let lines = text.lines().map(|line| if line.starts_with(start) { with } else { line });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// What is wrong in the history of this seed.
fn wrongs_of(seed: u64) -> Option<String> {
    let mut history = History::new(seed);
    history.play();
    if std::env::var_os("TOLD").is_some() {
        println!("{}", history.told.join("\n"));
    }
    if history.wrongs.is_empty() {
        return None;
    }
    let wrongs = format!("seed {seed}: {}", history.wrongs.join("\n  "));
    if std::env::var_os("TOLD").is_some() {
        println!("left in {}", history.directory.keep().display());
    }
    Some(wrongs)
}

#[test]
fn honest_histories_are_found_to_be_so() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (count, first) = (number("HONEST"), number("SEED").unwrap_or(1));
    let last = first + count.unwrap_or(SAMPLE);
    let (next, wrongs, began) = (AtomicU64::new(first), Mutex::new(Vec::new()), Instant::now());
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        return;
                    }
                    let wrong = std::panic::catch_unwind(|| wrongs_of(seed))
                        .unwrap_or_else(|_| Some(format!("seed {seed}: it ended by a panic")));
                    wrongs.lock().unwrap().extend(wrong);
                    if count.is_some() && seed.is_multiple_of(500) {
                        println!("{seed}: {:?}", began.elapsed());
                    }
                }
            });
        }
    });
    let wrongs = wrongs.into_inner().unwrap();
    println!("{} histories from seed {first} on in {:?}", last - first, began.elapsed());
    assert!(wrongs.is_empty(), "{} of {}:\n{}", wrongs.len(), last - first, wrongs.join("\n"));
}

/// No test: git starts this to merge a file of a board, with the three versions and the path in the environment.
#[test]
fn merges_a_file_as_git_asks() {
    let file = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(base), Some(ours), Some(theirs)) = (file("HONEST_O"), file("HONEST_A"), file("HONEST_B"))
    else {
        return;
    };
    let place = std::env::var("HONEST_P").unwrap();
    let merged =
        engine::drive(Path::new("."), &Driven { base, ours, theirs, place }, Markers::default()).unwrap();
    std::process::exit(i32::from(!merged.conflicts.is_empty()));
}
