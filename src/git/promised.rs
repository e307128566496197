//! Objects that a partial clone lacks, fetched as git fetches them.
//!
//! A clone made with `--filter` has promises in the place of objects: its promisor remote has them, and git fetches one
//! when it is first read. gix does not, so `git` itself is called, with the very words of git's own lazy fetch. As git
//! does, `GIT_NO_LAZY_FETCH` is honoured and all promisor remotes are asked, the one of `extensions.partialClone` last.
//! Nobody is asked for a password, and no longer is waited than the command may take.
//!
//! A whole repository never comes here: its objects are found. While locks are held nothing is fetched either: what is
//! lacking then is noted, for whoever holds the locks to let go of them, fetch, and begin again.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use gix::bstr::ByteSlice as _;

use super::Oid;
use super::child::run_for;
use super::environment;
use super::repo::Repo;

/// How long a fetch may take where nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many objects are asked for in one fetch.
const MOST: usize = 10_000;

/// Why an object is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Nobody promised it: the repository is damaged.
    Damage,
    /// The remotes that promised it did not give it.
    NotGiven {
        /// The remote that was asked last.
        remote: String,
        /// What git said.
        why: String,
    },
    /// `GIT_NO_LAZY_FETCH` forbids to fetch it from this remote.
    Forbidden {
        /// The remote that promised it.
        remote: String,
    },
    /// It was not fetched, since locks are held; it is noted.
    Noted,
}

/// What is known of promises, in one repository as one process sees it.
#[derive(Debug, Default)]
pub(super) struct Promises {
    /// The promisor remotes, in the order in which they are asked.
    remotes: OnceCell<Vec<String>>,
    patience: Cell<Option<Duration>>,
    /// Locks are held.
    is_held: Cell<bool>,
    /// What was lacking meanwhile.
    wanted: RefCell<BTreeSet<Oid>>,
    /// What the last fetch failed with. Where one object was not given, the next will not be either.
    failed: RefCell<Option<Lack>>,
    /// How many fetches there were.
    #[cfg(test)]
    pub(super) fetches: Cell<usize>,
}

/// While it lives nothing is fetched; what is lacking is noted.
pub(crate) struct Unfetched<'r>(&'r Repo);

impl Drop for Unfetched<'_> {
    fn drop(&mut self) {
        self.0.promises.is_held.set(false);
    }
}

impl Repo {
    /// Whether objects may be lacking here because a remote promises them: a partial clone.
    pub(crate) fn is_partial(&self) -> bool {
        !self.promisors().is_empty()
    }

    fn promisors(&self) -> &[String] {
        self.promises.remotes.get_or_init(|| {
            let config = self.gix.config_snapshot();
            let text = |value: &gix::bstr::BStr| value.to_str_lossy().into_owned();
            let sections = config.plumbing().sections_by_name("remote").into_iter().flatten();
            let mut names: Vec<String> = Vec::new();
            for section in sections {
                let Some(name) = section.header().subsection_name().map(text) else { continue };
                if config.boolean(format!("remote.{name}.promisor").as_str()) == Some(true)
                    && !names.contains(&name)
                {
                    names.push(name);
                }
            }
            if let Some(last) = config.string("extensions.partialClone") {
                let last = text(last.as_ref());
                names.retain(|name| *name != last);
                names.push(last);
            }
            // No remote, but an option of `git fetch`, if it were handed on.
            names.retain(|name| !name.is_empty() && !name.starts_with('-'));
            names
        })
    }

    /// How long one fetch of what is lacking may take.
    pub(crate) fn be_patient_for(&self, patience: Duration) {
        self.promises.patience.set(Some(patience));
    }

    /// Keeps from fetching, for as long as locks are held. What is lacking is noted: [`Repo::take_wanted`].
    pub(crate) fn without_fetching(&self) -> Unfetched<'_> {
        self.promises.is_held.set(true);
        Unfetched(self)
    }

    /// The first of what was lacking while nothing could be fetched.
    pub(crate) fn first_wanted(&self) -> Option<Oid> {
        self.promises.wanted.borrow().first().copied()
    }

    /// What was lacking while nothing could be fetched.
    pub(crate) fn take_wanted(&self) -> Vec<Oid> {
        std::mem::take(&mut *self.promises.wanted.borrow_mut()).into_iter().collect()
    }

    /// In a partial clone, fetches those of these objects that are lacking, all at once. It is to save time: an object
    /// that can't be had is told of when it is read.
    pub(crate) fn prefetch(&self, ids: impl IntoIterator<Item = Oid>) {
        if !self.is_partial() {
            return;
        }
        let lacking: BTreeSet<Oid> = ids.into_iter().filter(|id| !self.gix.has_object(*id)).collect();
        let lacking: Vec<Oid> = lacking.into_iter().collect();
        for part in lacking.chunks(MOST) {
            if self.fetch(part).is_err() {
                // One that is not to be had keeps the others from coming: they are asked for one by one.
                self.promises.failed.replace(None);
                return;
            }
        }
    }

    /// Fetches promised objects. [`Lack::Damage`] where nobody promises any.
    pub(crate) fn fetch(&self, ids: &[Oid]) -> Result<(), Lack> {
        let remotes = self.promisors();
        let Some(first) = remotes.first() else { return Err(Lack::Damage) };
        if self.promises.is_held.get() {
            self.promises.wanted.borrow_mut().extend(ids);
            return Err(Lack::Noted);
        }
        if let Some(lack) = self.promises.failed.borrow().clone() {
            return Err(lack);
        }
        let mut lack = Lack::Forbidden { remote: first.clone() };
        if !environment::is_said("GIT_NO_LAZY_FETCH") {
            for remote in remotes {
                match self.fetch_from(remote, ids) {
                    Ok(()) => return Ok(()),
                    Err(why) => lack = Lack::NotGiven { remote: remote.clone(), why },
                }
            }
        }
        self.promises.failed.replace(Some(lack.clone()));
        Err(lack)
    }

    /// One fetch, as git's own; else what git said.
    fn fetch_from(&self, remote: &str, ids: &[Oid]) -> Result<(), String> {
        #[cfg(test)]
        self.promises.fetches.set(self.promises.fetches.get() + 1);
        let told = |error: std::io::Error| error.to_string();
        let mut given = tempfile::tempfile().map_err(told)?;
        let list: String = ids.iter().map(|id| format!("{id}\n")).collect();
        given.write_all(list.as_bytes()).and_then(|()| given.seek(SeekFrom::Start(0))).map_err(told)?;
        // A file, so that nobody waits for a pipe that a program started by git keeps open.
        let mut err = tempfile::tempfile().map_err(told)?;
        let mut command = Command::new("git");
        command
            .arg("--git-dir")
            .arg(self.git_dir())
            .args(["-c", "fetch.negotiationAlgorithm=noop", "fetch", remote, "--quiet", "--no-tags"])
            .args(["--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none", "--stdin"])
            // Where paths of remotes count from, as for git.
            .current_dir(self.work_dir().unwrap_or_else(|| self.git_dir().to_owned()))
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(given)
            .stdout(Stdio::null())
            .stderr(err.try_clone().map_err(told)?);
        if environment::variable("SSH_ASKPASS").is_none() {
            // ssh asks at the terminal, unless a program is to ask; this one answers nothing.
            command.env("SSH_ASKPASS", "false").env("SSH_ASKPASS_REQUIRE", "force");
        }
        let patience = self.promises.patience.get().unwrap_or(PATIENCE);
        match run_for(&mut command, patience) {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(reason(&mut err, status)),
            Ok(None) => Err(format!("no answer within {} s (a longer wait: --timeout)", patience.as_secs())),
            Err(error) => Err(format!("`git` could not be started: {error}")),
        }
    }
}

/// What git said of its failure: its first `fatal:` or `error:`, else its last line.
fn reason(err: &mut File, status: std::process::ExitStatus) -> String {
    let mut bytes = Vec::new();
    let _what_there_is = err.seek(SeekFrom::Start(0)).and_then(|_| err.take(1 << 16).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let told = lines.iter().find_map(|line| {
        let said = ["fatal: ", "error: ", "remote: "].iter().find_map(|word| line.strip_prefix(word));
        said.map(str::to_owned)
    });
    told.or_else(|| lines.last().map(|line| (*line).to_owned()))
        .unwrap_or_else(|| format!("git fetch ended with {status}"))
}
