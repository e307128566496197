//! System calls that fail: each command that mutates, with one of its calls answered by an error, one run a point.
//!
//! The exit code is the truth: 0 means that the change is there, anything else that everything is as it was. What is
//! refused leaves nothing behind, neither for a reader nor for plain git; what could not be tidied up after a change is
//! told. The next command works, the user's work is as it was, and `git fsck` is silent.
//!
//! One thing is known to be wrong, and asked for as it is: see [`Fault::is_known`].
//!
//! The ordinary run takes a sample. To try more:
//!
//! ```text
//! FAULTS=all cargo test --profile sweep --test cli faults -- --nocapture   each call with each error, a quarter of an hour
//! SCENE=claim FAULT=openat:71:EIO …                           one, or all that begin so
//! ```
//!
//! Where `strace` can't trace, the test says so and checks nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use super::recovery::{Rehearsal, SCENES, Scene, can_trace, difference, leftovers, sweep_all};

/// What is tried, of the scenes that are killed too. With `SCENE`, any of them that begins with a board.
const TRIED: &[&str] = &["add", "claim", "claim, linked", "complete", "undo", "import", "delete"];
/// Of these, the closing of every directory that is read is in the sample.
const READERS: &[&str] = &["claim, linked", "import"];

/// A call that is to fail.
#[derive(PartialEq, Eq)]
struct Fault {
    call: String,
    /// Which of the calls of this name in its thread.
    n: usize,
    /// What it is to answer with.
    error: &'static str,
    /// The directory that is closed after it was read, where it is that.
    read: Option<String>,
}

impl Fault {
    fn name(&self) -> String {
        format!("{}:{}:{}", self.call, self.n, self.error)
    }

    /// The one that is known to be a bug, and not ours to mend: gix lists the packs with the standard library, which
    /// asserts that a directory can be closed.
    fn is_known(&self) -> bool {
        self.read.as_ref().is_some_and(|directory| directory.ends_with("/.git/objects/pack"))
    }
}

/// How a call can fail. Of those that only look, and those that close, nothing but the disk keeps them from working.
fn errors(call: &str, line: &str) -> &'static [&'static str] {
    match call {
        "openat" | "open" if line.contains("O_CREAT") => &["EIO", "EACCES", "ENOSPC", "EMFILE"],
        "openat" | "open" => &["EIO", "EACCES", "EMFILE"],
        "write" | "pwrite64" | "writev" | "ftruncate" | "fallocate" => &["EIO", "ENOSPC"],
        "link" | "linkat" | "rename" | "renameat" | "renameat2" | "mkdir" | "mkdirat" => {
            &["EIO", "EACCES", "ENOSPC"]
        }
        "unlink" | "unlinkat" | "rmdir" | "fchmod" | "utimensat" | "flock" => &["EIO", "EACCES"],
        "read" | "pread64" | "readv" | "lseek" | "fstat" | "stat" | "lstat" | "statx" | "newfstatat"
        | "getdents64" | "readlink" | "readlinkat" | "access" | "faccessat" | "faccessat2" | "fcntl"
        | "close" | "getcwd" => &["EIO"],
        _ => &[],
    }
}

/// The faults of a scene, in the order of the calls. What the loader does before the program begins is not ours.
fn faults(rehearsal: &Rehearsal) -> Vec<Fault> {
    rehearsal.reset();
    let trace = rehearsal.sandbox.home().with_extension("trace");
    assert!(rehearsal.traced(&["-y", "-o", trace.to_str().unwrap()]).status().unwrap().success());
    let text = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(trace).unwrap();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut reading: BTreeSet<String> = BTreeSet::new();
    let (mut found, mut has_begun) = (Vec::new(), false);
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        // The first thing that the program does.
        has_begun |= rest.contains("SIGXFSZ");
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() || !rest.contains('(') || rest.contains("resumed>") {
            continue;
        }
        let n = counts.entry((thread.to_owned(), name.clone())).or_default();
        *n += 1;
        let path = rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let read = (name == "close" && reading.remove(&path)).then(|| path.clone());
        if name == "getdents64" {
            reading.insert(path);
        }
        if has_begun {
            let fault = |error: &&'static str| Fault { call: name.clone(), n: *n, error, read: read.clone() };
            found.extend(errors(&name, rest).iter().map(fault));
        }
    }
    assert!(has_begun, "{text}");
    found.dedup();
    found
}

/// Lets one call fail; what is wrong then and afterwards.
fn point(
    rehearsal: &Rehearsal,
    scene: &Scene,
    fault: &Fault,
    states: &[String; 2],
    work: &str,
) -> Vec<String> {
    rehearsal.reset();
    let Fault { call, n, error, .. } = fault;
    let [before, after] = states;
    let inject = format!("inject={call}:error={error}:when={n}");
    let trace = format!("trace={call}");
    let options = ["-o", "/dev/null", "-e", trace.as_str(), "-e", &inject];
    let output = rehearsal.traced(&options).stderr(Stdio::piped()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut wrong = Vec::new();
    let mut expect = |is_so: bool, what: &str, found: &str| {
        if !is_so {
            wrong.push(format!("{}: {call}:{n}:{error}: {what}: {found} [{told}]", scene.name));
        }
    };
    let code = output.status.code().unwrap_or(-1);
    if fault.is_known() {
        // As wrong as it is, it changes nothing and says whose bug it is.
        expect(
            code == 70 && told.contains("unexpected error during closedir"),
            "it is mended?",
            &format!("{code}"),
        );
    } else {
        expect(matches!(code, 0..=5 | 74), "the exit code", &format!("{code}"));
    }
    let home = rehearsal.sandbox.home().canonicalize().unwrap();
    let is_told = told.contains("tries again");
    let left = leftovers(&home);
    expect(left.is_empty() || is_told, "files are left", &format!("{left:?}"));
    let journal = std::fs::metadata(home.join("repo/.git/orchestrator/lock")).map_or(0, |meta| meta.len());
    expect(journal == 0 || is_told, "the journal is left", &format!("{journal}"));
    let seen = rehearsal.state();
    // 74: it is done, and the answer could not be printed.
    let wanted = if matches!(code, 0 | 74) { after } else { before };
    expect(
        seen == *wanted,
        "the exit code is not the truth",
        &format!("{code}{}", difference(wanted, &seen)),
    );
    if left.is_empty() {
        let now = rehearsal.work();
        expect(now == work, "the user's work changed", &difference(work, &now));
    }
    let next = rehearsal.sandbox.run_in(&rehearsal.directory(), &["kb", "write", "after", "x"]);
    expect(next.code == 0, "the next command fails", &format!("{next:?}"));
    let left = leftovers(&home);
    expect(left.is_empty(), "files stay", &format!("{left:?}"));
    let now = rehearsal.state();
    expect(now == seen, "what was seen did not stay true", &difference(&seen, &now));
    if left.is_empty() {
        let now = rehearsal.work();
        expect(now == work, "the user's work has changed in the end", &difference(work, &now));
        let said = rehearsal.sandbox.git(&["fsck", "--strict", "--no-dangling"]);
        expect(said.is_empty(), "git fsck", &said);
    }
    wrong
}

/// How many points of a scene were tried, and what was wrong.
fn sweep(scene: &'static Scene, is_whole: bool) -> (usize, Vec<String>) {
    let rehearsal = Rehearsal::of(scene);
    let (before, work) = (rehearsal.state(), rehearsal.work());
    let all = faults(&rehearsal);
    let states = [before, rehearsal.state()];
    assert_ne!(states[0], states[1], "{} changes nothing", scene.name);
    let only = std::env::var("FAULT").ok();
    let chosen: Vec<&Fault> = match &only {
        Some(only) => all.iter().filter(|fault| fault.name().starts_with(only)).collect(),
        None if is_whole => all.iter().collect(),
        None => {
            // Spread over the scene, and never the same ones in two scenes.
            let spread = all.iter().skip(scene.name.len()).step_by(all.len() / 3);
            let is_reader = READERS.contains(&scene.name);
            spread.chain(all.iter().filter(|fault| is_reader && fault.read.is_some())).collect()
        }
    };
    let mut wrong = Vec::new();
    for fault in &chosen {
        wrong.extend(point(&rehearsal, scene, fault, &states, &work));
    }
    (chosen.len(), wrong)
}

#[test]
fn a_call_that_fails_refuses_or_is_outlived_and_the_exit_code_is_true() {
    if !can_trace() {
        return;
    }
    let is_whole = std::env::var("FAULTS").is_ok_and(|how| how == "all");
    let only = std::env::var("SCENE").ok();
    let is_tried = |scene: &&Scene| match &only {
        Some(only) => only == scene.name,
        None => TRIED.contains(&scene.name),
    };
    let scenes: Vec<&'static Scene> = SCENES.iter().filter(is_tried).collect();
    sweep_all(&scenes, &|scene| sweep(scene, is_whole));
}
