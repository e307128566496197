//! The user's work is sacred: every state that it can be in, before and after every command.

use std::collections::BTreeMap;
use std::process::Command;

use super::support::{Sandbox, hermetic};

/// A state of the user's work, made after the board is there.
type State = (&'static str, fn(&Sandbox));

fn dirty(sandbox: &Sandbox) {
    sandbox.write("staged.txt", "staged\n");
    sandbox.git(&["add", "staged.txt"]);
    sandbox.write("both.txt", "staged\n");
    sandbox.git(&["add", "both.txt"]);
    sandbox.write("both.txt", "staged, then modified\n");
    sandbox.write("modified.txt", "modified\n");
    std::fs::remove_file(sandbox.root.join("deleted.txt")).unwrap();
    sandbox.git(&["rm", "-q", "removed.txt"]);
    sandbox.git(&["mv", "old-name.txt", "new-name.txt"]);
    sandbox.write("untracked.txt", "untracked\n");
}

const STATES: &[State] = &[
    ("staged, modified, deleted, renamed, untracked", dirty),
    ("intent to add", |sandbox| {
        sandbox.write("later.txt", "later\n");
        sandbox.git(&["add", "-N", "later.txt"]);
    }),
    ("skip-worktree and assume-unchanged", |sandbox| {
        sandbox.git(&["update-index", "--skip-worktree", "modified.txt"]);
        sandbox.git(&["update-index", "--assume-unchanged", "both.txt"]);
        sandbox.write("modified.txt", "hidden\n");
        sandbox.write("both.txt", "hidden\n");
    }),
    ("split index", |sandbox| {
        sandbox.git(&["update-index", "--split-index"]);
        dirty(sandbox);
    }),
    ("sparse checkout", |sandbox| {
        sandbox.git(&["sparse-checkout", "set", "--no-cone", "/*", "!/deep/"]);
        dirty(sandbox);
    }),
    ("sparse checkout without the board", |sandbox| {
        sandbox.git(&["sparse-checkout", "set", "--no-cone", "/*", "!/.orchestrator/"]);
        dirty(sandbox);
    }),
    ("untracked cache", |sandbox| {
        sandbox.git(&["update-index", "--force-untracked-cache"]);
        dirty(sandbox);
        sandbox.git(&["status"]);
    }),
    ("submodule", |sandbox| {
        let other = sandbox.home().join("other");
        sandbox.git(&["clone", "-q", ".", other.to_str().unwrap()]);
        let add = ["-c", "protocol.file.allow=always", "submodule", "add", "-q", "../other", "module"];
        sandbox.git(&add);
        dirty(sandbox);
    }),
    ("stash", |sandbox| {
        sandbox.write("modified.txt", "stashed\n");
        sandbox.git(&["stash", "-q"]);
        dirty(sandbox);
    }),
    ("attributes that rewrite bytes", |sandbox| {
        sandbox.write(".gitattributes", "* text=auto eol=crlf\nmodified.txt filter=upper\n");
        sandbox.git(&["config", "filter.upper.clean", "tr a-z A-Z"]);
        sandbox.git(&["config", "filter.upper.smudge", "tr A-Z a-z"]);
        sandbox.git(&["add", ".gitattributes"]);
        dirty(sandbox);
    }),
    ("executable bits and links", |sandbox| {
        std::os::unix::fs::symlink("modified.txt", sandbox.root.join("link")).unwrap();
        sandbox.git(&["add", "link"]);
        sandbox.git(&["update-index", "--chmod=+x", "modified.txt"]);
    }),
    ("conflict of a stash", |sandbox| {
        sandbox.write("modified.txt", "stashed\n");
        sandbox.git(&["stash", "-q"]);
        sandbox.write("modified.txt", "committed\n");
        sandbox.git(&["commit", "-q", "-am", "Committed"]);
        let mut pop = Command::new("git");
        pop.args(["stash", "pop"]).current_dir(&sandbox.root);
        hermetic(&mut pop, sandbox.home());
        assert!(!pop.output().unwrap().status.success());
        assert!(sandbox.git(&["status", "--porcelain"]).contains("UU modified.txt"));
    }),
];

/// Each command once, in an order in which all can be carried out. `{}` is a task's id.
const COMMANDS: &[&[&str]] = &[
    &["init"],
    &["status"],
    &["ws", "create", "v", "Another", "2"],
    &["ws", "list"],
    &["ws", "show", "w"],
    &["ws", "update", "v", "--status", "closed"],
    &["t", "add", "w", "New"],
    &["t", "list"],
    &["t", "show", "{}"],
    &["a", "register", "agent-1", "worker"],
    &["a", "heartbeat", "agent-1"],
    &["a", "list"],
    &["t", "claim", "w", "{}", "agent-1"],
    &["t", "block", "{}", "--reason", "waits"],
    &["t", "unblock", "{}"],
    &["t", "release", "{}", "--agent", "agent-1"],
    &["t", "update", "{}", "--title", "Renamed"],
    &["t", "cancel", "{}", "--reason", "no"],
    &["t", "reopen", "{}"],
    &["t", "next", "w", "agent-1"],
    &["t", "complete", "{}", "--result", "done"],
    &["l", "acquire", "git", "agent-1"],
    &["l", "list"],
    &["l", "show", "git"],
    &["l", "release", "git", "agent-1"],
    &["kb", "write", "api/errors", "JSON"],
    &["kb", "read", "api/errors"],
    &["kb", "list"],
    &["kb", "search", "json"],
    &["kb", "delete", "api/errors"],
    &["event", "log", "agent-1", "deployed"],
    &["events"],
    &["plan"],
    &["brief", "w"],
    &["collect"],
    &["export", "state"],
    &["export", "events"],
    &["export", "all", "../data"],
    &["import", "../data"],
    &["doctor"],
    &["git", "--", "status"],
];

/// All that is the user's: the index but for the board, the differences, the stash, the bytes of the files.
fn work(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let outside = ["--", ".", ":!.orchestrator"];
    for words in
        [&["ls-files", "--stage", "-v"][..], &["status", "--porcelain=v2"], &["diff"], &["diff", "--cached"]]
    {
        let words: Vec<&str> = words.iter().chain(&outside).copied().collect();
        found.insert(format!("git {words:?}"), sandbox.git(&words).into_bytes());
    }
    found.insert("stash".to_owned(), sandbox.git(&["stash", "list", "--format=%H"]).into_bytes());
    let is_ours = |name: &std::ffi::OsStr| name == ".git" || name == ".orchestrator";
    let walk =
        walkdir::WalkDir::new(&sandbox.root).into_iter().filter_entry(|entry| !is_ours(entry.file_name()));
    for entry in walk.map(Result::unwrap).filter(|entry| entry.file_type().is_file()) {
        found.insert(entry.path().display().to_string(), std::fs::read(entry.path()).unwrap());
    }
    found
}

#[test]
fn nothing_of_the_users_changes_whatever_is_run() {
    let mut checks = 0;
    for (state, make) in STATES {
        let sandbox = Sandbox::new();
        for name in ["both", "modified", "deleted", "removed", "old-name"] {
            sandbox.write(&format!("{name}.txt"), &format!("{name}\n"));
        }
        std::fs::create_dir(sandbox.root.join("deep")).unwrap();
        sandbox.write("deep/file.txt", "deep\n");
        sandbox.git(&["add", "."]);
        sandbox.git(&["commit", "-q", "-m", "Files"]);
        sandbox.run(&["init"]).ok();
        sandbox.run(&["ws", "create", "w"]).ok();
        let id = sandbox.add("Pay");
        make(&sandbox);
        let before = work(&sandbox);
        for words in COMMANDS {
            let words: Vec<&str> =
                words.iter().map(|word| if *word == "{}" { id.as_str() } else { word }).collect();
            let answer = sandbox.run(&words);
            assert!(matches!(answer.code, 0 | 1), "{state}: {words:?}: {answer:?}");
            let after = work(&sandbox);
            for (what, bytes) in &before {
                let now = after.get(what).map(|bytes| String::from_utf8_lossy(bytes));
                let then = String::from_utf8_lossy(bytes);
                assert_eq!(now.as_deref(), Some(&*then), "{state}: {words:?}: {what}");
            }
            assert_eq!(after.len(), before.len(), "{state}: {words:?}");
            // The board's own files are in step with HEAD, or kept away by a sparse checkout.
            let board = sandbox.git(&["status", "--porcelain", "--", ".orchestrator"]);
            assert_eq!(board, "", "{state}: {words:?}");
            checks += 1;
        }
        sandbox.is_clean();
    }
    assert_eq!(checks, STATES.len() * COMMANDS.len());
    println!("{checks} checks, 0 differences");
}
