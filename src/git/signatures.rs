//! Signatures of commits, as git judges them.
//!
//! `git verify-commit` takes many commits and answers with one exit code; `git log --format=%G?` runs the same check
//! (`gpg.program`, `gpg.ssh.allowedSignersFile`, trust levels, whatever git is configured with) and answers for each
//! commit, in one process. What that says is taken as it is.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::repo::Repo;
use super::{GitError, Oid};

/// What git says of a commit's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// Good, by a key that it trusts.
    Good,
    /// Good, by a key that it knows nothing of.
    Untrusted,
    /// There is none.
    Missing,
    /// Bad, expired, revoked, or it could not be checked: the letter of `%G?`.
    Bad(char),
}

impl Signed {
    fn of(letter: char) -> Self {
        match letter {
            'G' => Self::Good,
            'U' => Self::Untrusted,
            'N' => Self::Missing,
            other => Self::Bad(other),
        }
    }
}

impl Repo {
    /// Of each of these commits, in their order.
    pub(crate) fn signatures(&self, commits: &[Oid]) -> Result<Vec<(Oid, Signed)>, GitError> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |error: std::io::Error| GitError::gix("run `git log --format=%G?`")(error.into());
        let mut child = Command::new("git")
            .arg("--git-dir")
            .arg(self.git_dir())
            .args([
                "-c",
                "log.showSignature=false",
                "log",
                "--no-walk=unsorted",
                "--stdin",
                "--format=%H %G?",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let input = child.stdin.take();
        let text: String = commits.iter().map(|id| format!("{id}\n")).collect();
        // git reads all of it before it answers.
        let fed = input.map_or(Ok(()), |mut input| input.write_all(text.as_bytes()));
        let output = child.wait_with_output().map_err(failed)?;
        fed.map_err(failed)?;
        if !output.status.success() {
            return Err(failed(std::io::Error::other(format!("it ended with {}", output.status))));
        }
        let told = String::from_utf8_lossy(&output.stdout);
        let lines = told.lines().filter_map(|line| line.split_once(' '));
        Ok(lines
            .filter_map(|(hex, letter)| {
                Some((Oid::from_hex(hex.as_bytes()).ok()?, Signed::of(letter.chars().next()?)))
            })
            .collect())
    }
}
