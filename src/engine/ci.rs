//! `init --ci`: the workflow that checks the board in pull requests and shows what changed on it.
//!
//! A workflow decides what runs with the repository's rights, so it is planted and never committed: it stands in the
//! worktree, untracked, for its owner to read, fill in and commit. A file that is there already is left as it is,
//! whatever is in it; nothing is written through a link.

use crate::git::Repo;
use crate::git::bounded;
use crate::model::{Code, Refusal};
use crate::store;

use super::options::Options;
use super::outlet::Outlet;

/// Whose CI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CiHost {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
}

/// What was planted, from the worktree's root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    /// Files that were written.
    pub written: Vec<String>,
    /// Files that were there already, and are as they were.
    pub kept: Vec<String>,
    /// What is left to do, a sentence each.
    pub next: Vec<String>,
}

const INCLUDED: &str = ".gitlab/orchestrator.yml";
const INCLUDING: &str = ".gitlab-ci.yml";

/// Plants the workflow for `host` into the worktree around `options.start`.
pub fn plant_ci(options: &Options, host: CiHost) -> Result<Planted, Refusal> {
    let repo = Repo::discover(&options.start).map_err(store::refusal_of)?;
    let Some(root) = repo.work_dir() else {
        return Err(Refusal::new(
            Code::RepositoryState,
            "this repository is bare: there is no place for a workflow",
        )
        .hint("orchestrator init --ci github    (in a clone with a worktree)"));
    };
    let files: &[(&str, &str)] = match host {
        CiHost::Github => {
            &[(".github/workflows/orchestrator.yml", include_str!("../../templates/ci/github.yml"))]
        }
        CiHost::Gitlab => &[
            (INCLUDED, include_str!("../../templates/ci/gitlab.yml")),
            (INCLUDING, include_str!("../../templates/ci/gitlab-ci.yml")),
        ],
    };
    let mut planted = Planted::default();
    let place = Outlet::at(&root);
    for (path, text) in files {
        if place.write_new(path, text.as_bytes())? {
            planted.written.push((*path).to_owned());
        } else {
            planted.kept.push((*path).to_owned());
        }
    }
    if let Some(first) = planted.written.first() {
        planted.next.push(format!("fill in ORCHESTRATOR_GIT and ORCHESTRATOR_REV in {first}, and commit it"));
    }
    let includes = || {
        let text = bounded::file(&root.join(INCLUDING), LONGEST);
        text.is_ok_and(|text| String::from_utf8_lossy(&text).contains(INCLUDED))
    };
    if planted.kept.iter().any(|path| path == INCLUDING) && !includes() {
        planted.next.push(format!("add to {INCLUDING}, under `include:`, the line `  - local: {INCLUDED}`"));
    }
    Ok(planted)
}

/// How much of a file that was there already is looked at.
const LONGEST: usize = 4 << 20;
