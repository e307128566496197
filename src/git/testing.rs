//! Plain git for tests, with nobody's own configuration.

use std::path::Path;
use std::process::Command;

use super::Repo;

/// Runs git there as Ada, who has no configuration; what it printed.
pub(crate) fn git(root: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(words);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    command.env("GIT_AUTHOR_NAME", "Ada").env("GIT_AUTHOR_EMAIL", "ada@example.org");
    command.env("GIT_COMMITTER_NAME", "Ada").env("GIT_COMMITTER_EMAIL", "ada@example.org");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A repository with one empty commit on `main`.
pub(crate) fn repository() -> (tempfile::TempDir, Repo) {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "Begin"]);
    std::fs::create_dir_all(dir.path().join(".git/orchestrator")).unwrap();
    let repo = Repo::discover(dir.path()).unwrap();
    (dir, repo)
}
