//! Full disks, read-only ones, and what is no plain file: a sentence, an exit code, nothing half-written.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::support::Sandbox;

/// A small file system of its own below a sandbox, where one may be mounted.
struct Mounted<'a> {
    sandbox: &'a Sandbox,
}

impl<'a> Mounted<'a> {
    fn over(sandbox: &'a Sandbox) -> Option<Self> {
        let copy = sandbox.home().join("copy");
        assert!(Command::new("cp").arg("-a").arg(&sandbox.root).arg(&copy).status().unwrap().success());
        if !mount(&["-t", "tmpfs", "-o", "size=2m", "tmpfs"], &sandbox.root) {
            eprintln!("nothing can be mounted here: nothing was checked");
            return None;
        }
        let mounted = Self { sandbox };
        let from = copy.join(".");
        assert!(Command::new("cp").arg("-a").arg(from).arg(&sandbox.root).status().unwrap().success());
        Some(mounted)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _gone_with_the_machine = Command::new("umount").arg("-l").arg(&self.sandbox.root).status();
    }
}

fn mount(words: &[&str], at: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(words).arg(at).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    let Some(_mounted) = Mounted::over(&sandbox) else { return };
    let before = (sandbox.git(&["for-each-ref"]), sandbox.work());
    let filler = sandbox.root.join(".git/filler");
    let mut size = 4 << 20;
    // To the last byte, so that whatever is written first fails.
    while size > 0 {
        let bytes = vec![0_u8; size];
        let file = std::fs::OpenOptions::new().append(true).create(true).open(&filler);
        if file.and_then(|mut file| std::io::Write::write_all(&mut file, &bytes)).is_err() {
            size /= 2;
        }
    }
    for words in
        [&["t", "claim", "w", &id, "agent-1"][..], &["t", "add", "w", "New"], &["l", "acquire", "git", "ada"]]
    {
        let answer = sandbox.run(words);
        assert!(matches!(answer.code, 1 | 3), "{words:?}: {answer:?}");
        assert!(answer.err.contains("No space left on device"), "{words:?}: {answer:?}");
    }
    std::fs::remove_file(&filler).unwrap();
    assert_eq!((sandbox.git(&["for-each-ref"]), sandbox.work()), before);
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    sandbox.is_clean();
}

#[test]
fn a_read_only_repository_can_be_read_and_says_why_it_can_not_be_changed() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    let Some(_mounted) = Mounted::over(&sandbox) else { return };
    if !mount(&["-o", "remount,ro"], &sandbox.root) {
        return;
    }
    sandbox.run(&["status"]).ok();
    sandbox.run(&["--agent", "agent-1", "t", "list"]).ok();
    let answer = sandbox.run(&["t", "claim", "w", &id, "agent-1"]).code(1);
    assert!(answer.err.contains("Read-only file system"), "{answer:?}");
}

#[test]
fn what_is_no_plain_file_is_refused_and_never_waited_for() {
    let sandbox = Sandbox::board();
    let fifo = sandbox.root.join(".orchestrator/knowledge/api.md");
    std::fs::create_dir_all(fifo.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let began = Instant::now();
    let answer = sandbox.run(&["kb", "write", "api", "text"]);
    assert!(matches!(answer.code, 1 | 3), "{answer:?}");
    assert!(answer.err.contains(".orchestrator/knowledge/api.md"), "{answer:?}");
    // A directory of the way that is a link leads out of the worktree.
    std::fs::remove_file(&fifo).unwrap();
    std::fs::remove_dir(fifo.parent().unwrap()).unwrap();
    let outside = sandbox.home().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, fifo.parent().unwrap()).unwrap();
    let answer = sandbox.run(&["kb", "write", "api", "text"]);
    assert!(matches!(answer.code, 1 | 3), "{answer:?}");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    let data = sandbox.home().join("data");
    std::fs::create_dir(&data).unwrap();
    assert!(Command::new("mkfifo").arg(data.join("state.json")).status().unwrap().success());
    sandbox.run(&["import", data.to_str().unwrap()]).code(1);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn our_own_lock_is_waited_for_no_longer_than_was_said() {
    let sandbox = Sandbox::board();
    let lock = sandbox.root.join(".git/orchestrator/lock");
    let file = std::fs::File::open(&lock).unwrap();
    file.lock().unwrap();
    let began = Instant::now();
    let answer = sandbox.run(&["--timeout", "300ms", "t", "add", "w", "New"]).code(3);
    assert!(answer.err.contains("orchestrator/lock"), "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
    // Reading waits for nobody.
    sandbox.run(&["status"]).ok();
    drop(file);
    sandbox.run(&["t", "add", "w", "New"]).ok();
}
