//! Whole processes, side by side with plain git: medians of paired runs, and their ratio.
//!
//! `benches/compare.sh [runs] [part of a name]…`; the yardstick is `benches/baseline.sh`. Each pair runs one after
//! the other in repositories of their own, so that a busy machine slows both.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A failure ends it, and it prints a table.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const BIN: &str = env!("CARGO_BIN_EXE_orchestrator");
const SHELL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/baseline.sh");

struct Bench {
    dir: tempfile::TempDir,
    runs: usize,
    wanted: Vec<String>,
}

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let runs = words.next().and_then(|word| word.parse().ok()).unwrap_or(15);
    let bench = Bench { dir: tempfile::tempdir().unwrap(), runs, wanted: words.collect() };
    println!("{:<34} {:>9} {:>9} {:>7}", "", "ours ms", "git ms", "ratio");
    for size in [0, 1_000, 10_000] {
        if bench.wants(&size.to_string()) {
            bench.at(size);
        }
    }
    bench.many();
    bench.floor();
}

impl Bench {
    fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| name.contains(wanted))
    }

    fn repository(&self, name: &str) -> PathBuf {
        let root = self.dir.path().join(name);
        std::fs::create_dir(&root).unwrap();
        git(&root, &["init", "-q", "-b", "main"]);
        for (key, value) in [("user.name", "Ada"), ("user.email", "ada@example.org"), ("gc.auto", "0")] {
            git(&root, &["config", key, value]);
        }
        git(&root, &["config", "maintenance.auto", "false"]);
        git(&root, &["commit", "-q", "--allow-empty", "-m", "Begin"]);
        root
    }

    /// A board with so many pending tasks, and the same for the shell.
    fn pair(&self, size: usize) -> (PathBuf, PathBuf) {
        let (ours, theirs) =
            (self.repository(&format!("ours-{size}")), self.repository(&format!("git-{size}")));
        std::fs::create_dir(theirs.join("tasks")).unwrap();
        std::fs::write(theirs.join("tasks/.keep"), "").unwrap();
        let data = self.dir.path().join(format!("data-{size}"));
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("state.json"), state(size).to_string()).unwrap();
        run(&ours, &["init", "-q"]);
        run(&ours, &["import", data.to_str().unwrap(), "-q"]);
        if size == 0 {
            run(&ours, &["ws", "create", "w", "-q"]);
        }
        for number in 0..size {
            let id = id_of(number);
            let file = theirs.join(format!("tasks/{}/{id}.yaml", &id[..2]));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let text = format!(
                "id: {id}\nworkstream: w\ntitle: Task {number}\nstatus: pending\nassigned_to: null\npriority: {}\ncreated_at: 2026-02-06T07:36:59.474Z\n",
                1 + number % 9
            );
            std::fs::write(file, text).unwrap();
        }
        git(&theirs, &["add", "."]);
        git(&theirs, &["commit", "-q", "-m", "Tasks"]);
        for root in [&ours, &theirs] {
            git(root, &["gc", "-q"]);
        }
        (ours, theirs)
    }

    fn at(&self, size: usize) {
        let (ours, theirs) = self.pair(size);
        let sh = |words: &[&str]| {
            let mut command = Command::new(SHELL);
            command.arg(&theirs).args(words);
            command
        };
        self.row(
            &format!("create at {size}"),
            |n| program(&ours, &["t", "add", "w", &format!("New {n}")]),
            |n| sh(&["create", &format!("New {n}")]),
        );
        if size > 0 {
            self.row(
                &format!("next and claim at {size}"),
                |_| program(&ours, &["t", "next", "w", "agent-1"]),
                |_| sh(&["next", "agent-1"]),
            );
            // From the end: what `next` has taken stands at the beginning.
            self.row(
                &format!("complete at {size}"),
                |n| program(&ours, &["t", "complete", &id_of(size - 2 - n * 9), "--agent", "agent-2"]),
                |n| {
                    let id = id_of(size - 2 - n * 9);
                    sh(&["complete", &format!("tasks/{}/{id}.yaml", &id[..2])])
                },
            );
            self.row(
                &format!("list as JSON at {size}"),
                |_| program(&ours, &["--json", "t", "list"]),
                |_| sh(&["list"]),
            );
            self.row(
                &format!("status at {size}, against list"),
                |_| program(&ours, &["status"]),
                |_| sh(&["list"]),
            );
        } else {
            self.row(
                "complete at 0",
                |n| {
                    let id = add(&ours, &format!("Soon done {n}"));
                    program(&ours, &["t", "complete", &id, "--agent", "agent-2"])
                },
                |n| {
                    assert!(sh(&["create", &format!("Soon done {n}")]).status().unwrap().success());
                    let file = output(Command::new("git").arg("-C").arg(&theirs).args([
                        "log",
                        "-1",
                        "--format=",
                        "--name-only",
                    ]));
                    sh(&["complete", file.trim()])
                },
            );
        }
        self.row(
            &format!("last 20 events at {size}"),
            |_| program(&ours, &["events", "--last", "20"]),
            |_| {
                let mut command = Command::new("git");
                command.arg("-C").arg(&theirs).args(["log", "-20"]);
                command
            },
        );
        self.row(
            &format!("lock acquire at {size}, against `true`"),
            |n| program(&ours, &["l", "acquire", &format!("lock {n}"), "agent-1"]),
            |_| Command::new("true"),
        );
        self.row(
            &format!("lock release at {size}, against `true`"),
            |n| program(&ours, &["l", "release", &format!("lock {n}"), "agent-1"]),
            |_| Command::new("true"),
        );
    }

    /// Eight processes at once.
    fn many(&self) {
        if !self.wants("8 processes") {
            return;
        }
        let (ours, theirs) = (self.repository("ours-many"), self.repository("git-many"));
        std::fs::create_dir(theirs.join("tasks")).unwrap();
        run(&ours, &["init", "-q"]);
        run(&ours, &["ws", "create", "w", "-q"]);
        let eight = |each: usize, make: &(dyn Fn(usize, usize) -> Command + Sync)| {
            let start = Instant::now();
            std::thread::scope(|scope| {
                for process in 0..8 {
                    scope.spawn(move || {
                        (0..each).for_each(|n| assert!(timed(&mut make(process, n)) > Duration::ZERO))
                    });
                }
            });
            start.elapsed()
        };
        let sh = |words: &[&str]| {
            let mut command = Command::new(SHELL);
            command.arg(&theirs).args(words);
            command
        };
        let creates = (
            eight(25, &|p, n| program(&ours, &["t", "add", "w", &format!("Task {p}-{n}")])),
            eight(25, &|p, n| sh(&["create", &format!("Task {p}-{n}")])),
        );
        print_row("8 processes × 25 creates", creates.0, creates.1);
        let drains = (
            eight(25, &|p, _| program(&ours, &["t", "next", "w", &format!("agent-{p}")])),
            eight(25, &|p, _| sh(&["next", &format!("agent-{p}")])),
        );
        print_row("8 processes drain 200 by next", drains.0, drains.1);
        let listed: Value =
            serde_json::from_str(&output(&mut program(&ours, &["--json", "t", "list"]))).unwrap();
        let claimed =
            listed.as_array().unwrap().iter().filter(|task| task["status"] == "in_progress").count();
        assert_eq!((listed.as_array().unwrap().len(), claimed), (200, 200));
    }

    fn floor(&self) {
        let start = |words: &'static [&'static str]| {
            let mut times: Vec<Duration> =
                (0..self.runs).map(|_| timed(Command::new(words[0]).args(&words[1..]))).collect();
            median(&mut times)
        };
        println!(
            "start of `true` {:.2} ms, of `orchestrator --version` {:.2} ms",
            ms(start(&["true"])),
            ms(start(&[BIN, "--version"]))
        );
    }

    fn row(&self, name: &str, ours: impl Fn(usize) -> Command, theirs: impl Fn(usize) -> Command) {
        if !self.wants(name) && self.wanted.iter().all(|wanted| wanted.parse::<usize>().is_err()) {
            return;
        }
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for number in 0..self.runs {
            our_times.push(timed(&mut ours(number)));
            their_times.push(timed(&mut theirs(number)));
        }
        print_row(name, median(&mut our_times), median(&mut their_times));
    }
}

fn state(size: usize) -> Value {
    let stamp = "2026-02-06T07:36:59.474Z";
    let task = |number: usize| {
        json!({"id": id_of(number), "title": format!("Task {number}"), "description": "", "status": "pending",
            "priority": 1 + number % 9, "assigned_to": null, "created_at": stamp, "updated_at": stamp})
    };
    let tasks: Vec<Value> = (0..size).map(task).collect();
    let workstreams = if size == 0 {
        json!({})
    } else {
        json!({"w": {"description": "", "priority": 1, "status": "active", "tasks": tasks, "created_at": stamp}})
    };
    json!({"version": 1, "updated_at": stamp, "workstreams": workstreams, "agents": {}, "locks": {}})
}

/// Spread over all directories, as random ids are.
fn id_of(number: usize) -> String {
    let number = u32::try_from(number).unwrap();
    let mut id = String::new();
    write!(id, "{:08x}", number.wrapping_mul(2_654_435_761)).unwrap();
    id
}

fn program(root: &Path, words: &[&str]) -> Command {
    // Not `current_dir`: with it a process is started by a slower way than the shell is.
    let mut command = Command::new(BIN);
    command.arg("-C").arg(root).args(words);
    command
}

fn run(root: &Path, words: &[&str]) {
    assert!(program(root, words).stdout(Stdio::null()).status().unwrap().success(), "{words:?}");
}

fn add(root: &Path, title: &str) -> String {
    let task: Value =
        serde_json::from_str(&output(&mut program(root, &["--json", "t", "add", "w", title]))).unwrap();
    task["id"].as_str().unwrap().to_owned()
}

fn git(root: &Path, words: &[&str]) {
    assert!(Command::new("git").arg("-C").arg(root).args(words).status().unwrap().success(), "{words:?}");
}

fn output(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).status().unwrap();
    let took = start.elapsed();
    assert!(status.success(), "{command:?}");
    took
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn print_row(name: &str, ours: Duration, theirs: Duration) {
    println!("{name:<34} {:>9.2} {:>9.2} {:>7.2}", ms(ours), ms(theirs), ms(ours) / ms(theirs));
}
