//! `demo`: a throw-away repository, a short scene, real processes.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cli::args::Demo;
use crate::cli::report::{Printer, Report};
use crate::model::{Code, Refusal};
use crate::text;
use crate::views::style::{Text, bold, dim};

use super::App;

/// A stage: the repository, this program, how to print.
struct Stage {
    root: PathBuf,
    program: PathBuf,
    printer: Printer,
}

pub fn run(app: &App, args: &Demo, printer: Printer) -> Result<Report, Refusal> {
    let directory = args.directory.as_deref().map(|typed| app.path(typed));
    let place = directory.as_ref().map(|path| format!(" in `{}`", path.display())).unwrap_or_default();
    let failed = |error: std::io::Error| {
        Refusal::new(Code::Unreadable, format!("the demo could not be set up{place}: {error}"))
    };
    let root = match &directory {
        Some(directory) => {
            if let Some(above) = directory.parent().filter(|above| !above.as_os_str().is_empty()) {
                std::fs::create_dir_all(above).map_err(failed)?;
            }
            // Made by us or refused: a look before could be outdated.
            match std::fs::create_dir(directory) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    let what = format!("`{}` is there already", directory.display());
                    return Err(Refusal::new(Code::Exists, what).hint("orchestrator demo <a new directory>"));
                }
                made => made.map_err(failed)?,
            }
            directory.clone()
        }
        None => tempfile::Builder::new().prefix("orchestrator-demo-").tempdir().map_err(failed)?.keep(),
    };
    let program = std::env::current_exe().map_err(failed)?;
    let stage = Stage { root, program, printer };
    stage.play()?;
    let end = text![
        "\nThe repository is yours to look at:  cd ",
        stage.root.display(),
        "\n  git log --stat          every change is one commit of its own files",
        "\n  orchestrator --help     all commands; `orchestrator <command> --help` with examples\n"
    ];
    Ok(Report::new(&serde_json::json!({"repository": stage.root.display().to_string()}), end))
}

impl Stage {
    fn play(&self) -> Result<(), Refusal> {
        self.say("A fresh repository, and a board in it.");
        self.git(&["init", "-q", "-b", "main"])?;
        self.git(&["config", "user.name", "you"])?;
        self.git(&["config", "user.email", "you@localhost.invalid"])?;
        self.git(&["commit", "-q", "--allow-empty", "-m", "Begin"])?;
        self.run(&["init", "-q"])?;
        self.run(&["ws", "create", "revenue", "Revenue generation", "1"])?;
        self.run(&["ws", "create", "product", "Product development", "2"])?;
        for (ws, title, priority) in [
            ("revenue", "Add payments to API", "1"),
            ("revenue", "Write the price page", "3"),
            ("revenue", "Send invoices", "2"),
            ("product", "Write tests", "3"),
            ("product", "Package the library", "2"),
        ] {
            self.run(&["t", "add", ws, title, "", priority])?;
        }
        self.run(&["a", "register", "ada", "worker", "--capability", "rust"])?;
        self.say("Three agents ask for work at the same moment. Nobody gets the same task.");
        let agents = ["ada", "bob", "cleo"];
        let racing: Vec<_> = agents
            .iter()
            .map(|agent| {
                let child = self
                    .command(&["t", "next", "revenue", agent])
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn();
                (*agent, child)
            })
            .collect();
        for (agent, child) in racing {
            let output =
                child.and_then(std::process::Child::wait_with_output).map_err(|error| broken(&error))?;
            self.show(&["t", "next", "revenue", agent], &output);
        }
        self.say("A lock on anything that has a name; the second one to ask is denied.");
        self.run(&["l", "acquire", "deploy", "ada", "--ttl", "5m"])?;
        self.run(&["l", "acquire", "deploy", "bob"])?;
        self.say("Work is done, and what was learned is kept.");
        let first = self.first_task_of("ada")?;
        self.run(&["t", "complete", "revenue", &first, "It works, behind a flag", "--agent", "ada"])?;
        self.run(&[
            "kb",
            "write",
            "payments",
            "USDC only for now; the flag is PAYMENTS=1",
            "--agent",
            "ada",
        ])?;
        self.run(&["l", "release", "deploy", "ada"])?;
        self.say("The board, and the story that plain git tells.");
        self.run(&["status"])?;
        self.git(&["log", "--oneline", "--graph", "--format=%h %an: %s"])
    }

    fn first_task_of(&self, agent: &str) -> Result<String, Refusal> {
        let output = self
            .command(&["--json", "t", "list", "revenue", "--assigned-to", agent])
            .output()
            .map_err(|error| broken(&error))?;
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        list[0]["id"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Refusal::new(Code::Internal, format!("`{agent}` got no task in the demo")))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&self.root).stdin(Stdio::null());
        for name in
            ["ORCHESTRATOR_AGENT", "ORCHESTRATOR_BOARD", "ORCHESTRATOR_DIR", "GIT_DIR", "GIT_WORK_TREE"]
        {
            command.env_remove(name);
        }
        if self.is_colored() {
            command.args(["--color", "always"]);
        }
        command
    }

    fn run(&self, words: &[&str]) -> Result<(), Refusal> {
        let output = self.command(words).output().map_err(|error| broken(&error))?;
        self.show(words, &output);
        // 1 is an answer too: a lock that is denied.
        match output.status.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(Refusal::new(
                Code::Internal,
                format!("`orchestrator {}` failed in the demo", words.join(" ")),
            )),
        }
    }

    fn git(&self, words: &[&str]) -> Result<(), Refusal> {
        let output = Command::new("git")
            .args(["-c", "commit.gpgsign=false"])
            .args(words)
            .current_dir(&self.root)
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .output()
            .map_err(|error| broken(&error))?;
        self.ours(&text![dim("$"), " git ", quoted(words)]);
        self.line(&String::from_utf8_lossy(&output.stdout));
        if output.status.success() {
            return Ok(());
        }
        Err(Refusal::new(
            Code::Unreadable,
            format!("`git {}` failed: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)),
        ))
    }

    fn say(&self, text: &str) {
        self.ours(&text!["\n", bold(text!["# ", text])]);
    }

    fn show(&self, words: &[&str], output: &std::process::Output) {
        self.ours(&text![dim("$"), " orchestrator ", quoted(words)]);
        self.line(&String::from_utf8_lossy(&output.stdout));
        self.line(&String::from_utf8_lossy(&output.stderr));
    }

    fn is_colored(&self) -> bool {
        self.printer.is_colored() && !self.printer.json
    }

    fn ours(&self, text: &Text) {
        if self.is_colored() { self.line(&text.colored()) } else { self.line(text.plain()) }
    }

    /// What a process printed, which knows itself what a terminal may be given. With `--json` the scene goes to stderr,
    /// so that stdout has its one document.
    fn line(&self, text: &str) {
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        let _nobody_watches = if self.printer.json {
            writeln!(std::io::stderr().lock(), "{text}")
        } else {
            writeln!(std::io::stdout().lock(), "{text}")
        };
    }
}

fn broken(error: &std::io::Error) -> Refusal {
    Refusal::new(Code::Unreadable, format!("a process of the demo could not be run: {error}"))
}

fn quoted(words: &[&str]) -> String {
    let word = |word: &&str| {
        if word.is_empty() || word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() }
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}
