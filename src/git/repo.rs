//! Opening a repository, and what it is about: directories, `HEAD`, configuration.
//!
//! Refused with a sentence: what gix would open and misread (reftable, unknown extensions), SHA-256, and a
//! repository of somebody else that `safe.directory` does not allow. `GIT_INDEX_FILE` is not honoured.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use gix::bstr::ByteSlice as _;

use super::error::Doing;
use super::linked_lock::LinkedLock;
use super::promised::Promises;
use super::refs::PackedRefs;
use super::small;
use super::{GitError, Oid, OidMap};

/// A repository as seen from one worktree.
#[derive(Debug)]
pub(crate) struct Repo {
    pub(super) gix: gix::Repository,
    git_dir: PathBuf,
    common_dir: PathBuf,
    /// Where objects are written, absolute.
    pub(super) objects_dir: PathBuf,
    /// Objects that were written through this handle and not yet synced.
    pub(super) written: RefCell<Vec<Oid>>,
    /// The trees and commits that were read first: one mutation asks for the same few again and again.
    pub(super) read: RefCell<OidMap<(gix::objs::Kind, Rc<[u8]>)>>,
    /// `packed-refs` as it was opened last.
    pub(super) packed_refs: RefCell<Option<Rc<PackedRefs>>>,
    /// How many objects were read from the object database.
    pub(super) objects_read: Cell<u64>,
    /// What may be fetched when it is first read.
    pub(super) promises: Promises,
    /// The commits right beyond the edge of a shallow clone.
    pub(super) beyond_edge: OnceCell<HashSet<Oid>>,
}

/// What is checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// A branch; none of its commits where it is unborn.
    Branch {
        /// `refs/heads/…`
        name: String,
        /// Its commit.
        id: Option<Oid>,
    },
    /// A commit.
    Detached {
        /// The commit.
        id: Oid,
    },
}

impl Head {
    /// The full name of the branch.
    pub(crate) fn branch(&self) -> Option<&str> {
        match self {
            Self::Branch { name, .. } => Some(name),
            Self::Detached { .. } => None,
        }
    }
}

/// A pattern that makes git ignore a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exclusion {
    /// The file it stands in.
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) line: usize,
    /// The pattern.
    pub(crate) pattern: String,
}

/// Read as they are written, whatever `git replace` shows in the place of an object: a commit made on top of what a
/// replacement shows would take away what it hides.
fn without_replacements(mut gix: gix::Repository) -> gix::Repository {
    gix.objects.ignore_replacements = true;
    gix
}

fn options() -> gix::open::Options {
    gix::open::Options::default().lossy_config(true)
}

impl Repo {
    /// The repository around `start`, as git finds it (`GIT_DIR`, `GIT_WORK_TREE` and
    /// `GIT_CEILING_DIRECTORIES` included).
    pub(crate) fn discover(start: &Path) -> Result<Self, GitError> {
        let trust = gix::sec::trust::Mapping { full: options(), reduced: options().bail_if_untrusted(true) };
        // A ceiling that is not above us limits nothing.
        let upwards =
            gix::discover::upwards::Options { match_ceiling_dir_or_error: false, ..Default::default() };
        let opened =
            gix::ThreadSafeRepository::discover_with_environment_overrides_opts(start, upwards, trust);
        match opened {
            Ok(found) => Self::from_gix(found.to_thread_local()),
            Err(error) => Err(Self::why_not(start, error)),
        }
    }

    /// The repository with this git directory or worktree.
    pub(crate) fn open(path: &Path) -> Result<Self, GitError> {
        let opened = options().open(path).doing("open the repository")?;
        Self::from_gix(opened.to_thread_local())
    }

    fn from_gix(gix: gix::Repository) -> Result<Self, GitError> {
        let gix = without_replacements(gix);
        let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let git_dir = absolute(gix.git_dir());
        let common_dir =
            if gix.common_dir() == gix.git_dir() { git_dir.clone() } else { absolute(gix.common_dir()) };
        check_format(gix.config_snapshot().plumbing())?;
        let objects = gix.objects.store_ref().path();
        let objects_dir = std::path::absolute(objects).map_err(GitError::io(objects))?;
        Ok(Self {
            gix,
            objects_dir,
            git_dir,
            common_dir,
            written: RefCell::default(),
            read: RefCell::default(),
            packed_refs: RefCell::default(),
            objects_read: Cell::new(0),
            promises: Promises::default(),
            beyond_edge: OnceCell::new(),
        })
    }

    /// Why a repository did not open: none there, of a kind that can't be used, or something else.
    fn why_not(start: &Path, error: gix::Error) -> GitError {
        // Absolute, since hints are pasted from anywhere.
        let start = &start.canonicalize().unwrap_or_else(|_| start.to_owned());
        let nearest = start.ancestors().find(|dir| dir.join(".git").exists() || dir.join("HEAD").is_file());
        let Some(directory) = nearest else { return GitError::NotARepository { path: start.to_owned() } };
        let config = gix::config::File::from_path_no_includes(
            directory.join(".git/config"),
            gix::config::Source::Local,
        );
        if let Ok(Err(unsupported)) = config.map(|config| check_format(&config)) {
            return unsupported;
        }
        if !gix::sec::identity::is_path_owned_by_current_user(directory).unwrap_or(true) {
            return GitError::Unsupported {
                what: format!("`{}` belongs to somebody else", directory.display()),
                hint: format!("git config --global --add safe.directory '{}'", directory.display()),
            };
        }
        GitError::Gix { doing: "open the repository", source: error.into() }
    }

    /// The git directory of this worktree.
    pub(crate) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that all worktrees share.
    pub(crate) fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The root of this worktree; none where the repository is bare.
    pub(crate) fn work_dir(&self) -> Option<PathBuf> {
        self.gix.workdir().map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }

    /// The root of the main worktree.
    pub(super) fn main_work_dir(&self) -> Option<PathBuf> {
        if self.git_dir == self.common_dir {
            return self.work_dir();
        }
        let main = Self::open(&self.common_dir).ok()?;
        main.work_dir()
    }

    /// What is checked out here, read from disk.
    pub(crate) fn head(&self) -> Result<Head, GitError> {
        read_head(self, &self.git_dir)
    }

    /// The full name of the branch that is checked out here, read from disk; none on a detached `HEAD`. The branch
    /// itself is not looked at.
    pub(crate) fn head_branch(&self) -> Result<Option<String>, GitError> {
        Ok(read_symbolic(&self.git_dir)?.ok())
    }

    /// A value of git's configuration.
    pub(crate) fn config_string(&self, key: &str) -> Option<String> {
        let value = self.gix.config_snapshot().string(key)?;
        Some(value.to_str_lossy().into_owned()).filter(|value| !value.is_empty())
    }

    /// Sets a value in the configuration that all worktrees share; everything else in the file stays. The
    /// caller holds the advisory lock. [`GitError::Contended`] if somebody else changes the configuration.
    pub(crate) fn set_config(&self, key: &str, value: &str) -> Result<(), GitError> {
        let path = self.common_dir.join("config");
        let lock = LinkedLock::take(&self.common_dir, "config", &path, b"", Instant::now())?;
        let mut config = gix::config::File::from_path_no_includes(path.clone(), gix::config::Source::Local)
            .doing("read the configuration")?;
        config.set_raw_value(key, value).doing("change the configuration")?;
        fs::write(lock.path(), config.to_bstring().as_slice()).map_err(GitError::io(lock.path()))?;
        let mode = fs::metadata(&path).map_err(GitError::io(&path))?.permissions();
        fs::set_permissions(lock.path(), mode).map_err(GitError::io(lock.path()))?;
        lock.publish(|lock| fs::rename(lock, &path).map_err(GitError::io(&path)))
    }

    /// What each remote's fetch brings where: the remote's name, and a refspec.
    pub(crate) fn fetch_specs(&self) -> Vec<(String, String)> {
        let config = self.gix.config_snapshot();
        let sections = config.plumbing().sections_by_name("remote").into_iter().flatten();
        sections
            .flat_map(|section| {
                let name = section.header().subsection_name().map(|name| name.to_str_lossy().into_owned());
                let specs = section.values("fetch").into_iter();
                specs.map(move |spec| (name.clone().unwrap_or_default(), spec.to_str_lossy().into_owned()))
            })
            .collect()
    }

    /// `user.name` and `user.email` as git takes them from its configuration; none if one is missing.
    pub(crate) fn identity(&self) -> Option<(String, String)> {
        Some((self.config_string("user.name")?, self.config_string("user.email")?))
    }

    /// The branch that others start from: the remote's `HEAD`, else what this machine starts with, else
    /// `main` or `master`, whichever exists. Its short name.
    pub(crate) fn default_branch(&self) -> Option<String> {
        let remote = fs::read_to_string(self.common_dir.join("refs/remotes/origin/HEAD")).ok();
        let of_remote =
            remote.as_deref().and_then(|text| text.trim().strip_prefix("ref: refs/remotes/origin/"));
        if let Some(name) = of_remote {
            return Some(name.to_owned());
        }
        let configured = self.config_string("init.defaultBranch");
        let names = configured.into_iter().chain(["main".to_owned(), "master".to_owned()]);
        let exists = |name: &String| matches!(self.read_ref(&format!("refs/heads/{name}")), Ok(Some(_)));
        names.into_iter().find(exists)
    }

    /// Whether git accepts this full name for a ref.
    pub(crate) fn is_valid_ref_name(&self, name: &str) -> bool {
        gix::refs::FullName::try_from(name).is_ok()
    }

    /// The pattern that makes git ignore `path` (a file), if one does.
    pub(crate) fn excluded_by(&self, path: &str) -> Result<Option<Exclusion>, GitError> {
        let Some(root) = self.gix.workdir() else { return Ok(None) };
        let index = self.gix.index_or_empty().doing("read the index")?;
        let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
        let mut stack = self.gix.excludes(&index, None, source).doing("read the ignore patterns")?;
        let platform = stack.at_path(Path::new(path), None).doing("read the ignore patterns")?;
        let Some(found) = platform.matching_exclude_pattern() else { return Ok(None) };
        if found.pattern.is_negative() {
            return Ok(None);
        }
        Ok(Some(Exclusion {
            file: found.source.map(|file| root.join(file)).unwrap_or_default(),
            line: found.sequence_number,
            pattern: found.pattern.to_string(),
        }))
    }
}

/// What the `HEAD` of a git directory has checked out, read from disk.
fn read_head(repo: &Repo, git_dir: &Path) -> Result<Head, GitError> {
    match read_symbolic(git_dir)? {
        Ok(name) => {
            let id = repo.read_ref(&name)?;
            Ok(Head::Branch { name, id })
        }
        Err(id) => Ok(Head::Detached { id }),
    }
}

/// The branch that a `HEAD` names, or the commit.
pub(super) fn read_symbolic(git_dir: &Path) -> Result<Result<String, Oid>, GitError> {
    let path = git_dir.join("HEAD");
    let text = small::read(&path).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    let text = text.map_err(GitError::io(&path))?;
    let text = text.trim_end();
    if let Some(name) = text.strip_prefix("ref:") {
        return Ok(Ok(name.trim().to_owned()));
    }
    match Oid::from_hex(text.as_bytes()) {
        Ok(id) => Ok(Err(id)),
        Err(_) => Err(GitError::Io {
            path,
            source: io::Error::new(io::ErrorKind::InvalidData, "it names no commit"),
        }),
    }
}

/// Refuses what gix opens and misreads, as git itself would refuse it. Only the repository's own part of the
/// configuration counts.
fn check_format(config: &gix::config::File) -> Result<(), GitError> {
    let is_own =
        |meta: &gix::config::file::Metadata| meta.source == gix::config::Source::Local && meta.level == 0;
    let version = config
        .string_filter("core.repositoryformatversion", is_own)
        .and_then(|text| text.to_str_lossy().parse().ok());
    let refuse = |what: String, hint: &str| Err(GitError::Unsupported { what, hint: hint.to_owned() });
    let version: u32 = version.unwrap_or(0);
    if version > 1 {
        return refuse(
            format!("this repository has format version {version}; 0 and 1 are known"),
            "git --version",
        );
    }
    for section in config.sections_by_name_and_filter("extensions", is_own).into_iter().flatten() {
        for name in section.value_names() {
            let key = name.to_ascii_lowercase();
            let value = section.value(&name).unwrap_or_default().to_str_lossy().to_ascii_lowercase();
            match key.as_str() {
                "refstorage" if value != "files" => {
                    return refuse(
                        format!("this repository stores its refs as {value}, which is not supported"),
                        "git refs migrate --ref-format=files",
                    );
                }
                "objectformat" if value != "sha1" => {
                    return refuse(
                        format!("this repository uses {value} for its object ids, which is not supported"),
                        "use a repository made with `git init --object-format=sha1`",
                    );
                }
                "noop" | "noop-v1" | "partialclone" | "preciousobjects" | "worktreeconfig" | "refstorage"
                | "objectformat" | "relativeworktrees" => {}
                _ if version == 0 => {}
                _ => {
                    return refuse(
                        format!(
                            "this repository has the extension `{}`, which is not known",
                            key.escape_debug()
                        ),
                        "git config --get-regexp extensions",
                    );
                }
            }
        }
    }
    Ok(())
}
