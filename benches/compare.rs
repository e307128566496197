//! Whole processes, side by side with plain git: medians of paired runs, and their ratio.
//!
//! `benches/compare.sh [runs] [part of a name]…`; the yardstick is `benches/baseline.sh`. Each pair runs one after
//! the other in repositories of their own, so that a busy machine slows both.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A failure ends it, and it prints a table.

mod scene;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use scene::{append_history, git, git_in, id_of};
use serde_json::Value;

/// The program as it is installed, by a copy. What the linker has just written lies in the kernel's cache page by page,
/// and each start pays a fifth more to map it.
static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
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
    let bin = INSTALLED.get_or_init(|| bench.dir.path().join("orchestrator"));
    std::fs::copy(env!("CARGO_BIN_EXE_orchestrator"), bin).unwrap();
    println!("{:<44} {:>9} {:>9} {:>7}", "", "ours ms", "other ms", "ratio");
    for size in [0, 1_000, 10_000] {
        if bench.wants(&format!("at {size}")) {
            bench.at(size);
        }
    }
    type Part = fn(&Bench);
    let parts: [(&str, Part); 8] = [
        ("log", Bench::log),
        ("branch", Bench::branch),
        ("beside", Bench::beside),
        ("many", Bench::many),
        ("queue", Bench::queue),
        ("import", Bench::import),
        ("growth", Bench::growth),
        ("start", Bench::start),
    ];
    for (name, part) in parts {
        if bench.wants(name) {
            part(&bench);
        }
    }
}

impl Bench {
    /// Whether a part was asked for: `at 1000`, `log`, `branch`, …; all of them if none was.
    fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| name.contains(wanted))
    }

    fn repository(&self, name: &str) -> PathBuf {
        let root = self.dir.path().join(name);
        scene::repository(&root);
        root
    }

    /// A board with so many pending tasks, and the same for the shell.
    fn pair(&self, size: usize) -> (PathBuf, PathBuf) {
        let (ours, theirs) =
            (self.repository(&format!("ours-{size}")), self.repository(&format!("git-{size}")));
        std::fs::create_dir(theirs.join("tasks")).unwrap();
        std::fs::write(theirs.join("tasks/.keep"), "").unwrap();
        let data = self.data(size);
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
        if size > 0 {
            settle();
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
                &format!("status at {size}, against our list"),
                |_| program(&ours, &["status"]),
                |_| program(&ours, &["--json", "t", "list"]),
            );
            self.cold(size, &ours);
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

    /// What the first call after the caches are gone costs, and the memory of a list.
    fn cold(&self, size: usize, ours: &Path) {
        for (name, words) in
            [("next", &["t", "next", "w", "agent-1"][..]), ("list", &["--json", "t", "list"])]
        {
            let mut times: Vec<Duration> = (0..3)
                .map(|_| {
                    std::fs::remove_dir_all(ours.join(".git/orchestrator/cache")).unwrap();
                    timed(&mut program(ours, words))
                })
                .collect();
            println!("{:<44} {:>9.2}", format!("{name} at {size}, caches gone"), ms(median(&mut times)));
        }
        let mut measured = Command::new("/usr/bin/time");
        measured.args(["-f", "%M"]).arg(bin()).arg("-C").arg(ours).args(["--json", "t", "list"]);
        if let Ok(output) = measured.stdout(Stdio::null()).output() {
            let kib: f64 = String::from_utf8_lossy(&output.stderr).trim().parse().unwrap_or(f64::NAN);
            println!("{:<44} {:>9.1} MiB", format!("memory of list at {size}"), kib / 1024.0);
        }
    }

    /// The last events of a long history.
    fn log(&self) {
        for commits in [1_000, 100_000] {
            let root = self.repository(&format!("log-{commits}"));
            run(&root, &["init", "-q"]);
            append_history(&root, commits);
            git(&root, &["gc", "-q"]);
            let first = timed(&mut program(&root, &["events", "--last", "20"]));
            self.row(
                &format!("last 20 of {commits} events"),
                |_| program(&root, &["events", "--last", "20"]),
                |_| git_in(&root, &["log", "-20"]),
            );
            println!("{:<44} {:>9.2}", format!("the first time, of {commits}"), ms(first));
            for (name, words) in [
                ("of one agent", &["events", "--agent", "agent-3"][..]),
                ("of one task", &["events", "--task", "00000010"]),
                ("exported", &["export", "events"]),
            ] {
                self.row(
                    &format!("{name}, of {commits} events"),
                    |_| program(&root, words),
                    |_| git_in(&root, &["log", "--format=%B"]),
                );
            }
        }
    }

    /// No index and no files: what is left that could grow.
    fn branch(&self) {
        let boards = [100, 100_000].map(|size| {
            let root = self.repository(&format!("branch-{size}"));
            run(&root, &["init", "--board", "orchestrator", "-q"]);
            run(&root, &["import", self.data(size).to_str().unwrap(), "-q"]);
            git(&root, &["gc", "-q"]);
            root
        });
        settle();
        for (name, words) in
            [("create", &["t", "add", "w", "New"][..]), ("next", &["t", "next", "w", "agent-1"])]
        {
            self.row(
                &format!("{name} on a branch, at 100,000 against 100"),
                |_| program(&boards[1], words),
                |_| program(&boards[0], words),
            );
        }
    }

    /// A board on `HEAD` in a large repository.
    fn beside(&self) {
        let root = self.repository("beside");
        for number in 0..50_000 {
            let directory = root.join(format!("src/{:03}", number / 100));
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(directory.join(format!("file{number}.rs")), format!("// {number}\n")).unwrap();
        }
        git(&root, &["add", "."]);
        git(&root, &["commit", "-q", "-m", "Sources"]);
        run(&root, &["init", "-q"]);
        run(&root, &["ws", "create", "w", "-q"]);
        git(&root, &["gc", "-q"]);
        settle();
        self.row(
            "create beside 50,000 other files",
            |_| program(&root, &["t", "add", "w", "New"]),
            |number| {
                let mut command = Command::new("sh");
                let script = format!("echo {number} > one && git add one && git commit -q -m one");
                command.args(["-c", &script]).current_dir(&root);
                command
            },
        );
    }

    /// Eight processes at once.
    fn many(&self) {
        settle();
        let (ours, theirs) = (self.repository("ours-many"), self.repository("git-many"));
        std::fs::create_dir(theirs.join("tasks")).unwrap();
        run(&ours, &["init", "-q"]);
        run(&ours, &["ws", "create", "w", "-q"]);
        let sh = |words: &[&str]| {
            let mut command = Command::new(SHELL);
            command.arg(&theirs).args(words);
            command
        };
        let creates = (
            eight(25, &|p, n| program(&ours, &["t", "add", "w", &format!("Task {p}-{n}")])).0,
            eight(25, &|p, n| sh(&["create", &format!("Task {p}-{n}")])).0,
        );
        print_row("8 processes × 25 creates", creates.0, creates.1);
        let drains = (
            eight(25, &|p, _| program(&ours, &["t", "next", "w", &format!("agent-{p}")])).0,
            eight(25, &|p, _| sh(&["next", &format!("agent-{p}")])).0,
        );
        print_row("8 processes drain 200 by next", drains.0, drains.1);
        let listed: Value =
            serde_json::from_str(&output(&mut program(&ours, &["--json", "t", "list"]))).unwrap();
        let claimed =
            listed.as_array().unwrap().iter().filter(|task| task["status"] == "in_progress").count();
        assert_eq!((listed.as_array().unwrap().len(), claimed), (200, 200));
    }

    /// Eight processes on one branch against one alone: what the queue costs, and the last in line.
    fn queue(&self) {
        let roots = ["queue-one", "queue-eight"].map(|name| {
            let root = self.repository(name);
            run(&root, &["init", "-q"]);
            run(&root, &["ws", "create", "w", "-q"]);
            root
        });
        let start = Instant::now();
        let mut alone: Vec<Duration> = (0..50)
            .map(|n| timed(&mut program(&roots[0], &["t", "add", "w", &format!("Task {n}")])))
            .collect();
        let one = start.elapsed();
        let before = commits(&roots[1]);
        let (all, waits) =
            eight(50, &|p, n| program(&roots[1], &["t", "add", "w", &format!("Task {p}-{n}")]));
        assert_eq!(commits(&roots[1]) - before, 400, "one commit each, all of them there");
        let unreachable = output(&mut git_in(&roots[1], &["fsck", "--unreachable", "--no-reflogs"]));
        let wasted = unreachable.lines().filter(|line| line.contains(" commit ")).count();
        let (rate_one, rate_all) = (50.0 / one.as_secs_f64(), 400.0 / all.as_secs_f64());
        println!(
            "8 processes × 50 creates: {rate_all:.0}/s against {rate_one:.0}/s of one alone = {:.2}; worst wait {:.1} ms = {:.2} × 8 × the median of one; {wasted} wasted commits",
            rate_all / rate_one,
            ms(*waits.iter().max().unwrap()),
            ms(*waits.iter().max().unwrap()) / (8.0 * ms(median(&mut alone))),
        );
    }

    /// 10,000 tasks at once.
    fn import(&self) {
        let data = self.data(10_000);
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for number in 0..3 {
            let (ours, theirs) =
                (self.repository(&format!("import-{number}")), self.repository(&format!("add-{number}")));
            run(&ours, &["init", "-q"]);
            our_times.push(timed(&mut program(&ours, &["import", data.to_str().unwrap(), "-q"])));
            let copied = Command::new("cp").arg("-r").arg(ours.join(".orchestrator")).arg(&theirs).status();
            assert!(copied.unwrap().success());
            let start = Instant::now();
            git(&theirs, &["add", "."]);
            git(&theirs, &["commit", "-q", "-m", "Tasks"]);
            their_times.push(start.elapsed());
        }
        print_row("import of 10,000 tasks", median(&mut our_times), median(&mut their_times));
    }

    /// What a task leaves in the repository.
    fn growth(&self) {
        let root = self.repository("growth");
        run(&root, &["init", "-q"]);
        run(&root, &["import", self.data(10_000).to_str().unwrap(), "-q"]);
        // Anew, both times: a pack that is taken over keeps what was no difference once whole for ever.
        let pack = || git(&root, &["repack", "-adfq"]);
        pack();
        let objects = root.join(".git/objects");
        let du = |more: &[&str]| -> f64 {
            let text = output(Command::new("du").args(["-s", "-B1"]).args(more).arg(&objects));
            text.split_whitespace().next().unwrap().parse().unwrap()
        };
        let before = (du(&["--apparent-size"]), du(&[]));
        const CREATES: f64 = 300.0;
        for number in 0..300 {
            run(&root, &["t", "add", "w", &format!("New {number}"), "-q"]);
        }
        // The directories of loose objects are made once, whatever is in them.
        let directories = 256.0 * 4096.0;
        let after = (du(&["--apparent-size"]), du(&[]));
        pack();
        let packed = du(&["--apparent-size"]);
        println!(
            "growth per create at 10,000: {:.1} KiB in files, {:.1} KiB in blocks, {:.2} KiB packed",
            (after.0 - before.0 - directories).max(0.0) / CREATES / 1024.0,
            (after.1 - before.1 - directories).max(0.0) / CREATES / 1024.0,
            (packed - before.0) / CREATES / 1024.0
        );
    }

    fn start(&self) {
        let start = |program: &Path, words: &[&str]| {
            let mut times: Vec<Duration> =
                (0..self.runs.max(50)).map(|_| timed(Command::new(program).args(words))).collect();
            median(&mut times)
        };
        let size = std::fs::metadata(bin()).unwrap().len() as f64 / 1024.0 / 1024.0;
        println!(
            "start of `true` {:.2} ms, of `orchestrator --version` {:.2} ms; {size:.1} MiB",
            ms(start(Path::new("true"), &[])),
            ms(start(bin(), &["--version"]))
        );
    }

    fn data(&self, size: usize) -> PathBuf {
        scene::data(self.dir.path(), size)
    }

    fn row(&self, name: &str, ours: impl Fn(usize) -> Command, theirs: impl Fn(usize) -> Command) {
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for number in 0..self.runs {
            our_times.push(timed(&mut ours(number)));
            their_times.push(timed(&mut theirs(number)));
        }
        print_row(name, median(&mut our_times), median(&mut their_times));
    }
}

/// Waits until ext4 has forgotten which files were deleted: for a minute or so it steps over each of their inodes
/// when a new file is made, which costs a millisecond a file after a `git gc` of ten thousand objects, ours and git's.
fn settle() {
    std::thread::sleep(Duration::from_secs(100));
}

/// So many calls by each of eight processes: how long all of them took, and each.
fn eight(each: usize, make: &(dyn Fn(usize, usize) -> Command + Sync)) -> (Duration, Vec<Duration>) {
    let start = Instant::now();
    let waits = std::thread::scope(|scope| {
        let processes: Vec<_> = (0..8)
            .map(|process| {
                scope.spawn(move || (0..each).map(|n| timed(&mut make(process, n))).collect::<Vec<_>>())
            })
            .collect();
        processes.into_iter().flat_map(|process| process.join().unwrap()).collect()
    });
    (start.elapsed(), waits)
}

fn commits(root: &Path) -> usize {
    output(&mut git_in(root, &["rev-list", "--count", "HEAD"])).trim().parse().unwrap()
}

fn bin() -> &'static Path {
    INSTALLED.get().unwrap()
}

fn program(root: &Path, words: &[&str]) -> Command {
    // Not `current_dir`: with it a process is started by a slower way than the shell is.
    let mut command = Command::new(bin());
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
    println!("{name:<44} {:>9.2} {:>9.2} {:>7.2}", ms(ours), ms(theirs), ms(ours) / ms(theirs));
}
