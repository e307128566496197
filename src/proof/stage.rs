//! A throw-away repository with worktrees and a board, and whoever disturbs: `git pack-refs`, `git gc`, and
//! people who commit files of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::call::{Answer, Ask, Call};
use super::trial::Trial;

/// The workstream that all tasks are in.
pub(super) const WORKSTREAM: &str = "proof";
/// The branch of a board that has its own.
const BOARD: &str = "orchestrator-proof";
/// Where locks are.
const LOCKS: &str = "refs/orchestrator/locks/";
/// How many tasks there are at the beginning, for each agent.
const TASKS: usize = 3;

/// Where the board is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// On a branch of its own, one for all worktrees.
    Branch,
    /// On `HEAD`: each worktree has its branch, and shares nothing but the claims and locks.
    Head,
}

/// A repository in a temporary directory, which goes with it.
pub(super) struct Stage {
    _directory: tempfile::TempDir,
    pub(super) placement: Placement,
    pub(super) program: PathBuf,
    /// The first is the main one.
    pub(super) worktrees: Vec<PathBuf>,
    /// Ids of the tasks of the beginning.
    pub(super) tasks: Vec<String>,
    /// A commit that is no record: what a rival puts into a ref that it wants for itself.
    rival: String,
    /// Which lock is fought for just now between agents and that rival.
    turn: AtomicUsize,
}

/// What the disturbers did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Disturbance {
    pub(super) packs: usize,
    /// The subjects of the commits that git acknowledged.
    pub(super) commits: Vec<String>,
    pub(super) commits_failed: usize,
    /// The locks that the rival got.
    pub(super) won: Vec<String>,
}

impl Stage {
    pub(super) fn set(trial: &Trial, placement: Placement) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("orchestrator-selftest-").tempdir()?;
        let root = directory.path().canonicalize()?.join("repository");
        let mut stage = Self {
            _directory: directory,
            placement,
            program: trial.program.clone(),
            worktrees: vec![root.clone()],
            tasks: Vec::new(),
            rival: String::new(),
            turn: AtomicUsize::new(0),
        };
        match &trial.repository {
            Some(repository) => {
                let mut clone = Command::new("git");
                clone.args(["clone", "-q", "--no-local"]).arg(repository).arg(&root);
                succeed(&mut quiet(clone))?;
            }
            None => {
                let mut init = Command::new("git");
                init.args(["init", "-q", "-b", "main"]).arg(&root);
                succeed(&mut quiet(init))?;
            }
        }
        for (key, value) in [
            ("user.name", "you"),
            ("user.email", "you@localhost.invalid"),
            ("commit.gpgsign", "false"),
            ("gc.auto", "0"),
        ] {
            stage.git(&root, &["config", key, value])?;
        }
        stage.git(&root, &["commit", "-q", "--allow-empty", "-m", "Begin"])?;
        let rival = stage.git(&root, &["commit-tree", "-m", "Of a rival", "HEAD^{tree}"])?;
        rival.trim().clone_into(&mut stage.rival);
        stage.git(&root, &["switch", "-q", "-c", "tree-0"])?;
        match placement {
            Placement::Branch => stage.orchestrator(&root, &["init", "--board", BOARD])?,
            Placement::Head => stage.orchestrator(&root, &["init", "--board", "HEAD"])?,
        };
        stage.orchestrator(&root, &["ws", "create", WORKSTREAM])?;
        for number in 0..trial.agents * TASKS {
            let output = stage.orchestrator(&root, &["t", "add", WORKSTREAM, &format!("Task {number}")])?;
            let task: serde_json::Value = serde_json::from_slice(&output.stdout)?;
            stage.tasks.push(task["id"].as_str().context("a task has no id")?.to_owned());
        }
        for number in 1..trial.worktrees {
            let path = root.with_file_name(format!("tree-{number}"));
            let branch = format!("tree-{number}");
            let words = ["worktree", "add", "-q", "-b", &branch, path.to_str().context("not UTF-8")?];
            stage.git(&root, &words)?;
            stage.worktrees.push(path);
        }
        for (number, tree) in stage.worktrees.iter().enumerate() {
            fs::write(tree.join(own_file(number)), "0\n")?;
            stage.git(tree, &["add", &own_file(number)])?;
            stage.git(tree, &["commit", "-q", "-m", "A file of the user"])?;
        }
        Ok(stage)
    }

    /// The refs at which boards are.
    pub(super) fn boards(&self) -> Vec<String> {
        match self.placement {
            Placement::Branch => vec![BOARD.to_owned()],
            Placement::Head => (0..self.worktrees.len()).map(|number| format!("tree-{number}")).collect(),
        }
    }

    /// Which of them an agent in this worktree works on.
    pub(super) fn board_of(&self, worktree: usize) -> usize {
        match self.placement {
            Placement::Branch => 0,
            Placement::Head => worktree,
        }
    }

    /// The calls that made the tasks of the beginning.
    pub(super) fn opening(&self, _clock: Instant) -> Vec<Call> {
        let call = |id: &String| Call {
            agent: "system".to_owned(),
            board: None,
            ask: Ask::Add(String::new()),
            start: Duration::ZERO,
            end: Duration::ZERO,
            answer: Answer::Task(id.clone(), 0),
        };
        self.tasks.iter().map(call).collect()
    }

    /// The program, in a worktree.
    pub(super) fn command(&self, directory: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--json").args(words).current_dir(directory);
        quiet(command)
    }

    pub(super) fn orchestrator(&self, directory: &Path, words: &[&str]) -> Result<Output> {
        succeed(&mut self.command(directory, words))
    }

    pub(super) fn git(&self, directory: &Path, words: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        command.args(words).current_dir(directory);
        let output = succeed(&mut quiet(command))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The lock that is fought for just now, with a rival who knows nothing of us: `git update-ref`.
    pub(super) fn contested(&self) -> String {
        format!("contested-{}", self.turn.load(Ordering::Relaxed))
    }

    /// Packs refs, collects garbage, commits files and takes locks until it is over. That a plain commit may fail while
    /// somebody else holds a lock is git's own way; that it may take something with it is not, and is seen
    /// when the ledger is read.
    pub(super) fn disturb(&self, is_over: &AtomicBool) -> Result<Disturbance> {
        let root = &self.worktrees[0];
        let mut did = Disturbance::default();
        let mut turn = 0;
        while !is_over.load(Ordering::Relaxed) {
            turn += 1;
            if self.git(root, &["pack-refs", "--all"]).is_ok() {
                did.packs += 1;
            }
            if turn % 40 == 0 {
                // It may meet a lock file of a process that was killed a moment ago.
                let _may_fail = self.git(root, &["gc", "-q"]);
            }
            let number = turn % self.worktrees.len();
            let tree = &self.worktrees[number];
            fs::write(tree.join(own_file(number)), format!("{turn}\n"))?;
            let subject = format!("Mine {turn}");
            match self.git(tree, &["commit", "-q", "-m", &subject, "--", &own_file(number)]) {
                Ok(_) => did.commits.push(subject),
                Err(_) => did.commits_failed += 1,
            }
            let lock = self.contested();
            let name = format!("{LOCKS}{lock}");
            if self.git(root, &["update-ref", &name, &self.rival, &"0".repeat(40)]).is_ok() {
                did.won.push(lock);
            }
            self.turn.store(turn, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(did)
    }
}

/// The file that the user of a worktree works on.
pub(super) fn own_file(worktree: usize) -> String {
    format!("user-{worktree}.txt")
}

/// Nothing of the environment reaches the process but what it needs to run.
fn quiet(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("GIT_") || name.starts_with("ORCHESTRATOR_") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn succeed(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("{command:?} could not be started"))?;
    if !output.status.success() {
        bail!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(output)
}
