//! A repository in a temporary directory, and the program in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use assert_fs::TempDir;
use serde_json::Value;

pub struct Sandbox {
    dir: TempDir,
    pub root: PathBuf,
}

/// What a call answered.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Answer {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Nothing of whoever runs the tests reaches the processes.
pub fn hermetic(command: &mut Command, home: &Path) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("GIT_") || name.starts_with("ORCHESTRATOR_") {
            command.env_remove(name);
        }
    }
    command
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_DATE", "2026-02-06T07:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-02-06T07:00:00Z")
        .env("GIT_CEILING_DIRECTORIES", home)
        .env("LC_ALL", "C")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
}

impl Sandbox {
    /// A repository with no commit.
    pub fn unborn() -> Self {
        let dir = TempDir::new().unwrap();
        let root = dir.path().canonicalize().unwrap().join("repo");
        std::fs::create_dir(&root).unwrap();
        let sandbox = Self { dir, root };
        sandbox.git(&["init", "-q", "-b", "main"]);
        sandbox.git(&["config", "user.name", "Ada"]);
        sandbox.git(&["config", "user.email", "ada@example.org"]);
        sandbox.git(&["config", "gc.auto", "0"]);
        sandbox
    }

    /// A repository with one commit.
    pub fn new() -> Self {
        let sandbox = Self::unborn();
        sandbox.write("src.txt", "one\n");
        sandbox.git(&["add", "."]);
        sandbox.git(&["commit", "-q", "-m", "Begin"]);
        sandbox
    }

    /// A repository with a board on HEAD and a workstream `w`.
    pub fn board() -> Self {
        let sandbox = Self::new();
        sandbox.run(&["init"]).ok();
        sandbox.run(&["ws", "create", "w"]).ok();
        sandbox
    }

    pub fn home(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.root.join(path), text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap()
    }

    pub fn command(&self, directory: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrator"));
        command.args(words).current_dir(directory);
        hermetic(&mut command, self.dir.path());
        command
    }

    pub fn run_in(&self, directory: &Path, words: &[&str]) -> Answer {
        Answer::of(self.command(directory, words).output().unwrap())
    }

    pub fn run(&self, words: &[&str]) -> Answer {
        self.run_in(&self.root, words)
    }

    /// `--json`, the document.
    #[track_caller]
    pub fn json(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = std::iter::once("--json").chain(words.iter().copied()).collect();
        self.run(&words).ok().json()
    }

    /// The id of a task added just now.
    pub fn add(&self, title: &str) -> String {
        self.json(&["t", "add", "w", title])["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn git_in(&self, directory: &Path, words: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(words).current_dir(directory);
        hermetic(&mut command, self.dir.path());
        let answer = Answer::of(command.output().unwrap());
        assert_eq!(answer.code, 0, "git {words:?}: {answer:?}");
        answer.out
    }

    #[track_caller]
    pub fn git(&self, words: &[&str]) -> String {
        self.git_in(&self.root, words)
    }

    /// Runs what a hint says: the command behind its last colon, without the remark behind it.
    #[track_caller]
    pub fn follow(&self, hint: &str) -> Answer {
        let line = hint.split("    (").next().unwrap();
        let line = line.rsplit_once(": ").map_or(line, |(_, command)| command);
        let program = Path::new(env!("CARGO_BIN_EXE_orchestrator")).parent().unwrap();
        let mut command = Command::new("sh");
        command.arg("-ec").arg(line).current_dir(&self.root);
        hermetic(&mut command, self.dir.path());
        let mut path = program.as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let answer = Answer::of(command.env("PATH", path).output().unwrap());
        assert_eq!(answer.code, 0, "{line}: {answer:?}");
        answer
    }

    /// What git says of the user's work: entries, differences staged and not.
    pub fn work(&self) -> String {
        let status = self.git(&["status", "--porcelain=v2"]);
        let staged = self.git(&["diff", "--cached"]);
        let unstaged = self.git(&["diff"]);
        format!("{status}\n{staged}\n{unstaged}")
    }

    /// Objects are sound, and no lock or temporary file of ours is left.
    #[track_caller]
    pub fn is_clean(&self) {
        assert_eq!(self.git(&["fsck", "--strict", "--no-dangling"]), "");
        let left: Vec<String> = walkdir::WalkDir::new(&self.root)
            .into_iter()
            .filter_map(Result::ok)
            .map(|entry| entry.path().display().to_string())
            .filter(|path| {
                path.ends_with(".lock")
                    || path.ends_with("orchestrator-tmp")
                    || path.ends_with("orchestrator.index")
            })
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
