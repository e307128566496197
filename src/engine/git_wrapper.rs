//! `orchestrator git -- …`: an agent's own git command under our advisory lock.
//!
//! Every mutation of a checked-out board moves `HEAD`, and a plain `git commit` that overlaps one fails. Under
//! the lock it can't overlap. While it runs, our own mutations wait; inside it (in a hook, say) they are
//! refused at once instead of waiting for themselves.

use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::git::Repo;
use crate::model::{Code, Mint as _, Refusal};
use crate::store;

use super::env::{Env, LOCK_VARIABLE};
use super::options::Options;

/// Runs git with these arguments, whatever bytes they are made of, in `options.start` and answers its exit code.
///
/// A `commit` that would open an editor is refused: everybody would wait for it.
pub fn run_git(options: &Options, env: &Env, arguments: &[OsString]) -> Result<u8, Refusal> {
    if would_open_editor(arguments) {
        return Err(Refusal::new(
            Code::Usage,
            "this commit would open an editor while everybody else waits for the lock",
        )
        .hint("orchestrator git -- commit -m '<message>'    (or -F <file>)"));
    }
    let repo = Repo::discover(&options.start).map_err(store::refusal_of)?;
    let deadline = Instant::now() + Duration::from_millis(options.timeout.millis());
    let _held = store::hold(&repo, deadline).map_err(store::refusal_of)?;
    let status = Command::new("git")
        .args(arguments)
        .current_dir(&options.start)
        .env(LOCK_VARIABLE, env.nonce().as_str())
        .status()
        .map_err(|error| Refusal::new(Code::Unreadable, format!("`git` could not be run: {error}")))?;
    // Killed by a signal: what a shell would say.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(128))
}

fn would_open_editor(arguments: &[OsString]) -> bool {
    // An option is ASCII; what a text or a path says is not looked at.
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let mut words = words.iter().map(AsRef::as_ref);
    let mut command = words.next();
    while let Some(word) = command {
        match word {
            "-C" | "-c" => {
                words.next();
            }
            _ if word.starts_with('-') => {}
            _ => break,
        }
        command = words.next();
    }
    if command != Some("commit") {
        return false;
    }
    let rest: Vec<&str> = words.collect();
    let gives_message = |word: &str| {
        let long = ["--message", "--file", "--no-edit", "--reuse-message", "--fixup", "--dry-run", "--help"];
        let short = word.starts_with('-') && !word.starts_with("--") && word.contains(['m', 'F', 'C', 'h']);
        short || long.iter().any(|option| word == *option || word.starts_with(&format!("{option}=")))
    };
    !rest.iter().any(|word| gives_message(word)) || rest.iter().any(|word| matches!(*word, "-e" | "--edit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_commit_without_a_message_opens_an_editor() {
        let opens = |line: &str| would_open_editor(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in ["commit", "commit -a", "-C sub commit", "commit --amend", "commit -m x -e"] {
            assert!(opens(line), "{line}");
        }
        for line in [
            "commit -m x",
            "commit -am x",
            "commit -F f",
            "commit --amend --no-edit",
            "push",
            "-c a=b status",
        ] {
            assert!(!opens(line), "{line}");
        }
    }
}
