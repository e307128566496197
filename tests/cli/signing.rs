//! Signed commits: by the program that git would call, before any lock is taken, or not at all.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use super::support::{Sandbox, hermetic};

/// Whether a tool is here; where it is not, the test says so and proves nothing.
fn has(tool: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).stdout(Stdio::null()).status();
    let is_here = found.unwrap().success();
    if !is_here {
        println!("skipped: {tool} is not installed");
    }
    is_here
}

/// A board whose commits are signed with an SSH key of its own from now on.
fn with_ssh() -> Sandbox {
    let sandbox = Sandbox::board();
    let key = sandbox.home().join("key");
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f"]).arg(&key);
    assert!(make.status().unwrap().success());
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = sandbox.home().join("allowed");
    std::fs::write(&allowed, format!("ada@example.org {public}")).unwrap();
    sandbox.git(&["config", "gpg.format", "ssh"]);
    sandbox.git(&["config", "user.signingkey", &key.display().to_string()]);
    sandbox.git(&["config", "gpg.ssh.allowedSignersFile", &allowed.display().to_string()]);
    sandbox.git(&["config", "commit.gpgsign", "true"]);
    sandbox
}

/// A program that signs in its own way; `SIGNER` is the real one.
fn program(sandbox: &Sandbox, name: &str, script: &str) -> String {
    let path = sandbox.home().join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn every_commit_on_the_board_is_signed_and_verifies() {
    if !has("ssh-keygen") {
        return;
    }
    let sandbox = with_ssh();
    let begin = sandbox.git(&["rev-parse", "HEAD"]);
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "next", "w", "a"]).ok();
    sandbox.run(&["t", "complete", &id, "--agent", "a", "--result", "x"]).ok();
    sandbox.run(&["event", "log", "a", "measured"]).ok();
    sandbox.run(&["l", "acquire", "git", "a"]).ok();
    sandbox.run(&["undo"]).ok();
    let commits = sandbox.git(&["rev-list", &format!("{}..HEAD", begin.trim())]);
    assert_eq!(commits.lines().count(), 5);
    for commit in commits.lines() {
        sandbox.git(&["verify-commit", commit]);
    }
    sandbox.is_clean();
    // The key itself may stand in the configuration; it is asked of an agent then, and there is none.
    let public = std::fs::read_to_string(sandbox.home().join("key.pub")).unwrap();
    sandbox.git(&["config", "user.signingkey", &format!("key::{}", public.trim())]);
    sandbox.run(&["t", "add", "w", "x"]).code(1);
    // No key at all.
    sandbox.git(&["config", "--unset", "user.signingkey"]);
    let none = sandbox.run(&["t", "add", "w", "x"]).code(1);
    assert!(none.err.contains("names a key to sign with"), "{}", none.err);
    assert!(none.err.contains("hint: git config --show-origin"), "{}", none.err);
    sandbox.is_clean();
}

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _it_may_be_gone = self.0.kill();
        let _nobody_waits_for_it = self.0.wait();
    }
}

#[test]
fn the_key_that_a_command_names_is_asked_of_the_agent() {
    if !has("ssh-agent") {
        return;
    }
    let sandbox = with_ssh();
    // Short: a socket is in it.
    let home = tempfile::Builder::new().prefix("ssh").tempdir_in("/tmp").unwrap();
    let socket = home.path().join("agent");
    let mut agent = Command::new("ssh-agent");
    agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::piped());
    let mut agent = Running(agent.spawn().unwrap());
    // It says where it listens once it does.
    let mut first = String::new();
    BufReader::new(agent.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let mut add = Command::new("ssh-add");
    add.arg("-q").arg(sandbox.home().join("key")).env("SSH_AUTH_SOCK", &socket);
    assert!(add.status().unwrap().success());
    let public = std::fs::read_to_string(sandbox.home().join("key.pub")).unwrap();
    sandbox.git(&["config", "--unset", "user.signingkey"]);
    sandbox.git(&["config", "gpg.ssh.defaultKeyCommand", &format!("echo 'key::{}'", public.trim())]);
    let mut add = sandbox.command(&sandbox.root, &["t", "add", "w", "Pay"]);
    let output = add.env("SSH_AUTH_SOCK", &socket).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    sandbox.git(&["verify-commit", "HEAD"]);
    sandbox.git(&["config", "gpg.ssh.defaultKeyCommand", "echo nothing of the kind"]);
    let refused = sandbox.run(&["t", "add", "w", "x"]).code(1);
    assert!(refused.err.contains("named no key"), "{}", refused.err);
    sandbox.is_clean();
}

/// An S/MIME program is called as git calls it, and its signature stands where git looks for it.
#[test]
fn an_x509_program_signs_with_the_key_that_is_named() {
    let sandbox = Sandbox::board();
    let told = sandbox.home().join("told");
    let script = format!(
        "echo \"$@\" > '{}'\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED D' >&2\n\
         printf -- '-----BEGIN SIGNED MESSAGE-----\\nabc\\n-----END SIGNED MESSAGE-----\\n'",
        told.display()
    );
    sandbox.git(&["config", "commit.gpgsign", "true"]);
    sandbox.git(&["config", "gpg.format", "x509"]);
    sandbox.git(&["config", "gpg.x509.program", &program(&sandbox, "gpgsm", &script)]);
    sandbox.git(&["config", "user.signingkey", "0xADA"]);
    sandbox.run(&["t", "add", "w", "Pay"]).ok();
    assert_eq!(std::fs::read_to_string(told).unwrap(), "--status-fd=2 -bsau 0xADA\n");
    let commit = sandbox.git(&["cat-file", "commit", "HEAD"]);
    assert!(
        commit.contains("\ngpgsig -----BEGIN SIGNED MESSAGE-----\n abc\n -----END SIGNED MESSAGE-----\n"),
        "{commit}"
    );
    sandbox.is_clean();
}

#[test]
fn a_new_board_begins_with_a_signed_commit() {
    if !has("ssh-keygen") {
        return;
    }
    let sandbox = with_ssh();
    sandbox.git(&["switch", "-q", "--orphan", "fresh"]);
    sandbox.run(&["init"]).ok();
    sandbox.git(&["verify-commit", "HEAD"]);
}

#[test]
fn gpg_signs_as_the_committer() {
    if !has("gpg") {
        return;
    }
    let sandbox = Sandbox::board();
    // Short: an agent's socket is below it.
    let home = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let gpg = |words: &[&str]| {
        let mut command = Command::new("gpg");
        command.args(["--batch", "--quiet"]).args(words);
        hermetic(&mut command, sandbox.home());
        command.env("GNUPGHOME", home.path()).stderr(Stdio::null()).status().unwrap().success()
    };
    let made = gpg(&["--passphrase", "", "--quick-generate-key", "Ada <ada@example.org>", "ed25519", "sign"]);
    assert!(made, "no key could be made");
    sandbox.git(&["config", "commit.gpgsign", "true"]);
    let mut add = sandbox.command(&sandbox.root, &["t", "add", "w", "Pay"]);
    let output = add.env("GNUPGHOME", home.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut verify = Command::new("git");
    verify.args(["verify-commit", "HEAD"]).current_dir(&sandbox.root);
    hermetic(&mut verify, sandbox.home());
    let verified = verify.env("GNUPGHOME", home.path()).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
    let _no_agent_is_left =
        Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home.path()).status();
}

/// What is not signed is not written, whatever the program does.
#[test]
fn a_program_that_does_not_sign_changes_nothing() {
    let sandbox = Sandbox::board();
    sandbox.git(&["config", "commit.gpgsign", "true"]);
    let state = || (sandbox.git(&["for-each-ref"]), sandbox.work());
    let before = state();
    for (script, code, said) in [
        ("echo 'no secret key' >&2; exit 2", 1, "no secret key"),
        ("exit 0", 1, "did not sign"),
        ("echo '[GNUPG:] SIG_CREATED x' >&2", 1, "gave no signature"),
        ("exec sleep 60", 3, "gave no signature in time"),
    ] {
        let program = program(&sandbox, "signer", script);
        sandbox.git(&["config", "gpg.program", &program]);
        let refused = sandbox.run(&["t", "add", "w", "Pay", "--timeout", "1s"]).code(code);
        assert!(refused.err.contains(said), "{script}: {}", refused.err);
        assert_eq!(state(), before, "{script}");
    }
    sandbox.git(&["config", "gpg.program", "/nowhere/gpg"]);
    let refused = sandbox.run(&["t", "add", "w", "Pay"]).code(1);
    assert!(refused.err.contains("could not be started"), "{}", refused.err);
    sandbox.git(&["config", "gpg.format", "wax"]);
    assert!(sandbox.run(&["t", "add", "w", "Pay"]).code(1).err.contains("gpg.format is `wax`"));
    // What writes no commit on the board needs no signature.
    sandbox.git(&["config", "--unset", "gpg.format"]);
    sandbox.run(&["l", "acquire", "git", "a"]).ok();
    sandbox.run(&["status"]).ok();
    sandbox.is_clean();
}

/// The program that signs may call us: nothing is locked meanwhile. What it adds moves the board, so the outer change
/// is planned and signed once more, on top of it.
#[test]
fn no_lock_is_held_while_signing() {
    if !has("ssh-keygen") {
        return;
    }
    let sandbox = with_ssh();
    let ours = env!("CARGO_BIN_EXE_orchestrator");
    let mark = sandbox.home().join("called");
    let script = format!(
        "if [ ! -e '{0}' ]; then : > '{0}'; '{ours}' t add w Inner >/dev/null || exit 9; fi\nexec ssh-keygen \"$@\"",
        mark.display()
    );
    let program = program(&sandbox, "signer", &script);
    sandbox.git(&["config", "gpg.ssh.program", &program]);
    sandbox.run(&["t", "add", "w", "Outer", "--timeout", "20s"]).ok();
    let titles = sandbox.git(&["log", "-2", "--format=%s"]);
    let words: Vec<&str> = titles.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(words, ["Outer", "Inner"]);
    for commit in ["HEAD", "HEAD~1"] {
        sandbox.git(&["verify-commit", commit]);
    }
    sandbox.is_clean();
}

/// Four who sign at once, with a program that takes its time: all get through, each once.
#[test]
fn those_who_sign_at_once_all_get_through() {
    if !has("ssh-keygen") {
        return;
    }
    let sandbox = with_ssh();
    let program = program(&sandbox, "signer", "sleep 0.05\nexec ssh-keygen \"$@\"");
    sandbox.git(&["config", "gpg.ssh.program", &program]);
    let before: usize = sandbox.git(&["rev-list", "--count", "HEAD"]).trim().parse().unwrap();
    std::thread::scope(|scope| {
        for agent in 0..4 {
            let sandbox = &sandbox;
            scope.spawn(move || {
                for task in 0..3 {
                    sandbox.run(&["t", "add", "w", &format!("Task {agent}-{task}")]).ok();
                }
            });
        }
    });
    let after: usize = sandbox.git(&["rev-list", "--count", "HEAD"]).trim().parse().unwrap();
    assert_eq!(after - before, 12);
    for commit in sandbox.git(&["rev-list", "-12", "HEAD"]).lines() {
        sandbox.git(&["verify-commit", commit]);
    }
    assert_eq!(sandbox.json(&["t", "list", "w"]).as_array().unwrap().len(), 12);
}
