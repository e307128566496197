//! Packing objects in time.
//!
//! A mutation leaves six loose objects or more. Git packs them by itself after its own commits; ours it does not
//! see. So where git would, `git maintenance run --auto` is started, in the background and at most once a minute.
//! `gc.auto=0` and `maintenance.auto=false` keep it from starting, as they keep git, and so does
//! `orchestrator.maintenance=false`, for us alone.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::directory::items;
use super::repo::Repo;

/// How many loose objects git allows where nothing is configured.
const ALLOWED: u64 = 6700;
/// The directory that is looked at, as git does: the 256 are filled evenly.
const SAMPLE: &str = "objects/17";
/// How long nothing is started after something was.
const PAUSE: Duration = Duration::from_secs(60);

impl Repo {
    /// Whether git would pack by now. Costs the names in one directory.
    pub(crate) fn has_many_loose_objects(&self) -> bool {
        let count = items(&self.common_dir().join(SAMPLE)).map_or(0, |items| items.len()) as u64;
        // Nearly always: no configuration needs to be asked.
        if count <= 1 {
            return false;
        }
        let allowed = self.config_string("gc.auto").and_then(|text| text.parse::<i64>().ok());
        let allowed = allowed.map_or(ALLOWED, |allowed| u64::try_from(allowed).unwrap_or(0));
        let is_on =
            |key: &str| !matches!(self.config_string(key).as_deref(), Some("false" | "no" | "off" | "0"));
        allowed > 0
            && count > allowed.div_ceil(256)
            && is_on("maintenance.auto")
            && is_on("orchestrator.maintenance")
    }

    /// Starts git's maintenance, which goes on when this process has ended. Best effort: whoever comes next tries
    /// again.
    pub(crate) fn start_maintenance(&self, now: SystemTime) {
        let mark = self.common_dir().join("orchestrator/maintenance");
        let last = fs::metadata(&mark).and_then(|meta| meta.modified()).ok();
        // A clock that went back does not keep it from starting for ever.
        if last.is_some_and(|last| now.duration_since(last).is_ok_and(|ago| ago < PAUSE)) {
            return;
        }
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&mark);
        if opened.and_then(|file| file.set_modified(now)).is_err() {
            return;
        }
        let _nobody_waits = Command::new("git")
            .arg("--git-dir")
            .arg(self.common_dir())
            .args(["maintenance", "run", "--auto", "--quiet"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Not to be ended with the terminal's job that we belong to.
            .process_group(0)
            .spawn();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    #[test]
    fn packing_begins_where_git_would_begin_and_nobody_has_switched_it_off() {
        let (dir, _) = repository();
        let repo = || Repo::open(dir.path()).unwrap();
        let sample = dir.path().join(".git").join(SAMPLE);
        fs::create_dir_all(&sample).unwrap();
        for name in 0..27 {
            fs::write(sample.join(format!("{name:038x}")), "").unwrap();
        }
        for key in ["gc.auto", "maintenance.auto"] {
            let _unset =
                Command::new("git").arg("-C").arg(dir.path()).args(["config", "--unset", key]).status();
        }
        assert!(!repo().has_many_loose_objects());
        fs::write(sample.join("one-more"), "").unwrap();
        assert!(repo().has_many_loose_objects());
        for (key, value) in
            [("gc.auto", "0"), ("maintenance.auto", "false"), ("orchestrator.maintenance", "false")]
        {
            git(dir.path(), &["config", key, value]);
            assert!(!repo().has_many_loose_objects(), "{key}");
            git(dir.path(), &["config", "--unset", key]);
        }
        git(dir.path(), &["config", "gc.auto", "7000"]);
        assert!(!repo().has_many_loose_objects());
        git(dir.path(), &["config", "gc.auto", "100"]);
        assert!(repo().has_many_loose_objects());
    }
}
