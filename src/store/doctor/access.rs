//! What of the git directory can't be used: told before a change fails on it.

use crate::git::{How, Repo, Unusable};
use crate::model::{Finding, listed, quoted};

use super::finding;

/// How many paths a command names.
const FEW: usize = 8;

pub(super) fn findings(repo: &Repo) -> Vec<Finding> {
    let all = repo.unusable();
    let of = |how: How| all.iter().filter(move |one| one.how == how);
    let mut found = Vec::new();
    for (how, word) in [(How::NoDirectory, "a directory"), (How::NoFile, "a file")] {
        // A ref that is in the way of others is told by its name, what is in the place of the lock by what it keeps from.
        let lock = crate::store::advisory::path(repo.common_dir());
        let is_told =
            |one: &&Unusable| one.path.starts_with(repo.common_dir().join("refs")) || one.path == lock;
        for one in of(how).filter(|one| !is_told(one)) {
            let name = one.path.file_name().unwrap_or_default().to_string_lossy();
            let aside = repo.common_dir().join(format!("aside-{name}"));
            found.push(finding(
                "in_the_way",
                place(one),
                format!("something else stands where {word} of git's or of ours belongs"),
                format!("mv {} {}", quoted(&place(one)), quoted(&aside.display().to_string())),
            ));
        }
    }
    let (own, foreign): (Vec<_>, Vec<_>) = of(How::Unwritable).partition(|one| repo.is_own(&one.path));
    if let Some(first) = own.first() {
        let fix = format!("chmod {}", on(repo, &own, "u+rwX"));
        found.push(finding("access", place(first), unwritable(&own), fix));
    }
    if let Some(first) = foreign.first() {
        let fix = match repo.sharing_commands() {
            // Those that it is shared with need permissions, and not each a file of his own.
            Some(commands) => format!("as the owner of what is there: {}", commands.join("; ")),
            None => format!("sudo chown {}", on(repo, &foreign, "\"$(id -u)\"")),
        };
        found.push(finding("access", place(first), unwritable(&foreign), fix));
    }
    let unshared: Vec<&Unusable> = of(How::Unshared).collect();
    if let (Some(first), Some(commands)) = (unshared.first(), repo.sharing_commands()) {
        let what = format!(
            "core.sharedRepository shares this repository, and {} of its files and directories lack permissions for that: {}",
            unshared.len(),
            described(&unshared)
        );
        let fix = format!("as their owner: {}", commands.join("; "));
        found.push(finding("shared_modes", place(first), what, fix));
    }
    found
}

fn place(one: &Unusable) -> String {
    one.path.display().to_string()
}

fn unwritable(all: &[&Unusable]) -> String {
    format!(
        "{} files and directories that a change may have to write can't be written: {}",
        all.len(),
        described(all)
    )
}

fn described(all: &[&Unusable]) -> String {
    listed(all.iter().map(|one| format!("{} (of user {}, mode {:04o})", place(one), one.owner, one.mode)))
}

/// What follows `chmod` or `chown`: the paths themselves where they are few, else all of the git directory.
fn on(repo: &Repo, all: &[&Unusable], what: &str) -> String {
    if all.len() > FEW {
        return format!("-R {what} {}", quoted(&repo.common_dir().display().to_string()));
    }
    let paths: Vec<String> = all.iter().map(|one| quoted(&place(one))).collect();
    format!("{what} {}", paths.join(" "))
}
