//! Signatures of commits, made by the program that git would call.
//!
//! `commit.gpgsign` says whether, `gpg.format` how (openpgp, x509, ssh), `gpg.program` and `gpg.<format>.program` with
//! what, `user.signingkey` or `gpg.ssh.defaultKeyCommand` with which key. The program may ask for a passphrase, so it
//! is given time and never called while anything is locked. What it does not sign is not written: there is no
//! unsigned commit where a signed one was asked for.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::bounded;
use super::environment;
use super::error::Doing as _;
use super::repo::Repo;
use super::{GitError, Signature};

/// How a commit is signed.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    format: Format,
    program: String,
    key: Option<String>,
    /// What names the key of an SSH signature where none is configured.
    key_command: Option<String>,
    /// Where paths of keys count from, as for git.
    root: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    OpenPgp,
    X509,
    Ssh,
}

impl Repo {
    /// How commits are to be signed here; none where they are not. Asks one value of the configuration where not.
    pub(crate) fn signer(&self) -> Result<Option<Signer>, GitError> {
        let config = self.gix.config_snapshot();
        if !config.boolean("commit.gpgsign").unwrap_or(false) {
            return Ok(None);
        }
        let (format, own, usual) = match self.config_string("gpg.format").as_deref() {
            None | Some("openpgp") => (Format::OpenPgp, "gpg.openpgp.program", "gpg"),
            Some("x509") => (Format::X509, "gpg.x509.program", "gpgsm"),
            Some("ssh") => (Format::Ssh, "gpg.ssh.program", "ssh-keygen"),
            Some(other) => return Err(refuse(format!("gpg.format is `{other}`; one of openpgp, x509, ssh"))),
        };
        // The older name of the setting is that of the oldest format.
        let older = (format == Format::OpenPgp).then(|| self.config_string("gpg.program")).flatten();
        let program = self.config_string(own).or(older).unwrap_or_else(|| usual.to_owned());
        Ok(Some(Signer {
            format,
            program: expanded(&program),
            key: self.config_string("user.signingkey"),
            key_command: self.config_string("gpg.ssh.defaultKeyCommand"),
            root: self.work_dir().unwrap_or_else(|| self.git_dir().to_owned()),
        }))
    }
}

impl Signer {
    /// The signature of a commit's bytes, as text of several lines. [`GitError::Unanswered`] where the program has
    /// not answered by `deadline`; it is ended then.
    pub(crate) fn sign(
        &self,
        payload: &[u8],
        committer: &Signature,
        deadline: Instant,
    ) -> Result<String, GitError> {
        let signature = match self.format {
            Format::OpenPgp | Format::X509 => self.sign_with_gpg(payload, committer, deadline)?,
            Format::Ssh => self.sign_with_ssh(payload, deadline)?,
        };
        // As git does: a program of another system may end its lines otherwise.
        let text = String::from_utf8_lossy(&signature).replace('\r', "");
        if text.trim().is_empty() {
            return Err(refuse(format!("`{}` gave no signature", self.program)));
        }
        Ok(text)
    }

    fn sign_with_gpg(
        &self,
        payload: &[u8],
        committer: &Signature,
        deadline: Instant,
    ) -> Result<Vec<u8>, GitError> {
        let committer = committer.to_gix();
        let key = self.key.clone().unwrap_or_else(|| format!("{} <{}>", committer.name, committer.email));
        let mut command = Command::new(&self.program);
        command.args(["--status-fd=2", "-bsau", &key]);
        let told = self.run(command, payload, deadline)?;
        let is_signed = told.err.lines().any(|line| line.starts_with("[GNUPG:] SIG_CREATED "));
        if told.status.success() && is_signed { Ok(told.out) } else { Err(self.failed(&told)) }
    }

    fn sign_with_ssh(&self, payload: &[u8], deadline: Instant) -> Result<Vec<u8>, GitError> {
        let key = match &self.key {
            Some(key) => key.clone(),
            None => self.default_key(deadline)?,
        };
        let scratch = tempfile::Builder::new().prefix("orchestrator-signing-").tempdir();
        let scratch = scratch.doing("make a directory for a signature")?;
        let buffer = scratch.path().join("commit");
        write(&buffer, payload)?;
        let mut command = Command::new(&self.program);
        command.args(["-Y", "sign", "-n", "git", "-f"]);
        match literal(&key) {
            Some(literal) => {
                let file = scratch.path().join("key");
                write(&file, format!("{literal}\n").as_bytes())?;
                command.arg(&file).arg("-U");
            }
            None => drop(command.arg(expanded(&key))),
        }
        command.arg(&buffer);
        let told = self.run(command, b"", deadline)?;
        if !told.status.success() {
            return Err(self.failed(&told));
        }
        let signature = scratch.path().join("commit.sig");
        bounded::file(&signature, LONGEST).map_err(GitError::io(&signature))
    }

    /// The first key that the configured command names.
    fn default_key(&self, deadline: Instant) -> Result<String, GitError> {
        let Some(line) = &self.key_command else {
            return Err(refuse(
                "neither user.signingkey nor gpg.ssh.defaultKeyCommand names a key to sign with".to_owned(),
            ));
        };
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        let told = self.run(command, b"", deadline)?;
        let out = String::from_utf8_lossy(&told.out).into_owned();
        let key = out.lines().next().filter(|first| told.status.success() && literal(first).is_some());
        key.map(str::to_owned)
            .ok_or_else(|| refuse(format!("gpg.ssh.defaultKeyCommand `{line}` named no key")))
    }

    fn failed(&self, told: &Told) -> GitError {
        let mut lines = told.err.lines().map(str::trim);
        let last = lines.rfind(|line| !line.is_empty() && !line.starts_with("[GNUPG:]"));
        let why = last.map(|line| format!(": {line}")).unwrap_or_default();
        refuse(format!("`{}` did not sign ({}){why}", self.program, told.status))
    }

    /// Runs a program to its end. What it writes goes to files, so that nobody waits for a pipe that a program started
    /// by it keeps open.
    fn run(&self, mut command: Command, input: &[u8], deadline: Instant) -> Result<Told, GitError> {
        let file = || tempfile::tempfile().doing("make a file for a signature");
        let (mut given, mut out, mut err) = (file()?, file()?, file()?);
        let filled = given.write_all(input).and_then(|()| given.seek(SeekFrom::Start(0)));
        filled.doing("write what is to be signed")?;
        let handle = |file: &File| file.try_clone().map(Stdio::from).doing("hand a file over");
        let named = |error: io::Error| refuse(format!("`{}` could not be started: {error}", self.program));
        let mut child = command
            .current_dir(&self.root)
            .stdin(handle(&given)?)
            .stdout(handle(&out)?)
            .stderr(handle(&err)?)
            .spawn()
            .map_err(named)?;
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = child.try_wait().doing("wait for a signature")? {
                break status;
            }
            if Instant::now() >= deadline {
                let _gone_already = child.kill();
                let _reaped = child.wait();
                return Err(GitError::Unanswered { program: self.program.clone() });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(16));
        };
        let read = |file: &mut File| -> Result<Vec<u8>, GitError> {
            let all = file.seek(SeekFrom::Start(0)).and_then(|_| bounded::bytes(file, LONGEST));
            all.doing("read a signature")
        };
        let (out, err) = (read(&mut out)?, read(&mut err)?);
        Ok(Told { status, out, err: String::from_utf8_lossy(&err).into_owned() })
    }
}

/// The most bytes of a signature, and of what the program says besides.
const LONGEST: usize = 1 << 20;

/// What a program said.
struct Told {
    status: ExitStatus,
    out: Vec<u8>,
    err: String,
}

fn refuse(why: String) -> GitError {
    GitError::Unsigned { why }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), GitError> {
    std::fs::write(path, bytes).map_err(GitError::io(path))
}

/// The key itself, where that is configured instead of a file with it.
fn literal(key: &str) -> Option<&str> {
    key.strip_prefix("key::").or_else(|| key.starts_with("ssh-").then_some(key))
}

/// A path with `~/` in front, as git understands it.
fn expanded(path: &str) -> String {
    let home = environment::variable("HOME").and_then(|home| home.into_string().ok());
    match path.strip_prefix("~/").zip(home) {
        Some((rest, home)) => format!("{home}/{rest}"),
        None => path.to_owned(),
    }
}

/// The commit's bytes with the signature as the last of its headers.
pub(super) fn with_signature(commit: &[u8], signature: &str) -> Vec<u8> {
    let end = commit.windows(2).position(|pair| pair == b"\n\n").map_or(commit.len(), |at| at + 1);
    let mut signed = commit[..end].to_vec();
    for (at, line) in signature.trim_end_matches('\n').lines().enumerate() {
        signed.extend_from_slice(if at == 0 { b"gpgsig " } else { b" " });
        signed.extend_from_slice(line.as_bytes());
        signed.push(b'\n');
    }
    signed.extend_from_slice(&commit[end..]);
    signed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_last_header_and_no_line_of_it_ends_them() {
        let commit = b"tree 1\nauthor a\ncommitter b\n\nSubject\n\nBody\n";
        let signed = with_signature(commit, "-----BEGIN\n\nabc\n-----END\n");
        let text = String::from_utf8(signed).unwrap();
        assert_eq!(
            text,
            "tree 1\nauthor a\ncommitter b\ngpgsig -----BEGIN\n \n abc\n -----END\n\nSubject\n\nBody\n"
        );
    }

    #[test]
    fn a_key_may_stand_in_the_configuration_itself() {
        assert_eq!(literal("key::ssh-ed25519 AAAA"), Some("ssh-ed25519 AAAA"));
        assert_eq!(literal("ssh-ed25519 AAAA"), Some("ssh-ed25519 AAAA"));
        assert_eq!(literal("/home/ada/.ssh/id_ed25519.pub"), None);
    }
}
