//! Opening a repository, and what it is about: directories, `HEAD`, configuration.
//!
//! Refused with a sentence: what gix would open and misread (reftable, unknown extensions), SHA-256, and a
//! repository of somebody else that `safe.directory` does not allow. What the environment may say is listed in
//! [`environment`].

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use gix::bstr::ByteSlice as _;

use super::discovery::{self, Found, How};
use super::environment;
use super::error::Doing;
use super::linked_lock::LinkedLock;
use super::ownership::{check_bare, foreign, has_lost_worktree, is_own};
use super::promised::Promises;
use super::refs::PackedRefs;
use super::shared;
use super::small;
use super::work_tree::{self, WorkTree};
use super::{GitError, Oid, OidMap};

/// A repository as seen from one worktree.
#[derive(Debug)]
pub(crate) struct Repo {
    pub(super) gix: gix::Repository,
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_tree: WorkTree,
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

fn options() -> Result<gix::open::Options, GitError> {
    let options = gix::open::Options::default().lossy_config(true);
    Ok(options.cli_overrides(environment::config_parameters()?))
}

impl Repo {
    /// The repository around `start`, as git finds it, with what the environment says of it.
    pub(crate) fn discover(start: &Path) -> Result<Self, GitError> {
        let start = discovery::start(start)?;
        let found = discovery::find(&start)?;
        // Who opens what belongs to somebody else has to have said so; who names it has. A worktree that the environment
        // names need not be there, so that the owner of the git directory alone is asked for then.
        let is_named = found.how == How::Named;
        let names_tree = environment::variable("GIT_WORK_TREE").is_some();
        let options = options()?.open_path_as_is(true).bail_if_untrusted(!is_named && !names_tree);
        let options = if is_named { options.with(gix::sec::Trust::Full) } else { options };
        if names_tree && !is_named && !is_own(&found.entrance) {
            return Err(foreign(&found.entrance));
        }
        let opened = match options.open(&found.entrance) {
            // A worktree that is configured and not there has no owner either: what can be read is, as git does.
            Err(_) if is_own(&found.entrance) && has_lost_worktree(&found.entrance) => {
                self::options()?.open_path_as_is(true).open(&found.entrance)
            }
            opened => opened,
        };
        let opened = opened.map_err(|error| Self::why_not(&found, error))?;
        let mut gix = opened.to_thread_local();
        if found.how == How::Around {
            check_bare(&gix, &found.entrance)?;
        }
        if let Some(objects) = environment::objects(&start).open(&gix.common_dir().join("objects"))? {
            gix.objects = objects;
        }
        let found = |gix: &gix::Repository, git_dir: &Path, common_dir: &Path| {
            work_tree::of_found(gix.config_snapshot().plumbing(), git_dir, common_dir, &found, &start)
        };
        let repo = Self::from_gix(gix, found)?;
        if let Some(named) = environment::path("GIT_COMMON_DIR", &start)
            && named.canonicalize().ok().as_ref() != Some(&repo.common_dir)
        {
            return Err(GitError::Unsupported {
                what: format!(
                    "GIT_COMMON_DIR names `{}`, and `{}` belongs to `{}`",
                    named.display(),
                    repo.git_dir.display(),
                    repo.common_dir.display()
                ),
                hint: "unset GIT_COMMON_DIR".to_owned(),
            });
        }
        Ok(repo)
    }

    /// The repository with this git directory or worktree, whatever the environment names.
    pub(crate) fn open(path: &Path) -> Result<Self, GitError> {
        let opened = options()?.open(path).doing("open the repository")?;
        Self::from_gix(opened.to_thread_local(), |gix, git_dir, common_dir| {
            work_tree::of_git_dir(gix.config_snapshot().plumbing(), git_dir, common_dir)
        })
    }

    fn from_gix(
        gix: gix::Repository,
        work_tree: impl FnOnce(&gix::Repository, &Path, &Path) -> WorkTree,
    ) -> Result<Self, GitError> {
        let mut gix = without_replacements(gix);
        // It is about serving clones, and would be put before every name that is looked up here.
        gix.clear_namespace();
        let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let git_dir = absolute(gix.git_dir());
        let common_dir =
            if gix.common_dir() == gix.git_dir() { git_dir.clone() } else { absolute(gix.common_dir()) };
        check_format(gix.config_snapshot().plumbing())?;
        let sharing = gix.config_snapshot().string("core.sharedRepository");
        let sharing = sharing.map(|value| value.to_str_lossy().into_owned());
        shared::note(&common_dir, sharing.as_deref()).map_err(|what| GitError::Unsupported {
            what,
            hint: "git config --show-origin core.sharedRepository".to_owned(),
        })?;
        let objects = gix.common_dir().join("objects");
        let objects_dir = std::path::absolute(&objects).map_err(GitError::io(&objects))?;
        Ok(Self {
            work_tree: work_tree(&gix, &git_dir, &common_dir),
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

    /// Why a repository did not open: it is of a kind that can't be used, of somebody else, or something else.
    fn why_not(found: &Found, error: gix::Error) -> GitError {
        let directory = match &found.how {
            How::Within(directory) => directory,
            How::Named | How::Around => &found.entrance,
        };
        let config = gix::config::File::from_path_no_includes(
            found.entrance.join("config"),
            gix::config::Source::Local,
        );
        if let Ok(Err(unsupported)) = config.map(|config| check_format(&config)) {
            return unsupported;
        }
        if !is_own(directory) || !is_own(&found.entrance) {
            return foreign(directory);
        }
        if let Ok(target) = std::fs::read_link(found.entrance.join("HEAD")) {
            let target = target.display();
            return GitError::Unsupported {
                what: format!(
                    "`{}` is a symbolic link to `{target}`, which is no file: that branch is packed, or has no commit",
                    found.entrance.join("HEAD").display()
                ),
                hint: format!("git -c core.preferSymlinkRefs=false symbolic-ref HEAD {target}"),
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

    /// The root of this worktree; none where the repository is bare, or where it can't be reached from here.
    pub(crate) fn work_dir(&self) -> Option<PathBuf> {
        match &self.work_tree {
            WorkTree::At(path) => Some(path.clone()),
            WorkTree::Bare | WorkTree::NotFromHere => None,
        }
    }

    /// The worktree that belongs to it where we stand.
    pub(super) fn work_tree(&self) -> &WorkTree {
        &self.work_tree
    }

    /// The main worktree.
    pub(super) fn main_work_tree(&self) -> WorkTree {
        if self.git_dir == self.common_dir {
            return self.work_tree.clone();
        }
        work_tree::of_git_dir(self.gix.config_snapshot().plumbing(), &self.common_dir, &self.common_dir)
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

    /// A path in git's configuration; `~/` at its beginning is the home directory.
    pub(crate) fn config_path(&self, key: &str) -> Option<PathBuf> {
        self.gix.config_snapshot().trusted_path(key).ok().flatten()
    }

    /// Sets a value in the configuration that all worktrees share; everything else in the file stays. The
    /// caller holds the advisory lock. [`GitError::Contended`] if somebody else changes the configuration.
    pub(crate) fn set_config(&self, key: &str, value: &str) -> Result<(), GitError> {
        let path = small::behind_links(&self.common_dir.join("config"));
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

    /// The name and the address of the `author` or the `committer` as git takes them from its configuration; none if one
    /// is missing.
    pub(crate) fn identity(&self, role: &str) -> Option<(String, String)> {
        let value = |key: &str| {
            self.config_string(&format!("{role}.{key}"))
                .or_else(|| self.config_string(&format!("user.{key}")))
        };
        Some((value("name")?, value("email")?))
    }

    /// The branch that others start from: the remote's `HEAD`, else what this machine starts with, else
    /// `main` or `master`, whichever exists. Its short name.
    pub(crate) fn default_branch(&self) -> Option<String> {
        let remote = self.common_dir.join("refs/remotes/origin/HEAD");
        let remote = match small::link_to_ref(&remote) {
            Some(target) => Some(target),
            None => small::read(&remote).ok().and_then(|text| String::from_utf8(text).ok()),
        };
        let of_remote = remote.as_deref().map(|text| text.trim().trim_start_matches("ref: "));
        let of_remote = of_remote.and_then(|text| text.strip_prefix("refs/remotes/origin/"));
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
        let Some(root) = self.work_dir().filter(|root| root.is_dir()) else { return Ok(None) };
        let mut gix = self.gix.clone();
        gix.set_workdir(root.clone()).doing("read the ignore patterns")?;
        let index = gix.index_or_empty().doing("read the index")?;
        let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
        let mut stack = gix.excludes(&index, None, source).doing("read the ignore patterns")?;
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
    if let Some(name) = small::link_to_ref(&path) {
        return Ok(Ok(name));
    }
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
